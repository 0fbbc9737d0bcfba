//! Convolution, and its adjoint in the images, as products whose right operand is read from shifted rows of a copy of the images.
//!
//! **Bits.** Blocks of [`block`]`(k)` products are summed one by one, in order of channels and then elements of the window, from 0 on; the
//! sums of the blocks are added up in order. Nothing depends on the cut into tiles, parts and threads; AVX2 and AVX-512 agree.

use self::cut::{Piece, Rows, Start};
use self::interleave::Grid;
use self::micro::{Tile, table};
use super::convolution::Arrays;
use super::number::Number;
use super::padded::{From, OVER, Padded};
use super::phases::{Axis, Phase, phases};
use super::shared::{PARTS, Room, shared, slots};
use super::{AXES, Images, Steps, elements};
use crate::error::Result;
use crate::kernels::isa::isa;
use crate::kernels::linalg::Shared;
use crate::kernels::matmul::RATE;
use crate::kernels::matmul::packed::block;
use crate::kernels::ranges::Ranges;

mod cut;
mod interleave;
mod micro;

/// What is multiplied with the filters, and what comes out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    steps: Steps,
    all: Arrays,
    forward: bool,
    from: Images,
    to: Images,
    /// Rows of a group, and the step from one to the next in the filters: these themselves, or their channels.
    m: usize,
    row: isize,
    /// What is summed over beside elements of the window.
    depth: usize,
    next: isize,
    /// There is one phase, whose results are written in place.
    whole: bool,
    padded: Padded,
    /// The tiles, by their place in the table.
    tile: usize,
    /// Images that are multiplied together: filters that leave the cache are read once for all of them.
    sheets: usize,
}

/// Bytes of filters that stay in the second cache, and of images that share them if they do not.
const FILTERS: usize = 256 << 10;
const IMAGES: usize = 512 << 10;

/// Where things begin in the scratch memory, and how large they are.
struct Layout {
    /// Filters in panels of so many rows, and the numbers of those of a group.
    a: usize,
    rows: usize,
    group: usize,
    /// Offsets of what is seen.
    taps: usize,
    /// Cuts of a part into vectors, by whether it is the last along the second axis and along the third.
    cuts: [Cut; 4],
    slots: usize,
    slot: usize,
    bytes: usize,
}

#[derive(Clone, Copy)]
struct Cut {
    rows: Rows,
    starts: usize,
    pieces: usize,
}

impl Product {
    /// The results.
    pub fn forward<T: Number>(s: &Steps, all: &Arrays) -> Product {
        let [m, depth] = [all.w.outer[0] / all.groups, all.w.outer[1]];
        let [row, next] = all.w.outer_steps;
        let padded = Padded::new(std::iter::once(Phase::of_images(s, all)), all.y.inner, depth, size_of::<T>());
        let tile = best_tile::<T>(m);
        Product { steps: *s, all: *all, forward: true, from: all.x, to: all.y, m, row, depth, next, whole: true, padded, tile, sheets: 1 }
            .together::<T>()
    }

    /// The adjoint in the images.
    pub fn input<T: Number>(s: &Steps, all: &Arrays) -> Product {
        let [m, depth] = [all.w.outer[1], all.w.outer[0] / all.groups];
        let [next, row] = all.w.outer_steps;
        let whole = s.stride == [1; AXES];
        let places = std::array::from_fn(|i| all.x.inner[i].div_ceil(s.stride[i]));
        // Results that are not written in place stay in the cache too.
        let kept = if whole { 0 } else { m * s.stride.iter().product::<usize>() };
        let (own, arrays) = (*s, *all);
        let axes = phases(s, all).map(move |p| p.of_cotangent(&own, &arrays));
        let padded = Padded::new(axes, places, depth + kept, size_of::<T>());
        let tile = best_tile::<T>(m);
        Product { steps: *s, all: *all, forward: false, from: all.y, to: all.x, m, row, depth, next, whole, padded, tile, sheets: 1 }
            .together::<T>()
    }

    /// The same for several images, if that is worth it.
    fn together<T: Number>(self) -> Product {
        let filters = self.m * self.depth * self.all.w.plane() * size_of::<T>();
        let single = self.whole && self.padded.parts() == [1; AXES] && filters > FILTERS;
        let most = IMAGES / (self.padded.room(self.depth) * size_of::<T>());
        Product { sheets: if single { most.clamp(1, self.to.outer[0].max(1)) } else { 1 }, ..self }
    }

