//! How much memory a plan holds: what the cache of plans counts, and what is asked for before a plan is made.

use rustc_hash::FxHashSet;
use smallvec::{Array, SmallVec};

use crate::array::room::room;
use crate::error::Result;
use crate::graph::Node;
use crate::graph::attr::{Attr, Cuts, Padding};
use crate::graph::op::{Body, Kernel};
use crate::plan::Plan;
use crate::plan::ir::{IrNode, IrOp};
use crate::plan::program::{Ahead, Program, Stage};
use crate::plan::step::{PlacedArg, Step, Work};
use crate::plan::walk::Walk;
use crate::shape::Ty;

/// What the system's allocator adds to a block, about.
const OVERHEAD: usize = 16;

/// Bytes that a step takes, about and at most.
pub const STEP: usize = 3072;

/// Bytes that a node of a request takes while it is planned, about and at most, without its steps; a test measures it.
pub fn planning(node: &Node) -> usize {
    let chain = match node.def().map(|d| &d.body) {
        Some(Body::Primitive(p)) if matches!(p.kernel, Kernel::Lower(_)) => 1024,
        _ => 0,
    };
    // Lists stand in the key, and in the plan.
    let lists = node.attrs.iter().map(|a| if let Attr::Slices(list) = a { list.len().saturating_sub(4) * 640 } else { 0 }).sum::<usize>();
    // A body has a plan of its own.
    752 + lists + node.inputs.len() * 64 + node.avals.len() * 128 + chain + node.regions.len() * 2 * STEP
}

/// An error unless there is memory to plan a request.
pub fn ask(walk: &Walk) -> Result<()> {
    room("run", format_args!("the plan of {} nodes", walk.nodes.len()), walk.planning)
}

/// An error unless there is memory for so many steps.
pub fn ask_steps(steps: usize) -> Result<()> {
    room("run", format_args!("a plan of {steps} steps"), steps * STEP)
}

fn list<T>(v: &Vec<T>) -> usize {
    if v.capacity() == 0 { 0 } else { v.capacity() * size_of::<T>() + OVERHEAD }
}

fn boxed<T>(b: &[T]) -> usize {
    if b.is_empty() { 0 } else { size_of_val(b) + OVERHEAD }
}

fn small<A: Array>(v: &SmallVec<A>) -> usize {
    if v.spilled() { v.capacity() * size_of::<A::Item>() + OVERHEAD } else { 0 }
}

fn attrs(all: &[Attr]) -> usize {
    let inner = |a: &Attr| match a {
        Attr::Ints(v) | Attr::PerAxis(v) | Attr::Axes(Some(v)) | Attr::Cuts(Cuts::Places(v)) => boxed(v),
        Attr::Slices(v) => boxed(v),
        Attr::Factors(v) => boxed(v),
        Attr::Widths(v) | Attr::Padding(Padding::Ends(v)) => boxed(v),
        _ => 0,
    };
    boxed(all) + all.iter().map(inner).sum::<usize>()
}

fn ty(t: &Ty) -> usize {
    small(&t.dims)
}

fn node(n: &IrNode) -> usize {
    attrs(&n.attrs) + small(&n.inputs) + small(&n.tys) + n.tys.iter().map(ty).sum::<usize>()
}

fn arg(a: &PlacedArg) -> usize {
    ty(&a.ty) + small(&a.strides)
}

/// Bytes of a list of `n` that the machine makes.
fn made(n: usize, each: usize) -> usize {
    size_of::<Box<[u8]>>() + if n == 0 { 0 } else { n * each + OVERHEAD }
}

fn stage(s: &Stage) -> usize {
    let lists = list(&s.loads) + list(&s.spreads) + list(&s.stores) + list(&s.folds) + list(&s.code);
    // What the machine makes of them: a list of calls of kernels, and one of six for each reduction.
    let made = made(s.code.len(), 16) + made(s.folds.len(), 48);
    lists + made + s.loads.iter().map(|l| small(&l.strides)).sum::<usize>() + s.stores.iter().map(|w| small(&w.locs)).sum::<usize>()
}

fn program(p: &Program) -> usize {
    // What is asked for ahead is a list of one stage, and those of the others hold nothing.
    let ahead = made(p.ahead().len(), size_of::<Ahead>()) + made(0, 0) * p.stages.len().saturating_sub(1);
    let stages = list(&p.stages) + p.stages.iter().map(stage).sum::<usize>();
    // The list of what the machine makes of the stages is one more.
    size_of::<Program>() + 2 * OVERHEAD + small(&p.dims) + stages + ahead + list(&p.carried)
}

fn step(s: &Step) -> usize {
    let work = match &s.work {
        Work::Tile(p) => program(p),
        Work::Call(_, a, _) => attrs(a),
        Work::Region(..) | Work::Copy | Work::User(_) => 0,
    };
    let args = s.inputs.iter().chain(&s.outputs).map(arg).sum::<usize>();
    // And a place for what the machine makes of it.
    work + size_of::<Box<[u8]>>() + args + list(&s.inputs) + list(&s.outputs) + list(&s.nodes)
}

/// Bytes of a plan without its bodies.
fn own(p: &Plan) -> usize {
    let nodes = list(&p.ir.nodes) + p.ir.nodes.iter().map(node).sum::<usize>();
    let steps = list(&p.steps) + p.steps.iter().map(step).sum::<usize>();
    let rest = list(&p.ir.outputs) + list(&p.ir.writes) + list(&p.constants) + list(&p.rewrites);
    let types = list(&p.sources) + list(&p.outputs) + list(&p.writes);
    let dims = p.sources.iter().map(|s| ty(&s.ty)).chain(p.outputs.iter().map(ty)).sum::<usize>();
    size_of::<Plan>() + OVERHEAD + nodes + steps + rest + types + dims
}

/// Bytes of memory that a plan holds, its bodies included: each once, however many branches share it.
pub fn held(plan: &Plan) -> usize {
    let mut seen: FxHashSet<*const Plan> = FxHashSet::default();
    let mut stack = vec![plan];
    let mut bytes = 0;
    while let Some(p) = stack.pop() {
        bytes += own(p);
        for n in &p.ir.nodes {
            if let IrOp::Region(_, bodies) = &n.op {
                for b in bodies.compiled().iter().filter(|b| seen.insert(std::ptr::from_ref(&b.plan))) {
                    bytes += boxed(&b.outputs);
                    stack.push(&b.plan);
                }
            }
        }
    }
    bytes
}
