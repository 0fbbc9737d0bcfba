//! Indexing: elements chosen by an array of indices.
//!
//! An index is checked once, and becomes a place: an integer `0 .. n` along an axis of length `n`. What chooses, adds or writes
//! takes places and cannot fail, so that only the index has to be there early, and gradients share the check.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Attr, Axis};
use crate::graph::op::{Avals, CallKernel, Cotangent, Infer, Kernel, Lowered, OpDef};
use crate::kernels;
use crate::ops::apply::apply;
use crate::ops::batch;
use crate::ops::broadcast::{BROADCAST_TO, broadcast_like, broadcast_to};
use crate::ops::movement::{dims_attr, expand_dims, known_attr, merge_axes, reshape, split_axis, squeeze};
use crate::ops::rules::unbroadcast;
use crate::ops::slice::zeros_of;
use crate::ops::unpack::{arity, attr};
use crate::shape::{self, Aval, Dim, Shape, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[
    &TAKE,
    &INDEX_SELECT,
    &EMBEDDING,
    &GATHER,
    &TAKE_ALONG_AXIS,
    &ONE_HOT,
    &CHECK_INDEX,
    &CHECK_INDEX_LIKE,
    &CHECK_LABELS,
    &CHECK_AT,
    &GATHER_AT,
    &ADD_AT,
    &BROADCAST_OFF,
];

fn check_int(c: &Infer<'_>, index: &Aval) -> Result<()> {
    if index.dtype.is_int() { Ok(()) } else { c.dtype_error("indices must be integers", index.dtype, "int32 or int64") }
}

/// The dtype of places along an axis of length `n`.
fn place_dtype(n: usize) -> DType {
    if i32::try_from(n).is_ok() { DType::I32 } else { DType::I64 }
}

row! {
    /// The places that indices name along an axis of length `n`: a negative index counts from the end. One that is out of range is
    /// an error of the run.
    ///
    /// Gradient: none.
    pub(crate) CHECK_INDEX = fn check_index(index: any; n: i64, dtype: DType = DType::I64) -> place
    shape(c) {
        check_int(c, index)?;
        if !dtype.is_int() {
            return c.dtype_error("places are integers", dtype, "int32 or int64");
        }
        Ok(smallvec![Aval { dtype, shape: index.shape.clone() }])
    };
    kernel call!(true, |[index] -> [place], c| {
        kernels::index::check(c.ranges, c.op, *index, attr::<i64>(c.attrs.first())?.max(0) as usize, place)
    });
    support Unknown;
    vjp(g) { index: Cotangent::Zero }
    batch Elementwise;
    numpy "np.where(index < 0, index + n, index).astype(dtype)";
    exempt First, Second: "it has no floating input, or no floating result";
    exempt Narrow: "its samples are integers";
    case index(4)[5] with n = 4;
    case index(3)[2, 2] with n = 3, dtype = DType::I32;
    refuses f64[2] with n = 4 => "check_index: indices must be integers. Got float64; expected int32 or int64.";
    refuses i64[2] with n = 4, dtype = DType::F32 => "check_index: places are integers. Got float32; expected int32 or int64.";
    refuses i64[2] with n = 0 => "check_index: index is out of range. Got 0 at position 0 for an axis of length 0; expected no index into an empty axis.";
}
row! {
    /// [`CHECK_INDEX`] for `axis` of `like`, of which only the shape is used.
    pub(crate) CHECK_INDEX_LIKE = fn check_index_like(index: any, like: any; axis: i64 = 0) -> place
    shape(c) {
        check_int(c, index)?;
        shape::axis(c.op, axis, like.ndim())?;
        Ok(smallvec![Aval { dtype: DType::I64, shape: index.shape.clone() }])
    };
    kernel Kernel::Lower(|c| {
        let like = c.inputs.get(1).and_then(|a| a.dims()).unwrap_or_default();
        let axis = attr::<i64>(c.attrs.first()).and_then(|a| shape::axis("check_index_like", a, like.len())).unwrap_or(0);
        let n = like.get(axis).copied().unwrap_or(0) as i64;
        Lowered::Chain(vec![(&CHECK_INDEX, vec![Attr::Int(n), Attr::DType(c.output.dtype)])])
    });
    support Unknown;
    vjp(g) { index: Cotangent::Zero, like: Cotangent::Zero }
    batch Rule(batch::like_along);
    numpy "np.where(index < 0, index + like.shape[axis], index)";
    exempt First, Second: "it has no floating input, or no floating result";
    case index(4)[5], real[2, 4] with axis = 1;
    refuses f64[2], f64[3] with axis = 0 => "check_index_like: indices must be integers. Got float64; expected int32 or int64.";
    refuses i64[2], f64[3] with axis = 1 => "check_index_like: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// The places that class labels name: integers or integral floats; one outside `0 <= label < classes`, or NaN, is an error of
    /// the run that names its place.
    ///
    /// Gradient: none.
    pub(crate) CHECK_LABELS = fn check_labels(labels: any; classes: i64) -> place
    shape(c) Ok(smallvec![Aval { dtype: place_dtype(classes.max(0) as usize), shape: labels.shape.clone() }]);
    kernel call!(true, |[labels] -> [place], c| {
        kernels::index::labels(c.ranges, c.op, *labels, attr::<i64>(c.attrs.first())?.max(0) as usize, place)
    });
    support Unknown;
    vjp(g) { labels: Cotangent::Zero }
    batch Elementwise;
    numpy "labels.astype(np.int32)";
    exempt First, Second: "it has no floating input, or no floating result";
    exempt Narrow: "its samples are integers";
    case index(4)[5] with classes = 4;
    refuses i64[2] with classes = 0 => "check_labels: label is out of range. Got 0 at position 0; expected 0 <= label < 0.";
}

/// The places that `index` names along an axis of `x`, which is counted from the start; as `int32` where the length is known and
/// small, or as `int64`.
#[track_caller]
pub(crate) fn checked<'g>(index: Tensor<'g>, x: Tensor<'g>, axis: usize, wide: bool) -> Tensor<'g> {
    match x.dims().get(axis).and_then(|d| d.known()) {
        Some(n) => check_index(index, n, if wide { DType::I64 } else { place_dtype(n) }),
        None => check_index_like(index, x, axis),
    }
}

row! {
    /// `x` itself, of which `axis` has an element `index`, which may count from the end; an error where it has not.
    ///
    /// Gradient: `g`.
    pub(crate) CHECK_AT = fn check_at(x: any; axis: i64 = 0, index: i64 = 0) -> y
    shape(c) {
        let axis = shape::axis(c.op, axis, x.ndim())?;
        if let Some(n) = x.shape.get(axis).and_then(|d| d.known()) {
            index_in_range(axis, n, index)?;
        }
        Ok(smallvec![x.clone()])
    };
    kernel Kernel::View(|_, strides, _, _| Some((0, strides.into())));
    support Moved;
    vjp(g) { x: g }
    batch Axes;
    numpy "x";
    by hand;
    case real[2, 3] with axis = 1, index = -3;
    refuses f64[2, 3] with axis = 1, index = 3 => "index: the index is out of range. Got 3 for axis 1 of length 3; expected -length <= index < length.";
}

fn index_in_range(axis: usize, n: usize, index: i64) -> Result<()> {
    if index >= -(n as i64) && index < n as i64 {
        return Ok(());
    }
    let got = format_args!("{index} for axis {axis} of length {n}");
    Err(Error::new(ErrorKind::Shape, "index", "the index is out of range", got, "-length <= index < length"))
}

/// `x`, of which `axis` has an element `index`; where the length is not known, the run checks it.
#[cfg(feature = "python")]
pub(crate) fn check_at<'g>(x: Tensor<'g>, axis: usize, index: i64) -> Result<Tensor<'g>> {
    match x.dims().get(axis).and_then(|d| d.known()) {
        Some(n) => index_in_range(axis, n, index).map(|()| x),
        None => Ok(apply(&CHECK_AT, &[x.into()], &[Attr::Int(axis as i64), Attr::Int(index)])),
    }
}

