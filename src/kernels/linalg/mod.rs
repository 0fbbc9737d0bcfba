//! Factorisations and triangular systems, over the last two axes of a batch.
//!
//! A back end factors one matrix ([`factor::Factor`]); here are batches, layouts, signs and errors.

use std::fmt::{Display, Write};
use std::ops::Range;

use parking_lot::Mutex;

use super::movement::{each, index_text};
use super::ranges::{RANGE, Ranges};
use crate::array::View;
use crate::array::block::ALIGN;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::count;

pub mod banded;
pub mod cholesky;
pub mod cluster;
pub mod commuted;
#[cfg(not(feature = "blas"))]
mod condensed;
mod dense;
pub mod determinant;
mod differences;
pub mod eig;
pub mod eigh;
pub mod factor;
#[cfg(not(feature = "blas"))]
mod faer_back_end;
pub mod functions;
pub mod iterative;
#[cfg(feature = "blas")]
mod lapack_back_end;
pub mod lu;
pub mod qr;
mod quasi;
pub mod schur;
mod single;
mod small;
pub mod spectral;
pub mod svd;
pub mod sylvester;
pub mod triangular;

/// What factors matrices.
pub fn back_end() -> &'static str {
    <f64 as factor::Factor>::BACK_END
}

/// The longest side of matrices of which several are computed at once.
pub const FEW: usize = small::SIDE;

/// Parts of a batch that are computed at once, each in scratch memory of its own.
const PARTS: usize = 16;

/// Calls `f` with the element type of `f32` or `f64`.
macro_rules! reals {
    ($dtype:expr, $t:ident => $e:expr) => {
        match $dtype {
            crate::dtype::DType::F32 => {
                type $t = f32;
                $e
            }
            _ => {
                type $t = f64;
                $e
            }
        }
    };
}
pub(crate) use reals;

/// Why a matrix has no factors.
pub(super) struct Fault {
    pub what: &'static str,
    pub got: String,
    pub rule: &'static str,
}

impl Fault {
    fn new(what: &'static str, got: impl Display, rule: &'static str) -> Fault {
        let mut text = String::new();
        _ = write!(text, "{got}");
        Fault { what, got: text, rule }
    }
    /// As the error of matrix `number` of a batch.
    fn error(self, op: &str, batch: &[usize], number: usize) -> Error {
        let Fault { what, got, rule } = self;
        Error::new(ErrorKind::LinAlg, op, what, format_args!("{got}{}", matrix_name(batch, number)), rule)
    }
    /// Of an iteration.
    fn no_convergence() -> Fault {
        Fault::new("the iteration did not come to its end", "an iteration that goes on", "finite numbers of an ordinary size")
    }
}

/// What is done with a matrix, by its number and with scratch memory.
type OfOne<'a> = dyn Fn(usize, &mut [u8]) -> Result<(), Fault> + Sync + 'a;

/// The same with a group of them; an error says whose it is.
type OfGroup<'a> = dyn Fn(Range<usize>, &mut [u8]) -> Result<(), (usize, Fault)> + Sync + 'a;

/// A batch of matrices: the lengths of its axes, and the work of one matrix.
pub(super) struct Batch<'a> {
    pub dims: &'a [usize],
    pub work: usize,
    /// Bytes of scratch for one matrix.
    pub bytes: usize,
}

impl Batch<'_> {
    /// Bytes of scratch for all that is computed at once.
    pub fn scratch_bytes(count: usize, bytes: usize) -> usize {
        ALIGN + count.min(PARTS) * bytes.next_multiple_of(ALIGN)
    }

    /// Calls `f` with the number of each matrix and scratch memory for it. Of several that fail the first one is the error.
    pub fn each(&self, ranges: &Ranges<'_>, op: &str, scratch: &mut [u8], f: &OfOne<'_>) -> Result<()> {
        self.groups(ranges, op, scratch, 1, &|range, scratch| f(range.start, scratch).map_err(|fault| (range.start, fault)))
    }

    /// Calls `f` with ranges of `size` matrices, the last one shorter, and scratch memory for one matrix. An error says whose it is; of
    /// several the first one is the error.
    pub fn groups(&self, ranges: &Ranges<'_>, op: &str, scratch: &mut [u8], size: usize, f: &OfGroup<'_>) -> Result<()> {
        let (all, own) = (count(self.dims), self.bytes.next_multiple_of(ALIGN));
        let (n, work) = (all.div_ceil(size), self.work.saturating_mul(size));
        let lead = scratch.as_ptr().align_offset(ALIGN).min(scratch.len());
        let scratch = Shared(scratch[lead..].as_mut_ptr());
        let parts = n.min(PARTS);
        let first: Mutex<Option<(usize, Fault)>> = Mutex::new(None);
        // As many groups in one go as make a few ranges.
        let most = (4 * RANGE / work.max(1)).max(1).saturating_mul(parts);
        for start in (0..n).step_by(most.max(1)) {
            let here = most.min(n - start);
            ranges.parts(parts.min(here), here.saturating_mul(work), &|part| {
                // SAFETY: each part has `own` bytes of the scratch, and there are no more than [`PARTS`].
                let scratch = unsafe { std::slice::from_raw_parts_mut(scratch.at(part * own), own) };
                let parts = parts.min(here);
                for i in start + here * part / parts..start + here * (part + 1) / parts {
                    if let Err((at, fault)) = f(i * size..all.min((i + 1) * size), scratch) {
                        let mut first = first.lock();
                        if first.as_ref().is_none_or(|(before, _)| at < *before) {
                            *first = Some((at, fault));
                        }
                        return;
                    }
                }
            })?;
            if let Some((i, fault)) = first.lock().take() {
                return Err(fault.error(op, self.dims, i));
            }
        }
        Ok(())
    }
}

