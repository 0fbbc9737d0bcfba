//! A plan as text: every stage, from the request to the memory.

use std::fmt::Write;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::array::room::room;
use crate::error::Result;
use crate::graph::{Graph, Value};
use crate::plan::fuse::describe;
use crate::plan::ir::{IrOp, Walked};
use crate::plan::program::{Loc, Stage};
use crate::plan::step::{ARENA, CONSTANTS, PlacedArg, SOURCES, Step, Work};
use crate::plan::{PASSES, Plan, walk};

/// A plan as one request sees it: the plan serves all graphs of one structure, the lines of the program are the request's.
pub struct TracedPlan {
    plan: Arc<Plan>,
    /// By place in the walk: lines of the program, and calls.
    pub(super) notes: Vec<Arc<str>>,
}

impl TracedPlan {
    /// The plan of a request, with what its graph knows of the nodes.
    pub fn new(plan: Arc<Plan>, graph: &Graph, outputs: &[Value], writes: &[Value]) -> Result<TracedPlan> {
        let mut notes: Vec<Arc<str>> = vec![];
        let nodes = walk::nodes(graph, outputs, writes)?;
        // Lines, and the text that they become.
        room("plan", format_args!("a plan of {} nodes with its lines", nodes.len()), nodes.len() * 1024)?;
        for id in nodes {
            let note = graph.provenance(id);
            // Neighbours often come from one call.
            let shared = notes.last().filter(|last| ***last == *note).cloned();
            notes.push(shared.unwrap_or_else(|| note.into()));
        }
        Ok(TracedPlan { plan, notes })
    }

    /// A plan of which no lines are known.
    pub fn without_lines(plan: Arc<Plan>) -> TracedPlan {
        TracedPlan { plan, notes: vec![] }
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The lines of the program that a step computes, and the calls that they are part of, each once.
    pub fn lines(&self, step: &Step) -> Vec<String> {
        let mut lines: Vec<String> = vec![];
        for &n in &step.nodes {
            let place = self.plan.ir().nodes[n as usize].walked;
            let note = self.notes.get(place.0 as usize).map_or("", |n| n);
            if !note.is_empty() && !lines.iter().any(|l| l == note) {
                lines.push(note.to_owned());
            }
        }
        lines
    }

    /// Every stage of the plan as text: the nodes after the rewrites, each with the line of the program that built it and
    /// the composite or the gradient that it is part of; the steps in order with what they fuse; where each value is.
    pub fn explain(&self) -> String {
        self.plan.text(&|place| self.notes.get(place.0 as usize).map_or("", |n| n))
    }
}

impl std::ops::Deref for TracedPlan {
    type Target = Plan;
    fn deref(&self) -> &Plan {
        &self.plan
    }
}

impl Plan {
    /// Every stage of the plan as text, without the lines of a program. Deterministic, so it can be compared.
    pub fn explain(&self) -> String {
        self.text(&|_| "")
    }

    fn text<'a>(&self, note: &'a dyn Fn(Walked) -> &'a str) -> String {
        let mut text = Text { to: String::new(), note, shown: FxHashSet::default() };
        // Writing to a String cannot fail.
        let _ = text.plan(self);
        text.to
    }
}

/// What a plan is written to.
pub struct Text<'a> {
    to: String,
    /// The lines of the program that made a node.
    note: &'a dyn Fn(Walked) -> &'a str,
    /// The bodies that stand above: a gradient's body may hold the bodies that it differentiates.
    shown: FxHashSet<*const Plan>,
}

