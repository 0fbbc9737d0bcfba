//! The interpreter's lock: other Python threads run while the engine works, unless it is done before they could.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pyo3::prelude::*;

pub use crate::api::bundle::SHORT_BYTES;

/// Nodes of a graph from which on planning and differentiating it count as long.
pub const LONG_GRAPH: usize = 10_000;

static RELEASES: AtomicU64 = AtomicU64::new(0);

/// Runs `f` without the lock.
pub fn released<T: Send>(py: Python<'_>, f: impl FnOnce() -> T + Send) -> T {
    RELEASES.fetch_add(1, Relaxed);
    py.detach(f)
}

/// Runs `f`, which reads or writes so many bytes, without the lock if it is long.
pub fn released_for<T: Send>(py: Python<'_>, bytes: usize, f: impl FnOnce() -> T + Send) -> T {
    if bytes > SHORT_BYTES { released(py, f) } else { f() }
}

/// How often this process has given up the lock to compute or to copy.
#[pyfunction]
pub fn _releases() -> u64 {
    RELEASES.load(Relaxed)
}
