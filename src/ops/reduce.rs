//! Reductions over axes.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::{Attr, AttrType, Axes};
use crate::graph::op::{Avals, Bad, Case, Cotangent, Domain, Infer, Kernel, Lowered, OpDef};
use crate::kernels::{self, fold::Fold};
use crate::ops::apply::cast;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{equal, less};
use crate::ops::elementwise::{abs, exp, log_sum};
use crate::ops::index::add_at;
use crate::ops::movement::{expand_dims, squeeze, stop_gradient};
use crate::ops::rules::{masked, restore_axes, unreduce};
use crate::ops::samples::{bad, case};
use crate::ops::select::select;
use crate::ops::shapes;
use crate::ops::slice::zeros_of;
use crate::ops::unpack::attr;
use crate::shape::{self, Aval, Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&REDUCE_SUM, &REDUCE_MAX, &REDUCE_MIN, &SIZE, &REDUCE_MEAN, &PEAK, &REDUCE_LOGSUMEXP, &ARGMAX, &ARGMIN, &MAX_WITH_INDEX];

fn reduced(c: &mut Infer<'_>, x: &Aval, axis: &Axes, keepdims: bool) -> Result<Avals> {
    let axes = shape::axes(c.op, axis.0.as_deref(), x.ndim())?;
    Ok(smallvec![Aval { dtype: x.dtype, shape: shapes::reduced(x, &axes, keepdims) }])
}

/// As [`reduced`], for reductions that have no value over nothing.
fn extremum(c: &mut Infer<'_>, x: &Aval, axis: &Axes, keepdims: bool) -> Result<Avals> {
    let axes = shape::axes(c.op, axis.0.as_deref(), x.ndim())?;
    let empty = |reduced: bool| x.shape.iter().enumerate().any(|(i, d)| *d == Dim::Known(0) && axes.contains(&i) == reduced);
    // No value is asked for where the result is empty too. A length that is not known may make it so: the run tells.
    let open = |(i, d): (usize, &Dim)| d.known().is_none() && !axes.contains(&i);
    if empty(true) && !empty(false) && !x.shape.iter().enumerate().any(open) {
        return c.shape_error(
            "there is no value over no elements",
            format_args!("shape {}", Tuple(&x.shape)),
            "at least one element along the axis",
        );
    }
    Ok(smallvec![Aval { dtype: x.dtype, shape: shapes::reduced(x, &axes, keepdims) }])
}

fn axes_attrs(axis: Option<&[i64]>, keepdims: bool) -> Vec<Attr> {
    vec![Axes(axis.map(Into::into)).pack(), Attr::Bool(keepdims)]
}

pub(super) fn fold_cases(domain: Domain) -> Vec<Case> {
    vec![
        case(domain, &[&[5]], axes_attrs(None, false)),
        case(domain, &[&[2, 3, 4]], axes_attrs(None, true)),
        case(domain, &[&[2, 3, 4]], axes_attrs(Some(&[0]), false)),
        case(domain, &[&[2, 3, 4]], axes_attrs(Some(&[1]), true)),
        case(domain, &[&[2, 3, 4]], axes_attrs(Some(&[-1]), false)),
        case(domain, &[&[2, 3, 4]], axes_attrs(Some(&[0, 2]), false)),
        case(domain, &[&[]], axes_attrs(None, false)),
    ]
}

pub(super) fn axis_bad(op: &'static str) -> Vec<Bad> {
    let range = format!("{op}: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.");
    let twice = format!("{op}: an axis is named twice. Got (0, -2); expected distinct axes.");
    vec![bad(&[&[2, 3]], axes_attrs(Some(&[2]), false), range), bad(&[&[2, 3]], axes_attrs(Some(&[0, -2]), false), twice)]
}

