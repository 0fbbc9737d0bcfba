//! Op by op: a graph computed node by node, each in a run of its own. What a plan makes of the whole graph must have the
//! same bits.

use rustc_hash::FxHashMap;

use super::{place, sample::numbers};
use crate::api::context::{Context, run};
use crate::api::feed::Feeder;
use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Body, Kernel, OpDef};
use crate::graph::{Graph, Node, NodeOp, Tensor, Value};
use crate::shape::Tuple;

/// How far `float32` may be off, relative to the largest element or 1.
pub const SINGLE: f64 = 2e-6;

/// The values of `outputs`, computed node by node. `feeds` are the placeholders' values.
pub fn replay(outputs: &[Tensor<'_>], feeds: &[(Tensor<'_>, Array)]) -> Result<Vec<Array>> {
    let Some(graph) = outputs.first().map(|t| t.graph()) else { return Ok(vec![]) };
    let wanted: Vec<Value> = outputs.iter().map(|t| t.value()).collect();
    let mut known: FxHashMap<Value, Array> = feeds.iter().map(|(t, a)| (t.value(), a.clone())).collect();
    run(|ctx| {
        for id in graph.reachable(&wanted) {
            let (node, first) = (graph.node(id), Value { node: id, out: 0 });
            if known.contains_key(&first) {
                continue;
            }
            // A body that is not taken may fail, and what follows from that in it is not known.
            let inner = node.scope != 0;
            let inputs: Result<Vec<Array>> = node.inputs.iter().map(|v| known.get(v).cloned().ok_or_else(unfed)).collect();
            let inputs = match inputs {
                Err(_) if inner => continue,
                inputs => inputs?,
            };
            let values = match &node.op {
                NodeOp::Scalar(s) | NodeOp::Own(s) => vec![Array::scalar(*s, graph.aval(first).dtype)?],
                NodeOp::Bound(s) => vec![Array::scalar(s.get(), graph.aval(first).dtype)?],
                NodeOp::Constant(a) => vec![(**a).clone()],
                NodeOp::Error(e) => return Err(e.clone()),
                NodeOp::Hook(_) => inputs,
                NodeOp::Row(def) if is_mark(def) => inputs.into_iter().take(1).collect(),
                NodeOp::Row(_) if !node.regions.is_empty() => {
                    let taken = inputs.first().is_some_and(|c| numbers(c) != [0.0]);
                    let body = node.regions.get(usize::from(!taken)).ok_or_else(unfed)?;
                    // Here all bodies are computed, so that all residuals are known.
                    let outputs = body.outputs.iter().map(|v| known.get(v).cloned().ok_or_else(unfed));
                    // What a body that failed hands on is read by nobody.
                    let residuals = node.regions.iter().flat_map(|r| &r.residuals).map(|v| match (known.get(v), graph.aval(*v).dims()) {
                        (Some(a), _) => Ok(a.clone()),
                        (None, Some(dims)) => Array::zeros(graph.aval(*v).dtype, &dims),
                        (None, None) => Err(unfed()),
                    });
                    outputs.chain(residuals).collect::<Result<_>>()?
                }
                NodeOp::Row(_) | NodeOp::User(_) => match alone(ctx, graph, id, &known).map_err(|e| graph.blame(id, e)) {
                    Err(e) if inner && e.kind() == ErrorKind::LinAlg => continue,
                    values => values?,
                },
                NodeOp::Placeholder(_) | NodeOp::Variable(..) => return Err(unfed()),
            };
            known.extend(values.into_iter().enumerate().map(|(out, a)| (Value { node: id, out: out as u32 }, a)));
        }
        wanted.iter().map(|v| known.get(v).cloned().ok_or_else(unfed)).collect()
    })
}

fn unfed() -> Error {
    Error::text(ErrorKind::Feed, "replay: a value is not fed. Got a variable or an unfed placeholder; expected values for all of them.")
}

/// True for an op that is its first operand, and says something of it.
fn is_mark(def: &OpDef) -> bool {
    matches!(&def.body, Body::Primitive(p) if matches!(p.kernel, Kernel::Mark(_)))
}

/// True for a node that is another view of its first input's memory, or the input itself.
fn is_view(node: &Node) -> bool {
    let kernel = |d: &OpDef| is_mark(d) || matches!(&d.body, Body::Primitive(p) if matches!(p.kernel, Kernel::View(_) | Kernel::Check(_)));
    matches!(node.op, NodeOp::Hook(_)) || node.def().is_some_and(kernel)
}

