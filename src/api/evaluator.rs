//! Evaluation: feeds in, a plan bound and run, arrays out.

use std::sync::{Arc, Weak};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::api::context::Context;
use crate::api::feed::{Feed, FeedKey, Feeder, Held, IntoFeed, Target};
use crate::array::Array;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result, closest};
use crate::exec::{self, Bound, Outcome, User};
use crate::graph::{AsTensor, NodeOp, Setting, Tensor, Value};
use crate::kernels::ranges::Ranges;
use crate::plan::ir::{Ty, Walked};
use crate::plan::place::{Arg, Work};
use crate::plan::{self, Plan, SourceKind, TracedPlan, Walk, walk};
use crate::state::VariableID;

/// What to compute, with which feeds.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// run(|ctx| {
///     let x = ctx.placeholder("x", &[-1, 2]);
///     let data = ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]);
///     let out = ctx.evaluator().push(T::reduce_sum(x, 0, false)).push(x * x).feed(x, data.view()).run();
///     assert_eq!(*out[0].as_ref().unwrap(), ndarray::arr1(&[4.0, 6.0]));
/// });
/// ```
pub struct Evaluator<'c, 'v> {
    ctx: &'c Context,
    outputs: Vec<Tensor<'c>>,
    writes: Vec<Tensor<'c>>,
    feeder: Feeder<'v>,
}

impl<'c, 'v> Evaluator<'c, 'v> {
    pub(crate) fn new(ctx: &'c Context) -> Self {
        Evaluator { ctx, outputs: vec![], writes: vec![], feeder: Feeder::new() }
    }

    /// Asks for a tensor.
    pub fn push(mut self, t: impl AsTensor<'c>) -> Self {
        self.outputs.push(t.tensor());
        self
    }

    /// Asks for several tensors.
    pub fn extend<A: AsTensor<'c>>(mut self, ts: &[A]) -> Self {
        self.outputs.extend(ts.iter().map(|t| t.tensor()));
        self
    }

    /// Adds an assignment: the run writes to its variable, and does not return its value.
    ///
    /// ```
    /// use scirs2_autograd::{tensor_ops as T, VariableEnvironment};
    /// let env = VariableEnvironment::new();
    /// let w = env.name("w").set(ndarray::arr0(1.0));
    /// env.run(|ctx| {
    ///     let v = ctx.variable("w");
    ///     let old = ctx.evaluator().push(v).write(T::assign(v, v + 1.0)).run();
    ///     assert_eq!(old[0].as_ref().unwrap().item().unwrap(), 1.0);
    /// });
    /// assert_eq!(env.get(w).unwrap().item().unwrap(), 2.0);
    /// ```
    pub fn write(mut self, assignment: impl AsTensor<'c>) -> Self {
        self.writes.push(assignment.tensor());
        self
    }

    /// Feeds a placeholder: a view of the caller's memory is read in place during the run.
    pub fn feed(mut self, placeholder: impl FeedKey, value: impl IntoFeed<'v>) -> Self {
        self.feeder = self.feeder.push(placeholder, value);
        self
    }

    /// Adds the feeds of a feeder.
    pub fn set_feeder(mut self, feeder: Feeder<'v>) -> Self {
        self.feeder.feeds.extend(feeder.feeds);
        self
    }

    /// Runs once and returns a result for each tensor, in order. A tensor that could not be built has its own error; if
    /// the run fails, all others have the run's error, and no variable has changed. An assignment that could not be built
    /// fails the run.
    pub fn run(self) -> Vec<Result<Array>> {
        let good: Vec<Tensor<'c>> = self.outputs.iter().copied().filter(|t| t.error().is_none()).collect();
        let ran = evaluate(self.ctx, &good, &self.writes, &self.feeder, None);
        let (mut arrays, failure) = match ran {
            Ok(out) => (out.outputs.into_iter(), None),
            Err(e) => (vec![].into_iter(), Some(e)),
        };
        self.outputs
            .iter()
            .map(|t| match (t.error(), &failure) {
                (Some(e), _) => Err(e),
                (None, Some(e)) => Err(e.clone()),
                (None, None) => arrays.next().ok_or_else(|| Error::text(ErrorKind::Graph, "run: an output is missing")),
            })
            .collect()
    }

    /// The plan of this request, compiled if it is not there yet.
    pub fn plan(&self) -> Result<TracedPlan> {
        prepare(self.ctx, &self.outputs, &self.writes, &self.feeder)?.plan()
    }
}

