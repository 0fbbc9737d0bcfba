//! Namespaces, and slots in which variables are set.

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};

use super::environment::{VariableID, items_of, key_of, out, value};
use super::guarded;
use crate::error::{Error, ErrorKind};
use crate::state;

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

impl Slot {
    pub fn new(env: &state::VariableEnvironment, namespace: &str, name: Option<&str>) -> Slot {
        Slot { env: env.clone(), namespace: namespace.to_owned(), name: name.map(str::to_owned) }
    }
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
        Slot::new(&self.env, &self.namespace, Some(name))
    }
    /// Sets the variable to a copy of the array. A Python float takes the floating dtype of the environment's variables; one
    /// that overflows it raises `DTypeError`, and the variable stays as it was.
    ///
    /// >>> env = ag.VariableEnvironment()
    /// >>> w = env.name("w").set([[1, 2], [3, 4]])
    /// >>> env.get(w).sum()
    /// np.int64(10)
    pub fn set(&self, py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<VariableID> {
        guarded(|| {
            let given = value(array)?;
            Ok(VariableID(py.detach(|| self.env.try_put(&self.namespace, self.name.as_deref(), given))?))
        })
    }
    fn __repr__(&self) -> String {
        let name = self.name.as_ref().map_or_else(|| "without a name".to_owned(), |n| format!("{n:?}"));
        format!("<Slot {name}{}>", place(&self.namespace))
    }
    fn __reduce__(&self) -> PyResult<()> {
        guarded(|| Err(part_of_an_environment("Slot", self.__repr__(), "slot").into()))
    }
}

/// Where a name is, unless it is in the default namespace.
fn place(namespace: &str) -> String {
    if namespace.is_empty() { String::new() } else { format!(" in namespace {namespace:?}") }
}

/// The error of a copy or pickle of what is nothing without its environment.
fn part_of_an_environment(class: &str, got: String, what: &str) -> Error {
    let e = Error::new(ErrorKind::DType, class, "it cannot be copied or pickled", got, "the environment that it belongs to");
    e.help(format!("copy or pickle the environment, and ask the copy for its own {what}"))
}

/// Variables under one name.
///
/// >>> env = ag.VariableEnvironment()
/// >>> layer = env.namespace("layer")
/// >>> ids = [layer.slot().name(n).set(0.0) for n in ("w", "b")]
/// >>> layer.name, layer.current_var_names(), layer.current_var_ids() == ids
/// ('layer', ['w', 'b'], True)
///
/// It is read like a dict of its own names.
///
/// >>> list(layer), "w" in layer, float(layer["w"])
/// (['w', 'b'], True, 0.0)
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Namespace {
    env: state::VariableEnvironment,
    name: String,
}

impl Namespace {
    pub fn new(env: &state::VariableEnvironment, name: &str) -> Namespace {
        Namespace { env: env.clone(), name: name.to_owned() }
    }
    fn ids(&self) -> Vec<state::VariableID> {
        self.env.namespace(&self.name).current_var_ids()
    }
    /// The variable that a key of this namespace names.
    fn find(&self, key: &Bound<'_, PyAny>) -> PyResult<crate::error::Result<state::VariableID>> {
        if let Ok(name) = key.extract::<String>() {
            return Ok(self.env.lookup(&self.name, &name));
        }
        let Ok(id) = key.cast::<VariableID>() else {
            let got = key.repr().map_or_else(|_| String::new(), |r| r.to_string());
            return Err(Error::new(
                ErrorKind::DType,
                "variable",
                "the key has the wrong type",
                got,
                "a name in this namespace, or a VariableID",
            )
            .into());
        };
        let id = id.get().0;
        Ok(self.env.name_of(id).and_then(|(own, _)| {
            if own == self.name {
                return Ok(id);
            }
            let got = format_args!("{id:?} of namespace {own:?}");
            let rule = format_args!("an id of namespace {:?}", self.name);
            Err(Error::new(ErrorKind::Variable, "variable", "the id belongs to another namespace", got, rule))
        }))
    }
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
        guarded(|| PyList::new(py, self.ids().into_iter().map(|id| Bound::new(py, VariableID(id))).collect::<PyResult<Vec<_>>>()?))
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
    /// A copy of a variable's array. `layer[name]` is the same.
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
        Slot::new(&self.env, &self.name, None)
    }
    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let id = self.find(key)??;
            out(py, &py.detach(|| self.env.get(id))?)
        })
    }
    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        guarded(|| Ok(self.find(key)?.is_ok()))
    }
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        guarded(|| self.keys(py)?.try_iter())
    }
    /// Number of variables.
    fn __len__(&self) -> usize {
        self.ids().len()
    }
    /// The name of each variable, or its id if it has none, in the order in which they were set first.
    ///
    /// >>> layer = ag.VariableEnvironment().namespace("layer")
    /// >>> ids = [layer.slot().name(n).set(0.0) for n in ("w", "b")]
    /// >>> layer.keys()
    /// ['w', 'b']
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| PyList::new(py, self.ids().into_iter().map(|id| key_of(py, &self.env, id, &self.name)).collect::<PyResult<Vec<_>>>()?))
    }
    /// The key of each variable with a copy of its array, as `keys` orders them.
    ///
    /// >>> layer = ag.VariableEnvironment().namespace("layer")
    /// >>> ids = [layer.slot().name(n).set(np.zeros(2)) for n in ("w", "b")]
    /// >>> layer.items()
    /// [('w', array([0., 0.])), ('b', array([0., 0.]))]
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| items_of(py, &self.env, self.ids(), &self.name))
    }
    fn __repr__(&self) -> String {
        format!("<Namespace {:?} of {} variables>", self.name, self.ids().len())
    }
    fn __reduce__(&self) -> PyResult<()> {
        guarded(|| Err(part_of_an_environment("Namespace", self.__repr__(), "namespace").into()))
    }
}
