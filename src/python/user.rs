//! Users' ops and hooks, written in Python.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple, PyWeakrefMethods, PyWeakrefReference};

use super::apply::{Built, built, tensors};
use super::context::{self, Context};
use super::convert;
use super::guarded;
use super::site::at_caller;
use super::tensor::Tensor;
use crate::array::{Array, View};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::nesting::nested;
use crate::graph::op::Avals;
use crate::graph::user::{ComputeContext, GradientContext, Hook, Op};
use crate::shape::{Aval, Dim};

thread_local! {
    /// The exception that users' code raised last on this thread, with the text of the error that stands for it.
    static RAISED: std::cell::RefCell<Option<(String, PyErr)>> = const { std::cell::RefCell::new(None) };
}

/// An error that stands for an exception: raised again as it was when it reaches Python.
pub fn raised(py: Python<'_>, op: &str, e: PyErr) -> Error {
    let text = format!("{op}: the user's code raised. Got {}; expected it to return.", e.value(py));
    RAISED.set(Some((text.clone(), e)));
    Error::text(ErrorKind::User, text)
}

/// The exception that an error stands for.
pub fn take_raised(_py: Python<'_>, e: &Error) -> Option<PyErr> {
    let (text, err) = RAISED.take()?;
    (text == e.to_string()).then_some(err)
}

/// Functions that the context of a graph keeps for a node. Only the context itself refers to them, see there; a node must
/// not even refer to the context.
struct Functions {
    context: Py<PyWeakrefReference>,
    first: usize,
}

impl Functions {
    fn new(ctx: &Bound<'_, Context>, list: impl IntoIterator<Item = Option<Py<PyAny>>>) -> PyResult<Functions> {
        Ok(Functions { context: PyWeakrefReference::new(ctx)?.unbind(), first: ctx.get().keep(list) })
    }
    fn context<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Context>> {
        self.context.bind(py).upgrade_as().ok().flatten()
    }
    fn get<'py>(&self, py: Python<'py>, i: usize) -> Option<Bound<'py, PyAny>> {
        self.context(py)?.get().function(py, self.first + i)
    }
    /// A function that is there unless the context was closed meanwhile.
    fn call<'py>(&self, py: Python<'py>, i: usize, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        match self.get(py, i) {
            Some(f) => f.call1(args),
            None => Err(Error::text(
                ErrorKind::Graph,
                "context: it was closed while it ran. Got a call of a user's function; expected an open context.",
            )
            .into()),
        }
    }
}

const FORWARD: usize = 0;
const VJP: usize = 1;
const INFER: usize = 2;

/// A user's op: a function of arrays, a rule that builds graph, and the rule for shapes.
struct Custom {
    name: String,
    functions: Functions,
    /// Tells shape rules apart; 0 for the default rule.
    rule: u64,
    /// What the shape rule gave for the op's own inputs, before the graph was locked.
    known: Mutex<Option<(Vec<Aval>, Avals)>>,
}

fn shape_tuple<'py>(py: Python<'py>, a: &Aval) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, a.shape.iter().map(|d| d.known()))
}

impl Custom {
    fn avals(&self, py: Python<'_>, inputs: &[&Aval]) -> Result<Avals> {
        if self.rule == 0 {
            // By default the output has the inputs' broadcast shape and promoted dtype.
            let mut shape = crate::shape::Shape::new();
            let mut next = u32::MAX;
            for a in inputs {
                shape = crate::shape::broadcast(&self.name, &shape, &a.shape, &mut || {
                    next -= 1;
                    Dim::Sym(next)
                })?;
            }
            let dtype = inputs.iter().map(|a| a.dtype).reduce(crate::dtype::DType::promote).unwrap_or(crate::dtype::DType::F64);
            return Ok(smallvec::smallvec![Aval { dtype, shape }]);
        }
        let call = || -> PyResult<Avals> {
            let args: Vec<_> = inputs.iter().map(|a| Ok((shape_tuple(py, a)?, a.dtype.name()))).collect::<PyResult<_>>()?;
            let given = self.functions.call(py, INFER, &PyTuple::new(py, args)?)?;
            let list: Vec<Bound<'_, PyAny>> = match given.cast::<PyList>() {
                Ok(l) => l.iter().collect(),
                Err(_) => vec![given],
            };
            let mut out = Avals::new();
            let mut next = u32::MAX;
            for one in list {
                let pair: PyResult<(Vec<Option<usize>>, Bound<'_, PyAny>)> = one.extract();
                let (shape, dtype) = pair.map_err(|_| -> PyErr {
                    let got = one.repr().map_or_else(|_| String::new(), |r| r.to_string());
                    let rule = "a pair (shape, dtype), or a list of such pairs";
                    Error::new(ErrorKind::DType, &self.name, "`infer` returned something else", got, rule).into()
                })?;
                let dims = shape.into_iter().map(|n| {
                    next -= 1;
                    n.map_or(Dim::Sym(next), Dim::Known)
                });
                out.push(Aval::new(convert::dtype(&dtype)?, dims));
            }
            Ok(out)
        };
        call().map_err(|e| raised(py, &self.name, e))
    }
}

