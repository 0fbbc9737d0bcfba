//! Evaluators, feeders, plans.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};
use smallvec::SmallVec;

use super::apply;
use super::checkpoint_profiler;
use super::context::Context;
use super::convert;
use super::guarded;
use super::lock::{LONG_GRAPH, SHORT_BYTES, released};
use super::policy::{Wishes, wished_budget, wished_policy};
use super::refusal;
use super::tensor;
use crate::api::binding::{Prepared, prepare_within};
use crate::api::context as api;
use crate::api::feed::{Feed, FeedKey, Target};
use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::checkpoint::Checkpointing;
use crate::graph::{Tensor, Value};

/// Feeds, and the objects that hold their memory.
#[derive(Default)]
pub struct FedObjects {
    pub feeder: crate::api::feed::Feeder<'static>,
    pub owners: Vec<Py<PyAny>>,
}

impl FedObjects {
    pub fn push(&mut self, placeholder: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let target = match placeholder.cast::<tensor::Tensor>() {
            Ok(t) => t.get().handle().target(),
            Err(_) => Target::Name(match placeholder.cast::<PyString>() {
                Ok(name) => name.to_string(),
                Err(_) => {
                    let (got, rule) = (placeholder.repr()?, "a tensor from `ctx.placeholder`, or its name");
                    return Err(Error::new(ErrorKind::DType, "feed", "the key has the wrong type", got, rule).into());
                }
            }),
        };
        let (feed, owner): (Feed<'static>, _) = convert::to_feed(value)?;
        self.feeder.feeds.push((target, feed));
        self.owners.extend(owner);
        Ok(())
    }
    /// Feeds as `op` was given them: a mapping from placeholders or their names, a feeder, or none.
    pub fn of(op: &str, feeds: Option<&Bound<'_, PyAny>>) -> PyResult<FedObjects> {
        let mut held = FedObjects::default();
        let Some(feeds) = feeds else { return Ok(held) };
        if let Ok(dict) = feeds.cast::<PyDict>() {
            // To convert a value may run the user's code, which may change the dict.
            let pairs: SmallVec<[(Bound<'_, PyAny>, Bound<'_, PyAny>); 4]> = dict.iter().collect();
            for (k, v) in &pairs {
                held.push(k, v)?;
            }
        } else if let Ok(feeder) = feeds.cast::<Feeder>() {
            held.extend(feeds.py(), &feeder.get().0.lock());
        } else if let Ok(mapping) = feeds.cast::<PyMapping>() {
            for item in mapping.items()? {
                let (k, v): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
                held.push(&k, &v)?;
            }
        } else {
            let got = feeds.get_type().name()?;
            return Err(Error::new(ErrorKind::DType, op, "the feeds are not a mapping", got, "{placeholder: array}").into());
        }
        Ok(held)
    }
    fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.owners.iter().try_for_each(|o| visit.call(o))
    }
    fn append(&mut self, other: FedObjects) {
        self.feeder.feeds.extend(other.feeder.feeds);
        self.owners.extend(other.owners);
    }
    pub fn extend(&mut self, py: Python<'_>, other: &FedObjects) {
        self.feeder.feeds.extend(other.feeder.feeds.iter().cloned());
        self.owners.extend(other.owners.iter().map(|o| o.clone_ref(py)));
    }
}

/// How often a long run asks whether a signal has come.
const SIGNALS: Duration = Duration::from_millis(20);

/// Runs a prepared request: the lock of the interpreter is given up for all but the shortest runs.
pub fn run(py: Python<'_>, prepared: &Prepared<'_, '_>) -> PyResult<Result<Vec<Array>>> {
    if prepared.is_short() {
        return Ok(prepared.run(None).map(|out| out.outputs));
    }
    Ok(attended(py, |proceed| prepared.run(Some(proceed)))?.map(|out| out.outputs))
}

