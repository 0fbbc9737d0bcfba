//! One way from Python into the op table, and to what is built over it.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyList, PyString, PyTuple};
use smallvec::{SmallVec, smallvec};

use super::context::{self, Context};
use super::convert;
use super::eager;
use super::guarded;
use super::lock::{LONG_GRAPH, released};
use super::site::at_caller;
use super::stand_in;
use super::table::Row;
use super::tensor::{Filled, Tensor};
use crate::autodiff;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result, closest};
use crate::graph::attr::{Attr, AttrKind, AttrType, Choice, Cuts, Factors, Padding, Slice};
use crate::graph::op::{Class, OpDef, ParamDefault, ParamKind};
use crate::graph::{self, NodeOp, Value};
use crate::ops::apply::{Arg, apply_in, class};
use crate::ops::operator_table::OPERATORS;
use crate::ops::{control, random, writes};

/// A new tensor object, or an exception.
pub type Built<'py> = PyResult<Bound<'py, PyAny>>;

/// A tensor object of a value.
pub fn built<'py>(py: Python<'py>, ctx: &Py<Context>, value: Value) -> Built<'py> {
    Ok(Bound::new(py, Tensor { ctx: ctx.clone_ref(py), value })?.into_any())
}

/// An operand of an op in the graph of `ctx`: a tensor, a weak number, a filled shape, or an array as a constant.
pub fn arg<'a>(ctx: &'a Py<Context>, x: &Bound<'_, PyAny>) -> PyResult<Arg<'a>> {
    if let Some(t) = stand_in::tensor(x) {
        let t = t.get();
        if !t.ctx.is(ctx) {
            let e = Error::new(
                ErrorKind::Graph,
                "apply",
                "tensors of two graphs are mixed",
                "operands of two contexts",
                "all operands from one context",
            );
            return Err(e.help("evaluate the one, and bring its value in as a constant or a feed").into());
        }
        return Ok(Arg::Tensor(ctx.get().graph().tensor(t.value)));
    }
    if let Some(s) = convert::scalar(x)? {
        return Ok(Arg::Weak(s));
    }
    if let Ok(f) = x.cast_exact::<Filled>() {
        return Ok(Arg::Filled(f.get().0.clone()));
    }
    Ok(Arg::Tensor(ctx.get().graph().constant_array(convert::to_array(x)?)))
}

/// True for an integer beyond `int64` that is compared: a comparison has an answer all the same.
pub fn is_beyond(def: &OpDef, x: &Bound<'_, PyAny>) -> bool {
    class(def, 0) == Class::Compare && x.is_exact_instance_of::<PyInt>() && x.extract::<i64>().is_err()
}

/// An integer beyond `int64`, beside what it is compared with: it is above or below all integers, and a float among floats.
pub fn beyond(x: &Bound<'_, PyAny>, is_beside_floats: bool) -> PyResult<Scalar> {
    let end = if x.lt(0)? { f64::NEG_INFINITY } else { f64::INFINITY };
    Ok(Scalar::Float(if is_beside_floats { x.extract().unwrap_or(end) } else { end }))
}

fn is_floating(x: &Arg<'_>) -> bool {
    match x {
        Arg::Tensor(t) => t.dtype().is_float(),
        Arg::Weak(s) => s.dtype().is_float(),
        Arg::Filled(_) | Arg::Absent => true,
    }
}

fn outputs<'py>(py: Python<'py>, ctx: &Py<Context>, def: Option<&OpDef>, out: &[graph::Tensor<'_>]) -> Built<'py> {
    match out {
        _ if def.is_some_and(|d| d.lists) => Ok(list(py, ctx, out)?.into_any()),
        [one] => built(py, ctx, one.value()),
        many => {
            let list: Vec<_> = many.iter().map(|t| built(py, ctx, t.value())).collect::<PyResult<_>>()?;
            Ok(PyTuple::new(py, list)?.into_any())
        }
    }
}

fn run<'py>(py: Python<'py>, ctx: &Py<Context>, def: &'static OpDef, args: &[Arg<'_>], attrs: &[Attr]) -> Built<'py> {
    let out = at_caller(py, || apply_in(ctx.get().graph(), def, args, attrs))??;
    outputs(py, ctx, Some(def), &out)
}

