//! Indices and labels, checked: an array of places is what everything takes that chooses, adds or writes by index. And the
//! positions of extremes.
//!
//! Index arrays are `int32` or `int64`. A negative index counts from the end, as in NumPy; one that is out of range is
//! an error that names it. After an error the contents of the destination are undefined.

use std::fmt::Display;

use super::isa::{Isa, isa};
use super::movement::{index_text, rows};
use super::ranges::Ranges;
use crate::array::{View, ViewMut};
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};

mod at;
mod extreme;
mod write;
pub use at::{add_at, gather_at};
pub use extreme::{Order, argmax, argmin, max_with_index};
pub use write::{extreme_at, last_at, put_at, scan_at};

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
    /// As `i64`.
    fn wide(self) -> i64;
    /// From a place that this type holds.
    fn of(place: i64) -> Self;
    /// This place on an axis of length `n`, which is not 0: one that is not there is the last one.
    fn within(self, n: usize) -> usize;
}
macro_rules! index {
    ($($t:ty, $u:ty;)+) => {$(impl Index for $t {
        #[inline(always)]
        fn wide(self) -> i64 {
            i64::from(self)
        }
        #[inline(always)]
        fn of(place: i64) -> $t {
            place as $t
        }
        #[inline(always)]
        fn within(self, n: usize) -> usize {
            (self as $u as usize).min(n - 1)
        }
    })+};
}
index! { i32, u32; i64, u64; }

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

use by_index;

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

/// Checks class labels and writes them as places: integers, bools, or floats that are whole numbers. `dst` is C-contiguous and
/// has the lengths of `x`.
///
/// A label outside `0 <= label < classes`, NaN or with a fraction is an error of kind `Value`.
pub fn labels(ranges: &Ranges<'_>, op: &str, x: View<'_>, classes: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    fits(op, classes, dst.dtype())?;
    by_index!(dst.dtype(), P => {
        let d = dst.ptr().cast::<P>();
        // SAFETY: `dst` has as many elements as `x`.
        crate::dispatch!(x.dtype(), I => each_label::<I>(ranges, op, x, classes, |at, k| unsafe { *d.add(at) = P::of(k as i64) }))
    })
}

/// Checks indices of an axis of length `n` and writes them as places, counted from its start. `dst` is C-contiguous and has the
/// lengths of `index`.
///
/// An index outside `-n <= index < n` is an error of kind `Value`.
pub fn check(ranges: &Ranges<'_>, op: &str, index: View<'_>, n: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    fits(op, n, dst.dtype())?;
    by_index!(index.dtype(), I => by_index!(dst.dtype(), P => check_as::<I, P>(ranges, op, index, n, dst)))
}

/// An error unless the places of an axis of length `n` are numbers of this dtype.
fn fits(op: &str, n: usize, dtype: DType) -> Result<()> {
    if dtype == DType::I64 || i32::try_from(n).is_ok() {
        return Ok(());
    }
    Err(Error::engine(op, "the places do not fit their dtype", format_args!("length {n} for {dtype}"), "int64"))
}

fn check_as<I: Index, P: Index>(ranges: &Ranges<'_>, op: &str, index: View<'_>, n: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    let (d, indices) = (dst.ptr().cast::<P>(), index.ptr().cast::<I>());
    let step = index.strides().last().copied().unwrap_or(1);
    let length = i64::try_from(n).unwrap_or(i64::MAX);
    let mut flat = 0;
    rows(index.dims(), [index.strides()], |[at], len| {
        ranges.each(len, 1, |r| {
            // SAFETY: offsets of the view; `dst` has as many elements.
            let (s, d) = unsafe { (indices.offset(at + r.start as isize * step), d.add(flat + r.start)) };
            // SAFETY: as above, for `r.len()` elements.
            let good = unsafe { resolved(s, step, d, r.len(), length) };
            if good {
                return Ok(());
            }
            let value = |i: usize| unsafe { *s.offset(i as isize * step) };
            let bad = (0..r.len()).find(|&i| !(-length..length).contains(&value(i).wide()));
            match bad {
                Some(i) => Err(out_of_range(op, value(i), n, index.dims(), flat + r.start + i)),
                // Whoever fed the index wrote to it meanwhile.
                None => Err(Error::new(ErrorKind::Value, op, "the indices changed", "another number", "numbers that stay what they are")),
            }
        })?;
        flat += len;
        Ok(())
    })
}

/// Writes the places of `len` indices; false if one is out of range.
///
/// # Safety
/// `s` has so many indices at distance `step`, and `d` room for as many places.
unsafe fn resolved<I: Index, P: Index>(s: *const I, step: isize, d: *mut P, len: usize, n: i64) -> bool {
    // SAFETY: by the contract; each function is called on a machine that has its instructions.
    unsafe {
        if step != 1 {
            return (0..len).fold(true, |good, i| good & resolve(*s.offset(i as isize * step), &mut *d.add(i), n));
        }
        let (s, d) = (std::slice::from_raw_parts(s, len), std::slice::from_raw_parts_mut(d, len));
        match isa() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => run_avx512(s, d, n),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => run_avx2(s, d, n),
            _ => run(s, d, n),
        }
    }
}

/// Writes the place of an index; false if it is out of range.
#[inline(always)]
fn resolve<I: Index, P: Index>(index: I, place: &mut P, n: i64) -> bool {
    let i = index.wide();
    let i = if i < 0 { i.wrapping_add(n) } else { i };
    *place = P::of(i);
    (0..n).contains(&i)
}

#[inline(always)]
fn run<I: Index, P: Index>(s: &[I], d: &mut [P], n: i64) -> bool {
    s.iter().zip(d).fold(true, |good, (&i, p)| good & resolve(i, p, n))
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<I: Index, P: Index>(s: &[I], d: &mut [P], n: i64) -> bool {
    run(s, d, n)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
fn run_avx512<I: Index, P: Index>(s: &[I], d: &mut [P], n: i64) -> bool {
    run(s, d, n)
}

#[cfg(test)]
mod tests;
