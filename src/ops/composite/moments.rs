//! Variance, standard deviation and weighted means.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, AttrType, Axes, IntoAttr};
use crate::graph::op::{Bad, Case, Cotangent, Domain, Kernel, Lowered, OpDef};
use crate::graph::{AsTensor, NodeOp, Tensor};
use crate::ops::apply::{Operand, apply, apply_all, cast, output};
use crate::ops::arithmetic::{abs, maximum, minimum, square};
use crate::ops::batch;
use crate::ops::compare::less;
use crate::ops::movement::{STOP_GRADIENT, expand_dims, same_shape, transpose};
use crate::ops::norms::{binade, length};
use crate::ops::reduce::{
    axes_attrs, axis_bad, count, filled, fold_cases, masked_cases, number, peak, reduce_mean, reduce_sum, squeeze_axes, valley,
};
use crate::ops::root::sqrt;
use crate::ops::samples::{bad, mixed};
use crate::ops::select::select;
use crate::shape::{self, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&CENTRED, &VAR, &STD, &VAR_MEAN, &STD_MEAN, &AVERAGE];

row! {
    /// `e`, which is `x` less its mean over `axis` where elements count, by whatever way it was computed. `n` of them count; the others
    /// are 0 in both.
    ///
    /// Gradient: `g - sum(g) / n`.
    pub(crate) CENTRED = fn centred(e: float, x: float, n: float; axis: Axes = Axes(None)) -> y
    shape(c) Ok(smallvec![e.clone()]);
    kernel Kernel::Lower(|_| Lowered::Chain(vec![(&STOP_GRADIENT, vec![])]));
    support Weighted(along_axes);
    vjp(g) { e: Cotangent::Zero, x: g - reduce_sum(g, axis.clone(), true) / n, n: Cotangent::Zero }
    batch Rule(batch::centred);
    numpy "e";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if e is x less its mean: var tests it";
    exempt Messages: "it has no cases, and takes what var gives it";
}

/// Elements less their mean, and 0 where a mask is false.
struct Deviations<'g> {
    /// They, to be differentiated.
    e: Tensor<'g>,
    /// They, divided by a power of two, so that their squares neither overflow nor vanish; the value alone.
    scaled: Tensor<'g>,
    /// That power, with the axes of `x`.
    scale: Tensor<'g>,
}

impl<'g> Deviations<'g> {
    /// What the elements are shifted by lies between the smallest and the largest of them, so that equal elements leave exactly 0; then
    /// the mean of what is left is taken off, by which the shift is not their mean.
    fn new(x: Tensor<'g>, mask: Option<Tensor<'g>>, axis: &Axes) -> Deviations<'g> {
        let n = count(x, mask, axis, true);
        let low = valley(filled(x, mask, f64::INFINITY), axis.clone(), true);
        let high = peak(filled(x, mask, f64::NEG_INFINITY), axis.clone(), true);
        let counted = filled(x, mask, 0.0);
        let mean = reduce_sum(counted, axis.clone(), true) / n;
        // A sum may overflow where the elements do not.
        let mean = select(less(abs(mean), f64::INFINITY), mean, low * 0.5 + high * 0.5);
        let shift = minimum(maximum(mean, low), high);
        let scale = binade(maximum(high - shift, shift - low));
        let shifted = filled((x - shift) * (1.0 / scale), mask, 0.0);
        let scaled = filled(shifted - reduce_sum(shifted, axis.clone(), true) / n, mask, 0.0);
        // What does not count is cut off here too: a second gradient may find something there.
        let e = filled(centred(scaled * scale, counted, n, axis.clone()), mask, 0.0);
        Deviations { e, scaled, scale }
    }
}

/// `max(n - ddof, 0)`, where `n` elements count.
fn divisor<'g>(op: &str, x: Tensor<'g>, ddof: Tensor<'g>, mask: Option<Tensor<'g>>, axis: &Axes, keepdims: bool) -> Result<Tensor<'g>> {
    let n = count(x, mask, axis, keepdims);
    let ddof = number(op, "ddof", ddof, x.dtype())?;
    Ok(match (&n.node().op, &ddof.node().op) {
        (NodeOp::Scalar(n), NodeOp::Scalar(ddof)) => x.graph().literal((n.as_f64() - ddof.as_f64()).max(0.0).into(), x.dtype()),
        _ => maximum(n - ddof, 0.0),
    })
}

