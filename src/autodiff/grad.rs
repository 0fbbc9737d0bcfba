//! The reverse sweep: from the outputs back, one rule a node; each rule builds graph.
//!
//! Broadcast cotangents are summed here and nowhere else. A cotangent may carry a mask: it counts only where the mask is
//! true. The mask goes through elementwise and movement rules beside the cotangent, and is applied, as an exact zero, where
//! the cotangent leaves them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use smallvec::{SmallVec, smallvec};

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::nesting::nested;
use crate::graph::op::{Body, Cotangent, Differentiate, Family, GradientContext, Primitive, Vjp};
use crate::graph::{AsTensor, Graph, Node, NodeOp, Tensor, Value};
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{logical_and, logical_or};
use crate::ops::elementwise::add;
use crate::ops::rules::{typed_like, unbroadcast};
use crate::ops::select::select;

/// A cotangent, and where it counts.
#[derive(Clone, Copy)]
struct Flow<'g> {
    value: Tensor<'g>,
    mask: Option<Tensor<'g>>,
}

impl<'g> Flow<'g> {
    /// The cotangent with its mask applied.
    fn settled(self) -> Tensor<'g> {
        match self.mask {
            Some(mask) => select(mask, self.value, 0.0),
            None => self.value,
        }
    }
}

type Flows<'g> = SmallVec<[Flow<'g>; 2]>;

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
}

/// A number repeated to the shape of `t`, in its dtype.
fn full_like<'g>(t: Tensor<'g>, x: f64) -> Tensor<'g> {
    let dtype = if t.dtype() == DType::Bool { DType::F64 } else { t.dtype() };
    let x = if dtype.is_float() { x.into() } else { (x as i64).into() };
    broadcast_like(t.graph().scalar(x, dtype), t)
}

/// Gradients of the sum of `ys` with respect to each of `xs`, as graph: `d (sum of all elements of all ys) / d x`.
///
/// An `x` that no `y` depends on has a gradient of zeros. Errors (an op on the way that has no gradient, an `x` that is not
/// floating) make the results error tensors, which evaluation returns.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// let g = run(|ctx| {
///     let x = ctx.placeholder("x", &[]);
///     let y = x * x * x;
///     let g = T::grad(&[y], &[x]);
///     ctx.evaluator().push(g[0]).feed(x, 2.0).run()[0].clone()
/// });
/// assert_eq!(g.unwrap().item().unwrap(), 12.0);
/// ```
#[track_caller]
pub fn grad<'g, A: AsTensor<'g>, B: AsTensor<'g>>(ys: &[A], xs: &[B]) -> Vec<Tensor<'g>> {
    grad_with_default(ys, xs, &[] as &[Tensor<'g>])
}

/// As [`grad`], with given cotangents of `ys` in place of ones. An empty list means ones.
#[track_caller]
pub fn grad_with_default<'g, A: AsTensor<'g>, B: AsTensor<'g>, C: AsTensor<'g>>(ys: &[A], xs: &[B], ys_grads: &[C]) -> Vec<Tensor<'g>> {
    let ys: Vec<Tensor<'g>> = ys.iter().map(|t| t.tensor()).collect();
    let xs: Vec<Tensor<'g>> = xs.iter().map(|t| t.tensor()).collect();
    let gs: Vec<Tensor<'g>> = ys_grads.iter().map(|t| t.tensor()).collect();
    let site = crate::error::Site::here();
    match site.during(|| try_grad(&ys, &xs, &gs)) {
        Ok(grads) => grads,
        Err(e) => site.during(|| xs.iter().map(|x| x.graph().poison(e.clone())).collect()),
    }
}

/// As [`grad_with_default`], with errors as results.
pub fn try_grad<'g>(ys: &[Tensor<'g>], xs: &[Tensor<'g>], seeds: &[Tensor<'g>]) -> Result<Vec<Tensor<'g>>> {
    if !seeds.is_empty() && seeds.len() != ys.len() {
        return Err(Error::new(
            ErrorKind::Shape,
            "grad",
            "cotangents and outputs do not pair",
            format_args!("{} and {}", seeds.len(), ys.len()),
            "one cotangent an output",
        ));
    }
    for t in ys.iter().chain(xs).chain(seeds) {
        if let Some(e) = t.error() {
            return Err(e);
        }
        if xs.first().is_some_and(|x| x.graph().id() != t.graph().id()) {
            return Err(Error::new(
                ErrorKind::Graph,
                "grad",
                "tensors of two graphs are mixed",
                "tensors of two contexts",
                "all tensors from one context",
            ));
        }
    }
    for t in ys.iter().chain(xs) {
        if !t.dtype().is_float() {
            let e = Error::new(ErrorKind::NotDifferentiable, "grad", "not a floating tensor", format_args!("{t:?}"), "float32 or float64");
            return Err(e.help("cast it to a floating dtype before it is used"));
        }
    }
    let mut pairs = Vec::with_capacity(ys.len());
    for (i, &y) in ys.iter().enumerate() {
        let seed = match seeds.get(i) {
            Some(&s) => broadcast_like(typed_like(s, y), y),
            None => full_like(y, 1.0),
        };
        if let Some(e) = seed.error() {
            return Err(e);
        }
        pairs.push((y, seed));
    }
    let grads = sweep(&pairs, xs, false)?;
    let grads: Vec<_> = grads.into_iter().zip(xs).map(|(g, &x)| g.unwrap_or_else(|| full_like(x, 0.0))).collect();
    match grads.iter().find_map(|t| t.error()) {
        Some(e) => Err(e),
        None => Ok(grads),
    }
}

