//! What is written at places: elements, sums, products and extremes, by an array of indices.

use smallvec::smallvec;

use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::choices;
use crate::graph::op::{CallKernel, Cotangent, Infer, Kernel, OpDef};
use crate::kernels;
use crate::ops::apply::cast;
use crate::ops::arithmetic::{div, mul};
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{equal, logical_or, not_equal};
use crate::ops::division::floor_divide;
use crate::ops::index::{add_at, along, check_places, checked, gather_at};
use crate::ops::movement::same_shape;
use crate::ops::rules::masked;
use crate::ops::select::select;
use crate::ops::slice::zeros_of;
use crate::ops::unpack::{arity, attr};
use crate::shape::{self, Aval, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&SCATTER, &SCATTER_ADD, &SCATTER_REDUCE, &INDEX_ADD, &INDEX_FILL, &MASKED_FILL, &PUT_AT, &LAST_AT, &SCAN_AT, &EXTREME_AT];

/// An error unless elements have the shape of their places, which can be those of `x`, and its dtype.
fn check_elements(c: &Infer<'_>, x: &Aval, places: &Aval, elements: &[&Aval], axis: i64) -> Result<()> {
    let axis = shape::axis(c.op, axis, x.ndim())?;
    check_places(c, places, x, axis)?;
    for src in elements {
        if src.ndim() != places.ndim() || src.shape.iter().zip(&places.shape).any(|(a, b)| a.unify(*b).is_none()) {
            let got = format!("{} for places {}", Tuple(&src.shape), Tuple(&places.shape));
            return c.shape_error("the elements do not fit the places", got, "equal shapes");
        }
        if src.dtype != x.dtype {
            return c.dtype_error("the dtypes differ", format_args!("{} for {}", src.dtype, x.dtype), "one dtype");
        }
    }
    Ok(())
}

row! {
    /// `x` with elements written at places along `axis`, one after the other: of several at one place the last one stays.
    ///
    /// Gradient: `g` where nothing was written, and to the elements that stayed.
    pub(crate) PUT_AT = fn put_at(x: any, places: any, src: any; axis: i64 = -1) -> y
    shape(c) {
        check_elements(c, x, places, &[src], axis)?;
        Ok(smallvec![x.clone()])
    };
    kernel call!(false, |[x, places, src] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::index::put_at(c.ranges, *x, *places, *src, axis, y)
    });
    support Placed;
    vjp(g) {
        x: put_at(g, places, zeros_of(src, g.dtype()), axis),
        places: Cotangent::Zero,
        src: select(last_at(places, zeros_of(x, DType::Bool), axis), gather_at(g, places, axis), zero(g)),
    }
    batch Axes;
    numpy "ref.put_at(x, places, src, axis)";
    case real[3, 4], index(4)[3, 2], real[3, 2] with axis = 1;
    case real[3, 4], index(3)[5, 2], real[5, 2] with axis = 0;
    case real[3], index(3)[7], real[7];
    refuses f64[3, 4], f64[3, 2], f64[3, 2] with axis = 1 => "put_at: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[3, 4], i64[3, 2], f64[3, 3] with axis = 1 => "put_at: the elements do not fit the places. Got (3, 3) for places (3, 2); expected equal shapes.";
    refuses f64[3], i64[2], f32[2] with axis = 0 => "put_at: the dtypes differ. Got float32 for float64; expected one dtype.";
}

