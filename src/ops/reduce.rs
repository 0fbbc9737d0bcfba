//! Reductions over axes.

use smallvec::{SmallVec, smallvec};

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, AttrType, Axes};
use crate::graph::op::{Avals, Bad, Case, Cotangent, Domain, Infer, Kernel, Lowered, OpDef};
use crate::graph::{NodeOp, Tensor};
use crate::kernels::{self, fold::Fold};
use crate::ops::apply::{Operand, cast};
use crate::ops::arithmetic::{abs, maximum, minimum};
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{equal, less, logical_and, logical_or};
use crate::ops::exponent::exp;
use crate::ops::index::add_at;
use crate::ops::logarithm::log_sum;
use crate::ops::movement::{expand_dims, squeeze, stop_gradient};
use crate::ops::rules::{masked, restore_axes, unreduce};
use crate::ops::samples::{bad, case, mixed};
use crate::ops::select::select;
use crate::ops::shapes;
use crate::ops::slice::zeros_of;
use crate::ops::unpack::attr;
use crate::shape::{self, Aval, Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&REDUCE_SUM, &REDUCE_MAX, &REDUCE_MIN, &SIZE, &REDUCE_MEAN, &PEAK, &VALLEY, &REDUCE_LOGSUMEXP, &ARGMAX, &ARGMIN, &MAX_WITH_INDEX];

fn reduced(c: &mut Infer<'_>, x: &Aval, axis: &Axes, keepdims: bool) -> Result<Avals> {
    let axes = shape::axes(c.op, axis.0.as_deref(), x.ndim())?;
    Ok(smallvec![Aval { dtype: x.dtype, shape: shapes::reduced(x, &axes, keepdims) }])
}

/// The axes of a sum, in an array of `ndim` axes, as those of the sums that a program can hold: the last ones together, and then the others.
pub(crate) fn in_turn(axes: &[usize], ndim: usize) -> SmallVec<[Vec<i64>; 2]> {
    let last = (0..ndim).rev().take_while(|i| axes.contains(i)).count();
    let (behind, before): (Vec<i64>, Vec<i64>) = axes.iter().map(|&i| i as i64).partition(|&i| i >= (ndim - last) as i64);
    [behind, before].into_iter().filter(|axes| !axes.is_empty()).collect()
}

/// The sum over `axis`, which keeps its axes, as a sum over the last axes and then one over the others: programs can hold these, and
/// take both in the pass in which the elements are made.
pub(crate) fn sum_in_turn<'g>(x: Tensor<'g>, axis: &Axes) -> Tensor<'g> {
    let axes = shape::axes("reduce_sum", axis.0.as_deref(), x.ndim()).unwrap_or_default();
    in_turn(&axes, x.ndim()).into_iter().fold(x, |x, axes| reduce_sum(x, axes, true))
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

pub(crate) fn axes_attrs(axis: Option<&[i64]>, keepdims: bool) -> Vec<Attr> {
    vec![Axes(axis.map(Into::into)).pack(), Attr::Bool(keepdims)]
}

pub(crate) fn fold_cases(domain: Domain) -> Vec<Case> {
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

pub(crate) fn axis_bad(op: &'static str) -> Vec<Bad> {
    let range = format!("{op}: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.");
    let twice = format!("{op}: an axis is named twice. Got (0, -2); expected distinct axes.");
    vec![bad(&[&[2, 3]], axes_attrs(Some(&[2]), false), range), bad(&[&[2, 3]], axes_attrs(Some(&[0, -2]), false), twice)]
}

/// The cases of a reduction of `x` with a mask as its last tensor, `between` of which there are others.
pub(crate) fn masked_cases(domain: Domain, between: &[Domain]) -> Vec<Case> {
    let inputs = |x: &[usize], mask: &[usize]| {
        let others = between.iter().map(|&d| (d, vec![]));
        std::iter::once((domain, x.to_vec())).chain(others).chain([(Domain::Bool, mask.to_vec())]).collect()
    };
    vec![
        Case { inputs: inputs(&[9], &[9]), attrs: axes_attrs(None, false) },
        Case { inputs: inputs(&[2, 9], &[9]), attrs: axes_attrs(Some(&[-1]), true) },
        Case { inputs: inputs(&[9, 2], &[9, 1]), attrs: axes_attrs(Some(&[0]), false) },
    ]
}

/// The error for a mask of `op` that does not repeat to `x`.
pub(crate) fn mask_bad(op: &'static str, between: usize) -> Bad {
    let shapes: Vec<&[usize]> = std::iter::once(&[2, 3][..]).chain(vec![&[][..]; between]).chain([&[4][..]]).collect();
    let text = format!("{op}: the array does not fit the shape. Got (4,) for (2, 3); expected lengths equal to the shape's, or 1.");
    bad(&shapes, axes_attrs(None, false), text)
}

/// `x` where the mask is true, else `value`; `x` itself without a mask. The mask has the shape of `x`, or is repeated to it.
#[track_caller]
pub(crate) fn filled<'g>(x: Tensor<'g>, mask: Option<Tensor<'g>>, value: impl Operand<'g>) -> Tensor<'g> {
    mask.map_or(x, |mask| select(broadcast_like(mask, x), x, value))
}

