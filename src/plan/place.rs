//! Where everything is: outputs and written variables in their own memory, the rest in one arena, by liveness.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::array::block::padded;
use crate::error::{Error, Result};
use crate::graph::op::Kernel;
use crate::kernels::ranges::{WORTH, weight};
use crate::plan::access::{Accesses, is_value};
use crate::plan::bodies::Bodies;
use crate::plan::fuse::{self, Cut, Group, describe};
use crate::plan::ir::{Ir, IrOp, Ref};
use crate::plan::program::{self, Load, LoadKind, Loc};
use crate::plan::schedule::Schedule;
use crate::plan::step::{ARENA, CONSTANTS, PlacedArg, SOURCES, Step, Work};
use crate::plan::table::Table;
use crate::plan::{Pass, Source, State, verify};
use crate::shape::{Ty, c_strides};

/// The arena while it is laid out: free ranges by offset.
#[derive(Default)]
struct Space {
    free: Vec<(usize, usize)>,
    top: usize,
    /// Bytes that are taken.
    used: usize,
}

impl Space {
    /// The smallest free range that fits, else the end.
    fn take(&mut self, bytes: usize) -> usize {
        let bytes = padded(bytes.max(1));
        self.used += bytes;
        let best = self.free.iter().enumerate().filter(|(_, (_, n))| *n >= bytes).min_by_key(|(_, (_, n))| *n).map(|(i, _)| i);
        if let Some(i) = best {
            let (at, n) = self.free[i];
            if n == bytes {
                self.free.remove(i);
            } else {
                self.free[i] = (at + bytes, n - bytes);
            }
            return at;
        }
        // A free range at the end grows.
        let at = match self.free.last() {
            Some(&(at, n)) if at + n == self.top => {
                self.free.pop();
                at
            }
            _ => self.top,
        };
        self.top = at + bytes;
        at
    }

    fn give(&mut self, at: usize, bytes: usize) {
        let bytes = padded(bytes.max(1));
        self.used -= bytes;
        let i = self.free.partition_point(|(a, _)| *a < at);
        self.free.insert(i, (at, bytes));
        if let Some(&(b, m)) = self.free.get(i + 1)
            && at + bytes == b
        {
            self.free[i].1 += m;
            self.free.remove(i + 1);
        }
        if i > 0 {
            let (a, n) = self.free[i - 1];
            if a + n == at {
                self.free[i - 1].1 += self.free[i].1;
                self.free.remove(i);
            }
        }
    }
}

/// Lays out memory.
pub static PASS: Pass =
    Pass { name: "place", run: place, verify: |state| verify::plan(&state.plan, &state.accesses), explain: |plan, text| text.memory(plan) };

/// Lays out memory and completes the steps.
pub fn place(state: &mut State<'_>) -> Result<()> {
    let ir = &state.plan.ir;
    let mut sources = vec![];
    for (i, node) in ir.nodes.iter().enumerate() {
        if let IrOp::Source(index) = node.op {
            let kind = (state.kind)(index)?;
            sources.push((i as u32, Source { kind, index, ty: node.tys[0].clone() }));
        }
    }
    let mut layout = Layout::new(ir, &state.accesses, &state.groups, &state.owners, &state.order, &sources)?;
    let steps = layout.run(&state.groups, &state.order, &sources)?;
    let Layout { space, constants, writes, first_write, .. } = layout;
    let plan = &mut state.plan;
    (plan.steps, plan.arena_bytes, plan.constants, plan.writes, plan.first_write) = (steps, space.top, constants, writes, first_write);
    plan.sources = sources.into_iter().map(|(_, s)| s).collect();
    plan.wide = plan.steps.iter().any(|s| s.cost >= WORTH);
    let local = |step: &Step| match &step.work {
        Work::Tile(p) if step.cost >= WORTH => p.local_bytes(),
        Work::Region(_, bodies) => bodies.iter().map(|b| b.plan.local_bytes).max().unwrap_or(0),
        _ => 0,
    };
    plan.local_bytes = plan.steps.iter().map(local).max().unwrap_or(0);
    Ok(())
}

