//! A rate that falls when a metric improves no more.

use super::{checked, size};
use crate::error::{Error, ErrorKind, Result};

/// How a [`Plateau`] judges; by default as PyTorch's `ReduceLROnPlateau`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlateauOptions {
    /// What the rate is multiplied by. 0.1 by default.
    pub factor: f64,
    /// How many observations in a row may be no better. 10 by default.
    pub patience: u64,
    /// By how much a metric must be better. 1e-4 by default.
    pub threshold: f64,
    /// Whether the threshold is a part of the best metric; by default it is.
    pub relative: bool,
    /// Whether larger metrics are better; by default smaller ones are.
    pub larger: bool,
    /// For how many observations after a fall none counts as bad. 0 by default.
    pub cooldown: u64,
    /// The least rate. 0 by default.
    pub least: f64,
    /// A fall by less than this is left out. 1e-8 by default.
    pub eps: f64,
}

impl Default for PlateauOptions {
    fn default() -> PlateauOptions {
        PlateauOptions { factor: 0.1, patience: 10, threshold: 1e-4, relative: true, larger: false, cooldown: 0, least: 0.0, eps: 1e-8 }
    }
}

/// A rate that is multiplied by a factor when more observations in a row than its patience are no better than the best one: PyTorch's
/// `ReduceLROnPlateau`. NaN is no better.
///
/// ```
/// use scirs2_autograd::optimizers::schedules::{Plateau, PlateauOptions};
/// let mut plateau = Plateau::new(0.1, PlateauOptions { factor: 0.5, patience: 1, ..Default::default() })?;
/// let rates: Vec<f64> = [3.0, 2.0, 2.0, 2.0, 1.0].iter().map(|loss| plateau.observe(*loss)).collect();
/// assert_eq!(rates, [0.1, 0.1, 0.1, 0.05, 0.05]);
/// # Ok::<(), scirs2_autograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plateau {
    options: PlateauOptions,
    alpha: f64,
    best: f64,
    bad: u64,
    cooling: u64,
}

impl Plateau {
    /// From the rate `alpha`.
    pub fn new(alpha: f64, options: PlateauOptions) -> Result<Plateau> {
        let name = "Plateau";
        let alpha = size(name, "alpha", alpha)?;
        let factor = options.factor;
        checked(name, "factor", factor, (0.0..1.0).contains(&factor), "a number >= 0 and < 1")?;
        size(name, "threshold", options.threshold)?;
        size(name, "least", options.least)?;
        size(name, "eps", options.eps)?;
        let best = if options.larger { f64::NEG_INFINITY } else { f64::INFINITY };
        Ok(Plateau { options, alpha, best, bad: 0, cooling: 0 })
    }

    /// The rate.
    pub fn value(&self) -> f64 {
        self.alpha
    }

    /// Takes the metric of an epoch, and returns the rate of the next one.
    pub fn observe(&mut self, metric: f64) -> f64 {
        let o = &self.options;
        if self.better(metric) {
            (self.best, self.bad) = (metric, 0);
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            (self.cooling, self.bad) = (self.cooling - 1, 0);
        }
        if self.bad > o.patience {
            let next = (self.alpha * o.factor).max(o.least);
            if self.alpha - next > o.eps {
                self.alpha = next;
            }
            (self.cooling, self.bad) = (o.cooldown, 0);
        }
        self.alpha
    }

    fn better(&self, metric: f64) -> bool {
        let PlateauOptions { threshold, relative, larger, .. } = self.options;
        match (larger, relative) {
            (false, true) => metric < self.best * (1.0 - threshold),
            (false, false) => metric < self.best - threshold,
            (true, true) => metric > self.best * (1.0 + threshold),
            (true, false) => metric > self.best + threshold,
        }
    }

    /// What it has come to: the rate, the best metric, and how many observations in a row were no better, and are still to be left out. A
    /// variable of an environment can keep it.
    pub fn state(&self) -> [f64; 4] {
        [self.alpha, self.best, self.bad as f64, self.cooling as f64]
    }

    /// Goes on from a [`state`](Plateau::state). Fails, and changes nothing, if it is none.
    pub fn restore(&mut self, state: &[f64]) -> Result<()> {
        let counts = |x: f64| x >= 0.0 && x.fract() == 0.0 && x.is_finite();
        match *state {
            [alpha, best, bad, cooling] if alpha >= 0.0 && alpha.is_finite() && !best.is_nan() && counts(bad) && counts(cooling) => {
                (self.alpha, self.best, self.bad, self.cooling) = (alpha, best, bad as u64, cooling as u64);
                Ok(())
            }
            _ => {
                let rule = "what `state` of a plateau has returned";
                Err(Error::new(ErrorKind::Value, "Plateau", "this is no state", format_args!("{state:?}"), rule))
            }
        }
    }
}
