//! What a graph keeps of a request, so that the next one like it finds its plan at once.

use std::sync::{Arc, Weak};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::api::context::Context;
use crate::api::feed::{Feed, Feeder, Held, Target};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result, closest};
use crate::exec::User;
use crate::graph::checkpoint::Checkpointing;
use crate::graph::{NodeOp, Setting, Tensor, Value};
use crate::plan::step::{PlacedArg, Work};
use crate::plan::{self, Plan, SourceKind, Walk};
use crate::shape::Ty;
use crate::state::VariableID;

/// What a graph binds to a plan: found again by the tensors asked for and the feeds' types. The plan itself is in the
/// process's cache; if it has gone from there, both are made anew.
pub struct Bundle {
    pub(super) hash: u64,
    pub(super) outputs: SmallVec<[Value; 4]>,
    pub(super) writes: SmallVec<[Value; 4]>,
    pub(super) feeds: SmallVec<[(Value, Ty); 4]>,
    pub(super) checkpointing: Checkpointing,
    pub(super) plan: Weak<Plan>,
    /// For each of the plan's sources its node.
    pub(super) nodes: Vec<u32>,
    /// Scalars, for sources that are scalars.
    pub(super) scalars: Vec<[u64; 8]>,
    /// Sources that each run reads anew.
    pub(super) settings: Vec<(usize, Setting, DType)>,
    pub(super) streams: Vec<u64>,
    pub(super) users: Vec<User>,
    /// Variables that the plan writes, in its order.
    pub(super) written: Vec<VariableID>,
    pub(super) short: bool,
}

/// Bundles that a context keeps at most.
const BUNDLES: usize = 256;
/// Scalars and other sources that the bundles of a context keep at most, unless one has more.
const SOURCES: usize = 1 << 18;

/// A feed of a request.
pub(super) struct Fed<'v> {
    /// The placeholder.
    pub value: Value,
    /// What is fed.
    pub ty: Ty,
    /// Its elements.
    pub held: Held<'v>,
}

/// Feeds as placeholders with their elements. The last feed of a placeholder counts.
pub(super) fn resolve<'v>(ctx: &Context, feeder: &Feeder<'v>) -> Result<SmallVec<[Fed<'v>; 4]>> {
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

/// The bundle of a request, and its plan: found, or made.
pub(super) fn bundle(
    ctx: &Context,
    outputs: &[Tensor<'_>],
    writes: &[Tensor<'_>],
    feeds: &[Fed<'_>],
    checkpointing: &Checkpointing,
) -> Result<(Arc<Bundle>, Arc<Plan>)> {
    let hash = hash(outputs, writes, feeds);
    let same = |b: &Arc<Bundle>| {
        b.hash == hash
            && b.outputs.len() == outputs.len()
            && b.feeds.len() == feeds.len()
            && b.writes.len() == writes.len()
            && b.outputs.iter().zip(outputs).all(|(v, t)| *v == t.value())
            && b.writes.iter().zip(writes).all(|(v, t)| *v == t.value())
            && b.feeds.iter().zip(feeds).all(|((v, ty), f)| *v == f.value && *ty == f.ty)
            && b.checkpointing == *checkpointing
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
    let walk = Walk::within(ctx, &values, &assigned, types, checkpointing.clone())?;
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
        checkpointing: checkpointing.clone(),
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
    let bytes = |args: &[PlacedArg]| args.iter().map(|a| a.ty.bytes()).fold(0, usize::saturating_add);
    let all = plan.steps.iter().map(|step| match &step.work {
        Work::Tile(p) => {
            let code: usize = p.stages.iter().map(|s| s.code.len()).sum();
            p.count().saturating_mul(8 * (p.loads().count() + p.stores().count()).max(code / 2))
        }
        Work::Region(_, bodies) => bodies.iter().map(|b| touched(&b.plan)).max().unwrap_or(0),
        work => {
            let each = bytes(&step.inputs).saturating_add(bytes(&step.outputs));
            let columns = step.inputs.iter().filter(|a| a.ty.dims.len() >= 2).filter_map(|a| a.ty.dims.last()).max();
            each.saturating_mul(if matches!(work, Work::Call(..)) { columns.map_or(1, |n| (n / 8).max(1)) } else { 1 })
        }
    });
    all.fold(0, usize::saturating_add)
}
