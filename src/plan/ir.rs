//! The plan's own form of a sub-graph: only what the request needs, with concrete shapes.

use std::cell::RefCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::dtype::Scalar;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::Attr;
use crate::graph::op::{Body, Infer, Kernel, Lowered, Lowering, OpDef, Primitive};
use crate::graph::{Graph, Node, NodeOp, Region, Value};
use crate::plan::walk::{Walk, readable};
use crate::plan::{Plan, compile_body};
use crate::shape::{Aval, Dim, Tuple, Ty};

/// An output of a node of the plan.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Ref {
    /// Index of the node.
    pub node: u32,
    /// Index of the output.
    pub out: u32,
}

/// The node of the graph that a node of the plan came from: its place among [`Walk::nodes`]. A plan serves all graphs of one
/// structure, so whoever wants the user's lines asks the graph of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walked(pub u32);

/// What a node of the plan computes.
pub enum IrOp {
    /// A value that each run binds: index into the walk's sources, or of a capture in a body.
    Source(u32),
    /// A scalar that rewrites may read.
    Scalar(Scalar),
    /// An op of the table; for a random draw, the index of its stream among the walk's draws.
    Row(&'static OpDef, Option<u32>),
    /// The elements of the input in C order.
    Copy,
    /// A user's op: index into the walk's users.
    User(u32),
    /// A hook: index into the walk's users.
    Hook(u32),
    /// One of two bodies, chosen by the first input; the others are the bodies' sources.
    Branch(Arc<[Plan; 2]>),
}

/// A node of the plan.
pub struct IrNode {
    /// What it computes.
    pub op: IrOp,
    /// The op's attributes.
    pub attrs: Box<[Attr]>,
    /// Inputs: earlier nodes.
    pub inputs: SmallVec<[Ref; 3]>,
    /// Concrete dtypes and shapes of the outputs.
    pub tys: SmallVec<[Ty; 1]>,
    /// Where it comes from.
    pub walked: Walked,
    /// The part of the plan that it belongs to: nodes of two segments are never merged, and share no program. A pass that
    /// computes values again gives the clones segments of their own.
    pub segment: u32,
}

impl IrNode {
    /// The name that messages and `explain` show.
    pub fn name(&self) -> &'static str {
        match &self.op {
            IrOp::Source(_) => "source",
            IrOp::Scalar(_) => "constant",
            IrOp::Row(def, _) => def.name,
            IrOp::Copy => "copy",
            IrOp::User(_) => "user",
            IrOp::Hook(_) => "hook",
            IrOp::Branch(_) => "cond",
        }
    }
    /// True if its value is its input, seen or checked on the way: it stands where that stands, so that what is computed from
    /// it has the bits that it has without.
    pub fn passes(&self) -> bool {
        matches!(self.op, IrOp::Hook(_)) || matches!(self.kernel(), Some(Kernel::Check(_)))
    }
    /// The kernel, for an op of the table.
    pub fn kernel(&self) -> Option<&'static Kernel> {
        match self.op {
            IrOp::Row(def, _) => match &def.body {
                Body::Primitive(p) => Some(&p.kernel),
                Body::Composite(_) => None,
            },
            _ => None,
        }
    }
}

/// A sub-graph with concrete shapes: nodes in an order in which inputs come first.
#[derive(Default)]
pub struct Ir {
    /// The nodes.
    pub nodes: Vec<IrNode>,
    /// What is asked for.
    pub outputs: Vec<Ref>,
    /// Writes to variables: the variable's node and the new value.
    pub writes: Vec<(u32, Ref)>,
}

