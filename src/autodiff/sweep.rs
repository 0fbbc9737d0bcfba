//! The reverse sweep: from the outputs back, one rule a node; each rule builds graph.
//!
//! Broadcast cotangents are summed here and nowhere else. A cotangent carries its support; see [`support`](super::support).

use std::panic::{AssertUnwindSafe, catch_unwind};

use smallvec::{SmallVec, smallvec};

use crate::error::{Error, ErrorKind, Result};
use crate::graph::nesting::nested;
use crate::graph::op::{Body, Cotangent, Differentiate, Primitive, Support, Vjp};
use crate::graph::user::GradientContext;
use crate::graph::{Graph, Node, NodeOp, Tensor, Value};
use crate::ops::movement::{expand_dims, same_shape, squeeze};
use crate::ops::rules::typed_like;
use crate::shape::Tuple;

use super::batch::over;
use super::grad::full_like;
use super::reach::Reach;
use super::support::{Flow, Supports};

/// The sweep, as rules see it.
pub struct Sweep;

impl Differentiate for Sweep {
    fn zeros_like<'g>(&self, t: Tensor<'g>) -> Tensor<'g> {
        full_like(t, 0.0)
    }
    fn grad<'g>(&self, ys: &[Tensor<'g>], seeds: &[Option<Tensor<'g>>], xs: &[Tensor<'g>]) -> Vec<Option<Tensor<'g>>> {
        let seeds: Vec<_> = ys.iter().zip(seeds).filter_map(|(&y, s)| s.map(|s| (y, s))).collect();
        match sweep(&seeds, xs, true) {
            Ok(grads) => grads,
            Err(e) => xs.iter().map(|x| Some(x.graph().poison(e.clone()))).collect(),
        }
    }
    fn replaced<'g>(&self, ys: &[Tensor<'g>], pairs: &[(Tensor<'g>, Tensor<'g>)]) -> Result<Vec<Tensor<'g>>> {
        let Some(graph) = ys.first().map(|y| y.graph()) else { return Ok(vec![]) };
        // Over and over, once.
        let values: Vec<Value> = ys.iter().map(|y| y.value()).collect();
        let with: Vec<(Value, Tensor<'g>)> = pairs.iter().map(|(x, by)| (x.value(), expand_dims(*by, 0))).collect();
        Ok(over(graph, &values, &with, 1)?.into_iter().map(|y| squeeze(y, 0)).collect())
    }
}

/// `d (sum ys * seeds) / d xs`; `None` where nothing depends on `x`. With `stop`, the xs are independent of one another.
pub fn sweep<'g>(seeds: &[(Tensor<'g>, Tensor<'g>)], xs: &[Tensor<'g>], stop: bool) -> Result<Vec<Option<Tensor<'g>>>> {
    let Some(graph) = xs.first().map(|x| x.graph()) else { return Ok(vec![]) };
    graph.in_sweep(|| swept(graph, seeds, xs, stop))
}

