//! Losses of probabilities of classes: cross-entropies and negative logarithms of likelihoods.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::OpDef;
use crate::graph::{NodeOp, Tensor};
use crate::ops::activation::{decay, logistic_loss, softplus};
use crate::ops::apply::cast;
use crate::ops::arithmetic::{clip_below, weighted};
use crate::ops::bounds;
use crate::ops::composite::labels::{Scores, over_kept};
use crate::ops::composite::reduction::{Reduction, fitting, reduced, scaled, targets, unpaired};
use crate::ops::logarithm::{log, log1p};
use crate::ops::movement::expand_dims;
use crate::ops::reduce::{number, reduce_logsumexp, reduce_sum};
use crate::shape::Tuple;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&CROSS_ENTROPY_LOSS, &NLL_LOSS, &BINARY_CROSS_ENTROPY_LOSS, &BINARY_CROSS_ENTROPY_WITH_LOGITS_LOSS];

/// What is taken off the probability of the targets and given to all classes alike; `None` if it is known to be nothing.
fn smoothing<'g>(op: &str, x: Tensor<'g>, smoothing: Tensor<'g>) -> Result<Option<Tensor<'g>>> {
    let smoothing = bounds::probability(op, number(op, "label_smoothing", smoothing, x.dtype())?)?;
    Ok(if matches!(smoothing.node().op, NodeOp::Scalar(s) if s.as_f64() == 0.0) { None } else { Some(smoothing) })
}

/// Cross-entropy against distributions over the classes.
fn against_distributions<'g>(
    op: &'static str,
    x: Tensor<'g>,
    target: Tensor<'g>,
    weight: Option<Tensor<'g>>,
    smooth: Tensor<'g>,
    reduction: Reduction,
) -> Result<Tensor<'g>> {
    if target.dims().iter().zip(x.dims()).any(|(a, b)| a.unify(*b).is_none()) {
        let got = format_args!("{} for {}", Tuple(target.dims()), Tuple(x.dims()));
        return Err(Error::new(ErrorKind::Shape, op, "the targets do not fit", got, "probabilities of the shape of the logits"));
    }
    let dtype = x.dtype().promote(target.dtype()).to_float();
    let scores = Scores::new(op, cast(x, dtype))?;
    let target = cast(target, dtype);
    let target = match smoothing(op, scores.x, smooth)? {
        Some(smooth) => target * (1.0 - smooth) + smooth / scores.classes as f64,
        None => target,
    };
    let target = match scores.weights(weight)? {
        Some(weights) => target * weights.beside,
        None => target,
    };
    let axis = scores.axis as i64;
    let loss = reduce_sum(weighted(target, reduce_logsumexp(scores.x, axis, true) - scores.x), axis, false);
    Ok(reduced(loss, reduction))
}

