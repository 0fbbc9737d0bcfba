//! What losses do with their values, one an element or a sample: they are averaged, added up, or left as they are.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{AttrType, Axes, choices};
use crate::graph::op::Bad;
use crate::ops::broadcast::{broadcast_like, repeats_to};
use crate::ops::composite::loss::{paired, unpaired_with};
use crate::ops::reduce::{reduce_mean, reduce_sum};
use crate::shape::Tuple;

choices! {
    /// What becomes of the values of a loss.
    pub enum Reduction {
        /// Their mean.
        Mean = "mean",
        /// Their sum.
        Sum = "sum",
        /// They are the result.
        None = "none",
    }
}

/// The values of a loss, reduced.
pub(crate) fn reduced(loss: Tensor<'_>, reduction: Reduction) -> Tensor<'_> {
    match reduction {
        Reduction::Mean => reduce_mean(loss, Axes(None), false),
        Reduction::Sum => reduce_sum(loss, Axes(None), false),
        Reduction::None => loss,
    }
}

/// The values of a loss times weights, which repeat to them.
pub(crate) fn scaled<'g>(op: &str, name: &str, loss: Tensor<'g>, weight: Option<Tensor<'g>>) -> Result<Tensor<'g>> {
    Ok(match weight {
        Some(weight) => loss * fitting(op, name, weight, loss)?,
        None => loss,
    })
}

/// The parameter `name`, which has the shape of `x` or repeats to it, in that shape. Where lengths are not known yet, the run checks them.
pub(crate) fn fitting<'g>(op: &str, name: &str, weight: Tensor<'g>, x: Tensor<'g>) -> Result<Tensor<'g>> {
    if !repeats_to(weight.dims(), x.dims()) {
        let got = format_args!("{} for {}", Tuple(weight.dims()), Tuple(x.dims()));
        return Err(Error::new(ErrorKind::Shape, op, format_args!("`{name}` does not fit"), got, "the same shape, or one repeated to it"));
    }
    Ok(broadcast_like(weight, x))
}

/// The targets of `x`, as [`paired`] takes them, in the shape of `x`: their gradient is added up once, whatever is known of lengths.
pub(crate) fn targets<'g>(op: &str, target: Tensor<'g>, x: Tensor<'g>) -> Result<Tensor<'g>> {
    Ok(broadcast_like(paired(op, target, x)?, x))
}

/// What a loss refuses that has no attribute but the reduction.
pub(crate) fn unpaired(op: &'static str) -> Vec<Bad> {
    unpaired_with(op, vec![Reduction::Mean.pack()])
}
