//! Divergences of distributions, and negative logarithms of likelihoods of numbers.

use std::f64::consts::PI;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{AttrType, Axes, choices};
use crate::graph::op::OpDef;
use crate::ops::arithmetic::{square, weighted};
use crate::ops::bounds;
use crate::ops::broadcast::{broadcast_like, repeats_to};
use crate::ops::compare::{greater, less};
use crate::ops::composite::loss::unpaired_with;
use crate::ops::composite::reduction::{Reduction, fitting, reduced, targets};
use crate::ops::exponent::exp;
use crate::ops::logarithm::{log, xlogy};
use crate::ops::movement::{expand_dims, stop_gradient};
use crate::ops::reduce::{count, number};
use crate::ops::select::select;
use crate::shape::Tuple;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&KL_DIV, &KL_DIV_LOSS, &GAUSSIAN_NLL_LOSS, &POISSON_NLL_LOSS];

choices! {
    /// What becomes of the values of a divergence.
    pub enum DivergenceReduction {
        /// Their mean.
        Mean = "mean",
        /// Their sum.
        Sum = "sum",
        /// They are the result.
        None = "none",
        /// Their sum over the length of the first axis: the divergence, in the mean over a batch.
        BatchMean = "batchmean",
    }
}

row! {
    /// SciPy's `x * log(x / y) - x + y`, elementwise, with broadcasting; `y` where `x` is 0 and `y >= 0`, and inf where `x` or `y` is
    /// negative, or `y` alone is 0. NaN if one of them is NaN.
    ///
    /// Gradient: `g * log(x / y)` and `g * (1 - x / y)`.
    pub KL_DIV = fn kl_div(x: float, y: float) -> d
    formula full {
        select(
            ne(x, x) | ne(y, y),
            x + y,
            select(
                gt(x, 0.0) & gt(y, 0.0),
                divergence(x, y),
                select(eq(x, 0.0) & ge(y, 0.0), y, f64::INFINITY)
            )
        )
    }
    vjp(g) { x: g * log(x / y), y: g * ((y - x) / y) }
    derivative singular;
    numpy "scipy.special.kl_div(x, y)";
    example "T.kl_div([2.0, 0.0, 1.0], [1.0, 3.0, 0.0])" => "[0.38629436 3.                inf]";
    samples positive, positive;
}
row! {
    /// Kullback and Leibler's divergence from probabilities `target`, whose logarithms are expected to be `x`: `target * (log(target) - x)`, or
    /// with `log_target` `exp(target) * (target - x)`; and the mean, the sum, the sum over the length of the first axis ("batchmean", which
    /// is the divergence itself), or the values themselves. The target has the shape of `x`, or repeats to it; where it is 0 the value is 0.
    ///
    /// Gradient: `-g * target` to `x`, `g * (log(target) + 1 - x)` to the target, which is -inf where that is 0.
    pub KL_DIV_LOSS = fn kl_div_loss(x: float, target: float; reduction: DivergenceReduction = DivergenceReduction::Mean, log_target: bool = false) -> loss
    body {
        let target = targets("kl_div_loss", target, x)?;
        let loss = if log_target { weighted(exp(target), target - x) } else { xlogy(target, target) - weighted(target, x) };
        match reduction {
            DivergenceReduction::Mean => reduced(loss, Reduction::Mean),
            DivergenceReduction::Sum => reduced(loss, Reduction::Sum),
            DivergenceReduction::None => loss,
            DivergenceReduction::BatchMean => {
                if x.ndim() == 0 {
                    return Err(Error::new(ErrorKind::Shape, "kl_div_loss", "there is no batch", "a 0-d tensor", "shape (n, ...)"));
                }
                reduced(loss, Reduction::Sum) / count(x, None, &Axes(Some([0].into())), false)
            }
        }
    }
    numpy "ref.kl_div_loss(x, target, reduction, log_target)";
    example "T.kl_div_loss([[-1.0, -2.0]], [[1.0, 0.0]], reduction=\"batchmean\")" => "1.0";
    case real[2, 3], unit[2, 3];
    case real[2, 3], unit[2, 3] with reduction = DivergenceReduction::BatchMean;
    case real[2, 3], unit[3] with reduction = DivergenceReduction::Sum;
    case real[4], unit[4] with reduction = DivergenceReduction::None;
    case real[2, 3], real[2, 3] with reduction = DivergenceReduction::BatchMean, log_target = true;
    case real[4], real[4] with reduction = DivergenceReduction::None, log_target = true;
    bad unpaired_with("kl_div_loss", vec![DivergenceReduction::Mean.pack(), false.pack()]);
    refuses f64[], f64[] with reduction = DivergenceReduction::BatchMean => "kl_div_loss: there is no batch. Got a 0-d tensor; expected shape (n, ...).";
}

