//! The time that each step of a run takes.

use std::time::Duration;

use parking_lot::Mutex;

/// Times by step. A run is given one only if somebody asks for them.
#[derive(Default)]
pub struct Timer(Mutex<Vec<Duration>>);

impl Timer {
    /// Adds the time of a step.
    pub(super) fn add(&self, step: usize, time: Duration) {
        let mut times = self.0.lock();
        if times.len() <= step {
            times.resize(step + 1, Duration::ZERO);
        }
        times[step] += time;
    }

    /// The times of the steps so far.
    pub fn times(&self) -> Vec<Duration> {
        self.0.lock().clone()
    }
}
