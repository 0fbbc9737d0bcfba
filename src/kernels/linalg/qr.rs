//! Orthogonal and triangular factors.

use super::super::ranges::Ranges;
use super::factor::{Factor, Real};
use super::small::{self, Small, Source, Target};
use super::{Batch, Matrices, Shared, carved, carved_bytes, reals};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Bytes for one matrix.
fn bytes<T: Factor>(m: usize, n: usize, columns: usize) -> usize {
    carved_bytes::<T>(m * n) + carved_bytes::<T>(m * columns) + T::qr_bytes(m, n, columns)
}

/// Bytes of scratch of [`qr`] for a batch of `count` matrices of which `columns` columns of the orthogonal factor are wanted.
pub fn qr_bytes(count: usize, m: usize, n: usize, columns: usize, dtype: DType) -> usize {
    if m.max(n) <= small::SIDE {
        return 0;
    }
    Batch::scratch_bytes(count, reals!(dtype, T => bytes::<T>(m, n, columns)))
}

/// The factors of `a = q r` over a batch (..., m, n): `q` is (..., m, c) with orthonormal columns and `r` (..., c, n), zero below the
/// diagonal, for a `c` of min(m, n) or m. The diagonal of `r` is not negative. Both are C-contiguous.
pub fn qr(ranges: &Ranges<'_>, op: &str, a: View<'_>, scratch: &mut [u8], q: &mut ViewMut<'_>, r: &mut ViewMut<'_>) -> Result<()> {
    let Some(matrices) = Matrices::new(a) else { return Ok(()) };
    let (m, n) = (matrices.m, matrices.n);
    let [.., c, _] = *r.dims() else { return Ok(()) };
    reals!(a.dtype(), T => {
        let few = m.max(n) <= small::SIDE;
        let bytes = if few { 0 } else { bytes::<T>(m, n, c) };
        let batch = Batch { dims: matrices.batch, work: m * n.max(c) * m.min(n) / 4 + m * n, bytes };
        let (q, r) = (Shared(q.ptr().cast::<T>()), Shared(r.ptr().cast::<T>()));
        if few {
            return batch.groups(ranges, op, &mut [], T::GROUP, &|range, _| {
                // SAFETY: each matrix has m x c and c x n elements of its own.
                let (a, q, r) = unsafe {
                    (Source::new(&matrices, &range), Target::new(q, m * c, &range), Target::new(r, c * n, &range))
                };
                T::together(range.len(), small::qr::Qr { a, q, r, columns: c });
                Ok(())
            });
        }
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: matrix `i` has m x c and c x n elements of its own; the scratch holds what is carved off it.
            let (q, r, work, own, rest) = unsafe {
                let (work, rest) = carved::<T>(scratch, m * n);
                let (own, rest) = carved::<T>(rest, m * c);
                matrices.load(i, work.as_mut_ptr(), false);
                std::ptr::write_bytes(r.at(i * c * n), 0, c * n);
                std::ptr::write_bytes(q.at(i * m * c), 0, m * c);
                (q.part(i * m * c, m * c), r.part(i * c * n, c * n), work, own, rest)
            };
            T::qr(work, m, n, own, c, rest);
            let sign = |k: usize| if k < m.min(n) && work[k * m + k] < T::ZERO { -T::ONE } else { T::ONE };
            for k in 0..c {
                let s = sign(k);
                (0..m).for_each(|j| q[j * c + k] = s * own[k * m + j]);
                (k..n).for_each(|j| r[k * n + j] = s * work[j * m + k]);
            }
            Ok(())
        })
    })
}
