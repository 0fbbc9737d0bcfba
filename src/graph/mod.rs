//! What a graph is: an append-only arena of interned nodes.
//!
//! Building the same thing twice gives the same node. Shape and dtype are inferred and checked when a node is made; a
//! node that cannot be made becomes an error node, which keeps its error and place, and evaluation returns it.

pub mod attr;
pub mod case;
pub mod checkpoint;
mod growth;
mod interned;
pub mod nesting;
mod node;
pub mod op;
pub mod policy;
mod print;
mod provenance;
mod setting;
mod tensor;
pub mod user;

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use append_only_vec::AppendOnlyVec;
use hashbrown::HashTable;
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use smallvec::{SmallVec, smallvec};

use crate::array::Array;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::shape::{Aval, Dim, Shape, Tuple};
use attr::Attr;
use interned::Interned;
pub use node::{Node, NodeOp, Region, Value, Values};
use op::{Body, Infer, OpDef, Returned};
pub use provenance::SITES;
pub use setting::Setting;
pub use tensor::{AsTensor, Tensor};
use user::{Hook, Op};

/// A lazy computation: nodes, interned as they are made.
pub struct Graph {
    id: u64,
    nodes: AppendOnlyVec<Node>,
    avals: AppendOnlyVec<Aval>,
    state: Mutex<State>,
    closed: AtomicBool,
}

struct State {
    table: Interned,
    aval_table: HashTable<(u32, u32)>,
    placeholders: FxHashMap<Arc<str>, u32>,
    symbols: u32,
    draws: u64,
    /// Scope 0 is the graph.
    scopes: Vec<Scope>,
    /// How many nodes there may be before memory is asked for again.
    asked: usize,
    /// The node that says that there is no memory for more.
    full: Option<u32>,
    again: provenance::Again,
    calls: checkpoint::Calls,
}

/// Where the nodes of a body belong.
#[derive(Clone, Copy)]
struct Scope {
    /// The scopes whose values it may use.
    uses: [u32; 2],
    /// How many bodies it is inside of.
    depth: u32,
}

/// A node about to be interned.
struct Draft<'a> {
    op: NodeOp,
    attrs: &'a [Attr],
    inputs: &'a [Value],
    tag: u64,
    scope: u32,
    regions: Vec<Region>,
}

thread_local! {
    /// The graph and scope in which this thread builds a body, if it does.
    static SCOPE: Cell<(u64, u32)> = const { Cell::new((0, 0)) };
}

/// Leaves a scope, also when building it panics.
struct Restore((u64, u32));

impl Drop for Restore {
    fn drop(&mut self) {
        SCOPE.set(self.0);
    }
}

static GRAPHS: AtomicU64 = AtomicU64::new(1);

fn hash_of(x: impl Hash) -> u32 {
    let mut h = FxHasher::default();
    x.hash(&mut h);
    let h = h.finish();
    (h ^ (h >> 32)) as u32
}