/// Which nodes between `low` and the outputs depend on one of `xs`, by index minus `low`.
fn dependents(graph: &Graph, ys: &[Value], xs: &[Value], stop: bool) -> (u32, Vec<bool>) {
    let low = xs.iter().map(|v| v.node).min().unwrap_or(0);
    let Some(high) = ys.iter().map(|v| v.node).max().filter(|&h| h >= low) else { return (low, vec![]) };
    let mut reached = vec![false; (high - low) as usize + 1];
    let mut stack: Vec<u32> = ys.iter().map(|v| v.node).filter(|&n| n >= low).collect();
    let is_x = |node: u32| xs.iter().any(|x| x.node == node);
    let x_nodes: rustc_hash::FxHashSet<u32> = xs.iter().map(|v| v.node).collect();
    debug_assert!(xs.iter().all(|v| is_x(v.node)));
    while let Some(id) = stack.pop() {
        let Some(mark) = reached.get_mut((id - low) as usize) else { continue };
        if std::mem::replace(mark, true) || (stop && x_nodes.contains(&id)) {
            continue;
        }
        stack.extend(graph.node(id).inputs.iter().map(|v| v.node).filter(|&n| n >= low));
    }
    // Inputs have smaller indices than their users, so one pass upwards settles who depends on an x.
    for id in low..=high {
        let i = (id - low) as usize;
        if !reached.get(i).copied().unwrap_or(false) {
            continue;
        }
        let via =
            |v: &Value| v.node >= low && reached.get((v.node - low) as usize).copied().unwrap_or(false) && graph.aval(*v).dtype.is_float();
        let depends = x_nodes.contains(&id) || graph.node(id).inputs.iter().any(via);
        if let Some(slot) = reached.get_mut(i) {
            *slot = depends;
        }
    }
    (low, reached)
}

