//! The normal law between bounds.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Exp1, StandardNormal};

/// The normal law, of which only numbers between two bounds count. Draws are rejected by what is close to the law where the bounds
/// are (Robert 1995), so that at least one of three counts however far out they are.
#[derive(Clone, Copy, Debug)]
pub struct Truncated {
    mean: f64,
    stddev: f64,
    low: f64,
    high: f64,
}

impl Truncated {
    /// None where there is no such law.
    pub fn new(mean: f64, stddev: f64, low: f64, high: f64) -> Option<Truncated> {
        let law = mean.is_finite() && stddev.is_finite() && stddev >= 0.0 && low <= high && low < f64::INFINITY && high > f64::NEG_INFINITY;
        // A law of one number, which may be outside.
        let within = stddev > 0.0 || low <= mean && mean <= high;
        (law && within).then_some(Truncated { mean, stddev, low, high })
    }

    pub fn sample(&self, rng: &mut Xoshiro256PlusPlus) -> f64 {
        let Truncated { mean, stddev, low, high } = *self;
        if low == high {
            return low;
        }
        if stddev == 0.0 {
            return mean;
        }
        let (a, b) = ((low - mean) / stddev, (high - mean) / stddev);
        // So far out that nothing but a bound is left.
        if a == f64::INFINITY {
            return low;
        }
        if b == f64::NEG_INFINITY {
            return high;
        }
        // From the bound that is nearer: far out nothing is left of a number beside the mean.
        let x = if b < 0.0 {
            high - stddev * (beyond(rng, -b, -a) + b)
        } else if a > 0.0 {
            low + stddev * (beyond(rng, a, b) - a)
        } else {
            mean + stddev * beyond(rng, a, b)
        };
        // Rounding may have left the bounds.
        x.clamp(low, high)
    }
}

/// A standard normal number between `a` and `b`, of which `b` is not negative.
fn beyond(rng: &mut Xoshiro256PlusPlus, a: f64, b: f64) -> f64 {
    let unit = |rng: &mut Xoshiro256PlusPlus| -> f64 { rng.random() };
    // The rate of the exponential law that is closest to the tail from `a` on, and how wide bounds must be for it to be better than the uniform law.
    let root = a.hypot(2.0);
    let rate = a / 2.0 + root / 2.0;
    let wide = if a <= 0.0 { std::f64::consts::TAU.sqrt() } else { (0.5 + a * (a - root) / 4.0).exp() / rate };
    if b - a <= wide {
        // Where the density is highest.
        let top = a.max(0.0);
        loop {
            let x = a + (b - a) * unit(rng);
            // The sum of two numbers may be infinite, and their difference 0.
            if unit(rng) <= ((top - x) * (top / 2.0 + x / 2.0)).exp() {
                return x;
            }
        }
    }
    loop {
        let (x, keep) = if a <= 0.0 {
            (StandardNormal.sample(rng), 1.0)
        } else {
            let step: f64 = Exp1.sample(rng);
            let x = a + step / rate;
            (x, (-(x - rate) * (x - rate) / 2.0).exp())
        };
        if a <= x && x <= b && (keep >= 1.0 || unit(rng) <= keep) {
            return x;
        }
    }
}