/// A hash as the tables want it: they look at both ends.
fn wide(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl NodeOp {
    /// Numbers that differ for ops that cannot be the same node.
    fn identity(&self) -> (u8, u64, u32) {
        match self {
            NodeOp::Row(def) => (0, std::ptr::from_ref(*def) as u64, 0),
            NodeOp::Placeholder(_) => (1, 0, 0),
            NodeOp::Variable(env, id, _) => (2, *env, *id),
            NodeOp::Scalar(s) => (3, 0, s.dtype() as u32),
            NodeOp::Own(s) => (9, 0, s.dtype() as u32),
            NodeOp::Bound(s) => (4, s.identity(), 0),
            NodeOp::Constant(_) => (5, 0, 0),
            NodeOp::User(_) => (6, 0, 0),
            NodeOp::Hook(_) => (7, 0, 0),
            NodeOp::Error(_) => (8, 0, 0),
        }
    }
}

impl Default for Graph {
    fn default() -> Self {
        Graph::new()
    }
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        let state = State {
            table: Interned::new(growth::FIRST),
            aval_table: HashTable::new(),
            placeholders: FxHashMap::default(),
            symbols: 0,
            draws: 0,
            scopes: vec![Scope { uses: [0; 2], depth: 0 }],
            asked: growth::NODES,
            full: None,
            again: FxHashMap::default(),
            calls: checkpoint::Calls::default(),
        };
        Graph {
            id: GRAPHS.fetch_add(1, Relaxed),
            nodes: AppendOnlyVec::new(),
            avals: AppendOnlyVec::new(),
            state: Mutex::new(state),
            closed: AtomicBool::new(false),
        }
    }

    /// A number that no other graph of this process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True if the graph has no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Node `i`.
    pub fn node(&self, i: u32) -> &Node {
        &self.nodes[i as usize]
    }

    /// The aval of a value.
    pub fn aval(&self, v: Value) -> &Aval {
        &self.avals[self.aval_number(v) as usize]
    }

    /// A number that the values of one dtype and shape share, less than [`Graph::avals`].
    pub fn aval_number(&self, v: Value) -> u32 {
        self.node(v.node).avals.get(v.out as usize).copied().unwrap_or(0)
    }

    /// How many dtypes with shapes there are.
    pub fn avals(&self) -> usize {
        self.avals.len()
    }

    /// A handle of a value.
    pub fn tensor(&self, value: Value) -> Tensor<'_> {
        Tensor::new(self, value)
    }

    /// From now on building and running are errors.
    pub fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    /// An error if the graph was closed.
    pub fn check_open(&self) -> Result<()> {
        if self.closed.load(Relaxed) {
            let e = Error::text(ErrorKind::Graph, "context: it is closed. Got a call after its end; expected a call while it is open.");
            return Err(e.help("evaluate inside the `with` block, or keep the context open"));
        }
        Ok(())
    }

    /// A node that keeps an error.
    #[track_caller]
    pub fn poison(&self, error: Error) -> Tensor<'_> {
        let site = Site::here();
        let draft = Draft { op: NodeOp::Error(error.at(site)), attrs: &[], inputs: &[], tag: self.draw(), scope: 0, regions: vec![] };
        self.tensor(self.intern(draft, site, None))
    }

    /// A number that no other node has: a random draw's stream, or what makes a node one of its own.
    pub fn draw(&self) -> u64 {
        let mut state = self.state.lock();
        state.draws += 1;
        state.draws
    }

    /// The node of an op of the table. Never panics: a node that cannot be built keeps its error.
    #[track_caller]
    pub fn insert(&self, def: &'static OpDef, attrs: &[Attr], inputs: &[Value], regions: Vec<Region>) -> Tensor<'_> {
        let Body::Primitive(primitive) = &def.body else {
            return self.poison(Error::text(ErrorKind::Graph, format!("{}: a composite has no node", def.name)));
        };
        let tag = if primitive.own { self.draw() } else { 0 };
        self.insert_op(NodeOp::Row(def), attrs, inputs, tag, regions)
    }

    /// A user's op.
    #[track_caller]
    pub fn insert_user(&self, op: Arc<dyn Op>, inputs: &[Value]) -> Tensor<'_> {
        let tag = self.draw();
        self.insert_op(NodeOp::User(op), &[], inputs, tag, vec![])
    }

    /// A hook on a value.
    #[track_caller]
    pub fn insert_hook(&self, hook: Arc<dyn Hook>, input: Value) -> Tensor<'_> {
        let tag = self.draw();
        self.insert_op(NodeOp::Hook(hook), &[], &[input], tag, vec![])
    }

    #[track_caller]
    fn insert_op(&self, op: NodeOp, attrs: &[Attr], inputs: &[Value], tag: u64, regions: Vec<Region>) -> Tensor<'_> {
        let site = Site::here();
        if let Err(e) = self.check_open() {
            return self.poison(e);
        }
        if let Some(&bad) = inputs.iter().find(|v| matches!(self.node(v.node).op, NodeOp::Error(_))) {
            return self.tensor(Value { node: bad.node, out: 0 });
        }
        let (graph, scope) = SCOPE.get();
        let scope = if graph == self.id { scope } else { 0 };
        self.tensor(self.intern(Draft { op, attrs, inputs, tag, scope, regions }, site, None))
    }

    /// A placeholder: a value that each run is fed. The same name with the same shape and dtype is the same node;
    /// -1 is a dimension that each feed decides.
    #[track_caller]
    pub fn placeholder_of(&self, name: &str, shape: &[isize], dtype: DType) -> Tensor<'_> {
        let site = Site::here();
        if let Err(e) = self.check_open() {
            return self.poison(e);
        }
        if shape.iter().any(|&n| n < -1) {
            let got = format!("{} for \"{name}\"", Tuple(shape));
            return self.poison(Error::new(
                ErrorKind::Shape,
                "placeholder",
                "a dimension is negative",
                got,
                "-1 (any length) or a length >= 0",
            ));
        }
        let known = self.state.lock().placeholders.get(name).copied();
        if let Some(node) = known {
            let value = Value { node, out: 0 };
            let old = self.aval(value);
            if is_leaf_of(old, dtype, shape) {
                self.built_again(&mut self.state.lock(), node, site);
                return self.tensor(value);
            }
            let what = format!("\"{name}\" exists with another shape or dtype");
            let got = format!("{dtype} {}", Tuple(shape));
            let rule = format!("{} {}", old.dtype, Tuple(&old.shape));
            return self.poison(Error::new(ErrorKind::Shape, "placeholder", what, got, rule));
        }
        let name: Arc<str> = name.into();
        let op = NodeOp::Placeholder(name.clone());
        let draft = Draft { op, attrs: &[], inputs: &[], tag: self.draw(), scope: 0, regions: vec![] };
        let value = self.intern(draft, site, Some((dtype, shape)));
        if self.tensor(value).error().is_some() {
            return self.tensor(value);
        }
        let mut state = self.state.lock();
        // Another thread may have been first: its node stands.
        let node = *state.placeholders.entry(name).or_insert(value.node);
        drop(state);
        self.tensor(Value { node, out: 0 })
    }

    /// All placeholders, in the order in which they were made.
    pub fn placeholders(&self) -> Vec<(Arc<str>, Value)> {
        let mut all: Vec<_> = self.state.lock().placeholders.iter().map(|(k, &node)| (k.clone(), Value { node, out: 0 })).collect();
        all.sort_by_key(|(_, v)| v.node);
        all
    }

    /// A variable of an environment: one node, however often it is asked for.
    #[track_caller]
    pub fn variable_of(&self, env: u64, id: u32, name: &str, dtype: DType, dims: &[usize]) -> Tensor<'_> {
        if let Err(e) = self.check_open() {
            return self.poison(e);
        }
        let shape: Vec<isize> = dims.iter().map(|&n| n as isize).collect();
        let op = NodeOp::Variable(env, id, name.into());
        // A variable that got another shape since is another node: `intern` compares the shapes of leaves.
        let draft = Draft { op, attrs: &[], inputs: &[], tag: 0, scope: 0, regions: vec![] };
        self.tensor(self.intern(draft, Site::here(), Some((dtype, &shape))))
    }

    /// A number that stands in an expression or a rule, and that rewrites may read: equal ones are one node.
    #[track_caller]
    pub fn literal(&self, value: Scalar, dtype: DType) -> Tensor<'_> {
        self.scalar_node(value, dtype, NodeOp::Scalar, 0)
    }

    /// A number that the user makes a tensor: a node of its own, for which gradients can be asked. No rewrite reads it and no
    /// plan depends on it.
    #[track_caller]
    pub fn scalar(&self, value: Scalar, dtype: DType) -> Tensor<'_> {
        self.scalar_node(value, dtype, NodeOp::Own, self.draw())
    }

    #[track_caller]
    fn scalar_node(&self, value: Scalar, dtype: DType, make: fn(Scalar) -> NodeOp, own: u64) -> Tensor<'_> {
        if let Err(e) = self.check_open() {
            return self.poison(e);
        }
        let Some(bytes) = value.bytes(dtype) else { return self.poison(value.misfit("constant", dtype)) };
        let value = match dtype {
            DType::Bool => Scalar::Bool(bytes.first() == Some(&1)),
            DType::I32 | DType::I64 => value,
            DType::F32 => Scalar::Float(f64::from(value.as_f64() as f32)),
            DType::F64 => Scalar::Float(value.as_f64()),
        };
        let value = match (value, dtype) {
            (Scalar::Bool(b), DType::I32 | DType::I64) => Scalar::Int(i64::from(b)),
            (v, _) => v,
        };
        // A node of its own is told from others by its number; its value cannot be, since numbers repeat.
        let tag = if own > 0 { own } else { u64::from_ne_bytes(bytes) };
        let draft = Draft { op: make(value), attrs: &[], inputs: &[], tag, scope: 0, regions: vec![] };
        self.tensor(self.intern(draft, Site::here(), Some((dtype, &[]))))
    }

    /// A setting as a scalar: each run reads it anew. No rewrite reads it and no plan depends on it. Each setting is a node of
    /// its own, so the structure does not hang on which of their values happen to be equal.
    #[track_caller]
    pub fn bound(&self, setting: &Setting, dtype: DType) -> Tensor<'_> {
        if let Err(e) = self.check_open() {
            return self.poison(e);
        }
        let value = Scalar::Float(setting.get());
        if value.bytes(dtype).is_none() {
            return self.poison(value.misfit("constant", dtype));
        }
        let op = NodeOp::Bound(setting.clone());
        let draft = Draft { op, attrs: &[], inputs: &[], tag: dtype as u64, scope: 0, regions: vec![] };
        self.tensor(self.intern(draft, Site::here(), Some((dtype, &[]))))
    }

    /// A constant array. Its numbers are an implicit feed: no plan depends on them.
    #[track_caller]
    pub fn constant_array(&self, array: Array) -> Tensor<'_> {
        if let Err(e) = self.check_open() {
            return self.poison(e);
        }
        let dtype = array.dtype();
        let shape: Vec<isize> = array.shape().iter().map(|&n| n as isize).collect();
        let draft = Draft { op: NodeOp::Constant(Box::new(array)), attrs: &[], inputs: &[], tag: self.draw(), scope: 0, regions: vec![] };
        self.tensor(self.intern(draft, Site::here(), Some((dtype, &shape))))
    }

    /// Runs `f` in a new scope: the nodes that it makes belong to a body. It may use what the scope around it has, and the
    /// nodes of the body of scope `of`, which it differentiates or computes over and over. Returns the scope too.
    pub fn in_scope<R>(&self, of: Option<u32>, f: impl FnOnce() -> R) -> (u32, R) {
        let around = self.scope();
        let scope = {
            let mut state = self.state.lock();
            let depth = state.scopes.get(around as usize).map_or(0, |s| s.depth) + 1;
            state.scopes.push(Scope { uses: [around, of.unwrap_or(around)], depth });
            state.scopes.len() as u32 - 1
        };
        (scope, self.within(scope, f))
    }

    /// Runs `f` in a scope that is there: what it makes belongs to a body that was closed, or to the graph.
    pub fn within<R>(&self, scope: u32, f: impl FnOnce() -> R) -> R {
        let _restore = Restore(SCOPE.replace((self.id, scope)));
        f()
    }

    /// The scope in which this thread builds.
    pub fn scope(&self) -> u32 {
        let (graph, scope) = SCOPE.get();
        if graph == self.id { scope } else { 0 }
    }

    /// How many bodies this thread builds inside of.
    pub fn depth(&self) -> usize {
        let scope = self.scope();
        self.state.lock().scopes.get(scope as usize).map_or(0, |s| s.depth as usize)
    }

    /// True if what belongs to `outer` is there for the nodes of `scope`.
    pub fn encloses(&self, outer: u32, scope: u32) -> bool {
        let state = self.state.lock();
        let mut seen = FxHashSet::default();
        let mut stack = vec![scope];
        while let Some(s) = stack.pop() {
            if s == outer || outer == 0 {
                return true;
            }
            // A scope is younger than those that it may use.
            let uses = state.scopes.get(s as usize).map_or([0; 2], |s| s.uses);
            stack.extend(uses.into_iter().filter(|&next| next >= outer && seen.insert(next)));
        }
        false
    }

    /// The id of an aval of the op `op`; an error if there are more elements than can be counted. Most nodes have that of one
    /// of their inputs, which is tried first.
    fn intern_aval(&self, state: &mut State, op: &str, aval: &Aval, inputs: &[Value]) -> Result<u32> {
        for v in inputs {
            if let Some(&id) = self.node(v.node).avals.get(v.out as usize)
                && self.avals[id as usize] == *aval
            {
                return Ok(id);
            }
        }
        let hash = hash_of(aval);
        let found = state.aval_table.find(wide(hash), |&(id, h)| h == hash && self.avals[id as usize] == *aval);
        if let Some(&(id, _)) = found {
            return Ok(id);
        }
        // Those that are there were checked when they came.
        aval.check(op)?;
        let id = self.avals.push(aval.clone()) as u32;
        state.aval_table.insert_unique(wide(hash), (id, hash), |&(_, h)| wide(h));
        Ok(id)
    }

    /// Finds or makes the node of a draft. Leaves give their dtype and shape; a shape of -1 becomes a symbol.
    fn intern(&self, draft: Draft<'_>, site: Site, leaf: Option<(DType, &[isize])>) -> Value {
        let identity = draft.op.identity();
        let mut part = self.part_here();
        // What is read from outside is nobody's.
        part.group = if leaf.is_some() { 0 } else { part.group };
        let hash = hash_of((identity, draft.attrs, draft.inputs, draft.tag, draft.scope, part.group, leaf));
        let at = (last_operand(draft.inputs), hash);
        let mut state = self.state.lock();
        if draft.regions.is_empty() {
            let found = state.table.find(at, |id| {
                let n = &self.nodes[id as usize];
                n.op.identity() == identity
                    && n.tag == draft.tag
                    && n.scope == draft.scope
                    && n.part.group == part.group
                    && n.inputs[..] == *draft.inputs
                    && n.attrs[..] == *draft.attrs
                    && n.regions.is_empty()
                    && leaf.is_none_or(|(dtype, shape)| is_leaf_of(self.aval(Value { node: id, out: 0 }), dtype, shape))
            });
            if let Some(id) = found {
                // Numbers are everybody's, and are not asked where they come from.
                if !matches!(draft.op, NodeOp::Scalar(_) | NodeOp::Bound(_)) {
                    self.built_again(&mut state, id, site);
                }
                return Value { node: id, out: 0 };
            }
        }
        if self.nodes.len() >= state.asked
            && let Some(full) = self.grow(&mut state)
        {
            return full;
        }
        let made = match leaf {
            Some((dtype, shape)) => {
                let shape: Shape =
                    shape.iter().map(|&n| usize::try_from(n).map_or_else(|_| fresh(&mut state.symbols), Dim::Known)).collect();
                let aval = Aval { dtype, shape };
                self.intern_aval(&mut state, draft.op.name(), &aval, &[]).map(|id| smallvec![id])
            }
            None => self.infer(&draft, &mut state.symbols).and_then(|avals| {
                let op = draft.op.name();
                match &avals[..] {
                    [one] => self.intern_aval(&mut state, op, one, draft.inputs).map(|id| smallvec![id]),
                    all => all.iter().map(|a| self.intern_aval(&mut state, op, a, draft.inputs)).collect(),
                }
            }),
        };
        let (op, avals) = match made {
            Ok(avals) => (draft.op, avals),
            // A number's: it has one element.
            Err(e) => {
                let id = self.intern_aval(&mut state, "error", &Aval::new(DType::F64, []), &[]).unwrap_or(0);
                (NodeOp::Error(e.at(site)), smallvec![id])
            }
        };
        let failed = matches!(op, NodeOp::Error(_));
        let node = Node {
            op,
            attrs: draft.attrs.into(),
            inputs: if failed { Values::new() } else { Values::from_slice(draft.inputs) },
            avals,
            scope: draft.scope,
            part,
            origin: self.origin_here(),
            tag: draft.tag,
            regions: draft.regions.into(),
            site,
        };
        let id = self.nodes.push(node) as u32;
        if !failed {
            state.table.insert(at, id, |id| last_operand(&self.nodes[id as usize].inputs));
        }
        Value { node: id, out: 0 }
    }

    /// Notes that a node that is there was built at `site` too.
    fn built_again(&self, state: &mut State, id: u32, site: Site) {
        let node = &self.nodes[id as usize];
        let place = (site, self.origin_here());
        // Where there is no memory, a line less is known.
        if place != (node.site, node.origin) && state.again.try_reserve(1).is_ok() {
            let more = state.again.entry(id).or_default();
            if more.len() + 1 < SITES && !more.contains(&place) {
                more.push(place);
            }
        }
    }

    fn infer(&self, draft: &Draft<'_>, symbols: &mut u32) -> Result<op::Avals> {
        let inputs: SmallVec<[&Aval; 4]> = draft.inputs.iter().map(|&v| self.aval(v)).collect();
        let dummy = || Ok(smallvec![Aval::new(DType::F64, [])]);
        match &draft.op {
            NodeOp::Row(def) => {
                let Body::Primitive(p) = &def.body else { return dummy() };
                let mut make = || fresh(symbols);
                let bodies: Vec<Returned<'_>> = draft.regions.iter().filter_map(|r| Returned::of(r, |v| Some(self.aval(v)))).collect();
                let mut c = Infer { op: def.name, inputs: &inputs, bodies: &bodies, attrs: draft.attrs, fresh: &mut make };
                catch_unwind(AssertUnwindSafe(|| (p.infer)(&mut c))).unwrap_or_else(|_| Err(panicked(def.name, "shape rule")))
            }
            NodeOp::User(op) => nesting::inferred(&**op, &inputs),
            NodeOp::Hook(_) => Ok(inputs.into_iter().cloned().collect()),
            _ => dummy(),
        }
    }
}

fn last_operand(inputs: &[Value]) -> Option<u32> {
    inputs.iter().map(|v| v.node).max()
}

/// True if a leaf has this dtype and shape, in which -1 is a symbol.
fn is_leaf_of(aval: &Aval, dtype: DType, shape: &[isize]) -> bool {
    let same = |(d, &n): (&Dim, &isize)| match d {
        Dim::Known(k) => n == *k as isize,
        Dim::Sym(_) => n == -1,
    };
    aval.dtype == dtype && aval.shape.len() == shape.len() && aval.shape.iter().zip(shape).all(same)
}

fn fresh(symbols: &mut u32) -> Dim {
    *symbols += 1;
    Dim::Sym(*symbols - 1)
}

fn panicked(op: &str, what: &str) -> Error {
    Error::text(ErrorKind::Graph, format!("{op}: its {what} panicked. Got a panic; expected a result."))
}
