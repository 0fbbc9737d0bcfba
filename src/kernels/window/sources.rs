//! Images as operands of products: patches are written straight into panels, and no matrix of them exists.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::AXES;
use crate::kernels::isa::Isa;
use crate::kernels::matmul::packed::{Scalar, Source, Strided};

/// How places and elements of a window meet an axis of an image: place `p` and element `q` at `p * stride + first + q * step`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Elements of the image.
    pub length: usize,
    pub places: usize,
    pub stride: usize,
    /// Elements of the window.
    pub taps: usize,
    pub first: isize,
    pub step: isize,
}

/// What a window sees of channels of one image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patches<T> {
    /// The first channel.
    pub at: *const T,
    pub axes: [Axis; AXES],
    /// Steps along the axes, and from one channel to the next.
    pub steps: [isize; AXES],
    pub channel: isize,
}

/// The widest panel; it is no wider than a chunk.
const WIDEST: usize = 64;
/// Places that are transposed at a time.
const CHUNK: usize = 128;

/// Places that follow each other along the last axis.
#[derive(Clone, Copy)]
struct Run {
    /// The coordinates of the first.
    place: [usize; AXES],
    /// Where in a panel, or in a line, they begin, and how many they are.
    at: usize,
    count: usize,
}

impl<T: Scalar> Patches<T> {
    /// Elements of the window.
    pub fn taps(&self) -> usize {
        self.axes.iter().map(|a| a.taps).product()
    }

    /// Places of the window.
    pub fn places(&self) -> usize {
        self.axes.iter().map(|a| a.places).product()
    }

    /// Element `d` of what a place sees: a channel, and an element of the window.
    #[inline(always)]
    fn element(&self, d: usize) -> (usize, [usize; AXES]) {
        let [_, b, c] = self.axes.map(|a| a.taps);
        let (channel, q) = (d / self.taps(), d % self.taps());
        (channel, [q / (b * c), q / c % b, q % c])
    }

    /// The runs of a range of places, as many as there are.
    #[inline(always)]
    fn runs(&self, places: Range<usize>, runs: &mut [MaybeUninit<Run>; CHUNK]) -> usize {
        let [_, b, c] = self.axes.map(|a| a.places);
        let (mut p, mut count) = (places.start, 0);
        while p < places.end {
            let place = [p / (b * c), p / c % b, p % c];
            let n = (c - place[2]).min(places.end - p);
            runs[count] = MaybeUninit::new(Run { place, at: p - places.start, count: n });
            (p, count) = (p + n, count + 1);
        }
        count
    }

    /// Writes what element `d` of the window sees at the places of a run, zeros where that is beside the image.
    ///
    /// # Safety
    /// The run is one of places, `d` an element, and `dst` has room for the run.
    #[inline(always)]
    unsafe fn line(&self, (channel, q): (usize, [usize; AXES]), run: &Run, dst: *mut T) {
        let at = |i: usize| {
            let a = &self.axes[i];
            (run.place[i] * a.stride) as isize + a.first + q[i] as isize * a.step
        };
        let (z, y, x) = (at(0), at(1), at(2));
        let inside = |i: isize, axis: usize| i >= 0 && (i as usize) < self.axes[axis].length;
        // SAFETY: what is read lies in the image; what is written, in the run.
        unsafe {
            if !inside(z, 0) || !inside(y, 1) {
                return zeros(dst, run.count);
            }
            let row = self.at.offset(channel as isize * self.channel + z * self.steps[0] + y * self.steps[1]);
            let (stride, length) = (self.axes[2].stride, self.axes[2].length as isize);
            let step = stride as isize * self.steps[2];
            // The places of the run that lie in the row: from `low` to `high`.
            let (low, high) = if stride == 1 {
                ((-x).clamp(0, run.count as isize), (length - x).clamp(0, run.count as isize))
            } else {
                let up = |n: isize| (n.max(0) as usize).div_ceil(stride).min(run.count) as isize;
                (up(-x), up(length - x))
            };
            let (low, high) = (low as usize, high.max(low) as usize);
            zeros(dst, low);
            let from = row.offset(x * self.steps[2] + low as isize * step);
            if step == 1 {
                copy(from, dst.add(low), high - low);
            } else {
                (0..high - low).for_each(|i| *dst.add(low + i) = *from.offset(i as isize * step));
            }
            zeros(dst.add(high), run.count - high);
        }
    }
}

/// # Safety
/// Room for `count` numbers.
#[inline(always)]
unsafe fn zeros<T: Scalar>(dst: *mut T, count: usize) {
    // SAFETY: by the contract.
    (0..count).for_each(|i| unsafe { *dst.add(i) = T::ZERO });
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

/// Patches as the right operand of a convolution: across are places, from `from` on; the depth is what a place sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct AcrossPlaces<T> {
    pub patches: Patches<T>,
    pub from: usize,
}

impl<T: Scalar> AcrossPlaces<T> {
    #[inline(always)]
    unsafe fn panels(&self, depth: Range<usize>, across: Range<usize>, width: usize, mut dst: *mut T) {
        let p = &self.patches;
        let mut runs = [const { MaybeUninit::uninit() }; CHUNK];
        for first in across.clone().step_by(width) {
            let count = width.min(across.end - first);
            let n = p.runs(self.from + first..self.from + first + count, &mut runs);
            let (mut channel, mut q) = p.element(depth.start);
            for _ in depth.clone() {
                // SAFETY: runs that were written, in a row of the panel.
                unsafe {
                    for run in &runs[..n] {
                        let run = run.assume_init_ref();
                        p.line((channel, q), run, dst.add(run.at));
                    }
                    zeros(dst.add(count), width - count);
                    dst = dst.add(width);
                }
                // The next element.
                q[2] += 1;
                for i in [2, 1] {
                    if q[i] == p.axes[i].taps {
                        q[i] = 0;
                        q[i - 1] += 1;
                    }
                }
                if q[0] == p.axes[0].taps {
                    q[0] = 0;
                    channel += 1;
                }
            }
        }
    }
}

