//! How rows are computed with one more axis, the first.

use smallvec::SmallVec;

use crate::error::Result;
use crate::graph::attr::{Attr, Slice};
use crate::graph::op::{Batch, Batched, OpDef, ParamKind};
use crate::graph::{NodeOp, Tensor, Value};
use crate::ops::movement::{expand_dims, repeated, squeeze};
use crate::ops::slice::{concat, slice};

/// The outputs of a node with the axis.
pub(crate) fn outputs<'g>(b: &Batched<'_, 'g>, how: Batch) -> Result<Vec<Tensor<'g>>> {
    match how {
        Batch::Elementwise => leading(b, 0),
        Batch::Leading(own) => leading(b, own),
        Batch::Axes => axes(b),
        Batch::Same => Ok(same(b)),
        Batch::Rule(rule) => rule(b),
        Batch::Loop => looped(b),
    }
}

/// The node's op on other inputs and attributes.
pub(crate) fn applied<'g>(b: &Batched<'_, 'g>, inputs: &[Tensor<'g>], attrs: &[Attr]) -> Result<Vec<Tensor<'g>>> {
    let values: SmallVec<[Value; 4]> = inputs.iter().map(|t| t.value()).collect();
    let first = match &b.node.op {
        NodeOp::Row(def) => b.graph.insert(def, attrs, &values, vec![]),
        NodeOp::User(op) => b.graph.insert_user(op.clone(), &values),
        NodeOp::Hook(hook) => b.graph.insert_hook(hook.clone(), values.first().copied().unwrap_or(b.single(0).value())),
        _ => b.single(0),
    };
    first.error().map_or_else(|| Ok((0..b.node.avals.len()).map(|k| first.output(k)).collect()), Err)
}

/// Operands of which the last `own` axes are the op's own, and the others broadcast.
fn leading<'g>(b: &Batched<'_, 'g>, own: usize) -> Result<Vec<Tensor<'g>>> {
    let lead = |ndim: usize| ndim.saturating_sub(own);
    let most = b.node.inputs.iter().map(|&v| lead(b.graph.aval(v).ndim())).max().unwrap_or(0);
    let aligned = b
        .inputs
        .iter()
        .zip(b.has)
        .enumerate()
        .map(|(i, (&x, &has))| if has { behind_first(x, (most - lead(b.single(i).ndim())) as i64) } else { x });
    applied(b, &aligned.collect::<Vec<_>>(), &b.node.attrs)
}

/// All inputs with the axis: those that have none are repeated.
pub(crate) fn with_axis<'g>(b: &Batched<'_, 'g>) -> Vec<Tensor<'g>> {
    b.inputs.iter().zip(b.has).map(|(&x, &has)| if has { x } else { repeated(x, b.n as i64, 0) }).collect()
}

/// Attributes that name axes name the next one.
fn axes<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    match shifted(b, b.single(0).ndim()) {
        Some(attrs) => applied(b, &with_axis(b), &attrs),
        None => looped(b),
    }
}

/// The attributes with each axis of an array of `ndim` axes moved by one. `None` if one stands for an array without axes.
pub(crate) fn shifted(b: &Batched<'_, '_>, ndim: usize) -> Option<Vec<Attr>> {
    let next = |i: i64| i.rem_euclid((ndim as i64).max(1)) + 1;
    let def: &OpDef = b.node.def()?;
    let names = def.params.iter().filter(|p| matches!(p.kind, ParamKind::Attr(_))).map(|p| p.name);
    let shifted = names.zip(&b.node.attrs).map(|(name, a)| match (name, a) {
        ("axis" | "axis1" | "axis2", Attr::Int(i)) => Some(Attr::Int(next(*i))),
        ("axis", Attr::Axis(Some(i))) => Some(Attr::Axis(Some(next(*i)))),
        ("axis", Attr::Axis(None)) => None,
        ("axis", Attr::Axes(Some(list))) => Some(Attr::Axes(Some(list.iter().map(|&i| next(i)).collect()))),
        ("axis", Attr::Axes(None)) => Some(Attr::Axes(Some((1..=ndim as i64).collect()))),
        (_, a) => Some(a.clone()),
    });
    shifted.collect()
}

/// The outputs of the node itself, repeated.
fn same<'g>(b: &Batched<'_, 'g>) -> Vec<Tensor<'g>> {
    (0..b.node.avals.len()).map(|k| repeated(b.output(k), b.n as i64, 0)).collect()
}

