//! Sorted lines along an axis, their permutations, and the first of them.
//!
//! Elements are sorted by integer keys: by digits of eight bits, or by comparisons where there are few. NaN stands behind all numbers, the
//! zeros are equal, and equals stay in order: there is one result.

use std::cell::Cell;

use super::lines::{Lanes, Lines, Offsets};
use super::ranges::Ranges;
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

mod key;
mod radix;
mod top;

use key::Key;
pub use key::Sorted;
use radix::{Halves, SHORT, by_number, runs};
pub use top::{top, top_bytes};

/// The longest line of which positions are sorted.
pub const LONGEST: usize = u32::MAX as usize;

/// Lines side by side that are read, and written, together.
const WIDTH: usize = 16;

/// Bytes of scratch that [`sort`] needs.
pub fn sort_bytes(dims: &[usize], axis: usize, dtype: DType) -> usize {
    line_bytes(dims, axis, dtype.size().max(4))
}

/// Bytes of scratch that [`argsort`] needs.
pub fn argsort_bytes(dims: &[usize], axis: usize) -> usize {
    line_bytes(dims, axis, 8)
}

/// Bytes for lines that are sorted as items of `size` bytes, and for one more.
fn line_bytes(dims: &[usize], axis: usize, size: usize) -> usize {
    let n = dims.get(axis).copied().unwrap_or(0);
    n.saturating_mul(size).saturating_mul(abreast(dims, axis) + 1)
}

/// The most lines that are read together.
fn abreast(dims: &[usize], axis: usize) -> usize {
    let others = dims.iter().enumerate().filter(|(i, _)| *i != axis);
    others.fold(1usize, |all, (_, &n)| all.saturating_mul(n)).clamp(1, WIDTH)
}

/// The elements of `x` along `axis` in ascending order. `dst` is C-contiguous, of the lengths and dtype of `x`; `scratch` has [`sort_bytes`].
pub fn sort(ranges: &Ranges<'_>, x: View<'_>, axis: usize, scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!((x.dims(), x.dtype()), (dst.dims(), dst.dtype()));
    debug_assert!(scratch.len() >= sort_bytes(x.dims(), axis, x.dtype()));
    if x.count() == 0 {
        return Ok(());
    }
    crate::dispatch!(x.dtype(), T => sort_as::<T>(ranges, x, axis, scratch, dst))
}

