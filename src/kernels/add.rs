//! Adding an array to a part of another one.

use super::movement::{joined, places, rows};
use super::ranges::Ranges;
use crate::array::{View, ViewMut};
use crate::dtype::Element;
use crate::error::Result;
use crate::shape::{Strides, count};

/// Addition of elements: wrapping for integers, "or" for bools.
pub(super) trait Add: Element {
    fn add(self, other: Self) -> Self;
}
macro_rules! add {
    ($($t:ty: $f:expr;)+) => {$(impl Add for $t {
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            let f: fn($t, $t) -> $t = $f;
            f(self, other)
        }
    })+};
}
add! { bool: |a, b| a | b; i32: i32::wrapping_add; i64: i64::wrapping_add; f32: |a, b| a + b; f64: |a, b| a + b; }

/// Adds `src` to `dst` (C-contiguous, the same dtype) at `dst[starts + index * steps]` on each axis: the adjoint of a slice.
/// Steps may be negative; the positions lie inside `dst`.
pub fn add_slice(ranges: &Ranges<'_>, src: View<'_>, starts: &[usize], steps: &[isize], dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(src.dtype(), dst.dtype());
    if count(src.dims()) == 0 {
        return Ok(());
    }
    debug_assert!(src.dims().iter().zip(starts).zip(steps).zip(dst.dims()).all(|(((&n, &a), &s), &len)| {
        let end = a as isize + s.wrapping_mul(n as isize - 1);
        a < len && end >= 0 && (end as usize) < len
    }));
    let (at, strides) = places(starts, steps, dst.strides());
    crate::dispatch!(src.dtype(), T => {
        // SAFETY: first and last position are inside on each axis, so all are.
        unsafe { add_strided::<T>(ranges, src.dims(), src.ptr().cast(), src.strides(), dst.ptr().cast::<T>().offset(at), &strides) }
    })
}

/// # Safety
/// The offsets that `dims` reaches are inside both allocations, which do not overlap; those of `d` are distinct.
unsafe fn add_strided<T: Add>(ranges: &Ranges<'_>, dims: &[usize], s: *const T, ss: &[isize], d: *mut T, ds: &[isize]) -> Result<()> {
    let (dims, [ss, ds]) = joined(dims, [ss, ds]);
    let step = |s: &Strides| s.last().copied().unwrap_or(1);
    let (a, b) = (step(&ss), step(&ds));
    rows(&dims, [&ss, &ds], |[i, j], n| {
        ranges.each(n, 1, |r| {
            let first = r.start as isize;
            // SAFETY: by the contract.
            unsafe { add_row(s.offset(i + first * a), a, d.offset(j + first * b), b, r.len()) };
            Ok(())
        })
    })
}

/// `d[i * b] += s[i * a]` for `i < n`.
///
/// # Safety
/// All these offsets are inside both allocations, which do not overlap.
#[inline]
unsafe fn add_row<T: Add>(s: *const T, a: isize, d: *mut T, b: isize, n: usize) {
    // SAFETY: by the contract.
    unsafe {
        if (a, b) == (1, 1) {
            let (s, d) = (std::slice::from_raw_parts(s, n), std::slice::from_raw_parts_mut(d, n));
            d.iter_mut().zip(s).for_each(|(d, s)| *d = d.add(*s));
        } else {
            for i in 0..n as isize {
                let d = d.offset(i * b);
                *d = (*d).add(*s.offset(i * a));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::movement::model::*;
    use super::super::movement::put_slice;
    use super::*;
    use crate::dtype::DType;
    use crate::kernels::ranges::RANGE;

    #[test]
    fn a_part_is_added_or_written_where_its_slice_is() {
        type Case = (&'static [usize], &'static [usize], &'static [isize], &'static [usize]);
        let cases: [Case; 7] = [
            (&[2, 3], &[1, 0], &[1, 2], &[4, 6]),
            (&[2, 3], &[3, 5], &[-2, -1], &[4, 6]),
            (&[3], &[2], &[-1], &[3]),
            (&[0, 3], &[4, 0], &[1, 1], &[4, 3]),
            (&[], &[], &[], &[]),
            (&[1, 2, 2], &[1, 0, 2], &[1, 3, -2], &[2, 4, 3]),
            (&[2, 3, 4], &[1, 0, 0], &[1, 1, 1], &[4, 3, 4]),
        ];
        for (dims, starts, steps, into) in cases {
            for dtype in DType::ALL {
                let (values, base) = (Rng(5).of(dtype, count(dims)), Rng(6).of(dtype, count(into)));
                let (mut expected, mut written) = (base.clone(), base.clone());
                for (i, v) in indices(dims).into_iter().zip(&values) {
                    let at: Vec<usize> =
                        i.iter().zip(starts).zip(steps).map(|((&i, &a), &s)| (a as isize + i as isize * s) as usize).collect();
                    expected[flat(into, &at)] += *v;
                    written[flat(into, &at)] = *v;
                }
                if dtype == DType::Bool {
                    expected.iter_mut().for_each(|v| *v = v.min(1.0));
                }
                for src in Strided::layouts(dtype, dims, &values) {
                    let mut dst = Strided::new(dtype, into, &base);
                    add_slice(&Ranges::new(None), src.view(), starts, steps, &mut dst.view_mut()).unwrap();
                    assert_eq!(dst.values(), expected, "{dtype} {dims:?} {:?}", src.strides);
                    dst.check_guard();
                    let mut dst = Strided::new(dtype, into, &base);
                    put_slice(&Ranges::new(None), src.view(), starts, steps, &mut dst.view_mut()).unwrap();
                    assert_eq!(dst.values(), written, "{dtype} {dims:?} {:?}", src.strides);
                    dst.check_guard();
                }
            }
        }
    }

    #[test]
    fn a_part_of_many_ranges_is_added_whole() {
        let n = 2 * RANGE + 77;
        let src = Strided::new(DType::F32, &[1], &[2.0]).repeat(0, n);
        let mut dst = Strided::new(DType::F32, &[n + 1], &vec![1.0; n + 1]);
        add_slice(&Ranges::new(None), src.view(), &[1], &[1], &mut dst.view_mut()).unwrap();
        assert!(dst.values().iter().enumerate().all(|(i, &v)| v == if i == 0 { 1.0 } else { 3.0 }));
    }
}
