//! Memory that nothing uses now, kept for the next block.

use super::memory::{CLASSES, LARGE, Memory, Origin, class};

/// Bytes that a pool keeps at most.
const IDLE_BYTES: usize = 512 << 20;
/// Pieces of one size class, and mappings, that a pool keeps at most.
const IDLE_PIECES: usize = 64;

/// Idle memory: pieces of the heap by size class, and mappings.
pub struct Pool {
    classes: [Vec<Memory>; CLASSES],
    mapped: Vec<Memory>,
    idle: usize,
}

impl Pool {
    /// An empty pool.
    pub const fn new() -> Pool {
        Pool { classes: [const { Vec::new() }; CLASSES], mapped: Vec::new(), idle: 0 }
    }

    /// A piece that [`Memory::new`] might make for `bytes` bytes, if there is one.
    pub fn take(&mut self, bytes: usize) -> Option<Memory> {
        let found = if bytes < LARGE {
            self.classes[class(bytes).0].pop()
        } else {
            let fits = |m: &Memory| m.capacity >= bytes && m.capacity - bytes <= bytes / 8;
            let best = self.mapped.iter().enumerate().filter(|(_, m)| fits(m)).min_by_key(|(_, m)| m.capacity);
            best.map(|(i, _)| i).map(|i| self.mapped.swap_remove(i))
        };
        self.idle -= found.as_ref().map_or(0, |m| m.capacity);
        found
    }

    /// Keeps a piece; gives it back if there is no room for it, or if it is of a kind that is not kept.
    pub fn give(&mut self, m: Memory) -> Option<Memory> {
        let list = match m.origin {
            Origin::Heap(class) => &mut self.classes[class],
            Origin::Mapped => &mut self.mapped,
            Origin::Guarded => return Some(m),
        };
        if self.idle + m.capacity > IDLE_BYTES || list.len() >= IDLE_PIECES {
            return Some(m);
        }
        self.idle += m.capacity;
        list.push(m);
        None
    }

    /// Takes out all pieces.
    pub fn drain(&mut self) -> Vec<Memory> {
        self.idle = 0;
        let mut all = std::mem::take(&mut self.mapped);
        self.classes.iter_mut().for_each(|l| all.append(l));
        all
    }

    /// Bytes that it keeps.
    pub fn idle(&self) -> usize {
        self.idle
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::HUGE;
    use super::*;

    /// Every size at which something changes, and its neighbours.
    fn sizes() -> impl Iterator<Item = usize> {
        let classes = (1..=LARGE).step_by(61).map(|n| class(n).1);
        let mut all: Vec<usize> = classes.chain([LARGE, 3 << 20]).flat_map(|b| [b - 1, b, b + 1]).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }

    #[test]
    fn what_is_given_is_taken_again() {
        let mut pool = Pool::new();
        for bytes in sizes() {
            let m = Memory::new(bytes).unwrap();
            let (start, capacity, origin) = (m.start, m.capacity, m.origin);
            assert!(capacity >= bytes, "{bytes}");
            assert_eq!(origin == Origin::Mapped, bytes >= LARGE, "{bytes}");
            assert!(origin != Origin::Mapped || start.as_ptr().addr().is_multiple_of(HUGE));
            assert!(pool.give(m).is_none());
            assert_eq!(pool.idle(), capacity);
            let again = pool.take(bytes).unwrap();
            assert_eq!((again.start, again.capacity, again.origin, pool.idle()), (start, capacity, origin, 0), "{bytes}");
            again.release();
        }
    }

    #[test]
    fn a_pool_is_bounded() {
        for bytes in [100, LARGE - 1, LARGE, 100 << 20] {
            let mut pool = Pool::new();
            let refused = (0..2 * IDLE_PIECES).filter_map(|_| pool.give(Memory::new(bytes).unwrap())).map(Memory::release).count();
            let kept = pool.drain();
            assert!(kept.len() <= IDLE_PIECES && kept.iter().map(|m| m.capacity).sum::<usize>() <= IDLE_BYTES, "{bytes}");
            assert_eq!(kept.len() + refused, 2 * IDLE_PIECES);
            kept.into_iter().for_each(Memory::release);
        }
    }

    #[test]
    fn guarded_memory_is_not_kept() {
        let m = Memory::guarded(1000).unwrap();
        // SAFETY: all of its bytes.
        unsafe { m.start.as_ptr().write_bytes(1, 1000) };
        Pool::new().give(m).unwrap().release();
    }
}
