//! What must hold after each pass. Run in debug builds and tests; a failure is an error of the engine.

mod lives;

use crate::array::block::padded;
use crate::graph::op::Kernel;
use crate::plan::access::{Accesses, is_value};
use crate::plan::fuse::{self, Group};
use crate::plan::ir::{Ir, IrOp, Ref};
use crate::plan::program::{Load, LoadKind, Program, Stage};
use crate::plan::schedule::Schedule;
use crate::plan::step::{ARENA, CONSTANTS, SOURCES, Work};
use crate::plan::{Plan, Source};
use crate::shape::Ty;

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

/// Bodies read operands that are there and give what their node says. What one of them may leave unwritten is read by nodes with
/// bodies alone, of which the one that reads it runs if it was written.
pub fn bodies(ir: &Ir) {
    for (i, node) in ir.nodes.iter().enumerate() {
        let mut own = node.inputs.len();
        if let IrOp::Region(control, bodies) = &node.op {
            own = control.own();
            let bodies = bodies.compiled();
            assert!(!bodies.is_empty(), "bodies: those of %{i} are not compiled");
            for body in bodies {
                assert_eq!(body.plan.outputs.len(), body.outputs.len(), "bodies: one of %{i} gives other outputs");
                let fits = |(ty, &k): (&Ty, &u32)| node.tys.get(k as usize) == Some(ty);
                assert!(body.plan.outputs.iter().zip(&body.outputs).all(fits), "bodies: one of %{i} gives other types");
                let there = |s: &Source| node.inputs.get(own + s.index as usize).is_some_and(|&r| *ir.ty(r) == s.ty);
                assert!(body.plan.sources.iter().all(there), "bodies: one of %{i} reads what is not there");
            }
            let given = |k: u32| bodies.iter().any(|b| b.outputs.contains(&k));
            assert!((0..node.tys.len() as u32).all(given), "bodies: no body gives an output of %{i}");
        }
        for r in &node.inputs[..own] {
            let whole = !matches!(&ir.node(*r).op, IrOp::Region(_, bodies) if bodies.leaves_out(r.out));
            assert!(whole, "bodies: %{i} reads an output of %{} that may be unwritten", r.node);
        }
    }
}

/// Segments go on along the nodes; what is computed again is of a later one than what stands at the beginning, and nothing is
/// left of what was said of values.
pub fn clones(ir: &Ir) {
    assert!(ir.marks.is_empty(), "rematerialise: a mark is left");
    for (i, node) in ir.nodes.iter().enumerate() {
        assert!(!node.again || node.segment > 0, "rematerialise: %{i} is computed again at once");
        for r in &node.inputs {
            let from = &ir.nodes[r.node as usize];
            assert!(from.segment <= node.segment, "rematerialise: %{i} is of an earlier segment than %{}, which it reads", r.node);
        }
    }
}

/// From where to where views with these strides reach, seen from their first element: the smallest distance, and one more
/// than the largest.
fn reach(dims: &[usize], strides: &[isize]) -> (isize, isize) {
    let ends = || dims.iter().zip(strides).map(|(&n, &s)| (n as isize - 1) * s);
    (ends().map(|e| e.min(0)).sum(), ends().map(|e| e.max(0)).sum::<isize>() + 1)
}

/// Every view shows elements of its root, and no others.
pub fn accesses(ir: &Ir, accesses: &Accesses) {
    for (i, node) in ir.nodes.iter().enumerate() {
        for (out, ty) in node.tys.iter().enumerate().filter(|(_, ty)| ty.count() > 0) {
            let a = accesses.of(Ref { node: i as u32, out: out as u32 });
            let (from, to) = reach(&ty.dims, &a.strides);
            let inside = a.offset + from >= 0 && a.offset + to <= ir.ty(a.root).count() as isize;
            assert!(inside, "access: %{i} shows more than its root %{} holds", a.root.node);
        }
    }
}

