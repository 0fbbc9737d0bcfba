//! Scans: running sums, products, extremes and linear recurrences along an axis.
//!
//! Elements are taken one after the other, as NumPy's `accumulate` takes them, so no bit depends on layout or instruction set.
//! `f32` is accumulated in `f64` and rounded once for each output.

use super::lines::{Axis, Lanes, Lines, Offsets};
use super::ranges::Ranges;
use crate::array::{View, ViewMut};
use crate::dtype::{DType, Element};
use crate::error::Result;

mod steps;
use steps::{Extreme, Product, Recurrence, Sum};

/// Where a scan begins and what it writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Way {
    /// From the last element to the first.
    pub reverse: bool,
    /// Write what was accumulated before an element, not with it.
    pub exclusive: bool,
}

impl Way {
    /// From the first element on, with each element.
    pub const FORWARD: Way = Way { reverse: false, exclusive: false };
}

/// Running sums of `x` along `axis`; integers wrap. `dst` is C-contiguous, of the lengths and dtype of `x`, which is not bool.
pub fn sums(ranges: &Ranges<'_>, x: View<'_>, axis: usize, way: Way, dst: &mut ViewMut<'_>) -> Result<()> {
    let d = dst.ptr();
    match x.dtype() {
        DType::Bool => Ok(()),
        DType::I32 => scan::<Sum<i32>, 1>(ranges, [x], axis, way, d.cast(), dst),
        DType::I64 => scan::<Sum<i64>, 1>(ranges, [x], axis, way, d.cast(), dst),
        DType::F32 => scan::<Sum<f32>, 1>(ranges, [x], axis, way, d.cast(), dst),
        DType::F64 => scan::<Sum<f64>, 1>(ranges, [x], axis, way, d.cast(), dst),
    }
}

/// Running products of `x` along `axis`; as [`sums`].
pub fn products(ranges: &Ranges<'_>, x: View<'_>, axis: usize, way: Way, dst: &mut ViewMut<'_>) -> Result<()> {
    let d = dst.ptr();
    match x.dtype() {
        DType::Bool => Ok(()),
        DType::I32 => scan::<Product<i32>, 1>(ranges, [x], axis, way, d.cast(), dst),
        DType::I64 => scan::<Product<i64>, 1>(ranges, [x], axis, way, d.cast(), dst),
        DType::F32 => scan::<Product<f32>, 1>(ranges, [x], axis, way, d.cast(), dst),
        DType::F64 => scan::<Product<f64>, 1>(ranges, [x], axis, way, d.cast(), dst),
    }
}

/// The states `s[k - 1]` of `s[k] = a[k] * s[k - 1] + b[k]` along `axis`, where the state before the first element is 0. `a` and `b`
/// are floats of the lengths and dtype of `dst`, which is C-contiguous.
pub fn recurrence(ranges: &Ranges<'_>, [a, b]: [View<'_>; 2], axis: usize, reverse: bool, dst: &mut ViewMut<'_>) -> Result<()> {
    let (d, way) = (dst.ptr(), Way { reverse, exclusive: true });
    if dst.dtype() == DType::F32 {
        scan::<Recurrence<f32>, 2>(ranges, [a, b], axis, way, d.cast(), dst)
    } else {
        scan::<Recurrence<f64>, 2>(ranges, [a, b], axis, way, d.cast(), dst)
    }
}

/// The largest (with `LEAST` the smallest) element up to each one along `axis`, and its index as `int64`: the first of equals; from the
/// first NaN on that NaN. `values` (the dtype of `x`) and `index` are C-contiguous, of the lengths of `x`.
pub fn extremes<const LEAST: bool>(
    ranges: &Ranges<'_>,
    x: View<'_>,
    axis: usize,
    values: &mut ViewMut<'_>,
    index: &mut ViewMut<'_>,
) -> Result<()> {
    debug_assert_eq!((x.dtype(), DType::I64), (values.dtype(), index.dtype()));
    crate::dispatch!(x.dtype(), T => {
        let at = (values.ptr().cast::<T>(), index.ptr().cast::<i64>());
        scan::<Extreme<T, LEAST>, 1>(ranges, [x], axis, Way::FORWARD, at, values)
    })
}

/// A scan of `K` operands.
trait Step<const K: usize> {
    /// The type of an element.
    type In: Element;
    /// What is accumulated.
    type Acc: Copy;
    /// What is written for each element.
    type Out: Output;
    /// What is accumulated before the first element.
    fn start(exclusive: bool) -> Self::Acc;
    /// `acc` with the elements at place `k`.
    fn next(acc: Self::Acc, x: [Self::In; K], k: usize) -> Self::Acc;
    /// What is written.
    fn out(acc: Self::Acc) -> Self::Out;
}

/// What is written for an element.
trait Output: Copy {
    /// Where the outputs stand.
    type At: Copy;
    /// Writes element `i`.
    ///
    /// # Safety
    /// The outputs have an element `i`.
    unsafe fn put(self, at: Self::At, i: isize);
}
impl<T: Element> Output for T {
    type At = *mut T;
    #[inline(always)]
    unsafe fn put(self, at: *mut T, i: isize) {
        unsafe { *at.offset(i) = self }
    }
}
impl<T: Element> Output for (T, i64) {
    type At = (*mut T, *mut i64);
    #[inline(always)]
    unsafe fn put(self, at: (*mut T, *mut i64), i: isize) {
        unsafe { (*at.0.offset(i), *at.1.offset(i)) = self }
    }
}