/// The number 0 in the dtype of `x`.
fn zero(x: Tensor<'_>) -> Tensor<'_> {
    x.graph().literal(false.into(), x.dtype())
}

row! {
    /// True for each place along `axis` of `whole`, of which only the shape is used, that no later one, in C order, names again.
    ///
    /// Gradient: none.
    pub(crate) LAST_AT = fn last_at(places: any, whole: any; axis: i64 = -1) -> last
    shape(c) {
        let axis = shape::axis(c.op, axis, whole.ndim())?;
        check_places(c, places, whole, axis)?;
        Ok(smallvec![Aval { dtype: DType::Bool, shape: places.shape.clone() }])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| {
            let ([places, whole], [last]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
            let axis = shape::axis(c.op, attr(c.attrs.first())?, whole.dims().len())?;
            kernels::index::last_at(c.ranges, *places, whole.dims(), axis, c.scratch, last)
        },
        scratch: |inputs, _| inputs.get(1).and_then(|a| a.dims()).map_or(0, |d| shape::count(&d)),
        fallible: false,
        spares: &[],
    });
    support Unknown;
    vjp(g) { places: Cotangent::Zero, whole: Cotangent::Zero }
    batch Axes;
    numpy "ref.last_at(places, whole, axis)";
    exempt First, Second: "it has no floating input, or no floating result";
    case index(4)[3, 2], real[3, 4] with axis = 1;
    case index(3)[5, 2], real[3, 4] with axis = 0;
    refuses i64[3, 2], f64[2, 2] with axis = 1 => "last_at: the places do not fit. Got (3, 2) for (2, 2) and axis=1; expected equal ranks, and at most the lengths off the axis.";
}

row! {
    /// A recurrence at each place along `axis`: in C order of the places, or, with `reverse`, against it, the element of `y` there,
    /// which is that of `x` at first, is given out as `before`, and becomes `y * scale + shift`.
    ///
    /// Gradient: the same recurrence in the other direction, from `g` on, with the cotangents of `before` as its shifts. What it gives
    /// out is the cotangent of `shift`, and times `before` that of `scale`.
    pub(crate) SCAN_AT = fn scan_at(x: any, places: any, scale: any, shift: any; axis: i64 = -1, reverse: bool = false) -> y, before
    shape(c) {
        check_elements(c, x, places, &[scale, shift], axis)?;
        Ok(smallvec![x.clone(), scale.clone()])
    };
    kernel call!(false, |[x, places, scale, shift] -> [y, before], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::index::scan_at(c.ranges, *x, *places, *scale, *shift, axis, attr(c.attrs.get(1))?, y, before)
    });
    support Unknown;
    vjp(gy, gb) {
        x: scan_at(gy, places, scale, gb, axis, !reverse).0,
        places: Cotangent::Zero,
        scale: scan_at(gy, places, scale, gb, axis, !reverse).1 * before,
        shift: scan_at(gy, places, scale, gb, axis, !reverse).1,
    }
    batch Axes;
    numpy "ref.scan_at(x, places, scale, shift, axis, reverse)";
    case real[3, 4], index(4)[3, 3], real[3, 3], real[3, 3] with axis = 1;
    case real[3, 4], index(3)[4, 2], real[4, 2], real[4, 2] with axis = 0, reverse = true;
    refuses f64[3, 4], i64[3, 2], f64[3, 2], f64[3, 3] with axis = 1 => "scan_at: the elements do not fit the places. Got (3, 3) for places (3, 2); expected equal shapes.";
    refuses f64[3], i64[2], f64[2], f32[2] with axis = 0 => "scan_at: the dtypes differ. Got float32 for float64; expected one dtype.";
    refuses f64[3], f64[2], f64[2], f64[2] with axis = 0 => "scan_at: indices must be integers. Got float64; expected int32 or int64.";
}

row! {
    /// `x` with the larger (with `least`, the smaller) of it and elements at places along `axis`; NaN where one is NaN.
    ///
    /// Gradient: to what the result is at each place; ties share it equally, and so do NaN.
    pub(crate) EXTREME_AT = fn extreme_at(x: any, places: any, src: any; axis: i64 = -1, least: bool = false) -> y
    shape(c) {
        check_elements(c, x, places, &[src], axis)?;
        Ok(smallvec![x.clone()])
    };
    kernel call!(false, |[x, places, src] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::index::extreme_at(c.ranges, *x, *places, *src, axis, attr(c.attrs.get(1))?, y)
    });
    support Unknown;
    vjp(g) {
        x: masked(shared(g, x, places, src, y, axis), taken(x, y)),
        places: Cotangent::Zero,
        src: masked(gather_at(shared(g, x, places, src, y, axis), places, axis), taken(src, gather_at(y, places, axis))),
    }
    batch Axes;
    numpy "ref.extreme_at(x, places, src, axis, least)";
    case distinct[3, 4], index(4)[3, 2], real[3, 2] with axis = 1;
    case real[3, 4], index(3)[5, 2], distinct[5, 2] with axis = 0, least = true;
    refuses f64[3, 4], f64[3, 2], f64[3, 2] with axis = 1 => "extreme_at: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[3, 4], i64[3, 2], f64[3, 3] with axis = 1 => "extreme_at: the elements do not fit the places. Got (3, 3) for places (3, 2); expected equal shapes.";
    refuses f64[3], i64[2], f32[2] with axis = 0 => "extreme_at: the dtypes differ. Got float32 for float64; expected one dtype.";
}

/// True where an operand is what an extreme is.
fn taken<'g>(x: Tensor<'g>, y: Tensor<'g>) -> Tensor<'g> {
    logical_or(equal(x, y), not_equal(x, x))
}

