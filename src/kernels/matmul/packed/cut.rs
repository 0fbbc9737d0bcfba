//! The loops over blocks that fit into the caches.

use std::mem::MaybeUninit;

use std::ops::Range;

use super::micro::{Kernel, Machine, Tile, Tiles};
use super::panel::Strided;
use super::vector::Vector;
use super::{Isa, Lengths, Out, Scalar, thin};

/// Bytes of a block of the larger operand: in the second cache, beside what streams through.
const STREAM: usize = 1 << 18;
/// Bytes of a block of the smaller operand: a part of the last cache.
const KEPT: usize = 1 << 21;
/// Panels of one operand up to which the other one is read in place: fewer uses do not pay for a copy.
const COLUMNS_IN_PLACE: usize = 20;
const ROWS_IN_PLACE: usize = 8;
/// Numbers of 64 bytes at most: packed blocks start at multiples of 64 bytes.
const ALIGN: usize = 16;
/// The most columns of a panel, of which other widths are parts or smaller, and the most rows.
const WIDEST: usize = 64;
const HIGHEST: usize = 14;
/// Numbers of the largest tile of any machine.
const TILE: usize = HIGHEST * 32;

/// A product, and its parts.
#[derive(Clone, Copy)]
pub(super) struct Call<T> {
    pub isa: Isa,
    pub lengths: Lengths,
    /// Products that are summed from 0 on, before the sum is added to those before it.
    pub block: usize,
    pub a: Strided<T>,
    pub b: Strided<T>,
    pub out: Out<T>,
    pub add: bool,
    pub scratch: *mut T,
}

impl<T> Call<T> {
    /// The product, or its transpose: rows of the result follow each other in memory, or are the longer axis of a narrow one.
    #[inline(always)]
    pub fn oriented(self, tiles: Tiles) -> Self {
        let Lengths { m, n, k } = self.lengths;
        let narrow = |n: usize, m: usize| n <= tiles.lanes / 2 && m > n && (n == 1 || k >= 16);
        let across = self.out.column != 1 && self.out.row == 1;
        let turn = if across { !narrow(m, n) } else { narrow(n, m) };
        if turn { self.transposed() } else { self }
    }

    fn transposed(self) -> Self {
        let Lengths { m, n, k } = self.lengths;
        let Out { at, row, column } = self.out;
        let out = Out { at, row: column, column: row };
        Call { lengths: Lengths { m: n, n: m, k }, a: self.b, b: self.a, out, ..self }
    }
}

/// How a product is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Rows of a tile, and of a panel of the left operand.
    pub height: usize,
    /// Columns of a tile, and of a panel of the right operand.
    pub width: usize,
    /// Places of the depth, rows and columns of a block.
    pub depth: usize,
    pub rows: usize,
    pub columns: usize,
    stream: usize,
    /// The right operand is the larger one.
    pub wide: bool,
}

impl Plan {
    #[inline(always)]
    pub fn new<T>(tiles: Tiles, Lengths { m, n, .. }: Lengths, depth: usize) -> Plan {
        let (m, n) = (m.max(1), n.max(1));
        // Tiles of equal heights.
        let height = m.div_ceil(m.div_ceil(tiles.rows));
        let width = tiles.lanes * n.div_ceil(tiles.lanes).min(if height <= tiles.low { 4 } else { 2 });
        let cut = |length: usize, bytes: usize, unit: usize| {
            let most = (bytes / (size_of::<T>() * depth * unit)).max(1) * unit;
            length.div_ceil(length.div_ceil(most)).div_ceil(unit) * unit
        };
        let stream = if m <= thin::ROWS { m * n.min(thin::COLUMNS) } else { 0 };
        let wide = n > m;
        let (left, right) = if wide { (KEPT, STREAM) } else { (STREAM, KEPT) };
        Plan { height, width, depth, rows: cut(m, left, height), columns: cut(n, right, width), stream, wide }
    }

    /// Numbers of scratch.
    pub fn room(&self) -> usize {
        self.stream.max((self.rows + self.columns) * self.depth + ALIGN) + ALIGN
    }
}