/// An operator of one operand.
pub fn unary<'py>(x: &Bound<'py, Tensor>, def: &'static OpDef, attrs: &[Attr]) -> Built<'py> {
    guarded(|| {
        let t = x.get();
        run(x.py(), &t.ctx, def, &[Arg::Tensor(t.handle())], attrs)
    })
}

/// An operator of two operands; what is no operand is left to the other side.
pub fn binary<'py>(x: &Bound<'py, Tensor>, other: &Bound<'py, PyAny>, def: &'static OpDef, reflected: bool) -> Built<'py> {
    guarded(|| {
        let t = x.get();
        let own = Arg::Tensor(t.handle());
        let other = match if is_beyond(def, other) { beyond(other, is_floating(&own)).map(Arg::Weak) } else { arg(&t.ctx, other) } {
            Ok(a) => a,
            // An object that is nothing like an array may know what to do with a tensor.
            Err(_) if !other.is_exact_instance_of::<PyInt>() && !convert::is_operand(other) => {
                return Ok(x.py().NotImplemented().into_bound(x.py()));
            }
            Err(e) => return Err(e),
        };
        let args = if reflected { [other, own] } else { [own, other] };
        run(x.py(), &t.ctx, def, &args, &[])
    })
}

/// `x ** y`; an exponent of exactly 2 is a square, 1 is `x`.
pub fn power<'py>(x: &Bound<'py, Tensor>, other: &Bound<'py, PyAny>) -> Built<'py> {
    guarded(|| {
        let dtype = x.get().handle().dtype();
        match convert::scalar(other)? {
            Some(Scalar::Int(2)) if dtype != DType::Bool => unary(x, OPERATORS.square, &[]),
            Some(Scalar::Float(e)) if e == 2.0 && dtype.is_float() => unary(x, OPERATORS.square, &[]),
            Some(Scalar::Int(1)) if dtype != DType::Bool => Ok(x.clone().into_any()),
            _ => binary(x, other, OPERATORS.pow, false),
        }
    })
}

/// The context of the first tensor among the operands.
fn context_of(py: Python<'_>, xs: &Bound<'_, PyTuple>) -> PyResult<Option<Py<Context>>> {
    for x in xs.iter_borrowed() {
        if let Some(t) = stand_in::tensor(&x) {
            return Ok(Some(t.get().ctx.clone_ref(py)));
        }
        if x.is_instance_of::<PyList>() || x.is_instance_of::<PyTuple>() {
            for y in x.try_iter()? {
                if let Some(t) = stand_in::tensor(&y?) {
                    return Ok(Some(t.get().ctx.clone_ref(py)));
                }
            }
        }
    }
    Ok(None)
}

/// The error for a name that is none of those that an attribute can have.
fn unknown(op: &str, name: &str, names: &[&str], x: &Bound<'_, PyAny>) -> PyErr {
    let got = x.repr().map_or_else(|_| String::new(), |r| r.to_string());
    let all: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    let kind = if x.is_instance_of::<PyString>() { ErrorKind::Value } else { ErrorKind::DType };
    let e = Error::new(kind, op, format_args!("{name} is unknown"), got, all.join(" or "));
    match x.extract::<String>().ok().and_then(|given| closest(&given, names.iter().copied()).map(str::to_owned)) {
        Some(near) => e.help(format!("write \"{near}\"")).into(),
        None => e.into(),
    }
}

