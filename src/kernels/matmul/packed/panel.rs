//! Panels: the order in which micro-kernels read an operand, and where they come from.

use std::ops::Range;

use super::Scalar;
use super::micro::Machine;
use super::vector::Vector;
use crate::kernels::isa::Isa;

/// An operand in memory, with any steps. `across` counts the rows of the left one, and the columns of the right one; `depth` counts what is
/// summed over.
#[derive(Debug)]
pub struct Strided<T> {
    pub at: *const T,
    pub across: isize,
    pub depth: isize,
}

impl<T> Clone for Strided<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Strided<T> {}

impl<T> Strided<T> {
    pub(super) fn element(&self, depth: usize, across: usize) -> *const T {
        let to = (depth as isize).wrapping_mul(self.depth).wrapping_add((across as isize).wrapping_mul(self.across));
        self.at.wrapping_offset(to)
    }
}

impl<T: Scalar> Strided<T> {
    /// Writes panels, one behind the other. A panel has `width` across-indices; for each place of the depth they lie in a row. In the
    /// last panel, what lies beyond the range is written too: any numbers do.
    ///
    /// # Safety
    /// The ranges lie in the operand, and are not empty; the machine has the instructions; `dst` has room for
    /// `across.len()`, rounded up to panels, times `depth.len()` numbers.
    pub unsafe fn pack(&self, isa: Isa, depth: Range<usize>, across: Range<usize>, width: usize, dst: *mut T) {
        let from = Strided { at: self.element(depth.start, across.start), ..*self };
        let (depth, across) = (depth.len(), across.len());
        // SAFETY: by the contract.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512::<<T::Avx512 as Machine>::V>(from, depth, across, width, dst),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2::<<T::Avx2 as Machine>::V>(from, depth, across, width, dst),
                _ => panels::<<T::Base as Machine>::V>(from, depth, across, width, dst),
            }
        }
    }
}

/// # Safety
/// As [`Strided::pack`], as for those below.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<V: Vector>(from: Strided<V::T>, depth: usize, across: usize, width: usize, dst: *mut V::T) {
    // SAFETY: passed on.
    unsafe { panels::<V>(from, depth, across, width, dst) }
}
/// # Safety
/// As [`Strided::pack`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<V: Vector>(from: Strided<V::T>, depth: usize, across: usize, width: usize, dst: *mut V::T) {
    // SAFETY: passed on.
    unsafe { panels::<V>(from, depth, across, width, dst) }
}

/// Panels that are written side by side, where what is read lies side by side.
const SIDE: usize = 8;

#[inline(always)]
unsafe fn panels<V: Vector>(from: Strided<V::T>, depth: usize, across: usize, width: usize, dst: *mut V::T) {
    let step = if from.across == 1 { width.wrapping_mul(SIDE) } else { width };
    let (mut i, mut dst) = (0usize, dst);
    while i < across {
        let (from, count) = (Strided { at: from.element(0, i), ..from }, step.min(across.wrapping_sub(i)));
        // SAFETY: panels of the contract.
        unsafe {
            if from.across == 1 {
                rows::<V>(from, depth, count, width, dst);
            } else if from.depth == 1 {
                lines::<V>(from, depth, count, width, dst);
            } else {
                numbers(from, depth, count, width, dst);
            }
        }
        i = i.wrapping_add(step);
        dst = dst.wrapping_add(step.wrapping_mul(depth));
    }
}

/// Panels whose across-indices follow each other in memory.
#[inline(always)]
unsafe fn rows<V: Vector>(from: Strided<V::T>, depth: usize, count: usize, width: usize, dst: *mut V::T) {
    let (mut row, mut dst) = (from.at, dst);
    let next = width.wrapping_mul(depth);
    for _ in 0..depth {
        let (mut at, mut to, mut left) = (row, dst, count);
        // SAFETY: `count` numbers of the operand, `width` of each panel.
        unsafe {
            while left >= width {
                part::<V>(at, to, width);
                (at, to, left) = (at.wrapping_add(width), to.wrapping_add(next), left.wrapping_sub(width));
            }
            if left > 0 {
                part::<V>(at, to, left);
                for i in left..width {
                    *to.wrapping_add(i) = V::T::ZERO;
                }
            }
        }
        row = row.wrapping_offset(from.depth);
        dst = dst.wrapping_add(width);
    }
}

/// Copies `count` numbers.
#[inline(always)]
unsafe fn part<V: Vector>(at: *const V::T, to: *mut V::T, count: usize) {
    let mut i = 0usize;
    // SAFETY: by the contract.
    unsafe {
        while i.wrapping_add(V::LANES) <= count {
            V::load(at.wrapping_add(i)).store(to.wrapping_add(i));
            i = i.wrapping_add(V::LANES);
        }
        if i < count {
            let rest = count.wrapping_sub(i);
            V::load_part(at.wrapping_add(i), rest).store_part(to.wrapping_add(i), rest);
        }
    }
}

/// A panel whose places along the depth follow each other in memory: squares are transposed in registers.
#[inline(always)]
unsafe fn lines<V: Vector>(from: Strided<V::T>, depth: usize, count: usize, width: usize, dst: *mut V::T) {
    let mut i = 0usize;
    while i < width {
        let last = count.wrapping_sub(1);
        let at: [_; 16] = std::array::from_fn(|r| from.element(0, i.wrapping_add(r).min(last)));
        let (room, dst) = (width.wrapping_sub(i), dst.wrapping_add(i));
        let mut d = 0usize;
        while d < depth {
            let (rest, to) = (depth.wrapping_sub(d), dst.wrapping_add(d.wrapping_mul(width)));
            let row = |r: usize| at[r % 16].wrapping_add(d);
            // SAFETY: rows of the operand, the last one repeated; `room` numbers of the panel.
            unsafe {
                let put = |c: usize, x: V| {
                    let to = to.wrapping_add(c.wrapping_mul(width));
                    if room >= V::LANES { x.store(to) } else { x.store_part(to, room) }
                };
                if rest >= V::LANES {
                    V::columns(row, put);
                } else {
                    V::columns_part(row, rest, put);
                }
            }
            d = d.wrapping_add(V::LANES);
        }
        i = i.wrapping_add(V::LANES);
    }
}

/// A panel, number by number.
unsafe fn numbers<T: Scalar>(from: Strided<T>, depth: usize, count: usize, width: usize, dst: *mut T) {
    for i in 0..width {
        let (mut at, mut to) = (from.element(0, i), dst.wrapping_add(i));
        for _ in 0..depth {
            // SAFETY: a number of the operand, where there is one; one of the panel.
            unsafe { *to = if i < count { *at } else { T::ZERO } };
            at = at.wrapping_offset(from.depth);
            to = to.wrapping_add(width);
        }
    }
}
