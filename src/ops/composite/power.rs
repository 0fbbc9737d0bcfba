//! Powers: of floating numbers, and of integers.

use crate::graph::op::{Body, Domain, OpDef, Param, ParamKind};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply, cast};
use crate::ops::bounds;
use crate::ops::families;
use crate::ops::power::{integer_power, real_power};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&POW];

composite! {
    /// Power with broadcasting: `y = a ** b`. Integers to integers stay integers and wrap around, and a negative exponent is
    /// an error of the run, as NumPy's; a negative base with a non-integral exponent gives NaN.
    ///
    /// Gradient: `g * b * a ** (b - 1)`, which is 0 where `b` is 0, and `g * y * log(a)`, which counts as 0 where `a` is 0.
    POW = fn pow(a, b) -> y {
        let dtype = a.dtype().promote(b.dtype());
        families::check_number("pow", dtype)?;
        if dtype.is_float() {
            real_power(cast(a, dtype), cast(b, dtype))
        } else {
            integer_power(cast(a, dtype), bounds::exponent("pow", cast(b, dtype))?)
        }
    }
    numpy "a ** b";
    example "T.pow([4.0, 2.0, -8.0], [0.5, -1.0, 0.5])" => "[2.  0.5 nan]";
    cases families::binary_cases(Domain::Positive, Domain::Real);
    bad {
        let mut all = families::binary_bad("pow");
        all.extend(families::bools_refused("pow", 2));
        all
    };
}
