//! What a window sees of each channel by itself: its largest element, its sum.

use super::strip::{LANES, Strip, Visit, in_blocks, read, visit};
use super::{AXES, Images, Steps, elements, fill, rows};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::isa::{Isa, isa};
use crate::kernels::linalg::Shared;
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
    f32, f32::NEG_INFINITY, |a, b| (a > b) | (a.is_nan() & !b.is_nan());
    f64, f64::NEG_INFINITY, |a, b| (a > b) | (a.is_nan() & !b.is_nan());
    i32, i32::MIN, |a, b| a > b;
    i64, i64::MIN, |a, b| a > b;
    u8, 0, |a, b| a > b;
}

/// A number that says where an element of a channel stands: as wide as the elements, so that both fit into as many vectors.
trait Place: Copy + Into<i64> {
    /// No element.
    const NONE: Self;
    fn of(i: usize) -> Self;
    fn is_none(self) -> bool;
    /// `self + j * step`
    fn further(self, step: Self, j: usize) -> Self;
}
macro_rules! places {
    ($($t:ident)+) => {$(impl Place for $t {
        const NONE: $t = -1;
        #[inline(always)]
        fn of(i: usize) -> $t {
            i as $t
        }
        #[inline(always)]
        fn is_none(self) -> bool {
            self < 0
        }
        #[inline(always)]
        fn further(self, step: $t, j: usize) -> $t {
            self.wrapping_add(step.wrapping_mul(j as $t))
        }
    })+};
}
places! { i32 i64 }

/// Calls `f` for the channels of all samples.
pub(super) fn channels(ranges: &Ranges<'_>, x: &Images, cost: usize, f: impl Fn(usize, usize) + Sync) -> Result<()> {
    let [n, channels] = x.outer;
    let all = |range: std::ops::Range<usize>| range.for_each(|i| f(i / channels, i % channels));
    if let Some(done) = ranges.shares(n * channels, (n * channels).saturating_mul(cost), &all) {
        return done;
    }
    ranges.each(n * channels, cost, |range| {
        all(range);
        Ok(())
    })
}

/// Calls a function of this module as it is compiled for an instruction set.
macro_rules! by_isa {
    ($name:ident<$($g:ident: $bound:path),+>($($a:ident: $t:ty),+)) => {
        mod $name {
            use super::*;
            /// # Safety
            /// As the body; the machine has the instructions.
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
            pub(super) unsafe fn avx512<$($g: $bound),+>($($a: $t),+) {
                // SAFETY: passed on.
                unsafe { super::$name::<$($g),+>($($a),+) }
            }
            /// # Safety
            /// As the body; the machine has the instructions.
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            pub(super) unsafe fn avx2<$($g: $bound),+>($($a: $t),+) {
                // SAFETY: passed on.
                unsafe { super::$name::<$($g),+>($($a),+) }
            }
            /// # Safety
            /// As the body.
            pub(super) unsafe fn call<$($g: $bound),+>($($a: $t),+) {
                // SAFETY: passed on; the machine has what was found.
                unsafe {
                    match isa() {
                        #[cfg(target_arch = "x86_64")]
                        Isa::Avx512 => avx512::<$($g),+>($($a),+),
                        #[cfg(target_arch = "x86_64")]
                        Isa::Avx2 => avx2::<$($g),+>($($a),+),
                        _ => super::$name::<$($g),+>($($a),+),
                    }
                }
            }
        }
    };
}
by_isa! { largest_of<T: Ordered, P: Place>(w: &Window, all: &[Images; 3], x: *const T, y: *mut T, index: *mut i64) }
by_isa! { sum_of<T: Float>(w: &Window, all: &[Images; 2], x: *const T, y: *mut T) }

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
    let (x, y, index) = (Shared(x.cast_mut()), Shared(y), Shared(index));
    let narrow = size_of::<T>() <= 4 && own.plane() <= i32::MAX as usize;
    let all = [own, out, places];
    channels(ranges, &own, w.count() * out.plane() / 4 + out.plane(), |i, c| {
        // SAFETY: by the contract.
        unsafe {
            let x = x.at(0).offset(own.channel(i, c)).cast_const();
            let (y, index) = (y.at(0).offset(out.channel(i, c)), index.at(0).offset(places.channel(i, c)));
            if narrow {
                largest_of::call::<T, i32>(w, &all, x, y, index);
            } else {
                largest_of::call::<T, i64>(w, &all, x, y, index);
            }
        }
    })
}

