//! Numbers that a run reads when it starts, such as hyperparameters: setting one changes no graph and no plan.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::process::Shared;

/// Held while settings are set, and while a run reads its own: it sees all that were set together, or none of them.
static TOGETHER: Shared<()> = Shared::new(());

/// A number that can be set between runs. Clones are the same setting.
#[derive(Clone)]
pub struct Setting(Arc<AtomicU64>);

impl Setting {
    /// A setting of its own.
    pub fn new(value: f64) -> Setting {
        Setting(Arc::new(AtomicU64::new(value.to_bits())))
    }

    /// The number.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    /// Sets several at one moment.
    pub fn set(values: &[(&Setting, f64)]) {
        TOGETHER.with(|()| values.iter().for_each(|(setting, value)| setting.0.store(value.to_bits(), Relaxed)));
    }

    /// Runs `f`, while no setting changes.
    pub fn reading<R>(f: impl FnOnce() -> R) -> R {
        TOGETHER.with(|()| f())
    }

    /// What tells it from all others that exist.
    pub(super) fn identity(&self) -> u64 {
        Arc::as_ptr(&self.0) as u64
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
