//! The system that the gradient of a Schur form leads to.
//!
//! A Schur form `t` varies as `m + t w - w t` with a skew `w`, of which the strictly lower triangle is `x`. What must stay so of `t` are the
//! zeros below its blocks, and the equal diagonal elements of blocks of two rows. The operator of `x` here has, at each place below the
//! blocks, the element of `t w - w t`, and at the place inside of a block the difference of the two diagonal elements.

use super::super::ranges::Ranges;
use super::dense::Room;
use super::quasi::{blocks, coupled};
use super::schur::{load, store};
use super::{Batch, Fault, Matrices, Shared, reals};
use crate::array::{View, ViewMut};
use crate::error::Result;

/// Bytes of scratch of [`commuted`] for a batch of `count` matrices.
pub fn commuted_bytes(count: usize, n: usize) -> usize {
    Batch::scratch_bytes(count, Room::bytes(0, 3 * n * n))
}

/// The strictly lower triangle `x` of which the operator makes the strictly lower triangle of `r`, over a batch (..., n, n) of Schur forms `t`;
/// or its adjoint, if `transpose`. `dst` is C-contiguous.
///
/// A `t` with equal eigenvalues is an error of kind `LinAlg`, and so is one with a block `[a, b; -b, a]`, which any rotation leaves as
/// it is.
pub fn commuted(
    ranges: &Ranges<'_>,
    op: &str,
    [t, r]: [View<'_>; 2],
    transpose: bool,
    scratch: &mut [u8],
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    let (Some(forms), Some(right)) = (Matrices::new(t), Matrices::new(r)) else { return Ok(()) };
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
                load(&forms, i, own, t);
                load(&right, i, own, r);
            }
            x.fill(0.0);
            let tiny = n as f64 * noise * t.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            if transpose { adjoint(n, t, r, x, tiny)? } else { direct(n, t, r, x, tiny)? }
            store(x, own);
            Ok(())
        })
    })
}

/// What a rotation of the block at row `i` changes its diagonal by.
fn turned(n: usize, t: &[f64], i: usize, tiny: f64) -> Result<f64, Fault> {
    let (b, c) = (t[i * n + i + 1], t[(i + 1) * n + i]);
    if (b + c).abs() <= tiny {
        return Err(Fault::new(
            "the Schur form has no gradient where any rotation of a block leaves it as it is",
            format_args!("a block with {b:e} and {c:e} off the diagonal in rows {i} and {}", i + 1),
            "real eigenvalues, or pairs whose blocks have different magnitudes off the diagonal",
        ));
    }
    Ok(2.0 * (b + c))
}

/// Solves `t_ii x - x t_jj = f` for the blocks at `i` and `j`, whose lengths are `p` and `q`, with transposes of both if `transpose`.
fn block(
    n: usize,
    t: &[f64],
    [(i, p), (j, q)]: [(usize, usize); 2],
    transpose: bool,
    f: [f64; 4],
    x: &mut [f64],
    tiny: f64,
) -> Result<(), Fault> {
    let at = |k: usize, a: usize, b: usize| if transpose { t[(k + b) * n + k + a] } else { t[(k + a) * n + k + b] };
    let Some(y) = coupled(|a, b| at(i, a, b), p, |a, b| -at(j, a, b), q, f, tiny) else {
        return Err(Fault::new(
            "the Schur form has no gradient at repeated eigenvalues",
            format_args!("eigenvalues of real parts {:e} and {:e}", t[j * n + j], t[i * n + i]),
            "distinct eigenvalues",
        ));
    };
    for a in 0..p {
        (0..q).for_each(|b| x[(i + a) * n + j + b] = y[a * q + b]);
    }
    Ok(())
}

fn direct(n: usize, t: &[f64], r: &[f64], x: &mut [f64], tiny: f64) -> Result<(), Fault> {
    let known = |x: &[f64], row: usize, column: usize, above: usize, before: usize| {
        let above: f64 = (above..n).map(|k| t[row * n + k] * x[k * n + column]).sum();
        above - (0..before).map(|k| x[row * n + k] * t[k * n + column]).sum::<f64>()
    };
    for (j, q) in blocks(n, t) {
        for (i, p) in blocks(n, t).rev().take_while(|&(i, _)| i > j) {
            let mut f = [0.0; 4];
            for a in 0..p {
                (0..q).for_each(|b| f[a * q + b] = r[(i + a) * n + j + b] - known(x, i + a, j + b, i + p, j));
            }
            block(n, t, [(i, p), (j, q)], false, f, x, tiny)?;
        }
    }
    for (i, _) in blocks(n, t).filter(|&(_, p)| p == 2) {
        let difference = known(x, i, i, i + 2, i) - known(x, i + 1, i + 1, i + 2, i);
        x[(i + 1) * n + i] = (r[(i + 1) * n + i] - difference) / turned(n, t, i, tiny)?;
    }
    Ok(())
}

fn adjoint(n: usize, t: &[f64], r: &mut [f64], x: &mut [f64], tiny: f64) -> Result<(), Fault> {
    for (i, _) in blocks(n, t).filter(|&(_, p)| p == 2) {
        let w = r[(i + 1) * n + i] / turned(n, t, i, tiny)?;
        x[(i + 1) * n + i] = w;
        for k in i + 2..n {
            r[k * n + i] -= w * t[i * n + k];
            r[k * n + i + 1] += w * t[(i + 1) * n + k];
        }
        for k in 0..i {
            r[i * n + k] += w * t[k * n + i];
            r[(i + 1) * n + k] -= w * t[k * n + i + 1];
        }
    }
    // Each block after those between it and the diagonal.
    for (j, q) in blocks(n, t).rev() {
        for (i, p) in blocks(n, t).skip_while(|&(i, _)| i <= j) {
            let mut f = [0.0; 4];
            for a in 0..p {
                for b in 0..q {
                    let (row, column) = (i + a, j + b);
                    let known = |k: usize| t[k * n + row] * x[k * n + column] - x[row * n + k] * t[column * n + k];
                    f[a * q + b] = r[row * n + column] - (j + q..i).map(known).sum::<f64>();
                }
            }
            block(n, t, [(i, p), (j, q)], true, f, x, tiny)?;
        }
    }
    Ok(())
}