impl Op for Custom {
    fn name(&self) -> &str {
        &self.name
    }
    fn infer(&self, inputs: &[&Aval]) -> Result<Avals> {
        if let Some((of, avals)) = &*self.known.lock()
            && of.iter().eq(inputs.iter().copied())
        {
            return Ok(avals.clone());
        }
        Python::attach(|py| self.avals(py, inputs))
    }
    fn compute(&self, c: &mut ComputeContext<'_>) -> Result<()> {
        // The function gets copies: it may keep or change them. They are made while other Python threads run.
        let inputs: Vec<Array> = (0..c.num_inputs()).filter_map(|i| c.view(i)).map(Array::copy_of).collect::<Result<_>>()?;
        let out = Python::attach(|py| {
            let call = || -> PyResult<Vec<Array>> {
                let args: Vec<_> = inputs.into_iter().map(|a| convert::to_numpy(py, a)).collect::<PyResult<_>>()?;
                let given = self.functions.call(py, FORWARD, &PyTuple::new(py, args)?)?;
                if given.is_none() {
                    let rule = "an array, or a tuple of arrays";
                    return Err(Error::new(ErrorKind::DType, &self.name, "the function returned nothing", "None", rule).into());
                }
                match given.cast::<PyTuple>() {
                    Ok(t) => t.iter().map(|x| convert::to_array(&x)).collect(),
                    Err(_) => Ok(vec![convert::to_array(&given)?]),
                }
            };
            call().map_err(|e| raised(py, &self.name, e))
        })?;
        // An output that is not as promised is an error that names the user's op.
        out.iter().try_for_each(|a| c.append_view(a.raw_view())).map_err(|e| {
            let text = e.to_string().replacen("append_output", &self.name, 1);
            Error::text(e.kind(), text).help("convert what the function returns, or say its shape and dtype with `infer`")
        })
    }
    fn grad<'g>(&self, c: &mut GradientContext<'_, 'g>) {
        let graph = c.graph();
        let result = Python::attach(|py| {
            let Some(vjp) = self.functions.get(py, VJP) else {
                return Err(Error::new(
                    ErrorKind::NotDifferentiable,
                    &self.name,
                    "there is no gradient",
                    "no vjp",
                    "a vjp given to `custom_op`",
                ));
            };
            let Some(ctx) = self.functions.context(py) else {
                return Err(Error::text(ErrorKind::Graph, format!("{}: its context is gone", self.name)));
            };
            let ctx = ctx.as_unbound();
            let call =
                || -> PyResult<Vec<Option<crate::graph::Value>>> {
                    let outputs = c.output().node().avals.len();
                    let gs: Vec<_> = (0..outputs).map(|k| built(py, ctx, c.nth_output_grad(k).value())).collect::<PyResult<_>>()?;
                    let ys: Vec<_> = (0..outputs).map(|k| built(py, ctx, c.nth_output(k).value())).collect::<PyResult<_>>()?;
                    let xs: Vec<_> = (0..c.num_inputs()).map(|i| built(py, ctx, c.input(i).value())).collect::<PyResult<_>>()?;
                    let one = |mut v: Vec<Bound<'_, PyAny>>| -> PyResult<Py<PyAny>> {
                        match (v.pop(), v.is_empty()) {
                            (Some(x), true) => Ok(x.unbind()),
                            (Some(x), false) => Ok(PyTuple::new(py, v.into_iter().chain([x]).collect::<Vec<_>>())?.into_any().unbind()),
                            (None, _) => Ok(py.None()),
                        }
                    };
                    let args: Vec<Py<PyAny>> = [one(gs)?, one(ys)?].into_iter().chain(xs.into_iter().map(Bound::unbind)).collect();
                    let given = vjp.call1(PyTuple::new(py, args)?)?;
                    let list: Vec<Bound<'_, PyAny>> = match given.cast::<PyTuple>() {
                        Ok(t) => t.iter().collect(),
                        Err(_) => vec![given],
                    };
                    if list.len() != c.num_inputs() {
                        return Err(Error::new(
                            ErrorKind::Shape,
                            &self.name,
                            "the vjp returned another number of cotangents",
                            list.len(),
                            format_args!("{} (None for inputs without one)", c.num_inputs()),
                        )
                        .into());
                    }
                    list.into_iter()
                        .map(|x| {
                            if x.is_none() {
                                Ok(None)
                            } else {
                                Ok(tensors(ctx, PyTuple::new(py, [x])?.as_any())?.first().map(|t| t.value()))
                            }
                        })
                        .collect()
                };
            call().map_err(|e| raised(py, &self.name, e))
        });
        match result {
            Ok(list) => {
                for (i, v) in list.into_iter().enumerate() {
                    c.append_input_grad(i, v.map(|v| graph.tensor(v)));
                }
            }
            Err(e) => {
                let bad = graph.poison(e);
                (0..c.num_inputs()).for_each(|i| c.append_input_grad(i, Some(bad)));
            }
        }
    }
    /// Ops with one shape rule share plans.
    fn key(&self) -> u64 {
        self.rule
    }
}