impl Ir {
    /// The type of a value.
    pub fn ty(&self, r: Ref) -> &Ty {
        &self.nodes[r.node as usize].tys[r.out as usize]
    }
    /// The node of a value.
    pub fn node(&self, r: Ref) -> &IrNode {
        &self.nodes[r.node as usize]
    }
    /// True if a node's kernel may fail.
    pub fn may_fail(&self, i: u32) -> bool {
        let node = &self.nodes[i as usize];
        match &node.op {
            IrOp::User(_) | IrOp::Hook(_) => true,
            IrOp::Branch(bodies) => bodies.iter().any(|b| b.fallible),
            _ => match node.kernel() {
                Some(Kernel::Call(c)) => c.fallible,
                Some(Kernel::Check(_)) => true,
                _ => false,
            },
        }
    }
}

/// Concrete types of the graph's nodes. Most nodes have the type of many others, which is listed once.
struct Types<'a> {
    graph: &'a Graph,
    walk: &'a Walk,
    list: Vec<Ty>,
    /// By position in the walk: where in the list the types of a node's outputs are, and how many; none where a feed is missing.
    places: Vec<(u32, u32)>,
    /// By the number of an aval: where in the list its type is, counted from [`LISTED`].
    avals: Vec<u32>,
    /// True if no feed is missing.
    complete: bool,
    /// Bodies by the node that owns them: a body that other bodies compute again is compiled once.
    bodies: RefCell<FxHashMap<u32, Arc<[Plan; 2]>>>,
}

/// An aval that nobody has looked at yet.
const NEW: u32 = 0;
/// An aval with a length that a feed decides.
const OPEN: u32 = 1;
const LISTED: u32 = 2;

