//! What a back end supplies: the factorisations of one matrix of numbers.

use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::super::level3::Level3;
use crate::dtype::Element;

/// A real number that matrices are made of.
pub trait Real:
    Element
    + Level3
    + Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Send
    + Sync
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The distance from 1 to the next number.
    const EPSILON: Self;
    /// The number nearest to `x`.
    fn of(x: f64) -> Self;
    /// The number as `f64`.
    fn wide(self) -> f64;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The magnitude.
    fn abs(self) -> Self;
    /// True for a number that is neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

macro_rules! real {
    ($t:ident) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $t::EPSILON;
            fn of(x: f64) -> Self {
                x as $t
            }
            fn wide(self) -> f64 {
                f64::from(self)
            }
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            fn abs(self) -> Self {
                $t::abs(self)
            }
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
        }
    };
}
real! { f32 }
real! { f64 }

/// An iteration did not come to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoConvergence;

/// A back end. Matrices are dense and column by column; `scratch` has at least the bytes that the
/// function `.._bytes` gives for the same lengths, at any address.
pub trait Factor: Real {
    /// The name of the back end, for reports.
    const BACK_END: &'static str;

    /// Bytes for [`Factor::cholesky`].
    fn cholesky_bytes(n: usize) -> usize;
    /// Replaces the lower triangle of a symmetric matrix by its Cholesky factor; or says the order of the first leading minor that
    /// is not positive.
    fn cholesky(a: &mut [Self], n: usize, scratch: &mut [u8]) -> Result<(), usize>;

    /// Bytes for [`Factor::lu`].
    fn lu_bytes(n: usize) -> usize;
    /// Replaces a matrix by its factors: `a[order] = l u`, the unit diagonal of `l` left out.
    fn lu(a: &mut [Self], n: usize, order: &mut [usize], scratch: &mut [u8]);

    /// Bytes for [`Factor::qr`].
    fn qr_bytes(m: usize, n: usize, columns: usize) -> usize;
    /// The first `columns` columns of the orthogonal factor of an `m x n` matrix, which becomes the triangular factor; below the
    /// diagonal is anything.
    fn qr(a: &mut [Self], m: usize, n: usize, q: &mut [Self], columns: usize, scratch: &mut [u8]);

    /// Bytes for [`Factor::svd`].
    fn svd_bytes(m: usize, n: usize, vectors: bool) -> usize;
    /// The singular values of an `m x n` matrix, the largest first, and its singular vectors as columns of `u` and `v`, if they are
    /// given: as many as there are values.
    fn svd(
        a: &[Self],
        m: usize,
        n: usize,
        s: &mut [Self],
        vectors: Option<(&mut [Self], &mut [Self])>,
        scratch: &mut [u8],
    ) -> Result<(), NoConvergence>;

    /// Bytes for [`Factor::eigh`].
    fn eigh_bytes(n: usize, vectors: bool) -> usize;
    /// The eigenvalues of a symmetric matrix, of which the lower triangle is read, the least first; and its eigenvectors as columns.
    fn eigh(a: &[Self], n: usize, w: &mut [Self], v: Option<&mut [Self]>, scratch: &mut [u8]) -> Result<(), NoConvergence>;

    /// Bytes for [`Factor::eig`].
    fn eig_bytes(n: usize) -> usize;
    /// The eigenvalues of a matrix, real and imaginary parts, and its eigenvectors: of a complex pair, which stands side by side with
    /// the positive imaginary part first, the first column is the real part of the first vector and the second its imaginary part.
    fn eig(a: &[Self], n: usize, re: &mut [Self], im: &mut [Self], v: &mut [Self], scratch: &mut [u8]) -> Result<(), NoConvergence>;
}

/// `n` numbers at the front of scratch memory at any address, and the rest.
pub fn numbers<T: Copy>(scratch: &mut [u8], n: usize) -> (&mut [T], &mut [u8]) {
    let lead = scratch.as_ptr().align_offset(align_of::<T>()).min(scratch.len());
    let (own, rest) = scratch[lead..].split_at_mut(n * size_of::<T>());
    // SAFETY: aligned, initialised, and any bits are a number.
    (unsafe { std::slice::from_raw_parts_mut(own.as_mut_ptr().cast(), n) }, rest)
}

/// Bytes that [`numbers`] takes at most.
pub fn numbers_bytes<T>(n: usize) -> usize {
    n * size_of::<T>() + align_of::<T>()
}
