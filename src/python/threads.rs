//! How many threads a run may use.

use pyo3::prelude::*;

use super::guarded;
use crate::api::threads;

/// How many threads a run may use, the calling one included: what `set_num_threads` has set, else what `SCIRS2_AUTOGRAD_THREADS`
/// says in the environment, else one for each core that this process may use.
///
/// >>> ag.get_num_threads() >= 1
/// True
#[pyfunction]
pub fn _get_num_threads() -> usize {
    threads::num_threads()
}

/// Sets how many threads a run may use, the calling one included; 1 keeps all work on it. The others are shared by all runs of
/// the process: a run that finds them at work does without. Results do not depend on it.
///
/// >>> before = ag.get_num_threads()
/// >>> ag.set_num_threads(1)
/// >>> ag.get_num_threads()
/// 1
/// >>> ag.set_num_threads(before)
#[pyfunction]
pub fn _set_num_threads(n: usize) -> PyResult<()> {
    guarded(|| Ok(threads::set_num_threads(n)?))
}
