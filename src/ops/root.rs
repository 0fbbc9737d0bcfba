//! Roots, and what is made of their inverses.

use crate::graph::op::{Domain, OpDef};
use crate::ops::arithmetic::square;
use crate::ops::compare::not_equal;
use crate::ops::rules::{masked, quotient};
use crate::ops::samples;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SQRT, &RECIPROCAL, &RSQRT, &CBRT, &HYPOT, &HYPOT_SLOPE];

row! {
    /// Square root; NaN below 0.
    ///
    /// Gradient: `g / (2 * y)`, infinite at 0; where the factor `y` stands in `g` it cancels, so `sqrt(x) ** 2` has
    /// the derivative 1 everywhere.
    pub SQRT = fn sqrt(x: float) -> y
    formula { sqrt(x) }
    vjp(g) { x: quotient(g * 0.5, y) }
    derivative singular;
    numpy "np.sqrt(x)";
    example "T.sqrt([4.0, 0.0, -1.0])" => "[ 2.  0. nan]";
    method sqrt;
    samples positive;
}
row! {
    /// `1 / x`, in floating numbers also for integers; infinite at 0.
    ///
    /// Gradient: `-g * y / x`.
    pub RECIPROCAL = fn reciprocal(x: float) -> y
    body { 1.0 / x }
    numpy "1 / x";
    example "T.reciprocal([2.0, -4.0, 0.0])" => "[ 0.5  -0.25   inf]";
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// `1 / sqrt(x)`; infinite at 0, NaN below.
    ///
    /// Gradient: `-g * y / x / 2`.
    pub RSQRT = fn rsqrt(x: float) -> y
    body { 1.0 / sqrt(x) }
    numpy "1 / np.sqrt(x)";
    example "T.rsqrt([4.0, 0.0])" => "[0.5 inf]";
    cases samples::unary_cases(Domain::Positive);
}
row! {
    /// Cube root, within 2 ulp; that of a negative number is negative.
    ///
    /// Gradient: `g / (3 * y ** 2)`, infinite at 0.
    pub CBRT = fn cbrt(x: float) -> y
    formula { cbrt(x) }
    vjp(g) { x: quotient(g, square(y) * 3.0) }
    derivative singular;
    numpy "np.cbrt(x)";
    example "T.cbrt([27.0, -8.0, 0.0])" => "[ 3. -2.  0.]";
    samples real;
}
row! {
    /// `sqrt(a * a + b * b)` with broadcasting, within 2 ulp, which overflows only if it must; infinite if one of them is, also beside
    /// NaN.
    ///
    /// Gradient: `g * a / y` and `g * b / y`, and 0 where both are 0.
    pub HYPOT = fn hypot(a: float, b: float) -> y
    formula full { hypot(a, b) }
    vjp(g) { a: g * hypot_slope(a, b), b: g * hypot_slope(b, a) }
    numpy "np.hypot(a, b)";
    example "T.hypot([3.0, 1e200], [4.0, 1e200])" => "[5.00000000e+000 1.41421356e+200]";
    samples real, real;
}
row! {
    /// `a / hypot(a, b)`, also where the length is no float, and 0 where both are 0.
    ///
    /// Gradient: `g * b * b` and `-g * a * b` over the cube of the length, and 0 where both are 0.
    pub(crate) HYPOT_SLOPE = fn hypot_slope(a: float, b: float) -> y
    formula full { hypot_slope(a, b) }
    vjp(g) {
        a: masked(g * hypot_slope(b, a) * quotient(hypot_slope(b, a), hypot(a, b)), not_equal(hypot(a, b), 0.0)),
        b: masked(-(g * y * quotient(hypot_slope(b, a), hypot(a, b))), not_equal(hypot(a, b), 0.0))
    }
    derivative singular;
    numpy "np.where((a == 0) & (b == 0), 0, a / np.hypot(a, b))";
    samples real, real;
}
