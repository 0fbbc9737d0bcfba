//! Elements chosen by index: take, gather, their adjoints, labels, and the positions of extremes.
//!
//! Index arrays are `int32` or `int64`. A negative index counts from the end, as in NumPy; one that is out of range is
//! an error that names it. After an error the contents of the destination are undefined.

use std::fmt::Display;

use super::movement::{copy_ranges, copy_raw, each, index_text, zero};
use super::ranges::{RANGE, Ranges};
use crate::array::{View, ViewMut};
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{Strides, count, is_contiguous};

mod extreme;
pub use extreme::{Order, argmax, argmin, max_with_index};

/// ` at position 3`, ` at position (1, 2)`, or nothing in a 0-d array.
fn place(dims: &[usize], flat: usize) -> String {
    if dims.is_empty() { String::new() } else { format!(" at position {}", index_text(dims, flat)) }
}

#[cold]
fn out_of_range(op: &str, got: impl Display, n: usize, dims: &[usize], flat: usize) -> Error {
    let rule = if n == 0 { "no index into an empty axis".to_owned() } else { format!("-{n} <= index < {n}") };
    let got = format_args!("{got}{} for an axis of length {n}", place(dims, flat));
    Error::new(ErrorKind::Value, op, "index is out of range", got, rule)
}

/// A Rust type of index arrays.
trait Index: Element + Display {
    /// This index into an axis of length `n`, counted from the end if negative.
    fn resolve(self, n: usize) -> Option<usize>;
}
macro_rules! index {
    ($($t:ty)+) => {$(impl Index for $t {
        #[inline(always)]
        fn resolve(self, n: usize) -> Option<usize> {
            let i = self as i64;
            let i = if i < 0 { i.wrapping_add(n as i64) } else { i } as usize;
            (i < n).then_some(i)
        }
    })+};
}
index! { i32 i64 }

/// Runs `$body` with `$I` set to the Rust type of an index array.
macro_rules! by_index {
    ($d:expr, $I:ident => $body:expr) => {
        if $d == DType::I32 {
            type $I = i32;
            $body
        } else {
            debug_assert!($d == DType::I64);
            type $I = i64;
            $body
        }
    };
}

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

/// Addition of elements: wrapping for integers, "or" for bools.
trait Add: Element {
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

/// Some axes of a view: lengths and strides.
type Axes<'a> = (&'a [usize], &'a [isize]);

/// The outer and the inner axes of a view, without `axis`.
fn around<'a>(dims: &'a [usize], strides: &'a [isize], axis: usize) -> (Axes<'a>, Axes<'a>) {
    ((&dims[..axis], &strides[..axis]), (&dims[axis + 1..], &strides[axis + 1..]))
}

/// `np.take(x, index, axis)`: `dst[o.., j.., i..] = x[o.., index[j..], i..]`, where `dst` (C-contiguous, the dtype of `x`)
/// has the axes of `index` in the place of `axis`.
///
/// An index outside `-n <= index < n` is an error of kind `Value`.
pub fn take(ranges: &Ranges<'_>, op: &str, x: View<'_>, index: View<'_>, axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(x.dtype(), dst.dtype());
    by_index!(index.dtype(), I => by_size!(x.dtype(), T => take_as::<I, T>(ranges, op, x, index, axis, dst)))
}

/// An error for the first index that is out of range, where there are no elements to take.
fn check_range<I: Index>(ranges: &Ranges<'_>, op: &str, index: View<'_>, n: usize) -> Result<()> {
    let mut flat = 0;
    ranges.walk(index.dims(), [index.strides()], 1, |[j]| {
        // SAFETY: an offset of the view.
        let value = unsafe { *index.ptr().cast::<I>().offset(j) };
        if value.resolve(n).is_none() {
            return Err(out_of_range(op, value, n, index.dims(), flat));
        }
        flat += 1;
        Ok(())
    })
}

