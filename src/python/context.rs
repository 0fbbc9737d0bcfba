//! Contexts.

use std::cell::RefCell;
use std::ops::Deref;

use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use smallvec::SmallVec;

use super::apply::{Built, built};
use super::convert;
use super::environment::{VariableEnvironment, VariableID};
use super::evaluator::{Asked, Evaluator, evaluate};
use super::guarded;
use super::policy::{Policy, Wishes, wished_budget, wished_policy};
use super::refusal;
use super::site::{self, at_caller};
use crate::api::context as api;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Site};
use crate::graph;
use crate::shape::Tuple;

thread_local! {
    /// The contexts that this thread is inside of; None while what is called computes as outside of all of them.
    static CURRENT: RefCell<Vec<Option<Py<Context>>>> = const { RefCell::new(Vec::new()) };
}

/// A graph under construction, and what it takes to evaluate it.
///
/// >>> with ag.Context() as ctx:
/// ...     x = ctx.placeholder("x", [None])
/// ...     y = (x * x).sum()
/// ...     print(y.eval({x: [3.0, 4.0]}))
/// 25.0
#[pyclass(frozen, weakref, module = "scirs2_autograd._lib")]
pub struct Context {
    inner: api::Context,
    /// Python functions that nodes of the graph call. They may hold tensors of this graph: such a circle goes through this
    /// object alone, so that Python's collector sees all of it. Nodes know places in this list, never functions.
    functions: Mutex<Vec<Option<Py<PyAny>>>>,
    /// What requests that say nothing else say of memory. It is here and not in the engine, so that the collector sees its policy.
    wishes: Mutex<Wishes>,
    /// The policies of checkpointed functions in this graph.
    policies: Mutex<Vec<Py<Policy>>>,
    /// Whether its tensors stand for the arguments of a function that is called with them, and that has not returned.
    of_function: bool,
    /// The line that called that function.
    site: Option<Site>,
}

impl Deref for Context {
    type Target = api::Context;
    fn deref(&self) -> &api::Context {
        &self.inner
    }
}

/// The innermost context of this thread, if it is inside of one.
pub fn innermost(py: Python<'_>) -> Option<Py<Context>> {
    CURRENT.with_borrow(|c| c.last().and_then(|c| c.as_ref()).map(|c| c.clone_ref(py)))
}

/// Calls `f` as outside of all contexts.
pub fn outside<R>(f: impl FnOnce() -> R) -> R {
    /// Leaves the place, whatever was opened meanwhile and not closed.
    struct Leave(usize);
    impl Drop for Leave {
        fn drop(&mut self) {
            // Without the list: to drop a context may run Python code.
            drop(CURRENT.with_borrow_mut(|c| c.drain(self.0.min(c.len())..).collect::<Vec<_>>()));
        }
    }
    let _leave = Leave(CURRENT.with_borrow_mut(|c| {
        c.push(None);
        c.len() - 1
    }));
    f()
}

/// The innermost context of this thread.
pub fn current(py: Python<'_>) -> PyResult<Py<Context>> {
    innermost(py).ok_or_else(|| {
        let e = Error::new(
            ErrorKind::Graph,
            "context",
            "there is no current context",
            "a call outside of a context",
            "a call inside `ag.run` or `with ag.Context()`",
        );
        e.help("open one, or give a tensor as an operand").into()
    })
}

/// The graph of the function that this thread is calling with tensors, if nothing was opened inside of it.
pub fn tracing(py: Python<'_>) -> Option<Py<Context>> {
    innermost(py).filter(|c| c.get().of_function)
}

/// `innermost`, for functions that make tensors of nothing.
#[pyfunction]
pub fn _innermost(py: Python<'_>) -> Option<Py<Context>> {
    innermost(py)
}

/// `tracing`, for the transformations of functions.
#[pyfunction]
pub fn _tracing(py: Python<'_>) -> Option<Py<Context>> {
    tracing(py)
}

/// The innermost context that this thread is inside of.
///
/// >>> with ag.Context(dtype="float32"):
/// ...     print(ag.current_context().dtype)
/// float32
#[pyfunction]
pub fn current_context(py: Python<'_>) -> PyResult<Py<Context>> {
    guarded(|| current(py))
}

/// How many plans this process has compiled.
#[pyfunction]
pub fn _compilations() -> u64 {
    crate::plan::compilations()
}

