//! A value for some of the values of a plan.

use rustc_hash::FxHashMap;

use crate::plan::ir::Ref;

/// A map from values; nearly all of them are the first outputs of their nodes.
pub struct Table<T> {
    first: Vec<Option<T>>,
    further: FxHashMap<Ref, T>,
}

impl<T: Copy> Table<T> {
    /// An empty table for a plan of `n` nodes.
    pub fn new(n: usize) -> Table<T> {
        Table { first: vec![None; n], further: FxHashMap::default() }
    }
    /// The entry of a value.
    pub fn get(&self, r: Ref) -> Option<T> {
        match r.out {
            0 => self.first[r.node as usize],
            _ => self.further.get(&r).copied(),
        }
    }
    /// True if a value has an entry.
    pub fn has(&self, r: Ref) -> bool {
        self.get(r).is_some()
    }
    /// Sets the entry of a value.
    pub fn insert(&mut self, r: Ref, x: T) {
        match r.out {
            0 => self.first[r.node as usize] = Some(x),
            _ => _ = self.further.insert(r, x),
        }
    }
    /// Removes the entry of a value.
    pub fn remove(&mut self, r: Ref) {
        match r.out {
            0 => self.first[r.node as usize] = None,
            _ => _ = self.further.remove(&r),
        }
    }
}
