//! Copies of images with zeros beside them, in which what an element of the window sees at places in a row lies in a row too.
//!
//! Elements as far apart as places are stand side by side: a copy has a plane for each remainder of the stride on each axis (a phase). So an
//! element of the window is an offset into the copy, and the place another one, whatever the stride, the padding and the dilation.

use super::AXES;
use super::phases::Axis;
use crate::kernels::isa::{Isa, isa};
use crate::kernels::matmul::packed::Scalar;

/// Bytes of a copy at most, unless a row has more: a part of the second cache.
const BYTES: usize = 320 << 10;
/// Places of a part in two axes at most.
const PLACES: usize = 4096;
/// Numbers behind a copy that may be read.
pub(super) const OVER: usize = 64;

/// What windows see along an axis.
#[derive(Clone, Copy, Debug)]
struct Span {
    stride: usize,
    /// Elements of the image.
    length: usize,
    /// The first element that the window of the first place sees.
    low: isize,
    /// Remainders of the stride, and how many elements of one a window sees, less one.
    phases: usize,
    reach: usize,
}

impl Span {
    /// Over all of the axes, which differ in elements of the window and in where they begin.
    fn of(axes: impl Iterator<Item = Axis> + Clone) -> Span {
        let seen = axes.clone().filter(|a| a.taps > 0);
        let ends = |a: &Axis| [a.first, a.first + (a.taps as isize - 1) * a.step];
        let low = seen.clone().flat_map(|a| ends(&a)).min().unwrap_or(0);
        let far = (seen.flat_map(|a| ends(&a)).max().unwrap_or(0) - low) as usize;
        let (stride, length) = axes.clone().next().map_or((1, 0), |a| (a.stride, a.length));
        Span { stride, length, low, phases: stride.min(far + 1), reach: far / stride }
    }
}

/// How copies of parts of images lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padded {
    spans: [Span; AXES],
    /// Places, and those of one part, along each axis.
    pub places: [usize; AXES],
    pub part: [usize; AXES],
    /// Steps from one place to the next along each axis, and from one phase to the next.
    pub steps: [usize; AXES],
    phases: [usize; AXES],
    /// The step from one channel to the next.
    pub channel: usize,
}

/// Images that are copied: channels, and where a part begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct From<T> {
    pub at: *const T,
    pub channels: usize,
    pub channel: isize,
    pub steps: [isize; AXES],
    pub start: [usize; AXES],
}

impl Padded {
    /// For windows that see `axes` of `channels` channels of numbers of `size` bytes; several lists of axes differ in elements of the window.
    pub fn new(axes: impl Iterator<Item = [Axis; AXES]> + Clone, places: [usize; AXES], channels: usize, size: usize) -> Padded {
        let spans = std::array::from_fn(|i| Span::of(axes.clone().map(move |a| a[i])));
        let places = places.map(|n| n.max(1));
        let mut part = places;
        loop {
            let p = Padded::of(spans, places, part);
            let small = part[1].saturating_mul(part[2]) <= PLACES && p.channel.saturating_mul(channels.max(1)) <= BYTES / size;
            // The first axis that can be halved; rows stay long.
            let axis = if part[0] > 1 { 0 } else { 1 + usize::from(part[1] == 1) };
            if small || axis == 2 && part[2] <= OVER {
                return p;
            }
            part[axis] = part[axis].div_ceil(2);
        }
    }

    fn of(spans: [Span; AXES], places: [usize; AXES], part: [usize; AXES]) -> Padded {
        let length = |i: usize| part[i].saturating_add(spans[i].reach);
        let (row, plane) = (length(2), length(1).saturating_mul(length(2)));
        let last = plane.saturating_mul(length(0));
        let next = last.saturating_mul(spans[2].phases);
        let phases = [next.saturating_mul(spans[1].phases), next, last];
        // An odd number of lines: channels do not drive each other out of the first cache.
        let channel = ((phases[0].saturating_mul(spans[0].phases) / 16) | 1).saturating_mul(16);
        let channel = if channel < phases[0].saturating_mul(spans[0].phases) { channel.saturating_add(32) } else { channel };
        Padded { spans, places, part, steps: [plane, row, 1], phases, channel }
    }

    /// Parts along each axis.
    pub fn parts(&self) -> [usize; AXES] {
        std::array::from_fn(|i| self.places[i].div_ceil(self.part[i]))
    }