/// One node on arrays: the only op of its graph, under the views that it reads through. (Whether an operand is a view
/// follows from the graph, and the rounding of a product may follow from that.) Scalars are arrays here, so that no rewrite
/// sees them.
fn alone(ctx: &Context, graph: &Graph, id: u32, known: &FxHashMap<Value, Array>) -> Result<Vec<Array>> {
    let node = graph.node(id);
    if node.def().is_some_and(|d| matches!(&d.body, Body::Primitive(p) if p.draw)) {
        return Err(Error::text(ErrorKind::Graph, "replay: a random draw has no inputs. Got a draw; expected a graph without draws."));
    }
    let mut feeder = Feeder::new();
    let mut values = vec![];
    for (i, &input) in node.inputs.iter().enumerate() {
        let mut views = vec![];
        let mut root = input;
        while let (true, Some(&under)) = (is_view(graph.node(root.node)), graph.node(root.node).inputs.first()) {
            if !graph.node(root.node).def().is_some_and(is_mark) {
                views.push(root.node);
            }
            root = under;
        }
        let a = known.get(&root).ok_or_else(unfed)?;
        let shape: Vec<isize> = a.shape().iter().map(|&n| n as isize).collect();
        // Equal types share placeholders, and so plans.
        let t = ctx.placeholder_of(&format!("{} {} {i}", a.dtype(), Tuple(a.shape())), &shape, a.dtype());
        feeder = feeder.push(t, a);
        values.push(views.iter().rev().fold(t, |t, &v| again(ctx, graph.node(v), &[t.value()])).value());
    }
    let made = again(ctx, node, &values);
    let outputs: Vec<Tensor<'_>> = (0..node.avals.len()).map(|k| made.output(k)).collect();
    ctx.evaluator().extend(&outputs).set_feeder(feeder).run().into_iter().collect()
}

/// The same op on other inputs.
fn again<'g>(ctx: &'g Context, node: &Node, inputs: &[Value]) -> Tensor<'g> {
    match &node.op {
        NodeOp::User(op) => ctx.insert_user(op.clone(), inputs),
        NodeOp::Hook(_) => inputs.first().map_or_else(|| ctx.poison(unfed()), |&x| ctx.tensor(x)),
        NodeOp::Row(def) => ctx.insert(def, &node.attrs, inputs, vec![]),
        _ => ctx.poison(unfed()),
    }
}

/// An error that names the first difference of two arrays, if they differ in any bit; NaN equals NaN.
pub fn same_bits(what: &str, found: &Array, expected: &Array) -> Result<()> {
    if found.dtype() != expected.dtype() || found.shape() != expected.shape() {
        let form = |a: &Array| format!("{} {}", a.dtype(), Tuple(a.shape()));
        return Err(Error::new(ErrorKind::Value, what, "another type", form(found), form(expected)));
    }
    let pairs = (0..found.size()).map(|i| (found.get(i).as_f64(), expected.get(i).as_f64()));
    let differs = |(a, b): (f64, f64)| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan());
    match pairs.enumerate().find(|(_, p)| differs(*p)) {
        Some((i, (a, b))) => {
            let at = format!("other bits at {} of {}", place(i, found.shape()), Tuple(found.shape()));
            Err(Error::new(ErrorKind::Value, what, at, format_args!("{a:e}"), format_args!("{b:e}")))
        }
        None => Ok(()),
    }
}

/// An error if two numbers differ by more than `tolerance`, relative to the largest of `expected`, or to 1.
pub fn close(what: &str, found: &Array, expected: &Array, tolerance: f64) -> Result<()> {
    let (a, b) = (numbers(found), numbers(expected));
    if found.shape() != expected.shape() {
        return Err(Error::new(ErrorKind::Value, what, "another shape", Tuple(found.shape()), Tuple(expected.shape())));
    }
    let largest = b.iter().filter(|x| x.is_finite()).fold(1.0, |m: f64, x| m.max(x.abs()));
    let off = |x: f64, y: f64| !(x == y || (x - y).abs() <= tolerance * largest || (x.is_nan() && y.is_nan()));
    match a.iter().zip(&b).position(|(&x, &y)| off(x, y)) {
        Some(i) => {
            let pair = (a.get(i).copied().unwrap_or(f64::NAN), b.get(i).copied().unwrap_or(f64::NAN));
            let at = format!("too far off at {}", place(i, found.shape()));
            Err(Error::new(ErrorKind::Value, what, at, format_args!("{:e}", pair.0), format_args!("{:e} within {tolerance:e}", pair.1)))
        }
        None => Ok(()),
    }
}
