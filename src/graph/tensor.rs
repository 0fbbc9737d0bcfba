//! The handle that users, rules and composites write with.

use std::fmt;

use crate::dtype::DType;
use crate::error::Error;
use crate::graph::{Graph, Node, NodeOp, Value};
use crate::shape::{Aval, Dim, Dims};

/// A value of a graph: an output of a node. A handle is two words and a reference, and is copied freely.
#[derive(Clone, Copy)]
pub struct Tensor<'g> {
    graph: &'g Graph,
    value: Value,
}

impl<'g> Tensor<'g> {
    pub(crate) fn new(graph: &'g Graph, value: Value) -> Tensor<'g> {
        Tensor { graph, value }
    }
    /// The graph that holds it.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }
    /// Node and output.
    pub fn value(&self) -> Value {
        self.value
    }
    /// The node.
    pub fn node(&self) -> &'g Node {
        self.graph.node(self.value.node)
    }
    /// Another output of the same node.
    pub fn output(&self, out: usize) -> Tensor<'g> {
        let out = if matches!(self.node().op, NodeOp::Error(_)) { 0 } else { out as u32 };
        Tensor { graph: self.graph, value: Value { node: self.value.node, out } }
    }
    /// dtype and shape.
    pub fn aval(&self) -> &'g Aval {
        self.graph.aval(self.value)
    }
    /// The dtype.
    pub fn dtype(&self) -> DType {
        self.aval().dtype
    }
    /// Number of axes.
    pub fn ndim(&self) -> usize {
        self.aval().ndim()
    }
    /// The shape; a dimension that a feed decides is a symbol.
    pub fn dims(&self) -> &'g [Dim] {
        &self.aval().shape
    }
    /// The shape in numbers, if all of them are known.
    pub fn known_shape(&self) -> Option<Dims> {
        self.aval().dims()
    }
    /// Why this tensor could not be built.
    pub fn error(&self) -> Option<Error> {
        match &self.node().op {
            NodeOp::Error(e) => Some(e.clone()),
            _ => None,
        }
    }
    /// True if both are the same value of the same graph.
    pub fn is(&self, other: &Tensor<'_>) -> bool {
        self.graph.id() == other.graph.id() && self.value == other.value
    }
}

impl fmt::Debug for Tensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node().op {
            NodeOp::Error(e) => write!(f, "Tensor({e:?})"),
            NodeOp::Placeholder(name) | NodeOp::Variable(_, _, name) => {
                write!(f, "Tensor({} \"{name}\": {})", self.node().name(), self.aval())
            }
            _ => write!(f, "Tensor(%{}: {} = {})", self.value.node, self.aval(), self.node().name()),
        }
    }
}

/// A [`Tensor`] or a reference to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tensor",
    note = "numbers go on the right: `x * 2.0`, or become one with `ctx.scalar(2.0)`"
)]
pub trait AsTensor<'g>: Copy {
    /// The handle.
    fn tensor(&self) -> Tensor<'g>;
}
impl<'g> AsTensor<'g> for Tensor<'g> {
    fn tensor(&self) -> Tensor<'g> {
        *self
    }
}
impl<'g, T: AsTensor<'g>> AsTensor<'g> for &T {
    fn tensor(&self) -> Tensor<'g> {
        (**self).tensor()
    }
}
