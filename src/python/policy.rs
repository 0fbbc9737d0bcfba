//! Policies, and what a request says of memory.

use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple, PyWeakrefMethods, PyWeakrefReference};
use rustc_hash::FxHashMap;

use super::convert;
use super::guarded;
use super::user::raised;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::checkpoint::Checkpointing;
use crate::graph::nesting::nested;
use crate::graph::policy;

/// A value that a gradient can read, as a function that is a policy sees it.
///
/// >>> seen = []
/// >>> def keep(value):
/// ...     seen.append((value.op, value.shape, value.bytes, value.read))
/// ...     return True
/// >>> with ag.Context() as ctx:
/// ...     x = ctx.placeholder("x", [2])
/// ...     (g,) = T.grad([T.exp(T.sin(x))], [x])
/// ...     plan = ctx.evaluator(checkpoint=keep).push(g).feed(x, [0.0, 1.0]).plan()
/// >>> ("exp", (2,), 16, True) in seen
/// True
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Candidate(policy::Candidate);

#[pymethods]
impl Candidate {
    /// The operation that computes it, as `plan.explain()` names it.
    #[getter]
    fn op(&self) -> &'static str {
        self.0.op
    }
    /// The names that `checkpoint_name` gave it.
    #[getter]
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        guarded(|| PyTuple::new(py, self.0.names.iter().map(|n| &**n)))
    }
    /// Its NumPy dtype.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| convert::numpy_dtype(py, self.0.dtype))
    }
    /// Lengths of its axes.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        guarded(|| PyTuple::new(py, &self.0.shape))
    }
    /// Its bytes.
    #[getter]
    fn bytes(&self) -> usize {
        self.0.bytes
    }
    /// The arithmetic of computing it again, without that of what it is computed from.
    #[getter]
    fn flops(&self) -> f64 {
        self.0.flops
    }
    /// Whether its operation does far more arithmetic than it moves elements, as a product does.
    #[getter]
    fn product(&self) -> bool {
        self.0.product
    }
    /// Whether a gradient reads it; others are only on the way to such.
    #[getter]
    fn read(&self) -> bool {
        self.0.read
    }
    fn __repr__(&self) -> String {
        format!("<Candidate {} of shape {}, {} bytes>", self.0.op, crate::shape::Tuple(&self.0.shape), self.0.bytes)
    }
}

/// A function of the user's. Policies of Python own it, where Python's collector sees it; what the engine keeps refers to it.
type Function = Arc<Py<PyAny>>;

/// How the engine comes to a function.
enum Way {
    /// As long as the function itself is there.
    Object(Py<PyWeakrefReference>),
    /// As long as the policy is there that was made of it.
    Owner(Weak<Py<PyAny>>),
}

impl Way {
    fn keeps(&self, value: &policy::Candidate) -> Result<bool> {
        nested("policy", || {
            Python::attach(|py| {
                let function = match self {
                    Way::Object(f) => f.bind(py).upgrade(),
                    Way::Owner(f) => f.upgrade().map(|f| f.bind(py).clone()),
                };
                let Some(f) = function else {
                    let rule = "a policy that is kept as long as what it was given to";
                    return Err(Error::new(ErrorKind::Graph, "policy", "its function is gone", "a call of it", rule));
                };
                let call = || -> PyResult<bool> {
                    let given = f.call1((Candidate(value.clone()),))?;
                    given.extract::<bool>().map_err(|_| {
                        let (got, rule) = (shown(&given), "True, which keeps the value, or False");
                        Error::new(ErrorKind::DType, "policy", "the function returned no bool", got, rule).into()
                    })
                };
                call().map_err(|e| raised(py, "policy", e))
            })
        })
    }
}

/// The policies of functions by the addresses of these: one function is one policy, so that its plans are found again.
static MADE: LazyLock<Mutex<FxHashMap<usize, (Py<PyWeakrefReference>, policy::Policy)>>> = LazyLock::new(Mutex::default);

/// The engine's policy of a function.
fn of_function(f: &Bound<'_, PyAny>) -> (policy::Policy, Function) {
    let py = f.py();
    let function = Arc::new(f.clone().unbind());
    let Ok(weak) = PyWeakrefReference::new(f) else {
        let way = Way::Owner(Arc::downgrade(&function));
        return (policy::Policy::new(move |v| way.keeps(v)), function);
    };
    let mut made = MADE.lock();
    let place = f.as_ptr() as usize;
    if let Some((of, rule)) = made.get(&place)
        && of.bind(py).upgrade().is_some_and(|x| x.is(f))
    {
        return (rule.clone(), function);
    }
    if made.len() == made.capacity() {
        made.retain(|_, (of, _)| of.bind(py).upgrade().is_some());
    }
    let weak = weak.unbind();
    let way = Way::Object(weak.clone_ref(py));
    let rule = policy::Policy::new(move |v| way.keeps(v));
    made.insert(place, (weak, rule.clone()));
    (rule, function)
}