/// An error unless places can be those of an axis of `whole`: as many axes, and off the axis at most its lengths.
pub(crate) fn check_places(c: &Infer<'_>, places: &Aval, whole: &Aval, axis: usize) -> Result<()> {
    check_int(c, places)?;
    let fits = |(i, (p, d)): (usize, (&Dim, &Dim))| match (p, d) {
        (Dim::Known(p), Dim::Known(d)) => i == axis || p <= d,
        _ => true,
    };
    if places.ndim() == whole.ndim() && places.shape.iter().zip(&whole.shape).enumerate().all(fits) {
        return Ok(());
    }
    let got = format!("{} for {} and axis={axis}", Tuple(&places.shape), Tuple(&whole.shape));
    c.shape_error("the places do not fit", got, "equal ranks, and at most the lengths off the axis")
}

row! {
    /// For each place the element of `x` there along `axis`, and at its own position on the other axes, where `x` may be longer.
    ///
    /// Gradient: `g` added up at the places.
    pub(crate) GATHER_AT = fn gather_at(x: any, places: any; axis: i64 = -1) -> y
    shape(c) {
        let axis = shape::axis(c.op, axis, x.ndim())?;
        check_places(c, places, x, axis)?;
        Ok(smallvec![Aval { dtype: x.dtype, shape: places.shape.clone() }])
    };
    kernel call!(false, |[x, places] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::index::gather_at(c.ranges, *x, *places, axis, y)
    });
    support Placed;
    vjp(g) { x: gather_adjoint(g, places, x, axis), places: Cotangent::Zero }
    batch Axes;
    numpy "ref.gather_at(x, places, axis)";
    case real[3, 4], index(4)[3, 2] with axis = -1;
    case real[4, 3], index(4)[5, 2] with axis = 0;
    case real[4], index(4)[6] with axis = 0;
    refuses f64[2], f64[2] with axis = 0 => "gather_at: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[2, 3], i64[3, 3] with axis = 1 => "gather_at: the places do not fit. Got (3, 3) for (2, 3) and axis=1; expected equal ranks, and at most the lengths off the axis.";
    refuses f64[2], i64[2] with axis = 1 => "gather_at: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// The first of `xs` with elements added at places along `axis`, one after the other. Places and elements follow in pairs of
    /// one shape, and are about the first's first positions off the axis.
    ///
    /// Gradient: `g` to the first, its elements at the places to those that were added.
    pub(crate) ADD_AT = fn add_at(xs: [any]; axis: i64 = -1) -> y
    shape(c) added(c, axis);
    kernel Kernel::Call(CallKernel {
        run: |c| {
            let ([base, parts @ ..], [y]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
            let axis = shape::axis(c.op, attr(c.attrs.first())?, base.dims().len())?;
            kernels::index::add_at(c.ranges, *base, parts, axis, y)
        },
        scratch: |_, _| 0,
        fallible: false,
        spares: &[],
    });
    support Moved;
    vjp(v) { ..{
        let g = v.g(0);
        let parts = xs.iter().skip(1).enumerate().map(|(i, _)| match (i % 2, xs.get(i), v.wanted.get(i + 1)) {
            (1, Some(&places), Some(true)) => Cotangent::from(gather_at(g, places, axis)),
            _ => Cotangent::Zero,
        });
        std::iter::once(Cotangent::from(g)).chain(parts).collect()
    } }
    batch Axes;
    numpy "ref.add_at(xs, axis)";
    case real[3, 4], index(4)[3, 2], real[3, 2] with axis = 1;
    case real[4, 3], index(4)[5, 2], real[5, 2], index(4)[1, 3], real[1, 3] with axis = 0;
    refuses f64[3, 4], f64[3, 2], f64[3, 2] with axis = 1 => "add_at: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[3, 4], i64[3, 2], f64[3, 3] with axis = 1 => "add_at: the elements do not fit the places. Got (3, 3) for places (3, 2); expected equal shapes.";
    refuses f64[3, 4], i64[3, 2] with axis = 1 => "add_at: there are no elements for some places. Got 1 array after the first; expected pairs of places and elements.";
    refuses f64[4], i64[2], f32[2] with axis = 0 => "add_at: the dtypes differ. Got float32 for float64; expected one dtype.";
}

