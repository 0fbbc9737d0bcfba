//! Activations that are not made of other rows, because their derivatives would cancel or overflow: each has rows of its own for them.

use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::ops::activation::{decay_twice, tanh, tanh_slope};
use crate::ops::arithmetic::{abs, clip, square, weighted};
use crate::ops::compare::less_equal;
use crate::ops::exponent::exp;
use crate::ops::select::select;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&SOFTSIGN, &TANHSHRINK, &LOG_COSH, &MISH, &MISH_SLOPE, &MISH_CURVE, &GELU_TANH, &GELU_TANH_SLOPE, &GELU_TANH_CURVE];

row! {
    /// `x / (1 + |x|)`, and its limits 1 and -1 at infinity.
    ///
    /// Gradient: `g / (1 + |x|)**2`; the second one is 0 at 0, where it jumps.
    pub SOFTSIGN = fn softsign(x: float) -> y
    formula { softsign(x) }
    vjp(g) { x: g * square(1.0 / (1.0 + abs(x))) }
    numpy "x / (1 + np.abs(x))";
    example "T.softsign([-1.0, 0.0, 3.0])" => "[-0.5   0.    0.75]";
    samples real;
}
row! {
    /// `x - tanh(x)`, which near 0 is `x**3 / 3`: no digit is lost there.
    ///
    /// Gradient: `g * tanh(x)**2`.
    pub TANHSHRINK = fn tanhshrink(x: float) -> y
    formula { tanhshrink(x) }
    vjp(g) { x: g * square(tanh(x)) }
    numpy "x - np.tanh(x)";
    example "T.tanhshrink([0.0, 2.0])" => "[0.         1.03597242]";
    samples real;
}
row! {
    /// `log(cosh(x))`, which is near `x**2 / 2` or near `|x| - log(2)`, and accurate in between and in both.
    ///
    /// Gradient: `g * tanh(x)`.
    pub(crate) LOG_COSH = fn log_cosh(x: float) -> y
    formula { log_cosh(x) }
    vjp(g) { x: g * tanh(x) }
    numpy "np.log(np.cosh(x))";
    samples real;
}
row! {
    /// `x * tanh(softplus(x))`, and its limit 0 at -inf.
    ///
    /// Gradient: `g` times the derivative, accurate in both tails, as the second one is.
    pub MISH = fn mish(x: float) -> y
    formula { mish(x) }
    vjp(g) { x: g * mish_slope(x) }
    numpy "x * np.tanh(np.logaddexp(x, 0))";
    example "T.mish([-20.0, 0.0, 20.0])" => "[-4.12230724e-08  0.00000000e+00  2.00000000e+01]";
    samples real;
}
row! {
    /// The derivative of `mish(x)`.
    ///
    /// Gradient: `g * mish_curve(x)`.
    pub(crate) MISH_SLOPE = fn mish_slope(x: float) -> slope
    formula { mish_slope(x) }
    vjp(g) { x: g * mish_curve(x) }
    numpy "np.tanh(np.logaddexp(x, 0)) + x * scipy.special.expit(x) / np.cosh(np.logaddexp(x, 0))**2";
    samples real;
}
row! {
    /// The second derivative of `mish(x)`.
    ///
    /// Gradient: `g` times the third derivative.
    pub(crate) MISH_CURVE = fn mish_curve(x: float) -> curve
    formula { mish_curve(x) }
    vjp(g) { x: g * mish_third(x) }
    numpy "scipy.special.expit(x) / np.cosh(np.logaddexp(x, 0))**2 * (2 + x * (scipy.special.expit(-x) - 2 * scipy.special.expit(x) * np.tanh(np.logaddexp(x, 0))))";
    samples real;
}
row! {
    /// `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2`, and its limit 0 at -inf.
    ///
    /// Gradient: `g` times the derivative, accurate in both tails, as the second one is.
    pub(crate) GELU_TANH = fn gelu_tanh(x: float) -> y
    formula { gelu_tanh(x) }
    vjp(g) { x: g * gelu_tanh_slope(x) }
    numpy "x * scipy.special.expit(np.sqrt(8 / np.pi) * (x + 0.044715 * x**3))";
    samples real;
}
row! {
    /// The derivative of `gelu_tanh(x)`.
    ///
    /// Gradient: `g * gelu_tanh_curve(x)`.
    pub(crate) GELU_TANH_SLOPE = fn gelu_tanh_slope(x: float) -> slope
    formula { gelu_tanh_slope(x) }
    vjp(g) { x: g * gelu_tanh_curve(x) }
    numpy "ref.gelu_tanh_slope(x)";
    samples real;
}
row! {
    /// The second derivative of `gelu_tanh(x)`.
    ///
    /// Gradient: `g` times the third derivative.
    pub(crate) GELU_TANH_CURVE = fn gelu_tanh_curve(x: float) -> curve
    formula { gelu_tanh_curve(x) }
    vjp(g) { x: g * gelu_tanh_third(x) }
    numpy "ref.gelu_tanh_curve(x)";
    samples real;
}

/// A polynomial of `x`, the coefficients from the constant one on.
fn polynomial<'g>(x: Tensor<'g>, coefficients: [f64; 6]) -> Tensor<'g> {
    let [first, middle @ .., last] = coefficients;
    middle.iter().rev().fold(x * last, |sum, &c| (sum + c) * x) + first
}

/// The third derivative of [`MISH`]: three times the second derivative of its gate and `x` times the third, of quotients of polynomials of `exp(x)` or `exp(-x)`.
fn mish_third(x: Tensor<'_>) -> Tensor<'_> {
    let left = less_equal(x, 0.0);
    let d = exp(select(left, x, -x));
    let either = |on_left, on_right| select(left, polynomial(d, on_left), polynomial(d, on_right));
    let q = 1.0 / either([2.0, 2.0, 1.0, 0.0, 0.0, 0.0], [1.0, 2.0, 2.0, 0.0, 0.0, 0.0]);
    let factor = select(left, d, square(d)) * 4.0 * q * square(q);
    let second = either([2.0, 2.0, -3.0, -2.0, 0.0, 0.0], [-2.0, -3.0, 2.0, 2.0, 0.0, 0.0]);
    let third = either([4.0, 0.0, -32.0, -24.0, 5.0, 4.0], [4.0, 5.0, -24.0, -32.0, 0.0, 4.0]) * q;
    weighted(factor, second * 3.0 + x * third)
}

/// The third derivative of [`GELU_TANH`], with `t` for the hyperbolic tangent of `u`, and `p`, `q` and `r` for the derivatives of `u`.
fn gelu_tanh_third(x: Tensor<'_>) -> Tensor<'_> {
    // Beyond these numbers it is 0, and its powers overflow.
    let x = clip(x, -32.0, 32.0);
    let a = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
    let b = a * 0.044715;
    let z = square(x);
    let u = x * (z * b + a);
    let t = tanh(u);
    let s = tanh_slope(t, decay_twice(u));
    let (p, q, r) = (z * (3.0 * b) + a, x * (6.0 * b), 6.0 * b);
    let second = q - t * square(p) * 2.0;
    let third = r - t * p * q * 6.0 + square(t * p) * p * 4.0 - s * p * square(p) * 2.0;
    weighted(s, second * 1.5 + x * third * 0.5)
}