/// The variance of `x`.
fn variance<'g>(op: &str, x: Tensor<'g>, ddof: Tensor<'g>, mask: Option<Tensor<'g>>, axis: Axes, keepdims: bool) -> Result<Tensor<'g>> {
    shape::axes(op, axis.0.as_deref(), x.ndim())?;
    let x = cast(x, x.dtype().to_float());
    let n = divisor(op, x, ddof, mask, &axis, keepdims)?;
    Ok(reduce_sum(square(Deviations::new(x, mask, &axis).e), axis, keepdims) / n)
}

/// The standard deviation of `x`: the length of the deviations over `sqrt(n)`, and differentiated as that.
fn deviation<'g>(op: &str, x: Tensor<'g>, ddof: Tensor<'g>, mask: Option<Tensor<'g>>, axis: Axes, keepdims: bool) -> Result<Tensor<'g>> {
    shape::axes(op, axis.0.as_deref(), x.ndim())?;
    let x = cast(x, x.dtype().to_float());
    let n = divisor(op, x, ddof, mask, &axis, true)?;
    let d = Deviations::new(x, mask, &axis);
    let value = d.scale * sqrt(reduce_sum(square(d.scaled), axis.clone(), true) / n);
    Ok(length(if keepdims { value } else { squeeze_axes(value, x, &axis) }, d.e / sqrt(n), 2.0, axis, keepdims))
}

/// The cases of a moment: without more, with a tensor for `ddof`, and with a mask.
fn moment_cases(masks: bool) -> Vec<Case> {
    let mut all = fold_cases(Domain::Real);
    all.push(mixed(&[(Domain::Real, &[2, 5]), (Domain::Unit, &[])], axes_attrs(Some(&[1]), false)));
    if masks {
        all.extend(masked_cases(Domain::Real, &[Domain::Unit]));
    }
    all
}

/// What a moment refuses.
fn moment_bad(op: &'static str) -> Vec<Bad> {
    let mut all = axis_bad(op);
    let text = format!("{op}: `ddof` is not a single number. Got shape (2,); expected a number or a 0-d tensor.");
    all.push(bad(&[&[2], &[2]], axes_attrs(None, false), text));
    all
}

