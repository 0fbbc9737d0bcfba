//! The loops over blocks that fit into the caches.

use std::mem::MaybeUninit;

use super::micro::{Kernel, Machine, Tile};
use super::panel::{Source, Strided};
use super::vector::Vector;
use super::{Epilogue, Isa, Lengths, Out, Scalar, block, thin};

/// Bytes of a block of the larger operand: in the second cache, beside what streams through.
const STREAM: usize = 1 << 18;
/// Bytes of a block of the smaller operand: a part of the last cache.
const KEPT: usize = 1 << 21;
/// Panels of one operand up to which the other one is read in place: fewer uses do not pay for a copy.
const COLUMNS_IN_PLACE: usize = 20;
const ROWS_IN_PLACE: usize = 8;
/// Numbers of 64 bytes at most: packed blocks start at multiples of 64 bytes.
const ALIGN: usize = 16;
/// Numbers of the largest tile of any machine.
const TILE: usize = 14 * 32;

/// A product, and its parts.
pub(super) struct Call<'a, T> {
    pub isa: Isa,
    pub lengths: Lengths,
    pub a: &'a dyn Source<T>,
    pub b: &'a dyn Source<T>,
    pub out: Out<T>,
    pub add: bool,
    pub scratch: *mut T,
    /// The transposed product is computed: what the epilogue sees is transposed back.
    pub turned: bool,
}

impl<T> Call<'_, T> {
    fn transposed(self) -> Self {
        let Lengths { m, n, k } = self.lengths;
        let Out { at, row, column } = self.out;
        let out = Out { at, row: column, column: row };
        Call { lengths: Lengths { m: n, n: m, k }, a: self.b, b: self.a, out, turned: !self.turned, ..self }
    }

    /// # Safety
    /// As [`Epilogue::tile`].
    #[inline(always)]
    pub unsafe fn epilogue<E: Epilogue<T>>(&self, e: &E, at: [usize; 2], lengths: [usize; 2], values: *mut T, steps: [isize; 2]) {
        let turn = |[x, y]: [usize; 2]| if self.turned { [y, x] } else { [x, y] };
        let steps = if self.turned { [steps[1], steps[0]] } else { steps };
        // SAFETY: by the contract.
        unsafe { e.tile(turn(at), turn(lengths), values, steps) };
    }
}

/// How a product is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Rows of a tile, and of a panel of the left operand.
    height: usize,
    /// Columns of a tile, and of a panel of the right operand.
    width: usize,
    /// Places of the depth, rows and columns of a block.
    depth: usize,
    rows: usize,
    columns: usize,
    stream: usize,
    /// The right operand is the larger one.
    wide: bool,
}

