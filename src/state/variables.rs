//! The table of variables and its monitor: names and shapes can always be read, values are lent to runs.
//!
//! One short lock guards everything; nobody computes under it. A run that reads takes a snapshot (a counted handle). A
//! run that writes takes the values out until it ends: readers of other threads wait for it, a `set` is kept in a queue.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, ThreadId};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::VariableID;
use super::value::Stored;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::checkpoint::Checkpointing;
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
pub(super) type Slot = Result<Stored>;

pub(super) struct State {
    /// The environment's number, which its ids carry.
    env: u64,
    pub entries: Vec<Entry>,
    pub spaces: HashMap<Arc<str>, Space>,
    /// Variables whose values have no dtype yet.
    weak: Vec<u32>,
    /// Empty while a run writes.
    pub values: Arc<Vec<Slot>>,
    queued: Vec<(u32, Slot)>,
    writer: Option<ThreadId>,
    readers: Vec<ThreadId>,
    /// None until it is asked for: most environments draw nothing, and the system takes its time to give one.
    pub seed: Option<u64>,
    pub run: u64,
    /// Variables that an optimizer of this process keeps its state in.
    pub in_use: HashSet<u32>,
}

pub(super) struct Shared {
    pub id: u64,
    state: Mutex<State>,
    free: Condvar,
    pub checkpointing: Mutex<Checkpointing>,
}

fn aval_of(slot: &Slot) -> Result<(Option<DType>, Dims)> {
    match slot {
        Ok(Stored::Array(a)) => Ok((Some(a.dtype()), a.shape().into())),
        Ok(Stored::Weak(f)) => Ok((None, f.shape().into())),
        Err(e) => Err(e.clone()),
    }
}

impl State {
    /// The seed of random draws; from the system unless it was set.
    pub fn seed(&mut self) -> u64 {
        *self.seed.get_or_insert_with(super::system_seed)
    }

    /// The id of the variable at `index`.
    pub fn id(&self, index: u32) -> VariableID {
        VariableID { env: self.env, index }
    }

    /// The place of a variable. A `Variable` error for an id that this environment did not give out.
    pub fn index(&self, id: VariableID) -> Result<u32> {
        if id.env != self.env {
            return Err(foreign(id));
        }
        if (id.index as usize) < self.entries.len() { Ok(id.index) } else { Err(used_up()) }
    }

    pub fn entry(&self, id: VariableID) -> Result<&Entry> {
        let index = self.index(id)?;
        self.entries.get(index as usize).ok_or_else(used_up)
    }

    pub fn find(&self, space: &str, name: &str) -> Option<u32> {
        self.spaces.get(space)?.index.get(name).copied()
    }

    /// The unnamed variables of a namespace.
    pub fn unnamed(&self, space: &str) -> Vec<u32> {
        let ids = self.spaces.get(space).map_or(&[][..], |s| &s.ids);
        ids.iter().copied().filter(|&i| self.entries.get(i as usize).is_some_and(|e| e.name.is_none())).collect()
    }

    /// Stores a value under a name, or in a new unnamed variable.
    pub fn put(&mut self, space: &str, name: Option<&str>, slot: Slot) -> VariableID {
        let known = name.and_then(|n| self.find(space, n));
        let Some(index) = known.or_else(|| self.register(space, name)) else { return self.id(u32::MAX) };
        let slot = slot.and_then(|value| self.decided(Some(index), value));
        self.store(index, slot);
        self.id(index)
    }

    /// `None` when the ids are used up.
    fn register(&mut self, space: &str, name: Option<&str>) -> Option<u32> {
        let id = u32::try_from(self.entries.len()).ok().filter(|&i| i < u32::MAX)?;
        let space: Arc<str> = self.spaces.get_key_value(space).map_or_else(|| space.into(), |(k, _)| k.clone());
        let name: Option<Arc<str>> = name.map(Arc::from);
        let list = self.spaces.entry(space.clone()).or_default();
        list.ids.push(id);
        if let Some(name) = &name {
            list.index.insert(name.clone(), id);
        }
        self.entries.push(Entry { space, name, aval: Ok((None, Dims::new())), version: 0 });
        Some(id)
    }

    /// A value for the variable at `index`, or for a new one: a fill becomes an array if the other variables decide its dtype.
    /// A run that writes may still change theirs.
    pub fn decided(&self, index: Option<u32>, value: Stored) -> Result<Stored> {
        let (Stored::Weak(fill), None) = (&value, self.writer) else { return Ok(value) };
        match self.floats(index) {
            (Some(_), None) => fill.array(DType::F32).map(Stored::Array),
            (None, Some(_)) => fill.array(DType::F64).map(Stored::Array),
            _ => Ok(value),
        }
    }