/// `d (sum ys * seeds) / d xs`; `None` where nothing depends on `x`. With `stop`, the xs are independent of one another.
fn sweep<'g>(seeds: &[(Tensor<'g>, Tensor<'g>)], xs: &[Tensor<'g>], stop: bool) -> Result<Vec<Option<Tensor<'g>>>> {
    let Some(graph) = xs.first().map(|x| x.graph()) else { return Ok(vec![]) };
    let x_values: Vec<Value> = xs.iter().map(|x| x.value()).collect();
    let y_values: Vec<Value> = seeds.iter().map(|(y, _)| y.value()).collect();
    let (low, depends) = dependents(graph, &y_values, &x_values, stop);
    let depends = |v: Value| v.node >= low && depends.get((v.node - low) as usize).copied().unwrap_or(false);
    let top = y_values.iter().map(|v| v.node).max().unwrap_or(0);
    let mut flows: Vec<SmallVec<[(u32, Flow<'g>); 2]>> = Vec::new();
    flows.resize_with((top.max(low) - low) as usize + 1, SmallVec::new);
    for &(y, seed) in seeds {
        if depends(y.value())
            && let Some(list) = flows.get_mut((y.value().node - low) as usize)
        {
            list.push((y.value().out, Flow { value: seed, mask: None }));
        }
    }
    let targets: rustc_hash::FxHashSet<Value> = x_values.iter().copied().collect();
    let target_nodes: rustc_hash::FxHashSet<u32> = x_values.iter().map(|v| v.node).collect();
    let mut found: rustc_hash::FxHashMap<Value, Tensor<'g>> = Default::default();
    for id in (low..=top.max(low)).rev() {
        let list = match flows.get_mut((id - low) as usize) {
            Some(list) if !list.is_empty() => std::mem::take(list),
            _ => continue,
        };
        let node = graph.node(id);
        let mut totals: SmallVec<[Option<Flow<'g>>; 1]> = smallvec![None; node.avals.len()];
        for (k, slot) in totals.iter_mut().enumerate() {
            let here: Flows<'g> = list.iter().filter(|(out, _)| *out as usize == k).map(|(_, f)| *f).collect();
            *slot = accumulate(&here);
        }
        if target_nodes.contains(&id) {
            for (k, total) in totals.iter().enumerate() {
                let value = Value { node: id, out: k as u32 };
                if let (Some(t), true) = (total, targets.contains(&value)) {
                    found.insert(value, t.settled());
                }
            }
            if stop {
                continue;
            }
        }
        let wanted: SmallVec<[bool; 4]> = node.inputs.iter().map(|&v| depends(v) && graph.aval(v).dtype.is_float()).collect();
        if !wanted.contains(&true) {
            continue;
        }
        let back = node.site.during(|| graph.inside_rule(id, || step(graph, id, node, &totals, &wanted)))?;
        for ((&v, flow), want) in node.inputs.iter().zip(back).zip(&wanted) {
            if let (Some(flow), true) = (flow, *want) {
                if let Some(e) = flow.value.error() {
                    return Err(e);
                }
                if let Some(list) = flows.get_mut((v.node - low) as usize) {
                    list.push((v.out, flow));
                }
            }
        }
    }
    Ok(x_values.iter().map(|v| found.get(v).copied()).collect())
}

/// The sum of the cotangents that reach one value. Where each of them is masked out, so is the sum: a function that is used
/// twice under masks leaves as little as one that is used once.
fn accumulate<'g>(flows: &[Flow<'g>]) -> Option<Flow<'g>> {
    match flows {
        [] => None,
        [one] => Some(*one),
        [first, rest @ ..] => {
            let common = |m: &Tensor<'g>| rest.iter().all(|f| f.mask.is_some_and(|o| o.is(m)));
            if let Some(mask) = first.mask.filter(common) {
                let sum = rest.iter().map(|f| f.value).fold(first.value, add);
                return Some(Flow { value: sum, mask: Some(mask) });
            }
            let value = rest.iter().map(|f| f.settled()).fold(first.settled(), add);
            let either = |m: Tensor<'g>, f: &Flow<'g>| f.mask.map(|o| if o.is(&m) { m } else { logical_or(m, o) });
            let mask = first.mask.and_then(|m| rest.iter().try_fold(m, either));
            Some(Flow { value, mask })
        }
    }
}

/// The cotangents of a node's inputs.
fn step<'g>(graph: &'g Graph, id: u32, node: &'g Node, totals: &[Option<Flow<'g>>], wanted: &[bool]) -> Result<Vec<Option<Flow<'g>>>> {
    match &node.op {
        NodeOp::Row(def) => {
            let Body::Primitive(p) = &def.body else { return Ok(vec![]) };
            row(graph, id, node, def.name, p, totals, wanted)
        }
        NodeOp::User(op) => {
            let settled: Vec<Option<Tensor<'g>>> = totals.iter().map(|t| t.map(|f| f.settled())).collect();
            let vjp = Vjp { graph, id, node, cotangents: &settled, wanted, differentiate: &Sweep };
            let mut c = GradientContext::new(&vjp);
            nested(op.name(), || guarded(op.name(), || op.grad(&mut c)))?;
            let grads = std::mem::take(&mut c.grads);
            let mut out = Vec::with_capacity(grads.len());
            for (g, &v) in grads.into_iter().zip(&node.inputs) {
                out.push(match g {
                    None => None,
                    Some(g) => Some(Flow { value: fitted(op.name(), g, graph.tensor(v))?, mask: None }),
                });
            }
            Ok(out)
        }
        NodeOp::Hook(_) => Ok(totals.to_vec()),
        _ => Ok(vec![]),
    }
}