    fn phases(&self) -> impl Iterator<Item = Phase> + Clone {
        let whole = self.forward.then(|| Phase::whole(&self.all));
        let apart = (!self.forward).then(|| phases(&self.steps, &self.all));
        whole.into_iter().chain(apart.into_iter().flatten())
    }

    fn axes(&self, phase: &Phase) -> [Axis; AXES] {
        if self.forward { Phase::of_images(&self.steps, &self.all) } else { phase.of_cotangent(&self.steps, &self.all) }
    }

    /// Images, groups and parts.
    fn units(&self) -> usize {
        self.to.outer[0].div_ceil(self.sheets) * self.all.groups * self.padded.parts().iter().product::<usize>()
    }

    /// Numbers of the results of one phase of one channel of a part, where they are not written in place.
    fn plane(&self) -> usize {
        self.padded.part.iter().product()
    }

    fn layout<T: Number>(&self) -> Layout {
        let (all, lanes) = table::<T>(isa());
        let rows = all[self.tile].0;
        let depth = self.depth * self.phases().map(|p| p.taps()).sum::<usize>();
        let group = self.m.next_multiple_of(rows) * depth;
        let mut room = Room::default();
        let a = room.take::<T>(group * self.all.groups);
        let taps = room.take::<usize>(depth);
        let ([_, b, c], [_, rest_b, rest_c]) = (
            self.padded.part,
            std::array::from_fn(|i| match self.padded.places[i] % self.padded.part[i] {
                0 => self.padded.part[i],
                n => n,
            }),
        );
        let cuts = [[b, c], [b, rest_c], [rest_b, c], [rest_b, rest_c]].map(|[count, length]| {
            let out = if self.whole { self.to.inner[2] } else { self.padded.part[2] };
            let rows = Rows { count, length, pitch: self.padded.steps[1], out };
            let starts = room.take::<Start>(rows.vectors(lanes) + 1);
            Cut { rows, starts, pieces: room.take::<Piece>(rows.pieces(lanes)) }
        });
        let apart = if self.whole { 0 } else { self.phases().count() * self.m * self.plane() };
        let first = room.bytes;
        let slot = (self.padded.room(self.depth) * self.sheets + apart).next_multiple_of(OVER);
        room.take::<T>(slot * self.slots::<T>(slot));
        Layout { a, rows, group, taps, cuts, slots: first, slot, bytes: room.bytes }
    }

    /// Threads at most, each with so many numbers of scratch.
    fn slots<T>(&self, slot: usize) -> usize {
        slots(self.units(), slot * size_of::<T>())
    }

    /// Bytes of scratch that [`Product::run`] needs.
    pub fn scratch<T: Number>(&self) -> usize {
        self.layout::<T>().bytes
    }

    /// # Safety
    /// The lengths and strides are those of the arrays; `to` is in C order and overlaps neither operand; `scratch` is aligned to a line of the
    /// cache and has as many bytes as asked for.
    pub unsafe fn run<T: Number>(&self, ranges: &Ranges<'_>, from: *const T, w: *const T, to: *mut T, scratch: *mut u8) -> Result<()> {
        let l = self.layout::<T>();
        let part = |at: usize| scratch.wrapping_add(at);
        // SAFETY: the scratch memory has room for all of these.
        unsafe {
            self.offsets(part(l.taps).cast());
            l.cuts.iter().for_each(|c| c.write::<T>(scratch));
            self.panels(ranges, &l, w, part(l.a).cast())?;
        }
        let parts = self.padded.parts().iter().product::<usize>();
        let work = self.m * self.depth * self.all.w.plane() * self.all.y.plane() / RATE / parts.max(1) + self.padded.room(self.depth) / 4;
        let work = work * self.sheets;
        let (from, to, scratch) = (Shared(from.cast_mut()), Shared(to), Shared(scratch));
        shared(ranges, self.units(), work, self.slots::<T>(l.slot), |slot, unit| {
            let (image, group, part) = (unit / parts / self.all.groups, unit / parts % self.all.groups, unit % parts);
            // SAFETY: parts of the arrays, and scratch that no other thread has.
            unsafe {
                let image = image * self.sheets;
                let from = from.at(0).offset(self.from.channel(image, group * self.depth));
                let to = to.at(0).offset(self.to.channel(image, group * self.m));
                let slot = scratch.at(l.slots).cast::<T>().add(slot * l.slot);
                let sheets = self.sheets.min(self.to.outer[0] - image);
                self.unit(&l, from, (group, part, sheets), scratch.at(0), slot, to);
            }
        })
    }