/// Numbers of scratch that no product with blocks of this depth, and no more rows and columns, exceeds: for the block that stays, and for
/// each of so many parts of what goes by.
pub(super) fn bounds<T>(Lengths { m, n, .. }: Lengths, depth: usize, parts: usize) -> [usize; 2] {
    // Whole panels, of whichever operand.
    let whole = |length: usize| length.next_multiple_of(WIDEST).max(length + HIGHEST - 1);
    let of = |length: usize, bytes: usize| (whole(length.min(bytes)) * depth).min(bytes / size_of::<T>()) + ALIGN;
    let (fewer, more) = (m.min(n), m.max(n));
    let part = if parts > 1 { more / parts + WIDEST } else { more };
    [of(fewer, KEPT), of(part, STREAM).max(thin::ROWS * more.min(thin::COLUMNS))]
}

pub(super) fn aligned<T>(p: *mut T) -> *mut T {
    p.wrapping_byte_add(p.addr().wrapping_neg() % 64)
}

/// # Safety
/// As [`super::multiply`], with the instructions of K; `FUSED` says whether they fuse.
#[inline(always)]
pub(super) unsafe fn product<K: Machine, const FUSED: bool>(call: Call<K::T>) {
    let Lengths { m, n, k } = call.lengths;
    if m == 0 || n == 0 {
        return;
    }
    let call = call.oriented(K::TILES);
    let Lengths { m, n, .. } = call.lengths;
    // SAFETY: by the contract.
    unsafe {
        if k == 0 {
            return empty(&call);
        }
        if m * n <= thin::DOTS && k >= thin::LONG {
            return thin::dots::<K, FUSED>(&call);
        }
        if m <= thin::ROWS && call.b.across == 1 && n >= thin::WIDE {
            return thin::streams::<K>(&call);
        }
        if m == 1 && call.b.depth == 1 {
            return thin::lines::<K>(&call);
        }
        blocks::<K>(&call);
    }
}

/// No products at all.
#[inline(always)]
unsafe fn empty<T: Scalar>(call: &Call<T>) {
    let Lengths { m, n, .. } = call.lengths;
    if !call.add {
        // SAFETY: elements of the result.
        each(call.out.at, [call.out.row, call.out.column], [m, n], |to, _| unsafe { *to = T::ZERO });
    }
}

/// True if a product is better off without a copy of the left operand: few tiles use each of its numbers.
fn left_in_place<T>(a: Strided<T>, p: Plan, Lengths { m, n, k }: Lengths) -> bool {
    let small = m * k * size_of::<T>() <= 1 << 14;
    (a.across == 1 || a.depth == 1) && (n <= COLUMNS_IN_PLACE * p.width || small)
}

/// The same of the right operand, whose rows must follow each other.
fn right_in_place<T>(b: Strided<T>, p: Plan, Lengths { m, n, k }: Lengths) -> bool {
    let small = n * k * size_of::<T>() <= 1 << 15;
    b.across == 1 && (m <= ROWS_IN_PLACE * p.height || small)
}

/// A packed block, or what is read in place of it.
#[derive(Clone, Copy)]
pub(super) struct Block<T> {
    /// The operand, where it is read in place, from `start` on.
    direct: Option<Strided<T>>,
    /// Packed panels: those from the across-index `packed` of the block on.
    panels: *const T,
    pub packed: usize,
    /// Ranges of across-indices and of the depth.
    start: usize,
    pub length: usize,
    pub depth: usize,
    from: usize,
}

impl<T> Block<T> {
    /// Where the panel from the across-index `i` of the block on starts, and its steps from one index to the next, and along the depth.
    #[inline(always)]
    fn panel(&self, i: usize, width: usize) -> (*const T, [isize; 2]) {
        match self.direct {
            Some(s) if i < self.packed => (s.element(self.from, self.start + i), [s.across, s.depth]),
            _ => (self.panels.wrapping_add((i - self.packed) * self.depth), [1, width as isize]),
        }
    }
}

/// A product in blocks: the larger operand goes by in blocks of the second cache; the smaller one stays in a larger cache.
pub(super) struct Blocks<'a, T> {
    pub call: &'a Call<T>,
    pub plan: Plan,
    /// The operands that are read in place.
    a: Option<Strided<T>>,
    b: Option<Strided<T>>,
}

