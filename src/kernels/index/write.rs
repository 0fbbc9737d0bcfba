//! What is written at places: elements, extremes, and what a recurrence makes of the element that is there.
//!
//! Places are as those of [`gather_at`](super::gather_at): they were checked before, and memory is safe whatever they are.

use super::at::{Pairs, by_size};
use super::{Index, by_index};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::add::Add;
use crate::kernels::movement::{copy, joined, rows, zero};
use crate::kernels::ranges::Ranges;
use crate::shape::{Dims, Strides, count};

/// `dst` is `x`, and then `dst[.., places[.., j, ..], ..] = src[.., j, ..]` in C order: the last one stays. `dst` is C-contiguous;
/// one dtype but for the places, which have the lengths of `src`.
pub fn put_at(ranges: &Ranges<'_>, x: View<'_>, places: View<'_>, src: View<'_>, axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    copy(ranges, x, dst)?;
    debug_assert_eq!((places.dims(), src.dtype()), (src.dims(), dst.dtype()));
    by_index!(places.dtype(), I => match Pairs::<I>::new(ranges, places, (dst.dims(), dst.strides()), axis, src.strides()) {
        None => Ok(()),
        // SAFETY: the views are alive; the destination is no other's.
        Some(pairs) => by_size!(src.dtype(), T => unsafe {
            pairs.each::<T, true>(dst.ptr().cast(), src.ptr().cast_mut().cast(), |d, s| *d = s)
        }),
    })
}

/// Order, and arithmetic that never fails.
trait Number: Add {
    /// The larger one; the first of equals; NaN if one is.
    fn larger(self, other: Self) -> Self;
    /// The smaller one; the first of equals; NaN if one is.
    fn smaller(self, other: Self) -> Self;
    /// The product: wrapping for integers, "and" for bools.
    fn times(self, other: Self) -> Self;
}
macro_rules! number {
    ($($t:ty: $nan:expr, $times:expr;)+) => {$(impl Number for $t {
        #[inline(always)]
        fn larger(self, other: Self) -> Self {
            let nan: fn($t) -> bool = $nan;
            if other > self || nan(other) { other } else { self }
        }
        #[inline(always)]
        fn smaller(self, other: Self) -> Self {
            let nan: fn($t) -> bool = $nan;
            if other < self || nan(other) { other } else { self }
        }
        #[inline(always)]
        fn times(self, other: Self) -> Self {
            let f: fn($t, $t) -> $t = $times;
            f(self, other)
        }
    })+};
}
number! {
    bool: |_| false, |a, b| a & b;
    i32: |_| false, i32::wrapping_mul;
    i64: |_| false, i64::wrapping_mul;
    f32: f32::is_nan, |a, b| a * b;
    f64: f64::is_nan, |a, b| a * b;
}

/// As [`put_at`], of the element that is there and the one that comes the larger, or, with `least`, the smaller; NaN if one is.
pub fn extreme_at(
    ranges: &Ranges<'_>,
    x: View<'_>,
    places: View<'_>,
    src: View<'_>,
    axis: usize,
    least: bool,
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    copy(ranges, x, dst)?;
    debug_assert_eq!((places.dims(), src.dtype()), (src.dims(), dst.dtype()));
    by_index!(places.dtype(), I => match Pairs::<I>::new(ranges, places, (dst.dims(), dst.strides()), axis, src.strides()) {
        None => Ok(()),
        // SAFETY: the views are alive; the destination is no other's.
        Some(pairs) => crate::dispatch!(src.dtype(), T => unsafe {
            let (to, from) = (dst.ptr().cast::<T>(), src.ptr().cast_mut().cast::<T>());
            if least {
                pairs.each::<T, true>(to, from, |d, s| *d = d.smaller(s))
            } else {
                pairs.each::<T, true>(to, from, |d, s| *d = d.larger(s))
            }
        }),
    })
}

/// Axes to be walked from the last element to the first: where that stands, and the way.
fn backwards<const K: usize>(dims: &[usize], strides: [Strides; K]) -> ([isize; K], [Strides; K]) {
    let at = std::array::from_fn(|k| strides[k].iter().zip(dims).map(|(s, &n)| s * (n as isize - 1)).sum());
    (at, strides.map(|s| s.iter().map(|s| -s).collect()))
}

