//! Control: branches, writes to variables, checks.

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Batched, Cotangent, Infer, Kernel, OpDef, Vjp};
use crate::graph::{AsTensor, Graph, NodeOp, Region, Tensor, Value, Values};
use crate::kernels;
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::batch;
use crate::ops::movement::expand_dims;
use crate::ops::select::select;
use crate::ops::unpack;
use crate::shape::{Aval, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&COND, &ASSIGN, &CHECK_FINITE];

row! {
    /// The outputs of one of two bodies, chosen by a 0-d condition; the other body does not run.
    ///
    /// Gradient: through the body that ran.
    pub COND = fn cond(inputs: [any]) -> outputs
    shape(c) join(c);
    kernel Kernel::Branch;
    support Unknown;
    vjp(v) { ..cond_vjp(v) }
    batch Rule(cond_over);
    numpy "ref.cond(inputs)";
    by hand;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its bodies are functions, not arrays: whole programs test it";
    exempt Messages: "whole programs test what it refuses";
}

/// The avals of a branch: those of both bodies' outputs, which must agree.
fn join(c: &mut Infer<'_>) -> Result<crate::graph::op::Avals> {
    let (a, b) = c.inputs.split_at(c.inputs.len() / 2);
    a.iter()
        .zip(b)
        .map(|(x, y)| {
            let shape: Option<_> = x.shape.iter().zip(&y.shape).map(|(d, e)| d.unify(*e)).collect();
            match shape {
                Some(shape) if x.dtype == y.dtype && x.ndim() == y.ndim() => Ok(Aval { dtype: x.dtype, shape }),
                _ => {
                    let got = format!("{} {} and {} {}", x.dtype, Tuple(&x.shape), y.dtype, Tuple(&y.shape));
                    Err(Error::new(ErrorKind::Shape, c.op, "the bodies' results differ", got, "equal dtypes and shapes"))
                }
            }
        })
        .collect()
}

/// The outer values that the nodes of a body use, in the order in which a traversal meets them: it follows from the
/// structure, as a plan's key must, not from the order in which the program built them. A body is what its outputs depend on and what does not belong to the
/// scope around it, so a gradient's body may use the nodes of the body that it differentiates.
fn captures(graph: &Graph, outputs: &[Value]) -> Result<Values> {
    let around = graph.scope();
    let mut found = Values::new();
    let mut seen = FxHashSet::default();
    let mut outer: FxHashMap<u32, bool> = FxHashMap::default();
    let mut stack: Vec<Value> = outputs.to_vec();
    while let Some(v) = stack.pop() {
        if !seen.insert(v) {
            continue;
        }
        let node = graph.node(v.node);
        if *outer.entry(node.scope).or_insert_with(|| graph.encloses(node.scope, around)) {
            found.push(v);
            continue;
        }
        if node.def().is_some_and(|d| std::ptr::eq(d, &ASSIGN)) {
            return Err(Error::text(
                ErrorKind::Graph,
                "cond: a body writes to a variable. Got `assign`; expected bodies that only compute.",
            ));
        }
        stack.extend(node.inputs.iter().copied());
    }
    Ok(found)
}

/// The node of a branch over two closed bodies.
fn branch<'g>(graph: &'g Graph, condition: Tensor<'g>, bodies: [(u32, Values); 2]) -> Result<Tensor<'g>> {
    let mut inputs: Values = smallvec![condition.value()];
    let mut seen = FxHashSet::default();
    for (_, outputs) in &bodies {
        inputs.extend(captures(graph, outputs)?.into_iter().filter(|&v| seen.insert(v)));
    }
    let regions = bodies.map(|(scope, outputs)| Region { scope, outputs }).into();
    let t = graph.insert(&COND, &[], &inputs, regions);
    t.error().map_or(Ok(t), Err)
}

