//! Environments.

use std::path::PathBuf;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyList, PyType};

use super::context::Context;
use super::convert;
use super::guarded;
use super::namespace::{Namespace, Slot};
use super::policy::{Policy, Wishes, wished_budget, wished_policy};
use super::tensor::Filled;
use crate::api::context as api;
use crate::array::Array;
use crate::dtype::Scalar;
use crate::error::{Error, ErrorKind};
use crate::state::{self, Stored, VariableKey};

/// Names a variable of one environment; others refuse it, and it differs from all of theirs.
///
/// >>> env = ag.VariableEnvironment()
/// >>> w = env.set(np.array([1.0, 2.0]))
/// >>> env.get(w)
/// array([1., 2.])
///
/// It never changes, so a copy of it is itself; in a copy of its environment it names nothing. It cannot be pickled.
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
    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }
    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }
    fn __reduce__(&self) -> PyResult<()> {
        let rule = "an environment or a name, which mean the same in another process";
        let e = Error::new(ErrorKind::DType, "VariableID", "it cannot be pickled", self.__repr__(), rule);
        guarded(|| Err(e.help("pickle the environment, and ask the one that is loaded for the variable by its name").into()))
    }
}

/// A variable as Python names it: by id, by name in the default namespace, or by namespace and name.
pub enum Key {
    Id(state::VariableID),
    Name(String, String),
}

impl Key {
    pub fn of(key: &Bound<'_, PyAny>) -> PyResult<Key> {
        match key.cast::<VariableID>() {
            Ok(id) => Ok(Key::Id(id.get().0)),
            Err(_) => name_of(key).map(|(ns, name)| Key::Name(ns, name)),
        }
    }
}

impl VariableKey for Key {
    fn find(&self, env: &state::VariableEnvironment) -> crate::error::Result<state::VariableID> {
        match self {
            Key::Id(id) => id.find(env),
            Key::Name(ns, name) => (ns, name).find(env),
        }
    }
}

/// How a variable is named in one way: by its name, with its namespace unless that is `space`, or by its id if it has no name.
pub fn key_of<'py>(py: Python<'py>, env: &state::VariableEnvironment, id: state::VariableID, space: &str) -> PyResult<Bound<'py, PyAny>> {
    Ok(match env.name_of(id)? {
        (_, None) => Bound::new(py, VariableID(id))?.into_any(),
        (own, Some(name)) if own == space => name.into_pyobject(py)?.into_any(),
        (own, Some(name)) => (own, name).into_pyobject(py)?.into_any(),
    })
}

/// The keys of variables, and copies of their arrays.
pub fn items_of<'py>(
    py: Python<'py>,
    env: &state::VariableEnvironment,
    ids: Vec<state::VariableID>,
    space: &str,
) -> PyResult<Bound<'py, PyList>> {
    let pair = |id| Ok((key_of(py, env, id, space)?, out(py, &py.detach(|| env.get(id))?)?));
    PyList::new(py, ids.into_iter().map(pair).collect::<PyResult<Vec<_>>>()?)
}

/// What `f` does with a file. An error of the system names the path as it was given.
fn at<T: Send>(path: &Bound<'_, PyAny>, f: impl FnOnce(PathBuf) -> crate::error::Result<T> + Send) -> PyResult<T> {
    let os = path.py().import("os")?;
    let given = os.call_method1("fspath", (path,))?;
    let decoded: PathBuf = os.call_method1("fsdecode", (&given,))?.extract()?;
    path.py().detach(|| f(decoded)).map_err(|e| {
        let e = PyErr::from(e);
        if e.is_instance_of::<PyOSError>(path.py()) {
            // It names the decoded path already.
            let _ = e.value(path.py()).setattr("filename", given);
        }
        e
    })
}

/// Variables, and what else outlives a run: namespaces, the seed, the run counter.
///
/// >>> env = ag.VariableEnvironment()
/// >>> w = env.name("w").set(np.array([1.0, 2.0]))
/// >>> with ag.Context(env) as ctx:
/// ...     print((ctx.variable("w") * 10.0).eval())
/// [10. 20.]
///
/// It is read like a dict, whose keys are the names: `"w"` in the default namespace, `("layer", "w")` in another one, and the
/// `VariableID` of a variable without a name. A value is a copy: to set a variable, call `env.name("w").set(array)`.
///
/// >>> env["w"], "w" in env, "v" in env, list(env), len(env)
/// (array([1., 2.]), True, False, ['w'], 1)
///
/// It can be pickled, and copied by `copy.copy` and `copy.deepcopy` alike: the copy is another environment with the same names, values
/// and seed, and with ids of its own.
///
/// >>> import copy
/// >>> other = copy.deepcopy(env)
/// >>> changed = env.name("w").set(np.zeros(2))
/// >>> other["w"]
/// array([1., 2.])
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct VariableEnvironment(pub state::VariableEnvironment);

