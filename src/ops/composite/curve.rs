//! Curves given by points: differences, integrals, interpolation.

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::ops::apply::cast;
use crate::ops::arithmetic::{maximum, minimum, sub};
use crate::ops::compare::{equal, greater, greater_equal, less, not_equal};
use crate::ops::index::take;
use crate::ops::movement::{expand_dims, same_shape};
use crate::ops::reduce::{reduce_sum, size};
use crate::ops::scan::cumulative_sum;
use crate::ops::select::select;
use crate::ops::slice::slice_along;
use crate::ops::sort::search_sorted;
use crate::shape::{self, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&DIFF, &TRAPEZOID, &CUMULATIVE_TRAPEZOID, &INTERP];

/// All elements along an axis but the first, and all but the last.
fn neighbours<'g>(x: Tensor<'g>, axis: usize) -> (Tensor<'g>, Tensor<'g>) {
    (slice_along(x, axis, Some(1), None), slice_along(x, axis, None, Some(-1)))
}

row! {
    /// Differences of neighbours along `axis`, `x[i + 1] - x[i]`, taken `n` times; of bools whether they differ.
    ///
    /// Gradient: differences of `g`, with zeros at both ends.
    pub DIFF = fn diff(x: any; n: i64 = 1, axis: i64 = -1) -> y
    body {
        let at = shape::axis("diff", axis, x.ndim())?;
        if n < 0 {
            return Err(Error::new(ErrorKind::Shape, "diff", "the order is negative", format_args!("n={n}"), "n >= 0"));
        }
        // From as many as the axis is long on nothing is left.
        let times = x.dims().get(at).and_then(|d| d.known()).map_or(n, |length| n.min(length as i64));
        (0..times).fold(x, |x, _| {
            let (next, own) = neighbours(x, at);
            if x.dtype() == DType::Bool { not_equal(next, own) } else { sub(next, own) }
        })
    }
    numpy "np.diff(x, n, axis)";
    example "T.diff([1, 2, 4, 7])" => "[1 2 3]";
    case real[5] with n = 1, axis = 0;
    case real[2, 4, 3] with n = 2, axis = 1;
    case real[2, 3] with n = 0;
    case real[2, 3] with n = 5, axis = -1;
    refuses f64[2] with axis = 1 => "diff: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2] with n = -1 => "diff: the order is negative. Got n=-1; expected n >= 0.";
}

/// The areas under the pieces of a curve between neighbours along an axis.
fn areas<'g>(op: &str, y: Tensor<'g>, x: Option<Tensor<'g>>, dx: Tensor<'g>, axis: i64) -> Result<(Tensor<'g>, i64)> {
    let y = cast(y, y.dtype().to_float());
    let at = shape::axis(op, axis, y.ndim())?;
    let (next, own) = neighbours(y, at);
    let width = match x {
        None => dx,
        Some(x) if x.ndim() == 1 => {
            let behind: Vec<i64> = (1..(y.ndim() - at) as i64).collect();
            let width = diff(x, 1, 0);
            if behind.is_empty() { width } else { expand_dims(width, behind) }
        }
        Some(x) => diff(x, 1, shape::axis(op, axis, x.ndim())? as i64),
    };
    Ok((width * (next + own) * 0.5, at as i64))
}

