//! Products of floats with few elements, each of which is summed along an axis that lies in memory in both operands.
//!
//! An element is summed in blocks of [`BLOCK`] products: the lanes of 64 bytes apart, which are then added in halves. The sums of the
//! blocks are added up in order; where it is the only element, those of a [`RUN`] of blocks first, so that threads can share it. AVX2
//! and AVX-512 agree.

#![allow(clippy::needless_range_loop, reason = "rows and vectors are counted, whatever array holds them")]

use super::packed::Scalar;
use super::packed::micro::Machine;
use super::packed::vector::Vector;
use super::{Arrays, Engine, FAST, Looped, Product, Real, Row};
use crate::error::Result;
use crate::kernels::isa::{Isa, isa};
use crate::kernels::ranges::Ranges;

/// Products of a block. Longer ones would round worse, and shorter ones be added up too often.
const BLOCK: usize = 1024;

/// Elements, or blocks of one, that are summed before their lanes are added.
const GROUP: usize = 16;
/// Products of a run.
const RUN: usize = GROUP * BLOCK;
/// Rows and columns of a group, where there are both.
const SIDE: usize = 4;
/// The most numbers of 64 bytes.
const LANES: usize = 16;

/// The lanes of a group.
type Lanes<T> = [T; GROUP * LANES];

/// C vectors from `d` places on, of which `rest` numbers can be read: those beyond are 0.
#[inline(always)]
unsafe fn load<V: Vector, const C: usize>(at: *const V::T, d: usize, rest: usize) -> [V; C] {
    // SAFETY: by the contract.
    unsafe {
        let mut x = [V::zero(); C];
        for c in 0..C {
            let from = c.wrapping_mul(V::LANES);
            let at = at.wrapping_add(d).wrapping_add(from);
            if rest >= from.wrapping_add(V::LANES) {
                x[c] = V::load(at);
            } else if rest > from {
                x[c] = V::load_part(at, rest.wrapping_sub(from));
            }
        }
        x
    }
}

/// The lanes of R rows by S columns, each of which starts at a pointer: those of row r and column s are at `r along + s` of `to`. In
/// `pairs`, the lanes of R rows by one column each.
#[inline(always)]
unsafe fn sums<V: Vector, const C: usize, const R: usize, const S: usize>(
    x: [*const V::T; R],
    y: [*const V::T; S],
    pairs: bool,
    depth: usize,
    to: *mut V::T,
    along: usize,
) {
    // SAFETY: `depth` numbers from each pointer on; room for the lanes.
    unsafe {
        let mut sums = [[[V::zero(); C]; S]; R];
        let step = C.wrapping_mul(V::LANES);
        let mut d = 0usize;
        while d < depth {
            let rest = depth.wrapping_sub(d);
            // Two bodies: the one for whole vectors has no conditions.
            if rest >= step {
                onto::<V, C, R, S>(&mut sums, x, y, pairs, d, step);
            } else {
                onto::<V, C, R, S>(&mut sums, x, y, pairs, d, rest);
            }
            d = d.wrapping_add(step);
        }
        for r in 0..R {
            for s in 0..S {
                if pairs && s > 0 {
                    break;
                }
                let v = &mut sums[r][s];
                let mut half = C / 2;
                while half > 0 {
                    for c in 0..half {
                        v[c] = v[c].plus(v[c.wrapping_add(half)]);
                    }
                    half /= 2;
                }
                v[0].store(to.wrapping_add(r.wrapping_mul(along).wrapping_add(s).wrapping_mul(V::LANES)));
            }
        }
    }
}

/// Adds the products of one step of the depth.
#[inline(always)]
unsafe fn onto<V: Vector, const C: usize, const R: usize, const S: usize>(
    sums: &mut [[[V; C]; S]; R],
    x: [*const V::T; R],
    y: [*const V::T; S],
    pairs: bool,
    d: usize,
    rest: usize,
) {
    // SAFETY: by the contract.
    unsafe {
        let mut right = [[V::zero(); C]; S];
        if !pairs {
            for s in 0..S {
                right[s] = load::<V, C>(y[s], d, rest);
            }
        }
        for r in 0..R {
            let left = load::<V, C>(x[r], d, rest);
            if pairs {
                right[0] = load::<V, C>(y[r % S], d, rest);
            }
            for s in 0..if pairs { 1 } else { S } {
                for c in 0..C {
                    sums[r][s][c] = left[c].times_plus(right[s][c], sums[r][s][c]);
                }
            }
        }
    }
}