/// Zeros in the shape of `x` with `g` added at places along an axis: the adjoint of choosing them.
pub(crate) fn gather_adjoint<'g>(g: Tensor<'g>, places: Tensor<'g>, x: Tensor<'g>, axis: i64) -> Tensor<'g> {
    add_at(&[zeros_of(x, g.dtype()), places, g], axis)
}

/// The shape of what is added to at places.
fn added(c: &Infer<'_>, axis: i64) -> Result<Avals> {
    let Some((whole, parts)) = c.inputs.split_first() else {
        return c.shape_error("there is nothing to add to", "no array", "an array, and pairs of places and elements");
    };
    let axis = shape::axis(c.op, axis, whole.ndim())?;
    if parts.len() % 2 != 0 {
        let got = format!("{} array{} after the first", parts.len(), if parts.len() == 1 { "" } else { "s" });
        return c.shape_error("there are no elements for some places", got, "pairs of places and elements");
    }
    for pair in parts.chunks_exact(2) {
        let [places, g] = pair else { continue };
        check_places(c, places, whole, axis)?;
        if g.ndim() != places.ndim() || g.shape.iter().zip(&places.shape).any(|(a, b)| a.unify(*b).is_none()) {
            let got = format!("{} for places {}", Tuple(&g.shape), Tuple(&places.shape));
            return c.shape_error("the elements do not fit the places", got, "equal shapes");
        }
        if g.dtype != whole.dtype {
            return c.dtype_error("the dtypes differ", format_args!("{} for {}", g.dtype, whole.dtype), "one dtype");
        }
    }
    Ok(smallvec![(*whole).clone()])
}