row! {
    /// Sum over `axis` (all axes by default); bools and `int32` are summed in `int64`. The sum over nothing is 0.
    ///
    /// The order of the additions depends on shape and axes only: blocks of 512, folded 8 by 8 by 8, then pairwise.
    /// With `where`, a bool of the shape of `x` or repeated to it, only those elements count where it is true.
    ///
    /// Gradient: `g` repeated over the axes; exactly 0 where `where` is false, whatever stands there.
    pub REDUCE_SUM = fn reduce_sum(x: count, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    given { reduce_sum(filled(x, r#where, 0), axis, keepdims) }
    shape(c) reduced(c, x, &axis, keepdims);
    kernel Kernel::Fold(Fold::Sum);
    support Repeated(unreduced);
    vjp(g) { x: unreduce(g, x, axis.0.as_deref(), keepdims) }
    batch Axes;
    numpy "np.sum(x, axis=axis, keepdims=keepdims, where=where)";
    example "T.reduce_sum([[1, 2], [3, 4]], axis=-1, keepdims=True)" => "[[3]\n [7]]";
    alias sum;
    method sum;
    signature "x, axis, keepdims, where";
    rust short;
    cases {
        let mut all = fold_cases(Domain::Real);
        all.extend(masked_cases(Domain::Real, &[]));
        all
    };
    bad {
        let mut all = axis_bad("reduce_sum");
        all.push(mask_bad("reduce_sum", 0));
        all
    };
}

/// `g`, shared by the elements of `x` that equal the extremum `y`.
fn shared<'g>(g: Tensor<'g>, x: Tensor<'g>, y: Tensor<'g>, axis: &Axes, keepdims: bool) -> Cotangent<'g> {
    let y = restore_axes(y, x, axis.0.as_deref(), keepdims);
    let g = restore_axes(g, x, axis.0.as_deref(), keepdims);
    let hit = equal(x, y);
    let count = reduce_sum(cast(hit, g.dtype()), axis.clone(), true);
    masked(broadcast_like(g / count, x), hit)
}

/// Which of the extremes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extreme {
    Largest,
    Smallest,
}

impl Extreme {
    /// The extreme of an array and of the number `initial`, which has it where the mask leaves nothing.
    fn given<'g>(
        self,
        op: &str,
        x: Tensor<'g>,
        initial: Option<Tensor<'g>>,
        mask: Option<Tensor<'g>>,
        axis: Axes,
        keepdims: bool,
    ) -> Result<Tensor<'g>> {
        let Some(initial) = initial else {
            let rule = "`initial` beside `where`";
            return Err(Error::new(ErrorKind::Value, op, "there is no value where a mask is false throughout", "`where` alone", rule));
        };
        let initial = single(op, "initial", initial)?;
        let most = self == Extreme::Largest;
        let x = match x.dtype().is_float() {
            true => filled(x, mask, if most { f64::NEG_INFINITY } else { f64::INFINITY }),
            false => filled(x, mask, initial),
        };
        let y = if most { peak(x, axis, keepdims) } else { valley(x, axis, keepdims) };
        Ok(match (most, x.dtype() == DType::Bool) {
            (true, true) => logical_or(y, initial),
            (false, true) => logical_and(y, initial),
            (true, false) => maximum(y, initial),
            (false, false) => minimum(y, initial),
        })
    }
}

