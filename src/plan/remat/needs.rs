//! What gradients read of earlier values, and what computing that again would take.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::Result;
use crate::graph::checkpoint::Mark;
use crate::graph::op::{self, Kernel, Lowering};
use crate::graph::policy::{Candidate, Policy};
use crate::plan::ir::{Ir, IrNode, IrOp};
use crate::shape::{Aval, Ty};

/// What stands in the way of a value that a node shows or hands on.
pub fn passed(node: &IrNode) -> bool {
    node.passes() || matches!(node.kernel(), Some(Kernel::View(_)))
}

/// True for what is never computed again: it costs no memory, or users' code would run twice.
pub fn stays(node: &IrNode) -> bool {
    matches!(node.op, IrOp::Source(_) | IrOp::Scalar(_) | IrOp::User(_) | IrOp::Region(..))
}

/// The arithmetic of a node.
pub fn flops(ir: &Ir, node: &IrNode) -> f64 {
    let own = || node.tys.iter().map(Ty::count).sum::<usize>() as f64;
    let IrOp::Row(def, _) = node.op else { return own() };
    let op::Body::Primitive(p) = &def.body else { return own() };
    match (p.cost, &p.kernel) {
        (Some(cost), _) => {
            let inputs: SmallVec<[Aval; 4]> = node.inputs.iter().map(|&r| ir.ty(r).aval()).collect();
            let refs: SmallVec<[&Aval; 4]> = inputs.iter().collect();
            cost(&Lowering { inputs: &refs, output: &node.tys[0].aval(), attrs: &node.attrs })
        }
        (None, Kernel::Fold(_)) => node.inputs.first().map_or(0, |&r| ir.ty(r).count()) as f64,
        _ => own(),
    }
}

fn is_product(node: &IrNode) -> bool {
    let IrOp::Row(def, _) = node.op else { return false };
    matches!(&def.body, op::Body::Primitive(p) if p.cost.is_some() && matches!(p.kernel, Kernel::Call(_)))
}

/// What gradients need.
pub struct Needs {
    /// The node whose memory a node shows, through views and checks, by node.
    pub root: Vec<u32>,
    /// True for values that a gradient reads of earlier ones.
    pub read: Vec<bool>,
    /// The nodes that could be computed again, operands first.
    pub candidates: Vec<u32>,
    /// By node its place among the candidates, if it is one.
    pub place: Vec<u32>,
}

/// No place.
pub const NONE: u32 = u32::MAX;

impl Needs {
    /// Looks at the nodes of a plan.
    pub fn new(ir: &Ir) -> Needs {
        let n = ir.nodes.len();
        let mut root: Vec<u32> = Vec::with_capacity(n);
        for (i, node) in ir.nodes.iter().enumerate() {
            let shown = node.inputs.first().filter(|_| passed(node)).map(|r| root[r.node as usize]);
            root.push(shown.unwrap_or(i as u32));
        }
        let mut read = vec![false; n];
        for node in ir.nodes.iter().filter(|node| node.part.sweep > 0) {
            for r in &node.inputs {
                let from = root[r.node as usize] as usize;
                read[from] |= !stays(&ir.nodes[from]) && ir.nodes[from].part.sweep < node.part.sweep;
            }
        }
        let mut needed = read.clone();
        for i in (0..n).rev().filter(|&i| root[i] == i as u32) {
            if needed[i] {
                for r in &ir.nodes[i].inputs {
                    let from = root[r.node as usize] as usize;
                    needed[from] |= !stays(&ir.nodes[from]);
                }
            }
        }
        let candidates = in_time(ir, &root, &needed);
        let mut place = vec![NONE; n];
        candidates.iter().enumerate().for_each(|(k, &i)| place[i as usize] = k as u32);
        Needs { root, read, candidates, place }
    }