/// The largest elements of one channel.
///
/// # Safety
/// As [`largest`], of one channel.
#[inline(always)]
unsafe fn largest_of<T: Ordered, P: Place>(w: &Window, [own, out, places]: &[Images; 3], x: *const T, y: *mut T, index: *mut i64) {
    let steps = [own.inner_steps[2] * w.steps.stride[2] as isize, out.inner_steps[2], places.inner_steps[2]];
    let mut best = Largest {
        x,
        y,
        index,
        all: [*own, *out, *places],
        steps,
        stride: w.steps.stride[2],
        best: [T::LEAST; LANES],
        at: [P::NONE; LANES],
    };
    // SAFETY: by the contract.
    unsafe { visit(w, own, out, &mut best) }
}

/// The largest elements of a strip, and where they stand.
struct Largest<T, P> {
    x: *const T,
    y: *mut T,
    index: *mut i64,
    all: [Images; 3],
    /// From one place to the next: in the image, the results and the places.
    steps: [isize; 3],
    stride: usize,
    best: [T; LANES],
    at: [P; LANES],
}

impl<T: Ordered, P: Place> Largest<T, P> {
    #[inline(always)]
    unsafe fn compare(&mut self, from: *const T, step: isize, first: usize, s: &Strip) {
        let (best, at) = (self.best.as_mut_ptr().wrapping_add(s.first), self.at.as_mut_ptr().wrapping_add(s.first));
        let stride = P::of(self.stride);
        // SAFETY: elements of the row, and places of the strip.
        unsafe {
            in_blocks!(s.count, N, |j| {
                let values = read::<T, N>(from.offset(j as isize * step), step);
                let (old, was) = (*best.add(j).cast::<[T; N]>(), *at.add(j).cast::<[P; N]>());
                let (mut new, mut now, here) = (old, was, P::of(first + j * self.stride));
                for k in 0..N {
                    let wins = values[k].beats(old[k]) | was[k].is_none();
                    new[k] = if wins { values[k] } else { old[k] };
                    now[k] = if wins { here.further(stride, k) } else { was[k] };
                }
                *best.add(j).cast::<[T; N]>() = new;
                *at.add(j).cast::<[P; N]>() = now;
            });
        }
    }
}

impl<T: Ordered, P: Place> Visit for Largest<T, P> {
    #[inline(always)]
    fn begin(&mut self) {
        (self.best, self.at) = ([T::LEAST; LANES], [P::NONE; LANES]);
    }

    #[inline(always)]
    unsafe fn see(&mut self, s: &Strip) {
        let [_, height, width] = self.all[0].inner;
        let first = (s.place[0] * height + s.place[1]) * width + s.place[2];
        let from = self.x.wrapping_offset(self.all[0].at(s.place));
        // SAFETY: by the contract.
        unsafe {
            match self.steps[0] {
                1 => self.compare(from, 1, first, s),
                2 => self.compare(from, 2, first, s),
                step => self.compare(from, step, first, s),
            }
        }
    }

    #[inline(always)]
    unsafe fn end(&mut self, start: [usize; AXES], count: usize) {
        let [_, out, places] = &self.all;
        let (to, index) = (self.y.wrapping_offset(out.at(start)), self.index.wrapping_offset(places.at(start)));
        let (best, at) = (self.best.as_ptr(), self.at.as_ptr());
        let write = |a: isize, b: isize| {
            for j in 0..count {
                // SAFETY: by the contract.
                unsafe {
                    *to.offset(j as isize * a) = *best.add(j);
                    *index.offset(j as isize * b) = (*at.add(j)).into();
                }
            }
        };
        if self.steps[1] != 1 || self.steps[2] != 1 {
            return write(self.steps[1], self.steps[2]);
        }
        // SAFETY: by the contract.
        unsafe {
            in_blocks!(count, N, |j| {
                *to.add(j).cast::<[T; N]>() = *best.add(j).cast::<[T; N]>();
                let at = *at.add(j).cast::<[P; N]>();
                *index.add(j).cast::<[i64; N]>() = at.map(Into::into);
            });
        }
    }
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
            DType::F32 => summed::<f32>(ranges, w, [own, out], x.ptr().cast(), y.ptr().cast()),
            _ => summed::<f64>(ranges, w, [own, out], x.ptr().cast(), y.ptr().cast()),
        }
    }
}

