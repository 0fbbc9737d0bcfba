//! How windows slide over arrays with one more axis, the first.

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::Attr;
use crate::graph::op::Batched;
use crate::ops::batch;
use crate::ops::movement::{merge_axes, repeated, reshape, transpose};

/// Operand `i` with its new axis among the channels: (n, axis * channels, ...).
pub(super) fn in_channels<'g>(b: &Batched<'_, 'g>, i: usize) -> Option<Tensor<'g>> {
    let x = with_axis(b, i)?;
    let order: Vec<i64> = [1, 0].into_iter().chain(2..x.ndim() as i64).collect();
    Some(merge_axes(transpose(x, order), 1, 2))
}

/// Filters, operand `i`, with their new axis joined to the first: (axis * filters, ...).
pub(super) fn in_front<'g>(b: &Batched<'_, 'g>, i: usize) -> Option<Tensor<'g>> {
    Some(merge_axes(with_axis(b, i)?, 0, 2))
}

/// Operand `i` with the axis, repeated if it has none.
fn with_axis<'g>(b: &Batched<'_, 'g>, i: usize) -> Option<Tensor<'g>> {
    let (&x, &has) = (b.inputs.get(i)?, b.has.get(i)?);
    Some(if has { x } else { repeated(x, b.n as i64, 0) })
}

/// `y` with the axis `at` taken apart into the new one, which goes to the front, and the rest.
pub(super) fn apart<'g>(y: Tensor<'g>, at: usize, n: usize) -> Option<Tensor<'g>> {
    let mut dims: Vec<i64> = y.dims().iter().map(|d| d.known().map_or(-1, |n| n as i64)).collect();
    let whole = *dims.get(at)?;
    if let Some(d) = dims.get_mut(at) {
        *d = if whole < 0 { -1 } else { whole / (n as i64).max(1) };
    }
    dims.insert(at, n as i64);
    if dims.iter().filter(|&&d| d < 0).count() > 1 {
        return None;
    }
    let y = reshape(y, dims);
    let order: Vec<i64> = [at as i64].into_iter().chain((0..y.ndim() as i64).filter(|&i| i != at as i64)).collect();
    Some(if at == 0 { y } else { transpose(y, order) })
}

/// The result, or one computation after the other where lengths are not known.
pub(super) fn or_looped<'g>(b: &Batched<'_, 'g>, made: Option<Tensor<'g>>) -> Result<Vec<Tensor<'g>>> {
    if b.n == 0 { batch::looped(b) } else { made.map_or_else(|| batch::looped(b), |y| Ok(vec![y])) }
}

/// One application of the node's op.
pub(super) fn once<'g>(b: &Batched<'_, 'g>, inputs: &[Tensor<'g>], attrs: &[Attr]) -> Option<Tensor<'g>> {
    batch::applied(b, inputs, attrs).ok()?.first().copied()
}

/// A row of which only the first input has the axis: its samples are more. `rest` are the other inputs.
pub(super) fn more_samples<'g>(b: &Batched<'_, 'g>, rest: &[Tensor<'g>]) -> Result<Vec<Tensor<'g>>> {
    let made = || {
        let inputs: Vec<Tensor<'g>> = [in_front(b, 0)?].into_iter().chain(rest.iter().copied()).collect();
        let ys = batch::applied(b, &inputs, &b.node.attrs).ok()?;
        ys.into_iter().map(|y| apart(y, 0, b.n)).collect::<Option<Vec<_>>>()
    };
    if b.n == 0 { batch::looped(b) } else { made().map_or_else(|| batch::looped(b), Ok) }
}
