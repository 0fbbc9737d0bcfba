//! Blocks of memory for arrays and arenas, and the process-wide pool that they return to.
//!
//! Touching a fresh page costs about 2 us; a block that is used again costs nothing. Blocks of 1 MiB and more are
//! mapped at 2 MiB alignment and ask for huge pages.
//!
//! With `SCIRS2_AUTOGRAD_GUARD=1` in the environment, for tests, each block is a mapping of its own that ends at a page
//! which nobody may touch: a read or write behind [`padded`] bytes is a fault, and so is any use after the block is dropped.

mod memory;
mod pool;

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use self::memory::Memory;
use self::pool::Pool;
use crate::process::Shared;

/// Alignment of every block, in bytes: one cache line, and one AVX-512 register.
pub const ALIGN: usize = 64;

/// The bytes of a block of `bytes` bytes that may be read and written: up to the end of the last vector. What lies behind
/// the bytes asked for has no meaning.
pub const fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGN)
}

/// A block of memory, aligned to `ALIGN`. It goes back to the pool when it is dropped.
pub struct Block {
    memory: ManuallyDrop<Memory>,
    len: usize,
}

// SAFETY: a block is plain memory that it owns alone; shared access is read-only by the types that hold it.
unsafe impl Send for Block {}
unsafe impl Sync for Block {}

static POOL: Shared<Pool> = Shared::new(Pool::new());
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static IDLE: AtomicUsize = AtomicUsize::new(0);

/// Does something with the pool.
fn pooled<R>(f: impl FnOnce(&mut Pool) -> R) -> R {
    POOL.with(|pool| {
        let out = f(pool);
        IDLE.store(pool.idle(), Relaxed);
        out
    })
}

impl Block {
    /// A block of at least `bytes` bytes with undefined contents, from the pool if one fits.
    /// `None` if the system has no memory left.
    pub fn new(bytes: usize) -> Option<Block> {
        if memory::guarded() {
            return Some(Block::holding(Memory::guarded(bytes.checked_next_multiple_of(ALIGN)?)?, bytes));
        }
        let kept = pooled(|pool| pool.take(bytes));
        Some(Block::holding(kept.or_else(|| Memory::new(bytes))?, bytes))
    }

    /// A block without any room behind its last byte, where a page begins that nobody may touch. It is aligned to as many
    /// bytes as `bytes` is a multiple of, up to [`ALIGN`]. For checks.
    pub fn at_a_guard(bytes: usize) -> Option<Block> {
        Some(Block::holding(Memory::guarded(bytes)?, bytes))
    }

    fn holding(memory: Memory, len: usize) -> Block {
        let live = LIVE.fetch_add(len, Relaxed) + len;
        if live > PEAK.load(Relaxed) {
            PEAK.fetch_max(live, Relaxed);
        }
        Block { memory: ManuallyDrop::new(memory), len }
    }

    /// The first byte.
    pub fn ptr(&self) -> *mut u8 {
        self.memory.start.as_ptr()
    }

    /// The bytes asked for.
    #[allow(clippy::len_without_is_empty, reason = "a block is a buffer, not a collection")]
    pub fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        LIVE.fetch_sub(self.len, Relaxed);
        // SAFETY: the block is gone after this.
        let memory = unsafe { ManuallyDrop::take(&mut self.memory) };
        if let Some(refused) = pooled(|pool| pool.give(memory)) {
            refused.release();
        }
    }
}

/// Gives all idle memory of the pool back to the system; returns the bytes given back.
pub fn trim() -> usize {
    let all = pooled(Pool::drain);
    let bytes = all.iter().map(|m| m.capacity).sum();
    all.into_iter().for_each(Memory::release);
    bytes
}

/// Bytes in use by arrays and arenas, and bytes that wait in the pool.
pub fn usage() -> (usize, usize) {
    (LIVE.load(Relaxed), IDLE.load(Relaxed))
}

/// The most bytes that arrays and arenas had in use at once since the last call.
pub fn take_peak() -> usize {
    PEAK.swap(LIVE.load(Relaxed), Relaxed)
}
