//! Losses of scores of classes against class labels, and what such losses have in common.

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::ops::activation::{decay, logistic_loss, relu};
use crate::ops::apply::cast;
use crate::ops::arithmetic::square;
use crate::ops::compare::{equal, less, logical_and, logical_not, not_equal};
use crate::ops::composite::logical::any;
use crate::ops::composite::reduction::{Reduction, reduced, scaled, targets, unpaired};
use crate::ops::index::{check_labels, gather_at, take_at};
use crate::ops::movement::{expand_dims, reshape};
use crate::ops::positions::{iota, known_length};
use crate::ops::reduce::{number, reduce_mean, reduce_sum};
use crate::ops::scan::cumsum;
use crate::ops::select::select;
use crate::shape::Tuple;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&MULTI_MARGIN_LOSS, &MULTILABEL_MARGIN_LOSS, &MULTILABEL_SOFT_MARGIN_LOSS];

/// Scores of classes.
pub(crate) struct Scores<'g> {
    /// The op, for messages.
    op: &'static str,
    /// They, in floating numbers.
    pub x: Tensor<'g>,
    /// The axis of the classes: the second one, or the only one.
    pub axis: usize,
    /// How many there are.
    pub classes: usize,
}

/// Labels of the classes of scores.
pub(crate) struct Labels<'g> {
    /// The class of each sample, and 0 where it does not count.
    pub places: Tensor<'g>,
    /// Where a sample counts.
    pub kept: Tensor<'g>,
    /// Whether a class is that of the label, beside the scores.
    here: Tensor<'g>,
}

impl<'g> Scores<'g> {
    /// Scores of shape `(classes,)` or `(n, classes, ...)`.
    pub(crate) fn new(op: &'static str, x: Tensor<'g>) -> Result<Scores<'g>> {
        if x.ndim() == 0 {
            let rule = "shape (classes,) or (n, classes, ...)";
            return Err(Error::new(ErrorKind::Shape, op, "there is no axis of classes", "a 0-d tensor", rule));
        }
        let axis = usize::from(x.ndim() > 1);
        Ok(Scores { op, x: cast(x, x.dtype().to_float()), axis, classes: known_length(op, x, axis)? })
    }

    /// The numbers of a list, one a class, as they broadcast beside the scores.
    fn along(&self, list: Tensor<'g>) -> Tensor<'g> {
        let dims: Vec<i64> = (self.axis..self.x.ndim()).map(|i| if i == self.axis { self.classes as i64 } else { 1 }).collect();
        if dims.len() == 1 { list } else { reshape(list, dims) }
    }

    /// Labels, one a sample; those that are `ignored` do not count. One that is NaN, not integral or no class is an error of the run.
    pub(crate) fn labels(&self, target: Tensor<'g>, ignored: Option<i64>) -> Result<Labels<'g>> {
        let mut dims = self.x.dims().to_vec();
        dims.remove(self.axis);
        if target.ndim() != dims.len() || target.dims().iter().zip(&dims).any(|(a, b)| a.unify(*b).is_none()) {
            let got = format_args!("{} for {}", Tuple(target.dims()), Tuple(self.x.dims()));
            let rule = format_args!("one label a sample, of shape {}", Tuple(&dims));
            return Err(Error::new(ErrorKind::Shape, self.op, "the labels do not fit", got, rule));
        }
        let kept = match ignored {
            Some(ignored) => not_equal(target, ignored),
            None => target.graph().literal(true.into(), DType::Bool),
        };
        let target = if ignored.is_some() { select(kept, target, 0) } else { target };
        let places = check_labels(target, self.classes as i64);
        let here =
            equal(expand_dims(places, self.axis as i64), self.along(cast(iota(self.x.graph(), self.classes as i64), places.dtype())));
        Ok(Labels { places, kept, here })
    }

    /// The weights of the classes, one each.
    pub(crate) fn weights(&self, weight: Option<Tensor<'g>>) -> Result<Option<Weights<'g>>> {
        let Some(weight) = weight else { return Ok(None) };
        if !matches!(*weight.dims(), [n] if n.known().is_none_or(|n| n == self.classes)) {
            let got = format_args!("shape {} for {} classes", Tuple(weight.dims()), self.classes);
            let rule = format_args!("one weight a class, of shape ({},)", self.classes);
            return Err(Error::new(ErrorKind::Shape, self.op, "`weight` does not fit", got, rule));
        }
        let each = cast(weight, self.x.dtype());
        Ok(Some(Weights { each, beside: self.along(each) }))
    }

    /// What stands at the labels, of values of the shape of the scores. The label's is the only one that is no 0: a sum of it, for a
    /// program that goes over the classes anyway.
    pub(crate) fn picked(&self, values: Tensor<'g>, labels: &Labels<'g>) -> Tensor<'g> {
        reduce_sum(select(labels.here, values, 0.0), self.axis as i64, false)
    }
}

/// Weights of classes.
pub(crate) struct Weights<'g> {
    /// In a list.
    each: Tensor<'g>,
    /// As they broadcast beside the scores.
    pub beside: Tensor<'g>,
}

