//! The two powers that `pow` chooses from.

use crate::graph::op::{Body, Cotangent, Domain, Kernel, OpDef, Operands, Param, ParamKind, Primitive, Support};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::compare::not_equal;
use crate::ops::elementwise::log;
use crate::ops::families;
use crate::ops::rules::{masked, power};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&REAL_POWER, &POWER_SLOPE, &INTEGER_POWER];

binary! {
    /// Power of floating numbers with broadcasting: `y = a ** b`. A negative base with a non-integral exponent gives NaN.
    ///
    /// Gradient: `g * b * a ** (b - 1)`, which is 0 where `b` is 0, and `g * y * log(a)`, which counts as 0 where `a` is 0.
    REAL_POWER = fn real_power(a, b) -> y { pow(a, b) }
    kind float;
    vjp(g) { a: power(g, a, b), b: masked(g * y * log(a), not_equal(a, 0.0)) }
    derivative by_exponent;
    numpy "a ** b";
    samples Positive, Real;
}
binary! {
    /// Derivative of the power `a ** b` by its base, `b * a ** (b - 1)`, whose exponent is not rounded: finite also where the power
    /// alone is not. It is 0 where `b` is 0.
    ///
    /// Gradient: `g * b * (b - 1) * a ** (b - 2)`, and `g * (a ** (b - 1) + y * log(a))`, which counts as 0 where `a` is 0.
    POWER_SLOPE = fn power_slope(a, b) -> y { pow_slope(a, b) }
    kind float;
    vjp(g) {
        a: masked(g * b * power_slope(a, b - 1.0), not_equal(b, 0.0)),
        b: masked(g * (real_power(a, b - 1.0) + y * log(a)), not_equal(a, 0.0))
    }
    derivative singular;
    numpy "np.where(b == 0, 0, b * a ** (b - 1))";
    samples Positive, Real;
}
binary! {
    /// Power of integers with broadcasting: `y = a ** b`, which wraps around. The exponents are not negative.
    ///
    /// Gradient: none.
    INTEGER_POWER = fn integer_power(a, b) -> y { power(a, b) }
    kind integer;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "a ** b";
    samples Index(4), Index(4);
}
