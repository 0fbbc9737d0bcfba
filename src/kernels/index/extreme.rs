//! Largest and smallest elements and where they stand.

use std::ops::Range;

use super::super::fold::{BLOCK, Fold, lines};
use super::super::isa::isa;
use super::super::movement::each;
use super::super::ranges::{RANGE, Ranges};
use crate::array::{View, ViewMut};
use crate::dtype::{DType, Element};
use crate::error::Result;
use crate::shape::{Dims, Strides, count};

/// Some axes of a view: lengths and strides.
type Axes<'a> = (&'a [usize], &'a [isize]);

/// The outer and the inner axes of a view, without `axis`.
fn around<'a>(dims: &'a [usize], strides: &'a [isize], axis: usize) -> (Axes<'a>, Axes<'a>) {
    ((&dims[..axis], &strides[..axis]), (&dims[axis + 1..], &strides[axis + 1..]))
}

/// An order in which NaN comes before every number, from the largest on or, with `LEAST`, from the smallest.
pub trait Order: Element {
    /// True if `self` takes the place of an earlier `best`.
    fn beats<const LEAST: bool>(self, best: Self) -> bool;
}
macro_rules! order {
    (exact: $($t:ty)+) => {$(impl Order for $t {
        #[inline(always)]
        fn beats<const LEAST: bool>(self, best: Self) -> bool {
            if LEAST { self < best } else { self > best }
        }
    })+};
    (float: $($t:ty)+) => {$(impl Order for $t {
        #[inline(always)]
        fn beats<const LEAST: bool>(self, best: Self) -> bool {
            let better = if LEAST { self < best } else { self > best };
            (better | self.is_nan()) & !best.is_nan()
        }
    })+};
}
order! { exact: bool i32 i64 }
order! { float: f32 f64 }

/// Index of the largest element along `axis`, as `int64`: the first of equals; the first NaN if there is one. `dst` is
/// C-contiguous and has the lengths of `x` without `axis` (or with 1 there). An empty axis gives 0.
pub fn argmax(ranges: &Ranges<'_>, x: View<'_>, axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    crate::dispatch!(x.dtype(), T => extreme::<T, false>(ranges, x, axis, None, dst))
}

/// As [`argmax`], of the smallest element.
pub fn argmin(ranges: &Ranges<'_>, x: View<'_>, axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    crate::dispatch!(x.dtype(), T => extreme::<T, true>(ranges, x, axis, None, dst))
}

/// The largest element along `axis` and its index as in [`argmax`]. `values` (the dtype of `x`) and `index` (`int64`)
/// are C-contiguous and have the lengths of `x` without `axis` (or with 1 there). An empty axis gives 0 and 0.
pub fn max_with_index(ranges: &Ranges<'_>, x: View<'_>, axis: usize, values: &mut ViewMut<'_>, index: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(x.dtype(), values.dtype());
    debug_assert_eq!(values.count(), index.count());
    crate::dispatch!(x.dtype(), T => extreme::<T, false>(ranges, x, axis, Some(values.ptr().cast()), index))
}

/// Columns that are compared side by side.
const COLUMNS: usize = 64;

