//! Eigenvalues and eigenvectors of symmetric matrices: tridiagonal form, its basis, then implicit QL or QR (LAPACK's `dsyev`).

use super::super::factor::NoConvergence;
use super::accumulate::accumulate;
use super::chunks::{chunks, scale_to_one};
use super::rotations::{self, Rotations};
use super::tridiagonal::{self, copy_symmetric};
use super::tridiagonal_iteration::iterate;
use crate::kernels::isa::Isa;

/// Numbers of working memory for [`eigh`].
pub fn eigh_scratch(n: usize, vectors: bool) -> usize {
    let column = 8 * chunks(n);
    let basis = if vectors { 2 * n * column + rotations::room(n) } else { 0 };
    n * column + tridiagonal::COLUMNS * column + 4 * column + 2 * n + basis
}

/// Eigenvalues `w`, smallest first, and with `v` eigenvectors of the symmetric `n x n` matrix whose lower triangle is in `a`, by columns. What
/// `scratch` holds is not read. The machine has the instructions of `isa`.
pub fn eigh(isa: Isa, a: &[f64], n: usize, w: &mut [f64], v: Option<&mut [f64]>, scratch: &mut [f64]) -> Result<(), NoConvergence> {
    match isa {
        // SAFETY: by the contract.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(a, n, w, v, scratch) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(a, n, w, v, scratch) },
        _ => body::<2, false>(Isa::Base, a, n, w, v, scratch),
    }
}

/// # Safety
/// The machine has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(a: &[f64], n: usize, w: &mut [f64], v: Option<&mut [f64]>, scratch: &mut [f64]) -> Result<(), NoConvergence> {
    body::<2, true>(Isa::Avx2, a, n, w, v, scratch)
}

/// # Safety
/// The machine has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512(a: &[f64], n: usize, w: &mut [f64], v: Option<&mut [f64]>, scratch: &mut [f64]) -> Result<(), NoConvergence> {
    body::<4, true>(Isa::Avx512, a, n, w, v, scratch)
}

/// [`eigh`] with `R` chunks of a column in registers, and fused multiply-adds with `F`.
#[inline(always)]
fn body<const R: usize, const F: bool>(
    isa: Isa,
    a: &[f64],
    n: usize,
    w: &mut [f64],
    v: Option<&mut [f64]>,
    scratch: &mut [f64],
) -> Result<(), NoConvergence> {
    if n == 0 {
        return Ok(());
    }
    let stride = chunks(n);
    let (matrix, rest) = scratch.split_at_mut(n * 8 * stride);
    let (work, rest) = rest.split_at_mut(tridiagonal::COLUMNS * 8 * stride);
    let (e, rest) = rest.split_at_mut(8 * stride);
    let (signs, rest) = rest.split_at_mut(8 * stride);
    let (scales, rest) = rest.split_at_mut(8 * stride);
    let (d, rest) = rest.split_at_mut(8 * stride);
    let (order, rest) = rest.split_at_mut(2 * n);
    let matrix = matrix.as_chunks_mut().0;
    let work = work.as_chunks_mut().0;
    copy_symmetric(a, n, matrix);
    let scale = scale_to_one(matrix);
    tridiagonal::reduce::<R, F>(matrix, n, d, e, scales, work);
    signs[..n - 1].copy_from_slice(&e[..n - 1]);
    e[..n - 1].iter_mut().for_each(|x| *x *= *x);
    let order = order.as_chunks_mut::<2>().0;
    let Some(v) = v else {
        iterate::<R, F>(&mut d[..n], e, signs, None)?;
        sorted(d, order);
        for (w, pair) in w.iter_mut().zip(order.iter()) {
            *w = pair[0] * scale[0] * scale[1];
        }
        return Ok(());
    };
    let (transpose, rest) = rest.split_at_mut(n * 8 * stride);
    let (basis, rest) = rest.split_at_mut(n * 8 * stride);
    let (transpose, basis) = (transpose.as_chunks_mut().0, basis.as_chunks_mut().0);
    accumulate::<R, F>(matrix, stride, scales, [n, n], 0, transpose, work);
    rotations::panels::<R>(transpose, n, n, basis);
    let mut rotations = Rotations::new(isa, rest);
    iterate::<R, F>(&mut d[..n], e, signs, Some((&mut rotations, basis)))?;
    rotations.apply::<R>(basis, n, n);
    sorted(d, order);
    for ((w, pair), v) in w.iter_mut().zip(order.iter()).zip(v.chunks_exact_mut(n)) {
        *w = pair[0] * scale[0] * scale[1];
        rotations::column::<R>(basis, [n, n], pair[1] as usize, 1.0, v);
    }
    Ok(())
}

/// Numbers with their places, smallest first.
#[inline(always)]
fn sorted(d: &[f64], order: &mut [[f64; 2]]) {
    for (i, (pair, &x)) in order.iter_mut().zip(d).enumerate() {
        *pair = [x, i as f64];
    }
    order.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
}
