//! What a tensor refuses, with what to write instead. It has no value while the graph is built, and it never changes.

use std::fmt::Display;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use super::convert;
use super::guarded;
use super::tensor::Tensor;
use crate::error::{Error, ErrorKind};

/// A value is needed of a tensor: a number, an array, a bool. `graph` is what to write in the graph, `eval` in place of it. Where the
/// graph is that of a function which is being differentiated, nothing can be evaluated before it has returned.
pub fn no_value(t: &Tensor, op: &str, value: &str, rule: &str, graph: &str, eval: &str) -> Error {
    let help = if t.ctx.get().is_of_function() {
        format!("write {graph}, `T.where` or `T.cond` where values decide: there are no values before the function has returned")
    } else {
        format!("in the graph write {graph}, `T.where` or `T.cond` where values decide; the value is {eval}")
    };
    let what = format_args!("a tensor has no {value} while the graph is built");
    Error::new(ErrorKind::Graph, op, what, t.__repr__(), rule).help(help)
}

/// `no_value` of an array.
pub fn no_array(t: &Tensor) -> Error {
    let rule = "an array, or a tensor that is evaluated first";
    let graph = "`t` as it is, which NumPy's functions take, `np.stack([t, u])` for an array of tensors";
    no_value(t, "array", "value", rule, graph, "`t.eval(feeds)`")
}

/// `no_value` of a number: a `TypeError`, as Python raises for what is none.
pub fn no_number<T>(t: &Tensor, op: &str, rule: &str, graph: &str, eval: &str) -> PyResult<T> {
    type_error(|| no_value(t, op, "value", rule, graph, eval))
}

/// A `TypeError` in the form of all messages.
fn type_error<T>(e: impl FnOnce() -> Error) -> PyResult<T> {
    guarded(|| Err(PyTypeError::new_err(e().to_string())))
}

/// A change of a tensor is refused.
pub fn no_change<T>(t: &Tensor, op: &str, help: &str) -> PyResult<T> {
    let rule = "an expression that makes another tensor";
    type_error(|| Error::new(ErrorKind::Graph, op, "a tensor never changes", t.__repr__(), rule).help(help))
}

/// What is bound to its process is neither copied nor pickled.
pub fn no_copy<T>(class: &str, got: impl Display, help: &str) -> PyResult<T> {
    let rule = "arrays, or a program that builds it";
    guarded(|| Err(Error::new(ErrorKind::DType, class, "it cannot be copied or pickled", got, rule).help(help).into()))
}

/// A tensor is not pickled: a copy is the tensor itself.
pub fn no_pickle<T>(t: &Tensor) -> PyResult<T> {
    let help = "pickle `t.eval(feeds)`, or build the tensor again where it is needed";
    let rule = "arrays, or a program that builds it";
    guarded(|| Err(Error::new(ErrorKind::DType, "Tensor", "it cannot be pickled", t.__repr__(), rule).help(help).into()))
}

/// A function of the module that refuses by name what NumPy and PyTorch have. It is imported when it is needed first.
pub fn refusal<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || Ok::<_, PyErr>(py.import("scirs2_autograd._refusals")?.into_any().unbind()))?;
    module.bind(py).getattr(name)
}

/// An operator that tensors do not have. What is no operand is left to the other side, which may know what to do.
pub fn no_operator<'py>(t: &Bound<'py, Tensor>, name: &str, other: &Bound<'py, PyAny>, reflected: bool) -> PyResult<Bound<'py, PyAny>> {
    guarded(|| {
        let py = t.py();
        let known = other.cast_exact::<Tensor>().is_ok() || !matches!(convert::scalar(other), Ok(None)) || convert::is_operand(other);
        if !known {
            return Ok(py.NotImplemented().into_bound(py));
        }
        let own = t.clone().into_any();
        let operands = if reflected { [other.clone(), own] } else { [own, other.clone()] };
        refusal(py, "no_operator")?.call1((name, PyTuple::new(py, operands)?))
    })
}

/// A failure of `t.eval()` inside of a function that is being differentiated: its placeholders are fed when it has returned.
pub fn not_fed(t: &Tensor, py: Python<'_>, e: PyErr) -> PyErr {
    if !t.ctx.get().is_of_function() || !e.get_type(py).name().is_ok_and(|n| n == "FeedError") {
        return e;
    }
    let own: PyErr = Error::new(
        ErrorKind::Feed,
        "eval",
        "an argument of the function that is differentiated has no value yet",
        t.__repr__(),
        "a tensor that does not depend on an argument",
    )
    .help("use `T.where` or `T.cond` where values decide, and evaluate what the function is called with outside of it")
    .into();
    own.set_cause(py, Some(e));
    own
}
