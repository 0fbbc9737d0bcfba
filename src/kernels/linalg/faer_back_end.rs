//! The default back end: faer, on one thread; eigenvalues and singular values of matrices of a moderate size by kernels of our own.

use faer::diag::DiagMut;
use faer::dyn_stack::{MemStack, StackReq};
use faer::linalg::cholesky::llt::factor::{LltError, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::evd::{ComputeEigenvectors, evd_real, evd_scratch, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch, apply_block_householder_sequence_on_the_left_in_place_with_conj,
};
use faer::linalg::lu::partial_pivoting::factor::{lu_in_place, lu_in_place_scratch};
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{Conj, MatMut, MatRef, Par};

use super::condensed;
use super::factor::{Factor, NoConvergence, numbers, numbers_bytes};
use crate::kernels::isa::isa;

/// Memory that faer may use as it likes.
fn stack(scratch: &mut [u8]) -> &mut MemStack {
    // SAFETY: uninitialised bytes may be lent out of initialised ones, as they are only written.
    MemStack::new(unsafe { std::slice::from_raw_parts_mut(scratch.as_mut_ptr().cast(), scratch.len()) })
}

/// Bytes that a request needs at any address.
fn bytes(request: StackReq) -> usize {
    request.unaligned_bytes_required()
}

fn rows<T>(a: &[T], m: usize, n: usize) -> MatRef<'_, T> {
    MatRef::from_column_major_slice(&a[..m * n], m, n)
}

fn rows_mut<T>(a: &mut [T], m: usize, n: usize) -> MatMut<'_, T> {
    MatMut::from_column_major_slice_mut(&mut a[..m * n], m, n)
}

impl Factor for f64 {
    const BACK_END: &'static str = "faer";

    fn cholesky_bytes(n: usize) -> usize {
        bytes(cholesky_in_place_scratch::<f64>(n, Par::Seq, Default::default()))
    }
    fn cholesky(a: &mut [f64], n: usize, scratch: &mut [u8]) -> Result<(), usize> {
        match cholesky_in_place(rows_mut(a, n, n), Default::default(), Par::Seq, stack(scratch), Default::default()) {
            Ok(_) => Ok(()),
            Err(LltError::NonPositivePivot { index }) => Err(index + 1),
        }
    }

    fn lu_bytes(n: usize) -> usize {
        let own = numbers_bytes::<usize>(n) + numbers_bytes::<f64>(n * n);
        own + bytes(lu_in_place_scratch::<usize, f64>(n, n, Par::Seq, Default::default()))
    }
    fn lu(a: &mut [f64], n: usize, order: &mut [usize], scratch: &mut [u8]) {
        let (inverse, scratch) = numbers::<usize>(scratch, n);
        let (kept, scratch) = numbers::<f64>(scratch, n * n);
        let a = &mut a[..n * n];
        kept.copy_from_slice(a);
        lu_in_place(rows_mut(a, n, n), &mut order[..n], inverse, Par::Seq, stack(scratch), Default::default());
        // It multiplies by the reciprocal of a pivot, be that zero.
        if !a.iter().all(|x| x.is_finite()) && kept.iter().all(|x| x.is_finite()) {
            a.copy_from_slice(kept);
            lu_by_division(a, n, &mut order[..n]);
        }
    }

    fn qr_bytes(m: usize, n: usize, columns: usize) -> usize {
        let (k, block) = (m.min(n), recommended_block_size::<f64>(m, n));
        let factor = qr_in_place_scratch::<f64>(m, n, block, Par::Seq, Default::default());
        let apply = apply_block_householder_sequence_on_the_left_in_place_scratch::<f64>(m, block, columns);
        numbers_bytes::<f64>(block * k) + bytes(factor.or(apply))
    }
    fn qr(a: &mut [f64], m: usize, n: usize, q: &mut [f64], columns: usize, scratch: &mut [u8]) {
        let (k, block) = (m.min(n), recommended_block_size::<f64>(m, n));
        let (coefficients, scratch) = numbers::<f64>(scratch, block * k);
        let (mut a, mut coefficients) = (rows_mut(a, m, n), rows_mut(coefficients, block, k));
        qr_in_place(a.rb_mut(), coefficients.rb_mut(), Par::Seq, stack(scratch), Default::default());
        let mut q = rows_mut(q, m, columns);
        q.fill(0.0);
        q.rb_mut().diagonal_mut().fill(1.0);
        apply_block_householder_sequence_on_the_left_in_place_with_conj(
            a.rb().subcols(0, k),
            coefficients.rb(),
            Conj::No,
            q,
            Par::Seq,
            stack(scratch),
        );
    }

