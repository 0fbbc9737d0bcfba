//! Logarithms beside the natural one of `x`, and products with logarithms.

use std::f64::consts::{LOG2_E, LOG10_E};

use crate::graph::op::OpDef;
use crate::ops::compare::{equal, logical_or, not_equal};

use crate::ops::rules::{masked, quotient};
use crate::ops::select::select;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&LOG, &LOG_SUM, &LOG2, &LOG10, &LOG1P, &XLOGY, &XLOG1PY];

row! {
    /// Natural logarithm, within 2 ulp; -inf at 0, NaN below.
    ///
    /// Gradient: `g / x`.
    pub LOG = fn log(x: float) -> y
    formula { log(x) }
    vjp(g) { x: quotient(g, x) }
    derivative singular;
    numpy "np.log(x)";
    example "T.log([np.e, 1.0, 0.0, -1.0])" => "[  1.   0. -inf  nan]";
    alias ln;
    method log;
    samples positive;
}
row! {
    /// Natural logarithm of a sum of exponentials, which is 0 only where nothing can change it: all exponents are -inf.
    ///
    /// Gradient: `g / x`, and 0 at 0.
    pub(crate) LOG_SUM = fn log_sum(x: float) -> y
    formula { log(x) }
    vjp(g) { x: select(equal(x, 0.0), 0.0, quotient(g, x)) }
    numpy "np.log(x)";
    samples positive;
}
row! {
    /// Logarithm to the base 2, within 2 ulp, and exact for powers of 2; -inf at 0, NaN below.
    ///
    /// Gradient: `g / (x * log(2))`.
    pub LOG2 = fn log2(x: float) -> y
    formula { log2(x) }
    vjp(g) { x: quotient(g * LOG2_E, x) }
    derivative singular;
    numpy "np.log2(x)";
    example "T.log2([8.0, 1.0, 0.0, -1.0])" => "[  3.   0. -inf  nan]";
    samples positive;
}
row! {
    /// Logarithm to the base 10, within 2 ulp, and exact for powers of 10; -inf at 0, NaN below.
    ///
    /// Gradient: `g / (x * log(10))`.
    pub LOG10 = fn log10(x: float) -> y
    formula { log10(x) }
    vjp(g) { x: quotient(g * LOG10_E, x) }
    derivative singular;
    numpy "np.log10(x)";
    example "T.log10([1000.0, 1.0, 0.0, -1.0])" => "[  3.   0. -inf  nan]";
    samples positive;
}
row! {
    /// `log(1 + x)`, within 2 ulp also where `1 + x` rounds to 1; -inf at -1, NaN below.
    ///
    /// Gradient: `g / (1 + x)`.
    pub LOG1P = fn log1p(x: float) -> y
    formula { log1p(x) }
    vjp(g) { x: quotient(g, x + 1.0) }
    derivative singular;
    numpy "np.log1p(x)";
    example "T.log1p([1e-20, 1.0, -1.0])" => "[1.00000000e-20 6.93147181e-01           -inf]";
    samples positive;
}
row! {
    /// `x * log(y)` with broadcasting, and 0 where `x` is 0, whatever `y` is but NaN.
    ///
    /// Gradient: `g * log(y)`, and `g * x / y`, which is 0 where both are 0.
    pub XLOGY = fn xlogy(x: float, y: float) -> z
    formula full { select(eq(x, 0.0) & eq(y, y), 0.0, x * log(y)) }
    vjp(g) { x: g * log(y), y: masked(quotient(g * x, y), logical_or(not_equal(x, 0.0), not_equal(y, 0.0))) }
    derivative singular;
    numpy "scipy.special.xlogy(x, y)";
    example "T.xlogy([2.0, 0.0, 0.0], [3.0, 0.0, np.inf])" => "[2.19722458 0.         0.        ]";
    samples real, positive;
}
row! {
    /// `x * log(1 + y)` with broadcasting, and 0 where `x` is 0, whatever `y` is but NaN.
    ///
    /// Gradient: `g * log(1 + y)`, and `g * x / (1 + y)`, which is 0 where `x` is 0 and `y` is -1.
    pub XLOG1PY = fn xlog1py(x: float, y: float) -> z
    formula full { select(eq(x, 0.0) & eq(y, y), 0.0, x * log1p(y)) }
    vjp(g) { x: g * log1p(y), y: masked(quotient(g * x, y + 1.0), logical_or(not_equal(x, 0.0), not_equal(y, -1.0))) }
    derivative singular;
    numpy "scipy.special.xlog1py(x, y)";
    example "T.xlog1py([2.0, 0.0], [1e-20, -1.0])" => "[2.e-20 0.e+00]";
    samples real, positive;
}
