//! How tasks are shared out among threads.

use crate::error::Result;
use crate::kernels::ranges::{RANGE, Ranges};

/// Threads that share the work at most: each has scratch memory of its own.
pub(super) const PARTS: usize = 16;

/// The steps of every unit, of which a slot has some, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub units: usize,
    pub steps: usize,
    pub slots: usize,
    /// All steps of a unit are of one slot.
    pub whole: bool,
}

impl Shares {
    /// The first unit of a slot, of whole ones.
    fn first(&self, slot: usize) -> usize {
        self.units * slot / self.slots
    }

    /// How many steps of each unit a slot has, of shared ones: they go round the slots and back, for later ones may be longer.
    fn own(&self, slot: usize) -> usize {
        let (rounds, rest) = (self.steps / (2 * self.slots), self.steps % (2 * self.slots));
        2 * rounds + usize::from(rest > slot) + usize::from(rest > 2 * self.slots - 1 - slot)
    }

    /// How many tasks a slot has.
    pub fn count(&self, slot: usize) -> usize {
        if self.whole { (self.first(slot + 1) - self.first(slot)) * self.steps } else { self.units * self.own(slot) }
    }

    /// The unit and the step of a slot's task.
    pub fn task(&self, slot: usize, k: usize) -> (usize, usize) {
        if self.whole {
            return (self.first(slot) + k / self.steps, k % self.steps);
        }
        let (unit, i) = (k / self.own(slot), k % self.own(slot));
        let back = if i % 2 == 0 { slot } else { 2 * self.slots - 1 - slot };
        (unit, i / 2 * 2 * self.slots + back)
    }

    /// Calls `f` with a slot, a unit and a step for every task, each of which costs `work`.
    pub fn each(&self, ranges: &Ranges<'_>, work: usize, f: &(dyn Fn(usize, usize, usize) + Sync)) -> Result<()> {
        let most = (0..self.slots).map(|slot| self.count(slot)).max().unwrap_or(0);
        // As many tasks of each slot in one go as make a few ranges.
        let go = (2 * RANGE / work.max(1)).max(1);
        for start in (0..most).step_by(go) {
            let here = go.min(most - start) * self.slots;
            ranges.parts(self.slots, here.saturating_mul(work), &|slot| {
                for k in start..self.count(slot).min(start + go) {
                    let (unit, step) = self.task(slot, k);
                    f(slot, unit, step);
                }
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_task_is_done_once_and_the_steps_of_a_unit_in_order() {
        for (units, steps, slots) in [(1, 1, 1), (3, 7, 2), (1, 9, 4), (5, 1, 3), (4, 16, 16), (2, 3, 3), (0, 4, 2)] {
            for whole in [false, true] {
                let shares = Shares { units, steps, slots, whole };
                let mut seen = HashSet::new();
                for slot in 0..slots {
                    let tasks: Vec<_> = (0..shares.count(slot)).map(|k| shares.task(slot, k)).collect();
                    assert!(tasks.is_sorted(), "{shares:?} {tasks:?}");
                    assert!(tasks.iter().all(|&t| t.0 < units && t.1 < steps && seen.insert(t)), "{shares:?} {tasks:?}");
                }
                assert_eq!(seen.len(), units * steps, "{shares:?}");
            }
        }
    }
}
