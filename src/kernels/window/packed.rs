//! Convolution as products of matrices whose panels are written from the images themselves.

use super::convolution::Arrays;
use super::sources::{AcrossFilters, AcrossPlaces, AcrossTaps, Axis, Patches};
use super::{AXES, Images, Steps, elements};
use crate::error::Result;
use crate::kernels::isa::isa;
use crate::kernels::linalg::Shared;
use crate::kernels::matmul::packed::{Lengths, Out, Plain, Scalar, Strided, multiply, scratch};
use crate::kernels::matmul::{PANEL, RATE};
use crate::kernels::ranges::{RANGE, Ranges};
use crate::kernels::real::Float;

/// A float that both kinds of kernels compute with.
pub(super) trait Number: Scalar + Float {}
impl Number for f32 {}
impl Number for f64 {}

/// Threads that share a convolution at most: each has scratch memory of its own.
const PARTS: usize = 16;
/// Places of an image that one product goes over at most: threads share a large image.
const PLACES: usize = 2048;
/// Columns of a gradient in the filters that a thread has at least.
const COLUMNS: usize = 64;

/// Multiplications of a gradient in the filters after which a run may be interrupted: some milliseconds.
const SUMMED: usize = PANEL / 8;

/// Bytes are aligned to lines of the cache.
const LINE: usize = 64;

/// How much of an image one product goes over, of `places` in all: parts of equal length.
fn part_of_image(places: usize) -> usize {
    places.div_ceil(places.div_ceil(PLACES).max(1)).next_multiple_of(LINE).min(places).max(1)
}

/// Numbers of scratch for products of up to `n` columns.
fn room<T: Scalar>(m: usize, n: usize, rest: usize, k: usize) -> usize {
    let of = |n: usize| scratch::<T>(isa(), Lengths { m, n, k });
    of(n).max(if rest > 0 { of(rest) } else { 0 }).next_multiple_of(LINE)
}

/// Calls `f` with a place for scratch memory and each of `units`, whose work is in elements that are moved.
fn shared(ranges: &Ranges<'_>, units: usize, work: usize, f: impl Fn(usize, usize) + Sync) -> Result<()> {
    let parts = ranges.threads(units.saturating_mul(work)).min(PARTS).min(units.max(1));
    // As many units in one go as make a few ranges.
    let most = (4 * RANGE / work.max(1)).max(1).saturating_mul(parts);
    for start in (0..units).step_by(most) {
        let here = most.min(units - start);
        let parts = parts.min(here);
        ranges.parts(parts, here.saturating_mul(work), &|part| {
            (start + here * part / parts..start + here * (part + 1) / parts).for_each(|unit| f(part, unit));
        })?;
    }
    Ok(())
}

/// The patches of the first image of a group, as `s` places the window.
fn patches<T>(s: &Steps, x: &Images, w: &Images, y: &Images, at: *const T) -> Patches<T> {
    let axis = |i: usize| Axis {
        length: x.inner[i],
        places: y.inner[i],
        stride: s.stride[i],
        taps: w.inner[i],
        first: -(s.before[i] as isize),
        step: s.dilation[i] as isize,
    };
    Patches { at, axes: std::array::from_fn(axis), steps: x.inner_steps, channel: x.outer_steps[1] }
}

/// The elements of the first image themselves, as a window of one element sees them.
fn points<T>(y: &Images, at: *const T) -> Patches<T> {
    let axis = |i: usize| Axis { length: y.inner[i], places: y.inner[i], stride: 1, taps: 1, first: 0, step: 0 };
    Patches { at, axes: std::array::from_fn(axis), steps: y.inner_steps, channel: y.outer_steps[1] }
}

