//! Registers: each value has one from the instruction that computes it to the last one that reads it.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::build::{Emitted, Operand};
use super::{Code, Load, LoadKind, Store};
use crate::kernels::fold::Fold;
use crate::plan::fuse::Reduction;
use crate::plan::ir::{Ir, Ref};

/// What registers were given to.
pub struct Registers {
    pub code: Vec<Code>,
    pub names: Vec<&'static str>,
    pub stores: Vec<Store>,
    /// Number of registers.
    pub count: u16,
    pub places: Places,
}

/// Where operands are in the table of pointers: registers, then loads, then stores.
pub struct Places {
    values: FxHashMap<u32, (Place, usize)>,
    first_load: u16,
    first_store: u16,
}

/// Registers are numbered from 0; loads and stores get their numbers when the count of registers is known.
#[derive(Clone, Copy)]
enum Place {
    Register(u16),
    Load(u16),
    Store(u16),
}

impl Places {
    fn of(&self, p: Place) -> u16 {
        match p {
            Place::Register(r) => r,
            Place::Load(k) => self.first_load + k,
            Place::Store(k) => self.first_store + k,
        }
    }
    /// The number of an operand.
    pub fn number(&self, o: Operand) -> u16 {
        match o {
            Operand::Load(k) => self.of(Place::Load(k as u16)),
            Operand::Value(v) => self.values.get(&v).map_or(0, |&(p, _)| self.of(p)),
        }
    }
    /// How many instructions run before an operand is there.
    pub fn end(&self, o: Operand) -> usize {
        match o {
            Operand::Load(_) => 0,
            Operand::Value(v) => self.values.get(&v).map_or(0, |&(_, end)| end),
        }
    }
}

/// Free registers; the one that was given back last is taken first, because it is in the cache.
#[derive(Default)]
struct Pool {
    free: Vec<u16>,
    count: u16,
}

impl Pool {
    fn take(&mut self) -> u16 {
        self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        })
    }
}

/// Gives registers. A reduction reads its operand as soon as that is there, so it keeps none alive.
pub fn assign(
    ir: &Ir,
    nodes: &[Emitted],
    loads: &mut [Load],
    folds: &[(u32, Operand, Fold, Reduction)],
    stored: &dyn Fn(u32) -> bool,
) -> Registers {
    let mut last: FxHashMap<u32, usize> = FxHashMap::default();
    for (t, e) in nodes.iter().enumerate() {
        for o in &e.operands {
            if let Operand::Value(v) = o {
                last.insert(*v, t);
            }
        }
    }
    let mut pool = Pool::default();
    let mut stores: Vec<Store> = vec![];
    let mut values: FxHashMap<u32, (Place, usize)> = FxHashMap::default();
    let mut drafts: Vec<(super::Instr, [Place; 4])> = Vec::with_capacity(nodes.len());
    let mut names = Vec::with_capacity(nodes.len());
    for (t, e) in nodes.iter().enumerate() {
        let mut operands: SmallVec<[Place; 3]> = SmallVec::new();
        for o in &e.operands {
            operands.push(match o {
                Operand::Value(v) => values.get(v).map_or(Place::Register(0), |&(p, _)| p),
                Operand::Load(k) => Place::Load(*k as u16),
            });
        }
        let mut temporary: SmallVec<[u16; 2]> = SmallVec::new();
        for &(k, fill) in &e.splat {
            let r = pool.take();
            temporary.push(r);
            let from = operands[k];
            touch(loads, from, drafts.len());
            drafts.push((fill, [Place::Register(r), from, from, from]));
            names.push("splat");
            operands[k] = Place::Register(r);
        }
        let at = drafts.len();
        let to = if stored(e.node) {
            let value = Ref { node: e.node, out: 0 };
            let size = ir.nodes[e.node as usize].tys[0].dtype.size();
            stores.push(Store { value, slot: 0, register: pool.take(), size, locs: SmallVec::new(), at, aliased: false });
            Place::Store(stores.len() as u16 - 1)
        } else {
            Place::Register(pool.take())
        };
        values.insert(e.node, (to, at + 1));
        let mut places = [to; 4];
        for (slot, &p) in places.iter_mut().skip(1).zip(&operands) {
            touch(loads, p, at);
            *slot = p;
        }
        drafts.push((e.f, places));
        names.push(e.name);
        pool.free.extend(temporary);
        // Registers of operands that end here are free for the next instruction; never for this one.
        let mut done: SmallVec<[u32; 3]> = SmallVec::new();
        for o in &e.operands {
            if let Operand::Value(v) = o
                && last.get(v) == Some(&t)
                && !done.contains(v)
            {
                done.push(*v);
                if let Some((Place::Register(r), _)) = values.get(v) {
                    pool.free.push(*r);
                }
            }
        }
        if let (Place::Register(r), false) = (to, last.contains_key(&e.node)) {
            pool.free.push(r);
        }
    }
    debug_assert!(folds.iter().all(|(_, o, ..)| matches!(o, Operand::Load(_)) || matches!(o, Operand::Value(v) if values.contains_key(v))));
    for load in loads.iter_mut().filter(|l| !matches!(l.kind, LoadKind::One | LoadKind::RowOne)) {
        load.register = pool.count;
        pool.count += 1;
    }
    let places = Places { values, first_load: pool.count, first_store: pool.count + loads.len() as u16 };
    let code = drafts.into_iter().map(|(f, at)| Code { f, at: at.map(|p| places.of(p)) }).collect();
    for (k, s) in stores.iter_mut().enumerate() {
        s.slot = places.of(Place::Store(k as u16));
    }
    Registers { code, names, stores, count: pool.count, places }
}

/// Notes that instruction `at` reads an operand.
fn touch(loads: &mut [Load], p: Place, at: usize) {
    if let Place::Load(k) = p
        && let Some(l) = loads.get_mut(k as usize)
    {
        l.end = at + 1;
    }
}
