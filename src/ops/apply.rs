//! One way into the graph for every op: operands to tensors of the right dtypes, then a node or a composite's nodes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use smallvec::SmallVec;

use crate::array::room::room;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::graph::attr::Attr;
use crate::graph::op::{Body, OpDef, Operands, Param, ParamKind};
use crate::graph::{AsTensor, Graph, NodeOp, Tensor, Value};
use crate::ops::broadcast::broadcast_to;
use crate::ops::movement::CAST;
use crate::state::Filled;

/// An operand: a tensor, or a number that takes the dtype of the tensors beside it.
#[derive(Clone)]
pub enum Arg<'g> {
    /// A tensor.
    Tensor(Tensor<'g>),
    /// A weak scalar.
    Weak(Scalar),
    /// A weak scalar repeated over a shape.
    Filled(Filled),
}

impl<'g> From<Tensor<'g>> for Arg<'g> {
    fn from(t: Tensor<'g>) -> Arg<'g> {
        Arg::Tensor(t)
    }
}

/// The right side of an operator, or a further operand of an op: a tensor, a Rust number, or a filled shape.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be an operand", note = "use a tensor, a number, or `zeros(shape)`")]
pub trait Operand<'g> {
    /// As an argument.
    fn arg(self) -> Arg<'g>;
}
impl<'g, T: AsTensor<'g>> Operand<'g> for T {
    fn arg(self) -> Arg<'g> {
        Arg::Tensor(self.tensor())
    }
}
impl<'g> Operand<'g> for Filled {
    fn arg(self) -> Arg<'g> {
        Arg::Filled(self)
    }
}
macro_rules! scalar_operand {
    ($($t:ty)+) => {$(impl<'g> Operand<'g> for $t {
        fn arg(self) -> Arg<'g> {
            Arg::Weak(self.into())
        }
    })+};
}
scalar_operand! { f64 f32 i32 i64 bool }

/// The node of an op with one output. In Rust a call that cannot be built gives a tensor that keeps the error.
#[track_caller]
pub fn apply<'g>(def: &'static OpDef, args: &[Arg<'g>], attrs: &[Attr]) -> Tensor<'g> {
    let graph = args.iter().find_map(|a| match a {
        Arg::Tensor(t) => Some(t.graph()),
        _ => None,
    });
    // An empty list of tensors names no graph; its error lives in one that belongs to nobody.
    static NOWHERE: LazyLock<Graph> = LazyLock::new(Graph::new);
    let graph = match graph {
        Some(graph) => graph,
        None => {
            return NOWHERE.poison(Error::new(ErrorKind::Shape, def.name, "there are no tensors", "an empty list", "at least one tensor"));
        }
    };
    match apply_in(graph, def, args, attrs) {
        Ok(out) => out.first().copied().unwrap_or_else(|| graph.poison(Error::text(ErrorKind::Graph, format!("{}: no output", def.name)))),
        Err(e) => graph.poison(e),
    }
}

/// Operands of a list for which memory is asked before they are made.
const LONG: usize = 256;

/// All outputs of an op, in a graph that may be needed for operands that are only numbers.
#[track_caller]
pub fn apply_in<'g>(graph: &'g Graph, def: &'static OpDef, args: &[Arg<'g>], attrs: &[Attr]) -> Result<SmallVec<[Tensor<'g>; 1]>> {
    graph.check_open()?;
    check(graph, def, args, attrs)?;
    // The operands and their lists; a graph asks for the memory of its nodes itself.
    if args.len() > LONG {
        room(def.name, format_args!("{} operands", args.len()), args.len() * 512)?;
    }
    let site = Site::here();
    let xs = site.during(|| operands(graph, def, args))?;
    if let Some(e) = xs.iter().find_map(|t| t.error()) {
        return Err(e);
    }
    match &def.body {
        Body::Primitive(_) => {
            let values: SmallVec<[Value; 4]> = xs.iter().map(|t| t.value()).collect();
            let first = graph.insert(def, attrs, &values, vec![]);
            if let Some(e) = first.error() {
                return Err(e);
            }
            Ok((0..def.outputs.len()).map(|k| first.output(k)).collect())
        }
        Body::Composite(build) => {
            let built = || site.during(|| build(&xs, attrs));
            let out = catch_unwind(AssertUnwindSafe(|| graph.inside(def.name, built)));
            let out = out.unwrap_or_else(|_| Err(Error::text(ErrorKind::Graph, format!("{}: building it panicked", def.name))))?;
            match out.iter().find_map(|t| t.error()) {
                // The user called the composite, not the op inside it that refused.
                Some(e) => Err(e.named(def.name)),
                None => Ok(out),
            }
        }
    }
}