/// Variances as they stand beside `x`: of its shape, one for each place but on the last axis, or repeated to it.
fn variances<'g>(var: Tensor<'g>, x: Tensor<'g>) -> Result<Tensor<'g>> {
    match x.dims().split_last() {
        Some((_, rows)) if var.ndim() > 0 && var.ndim() == rows.len() && repeats_to(var.dims(), rows) => {
            Ok(broadcast_like(expand_dims(var, -1i64), x))
        }
        // What has one axis less is one for each row.
        Some((_, rows)) if var.ndim() > 0 && var.ndim() == rows.len() => {
            let got = format_args!("{} for {}", Tuple(var.dims()), Tuple(x.dims()));
            let rule = "the same shape, or one without the last axis";
            Err(Error::new(ErrorKind::Shape, "gaussian_nll_loss", "`var` does not fit", got, rule))
        }
        _ => fitting("gaussian_nll_loss", "var", var, x),
    }
}

row! {
    /// `(log(v) + (x - target)**2 / v) / 2` of variances `v`, which are at least `eps`, and `log(2 * pi) / 2` more if it is `full`; and the mean,
    /// the sum or the values themselves. The target has the shape of `x`, or repeats to it; and so have the variances, of which there may
    /// also be one for each place of all axes but the last. A negative one is an error of the run.
    ///
    /// Gradient: `g * (x - target) / v` to `x`, its negative to the target, `g * (1 / v - ((x - target) / v)**2) / 2` to the variances,
    /// also to those below `eps`.
    pub GAUSSIAN_NLL_LOSS = fn gaussian_nll_loss(
        x: float, target: float, var: float, eps: any = 1e-6; full: bool = false, reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        let target = targets("gaussian_nll_loss", target, x)?;
        let var = variances(bounds::not_negative("gaussian_nll_loss", var)?, x)?;
        let eps = number("gaussian_nll_loss", "eps", eps, x.dtype())?;
        let v = select(less(var, eps), eps + (var - stop_gradient(var)), var);
        let loss = (log(v) + square(x - target) / v) * 0.5;
        reduced(if full { loss + (2.0 * PI).ln() * 0.5 } else { loss }, reduction)
    }
    numpy "ref.gaussian_nll_loss(x, target, var, eps, full, reduction)";
    example "T.gaussian_nll_loss([1.0, 2.0], [0.0, 2.0], [1.0, 0.0], reduction=\"none\")" => "[ 0.5        -6.90775528]";
    alias gaussian_nll;
    signature "x, target, var, full, eps, reduction";
    case real[2, 3], real[2, 3], positive[2, 3];
    case real[2, 3], real[3], positive[2] with reduction = Reduction::None;
    case real[3, 3], real[3, 3], positive[3] with full = true, reduction = Reduction::Sum;
    case real[2, 3], real[2, 3], positive[2, 1];
    case real[4], real[4], positive[] with full = true;
    refuses f64[3, 1], f64[3], f64[] => "gaussian_nll_loss: the targets do not fit. Got (3,) for (3, 1); expected targets of the same shape, or repeated to it.\nhelp: give both one shape, as with `squeeze` or `expand_dims`";
    refuses f64[2, 3], f64[2, 3], f64[4] => "gaussian_nll_loss: `var` does not fit. Got (4,) for (2, 3); expected the same shape, or one without the last axis.";
    refuses f64[2, 3], f64[2, 3], f64[2, 2] => "gaussian_nll_loss: `var` does not fit. Got (2, 2) for (2, 3); expected the same shape, or one repeated to it.";
    refuses f64[2], f64[2], f64[2], f64[2] => "gaussian_nll_loss: `eps` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// `exp(x) - target * x`, or, where `x` is no logarithm (`log_input=False`), `x - target * log(x + eps)`; and the mean, the sum or the
    /// values themselves. If it is `full`, Stirling's `target * log(target) - target + log(2 * pi * target) / 2` is added where the
    /// target is above 1. The target has the shape of `x`, or repeats to it.
    ///
    /// Gradient: `g * (exp(x) - target)`, or `g * (1 - target / (x + eps))`, to `x`, and to the target.
    pub POISSON_NLL_LOSS = fn poisson_nll_loss(
        x: float, target: float, eps: any = 1e-8; log_input: bool = true, full: bool = false, reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        let target = targets("poisson_nll_loss", target, x)?;
        let eps = number("poisson_nll_loss", "eps", eps, x.dtype())?;
        let loss = if log_input { exp(x) - target * x } else { x - target * log(x + eps) };
        let loss = if full {
            let rest = xlogy(target, target) - target + log(target * (2.0 * PI)) * 0.5;
            loss + select(greater(target, 1.0), rest, 0.0)
        } else {
            loss
        };
        reduced(loss, reduction)
    }
    numpy "ref.poisson_nll_loss(x, target, eps, log_input, full, reduction)";
    example "T.poisson_nll_loss([0.0, 1.0], [1.0, 2.0], reduction=\"none\")" => "[1.         0.71828183]";
    alias poisson_nll;
    signature "x, target, log_input, full, eps, reduction";
    case real[2, 3], positive[2, 3];
    case real[2, 3], positive[3] with full = true, reduction = Reduction::Sum;
    case positive[2, 3], positive[2, 3] with log_input = false;
    case positive[8], positive[8], unit[] with log_input = false, full = true, reduction = Reduction::None;
    bad unpaired_with("poisson_nll_loss", vec![true.pack(), false.pack(), Reduction::Mean.pack()]);
    refuses f64[2], f64[2], f64[2] => "poisson_nll_loss: `eps` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
