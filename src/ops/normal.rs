//! The error function, the normal distribution and what is made of it.

use crate::graph::op::{Body, Cotangent, Domain, Kernel, OpDef, Operands, Param, ParamKind, Primitive, Support};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply, cast};
use crate::ops::elementwise::weighted;
use crate::ops::families;
use crate::shape::Aval;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&ERF, &ERFC, &NDTR, &GELU, &GAUSSIAN, &NORMAL_DENSITY, &GELU_WITH, &GELU_SLOPE];

unary! {
    /// Error function `2 / sqrt(pi) * integral of exp(-t * t) from 0 to x`, within 2 ulp.
    ///
    /// Gradient: `g * 2 / sqrt(pi) * exp(-x * x)`.
    ERF = fn erf(x) -> y { erf(x) }
    kind float;
    vjp(g) g * (gaussian(x) * std::f64::consts::FRAC_2_SQRT_PI);
    numpy "scipy.special.erf(x)";
    example "T.erf([0.0, 1.0])" => "[0.         0.84270079]";
    samples Real;
}
unary! {
    /// Complementary error function `1 - erf(x)`, within 3 ulp (4 without fused multiply-add) also where `erf(x)` rounds to 1.
    ///
    /// Gradient: `-g * 2 / sqrt(pi) * exp(-x * x)`.
    ERFC = fn erfc(x) -> y { erfc(x) }
    kind float;
    vjp(g) g * (gaussian(x) * -std::f64::consts::FRAC_2_SQRT_PI);
    numpy "scipy.special.erfc(x)";
    example "T.erfc([0.0, 1.0, 10.0])" => "[1.00000000e+00 1.57299207e-01 2.08848758e-45]";
    samples Real;
}
unary! {
    /// The standard normal distribution function, `erfc(-x / sqrt(2)) / 2`, within 3 ulp (4 without fused multiply-add) on both sides.
    ///
    /// Gradient: `g * exp(-x * x / 2) / sqrt(2 * pi)`.
    NDTR = fn ndtr(x) -> y { ndtr(x) }
    kind float;
    vjp(g) g * normal_density(x);
    numpy "scipy.special.ndtr(x)";
    example "T.ndtr([-10.0, 0.0, 1.0])" => "[7.61985302e-24 5.00000000e-01 8.41344746e-01]";
    samples Real;
}
composite! {
    /// Gaussian error linear unit: `x * ndtr(x)`, and its limit 0 at -inf.
    ///
    /// Gradient: `g * (ndtr(x) + x * exp(-x * x / 2) / sqrt(2 * pi))`.
    GELU = fn gelu(x) -> y {
        let x = cast(x, x.dtype().to_float());
        gelu_with(x, ndtr(x))
    }
    numpy "x * scipy.special.ndtr(x)";
    example "T.gelu([-1.0, 0.0, 1.0])" => "[-0.15865525  0.          0.84134475]";
    cases families::unary_cases(Domain::Real);
    bad vec![];
}
op! {
    /// `x * p`, where `p` is `ndtr(x)`.
    ///
    /// Gradient: `g * gelu_slope(x, p)`, to `x`.
    GELU_WITH = fn gelu_with(x, p) -> (y);
    operands Float;
    infer(c) families::elementwise(c);
    kernel Kernel::Tile(crate::formula!(float |x, p| gelu_with(x, p)));
    support Elementwise(finite);
    vjp(g) { x: g * gelu_slope(x, p), p: Cotangent::Zero }
    numpy "x * p";
    cases vec![];
    bad families::binary_bad("gelu_with");
}
function! {
    /// `x * p`, where `p` is `ndtr(x)`.
    GELU_WITH = fn gelu_with(x, p)
}
op! {
    /// `p + x * normal_density(x)`, where `p` is `ndtr(x)`.
    ///
    /// Gradient: `g * (2 - x * x) * normal_density(x)`, to `x`.
    GELU_SLOPE = fn gelu_slope(x, p) -> (slope);
    operands Float;
    infer(c) families::elementwise(c);
    kernel Kernel::Tile(crate::formula!(float |x, p| gelu_slope(x, p)));
    support Elementwise(finite);
    vjp(g) { x: g * weighted(normal_density(x), 2.0 - x * x), p: Cotangent::Zero }
    numpy "p + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)";
    cases vec![];
    bad families::binary_bad("gelu_slope");
}
function! {
    /// `p + x * normal_density(x)`, where `p` is `ndtr(x)`.
    GELU_SLOPE = fn gelu_slope(x, p)
}
unary! {
    /// `exp(-x * x)`, within 2 ulp also where the square's rounding would count.
    ///
    /// Gradient: `-2 * g * x * y`.
    GAUSSIAN = fn gaussian(x) -> y { gaussian(x) }
    kind float;
    vjp(g) g * (weighted(y, x) * -2.0);
    numpy "np.exp(-x * x)";
    samples Real;
}
unary! {
    /// The density of the standard normal distribution, `exp(-x * x / 2) / sqrt(2 * pi)`, within 3 ulp.
    ///
    /// Gradient: `-g * x * y`.
    NORMAL_DENSITY = fn normal_density(x) -> y { normal_density(x) }
    kind float;
    vjp(g) -(g * weighted(y, x));
    numpy "np.exp(-x * x / 2) / np.sqrt(2 * np.pi)";
    samples Real;
}
