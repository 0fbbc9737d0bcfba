//! Errors as Python exceptions.

use std::io;

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyRecursionError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::error::{Error, ErrorKind, Site};

/// The class of an error in `scirs2_autograd.exceptions`.
fn class(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyType>> {
    static CLASSES: [(ErrorKind, &str, PyOnceLock<Py<PyType>>); 9] = [
        (ErrorKind::Shape, "ShapeError", PyOnceLock::new()),
        (ErrorKind::DType, "DTypeError", PyOnceLock::new()),
        (ErrorKind::Feed, "FeedError", PyOnceLock::new()),
        (ErrorKind::Variable, "VariableError", PyOnceLock::new()),
        (ErrorKind::Graph, "GraphError", PyOnceLock::new()),
        (ErrorKind::User, "GraphError", PyOnceLock::new()),
        (ErrorKind::Format, "FormatError", PyOnceLock::new()),
        (ErrorKind::NotDifferentiable, "NotDifferentiableError", PyOnceLock::new()),
        (ErrorKind::LinAlg, "LinAlgError", PyOnceLock::new()),
    ];
    match CLASSES.iter().find(|(k, ..)| *k == kind) {
        Some((_, name, cell)) => Ok(cell.import(py, "scirs2_autograd.exceptions", name)?.clone()),
        None => Ok(match kind {
            ErrorKind::Interrupted => py.get_type::<PyKeyboardInterrupt>(),
            ErrorKind::Memory => py.get_type::<PyMemoryError>(),
            ErrorKind::Recursion => py.get_type::<PyRecursionError>(),
            _ => py.get_type::<PyValueError>(),
        }),
    }
}

impl From<Error> for PyErr {
    fn from(e: Error) -> PyErr {
        Python::attach(|py| {
            // An exception that was raised by the user's own code, inside a run, is raised as it was.
            if let Some(own) = super::user::take_raised(py, &e) {
                return own;
            }
            let err = match e.kind() {
                // PyO3 knows which subclass of OSError stands for which kind.
                ErrorKind::Io => io::Error::new(e.io_kind().unwrap_or(io::ErrorKind::Other), e.to_string()).into(),
                kind => class(py, kind).map_or_else(|e| e, |t| PyErr::from_type(t, e.to_string())),
            };
            let sites: Vec<String> = e.sites().iter().filter(|s| matches!(s, Site::Foreign(..))).map(|s| s.to_string()).collect();
            if !sites.is_empty() {
                let note = format!("the tensor was built at {}", sites.join(", and at "));
                if err.value(py).call_method1("add_note", (note,)).is_err() {
                    return err;
                }
            }
            err
        })
    }
}