/// One computation after the other.
pub(crate) fn looped<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let mut parts: Vec<Vec<Tensor<'g>>> = vec![vec![]; b.node.avals.len()];
    for i in 0..b.n as i64 {
        let one = |x: Tensor<'g>| squeeze(slice(x, [i], [i + 1]), 0);
        let inputs: Vec<Tensor<'g>> = b.inputs.iter().zip(b.has).map(|(&x, &has)| if has { one(x) } else { x }).collect();
        for (list, y) in parts.iter_mut().zip(applied(b, &inputs, &b.node.attrs)?) {
            list.push(expand_dims(y, 0));
        }
    }
    Ok(parts.iter().map(|list| concat(list, 0)).collect())
}

/// A row whose last input lends its shape, which gets the axis too.
pub(crate) fn like<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    lent(b, &b.node.attrs)
}

/// As [`like`], with an attribute that names an axis of the shape.
pub(crate) fn like_along<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    match shifted(b, shape_giver(b).ndim()) {
        Some(attrs) => lent(b, &attrs),
        None => looped(b),
    }
}

/// A row whose last input lends lengths that stand in place of an axis of the first.
pub(crate) fn first_along<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    match (lends_alone(b), b.inputs.first(), shifted(b, b.single(0).ndim())) {
        (false, Some(&x), Some(attrs)) => applied(b, &[x, shape_giver(b)], &attrs),
        (false, ..) => looped(b),
        (true, ..) => Ok(same(b)),
    }
}

/// The input that lends its shape: the last.
fn shape_giver<'g>(b: &Batched<'_, 'g>) -> Tensor<'g> {
    b.single(b.inputs.len().saturating_sub(1))
}

/// True if no input has the axis but the one that lends its shape.
fn lends_alone(b: &Batched<'_, '_>) -> bool {
    b.has.iter().rev().skip(1).all(|&has| !has)
}

fn lent<'g>(b: &Batched<'_, 'g>, attrs: &[Attr]) -> Result<Vec<Tensor<'g>>> {
    if lends_alone(b) {
        return Ok(same(b));
    }
    let mut inputs = with_axis(b);
    inputs.pop();
    inputs.push(repeated(shape_giver(b), b.n as i64, 0));
    applied(b, &inputs, attrs)
}

/// A repetition to the shape that the second input lends: axes that the first one lacks stand behind the new axis.
pub(crate) fn broadcast_like<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    if lends_alone(b) {
        return Ok(same(b));
    }
    let missing = (shape_giver(b).ndim() - b.single(0).ndim()) as i64;
    let x = with_axis(b).into_iter().next().unwrap_or(b.single(0));
    applied(b, &[behind_first(x, missing), repeated(shape_giver(b), b.n as i64, 0)], &[])
}

/// The adjoint of that.
pub(crate) fn sum_to<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    if lends_alone(b) {
        return Ok(same(b));
    }
    let missing = (b.single(0).ndim() - shape_giver(b).ndim()) as i64;
    let x = with_axis(b).into_iter().next().unwrap_or(b.single(0));
    let sums = applied(b, &[x, behind_first(repeated(shape_giver(b), b.n as i64, 0), missing)], &[])?;
    Ok(sums.into_iter().map(|y| if missing > 0 { squeeze(y, (1..=missing).collect::<Vec<_>>()) } else { y }).collect())
}

/// `x` with `missing` axes of length 1 behind its first.
pub(crate) fn behind_first(x: Tensor<'_>, missing: i64) -> Tensor<'_> {
    if missing > 0 { expand_dims(x, (1..=missing).collect::<Vec<_>>()) } else { x }
}

/// Slices, shapes and widths among attributes with the axis in front.
fn in_front(attrs: &[Attr], n: usize) -> Vec<Attr> {
    let attrs = attrs.iter().map(|a| match a {
        Attr::Slices(list) => Attr::Slices([Slice::ALL].into_iter().chain(list.iter().copied()).collect()),
        Attr::Ints(list) => Attr::Ints([n as i64].into_iter().chain(list.iter().copied()).collect()),
        Attr::Widths(list) => Attr::Widths([[0, 0]].into_iter().chain(list.iter().copied()).collect()),
        other => other.clone(),
    });
    attrs.collect()
}

/// A row of one input whose slices, or whose shape, get the axis in front.
pub(crate) fn in_front_of_all<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    applied(b, b.inputs, &in_front(&b.node.attrs, b.n))
}

