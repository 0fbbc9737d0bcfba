//! Environments, namespaces, slots.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::context::Context;
use super::convert;
use super::guarded;
use super::tensor::Filled;
use crate::api::context as api;
use crate::array::Array;
use crate::dtype::Scalar;
use crate::error::{Error, ErrorKind};
use crate::state::{self, Value};

/// Names a variable of one environment; others refuse it, and it differs from all of theirs.
///
/// >>> env = ag.VariableEnvironment()
/// >>> w = env.set(np.array([1.0, 2.0]))
/// >>> env.get(w)
/// array([1., 2.])
#[pyclass(frozen, eq, hash, module = "scirs2_autograd._lib")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VariableID(pub state::VariableID);

#[pymethods]
impl VariableID {
    fn __index__(&self) -> u32 {
        self.0.index
    }
    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// Variables, and what else outlives a run: namespaces, the seed, the run counter.
///
/// >>> env = ag.VariableEnvironment()
/// >>> w = env.name("w").set(np.array([1.0, 2.0]))
/// >>> with ag.Context(env) as ctx:
/// ...     print((ctx.variable("w") * 10.0).eval())
/// [10. 20.]
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct VariableEnvironment(pub state::VariableEnvironment);

struct Given(Value);
impl state::IntoArray for Given {
    fn into_value(self) -> crate::error::Result<Value> {
        Ok(self.0)
    }
}

/// A copy of what the user gave; a Python float takes the environment's dtype.
fn value(x: &Bound<'_, PyAny>) -> PyResult<Given> {
    if let Ok(f) = x.cast::<Filled>() {
        return Ok(Given(Value::Weak(f.get().0.clone())));
    }
    Ok(Given(match convert::scalar(x)? {
        Some(Scalar::Float(v)) => Value::Weak(state::Filled::new(&[], v)),
        Some(s) => Value::Array(Array::scalar(s, s.dtype())?),
        None => Value::Array(convert::to_array(x)?),
    }))
}

/// The namespace and the name that a key stands for.
pub fn name_of(key: &Bound<'_, PyAny>) -> PyResult<(String, String)> {
    key.extract::<(String, String)>().or_else(|_| key.extract::<String>().map(|n| (String::new(), n))).map_err(|_| {
        let got = key.repr().map_or_else(|_| String::new(), |r| r.to_string());
        let rule = "a name, a pair (namespace, name), or a VariableID";
        Error::new(ErrorKind::DType, "variable", "the key has the wrong type", got, rule).into()
    })
}

/// A copy for the user, which no run will change.
fn out<'py>(py: Python<'py>, a: &Array) -> PyResult<Bound<'py, PyAny>> {
    convert::to_numpy(py, super::lock::released_for(py, a.bytes(), || Array::copy_of(a.raw_view()))?)
}

