//! Segments as late as they can be: what nothing of an earlier segment reads may wait.
//!
//! A node that reads no clone, such as the slope of an activation, would run before the first clone is made, and its value would wait for the
//! cotangent. It is moved to the segment of the first node that reads it, if no more bytes have to stay for it than it holds: there it
//! is computed beside its reader and often not stored at all.

use crate::plan::ir::{Ir, IrOp};
use crate::plan::remat::needs::passed;
use crate::shape::Ty;

/// Moves nodes to later segments.
pub fn delay(ir: &mut Ir) {
    let n = ir.nodes.len();
    let mut root: Vec<u32> = Vec::with_capacity(n);
    for (i, node) in ir.nodes.iter().enumerate() {
        let shown = node.inputs.first().filter(|_| passed(node)).map(|r| root[r.node as usize]);
        root.push(shown.unwrap_or(i as u32));
    }
    // The first segment that reads a node, and the last that reads its memory.
    let mut first = vec![u32::MAX; n];
    let mut last = vec![0; n];
    for node in &ir.nodes {
        node.inputs.iter().for_each(|r| {
            let from = root[r.node as usize] as usize;
            last[from] = node.segment.max(last[from]);
        });
    }
    let mut fixed = vec![false; n];
    ir.outputs.iter().chain(ir.writes.iter().map(|(_, r)| r)).for_each(|r| fixed[r.node as usize] = true);
    for i in (0..n).rev() {
        let node = &ir.nodes[i];
        let to = first[i];
        let free = matches!(node.op, IrOp::Source(_) | IrOp::Scalar(_));
        if to != u32::MAX && to > node.segment && !free && !fixed[i] && !ir.may_fail(i as u32) {
            let mut held: Vec<u32> = node.inputs.iter().map(|r| root[r.node as usize]).collect();
            held.sort_unstable();
            held.dedup();
            let bytes = |i: u32| ir.nodes[i as usize].tys.iter().map(Ty::bytes).sum::<usize>();
            let source = |i: u32| matches!(ir.nodes[i as usize].op, IrOp::Source(_) | IrOp::Scalar(_));
            let longer: usize = held.iter().filter(|&&r| !source(r) && last[r as usize] < to).map(|&r| bytes(r)).sum();
            if passed(node) || longer <= bytes(i as u32) {
                held.iter().for_each(|&r| last[r as usize] = to.max(last[r as usize]));
                ir.nodes[i].segment = to;
            }
        }
        let node = &ir.nodes[i];
        for r in &node.inputs {
            first[r.node as usize] = node.segment.min(first[r.node as usize]);
        }
    }
}
