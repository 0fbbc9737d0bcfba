//! What checkpointing saves and what it costs, and what a plan holds in memory.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::context::Context;
use super::environment::VariableEnvironment;
use super::guarded;
use crate::api::checkpoint_profiler as api;
use crate::error::{Error, ErrorKind};
use crate::plan;

fn dict<'py>(py: Python<'py>, s: &api::CheckpointStatistics) -> PyResult<Bound<'py, PyDict>> {
    let d = PyDict::new(py);
    d.set_item("runs", s.runs)?;
    d.set_item("memory_saved", s.memory_saved)?;
    d.set_item("checkpoint_count", s.checkpoint_count)?;
    d.set_item("peak_bytes", s.peak_bytes)?;
    d.set_item("peak_bytes_without", s.peak_bytes_without)?;
    d.set_item("recomputed_flops", s.recomputed_flops)?;
    Ok(d)
}

/// What checkpointing saves and what it costs, measured over all runs of the process: its functions are called on the class.
/// `CheckpointProfiler.of` speaks of the runs of one environment or context.
///
/// While it tracks, every run that ends well is added up; one that fails is not. Runs are timed step by step then; while nothing
/// tracks, it costs nothing that can be measured. All numbers are 0 before the first run and after a reset.
///
/// >>> T.CheckpointProfiler.reset_statistics()
/// >>> T.CheckpointProfiler.start_tracking()
/// >>> with ag.Context() as ctx:
/// ...     y = T.exp(ctx.ones([1000])).eval()
/// >>> T.CheckpointProfiler.stop_tracking()
/// >>> T.CheckpointProfiler.peak_bytes() >= 8000, T.CheckpointProfiler.checkpoint_count()
/// (True, 0)
/// >>> T.CheckpointProfiler.reset_statistics()
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct CheckpointProfiler;

#[pymethods]
impl CheckpointProfiler {
    /// Begins to add up runs; nothing happens if it does so already. What was added up before stays.
    ///
    /// >>> T.CheckpointProfiler.start_tracking()
    /// >>> T.CheckpointProfiler.stop_tracking()
    #[staticmethod]
    fn start_tracking() {
        api::CheckpointProfiler::start_tracking();
    }
    /// Ends it; what was added up stays. A run that is under way is not counted.
    ///
    /// >>> T.CheckpointProfiler.stop_tracking()
    #[staticmethod]
    fn stop_tracking() {
        api::CheckpointProfiler::stop_tracking();
    }
    /// Sets all numbers to 0 and forgets all plans; tracking goes on if it was on.
    ///
    /// >>> T.CheckpointProfiler.reset_statistics()
    /// >>> T.CheckpointProfiler.peak_bytes()
    /// 0
    #[staticmethod]
    fn reset_statistics() {
        api::CheckpointProfiler::reset_statistics();
    }
    /// The most that the peak of a run was below that of its plan without recomputation, in bytes.
    ///
    /// >>> T.CheckpointProfiler.memory_saved() >= 0
    /// True
    #[staticmethod]
    fn memory_saved() -> usize {
        api::CheckpointProfiler::memory_saved()
    }
    /// Values that were computed again, in all runs together.
    ///
    /// >>> T.CheckpointProfiler.checkpoint_count() >= 0
    /// True
    #[staticmethod]
    fn checkpoint_count() -> usize {
        api::CheckpointProfiler::checkpoint_count()
    }
    /// The highest peak that was measured in a run, in bytes: its arena and its outputs, without feeds, variables and constants.
    ///
    /// >>> T.CheckpointProfiler.peak_bytes() >= 0
    /// True
    #[staticmethod]
    fn peak_bytes() -> usize {
        api::CheckpointProfiler::peak_bytes()
    }
    /// The highest peak that a run would have had without recomputation, in bytes, as its plan says; of runs that compute nothing
    /// again their own.
    ///
    /// >>> T.CheckpointProfiler.peak_bytes_without() >= 0
    /// True
    #[staticmethod]
    fn peak_bytes_without() -> usize {
        api::CheckpointProfiler::peak_bytes_without()
    }
    /// The arithmetic of what was computed again, in all runs together: floating-point operations of products, elements of
    /// everything else.
    ///
    /// >>> T.CheckpointProfiler.recomputed_flops() >= 0.0
    /// True
    #[staticmethod]
    fn recomputed_flops() -> f64 {
        api::CheckpointProfiler::recomputed_flops()
    }
    /// All numbers at one moment, by their names, with `runs`, how many were added up.
    ///
    /// >>> sorted(T.CheckpointProfiler.statistics())[:2]
    /// ['checkpoint_count', 'memory_saved']
    #[staticmethod]
    fn statistics(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        guarded(|| dict(py, &api::CheckpointProfiler::statistics()))
    }
    /// Text: the numbers, and for each plan that ran what is kept and why, what is computed again, by the lines of the program; the
    /// planned peak beside the measured one, and the time of the steps that compute again. It speaks of the first 64 plans; runs
    /// of others are counted.
    ///
    /// >>> T.CheckpointProfiler.reset_statistics()
    /// >>> print(T.CheckpointProfiler.report().split(chr(10))[0])
    /// checkpointing: 0 runs of 0 plans
    #[staticmethod]
    fn report(py: Python<'_>) -> PyResult<String> {
        guarded(|| Ok(py.detach(api::CheckpointProfiler::report)))
    }
    /// Tracks the runs of an environment, or of a context whose environment is its own, from now on until the tracker is
    /// collected or its `with` block ends. Other environments and other threads do not change its numbers.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> with T.CheckpointProfiler.of(env) as tracker, ag.Context(env) as ctx:
    /// ...     y = T.exp(ctx.ones([1000])).eval()
    /// >>> tracker.statistics()["runs"], tracker.peak_bytes() >= 8000
    /// (1, True)
    #[staticmethod]
    fn of(environment: &Bound<'_, PyAny>) -> PyResult<CheckpointTracker> {
        guarded(|| {
            if let Ok(env) = environment.cast::<VariableEnvironment>() {
                return Ok(CheckpointTracker(api::CheckpointProfiler::of(&env.get().0)));
            }
            if let Ok(ctx) = environment.cast::<Context>() {
                return Ok(CheckpointTracker(api::CheckpointProfiler::of(ctx.get().env())));
            }
            let (got, rule) = (environment.get_type().name()?, "a VariableEnvironment or a Context");
            Err(Error::new(ErrorKind::DType, "CheckpointProfiler.of", "not an environment", got, rule).into())
        })
    }
}

