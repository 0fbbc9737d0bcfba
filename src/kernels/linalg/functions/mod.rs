//! Functions of square matrices, and their derivatives of every order.
//!
//! With matrices `e_i` that commute and whose squares vanish, `f(a + e_1 h_1 + .. + e_k h_k)` has the k-th derivative of `f` at `a` in the
//! directions `h_i` as the coefficient of `e_1 .. e_k`: the block triangular matrices of R. Mathias (1996) and of N. J. Higham and
//! S. D. Relton (2014), of which only what differs is computed. So a function written with products and systems in this ring has all
//! its derivatives.

mod exponential;
mod iterations;
pub mod ring;

use super::super::ranges::Ranges;
use super::dense::{Room, turn};
use super::factor::Real;
use super::schur::{decompose, finite, load, store};
use super::{Batch, Fault, Matrices, Shared, reals};
use crate::array::{View, ViewMut};
use crate::error::Result;
use ring::Ring;

/// A function of numbers, of which one of matrices is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Function {
    /// The exponential function.
    Exp,
    /// The principal logarithm.
    Log,
    /// The principal square root.
    Sqrt,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
    /// The hyperbolic sine.
    Sinh,
    /// The hyperbolic cosine.
    Cosh,
    /// The hyperbolic tangent.
    Tanh,
    /// The sign.
    Sign,
}

impl Function {
    /// The name of the function of matrices.
    pub const fn name(self) -> &'static str {
        match self {
            Function::Exp => "expm",
            Function::Log => "logm",
            Function::Sqrt => "sqrtm",
            Function::Sin => "sinm",
            Function::Cos => "cosm",
            Function::Sinh => "sinhm",
            Function::Cosh => "coshm",
            Function::Tanh => "tanhm",
            Function::Sign => "signm",
        }
    }

    /// The numbers that one matrix of length `n` with `k` directions needs.
    fn room(self, n: usize, k: usize) -> usize {
        let ring = Ring { n, k };
        match self {
            // Twice as long, with directions.
            Function::Sin | Function::Cos | Function::Sinh | Function::Cosh => {
                let ring = Ring { n: 2 * n, k };
                2 * ring.len() + exponential::room(ring)
            }
            Function::Exp | Function::Tanh => 2 * ring.len() + exponential::room(ring),
            Function::Log | Function::Sqrt | Function::Sign => 2 * ring.len() + iterations::room(ring) + 2 * n * n + 2 * n,
        }
    }

    /// The length of the systems that are solved.
    fn systems(self, n: usize) -> usize {
        match self {
            Function::Sin | Function::Cos | Function::Sinh | Function::Cosh => 2 * n,
            _ => n,
        }
    }

    /// `f(x)` in the ring, in place.
    fn apply(self, ring: Ring, x: &mut [f64], room: &mut Room<'_>) -> Result<(), Fault> {
        let n = ring.n;
        match self {
            Function::Exp => exponential::exponential(ring, x, room),
            Function::Tanh => exponential::tangent(ring, x, room),
            Function::Sign => iterations::sign(ring, x, room),
            Function::Sin | Function::Cos | Function::Sinh | Function::Cosh => {
                let double = Ring { n: 2 * n, k: ring.k };
                let big = room.take(double.len());
                let trigonometric = matches!(self, Function::Sin | Function::Cos);
                exponential::paired(ring, x, big, trigonometric);
                exponential::exponential(double, big, room)?;
                exponential::part(ring, big, x, matches!(self, Function::Sin | Function::Sinh));
                Ok(())
            }
            Function::Log | Function::Sqrt => {
                let (z, spare, w) = (room.take(n * n), room.take(n * n), room.take(2 * n));
                let (t, directions) = x.split_at_mut(n * n);
                decompose(n, t, z, w).map_err(|_| Fault::no_convergence())?;
                directions.chunks_exact_mut((n * n).max(1)).for_each(|h| turn(n, z, h, spare, false));
                if self == Function::Log {
                    iterations::logarithm(ring, x, room)?
                } else {
                    iterations::square_root(ring, x, room)?
                }
                x.chunks_exact_mut((n * n).max(1)).for_each(|y| turn(n, z, y, spare, true));
                Ok(())
            }
        }
    }
}

/// Bytes of scratch of [`function`] for a batch of `count` matrices with `k` directions.
pub fn function_bytes(f: Function, count: usize, n: usize, k: usize) -> usize {
    Batch::scratch_bytes(count, bytes(f, n, k))
}

fn bytes(f: Function, n: usize, k: usize) -> usize {
    Room::bytes(f.systems(n), f.room(n, k))
}

/// The derivative of `f` at the matrices `a` over a batch (..., n, n), in as many directions as there are `hs`: the function itself, if
/// there are none. All operands have the shape of `dst`, which is C-contiguous.
pub fn function(ranges: &Ranges<'_>, f: Function, a: View<'_>, hs: &[View<'_>], scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    let Some(matrices) = Matrices::new(a) else { return Ok(()) };
    let (n, k) = (matrices.n, hs.len());
    let directions: Vec<Matrices<'_>> = hs.iter().filter_map(|h| Matrices::new(*h)).collect();
    let ring = Ring { n, k };
    let work = (n * n * n * 4 + n).saturating_mul(ring.products());
    let batch = Batch { dims: matrices.batch, work, bytes: bytes(f, n, k) };
    reals!(a.dtype(), T => {
        let dst = Shared(dst.ptr().cast::<T>());
        batch.each(ranges, f.name(), scratch, &|i, scratch| {
            // SAFETY: the scratch has the bytes of the room, and matrix `i` has n x n elements of its own.
            let (mut room, own) = unsafe { (Room::new(scratch, f.systems(n), f.room(n, k)), dst.part(i * n * n, n * n)) };
            let x = room.take(ring.len());
            x.fill(0.0);
            // SAFETY: there is such a matrix, and room for it.
            unsafe { load(&matrices, i, own, ring.part_mut(x, 0)) };
            finite(n, ring.part(x, 0))?;
            for (j, h) in directions.iter().enumerate() {
                // SAFETY: as above.
                unsafe { load(h, i, own, ring.part_mut(x, 1 << j)) };
                finite(n, ring.part(x, 1 << j))?;
            }
            f.apply(ring, x, &mut room)?;
            let y = ring.part(x, (1 << k) - 1);
            store(y, own);
            match own.iter().position(|y| !y.is_finite()) {
                Some(at) => {
                    let got = format_args!("{} at ({}, {})", own[at].wide(), at / n, at % n);
                    Err(Fault::new("the result overflows", got, "a result of finite numbers"))
                }
                None => Ok(()),
            }
        })
    })
}
