//! The adjoint of a convolution in the filters, from copies of the images that every element of the window reads where it lies.
//!
//! Where a group has many filters, they stand side by side in vectors; where it has few, places do.
//!
//! **Bits.** Images are in fixed runs, and these in fixed chunks of places; with few filters places have 64 bytes of numbers, each summed by
//! itself. What is summed on its own is summed one by one from 0 on, and the sums are added up in order. All of that follows from lengths and
//! dtype: no number depends on threads or on tiles; AVX2 and AVX-512 agree.

use self::micro::{Places, Plane, Strip, line, tables};
use super::convolution::Arrays;
use super::number::Number;
use super::padded::{From, OVER, Padded};
use super::phases::{Axis, Phase};
use super::shared::{PARTS, Room, shared, slots};
use super::{AXES, Steps, elements};
use crate::error::Result;
use crate::kernels::isa::isa;
use crate::kernels::linalg::Shared;
use crate::kernels::matmul::RATE;
use crate::kernels::matmul::packed::Strided;
use crate::kernels::ranges::{RANGE, Ranges};

mod micro;

/// Places of a chunk, about, and the most that are summed one by one.
const CHUNK: usize = 256;
const LONGEST: usize = 512;
/// Columns (channels times elements of the window) that a thread has at least: each writes all of the cotangent in another order.
const COLUMNS: usize = 384;
/// Bytes of sums of all runs of images, at most, where there are several.
const SUMS: usize = 8 << 20;
/// Images of a run at least.
const RUN: usize = 4;

/// How a gradient in the filters is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    all: Arrays,
    axes: [Axis; AXES],
    padded: Padded,
    /// Filters of a group.
    m: usize,
    taps: usize,
    /// Places stand side by side, and not filters.
    few: bool,
    /// Channels of a unit, and units of a group.
    channels: usize,
    ranges: usize,
    /// Runs of images.
    runs: usize,
    /// Parts of images that are summed over at once.
    sheets: usize,
    /// Vectors of a panel of filters, and numbers of its rows; panels.
    vectors: usize,
    width: usize,
    panels: usize,
}

/// Where things begin in the scratch memory.
struct Layout {
    taps: usize,
    sums: usize,
    /// Numbers of the sums of a unit.
    unit: usize,
    slots: usize,
    slot: usize,
    bytes: usize,
}

impl Weight {
    pub fn new<T: Number>(s: &Steps, all: &Arrays) -> Weight {
        let [filters, depth] = all.w.outer;
        let (m, taps, n) = (filters / all.groups, all.w.plane(), all.y.outer[0]);
        let few = m * size_of::<T>() <= 32;
        let wanted = PARTS.div_ceil(all.groups);
        let most = if few { 1 } else { (depth * taps / COLUMNS).max(1) };
        let channels = depth.div_ceil(most.min(wanted)).max(1);
        let ranges = depth.div_ceil(channels);
        let held = all.groups * m * depth * taps * size_of::<T>() * if few { line::<T>() } else { 1 };
        let runs = wanted.div_ceil(ranges.max(1)).min(n.div_ceil(RUN)).min(SUMS / held.max(1)).max(1);
        let axes = Phase::of_images(s, all);
        let padded = Padded::new(std::iter::once(axes), all.y.inner, channels, size_of::<T>());
        let places = padded.part.iter().product::<usize>();
        let parts = padded.parts().iter().product::<usize>();
        let sheets = if parts == 1 && !few { (CHUNK / places).clamp(1, n.div_ceil(runs).max(1)) } else { 1 };
        let (strips, _, lanes) = tables::<T>(isa());
        let widest = strips.last().map_or(1, |s| s.0);
        let count = m.div_ceil(lanes).max(1);
        let panels = count.div_ceil(widest);
        let vectors = count.div_ceil(panels);
        let width = vectors * lanes;
        Weight { all: *all, axes, padded, m, taps, few, channels, ranges, runs, sheets, vectors, width, panels: m.div_ceil(width) }
    }

    fn units(&self) -> usize {
        self.all.groups * self.ranges * self.runs
    }

    /// The numbers of a copy of the images of a sheet, and of its places.
    fn room(&self) -> (usize, usize) {
        (self.padded.room(self.channels), self.padded.part.iter().product())
    }

