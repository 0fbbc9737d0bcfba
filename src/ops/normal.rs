//! The error function and the normal distribution.

use crate::graph::op::{Body, Cotangent, Domain, Family, Kernel, OpDef, Operands, Param, ParamKind, Primitive};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, apply};
use crate::ops::elementwise::weighted;
use crate::ops::families;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&ERF, &ERFC, &NDTR, &GAUSSIAN, &NORMAL_DENSITY];

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
    /// Complementary error function `1 - erf(x)`, within 3 ulp also where `erf(x)` rounds to 1.
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
    /// The standard normal distribution function, `erfc(-x / sqrt(2)) / 2`, within 3 ulp on both sides.
    ///
    /// Gradient: `g * exp(-x * x / 2) / sqrt(2 * pi)`.
    NDTR = fn ndtr(x) -> y { ndtr(x) }
    kind float;
    vjp(g) g * normal_density(x);
    numpy "scipy.special.ndtr(x)";
    example "T.ndtr([-10.0, 0.0, 1.0])" => "[7.61985302e-24 5.00000000e-01 8.41344746e-01]";
    samples Real;
}
unary! {
    /// `exp(-x * x)`, within 2 ulp also where the square's rounding would count.
    ///
    /// Gradient: `-2 * g * x * y`.
    GAUSSIAN = fn gaussian(x) -> y { gaussian(x) }
    kind float;
    vjp(g) g * weighted(y, x * -2.0);
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
