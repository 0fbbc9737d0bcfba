//! What stands in for a tensor where a function takes arrays of any class, as with `np.asanyarray`.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::tensor::Tensor;

/// The class, once the first has been made: until then nothing is one.
static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// What stands in for `t` in the function that calls its `__array__`. None where nothing may: if the function never says `asanyarray`,
/// it wants an array of numbers; so does one that asks for a dtype or a copy. A length that is not known is no length of an array.
pub fn of<'py>(
    t: &Bound<'py, Tensor>,
    args: &Bound<'py, PyTuple>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = t.py();
    let asked = args.iter().chain(options.into_iter().flat_map(|o| o.values().into_iter()));
    if asked.into_iter().any(|x| !x.is_none()) || t.get().handle().known_shape().is_none() || !caller_says_any(py)? {
        return Ok(None);
    }
    let module = py.import("scirs2_autograd._stand_in")?;
    CLASS.get_or_try_init(py, || Ok::<_, PyErr>(module.getattr("StandIn")?.cast_into::<PyType>()?.unbind()))?;
    module.getattr("stand_in")?.call1((t,)).map(Some)
}

/// Whether the Python function that runs has the name `asanyarray` in its code.
fn caller_says_any(py: Python<'_>) -> PyResult<bool> {
    // SAFETY: the frame is borrowed from the running thread; a new reference is taken at once.
    let frame: Option<Bound<'_, PyAny>> = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) };
    let Some(frame) = frame else { return Ok(false) };
    // SAFETY: a frame, whose code is a new reference.
    let code: Bound<'_, PyAny> = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyFrame_GetCode(frame.as_ptr().cast()).cast())? };
    code.getattr(pyo3::intern!(py, "co_names"))?.contains("asanyarray")
}

/// Refuses objects among which is what `np.asarray` leaves of a stand-in, with the error of its tensor.
pub fn none_in(array: &Bound<'_, PyAny>) -> PyResult<()> {
    if CLASS.get(array.py()).is_some() {
        array.py().import("scirs2_autograd._stand_in")?.getattr("none_in")?.call1((array,))?;
    }
    Ok(())
}

/// `x` as a tensor: itself, or what it stands in for.
pub fn tensor<'py>(x: &Bound<'py, PyAny>) -> Option<Bound<'py, Tensor>> {
    if let Ok(t) = x.cast_exact::<Tensor>() {
        return Some(t.clone());
    }
    let class = CLASS.get(x.py())?;
    if !x.get_type().is(class) {
        return None;
    }
    x.getattr(pyo3::intern!(x.py(), "_tensor")).ok()?.cast_into_exact().ok()
}