    fn layout<T: Number>(&self) -> Layout {
        let mut room = Room::default();
        let taps = room.take::<usize>(self.channels * self.taps);
        let columns = self.channels * self.taps;
        let unit = columns * if self.few { self.m * line::<T>() } else { self.panels * self.width };
        let sums = room.take::<T>(self.units() * unit);
        let (copy, places) = self.room();
        let g = places * if self.few { self.m } else { self.panels * self.width };
        let first = room.bytes;
        let slot = (self.sheets * (copy + g) + OVER).next_multiple_of(OVER);
        room.take::<T>(slot * self.slots::<T>(slot));
        Layout { taps, sums, unit, slots: first, slot, bytes: room.bytes }
    }

    /// Threads at most, each with so many numbers of scratch.
    fn slots<T>(&self, slot: usize) -> usize {
        slots(self.units(), slot * size_of::<T>())
    }

    /// Bytes of scratch that [`Weight::run`] needs.
    pub fn scratch<T: Number>(&self) -> usize {
        self.layout::<T>().bytes
    }

    /// # Safety
    /// The lengths and strides are those of the arrays; `w` is in C order and overlaps neither operand; `scratch` is aligned to a line of the
    /// cache and has as many bytes as asked for.
    pub unsafe fn run<T: Number>(&self, ranges: &Ranges<'_>, [x, g]: [*const T; 2], w: *mut T, scratch: *mut u8) -> Result<()> {
        let l = self.layout::<T>();
        let mut taps = scratch.wrapping_add(l.taps).cast::<usize>();
        for (c, q) in (0..self.channels).flat_map(|c| elements(self.all.w.inner).map(move |q| (c, q))) {
            // SAFETY: the scratch memory has room for the offsets.
            unsafe {
                *taps = c * self.padded.channel + self.padded.tap(&self.axes, q);
                taps = taps.add(1);
            }
        }
        let n = self.all.y.outer[0];
        let longest = n.div_ceil(self.runs);
        let work = self.m * self.channels * self.taps * self.all.y.plane() / RATE + 1;
        // As many images at once as make a few ranges.
        let most = (4 * RANGE / work).max(1).next_multiple_of(self.sheets).min(longest.max(1));
        let (x, g, w, scratch) = (Shared(x.cast_mut()), Shared(g.cast_mut()), Shared(w), Shared(scratch));
        for first in (0..longest.max(1)).step_by(most) {
            shared(ranges, self.units(), work * most, self.slots::<T>(l.slot), |slot, unit| {
                let (run, group, range) = self.unit(unit);
                let images = n * run / self.runs..n * (run + 1) / self.runs;
                // SAFETY: the sums of this unit, and scratch that no other thread has.
                unsafe {
                    let sums = scratch.at(l.sums).cast::<T>().add(unit * l.unit);
                    if first == 0 {
                        std::slice::from_raw_parts_mut(sums, l.unit).fill(T::ZERO);
                    }
                    let slot = scratch.at(l.slots).cast::<T>().add(slot * l.slot);
                    let taps = scratch.at(l.taps).cast::<usize>().cast_const();
                    let parts = self.padded.parts().iter().product::<usize>();
                    let (from, end) = ((images.start + first).min(images.end), (images.start + first + most).min(images.end));
                    for image in (from..end).step_by(self.sheets) {
                        let sheets = self.sheets.min(end - image);
                        for part in 0..parts {
                            let of = Sheets { image, sheets, group, range, part };
                            self.sheets(&of, [x.at(0).cast_const(), g.at(0).cast_const()], taps, slot, sums);
                        }
                    }
                }
            })?;
        }
        let total = self.m * self.channels * self.taps * if self.few { line::<T>() } else { 1 };
        shared(ranges, self.all.groups * self.ranges, total * self.runs, PARTS, |_, i| {
            // SAFETY: the sums of one range in all runs, and its filters.
            unsafe { self.total(&l, i, scratch.at(l.sums).cast::<T>(), w.at(0)) }
        })
    }

    /// The run, the group and the range of channels of a unit.
    fn unit(&self, unit: usize) -> (usize, usize, usize) {
        (unit / self.ranges / self.all.groups, unit / self.ranges % self.all.groups, unit % self.ranges)
    }

    /// The channels of a range.
    fn own(&self, range: usize) -> usize {
        self.channels.min(self.all.w.outer[1] - range * self.channels)
    }

