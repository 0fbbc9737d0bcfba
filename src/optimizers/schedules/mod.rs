//! Schedules: the rate of each step, counted from 0.
//!
//! A schedule is a function of the step and keeps nothing, so that training that is loaded goes on with the step that it has come to. A
//! rate that is set makes no plan. [`Plateau`] is the exception: it follows a metric.
//!
//! ```
//! use scirs2_autograd::optimizers::{adam::Adam, schedules::{Cosine, Schedule, WarmUp}};
//! use scirs2_autograd::{tensor_ops as T, Feeder, VariableEnvironment};
//!
//! let env = VariableEnvironment::new();
//! env.name("w").set(ndarray::arr0(1.0));
//! let mut adam = Adam::default("adam", env.default_namespace().current_var_ids(), &env);
//! let schedule = WarmUp::new(Cosine::new(0.01, 90, 0.0)?, 10, 0.1)?;
//! env.run(|ctx| {
//!     let w = ctx.variable("w");
//!     let g = T::grad(&[w * w], &[w]);
//!     for step in 0..100 {
//!         adam.set_alpha(schedule.value(step))?;
//!         adam.update(&[w], &g, ctx, Feeder::new())?;
//!     }
//!     Ok::<(), scirs2_autograd::Error>(())
//! })?;
//! assert!(adam.alpha() < 1e-5);
//! # Ok::<(), scirs2_autograd::Error>(())
//! ```

mod one_cycle;
mod plateau;

pub use one_cycle::OneCycle;
pub use plateau::{Plateau, PlateauOptions};

use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

/// A rate for each step.
pub trait Schedule: fmt::Debug + Send + Sync {
    /// The rate of a step; the first one is step 0.
    fn value(&self, step: u64) -> f64;
}

impl<S: Schedule + ?Sized> Schedule for Arc<S> {
    fn value(&self, step: u64) -> f64 {
        (**self).value(step)
    }
}

/// A parameter that must hold, else an error of the constructor.
fn checked<X: fmt::Debug>(schedule: &str, name: &str, x: X, holds: bool, rule: &str) -> Result<X> {
    if holds {
        return Ok(x);
    }
    Err(Error::new(ErrorKind::Value, schedule, "a parameter is out of range", format_args!("{name}={x:?}"), rule))
}

/// A rate, or a factor of one.
fn size(schedule: &str, name: &str, x: f64) -> Result<f64> {
    checked(schedule, name, x, x >= 0.0 && x.is_finite(), "a finite number >= 0")
}

/// A count of steps.
fn count(schedule: &str, name: &str, n: u64) -> Result<u64> {
    checked(schedule, name, n, n > 0, "an integer >= 1")
}

/// The same rate in all steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    alpha: f64,
}

impl Constant {
    /// The rate `alpha`.
    pub fn new(alpha: f64) -> Result<Constant> {
        Ok(Constant { alpha: size("Constant", "alpha", alpha)? })
    }
}

impl Schedule for Constant {
    fn value(&self, _: u64) -> f64 {
        self.alpha
    }
}

/// `alpha * factor^floor(step / every)`: PyTorch's `StepLR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    alpha: f64,
    every: u64,
    factor: f64,
}

impl Step {
    /// From the rate `alpha`, times `factor` after each `every` steps.
    pub fn new(alpha: f64, every: u64, factor: f64) -> Result<Step> {
        let alpha = size("Step", "alpha", alpha)?;
        Ok(Step { alpha, every: count("Step", "every", every)?, factor: size("Step", "factor", factor)? })
    }
}

impl Schedule for Step {
    fn value(&self, step: u64) -> f64 {
        self.alpha * self.factor.powf((step / self.every) as f64)
    }
}

/// `alpha * factor^step`: PyTorch's `ExponentialLR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    alpha: f64,
    factor: f64,
}

impl Exponential {
    /// From the rate `alpha`, times `factor` after each step.
    pub fn new(alpha: f64, factor: f64) -> Result<Exponential> {
        Ok(Exponential { alpha: size("Exponential", "alpha", alpha)?, factor: size("Exponential", "factor", factor)? })
    }
}

impl Schedule for Exponential {
    fn value(&self, step: u64) -> f64 {
        self.alpha * self.factor.powf(step as f64)
    }
}

/// `least + (alpha - least) * (1 + cos(pi * step / steps)) / 2` (Loshchilov, Hutter 2017): PyTorch's `CosineAnnealingLR`. After `steps` steps the
/// rate is `least`, and rises again from there as it has fallen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cosine {
    alpha: f64,
    steps: u64,
    least: f64,
}

impl Cosine {
    /// From the rate `alpha` to `least` in `steps` steps.
    pub fn new(alpha: f64, steps: u64, least: f64) -> Result<Cosine> {
        let (alpha, steps) = (size("Cosine", "alpha", alpha)?, count("Cosine", "steps", steps)?);
        Ok(Cosine { alpha, steps, least: size("Cosine", "least", least)? })
    }
}

impl Schedule for Cosine {
    fn value(&self, step: u64) -> f64 {
        // The period is taken off as an integer, which rounds nothing.
        let part = (u128::from(step) % (2 * u128::from(self.steps))) as f64 / self.steps as f64;
        between(self.alpha, self.least, part)
    }
}

/// Half a period of the cosine, from `first` for 0 to `last` for 1.
fn between(first: f64, last: f64, part: f64) -> f64 {
    last + (first - last) * (1.0 + (PI * part).cos()) / 2.0
}

/// `alpha * (start + (end - start) * min(step, steps) / steps)`: PyTorch's `LinearLR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    alpha: f64,
    steps: u64,
    start: f64,
    end: f64,
}

impl Linear {
    /// From the rate `alpha * start` to `alpha * end` in `steps` steps, and then this.
    pub fn new(alpha: f64, steps: u64, start: f64, end: f64) -> Result<Linear> {
        let (alpha, steps) = (size("Linear", "alpha", alpha)?, count("Linear", "steps", steps)?);
        Ok(Linear { alpha, steps, start: size("Linear", "start", start)?, end: size("Linear", "end", end)? })
    }
}

impl Schedule for Linear {
    fn value(&self, step: u64) -> f64 {
        self.alpha * (self.start + (self.end - self.start) * step.min(self.steps) as f64 / self.steps as f64)
    }
}

/// Another schedule after `steps` steps in which the rate rises linearly to its first one, from `start` of that: PyTorch's `SequentialLR` of a
/// `LinearLR` and that schedule.
#[derive(Clone, Debug)]
pub struct WarmUp {
    then: Arc<dyn Schedule>,
    rise: Linear,
}

impl WarmUp {
    /// `then` after `steps` steps of warming up, the first of which has the rate `then.value(0) * start`.
    pub fn new(then: impl Schedule + 'static, steps: u64, start: f64) -> Result<WarmUp> {
        let (steps, start) = (count("WarmUp", "steps", steps)?, size("WarmUp", "start", start)?);
        Ok(WarmUp { rise: Linear { alpha: then.value(0), steps, start, end: 1.0 }, then: Arc::new(then) })
    }
}

impl Schedule for WarmUp {
    fn value(&self, step: u64) -> f64 {
        match step.checked_sub(self.rise.steps) {
            Some(later) => self.then.value(later),
            None => self.rise.value(step),
        }
    }
}
