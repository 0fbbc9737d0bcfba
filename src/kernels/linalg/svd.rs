//! Singular values and vectors.

use super::super::ranges::Ranges;
use super::factor::{Factor, NoConvergence, Real};
use super::small::{self, Small, Source, Target};
use super::{Batch, Fault, Matrices, Shared, all_finite, by_rows, carved, carved_bytes, reals, sign, square_sum};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Bytes that [`One::factors`] needs beside its operands.
pub(super) fn own_bytes<T: Factor>(m: usize, n: usize) -> usize {
    let k = m.min(n);
    let gram = carved_bytes::<T>(k * k) * 2 + carved_bytes::<T>(k) + T::eigh_bytes(k, true);
    T::svd_bytes(m, n, true).max(T::svd_bytes(n, m, true)).max(T::svd_bytes(m, n, false)).max(gram)
}

/// Bytes for one matrix, with vectors.
fn bytes<T: Factor>(m: usize, n: usize, full: bool) -> usize {
    let k = m.min(n);
    let (cu, cv) = if full { (m, n) } else { (k, k) };
    let own = carved_bytes::<T>(m * n) + carved_bytes::<T>(m * cu) + carved_bytes::<T>(n * cv) + carved_bytes::<T>(k);
    let complete =
        if full { carved_bytes::<T>(m.max(n) * k) + carved_bytes::<T>(m.max(n).pow(2)) + T::qr_bytes(m.max(n), k, m.max(n)) } else { 0 };
    own + own_bytes::<T>(m, n).max(complete)
}

/// Bytes of scratch of [`svd`] for a batch of `count` matrices.
pub fn svd_bytes(count: usize, m: usize, n: usize, full: bool, dtype: DType) -> usize {
    Batch::scratch_bytes(count, reals!(dtype, T => bytes::<T>(m, n, full)))
}

