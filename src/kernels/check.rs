//! Checks of values.

use crate::array::{View, for_rows};
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};

/// An error that names the first element, in C order, that is NaN or infinite.
pub fn finite(op: &str, x: View<'_>) -> Result<()> {
    match x.dtype() {
        DType::F32 => scan::<f32>(op, x, NOT_FINITE, |v| v.is_finite()),
        DType::F64 => scan::<f64>(op, x, NOT_FINITE, |v| v.is_finite()),
        _ => Ok(()),
    }
}

const NOT_FINITE: (&str, &str) = ("a value is not finite", "finite numbers");

/// An error that names the first element, in C order, that is not `ok`; `rule` says which are. Integers beyond 2**53 are seen
/// rounded.
pub fn within(op: &str, x: View<'_>, rule: &str, ok: fn(f64) -> bool) -> Result<()> {
    crate::dispatch!(x.dtype(), T => scan::<T>(op, x, ("a value is out of range", rule), |v| ok(v.scalar().as_f64())))
}

fn scan<T: Element>(op: &str, x: View<'_>, (what, rule): (&str, &str), ok: impl Fn(T) -> bool) -> Result<()> {
    let p = x.ptr().cast::<T>();
    let step = x.strides().last().copied().unwrap_or(1);
    let (mut place, mut bad) = (0usize, None);
    for_rows(x.dims(), x.strides(), x.strides(), |a, _, n| {
        // SAFETY: offsets and steps stay inside the view.
        let at = |i: usize| unsafe { *p.offset(a + i as isize * step) };
        if bad.is_none() && (0..n).fold(false, |any, i| any | !ok(at(i))) {
            bad = (0..n).find(|&i| !ok(at(i))).map(|i| (place + i, at(i)));
        }
        place += n;
    });
    match bad {
        None => Ok(()),
        Some((i, v)) => {
            // One value has no position.
            let at = if x.dims().is_empty() { String::new() } else { format!(" at position {i}") };
            Err(Error::new(ErrorKind::Value, op, what, format_args!("{v:?}{at}"), rule))
        }
    }
}
