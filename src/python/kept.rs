//! A graph that is kept with its arguments left open, to be called with arrays: what `jit` calls.

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyList, PyTuple, PyType};
use smallvec::SmallVec;

use super::apply;
use super::context::{self, Context};
use super::convert;
use super::evaluator::{FedObjects, evaluate_held};
use super::guarded;
use super::policy::Wishes;
use super::tensor::Tensor;
use crate::api::feed::FeedKey;
use crate::dtype::DType;
use crate::graph::Value;
use crate::plan::difference::difference;
use crate::shape::Dims;

/// An argument: the placeholder that stands for it, and what it stands for.
struct Open {
    placeholder: Value,
    dtype: DType,
    dims: Dims,
    /// A number of Python's, which has no dtype of its own.
    number: bool,
}

/// How the results are handed out.
enum Form {
    One,
    Tuple,
    /// What a function makes of their list.
    Made(Py<PyAny>),
}

/// The graph of a function for arguments of certain dtypes and shapes.
#[pyclass(frozen, name = "_Kept", module = "scirs2_autograd._lib")]
pub struct Kept {
    ctx: Py<Context>,
    open: Vec<Open>,
    outputs: Vec<Value>,
    form: Form,
}

#[pymethods]
impl Kept {
    /// `placeholders` with whether each stands for a number of Python's; `form` makes the result of the list of values of `outputs`:
    /// None is their only one, `tuple` a tuple of them.
    #[new]
    fn new(
        ctx: &Bound<'_, Context>,
        placeholders: Vec<(Bound<'_, Tensor>, bool)>,
        outputs: &Bound<'_, PyAny>,
        form: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Kept> {
        guarded(|| {
            let open = |(t, number): (Bound<'_, Tensor>, bool)| {
                let handle = t.get().handle();
                let dims = handle.known_shape().ok_or_else(|| PyTypeError::new_err("jit: an argument of unknown shape"))?;
                Ok(Open { placeholder: t.get().value, dtype: handle.dtype(), dims, number })
            };
            let form = match form {
                None => Form::One,
                Some(f) if f.is(PyType::new::<PyTuple>(f.py())) => Form::Tuple,
                Some(f) => Form::Made(f.unbind()),
            };
            let outputs = apply::tensors(ctx.as_unbound(), outputs)?.iter().map(|t| t.value()).collect();
            let open = placeholders.into_iter().map(open).collect::<PyResult<_>>()?;
            Ok(Kept { ctx: ctx.clone().unbind(), open, outputs, form })
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.ctx)?;
        if let Form::Made(f) = &self.form { visit.call(f) } else { Ok(()) }
    }

    /// The result for these leaves, if they are what the graph was built for; else None. While another function is traced, None:
    /// its graph is the place of the call.
    fn call<'py>(&self, py: Python<'py>, leaves: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        guarded(|| {
            let Some(held) = self.fitting(leaves)? else { return Ok(None) };
            if context::tracing(py).is_some() {
                return Ok(None);
            }
            let mut values: SmallVec<[Bound<'py, PyAny>; 4]> = SmallVec::new();
            for v in evaluate_held(py, self.ctx.get(), &self.outputs, &[], &held, &Wishes::default())? {
                values.push(convert::without_axes(v)?);
            }
            Ok(Some(match &self.form {
                Form::One => values.pop().ok_or_else(|| PyTypeError::new_err("jit: the result is missing"))?,
                Form::Tuple => PyTuple::new(py, values)?.into_any(),
                Form::Made(f) => f.bind(py).call1((PyList::new(py, values)?,))?,
            }))
        })
    }
}

/// The first nodes in which two graphs differ, as text; None if they are the same.
#[pyfunction]
pub fn _difference(a: &Bound<'_, Kept>, b: &Bound<'_, Kept>) -> PyResult<Option<[String; 2]>> {
    guarded(|| {
        let (a, b) = (a.get(), b.get());
        Ok(difference((a.ctx.get().graph(), &a.outputs), (b.ctx.get().graph(), &b.outputs))?)
    })
}

impl Kept {
    /// The leaves as feeds, if each is what its placeholder stands for.
    fn fitting(&self, leaves: &Bound<'_, PyAny>) -> PyResult<Option<FedObjects>> {
        let mut held = FedObjects::default();
        if leaves.len()? != self.open.len() {
            return Ok(None);
        }
        for (o, x) in self.open.iter().zip(leaves.try_iter()?) {
            let x = x?;
            let float = x.is_exact_instance_of::<PyFloat>();
            if float != o.number || !(float || convert::is_array(&x)) {
                return Ok(None);
            }
            let (feed, owner) = convert::to_feed(&x)?;
            if !float && !feed.is_of(o.dtype, &o.dims) {
                return Ok(None);
            }
            held.feeder.feeds.push((self.ctx.get().tensor(o.placeholder).target(), feed));
            held.owners.extend(owner);
        }
        Ok(Some(held))
    }
}