/// Each node that needs a step is in exactly one, and what it reads of its own step is found inside the program.
pub fn groups(ir: &Ir, accesses: &Accesses, groups: &[Group]) {
    let mut seen = vec![0; ir.nodes.len()];
    for d in groups {
        assert!(d.nodes.is_sorted(), "fuse: the nodes of a step are out of order");
        let fused = |n: &u32| {
            let kernel = ir.nodes[*n as usize].kernel();
            matches!(kernel, Some(Kernel::Tile(_) | Kernel::Select | Kernel::Cast | Kernel::Fold(_)))
        };
        assert!(!d.tile || d.nodes.iter().all(fused), "fuse: a program holds a call");
        for &n in &d.nodes {
            seen[n as usize] += 1;
        }
    }
    let owners = fuse::owners(ir, groups);
    for (d, group) in groups.iter().enumerate() {
        for &n in &group.nodes {
            for &r in &ir.nodes[n as usize].inputs {
                let own = owners[accesses.of(r).root.node as usize] == d as u32;
                let inside = || fuse::inside(ir, accesses, &owners, (group, d as u32), n, r).is_some();
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
pub fn order(ir: &Ir, accesses: &Accesses, groups: &[Group], order: &Schedule) {
    assert_eq!(order.steps.len(), groups.len(), "schedule: a step waits for itself");
    let mut done = vec![false; ir.nodes.len()];
    for &d in &order.steps {
        for &n in &groups[d].nodes {
            for &r in &ir.nodes[n as usize].inputs {
                let root = accesses.of(r).root.node;
                let inside = groups[d].nodes.binary_search(&root).is_ok();
                assert!(inside || done[root as usize] || !is_value(ir, Ref { node: root, out: 0 }), "schedule: %{n} runs before %{root}");
            }
        }
        for &n in &groups[d].nodes {
            done[n as usize] = true;
        }
    }
}

/// Bytes of what a base points to.
fn extent(plan: &Plan, base: u32) -> usize {
    let (sources, outputs) = (plan.sources.len(), plan.outputs.len());
    match base {
        ARENA => plan.arena_bytes,
        CONSTANTS => std::mem::size_of_val(&plan.constants[..]),
        b => match (b - SOURCES) as usize {
            k if k < sources => plan.sources[k].ty.bytes(),
            k if k < sources + outputs => plan.outputs[k - sources].bytes(),
            k => plan.writes[k - sources - outputs].1.bytes(),
        },
    }
}

/// Everything is read and written inside of what its base points to; no step of a call writes over what it reads; every
/// value is there when it is read.
pub fn plan(plan: &Plan, accesses: &Accesses) {
    lives::lives(plan, accesses);
    for (t, step) in plan.steps.iter().enumerate() {
        let inside =
            |base: u32, at: usize, n: usize| assert!(at + n <= extent(plan, base), "place: step {t} leaves the memory of base {base}");
        for a in step.inputs.iter().chain(&step.outputs) {
            if a.ty.count() > 0 {
                let (from, to) = reach(&a.ty.dims, &a.strides);
                let size = a.ty.dtype.size();
                let first = a.loc.offset.checked_add_signed(from * size as isize);
                inside(a.loc.base, first.unwrap_or(usize::MAX / 2), (to - from) as usize * size);
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
            for f in p.folds() {
                f.loc.iter().for_each(|l| inside(l.base, l.offset, plan.ir().ty(f.value).bytes()));
            }
            for (stage, load) in p.loads() {
                bounds(plan, t, p, &p.stages[stage], load);
            }
        }
    }
    assert!(plan.first_write <= plan.steps.len(), "place: the first write is behind the end");
}

/// An operand stays inside its root; one that is read by whole vectors in place stays inside of what may be read there: the
/// root's own bytes, rounded up to whole vectors where the memory is a block of this crate.
fn bounds(plan: &Plan, t: usize, p: &Program, stage: &Stage, load: &Load) {
    let root = plan.ir().ty(load.root);
    let dims = if stage.per_row { &p.dims[..p.split] } else { &p.dims[..] };
    let (from, to) = reach(dims, &load.strides);
    // Strides are in bytes, and the last element has some.
    let end = load.offset + to - 1 + load.size as isize;
    assert!(load.offset + from >= 0 && end <= root.bytes() as isize, "place: step {t} reads beyond %{}", load.root.node);
    if load.kind == LoadKind::Flat {
        let source = (load.loc.base.checked_sub(SOURCES)).and_then(|k| plan.sources.get(k as usize));
        let room = if source.is_some_and(|s| s.kind.is_borrowed()) { root.bytes() } else { padded(root.bytes()) };
        let end = load.offset as usize + load.readable * load.size;
        assert!(end <= room, "place: step {t} may read {end} bytes of %{}, which has {room}", load.root.node);
    }
}