    /// Writes the offsets of what is seen at each place of the depth, phase by phase.
    ///
    /// # Safety
    /// `taps` has room for them.
    unsafe fn offsets(&self, taps: *mut usize) {
        let mut to = taps;
        for phase in self.phases() {
            let axes = self.axes(&phase);
            for (c, q) in (0..self.depth).flat_map(|c| elements(phase.taps).map(move |q| (c, q))) {
                // SAFETY: by the contract.
                unsafe {
                    *to = c * self.padded.channel + self.padded.tap(&axes, q);
                    to = to.add(1);
                }
            }
        }
    }

    /// Writes the filters as panels, for each group, phase by phase.
    ///
    /// # Safety
    /// The filters lie in memory, and `to` has room for the panels.
    unsafe fn panels<T: Number>(&self, ranges: &Ranges<'_>, l: &Layout, w: *const T, to: *mut T) -> Result<()> {
        let panels = self.m.div_ceil(l.rows);
        let own = self.all.w.outer[0] / self.all.groups;
        let (w, to) = (Shared(w.cast_mut()), Shared(to));
        shared(ranges, self.all.groups * panels, l.group / panels.max(1), PARTS, |_, unit| {
            let (group, panel) = (unit / panels, unit % panels);
            let rows = l.rows.min(self.m - panel * l.rows);
            let first = self.all.w.channel(group * own, 0) + (panel * l.rows) as isize * self.row;
            let mut at = group * l.group;
            for phase in self.phases() {
                let (taps, k) = (phase.taps(), phase.taps() * self.depth);
                for (i, q) in elements(phase.taps).enumerate() {
                    for c in 0..self.depth {
                        // SAFETY: elements of the filters, and numbers of a panel.
                        unsafe {
                            let from = w.at(0).offset(first + c as isize * self.next + self.all.w.at(phase.element(q)));
                            let to = to.at(at + (panel * k + c * taps + i) * l.rows);
                            for r in 0..l.rows {
                                *to.add(r) = if r < rows { *from.offset(r as isize * self.row) } else { T::ZERO };
                            }
                        }
                    }
                }
                at += k * panels * l.rows;
            }
        })
    }

    /// One part of one image of one group, or several images.
    ///
    /// # Safety
    /// As [`Product::run`]; the scratch memory is written, and `slot` is this thread's.
    unsafe fn unit<T: Number>(
        &self,
        l: &Layout,
        from: *const T,
        (group, part, sheets): (usize, usize, usize),
        scratch: *mut u8,
        slot: *mut T,
        to: *mut T,
    ) {
        let [start, n] = self.padded.of_part(part);
        let from = From { at: from, channels: self.depth, channel: self.from.outer_steps[1], steps: self.from.inner_steps, start };
        let cut = &l.cuts[usize::from(n[1] < self.padded.part[1]) * 2 + usize::from(n[2] < self.padded.part[2])];
        // SAFETY: by the contract.
        unsafe {
            let room = self.padded.room(self.depth);
            for sheet in 0..sheets {
                let at = from.at.wrapping_offset(sheet as isize * self.from.outer_steps[0]);
                self.padded.copy(&From { at, ..from }, slot.add(sheet * room));
            }
            let (mut a, mut taps) = (scratch.add(l.a).cast::<T>().add(group * l.group), scratch.add(l.taps).cast::<usize>());
            if self.whole {
                let [_, b, c] = self.to.inner;
                let to = to.add((start[0] * b + start[1]) * c + start[2]);
                let k = self.depth * self.phases().map(|p| p.taps()).sum::<usize>();
                let out = Out { at: to, row: self.to.outer_steps[1], slab: b * c, sheet: self.to.outer_steps[0] };
                return self.tiles(l, cut, k, [a.cast_const(), slot], taps, [n[0], sheets], scratch, &out);
            }
            let sums = slot.add(room);
            let [_, b, c] = self.padded.part;
            for (i, phase) in self.phases().enumerate() {
                let k = self.depth * phase.taps();
                let at = sums.add(i * self.m * self.plane());
                let out = Out { at, row: self.plane() as isize, slab: b * c, sheet: 0 };
                self.tiles(l, cut, k, [a.cast_const(), slot], taps, [n[0], 1], scratch, &out);
                (a, taps) = (a.add(k * self.m.next_multiple_of(l.rows)), taps.add(k));
            }
            let grid = Grid { part: self.padded.part, start, count: n, stride: self.steps.stride, lengths: self.to.inner };
            interleave::write(&grid, self.m, sums, to, self.to.outer_steps[1]);
        }
    }

