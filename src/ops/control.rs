//! Control: branches, checks.

use rustc_hash::FxHashMap;
use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Avals, Batched, Control, Cotangent, Infer, Kernel, OpDef, Vjp};
use crate::graph::{AsTensor, Graph, Node, Region, Tensor, Value, Values};
use crate::kernels;
use crate::ops::batch;
use crate::ops::closing::{Open, Operands, Returns};
use crate::ops::movement::expand_dims;
use crate::ops::select::select;
use crate::ops::unpack;
use crate::shape::{Aval, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&COND, &CHECK_FINITE];

row! {
    /// The outputs of one of two bodies, chosen by a 0-d condition; the other body does not run.
    ///
    /// Gradient: through the body that ran.
    pub COND = fn cond(inputs: [any]) -> outputs
    shape(c) join(c);
    kernel Kernel::Region(Control::Branch);
    support Unknown;
    vjp(v) { ..cond_vjp(v) }
    batch Rule(cond_over);
    numpy "ref.cond(inputs)";
    by hand;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its bodies are functions, not arrays: whole programs test it";
    exempt Messages: "whole programs test what it refuses";
}

/// The inputs of a branch that are no operands of its bodies: the condition.
const OWN: usize = Control::Branch.own();

/// The avals of a branch: those of both bodies' outputs, which must agree, then those of each body's residuals.
fn join(c: &mut Infer<'_>) -> Result<Avals> {
    let [a, b] = c.bodies else { return Err(Error::engine(c.op, "it has not two bodies", c.bodies.len(), 2)) };
    let join = |(x, y): (&&Aval, &&Aval)| {
        let shape: Option<_> = x.shape.iter().zip(&y.shape).map(|(d, e)| d.unify(*e)).collect();
        match shape {
            Some(shape) if x.dtype == y.dtype && x.ndim() == y.ndim() => Ok(Aval { dtype: x.dtype, shape }),
            _ => {
                let got = format!("{} {} and {} {}", x.dtype, Tuple(&x.shape), y.dtype, Tuple(&y.shape));
                Err(Error::new(ErrorKind::Shape, c.op, "the bodies' results differ", got, "equal dtypes and shapes"))
            }
        }
    };
    let mut avals: Avals = a.outputs.iter().zip(&b.outputs).map(join).collect::<Result<_>>()?;
    avals.extend(a.residuals.iter().chain(&b.residuals).map(|r| (*r).clone()));
    Ok(avals)
}

/// A body that was built: what it returns, and the values that it knows some operands by.
struct Built {
    returns: Returns,
    known: FxHashMap<Value, Value>,
}

/// The node of a branch over two bodies.
fn branch<'g>(graph: &'g Graph, condition: Tensor<'g>, bodies: [Built; 2]) -> Result<Tensor<'g>> {
    let mut operands = Operands::new(&[condition.value()]);
    let mut closed: [Returns; 2] = Default::default();
    for (k, (Built { mut returns, known }, slot)) in bodies.into_iter().zip(&mut closed).enumerate() {
        let returned = [&returns.outputs[..], &returns.residuals].concat();
        let open = Open { scope: returns.scope, returned: &returned, known: &known, differentiates: false };
        let needs = open.needs(graph)?;
        needs.operands.into_iter().for_each(|(operand, v)| operands.add(k, operand, v));
        returns.watched = needs.watched;
        *slot = returns;
    }
    inserted(graph, operands, closed)
}

fn inserted(graph: &Graph, operands: Operands, bodies: [Returns; 2]) -> Result<Tensor<'_>> {
    let (inputs, regions) = operands.regions(bodies);
    let t = graph.insert(&COND, &[], &inputs, regions);
    t.error().map_or(Ok(t), Err)
}

/// The values by which a body knows operands that it does not capture as they are, and these.
fn handed(node: &Node, region: &Region) -> FxHashMap<Value, Value> {
    let operands = node.inputs.iter().skip(OWN).zip(&region.parameters);
    operands.filter_map(|(&operand, p)| p.filter(|p| *p != operand).map(|p| (p, operand))).collect()
}

