//! Losses that are 0 beyond a margin.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::Axes;
use crate::graph::op::OpDef;
use crate::ops::activation::{relu, softplus};
use crate::ops::apply::cast;
use crate::ops::arithmetic::minimum;
use crate::ops::compare::{equal, not_equal};
use crate::ops::composite::distance::distance;
use crate::ops::composite::reduction::{Reduction, fitting, reduced, targets, unpaired};
use crate::ops::norms::vectors;
use crate::ops::reduce::{number, reduce_sum};
use crate::ops::root::hypot;
use crate::ops::select::select;
use crate::shape::Tuple;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&SOFT_MARGIN_LOSS, &HINGE_EMBEDDING_LOSS, &MARGIN_RANKING_LOSS, &TRIPLET_MARGIN_LOSS, &COSINE_EMBEDDING_LOSS];

row! {
    /// `log(1 + exp(-target * x))`, which never overflows, for targets 1 and -1; and the mean, the sum or the values themselves. The target has
    /// the shape of `x`, or repeats to it.
    ///
    /// Gradient: `-g * target * sigmoid(-target * x)` to `x`, and the same with `x` for `target` to the target.
    pub SOFT_MARGIN_LOSS = fn soft_margin_loss(x: float, target: float; reduction: Reduction = Reduction::Mean) -> loss
    body { reduced(softplus(-(targets("soft_margin_loss", target, x)? * x)), reduction) }
    numpy "ref.reduced(np.logaddexp(0, -target * x), reduction)";
    example "T.soft_margin_loss([0.0, 1000.0, 1000.0], [1.0, 1.0, -1.0], reduction=\"none\")" => "[6.93147181e-01 0.00000000e+00 1.00000000e+03]";
    alias soft_margin;
    case real[2, 3], real[2, 3];
    case real[2, 3], real[3] with reduction = Reduction::Sum;
    case real[4], real[4] with reduction = Reduction::None;
    bad unpaired("soft_margin_loss");
}
row! {
    /// `x` where the target is 1, `max(0, margin - x)` where it is -1, and the sum of both where it is neither; and the mean, the sum or the
    /// values themselves. The target has the shape of `x`, or repeats to it; `margin` is a number or a 0-d tensor.
    ///
    /// Gradient: `g` where the target is 1, `-g` where it is -1 and `x < margin`, to `x`; none to the target.
    pub HINGE_EMBEDDING_LOSS = fn hinge_embedding_loss(x: any, target: any, margin: any = 1.0; reduction: Reduction = Reduction::Mean) -> loss
    body {
        let x = cast(x, x.dtype().to_float());
        let target = targets("hinge_embedding_loss", target, x)?;
        let margin = number("hinge_embedding_loss", "margin", margin, x.dtype())?;
        let loss = select(not_equal(target, 1), relu(margin - x), 0.0) + select(not_equal(target, -1), x, 0.0);
        reduced(loss, reduction)
    }
    numpy "ref.hinge_embedding_loss(x, target, margin, reduction)";
    example "T.hinge_embedding_loss([0.25, 0.25, 3.0], [1, -1, -1], reduction=\"none\")" => "[0.25 0.75 0.  ]";
    alias hinge_embedding;
    signature "x, target, margin, reduction";
    case real[2, 3], label(2)[2, 3];
    case real[2, 3], label(2)[3], positive[] with reduction = Reduction::Sum;
    case real[6], label(2)[6] with reduction = Reduction::None;
    bad unpaired("hinge_embedding_loss");
    refuses f64[2], f64[2], f64[2] => "hinge_embedding_loss: `margin` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// `max(0, margin - target * (a - b))` for targets 1, where `a` should be the larger one, and -1; and the mean, the sum or the values
    /// themselves. `b` and the target have the shape of `a`, or repeat to it; `margin` is a number or a 0-d tensor.
    ///
    /// Gradient: `-g * target` to `a`, `g * target` to `b`, `-g * (a - b)` to the target, where the value is above 0.
    pub MARGIN_RANKING_LOSS = fn margin_ranking_loss(
        a: float, b: float, target: float, margin: any = 0.0; reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        let margin = number("margin_ranking_loss", "margin", margin, a.dtype())?;
        let (b, target) = (fitting("margin_ranking_loss", "b", b, a)?, targets("margin_ranking_loss", target, a)?);
        reduced(relu(margin - target * (a - b)), reduction)
    }
    numpy "ref.reduced(np.maximum(margin - target * (a - b), 0), reduction)";
    example "T.margin_ranking_loss([1.0, 2.0], [3.0, 1.0], [1, 1], reduction=\"none\")" => "[2. 0.]";
    alias margin_ranking;
    signature "a, b, target, margin, reduction";
    case real[2, 3], real[2, 3], real[2, 3];
    case real[2, 3], real[3], real[2, 3], unit[] with reduction = Reduction::Sum;
    case real[6], real[6], real[6] with reduction = Reduction::None;
    refuses f64[2], f64[3], f64[2] => "margin_ranking_loss: `b` does not fit. Got (3,) for (2,); expected the same shape, or one repeated to it.";
    refuses f64[2], f64[2], f64[2], f64[2] => "margin_ranking_loss: `margin` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// `max(0, d(anchor, positive) - d(anchor, negative) + margin)` for the distances `d` of `pairwise_distance`, of order `p`, along the last
    /// axis; and the mean, the sum or the values themselves. With `swap` the second distance is that from `positive` if this one is
    /// smaller. All three broadcast; `margin`, `p` and `eps` are numbers or 0-d tensors.
    ///
    /// Gradient: those of the distances, where the value is above 0.
    pub TRIPLET_MARGIN_LOSS = fn triplet_margin_loss(
        anchor: float, positive: float, negative: float, margin: any = 1.0, p: any = 2.0, eps: any = 1e-6;
        swap: bool = false, reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        let op = "triplet_margin_loss";
        let margin = number(op, "margin", margin, anchor.dtype())?;
        let near = distance(op, anchor, positive, p, eps, false)?;
        let far = distance(op, anchor, negative, p, eps, false)?;
        let far = if swap { minimum(far, distance(op, positive, negative, p, eps, false)?) } else { far };
        reduced(relu(near - far + margin), reduction)
    }
    numpy "ref.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction)";
    example "T.triplet_margin_loss([[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 1.0]], eps=0.0)" => "5.0";
    alias triplet_margin;
    signature "anchor, positive, negative, margin, p, eps, swap, reduction";
    case real[2, 3], real[2, 3], real[2, 3];
    case real[4, 3], real[4, 3], real[3] with swap = true, reduction = Reduction::None;
    case real[2, 3], real[2, 3], real[2, 3], positive[], beyond[], unit[] with swap = true, reduction = Reduction::Sum;
    case real[3], real[3], real[3];
    refuses f64[2], f64[3], f64[2] => "triplet_margin_loss: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
    refuses f64[], f64[], f64[] => "triplet_margin_loss: there is no axis of vectors. Got () and (); expected one axis or more.";
    refuses f64[2], f64[2], f64[2], f64[2] => "triplet_margin_loss: `margin` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}

/// The cosine of the angle between the vectors along the last axis, whose squared lengths are 1e-12 larger than they are.
fn cosine<'g>(a: Tensor<'g>, b: Tensor<'g>) -> Result<Tensor<'g>> {
    let along = || Axes(Some([-1].into()));
    let unit = |x: Tensor<'g>| Ok(x / hypot(vectors("cosine_embedding_loss", x, None, along(), true)?, 1e-6));
    Ok(reduce_sum(unit(a)? * unit(b)?, along(), false))
}

row! {
    /// `1 - cos` where the target is 1, `max(0, cos - margin)` where it is -1, 0 where it is neither, for the cosine of the angle between
    /// two vectors along the last axis; and the mean, the sum or the values themselves. `a` and `b` broadcast, to `(n, d)` with `n` targets or
    /// `(d,)` with one; `margin` is a number or a 0-d tensor. The squares of the lengths are taken 1e-12 larger than they are, so that the
    /// cosine of a zero vector is 0.
    ///
    /// Gradient: through the cosine, and none to the target.
    pub COSINE_EMBEDDING_LOSS = fn cosine_embedding_loss(
        a: float, b: float, target: any, margin: any = 0.0; reduction: Reduction = Reduction::Mean
    ) -> loss
    body {
        if a.ndim() == 0 || b.ndim() == 0 {
            let got = format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims()));
            return Err(Error::new(ErrorKind::Shape, "cosine_embedding_loss", "there is no axis of vectors", got, "one axis or more"));
        }
        let cos = cosine(a, b)?;
        let margin = number("cosine_embedding_loss", "margin", margin, cos.dtype())?;
        let target = fitting("cosine_embedding_loss", "target", target, cos)?;
        let other = select(equal(target, -1), relu(cos - margin), 0.0);
        reduced(select(equal(target, 1), 1.0 - cos, other), reduction)
    }
    numpy "ref.cosine_embedding_loss(a, b, target, margin, reduction)";
    example "T.cosine_embedding_loss([[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [0.0, 1.0]], [1, -1], reduction=\"none\")" => "[1. 1.]";
    alias cosine_embedding;
    signature "a, b, target, margin, reduction";
    case real[4, 3], real[4, 3], label(2)[4];
    case real[4, 3], real[3], label(2)[4], unit[] with reduction = Reduction::None;
    case real[4, 3], real[4, 3], label(2)[4], unit[] with reduction = Reduction::Sum;
    case real[3], real[3], label(2)[];
    refuses f64[2], f64[3], f64[] => "cosine_embedding_loss: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
    refuses f64[], f64[3], f64[] => "cosine_embedding_loss: there is no axis of vectors. Got () and (3,); expected one axis or more.";
    refuses f64[2, 3], f64[2, 3], f64[3] => "cosine_embedding_loss: `target` does not fit. Got (3,) for (2,); expected the same shape, or one repeated to it.";
}