fn shown(x: &Bound<'_, PyAny>) -> String {
    x.repr().map_or_else(|_| String::new(), |r| r.to_string())
}

/// What a policy of Python owns.
enum Owned {
    Nothing,
    Function(Mutex<Option<Function>>),
    Parts(Vec<Py<Policy>>),
}

/// Which values a run keeps for gradients; all others are computed again when gradients read them. The numbers are the same, bit for
/// bit.
///
/// `ag.policies` makes policies. `p & q` keeps what both keep, `p | q` what one of them keeps, `~p` what `p` does not. Wherever a policy is
/// asked for, a function may stand instead, which is called with a `Candidate` for each value that gradients could read, in the order of the
/// program, when a plan is made: True keeps the value. What it raises, the run raises, and nothing has changed. The plans of a function
/// are found again for the same function, so one that is made anew for each run has each run planned anew.
///
/// >>> policy = ag.policies.products() | ag.policies.up_to(4096)
/// >>> policy
/// (products() | up_to(4096))
/// >>> wide = ag.Policy(lambda value: value.shape[-1:] > (512,))
/// >>> both = policy & ~wide
#[pyclass(frozen, weakref, module = "scirs2_autograd._lib")]
pub struct Policy {
    rule: policy::Policy,
    owned: Owned,
}

impl Policy {
    fn of(rule: policy::Policy) -> Policy {
        Policy { rule, owned: Owned::Nothing }
    }
    /// A policy, or a function as one.
    pub fn from<'py>(op: &str, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Policy>> {
        if let Ok(policy) = x.cast::<Policy>() {
            return Ok(policy.clone());
        }
        let rule = "a policy of `ag.policies`, or a function that says of a value whether it is kept";
        if !x.is_callable() {
            return Err(Error::new(ErrorKind::DType, op, "this is no policy", shown(x), rule).into());
        }
        // One that makes policies keeps nothing itself.
        let of = x.getattr_opt("__module__")?.and_then(|m| m.extract::<String>().ok());
        if of.is_some_and(|m| m == "scirs2_autograd.policies") {
            let name = x.getattr("__name__")?;
            let e = Error::new(ErrorKind::DType, op, "this makes a policy, and is none", format_args!("ag.policies.{name}"), rule);
            return Err(e.help(format!("write `ag.policies.{name}(...)`")).into());
        }
        let (rule, function) = of_function(x);
        Bound::new(x.py(), Policy { rule, owned: Owned::Function(Mutex::new(Some(function))) })
    }
    /// The engine's, which goes with this object.
    pub fn rule(&self) -> policy::Policy {
        self.rule.clone()
    }
    /// The engine's, which owns this object.
    pub fn lasting(slf: Py<Policy>) -> policy::Policy {
        let rule = slf.get().rule();
        if let Owned::Nothing = slf.get().owned { rule } else { rule.with(slf) }
    }
    /// Whether the engine's policy refers to a function.
    pub fn has_functions(&self) -> bool {
        !matches!(self.owned, Owned::Nothing)
    }
    fn joined(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        f: fn(policy::Policy, policy::Policy) -> policy::Policy,
    ) -> PyResult<Policy> {
        let other = Policy::from("policy", other)?;
        let rule = f(slf.get().rule(), other.get().rule());
        Ok(Policy { rule, owned: Owned::Parts(vec![slf.clone().unbind(), other.unbind()]) })
    }
}

