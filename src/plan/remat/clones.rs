//! Computing again: clones of what is not kept, for the gradients that read it.
//!
//! A gradient that reads a value of an earlier sweep that is not kept reads a clone of its node, whose inputs are kept or
//! clones themselves. A sweep has one clone of a node. Clones stand right before the first node that reads them, and from there
//! on everything is of a later segment: steps run in the order of their segments, so that nothing is computed again before
//! what comes earlier is done, and no program holds a clone beside what it was cloned from.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::plan::ir::{Ir, IrNode, Ref};
use crate::plan::remat::needs::{Needs, passed, stays};

/// Nodes between two places where clones are made up to which the clones are of one segment, if no call of a kernel lies
/// between: one program may then hold both and what reads them.
const NEAR: usize = 4;

/// Nodes with clones among them.
struct Cloning<'a> {
    ir: &'a Ir,
    needs: &'a Needs,
    keep: &'a [bool],
    nodes: Vec<IrNode>,
    /// By node, its new place.
    map: Vec<u32>,
    /// Clones by node and sweep.
    clones: FxHashMap<(u32, u32), Ref>,
    segment: u32,
    /// Clones that compute something.
    made: usize,
}

/// The plan's nodes with clones of those that are not kept.
pub fn with_clones(ir: &Ir, needs: &Needs, keep: &[bool]) -> Ir {
    let room = ir.nodes.len() + needs.candidates.len();
    let (map, clones) = (Vec::with_capacity(ir.nodes.len()), FxHashMap::default());
    let mut c = Cloning { ir, needs, keep, nodes: Vec::with_capacity(room), map, clones, segment: 0, made: 0 };
    // The nodes since clones were made last; no call is among them.
    let mut since: Option<usize> = None;
    for node in &ir.nodes {
        let (mut made, before, segment) = (node.clone(), c.made, c.segment);
        c.segment += u32::from(since.is_none_or(|n| n > NEAR));
        for r in &mut made.inputs {
            *r = match node.part.sweep {
                sweep if sweep > 0 && c.is_cloned(r.node, sweep) => c.clone_of(*r, sweep),
                _ => Ref { node: c.map[r.node as usize], ..*r },
            };
        }
        match c.made > before {
            true => since = Some(0),
            false => c.segment = segment,
        }
        made.segment = made.inputs.iter().map(|r| c.nodes[r.node as usize].segment).max().unwrap_or(0);
        let call = !matches!(node.kernel(), Some(k) if is_light(k)) && !passed(node);
        since = since.filter(|_| !call).map(|n| n + 1);
        c.map.push(c.nodes.len() as u32);
        c.nodes.push(made);
    }
    let at = |r: Ref| Ref { node: c.map[r.node as usize], ..r };
    let outputs = ir.outputs.iter().map(|&r| at(r)).collect();
    let writes = ir.writes.iter().map(|&(v, r)| (c.map[v as usize], at(r))).collect();
    Ir { outputs, writes, marks: vec![], nodes: c.nodes }
}

fn is_light(k: &crate::graph::op::Kernel) -> bool {
    use crate::graph::op::Kernel::{Cast, Fold, Select, Tile};
    matches!(k, Tile(_) | Select | Cast | Fold(_))
}

impl Cloning<'_> {
    /// True if a node of a sweep reads a clone of another, or a view of one.
    fn is_cloned(&self, node: u32, sweep: u32) -> bool {
        let root = self.needs.root[node as usize] as usize;
        let from = &self.ir.nodes[root];
        !self.keep[root] && !stays(from) && from.part.sweep < sweep
    }

    /// A value of the clone of a node that is not kept.
    fn clone_of(&mut self, r: Ref, sweep: u32) -> Ref {
        let mut stack = vec![r.node];
        while let Some(&i) = stack.last() {
            if self.clones.contains_key(&(i, sweep)) {
                stack.pop();
                continue;
            }
            let before = stack.len();
            for r in &self.ir.nodes[i as usize].inputs {
                if self.is_cloned(r.node, sweep) && !self.clones.contains_key(&(r.node, sweep)) {
                    stack.push(r.node);
                }
            }
            if stack.len() == before {
                stack.pop();
                let made = self.cloned(i, sweep);
                self.clones.insert((i, sweep), made);
            }
        }
        self.found(r, sweep)
    }

    /// Where a sweep finds a value.
    fn found(&self, r: Ref, sweep: u32) -> Ref {
        match self.clones.get(&(r.node, sweep)) {
            // What hands a value on has become that value.
            Some(&clone) if self.ir.nodes[r.node as usize].passes() => clone,
            Some(clone) => Ref { node: clone.node, ..r },
            None => Ref { node: self.map[r.node as usize], ..r },
        }
    }

    /// The clone of a node: its first value.
    fn cloned(&mut self, i: u32, sweep: u32) -> Ref {
        let node = &self.ir.nodes[i as usize];
        let inputs: SmallVec<[Ref; 3]> = node.inputs.iter().map(|&r| self.found(r, sweep)).collect();
        // A check or a hook has seen the value.
        if let (true, Some(&r)) = (node.passes(), inputs.first()) {
            return r;
        }
        let segment = match passed(node) {
            true => inputs.iter().map(|r| self.nodes[r.node as usize].segment).max().unwrap_or(0),
            false => self.segment,
        };
        self.made += usize::from(!passed(node));
        self.nodes.push(IrNode { inputs, segment, again: true, ..node.clone() });
        Ref { node: self.nodes.len() as u32 - 1, out: 0 }
    }
}
