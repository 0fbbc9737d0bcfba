//! Losses of the difference between what is computed and what should be.

use crate::graph::op::OpDef;
use crate::ops::arithmetic::{abs, square};
use crate::ops::bounds;
use crate::ops::compare::{less, less_equal};
use crate::ops::composite::reduction::{Reduction, reduced, targets, unpaired};
use crate::ops::gates::log_cosh;
use crate::ops::reduce::number;
use crate::ops::select::select;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&MSE_LOSS, &L1_LOSS, &HUBER_LOSS, &SMOOTH_L1_LOSS, &LOG_COSH_LOSS];

row! {
    /// Squared differences `(x - target)**2`, and their mean, their sum or themselves. The target has the shape of `x`, or repeats to it.
    ///
    /// Gradient: `2 * g * (x - target)` to `x`, its negative to the target; over the number of elements, for the mean.
    pub MSE_LOSS = fn mse_loss(x: float, target: float; reduction: Reduction = Reduction::Mean) -> loss
    body { reduced(square(x - targets("mse_loss", target, x)?), reduction) }
    numpy "ref.reduced((x - target) ** 2, reduction)";
    example "T.mse_loss([1.0, 2.0, 3.0], [1.0, 4.0, 0.0], reduction=\"none\")" => "[0. 4. 9.]";
    alias mse;
    case real[2, 3], real[2, 3];
    case real[2, 3], real[3] with reduction = Reduction::Sum;
    case real[4], real[] with reduction = Reduction::None;
    bad unpaired("mse_loss");
}
row! {
    /// Absolute differences `|x - target|`, and their mean, their sum or themselves. The target has the shape of `x`, or repeats to it.
    ///
    /// Gradient: `g * sign(x - target)` to `x`, its negative to the target; 0 where they are equal.
    pub L1_LOSS = fn l1_loss(x: float, target: float; reduction: Reduction = Reduction::Mean) -> loss
    body { reduced(abs(x - targets("l1_loss", target, x)?), reduction) }
    numpy "ref.reduced(np.abs(x - target), reduction)";
    example "T.l1_loss([1.0, 2.0, 3.0], [1.0, 4.0, 0.0], reduction=\"sum\")" => "5.0";
    alias l1;
    case real[2, 3], real[2, 3];
    case real[2, 3], real[3] with reduction = Reduction::Sum;
    case real[4], real[4] with reduction = Reduction::None;
    bad unpaired("l1_loss");
}
row! {
    /// `d**2 / 2` of the differences `d = x - target` up to `delta`, `delta * (|d| - delta / 2)` beyond it; and their mean, their sum or
    /// themselves. The target has the shape of `x`, or repeats to it; `delta` is a number or a 0-d tensor, and more than 0.
    ///
    /// Gradient: `g * d` up to `delta`, `g * delta * sign(d)` beyond it, to `x`; its negative to the target.
    pub HUBER_LOSS = fn huber_loss(x: float, target: float, delta: any = 1.0; reduction: Reduction = Reduction::Mean) -> loss
    body {
        let d = x - targets("huber_loss", target, x)?;
        let delta = bounds::positive("huber_loss", number("huber_loss", "delta", delta, x.dtype())?)?;
        let far = abs(d);
        reduced(select(less_equal(far, delta), square(d) * 0.5, (far - delta * 0.5) * delta), reduction)
    }
    numpy "ref.huber_loss(x, target, delta, reduction)";
    example "T.huber_loss([1.0, 2.0, 4.0], [1.0, 1.0, 0.0], delta=1.5, reduction=\"none\")" => "[0.    0.5   4.875]";
    alias huber;
    signature "x, target, reduction, delta";
    case real[2, 3], real[2, 3];
    case real[2, 3], real[3], unit[] with reduction = Reduction::Sum;
    case real[6], real[6], positive[] with reduction = Reduction::None;
    bad unpaired("huber_loss");
    refuses f64[2], f64[2], f64[2] => "huber_loss: `delta` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
    refuses f64[2], f64[2], f64[] => "huber_loss: a value is out of range. Got 0.0; expected a number > 0.";
}
row! {
    /// `d**2 / (2 * beta)` of the differences `d = x - target` below `beta`, `|d| - beta / 2` from there on; and their mean, their sum or
    /// themselves. The target has the shape of `x`, or repeats to it; `beta` is a number or a 0-d tensor, which may be 0.
    ///
    /// Gradient: `g * d / beta` below `beta`, `g * sign(d)` from there on, to `x`; its negative to the target. 0 where `d` is 0.
    pub SMOOTH_L1_LOSS = fn smooth_l1_loss(x: float, target: float, beta: any = 1.0; reduction: Reduction = Reduction::Mean) -> loss
    body {
        let d = x - targets("smooth_l1_loss", target, x)?;
        let beta = bounds::not_negative("smooth_l1_loss", number("smooth_l1_loss", "beta", beta, x.dtype())?)?;
        let far = abs(d);
        reduced(select(less(far, beta), square(d) * 0.5 / beta, far - beta * 0.5), reduction)
    }
    numpy "ref.smooth_l1_loss(x, target, beta, reduction)";
    example "T.smooth_l1_loss([1.0, 2.0, 4.0], [1.0, 1.0, 0.0], beta=2.0, reduction=\"none\")" => "[0.   0.25 3.  ]";
    alias smooth_l1;
    signature "x, target, reduction, beta";
    case real[2, 3], real[2, 3];
    case real[2, 3], real[3], unit[] with reduction = Reduction::Sum;
    case real[6], real[6], positive[] with reduction = Reduction::None;
    bad unpaired("smooth_l1_loss");
    refuses f64[2], f64[2], f64[2] => "smooth_l1_loss: `beta` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// `log(cosh(x - target))`, accurate for small and for large differences, and the mean, the sum or the values themselves. The target has
    /// the shape of `x`, or repeats to it.
    ///
    /// Gradient: `g * tanh(x - target)` to `x`, its negative to the target.
    pub LOG_COSH_LOSS = fn log_cosh_loss(x: float, target: float; reduction: Reduction = Reduction::Mean) -> loss
    body { reduced(log_cosh(x - targets("log_cosh_loss", target, x)?), reduction) }
    numpy "ref.reduced(np.logaddexp(x - target, target - x) - np.log(2), reduction)";
    example "T.log_cosh_loss([0.0, 1.0, 1000.0], 0.0, reduction=\"none\")" => "[0.00000000e+00 4.33780830e-01 9.99306853e+02]";
    case real[2, 3], real[2, 3];
    case real[2, 3], real[3] with reduction = Reduction::Sum;
    case real[4], real[4] with reduction = Reduction::None;
    bad unpaired("log_cosh_loss");
}