/// # Safety
/// The lengths and strides are those of the arrays, and the result overlaps nothing.
unsafe fn summed<T: Float>(ranges: &Ranges<'_>, w: &Window, [own, out]: [Images; 2], x: *const T, y: *mut T) -> Result<()> {
    let (x, y) = (Shared(x.cast_mut()), Shared(y));
    channels(ranges, &own, w.count() * out.plane() / 4 + out.plane(), |i, c| {
        // SAFETY: by the contract.
        unsafe { sum_of::call::<T>(w, &[own, out], x.at(0).offset(own.channel(i, c)), y.at(0).offset(out.channel(i, c))) }
    })
}

/// The sums of one channel, over the elements of the window in order.
///
/// # Safety
/// As [`summed`], of one channel.
#[inline(always)]
unsafe fn sum_of<T: Float>(w: &Window, [own, out]: &[Images; 2], x: *const T, y: *mut T) {
    let steps = [own.inner_steps[2] * w.steps.stride[2] as isize, out.inner_steps[2]];
    // SAFETY: by the contract.
    unsafe { visit(w, own, out, &mut Sum { x, y, all: [*own, *out], steps, sums: [T::literal(0.0); LANES] }) }
}

/// The sums of a strip.
struct Sum<T> {
    x: *const T,
    y: *mut T,
    all: [Images; 2],
    /// From one place to the next: in the image, and in the results.
    steps: [isize; 2],
    sums: [T; LANES],
}

impl<T: Float> Sum<T> {
    #[inline(always)]
    unsafe fn add(&mut self, from: *const T, step: isize, s: &Strip) {
        let sums = self.sums.as_mut_ptr().wrapping_add(s.first);
        for j in 0..s.count {
            // SAFETY: an element of the row, and a place of the strip.
            unsafe { *sums.add(j) = (*sums.add(j)).plus(*from.offset(j as isize * step)) };
        }
    }
}

impl<T: Float> Visit for Sum<T> {
    #[inline(always)]
    fn begin(&mut self) {
        self.sums = [T::literal(0.0); LANES];
    }

    #[inline(always)]
    unsafe fn see(&mut self, s: &Strip) {
        let from = self.x.wrapping_offset(self.all[0].at(s.place));
        // SAFETY: by the contract.
        unsafe {
            match self.steps[0] {
                1 => self.add(from, 1, s),
                2 => self.add(from, 2, s),
                step => self.add(from, step, s),
            }
        }
    }

    #[inline(always)]
    unsafe fn end(&mut self, start: [usize; AXES], count: usize) {
        let to = self.y.wrapping_offset(self.all[1].at(start));
        for (j, &sum) in self.sums.iter().take(count).enumerate() {
            // SAFETY: by the contract.
            unsafe { *to.offset(j as isize * self.steps[1]) = sum };
        }
    }
}

/// The adjoint of [`sum`]: each number is added to all elements that its window sees.
pub fn spread(ranges: &Ranges<'_>, w: &Window, g: View<'_>, x: &mut ViewMut<'_>) -> Result<()> {
    let (own, out) = (Images::of(x.dims(), x.strides()), Images::of(g.dims(), g.strides()));
    // SAFETY: as above.
    unsafe {
        match x.dtype() {
            DType::F32 => added::<f32>(ranges, w, [own, out], g.ptr().cast(), x.ptr().cast()),
            _ => added::<f64>(ranges, w, [own, out], g.ptr().cast(), x.ptr().cast()),
        }
    }
}

/// Adds what stands at places of the window to the elements that it sees.
///
/// # Safety
/// The lengths and strides are those of the arrays, and the result overlaps nothing.
unsafe fn added<T: Float + Arithmetic>(ranges: &Ranges<'_>, w: &Window, [x, y]: [Images; 2], from: *const T, to: *mut T) -> Result<()> {
    let (from, to) = (Shared(from.cast_mut()), Shared(to));
    channels(ranges, &x, w.count() * y.plane() + x.plane(), |i, c| {
        // SAFETY: by the contract.
        unsafe {
            let (from, to) = (from.at(0).offset(y.channel(i, c)), to.at(0).offset(x.channel(i, c)));
            fill(to, &x, T::literal(0.0));
            for q in elements(w.kernel) {
                rows(&w.steps, &x, &y, q, |r| {
                    for j in 0..r.count as isize {
                        let sum = to.offset(r.x + j * r.steps[0]);
                        *sum = (*sum).plus(*from.offset(r.y + j * r.steps[1]));
                    }
                });
            }
        }
    })
}