impl Context {
    pub fn of(inner: api::Context, wishes: Wishes) -> Context {
        let (functions, policies) = (Mutex::new(vec![]), Mutex::new(vec![]));
        Context { inner, functions, wishes: Mutex::new(wishes), policies, of_function: false, site: None }
    }
    /// What a request says of memory, and where it says nothing, what the context says.
    pub fn wishes(&self, py: Python<'_>, own: &Wishes) -> Wishes {
        own.or(py, &self.wishes.lock())
    }
    /// Keeps the policy of a checkpointed function until the context is closed.
    pub fn keep_policy(&self, policy: &Bound<'_, Policy>) {
        let mut list = self.policies.lock();
        if policy.get().has_functions() && !list.iter().any(|p| p.get().rule() == policy.get().rule()) {
            list.push(policy.clone().unbind());
        }
    }
    /// Whether nothing can be evaluated yet: what the arguments stand for is known to the caller of the function alone.
    pub fn is_of_function(&self) -> bool {
        self.of_function
    }
    /// Keeps functions until the context is closed; returns the place of the first.
    pub fn keep(&self, functions: impl IntoIterator<Item = Option<Py<PyAny>>>) -> usize {
        let mut list = self.functions.lock();
        let first = list.len();
        list.extend(functions);
        first
    }
    /// A function that is kept; none after the end.
    pub fn function<'py>(&self, py: Python<'py>, place: usize) -> Option<Bound<'py, PyAny>> {
        self.functions.lock().get(place)?.as_ref().map(|f| f.bind(py).clone())
    }
    fn release(&self) {
        let list: Vec<_> = self.functions.lock().iter_mut().map(Option::take).collect();
        let policies = std::mem::take(&mut *self.policies.lock());
        let wishes = std::mem::take(&mut *self.wishes.lock());
        // Without the locks: to drop a function may run Python code.
        drop((list, policies, wishes));
    }
    fn end(&self) {
        self.inner.close();
        self.release();
    }
}

/// A tensor object, or the error of the tensor.
fn done<'py>(ctx: &Bound<'py, Context>, t: graph::Tensor<'_>) -> Built<'py> {
    match t.error() {
        Some(e) => Err(e.into()),
        None => built(ctx.py(), ctx.as_unbound(), t.value()),
    }
}

/// A number, of Python or of NumPy, as it is.
fn number(op: &str, x: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    if let Some(s) = convert::scalar(x)? {
        return Ok(s);
    }
    let a = convert::to_array(x)?;
    if a.ndim() != 0 {
        let got = format!("an array of shape {}", Tuple(a.shape()));
        return Err(Error::new(ErrorKind::Shape, op, "the value is not one number", got, "a number").into());
    }
    Ok(a.get(0))
}

/// `value` in the kind of `dtype`; an error if it has another value there.
fn exactly(op: &str, value: Scalar, dtype: DType) -> PyResult<Scalar> {
    value.exactly(dtype).ok_or_else(|| {
        let got = match value {
            Scalar::Bool(b) => format!("{b}"),
            Scalar::Int(i) => format!("{i}"),
            Scalar::Float(x) => format!("{x:?}"),
        };
        Error::new(ErrorKind::DType, op, "the number does not fit", got, format_args!("a value of {dtype}")).into()
    })
}

fn filled<'py>(slf: &Bound<'py, Context>, shape: &Bound<'py, PyAny>, value: Scalar, dtype: Option<&Bound<'py, PyAny>>) -> Built<'py> {
    let ctx = &slf.get().inner;
    let dims: Vec<i64> = convert::lengths("full", shape, false)?.into_iter().map(|n| n as i64).collect();
    let dtype = dtype.map_or_else(|| Ok(ctx.dtype()?), convert::dtype)?;
    let value = exactly("full", value, dtype)?;
    done(slf, at_caller(slf.py(), || crate::ops::broadcast::broadcast_to(ctx.scalar(value, dtype), dims))?)
}

