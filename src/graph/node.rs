//! Nodes: what a graph holds.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::array::Array;
use crate::dtype::Scalar;
use crate::error::{Error, Site};
use crate::graph::attr::Attr;
use crate::graph::checkpoint::Part;
use crate::graph::op::{Body, Kernel, OpDef};
use crate::graph::provenance::Origin;
use crate::graph::setting::Setting;
use crate::graph::user::{Hook, Op};

/// An output of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Value {
    /// Index of the node.
    pub node: u32,
    /// Index of the output.
    pub out: u32,
}

/// A list of values; most nodes have at most three inputs.
pub type Values = SmallVec<[Value; 3]>;

/// What a node computes.
#[derive(Clone)]
pub enum NodeOp {
    /// An op of the table.
    Row(&'static OpDef),
    /// A value that is fed to each run.
    Placeholder(Arc<str>),
    /// A variable: identity of its environment, index, and name.
    Variable(u64, u32, Arc<str>),
    /// A literal: a scalar that rewrites may read. The tag of the node holds its bits.
    Scalar(Scalar),
    /// A number that the user made a tensor: a source of its own, that no rewrite reads.
    Own(Scalar),
    /// A scalar that each run reads and no rewrite does: a hyperparameter.
    Bound(Setting),
    /// An array of numbers: an implicit feed. Boxed: few nodes are, and all of them are moved.
    Constant(Box<Array>),
    /// A user's op.
    User(Arc<dyn Op>),
    /// A hook: hands its input on.
    Hook(Arc<dyn Hook>),
    /// A node that could not be built.
    Error(Error),
}

/// A body that a node owns: a sub-graph that reads nothing but operands, which are inputs of the node.
#[derive(Clone, Debug)]
pub struct Region {
    /// The scope in which the body's nodes were made. Nodes whose bodies are of one scope compute parts of one body.
    pub scope: u32,
    /// By which value the body knows each operand: the operand itself, if the body captures it; a value of the body that it
    /// differentiates, if that was handed on to it. None if it does not use it.
    pub parameters: Box<[Option<Value>]>,
    /// What the body returns: outputs of the node, together with those of its other bodies.
    pub outputs: Values,
    /// What it hands on to its gradient: further outputs of the node, which are written only if this body runs.
    pub residuals: Values,
    /// True if it calls users' code, which sees how often it runs.
    pub watched: bool,
}

impl Region {
    /// All that the body computes: its outputs, and its residuals.
    pub fn returned(&self) -> impl DoubleEndedIterator<Item = Value> + '_ {
        self.outputs.iter().chain(&self.residuals).copied()
    }
}

/// A node of a graph.
pub struct Node {
    /// What it computes.
    pub op: NodeOp,
    /// Its attributes.
    pub attrs: Box<[Attr]>,
    /// Its inputs.
    pub inputs: Values,
    /// Interned avals of its outputs.
    pub avals: SmallVec<[u32; 2]>,
    /// The scope that it was made in; 0 is the graph itself.
    pub scope: u32,
    /// The gradient and the checkpointed function that it was made in.
    pub part: Part,
    /// The call that it was made for.
    pub origin: Origin,
    /// What tells it from nodes that look the same: a stream number, a scalar's bits.
    pub tag: u64,
    /// Its bodies.
    pub regions: Box<[Region]>,
    /// Where the user built it first.
    pub site: Site,
}

impl NodeOp {
    /// The name that messages show.
    pub fn name(&self) -> &str {
        match self {
            NodeOp::Row(def) => def.name,
            NodeOp::Placeholder(_) => "placeholder",
            NodeOp::Variable(..) => "variable",
            NodeOp::Scalar(_) | NodeOp::Own(_) | NodeOp::Bound(_) | NodeOp::Constant(_) => "constant",
            NodeOp::User(op) => op.name(),
            NodeOp::Hook(_) => "hook",
            NodeOp::Error(_) => "error",
        }
    }
}

impl Node {
    /// The op's name.
    pub fn name(&self) -> &str {
        self.op.name()
    }

    /// Which of its outputs are the residuals of body `k`.
    pub fn residuals(&self, k: usize) -> std::ops::Range<usize> {
        let joined = self.regions.first().map_or(self.avals.len(), |r| r.outputs.len());
        let before: usize = self.regions.iter().take(k).map(|r| r.residuals.len()).sum();
        joined + before..joined + before + self.regions.get(k).map_or(0, |r| r.residuals.len())
    }

    /// True for an output that may be left unwritten.
    pub fn is_residual(&self, out: u32) -> bool {
        self.regions.first().is_some_and(|r| out as usize >= r.outputs.len())
    }

    /// True for a mark, which is its operand.
    pub fn is_mark(&self) -> bool {
        matches!(self.def().map(|d| &d.body), Some(Body::Primitive(p)) if matches!(p.kernel, Kernel::Mark(_)))
    }

    /// The row, for an op of the table.
    pub fn def(&self) -> Option<&'static OpDef> {
        match self.op {
            NodeOp::Row(def) => Some(def),
            _ => None,
        }
    }
}
