//! Orthogonal matrices from the reflections that they are products of (LAPACK's `dorg2l`).
//!
//! The transpose is made: then the product with the vector of a reflection is a sum of columns. The change by one reflection is done in the same
//! pass as the product with the vector of the next one.

use super::chunks::{Chunk, ZERO, chunks, plus};
use super::products::{Term, change_and_multiply};

/// Makes the transpose of the first `n` columns of a product of reflections of `rows` numbers, those with the smallest numbers first. The vector
/// of reflection `k` is in column `k` of `vectors`, which are `stride` chunks apart; it has `k + extra` numbers, and the last one stands where row
/// `k` has its 1 or, without `extra`, left of it.
///
/// `out` has `rows` columns of [`chunks`]`(n)` chunks.
#[inline(always)]
pub fn accumulate<const R: usize, const F: bool>(
    vectors: &[Chunk],
    stride: usize,
    scales: &[f64],
    [rows, n]: [usize; 2],
    extra: usize,
    out: &mut [Chunk],
    work: &mut [Chunk],
) {
    let width = chunks(n);
    let out = &mut out[..rows * width];
    out.fill(ZERO);
    for k in 0..n {
        out.as_flattened_mut()[(k + rows - n) * width * 8 + k] = 1.0;
    }
    let (mut x, work) = work.split_at_mut(width);
    let mut product = &mut work[..width];
    x.fill(ZERO);
    product.fill(ZERO);
    let first = if extra > 0 { 0 } else { 1 };
    let mut last: &[f64] = &[];
    for k in first..n {
        let v = &vectors.as_flattened()[k * stride * 8..][..k + extra];
        let changed = chunks(k + 1);
        // The last reflection had fewer numbers: the column that it did not reach is as it was.
        if !last.is_empty() {
            let reach = last.len();
            let terms = [Term { x: &x[..changed], f: last }];
            change_and_multiply::<1, R, F>(out, width, terms, &v[..reach], &mut product[..changed]);
            for j in reach..v.len() {
                for r in 0..changed {
                    product[r] = plus::<F>(product[r], &out[j * width + r], v[j]);
                }
            }
        } else {
            change_and_multiply::<0, R, F>(out, width, [], v, &mut product[..changed]);
        }
        for r in 0..changed {
            for l in 0..8 {
                product[r][l] *= scales[k];
            }
        }
        std::mem::swap(&mut x, &mut product);
        last = v;
    }
    for (j, &f) in last.iter().enumerate() {
        for r in 0..width {
            out[j * width + r] = plus::<F>(out[j * width + r], &x[r], -f);
        }
    }
}