fn check(graph: &Graph, def: &OpDef, args: &[Arg<'_>], attrs: &[Attr]) -> Result<()> {
    for a in args {
        if let Arg::Tensor(t) = a
            && t.graph().id() != graph.id()
        {
            // A tensor that could not be built says why.
            if let Some(e) = t.error() {
                return Err(e);
            }
            let e = Error::new(
                ErrorKind::Graph,
                def.name,
                "tensors of two graphs are mixed",
                "operands of two contexts",
                "all operands from one context",
            );
            return Err(e.help("evaluate the one, and bring its value in as a constant or a feed"));
        }
    }
    let list = def.params.first().is_some_and(|p| p.kind == ParamKind::Tensors);
    let tensors = def.params.iter().filter(|p| !matches!(p.kind, ParamKind::Attr(_))).count();
    let kinds = def.params.iter().filter_map(|p| match p.kind {
        ParamKind::Attr(k) => Some(k),
        _ => None,
    });
    if (!list && args.len() != tensors) || !kinds.eq(attrs.iter().map(Attr::kind)) {
        let got = format!("{} tensors and {} attributes", args.len(), attrs.len());
        return Err(Error::new(
            ErrorKind::DType,
            def.name,
            "the arguments do not match",
            got,
            format_args!("{tensors} tensors, then the attributes of the row"),
        ));
    }
    Ok(())
}

/// Operands as tensors of the dtypes that the op's kernel takes.
fn operands<'g>(graph: &'g Graph, def: &OpDef, args: &[Arg<'g>]) -> Result<SmallVec<[Tensor<'g>; 4]>> {
    let rule = match &def.body {
        Body::Primitive(p) => p.operands,
        Body::Composite(_) => Operands::Any,
    };
    if let Some(xs) = as_they_are(rule, args) {
        return Ok(xs);
    }
    let skip = usize::from(rule == Operands::Select);
    // What may be left out says how to compute, and has a dtype of its own.
    let optional = |p: &Param| p.kind == ParamKind::Tensor && p.default.is_some();
    let some = matches!(def.body, Body::Composite(_)) && def.params.iter().any(optional);
    let own = |i: usize| some && def.params.get(i).is_some_and(optional);
    let dtype = if some {
        common(rule, args.iter().enumerate().skip(skip).filter(|(i, _)| !own(*i)).map(|(_, a)| a))
    } else {
        common(rule, args.get(skip..).unwrap_or(&[]).iter())
    };
    let target = |i: usize, own: DType| match rule {
        Operands::Float => dtype.to_float(),
        Operands::Promote | Operands::Compare => dtype,
        Operands::Boolean => DType::Bool,
        Operands::Select if i == 0 => DType::Bool,
        Operands::Select => dtype,
        Operands::Count if own.is_float() => own,
        Operands::Count => DType::I64,
        Operands::FloatFirst if i == 0 => own.to_float(),
        Operands::FloatFirst | Operands::Any => own,
    };
    args.iter()
        .enumerate()
        .map(|(i, a)| {
            let t = match a {
                Arg::Tensor(t) => return Ok(cast(*t, target(i, t.dtype()))),
                Arg::Weak(s) if own(i) => graph.literal(*s, s.dtype()),
                Arg::Weak(s) => graph.literal(*s, fit(*s, target(i, s.beside(dtype)))),
                Arg::Filled(f) => {
                    let s = Scalar::Float(f.value());
                    let one = graph.literal(s, fit(s, target(i, dtype)));
                    let dims: Vec<i64> = f.shape().iter().map(|&n| n as i64).collect();
                    broadcast_to(one, dims)
                }
            };
            match t.error() {
                Some(e) => Err(e),
                None => Ok(t),
            }
        })
        .collect()
}

/// The operands if they are tensors that nothing is done to, as most are.
fn as_they_are<'g>(rule: Operands, args: &[Arg<'g>]) -> Option<SmallVec<[Tensor<'g>; 4]>> {
    let mut xs = SmallVec::new();
    let mut first = None;
    for (i, a) in args.iter().enumerate() {
        let Arg::Tensor(t) = a else { return None };
        let dtype = t.dtype();
        let same = match rule {
            Operands::Any => true,
            Operands::Boolean => dtype == DType::Bool,
            Operands::Select if i == 0 => dtype == DType::Bool,
            Operands::Promote | Operands::Compare | Operands::Select => *first.get_or_insert(dtype) == dtype,
            Operands::Float => dtype.is_float() && *first.get_or_insert(dtype) == dtype,
            Operands::FloatFirst => i > 0 || dtype.is_float(),
            Operands::Count => dtype.is_float() || dtype == DType::I64,
        };
        if !same {
            return None;
        }
        xs.push(*t);
    }
    Some(xs)
}

/// A weak scalar whose kind is above `dtype` keeps its own dtype, and a cast of the row decides.
fn fit(s: Scalar, dtype: DType) -> DType {
    match s {
        Scalar::Float(_) if !dtype.is_float() => dtype.to_float(),
        Scalar::Int(_) if dtype == DType::Bool => DType::I64,
        _ => dtype,
    }
}

/// The promoted dtype of the tensors, with the weak scalars beside it.
fn common<'a, 'g: 'a>(rule: Operands, args: impl Iterator<Item = &'a Arg<'g>> + Clone) -> DType {
    let tensors = args.clone().filter_map(|a| match a {
        Arg::Tensor(t) => Some(t.dtype()),
        _ => None,
    });
    let weak = args.filter_map(|a| match a {
        Arg::Weak(s) => Some(*s),
        Arg::Filled(f) => Some(Scalar::Float(f.value())),
        Arg::Tensor(_) => None,
    });
    match tensors.reduce(DType::promote) {
        Some(d) => weak.fold(d, |d, s| match s.beside(d) {
            DType::I32 if rule == Operands::Compare && s.bytes(DType::I32).is_none() => DType::I64,
            d => d,
        }),
        None => weak.map(Scalar::dtype).reduce(DType::promote).unwrap_or(DType::F64),
    }
}

/// `x` as `dtype`; `x` itself if it has it.
#[track_caller]
pub fn cast<'g>(x: impl AsTensor<'g>, dtype: DType) -> Tensor<'g> {
    let x = x.tensor();
    if x.dtype() == dtype || matches!(x.node().op, NodeOp::Error(_)) {
        return x;
    }
    x.graph().insert(&CAST, &[Attr::DType(dtype)], &[x.value()], vec![])
}