row! {
    /// Sum over `axis` (all axes by default); bools and `int32` are summed in `int64`. The sum over nothing is 0.
    ///
    /// The order of the additions depends on shape and axes only: blocks of 512, folded 8 by 8 by 8, then pairwise.
    ///
    /// Gradient: `g` repeated over the axes.
    pub REDUCE_SUM = fn reduce_sum(x: count; axis: Axes = Axes(None), keepdims: bool = false) -> y
    shape(c) reduced(c, x, &axis, keepdims);
    kernel Kernel::Fold(Fold::Sum);
    support Repeated(unreduced);
    vjp(g) { x: unreduce(g, x, axis.0.as_deref(), keepdims) }
    batch Axes;
    numpy "np.sum(x, axis=axis, keepdims=keepdims)";
    example "T.reduce_sum([[1, 2], [3, 4]], axis=-1, keepdims=True)" => "[[3]\n [7]]";
    alias sum;
    method sum;
    cases fold_cases(Domain::Real);
    bad axis_bad("reduce_sum");
}

/// `g`, shared by the elements of `x` that equal the extremum `y`.
fn shared<'g>(g: Tensor<'g>, x: Tensor<'g>, y: Tensor<'g>, axis: &Axes, keepdims: bool) -> Cotangent<'g> {
    let y = restore_axes(y, x, axis.0.as_deref(), keepdims);
    let g = restore_axes(g, x, axis.0.as_deref(), keepdims);
    let hit = equal(x, y);
    let count = reduce_sum(cast(hit, g.dtype()), axis.clone(), true);
    masked(broadcast_like(g / count, x), hit)
}

row! {
    /// The largest element over `axis` (all axes by default); NaN if one is NaN.
    ///
    /// Gradient: to the largest elements; ties share it equally.
    pub REDUCE_MAX = fn reduce_max(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    shape(c) extremum(c, x, &axis, keepdims);
    kernel Kernel::Fold(Fold::Max);
    support Repeated(unreduced);
    vjp(g) { x: shared(g, x, y, &axis, keepdims) }
    batch Axes;
    numpy "np.max(x, axis=axis, keepdims=keepdims)";
    example "x = T.constant([1.0, 3.0, 3.0])"; "T.grad([T.reduce_max(x)], [x])[0]" => "[0.  0.5 0.5]";
    alias max;
    method max;
    cases fold_cases(Domain::Distinct);
    bad {
        let mut all = axis_bad("reduce_max");
        all.push(bad(&[&[0]], axes_attrs(None, false), "reduce_max: there is no value over no elements. Got shape (0,); expected at least one element along the axis."));
        all
    };
}
row! {
    /// The smallest element over `axis` (all axes by default); NaN if one is NaN.
    ///
    /// Gradient: to the smallest elements; ties share it equally.
    pub REDUCE_MIN = fn reduce_min(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    shape(c) extremum(c, x, &axis, keepdims);
    kernel Kernel::Fold(Fold::Min);
    support Repeated(unreduced);
    vjp(g) { x: shared(g, x, y, &axis, keepdims) }
    batch Axes;
    numpy "np.min(x, axis=axis, keepdims=keepdims)";
    example "T.reduce_min([[1.0, 5.0], [7.0, 2.0]], axis=-1)" => "[1. 2.]";
    alias min;
    method min;
    cases fold_cases(Domain::Distinct);
    bad axis_bad("reduce_min");
}

row! {
    /// The number of elements of `x` along `axis` (all axes by default), as an `int64` value: of `x` only the shape is used.
    ///
    /// Gradient: none.
    pub(crate) SIZE = fn size(x: any; axis: Axes = Axes(None)) -> n
    shape(c) {
        shape::axes(c.op, axis.0.as_deref(), x.ndim())?;
        Ok(smallvec![Aval::new(DType::I64, [])])
    };
    kernel Kernel::Lower(|c| {
        let dims = c.inputs.first().and_then(|a| a.dims()).unwrap_or_default();
        let axis: Option<Axes> = attr(c.attrs.first()).ok();
        let axes = axis.and_then(|a| shape::axes("size", a.0.as_deref(), dims.len()).ok()).unwrap_or_default();
        let n: usize = axes.iter().filter_map(|&i| dims.get(i)).product();
        Lowered::Scalar((n as i64).into())
    });
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    batch Same;
    numpy "ref.size(x, axis)";
    exempt First, Second: "it has no floating input, or no floating result";
    case real[2, 3, 4] with axis = [0, 2];
    refuses f64[2] with axis = [1] => "size: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// The number of elements of `x` along `axis` as a scalar of a floating dtype.
fn count<'g>(x: Tensor<'g>, axis: &Axes, dtype: DType) -> Tensor<'g> {
    let axes = shape::axes("mean", axis.0.as_deref(), x.ndim()).unwrap_or_default();
    let known: Option<usize> = axes.iter().map(|&i| x.dims().get(i).and_then(|d| d.known())).product();
    match known {
        Some(n) => x.graph().literal((n as f64).into(), dtype),
        None => cast(size(x, axis.clone()), dtype),
    }
}

row! {
    /// Mean over `axis` (all axes by default), in floating numbers: `sum(x) / n`. The mean over nothing is NaN.
    pub REDUCE_MEAN = fn reduce_mean(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        shape::axes("reduce_mean", axis.0.as_deref(), x.ndim())?;
        let n = count(x, &axis, x.dtype());
        reduce_sum(x, axis, keepdims) / n
    }
    numpy "np.mean(x, axis=axis, keepdims=keepdims)";
    example "T.reduce_mean([[1, 2], [3, 4]], axis=0)" => "[2. 3.]";
    alias mean;
    method mean;
    cases fold_cases(Domain::Real);
    bad axis_bad("reduce_mean");
}
row! {
    /// As `reduce_max`, and -inf over nothing.
    ///
    /// Gradient: to the largest elements; ties share it equally.
    pub(crate) PEAK = fn peak(x: float; axis: Axes = Axes(None), keepdims: bool = false) -> y
    shape(c) reduced(c, x, &axis, keepdims);
    kernel Kernel::Fold(Fold::Max);
    support Repeated(unreduced);
    vjp(g) { x: shared(g, x, y, &axis, keepdims) }
    batch Axes;
    numpy "np.max(x, axis=axis, keepdims=keepdims, initial=-np.inf)";
    cases fold_cases(Domain::Distinct);
    bad axis_bad("peak");
}

/// What exponentials of `x` are shifted by so that none overflows: the largest element along `axis`, as a constant with the
/// axes of `x`.
#[track_caller]
pub(crate) fn shift<'g>(x: Tensor<'g>, axis: Axes) -> Tensor<'g> {
    stop_gradient(peak(x, axis, true))
}