/// The sums of the lanes of the first `count` of a group: in halves.
#[inline(always)]
unsafe fn added<V: Vector>(lanes: &Lanes<V::T>, count: usize) -> [V::T; GROUP] {
    let mut sums = [V::T::ZERO; GROUP];
    let mut g = 0usize;
    while g < count {
        let from = lanes.as_ptr().wrapping_add(g.wrapping_mul(V::LANES));
        // SAFETY: the lanes of as many elements as a vector has lanes, all of which lie in the group.
        unsafe {
            let mut x = [V::zero(); LANES];
            V::columns(|r| from.wrapping_add(r.wrapping_mul(V::LANES)), |c, v| x[c % LANES] = v);
            let mut half = V::LANES / 2;
            while half > 0 {
                for c in 0..half {
                    x[c] = x[c].plus(x[c.wrapping_add(half) % LANES]);
                }
                half /= 2;
            }
            x[0].store(sums.as_mut_ptr().wrapping_add(g));
        }
        g = g.wrapping_add(V::LANES);
    }
    sums
}

/// A block from `from` on of a group of elements from (i, j) on: of `SIDE` rows and columns, or, of a product with one column, of rows.
#[inline(always)]
unsafe fn group<V: Vector, const C: usize, const R: usize, const Q: usize, const S: usize>(
    p: &Product,
    [a, b]: [*const V::T; 2],
    d: *mut V::T,
    [i, j]: [usize; 2],
    from: usize,
) {
    let single = p.n == 1;
    let place = |at: usize, last: usize, step: isize| (at.min(last.wrapping_sub(1)) as isize).wrapping_mul(step);
    let mut lanes: Lanes<V::T> = [V::T::ZERO; GROUP * LANES];
    let to = lanes.as_mut_ptr();
    let count = if single { (p.m.wrapping_sub(i)).min(GROUP) } else { GROUP };
    let depth = BLOCK.min(p.k.wrapping_sub(from));
    let row = |r: usize| a.wrapping_offset(place(i.wrapping_add(r), p.m, p.a[0])).wrapping_add(from);
    let column = |c: usize| b.wrapping_offset(place(j.wrapping_add(c), p.n, p.b[1])).wrapping_add(from);
    // SAFETY: elements of the operands: rows and columns beyond the last one repeat it.
    unsafe {
        let mut r = 0usize;
        if single {
            while r < count {
                let x: [_; R] = std::array::from_fn(|k| row(r.wrapping_add(k)));
                sums::<V, C, R, 1>(x, [column(0)], false, depth, to.wrapping_add(r.wrapping_mul(V::LANES)), 1);
                r = r.wrapping_add(R);
            }
        } else {
            while r < SIDE {
                let mut c = 0usize;
                while c < SIDE {
                    let x: [_; Q] = std::array::from_fn(|k| row(r.wrapping_add(k)));
                    let y: [_; S] = std::array::from_fn(|k| column(c.wrapping_add(k)));
                    let at = r.wrapping_mul(SIDE).wrapping_add(c);
                    sums::<V, C, Q, S>(x, y, false, depth, to.wrapping_add(at.wrapping_mul(V::LANES)), SIDE);
                    c = c.wrapping_add(S);
                }
                r = r.wrapping_add(Q);
            }
        }
        let sums = added::<V>(&lanes, count);
        let ([rows, columns], add) = (if single { [GROUP, 1] } else { [SIDE, SIDE] }, p.add || from > 0);
        for r in 0..rows.min(p.m.wrapping_sub(i)) {
            for c in 0..columns.min(p.n.wrapping_sub(j)) {
                let at = |k: usize, step: isize| (k as isize).wrapping_mul(step);
                let to = d.wrapping_offset(at(i.wrapping_add(r), p.d[0])).wrapping_offset(at(j.wrapping_add(c), p.d[1]));
                let sum = *sums.as_ptr().wrapping_add(r.wrapping_mul(columns).wrapping_add(c));
                *to = if add { *to + sum } else { sum };
            }
        }
    }
}