fn extreme<T: Order, const LEAST: bool>(
    ranges: &Ranges<'_>,
    x: View<'_>,
    axis: usize,
    values: Option<*mut T>,
    index: &mut ViewMut<'_>,
) -> Result<()> {
    debug_assert_eq!(index.dtype(), DType::I64);
    let (n, step) = (x.dims()[axis], x.strides()[axis]);
    let (s, d) = (x.ptr().cast::<T>(), index.ptr().cast::<i64>());
    let ((outer, outer_steps), (inner, inner_steps)) = around(x.dims(), x.strides(), axis);
    let dims: Dims = outer.iter().chain(inner).copied().collect();
    let steps: Strides = outer_steps.iter().chain(inner_steps).copied().collect();
    if n == 0 {
        for at in 0..count(&dims) {
            // SAFETY: both destinations have an element for each index of `dims`; zero bytes are a value.
            unsafe {
                *d.add(at) = 0;
                if let Some(v) = values {
                    v.add(at).write_bytes(0, 1);
                }
            }
        }
        return Ok(());
    }
    let mut at = 0;
    let mut put = |value: T, k: i64| {
        // SAFETY: called once for each index of `dims`, in order.
        unsafe {
            *d.add(at) = k;
            if let Some(v) = values {
                *v.add(at) = value;
            }
        }
        at += 1;
    };
    match (dims.split_last(), steps.split_last()) {
        // Columns next to each other in memory: a stretch of rows at a time.
        (Some((&width, dims)), Some((&side, steps))) if step != 1 && width > 1 => each(dims, [steps], |[o]| {
            for first in (0..width).step_by(COLUMNS) {
                let w = COLUMNS.min(width - first);
                // SAFETY: columns first..first + w of the view.
                unsafe { columns::<T, LEAST>(ranges, s.offset(o + first as isize * side), n, step, w, side, &mut put)? }
            }
            Ok(())
        }),
        _ if n < RANGE => ranges.walk(&dims, [&steps], n, |[o]| {
            // SAFETY: `n` elements of the view.
            let (v, k) = unsafe { line::<T, LEAST>(s.offset(o), 0..n, step, None) };
            put(v, k as i64);
            Ok(())
        }),
        _ => each(&dims, [&steps], |[o]| {
            let mut best = None;
            ranges.each(n, 1, |r| {
                // SAFETY: likewise.
                best = Some(unsafe { line::<T, LEAST>(s.offset(o), r, step, best) });
                Ok(())
            })?;
            if let Some((v, k)) = best {
                put(v, k as i64);
            }
            Ok(())
        }),
    }
}

/// The extreme of a range of elements, at least one, or what was the `best` before it; and its position.
///
/// # Safety
/// The elements at distance `step` are readable.
unsafe fn line<T: Order, const LEAST: bool>(s: *const T, r: Range<usize>, step: isize, best: Option<(T, usize)>) -> (T, usize) {
    let (n, mut i) = (r.end, r.start);
    // SAFETY: `i < n` throughout; a block's elements stand side by side.
    unsafe {
        let (mut best, mut at) = best.unwrap_or_else(|| (*s.offset(i as isize * step), i));
        let scan = |from: usize, to: usize, mut best: T, mut at: usize| {
            for i in from..to {
                let v = *s.offset(i as isize * step);
                if v.beats::<LEAST>(best) {
                    (best, at) = (v, i);
                }
            }
            (best, at)
        };
        if step == 1 && n - i >= 64 {
            // A fold finds out whether a block holds something better; only then is it searched in order.
            let fold = lines(isa(), if LEAST { Fold::Min } else { Fold::Max }, T::DTYPE);
            while n - i >= 8 {
                // Whole eights, as a fold may read up to the next one.
                let (len, mut v) = (BLOCK.min((n - i) & !7), best);
                fold((&raw mut v).cast(), s.add(i).cast(), 1, len, 0);
                if v.beats::<LEAST>(best) {
                    (best, at) = scan(i, i + len, best, at);
                }
                i += len;
            }
        }
        scan(i, n, best, at)
    }
}

