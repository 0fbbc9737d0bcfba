//! The Python face: classes over the Rust face, and one way into the op table. No op is declared here.

mod apply;
mod at;
mod checkpoint;
mod checkpoint_profiler;
mod config;
mod context;
mod convert;
mod eager;
mod environment;
mod error;
mod evaluator;
mod kept;
mod lock;
mod memory;
mod namespace;
mod numpy_calls;
mod optimizer;
mod policy;
mod profile;
mod random;
mod refusal;
mod schedule;
mod site;
mod stand_in;
mod table;
mod tensor;
mod threads;
mod user;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
#[pyo3(name = "_lib")]
mod lib_module {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::apply::{_apply, _assign, _compute, _cond, _grad, _hvp, _jacobians, _random};
    #[pymodule_export]
    use super::at::{At, Place};
    #[pymodule_export]
    use super::checkpoint::_checkpointed;
    #[pymodule_export]
    use super::checkpoint_profiler::{CheckpointProfiler, CheckpointTracker, MemoryStep};
    #[pymodule_export]
    use super::config::_config;
    #[pymodule_export]
    use super::context::{_compilations, _innermost, _tracing, Context, current_context};
    #[pymodule_export]
    use super::eager::{_at_once, _operate};
    #[pymodule_export]
    use super::environment::{VariableEnvironment, VariableID};
    #[pymodule_export]
    use super::evaluator::{Evaluator, Feeder, Plan};
    #[pymodule_export]
    use super::kept::{_difference, Kept};
    #[pymodule_export]
    use super::lock::_releases;
    #[pymodule_export]
    use super::memory::{_memory_stats, _set_plan_cache_bytes, _trim};
    #[pymodule_export]
    use super::namespace::{Namespace, Slot};
    #[pymodule_export]
    use super::optimizer::_Optimizer;
    #[pymodule_export]
    use super::policy::{Candidate, Policy};
    #[pymodule_export]
    use super::profile::{_profile, Profile};
    #[pymodule_export]
    use super::random::ArrayRng;
    #[pymodule_export]
    use super::schedule::{_Plateau, _Schedule};
    #[pymodule_export]
    use super::site::_line_searches;
    #[pymodule_export]
    use super::table::{_closest, _row, Row, op_table};
    #[pymodule_export]
    use super::tensor::{Filled, Tensor};
    #[pymodule_export]
    use super::threads::{_get_num_threads, _set_num_threads};
    #[pymodule_export]
    use super::user::{_custom, _hook};

    #[pymodule_init]
    fn init(m: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::kernels::isa::forced()?;
        crate::exec::threads::forced()?;
        m.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

/// A panic of the engine as an exception that users' `except Exception` sees.
fn guarded<R>(f: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_or_else(|_| {
        Err(pyo3::exceptions::PyRuntimeError::new_err(
            "scirs2_autograd: the engine panicked. This is an error of scirs2_autograd, not of the program.",
        ))
    })
}