/// The parameter `name` of the op `op`, which is one number.
pub(crate) fn single<'g>(op: &str, name: &str, x: Tensor<'g>) -> Result<Tensor<'g>> {
    match x.ndim() {
        0 => Ok(x),
        _ => Err(Error::new(
            ErrorKind::Shape,
            op,
            format_args!("`{name}` is not a single number"),
            format_args!("shape {}", Tuple(x.dims())),
            "a number or a 0-d tensor",
        )),
    }
}

/// As [`single`], as a floating number.
pub(crate) fn number<'g>(op: &str, name: &str, x: Tensor<'g>, dtype: DType) -> Result<Tensor<'g>> {
    match x.node().op {
        NodeOp::Scalar(s) => Ok(x.graph().literal(s.as_f64().into(), dtype)),
        _ => Ok(cast(single(op, name, x)?, dtype)),
    }
}

/// The cases of an extremum: without more, with a number that counts as an element, and with a mask.
fn extremum_cases() -> Vec<Case> {
    let mut all = fold_cases(Domain::Distinct);
    all.push(mixed(&[(Domain::Distinct, &[2, 5]), (Domain::Unit, &[])], axes_attrs(Some(&[1]), false)));
    all.extend(masked_cases(Domain::Distinct, &[Domain::Unit]));
    all
}

/// What an extremum refuses.
fn extremum_bad(op: &'static str) -> Vec<Bad> {
    let nothing = format!("{op}: there is no value over no elements. Got shape (0,); expected at least one element along the axis.");
    let many = format!("{op}: `initial` is not a single number. Got shape (2,); expected a number or a 0-d tensor.");
    let mut all = axis_bad(op);
    all.push(bad(&[&[0]], axes_attrs(None, false), nothing));
    all.push(bad(&[&[2], &[2]], axes_attrs(None, false), many));
    all.push(mask_bad(op, 1));
    all
}

