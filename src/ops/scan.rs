//! Scans along an axis: running sums, products and extremes. And products, whose gradients are made of scans.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::{Axes, Axis};
use crate::graph::op::{Avals, Cotangent, Domain, Infer, Kernel, OpDef};
use crate::kernels::fold::Fold;
use crate::kernels::{self, scan::Way};
use crate::ops::apply::cast;
use crate::ops::arithmetic::abs;
use crate::ops::compare::less;
use crate::ops::exponent::exp;
use crate::ops::index::gather_adjoint;
use crate::ops::logarithm::log_sum;
use crate::ops::movement::{reshape, same_shape, stop_gradient};
use crate::ops::reduce::{axis_bad, filled, fold_cases, mask_bad, masked_cases};
use crate::ops::rules::restore_axes;
use crate::ops::select::select;
use crate::ops::shapes;
use crate::ops::slice::{concat, slice_along};
use crate::ops::unpack::attr;
use crate::shape::{self, Aval, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&CUMULATIVE_SUM, &CUMULATIVE_PRODUCT, &RECURRENCE, &CUMSUM, &CUMPROD, &CUMMAX, &CUMMIN, &LOGCUMSUMEXP, &REDUCE_PROD];

fn along(c: &Infer<'_>, x: &Aval, axis: i64) -> Result<Avals> {
    shape::axis(c.op, axis, x.ndim())?;
    Ok(smallvec![x.clone()])
}

fn with_index(c: &Infer<'_>, x: &Aval, axis: i64) -> Result<Avals> {
    shape::axis(c.op, axis, x.ndim())?;
    Ok(smallvec![x.clone(), Aval { dtype: DType::I64, shape: x.shape.clone() }])
}

row! {
    /// Sums of the elements up to each one along `axis`, or with `reverse` from it on.
    ///
    /// Gradient: the sums of `g` from the other end.
    pub(crate) CUMULATIVE_SUM = fn cumulative_sum(x: count; axis: i64 = -1, reverse: bool = false) -> y
    shape(c) along(c, x, axis);
    kernel call!(false, |[x] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        let way = Way { reverse: attr(c.attrs.get(1))?, exclusive: false };
        kernels::scan::sums(c.ranges, *x, axis, way, y)
    });
    support Summed;
    vjp(g) { x: cumulative_sum(g, axis, !reverse) }
    batch Axes;
    numpy "np.flip(np.cumsum(np.flip(x, axis), axis=axis), axis) if reverse else np.cumsum(x, axis=axis)";
    case real[5] with axis = 0;
    case real[2, 3, 4] with axis = 1;
    case real[2, 3, 4] with axis = 1, reverse = true;
    case real[2, 3, 4] with axis = -1, reverse = true;
    refuses f64[2] with axis = 1 => "cumulative_sum: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

row! {
    /// Products of the elements up to each one along `axis`, or with `reverse` from it on; `exclusive` leaves the element itself out.
    ///
    /// Gradient: with the products `p` that leave the element out and the recurrence `r[i] = g[i] + x[i + 1] * r[i + 1]` from the other
    /// end, `p * r`, in `float64`. Nothing is divided, so it is exact with any number of zeros, in every order, and each order is a few scans.
    pub(crate) CUMULATIVE_PRODUCT = fn cumulative_product(x: count; axis: i64 = -1, reverse: bool = false, exclusive: bool = false) -> y
    shape(c) along(c, x, axis);
    kernel call!(false, |[x] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        let way = Way { reverse: attr(c.attrs.get(1))?, exclusive: attr(c.attrs.get(2))? };
        kernels::scan::products(c.ranges, *x, axis, way, y)
    });
    support Weighted(scanned);
    vjp(g) { x: {
        let (wide, g) = (cast(x, DType::F64), cast(g, DType::F64));
        let others = cumulative_product(wide, axis, reverse, true);
        let after = if exclusive { recurrence(wide, g, axis, !reverse) } else { g + recurrence(wide, wide * g, axis, !reverse) };
        cast(others * after, x.dtype())
    } }
    batch Axes;
    numpy "ref.cumulative_product(x, axis, reverse, exclusive)";
    case real[5] with axis = 0;
    case real[2, 3, 4] with axis = 1, exclusive = true;
    case real[2, 3, 4] with axis = 0, reverse = true;
    case real[2, 3, 4] with axis = -1, reverse = true, exclusive = true;
    refuses f64[2] with axis = 1 => "cumulative_product: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

