//! How long values stay in memory.

use crate::graph::op::Kernel;
use crate::plan::Plan;
use crate::plan::ir::{Ir, Ref};
use crate::shape::Ty;

/// A value that a step leaves in memory for others.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// The value.
    pub value: Ref,
    /// Its bytes.
    pub bytes: usize,
    /// The step that computes it.
    pub made: usize,
    /// The last step that reads it; the last step of the plan, if it leaves the plan.
    pub last: usize,
}

/// The value whose memory another one shows, through views.
fn root(ir: &Ir, mut r: Ref) -> Ref {
    while let (Some(Kernel::View(_)), Some(&x)) = (ir.node(r).kernel(), ir.node(r).inputs.first()) {
        r = x;
    }
    r
}

impl Plan {
    /// The values that steps leave in memory, in the order in which they are made.
    pub fn lives(&self) -> Vec<Life> {
        let ir = self.ir();
        let mut made = vec![None; ir.nodes.len()];
        let mut last: Vec<Vec<usize>> = ir.nodes.iter().map(|n| vec![0; n.tys.len()]).collect();
        let stored = self.stored();
        for (t, step) in self.steps.iter().enumerate() {
            for &n in &step.nodes {
                made[n as usize] = Some(t);
            }
        }
        for (t, step) in self.steps.iter().enumerate() {
            for &r in step.nodes.iter().flat_map(|&n| &ir.nodes[n as usize].inputs) {
                let from = root(ir, r);
                last[from.node as usize][from.out as usize] = t;
            }
        }
        for &r in ir.outputs.iter().chain(ir.writes.iter().map(|(_, r)| r)) {
            let from = root(ir, r);
            last[from.node as usize][from.out as usize] = self.steps.len().saturating_sub(1);
        }
        let mut lives: Vec<Life> = vec![];
        for (i, node) in ir.nodes.iter().enumerate().filter(|(i, _)| stored[*i]) {
            let Some(t) = made[i] else { continue };
            for (out, ty) in node.tys.iter().enumerate() {
                let value = Ref { node: i as u32, out: out as u32 };
                lives.push(Life { value, bytes: Ty::bytes(ty), made: t, last: last[i][out].max(t) });
            }
        }
        lives.sort_by_key(|l| l.made);
        lives
    }
}