/// Runs `f` without the lock of the interpreter. A signal such as Ctrl-C stops it before it has written anything: what it is
/// given asks whether one has come.
pub fn attended<T: Send>(py: Python<'_>, f: impl FnOnce(&dyn Fn() -> bool) -> Result<T> + Send) -> PyResult<Result<T>> {
    let last = Mutex::new(Instant::now());
    // What a signal's handler raised: KeyboardInterrupt for Ctrl-C, anything for a handler of the user's.
    let raised = Mutex::new(None);
    let proceed = || {
        {
            let mut last = last.lock();
            if last.elapsed() < SIGNALS {
                return true;
            }
            *last = Instant::now();
        }
        // Where the interpreter is gone, a thread that it has not waited for goes on by itself, until the process ends.
        match Python::try_attach(|py| py.check_signals()) {
            None | Some(Ok(())) => true,
            Some(Err(e)) => {
                *raised.lock() = Some(e);
                false
            }
        }
    };
    let out = released(py, || f(&proceed));
    // A signal that came during the last steps, or while the run was writing, is raised now.
    match out {
        Ok(out) => {
            py.check_signals()?;
            Ok(Ok(out))
        }
        Err(e) => match raised.into_inner() {
            Some(own) if e.kind() == ErrorKind::Interrupted => Err(own),
            _ => Ok(Err(e)),
        },
    }
}

/// The values of tensors as NumPy arrays.
pub fn evaluate<'py>(
    py: Python<'py>,
    ctx: &Context,
    values: &[Value],
    feeds: Option<&Bound<'py, PyAny>>,
    wishes: &Wishes,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    evaluate_held(py, ctx, values, &[], &FedObjects::of("eval", feeds)?, wishes)
}

pub fn evaluate_held<'py>(
    py: Python<'py>,
    ctx: &Context,
    outputs: &[Value],
    writes: &[Value],
    held: &FedObjects,
    wishes: &Wishes,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    // The policy stays until the run has ended.
    let wishes = ctx.wishes(py, wishes);
    arrays(py, ctx, outputs, writes, held, &wishes.said())??.into_iter().map(|a| convert::to_numpy(py, a)).collect()
}

/// As `evaluate_held`, with the engine's arrays. Only what a signal's handler raised is an exception here.
pub fn arrays(
    py: Python<'_>,
    ctx: &api::Context,
    outputs: &[Value],
    writes: &[Value],
    held: &FedObjects,
    said: &Checkpointing,
) -> PyResult<Result<Vec<Array>>> {
    if outputs.is_empty() && writes.is_empty() {
        return Ok(ctx.check_open().map(|()| vec![]));
    }
    let (outputs, writes) = (handles(ctx, outputs), handles(ctx, writes));
    if is_long(ctx, held) {
        let run = |proceed: &dyn Fn() -> bool| prepare_within(ctx, &outputs, &writes, &held.feeder, said)?.run(Some(proceed));
        return Ok(attended(py, run)?.map(|out| out.outputs));
    }
    match prepare_within(ctx, &outputs, &writes, &held.feeder, said) {
        Ok(prepared) => run(py, &prepared),
        Err(e) => Ok(Err(e)),
    }
}

/// True if it may take long to prepare a request: feeds are copied where their memory cannot be read in place, and a large
/// graph takes its time to be planned.
fn is_long(ctx: &api::Context, held: &FedObjects) -> bool {
    let bytes = held.feeder.feeds.iter().map(|(_, f)| f.bytes()).fold(0, usize::saturating_add);
    bytes > SHORT_BYTES || ctx.graph().len() > LONG_GRAPH
}

pub fn handles<'c>(ctx: &'c api::Context, values: &[Value]) -> SmallVec<[Tensor<'c>; 8]> {
    values.iter().map(|&v| ctx.tensor(v)).collect()
}

/// What to compute, with which feeds.
///
/// >>> with ag.Context() as ctx:
/// ...     x = ctx.placeholder("x", [])
/// ...     print(*ctx.evaluator().push(x + 1.0).push(x * x).feed(x, 3.0).run())
/// 4.0 9.0
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Evaluator {
    pub ctx: Py<Context>,
    /// Assignments that its runs make.
    pub writes: Vec<Value>,
    state: Mutex<Asked>,
}