fn take_as<I: Index, T: Copy>(
    ranges: &Ranges<'_>,
    op: &str,
    x: View<'_>,
    index: View<'_>,
    axis: usize,
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    let ((outer, outer_steps), (inner, inner_steps)) = around(x.dims(), x.strides(), axis);
    let (n, step, row) = (x.dims()[axis], x.strides()[axis], count(inner));
    let run = is_contiguous(inner, inner_steps);
    let c = crate::shape::c_strides(inner);
    let (s, d, indices) = (x.ptr().cast::<T>(), dst.ptr().cast::<T>(), index.ptr().cast::<I>());
    if count(outer) == 0 {
        return check_range::<I>(ranges, op, index, n);
    }
    let mut at = 0;
    each(outer, [outer_steps], |[o]| {
        let mut flat = 0;
        ranges.walk(index.dims(), [index.strides()], row.max(1), |[j]| {
            // SAFETY: offsets of the views; the resolved index is below `n`; `dst` has `row` elements for each index.
            unsafe {
                let value = *indices.offset(j);
                let Some(k) = value.resolve(n) else { return Err(out_of_range(op, value, n, index.dims(), flat)) };
                let (s, d) = (s.offset(o + k as isize * step), d.add(at));
                match (row, run) {
                    (0, _) => {}
                    (1, _) => *d = *s,
                    (RANGE.., _) => copy_ranges(ranges, x.dtype(), s.cast(), d.cast(), inner, inner_steps, &c)?,
                    (_, true) => std::ptr::copy_nonoverlapping(s, d, row),
                    _ => copy_raw(x.dtype(), s.cast(), d.cast(), inner, inner_steps, &c),
                }
            }
            at += row;
            flat += 1;
            Ok(())
        })
    })
}

/// The adjoint of [`take`]: `dst` (C-contiguous) is filled with zeros, then `dst[o.., index[j..], i..] += g[o.., j.., i..]`,
/// in the order of the indices, so that the bits do not depend on anything else.
///
/// An index outside `-n <= index < n` is an error of kind `Value`.
pub fn take_add(ranges: &Ranges<'_>, op: &str, g: View<'_>, index: View<'_>, axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(g.dtype(), dst.dtype());
    zero(ranges, dst)?;
    by_index!(index.dtype(), I => crate::dispatch!(g.dtype(), T => take_add_as::<I, T>(ranges, op, g, index, axis, dst)))
}

fn take_add_as<I: Index, T: Add>(
    ranges: &Ranges<'_>,
    op: &str,
    g: View<'_>,
    index: View<'_>,
    axis: usize,
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    let n = dst.dims()[axis];
    let row: usize = count(&dst.dims()[axis + 1..]);
    let (outer, rest) = (&g.dims()[..axis], axis + index.dims().len());
    let (inner, inner_steps) = (&g.dims()[rest..], &g.strides()[rest..]);
    let run = is_contiguous(inner, inner_steps);
    let (s, d, indices) = (g.ptr().cast::<T>(), dst.ptr().cast::<T>(), index.ptr().cast::<I>());
    if count(outer) == 0 {
        return check_range::<I>(ranges, op, index, n);
    }
    let mut base = 0;
    each(outer, [&g.strides()[..axis]], |[o]| {
        let mut flat = 0;
        // A long row counts as it is added; `walk` counts the others.
        let long = row >= RANGE;
        ranges.walk(index.dims(), [index.strides(), &g.strides()[axis..rest]], if long { 1 } else { row.max(1) }, |[j, at]| {
            // SAFETY: offsets of the views; the resolved index is below `n`, and `dst` holds `n` rows at `base`.
            unsafe {
                let value = *indices.offset(j);
                let Some(k) = value.resolve(n) else { return Err(out_of_range(op, value, n, index.dims(), flat)) };
                let s = s.offset(o + at);
                let d = std::slice::from_raw_parts_mut(d.add(base + k * row), row);
                let add = |d: &mut [T], s: *const T| {
                    let s = std::slice::from_raw_parts(s, d.len());
                    d.iter_mut().zip(s).for_each(|(d, s)| *d = d.add(*s));
                };
                if run && long {
                    ranges.each(row, 1, |r| {
                        add(&mut d[r.clone()], s.add(r.start));
                        Ok(())
                    })?;
                } else if run {
                    add(d, s);
                } else {
                    let mut it = d.iter_mut();
                    let one = |[i]: [isize; 1]| {
                        if let Some(d) = it.next() {
                            *d = d.add(*s.offset(i));
                        }
                        Ok(())
                    };
                    if long { ranges.walk(inner, [inner_steps], 1, one)? } else { each(inner, [inner_steps], one)? }
                }
            }
            flat += 1;
            Ok(())
        })?;
        base += n * row;
        Ok(())
    })
}