/// The node of a user's op on `inputs`.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "the parts of an op")]
#[pyo3(signature = (name, forward, vjp, infer, rule, inputs))]
pub fn _custom<'py>(
    py: Python<'py>,
    name: String,
    forward: Py<PyAny>,
    vjp: Option<Py<PyAny>>,
    infer: Option<Py<PyAny>>,
    rule: u64,
    inputs: &Bound<'py, PyTuple>,
) -> Built<'py> {
    guarded(|| {
        let ctx = match super::apply::context_in(inputs.as_any())? {
            Some(ctx) => ctx,
            None => context::current(py)?,
        };
        let graph = ctx.get().graph();
        let xs = tensors(&ctx, inputs.as_any())?;
        let avals: Vec<Aval> = xs.iter().map(|t| t.aval().clone()).collect();
        let rule = if infer.is_some() { rule } else { 0 };
        graph.check_open()?;
        let functions = Functions::new(ctx.bind(py), [Some(forward), vjp, infer])?;
        let op = Custom { name, functions, rule, known: Mutex::new(None) };
        let refs: Vec<&Aval> = avals.iter().collect();
        let out = nested(&op.name, || op.avals(py, &refs))?;
        let n = out.len();
        *op.known.lock() = Some((avals, out));
        let values: Vec<_> = xs.iter().map(|t| t.value()).collect();
        let made = at_caller(py, || graph.insert_user(Arc::new(op), &values))?;
        if let Some(e) = made.error() {
            return Err(e.into());
        }
        if n == 1 {
            return built(py, &ctx, made.value());
        }
        let items: Vec<_> = (0..n).map(|k| built(py, &ctx, made.output(k).value())).collect::<PyResult<_>>()?;
        Ok(PyTuple::new(py, items)?.into_any())
    })
}

/// A Python function that sees a value.
struct Watch(Functions);

impl Hook for Watch {
    fn call(&self, value: View<'_>) -> Result<()> {
        let copy = Array::copy_of(value)?;
        Python::attach(|py| {
            let call = || -> PyResult<()> {
                let a = convert::to_numpy(py, copy)?;
                self.0.call(py, 0, &PyTuple::new(py, [a])?)?;
                Ok(())
            };
            call().map_err(|e| raised(py, "hook", e))
        })
    }
}

/// `x` with a hook: `f` is called with its value whenever a run computes it.
#[pyfunction]
pub fn _hook<'py>(py: Python<'py>, x: &Bound<'py, Tensor>, f: Py<PyAny>) -> Built<'py> {
    guarded(|| {
        let t = x.get();
        let graph = t.ctx.get().graph();
        graph.check_open()?;
        let functions = Functions::new(t.ctx.bind(py), [Some(f)])?;
        let made = at_caller(py, || graph.insert_hook(Arc::new(Watch(functions)), t.value))?;
        made.error().map_or_else(|| built(py, &t.ctx, made.value()), |e| Err(e.into()))
    })
}