/// A pointer into memory of which each thread uses a part of its own.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Shared<T>(pub *mut T);

// SAFETY: plain numbers; those who use it keep to their own parts.
unsafe impl<T> Send for Shared<T> {}
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// `i` elements further on.
    ///
    /// # Safety
    /// As `pointer::add`.
    pub unsafe fn at(self, i: usize) -> *mut T {
        // SAFETY: by the contract.
        unsafe { self.0.add(i) }
    }
    /// `n` elements from number `i` on.
    ///
    /// # Safety
    /// They are initialised or will be written before they are read, and nobody else uses them meanwhile.
    pub unsafe fn part<'a>(self, i: usize, n: usize) -> &'a mut [T] {
        // SAFETY: by the contract.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(i), n) }
    }
}

/// The matrices of a view: the axes in front of the last two are a batch.
pub(super) struct Matrices<'a> {
    view: View<'a>,
    pub batch: &'a [usize],
    pub m: usize,
    pub n: usize,
}

impl<'a> Matrices<'a> {
    /// `None` for less than two axes, which no row lets through.
    pub fn new(view: View<'a>) -> Option<Matrices<'a>> {
        match *view.dims() {
            [ref batch @ .., m, n] => Some(Matrices { view, batch, m, n }),
            _ => None,
        }
    }

    /// Where matrix `number` starts, in elements.
    fn offset(&self, mut number: usize) -> isize {
        if let ([_], [s, ..]) = (self.batch, self.view.strides()) {
            return number as isize * s;
        }
        let mut at = 0;
        for (&n, &s) in self.batch.iter().zip(self.view.strides()).rev() {
            at += (number % n.max(1)) as isize * s;
            number /= n.max(1);
        }
        at
    }

    /// Elements from one row to the next, and from one column to the next.
    fn steps(&self) -> [isize; 2] {
        match *self.view.strides() {
            [.., si, sj] => [si, sj],
            _ => [0, 0],
        }
    }

    /// Where matrix `number` starts.
    ///
    /// # Safety
    /// `T` is the view's type, and there is such a matrix.
    unsafe fn start<T>(&self, number: usize) -> *const T {
        // SAFETY: by the contract.
        unsafe { self.view.ptr().cast::<T>().offset(self.offset(number)) }
    }

    /// Copies matrix `number` to `to`, column by column, or row by row if `rows`.
    ///
    /// # Safety
    /// `T` is the view's type, and there is such a matrix; `to` has room for it.
    pub unsafe fn load<T: Copy>(&self, number: usize, to: *mut T, rows: bool) {
        let [.., si, sj] = *self.view.strides() else { return };
        let (inner, outer) = if rows { ((self.n, sj), (self.m, si)) } else { ((self.m, si), (self.n, sj)) };
        // SAFETY: by the contract.
        unsafe {
            let from = self.start::<T>(number);
            if inner.1 == 1 {
                (0..outer.0).for_each(|j| {
                    std::ptr::copy_nonoverlapping(from.offset(j as isize * outer.1), to.add(j * inner.0), inner.0);
                });
                return;
            }
            // Squares that the cache holds.
            const SIDE: usize = 16;
            for first in (0..inner.0).step_by(SIDE) {
                for j in 0..outer.0 {
                    for i in first..inner.0.min(first + SIDE) {
                        *to.add(j * inner.0 + i) = *from.offset(i as isize * inner.1 + j as isize * outer.1);
                    }
                }
            }
        }
    }
}

impl Matrices<'_> {
    /// Copies a column of matrix `number` to `to`.
    ///
    /// # Safety
    /// `T` is the view's type, there is such a column, and `to` has its length.
    unsafe fn load_column<T: Copy>(&self, number: usize, column: usize, to: &mut [T]) {
        let [.., si, sj] = *self.view.strides() else { return };
        // SAFETY: by the contract.
        unsafe {
            let from = self.view.ptr().cast::<T>().offset(self.offset(number) + column as isize * sj);
            to.iter_mut().enumerate().for_each(|(i, to)| *to = *from.offset(i as isize * si));
        }
    }
}

