//! One way into the graph for every op: operands to tensors of the right dtypes, then a node or a composite's nodes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use smallvec::{SmallVec, smallvec};

use crate::array::Filled;
use crate::array::room::room;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::graph::attr::Attr;
use crate::graph::op::{Body, Class, OpDef, Param, ParamDefault, ParamKind};
use crate::graph::{AsTensor, Graph, NodeOp, Tensor, Value};
use crate::ops::broadcast::broadcast_to;
use crate::ops::movement::CAST;

/// An operand: a tensor, or a number that takes the dtype of the tensors beside it.
#[derive(Clone)]
pub enum Arg<'g> {
    /// A tensor.
    Tensor(Tensor<'g>),
    /// A weak scalar.
    Weak(Scalar),
    /// A weak scalar repeated over a shape.
    Filled(Filled),
    /// No tensor, for a parameter that may be absent.
    Absent,
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

/// An operand that may be absent: what an [`Operand`] is, `()` for none, or an `Option` of an operand.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be an operand", note = "use a tensor, a number, or `()` for none")]
pub trait MaybeOperand<'g> {
    /// As an argument.
    fn maybe(self) -> Arg<'g>;
}
impl<'g, T: Operand<'g>> MaybeOperand<'g> for T {
    fn maybe(self) -> Arg<'g> {
        self.arg()
    }
}
impl<'g> MaybeOperand<'g> for () {
    fn maybe(self) -> Arg<'g> {
        Arg::Absent
    }
}
impl<'g, T: Operand<'g>> MaybeOperand<'g> for Option<T> {
    fn maybe(self) -> Arg<'g> {
        self.map_or(Arg::Absent, Operand::arg)
    }
}

/// Belongs to nobody: an empty list of tensors names no graph, and its error lives here.
static NOWHERE: LazyLock<Graph> = LazyLock::new(Graph::new);

/// The first output of an op. In Rust a call that cannot be built gives a tensor that keeps the error.
#[track_caller]
pub fn apply<'g>(def: &'static OpDef, args: &[Arg<'g>], attrs: &[Attr]) -> Tensor<'g> {
    output(&mut apply_all(def, args, attrs).into_iter(), def.name)
}

/// The outputs of an op: as many as it has. Those of a call that cannot be built keep the error.
#[track_caller]
pub(crate) fn apply_all<'g>(def: &'static OpDef, args: &[Arg<'g>], attrs: &[Attr]) -> SmallVec<[Tensor<'g>; 1]> {
    let graph = args.iter().find_map(|a| match a {
        Arg::Tensor(t) => Some(t.graph()),
        _ => None,
    });
    let made = match graph {
        Some(graph) => apply_in(graph, def, args, attrs),
        None => Err(Error::new(ErrorKind::Shape, def.name, "there are no tensors", "an empty list", "at least one tensor")),
    };
    let e = match made {
        Ok(out) if def.lists || out.len() == def.outputs.len() => return out,
        Ok(_) => Error::text(ErrorKind::Graph, format!("{}: it gave another number of outputs than its row has", def.name)),
        Err(e) => e,
    };
    SmallVec::from_elem(graph.unwrap_or(&NOWHERE).poison(e), def.outputs.len())
}

/// The next of the outputs.
#[track_caller]
pub(crate) fn output<'g>(made: &mut impl Iterator<Item = Tensor<'g>>, name: &str) -> Tensor<'g> {
    made.next().unwrap_or_else(|| NOWHERE.poison(Error::text(ErrorKind::Graph, format!("{name}: there is no such output"))))
}

/// Operands of a list for which memory is asked before they are made.
const LONG: usize = 256;

