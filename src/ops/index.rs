//! Indexing: elements chosen by an array of indices.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::Attr;
use crate::graph::op::{Cotangent, Infer, Kernel, Lowered, OpDef};
use crate::kernels;
use crate::ops::unpack::attr;
use crate::shape::{self, Aval, Dim, Shape, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[
    &TAKE,
    &TAKE_ADD,
    &TAKE_ADD_LIKE,
    &GATHER,
    &GATHER_ADD,
    &GATHER_ADD_LIKE,
    &ONE_HOT,
    &CHECK_LABELS,
    &CHECK_AT,
    &WRAP_INDEX,
    &WRAP_INDEX_LIKE,
];

fn check_index(c: &Infer<'_>, index: &Aval) -> Result<()> {
    if index.dtype.is_int() { Ok(()) } else { c.dtype_error("indices must be integers", index.dtype, "int32 or int64") }
}

/// The shape of `x` with the axis replaced by the axes of `with`.
fn replaced(x: &Aval, axis: usize, with: &[Dim]) -> Shape {
    let (head, tail) = (x.shape.iter().take(axis), x.shape.iter().skip(axis + 1));
    head.chain(with).chain(tail).copied().collect()
}

/// The lengths of `x` as an attribute, with `axis` of length `n`.
fn length(x: Tensor<'_>, axis: i64) -> Option<usize> {
    let axis = axis.rem_euclid(x.ndim().max(1) as i64) as usize;
    x.dims().get(axis).and_then(|d| d.known())
}

row! {
    /// The elements of `x` at `index` along `axis`; the axis becomes the axes of `index`. Negative indices count from the
    /// end; an index out of range is an error of the run.
    ///
    /// Gradient: `g` added up at the indices.
    pub TAKE = fn take(x: any, index: any; axis: i64 = 0) -> y
    shape(c) {
        check_index(c, index)?;
        let axis = shape::axis(c.op, axis, x.ndim())?;
        Ok(smallvec![Aval { dtype: x.dtype, shape: replaced(x, axis, &index.shape) }])
    };
    kernel call!(true, |[x, index] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::index::take(c.ranges, c.op, *x, *index, axis, y)
    });
    support Scattered;
    vjp(g) { x: take_adjoint(g, index, x, axis), index: Cotangent::Zero }
    numpy "np.take(x, index, axis=axis)";
    example "T.take([10.0, 20.0, 30.0], [2, -1, 0])" => "[30. 30. 10.]";
    method take;
    case real[4, 3], index(4)[5] with axis = 0;
    case real[2, 4], index(4)[2, 2] with axis = -1;
    case real[4], index(4)[] with axis = 0;
    refuses f64[2], f64[2] with axis = 0 => "take: indices must be integers. Got float64; expected int32 or int64.";
}
/// An error unless `g` can be what `index` took from an array.
fn check_taken(c: &Infer<'_>, g: &Aval, index: &Aval) -> Result<()> {
    check_index(c, index)?;
    if index.ndim() <= g.ndim() {
        return Ok(());
    }
    let got = format!("{} for indices {}", Tuple(&g.shape), Tuple(&index.shape));
    c.shape_error("the elements do not fit the indices", got, "the axes of the indices among those of the elements")
}

/// An error unless `g` has the axes of `index` from `axis` on.
fn check_places(c: &Infer<'_>, g: &Aval, index: &Aval, axis: usize) -> Result<()> {
    let here = g.shape.iter().skip(axis);
    if here.len() >= index.ndim() && here.zip(&index.shape).all(|(a, b)| a.unify(*b).is_some()) {
        return Ok(());
    }
    let got = format!("{} for indices {} at axis={axis}", Tuple(&g.shape), Tuple(&index.shape));
    c.shape_error("the elements do not fit the indices", got, "the lengths of the indices from the axis on")
}

/// An error unless an adjoint of shape `made` fits `like`.
fn check_like(c: &Infer<'_>, made: &[Dim], like: &Aval) -> Result<()> {
    if made.len() == like.ndim() && made.iter().zip(&like.shape).all(|(a, b)| a.unify(*b).is_some()) {
        return Ok(());
    }
    c.shape_error(
        "the result does not fit `like`",
        format_args!("{} for {}", Tuple(made), Tuple(&like.shape)),
        "equal lengths off the axis",
    )
}

