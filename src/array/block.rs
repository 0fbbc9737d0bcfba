//! Blocks of memory for arrays and arenas, and the process-wide pool that they return to.
//!
//! Touching a fresh page costs about 2 us; a block that is used again costs nothing. Blocks of 1 MiB and more are
//! mapped at 2 MiB alignment and ask for huge pages.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

/// Alignment of every block, in bytes: one cache line, and one AVX-512 register.
pub const ALIGN: usize = 64;
const LARGE: usize = 1 << 20;
const HUGE: usize = 2 << 20;
/// Idle bytes that the pool keeps at most.
const IDLE_BYTES: usize = 512 << 20;
/// Idle blocks of one size class that the pool keeps at most.
const IDLE_BLOCKS: usize = 64;
const CLASSES: usize = 64;

/// A block of memory, aligned to [`ALIGN`]. It goes back to the pool when it is dropped.
pub struct Block {
    ptr: NonNull<u8>,
    capacity: usize,
    len: usize,
}

// SAFETY: a block is plain memory that it owns alone; shared access is read-only by the types that hold it.
unsafe impl Send for Block {}
unsafe impl Sync for Block {}

struct Pool {
    small: [Vec<Block>; CLASSES],
    large: Vec<Block>,
    idle: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { small: [const { Vec::new() }; CLASSES], large: Vec::new(), idle: 0 });
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static IDLE: AtomicUsize = AtomicUsize::new(0);

/// Size classes below 1 MiB: 64 bytes, then four steps in each power of two.
fn class(bytes: usize) -> (usize, usize) {
    if bytes <= 256 {
        let units = bytes.div_ceil(64).max(1);
        return (units - 1, units * 64);
    }
    let b = bytes - 1;
    let log = usize::BITS as usize - 1 - b.leading_zeros() as usize;
    let quarter = (b >> (log - 2)) & 3;
    ((log - 8) * 4 + quarter + 4, (5 + quarter) << (log - 2))
}

fn page_round(bytes: usize) -> usize {
    bytes.next_multiple_of(64 << 10)
}

impl Block {
    /// A block of at least `bytes` bytes with undefined contents, from the pool if one fits.
    /// `None` if the system has no memory left.
    pub fn new(bytes: usize) -> Option<Block> {
        let mut block = if bytes < LARGE { Block::small(bytes)? } else { Block::large(bytes)? };
        block.len = bytes;
        let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
        if live > PEAK.load(Relaxed) {
            PEAK.fetch_max(live, Relaxed);
        }
        Some(block)
    }

    fn small(bytes: usize) -> Option<Block> {
        let (class, capacity) = class(bytes);
        {
            let mut pool = POOL.lock();
            if let Some(b) = pool.small[class].pop() {
                pool.idle -= b.capacity;
                IDLE.store(pool.idle, Relaxed);
                return Some(b);
            }
        }
        let layout = Layout::from_size_align(capacity, ALIGN).ok()?;
        // SAFETY: the layout is not empty: every class holds at least 64 bytes.
        let ptr = NonNull::new(unsafe { std::alloc::alloc(layout) })?;
        Some(Block { ptr, capacity, len: 0 })
    }

    fn large(bytes: usize) -> Option<Block> {
        {
            let mut pool = POOL.lock();
            let fits = |b: &Block| b.capacity >= bytes && b.capacity - bytes <= bytes / 8;
            let best = pool.large.iter().enumerate().filter(|(_, b)| fits(b)).min_by_key(|(_, b)| b.capacity);
            if let Some((i, _)) = best {
                let b = pool.large.swap_remove(i);
                pool.idle -= b.capacity;
                IDLE.store(pool.idle, Relaxed);
                return Some(b);
            }
        }
        let capacity = page_round(bytes);
        let total = capacity.checked_add(HUGE)?;
        // SAFETY: an anonymous private mapping at an address of the system's choice; the ends that the alignment does
        // not need are unmapped again.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(std::ptr::null_mut(), total, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            if base == libc::MAP_FAILED {
                return None;
            }
            let start = base as usize;
            let aligned = start.next_multiple_of(HUGE);
            if aligned > start {
                libc::munmap(base, aligned - start);
            }
            let end = aligned + capacity;
            if start + total > end {
                libc::munmap(end as *mut _, start + total - end);
            }
            #[cfg(target_os = "linux")]
            libc::madvise(aligned as *mut _, capacity, libc::MADV_HUGEPAGE);
            Some(Block { ptr: NonNull::new(aligned as *mut u8)?, capacity, len: 0 })
        }
    }

    /// The first byte.
    pub fn ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// The bytes asked for.
    #[allow(clippy::len_without_is_empty, reason = "a block is a buffer, not a collection")]
    pub fn len(&self) -> usize {
        self.len
    }

    fn release(self) {
        let block = std::mem::ManuallyDrop::new(self);
        // SAFETY: memory from `small` or `large` with this capacity, which nothing refers to any more.
        unsafe {
            if block.capacity < LARGE {
                std::alloc::dealloc(block.ptr.as_ptr(), Layout::from_size_align_unchecked(block.capacity, ALIGN));
            } else {
                libc::munmap(block.ptr.as_ptr().cast(), block.capacity);
            }
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        LIVE.fetch_sub(self.len, Relaxed);
        let idle = Block { ptr: self.ptr, capacity: self.capacity, len: 0 };
        let mut pool = POOL.lock();
        let large = idle.capacity >= LARGE;
        let room = pool.idle + idle.capacity <= IDLE_BYTES;
        let list = if large { &mut pool.large } else { &mut pool.small[class(idle.capacity).0] };
        if room && list.len() < IDLE_BLOCKS {
            let capacity = idle.capacity;
            list.push(idle);
            pool.idle += capacity;
            IDLE.store(pool.idle, Relaxed);
        } else {
            drop(pool);
            idle.release();
        }
    }
}

/// Gives all idle memory of the pool back to the system; returns the bytes given back.
pub fn trim() -> usize {
    let blocks: Vec<Block> = {
        let mut pool = POOL.lock();
        pool.idle = 0;
        IDLE.store(0, Relaxed);
        let mut all: Vec<Block> = std::mem::take(&mut pool.large);
        pool.small.iter_mut().for_each(|l| all.append(l));
        all
    };
    blocks
        .into_iter()
        .map(|b| {
            let n = b.capacity;
            b.release();
            n
        })
        .sum()
}

/// Bytes in use by arrays and arenas, and bytes that wait in the pool.
pub fn usage() -> (usize, usize) {
    (LIVE.load(Relaxed), IDLE.load(Relaxed))
}

/// The most bytes that arrays and arenas had in use at once since the last call.
pub fn take_peak() -> usize {
    PEAK.swap(LIVE.load(Relaxed), Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_was_asked_for() {
        for bytes in (0..5000).chain([65_535, 65_536, 65_537, LARGE - 1]) {
            let (c, capacity) = class(bytes);
            assert!(capacity >= bytes && c < CLASSES, "{bytes}: class {c} of {capacity}");
            assert_eq!(class(capacity), (c, capacity));
        }
    }

    #[test]
    fn a_dropped_block_is_used_again() {
        let p = Block::new(3 << 20).map(|b| b.ptr() as usize);
        assert_eq!(Block::new(3 << 20).map(|b| b.ptr() as usize), p);
        assert_eq!(p.unwrap_or(1) % HUGE, 0);
    }
}
