//! What outlives a run: variables with versions, namespaces, the seed and the run counter, save and load.
//!
//! It knows arrays, not graphs. Everything takes `&self`: locks are inside, and are held for moments only.

mod companion;
mod file;
#[cfg(test)]
mod file_tests;
mod header;
mod key;
mod lookup;
mod namespace;
mod replace;
#[cfg(test)]
mod tests;
mod value;
mod variables;
mod wishes;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rand::TryRng;
use rand::rngs::SysRng;

use crate::array::Array;
use crate::dtype::DType;
use crate::error::Result;
use crate::shape::{Dims, Tuple};
pub(crate) use companion::{Keeper, Part};
pub use lookup::VariableKey;
pub use namespace::{NamedSlot, Slot, VariableNamespace};
pub use value::{IntoArray, Stored};
use variables::Shared;
pub use variables::{ReadGuard, WriteGuard};

/// Names a variable of one environment: ids that two environments gave out differ, and each refuses those of the other. An
/// environment that is loaded from a file gives out ids of its own; what carries over is the name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariableID {
    /// [`VariableEnvironment::id`].
    pub(crate) env: u64,
    /// 0 for the first variable that was set, and so on.
    pub(crate) index: u32,
}

impl fmt::Debug for VariableID {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VariableID({})", self.index)
    }
}

/// Variables that live from run to run, with the seed and the counter that random draws come from.
///
/// A handle: clones share the variables, and every method takes `&self`, from any thread. Variables live in namespaces;
/// the default one is `""`. A run that only reads sees the variables as they were when it started. A run that writes
/// holds them until it ends: other threads that ask for a value wait, and so do their runs. A second run or a read from
/// inside it (in a hook, on its own thread) is a `Graph` error; `set` is possible there and takes effect when it has ended.
///
/// ```
/// use scirs2_autograd::VariableEnvironment;
/// use ndarray::array;
///
/// let env = VariableEnvironment::new();
/// let w = env.name("weight").set(array![[1.0f32, 2.0], [3.0, 4.0]]);
/// assert_eq!(env.get("weight")?, array![[1.0f32, 2.0], [3.0, 4.0]]);
/// assert_eq!(env.get(w)?, env.get("weight")?);
/// let text = env.get("wieght").unwrap_err().to_string();
/// assert_eq!(text, "variable: unknown variable. Got \"wieght\"; expected one of weight.\nhelp: did you mean \"weight\"?");
/// # Ok::<(), scirs2_autograd::Error>(())
/// ```
#[derive(Clone)]
pub struct VariableEnvironment {
    shared: Arc<Shared>,
}

impl VariableEnvironment {
    /// An environment without variables, seeded from the system.
    pub fn new() -> VariableEnvironment {
        VariableEnvironment { shared: Arc::new(Shared::new()) }
    }

    /// A number that no other environment of this process has; clones of a handle have the same.
    pub fn id(&self) -> u64 {
        self.shared.id
    }