/// The numbers of the runs of an environment: `CheckpointProfiler.of` makes it.
///
/// >>> with ag.Context() as ctx:
/// ...     tracker = T.CheckpointProfiler.of(ctx)
/// ...     y = T.exp(ctx.ones([1000])).eval()
/// ...     print(tracker.peak_bytes() >= 8000)
/// True
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct CheckpointTracker(api::CheckpointTracker);

#[pymethods]
impl CheckpointTracker {
    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf.get().0.start_tracking();
        slf
    }
    #[pyo3(signature = (*_args))]
    fn __exit__(&self, _args: &Bound<'_, PyTuple>) {
        self.0.stop_tracking();
    }
    /// Begins to add up runs again after `stop_tracking`.
    ///
    /// >>> T.CheckpointProfiler.of(ag.VariableEnvironment()).start_tracking()
    fn start_tracking(&self) {
        self.0.start_tracking();
    }
    /// Ends it; what was added up stays. A run that is under way is not counted.
    ///
    /// >>> T.CheckpointProfiler.of(ag.VariableEnvironment()).stop_tracking()
    fn stop_tracking(&self) {
        self.0.stop_tracking();
    }
    /// Sets all numbers to 0 and forgets all plans; tracking goes on if it was on.
    ///
    /// >>> T.CheckpointProfiler.of(ag.VariableEnvironment()).reset_statistics()
    fn reset_statistics(&self) {
        self.0.reset_statistics();
    }
    /// The most that the peak of a run was below that of its plan without recomputation, in bytes.
    ///
    /// >>> T.CheckpointProfiler.of(ag.VariableEnvironment()).memory_saved()
    /// 0
    fn memory_saved(&self) -> usize {
        self.0.memory_saved()
    }
    /// Values that were computed again, in all runs together.
    ///
    /// >>> T.CheckpointProfiler.of(ag.VariableEnvironment()).checkpoint_count()
    /// 0
    fn checkpoint_count(&self) -> usize {
        self.0.checkpoint_count()
    }
    /// The highest peak that was measured in a run, in bytes: its arena and its outputs, without feeds, variables and constants.
    ///
    /// >>> T.CheckpointProfiler.of(ag.VariableEnvironment()).peak_bytes()
    /// 0
    fn peak_bytes(&self) -> usize {
        self.0.peak_bytes()
    }
    /// The highest peak that a run would have had without recomputation, in bytes, as its plan says; of runs that compute nothing
    /// again their own.
    ///
    /// >>> T.CheckpointProfiler.of(ag.VariableEnvironment()).peak_bytes_without()
    /// 0
    fn peak_bytes_without(&self) -> usize {
        self.0.peak_bytes_without()
    }
    /// The arithmetic of what was computed again, in all runs together: floating-point operations of products, elements of
    /// everything else.
    ///
    /// >>> T.CheckpointProfiler.of(ag.VariableEnvironment()).recomputed_flops()
    /// 0.0
    fn recomputed_flops(&self) -> f64 {
        self.0.recomputed_flops()
    }
    /// All numbers at one moment, by their names, with `runs`, how many were added up.
    ///
    /// >>> T.CheckpointProfiler.of(ag.VariableEnvironment()).statistics()["runs"]
    /// 0
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(|| dict(py, &self.0.statistics()))
    }
    /// Text about the runs; see `CheckpointProfiler.report`.
    ///
    /// >>> print(T.CheckpointProfiler.of(ag.VariableEnvironment()).report().split(chr(10))[0])
    /// checkpointing: 0 runs of 0 plans
    fn report(&self, py: Python<'_>) -> PyResult<String> {
        guarded(|| Ok(py.detach(|| self.0.report())))
    }
    fn __repr__(&self) -> String {
        let s = self.0.statistics();
        format!("<CheckpointTracker of {} runs, peak {} bytes, {} saved>", s.runs, s.peak_bytes, s.memory_saved)
    }
}

