//! Rematerialisation: what gradients read of earlier values is kept, or computed again when they read it.
//!
//! A choice is one bit for each node that a gradient needs. [`clones`] makes a plan's nodes of it; this file makes plans of
//! choices and takes one: that of the marks and the policy if its peak is not above that of the plan without, or, within a
//! number of bytes, the one with the least to compute again.

mod budget;
mod clones;
mod cuts;
pub mod needs;
mod segments;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::checkpoint::Checkpointing;
use crate::graph::policy::Policy;
use crate::plan::bodies::Memo;
use crate::plan::ir::{Ir, Walked};
use crate::plan::remat::needs::{Needs, flops};
use crate::plan::{PASSES, Pass, Plan, SourceKind, State, begin, finish, verify};

/// What the pass is told to do.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// What gradients need.
    pub needs: &'a Needs,
    /// By node, whether they read its first copy.
    pub keep: &'a [bool],
}

/// Puts clones among the nodes.
pub static PASS: Pass = Pass {
    name: "rematerialise",
    run: |state| {
        let ir = std::mem::take(&mut state.plan.ir);
        state.plan.ir = match state.choice {
            Some(choice) => {
                let mut ir = clones::with_clones(&ir, choice.needs, choice.keep);
                segments::delay(&mut ir);
                ir
            }
            None => Ir { marks: vec![], ..ir },
        };
        Ok(())
    },
    verify: |state| {
        verify::ir(&state.plan.ir, "rematerialise");
        verify::bodies(&state.plan.ir);
        verify::clones(&state.plan.ir);
    },
    explain: |plan, text| text.recomputed(plan),
};

/// What a plan computes again, and why.
#[derive(Clone, Debug, Default)]
pub struct Recomputation {
    /// Values that are computed again.
    pub values: usize,
    /// Bytes of these values together.
    pub bytes: usize,
    /// The arithmetic of that.
    pub flops: f64,
    /// Bytes of the peak of the plan that computes nothing again; 0 if none was asked for.
    pub peak_without: usize,
    /// Arithmetic that any choice within the budget computes again at least; 0 without a budget.
    pub flops_bound: f64,
    /// What the choice was made by.
    pub why: String,
}

/// What is wished of a request: by the user, and by the calls of checkpointed functions.
pub struct Wish<'a> {
    /// What the request says.
    pub asked: &'a Checkpointing,
    /// The policy of a checkpointed function.
    pub group_policy: &'a dyn Fn(u32) -> Option<Policy>,
    /// What tells requests apart that differ in more than their budget.
    pub key: &'a [u64],
    /// The lines of the program that made a node.
    pub lines: &'a dyn Fn(Walked) -> String,
}

/// A request up to this pass, of which plans are made.
struct Request<'a> {
    ir: Ir,
    needs: Needs,
    rewrites: Vec<(&'static str, usize)>,
    kind: &'a dyn Fn(u32) -> Result<SourceKind>,
    memo: &'a Memo,
}

impl Request<'_> {
    /// The plan of a choice, or of none.
    fn plan(&self, keep: Option<&[bool]>) -> Result<Plan> {
        let choice = keep.map(|keep| Choice { needs: &self.needs, keep });
        let mut state = begin(self.ir.clone(), self.kind, self.memo, choice);
        state.plan.rewrites = self.rewrites.clone();
        state.plan.fallible = (0..state.plan.ir.nodes.len() as u32).any(|i| state.plan.ir.may_fail(i));
        finish(state, PASSES.iter().position(|p| std::ptr::eq(*p, &PASS)).unwrap_or(0))
    }
}

/// The plan of a request.
pub fn planned(ir: Ir, kind: &dyn Fn(u32) -> Result<SourceKind>, memo: &Memo, wish: &Wish<'_>) -> Result<Plan> {
    let mut state: State<'_> = begin(ir, kind, memo, None);
    let here = PASSES.iter().position(|p| std::ptr::eq(*p, &PASS)).unwrap_or(0);
    state.through(&PASSES[..here])?;
    if wish.asked.is_empty() && state.plan.ir.marks.is_empty() && state.plan.ir.nodes.iter().all(|n| n.part.group == 0) {
        return finish(state, here);
    }
    let needs = Needs::new(&state.plan.ir);
    let rewrites = std::mem::take(&mut state.plan.rewrites);
    let request = Request { ir: std::mem::take(&mut state.plan.ir), needs, rewrites, kind, memo };
    let plain = request.plan(None)?;
    let said = wish.asked.policy.is_some() || !request.needs.unsaid(&request.ir);
    let mut most = vec![true; request.ir.nodes.len()];
    let mut chosen = plain;
    if said {
        let keep = request.needs.kept(&request.ir, wish.asked.policy.as_ref(), wish.group_policy)?;
        chosen = chosen.or_smaller(request.plan(Some(&keep))?, wish.asked.policy.as_ref());
        most = if wish.asked.policy.is_some() { keep } else { request.needs.allowed(&request.ir, keep) };
    }
    match wish.asked.budget {
        Some(budget) if chosen.peak_bytes() > budget => request.within(budget, &most, chosen.peak_without(), wish),
        _ => Ok(chosen),
    }
}