/// The filters as rows of what each sees, one behind the other, as the memory at `copy` if they do not stand so.
///
/// # Safety
/// The filters lie in memory, and `copy` has room for them.
unsafe fn rows_of_filters<T: Copy>(w: &Images, at: *const T, copy: *mut T) -> *const T {
    let mut steps = w.inner_steps;
    let mut step = 1;
    for i in (0..AXES).rev() {
        if w.inner[i] == 1 {
            steps[i] = step;
        }
        if steps[i] != step {
            step = 0;
        }
        step *= w.inner[i] as isize;
    }
    let [filters, channels] = w.outer;
    let dense = step == w.plane() as isize
        && (channels == 1 || w.outer_steps[1] == step)
        && (filters == 1 || w.outer_steps[0] == step * channels as isize);
    if dense {
        return at;
    }
    let mut to = copy;
    for (f, c) in (0..filters).flat_map(|f| (0..channels).map(move |c| (f, c))) {
        for q in elements(w.inner) {
            // SAFETY: by the contract.
            unsafe {
                *to = *at.offset(w.channel(f, c) + w.at(q));
                to = to.add(1);
            }
        }
    }
    copy
}

/// The lengths of the products of a convolution, and what they need.
struct Forward {
    m: usize,
    k: usize,
    places: usize,
    /// Places of one product.
    part: usize,
    /// Numbers of scratch for each thread.
    room: usize,
}

impl Forward {
    fn of<T: Scalar>(all: &Arrays) -> Forward {
        let (m, k, places) = (all.w.outer[0] / all.groups, all.w.outer[1] * all.w.plane(), all.y.plane());
        let part = part_of_image(places);
        Forward { m, k, places, part, room: room::<T>(m, part, places % part, k) }
    }
}

/// Numbers of scratch that [`forward`] needs.
pub(super) fn forward_scratch<T: Scalar>(all: &Arrays) -> usize {
    let own = Forward::of::<T>(all);
    let units = all.y.outer[0] * all.groups * own.places.div_ceil(own.part);
    LINE + all.w.count().next_multiple_of(LINE) + PARTS.min(units) * own.room
}

/// # Safety
/// The lengths and strides are those of the arrays; `y` is in C order and overlaps neither operand; `scratch` has as many numbers as
/// [`forward_scratch`] says.
pub(super) unsafe fn forward<T: Scalar>(
    ranges: &Ranges<'_>,
    s: &Steps,
    all: &Arrays,
    [x, w]: [*const T; 2],
    y: *mut T,
    scratch: *mut T,
) -> Result<()> {
    let own = Forward::of::<T>(all);
    // SAFETY: by the contract.
    let w = unsafe { rows_of_filters(&all.w, w, scratch) };
    let free = Shared(scratch.wrapping_add(all.w.count().next_multiple_of(LINE)));
    let (x, w, y) = (Shared(x.cast_mut()), Shared(w.cast_mut()), Shared(y));
    let parts = own.places.div_ceil(own.part);
    let single = all.w.plane() == 1 && s.stride == [1; AXES] && s.before == [0; AXES] && all.x.inner == all.y.inner;
    let plane = single.then(|| all.x.row()).flatten();
    let work = own.m * own.k * own.part / RATE;
    shared(ranges, all.y.outer[0] * all.groups * parts, work, |slot, unit| {
        let (image, group, from) = (unit / parts / all.groups, unit / parts % all.groups, unit % parts * own.part);
        let lengths = Lengths { m: own.m, n: own.part.min(own.places - from), k: own.k };
        // SAFETY: parts of the arrays, and scratch that no other thread has.
        unsafe {
            let x = x.at(0).offset(all.x.channel(image, group * all.w.outer[1]));
            let a = Strided { at: w.at(group * own.m * own.k).cast_const(), across: own.k as isize, depth: 1 };
            let at = y.at(0).offset(all.y.channel(image, group * own.m)).add(from);
            let out = Out { at, row: all.y.outer_steps[1], column: 1 };
            let scratch = free.at(slot * own.room);
            match plane {
                Some(step) => {
                    let b = Strided { at: x.cast_const().wrapping_offset(from as isize * step), across: step, depth: all.x.outer_steps[1] };
                    multiply(isa(), lengths, &a, &b, out, false, &Plain, scratch);
                }
                None => {
                    let b = AcrossPlaces { patches: patches(s, &all.x, &all.w, &all.y, x.cast_const()), from };
                    multiply(isa(), lengths, &a, &b, out, false, &Plain, scratch);
                }
            }
        }
    })
}