    /// Adds what a part of some images has to give.
    ///
    /// # Safety
    /// As [`Weight::run`]; the slot and the sums are this unit's.
    unsafe fn sheets<T: Number>(&self, of: &Sheets, [x, g]: [*const T; 2], taps: *const usize, slot: *mut T, sums: *mut T) {
        let all = &self.all;
        let [start, n] = self.padded.of_part(of.part);
        let channels = self.own(of.range);
        let copy = self.room().0;
        let behind = slot.wrapping_add(self.sheets * copy);
        for sheet in 0..of.sheets {
            let at = x.wrapping_offset(all.x.channel(of.image + sheet, of.group * all.w.outer[1] + of.range * self.channels));
            let from = From { at, channels, channel: all.x.outer_steps[1], steps: all.x.inner_steps, start };
            // SAFETY: channels of an image, and room for their copy.
            unsafe { self.padded.copy(&from, slot.wrapping_add(sheet * copy)) };
        }
        let places = Places {
            sheets: of.sheets,
            sheet: copy,
            slabs: n[0],
            slab: self.padded.steps[0],
            rows: n[1],
            row: self.padded.steps[1],
            length: n[2],
        };
        let g = g.wrapping_offset(all.y.channel(of.image, of.group * self.m) + all.y.at(start));
        let columns = channels * self.taps;
        // SAFETY: as above.
        unsafe {
            if self.few {
                return self.planes(&places, columns, g, slot.cast_const(), taps, behind, sums);
            }
            self.panels(&n, of.sheets, g, behind);
            let count = n.iter().product::<usize>();
            let strips = |places: &Places, x: usize, at: usize| {
                self.strips(places, columns, slot.wrapping_add(x), taps, (behind.wrapping_add(at * self.width), of.sheets * count), sums);
            };
            if count <= CHUNK || of.sheets > 1 {
                return strips(&places, 0, 0);
            }
            let rows = (CHUNK / n[2]).max(1);
            for (slab, row) in (0..n[0]).flat_map(|s| (0..n[1]).step_by(rows).map(move |r| (s, r))) {
                for column in (0..n[2]).step_by(LONGEST) {
                    let own = Places { slabs: 1, rows: rows.min(n[1] - row), length: LONGEST.min(n[2] - column), ..places };
                    strips(&own, slab * places.slab + row * places.row + column, (slab * n[1] + row) * n[2] + column);
                }
            }
        }
    }

    /// Writes a cotangent as panels: filters side by side, one place after the other.
    ///
    /// # Safety
    /// The cotangent lies in memory, and `to` has room.
    unsafe fn panels<T: Number>(&self, n: &[usize; AXES], sheets: usize, g: *const T, to: *mut T) {
        let y = &self.all.y;
        let count = n.iter().product::<usize>();
        // Runs of places that have one step: all, or rows.
        let (runs, length, step) = match y.row() {
            Some(step) if n[1] == y.inner[1] && n[2] == y.inner[2] => (1, count, step),
            _ => (n[0] * n[1], n[2], y.inner_steps[2]),
        };
        for (panel, sheet, run) in (0..self.panels).flat_map(|p| (0..sheets).flat_map(move |s| (0..runs).map(move |r| (p, s, r)))) {
            let first = panel * self.width;
            let skip = sheet as isize * y.outer_steps[0] + y.at([run / n[1], run % n[1], 0]) + first as isize * y.outer_steps[1];
            let from = Strided { at: g.wrapping_offset(skip), across: y.outer_steps[1], depth: step };
            let to = to.wrapping_add(((panel * sheets + sheet) * count + run * length) * self.width);
            // SAFETY: places of the image; room for them in the panel.
            unsafe { from.pack(isa(), 0..length, 0..self.width.min(self.m - first), self.width, to) };
        }
    }

    /// All tiles of filters side by side, over some places.
    ///
    /// # Safety
    /// As [`Weight::sheets`]; the panels have `panel` places each.
    unsafe fn strips<T: Number>(
        &self,
        places: &Places,
        columns: usize,
        x: *const T,
        taps: *const usize,
        (g, panel): (*const T, usize),
        sums: *mut T,
    ) {
        let (table, ..) = tables::<T>(isa());
        let kernels = table[self.vectors - 1].1;
        let tiles = columns.div_ceil(kernels.len());
        for (p, t) in (0..self.panels).flat_map(|p| (0..tiles).map(move |t| (p, t))) {
            let (first, end) = (columns * t / tiles, columns * (t + 1) / tiles);
            let out = sums.wrapping_add((p * self.channels * self.taps + first) * self.width);
            let g = g.wrapping_add(p * panel * self.width);
            let strip = Strip { places: *places, g, x, taps: taps.wrapping_add(first), out, out_row: self.width };
            // SAFETY: by the contract; the machine has what was found.
            unsafe { kernels[end - first - 1](&strip) };
        }
    }