struct Layout<'a> {
    ir: &'a Ir,
    accesses: &'a Accesses,
    /// The group of each node.
    owners: &'a [u32],
    /// Step of each value that a step computes.
    made: Table<usize>,
    /// Last step that reads a root.
    last: Table<usize>,
    /// Values that are read by another step than their own, or that leave the plan.
    stored: Vec<bool>,
    locs: Table<Loc>,
    space: Space,
    /// The base of the first output.
    first_output: usize,
    /// Outputs that are not written yet, by their bytes: when each is, and its base. Until then others may live there.
    idle: FxHashMap<usize, Vec<(usize, u32)>>,
    constants: Vec<[u64; 8]>,
    /// Written variables: place among the sources, type.
    writes: Vec<(u32, Ty)>,
    /// Values that go straight into a variable: which write.
    direct: Table<u32>,
    /// Writes that end with a copy: which write, and from where.
    copies: Vec<(u32, Ref)>,
    first_write: usize,
    fallible: usize,
    /// Bytes of the arena that values have which are computed again.
    again: usize,
}

impl<'a> Layout<'a> {
    fn new(
        ir: &'a Ir,
        accesses: &'a Accesses,
        groups: &[Group],
        owners: &'a [u32],
        order: &Schedule,
        sources: &[(u32, Source)],
    ) -> Result<Layout<'a>> {
        let mut l = Layout {
            ir,
            accesses,
            owners,
            made: Table::new(ir.nodes.len()),
            last: Table::new(ir.nodes.len()),
            stored: vec![false; ir.nodes.len()],
            locs: Table::new(ir.nodes.len()),
            space: Space::default(),
            first_output: SOURCES as usize + sources.len(),
            idle: FxHashMap::default(),
            constants: vec![],
            writes: vec![],
            direct: Table::new(ir.nodes.len()),
            copies: vec![],
            first_write: order.steps.len(),
            fallible: order.fallible,
            again: 0,
        };
        for (t, &d) in order.steps.iter().enumerate() {
            for &n in &groups[d].nodes {
                for out in 0..ir.nodes[n as usize].tys.len() as u32 {
                    l.made.insert(Ref { node: n, out }, t);
                }
            }
        }
        for (t, &d) in order.steps.iter().enumerate() {
            for &n in &groups[d].nodes {
                for &r in &ir.nodes[n as usize].inputs {
                    let root = accesses.of(r).root;
                    l.last.insert(root, t);
                    let group = &groups[d];
                    if !group.tile || fuse::inside(ir, accesses, owners, (group, d as u32), n, r).is_none() {
                        l.stored[root.node as usize] = true;
                    }
                }
            }
        }
        accesses.leaving(ir).for_each(|r| l.stored[r.node as usize] = true);
        let base = l.first_output;
        for (k, (node, _)) in sources.iter().enumerate() {
            l.locs.insert(Ref { node: *node, out: 0 }, Loc { base: SOURCES + k as u32, offset: 0 });
        }
        for (j, &r) in ir.outputs.iter().enumerate() {
            let (root, base) = (accesses.of(r).root, (base + j) as u32);
            l.locs.insert(root, Loc { base, offset: 0 });
            if let Some(t) = l.made.get(root) {
                l.idle.entry(ir.ty(root).bytes()).or_default().push((t, base));
            }
        }
        l.scalars()?;
        l.plan_writes(groups, order, sources)?;
        Ok(l)
    }

    fn scalars(&mut self) -> Result<()> {
        let mut places: FxHashMap<u64, usize> = FxHashMap::default();
        for (i, node) in self.ir.nodes.iter().enumerate() {
            if let IrOp::Scalar(s) = node.op {
                let misfit =
                    || Error::engine("constant", "a number does not fit its dtype", describe(self.ir, i as u32), "a number that fits");
                let bits = u64::from_ne_bytes(s.bytes(node.tys[0].dtype).ok_or_else(misfit)?);
                let at = *places.entry(bits).or_insert_with(|| {
                    self.constants.push([bits, 0, 0, 0, 0, 0, 0, 0]);
                    self.constants.len() - 1
                });
                self.locs.insert(Ref { node: i as u32, out: 0 }, Loc { base: CONSTANTS, offset: at * 64 });
            }
        }
        Ok(())
    }

    fn write_base(&self, sources: usize, w: u32) -> Loc {
        Loc { base: SOURCES + (sources + self.ir.outputs.len()) as u32 + w, offset: 0 }
    }

    /// Which writes a step can do in place: after everything that may fail, when nobody reads the old value any more.
    fn plan_writes(&mut self, groups: &[Group], order: &Schedule, sources: &[(u32, Source)]) -> Result<()> {
        for (w, &(variable, value)) in self.ir.writes.iter().enumerate() {
            let place = sources.iter().position(|(n, _)| *n == variable);
            let unbound = || Error::engine("assign", "its variable is not bound", describe(self.ir, variable), "a source of the plan");
            self.writes.push((place.ok_or_else(unbound)? as u32, self.ir.ty(value).clone()));
            let value = self.accesses.of(value).root;
            let t = self.made.get(value).ok_or_else(|| self.lost(value))?;
            let old = Ref { node: variable, out: 0 };
            let after = self.last.get(old);
            let group = &groups[order.steps[t]];
            let elementwise = group.tile && !matches!(self.ir.node(value).kernel(), Some(Kernel::Fold(_)));
            let reads_here = after == Some(t);
            let free = !self.direct.has(value) && !self.locs.has(value);
            let ok = free
                && t >= order.fallible
                && after.is_none_or(|a| a < t || (a == t && elementwise))
                && (!reads_here || (group.rows.is_none() && self.reads_flat(group, old, value)));
            if ok {
                self.direct.insert(value, w as u32);
                self.locs.insert(value, self.write_base(sources.len(), w as u32));
                self.first_write = self.first_write.min(t);
            } else {
                self.copies.push((w as u32, value));
            }
        }
        Ok(())
    }

    /// The error of a value that is read where no step has put it.
    fn lost(&self, r: Ref) -> Error {
        let got = format_args!("output {} of {}", r.out, describe(self.ir, r.node));
        Error::engine(self.ir.node(r).name(), "a value has no place in memory", got, "a step that computes it first")
    }

    /// Bytes that may be read from the first one of a root on. Blocks of this crate have room for whole vectors; the memory
    /// of a user's feed, and what a body takes from around it, may end with the last element.
    fn room(&self, borrowed: &[u32], root: Ref) -> usize {
        let bytes = self.bytes(root);
        if borrowed.contains(&root.node) { bytes } else { padded(bytes) }
    }

    /// True if a program reads a root only in the order in which it writes a value.
    fn reads_flat(&self, group: &Group, root: Ref, value: Ref) -> bool {
        let dims = &self.ir.ty(value).dims;
        group.nodes.iter().all(|&n| {
            let node = &self.ir.nodes[n as usize];
            node.inputs.iter().all(|&r| {
                let a = self.accesses.of(r);
                a.root != root
                    || (a.offset == 0
                        && crate::shape::is_contiguous(&self.ir.ty(r).dims, &a.strides)
                        && fuse::squeeze(&self.ir.ty(r).dims) == fuse::squeeze(dims))
            })
        })
    }

    fn bytes(&self, r: Ref) -> usize {
        self.ir.ty(r).bytes()
    }

    /// Bytes of the arena that a value takes if it is computed again.
    fn again_bytes(&self, r: Ref) -> usize {
        if self.ir.node(r).again { padded(self.bytes(r).max(1)) } else { 0 }
    }

    /// A place for a value: its own memory if it leaves the plan, else the arena.
    fn home(&mut self, r: Ref) -> Loc {
        if let Some(loc) = self.locs.get(r) {
            return loc;
        }
        let loc = match self.borrow(r) {
            Some(base) => Loc { base, offset: 0 },
            None => {
                self.again += self.again_bytes(r);
                Loc { base: ARENA, offset: self.space.take(self.bytes(r)) }
            }
        };
        self.locs.insert(r, loc);
        loc
    }

    /// The memory of an output of the same size that is written only after the value is read for the last time.
    fn borrow(&mut self, r: Ref) -> Option<u32> {
        let end = self.last.get(r).max(self.made.get(r))?;
        if self.copies.iter().any(|(_, c)| *c == r) {
            return None;
        }
        let list = self.idle.get_mut(&self.bytes(r))?;
        // The one that is written next leaves the others to those that live longer.
        let (k, _) = list.iter().enumerate().filter(|(_, (t, _))| *t > end).min_by_key(|(_, (t, _))| *t)?;
        Some(list.swap_remove(k).1)
    }

    /// Gives the memory of a value back.
    fn give(&mut self, r: Ref, loc: Loc) {
        if loc.base == ARENA {
            self.again -= self.again_bytes(r);
            return self.space.give(loc.offset, self.bytes(r));
        }
        let output = (loc.base as usize).checked_sub(self.first_output).and_then(|j| self.ir.outputs.get(j));
        let owner = output.map(|&o| self.accesses.of(o).root).filter(|o| *o != r);
        if let Some(t) = owner.and_then(|o| self.made.get(o)) {
            self.idle.entry(self.bytes(r)).or_default().push((t, loc.base));
        }
    }

    fn arg(&self, r: Ref) -> Result<PlacedArg> {
        let a = self.accesses.of(r);
        let ty = self.ir.ty(r).clone();
        let loc = self.locs.get(a.root).ok_or_else(|| self.lost(a.root))?;
        let offset = (loc.offset as isize + a.offset * ty.dtype.size() as isize) as usize;
        Ok(PlacedArg { loc: Loc { base: loc.base, offset }, ty, strides: a.strides.clone() })
    }

    fn out(&mut self, r: Ref) -> PlacedArg {
        let loc = self.home(r);
        let ty = self.ir.ty(r).clone();
        let strides = c_strides(&ty.dims);
        PlacedArg { loc, ty, strides }
    }

    /// Where a call writes an output: nowhere if the kernel can do without, and nobody reads it or those that go with it.
    fn call_out(&mut self, r: Ref) -> PlacedArg {
        let Some(Kernel::Call(c)) = self.ir.node(r).kernel() else { return self.out(r) };
        let read = |&out: &u32| {
            let r = Ref { node: r.node, out };
            self.last.has(r) || self.accesses.leaving(self.ir).any(|l| l == r)
        };
        if c.spares.contains(&r.out) && !c.spares.iter().any(read) {
            let mut ty = self.ir.ty(r).clone();
            ty.dims.fill(0);
            let strides = c_strides(&ty.dims);
            return PlacedArg { loc: Loc { base: ARENA, offset: 0 }, ty, strides };
        }
        self.out(r)
    }

    fn run(&mut self, groups: &[Group], order: &Schedule, sources: &[(u32, Source)]) -> Result<Vec<Step>> {
        let mut ends: Vec<Vec<Ref>> = vec![vec![]; order.steps.len()];
        for (node, n) in self.ir.nodes.iter().enumerate() {
            for out in 0..n.tys.len() as u32 {
                let r = Ref { node: node as u32, out };
                if let Some(t) = self.made.get(r) {
                    ends[self.last.get(r).unwrap_or(t).max(t)].push(r);
                }
            }
        }
        // A value that a final copy reads lives to the end.
        let kept: Vec<Ref> = self.copies.iter().map(|(_, r)| *r).collect();
        let borrowed: Vec<u32> = sources.iter().filter(|(_, s)| s.kind.is_borrowed()).map(|(n, _)| *n).collect();
        let mut steps = Vec::with_capacity(order.steps.len());
        for (t, &d) in order.steps.iter().enumerate() {
            let group = &groups[d];
            let mut step = if group.tile { self.tile(group, t, &borrowed)? } else { self.call(group)? };
            (step.live, step.live_again) = (self.space.used, self.again);
            step.cost = step.estimate().saturating_mul(weight());
            let (at, bytes) = step.scratch;
            if bytes > 0 {
                self.space.give(at, bytes);
            }
            steps.push(step);
            for r in &ends[t] {
                if kept.contains(r) {
                    continue;
                }
                // `tile` removed the places of values that it handed on: they live on in the values that took them.
                if let Some(loc) = self.locs.get(*r) {
                    self.give(*r, loc);
                }
            }
        }
        for (w, r) in std::mem::take(&mut self.copies) {
            let input = self.arg(r)?;
            let ty = self.ir.ty(r).clone();
            let strides = c_strides(&ty.dims);
            let output = PlacedArg { loc: self.write_base(sources.len(), w), ty, strides };
            let walked = self.ir.node(r).walked;
            self.first_write = self.first_write.min(steps.len());
            let (inputs, outputs, live, live_again) = (vec![input], vec![output], self.space.used, self.again);
            let (work, nodes, cut) = (Work::Copy, vec![], Cut::Call);
            steps.push(Step { work, inputs, outputs, scratch: (0, 0), walked, nodes, cut, live, live_again, cost: 0 });
        }
        debug_assert!(self.first_write >= self.fallible.min(steps.len()));
        Ok(steps)
    }

    fn scratch(&mut self, bytes: usize) -> (usize, usize) {
        if bytes == 0 { (0, 0) } else { (self.space.take(bytes), bytes) }
    }

    fn tile(&mut self, group: &Group, t: usize, borrowed: &[u32]) -> Result<Step> {
        let stored = |n: u32| self.stored[n as usize];
        let room = |root: Ref| self.room(borrowed, root);
        let mut p = program::build(self.ir, self.accesses, group, self.owners, &stored, &room)?;
        for load in p.stages.iter_mut().flat_map(|s| &mut s.loads) {
            load.loc = self.locs.get(load.root).ok_or_else(|| self.lost(load.root))?;
        }
        let mut handed: Vec<Ref> = vec![];
        // Operands that end here and are read in the order of the space, once: a result may take their places.
        let donors: Vec<(usize, Load)> = p
            .loads()
            .filter(|(_, l)| {
                l.kind == LoadKind::Flat
                    && l.offset == 0
                    && l.loc.base == ARENA
                    && self.last.get(l.root) == Some(t)
                    && is_value(self.ir, l.root)
                    && !self.copies.iter().any(|(_, r)| *r == l.root)
                    && p.loads().filter(|(_, m)| m.root == l.root).count() == 1
            })
            .map(|(s, l)| (s, l.clone()))
            .collect();
        let places: Vec<(usize, usize)> = p.stages.iter().enumerate().flat_map(|(s, g)| (0..g.stores.len()).map(move |k| (s, k))).collect();
        for (s, k) in places {
            let value = p.stages[s].stores[k].value;
            if !self.locs.has(value) {
                let donor = donors.iter().find(|(read, l)| {
                    // Elements of one size: a result that is wider would write over what the next tile reads.
                    *read <= s
                        && self.bytes(l.root) == self.bytes(value)
                        && self.ir.ty(l.root).count() == self.ir.ty(value).count()
                        && !handed.contains(&l.root)
                });
                if let Some((read, l)) = donor {
                    handed.push(l.root);
                    self.again = self.again + self.again_bytes(value) - self.again_bytes(l.root);
                    self.locs.insert(value, l.loc);
                    p.stages[s].stores[k].aliased |= *read == s && l.end > p.stages[s].stores[k].at;
                }
            }
            let loc = self.home(value);
            p.stages[s].stores[k].locs.push(loc);
            if let Some(w) = self.direct.get(value) {
                let old = Ref { node: self.ir.writes[w as usize].0, out: 0 };
                let stage = &mut p.stages[s];
                stage.stores[k].aliased |= stage.loads.iter().any(|l| l.root == old && l.end > stage.stores[k].at);
            }
        }
        for f in p.stages.iter_mut().flat_map(|s| &mut s.folds) {
            f.loc = f.loc.map(|_| self.home(f.value));
        }
        for r in handed {
            self.locs.remove(r);
        }
        let scratch = self.scratch(p.working_bytes());
        let walked = self.ir.nodes[group.nodes[0] as usize].walked;
        let (work, nodes, cut) = (Work::Tile(Box::new(p)), group.nodes.clone(), group.cut);
        Ok(Step { work, inputs: vec![], outputs: vec![], scratch, walked, nodes, cut, live: 0, live_again: 0, cost: 0 })
    }

    fn call(&mut self, group: &Group) -> Result<Step> {
        let n = group.nodes[0];
        let node = &self.ir.nodes[n as usize];
        let inputs: Vec<PlacedArg> = node.inputs.iter().map(|&r| self.arg(r)).collect::<Result<_>>()?;
        let outputs: Vec<PlacedArg> = (0..node.tys.len() as u32).map(|out| self.call_out(Ref { node: n, out })).collect();
        let (work, bytes) = match &node.op {
            IrOp::Row(def, draw) => {
                let avals: SmallVec<[crate::shape::Aval; 4]> = node.inputs.iter().map(|&r| self.ir.ty(r).aval()).collect();
                let refs: SmallVec<[&crate::shape::Aval; 4]> = avals.iter().collect();
                let bytes = match node.kernel() {
                    Some(Kernel::Call(c)) => (c.scratch)(&refs, &node.attrs),
                    Some(Kernel::Fold(_)) => reduce_scratch(self.ir, node)?,
                    Some(Kernel::Check(_)) => 0,
                    // Over no elements there is nothing to do; over some it is part of a program.
                    Some(Kernel::Tile(_) | Kernel::Select | Kernel::Cast) if node.tys[0].count() == 0 => 0,
                    _ => return Err(Error::engine(def.name, "no step can compute it", describe(self.ir, n), "a kernel that is called")),
                };
                (Work::Call(def, node.attrs.clone(), *draw), bytes)
            }
            IrOp::User(k) | IrOp::Hook(k) => (Work::User(*k), 0),
            IrOp::Region(control, Bodies::Compiled(bodies)) => {
                let bytes = bodies.iter().map(|b| b.plan.arena_bytes).max().unwrap_or(0);
                (Work::Region(*control, bodies.clone()), bytes)
            }
            IrOp::Region(_, Bodies::Lowered(_)) => {
                return Err(Error::engine(node.name(), "its bodies are not compiled", describe(self.ir, n), "plans"));
            }
            IrOp::Copy => (Work::Copy, 0),
            IrOp::Source(_) | IrOp::Scalar(_) => {
                return Err(Error::engine(node.name(), "a step would compute it", describe(self.ir, n), "a value that a run binds"));
            }
        };
        let scratch = self.scratch(bytes);
        let walked = node.walked;
        debug_assert!(!self.ir.may_fail(n) || self.made.has(Ref { node: n, out: 0 }));
        Ok(Step { work, inputs, outputs, scratch, walked, nodes: group.nodes.clone(), cut: group.cut, live: 0, live_again: 0, cost: 0 })
    }
}

fn reduce_scratch(ir: &Ir, node: &crate::plan::ir::IrNode) -> Result<usize> {
    let x = ir.ty(node.inputs[0]);
    let axes = crate::plan::simplify::fold_axes(node.name(), &node.attrs, x.dims.len())?;
    Ok(crate::kernels::reduce::scratch_bytes(&x.dims, &axes, x.dtype))
}
