//! How the support of a cotangent passes through rules: what rows say after `support` and `derivative`.

use crate::dtype::DType;
use crate::graph::attr::Axes;
use crate::graph::op::{Derivative, Vjp};
use crate::graph::{NodeOp, Tensor};
use crate::ops::apply::cast;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::not_equal;
use crate::ops::padding::{around, own_part};
use crate::ops::reduce::{reduce_sum, sum_in_turn};
use crate::ops::rules::{unbroadcast, unreduce};
use crate::ops::scan::cumulative_sum;
use crate::ops::slice::strided_slice;
use crate::ops::unpack::attr;

/// The local derivative is a number, or a choice of the rule's own mask.
pub(crate) fn constant(_: &Vjp<'_, '_>) -> Derivative {
    Derivative::Constant
}

/// The local derivative is finite where the operands are.
pub(crate) fn finite(_: &Vjp<'_, '_>) -> Derivative {
    Derivative::Finite
}

/// The local derivative is infinite or NaN at some finite operands, be it that it overflows.
pub(crate) fn singular(_: &Vjp<'_, '_>) -> Derivative {
    Derivative::Singular
}

/// The number that stands as a literal at operand `i`.
fn literal(v: &Vjp<'_, '_>, i: usize) -> Option<f64> {
    match v.x(i).node().op {
        NodeOp::Scalar(s) => Some(s.as_f64()),
        _ => None,
    }
}

/// A product: constant beside a finite literal.
pub(crate) fn by_factor(v: &Vjp<'_, '_>) -> Derivative {
    let finite = |i| literal(v, i).is_some_and(f64::is_finite);
    if finite(0) || finite(1) { Derivative::Constant } else { Derivative::Finite }
}

/// A quotient: constant over a literal that is not 0.
pub(crate) fn by_divisor(v: &Vjp<'_, '_>) -> Derivative {
    match literal(v, 1) {
        Some(b) if b != 0.0 => Derivative::Constant,
        _ => Derivative::Singular,
    }
}

/// A power: constant under the exponents 0 and 1.
pub(crate) fn by_exponent(v: &Vjp<'_, '_>) -> Derivative {
    match literal(v, 1) {
        Some(0.0 | 1.0) => Derivative::Constant,
        _ => Derivative::Singular,
    }
}

/// A reduction: the support repeated over the reduced axes.
pub(crate) fn unreduced<'g>(v: &Vjp<'_, 'g>, s: Tensor<'g>, _: usize) -> Tensor<'g> {
    let axes = attr::<Axes>(v.node.attrs.first()).ok().and_then(|a| a.0);
    unreduce(s, v.x(0), axes.as_deref(), attr(v.node.attrs.get(1)).unwrap_or(false))
}

/// The length of the vectors that are input 1: the support repeated along them. That of another input has the shape of the lengths.
pub(crate) fn along_vectors<'g>(v: &Vjp<'_, 'g>, s: Tensor<'g>, i: usize) -> Tensor<'g> {
    let axes = attr::<Axes>(v.node.attrs.first()).ok().and_then(|a| a.0);
    if i == 1 { unreduce(s, v.x(1), axes.as_deref(), attr(v.node.attrs.get(1)).unwrap_or(false)) } else { s }
}

/// A rule that mixes along the axis that is the first attribute: all of a row in which one place is true.
pub(crate) fn along_axis<'g>(v: &Vjp<'_, 'g>, s: Tensor<'g>, _: usize) -> Tensor<'g> {
    let axis: i64 = attr(v.node.attrs.first()).unwrap_or(-1);
    broadcast_like(counts(reduce_sum(cast(s, DType::F32), axis, true)), s)
}

/// A scan along the axis that is the first attribute, backwards if the second is true: true at and before each place that is true.
pub(crate) fn scanned<'g>(v: &Vjp<'_, 'g>, s: Tensor<'g>, _: usize) -> Tensor<'g> {
    let (axis, reverse): (i64, bool) = (attr(v.node.attrs.first()).unwrap_or(-1), attr(v.node.attrs.get(1)).unwrap_or(false));
    counts(cumulative_sum(cast(s, DType::F32), axis, !reverse))
}

/// A rule that mixes along the axes that are the first attribute: all of a row in which one place is true.
pub(crate) fn along_axes<'g>(v: &Vjp<'_, 'g>, s: Tensor<'g>, _: usize) -> Tensor<'g> {
    let axes = attr::<Axes>(v.node.attrs.first()).unwrap_or(Axes(None));
    broadcast_like(counts(sum_in_turn(cast(s, DType::F32), &axes)), s)
}

/// Sums along axes, repeated; the last input, of length 1 there, is summed alone.
pub(crate) fn along_axes_or_summed<'g>(v: &Vjp<'_, 'g>, s: Tensor<'g>, i: usize) -> Tensor<'g> {
    if i + 1 < v.node.inputs.len() {
        return along_axes(v, s, i);
    }
    let axes = attr::<Axes>(v.node.attrs.first()).unwrap_or(Axes(None));
    counts(sum_in_turn(cast(s, DType::F32), &axes))
}

/// Elementwise along axes where the outputs have length 1: repeated for inputs that have not.
pub(crate) fn repeated_to_x<'g>(v: &Vjp<'_, 'g>, s: Tensor<'g>, i: usize) -> Tensor<'g> {
    broadcast_like(s, v.x(i))
}

/// A sum over repeated axes: the support repeated again.
pub(crate) fn repeated<'g>(v: &Vjp<'_, 'g>, s: Tensor<'g>, _: usize) -> Tensor<'g> {
    broadcast_like(s, v.x(0))
}

/// An array with a number around it: the part that is the array's, and whether one place around it is true.
pub(crate) fn padded<'g>(v: &Vjp<'_, 'g>, s: Tensor<'g>, i: usize) -> Tensor<'g> {
    let Ok(width) = attr(v.node.attrs.first()) else { return s };
    if i == 0 { strided_slice(s, own_part(&width)) } else { counts(reduce_sum(cast(around(s, v.x(0), width), DType::F32), (), false)) }
}

/// A product of matrices: true in a row of `a`, or a column of `b`, in which one place is true.
pub(crate) fn contracted<'g>(_: &Vjp<'_, 'g>, s: Tensor<'g>, i: usize) -> Tensor<'g> {
    let axis = if i == 0 { -1i64 } else { -2 };
    counts(reduce_sum(cast(s, DType::F32), axis, true))
}

/// Where a sum of zeros and ones counts something.
pub(crate) fn counts(sum: Tensor<'_>) -> Tensor<'_> {
    not_equal(sum, 0.0)
}

/// A support brought from the shape of `like` to that of `x`, which was broadcast: true where one repetition is.
pub(crate) fn any_to<'g>(s: Tensor<'g>, like: Tensor<'g>, x: Tensor<'g>) -> Tensor<'g> {
    counts(unbroadcast(cast(broadcast_like(s, like), DType::F32), x))
}