/// A run of one element: G blocks of it at once.
#[inline(always)]
unsafe fn run<V: Vector, const C: usize, const G: usize>(k: usize, [a, b]: [*const V::T; 2]) -> V::T {
    let mut lanes: Lanes<V::T> = [V::T::ZERO; GROUP * LANES];
    let to = lanes.as_mut_ptr();
    let whole = k / BLOCK;
    let mut g = 0usize;
    // SAFETY: elements of the operands.
    unsafe {
        let start = |x: *const V::T, g: usize| x.wrapping_add(g.min(whole.wrapping_sub(1)).wrapping_mul(BLOCK));
        // Blocks beyond the last one repeat it, and count for nothing.
        while g.wrapping_add(1) < whole {
            let x: [_; G] = std::array::from_fn(|k| start(a, g.wrapping_add(k)));
            let y: [_; G] = std::array::from_fn(|k| start(b, g.wrapping_add(k)));
            sums::<V, C, G, G>(x, y, true, BLOCK, to.wrapping_add(g.wrapping_mul(V::LANES)), 1);
            g = g.wrapping_add(G);
        }
        g = g.min(whole);
        // A block alone, and what is less than one.
        while g.wrapping_mul(BLOCK) < k {
            let (at, length) = (g.wrapping_mul(BLOCK), BLOCK.min(k.wrapping_sub(g.wrapping_mul(BLOCK))));
            sums::<V, C, 1, 1>([a.wrapping_add(at)], [b.wrapping_add(at)], false, length, to.wrapping_add(g.wrapping_mul(V::LANES)), 1);
            g = g.wrapping_add(1);
        }
    }
    // SAFETY: the instructions of V.
    let sums = unsafe { added::<V>(&lanes, g) };
    let mut total = sums[0];
    for &sum in sums.iter().take(g).skip(1) {
        total = total + sum;
    }
    total
}

/// The runs of one element, one behind the other, each with its sum.
#[inline(always)]
unsafe fn element<V: Vector, const C: usize, const G: usize>(k: usize, [a, b]: [*const V::T; 2], mut put: impl FnMut(V::T)) {
    let mut from = 0usize;
    while from < k {
        // SAFETY: elements of the operands.
        put(unsafe { run::<V, C, G>(RUN.min(k.wrapping_sub(from)), [a.wrapping_add(from), b.wrapping_add(from)]) });
        from = from.wrapping_add(RUN);
    }
}

/// # Safety
/// As for one product, whose operands and result are `row.steps` apart.
#[inline(always)]
unsafe fn products<V: Vector, const C: usize, const R: usize, const Q: usize, const S: usize>(
    mut p: Product,
    row: Row,
    a: *const V::T,
    b: *const V::T,
    mut d: *mut V::T,
) {
    let (mut operands, mut steps) = ([a, b], [row.steps[0], row.steps[1]]);
    if p.m == 1 {
        let [a, b, d] = [p.a, p.b, p.d].map(|s| [s[1], s[0]]);
        p = Product { m: p.n, n: p.m, a: b, b: a, d, ..p };
        (operands, steps) = ([operands[1], operands[0]], [steps[1], steps[0]]);
    }
    // A matrix and a vector: each part of the matrix is read once, as it lies. Else the parts of both operands stay in the cache.
    let (side, length) = if p.n == 1 { ([GROUP, 1], p.k) } else { ([SIDE, SIDE], BLOCK) };
    let mut left = row.count;
    while left != 0 {
        // SAFETY: by the contract.
        unsafe {
            if p.m == 1 && p.n == 1 {
                let mut total = if p.add { Some(*d) } else { None };
                element::<V, C, Q>(p.k, operands, |sum| total = Some(total.map_or(sum, |t| t + sum)));
                *d = total.unwrap_or(V::T::ZERO);
            } else {
                let mut start = 0usize;
                while start < p.k {
                    let end = p.k.min(start.wrapping_add(length));
                    let mut i = 0usize;
                    while i < p.m {
                        let mut j = 0usize;
                        while j < p.n {
                            let mut from = start;
                            while from < end {
                                group::<V, C, R, Q, S>(&p, operands, d, [i, j], from);
                                from = from.wrapping_add(BLOCK);
                            }
                            j = j.wrapping_add(side[1]);
                        }
                        i = i.wrapping_add(side[0]);
                    }
                    start = end;
                }
            }
        }
        operands = [operands[0].wrapping_offset(steps[0]), operands[1].wrapping_offset(steps[1])];
        d = d.wrapping_offset(row.steps[2]);
        left = left.wrapping_sub(1);
    }
}