impl<'a, T: Scalar> Blocks<'a, T> {
    #[inline(always)]
    pub fn new(call: &'a Call<T>, tiles: Tiles) -> Self {
        let (plan, lengths) = (Plan::new::<T>(tiles, call.lengths, call.block), call.lengths);
        let a = Some(call.a).filter(|&a| left_in_place(a, plan, lengths));
        let b = Some(call.b).filter(|&b| right_in_place(b, plan, lengths));
        Blocks { call, plan, a, b }
    }

    /// The lengths of the product along the operand that stays, and of its blocks; and the same of the one that goes by.
    #[inline(always)]
    pub fn axes(&self) -> [[usize; 2]; 2] {
        let (Lengths { m, n, .. }, plan) = (self.call.lengths, self.plan);
        let (left, right) = ([m, plan.rows], [n, plan.columns]);
        if plan.wide { [left, right] } else { [right, left] }
    }

    /// A block of the operand that stays, or of the other one, whose panels are at `to`.
    #[inline(always)]
    pub fn block(&self, stays: bool, across: Range<usize>, depth: Range<usize>, lanes: usize, to: *mut T) -> Block<T> {
        let length = across.len();
        let (direct, packed) = if stays == self.plan.wide {
            (self.a, if self.a.is_some() { length } else { 0 })
        } else {
            // In place, what does not fill a vector at the end is copied all the same.
            let packed = match self.b {
                Some(_) if length.is_multiple_of(lanes) => length,
                Some(_) => length / self.plan.width * self.plan.width,
                None => 0,
            };
            (self.b, packed)
        };
        Block { direct, panels: to.cast_const(), packed, start: across.start, length, depth: depth.len(), from: depth.start }
    }

    /// Packs a range of those across-indices of a block that are not read in place, from a multiple of a panel's width on.
    ///
    /// # Safety
    /// A block of this product, with room for its panels.
    #[inline(always)]
    pub unsafe fn pack(&self, stays: bool, block: &Block<T>, part: Range<usize>) {
        if part.is_empty() {
            return;
        }
        let depth = block.from..block.from + block.depth;
        let (across, to) = (block.start + part.start..block.start + part.end, (part.start - block.packed) * block.depth);
        let dst = block.panels.cast_mut().wrapping_add(to);
        // SAFETY: ranges of the operand, and room of the plan.
        unsafe {
            if stays == self.plan.wide {
                self.call.a.pack(self.call.isa, depth, across, self.plan.height, dst);
            } else {
                self.call.b.pack(self.call.isa, depth, across, self.plan.width, dst);
            }
        }
    }

    /// The products of a block that stays with what lies in `across` of the other operand, which is packed at `to`.
    ///
    /// # Safety
    /// As [`product`], with the instructions of K; nobody else uses the memory.
    #[inline(always)]
    pub unsafe fn sweep<K: Machine<T = T>>(&self, kept: Block<T>, across: Range<usize>, to: *mut T) {
        let (wide, step) = (self.plan.wide, self.axes()[1][1]);
        let add = self.call.add || kept.from > 0;
        let mut i = across.start;
        while i < across.end {
            let block = self.block(false, i..across.end.min(i + step), kept.from..kept.from + kept.depth, K::TILES.lanes, to);
            let (x, y) = if wide { (kept, block) } else { (block, kept) };
            // SAFETY: blocks of the operands.
            unsafe {
                self.pack(false, &block, block.packed..block.length);
                tiles::<K>(self.call, self.plan, x, y, add);
            }
            i += step;
        }
    }
}

#[inline(always)]
unsafe fn blocks<K: Machine>(call: &Call<K::T>) {
    let all = Blocks::new(call, K::TILES);
    let [[outer, step], [inner, room]] = all.axes();
    let streams = aligned(call.scratch);
    let stays = aligned(streams.wrapping_add(room * all.plan.depth));
    for o in (0..outer).step_by(step) {
        for d in (0..call.lengths.k).step_by(all.plan.depth) {
            let kept = all.block(true, o..outer.min(o + step), d..call.lengths.k.min(d + all.plan.depth), K::TILES.lanes, stays);
            // SAFETY: blocks of the operands.
            unsafe {
                all.pack(true, &kept, kept.packed..kept.length);
                all.sweep::<K>(kept, 0..inner, streams);
            }
        }
    }
}

