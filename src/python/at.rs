//! Indices as Python writes them, and copies of a tensor with a part changed.

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyFloat, PyInt, PyList, PySlice, PyString, PyTuple};

use super::apply::{Built, arg, built};
use super::context::Context;
use super::convert;
use super::guarded;
use super::stand_in;
use super::tensor::Tensor;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind};
use crate::graph::attr::Slice;
use crate::ops::select_items::{Item, change_items};
use crate::ops::selection::Change;

/// Makes copies of a tensor with a part changed: `x.at[index]` names the part, as `x[index]` does.
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct At {
    tensor: Py<Tensor>,
}

impl At {
    /// That of a tensor.
    pub fn of<'py>(tensor: &Bound<'py, Tensor>) -> PyResult<Bound<'py, At>> {
        Bound::new(tensor.py(), At { tensor: tensor.clone().unbind() })
    }
}

#[pymethods]
impl At {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.tensor)
    }
    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Place>> {
        guarded(|| Bound::new(py, Place { tensor: self.tensor.clone_ref(py), index: index.clone().unbind() }))
    }
    fn __repr__(&self) -> String {
        format!("{}.at", self.tensor.get().__repr__())
    }
}

/// A part of a tensor, for copies in which it is changed: `x.at[index].set(values)`. The tensor itself never changes.
///
/// The index is all that `x[index]` takes: integers, slices, `...`, `None`, arrays of integers, also several, and arrays of bools.
/// Values broadcast to the part, and both become one dtype, as by an operator. Where arrays of integers name an element several
/// times, the values come to it one after the other, in C order. An index out of range is an error.
///
/// >>> with ag.Context():
/// ...     x = T.constant([1.0, 2.0, 3.0])
/// ...     print(x.at[[0, 2]].set([7.0, 8.0]).eval(), x.at[1:].add(10.0).eval(), x.eval())
/// [7. 2. 8.] [ 1. 12. 13.] [1. 2. 3.]
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Place {
    tensor: Py<Tensor>,
    index: Py<PyAny>,
}

impl Place {
    fn changed<'py>(&self, py: Python<'py>, change: Change, values: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| {
            let t = self.tensor.get();
            let items = items(&t.ctx, self.index.bind(py))?;
            let values = arg(&t.ctx, values)?;
            let made = super::site::at_caller(py, || change_items(t.handle(), &items, change, values))??;
            built(py, &t.ctx, made.value())
        })
    }
}

#[pymethods]
impl Place {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.tensor)?;
        visit.call(&self.index)
    }

    /// A copy with the values in the part; of several for one element the last one stays, and has the gradient.
    ///
    /// >>> with ag.Context():
    /// ...     x = T.constant([1.0, 2.0, 3.0])
    /// ...     v = T.constant([7.0, 8.0, 9.0])
    /// ...     y = x.at[[0, 2, 0]].set(v)
    /// ...     print(y.eval(), *(g.eval() for g in T.grad([y.sum()], [x, v])))
    /// [9. 2. 8.] [0. 1. 0.] [0. 1. 1.]
    fn set<'py>(&self, py: Python<'py>, values: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| self.changed(py, Change::Set, values))
    }
    /// A copy with the values added to the part; several for one element are all added.
    ///
    /// >>> with ag.Context():
    /// ...     print(T.constant([1.0, 2.0, 3.0]).at[[0, 2, 0]].add([10.0, 20.0, 30.0]).eval())
    /// [41.  2. 23.]
    fn add<'py>(&self, py: Python<'py>, values: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| self.changed(py, Change::Add, values))
    }
    /// A copy with the part multiplied by the values, by all of several for one element.
    ///
    /// >>> with ag.Context():
    /// ...     print(T.constant([1.0, 2.0, 3.0]).at[[0, 2, 0]].mul([10.0, 20.0, 30.0]).eval())
    /// [300.   2.  60.]
    fn mul<'py>(&self, py: Python<'py>, values: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| self.changed(py, Change::Mul, values))
    }
    /// As `mul`.
    ///
    /// >>> with ag.Context():
    /// ...     print(T.constant([1.0, 2.0]).at[0].multiply(3.0).eval())
    /// [3. 2.]
    fn multiply<'py>(&self, py: Python<'py>, values: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| self.changed(py, Change::Mul, values))
    }
    /// A copy with the smaller of the part and the values, or NaN; equal ones share the gradient.
    ///
    /// >>> with ag.Context():
    /// ...     print(T.constant([1.0, 2.0, 3.0]).at[1:].min(2.5).eval())
    /// [1.  2.  2.5]
    fn min<'py>(&self, py: Python<'py>, values: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| self.changed(py, Change::Min, values))
    }
    /// A copy with the larger of the part and the values, or NaN; equal ones share the gradient.
    ///
    /// >>> with ag.Context():
    /// ...     print(T.constant([1.0, 2.0, 3.0]).at[[0, 0]].max([5.0, 4.0]).eval())
    /// [5. 2. 3.]
    fn max<'py>(&self, py: Python<'py>, values: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| self.changed(py, Change::Max, values))
    }
}

