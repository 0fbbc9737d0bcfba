//! From a request to a plan: what runs, in which order, and where every value is.
//!
//! A plan depends on the structure of the request and on concrete shapes and dtypes, and on nothing that a run binds. The
//! passes, in order, are [`PASSES`]; in debug builds each is verified after it ran.

pub mod access;
pub mod bodies;
mod cache;
#[cfg(feature = "python")]
pub mod difference;
mod explain;
#[cfg(test)]
mod faults;
pub mod fuse;
pub mod ir;
pub mod lives;
mod lower;
mod merge;
pub mod place;
pub mod program;
pub mod remat;
pub mod schedule;
pub mod simplify;
mod size;
pub mod step;
mod table;
mod timeline;
mod types;
pub mod verify;
pub mod walk;

use std::any::Any;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::graph::{Graph, NodeOp};
use crate::plan::access::Accesses;
use crate::plan::bodies::Memo;
use crate::plan::explain::Text;
use crate::plan::fuse::Group;
use crate::plan::ir::Ir;
use crate::plan::remat::{Choice, Recomputation, Wish};
use crate::plan::schedule::Schedule;
use crate::plan::step::Step;
pub use crate::plan::walk::Walk;
use crate::shape::Ty;

pub use explain::TracedPlan;

pub use cache::{LIMIT, PLANS, cached, clear, compilations, release, set_limit, touch, usage};
pub use size::STEP;
pub use timeline::{LineOfValues, MemoryStep};

/// What kind of value a run binds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceKind {
    /// An array that the user fed.
    Feed,
    /// A variable.
    Variable,
    /// A constant array.
    Constant,
    /// A scalar.
    Scalar,
    /// A value from around a body.
    Capture,
}

impl SourceKind {
    /// True if its memory need not be a block of this crate, and may end with the last element.
    pub fn is_borrowed(self) -> bool {
        matches!(self, SourceKind::Feed | SourceKind::Capture)
    }
}

/// A value that a run binds.
pub struct Source {
    /// Its kind.
    pub kind: SourceKind,
    /// Its place among the walk's sources, or among a body's captures.
    pub index: u32,
    /// Its type.
    pub ty: Ty,
}

