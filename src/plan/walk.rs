//! From a request to a key: the nodes that it reaches, what a run binds, and the canonical words that name the structure.

use std::any::TypeId;

use rustc_hash::FxHashMap;

use crate::array::room::room;
use crate::dtype::Scalar;
use crate::error::Result;
use crate::graph::attr::{Attr, Cuts, Padding};
use crate::graph::checkpoint::Checkpointing;
use crate::graph::op::Body;
use crate::graph::{Graph, NodeOp, Value};
use crate::plan::size::planning;
use crate::process::Shared;
use crate::shape::Ty;

/// What a request reaches. Two requests with equal keys have equal plans, whatever their feeds, constants and variables hold.
pub struct Walk {
    /// Reached nodes, each after its inputs and bodies. The order follows from the structure of what is asked for alone:
    /// the same request has one key, in whatever order a program came to build it.
    pub nodes: Vec<u32>,
    /// What is asked for.
    pub outputs: Vec<Value>,
    /// Assignments whose values nobody asked for.
    pub writes: Vec<Value>,
    /// Nodes whose values each run binds.
    pub sources: Vec<u32>,
    /// Random draws.
    pub draws: Vec<u32>,
    /// Users' ops and hooks.
    pub users: Vec<u32>,
    /// The canonical structure.
    pub key: Vec<u64>,
    /// Bytes that planning takes, without the steps.
    pub planning: usize,
    /// What is said of memory.
    pub checkpointing: Checkpointing,
    positions: Vec<u32>,
    feeds: FxHashMap<u32, Ty>,
    /// By the scope of a body: its number, in the order of the walk, and the nodes that own it.
    bodies: FxHashMap<u32, (u64, Vec<u32>)>,
}

/// Nodes for which a walk takes memory at once.
const SMALL: usize = 64;
/// A node whose inputs are being visited.
const OPEN: u32 = u32::MAX;

/// True for a scalar that a rewrite may read: only these are part of a key.
pub fn readable(s: &Scalar) -> bool {
    match *s {
        Scalar::Bool(_) => true,
        Scalar::Int(i) => matches!(i, -1..=2),
        Scalar::Float(x) => x == 0.0 || x == 1.0 || x == -1.0 || x == 2.0 || x == 0.5,
    }
}

impl Walk {
    /// Walks from `outputs`, whose values a run returns, and the assignments `writes`. `feeds` are the fed placeholders with
    /// their concrete types.
    pub fn new(graph: &Graph, outputs: &[Value], writes: &[Value], feeds: FxHashMap<u32, Ty>) -> Result<Walk> {
        Walk::within(graph, outputs, writes, feeds, Checkpointing::default())
    }

    /// The same, with what is said of memory.
    pub fn within(
        graph: &Graph,
        outputs: &[Value],
        writes: &[Value],
        feeds: FxHashMap<u32, Ty>,
        checkpointing: Checkpointing,
    ) -> Result<Walk> {
        let (nodes, positions) = traverse(graph, outputs.iter().chain(writes))?;
        // The key, which grows by doubling.
        room("run", format_args!("the key of a plan of {} nodes", nodes.len()), nodes.len() * 256)?;
        let mut walk = Walk {
            nodes,
            outputs: outputs.to_vec(),
            writes: writes.to_vec(),
            sources: vec![],
            draws: vec![],
            users: vec![],
            key: vec![],
            planning: 0,
            positions,
            feeds,
            bodies: FxHashMap::default(),
            checkpointing,
        };
        walk.collect(graph);
        Ok(walk)
    }

    /// The place of a node among [`Walk::nodes`].
    pub fn position(&self, id: u32) -> Option<usize> {
        (*self.positions.get(id as usize)?).checked_sub(1).map(|p| p as usize)
    }
    /// The type of a fed placeholder.
    pub fn fed(&self, id: u32) -> Option<&Ty> {
        self.feeds.get(&id)
    }
    /// The place of a source.
    pub fn source(&self, id: u32) -> Option<u32> {
        self.among(&self.sources, id)
    }
    /// The place of a draw.
    pub fn draw(&self, id: u32) -> Option<u32> {
        self.among(&self.draws, id)
    }
    /// The place of a user's op or hook.
    pub fn user(&self, id: u32) -> Option<u32> {
        self.among(&self.users, id)
    }

    /// The nodes that own a body of this scope, in the order of the walk.
    pub fn owners(&self, scope: u32) -> &[u32] {
        self.bodies.get(&scope).map_or(&[], |(_, owners)| owners)
    }

    /// The place of a node in a list that is in the walk's order.
    fn among(&self, list: &[u32], id: u32) -> Option<u32> {
        let at = self.position(id)?;
        list.binary_search_by_key(&Some(at), |&i| self.position(i)).ok().map(|i| i as u32)
    }