/// Lanes that advance together where operands and output are contiguous across them: a few pages of either.
const WIDE: usize = 1024;
/// The same where an operand is not: their cache lines stay in the first cache.
const NARROW: usize = 64;
/// The same where the output is not: as many streams are written.
const STREAMS: usize = 16;
/// Rows that advance side by side, so that no step waits for the step before it.
const ABREAST: usize = 4;

/// Scans operands of one shape along an axis. The outputs at `at` have that shape and the strides of `out`, in C order.
fn scan<S: Step<K>, const K: usize>(
    ranges: &Ranges<'_>,
    xs: [View<'_>; K],
    axis: usize,
    way: Way,
    at: <S::Out as Output>::At,
    out: &ViewMut<'_>,
) -> Result<()> {
    debug_assert!(xs.iter().all(|x| x.dims() == out.dims() && x.dtype() == S::In::DTYPE));
    if out.count() == 0 {
        return Ok(());
    }
    let lines = Lines::new(out.dims(), xs.map(|x| x.strides()), out.strides(), axis, way.reverse);
    let line = Line::<S, K> { x: xs.map(|x| x.ptr().cast()), at, axis: lines.along, way };
    let some = |n: usize| Axis { n, ..lines.lanes };
    // SAFETY: these lines are inside of operands and outputs, which do not overlap.
    unsafe {
        match lines.layout() {
            Lanes::Contiguous => lines.each(WIDE, |p, n| line.lanes::<WIDE>(ranges, p, &Axis { n, step: [1; K], out: 1 })),
            Lanes::Written => lines.each(NARROW, |p, n| line.lanes::<NARROW>(ranges, p, &some(n))),
            Lanes::Read => lines.each(STREAMS, |p, n| line.lanes::<STREAMS>(ranges, p, &some(n))),
            Lanes::Apart => lines.each(ABREAST, |p, n| match n {
                ABREAST => line.abreast(ranges, p, &lines.lanes),
                _ => (0..n).try_for_each(|j| line.one(ranges, p.along(&lines.lanes, j))),
            }),
        }
    }
}

/// What scans along one axis have in common.
struct Line<S: Step<K>, const K: usize> {
    x: [*const S::In; K],
    at: <S::Out as Output>::At,
    axis: Axis<K>,
    way: Way,
}

impl<S: Step<K>, const K: usize> Line<S, K> {
    /// Takes number `k` of the scan whose first element is `j` steps of `side` from `p`.
    ///
    /// # Safety
    /// That element is there.
    #[inline(always)]
    unsafe fn take(&self, acc: S::Acc, p: Offsets<K>, k: usize, side: &Axis<K>, j: usize) -> S::Acc {
        let (down, across) = (k as isize, j as isize);
        // SAFETY: the contract.
        let x = std::array::from_fn(|i| unsafe { *self.x[i].offset(p.x[i] + self.axis.step[i] * down + side.step[i] * across) });
        let next = S::next(acc, x, if self.way.reverse { self.axis.n - 1 - k } else { k });
        let out = S::out(if self.way.exclusive { acc } else { next });
        // SAFETY: the contract.
        unsafe { out.put(self.at, p.out + self.axis.out * down + side.out * across) };
        next
    }

    /// One scan.
    ///
    /// # Safety
    /// Its elements are there.
    unsafe fn one(&self, ranges: &Ranges<'_>, p: Offsets<K>) -> Result<()> {
        let (mut acc, side) = (S::start(self.way.exclusive), Axis { n: 1, step: [0; K], out: 0 });
        ranges.each(self.axis.n, 1, |r| {
            // SAFETY: the contract.
            r.for_each(|k| acc = unsafe { self.take(acc, p, k, &side, 0) });
            Ok(())
        })
    }

    /// A few scans, accumulated in registers.
    ///
    /// # Safety
    /// Their elements are there.
    unsafe fn abreast(&self, ranges: &Ranges<'_>, p: Offsets<K>, side: &Axis<K>) -> Result<()> {
        let mut acc = [S::start(self.way.exclusive); ABREAST];
        ranges.each(self.axis.n, ABREAST, |r| {
            for k in r {
                for (j, acc) in acc.iter_mut().enumerate() {
                    // SAFETY: the contract.
                    *acc = unsafe { self.take(*acc, p, k, side, j) };
                }
            }
            Ok(())
        })
    }

    /// Up to `W` scans.
    ///
    /// # Safety
    /// Their elements are there.
    #[inline(always)]
    unsafe fn lanes<const W: usize>(&self, ranges: &Ranges<'_>, p: Offsets<K>, side: &Axis<K>) -> Result<()> {
        let mut acc = [S::start(self.way.exclusive); W];
        let acc = &mut acc[..side.n];
        ranges.each(self.axis.n, side.n, |r| {
            for k in r {
                for (j, acc) in acc.iter_mut().enumerate() {
                    // SAFETY: the contract.
                    *acc = unsafe { self.take(*acc, p, k, side, j) };
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
