//! Cholesky's factorisation over a batch.

use super::super::ranges::Ranges;
use super::factor::Factor;
use super::small::cholesky::Cholesky;
use super::small::{self, Small, Source, Target};
use super::{Batch, Fault, Matrices, Shared, carved, carved_bytes, reals};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Bytes for one matrix.
fn bytes<T: Factor>(n: usize) -> usize {
    carved_bytes::<T>(n * n) + T::cholesky_bytes(n)
}

/// Bytes of scratch of [`cholesky`] for a batch of `count` matrices of order `n`.
pub fn scratch_bytes(count: usize, n: usize, dtype: DType) -> usize {
    if n <= small::SIDE {
        return 0;
    }
    Batch::scratch_bytes(count, reals!(dtype, T => bytes::<T>(n)))
}

/// The lower factor L of `a = L L^T` over a batch (..., n, n) of symmetric matrices, `f32` or `f64`. Only the lower
/// triangle of `a` is looked at. `dst` is C-contiguous; it is zero above the diagonal. `scratch` has [`scratch_bytes`].
///
/// A matrix that is not positive definite, also one with NaN, is an error of kind `LinAlg` that names the order of the
/// first leading minor that is not positive, and the matrix's place in the batch.
pub fn cholesky(ranges: &Ranges<'_>, op: &str, a: View<'_>, scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert!(a.dims() == dst.dims() && a.dtype() == dst.dtype() && a.dtype().is_float());
    let Some(matrices) = Matrices::new(a) else { return Ok(()) };
    let n = matrices.n;
    reals!(a.dtype(), T => {
        let bytes = if n <= small::SIDE { 0 } else { bytes::<T>(n) };
        let batch = Batch { dims: matrices.batch, work: n * n * n / 24 + n * n, bytes };
        let to = Shared(dst.ptr().cast::<T>());
        let fault = |order| {
            let got = format_args!("a leading minor of order {order} that is not positive");
            Fault::new("matrix is not positive definite", got, "a symmetric positive definite matrix")
        };
        if n <= small::SIDE {
            return batch.groups(ranges, op, &mut [], T::GROUP, &|range, _| {
                // SAFETY: each matrix has n x n elements of its own.
                let (a, to) = unsafe { (Source::new(&matrices, &range), Target::new(to, n * n, &range)) };
                let orders = T::together(range.len(), Cholesky { a, to });
                small::first(range, orders, |row| fault(row + 1))
            });
        }
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: the scratch holds what is carved off it, and matrix `i` has n x n elements of its own, all of them written.
            let (work, to, rest) = unsafe {
                let (work, rest) = carved::<T>(scratch, n * n);
                matrices.load(i, work.as_mut_ptr(), false);
                std::ptr::write_bytes(to.at(i * n * n), 0, n * n);
                (work, to.part(i * n * n, n * n), rest)
            };
            T::cholesky(work, n, rest).map_err(fault)?;
            for j in 0..n {
                (j..n).for_each(|i| to[i * n + j] = work[j * n + i]);
            }
            Ok(())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::movement::model::*;
    use super::*;
    use crate::error::ErrorKind;
    use crate::shape::count;

    /// Symmetric positive definite matrices, in C order.
    fn definite(rng: &mut Rng, batch: usize, n: usize) -> Vec<f64> {
        let mut out = Vec::new();
        for _ in 0..batch {
            let x = rng.real(n * n);
            out.extend((0..n * n).map(|at| {
                let (i, j) = (at / n, at % n);
                (0..n).map(|k| x[i * n + k] * x[j * n + k]).sum::<f64>() + if i == j { 0.5 } else { 0.0 }
            }));
        }
        out
    }

    fn run(a: &Strided) -> Result<Strided> {
        let mut dst = Strided::out(a.dtype, &a.dims);
        let rank = a.dims.len();
        let need = scratch_bytes(count(&a.dims[..rank - 2]), a.dims[rank - 1], a.dtype);
        let mut scratch = vec![0x5a; need + 64];
        // An odd address: the kernel aligns it itself.
        let done = cholesky(&Ranges::new(None), "cholesky", a.view(), &mut scratch[1..=need], &mut dst.view_mut());
        assert!(scratch[need + 1..].iter().all(|&b| b == 0x5a), "scratch overrun");
        done.map(|()| {
            dst.check_guard();
            dst
        })
    }

    #[test]
    fn the_factor_times_its_transpose_is_the_matrix() {
        let mut rng = Rng(21);
        for (batch, n) in [(&[][..], 1), (&[], 2), (&[3], 4), (&[2, 2], 7), (&[], 40), (&[2], 129), (&[0], 3), (&[2], 0)] {
            let dims: Vec<usize> = batch.iter().copied().chain([n, n]).collect();
            let values = definite(&mut rng, count(batch), n);
            for dtype in [DType::F32, DType::F64] {
                let tolerance = if dtype == DType::F32 { 1e-5 } else { 1e-14 };
                for a in Strided::layouts(dtype, &dims, &values) {
                    let l = run(&a).unwrap().values();
                    for (at, v) in a.values().iter().enumerate() {
                        let (c, i, j) = (at / (n * n), at / n % n, at % n);
                        let l = |i: usize, k: usize| l[(c * n + i) * n + k];
                        let sum: f64 = (0..n).map(|k| l(i, k) * l(j, k)).sum();
                        assert!((sum - v).abs() <= tolerance * n as f64, "{dtype} {dims:?}: {sum} {v}");
                        assert!(i >= j || l(i, j) == 0.0);
                        assert!(i != j || l(i, i) > 0.0);
                    }
                }
            }
        }
    }

    #[test]
    fn the_upper_triangle_is_not_looked_at() {
        let a = Strided::new(DType::F64, &[2, 2], &[4.0, f64::NAN, 2.0, 5.0]);
        assert_eq!(run(&a).unwrap().values(), [2.0, 0.0, 1.0, 2.0]);
        let mut rng = Rng(22);
        let full = definite(&mut rng, 1, 150);
        let lower: Vec<f64> = full.iter().enumerate().map(|(at, &v)| if at % 150 > at / 150 { f64::NAN } else { v }).collect();
        let [full, lower] = [full, lower].map(|v| run(&Strided::new(DType::F64, &[150, 150], &v)).unwrap());
        assert_eq!(full.bits(), lower.bits());
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_named() {
        let rule = "expected a symmetric positive definite matrix.";
        let fails = |a: Strided, got: &str| {
            let e = run(&a).map(|_| ()).map_err(|e| (e.kind(), e.to_string()));
            assert_eq!(e, Err((ErrorKind::LinAlg, format!("cholesky: matrix is not positive definite. Got {got}; {rule}"))));
        };
        let one = |dtype, v: &[f64]| Strided::new(dtype, &[2, 2], v);
        fails(one(DType::F64, &[1.0, 2.0, 2.0, 1.0]), "a leading minor of order 2 that is not positive");
        fails(one(DType::F32, &[0.0, 0.0, 0.0, 1.0]), "a leading minor of order 1 that is not positive");
        fails(one(DType::F32, &[1.0, 0.0, f64::NAN, 1.0]), "a leading minor of order 2 that is not positive");
        let mut many = vec![0.0; 6 * 4];
        many.chunks_mut(4).for_each(|m| m.copy_from_slice(&[2.0, 0.0, 0.0, 2.0]));
        many[19] = -1.0;
        fails(Strided::new(DType::F64, &[2, 3, 2, 2], &many), "a leading minor of order 2 that is not positive in matrix (1, 1)");
        fails(Strided::new(DType::F64, &[6, 2, 2], &many), "a leading minor of order 2 that is not positive in matrix 4");
        // In a later block of a large matrix, NaN among them.
        for bad in [-1.0, f64::NAN] {
            let mut a = definite(&mut Rng(23), 1, 200);
            a[170 * 200 + 170] = bad;
            fails(Strided::new(DType::F64, &[200, 200], &a), "a leading minor of order 171 that is not positive");
        }
    }
}
