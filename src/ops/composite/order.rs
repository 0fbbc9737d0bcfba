//! Order statistics: what stands at a place of the sorted elements.

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, Axes, choices};
use crate::graph::op::{Domain, OpDef};
use crate::graph::{NodeOp, Tensor};
use crate::ops::apply::{apply, cast};
use crate::ops::arithmetic::minimum;
use crate::ops::bounds::probability;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{equal, greater, less, not_equal};
use crate::ops::index::take;
use crate::ops::movement::{MERGE_AXES, expand_dims, stop_gradient, transpose};
use crate::ops::reduce::{axis_bad, fold_cases, reduce_mean, reduce_sum, size};
use crate::ops::select::select;
use crate::ops::shapes::check_number;
use crate::ops::slice::concat;
use crate::ops::sort::sort_along;
use crate::shape::{self, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&MEDIAN, &QUANTILE];

/// The elements over which a statistic is taken, sorted along one axis.
struct Line<'g> {
    sorted: Tensor<'g>,
    /// Where that axis stands.
    at: usize,
    /// Its length, if that is known.
    known: Option<usize>,
    /// Its length.
    n: Tensor<'g>,
    /// The axes of the array that it stands for.
    axes: Vec<i64>,
}

impl<'g> Line<'g> {
    fn new(op: &str, x: Tensor<'g>, axis: &Axes) -> Result<Line<'g>> {
        let axes: Vec<i64> = shape::axes(op, axis.0.as_deref(), x.ndim())?.iter().map(|&i| i as i64).collect();
        let (line, at) = match axes[..] {
            [] => (expand_dims(x, -1), x.ndim()),
            [one] => (x, one as usize),
            _ => {
                let others: Vec<i64> = (0..x.ndim() as i64).filter(|i| !axes.contains(i)).collect();
                let at = others.len();
                let moved = transpose(x, others.into_iter().chain(axes.iter().copied()).collect::<Vec<_>>());
                (apply(&MERGE_AXES, &[moved.into()], &[Attr::Int(at as i64), Attr::Int(axes.len() as i64)]), at)
            }
        };
        let known = line.dims().get(at).and_then(|d| d.known());
        let n = known.map_or_else(|| size(line, at as i64), |n| integer(x, n));
        Ok(Line { sorted: sort_along(line, at as i64), at, known, n, axes })
    }

    /// The line with NaN behind it, so that an element of nothing is NaN.
    fn with_nan(self) -> Line<'g> {
        let nan = self.sorted.graph().literal(f64::NAN.into(), self.sorted.dtype());
        let shape = reduce_sum(self.sorted, self.at as i64, true);
        Line { sorted: concat(&[self.sorted, broadcast_like(nan, shape)], self.at as i64), ..self }
    }

    /// The elements at a place of the line.
    fn element(&self, place: Tensor<'g>) -> Tensor<'g> {
        take(self.sorted, place, self.at as i64)
    }

    /// `y`, which has `own` axes in the place of the line's, and NaN where the line holds one: those stand last.
    fn unless_nan(&self, y: Tensor<'g>, own: usize) -> Tensor<'g> {
        let last = stop_gradient(self.element(self.n - 1));
        let last = with_axes(last, self.at, own);
        select(not_equal(last, last), f64::NAN, y)
    }
}

/// `t` with `n` more axes of length 1 from `at` on.
fn with_axes<'g>(t: Tensor<'g>, at: usize, n: usize) -> Tensor<'g> {
    if n == 0 { t } else { expand_dims(t, (at..at + n).map(|i| i as i64).collect::<Vec<_>>()) }
}

fn integer<'g>(x: Tensor<'g>, i: usize) -> Tensor<'g> {
    x.graph().literal((i as i64).into(), DType::I64)
}

row! {
    /// The middle of the sorted elements over `axis` (all axes by default), in floating numbers; of an even number the mean of the two in
    /// the middle. NaN if an element is NaN, and over nothing.
    ///
    /// Gradient: to the element in the middle, or half to each of two; of ties the stable order names one.
    pub MEDIAN = fn median(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        let line = Line::new("median", x, &axis)?;
        if line.known == Some(0) {
            reduce_mean(x, axis, keepdims)
        } else {
            let line = if line.known.is_some() { line } else { line.with_nan() };
            let (low, high) = match line.known {
                Some(n) => (integer(x, (n - 1) / 2), integer(x, n / 2)),
                None => {
                    let n = cast(line.n, DType::F64);
                    (cast((n - 1.0) * 0.5, DType::I64), cast(n * 0.5, DType::I64))
                }
            };
            let (a, b) = (line.element(low), line.element(high));
            let y = match line.known {
                Some(n) if n % 2 == 1 => a,
                Some(_) => (a + b) * 0.5,
                None => select(equal(low, high), a, (a + b) * 0.5),
            };
            let y = line.unless_nan(y, 0);
            if keepdims { expand_dims(y, line.axes) } else { y }
        }
    }
    numpy "np.median(x, axis=axis, keepdims=keepdims)";
    example "T.median([[1.0, 9.0, 4.0], [7.0, 2.0, 3.0]], axis=-1)" => "[4. 3.]";
    method median;
    cases fold_cases(Domain::Distinct);
    bad axis_bad("median");
}

