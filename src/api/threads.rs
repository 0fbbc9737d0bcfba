//! How many threads a run may use.

use crate::error::Result;
use crate::exec::threads;

/// How many threads a run may use, the calling one included: what [`set_num_threads`] has set, else what
/// `SCIRS2_AUTOGRAD_THREADS` says in the environment, else one for each core that this process may use.
///
/// ```
/// assert!(scirs2_autograd::num_threads() >= 1);
/// ```
pub fn num_threads() -> usize {
    threads::threads()
}

/// Sets how many threads a run may use, the calling one included; 1 keeps all work on it. The others are shared by all runs of
/// the process: a run that finds them at work does without. Results do not depend on it.
///
/// ```
/// use scirs2_autograd::{num_threads, set_num_threads};
/// set_num_threads(2).unwrap();
/// assert_eq!(num_threads(), 2);
/// assert!(set_num_threads(0).is_err());
/// ```
pub fn set_num_threads(n: usize) -> Result<()> {
    threads::set_threads(n)
}