#[pymethods]
impl VariableEnvironment {
    #[new]
    fn new() -> VariableEnvironment {
        VariableEnvironment(state::VariableEnvironment::new())
    }
    /// The slot of a named variable of the default namespace: `env.name("w").set(array)`.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.ones(2))
    /// >>> env.get("w")
    /// array([1., 1.])
    fn name(&self, name: &str) -> Slot {
        Slot { env: self.0.clone(), namespace: String::new(), name: Some(name.to_owned()) }
    }
    /// The slot of an unnamed variable.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.slot().set(np.ones(2))
    /// >>> len(env), env.names()
    /// (1, [])
    fn slot(&self) -> Slot {
        Slot { env: self.0.clone(), namespace: String::new(), name: None }
    }
    /// Sets an unnamed variable.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.set(np.ones(2))
    /// >>> env.get(w)
    /// array([1., 1.])
    fn set(&self, py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<VariableID> {
        self.slot().set(py, array)
    }
    /// A namespace.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.namespace("layer").slot().name("w").set(np.ones(2))
    /// >>> env.get(("layer", "w"))
    /// array([1., 1.])
    fn namespace(&self, name: &str) -> Namespace {
        Namespace { env: self.0.clone(), name: name.to_owned() }
    }
    /// The namespace of variables that were named without one.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.ones(2))
    /// >>> env.default_namespace().current_var_names()
    /// ['w']
    fn default_namespace(&self) -> Namespace {
        self.namespace("")
    }
    /// A copy of a variable's array, by id, by name in the default namespace, or by (namespace, name).
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.ones(2))
    /// >>> env.get("w")[0] = 9.0
    /// >>> env.get(w)
    /// array([1., 1.])
    fn get<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let env = &self.0;
            let a = if let Ok(id) = key.cast::<VariableID>() {
                let id = id.get().0;
                py.detach(|| env.get(id))?
            } else {
                let (ns, name) = name_of(key)?;
                py.detach(|| env.lookup(&ns, &name).and_then(|id| env.get(id)))?
            };
            out(py, &a)
        })
    }
    /// (namespace, name) of all named variables, in the order in which they were set first.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> ids = [env.name("w").set(1.0), env.namespace("layer").slot().name("b").set(0.0)]
    /// >>> env.names()
    /// [('', 'w'), ('layer', 'b')]
    fn names(&self) -> Vec<(String, String)> {
        self.0.names()
    }
    /// Number of variables.
    fn __len__(&self) -> usize {
        self.0.len()
    }
    /// Seeds the random draws of later runs, and starts their count again.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> with ag.Context(env):
    /// ...     u = T.standard_uniform([3])
    /// ...     env.seed(7)
    /// ...     first = u.eval()
    /// ...     env.seed(7)
    /// ...     print((u.eval() == first).all())
    /// True
    fn seed(&self, n: u64) {
        self.0.seed(n);
    }
    /// The seed: the system's choice, or what `seed` set.
    #[getter]
    fn seed_value(&self) -> u64 {
        self.0.seed_value()
    }
    /// Saves all variables, optimizer state included, as safetensors: to a temporary file, synced, then renamed.
    ///
    /// >>> import tempfile
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.array([1.0, 2.0]))
    /// >>> with tempfile.TemporaryDirectory() as folder:
    /// ...     env.save(f"{folder}/network.safetensors")
    /// ...     print(ag.VariableEnvironment.load(f"{folder}/network.safetensors").get("w"))
    /// [1. 2.]
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        guarded(|| Ok(py.detach(|| self.0.save(path))?))
    }
    /// The environment that a file holds.
    ///
    /// >>> import tempfile
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.array([1.0, 2.0]))
    /// >>> with tempfile.TemporaryDirectory() as folder:
    /// ...     env.save(f"{folder}/network.safetensors")
    /// ...     print(ag.VariableEnvironment.load(f"{folder}/network.safetensors").names())
    /// [('', 'w')]
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<VariableEnvironment> {
        guarded(|| Ok(VariableEnvironment(py.detach(|| state::VariableEnvironment::load(path))?)))
    }
    /// Sets the variables that a file holds; nothing changes if the file is damaged.
    ///
    /// >>> import tempfile
    /// >>> env = ag.VariableEnvironment()
    /// >>> ids = [env.name("w").set(1.0), env.name("b").set(0.0)]
    /// >>> with tempfile.TemporaryDirectory() as folder:
    /// ...     env.save(f"{folder}/network.safetensors")
    /// ...     changed = env.name("w").set(5.0)
    /// ...     env.initialize(f"{folder}/network.safetensors")
    /// >>> print(env.get("w"), env.get("b"))
    /// 1.0 0.0
    fn initialize(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        guarded(|| Ok(py.detach(|| self.0.initialize(path))?))
    }
    /// Calls `f` with a context over these variables, and closes it.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(3.0)
    /// >>> print(env.run(lambda ctx: ctx.variable("w").square().eval()))
    /// 9.0
    #[pyo3(signature = (f, *, dtype=None))]
    fn run<'py>(slf: &Bound<'py, Self>, f: &Bound<'py, PyAny>, dtype: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let dtype = dtype.map(convert::dtype).transpose()?;
            let ctx = Bound::new(slf.py(), Context::of(api::Context::new(slf.get().0.clone(), dtype)))?;
            ctx.call_method0("__enter__")?;
            let result = f.call1((&ctx,));
            ctx.call_method1("__exit__", (slf.py().None(), slf.py().None(), slf.py().None()))?;
            result
        })
    }
    fn __repr__(&self) -> String {
        format!("<VariableEnvironment of {} variables>", self.0.len())
    }
}