/// What an evaluator asks for.
#[derive(Default)]
pub struct Asked {
    pub outputs: Vec<Value>,
    pub held: FedObjects,
    pub wishes: Wishes,
}

impl Evaluator {
    pub fn of(ctx: Py<Context>, writes: Vec<Value>, asked: Asked) -> Evaluator {
        Evaluator { ctx, writes, state: Mutex::new(asked) }
    }
    /// A copy of what is asked for, with the wishes of the context: no lock is held while a plan is made or run, which may call
    /// Python code.
    pub fn request(&self, py: Python<'_>) -> Asked {
        let mut held = FedObjects::default();
        let state = self.state.lock();
        held.extend(py, &state.held);
        Asked { outputs: state.outputs.clone(), held, wishes: self.ctx.get().wishes(py, &state.wishes) }
    }
}

#[pymethods]
impl Evaluator {
    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.ctx)?;
        let Some(state) = self.state.try_lock() else { return Ok(()) };
        state.held.traverse(&visit)?;
        state.wishes.traverse(&visit)
    }
    fn __clear__(&self) {
        let asked = std::mem::take(&mut *self.state.lock());
        drop(asked);
    }

    /// Asks for a tensor.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.constant([1.0, 4.0])
    /// ...     print(*ctx.evaluator().push(x.sum()).push(x.max()).run())
    /// 5.0 4.0
    fn push<'py>(slf: Bound<'py, Self>, tensor: &Bound<'py, tensor::Tensor>) -> PyResult<Bound<'py, Self>> {
        guarded(|| {
            let this = slf.get();
            if !tensor.get().ctx.is(&this.ctx) {
                let got = tensor.get().__repr__();
                return Err(
                    Error::new(ErrorKind::Graph, "eval", "the tensor belongs to another context", got, "a tensor of this context").into()
                );
            }
            this.state.lock().outputs.push(tensor.get().value);
            Ok(slf)
        })
    }
    /// Asks for several tensors.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.constant([1.0, 4.0])
    /// ...     print(*ctx.evaluator().extend([x.sum(), x.max()]).run())
    /// 5.0 4.0
    fn extend<'py>(slf: Bound<'py, Self>, tensors: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        guarded(|| {
            let this = slf.get();
            let values: Vec<Value> = apply::tensors(&this.ctx, tensors)?.iter().map(|t| t.value()).collect();
            this.state.lock().outputs.extend(values);
            Ok(slf)
        })
    }
    /// Feeds a placeholder (its tensor or its name). The array is read in place during the run.
    ///
    /// >>> a = np.array([1.0, 2.0])
    /// >>> with ag.Context() as ctx:
    /// ...     doubled = ctx.evaluator().push(ctx.placeholder("x", [2]) * 2.0).feed("x", a)
    /// ...     a[0] = 9.0
    /// ...     print(*doubled.run())
    /// [18.  4.]
    fn feed<'py>(slf: Bound<'py, Self>, placeholder: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        guarded(|| {
            // The array is read first: that may run Python code, which must not meet a lock.
            let mut held = FedObjects::default();
            held.push(placeholder, value)?;
            slf.get().state.lock().held.append(held);
            Ok(slf)
        })
    }
    /// Adds the feeds of a feeder.
    ///
    /// >>> feeder = ag.Feeder().push("x", 3.0).push("y", 4.0)
    /// >>> with ag.Context() as ctx:
    /// ...     x, y = ctx.placeholder("x", []), ctx.placeholder("y", [])
    /// ...     print(*ctx.evaluator().push(x * y).set_feeder(feeder).run())
    /// 12.0
    fn set_feeder<'py>(slf: Bound<'py, Self>, feeder: &Bound<'py, Feeder>) -> Bound<'py, Self> {
        slf.get().state.lock().held.extend(slf.py(), &feeder.get().0.lock());
        slf
    }
    /// Which values gradients keep in this request, by an `ag.Policy` or a function; all others are computed again when gradients read
    /// them. None leaves it to the context. The numbers are the same, bit for bit. If the peak of memory would be higher for it, all is
    /// kept. What is no policy is a `DTypeError`.
    ///
    /// >>> def peak(policy):
    /// ...     with ag.Context() as ctx:
    /// ...         x = ctx.placeholder("x", [1000])
    /// ...         y = x
    /// ...         for _ in range(16):
    /// ...             y = T.sin(T.tanh(y))
    /// ...         (g,) = T.grad([y], [x])
    /// ...         return ctx.evaluator().push(g).feed(x, np.ones(1000)).checkpoint(policy).plan().peak_bytes
    /// >>> peak(ag.policies.segments()) <= peak(None)
    /// True
    #[pyo3(signature = (policy))]
    fn checkpoint<'py>(slf: Bound<'py, Self>, policy: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, Self>> {
        guarded(|| {
            let policy = wished_policy("checkpoint", policy)?;
            let before = slf.get().state.lock().wishes.set_policy(policy);
            drop(before);
            Ok(slf)
        })
    }
    /// The peak of memory that this request may have, in bytes: that of the arena and the outputs, `plan().peak_bytes`. What feeds,
    /// variables and constants hold is not counted. Values are computed again so that it is kept, as few as can be; if nothing fits, the
    /// run is a `MemoryError` with the least that would do. None leaves it to the context. What is no number of bytes is a
    /// `DTypeError`, and a negative one a `ValueError`.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [1000])
    /// ...     (g,) = T.grad([T.sin(x)], [x])
    /// ...     plan = ctx.evaluator().push(g).feed(x, np.ones(1000)).memory_budget(64_000).plan()
    /// >>> plan.peak_bytes <= 64_000
    /// True
    #[pyo3(signature = (bytes))]
    fn memory_budget<'py>(slf: Bound<'py, Self>, bytes: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, Self>> {
        guarded(|| {
            let bytes = wished_budget(bytes)?;
            slf.get().state.lock().wishes.set_budget(bytes);
            Ok(slf)
        })
    }
    /// Runs once and returns a list of NumPy arrays, one for each tensor that was asked for.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [2])
    /// ...     print(ctx.evaluator().push(x * 2.0).feed(x, [1.0, 2.0]).run())
    /// [array([2., 4.])]
    fn run<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| {
            let asked = self.request(py);
            PyList::new(py, evaluate_held(py, self.ctx.get(), &asked.outputs, &self.writes, &asked.held, &asked.wishes)?)
        })
    }
    /// The plan of this request.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [8])
    /// ...     print(ctx.evaluator().push(x * x + x).feed(x, np.zeros(8)).plan().steps)
    /// 1
    fn plan(&self, py: Python<'_>) -> PyResult<Plan> {
        guarded(|| {
            let asked = self.request(py);
            let ctx = self.ctx.get();
            let (outputs, writes) = (handles(ctx, &asked.outputs), handles(ctx, &self.writes));
            let (feeder, said) = (&asked.held.feeder, asked.wishes.said());
            let plan = || prepare_within(ctx, &outputs, &writes, feeder, &said).and_then(|p| p.plan());
            Ok(Plan(if is_long(ctx, &asked.held) { released(py, plan) } else { plan() }?))
        })
    }
    /// Refused: it belongs to its context.
    fn __reduce__(&self) -> PyResult<()> {
        let help = "pickle the arrays that it returns, or build the graph and the evaluator again";
        refusal::no_copy("Evaluator", "<Evaluator>", help)
    }
}

