//! Norms of vectors, and of whatever NumPy's `norm` takes.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{AttrType, Axes, IntoAttr};
use crate::graph::op::{Cotangent, Domain, Kernel, Lowered, OpDef};
use crate::graph::{AsTensor, NodeOp, Tensor};
use crate::ops::apply::{MaybeOperand, apply, cast};
use crate::ops::arithmetic::{abs, sign, square};
use crate::ops::batch;
use crate::ops::bounds;
use crate::ops::compare::{equal, greater, less, less_equal, logical_and, not_equal};
use crate::ops::linalg::norms::{MatrixOrder, over};
use crate::ops::logarithm::log;
use crate::ops::movement::STOP_GRADIENT;
use crate::ops::power::real_power;
use crate::ops::reduce::{axes_attrs, axis_bad, fold_cases, number, peak, reduce_max, reduce_min, reduce_sum, squeeze_axes, valley};
use crate::ops::root::{hypot, sqrt};
use crate::ops::rules::{cancelled, masked, restore_axes, unreduce};
use crate::ops::samples::{bad, mixed};
use crate::ops::select::select;
use crate::shape::{self, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&BINADE, &LENGTH, &VECTOR_NORM, &NORM, &CLIP_BY_NORM, &CLIP_BY_GLOBAL_NORM];

row! {
    /// The power of two that is nearest to `x >= 0` by ratio, and a normal number of the dtype. Divided by it, large numbers do not
    /// overflow when they are squared, and small ones do not vanish; nothing is rounded.
    ///
    /// Gradient: none.
    pub(crate) BINADE = fn binade(x: float) -> y
    formula { binade(x) }
    vjp(g) { x: Cotangent::Zero }
    numpy "2.0 ** np.round(np.log2(x))";
    samples unit;
}
row! {
    /// `r`, which is the `p`-norm of `x` over `axis`, by whatever way it was computed.
    ///
    /// Gradient: `g * sign(x) * (|x| / r) ** (p - 1)`, and 0 where `x` or `r` is 0. For `p = 2` a factor `r` of `g` cancels, so the square of
    /// the norm has the derivative `2 * x` everywhere.
    pub(crate) LENGTH = fn length(r: float, x: float, p: float; axis: Axes = Axes(None), keepdims: bool = false) -> y
    shape(c) Ok(smallvec![r.clone()]);
    kernel Kernel::Lower(|_| Lowered::Chain(vec![(&STOP_GRADIENT, vec![])]));
    support Weighted(along_vectors);
    vjp(g) { r: Cotangent::Zero, x: along(g, x, y, p, &axis, keepdims), p: by_order(g, x, y, p, &axis, keepdims) }
    batch Rule(batch::length);
    numpy "r";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if r is the norm of x: vector_norm tests it";
    exempt Messages: "it has no cases, and takes what vector_norm gives it";
}

/// A number that is known now.
fn known(t: Tensor<'_>) -> Option<f64> {
    match t.node().op {
        NodeOp::Scalar(s) => Some(s.as_f64()),
        _ => None,
    }
}

/// `f(t)`, of a number that is known now a number too.
fn of<'g>(t: Tensor<'g>, number: fn(f64) -> f64, f: fn(Tensor<'g>) -> Tensor<'g>) -> Tensor<'g> {
    known(t).map_or_else(|| f(t), |n| t.graph().literal(number(n).into(), t.dtype()))
}

/// The cotangent of the vectors `x` of the norm `y`.
fn along<'g>(g: Tensor<'g>, x: Tensor<'g>, y: Tensor<'g>, p: Tensor<'g>, axis: &Axes, keepdims: bool) -> Cotangent<'g> {
    let axes = axis.0.as_deref();
    let two = known(p) == Some(2.0);
    if let (true, Some(rest)) = (two, cancelled(g, y)) {
        return (unreduce(rest, x, axes, keepdims) * x).into();
    }
    let (g, y) = (restore_axes(g, x, axes, keepdims), restore_axes(y, x, axes, keepdims));
    if two {
        return masked(g * (x / y), not_equal(y, 0.0));
    }
    let power = real_power(abs(x) / y, of(p, |p| p - 1.0, |p| p - 1.0));
    masked(g * (sign(x) * power), logical_and(not_equal(x, 0.0), not_equal(y, 0.0)))
}

