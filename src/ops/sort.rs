//! Sorting along an axis, and looking for numbers in what is sorted.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Attr, Axis, choices};
use crate::graph::op::{Avals, Batch, Batched, CallKernel, Cotangent, Infer, Kernel, OpDef};
use crate::kernels::{self, sort::LONGEST};
use crate::ops::batch;
use crate::ops::index::gather_adjoint;
use crate::ops::scan::one_axis;
use crate::ops::unpack::{arity, attr};
use crate::shape::{self, Aval, Dim, Shape, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SORT_ALONG, &ARGSORT_ALONG, &SORT, &ARGSORT, &TOPK, &SEARCH_SORTED, &SEARCHSORTED];

/// The axis that is the first attribute of a call, and the lengths of its first operand.
fn axis_of(op: &str, avals: &[&Aval], axis: Option<&Attr>) -> Option<(usize, shape::Dims)> {
    let dims = avals.first()?.dims()?;
    Some((shape::axis(op, attr(axis).ok()?, dims.len()).ok()?, dims))
}

/// An error for an axis whose positions are too many to be sorted.
fn check_length(c: &Infer<'_>, n: Dim) -> Result<()> {
    match n.known() {
        Some(n) if n > LONGEST => c.shape_error("the axis is too long", format_args!("{n} elements"), format_args!("at most {LONGEST}")),
        _ => Ok(()),
    }
}

row! {
    /// The elements of `x` along `axis` in ascending order; NaN stands last. Equals stay in order, and so do -0.0 and 0.0.
    ///
    /// Gradient: to each element what its place in the order gets.
    pub(crate) SORT_ALONG = fn sort_along(x: any; axis: i64 = -1) -> y
    shape(c) {
        shape::axis(c.op, axis, x.ndim())?;
        Ok(smallvec![x.clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([x], [y]) => kernels::sort::sort(c.ranges, *x, shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?, c.scratch, y),
            _ => Err(arity(c.op)),
        },
        scratch: |avals, attrs| axis_of("sort_along", avals, attrs.first())
            .zip(avals.first())
            .map_or(0, |((axis, dims), x)| kernels::sort::sort_bytes(&dims, axis, x.dtype)),
        fallible: false,
        spares: &[],
    });
    support Moved;
    // Without a gradient nobody needs the permutation, which takes longer than the order.
    vjp(g) { x: gather_adjoint(g, argsort_along(x, axis), x, axis) }
    batch Axes;
    numpy "np.sort(x, axis=axis, kind='stable')";
    case distinct[5] with axis = 0;
    case distinct[2, 3, 4] with axis = 1;
    case distinct[2, 3] with axis = -1;
    refuses f64[2] with axis = 1 => "sort_along: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

row! {
    /// The positions along `axis` of the elements of `x` in ascending order, as `int64`; those of NaN stand last. Positions of equals are
    /// ascending: the order is stable.
    ///
    /// Gradient: none.
    pub(crate) ARGSORT_ALONG = fn argsort_along(x: any; axis: i64 = -1) -> index
    shape(c) {
        let at = shape::axis(c.op, axis, x.ndim())?;
        x.shape.get(at).map_or(Ok(()), |&n| check_length(c, n))?;
        Ok(smallvec![Aval { dtype: DType::I64, shape: x.shape.clone() }])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([x], [y]) => kernels::sort::argsort(c.ranges, *x, shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?, c.scratch, y),
            _ => Err(arity(c.op)),
        },
        scratch: |avals, attrs| axis_of("argsort_along", avals, attrs.first()).map_or(0, |(axis, dims)| kernels::sort::argsort_bytes(&dims, axis)),
        fallible: false,
        spares: &[],
    });
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    batch Axes;
    numpy "np.argsort(x, axis=axis, kind='stable')";
    exempt First, Second: "it has no floating input, or no floating result";
    case distinct[5] with axis = 0;
    case distinct[2, 3, 4] with axis = 1;
    refuses f64[2] with axis = 1 => "argsort_along: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses bool[5000000000] with axis = 0 => "argsort_along: the axis is too long. Got 5000000000 elements; expected at most 4294967295.";
}