    fn collect(&mut self, graph: &Graph) {
        // The words can be read back from the front, so two keys are equal only if the requests are alike: each list has its
        // length before it, and what is in a node follows from its first word.
        let mut key: Vec<u64> = Vec::with_capacity(self.nodes.len() * 8 + self.outputs.len() + 2);
        key.push(self.nodes.len() as u64);
        let mut variables: FxHashMap<(u64, u32), u64> = FxHashMap::default();
        for &id in &self.nodes {
            let node = graph.node(id);
            self.planning += planning(node);
            let value = Value { node: id, out: 0 };
            let typed = |key: &mut Vec<u64>, kind: u64| {
                let a = graph.aval(value);
                key.push(kind << 8 | a.dtype as u64);
                key.push(a.ndim() as u64);
                key.extend(a.shape.iter().map(|d| d.known().map_or(u64::MAX, |n| n as u64)));
            };
            match &node.op {
                NodeOp::Row(def) => {
                    key.push(std::ptr::from_ref(*def) as u64);
                    if matches!(&def.body, Body::Primitive(p) if p.draw) {
                        self.draws.push(id);
                    }
                    // How many attributes there are, and of which kinds, follows from the row.
                    key.push((node.inputs.len() as u64) << 32 | node.regions.len() as u64);
                    for a in &node.attrs {
                        attr_words(a, &mut key);
                    }
                    for r in &node.regions {
                        // Which nodes share a body is a part of the structure.
                        let n = self.bodies.len() as u64;
                        let (number, owners) = self.bodies.entry(r.scope).or_insert((n, vec![]));
                        key.push(*number);
                        owners.push(id);
                        key.push((r.outputs.len() as u64) << 32 | r.residuals.len() as u64);
                        key.extend(r.returned().map(|v| self.word(v)));
                        key.extend(r.parameters.iter().map(|v| v.map_or(u64::MAX, |v| self.word(v))));
                    }
                }
                NodeOp::Placeholder(_) => match self.feeds.get(&id) {
                    Some(ty) => {
                        self.sources.push(id);
                        key.push(1 << 8 | ty.dtype as u64);
                        key.push(ty.dims.len() as u64);
                        key.extend(ty.dims.iter().map(|&n| n as u64));
                    }
                    None => typed(&mut key, 2),
                },
                NodeOp::Variable(env, index, _) => {
                    self.sources.push(id);
                    typed(&mut key, 3);
                    // Two nodes of one variable (it changed its shape) must not look like two variables.
                    let n = variables.len() as u64;
                    key.push(*variables.entry((*env, *index)).or_insert(n));
                }
                NodeOp::Scalar(s) if readable(s) => {
                    typed(&mut key, 4);
                    key.push(node.tag);
                }
                NodeOp::Scalar(_) | NodeOp::Own(_) | NodeOp::Bound(_) => {
                    self.sources.push(id);
                    typed(&mut key, 5);
                }
                NodeOp::Constant(_) => {
                    self.sources.push(id);
                    typed(&mut key, 6);
                }
                NodeOp::User(op) => {
                    self.users.push(id);
                    key.push(7);
                    key.push(type_number(op.type_word()));
                    key.push(op.key());
                    key.push((node.inputs.len() as u64) << 32 | node.avals.len() as u64);
                    for k in 0..node.avals.len() {
                        let a = graph.aval(Value { node: id, out: k as u32 });
                        key.push(a.dtype as u64 | (a.ndim() as u64) << 8);
                        key.extend(a.shape.iter().map(|d| d.known().map_or(u64::MAX, |n| n as u64)));
                    }
                }
                NodeOp::Hook(_) => {
                    self.users.push(id);
                    key.push(8);
                }
                NodeOp::Error(_) => key.push(9),
            }
            key.extend(node.inputs.iter().map(|v| self.word(*v)));
        }
        key.push(self.outputs.len() as u64);
        key.extend(self.outputs.iter().chain(&self.writes).map(|v| self.word(*v)));
        self.key = key;
        self.collect_parts(graph);
    }

    /// Where nodes were built, and what is said of memory, if a plan depends on it.
    fn collect_parts(&mut self, graph: &Graph) {
        let matters = |&id: &u32| graph.node(id).part.group > 0 || graph.node(id).is_mark();
        if self.checkpointing.is_empty() && !self.nodes.iter().any(matters) {
            return;
        }
        let key = &mut self.key;
        key.push(u64::MAX);
        // Which of them are of one gradient or function is a part of the structure, and so is the order of gradients.
        let mut sweeps: Vec<u32> = self.nodes.iter().map(|&id| graph.node(id).part.sweep).collect();
        sweeps.push(0);
        sweeps.sort_unstable();
        sweeps.dedup();
        let mut groups: FxHashMap<u32, u64> = FxHashMap::default();
        let mut policies = vec![];
        for &id in &self.nodes {
            let part = graph.node(id).part;
            let n = groups.len() as u64 + 1;
            let group = if part.group == 0 { 0 } else { *groups.entry(part.group).or_insert(n) };
            if group == n {
                policies.push(graph.group_policy(part.group));
            }
            key.push((sweeps.partition_point(|&s| s < part.sweep) as u64) << 32 | group);
        }
        policies.push(self.checkpointing.policy.clone());
        for policy in policies {
            let at = key.len();
            key.push(0);
            policy.iter().for_each(|p| p.words(key));
            key[at] = (key.len() - at) as u64;
        }
        key.push(self.checkpointing.budget.map_or(u64::MAX, |b| b as u64));
    }