/// The cotangent of the order: `g * y / p * sum(w * log(|x| / y))` with the weights `w = (|x| / y) ** p`, whose sum is 1.
fn by_order<'g>(g: Tensor<'g>, x: Tensor<'g>, y: Tensor<'g>, p: Tensor<'g>, axis: &Axes, keepdims: bool) -> Cotangent<'g> {
    let ratio = select(equal(x, 0.0), 1.0, abs(x) / restore_axes(y, x, axis.0.as_deref(), keepdims));
    let sum = reduce_sum(real_power(ratio, p) * log(ratio), axis.clone(), keepdims);
    masked(g * (y / p * sum), not_equal(y, 0.0))
}

/// `sqrt(sum(x ** 2))` over `axis`, with the axes of `x`: as if squares could neither overflow nor vanish.
fn euclidean<'g>(x: Tensor<'g>, axis: &Axes) -> Tensor<'g> {
    let scale = binade(peak(abs(x), axis.clone(), true));
    scale * sqrt(reduce_sum(square(x * (1.0 / scale)), axis.clone(), true))
}

/// `sum(|x| ** p) ** (1 / p)` over `axis`, with the axes of `x`: scaled by the element that counts most.
fn power_mean<'g>(x: Tensor<'g>, p: Tensor<'g>, axis: &Axes) -> Tensor<'g> {
    let a = abs(x);
    let (low, high) = (|| valley(a, axis.clone(), true), || peak(a, axis.clone(), true));
    let most = match known(p) {
        Some(p) => {
            if p < 0.0 {
                low()
            } else {
                high()
            }
        }
        None => select(less(p, 0.0), low(), high()),
    };
    let scale = select(logical_and(greater(most, 0.0), less(most, f64::INFINITY)), most, 1.0);
    let sum = reduce_sum(real_power(a / scale, p), axis.clone(), true);
    let y = scale * real_power(sum, of(p, |p| 1.0 / p, |p| 1.0 / p));
    if known(p).is_some() { y } else { select(less(abs(p), f64::INFINITY), y, most) }
}

/// The norm of order `ord`, 2 by default, of the vectors `x` over `axis`.
pub(crate) fn vectors<'g>(op: &str, x: Tensor<'g>, ord: Option<Tensor<'g>>, axis: Axes, keepdims: bool) -> Result<Tensor<'g>> {
    // A difference that could not be built says why.
    if let Some(e) = x.error() {
        return Err(e.named(op));
    }
    shape::axes(op, axis.0.as_deref(), x.ndim())?;
    let x = cast(x, x.dtype().to_float());
    let p = match ord {
        Some(ord) => number(op, "ord", ord, x.dtype())?,
        None => x.graph().literal(2.0.into(), x.dtype()),
    };
    match known(p) {
        Some(0.0) => return Ok(cast(reduce_sum(cast(not_equal(x, 0.0), DType::I64), axis, keepdims), x.dtype())),
        Some(1.0) => return Ok(reduce_sum(abs(x), axis, keepdims)),
        Some(f64::INFINITY) => return Ok(reduce_max(abs(x), axis, keepdims)),
        Some(f64::NEG_INFINITY) => return Ok(reduce_min(abs(x), axis, keepdims)),
        _ => {}
    }
    let p = bounds::order(op, p)?;
    let r = if known(p) == Some(2.0) { euclidean(x, &axis) } else { power_mean(x, p, &axis) };
    Ok(length(if keepdims { r } else { squeeze_axes(r, x, &axis) }, x, p, axis, keepdims))
}