/// The lengths of `x` on `axis`, and what `x` and `like` broadcast to on the other axes.
fn lengths_off(c: &mut Infer<'_>, x: &Aval, like: &Aval, axis: usize) -> Result<Shape> {
    if x.ndim() != like.ndim() {
        let got = format_args!("{} and {}", Tuple(&x.shape), Tuple(&like.shape));
        return Err(Error::new(ErrorKind::Shape, c.op, "the ranks differ", got, "equal numbers of axes"));
    }
    // The axis stays what it is.
    let mut like = like.shape.clone();
    if let Some(d) = like.get_mut(axis) {
        *d = Dim::Known(1);
    }
    let mut out = shape::broadcast(c.op, &x.shape, &like, c.fresh)?;
    if let (Some(d), Some(own)) = (out.get_mut(axis), x.shape.get(axis)) {
        *d = *own;
    }
    Ok(out)
}

row! {
    /// `x` repeated off `axis` to what its lengths and those of `like`, of which only the shape is used, broadcast to.
    ///
    /// Gradient: the sum of `g` over the axes that were repeated.
    pub(crate) BROADCAST_OFF = fn broadcast_off(x: any, like: any; axis: i64 = 0) -> y
    shape(c) {
        let axis = shape::axis(c.op, axis, x.ndim())?;
        Ok(smallvec![Aval { dtype: x.dtype, shape: lengths_off(c, x, like, axis)? }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&BROADCAST_TO, vec![dims_attr(c.output)])]));
    support Summed;
    vjp(g) { x: unbroadcast(g, x), like: Cotangent::Zero }
    batch Rule(batch::like_along);
    numpy "ref.broadcast_off(x, like, axis)";
    by hand;
    case real[3, 1], real[2, 4] with axis = 0;
    case real[1, 3, 2], real[4, 3, 1] with axis = -1;
    refuses f64[3, 2], f64[3, 4] with axis = 0 => "broadcast_off: shapes do not broadcast. Got (3, 2) and (1, 4); expected equal lengths, or 1, on each axis counted from the last.";
    refuses f64[3], f64[3, 4] with axis = 0 => "broadcast_off: the ranks differ. Got (3,) and (3, 4); expected equal numbers of axes.";
    refuses f64[3], f64[3] with axis = 1 => "broadcast_off: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// `x` repeated off `axis` to what its lengths and those of `like` broadcast to; of `like` only the shape is used, and where it is
/// known not even that.
#[track_caller]
pub(crate) fn broadcast_off<'g>(x: Tensor<'g>, like: Tensor<'g>, axis: usize) -> Tensor<'g> {
    let pairs = x.dims().iter().zip(like.dims()).enumerate();
    if x.ndim() == like.ndim() && pairs.filter(|(i, _)| *i != axis).all(|(_, (a, b))| a == b) {
        return x;
    }
    let length = |(i, (&n, &m)): (usize, (&i64, &i64))| match (n, m) {
        _ if i == axis => Some(n),
        (1, m) => Some(m),
        _ => (n == m || m == 1).then_some(n),
    };
    let dims: Option<Vec<i64>> = match (known_attr(x), known_attr(like)) {
        (Some(own), Some(like)) if own.len() == like.len() => own.iter().zip(&like).enumerate().map(length).collect(),
        _ => None,
    };
    match dims {
        Some(dims) => broadcast_to(x, dims),
        None => apply(&BROADCAST_OFF, &[x.into(), like.into()], &[Attr::Int(axis as i64)]),
    }
}