fn attr(kind: AttrKind, op: &str, name: &str, x: &Bound<'_, PyAny>) -> PyResult<Attr> {
    let wrong = |rule: &str| -> PyErr {
        let got = x.repr().map_or_else(|_| String::new(), |r| r.to_string());
        Error::new(ErrorKind::DType, op, format_args!("{name} has the wrong type"), got, rule).into()
    };
    // A bool is an integer to Python, and a mistake here.
    let int = |x: &Bound<'_, PyAny>| if x.is_instance_of::<PyBool>() { None } else { x.extract::<i64>().ok() };
    let ints = |x: &Bound<'_, PyAny>| -> Option<Box<[i64]>> {
        match int(x) {
            Some(i) => Some([i].into()),
            None => x.try_iter().ok()?.map(|v| v.and_then(|v| v.extract::<i64>()).ok()).collect(),
        }
    };
    let pair = |x: &Bound<'_, PyAny>| match ints(x).as_deref() {
        Some([n]) => Some([*n, *n]),
        Some([a, b]) => Some([*a, *b]),
        _ => None,
    };
    // One pair may stand without brackets around it.
    let widths = |x: &Bound<'_, PyAny>| -> Option<Box<[[i64; 2]]>> {
        match pair(x) {
            Some(all) => Some([all].into()),
            None => x.try_iter().ok()?.map(|v| v.ok().filter(|v| int(v).is_none()).and_then(|v| pair(&v))).collect(),
        }
    };
    // An integer for an axis is a pair of them.
    let ends = |x: &Bound<'_, PyAny>| -> Option<Box<[[i64; 2]]>> {
        match int(x) {
            Some(n) => Some([[n, n]].into()),
            None => x.try_iter().ok()?.map(|v| v.ok().and_then(|v| pair(&v))).collect(),
        }
    };
    Ok(match kind {
        AttrKind::Int => Attr::Int(int(x).ok_or_else(|| wrong("an integer"))?),
        AttrKind::Bool => Attr::Bool(x.extract().map_err(|_| wrong("a bool"))?),
        AttrKind::Ints => Attr::Ints(ints(x).ok_or_else(|| wrong("an integer or a tuple of integers"))?),
        AttrKind::Axes if x.is_none() => Attr::Axes(None),
        AttrKind::Axes => Attr::Axes(Some(ints(x).ok_or_else(|| wrong("None, an integer or a tuple of integers"))?)),
        AttrKind::DType => Attr::DType(convert::dtype(x)?),
        AttrKind::Axis if x.is_none() => Attr::Axis(None),
        AttrKind::Axis => Attr::Axis(Some(int(x).ok_or_else(|| wrong("None or an integer"))?)),
        AttrKind::Text => Attr::Text(x.extract::<String>().map_err(|_| wrong("a string"))?.into()),
        AttrKind::Cuts if x.is_none() => Attr::Cuts(Cuts::Unsaid),
        AttrKind::Cuts => Attr::Cuts(match int(x) {
            Some(n) => Cuts::Parts(n),
            None => Cuts::Places(ints(x).ok_or_else(|| wrong("an integer or a tuple of integers"))?),
        }),
        AttrKind::Widths => Attr::Widths(widths(x).ok_or_else(|| wrong("an integer, a pair of integers, or a pair for each axis"))?),
        AttrKind::PerAxis if x.is_none() => Attr::PerAxis(Box::new([])),
        AttrKind::PerAxis => Attr::PerAxis(ints(x).ok_or_else(|| wrong("None, an integer, or one for each axis"))?),
        AttrKind::Factors if x.is_none() => Attr::Factors(Box::new([])),
        AttrKind::Factors => {
            let all: Option<Vec<f64>> = match x.extract::<f64>() {
                Ok(one) => Some(vec![one]),
                Err(_) => x.extract().ok(),
            };
            Factors(all.ok_or_else(|| wrong("None, a number, or one for each axis"))?.into()).pack()
        }
        AttrKind::Padding => Attr::Padding(match x.extract::<String>() {
            Ok(given) => Padding::named(&given).ok_or_else(|| unknown(op, name, &["same", "valid"], x))?,
            Err(_) => {
                Padding::Ends(ends(x).ok_or_else(|| wrong("\"same\", \"valid\", an integer, or an integer or a pair for each axis"))?)
            }
        }),
        AttrKind::MaybeDType if x.is_none() => Attr::MaybeDType(None),
        AttrKind::MaybeDType => Attr::MaybeDType(Some(convert::dtype(x)?)),
        AttrKind::Choice(names) => {
            let given = x.extract::<String>().ok();
            let place = names.iter().position(|n| given.as_deref() == Some(*n));
            Attr::Choice(Choice { names, index: place.ok_or_else(|| unknown(op, name, names, x))? })
        }
        AttrKind::Slices => {
            let mut out = vec![];
            for s in x.try_iter().map_err(|_| wrong("a sequence of slices"))? {
                let s = s?;
                let bound = |k: &str| -> PyResult<Option<i64>> {
                    let v = s.getattr(k)?;
                    if v.is_none() { Ok(None) } else { v.extract().map(Some) }
                };
                out.push(Slice { start: bound("start")?, stop: bound("stop")?, step: bound("step")?.unwrap_or(1) });
            }
            Attr::Slices(out.into())
        }
    })
}