row! {
    /// Norm of the vectors over `axis` (of all elements by default), in floating numbers: `sum(|x| ** ord) ** (1 / ord)`. `inf` and
    /// `-inf` are the largest and the smallest absolute value, 0 counts the elements that are not 0. None is 2.
    ///
    /// It neither overflows nor vanishes with the powers of its elements. `ord` is a number or a 0-d tensor, which must not be 0.
    ///
    /// Gradient: `g * sign(x) * (|x| / y) ** (ord - 1)`; 0 to elements that are 0, so at the zero vector, in any order. The square of
    /// the norm of order 2 has its second derivative there too. To `ord` it flows if that is a tensor.
    pub VECTOR_NORM = fn vector_norm(x: any, ord: any = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body { vectors("vector_norm", x, ord, axis, keepdims)? }
    numpy "np.linalg.vector_norm(x, ord=ord, axis=axis, keepdims=keepdims)";
    example "T.vector_norm([[3.0, 4.0], [1.0, 0.0]], ord=1)" => "8.0";
    linalg vector_norm;
    cases {
        let mut all = fold_cases(Domain::Real);
        all.push(mixed(&[(Domain::Real, &[2, 3]), (Domain::Positive, &[])], axes_attrs(Some(&[1]), false)));
        all.push(mixed(&[(Domain::Real, &[2, 3, 2]), (Domain::Positive, &[])], axes_attrs(Some(&[0, -1]), true)));
        all
    };
    bad {
        let mut all = axis_bad("vector_norm");
        all.push(bad(&[&[2, 3], &[]], axes_attrs(None, false), "vector_norm: a value is out of range. Got 0.0; expected an order other than 0."));
        all.push(bad(&[&[2, 3], &[2]], axes_attrs(None, false), "vector_norm: `ord` is not a single number. Got shape (2,); expected a number or a 0-d tensor."));
        all
    };
}
/// The norm that NumPy's `norm` is: of vectors, or with `ord` over two axes of matrices.
fn of_any<'g>(x: Tensor<'g>, ord: Option<Tensor<'g>>, axis: Axes, keepdims: bool) -> Result<Tensor<'g>> {
    let axes = axis.0.as_ref().map_or(x.ndim(), |list| list.len());
    let Some(p) = ord.filter(|_| axes != 1) else { return vectors("norm", x, ord, axis, keepdims) };
    if axes == 2 {
        if let Some(order) = known(p).and_then(MatrixOrder::of_number) {
            let all = [0, 1];
            return over("norm", x, order, axis.0.as_deref().unwrap_or(&all), keepdims);
        }
        if let Some(p) = known(p) {
            let rule = "1, -1, 2, -2, inf or -inf, or in Python \"fro\" or \"nuc\"";
            return Err(Error::new(ErrorKind::Value, "norm", "matrices have no norm of this order", p, rule));
        }
    }
    let got = format_args!("`ord` over {axes} axes of shape {}", Tuple(x.dims()));
    let e = Error::new(ErrorKind::Shape, "norm", "a norm of matrices is asked for", got, "one axis, or no `ord`");
    Err(e.help("`vector_norm` is the norm of all elements, or of those over several axes; `ord` of matrices is a number that is known"))
}

row! {
    /// Norm of vectors or matrices, in floating numbers. Over one axis it is that of `vector_norm`, for any `ord`; without `ord` the one of order 2 over
    /// any axes: of all elements by default. With `ord` over two axes, or of an array with two, it is that of `matrix_norm`: `"fro"`, `"nuc"`, 1, -1, 2,
    /// -2, inf or -inf.
    ///
    /// Gradient: that of `vector_norm` or `matrix_norm`.
    pub NORM = fn norm(x: any, ord: any = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body { of_any(x, ord, axis, keepdims)? }
    numpy "np.linalg.norm(x, ord=ord, axis=axis, keepdims=keepdims)";
    linalg norm;
    by hand;
    case real[5];
    case real[2, 3];
    case real[2, 3] with axis = 0, keepdims = true;
    case real[2, 3, 4] with axis = [0, 2];
    case real[2, 3], positive[] with axis = -1;
    case real[5], positive[];
    refuses f64[2] with axis = 1 => "norm: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2, 3], f64[] => "norm: a norm of matrices is asked for. Got `ord` over 2 axes of shape (2, 3); expected one axis, or no `ord`.\nhelp: `vector_norm` is the norm of all elements, or of those over several axes; `ord` of matrices is a number that is known";
}

/// Norm of vectors or matrices: of order 2 of all elements, or over `axis`; with `ord` over two axes, of matrices, for 1, -1, 2, -2, inf and
/// -inf. [`matrix_norm`](crate::tensor_ops::matrix_norm) has the others.
#[track_caller]
pub fn norm<'g>(x: impl AsTensor<'g>, ord: impl MaybeOperand<'g>, axis: impl IntoAttr<Axes>, keepdims: bool) -> Tensor<'g> {
    apply(&NORM, &[x.tensor().into(), ord.maybe()], &[axis.into_attr().pack(), keepdims.pack()])
}

/// A number that a norm is at most.
fn most<'g>(op: &str, max_norm: Tensor<'g>, norm: Tensor<'g>) -> Result<Tensor<'g>> {
    if max_norm.ndim() == 0 {
        return Ok(cast(max_norm, norm.dtype()));
    }
    let got = format!("shape {}", Tuple(max_norm.dims()));
    Err(Error::new(ErrorKind::Shape, op, "`max_norm` is not a single number", got, "a number or a 0-d tensor"))
}

/// What is multiplied by to have at most a norm.
fn shortening<'g>(norm: Tensor<'g>, max_norm: Tensor<'g>) -> Tensor<'g> {
    select(less_equal(norm, max_norm), 1.0, max_norm / norm)
}

row! {
    /// The tensor, in floating numbers, as it is where its norm of order 2 over `axis` (all axes by default) is at most `max_norm`, else multiplied by
    /// the number that gives it this norm. Where an element is NaN or infinite, the norm is, and so are the results NaN or 0:
    /// `T.check_finite` finds it. `T.clip_by_global_norm` shortens several gradients together, `T.clip` bounds elements.
    ///
    /// Gradient: through the norm too, to `max_norm` also; where nothing is clipped `g` itself.
    pub CLIP_BY_NORM = fn clip_by_norm(x: any, max_norm: any; axis: Axes = Axes(None)) -> y
    body {
        let norm = vectors("clip_by_norm", x, None, axis, true)?;
        let scale = shortening(norm, most("clip_by_norm", max_norm, norm)?);
        x * scale
    }
    numpy "ref.clip_by_norm(x, max_norm, axis)";
    example "T.clip_by_norm([[3.0, 4.0], [0.3, 0.4]], 1.0, axis=1)" => "[[0.6 0.8]\n [0.3 0.4]]";
    case real[2, 3], unit[];
    case real[4], positive[];
    case real[], unit[];
    case real[2, 3], unit[] with axis = 1;
    case real[2, 3, 2], positive[] with axis = [0, -1];
    refuses f64[2], f64[3] => "clip_by_norm: `max_norm` is not a single number. Got shape (3,); expected a number or a 0-d tensor.";
    refuses f64[2], f64[] with axis = 1 => "clip_by_norm: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// The norm of order 2 of all elements of all tensors.
fn global_norm<'g>(xs: &[Tensor<'g>]) -> Result<Option<Tensor<'g>>> {
    let norms: Vec<Tensor<'g>> = xs.iter().map(|&x| vectors("clip_by_global_norm", x, None, Axes(None), false)).collect::<Result<_>>()?;
    Ok(norms.into_iter().reduce(|a, b| hypot(a, b)))
}