impl<'g> Tensor<'g> {
    /// The value of this tensor, without feeds.
    pub fn eval(&self, ctx: &'g Context) -> Result<Array> {
        if let Some(e) = self.error() {
            return Err(e);
        }
        let out = evaluate(ctx, &[*self], &[], &Feeder::new(), None)?;
        out.outputs.into_iter().next().ok_or_else(|| Error::text(ErrorKind::Graph, "eval: the output is missing"))
    }
}

/// What a graph binds to a plan: found again by the tensors asked for and the feeds' types. The plan itself is in the
/// process's cache; if it has gone from there, both are made anew.
pub struct Bundle {
    hash: u64,
    outputs: SmallVec<[Value; 4]>,
    writes: SmallVec<[Value; 4]>,
    feeds: SmallVec<[(Value, Ty); 4]>,
    plan: Weak<Plan>,
    /// For each of the plan's sources its node.
    nodes: Vec<u32>,
    /// Scalars, for sources that are scalars.
    scalars: Vec<[u64; 8]>,
    /// Sources that each run reads anew.
    settings: Vec<(usize, Setting, DType)>,
    streams: Vec<u64>,
    users: Vec<User>,
    /// Variables that the plan writes, in its order.
    written: Vec<VariableID>,
    short: bool,
}

/// Bundles that a context keeps at most.
const BUNDLES: usize = 256;
/// Scalars and other sources that the bundles of a context keep at most, unless one has more.
const SOURCES: usize = 1 << 18;

struct Fed<'v> {
    value: Value,
    ty: Ty,
    held: Held<'v>,
}

/// Feeds as placeholders with their elements. The last feed of a placeholder counts.
fn resolve<'v>(ctx: &Context, feeder: &Feeder<'v>) -> Result<SmallVec<[Fed<'v>; 4]>> {
    let mut out: SmallVec<[Fed<'v>; 4]> = SmallVec::new();
    for (target, feed) in &feeder.feeds {
        let value = find(ctx, target)?;
        let (ty, held) = Feed::bind(feed, ctx.tensor(value))?;
        let fed = Fed { value, ty, held };
        match out.iter_mut().find(|f| f.value == value) {
            Some(old) => *old = fed,
            None => out.push(fed),
        }
    }
    out.sort_by_key(|f| f.value);
    Ok(out)
}

fn find(ctx: &Context, target: &Target) -> Result<Value> {
    match target {
        Target::Value(graph, value) if *graph == ctx.id() => Ok(*value),
        Target::Value(..) => Err(Error::new(
            ErrorKind::Graph,
            "feed",
            "the placeholder belongs to another context",
            "a tensor of another context",
            "a placeholder of this context",
        )),
        Target::Name(name) => {
            let all = ctx.placeholders();
            all.iter().find(|(n, _)| **n == **name).map(|(_, v)| *v).ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|(n, _)| &**n).collect();
                let rule = if names.is_empty() {
                    "a placeholder of this context, which has none".to_owned()
                } else {
                    format!("one of {}", names.join(", "))
                };
                let e = Error::new(ErrorKind::Feed, "feed", "there is no such placeholder", format_args!("\"{name}\""), rule);
                match closest(name, names.iter().copied()) {
                    Some(near) => e.help(format!("did you mean \"{near}\"?")),
                    None => e,
                }
            })
        }
    }
}