    /// The candidates as policies see them.
    pub fn values(&self, ir: &Ir) -> Vec<Candidate> {
        let mut names: Vec<Vec<Arc<str>>> = vec![vec![]; self.candidates.len()];
        for (r, mark) in &ir.marks {
            if let (Mark::Named(name), k) = (mark, self.place[self.root[r.node as usize] as usize])
                && k != NONE
            {
                names[k as usize].push(name.clone());
            }
        }
        let mut values: Vec<Candidate> = vec![];
        for (k, &i) in self.candidates.iter().enumerate() {
            let node = &ir.nodes[i as usize];
            values.push(Candidate {
                op: node.name(),
                names: std::mem::take(&mut names[k]),
                dtype: node.tys[0].dtype,
                shape: node.tys[0].dims.to_vec(),
                bytes: node.tys.iter().map(Ty::bytes).sum(),
                flops: flops(ir, node),
                product: is_product(node),
                read: self.read[i as usize],
                until: k,
            });
            for r in &node.inputs {
                let from = self.root[r.node as usize];
                if let Some(v) = values.get_mut(self.place[from as usize] as usize)
                    && ir.nodes[from as usize].part.sweep == node.part.sweep
                {
                    v.until = k;
                }
            }
        }
        values
    }

    /// By node, whether gradients read the first copy of its value: by the marks, and by a policy if there is one.
    /// `group_policy` gives that of a checkpointed function.
    pub fn kept(&self, ir: &Ir, policy: Option<&Policy>, group_policy: &dyn Fn(u32) -> Option<Policy>) -> Result<Vec<bool>> {
        let mut keep: Vec<bool> = ir.nodes.iter().zip(&self.read).map(|(node, read)| *read || stays(node)).collect();
        let own = |i: u32| ir.nodes[i as usize].part.group;
        let mut values: Option<Vec<Candidate>> = None;
        if let Some(policy) = policy {
            let list = values.get_or_insert_with(|| self.values(ir));
            policy.keep(list)?.into_iter().zip(&self.candidates).for_each(|(k, &i)| keep[i as usize] = k);
        }
        let mut groups: Vec<u32> = self.candidates.iter().map(|&i| own(i)).filter(|&g| g > 0).collect();
        groups.sort_unstable();
        groups.dedup();
        for g in groups {
            let inside: Vec<usize> = (0..self.candidates.len()).filter(|&k| own(self.candidates[k]) == g).collect();
            let chosen = match group_policy(g) {
                Some(policy) => policy.keep(&among(values.get_or_insert_with(|| self.values(ir)), &inside))?,
                None => vec![false; inside.len()],
            };
            inside.iter().zip(chosen).for_each(|(&k, c)| keep[self.candidates[k] as usize] = c);
            // What a function is given is kept for it.
            for r in inside.iter().flat_map(|&k| &ir.nodes[self.candidates[k] as usize].inputs) {
                let from = self.root[r.node as usize];
                keep[from as usize] |= own(from) == 0;
            }
        }
        let marked = |wanted: fn(&Mark) -> bool| ir.marks.iter().filter(move |(_, m)| wanted(m)).map(|(r, _)| self.root[r.node as usize]);
        let again: Vec<u32> = marked(recomputes).collect();
        // What one call returns is kept or computed again together.
        let together: Vec<u32> = again.iter().map(|&i| own(i)).filter(|&g| g > 0).collect();
        for i in marked(|m| *m == Mark::Returned).filter(|&i| own(i) == 0 || !together.contains(&own(i))) {
            keep[i as usize] = true;
        }
        for &i in &again {
            keep[i as usize] = stays(&ir.nodes[i as usize]);
        }
        self.release(ir, again, &mut keep);
        Ok(keep)
    }

