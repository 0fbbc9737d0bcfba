//! What a window sees of each channel by itself: its largest element, its sum.

use super::{AXES, Images, Steps, elements, fill, rows};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::ranges::Ranges;
use crate::kernels::real::{Arithmetic, Float};

/// A window and how it slides.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Its lengths.
    pub kernel: [usize; AXES],
    /// How it slides.
    pub steps: Steps,
}

impl Window {
    pub(super) fn count(&self) -> usize {
        self.kernel.iter().product()
    }
}

/// What can be compared.
trait Ordered: Copy {
    const LEAST: Self;
    /// True if `self` comes before `b`: it is larger, or NaN where `b` is none.
    fn beats(self, b: Self) -> bool;
}

macro_rules! ordered {
    ($($t:ty, $least:expr, |$a:ident, $b:ident| $beats:expr;)+) => {$(
        impl Ordered for $t {
            const LEAST: $t = $least;
            #[inline(always)]
            fn beats(self, $b: $t) -> bool {
                let $a = self;
                $beats
            }
        }
    )+};
}
ordered! {
    f32, f32::NEG_INFINITY, |a, b| a > b || (a.is_nan() && !b.is_nan());
    f64, f64::NEG_INFINITY, |a, b| a > b || (a.is_nan() && !b.is_nan());
    i32, i32::MIN, |a, b| a > b;
    i64, i64::MIN, |a, b| a > b;
    u8, 0, |a, b| a > b;
}

/// Calls `f` for ranges of the channels of all samples.
pub(super) fn channels(ranges: &Ranges<'_>, x: &Images, cost: usize, mut f: impl FnMut(usize, usize)) -> Result<()> {
    let [n, channels] = x.outer;
    ranges.each(n * channels, cost, |range| {
        range.for_each(|i| f(i / channels, i % channels));
        Ok(())
    })
}

/// The largest element of `x` in the window at each place, and where in its channel it stands, counted in C order: of equal ones the first,
/// and the first NaN if there is one.
pub fn max(ranges: &Ranges<'_>, w: &Window, x: View<'_>, y: &mut ViewMut<'_>, index: &mut ViewMut<'_>) -> Result<()> {
    let (own, out) = (Images::of(x.dims(), x.strides()), Images::of(y.dims(), y.strides()));
    let places = Images::of(index.dims(), index.strides());
    let at = index.ptr().cast::<i64>();
    // SAFETY: the lengths and strides of the views, whose dtype is the dispatched one.
    unsafe {
        match x.dtype() {
            DType::Bool => largest::<u8>(ranges, w, [own, out, places], x.ptr().cast(), y.ptr().cast(), at),
            DType::I32 => largest::<i32>(ranges, w, [own, out, places], x.ptr().cast(), y.ptr().cast(), at),
            DType::I64 => largest::<i64>(ranges, w, [own, out, places], x.ptr().cast(), y.ptr().cast(), at),
            DType::F32 => largest::<f32>(ranges, w, [own, out, places], x.ptr().cast(), y.ptr().cast(), at),
            DType::F64 => largest::<f64>(ranges, w, [own, out, places], x.ptr().cast(), y.ptr().cast(), at),
        }
    }
}

/// # Safety
/// The lengths and strides are those of the arrays, and the results overlap nothing.
unsafe fn largest<T: Ordered>(
    ranges: &Ranges<'_>,
    w: &Window,
    [own, out, places]: [Images; 3],
    x: *const T,
    y: *mut T,
    index: *mut i64,
) -> Result<()> {
    let [_, rows_of, columns] = own.inner;
    channels(ranges, &own, w.count() * out.plane(), |i, c| {
        // SAFETY: by the contract.
        unsafe {
            let (x, y, index) = (x.offset(own.channel(i, c)), y.offset(out.channel(i, c)), index.offset(places.channel(i, c)));
            fill(y, &out, T::LEAST);
            fill(index, &places, -1);
            for q in elements(w.kernel) {
                rows(&w.steps, &own, &out, q, |r| {
                    let first = (r.place[0] * rows_of + r.place[1]) * columns + r.place[2];
                    let step = w.steps.stride[2];
                    for j in 0..r.count {
                        let value = *x.offset(r.x + j as isize * r.steps[0]);
                        let (to, place) = (y.offset(r.y + j as isize * r.steps[1]), index.offset(r.y + j as isize * r.steps[1]));
                        if value.beats(*to) || *place < 0 {
                            *to = value;
                            *place = (first + j * step) as i64;
                        }
                    }
                });
            }
        }
    })
}

