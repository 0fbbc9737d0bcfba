//! Parts of a convolution over threads, and what each has of the scratch memory.

use crate::error::Result;
use crate::kernels::ranges::{RANGE, Ranges};

/// Threads that share a convolution at most: each has scratch memory of its own.
pub(super) const PARTS: usize = 16;

/// Bytes are aligned to lines of the cache.
pub(super) const LINE: usize = 64;

/// Bytes of scratch that all threads have together, unless one alone needs more: a window with large gaps is copied with them.
const TOGETHER: usize = 64 << 20;

/// How many threads share so many units, if each has so many bytes of scratch.
pub(super) fn slots(units: usize, bytes: usize) -> usize {
    PARTS.min(units.max(1)).min((TOGETHER / bytes.max(1)).max(1))
}

/// Calls `f` with a place for scratch memory, of `slots`, and each of `units`, whose work is in elements that are moved.
pub(super) fn shared(ranges: &Ranges<'_>, units: usize, work: usize, slots: usize, f: impl Fn(usize, usize) + Sync) -> Result<()> {
    let parts = ranges.threads(units.saturating_mul(work)).min(slots).min(units.max(1));
    // As many units in one go as make a few ranges.
    let most = (4 * RANGE / work.max(1)).max(1).saturating_mul(parts);
    for start in (0..units).step_by(most) {
        let here = most.min(units - start);
        let parts = parts.min(here);
        ranges.parts(parts, here.saturating_mul(work), &|part| {
            (start + here * part / parts..start + here * (part + 1) / parts).for_each(|unit| f(part, unit));
        })?;
    }
    Ok(())
}

/// Scratch memory, of which parts are taken one behind the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    /// Bytes that were taken.
    pub bytes: usize,
}

impl Room {
    /// Takes room for `n` of `U`; where it begins.
    pub fn take<U>(&mut self, n: usize) -> usize {
        let at = self.bytes;
        self.bytes = n.saturating_mul(size_of::<U>()).saturating_add(at).next_multiple_of(LINE);
        at
    }
}
