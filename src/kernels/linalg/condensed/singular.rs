//! Singular values and vectors: bidiagonal form, its bases, then implicit QR (LAPACK's `dgesvd`, without a QR factorisation of long matrices first).

use super::super::factor::NoConvergence;
use super::accumulate::accumulate;
use super::bidiagonal::{self, Bidiagonal};
use super::bidiagonal_iteration::{Basis, iterate};
use super::chunks::{chunks, scale_to_one};
use super::rotations::{self, Rotations};
use crate::kernels::isa::Isa;

/// Numbers of working memory for [`svd`].
pub fn svd_scratch(m: usize, n: usize, vectors: bool) -> usize {
    let (m, n) = (m.max(n), m.min(n));
    let (stride, width) = (8 * chunks(m), 8 * chunks(n));
    let basis = if vectors { m * width + n * stride + n * width + 2 * rotations::room(n) } else { 0 };
    n * stride + n * width + bidiagonal::room(m, n) + 4 * width + 2 * n + basis
}

/// Singular values `s`, largest first, of the `m x n` matrix `a`, by columns, and the singular vectors that belong to them, left and right ones.
/// What `scratch` holds is not read. The machine has the instructions of `isa`.
pub fn svd(
    isa: Isa,
    a: &[f64],
    m: usize,
    n: usize,
    s: &mut [f64],
    vectors: Option<(&mut [f64], &mut [f64])>,
    scratch: &mut [f64],
) -> Result<(), NoConvergence> {
    match isa {
        // SAFETY: by the contract.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(a, [m, n], s, vectors, scratch) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(a, [m, n], s, vectors, scratch) },
        _ => body::<2, false>(Isa::Base, a, [m, n], s, vectors, scratch),
    }
}

/// Two bases, by columns.
type Bases<'a> = Option<(&'a mut [f64], &'a mut [f64])>;

/// # Safety
/// The machine has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(a: &[f64], size: [usize; 2], s: &mut [f64], vectors: Bases<'_>, scratch: &mut [f64]) -> Result<(), NoConvergence> {
    body::<2, true>(Isa::Avx2, a, size, s, vectors, scratch)
}

/// # Safety
/// The machine has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512(a: &[f64], size: [usize; 2], s: &mut [f64], vectors: Bases<'_>, scratch: &mut [f64]) -> Result<(), NoConvergence> {
    body::<4, true>(Isa::Avx512, a, size, s, vectors, scratch)
}

/// [`svd`] with `R` chunks of a column in registers, and fused multiply-adds with `F`.
#[inline(always)]
fn body<const R: usize, const F: bool>(
    isa: Isa,
    a: &[f64],
    [m, n]: [usize; 2],
    s: &mut [f64],
    vectors: Bases<'_>,
    scratch: &mut [f64],
) -> Result<(), NoConvergence> {
    if m == 0 || n == 0 {
        return Ok(());
    }
    let wide = m < n;
    let (m, n) = (m.max(n), m.min(n));
    let (stride, width) = (chunks(m), chunks(n));
    let (matrix, rest) = scratch.split_at_mut(n * 8 * stride);
    let (right_vectors, rest) = rest.split_at_mut(n * 8 * width);
    let (work, rest) = rest.split_at_mut(bidiagonal::room(m, n));
    let (d, rest) = rest.split_at_mut(8 * width);
    let (e, rest) = rest.split_at_mut(8 * width);
    let (left, rest) = rest.split_at_mut(8 * width);
    let (right, rest) = rest.split_at_mut(8 * width);
    let (order, rest) = rest.split_at_mut(2 * n);
    let (matrix, right_vectors) = (matrix.as_chunks_mut().0, right_vectors.as_chunks_mut().0);
    for (j, column) in matrix.as_flattened_mut().chunks_exact_mut(8 * stride).enumerate() {
        if wide {
            for (i, x) in column.iter_mut().enumerate() {
                *x = if i < m { a[i * n + j] } else { 0.0 };
            }
        } else {
            column[..m].copy_from_slice(&a[j * m..][..m]);
            column[m..].fill(0.0);
        }
    }
    let scale = scale_to_one(matrix);
    let b = Bidiagonal { matrix, left, vectors: right_vectors, right, d, e };
    bidiagonal::reduce::<R, F>(b, m, n, work);
    let d = &mut d[..n];
    let order = order.as_chunks_mut::<2>().0;
    let Some((u, v)) = vectors else {
        iterate::<R, F>(d, e, None)?;
        sorted(d, order);
        for (s, pair) in s.iter_mut().zip(order.iter()) {
            *s = pair[0] * scale[0] * scale[1];
        }
        return Ok(());
    };
    let (u, v) = if wide { (v, u) } else { (u, v) };
    let (transpose, rest) = rest.split_at_mut(m * 8 * width);
    let (u_basis, rest) = rest.split_at_mut(n * 8 * stride);
    let (v_basis, rest) = rest.split_at_mut(n * 8 * width);
    let (u_list, v_list) = rest.split_at_mut(rotations::room(n));
    let (transpose, u_basis, v_basis) = (transpose.as_chunks_mut().0, u_basis.as_chunks_mut().0, v_basis.as_chunks_mut().0);
    let work = work.as_chunks_mut().0;
    accumulate::<R, F>(matrix, stride, left, [m, n], m - n + 1, transpose, work);
    rotations::panels::<R>(transpose, m, n, u_basis);
    accumulate::<R, F>(right_vectors, width, right, [n, n], 0, transpose, work);
    rotations::panels::<R>(transpose, n, n, v_basis);
    // The reduction leaves a lower bidiagonal matrix: its transpose is iterated, whose left basis is the right one.
    let mut bases = [
        Basis { columns: v_basis, rows: n, waiting: Rotations::new(isa, v_list) },
        Basis { columns: u_basis, rows: m, waiting: Rotations::new(isa, u_list) },
    ];
    iterate::<R, F>(d, e, Some(&mut bases))?;
    sorted(d, order);
    let [right, left] = &mut bases;
    right.rotate::<R>(n);
    left.rotate::<R>(n);
    for (((s, pair), u), v) in s.iter_mut().zip(order.iter()).zip(u.chunks_exact_mut(m)).zip(v.chunks_exact_mut(n)) {
        *s = pair[0] * scale[0] * scale[1];
        let place = pair[1].abs() as usize;
        rotations::column::<R>(left.columns, [m, n], place, 1.0, u);
        rotations::column::<R>(right.columns, [n, n], place, 1.0_f64.copysign(pair[1]), v);
    }
    Ok(())
}

/// Magnitudes with their places, largest first. The place has the sign of the number.
#[inline(always)]
fn sorted(d: &[f64], order: &mut [[f64; 2]]) {
    for (i, (pair, &x)) in order.iter_mut().zip(d).enumerate() {
        *pair = [x.abs(), (i as f64).copysign(x)];
    }
    order.sort_unstable_by(|a, b| b[0].total_cmp(&a[0]).then(a[1].abs().total_cmp(&b[1].abs())));
}