/// The cotangent of extremes at places, shared by those that they are.
fn shared<'g>(g: Tensor<'g>, x: Tensor<'g>, places: Tensor<'g>, src: Tensor<'g>, y: Tensor<'g>, axis: i64) -> Tensor<'g> {
    let hits = cast(taken(src, gather_at(y, places, axis)), g.dtype());
    g / add_at(&[cast(taken(x, y), g.dtype()), places, hits], axis)
}

/// Elements for places: a number for all of them, or those of an array of their shape.
fn elements<'g>(op: &str, src: Tensor<'g>, places: Tensor<'g>) -> Result<Tensor<'g>> {
    if let Some(e) = places.error() {
        return Err(e.named(op));
    }
    if src.ndim() == 0 || src.dims() == places.dims() {
        return Ok(broadcast_like(src, places));
    }
    let (Some(own), Some(wanted)) = (src.known_shape(), places.known_shape()) else { return Ok(same_shape(src, places)) };
    if own != wanted {
        let got = format_args!("{} for an index of shape {}", Tuple(src.dims()), Tuple(places.dims()));
        return Err(Error::new(
            ErrorKind::Shape,
            op,
            "the elements do not fit the index",
            got,
            "a number, or an array of the shape of the index",
        ));
    }
    Ok(src)
}

row! {
    /// `x` with `src` written at `index` along `axis`, and at the same position on the other axes: of several elements at one index
    /// the last one, in C order, stays. `src` is a number, or has the shape of the index.
    /// Off the axis the index may be shorter than `x`. Negative indices count from the end; an index out of range is an error of the
    /// run.
    ///
    /// Gradient: `g` to `x` where nothing was written, and to the elements that stayed.
    pub SCATTER = fn scatter(x: value, index: any, src: value; axis: i64) -> y
    body {
        let axis = shape::axis("scatter", axis, x.ndim())?;
        let places = checked(index, x, axis, false);
        put_at(x, places, elements("scatter", src, places)?, axis)
    }
    numpy "ref.put_at(x, index, src, axis)";
    example "T.scatter(np.zeros(5), index=[0, 3, 3], src=[1.0, 2.0, 3.0], axis=0)" => "[1. 0. 0. 3. 0.]";
    case real[3, 4], index(4)[3, 2], real[3, 2] with axis = 1;
    case real[3, 4], index(3)[2, 3], real[] with axis = 0;
    case real[3, 4], index(3)[2, 3], real[2, 3] with axis = -2;
    refuses f64[3, 4], f64[3, 2], f64[3, 2] with axis = 1 => "scatter: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[3, 4], i64[3, 3], f64[3, 2] with axis = 1 => "scatter: the elements do not fit the index. Got (3, 2) for an index of shape (3, 3); expected a number, or an array of the shape of the index.";
    refuses f64[3, 4], i64[4, 3], f64[4, 3] with axis = 1 => "scatter: the places do not fit. Got (4, 3) for (3, 4) and axis=1; expected equal ranks, and at most the lengths off the axis.";
}
row! {
    /// `x` with `src` added at `index` along `axis`, and at the same position on the other axes, one element after the other in C
    /// order. `src` is a number, or has the shape of the index. Off the axis the index may
    /// be shorter than `x`. Negative indices count from the end; an index out of range is an error of the run.
    ///
    /// Gradient: `g` to `x`, and its elements at the indices to `src`.
    pub SCATTER_ADD = fn scatter_add(x: value, index: any, src: value; axis: i64) -> y
    body {
        let axis = shape::axis("scatter_add", axis, x.ndim())?;
        let places = checked(index, x, axis, false);
        add_at(&[x, places, elements("scatter_add", src, places)?], axis)
    }
    numpy "ref.add_at([x, index, np.broadcast_to(src, index.shape)], axis)";
    example "T.scatter_add(np.zeros(5), index=[0, 3, 3], src=[1.0, 2.0, 3.0], axis=0)" => "[1. 0. 0. 5. 0.]";
    case real[3, 4], index(4)[3, 2], real[3, 2] with axis = 1;
    case real[3, 4], index(3)[5, 3], real[] with axis = 0;
    refuses f64[3, 4], f64[3, 2], f64[3, 2] with axis = 1 => "scatter_add: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[3, 4], i64[3, 3], f64[3, 2] with axis = 1 => "scatter_add: the elements do not fit the index. Got (3, 2) for an index of shape (3, 3); expected a number, or an array of the shape of the index.";
}

