//! Eigenvalues and eigenvectors of symmetric matrices.

use super::super::ranges::Ranges;
use super::factor::{Factor, Real};
use super::small::{self, Small, Source, Target};
use super::{Batch, Fault, Matrices, Shared, by_rows, carved, carved_bytes, reals, sign};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Bytes for one matrix.
fn bytes<T: Factor>(n: usize) -> usize {
    2 * carved_bytes::<T>(n * n) + T::eigh_bytes(n, true).max(T::eigh_bytes(n, false))
}

/// Bytes of scratch of [`eigh`] for a batch of `count` matrices.
pub fn eigh_bytes(count: usize, n: usize, dtype: DType) -> usize {
    Batch::scratch_bytes(count, reals!(dtype, T => bytes::<T>(n)))
}

/// The eigenvalues of symmetric matrices over a batch (..., n, n), the least first, and the eigenvectors as columns of `v`; of the
/// matrices the lower triangle is read. The entry of the largest magnitude of each vector is positive. If `v` has no elements though
/// the matrices have, only values are computed. Both results are C-contiguous.
///
/// Infinities and NaN are an error of kind `LinAlg`, and so is an iteration that does not converge.
pub fn eigh(ranges: &Ranges<'_>, op: &str, a: View<'_>, scratch: &mut [u8], w: &mut ViewMut<'_>, v: &mut ViewMut<'_>) -> Result<()> {
    let Some(matrices) = Matrices::new(a) else { return Ok(()) };
    let n = matrices.n;
    let vectors = v.count() > 0;
    reals!(a.dtype(), T => {
        let work = if vectors { n * n * n / 2 } else { n * n * n / 6 };
        let batch = Batch { dims: matrices.batch, work: work + 8 * n * n, bytes: bytes::<T>(n) };
        let (w, v) = (Shared(w.ptr().cast::<T>()), Shared(v.ptr().cast::<T>()));
        let one = |i: usize, scratch: &mut [u8]| {
            // SAFETY: the scratch holds what is carved off it, and matrix `i` has values and vectors of its own.
            let (work, own, values, rest) = unsafe {
                let (work, rest) = carved::<T>(scratch, n * n);
                let (own, rest) = carved::<T>(rest, n * n);
                matrices.load(i, work.as_mut_ptr(), false);
                (work, own, w.part(i * n, n), rest)
            };
            for j in 0..n {
                if let Some(r) = (j..n).find(|r| !work[j * n + r].is_finite()) {
                    let got = format_args!("{} at ({r}, {j})", work[j * n + r].wide());
                    return Err(Fault::new("the matrix is not finite", got, "finite numbers"));
                }
            }
            let given = if vectors { Some(&mut *own) } else { None };
            T::eigh(work, n, values, given, rest).map_err(|_| Fault::no_convergence())?;
            if !values.iter().all(|x| x.is_finite()) {
                return Err(Fault::no_convergence());
            }
            if vectors {
                // SAFETY: as above; every element is written.
                unsafe {
                    for column in own.chunks_exact_mut(n) {
                        if sign(column.iter().copied()) < T::ZERO {
                            column.iter_mut().for_each(|x| *x = -*x);
                        }
                    }
                    by_rows([n, n], own, v.part(i * n * n, n * n));
                }
            }
            Ok(())
        };
        if n > small::SIDE {
            return batch.each(ranges, op, scratch, &one);
        }
        batch.groups(ranges, op, scratch, T::GROUP, &|range, scratch| {
            // SAFETY: each matrix has values and vectors of its own.
            let (a, w, v) = unsafe {
                let of_v = if vectors { n * n } else { 0 };
                (Source::new(&matrices, &range), Target::new(w, n, &range), Target::new(v, of_v, &range))
            };
            let bad = T::together(range.len(), small::eigh::Eigh { a, w, v, vectors });
            small::alone(range, bad, |i| one(i, scratch))
        })
    })
}
