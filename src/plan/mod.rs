//! From a request to a plan: what runs, in which order, and where every value is.
//!
//! A plan depends on the structure of the request and on concrete shapes and dtypes, and on nothing that a run binds. The
//! passes, in order, are [`PASSES`]; each is checked after it ran in debug builds.

pub mod access;
mod cache;
mod explain;
pub mod fuse;
pub mod ir;
pub mod place;
pub mod program;
pub mod schedule;
pub mod simplify;
mod table;
pub mod verify;
pub mod walk;

use std::sync::Arc;

use crate::error::Result;
use crate::graph::Graph;
use crate::plan::ir::{Ir, IrOp, Ty};
use crate::plan::place::Step;
pub use crate::plan::walk::Walk;

pub use explain::TracedPlan;

pub use cache::{PLANS, cached, clear, compilations};

/// The passes by name, in the order in which they run.
pub const PASSES: [&str; 4] = ["simplify", "fuse", "schedule", "place"];

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
    rewrites: Vec<(&'static str, usize)>,
}

impl Plan {
    #[allow(clippy::too_many_arguments, reason = "the parts of a plan, put together in one place")]
    fn new(
        ir: Ir,
        steps: Vec<Step>,
        arena_bytes: usize,
        constants: Vec<[u64; 8]>,
        sources: Vec<Source>,
        outputs: Vec<Ty>,
        writes: Vec<(u32, Ty)>,
        first_write: usize,
    ) -> Plan {
        Plan { ir, steps, arena_bytes, constants, sources, outputs, writes, first_write, rewrites: vec![] }
    }

    /// Bytes that a run of this plan holds at its peak: its arena and its outputs. Variables, constants and feeds are not
    /// counted, and neither is what the matrix product allocates for its own packing.
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
}

/// The plan for a walk, from the cache or compiled. Plans are shared by all graphs of the process.
pub fn plan_for(graph: &Graph, walk: &Walk) -> Result<Arc<Plan>> {
    cache::find_or(&walk.key, || {
        let ir = ir::build(graph, walk)?;
        let kind = |k: u32| match walk.sources.get(k as usize).map(|&id| &graph.node(id).op) {
            Some(crate::graph::NodeOp::Placeholder(_)) => SourceKind::Feed,
            Some(crate::graph::NodeOp::Variable(..)) => SourceKind::Variable,
            Some(crate::graph::NodeOp::Constant(_)) => SourceKind::Constant,
            _ => SourceKind::Scalar,
        };
        Ok(compile(ir, &kind))
    })
}

/// Compiles a body, whose sources are captures.
pub fn compile_body(ir: &Ir) -> Plan {
    compile(copy_of(ir), &|_| SourceKind::Capture)
}

fn copy_of(ir: &Ir) -> Ir {
    let nodes = ir.nodes.iter().map(|n| ir::IrNode {
        op: match &n.op {
            IrOp::Source(k) => IrOp::Source(*k),
            IrOp::Scalar(s) => IrOp::Scalar(*s),
            IrOp::Row(d, k) => IrOp::Row(d, *k),
            IrOp::Copy => IrOp::Copy,
            IrOp::User(k) => IrOp::User(*k),
            IrOp::Hook(k) => IrOp::Hook(*k),
            IrOp::Branch(b) => IrOp::Branch(Box::new([copy_of(&b[0]), copy_of(&b[1])])),
        },
        attrs: n.attrs.clone(),
        inputs: n.inputs.clone(),
        tys: n.tys.clone(),
        walked: n.walked,
    });
    Ir { nodes: nodes.collect(), outputs: ir.outputs.clone(), writes: ir.writes.clone() }
}

fn compile(mut ir: Ir, kind: &dyn Fn(u32) -> SourceKind) -> Plan {
    let checked = cfg!(debug_assertions);
    let rewrites = simplify::simplify(&mut ir);
    if checked {
        verify::ir(&ir, "simplify");
    }
    let (ir, accesses) = access::resolve(ir);
    let drafts = fuse::fuse(&ir, &accesses);
    if checked {
        verify::ir(&ir, "fuse");
        verify::drafts(&ir, &accesses, &drafts);
    }
    let owners = fuse::owners(&ir, &drafts);
    let order = schedule::schedule(&ir, &accesses, &drafts, &owners);
    if checked {
        verify::order(&ir, &accesses, &drafts, &order);
    }
    let sources: Vec<(u32, SourceKind)> = ir
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(i, n)| match n.op {
            IrOp::Source(k) => Some((i as u32, kind(k))),
            _ => None,
        })
        .collect();
    let mut plan = place::place(ir, &accesses, drafts, &owners, order, sources);
    if checked {
        verify::plan(&plan, &accesses);
    }
    plan.rewrites = rewrites;
    plan
}
