//! Tangent and the inverse trigonometric functions. Sine and cosine stand with the elementwise primitives.
//!
//! The derivatives that products of other rows would give with less than their digits, or not at all where a square overflows,
//! are rows.

use crate::graph::op::OpDef;
use crate::ops::arithmetic::{square, weighted};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&SIN, &COS, &TAN, &ARCSIN, &ARCCOS, &ARCTAN, &ARCTAN2, &ARCSIN_SLOPE, &ARCTAN_SLOPE, &ANGLE_SLOPE];

row! {
    /// Sine, within 3 ulp.
    ///
    /// Gradient: `g * cos(x)`.
    pub SIN = fn sin(x: float) -> y
    formula { sin(x) }
    vjp(g) { x: g * cos(x) }
    numpy "np.sin(x)";
    example "T.sin([0.0, np.pi / 2])" => "[0. 1.]";
    samples real;
}
row! {
    /// Cosine, within 3 ulp.
    ///
    /// Gradient: `-g * sin(x)`.
    pub COS = fn cos(x: float) -> y
    formula { cos(x) }
    vjp(g) { x: -(g * sin(x)) }
    numpy "np.cos(x)";
    example "T.cos([0.0, np.pi])" => "[ 1. -1.]";
    samples real;
}
row! {
    /// Tangent, within 4 ulp.
    ///
    /// Gradient: `g * (1 + y * y)`.
    pub TAN = fn tan(x: float) -> y
    formula { tan(x) }
    vjp(g) { x: g * (1.0 + square(y)) }
    numpy "np.tan(x)";
    example "T.tan([0.0, np.pi / 4, -1.5])" => "[  0.           1.         -14.10141995]";
    samples inner;
}
row! {
    /// Inverse sine, between `-pi / 2` and `pi / 2`, within 3 ulp; NaN outside `-1 .. 1`.
    ///
    /// Gradient: `g / sqrt((1 - x) * (1 + x))`, infinite at -1 and 1.
    pub ARCSIN = fn arcsin(x: float) -> y
    formula { arcsin(x) }
    vjp(g) { x: g * arcsin_slope(x) }
    derivative singular;
    numpy "np.arcsin(x)";
    example "T.arcsin([0.0, 0.5, -1.0, 2.0])" => "[ 0.          0.52359878 -1.57079633         nan]";
    alias asin;
    samples inner;
}
row! {
    /// Inverse cosine, between 0 and pi, within 3 ulp; NaN outside `-1 .. 1`.
    ///
    /// Gradient: `-g / sqrt((1 - x) * (1 + x))`, infinite at -1 and 1.
    pub ARCCOS = fn arccos(x: float) -> y
    formula { arccos(x) }
    vjp(g) { x: -(g * arcsin_slope(x)) }
    derivative singular;
    numpy "np.arccos(x)";
    example "T.arccos([1.0, 0.5, -1.0, 2.0])" => "[0.         1.04719755 3.14159265        nan]";
    alias acos;
    samples inner;
}
row! {
    /// Inverse tangent, between `-pi / 2` and `pi / 2`, within 3 ulp.
    ///
    /// Gradient: `g / (1 + x * x)`, also where the square overflows.
    pub ARCTAN = fn arctan(x: float) -> y
    formula { arctan(x) }
    vjp(g) { x: g * arctan_slope(x) }
    numpy "np.arctan(x)";
    example "T.arctan([0.0, 1.0, -np.inf])" => "[ 0.          0.78539816 -1.57079633]";
    alias atan;
    samples real;
}
row! {
    /// The angle of the point `(b, a)`, whose tangent is `a / b`, in its quadrant: between `-pi` and pi, within 3 ulp, with broadcasting.
    /// The signs of zeros count, as in NumPy: `arctan2(0.0, -0.0)` is pi.
    ///
    /// Gradient: `g * b / (a * a + b * b)` and `-g * a / (a * a + b * b)`, also where the squares overflow or underflow; 0 at the
    /// origin, where there is none.
    pub ARCTAN2 = fn arctan2(a: float, b: float) -> y
    formula full { arctan2(a, b) }
    vjp(g) { a: g * angle_slope(b, a), b: -(g * angle_slope(a, b)) }
    derivative singular;
    numpy "np.arctan2(a, b)";
    example "T.arctan2([1.0, 1.0, -1.0, 0.0], [1.0, -1.0, 0.0, 0.0])" => "[ 0.78539816  2.35619449 -1.57079633  0.        ]";
    alias atan2;
    samples real, real;
}
row! {
    /// `1 / sqrt(1 - x * x)`, without loss near -1 and 1; NaN beyond.
    ///
    /// Gradient: `g * x * y**3`.
    pub(crate) ARCSIN_SLOPE = fn arcsin_slope(x: float) -> y
    formula { arcsin_slope(x) }
    vjp(g) { x: g * (x * y * y * y) }
    derivative singular;
    numpy "1 / np.sqrt(1 - x * x)";
    samples inner;
}
row! {
    /// `1 / (1 + x * x)`, also where the square overflows.
    ///
    /// Gradient: `-2 * g * x * y**2`.
    pub(crate) ARCTAN_SLOPE = fn arctan_slope(x: float) -> y
    formula { arctan_slope(x) }
    vjp(g) { x: g * (weighted(y, x) * y * -2.0) }
    numpy "1 / (1 + x * x)";
    samples real;
}
row! {
    /// `a / (a * a + b * b)`, also where the squares overflow or underflow; 0 at the origin.
    ///
    /// Gradient: `g * (q * q - y * y)` and `-2 * g * y * q`, where `q` is `b / (a * a + b * b)`.
    pub(crate) ANGLE_SLOPE = fn angle_slope(a: float, b: float) -> y
    formula full { angle_slope(a, b) }
    vjp(g) {
        a: {
            let q = angle_slope(b, a);
            g * ((q - y) * (q + y))
        },
        b: g * (y * angle_slope(b, a) * -2.0)
    }
    derivative singular;
    numpy "np.where((a == 0) & (b == 0), 0, a / (a * a + b * b))";
    samples real, real;
}
