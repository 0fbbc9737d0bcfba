//! Symmetric matrices made tridiagonal, by reflections (LAPACK's `dsytd2`, from the last column to the first).
//!
//! The whole matrix is kept, not a triangle: then all loops run over whole columns. The change by one reflection is done in the same pass as
//! the product with the vector of the next one.

use super::chunks::{Chunk, Reflector, ZERO, chunks, clear_after, dot, plus, reflect};
use super::products::{Term, change_and_multiply};

/// Rows of working memory for [`reduce`], of [`chunks`]`(n)` chunks each.
pub const COLUMNS: usize = 4;

/// Copies the lower triangle of an `n x n` matrix to both triangles of a padded one.
#[inline(always)]
pub fn copy_symmetric(from: &[f64], n: usize, to: &mut [Chunk]) {
    let stride = 8 * chunks(n);
    let to = to.as_flattened_mut();
    for j in 0..n {
        let column = &from[j * n..][..n];
        for i in j..n {
            let x = column[i];
            to[j * stride + i] = x;
            to[i * stride + j] = x;
        }
        for i in n..stride {
            to[j * stride + i] = 0.0;
        }
    }
}

/// Makes a symmetric matrix tridiagonal: `d` is its diagonal, `e` what is beside it. Column `k` becomes the vector of the reflection that
/// `scales[k]` belongs to, which changes the first `k` rows.
#[inline(always)]
pub fn reduce<const R: usize, const F: bool>(
    a: &mut [Chunk],
    n: usize,
    d: &mut [f64],
    e: &mut [f64],
    scales: &mut [f64],
    work: &mut [Chunk],
) {
    let stride = chunks(n);
    // The last reflection is `I - scale v v^T`; it changes the matrix by `v w^T + w v^T`.
    let (v, work) = work.split_at_mut(stride);
    let (w, work) = work.split_at_mut(stride);
    let (next, work) = work.split_at_mut(stride);
    let product = &mut work[..stride];
    v.fill(ZERO);
    w.fill(ZERO);
    for k in (1..n).rev() {
        let rows = chunks(k);
        let (left, column) = a.split_at_mut(k * stride);
        let column = &mut column[..stride];
        let (vk, wk) = (v.as_flattened()[k], w.as_flattened()[k]);
        // Of the column one number more than the reflection changes.
        for r in 0..chunks(k + 1) {
            column[r] = plus::<F>(plus::<F>(column[r], &v[r], -wk), &w[r], -vk);
        }
        d[k] = column.as_flattened()[k];
        let column = &mut column[..rows];
        let Reflector { value, scale } = reflect::<F>(column, k - 1);
        e[k - 1] = value;
        scales[k] = scale;
        let next = &mut next[..rows];
        next.copy_from_slice(column);
        let product = &mut product[..rows];
        let terms = [Term { x: v, f: w.as_flattened() }, Term { x: w, f: v.as_flattened() }];
        change_and_multiply::<2, R, F>(left, stride, terms, &next.as_flattened()[..k], product);
        let half = -0.5 * scale * scale * dot::<F>(product, next);
        for r in 0..rows {
            let mut x = ZERO;
            for l in 0..8 {
                x[l] = product[r][l] * scale;
            }
            w[r] = plus::<F>(x, &next[r], half);
            v[r] = next[r];
        }
        clear_after(&mut w[..rows], k);
    }
    let (v0, w0) = (v.as_flattened()[0], w.as_flattened()[0]);
    d[0] = a.as_flattened()[0] - 2.0 * v0 * w0;
}
