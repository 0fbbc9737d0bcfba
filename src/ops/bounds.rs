//! Values that must lie in a range: `x` itself, and an error of the run where an element does not.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Domain, Kernel, OpDef};
use crate::graph::{NodeOp, Tensor};
use crate::kernels;
use crate::ops::apply::apply;
use crate::ops::samples;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&CHECK_PROBABILITY, &CHECK_RATIO, &CHECK_EXPONENT, &CHECK_ORDER, &CHECK_NOT_NEGATIVE, &CHECK_POSITIVE, &CHECK_PLENTY];

/// Which numbers a bound lets through, and how a person writes that.
type Bound = (fn(f64) -> bool, &'static str);

/// Rows that let through what a bound lets through.
macro_rules! checks {
    ($($refused:literal, $bound:ident = ($ok:expr, $rule:literal), $NAME:ident $name:ident, $domain:ident $(($n:literal))? $(exempt $why:literal)?;)+) => {$(
        const $bound: Bound = ($ok, $rule);

        row! {
            #[doc = "`x` itself."]
            #[doc = $refused]
            #[doc = ""]
            #[doc = "Gradient: `g`."]
            pub(crate) $NAME = fn $name(x: any) -> y
            shape(c) Ok(smallvec![x.clone()]);
            kernel Kernel::Check(|ranges, op, x| kernels::check::within(ranges, op, x, $bound.1, $bound.0));
            support Elementwise(finite);
            vjp(g) { x: g }
            batch Elementwise;
            numpy "x";
            by hand;
            $(exempt First, Second, Narrow: $why;)?
            cases samples::unary_cases(Domain::$domain $(($n))?);
        }
    )+};
}

checks! {
    "An element that is NaN, negative or above 1 is an error of the run.",
    PROBABILITY = (|p| (0.0..=1.0).contains(&p), "0 <= p <= 1"), CHECK_PROBABILITY check_probability, Unit;
    "An element that is NaN, negative, 1 or more is an error of the run.",
    RATIO = (|r| (0.0..1.0).contains(&r), "0 <= ratio < 1"), CHECK_RATIO check_ratio, Unit;
    "A negative element is an error of the run.",
    EXPONENT = (|e| e >= 0.0, "exponents >= 0"), CHECK_EXPONENT check_exponent, Index(4) exempt "its samples are integers";
    "An element that is 0 or NaN is an error of the run.",
    ORDER = (|p| p != 0.0 && !p.is_nan(), "an order other than 0"), CHECK_ORDER check_order, Positive;
    "An element that is negative or NaN is an error of the run.",
    NOT_NEGATIVE = (|x| x >= 0.0, "a number >= 0"), CHECK_NOT_NEGATIVE check_not_negative, Unit;
    "An element that is 0, negative or NaN is an error of the run.",
    POSITIVE = (|x| x > 0.0, "a number > 0"), CHECK_POSITIVE check_positive, Positive;
    "An element that is NaN, or 1 or less, is an error of the run.",
    PLENTY = (|n| n > 1.0, "two elements at least"), CHECK_PLENTY check_plenty, Beyond;
}

/// `x`, which must lie in a range: a literal now, anything else when it runs.
fn bounded<'g>(op: &str, x: Tensor<'g>, row: &'static OpDef, (ok, rule): Bound) -> Result<Tensor<'g>> {
    match x.node().op {
        NodeOp::Scalar(s) if ok(s.as_f64()) => Ok(x),
        NodeOp::Scalar(s) => Err(Error::new(ErrorKind::Value, op, "a value is out of range", s.as_f64(), rule)),
        _ => Ok(apply(row, &[x.into()], &[])),
    }
}

/// `p` of the op `op`: a probability.
pub(crate) fn probability<'g>(op: &str, p: Tensor<'g>) -> Result<Tensor<'g>> {
    bounded(op, p, &CHECK_PROBABILITY, PROBABILITY)
}

/// `ratio` of the op `op`: what is left of 1 is divided by.
pub(crate) fn ratio<'g>(op: &str, ratio: Tensor<'g>) -> Result<Tensor<'g>> {
    bounded(op, ratio, &CHECK_RATIO, RATIO)
}

/// The exponent of an integer power.
pub(crate) fn exponent<'g>(op: &str, exponent: Tensor<'g>) -> Result<Tensor<'g>> {
    bounded(op, exponent, &CHECK_EXPONENT, EXPONENT).map_err(|e| e.help("cast the base to a floating dtype"))
}

/// `x` of the op `op`, which is 0 or more.
pub(crate) fn not_negative<'g>(op: &str, x: Tensor<'g>) -> Result<Tensor<'g>> {
    bounded(op, x, &CHECK_NOT_NEGATIVE, NOT_NEGATIVE)
}

/// `x` of the op `op`, which is more than 0.
pub(crate) fn positive<'g>(op: &str, x: Tensor<'g>) -> Result<Tensor<'g>> {
    bounded(op, x, &CHECK_POSITIVE, POSITIVE)
}

/// `p` of the op `op`: the order of a norm whose formula divides by it.
pub(crate) fn order<'g>(op: &str, p: Tensor<'g>) -> Result<Tensor<'g>> {
    bounded(op, p, &CHECK_ORDER, ORDER)
}

/// `n` of the op `op`: how many elements a variance with the divisor `n - 1` is taken of.
pub(crate) fn plenty<'g>(op: &str, n: Tensor<'g>) -> Result<Tensor<'g>> {
    bounded(op, n, &CHECK_PLENTY, PLENTY)
}