/// How many elements the last axis of the window sees at each place along `n`: those of the array, or, with `around`, those of what stands
/// beside it too, `after` of them behind it.
pub fn counts(ranges: &Ranges<'_>, w: &Window, n: usize, after: usize, around: bool, y: &mut ViewMut<'_>) -> Result<()> {
    let (before, stride, kernel) = (w.steps.before[AXES - 1], w.steps.stride[AXES - 1], w.kernel[AXES - 1]);
    let (low, high) = if around { (0, before + n + after) } else { (before, before + n) };
    let at = y.ptr().cast::<i64>();
    ranges.each(y.count(), 1, |range| {
        for p in range {
            let (first, end) = (p * stride, p * stride + kernel);
            // SAFETY: the output is int64 in C order, and has so many elements.
            unsafe { *at.add(p) = end.min(high).saturating_sub(first.max(low)) as i64 };
        }
        Ok(())
    })
}

/// The sum of `x` over the window at each place.
pub fn sum(ranges: &Ranges<'_>, w: &Window, x: View<'_>, y: &mut ViewMut<'_>) -> Result<()> {
    let (own, out) = (Images::of(x.dims(), x.strides()), Images::of(y.dims(), y.strides()));
    // SAFETY: the lengths and strides of the views, whose dtype is the dispatched one.
    unsafe {
        match x.dtype() {
            DType::F32 => added::<f32, false>(ranges, w, [own, out], x.ptr().cast(), y.ptr().cast()),
            _ => added::<f64, false>(ranges, w, [own, out], x.ptr().cast(), y.ptr().cast()),
        }
    }
}

/// The adjoint of [`sum`]: each number is added to all elements that its window sees.
pub fn spread(ranges: &Ranges<'_>, w: &Window, g: View<'_>, x: &mut ViewMut<'_>) -> Result<()> {
    let (own, out) = (Images::of(x.dims(), x.strides()), Images::of(g.dims(), g.strides()));
    // SAFETY: as above.
    unsafe {
        match x.dtype() {
            DType::F32 => added::<f32, true>(ranges, w, [own, out], g.ptr().cast(), x.ptr().cast()),
            _ => added::<f64, true>(ranges, w, [own, out], g.ptr().cast(), x.ptr().cast()),
        }
    }
}

/// Adds what stands at places of the window to the elements that it sees, or, with `SPREAD` false, these to those.
///
/// # Safety
/// The lengths and strides are those of the arrays, and the result overlaps nothing.
unsafe fn added<T: Float + Arithmetic, const SPREAD: bool>(
    ranges: &Ranges<'_>,
    w: &Window,
    [x, y]: [Images; 2],
    from: *const T,
    to: *mut T,
) -> Result<()> {
    let (source, target) = if SPREAD { (y, x) } else { (x, y) };
    channels(ranges, &x, w.count() * y.plane() + x.plane(), |i, c| {
        // SAFETY: by the contract.
        unsafe {
            let (from, to) = (from.offset(source.channel(i, c)), to.offset(target.channel(i, c)));
            fill(to, &target, T::literal(0.0));
            for q in elements(w.kernel) {
                rows(&w.steps, &x, &y, q, |r| {
                    let (at, steps) = if SPREAD { ([r.y, r.x], [r.steps[1], r.steps[0]]) } else { ([r.x, r.y], r.steps) };
                    for j in 0..r.count as isize {
                        let sum = to.offset(at[1] + j * steps[1]);
                        *sum = (*sum).plus(*from.offset(at[0] + j * steps[0]));
                    }
                });
            }
        }
    })
}
