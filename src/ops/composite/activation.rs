//! Activations.

use crate::graph::Tensor;
use crate::graph::attr::Axes;
use crate::graph::op::{Domain, Kernel, OpDef};
use crate::ops::activation::{decay, silu_with, softplus};
use crate::ops::apply::cast;
use crate::ops::arithmetic::clip;
use crate::ops::compare::{equal, greater};
use crate::ops::exponent::exp;
use crate::ops::exponent::expm1;
use crate::ops::reduce::{reduce_logsumexp, reduce_sum, shift};
use crate::ops::rules::quotient;
use crate::ops::samples;
use crate::ops::select::select;
use crate::ops::shapes;
use crate::shape;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&LEAKY_RELU, &ELU, &SILU, &HARD_TANH, &LOGSIGMOID, &SOFTMAX, &NORMALISED, &LOG_SOFTMAX];

row! {
    /// Rectifier that leaks: `x` where `x > 0`, else `negative_slope * x`, with broadcasting.
    ///
    /// Gradient: to `x` it is `g` where `x > 0`, `g * negative_slope` elsewhere, at 0 too; to the slope `g * x` where `x <= 0`.
    pub LEAKY_RELU = fn leaky_relu(x: float, negative_slope: float = 0.01) -> y
    body { select(greater(x, 0.0), x, x * negative_slope) }
    numpy "np.where(x > 0, x, x * negative_slope)";
    example "T.leaky_relu([-1.0, 0.0, 2.0])" => "[-0.01  0.    2.  ]";
    case real[2, 3], unit[];
    case real[2, 3], unit[3];
    bad samples::binary_bad("leaky_relu");
}
row! {
    /// Exponential linear unit: `x` where `x > 0`, else `alpha * (exp(x) - 1)`, accurate close to 0, with broadcasting.
    ///
    /// Gradient: to `x` it is `g` where `x > 0`, `g * alpha * exp(x)` elsewhere, at 0 too; to `alpha` it is `g * (exp(x) - 1)` where `x <= 0`.
    pub ELU = fn elu(x: float, alpha: float = 1.0) -> y
    body { select(greater(x, 0.0), x, expm1(x) * alpha) }
    numpy "np.where(x > 0, x, alpha * np.expm1(x))";
    example "T.elu([-1000.0, -1e-20, 2.0])" => "[-1.e+00 -1.e-20  2.e+00]";
    case real[2, 3], unit[];
    case real[2, 3], unit[3];
    bad samples::binary_bad("elu");
}
row! {
    /// `x * sigmoid(x)`, and its limit 0 at -inf; also called swish.
    ///
    /// Gradient: `g * y'`, where `y'` is `sigmoid(x) * (1 + x * sigmoid(-x))`, accurate in both tails.
    pub SILU = fn silu(x: float) -> y
    body { silu_with(x, decay(x)) }
    numpy "x * scipy.special.expit(x)";
    example "T.silu([-1000.0, 0.0, 1000.0])" => "[  -0.    0. 1000.]";
    alias swish;
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// `x` limited to `min_val .. max_val`: `clip` with bounds of its own.
    ///
    /// Gradient: `g` where `min_val < x < max_val` and exactly 0 elsewhere, at the bounds too; else to the bound that holds.
    pub HARD_TANH = fn hard_tanh(x: value, min_val: value = (-1.0), max_val: value = 1.0) -> y
    body { clip(x, min_val, max_val) }
    numpy "np.clip(x, min_val, max_val)";
    example "T.hard_tanh([-3.0, 0.5, 3.0])" => "[-1.   0.5  1. ]";
    alias hardtanh;
    case real[2, 3], unit[], positive[3];
    refuses f64[2], f64[3], f64[] => "hard_tanh: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}
row! {
    /// `log(sigmoid(x))`, computed as `-softplus(-x)`: it never overflows, and loses nothing in either tail.
    ///
    /// Gradient: `g * sigmoid(-x)`.
    pub LOGSIGMOID = fn logsigmoid(x: float) -> y
    body { -softplus(-x) }
    numpy "-np.logaddexp(-x, 0)";
    example "T.logsigmoid([-1000.0, 0.0, 40.0])" => "[-1.00000000e+03 -6.93147181e-01 -4.24835426e-18]";
    alias log_sigmoid;
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// `exp(x) / sum(exp(x))` along `axis`, shifted by the maximum: it never overflows. Where all elements are -inf, or one is
    /// inf, it is NaN.
    ///
    /// Gradient: `y * (g - sum(g * y))`, accurate also where a probability rounds to 1.
    pub SOFTMAX = fn softmax(x: any; axis: i64 = -1) -> y
    body {
        shape::axis("softmax", axis, x.ndim())?;
        let x = cast(x, x.dtype().to_float());
        let e = exp(x - shift(x, Axes(Some([axis].into()))));
        normalised(e, reduce_sum(e, axis, true), axis)
    }
    numpy "scipy.special.softmax(x, axis=axis)";
    example "T.softmax([[1000.0, 1000.0], [0.0, -np.inf]])" => "[[0.5 0.5]\n [1.  0. ]]";
    case real[5] with axis = 0;
    case real[2, 3, 4] with axis = -1;
    case real[2, 3] with axis = 0;
    refuses f64[2] with axis = 1 => "softmax: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// `e / sum`, where `sum` is that of `e` along `axis`, and the largest element of `e` is 1.
    ///
    /// Gradient: that of the quotient for `g` less its value at the largest element. A constant is taken off, which what sums up
    /// to 1 does not see; but where that element rounds to 1, what is left of the others' does not cancel.
    pub(crate) NORMALISED = fn normalised(e: float, sum: float; axis: i64 = -1) -> y
    shape(c) {
        shape::axis(c.op, axis, e.ndim())?;
        shapes::elementwise(c)
    };
    kernel Kernel::Tile(crate::formula!(float |e, sum| e / sum));
    support Repeated(along_axis);
    vjp(g) {
        e: quotient(without_largest(g, e, axis), sum),
        sum: quotient(-(without_largest(g, e, axis) * y), sum),
    }
    batch Axes;
    numpy "e / sum";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds for what sums up to 1 only: softmax tests it";
    refuses f64[2], f64[1] with axis = 1 => "normalised: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// `g` less its value where `e` is 1 along `axis`; of several the largest.
fn without_largest<'g>(g: Tensor<'g>, e: Tensor<'g>, axis: i64) -> Tensor<'g> {
    g - shift(select(equal(e, 1.0), g, f64::NEG_INFINITY), Axes(Some([axis].into())))
}

row! {
    /// `x - logsumexp(x)` along `axis`: the logarithm of softmax without its underflow.
    ///
    /// Gradient: `g - softmax(x) * sum(g)`, with an error of one unit in the last place of `g` where a probability rounds to 1.
    pub LOG_SOFTMAX = fn log_softmax(x: any; axis: i64 = -1) -> y
    body {
        shape::axis("log_softmax", axis, x.ndim())?;
        x - reduce_logsumexp(x, Axes(Some([axis].into())), true)
    }
    numpy "scipy.special.log_softmax(x, axis=axis)";
    example "T.log_softmax([0.0, -1000.0])" => "[    0. -1000.]";
    case real[5] with axis = 0;
    case real[2, 3, 4] with axis = 1;
    refuses f64[2] with axis = 1 => "log_softmax: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
