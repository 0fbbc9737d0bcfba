//! Activations in pieces, each a choice between simple functions, and what is made of two halves or of softmax.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::{Domain, OpDef};
use crate::ops::activation::sigmoid;
use crate::ops::apply::cast;
use crate::ops::arithmetic::{clip, weighted};
use crate::ops::bounds;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{greater, greater_equal, less_equal, logical_and};
use crate::ops::composite::activation::softmax;
use crate::ops::exponent::expm1;
use crate::ops::movement::{expand_dims, squeeze};
use crate::ops::positions::{check_length, known_length};
use crate::ops::reduce::number;
use crate::ops::samples;
use crate::ops::select::select;
use crate::ops::shapes;
use crate::ops::splitting::part;
use crate::shape::{self, Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&RELU6, &PRELU, &CELU, &SELU, &HARD_SIGMOID, &HARD_SWISH, &THRESHOLD, &SOFTSHRINK, &HARDSHRINK, &GLU, &SOFTMIN];

row! {
    /// Rectifier that ends at 6: `min(max(x, 0), 6)`. Integers stay integers.
    ///
    /// Gradient: `g` where `0 < x < 6`, exactly 0 elsewhere, at 0 and 6 too.
    pub RELU6 = fn relu6(x: number) -> y
    body {
        shapes::check_number("relu6", x.dtype())?;
        clip(x, 0, 6)
    }
    numpy "np.clip(x, 0, 6)";
    example "T.relu6([-1.0, 2.5, 8.0])" => "[0.  2.5 6. ]";
    cases samples::unary_cases(Domain::Real);
    bad samples::bools_refused("relu6", 1);
}

/// One slope, or one for each place along axis 1 of `x`, as it broadcasts beside `x`.
fn slopes<'g>(x: Tensor<'g>, weight: Tensor<'g>) -> Result<Tensor<'g>> {
    let dims = weight.dims();
    match (dims, x.dims().get(1)) {
        ([], _) => Ok(weight),
        ([n], None) if n.unify(Dim::Known(1)).is_some() => Ok(squeeze(check_length(weight, 0, 1), 0)),
        ([n], Some(channels)) if *n == Dim::Known(1) || n.unify(*channels).is_some() => {
            let after: Vec<i64> = (1..x.ndim() as i64 - 1).collect();
            Ok(broadcast_like(if after.is_empty() { weight } else { expand_dims(weight, after) }, x))
        }
        _ => {
            let got = format_args!("{} for {}", Tuple(dims), Tuple(x.dims()));
            let rule = "a number, one element, or one element for each place along axis 1";
            Err(Error::new(ErrorKind::Shape, "prelu", "the weight does not fit", got, rule))
        }
    }
}