/// Feeds that are set up apart from an evaluator.
///
/// >>> feeder = ag.Feeder().push("x", 3.0)
/// >>> with ag.Context() as ctx:
/// ...     x = ctx.placeholder("x", [])
/// ...     print(*ctx.evaluator().push(x * x).set_feeder(feeder).run())
/// 9.0
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Feeder(pub Mutex<FedObjects>);

#[pymethods]
impl Feeder {
    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.0.try_lock().map_or(Ok(()), |held| held.traverse(&visit))
    }
    fn __clear__(&self) {
        let held = std::mem::take(&mut *self.0.lock());
        drop(held);
    }

    #[new]
    fn new() -> Feeder {
        Feeder(Mutex::new(FedObjects::default()))
    }
    /// Adds a feed; a later one for the same placeholder takes the place of an earlier one.
    ///
    /// An array of another dtype is converted under NumPy's `same_kind` rule, and rounded where the placeholder's dtype is narrower.
    /// A value that does not fit raises `DTypeError` when the graph runs: an integer out of range, or a finite number that
    /// overflows `float32`. Infinities and NaN stay what they are.
    ///
    /// >>> feeder = ag.Feeder().push("x", 3.0).push("x", 4.0)
    /// >>> with ag.Context() as ctx:
    /// ...     print(*ctx.evaluator().push(ctx.placeholder("x", [])).set_feeder(feeder).run())
    /// 4.0
    fn push<'py>(slf: Bound<'py, Self>, placeholder: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        guarded(|| {
            let mut held = FedObjects::default();
            held.push(placeholder, value)?;
            slf.get().0.lock().append(held);
            Ok(slf)
        })
    }
    fn __len__(&self) -> usize {
        self.0.lock().feeder.feeds.len()
    }
    /// Refused: its placeholders belong to their context.
    fn __reduce__(&self) -> PyResult<()> {
        let help = "keep the feeds in a dict of arrays by name, which `eval` and `Feeder.push` take";
        refusal::no_copy("Feeder", format_args!("<Feeder of {} feeds>", self.__len__()), help)
    }
}