/// Patches as the right operand of a gradient in the filters: across is what a place sees, from `from` on; the depth are the places of one
/// image after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct AcrossTaps<T> {
    /// The first image.
    pub patches: Patches<T>,
    /// From one image to the next.
    pub image: isize,
    pub from: usize,
}

/// Calls `f` with each image that a range of the depth meets, the places of it that do, and where in the range they begin.
#[inline(always)]
fn images(depth: Range<usize>, places: usize, mut f: impl FnMut(usize, Range<usize>, usize)) {
    let mut d = depth.start;
    while d < depth.end {
        let (image, p) = (d / places, d % places);
        let n = (places - p).min(depth.end - d);
        f(image, p..p + n, d - depth.start);
        d += n;
    }
}

impl<T: Scalar> AcrossTaps<T> {
    #[inline(always)]
    unsafe fn panels(&self, isa: Isa, depth: Range<usize>, across: Range<usize>, width: usize, mut dst: *mut T) {
        let mut buffer = [const { MaybeUninit::<T>::uninit() }; WIDEST * CHUNK];
        let lines = buffer.as_mut_ptr().cast::<T>();
        let mut runs = [const { MaybeUninit::uninit() }; CHUNK];
        for first in across.clone().step_by(width) {
            let count = width.min(across.end - first);
            images(depth.clone(), self.patches.places(), |image, places, at| {
                let p = Patches { at: self.patches.at.wrapping_offset(image as isize * self.image), ..self.patches };
                for chunk in places.clone().step_by(CHUNK) {
                    let n = CHUNK.min(places.end - chunk);
                    let all = p.runs(chunk..chunk + n, &mut runs);
                    // SAFETY: runs that were written; lines of the buffer; rows of the panel.
                    unsafe {
                        for i in 0..count {
                            let element = p.element(self.from + first + i);
                            for run in &runs[..all] {
                                let run = run.assume_init_ref();
                                p.line(element, run, lines.add(i * CHUNK + run.at));
                            }
                        }
                        let from = Strided { at: lines.cast_const(), across: CHUNK as isize, depth: 1 };
                        from.pack(isa, 0..n, 0..count, width, dst.add((at + chunk - places.start) * width));
                    }
                }
            });
            // SAFETY: the next panel.
            dst = unsafe { dst.add(width * depth.len()) };
        }
    }
}

/// A cotangent as the left operand of a gradient in the filters: across are filters; the depth are the places of one image after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct AcrossFilters<T> {
    pub at: *const T,
    /// From one filter to the next, from one image to the next, and from one place to the next.
    pub filter: isize,
    pub image: isize,
    pub place: isize,
    pub places: usize,
}

impl<T: Scalar> Source<T> for AcrossFilters<T> {
    unsafe fn pack(&self, isa: Isa, depth: Range<usize>, across: Range<usize>, width: usize, mut dst: *mut T) {
        for first in across.clone().step_by(width) {
            let panel = first..across.end.min(first + width);
            images(depth.clone(), self.places, |image, places, at| {
                let from = Strided { at: self.at.wrapping_offset(image as isize * self.image), across: self.filter, depth: self.place };
                // SAFETY: places of the image, rows of the panel.
                unsafe { from.pack(isa, places, panel.clone(), width, dst.add(at * width)) };
            });
            // SAFETY: the next panel.
            dst = unsafe { dst.add(width * depth.len()) };
        }
    }
}

/// A function that writes panels, for each instruction set.
macro_rules! by_isa {
    ($($source:ident: |$s:ident, $isa:ident, $depth:ident, $across:ident, $width:ident, $dst:ident| $body:expr;)+) => {$(
        impl<T: Scalar> Source<T> for $source<T> {
            unsafe fn pack(&self, isa: Isa, depth: Range<usize>, across: Range<usize>, width: usize, dst: *mut T) {
                /// # Safety
                /// As [`Source::pack`].
                #[inline(always)]
                unsafe fn body<T: Scalar>($s: &$source<T>, $isa: Isa, $depth: Range<usize>, $across: Range<usize>, $width: usize, $dst: *mut T) {
                    // SAFETY: passed on.
                    unsafe { $body }
                }
                /// # Safety
                /// As [`Source::pack`].
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
                unsafe fn avx512<T: Scalar>(s: &$source<T>, isa: Isa, depth: Range<usize>, across: Range<usize>, width: usize, dst: *mut T) {
                    // SAFETY: passed on.
                    unsafe { body(s, isa, depth, across, width, dst) }
                }
                /// # Safety
                /// As [`Source::pack`].
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2<T: Scalar>(s: &$source<T>, isa: Isa, depth: Range<usize>, across: Range<usize>, width: usize, dst: *mut T) {
                    // SAFETY: passed on.
                    unsafe { body(s, isa, depth, across, width, dst) }
                }
                // SAFETY: by the contract.
                unsafe {
                    match isa {
                        #[cfg(target_arch = "x86_64")]
                        Isa::Avx512 => avx512(self, isa, depth, across, width, dst),
                        #[cfg(target_arch = "x86_64")]
                        Isa::Avx2 => avx2(self, isa, depth, across, width, dst),
                        _ => body(self, isa, depth, across, width, dst),
                    }
                }
            }
        }
    )+};
}
by_isa! {
    AcrossPlaces: |s, _isa, depth, across, width, dst| s.panels(depth, across, width, dst);
    AcrossTaps: |s, isa, depth, across, width, dst| s.panels(isa, depth, across, width, dst);
}