    /// Where part number `i` begins, and how many places it has.
    pub fn of_part(&self, i: usize) -> [[usize; AXES]; 2] {
        let [_, b, c] = self.parts();
        let at = [i / (b * c), i / c % b, i % c];
        let start: [usize; AXES] = std::array::from_fn(|i| at[i] * self.part[i]);
        [start, std::array::from_fn(|i| self.part[i].min(self.places[i] - start[i]))]
    }

    /// Numbers of a copy of so many channels, and of what may be read behind it.
    pub fn room(&self, channels: usize) -> usize {
        self.channel.saturating_mul(channels).saturating_add(OVER).next_multiple_of(OVER)
    }

    /// Where the first place sees an element of the window, in a channel.
    pub fn tap(&self, axes: &[Axis; AXES], q: [usize; AXES]) -> usize {
        let along = |i: usize| {
            let (s, a) = (&self.spans[i], &axes[i]);
            let t = (a.first + q[i] as isize * a.step - s.low) as usize;
            t % s.stride * self.phases[i] + t / s.stride * self.steps[i]
        };
        along(0) + along(1) + along(2)
    }

    /// Writes a copy.
    ///
    /// # Safety
    /// The channels lie in memory, and `to` has room for them.
    pub unsafe fn copy<T: Scalar>(&self, from: &From<T>, to: *mut T) {
        // SAFETY: passed on; the machine has what was found.
        unsafe {
            match isa() {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512(self, from, to),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2(self, from, to),
                _ => channels(self, from, to),
            }
        }
    }
}

/// # Safety
/// As [`Padded::copy`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<T: Scalar>(p: &Padded, from: &From<T>, to: *mut T) {
    // SAFETY: passed on.
    unsafe { channels(p, from, to) }
}
/// # Safety
/// As [`Padded::copy`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Scalar>(p: &Padded, from: &From<T>, to: *mut T) {
    // SAFETY: passed on.
    unsafe { channels(p, from, to) }
}

