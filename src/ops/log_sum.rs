//! Logarithms of sums of two powers.

use std::f64::consts::LN_2;

use crate::graph::op::OpDef;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&LOGADDEXP, &LOGADDEXP2, &LOGADDEXP_SLOPE, &LOGADDEXP2_SLOPE];

row! {
    /// `log(exp(a) + exp(b))` with broadcasting, which never overflows: -inf if both are -inf, inf if one is inf.
    ///
    /// Gradient: `g / (1 + exp(b - a))` and `g / (1 + exp(a - b))`; each is 0 where its operand is -inf, also where both are, and
    /// half of `g` where both are inf.
    pub LOGADDEXP = fn logaddexp(a: float, b: float) -> y
    formula full { logaddexp(a, b) }
    vjp(g) { a: g * logaddexp_slope(a, b), b: g * logaddexp_slope(b, a) }
    numpy "np.logaddexp(a, b)";
    example "T.logaddexp([0.0, 1000.0, -np.inf], [0.0, 1000.0, -np.inf])" => "[6.93147181e-01 1.00069315e+03           -inf]";
    samples real, real;
}
row! {
    /// `log2(2 ** a + 2 ** b)` with broadcasting, which never overflows: -inf if both are -inf, inf if one is inf.
    ///
    /// Gradient: `g / (1 + 2 ** (b - a))` and `g / (1 + 2 ** (a - b))`; each is 0 where its operand is -inf, also where both are, and
    /// half of `g` where both are inf.
    pub LOGADDEXP2 = fn logaddexp2(a: float, b: float) -> y
    formula full { logaddexp2(a, b) }
    vjp(g) { a: g * logaddexp2_slope(a, b), b: g * logaddexp2_slope(b, a) }
    numpy "np.logaddexp2(a, b)";
    example "T.logaddexp2([0.0, 2000.0], [0.0, 2000.0])" => "[1.000e+00 2.001e+03]";
    samples real, real;
}
row! {
    /// `exp(a) / (exp(a) + exp(b))`, the derivative of `logaddexp(a, b)` by `a`; 0 where `a` is -inf.
    ///
    /// Gradient: `g * y * (1 - y)` and the negative of it.
    pub(crate) LOGADDEXP_SLOPE = fn logaddexp_slope(a: float, b: float) -> y
    formula full { logaddexp_slope(a, b) }
    vjp(g) { a: g * (y * logaddexp_slope(b, a)), b: -(g * (y * logaddexp_slope(b, a))) }
    numpy "np.where(a == -np.inf, 0, np.where(a == b, 0.5, 1 / (1 + np.exp(b - a))))";
    samples real, real;
}
row! {
    /// `2 ** a / (2 ** a + 2 ** b)`, the derivative of `logaddexp2(a, b)` by `a`; 0 where `a` is -inf.
    ///
    /// Gradient: `g * y * (1 - y) * log(2)` and the negative of it.
    pub(crate) LOGADDEXP2_SLOPE = fn logaddexp2_slope(a: float, b: float) -> y
    formula full { logaddexp2_slope(a, b) }
    vjp(g) { a: g * (y * logaddexp2_slope(b, a) * LN_2), b: g * (y * logaddexp2_slope(b, a) * -LN_2) }
    numpy "np.where(a == -np.inf, 0, np.where(a == b, 0.5, 1 / (1 + 2.0 ** (b - a))))";
    samples real, real;
}
