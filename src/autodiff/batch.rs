//! A graph computed over and over: every value that depends on a replaced one gets one more axis, the first. Each row says how
//! it is computed so.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Again, Batch, Batched, Body};
use crate::graph::{Graph, NodeOp, Tensor, Value};
use crate::ops::batch;
use crate::ops::movement::repeated;

use super::reach::Reach;

/// The transformation, as rules see it.
struct Over;

impl Again for Over {
    fn outputs<'g>(&self, graph: &'g Graph, ys: &[Value], replaced: &[(Value, Tensor<'g>)], n: usize) -> Result<Vec<Tensor<'g>>> {
        over(graph, ys, replaced, n)
    }
}

/// `ys` with one more axis of length `n`, the first, where each value of `replaced` is a tensor that has it.
pub fn over<'g>(graph: &'g Graph, ys: &[Value], replaced: &[(Value, Tensor<'g>)], n: usize) -> Result<Vec<Tensor<'g>>> {
    let xs: SmallVec<[Value; 4]> = replaced.iter().map(|(v, _)| *v).collect();
    let reach = Reach::along(graph, ys, &xs, true, |_| true)?;
    let mut made: FxHashMap<Value, Tensor<'g>> = replaced.iter().copied().collect();
    for &id in reach.ids() {
        let node = graph.node(id);
        if !reach.depends(id) || xs.iter().any(|x| x.node == id) {
            continue;
        }
        let has: SmallVec<[bool; 4]> = node.inputs.iter().map(|v| made.contains_key(v)).collect();
        if !has.contains(&true) {
            continue;
        }
        let inputs: SmallVec<[Tensor<'g>; 4]> =
            node.inputs.iter().map(|v| made.get(v).copied().unwrap_or_else(|| graph.tensor(*v))).collect();
        let how = match &node.op {
            NodeOp::Row(def) => match &def.body {
                Body::Primitive(p) => p.batch,
                Body::Composite(_) => Batch::Loop,
            },
            _ => Batch::Loop,
        };
        let b = Batched { graph, id, node, inputs: &inputs, has: &has, n, again: &Over };
        // It is part of the same gradient.
        let outputs = node.site.during(|| graph.within_part(node.part, || batch::outputs(&b, how)))?;
        for (k, y) in outputs.into_iter().enumerate() {
            if let Some(e) = y.error() {
                return Err(e);
            }
            made.insert(Value { node: id, out: k as u32 }, y);
        }
    }
    // A residual may be left unwritten: it is repeated where it is computed.
    for v in ys.iter().filter(|v| graph.node(v.node).is_residual(v.out)) {
        if !made.contains_key(v) {
            apart(graph, v.node, n)?.into_iter().zip(0..).for_each(|(t, out)| _ = made.insert(Value { node: v.node, out }, t));
        }
    }
    let whole = |v: &Value| made.get(v).copied().unwrap_or_else(|| repeated(graph.tensor(*v), n as i64, 0));
    let out: Vec<Tensor<'g>> = ys.iter().map(whole).collect();
    match (out.iter().find_map(|t| t.error()), n) {
        (Some(e), _) => Err(e),
        (None, 0) => Err(Error::text(ErrorKind::Graph, "batch: there is nothing to compute. Got a length of 0; expected 1 or more.")),
        (None, _) => Ok(out),
    }
}

/// The outputs of a node with bodies that depends on nothing that is replaced.
fn apart(graph: &Graph, id: u32, n: usize) -> Result<Vec<Tensor<'_>>> {
    let node = graph.node(id);
    let inputs: SmallVec<[Tensor<'_>; 4]> = node.inputs.iter().map(|&v| graph.tensor(v)).collect();
    let has: SmallVec<[bool; 4]> = node.inputs.iter().map(|_| false).collect();
    let Some(Body::Primitive(p)) = node.def().map(|d| &d.body) else {
        return Err(Error::engine("batch", "an op without bodies hands something on", node.name(), "an op with bodies"));
    };
    batch::outputs(&Batched { graph, id, node, inputs: &inputs, has: &has, n, again: &Over }, p.batch)
}
