//! Plans by key, shared by all graphs of the process, up to a number of bytes; the least recently used go first.
//!
//! All plans are held here and nowhere else: what a graph has bound to a plan finds it through a weak reference, and makes
//! it anew if it has gone. A plan that alone is larger than all that may be kept stays while the graph that asked for it is
//! open and asks for no other such plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::plan::Plan;
use crate::process::Shared;

/// Plans that are kept at most.
pub const PLANS: usize = 512;
/// Bytes of plans that are kept, unless `set_limit` says otherwise.
pub const LIMIT: usize = 256 << 20;

/// A plan that is larger than the limit.
struct Large {
    graph: u64,
    plan: Arc<Plan>,
}

struct Cache {
    plans: FxHashMap<Box<[u64]>, Arc<Plan>>,
    /// Bytes of `plans` with their keys.
    bytes: usize,
    limit: usize,
    large: Vec<Large>,
}

static CACHE: Shared<Option<Cache>> = Shared::new(None);
static COMPILED: AtomicU64 = AtomicU64::new(0);
/// Counts requests for plans.
static CLOCK: AtomicU64 = AtomicU64::new(0);

/// How many plans this process has compiled.
pub fn compilations() -> u64 {
    COMPILED.load(Relaxed)
}

/// How many plans are kept now.
pub fn cached() -> usize {
    with(|c| c.plans.len() + c.large.len())
}

/// Bytes of the plans that are kept now, and bytes that may be kept.
pub fn usage() -> (usize, usize) {
    with(|c| (c.held(), c.limit))
}

/// Sets how many bytes of plans are kept.
pub fn set_limit(bytes: usize) {
    let gone = with(|c| {
        c.limit = bytes;
        c.shrink(0, 0)
    });
    drop(gone);
}

/// Forgets all plans; returns the bytes that they held. A plan that runs now goes when its run ends.
pub fn clear() -> usize {
    let (held, gone) = with(|c| {
        let held = c.held();
        c.bytes = 0;
        (held, (std::mem::take(&mut c.plans), std::mem::take(&mut c.large)))
    });
    // Without the lock: there may be much to free.
    drop(gone);
    held
}

/// Forgets the large plan of a graph that has ended.
pub fn release(graph: u64) {
    let gone: Vec<Large> = with(|c| c.large.extract_if(.., |l| l.graph == graph).collect());
    drop(gone);
}

/// Notes that a plan is used, without a look into the cache.
pub fn touch(plan: &Plan) {
    plan.used.store(CLOCK.load(Relaxed), Relaxed);
}

fn with<R>(f: impl FnOnce(&mut Cache) -> R) -> R {
    CACHE.with(|cache| f(cache.get_or_insert_with(|| Cache { plans: FxHashMap::default(), bytes: 0, limit: LIMIT, large: vec![] })))
}

/// Bytes of a plan with its key.
fn with_key(key: &[u64], plan: &Plan) -> usize {
    size_of_val(key) + plan.bytes
}

impl Cache {
    fn held(&self) -> usize {
        self.bytes + self.large.iter().map(|l| l.plan.bytes).sum::<usize>()
    }

    /// Takes plans out until so many more bytes and plans may be kept.
    fn shrink(&mut self, bytes: usize, plans: usize) -> Vec<(Box<[u64]>, Arc<Plan>)> {
        let mut gone = vec![];
        while self.plans.len() + plans > PLANS || self.bytes + bytes > self.limit {
            let Some(oldest) = self.plans.values().map(|p| p.used.load(Relaxed)).min() else { break };
            // A plan that was used meanwhile stays.
            if let Some((key, plan)) = self.plans.extract_if(|_, p| p.used.load(Relaxed) == oldest).next() {
                self.bytes -= with_key(&key, &plan);
                gone.push((key, plan));
            }
        }
        gone
    }
}

/// The plan of a key, made for `graph` if it is not there. Two threads that miss at once may both compile; one plan stays.
pub fn find_or(graph: u64, key: &[u64], make: impl FnOnce() -> Result<Plan>) -> Result<Arc<Plan>> {
    CLOCK.fetch_add(1, Relaxed);
    if let Some(plan) = with(|c| c.plans.get(key).cloned()) {
        touch(&plan);
        return Ok(plan);
    }
    let plan = Arc::new(make()?);
    touch(&plan);
    COMPILED.fetch_add(1, Relaxed);
    let bytes = with_key(key, &plan);
    let gone = with(|c| {
        if bytes > c.limit {
            let before: Vec<Large> = c.large.extract_if(.., |l| l.graph == graph).collect();
            c.large.push(Large { graph, plan: plan.clone() });
            return (vec![], before, None);
        }
        let gone = c.shrink(bytes, 1);
        let before = c.plans.insert(key.into(), plan.clone());
        match &before {
            Some(other) => c.bytes = c.bytes - with_key(key, other) + bytes,
            None => c.bytes += bytes,
        }
        (gone, vec![], before)
    });
    drop(gone);
    Ok(plan)
}