choices! {
    /// What elements that meet at one place become.
    pub enum Meeting {
        /// Their sum.
        Sum = "sum",
        /// Their product.
        Prod = "prod",
        /// Their mean; of integers, rounded down.
        Mean = "mean",
        /// The largest.
        Amax = "amax",
        /// The smallest.
        Amin = "amin",
    }
}

/// `x` where `places` are not, and elsewhere a number that changes no result.
fn emptied<'g>(x: Tensor<'g>, places: Tensor<'g>, reduce: Meeting, axis: usize) -> Tensor<'g> {
    let extreme = |float: f64, int: [i64; 2], bool: bool| match x.dtype() {
        DType::F32 | DType::F64 => Scalar::Float(float),
        DType::I32 => Scalar::Int(int[0]),
        DType::I64 => Scalar::Int(int[1]),
        DType::Bool => Scalar::Bool(bool),
    };
    let number = match reduce {
        Meeting::Sum | Meeting::Mean => Scalar::Bool(false),
        Meeting::Prod => Scalar::Bool(true),
        Meeting::Amax => extreme(f64::NEG_INFINITY, [i32::MIN.into(), i64::MIN], false),
        Meeting::Amin => extreme(f64::INFINITY, [i32::MAX.into(), i64::MAX], true),
    };
    put_at(x, places, broadcast_like(x.graph().literal(number, x.dtype()), places), axis)
}

/// `x` with the product of it and the elements at their places.
pub(crate) fn multiplied<'g>(x: Tensor<'g>, places: Tensor<'g>, src: Tensor<'g>, axis: usize) -> Tensor<'g> {
    // A zero that changes no number, not even -0.
    let nothing: Scalar = if x.dtype().is_float() { (-0.0).into() } else { false.into() };
    let shift = broadcast_like(x.graph().literal(nothing, x.dtype()), src);
    scan_at(x, places, src, shift, axis, false).0
}

row! {
    /// `x` with its elements at `index` along `axis` and those of `src` that come there reduced to one: by `reduce` their sum, their
    /// product, their mean, the largest (`"amax"`) or the smallest (`"amin"`). Without `include_self` the element of `x` does not
    /// count where another one comes. Shapes are as those of `scatter_add`.
    ///
    /// Gradient: that of the sum, the product (of the other factors, whatever is 0) or the mean; to extremes, which ties share
    /// equally.
    pub SCATTER_REDUCE = fn scatter_reduce(x: value, index: any, src: value; axis: i64, reduce: Meeting, include_self: bool = true) -> y
    body {
        let axis = shape::axis("scatter_reduce", axis, x.ndim())?;
        let places = checked(index, x, axis, false);
        let src = elements("scatter_reduce", src, places)?;
        let base = if include_self { x } else { emptied(x, places, reduce, axis) };
        match reduce {
            Meeting::Sum => add_at(&[base, places, src], axis),
            Meeting::Prod => multiplied(base, places, src, axis),
            Meeting::Amax => extreme_at(base, places, src, axis, false),
            Meeting::Amin => extreme_at(base, places, src, axis, true),
            Meeting::Mean => {
                let one = x.graph().literal(true.into(), x.dtype());
                let ones = broadcast_like(one, x);
                let ones = if include_self { ones } else { emptied(ones, places, reduce, axis) };
                let count = add_at(&[ones, places, broadcast_like(one, places)], axis);
                let sum = add_at(&[base, places, src], axis);
                if x.dtype().is_float() { div(sum, count) } else { floor_divide(sum, count) }
            }
        }
    }
    numpy "ref.scatter_reduce(x, index, src, axis, reduce, include_self)";
    example "T.scatter_reduce([1.0, 2.0, 3.0], index=[0, 0, 2], src=[4.0, 5.0, 6.0], axis=0, reduce=\"prod\")" => "[20.  2. 18.]";
    case real[3, 4], index(4)[3, 2], real[3, 2] with axis = 1, reduce = Meeting::Sum, include_self = false;
    case real[3, 4], index(3)[5, 2], real[5, 2] with axis = 0, reduce = Meeting::Prod;
    case real[3, 4], index(3)[4, 2], real[4, 2] with axis = 0, reduce = Meeting::Prod, include_self = false;
    case distinct[3, 4], index(4)[3, 3], real[3, 3] with axis = 1, reduce = Meeting::Amax;
    case distinct[3, 4], index(4)[3, 3], real[3, 3] with axis = 1, reduce = Meeting::Amin, include_self = false;
    refuses f64[3, 4], f64[3, 2], f64[3, 2] with axis = 1, reduce = Meeting::Sum => "scatter_reduce: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[3, 4], i64[3, 3], f64[3, 2] with axis = 1, reduce = Meeting::Sum => "scatter_reduce: the elements do not fit the index. Got (3, 2) for an index of shape (3, 3); expected a number, or an array of the shape of the index.";
}

