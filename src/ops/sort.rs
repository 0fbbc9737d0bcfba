//! Sorting along an axis, and looking for numbers in what is sorted.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::Result;
use crate::graph::attr::Attr;
use crate::graph::op::{Avals, CallKernel, Cotangent, Infer, Kernel, OpDef};
use crate::kernels::{self, sort::LONGEST};
use crate::ops::index::gather_adjoint;
use crate::ops::unpack::{arity, attr};
use crate::shape::{self, Aval, Dim, Shape, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SORT, &ARGSORT, &TOPK, &SEARCH_SORTED];

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
    pub SORT = fn sort(x: any; axis: i64 = -1) -> y
    shape(c) {
        shape::axis(c.op, axis, x.ndim())?;
        Ok(smallvec![x.clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([x], [y]) => kernels::sort::sort(c.ranges, *x, shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?, c.scratch, y),
            _ => Err(arity(c.op)),
        },
        scratch: |avals, attrs| axis_of("sort", avals, attrs.first())
            .zip(avals.first())
            .map_or(0, |((axis, dims), x)| kernels::sort::sort_bytes(&dims, axis, x.dtype)),
        fallible: false,
    });
    support Moved;
    // Without a gradient nobody needs the permutation, which takes longer than the order.
    vjp(g) { x: gather_adjoint(g, argsort(x, axis), x, axis) }
    numpy "np.sort(x, axis=axis, kind='stable')";
    example "T.sort([3.0, np.nan, 1.0, 2.0])" => "[ 1.  2.  3. nan]";
    method sort;
    case distinct[5] with axis = 0;
    case distinct[2, 3, 4] with axis = 1;
    case distinct[2, 3] with axis = -1;
    refuses f64[2] with axis = 1 => "sort: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

row! {
    /// The positions along `axis` of the elements of `x` in ascending order, as `int64`; those of NaN stand last. Positions of equals are
    /// ascending: the order is stable.
    ///
    /// Gradient: none.
    pub ARGSORT = fn argsort(x: any; axis: i64 = -1) -> index
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
        scratch: |avals, attrs| axis_of("argsort", avals, attrs.first()).map_or(0, |(axis, dims)| kernels::sort::argsort_bytes(&dims, axis)),
        fallible: false,
    });
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    numpy "np.argsort(x, axis=axis, kind='stable')";
    example "T.argsort([3.0, 1.0, 2.0, 1.0])" => "[1 3 2 0]";
    method argsort;
    exempt First, Second: "it has no floating input, or no floating result";
    case distinct[5] with axis = 0;
    case distinct[2, 3, 4] with axis = 1;
    refuses f64[2] with axis = 1 => "argsort: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses bool[5000000000] with axis = 0 => "argsort: the axis is too long. Got 5000000000 elements; expected at most 4294967295.";
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
    pub TOPK = fn topk(x: any; k: i64 = 1, axis: i64 = -1, largest: bool = true, sorted: bool = true) -> values, indices
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
    });
    support Scattered;
    vjp(g, gi) { x: gather_adjoint(g, indices, x, axis) }
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
    numpy "np.searchsorted(np.sort(a), v, 'right' if right else 'left')";
    exempt First, Second: "it has no floating input, or no floating result";
    case real[1], real[2, 3] with right = false;
    case distinct[1], distinct[4] with right = true;
    refuses f64[2, 2], f64[3] => "searchsorted: `a` is not an array of one axis. Got shape (2, 2); expected shape (n,).";
}
