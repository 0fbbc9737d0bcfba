//! Eigenvalues and eigenvectors of general matrices.

use super::super::ranges::Ranges;
use super::factor::{Factor, Real};
use super::{Batch, Fault, Matrices, Shared, carved, carved_bytes, reals};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Bytes for one matrix.
fn bytes<T: Factor>(n: usize) -> usize {
    2 * carved_bytes::<T>(n * n) + 2 * carved_bytes::<T>(n) + 2 * carved_bytes::<usize>(n) + T::eig_bytes(n)
}

/// Bytes of scratch of [`eig`] for a batch of `count` matrices.
pub fn eig_bytes(count: usize, n: usize, dtype: DType) -> usize {
    Batch::scratch_bytes(count, reals!(dtype, T => bytes::<T>(n)))
}

/// The eigenvalues of a batch (..., n, n) of real matrices, real and imaginary parts, in ascending order of the real part, then of the
/// imaginary one; and eigenvectors as columns, real and imaginary parts, of length 1, the entry of the largest magnitude real and
/// positive. All are C-contiguous.
///
/// Infinities and NaN are an error of kind `LinAlg`, and so is an iteration that does not converge.
pub fn eig(
    ranges: &Ranges<'_>,
    op: &str,
    a: View<'_>,
    scratch: &mut [u8],
    [wr, wi]: [&mut ViewMut<'_>; 2],
    [vr, vi]: [&mut ViewMut<'_>; 2],
) -> Result<()> {
    let Some(matrices) = Matrices::new(a) else { return Ok(()) };
    let n = matrices.n;
    reals!(a.dtype(), T => {
        let batch = Batch { dims: matrices.batch, work: 3 * n * n * n + 8 * n * n, bytes: bytes::<T>(n) };
        let (wr, wi) = (Shared(wr.ptr().cast::<T>()), Shared(wi.ptr().cast::<T>()));
        let (vr, vi) = (Shared(vr.ptr().cast::<T>()), Shared(vi.ptr().cast::<T>()));
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: the scratch holds what is carved off it, and matrix `i` has values and vectors of its own, all of them written.
            let (work, own, re, im, order, rest) = unsafe {
                let (work, rest) = carved::<T>(scratch, n * n);
                let (own, rest) = carved::<T>(rest, n * n);
                let (re, rest) = carved::<T>(rest, n);
                let (im, rest) = carved::<T>(rest, n);
                let (order, rest) = carved::<usize>(rest, n);
                matrices.load(i, work.as_mut_ptr(), false);
                (work, own, re, im, order, rest)
            };
            if let Some(at) = work.iter().position(|x| !x.is_finite()) {
                let got = format_args!("{} at ({}, {})", work[at].wide(), at % n.max(1), at / n.max(1));
                return Err(Fault::new("the matrix is not finite", got, "finite numbers"));
            }
            T::eig(work, n, re, im, own, rest).map_err(|_| Fault::no_convergence())?;
            if !re.iter().chain(im.iter()).chain(own.iter()).all(|x| x.is_finite()) {
                return Err(Fault::no_convergence());
            }
            (0..n).for_each(|k| order[k] = k);
            let key = |k: usize| (re[k].wide(), im[k].wide());
            order.sort_by(|&a, &b| key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal));
            for (to, &k) in order.iter().enumerate() {
                // Of a pair the columns are the real and the imaginary part of the vector of the first value.
                let (first, sign) = match im[k] {
                    x if x == T::ZERO => (k, T::ZERO),
                    x if k + 1 < n && im[k + 1] == -x && (k == 0 || !is_second(im, k)) => (k, T::ONE),
                    _ => (k - 1, -T::ONE),
                };
                let part = |r: usize| (own[first * n + r], if sign == T::ZERO { T::ZERO } else { sign * own[(first + 1) * n + r] });
                let size = |r: usize| {
                    let (x, y) = part(r);
                    x.wide().hypot(y.wide())
                };
                let (most, largest) = (0..n).fold((0, -1.0), |(at, most), r| if size(r) > most { (r, size(r)) } else { (at, most) });
                let norm = (0..n).map(|r| (size(r) / largest).powi(2)).sum::<f64>().sqrt() * largest;
                let (x, y) = part(most);
                // Divided by its phase and its length.
                let (c, s) = (x.wide() / largest / norm, y.wide() / largest / norm);
                // SAFETY: as above.
                unsafe {
                    (*wr.at(i * n + to), *wi.at(i * n + to)) = (re[k], im[k]);
                    for r in 0..n {
                        let (x, y) = (part(r).0.wide(), part(r).1.wide());
                        let at = (i * n + r) * n + to;
                        *vr.at(at) = T::of(x * c + y * s);
                        *vi.at(at) = T::of(if r == most { 0.0 } else { y * c - x * s });
                    }
                }
            }
            Ok(())
        })
    })
}

/// Whether value `k` is the second of a pair: pairs are counted from the front.
fn is_second<T: Real>(im: &[T], k: usize) -> bool {
    im[..k].iter().filter(|x| **x != T::ZERO).count() % 2 == 1
}

/// An error of kind `LinAlg` unless all imaginary parts `wi` (..., n) of eigenvalues vanish.
pub fn real_spectrum(ranges: &Ranges<'_>, op: &str, wi: View<'_>) -> Result<()> {
    let n = wi.dims().last().copied().unwrap_or(0).max(1);
    reals!(wi.dtype(), T => {
        for number in 0..wi.count() / n {
            let row = super::cluster::row_of::<T>(wi, number, n);
            if let Some(k) = row.iter().position(|x| *x != 0.0) {
                let lead = &wi.dims()[..wi.dims().len() - 1];
                let got = format_args!("an imaginary part of {:e} of eigenvalue {k}{}", row[k], super::matrix_name(lead, number));
                let e = crate::error::Error::new(crate::error::ErrorKind::LinAlg, op, "the spectrum is not real", got, "real eigenvalues");
                return Err(e.help("`eig_parts` and `eigvals_parts` give real and imaginary parts"));
            }
            ranges.did(n)?;
        }
    });
    Ok(())
}