#[inline(always)]
unsafe fn channels<T: Scalar>(p: &Padded, from: &From<T>, to: *mut T) {
    let length = |i: usize| p.part[i] + p.spans[i].reach;
    // The first element of a phase along an axis.
    let first = |i: usize, f: usize, h: usize| ((from.start[i] + h) * p.spans[i].stride + f) as isize + p.spans[i].low;
    let inside = |i: usize, at: isize| at >= 0 && (at as usize) < p.spans[i].length;
    let (stride, count) = (p.spans[2].stride, length(2));
    // Of a row, `count` elements from `first(2, f, 0)` on, a stride apart: those from the first to the second number lie in it.
    let bounds = |f: usize| {
        let up = |n: isize| (n.max(0) as usize).div_ceil(stride).min(count);
        let low = up(-first(2, f, 0));
        (low, up(p.spans[2].length as isize - first(2, f, 0)).max(low))
    };
    // Two phases of elements side by side are read together.
    let both = stride == 2 && from.steps[2] == 1 && p.spans[2].phases == 2;
    let (step, at) = (stride as isize * from.steps[2], first(2, 0, 0) * from.steps[2]);
    for f2 in (0..p.spans[2].phases).step_by(1 + usize::from(both)) {
        let (low, high) = bounds(f2);
        let (second, end) = if both { bounds(1) } else { (low, high) };
        let (begin, joint) = (low.max(second), high.min(end).max(low.max(second)));
        // Rows of the image in the order in which they lie.
        for (c, h0) in (0..from.channels).flat_map(|c| (0..length(0)).map(move |h| (c, h))) {
            for f0 in 0..p.spans[0].phases {
                let z = first(0, f0, h0);
                let to = to.wrapping_add(c * p.channel + f0 * p.phases[0] + f2 * p.phases[2] + h0 * p.steps[0]);
                let slab = from.at.wrapping_offset(c as isize * from.channel + z * from.steps[0] + at + f2 as isize * from.steps[2]);
                for (h1, f1) in (0..length(1)).flat_map(|h| (0..p.spans[1].phases).map(move |f| (h, f))) {
                    let y = first(1, f1, h1);
                    let to = to.wrapping_add(h1 * p.steps[1] + f1 * p.phases[1]);
                    let row = (inside(0, z) && inside(1, y)).then_some(slab.wrapping_offset(y * from.steps[1]));
                    // SAFETY: a row of the image and one of the copy, or two.
                    unsafe {
                        match row {
                            Some(row) if both => {
                                let next = to.add(p.phases[2]);
                                line(row, 2, to, count, (low, begin.min(high)));
                                line(row.wrapping_add(1), 2, next, count, (second, begin.min(end)));
                                if begin < joint {
                                    let from = row.wrapping_offset(2 * begin as isize);
                                    two(from, to.add(begin), next.add(begin), joint - begin);
                                }
                                (joint.max(low)..high).for_each(|i| *to.add(i) = *row.wrapping_offset(2 * i as isize));
                                (joint.max(second)..end).for_each(|i| *next.add(i) = *row.wrapping_offset(2 * i as isize + 1));
                            }
                            Some(row) => line(row, step, to, count, (low, high)),
                            None => {
                                zeros(to, count);
                                if both {
                                    zeros(to.add(p.phases[2]), count);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Writes a row of `count` numbers: elements `step` apart from the first to the second bound, and zeros beside them.
#[inline(always)]
unsafe fn line<T: Scalar>(row: *const T, step: isize, to: *mut T, count: usize, (low, high): (usize, usize)) {
    // SAFETY: by the contract.
    unsafe {
        zeros(to, low);
        let (from, n) = (row.wrapping_offset(low as isize * step), high - low);
        if step == 1 {
            copy(from, to.add(low), n);
        } else {
            (0..n).for_each(|i| *to.add(low + i) = *from.offset(i as isize * step));
        }
        zeros(to.add(high), count - high);
    }
}

/// # Safety
/// Room for `count` numbers.
#[inline(always)]
unsafe fn zeros<T: Scalar>(to: *mut T, count: usize) {
    let mut i = 0;
    // SAFETY: by the contract.
    unsafe {
        while i + 8 <= count {
            *to.add(i).cast::<[T; 8]>() = [T::ZERO; 8];
            i += 8;
        }
        while i < count {
            *to.add(i) = T::ZERO;
            i += 1;
        }
    }
}

/// # Safety
/// `count` numbers at both, which do not overlap.
#[inline(always)]
unsafe fn copy<T: Copy>(from: *const T, to: *mut T, count: usize) {
    let mut i = 0;
    // SAFETY: by the contract.
    unsafe {
        while i + 16 <= count {
            *to.add(i).cast::<[T; 16]>() = *from.add(i).cast::<[T; 16]>();
            i += 16;
        }
        if i + 8 <= count {
            *to.add(i).cast::<[T; 8]>() = *from.add(i).cast::<[T; 8]>();
            i += 8;
        }
        if i + 4 <= count {
            *to.add(i).cast::<[T; 4]>() = *from.add(i).cast::<[T; 4]>();
            i += 4;
        }
        while i < count {
            *to.add(i) = *from.add(i);
            i += 1;
        }
    }
}

/// Writes the numbers at even places, and those at odd places.
///
/// # Safety
/// `count` numbers at both, twice as many at `from`; they do not overlap.
#[inline(always)]
unsafe fn two<T: Scalar>(from: *const T, even: *mut T, odd: *mut T, count: usize) {
    let mut i = 0;
    // SAFETY: by the contract.
    unsafe {
        while i + 16 <= count {
            let (both, mut a, mut b) = (*from.add(2 * i).cast::<[T; 32]>(), [T::ZERO; 16], [T::ZERO; 16]);
            (0..16).for_each(|k| (a[k], b[k]) = (both[2 * k], both[2 * k + 1]));
            *even.add(i).cast::<[T; 16]>() = a;
            *odd.add(i).cast::<[T; 16]>() = b;
            i += 16;
        }
        while i + 4 <= count {
            let (both, mut a, mut b) = (*from.add(2 * i).cast::<[T; 8]>(), [T::ZERO; 4], [T::ZERO; 4]);
            (0..4).for_each(|k| (a[k], b[k]) = (both[2 * k], both[2 * k + 1]));
            *even.add(i).cast::<[T; 4]>() = a;
            *odd.add(i).cast::<[T; 4]>() = b;
            i += 4;
        }
        while i < count {
            (*even.add(i), *odd.add(i)) = (*from.add(2 * i), *from.add(2 * i + 1));
            i += 1;
        }
    }
}
