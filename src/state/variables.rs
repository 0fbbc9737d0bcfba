//! The table of variables and its monitor: names and shapes can always be read, values are lent to runs.
//!
//! One short lock guards everything; nobody computes under it. A run that reads takes a snapshot (a counted handle). A
//! run that writes takes the values out until it ends: readers of other threads wait for it, a `set` is kept in a queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, ThreadId};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::VariableID;
use super::value::Value;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Dims;

/// What is known of a variable without its value.
pub(super) struct Entry {
    pub space: Arc<str>,
    pub name: Option<Arc<str>>,
    /// `None` for the dtype of a weak value; an error if the last `set` failed.
    pub aval: Result<(Option<DType>, Dims)>,
    pub version: u64,
}

/// The variables of one namespace.
#[derive(Default)]
pub(super) struct Space {
    pub index: HashMap<Arc<str>, u32>,
    pub ids: Vec<u32>,
}

/// A value, or why the last `set` could not store one.
pub(super) type Slot = Result<Value>;

pub(super) struct State {
    pub entries: Vec<Entry>,
    pub spaces: HashMap<Arc<str>, Space>,
    /// Variables whose values have no dtype yet.
    weak: Vec<u32>,
    /// Empty while a run writes.
    pub values: Arc<Vec<Slot>>,
    queued: Vec<(u32, Slot)>,
    writer: Option<ThreadId>,
    readers: Vec<ThreadId>,
    pub seed: u64,
    pub run: u64,
}

pub(super) struct Shared {
    pub id: u64,
    state: Mutex<State>,
    free: Condvar,
}

fn aval_of(slot: &Slot) -> Result<(Option<DType>, Dims)> {
    match slot {
        Ok(Value::Array(a)) => Ok((Some(a.dtype()), a.shape().into())),
        Ok(Value::Weak(f)) => Ok((None, f.shape().into())),
        Err(e) => Err(e.clone()),
    }
}

impl State {
    /// The error for an id that this environment did not give out.
    pub fn unknown_id(&self, id: VariableID) -> Error {
        let rule = match self.entries.len() {
            0 => "an id that this environment gave out (it has no variables)".to_owned(),
            n => format!("an id below {n} that this environment gave out"),
        };
        Error::new(ErrorKind::Variable, "variable", "unknown variable id", id.0, rule)
    }

    pub fn entry(&self, id: VariableID) -> Result<&Entry> {
        self.entries.get(id.0 as usize).ok_or_else(|| self.unknown_id(id))
    }

    pub fn find(&self, space: &str, name: &str) -> Option<VariableID> {
        self.spaces.get(space)?.index.get(name).map(|&i| VariableID(i))
    }

    /// The unnamed variables of a namespace.
    pub fn unnamed(&self, space: &str) -> Vec<VariableID> {
        let ids = self.spaces.get(space).map_or(&[][..], |s| &s.ids);
        ids.iter().filter(|&&i| self.entries.get(i as usize).is_some_and(|e| e.name.is_none())).map(|&i| VariableID(i)).collect()
    }

    /// Stores a value under a name, or in a new unnamed variable.
    pub fn put(&mut self, space: &str, name: Option<&str>, slot: Slot) -> VariableID {
        let known = name.and_then(|n| self.find(space, n));
        let Some(id) = known.or_else(|| self.register(space, name)) else { return VariableID(u32::MAX) };
        self.store(id, slot);
        id
    }

    /// `None` when the ids are used up.
    fn register(&mut self, space: &str, name: Option<&str>) -> Option<VariableID> {
        let id = u32::try_from(self.entries.len()).ok().filter(|&i| i < u32::MAX)?;
        let space: Arc<str> = self.spaces.get_key_value(space).map_or_else(|| space.into(), |(k, _)| k.clone());
        let name: Option<Arc<str>> = name.map(Arc::from);
        let list = self.spaces.entry(space.clone()).or_default();
        list.ids.push(id);
        if let Some(name) = &name {
            list.index.insert(name.clone(), id);
        }
        self.entries.push(Entry { space, name, aval: Ok((None, Dims::new())), version: 0 });
        Some(VariableID(id))
    }

    /// Stores a value in a variable of this environment.
    pub fn store(&mut self, id: VariableID, slot: Slot) {
        self.weak.retain(|&w| w != id.0);
        if matches!(slot, Ok(Value::Weak(_))) {
            self.weak.push(id.0);
        }
        self.describe(id.0, &slot);
        if self.writer.is_some() {
            self.queued.push((id.0, slot));
        } else {
            self.land(id.0, slot);
            self.settle();
        }
    }