row! {
    /// The elements of `x` along `axis`, or all of them if it is `None`, in ascending order; NaN stands last. Equals stay in order, and so
    /// do -0.0 and 0.0.
    ///
    /// Gradient: to each element what its place in the order gets.
    pub SORT = fn sort(x: any; axis: Axis = Some(-1)) -> y
    body {
        let (x, axis) = one_axis("sort", x, axis)?;
        sort_along(x, axis)
    }
    numpy "np.sort(x, axis=axis, kind='stable')";
    example "T.sort([3.0, np.nan, 1.0, 2.0])" => "[ 1.  2.  3. nan]";
    method sort;
    case distinct[5] with axis = 0;
    case distinct[2, 3] with axis = ();
    refuses f64[2] with axis = 1 => "sort: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// The positions along `axis` of the elements of `x` in ascending order, as `int64`, or those of all elements in C order if it is
    /// `None`; those of NaN stand last. Positions of equals are ascending: the order is stable.
    ///
    /// Gradient: none.
    pub ARGSORT = fn argsort(x: any; axis: Axis = Some(-1)) -> index
    body {
        let (x, axis) = one_axis("argsort", x, axis)?;
        argsort_along(x, axis)
    }
    numpy "np.argsort(x, axis=axis, kind='stable')";
    example "T.argsort([3.0, 1.0, 2.0, 1.0])" => "[1 3 2 0]";
    method argsort;
    exempt First, Second: "it has no floating input, or no floating result";
    case distinct[5] with axis = 0;
    case distinct[2, 3] with axis = ();
    refuses f64[2] with axis = 1 => "argsort: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// The shapes of the first `k` elements along an axis and of their positions.
fn first(c: &Infer<'_>, x: &Aval, k: i64, axis: i64) -> Result<Avals> {
    let at = shape::axis(c.op, axis, x.ndim())?;
    let n = x.shape.get(at).copied().unwrap_or(Dim::Known(0));
    check_length(c, n)?;
    if k < 0 || n.known().is_some_and(|n| k as u64 > n as u64) {
        let got = format_args!("k={k} for axis {at} of shape {}", Tuple(&x.shape));
        return c.shape_error("there are not so many elements", got, "0 <= k <= length");
    }
    let shape: Shape = x.shape.iter().enumerate().map(|(i, &d)| if i == at { Dim::Known(k as usize) } else { d }).collect();
    Ok(smallvec![Aval { dtype: x.dtype, shape: shape.clone() }, Aval { dtype: DType::I64, shape }])
}

row! {
    /// The `k` largest elements along `axis`, or the smallest, and their positions as `int64`: in their order, beginning with the largest
    /// (the smallest), or else with `sorted=False` as they stand in `x`. NaN counts as larger than all numbers; of ties the first are
    /// taken, in order.
    ///
    /// Gradient: to the elements that were taken.
    pub TOPK = fn topk(x: any; k: i64, axis: i64 = -1, largest: bool = true, sorted: bool = true) -> values, indices
    shape(c) first(c, x, k, axis);
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([x], [values, index]) => {
                let axis = shape::axis(c.op, attr(c.attrs.get(1))?, x.dims().len())?;
                let (largest, sorted) = (attr(c.attrs.get(2))?, attr(c.attrs.get(3))?);
                kernels::sort::top(c.ranges, *x, axis, largest, sorted, c.scratch, values, index)
            }
            _ => Err(arity(c.op)),
        },
        scratch: |avals, attrs| {
            let k: i64 = attr(attrs.first()).unwrap_or(0);
            axis_of("topk", avals, attrs.get(1)).map_or(0, |(axis, dims)| kernels::sort::top_bytes(&dims, axis, k.max(0) as usize))
        },
        fallible: false,
        spares: &[],
    });
    support Scattered;
    vjp(g, gi) { x: gather_adjoint(g, indices, x, axis) }
    batch Axes;
    numpy "ref.topk(x, k, axis, largest, sorted)";
    example "T.topk([5.0, 9.0, 7.0, 9.0], 3)" => "[9. 9. 7.] [1 3 2]";
    method topk;
    case distinct[9] with k = 2, axis = 0;
    case distinct[9] with k = 2, axis = 0, largest = false, sorted = false;
    case distinct[2, 3, 4] with k = 2, axis = 1;
    case distinct[2, 3] with k = 3, axis = -1, largest = false;
    refuses f64[2] with k = 1, axis = 1 => "topk: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2, 3] with k = 3, axis = 0 => "topk: there are not so many elements. Got k=3 for axis 0 of shape (2, 3); expected 0 <= k <= length.";
    refuses f64[2] with k = -1, axis = 0 => "topk: there are not so many elements. Got k=-1 for axis 0 of shape (2,); expected 0 <= k <= length.";
}

