//! What checkpointing saves and what it costs: numbers of the runs of a process, or of an environment.
//!
//! A run looks at one atomic number, how many trackers are on. If one is, its steps are timed, and when it has ended each
//! tracker that is on adds it up. A tracker holds bounded text about a bounded number of plans, and none of the plans.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::api::checkpoint_report::Ran;
use crate::error::Result;
use crate::exec::Outcome;
use crate::exec::profile::Timer;
use crate::plan::{Plan, TracedPlan};
use crate::process::Shared;
use crate::state::VariableEnvironment;

/// Plans of which a tracker keeps numbers and text; of others only the totals.
pub const PLANS: usize = 64;

/// The numbers of the runs that were tracked.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct CheckpointStatistics {
    /// How many runs were tracked.
    pub runs: usize,
    /// The most that the peak of a run was below that of its plan without recomputation, in bytes.
    pub memory_saved: usize,
    /// Values that were computed again, in all runs together.
    pub checkpoint_count: usize,
    /// The highest peak that was measured in a run, in bytes: its arena and its outputs.
    pub peak_bytes: usize,
    /// The highest peak that a run would have had without recomputation, in bytes, as its plan says; of runs that compute
    /// nothing again their own.
    pub peak_bytes_without: usize,
    /// The arithmetic of what was computed again, in all runs together.
    pub recomputed_flops: f64,
}

/// What a tracker has seen.
#[derive(Default)]
struct Seen {
    statistics: CheckpointStatistics,
    plans: Vec<Ran>,
    /// Runs of plans that there was no room for.
    left_out: usize,
}

#[derive(Default)]
struct Tracker(Mutex<Seen>);

/// A tracker that is on, and the environment whose runs it sees; all runs without one.
struct On {
    env: Option<u64>,
    tracker: Arc<Tracker>,
}

/// How many trackers are on.
static WATCHING: AtomicUsize = AtomicUsize::new(0);
static ON: Shared<Vec<On>> = Shared::new(Vec::new());
/// The one of the process.
static PROCESS: LazyLock<Arc<Tracker>> = LazyLock::new(Arc::default);

impl Tracker {
    fn start(self: &Arc<Self>, env: Option<u64>) {
        ON.with(|on| {
            if !on.iter().any(|o| Arc::ptr_eq(&o.tracker, self)) {
                on.push(On { env, tracker: self.clone() });
            }
            WATCHING.store(on.len(), Relaxed);
        });
    }

    fn stop(self: &Arc<Self>) {
        ON.with(|on| {
            on.retain(|o| !Arc::ptr_eq(&o.tracker, self));
            WATCHING.store(on.len(), Relaxed);
        });
    }

    fn reset(&self) {
        let seen = std::mem::take(&mut *self.0.lock());
        drop(seen);
    }

    fn statistics(&self) -> CheckpointStatistics {
        self.0.lock().statistics
    }

    fn report(&self) -> String {
        let seen = self.0.lock();
        crate::api::checkpoint_report::text(&seen.statistics, &seen.plans, seen.left_out)
    }

    fn has(&self, plan: &Arc<Plan>) -> bool {
        let seen = self.0.lock();
        seen.plans.len() >= PLANS || seen.plans.iter().any(|r| r.is_of(plan))
    }
}

/// A run that is tracked, from its beginning on.
pub(super) struct Tracked {
    trackers: SmallVec<[Arc<Tracker>; 2]>,
    start: Instant,
    timer: Timer,
}

/// A run that has ended.
pub(super) struct Ended {
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Bytes of its arena and its outputs.
    pub peak: usize,
    /// Bytes that threads had beside these.
    pub threads: usize,
    /// The time that it took.
    pub total: Duration,
    /// The time of the steps that compute values again.
    pub again: Duration,
}

/// What tracks a run of an environment, if anything does.
#[inline]
pub(super) fn tracked(env: u64) -> Option<Tracked> {
    if WATCHING.load(Relaxed) == 0 {
        return None;
    }
    let sees = |o: &&On| o.env.is_none_or(|e| e == env);
    let trackers: SmallVec<_> = ON.with(|on| on.iter().filter(sees).map(|o| o.tracker.clone()).collect());
    if trackers.is_empty() { None } else { Some(Tracked { trackers, start: Instant::now(), timer: Timer::default() }) }
}