    fn describe(&mut self, id: u32, slot: &Slot) {
        if let Some(e) = self.entries.get_mut(id as usize) {
            e.aval = aval_of(slot);
            e.version += 1;
        }
    }

    /// Values arrive in the order of their first `set`, so a new id is always the next one.
    fn land(&mut self, id: u32, slot: Slot) {
        let values = Arc::make_mut(&mut self.values);
        match values.get_mut(id as usize) {
            Some(v) => *v = slot,
            None => values.push(slot),
        }
    }

    /// The floating dtypes of the variables, each with the first variable that has it.
    fn floats(&self) -> (Option<VariableID>, Option<VariableID>) {
        let first = |d: DType| self.entries.iter().position(|e| matches!(e.aval, Ok((Some(t), _)) if t == d)).map(|i| VariableID(i as u32));
        (first(DType::F32), first(DType::F64))
    }

    /// The variable as messages name it.
    pub fn label(&self, id: VariableID) -> String {
        match self.entries.get(id.0 as usize) {
            Some(Entry { name: Some(n), space, .. }) if space.is_empty() => format!("{n:?}"),
            Some(Entry { name: Some(n), space, .. }) => format!("{n:?} of namespace {space:?}"),
            _ => format!("unnamed variable {}", id.0),
        }
    }

    pub fn default_dtype(&self) -> Result<DType> {
        match self.floats() {
            (Some(a), Some(b)) => {
                let got = format_args!("float32 ({}) and float64 ({})", self.label(a), self.label(b));
                let e = Error::new(ErrorKind::DType, "environment", "the variables do not decide the dtype", got, "one floating dtype");
                Err(e.help("pass dtype=float32 or dtype=float64"))
            }
            (Some(_), None) => Ok(DType::F32),
            _ => Ok(DType::F64),
        }
    }

    /// Gives weak values their dtype once a variable decides it.
    fn settle(&mut self) {
        if !self.weak.is_empty() && matches!(self.floats(), (Some(_), None) | (None, Some(_))) {
            self.settle_default();
        }
    }

    /// Gives weak values the default dtype, if there is one.
    fn settle_default(&mut self) {
        if !self.weak.is_empty()
            && let Ok(dtype) = self.default_dtype()
        {
            self.fill(dtype);
        }
    }

    /// Gives weak values the dtype `dtype`. A value that finds no memory becomes that error.
    fn fill(&mut self, dtype: DType) {
        for id in std::mem::take(&mut self.weak) {
            if let Some(Ok(Value::Weak(f))) = self.values.get(id as usize) {
                let slot = f.array(dtype).map(Value::Array);
                self.describe(id, &slot);
                self.land(id, slot);
            }
        }
    }

    /// The value of a variable as an array; a weak one takes the default dtype without being decided.
    pub fn array(&self, id: VariableID) -> Result<Array> {
        match self.values.get(id.0 as usize) {
            Some(Ok(Value::Array(a))) => Ok(a.clone()),
            Some(Ok(Value::Weak(f))) => f.array(self.default_dtype()?),
            Some(Err(e)) => Err(e.clone()),
            None => Err(self.unknown_id(id)),
        }
    }
}

fn nested(what: &str) -> Error {
    let held = "a run on this thread uses these variables and has not ended";
    let e = Error::new(ErrorKind::Graph, "environment", held, what, "to wait until that run has ended");
    e.help("in a hook, use the array that the hook is given; `set` is possible, it takes effect when the run has ended")
}

impl Shared {
    pub fn new(seed: u64) -> Shared {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (entries, weak, queued, readers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let state = State { entries, spaces: HashMap::new(), weak, values: Arc::default(), queued, writer: None, readers, seed, run: 0 };
        Shared { id: NEXT.fetch_add(1, Relaxed), state: Mutex::new(state), free: Condvar::new() }
    }

    /// For names, shapes, counters and `set`: never waits for a run.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// For values: waits until no other thread's run writes; inside a run of this thread that writes, an error.
    pub fn values(&self, what: &str) -> Result<MutexGuard<'_, State>> {
        let mut state = self.state.lock();
        while let Some(writer) = state.writer {
            if writer == thread::current().id() {
                return Err(nested(what));
            }
            self.free.wait(&mut state);
        }
        Ok(state)
    }