impl<'g> Weights<'g> {
    /// The weight of each sample's class.
    pub(crate) fn of(&self, labels: &Labels<'g>) -> Tensor<'g> {
        take_at(self.each, labels.places, 0)
    }
}

/// The values of a loss, one a sample: 0 where a sample does not count, and the mean over the weights of those that do.
pub(crate) fn over_kept<'g>(loss: Tensor<'g>, weights: Option<Tensor<'g>>, labels: &Labels<'g>, reduction: Reduction) -> Tensor<'g> {
    let loss = select(labels.kept, loss, 0.0);
    if reduction != Reduction::Mean {
        return reduced(loss, reduction);
    }
    let counted = match weights {
        Some(weights) => select(labels.kept, weights, 0.0),
        None => cast(labels.kept, loss.dtype()),
    };
    reduced(loss, Reduction::Sum) / reduced(counted, Reduction::Sum)
}

/// Scores of shape `()`, `(classes,)` or `(n, classes)`, the first as one class.
fn rows<'g>(op: &str, x: Tensor<'g>) -> Result<Tensor<'g>> {
    match x.ndim() {
        0 => Ok(reshape(x, 1)),
        1 | 2 => Ok(x),
        _ => Err(Error::new(ErrorKind::Shape, op, "the scores have too many axes", Tuple(x.dims()), "shape (classes,) or (n, classes)")),
    }
}

