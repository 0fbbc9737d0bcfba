//! Matrices made bidiagonal, by reflections (LAPACK's `dgebd2`, from the last column and row to the first).
//!
//! A column is changed in the same pass that multiplies it by the vector of the next reflection.

use super::chunks::{Chunk, Reflector, ZERO, chunks, clear_after, dot, plus, reflect};
use super::products::{Term, change_and_dot, change_and_multiply};

/// Numbers of working memory for [`reduce`].
#[inline(always)]
pub const fn room(m: usize, n: usize) -> usize {
    8 * (2 * chunks(m) + 3 * chunks(n))
}

/// What [`reduce`] makes of an `m x n` matrix.
pub struct Bidiagonal<'a> {
    /// The matrix; then column `k` is the vector of a reflection of its first `k + m - n + 1` rows.
    pub matrix: &'a mut [Chunk],
    /// The factors of these reflections.
    pub left: &'a mut [f64],
    /// Column `k` is the vector of a reflection of the first `k` columns.
    pub vectors: &'a mut [Chunk],
    /// The factors of these reflections.
    pub right: &'a mut [f64],
    /// The diagonal: element `k` is in column `k` and row `k + m - n`.
    pub d: &'a mut [f64],
    /// What is left of the diagonal.
    pub e: &'a mut [f64],
}

/// Makes a matrix with `m >= n` bidiagonal.
#[inline(always)]
pub fn reduce<const R: usize, const F: bool>(b: Bidiagonal<'_>, m: usize, n: usize, work: &mut [f64]) {
    let Bidiagonal { matrix, left, vectors, right, d, e } = b;
    let (stride, width) = (chunks(m), chunks(n));
    let work = work.as_chunks_mut().0;
    // Two reflections change the matrix by `v y^T + x u^T`.
    let (v, work) = work.split_at_mut(stride);
    let (x, work) = work.split_at_mut(stride);
    let (y, work) = work.split_at_mut(width);
    let (u, work) = work.split_at_mut(width);
    let new_y = &mut work[..width];
    v.fill(ZERO);
    x.fill(ZERO);
    y.fill(ZERO);
    u.fill(ZERO);
    for k in (0..n).rev() {
        let row = k + m - n;
        let rows = chunks(row + 1);
        let (rest, column) = matrix.split_at_mut(k * stride);
        let column = &mut column[..rows];
        let (yk, uk) = (y.as_flattened()[k], u.as_flattened()[k]);
        for r in 0..rows {
            column[r] = plus::<F>(plus::<F>(column[r], &v[r], -yk), &x[r], -uk);
        }
        let Reflector { value, scale } = reflect::<F>(column, row);
        d[k] = value;
        left[k] = scale;
        if k == 0 {
            break;
        }
        let columns = chunks(k);
        let terms = [Term { x: v, f: y.as_flattened() }, Term { x, f: u.as_flattened() }];
        change_and_dot::<F>(rest, stride, terms, column, &mut new_y.as_flattened_mut()[..k]);
        let new_u = &mut vectors[k * width..][..columns];
        for r in 0..columns {
            for l in 0..8 {
                new_y[r][l] *= scale;
            }
        }
        clear_after(&mut new_y[..columns], k);
        for (j, (u, y)) in new_u.as_flattened_mut().iter_mut().zip(new_y.as_flattened()).enumerate().take(k) {
            *u = rest.as_flattened()[8 * stride * j + row] - y;
        }
        let Reflector { value, scale } = reflect::<F>(new_u, k - 1);
        e[k - 1] = value;
        right[k] = scale;
        change_and_multiply::<0, R, F>(rest, stride, [], &new_u.as_flattened()[..k], &mut x[..rows]);
        let both = -dot::<F>(&new_y[..columns], new_u);
        for r in 0..rows {
            x[r] = plus::<F>(x[r], &column[r], both);
            for l in 0..8 {
                x[r][l] *= scale;
            }
            v[r] = column[r];
        }
        clear_after(&mut x[..rows], row);
        y[..columns].copy_from_slice(&new_y[..columns]);
        u[..columns].copy_from_slice(new_u);
    }
}