impl Tracked {
    /// Runs `f` with a timer, that of somebody else if there is one, and adds the run up if it succeeds. `traced` gives the
    /// plan with its lines.
    pub(super) fn run(
        self,
        plan: &Arc<Plan>,
        theirs: Option<&Timer>,
        traced: impl FnOnce() -> Result<TracedPlan>,
        f: impl FnOnce(&Timer) -> Result<Outcome>,
    ) -> Result<Outcome> {
        let timer = theirs.unwrap_or(&self.timer);
        let before = timer.times();
        let outcome = f(timer)?;
        let total = self.start.elapsed();
        let since = |(k, t): (usize, &Duration)| t.saturating_sub(before.get(k).copied().unwrap_or_default());
        let times = timer.times();
        let again = plan.steps.iter().zip(times.iter().enumerate()).filter(|(s, _)| plan.recomputes(s)).map(|(_, t)| since(t)).sum();
        let threads = outcome.thread_bytes;
        let ended = Ended { plan: plan.clone(), peak: outcome.peak_bytes - threads, threads, total, again };
        // Text about a plan is made at its first run, and outside of the lock.
        let fresh = match self.trackers.iter().all(|t| t.has(plan)) {
            true => None,
            // Without lines it is still worth something.
            false => Some(traced().unwrap_or_else(|_| TracedPlan::without_lines(plan.clone()))),
        };
        let fresh = fresh.map(|traced| Ran::new(&traced));
        ON.with(|on| {
            for tracker in self.trackers.iter().filter(|t| on.iter().any(|o| Arc::ptr_eq(&o.tracker, t))) {
                tracker.0.lock().add(&ended, fresh.as_ref());
            }
        });
        Ok(outcome)
    }
}

impl Seen {
    fn add(&mut self, run: &Ended, fresh: Option<&Ran>) {
        let again = &run.plan.recomputation;
        let without = if again.peak_without > 0 { again.peak_without } else { run.peak };
        let s = &mut self.statistics;
        s.runs += 1;
        s.memory_saved = s.memory_saved.max(without.saturating_sub(run.peak));
        s.checkpoint_count += again.values;
        s.peak_bytes = s.peak_bytes.max(run.peak);
        s.peak_bytes_without = s.peak_bytes_without.max(without);
        s.recomputed_flops += again.flops;
        let place = self.plans.iter().position(|r| r.is_of(&run.plan)).or_else(|| {
            self.plans.push(fresh.filter(|_| self.plans.len() < PLANS)?.clone());
            Some(self.plans.len() - 1)
        });
        match place {
            Some(k) => self.plans[k].add(run),
            None => self.left_out += 1,
        }
    }
}

/// What checkpointing saves and what it costs, measured over runs. Its own functions speak of all runs of the process;
/// [`CheckpointProfiler::of`] of those of one environment.
///
/// While it tracks, every run of a plan that ends well is added up; one that fails is not. Runs are timed step by step then;
/// while nothing tracks, a run looks at one atomic number. All numbers are 0 before the first run and after a reset.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// T::CheckpointProfiler::start_tracking();
/// run(|ctx| {
///     let x = ctx.placeholder("x", &[64, 64]);
///     let layer = |h| T::tanh(T::matmul(h, x));
///     let deep = (0..4).fold(x, |h, _| layer(T::checkpoint(layer(h))));
///     let g = T::grad(&[deep], &[x])[0];
///     let data = ndarray::Array2::from_elem((64, 64), 0.01);
///     ctx.evaluator().push(g).feed(x, data.view()).run().remove(0).unwrap();
/// });
/// T::CheckpointProfiler::stop_tracking();
/// assert!(T::CheckpointProfiler::checkpoint_count() > 0);
/// assert!(T::CheckpointProfiler::peak_bytes() <= T::CheckpointProfiler::peak_bytes_without());
/// println!("{}", T::CheckpointProfiler::report());
/// ```
pub struct CheckpointProfiler;

impl CheckpointProfiler {
    /// Begins to add up runs; nothing happens if it does so already. What was added up before stays.
    pub fn start_tracking() {
        PROCESS.start(None);
    }

    /// Ends it; what was added up stays. A run that is under way is not counted.
    pub fn stop_tracking() {
        PROCESS.stop();
    }

    /// Sets all numbers to 0 and forgets all plans; tracking goes on if it was on.
    pub fn reset_statistics() {
        PROCESS.reset();
    }

