//! What is done at places: elements are read, or other elements added.
//!
//! Places were checked before: nothing fails here. A place that is not there all the same is read as the last one, so that
//! memory is safe whatever an array of places holds.
//!
//! An array of places has as many axes as the whole that it is about. Off the axis a place means its own position; there the
//! whole may be longer. Places that are repeated by strides of 0 over the last axes are read once for all of them.

use std::ops::Range;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use super::{Index, by_index};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::add::Add;
use crate::kernels::movement::{copy, joined, rows, zero};
use crate::kernels::ranges::{RANGE, Ranges};
use crate::shape::{Dims, Strides, count};

/// Runs `$body` with `$T` set to an unsigned integer of a dtype's size: bits are moved, not values.
macro_rules! by_size {
    ($d:expr, $T:ident => $body:expr) => {
        match $d.size() {
            1 => {
                type $T = u8;
                $body
            }
            4 => {
                type $T = u32;
                $body
            }
            _ => {
                type $T = u64;
                $body
            }
        }
    };
}

pub(super) use by_size;

/// Where the elements of a whole and of what belongs to its places are.
pub(super) struct Pairs<'a, I> {
    /// Lengths of the axes, as few as possible.
    dims: Dims,
    indices: *const I,
    /// Strides of the places, of the whole without its axis, and of the part that has the shape of the places.
    steps: [Strides; 3],
    /// Length and stride of the whole's axis.
    n: usize,
    step: isize,
    ranges: &'a Ranges<'a>,
}

impl<'a, I: Index> Pairs<'a, I> {
    /// None if there is nothing to do.
    pub(super) fn new(
        ranges: &'a Ranges<'a>,
        places: View<'_>,
        (whole, steps): (&[usize], &[isize]),
        axis: usize,
        part: &[isize],
    ) -> Option<Pairs<'a, I>> {
        let (n, step) = (*whole.get(axis)?, *steps.get(axis)?);
        if n == 0 || count(places.dims()) == 0 {
            return None;
        }
        let mut still = Strides::from_slice(steps);
        still[axis] = 0;
        let (dims, steps) = joined(places.dims(), [places.strides(), &still, part]);
        Some(Pairs { dims, indices: places.ptr().cast(), steps, n, step, ranges })
    }

    /// Calls `f(to, from)` for each place, in C order: the element of the whole is `to` if `INTO`, and `from` else.
    ///
    /// # Safety
    /// The views that this was made of are alive, and those of `whole` and `part`, whose elements are `T`; `f` writes to none but
    /// `to`, and neither of the others overlaps it.
    #[inline(always)]
    pub(super) unsafe fn each<T: Copy, const INTO: bool>(&self, whole: *mut T, part: *mut T, f: impl Fn(&mut T, T) + Copy) -> Result<()> {
        let [places, still, parts] = &self.steps;
        // The last axes, over which places repeat.
        let repeated = places.iter().rev().take_while(|&&s| s == 0).count();
        let inner = self.dims.len() - repeated;
        if inner > 0 && repeated > 0 {
            // SAFETY: handed on.
            return unsafe { self.blocks::<T, INTO>(inner, whole, part, f) };
        }
        let last = |s: &Strides| s.last().copied().unwrap_or(0);
        let (a, b, c) = (last(places), last(still), last(parts));
        rows(&self.dims, [places, still, parts], |[i, w, p], len| {
            self.ranges.each(len, 1, |r| {
                let first = r.start as isize;
                // SAFETY: offsets of the views; a place is below the length of the axis.
                unsafe {
                    let (i, w, p) = (self.indices.offset(i + first * a), whole.offset(w + first * b), part.offset(p + first * c));
                    if (a, b, c, self.step) == (1, 0, 1, 1) {
                        row::<I, T, INTO>(r.len(), (i, 1), (w, 0, 1, self.n), (p, 1), f);
                    } else {
                        row::<I, T, INTO>(r.len(), (i, a), (w, b, self.step, self.n), (p, c), f);
                    }
                }
                Ok(())
            })
        })
    }

    /// [`Pairs::each`] for places that repeat over the axes from `inner` on.
    ///
    /// # Safety
    /// As [`Pairs::each`].
    #[inline(always)]
    unsafe fn blocks<T: Copy, const INTO: bool>(
        &self,
        inner: usize,
        whole: *mut T,
        part: *mut T,
        f: impl Fn(&mut T, T) + Copy,
    ) -> Result<()> {
        let [places, still, parts] = &self.steps;
        let (dims, block) = self.dims.split_at(inner);
        let cost = count(block);
        let step = |s: &Strides| s[inner - 1];
        let (a, b, c) = (step(places), step(still), step(parts));
        // Axes are joined where they can be: a block is most often one row.
        let flat = block.len() == 1 && (still[inner], parts[inner]) == (1, 1);
        let at = |s: &Strides| Strides::from_slice(&s[inner..]);
        let (bs, cs) = (at(still), at(parts));
        rows(dims, [&places[..inner], &still[..inner], &parts[..inner]], |[i, w, p], len| {
            let one = |k: isize| {
                // SAFETY: offsets of the views; a place is below the length of the axis.
                unsafe {
                    let place = (*self.indices.offset(i + k * a)).within(self.n);
                    let (w, p) = (whole.offset(w + k * b + place as isize * self.step), part.offset(p + k * c));
                    (w, p)
                }
            };
            if flat && cost < RANGE {
                return self.ranges.each(len, cost, |r| {
                    for k in r {
                        let (w, p) = one(k as isize);
                        // SAFETY: rows of the views, in one run each.
                        unsafe { run::<T, INTO>(w, p, cost, f) };
                    }
                    Ok(())
                });
            }
            for k in 0..len {
                let (w, p) = one(k as isize);
                let (b, c) = (bs.last().copied().unwrap_or(0), cs.last().copied().unwrap_or(0));
                rows(block, [&bs, &cs], |[x, y], n| {
                    self.ranges.each(n, 1, |r| {
                        let first = r.start as isize;
                        // SAFETY: offsets of the views.
                        unsafe {
                            let (w, p) = (w.offset(x + first * b), p.offset(y + first * c));
                            if (b, c) == (1, 1) {
                                run::<T, INTO>(w, p, r.len(), f);
                            } else {
                                (0..r.len() as isize).for_each(|i| pair::<T, INTO>(w.offset(i * b), p.offset(i * c), f));
                            }
                        }
                        Ok(())
                    })
                })?;
            }
            Ok(())
        })
    }
}

