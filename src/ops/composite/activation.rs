//! Activations.

use crate::graph::Tensor;
use crate::graph::attr::Axes;
use crate::graph::op::{Kernel, OpDef};
use crate::ops::apply::cast;
use crate::ops::compare::equal;
use crate::ops::elementwise::exp;
use crate::ops::reduce::{reduce_logsumexp, reduce_sum, shift};
use crate::ops::rules::quotient;
use crate::ops::select::select;
use crate::ops::shapes;
use crate::shape;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SOFTMAX, &NORMALISED, &LOG_SOFTMAX];

row! {
    /// `exp(x) / sum(exp(x))` along `axis`, shifted by the maximum: it never overflows. Where all elements are -inf, or one is
    /// inf, it is NaN.
    ///
    /// Gradient: `y * (g - sum(g * y))`, accurate also where a probability rounds to 1.
    pub SOFTMAX = fn softmax(x: any; axis: i64 = -1) -> y
    body {
        shape::axis("softmax", axis, x.ndim())?;
        let x = cast(x, x.dtype().to_float());
        let e = exp(x - shift(x, Axes(Some([axis].into()))));
        normalised(e, reduce_sum(e, axis, true), axis)
    }
    numpy "scipy.special.softmax(x, axis=axis)";
    example "T.softmax([[1000.0, 1000.0], [0.0, -np.inf]])" => "[[0.5 0.5]\n [1.  0. ]]";
    case real[5] with axis = 0;
    case real[2, 3, 4] with axis = -1;
    case real[2, 3] with axis = 0;
    refuses f64[2] with axis = 1 => "softmax: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// `e / sum`, where `sum` is that of `e` along `axis`, and the largest element of `e` is 1.
    ///
    /// Gradient: that of the quotient for `g` less its value at the largest element. A constant is taken off, which what sums up
    /// to 1 does not see; but where that element rounds to 1, what is left of the others' does not cancel.
    pub(crate) NORMALISED = fn normalised(e: float, sum: float; axis: i64 = -1) -> y
    shape(c) {
        shape::axis(c.op, axis, e.ndim())?;
        shapes::elementwise(c)
    };
    kernel Kernel::Tile(crate::formula!(float |e, sum| e / sum));
    support Repeated(along_axis);
    vjp(g) {
        e: quotient(without_largest(g, e, axis), sum),
        sum: quotient(-(without_largest(g, e, axis) * y), sum),
    }
    numpy "e / sum";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds for what sums up to 1 only: softmax tests it";
    refuses f64[2], f64[1] with axis = 1 => "normalised: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// `g` less its value where `e` is 1 along `axis`; of several the largest.
fn without_largest<'g>(g: Tensor<'g>, e: Tensor<'g>, axis: i64) -> Tensor<'g> {
    g - shift(select(equal(e, 1.0), g, f64::NEG_INFINITY), Axes(Some([axis].into())))
}

row! {
    /// `x - logsumexp(x)` along `axis`: the logarithm of softmax without its underflow.
    ///
    /// Gradient: `g - softmax(x) * sum(g)`, with an error of one unit in the last place of `g` where a probability rounds to 1.
    pub LOG_SOFTMAX = fn log_softmax(x: any; axis: i64 = -1) -> y
    body {
        shape::axis("log_softmax", axis, x.ndim())?;
        x - reduce_logsumexp(x, Axes(Some([axis].into())), true)
    }
    numpy "scipy.special.log_softmax(x, axis=axis)";
    example "T.log_softmax([0.0, -1000.0])" => "[    0. -1000.]";
    case real[5] with axis = 0;
    case real[2, 3, 4] with axis = 1;
    refuses f64[2] with axis = 1 => "log_softmax: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
