//! A row as a program: built on a sample, differentiated, evaluated. What all checks share.

use super::cotangent;
use super::edge::Edge;
use super::sample::{Sample, single};
use crate::api::context::Context;
use crate::api::feed::Feeder;
use crate::array::Array;
use crate::autodiff::try_grad;
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::ops::apply::{Arg, apply_in};

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
            let c = if value.dtype() == DType::F32 { single(&c)? } else { c };
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
