//! What this build and this machine compute with.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::guarded;
use crate::api::config::config;

/// The version, what factors matrices, the instruction set of the kernels, and how many threads a run may use.
#[pyfunction]
pub fn _config(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    guarded(|| {
        let (c, dict) = (config(), PyDict::new(py));
        dict.set_item("version", c.version)?;
        dict.set_item("linear algebra", c.linear_algebra)?;
        dict.set_item("instructions", c.instructions)?;
        dict.set_item("threads", c.threads)?;
        Ok(dict)
    })
}
