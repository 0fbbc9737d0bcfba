//! Hyperbolic functions and their inverses. The hyperbolic tangent stands with the functions of one exponential.
//!
//! The derivatives that products of other rows would give with less than their digits, or not at all where a square overflows,
//! are rows.

use crate::graph::op::OpDef;
use crate::ops::arithmetic::weighted;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SINH, &COSH, &ARCSINH, &ARCCOSH, &ARCTANH, &ARCSINH_SLOPE, &ARCCOSH_SLOPE, &ARCTANH_SLOPE];

row! {
    /// Hyperbolic sine `(exp(x) - exp(-x)) / 2`, within 3 ulp; it overflows only where its value does.
    ///
    /// Gradient: `g * cosh(x)`.
    pub SINH = fn sinh(x: float) -> y
    formula { sinh(x) }
    vjp(g) { x: g * cosh(x) }
    derivative singular;
    numpy "np.sinh(x)";
    example "T.sinh([0.0, 1e-10, -1.0])" => "[ 0.00000000e+00  1.00000000e-10 -1.17520119e+00]";
    samples real;
}
row! {
    /// Hyperbolic cosine `(exp(x) + exp(-x)) / 2`, within 3 ulp; it overflows only where its value does.
    ///
    /// Gradient: `g * sinh(x)`.
    pub COSH = fn cosh(x: float) -> y
    formula { cosh(x) }
    vjp(g) { x: g * sinh(x) }
    derivative singular;
    numpy "np.cosh(x)";
    example "T.cosh([0.0, 1.0, -1.0])" => "[1.         1.54308063 1.54308063]";
    samples real;
}
row! {
    /// Inverse hyperbolic sine, `log(x + sqrt(x * x + 1))` without its losses, within 3 ulp.
    ///
    /// Gradient: `g / sqrt(x * x + 1)`, also where the square overflows.
    pub ARCSINH = fn arcsinh(x: float) -> y
    formula { arcsinh(x) }
    vjp(g) { x: g * arcsinh_slope(x) }
    numpy "np.arcsinh(x)";
    example "T.arcsinh([0.0, -1.0, 1e300])" => "[  0.          -0.88137359 691.46867508]";
    alias asinh;
    samples real;
}
row! {
    /// Inverse hyperbolic cosine, `log(x + sqrt(x * x - 1))` without its losses, within 3 ulp; NaN below 1.
    ///
    /// Gradient: `g / sqrt((x - 1) * (x + 1))`, infinite at 1.
    pub ARCCOSH = fn arccosh(x: float) -> y
    formula { arccosh(x) }
    vjp(g) { x: g * arccosh_slope(x) }
    derivative singular;
    numpy "np.arccosh(x)";
    example "T.arccosh([1.0, 2.0, 1e300, 0.5])" => "[  0.           1.3169579  691.46867508          nan]";
    alias acosh;
    samples beyond;
}
row! {
    /// Inverse hyperbolic tangent, `log((1 + x) / (1 - x)) / 2` without its losses, within 3 ulp; infinite at -1 and 1, NaN beyond.
    ///
    /// Gradient: `g / ((1 - x) * (1 + x))`, infinite at -1 and 1.
    pub ARCTANH = fn arctanh(x: float) -> y
    formula { arctanh(x) }
    vjp(g) { x: g * arctanh_slope(x) }
    derivative singular;
    numpy "np.arctanh(x)";
    example "T.arctanh([0.0, 0.5, -1.0, 2.0])" => "[0.         0.54930614       -inf        nan]";
    alias atanh;
    samples inner;
}
row! {
    /// `1 / sqrt(x * x + 1)`, also where the square overflows.
    ///
    /// Gradient: `-g * x * y**3`.
    pub(crate) ARCSINH_SLOPE = fn arcsinh_slope(x: float) -> y
    formula { arcsinh_slope(x) }
    vjp(g) { x: -(g * (weighted(y, x) * y * y)) }
    numpy "1 / np.sqrt(x * x + 1)";
    samples real;
}
row! {
    /// `1 / sqrt(x * x - 1)`, without loss near 1 and also where the square overflows; NaN below 1.
    ///
    /// Gradient: `-g * x * y**3`.
    pub(crate) ARCCOSH_SLOPE = fn arccosh_slope(x: float) -> y
    formula { arccosh_slope(x) }
    vjp(g) { x: -(g * (weighted(y, x) * y * y)) }
    derivative singular;
    numpy "np.where(x < 1, np.nan, 1 / np.sqrt(x * x - 1))";
    samples beyond;
}
row! {
    /// `1 / (1 - x * x)`, without loss near -1 and 1; NaN beyond.
    ///
    /// Gradient: `2 * g * x * y**2`.
    pub(crate) ARCTANH_SLOPE = fn arctanh_slope(x: float) -> y
    formula { arctanh_slope(x) }
    vjp(g) { x: g * (x * y * y * 2.0) }
    derivative singular;
    numpy "np.where(abs(x) > 1, np.nan, 1 / (1 - x * x))";
    exempt Third: "near its poles differences of a third derivative lose more than is allowed: arctanh tests its own derivatives";
    samples inner;
}