impl<'a> Types<'a> {
    fn new(graph: &'a Graph, walk: &'a Walk) -> Types<'a> {
        let (places, avals) = (Vec::with_capacity(walk.nodes.len()), vec![NEW; graph.avals()]);
        Types { graph, walk, list: vec![], places, avals, complete: true, bodies: RefCell::default() }
    }

    /// The types of the outputs of the node at a position.
    fn all(&self, p: usize) -> &[Ty] {
        let (first, n) = self.places[p];
        &self.list[first as usize..][..n as usize]
    }

    fn of(&self, v: Value) -> Option<&Ty> {
        self.all(self.walk.position(v.node)?).get(v.out as usize)
    }

    /// Where the type of an aval is, if all of its lengths are known.
    fn known(&mut self, aval: u32, v: Value) -> Option<u32> {
        let at = &mut self.avals[aval as usize];
        if *at == NEW {
            *at = match concrete(self.graph.aval(v)) {
                Some(ty) => {
                    self.list.push(ty);
                    self.list.len() as u32 - 1 + LISTED
                }
                None => OPEN,
            };
        }
        at.checked_sub(LISTED)
    }

    /// Infers node by node. What was fully known when the graph was built was checked then; where a feed decided a length
    /// of an operand, the rule runs again: an operand may not fit, though the result's shape was known all along.
    fn fill(&mut self) -> Result<()> {
        for &id in &self.walk.nodes {
            let node = self.graph.node(id);
            let place = match node.avals[..] {
                [aval] if !matches!(node.op, NodeOp::Placeholder(_)) && self.settled(node) => {
                    self.known(aval, Value { node: id, out: 0 }).map(|first| (first, 1))
                }
                _ => None,
            };
            let place = match place {
                Some(place) => place,
                None => self.inferred(id, node)?,
            };
            self.places.push(place);
            self.complete &= place.1 as usize >= node.avals.len();
            addressable(node.name(), &self.list[place.0 as usize..][..place.1 as usize]).map_err(|e| self.graph.blame(id, e))?;
        }
        Ok(())
    }

    /// Where the types of a node are that has no type of an aval, or several.
    fn inferred(&mut self, id: u32, node: &Node) -> Result<(u32, u32)> {
        let own: Option<SmallVec<[Ty; 1]>> =
            (0..node.avals.len()).map(|k| concrete(self.graph.aval(Value { node: id, out: k as u32 }))).collect();
        let tys = match (own, self.walk.fed(id)) {
            (_, Some(ty)) => smallvec::smallvec![ty.clone()],
            (Some(tys), _) if self.settled(node) => tys,
            (None, None) if matches!(node.op, NodeOp::Placeholder(_)) => SmallVec::new(),
            (own, None) => match self.infer(node) {
                Some(r) => {
                    let tys = r.map_err(|e| self.graph.blame(id, e))?;
                    self.agrees(id, &tys).map_err(|e| self.graph.blame(id, e))?;
                    tys
                }
                None => own.unwrap_or_default(),
            },
        };
        let first = self.list.len() as u32;
        self.list.extend(tys);
        Ok((first, self.list.len() as u32 - first))
    }

    /// True if the shapes of all operands were known when the node was made.
    fn settled(&mut self, node: &Node) -> bool {
        let mut known = |v: &Value| self.known(self.graph.aval_number(*v), *v).is_some();
        node.inputs.iter().all(&mut known) && node.regions.iter().all(|r| r.outputs.iter().all(&mut known))
    }

    /// An error if a length that was known when the graph was built is another for these feeds.
    fn agrees(&self, id: u32, tys: &[Ty]) -> Result<()> {
        for (k, ty) in tys.iter().enumerate() {
            let aval = self.graph.aval(Value { node: id, out: k as u32 });
            if aval.ndim() != ty.dims.len() || aval.shape.iter().zip(&ty.dims).any(|(d, &n)| d.known().is_some_and(|k| k != n)) {
                let (got, rule) = (format!("shape {}", Tuple(&ty.dims)), format!("shape {}", Tuple(&aval.shape)));
                return Err(Error::new(ErrorKind::Shape, self.graph.node(id).name(), "the feeds contradict its shape", got, rule));
            }
        }
        Ok(())
    }

    /// `None` if an input's type hangs on a feed that is missing.
    fn infer(&self, node: &Node) -> Option<Result<SmallVec<[Ty; 1]>>> {
        let values: SmallVec<[Value; 4]> = match node.regions.is_empty() {
            true => node.inputs.iter().copied().collect(),
            false => node.regions.iter().flat_map(|r| r.outputs.iter().copied()).collect(),
        };
        let avals: SmallVec<[Aval; 4]> = values.iter().map(|&v| self.of(v).map(Ty::aval)).collect::<Option<_>>()?;
        let inputs: SmallVec<[&Aval; 4]> = avals.iter().collect();
        let mut fresh = || Dim::Sym(u32::MAX);
        let out = match &node.op {
            NodeOp::Row(def) => match &def.body {
                Body::Primitive(p) => (p.infer)(&mut Infer { op: def.name, inputs: &inputs, attrs: &node.attrs, fresh: &mut fresh }),
                Body::Composite(_) => return None,
            },
            NodeOp::User(op) => crate::graph::nesting::inferred(&**op, &inputs),
            _ => Ok(avals.iter().cloned().collect()),
        };
        Some(out.and_then(|avals| {
            let tys: Option<SmallVec<[Ty; 1]>> = avals.iter().map(concrete).collect();
            tys.ok_or_else(|| Error::text(ErrorKind::Shape, format!("{}: its shape is not known for these feeds", node.name())))
        }))
    }
}

/// An error unless the values' bytes can be addressed: what follows multiplies lengths and strides freely.
fn addressable(op: &str, tys: &[Ty]) -> Result<()> {
    match tys.iter().find(|t| !crate::shape::fits(&t.dims, t.dtype.size())) {
        Some(t) => Err(crate::array::no_memory(op, t.dtype, &t.dims)),
        None => Ok(()),
    }
}

fn concrete(a: &Aval) -> Option<Ty> {
    Some(Ty { dtype: a.dtype, dims: a.dims()? })
}