row! {
    /// `log(sum(exp(x)))` over `axis` (all axes by default), shifted by the maximum: it never overflows. Where all
    /// elements are -inf, or where there are none, it is -inf.
    ///
    /// Gradient: `g * softmax(x)`; 0 where all elements are -inf. To an element that is inf it is NaN. Its own gradient has an
    /// error of one unit in the last place of `g` where a probability rounds to 1.
    pub REDUCE_LOGSUMEXP = fn reduce_logsumexp(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        shape::axes("reduce_logsumexp", axis.0.as_deref(), x.ndim())?;
        let top = shift(x, axis.clone());
        let top = select(less(abs(top), f64::INFINITY), top, 0.0);
        let sum = reduce_sum(exp(x - top), axis.clone(), true);
        let y = log_sum(sum) + top;
        if keepdims { y } else { squeeze_axes(y, x, &axis) }
    }
    numpy "scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)";
    example "T.reduce_logsumexp([[1000.0, 1000.0], [0.0, -np.inf]], axis=-1)" => "[1000.69314718    0.        ]";
    alias logsumexp;
    method logsumexp;
    cases fold_cases(Domain::Real);
    bad axis_bad("reduce_logsumexp");
}

fn squeeze_axes<'g>(y: Tensor<'g>, x: Tensor<'g>, axis: &Axes) -> Tensor<'g> {
    match &axis.0 {
        Some(list) => squeeze(y, list.to_vec()),
        None => squeeze(y, (0..x.ndim() as i64).collect::<Vec<_>>()),
    }
}

