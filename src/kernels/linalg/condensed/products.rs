//! Changes of a matrix by reflections, in one pass with the products that the next reflection needs.

use std::hint::black_box;

use super::chunks::{Chunk, ZERO, add, plus, plus_product, sum};

/// One term of a change of a matrix: column `j` loses `x` times number `j` of `f`.
#[derive(Clone, Copy)]
pub struct Term<'a> {
    /// What is subtracted.
    pub x: &'a [Chunk],
    /// Its factors, one for each column.
    pub f: &'a [f64],
}

/// Changes the first `v.len()` columns of a matrix by `K` terms and multiplies what they become by `v`. Columns are `stride` chunks apart; as
/// many chunks of each are used as `out` has. `R` chunks of `S` columns are held in registers.
#[inline(always)]
pub fn change_and_multiply<const K: usize, const R: usize, const F: bool>(
    a: &mut [Chunk],
    stride: usize,
    terms: [Term<'_>; K],
    v: &[f64],
    out: &mut [Chunk],
) {
    let rows = out.len();
    let mut at = 0;
    if R >= 4 {
        while at + 4 <= rows {
            block::<K, 4, 2, F>(a, stride, at, terms, v, out);
            at += 4;
        }
        if at + 2 <= rows {
            block::<K, 2, 4, F>(a, stride, at, terms, v, out);
            at += 2;
        }
        if at < rows {
            block::<K, 1, 4, F>(a, stride, at, terms, v, out);
        }
    } else {
        while at + 2 <= rows {
            block::<K, 2, 2, F>(a, stride, at, terms, v, out);
            at += 2;
        }
        if at < rows {
            block::<K, 1, 4, F>(a, stride, at, terms, v, out);
        }
    }
}

/// [`change_and_multiply`] for `R` chunks of each column. Of `S` columns each has sums of its own, for shorter chains of additions.
#[inline(always)]
fn block<const K: usize, const R: usize, const S: usize, const F: bool>(
    a: &mut [Chunk],
    stride: usize,
    at: usize,
    terms: [Term<'_>; K],
    v: &[f64],
    out: &mut [Chunk],
) {
    let n = v.len();
    let mut x = [[ZERO; R]; K];
    let mut f = [v; K];
    for k in 0..K {
        for r in 0..R {
            x[k][r] = terms[k].x[at + r];
        }
        f[k] = &terms[k].f[..n];
    }
    let mut sums = [[ZERO; R]; S];
    let mut j = 0;
    while j + S <= n {
        for s in 0..S {
            let column = &mut a[(j + s) * stride + at..][..R];
            sums[s] = one::<K, R, F>(column, &x, &f, j + s, v[j + s], sums[s]);
        }
        j += S;
    }
    while j < n {
        let column = &mut a[j * stride + at..][..R];
        sums[0] = one::<K, R, F>(column, &x, &f, j, v[j], sums[0]);
        j += 1;
    }
    for s in 1..S {
        for r in 0..R {
            sums[0][r] = add(sums[0][r], &sums[s][r]);
        }
    }
    out[at..][..R].copy_from_slice(&sums[0]);
}

/// Changes part of a column and adds `v` times it to `sums`.
#[inline(always)]
fn one<const K: usize, const R: usize, const F: bool>(
    column: &mut [Chunk],
    x: &[[Chunk; R]; K],
    f: &[&[f64]; K],
    j: usize,
    v: f64,
    mut sums: [Chunk; R],
) -> [Chunk; R] {
    for r in 0..R {
        let mut a = column[r];
        for k in 0..K {
            a = plus::<F>(a, &x[k][r], -f[k][j]);
        }
        if K > 0 {
            column[r] = a;
        }
        sums[r] = plus::<F>(sums[r], &a, v);
    }
    sums
}

/// Changes the first `out.len()` columns of a matrix by two terms and multiplies each by the column `v`. Columns are `stride` chunks apart; as many
/// chunks of each are used as `v` has.
#[inline(always)]
pub fn change_and_dot<const F: bool>(a: &mut [Chunk], stride: usize, terms: [Term<'_>; 2], v: &[Chunk], out: &mut [f64]) {
    let n = out.len();
    let mut j = 0;
    while j + 4 <= n {
        dots::<4, F>(a, stride, terms, v, out, j);
        j += 4;
    }
    while j < n {
        dots::<1, F>(a, stride, terms, v, out, j);
        j += 1;
    }
}

/// [`change_and_dot`] for `S` columns.
#[inline(always)]
fn dots<const S: usize, const F: bool>(a: &mut [Chunk], stride: usize, terms: [Term<'_>; 2], v: &[Chunk], out: &mut [f64], j: usize) {
    let rows = v.len();
    let (x0, x1) = (&terms[0].x[..rows], &terms[1].x[..rows]);
    let (mut f0, mut f1) = ([0.0; S], [0.0; S]);
    f0.copy_from_slice(&terms[0].f[j..][..S]);
    f1.copy_from_slice(&terms[1].f[j..][..S]);
    let mut rest = &mut a[j * stride..];
    let columns: [&mut [Chunk]; S] = std::array::from_fn(|_| {
        let (column, other) = std::mem::take(&mut rest).split_at_mut(stride);
        rest = other;
        &mut column[..rows]
    });
    let mut sums = [ZERO; S];
    for r in 0..rows {
        let (v, x0, x1) = (v[r], x0[r], x1[r]);
        for s in 0..S {
            let x = plus::<F>(plus::<F>(columns[s][r], &x0, -f0[s]), &x1, -f1[s]);
            columns[s][r] = x;
            sums[s] = plus_product::<F>(sums[s], &x, &v);
        }
    }
    // Through memory: else LLVM makes the vectors of the loop of the parts that are added here, two numbers long.
    let sums = black_box(sums);
    for s in 0..S {
        out[j + s] = sum(sums[s]);
    }
}
