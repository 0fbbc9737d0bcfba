//! What the process holds beside the user's own arrays, and how it is given back.

use crate::array::block;
use crate::plan;

/// What this crate holds now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryStats {
    /// Bytes of arrays, and of what runs take.
    pub array_bytes: usize,
    /// Bytes of blocks that wait to be used again.
    pub idle_bytes: usize,
    /// Bytes of the plans in the cache, with their keys.
    pub plan_bytes: usize,
    /// How many plans those are.
    pub plans: usize,
    /// How many bytes of plans the cache may keep; see [`set_plan_cache_bytes`].
    pub plan_cache_bytes: usize,
}

/// What is held now.
///
/// ```
/// use scirs2_autograd::{memory_stats, run, trim, tensor_ops as T};
/// run(|ctx| T::sin(ctx.zeros([1000])).eval(ctx)).unwrap();
/// let held = memory_stats();
/// assert!(held.plans == 1 && held.plan_bytes > 0);
/// trim();
/// assert_eq!(memory_stats().plan_bytes, 0);
/// ```
pub fn memory_stats() -> MemoryStats {
    let (array_bytes, idle_bytes) = block::usage();
    let (plan_bytes, plan_cache_bytes) = plan::usage();
    MemoryStats { array_bytes, idle_bytes, plan_bytes, plans: plan::cached(), plan_cache_bytes }
}

/// Forgets all plans and gives idle memory back to the system; returns how many bytes that were. What is needed again is made
/// again.
pub fn trim() -> usize {
    let bytes = plan::clear() + block::trim();
    // The allocator keeps what was many small blocks, unless it is told.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it gives unused pages back, and touches nothing else.
    unsafe {
        libc::malloc_trim(0);
    }
    bytes
}

/// Sets how many bytes of plans the process keeps, 256 MiB unless it is set; the least recently used go first. A plan that is
/// larger stays while its context is open and asks for no other such plan.
///
/// ```
/// use scirs2_autograd::{memory_stats, run, set_plan_cache_bytes, tensor_ops as T};
/// set_plan_cache_bytes(0);
/// run(|ctx| T::sin(ctx.zeros([1000])).eval(ctx)).unwrap();
/// assert_eq!(memory_stats().plan_bytes, 0);
/// ```
pub fn set_plan_cache_bytes(bytes: usize) {
    plan::set_limit(bytes);
}