    /// The place of the variable `name` in the default namespace. Setting it again replaces the value and keeps the id.
    pub fn name<'e>(&'e self, name: &str) -> NamedSlot<'e> {
        self.slot().name(name)
    }

    /// A place in the default namespace.
    pub fn slot(&self) -> Slot<'_> {
        Slot::new(self, "")
    }

    /// Makes a new unnamed variable in the default namespace. The elements are copied. Never fails, as
    /// `set` of a named slot.
    pub fn set(&self, a: impl IntoArray) -> VariableID {
        self.put("", None, a)
    }

    /// Replaces the value of a variable; shape and dtype may differ. Fails with a `Variable` error for an id that this
    /// environment did not give out, with a `Memory` error if there is no memory for the value, and with a `DType` error for
    /// a fill that overflows the floating dtype of the other variables; then the old value stays.
    pub fn set_by_id(&self, id: VariableID, a: impl IntoArray) -> Result<()> {
        let value = a.into_value()?;
        let mut state = self.shared.lock();
        let index = state.index(id)?;
        let value = state.decided(Some(index), value)?;
        state.store(index, Ok(value));
        Ok(())
    }

    fn put(&self, space: &str, name: Option<&str>, a: impl IntoArray) -> VariableID {
        let slot = a.into_value();
        self.shared.lock().put(space, name, slot)
    }

    /// As `set` of a named slot and [`Slot::set`], for faces whose `set` can fail: then nothing has changed.
    #[cfg(feature = "python")]
    pub(crate) fn try_put(&self, space: &str, name: Option<&str>, a: impl IntoArray) -> Result<VariableID> {
        let value = a.into_value()?;
        let mut state = self.shared.lock();
        let known = name.and_then(|n| state.find(space, n));
        let value = state.decided(known, value)?;
        Ok(state.put(space, name, Ok(value)))
    }

    /// The namespace `name`, which may be empty still.
    pub fn namespace(&self, name: &str) -> VariableNamespace<'_> {
        VariableNamespace::new(self, name)
    }
    /// The same as [`namespace`](VariableEnvironment::namespace).
    pub fn namespace_mut(&self, name: &str) -> VariableNamespace<'_> {
        self.namespace(name)
    }
    /// The namespace `""`.
    pub fn default_namespace(&self) -> VariableNamespace<'_> {
        self.namespace("")
    }
    /// The same as [`default_namespace`](VariableEnvironment::default_namespace).
    pub fn default_namespace_mut(&self) -> VariableNamespace<'_> {
        self.namespace("")
    }

    /// The value of a variable, by name in the default namespace, by namespace and name, or by id: a counted handle, no copy.
    /// Later writes to the variable do not change it. A `zeros(shape)` whose dtype is still open is given in the
    /// [default dtype](VariableEnvironment::default_dtype).
    ///
    /// ```
    /// use scirs2_autograd::VariableEnvironment;
    ///
    /// let env = VariableEnvironment::new();
    /// let w = env.name("w").set(1.5);
    /// env.namespace("layer").slot().name("w").set(ndarray::arr1(&[2, 3]));
    /// assert_eq!(env.get(w)?, ndarray::arr0(1.5));
    /// assert_eq!(env.get("w")?, ndarray::arr0(1.5));
    /// assert_eq!(env.get(("layer", "w"))?, ndarray::arr1(&[2, 3]));
    /// # Ok::<(), scirs2_autograd::Error>(())
    /// ```
    ///
    /// Fails for an unknown name and for an id that this environment did not give out (`Variable`), inside a run of this thread that
    /// writes (`Graph`), for a `zeros(shape)` beside two floating dtypes (`DType`), and for a variable whose last `set` found no
    /// memory (`Memory`).
    pub fn get(&self, key: impl VariableKey) -> Result<Array> {
        let id = key.find(self)?;
        let state = self.shared.values("a read")?;
        state.array(state.index(id)?)
    }

    /// The value of a variable; `None` where [`get`](VariableEnvironment::get) fails.
    pub fn get_array_by_id(&self, id: VariableID) -> Option<Array> {
        self.get(id).ok()
    }

    /// Dtype and shape of a variable, without waiting for a run. Fails as [`get`](VariableEnvironment::get), but not
    /// inside a run.
    pub fn aval(&self, id: VariableID) -> Result<(DType, Dims)> {
        let state = self.shared.lock();
        let (dtype, dims) = state.entry(id)?.aval.clone()?;
        Ok((dtype.map_or_else(|| state.default_dtype(), Ok)?, dims))
    }

    /// How often a variable was set or written to by a run: 1 after the first `set`. Fails for an id that this environment
    /// did not give out.
    pub fn version(&self, id: VariableID) -> Result<u64> {
        Ok(self.shared.lock().entry(id)?.version)
    }

    /// Number of variables, in all namespaces.
    pub fn len(&self) -> usize {
        self.shared.lock().entries.len()
    }

    /// True if there are no variables.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The only floating dtype of the variables; `f64` if none is floating. A `DType` error if there are both.
    pub fn default_dtype(&self) -> Result<DType> {
        self.shared.lock().default_dtype()
    }

    /// Decides the dtype of variables that were set to a `zeros(shape)` and have none yet. Called when a run starts. Fails
    /// with a `DType` error if `dtype` is not floating, and with a `Graph` error inside a run of this thread that writes
    /// if there is something to decide.
    pub fn resolve(&self, dtype: DType) -> Result<()> {
        self.shared.resolve(dtype)
    }

    /// Sets the seed of random draws, and the run counter to 0: the same runs then draw the same numbers.
    pub fn seed(&self, n: u64) {
        let mut state = self.shared.lock();
        state.seed = Some(n);
        state.run = 0;
    }

    /// The seed of random draws; from the system unless it was set or loaded.
    pub fn seed_value(&self) -> u64 {
        self.shared.lock().seed()
    }

    /// The number of this run; the next call gives the next number.
    pub fn next_run(&self) -> u64 {
        let mut state = self.shared.lock();
        let run = state.run;
        state.run = run.wrapping_add(1);
        run
    }

    /// The variables for a run that reads. A `Graph` error inside a run of this thread that writes.
    pub fn read(&self) -> Result<ReadGuard<'_>> {
        self.shared.read()
    }

    /// The variables for a run that writes; waits for a run of another thread that writes. A `Graph` error inside any
    /// run of this thread.
    pub fn write(&self) -> Result<WriteGuard<'_>> {
        self.shared.write()
    }

    /// Writes all variables, in all namespaces, with the seed and the run counter, to a safetensors file.
    ///
    /// Names of the default namespace are names in the file; those of another one are `namespace/name`, with `%` and `/`
    /// inside a name as `%25` and `%2F`. The file appears whole or not at all: an existing file stays until the new one is
    /// on the disk, and its owner and permissions stay as far as the system lets this process keep them. A link is followed, and
    /// stays a link. Of a save whose process was killed nothing is left, or what the next save into the folder takes away. Fails
    /// with an `Io` error that names the file, and where [`get`](VariableEnvironment::get) fails for a variable.
    ///
    /// ```
    /// use scirs2_autograd::VariableEnvironment;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("model.safetensors");
    /// let env = VariableEnvironment::new();
    /// let w = env.name("w").set(ndarray::array![1.5f32, -2.0]);
    /// env.save(&path)?;
    ///
    /// let again = VariableEnvironment::load(&path)?;
    /// assert_eq!(again.get("w")?, env.get(w)?);
    /// assert_eq!(again.seed_value(), env.seed_value());
    /// # Ok::<(), scirs2_autograd::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), &self.image("a save")?)
    }

    /// The environment that a file holds: the same names, values, seed and run counter, in the same order. Its ids are its
    /// own: those of the environment that was saved name nothing in it.
    ///
    /// A safetensors file of another program is read too: its tensors become variables of the default namespace, in the
    /// order of its header, with a seed from the system. Fails with an `Io` error if the file cannot be read, and with a
    /// `Format` error if it is not such a file, is damaged, or holds dtypes other than `BOOL`, `I32`, `I64`, `F32`, `F64`.
    pub fn load(path: impl AsRef<Path>) -> Result<VariableEnvironment> {
        let env = VariableEnvironment::new();
        env.initialize(path)?;
        Ok(env)
    }

    /// Sets the variables that a file holds: those that exist keep their ids, others are added in the file's order, and
    /// variables that the file does not have stay. An unnamed variable of the file is the one at the same place among the
    /// unnamed variables of its namespace. Seed and run counter become those of the file, if it has them.
    ///
    /// Fails as [`load`](VariableEnvironment::load), and then nothing has changed.
    pub fn initialize(&self, path: impl AsRef<Path>) -> Result<()> {
        self.adopt(file::read(path.as_ref())?);
        Ok(())
    }

    /// What [`save`](VariableEnvironment::save) writes to a file, as bytes. Fails as [`get`](VariableEnvironment::get), and with a
    /// `Memory` error if there is no memory for the bytes.
    ///
    /// ```
    /// use scirs2_autograd::VariableEnvironment;
    ///
    /// let env = VariableEnvironment::new();
    /// let w = env.name("w").set(1.5);
    /// // A clone is the same environment; this is another one, with ids of its own.
    /// let copy = VariableEnvironment::from_bytes(&env.to_bytes()?)?;
    /// env.name("w").set(2.5);
    /// assert_eq!(copy.get("w")?, ndarray::arr0(1.5));
    /// assert!(copy.get(w).is_err());
    /// # Ok::<(), scirs2_autograd::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        file::to_bytes(&self.image("a copy")?)
    }

    /// The environment that such bytes hold, or those of a safetensors file of another program. Fails as
    /// [`load`](VariableEnvironment::load) for bytes that are no such file.
    pub fn from_bytes(bytes: &[u8]) -> Result<VariableEnvironment> {
        let env = VariableEnvironment::new();
        env.adopt(file::from_bytes(bytes)?);
        Ok(env)
    }

    /// Another environment with the same variables, values, seed and run counter. The arrays are shared until one of the two
    /// writes to its own.
    #[cfg(feature = "python")]
    pub(crate) fn duplicate(&self) -> Result<VariableEnvironment> {
        let env = VariableEnvironment::new();
        env.adopt(self.image("a copy")?);
        Ok(env)
    }

    /// Sets what an image holds.
    fn adopt(&self, image: file::Image) {
        let mut state = self.shared.lock();
        let mut unnamed = std::collections::HashMap::<String, std::vec::IntoIter<u32>>::new();
        for v in image.variables {
            let slot = Ok(Stored::Array(v.array));
            if v.name.is_some() {
                state.put(&v.space, v.name.as_deref(), slot);
                continue;
            }
            let free = unnamed.entry(v.space.clone()).or_insert_with(|| state.unnamed(&v.space).into_iter());
            match free.next() {
                Some(index) => state.store(index, slot),
                None => _ = state.put(&v.space, None, slot),
            }
        }
        if let Some((seed, run)) = image.counters {
            (state.seed, state.run) = (Some(seed), run);
        }
    }

    fn image(&self, what: &str) -> Result<file::Image> {
        let mut state = self.shared.values(what)?;
        let seed = state.seed();
        let variable = |(i, e): (usize, &variables::Entry)| {
            let array = state.array(i as u32)?;
            Ok(file::Variable { space: e.space.to_string(), name: e.name.as_deref().map(str::to_owned), array })
        };
        let variables = state.entries.iter().enumerate().map(variable).collect::<Result<_>>()?;
        Ok(file::Image { counters: Some((seed, state.run)), variables })
    }
}

impl Default for VariableEnvironment {
    fn default() -> VariableEnvironment {
        VariableEnvironment::new()
    }
}

impl fmt::Debug for VariableEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        let mut map = f.debug_map();
        for (i, e) in state.entries.iter().enumerate() {
            let aval = match &e.aval {
                Ok((Some(dtype), dims)) => format!("{dtype}{}", Tuple(dims)),
                Ok((None, dims)) => format!("?{}", Tuple(dims)),
                Err(e) => e.to_string(),
            };
            map.entry(&format_args!("{}", state.label(i as u32)), &format_args!("{aval}"));
        }
        map.finish()
    }
}

/// Bits from the system; if it has none to give, from the keys that the standard library drew for its hash maps.
pub(crate) fn system_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    SysRng.try_next_u64().unwrap_or_else(|_| RandomState::new().hash_one(std::time::SystemTime::now()))
}