/// The places that an index of at most one axis names along an axis of `x`, over all positions off it.
fn spread<'g>(op: &str, index: Tensor<'g>, x: Tensor<'g>, axis: usize) -> Result<Tensor<'g>> {
    if index.ndim() > 1 {
        let got = format_args!("shape {}", Tuple(index.dims()));
        return Err(Error::new(ErrorKind::Shape, op, "the index has several axes", got, "an index of at most one axis"));
    }
    Ok(along(checked(index, x, axis, false), x, axis))
}

row! {
    /// `x` with `alpha * src` added at `index` along `axis`: element `i` of `src` along the axis, with all that is behind it, comes to
    /// `index[i]`, one after the other. Negative indices count from the end; an index out of range is an error of the run.
    ///
    /// Gradient: `g` to `x`, `alpha * g` at the indices to `src`.
    pub INDEX_ADD = fn index_add(x: number, index: any, src: number, alpha: number = 1; axis: i64 = 0) -> y
    body {
        let axis = shape::axis("index_add", axis, x.ndim())?;
        add_at(&[x, spread("index_add", index, x, axis)?, mul(src, alpha)], axis)
    }
    numpy "ref.index_add(x, index, src, alpha, axis)";
    example "T.index_add(np.zeros((2, 3)), [1, 1], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], axis=0)" => "[[0. 0. 0.]\n [5. 7. 9.]]";
    case real[3, 4], index(3)[5], real[5, 4], real[] with axis = 0;
    case real[3, 4], index(4)[2], real[3, 2], real[] with axis = -1;
    refuses f64[3, 4], f64[2], f64[2, 4], f64[] with axis = 0 => "index_add: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[3, 4], i64[2, 1], f64[2, 4], f64[] with axis = 0 => "index_add: the index has several axes. Got shape (2, 1); expected an index of at most one axis.";
    refuses f64[3, 4], i64[2], f64[3, 4], f64[] with axis = 0 => "index_add: the elements do not fit the places. Got (3, 4) for places (2, 4); expected equal shapes.";
}
row! {
    /// `x` with `value` at `index` along `axis`, with all that is behind it. The value is a number or a 0-d tensor. Negative indices
    /// count from the end; an index out of range is an error of the run.
    ///
    /// Gradient: `g` elsewhere, and the sum of what it is there, each element once, to the value.
    pub INDEX_FILL = fn index_fill(x: value, index: any, value: value; axis: i64) -> y
    body {
        let axis = shape::axis("index_fill", axis, x.ndim())?;
        if value.ndim() > 0 {
            let got = format_args!("shape {}", Tuple(value.dims()));
            return Err(Error::new(ErrorKind::Shape, "index_fill", "the value is no number", got, "a number or a 0-d tensor"));
        }
        let places = spread("index_fill", index, x, axis)?;
        put_at(x, places, broadcast_like(value, places), axis)
    }
    numpy "ref.index_fill(x, index, value, axis)";
    example "T.index_fill([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [0, -1], 9.0, axis=1)" => "[[9. 2. 9.]\n [9. 5. 9.]]";
    case real[3, 4], index(3)[2], real[] with axis = 0;
    case real[3, 4], index(4)[6], real[] with axis = -1;
    refuses f64[3, 4], f64[2], f64[] with axis = 0 => "index_fill: indices must be integers. Got float64; expected int32 or int64.";
    refuses f64[3, 4], i64[2, 1], f64[] with axis = 0 => "index_fill: the index has several axes. Got shape (2, 1); expected an index of at most one axis.";
    refuses f64[3, 4], i64[2], f64[2] with axis = 0 => "index_fill: the value is no number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// `x` with `value` where the mask is true; all three broadcast.
    ///
    /// Gradient: `g` to `x` where the mask is false, to `value` where it is true; exactly 0 elsewhere.
    pub MASKED_FILL = fn masked_fill(x: value, mask: mask, value: value) -> y
    body { select(mask, value, x) }
    numpy "np.where(mask, value, x)";
    example "T.masked_fill([1.0, 2.0, 3.0], [True, False, True], -np.inf)" => "[-inf   2. -inf]";
    case real[2, 3], bool[2, 3], real[];
    case real[3], bool[2, 1], real[2, 1];
    refuses f64[3], f64[2], f64[] => "masked_fill: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}
