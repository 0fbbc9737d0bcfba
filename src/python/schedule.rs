//! Schedules: one class over those of the Rust face.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::prelude::*;

use super::guarded;
use crate::error::{Error, ErrorKind, Result};
use crate::optimizers::schedules::{Constant, Cosine, Exponential, Linear, OneCycle, Plateau, PlateauOptions, Schedule, Step, WarmUp};

/// A count that Python gives, which may be negative.
fn natural(schedule: &str, name: &str, n: i64, least: u8) -> Result<u64> {
    match u64::try_from(n) {
        Ok(n) if n >= u64::from(least) => Ok(n),
        _ => {
            let (got, rule) = (format_args!("{name}={n}"), format!("an integer >= {least}"));
            Err(Error::new(ErrorKind::Value, schedule, "a parameter is out of range", got, rule))
        }
    }
}

/// A schedule of any kind.
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct _Schedule(Arc<dyn Schedule>);

fn made(rule: Result<impl Schedule + 'static>) -> PyResult<_Schedule> {
    Ok(_Schedule(Arc::new(rule?)))
}

#[pymethods]
impl _Schedule {
    #[staticmethod]
    fn constant(alpha: f64) -> PyResult<_Schedule> {
        guarded(|| made(Constant::new(alpha)))
    }
    #[staticmethod]
    fn step(alpha: f64, every: i64, factor: f64) -> PyResult<_Schedule> {
        guarded(|| made(Step::new(alpha, natural("Step", "every", every, 1)?, factor)))
    }
    #[staticmethod]
    fn exponential(alpha: f64, factor: f64) -> PyResult<_Schedule> {
        guarded(|| made(Exponential::new(alpha, factor)))
    }
    #[staticmethod]
    fn cosine(alpha: f64, steps: i64, least: f64) -> PyResult<_Schedule> {
        guarded(|| made(Cosine::new(alpha, natural("Cosine", "steps", steps, 1)?, least)))
    }
    #[staticmethod]
    fn linear(alpha: f64, steps: i64, start: f64, end: f64) -> PyResult<_Schedule> {
        guarded(|| made(Linear::new(alpha, natural("Linear", "steps", steps, 1)?, start, end)))
    }
    #[staticmethod]
    fn warm_up(then: &Bound<'_, _Schedule>, steps: i64, start: f64) -> PyResult<_Schedule> {
        guarded(|| made(WarmUp::new(Arc::clone(&then.get().0), natural("WarmUp", "steps", steps, 1)?, start)))
    }
    #[staticmethod]
    fn one_cycle(alpha: f64, steps: i64, rise: f64, div_factor: f64, final_div_factor: f64) -> PyResult<_Schedule> {
        guarded(|| made(OneCycle::new(alpha, natural("OneCycle", "steps", steps, 1)?, rise, div_factor, final_div_factor)))
    }
    /// The rate of a step.
    fn value(&self, step: i64) -> PyResult<f64> {
        guarded(|| Ok(self.0.value(natural("value", "step", step, 0)?)))
    }
}

/// A rate that follows a metric.
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct _Plateau(Mutex<Plateau>);

#[pymethods]
impl _Plateau {
    #[new]
    #[allow(clippy::too_many_arguments, reason = "the options of a plateau")]
    fn new(
        alpha: f64,
        factor: f64,
        patience: i64,
        threshold: f64,
        relative: bool,
        larger: bool,
        cooldown: i64,
        least: f64,
        eps: f64,
    ) -> PyResult<_Plateau> {
        guarded(|| {
            let patience = natural("Plateau", "patience", patience, 0)?;
            let cooldown = natural("Plateau", "cooldown", cooldown, 0)?;
            let options = PlateauOptions { factor, patience, threshold, relative, larger, cooldown, least, eps };
            Ok(_Plateau(Mutex::new(Plateau::new(alpha, options)?)))
        })
    }
    fn value(&self) -> PyResult<f64> {
        guarded(|| Ok(self.0.lock().value()))
    }
    fn observe(&self, metric: f64) -> PyResult<f64> {
        guarded(|| Ok(self.0.lock().observe(metric)))
    }
    fn state(&self) -> PyResult<[f64; 4]> {
        guarded(|| Ok(self.0.lock().state()))
    }
    fn restore(&self, state: Vec<f64>) -> PyResult<()> {
        guarded(|| Ok(self.0.lock().restore(&state)?))
    }
}
