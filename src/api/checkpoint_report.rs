//! The text of the profiler of checkpointing.

use std::fmt::Write;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::api::checkpoint_profiler::{CheckpointStatistics, Ended};
use crate::plan::{LineOfValues, Plan, TracedPlan};

/// Lines of a list that are kept; the others are counted.
const SHOWN: usize = 16;
/// Characters of a line that are kept: one that was built in a loop may have many places.
const WIDTH: usize = 160;

/// What is said of a plan.
struct About {
    steps: usize,
    steps_again: usize,
    planned: usize,
    without: usize,
    values: usize,
    why: String,
    kept: Lines,
    again: Lines,
}

/// Values by the lines of the program, the largest first.
struct Lines {
    shown: Vec<LineOfValues>,
    left_out: usize,
    values: usize,
    bytes: usize,
}

impl Lines {
    fn new(mut all: Vec<LineOfValues>) -> Lines {
        let (values, bytes) = (all.iter().map(|l| l.values).sum(), all.iter().map(|l| l.bytes).sum());
        let left_out = all.len().saturating_sub(SHOWN);
        all.truncate(SHOWN);
        all.shrink_to_fit();
        for l in all.iter_mut().filter(|l| l.line.len() > WIDTH) {
            l.line = l.line.chars().take(WIDTH).chain(" ..".chars()).collect();
        }
        Lines { shown: all, left_out, values, bytes }
    }

    fn text(&self, what: &str, to: &mut String) -> std::fmt::Result {
        if self.values == 0 {
            return writeln!(to, "  {what}: nothing");
        }
        writeln!(to, "  {what}: {} of {} bytes", count(self.values, "value"), self.bytes)?;
        for l in &self.shown {
            let why = if l.why.is_empty() { String::new() } else { format!("  ({})", l.why) };
            writeln!(to, "    {:>12} bytes  {:>4} x {:<14} {}{why}", l.bytes, l.values, l.op, l.line)?;
        }
        match self.left_out {
            0 => Ok(()),
            n => writeln!(to, "    and {n} more"),
        }
    }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A plan that ran.
#[derive(Clone)]
pub(super) struct Ran {
    /// It holds none of the plan's memory but keeps its address from being used again.
    plan: Weak<Plan>,
    about: Arc<About>,
    runs: usize,
    /// The lowest and the highest measured peak.
    peaks: [usize; 2],
    /// The most that threads had beside it.
    threads: usize,
    total: Duration,
    again: Duration,
}

impl Ran {
    /// A plan that has not run yet.
    pub fn new(plan: &TracedPlan) -> Ran {
        let r = &plan.recomputation;
        let planned = plan.peak_bytes();
        let about = About {
            steps: plan.steps.len(),
            steps_again: plan.steps.iter().filter(|s| plan.recomputes(s)).count(),
            planned,
            without: if r.peak_without > 0 { r.peak_without } else { planned },
            values: r.values,
            why: r.why.clone(),
            kept: Lines::new(plan.kept_values()),
            again: Lines::new(plan.recomputed_values()),
        };
        let plan = Arc::downgrade(plan.plan());
        Ran { plan, about: Arc::new(about), runs: 0, peaks: [usize::MAX, 0], threads: 0, total: Duration::ZERO, again: Duration::ZERO }
    }

    /// True if it is this plan.
    pub fn is_of(&self, plan: &Arc<Plan>) -> bool {
        std::ptr::eq(self.plan.as_ptr(), Arc::as_ptr(plan))
    }

    /// Adds a run.
    pub fn add(&mut self, run: &Ended) {
        self.runs += 1;
        self.peaks = [self.peaks[0].min(run.peak), self.peaks[1].max(run.peak)];
        self.threads = self.threads.max(run.threads);
        self.total += run.total;
        self.again += run.again;
    }

    fn text(&self, number: usize, to: &mut String) -> std::fmt::Result {
        let about = &*self.about;
        let why = if about.why.is_empty() { String::new() } else { format!(", {}", about.why) };
        writeln!(to, "plan {number}: {} of {}{why}", count(self.runs, "run"), count(about.steps, "step"))?;
        let [least, most] = self.peaks;
        let off = |measured: usize| 100.0 * (measured as f64 - about.planned as f64) / (about.planned as f64).max(1.0);
        // Of the two the one that is further off.
        let measured = if off(least).abs() > off(most).abs() { least } else { most };
        write!(to, "  peak: planned {} bytes, measured {measured} bytes ({:+.2} %)", about.planned, off(measured))?;
        writeln!(to, "; without recomputation {} bytes", about.without)?;
        if self.threads > 0 {
            writeln!(to, "  registers of further threads beside it: {} bytes", self.threads)?;
        }
        let ms = |t: Duration| 1e3 * t.as_secs_f64() / self.runs.max(1) as f64;
        write!(to, "  time: {:.3} ms a run", ms(self.total))?;
        match about.steps_again {
            0 => writeln!(to)?,
            n => {
                let share = 100.0 * self.again.as_secs_f64() / self.total.as_secs_f64().max(f64::MIN_POSITIVE);
                writeln!(to, ", {:.3} ms ({share:.1} %) of it in {} that compute again", ms(self.again), count(n, "step"))?;
            }
        }
        debug_assert_eq!(about.values, about.again.values);
        about.kept.text("kept", to)?;
        about.again.text("computed again", to)
    }
}

/// The text of what a tracker has seen.
pub(super) fn text(s: &CheckpointStatistics, plans: &[Ran], left_out: usize) -> String {
    let mut to = String::new();
    let mut all = || {
        writeln!(to, "checkpointing: {} of {}", count(s.runs, "run"), count(plans.len(), "plan"))?;
        writeln!(
            to,
            "  highest peak {} bytes; without recomputation {} bytes; {} bytes saved at most",
            s.peak_bytes, s.peak_bytes_without, s.memory_saved
        )?;
        writeln!(to, "  {} computed again, {:.4e} operations", count(s.checkpoint_count, "value"), s.recomputed_flops)?;
        for (k, plan) in plans.iter().enumerate() {
            plan.text(k + 1, &mut to)?;
        }
        if left_out > 0 {
            writeln!(to, "and {} of further plans, which are not listed", count(left_out, "run"))?;
        }
        Ok::<_, std::fmt::Error>(())
    };
    // Writing to a String cannot fail.
    let _ = all();
    to
}
