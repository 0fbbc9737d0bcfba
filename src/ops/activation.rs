//! The rectifier, and functions of one exponential: tanh, the logistic function, softplus.
//!
//! The values of the latter round to 1 or to `x` where their derivatives are still far from 0. So value and derivative are computed from
//! one number that has lost nothing, the decay `exp(-|x|)` of the argument, and each derivative by products of what is exact.

use crate::graph::op::{Cotangent, Domain, Kernel, OpDef};
use crate::graph::{NodeOp, Tensor};
use crate::ops::apply::cast;
use crate::ops::arithmetic::{abs, sign, weighted};
use crate::ops::compare::{equal, greater};
use crate::ops::exponent::exp;
use crate::ops::reduce::number;
use crate::ops::rules::masked;
use crate::ops::samples;
use crate::ops::select::select;
use crate::ops::shapes;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[
    &RELU,
    &TANH,
    &SIGMOID,
    &SOFTPLUS,
    &DECAY,
    &DECAY_TWICE,
    &TANH_WITH,
    &TANH_SLOPE,
    &TANH_ADJOINT,
    &SIGMOID_WITH,
    &SIGMOID_SLOPE,
    &SOFTPLUS_WITH,
    &SILU_WITH,
    &SILU_SLOPE,
    &LOGISTIC_LOSS,
    &LOGISTIC_RESIDUAL,
];

row! {
    /// Rectifier: `max(x, 0)`; NaN of NaN. Integers stay integers.
    ///
    /// Gradient: `g` where `x > 0`, exactly 0 elsewhere, at 0 too.
    pub RELU = fn relu(x: number) -> y
    formula { max(x, 0.0) }
    vjp(g) { x: masked(g, greater(y, 0.0)) }
    derivative constant;
    numpy "np.maximum(x, 0)";
    example "T.relu([-1.0, 0.0, 2.0])" => "[0. 0. 2.]";
    samples real;
}
row! {
    /// Hyperbolic tangent, within 3 ulp.
    ///
    /// Gradient: `g / cosh(x)**2`, within 8 ulp also where `|y|` rounds to 1.
    pub TANH = fn tanh(x: any) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        tanh_with(x, decay_twice(x))
    }
    numpy "np.tanh(x)";
    example "T.tanh([-1.0, 0.0, 20.0])" => "[-0.76159416  0.          1.        ]";
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// Logistic function `1 / (1 + exp(-x))`, within 3 ulp.
    ///
    /// Gradient: `g * y * (1 - y)`, within 8 ulp also where `y` rounds to 1.
    pub SIGMOID = fn sigmoid(x: any) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        sigmoid_with(x, decay(x))
    }
    numpy "scipy.special.expit(x)";
    example "T.sigmoid([-1000.0, 0.0, 1000.0])" => "[0.  0.5 1. ]";
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// `log(1 + exp(beta * x)) / beta`, computed as `max(x, 0) + log1p(exp(-|x|))` for `beta = 1`: it never overflows, and has its value
    /// and its derivatives at every `x`. `beta` is a number or a 0-d tensor.
    ///
    /// Gradient: `g * sigmoid(beta * x)`; and `g * (x * sigmoid(beta * x) - y) / beta` to `beta`, if that is a tensor.
    pub SOFTPLUS = fn softplus(x: any, beta: any = 1.0) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        let beta = number("softplus", "beta", beta, x.dtype())?;
        if matches!(beta.node().op, NodeOp::Scalar(s) if s.as_f64() == 1.0) {
            softplus_with(x, decay(x))
        } else {
            // Where the product overflows, the value need not.
            let z = x * beta;
            select(equal(z, f64::INFINITY), x, softplus_with(z, decay(z)) / beta)
        }
    }
    numpy "np.logaddexp(x * beta, 0) / beta";
    example "T.softplus([-1000.0, 0.0, 1000.0])" => "[0.00000000e+00 6.93147181e-01 1.00000000e+03]";
    rust short;
    cases samples::unary_cases(Domain::Real);
    case real[2, 3], positive[];
    refuses f64[2], f64[2] => "softplus: `beta` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// `exp(-|x|)` without loss on either side: where it is at most `sqrt(1/2)` its negative, which may be -0; elsewhere `1 - exp(-|x|)`.
    ///
    /// Gradient: `g * sign(x) * exp(-|x|)`.
    pub(crate) DECAY = fn decay(x: float) -> y
    formula { decay(x) }
    vjp(g) { x: g * (sign(x) * exp(-abs(x))) }
    numpy "np.where(np.abs(x) > np.log(2) / 2, -np.exp(-np.abs(x)), -np.expm1(-np.abs(x)))";
    samples real;
}
row! {
    /// The decay of `2 * x`.
    ///
    /// Gradient: `2 * g * sign(x) * exp(-2 * |x|)`.
    pub(crate) DECAY_TWICE = fn decay_twice(x: float) -> y
    formula { decay(2.0 * x) }
    vjp(g) { x: g * (sign(x) * exp(abs(x) * -2.0) * 2.0) }
    numpy "np.where(np.abs(x) > np.log(2) / 4, -np.exp(-2 * np.abs(x)), -np.expm1(-2 * np.abs(x)))";
    samples real;
}

