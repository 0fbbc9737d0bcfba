//! From a walk to the plan's own form: shapes are numbers, marks and assignments are no nodes.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::dtype::Scalar;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::Attr;
use crate::graph::checkpoint::Mark;
use crate::graph::op::{self, Body, Control, Infer, Kernel, Lowering, OpDef, Primitive};
use crate::graph::{Graph, Node, NodeOp, Region, Value};
use crate::plan::bodies::{Bodies, Lowered};
use crate::plan::ir::{Ir, IrNode, IrOp, Ref, Walked};
use crate::plan::types::{Types, addressable, concrete};
use crate::plan::walk::{Walk, readable};
use crate::shape::{Aval, Dim, Tuple, Ty};

/// What a node becomes once shapes are numbers, and how many of its inputs that uses.
enum Form {
    Plain,
    Chain(Vec<(&'static OpDef, Vec<Attr>)>, usize),
    /// An op whose value is written to the variable that is the first input.
    Write(&'static OpDef),
    Scalar(Scalar),
}

/// What a run writes to a variable.
struct Assigned {
    variable: u32,
    value: Ref,
    /// True if a further op may go on from it.
    moves: bool,
}

/// Builds the plan's form of what a walk found.
pub fn build(graph: &Graph, walk: &Walk) -> Result<Ir> {
    if let Some(v) = walk.outputs.iter().chain(&walk.writes).find(|v| graph.node(v.node).is_residual(v.out)) {
        let (name, rule) = (graph.node(v.node).name(), "an output that every body gives");
        return Err(Error::engine("run", "what may be left unwritten is asked for", format_args!("output {} of {name}", v.out), rule));
    }
    let (types, families) = (Types::new(graph, walk)?, RefCell::default());
    Lowerer::new(&types, &families, FxHashMap::default(), Some(walk.nodes.len())).run(&walk.outputs, &walk.writes)
}

/// What is known of some of a walk's nodes, by their places: room for all of them, or, for a body, of which a walk may have
/// thousands, for those that it has.
enum Places<T> {
    All(Vec<Option<T>>),
    Few(FxHashMap<u32, T>),
}

impl<T> Places<T> {
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
    /// The places, in the order of the walk.
    fn in_order(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Places::All(list) => Box::new((0..list.len()).filter(|&p| list[p].is_some())),
            Places::Few(map) => {
                let mut all: Vec<u32> = map.keys().copied().collect();
                all.sort_unstable();
                Box::new(all.into_iter().map(|p| p as usize))
            }
        }
    }
    fn room(n: Option<usize>) -> Places<T>
    where
        T: Clone,
    {
        n.map_or_else(|| Places::Few(FxHashMap::default()), |n| Places::All(vec![None; n]))
    }
}

/// Nodes that compute parts of the same bodies, as one.
struct Joined {
    bodies: Arc<[Lowered]>,
    tys: Vec<Ty>,
    /// By node, which output each of its outputs is.
    outs: Vec<Rc<[u32]>>,
}

/// By their places: a body that other bodies compute again is lowered once.
type Families = RefCell<FxHashMap<Box<[u32]>, Rc<Joined>>>;

struct Lowerer<'a> {
    types: &'a Types<'a>,
    families: &'a Families,
    /// Values that are sources of a body, and their places among the operands; later, their nodes.
    captures: FxHashMap<Value, u32>,
    /// Room for all nodes of the walk, if it is not for a body.
    all: Option<usize>,
    /// Node of the plan for each node of the walk.
    map: Places<u32>,
    /// By the place of a node with bodies, which outputs of the node of the plan its outputs are.
    outs: FxHashMap<u32, Rc<[u32]>>,
    ir: Ir,
}

impl<'a> Lowerer<'a> {
    fn new(types: &'a Types<'a>, families: &'a Families, captures: FxHashMap<Value, u32>, all: Option<usize>) -> Lowerer<'a> {
        let ir = Ir { nodes: Vec::with_capacity(all.unwrap_or(0)), ..Ir::default() };
        Lowerer { types, families, captures, all, map: Places::room(all), outs: FxHashMap::default(), ir }
    }

    fn run(mut self, outputs: &[Value], writes: &[Value]) -> Result<Ir> {
        let mut needed = Places::room(self.all);
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
            let made = self.push(IrOp::Source(k), &[], SmallVec::new(), SmallVec::from_iter([ty]), Walked(p as u32));
            self.captures.insert(v, made);
        }
        let mut assigned: Vec<Assigned> = vec![];
        for p in needed.in_order() {
            let id = walk.nodes[p];
            let node = self.types.graph.node(id);
            if let (NodeOp::Row(OpDef { body: Body::Primitive(Primitive { kernel: Kernel::Region(control), .. }), .. }), None) =
                (&node.op, self.map.get(p))
            {
                let family = self.family(node, &needed);
                self.region(node, *control, &family)?;
            }
            if self.map.get(p).is_some() {
                continue;
            }
            let form = forms.remove(&(p as u32)).unwrap_or(Form::Plain);
            self.lower(p, id, node, form, &mut assigned)?;
        }
        self.ir.outputs = outputs.iter().map(|&v| self.at(v)).collect::<Result<_>>()?;
        self.ir.writes = assigned.into_iter().map(|a| (a.variable, a.value)).collect();
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
            form @ Form::Write(_) => (form, node.inputs.len()),
            form @ Form::Scalar(_) => (form, 0),
        };
        forms.insert(p as u32, form);
        Ok(&node.inputs[..used])
    }

