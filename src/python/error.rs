//! Errors as Python exceptions.

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

/// What the system said of a file, as an `OSError` with its code, text and file. What is said of a file by this package, such as
/// that it is none, has the code of an invalid argument.
fn file_error(py: Python<'_>, e: &Error) -> PyResult<PyErr> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make =
        MAKE.get_or_try_init(py, || py.import("scirs2_autograd.exceptions")?.getattr("FileError")?.getattr("_of").map(Bound::unbind))?;
    let code = e.os_error().and_then(|said| said.raw_os_error());
    let said = e.os_error().map(|said| said.to_string()).unwrap_or_default();
    // Rust adds the code to the system's text.
    let said = code.and_then(|c| said.strip_suffix(&format!(" (os error {c})"))).unwrap_or(&said);
    let path = e.path().map(|p| p.as_os_str());
    Ok(PyErr::from_value(make.bind(py).call1((code.unwrap_or(libc::EINVAL), said, path, e.to_string()))?))
}

impl From<Error> for PyErr {
    fn from(e: Error) -> PyErr {
        Python::attach(|py| {
            // An exception that was raised by the user's own code, inside a run, is raised as it was.
            if let Some(own) = super::user::take_raised(py, &e) {
                return own;
            }
            let err = match e.kind() {
                ErrorKind::Io => file_error(py, &e).unwrap_or_else(|e| e),
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
