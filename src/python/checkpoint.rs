//! Checkpointed functions, written in Python.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::apply::{built, tensors};
use super::context::Context;
use super::guarded;
use super::policy::Policy;
use super::site::at_caller;
use super::stand_in;
use crate::api::checkpoint::CheckpointGroup;
use crate::error::{Error, ErrorKind, Result};
use crate::graph;

/// Calls `f` with a list of `inputs`, as a checkpointed function: it returns a list of tensors, and so does this. `op` is the name of the
/// call in messages.
#[pyfunction]
pub fn _checkpointed<'py>(
    op: &str,
    ctx: &Bound<'py, Context>,
    policy: Option<&Bound<'py, Policy>>,
    inputs: &Bound<'py, PyAny>,
    f: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    guarded(|| {
        let (py, ctx) = (ctx.py(), ctx.as_unbound());
        let graph = ctx.get().graph();
        graph.check_open()?;
        let inputs = tensors(ctx, inputs)?;
        if let Some(policy) = policy {
            ctx.get().keep_policy(policy);
        }
        let group = match policy {
            Some(policy) => CheckpointGroup::with_policy(graph, policy.get().rule()),
            None => CheckpointGroup::new(graph),
        };
        let raised = RefCell::new(None);
        let call = |inputs: &[graph::Tensor<'_>]| -> PyResult<Vec<graph::Tensor<'_>>> {
            let given = inputs.iter().map(|t| built(py, ctx, t.value())).collect::<PyResult<Vec<_>>>()?;
            let made = f.call1((PyList::new(py, given)?,))?;
            made.try_iter()?.map(|x| own(op, ctx, &x?)).collect()
        };
        let inside = |inputs: &[graph::Tensor<'_>]| -> Result<Vec<graph::Tensor<'_>>> {
            call(inputs).map_err(|e| {
                *raised.borrow_mut() = Some(e);
                Error::text(ErrorKind::User, "checkpoint: the function raised")
            })
        };
        let out = at_caller(py, || group.call(&inputs, inside))?;
        if let Some(e) = raised.into_inner() {
            return Err(e);
        }
        let out = out?.iter().map(|t| built(py, ctx, t.value())).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, out)
    })
}

/// A tensor that the function returned.
fn own<'g>(op: &str, ctx: &'g Py<Context>, x: &Bound<'_, PyAny>) -> PyResult<graph::Tensor<'g>> {
    let Some(t) = stand_in::tensor(x) else {
        let got = x.repr()?;
        let rule = "a tensor for each output";
        return Err(Error::new(ErrorKind::DType, op, "the function returned something else than tensors", got, rule).into());
    };
    if !t.get().ctx.is(ctx) {
        let what = "the function returned a tensor of another context";
        return Err(Error::new(ErrorKind::Graph, op, what, t.get().__repr__(), "a tensor of the context of the call").into());
    }
    Ok(ctx.get().graph().tensor(t.get().value))
}