/// # Safety
/// Both point to an element, and are not the same.
#[inline(always)]
unsafe fn pair<T: Copy, const INTO: bool>(whole: *mut T, part: *mut T, f: impl Fn(&mut T, T)) {
    // SAFETY: by the contract.
    unsafe { if INTO { f(&mut *whole, *part) } else { f(&mut *part, *whole) } }
}

/// `f` on `n` pairs in a row.
///
/// # Safety
/// Both have so many elements, and do not overlap.
#[inline(always)]
unsafe fn run<T: Copy, const INTO: bool>(whole: *mut T, part: *mut T, n: usize, f: impl Fn(&mut T, T)) {
    let (to, from) = if INTO { (whole, part) } else { (part, whole) };
    // SAFETY: by the contract.
    let (to, from) = unsafe { (std::slice::from_raw_parts_mut(to, n), std::slice::from_raw_parts(from.cast_const(), n)) };
    // Pieces are read whole before they are written, so that they are moved by vectors whatever LLVM knows of the two.
    let (mut tos, mut froms) = (to.chunks_exact_mut(PIECE), from.chunks_exact(PIECE));
    for (d, s) in (&mut tos).zip(&mut froms) {
        let piece: [T; PIECE] = std::array::from_fn(|i| s[i]);
        d.iter_mut().zip(piece).for_each(|(d, s)| f(d, s));
    }
    tos.into_remainder().iter_mut().zip(froms.remainder()).for_each(|(d, s)| f(d, *s));
}

/// Elements that are moved at once.
const PIECE: usize = 8;

