//! Losses, one value a sample.

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::Attr;
use crate::graph::op::{Bad, OpDef};
use crate::ops::activation::{decay, logistic_loss};
use crate::ops::apply::cast;
use crate::ops::arithmetic::{square, weighted};
use crate::ops::broadcast::{broadcast_like, repeats_to};
use crate::ops::compare::equal;
use crate::ops::index::check_labels;
use crate::ops::movement::expand_dims;
use crate::ops::positions::iota;
use crate::ops::reduce::{reduce_logsumexp, reduce_mean, reduce_sum};
use crate::ops::samples::{bad, bad_of};
use crate::ops::select::select;
use crate::shape::{Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&SPARSE_SOFTMAX_CROSS_ENTROPY, &SOFTMAX_CROSS_ENTROPY, &SIGMOID_CROSS_ENTROPY, &MEAN_SQUARED_ERROR];

/// `targets` for `x`, of its shape or repeated to it: beside `(n, 1)`, `(n,)` would make each value meet every target. Where
/// lengths are not known yet, the run checks them.
pub(crate) fn paired<'g>(op: &str, targets: Tensor<'g>, x: Tensor<'g>) -> Result<Tensor<'g>> {
    if !repeats_to(targets.dims(), x.dims()) {
        let got = format!("{} for {}", Tuple(targets.dims()), Tuple(x.dims()));
        let e = Error::new(ErrorKind::Shape, op, "the targets do not fit", got, "targets of the same shape, or repeated to it");
        return Err(e.help("give both one shape, as with `squeeze` or `expand_dims`"));
    }
    let settled = targets.ndim() == 0 || targets.known_shape().is_some() && x.known_shape().is_some();
    Ok(if settled { targets } else { broadcast_like(targets, x) })
}

/// Targets that do not fit.
fn unpaired(op: &'static str) -> Vec<Bad> {
    unpaired_with(op, vec![])
}

/// The same of a loss with attributes.
pub(crate) fn unpaired_with(op: &'static str, attrs: Vec<Attr>) -> Vec<Bad> {
    let text = |got: &str| {
        format!(
            "{op}: the targets do not fit. Got {got}; expected targets of the same shape, or repeated to it.\nhelp: give both one \
             shape, as with `squeeze` or `expand_dims`"
        )
    };
    vec![
        bad(&[&[3, 1], &[3]], attrs.clone(), text("(3,) for (3, 1)")),
        bad(&[&[3], &[3, 1]], attrs.clone(), text("(3, 1) for (3,)")),
        bad_of(&[(DType::F32, &[2, 3]), (DType::F64, &[4])], attrs, text("(4,) for (2, 3)")),
    ]
}

