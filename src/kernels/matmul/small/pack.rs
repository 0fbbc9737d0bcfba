//! Columns of an operand brought together as rows.

use std::mem::MaybeUninit;

use super::{INNER, Product};
use crate::kernels::real::Float;
use crate::kernels::tile::{slice, slice_mut};

/// Room for C columns of [`INNER`] values, and for the same once more on the way there.
pub(super) struct Room<T, const C: usize> {
    rows: [[T; C]; INNER],
    halfway: [[T; C]; INNER],
}

/// `to[i] = [a[i], b[i]]`. LLVM makes vectors of this, and of the next one, because nothing overlaps.
#[inline(always)]
fn two<T: Copy>(to: &mut [MaybeUninit<[T; 2]>], a: &[T], b: &[T]) {
    for ((t, &a), &b) in to.iter_mut().zip(a).zip(b) {
        *t = MaybeUninit::new([a, b]);
    }
}

/// `to[i] = [a[i], b[i], c[i], d[i]]`
#[inline(always)]
fn four<T: Copy>(to: &mut [MaybeUninit<[T; 4]>], [a, b, c, d]: [&[T]; 4]) {
    for ((((t, &a), &b), &c), &d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *t = MaybeUninit::new([a, b, c, d]);
    }
}

/// The columns of `b` from `at` on, as rows of C values. Beyond the last column its values repeat. At most [`INNER`] places of the
/// inner axis.
///
/// # Safety
/// The lengths and strides stay inside `b`.
#[inline(always)]
pub(super) unsafe fn pack<T: Float, const C: usize>(p: &Product, b: *const T, at: usize, room: *mut Room<T, C>) -> *const T {
    let last = p.n.wrapping_sub(at).wrapping_sub(1);
    let mut columns = [b; C];
    for c in 0..C {
        let column = at.wrapping_add(if c < last { c } else { last });
        columns[c] = b.wrapping_offset((column as isize).wrapping_mul(p.b[1]));
    }
    // SAFETY: places in the room.
    let (rows, halfway) = unsafe { ((&raw mut (*room).rows).cast::<T>(), (&raw mut (*room).halfway).cast::<T>()) };
    if p.b[0] == 1 {
        // G groups of four columns, then the groups among each other.
        let groups = C / 4;
        for g in 0..groups {
            let to = if groups == 1 { rows } else { halfway.wrapping_add(g.wrapping_mul(4).wrapping_mul(p.k)) };
            let column = |c: usize| columns[g.wrapping_add(groups.wrapping_mul(c))];
            // SAFETY: `k` elements of each column; room for `k` rows of four values, which nothing else reads.
            unsafe { four(slice_mut(to.cast(), p.k), [column(0), column(1), column(2), column(3)].map(|x| slice(x, p.k))) };
        }
        let n = p.k.wrapping_mul(4);
        let group = |g: usize| halfway.wrapping_add(g.wrapping_mul(n));
        // SAFETY: as many values for each group, written above; room for `k` rows of C values.
        unsafe {
            match groups {
                2 => two(slice_mut(rows.cast(), n), slice(group(0), n), slice(group(1), n)),
                4 => four(slice_mut(rows.cast(), n), [group(0), group(1), group(2), group(3)].map(|x| slice(x, n))),
                _ => {}
            }
        }
        return rows;
    }
    let mut along = 0isize;
    for q in 0..p.k {
        let mut row = [T::literal(0.0); C];
        for c in 0..C {
            // SAFETY: an element of `b`.
            row[c] = unsafe { *columns[c].wrapping_offset(along) };
        }
        // SAFETY: there is room for the whole inner axis. An index would be a call where it is out of bounds.
        unsafe { *rows.cast::<[T; C]>().wrapping_add(q) = row };
        along = along.wrapping_add(p.b[0]);
    }
    rows
}