/// The attributes of a call.
pub fn attributes(def: &OpDef, given: &Bound<'_, PyTuple>) -> PyResult<SmallVec<[Attr; 3]>> {
    let params = def.params.iter().filter_map(|p| match p.kind {
        ParamKind::Attr(k) => Some((k, p.name)),
        _ => None,
    });
    params.zip(given.iter_borrowed()).map(|((k, name), x)| attr(k, def.name, name, &x)).collect()
}

/// Calls `f` with each operand of a row, the items of a list one by one; None stands for one that may be absent.
pub fn each_operand<'py>(
    def: &OpDef,
    xs: &Bound<'py, PyTuple>,
    f: &mut dyn FnMut(Option<&Bound<'py, PyAny>>) -> PyResult<()>,
) -> PyResult<()> {
    for (p, x) in def.params.iter().zip(xs.iter_borrowed()) {
        if let ParamKind::Tensors(_) = p.kind {
            for y in x.try_iter()? {
                // The parts of a long tensor take their time.
                xs.py().check_signals()?;
                f(Some(&y?))?;
            }
        } else if x.is_none() && matches!(p.default, Some(ParamDefault::Absent)) {
            f(None)?;
        } else if p.default.is_some() && x.is_instance_of::<PyString>() {
            let what = format_args!("{} has the wrong type", p.name);
            return Err(Error::new(ErrorKind::DType, def.name, what, x.repr()?, "a number or a tensor").into());
        } else {
            f(Some(&x))?;
        }
    }
    Ok(())
}

/// Builds a row of the op table on operands and attributes; outside of contexts, without a tensor among them, computes it. What
/// `tensor_ops` is written with.
#[pyfunction]
pub fn _apply<'py>(py: Python<'py>, row: &Bound<'py, Row>, xs: &Bound<'py, PyTuple>, attrs: &Bound<'py, PyTuple>) -> Built<'py> {
    guarded(|| {
        let ctx = context_of(py, xs)?.or_else(|| context::innermost(py));
        applied(py, row.get().0, xs, attrs, ctx)
    })
}

/// As `_apply` outside of contexts.
#[pyfunction]
pub fn _compute<'py>(py: Python<'py>, row: &Bound<'py, Row>, xs: &Bound<'py, PyTuple>, attrs: &Bound<'py, PyTuple>) -> Built<'py> {
    guarded(|| applied(py, row.get().0, xs, attrs, context_of(py, xs)?))
}

/// A row on operands: a tensor of `ctx`, or without one a value.
fn applied<'py>(
    py: Python<'py>,
    def: &'static OpDef,
    xs: &Bound<'py, PyTuple>,
    attrs: &Bound<'py, PyTuple>,
    ctx: Option<Py<Context>>,
) -> Built<'py> {
    let Some(ctx) = ctx else { return eager::compute(py, def, xs, || attributes(def, attrs)) };
    let mut args: SmallVec<[Arg<'_>; 4]> = SmallVec::new();
    each_operand(def, xs, &mut |x| {
        args.push(match x {
            None => Arg::Absent,
            Some(x) if is_beyond(def, x) => {
                let other = xs.get_item(1 - args.len().min(1))?;
                Arg::Weak(beyond(x, is_floating(&arg(&ctx, &other)?))?)
            }
            Some(x) => arg(&ctx, x)?,
        });
        Ok(())
    })?;
    let attrs = attributes(def, attrs)?;
    run(py, &ctx, def, &args, &attrs)
}

/// Tensors of one context from a sequence.
pub fn tensors<'a>(ctx: &'a Py<Context>, list: &Bound<'_, PyAny>) -> PyResult<Vec<graph::Tensor<'a>>> {
    if let Some(t) = stand_in::tensor(list) {
        let what = "a tensor stands where a sequence of tensors is expected";
        let e = Error::new(ErrorKind::DType, "apply", what, t.get().__repr__(), "a list of tensors");
        return Err(e.help("write `[t]` for `t`").into());
    }
    let mut out = vec![];
    for x in list.try_iter()? {
        let x = x?;
        // A long array has many items, and no Python code runs between them.
        list.py().check_signals()?;
        match arg(ctx, &x)? {
            Arg::Tensor(t) => out.push(t),
            Arg::Weak(s) => out.push(ctx.get().graph().scalar(s, s.dtype())),
            Arg::Filled(_) | Arg::Absent => {
                return Err(Error::new(ErrorKind::DType, "apply", "a filled shape has no dtype here", "zeros(shape)", "a tensor").into());
            }
        }
    }
    Ok(out)
}

