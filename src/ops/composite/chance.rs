//! What happens with a given probability.

use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Slice, Slices};
use crate::graph::op::OpDef;
use crate::graph::{NodeOp, Tensor};
use crate::ops::apply::cast;
use crate::ops::bounds;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{greater_equal, less};
use crate::ops::random::uniform_like;
use crate::ops::root::sqrt;
use crate::ops::samples;
use crate::ops::select::select;
use crate::ops::slice::strided_slice;
use crate::shape::Tuple;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&DROPOUT, &DROPOUT1D, &DROPOUT2D, &DROPOUT3D, &ALPHA_DROPOUT, &BERNOULLI, &BETWEEN, &SPREAD];

/// With `train`, one of two values where a uniform number is below `ratio` and elsewhere; without it, `x` itself. `drawn` is of the shape
/// of the numbers that are drawn, of which nothing else is used; `values` gives what is kept and what is dropped from `x` and `ratio`.
fn dropped<'g>(
    op: &str,
    x: Tensor<'g>,
    ratio: Tensor<'g>,
    train: Tensor<'g>,
    drawn: impl FnOnce(Tensor<'g>) -> Tensor<'g>,
    values: impl FnOnce(Tensor<'g>, Tensor<'g>) -> (Tensor<'g>, Tensor<'g>),
) -> Result<Tensor<'g>> {
    if train.dtype() != DType::Bool || train.ndim() != 0 {
        let rule = "True, False, or a 0-d bool tensor";
        return Err(Error::new(ErrorKind::DType, op, "`train` is not a single bool", train.aval(), rule));
    }
    let x = cast(x, x.dtype().to_float());
    let ratio = cast(ratio, x.dtype());
    let known = match train.node().op {
        NodeOp::Scalar(Scalar::Bool(b)) => Some(b),
        _ => None,
    };
    let literal = matches!(ratio.node().op, NodeOp::Scalar(_));
    let ratio = if known == Some(false) && !literal { ratio } else { bounds::ratio(op, ratio)? };
    if known == Some(false) {
        return Ok(x);
    }
    let drawn = drawn(x);
    // A ratio of more elements than are drawn would repeat them.
    let ratio = if ratio.ndim() == 0 { ratio } else { broadcast_like(ratio, drawn) };
    let (kept, other) = values(x, ratio);
    let y = select(greater_equal(uniform_like(drawn), ratio), kept, other);
    Ok(if known == Some(true) { y } else { select(train, y, x) })
}

fn zero(x: Tensor<'_>) -> Tensor<'_> {
    x.graph().literal(0.0.into(), x.dtype())
}

/// Whole channels of arrays with `n` axes behind them are dropped: `(samples, channels, ...)`, or, if `alone`, `(channels, ...)`.
fn channels<'g>(op: &str, n: usize, alone: bool, x: Tensor<'g>, ratio: Tensor<'g>, train: Tensor<'g>) -> Result<Tensor<'g>> {
    if x.ndim() != n + 2 && !(alone && x.ndim() == n + 1) {
        let rule = if alone { format!("{} axes, or {} without samples", n + 2, n + 1) } else { format!("{} axes", n + 2) };
        return Err(Error::new(ErrorKind::Shape, op, "the array has the wrong number of axes", Tuple(x.dims()), rule));
    }
    // One element of each channel.
    let first = |x: Tensor<'g>| {
        let slices = (0..x.ndim()).map(|i| if i + n < x.ndim() { Slice::ALL } else { Slice { start: None, stop: Some(1), step: 1 } });
        strided_slice(x, Slices(slices.collect()))
    };
    dropped(op, x, ratio, train, first, |x, ratio| (x / (1.0 - ratio), zero(x)))
}

/// The value of [`crate::ops::composite::rectifiers::selu`] far to the left, which stands for a dropped element.
const SELU_LEAST: f64 = -1.7580993408473766;