/// A branch over and over. Where one condition decides for all, its bodies get the axis; where each computation has its own,
/// both bodies are computed.
fn cond_over<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let graph = b.graph;
    let (&[then, otherwise], &[chosen, ..], &[own, ..]) = (&b.node.regions.iter().collect::<Vec<_>>()[..], b.inputs, b.has) else {
        return Err(unpack::arity(b.node.name()));
    };
    let again = |region: &Region| {
        let operands = region.parameters.iter().zip(&b.inputs[OWN..]).zip(&b.has[OWN..]).filter(|(_, has)| **has);
        let replaced: Vec<(Value, Tensor<'g>)> = operands.filter_map(|((p, &t), _)| p.map(|p| (p, t))).collect();
        let returned: Vec<Value> = region.returned().collect();
        b.again.outputs(graph, &returned, &replaced, b.n)
    };
    let joined = then.outputs.len();
    if own {
        let (mut a, mut z) = (again(then)?, again(otherwise)?);
        let column = |y: Tensor<'g>| batch::behind_first(expand_dims(chosen, -1), y.ndim() as i64 - 2);
        let taken = |(x, y): (Tensor<'g>, Tensor<'g>)| select(if x.ndim() == 1 { chosen } else { column(x) }, x, y);
        let residuals = [a.split_off(joined), z.split_off(joined)].concat();
        return Ok(a.into_iter().zip(z).map(taken).chain(residuals).collect());
    }
    let body = |region: &Region| {
        let (scope, ys) = graph.in_scope(Some(region.scope), || again(region));
        let mut outputs: Values = ys?.iter().map(|t| t.value()).collect();
        let residuals = outputs.drain(joined..).collect();
        Ok::<_, Error>(Built { returns: Returns { scope, outputs, residuals, watched: false }, known: handed(b.node, region) })
    };
    let first = branch(graph, chosen, [body(then)?, body(otherwise)?])?;
    Ok((0..b.node.avals.len()).map(|k| first.output(k)).collect())
}

fn cond_vjp<'g>(v: &Vjp<'_, 'g>) -> Vec<Cotangent<'g>> {
    match gradient(v) {
        Ok(cotangents) => cotangents,
        Err(e) => v.wanted.iter().map(|w| if *w { Cotangent::Value(v.graph.poison(e.clone())) } else { Cotangent::Zero }).collect(),
    }
}

/// The gradient of a branch is a branch on the same condition. What its bodies read of the bodies that they differentiate,
/// these hand on: nothing is computed twice.
fn gradient<'g>(v: &Vjp<'_, 'g>) -> Result<Vec<Cotangent<'g>>> {
    let (graph, node) = (v.graph, v.node);
    // Only what is asked for: a gradient that nobody needs would be computed by every run of the body.
    let wanted: Vec<usize> = (OWN..node.inputs.len()).filter(|&i| v.wanted.get(i) == Some(&true) && v.x(i).dtype().is_float()).collect();
    let back = |(k, region): (usize, &Region)| {
        let ys: Vec<Tensor<'g>> = region.returned().map(|y| graph.tensor(y)).collect();
        let residuals = v.cotangents.get(node.residuals(k)).unwrap_or_default();
        let seeds = [v.cotangents.get(..region.outputs.len()).unwrap_or_default(), residuals].concat();
        let known: Vec<Option<Tensor<'g>>> = wanted.iter().map(|&i| region.parameters[i - OWN].map(|p| graph.tensor(p))).collect();
        let xs: Vec<Tensor<'g>> = known.iter().copied().flatten().collect();
        let (scope, grads) = graph.in_scope(Some(region.scope), || v.differentiate.grad(&ys, &seeds, &xs));
        let mut grads = grads.into_iter();
        let all: Vec<_> = known.into_iter().map(|x| (x, x.and_then(|_| grads.next().flatten()))).collect();
        (scope, all)
    };
    let bodies: Vec<_> = node.regions.iter().enumerate().map(back).collect();
    let made: Vec<bool> = (0..wanted.len()).map(|j| bodies.iter().any(|(_, all)| all[j].1.is_some())).collect();
    if !made.contains(&true) {
        return Ok(vec![]);
    }
    let mut operands = Operands::new(&node.inputs[..OWN]);
    let mut closed: [Returns; 2] = Default::default();
    let mut residuals: [Values; 2] = Default::default();
    for (k, ((scope, all), region)) in bodies.into_iter().zip(&node.regions).enumerate() {
        let outputs: Values = graph.within(scope, || {
            let filled = all.iter().zip(&wanted).zip(&made).filter(|(_, made)| **made);
            filled.map(|(((x, g), &i), _)| g.unwrap_or_else(|| v.differentiate.zeros_like(x.unwrap_or(v.x(i)))).value()).collect()
        });
        let mut known = returned(graph, v.id, node, k);
        known.extend(handed(node, region));
        let needs = Open { scope, returned: &outputs, known: &known, differentiates: true }.needs(graph)?;
        needs.operands.into_iter().for_each(|(operand, v)| operands.add(k, operand, v));
        residuals[k] = needs.residuals;
        closed[k] = Returns { scope, outputs, residuals: Values::new(), watched: needs.watched };
    }
    if residuals.iter().any(|r| !r.is_empty()) {
        let lists = residuals.clone();
        let from = graph.within(node.scope, || handing_on(graph, node, residuals))?;
        let mut out = 0..;
        for (k, list) in lists.iter().enumerate() {
            list.iter().zip(out.by_ref()).for_each(|(&r, out)| operands.add(k, from.output(out).value(), r));
        }
    }
    let first = inserted(graph, operands, closed)?;
    let mut cotangents: Vec<Cotangent<'g>> = node.inputs.iter().map(|_| Cotangent::Zero).collect();
    for (out, &i) in wanted.iter().zip(&made).filter(|(_, made)| **made).map(|(i, _)| i).enumerate() {
        cotangents[i] = Cotangent::Value(first.output(out));
    }
    Ok(cotangents)
}