row! {
    /// The index of the largest element along `axis`, as `int64`; the first of ties; NaN counts as largest.
    ///
    /// Gradient: none.
    pub ARGMAX = fn argmax(x: any; axis: i64 = -1, keepdims: bool = false) -> index
    shape(c) {
        let mut out = extremum(c, x, &Axes(Some([axis].into())), keepdims)?;
        out.iter_mut().for_each(|a| a.dtype = DType::I64);
        Ok(out)
    };
    kernel call!(false, |[x] -> [index], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::index::argmax(c.ranges, *x, axis, index)
    });
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    batch Axes;
    numpy "np.argmax(x, axis=axis, keepdims=keepdims)";
    example "T.argmax([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]])" => "[1 0]";
    method argmax;
    exempt First, Second: "it has no floating input, or no floating result";
    case distinct[5] with axis = 0, keepdims = false;
    case distinct[2, 3, 4] with axis = 1, keepdims = true;
    refuses f64[2] with axis = 1, keepdims = false => "argmax: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2, 0] with axis = 1, keepdims = false => "argmax: there is no value over no elements. Got shape (2, 0); expected at least one element along the axis.";
}

row! {
    /// The index of the smallest element along `axis`, as `int64`; the first of ties; NaN counts as smallest.
    ///
    /// Gradient: none.
    pub ARGMIN = fn argmin(x: any; axis: i64 = -1, keepdims: bool = false) -> index
    shape(c) {
        let mut out = extremum(c, x, &Axes(Some([axis].into())), keepdims)?;
        out.iter_mut().for_each(|a| a.dtype = DType::I64);
        Ok(out)
    };
    kernel call!(false, |[x] -> [index], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::index::argmin(c.ranges, *x, axis, index)
    });
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    batch Axes;
    numpy "np.argmin(x, axis=axis, keepdims=keepdims)";
    example "T.argmin([[3.0, 1.0, 1.0], [2.0, np.nan, 1.0]])" => "[1 1]";
    method argmin;
    exempt First, Second: "it has no floating input, or no floating result";
    case distinct[5] with axis = 0, keepdims = false;
    case distinct[2, 3, 4] with axis = 1, keepdims = true;
    refuses f64[2] with axis = 1, keepdims = false => "argmin: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2, 0] with axis = 1, keepdims = false => "argmin: there is no value over no elements. Got shape (2, 0); expected at least one element along the axis.";
}

row! {
    /// The largest element along `axis`, and its index as `int64`: the first of ties; NaN counts as largest.
    ///
    /// Gradient: to the element that the index names.
    pub MAX_WITH_INDEX = fn max_with_index(x: any; axis: i64 = -1) -> y, index
    shape(c) {
        let out = extremum(c, x, &Axes(Some([axis].into())), false)?;
        let index = out.iter().map(|a| Aval { dtype: DType::I64, shape: a.shape.clone() }).collect::<Vec<_>>();
        Ok(out.into_iter().chain(index).collect())
    };
    kernel call!(false, |[x] -> [y, index], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::index::max_with_index(c.ranges, *x, axis, y, index)
    });
    support Scattered;
    vjp(g, gi) { x: {
        let index = expand_dims(index, axis);
        // What the index does not name is exactly 0, whatever it meets further back.
        let hit = broadcast_like(x.graph().literal(true.into(), DType::Bool), index);
        let hit = add_at(&[zeros_of(x, DType::Bool), index, hit], axis);
        masked(broadcast_like(expand_dims(g, axis), x), hit)
    } }
    batch Axes;
    numpy "(np.max(x, axis=axis), np.argmax(x, axis=axis))";
    example "T.max_with_index([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]])" => "[3. 2.] [1 0]";
    case distinct[5] with axis = 0;
    case distinct[2, 3, 4] with axis = 1;
    refuses f64[2] with axis = 1 => "max_with_index: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
