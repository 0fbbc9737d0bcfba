//! One rise and one fall.

use super::{Schedule, between, checked, count, size};
use crate::error::Result;

/// A rise from `alpha / div_factor` to `alpha` and a fall to `alpha / div_factor / final_div_factor`, both half a period of the cosine (Smith,
/// Topin 2017): PyTorch's `OneCycleLR` with its two phases. The last of `steps` steps has the least rate, and so have all after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    alpha: f64,
    steps: u64,
    rise: f64,
    first: f64,
    last: f64,
}

impl OneCycle {
    /// With the highest rate `alpha` after the part `rise` of `steps` steps. PyTorch's defaults are 0.3, 25 and 1e4.
    pub fn new(alpha: f64, steps: u64, rise: f64, div_factor: f64, final_div_factor: f64) -> Result<OneCycle> {
        let name = "OneCycle";
        let positive = |of, x: f64| checked(name, of, x, x > 0.0 && x.is_finite(), "a finite number > 0");
        let (alpha, steps) = (size(name, "alpha", alpha)?, count(name, "steps", steps)?);
        let rise = checked(name, "rise", rise, (0.0..=1.0).contains(&rise), "a number from 0 to 1")?;
        let first = alpha / positive("div_factor", div_factor)?;
        Ok(OneCycle { alpha, steps, rise, first, last: first / positive("final_div_factor", final_div_factor)? })
    }
}

impl Schedule for OneCycle {
    fn value(&self, step: u64) -> f64 {
        let (step, end) = (step as f64, self.steps as f64 - 1.0);
        let top = self.rise * self.steps as f64 - 1.0;
        if step < top {
            between(self.first, self.alpha, step / top)
        } else if step >= end {
            self.last
        } else {
            between(self.alpha, self.last, (step - top) / (end - top))
        }
    }
}
