//! The error function, the normal distribution and what is made of it.

use crate::graph::attr::{AttrType, IntoAttr, choices};
use crate::graph::op::{Case, Cotangent, Domain, Kernel, OpDef};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{apply, cast};
use crate::ops::arithmetic::weighted;
use crate::ops::gates::gelu_tanh;
use crate::ops::samples;
use crate::ops::shapes;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&ERF, &ERFC, &NDTR, &GELU, &GAUSSIAN, &NORMAL_DENSITY, &GELU_WITH, &GELU_SLOPE];

choices! {
    /// What `gelu` is computed as.
    pub enum Approximate {
        /// The function itself.
        None = "none",
        /// A function with a hyperbolic tangent that is close to it.
        Tanh = "tanh",
    }
}

row! {
    /// Error function `2 / sqrt(pi) * integral of exp(-t * t) from 0 to x`, within 2 ulp.
    ///
    /// Gradient: `g * 2 / sqrt(pi) * exp(-x * x)`.
    pub ERF = fn erf(x: float) -> y
    formula { erf(x) }
    vjp(g) { x: g * (gaussian(x) * std::f64::consts::FRAC_2_SQRT_PI) }
    numpy "scipy.special.erf(x)";
    example "T.erf([0.0, 1.0])" => "[0.         0.84270079]";
    samples real;
}
row! {
    /// Complementary error function `1 - erf(x)`, within 3 ulp (4 without fused multiply-add) also where `erf(x)` rounds to 1.
    ///
    /// Gradient: `-g * 2 / sqrt(pi) * exp(-x * x)`.
    pub ERFC = fn erfc(x: float) -> y
    formula { erfc(x) }
    vjp(g) { x: g * (gaussian(x) * -std::f64::consts::FRAC_2_SQRT_PI) }
    numpy "scipy.special.erfc(x)";
    example "T.erfc([0.0, 1.0, 10.0])" => "[1.00000000e+00 1.57299207e-01 2.08848758e-45]";
    samples real;
}
row! {
    /// The standard normal distribution function, `erfc(-x / sqrt(2)) / 2`, within 3 ulp (4 without fused multiply-add) on both sides.
    ///
    /// Gradient: `g * exp(-x * x / 2) / sqrt(2 * pi)`.
    pub NDTR = fn ndtr(x: float) -> y
    formula { ndtr(x) }
    vjp(g) { x: g * normal_density(x) }
    numpy "scipy.special.ndtr(x)";
    example "T.ndtr([-10.0, 0.0, 1.0])" => "[7.61985302e-24 5.00000000e-01 8.41344746e-01]";
    samples real;
}
row! {
    /// Gaussian error linear unit: `x * ndtr(x)`, and its limit 0 at -inf. With `approximate="tanh"` it is
    /// `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2`, without loss in the tails too.
    ///
    /// Gradient: `g * (ndtr(x) + x * exp(-x * x / 2) / sqrt(2 * pi))`, or `g` times the derivative of the approximation.
    pub GELU = fn gelu(x: any; approximate: Approximate = Approximate::None) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        match approximate {
            Approximate::None => gelu_with(x, ndtr(x)),
            Approximate::Tanh => gelu_tanh(x),
        }
    }
    numpy "x * (scipy.special.ndtr(x) if approximate == 'none' else scipy.special.expit(np.sqrt(8 / np.pi) * (x + 0.044715 * x**3)))";
    example "T.gelu([-1.0, 0.0, 1.0])" => "[-0.15865525  0.          0.84134475]";
    by hand;
    cases samples::unary_cases(Domain::Real).into_iter().flat_map(|c| {
        [Approximate::None, Approximate::Tanh].map(|a| Case { inputs: c.inputs.clone(), attrs: vec![a.pack()] })
    });
}

/// Gaussian error linear unit: `x * ndtr(x)`, and its limit 0 at -inf.
///
/// Gradient: `g * (ndtr(x) + x * exp(-x * x / 2) / sqrt(2 * pi))`.
#[track_caller]
pub fn gelu<'g>(x: impl AsTensor<'g>) -> Tensor<'g> {
    gelu_approximate(x, Approximate::None)
}

/// [`gelu`], or what stands in its place.
#[track_caller]
pub fn gelu_approximate<'g>(x: impl AsTensor<'g>, approximate: impl IntoAttr<Approximate>) -> Tensor<'g> {
    apply(&GELU, &[x.tensor().into()], &[approximate.into_attr().pack()])
}

row! {
    /// `x * p`, where `p` is `ndtr(x)`.
    ///
    /// Gradient: `g * gelu_slope(x, p)`, to `x`.
    pub(crate) GELU_WITH = fn gelu_with(x: float, p: float) -> y
    shape(c) shapes::elementwise(c);
    kernel Kernel::Tile(crate::formula!(float full |x, p| gelu_with(x, p)));
    support Elementwise(finite);
    vjp(g) { x: g * gelu_slope(x, p), p: Cotangent::Zero }
    batch Elementwise;
    numpy "x * p";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its operands belong together: the functions that they serve test it";
    bad samples::binary_bad("gelu_with");
}
row! {
    /// `p + x * normal_density(x)`, where `p` is `ndtr(x)`.
    ///
    /// Gradient: `g * (2 - x * x) * normal_density(x)`, to `x`.
    pub(crate) GELU_SLOPE = fn gelu_slope(x: float, p: float) -> slope
    shape(c) shapes::elementwise(c);
    kernel Kernel::Tile(crate::formula!(float full |x, p| gelu_slope(x, p)));
    support Elementwise(finite);
    vjp(g) { x: g * weighted(normal_density(x), 2.0 - x * x), p: Cotangent::Zero }
    batch Elementwise;
    numpy "p + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its operands belong together: the functions that they serve test it";
    bad samples::binary_bad("gelu_slope");
}
row! {
    /// `exp(-x * x)`, within 2 ulp also where the square's rounding would count.
    ///
    /// Gradient: `-2 * g * x * y`.
    pub(crate) GAUSSIAN = fn gaussian(x: float) -> y
    formula { gaussian(x) }
    vjp(g) { x: g * (weighted(y, x) * -2.0) }
    numpy "np.exp(-x * x)";
    samples real;
}
row! {
    /// The density of the standard normal distribution, `exp(-x * x / 2) / sqrt(2 * pi)`, within 3 ulp.
    ///
    /// Gradient: `-g * x * y`.
    pub(crate) NORMAL_DENSITY = fn normal_density(x: float) -> y
    formula { normal_density(x) }
    vjp(g) { x: -(g * weighted(y, x)) }
    numpy "np.exp(-x * x / 2) / np.sqrt(2 * np.pi)";
    samples real;
}
