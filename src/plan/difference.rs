//! Whether two requests ask for the same, constants and lines apart: a function that was traced twice builds one program.

use crate::array::Array;
use crate::dtype::{DType, Scalar};
use crate::error::Result;
use crate::graph::{Graph, NodeOp, Value};
use crate::plan::walk::nodes;

/// The first nodes, in the order of a walk, in which two requests differ: as text, with the line that built each. None if the
/// requests are the same, constants bit for bit.
pub fn difference(a: (&Graph, &[Value]), b: (&Graph, &[Value])) -> Result<Option<[String; 2]>> {
    let (left, right) = (Request::new(a)?, Request::new(b)?);
    for i in 0..left.nodes.len().max(right.nodes.len()) {
        let ids = (left.nodes.get(i), right.nodes.get(i));
        if let (Some(&x), Some(&y)) = ids
            && left.is_same(x, &right, y)
        {
            continue;
        }
        return Ok(Some([left.line(ids.0), right.line(ids.1)]));
    }
    let outputs = |r: &Request<'_>, v: &[Value]| v.iter().map(|v| r.place(*v)).collect::<Vec<_>>();
    if outputs(&left, a.1) == outputs(&right, b.1) {
        return Ok(None);
    }
    let last = |r: &Request<'_>, v: &[Value]| r.line(v.last().map(|v| &v.node));
    Ok(Some([last(&left, a.1), last(&right, b.1)]))
}

struct Request<'g> {
    graph: &'g Graph,
    /// In the order of a walk.
    nodes: Vec<u32>,
    /// By the number of a node, its place.
    places: Vec<u32>,
}

impl<'g> Request<'g> {
    fn new((graph, outputs): (&'g Graph, &[Value])) -> Result<Request<'g>> {
        let nodes = nodes(graph, outputs, &[])?;
        let mut places = vec![0; nodes.iter().max().map_or(0, |&top| top as usize + 1)];
        nodes.iter().enumerate().for_each(|(i, &id)| places[id as usize] = i as u32);
        Ok(Request { graph, nodes, places })
    }

    fn place(&self, v: Value) -> (u32, u32) {
        (self.places.get(v.node as usize).copied().unwrap_or(u32::MAX), v.out)
    }

    fn is_same(&self, x: u32, other: &Request<'_>, y: u32) -> bool {
        let (a, b) = (self.graph.node(x), other.graph.node(y));
        let values = |a: &[Value], b: &[Value]| a.len() == b.len() && a.iter().zip(b).all(|(v, w)| self.place(*v) == other.place(*w));
        let regions = || {
            a.regions.len() == b.regions.len()
                && a.regions.iter().zip(&b.regions).all(|(r, s)| values(&r.outputs, &s.outputs) && values(&r.residuals, &s.residuals))
        };
        let avals = || {
            let of = |r: &Request<'_>, node: u32, k: usize| {
                let aval = r.graph.aval(Value { node, out: k as u32 });
                (aval.dtype, aval.shape.iter().map(|d| d.known()).collect::<Vec<_>>())
            };
            a.avals.len() == b.avals.len() && (0..a.avals.len()).all(|k| of(self, x, k) == of(other, y, k))
        };
        let ops = match (&a.op, &b.op) {
            (NodeOp::Row(d), NodeOp::Row(e)) => std::ptr::eq(*d, *e) && a.attrs == b.attrs,
            (NodeOp::Placeholder(n), NodeOp::Placeholder(m)) => n == m,
            (NodeOp::Variable(env, i, _), NodeOp::Variable(other, j, _)) => (env, i) == (other, j),
            (NodeOp::Scalar(s), NodeOp::Scalar(t)) | (NodeOp::Own(s), NodeOp::Own(t)) => number(*s) == number(*t),
            (NodeOp::Bound(s), NodeOp::Bound(t)) => s.get().to_bits() == t.get().to_bits(),
            (NodeOp::Constant(c), NodeOp::Constant(d)) => bits(c) == bits(d),
            (NodeOp::User(u), NodeOp::User(v)) => u.type_word() == v.type_word() && u.name() == v.name(),
            (NodeOp::Hook(_), NodeOp::Hook(_)) => true,
            _ => false,
        };
        ops && values(&a.inputs, &b.inputs) && regions() && avals()
    }

    /// A node as text; a request that ends before it has none.
    fn line(&self, id: Option<&u32>) -> String {
        let Some(&id) = id else { return "the end of the graph".to_owned() };
        let node = self.graph.node(id);
        let number = match &node.op {
            NodeOp::Scalar(s) | NodeOp::Own(s) => format!(" {}", s.as_f64()),
            _ => String::new(),
        };
        format!("`{}`{number} {} of {}", node.name(), self.graph.aval(Value { node: id, out: 0 }), node.site)
    }
}

/// A number with its kind: NaN is the same as itself, and 0.0 is not -0.0.
fn number(s: Scalar) -> (u8, u64) {
    match s {
        Scalar::Bool(b) => (0, u64::from(b)),
        Scalar::Int(i) => (1, i as u64),
        Scalar::Float(x) => (2, x.to_bits()),
    }
}

fn bits(a: &Array) -> (DType, &[usize], &[u8]) {
    // SAFETY: an array's block holds its elements, all of them written.
    (a.dtype(), a.shape(), unsafe { std::slice::from_raw_parts(a.ptr(), a.bytes()) })
}