/// A plan: what runs, in which order, and where every value is.
///
/// >>> with ag.Context() as ctx:
/// ...     x = ctx.placeholder("x", [1000])
/// ...     plan = ctx.evaluator().push((T.exp(x) * x).sum()).feed(x, np.zeros(1000)).plan()
/// ...     print(plan.steps)  # Elementwise steps and the sum are one.
/// 1
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Plan(pub crate::plan::TracedPlan);

#[pymethods]
impl Plan {
    /// Every stage of the plan as text; the nodes with the lines that built them.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     plan = ctx.evaluator().push(T.exp(ctx.placeholder("x", []))).feed("x", 1.0).plan()
    /// ...     print("exp" in plan.explain())
    /// True
    fn explain(&self) -> PyResult<String> {
        guarded(|| Ok(self.0.explain()))
    }
    /// Number of steps.
    #[getter]
    fn steps(&self) -> usize {
        self.0.steps.len()
    }
    /// Bytes of arena and outputs that a run on one thread holds at its peak; each further thread adds its registers, some 100 kB.
    #[getter]
    fn peak_bytes(&self) -> usize {
        self.0.peak_bytes()
    }
    /// Bytes of the arena, the block of memory that holds what is neither fed nor returned.
    #[getter]
    fn arena_bytes(&self) -> usize {
        self.0.arena_bytes
    }
    /// What a run holds in memory while each step runs, in the order of the steps. Its maximum is `peak_bytes` but for what lies
    /// unused between values: `peak_bytes` counts the arena as a whole, of `arena_bytes`. `ag.viz.memory` draws it.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [64, 64])
    /// ...     plan = ctx.evaluator().push((T.tanh(x @ x) @ x).sum()).feed(x, np.zeros((64, 64))).plan()
    /// >>> [s.name for s in plan.memory_timeline()]
    /// ['batch_matmul', 'tile', 'batch_matmul', 'tile']
    /// >>> max(s.bytes for s in plan.memory_timeline()) <= plan.peak_bytes
    /// True
    fn memory_timeline(&self) -> PyResult<Vec<checkpoint_profiler::MemoryStep>> {
        guarded(|| Ok(checkpoint_profiler::timeline(&self.0)))
    }
    /// Refused: it is made for this process, and found again for a graph of the same structure.
    fn __reduce__(&self) -> PyResult<()> {
        let help = "keep `plan.explain()`, or build the graph again: its plan is made when it runs";
        refusal::no_copy("Plan", self.__repr__(), help)
    }
    fn __repr__(&self) -> String {
        format!("<Plan of {} steps, peak {} bytes>", self.0.steps.len(), self.0.peak_bytes())
    }
}
