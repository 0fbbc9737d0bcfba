//! Sylvester's equation over a batch, by the Schur forms of both matrices.

use super::super::ranges::Ranges;
use super::dense::{Operand, Room, product};
use super::quasi::sylvester as solve;
use super::schur::{decompose, finite, load, store};
use super::{Batch, Fault, Matrices, Shared, reals};
use crate::array::{View, ViewMut};
use crate::error::Result;

/// Numbers for one system.
fn room(m: usize, n: usize) -> usize {
    2 * (m * m + n * n + m * n) + 2 * m.max(n)
}

/// Bytes of scratch of [`sylvester`] for a batch of `count` systems with `m x n` unknowns.
pub fn sylvester_bytes(count: usize, m: usize, n: usize) -> usize {
    Batch::scratch_bytes(count, Room::bytes(0, room(m, n)))
}

/// The largest magnitude.
fn most(t: &[f64]) -> f64 {
    t.iter().fold(0.0f64, |m, x| m.max(x.abs()))
}

/// X of `a X + X b = q` over a batch: `a` is (..., m, m), `b` (..., n, n), `q` and `dst` (C-contiguous) are (..., m, n).
///
/// Infinities and NaN are an error of kind `LinAlg`, and so are an eigenvalue of `a` that is one of `-b`, and an iteration that does not
/// converge.
pub fn sylvester(ranges: &Ranges<'_>, op: &str, [a, b, q]: [View<'_>; 3], scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    let (Some(left), Some(right), Some(known)) = (Matrices::new(a), Matrices::new(b), Matrices::new(q)) else { return Ok(()) };
    let (m, n) = (known.m, known.n);
    let work = 2 * (m * m * m + n * n * n) + m * n * (m + n) + m + n;
    let batch = Batch { dims: known.batch, work, bytes: Room::bytes(0, room(m, n)) };
    reals!(q.dtype(), T => {
        let dst = Shared(dst.ptr().cast::<T>());
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: the scratch has the bytes of the room, and matrix `i` has m x n elements of its own.
            let (mut room, own) = unsafe { (Room::new(scratch, 0, room(m, n)), dst.part(i * m * n, m * n)) };
            let (r, u, s, v) = (room.take(m * m), room.take(m * m), room.take(n * n), room.take(n * n));
            let (f, spare, w) = (room.take(m * n), room.take(m * n), room.take(2 * m.max(n)));
            // SAFETY: there are such matrices; `u` and `v` are large enough for numbers of any of the two types.
            unsafe {
                load(&left, i, std::slice::from_raw_parts_mut(u.as_mut_ptr().cast::<T>(), m * m), r);
                load(&right, i, std::slice::from_raw_parts_mut(v.as_mut_ptr().cast::<T>(), n * n), s);
                load(&known, i, own, f);
            }
            finite(m, r)?;
            finite(n, s)?;
            finite(n, f)?;
            decompose(m, r, u, &mut w[..2 * m]).map_err(|_| Fault::no_convergence())?;
            decompose(n, s, v, &mut w[..2 * n]).map_err(|_| Fault::no_convergence())?;
            product([m, m, n], Operand(u, true), Operand(f, false), spare, false);
            product([m, n, n], Operand(spare, false), Operand(v, false), f, false);
            let tiny = f64::EPSILON * (most(r) + most(s));
            solve([m, n], r, s, f, tiny).map_err(|at| {
                let (x, y) = (r[at.row * m + at.row], s[at.column * n + at.column]);
                let got = format_args!("eigenvalues of real parts {x:e} and {y:e}");
                Fault::new("the equation is singular", got, "no eigenvalue of a that is one of -b")
            })?;
            product([m, m, n], Operand(u, false), Operand(f, false), spare, false);
            product([m, n, n], Operand(spare, false), Operand(v, true), f, false);
            store(f, own);
            Ok(())
        })
    })
}
