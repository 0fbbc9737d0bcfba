//! A kernel's work in ranges: between them the run is asked whether to go on.
//!
//! Ranges follow from lengths alone. They are the same whether there is anybody to ask or not, so no number depends on it.
//! Work is counted in elements that are moved: about a nanosecond each.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::movement::rows;
use crate::error::{Error, ErrorKind, Result};

/// The work of one range: about a millisecond, a few where every element misses the caches.
pub const RANGE: usize = 1 << 20;

/// The error of a run that was told not to go on.
pub fn interrupted() -> Error {
    Error::text(
        ErrorKind::Interrupted,
        "run: it was interrupted. Got an interrupt before anything was written; expected to run to the end.",
    )
}

/// Threads that take parts of a step's work.
pub trait Workers {
    /// How many threads there are, the calling one included.
    fn size(&self) -> usize;
    /// Calls `f` with a thread, from 0, which is the calling one, and a part, for every part once. False if one panicked.
    fn each(&self, parts: usize, f: &(dyn Fn(usize, usize) + Sync)) -> bool;
}

/// The least work that is worth more than one thread: about 20 us.
pub const WORTH: usize = 20_000;

/// How much of the work that is counted counts.
static WEIGHT: AtomicUsize = AtomicUsize::new(1);

/// How many times work counts where it is decided whether threads share it: once, unless a test has set more.
pub fn weight() -> usize {
    WEIGHT.load(Relaxed)
}

/// Sets how many times work counts, so that a test's small steps are shared too. Plans that are there stay as they are.
pub fn set_weight(n: usize) {
    WEIGHT.store(n.max(1), Relaxed);
}

/// True if so much work is worth more than one thread.
fn wide(work: usize) -> bool {
    work.saturating_mul(weight()) >= WORTH
}

/// What cuts a kernel's work into ranges.
pub struct Ranges<'a> {
    proceed: Option<&'a dyn Fn() -> bool>,
    workers: Option<&'a dyn Workers>,
    /// Work since the last question.
    done: Cell<usize>,
}

impl<'a> Ranges<'a> {
    /// Ranges between which `proceed` is asked whether to go on.
    pub fn new(proceed: Option<&'a dyn Fn() -> bool>) -> Ranges<'a> {
        Ranges { proceed, workers: None, done: Cell::new(0) }
    }

    /// The same, whose parts several threads take.
    pub fn shared(proceed: Option<&'a dyn Fn() -> bool>, workers: Option<&'a dyn Workers>) -> Ranges<'a> {
        Ranges { proceed, workers, done: Cell::new(0) }
    }

    /// How many threads would take parts of so much work.
    pub fn threads(&self, work: usize) -> usize {
        self.workers.filter(|_| wide(work)).map_or(1, Workers::size)
    }

    /// Calls `f` with every part from 0 to `parts`, all of which cost `work`, on the threads that there are. What a part does
    /// may not depend on the others.
    pub fn parts(&self, parts: usize, work: usize, f: &(dyn Fn(usize) + Sync)) -> Result<()> {
        match self.workers.filter(|_| wide(work) && parts > 1) {
            Some(workers) => {
                // As many at once as make a range for each thread.
                let many = (parts * workers.size() / (work / RANGE).max(1)).max(workers.size());
                (0..parts).step_by(many).try_for_each(|first| {
                    if !workers.each(many.min(parts - first), &|_, part| f(first + part)) {
                        return Err(Error::engine("run", "a part of a step panicked", format_args!("{parts} parts"), "no panic"));
                    }
                    self.ask()
                })
            }
            None => (0..parts).try_for_each(|part| {
                f(part);
                self.did(work / parts)
            }),
        }
    }

    /// Calls `f` with ranges of `0..n`, if several threads are to share so much work; `None` if not.
    pub fn shares(&self, n: usize, work: usize, f: &(dyn Fn(Range<usize>) + Sync)) -> Option<Result<()>> {
        let threads = self.threads(work).min(n);
        if threads < 2 {
            return None;
        }
        let parts = (work / RANGE + 1).next_multiple_of(threads).min(n);
        Some(self.parts(parts, work, &|k| f(n * k / parts..n * (k + 1) / parts)))
    }

    /// Asks; an error of kind `Interrupted` if the answer is no.
    pub fn ask(&self) -> Result<()> {
        self.done.set(0);
        if self.proceed.is_none_or(|f| f()) { Ok(()) } else { Err(interrupted()) }
    }

    /// Counts work that was done, and asks when it has become a range.
    #[inline]
    pub fn did(&self, work: usize) -> Result<()> {
        let done = self.done.get().saturating_add(work);
        self.done.set(done);
        if done < RANGE { Ok(()) } else { self.ask() }
    }

    /// Calls `f` with ranges that follow each other from 0 to `n`. A unit costs `cost`.
    #[inline]
    pub fn each(&self, n: usize, cost: usize, mut f: impl FnMut(Range<usize>) -> Result<()>) -> Result<()> {
        let most = units(cost);
        if n <= most {
            f(0..n)?;
            return self.did(n * cost);
        }
        for first in (0..n).step_by(most) {
            let end = n.min(first + most);
            f(first..end)?;
            self.did((end - first).saturating_mul(cost))?;
        }
        Ok(())
    }

