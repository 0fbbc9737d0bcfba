//! Division with a remainder.

use crate::graph::op::{Cotangent, Domain, OpDef};
use crate::ops::rounding::rint;
use crate::ops::samples;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&FLOOR_DIVIDE, &REMAINDER, &FMOD, &DIVMOD];

row! {
    /// The quotient rounded down, `floor(a / b)`, with broadcasting: Python's `//`. It is rounded once, so that it goes together with
    /// [`remainder`]. Integers stay integers: the quotient by 0 is 0, and that of the smallest one by -1 wraps around. Of floating
    /// numbers it is infinite or NaN by 0, and NaN for an infinite `a`.
    ///
    /// Gradient: 0.
    pub FLOOR_DIVIDE = fn floor_divide(a: number, b: number) -> y
    formula division { floor_divide(a, b) }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.floor_divide(a, b)";
    example "T.floor_divide([7, -7, 7], [2, 2, 0])" => "[ 3 -4  0]";
    samples real, positive;
}
row! {
    /// What `b * floor_divide(a, b)` leaves of `a`, with broadcasting: Python's `%`, which has the sign of `b`. Integers stay integers,
    /// and the remainder by 0 is 0; of floating numbers it is NaN by 0 and for an infinite `a`. It is exact if both have one sign.
    ///
    /// Gradient: `g` and `-g * floor_divide(a, b)`.
    pub REMAINDER = fn remainder(a: number, b: number) -> y
    formula division { remainder(a, b) }
    vjp(g) { a: g, b: -(g * floor_divide(a, b)) }
    derivative singular;
    numpy "np.remainder(a, b)";
    example "T.remainder([7.5, -7.5, 7.5], [2.0, 2.0, -2.0])" => "[ 1.5  0.5 -0.5]";
    alias r#mod;
    samples real, positive;
}
row! {
    /// The remainder that has the sign of `a`, as that of C and of Rust's `%`: `a - b * trunc(a / b)`, with broadcasting. It is exact.
    /// Integers stay integers, and the remainder by 0 is 0; of floating numbers it is NaN by 0 and for an infinite `a`.
    ///
    /// Gradient: `g` and `-g * trunc(a / b)`.
    pub FMOD = fn fmod(a: number, b: number) -> y
    formula division { fmod(a, b) }
    // The division alone may round up to an integer.
    vjp(g) { a: g, b: -(g * rint((a - y) / b)) }
    derivative singular;
    numpy "np.fmod(a, b)";
    example "T.fmod([7.5, -7.5, 7.5], [2.0, 2.0, -2.0])" => "[ 1.5 -1.5  1.5]";
    samples real, positive;
}
row! {
    /// [`floor_divide`] and [`remainder`], as a pair: Python's `divmod`.
    ///
    /// Gradient: theirs.
    pub DIVMOD = fn divmod(a: number, b: number) -> quotient, rest
    body { (floor_divide(a, b), remainder(a, b)) }
    numpy "np.divmod(a, b)";
    example "T.divmod([7, -7], 2)" => "[ 3 -4] [1 1]";
    cases samples::binary_cases(Domain::Real, Domain::Positive);
    bad {
        let mut all = samples::binary_bad("divmod");
        all.extend(samples::bools_refused("divmod", 2));
        all
    };
}