// As many sums as registers hold, and hide the latency of an addition.
/// # Safety
/// As [`products`], as for those below, whose instructions the machine must have.
unsafe fn base<V: Vector>(p: Product, row: Row, a: *const V::T, b: *const V::T, d: *mut V::T) {
    // SAFETY: passed on.
    unsafe { products::<V, 4, 2, 2, 1>(p, row, a, b, d) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<V: Vector>(p: Product, row: Row, a: *const V::T, b: *const V::T, d: *mut V::T) {
    // SAFETY: passed on.
    unsafe { products::<V, 2, 4, 2, 2>(p, row, a, b, d) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<V: Vector>(p: Product, row: Row, a: *const V::T, b: *const V::T, d: *mut V::T) {
    // SAFETY: passed on.
    unsafe { products::<V, 1, 8, 4, 4>(p, row, a, b, d) }
}

/// Products in a row, where `a[1] = b[0] = 1`.
#[derive(Clone, Copy)]
pub(super) struct Dots;

/// Runs between two questions whether to go on: some milliseconds.
const MANY: usize = 256;

impl<T: Real> Engine<T> for Dots {
    fn fast(&self) -> u32 {
        FAST
    }
    fn shared(&self, cost: usize) -> bool {
        looped::<T>().shared(cost)
    }
    fn parts(&self, _: &Product) -> usize {
        usize::MAX
    }
    fn takes(&self, _: &Product) -> bool {
        true
    }
    unsafe fn row(&self, part: usize, p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
        // SAFETY: passed on.
        unsafe { looped::<T>().row(part, p, row, a, b, d) }
    }
    unsafe fn one(&self, ranges: &Ranges<'_>, p: Product, a: *const T, b: *const T, d: *mut T) -> Result<()> {
        if p.m > 1 || p.n > 1 || p.k <= RUN {
            // SAFETY: passed on.
            return unsafe { looped::<T>().one(ranges, p, a, b, d) };
        }
        // The sums of many runs, each by whichever thread, are added up in order.
        let mut total = None;
        for from in (0..p.k).step_by(MANY * RUN) {
            let k = (MANY * RUN).min(p.k - from);
            let (mut sums, runs) = ([<T as Scalar>::ZERO; MANY], k.div_ceil(RUN));
            let arrays = Arrays(a.wrapping_add(from), b.wrapping_add(from), sums.as_mut_ptr());
            let parts = ranges.threads(2 * k).min(runs);
            ranges.parts(parts, 2 * k, &|part| {
                let Arrays(a, b, sums) = *arrays.get();
                for r in runs * part / parts..runs * (part + 1) / parts {
                    let at = r * RUN;
                    let p = Product { k: RUN.min(k - at), ..p };
                    // SAFETY: a run of the operands, and a sum that no other thread has.
                    unsafe { looped::<T>().row(0, p, Row { count: 1, steps: [0; 3] }, a.add(at), b.add(at), sums.add(r)) };
                }
            })?;
            sums.iter().take(runs).for_each(|&sum| total = Some(total.map_or(sum, |t| t + sum)));
        }
        // SAFETY: the result.
        unsafe { *d = total.unwrap_or(<T as Scalar>::ZERO) };
        Ok(())
    }
}

fn looped<T: Real>() -> Looped<T> {
    Looped::new(
        match isa() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::<<T::Avx512 as Machine>::V>,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::<<T::Avx2 as Machine>::V>,
            _ => base::<<T::Base as Machine>::V>,
        },
        FAST,
    )
}
