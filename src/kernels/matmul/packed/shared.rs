//! Products that threads share: what stays in the cache is packed once, by all of them, and each takes a part of what goes by.

use std::ops::Range;

use super::cut::{self, Block, Blocks, Call, aligned};
use super::micro::Kernels;
use super::{Isa, Lengths, Out, Scalar, Strided, block, multiply, thin, tiles};
use crate::error::Result;
use crate::kernels::matmul::{PANEL, RATE};
use crate::kernels::ranges::{GRAIN, Ranges};

/// Rows or columns of a part at least.
const PART: usize = 128;
/// Numbers of a block that one thread packs faster than all of them begin to.
const PACKED: usize = 1 << 14;

/// Numbers of scratch for [`multiply_shared`] in so many parts.
pub fn shared_scratch<T: Scalar>(lengths: Lengths, parts: usize) -> usize {
    let [stays, streams] = cut::bounds::<T>(lengths, block(lengths.k), parts);
    if thin(lengths) { parts * (stays + streams) } else { stays + parts * streams }
}

/// Numbers of scratch for [`multiply`], of this product and of all that have fewer rows or columns.
pub fn part_scratch<T: Scalar>(lengths: Lengths) -> usize {
    cut::bounds::<T>(lengths, block(lengths.k), 1).into_iter().sum()
}

/// In how many parts threads may take a product.
pub fn parts(lengths: Lengths) -> usize {
    (lengths.m.max(lengths.n) / PART).max(1)
}

/// True for products with so few rows or columns that nothing is shared.
fn thin(Lengths { m, n, .. }: Lengths) -> bool {
    m.min(n) <= thin::ROWS
}

/// What threads may see of each other's: they write to parts of their own.
struct Across<T>(T);

impl<T> Across<T> {
    fn get(&self) -> &T {
        &self.0
    }
}

// SAFETY: operands are only read, and no element of the result or of the scratch is written by two threads.
unsafe impl<T> Sync for Across<T> {}

/// `out = a b` in so many parts, whose number changes no bit.
///
/// # Safety
/// As [`multiply`], with scratch as [`shared_scratch`] says.
pub unsafe fn multiply_shared<T: Scalar>(
    ranges: &Ranges<'_>,
    isa: Isa,
    lengths: Lengths,
    [a, b]: [Strided<T>; 2],
    out: Out<T>,
    scratch: *mut T,
    parts: usize,
) -> Result<()> {
    let Lengths { m, n, k } = lengths;
    // What few rows or columns are waited for is the memory of the other operand.
    let moved = m.saturating_add(n).saturating_mul(k);
    let work = moved.max(m.saturating_mul(n).saturating_mul(k) / RATE);
    if k == 0 || (parts == 1 && work <= PANEL / RATE) {
        // SAFETY: by the contract.
        unsafe { multiply(isa, lengths, [a, b], out, false, scratch) };
        return ranges.did(work);
    }
    let call = Call { isa, lengths, block: block(k), a, b, out, add: false, scratch };
    // SAFETY: by the contract.
    unsafe { if thin(lengths) { pieces(ranges, call, parts) } else { sweeps(ranges, call, parts) } }
}

/// Parts of equal lengths of `0..length`, in whole units.
fn cut_into(parts: usize, length: usize, unit: usize) -> impl Fn(usize) -> Range<usize> {
    let units = length.div_ceil(unit);
    move |part| (units * part / parts * unit).min(length)..(units * (part + 1) / parts * unit).min(length)
}

/// Pieces of the longer axis, each a product of its own; of a very long depth, some blocks after the others.
///
/// # Safety
/// As [`multiply_shared`].
unsafe fn pieces<T: Scalar>(ranges: &Ranges<'_>, call: Call<T>, parts: usize) -> Result<()> {
    let Lengths { m, n, k } = call.lengths;
    let (length, room) = (m.max(n), cut::bounds::<T>(call.lengths, call.block, parts).into_iter().sum::<usize>());
    let deep = (PANEL / RATE / GRAIN / call.block).max(1) * call.block;
    let long = (PANEL / RATE / deep.min(k)).max(GRAIN * parts) / GRAIN * GRAIN;
    let all = Across(call);
    for start in (0..length).step_by(long) {
        let here = long.min(length - start);
        for from in (0..k).step_by(deep) {
            let depth = deep.min(k - from);
            let part = cut_into(parts, here, GRAIN);
            ranges.parts(parts, here * depth, &|p| {
                let (call, part) = (*all.get(), part(p));
                let (at, scratch) = (start + part.start, call.scratch.wrapping_add(p * room));
                // SAFETY: a part of the product, and of the scratch.
                unsafe { multiply_part(Call { scratch, add: from > 0, ..call }, [at, part.len()], [from, depth]) };
            })?;
        }
    }
    Ok(())
}

