//! Where numbers stand in a sorted line.

use super::ranges::Ranges;
use super::sort::Sorted;
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Numbers that are looked for side by side: none of them waits for what another one reads.
const ABREAST: usize = 16;

/// For each element of `v` how many elements of the sorted 1-d array `a` are below it or, with `right`, not above it, as `int64`. NaN is above
/// all numbers. One dtype; `dst` is C-contiguous, of the lengths of `v`. Of an array that is not sorted comes a number of its elements all
/// the same.
pub fn search(ranges: &Ranges<'_>, a: View<'_>, v: View<'_>, right: bool, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!((a.dtype(), v.dims(), DType::I64), (v.dtype(), dst.dims(), dst.dtype()));
    debug_assert_eq!(a.dims().len(), 1);
    crate::dispatch!(v.dtype(), T => match right {
        true => search_as::<T>(ranges, a, v, |a, v| a <= v, dst),
        false => search_as::<T>(ranges, a, v, |a, v| a < v, dst),
    })
}

fn search_as<T: Sorted>(
    ranges: &Ranges<'_>,
    a: View<'_>,
    v: View<'_>,
    before: impl Fn(T::Key, T::Key) -> bool,
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    let (n, step, line) = (a.count(), a.strides().first().copied().unwrap_or(0), a.ptr().cast::<T>());
    let (d, total) = (dst.ptr().cast::<i64>(), v.count());
    // SAFETY: `i < n`.
    let is_before = |i: usize, key: T::Key| unsafe { before((*line.offset(i as isize * step)).key(), key) };
    let find = |keys: &[T::Key], first: &mut [usize]| {
        first.fill(0);
        let mut left = n;
        while left > 0 {
            // An answer lies in a stretch of `left + 1` places; its middle decides.
            let half = left.div_ceil(2);
            for (at, &key) in first.iter_mut().zip(keys) {
                *at += if is_before(*at + half - 1, key) { half } else { 0 };
            }
            left -= half;
        }
    };
    let cost = 4 * (usize::BITS - n.leading_zeros()) as usize + 1;
    let (mut keys, mut first, mut some, mut at) = ([T::default().key(); ABREAST], [0; ABREAST], 0, 0);
    let source = v.ptr().cast::<T>();
    ranges.walk(v.dims(), [v.strides()], cost, |[offset]| {
        // SAFETY: an offset of the view, and as many elements of the destination.
        unsafe {
            keys[some] = (*source.offset(offset)).key();
            some += 1;
            if some == ABREAST || at + some == total {
                find(&keys[..some], &mut first[..some]);
                for (k, &i) in first[..some].iter().enumerate() {
                    *d.add(at + k) = i as i64;
                }
                at += some;
                some = 0;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::movement::model::*;
    use super::*;
    use crate::shape::count;

    #[test]
    fn every_number_is_found_from_both_sides() {
        let (mut rng, ranges) = (Rng(9), Ranges::new(None));
        for n in [0, 1, 2, 3, 7, 8, 33] {
            for dtype in DType::ALL {
                let mut a = rng.of(dtype, n);
                a.sort_by(f64::total_cmp);
                if dtype.is_float() && n > 4 {
                    a[n - 2..].fill(f64::NAN);
                }
                for dims in [&[][..], &[0], &[5], &[40], &[3, 7]] {
                    let mut v = rng.of(dtype, count(dims));
                    if dtype.is_float() && v.len() > 4 {
                        (v[1], v[2], v[3]) = (f64::NAN, f64::NEG_INFINITY, f64::INFINITY);
                    }
                    for (i, x) in Strided::layouts(dtype, dims, &v).iter().enumerate() {
                        let line = &Strided::layouts(dtype, &[n], &a)[i];
                        let mut y = Strided::out(DType::I64, dims);
                        for right in [false, true] {
                            search(&ranges, line.view(), x.view(), right, &mut y.view_mut()).unwrap();
                            let below = |a: f64, v: f64| a < v || (v.is_nan() && !a.is_nan());
                            let counts = |a: f64, v: f64| if right { !below(v, a) } else { below(a, v) };
                            let expected: Vec<f64> = v.iter().map(|&v| a.iter().filter(|&&a| counts(a, v)).count() as f64).collect();
                            assert_eq!(y.values(), expected, "{dtype} {n} {dims:?} {right}");
                            y.check_guard();
                        }
                    }
                }
            }
        }
    }
}