/// Where a variable is set.
///
/// >>> env = ag.VariableEnvironment()
/// >>> slot = env.name("w")
/// >>> w = slot.set(np.ones(2))
/// >>> w == slot.set(np.zeros(2))
/// True
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Slot {
    env: state::VariableEnvironment,
    namespace: String,
    name: Option<String>,
}

#[pymethods]
impl Slot {
    /// The slot of this name.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.namespace("layer").slot().name("w").set(1.0)
    /// >>> env.names()
    /// [('layer', 'w')]
    fn name(&self, name: &str) -> Slot {
        Slot { env: self.env.clone(), namespace: self.namespace.clone(), name: Some(name.to_owned()) }
    }
    /// Sets the variable to a copy of the array. A Python float takes the floating dtype of the environment's variables; one
    /// that overflows it raises `DTypeError`, and the variable stays as it was.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set([[1, 2], [3, 4]])
    /// >>> env.get(w).sum()
    /// np.int64(10)
    fn set(&self, py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<VariableID> {
        guarded(|| {
            let given = value(array)?;
            Ok(VariableID(py.detach(|| self.env.try_put(&self.namespace, self.name.as_deref(), given))?))
        })
    }
}

/// Variables under one name.
///
/// >>> env = ag.VariableEnvironment()
/// >>> layer = env.namespace("layer")
/// >>> ids = [layer.slot().name(n).set(0.0) for n in ("w", "b")]
/// >>> layer.name, layer.current_var_names(), layer.current_var_ids() == ids
/// ('layer', ['w', 'b'], True)
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Namespace {
    env: state::VariableEnvironment,
    name: String,
}

#[pymethods]
impl Namespace {
    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }
    /// The ids of its variables, in the order in which they were set first.
    ///
    /// >>> layer = ag.VariableEnvironment().namespace("layer")
    /// >>> ids = [layer.slot().name(n).set(0.0) for n in ("w", "b")]
    /// >>> layer.current_var_ids() == ids
    /// True
    fn current_var_ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| {
            PyList::new(
                py,
                self.env
                    .namespace(&self.name)
                    .current_var_ids()
                    .into_iter()
                    .map(VariableID)
                    .map(|v| Bound::new(py, v))
                    .collect::<PyResult<Vec<_>>>()?,
            )
        })
    }
    /// The names of its variables, in the order in which they were set first.
    ///
    /// >>> layer = ag.VariableEnvironment().namespace("layer")
    /// >>> ids = [layer.slot().name(n).set(0.0) for n in ("w", "b")]
    /// >>> layer.current_var_names()
    /// ['w', 'b']
    fn current_var_names(&self) -> Vec<String> {
        self.env.namespace(&self.name).current_var_names()
    }
    /// A copy of a variable's array.
    ///
    /// >>> layer = ag.VariableEnvironment().namespace("layer")
    /// >>> w = layer.slot().name("w").set(np.ones(2))
    /// >>> layer.get_array_by_name("w")
    /// array([1., 1.])
    fn get_array_by_name<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let a = py.detach(|| self.env.lookup(&self.name, name).and_then(|id| self.env.get(id)))?;
            out(py, &a)
        })
    }
    /// The slot of an unnamed variable; `.name(n)` gives it a name.
    ///
    /// >>> layer = ag.VariableEnvironment().namespace("layer")
    /// >>> ids = [layer.slot().set(0.0), layer.slot().name("w").set(1.0)]
    /// >>> layer.current_var_names()
    /// ['w']
    fn slot(&self) -> Slot {
        Slot { env: self.env.clone(), namespace: self.name.clone(), name: None }
    }
}