row! {
    /// The integral of `y` along `axis` by the trapezoidal rule: `sum((x[i + 1] - x[i]) * (y[i + 1] + y[i]) / 2)`. The places `x` are an array
    /// of one axis, or broadcast beside `y`; without them they are `dx` apart.
    ///
    /// Gradient: in `y`, `x` and `dx`.
    pub TRAPEZOID = fn trapezoid(y: any, x: any = None, dx: any = 1.0; axis: i64 = -1) -> z
    body {
        let (areas, axis) = areas("trapezoid", y, x, dx, axis)?;
        reduce_sum(areas, axis, false)
    }
    numpy "np.trapezoid(y, x, dx, axis)";
    example "T.trapezoid([0.0, 1.0, 4.0], [0.0, 1.0, 3.0])" => "5.5";
    alias trapz;
    case real[5], none, positive[];
    case real[2, 4, 3], real[4], positive[] with axis = 1;
    case real[2, 4], real[2, 4], positive[] with axis = 0;
    case real[2, 3], none, positive[];
    refuses f64[2], f64[2], f64[] with axis = 1 => "trapezoid: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// The integrals of `y` along `axis` from the first place to each of the others, by the trapezoidal rule; see `trapezoid`.
    ///
    /// Gradient: in `y`, `x` and `dx`.
    pub CUMULATIVE_TRAPEZOID = fn cumulative_trapezoid(y: any, x: any = None, dx: any = 1.0; axis: i64 = -1) -> z
    body {
        let (areas, axis) = areas("cumulative_trapezoid", y, x, dx, axis)?;
        cumulative_sum(areas, axis, false)
    }
    numpy "scipy.integrate.cumulative_trapezoid(y, x, dx, axis)";
    example "T.cumulative_trapezoid([0.0, 1.0, 4.0], [0.0, 1.0, 3.0])" => "[0.5 5.5]";
    case real[5], none, positive[];
    case real[2, 4, 3], real[4], positive[] with axis = 1;
    case real[2, 4], real[2, 4], positive[] with axis = 0;
    refuses f64[2], f64[2], f64[] with axis = 1 => "cumulative_trapezoid: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// An error unless `xp` and `fp` are the points of a curve.
fn check_points(xp: Tensor<'_>, fp: Tensor<'_>) -> Result<()> {
    let fail = |what: &str, rule: &str| {
        let got = format_args!("shapes {} and {}", Tuple(xp.dims()), Tuple(fp.dims()));
        Err(Error::new(ErrorKind::Shape, "interp", what, got, rule))
    };
    match (xp.dims(), fp.dims()) {
        ([a], [b]) if a.unify(*b).is_none() => fail("there are not as many values as places", "equal lengths"),
        ([a], [b]) if [a, b].iter().any(|d| d.known() == Some(0)) => fail("there are no points", "at least one"),
        ([_], [_]) => Ok(()),
        _ => fail("the points are not arrays of one axis", "shapes (n,)"),
    }
}

row! {
    /// The values at `x` of the curve through the points `xp`, which ascend, and `fp`: straight lines between them; in front of the first
    /// point `left`, behind the last one `right`, by default the values of these points. NaN of NaN.
    ///
    /// Gradient: in `x` the slope of the line, at a point that of the line behind it, and 0 from the last point on; in `xp`, `fp`, `left` and
    /// `right` too.
    pub INTERP = fn interp(x: float, xp: float, fp: float, left: float = None, right: float = None) -> y
    body {
        check_points(xp, fp)?;
        let fp = same_shape(fp, xp);
        let n = xp.known_shape().and_then(|dims| dims.first().copied());
        let place = |i: i64| x.graph().literal(i.into(), DType::I64);
        let last = n.map_or_else(|| size(xp, 0i64) - 1, |n| place(n as i64 - 1));
        let i = maximum(minimum(search_sorted(xp, x, true) - 1, last - 1), 0);
        let next = minimum(i + 1, last);
        let (x0, f0) = (take(xp, i, 0), take(fp, i, 0));
        let slope = (take(fp, next, 0) - f0) / (take(xp, next, 0) - x0);
        let (first, end) = ((take(xp, place(0), 0), take(fp, place(0), 0)), (take(xp, last, 0), take(fp, last, 0)));
        let y = slope * (x - x0) + f0;
        let y = match right {
            None => select(greater_equal(x, end.0), end.1, y),
            Some(right) => select(greater(x, end.0), right, select(equal(x, end.0), end.1, y)),
        };
        select(less(x, first.0), left.unwrap_or(first.1), y)
    }
    numpy "np.interp(x, xp, fp, left, right)";
    example "T.interp([0.5, 2.0, 9.0], [0.0, 1.0, 3.0], [0.0, 10.0, 30.0])" => "[ 5. 20. 30.]";
    case real[2, 3], ascending[4], real[4], none, none;
    case real[8], ascending[5], real[5], real[], real[];
    case real[3], ascending[1], real[1], none, real[];
    refuses f64[2], f64[2], f64[3], f64[], f64[] => "interp: there are not as many values as places. Got shapes (2,) and (3,); expected equal lengths.";
    refuses f64[2], f64[0], f64[0], f64[], f64[] => "interp: there are no points. Got shapes (0,) and (0,); expected at least one.";
    refuses f64[2], f64[], f64[3], f64[], f64[] => "interp: the points are not arrays of one axis. Got shapes () and (3,); expected shapes (n,).";
}