/// The items of an index: of a tuple, or one.
pub fn items<'a>(ctx: &'a Py<Context>, index: &Bound<'_, PyAny>) -> PyResult<Vec<Item<'a>>> {
    match index.cast::<PyTuple>() {
        Ok(tuple) => tuple.iter().map(|i| item(ctx, &i)).collect(),
        Err(_) => Ok(vec![item(ctx, index)?]),
    }
}

fn item<'a>(ctx: &'a Py<Context>, i: &Bound<'_, PyAny>) -> PyResult<Item<'a>> {
    if i.is_none() {
        return Ok(Item::New);
    }
    if i.is_instance_of::<PyEllipsis>() {
        return Ok(Item::Rest);
    }
    if let Ok(s) = i.cast::<PySlice>() {
        let py = i.py();
        let bound = |name: &Bound<'_, PyString>| -> PyResult<Option<i64>> {
            let v = s.getattr(name)?;
            if v.is_none() { Ok(None) } else { v.extract().map(Some) }
        };
        let step = bound(intern!(py, "step"))?.unwrap_or(1);
        return Ok(Item::Slice(Slice { start: bound(intern!(py, "start"))?, stop: bound(intern!(py, "stop"))?, step }));
    }
    let wrong = || -> PyErr {
        let got = i.repr().map_or_else(|_| String::new(), |r| r.to_string());
        let rule = "integers, slices, `...`, None, and arrays of integers or bools";
        Error::new(ErrorKind::DType, "index", "the index has the wrong type", got, rule).into()
    };
    if i.is_instance_of::<PyString>() || i.is_instance_of::<PyFloat>() {
        return Err(wrong());
    }
    if let Some(t) = stand_in::tensor(i) {
        let t = t.get();
        if !t.ctx.is(ctx) {
            return Err(Error::new(
                ErrorKind::Graph,
                "index",
                "tensors of two graphs are mixed",
                "operands of two contexts",
                "all operands from one context",
            )
            .into());
        }
        let index = ctx.get().graph().tensor(t.value);
        if index.dtype() == DType::Bool {
            let what = "the result of a mask that a run computes has a shape that depends on its values";
            let e = Error::new(ErrorKind::DType, "index", what, "a tensor of bools", "an array of bools, integers or slices");
            return Err(e.help("use `T.where(mask, x, 0)` to keep the shape").into());
        }
        return Ok(Item::Take(index));
    }
    let one = || i.getattr("ndim").map_or(Ok(0), |n| n.extract::<i64>()).map(|n| n == 0);
    if !i.is_instance_of::<PyBool>() && (i.is_instance_of::<PyInt>() || i.hasattr("__index__")? && one()?) {
        match i.extract::<i64>() {
            // A 0-d array of bools has the method, and refuses.
            Err(e) if e.is_instance_of::<PyTypeError>(i.py()) => {}
            at => return Ok(Item::At(at?)),
        }
    }
    let a = convert::to_array(i)?;
    match a.dtype() {
        DType::Bool => Ok(Item::Mask(a)),
        DType::I32 | DType::I64 => Ok(Item::Take(ctx.get().graph().constant_array(a))),
        // An empty list has no numbers that could be of the wrong type; NumPy makes it an array of floats.
        _ if a.size() == 0 && (i.is_instance_of::<PyList>() || i.is_instance_of::<PyTuple>()) => {
            Ok(Item::Take(ctx.get().graph().constant_array(Array::zeros(DType::I64, a.shape())?)))
        }
        _ => Err(wrong()),
    }
}
