//! Activations.

use crate::graph::attr::{Attr, AttrType, Axes, IntoAttr};
use crate::graph::op::{Body, Domain, OpDef, Param, ParamKind};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, apply, cast};
use crate::ops::elementwise::{erf, exp};
use crate::ops::families::{self, bad, case};
use crate::ops::movement::stop_gradient;
use crate::ops::reduce::{reduce_logsumexp, reduce_max, reduce_sum};
use crate::shape;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SOFTMAX, &LOG_SOFTMAX, &GELU];

composite! {
    /// `exp(x) / sum(exp(x))` along `axis`, shifted by the maximum: it never overflows.
    SOFTMAX = fn softmax(x; axis: i64 = -1) -> y {
        shape::axis("softmax", axis, x.ndim())?;
        let x = cast(x, x.dtype().to_float());
        let e = exp(x - stop_gradient(reduce_max(x, axis, true)));
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
    /// Gaussian error linear unit: `x * (1 + erf(x / sqrt(2))) / 2`.
    GELU = fn gelu(x) -> y {
        let x = cast(x, x.dtype().to_float());
        x * 0.5 * (erf(x * std::f64::consts::FRAC_1_SQRT_2) + 1.0)
    }
    numpy "x * 0.5 * (1 + scipy.special.erf(x / np.sqrt(2)))";
    example "T.gelu([-1.0, 0.0, 1.0])" => "[-0.15865525  0.          0.84134475]";
    cases families::unary_cases(Domain::Real);
    bad vec![];
}