row! {
    /// Cross-entropy of softmax against labels: `logsumexp(logits) - logits[label]`, one value a row. `logits` are
    /// `(n, classes)`; labels are integers or integral floats of shape `(n,)` or `(n, 1)`, and one that is NaN, not integral
    /// or outside `0 <= label < classes` is an error of the run.
    ///
    /// Gradient: `g * (softmax(logits) - 1)` at the label, `g * softmax(logits)` elsewhere; at the label with an error of one unit
    /// in the last place of `g`.
    pub SPARSE_SOFTMAX_CROSS_ENTROPY = fn sparse_softmax_cross_entropy(logits: any, labels: any) -> loss
    body {
        let [n, Dim::Known(classes)] = *logits.dims() else {
            let rule = "logits of shape (n, classes) with a known number of classes";
            return Err(Error::new(ErrorKind::Shape, "sparse_softmax_cross_entropy", "the logits have the wrong shape", Tuple(logits.dims()), rule));
        };
        let places = match *labels.dims() {
            [m] if m.unify(n).is_some() => expand_dims(check_labels(labels, classes), 1i64),
            [m, Dim::Known(1)] if m.unify(n).is_some() => check_labels(labels, classes),
            _ => {
                let got = format!("{} for logits {}", Tuple(labels.dims()), Tuple(logits.dims()));
                return Err(Error::new(ErrorKind::Shape, "sparse_softmax_cross_entropy", "the labels do not fit the logits", got, "shape (n,) or (n, 1)"));
            }
        };
        let logits = cast(logits, logits.dtype().to_float());
        // The label's logit is the only one that is no 0: a sum of it, for a program that goes over the row anyway.
        let here = equal(places, cast(iota(logits.graph(), classes as i64), places.dtype()));
        reduce_logsumexp(logits, 1i64, false) - reduce_sum(select(here, logits, 0.0), 1i64, false)
    }
    numpy "-np.take_along_axis(scipy.special.log_softmax(logits, axis=1), labels.reshape(-1, 1).astype(int), axis=1)[:, 0]";
    example "T.sparse_softmax_cross_entropy([[0.0, 0.0], [8.0, 0.0]], [0, 1])" => "[0.69314718 8.00033541]";
    exempt Unknown: "it needs the number of classes, and says so";
    case real[5, 4], index(4)[5];
    case real[3, 2], index(2)[3, 1];
    refuses f64[3], f64[3] => "sparse_softmax_cross_entropy: the logits have the wrong shape. Got (3,); expected logits of shape (n, classes) with a known number of classes.";
    refuses f64[3, 2], f64[4] => "sparse_softmax_cross_entropy: the labels do not fit the logits. Got (4,) for logits (3, 2); expected shape (n,) or (n, 1).";
}
row! {
    /// Cross-entropy of softmax against distributions: `sum(targets * (logsumexp(logits) - logits))` over the last axis, one
    /// value a row. A class with target 0 adds nothing, also where its logit is -inf. The targets have the shape of the logits,
    /// or repeat to it.
    pub SOFTMAX_CROSS_ENTROPY = fn softmax_cross_entropy(logits: any, targets: any) -> loss
    body {
        if logits.ndim() == 0 {
            return Err(Error::new(ErrorKind::Shape, "softmax_cross_entropy", "the logits have no axis of classes", "a 0-d tensor", "logits of shape (..., classes)"));
        }
        let targets = paired("softmax_cross_entropy", targets, logits)?;
        reduce_sum(weighted(targets, reduce_logsumexp(logits, -1i64, true) - logits), -1i64, false)
    }
    numpy "-np.sum(targets * scipy.special.log_softmax(logits, axis=-1), axis=-1)";
    example "T.softmax_cross_entropy([[0.0, 0.0], [8.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]])" => "[0.69314718 8.00033541]";
    case unit[3, 4], unit[3, 4];
    bad {
        let mut all = unpaired("softmax_cross_entropy");
        all.push(bad(&[&[], &[]], vec![], "softmax_cross_entropy: the logits have no axis of classes. Got a 0-d tensor; expected logits of shape (..., classes)."));
        all
    };
}
row! {
    /// Cross-entropy of the logistic function against targets in `0 ..= 1`, elementwise:
    /// `max(x, 0) - x * targets + log(1 + exp(-|x|))`, which never overflows. For the targets 0 and 1 value and gradient keep
    /// their accuracy where they are small, and are 0 at the right infinity. The targets have the shape of `x`, or repeat to it.
    pub SIGMOID_CROSS_ENTROPY = fn sigmoid_cross_entropy(x: any, targets: any) -> loss
    body {
        let targets = paired("sigmoid_cross_entropy", targets, x)?;
        let x = cast(x, x.dtype().to_float());
        logistic_loss(x, targets, decay(x))
    }
    numpy "np.logaddexp(x, 0) - x * targets";
    example "T.sigmoid_cross_entropy([0.0, -50.0, 5.0], 1.0)" => "[6.93147181e-01 5.00000000e+01 6.71534849e-03]";
    case real[3, 4], unit[3, 4];
    case real[3], unit[3];
    bad unpaired("sigmoid_cross_entropy");
}
row! {
    /// Mean over the last axis of the squared difference, one value a row. The targets have the shape of `x`, or repeat to it.
    pub MEAN_SQUARED_ERROR = fn mean_squared_error(x: any, targets: any) -> loss
    body {
        let targets = paired("mean_squared_error", targets, x)?;
        let d = square(x - targets);
        if d.ndim() == 0 { cast(d, d.dtype().to_float()) } else { reduce_mean(d, -1i64, false) }
    }
    numpy "np.mean((x - targets) ** 2, axis=-1)";
    example "T.mean_squared_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [0.0, 0.0]])" => "[ 2.  12.5]";
    case real[3, 4], real[3, 4];
    case real[4], real[4];
    bad unpaired("mean_squared_error");
}
