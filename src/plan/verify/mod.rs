//! What must hold after each pass. Run in debug builds and tests; a failure is an error of the engine.

mod lives;

use crate::plan::Plan;
use crate::plan::access::{Accesses, is_value};
use crate::plan::fuse::{self, Draft};
use crate::plan::ir::{Ir, IrOp, Ref};
use crate::plan::place::{ARENA, Work};
use crate::plan::schedule::Order;

/// Inputs come before their users and have types.
pub fn ir(ir: &Ir, pass: &str) {
    for (i, node) in ir.nodes.iter().enumerate() {
        assert!(!node.tys.is_empty(), "{pass}: %{i} has no type");
        for r in &node.inputs {
            assert!((r.node as usize) < i, "{pass}: %{i} uses the later %{}", r.node);
            assert!((r.out as usize) < ir.nodes[r.node as usize].tys.len(), "{pass}: %{i} uses an output that does not exist");
        }
    }
    for r in ir.outputs.iter().chain(ir.writes.iter().map(|(_, r)| r)) {
        assert!((r.node as usize) < ir.nodes.len(), "{pass}: an output does not exist");
    }
    for (v, _) in &ir.writes {
        assert!(matches!(ir.nodes[*v as usize].op, IrOp::Source(_)), "{pass}: a write goes to no variable");
    }
}

/// Each node that needs a step is in exactly one, and what it reads of its own step is found inside the program.
pub fn drafts(ir: &Ir, accesses: &Accesses, drafts: &[Draft]) {
    let mut seen = vec![0; ir.nodes.len()];
    for d in drafts {
        assert!(d.nodes.is_sorted(), "fuse: the nodes of a step are out of order");
        for &n in &d.nodes {
            seen[n as usize] += 1;
        }
    }
    let owners = fuse::owners(ir, drafts);
    for (d, draft) in drafts.iter().enumerate() {
        for &n in &draft.nodes {
            for &r in &ir.nodes[n as usize].inputs {
                let own = owners[accesses.of(r).root.node as usize] == d as u32;
                let inside = || fuse::inside(ir, accesses, &owners, (draft, d as u32), n, r).is_some();
                assert!(!own || inside(), "fuse: %{n} reads %{} of its own step from memory", r.node);
            }
        }
    }
    for (i, n) in seen.iter().enumerate() {
        let wanted = usize::from(is_value(ir, Ref { node: i as u32, out: 0 }));
        assert_eq!(*n, wanted, "fuse: %{i} is in {n} steps");
    }
}

/// Each step runs once, after the steps whose results it reads.
pub fn order(ir: &Ir, accesses: &Accesses, drafts: &[Draft], order: &Order) {
    assert_eq!(order.steps.len(), drafts.len(), "schedule: a step waits for itself");
    let mut done = vec![false; ir.nodes.len()];
    for &d in &order.steps {
        for &n in &drafts[d].nodes {
            for &r in &ir.nodes[n as usize].inputs {
                let root = accesses.of(r).root.node;
                let inside = drafts[d].nodes.binary_search(&root).is_ok();
                assert!(inside || done[root as usize] || !is_value(ir, Ref { node: root, out: 0 }), "schedule: %{n} runs before %{root}");
            }
        }
        for &n in &drafts[d].nodes {
            done[n as usize] = true;
        }
    }
}

/// All places of the arena are inside it; no step of a call writes over what it reads; every value is there when it is read.
pub fn plan(plan: &Plan, accesses: &Accesses) {
    lives::lives(plan, accesses);
    for (t, step) in plan.steps.iter().enumerate() {
        let inside =
            |base: u32, at: usize, n: usize| assert!(base != ARENA || at + n <= plan.arena_bytes, "place: step {t} leaves the arena");
        for a in step.inputs.iter().chain(&step.outputs) {
            if a.ty.count() > 0 {
                inside(a.loc.base, a.loc.offset, a.ty.dtype.size());
            }
        }
        inside(ARENA, step.scratch.0, step.scratch.1);
        for out in &step.outputs {
            for a in &step.inputs {
                let apart = a.loc.base != out.loc.base || a.ty.count() == 0 || out.ty.count() == 0;
                let end = out.loc.offset + out.ty.bytes();
                assert!(apart || a.loc.offset >= end || a.loc.offset < out.loc.offset, "place: step {t} writes over what it reads");
            }
        }
        if let Work::Tile(p) = &step.work {
            assert!(p.working_bytes() <= step.scratch.1, "place: step {t} has too little scratch memory");
            for (stage, s) in p.stores() {
                assert!(!s.locs.is_empty(), "place: step {t} stores nowhere");
                let count = if p.stages[stage].per_row { p.rows } else { p.count() };
                s.locs.iter().for_each(|l| inside(l.base, l.offset, count * s.size));
            }
        }
    }
    assert!(plan.first_write <= plan.steps.len(), "place: the first write is behind the end");
}
