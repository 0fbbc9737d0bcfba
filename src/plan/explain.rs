//! A plan as text: every stage, from the request to the memory.

use std::fmt::Write;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::array::room::room;
use crate::error::Result;
use crate::graph::op::{Body, Lowering};
use crate::graph::{Graph, Value};
use crate::plan::fuse::describe;
use crate::plan::ir::Walked;
use crate::plan::place::{ARENA, CONSTANTS, SOURCES, Step, Work};
use crate::plan::program::{Loc, Stage};
use crate::plan::{PASSES, Plan, walk};
use crate::shape::Aval;

/// A plan as one request sees it: the plan serves all graphs of one structure, the lines of the program are the request's.
pub struct TracedPlan {
    plan: Arc<Plan>,
    /// By place in the walk: lines of the program, and calls.
    notes: Vec<Arc<str>>,
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

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
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

    fn text<'a>(&self, note: &dyn Fn(Walked) -> &'a str) -> String {
        let mut s = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut s, note, &mut FxHashSet::default());
        s
    }

    /// `shown` are the bodies that stand above: a gradient's body may hold the bodies that it differentiates.
    fn write<'a>(&self, s: &mut String, note: &dyn Fn(Walked) -> &'a str, shown: &mut FxHashSet<*const Plan>) -> std::fmt::Result {
        let [simplify, fuse, schedule, place] = PASSES;
        writeln!(s, "{simplify}: {} nodes", self.ir().nodes.len())?;
        for (rule, n) in &self.rewrites {
            writeln!(s, "  {rule} x {n}")?;
        }
        for i in 0..self.ir().nodes.len() as u32 {
            match note(self.ir().nodes[i as usize].walked) {
                "" => writeln!(s, "  {}", describe(self.ir(), i))?,
                note => writeln!(s, "  {}  # {note}", describe(self.ir(), i))?,
            }
        }
        let tiles = self.steps.iter().filter(|t| matches!(t.work, Work::Tile(_))).count();
        writeln!(s, "{fuse}: {tiles} tile programs, {} calls", self.steps.len() - tiles)?;
        writeln!(s, "{schedule}: {} steps", self.steps.len())?;
        for (t, step) in self.steps.iter().enumerate() {
            let nodes: Vec<String> = step.nodes.iter().map(|n| format!("%{n}")).collect();
            match &step.work {
                Work::Tile(p) => {
                    let space: Vec<String> = p.dims.iter().map(|n| n.to_string()).collect();
                    writeln!(s, "  {t}: tile [{}] {:?} -> {}", space.join(","), p.tiling, nodes.join(" "))?;
                    for stage in &p.stages {
                        self.stage(s, stage)?;
                    }
                }
                work => {
                    let name = work.name();
                    let args = |list: &[crate::plan::place::PlacedArg]| {
                        list.iter().map(|a| format!("{} at {}", a.ty, self.place_of(a.loc))).collect::<Vec<_>>().join(", ")
                    };
                    let cost = flops(step).map_or(String::new(), |n| format!(", {n:.0} operations"));
                    writeln!(s, "  {t}: {name}({}) -> {}{cost}", args(&step.inputs), args(&step.outputs))?;
                    if let Work::Branch(bodies) = work {
                        for (which, body) in ["then", "else"].iter().zip(bodies.iter()) {
                            if !shown.insert(std::ptr::from_ref(body)) {
                                writeln!(s, "    {which}: as above")?;
                                continue;
                            }
                            writeln!(s, "    {which}:")?;
                            let mut text = String::new();
                            body.write(&mut text, note, shown)?;
                            for line in text.lines() {
                                writeln!(s, "      {line}")?;
                            }
                        }
                    }
                }
            }
        }
        writeln!(s, "{place}: arena {} bytes, outputs {} bytes, peak {} bytes", self.arena_bytes, self.output_bytes(), self.peak_bytes())?;
        for (w, ty) in &self.writes {
            writeln!(s, "  writes source {w}: {ty}, from step {}", self.first_write)?;
        }
        Ok(())
    }

    fn stage(&self, s: &mut String, stage: &Stage) -> std::fmt::Result {
        let over = if stage.per_row { "a row's values" } else { "values" };
        let names = if stage.names.is_empty() { "-".to_owned() } else { stage.names.join(" ") };
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

/// The arithmetic of a call, where its row counts it.
fn flops(step: &Step) -> Option<f64> {
    let Work::Call(def, attrs, _) = &step.work else { return None };
    let Body::Primitive(p) = &def.body else { return None };
    let inputs: Vec<Aval> = step.inputs.iter().map(|a| a.ty.aval()).collect();
    let output = step.outputs.first()?.ty.aval();
    Some(p.cost?(&Lowering { inputs: &inputs.iter().collect::<Vec<_>>(), output: &output, attrs }))
}
