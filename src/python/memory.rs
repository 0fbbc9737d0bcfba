//! What the process holds, and how it is given back.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::eager;
use super::guarded;
use crate::api::memory;

/// Forgets all plans and gives idle memory back to the system; returns the number of bytes. What is needed again is made again.
///
/// >>> ag.trim() >= 0
/// True
#[pyfunction]
pub fn _trim(py: Python<'_>) -> usize {
    eager::forget();
    py.detach(memory::trim)
}

/// What this package holds now: bytes of arrays and running evaluations (`array_bytes`), of memory that waits to be used
/// again (`idle_bytes`) and of plans (`plan_bytes`); how many `plans` those are, and how many bytes of them may be kept
/// (`plan_cache_bytes`).
///
/// >>> _ = ag.trim()
/// >>> with ag.Context() as ctx:
/// ...     y = T.sin(ctx.zeros([3])).eval()
/// ...     print(ag.memory_stats()["plans"])
/// 1
#[pyfunction]
pub fn _memory_stats(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    guarded(|| {
        let s = memory::memory_stats();
        let out = PyDict::new(py);
        out.set_item("array_bytes", s.array_bytes)?;
        out.set_item("idle_bytes", s.idle_bytes)?;
        out.set_item("plan_bytes", s.plan_bytes)?;
        out.set_item("plans", s.plans)?;
        out.set_item("plan_cache_bytes", s.plan_cache_bytes)?;
        Ok(out)
    })
}

/// Sets how many bytes of plans are kept, 256 MiB unless it is set; the least recently used go first. A plan that is larger
/// stays while its context is open and asks for no other such plan.
///
/// >>> ag.set_plan_cache_bytes(64 << 20)
/// >>> ag.memory_stats()["plan_cache_bytes"]
/// 67108864
/// >>> ag.set_plan_cache_bytes(256 << 20)
#[pyfunction]
pub fn _set_plan_cache_bytes(py: Python<'_>, bytes: usize) {
    py.detach(|| memory::set_plan_cache_bytes(bytes));
}