row! {
    /// Zeros with `g` added up at the indices along `axis`, which has length `n`: the adjoint of [`TAKE`].
    ///
    /// Gradient: the cotangent's elements at the indices.
    pub(crate) TAKE_ADD = fn take_add(g: any, index: any; axis: i64 = 0, n: i64) -> y
    shape(c) {
        check_taken(c, g, index)?;
        let inner = g.ndim() - index.ndim() + 1;
        let axis = shape::axis(c.op, axis, inner)?;
        check_places(c, g, index, axis)?;
        let (head, tail) = (g.shape.iter().take(axis), g.shape.iter().skip(axis + index.ndim()));
        let shape = head.copied().chain([Dim::Known(n.max(0) as usize)]).chain(tail.copied()).collect();
        Ok(smallvec![Aval { dtype: g.dtype, shape }])
    };
    kernel call!(true, |[g, index] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, y.dims().len())?;
        kernels::index::take_add(c.ranges, c.op, *g, *index, axis, y)
    });
    support Moved;
    vjp(cotangent) { g: take(cotangent, index, axis), index: Cotangent::Zero }
    numpy "ref.take_add(g, index, axis, n)";
    case real[5, 3], index(4)[5] with axis = 0, n = 4;
    refuses f64[5, 3], f64[5] with axis = 0, n = 4 => "take_add: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[5, 3], i64[4] with axis = 0, n = 4 => "take_add: the elements do not fit the indices. Got (5, 3) for indices (4,) at axis=0; expected the lengths of the indices from the axis on.";
    refuses f64[5], i64[5, 1] with axis = 0, n = 4 => "take_add: the elements do not fit the indices. Got (5,) for indices (5, 1); expected the axes of the indices among those of the elements.";
}
row! {
    /// [`TAKE_ADD`] to the shape of `like`, of which only the shape is used.
    pub(crate) TAKE_ADD_LIKE = fn take_add_like(g: any, index: any, like: any; axis: i64 = 0) -> y
    shape(c) {
        check_taken(c, g, index)?;
        let axis = shape::axis(c.op, axis, like.ndim())?;
        check_places(c, g, index, axis)?;
        let (head, tail) = (g.shape.iter().take(axis), g.shape.iter().skip(axis + index.ndim()));
        let made: Shape = head.chain(like.shape.get(axis)).chain(tail).copied().collect();
        check_like(c, &made, like)?;
        Ok(smallvec![Aval { dtype: g.dtype, shape: like.shape.clone() }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&TAKE_ADD, with_length(c))]));
    support Moved;
    vjp(cotangent) { g: take(cotangent, index, axis), index: Cotangent::Zero, like: Cotangent::Zero }
    numpy "ref.take_add(g, index, axis, like.shape[axis])";
    case real[5, 3], index(4)[5], real[4, 3] with axis = 0;
    refuses f64[5, 3], i64[5], f64[4, 2] with axis = 0 => "take_add_like: the result does not fit `like`. Got (4, 3) for (4, 2); expected equal lengths off the axis.";
}

/// The attributes of a lowering with the length of its axis in the output.
fn with_length(c: &crate::graph::op::Lowering<'_>) -> Vec<Attr> {
    let axis: i64 = attr(c.attrs.first()).unwrap_or(0);
    let i = axis.rem_euclid(c.output.ndim().max(1) as i64);
    let n = c.output.shape.get(i as usize).and_then(|d| d.known()).unwrap_or(0);
    vec![Attr::Int(i), Attr::Int(n as i64)]
}

fn take_adjoint<'g>(g: Tensor<'g>, index: Tensor<'g>, x: Tensor<'g>, axis: i64) -> Tensor<'g> {
    match length(x, axis) {
        Some(n) => take_add(g, index, axis.rem_euclid(x.ndim().max(1) as i64), n as i64),
        None => take_add_like(g, index, x, axis),
    }
}

row! {
    /// For each place of `index` the element of `x` at that index along `axis` and at the same place on the other axes.
    /// Lengths off the axis are equal. Negative indices count from the end; an index out of range is an error of the run.
    ///
    /// Gradient: `g` added up at the indices.
    pub GATHER = fn gather(x: any, index: any; axis: i64 = -1) -> y
    shape(c) {
        check_index(c, index)?;
        let axis = shape::axis(c.op, axis, x.ndim())?;
        let fits = x.ndim() == index.ndim() && x.shape.iter().zip(&index.shape).enumerate().all(|(i, (a, b))| i == axis || a.unify(*b).is_some());
        if !fits {
            let got = format!("{} and {} for axis={axis}", Tuple(&x.shape), Tuple(&index.shape));
            return c.shape_error("the index does not fit", got, "equal ranks, and equal lengths off the axis");
        }
        Ok(smallvec![Aval { dtype: x.dtype, shape: index.shape.clone() }])
    };
    kernel call!(true, |[x, index] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::index::gather(c.ranges, c.op, *x, *index, axis, y)
    });
    support Scattered;
    vjp(g) { x: gather_adjoint(g, index, x, axis), index: Cotangent::Zero }
    numpy "np.take_along_axis(x, index, axis=axis)";
    example "T.gather([[1.0, 2.0], [3.0, 4.0]], [[1], [0]])" => "[[2.]\n [3.]]";
    alias take_along_axis;
    case real[3, 4], index(4)[3, 2] with axis = -1;
    case real[4, 2], index(4)[3, 2] with axis = 0;
    refuses f64[2], f64[2] with axis = 0 => "gather: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[2, 3], i64[3, 3] with axis = 1 => "gather: the index does not fit. Got (2, 3) and (3, 3) for axis=1; expected equal ranks, and equal lengths off the axis.";
}
/// An error unless there is an index for each element of `g`.
fn check_each(c: &Infer<'_>, g: &Aval, index: &Aval) -> Result<()> {
    if g.ndim() == index.ndim() && g.shape.iter().zip(&index.shape).all(|(a, b)| a.unify(*b).is_some()) {
        return Ok(());
    }
    let got = format!("{} for indices {}", Tuple(&g.shape), Tuple(&index.shape));
    c.shape_error("the elements do not fit the indices", got, "equal shapes")
}

