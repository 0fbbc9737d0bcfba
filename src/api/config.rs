//! What this build and this machine compute with.

use std::fmt;

use super::threads::num_threads;
use crate::kernels::{isa, linalg};

/// What this build and this machine compute with; see [`config`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The version of the crate.
    pub version: &'static str,
    /// What factors matrices.
    pub linear_algebra: &'static str,
    /// The instruction set of the kernels: `base`, `avx2` or `avx512`.
    pub instructions: &'static str,
    /// How many threads a run may use.
    pub threads: usize,
}

/// What this build and this machine compute with.
///
/// ```
/// let config = scirs2_autograd::config();
/// assert_eq!(config.version, env!("CARGO_PKG_VERSION"));
/// assert!(config.to_string().contains("linear algebra"));
/// ```
pub fn config() -> Config {
    Config {
        version: env!("CARGO_PKG_VERSION"),
        linear_algebra: linalg::back_end(),
        instructions: isa::isa().name(),
        threads: num_threads(),
    }
}

/// A line for each, as a report of a fault should have them.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "scirs2_autograd {}", self.version)?;
        writeln!(f, "linear algebra  {}", self.linear_algebra)?;
        writeln!(f, "instructions    {}", self.instructions)?;
        write!(f, "threads         {}", self.threads)
    }
}
