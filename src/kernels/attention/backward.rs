//! The gradient. Weights are computed again from the scores and their logarithms of sums, tile by tile.

use super::rows::{Slopes, compiled};
use super::shares::{PARTS, Shares};
use super::*;
use crate::array::ViewMut;
use crate::error::Result;
use crate::kernels::ranges::Ranges;

/// Numbers of scratch of one slot: two tiles, and what products need.
struct Room {
    tile: usize,
    all: usize,
}

impl Room {
    fn of<T: Number>(e: &Extents) -> Room {
        let tile = QUERIES * e.width::<T>();
        let scores = |m, n| [e.depth, e.values, 0].map(|k| Lengths { m, n, k });
        let sums = |m, n| [Lengths { m, n: e.depth, k: n }, Lengths { m: n, n: e.depth, k: m }, Lengths { m: n, n: e.values, k: m }];
        Room { tile, all: 2 * tile + e.room::<T>(&scores).max(e.room::<T>(&sums)) }
    }
}

fn numbers<T: Number>(e: &Extents) -> usize {
    let tasks = e.units() * (e.query_tiles() + e.key_tiles());
    Turned::<T>::numbers(e, e.depth) + Turned::<T>::numbers(e, e.values) + PARTS.min(tasks) * Room::of::<T>(e).all
}

/// Bytes of scratch that [`backward`] needs.
pub fn backward_scratch(dtype: DType, extents: &Extents) -> usize {
    dtype.size() * if dtype == DType::F32 { numbers::<f32>(extents) } else { numbers::<f64>(extents) }
}