    fn svd_bytes(m: usize, n: usize, vectors: bool) -> usize {
        if condensed::pays(isa(), [m, n], vectors) {
            return numbers_bytes::<f64>(condensed::svd_scratch(m, n, vectors));
        }
        let kind = if vectors { ComputeSvdVectors::Thin } else { ComputeSvdVectors::No };
        bytes(svd_scratch::<f64>(m, n, kind, kind, Par::Seq, Default::default()))
    }
    fn svd(
        a: &[f64],
        m: usize,
        n: usize,
        s: &mut [f64],
        vectors: Option<(&mut [f64], &mut [f64])>,
        scratch: &mut [u8],
    ) -> Result<(), NoConvergence> {
        if condensed::pays(isa(), [m, n], vectors.is_some()) {
            let (room, _) = numbers::<f64>(scratch, condensed::svd_scratch(m, n, vectors.is_some()));
            return condensed::svd(isa(), a, m, n, s, vectors, room);
        }
        let k = m.min(n);
        let (u, v) = vectors.map(|(u, v)| (rows_mut(u, m, k), rows_mut(v, n, k))).unzip();
        let s = DiagMut::from_slice_mut(&mut s[..k]);
        svd(rows(a, m, n), s, u, v, Par::Seq, stack(scratch), Default::default()).map_err(|_| NoConvergence)
    }

    fn eigh_bytes(n: usize, vectors: bool) -> usize {
        if condensed::pays(isa(), [n, n], vectors) {
            return numbers_bytes::<f64>(condensed::eigh_scratch(n, vectors));
        }
        let kind = if vectors { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
        if n == 0 { 0 } else { bytes(self_adjoint_evd_scratch::<f64>(n, kind, Par::Seq, Default::default())) }
    }
    fn eigh(a: &[f64], n: usize, w: &mut [f64], v: Option<&mut [f64]>, scratch: &mut [u8]) -> Result<(), NoConvergence> {
        if condensed::pays(isa(), [n, n], v.is_some()) {
            let (room, _) = numbers::<f64>(scratch, condensed::eigh_scratch(n, v.is_some()));
            return condensed::eigh(isa(), a, n, w, v, room);
        }
        let (w, v) = (DiagMut::from_slice_mut(&mut w[..n]), v.map(|v| rows_mut(v, n, n)));
        self_adjoint_evd(rows(a, n, n), w, v, Par::Seq, stack(scratch), Default::default()).map_err(|_| NoConvergence)
    }

    fn eig_bytes(n: usize) -> usize {
        bytes(evd_scratch::<f64>(n, ComputeEigenvectors::No, ComputeEigenvectors::Yes, Par::Seq, Default::default()))
    }
    fn eig(a: &[f64], n: usize, re: &mut [f64], im: &mut [f64], v: &mut [f64], scratch: &mut [u8]) -> Result<(), NoConvergence> {
        let (re, im) = (DiagMut::from_slice_mut(&mut re[..n]), DiagMut::from_slice_mut(&mut im[..n]));
        let v = Some(rows_mut(v, n, n));
        evd_real(rows(a, n, n), re, im, None, v, Par::Seq, stack(scratch), Default::default()).map_err(|_| NoConvergence)
    }
}

/// As [`Factor::lu`], step by step: a column whose pivot is zero has nothing left below it, and is left as it is.
fn lu_by_division(a: &mut [f64], n: usize, order: &mut [usize]) {
    (0..n).for_each(|i| order[i] = i);
    for k in 0..n {
        let pivot = (k..n).fold(k, |best, i| if a[k * n + i].abs() > a[k * n + best].abs() { i } else { best });
        if a[k * n + pivot] == 0.0 {
            continue;
        }
        if pivot != k {
            order.swap(k, pivot);
            (0..n).for_each(|j| a.swap(j * n + k, j * n + pivot));
        }
        let (head, tail) = a.split_at_mut((k + 1) * n);
        let (diagonal, factors) = (head[k * n + k], &mut head[k * n + k + 1..]);
        factors.iter_mut().for_each(|x| *x /= diagonal);
        for column in tail.chunks_exact_mut(n) {
            let top = column[k];
            // Zero times what has overflown is no number.
            column[k + 1..].iter_mut().zip(&*factors).filter(|(_, f)| **f != 0.0).for_each(|(x, f)| *x -= f * top);
        }
    }
}