/// The context of the first tensor in a sequence.
pub fn context_in(list: &Bound<'_, PyAny>) -> PyResult<Option<Py<Context>>> {
    let py = list.py();
    for x in list.try_iter()? {
        py.check_signals()?;
        if let Some(t) = stand_in::tensor(&x?) {
            return Ok(Some(t.get().ctx.clone_ref(py)));
        }
    }
    Ok(None)
}

fn list<'py>(py: Python<'py>, ctx: &Py<Context>, ts: &[graph::Tensor<'_>]) -> PyResult<Bound<'py, PyList>> {
    let items: Vec<_> = ts.iter().map(|t| built(py, ctx, t.value())).collect::<PyResult<_>>()?;
    PyList::new(py, items)
}

fn checked<'g>(ts: Vec<graph::Tensor<'g>>) -> Result<Vec<graph::Tensor<'g>>> {
    match ts.iter().find_map(|t| t.error()) {
        Some(e) => Err(e),
        None => Ok(ts),
    }
}

/// Runs `f`, which goes through the graph of `ctx`: other Python threads run meanwhile if it is large.
fn in_graph<T: Send>(py: Python<'_>, ctx: &Py<Context>, f: impl FnOnce() -> T + Send) -> T {
    if ctx.get().graph().len() > LONG_GRAPH { released(py, f) } else { f() }
}

fn needs_tensors(name: &str) -> PyErr {
    let e = Error::new(ErrorKind::Graph, name, "there is no tensor", "values alone", "tensors of one context");
    e.help("a value does not know what it was computed from: write `ag.grad(f)(x)` for a function `f`").into()
}

/// Gradients of `ys` with respect to `xs`.
#[pyfunction]
#[pyo3(signature = (ys, xs, seeds=None))]
pub fn _grad<'py>(
    py: Python<'py>,
    ys: &Bound<'py, PyAny>,
    xs: &Bound<'py, PyAny>,
    seeds: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyList>> {
    guarded(|| {
        let ctx = context_in(xs)?.ok_or_else(|| needs_tensors("grad"))?;
        let (ys, xs) = (tensors(&ctx, ys)?, tensors(&ctx, xs)?);
        let seeds = seeds.map(|s| tensors(&ctx, s)).transpose()?;
        let out = at_caller(py, || in_graph(py, &ctx, || autodiff::try_grad(&ys, &xs, seeds.as_deref())))??;
        list(py, &ctx, &out)
    })
}

/// Hessian-vector products.
#[pyfunction]
pub fn _hvp<'py>(
    py: Python<'py>,
    ys: &Bound<'py, PyAny>,
    xs: &Bound<'py, PyAny>,
    vectors: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    guarded(|| {
        let ctx = context_in(xs)?.ok_or_else(|| needs_tensors("_hessian_vector_product"))?;
        let (ys, xs, vs) = (tensors(&ctx, ys)?, tensors(&ctx, xs)?, tensors(&ctx, vectors)?);
        let out = checked(at_caller(py, || in_graph(py, &ctx, || autodiff::hessian_vector_product(&ys, &xs, &vs)))?)?;
        list(py, &ctx, &out)
    })
}

/// Jacobians of the first `y_len` elements of `y`; of all, if that is None.
#[pyfunction]
pub fn _jacobians<'py>(py: Python<'py>, y: &Bound<'py, PyAny>, xs: &Bound<'py, PyAny>, y_len: Option<i64>) -> PyResult<Bound<'py, PyList>> {
    guarded(|| {
        let y = y.cast::<Tensor>().map_err(|_| needs_tensors("jacobians"))?;
        let y_len = match y_len.map(usize::try_from).transpose() {
            Ok(n) => n,
            Err(_) => {
                let got = format!("y_len={}", y_len.unwrap_or_default());
                return Err(Error::new(ErrorKind::Shape, "jacobians", "the number of rows is negative", got, "y_len >= 0").into());
            }
        };
        let ctx = y.get().ctx.clone_ref(py);
        let xs = tensors(&ctx, xs)?;
        let out = checked(at_caller(py, || autodiff::jacobians(ctx.get().graph().tensor(y.get().value), &xs, y_len))?)?;
        list(py, &ctx, &out)
    })
}