row! {
    /// For each element of `v` how many elements of the ascending 1-d array `a` are below it or, with `right`, not above it, as `int64`.
    ///
    /// Gradient: none.
    pub(crate) SEARCH_SORTED = fn search_sorted(a: compare, v: compare; right: bool = false) -> index
    shape(c) {
        if a.ndim() != 1 {
            return c.shape_error("`a` is not an array of one axis", format_args!("shape {}", Tuple(&a.shape)), "shape (n,)");
        }
        Ok(smallvec![Aval { dtype: DType::I64, shape: v.shape.clone() }])
    };
    kernel call!(false, |[a, v] -> [index], c| kernels::search::search(c.ranges, *a, *v, attr(c.attrs.first())?, index));
    support Unknown;
    vjp(g) { a: Cotangent::Zero, v: Cotangent::Zero }
    batch Rule(searched);
    numpy "np.searchsorted(a, v, 'right' if right else 'left')";
    exempt First, Second: "it has no floating input, or no floating result";
    case ascending[5], real[2, 3] with right = false;
    case ascending[4], distinct[4] with right = true;
    refuses f64[2, 2], f64[3] => "search_sorted: `a` is not an array of one axis. Got shape (2, 2); expected shape (n,).";
}

/// [`SEARCH_SORTED`] with one more axis: numbers of any shape are looked for in one array.
fn searched<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    match b.has {
        [false, true] => batch::applied(b, b.inputs, &b.node.attrs),
        _ => batch::outputs(b, Batch::Loop),
    }
}

choices! {
    /// On which side of equal elements a number is put.
    pub enum Side {
        /// Before them.
        Left = "left",
        /// Behind them.
        Right = "right",
    }
}

row! {
    /// Where the elements of `v` are to be put into the ascending 1-d array `a` so that it stays in order, as `int64`: before equal elements,
    /// or behind them with `side="right"`. NaN stands behind all numbers.
    ///
    /// Gradient: none.
    pub SEARCHSORTED = fn searchsorted(a: any, v: any; side: Side = Side::Left) -> index
    body {
        if a.ndim() != 1 {
            return Err(Error::new(ErrorKind::Shape, "searchsorted", "`a` is not an array of one axis", format_args!("shape {}", Tuple(a.dims())), "shape (n,)"));
        }
        search_sorted(a, v, side == Side::Right)
    }
    numpy "np.searchsorted(a, v, side)";
    example "T.searchsorted([1.0, 2.0, 2.0, 3.0], [0.0, 2.0, 9.0], side=\"right\")" => "[0 3 4]";
    exempt First, Second: "it has no floating input, or no floating result";
    case ascending[5], real[2, 3] with side = Side::Left;
    case ascending[4], distinct[4] with side = Side::Right;
    refuses f64[2, 2], f64[3] => "searchsorted: `a` is not an array of one axis. Got shape (2, 2); expected shape (n,).";
}