    /// Stores a value in the variable at `index`.
    pub fn store(&mut self, index: u32, slot: Slot) {
        self.weak.retain(|&w| w != index);
        if matches!(slot, Ok(Stored::Weak(_))) {
            self.weak.push(index);
        }
        self.describe(index, &slot);
        if self.writer.is_some() {
            self.queued.push((index, slot));
        } else {
            self.land(index, slot);
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

    /// The floating dtypes of the variables but the one at `except`, each with the first variable that has it.
    fn floats(&self, except: Option<u32>) -> (Option<u32>, Option<u32>) {
        let others = || (0u32..).zip(&self.entries).filter(|(i, _)| Some(*i) != except);
        let first = |d: DType| others().find(|(_, e)| matches!(e.aval, Ok((Some(t), _)) if t == d)).map(|(i, _)| i);
        (first(DType::F32), first(DType::F64))
    }

    /// The variable at `index` as messages name it.
    pub fn label(&self, index: u32) -> String {
        match self.entries.get(index as usize) {
            Some(Entry { name: Some(n), space, .. }) if space.is_empty() => format!("{n:?}"),
            Some(Entry { name: Some(n), space, .. }) => format!("{n:?} of namespace {space:?}"),
            _ => format!("unnamed variable {index}"),
        }
    }

    pub fn default_dtype(&self) -> Result<DType> {
        match self.floats(None) {
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
        if !self.weak.is_empty() && matches!(self.floats(None), (Some(_), None) | (None, Some(_))) {
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
            if let Some(Ok(Stored::Weak(f))) = self.values.get(id as usize) {
                let slot = f.array(dtype).map(Stored::Array);
                self.describe(id, &slot);
                self.land(id, slot);
            }
        }
    }

    /// The value of the variable at `index` as an array; a weak one takes the default dtype without being decided.
    pub fn array(&self, index: u32) -> Result<Array> {
        match self.values.get(index as usize) {
            Some(Ok(Stored::Array(a))) => Ok(a.clone()),
            Some(Ok(Stored::Weak(f))) => f.array(self.default_dtype()?),
            Some(Err(e)) => Err(e.clone()),
            None => Err(used_up()),
        }
    }
}

/// The error for an id of another environment.
fn foreign(id: VariableID) -> Error {
    let got = format_args!("{id:?} of another environment");
    let e =
        Error::new(ErrorKind::Variable, "variable", "the id belongs to another environment", got, "an id that this environment gave out");
    e.help("ask this environment for the variable by its name; one that was loaded from a file has ids of its own")
}

/// The error for the id of a variable that got none.
fn used_up() -> Error {
    Error::new(ErrorKind::Variable, "variable", "the variable was not made", "no id", "fewer than 2^32 - 1 variables in an environment")
}

fn nested(what: &str) -> Error {
    let held = "a run on this thread uses these variables and has not ended";
    let e = Error::new(ErrorKind::Graph, "environment", held, what, "to wait until that run has ended");
    e.help("in a hook, use the array that the hook is given; `set` is possible, it takes effect when the run has ended")
}

impl Shared {
    pub fn new() -> Shared {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Relaxed);
        let state = State {
            env: id,
            entries: Vec::new(),
            spaces: HashMap::new(),
            weak: Vec::new(),
            values: Arc::default(),
            queued: Vec::new(),
            writer: None,
            readers: Vec::new(),
            seed: None,
            run: 0,
            in_use: HashSet::new(),
        };
        Shared { id, state: Mutex::new(state), free: Condvar::new(), checkpointing: Mutex::default() }
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
        None => state.index(id).err().unwrap_or_else(|| nested("a variable that was set after the run began")),
    }
}

impl Shared {
    /// The place of a variable among the values of a run; none for an id of another environment.
    fn place(&self, id: VariableID) -> usize {
        if id.env == self.id { id.index as usize } else { usize::MAX }
    }
}

impl ReadGuard<'_> {
    /// The value of a variable. Fails for an id that this environment did not give out (`Variable`), a value that two floating dtypes leave undecided
    /// (`DType`), and a variable whose last `set` failed (that error).
    pub fn array(&self, id: VariableID) -> Result<&Array> {
        match self.values.get(self.shared.place(id)) {
            Some(Ok(Stored::Array(a))) => Ok(a),
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
        match self.values.get(self.shared.place(id)) {
            Some(Ok(Stored::Array(a))) => Ok(a),
            other => Err(no_array(other, self.shared, id)),
        }
    }

    /// The value of a variable, to replace or, if it [is unique](Array::is_unique), to write to; then call
    /// [`written`](WriteGuard::written). Fails as [`ReadGuard::array`].
    pub fn array_mut(&mut self, id: VariableID) -> Result<&mut Array> {
        match self.values.get_mut(self.shared.place(id)) {
            Some(Ok(Stored::Array(a))) => Ok(a),
            other => Err(no_array(other.as_deref(), self.shared, id)),
        }
    }

    /// Notes that a variable was written to: its version goes up by one when the guard is dropped.
    pub fn written(&mut self, id: VariableID) {
        if id.env == self.shared.id {
            self.written.push(id.index);
        }
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