row! {
    /// Variance over `axis` (all axes by default), in floating numbers: `sum((x - mean(x)) ** 2) / max(n - ddof, 0)` of `n` elements.
    /// It is exactly 0 where all are equal, and NaN over nothing.
    ///
    /// `ddof` is any number, or a 0-d tensor. With `where`, a bool of the shape of `x` or repeated to it, only those elements count
    /// where it is true.
    ///
    /// Gradient: `g * 2 * (x - mean(x)) / (n - ddof)`; exactly 0 where `where` is false, whatever stands there.
    pub VAR = fn var(x: any, ddof: any = 0, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body { variance("var", x, ddof, r#where, axis, keepdims)? }
    numpy "ref.var(x, axis, ddof, keepdims, where)";
    example "T.var([[1.0, 3.0], [2.0, 8.0]], axis=1)" => "[1. 9.]";
    method var;
    signature "x, axis, ddof, keepdims, where";
    by hand;
    cases moment_cases(true);
    bad moment_bad("var");
}
row! {
    /// Standard deviation over `axis` (all axes by default), in floating numbers: the square root of the variance, which does not
    /// overflow or vanish with the squares. It is exactly 0 where all elements are equal, and NaN over nothing.
    ///
    /// `ddof` is any number, or a 0-d tensor: the divisor is `max(n - ddof, 0)`. With `where`, a bool of the shape of `x` or repeated
    /// to it, only those elements count where it is true.
    ///
    /// Gradient: `g * (x - mean(x)) / (y * (n - ddof))`; where all elements are equal 0, in any order, and that of the variance for
    /// the square. Exactly 0 where `where` is false, whatever stands there.
    pub STD = fn std(x: any, ddof: any = 0, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body { deviation("std", x, ddof, r#where, axis, keepdims)? }
    numpy "ref.std(x, axis, ddof, keepdims, where)";
    example "T.std([[1.0, 3.0], [2.0, 8.0]], axis=1)" => "[1. 3.]";
    method std;
    signature "x, axis, ddof, keepdims, where";
    by hand;
    cases moment_cases(true);
    bad moment_bad("std");
}
row! {
    /// Variance and mean over `axis` (all axes by default), in floating numbers.
    ///
    /// Gradient: those of `var` and of `mean`.
    pub VAR_MEAN = fn var_mean(x: any, ddof: any = 0; axis: Axes = Axes(None), keepdims: bool = false) -> var, mean
    body { (variance("var_mean", x, ddof, None, axis.clone(), keepdims)?, reduce_mean(x, axis, keepdims)) }
    numpy "(np.var(x, axis=axis, ddof=ddof, keepdims=keepdims), np.mean(x, axis=axis, keepdims=keepdims))";
    example "T.var_mean([[1.0, 3.0], [2.0, 8.0]], axis=1)" => "[1. 9.] [2. 5.]";
    signature "x, axis, ddof, keepdims";
    by hand;
    cases moment_cases(false);
    bad moment_bad("var_mean");
}
row! {
    /// Standard deviation and mean over `axis` (all axes by default), in floating numbers.
    ///
    /// Gradient: those of `std` and of `mean`.
    pub STD_MEAN = fn std_mean(x: any, ddof: any = 0; axis: Axes = Axes(None), keepdims: bool = false) -> std, mean
    body { (deviation("std_mean", x, ddof, None, axis.clone(), keepdims)?, reduce_mean(x, axis, keepdims)) }
    numpy "(np.std(x, axis=axis, ddof=ddof, keepdims=keepdims), np.mean(x, axis=axis, keepdims=keepdims))";
    example "T.std_mean([[1.0, 3.0], [2.0, 8.0]], axis=1)" => "[1. 3.] [2. 5.]";
    signature "x, axis, ddof, keepdims";
    by hand;
    cases moment_cases(false);
    bad moment_bad("std_mean");
}

#[track_caller]
fn moments<'g>(row: &'static OpDef, x: Tensor<'g>, ddof: impl Operand<'g>, axis: Axes, keepdims: bool) -> (Tensor<'g>, Tensor<'g>) {
    let mut made = apply_all(row, &[x.into(), ddof.arg()], &[axis.pack(), Attr::Bool(keepdims)]).into_iter();
    (output(&mut made, row.name), output(&mut made, row.name))
}

/// Variance over `axis`, with the divisor `n - ddof`: 0 where all elements are equal. See [`var_where`](crate::tensor_ops::var_where) for
/// that of some elements.
///
/// Gradient: `g * 2 * (x - mean(x)) / (n - ddof)`.
#[track_caller]
pub fn var<'g>(x: impl AsTensor<'g>, axis: impl IntoAttr<Axes>, ddof: impl Operand<'g>, keepdims: bool) -> Tensor<'g> {
    apply(&VAR, &[x.tensor().into(), ddof.arg()], &[axis.into_attr().pack(), Attr::Bool(keepdims)])
}

/// Standard deviation over `axis`, with the divisor `n - ddof`. See [`std_where`](crate::tensor_ops::std_where) for that of some elements.
///
/// Gradient: `g * (x - mean(x)) / (y * (n - ddof))`; where all elements are equal 0, in any order, and that of the variance for the square.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// run(|ctx| {
///     let x = ctx.constant(ndarray::arr2(&[[1.0, 3.0], [5.0, 5.0]]));
///     let y = T::std(x, 1, 0, false);
///     assert_eq!(y.eval(ctx).unwrap(), ndarray::arr1(&[1.0, 0.0]));
///     let g = T::grad(&[y], &[x])[0].eval(ctx).unwrap();
///     let g = g.view::<f64>().unwrap().into_dimensionality::<ndarray::Ix2>().unwrap();
///     assert!((&g - &ndarray::arr2(&[[-0.5, 0.5], [0.0, 0.0]])).iter().all(|d| d.abs() < 1e-15));
/// });
/// ```
#[track_caller]
pub fn std<'g>(x: impl AsTensor<'g>, axis: impl IntoAttr<Axes>, ddof: impl Operand<'g>, keepdims: bool) -> Tensor<'g> {
    apply(&STD, &[x.tensor().into(), ddof.arg()], &[axis.into_attr().pack(), Attr::Bool(keepdims)])
}

/// Variance and mean over `axis`.
#[track_caller]
pub fn var_mean<'g>(x: impl AsTensor<'g>, axis: impl IntoAttr<Axes>, ddof: impl Operand<'g>, keepdims: bool) -> (Tensor<'g>, Tensor<'g>) {
    moments(&VAR_MEAN, x.tensor(), ddof, axis.into_attr(), keepdims)
}

/// Standard deviation and mean over `axis`.
#[track_caller]
pub fn std_mean<'g>(x: impl AsTensor<'g>, axis: impl IntoAttr<Axes>, ddof: impl Operand<'g>, keepdims: bool) -> (Tensor<'g>, Tensor<'g>) {
    moments(&STD_MEAN, x.tensor(), ddof, axis.into_attr(), keepdims)
}

/// Weights of the shape of `x`; or of the axes that are named, of which they get the places.
fn weights_of<'g>(weights: Tensor<'g>, x: Tensor<'g>, axis: &Axes) -> Result<Tensor<'g>> {
    let dims = x.dims();
    if weights.ndim() == dims.len() && weights.dims().iter().zip(dims).all(|(a, b)| a.unify(*b).is_some()) {
        return Ok(same_shape(weights, x));
    }
    let unfit = || {
        let got = format!("{} for {}", Tuple(weights.dims()), Tuple(dims));
        let rule = "weights of the shape of `x`, or one weight for each place along `axis`";
        Error::new(ErrorKind::Shape, "average", "the weights do not fit", got, rule)
    };
    let named = axis.0.as_deref().ok_or_else(unfit)?;
    let named: Vec<usize> = named.iter().map(|&a| shape::axis("average", a, dims.len())).collect::<Result<_>>()?;
    let fits = |(a, &i): (&shape::Dim, &usize)| dims.get(i).is_some_and(|b| a.unify(*b).is_some());
    if weights.ndim() != named.len() || !weights.dims().iter().zip(&named).all(fits) {
        return Err(unfit());
    }
    let mut order: Vec<i64> = (0..named.len() as i64).collect();
    order.sort_by_key(|&k| named.get(k as usize));
    let others: Vec<i64> = (0..dims.len()).filter(|i| !named.contains(i)).map(|i| i as i64).collect();
    let weights = if order.is_sorted() { weights } else { transpose(weights, order) };
    if others.is_empty() {
        return Ok(same_shape(weights, x));
    }
    // Of the sum only the shape counts.
    Ok(same_shape(expand_dims(weights, others.clone()), reduce_sum(x, others, true)))
}

row! {
    /// Mean over `axis` (all axes by default) with weights: `sum(x * weights) / sum(weights)`, in floating numbers; the mean without
    /// them. The weights have the shape of `x`, or there is one for each place along `axis`. Where they sum up to 0 it is infinite or NaN.
    ///
    /// Gradient: `g * weights / sum(weights)`, and `g * (x - y) / sum(weights)` to the weights.
    pub AVERAGE = fn average(x: any, weights: any = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body {
        shape::axes("average", axis.0.as_deref(), x.ndim())?;
        match weights {
            None => reduce_mean(x, axis, keepdims),
            Some(weights) => {
                let dtype = x.dtype().promote(weights.dtype()).to_float();
                let weights = weights_of(cast(weights, dtype), x, &axis)?;
                reduce_sum(cast(x, dtype) * weights, axis.clone(), keepdims) / reduce_sum(weights, axis, keepdims)
            }
        }
    }
    numpy "np.average(x, axis=axis, weights=weights, keepdims=keepdims)";
    example "T.average([[1.0, 2.0], [3.0, 4.0]], axis=1, weights=[3.0, 1.0])" => "[1.25 3.25]";
    signature "x, axis, weights, keepdims";
    cases {
        let mut all = fold_cases(Domain::Real);
        all.push(mixed(&[(Domain::Real, &[2, 3]), (Domain::Positive, &[2, 3])], axes_attrs(None, false)));
        all.push(mixed(&[(Domain::Real, &[2, 3]), (Domain::Positive, &[2, 3])], axes_attrs(Some(&[0]), true)));
        all.push(mixed(&[(Domain::Real, &[2, 3]), (Domain::Positive, &[3])], axes_attrs(Some(&[-1]), false)));
        all.push(mixed(&[(Domain::Real, &[2, 3, 4]), (Domain::Positive, &[4, 2])], axes_attrs(Some(&[2, 0]), false)));
        all
    };
    bad {
        let mut all = axis_bad("average");
        let text = |got: &str| {
            let rule = "weights of the shape of `x`, or one weight for each place along `axis`";
            format!("average: the weights do not fit. Got {got}; expected {rule}.")
        };
        all.push(bad(&[&[2, 3], &[3]], axes_attrs(None, false), text("(3,) for (2, 3)")));
        all.push(bad(&[&[2, 3], &[3]], axes_attrs(Some(&[0]), false), text("(3,) for (2, 3)")));
        all
    };
}
