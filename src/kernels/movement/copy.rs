//! Strided copies: as few axes as possible, tiles where the fast axes differ, halves where there is more than a range.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use super::for_each;
use crate::array::{Array, View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::ranges::{GRAIN, RANGE, Ranges, halve};
use crate::shape::{Dims, Strides, c_strides, count, is_contiguous};

/// The axes of a copy with as few axes as possible: no axis of length 1, no two neighbours that are one run in both
/// views, every step in the destination positive.
struct Plan {
    dims: Dims,
    src: Strides,
    dst: Strides,
    /// Where the walk starts in the source and in the destination.
    start: (isize, isize),
}

impl Plan {
    fn new(dims: &[usize], src: &[isize], dst: &[isize]) -> Plan {
        let mut p = Plan { dims: Dims::new(), src: Strides::new(), dst: Strides::new(), start: (0, 0) };
        for ((&n, &(mut s)), &(mut d)) in dims.iter().zip(src).zip(dst) {
            if n == 1 {
                continue;
            }
            if d < 0 {
                // Both views are walked from the other end.
                p.start.0 += s * (n as isize - 1);
                p.start.1 += d * (n as isize - 1);
                (s, d) = (-s, -d);
            }
            match (p.dims.last_mut(), p.src.last_mut(), p.dst.last_mut()) {
                (Some(m), Some(ps), Some(pd)) if *ps == s * n as isize && *pd == d * n as isize => {
                    *m *= n;
                    (*ps, *pd) = (s, d);
                }
                _ => {
                    p.dims.push(n);
                    p.src.push(s);
                    p.dst.push(d);
                }
            }
        }
        p
    }

    /// How finely each axis may be cut: a run of either side stays long.
    fn grains(&self) -> Dims {
        let last = self.dims.len().saturating_sub(1);
        self.src.iter().enumerate().map(|(i, s)| if i == last || s.abs() == 1 { GRAIN } else { 1 }).collect()
    }

    /// The parts below and from `at` on along an axis.
    fn halves(self, axis: usize, at: usize) -> [Plan; 2] {
        let (s, d) = (self.src[axis] * at as isize, self.dst[axis] * at as isize);
        let with = |n: usize, start| {
            let mut dims = self.dims.clone();
            dims[axis] = n;
            Plan { dims, src: self.src.clone(), dst: self.dst.clone(), start }
        };
        let (a, b) = self.start;
        [with(at, (a, b)), with(self.dims[axis] - at, (a + s, b + d))]
    }

    /// Takes axis `i` out: its length, its step in the source, its step in the destination.
    fn take(&mut self, i: usize) -> (usize, isize, isize) {
        (self.dims.remove(i), self.src.remove(i), self.dst.remove(i))
    }
}

/// Elements in a row that are copied without a plan, which would take longer than they do.
const FEW: usize = 1024;

/// Copies `src` into `dst`: the same lengths and dtype, any strides. Every bit pattern is kept.
///
/// Contiguous runs move as blocks; a layout whose fast axis differs from the destination's goes through tiles, so
/// that each cache line of both is touched once.
pub fn copy(ranges: &Ranges<'_>, src: View<'_>, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(src.dims(), dst.dims());
    debug_assert_eq!(src.dtype(), dst.dtype());
    let n = src.count();
    if n == 0 {
        return Ok(());
    }
    if n <= FEW && src.is_contiguous() && is_contiguous(dst.dims(), dst.strides()) {
        // SAFETY: both have so many elements in a row, and nothing overlaps.
        unsafe { std::ptr::copy_nonoverlapping(src.ptr(), dst.ptr(), n * src.dtype().size()) };
        return ranges.did(n);
    }
    let (base, strides) = (AtomicPtr::new(dst.ptr()), dst.strides());
    let part = |to: &Ranges<'_>, rows: Range<usize>| {
        let at = |strides: &[isize]| strides.first().map_or(0, |s| s * rows.start as isize * src.dtype().size() as isize);
        let mut dims = Dims::from_slice(src.dims());
        dims.iter_mut().take(1).for_each(|n| *n = rows.len());
        // SAFETY: equal lengths; by the contract of the views all offsets are inside them and nothing overlaps.
        unsafe {
            let (from, into) = (src.ptr().offset(at(src.strides())), base.load(Relaxed).offset(at(strides)));
            copy_ranges(to, src.dtype(), from, into, &dims, src.strides(), strides)
        }
    };
    let rows = src.dims().first().copied().unwrap_or(1);
    // Without a question nothing ends early.
    let shared = ranges.shares(rows, n, &|rows| _ = part(&Ranges::new(None), rows));
    shared.unwrap_or_else(|| part(ranges, 0..rows))
}

impl Array {
    /// A copy of a view, in C order.
    pub fn copy_of(view: View<'_>) -> Result<Array> {
        // SAFETY: `copy` writes every element; the new block is not shared.
        unsafe {
            let a = Array::uninit(view.dtype(), view.dims())?;
            copy(&Ranges::new(None), view, &mut ViewMut::from_raw(a.ptr(), a.dtype(), a.shape(), &c_strides(a.shape())))?;
            Ok(a)
        }
    }
}

/// [`copy`] on pointers and one list of lengths, none of which is 0.
///
/// # Safety
/// The offsets that `dims` reaches are inside both allocations, which do not overlap; the source is initialised.
pub(in crate::kernels) unsafe fn copy_ranges(
    ranges: &Ranges<'_>,
    dtype: DType,
    s: *const u8,
    d: *mut u8,
    dims: &[usize],
    ss: &[isize],
    ds: &[isize],
) -> Result<()> {
    // SAFETY: passed on.
    unsafe { part(ranges, dtype, s, d, Plan::new(dims, ss, ds)) }
}