    /// All tiles of places side by side.
    ///
    /// # Safety
    /// As [`Weight::sheets`]; `room` has room for the cotangent.
    #[allow(clippy::too_many_arguments, reason = "the parts of a product")]
    unsafe fn planes<T: Number>(
        &self,
        p: &Places,
        columns: usize,
        g: *const T,
        x: *const T,
        taps: *const usize,
        room: *mut T,
        sums: *mut T,
    ) {
        let (y, (_, table, _)) = (&self.all.y, tables::<T>(isa()));
        let (mut g, mut g_steps) = (g, [y.outer_steps[1], y.inner_steps[0], y.inner_steps[1]]);
        if y.inner_steps[2] != 1 && p.length > 1 {
            for (f, q) in (0..self.m).flat_map(|f| elements([p.slabs, p.rows, p.length]).map(move |q| (f, q))) {
                let to = ((f * p.slabs + q[0]) * p.rows + q[1]) * p.length + q[2];
                // SAFETY: an element, and room for it.
                unsafe { *room.add(to) = *g.offset(f as isize * y.outer_steps[1] + y.at(q)) };
            }
            g = room;
            g_steps = [p.slabs * p.rows * p.length, p.rows * p.length, p.length].map(|n| n as isize);
        }
        let mut f = 0;
        while f < self.m {
            let Some((filters, kernels)) = table.iter().rev().find(|t| t.0 <= self.m - f) else { return };
            let tiles = columns.div_ceil(kernels.len());
            for (first, end) in (0..tiles).map(|t| (columns * t / tiles, columns * (t + 1) / tiles)) {
                let row = self.channels * self.taps * line::<T>();
                let out = sums.wrapping_add(f * row + first * line::<T>());
                let g = g.wrapping_offset(f as isize * g_steps[0]);
                let plane = Plane { places: *p, g, g_steps, x, taps: taps.wrapping_add(first), out, out_row: row };
                // SAFETY: by the contract; the machine has what was found.
                unsafe { kernels[end - first - 1](&plane) };
            }
            f += filters;
        }
    }

    /// Adds up the runs of a range of channels of a group, and writes its filters.
    ///
    /// # Safety
    /// The sums are there, and nobody else uses those of this range.
    unsafe fn total<T: Number>(&self, l: &Layout, i: usize, sums: *mut T, w: *mut T) {
        let (group, range) = (i / self.ranges, i % self.ranges);
        let own = |run: usize| sums.wrapping_add(((run * self.all.groups + group) * self.ranges + range) * l.unit);
        let (columns, channels) = (self.own(range) * self.taps, self.all.w.outer[1]);
        // SAFETY: by the contract.
        unsafe {
            let all = std::slice::from_raw_parts_mut(own(0), l.unit);
            for run in 1..self.runs {
                let more = std::slice::from_raw_parts(own(run), l.unit);
                all.iter_mut().zip(more).for_each(|(a, b)| *a = *a + *b);
            }
            for f in 0..self.m {
                let to = w.add(((group * self.m + f) * channels + range * self.channels) * self.taps);
                for d in 0..columns {
                    *to.add(d) = if self.few {
                        let at = (f * self.channels * self.taps + d) * line::<T>();
                        halved(&mut all[at..at + line::<T>()])
                    } else {
                        all[(f / self.width * self.channels * self.taps + d) * self.width + f % self.width]
                    };
                }
            }
        }
    }
}

/// Parts of images, a group, and a range of its channels.
struct Sheets {
    image: usize,
    sheets: usize,
    group: usize,
    range: usize,
    part: usize,
}

/// The sum of a line: its halves are added, until one number is left.
fn halved<T: Number>(line: &mut [T]) -> T {
    let mut n = line.len();
    while n > 1 {
        n /= 2;
        let (low, high) = line.split_at_mut(n);
        low.iter_mut().zip(&*high).for_each(|(a, b)| *a = *a + *b);
    }
    line.first().copied().unwrap_or(T::ZERO)
}
