//! Functions that are linear in a number: units of angles, and what lies between two numbers.

use std::f64::consts::PI;

use crate::graph::op::{Domain, OpDef};
use crate::ops::samples;
use crate::ops::shapes;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&POSITIVE, &DEG2RAD, &RAD2DEG, &LERP];

row! {
    /// `x` itself, which is a number.
    ///
    /// Gradient: `g`.
    pub POSITIVE = fn positive(x: number) -> y
    body {
        shapes::check_number("positive", x.dtype())?;
        x
    }
    numpy "+x";
    example "T.positive([1.0, -2.0])" => "[ 1. -2.]";
    cases samples::unary_cases(Domain::Real);
    bad samples::bools_refused("positive", 1);
}
row! {
    /// Degrees as radians: `x * pi / 180`.
    ///
    /// Gradient: `g * pi / 180`.
    pub DEG2RAD = fn deg2rad(x: float) -> y
    body { x * (PI / 180.0) }
    numpy "np.deg2rad(x)";
    example "T.deg2rad([180.0, 90.0])" => "[3.14159265 1.57079633]";
    alias radians;
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// Radians as degrees: `x * 180 / pi`.
    ///
    /// Gradient: `g * 180 / pi`.
    pub RAD2DEG = fn rad2deg(x: float) -> y
    body { x * (180.0 / PI) }
    numpy "np.rad2deg(x)";
    example "T.rad2deg([np.pi, 1.0])" => "[180.          57.29577951]";
    alias degrees;
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// `a + w * (b - a)`, linear interpolation, with broadcasting: `a` at 0 and `b` at 1, both exactly. It overflows only if it must.
    ///
    /// Gradient: `g * (1 - w)`, `g * w` and `g * (b - a)`.
    pub LERP = fn lerp(a: float, b: float, w: float) -> y
    // By half of the difference, which may be twice as large as a number.
    formula full { select(lt(w, 0.5), a + w * 2.0 * (b * 0.5 - a * 0.5), b - (1.0 - w) * 2.0 * (b * 0.5 - a * 0.5)) }
    vjp(g) { a: g * (1.0 - w), b: g * w, w: g * (b - a) }
    numpy "a + w * (b - a)";
    example "T.lerp(1.0, [3.0, 5.0], 0.5)" => "[2. 3.]";
    samples real, real, unit;
}
