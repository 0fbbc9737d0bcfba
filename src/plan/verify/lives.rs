//! Who lives where: the steps' reads and writes are followed through the arena, without a look at how places were chosen.

use std::collections::BTreeMap;

use crate::plan::Plan;
use crate::plan::access::{Accesses, is_value};
use crate::plan::ir::Ref;
use crate::plan::program::{Loc, Program};
use crate::plan::step::{ARENA, SOURCES, Step, Work};

/// The bytes of the arena and of the outputs: start, end and owner of each range that holds a value, by base.
#[derive(Default)]
struct Owners(BTreeMap<(u32, usize), (usize, Ref)>);

impl Owners {
    /// The bytes are written: what was there is gone.
    fn write(&mut self, loc: Loc, bytes: usize, owner: Option<Ref>) {
        let (base, at) = (loc.base, loc.offset);
        let end = at + bytes;
        while let Some((&start, _)) = self.0.range((base, 0)..(base, end)).next_back().filter(|(_, (e, _))| *e > at) {
            self.0.remove(&start);
        }
        if let Some(owner) = owner.filter(|_| bytes > 0) {
            self.0.insert((base, at), (end, owner));
        }
    }
    /// The owner of a byte.
    fn of(&self, loc: Loc) -> Option<Ref> {
        let range = (loc.base, 0)..=(loc.base, loc.offset);
        self.0.range(range).next_back().filter(|(_, (end, _))| *end > loc.offset).map(|(_, (_, r))| *r)
    }
}

/// A value that a step reads or writes: its root, and where it is.
type Extent = (Ref, Loc, usize);

fn overlap(a: &Extent, b: &Extent) -> bool {
    a.1.base == b.1.base && a.1.offset < b.1.offset + b.2 && b.1.offset < a.1.offset + a.2
}

/// Every step finds the values that it reads where it reads them: no earlier step, scratch memory or write to a variable
/// came between. Within a step, what is written stands apart from what is still read.
pub fn lives(plan: &Plan, accesses: &Accesses) {
    let mut owners = Owners::default();
    let first_write = SOURCES as usize + plan.sources.len() + plan.outputs.len();
    let outputs = SOURCES as usize + plan.sources.len()..first_write;
    let followed = |base: u32| base == ARENA || outputs.contains(&(base as usize));
    // When each variable was written to.
    let mut written: Vec<Option<usize>> = vec![None; plan.sources.len()];
    for (t, step) in plan.steps.iter().enumerate() {
        let (reads, writes) = (reads(plan, accesses, step), writes(plan, step));
        for (root, loc, bytes) in &reads {
            if followed(loc.base) && *bytes > 0 {
                assert_eq!(owners.of(*loc), Some(*root), "place: step {t} reads %{} where it is no more", root.node);
            }
            let source = (loc.base as usize).checked_sub(SOURCES as usize).and_then(|s| written.get(s)).copied().flatten();
            assert!(source.is_none(), "place: step {t} reads a variable that step {source:?} wrote to");
        }
        let scratch = (Ref { node: 0, out: 0 }, Loc { base: ARENA, offset: step.scratch.0 }, step.scratch.1);
        for p in reads.iter().chain(&writes) {
            assert!(!overlap(p, &scratch), "place: step {t} has its scratch memory where %{} is", p.0.node);
        }
        for (i, w) in writes.iter().enumerate() {
            assert!(!writes[..i].iter().any(|v| overlap(v, w)), "place: step {t} writes two values to one place");
            for r in reads.iter().filter(|r| overlap(r, w)) {
                let fine = matches!(&step.work, Work::Tile(p) if in_place(p, r, w));
                assert!(fine, "place: step {t} writes %{} over %{}, which it reads", w.0.node, r.0.node);
            }
        }
        owners.write(scratch.1, step.scratch.1, None);
        for (root, loc, bytes) in writes {
            if followed(loc.base) {
                owners.write(loc, bytes, Some(root));
            }
            if let Some(&(source, _)) = (loc.base as usize).checked_sub(first_write).and_then(|w| plan.writes.get(w)) {
                written[source as usize] = Some(t);
            }
        }
    }
    for (j, &r) in plan.ir().outputs.iter().enumerate().filter(|(_, r)| plan.ir().ty(**r).count() > 0) {
        let (loc, root) = (Loc { base: outputs.start as u32 + j as u32, offset: 0 }, accesses.of(r).root);
        assert_eq!(owners.of(loc), Some(root), "place: output {j} is not in its memory at the end");
    }
    let missing = plan.writes.iter().find(|(source, _)| written[*source as usize].is_none());
    assert!(missing.is_none(), "place: no step writes to the variable of source {missing:?}");
}

/// True if a program may write `w` over `r`: the operand runs in the order of the space, and each tile of it is read before
/// it is written, or written from a register.
fn in_place(p: &Program, r: &Extent, w: &Extent) -> bool {
    let Some(store) = p.stores().find(|(_, s)| s.value == w.0) else { return false };
    r.1 == w.1 && r.2 == w.2 && p.loads().filter(|(_, l)| l.root == r.0).all(|l| Program::may_take(l, store))
}

fn reads(plan: &Plan, accesses: &Accesses, step: &Step) -> Vec<Extent> {
    let ir = plan.ir();
    if let Work::Tile(p) = &step.work {
        return p.loads().map(|(_, l)| (l.root, l.loc, ir.ty(l.root).bytes())).collect();
    }
    let values: Vec<Ref> = match step.nodes.first() {
        Some(&n) => ir.nodes[n as usize].inputs.to_vec(),
        // A copy into a variable.
        None => vec![copied(plan, step)],
    };
    let place = |(&r, a): (&Ref, &crate::plan::step::PlacedArg)| {
        let root = accesses.of(r).root;
        // A view reads less; that its first element is the root's, and where the root is, is what counts.
        (root, a.loc, if a.ty.count() == 0 { 0 } else { a.ty.dtype.size() })
    };
    values.iter().zip(&step.inputs).map(place).filter(|(r, ..)| is_value(ir, *r) || ir.node(*r).inputs.is_empty()).collect()
}

fn copied(plan: &Plan, step: &Step) -> Ref {
    let first = SOURCES as usize + plan.sources.len() + plan.outputs.len();
    plan.ir().writes[step.outputs[0].loc.base as usize - first].1
}

fn writes(plan: &Plan, step: &Step) -> Vec<Extent> {
    let ir = plan.ir();
    if let Work::Tile(p) = &step.work {
        let stores = p.stores().flat_map(|(_, s)| s.locs.iter().map(move |&l| (s.value, l)));
        let folds = p.folds().filter_map(|f| f.loc.map(|l| (f.value, l)));
        return stores.chain(folds).map(|(r, l)| (r, l, ir.ty(r).bytes())).collect();
    }
    let value = |out: usize| match step.nodes.first() {
        Some(&node) => Ref { node, out: out as u32 },
        None => copied(plan, step),
    };
    step.outputs.iter().enumerate().map(|(k, a)| (value(k), a.loc, a.ty.bytes())).collect()
}