/// What a node becomes once shapes are numbers, and how many of its inputs that uses.
enum Form {
    Plain,
    Chain(Vec<(&'static OpDef, Vec<Attr>)>, usize),
    Scalar(Scalar),
}

/// Builds the plan's form of what a walk found.
pub fn build(graph: &Graph, walk: &Walk) -> Result<Ir> {
    let mut types = Types::new(graph, walk);
    types.fill()?;
    let n = walk.nodes.len();
    let ir = Ir { nodes: Vec::with_capacity(n), outputs: vec![], writes: vec![] };
    let builder = Lowerer { types: &types, captures: FxHashMap::default(), map: Places::All(vec![None; n]), ir };
    builder.run(&walk.outputs, &walk.writes, Places::All(vec![None; n]))
}

/// What is known of some of a walk's nodes, by their places: room for all of them, or, for a body, of which a walk may have
/// thousands, for those that it has.
enum Places<T> {
    All(Vec<Option<T>>),
    Few(FxHashMap<u32, T>),
}

impl<T: 'static> Places<T> {
    fn get(&self, p: usize) -> Option<&T> {
        match self {
            Places::All(list) => list[p].as_ref(),
            Places::Few(map) => map.get(&(p as u32)),
        }
    }
    fn insert(&mut self, p: usize, x: T) {
        match self {
            Places::All(list) => list[p] = Some(x),
            Places::Few(map) => _ = map.insert(p as u32, x),
        }
    }
    /// In the order of the walk.
    fn in_order(self) -> Box<dyn Iterator<Item = (usize, T)>> {
        match self {
            Places::All(list) => Box::new(list.into_iter().enumerate().filter_map(|(p, x)| x.map(|x| (p, x)))),
            Places::Few(map) => {
                let mut all: Vec<(usize, T)> = map.into_iter().map(|(p, x)| (p as usize, x)).collect();
                all.sort_unstable_by_key(|(p, _)| *p);
                Box::new(all.into_iter())
            }
        }
    }
}

struct Lowerer<'a> {
    types: &'a Types<'a>,
    /// Values that are sources of a body, and their places.
    captures: FxHashMap<Value, u32>,
    /// Node of the plan for each node of the walk.
    map: Places<u32>,
    ir: Ir,
}