row! {
    /// Cross-entropy of softmax, `logsumexp(x) - x[label]` times the weight of the label's class, one value a sample. Logits are
    /// `(n, classes)` or `(n, classes, ...)` with `(n,)` or `(n, ...)` labels, integers or integral floats, or `(classes,)` with one label.
    /// A target of the shape of the logits holds probabilities: `sum(weight * target * (logsumexp(x) - x))` over the classes, where a
    /// class with target 0 adds nothing, also if its logit is -inf.
    ///
    /// A label `ignore_index` does not count; any other one that is NaN, not integral or no class is an error of the run. The mean is over
    /// the weights of the labels that count, or over all samples for probabilities. With `label_smoothing` the part that it says of the
    /// target is shared by all classes.
    ///
    /// Gradient: `g * (softmax(x) - 1)` at the label, `g * softmax(x)` elsewhere, and to probabilities and weights.
    pub CROSS_ENTROPY_LOSS = fn cross_entropy_loss(
        x: any, target: any, weight: any = None, label_smoothing: any = 0.0;
        ignore_index: i64 = -100, reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        let op = "cross_entropy_loss";
        if target.ndim() == x.ndim() && x.ndim() > 0 {
            against_distributions(op, x, target, weight, label_smoothing, reduction)?
        } else {
            let scores = Scores::new(op, x)?;
            let labels = scores.labels(target, Some(ignore_index))?;
            let weights = scores.weights(weight)?;
            let axis = scores.axis as i64;
            let total = reduce_logsumexp(scores.x, axis, false);
            let loss = total - scores.picked(scores.x, &labels);
            let each = weights.as_ref().map(|w| w.of(&labels));
            let loss = each.map_or(loss, |each| weighted(each, loss));
            let loss = match smoothing(op, scores.x, label_smoothing)? {
                None => loss,
                Some(smooth) => {
                    let all = expand_dims(total, axis) - scores.x;
                    let all = reduce_sum(weights.map_or(all, |w| weighted(w.beside, all)), axis, false);
                    loss * (1.0 - smooth) + all * (smooth / scores.classes as f64)
                }
            };
            over_kept(loss, each, &labels, reduction)
        }
    }
    numpy "ref.cross_entropy(x, target, weight, label_smoothing, ignore_index, reduction)";
    example "T.cross_entropy_loss([[0.0, 0.0], [8.0, 0.0], [1.0, 2.0]], [0, 1, -100], reduction=\"none\")" => "[0.69314718 8.00033541 0.        ]";
    alias cross_entropy;
    signature "x, target, weight, ignore_index, reduction, label_smoothing";
    exempt Unknown: "it needs the number of classes, and says so";
    case real[5, 4], index(4)[5];
    case real[5, 4], index(4)[5], positive[4];
    case real[7, 4], label(4)[7], positive[4], unit[] with ignore_index = -1;
    case real[7, 4], label(4)[7], none, unit[] with ignore_index = -1;
    case real[5, 4], index(4)[5], positive[4], unit[] with ignore_index = 2, reduction = Reduction::Sum;
    case real[2, 3, 4], index(3)[2, 4], positive[3] with reduction = Reduction::None;
    case real[2, 3, 2, 2], label(3)[2, 2, 2] with ignore_index = -1;
    case real[4], index(4)[];
    case real[4], index(4)[], positive[4] with reduction = Reduction::None;
    case real[3, 4], unit[3, 4];
    case real[3, 4], unit[3, 4], positive[4], unit[];
    case real[2, 3, 4], unit[2, 3, 4], positive[3] with reduction = Reduction::Sum;
    case real[2, 3, 4], unit[2, 3, 4], none, unit[] with reduction = Reduction::None;
    case real[4], unit[4], positive[4];
    refuses f64[], f64[] => "cross_entropy_loss: there is no axis of classes. Got a 0-d tensor; expected shape (classes,) or (n, classes, ...).";
    refuses f64[3, 2], i64[4] => "cross_entropy_loss: the labels do not fit. Got (4,) for (3, 2); expected one label a sample, of shape (3,).";
    refuses f64[3, 2], f64[3, 3] => "cross_entropy_loss: the targets do not fit. Got (3, 3) for (3, 2); expected probabilities of the shape of the logits.";
    refuses f64[3, 2], i64[3], f64[3] => "cross_entropy_loss: `weight` does not fit. Got shape (3,) for 2 classes; expected one weight a class, of shape (2,).";
    refuses f64[3, 2], i64[3], f64[2], f64[2] => "cross_entropy_loss: `label_smoothing` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
    refuses f64[3, 0], i64[3] => "cross_entropy_loss: label is out of range. Got 0 at position 0; expected 0 <= label < 0.";
}
row! {
    /// `-x[label]` times the weight of the label's class, one value a sample, of logarithms of probabilities, as `log_softmax` gives them. They
    /// are `(n, classes)` or `(n, classes, ...)` with `(n,)` or `(n, ...)` labels, integers or integral floats, or `(classes,)` with one label.
    ///
    /// A label `ignore_index` does not count; any other one that is NaN, not integral or no class is an error of the run. The mean is over
    /// the weights of the labels that count.
    ///
    /// Gradient: `-g * weight` at the label, 0 elsewhere; `-g * x[label]` to the weights.
    pub NLL_LOSS = fn nll_loss(x: any, target: any, weight: any = None; ignore_index: i64 = -100, reduction: Reduction = Reduction::Mean) -> loss
    body {
        let scores = Scores::new("nll_loss", x)?;
        let labels = scores.labels(target, Some(ignore_index))?;
        let each = scores.weights(weight)?.map(|w| w.of(&labels));
        let loss = -scores.picked(scores.x, &labels);
        over_kept(each.map_or(loss, |each| weighted(each, loss)), each, &labels, reduction)
    }
    numpy "ref.nll(x, target, weight, ignore_index, reduction)";
    example "T.nll_loss([[-1.0, -2.0], [-3.0, -4.0]], [0, 1], weight=[1.0, 3.0])" => "3.25";
    alias nll;
    exempt Unknown: "it needs the number of classes, and says so";
    case real[5, 4], index(4)[5];
    case real[7, 4], label(4)[7], positive[4] with ignore_index = -1;
    case real[2, 3, 4], index(3)[2, 4], positive[3] with reduction = Reduction::None;
    case real[2, 3, 2, 2], label(3)[2, 2, 2] with ignore_index = -1, reduction = Reduction::Sum;
    case real[4], index(4)[], positive[4];
    case real[4], index(4)[] with reduction = Reduction::None;
    refuses f64[], f64[] => "nll_loss: there is no axis of classes. Got a 0-d tensor; expected shape (classes,) or (n, classes, ...).";
    refuses f64[3, 2], i64[3, 2] => "nll_loss: the labels do not fit. Got (3, 2) for (3, 2); expected one label a sample, of shape (3,).";
    refuses f64[3, 2], i64[3], f64[3] => "nll_loss: `weight` does not fit. Got shape (3,) for 2 classes; expected one weight a class, of shape (2,).";
    refuses f64[3, 0], i64[3] => "nll_loss: label is out of range. Got 0 at position 0; expected 0 <= label < 0.";
}
row! {
    /// `-(target * log(x) + (1 - target) * log(1 - x))` times the weight, of probabilities `x`, in which a logarithm below -100 is -100; and the
    /// mean, the sum or the values themselves. The target has the shape of `x`, or repeats to it, and so has the weight. A probability that
    /// is NaN, negative or above 1 is an error of the run.
    ///
    /// Gradient: `g * weight * ((1 - target) / (1 - x) - target / x)` to `x`, in which a term is 0 whose logarithm is -100; and to the target.
    pub BINARY_CROSS_ENTROPY_LOSS = fn binary_cross_entropy_loss(
        x: float, target: float, weight: float = None; reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        let target = targets("binary_cross_entropy_loss", target, x)?;
        let x = bounds::probability("binary_cross_entropy_loss", x)?;
        let loss = (target - 1.0) * clip_below(log1p(-x), -100.0) - target * clip_below(log(x), -100.0);
        reduced(scaled("binary_cross_entropy_loss", "weight", loss, weight)?, reduction)
    }
    numpy "ref.binary_cross_entropy(x, target, weight, reduction)";
    example "T.binary_cross_entropy_loss([0.5, 0.0, 0.0], [1.0, 0.0, 1.0], reduction=\"none\")" => "[  0.69314718   0.         100.        ]";
    alias binary_cross_entropy;
    case unit[2, 3], unit[2, 3];
    case unit[2, 3], unit[3], positive[3] with reduction = Reduction::None;
    case unit[4], unit[4], positive[] with reduction = Reduction::Sum;
    bad unpaired("binary_cross_entropy_loss");
    refuses f64[2, 3], f64[2, 3], f64[2] => "binary_cross_entropy_loss: `weight` does not fit. Got (2,) for (2, 3); expected the same shape, or one repeated to it.";
}
row! {
    /// Cross-entropy of the logistic function, `pos_weight * target * softplus(-x) + (1 - target) * softplus(x)` times the weight, which never
    /// overflows; and the mean, the sum or the values themselves. The target, the weight and `pos_weight` have the shape of `x`, or repeat to
    /// it. For the targets 0 and 1 value and gradient keep their accuracy where they are small, and are 0 at the right infinity.
    ///
    /// Gradient: `g * weight * (sigmoid(x) - target)` to `x`, without `pos_weight`; and to all others.
    pub BINARY_CROSS_ENTROPY_WITH_LOGITS_LOSS = fn binary_cross_entropy_with_logits_loss(
        x: float, target: float, weight: float = None, pos_weight: float = None; reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        let op = "binary_cross_entropy_with_logits_loss";
        let target = targets(op, target, x)?;
        let loss = match pos_weight {
            None => logistic_loss(x, target, decay(x)),
            Some(pos) => {
                let pos = fitting(op, "pos_weight", pos, x)?;
                weighted(target * pos, softplus(-x)) + weighted(1.0 - target, softplus(x))
            }
        };
        reduced(scaled(op, "weight", loss, weight)?, reduction)
    }
    numpy "ref.binary_cross_entropy_with_logits(x, target, weight, pos_weight, reduction)";
    example "T.binary_cross_entropy_with_logits_loss([0.0, -1000.0, 1000.0], [1.0, 0.0, 0.0], reduction=\"none\")" => "[6.93147181e-01 0.00000000e+00 1.00000000e+03]";
    alias binary_cross_entropy_with_logits, bce_with_logits, bce_with_logits_loss;
    signature "x, target, weight, reduction, pos_weight";
    case real[2, 3], unit[2, 3];
    case real[2, 3], unit[3], positive[3], positive[3] with reduction = Reduction::None;
    case real[2, 3], unit[2, 3], none, positive[2, 1];
    case real[4], unit[4], positive[] with reduction = Reduction::Sum;
    bad unpaired("binary_cross_entropy_with_logits_loss");
    refuses f64[2, 3], f64[2, 3], f64[2] => "binary_cross_entropy_with_logits_loss: `weight` does not fit. Got (2,) for (2, 3); expected the same shape, or one repeated to it.";
    refuses f64[2, 3], f64[2, 3], f64[3], f64[2] => "binary_cross_entropy_with_logits_loss: `pos_weight` does not fit. Got (2,) for (2, 3); expected the same shape, or one repeated to it.";
}