row! {
    /// The states `y[k] = s[k - 1]` of the linear recurrence `s[k] = a[k] * s[k - 1] + b[k]` along `axis`, which begins with 0; with
    /// `reverse` it begins at the end.
    ///
    /// Gradient: with the recurrence `l` of `a` and `g` from the other end, `l * y` and `l`.
    pub(crate) RECURRENCE = fn recurrence(a: float, b: float; axis: i64 = -1, reverse: bool = false) -> y
    shape(c) {
        if a.ndim() != b.ndim() || a.shape.iter().zip(&b.shape).any(|(a, b)| a.unify(*b).is_none()) {
            return c.shape_error("the shapes differ", format_args!("{} and {}", Tuple(&a.shape), Tuple(&b.shape)), "equal shapes");
        }
        shape::axis(c.op, axis, a.ndim())?;
        let dims = a.shape.iter().zip(&b.shape).map(|(a, b)| a.unify(*b).unwrap_or(*a)).collect();
        Ok(smallvec![Aval { dtype: a.dtype, shape: dims }])
    };
    kernel call!(false, |[a, b] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, a.dims().len())?;
        kernels::scan::recurrence(c.ranges, [*a, *b], axis, attr(c.attrs.get(1))?, y)
    });
    support Weighted(scanned);
    vjp(g) { ..{
        let l = recurrence(a, g.g(0), axis, !reverse);
        vec![Cotangent::from(l * g.y(0)), Cotangent::from(l)]
    } }
    batch Axes;
    numpy "ref.recurrence(a, b, axis, reverse)";
    case real[5], real[5] with axis = 0;
    case real[2, 3, 4], real[2, 3, 4] with axis = 1, reverse = true;
    case real[2, 3, 4], real[2, 3, 4] with axis = -1;
    refuses f64[2], f64[3] => "recurrence: the shapes differ. Got (2,) and (3,); expected equal shapes.";
    refuses f64[2], f64[2] with axis = 1 => "recurrence: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// `x` and an axis of it: of all its elements in one line, if none is named.
pub(super) fn one_axis<'g>(op: &str, x: Tensor<'g>, axis: Axis) -> Result<(Tensor<'g>, i64)> {
    match axis {
        None => Ok((reshape(x, [-1i64]), 0)),
        Some(axis) => shape::axis(op, axis, x.ndim()).map(|_| (x, axis)),
    }
}

row! {
    /// Sums of the elements up to each one along `axis`, or in C order of all elements; bools and `int32` are summed in `int64`, and
    /// `float32` is rounded once a sum.
    ///
    /// Gradient: the sums of `g` from the other end.
    pub CUMSUM = fn cumsum(x: any; axis: Axis = None) -> y
    body {
        let (x, axis) = one_axis("cumsum", x, axis)?;
        cumulative_sum(x, axis, false)
    }
    numpy "np.cumsum(x, axis=axis)";
    example "T.cumsum([[1, 2], [3, 4]], axis=1)" => "[[1 3]\n [3 7]]";
    method cumsum;
    case real[5] with axis = ();
    case real[2, 3] with axis = ();
    case real[2, 3, 4] with axis = 1;
    refuses f64[2] with axis = 1 => "cumsum: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// Products of the elements up to each one along `axis`, or in C order of all elements; bools and `int32` are multiplied in `int64`,
    /// and `float32` is rounded once a product.
    ///
    /// Gradient: `sum(g[k] * y[k] / x[i])` over the products `k` that the element `i` is in, without the division: exact with any number of
    /// zeros, in every order.
    pub CUMPROD = fn cumprod(x: any; axis: Axis = None) -> y
    body {
        let (x, axis) = one_axis("cumprod", x, axis)?;
        cumulative_product(x, axis, false, false)
    }
    numpy "np.cumprod(x, axis=axis)";
    example "x = T.constant([2.0, 0.0, 5.0])"; "T.grad([T.reduce_sum(T.cumprod(x))], [x])[0]" => "[ 1. 12.  0.]";
    method cumprod;
    case real[5] with axis = ();
    case real[2, 3] with axis = ();
    case real[2, 3, 4] with axis = 1;
    refuses f64[2] with axis = 1 => "cumprod: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

row! {
    /// The largest element up to each one along `axis`, and its index as `int64`: the first of ties; from the first NaN on that one.
    ///
    /// Gradient: to the elements that the indices name.
    pub CUMMAX = fn cummax(x: any; axis: i64 = -1) -> values, indices
    shape(c) with_index(c, x, axis);
    kernel call!(false, |[x] -> [y, index], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::scan::extremes::<false>(c.ranges, *x, axis, y, index)
    });
    support Scattered;
    vjp(g, gi) { x: gather_adjoint(g, indices, x, axis) }
    batch Axes;
    numpy "(np.maximum.accumulate(x, axis=axis), ref.first_extremes(x, np.maximum, axis))";
    example "T.cummax([1.0, 3.0, 2.0, 3.0])" => "[1. 3. 3. 3.] [0 1 1 1]";
    case distinct[5] with axis = 0;
    case distinct[2, 3, 4] with axis = 1;
    refuses f64[2] with axis = 1 => "cummax: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// The smallest element up to each one along `axis`, and its index as `int64`: the first of ties; from the first NaN on that one.
    ///
    /// Gradient: to the elements that the indices name.
    pub CUMMIN = fn cummin(x: any; axis: i64 = -1) -> values, indices
    shape(c) with_index(c, x, axis);
    kernel call!(false, |[x] -> [y, index], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, x.dims().len())?;
        kernels::scan::extremes::<true>(c.ranges, *x, axis, y, index)
    });
    support Scattered;
    vjp(g, gi) { x: gather_adjoint(g, indices, x, axis) }
    batch Axes;
    numpy "(np.minimum.accumulate(x, axis=axis), ref.first_extremes(x, np.minimum, axis))";
    example "T.cummin([2.0, 3.0, 1.0])" => "[2. 2. 1.] [0 0 2]";
    case distinct[5] with axis = 0;
    case distinct[2, 3, 4] with axis = 1;
    refuses f64[2] with axis = 1 => "cummin: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