/// The lengths of the products of a gradient in the filters.
struct Weight {
    m: usize,
    columns: usize,
    places: usize,
    /// Images of one product.
    images: usize,
}

impl Weight {
    fn of(all: &Arrays) -> Weight {
        let (m, columns, places) = (all.w.outer[0] / all.groups, all.w.outer[1] * all.w.plane(), all.y.plane());
        let images = (SUMMED / (m * columns * places).max(1)).clamp(1, all.y.outer[0].max(1));
        Weight { m, columns, places, images }
    }

    /// Columns of each of so many threads.
    fn share(&self, threads: usize) -> usize {
        self.columns.div_ceil(threads.min(self.columns.div_ceil(COLUMNS)).max(1)).next_multiple_of(COLUMNS / 2).min(self.columns).max(1)
    }

    /// Numbers of scratch for each of so many threads.
    fn room<T: Scalar>(&self, threads: usize, images: usize) -> usize {
        let (share, last) = (self.share(threads), images % self.images);
        let of = |images: usize| room::<T>(self.m, share, self.columns % share, images * self.places);
        of(self.images).max(if last > 0 { of(last) } else { 0 })
    }
}

/// Numbers of scratch that [`weight`] needs.
pub(super) fn weight_scratch<T: Scalar>(all: &Arrays) -> usize {
    let own = Weight::of(all);
    LINE + (1..=PARTS).map(|n| n * own.room::<T>(n, all.y.outer[0])).max().unwrap_or(0)
}

/// # Safety
/// As [`forward`], of `w` and [`weight_scratch`].
pub(super) unsafe fn weight<T: Scalar>(
    ranges: &Ranges<'_>,
    s: &Steps,
    all: &Arrays,
    [x, g]: [*const T; 2],
    w: *mut T,
    scratch: *mut T,
) -> Result<()> {
    let own = Weight::of(all);
    let n = all.y.outer[0];
    let work = own.m * own.columns * own.places / RATE;
    let threads = ranges.threads(work.saturating_mul(n)).min(PARTS);
    let (share, room) = (own.share(threads), own.room::<T>(threads, n));
    let (x, g, w, free) = (Shared(x.cast_mut()), Shared(g.cast_mut()), Shared(w), Shared(scratch));
    for (group, first) in (0..all.groups).flat_map(|g| (0..n).step_by(own.images).map(move |i| (g, i))) {
        let images = own.images.min(n - first);
        let parts = own.columns.div_ceil(share);
        ranges.parts(parts, work * images, &|part| {
            let from = part * share;
            let lengths = Lengths { m: own.m, n: share.min(own.columns - from), k: images * own.places };
            // SAFETY: parts of the arrays, and scratch that no other thread has.
            unsafe {
                let x = x.at(0).offset(all.x.channel(first, group * all.w.outer[1]));
                let patches = patches(s, &all.x, &all.w, &all.y, x.cast_const());
                let b = AcrossTaps { patches, image: all.x.outer_steps[0], from };
                let g = g.at(0).offset(all.y.channel(first, group * own.m));
                let at = w.at(0).offset(all.w.channel(group * own.m, 0)).add(from);
                let out = Out { at, row: all.w.outer_steps[0], column: 1 };
                let free = free.at(part * room);
                match all.y.row() {
                    Some(place) => {
                        let (filter, image) = (all.y.outer_steps[1], all.y.outer_steps[0]);
                        let a = AcrossFilters { at: g.cast_const(), filter, image, place, places: own.places };
                        multiply(isa(), lengths, &a, &b, out, first > 0, &Plain, free);
                    }
                    None => {
                        let a = AcrossTaps { patches: points(&all.y, g.cast_const()), image: all.y.outer_steps[0], from: 0 };
                        multiply(isa(), lengths, &a, &b, out, first > 0, &Plain, free);
                    }
                }
            }
        })?;
    }
    Ok(())
}

