//! Names of variables: what they are called, and which one is meant.

use super::{VariableEnvironment, VariableID};
use crate::error::{Error, ErrorKind, Result, closest};

/// Names that an error lists at most.
const LISTED: usize = 12;

/// What names a variable: `"w"` in the default namespace, `("namespace", "w")`, or its id; by value or by reference.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a variable",
    note = "use \"name\", (\"namespace\", \"name\") or a `VariableID`"
)]
pub trait VariableKey {
    /// The variable. A `Variable` error if there is none, which lists those that there are.
    fn find(&self, env: &VariableEnvironment) -> Result<VariableID>;
}

impl VariableKey for str {
    fn find(&self, env: &VariableEnvironment) -> Result<VariableID> {
        env.lookup("", self)
    }
}
impl VariableKey for String {
    fn find(&self, env: &VariableEnvironment) -> Result<VariableID> {
        env.lookup("", self)
    }
}
impl<A: AsRef<str>, B: AsRef<str>> VariableKey for (A, B) {
    fn find(&self, env: &VariableEnvironment) -> Result<VariableID> {
        env.lookup(self.0.as_ref(), self.1.as_ref())
    }
}
impl VariableKey for VariableID {
    fn find(&self, env: &VariableEnvironment) -> Result<VariableID> {
        env.version(*self).map(|_| *self)
    }
}
impl<K: VariableKey + ?Sized> VariableKey for &K {
    fn find(&self, env: &VariableEnvironment) -> Result<VariableID> {
        (**self).find(env)
    }
}

impl VariableEnvironment {
    pub(super) fn find(&self, namespace: &str, name: &str) -> Option<VariableID> {
        let state = self.shared.lock();
        state.find(namespace, name).map(|i| state.id(i))
    }

    /// The id of the variable `name` of a namespace. If there is none, a `Variable` error that lists the names.
    pub fn lookup(&self, namespace: &str, name: &str) -> Result<VariableID> {
        if let Some(id) = self.find(namespace, name) {
            return Ok(id);
        }
        let known = self.namespace(namespace).current_var_names();
        let place = if namespace.is_empty() { String::new() } else { format!(" in namespace {namespace:?}") };
        let rule = match known.len() {
            0 => "a variable that was set before (there is none)".to_owned(),
            n if n > LISTED => format!("one of {}, ... ({n} in all)", known.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ")),
            _ => format!("one of {}", known.join(", ")),
        };
        let e = Error::new(ErrorKind::Variable, "variable", "unknown variable", format_args!("{name:?}{place}"), rule);
        Err(match closest(name, known.iter().map(String::as_str)) {
            Some(near) => e.help(format!("did you mean {near:?}?")),
            None => e,
        })
    }

    /// The ids of all variables, in all namespaces, in the order in which they were first set.
    pub fn ids(&self) -> Vec<VariableID> {
        let state = self.shared.lock();
        (0u32..).zip(&state.entries).map(|(i, _)| state.id(i)).collect()
    }

    /// Namespace and name of all named variables, in the order in which they were first set.
    pub fn names(&self) -> Vec<(String, String)> {
        let state = self.shared.lock();
        state.entries.iter().filter_map(|e| Some((e.space.to_string(), e.name.as_deref()?.to_owned()))).collect()
    }

    /// Namespace and name of a variable; the name is `None` if it has none. Fails for an id that this environment did not
    /// give out.
    pub fn name_of(&self, id: VariableID) -> Result<(String, Option<String>)> {
        let state = self.shared.lock();
        let e = state.entry(id)?;
        Ok((e.space.to_string(), e.name.as_deref().map(str::to_owned)))
    }
}