fn row<'g>(
    graph: &'g Graph,
    id: u32,
    node: &'g Node,
    name: &str,
    p: &Primitive,
    totals: &[Option<Flow<'g>>],
    wanted: &[bool],
) -> Result<Vec<Option<Flow<'g>>>> {
    // Where a mask passes through, the rule sees the cotangent without it.
    let passes = p.family != Family::Mixing;
    let mask = totals.first().copied().flatten().and_then(|f| f.mask).filter(|_| passes);
    let cotangents: Vec<Option<Tensor<'g>>> = totals.iter().map(|t| t.map(|f| if passes { f.value } else { f.settled() })).collect();
    let apply = |cotangents: &[Option<Tensor<'g>>]| {
        let vjp = Vjp { graph, id, node, cotangents, wanted, differentiate: &Sweep };
        guarded(name, || (p.vjp)(&vjp))
    };
    let values = apply(&cotangents)?;
    let masks: Vec<Option<Tensor<'g>>> = match (mask, p.family) {
        (Some(m), Family::Movement) => apply(&[Some(m)])?
            .into_iter()
            .map(|c| match c {
                Cotangent::Value(m) => Some(m),
                _ => None,
            })
            .collect(),
        (Some(m), _) => vec![Some(m); values.len()],
        (None, _) => vec![None; values.len()],
    };
    let mut out = Vec::with_capacity(values.len());
    for (i, (c, outer)) in values.into_iter().zip(masks).enumerate() {
        let want = wanted.get(i).copied().unwrap_or(false);
        let flow = match c {
            Cotangent::Zero => None,
            Cotangent::Nondiff(why) if want => {
                let e = Error::new(ErrorKind::NotDifferentiable, name, "there is no gradient", format_args!("input {i}"), why);
                return Err(graph.blame(id, e));
            }
            Cotangent::Nondiff(_) => None,
            Cotangent::Value(value) => Some(Flow { value, mask: outer }),
            Cotangent::Masked(value, inner) => Some(Flow { value, mask: Some(outer.map_or(inner, |m| logical_and(m, inner))) }),
        };
        let flow = match (flow, node.inputs.get(i)) {
            (Some(f), Some(&v)) if want => Some(summed(f, graph.tensor(v))),
            _ => None,
        };
        out.push(flow);
    }
    Ok(out)
}

/// A flow brought to the shape and dtype of the input that it belongs to.
fn summed<'g>(f: Flow<'g>, x: Tensor<'g>) -> Flow<'g> {
    if f.value.dims() == x.dims() && f.value.dtype() == x.dtype() && f.mask.is_none_or(|m| m.dims() == x.dims()) {
        return f;
    }
    let value = f.settled();
    Flow { value: typed_like(unbroadcast(value, x), x), mask: None }
}

/// A user op's cotangent, checked.
fn fitted<'g>(op: &str, g: Tensor<'g>, x: Tensor<'g>) -> Result<Tensor<'g>> {
    if let Some(e) = g.error() {
        return Err(e);
    }
    let g = broadcast_like(typed_like(g, x), x);
    g.error().map_or(Ok(g), |_| {
        let what = "the gradient of an input has a shape that is not the input's";
        Err(Error::new(ErrorKind::Shape, op, what, crate::shape::Tuple(g.dims()), crate::shape::Tuple(x.dims())))
    })
}

fn guarded<R>(op: &str, f: impl FnOnce() -> R) -> Result<R> {
    catch_unwind(AssertUnwindSafe(f))
        .map_err(|_| Error::text(ErrorKind::Graph, format!("{op}: its gradient rule panicked. Got a panic; expected cotangents.")))
}