row! {
    /// `sum(max(0, margin - x[label] + x[i])**p) / classes` over the classes `i` that are not the label, times its weight, one value a
    /// sample; and their mean, their sum or themselves. `x` is `(n, classes)` with `n` labels, or `(classes,)` with one; a number is one
    /// class. `p` is 1 or 2, `margin` a number or a 0-d tensor. A label that is NaN, not integral or no class is an error of the run.
    ///
    /// Gradient: through `x`, `weight` and `margin`; 0 where the sum's term is 0.
    pub MULTI_MARGIN_LOSS = fn multi_margin_loss(
        x: any, target: any, weight: any = None, margin: any = 1.0; p: i64 = 1, reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        if p != 1 && p != 2 {
            return Err(Error::new(ErrorKind::Value, "multi_margin_loss", "the power is not offered", p, "p = 1 or 2"));
        }
        let scores = Scores::new("multi_margin_loss", rows("multi_margin_loss", x)?)?;
        let single = scores.axis == 0 && target.ndim() == 1;
        let labels = scores.labels(if single { reshape(target, Vec::<i64>::new()) } else { target }, None)?;
        let margin = number("multi_margin_loss", "margin", margin, scores.x.dtype())?;
        let own = expand_dims(scores.picked(scores.x, &labels), scores.axis as i64);
        let terms = select(labels.here, 0.0, relu(margin - own + scores.x));
        let terms = if p == 2 { square(terms) } else { terms };
        let loss = reduce_sum(terms, scores.axis as i64, false) / scores.classes as f64;
        let loss = match scores.weights(weight)? {
            Some(weights) => loss * weights.of(&labels),
            None => loss,
        };
        reduced(loss, reduction)
    }
    numpy "ref.multi_margin_loss(x, target, weight, margin, p, reduction)";
    example "T.multi_margin_loss([[0.1, 0.5, 0.4], [0.9, 0.0, 0.1]], [2, 0], reduction=\"none\")" => "[0.6 0.1]";
    alias multi_margin;
    signature "x, target, p, margin, weight, reduction";
    exempt Unknown: "it needs the number of classes, and says so";
    case real[5, 4], index(4)[5];
    case real[5, 4], index(4)[5], positive[4], unit[] with p = 2;
    case real[5, 4], index(4)[5], none, positive[] with reduction = Reduction::None;
    case real[4], index(4)[], positive[4] with reduction = Reduction::Sum;
    case real[4], index(4)[1] with reduction = Reduction::None;
    case real[], index(1)[];
    refuses f64[2, 3], i64[3] => "multi_margin_loss: the labels do not fit. Got (3,) for (2, 3); expected one label a sample, of shape (2,).";
    refuses f64[2, 3], i64[2], f64[2] => "multi_margin_loss: `weight` does not fit. Got shape (2,) for 3 classes; expected one weight a class, of shape (3,).";
    refuses f64[2, 3], i64[2] with p = 3 => "multi_margin_loss: the power is not offered. Got 3; expected p = 1 or 2.";
    refuses f64[2, 3, 2], i64[2] => "multi_margin_loss: the scores have too many axes. Got (2, 3, 2); expected shape (classes,) or (n, classes).";
    refuses f64[2, 0], i64[2] => "multi_margin_loss: label is out of range. Got 0 at position 0; expected 0 <= label < 0.";
}
row! {
    /// `sum(max(0, 1 - x[j] + x[i])) / classes` over the labels `j` and the classes `i` that are no label, one value a sample; and their
    /// mean, their sum or themselves. `x` is `(n, classes)`, `(classes,)` or a number, and `target` has its shape: the labels of a sample
    /// are what stands in front of the first negative number. One that is NaN, not integral or no class is an error of the run.
    ///
    /// Gradient: through `x`; 0 where the sum's term is 0.
    pub MULTILABEL_MARGIN_LOSS = fn multilabel_margin_loss(x: any, target: any; reduction: Reduction = Reduction::Mean) -> loss
    body {
        if target.ndim() != x.ndim() || target.dims().iter().zip(x.dims()).any(|(a, b)| a.unify(*b).is_none()) {
            let got = format_args!("{} for {}", Tuple(target.dims()), Tuple(x.dims()));
            return Err(Error::new(ErrorKind::Shape, "multilabel_margin_loss", "the labels do not fit", got, "the shape of the scores"));
        }
        let target = rows("multilabel_margin_loss", target)?;
        let scores = Scores::new("multilabel_margin_loss", rows("multilabel_margin_loss", x)?)?;
        let axis = scores.axis as i64;
        let valid = equal(cumsum(cast(less(target, 0), DType::I64), axis), 0);
        let places = check_labels(select(valid, target, 0), scores.classes as i64);
        let own = expand_dims(gather_at(scores.x, places, axis), axis + 1);
        // One axis more: the labels, then the classes.
        let (labels, valid) = (expand_dims(places, axis + 1), expand_dims(valid, axis + 1));
        let classes = cast(iota(scores.x.graph(), scores.classes as i64), labels.dtype());
        let named = logical_and(equal(labels, classes), valid);
        let other = logical_and(valid, logical_not(any(named, axis, true)));
        let terms = select(other, relu(1.0 - own + expand_dims(scores.x, axis)), 0.0);
        reduced(reduce_sum(terms, [axis, axis + 1], false) / scores.classes as f64, reduction)
    }
    numpy "ref.multilabel_margin_loss(x, target, reduction)";
    example "T.multilabel_margin_loss([0.0, 0.5, 0.25, 1.0], [3, 0, -1, 1])" => "0.875";
    alias multilabel_margin;
    exempt Unknown: "it needs the number of classes, and says so";
    case real[5, 4], label(4)[5, 4];
    case real[5, 4], label(4)[5, 4] with reduction = Reduction::None;
    case real[6], index(6)[6] with reduction = Reduction::Sum;
    case real[], label(1)[];
    refuses f64[2, 3], i64[3] => "multilabel_margin_loss: the labels do not fit. Got (3,) for (2, 3); expected the shape of the scores.";
    refuses f64[2, 3, 2], i64[2, 3, 2] => "multilabel_margin_loss: the scores have too many axes. Got (2, 3, 2); expected shape (classes,) or (n, classes).";
}
row! {
    /// Cross-entropy of the logistic function, as `binary_cross_entropy_with_logits`, times the weight, in the mean over the classes, which are
    /// along the last axis: one value a sample; and their mean, their sum or themselves. The target has the shape of `x`, or repeats to
    /// it, and so has the weight.
    ///
    /// Gradient: `g * weight * (sigmoid(x) - target) / classes` to `x`, `-g * weight * x / classes` to the target.
    pub MULTILABEL_SOFT_MARGIN_LOSS = fn multilabel_soft_margin_loss(
        x: float, target: float, weight: float = None; reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        if x.ndim() == 0 {
            let rule = "shape (..., classes)";
            return Err(Error::new(ErrorKind::Shape, "multilabel_soft_margin_loss", "there is no axis of classes", "a 0-d tensor", rule));
        }
        let target = targets("multilabel_soft_margin_loss", target, x)?;
        let loss = scaled("multilabel_soft_margin_loss", "weight", logistic_loss(x, target, decay(x)), weight)?;
        reduced(reduce_mean(loss, -1i64, false), reduction)
    }
    numpy "ref.reduced(np.mean((np.logaddexp(x, 0) - x * target) * (1 if weight is None else weight), axis=-1), reduction)";
    example "T.multilabel_soft_margin_loss([[0.0, 800.0]], [[1.0, 0.0]], reduction=\"none\")" => "[400.34657359]";
    alias multilabel_soft_margin;
    case real[3, 4], unit[3, 4];
    case real[3, 4], unit[3, 4], positive[4] with reduction = Reduction::None;
    case real[2, 3, 4], unit[3, 4], positive[2, 3, 4] with reduction = Reduction::Sum;
    case real[4], unit[4] with reduction = Reduction::None;
    bad unpaired("multilabel_soft_margin_loss");
    refuses f64[], f64[] => "multilabel_soft_margin_loss: there is no axis of classes. Got a 0-d tensor; expected shape (..., classes).";
    refuses f64[2, 3], f64[2, 3], f64[2] => "multilabel_soft_margin_loss: `weight` does not fit. Got (2,) for (2, 3); expected the same shape, or one repeated to it.";
}