    /// The most that the peak of a run was below that of its plan without recomputation, in bytes.
    pub fn memory_saved() -> usize {
        PROCESS.statistics().memory_saved
    }

    /// Values that were computed again, in all runs together.
    pub fn checkpoint_count() -> usize {
        PROCESS.statistics().checkpoint_count
    }

    /// The highest peak that was measured in a run, in bytes: its arena and its outputs.
    pub fn peak_bytes() -> usize {
        PROCESS.statistics().peak_bytes
    }

    /// The highest peak that a run would have had without recomputation, in bytes, as its plan says; of runs that compute
    /// nothing again their own.
    pub fn peak_bytes_without() -> usize {
        PROCESS.statistics().peak_bytes_without
    }

    /// The arithmetic of what was computed again, in all runs together: floating-point operations of products, elements of
    /// everything else.
    pub fn recomputed_flops() -> f64 {
        PROCESS.statistics().recomputed_flops
    }

    /// All numbers at one moment.
    pub fn statistics() -> CheckpointStatistics {
        PROCESS.statistics()
    }

    /// Text: the numbers, and for each plan that ran what is kept and why, what is computed again, the planned peak beside the
    /// measured one, and the time that computing again takes. It speaks of the first 64 plans; runs of others are counted.
    pub fn report() -> String {
        PROCESS.report()
    }

    /// Tracks the runs of an environment, from now on until the tracker is dropped. A context of [`run`](crate::run) has an
    /// environment of its own: `CheckpointProfiler::of(ctx.env())` tracks that context.
    ///
    /// ```
    /// use scirs2_autograd::{run, tensor_ops as T};
    /// run(|ctx| {
    ///     let tracker = T::CheckpointProfiler::of(ctx.env());
    ///     T::exp(ctx.ones([1000])).eval(ctx)?;
    ///     assert!(tracker.statistics().runs == 1 && tracker.peak_bytes() >= 8000);
    ///     Ok::<_, scirs2_autograd::Error>(())
    /// })?;
    /// # Ok::<_, scirs2_autograd::Error>(())
    /// ```
    pub fn of(env: &VariableEnvironment) -> CheckpointTracker {
        let made = CheckpointTracker { env: env.id(), tracker: Arc::default() };
        made.start_tracking();
        made
    }
}

/// The numbers of an environment's runs; see [`CheckpointProfiler::of`]. They are those of [`CheckpointProfiler`].
pub struct CheckpointTracker {
    env: u64,
    tracker: Arc<Tracker>,
}

impl CheckpointTracker {
    /// Begins to add up runs again after [`stop_tracking`](Self::stop_tracking).
    pub fn start_tracking(&self) {
        self.tracker.start(Some(self.env));
    }

    /// Ends it; what was added up stays. A run that is under way is not counted.
    pub fn stop_tracking(&self) {
        self.tracker.stop();
    }

    /// Sets all numbers to 0 and forgets all plans; tracking goes on if it was on.
    pub fn reset_statistics(&self) {
        self.tracker.reset();
    }

    /// The most that the peak of a run was below that of its plan without recomputation, in bytes.
    pub fn memory_saved(&self) -> usize {
        self.statistics().memory_saved
    }

    /// Values that were computed again, in all runs together.
    pub fn checkpoint_count(&self) -> usize {
        self.statistics().checkpoint_count
    }

    /// The highest peak that was measured in a run, in bytes: its arena and its outputs.
    pub fn peak_bytes(&self) -> usize {
        self.statistics().peak_bytes
    }

    /// The highest peak that a run would have had without recomputation, in bytes, as its plan says; of runs that compute
    /// nothing again their own.
    pub fn peak_bytes_without(&self) -> usize {
        self.statistics().peak_bytes_without
    }

    /// The arithmetic of what was computed again, in all runs together.
    pub fn recomputed_flops(&self) -> f64 {
        self.statistics().recomputed_flops
    }

    /// All numbers at one moment.
    pub fn statistics(&self) -> CheckpointStatistics {
        self.tracker.statistics()
    }

    /// Text about the runs; see [`CheckpointProfiler::report`].
    pub fn report(&self) -> String {
        self.tracker.report()
    }
}

impl Drop for CheckpointTracker {
    fn drop(&mut self) {
        self.stop_tracking();
    }
}