row! {
    /// With `train`, each element is 0 with probability `ratio`, else divided by `1 - ratio`; without it, `x` itself. Each
    /// call is a draw of its own, and each run draws anew.
    ///
    /// `train` is True, False, or a 0-d bool tensor, such as a placeholder: then each run decides. A ratio that is NaN,
    /// negative, 1 or more is an error, of the run if it is a tensor.
    pub DROPOUT = fn dropout(x: any, ratio: any, train: any = true) -> y
    body { dropped("dropout", x, ratio, train, |x| x, |x, ratio| (x / (1.0 - ratio), zero(x)))? }
    numpy "ref.dropout(x, ratio, train)";
    example "T.reduce_max(T.dropout(np.ones(1000), 0.75))" => "4.0";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    refuses f64[2], f64[], f64[] => "dropout: `train` is not a single bool. Got float64[]; expected True, False, or a 0-d bool tensor.";
    refuses f64[2], f64[], bool[2] => "dropout: `train` is not a single bool. Got bool[2]; expected True, False, or a 0-d bool tensor.";
    refuses f64[2], f64[3], bool[] => "dropout: the array does not fit the shape. Got (3,) for (2,); expected lengths equal to the shape's, or 1.";
}
row! {
    /// With `train`, whole channels of `x` (samples, channels, length) or (channels, length) are 0 with probability `ratio`, and the others are divided by `1 - ratio`;
    /// without it, `x` itself. Each call is a draw of its own, and each run draws anew. A ratio that is no number repeats to `x` with
    /// an axis of one element in place of the last; `train` and the ratio are as those of `dropout`.
    pub DROPOUT1D = fn dropout1d(x: any, ratio: any, train: any = true) -> y
    body { channels("dropout1d", 1, true, x, ratio, train)? }
    numpy "ref.dropout(x, ratio, train)";
    example "T.reduce_max(T.dropout1d(np.ones([10, 100, 2]), 0.75))" => "4.0";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    refuses f64[2], f64[], bool[] => "dropout1d: the array has the wrong number of axes. Got (2,); expected 3 axes, or 2 without samples.";
    refuses f64[2, 3, 4], f64[], f64[] => "dropout1d: `train` is not a single bool. Got float64[]; expected True, False, or a 0-d bool tensor.";
    refuses f64[2, 3, 4], f64[3, 4], bool[] => "dropout1d: the array does not fit the shape. Got (3, 4) for (2, 3, 1); expected lengths equal to the shape's, or 1.";
}
row! {
    /// With `train`, whole channels of `x` (samples, channels, height, width) are 0 with probability `ratio`, and the others are divided by `1 - ratio`;
    /// without it, `x` itself. Each call is a draw of its own, and each run draws anew. A ratio that is no number repeats to `x` with
    /// axes of one element in place of the last two; `train` and the ratio are as those of `dropout`.
    pub DROPOUT2D = fn dropout2d(x: any, ratio: any, train: any = true) -> y
    body { channels("dropout2d", 2, false, x, ratio, train)? }
    numpy "ref.dropout(x, ratio, train)";
    example "T.reduce_max(T.dropout2d(np.ones([10, 100, 2, 2]), 0.75))" => "4.0";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    refuses f64[2], f64[], bool[] => "dropout2d: the array has the wrong number of axes. Got (2,); expected 4 axes.";
    refuses f64[2, 3, 4, 4], f64[], f64[] => "dropout2d: `train` is not a single bool. Got float64[]; expected True, False, or a 0-d bool tensor.";
    refuses f64[2, 3, 4, 4], f64[3, 4, 4], bool[] => "dropout2d: the array does not fit the shape. Got (3, 4, 4) for (2, 3, 1, 1); expected lengths equal to the shape's, or 1.";
}
row! {
    /// With `train`, whole channels of `x` (samples, channels, depth, height, width) or (channels, depth, height, width) are 0 with probability `ratio`, and the others are divided by `1 - ratio`;
    /// without it, `x` itself. Each call is a draw of its own, and each run draws anew. A ratio that is no number repeats to `x` with
    /// axes of one element in place of the last three; `train` and the ratio are as those of `dropout`.
    pub DROPOUT3D = fn dropout3d(x: any, ratio: any, train: any = true) -> y
    body { channels("dropout3d", 3, true, x, ratio, train)? }
    numpy "ref.dropout(x, ratio, train)";
    example "T.reduce_max(T.dropout3d(np.ones([10, 100, 2, 2, 2]), 0.75))" => "4.0";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    refuses f64[2], f64[], bool[] => "dropout3d: the array has the wrong number of axes. Got (2,); expected 5 axes, or 4 without samples.";
    refuses f64[2, 3, 4, 4, 4], f64[], f64[] => "dropout3d: `train` is not a single bool. Got float64[]; expected True, False, or a 0-d bool tensor.";
    refuses f64[2, 3, 4, 4, 4], f64[3, 4, 4, 4], bool[] => "dropout3d: the array does not fit the shape. Got (3, 4, 4, 4) for (2, 3, 1, 1, 1); expected lengths equal to the shape's, or 1.";
}
row! {
    /// With `train`, elements become `alpha = -1.7580993408473766`, the least value of `selu`, with probability `ratio`; then `a * x + b`, with `a` and
    /// `b` such that mean 0 and variance 1 stay: `a = ((1 - ratio) * (1 + ratio * alpha**2))**-0.5`, `b = -a * alpha * ratio`. Without it, `x` itself.
    /// Each call is a draw of its own, and each run draws anew; `train` and the ratio are as those of `dropout`.
    pub ALPHA_DROPOUT = fn alpha_dropout(x: any, ratio: any, train: any = true) -> y
    body {
        dropped("alpha_dropout", x, ratio, train, |x| x, |x, ratio| {
            let a = 1.0 / sqrt((1.0 - ratio) * (ratio * (SELU_LEAST * SELU_LEAST) + 1.0));
            let b = a * ratio * -SELU_LEAST;
            (a * x + b, a * SELU_LEAST + b)
        })?
    }
    numpy "ref.alpha_dropout(x, ratio, train)";
    example "T.reduce_min(T.alpha_dropout(np.ones(1000), 0.5))" => "-0.7791939305180315";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    refuses f64[2], f64[], f64[] => "alpha_dropout: `train` is not a single bool. Got float64[]; expected True, False, or a 0-d bool tensor.";
    refuses f64[2], f64[3], bool[] => "alpha_dropout: the array does not fit the shape. Got (3,) for (2,); expected lengths equal to the shape's, or 1.";
}
row! {
    /// 1 where the uniform numbers `u` are below `p`, else 0, in the dtype of `u`. A `p` that is NaN, negative or above 1 is
    /// an error, of the run if it is a tensor.
    ///
    /// Gradient: none.
    pub(crate) BERNOULLI = fn bernoulli(u: any, p: any) -> y
    body {
        cast(less(u, bounds::probability("bernoulli", p)?), u.dtype())
    }
    numpy "(u < p).astype(u.dtype)";
    by hand;
    case unit[2, 3], unit[3];
    bad samples::binary_bad("bernoulli");
}
row! {
    /// `low + u * (high - low)`: uniform numbers `u` of `0 <= u < 1` in another interval.
    ///
    /// Gradient: `g * (high - low)`, `g * (1 - u)`, `g * u`.
    pub(crate) BETWEEN = fn between(u: any, low: any, high: any) -> y
    body { u * (high - low) + low }
    numpy "u * (high - low) + low";
    by hand;
    case unit[2, 3], real[3], real[];
    bad samples::ternary_bad("between");
}
row! {
    /// `mean + z * stddev`: standard normal numbers `z` with another mean and standard deviation.
    ///
    /// Gradient: `g * stddev`, `g`, `g * z`.
    pub(crate) SPREAD = fn spread(z: any, mean: any, stddev: any) -> y
    body { z * stddev + mean }
    numpy "z * stddev + mean";
    by hand;
    case real[2, 3], real[3], positive[];
    bad samples::ternary_bad("spread");
}
