//! Plans by key, shared by all graphs of the process; the least recently used go first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::plan::Plan;

/// Plans that are kept at most.
pub const PLANS: usize = 512;
/// Words of keys that are kept at most: a bound on what plans of very large graphs hold.
const WORDS: usize = 64 << 20;

struct Entry {
    plan: Arc<Plan>,
    used: u64,
}

#[derive(Default)]
struct Cache {
    plans: FxHashMap<Box<[u64]>, Entry>,
    words: usize,
    clock: u64,
}

static CACHE: Mutex<Option<Cache>> = Mutex::new(None);
static COMPILED: AtomicU64 = AtomicU64::new(0);

/// How many plans this process has compiled.
pub fn compilations() -> u64 {
    COMPILED.load(Relaxed)
}

/// How many plans are kept now.
pub fn cached() -> usize {
    CACHE.lock().as_ref().map_or(0, |c| c.plans.len())
}

/// Forgets all plans.
pub fn clear() {
    *CACHE.lock() = None;
}

/// The plan of a key, made if it is not there. Two threads that miss at once may both compile; one plan stays.
pub fn find_or(key: &[u64], make: impl FnOnce() -> Result<Plan>) -> Result<Arc<Plan>> {
    {
        let mut guard = CACHE.lock();
        let cache = guard.get_or_insert_default();
        cache.clock += 1;
        let now = cache.clock;
        if let Some(e) = cache.plans.get_mut(key) {
            e.used = now;
            return Ok(e.plan.clone());
        }
    }
    let plan = Arc::new(make()?);
    COMPILED.fetch_add(1, Relaxed);
    let mut guard = CACHE.lock();
    let cache = guard.get_or_insert_default();
    cache.clock += 1;
    while !cache.plans.is_empty() && (cache.plans.len() >= PLANS || cache.words + key.len() > WORDS) {
        let Some(oldest) = cache.plans.iter().min_by_key(|(_, e)| e.used).map(|(k, _)| k.clone()) else { break };
        cache.plans.remove(&oldest);
        cache.words -= oldest.len();
    }
    let used = cache.clock;
    if cache.plans.insert(key.into(), Entry { plan: plan.clone(), used }).is_none() {
        cache.words += key.len();
    }
    Ok(plan)
}
