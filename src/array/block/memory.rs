//! Pieces of memory, each with where it is from: the heap, or a mapping.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::OnceLock;

use super::ALIGN;

/// Pieces from here on are mapped.
pub const LARGE: usize = 1 << 20;
/// Mappings of [`LARGE`] bytes and more start at a multiple of this, and ask for huge pages.
pub const HUGE: usize = 2 << 20;
/// Number of size classes.
pub const CLASSES: usize = 64;

/// The environment variable that puts every block before a page that no one may touch: `1` switches it on.
const VARIABLE: &str = "SCIRS2_AUTOGRAD_GUARD";

/// Where a piece of memory is from, which says how it goes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The heap: a size class.
    Heap(usize),
    /// A mapping at a multiple of [`HUGE`].
    Mapped,
    /// A mapping whose last page faults.
    Guarded,
}

/// A piece of memory. It is given back by [`Memory::release`] alone.
#[derive(Debug)]
pub struct Memory {
    /// The first byte.
    pub start: NonNull<u8>,
    /// Bytes that may be read and written.
    pub capacity: usize,
    /// Where it is from.
    pub origin: Origin,
}

// SAFETY: plain memory, owned alone.
unsafe impl Send for Memory {}

/// Size classes below [`LARGE`]: 64 bytes, then four steps in each power of two. The last one holds [`LARGE`] bytes.
pub fn class(bytes: usize) -> (usize, usize) {
    if bytes <= 256 {
        let units = bytes.div_ceil(64).max(1);
        return (units - 1, units * 64);
    }
    let b = bytes - 1;
    let log = usize::BITS as usize - 1 - b.leading_zeros() as usize;
    let quarter = (b >> (log - 2)) & 3;
    ((log - 8) * 4 + quarter + 4, (5 + quarter) << (log - 2))
}

/// True if every block of this process gets a mapping whose end touches a page that faults.
pub fn guarded() -> bool {
    static ON: OnceLock<bool> = OnceLock::new();
    *ON.get_or_init(|| std::env::var_os(VARIABLE).is_some_and(|v| v == "1"))
}

impl Memory {
    /// A piece of at least `bytes` bytes; `None` if the system has no memory left.
    pub fn new(bytes: usize) -> Option<Memory> {
        if bytes < LARGE { Memory::heap(bytes) } else { Memory::mapped(bytes) }
    }

    fn heap(bytes: usize) -> Option<Memory> {
        let (class, capacity) = class(bytes);
        let layout = Layout::from_size_align(capacity, ALIGN).ok()?;
        // SAFETY: the layout is not empty: every class holds at least 64 bytes.
        let start = NonNull::new(unsafe { std::alloc::alloc(layout) })?;
        Some(Memory { start, capacity, origin: Origin::Heap(class) })
    }

    fn mapped(bytes: usize) -> Option<Memory> {
        let capacity = bytes.checked_next_multiple_of(64 << 10)?;
        let total = capacity.checked_add(HUGE)?;
        let base = map(total)?.as_ptr();
        // SAFETY: the ends of the mapping that the alignment does not need are unmapped again.
        unsafe {
            let skipped = base.align_offset(HUGE);
            let start = base.add(skipped);
            if skipped > 0 {
                libc::munmap(base.cast(), skipped);
            }
            let rest = total - skipped - capacity;
            if rest > 0 {
                libc::munmap(start.add(capacity).cast(), rest);
            }
            #[cfg(target_os = "linux")]
            libc::madvise(start.cast(), capacity, libc::MADV_HUGEPAGE);
            Some(Memory { start: NonNull::new(start)?, capacity, origin: Origin::Mapped })
        }
    }

    /// A piece of exactly `bytes` bytes: a read or write of the byte behind the last one is a fault. What nobody wrote is
    /// NaN to a reader of floats.
    pub fn guarded(bytes: usize) -> Option<Memory> {
        // SAFETY: a question to the system.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
        let room = bytes.checked_next_multiple_of(page)?;
        let base = map(room.checked_add(page)?)?.as_ptr();
        // SAFETY: the last page of the mapping; then the bytes before it.
        unsafe {
            if libc::mprotect(base.add(room).cast(), page, libc::PROT_NONE) != 0 {
                libc::munmap(base.cast(), room + page);
                return None;
            }
            let start = base.add(room - bytes);
            // Larger pieces stay untouched, as they are without a guard.
            if bytes < LARGE {
                start.write_bytes(0xff, bytes);
            }
            Some(Memory { start: NonNull::new(start)?, capacity: bytes, origin: Origin::Guarded })
        }
    }

    /// Gives it back to where it is from.
    pub fn release(self) {
        let start = self.start.as_ptr();
        // SAFETY: memory of this origin and capacity, which nothing refers to any more.
        unsafe {
            match self.origin {
                Origin::Heap(_) => std::alloc::dealloc(start, Layout::from_size_align_unchecked(self.capacity, ALIGN)),
                Origin::Mapped => _ = libc::munmap(start.cast(), self.capacity),
                Origin::Guarded => {
                    let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
                    let room = self.capacity.next_multiple_of(page);
                    libc::munmap(start.sub(room - self.capacity).cast(), room + page);
                }
            }
        }
    }
}

/// A private mapping of zeros at an address of the system's choice.
fn map(bytes: usize) -> Option<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: the mapping overlaps nothing.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if base == libc::MAP_FAILED { None } else { NonNull::new(base.cast()) }
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
}
