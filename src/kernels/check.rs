//! Checks of values.

use super::movement::rows;
use super::ranges::Ranges;
use crate::array::View;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};

/// An error that names the first element, in C order, that is NaN or infinite.
pub fn finite(ranges: &Ranges<'_>, op: &str, x: View<'_>) -> Result<()> {
    match x.dtype() {
        DType::F32 => scan::<f32>(ranges, op, x, NOT_FINITE, |v| v.is_finite()),
        DType::F64 => scan::<f64>(ranges, op, x, NOT_FINITE, |v| v.is_finite()),
        _ => Ok(()),
    }
}

const NOT_FINITE: (&str, &str) = ("a value is not finite", "finite numbers");

/// An error that names the first element, in C order, that is not `ok`; `rule` says which are. Integers beyond 2**53 are seen
/// rounded.
pub fn within(ranges: &Ranges<'_>, op: &str, x: View<'_>, rule: &str, ok: fn(f64) -> bool) -> Result<()> {
    crate::dispatch!(x.dtype(), T => scan::<T>(ranges, op, x, ("a value is out of range", rule), |v| ok(v.scalar().as_f64())))
}

/// An error that names the first integer, in C order, that is not within the bounds, or `except`; `what` is said of it. The least `int64`
/// is let through.
pub fn counts(ranges: &Ranges<'_>, op: &str, x: View<'_>, what: &str, [least, most]: [i64; 2], except: i64) -> Result<()> {
    let (what, mut rule) = (format!("{what} is out of range"), format!("{least} <= number <= {most}"));
    if least <= except && except <= most {
        rule.push_str(&format!(", other than {except}"));
    }
    let ok = |v: i64| v == i64::MIN || (least..=most).contains(&v) && v != except;
    match x.dtype() {
        DType::I64 => scan::<i64>(ranges, op, x, (&what, &rule), ok),
        DType::I32 => scan::<i32>(ranges, op, x, (&what, &rule), |v| ok(i64::from(v))),
        dtype => Err(Error::engine(op, "counts are no integers", dtype, "int32 or int64")),
    }
}

fn scan<T: Element>(ranges: &Ranges<'_>, op: &str, x: View<'_>, (what, rule): (&str, &str), ok: impl Fn(T) -> bool) -> Result<()> {
    let p = x.ptr().cast::<T>();
    let step = x.strides().last().copied().unwrap_or(1);
    let mut place = 0;
    rows(x.dims(), [x.strides()], |[a], n| {
        // SAFETY: offsets and steps stay inside the view.
        let at = |i: usize| unsafe { *p.offset(a + i as isize * step) };
        ranges.each(n, 1, |r| {
            if r.clone().fold(false, |any, i| any | !ok(at(i)))
                && let Some(i) = r.clone().find(|&i| !ok(at(i)))
            {
                // One value has no position.
                let position = if x.dims().is_empty() { String::new() } else { format!(" at position {}", place + i) };
                return Err(Error::new(ErrorKind::Value, op, what, format_args!("{:?}{position}", at(i)), rule));
            }
            Ok(())
        })?;
        place += n;
        Ok(())
    })
}
