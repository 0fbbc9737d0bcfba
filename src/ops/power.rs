//! The two powers that `pow` chooses from.

use crate::graph::op::{Body, Cotangent, Domain, Kernel, OpDef, Operands, Param, ParamKind, Primitive, Support};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::compare::not_equal;
use crate::ops::elementwise::log;
use crate::ops::families;
use crate::ops::rules::{masked, power};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&REAL_POWER, &INTEGER_POWER];

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
    /// Power of integers with broadcasting: `y = a ** b`, which wraps around. The exponents are not negative.
    ///
    /// Gradient: none.
    INTEGER_POWER = fn integer_power(a, b) -> y { power(a, b) }
    kind integer;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "a ** b";
    samples Index(4), Index(4);
}
