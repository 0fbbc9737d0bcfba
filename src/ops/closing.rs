//! Closing bodies: what a body reads of what is around it becomes an operand of the node that owns it; what a gradient's body
//! reads of the body that it differentiates becomes a residual, which that body hands on.

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Body, Kernel, Primitive};
use crate::graph::{Graph, Node, NodeOp, Region, Value, Values};

use super::writes::is_write;

/// So many residuals of a body inside of it may a body hand on. In a deep nest each body would hand on those of all bodies
/// inside of it; beyond this the gradient computes the inner body again, unless users' code would see that.
pub(super) const HANDED_ON: usize = 16;

/// A body about to be closed.
pub(super) struct Open<'a> {
    /// The scope in which it was built.
    pub scope: u32,
    /// What it returns, residuals included.
    pub returned: &'a [Value],
    /// Values that are not its own, and the operands that they are.
    pub known: &'a FxHashMap<Value, Value>,
    /// True for a gradient: what it uses of other bodies is handed on to it.
    pub differentiates: bool,
}

/// What a body reads that it does not compute.
#[derive(Default)]
pub(super) struct Needs {
    /// Operands, each with the value by which the body knows it. They are in the order in which a traversal meets them, which
    /// follows from the structure, as a plan's key must, not from the order in which the program built them.
    pub operands: Vec<(Value, Value)>,
    /// What the body that it differentiates must hand on.
    pub residuals: Values,
    /// True if users' code runs in it.
    pub watched: bool,
}

impl Open<'_> {
    /// What the body reads. A body is what its outputs depend on and what does not belong to the scope around it, which is the
    /// present one.
    pub fn needs(&self, graph: &Graph) -> Result<Needs> {
        let around = graph.scope();
        let mut needs = Needs::default();
        let mut seen = FxHashSet::default();
        let mut outer: FxHashMap<u32, bool> = FxHashMap::default();
        // Nodes of other bodies that this one computes again.
        let mut again: FxHashSet<u32> = FxHashSet::default();
        let mut stack: Vec<Value> = self.returned.to_vec();
        loop {
            while let Some(v) = stack.pop() {
                if !seen.insert(v) {
                    continue;
                }
                let node = graph.node(v.node);
                if let Some(&operand) = self.known.get(&v) {
                    needs.operands.push((operand, v));
                    continue;
                }
                if *outer.entry(node.scope).or_insert_with(|| graph.encloses(node.scope, around)) {
                    needs.operands.push((v, v));
                    continue;
                }
                if self.differentiates && node.scope != self.scope && !is_free(node) && !again.contains(&v.node) {
                    needs.residuals.push(v);
                    continue;
                }
                if let Some(def) = node.def().filter(|d| is_write(d)) {
                    let got = format_args!("`{}`", def.name);
                    return Err(Error::new(ErrorKind::Graph, "cond", "a body writes to a variable", got, "bodies that only compute"));
                }
                needs.watched |= matches!(node.op, NodeOp::User(_) | NodeOp::Hook(_)) || node.regions.iter().any(|r| r.watched);
                stack.extend(node.inputs.iter().copied());
            }
            let Some(id) = crowd(graph, &needs.residuals) else { return Ok(needs) };
            again.insert(id);
            needs.residuals.retain(|v| v.node != id);
            needs.watched |= graph.node(id).regions.iter().any(|r| r.watched);
            stack.extend(graph.node(id).inputs.iter().copied());
        }
    }
}

/// A node with bodies of which more residuals would be handed on than may be.
fn crowd(graph: &Graph, residuals: &[Value]) -> Option<u32> {
    if residuals.len() <= HANDED_ON {
        return None;
    }
    let mut counts: FxHashMap<u32, usize> = FxHashMap::default();
    residuals.iter().find_map(|v| {
        let node = graph.node(v.node);
        if !node.is_residual(v.out) || node.regions.iter().any(|r| r.watched) {
            return None;
        }
        let n = counts.entry(v.node).or_default();
        *n += 1;
        (*n > HANDED_ON).then_some(v.node)
    })
}

/// True for a node that costs nothing to compute again: a view, or a fill.
fn is_free(node: &Node) -> bool {
    match node.def().map(|d| &d.body) {
        Some(Body::Primitive(Primitive { kernel: Kernel::View(_), .. })) => true,
        Some(Body::Primitive(Primitive { kernel: Kernel::Lower(_), .. })) => node.inputs.is_empty(),
        _ => false,
    }
}

/// The inputs of a node with two bodies, and by which values these know them.
pub(super) struct Operands {
    own: usize,
    inputs: Values,
    parameters: [Vec<Option<Value>>; 2],
    /// Where an input is; it is there twice if a body knows it by two values.
    places: FxHashMap<Value, SmallVec<[usize; 1]>>,
}

impl Operands {
    /// Those of a node whose first inputs, which are no operands, are these.
    pub fn new(own: &[Value]) -> Operands {
        Operands { own: own.len(), inputs: own.into(), parameters: [vec![], vec![]], places: FxHashMap::default() }
    }

    /// Those that a node has already, of which `own` are no operands.
    pub fn of(node: &Node, own: usize) -> Operands {
        let mut operands = Operands::new(node.inputs.get(..own).unwrap_or_default());
        operands.inputs = node.inputs.clone();
        for (list, region) in operands.parameters.iter_mut().zip(&node.regions) {
            *list = region.parameters.to_vec();
        }
        operands
    }

    /// Body `k` knows an operand by a value.
    pub fn add(&mut self, k: usize, operand: Value, known_by: Value) {
        let places = self.places.entry(operand).or_default();
        let free = places.iter().find(|&&p| self.parameters[k][p].is_none_or(|v| v == known_by));
        let place = free.copied().unwrap_or_else(|| {
            self.inputs.push(operand);
            self.parameters.iter_mut().for_each(|list| list.push(None));
            places.push(self.parameters[k].len() - 1);
            self.parameters[k].len() - 1
        });
        self.parameters[k][place] = Some(known_by);
        debug_assert_eq!(self.inputs.len(), self.own + self.parameters[k].len());
    }

    /// The inputs, and the regions of bodies that return this.
    pub fn regions(self, bodies: [Returns; 2]) -> (Values, Vec<Region>) {
        let make = |(b, parameters): (Returns, Vec<Option<Value>>)| {
            let Returns { scope, outputs, residuals, watched } = b;
            Region { scope, parameters: parameters.into(), outputs, residuals, watched }
        };
        (self.inputs, bodies.into_iter().zip(self.parameters).map(make).collect())
    }
}

/// A body, but for its operands.
#[derive(Default)]
pub(super) struct Returns {
    pub scope: u32,
    pub outputs: Values,
    pub residuals: Values,
    pub watched: bool,
}