/// The extremes of `w <= COLUMNS` columns of `n >= 1` elements, handed to `put` in order.
///
/// # Safety
/// `n` rows at distance `step` of `w` elements at distance `side` are readable.
unsafe fn columns<T: Order, const LEAST: bool>(
    ranges: &Ranges<'_>,
    s: *const T,
    n: usize,
    step: isize,
    w: usize,
    side: isize,
    put: &mut impl FnMut(T, i64),
) -> Result<()> {
    let (mut best, mut at) = ([T::default(); COLUMNS], [0i64; COLUMNS]);
    // SAFETY: `k < n` rows and `w` columns of the contract.
    unsafe {
        for (j, b) in best[..w].iter_mut().enumerate() {
            *b = *s.offset(j as isize * side);
        }
        ranges.each(n, w, |r| {
            for k in r {
                let row = s.offset(k as isize * step);
                let next = |v: T, b: &mut T, a: &mut i64| {
                    let better = v.beats::<LEAST>(*b);
                    *b = if better { v } else { *b };
                    *a = if better { k as i64 } else { *a };
                };
                if side == 1 {
                    let row = std::slice::from_raw_parts(row, w);
                    for ((b, a), &v) in best[..w].iter_mut().zip(&mut at[..w]).zip(row) {
                        next(v, b, a);
                    }
                } else {
                    for (j, (b, a)) in best[..w].iter_mut().zip(&mut at[..w]).enumerate() {
                        next(*row.offset(j as isize * side), b, a);
                    }
                }
            }
            Ok(())
        })?;
    }
    for (b, a) in best[..w].iter().zip(&at[..w]) {
        put(*b, *a);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::movement::model::*;
    use super::*;

    #[test]
    fn extremes_are_the_first_of_their_kind() {
        let mut rng = Rng(5);
        for dims in [&[1][..], &[9], &[1700], &[4, 3], &[3, 70], &[70, 3], &[2, 5, 3], &[3, 0, 2], &[2, 1, 600]] {
            for axis in 0..dims.len() {
                for dtype in DType::ALL {
                    let mut x = rng.of(dtype, count(dims));
                    if dtype.is_float() && x.len() > 20 {
                        (0..3).for_each(|_| x[rng.below(count(dims))] = f64::NAN);
                    }
                    let mut out = dims.to_vec();
                    out.remove(axis);
                    // First NaN, else first of the best.
                    let find = |better: fn(f64, f64) -> bool| -> (Vec<f64>, Vec<f64>) {
                        indices(&out)
                            .into_iter()
                            .map(|i| {
                                let mut best: Option<(f64, f64)> = None;
                                for k in 0..dims[axis] {
                                    let mut at = i.clone();
                                    at.insert(axis, k);
                                    let v = x[flat(dims, &at)];
                                    if best.is_none_or(|(b, _)| !b.is_nan() && (v.is_nan() || better(v, b))) {
                                        best = Some((v, k as f64));
                                    }
                                }
                                best.unwrap_or((0.0, 0.0))
                            })
                            .unzip()
                    };
                    let (most, at_most) = find(|a, b| a > b);
                    let (_, at_least) = find(|a, b| a < b);
                    for v in Strided::layouts(dtype, dims, &x) {
                        let (mut index, mut best) = (Strided::out(DType::I64, &out), Strided::out(dtype, &out));
                        argmax(&Ranges::new(None), v.view(), axis, &mut index.view_mut()).unwrap();
                        assert_eq!(index.values(), at_most, "{dtype} {dims:?} {axis} {:?}", v.strides);
                        argmin(&Ranges::new(None), v.view(), axis, &mut index.view_mut()).unwrap();
                        assert_eq!(index.values(), at_least, "{dtype} {dims:?} {axis} {:?}", v.strides);
                        max_with_index(&Ranges::new(None), v.view(), axis, &mut best.view_mut(), &mut index.view_mut()).unwrap();
                        assert_eq!(index.values(), at_most);
                        assert_eq!(format!("{:?}", best.values()), format!("{most:?}"));
                        index.check_guard();
                        best.check_guard();
                    }
                }
            }
        }
        let x = Strided::new(DType::F32, &[1, 4], &[3.0, 1.0, 3.0, 1.0]).repeat(0, 2);
        let mut index = Strided::out(DType::I64, &[2]);
        argmax(&Ranges::new(None), x.view(), 1, &mut index.view_mut()).unwrap();
        assert_eq!(index.values(), [0.0, 0.0]);
    }
}