    pub fn resolve(&self, dtype: DType) -> Result<()> {
        if !dtype.is_float() {
            return Err(Error::new(ErrorKind::DType, "resolve", "not a floating dtype", dtype, "float32 or float64"));
        }
        if !self.lock().weak.is_empty() {
            self.values("a choice of dtype")?.fill(dtype);
        }
        Ok(())
    }

    pub fn read(&self) -> Result<ReadGuard<'_>> {
        let mut state = self.values("a run that reads")?;
        state.settle_default();
        let thread = thread::current().id();
        state.readers.push(thread);
        Ok(ReadGuard { shared: self, values: state.values.clone(), thread })
    }

    pub fn write(&self) -> Result<WriteGuard<'_>> {
        let what = "a run that writes";
        let mut state = self.values(what)?;
        let thread = thread::current().id();
        // The inner run would change what the outer one, by its own plan, still has to read.
        if state.readers.contains(&thread) {
            return Err(nested(what));
        }
        state.settle_default();
        state.writer = Some(thread);
        let values = Arc::try_unwrap(std::mem::take(&mut state.values)).unwrap_or_else(|shared| (*shared).clone());
        Ok(WriteGuard { shared: self, values, written: Vec::new() })
    }
}

/// The variables as they are when a run starts: what a run reads. Writers do not wait for it, they write to copies.
pub struct ReadGuard<'e> {
    shared: &'e Shared,
    values: Arc<Vec<Slot>>,
    thread: ThreadId,
}

/// The variables, for a run that writes. Other threads wait for the values until it is dropped.
pub struct WriteGuard<'e> {
    shared: &'e Shared,
    values: Vec<Slot>,
    written: Vec<u32>,
}

/// Why a slot that is not an array has none to show.
fn no_array(slot: Option<&Slot>, shared: &Shared, id: VariableID) -> Error {
    let state = shared.lock();
    match slot {
        Some(Err(e)) => e.clone(),
        Some(Ok(_)) => state.default_dtype().err().unwrap_or_else(|| nested("a variable whose dtype was undecided when the run began")),
        None if state.entry(id).is_ok() => nested("a variable that was set after the run began"),
        None => state.unknown_id(id),
    }
}

impl ReadGuard<'_> {
    /// The value of a variable. Fails for an unknown id (`Variable`), a value that two floating dtypes leave undecided
    /// (`DType`), and a variable whose last `set` failed (that error).
    pub fn array(&self, id: VariableID) -> Result<&Array> {
        match self.values.get(id.0 as usize) {
            Some(Ok(Value::Array(a))) => Ok(a),
            other => Err(no_array(other, self.shared, id)),
        }
    }
}

impl Drop for ReadGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(i) = state.readers.iter().position(|t| *t == self.thread) {
            state.readers.swap_remove(i);
        }
        // While the lock is held: a writer that came between would copy arrays that nobody reads any more.
        self.values = Arc::default();
    }
}

impl WriteGuard<'_> {
    /// The value of a variable. Fails as [`ReadGuard::array`].
    pub fn array(&self, id: VariableID) -> Result<&Array> {
        match self.values.get(id.0 as usize) {
            Some(Ok(Value::Array(a))) => Ok(a),
            other => Err(no_array(other, self.shared, id)),
        }
    }

    /// The value of a variable, to replace or, if it [is unique](Array::is_unique), to write to; then call
    /// [`written`](WriteGuard::written). Fails as [`ReadGuard::array`].
    pub fn array_mut(&mut self, id: VariableID) -> Result<&mut Array> {
        match self.values.get_mut(id.0 as usize) {
            Some(Ok(Value::Array(a))) => Ok(a),
            other => Err(no_array(other.as_deref(), self.shared, id)),
        }
    }

    /// Notes that a variable was written to: its version goes up by one when the guard is dropped.
    pub fn written(&mut self, id: VariableID) {
        self.written.push(id.0);
    }
}

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        self.written.sort_unstable();
        self.written.dedup();
        let mut state = self.shared.lock();
        for &id in &self.written {
            if let Some(slot) = self.values.get(id as usize) {
                state.describe(id, slot);
            }
        }
        state.values = Arc::new(std::mem::take(&mut self.values));
        state.writer = None;
        for (id, slot) in std::mem::take(&mut state.queued) {
            if let Some(e) = state.entries.get_mut(id as usize) {
                e.aval = aval_of(&slot);
            }
            state.land(id, slot);
        }
        state.settle();
        drop(state);
        self.shared.free.notify_all();
    }
}
