//! The plan's own form of a sub-graph: only what the request needs, with concrete shapes.

use smallvec::SmallVec;

use crate::dtype::Scalar;
use crate::graph::attr::Attr;
use crate::graph::checkpoint::{Mark, Part};
use crate::graph::op::{Body, Control, Kernel, OpDef};
use crate::plan::bodies::Bodies;
use crate::shape::Ty;

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
#[derive(Clone)]
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
    /// Bodies; the inputs that are not for the kernel itself are their sources.
    Region(Control, Bodies),
}

/// A node of the plan.
#[derive(Clone)]
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
    /// The gradient and the checkpointed function that it was built in.
    pub part: Part,
    /// True if it computes again what an earlier node has computed.
    pub again: bool,
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
            IrOp::Region(Control::Branch, _) => "cond",
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
#[derive(Clone, Default)]
pub struct Ir {
    /// The nodes.
    pub nodes: Vec<IrNode>,
    /// What is asked for.
    pub outputs: Vec<Ref>,
    /// Writes to variables: the variable's node and the new value.
    pub writes: Vec<(u32, Ref)>,
    /// What the user has said of values, until rematerialisation has read it.
    pub marks: Vec<(Ref, Mark)>,
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
    /// True if a node's kernel may fail. What has been computed once can be computed again.
    pub fn may_fail(&self, i: u32) -> bool {
        let node = &self.nodes[i as usize];
        match &node.op {
            _ if node.again => false,
            IrOp::User(_) | IrOp::Hook(_) => true,
            IrOp::Region(_, bodies) => bodies.compiled().iter().any(|b| b.plan.fallible),
            _ => match node.kernel() {
                Some(Kernel::Call(c)) => c.fallible,
                Some(Kernel::Check(_)) => true,
                _ => false,
            },
        }
    }
}