row! {
    /// The largest element over `axis` (all axes by default); NaN if one is NaN.
    ///
    /// `initial` is a number that counts as an element: with it there is a value over nothing. With `where`, a bool of the shape of
    /// `x` or repeated to it, only those elements count where it is true; then `initial` is needed.
    ///
    /// Gradient: to the largest elements; ties share it equally, and half of it goes to `initial` where that is one of them. It is
    /// exactly 0 where `where` is false.
    pub REDUCE_MAX = fn reduce_max(x: value, initial: value = None, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    given { Extreme::Largest.given("reduce_max", x, initial, r#where, axis, keepdims)? }
    shape(c) extremum(c, x, &axis, keepdims);
    kernel Kernel::Fold(Fold::Max);
    support Repeated(unreduced);
    vjp(g) { x: shared(g, x, y, &axis, keepdims) }
    batch Axes;
    numpy "np.max(x, axis=axis, keepdims=keepdims, initial=initial, where=where)";
    example "x = T.constant([1.0, 3.0, 3.0])"; "T.grad([T.reduce_max(x)], [x])[0]" => "[0.  0.5 0.5]";
    alias max, amax;
    method max;
    signature "x, axis, keepdims, initial, where";
    rust short;
    cases extremum_cases();
    bad extremum_bad("reduce_max");
}
row! {
    /// The smallest element over `axis` (all axes by default); NaN if one is NaN.
    ///
    /// `initial` is a number that counts as an element: with it there is a value over nothing. With `where`, a bool of the shape of
    /// `x` or repeated to it, only those elements count where it is true; then `initial` is needed.
    ///
    /// Gradient: to the smallest elements; ties share it equally, and half of it goes to `initial` where that is one of them. It is
    /// exactly 0 where `where` is false.
    pub REDUCE_MIN = fn reduce_min(x: value, initial: value = None, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    given { Extreme::Smallest.given("reduce_min", x, initial, r#where, axis, keepdims)? }
    shape(c) extremum(c, x, &axis, keepdims);
    kernel Kernel::Fold(Fold::Min);
    support Repeated(unreduced);
    vjp(g) { x: shared(g, x, y, &axis, keepdims) }
    batch Axes;
    numpy "np.min(x, axis=axis, keepdims=keepdims, initial=initial, where=where)";
    example "T.reduce_min([[1.0, 5.0], [7.0, 2.0]], axis=-1)" => "[1. 2.]";
    alias min, amin;
    method min;
    signature "x, axis, keepdims, initial, where";
    rust short;
    cases extremum_cases();
    bad extremum_bad("reduce_min");
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

/// The number of elements of `x` along `axis`, as a floating number: of those where the mask is true, with the axes of a reduction.
pub(crate) fn count<'g>(x: Tensor<'g>, mask: Option<Tensor<'g>>, axis: &Axes, keepdims: bool) -> Tensor<'g> {
    let dtype = x.dtype();
    if let Some(mask) = mask {
        return cast(reduce_sum(broadcast_like(mask, x), axis.clone(), keepdims), dtype);
    }
    let axes = shape::axes("mean", axis.0.as_deref(), x.ndim()).unwrap_or_default();
    let known: Option<usize> = axes.iter().map(|&i| x.dims().get(i).and_then(|d| d.known())).product();
    match known {
        Some(n) => x.graph().literal((n as f64).into(), dtype),
        None => cast(size(x, axis.clone()), dtype),
    }
}

row! {
    /// Mean over `axis` (all axes by default), in floating numbers: `sum(x) / n`. The mean over nothing is NaN.
    ///
    /// With `where`, a bool of the shape of `x` or repeated to it, it is the mean of the elements where that is true.
    ///
    /// Gradient: `g / n` repeated over the axes; exactly 0 where `where` is false, whatever stands there.
    pub REDUCE_MEAN = fn reduce_mean(x: any, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        shape::axes("reduce_mean", axis.0.as_deref(), x.ndim())?;
        let n = count(x, r#where, &axis, keepdims);
        reduce_sum(filled(x, r#where, 0.0), axis, keepdims) / n
    }
    numpy "np.mean(x, axis=axis, keepdims=keepdims, where=where)";
    example "T.reduce_mean([[1, 2], [3, 4]], axis=0)" => "[2. 3.]";
    alias mean;
    method mean;
    signature "x, axis, keepdims, where";
    rust short;
    cases {
        let mut all = fold_cases(Domain::Real);
        all.extend(masked_cases(Domain::Real, &[]));
        all
    };
    bad {
        let mut all = axis_bad("reduce_mean");
        all.push(mask_bad("reduce_mean", 0));
        all
    };
}
row! {
    /// As `reduce_max`, and over nothing the value of its dtype that is below all others: -inf, false.
    ///
    /// Gradient: to the largest elements; ties share it equally.
    pub(crate) PEAK = fn peak(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    shape(c) reduced(c, x, &axis, keepdims);
    kernel Kernel::Fold(Fold::Max);
    support Repeated(unreduced);
    vjp(g) { x: shared(g, x, y, &axis, keepdims) }
    batch Axes;
    numpy "np.max(x, axis=axis, keepdims=keepdims, initial=-np.inf)";
    cases fold_cases(Domain::Distinct);
    bad axis_bad("peak");
}
row! {
    /// As `reduce_min`, and over nothing the value of its dtype that is above all others: inf, true.
    ///
    /// Gradient: to the smallest elements; ties share it equally.
    pub(crate) VALLEY = fn valley(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    shape(c) reduced(c, x, &axis, keepdims);
    kernel Kernel::Fold(Fold::Min);
    support Repeated(unreduced);
    vjp(g) { x: shared(g, x, y, &axis, keepdims) }
    batch Axes;
    numpy "np.min(x, axis=axis, keepdims=keepdims, initial=np.inf)";
    cases fold_cases(Domain::Distinct);
    bad axis_bad("valley");
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

/// `y` without the axes of `x` that were reduced.
pub(crate) fn squeeze_axes<'g>(y: Tensor<'g>, x: Tensor<'g>, axis: &Axes) -> Tensor<'g> {
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
