//! What NumPy hands over to a tensor among its operands. An operator with an array or a scalar of NumPy's on the left becomes
//! the tensor's own; other functions are looked up in the table that is made from the rows.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::apply::{Built, binary, power};
use super::tensor::Tensor;
use crate::graph::op::OpDef;
use crate::ops::operator_table;

/// A universal function that an operator of NumPy's calls.
struct Operator {
    ufunc: Py<PyAny>,
    /// The row.
    def: &'static OpDef,
    /// The row of a comparison with its sides exchanged, which Python asks the right side for.
    mirrored: Option<&'static OpDef>,
}

#[cold]
fn operators(py: Python<'_>) -> PyResult<Vec<Operator>> {
    let o = &operator_table::OPERATORS;
    let rows = [
        ("add", o.add, None),
        ("subtract", o.sub, None),
        ("multiply", o.mul, None),
        ("true_divide", o.div, None),
        ("floor_divide", o.floor_divide, None),
        ("remainder", o.remainder, None),
        ("divmod", o.divmod, None),
        ("power", o.pow, None),
        ("matmul", o.matmul, None),
        ("bitwise_and", o.and, None),
        ("bitwise_or", o.or, None),
        ("bitwise_xor", o.xor, None),
        ("equal", o.equal, Some(o.equal)),
        ("not_equal", o.not_equal, Some(o.not_equal)),
        ("less", o.less, Some(o.greater)),
        ("less_equal", o.less_equal, Some(o.greater_equal)),
        ("greater", o.greater, Some(o.less)),
        ("greater_equal", o.greater_equal, Some(o.less_equal)),
    ];
    let numpy = py.import("numpy")?;
    let row = |(name, def, mirrored)| Ok(Operator { ufunc: numpy.getattr(name)?.unbind(), def, mirrored });
    rows.into_iter().map(row).collect()
}

/// A call of a universal function with `t` among its inputs or outputs. The first two inputs are apart from the others, so that
/// an operator makes no tuple of them.
pub fn ufunc<'py>(
    t: &Bound<'py, Tensor>,
    ufunc: &Bound<'py, PyAny>,
    method: &Bound<'py, PyString>,
    inputs: (&Bound<'py, PyAny>, Option<&Bound<'py, PyAny>>, &Bound<'py, PyTuple>),
    options: Option<&Bound<'py, PyDict>>,
) -> Built<'py> {
    static TABLE: PyOnceLock<Vec<Operator>> = PyOnceLock::new();
    let py = t.py();
    let (first, second, rest) = inputs;
    let table = TABLE.get_or_try_init(py, || operators(py))?;
    let plain = rest.is_empty() && options.is_none_or(|o| o.is_empty());
    let found = table.iter().find(|o| plain && o.ufunc.is(ufunc)).filter(|_| method == "__call__");
    match (found, second) {
        (Some(o), Some(second)) if first.is(t) => {
            if std::ptr::eq(o.def, operator_table::OPERATORS.pow) {
                power(t, second)
            } else {
                binary(t, second, o.def, false)
            }
        }
        (Some(o), Some(_)) => o.mirrored.map_or_else(|| binary(t, first, o.def, true), |def| binary(t, first, def, false)),
        _ => {
            let inputs: Vec<_> = std::iter::once(first).chain(second).cloned().chain(rest.iter()).collect();
            calls(py, "call_ufunc")?.call1((ufunc, method, PyTuple::new(py, inputs)?, options))
        }
    }
}

/// A call of another function of NumPy's with `t` among its arguments.
pub fn function<'py>(
    t: &Bound<'py, Tensor>,
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
) -> Built<'py> {
    calls(t.py(), "call_function")?.call1((function, t, args, options))
}

/// A function of the module that knows what NumPy's functions are here. It is imported when it is needed first.
fn calls<'py>(py: Python<'py>, name: &str) -> Built<'py> {
    static MODULE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || Ok::<_, PyErr>(py.import("scirs2_autograd._numpy_calls")?.into_any().unbind()))?;
    module.bind(py).getattr(name)
}