row! {
    /// Rectifier that leaks, with a slope that is learned: `x` where `x > 0`, else `weight * x`. The weight is a number, one element, or one
    /// element for each channel, which are along axis 1.
    ///
    /// Gradient: to `x` it is `g` where `x > 0`, `g * weight` elsewhere, at 0 too; to the weight the sum of `g * x` where `x <= 0`.
    pub PRELU = fn prelu(x: float, weight: float) -> y
    body { select(greater(x, 0.0), x, x * slopes(x, weight)?) }
    numpy "ref.prelu(x, weight)";
    example "T.prelu([[-1.0, -1.0, 2.0]], [0.1, 0.2, 0.3])" => "[[-0.1 -0.2  2. ]]";
    case real[2, 3], unit[];
    case real[4], unit[1];
    case real[4, 3], unit[3];
    case real[2, 3, 2, 2], unit[3];
    refuses f64[2, 3], f64[2] => "prelu: the weight does not fit. Got (2,) for (2, 3); expected a number, one element, or one element for each place along axis 1.";
    refuses f64[3], f64[3] => "prelu: the weight does not fit. Got (3,) for (3,); expected a number, one element, or one element for each place along axis 1.";
}
row! {
    /// Exponential linear unit whose slope is 1 on both sides of 0: `x` where `x > 0`, else `alpha * (exp(x / alpha) - 1)`. `alpha` is a
    /// number or a 0-d tensor.
    ///
    /// Gradient: to `x` it is `g` where `x > 0`, `g * exp(x / alpha)` elsewhere; to `alpha`, where that is a tensor,
    /// `g * (exp(q) - 1 - q * exp(q))` for `q = x / alpha`, where `x <= 0`.
    pub CELU = fn celu(x: any, alpha: any = 1.0) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        let alpha = number("celu", "alpha", alpha, x.dtype())?;
        select(greater(x, 0.0), x, expm1(x / alpha) * alpha)
    }
    numpy "np.where(x > 0, x, alpha * np.expm1(x / alpha))";
    example "T.celu([-1000.0, -1e-20, 2.0], 2.0)" => "[-2.e+00 -1.e-20  2.e+00]";
    case real[2, 3];
    case real[2, 3], positive[];
    refuses f64[2], f64[2] => "celu: `alpha` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// Exponential linear unit that keeps mean 0 and variance 1: `scale * x` where `x > 0`, else `scale * alpha * (exp(x) - 1)`, with
    /// `scale = 1.0507009873554805` and `alpha = 1.6732632423543772`.
    ///
    /// Gradient: `g * scale` where `x > 0`, `g * scale * alpha * exp(x)` elsewhere, at 0 too.
    pub SELU = fn selu(x: float) -> y
    body { select(greater(x, 0.0), x * 1.0507009873554805, expm1(x) * 1.7580993408473768) }
    numpy "np.where(x > 0, 1.0507009873554805 * x, 1.7580993408473768 * np.expm1(x))";
    example "T.selu([-1000.0, 0.0, 1.0])" => "[-1.75809934  0.          1.05070099]";
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// The logistic function in three straight pieces: `min(max(x + 3, 0), 6) / 6`.
    ///
    /// Gradient: `g / 6` where `-3 < x < 3`, exactly 0 elsewhere, at the ends too.
    pub HARD_SIGMOID = fn hard_sigmoid(x: float) -> y
    body { (clip(x, -3.0, 3.0) + 3.0) / 6.0 }
    numpy "np.clip(x + 3, 0, 6) / 6";
    example "T.hard_sigmoid([-4.0, 0.0, 1.5, 4.0])" => "[0.   0.5  0.75 1.  ]";
    alias hardsigmoid;
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// `x * hard_sigmoid(x)`, which is 0 up to -3, at -inf too, and `x` from 3 on.
    ///
    /// Gradient: 0 up to -3, `g * (x / 3 + 1 / 2)` where `-3 < x < 3`, `g` from 3 on.
    pub HARD_SWISH = fn hard_swish(x: float) -> y
    body { weighted(hard_sigmoid(x), x) }
    numpy "x * np.clip(x + 3, 0, 6) / 6";
    example "T.hard_swish([-1.5, 0.0, 1.0, 4.0])" => "[-0.375       0.          0.66666667  4.        ]";
    alias hardswish;
    cases samples::unary_cases(Domain::Real);
}
row! {
    /// `x` where it is above `threshold`, else `value`; NaN of NaN.
    ///
    /// Gradient: `g` to `x` where it was taken, at the threshold exactly 0; the rest to `value`.
    pub THRESHOLD = fn threshold(x: value, threshold: value, value: value) -> y
    body { select(less_equal(x, threshold), value, x) }
    numpy "np.where(x <= threshold, value, x)";
    example "T.threshold([0.5, 1.0, 2.0], 1.0, 20.0)" => "[20. 20.  2.]";
    case real[2, 3], unit[], real[];
    case real[2, 3], unit[3], real[2, 1];
    refuses f64[2], f64[3], f64[] => "threshold: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}
row! {
    /// `x` brought closer to 0 by `lambd`, and 0 where it is as close: `x - lambd` where `x > lambd`, `x + lambd` where `x < -lambd`. NaN of
    /// NaN. `lambd` is a number or a 0-d tensor, which may not be negative.
    ///
    /// Gradient: `g` where `|x| > lambd`, exactly 0 elsewhere; `-g * sign(x)` of the same elements to `lambd`, if that is a tensor.
    pub SOFTSHRINK = fn softshrink(x: any, lambd: any = 0.5) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        let lambd = bounds::not_negative("softshrink", number("softshrink", "lambd", lambd, x.dtype())?)?;
        select(logical_and(greater_equal(x, -lambd), less_equal(x, lambd)), 0.0, x - clip(x, -lambd, lambd))
    }
    numpy "x - np.clip(x, -lambd, lambd)";
    example "T.softshrink([-2.0, 0.5, 1.0])" => "[-1.5  0.   0.5]";
    case real[2, 3];
    case real[2, 3], unit[];
    refuses f64[2], f64[2] => "softshrink: `lambd` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// `x`, and 0 where `-lambd <= x <= lambd`; NaN of NaN. `lambd` is a number or a 0-d tensor; a negative one changes nothing.
    ///
    /// Gradient: `g` where `x` was kept, exactly 0 elsewhere, at the bounds too; none to `lambd`.
    pub HARDSHRINK = fn hardshrink(x: any, lambd: any = 0.5) -> y
    body {
        let x = cast(x, x.dtype().to_float());
        let lambd = number("hardshrink", "lambd", lambd, x.dtype())?;
        select(logical_and(greater_equal(x, -lambd), less_equal(x, lambd)), 0.0, x)
    }
    numpy "np.where((x >= -lambd) & (x <= lambd), 0.0, x)";
    example "T.hardshrink([-2.0, 0.5, 1.0])" => "[-2.  0.  1.]";
    case real[2, 3];
    case real[2, 3], unit[];
    refuses f64[2], f64[2] => "hardshrink: `lambd` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// Gated linear unit: the first half of `x` along `axis`, times the logistic function of the second. The length of the axis is even,
    /// and known when the graph is built.
    ///
    /// Gradient: `g * sigmoid(b)` to the first half `a`, `g * a * sigmoid(b) * sigmoid(-b)` to the second, `b`.
    pub GLU = fn glu(x: float; axis: i64 = -1) -> y
    body {
        let axis = shape::axis("glu", axis, x.ndim())?;
        let n = known_length("glu", x, axis)?;
        if n % 2 != 0 {
            let got = format_args!("{n} elements along axis {axis}");
            return Err(Error::new(ErrorKind::Shape, "glu", "there are no two halves", got, "an even number"));
        }
        let middle = Some((n / 2) as i64);
        part(x, axis, None, middle) * sigmoid(part(x, axis, middle, None))
    }
    numpy "np.split(x, 2, axis)[0] * scipy.special.expit(np.split(x, 2, axis)[1])";
    example "T.glu([1.0, 2.0, 0.0, 1000.0])" => "[0.5 2. ]";
    exempt Unknown: "how long a half is it says only of a known length";
    case real[4];
    case real[2, 6];
    case real[2, 4, 3] with axis = 1;
    refuses f64[3] => "glu: there are no two halves. Got 3 elements along axis 0; expected an even number.";
    refuses f64[4] with axis = 1 => "glu: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// `softmax(-x)`: `exp(-x) / sum(exp(-x))` along `axis`, which never overflows.
    ///
    /// Gradient: `-y * (g - sum(g * y))`, accurate also where a probability rounds to 1.
    pub SOFTMIN = fn softmin(x: float; axis: i64 = -1) -> y
    body { softmax(-x, axis) }
    numpy "scipy.special.softmax(-x, axis=axis)";
    example "T.softmin([[1000.0, 1000.0], [0.0, np.inf]])" => "[[0.5 0.5]\n [1.  0. ]]";
    case real[5] with axis = 0;
    case real[2, 3, 4] with axis = -1;
    case real[2, 3] with axis = 0;
    refuses f64[2] with axis = 1 => "softmin: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