pub struct Given(Stored);
impl state::IntoArray for Given {
    fn into_value(self) -> crate::error::Result<Stored> {
        Ok(self.0)
    }
}

/// A copy of what the user gave; a Python float takes the environment's dtype.
pub fn value(x: &Bound<'_, PyAny>) -> PyResult<Given> {
    if let Ok(f) = x.cast::<Filled>() {
        return Ok(Given(Stored::Weak(f.get().0.clone())));
    }
    Ok(Given(match convert::scalar(x)? {
        Some(Scalar::Float(v)) => Stored::Weak(crate::array::Filled::new(&[], v)),
        Some(s) => Stored::Array(Array::scalar(s, s.dtype())?),
        None => Stored::Array(convert::to_array(x)?),
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
pub fn out<'py>(py: Python<'py>, a: &Array) -> PyResult<Bound<'py, PyAny>> {
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
        Slot::new(&self.0, "", Some(name))
    }
    /// The slot of an unnamed variable.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.slot().set(np.ones(2))
    /// >>> len(env), env.names()
    /// (1, [])
    fn slot(&self) -> Slot {
        Slot::new(&self.0, "", None)
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
        Namespace::new(&self.0, name)
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
    /// A copy of a variable's array, by id, by name in the default namespace, or by (namespace, name). `env[key]` is the same.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.ones(2))
    /// >>> env.get("w")[0] = 9.0
    /// >>> env.get(w)
    /// array([1., 1.])
    fn get<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let (env, key) = (&self.0, Key::of(key)?);
            out(py, &py.detach(|| env.get(key))?)
        })
    }
    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| self.get(py, key))
    }
    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        guarded(|| Ok(Key::of(key)?.find(&self.0).is_ok()))
    }
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        guarded(|| self.keys(py)?.try_iter())
    }
    /// The key of each variable, in the order in which they were set first: its name, (namespace, name) in another namespace than the
    /// default one, or its id if it has no name.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> ids = [env.name("w").set(1.0), env.namespace("layer").slot().name("b").set(0.0)]
    /// >>> env.keys()
    /// ['w', ('layer', 'b')]
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| PyList::new(py, self.0.ids().into_iter().map(|id| key_of(py, &self.0, id, "")).collect::<PyResult<Vec<_>>>()?))
    }
    /// The key of each variable with a copy of its array, as `keys` orders them.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> ids = [env.name("w").set(np.ones(2)), env.name("b").set(np.zeros(1))]
    /// >>> for name, array in env.items():
    /// ...     print(name, array)
    /// w [1. 1.]
    /// b [0.]
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| items_of(py, &self.0, self.0.ids(), ""))
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
    /// Saves all variables, optimizer state included, as safetensors.
    ///
    /// The file appears whole or not at all: an existing one stays until the new one is on the disk, and its owner and permissions stay as
    /// far as the system allows. A link is followed, and stays a link. What the system refuses is a `FileError`, which is an `OSError`.
    ///
    /// >>> import tempfile
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.array([1.0, 2.0]))
    /// >>> with tempfile.TemporaryDirectory() as folder:
    /// ...     env.save(f"{folder}/network.safetensors")
    /// ...     print(ag.VariableEnvironment.load(f"{folder}/network.safetensors").get("w"))
    /// [1. 2.]
    fn save(&self, path: &Bound<'_, PyAny>) -> PyResult<()> {
        guarded(|| at(path, |path| self.0.save(path)))
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
    fn load(path: &Bound<'_, PyAny>) -> PyResult<VariableEnvironment> {
        guarded(|| at(path, state::VariableEnvironment::load).map(VariableEnvironment))
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
    fn initialize(&self, path: &Bound<'_, PyAny>) -> PyResult<()> {
        guarded(|| at(path, |path| self.0.initialize(path)))
    }
    /// What `save` writes to a file, as bytes.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.array([1.0, 2.0]))
    /// >>> ag.VariableEnvironment.from_bytes(env.to_bytes())["w"]
    /// array([1., 2.])
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        guarded(|| Ok(PyBytes::new(py, &py.detach(|| self.0.to_bytes())?)))
    }
    /// The environment that such bytes hold, or those of a safetensors file of another program.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.array([1.0, 2.0]))
    /// >>> ag.VariableEnvironment.from_bytes(env.to_bytes()).names()
    /// [('', 'w')]
    #[classmethod]
    fn from_bytes(_cls: &Bound<'_, PyType>, bytes: &Bound<'_, PyAny>) -> PyResult<VariableEnvironment> {
        guarded(|| {
            let py = bytes.py();
            let read = |bytes: &[u8]| Ok(VariableEnvironment(py.detach(|| state::VariableEnvironment::from_bytes(bytes))?));
            if let Ok(bytes) = bytes.cast::<PyBytes>() {
                return read(bytes.as_bytes());
            }
            // Memory that somebody may write to meanwhile is copied.
            match PyBuffer::<u8>::get(bytes) {
                Ok(buffer) => read(&buffer.to_vec(py)?),
                Err(_) => {
                    let (got, rule) = (bytes.get_type().name()?, "bytes, or another buffer of bytes");
                    Err(Error::new(ErrorKind::DType, "from_bytes", "the argument has the wrong type", got, rule).into())
                }
            }
        })
    }
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        guarded(|| Ok((slf.get_type().getattr("from_bytes")?, (slf.get().to_bytes(slf.py())?,))))
    }
    fn __copy__(&self, py: Python<'_>) -> PyResult<VariableEnvironment> {
        guarded(|| Ok(VariableEnvironment(py.detach(|| self.0.duplicate())?)))
    }
    fn __deepcopy__(&self, py: Python<'_>, _memo: &Bound<'_, PyAny>) -> PyResult<VariableEnvironment> {
        guarded(|| self.__copy__(py))
    }
    /// Which values gradients keep in runs over these variables that say nothing themselves: a policy or a function, as
    /// `Evaluator.checkpoint` takes; None keeps all that is not marked.
    ///
    /// The environment owns the policy until another is set. It is neither saved nor copied.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.ones(1000))
    /// >>> env.set_checkpoint_policy(ag.policies.nothing())
    /// >>> with ag.Context(env) as ctx:
    /// ...     v = ctx.variable("w")
    /// ...     print(T.grad([T.exp(T.sin(v)).sum()], [v])[0].eval()[:1].round(6))
    /// [1.253381]
    #[pyo3(signature = (policy))]
    fn set_checkpoint_policy(&self, policy: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        guarded(|| {
            self.0.set_checkpoint_policy(wished_policy("set_checkpoint_policy", policy)?.map(Policy::lasting));
            Ok(())
        })
    }
    /// The peak of memory, in bytes, that runs over these variables may have that say nothing themselves; see `Evaluator.memory_budget`.
    /// The variables are not counted. None sets no limit.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(np.ones(1000))
    /// >>> env.set_memory_budget(100_000)
    /// >>> with ag.Context(env) as ctx:
    /// ...     print(ctx.evaluator().push(ctx.variable("w") * 2.0).plan().peak_bytes <= 100_000)
    /// True
    #[pyo3(signature = (bytes))]
    fn set_memory_budget(&self, bytes: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        guarded(|| {
            self.0.set_memory_budget(wished_budget(bytes)?);
            Ok(())
        })
    }
    /// Calls `f` with a context over these variables, and closes it. `checkpoint` and `memory_budget` are those of `ag.Context`.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set(3.0)
    /// >>> print(env.run(lambda ctx: ctx.variable("w").square().eval()))
    /// 9.0
    #[pyo3(signature = (f, *, dtype=None, checkpoint=None, memory_budget=None))]
    fn run<'py>(
        slf: &Bound<'py, Self>,
        f: &Bound<'py, PyAny>,
        dtype: Option<&Bound<'py, PyAny>>,
        checkpoint: Option<&Bound<'py, PyAny>>,
        memory_budget: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let dtype = dtype.map(convert::dtype).transpose()?;
            let wishes = Wishes::of(checkpoint, memory_budget)?;
            let ctx = Bound::new(slf.py(), Context::of(api::Context::new(slf.get().0.clone(), dtype), wishes))?;
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