/// A branch over and over. Where one condition decides for all, its bodies get the axis; where each computation has its own,
/// both bodies are computed.
fn cond_over<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let graph = b.graph;
    let replaced: Vec<(Value, Tensor<'g>)> =
        b.node.inputs.iter().zip(b.inputs).zip(b.has).skip(1).filter(|(_, has)| **has).map(|((&v, &t), _)| (v, t)).collect();
    let (&[then, otherwise], &[chosen, ..], &[own, ..]) = (&b.node.regions.iter().collect::<Vec<_>>()[..], b.inputs, b.has) else {
        return Err(unpack::arity(b.node.name()));
    };
    if own {
        let [a, z] = [then, otherwise].map(|r| b.again.outputs(graph, &r.outputs, &replaced, b.n));
        let column = |y: Tensor<'g>| batch::behind_first(expand_dims(chosen, -1), y.ndim() as i64 - 2);
        let taken = |(x, y): (Tensor<'g>, Tensor<'g>)| select(if x.ndim() == 1 { chosen } else { column(x) }, x, y);
        return Ok(a?.into_iter().zip(z?).map(taken).collect());
    }
    let body = |region: &Region| {
        let (scope, ys) = graph.in_scope(Some(region.scope), || b.again.outputs(graph, &region.outputs, &replaced, b.n));
        Ok::<_, Error>((scope, ys?.iter().map(|t| t.value()).collect::<Values>()))
    };
    let first = branch(graph, chosen, [body(then)?, body(otherwise)?])?;
    Ok((0..b.node.avals.len()).map(|k| first.output(k)).collect())
}

fn cond_vjp<'g>(v: &Vjp<'_, 'g>) -> Vec<Cotangent<'g>> {
    let graph = v.graph;
    // Only what is asked for: a gradient that nobody needs would be computed by every run of the body.
    let wanted: Vec<bool> =
        (0..v.node.inputs.len()).map(|i| i > 0 && v.wanted.get(i) == Some(&true) && v.x(i).dtype().is_float()).collect();
    let xs: Vec<Tensor<'g>> = wanted.iter().enumerate().filter(|(_, w)| **w).map(|(i, _)| v.x(i)).collect();
    let body = |region: &Region| {
        let ys: Vec<Tensor<'g>> = region.outputs.iter().map(|&y| graph.tensor(y)).collect();
        graph.in_scope(Some(region.scope), || {
            let grads = v.differentiate.grad(&ys, v.cotangents, &xs);
            let filled = grads.into_iter().zip(&xs).map(|(g, &x)| g.unwrap_or_else(|| v.differentiate.zeros_like(x)));
            filled.map(|t| t.value()).collect::<Values>()
        })
    };
    let [then, otherwise] = &v.node.regions[..] else { return vec![] };
    let made = branch(graph, v.x(0), [body(then), body(otherwise)]);
    let made = made.unwrap_or_else(|e| graph.poison(e));
    let mut outputs = 0..;
    wanted
        .iter()
        .map(|w| if *w { outputs.next().map_or(Cotangent::Zero, |k| Cotangent::Value(made.output(k))) } else { Cotangent::Zero })
        .collect()
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
    let made = branch(graph, condition, [(a.0, a.1), (b.0, b.1)])?;
    Ok((0..a.2).map(|k| made.output(k)).collect())
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
    /// Writes `x` into a variable at the end of the run, and is `x`. All reads of the run see the old value.
    ///
    /// Gradient: that of `x`.
    pub ASSIGN = fn assign(variable: any, x: any) -> y
    shape(c) {
        let fits = variable.ndim() == x.ndim() && variable.shape.iter().zip(&x.shape).all(|(a, b)| a.unify(*b).is_some());
        if !fits {
            return c.shape_error("the value does not fit the variable", format_args!("{} for {}", Tuple(&x.shape), Tuple(&variable.shape)), "equal shapes");
        }
        if variable.dtype != x.dtype {
            return c.dtype_error("the value has another dtype than the variable", format_args!("{} for {}", x.dtype, variable.dtype), "equal dtypes");
        }
        Ok(smallvec![variable.clone()])
    };
    kernel Kernel::Assign;
    support Elementwise(constant);
    vjp(g) { variable: Cotangent::Zero, x: g }
    numpy "x";
    by hand;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its target is a variable: whole programs test it";
    exempt Messages: "whole programs test what it refuses";
}

/// Writes `x` into a variable at the end of the run, and is `x`.
#[track_caller]
pub fn assign<'g>(variable: impl AsTensor<'g>, x: impl Operand<'g>) -> Tensor<'g> {
    let variable = variable.tensor();
    if variable.error().is_none() && !matches!(variable.node().op, NodeOp::Variable(..)) {
        let got = variable.node().name().to_owned();
        return variable.graph().poison(Error::new(
            ErrorKind::Variable,
            "assign",
            "the target is not a variable",
            got,
            "a tensor from `ctx.variable`",
        ));
    }
    let x = match x.arg() {
        Arg::Weak(s) => Arg::Tensor(variable.graph().literal(s, variable.dtype())),
        arg => arg,
    };
    apply(&ASSIGN, &[Arg::from(variable), x], &[])
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