    /// All tiles of one phase: slab by slab, vectors of places one after the other, all rows of filters for each; the rows first where several
    /// images share them.
    ///
    /// # Safety
    /// As [`Product::unit`].
    #[allow(clippy::too_many_arguments, reason = "the parts of a product")]
    unsafe fn tiles<T: Number>(
        &self,
        l: &Layout,
        cut: &Cut,
        depth: usize,
        [a, copy]: [*const T; 2],
        taps: *const usize,
        [slabs, sheets]: [usize; 2],
        scratch: *const u8,
        out: &Out<T>,
    ) {
        let (all, lanes) = table::<T>(isa());
        let kernels = all[self.tile].1;
        let (starts, pieces) = (scratch.wrapping_add(cut.starts).cast::<Start>(), scratch.wrapping_add(cut.pieces).cast::<Piece>());
        let vectors = cut.rows.vectors(lanes);
        let count = vectors.div_ceil(kernels.len());
        let room = self.padded.room(self.depth);
        let tile = |row: usize, sheet: usize, slab: usize, t: usize| {
            let (first, end) = (vectors * t / count, vectors * (t + 1) / count);
            let at = out.at.wrapping_offset(sheet as isize * out.sheet + row as isize * out.row).wrapping_add(slab * out.slab);
            let tile = Tile {
                depth,
                block: block(depth),
                a: a.wrapping_add(row * depth),
                taps,
                b: copy.wrapping_add(sheet * room + slab * self.padded.steps[0]),
                starts: starts.wrapping_add(first),
                pieces,
                out: at,
                out_row: out.row,
                rows: l.rows.min(self.m - row),
            };
            // SAFETY: a tile of the contract; the machine has what was found.
            unsafe { kernels[end - first - 1](&tile) };
        };
        let places = (0..sheets).flat_map(|sheet| (0..slabs).flat_map(move |slab| (0..count).map(move |t| (sheet, slab, t))));
        if sheets > 1 {
            for row in (0..self.m).step_by(l.rows) {
                places.clone().for_each(|(sheet, slab, t)| tile(row, sheet, slab, t));
            }
        } else {
            places.for_each(|(sheet, slab, t)| (0..self.m).step_by(l.rows).for_each(|row| tile(row, sheet, slab, t)));
        }
    }
}

/// Where results go.
struct Out<T> {
    at: *mut T,
    /// Steps from row to row, from slab to slab and from image to image.
    row: isize,
    slab: usize,
    sheet: isize,
}

/// The tiles that waste least: those of few rows read more for each product.
fn best_tile<T: Number>(m: usize) -> usize {
    let (all, _) = table::<T>(isa());
    let cost = |rows: usize| m.next_multiple_of(rows) * [20, 12, 11, 10][rows.min(4) - 1];
    (0..all.len()).rev().min_by_key(|&i| cost(all[i].0)).unwrap_or(0)
}

impl Cut {
    /// Writes the vectors and their pieces.
    ///
    /// # Safety
    /// The scratch memory has room for them.
    unsafe fn write<T: Number>(&self, scratch: *mut u8) {
        let (_, lanes) = table::<T>(isa());
        let (mut starts, mut pieces) =
            (scratch.wrapping_add(self.starts).cast::<Start>(), scratch.wrapping_add(self.pieces).cast::<Piece>());
        // SAFETY: by the contract.
        unsafe {
            self.rows.each(
                lanes,
                |s| {
                    *starts = s;
                    starts = starts.add(1);
                },
                |p| {
                    *pieces = p;
                    pieces = pieces.add(1);
                },
            );
        }
    }
}
