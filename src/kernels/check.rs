//! Checks of values.

use crate::array::{View, for_rows};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};

/// An error that names the first element, in C order, that is NaN or infinite.
pub fn finite(op: &str, x: View<'_>) -> Result<()> {
    match x.dtype() {
        DType::F32 => scan::<f32>(op, x, |v| v.is_finite()),
        DType::F64 => scan::<f64>(op, x, |v| v.is_finite()),
        _ => Ok(()),
    }
}

fn scan<T: Copy + std::fmt::Debug>(op: &str, x: View<'_>, ok: impl Fn(T) -> bool) -> Result<()> {
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
            Err(Error::new(ErrorKind::Value, op, "a value is not finite", format_args!("{v:?} at position {i}"), "finite numbers"))
        }
    }
}
