//! Graphs as text, one node a line: `%3: float32[64,10] = matmul %1 %2`.

use std::fmt::{self, Write};

use crate::graph::{Graph, NodeOp, Value};

impl Graph {
    /// The nodes that `outputs` depend on, in order of building, one a line. Loops, never recurses.
    pub fn to_text(&self, outputs: &[Value]) -> String {
        let reached = self.reachable(outputs);
        let mut text = String::new();
        for id in reached {
            // Writing to a String cannot fail.
            let _ = self.write_node(&mut text, id);
        }
        text
    }

    /// All nodes that `outputs` depend on, bodies included, in ascending order: inputs before their users.
    pub fn reachable(&self, outputs: &[Value]) -> Vec<u32> {
        let Some(top) = outputs.iter().map(|v| v.node).max() else { return vec![] };
        let mut seen = vec![false; top as usize + 1];
        let mut stack: Vec<u32> = outputs.iter().map(|v| v.node).collect();
        while let Some(id) = stack.pop() {
            let Some(mark) = seen.get_mut(id as usize) else { continue };
            if std::mem::replace(mark, true) {
                continue;
            }
            let node = self.node(id);
            stack.extend(node.inputs.iter().map(|v| v.node));
            stack.extend(node.regions.iter().flat_map(|r| r.returned().map(|v| v.node)));
        }
        seen.iter().enumerate().filter(|(_, s)| **s).map(|(i, _)| i as u32).collect()
    }

    fn write_node(&self, out: &mut String, id: u32) -> fmt::Result {
        let node = self.node(id);
        write!(out, "%{id}: ")?;
        for k in 0..node.avals.len() {
            let comma = if k > 0 { ", " } else { "" };
            write!(out, "{comma}{}", self.aval(Value { node: id, out: k as u32 }))?;
        }
        write!(out, " = {}", node.name())?;
        match &node.op {
            NodeOp::Placeholder(name) | NodeOp::Variable(_, _, name) => write!(out, " \"{name}\"")?,
            NodeOp::Scalar(s) | NodeOp::Own(s) => write!(out, " {}", s.as_f64())?,
            NodeOp::Bound(s) => write!(out, " {}", s.get())?,
            NodeOp::Error(e) => write!(out, " {e}")?,
            _ => {}
        }
        for v in &node.inputs {
            write!(out, " %{}", v.node)?;
            if v.out > 0 {
                write!(out, ".{}", v.out)?;
            }
        }
        if let Some(def) = node.def() {
            let names = def.params.iter().filter(|p| matches!(p.kind, crate::graph::op::ParamKind::Attr(_)));
            for (p, a) in names.zip(node.attrs.iter()) {
                write!(out, " {}={a}", p.name)?;
            }
        }
        for r in &node.regions {
            write!(out, " {{")?;
            for v in &r.outputs {
                write!(out, " %{}", v.node)?;
            }
            for (k, v) in r.residuals.iter().enumerate() {
                write!(out, "{} %{}", if k == 0 { " |" } else { "" }, v.node)?;
            }
            write!(out, " }}")?;
        }
        out.push('\n');
        Ok(())
    }
}
