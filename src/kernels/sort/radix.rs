//! Sorting by the digits of integers.

use crate::error::Result;
use crate::kernels::ranges::Ranges;

/// Up to so many elements comparisons take less time than digits.
pub const SHORT: usize = 256;

/// Sorts `from` by 32-bit numbers; equals stay in order. `spare` is as long, and takes part: the result is the first of the two that come
/// back.
pub fn by_number<'a, E: Copy>(
    ranges: &Ranges<'_>,
    mut from: &'a mut [E],
    mut spare: &'a mut [E],
    number: impl Fn(E) -> u32,
) -> Result<(&'a mut [E], &'a mut [E])> {
    let digit = |e: E, i: usize| (number(e) >> (8 * i)) as u8 as usize;
    let mut counts = [[0usize; 256]; 4];
    ranges.each(from.len(), 1, |r| {
        for &e in &from[r] {
            for (i, count) in counts.iter_mut().enumerate() {
                count[digit(e, i)] += 1;
            }
        }
        Ok(())
    })?;
    for (i, places) in counts.iter_mut().enumerate() {
        if places.contains(&from.len()) {
            // One digit for all.
            continue;
        }
        let mut at = 0;
        for p in places.iter_mut() {
            at += std::mem::replace(p, at);
        }
        ranges.each(from.len(), 3, |r| {
            for &e in &from[r] {
                let p = &mut places[digit(e, i)];
                // SAFETY: the places of a digit end where those of the next one begin, and the last ones where `spare` ends.
                unsafe { *spare.get_unchecked_mut(*p) = e };
                *p += 1;
            }
            Ok(())
        })?;
        std::mem::swap(&mut from, &mut spare);
    }
    Ok((from, spare))
}

/// The bits by which 64-bit words differ, as a number of 32 bits and one of what is left.
#[derive(Clone, Copy)]
pub struct Halves {
    /// Bits that all words have in common, from the top.
    common: u32,
    /// True if they differ in what is left.
    pub more: bool,
}

impl Halves {
    /// For words that differ in some of the bits of `vary`.
    pub fn new(vary: u64) -> Halves {
        let common = vary.leading_zeros().min(63);
        Halves { common, more: (vary << common) as u32 != 0 }
    }
    /// The upper bits.
    #[inline(always)]
    pub fn upper(self, word: u64) -> u32 {
        ((word << self.common) >> 32) as u32
    }
    /// The bits below them.
    #[inline(always)]
    pub fn lower(self, word: u64) -> u32 {
        (word << self.common) as u32
    }
}

/// Calls `f` with each run of more than one element of equal numbers.
pub fn runs<E: Copy>(
    ranges: &Ranges<'_>,
    all: &mut [E],
    number: impl Fn(E) -> u32,
    mut f: impl FnMut(&mut [E]) -> Result<()>,
) -> Result<()> {
    let mut rest = all;
    let mut since = 0;
    while let Some(&first) = rest.first() {
        let n = rest.iter().position(|&e| number(e) != number(first)).unwrap_or(rest.len());
        let (run, tail) = rest.split_at_mut(n);
        if n > 1 {
            f(run)?;
        }
        rest = tail;
        since += n;
        if since > SHORT {
            ranges.did(since)?;
            since = 0;
        }
    }
    Ok(())
}
