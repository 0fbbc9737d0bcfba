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
        let outputs = node.site.during(|| batch::outputs(&b, how))?;
        for (k, y) in outputs.into_iter().enumerate() {
            if let Some(e) = y.error() {
                return Err(e);
            }
            made.insert(Value { node: id, out: k as u32 }, y);
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