    /// The nodes of which all compute parts of the same bodies, this one included, as places in the walk: those that are needed.
    fn family(&self, node: &Node, needed: &Places<()>) -> Vec<u32> {
        let (walk, graph) = (self.types.walk, self.types.graph);
        let alike = |other: &Node| {
            other.inputs == node.inputs
                && other.regions.len() == node.regions.len()
                && other.regions.iter().zip(&node.regions).all(|(a, b)| a.scope == b.scope && a.parameters == b.parameters)
        };
        let owners = node.regions.first().map_or(&[][..], |r| walk.owners(r.scope));
        let alike = owners.iter().filter(|&&id| alike(graph.node(id)));
        alike.filter_map(|&id| walk.position(id)).filter(|&p| needed.get(p).is_some()).map(|p| p as u32).collect()
    }

    /// One node for all that compute parts of the same bodies: these run once, and return what any of the nodes returns.
    fn region(&mut self, node: &Node, control: Control, family: &[u32]) -> Result<u32> {
        let found = self.families.borrow().get(family).cloned();
        let joined = match found {
            Some(joined) => joined,
            None => {
                let joined = Rc::new(self.joined(node, control, family)?);
                self.families.borrow_mut().insert(family.into(), joined.clone());
                joined
            }
        };
        let inputs = self.refs(&node.inputs)?;
        let op = IrOp::Region(control, Bodies::Lowered(joined.bodies.clone()));
        let walked = Walked(family.first().copied().unwrap_or(0));
        let made = self.push(op, &node.attrs, inputs, joined.tys.iter().cloned().collect(), walked);
        for (&p, outs) in family.iter().zip(&joined.outs) {
            self.map.insert(p as usize, made);
            self.outs.insert(p, outs.clone());
        }
        Ok(made)
    }

