//! What happens with a given probability.

use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind};
use crate::graph::NodeOp;
use crate::graph::op::OpDef;
use crate::ops::apply::cast;
use crate::ops::bounds;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{greater_equal, less};
use crate::ops::random::uniform_like;
use crate::ops::samples;
use crate::ops::select::select;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&DROPOUT, &BERNOULLI, &BETWEEN, &SPREAD];

row! {
    /// With `train`, each element is 0 with probability `ratio`, else divided by `1 - ratio`; without it, `x` itself. Each
    /// call is a draw of its own, and each run draws anew.
    ///
    /// `train` is True, False, or a 0-d bool tensor, such as a placeholder: then each run decides. A ratio that is NaN,
    /// negative, 1 or more is an error, of the run if it is a tensor.
    pub DROPOUT = fn dropout(x: any, ratio: any, train: any = true) -> y
    body {
        if train.dtype() != DType::Bool || train.ndim() != 0 {
            let rule = "True, False, or a 0-d bool tensor";
            return Err(Error::new(ErrorKind::DType, "dropout", "`train` is not a single bool", train.aval(), rule));
        }
        let x = cast(x, x.dtype().to_float());
        let ratio = cast(ratio, x.dtype());
        let known = match train.node().op {
            NodeOp::Scalar(Scalar::Bool(b)) => Some(b),
            _ => None,
        };
        let literal = matches!(ratio.node().op, NodeOp::Scalar(_));
        let ratio = if known == Some(false) && !literal { ratio } else { bounds::ratio("dropout", ratio)? };
        if known == Some(false) {
            x
        } else {
            // A ratio of more elements than `x` would repeat `x`.
            let ratio = if ratio.ndim() == 0 { ratio } else { broadcast_like(ratio, x) };
            let dropped = select(greater_equal(uniform_like(x), ratio), x / (1.0 - ratio), 0.0);
            if known == Some(true) { dropped } else { select(train, dropped, x) }
        }
    }
    numpy "ref.dropout(x, ratio, train)";
    example "T.reduce_max(T.dropout(np.ones(1000), 0.75))" => "4.0";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    refuses f64[2], f64[], f64[] => "dropout: `train` is not a single bool. Got float64[]; expected True, False, or a 0-d bool tensor.";
    refuses f64[2], f64[], bool[2] => "dropout: `train` is not a single bool. Got bool[2]; expected True, False, or a 0-d bool tensor.";
    refuses f64[2], f64[3], bool[] => "dropout: the array does not fit the shape. Got (3,) for (2,); expected lengths equal to the shape's, or 1.";
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