/// Calls `f(number of the matrix, offsets)` for each matrix of a batch.
fn each_matrix<const K: usize>(batch: &[usize], strides: [&[isize]; K], mut f: impl FnMut(usize, [isize; K]) -> Result<()>) -> Result<()> {
    let mut number = 0;
    each(batch, strides, |at| {
        f(number, at)?;
        number += 1;
        Ok(())
    })
}

/// ` in matrix 4` or ` in matrix (1, 1)`, and nothing if there is no batch.
fn matrix_name(batch: &[usize], number: usize) -> String {
    if batch.is_empty() { String::new() } else { format!(" in matrix {}", index_text(batch, number)) }
}

/// The numbers at the front of scratch memory, `n` of them, and the rest, which is aligned again.
///
/// # Safety
/// `T` is a number of 64 bits at most, and `scratch` is aligned and large enough.
unsafe fn carved<T>(scratch: &mut [u8], n: usize) -> (&mut [T], &mut [u8]) {
    let (own, rest) = scratch.split_at_mut((n * size_of::<T>()).next_multiple_of(ALIGN).min(scratch.len()));
    // SAFETY: by the contract; scratch memory holds some bytes or other.
    (unsafe { std::slice::from_raw_parts_mut(own.as_mut_ptr().cast(), n) }, rest)
}

/// Bytes that [`carved`] takes.
fn carved_bytes<T>(n: usize) -> usize {
    (n * size_of::<T>()).next_multiple_of(ALIGN)
}

/// Copies a matrix of so many rows and columns, column by column in `from`, row by row to `to`.
fn by_rows<T: Copy>([rows, columns]: [usize; 2], from: &[T], to: &mut [T]) {
    // Squares that the cache holds; of a line of it each number is used.
    const SIDE: usize = 8;
    for (r, c) in (0..rows).step_by(SIDE).flat_map(|r| (0..columns).step_by(SIDE).map(move |c| (r, c))) {
        for i in r..rows.min(r + SIDE) {
            let to = &mut to[i * columns + c..i * columns + columns.min(c + SIDE)];
            to.iter_mut().enumerate().for_each(|(j, to)| *to = from[(c + j) * rows + i]);
        }
    }
}

/// A square matrix becomes its transpose.
fn transpose_in_place<T: Copy>(n: usize, a: &mut [T]) {
    (0..n).for_each(|i| (0..i).for_each(|j| a.swap(i * n + j, j * n + i)));
}

/// Whether no number is infinite or NaN.
fn all_finite<T: factor::Real>(x: &[T]) -> bool {
    // Zero times a number that is not finite is NaN. Several sums, and no end before the last number, make vectors of it.
    let mut sums = [T::ZERO; 8];
    let (lists, rest) = x.as_chunks::<8>();
    for list in lists {
        sums.iter_mut().zip(list).for_each(|(sum, &x)| *sum += x * T::ZERO);
    }
    sums.iter().all(|&sum| sum == T::ZERO) && rest.iter().all(|x| x.is_finite())
}

/// The sum of the squares of numbers times `scale`.
fn square_sum<T: factor::Real>(x: &[T], scale: f64) -> f64 {
    let mut sums = [0.0; 8];
    let (lists, rest) = x.as_chunks::<8>();
    let square = |x: T| (x.wide() * scale) * (x.wide() * scale);
    for list in lists {
        sums.iter_mut().zip(list).for_each(|(sum, &x)| *sum += square(x));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| square(x)).sum::<f64>()
}

/// The sign that makes the entry of the largest magnitude positive; of equals the first.
fn sign<T: factor::Real>(column: impl Iterator<Item = T>) -> T {
    let mut most = (T::ZERO, T::ZERO);
    for x in column {
        if x.abs() > most.0 {
            most = (x.abs(), x);
        }
    }
    if most.1 < T::ZERO { -T::ONE } else { T::ONE }
}
