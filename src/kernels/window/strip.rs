//! Strips of places: what elements of the window see at neighbouring places of a row.

use super::pooling::Window;
use super::{AXES, Images, inside};

/// Places of a strip at most.
pub(super) const LANES: usize = 64;

/// Elements of an image that an element of the window sees at some places of a strip.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strip {
    /// The first element, by its coordinates.
    pub place: [usize; AXES],
    /// The first of the places, and how many there are.
    pub first: usize,
    pub count: usize,
}

/// What is computed at the places of a strip.
pub(super) trait Visit {
    /// A strip begins.
    fn begin(&mut self);
    /// # Safety
    /// The elements are those of the image.
    unsafe fn see(&mut self, s: &Strip);
    /// # Safety
    /// So many places from `start` on are those of the channel.
    unsafe fn end(&mut self, start: [usize; AXES], count: usize);
}

/// Visits all places of a channel, strip by strip, and at each what the window sees there, its elements in C order.
///
/// # Safety
/// The lengths are those of the channel.
#[inline(always)]
pub(super) unsafe fn visit(w: &Window, x: &Images, y: &Images, v: &mut impl Visit) {
    let s = &w.steps;
    // What the first two axes of the window see at a place.
    let seen = |i: usize, p: usize, q: usize| (p * s.stride[i] + q * s.dilation[i]).checked_sub(s.before[i]).filter(|&at| at < x.inner[i]);
    let columns = y.inner[2];
    for (p0, p1) in (0..y.inner[0]).flat_map(|a| (0..y.inner[1]).map(move |b| (a, b))) {
        for start in (0..columns).step_by(LANES) {
            let count = LANES.min(columns - start);
            v.begin();
            for (q0, q1) in (0..w.kernel[0]).flat_map(|a| (0..w.kernel[1]).map(move |b| (a, b))) {
                let (Some(z), Some(r)) = (seen(0, p0, q0), seen(1, p1, q1)) else { continue };
                for q2 in 0..w.kernel[2] {
                    let offset = q2 * s.dilation[2];
                    // Most elements of the window lie in the row at all places: no division.
                    let whole = offset + start * s.stride[2] >= s.before[2]
                        && (start + count - 1) * s.stride[2] + offset < s.before[2] + x.inner[2];
                    let (first, end) = if whole {
                        (start, start + count)
                    } else {
                        let (first, end) = inside(x.inner[2], columns, s.stride[2], s.before[2], offset);
                        (first.max(start), end.min(start + count))
                    };
                    if first < end {
                        let place = [z, r, first * s.stride[2] + offset - s.before[2]];
                        // SAFETY: by the contract.
                        unsafe { v.see(&Strip { place, first: first - start, count: end - first }) };
                    }
                }
            }
            // SAFETY: by the contract.
            unsafe { v.end([p0, p1, start], count) };
        }
    }
}

/// Reads N elements that are `step` apart: whole vectors where they are neighbours, or every second is one of them.
///
/// # Safety
/// They lie in memory, and so does what is between them.
#[inline(always)]
pub(super) unsafe fn read<T: Copy, const N: usize>(from: *const T, step: isize) -> [T; N] {
    // SAFETY: by the contract; the second vector ends with the last element.
    unsafe {
        match step {
            1 => *from.cast::<[T; N]>(),
            2 if N > 1 => {
                let (low, high) = (*from.cast::<[T; N]>(), *from.add(N - 1).cast::<[T; N]>());
                let mut all = low;
                (0..N).for_each(|k| all[k] = if 2 * k < N { low[2 * k % N] } else { high[(2 * k + 1) % N] });
                all
            }
            _ => {
                let mut all = [*from; N];
                (1..N).for_each(|k| all[k] = *from.offset(k as isize * step));
                all
            }
        }
    }
}

/// Calls `f` with the first of 16 places, of 4, and of one, as many as there are.
macro_rules! in_blocks {
    ($count:expr, $n:ident, |$j:ident| $body:expr) => {{
        let count = $count;
        let mut $j = 0;
        {
            const $n: usize = 16;
            while $j + $n <= count {
                $body;
                $j += $n;
            }
        }
        {
            const $n: usize = 4;
            while $j + $n <= count {
                $body;
                $j += $n;
            }
        }
        {
            const $n: usize = 1;
            while $j < count {
                $body;
                $j += $n;
            }
        }
    }};
}
pub(super) use in_blocks;