row! {
    /// `log(cumsum(exp(x)))` along `axis`, shifted by the largest element so far: it never overflows. -inf where all elements so far
    /// are.
    ///
    /// Gradient: `sum(g[k] * exp(x[i] - y[k]))` over the sums `k` that the element `i` is in; 0 where `y` is -inf. To an element that
    /// is inf it is NaN.
    pub LOGCUMSUMEXP = fn logcumsumexp(x: any; axis: i64 = -1) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        shape::axis("logcumsumexp", axis, x.ndim())?;
        let top = stop_gradient(cummax(x, axis).0);
        let shift = select(less(abs(top), f64::INFINITY), top, 0.0);
        // The sums before each element are those of the element before it, under another shift.
        let (fall, own) = (exp(before(top, axis) - shift), exp(x - shift));
        log_sum(fall * recurrence(fall, own, axis, false) + own) + shift
    }
    numpy "np.logaddexp.accumulate(x, axis=axis)";
    example "T.logcumsumexp([1000.0, 1000.0, -np.inf])" => "[1000.         1000.69314718 1000.69314718]";
    case real[5] with axis = 0;
    case real[2, 3, 4] with axis = 1;
    case real[2, 3, 4] with axis = -1;
    refuses f64[2] with axis = 1 => "logcumsumexp: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// For each element of `y` the one before it along `axis`; the first one stays.
fn before<'g>(y: Tensor<'g>, axis: i64) -> Tensor<'g> {
    let axis = axis.rem_euclid(y.ndim().max(1) as i64) as usize;
    same_shape(concat(&[slice_along(y, axis, None, Some(1)), slice_along(y, axis, None, Some(-1))], axis as i64), y)
}

row! {
    /// Product over `axis` (all axes by default); bools and `int32` are multiplied in `int64`. The product over nothing is 1.
    ///
    /// With `where`, a bool of the shape of `x` or repeated to it, only those elements count where it is true.
    ///
    /// Gradient: `g` times the product of all other elements, in `float64` and without a division: exact with any number of zeros, in every
    /// order. Exactly 0 where `where` is false, whatever stands there.
    pub REDUCE_PROD = fn reduce_prod(x: count, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    given { reduce_prod(filled(x, r#where, 1), axis, keepdims) }
    shape(c) {
        let axes = shape::axes(c.op, axis.0.as_deref(), x.ndim())?;
        Ok(smallvec![Aval { dtype: x.dtype, shape: shapes::reduced(x, &axes, keepdims) }])
    };
    kernel Kernel::Fold(Fold::Product);
    support Weighted(unreduced);
    vjp(g) { x: {
        // One axis after the other: the others on it, times all that the axes before it leave.
        let axes = shape::axes("reduce_prod", axis.0.as_deref(), x.ndim()).unwrap_or_default();
        let (mut rest, mut part) = (cast(restore_axes(g, x, axis.0.as_deref(), keepdims), DType::F64), cast(x, DType::F64));
        for (i, &axis) in axes.iter().enumerate() {
            let axis = axis as i64;
            rest = rest * (cumulative_product(part, axis, false, true) * cumulative_product(part, axis, true, true));
            if i + 1 < axes.len() {
                part = reduce_prod(part, axis, true);
            }
        }
        cast(rest, x.dtype())
    } }
    batch Axes;
    numpy "np.prod(x, axis=axis, keepdims=keepdims, where=where)";
    example "x = T.constant([2.0, 0.0, 5.0])"; "T.grad([T.reduce_prod(x)], [x])[0]" => "[ 0. 10.  0.]";
    alias prod;
    method prod;
    signature "x, axis, keepdims, where";
    rust short;
    cases {
        let mut all = fold_cases(Domain::Real);
        all.extend(masked_cases(Domain::Real, &[]));
        all
    };
    bad {
        let mut all = axis_bad("reduce_prod");
        all.push(mask_bad("reduce_prod", 0));
        all
    };
}