impl Text<'_> {
    /// What each pass has made.
    fn plan(&mut self, plan: &Plan) -> std::fmt::Result {
        for pass in PASSES {
            write!(self.to, "{}: ", pass.name)?;
            (pass.explain)(plan, self)?;
        }
        Ok(())
    }

    /// What is computed again.
    pub fn recomputed(&mut self, plan: &Plan) -> std::fmt::Result {
        let r = &plan.recomputation;
        match (r.values, r.why.is_empty()) {
            (0, true) => writeln!(self.to, "nothing"),
            (0, false) => writeln!(self.to, "nothing ({})", r.why),
            (n, _) => writeln!(self.to, "{n} values of {} bytes ({}); the peak without is {} bytes", r.bytes, r.why, r.peak_without),
        }
    }

    /// The nodes, with the rewrites that were applied.
    pub fn nodes(&mut self, plan: &Plan) -> std::fmt::Result {
        writeln!(self.to, "{} nodes", plan.ir().nodes.len())?;
        for (rule, n) in &plan.rewrites {
            writeln!(self.to, "  {rule} x {n}")?;
        }
        for i in 0..plan.ir().nodes.len() as u32 {
            match (self.note)(plan.ir().nodes[i as usize].walked) {
                "" => writeln!(self.to, "  {}", describe(plan.ir(), i))?,
                note => writeln!(self.to, "  {}  # {note}", describe(plan.ir(), i))?,
            }
        }
        Ok(())
    }

    /// How many nodes have bodies, and what these hand on.
    pub fn regions(&mut self, plan: &Plan) -> std::fmt::Result {
        let regions = plan.ir().nodes.iter().filter_map(|n| if let IrOp::Region(_, bodies) = &n.op { Some((n, bodies)) } else { None });
        let residuals = regions.clone().map(|(n, bodies)| (0..n.tys.len() as u32).filter(|&k| bodies.leaves_out(k)).count());
        writeln!(self.to, "{} nodes with bodies, {} residuals", regions.count(), residuals.sum::<usize>())
    }

    /// How many copies views need.
    pub fn copies(&mut self, plan: &Plan) -> std::fmt::Result {
        let copies = plan.ir().nodes.iter().filter(|n| matches!(n.op, IrOp::Copy)).count();
        writeln!(self.to, "{copies} copies")
    }

    /// How many steps there are.
    pub fn counts(&mut self, plan: &Plan) -> std::fmt::Result {
        let tiles = plan.steps.iter().filter(|t| matches!(t.work, Work::Tile(_))).count();
        writeln!(self.to, "{tiles} tile programs, {} calls", plan.steps.len() - tiles)
    }

    /// The steps in order.
    pub fn steps(&mut self, plan: &Plan) -> std::fmt::Result {
        writeln!(self.to, "{} steps", plan.steps.len())?;
        for (t, step) in plan.steps.iter().enumerate() {
            let [read, written] = step.traffic();
            let memory = format!("{read} bytes read, {written} written, {} live", step.live);
            match &step.work {
                Work::Tile(p) => {
                    let nodes: Vec<String> = step.nodes.iter().map(|n| format!("%{n}")).collect();
                    let space: Vec<String> = p.dims.iter().map(|n| n.to_string()).collect();
                    writeln!(self.to, "  {t}: tile [{}] {:?} -> {}", space.join(","), p.tiling, nodes.join(" "))?;
                    writeln!(self.to, "      {}; {memory}", step.cut.text())?;
                    p.stages.iter().try_for_each(|stage| plan.stage(&mut self.to, stage))?;
                }
                work => {
                    let args = |list: &[PlacedArg]| {
                        list.iter().map(|a| format!("{} at {}", a.ty, plan.place_of(a.loc))).collect::<Vec<_>>().join(", ")
                    };
                    let cost = step.operations().map_or(String::new(), |n| format!(", {n:.0} operations"));
                    writeln!(self.to, "  {t}: {}({}) -> {}{cost}", work.name(), args(&step.inputs), args(&step.outputs))?;
                    writeln!(self.to, "      {memory}")?;
                    if let Work::Region(control, bodies) = work {
                        for (which, body) in control.names().iter().zip(bodies.iter()) {
                            self.body(which, &body.plan)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn body(&mut self, which: &str, body: &Plan) -> std::fmt::Result {
        if !self.shown.insert(std::ptr::from_ref(body)) {
            return writeln!(self.to, "    {which}: as above");
        }
        writeln!(self.to, "    {which}:")?;
        let before = std::mem::take(&mut self.to);
        let made = self.plan(body);
        let text = std::mem::replace(&mut self.to, before);
        made?;
        text.lines().try_for_each(|line| writeln!(self.to, "      {line}"))
    }

    /// The memory of a run.
    pub fn memory(&mut self, plan: &Plan) -> std::fmt::Result {
        let (arena, outputs, peak) = (plan.arena_bytes, plan.output_bytes(), plan.peak_bytes());
        writeln!(self.to, "arena {arena} bytes, outputs {outputs} bytes, peak {peak} bytes")?;
        for (w, ty) in &plan.writes {
            writeln!(self.to, "  writes source {w}: {ty}, from step {}", plan.first_write)?;
        }
        Ok(())
    }
}

impl Plan {
    fn stage(&self, s: &mut String, stage: &Stage) -> std::fmt::Result {
        let over = if stage.per_row { "a row's values" } else { "values" };
        let names: Vec<&str> = stage.code.iter().map(|c| c.kind.name()).collect();
        let names = if names.is_empty() { "-".to_owned() } else { names.join(" ") };
        writeln!(s, "      {over}: {names}")?;
        for f in &stage.folds {
            let place = f.loc.map_or("a register".to_owned(), |l| self.place_of(l));
            writeln!(s, "        {:?} {:?} -> %{} at {place}", f.fold, f.reduction, f.value.node)?;
        }
        for l in &stage.loads {
            writeln!(s, "        load %{} {:?} from {}", l.root.node, l.kind, self.place_of(l.loc))?;
        }
        for w in &stage.stores {
            let places: Vec<String> = w.locs.iter().map(|&l| self.place_of(l)).collect();
            writeln!(s, "        store %{} to {}", w.value.node, places.join(", "))?;
        }
        Ok(())
    }

    fn place_of(&self, loc: Loc) -> String {
        let sources = self.sources.len() as u32;
        let outputs = self.outputs.len() as u32;
        let base = match loc.base {
            ARENA => return format!("@{}", loc.offset),
            CONSTANTS => return format!("constant {}", loc.offset / 64),
            b if b < SOURCES + sources => format!("source {}", b - SOURCES),
            b if b < SOURCES + sources + outputs => format!("output {}", b - SOURCES - sources),
            b => format!("variable {}", b - SOURCES - sources - outputs),
        };
        if loc.offset == 0 { base } else { format!("{base}+{}", loc.offset) }
    }
}
