//! What gradient rules are written with, beside the ops themselves.

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::graph::op::Cotangent;
use crate::graph::{NodeOp, Tensor, Value};
use crate::ops::apply::cast;
use crate::ops::arithmetic::{ADD, MUL, NEG, SQUARE, div, mul, neg};
use crate::ops::broadcast::{broadcast_like, broadcast_to, sum_to};
use crate::ops::compare::not_equal;
use crate::ops::movement::reshape_like;
use crate::ops::power::{power_slope, real_power};

/// `g` where the mask is true, and exactly zero elsewhere.
pub(crate) fn masked<'g>(g: Tensor<'g>, mask: Tensor<'g>) -> Cotangent<'g> {
    Cotangent::Masked(g, mask)
}

/// The cotangent of the base of `a ** b`: `g * b * a ** (b - 1)`, and 0 where `b` is 0. For known exponents of which `b - 1` is exact
/// the power is written out, which leaves no `0 * inf` at `a = 0` in any order.
pub(crate) fn power<'g>(g: Tensor<'g>, a: Tensor<'g>, b: Tensor<'g>) -> Cotangent<'g> {
    let known = match b.node().op {
        NodeOp::Scalar(s) => Some(s.as_f64()),
        _ => None,
    };
    match known {
        Some(0.0) => Cotangent::Zero,
        Some(1.0) => g.into(),
        Some(2.0) => (g * (a * 2.0)).into(),
        Some(b_is) if is_whole(b_is, b.dtype()) => (g * b * real_power(a, b - 1.0)).into(),
        Some(_) => (g * power_slope(a, b)).into(),
        None => masked(g * power_slope(a, b), not_equal(b, 0.0)),
    }
}

/// True if `b` and `b - 1` are numbers of the dtype.
fn is_whole(b: f64, dtype: DType) -> bool {
    let less = b - 1.0;
    less + 1.0 == b && (dtype == DType::F64 || f64::from(b as f32) == b && f64::from(less as f32) == less)
}

/// How deep a quotient looks for factors.
const DEPTH: usize = 6;

/// `a / b` in a gradient rule. Where numerator and denominator have a factor in common (the same node, reached through
/// products, quotients and signs), it cancels: `(c * y) / (d * y)` is `c / d`. So a singularity of a rule that the
/// cotangent removes leaves nothing behind: `sqrt(x) ** 2` at 0.
#[track_caller]
pub(crate) fn quotient<'g>(a: Tensor<'g>, b: Tensor<'g>) -> Tensor<'g> {
    cancelled(a, b).unwrap_or_else(|| div(a, b))
}

/// [`quotient`], if there is a factor in common.
#[track_caller]
pub(crate) fn cancelled<'g>(a: Tensor<'g>, b: Tensor<'g>) -> Option<Tensor<'g>> {
    let graph = a.graph();
    let mut den = Factors::default();
    den.collect(b, DEPTH);
    let mut num = Factors::default();
    num.collect(a, DEPTH);
    let mut common = false;
    num.list.retain(|f| {
        let found = den.list.iter().position(|d| d == f && !is_scalar(graph.tensor(*d)));
        if let Some(i) = found {
            den.list.remove(i);
            common = true;
        }
        found.is_none()
    });
    if !common {
        return None;
    }
    let shape = div(a, b);
    let negative = num.negative != den.negative;
    let product = |f: Factors| f.list.into_iter().map(|v| graph.tensor(v)).reduce(mul);
    let result = match (product(num), product(den)) {
        (Some(n), Some(d)) => div(n, d),
        (Some(n), None) => n,
        (None, Some(d)) => div(graph.literal(1.0.into(), d.dtype()), d),
        (None, None) => graph.literal(1.0.into(), shape.dtype()),
    };
    let result = if negative { neg(result) } else { result };
    // The factors that are left may have a smaller shape than the quotient.
    Some(match shape.known_shape() {
        Some(dims) => broadcast_to(result, dims.iter().map(|&n| n as i64).collect::<Vec<_>>()),
        None if result.dims() == shape.dims() => result,
        None => broadcast_like(result, shape),
    })
}

fn is_scalar(t: Tensor<'_>) -> bool {
    matches!(t.node().op, NodeOp::Scalar(_) | NodeOp::Own(_) | NodeOp::Bound(_))
}

/// The factors of a product.
#[derive(Default)]
struct Factors {
    list: SmallVec<[Value; 8]>,
    negative: bool,
}

impl Factors {
    fn collect(&mut self, t: Tensor<'_>, depth: usize) {
        let node = t.node();
        let input = |i: usize| node.inputs.get(i).map(|&v| t.graph().tensor(v));
        let (Some(def), Some(x), true) = (node.def(), input(0), depth > 0) else { return self.list.push(t.value()) };
        if node.is_mark() {
            self.collect(x, depth);
        } else if std::ptr::eq(def, &MUL) {
            self.collect(x, depth - 1);
            if let Some(y) = input(1) {
                self.collect(y, depth - 1);
            }
        } else if std::ptr::eq(def, &SQUARE) {
            self.collect(x, depth - 1);
            self.collect(x, depth - 1);
        } else if std::ptr::eq(def, &ADD) && input(1).is_some_and(|y| y.is(&x)) {
            // Two equal cotangents that met, as those of `y * y`.
            self.list.push(t.graph().literal(2.0.into(), t.dtype()).value());
            self.collect(x, depth - 1);
        } else if std::ptr::eq(def, &NEG) {
            self.negative = !self.negative;
            self.collect(x, depth - 1);
        } else {
            self.list.push(t.value());
        }
    }
}

/// `g` with the reduced axes of `x` back in their places, repeated to the shape of `x`: the adjoint of a sum.
pub(crate) fn unreduce<'g>(g: Tensor<'g>, x: Tensor<'g>, axes: Option<&[i64]>, keepdims: bool) -> Tensor<'g> {
    broadcast_like(restore_axes(g, x, axes, keepdims), x)
}

/// `g` with the reduced axes of `x` back in their places, of length 1.
pub(crate) fn restore_axes<'g>(g: Tensor<'g>, x: Tensor<'g>, axes: Option<&[i64]>, keepdims: bool) -> Tensor<'g> {
    if keepdims {
        return g;
    }
    let axes: Vec<i64> = match axes {
        Some(list) => list.iter().map(|&a| a.rem_euclid((x.ndim() as i64).max(1))).collect(),
        None => (0..x.ndim() as i64).collect(),
    };
    if axes.is_empty() { g } else { crate::ops::movement::expand_dims(g, axes) }
}

/// The cotangent `g` brought to the shape of `x`, which was broadcast: sums over the axes that were repeated.
pub(crate) fn unbroadcast<'g>(g: Tensor<'g>, x: Tensor<'g>) -> Tensor<'g> {
    if g.dims() == x.dims() { g } else { sum_to(g, x) }
}

/// `g` under the shape of `x`.
pub(crate) fn shaped_like<'g>(g: Tensor<'g>, x: Tensor<'g>) -> Tensor<'g> {
    if g.dims() == x.dims() { g } else { reshape_like(g, x) }
}

/// `g` as the dtype of `x`.
pub(crate) fn typed_like<'g>(g: Tensor<'g>, x: Tensor<'g>) -> Tensor<'g> {
    cast(g, x.dtype())
}
