//! Namespaces, and the places that a value can be set to.

use super::value::IntoArray;
use super::{VariableEnvironment, VariableID};
use crate::array::Array;
use crate::error::Result;

/// A place for a variable without a name. [`name`](Slot::name) gives it one.
#[must_use = "a slot does nothing until it is set"]
pub struct Slot<'e> {
    env: &'e VariableEnvironment,
    space: String,
}

impl<'e> Slot<'e> {
    pub(super) fn new(env: &'e VariableEnvironment, space: &str) -> Slot<'e> {
        Slot { env, space: space.to_owned() }
    }
    /// The variable of this name in the slot's namespace.
    pub fn name(self, name: &str) -> NamedSlot<'e> {
        NamedSlot { env: self.env, space: self.space, name: name.to_owned() }
    }
    /// Makes a new unnamed variable. See [`VariableEnvironment::set`].
    pub fn set(self, a: impl IntoArray) -> VariableID {
        self.env.put(&self.space, None, a)
    }
}

/// The place of a named variable.
#[must_use = "a slot does nothing until it is set"]
pub struct NamedSlot<'e> {
    env: &'e VariableEnvironment,
    space: String,
    name: String,
}

impl NamedSlot<'_> {
    /// Sets the variable of this name. If it exists it keeps its id and gets the new value, whose shape and dtype may
    /// differ; otherwise it gets the next id.
    ///
    /// Never fails and never waits. If there is no memory for the value, a fill overflows the environment's floating dtype,
    /// or a `zeros(shape)` has no possible dtype, the error comes when the variable is read. Set from a hook of a run that writes, the value takes effect when the run
    /// has ended.
    pub fn set(self, a: impl IntoArray) -> VariableID {
        self.env.put(&self.space, Some(&self.name), a)
    }
}

/// The variables of one namespace of an environment. It holds no lock and no values.
///
/// ```
/// use scirs2_autograd::VariableEnvironment;
///
/// let env = VariableEnvironment::new();
/// let optimizer = env.namespace("adam");
/// let t = optimizer.slot().name("t").set(0i64);
/// assert_eq!(optimizer.current_var_ids(), [t]);
/// assert_eq!(optimizer.current_var_names(), ["t"]);
/// assert!(env.default_namespace().current_var_ids().is_empty());
/// ```
#[derive(Clone)]
pub struct VariableNamespace<'e> {
    env: &'e VariableEnvironment,
    name: String,
}

impl<'e> VariableNamespace<'e> {
    pub(super) fn new(env: &'e VariableEnvironment, name: &str) -> VariableNamespace<'e> {
        VariableNamespace { env, name: name.to_owned() }
    }
    /// The name; `""` for the default namespace.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The environment.
    pub fn env(&self) -> &'e VariableEnvironment {
        self.env
    }
    /// The ids of the namespace's variables, named and unnamed, in the order in which they were first set.
    pub fn current_var_ids(&self) -> Vec<VariableID> {
        let state = self.env.shared.lock();
        state.spaces.get(self.name.as_str()).map_or_else(Vec::new, |s| s.ids.iter().map(|&i| state.id(i)).collect())
    }
    /// The names of the namespace's named variables, in the order in which they were first set.
    pub fn current_var_names(&self) -> Vec<String> {
        self.named().into_iter().map(|(_, name)| name).collect()
    }
    /// The value of the variable `name`; `None` if there is none, or it cannot be read (see [`VariableEnvironment::get`]).
    pub fn get_array_by_name(&self, name: &str) -> Option<Array> {
        self.env.get_array_by_id(self.env.find(&self.name, name)?)
    }
    /// The value of a variable of the environment, of any namespace, as [`VariableEnvironment::get_array_by_id`].
    pub fn get_array_by_id(&self, id: VariableID) -> Option<Array> {
        self.env.get_array_by_id(id)
    }
    /// A place in this namespace.
    pub fn slot(&self) -> Slot<'e> {
        Slot::new(self.env, &self.name)
    }
    /// The named variables with their values, in the order in which they were first set; a value is read when the
    /// iterator comes to it, and fails as [`VariableEnvironment::get`].
    pub fn iter(&self) -> impl Iterator<Item = (String, Result<Array>)> + use<'e> {
        let env = self.env;
        self.named().into_iter().map(move |(id, name)| (name, env.get(id)))
    }

    fn named(&self) -> Vec<(VariableID, String)> {
        let state = self.env.shared.lock();
        let ids = state.spaces.get(self.name.as_str()).map_or(&[][..], |s| &s.ids);
        let name = |&i: &u32| Some((state.id(i), state.entries.get(i as usize)?.name.as_deref()?.to_owned()));
        ids.iter().filter_map(name).collect()
    }
}