/// A plan: steps over memory that is laid out.
pub struct Plan {
    ir: Ir,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Bytes of the arena.
    pub arena_bytes: usize,
    /// Scalars, 64 bytes apart.
    pub constants: Vec<[u64; 8]>,
    /// What a run binds.
    pub sources: Vec<Source>,
    /// Types of the outputs.
    pub outputs: Vec<Ty>,
    /// Written variables: places among [`Plan::sources`], and types.
    pub writes: Vec<(u32, Ty)>,
    /// The first step that writes to a variable; from there on a run is not interrupted.
    pub first_write: usize,
    /// True if a step may fail.
    pub fallible: bool,
    /// True if a step, or one of a body, is worth more than one thread.
    pub wide: bool,
    /// Bytes that each thread but the first needs beside the arena, if the plan is wide.
    pub local_bytes: usize,
    /// Bytes of memory that the plan itself holds, bodies included; 0 for a body.
    pub bytes: usize,
    /// What it computes again.
    pub recomputation: Recomputation,
    rewrites: Vec<(&'static str, usize)>,
    /// When it was used last.
    used: AtomicU64,
    /// What the machine that runs it makes of its programs, from the first run on.
    pub lowered: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Plan {
    /// A plan of which the passes know nothing yet but its nodes.
    fn of(ir: Ir) -> Plan {
        let outputs = ir.outputs.iter().map(|&r| ir.ty(r).clone()).collect();
        Plan {
            ir,
            steps: vec![],
            arena_bytes: 0,
            constants: vec![],
            sources: vec![],
            outputs,
            writes: vec![],
            first_write: 0,
            fallible: false,
            wide: false,
            local_bytes: 0,
            bytes: 0,
            recomputation: Recomputation::default(),
            rewrites: vec![],
            used: AtomicU64::new(0),
            lowered: OnceLock::new(),
        }
    }

    /// Bytes that a run of this plan holds at its peak: its arena and its outputs. Variables, constants and feeds are not
    /// counted. On several threads each but the first has [`Plan::local_bytes`] beside it.
    pub fn peak_bytes(&self) -> usize {
        self.arena_bytes + self.output_bytes()
    }

    /// Bytes of the outputs.
    pub fn output_bytes(&self) -> usize {
        self.outputs.iter().map(Ty::bytes).sum()
    }

    /// The nodes after the rewrites.
    pub fn ir(&self) -> &Ir {
        &self.ir
    }

    /// Gives back what lists took beyond their lengths while they grew.
    fn shrink(&mut self) {
        self.ir.nodes.shrink_to_fit();
        self.constants.shrink_to_fit();
        self.steps.shrink_to_fit();
    }
}

/// The plan for a walk, from the cache or compiled. Plans are shared by all graphs of the process.
pub fn plan_for(graph: &Graph, walk: &Walk) -> Result<Arc<Plan>> {
    cache::find_or(graph.id(), &walk.key, || {
        size::ask(walk)?;
        let ir = lower::build(graph, walk)?;
        let kind = |k: u32| match walk.sources.get(k as usize).map(|&id| graph.node(id)).map(|node| (node, &node.op)) {
            Some((_, NodeOp::Placeholder(_))) => Ok(SourceKind::Feed),
            Some((_, NodeOp::Variable(..))) => Ok(SourceKind::Variable),
            Some((_, NodeOp::Constant(_))) => Ok(SourceKind::Constant),
            Some((_, NodeOp::Scalar(_) | NodeOp::Own(_) | NodeOp::Bound(_))) => Ok(SourceKind::Scalar),
            other => {
                let got = other.map_or("no node", |(node, _)| node.name());
                Err(Error::engine("plan", "a source is nothing that a run binds", got, "a feed, a variable, a constant or a scalar"))
            }
        };
        let group_policy = &|group| graph.group_policy(group);
        let lines = &|place: ir::Walked| walk.nodes.get(place.0 as usize).map_or(String::new(), |&id| graph.provenance(id));
        // The budget is the last word of a key that has one.
        let key = &walk.key[..walk.key.len() - 1];
        let wish = Wish { asked: &walk.checkpointing, group_policy, key, lines };
        let mut plan = remat::planned(ir, &kind, &Memo::default(), &wish)?;
        plan.bytes = size::held(&plan);
        Ok(plan)
    })
}

/// Compiles a body by itself, whose sources are operands.
#[cfg(test)]
pub fn compile_body(ir: Ir) -> Result<Plan> {
    compile(ir, &|_| Ok(SourceKind::Capture), &Memo::default())
}

/// What the passes work on.
pub struct State<'a> {
    /// The plan, as far as it has come.
    pub plan: Plan,
    /// What kind of value each source is.
    pub kind: &'a dyn Fn(u32) -> Result<SourceKind>,
    /// Bodies that were compiled.
    pub memo: &'a Memo,
    /// Which values are computed again, if any are.
    pub choice: Option<Choice<'a>>,
    /// Views, resolved.
    pub accesses: Accesses,
    /// What the steps are made of.
    pub groups: Vec<Group>,
    /// The group of each node.
    pub owners: Vec<u32>,
    /// The order of the groups.
    pub order: Schedule,
}

/// A pass over the state of a plan.
pub struct Pass {
    /// Its name.
    pub name: &'static str,
    run: fn(&mut State<'_>) -> Result<()>,
    /// Checks what holds after it; run in debug builds. A failure is a fault of the engine.
    verify: fn(&State<'_>),
    /// What `explain` shows of it.
    explain: fn(&Plan, &mut Text<'_>) -> std::fmt::Result,
}

/// The passes, in the order in which they run.
pub static PASSES: [&Pass; 7] = [&simplify::PASS, &bodies::PASS, &remat::PASS, &access::PASS, &fuse::PASS, &schedule::PASS, &place::PASS];

impl State<'_> {
    /// Runs passes.
    fn through(&mut self, passes: &[&Pass]) -> Result<()> {
        for pass in passes {
            (pass.run)(self)?;
            if cfg!(debug_assertions) {
                (pass.verify)(self);
            }
        }
        Ok(())
    }
}

/// The state before any pass.
fn begin<'a>(ir: Ir, kind: &'a dyn Fn(u32) -> Result<SourceKind>, memo: &'a Memo, choice: Option<Choice<'a>>) -> State<'a> {
    let (accesses, order) = (Accesses::default(), Schedule::default());
    State { plan: Plan::of(ir), kind, memo, choice, accesses, groups: vec![], owners: vec![], order }
}

/// Runs the passes from one on.
fn finish(mut state: State<'_>, from: usize) -> Result<Plan> {
    state.through(&PASSES[from..])?;
    let mut plan = state.plan;
    plan.shrink();
    Ok(plan)
}

/// Compiles nodes of which nothing is computed again.
fn compile(ir: Ir, kind: &dyn Fn(u32) -> Result<SourceKind>, memo: &Memo) -> Result<Plan> {
    finish(begin(ir, kind, memo, None), 0)
}
