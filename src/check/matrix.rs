//! The matrix: every row of the op table times every check. Nobody writes a test for a single op; a row brings its cases.

use super::bounds::Edge;
use super::sample::Sample;
use super::{batched, cotangent, gradcheck_all, layout, magnitudes, values};
use crate::api::context::{Context, run};
use crate::api::feed::Feeder;
use crate::array::Array;
use crate::autodiff::try_grad;
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::Tensor;
pub use crate::graph::op::Check;
use crate::graph::op::{Case, OpDef};
use crate::ops::apply::{Arg, apply_in};

/// Elements of a sample of which the third order is checked: each is moved four times for each entry of three levels.
const FEW: usize = 9;

/// Runs a check on a row. Returns how many comparisons it made: where that is 0, the row says why.
pub fn examine(def: &'static OpDef, check: Check) -> Result<usize> {
    if check == Check::Messages {
        return values::messages(def);
    }
    let (mut total, mut refused) = (0, false);
    for (i, case) in (def.cases)().iter().enumerate() {
        let s = Sample::new(case, i as u64 + 1)?;
        let n = match check {
            Check::Types => values::types(def, &s)?,
            Check::Unknown => values::unknown(def, &s)?,
            Check::First => gradcheck_all(|ctx, xs| build(ctx, def, xs, &s), &s.inputs, 1)?,
            // Of both orders only the second is new, but its first is what it differentiates.
            Check::Second => gradcheck_all(|ctx, xs| build(ctx, def, xs, &s), &s.inputs, 2)?,
            Check::Third if s.inputs.iter().map(Array::size).sum::<usize>() > FEW => 0,
            Check::Third => gradcheck_all(|ctx, xs| build(ctx, def, xs, &s), &s.inputs, 3)?,
            Check::Narrow if i == 0 => values::narrow(def, &s)? + magnitudes::magnitudes(def, &s)?,
            Check::Narrow => values::narrow(def, &s)?,
            Check::Layouts => layout::layouts(def, case, &s)?,
            Check::Fused => fused(def, case, &s)?,
            Check::Batched => batched::batched(def, &s)?,
            Check::Messages => 0,
        };
        refused |= n == 0 && check == Check::Unknown;
        total += n;
    }
    // A row of which some case needs known lengths needs a reason.
    Ok(if refused { 0 } else { total })
}

/// The outputs of a row on tensors, with what else the sample gives.
pub fn build<'g>(ctx: &'g Context, def: &'static OpDef, xs: &[Tensor<'g>], s: &Sample) -> Result<Vec<Tensor<'g>>> {
    let mut args: Vec<Arg<'g>> = xs.iter().map(|&t| Arg::from(t)).collect();
    s.absent.iter().for_each(|&i| args.insert(i.min(args.len()), Arg::Absent));
    Ok(apply_in(ctx, def, &args, &s.attrs)?.into_vec())
}

/// Placeholders for arrays, of known shapes.
pub fn placeholders<'g>(ctx: &'g Context, arrays: &[Array]) -> Vec<Tensor<'g>> {
    let shape = |a: &Array| a.shape().iter().map(|&n| n as isize).collect::<Vec<_>>();
    arrays.iter().enumerate().map(|(i, a)| ctx.placeholder_of(&format!("x{i}"), &shape(a), a.dtype())).collect()
}

/// The values of tensors. Memory ends behind each feed: whatever is read there is a fault.
pub fn evaluate(ctx: &Context, outputs: &[Tensor<'_>], feeds: &[(Tensor<'_>, Array)]) -> Result<Vec<Array>> {
    let edges: Vec<Edge<'_>> = feeds.iter().map(|(_, a)| Edge::of(a)).collect::<Result<_>>()?;
    let feeder = feeds.iter().zip(&edges).fold(Feeder::new(), |f, ((t, _), e)| f.push(t, e.feed()));
    // The handles belong to this context: evaluation checks it.
    let outputs: Vec<Tensor<'_>> = outputs.iter().map(|t| ctx.tensor(t.value())).collect();
    ctx.evaluator().extend(&outputs).set_feeder(feeder).run().into_iter().collect()
}