row! {
    /// Zeros with `g` added up at the indices along `axis`, which has length `n`: the adjoint of [`GATHER`].
    ///
    /// Gradient: the cotangent's elements at the indices.
    pub(crate) GATHER_ADD = fn gather_add(g: any, index: any; axis: i64 = -1, n: i64) -> y
    shape(c) {
        check_index(c, index)?;
        let axis = shape::axis(c.op, axis, g.ndim())?;
        check_each(c, g, index)?;
        Ok(smallvec![Aval { dtype: g.dtype, shape: replaced(g, axis, &[Dim::Known(n.max(0) as usize)]) }])
    };
    kernel call!(true, |[g, index] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, y.dims().len())?;
        kernels::index::gather_add(c.ranges, c.op, *g, *index, axis, y)
    });
    support Moved;
    vjp(cotangent) { g: gather(cotangent, index, axis), index: Cotangent::Zero }
    numpy "ref.gather_add(g, index, axis, n)";
    case real[3, 2], index(4)[3, 2] with axis = 1, n = 4;
    refuses f64[3, 2], i64[3, 3] with axis = 1, n = 4 => "gather_add: the elements do not fit the indices. Got (3, 2) for indices (3, 3); expected equal shapes.";
}
row! {
    /// [`GATHER_ADD`] to the shape of `like`, of which only the shape is used.
    pub(crate) GATHER_ADD_LIKE = fn gather_add_like(g: any, index: any, like: any; axis: i64 = -1) -> y
    shape(c) {
        check_index(c, index)?;
        let axis = shape::axis(c.op, axis, like.ndim())?;
        check_each(c, g, index)?;
        let length: &[Dim] = like.shape.get(axis).map_or(&[], std::slice::from_ref);
        check_like(c, &replaced(g, axis, length), like)?;
        Ok(smallvec![Aval { dtype: g.dtype, shape: like.shape.clone() }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&GATHER_ADD, with_length(c))]));
    support Moved;
    vjp(cotangent) { g: gather(cotangent, index, axis), index: Cotangent::Zero, like: Cotangent::Zero }
    numpy "ref.gather_add(g, index, axis, like.shape[axis])";
    case real[3, 2], index(4)[3, 2], real[3, 4] with axis = 1;
    refuses f64[3, 2], i64[3, 2], f64[2, 4] with axis = 1 => "gather_add_like: the result does not fit `like`. Got (3, 4) for (2, 4); expected equal lengths off the axis.";
}

/// The adjoint of [`GATHER`].
pub(crate) fn gather_adjoint<'g>(g: Tensor<'g>, index: Tensor<'g>, x: Tensor<'g>, axis: i64) -> Tensor<'g> {
    match length(x, axis) {
        Some(n) => gather_add(g, index, axis.rem_euclid(x.ndim().max(1) as i64), n as i64),
        None => gather_add_like(g, index, x, axis),
    }
}