/// All outputs of an op, in a graph that may be needed for operands that are only numbers.
#[track_caller]
pub fn apply_in<'g>(graph: &'g Graph, def: &'static OpDef, args: &[Arg<'g>], attrs: &[Attr]) -> Result<SmallVec<[Tensor<'g>; 1]>> {
    graph.check_open()?;
    let completed;
    let args = match left_out(def, args) {
        [] => args,
        rest => {
            let defaults = rest.iter().map(|p| match p.default {
                Some(ParamDefault::Weak(s)) => Arg::Weak(s()),
                _ => Arg::Absent,
            });
            completed = args.iter().cloned().chain(defaults).collect::<Vec<_>>();
            &completed
        }
    };
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
    let build = match &def.body {
        Body::Primitive(p) if xs.len() > def.arity() && p.given.is_some() => p.given,
        Body::Primitive(_) => None,
        Body::Composite(build) => Some(*build),
    };
    match build {
        None => {
            let values: SmallVec<[Value; 4]> = xs.iter().map(|t| t.value()).collect();
            let first = graph.insert(def, attrs, &values, vec![]);
            if let Some(e) = first.error() {
                return Err(e);
            }
            Ok(match def.outputs {
                [_] => smallvec![first],
                all => (0..all.len()).map(|k| first.output(k)).collect(),
            })
        }
        Some(build) => {
            let mut present = xs.into_iter();
            let xs: SmallVec<[Option<Tensor<'g>>; 4]> =
                args.iter().map(|a| if matches!(a, Arg::Absent) { None } else { present.next() }).collect();
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

/// The parameters at the end for which there are no operands, if all of them may be left out.
fn left_out(def: &'static OpDef, args: &[Arg<'_>]) -> &'static [Param] {
    let tensors = def.params.iter().position(|p| matches!(p.kind, ParamKind::Attr(_))).unwrap_or(def.params.len());
    match def.params.get(args.len()..tensors) {
        Some(rest) if rest.iter().all(|p| p.default.is_some()) => rest,
        _ => &[],
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
    let (mut list, mut tensors, mut alike, mut rest) = (false, 0, true, attrs.iter());
    for p in def.params {
        match p.kind {
            ParamKind::Tensor(_) => tensors += 1,
            ParamKind::Tensors(_) => (list, tensors) = (true, tensors + 1),
            ParamKind::Attr(k) => alike &= rest.next().is_some_and(|a| a.kind() == k),
        }
    }
    let absent = |(i, a): (usize, &Arg<'_>)| {
        matches!(a, Arg::Absent) && !def.params.get(i).is_some_and(|p| matches!(p.default, Some(ParamDefault::Absent)))
    };
    if let Some((i, _)) = args.iter().enumerate().find(|&x| absent(x)) {
        let name = def.params.get(i).map_or("an operand", |p| p.name);
        return Err(Error::new(ErrorKind::DType, def.name, format_args!("`{name}` is missing"), "no tensor", "a tensor or a number"));
    }
    // A list may be empty: what that means is the op's to say.
    let wrong = if list { args.len() + 1 < tensors } else { args.len() != tensors };
    if wrong || !alike || rest.next().is_some() {
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

/// The class of operand `i`: a list is the last parameter, and all that is left is of its class.
pub(crate) fn class(def: &OpDef, i: usize) -> Class {
    let class = |p: &Param| match p.kind {
        ParamKind::Tensor(c) | ParamKind::Tensors(c) => Some(c),
        ParamKind::Attr(_) => None,
    };
    let last = || def.params.iter().filter_map(class).next_back();
    def.params.get(i).and_then(class).or_else(last).unwrap_or(Class::Any)
}

/// The operands that are present, as tensors of the dtypes of their classes.
pub(crate) fn operands<'g>(graph: &'g Graph, def: &OpDef, args: &[Arg<'g>]) -> Result<SmallVec<[Tensor<'g>; 4]>> {
    if let Some(xs) = as_they_are(def, args) {
        return Ok(xs);
    }
    // What may be left out says how to compute, and has a dtype of its own where the op takes any.
    let own = |i: usize| class(def, i) == Class::Any && def.params.get(i).is_some_and(|p| p.default.is_some());
    let mut known: Option<(Class, DType)> = None;
    let mut common_of = |c: Class| match known {
        Some((k, dtype)) if k == c => dtype,
        _ => {
            let dtype = common(c, args.iter().enumerate().filter(|(i, _)| class(def, *i) == c && !own(*i)).map(|(_, a)| a));
            known = Some((c, dtype));
            dtype
        }
    };
    args.iter()
        .enumerate()
        .filter(|(_, a)| !matches!(a, Arg::Absent))
        .map(|(i, a)| {
            let c = class(def, i);
            let target = |own: DType, common: DType| match c {
                Class::Float => common.to_float(),
                Class::Number | Class::Value | Class::Compare | Class::Integer | Class::Bits => common,
                Class::Mask => DType::Bool,
                Class::Count if own.is_float() => own,
                Class::Count => DType::I64,
                Class::Any => own,
            };
            let t = match a {
                Arg::Tensor(t) if matches!(c, Class::Any | Class::Count | Class::Mask) => {
                    return Ok(cast(*t, target(t.dtype(), t.dtype())));
                }
                Arg::Tensor(t) => return Ok(cast(*t, target(t.dtype(), common_of(c)))),
                // A number is true where it is not 0, as NumPy has it: NaN too.
                Arg::Weak(s) if c == Class::Mask => graph.literal(Scalar::Bool(is_true(*s)), DType::Bool),
                Arg::Weak(s) if own(i) => graph.literal(*s, s.dtype()),
                Arg::Weak(s) => {
                    let common = common_of(c);
                    graph.literal(*s, fit(*s, target(s.beside(common), common)))
                }
                Arg::Filled(f) => {
                    let s = Scalar::Float(f.value());
                    let s = if c == Class::Mask { Scalar::Bool(is_true(s)) } else { s };
                    let common = common_of(c);
                    let one = graph.literal(s, fit(s, target(common, common)));
                    let dims: Vec<i64> = f.shape().iter().map(|&n| n as i64).collect();
                    broadcast_to(one, dims)
                }
                Arg::Absent => return Err(Error::text(ErrorKind::Graph, format!("{}: an operand is missing", def.name))),
            };
            match t.error() {
                Some(e) => Err(e),
                None => Ok(t),
            }
        })
        .collect()
}

/// A tensor and an operand beside it, of one dtype.
#[cfg(feature = "python")]
pub(crate) fn promoted<'g>(op: &str, x: Tensor<'g>, other: Arg<'g>) -> Result<(Tensor<'g>, Tensor<'g>)> {
    let dtype = common(Class::Value, [Arg::Tensor(x), other.clone()].iter());
    let number = |s: Scalar| cast(x.graph().literal(s, fit(s, dtype)), dtype);
    let other = match other {
        Arg::Tensor(t) => cast(t, dtype),
        Arg::Weak(s) => number(s),
        Arg::Filled(f) => {
            let dims: Vec<i64> = f.shape().iter().map(|&n| n as i64).collect();
            broadcast_to(number(Scalar::Float(f.value())), dims)
        }
        Arg::Absent => return Err(Error::new(ErrorKind::DType, op, "an operand is missing", "no tensor", "a tensor or a number")),
    };
    let x = cast(x, dtype);
    x.error().or(other.error()).map_or(Ok((x, other)), Err)
}

/// The operands if they are tensors that nothing is done to, as most are.
fn as_they_are<'g>(def: &OpDef, args: &[Arg<'g>]) -> Option<SmallVec<[Tensor<'g>; 4]>> {
    let mut xs = SmallVec::new();
    let mut first = None;
    for (i, a) in args.iter().enumerate() {
        let t = match a {
            Arg::Tensor(t) => t,
            Arg::Absent => continue,
            Arg::Weak(_) | Arg::Filled(_) => return None,
        };
        let (c, dtype) = (class(def, i), t.dtype());
        let same = match c {
            Class::Any => true,
            Class::Mask => dtype == DType::Bool,
            Class::Count => dtype.is_float() || dtype == DType::I64,
            Class::Float if !dtype.is_float() => false,
            _ => *first.get_or_insert((c, dtype)) == (c, dtype),
        };
        if !same {
            return None;
        }
        xs.push(*t);
    }
    Some(xs)
}

fn is_true(s: Scalar) -> bool {
    match s {
        Scalar::Bool(b) => b,
        Scalar::Int(i) => i != 0,
        Scalar::Float(x) => x != 0.0,
    }
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
fn common<'a, 'g: 'a>(class: Class, args: impl Iterator<Item = &'a Arg<'g>> + Clone) -> DType {
    let tensors = args.clone().filter_map(|a| match a {
        Arg::Tensor(t) => Some(t.dtype()),
        _ => None,
    });
    let weak = args.filter_map(|a| match a {
        Arg::Weak(s) => Some(*s),
        Arg::Filled(f) => Some(Scalar::Float(f.value())),
        Arg::Tensor(_) | Arg::Absent => None,
    });
    match tensors.reduce(DType::promote) {
        Some(d) => weak.fold(d, |d, s| match s.beside(d) {
            DType::I32 if class == Class::Compare && s.bytes(DType::I32).is_none() => DType::I64,
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
