//! Powers: of floating numbers, and of integers.

use crate::graph::op::{Domain, OpDef};
use crate::ops::apply::cast;
use crate::ops::bounds;
use crate::ops::power::{integer_power, real_power};
use crate::ops::samples;
use crate::ops::shapes;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&POW];

row! {
    /// Power with broadcasting: `y = a ** b`. Integers to integers stay integers and wrap around, and a negative exponent is
    /// an error of the run, as NumPy's; a negative base with a non-integral exponent gives NaN.
    ///
    /// Gradient: `g * b * a ** (b - 1)`, which is 0 where `b` is 0, and `g * y * log(a)`, which counts as 0 where `a` is 0.
    pub POW = fn pow(a: any, b: any) -> y
    body {
        let dtype = a.dtype().promote(b.dtype());
        shapes::check_number("pow", dtype)?;
        if dtype.is_float() {
            real_power(cast(a, dtype), cast(b, dtype))
        } else {
            integer_power(cast(a, dtype), bounds::exponent("pow", cast(b, dtype))?)
        }
    }
    numpy "a ** b";
    example "T.pow([4.0, 2.0, -8.0], [0.5, -1.0, 0.5])" => "[2.  0.5 nan]";
    alias power;
    cases samples::binary_cases(Domain::Positive, Domain::Real);
    bad {
        let mut all = samples::binary_bad("pow");
        all.extend(samples::bools_refused("pow", 2));
        all
    };
}