impl Lowerer<'_> {
    fn run(mut self, outputs: &[Value], writes: &[Value], mut needed: Places<()>) -> Result<Ir> {
        let walk = self.types.walk;
        let mut forms = FxHashMap::default();
        match &mut needed {
            Places::All(list) if self.types.complete => self.reach_all(outputs, writes, list, &mut forms)?,
            _ => self.reach(outputs, writes, &mut needed, &mut forms)?,
        }
        let mut captures: Vec<(u32, Value)> = self.captures.iter().map(|(&v, &k)| (k, v)).collect();
        captures.sort_unstable();
        for (k, v) in captures {
            let ty = self.types.of(v).cloned().ok_or_else(|| self.missing(v.node))?;
            let p = walk.position(v.node).ok_or_else(|| Error::engine("plan", "a capture is not walked", k, "a place in the walk"))?;
            self.push(IrOp::Source(k), &[], SmallVec::new(), SmallVec::from_iter([ty]), Walked(p as u32));
        }
        let mut assigned: Vec<(u32, Ref)> = vec![];
        for (p, ()) in needed.in_order() {
            let id = walk.nodes[p];
            let node = self.types.graph.node(id);
            let form = forms.remove(&(p as u32)).unwrap_or(Form::Plain);
            self.lower(p, id, node, form, &mut assigned)?;
        }
        self.ir.outputs = outputs.iter().map(|&v| self.at(v)).collect::<Result<_>>()?;
        self.ir.writes = assigned;
        Ok(self.ir)
    }

    /// Which nodes' values are needed, and the forms of those that are not plain: from the outputs down, past inputs of which only
    /// the shape is used.
    fn reach(&self, outputs: &[Value], writes: &[Value], needed: &mut Places<()>, forms: &mut FxHashMap<u32, Form>) -> Result<()> {
        let mut stack: Vec<Value> = [outputs, writes].concat();
        while let Some(v) = stack.pop() {
            if self.captures.contains_key(&v) {
                continue;
            }
            let Some(p) = self.types.walk.position(v.node) else { continue };
            if needed.get(p).is_some() {
                continue;
            }
            needed.insert(p, ());
            stack.extend_from_slice(self.used(p, v.node, forms)?);
        }
        Ok(())
    }

    /// As [`Lowerer::reach`], in one pass against the order of the walk. No node is in error, whatever is visited first.
    fn reach_all(&self, outputs: &[Value], writes: &[Value], needed: &mut [Option<()>], forms: &mut FxHashMap<u32, Form>) -> Result<()> {
        let walk = self.types.walk;
        let mark = |needed: &mut [Option<()>], values: &[Value]| {
            for v in values {
                if let Some(slot) = walk.position(v.node).and_then(|p| needed.get_mut(p)) {
                    *slot = Some(());
                }
            }
        };
        mark(needed, outputs);
        mark(needed, writes);
        for (p, &id) in walk.nodes.iter().enumerate().rev() {
            if needed[p].is_some() {
                mark(needed, self.used(p, id, forms)?);
            }
        }
        Ok(())
    }

    /// The inputs of a node whose values it needs; its form, if it is not plain, is noted.
    fn used(&self, p: usize, id: u32, forms: &mut FxHashMap<u32, Form>) -> Result<&[Value]> {
        let node = self.types.graph.node(id);
        let (form, used) = match self.form(id, node)? {
            Form::Plain => return Ok(&node.inputs),
            Form::Chain(chain, used) => (Form::Chain(chain, used), used.min(node.inputs.len())),
            form @ Form::Scalar(_) => (form, 0),
        };
        forms.insert(p as u32, form);
        Ok(&node.inputs[..used])
    }

    /// The plans of a node's bodies.
    fn bodies(&self, id: u32, node: &Node) -> Result<Arc<[Plan; 2]>> {
        if let Some(made) = self.types.bodies.borrow().get(&id) {
            return Ok(made.clone());
        }
        let captures: FxHashMap<Value, u32> = node.inputs.iter().skip(1).zip(0..).map(|(&v, k)| (v, k)).collect();
        let [then, otherwise] = &node.regions[..] else {
            return Err(Error::text(ErrorKind::Graph, format!("{}: a body is missing", node.name())));
        };
        let plan = |r: &Region| {
            let ir = Ir { nodes: vec![], outputs: vec![], writes: vec![] };
            let b = Lowerer { types: self.types, captures: captures.clone(), map: Places::Few(FxHashMap::default()), ir };
            b.run(&r.outputs, &[], Places::Few(FxHashMap::default())).and_then(compile_body)
        };
        let made = Arc::new([plan(then)?, plan(otherwise)?]);
        self.types.bodies.borrow_mut().insert(id, made.clone());
        Ok(made)
    }

    /// The stream of a row that draws.
    fn draw(&self, id: u32, def: &'static OpDef) -> Result<Option<u32>> {
        let Body::Primitive(Primitive { draw: true, .. }) = &def.body else { return Ok(None) };
        let found = self.types.walk.draw(id);
        found.map(Some).ok_or_else(|| Error::engine(def.name, "a draw has no stream", "none", "its place among the walk's draws"))
    }

    fn missing(&self, id: u32) -> Error {
        let graph = self.types.graph;
        graph.blame(id, missing_feed(graph, self.types.walk))
    }

    fn form(&self, id: u32, node: &Node) -> Result<Form> {
        let NodeOp::Row(def) = node.op else { return Ok(Form::Plain) };
        let Body::Primitive(p) = &def.body else { return Ok(Form::Plain) };
        let Kernel::Lower(lower) = p.kernel else { return Ok(Form::Plain) };
        let avals: SmallVec<[Aval; 4]> =
            node.inputs.iter().map(|&v| self.types.of(v).map(Ty::aval)).collect::<Option<_>>().ok_or_else(|| self.missing(id))?;
        let inputs: SmallVec<[&Aval; 4]> = avals.iter().collect();
        let output = self.types.of(Value { node: id, out: 0 }).ok_or_else(|| self.missing(id))?.aval();
        Ok(match lower(&Lowering { inputs: &inputs, output: &output, attrs: &node.attrs }) {
            Lowered::Scalar(s) => Form::Scalar(s),
            Lowered::Chain(chain) => {
                let tensors = chain.first().map_or(0, |(d, _)| d.arity());
                Form::Chain(chain, tensors)
            }
        })
    }

    fn push(&mut self, op: IrOp, attrs: &[Attr], inputs: SmallVec<[Ref; 3]>, tys: SmallVec<[Ty; 1]>, walked: Walked) -> u32 {
        self.ir.nodes.push(IrNode { op, attrs: attrs.into(), inputs, tys, walked, segment: 0 });
        self.ir.nodes.len() as u32 - 1
    }

    fn at(&self, v: Value) -> Result<Ref> {
        if let Some(&k) = self.captures.get(&v) {
            return Ok(Ref { node: k, out: 0 });
        }
        match self.types.walk.position(v.node).and_then(|p| self.map.get(p)) {
            Some(&node) => Ok(Ref { node, out: v.out }),
            None => Err(Error::text(ErrorKind::Graph, "plan: a value is used before it is computed")),
        }
    }

    fn refs(&self, values: &[Value]) -> Result<SmallVec<[Ref; 3]>> {
        let mut refs = SmallVec::new();
        for &v in values {
            refs.push(self.at(v)?);
        }
        Ok(refs)
    }

    fn lower(&mut self, p: usize, id: u32, node: &Node, form: Form, assigned: &mut Vec<(u32, Ref)>) -> Result<()> {
        let walk = self.types.walk;
        let tys: SmallVec<[Ty; 1]> = match self.types.all(p) {
            [one] => SmallVec::from_buf([one.clone()]),
            tys => tys.iter().cloned().collect(),
        };
        if tys.is_empty() && !node.avals.is_empty() {
            return Err(self.missing(id));
        }
        let walked = Walked(p as u32);
        let made = match (form, &node.op) {
            (Form::Scalar(s), _) => self.push(IrOp::Scalar(s), &[], SmallVec::new(), tys, walked),
            (Form::Chain(chain, used), _) => {
                let mut inputs = self.refs(&node.inputs[..used.min(node.inputs.len())])?;
                let mut made = None;
                for (def, attrs) in chain {
                    let avals: SmallVec<[Aval; 4]> = inputs.iter().map(|&r| self.ir.ty(r).aval()).collect();
                    let refs: SmallVec<[&Aval; 4]> = avals.iter().collect();
                    let Body::Primitive(p) = &def.body else {
                        return Err(Error::engine(node.name(), "a part of it cannot be run", def.name, "ops with a kernel"));
                    };
                    let mut fresh = || Dim::Sym(u32::MAX);
                    let out = (p.infer)(&mut Infer { op: def.name, inputs: &refs, attrs: &attrs, fresh: &mut fresh })?;
                    let tys: Option<SmallVec<[Ty; 1]>> = out.iter().map(concrete).collect();
                    let tys =
                        tys.ok_or_else(|| Error::engine(node.name(), "a part of it has no known shape", def.name, "known lengths"))?;
                    addressable(def.name, &tys).map_err(|e| self.types.graph.blame(id, e))?;
                    let draw = self.draw(id, def)?;
                    let n = self.push(IrOp::Row(def, draw), &attrs, inputs, tys, walked);
                    inputs = smallvec::smallvec![Ref { node: n, out: 0 }];
                    made = Some(n);
                }
                match made {
                    Some(n) => n,
                    None => return Err(Error::text(ErrorKind::Graph, format!("{}: it became nothing", node.name()))),
                }
            }
            (Form::Plain, NodeOp::Scalar(s)) if readable(s) => self.push(IrOp::Scalar(*s), &[], SmallVec::new(), tys, walked),
            (Form::Plain, NodeOp::Placeholder(_)) if walk.fed(id).is_none() => return Err(self.missing(id)),
            (
                Form::Plain,
                NodeOp::Placeholder(_) | NodeOp::Variable(..) | NodeOp::Constant(_) | NodeOp::Scalar(_) | NodeOp::Own(_) | NodeOp::Bound(_),
            ) => {
                let source = walk.source(id).ok_or_else(|| Error::text(ErrorKind::Graph, "plan: a source has no place"))?;
                self.push(IrOp::Source(source), &[], SmallVec::new(), tys, walked)
            }
            (Form::Plain, NodeOp::User(_) | NodeOp::Hook(_)) => {
                let inputs = self.refs(&node.inputs)?;
                let user = walk.user(id).ok_or_else(|| Error::text(ErrorKind::Graph, "plan: a user's op has no place"))?;
                let op = if matches!(node.op, NodeOp::Hook(_)) { IrOp::Hook(user) } else { IrOp::User(user) };
                self.push(op, &[], inputs, tys, walked)
            }
            (Form::Plain, NodeOp::Row(_)) if !node.regions.is_empty() => {
                let inputs = self.refs(&node.inputs)?;
                let bodies = self.bodies(id, node)?;
                self.push(IrOp::Branch(bodies), &node.attrs, inputs, tys, walked)
            }
            (Form::Plain, NodeOp::Row(def)) => {
                let inputs = self.refs(&node.inputs)?;
                if let (Body::Primitive(row), [variable, value]) = (&def.body, &inputs[..])
                    && matches!(row.kernel, Kernel::Assign)
                {
                    if assigned.iter().any(|(v, _)| *v == variable.node) {
                        let e = Error::text(
                            ErrorKind::Variable,
                            "assign: a variable is written twice. Got two writes in one run; expected at most one.",
                        );
                        return Err(self.types.graph.blame(id, e));
                    }
                    // What is assigned is the value itself; a further output of a node becomes a node of its own.
                    let value = match value.out {
                        0 => *value,
                        _ => Ref { node: self.push(IrOp::Copy, &[], smallvec::smallvec![*value], tys, walked), out: 0 },
                    };
                    assigned.push((variable.node, value));
                    self.map.insert(p, value.node);
                    return Ok(());
                }
                let draw = self.draw(id, def)?;
                self.push(IrOp::Row(def, draw), &node.attrs, inputs, tys, walked)
            }
            (Form::Plain, NodeOp::Error(e)) => return Err(e.clone()),
        };
        self.map.insert(p, made);
        Ok(())
    }
}

/// The error for placeholders that a run needs and nobody fed.
fn missing_feed(graph: &Graph, walk: &Walk) -> Error {
    let named = |&(id, name): &(u32, &str)| format!("\"{name}\" of shape {}", Tuple(&graph.aval(Value { node: id, out: 0 }).shape));
    let unfed = walk.nodes.iter().filter(|&&id| walk.fed(id).is_none());
    let mut all: Vec<(u32, &str)> = unfed
        .filter_map(|&id| match &graph.node(id).op {
            NodeOp::Placeholder(name) => Some((id, &**name)),
            _ => None,
        })
        .collect();
    // As the user made them.
    all.sort_unstable();
    let names: Vec<String> = all.iter().map(named).collect();
    let e = Error::new(
        ErrorKind::Feed,
        "run",
        "a placeholder is not fed",
        "no value for ".to_owned() + &names.join(", "),
        "a feed for each placeholder that the result depends on",
    );
    e.help("add `.feed(placeholder, array)`, or pass it in the feeds of `eval`")
}