/// `f` on `n` pairs, each with a place of its own.
///
/// # Safety
/// The offsets of all places of an axis of the given stride and length, which is not 0, are inside the whole.
#[inline(always)]
unsafe fn row<I: Index, T: Copy, const INTO: bool>(
    len: usize,
    (i, a): (*const I, isize),
    (w, b, step, n): (*mut T, isize, isize, usize),
    (p, c): (*mut T, isize),
    f: impl Fn(&mut T, T),
) {
    for k in 0..len as isize {
        // SAFETY: by the contract.
        unsafe {
            let place = (*i.offset(k * a)).within(n) as isize;
            pair::<T, INTO>(w.offset(k * b + place * step), p.offset(k * c), &f);
        }
    }
}

/// `dst[.., j, ..] = x[.., places[.., j, ..], ..]`: `dst` (C-contiguous, the dtype of `x`) has the lengths of `places`.
pub fn gather_at(ranges: &Ranges<'_>, x: View<'_>, places: View<'_>, axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!((places.dims(), x.dtype()), (dst.dims(), dst.dtype()));
    let (base, dtype, strides) = (AtomicPtr::new(dst.ptr()), dst.dtype(), dst.strides());
    let part = |rows: Range<usize>| {
        let at = |strides: &[isize], size: usize| strides.first().map_or(0, |s| s * rows.start as isize * size as isize);
        let mut dims = Dims::from_slice(places.dims());
        let mut lengths = Dims::from_slice(x.dims());
        dims.iter_mut().take(1).for_each(|n| *n = rows.len());
        let (size, mut from) = (x.dtype().size(), x.ptr());
        // SAFETY: rows of the views; no other part has these of the destination.
        unsafe {
            if axis > 0 {
                lengths[0] -= rows.start;
                from = from.offset(at(x.strides(), size));
            }
            let x = View::from_raw(from, x.dtype(), &lengths, x.strides());
            let indices = places.ptr().offset(at(places.strides(), places.dtype().size()));
            let places = View::from_raw(indices, places.dtype(), &dims, places.strides());
            let to = base.load(Relaxed).offset(at(strides, size));
            gather_part(&Ranges::new(None), x, places, axis, &mut ViewMut::from_raw(to, dtype, &dims, strides))
        }
    };
    // Without a question nothing ends early.
    match ranges.shares(places.dims().first().copied().unwrap_or(1), dst.count(), &|rows| _ = part(rows)) {
        Some(done) => done,
        None => gather_part(ranges, x, places, axis, dst),
    }
}

fn gather_part(ranges: &Ranges<'_>, x: View<'_>, places: View<'_>, axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    by_index!(places.dtype(), I => match Pairs::<I>::new(ranges, places, (x.dims(), x.strides()), axis, dst.strides()) {
        // Of no elements there is none to choose.
        None => zero(ranges, dst),
        // SAFETY: the views are alive; the destination is no other's.
        Some(pairs) => by_size!(x.dtype(), T => unsafe {
            pairs.each::<T, false>(x.ptr().cast_mut().cast(), dst.ptr().cast(), |d, s| *d = s)
        }),
    })
}

/// `dst` is `base`, and then `dst[.., places[.., j, ..], ..] += g[.., j, ..]` in C order, for each pair of `places` and `g` in their
/// order: the bits depend on nothing else. `dst` is C-contiguous; one dtype but for the places, which have the lengths of their
/// `g`.
pub fn add_at(ranges: &Ranges<'_>, base: View<'_>, parts: &[View<'_>], axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    copy(ranges, base, dst)?;
    let (d, dims) = (dst.ptr(), Dims::from_slice(dst.dims()));
    for pair in parts.chunks_exact(2) {
        let [places, g] = pair else { continue };
        debug_assert_eq!((places.dims(), g.dtype()), (g.dims(), dst.dtype()));
        by_index!(places.dtype(), I => match Pairs::<I>::new(ranges, *places, (&dims, dst.strides()), axis, g.strides()) {
            None => Ok(()),
            // SAFETY: the views are alive; the destination is no other's.
            Some(pairs) => crate::dispatch!(g.dtype(), T => unsafe {
                pairs.each::<T, true>(d.cast(), g.ptr().cast_mut().cast(), |d, s| *d = d.add(s))
            }),
        })?;
    }
    Ok(())
}
