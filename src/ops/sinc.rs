//! The cardinal sine. Its derivatives are no quotients near 0: the first two are rows of their own, the others follow from them.

use std::f64::consts::PI;

use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::ops::arithmetic::{abs, square};
use crate::ops::compare::less;
use crate::ops::select::select;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SINC, &SINC_SLOPE, &SINC_CURVE];

row! {
    /// `sin(pi * x) / (pi * x)`, within 3 ulp, and 1 at 0; exactly 0 at all other integers.
    ///
    /// Gradient: `g * (cos(pi * x) - y) / x`, and 0 at 0; accurate near 0 in all orders.
    pub SINC = fn sinc(x: float) -> y
    formula { sinc(x) }
    vjp(g) { x: g * sinc_slope(x) }
    numpy "np.sinc(x)";
    example "T.sinc([0.0, 0.5, 1.5])" => "[ 1.          0.63661977 -0.21220659]";
    samples real;
}
row! {
    /// The derivative of `sinc(x)`.
    ///
    /// Gradient: `g * sinc_curve(x)`.
    pub(crate) SINC_SLOPE = fn sinc_slope(x: float) -> slope
    formula { sinc_slope(x) }
    vjp(g) { x: g * sinc_curve(x) }
    numpy "np.where(x == 0, 0, (np.cos(np.pi * x) - np.sinc(x)) / x)";
    samples real;
}
row! {
    /// The second derivative of `sinc(x)`.
    ///
    /// Gradient: `g` times the third derivative.
    pub(crate) SINC_CURVE = fn sinc_curve(x: float) -> curve
    formula { sinc_curve(x) }
    vjp(g) { x: g * third(x) }
    numpy "np.where(x == 0, -np.pi**2 / 3, -np.pi**2 * np.sinc(x) - 2 * (np.cos(np.pi * x) - np.sinc(x)) / x**2)";
    samples real;
}

/// The coefficients of the third derivative over `x`, as a series in `x * x`: `(-1)^k pi^(2k) / ((2k + 1) (2k - 3)!)` from k = 2 on.
const THIRD: [f64; 11] = [
    19.481818206800487,
    -22.890218894650104,
    8.785676866732013,
    -1.689178345528193,
    0.1959260068010137,
    -0.015235308077057535,
    0.0008504890477900413,
    -3.5763869081578224e-05,
    1.174112316887786e-06,
    -3.0936753863807176e-08,
    6.688258102916132e-10,
];

/// The third derivative of `sinc(x)`: near 0 its series; elsewhere by the derivative of `x y'' + 2 y' + pi^2 x y = 0`.
fn third(x: Tensor<'_>) -> Tensor<'_> {
    let z = square(x);
    let [first, middle @ .., last] = THIRD;
    let series = middle.iter().rev().fold(z * last, |sum, &c| (sum + c) * z) + first;
    let far = -((sinc_curve(x) * 3.0 + sinc(x) * (PI * PI)) / x + sinc_slope(x) * (PI * PI));
    select(less(abs(x), 0.5), series * x, far)
}