/// From queries, keys, values, mask, logarithms of sums, a number for each query, and the cotangent of the results: with
/// `p = exp(q k^T - logarithm)`, masked, and `c = p (g v^T - number)`, the arrays `c k`, `c^T q`, `p^T g`, and `c` unless it is empty.
pub fn backward(
    ranges: &Ranges<'_>,
    extents: &Extents,
    inputs: [View<'_>; 7],
    scratch: &mut [u8],
    outputs: [&mut ViewMut<'_>; 4],
) -> Result<()> {
    // SAFETY: the dtype of the views is the dispatched one; scratch as it was asked for.
    unsafe {
        match outputs[0].dtype() {
            DType::F32 => run::<f32>(ranges, extents, inputs, scratch, outputs),
            _ => run::<f64>(ranges, extents, inputs, scratch, outputs),
        }
    }
}

/// The arrays.
struct Arrays<'a, T> {
    e: &'a Extents,
    q: Matrices<T>,
    k: Matrices<T>,
    v: Matrices<T>,
    masks: Masks<T>,
    logarithms: Matrices<T>,
    numbers: Matrices<T>,
    g: Matrices<T>,
    keys: Turned<T>,
    values: Turned<T>,
    out: [Shared<T>; 3],
    /// The cotangents of scores, if they are wanted.
    scores: Option<Shared<T>>,
}

/// Scratch of a slot.
#[derive(Clone, Copy)]
struct Free<T> {
    weights: *mut T,
    cotangents: *mut T,
    rest: *mut T,
}

/// # Safety
/// The floating views have type `T`.
unsafe fn run<T: Number>(
    ranges: &Ranges<'_>,
    e: &Extents,
    [q, k, v, mask, logarithms, numbers, g]: [View<'_>; 7],
    scratch: &mut [u8],
    outputs: [&mut ViewMut<'_>; 4],
) -> Result<()> {
    let units = e.units();
    if units == 0 {
        return Ok(());
    }
    let of = |x: View<'_>| Matrices::<T>::of(x, &e.lead);
    let at = scratch.as_mut_ptr().cast::<T>();
    let keys = Turned::new(e, e.depth, at);
    let values = Turned::new(e, e.values, at.wrapping_add(Turned::<T>::numbers(e, e.depth)));
    let free = Shared(values.at.0.wrapping_add(Turned::<T>::numbers(e, e.values)));
    let [gq, gk, gv, scores] = outputs;
    let all = Arrays {
        e,
        q: of(q),
        k: of(k),
        v: of(v),
        masks: Masks::of(mask, &e.lead),
        logarithms: of(logarithms),
        numbers: of(numbers),
        g: of(g),
        keys,
        values,
        out: [gq, gk, gv].map(|x| Shared(x.ptr().cast())),
        scores: (scores.count() > 0).then(|| Shared(scores.ptr().cast())),
    };
    let room = Room::of::<T>(e);
    let slot = |i: usize| {
        // SAFETY: scratch of the slot.
        let weights = unsafe { free.at(i * room.all) };
        Free { weights, cotangents: weights.wrapping_add(room.tile), rest: weights.wrapping_add(2 * room.tile) }
    };

    let (queries, tiles) = (e.query_tiles(), e.key_tiles());
    let work = e.work().saturating_mul(5) / 2;
    let threads = ranges.threads(work.saturating_mul(units * queries)).min(PARTS);
    // Two passes over the tiles, one for queries and one for keys, have seven products where one pass has five.
    let whole = units.div_ceil(threads) * threads * 5 <= units * 7;
    if whole {
        let shares = Shares { units, steps: queries, slots: threads.min(units), whole };
        return shares.each(ranges, work, &|i, unit, step| {
            // SAFETY: arrays of the unit, and scratch that no other thread has.
            unsafe {
                if step == 0 {
                    (0..tiles).for_each(|j| all.turn(unit, j));
                    all.clear(1, unit, 0, e.keys);
                    all.clear(2, unit, 0, e.keys);
                }
                all.of_queries(slot(i), unit, step, true);
            }
        });
    }
    if e.turned() {
        let shares = Shares { units, steps: tiles, slots: threads.min(units), whole: true };
        // SAFETY: each tile is written once.
        shares.each(ranges, KEYS * (e.depth + e.values), &|_, unit, j| unsafe { all.turn(unit, j) })?;
    }
    let shares = Shares { units, steps: queries + tiles, slots: threads.min(queries + tiles), whole };
    shares.each(ranges, work, &|i, unit, step| {
        // SAFETY: parts of the arrays, and scratch that no other thread has.
        unsafe {
            match step.checked_sub(queries) {
                None => all.of_queries(slot(i), unit, step, false),
                Some(j) => all.of_keys(slot(i), unit, j),
            }
        }
    })
}

impl<T: Number> Arrays<'_, T> {
    /// # Safety
    /// Nobody uses the transposed tile, as below what is written to.
    unsafe fn turn(&self, unit: usize, j: usize) {
        if self.e.turned() {
            // SAFETY: by the contract.
            unsafe {
                self.keys.write(self.e, &self.k, unit, j);
                self.values.write(self.e, &self.v, unit, j);
            }
        }
    }

    /// Where row `i` of an output stands, and how long a row is.
    fn row(&self, out: usize, unit: usize, i: usize) -> (*mut T, usize) {
        let length = if out == 2 { self.e.values } else { self.e.depth };
        let rows = if out == 0 { self.e.queries } else { self.e.keys };
        (self.out[out].0.wrapping_add((unit * rows + i) * length), length)
    }

    /// Zeros in some rows of an output.
    ///
    /// # Safety
    /// As above.
    unsafe fn clear(&self, out: usize, unit: usize, i: usize, rows: usize) {
        let (at, length) = self.row(out, unit, i);
        // SAFETY: by the contract.
        unsafe { std::slice::from_raw_parts_mut(at, rows * length).fill(T::literal(0.0)) }
    }

    /// The weights of a tile, and the cotangents of its scores.
    ///
    /// # Safety
    /// As above.
    unsafe fn tile(&self, free: Free<T>, unit: usize, i: usize, j: usize) {
        let e = self.e;
        let (rows, keys, query, key, width) = (e.rows(i), e.columns(i, j), i * QUERIES, j * KEYS, e.width::<T>());
        let column = |x: &Matrices<T>| (x.operand(e, unit, query, false).at, x.row);
        // SAFETY: by the contract.
        unsafe {
            let (q, k) = (self.q.operand(e, unit, query, false), self.keys.operand(e, &self.k, unit, j));
            product([rows, keys, e.depth], q, k, (free.weights, width), false, free.rest);
            let (g, v) = (self.g.operand(e, unit, query, false), self.values.operand(e, &self.v, unit, j));
            product([rows, keys, e.values], g, v, (free.cotangents, width), false, free.rest);
            let mask = self.masks.unit(e, unit);
            let tile = Tile { scores: free.weights, width, rows, keys, query, key, causal: e.causal, mask };
            let (logarithm, number) = (column(&self.logarithms), column(&self.numbers));
            compiled(isa(), &Slopes { tile, cotangents: free.cotangents, logarithm, number });
        }
    }

    /// The cotangents of a group of queries, and if `all` what its tiles give to keys and values.
    ///
    /// # Safety
    /// As above.
    unsafe fn of_queries(&self, free: Free<T>, unit: usize, i: usize, all: bool) {
        let e = self.e;
        let (rows, query, width) = (e.rows(i), i * QUERIES, e.width::<T>());
        // SAFETY: by the contract.
        unsafe {
            self.clear(0, unit, query, rows);
            for j in 0..e.seen(i).div_ceil(KEYS) {
                self.tile(free, unit, i, j);
                let (keys, key) = (e.columns(i, j), j * KEYS);
                let cotangents = Strided { at: free.cotangents.cast_const(), across: width as isize, depth: 1 };
                product([rows, e.depth, keys], cotangents, self.k.operand(e, unit, key, true), self.row(0, unit, query), true, free.rest);
                if all {
                    self.to_keys(free, unit, i, j);
                }
                if let Some(scores) = self.scores {
                    let at = scores.at((unit * e.queries + query) * e.keys);
                    for r in 0..rows {
                        free.cotangents.add(r * width).copy_to_nonoverlapping(at.add(r * e.keys + key), keys);
                    }
                }
            }
            if let Some(scores) = self.scores {
                let at = scores.at((unit * e.queries + query) * e.keys);
                let seen = e.seen(i);
                for r in 0..rows {
                    std::slice::from_raw_parts_mut(at.add(r * e.keys + seen), e.keys - seen).fill(T::literal(0.0));
                }
            }
        }
    }

    /// The cotangents of a tile's keys and values.
    ///
    /// # Safety
    /// As above.
    unsafe fn of_keys(&self, free: Free<T>, unit: usize, j: usize) {
        let e = self.e;
        // SAFETY: by the contract.
        unsafe {
            let rows = KEYS.min(e.keys - j * KEYS);
            self.clear(1, unit, j * KEYS, rows);
            self.clear(2, unit, j * KEYS, rows);
            for i in (0..e.query_tiles()).filter(|&i| e.columns(i, j) > 0) {
                self.tile(free, unit, i, j);
                self.to_keys(free, unit, i, j);
            }
        }
    }

    /// Adds what a tile gives to its keys and values.
    ///
    /// # Safety
    /// As above.
    unsafe fn to_keys(&self, free: Free<T>, unit: usize, i: usize, j: usize) {
        let e = self.e;
        let (rows, keys, query, key, width) = (e.rows(i), e.columns(i, j), i * QUERIES, j * KEYS, e.width::<T>());
        let turned = |at: *mut T| Strided { at: at.cast_const(), across: 1, depth: width as isize };
        // SAFETY: by the contract.
        unsafe {
            let (q, g) = (self.q.operand(e, unit, query, true), self.g.operand(e, unit, query, true));
            product([keys, e.depth, rows], turned(free.cotangents), q, self.row(1, unit, key), true, free.rest);
            product([keys, e.values, rows], turned(free.weights), g, self.row(2, unit, key), true, free.rest);
        }
    }
}
