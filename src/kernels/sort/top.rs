//! The first elements of sorted lines, without sorting the rest.

use std::ops::Range;

use super::key::{Key, Sorted};
use super::{Front, Input, WIDTH, abreast, argsort_bytes};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::lines::Offsets;
use crate::kernels::ranges::Ranges;

/// So many elements of a line are found by selection, at most.
const FEW: usize = 1 << 14;
/// Elements that are looked at together, for one that counts.
const BLOCK: usize = 64;

/// True if `k` of `n` elements are found by selection.
fn selected(n: usize, k: usize) -> bool {
    k <= FEW && k <= n / 4
}

/// Bytes of scratch that [`top`] needs.
pub fn top_bytes(dims: &[usize], axis: usize, k: usize) -> usize {
    if selected(dims.get(axis).copied().unwrap_or(0), k) {
        2 * k * size_of::<u128>() * abreast(dims, axis)
    } else {
        argsort_bytes(dims, axis)
    }
}

/// The `k` least, or `greatest`, elements of `x` along `axis`, and their positions as `int64`: in their order, or else as they stand in
/// `x`. NaN is greater than all numbers; of equals the first are taken. `values` (the dtype of `x`) and `index` are C-contiguous, and have
/// `k` elements along the axis in place of its length, which is [`LONGEST`](super::LONGEST) at most; `scratch` has [`top_bytes`].
#[allow(clippy::too_many_arguments, reason = "a kernel of two outputs and two modes")]
pub fn top(
    ranges: &Ranges<'_>,
    x: View<'_>,
    axis: usize,
    greatest: bool,
    ordered: bool,
    scratch: &mut [u8],
    values: &mut ViewMut<'_>,
    index: &mut ViewMut<'_>,
) -> Result<()> {
    debug_assert_eq!((values.dims(), values.dtype(), DType::I64), (index.dims(), x.dtype(), index.dtype()));
    let front = Front { kept: values.dims()[axis], greatest, ordered };
    debug_assert!(front.kept <= x.dims()[axis] && scratch.len() >= top_bytes(x.dims(), axis, front.kept));
    if values.count() == 0 {
        return Ok(());
    }
    let i = index.ptr().cast::<i64>();
    crate::dispatch!(x.dtype(), T => {
        let (source, v) = (Input::<T>::new(x, values.strides(), axis), values.ptr().cast::<T>());
        // SAFETY: an element of a line, and an offset of the outputs.
        let store = |p, k: usize, at| unsafe {
            *v.offset(at) = source.at(p, k);
            *i.offset(at) = k as i64;
        };
        if selected(x.dims()[axis], front.kept) {
            source.selected(ranges, front, scratch, store)
        } else {
            source.permuted(ranges, x, front, scratch, |p, item, at| store(p, item as u32 as usize, at))
        }
    })
}

/// The first elements of a line so far: keys, and positions in the lower halves.
struct Best<'a> {
    items: &'a mut [u128],
    len: usize,
    k: usize,
}

impl Best<'_> {
    /// Takes an element in. What the greatest of the first `k` is, if that is known anew.
    fn push(&mut self, word: u64, position: usize) -> Option<u64> {
        self.items[self.len] = u128::from(word) << 64 | position as u128;
        self.len += 1;
        if self.len < self.items.len() {
            return None;
        }
        let (_, last, _) = self.items.select_nth_unstable(self.k - 1);
        self.len = self.k;
        Some((*last >> 64) as u64)
    }

    /// The first `k`.
    fn first(&mut self, ordered: bool) -> &[u128] {
        let all = &mut self.items[..self.len];
        if self.len > self.k {
            all.select_nth_unstable(self.k - 1);
        }
        let first = &mut all[..self.k];
        if ordered {
            first.sort_unstable();
        } else {
            first.sort_unstable_by_key(|&item| item as u64);
        }
        first
    }
}

impl<T: Sorted> Input<T> {
    /// Finds the first `k` elements of each line by selection: elements that are not below the greatest of those found so far do not count.
    fn selected(&self, ranges: &Ranges<'_>, front: Front, scratch: &mut [u8], store: impl Fn(Offsets<1>, usize, isize)) -> Result<()> {
        let (n, k, width) = (self.lines.along.n, front.kept, self.width());
        // SAFETY: items are integers, which any bytes are.
        let (_, items, _) = unsafe { scratch.align_to_mut::<u128>() };
        self.lines.each(width, |p, some| {
            let mut items = items.chunks_exact_mut(2 * k);
            let mut best: [Best<'_>; WIDTH] = std::array::from_fn(|_| Best { items: items.next().unwrap_or_default(), len: 0, k });
            let mut limits = [None; WIDTH];
            ranges.each(n, some, |r| {
                for first in r.clone().step_by(BLOCK) {
                    let block = first..r.end.min(first + BLOCK);
                    for ((j, best), limit) in best[..some].iter_mut().enumerate().zip(&mut limits) {
                        let p = p.along(&self.lines.lanes, j);
                        // SAFETY: elements of a line.
                        unsafe {
                            match self.lines.along.step[0] {
                                1 => self.look(best, limit, p, block.clone(), 1, front.greatest),
                                step => self.look(best, limit, p, block.clone(), step, front.greatest),
                            }
                        }
                    }
                }
                Ok(())
            })?;
            for (j, best) in best[..some].iter_mut().enumerate() {
                let p = p.along(&self.lines.lanes, j);
                for (i, &item) in best.first(front.ordered).iter().enumerate() {
                    store(p, item as u64 as usize, p.along(&self.lines.along, i).out);
                }
                ranges.did(16 * k)?;
            }
            Ok(())
        })
    }

    /// Looks at elements of the line at `p`, `step` apart.
    ///
    /// # Safety
    /// They are there.
    #[inline(always)]
    unsafe fn look(
        &self,
        best: &mut Best<'_>,
        limit: &mut Option<T::Key>,
        p: Offsets<1>,
        block: Range<usize>,
        step: isize,
        greatest: bool,
    ) {
        let key = |k: usize| {
            // SAFETY: the contract.
            let key = unsafe { (*self.x.offset(p.x[0] + step * k as isize)).key() };
            if greatest { key.flipped() } else { key }
        };
        if let Some(limit) = *limit
            && !block.clone().fold(false, |any, k| any | (key(k) < limit))
        {
            return;
        }
        for k in block {
            let key = key(k);
            if limit.is_none_or(|limit| key < limit)
                && let Some(word) = best.push(key.word(), k)
            {
                *limit = Some(T::Key::of(word));
            }
        }
    }
}