/// The factors of `a = u diag(s) vh` over a batch (..., m, n): the singular values, the largest first, and the vectors as columns of `u`
/// and rows of `vh`; with `full` also those that complete them to bases. All are C-contiguous. The entry of the largest magnitude of
/// each row of `vh` that belongs to a value is positive. If `u` and `vh` have no elements though the matrices have, only values are computed.
///
/// Infinities and NaN are an error of kind `LinAlg`, and so is an iteration that does not converge in any of four ways.
pub fn svd(ranges: &Ranges<'_>, op: &str, a: View<'_>, full: bool, scratch: &mut [u8], [u, s, vh]: [&mut ViewMut<'_>; 3]) -> Result<()> {
    let Some(matrices) = Matrices::new(a) else { return Ok(()) };
    let (m, n) = (matrices.m, matrices.n);
    let k = m.min(n);
    let (cu, cv) = if full { (m, n) } else { (k, k) };
    let vectors = u.count() + vh.count() > 0;
    reals!(a.dtype(), T => {
        let work = if vectors { m * n * k + 20 * k * k } else { m * n * k / 3 };
        let batch = Batch { dims: matrices.batch, work: work + m * n, bytes: bytes::<T>(m, n, full) };
        let (u, s, vh) = (Shared(u.ptr().cast::<T>()), Shared(s.ptr().cast::<T>()), Shared(vh.ptr().cast::<T>()));
        let one = |i: usize, scratch: &mut [u8]| {
            // SAFETY: the scratch holds what is carved off it, and matrix `i` has values and vectors of its own.
            let (work, left, right, values, rest) = unsafe {
                let (work, rest) = carved::<T>(scratch, m * n);
                let (left, rest) = carved::<T>(rest, m * cu);
                let (right, rest) = carved::<T>(rest, n * cv);
                let (values, rest) = carved::<T>(rest, k);
                matrices.load(i, work.as_mut_ptr(), false);
                (work, left, right, values, rest)
            };
            let one = One { m, n };
            if !all_finite(work)
                && let Some(at) = work.iter().position(|x| !x.is_finite())
            {
                let got = format_args!("{} at ({}, {})", work[at].wide(), at % m.max(1), at / m.max(1));
                return Err(Fault::new("the matrix is not finite", got, "finite numbers"));
            }
            if !vectors {
                one.values(work, values, rest).map_err(|_| Fault::no_convergence())?;
                // SAFETY: as above.
                unsafe { s.part(i * k, k) }.copy_from_slice(values);
                return Ok(());
            }
            one.factors(work, values, left, right, rest).map_err(|_| Fault::no_convergence())?;
            if full {
                complete(left, m, k, rest);
                complete(right, n, k, rest);
            }
            // SAFETY: as above; every element is written.
            unsafe {
                s.part(i * k, k).copy_from_slice(values);
                for c in 0..k {
                    let (left, right) = (&mut left[c * m..(c + 1) * m], &mut right[c * n..(c + 1) * n]);
                    if sign(right.iter().copied()) < T::ZERO {
                        left.iter_mut().chain(right).for_each(|x| *x = -*x);
                    }
                }
                by_rows([m, cu], left, u.part(i * m * cu, m * cu));
                vh.part(i * cv * n, cv * n).copy_from_slice(right);
            }
            Ok(())
        };
        if m.max(n) > small::SIDE {
            return batch.each(ranges, op, scratch, &one);
        }
        batch.groups(ranges, op, scratch, T::GROUP, &|range, scratch| {
            // SAFETY: each matrix has values and vectors of its own.
            let (a, u, s, vh) = unsafe {
                let [of_u, of_v] = if vectors { [m * cu, cv * n] } else { [0, 0] };
                let a = Source::new(&matrices, &range);
                (a, Target::new(u, of_u, &range), Target::new(s, k, &range), Target::new(vh, of_v, &range))
            };
            let bad = T::together(range.len(), small::svd::Svd { a, u, s, vh, vectors, full });
            small::alone(range, bad, |i| one(i, scratch))
        })
    })
}

/// The lengths of one matrix.
pub(super) struct One {
    pub m: usize,
    pub n: usize,
}

impl One {
    /// Whether the columns are orthonormal, the values in order, and all finite: what a back end gave is looked at.
    fn holds<T: Factor>(&self, a: &[T], s: &[T], u: &[T], v: &[T]) -> bool {
        let (m, n, k) = (self.m, self.n, self.m.min(self.n));
        if ![s, &u[..m * k], &v[..n * k]].into_iter().all(all_finite) || s.iter().any(|x| *x < T::ZERO) {
            return false;
        }
        // The Frobenius norm is that of the values.
        let most = a.iter().fold(0.0, |m: f64, x| m.max(x.wide().abs()));
        if most == 0.0 {
            return s.iter().all(|x| *x == T::ZERO);
        }
        let (norm, values) = (square_sum(a, 1.0 / most).sqrt(), square_sum(s, 1.0 / most).sqrt());
        (norm - values).abs() <= 1e3 * T::EPSILON.wide() * norm * (m.max(n) as f64).sqrt()
    }

    /// Values alone: as the back end gives them; else of the matrix scaled.
    fn values<T: Factor>(&self, a: &mut [T], s: &mut [T], rest: &mut [u8]) -> Result<(), NoConvergence> {
        let (m, n) = (self.m, self.n);
        let fits = |s: &[T]| s.iter().all(|x| x.is_finite() && *x >= T::ZERO) && s.windows(2).all(|w| w[0] >= w[1]);
        if T::svd(a, m, n, s, None, rest).is_ok() && fits(s) {
            return Ok(());
        }
        let scale = scaled(a);
        if T::svd(a, m, n, s, None, rest).is_ok() && fits(s) {
            s.iter_mut().for_each(|x| *x *= scale);
            return Ok(());
        }
        Err(NoConvergence)
    }

    /// Values and vectors: as the back end gives them; else of the matrix scaled, of its transpose, and of its Gram matrix.
    pub fn factors<T: Factor>(&self, a: &mut [T], s: &mut [T], u: &mut [T], v: &mut [T], rest: &mut [u8]) -> Result<(), NoConvergence> {
        let (m, n) = (self.m, self.n);
        if T::svd(a, m, n, s, Some((u, v)), rest).is_ok() && self.holds(a, s, u, v) {
            return Ok(());
        }
        let scale = scaled(a);
        let rescale = |s: &mut [T]| s.iter_mut().for_each(|x| *x *= scale);
        if T::svd(a, m, n, s, Some((u, v)), rest).is_ok() && self.holds(a, s, u, v) {
            rescale(s);
            return Ok(());
        }
        turn(a, m, n);
        let done = T::svd(a, n, m, s, Some((v, u)), rest).is_ok() && One { m: n, n: m }.holds(a, s, v, u);
        turn(a, n, m);
        if done {
            rescale(s);
            return Ok(());
        }
        if self.by_gram(a, s, u, v, rest).is_ok() && self.holds(a, s, u, v) {
            rescale(s);
            return Ok(());
        }
        Err(NoConvergence)
    }

    /// By the eigenvectors of the smaller one of `a^T a` and `a a^T`, for full rank.
    fn by_gram<T: Factor>(&self, a: &[T], s: &mut [T], u: &mut [T], v: &mut [T], rest: &mut [u8]) -> Result<(), NoConvergence> {
        let (m, n, k) = (self.m, self.n, self.m.min(self.n));
        // SAFETY: the scratch holds two squares and a list.
        let (gram, vectors, list, rest) = unsafe {
            let (gram, rest) = carved::<T>(rest, k * k);
            let (vectors, rest) = carved::<T>(rest, k * k);
            let (list, rest) = carved::<T>(rest, k);
            (gram, vectors, list, rest)
        };
        let tall = m >= n;
        let entry = |i: usize, j: usize| a[j * m + i];
        for i in 0..k {
            for j in 0..k {
                let sum: f64 = if tall {
                    (0..m).map(|r| entry(r, i).wide() * entry(r, j).wide()).sum()
                } else {
                    (0..n).map(|c| entry(i, c).wide() * entry(j, c).wide()).sum()
                };
                gram[j * k + i] = T::of(sum);
            }
        }
        T::eigh(gram, k, list, Some(vectors), rest)?;
        for c in 0..k {
            let from = &vectors[(k - 1 - c) * k..(k - c) * k];
            let (near, far, long) = if tall { (&mut *v, &mut *u, m) } else { (&mut *u, &mut *v, n) };
            near[c * k..(c + 1) * k].copy_from_slice(from);
            let image: Vec<f64> =
                (0..long).map(|r| (0..k).map(|j| if tall { entry(r, j) } else { entry(j, r) }.wide() * from[j].wide()).sum()).collect();
            let size = image.iter().map(|x| x * x).sum::<f64>().sqrt();
            if size == 0.0 {
                return Err(NoConvergence);
            }
            s[c] = T::of(size);
            far[c * long..(c + 1) * long].iter_mut().zip(&image).for_each(|(to, x)| *to = T::of(x / size));
        }
        Ok(())
    }
}

/// Completes `k` orthonormal columns of length `m` to a basis.
fn complete<T: Factor>(columns: &mut [T], m: usize, k: usize, rest: &mut [u8]) {
    if m == k {
        return;
    }
    // SAFETY: the scratch holds the columns and a basis.
    let (work, basis, rest) = unsafe {
        let (work, rest) = carved::<T>(rest, m * k);
        let (basis, rest) = carved::<T>(rest, m * m);
        (work, basis, rest)
    };
    work.copy_from_slice(&columns[..m * k]);
    T::qr(work, m, k, basis, m, rest);
    columns[m * k..].copy_from_slice(&basis[m * k..]);
}

/// Divides by a power of two near the largest entry, and says it.
fn scaled<T: Real>(a: &mut [T]) -> T {
    let most = a.iter().fold(0.0, |m: f64, x| m.max(x.wide().abs()));
    if most == 0.0 {
        return T::ONE;
    }
    let scale = 2f64.powi(most.log2().floor() as i32);
    a.iter_mut().for_each(|x| *x = T::of(x.wide() / scale));
    T::of(scale)
}

/// Turns an `m x n` matrix, column by column, into its transpose.
fn turn<T: Copy>(a: &mut [T], m: usize, n: usize) {
    let copy = a.to_vec();
    (0..m * n).for_each(|at| a[at / m.max(1) + at % m.max(1) * n] = copy[at]);
}