/// A list of which the first is as long as the whole, with slices, one an axis, for each of the others.
pub(crate) fn in_front_of_each<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let ndim = b.single(0).ndim();
    let list: &[Slice] = if let Some(Attr::Slices(list)) = b.node.attrs.first() { list } else { &[] };
    let others = b.inputs.len().saturating_sub(1);
    let each = (0..others).flat_map(|k| [Slice::ALL].into_iter().chain(list.iter().copied().skip(k * ndim).take(ndim)));
    applied(b, &with_axis(b), &[Attr::Slices(each.collect())])
}

/// A repetition to a shape.
pub(crate) fn broadcast_to<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let ndim = b.node.attrs.first().map_or(0, |a| if let Attr::Ints(list) = a { list.len() } else { 0 });
    let missing = ndim.saturating_sub(b.single(0).ndim()) as i64;
    let x: Vec<Tensor<'g>> = b.inputs.iter().map(|&x| behind_first(x, missing)).collect();
    applied(b, &x, &in_front(&b.node.attrs, b.n))
}

/// New axes, which are named by their places in the result.
pub(crate) fn new_axes<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let new = b.node.attrs.first().map_or(0, |a| if let Attr::Axes(Some(list)) = a { list.len() } else { 0 });
    match shifted(b, b.single(0).ndim() + new) {
        Some(attrs) => applied(b, b.inputs, &attrs),
        None => looped(b),
    }
}

/// Axes that go: without names, all of length 1 of a shape that is known.
pub(crate) fn gone_axes<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let x = b.single(0);
    let next = |i: i64| i.rem_euclid((x.ndim() as i64).max(1)) + 1;
    let list: Vec<i64> = match b.node.attrs.first() {
        Some(Attr::Axes(Some(list))) => list.iter().map(|&i| next(i)).collect(),
        _ => x.dims().iter().zip(1..).filter(|(d, _)| d.known() == Some(1)).map(|(_, i)| i).collect(),
    };
    applied(b, b.inputs, &[Attr::Axes(Some(list.into()))])
}

/// A new order of the axes, the first left in front.
pub(crate) fn order<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let ndim = b.single(0).ndim() as i64;
    let rest: Vec<i64> = match b.node.attrs.first() {
        Some(Attr::Axes(Some(list))) => list.iter().map(|&i| i.rem_euclid(ndim.max(1)) + 1).collect(),
        _ => (1..=ndim).rev().collect(),
    };
    applied(b, b.inputs, &[Attr::Axes(Some([0].into_iter().chain(rest).collect()))])
}

/// A row of one input whose attributes name axes of the result, which has one more than the input; a shape gets the axis in front.
pub(crate) fn axes_of_result<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    match shifted(b, b.single(0).ndim() + 1) {
        Some(attrs) => applied(b, b.inputs, &in_front(&attrs, b.n)),
        None => looped(b),
    }
}

/// An array with a number at its ends; of several numbers one after the other.
pub(crate) fn padded<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    if b.has.get(1) == Some(&true) { looped(b) } else { applied(b, b.inputs, &in_front(&b.node.attrs, b.n)) }
}

/// A row of the lengths of the vectors that are the second input. The order of the norm is one number.
pub(crate) fn length<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    match (b.has.get(2), shifted(b, b.single(1).ndim())) {
        (Some(false), Some(attrs)) => applied(b, &but_last(b), &attrs),
        _ => looped(b),
    }
}

/// A row along axes of the second input, whose last input is a number or one for each of the rows.
pub(crate) fn centred<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    match shifted(b, b.single(1).ndim()) {
        Some(attrs) => applied(b, &but_last(b), &attrs),
        None => looped(b),
    }
}

/// All inputs with the axis, but the last as it is.
fn but_last<'g>(b: &Batched<'_, 'g>) -> Vec<Tensor<'g>> {
    let mut inputs = with_axis(b);
    inputs.pop();
    inputs.extend(b.inputs.last());
    inputs
}

#[cfg(test)]
mod tests {
    use crate::graph::op::{Batch, Body};

    /// A row that says nothing of batches is computed in a loop, which must be meant: draws differ each time, assignments follow one
    /// another, and so do the steps of a recurrence, of which one computation is a loop already.
    #[test]
    fn rows_that_are_computed_one_after_the_other() {
        let looped = |d: &&'static crate::graph::op::OpDef| matches!(&d.body, Body::Primitive(p) if matches!(p.batch, Batch::Loop));
        let names: Vec<&str> = crate::ops::TABLE.iter().copied().filter(looped).map(|d| d.name).collect();
        let recurrences = ["rnn_states", "lstm_states", "gru_states", "cell_tangents", "cell_cotangents"];
        assert_eq!(names, [&recurrences[..], &["standard_uniform", "standard_normal", "assign", "running_update"]].concat());
    }
}