fn swept<'g>(graph: &'g Graph, seeds: &[(Tensor<'g>, Tensor<'g>)], xs: &[Tensor<'g>], stop: bool) -> Result<Vec<Option<Tensor<'g>>>> {
    let x_values: Vec<Value> = xs.iter().map(|x| x.value()).collect();
    let y_values: Vec<Value> = seeds.iter().map(|(y, _)| y.value()).collect();
    let reach = Reach::new(graph, &y_values, &x_values, stop)?;
    let mut supports = Supports::new(graph);
    let mut flows: Vec<SmallVec<[Contribution<'g>; 2]>> = Vec::new();
    flows.resize_with(reach.ids().len(), SmallVec::new);
    let push = |flows: &mut [SmallVec<[Contribution<'g>; 2]>], to: Value, from: u32, flow: Flow<'g>| {
        if let Some(list) = reach.place(to.node).and_then(|p| flows.get_mut(p)) {
            list.push(Contribution { out: to.out, from, flow });
        }
    };
    for &(y, seed) in seeds.iter().filter(|(y, _)| reach.depends(y.value().node)) {
        push(&mut flows, y.value(), u32::MAX, Flow::unknown(seed));
    }
    let mut targets: SmallVec<[Value; 4]> = x_values.iter().copied().collect();
    targets.sort_unstable();
    targets.dedup();
    let is_target = |id: u32| targets.get(targets.partition_point(|v| v.node < id)).is_some_and(|v| v.node == id);
    let mut found: SmallVec<[Option<Tensor<'g>>; 4]> = smallvec![None; targets.len()];
    for (place, &id) in reach.ids().iter().enumerate().rev() {
        let mut list = match flows.get_mut(place) {
            Some(list) if !list.is_empty() => std::mem::take(list),
            _ => continue,
        };
        // What came through a mark counts where its reader stands.
        if !list.is_sorted_by_key(|c| std::cmp::Reverse(c.from)) {
            list.sort_by_key(|c| std::cmp::Reverse(c.from));
        }
        let node = graph.node(id);
        // A mark changes nothing, and neither the order in which cotangents are added up.
        if let (true, Some(&x)) = (node.is_mark() && !is_target(id), node.inputs.first()) {
            list.into_iter().for_each(|c| push(&mut flows, x, c.from, c.flow));
            continue;
        }
        let mut totals: SmallVec<[Option<Flow<'g>>; 1]> = smallvec![None; node.avals.len()];
        for (k, slot) in totals.iter_mut().enumerate() {
            if let [Contribution { out, flow, .. }] = list[..] {
                *slot = (out as usize == k).then_some(flow);
                continue;
            }
            let here: SmallVec<[Flow<'g>; 2]> = list.iter().filter(|c| c.out as usize == k).map(|c| c.flow).collect();
            *slot = supports.accumulated(&here);
        }
        if is_target(id) {
            for (k, total) in totals.iter().enumerate() {
                if let (Some(t), Ok(i)) = (total, targets.binary_search(&Value { node: id, out: k as u32 })) {
                    found[i] = Some(supports.settled(*t).value);
                }
            }
            if stop {
                continue;
            }
        }
        let wanted: SmallVec<[bool; 4]> = node.inputs.iter().map(|&v| reach.depends(v.node) && graph.aval(v).dtype.is_float()).collect();
        if !wanted.contains(&true) {
            continue;
        }
        let rule = || Step { graph, id, node, wanted: &wanted, supports: &mut supports }.flows(&totals);
        let back = node.site.during(|| graph.inside_rule(id, rule))?;
        for ((&v, flow), want) in node.inputs.iter().zip(back).zip(&wanted) {
            if let (Some(flow), true) = (flow, *want) {
                if let Some(e) = flow.value.error() {
                    return Err(e);
                }
                push(&mut flows, v, id, flow);
            }
        }
    }
    Ok(x_values.iter().map(|v| targets.binary_search(v).ok().and_then(|i| found[i])).collect())
}

/// A part of a cotangent.
#[derive(Clone, Copy)]
struct Contribution<'g> {
    /// Of which output.
    out: u32,
    /// The node whose rule gave it.
    from: u32,
    flow: Flow<'g>,
}

/// A node about to be differentiated.
struct Step<'a, 'g> {
    graph: &'g Graph,
    id: u32,
    node: &'g Node,
    wanted: &'a [bool],
    supports: &'a mut Supports<'g>,
}

impl<'g> Step<'_, 'g> {
    /// The cotangents of the inputs, from those of the outputs.
    fn flows(mut self, totals: &[Option<Flow<'g>>]) -> Result<Vec<Option<Flow<'g>>>> {
        match &self.node.op {
            NodeOp::Row(def) => match &def.body {
                Body::Primitive(p) => self.row(def.name, p, totals),
                Body::Composite(_) => Ok(vec![]),
            },
            NodeOp::User(op) => {
                let settled = self.settled(totals);
                let vjp = self.vjp(&settled);
                let mut c = GradientContext::new(&vjp);
                nested(op.name(), || guarded(op.name(), || op.grad(&mut c)))?;
                let grads = std::mem::take(&mut c.grads);
                let inputs = grads.into_iter().zip(&self.node.inputs).enumerate();
                let fit = |i, g: Option<Tensor<'g>>, v: Value| g.map(|g| fitted(op.name(), i, g, self.graph.tensor(v))).transpose();
                inputs.map(|(i, (g, &v))| Ok(fit(i, g, v)?.map(Flow::unknown))).collect()
            }
            NodeOp::Hook(_) => Ok(totals.to_vec()),
            _ => Ok(vec![]),
        }
    }

    fn vjp<'b>(&'b self, cotangents: &'b [Option<Tensor<'g>>]) -> Vjp<'b, 'g> {
        Vjp { graph: self.graph, id: self.id, node: self.node, cotangents, wanted: self.wanted, differentiate: &Sweep }
    }

    fn settled(&mut self, totals: &[Option<Flow<'g>>]) -> Vec<Option<Tensor<'g>>> {
        totals.iter().map(|t| t.map(|f| self.supports.settled(f).value)).collect()
    }

    fn row(&mut self, name: &str, p: &Primitive, totals: &[Option<Flow<'g>>]) -> Result<Vec<Option<Flow<'g>>>> {
        let only = totals.iter().skip(1).all(Option::is_none);
        let read = match (p.support, totals.first().copied().flatten()) {
            (_, None) => None,
            (Support::Elementwise(derivative), Some(f)) if f.is_masked() => Some(self.supports.exposed(f, derivative(&self.vjp(&[])))),
            (Support::Elementwise(_), Some(f)) => Some(f),
            (Support::Moved, Some(f)) => Some(f),
            (_, Some(f)) => Some(self.supports.settled(f)),
        };
        let mut cotangents: SmallVec<[Option<Tensor<'g>>; 2]> = smallvec![read.map(|f| f.value)];
        cotangents.extend(totals.iter().skip(1).map(|t| t.map(|f| self.supports.settled(f).value)));
        let how = if only { p.support } else { Support::Unknown };
        let values = guarded(name, || (p.vjp)(&self.vjp(&cotangents)))?;
        let mut out = Vec::with_capacity(values.len());
        for (i, (c, &v)) in values.into_iter().zip(&self.node.inputs).enumerate() {
            let through = |supports: &mut Supports<'g>, value: Tensor<'g>| match read {
                Some(f) => supports.through(self.id, i, how, f, value),
                None => Flow::unknown(value),
            };
            let want = self.wanted.get(i).copied().unwrap_or(false);
            let flow = match c {
                Cotangent::Value(value) if want => through(self.supports, value),
                Cotangent::Masked(value, mask) if want => {
                    let f = through(self.supports, value);
                    self.supports.masked(f, value, mask)
                }
                Cotangent::Nondiff(why) if want => {
                    let e = Error::new(ErrorKind::NotDifferentiable, name, "there is no gradient", format_args!("input {i}"), why);
                    return Err(self.graph.blame(self.id, e));
                }
                _ => {
                    out.push(None);
                    continue;
                }
            };
            out.push(Some(self.supports.summed(flow, self.graph.tensor(v))));
        }
        Ok(out)
    }
}

/// The cotangent of input `i` that a user's op gave: exactly of the input's shape. Lengths that are not known yet are checked
/// when they are.
fn fitted<'g>(op: &str, i: usize, g: Tensor<'g>, x: Tensor<'g>) -> Result<Tensor<'g>> {
    if let Some(e) = g.error() {
        return Err(e);
    }
    let same = same_shape(typed_like(g, x), x);
    same.error().map_or(Ok(same), |_| {
        let what = format_args!("the cotangent of input {i} has another shape than the input");
        let e = Error::new(ErrorKind::Shape, op, what, Tuple(g.dims()), Tuple(x.dims()));
        Err(e.help("sum it over the axes along which the input was repeated"))
    })
}

fn guarded<R>(op: &str, f: impl FnOnce() -> R) -> Result<R> {
    catch_unwind(AssertUnwindSafe(f))
        .map_err(|_| Error::text(ErrorKind::Graph, format!("{op}: its gradient rule panicked. Got a panic; expected cotangents.")))
}
