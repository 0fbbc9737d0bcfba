//! Rounding to integers. None of it has a gradient but 0: what is left of a number has one.

use crate::dtype::Scalar;
use crate::graph::Tensor;
use crate::graph::op::{Cotangent, Domain, OpDef};
use crate::ops::apply::cast;
use crate::ops::classify::isfinite;
use crate::ops::movement::stop_gradient;
use crate::ops::samples;
use crate::ops::select::select;
use crate::ops::shapes;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&FLOOR, &CEIL, &TRUNC, &RINT, &ROUND, &FRAC];

row! {
    /// The largest integer that is not above `x`, in the dtype of `x`; integers stay as they are.
    ///
    /// Gradient: 0.
    pub FLOOR = fn floor(x: number) -> y
    formula { floor(x) }
    vjp(g) { x: Cotangent::Zero }
    numpy "np.floor(x)";
    example "T.floor([-1.5, 0.5, 2.0])" => "[-2.  0.  2.]";
    samples real;
}
row! {
    /// The smallest integer that is not below `x`, in the dtype of `x`; integers stay as they are.
    ///
    /// Gradient: 0.
    pub CEIL = fn ceil(x: number) -> y
    formula { ceil(x) }
    vjp(g) { x: Cotangent::Zero }
    numpy "np.ceil(x)";
    example "T.ceil([-1.5, 0.5, 2.0])" => "[-1.  1.  2.]";
    samples real;
}
row! {
    /// `x` without its fraction, in the dtype of `x`; integers stay as they are.
    ///
    /// Gradient: 0.
    pub TRUNC = fn trunc(x: number) -> y
    formula { trunc(x) }
    vjp(g) { x: Cotangent::Zero }
    numpy "np.trunc(x)";
    example "T.trunc([-1.5, 0.5, 2.0])" => "[-1.  0.  2.]";
    alias fix;
    samples real;
}
row! {
    /// The nearest integer, of two the even one, as a floating number.
    ///
    /// Gradient: 0.
    pub RINT = fn rint(x: float) -> y
    formula { rint(x) }
    vjp(g) { x: Cotangent::Zero }
    numpy "np.rint(x)";
    example "T.rint([0.5, 1.5, 2.5])" => "[0. 2. 2.]";
    samples real;
}
row! {
    /// `x` rounded to `decimals` digits behind the point, or, if that is negative, before it; of two the even one. As NumPy does, it
    /// rounds `x * 10 ** decimals` and divides again, so that the last digits of a float may differ from decimal rounding; where the
    /// product overflows `x` stays as it is. Integers stay integers, and with `decimals` below 0 are rounded in `float64`.
    ///
    /// Gradient: 0.
    pub ROUND = fn round(x: any; decimals: i64 = 0) -> y
    body {
        shapes::check_number("round", x.dtype())?;
        match decimals {
            0.. if x.dtype().is_int() => x,
            0 => rint(x),
            _ => cast(scaled(cast(x, x.dtype().to_float()), decimals), x.dtype()),
        }
    }
    numpy "np.round(x, decimals)";
    example "T.round([0.125, 12.5, -2.675], 2)" => "[ 0.12 12.5  -2.68]";
    method round;
    case real[2, 3];
    case real[5] with decimals = 1;
    case real[2, 3] with decimals = -1;
    refuses bool[2] => "round: bools are not numbers. Got bool; expected an integer or floating dtype.\nhelp: use `logical_and`, `logical_or`, `logical_xor` or `logical_not`, or cast to a number";
}

/// A floating `x` rounded to so many digits, which are not 0.
fn scaled(x: Tensor<'_>, decimals: i64) -> Tensor<'_> {
    let x = stop_gradient(x);
    let size = format!("1e{}", decimals.unsigned_abs()).parse().unwrap_or(f64::INFINITY);
    let fits = size.is_finite() && Scalar::Float(size).bytes(x.dtype()).is_some();
    match (fits, decimals > 0) {
        (true, true) => {
            let large = x * size;
            select(isfinite(large), rint(large) / size, x)
        }
        (true, false) => rint(x / size) * size,
        (false, true) => x,
        (false, false) => select(isfinite(x), x * 0.0, x),
    }
}

row! {
    /// `x - trunc(x)`, which has the sign of `x`.
    ///
    /// Gradient: `g`.
    pub FRAC = fn frac(x: number) -> y
    body { x - trunc(x) }
    numpy "x - np.trunc(x)";
    example "T.frac([-1.5, 0.25, 2.0])" => "[-0.5   0.25  0.  ]";
    cases samples::unary_cases(Domain::Real);
    bad samples::bools_refused("frac", 1);
}