/// Declares an elementwise function of a tensor and the decay that belongs to it.
macro_rules! with_decay {
    (
        $(#[doc = $doc:literal])+
        $NAME:ident = fn $name:ident($x:ident, $e:ident) -> $y:ident;
        vjp($g:ident) $rule:expr;
        numpy $numpy:literal;
    ) => {
        row! {
            $(#[doc = $doc])+
            pub(crate) $NAME = fn $name($x: float, $e: float) -> $y
            shape(c) shapes::elementwise(c);
            kernel Kernel::Tile(crate::formula!(float full |$x, $e| $name($x, $e)));
            support Elementwise(finite);
            vjp($g) { $x: $rule, $e: Cotangent::Zero }
            batch Elementwise;
            numpy $numpy;
            exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its operands belong together: the functions that they serve test it";
            bad samples::binary_bad(stringify!($name));
        }
    };
}

with_decay! {
    /// The hyperbolic tangent of `x`, given `e`, the decay of `2 * x`.
    ///
    /// Gradient: `g * tanh_slope(y, e)`, to `x`.
    TANH_WITH = fn tanh_with(x, e) -> y;
    vjp(g) tanh_adjoint(y, e, g);
    numpy "np.tanh(x)";
}
with_decay! {
    /// `1 - y * y`, for the hyperbolic tangent `y` of an `x`, given `e`, the decay of `2 * x`.
    ///
    /// Gradient: `-2 * g * y`, to `y`.
    TANH_SLOPE = fn tanh_slope(y, e) -> slope;
    vjp(g) g * (y * -2.0);
    numpy "1 - y * y";
}
row! {
    /// `g * (1 - y * y)`, for the hyperbolic tangent `y` of an `x`, given `e`, the decay of `2 * x`: the adjoint of [`TANH`].
    ///
    /// Gradient: `-2 * g * y` times the cotangent, to `y`, and `tanh_slope(y, e)` times the cotangent, to `g`.
    pub(crate) TANH_ADJOINT = fn tanh_adjoint(y: float, e: float, g: float) -> x
    shape(c) shapes::elementwise(c);
    kernel Kernel::Tile(crate::formula!(float full |y, e, g| g * tanh_slope(y, e)));
    support Elementwise(finite);
    vjp(c) { y: c * (g * (y * -2.0)), e: Cotangent::Zero, g: c * tanh_slope(y, e) }
    batch Elementwise;
    numpy "g * (1 - y * y)";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its operands belong together: the functions that they serve test it";
    refuses f64[2], f64[3], f64[] => "tanh_adjoint: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}
with_decay! {
    /// The logistic function of `x`, given `e`, the decay of `x`.
    ///
    /// Gradient: `g * sigmoid_slope(y, e)`, to `x`.
    SIGMOID_WITH = fn sigmoid_with(x, e) -> y;
    vjp(g) g * sigmoid_slope(y, e);
    numpy "scipy.special.expit(x)";
}
with_decay! {
    /// `y * (1 - y)`, for the logistic function `y` of an `x`, given `e`, the decay of `x`.
    ///
    /// Gradient: `g * (1 - 2 * y)`, to `y`.
    SIGMOID_SLOPE = fn sigmoid_slope(y, e) -> slope;
    vjp(g) g * one_minus_twice(y, e);
    numpy "y * (1 - y)";
}
with_decay! {
    /// `log(1 + exp(x))`, given `e`, the decay of `x`.
    ///
    /// Gradient: `g * sigmoid_with(x, e)`, to `x`.
    SOFTPLUS_WITH = fn softplus_with(x, e) -> y;
    vjp(g) g * sigmoid_with(x, e);
    numpy "np.logaddexp(x, 0)";
}
with_decay! {
    /// `x` times its logistic function, and 0 at -inf, given `e`, the decay of `x`.
    ///
    /// Gradient: `g * silu_slope(x, e)`, to `x`.
    SILU_WITH = fn silu_with(x, e) -> y;
    vjp(g) g * silu_slope(x, e);
    numpy "x * scipy.special.expit(x)";
}
with_decay! {
    /// `y * (1 + x * (1 - y))` for the logistic function `y` of `x`: the derivative of `x * y`; `e` is the decay of `x`.
    ///
    /// Gradient: `g * y * (1 - y) * (2 + x * (1 - 2 * y))`, to `x`.
    SILU_SLOPE = fn silu_slope(x, e) -> slope;
    vjp(g) {
        let y = sigmoid_with(x, e);
        g * weighted(sigmoid_slope(y, e), 2.0 + x * one_minus_twice(y, e))
    };
    numpy "scipy.special.expit(x) * (1 + x * scipy.special.expit(-x))";
}

row! {
    /// `log(1 + exp(x)) - targets * x`, given `e`, the decay of `x`; 0 times infinity is 0.
    ///
    /// Gradient: `g * logistic_residual(x, targets, e)` and `-g * x`.
    pub(crate) LOGISTIC_LOSS = fn logistic_loss(x: float, targets: float, e: float) -> loss
    shape(c) shapes::elementwise(c);
    kernel Kernel::Tile(crate::formula!(float full |x, targets, e| logistic_loss(x, targets, e)));
    support Elementwise(finite);
    vjp(g) { x: g * logistic_residual(x, targets, e), targets: -(g * x), e: Cotangent::Zero }
    batch Elementwise;
    numpy "np.logaddexp(x, 0) - targets * x";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its operands belong together: the functions that they serve test it";
    refuses f64[2], f64[3], f64[] => "logistic_loss: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}
row! {
    /// `sigmoid(x) - targets`, given `e`, the decay of `x`.
    ///
    /// Gradient: `g * y * (1 - y)` for the logistic function `y`, and `-g`.
    pub(crate) LOGISTIC_RESIDUAL = fn logistic_residual(x: float, targets: float, e: float) -> residual
    shape(c) shapes::elementwise(c);
    kernel Kernel::Tile(crate::formula!(float full |x, targets, e| logistic_residual(x, targets, e)));
    support Elementwise(finite);
    vjp(g) { x: g * sigmoid_slope(sigmoid_with(x, e), e), targets: -g, e: Cotangent::Zero }
    batch Elementwise;
    numpy "scipy.special.expit(x) - targets";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its operands belong together: the functions that they serve test it";
    refuses f64[2], f64[3], f64[] => "logistic_residual: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}

/// `1 - 2 * y` for the logistic function `y`: `-tanh(x / 2)`, which is exact also where `y` rounds to 1/2. The argument is
/// read from the decay, so that the first derivative need not keep it.
fn one_minus_twice<'g>(y: Tensor<'g>, decay: Tensor<'g>) -> Tensor<'g> {
    let node = decay.node();
    match node.inputs.first() {
        Some(&x) if node.def().is_some_and(|def| std::ptr::eq(def, &DECAY)) => -tanh(decay.graph().tensor(x) * 0.5),
        _ => 1.0 - y * 2.0,
    }
}