choices! {
    /// What a quantile between two elements is.
    pub enum Method {
        /// On the straight line between them.
        Linear = "linear",
        /// The lower one.
        Lower = "lower",
        /// The higher one.
        Higher = "higher",
        /// Their mean.
        Midpoint = "midpoint",
    }
}

row! {
    /// Quantiles `q`, from 0 to 1, of the elements over `axis` (all axes by default), in floating numbers; the axes of `q` stand first. A
    /// quantile lies at the place `q * (n - 1)` of the sorted elements; `method` says what it is between two of them: `linear`, `lower`,
    /// `higher` or `midpoint`. NaN if an element is NaN.
    ///
    /// Gradient: to the elements that it lies between, by their weights; of ties the stable order names one. To `q` of `linear`
    /// `(b - a) * (n - 1)`, at an element that to the next one.
    pub QUANTILE = fn quantile(x: any, q: any; axis: Axes = Axes(None), method: Method = Method::Linear, keepdims: bool = false) -> y
    body {
        check_number("quantile", x.dtype())?;
        let q = probability("quantile", cast(q, q.dtype().to_float()))?;
        let own = x.dtype().to_float();
        // A number on its own takes the dtype of `x`, but it says where to look in float64.
        let dtype = if matches!(q.node().op, NodeOp::Scalar(_)) { own } else { own.promote(q.dtype()) };
        let line = Line::new("quantile", cast(x, dtype), &axis)?;
        if line.known == Some(0) {
            let e = Error::new(ErrorKind::Shape, "quantile", "there is no value over no elements", format_args!("shape {}", Tuple(x.dims())), "at least one element along the axis");
            return Err(e);
        }
        let place = cast(q, DType::F64) * cast(line.n - 1, DType::F64);
        let low = cast(place, DType::I64);
        let part = place - cast(low, DType::F64);
        let a = line.element(low);
        // The place of an element has none above it.
        let next = || line.element(minimum(low + cast(greater(part, 0.0), DType::I64), line.n - 1));
        let y = match method {
            Method::Linear => {
                let b = line.element(minimum(low + 1, line.n - 1));
                let (part, step) = (with_axes(cast(part, dtype), q.ndim(), line.sorted.ndim() - line.at - 1), b - a);
                select(less(part, 0.5), a + step * part, b - step * (1.0 - part))
            }
            Method::Lower => a,
            Method::Higher => next(),
            Method::Midpoint => a + (next() - a) * 0.5,
        };
        let y = line.unless_nan(y, q.ndim());
        let (at, own) = (line.at as i64, q.ndim() as i64);
        let y = if at == 0 || own == 0 { y } else { transpose(y, (at..at + own).chain(0..at).chain(at + own..y.ndim() as i64).collect::<Vec<_>>()) };
        if keepdims { expand_dims(y, line.axes.iter().map(|i| i + own).collect::<Vec<_>>()) } else { y }
    }
    numpy "np.quantile(x, q, axis=axis, method=method, keepdims=keepdims)";
    example "T.quantile([1.0, 2.0, 4.0, 8.0], [0.5, 0.9])" => "[3.  6.8]";
    method quantile;
    case distinct[5], unit[];
    case distinct[2, 3, 4], unit[5] with axis = [1];
    case distinct[2, 3, 4], unit[1, 5] with axis = [0, 1], method = Method::Midpoint;
    case distinct[2, 3, 4], unit[] with axis = [0, 2];
    case distinct[2, 6], unit[3] with axis = [1], method = Method::Lower;
    case distinct[2, 6], unit[3] with axis = [0], method = Method::Higher, keepdims = true;
    refuses f64[2, 3], f64[] with axis = [2] => "quantile: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
    refuses f64[2, 0], f64[] with axis = [1] => "quantile: there is no value over no elements. Got shape (2, 0); expected at least one element along the axis.";
}