/// The strides of a view with `axis` standing still.
fn still(strides: &[isize], axis: usize) -> Strides {
    let mut s = Strides::from_slice(strides);
    s[axis] = 0;
    s
}

/// `np.take_along_axis(x, index, axis)`: `dst[.., j, ..] = x[.., index[.., j, ..], ..]`. `index` and `dst` (C-contiguous,
/// the dtype of `x`) have the same lengths, and `x` has them too except on `axis`.
///
/// An index outside `-n <= index < n` is an error of kind `Value`.
pub fn gather(ranges: &Ranges<'_>, op: &str, x: View<'_>, index: View<'_>, axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(index.dims(), dst.dims());
    debug_assert_eq!(x.dtype(), dst.dtype());
    let (n, step) = (x.dims()[axis], x.strides()[axis]);
    let (s, d) = (x.ptr(), dst.ptr());
    by_index!(index.dtype(), I => by_size!(x.dtype(), T => {
        // SAFETY: `walk` gives an offset of each view and an index below the length of `axis`.
        walk::<I>(ranges, op, index, n, &still(x.strides(), axis), dst.strides(), |from, to, k| unsafe {
            *d.cast::<T>().offset(to) = *s.cast::<T>().offset(from + k as isize * step);
        })
    }))
}

/// The adjoint of [`gather`]: `dst` (C-contiguous) is filled with zeros, then `dst[.., index[.., j, ..], ..] += g[.., j, ..]`
/// in C order of `index`. `g` and `index` have the same lengths, and `dst` has them too except on `axis`.
///
/// An index outside `-n <= index < n` is an error of kind `Value`.
pub fn gather_add(ranges: &Ranges<'_>, op: &str, g: View<'_>, index: View<'_>, axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(index.dims(), g.dims());
    debug_assert_eq!(g.dtype(), dst.dtype());
    zero(ranges, dst)?;
    let (n, step) = (dst.dims()[axis], dst.strides()[axis]);
    let (s, d) = (g.ptr(), dst.ptr());
    by_index!(index.dtype(), I => crate::dispatch!(g.dtype(), T => {
        // SAFETY: `walk` gives an offset of each view and an index below the length of `axis`.
        walk::<I>(ranges, op, index, n, g.strides(), &still(dst.strides(), axis), |from, to, k| unsafe {
            let d = d.cast::<T>().offset(to + k as isize * step);
            *d = Add::add(*d, *s.cast::<T>().offset(from));
        })
    }))
}

/// Calls `f(offset by a, offset by b, index)` for each index, in C order, resolved for an axis of length `n`.
#[inline(always)]
fn walk<I: Index>(
    ranges: &Ranges<'_>,
    op: &str,
    index: View<'_>,
    n: usize,
    a: &[isize],
    b: &[isize],
    f: impl Fn(isize, isize, usize),
) -> Result<()> {
    let indices = index.ptr().cast::<I>();
    let mut flat = 0;
    ranges.walk(index.dims(), [index.strides(), a, b], 1, |[i, a, b]| {
        // SAFETY: an offset of the index view.
        let value = unsafe { *indices.offset(i) };
        let Some(k) = value.resolve(n) else { return Err(out_of_range(op, value, n, index.dims(), flat)) };
        f(a, b, k);
        flat += 1;
        Ok(())
    })
}

/// A Rust type whose values may be class labels.
trait Label: Element {
    /// The label, if it is a whole number in `0..classes`.
    fn label(self, classes: usize) -> Option<usize>;
    /// True if this is a whole number or infinite, so that only its range can be wrong.
    fn whole(self) -> bool {
        true
    }
    /// The value as a person writes it.
    fn text(self) -> String;
}
macro_rules! label {
    (int: $($t:ty)+) => {$(impl Label for $t {
        #[inline(always)]
        fn label(self, classes: usize) -> Option<usize> {
            (self as i64 >= 0 && (self as u64) < classes as u64).then_some(self as usize)
        }
        fn text(self) -> String {
            self.to_string()
        }
    })+};
    (float: $($t:ty)+) => {$(impl Label for $t {
        #[inline(always)]
        fn label(self, classes: usize) -> Option<usize> {
            // The cast saturates, and sends NaN to 0, which then differs.
            let k = self as usize;
            (k as $t == self && k < classes).then_some(k)
        }
        fn whole(self) -> bool {
            !self.is_nan() && self == self.trunc()
        }
        fn text(self) -> String {
            self.to_string()
        }
    })+};
}
label! { int: i32 i64 }
label! { float: f32 f64 }
impl Label for bool {
    #[inline(always)]
    fn label(self, classes: usize) -> Option<usize> {
        (usize::from(self) < classes).then_some(usize::from(self))
    }
    fn text(self) -> String {
        u8::from(self).to_string()
    }
}