    /// Calls `f` with the offsets of every index of `dims`, in C order, one offset for each list of strides. A call costs
    /// `cost`.
    #[inline(always)]
    pub fn walk<const K: usize>(
        &self,
        dims: &[usize],
        strides: [&[isize]; K],
        cost: usize,
        mut f: impl FnMut([isize; K]) -> Result<()>,
    ) -> Result<()> {
        let most = units(cost);
        let step = strides.map(|s| s.last().copied().unwrap_or(0));
        // Calls until the next question: short rows cost no more than counting this down.
        let mut room = most;
        rows(dims, strides, |mut at, n| {
            let mut left = n;
            loop {
                let some = left.min(room);
                for _ in 0..some {
                    f(at)?;
                    at.iter_mut().zip(step).for_each(|(at, s)| *at += s);
                }
                room -= some;
                left -= some;
                if left == 0 {
                    return Ok(());
                }
                room = most;
                self.did(most.saturating_mul(cost))?;
            }
        })?;
        self.did((most - room).saturating_mul(cost))
    }
}

/// How many units make a range, in whole grains if they are many.
#[inline]
fn units(cost: usize) -> usize {
    let n = RANGE / cost.max(1);
    if n > GRAIN { n / GRAIN * GRAIN } else { n.max(1) }
}

/// A length that no vector and no cache line is cut by.
pub const GRAIN: usize = 64;

/// Where to halve a piece of work that is too large for a range: the axis with most grains, and a place on it between
/// grains. `None` if no axis has two of them.
pub fn halve(lengths: &[usize], grains: &[usize]) -> Option<(usize, usize)> {
    let many = |i: usize| lengths[i].div_ceil(grains[i]);
    // The first of equals: `max_by_key` takes the last.
    let axis = (0..lengths.len()).rev().max_by_key(|&i| many(i)).filter(|&i| many(i) > 1)?;
    Some((axis, (many(axis).div_ceil(2)) * grains[axis]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::cell::RefCell;

    #[test]
    fn ranges_follow_each_other_and_are_the_same_without_a_question() {
        for (n, cost) in [(0, 1), (1, 1), (RANGE, 1), (RANGE + 1, 1), (3 * RANGE + 5, 3), (5, RANGE), (3, 2 * RANGE), (1000, 5000)] {
            let asked = Cell::new(0);
            let proceed = || {
                asked.set(asked.get() + 1);
                true
            };
            let [a, b] = [None, Some(&proceed as &dyn Fn() -> bool)].map(|p| {
                let seen = RefCell::new(vec![]);
                Ranges::new(p)
                    .each(n, cost, |r| {
                        seen.borrow_mut().push(r);
                        Ok(())
                    })
                    .unwrap();
                seen.into_inner()
            });
            assert_eq!(a, b);
            assert!(a.iter().all(|r| r.len() <= 1 || r.len() * cost <= RANGE));
            assert_eq!(a.iter().cloned().flatten().collect::<Vec<_>>(), (0..n).collect::<Vec<_>>());
            // What is left over at the end is less than a range.
            assert!(asked.get() >= n * cost / (2 * RANGE) && asked.get() <= n * cost / RANGE + 1, "{n} {cost}: {asked:?}");
        }
    }

    #[test]
    fn the_answer_no_ends_the_work() {
        let left = Cell::new(3);
        let proceed = || {
            left.set(left.get() - 1);
            left.get() > 0
        };
        let (ranges, calls) = (Ranges::new(Some(&proceed)), Cell::new(0));
        let e = ranges.walk(&[4, 5], [&[5, 1]], RANGE, |_| {
            calls.set(calls.get() + 1);
            Ok(())
        });
        assert_eq!((e.map_err(|e| e.kind()), calls.get()), (Err(ErrorKind::Interrupted), 3));
    }

    #[test]
    fn a_walk_has_every_index_in_order() {
        let mut seen = vec![];
        Ranges::new(None)
            .walk(&[2, 3], [&[3, 1], &[-1, 10]], RANGE / 2, |at| {
                seen.push(at);
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [[0, 0], [1, 10], [2, 20], [3, -1], [4, 9], [5, 19]]);
        let one = Cell::new(0);
        Ranges::new(None)
            .walk(&[], [&[]], 1, |[at]| {
                one.set(one.get() + 1 + at);
                Ok(())
            })
            .unwrap();
        assert_eq!(one.get(), 1);
    }

    #[test]
    fn halves_are_whole_grains() {
        assert_eq!(halve(&[4000, 4000], &[64, 64]), Some((0, 2048)));
        assert_eq!(halve(&[10, 4000], &[1, 64]), Some((1, 2048)));
        assert_eq!(halve(&[10_000, 10_000], &[1, 64]), Some((0, 5000)));
        assert_eq!(halve(&[65], &[64]), Some((0, 64)));
        assert_eq!(halve(&[64, 1], &[64, 1]), None);
        assert_eq!(halve(&[], &[]), None);
    }
}
