//! Where the time of a run goes.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::evaluator::{Evaluator, attended, handles};
use super::guarded;
use crate::api::binding::prepare_within;
use crate::api::profile;

/// The times of a plan's steps: `print` shows a table, those that took longest first, with the lines of the program that each
/// computes.
///
/// >>> with ag.Context() as ctx:
/// ...     x = ctx.placeholder("x", [8])
/// ...     times = ag.profile(ctx.evaluator().push(x * x).feed(x, np.ones(8)))
/// >>> times.steps[0]["bytes_read"], times.steps[0]["bytes_written"]
/// (64, 64)
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Profile(profile::Profile);

#[pymethods]
impl Profile {
    /// How many runs were timed.
    #[getter]
    fn runs(&self) -> usize {
        self.0.runs
    }
    /// Seconds that all runs took together, with what is not in a step.
    #[getter]
    fn total(&self) -> f64 {
        self.0.total.as_secs_f64()
    }
    /// Bytes of the arena and the outputs of a run.
    #[getter]
    fn peak_bytes(&self) -> usize {
        self.0.peak_bytes
    }
    /// The steps in the order in which they run, as dicts: `step`, `name`, `seconds` in all runs together, `bytes_read` and
    /// `bytes_written` in a run, and `lines` of the program.
    #[getter]
    fn steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| {
            let dict = |s: &profile::StepTime| {
                let d = PyDict::new(py);
                d.set_item("step", s.step)?;
                d.set_item("name", &s.name)?;
                d.set_item("seconds", s.time.as_secs_f64())?;
                d.set_item("bytes_read", s.bytes[0])?;
                d.set_item("bytes_written", s.bytes[1])?;
                d.set_item("lines", &s.lines)?;
                Ok::<_, PyErr>(d)
            };
            PyList::new(py, self.0.steps.iter().map(dict).collect::<PyResult<Vec<_>>>()?)
        })
    }
    fn __str__(&self) -> String {
        self.0.to_string()
    }
    fn __repr__(&self) -> String {
        format!("<Profile of {} steps over {} runs>", self.0.steps.len(), self.0.runs)
    }
}

/// Runs what an evaluator asks for, `runs` times, and says how long each step of its plan takes. Assignments are made each
/// time. The times are those of the steps alone; without a profile nothing is timed.
///
/// >>> with ag.Context() as ctx:
/// ...     x = ctx.placeholder("x", [64, 64])
/// ...     times = ag.profile(ctx.evaluator().push(T.sin(x @ x)).feed(x, np.ones((64, 64))), runs=3)
/// >>> [s["name"] for s in times.steps], times.runs
/// (['batch_matmul', 'tile'], 3)
#[pyfunction]
#[pyo3(signature = (evaluator, runs = 1))]
pub fn _profile(evaluator: &Bound<'_, Evaluator>, runs: usize) -> PyResult<Profile> {
    guarded(|| {
        let (py, this) = (evaluator.py(), evaluator.get());
        let asked = this.request(py);
        let ctx = this.ctx.get();
        let (outputs, writes) = (handles(ctx, &asked.outputs), handles(ctx, &this.writes));
        let (feeder, said) = (&asked.held.feeder, asked.wishes.said());
        Ok(Profile(attended(py, |proceed| prepare_within(ctx, &outputs, &writes, feeder, &said)?.profile(runs, Some(proceed)))??))
    })
}