#[pymethods]
impl Context {
    /// A context over an environment (an empty one by default). Placeholders and creations take `dtype`; without it the
    /// only floating dtype of the variables, `float64` where there is none. `checkpoint` is a policy as `set_checkpoint_policy`
    /// takes, `memory_budget` a number of bytes as `set_memory_budget` does.
    #[new]
    #[pyo3(signature = (env=None, *, dtype=None, seed=None, checkpoint=None, memory_budget=None))]
    fn new(
        env: Option<&Bound<'_, VariableEnvironment>>,
        dtype: Option<&Bound<'_, PyAny>>,
        seed: Option<u64>,
        checkpoint: Option<&Bound<'_, PyAny>>,
        memory_budget: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Context> {
        guarded(|| {
            let wishes = Wishes::of(checkpoint, memory_budget)?;
            let env = env.map_or_else(crate::state::VariableEnvironment::new, |e| e.get().0.clone());
            let dtype = dtype.map(convert::dtype).transpose()?;
            if let Some(d) = dtype.filter(|d| !d.is_float()) {
                return Err(Error::new(ErrorKind::DType, "context", "not a floating dtype", d, "float32 or float64").into());
            }
            if let Some(n) = seed {
                env.seed(n);
            }
            Ok(Context::of(api::Context::new(env, dtype), wishes))
        })
    }

    /// A context for a function of arrays that is called with placeholders. Messages in it do not advise to evaluate.
    #[staticmethod]
    fn _of_function(py: Python<'_>) -> PyResult<Context> {
        guarded(|| {
            let of = Context::of(api::Context::new(crate::state::VariableEnvironment::new(), None), Wishes::default());
            Ok(Context { of_function: true, site: site::here(py), ..of })
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Nothing that could start a collection is done while the list is locked.
        if let Some(list) = self.functions.try_lock() {
            list.iter().flatten().try_for_each(|f| visit.call(f))?;
        }
        if let Some(list) = self.policies.try_lock() {
            list.iter().try_for_each(|p| visit.call(p))?;
        }
        self.wishes.try_lock().map_or(Ok(()), |w| w.traverse(&visit))
    }
    fn __clear__(&self) {
        self.release();
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        CURRENT.with_borrow_mut(|c| c.push(Some(slf.clone().unbind())));
        slf
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(slf: &Bound<'_, Self>, _args: &Bound<'_, PyTuple>) {
        let left = Self::_leave(slf);
        slf.get().end();
        drop(left);
    }

    /// Leaves the block without an end of the context: the graph is kept.
    fn _leave(slf: &Bound<'_, Self>) -> Option<Py<Self>> {
        CURRENT.with_borrow_mut(|c| {
            let own = c.iter().rposition(|x| x.as_ref().is_some_and(|x| x.is(slf)));
            own.and_then(|i| c.remove(i))
        })
    }

    /// Ends the context: from now on building and running are errors.
    ///
    /// >>> ctx = ag.Context()
    /// >>> x = ctx.constant(1.0)
    /// >>> ctx.close()
    /// >>> x.eval()
    /// Traceback (most recent call last):
    ///     ...
    /// scirs2_autograd.exceptions.GraphError: context: it is closed. Got a call after its end; expected a call while it is open.
    /// help: evaluate inside the `with` block, or keep the context open
    fn close(&self) {
        self.end();
    }

    /// The environment of the variables.
    #[getter]
    fn env(&self) -> VariableEnvironment {
        VariableEnvironment(self.inner.env().clone())
    }

    /// The floating dtype of placeholders and creations.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| convert::numpy_dtype(py, self.inner.dtype()?))
    }

    /// A value that each run is fed; -1 or None is a dimension of any length.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [None, 2])
    /// ...     print(x.shape, x.mean().eval({"x": np.eye(2)}))
    /// (None, 2) 0.5
    #[pyo3(signature = (name, shape, dtype=None))]
    fn placeholder<'py>(slf: &Bound<'py, Self>, name: &str, shape: &Bound<'py, PyAny>, dtype: Option<&Bound<'py, PyAny>>) -> Built<'py> {
        guarded(|| {
            let ctx = &slf.get().inner;
            let dims = convert::lengths("placeholder", shape, true)?;
            let dtype = dtype.map_or_else(|| Ok(ctx.dtype()?), convert::dtype)?;
            done(slf, at_caller(slf.py(), || ctx.placeholder_of(name, &dims, dtype))?)
        })
    }

    /// A placeholder for an array that the function is called with, of the array's shape.
    fn _argument<'py>(slf: &Bound<'py, Self>, name: &str, array: &Bound<'py, PyUntypedArray>, dtype: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| {
            let this = slf.get();
            let dims: SmallVec<[isize; 4]> = array.shape().iter().map(|&n| n as isize).collect();
            let dtype = convert::dtype(dtype)?;
            let make = || this.inner.placeholder_of(name, &dims, dtype);
            done(slf, this.site.map_or_else(make, |s| s.during(make)))
        })
    }

    /// A variable of the environment, by name, by (namespace, name), or by id.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.array([1.0, 2.0]))
    /// >>> with ag.Context(env) as ctx:
    /// ...     print((ctx.variable("w") + ctx.variable(w)).eval())
    /// [2. 4.]
    fn variable<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| {
            let py = slf.py();
            let ctx = &slf.get().inner;
            let site = site::here(py);
            let find = |f: &(dyn Fn() -> graph::Value + Sync)| py.detach(|| site.map_or_else(f, |s| s.during(f)));
            let value = if let Ok(id) = key.cast::<VariableID>() {
                let id = id.get().0;
                find(&|| ctx.variable(id).value())
            } else {
                let (ns, name) = super::environment::name_of(key)?;
                find(&|| ctx.variable((ns.as_str(), name.as_str())).value())
            };
            done(slf, ctx.tensor(value))
        })
    }

    /// A constant: the array is copied.
    ///
    /// >>> a = np.array([1.0, 2.0])
    /// >>> with ag.Context() as ctx:
    /// ...     t = ctx.constant(a)
    /// ...     a[0] = 9.0
    /// ...     print(t.eval())
    /// [1. 2.]
    #[pyo3(signature = (value, dtype=None))]
    fn constant<'py>(slf: &Bound<'py, Self>, value: &Bound<'py, PyAny>, dtype: Option<&Bound<'py, PyAny>>) -> Built<'py> {
        guarded(|| {
            let py = slf.py();
            let ctx = &slf.get().inner;
            let dtype = dtype.map(convert::dtype).transpose()?;
            let t = match convert::scalar(value)? {
                Some(s) => {
                    let own = match (s, dtype) {
                        (_, Some(d)) => d,
                        (Scalar::Float(_), None) => ctx.dtype()?,
                        (_, None) => s.dtype(),
                    };
                    let s = exactly("constant", s, own)?;
                    at_caller(py, || ctx.scalar(s, own))?
                }
                None => {
                    let a = convert::to_array(value)?;
                    let t = at_caller(py, || ctx.constant_array(a))?;
                    dtype.map_or(t, |d| crate::ops::apply::cast(t, d))
                }
            };
            done(slf, t)
        })
    }

    /// Numbers at equal distances; what `arange` of `tensor_ops` is written with.
    fn _arange<'py>(
        slf: &Bound<'py, Self>,
        start: &Bound<'py, PyAny>,
        stop: &Bound<'py, PyAny>,
        step: &Bound<'py, PyAny>,
        dtype: Option<&Bound<'py, PyAny>>,
    ) -> Built<'py> {
        guarded(|| {
            let ctx = &slf.get().inner;
            let (start, stop, step) = (number("arange", start)?, number("arange", stop)?, number("arange", step)?);
            let whole = [start, stop, step].iter().all(|s| matches!(s, Scalar::Int(_)));
            let dtype = match dtype {
                Some(d) => convert::dtype(d)?,
                None if whole => DType::I64,
                None => ctx.dtype()?,
            };
            done(slf, at_caller(slf.py(), || crate::ops::creation::arange(ctx, start, stop, step, dtype))?)
        })
    }

    /// A number repeated over a shape.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     print(ctx.full([2], 7, "int32").eval())
    /// [7 7]
    #[pyo3(signature = (shape, value, dtype=None))]
    fn full<'py>(
        slf: &Bound<'py, Self>,
        shape: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        dtype: Option<&Bound<'py, PyAny>>,
    ) -> Built<'py> {
        guarded(|| filled(slf, shape, number("full", value)?, dtype))
    }
    /// Zeros.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     print(ctx.zeros([2, 2]).eval())
    /// [[0. 0.]
    ///  [0. 0.]]
    #[pyo3(signature = (shape, dtype=None))]
    fn zeros<'py>(slf: &Bound<'py, Self>, shape: &Bound<'py, PyAny>, dtype: Option<&Bound<'py, PyAny>>) -> Built<'py> {
        guarded(|| filled(slf, shape, Scalar::Bool(false), dtype))
    }
    /// Ones.
    ///
    /// >>> with ag.Context(dtype="float32") as ctx:
    /// ...     print(ctx.ones([2]).eval(), ctx.ones([2]).dtype)
    /// [1. 1.] float32
    #[pyo3(signature = (shape, dtype=None))]
    fn ones<'py>(slf: &Bound<'py, Self>, shape: &Bound<'py, PyAny>, dtype: Option<&Bound<'py, PyAny>>) -> Built<'py> {
        guarded(|| filled(slf, shape, Scalar::Bool(true), dtype))
    }

    /// Which values gradients keep in requests of this context that say nothing themselves: a policy or a function, as
    /// `Evaluator.checkpoint` takes; None leaves it to the environment.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [3])
    /// ...     (g,) = T.grad([T.sin(T.exp(x)).sum()], [x])
    /// ...     kept = g.eval({x: np.ones(3)})
    /// ...     ctx.set_checkpoint_policy(ag.policies.nothing())
    /// ...     print((g.eval({x: np.ones(3)}) == kept).all())
    /// True
    #[pyo3(signature = (policy))]
    fn set_checkpoint_policy(&self, policy: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        guarded(|| {
            let policy = wished_policy("set_checkpoint_policy", policy)?;
            let before = self.wishes.lock().set_policy(policy);
            drop(before);
            Ok(())
        })
    }
    /// The peak of memory, in bytes, that requests of this context may have that say nothing themselves; see `Evaluator.memory_budget`.
    /// None leaves it to the environment.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     ctx.set_memory_budget(100_000)
    /// ...     print(ctx.evaluator().push(ctx.zeros([10]) + 1.0).plan().peak_bytes <= 100_000)
    /// True
    #[pyo3(signature = (bytes))]
    fn set_memory_budget(&self, bytes: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        guarded(|| {
            let bytes = wished_budget(bytes)?;
            self.wishes.lock().set_budget(bytes);
            Ok(())
        })
    }

    /// An evaluator: what to compute, with which feeds. `checkpoint` and `memory_budget` are as its methods of these names take them.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [])
    /// ...     print(ctx.evaluator().push(x + 1.0).feed(x, 2.0).run())
    /// [array(3.)]
    #[pyo3(signature = (*, checkpoint=None, memory_budget=None))]
    fn evaluator(slf: Py<Self>, checkpoint: Option<&Bound<'_, PyAny>>, memory_budget: Option<&Bound<'_, PyAny>>) -> PyResult<Evaluator> {
        guarded(|| {
            let wishes = Wishes::of(checkpoint, memory_budget)?;
            Ok(Evaluator::of(slf, vec![], Asked { wishes, ..Asked::default() }))
        })
    }

    /// The values of several tensors from one run. `checkpoint` and `memory_budget` are those of `evaluator`.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [2])
    /// ...     print(*ctx.eval([x.sum(), x.max()], {x: [1.0, 4.0]}))
    /// 5.0 4.0
    #[pyo3(signature = (tensors, feeds=None, *, checkpoint=None, memory_budget=None))]
    fn eval<'py>(
        slf: &Bound<'py, Self>,
        tensors: &Bound<'py, PyAny>,
        feeds: Option<&Bound<'py, PyAny>>,
        checkpoint: Option<&Bound<'py, PyAny>>,
        memory_budget: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        guarded(|| {
            let wishes = Wishes::of(checkpoint, memory_budget)?;
            let values: Vec<_> = super::apply::tensors(slf.as_unbound(), tensors)?.iter().map(|t| t.value()).collect();
            PyList::new(slf.py(), evaluate(slf.py(), slf.get(), &values, feeds, &wishes)?)
        })
    }

    /// Number of nodes of the graph.
    fn __len__(&self) -> usize {
        self.inner.graph().len()
    }
    fn __repr__(&self) -> String {
        format!("<Context of {} nodes>", self.inner.graph().len())
    }
    /// Refused: tensors are handles in this graph.
    fn __reduce__(&self) -> PyResult<()> {
        let help = "pickle the values of its tensors, or save its variables with `ctx.env.save(path)`, and build the graph again";
        refusal::no_copy("Context", self.__repr__(), help)
    }
}