/// What a run holds in memory while a step of its plan runs: an entry of `plan.memory_timeline()`. Feeds, variables and constants
/// are not counted.
///
/// >>> with ag.Context() as ctx:
/// ...     x = ctx.placeholder("x", [1000])
/// ...     plan = ctx.evaluator().push(T.exp(x)).feed(x, np.zeros(1000)).plan()
/// >>> [(s.step, s.name, s.output_bytes, s.recomputed_bytes) for s in plan.memory_timeline()]
/// [(0, 'tile', 8000, 0)]
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct MemoryStep(plan::MemoryStep);

#[pymethods]
impl MemoryStep {
    /// Its place in the plan, from 0.
    #[getter]
    fn step(&self) -> usize {
        self.0.step
    }
    /// What it does: `tile`, several elementwise operations and reductions in one, or the name of an operation.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name
    }
    /// Bytes of the arena that hold values or scratch memory.
    #[getter]
    fn live_bytes(&self) -> usize {
        self.0.live_bytes
    }
    /// Bytes of the outputs, which are held from the beginning of the run.
    #[getter]
    fn output_bytes(&self) -> usize {
        self.0.output_bytes
    }
    /// Bytes of `live_bytes` that hold values which were computed again.
    #[getter]
    fn recomputed_bytes(&self) -> usize {
        self.0.recomputed_bytes
    }
    /// Bytes that are held: `live_bytes + output_bytes`.
    #[getter]
    fn bytes(&self) -> usize {
        self.0.bytes()
    }
    /// Whether it computes a value again.
    #[getter]
    fn recomputes(&self) -> bool {
        self.0.recomputes
    }
    /// The part of the plan that it is in: 0 up to the first value that is computed again, and then one more each time.
    #[getter]
    fn segment(&self) -> u32 {
        self.0.segment
    }
    /// The lines of the program that it computes, each once.
    #[getter]
    fn lines(&self) -> Vec<String> {
        self.0.lines.clone()
    }
    fn __repr__(&self) -> String {
        let s = &self.0;
        format!("<MemoryStep {}: {}, {} bytes live, {} of outputs>", s.step, s.name, s.live_bytes, s.output_bytes)
    }
}

/// The timeline of a plan, for its class.
pub fn timeline(plan: &plan::TracedPlan) -> Vec<MemoryStep> {
    plan.memory_timeline().into_iter().map(MemoryStep).collect()
}
