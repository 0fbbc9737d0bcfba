//! Cholesky's factorisation over a batch.

use super::super::level3::{Level3, Product, System};
use super::super::ranges::Ranges;
use super::factor::{Factor, Real};
use super::small::cholesky::Cholesky;
use super::small::{self, Small, Source, Target};
use super::{Batch, Fault, Matrices, Shared, by_rows, carved, carved_bytes, reals, transpose_in_place};
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

/// The lower factor L of `(a + a^T) / 2 = L L^T` over a batch (..., n, n) of matrices, `f32` or `f64`. `dst` is C-contiguous; it is zero
/// above the diagonal. `scratch` has [`scratch_bytes`].
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
                (work, to.part(i * n * n, n * n), rest)
            };
            symmetric(n, work);
            T::cholesky(work, n, rest).map_err(fault)?;
            by_rows([n, n], work, to);
            (0..n).for_each(|i| to[i * n + i + 1..(i + 1) * n].fill(T::ZERO));
            Ok(())
        })
    })
}

/// A matrix becomes its symmetric part; a number on the diagonal, however large, is its own.
fn symmetric<T: Real>(n: usize, a: &mut [T]) {
    // Squares that the cache holds.
    const SIDE: usize = 8;
    let half = T::of(0.5);
    for (r, c) in (0..n).step_by(SIDE).flat_map(|r| (0..=r).step_by(SIDE).map(move |c| (r, c))) {
        for i in r..n.min(r + SIDE) {
            for j in c..i.min(c + SIDE) {
                let x = (a[i * n + j] + a[j * n + i]) * half;
                (a[i * n + j], a[j * n + i]) = (x, x);
            }
        }
    }
}

/// Bytes of scratch of [`cotangent`] for a batch of `count` matrices of order `n`.
pub fn cotangent_bytes(count: usize, n: usize, dtype: DType) -> usize {
    if n <= small::SIDE {
        return 0;
    }
    Batch::scratch_bytes(count, reals!(dtype, T => 2 * carved_bytes::<T>(n * n)))
}

/// The symmetric part of `l^-T phi(l^T g) l^-1` over a batch, where `phi` is the lower triangle with its diagonal halved: the cotangent of a
/// matrix from that of its factor `l`, of which the lower triangle is read. `dst` is C-contiguous.
pub fn cotangent(ranges: &Ranges<'_>, op: &str, [l, g]: [View<'_>; 2], scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    let (Some(factors), Some(given)) = (Matrices::new(l), Matrices::new(g)) else { return Ok(()) };
    let n = factors.n;
    reals!(l.dtype(), T => {
        let bytes = if n <= small::SIDE { 0 } else { 2 * carved_bytes::<T>(n * n) };
        let batch = Batch { dims: factors.batch, work: n * n * n / 4 + n * n, bytes };
        let to = Shared(dst.ptr().cast::<T>());
        if n <= small::SIDE {
            return batch.groups(ranges, op, &mut [], T::GROUP, &|range, _| {
                // SAFETY: each matrix has n x n elements of its own.
                let job = unsafe {
                    let (l, g) = (Source::new(&factors, &range), Source::new(&given, &range));
                    small::cholesky::Cotangent { l, g, to: Target::new(to, n * n, &range) }
                };
                T::together(range.len(), job);
                Ok(())
            });
        }
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: the scratch holds what is carved off it, and matrix `i` has n x n elements of its own, all of them written.
            let (l, g, y) = unsafe {
                let (l, rest) = carved::<T>(scratch, n * n);
                let (g, _) = carved::<T>(rest, n * n);
                factors.load(i, l.as_mut_ptr(), true);
                given.load(i, g.as_mut_ptr(), true);
                (l, g, to.part(i * n * n, n * n))
            };
            (0..n).for_each(|r| l[r * n + r + 1..(r + 1) * n].fill(T::ZERO));
            let (rows, columns) = ([n as isize, 1], [1, n as isize]);
            let product = Product { m: n, k: n, n, a: columns, b: rows, d: rows, add: false };
            let transposed = System { n, m: n, steps: columns, lower: false, unit: false };
            // SAFETY: the arrays are n x n.
            unsafe { T::product(&product, l.as_ptr(), g.as_ptr(), y.as_mut_ptr()) };
            for r in 0..n {
                y[r * n + r] *= T::of(0.5);
                y[r * n + r + 1..(r + 1) * n].fill(T::ZERO);
            }
            // SAFETY: likewise.
            unsafe { T::solve_triangular(&transposed, l.as_ptr(), y.as_mut_ptr(), n) };
            transpose_in_place(n, y);
            // SAFETY: likewise.
            unsafe { T::solve_triangular(&transposed, l.as_ptr(), y.as_mut_ptr(), n) };
            symmetric(n, y);
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
    fn the_symmetric_part_is_factored() {
        let a = Strided::new(DType::F64, &[2, 2], &[4.0, 1.0, 3.0, 5.0]);
        assert_eq!(run(&a).unwrap().values(), [2.0, 0.0, 1.0, 2.0]);
        let mut rng = Rng(22);
        let whole = definite(&mut rng, 1, 150);
        // Powers of two are taken off again without rounding.
        let bent: Vec<f64> = whole
            .iter()
            .enumerate()
            .map(|(at, v)| (at / 150, at % 150, v))
            .map(|(i, j, v)| match i.cmp(&j) {
                std::cmp::Ordering::Less => v + v,
                std::cmp::Ordering::Greater => 0.0,
                std::cmp::Ordering::Equal => *v,
            })
            .collect();
        let [whole, bent] = [whole, bent].map(|v| run(&Strided::new(DType::F64, &[150, 150], &v)).unwrap());
        assert_eq!(whole.bits(), bent.bits());
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