/// One of two bodies, chosen by a condition.
#[pyfunction]
pub fn _cond<'py>(
    py: Python<'py>,
    condition: &Bound<'py, Tensor>,
    then: &Bound<'py, PyAny>,
    otherwise: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    guarded(|| {
        let ctx = condition.get().ctx.clone_ref(py);
        let raised = std::cell::RefCell::new(None);
        let single = std::cell::Cell::new(false);
        let body = |f: &Bound<'py, PyAny>| -> Result<Vec<graph::Tensor<'_>>> {
            let made = f.call0().and_then(|r| {
                if r.is_none() {
                    let rule = "a tensor, or a sequence of tensors";
                    return Err(Error::new(ErrorKind::DType, "cond", "a body returned nothing", "None", rule).into());
                }
                if r.is_instance_of::<PyList>() || r.is_instance_of::<PyTuple>() {
                    return tensors(&ctx, &r);
                }
                single.set(true);
                tensors(&ctx, PyTuple::new(py, [r])?.as_any())
            });
            made.map_err(|e| {
                *raised.borrow_mut() = Some(e);
                Error::text(ErrorKind::User, "cond: a body raised")
            })
        };
        let handle = ctx.get().graph().tensor(condition.get().value);
        let out = at_caller(py, || control::cond_list(handle, || body(then), || body(otherwise)))?;
        if let Some(e) = raised.into_inner() {
            return Err(e);
        }
        let out = out?;
        if single.get() && out.len() == 1 {
            return outputs(py, &ctx, None, &out);
        }
        let items: Vec<_> = out.iter().map(|t| built(py, &ctx, t.value())).collect::<PyResult<_>>()?;
        Ok(PyTuple::new(py, items)?.into_any())
    })
}

/// A write to a variable.
#[pyfunction]
pub fn _assign<'py>(py: Python<'py>, variable: &Bound<'py, Tensor>, x: &Bound<'py, PyAny>) -> Built<'py> {
    guarded(|| {
        let ctx = variable.get().ctx.clone_ref(py);
        let v = ctx.get().graph().tensor(variable.get().value);
        if !matches!(v.node().op, NodeOp::Variable(..)) {
            let got = variable.get().__repr__();
            return Err(
                Error::new(ErrorKind::Variable, "assign", "the target is not a variable", got, "a tensor from `ctx.variable`").into()
            );
        }
        let x = match arg(&ctx, x)? {
            Arg::Tensor(t) => t,
            Arg::Weak(s) => ctx.get().graph().scalar(s, v.dtype()),
            Arg::Filled(f) => ctx.get().graph().constant_array(f.array(v.dtype())?),
            Arg::Absent => return Err(Error::text(ErrorKind::Graph, "assign: there is no value").into()),
        };
        let out = at_caller(py, || writes::assign(v, x))?;
        out.error().map_or_else(|| built(py, &ctx, out.value()), |e| Err(e.into()))
    })
}

/// A draw over a shape: `"uniform"` or `"normal"`. Outside of contexts the system chooses its seed.
#[pyfunction]
#[pyo3(signature = (law, shape, dtype=None, ctx=None))]
pub fn _random<'py>(
    py: Python<'py>,
    law: &str,
    shape: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    ctx: Option<&Bound<'py, Context>>,
) -> Built<'py> {
    guarded(|| {
        let def = if law == "normal" { &random::STANDARD_NORMAL } else { &random::STANDARD_UNIFORM };
        let ctx = ctx.map(|c| c.clone().unbind()).or_else(|| context::innermost(py));
        let dtype = match (dtype, &ctx) {
            (Some(d), _) => convert::dtype(d)?,
            (None, Some(ctx)) => ctx.get().dtype()?,
            (None, None) => DType::F64,
        };
        let dims = convert::lengths("random", shape, false)?.into_iter().map(|n| n as i64).collect();
        let attrs = smallvec![Attr::Ints(dims), Attr::DType(dtype)];
        match ctx {
            Some(ctx) => run(py, &ctx, def, &[], &attrs),
            None => eager::compute(py, def, &PyTuple::empty(py), || Ok(attrs)),
        }
    })
}
