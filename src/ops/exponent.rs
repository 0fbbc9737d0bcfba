//! Exponentials beside that of `exp`.

use std::f64::consts::LN_2;

use crate::graph::op::OpDef;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&EXP, &EXP2, &EXPM1];

row! {
    /// Exponential function, within 2 ulp.
    ///
    /// Gradient: `g * y`.
    pub EXP = fn exp(x: float) -> y
    formula { exp(x) }
    vjp(g) { x: g * y }
    derivative singular;
    numpy "np.exp(x)";
    example "T.exp([0.0, 1.0])" => "[1.         2.71828183]";
    method exp;
    samples real;
}
row! {
    /// `2 ** x`, within 2 ulp, and exact for integers.
    ///
    /// Gradient: `g * y * log(2)`.
    pub EXP2 = fn exp2(x: float) -> y
    formula { exp2(x) }
    vjp(g) { x: g * (y * LN_2) }
    derivative singular;
    numpy "np.exp2(x)";
    example "T.exp2([-1.0, 0.5, 10.0])" => "[5.00000000e-01 1.41421356e+00 1.02400000e+03]";
    samples real;
}
row! {
    /// `exp(x) - 1`, within 3 ulp also where `exp(x)` rounds to 1.
    ///
    /// Gradient: `g * exp(x)`.
    pub EXPM1 = fn expm1(x: float) -> y
    formula { expm1(x) }
    vjp(g) { x: g * exp(x) }
    derivative singular;
    numpy "np.expm1(x)";
    example "T.expm1([-100.0, 1e-20, 1.0])" => "[-1.00000000e+00  1.00000000e-20  1.71828183e+00]";
    samples real;
}