    /// What was computed for a marked value alone, such as the inner values of an activation, need not be kept either, if all of
    /// its operands are read for that anyway.
    fn release(&self, ir: &Ir, marked: Vec<u32>, keep: &mut [bool]) {
        if marked.is_empty() {
            return;
        }
        // Who reads a value in its own sweep.
        let mut readers: Vec<Vec<u32>> = vec![vec![]; ir.nodes.len()];
        for (i, node) in ir.nodes.iter().enumerate() {
            for r in &node.inputs {
                let from = self.root[r.node as usize] as usize;
                if ir.nodes[from].part.sweep == node.part.sweep {
                    readers[from].push(self.root[i]);
                }
            }
        }
        // What is computed again for marked values, and what that reads.
        let (mut cone, mut at_hand) = (vec![false; ir.nodes.len()], vec![false; ir.nodes.len()]);
        let mut stack = marked;
        while let Some(i) = stack.pop() {
            at_hand[i as usize] = true;
            if keep[i as usize] || std::mem::replace(&mut cone[i as usize], true) {
                continue;
            }
            stack.extend(ir.nodes[i as usize].inputs.iter().map(|r| self.root[r.node as usize]));
        }
        for &i in self.candidates.iter().rev() {
            let (at, node) = (i as usize, &ir.nodes[i as usize]);
            let number = |i: usize| matches!(ir.nodes[i].op, IrOp::Source(_) | IrOp::Scalar(_));
            let private = || !readers[at].is_empty() && readers[at].iter().all(|&r| r == i || cone[r as usize]);
            let follows = || node.inputs.iter().map(|r| self.root[r.node as usize] as usize).all(|r| at_hand[r] || number(r));
            if keep[at] && !stays(node) && !is_product(node) && private() && follows() {
                keep[at] = false;
                cone[at] = true;
            }
        }
    }

    /// What may be kept if a number of bytes decides: what is kept, and whatever nothing is said of.
    pub fn allowed(&self, ir: &Ir, kept: Vec<bool>) -> Vec<bool> {
        let mut marked = vec![false; ir.nodes.len()];
        ir.marks.iter().filter(|(_, m)| recomputes(m)).for_each(|(r, _)| marked[self.root[r.node as usize] as usize] = true);
        let unsaid = |i: usize| !self.read[i] && ir.nodes[i].part.group == 0 && !marked[i];
        kept.into_iter().enumerate().map(|(i, k)| k || unsaid(i)).collect()
    }

    /// True if the user has said of no value that it is computed again.
    pub fn unsaid(&self, ir: &Ir) -> bool {
        !ir.marks.iter().any(|(_, m)| recomputes(m)) && !self.candidates.iter().any(|&i| ir.nodes[i as usize].part.group > 0)
    }
}

fn recomputes(m: &Mark) -> bool {
    matches!(m, Mark::Recompute | Mark::Above(_))
}

/// The needed nodes in an order in which each stands right before the first that reads it, the deepest of its operands first:
/// what only one step of a loop reads is not before the loop.
fn in_time(ir: &Ir, root: &[u32], needed: &[bool]) -> Vec<u32> {
    let mut depth: Vec<u32> = Vec::with_capacity(ir.nodes.len());
    for node in &ir.nodes {
        depth.push(node.inputs.iter().map(|r| depth[r.node as usize] + 1).max().unwrap_or(0));
    }
    let (mut order, mut seen) = (vec![], vec![false; needed.len()]);
    let mut stack: Vec<(u32, bool)> = vec![];
    for i in (0..needed.len()).rev().filter(|&i| needed[i]) {
        stack.push((i as u32, false));
        while let Some((i, open)) = stack.pop() {
            if open {
                order.push(i);
            } else if !std::mem::replace(&mut seen[i as usize], true) {
                stack.push((i, true));
                let from = stack.len();
                let inputs = ir.nodes[i as usize].inputs.iter().map(|r| root[r.node as usize]);
                stack.extend(inputs.filter(|&r| needed[r as usize] && !seen[r as usize]).map(|r| (r, false)));
                // The last of the stack is the next.
                stack[from..].sort_by_key(|(r, _)| depth[*r as usize]);
            }
        }
    }
    order
}

/// Some of the candidates, as if there were no others.
fn among(values: &[Candidate], places: &[usize]) -> Vec<Candidate> {
    let part = |&k: &usize| {
        let until = places.partition_point(|&p| p <= values[k].until).saturating_sub(1);
        Candidate { until, ..values[k].clone() }
    };
    places.iter().map(part).collect()
}