/// Outputs and their gradients up to an order, with the values of all inputs; cotangents are further inputs.
pub struct Derived<'g> {
    /// Outputs, then gradients of each order.
    pub tensors: Vec<Tensor<'g>>,
    /// Inputs and cotangents, with their values.
    pub feeds: Vec<(Tensor<'g>, Array)>,
}

/// Adds gradients up to `order` to `outputs`, with respect to the floating inputs and to the cotangents.
pub fn derive<'g>(ctx: &'g Context, outputs: Vec<Tensor<'g>>, feeds: Vec<(Tensor<'g>, Array)>, order: usize) -> Result<Derived<'g>> {
    let mut d = Derived { tensors: outputs.clone(), feeds };
    let mut level = outputs;
    for k in 0..order {
        level.retain(|t| t.dtype().is_float());
        let xs: Vec<Tensor<'g>> = d.feeds.iter().map(|f| f.0).filter(|t| t.dtype().is_float()).collect();
        if level.is_empty() || xs.is_empty() {
            break;
        }
        let mut seeds = vec![];
        for (i, value) in evaluate(ctx, &level, &d.feeds)?.iter().enumerate() {
            let c = cotangent(value, k * 100 + i)?;
            let c = if value.dtype() == DType::F32 { values::single(&c)? } else { c };
            let shape: Vec<isize> = c.shape().iter().map(|&n| n as isize).collect();
            let t = ctx.placeholder_of(&format!("c{k}.{i}"), &shape, c.dtype());
            seeds.push(t);
            d.feeds.push((t, c));
        }
        level = try_grad(&level, &xs, Some(&seeds))?;
        d.tensors.extend_from_slice(&level);
    }
    Ok(d)
}

/// Values and gradients in one run against op by op: the case itself, in `f32`, and with special values; its sizes are
/// those that [`layout::sizes`] gives.
fn fused(def: &'static OpDef, case: &Case, s: &Sample) -> Result<usize> {
    let mut n = same_as_replay(def, s, 2)?;
    n += same_as_replay(def, &s.converted(DType::F32)?, 2)?;
    n += same_as_replay(def, &values::special(s)?, 1)?;
    for resized in layout::sizes(case) {
        // A size that the rule refuses (a fixed shape among the attributes) is no size of this row.
        n += match Sample::new(&resized, 7).and_then(|s| layout::accepted(def, &s).map(|ok| (ok, s)))? {
            (true, s) => same_as_replay(def, &s, 1)?,
            (false, _) => 0,
        };
    }
    Ok(n)
}

/// Compares one run of a sample's outputs and gradients with op by op.
fn same_as_replay(def: &'static OpDef, s: &Sample, order: usize) -> Result<usize> {
    run(|ctx| {
        let xs = placeholders(ctx, &s.inputs);
        let ys = build(ctx, def, &xs, s)?;
        let feeds: Vec<_> = xs.into_iter().zip(s.inputs.iter().cloned()).collect();
        // What is differentiated is evaluated for its cotangents; the rest is evaluated here.
        let values = if ys.iter().any(|t| t.dtype().is_float()) { Ok(vec![]) } else { evaluate(ctx, &ys, &feeds) };
        let d = match values.and_then(|_| derive(ctx, ys, feeds, order)) {
            Ok(d) => d,
            // A value outside of what the row accepts (a special value, an index): there is nothing to compare.
            Err(e) if e.kind() == crate::error::ErrorKind::LinAlg || e.kind() == crate::error::ErrorKind::Value => return Ok(0),
            Err(e) => return Err(e),
        };
        agree(ctx, &d)
    })
}

/// Compares one run with op by op.
pub fn agree(ctx: &Context, d: &Derived<'_>) -> Result<usize> {
    let whole = evaluate(ctx, &d.tensors, &d.feeds)?;
    let parts = super::replay::replay(&d.tensors, &d.feeds)?;
    for (k, (a, b)) in whole.iter().zip(&parts).enumerate() {
        super::replay::same_bits(&format!("fused, output {k}"), a, b)?;
    }
    Ok(whole.len())
}
