//! A request bound to its plan: pointers to feeds, constants, variables and scalars, and the run.

use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

use crate::api::bundle::{Bundle, Fed, bundle, resolve};
use crate::api::checkpoint_profiler::tracked;
use crate::api::context::Context;
use crate::api::feed::{Feeder, Held};
use crate::api::profile::Profile;
use crate::array::Array;
use crate::dtype::Scalar;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::profile::Timer;
use crate::exec::{self, Beside, Bound, Outcome, Watch};
use crate::graph::checkpoint::Checkpointing;
use crate::graph::{NodeOp, Setting, Tensor};
use crate::kernels::ranges::Ranges;
use crate::plan::ir::Walked;
use crate::plan::{Plan, SourceKind, TracedPlan, walk};
use crate::shape::Ty;
use crate::state::VariableID;

/// Runs a request: the values of `outputs`, and the assignments of `writes`. `proceed` is asked now and then whether to go on.
pub(crate) fn evaluate(
    ctx: &Context,
    outputs: &[Tensor<'_>],
    writes: &[Tensor<'_>],
    feeder: &Feeder<'_>,
    proceed: Option<&dyn Fn() -> bool>,
) -> Result<Outcome> {
    if outputs.is_empty() && writes.is_empty() {
        ctx.check_open()?;
        return Ok(Outcome { outputs: vec![], peak_bytes: 0, thread_bytes: 0 });
    }
    prepare(ctx, outputs, writes, feeder)?.run(proceed)
}

/// A request with its plan and its feeds: all that a run needs. The feeds are borrowed for `'v`: an array that was fed
/// outlives the request.
///
/// ```compile_fail,E0597
/// # use scirs2_autograd::{Feeder, internals::prepare, run};
/// run(|ctx| {
///     let x = ctx.placeholder("x", &[3]);
///     let prepared = {
///         let data = ndarray::arr1(&[1.0, 2.0, 3.0]);
///         prepare(ctx, &[x * 2.0], &[], &Feeder::new().push(x, data.view())).unwrap()
///     };
///     prepared.run(None)
/// });
/// ```
pub struct Prepared<'c, 'v> {
    ctx: &'c Context,
    bundle: Arc<Bundle>,
    plan: Arc<Plan>,
    feeds: SmallVec<[Fed<'v>; 4]>,
}

/// Checks a request and finds its plan.
pub fn prepare<'c, 'v>(ctx: &'c Context, outputs: &[Tensor<'_>], writes: &[Tensor<'_>], feeder: &Feeder<'v>) -> Result<Prepared<'c, 'v>> {
    prepare_within(ctx, outputs, writes, feeder, &Checkpointing::default())
}

/// The same, with what is said of memory for this request; where nothing is, the context's own counts.
pub fn prepare_within<'c, 'v>(
    ctx: &'c Context,
    outputs: &[Tensor<'_>],
    writes: &[Tensor<'_>],
    feeder: &Feeder<'v>,
    checkpointing: &Checkpointing,
) -> Result<Prepared<'c, 'v>> {
    ctx.check_open()?;
    let all = || outputs.iter().chain(writes);
    if let Some(t) = all().find(|t| t.graph().id() != ctx.id()) {
        let got = format!("{t:?} of another context");
        return Err(Error::new(ErrorKind::Graph, "eval", "the tensor belongs to another context", got, "a tensor of this context"));
    }
    if let Some(e) = all().find_map(|t| t.error()) {
        return Err(e);
    }
    if let Some(t) = writes.iter().find(|t| !t.node().def().is_some_and(|d| std::ptr::eq(d, &crate::ops::writes::ASSIGN))) {
        return Err(Error::new(ErrorKind::Variable, "write", "not an assignment", format_args!("{t:?}"), "a tensor from `assign`"));
    }
    let feeds = resolve(ctx, feeder)?;
    let checkpointing = checkpointing.or(&ctx.checkpointing());
    let (bundle, plan) = bundle(ctx, outputs, writes, &feeds, &checkpointing)?;
    Ok(Prepared { ctx, bundle, plan, feeds })
}

impl<'v> Prepared<'_, 'v> {
    /// True for a run of a few microseconds that calls no user's code and waits for no variable.
    pub fn is_short(&self) -> bool {
        self.bundle.short && !self.has_loose_feeds()
    }

    /// True if the run begins with a copy of a large feed.
    fn has_loose_feeds(&self) -> bool {
        self.feeds.iter().any(|f| matches!(f.held, Held::Loose(_)))
    }

    /// The plan, with the lines of this graph.
    pub fn plan(&self) -> Result<TracedPlan> {
        TracedPlan::new(self.plan.clone(), self.ctx, &self.bundle.outputs, &self.bundle.writes)
    }

    /// Runs it. `proceed` is asked now and then whether to go on.
    pub fn run(&self, proceed: Option<&dyn Fn() -> bool>) -> Result<Outcome> {
        self.run_beside(Beside { proceed, ..Beside::default() })
    }

    /// Runs it so many times, and says how long the steps take.
    pub fn profile(&self, runs: usize, proceed: Option<&dyn Fn() -> bool>) -> Result<Profile> {
        if runs == 0 {
            return Err(Error::new(ErrorKind::Value, "profile", "no run is asked for", runs, "runs >= 1"));
        }
        let (timer, start) = (Timer::default(), Instant::now());
        let mut peak = 0;
        for _ in 0..runs {
            peak = self.run_beside(Beside { proceed, timer: Some(&timer), ..Beside::default() })?.peak_bytes;
        }
        let total = start.elapsed();
        Ok(Profile::new(&self.plan()?, &timer.times(), runs, total, peak))
    }

    /// Runs it, while a test stands around its programs.
    pub fn watched(&self, watch: Watch<'_>) -> Result<Outcome> {
        self.run_beside(Beside { watch: Some(watch), ..Beside::default() })
    }

    fn run_beside(&self, beside: Beside<'_>) -> Result<Outcome> {
        match tracked(self.ctx.env().id()) {
            None => self.run_now(beside),
            Some(t) => {
                let run = |timer: &Timer| self.run_now(Beside { timer: Some(timer), ..beside });
                t.run(&self.plan, beside.timer, || self.plan(), run)
            }
        }
    }

    fn run_now(&self, beside: Beside<'_>) -> Result<Outcome> {
        let proceed = beside.proceed;
        let ranges = Ranges::new(proceed);
        let ready = |f: &Fed<'v>| Ok(Fed { value: f.value, ty: f.ty.clone(), held: f.held.ready(&ranges)? });
        let copied: SmallVec<[Fed<'v>; 4]> =
            if self.has_loose_feeds() { self.feeds.iter().map(ready).collect::<Result<_>>()? } else { SmallVec::new() };
        let feeds = if copied.is_empty() { &self.feeds[..] } else { &copied[..] };
        if self.bundle.written.is_empty() { read(self, feeds, beside) } else { write(self, feeds, beside) }
    }
}

/// An array that a plan expects of a variable.
fn expect<'a>(ctx: &Context, node: u32, a: &'a Array, ty: &Ty) -> Result<&'a Array> {
    if a.dtype() == ty.dtype && a.shape() == &ty.dims[..] {
        return Ok(a);
    }
    let name = match &ctx.node(node).op {
        NodeOp::Variable(_, _, name) => name.to_string(),
        _ => String::new(),
    };
    let got = format!("{} of shape {}", a.dtype(), crate::shape::Tuple(a.shape()));
    let e = Error::new(ErrorKind::Variable, "run", format_args!("variable \"{name}\" has changed its shape or dtype"), got, ty);
    Err(e.help("ask the context for the variable again after it was set"))
}

type Sources = SmallVec<[*const u8; 40]>;

/// The scalars of a run: a bundle's own, with its settings as they are now. As many as an optimizer's step has take no memory
/// of their own.
fn scalars<'b>(b: &'b Bundle, now: &'b mut SmallVec<[[u64; 8]; 32]>) -> Result<&'b [[u64; 8]]> {
    if b.settings.is_empty() {
        return Ok(&b.scalars);
    }
    now.extend_from_slice(&b.scalars);
    Setting::reading(|| {
        for (k, setting, dtype) in &b.settings {
            let value = Scalar::Float(setting.get());
            let bytes = value.bytes(*dtype).ok_or_else(|| value.misfit("run", *dtype))?;
            if let Some(slot) = now.get_mut(*k) {
                slot[0] = u64::from_ne_bytes(bytes);
            }
        }
        Ok(())
    })?;
    Ok(now)
}

/// Pointers to the sources' elements; variables by `variable`.
fn sources(
    p: &Prepared<'_, '_>,
    scalars: &[[u64; 8]],
    feeds: &[Fed<'_>],
    variable: &dyn Fn(VariableID) -> Result<*const Array>,
) -> Result<Sources> {
    let (ctx, b) = (p.ctx, &*p.bundle);
    let mut out = Sources::new();
    for ((s, &node), scalar) in p.plan.sources.iter().zip(&b.nodes).zip(scalars) {
        out.push(match s.kind {
            SourceKind::Scalar | SourceKind::Capture => scalar.as_ptr().cast(),
            SourceKind::Constant => match &ctx.node(node).op {
                NodeOp::Constant(a) => a.ptr().cast_const(),
                _ => return Err(Error::text(ErrorKind::Graph, "run: a constant is not bound")),
            },
            SourceKind::Feed => match feeds.iter().find(|f| f.value.node == node).map(|f| &f.held) {
                Some(Held::Borrowed(p)) => p.ptr(),
                Some(Held::Array(a)) => a.ptr().cast_const(),
                Some(Held::Bits(bits)) => std::ptr::from_ref(bits).cast(),
                Some(Held::Loose(_)) => return Err(Error::text(ErrorKind::Feed, "run: a feed was not copied")),
                None => return Err(Error::text(ErrorKind::Feed, "run: a placeholder is not fed")),
            },
            SourceKind::Variable => match &ctx.node(node).op {
                NodeOp::Variable(env, index, _) => {
                    let a = variable(VariableID { env: *env, index: *index })?;
                    // SAFETY: the array belongs to the guard that the caller holds.
                    expect(ctx, node, unsafe { &*a }, &s.ty)?.ptr().cast_const()
                }
                _ => return Err(Error::text(ErrorKind::Variable, "run: a variable is not bound")),
            },
        });
    }
    Ok(out)
}

fn read(p: &Prepared<'_, '_>, feeds: &[Fed<'_>], beside: Beside<'_>) -> Result<Outcome> {
    let (ctx, b) = (p.ctx, &*p.bundle);
    let env = ctx.env();
    let needs = p.plan.sources.iter().any(|s| s.kind == SourceKind::Variable);
    let guard = if needs { Some(env.read()?) } else { None };
    let mut now = SmallVec::new();
    let scalars = scalars(b, &mut now)?;
    let sources = sources(p, scalars, feeds, &|id| match &guard {
        Some(g) => g.array(id).map(std::ptr::from_ref),
        None => Err(Error::text(ErrorKind::Variable, "run: a variable is not bound")),
    })?;
    let (seed, run) = counters(ctx, b);
    let blame = |place, e| blame(ctx, b, place, e);
    let bound = Bound { sources: &sources, writes: &[], users: &b.users, streams: &b.streams, seed, run, beside, blame: &blame };
    // SAFETY: `sources` checked types; the guard, the feeds and the graph hold the memory during the run.
    unsafe { exec::run(&p.plan, &bound) }
}

/// The error of a step in the words of this graph's program. A run that fails walks once more: a bundle keeps no list of nodes.
fn blame(ctx: &Context, b: &Bundle, place: Walked, e: Error) -> Error {
    match walk::nodes(ctx, &b.outputs, &b.writes).ok().and_then(|all| all.get(place.0 as usize).copied()) {
        Some(node) => ctx.graph().blame(node, e),
        None => e,
    }
}

fn counters(ctx: &Context, b: &Bundle) -> (u64, u64) {
    if b.streams.is_empty() { (0, 0) } else { (ctx.env().seed_value(), ctx.env().next_run()) }
}

fn write(p: &Prepared<'_, '_>, feeds: &[Fed<'_>], beside: Beside<'_>) -> Result<Outcome> {
    let (ctx, b) = (p.ctx, &*p.bundle);
    let (seed, run) = counters(ctx, b);
    let mut guard = ctx.env().write()?;
    let mut now = SmallVec::new();
    let scalars = scalars(b, &mut now)?;
    let sources = sources(p, scalars, feeds, &|id| guard.array(id).map(std::ptr::from_ref))?;
    // Memory that only the environment holds is written in place; shared memory gets a new block, which takes its place
    // when the run has succeeded.
    let mut fresh: SmallVec<[Option<Array>; 16]> = SmallVec::new();
    let mut targets: SmallVec<[*mut u8; 16]> = SmallVec::new();
    for (&id, (_, ty)) in b.written.iter().zip(&p.plan.writes) {
        let a = guard.array_mut(id)?;
        let new = if a.is_unique() {
            None
        } else {
            // SAFETY: the run writes every element, or the array is dropped unread.
            Some(unsafe { Array::uninit(ty.dtype, &ty.dims)? })
        };
        targets.push(new.as_ref().unwrap_or(a).ptr());
        fresh.push(new);
    }
    let blame = |place, e| blame(ctx, b, place, e);
    let bound = Bound { sources: &sources, writes: &targets, users: &b.users, streams: &b.streams, seed, run, beside, blame: &blame };
    // SAFETY: as `read`; the write guard lets nobody else reach the variables.
    let outcome = unsafe { exec::run(&p.plan, &bound)? };
    for (&id, new) in b.written.iter().zip(fresh) {
        if let Some(new) = new {
            *guard.array_mut(id)? = new;
        }
        guard.written(id);
    }
    Ok(outcome)
}
