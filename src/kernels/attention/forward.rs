//! The results, and for each query the logarithm of the sum of the exponentials of its scores.

use super::rows::{Exponentials, Quotients, compiled};
use super::shares::{PARTS, Shares};
use super::*;
use crate::array::ViewMut;
use crate::error::Result;
use crate::kernels::ranges::Ranges;

/// Numbers of scratch of one slot: a tile, two for each of its rows, and what products need.
struct Room {
    tile: usize,
    all: usize,
}

impl Room {
    fn of<T: Number>(e: &Extents) -> Room {
        let tile = QUERIES * e.width::<T>();
        let of = |m, n| [Lengths { m, n, k: e.depth }, Lengths { m, n: e.values, k: n }, Lengths { m: 0, n: 0, k: 0 }];
        Room { tile, all: tile + 2 * QUERIES + e.room::<T>(&of) }
    }
}

fn numbers<T: Number>(e: &Extents) -> usize {
    Turned::<T>::numbers(e, e.depth) + PARTS.min(e.units() * e.query_tiles()) * Room::of::<T>(e).all
}

/// Bytes of scratch that [`forward`] needs.
pub fn forward_scratch(dtype: DType, extents: &Extents) -> usize {
    dtype.size() * if dtype == DType::F32 { numbers::<f32>(extents) } else { numbers::<f64>(extents) }
}

/// `y = softmax(q k^T, masked) v`, and the logarithms of the sums of exponentials, unless their array is empty. A query that sees no key has
/// the result 0 and the logarithm inf.
pub fn forward(
    ranges: &Ranges<'_>,
    extents: &Extents,
    inputs: [View<'_>; 4],
    scratch: &mut [u8],
    y: &mut ViewMut<'_>,
    logarithms: &mut ViewMut<'_>,
) -> Result<()> {
    // SAFETY: the dtype of the views is the dispatched one; scratch as it was asked for.
    unsafe {
        match y.dtype() {
            DType::F32 => run::<f32>(ranges, extents, inputs, scratch, y, logarithms),
            _ => run::<f64>(ranges, extents, inputs, scratch, y, logarithms),
        }
    }
}

/// # Safety
/// The floating views have type `T`.
unsafe fn run<T: Number>(
    ranges: &Ranges<'_>,
    e: &Extents,
    [q, k, v, mask]: [View<'_>; 4],
    scratch: &mut [u8],
    y: &mut ViewMut<'_>,
    logarithms: &mut ViewMut<'_>,
) -> Result<()> {
    let (units, steps, width) = (e.units(), e.query_tiles(), e.width::<T>());
    if e.queries == 0 || units == 0 {
        return Ok(());
    }
    let [q, k, v] = [q, k, v].map(|x| Matrices::<T>::of(x, &e.lead));
    let masks = Masks::<T>::of(mask, &e.lead);
    let logs = (logarithms.count() > 0).then(|| Shared(logarithms.ptr().cast::<T>()));
    let y = Shared(y.ptr().cast::<T>());
    let turned = Turned::new(e, e.depth, scratch.as_mut_ptr().cast::<T>());
    let room = Room::of::<T>(e);
    let free = Shared(turned.at.0.wrapping_add(Turned::<T>::numbers(e, e.depth)));

    let threads = ranges.threads(e.work().saturating_mul(units * steps)).min(PARTS);
    // Units that do not come out even are shared, and keys transposed first.
    let whole = threads == 1 || units % threads == 0 || units >= 4 * threads;
    let shares = Shares { units, steps, slots: threads.min(if whole { units } else { steps }), whole };
    if !whole && e.turned() {
        let tiles = Shares { units, steps: e.key_tiles(), slots: threads.min(units), whole: true };
        // SAFETY: each tile is written once.
        tiles.each(ranges, KEYS * e.depth, &|_, unit, j| unsafe { turned.write(e, &k, unit, j) })?;
    }
    shares.each(ranges, e.work(), &|slot, unit, i| {
        let (rows, query) = (e.rows(i), i * QUERIES);
        // SAFETY: parts of the arrays, and scratch that no other thread has.
        unsafe {
            if whole && i == 0 && e.turned() {
                (0..e.key_tiles()).for_each(|j| turned.write(e, &k, unit, j));
            }
            let scores = free.at(slot * room.all);
            let (largest, sum) = (scores.add(room.tile), scores.add(room.tile + QUERIES));
            let free = sum.add(QUERIES);
            let results = y.at((unit * e.queries + query) * e.values);
            for r in 0..rows {
                (*largest.add(r), *sum.add(r)) = (T::literal(f64::NEG_INFINITY), T::literal(0.0));
            }
            if e.seen(i) == 0 {
                std::slice::from_raw_parts_mut(results, rows * e.values).fill(T::literal(0.0));
            }
            let mask = masks.unit(e, unit);
            for j in 0..e.seen(i).div_ceil(KEYS) {
                let (keys, key) = (e.columns(i, j), j * KEYS);
                product(
                    [rows, keys, e.depth],
                    q.operand(e, unit, query, false),
                    turned.operand(e, &k, unit, j),
                    (scores, width),
                    false,
                    free,
                );
                let tile = Tile { scores, width, rows, keys, query, key, causal: e.causal, mask };
                compiled(isa(), &Exponentials { tile, largest, sum, results, values: e.values });
                let weights = Strided { at: scores.cast_const(), across: width as isize, depth: 1 };
                product([rows, e.values, keys], weights, v.operand(e, unit, key, true), (results, e.values), j > 0, free);
            }
            let logarithms = logs.map(|l| l.at(unit * e.queries + query));
            compiled(isa(), &Quotients { rows, largest, sum, results, values: e.values, logarithms });
        }
    })
}