fn hash(outputs: &[Tensor<'_>], writes: &[Tensor<'_>], feeds: &[Fed<'_>]) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut h = rustc_hash::FxHasher::default();
    outputs.iter().chain(writes).for_each(|t| t.value().hash(&mut h));
    for f in feeds {
        f.value.hash(&mut h);
        f.ty.hash(&mut h);
    }
    h.finish()
}

fn bundle(ctx: &Context, outputs: &[Tensor<'_>], writes: &[Tensor<'_>], feeds: &[Fed<'_>]) -> Result<(Arc<Bundle>, Arc<Plan>)> {
    let hash = hash(outputs, writes, feeds);
    let same = |b: &Arc<Bundle>| {
        b.hash == hash
            && b.outputs.len() == outputs.len()
            && b.feeds.len() == feeds.len()
            && b.writes.len() == writes.len()
            && b.outputs.iter().zip(outputs).all(|(v, t)| *v == t.value())
            && b.writes.iter().zip(writes).all(|(v, t)| *v == t.value())
            && b.feeds.iter().zip(feeds).all(|((v, ty), f)| *v == f.value && *ty == f.ty)
    };
    let found = ctx.bound.lock().find(hash, same).cloned();
    if let Some(b) = found
        && let Some(plan) = b.plan.upgrade()
    {
        plan::touch(&plan);
        return Ok((b, plan));
    }
    let values: SmallVec<[Value; 4]> = outputs.iter().map(|t| t.value()).collect();
    let assigned: SmallVec<[Value; 4]> = writes.iter().map(|t| t.value()).collect();
    let types: FxHashMap<u32, Ty> = feeds.iter().map(|f| (f.value.node, f.ty.clone())).collect();
    let walk = Walk::new(ctx, &values, &assigned, types)?;
    let plan = plan::plan_for(ctx, &walk)?;
    let nodes: Vec<u32> = plan.sources.iter().map(|s| walk.sources[s.index as usize]).collect();
    let scalars = nodes
        .iter()
        .map(|&id| match ctx.node(id).op {
            NodeOp::Scalar(s) | NodeOp::Own(s) => {
                let dtype = ctx.aval(Value { node: id, out: 0 }).dtype;
                let bytes = s.bytes(dtype).ok_or_else(|| Error::engine("run", "a number does not fit its dtype", s.as_f64(), dtype))?;
                Ok([u64::from_ne_bytes(bytes), 0, 0, 0, 0, 0, 0, 0])
            }
            _ => Ok([0; 8]),
        })
        .collect::<Result<_>>()?;
    let setting = |(k, &id): (usize, &u32)| match &ctx.node(id).op {
        NodeOp::Bound(s) => Some((k, s.clone(), ctx.aval(Value { node: id, out: 0 }).dtype)),
        _ => None,
    };
    let settings = nodes.iter().enumerate().filter_map(setting).collect();
    let streams = walk.draws.iter().map(|&id| ctx.node(id).tag).collect();
    let users: Vec<User> = walk
        .users
        .iter()
        .map(|&id| match &ctx.node(id).op {
            NodeOp::User(op) => Ok(User::Op(op.clone())),
            NodeOp::Hook(h) => Ok(User::Hook(h.clone())),
            _ => Err(Error::engine("run", "a user's op is none", ctx.node(id).name(), "an op or a hook")),
        })
        .collect::<Result<_>>()?;
    let variable = |source: u32| nodes.get(source as usize).and_then(|&id| variable_id(ctx, id));
    let unbound = |source: u32| Error::engine("run", "what is written is no variable", format_args!("source {source}"), "a variable");
    let written = plan.writes.iter().map(|(s, _)| variable(*s).ok_or_else(|| unbound(*s))).collect::<Result<_>>()?;
    let short = is_short(&plan, &users);
    let feeds = feeds.iter().map(|f| (f.value, f.ty.clone())).collect();
    let weak = Arc::downgrade(&plan);
    let made = Arc::new(Bundle {
        hash,
        outputs: values,
        writes: assigned,
        feeds,
        plan: weak,
        nodes,
        scalars,
        settings,
        streams,
        users,
        written,
        short,
    });
    let mut table = ctx.bound.lock();
    // Those whose plans have gone are of no use, an earlier one of this request among them.
    table.retain(|b| b.plan.strong_count() > 0);
    if table.len() >= BUNDLES || table.iter().map(|b| b.nodes.len()).sum::<usize>() + made.nodes.len() > SOURCES {
        table.clear();
    }
    table.insert_unique(hash, made.clone(), |b| b.hash);
    Ok((made, plan))
}

fn variable_id(ctx: &Context, node: u32) -> Option<VariableID> {
    match &ctx.node(node).op {
        NodeOp::Variable(env, index, _) => Some(VariableID { env: *env, index: *index }),
        _ => None,
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
        return Ok(Outcome { outputs: vec![], peak_bytes: 0 });
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
    ctx.check_open()?;
    let all = || outputs.iter().chain(writes);
    if let Some(t) = all().find(|t| t.graph().id() != ctx.id()) {
        let got = format!("{t:?} of another context");
        return Err(Error::new(ErrorKind::Graph, "eval", "the tensor belongs to another context", got, "a tensor of this context"));
    }
    if let Some(e) = all().find_map(|t| t.error()) {
        return Err(e);
    }
    if let Some(t) = writes.iter().find(|t| !t.node().def().is_some_and(|d| std::ptr::eq(d, &crate::ops::control::ASSIGN))) {
        return Err(Error::new(ErrorKind::Variable, "write", "not an assignment", format_args!("{t:?}"), "a tensor from `assign`"));
    }
    let feeds = resolve(ctx, feeder)?;
    let (bundle, plan) = bundle(ctx, outputs, writes, &feeds)?;
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
        let ranges = Ranges::new(proceed);
        let ready = |f: &Fed<'v>| Ok(Fed { value: f.value, ty: f.ty.clone(), held: f.held.ready(&ranges)? });
        let copied: SmallVec<[Fed<'v>; 4]> =
            if self.has_loose_feeds() { self.feeds.iter().map(ready).collect::<Result<_>>()? } else { SmallVec::new() };
        let feeds = if copied.is_empty() { &self.feeds[..] } else { &copied[..] };
        if self.bundle.written.is_empty() { read(self, feeds, proceed) } else { write(self, feeds, proceed) }
    }
}

/// Bytes that a run may read and write before it hands over to other threads: about 20 us.
pub const SHORT_BYTES: usize = 256 << 10;

/// True if a plan has so little work that handing over to other threads would cost more.
fn is_short(plan: &Plan, users: &[User]) -> bool {
    let variables = plan.sources.iter().any(|s| s.kind == SourceKind::Variable);
    !variables && users.is_empty() && plan.steps.len() <= 32 && touched(plan) <= SHORT_BYTES
}

/// Bytes that the steps of a plan read and write, repeated elements each time. Long formulas, factorisations and products do
/// more with each: their bytes count more often.
fn touched(plan: &Plan) -> usize {
    let bytes = |args: &[Arg]| args.iter().map(|a| a.ty.bytes()).fold(0, usize::saturating_add);
    let all = plan.steps.iter().map(|step| match &step.work {
        Work::Tile(p) => {
            let code: usize = p.stages.iter().map(|s| s.code.len()).sum();
            p.count().saturating_mul(8 * (p.loads().count() + p.stores().count()).max(code / 2))
        }
        Work::Branch(bodies) => bodies.iter().map(touched).max().unwrap_or(0),
        work => {
            let each = bytes(&step.inputs).saturating_add(bytes(&step.outputs));
            let columns = step.inputs.iter().filter(|a| a.ty.dims.len() >= 2).filter_map(|a| a.ty.dims.last()).max();
            each.saturating_mul(if matches!(work, Work::Call(..)) { columns.map_or(1, |n| (n / 8).max(1)) } else { 1 })
        }
    });
    all.fold(0, usize::saturating_add)
}

type Sources = SmallVec<[*const u8; 40]>;

/// The scalars of a run: a bundle's own, with its settings as they are now. As many as an optimizer's step has take no memory
/// of their own.
fn scalars<'b>(b: &'b Bundle, now: &'b mut SmallVec<[[u64; 8]; 32]>) -> Result<&'b [[u64; 8]]> {
    if b.settings.is_empty() {
        return Ok(&b.scalars);
    }
    now.extend_from_slice(&b.scalars);
    let _reading = Setting::reading();
    for (k, setting, dtype) in &b.settings {
        let value = Scalar::Float(setting.get());
        let bytes = value.bytes(*dtype).ok_or_else(|| value.misfit("run", *dtype))?;
        if let Some(slot) = now.get_mut(*k) {
            slot[0] = u64::from_ne_bytes(bytes);
        }
    }
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

fn read(p: &Prepared<'_, '_>, feeds: &[Fed<'_>], proceed: Option<&dyn Fn() -> bool>) -> Result<Outcome> {
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
    let bound = Bound { sources: &sources, writes: &[], users: &b.users, streams: &b.streams, seed, run, proceed, blame: &blame };
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

fn write(p: &Prepared<'_, '_>, feeds: &[Fed<'_>], proceed: Option<&dyn Fn() -> bool>) -> Result<Outcome> {
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
    let bound = Bound { sources: &sources, writes: &targets, users: &b.users, streams: &b.streams, seed, run, proceed, blame: &blame };
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

/// A number as a feed.
impl<'v> IntoFeed<'v> for Scalar {
    fn into_feed(self) -> Feed<'v> {
        Feed::scalar(self)
    }
}
