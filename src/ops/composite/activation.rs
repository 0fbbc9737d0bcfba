//! Activations.

use crate::graph::attr::{Attr, AttrType, Axes, IntoAttr};
use crate::graph::op::{Body, Domain, OpDef, Param, ParamKind};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply, cast};
use crate::ops::compare::greater_equal;
use crate::ops::elementwise::exp;
use crate::ops::families::{self, bad, case};
use crate::ops::normal::ndtr;
use crate::ops::random::uniform_like;
use crate::ops::reduce::{peak, reduce_logsumexp, reduce_sum};
use crate::ops::select::select;
use crate::shape;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SOFTMAX, &LOG_SOFTMAX, &GELU, &DROPOUT];

composite! {
    /// `exp(x) / sum(exp(x))` along `axis`, shifted by the maximum: it never overflows. Where all elements are -inf, or one is
    /// inf, it is NaN.
    SOFTMAX = fn softmax(x; axis: i64 = -1) -> y {
        shape::axis("softmax", axis, x.ndim())?;
        let x = cast(x, x.dtype().to_float());
        let e = exp(x - peak(x, Axes(Some([axis].into()))));
        e / reduce_sum(e, axis, true)
    }
    numpy "scipy.special.softmax(x, axis=axis)";
    example "T.softmax([[1000.0, 1000.0], [0.0, -np.inf]])" => "[[0.5 0.5]\n [1.  0. ]]";
    cases vec![case(Domain::Real, &[&[5]], vec![Attr::Int(0)]), case(Domain::Real, &[&[2, 3, 4]], vec![Attr::Int(-1)]), case(Domain::Real, &[&[2, 3]], vec![Attr::Int(0)])];
    bad vec![bad(&[&[2]], vec![Attr::Int(1)], "softmax: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.")];
}
composite! {
    /// `x - logsumexp(x)` along `axis`: the logarithm of softmax without its underflow.
    LOG_SOFTMAX = fn log_softmax(x; axis: i64 = -1) -> y {
        shape::axis("log_softmax", axis, x.ndim())?;
        x - reduce_logsumexp(x, Axes(Some([axis].into())), true)
    }
    numpy "scipy.special.log_softmax(x, axis=axis)";
    example "T.log_softmax([0.0, -1000.0])" => "[    0. -1000.]";
    cases vec![case(Domain::Real, &[&[5]], vec![Attr::Int(0)]), case(Domain::Real, &[&[2, 3, 4]], vec![Attr::Int(1)])];
    bad vec![bad(&[&[2]], vec![Attr::Int(1)], "log_softmax: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.")];
}
composite! {
    /// Gaussian error linear unit: `x * ndtr(x)`, the share of `x` that a standard normal number does not exceed.
    GELU = fn gelu(x) -> y {
        let x = cast(x, x.dtype().to_float());
        x * ndtr(x)
    }
    numpy "x * scipy.special.ndtr(x)";
    example "T.gelu([-1.0, 0.0, 1.0])" => "[-0.15865525  0.          0.84134475]";
    cases families::unary_cases(Domain::Real);
    bad vec![];
}
composite! {
    /// With `train`, each element is 0 with probability `ratio`, else divided by `1 - ratio`; without it, `x` itself. Each
    /// call is a draw of its own, and each run draws anew.
    DROPOUT = fn dropout(x, ratio; train: bool = true) -> y {
        let x = cast(x, x.dtype().to_float());
        if train {
            let ratio = cast(ratio, x.dtype());
            select(greater_equal(uniform_like(x), ratio), x / (1.0 - ratio), 0.0)
        } else {
            x
        }
    }
    numpy "ref.dropout(x, ratio, train)";
    example "T.reduce_max(T.dropout(np.ones(1000), 0.75))" => "4.0";
    cases vec![families::mixed(&[(Domain::Real, &[2, 3]), (Domain::Unit, &[])], vec![Attr::Bool(false)])];
    bad vec![];
}
