//! Functions of one number over all magnitudes of `float32`. Values and derivatives to many digits are compared in Python.

use super::sample::{Sample, numbers, widened};
use super::values::valued;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Domain, OpDef};

/// Where formulas break: subnormal numbers, edges of exponentials, what overflows when it is doubled or squared.
const MAGNITUDES: [f32; 18] = [
    1e-45,
    f32::MIN_POSITIVE,
    1e-3,
    1.0,
    10.0,
    20.0,
    37.0,
    88.0,
    89.0,
    100.0,
    700.0,
    709.5,
    1e4,
    1e10,
    1e19,
    1e30,
    f32::MAX / 2.0,
    f32::MAX,
];
/// Units in the last place that `float32` may be off `float64` at one of them.
const UNITS: f64 = 16.0;

/// An elementwise function of one number over all magnitudes of `float32`: its value and its gradient are those of `float64`, which
/// no part of a formula overflows there.
pub fn magnitudes(def: &'static OpDef, s: &Sample) -> Result<usize> {
    if !matches!(s.domains[..], [Domain::Real | Domain::Positive | Domain::Inner | Domain::Beyond]) {
        return Ok(0);
    }
    let x: Vec<f32> = MAGNITUDES.iter().flat_map(|&x| [x, -x]).collect();
    let x = Array::from_slice(&x, &[x.len()])?;
    let narrow = Sample { inputs: vec![x.clone()], ..s.clone() };
    let wide = Sample { inputs: vec![widened(&x)?], ..s.clone() };
    let (found, expected) = match valued(def, &narrow, 1) {
        Ok(found) => (found, valued(def, &wide, 1)?),
        // A row that refuses the shape or a value has no elements of these magnitudes.
        Err(e) if matches!(e.kind(), ErrorKind::Shape | ErrorKind::Value) => return Ok(0),
        Err(e) => return Err(e),
    };
    // What repeats its argument adds cotangents up, and loses what cancels; what a reduction makes of all magnitudes at once is no
    // function of one of them.
    if found.first().is_some_and(|y| y.size() != x.size()) {
        return Ok(0);
    }
    let mut n = 0;
    for (k, (a, b)) in found.iter().zip(&expected).enumerate() {
        if a.shape() != x.shape() || a.dtype() != DType::F32 {
            continue;
        }
        for ((x, y), wide) in numbers(&x).into_iter().zip(numbers(a)).zip(numbers(b)) {
            let slack = UNITS * (f64::from(f32::EPSILON) * wide.abs() + 1e-45 * (1.0 + x.abs().min(1e3)));
            let same = y == f64::from(wide as f32) || (y.is_nan() && wide.is_nan()) || (y - wide).abs() <= slack;
            // A gradient may overflow before it is multiplied with a cotangent, which is more than 0.1.
            let over = k > 0 && y.is_infinite() && wide.abs() > 0.1 * f64::from(f32::MAX);
            if !same && !over {
                let what = format!("{} at {x:e} is not what float64 gives", if k == 0 { "the value" } else { "the gradient" });
                return Err(Error::new(
                    ErrorKind::Value,
                    "narrow",
                    what,
                    format_args!("{y:e}"),
                    format_args!("{wide:e} within {UNITS} ulp"),
                ));
            }
            n += 1;
        }
    }
    Ok(n)
}