row! {
    /// An array with one more, last, axis of length `classes`: 1 at the label's place, 0 elsewhere. Labels are integers or
    /// integral floats; one out of range, or NaN, is an error of the run.
    ///
    /// Gradient: none.
    pub ONE_HOT = fn one_hot(labels: any; classes: i64, dtype: DType = DType::F64) -> y
    shape(c) {
        if classes < 0 {
            return c.shape_error("the number of classes is negative", classes, "classes >= 0");
        }
        let shape = labels.shape.iter().copied().chain([Dim::Known(classes as usize)]).collect();
        Ok(smallvec![Aval { dtype, shape }])
    };
    kernel call!(true, |[labels] -> [y], c| kernels::index::one_hot(c.ranges, c.op, *labels, y));
    support Unknown;
    vjp(g) { labels: Cotangent::Zero }
    numpy "np.eye(classes, dtype=dtype)[labels]";
    example "T.one_hot([2, 0], 3)" => "[[0. 0. 1.]\n [1. 0. 0.]]";
    exempt First, Second: "it has no floating input, or no floating result";
    exempt Narrow: "its samples are integers";
    case index(4)[5] with classes = 4, dtype = DType::F64;
    case index(3)[2, 2] with classes = 3, dtype = DType::I64;
    refuses f64[2] with classes = -1, dtype = DType::F64 => "one_hot: the number of classes is negative. Got -1; expected classes >= 0.";
}
row! {
    /// Labels as `int64` indices `0 .. classes`: integers or integral floats; one out of range, or NaN, is an error of the
    /// run that names its place.
    ///
    /// Gradient: none.
    pub(crate) CHECK_LABELS = fn check_labels(labels: any; classes: i64) -> y
    shape(c) Ok(smallvec![Aval { dtype: DType::I64, shape: labels.shape.clone() }]);
    kernel call!(true, |[labels] -> [y], c| kernels::index::labels(c.ranges, c.op, *labels, attr::<i64>(c.attrs.first())?.max(0) as usize, y));
    support Unknown;
    vjp(g) { labels: Cotangent::Zero }
    numpy "labels.astype(np.int64)";
    exempt First, Second: "it has no floating input, or no floating result";
    exempt Narrow: "its samples are integers";
    case index(4)[5] with classes = 4;
    refuses i64[2] with classes = 0 => "check_labels: label is out of range. Got 0 at position 0; expected 0 <= label < 0.";
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
pub(crate) fn check_at<'g>(x: Tensor<'g>, axis: i64, index: i64) -> Result<Tensor<'g>> {
    match length(x, axis) {
        Some(n) => index_in_range(axis as usize, n, index).map(|()| x),
        None => Ok(crate::ops::apply::apply(&CHECK_AT, &[x.into()], &[Attr::Int(axis), Attr::Int(index)])),
    }
}
row! {
    /// Indices of an axis of length `n`, counted from its start, as `int64`: negative ones count from the end. One that is out
    /// of range is an error of the run.
    ///
    /// Gradient: none.
    pub(crate) WRAP_INDEX = fn wrap_index(index: any; n: i64) -> y
    shape(c) {
        check_index(c, index)?;
        Ok(smallvec![Aval { dtype: DType::I64, shape: index.shape.clone() }])
    };
    kernel call!(true, |[index] -> [y], c| kernels::index::wrap(c.ranges, c.op, *index, attr::<i64>(c.attrs.first())?.max(0) as usize, y));
    support Unknown;
    vjp(g) { index: Cotangent::Zero }
    numpy "np.where(index < 0, index + n, index)";
    by hand;
    exempt First, Second: "it has no floating input, or no floating result";
    exempt Narrow: "its samples are integers";
    case index(4)[5] with n = 4;
    case index(3)[2, 2] with n = 3;
    refuses f64[2] with n = 4 => "wrap_index: indices must be integers. Got float64; expected int32 or int64.";
}
row! {
    /// [`WRAP_INDEX`] for `axis` of `like`, of which only the shape is used.
    pub(crate) WRAP_INDEX_LIKE = fn wrap_index_like(index: any, like: any; axis: i64 = 0) -> y
    shape(c) {
        check_index(c, index)?;
        shape::axis(c.op, axis, like.ndim())?;
        Ok(smallvec![Aval { dtype: DType::I64, shape: index.shape.clone() }])
    };
    kernel Kernel::Lower(|c| {
        let like = c.inputs.get(1).and_then(|a| a.dims()).unwrap_or_default();
        let axis = attr::<i64>(c.attrs.first()).and_then(|a| shape::axis("wrap_index_like", a, like.len())).unwrap_or(0);
        Lowered::Chain(vec![(&WRAP_INDEX, vec![Attr::Int(like.get(axis).copied().unwrap_or(0) as i64)])])
    });
    support Unknown;
    vjp(g) { index: Cotangent::Zero, like: Cotangent::Zero }
    numpy "np.where(index < 0, index + like.shape[axis], index)";
    by hand;
    exempt First, Second: "it has no floating input, or no floating result";
    case index(4)[5], real[2, 4] with axis = 1;
    refuses f64[2], f64[3] with axis = 0 => "wrap_index_like: indices must be integers. Got float64; expected int32 or int64.";
    refuses i64[2], f64[3] with axis = 1 => "wrap_index_like: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