    fn word(&self, v: Value) -> u64 {
        self.position(v.node).map_or(u64::from(u32::MAX), |p| p as u64) << 32 | u64::from(v.out)
    }
}

/// What `roots` reach, in the order in which a depth-first traversal leaves the nodes: by the places of operands, never by the
/// nodes' numbers. Beside it, for each number of a node, its place in that order counted from 1, or 0.
fn traverse<'a>(graph: &Graph, roots: impl Iterator<Item = &'a Value> + Clone) -> Result<(Vec<u32>, Vec<u32>)> {
    let Some(top) = roots.clone().map(|v| v.node).max() else { return Ok((vec![], vec![])) };
    // The places, and two lists that grow by doubling.
    room("run", format_args!("a walk over up to {} nodes", top as usize + 1), (top as usize + 1) * 28)?;
    // Zeroed memory costs only where it is touched: a small request of a large graph is cheap.
    let mut places = vec![0u32; top as usize + 1];
    let mut order = Vec::with_capacity(places.len().min(SMALL));
    // The last root first: the gradient of a network's last layer is there first, and what it needs is then free for others.
    let mut stack = Vec::with_capacity(places.len().min(SMALL));
    stack.extend(roots.map(|v| v.node));
    while let Some(&id) = stack.last() {
        match places[id as usize] {
            0 => {
                places[id as usize] = OPEN;
                let node = graph.node(id);
                // The last of the stack is the next: inputs before bodies.
                let bodies = node.regions.iter().rev().flat_map(|r| r.returned().rev());
                stack.extend(bodies.chain(node.inputs.iter().rev().copied()).map(|v| v.node).filter(|&n| places[n as usize] == 0));
            }
            OPEN => {
                stack.pop();
                order.push(id);
                places[id as usize] = order.len() as u32;
            }
            _ => _ = stack.pop(),
        }
    }
    Ok((order, places))
}

/// What a request reaches, in the order of its walk.
pub fn nodes(graph: &Graph, outputs: &[Value], writes: &[Value]) -> Result<Vec<u32>> {
    Ok(traverse(graph, outputs.iter().chain(writes))?.0)
}

/// The types of users' ops that this process has planned, by number.
static TYPES: Shared<Vec<TypeId>> = Shared::new(Vec::new());

/// The number of a type: no other type has it.
fn type_number(id: TypeId) -> u64 {
    TYPES.with(|types| {
        let at = types.iter().position(|t| *t == id).unwrap_or_else(|| {
            types.push(id);
            types.len() - 1
        });
        at as u64
    })
}

fn attr_words(a: &Attr, key: &mut Vec<u64>) {
    match a {
        Attr::Int(i) => key.push(*i as u64),
        Attr::Bool(b) => key.push(u64::from(*b)),
        Attr::DType(d) => key.push(*d as u64),
        Attr::Axes(None) => key.push(u64::MAX),
        Attr::Ints(v) | Attr::PerAxis(v) | Attr::Axes(Some(v)) => {
            key.push(v.len() as u64);
            key.extend(v.iter().map(|&i| i as u64));
        }
        Attr::Slices(v) => {
            key.push(v.len() as u64);
            for s in v {
                let bound = |i: Option<i64>| i.map_or([0, 0], |i| [1, i as u64]);
                key.extend(bound(s.start));
                key.extend(bound(s.stop));
                key.push(s.step as u64);
            }
        }
        Attr::Axis(i) => key.extend(i.map_or([0, 0], |i| [1, i as u64])),
        Attr::Choice(c) => key.push(c.index as u64),
        Attr::Text(t) => {
            key.push(t.len() as u64);
            key.extend(t.bytes().map(u64::from));
        }
        Attr::Cuts(Cuts::Unsaid) => key.push(0),
        Attr::Cuts(Cuts::Parts(n)) => key.extend([1, *n as u64]),
        Attr::Cuts(Cuts::Places(v)) => {
            key.extend([2, v.len() as u64]);
            key.extend(v.iter().map(|&i| i as u64));
        }
        Attr::Widths(v) => {
            key.push(v.len() as u64);
            key.extend(v.iter().flatten().map(|&i| i as u64));
        }
        Attr::Factors(v) => {
            key.push(v.len() as u64);
            key.extend(v);
        }
        Attr::Padding(Padding::Same) => key.push(u64::MAX),
        Attr::Padding(Padding::Ends(v)) => {
            key.push(v.len() as u64);
            key.extend(v.iter().flatten().map(|&i| i as u64));
        }
        Attr::MaybeDType(d) => key.push(d.map_or(u64::MAX, |d| d as u64)),
    }
}
