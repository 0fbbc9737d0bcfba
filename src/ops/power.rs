//! The two powers that `pow` chooses from.

use crate::graph::op::{Cotangent, OpDef};
use crate::ops::compare::not_equal;
use crate::ops::logarithm::log;
use crate::ops::rules::{masked, power};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&REAL_POWER, &POWER_SLOPE, &INTEGER_POWER];

row! {
    /// Power of floating numbers with broadcasting: `y = a ** b`. A negative base with a non-integral exponent gives NaN.
    ///
    /// Gradient: `g * b * a ** (b - 1)`, which is 0 where `b` is 0, and `g * y * log(a)`, which counts as 0 where `a` is 0.
    pub(crate) REAL_POWER = fn real_power(a: float, b: float) -> y
    formula { pow(a, b) }
    vjp(g) { a: power(g, a, b), b: masked(g * y * log(a), not_equal(a, 0.0)) }
    derivative by_exponent;
    numpy "a ** b";
    samples positive, real;
}
row! {
    /// Derivative of the power `a ** b` by its base, `b * a ** (b - 1)`, whose exponent is not rounded: finite also where the power
    /// alone is not. It is 0 where `b` is 0.
    ///
    /// Gradient: `g * b * (b - 1) * a ** (b - 2)`, and `g * (a ** (b - 1) + y * log(a))`, which counts as 0 where `a` is 0.
    pub(crate) POWER_SLOPE = fn power_slope(a: float, b: float) -> y
    formula full { pow_slope(a, b) }
    vjp(g) {
        a: masked(g * b * power_slope(a, b - 1.0), not_equal(b, 0.0)),
        b: masked(g * (real_power(a, b - 1.0) + y * log(a)), not_equal(a, 0.0))
    }
    derivative singular;
    numpy "np.where(b == 0, 0, b * a ** (b - 1))";
    samples positive, real;
}
row! {
    /// Power of integers with broadcasting: `y = a ** b`, which wraps around. The exponents are not negative.
    ///
    /// Gradient: none.
    pub(crate) INTEGER_POWER = fn integer_power(a: integer, b: integer) -> y
    formula full { power(a, b) }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "a ** b";
    exempt First, Second, Narrow: "its samples are integers";
    samples index(4), index(4);
}