/// Calls `f(position in C order, label)` for each label of `x`.
#[inline(always)]
fn each_label<T: Label>(ranges: &Ranges<'_>, op: &str, x: View<'_>, classes: usize, mut f: impl FnMut(usize, usize)) -> Result<()> {
    let s = x.ptr().cast::<T>();
    let mut flat = 0;
    ranges.walk(x.dims(), [x.strides()], 1, |[at]| {
        // SAFETY: an offset of the view.
        let value = unsafe { *s.offset(at) };
        let Some(k) = value.label(classes) else {
            let what = if value.whole() { "label is out of range" } else { "label is not a whole number" };
            let got = format_args!("{}{}", value.text(), place(x.dims(), flat));
            return Err(Error::new(ErrorKind::Value, op, what, got, format_args!("0 <= label < {classes}")));
        };
        f(flat, k);
        flat += 1;
        Ok(())
    })
}

/// `dst[j.., k] = 1 if index[j..] == k else 0`: `dst` (C-contiguous, any dtype) has one more axis than `index`, the last,
/// with one element for each class. Labels may be integers, bools, or floats that are whole numbers.
///
/// A label outside `0 <= label < classes`, NaN or with a fraction is an error of kind `Value`.
pub fn one_hot(ranges: &Ranges<'_>, op: &str, index: View<'_>, dst: &mut ViewMut<'_>) -> Result<()> {
    zero(ranges, dst)?;
    let classes = dst.dims().last().copied().unwrap_or(0);
    let (dtype, d) = (dst.dtype(), dst.ptr());
    let one = crate::dtype::Scalar::Bool(true).bytes(dtype).unwrap_or_default();
    crate::dispatch!(index.dtype(), I => each_label::<I>(ranges, op, index, classes, |at, k| {
        // SAFETY: `k < classes`, so the element is in row `at` of `dst`; the number has `size` bytes.
        unsafe { std::ptr::copy_nonoverlapping(one.as_ptr(), d.add((at * classes + k) * dtype.size()), dtype.size()) }
    }))
}

/// Checks class labels and writes them as `int64`: integers, bools, or floats that are whole numbers. `dst` is
/// C-contiguous and has the lengths of `x`.
///
/// A label outside `0 <= label < classes`, NaN or with a fraction is an error of kind `Value`.
pub fn labels(ranges: &Ranges<'_>, op: &str, x: View<'_>, classes: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(dst.dtype(), DType::I64);
    let d = dst.ptr().cast::<i64>();
    // SAFETY: `dst` has as many elements as `x`.
    crate::dispatch!(x.dtype(), I => each_label::<I>(ranges, op, x, classes, |at, k| unsafe { *d.add(at) = k as i64 }))
}

/// The indices of an axis of length `n`, counted from its start, as `int64`. `dst` is C-contiguous and has the lengths of
/// `index`.
///
/// An index outside `-n <= index < n` is an error of kind `Value`.
pub fn wrap(ranges: &Ranges<'_>, op: &str, index: View<'_>, n: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(dst.dtype(), DType::I64);
    by_index!(index.dtype(), I => wrap_as::<I>(ranges, op, index, n, dst))
}

fn wrap_as<I: Index>(ranges: &Ranges<'_>, op: &str, index: View<'_>, n: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    let (d, indices) = (dst.ptr().cast::<i64>(), index.ptr().cast::<I>());
    let mut flat = 0;
    ranges.walk(index.dims(), [index.strides()], 1, |[j]| {
        // SAFETY: offsets of the view; `dst` has as many elements.
        unsafe {
            let value = *indices.offset(j);
            let Some(k) = value.resolve(n) else { return Err(out_of_range(op, value, n, index.dims(), flat)) };
            *d.add(flat) = k as i64;
        }
        flat += 1;
        Ok(())
    })
}

#[cfg(test)]
mod tests;