/// Values of body `k` that are outputs of its node, and these.
fn returned(graph: &Graph, id: u32, node: &Node, k: usize) -> FxHashMap<Value, Value> {
    let (around, region) = (graph.scope(), &node.regions[k]);
    let places = (0..region.outputs.len()).chain(node.residuals(k));
    let all = region.returned().zip(places).map(|(y, out)| (y, Value { node: id, out: out as u32 }));
    all.filter(|(y, _)| !graph.encloses(graph.node(y.node).scope, around)).collect()
}

/// A node over the bodies of a node, which hands on values of them. A plan makes one step of both. Nobody but the gradient gets
/// hold of its outputs, of which those of one body are never written.
fn handing_on<'g>(graph: &'g Graph, node: &Node, residuals: [Values; 2]) -> Result<Tensor<'g>> {
    let mut operands = Operands::of(node, OWN);
    let mut bodies: [Returns; 2] = Default::default();
    for (k, (residuals, region)) in residuals.into_iter().zip(&node.regions).enumerate() {
        let pairs = node.inputs.iter().skip(OWN).zip(&region.parameters);
        let known: FxHashMap<Value, Value> = pairs.filter_map(|(&operand, p)| p.map(|p| (p, operand))).collect();
        let needs = Open { scope: region.scope, returned: &residuals, known: &known, differentiates: false }.needs(graph)?;
        // Users' rules may read what the outputs do not depend on.
        let more = needs.operands.into_iter().filter(|(_, v)| !known.contains_key(v));
        more.for_each(|(operand, v)| operands.add(k, operand, v));
        bodies[k] = Returns { scope: region.scope, outputs: Values::new(), residuals, watched: needs.watched };
    }
    inserted(graph, operands, bodies)
}

/// A tensor, or several: what a body returns.
pub trait Tensors<'g>: Sized {
    /// As a list.
    fn list(self) -> Vec<Tensor<'g>>;
    /// From a list of the same length.
    fn from_list(list: &[Tensor<'g>]) -> Option<Self>;
    /// `t` in each place; `n` of them, if the form does not say how many.
    fn repeated(t: Tensor<'g>, n: usize) -> Self;
}
impl<'g> Tensors<'g> for Tensor<'g> {
    fn list(self) -> Vec<Tensor<'g>> {
        vec![self]
    }
    fn from_list(list: &[Tensor<'g>]) -> Option<Self> {
        list.first().copied()
    }
    fn repeated(t: Tensor<'g>, _: usize) -> Self {
        t
    }
}
impl<'g> Tensors<'g> for Vec<Tensor<'g>> {
    fn list(self) -> Vec<Tensor<'g>> {
        self
    }
    fn from_list(list: &[Tensor<'g>]) -> Option<Self> {
        Some(list.to_vec())
    }
    fn repeated(t: Tensor<'g>, n: usize) -> Self {
        vec![t; n]
    }
}
impl<'g, const N: usize> Tensors<'g> for [Tensor<'g>; N] {
    fn list(self) -> Vec<Tensor<'g>> {
        self.to_vec()
    }
    fn from_list(list: &[Tensor<'g>]) -> Option<Self> {
        list.try_into().ok()
    }
    fn repeated(t: Tensor<'g>, _: usize) -> Self {
        [t; N]
    }
}
impl<'g> Tensors<'g> for (Tensor<'g>, Tensor<'g>) {
    fn list(self) -> Vec<Tensor<'g>> {
        vec![self.0, self.1]
    }
    fn from_list(list: &[Tensor<'g>]) -> Option<Self> {
        match list {
            [a, b] => Some((*a, *b)),
            _ => None,
        }
    }
    fn repeated(t: Tensor<'g>, _: usize) -> Self {
        (t, t)
    }
}
impl<'g> Tensors<'g> for (Tensor<'g>, Tensor<'g>, Tensor<'g>) {
    fn list(self) -> Vec<Tensor<'g>> {
        vec![self.0, self.1, self.2]
    }
    fn from_list(list: &[Tensor<'g>]) -> Option<Self> {
        match list {
            [a, b, c] => Some((*a, *b, *c)),
            _ => None,
        }
    }
    fn repeated(t: Tensor<'g>, _: usize) -> Self {
        (t, t, t)
    }
}