#[pymethods]
impl Policy {
    /// A function as a policy: the same function is the same policy.
    #[new]
    fn new<'py>(keep: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Policy>> {
        guarded(|| Policy::from("Policy", keep))
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        match &self.owned {
            Owned::Nothing => Ok(()),
            Owned::Function(f) => f.try_lock().map_or(Ok(()), |f| f.as_ref().map_or(Ok(()), |f| visit.call(&**f))),
            Owned::Parts(parts) => parts.iter().try_for_each(|p| visit.call(p)),
        }
    }
    fn __clear__(&self) {
        if let Owned::Function(f) = &self.owned {
            let function = f.lock().take();
            drop(function);
        }
    }

    #[staticmethod]
    fn _plain(name: &str) -> PyResult<Policy> {
        guarded(|| match name {
            "everything" => Ok(Policy::of(policy::Policy::everything())),
            "nothing" => Ok(Policy::of(policy::Policy::nothing())),
            "products" => Ok(Policy::of(policy::Policy::products())),
            _ => Err(PyTypeError::new_err("policies: there is no such policy")),
        })
    }
    #[staticmethod]
    fn _counted(name: &str, n: &Bound<'_, PyAny>) -> PyResult<Policy> {
        guarded(|| {
            Ok(Policy::of(match name {
                "every_layers" => policy::Policy::every_layers(count(name, "layers", n, 1, "")?),
                "segments" if n.is_none() => policy::Policy::segments(None),
                "segments" => policy::Policy::segments(Some(count(name, "segments", n, 1, ", or None")?)),
                "up_to" => policy::Policy::up_to(count(name, "bytes", n, 0, "")?),
                "all_but_largest" => policy::Policy::all_but_largest(count(name, "values", n, 0, "")?),
                _ => return Err(PyTypeError::new_err("policies: there is no such policy")),
            }))
        })
    }
    #[staticmethod]
    fn _listed(name: &str, names: &Bound<'_, PyTuple>) -> PyResult<Policy> {
        guarded(|| {
            let text = |x: Bound<'_, PyAny>| match x.cast::<PyString>() {
                Ok(s) => Ok(s.to_string()),
                Err(_) => {
                    let rule = "strings, as arguments of their own";
                    Err(PyErr::from(Error::new(ErrorKind::DType, name, "this is no name", shown(&x), rule)))
                }
            };
            let list = names.iter().map(text).collect::<PyResult<Vec<String>>>()?;
            Ok(Policy::of(if name == "ops" { policy::Policy::ops(list) } else { policy::Policy::names(list) }))
        })
    }

    fn __and__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Policy> {
        guarded(|| Policy::joined(slf, other, |a, b| a & b))
    }
    fn __or__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Policy> {
        guarded(|| Policy::joined(slf, other, |a, b| a | b))
    }
    fn __rand__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Policy> {
        guarded(|| Policy::joined(&Policy::from("policy", other)?, slf, |a, b| a & b))
    }
    fn __ror__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Policy> {
        guarded(|| Policy::joined(&Policy::from("policy", other)?, slf, |a, b| a | b))
    }
    fn __invert__(slf: &Bound<'_, Self>) -> Policy {
        Policy { rule: !slf.get().rule(), owned: Owned::Parts(vec![slf.clone().unbind()]) }
    }
    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Policy>().is_ok_and(|p| p.get().rule == self.rule)
    }
    fn __hash__(&self) -> u64 {
        let mut words = vec![];
        self.rule.words(&mut words);
        words.iter().fold(words.len() as u64, |h, w| (h.rotate_left(5) ^ w).wrapping_mul(0x517c_c1b7_2722_0a95))
    }
    fn __repr__(&self) -> String {
        self.rule.to_string()
    }
}

/// A number of things; one beyond all that there can be is the most.
pub fn count(op: &str, things: &str, x: &Bound<'_, PyAny>, least: usize, or: &str) -> PyResult<usize> {
    let wrong = |kind: ErrorKind| -> PyErr {
        Error::new(kind, op, format_args!("this is no number of {things}"), shown(x), format_args!("an integer >= {least}{or}")).into()
    };
    if x.is_instance_of::<PyBool>() {
        return Err(wrong(ErrorKind::DType));
    }
    match x.extract::<i64>() {
        Ok(n) => usize::try_from(n).ok().filter(|&n| n >= least).ok_or_else(|| wrong(ErrorKind::Value)),
        Err(e) if e.is_instance_of::<PyOverflowError>(x.py()) => {
            if x.lt(0)? {
                return Err(wrong(ErrorKind::Value));
            }
            Ok(usize::MAX)
        }
        Err(e) if e.is_instance_of::<PyTypeError>(x.py()) => Err(wrong(ErrorKind::DType)),
        Err(e) => Err(e),
    }
}

/// What is said of the memory of a request.
#[derive(Default)]
pub struct Wishes {
    policy: Option<Py<Policy>>,
    budget: Option<usize>,
}

impl Wishes {
    /// As a user says it; None says nothing.
    pub fn of(policy: Option<&Bound<'_, PyAny>>, budget: Option<&Bound<'_, PyAny>>) -> PyResult<Wishes> {
        Ok(Wishes { policy: wished_policy("checkpoint", policy)?, budget: wished_budget(budget)? })
    }
    /// Sets the policy; returns the one before, which must not go while a lock is held.
    pub fn set_policy(&mut self, policy: Option<Py<Policy>>) -> Option<Py<Policy>> {
        std::mem::replace(&mut self.policy, policy)
    }
    /// Sets the number of bytes.
    pub fn set_budget(&mut self, budget: Option<usize>) {
        self.budget = budget;
    }
    /// What is said here, and where nothing is said, what `other` says.
    pub fn or(&self, py: Python<'_>, other: &Wishes) -> Wishes {
        let policy = self.policy.as_ref().or(other.policy.as_ref()).map(|p| p.clone_ref(py));
        Wishes { policy, budget: self.budget.or(other.budget) }
    }
    /// The engine's form, which is used while this is there.
    pub fn said(&self) -> Checkpointing {
        Checkpointing { policy: self.policy.as_ref().map(|p| p.get().rule()), budget: self.budget }
    }
    pub fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.policy)
    }
}

/// A policy as a user gives it to `op`; None is none.
pub fn wished_policy(op: &str, x: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Py<Policy>>> {
    x.map(|x| Ok(Policy::from(op, x)?.unbind())).transpose()
}

/// A number of bytes as a user gives it; None is none.
pub fn wished_budget(x: Option<&Bound<'_, PyAny>>) -> PyResult<Option<usize>> {
    x.map(|x| count("memory_budget", "bytes", x, 0, ", or None")).transpose()
}