/// Elements of an image whose places of the window are one grid: those with one remainder of the stride on each axis. Elements of the
/// window that meet them are one in `every`, from `first` on.
#[derive(Clone, Copy, Debug)]
struct Phase {
    remainder: [usize; AXES],
    /// Elements of the image, along each axis.
    count: [usize; AXES],
    first: [usize; AXES],
    every: [usize; AXES],
    taps: [usize; AXES],
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// All phases of a gradient in the images.
fn phases(s: &Steps, all: &Arrays) -> impl Iterator<Item = Phase> {
    let (s, x, w) = (*s, all.x, all.w);
    let bounds: [usize; AXES] = std::array::from_fn(|i| s.stride[i].min(x.inner[i]));
    elements(bounds).map(move |remainder| {
        let every: [usize; AXES] = std::array::from_fn(|i| s.stride[i] / gcd(s.stride[i], s.dilation[i]));
        // The first element q with (remainder + before - q dilation) a multiple of the stride, if one of the first `every` is.
        let first: [Option<usize>; AXES] = std::array::from_fn(|i| {
            let at = (remainder[i] + s.before[i]) % s.stride[i];
            (0..every[i].min(w.inner[i])).find(|q| q * s.dilation[i] % s.stride[i] == at)
        });
        let taps = std::array::from_fn(|i| first[i].map_or(0, |q| (w.inner[i] - q).div_ceil(every[i])));
        let count = std::array::from_fn(|i| (x.inner[i] - remainder[i]).div_ceil(s.stride[i]));
        Phase { remainder, count, first: first.map(|q| q.unwrap_or(0)), every, taps }
    })
}

impl Phase {
    fn taps(&self) -> usize {
        self.taps.iter().product()
    }
    fn count(&self) -> usize {
        self.count.iter().product()
    }