/// Places of any shape as those of an axis of `x`: joined into one axis, and repeated over the other axes of `x`.
pub(crate) fn along<'g>(places: Tensor<'g>, x: Tensor<'g>, axis: usize) -> Tensor<'g> {
    let flat = match places.ndim() {
        0 => expand_dims(places, 0i64),
        1 => places,
        n => merge_axes(places, 0, n),
    };
    let others: Vec<i64> = (0..x.ndim()).filter(|i| *i != axis).map(|i| i as i64).collect();
    if others.is_empty() { flat } else { broadcast_off(expand_dims(flat, others), x, axis) }
}

/// The elements of `x` at places of any shape, whose axes stand in place of `axis`.
pub(crate) fn take_at<'g>(x: Tensor<'g>, places: Tensor<'g>, axis: usize) -> Tensor<'g> {
    let y = gather_at(x, along(places, x, axis), axis);
    match places.ndim() {
        0 => squeeze(y, axis as i64),
        1 => y,
        n => split_axis(y, axis, places, 0, n),
    }
}

/// The elements of `x` at `index` along an axis.
fn chosen<'g>(op: &str, x: Tensor<'g>, index: Tensor<'g>, axis: i64) -> Result<Tensor<'g>> {
    let axis = shape::axis(op, axis, x.ndim())?;
    Ok(take_at(x, checked(index, x, axis, false), axis))
}

