//! Sylvester's equation over a batch, by the Schur forms of both matrices; and the system that the gradient of a Schur form leads to.

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

/// Bytes of scratch of [`commuted`] for a batch of `count` matrices.
pub fn commuted_bytes(count: usize, n: usize) -> usize {
    Batch::scratch_bytes(count, Room::bytes(0, 3 * n * n))
}

/// The strictly lower triangle `x` for which `t x - x t` has the strictly lower triangle of `r`, over a batch (..., n, n) of upper triangles
/// `t`; or `t^T x - x t^T`, the adjoint. `dst` is C-contiguous.
///
/// A `t` that is no triangle, or has equal elements on the diagonal, is an error of kind `LinAlg`.
pub fn commuted(
    ranges: &Ranges<'_>,
    op: &str,
    [t, r]: [View<'_>; 2],
    transpose: bool,
    scratch: &mut [u8],
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    let (Some(triangles), Some(right)) = (Matrices::new(t), Matrices::new(r)) else { return Ok(()) };
    let n = right.n;
    let batch = Batch { dims: right.batch, work: n * n * n + n, bytes: Room::bytes(0, 3 * n * n) };
    reals!(r.dtype(), T => {
        let noise = if size_of::<T>() == 8 { f64::EPSILON } else { f64::from(f32::EPSILON) };
        let dst = Shared(dst.ptr().cast::<T>());
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: the scratch has the bytes of the room, and matrix `i` has n x n elements of its own.
            let (mut room, own) = unsafe { (Room::new(scratch, 0, 3 * n * n), dst.part(i * n * n, n * n)) };
            let (t, r, x) = (room.take(n * n), room.take(n * n), room.take(n * n));
            // SAFETY: there are such matrices.
            unsafe {
                load(&triangles, i, own, t);
                load(&right, i, own, r);
            }
            if let Some(k) = (1..n).find(|k| t[k * n + k - 1] != 0.0) {
                let got = format_args!("a pair of complex eigenvalues of real part {:e} in rows {} and {k}", t[k * n + k], k - 1);
                return Err(Fault::new("the Schur form has a gradient for real eigenvalues only", got, "real eigenvalues"));
            }
            let tiny = n as f64 * noise * most(t);
            x.fill(0.0);
            let one = |i: usize, j: usize, x: &mut [f64]| {
                let known: f64 = if transpose {
                    (j + 1..i).map(|k| t[k * n + i] * x[k * n + j] - x[i * n + k] * t[j * n + k]).sum()
                } else {
                    let above: f64 = (i + 1..n).map(|k| t[i * n + k] * x[k * n + j]).sum();
                    above - (0..j).map(|k| x[i * n + k] * t[k * n + j]).sum::<f64>()
                };
                let d = t[i * n + i] - t[j * n + j];
                if d.abs() <= tiny {
                    return Err(Fault::new(
                        "the Schur form has no gradient at repeated eigenvalues",
                        format_args!("eigenvalues {:e} and {:e}", t[j * n + j], t[i * n + i]),
                        "distinct eigenvalues",
                    ));
                }
                x[i * n + j] = (r[i * n + j] - known) / d;
                Ok(())
            };
            // Each element after those that it depends on: from the corner of the triangle to the diagonal, or the other way.
            for step in 1..n {
                let below = if transpose { step } else { n - step };
                (0..n - below).try_for_each(|j| one(j + below, j, x))?;
            }
            store(x, own);
            Ok(())
        })
    })
}