/// A part of a copy: halved until it is a range.
///
/// # Safety
/// As [`copy_ranges`].
unsafe fn part(ranges: &Ranges<'_>, dtype: DType, s: *const u8, d: *mut u8, plan: Plan) -> Result<()> {
    let n = count(&plan.dims);
    let at = if n > RANGE { halve(&plan.dims, &plan.grains()) } else { None };
    // SAFETY: both halves lie in the part.
    unsafe {
        match at {
            Some((axis, at)) => {
                let [first, second] = plan.halves(axis, at);
                part(ranges, dtype, s, d, first)?;
                part(ranges, dtype, s, d, second)
            }
            None => {
                run_as(dtype, s, d, plan);
                ranges.did(n)
            }
        }
    }
}

/// [`copy_ranges`] of few elements, without a question.
///
/// # Safety
/// As [`copy_ranges`].
pub(in crate::kernels) unsafe fn copy_raw(dtype: DType, s: *const u8, d: *mut u8, dims: &[usize], ss: &[isize], ds: &[isize]) {
    // SAFETY: passed on.
    unsafe { run_as(dtype, s, d, Plan::new(dims, ss, ds)) }
}

/// # Safety
/// As [`copy_ranges`], for the plan of its lengths and strides.
unsafe fn run_as(dtype: DType, s: *const u8, d: *mut u8, plan: Plan) {
    // SAFETY: passed on.
    unsafe {
        match dtype.size() {
            1 => run::<u8, 16>(s.cast(), d.cast(), plan),
            4 => run::<u32, 16>(s.cast(), d.cast(), plan),
            _ => run::<u64, 8>(s.cast(), d.cast(), plan),
        }
    }
}

/// # Safety
/// As [`copy_raw`], which made `p`.
unsafe fn run<T: Copy, const B: usize>(s: *const T, d: *mut T, mut p: Plan) {
    // SAFETY: offsets of the plan are offsets of the views.
    let (s, d) = unsafe { (s.offset(p.start.0), d.offset(p.start.1)) };
    let Some(last) = p.dims.len().checked_sub(1) else {
        // SAFETY: one element.
        return unsafe { *d = *s };
    };
    let across = p.src.iter().position(|&x| x.abs() == 1);
    let (n, ss, ds) = p.take(last);
    let turned = across.filter(|&a| a < last && ds == 1 && !(-1..=1).contains(&ss));
    if let Some(a) = turned {
        let (m, sm, dm) = p.take(a);
        // A source that runs backwards is walked from its other end.
        let (so, dm, shift) = if sm < 0 { (sm * (m as isize - 1), -dm, dm * (m as isize - 1)) } else { (0, dm, 0) };
        // SAFETY: the plane of both axes at each index of the others.
        for_each(&p.dims, [&p.src, &p.dst], |[a, b]| unsafe { plane::<T, B>(s.offset(a + so), d.offset(b + shift), m, n, ss, dm) });
    } else {
        // SAFETY: the run of the last axis at each index of the others.
        for_each(&p.dims, [&p.src, &p.dst], |[a, b]| unsafe { row(s.offset(a), d.offset(b), n, ss, ds) });
    }
}

/// `d[i * ds] = s[i * ss]` for `i < n`.
///
/// # Safety
/// All these offsets are inside both allocations.
#[inline]
unsafe fn row<T: Copy>(s: *const T, d: *mut T, n: usize, ss: isize, ds: isize) {
    // SAFETY: by the contract; the writable run overlaps nothing.
    unsafe {
        match (ss, ds) {
            (1, 1) => std::ptr::copy_nonoverlapping(s, d, n),
            (0, 1) => {
                let x = *s;
                std::slice::from_raw_parts_mut(d.cast::<MaybeUninit<T>>(), n).fill(MaybeUninit::new(x));
            }
            (_, 1) => (0..n as isize).for_each(|i| *d.offset(i) = *s.offset(i * ss)),
            _ => (0..n as isize).for_each(|i| *d.offset(i * ds) = *s.offset(i * ss)),
        }
    }
}

/// `d[i * dm + j] = s[i + j * ss]` for `i < m`, `j < n`, in tiles of B x B: a cache line's worth of each row of both.
///
/// # Safety
/// All these offsets are inside both allocations.
unsafe fn plane<T: Copy, const B: usize>(s: *const T, d: *mut T, m: usize, n: usize, ss: isize, dm: isize) {
    /// Source rows that stay in the TLB while their columns are walked.
    const STRIP: usize = 64;
    let (mt, nt) = (m / B * B, n / B * B);
    // SAFETY: every tile and every rest lies inside the plane.
    let part = |i: usize, j: usize, m: usize, n: usize| unsafe {
        let (s, d) = (s.offset(i as isize + j as isize * ss), d.offset(i as isize * dm + j as isize));
        for i in 0..m as isize {
            for j in 0..n as isize {
                *d.offset(i * dm + j) = *s.offset(i + j * ss);
            }
        }
    };
    for strip in (0..nt).step_by(STRIP) {
        for i in (0..mt).step_by(B) {
            for j in (strip..nt.min(strip + STRIP)).step_by(B) {
                part(i, j, B, B);
            }
        }
    }
    part(0, nt, mt, n - nt);
    part(mt, 0, m - mt, n);
}