row! {
    /// The tensors, in floating numbers, as they are if the norm of order 2 of all their elements is at most `max_norm`, else multiplied by
    /// one number that gives them this norm: what keeps a step of training short whatever its gradients are. Each keeps its dtype. Where
    /// an element is NaN or infinite, the norm is, and so are the results NaN or 0: `T.check_finite` finds it.
    ///
    /// Gradient: through the norm too, to `max_norm` also; where nothing is clipped `g` itself.
    pub CLIP_BY_GLOBAL_NORM = fn clip_by_global_norm(max_norm: any, xs: [any]) -> [clipped]
    body {
        match global_norm(&xs)? {
            None => {
                most("clip_by_global_norm", max_norm, max_norm)?;
                vec![]
            }
            Some(norm) => {
                let scale = shortening(norm, most("clip_by_global_norm", max_norm, norm)?);
                xs.iter().map(|&x| x * cast(scale, x.dtype().to_float())).collect()
            }
        }
    }
    numpy "ref.clip_by_global_norm(max_norm, xs)";
    example "T.clip_by_global_norm([[3.0, 0.0], [4.0]], 1.0)" => "[0.6 0. ] [0.8]";
    signature "xs, max_norm";
    case positive[], real[3], real[2, 2];
    case positive[], real[3];
    case unit[], positive[4], real[], real[2];
    refuses f64[2], f64[3] => "clip_by_global_norm: `max_norm` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