    /// What the elements of the phase see of the cotangent.
    fn patches<T>(&self, s: &Steps, all: &Arrays, at: *const T) -> Patches<T> {
        let axis = |i: usize| {
            let (stride, dilation) = (s.stride[i] as isize, s.dilation[i] as isize);
            let from = (self.remainder[i] + s.before[i]) as isize - self.first[i] as isize * dilation;
            Axis {
                length: all.y.inner[i],
                places: self.count[i],
                stride: 1,
                taps: self.taps[i],
                // Exact where there are elements of the window.
                first: from.div_euclid(stride),
                step: -(self.every[i] as isize * dilation / stride),
            }
        };
        Patches { at, axes: std::array::from_fn(axis), steps: all.y.inner_steps, channel: all.y.outer_steps[1] }
    }
}

/// Numbers of scratch for each thread of a gradient in the images: those of a product, and a phase of channels that are not written in place.
fn input_room<T: Scalar>(s: &Steps, all: &Arrays) -> (usize, usize) {
    let (m, filters) = (all.w.outer[1], all.w.outer[0] / all.groups);
    let whole = s.stride == [1; AXES];
    let (mut product, mut apart) = (0, 0);
    for p in phases(s, all).filter(|p| p.taps() > 0) {
        let n = if whole { part_of_image(p.count()) } else { p.count() };
        product = product.max(room::<T>(m, n, p.count() % n.max(1), filters * p.taps()));
        apart = apart.max(if whole { 0 } else { (m * p.count()).next_multiple_of(LINE) });
    }
    (product, apart)
}

/// Numbers of scratch that [`input`] needs.
pub(super) fn input_scratch<T: Scalar>(s: &Steps, all: &Arrays) -> usize {
    let (product, apart) = input_room::<T>(s, all);
    let units = all.x.outer[0] * all.groups * all.x.plane().div_ceil(part_of_image(all.x.plane())).max(1);
    LINE + all.w.count().next_multiple_of(LINE) + PARTS.min(units) * (product + apart)
}

/// # Safety
/// As [`forward`], of `x` and [`input_scratch`].
pub(super) unsafe fn input<T: Scalar>(
    ranges: &Ranges<'_>,
    s: &Steps,
    all: &Arrays,
    [g, w]: [*const T; 2],
    x: *mut T,
    scratch: *mut T,
) -> Result<()> {
    let (m, filters, groups) = (all.w.outer[1], all.w.outer[0] / all.groups, all.groups);
    let (product, apart) = input_room::<T>(s, all);
    // For each group and phase the filters with their channels in front, as rows of what an element of the image sees.
    let mut to = scratch;
    for (group, phase) in (0..groups).flat_map(|group| phases(s, all).map(move |p| (group, p))) {
        for (c, f) in (0..m).flat_map(|c| (0..filters).map(move |f| (c, group * filters + f))) {
            for q in elements(phase.taps) {
                let own = std::array::from_fn(|i| phase.first[i] + q[i] * phase.every[i]);
                // SAFETY: an element of the filters; the scratch has room for all of them.
                unsafe {
                    *to = *w.offset(all.w.channel(f, c) + all.w.at(own));
                    to = to.add(1);
                }
            }
        }
    }
    let free = Shared(scratch.wrapping_add(all.w.count().next_multiple_of(LINE)));
    let (g, w, x) = (Shared(g.cast_mut()), Shared(scratch), Shared(x));
    let whole = s.stride == [1; AXES];
    let part = if whole { part_of_image(all.x.plane()) } else { all.x.plane().max(1) };
    let parts = all.x.plane().div_ceil(part);
    let work = m * filters * all.w.plane() * all.y.plane() / RATE / parts.max(1);
    shared(ranges, all.x.outer[0] * groups * parts, work, |slot, unit| {
        let (image, group, from) = (unit / parts / groups, unit / parts % groups, unit % parts * part);
        // SAFETY: parts of the arrays, and scratch that no other thread has.
        unsafe {
            let scratch = free.at(slot * (product + apart));
            let g = g.at(0).offset(all.y.channel(image, group * filters)).cast_const();
            let x = x.at(0).offset(all.x.channel(image, group * m));
            let mut w = w.at(group * m * filters * all.w.plane()).cast_const();
            for phase in phases(s, all) {
                let k = filters * phase.taps();
                let b = AcrossPlaces { patches: phase.patches(s, all, g), from };
                let a = Strided { at: w, across: k as isize, depth: 1 };
                let n = part.min(phase.count() - from);
                let lengths = Lengths { m, n, k };
                if whole {
                    let out = Out { at: x.add(from), row: all.x.outer_steps[1], column: 1 };
                    multiply(isa(), lengths, &a, &b, out, false, &Plain, scratch);
                } else {
                    let sums = scratch.add(product);
                    if k > 0 {
                        let out = Out { at: sums, row: n as isize, column: 1 };
                        multiply(isa(), lengths, &a, &b, out, false, &Plain, scratch);
                    }
                    spread(s, all, &phase, (k > 0).then_some(sums.cast_const()), x, m);
                }
                w = w.add(m * k);
            }
        }
    })
}

/// Writes the sums of a phase to the elements of the image that it is of; zeros where there are none.
///
/// # Safety
/// `m` channels from `x` on, and as many rows of sums.
unsafe fn spread<T: Scalar>(s: &Steps, all: &Arrays, phase: &Phase, sums: Option<*const T>, x: *mut T, m: usize) {
    for c in 0..m {
        let to = x.wrapping_offset(all.x.channel(0, c));
        for (i, p) in elements(phase.count).enumerate() {
            let own = std::array::from_fn(|k| phase.remainder[k] + p[k] * s.stride[k]);
            // SAFETY: by the contract.
            unsafe { *to.offset(all.x.at(own)) = sums.map_or(T::ZERO, |sums| *sums.add(c * phase.count() + i)) };
        }
    }
}