impl Request<'_> {
    /// The plan with the least to compute again whose peak is within so many bytes.
    fn within(&self, budget: usize, most: &[bool], without: usize, wish: &Wish<'_>) -> Result<Plan> {
        let values = self.needs.values(&self.ir);
        let frontier = budget::remembered(wish.key, || {
            let measure = |keep: &[bool]| self.plan(Some(keep)).map(|plan| (plan.peak_bytes(), counted(plan.ir()).flops));
            budget::frontier(&self.ir, &self.needs, &values, most, &measure)
        })?;
        let bound = budget::bound(&self.ir, &self.needs, &values, budget);
        let Some(point) = frontier.iter().find(|p| p.peak <= budget) else { return Err(self.too_little(budget, &frontier, without, wish)) };
        let mut plan = self.plan(Some(&point.keep))?;
        let why = format!("a budget of {budget} bytes, for which {bound:.0} operations more are needed at least");
        plan.recomputation = Recomputation { peak_without: without, flops_bound: bound, why, ..counted(&plan.ir) };
        Ok(plan)
    }

    /// The error of a budget that nothing fits: the least that would do, and what holds it.
    fn too_little(&self, budget: usize, frontier: &[budget::Point], without: usize, wish: &Wish<'_>) -> Error {
        let least = frontier.last().map_or(without, |p| p.peak);
        let rule = format_args!("at least {least} bytes, of {without} with nothing computed again");
        let e = Error::new(ErrorKind::Memory, "memory_budget", "no choice of what to keep fits", format_args!("{budget} bytes"), rule);
        let plan = frontier.last().and_then(|p| self.plan(Some(&p.keep)).ok());
        let Some(plan) = plan else { return e };
        e.help(format!("at the peak: {}", holders(&plan, wish.lines).join("; ")))
    }
}

/// What holds the most memory at the peak of a plan, by the user's lines.
fn holders(plan: &Plan, lines: &dyn Fn(Walked) -> String) -> Vec<String> {
    /// Places that are named.
    const NAMED: usize = 5;
    let live = |t: usize| plan.lives().into_iter().filter(move |l| l.made <= t && t <= l.last);
    let peak = (0..plan.steps.len()).max_by_key(|&t| plan.steps[t].live).unwrap_or(0);
    // These have memory of their own, the outputs in one sum below.
    let outputs: Vec<u32> = plan.ir.outputs.iter().chain(plan.ir.writes.iter().map(|(_, r)| r)).map(|r| r.node).collect();
    let mut places: Vec<(String, usize)> = vec![];
    for l in live(peak).filter(|l| !outputs.contains(&l.value.node)) {
        let node = plan.ir.node(l.value);
        let place = format!("{} at {}", node.name(), lines(node.walked));
        match places.iter_mut().find(|(p, _)| *p == place) {
            Some((_, bytes)) => *bytes += l.bytes,
            None => places.push((place, l.bytes)),
        }
    }
    match plan.output_bytes() {
        0 => {}
        bytes => places.push(("what the run returns".to_owned(), bytes)),
    }
    if let Some((_, bytes @ 1..)) = plan.steps.get(peak).map(|s| s.scratch) {
        places.push((format!("scratch memory of {}", plan.steps[peak].work.name()), bytes));
    }
    places.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    places.iter().take(NAMED).map(|(place, bytes)| format!("{bytes} bytes of {place}")).collect()
}

impl Plan {
    /// Bytes of the peak if nothing were computed again.
    pub fn peak_without(&self) -> usize {
        self.recomputation.peak_without.max(self.peak_bytes())
    }

    /// The other plan, which computes values again, unless its peak is above that of this one, which does not.
    fn or_smaller(mut self, mut other: Plan, policy: Option<&Policy>) -> Plan {
        let (without, with) = (self.peak_bytes(), other.peak_bytes());
        let by = policy.map_or_else(|| "as marked".to_owned(), |p| format!("by {p}"));
        // A policy that saves nothing only costs time; what is marked is computed again all the same.
        if with > without || (policy.is_some() && with == without) {
            let why = format!("{by}, the peak would be {with} bytes instead of {without}: all is kept");
            self.recomputation = Recomputation { peak_without: without, why, ..Recomputation::default() };
            return self;
        }
        let counted = counted(&other.ir);
        let why = if counted.values == 0 { format!("{by}, no gradient reads anything that is not kept") } else { by };
        other.recomputation = Recomputation { peak_without: without, why, ..counted };
        other
    }
}

/// What is computed again.
fn counted(ir: &Ir) -> Recomputation {
    let again = || ir.nodes.iter().filter(|n| n.again && !needs::passed(n));
    let bytes = again().flat_map(|n| &n.tys).map(crate::shape::Ty::bytes).sum();
    let flops = again().fold(0.0, |sum, n| sum + flops(ir, n));
    Recomputation { values: again().count(), bytes, flops, ..Recomputation::default() }
}
