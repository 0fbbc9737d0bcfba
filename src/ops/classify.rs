//! What kind of number an element is, and what is made of it: all composites of comparisons and choices.

use crate::dtype::DType;
use crate::graph::Tensor;
use crate::graph::op::{Cotangent, Domain, OpDef};
use crate::ops::apply::cast;
use crate::ops::arithmetic::{abs, maximum, minimum, sign};
use crate::ops::compare::{equal, less, not_equal};
use crate::ops::samples;
use crate::ops::select::select;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&ISNAN, &ISINF, &ISFINITE, &SIGNBIT, &NAN_TO_NUM, &FMAX, &FMIN, &COPYSIGN, &HEAVISIDE];

row! {
    /// True where `x` is NaN.
    pub ISNAN = fn isnan(x: compare) -> y
    body { not_equal(x, x) }
    numpy "np.isnan(x)";
    example "T.isnan([1.0, np.nan, np.inf])" => "[False  True False]";
    exempt First, Second: "it has no floating result";
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// True where `x` is infinite.
    pub ISINF = fn isinf(x: compare) -> y
    body { if x.dtype().is_float() { equal(abs(x), f64::INFINITY) } else { not_equal(x, x) } }
    numpy "np.isinf(x)";
    example "T.isinf([1.0, np.nan, -np.inf])" => "[False False  True]";
    exempt First, Second: "it has no floating result";
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// True where `x` is neither infinite nor NaN.
    pub ISFINITE = fn isfinite(x: compare) -> y
    body { if x.dtype().is_float() { less(abs(x), f64::INFINITY) } else { equal(x, x) } }
    numpy "np.isfinite(x)";
    example "T.isfinite([1.0, np.nan, np.inf])" => "[ True False False]";
    exempt First, Second: "it has no floating result";
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// True where the sign of `x` is negative, also that of -0.
    pub SIGNBIT = fn signbit(x: compare) -> y
    body {
        match x.dtype() {
            DType::Bool => not_equal(x, x),
            DType::I32 | DType::I64 => less(x, 0i32),
            DType::F32 | DType::F64 => less(copysign(x.graph().literal(1.0.into(), x.dtype()), x), 0.0),
        }
    }
    numpy "np.signbit(x)";
    example "T.signbit([-2.0, -0.0, 0.0, np.inf])" => "[ True  True False False]";
    exempt First, Second: "it has no floating result";
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// `x`, with `nan` in place of NaN, `posinf` in place of inf and `neginf` in place of -inf: without them the largest and the smallest
    /// number of the dtype. Integers stay as they are.
    ///
    /// Gradient: `g` where `x` is finite, exactly 0 elsewhere; there it goes to what was put in place.
    pub NAN_TO_NUM = fn nan_to_num(x: any, nan: any = 0.0, posinf: any = None, neginf: any = None) -> y
    body {
        match x.dtype() {
            DType::F32 => numbers(x, nan, posinf, neginf, f64::from(f32::MAX)),
            DType::F64 => numbers(x, nan, posinf, neginf, f64::MAX),
            DType::Bool | DType::I32 | DType::I64 => x,
        }
    }
    numpy "np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)";
    example "T.nan_to_num([1.0, np.nan, -np.inf, np.inf], nan=7.0, neginf=-1.0)" => "[ 1.00000000e+000  7.00000000e+000 -1.00000000e+000  1.79769313e+308]";
    case real[2, 3], real[], none, none;
    case real[2, 3], real[], real[], real[];
    refuses f64[2], f64[3], f64[], f64[] => "nan_to_num: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}

/// A floating `x` with something else in place of what is no finite number: without it, `most` and `-most`.
fn numbers<'g>(x: Tensor<'g>, nan: Tensor<'g>, posinf: Option<Tensor<'g>>, neginf: Option<Tensor<'g>>, most: f64) -> Tensor<'g> {
    let number = |given: Option<Tensor<'g>>, default: f64| match given {
        Some(t) => cast(t, x.dtype()),
        None => x.graph().literal(default.into(), x.dtype()),
    };
    let above = select(equal(x, f64::INFINITY), number(posinf, most), x);
    let finite = select(equal(x, f64::NEG_INFINITY), number(neginf, -most), above);
    select(equal(x, x), finite, cast(nan, x.dtype()))
}

row! {
    /// The larger of two, with broadcasting, and the other one if one is NaN.
    ///
    /// Gradient: to the larger; ties share it equally. To the one that is not NaN.
    pub FMAX = fn fmax(a: number, b: number) -> y
    body { beside_nan(a, b, maximum(a, b)) }
    numpy "np.fmax(a, b)";
    example "T.fmax([1.0, 5.0, np.nan], 3.0)" => "[3. 5. 3.]";
    cases samples::binary_cases(Domain::Real, Domain::Positive);
    bad {
        let mut all = samples::binary_bad("fmax");
        all.extend(samples::bools_refused("fmax", 2));
        all
    };
}
row! {
    /// The smaller of two, with broadcasting, and the other one if one is NaN.
    ///
    /// Gradient: to the smaller; ties share it equally. To the one that is not NaN.
    pub FMIN = fn fmin(a: number, b: number) -> y
    body { beside_nan(a, b, minimum(a, b)) }
    numpy "np.fmin(a, b)";
    example "T.fmin([1.0, 5.0, np.nan], 3.0)" => "[1. 3. 3.]";
    cases samples::binary_cases(Domain::Real, Domain::Positive);
    bad {
        let mut all = samples::binary_bad("fmin");
        all.extend(samples::bools_refused("fmin", 2));
        all
    };
}

/// `y`, which is made of both, and the other one where one is NaN.
fn beside_nan<'g>(a: Tensor<'g>, b: Tensor<'g>, y: Tensor<'g>) -> Tensor<'g> {
    if y.dtype().is_float() { select(not_equal(a, a), b, select(not_equal(b, b), a, y)) } else { y }
}

row! {
    /// `|a|` with the sign of `b`, also that of -0, with broadcasting.
    ///
    /// Gradient: `g` to `a` where the signs of both are equal, `-g` elsewhere; 0 at 0, and to `b`.
    pub COPYSIGN = fn copysign(a: float, b: float) -> y
    formula full { copysign(a, b) }
    vjp(g) { a: g * (copysign(sign(a), b) * sign(a)), b: Cotangent::Zero }
    numpy "np.copysign(a, b)";
    example "T.copysign([1.0, -2.0, 3.0], [-1.0, 1.0, -0.0])" => "[-1.  2. -3.]";
    samples real, real;
}
row! {
    /// The step function: 0 where `x` is negative, 1 where it is positive, `value` where it is 0; NaN of NaN.
    ///
    /// Gradient: 0 to `x`; to `value` where `x` is 0.
    pub HEAVISIDE = fn heaviside(x: float, value: float) -> y
    body { select(equal(x, 0.0), value, (sign(x) + 1.0) * 0.5) }
    numpy "np.heaviside(x, value)";
    example "T.heaviside([-1.5, 0.0, 2.0], 0.5)" => "[0.  0.5 1. ]";
    cases samples::binary_cases(Domain::Real, Domain::Real);
    bad samples::binary_bad("heaviside");
}
