//! Checks of values.

use super::movement::rows;
use super::ranges::Ranges;
use crate::array::View;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};

/// An error that names the first element, in C order, that is NaN or infinite.
pub fn finite(ranges: &Ranges<'_>, op: &str, x: View<'_>) -> Result<()> {
    match x.dtype() {
        DType::F32 => scan::<f32>(ranges, op, x, |v| v.is_finite()),
        DType::F64 => scan::<f64>(ranges, op, x, |v| v.is_finite()),
        _ => Ok(()),
    }
}

fn scan<T: Copy + std::fmt::Debug>(ranges: &Ranges<'_>, op: &str, x: View<'_>, ok: impl Fn(T) -> bool) -> Result<()> {
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
                let got = format_args!("{:?} at position {}", at(i), place + i);
                return Err(Error::new(ErrorKind::Value, op, "a value is not finite", got, "finite numbers"));
            }
            Ok(())
        })?;
        place += n;
        Ok(())
    })
}