/// Bodies inside bodies at most: planning and running them nests calls, which must fit on the stack of any thread.
pub const NESTED: usize = 400;

/// The list form of [`cond`]; faces that are not Rust use it.
#[track_caller]
pub(crate) fn cond_list<'g>(
    condition: Tensor<'g>,
    then: impl FnOnce() -> Result<Vec<Tensor<'g>>>,
    otherwise: impl FnOnce() -> Result<Vec<Tensor<'g>>>,
) -> Result<Vec<Tensor<'g>>> {
    let graph = condition.graph();
    if condition.ndim() != 0 {
        let got = format!("shape {}", Tuple(condition.dims()));
        return Err(Error::new(ErrorKind::Shape, "cond", "the condition is not a single value", got, "a 0-d tensor"));
    }
    if graph.depth() >= NESTED {
        let got = format_args!("{} levels", graph.depth() + 1);
        return Err(Error::new(ErrorKind::Graph, "cond", "bodies are nested too deep", got, format_args!("at most {NESTED}")));
    }
    let condition = crate::ops::apply::cast(condition, DType::Bool);
    let close = |(scope, list): (u32, Result<Vec<Tensor<'g>>>)| -> Result<(u32, Values, usize)> {
        let list = list?;
        if let Some(e) = list.iter().find_map(|t| t.error()) {
            return Err(e);
        }
        if list.iter().any(|t| t.graph().id() != graph.id()) {
            return Err(Error::text(
                ErrorKind::Graph,
                "cond: tensors of two graphs are mixed. Got a result of another context; expected all operands from one context.",
            ));
        }
        Ok((scope, list.iter().map(|t| t.value()).collect(), list.len()))
    };
    let a = close(graph.in_scope(None, then))?;
    let b = close(graph.in_scope(None, otherwise))?;
    if a.2 != b.2 {
        return Err(Error::new(
            ErrorKind::Shape,
            "cond",
            "the bodies return different numbers of tensors",
            format_args!("{} and {}", a.2, b.2),
            "equal numbers",
        ));
    }
    let built = |(scope, outputs, _)| {
        let returns = Returns { scope, outputs, ..Returns::default() };
        Built { returns, known: FxHashMap::default() }
    };
    let n = a.2;
    let made = branch(graph, condition, [built(a), built(b)])?;
    Ok((0..n).map(|k| made.output(k)).collect())
}

/// The result of `then()` if the 0-d condition is true, else of `otherwise()`; the other body does not run. The bodies may
/// use any tensor around them, and may branch again, up to 400 levels deep; both return tensors of equal dtypes and shapes.
#[track_caller]
pub fn cond<'g, O: Tensors<'g>>(condition: impl AsTensor<'g>, then: impl FnOnce() -> O, otherwise: impl FnOnce() -> O) -> O {
    let condition = condition.tensor();
    let n = std::cell::Cell::new(1);
    let out = cond_list(
        condition,
        || {
            let list = then().list();
            n.set(list.len());
            Ok(list)
        },
        || Ok(otherwise().list()),
    );
    // An error may come before `then` has run, so that only the form knows how many tensors there are.
    let poisoned = |e| O::repeated(condition.graph().poison(e), n.get());
    match out {
        Ok(list) => O::from_list(&list).unwrap_or_else(|| {
            poisoned(Error::new(ErrorKind::Shape, "cond", "the tensors do not fit the form", list.len(), "the number that `then` returned"))
        }),
        Err(e) => poisoned(e),
    }
}

row! {
    /// `x` itself; an element that is NaN or infinite is an error of the run, which then changes nothing.
    ///
    /// Gradient: `g`.
    pub CHECK_FINITE = fn check_finite(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Check(kernels::check::finite);
    support Elementwise(constant);
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    example "T.check_finite(T.log([1.0, np.e]))" => "[0. 1.]";
    case real[2, 3];
}