fn sort_as<T: Sorted>(ranges: &Ranges<'_>, x: View<'_>, axis: usize, scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    let source = Input::<T>::new(x, dst.strides(), axis);
    let halves = source.halves(ranges, x)?;
    let (d, n, lost) = (dst.ptr().cast::<T>(), source.lines.along.n, Cell::new(false));
    let load = |value: T, _| {
        lost.set(lost.get() | value.lost());
        value.key()
    };
    // SAFETY: an offset of the destination.
    let store = |_, key: T::Key, at| unsafe { *d.offset(at) = T::of(key) };
    source.sorted(ranges, scratch, n, load, |_, keys, spare| by_key(ranges, keys, spare, halves), store)?;
    if !lost.get() {
        return Ok(());
    }
    // Elements of one key, in the order in which they stand in `x`.
    source.lines.each(1, |p, _| {
        for key in [T::default().key(), T::Key::LAST] {
            let mut at = 0;
            // SAFETY: elements of a line; as many of them have a key up to this one as have places.
            unsafe {
                ranges.each(n, 1, |r| {
                    at += r.filter(|&k| source.at(p, k).key() < key).count();
                    Ok(())
                })?;
                ranges.each(n, 1, |r| {
                    for value in r.map(|k| source.at(p, k)).filter(|v| v.key() == key) {
                        *d.offset(p.along(&source.lines.along, at).out) = value;
                        at += 1;
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    })
}

/// Keys in ascending order, and the other one of the two slices.
fn by_key<'a, K: Key>(ranges: &Ranges<'_>, keys: &'a mut [K], spare: &'a mut [K], halves: Halves) -> Result<(&'a mut [K], &'a mut [K])> {
    if keys.len() <= SHORT {
        keys.sort_unstable();
        ranges.did(8 * keys.len())?;
        return Ok((keys, spare));
    }
    let upper = |k: K| halves.upper(k.word());
    let (keys, spare) = by_number(ranges, keys, spare, upper)?;
    if halves.more {
        runs(ranges, keys, upper, |run| match run.len() {
            ..=SHORT => {
                run.sort_unstable();
                Ok(())
            }
            n => by_number_here(ranges, run, &mut spare[..n], |k: K| halves.lower(k.word())),
        })?;
    }
    Ok((keys, spare))
}

/// [`by_number`] with the result in `items`.
fn by_number_here<E: Copy>(ranges: &Ranges<'_>, items: &mut [E], spare: &mut [E], number: impl Fn(E) -> u32) -> Result<()> {
    let home = items.as_ptr();
    let (done, other) = by_number(ranges, items, spare, number)?;
    if done.as_ptr() != home {
        other.copy_from_slice(done);
    }
    Ok(())
}

/// The positions along `axis` of the elements of `x` in ascending order, as `int64`. `dst` is C-contiguous, of the lengths of `x`, at most
/// [`LONGEST`] along the axis; `scratch` has [`argsort_bytes`].
pub fn argsort(ranges: &Ranges<'_>, x: View<'_>, axis: usize, scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!((x.dims(), DType::I64), (dst.dims(), dst.dtype()));
    debug_assert!(scratch.len() >= argsort_bytes(x.dims(), axis));
    if x.count() == 0 {
        return Ok(());
    }
    let d = dst.ptr().cast::<i64>();
    crate::dispatch!(x.dtype(), T => {
        let source = Input::<T>::new(x, dst.strides(), axis);
        // SAFETY: an offset of the destination.
        let store = |_, item: u64, at| unsafe { *d.offset(at) = i64::from(item as u32) };
        source.permuted(ranges, x, Front { kept: x.dims()[axis], greatest: false, ordered: true }, scratch, store)
    })
}

/// Which part of a sorted line is asked for.
#[derive(Clone, Copy)]
struct Front {
    /// How many elements.
    kept: usize,
    /// The greatest ones.
    greatest: bool,
    /// In their order; else as they stand in the line.
    ordered: bool,
}

/// The lines of an array.
struct Input<T> {
    x: *const T,
    lines: Lines<1>,
}

impl<T: Sorted> Input<T> {
    fn new(x: View<'_>, outs: &[isize], axis: usize) -> Input<T> {
        Input { x: x.ptr().cast(), lines: Lines::new(x.dims(), [x.strides()], outs, axis, false) }
    }

    /// Element `k` of the line at `p`.
    ///
    /// # Safety
    /// It is there.
    #[inline(always)]
    unsafe fn at(&self, p: Offsets<1>, k: usize) -> T {
        // SAFETY: the contract.
        unsafe { *self.x.offset(p.x[0] + self.lines.along.step[0] * k as isize) }
    }

    /// How many lines are read together: those whose elements share cache lines.
    fn width(&self) -> usize {
        if self.lines.layout() == Lanes::Apart { 1 } else { WIDTH.min(self.lines.lanes.n) }
    }

    /// The bits by which the elements of `x` differ.
    fn halves(&self, ranges: &Ranges<'_>, x: View<'_>) -> Result<Halves> {
        if size_of::<T::Key>() == 4 {
            return Ok(Halves::new(u64::MAX << 32));
        }
        // SAFETY: offsets of the view, which is not empty.
        let word = |at| unsafe { (*self.x.offset(at)).key().word() };
        let (first, mut vary) = (word(0), 0);
        ranges.walk(x.dims(), [x.strides()], 1, |[at]| {
            vary |= word(at) ^ first;
            Ok(())
        })?;
        Ok(Halves::new(vary))
    }

    /// Sorts lines as items: loads a few lines side by side, sorts each, stores the first items. `order` is given the place of a line, its
    /// items and as many to spare, and gives back where they are in order, and the other slice.
    fn sorted<E: Copy>(
        &self,
        ranges: &Ranges<'_>,
        scratch: &mut [u8],
        kept: usize,
        load: impl Fn(T, usize) -> E,
        order: impl for<'a> Fn(Offsets<1>, &'a mut [E], &'a mut [E]) -> Result<(&'a mut [E], &'a mut [E])>,
        store: impl Fn(Offsets<1>, E, isize),
    ) -> Result<()> {
        let (n, lanes, width) = (self.lines.along.n, &self.lines.lanes, self.width());
        // SAFETY: items are integers, which any bytes are.
        let (_, items, _) = unsafe { scratch.align_to_mut::<E>() };
        let (items, spare) = items.split_at_mut(n * width);
        self.lines.each(width, |p, some| {
            ranges.each(n, 2 * some, |r| {
                for k in r {
                    for j in 0..some {
                        // SAFETY: an element of a line.
                        items[j * n + k] = load(unsafe { self.at(p.along(lanes, j), k) }, k);
                    }
                }
                Ok(())
            })?;
            for (j, line) in items.chunks_exact_mut(n).take(some).enumerate() {
                let home = line.as_ptr();
                let (done, other) = order(p.along(lanes, j), line, &mut spare[..n])?;
                if done.as_ptr() != home {
                    other.copy_from_slice(done);
                }
            }
            ranges.each(kept, some, |r| {
                for k in r {
                    for j in 0..some {
                        let p = p.along(lanes, j);
                        store(p, items[j * n + k], p.along(&self.lines.along, k).out);
                    }
                }
                Ok(())
            })
        })
    }

    /// Sorts positions, of which an item's lower half is one.
    fn permuted(
        &self,
        ranges: &Ranges<'_>,
        x: View<'_>,
        front: Front,
        scratch: &mut [u8],
        store: impl Fn(Offsets<1>, u64, isize),
    ) -> Result<()> {
        let halves = self.halves(ranges, x)?;
        let word = |value: T| if front.greatest { value.key().flipped().word() } else { value.key().word() };
        let upper = |item: u64| (item >> 32) as u32;
        let load = |value, k| u64::from(halves.upper(word(value))) << 32 | k as u64;
        self.sorted(
            ranges,
            scratch,
            front.kept,
            load,
            |p, items, spare| {
                let (items, spare) = by_item(ranges, items, spare)?;
                if halves.more {
                    // SAFETY: an element of the line.
                    let lower = |item: u64| halves.lower(word(unsafe { self.at(p, item as u32 as usize) }));
                    runs(ranges, items, upper, |run| match run.len() {
                        ..=SHORT => {
                            run.sort_unstable_by_key(|&item| (lower(item), item as u32));
                            Ok(())
                        }
                        n => {
                            ranges.each(n, 2, |r| {
                                run[r].iter_mut().for_each(|item| *item = u64::from(lower(*item)) << 32 | *item & LOW);
                                Ok(())
                            })?;
                            by_number_here(ranges, run, &mut spare[..n], upper)
                        }
                    })?;
                }
                if !front.ordered {
                    by_number_here(ranges, &mut items[..front.kept], &mut spare[..front.kept], |item| item as u32)?;
                }
                Ok((items, spare))
            },
            store,
        )
    }
}

/// The lower half of an item.
const LOW: u64 = u32::MAX as u64;

/// Items in ascending order of their upper halves, and the other one of the two slices.
fn by_item<'a>(ranges: &Ranges<'_>, items: &'a mut [u64], spare: &'a mut [u64]) -> Result<(&'a mut [u64], &'a mut [u64])> {
    if items.len() > SHORT {
        return by_number(ranges, items, spare, |item| (item >> 32) as u32);
    }
    items.sort_unstable();
    ranges.did(8 * items.len())?;
    Ok((items, spare))
}

#[cfg(test)]
mod tests;