row! {
    /// The elements of `x` at `index` along `axis`; the axis becomes the axes of `index`. Without an axis, of the elements of `x` in C
    /// order. Negative indices count from the end; an index out of range is an error of the run.
    ///
    /// Gradient: `g` added up at the indices.
    pub TAKE = fn take(x: any, index: any; axis: Axis = None) -> y
    body {
        match axis {
            Some(axis) => chosen("take", x, index, axis)?,
            None => chosen("take", reshape(x, -1), index, 0)?,
        }
    }
    numpy "np.take(x, index, axis=axis)";
    example "T.take([[10.0, 20.0], [30.0, 40.0]], [2, -1, 0])" => "[30. 40. 10.]";
    method take;
    case real[4, 3], index(4)[5] with axis = 0;
    case real[2, 4], index(4)[2, 2] with axis = -1;
    case real[4], index(4)[] with axis = 0;
    case real[2, 3], index(6)[2, 2] with axis = ();
    case real[], index(1)[3] with axis = ();
    refuses f64[2], f64[2] with axis = 0 => "take: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[2], i64[2] with axis = 1 => "take: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// The elements of `x` at an index of at most one axis along `axis`. Negative indices count from the end; an index out of range
    /// is an error of the run.
    ///
    /// Gradient: `g` added up at the indices.
    pub INDEX_SELECT = fn index_select(x: any, index: any; axis: i64) -> y
    body {
        if index.ndim() > 1 {
            let got = format_args!("shape {}", Tuple(index.dims()));
            return Err(Error::new(ErrorKind::Shape, "index_select", "the index has several axes", got, "an index of at most one axis"));
        }
        chosen("index_select", x, index, axis)?
    }
    numpy "np.take(x, index, axis=axis)";
    example "T.index_select([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [2, 0], axis=1)" => "[[3. 1.]\n [6. 4.]]";
    case real[4, 3], index(4)[5] with axis = 0;
    case real[2, 4], index(4)[3] with axis = -1;
    refuses f64[2], f64[2] with axis = 0 => "index_select: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[2], i64[2, 1] with axis = 0 => "index_select: the index has several axes. Got shape (2, 1); expected an index of at most one axis.";
}
row! {
    /// The rows of a table at indices: `weight[index]`, of shape `index.shape + weight.shape[1:]`. Negative indices count from the end;
    /// an index out of range is an error of the run.
    ///
    /// Gradient: `g` added up at the rows.
    pub EMBEDDING = fn embedding(index: any, weight: any) -> y
    body { chosen("embedding", weight, index, 0)? }
    numpy "np.take(weight, index, axis=0)";
    example "T.embedding([2, 0], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])" => "[[5. 6.]\n [1. 2.]]";
    case index(4)[2, 3], real[4, 2];
    case index(4)[], real[4, 2];
    refuses f64[2], f64[4, 2] => "embedding: indices must be integers. Got float64; expected int32 or int64.";
}
row! {
    /// For each place of `index` the element of `x` at that index along `axis`, and at the same position on the other axes, where
    /// the index may be shorter than `x`. Negative indices count from the end; an index out of range is an error of the run.
    ///
    /// Gradient: `g` added up at the indices.
    pub GATHER = fn gather(x: any, index: any; axis: i64 = -1) -> y
    body {
        let axis = shape::axis("gather", axis, x.ndim())?;
        gather_at(x, checked(index, x, axis, false), axis)
    }
    numpy "ref.gather_at(x, index, axis)";
    example "T.gather([[1.0, 2.0], [3.0, 4.0]], [[1], [0]])" => "[[2.]\n [3.]]";
    case real[3, 4], index(4)[3, 2] with axis = -1;
    case real[4, 2], index(4)[3, 2] with axis = 0;
    case real[4, 3], index(4)[5, 2] with axis = 0;
    refuses f64[2], f64[2] with axis = 0 => "gather: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[2, 3], i64[3, 3] with axis = 1 => "gather: the places do not fit. Got (3, 3) for (2, 3) and axis=1; expected equal ranks, and at most the lengths off the axis.";
}
row! {
    /// For each place of `index` the element of `x` at that index along `axis`, and at the same position on the other axes, on which
    /// both broadcast. Without an axis, of the elements of `x` in C order, by an index of one axis. Negative indices count from the
    /// end; an index out of range is an error of the run.
    ///
    /// Gradient: `g` added up at the indices.
    pub TAKE_ALONG_AXIS = fn take_along_axis(x: any, index: any; axis: Axis = Some(-1)) -> y
    body {
        let (x, axis) = match axis {
            Some(axis) => (x, shape::axis("take_along_axis", axis, x.ndim())?),
            None => (reshape(x, -1), 0),
        };
        let places = checked(index, x, axis, false);
        gather_at(broadcast_off(x, places, axis), broadcast_off(places, x, axis), axis)
    }
    numpy "np.take_along_axis(x, index, axis=axis)";
    example "T.take_along_axis([[3.0, 1.0, 2.0], [6.0, 4.0, 5.0]], [[1, 2, 0]])" => "[[1. 2. 3.]\n [4. 5. 6.]]";
    case real[3, 4], index(4)[3, 2] with axis = -1;
    case real[3, 4], index(4)[1, 2] with axis = 1;
    case real[4, 1, 2], index(4)[3, 5, 1] with axis = 0;
    case real[2, 3], index(6)[4] with axis = ();
    refuses f64[2], f64[2] with axis = 0 => "take_along_axis: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[2, 3], i64[2] with axis = 1 => "take_along_axis: the ranks differ. Got (2, 3) and (2,); expected equal numbers of axes.";
    refuses f64[2, 3], i64[4, 3] with axis = 1 => "take_along_axis: shapes do not broadcast. Got (2, 3) and (4, 1); expected equal lengths, or 1, on each axis counted from the last.";
}
row! {
    /// An array with one more, last, axis of length `classes`: 1 at the label's place, 0 elsewhere. Labels are integers or
    /// integral floats; one out of range, or NaN, is an error of the run.
    ///
    /// Gradient: none.
    pub ONE_HOT = fn one_hot(labels: any; classes: i64, dtype: DType = DType::F64) -> y
    body {
        let Ok(n) = usize::try_from(classes) else {
            return Err(Error::new(ErrorKind::Shape, "one_hot", "the number of classes is negative", classes, "classes >= 0"));
        };
        let places = expand_dims(check_labels(labels, classes), -1i64);
        let axis = labels.ndim();
        let row = vec![1; axis].into_iter().chain([n as i64]).collect::<Vec<i64>>();
        let [zero, one] = [false, true].map(|b| labels.graph().literal(b.into(), dtype));
        let zeros = broadcast_off(broadcast_to(zero, row), places, axis);
        add_at(&[zeros, places, broadcast_like(one, places)], axis)
    }
    numpy "np.eye(classes, dtype=dtype)[labels]";
    example "T.one_hot([2, 0], 3)" => "[[0. 0. 1.]\n [1. 0. 0.]]";
    exempt First, Second: "it has no floating input, or no floating result";
    exempt Narrow: "its samples are integers";
    case index(4)[5] with classes = 4, dtype = DType::F64;
    case index(3)[2, 2] with classes = 3, dtype = DType::I64;
    refuses f64[2] with classes = -1, dtype = DType::F64 => "one_hot: the number of classes is negative. Got -1; expected classes >= 0.";
}
