//! Cholesky's factorisation over a batch.

use faer::dyn_stack::MemStack;
use faer::linalg::cholesky::llt::factor::{LltError, cholesky_in_place, cholesky_in_place_scratch};
use faer::{MatMut, Par};

use super::super::matmul::RATE;
use super::super::movement::copy_ranges;
use super::super::ranges::Ranges;
use super::{each_matrix, matrix_name};
use crate::array::block::ALIGN;
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};

/// The order of the first leading minor that is not positive.
struct NotPositive(usize);

/// Bytes that one matrix takes in the scratch, up to the aligned place where the solver's own begin.
fn matrix_bytes(n: usize, dtype: DType) -> usize {
    (n * n * dtype.size()).next_multiple_of(ALIGN)
}

macro_rules! factor {
    ($name:ident, $own:ident, $t:ty) => {
        /// Bytes of the solver's own scratch.
        fn $own(n: usize) -> usize {
            cholesky_in_place_scratch::<$t>(n, Par::Seq, Default::default()).unaligned_bytes_required()
        }

        /// Factors the lower triangle of a column-major matrix in place.
        ///
        /// # Safety
        /// `a` is n x n, initialised, and nothing else refers to it.
        unsafe fn $name(a: *mut u8, n: usize, scratch: &mut [u8]) -> Result<(), NotPositive> {
            // SAFETY: by the contract; uninitialised bytes may be lent out of initialised ones, as they are only written.
            let (a, scratch) = unsafe {
                let scratch = std::slice::from_raw_parts_mut(scratch.as_mut_ptr().cast(), scratch.len());
                (MatMut::from_raw_parts_mut(a.cast::<$t>(), n, n, 1, n as isize), scratch)
            };
            match cholesky_in_place(a, Default::default(), Par::Seq, MemStack::new(scratch), Default::default()) {
                Ok(_) => Ok(()),
                Err(LltError::NonPositivePivot { index }) => Err(NotPositive(index + 1)),
            }
        }
    };
}
factor! { factor32, own32, f32 }
factor! { factor64, own64, f64 }

/// Bytes of scratch that [`cholesky`] needs for matrices of order `n`.
pub fn scratch_bytes(n: usize, dtype: DType) -> usize {
    let own = if dtype == DType::F32 { own32(n) } else { own64(n) };
    ALIGN + matrix_bytes(n, dtype) + own
}

/// The lower factor L of `a = L L^T` over a batch (..., n, n) of symmetric matrices, `f32` or `f64`. Only the lower
/// triangle of `a` is looked at. `dst` is C-contiguous; it is zero above the diagonal. `scratch` has [`scratch_bytes`].
///
/// A matrix that is not positive definite, also one with NaN, is an error of kind `LinAlg` that names the order of the
/// first leading minor that is not positive, and the matrix's place in the batch.
pub fn cholesky(ranges: &Ranges<'_>, op: &str, a: View<'_>, scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert!(a.dims() == dst.dims() && a.dtype() == dst.dtype() && a.dtype().is_float());
    let (dtype, size) = (a.dtype(), a.dtype().size());
    let ([batch @ .., n, _], [batch_steps @ .., si, sj]) = (a.dims(), a.strides()) else { return Ok(()) };
    let n = *n;
    debug_assert!(scratch.len() >= scratch_bytes(n, dtype));
    if n == 0 {
        return Ok(());
    }
    let lead = scratch.as_ptr().align_offset(ALIGN);
    let (matrix, own) = scratch[lead..].split_at_mut(matrix_bytes(n, dtype));
    let (rows, columns) = ([n as isize, 1], [1, n as isize]);
    let work = matrix.as_mut_ptr();
    let mut to = dst.ptr();
    each_matrix(batch, [batch_steps], |index, [o]| {
        // SAFETY: offsets of the views; `matrix` holds n x n elements, and `dst` as many for each matrix.
        unsafe {
            copy_ranges(ranges, dtype, a.ptr().offset(o * size as isize), work, &[n, n], &[*si, *sj], &columns)?;
            let done = if dtype == DType::F32 { factor32(work, n, own) } else { factor64(work, n, own) };
            if let Err(NotPositive(order)) = done {
                let got = format_args!("a leading minor of order {order} that is not positive{}", matrix_name(batch, index));
                let rule = "a symmetric positive definite matrix";
                return Err(Error::new(ErrorKind::LinAlg, op, "matrix is not positive definite", got, rule));
            }
            // The factorisation itself ends first.
            ranges.did((n * n).saturating_mul(n) / (3 * RATE))?;
            copy_ranges(ranges, dtype, work, to, &[n, n], &columns, &rows)?;
            for i in 0..n {
                std::ptr::write_bytes(to.add((i * n + i + 1) * size), 0, (n - i - 1) * size);
            }
            to = to.add(n * n * size);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::movement::model::*;
    use super::*;
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
        let need = scratch_bytes(a.dims[a.dims.len() - 1], a.dtype);
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