/// The tiles of two blocks. A panel of the block that stays in a larger cache is used for all of the other one.
#[inline(always)]
unsafe fn tiles<K: Machine>(call: &Call<K::T>, plan: Plan, x: Block<K::T>, y: Block<K::T>, add: bool) {
    let Plan { height, width, wide, .. } = plan;
    let (outer, inner) = if wide { ([x.length, height], [y.length, width]) } else { ([y.length, width], [x.length, height]) };
    for o in (0..outer[0]).step_by(outer[1]) {
        for q in (0..inner[0]).step_by(inner[1]) {
            let (i, j) = if wide { (o, q) } else { (q, o) };
            let lengths = [height.min(x.length - i), width.min(y.length - j)];
            let vectors = lengths[1].div_ceil(K::V::LANES);
            let (a, [a_row, a_depth]) = x.panel(i, height);
            let (b, [_, b_depth]) = y.panel(j, width);
            let (i, j) = (x.start + i, y.start + j);
            let last = lengths[1] - (vectors - 1) * K::V::LANES;
            let out = at(&call.out, i, j);
            let t = Tile { depth: x.depth, a, a_row, a_depth, b, b_depth, out, out_row: call.out.row, last, add };
            // SAFETY: a tile of the result, and panels for it.
            unsafe {
                let kernel = K::kernel(lengths[0], vectors);
                if call.out.column != 1 {
                    scattered(call, kernel, t, [i, j], lengths);
                } else {
                    kernel(&t);
                }
            }
        }
    }
}

/// A tile whose columns do not follow each other in memory.
#[inline(always)]
unsafe fn scattered<T: Scalar>(call: &Call<T>, kernel: Kernel<T>, mut t: Tile<T>, place: [usize; 2], lengths: [usize; 2]) {
    let add = t.add;
    let mut buffer = MaybeUninit::<[T; TILE]>::uninit();
    (t.out, t.out_row, t.add) = (buffer.as_mut_ptr().cast(), lengths[1] as isize, false);
    // SAFETY: elements of the buffer, and of the result.
    unsafe {
        kernel(&t);
        settle(call, t.out, place, lengths, add);
    }
}

/// Moves the sums of a tile, whose rows follow each other, into the result, or adds them.
///
/// # Safety
/// Elements of the result.
#[inline(always)]
pub(super) unsafe fn settle<T: Scalar>(call: &Call<T>, sums: *mut T, place: [usize; 2], lengths: [usize; 2], add: bool) {
    let (to, steps) = (at(&call.out, place[0], place[1]), [call.out.row, call.out.column]);
    // SAFETY: by the contract.
    unsafe {
        if add {
            each(to, steps, lengths, |to, k| *to = *to + *sums.wrapping_add(k));
        } else {
            each(to, steps, lengths, |to, k| *to = *sums.wrapping_add(k));
        }
    }
}

pub(super) fn at<T>(out: &Out<T>, i: usize, j: usize) -> *mut T {
    let to = (i as isize).wrapping_mul(out.row).wrapping_add((j as isize).wrapping_mul(out.column));
    out.at.wrapping_offset(to)
}

/// Calls `f` for each element of a tile at `to`, with its place among them all.
#[inline(always)]
fn each<T>(to: *mut T, steps: [isize; 2], [rows, columns]: [usize; 2], f: impl Fn(*mut T, usize)) {
    if steps[1] == 1 {
        for i in 0..rows {
            let to = to.wrapping_offset((i as isize).wrapping_mul(steps[0]));
            (0..columns).for_each(|j| f(to.wrapping_add(j), i.wrapping_mul(columns).wrapping_add(j)));
        }
        return;
    }
    for j in 0..columns {
        let (mut to, mut from) = (to.wrapping_offset((j as isize).wrapping_mul(steps[1])), j);
        for _ in 0..rows {
            f(to, from);
            to = to.wrapping_offset(steps[0]);
            from = from.wrapping_add(columns);
        }
    }
}