    fn joined(&self, node: &Node, control: Control, family: &[u32]) -> Result<Joined> {
        let graph = self.types.graph;
        let bodies = node.regions.len();
        // What each body returns, and as which output of the node; the types of these.
        let mut returned: Vec<(Vec<Value>, Vec<u32>)> = vec![(vec![], vec![]); bodies];
        let mut tys: Vec<Ty> = vec![];
        let mut places: FxHashMap<SmallVec<[Option<Value>; 2]>, u32> = FxHashMap::default();
        let mut outs = vec![];
        for &p in family {
            let id = self.types.walk.nodes[p as usize];
            let (member, all) = (graph.node(id), self.types.all(p as usize));
            if all.len() < member.avals.len() {
                return Err(self.missing(id));
            }
            let outputs = member.regions.first().map_or(0, |r| r.outputs.len());
            let mut values: Vec<SmallVec<[Option<Value>; 2]>> =
                (0..outputs).map(|k| member.regions.iter().map(|r| r.outputs.get(k).copied()).collect()).collect();
            for (k, region) in member.regions.iter().enumerate() {
                values.extend(region.residuals.iter().map(|&v| (0..bodies).map(|j| (j == k).then_some(v)).collect()));
            }
            let mut place = |(values, ty): (SmallVec<[Option<Value>; 2]>, &Ty)| match places.get(&values) {
                Some(&out) => out,
                None => {
                    let out = tys.len() as u32;
                    tys.push(ty.clone());
                    for ((list, outs), v) in returned.iter_mut().zip(&values) {
                        v.iter().for_each(|&v| {
                            list.push(v);
                            outs.push(out);
                        });
                    }
                    places.insert(values, out);
                    out
                }
            };
            outs.push(values.into_iter().zip(all).map(&mut place).collect::<Rc<[u32]>>());
        }
        let body = |(region, (values, outputs)): (&Region, (Vec<Value>, Vec<u32>))| {
            let parameters = region.parameters.iter().zip(0..).filter_map(|(p, k)| p.map(|p| (p, k))).collect();
            let ir = Lowerer::new(self.types, self.families, parameters, None).run(&values, &[])?;
            Ok(Lowered { ir, outputs: outputs.into() })
        };
        debug_assert!(node.regions.iter().all(|r| r.parameters.len() + control.own() == node.inputs.len()));
        let mut bodies: Vec<Lowered> = node.regions.iter().zip(returned).map(body).collect::<Result<_>>()?;
        // Two values of the graph may be one here, as those that nodes inside of a body hand on are. A copy would read what may be
        // unwritten.
        let mut first: Vec<u32> = (0..tys.len() as u32).collect();
        let whole: Vec<bool> = (0..tys.len() as u32).map(|out| bodies.iter().all(|b| b.outputs.contains(&out))).collect();
        for b in &mut bodies {
            let returned: Vec<(Ref, u32)> = b.ir.outputs.iter().copied().zip(b.outputs.iter().copied()).collect();
            let mut seen: FxHashMap<Ref, u32> = FxHashMap::default();
            returned.iter().filter(|(_, out)| whole[*out as usize]).for_each(|&(r, out)| _ = seen.insert(r, out));
            let kept = |&(r, out): &(Ref, u32)| {
                let one = if whole[out as usize] { out } else { *seen.entry(r).or_insert(out) };
                first[out as usize] = one;
                one == out
            };
            (b.ir.outputs, b.outputs) = {
                let (refs, outs): (Vec<Ref>, Vec<u32>) = returned.iter().copied().filter(kept).unzip();
                (refs, outs.into())
            };
        }
        let outs = outs.iter().map(|list: &Rc<[u32]>| list.iter().map(|&out| first[out as usize]).collect()).collect();
        Ok(Joined { bodies: bodies.into(), tys, outs })
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
            op::Lowered::Scalar(s) => Form::Scalar(s),
            op::Lowered::Write(def) => Form::Write(def),
            op::Lowered::Chain(chain) => {
                let tensors = chain.first().map_or(0, |(d, _)| d.arity());
                Form::Chain(chain, tensors)
            }
        })
    }

    fn push(&mut self, op: IrOp, attrs: &[Attr], inputs: SmallVec<[Ref; 3]>, tys: SmallVec<[Ty; 1]>, walked: Walked) -> u32 {
        let part = self.types.graph.node(self.types.walk.nodes[walked.0 as usize]).part;
        self.ir.nodes.push(IrNode { op, attrs: attrs.into(), inputs, tys, walked, segment: 0, part, again: false });
        self.ir.nodes.len() as u32 - 1
    }

    fn at(&self, v: Value) -> Result<Ref> {
        if let Some(&k) = self.captures.get(&v) {
            return Ok(Ref { node: k, out: 0 });
        }
        let p = self.types.walk.position(v.node);
        let r = match p.and_then(|p| self.map.get(p)) {
            Some(&node) => Ok(Ref { node, out: v.out }),
            None => Err(Error::text(ErrorKind::Graph, "plan: a value is used before it is computed")),
        }?;
        let outs = if self.outs.is_empty() { None } else { p.and_then(|p| self.outs.get(&(p as u32))) };
        Ok(Ref { out: outs.and_then(|outs| outs.get(r.out as usize)).copied().unwrap_or(r.out), ..r })
    }

    fn refs(&self, values: &[Value]) -> Result<SmallVec<[Ref; 3]>> {
        let mut refs = SmallVec::new();
        for &v in values {
            refs.push(self.at(v)?);
        }
        Ok(refs)
    }

    /// Notes what is said of a value, and lets it stand for the mark. Of values of bodies nothing is computed again.
    fn mark(&mut self, p: usize, node: &Node, x: Ref, mark: Mark) {
        self.map.insert(p, x.node);
        if x.out > 0 {
            self.outs.insert(p as u32, [x.out].into());
        }
        match mark {
            Mark::Above(limit) if self.ir.ty(x).bytes() <= usize::try_from(limit).unwrap_or(0) => {}
            // What a function inside of another returns is inside of that.
            Mark::Returned if node.part.group > 0 => {}
            Mark::After => {}
            mark if node.scope == 0 => self.ir.marks.push((x, mark)),
            _ => {}
        }
    }

    fn written_twice(&self, id: u32) -> Error {
        let e = "assign: a variable is written twice. Got two writes in one run; expected at most one.";
        self.types.graph.blame(id, Error::text(ErrorKind::Variable, e))
    }

    fn lower(&mut self, p: usize, id: u32, node: &Node, form: Form, assigned: &mut Vec<Assigned>) -> Result<()> {
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
                    let out = (p.infer)(&mut Infer { op: def.name, inputs: &refs, bodies: &[], attrs: &attrs, fresh: &mut fresh })?;
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
            (Form::Write(def), _) => {
                let mut inputs = self.refs(&node.inputs)?;
                let Some(variable) = inputs.first_mut() else { return Err(self.missing(id)) };
                let (before, at) = (assigned.iter_mut().find(|a| a.variable == variable.node), variable.node);
                let next = self.ir.nodes.len() as u32;
                let value = Ref { node: next, out: 0 };
                match before {
                    None => assigned.push(Assigned { variable: at, value, moves: true }),
                    Some(a) if a.moves => *variable = std::mem::replace(&mut a.value, value),
                    Some(_) => return Err(self.written_twice(id)),
                }
                self.push(IrOp::Row(def, None), &[], inputs, tys, walked)
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
            (Form::Plain, NodeOp::Row(def)) => {
                let inputs = self.refs(&node.inputs)?;
                if let (Body::Primitive(row), [variable, value]) = (&def.body, &inputs[..])
                    && matches!(row.kernel, Kernel::Assign)
                {
                    if assigned.iter().any(|a| a.variable == variable.node) {
                        return Err(self.written_twice(id));
                    }
                    // What is assigned is the value itself; a further output of a node becomes a node of its own.
                    let value = match value.out {
                        0 => *value,
                        _ => Ref { node: self.push(IrOp::Copy, &[], smallvec::smallvec![*value], tys, walked), out: 0 },
                    };
                    assigned.push(Assigned { variable: variable.node, value, moves: false });
                    self.map.insert(p, value.node);
                    return Ok(());
                }
                if let (Body::Primitive(Primitive { kernel: Kernel::Mark(says), .. }), &[x]) = (&def.body, &inputs[..1.min(inputs.len())]) {
                    self.mark(p, node, x, says(&node.attrs));
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
