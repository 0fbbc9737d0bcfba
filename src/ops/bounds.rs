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
    &[&CHECK_PROBABILITY, &CHECK_RATIO, &CHECK_EXPONENT, &CHECK_ORDER, &CHECK_NOT_NEGATIVE, &CHECK_POSITIVE];

/// Which numbers a bound lets through, and how a person writes that.
type Bound = (fn(f64) -> bool, &'static str);

const PROBABILITY: Bound = (|p| (0.0..=1.0).contains(&p), "0 <= p <= 1");
const RATIO: Bound = (|r| (0.0..1.0).contains(&r), "0 <= ratio < 1");
const EXPONENT: Bound = (|e| e >= 0.0, "exponents >= 0");
const NOT_NEGATIVE: Bound = (|x| x >= 0.0, "a number >= 0");
const POSITIVE: Bound = (|x| x > 0.0, "a number > 0");
const ORDER: Bound = (|p| p != 0.0 && !p.is_nan(), "an order other than 0");

row! {
    /// `x` itself; an element that is NaN, negative or above 1 is an error of the run.
    ///
    /// Gradient: `g`.
    pub(crate) CHECK_PROBABILITY = fn check_probability(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Check(|ranges, op, x| kernels::check::within(ranges, op, x, PROBABILITY.1, PROBABILITY.0));
    support Elementwise(finite);
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    by hand;
    cases samples::unary_cases(Domain::Unit);
}
row! {
    /// `x` itself; an element that is NaN, negative, 1 or more is an error of the run.
    ///
    /// Gradient: `g`.
    pub(crate) CHECK_RATIO = fn check_ratio(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Check(|ranges, op, x| kernels::check::within(ranges, op, x, RATIO.1, RATIO.0));
    support Elementwise(finite);
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    by hand;
    cases samples::unary_cases(Domain::Unit);
}
row! {
    /// `x` itself; a negative element is an error of the run.
    ///
    /// Gradient: `g`.
    pub(crate) CHECK_EXPONENT = fn check_exponent(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Check(|ranges, op, x| kernels::check::within(ranges, op, x, EXPONENT.1, EXPONENT.0));
    support Elementwise(finite);
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    by hand;
    exempt First, Second, Narrow: "its samples are integers";
    cases samples::unary_cases(Domain::Index(4));
}

row! {
    /// `x` itself; an element that is 0 or NaN is an error of the run.
    ///
    /// Gradient: `g`.
    pub(crate) CHECK_ORDER = fn check_order(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Check(|ranges, op, x| kernels::check::within(ranges, op, x, ORDER.1, ORDER.0));
    support Elementwise(finite);
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    by hand;
    cases samples::unary_cases(Domain::Positive);
}
row! {
    /// `x` itself; an element that is negative or NaN is an error of the run.
    ///
    /// Gradient: `g`.
    pub(crate) CHECK_NOT_NEGATIVE = fn check_not_negative(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Check(|ranges, op, x| kernels::check::within(ranges, op, x, NOT_NEGATIVE.1, NOT_NEGATIVE.0));
    support Elementwise(finite);
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    by hand;
    cases samples::unary_cases(Domain::Unit);
}
row! {
    /// `x` itself; an element that is 0, negative or NaN is an error of the run.
    ///
    /// Gradient: `g`.
    pub(crate) CHECK_POSITIVE = fn check_positive(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Check(|ranges, op, x| kernels::check::within(ranges, op, x, POSITIVE.1, POSITIVE.0));
    support Elementwise(finite);
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    by hand;
    cases samples::unary_cases(Domain::Positive);
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