impl Plan {
    #[inline(always)]
    pub fn new<K: Machine>(Lengths { m, n, k }: Lengths) -> Plan {
        let (m, n, depth) = (m.max(1), n.max(1), block(k));
        // Tiles of equal heights.
        let height = m.div_ceil(m.div_ceil(K::ROWS));
        let width = K::V::LANES * if height <= K::LOW { 4 } else { 2 };
        let cut = |length: usize, bytes: usize, unit: usize| {
            let most = (bytes / (size_of::<K::T>() * depth * unit)).max(1) * unit;
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

fn aligned<T>(p: *mut T) -> *mut T {
    p.wrapping_byte_add(p.addr().wrapping_neg() % 64)
}

/// # Safety
/// As [`super::multiply`], with the instructions of K; `FUSED` says whether they fuse.
#[inline(always)]
pub(super) unsafe fn product<K: Machine, E: Epilogue<K::T>, const FUSED: bool>(call: Call<'_, K::T>, epilogue: &E) {
    let Lengths { m, n, k } = call.lengths;
    if m == 0 || n == 0 {
        return;
    }
    // Rows of the result that follow each other in memory; the longer axis of a narrow one.
    let narrow = |n: usize, m: usize| n <= K::V::LANES / 2 && m > n && (n == 1 || k >= 16);
    let across = call.out.column != 1 && call.out.row == 1;
    let turn = if across { !narrow(m, n) } else { narrow(n, m) };
    let call = if turn { call.transposed() } else { call };
    let Lengths { m, n, .. } = call.lengths;
    // SAFETY: by the contract.
    unsafe {
        if k == 0 {
            return empty(&call, epilogue);
        }
        let (a, b) = (call.a.direct(), call.b.direct());
        if let (Some(a), Some(b)) = (a, b) {
            if m * n <= thin::DOTS && k >= thin::LONG {
                return thin::dots::<K, E, FUSED>(&call, a, b, epilogue);
            }
            if m <= thin::ROWS && b.across == 1 && n >= thin::WIDE {
                return thin::streams::<K, E>(&call, a, b, epilogue);
            }
            if m == 1 && b.depth == 1 {
                return thin::lines::<K, E>(&call, a, b, epilogue);
            }
        }
        blocks::<K, E>(&call, a, b, epilogue);
    }
}

/// No products at all.
#[inline(always)]
unsafe fn empty<T: Scalar, E: Epilogue<T>>(call: &Call<'_, T>, epilogue: &E) {
    let (Lengths { m, n, .. }, Out { at, row, column }) = (call.lengths, call.out);
    for i in 0..m {
        for j in 0..n {
            let to = at.wrapping_offset((i as isize).wrapping_mul(row)).wrapping_offset((j as isize).wrapping_mul(column));
            // SAFETY: an element of the result.
            unsafe {
                if !call.add {
                    *to = T::ZERO;
                }
                if E::ACTIVE {
                    call.epilogue(epilogue, [i, j], [1, 1], to, [1, 1]);
                }
            }
        }
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
struct Block<T> {
    /// The operand, where it is read in place, from `start` on.
    direct: Option<Strided<T>>,
    /// Packed panels: those from the across-index `packed` of the block on.
    panels: *const T,
    packed: usize,
    /// Ranges of across-indices and of the depth.
    start: usize,
    length: usize,
    depth: usize,
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

/// The larger operand goes by in blocks of the second cache, each packed once; the smaller one stays in a larger cache.
#[inline(always)]
unsafe fn blocks<K: Machine, E: Epilogue<K::T>>(call: &Call<'_, K::T>, a: Option<Strided<K::T>>, b: Option<Strided<K::T>>, epilogue: &E) {
    let (plan, lengths) = (Plan::new::<K>(call.lengths), call.lengths);
    let Lengths { m, n, k } = lengths;
    let a = a.filter(|&a| left_in_place(a, plan, lengths));
    let b = b.filter(|&b| right_in_place(b, plan, lengths));
    let left = aligned(call.scratch);
    let right = aligned(left.wrapping_add(plan.rows * plan.depth));
    let rows = |start: usize, from: usize, depth: usize| {
        let length = plan.rows.min(m - start);
        // SAFETY: ranges of the operand, and room of the plan.
        unsafe {
            if a.is_none() {
                call.a.pack(call.isa, from..from + depth, start..start + length, plan.height, left);
            }
        }
        Block { direct: a, panels: left.cast_const(), packed: if a.is_some() { length } else { 0 }, start, length, depth, from }
    };
    let columns = |start: usize, from: usize, depth: usize| {
        let length = plan.columns.min(n - start);
        // In place, what does not fill a vector at the end is copied all the same.
        let packed = match b {
            Some(_) if length % K::V::LANES == 0 => length,
            Some(_) => length / plan.width * plan.width,
            None => 0,
        };
        // SAFETY: ranges of the operand, and room of the plan.
        unsafe {
            if packed < length {
                call.b.pack(call.isa, from..from + depth, start + packed..start + length, plan.width, right);
            }
        }
        Block { direct: b, panels: right.cast_const(), packed, start, length, depth, from }
    };
    let wide = plan.wide;
    let (outer, inner) = if wide { ([m, plan.rows], [n, plan.columns]) } else { ([n, plan.columns], [m, plan.rows]) };
    for o in (0..outer[0]).step_by(outer[1]) {
        for d in (0..k).step_by(plan.depth) {
            let depth = plan.depth.min(k - d);
            let kept = if wide { rows(o, d, depth) } else { columns(o, d, depth) };
            for i in (0..inner[0]).step_by(inner[1]) {
                let (x, y) = if wide { (kept, columns(i, d, depth)) } else { (rows(i, d, depth), kept) };
                // SAFETY: blocks of the operands.
                unsafe { tiles::<K, E>(call, plan, x, y, call.add || d > 0, d + depth == k, epilogue) };
            }
        }
    }
}

/// The tiles of two blocks. A panel of the block that stays in a larger cache is used for all of the other one.
#[inline(always)]
unsafe fn tiles<K: Machine, E: Epilogue<K::T>>(
    call: &Call<'_, K::T>,
    plan: Plan,
    x: Block<K::T>,
    y: Block<K::T>,
    add: bool,
    end: bool,
    epilogue: &E,
) {
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
                    scattered(call, kernel, t, [i, j], lengths, end, epilogue);
                } else {
                    kernel(&t);
                    if E::ACTIVE && end {
                        call.epilogue(epilogue, [i, j], lengths, out, [call.out.row, 1]);
                    }
                }
            }
        }
    }
}

/// A tile whose columns do not follow each other in memory.
#[inline(always)]
unsafe fn scattered<T: Scalar, E: Epilogue<T>>(
    call: &Call<'_, T>,
    kernel: Kernel<T>,
    mut t: Tile<T>,
    place: [usize; 2],
    lengths: [usize; 2],
    end: bool,
    epilogue: &E,
) {
    let add = t.add;
    let mut buffer = MaybeUninit::<[T; TILE]>::uninit();
    (t.out, t.out_row, t.add) = (buffer.as_mut_ptr().cast(), lengths[1] as isize, false);
    // SAFETY: elements of the buffer, and of the result.
    unsafe {
        kernel(&t);
        settle(call, t.out, place, lengths, [add, end], epilogue);
    }
}

/// Moves the sums of a tile, whose rows follow each other, into the result, or adds them; the epilogue follows if it is the `end`.
///
/// # Safety
/// Elements of the result.
#[inline(always)]
pub(super) unsafe fn settle<T: Scalar, E: Epilogue<T>>(
    call: &Call<'_, T>,
    sums: *mut T,
    place: [usize; 2],
    lengths: [usize; 2],
    [add, end]: [bool; 2],
    epilogue: &E,
) {
    let (to, steps) = (at(&call.out, place[0], place[1]), [call.out.row, call.out.column]);
    // SAFETY: by the contract.
    unsafe {
        if add {
            each(to, steps, lengths, |to, k| *sums.wrapping_add(k) = *to + *sums.wrapping_add(k));
        }
        if E::ACTIVE && end {
            call.epilogue(epilogue, place, lengths, sums, [lengths[1] as isize, 1]);
        }
        each(to, steps, lengths, |to, k| *to = *sums.wrapping_add(k));
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