/// Rows or columns of a product, whichever are more, and a part of its depth.
///
/// # Safety
/// They lie in the product.
unsafe fn multiply_part<T: Scalar>(call: Call<T>, [at, length]: [usize; 2], [from, depth]: [usize; 2]) {
    let (Call { a, b, mut out, .. }, Lengths { m, n, .. }) = (call, call.lengths);
    let ([i, j], m, n) = if m >= n { ([at, 0], length, n) } else { ([0, at], m, length) };
    let (a, b) = (Strided { at: a.element(from, i), ..a }, Strided { at: b.element(from, j), ..b });
    out.at = cut::at(&out, i, j);
    // SAFETY: passed on.
    unsafe { super::run(Call { lengths: Lengths { m, n, k: depth }, a, b, out, ..call }) };
}

/// Block after block of what stays, each of which goes with all of what goes by.
///
/// # Safety
/// As [`multiply_shared`].
unsafe fn sweeps<T: Scalar>(ranges: &Ranges<'_>, call: Call<T>, parts: usize) -> Result<()> {
    let tiles = tiles::<T>(call.isa);
    let call = call.oriented(tiles);
    let all = Blocks::new(&call, tiles);
    let [[outer, step], [inner, _]] = all.axes();
    let (k, plan) = (call.lengths.k, all.plan);
    let [units, unit] = if plan.wide { [plan.height, plan.width] } else { [plan.width, plan.height] };
    let [stays, streams] = cut::bounds::<T>(call.lengths, call.block, parts);
    let (kept_at, free) = (aligned(call.scratch), Across(call.scratch.wrapping_add(stays)));
    let all = Across(all);
    for o in (0..outer).step_by(step) {
        for d in (0..k).step_by(plan.depth) {
            let kept = all.get().block(true, o..outer.min(o + step), d..k.min(d + plan.depth), tiles.lanes, kept_at);
            let packed = kept.packed..kept.length;
            let many = if packed.len() * kept.depth <= PACKED { 1 } else { parts };
            let part = cut_into(many, packed.len(), units);
            let own = Across(kept);
            ranges.parts(many, packed.len() * kept.depth, &|p| {
                let (kept, part) = (own.get(), part(p));
                // SAFETY: panels of its own.
                unsafe { all.get().pack(true, kept, packed.start + part.start..packed.start + part.end) };
            })?;
            let long = (PANEL / (kept.length * kept.depth)).max(unit * parts).next_multiple_of(unit);
            for start in (0..inner).step_by(long) {
                let here = long.min(inner - start);
                let part = cut_into(parts, here, unit);
                ranges.parts(parts, kept.length * kept.depth * here / RATE, &|p| {
                    let (kept, part, to) = (*own.get(), part(p), aligned(free.get().wrapping_add(p * streams)));
                    // SAFETY: a part of the product, and of the scratch.
                    unsafe { sweep(all.get(), kept, start + part.start..start + part.end, to) };
                })?;
            }
        }
    }
    Ok(())
}

/// # Safety
/// As [`Blocks::sweep`].
unsafe fn sweep<T: Scalar>(all: &Blocks<'_, T>, kept: Block<T>, across: Range<usize>, to: *mut T) {
    // SAFETY: passed on.
    unsafe {
        match all.call.isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512(all, kept, across, to),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2(all, kept, across, to),
            _ => all.sweep::<<T as Kernels>::Base>(kept, across, to),
        }
    }
}

/// # Safety
/// As [`Blocks::sweep`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<T: Scalar>(all: &Blocks<'_, T>, kept: Block<T>, across: Range<usize>, to: *mut T) {
    // SAFETY: passed on.
    unsafe { all.sweep::<<T as Kernels>::Avx512>(kept, across, to) }
}
/// # Safety
/// As [`Blocks::sweep`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Scalar>(all: &Blocks<'_, T>, kept: Block<T>, across: Range<usize>, to: *mut T) {
    // SAFETY: passed on.
    unsafe { all.sweep::<<T as Kernels>::Avx2>(kept, across, to) }
}