/// A recurrence at each place: `y` is `x`, and then, in C order or, with `reverse`, against it, `before[.., j, ..] = y[p]` and
/// `y[p] = y[p] * scale[.., j, ..] + shift[.., j, ..]` at `p = [.., places[.., j, ..], ..]`. `y` and `before` are C-contiguous; one
/// dtype but for the places, which have the lengths of `scale`, `shift` and `before`.
#[allow(clippy::too_many_arguments, reason = "a kernel of four operands and two results")]
pub fn scan_at(
    ranges: &Ranges<'_>,
    x: View<'_>,
    places: View<'_>,
    scale: View<'_>,
    shift: View<'_>,
    axis: usize,
    reverse: bool,
    y: &mut ViewMut<'_>,
    before: &mut ViewMut<'_>,
) -> Result<()> {
    copy(ranges, x, y)?;
    let n = y.dims().get(axis).copied().unwrap_or(0);
    if n == 0 || count(places.dims()) == 0 {
        return zero(ranges, before);
    }
    let step = y.strides()[axis];
    let mut still = Strides::from_slice(y.strides());
    still[axis] = 0;
    let (dims, steps) = joined(places.dims(), [places.strides(), &still, scale.strides(), shift.strides(), before.strides()]);
    let (at, steps) = if reverse { backwards(&dims, steps) } else { ([0; 5], steps) };
    let walk = Recurrence { ranges, dims, at, steps, n, step };
    by_index!(places.dtype(), I => crate::dispatch!(y.dtype(), T => {
        let (places, y) = (places.ptr().cast::<I>(), y.ptr().cast::<T>());
        // SAFETY: the views' own offsets.
        unsafe { walk.run(places, y, scale.ptr().cast(), shift.ptr().cast(), before.ptr().cast()) }
    }))
}

/// How [`scan_at`] walks: places, the whole without its axis, scale, shift, before.
struct Recurrence<'a> {
    ranges: &'a Ranges<'a>,
    dims: Dims,
    at: [isize; 5],
    steps: [Strides; 5],
    n: usize,
    step: isize,
}

impl Recurrence<'_> {
    /// # Safety
    /// The pointers are those of the views that the steps are of; the two that are written to overlap nothing.
    unsafe fn run<I: Index, T: Number>(&self, i: *const I, y: *mut T, scale: *const T, shift: *const T, before: *mut T) -> Result<()> {
        let steps = self.steps.each_ref().map(|s| &s[..]);
        let last = steps.map(|s| s.last().copied().unwrap_or(0));
        rows(&self.dims, steps, |from, len| {
            let from: [isize; 5] = std::array::from_fn(|k| from[k] + self.at[k]);
            self.ranges.each(len, 1, |r| {
                for k in r {
                    let o: [isize; 5] = std::array::from_fn(|j| from[j] + k as isize * last[j]);
                    // SAFETY: offsets of the views; a place is below the length of the axis.
                    unsafe {
                        let y = y.offset(o[1] + (*i.offset(o[0])).within(self.n) as isize * self.step);
                        *before.offset(o[4]) = *y;
                        *y = (*y).times(*scale.offset(o[2])).add(*shift.offset(o[3]));
                    }
                }
                Ok(())
            })
        })
    }
}

/// True for each place that no later one, in C order, names again, of a whole of lengths `whole`. `seen` has a byte for each of its
/// elements; `dst` is C-contiguous, of bools, and has the lengths of `places`.
pub fn last_at(ranges: &Ranges<'_>, places: View<'_>, whole: &[usize], axis: usize, seen: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!((dst.dtype(), seen.len() >= count(whole)), (DType::Bool, true));
    let n = whole.get(axis).copied().unwrap_or(0);
    if n == 0 || count(places.dims()) == 0 {
        return zero(ranges, dst);
    }
    ranges.each(seen.len(), 1, |r| {
        seen[r].fill(0);
        Ok(())
    })?;
    let mut still = crate::shape::c_strides(whole);
    let step = std::mem::take(&mut still[axis]);
    let (dims, steps) = joined(places.dims(), [places.strides(), &still, dst.strides()]);
    let (at, steps) = backwards(&dims, steps);
    let last = steps.each_ref().map(|s| s.last().copied().unwrap_or(0));
    let (d, seen) = (dst.ptr().cast::<bool>(), seen.as_mut_ptr());
    by_index!(places.dtype(), I => {
        let i = places.ptr().cast::<I>();
        rows(&dims, steps.each_ref().map(|s| &s[..]), |from, len| {
            ranges.each(len, 1, |r| {
                for k in r {
                    let o: [isize; 3] = std::array::from_fn(|j| from[j] + at[j] + k as isize * last[j]);
                    // SAFETY: offsets of the views, and of one element of the whole, which `seen` has room for.
                    unsafe {
                        let here = seen.offset(o[1] + (*i.offset(o[0])).within(n) as isize * step);
                        *d.offset(o[2]) = *here == 0;
                        *here = 1;
                    }
                }
                Ok(())
            })
        })
    })
}
