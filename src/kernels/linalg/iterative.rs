//! Systems solved step by step, over a batch.

use super::super::ranges::Ranges;
use super::factor::Real;
use super::{Batch, Fault, Matrices, Shared, carved, carved_bytes, reals};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// When an iteration ends.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Where the residual is this fraction of the right side.
    pub relative: f64,
    /// Or this long.
    pub absolute: f64,
    /// The most steps; ten for each unknown without it.
    pub most: Option<usize>,
}

/// Bytes of scratch of [`conjugate_gradient`] for a batch of `count` systems of `n` equations.
pub fn bytes(count: usize, n: usize, dtype: DType) -> usize {
    Batch::scratch_bytes(count, own_bytes(n, dtype))
}

fn own_bytes(n: usize, dtype: DType) -> usize {
    reals!(dtype, T => carved_bytes::<T>(n * n) + 4 * carved_bytes::<T>(n))
}

/// X of `a X = b` by conjugate gradients from `start`, for symmetric positive definite `a` over a batch; `b`, `start` and `dst`
/// (C-contiguous) are (..., n, m), and all operands have the lengths of the batch. Each column is a system of its own. Where the residual
/// does not become small enough, that is an error of kind `LinAlg`.
pub fn conjugate_gradient(
    ranges: &Ranges<'_>,
    op: &str,
    [a, b, start]: [View<'_>; 3],
    stop: Stop,
    scratch: &mut [u8],
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    let (Some(left), Some(right), Some(first)) = (Matrices::new(a), Matrices::new(b), Matrices::new(start)) else { return Ok(()) };
    let (n, m) = (right.m, right.n);
    let batch = Batch { dims: right.batch, work: n * n * n.min(64) * m.max(1) / 2 + n, bytes: own_bytes(n, a.dtype()) };
    reals!(b.dtype(), T => {
        let dst = Shared(dst.ptr().cast::<T>());
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: system `i` has n x m elements of its own; the scratch has room for what is carved.
            let (matrix, x, right_side, vectors) = unsafe {
                let (matrix, rest) = carved::<T>(scratch, n * n);
                let (x, rest) = carved::<T>(rest, n);
                let (r, rest) = carved::<T>(rest, n);
                let (p, rest) = carved::<T>(rest, n);
                let (q, _) = carved::<T>(rest, n);
                left.load(i, matrix.as_mut_ptr(), true);
                (matrix, x, r, [p, q])
            };
            let [p, q] = vectors;
            for column in 0..m {
                // SAFETY: both have the column.
                unsafe {
                    first.load_column(i, column, x);
                    right.load_column(i, column, right_side);
                }
                column_by_steps(matrix, n, stop, x, right_side, p, q).map_err(|(residual, steps)| {
                    let got = format_args!("a residual of {residual:.3e} after {steps} steps in column {column}");
                    let rule = "a symmetric positive definite matrix, and steps enough for `rtol` and `atol`";
                    Fault::new("conjugate gradients did not converge", got, rule)
                })?;
                // SAFETY: as above.
                (0..n).for_each(|row| unsafe { *dst.at(i * n * m + row * m + column) = x[row] });
            }
            Ok(())
        })
    })
}

fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    a.iter().zip(b).fold(T::ZERO, |sum, (&a, &b)| sum + a * b)
}

/// Solves for one right side, which becomes the residual; or says its length, and how many steps were made.
fn column_by_steps<T: Real>(a: &[T], n: usize, stop: Stop, x: &mut [T], r: &mut [T], p: &mut [T], q: &mut [T]) -> Result<(), (f64, usize)> {
    let multiply = |v: &[T], to: &mut [T]| to.iter_mut().enumerate().for_each(|(i, to)| *to = dot(&a[i * n..(i + 1) * n], v));
    let enough = stop.absolute.max(stop.relative * dot(r, r).wide().sqrt());
    multiply(x, q);
    r.iter_mut().zip(&*q).for_each(|(r, &q)| *r -= q);
    p.copy_from_slice(r);
    let mut square = dot(r, r);
    let most = stop.most.unwrap_or(n.saturating_mul(10));
    for step in 0..=most {
        let length = square.wide().sqrt();
        if length <= enough {
            return Ok(());
        }
        multiply(p, q);
        let along = dot(p, q);
        if step == most || !length.is_finite() || along <= T::ZERO || along.wide().is_nan() {
            return Err((length, step));
        }
        let alpha = square / along;
        x.iter_mut().zip(&*p).for_each(|(x, &p)| *x += alpha * p);
        r.iter_mut().zip(&*q).for_each(|(r, &q)| *r -= alpha * q);
        let next = dot(r, r);
        let beta = next / square;
        p.iter_mut().zip(&*r).for_each(|(p, &r)| *p = r + beta * *p);
        square = next;
    }
    Ok(())
}
