//! Where the time of a run goes.

use std::fmt::{Display, Formatter};
use std::time::Duration;

use crate::plan::TracedPlan;

/// A step of a plan, and the time that it took.
#[derive(Clone, Debug)]
pub struct StepTime {
    /// Its place in the plan.
    pub step: usize,
    /// What it does: `tile`, or the name of an operation.
    pub name: String,
    /// The time that it took, in all runs together.
    pub time: Duration,
    /// Bytes that it reads and writes in a run.
    pub bytes: [usize; 2],
    /// The lines of the program that it computes, each once.
    pub lines: Vec<String>,
}

/// The times of a plan's steps.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// run(|ctx| {
///     let x = ctx.placeholder("x", &[2, 2]);
///     let data = ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]);
///     let profile = ctx.evaluator().push(T::matmul(x, x)).feed(x, data.view()).profile(3)?;
///     assert_eq!((profile.runs, profile.steps.len()), (3, 1));
///     assert!(profile.to_string().contains("batch_matmul"));
///     Ok::<_, scirs2_autograd::Error>(())
/// })?;
/// # Ok::<_, scirs2_autograd::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Profile {
    /// How many runs were timed.
    pub runs: usize,
    /// The time of all runs together, with what is not in a step.
    pub total: Duration,
    /// The steps in the order in which they run.
    pub steps: Vec<StepTime>,
    /// Bytes of the arena and the outputs of a run.
    pub peak_bytes: usize,
}

impl Profile {
    pub(crate) fn new(plan: &TracedPlan, times: &[Duration], runs: usize, total: Duration, peak_bytes: usize) -> Profile {
        let step = |(step, s): (usize, &crate::plan::step::Step)| StepTime {
            step,
            name: s.work.name().to_owned(),
            time: times.get(step).copied().unwrap_or_default(),
            bytes: s.traffic(),
            lines: plan.lines(s),
        };
        Profile { runs, total, steps: plan.steps.iter().enumerate().map(step).collect(), peak_bytes }
    }
}

impl Display for Profile {
    /// A table of the steps, those that took longest first.
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        /// Lines of a step that are shown; the others are counted.
        const SHOWN: usize = 3;
        let per_run = |t: Duration| t.as_secs_f64() * 1e6 / self.runs.max(1) as f64;
        let sum: Duration = self.steps.iter().map(|s| s.time).sum();
        writeln!(
            f,
            "{:.1} us a run over {} runs, {:.1} us of it in {} steps",
            per_run(self.total),
            self.runs,
            per_run(sum),
            self.steps.len()
        )?;
        writeln!(f, "peak {} bytes", self.peak_bytes)?;
        writeln!(f, "{:>10} {:>6} {:>12} {:>12} {:>5}  what", "us", "%", "bytes read", "written", "step")?;
        let mut order: Vec<&StepTime> = self.steps.iter().collect();
        order.sort_by_key(|s| std::cmp::Reverse(s.time));
        for s in order {
            let share = 100.0 * s.time.as_secs_f64() / sum.as_secs_f64().max(f64::MIN_POSITIVE);
            let [read, written] = s.bytes;
            write!(f, "{:>10.1} {share:>6.1} {read:>12} {written:>12} {:>5}  {}", per_run(s.time), s.step, s.name)?;
            for line in s.lines.iter().take(SHOWN) {
                write!(f, "\n{:51}  {line}", "")?;
            }
            match s.lines.len().saturating_sub(SHOWN) {
                0 => writeln!(f)?,
                more => writeln!(f, "\n{:51}  and {more} more", "")?,
            }
        }
        Ok(())
    }
}
