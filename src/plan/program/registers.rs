//! Registers: each value has one from the instruction that computes it to the last one that reads it. What a later stage
//! reads keeps its register to the end of that stage, or, if a row is wider than a register, is carried.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::build::{Emission, Read, carried_room, not_computed};
use super::{Carried, Code, Kind, Load, LoadKind, Spread, Stage, Store, Tiling};
use crate::error::{Error, Result};
use crate::kernels::fold::BLOCK;
use crate::plan::ir::{Ir, Ref};

/// What registers were given to.
pub struct Registers {
    /// The stages, without their reductions.
    pub stages: Vec<Stage>,
    pub carried: Vec<Carried>,
    /// Number of registers.
    pub count: u16,
    pub places: Places,
}

/// Where values are in the table of pointers: registers, then carried rows, then loads, then stores.
pub struct Places {
    values: FxHashMap<u32, (Home, usize)>,
    first_carried: u16,
    first_load: u16,
    first_store: u16,
}

/// Registers are numbered from 0; the others get their numbers when the count of registers is known.
#[derive(Clone, Copy)]
enum Home {
    Register(u16),
    Carried(u16),
    Load(u16),
    Store(u16),
}

impl Places {
    fn of(&self, p: Home) -> u16 {
        match p {
            Home::Register(r) => r,
            Home::Carried(k) => self.first_carried + k,
            Home::Load(k) => self.first_load + k,
            Home::Store(k) => self.first_store + k,
        }
    }
    /// The number of the value of a node, and how many instructions of its stage run before it is there.
    pub fn value(&self, node: u32) -> Option<(u16, usize)> {
        self.values.get(&node).map(|&(p, end)| (self.of(p), end))
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

/// The values that a later stage reads, with the last stage that does.
pub fn crossing(stages: &[Emission]) -> FxHashMap<u32, usize> {
    let mut last = FxHashMap::default();
    if stages.len() > 1 {
        for (s, stage) in stages.iter().enumerate() {
            let own = |v: u32| stage.nodes.iter().any(|e| e.node == v);
            for o in stage.nodes.iter().flat_map(|e| &e.operands) {
                match o {
                    Read::Value(v) if !own(*v) => last.insert(*v, s),
                    Read::Row(v) => last.insert(*v, s),
                    _ => None,
                };
            }
        }
    }
    last
}

/// A stage while its registers are given.
#[derive(Default)]
struct StageCode {
    /// Instructions, and their operands, which have no numbers yet.
    code: Vec<(Code, [Home; 4])>,
    stores: Vec<(Store, Home)>,
    spreads: Vec<(Home, u16, usize)>,
}

/// Gives registers. A reduction reads its operand as soon as that is there, so it keeps none alive. `crossing` is what
/// [`crossing`] says of the stages.
pub fn assign(
    ir: &Ir,
    stages: &mut [Emission],
    (tiling, cols): (Tiling, usize),
    crossing: &FxHashMap<u32, usize>,
    stored: &dyn Fn(u32) -> bool,
) -> Result<Registers> {
    let mut pool = Pool::default();
    let mut carried: Vec<Carried> = vec![];
    let mut values: FxHashMap<u32, (Home, usize)> = FxHashMap::default();
    let mut drafts: Vec<StageCode> = Vec::with_capacity(stages.len());
    let (mut loads, mut stores) = (0u16, 0u16);
    for (s, stage) in stages.iter_mut().enumerate() {
        let size = |n: u32| ir.nodes[n as usize].tys[0].dtype.size();
        let mut draft = StageCode::default();
        let mut last: FxHashMap<u32, usize> = FxHashMap::default();
        let mut spread: FxHashMap<u32, u16> = FxHashMap::default();
        for (t, e) in stage.nodes.iter().enumerate() {
            for o in &e.operands {
                match o {
                    Read::Value(v) => _ = last.insert(*v, t),
                    Read::Row(v) if tiling == Tiling::Whole && !spread.contains_key(v) => {
                        let r = pool.take();
                        let from = values.get(v).ok_or_else(|| not_computed(ir, e.node, *v))?.0;
                        draft.spreads.push((from, r, size(*v)));
                        spread.insert(*v, r);
                    }
                    _ => {}
                }
            }
        }
        for f in stage.folds.iter().filter(|f| crossing.contains_key(&f.node)) {
            values.insert(f.node, (Home::Register(pool.take()), 0));
        }
        for (t, e) in stage.nodes.iter().enumerate() {
            let value = |v: &u32| Ok(values.get(v).ok_or_else(|| not_computed(ir, e.node, *v))?.0);
            let operand = |o: &Read| match o {
                Read::Value(v) => value(v),
                Read::Row(v) => spread.get(v).map_or_else(|| value(v), |&r| Ok(Home::Register(r))),
                Read::Load(k) => Ok(Home::Load(loads + *k as u16)),
            };
            let mut operands: SmallVec<[Home; 3]> = e.operands.iter().map(operand).collect::<Result<_>>()?;
            let mut temporary: SmallVec<[u16; 2]> = SmallVec::new();
            for &(k, dtype) in &e.splat {
                let r = pool.take();
                temporary.push(r);
                let from = operands[k];
                let fill = Code { kind: Kind::Fill, from: dtype, to: dtype, single: 1, at: [0; 4] };
                draft.code.push((fill, [Home::Register(r), from, from, from]));
                operands[k] = Home::Register(r);
            }
            let at = draft.code.len();
            let (size, crosses) = (size(e.node), crossing.contains_key(&e.node));
            let mut store = |kept: bool, register: u16, place: Option<Home>| {
                let value = Ref { node: e.node, out: 0 };
                let place = place.unwrap_or(Home::Store(stores));
                draft.stores.push((Store { value, slot: 0, register, size, locs: SmallVec::new(), at, aliased: false, kept }, place));
                stores += 1;
                place
            };
            let to = if crosses {
                let to = if tiling == Tiling::Rows && cols > BLOCK && !stage.per_row {
                    let offset = carried.last().map_or(0, |c: &Carried| c.offset + carried_room(cols, c.size));
                    carried.push(Carried { slot: 0, offset, size });
                    Home::Carried(carried.len() as u16 - 1)
                } else {
                    Home::Register(pool.take())
                };
                if stored(e.node) { store(true, 0, Some(to)) } else { to }
            } else if stored(e.node) {
                store(false, pool.take(), None)
            } else {
                Home::Register(pool.take())
            };
            values.insert(e.node, (to, at + 1));
            let mut places = [to; 4];
            for (slot, &p) in places.iter_mut().skip(1).zip(&operands) {
                touch(&mut stage.loads, loads, p, at)?;
                *slot = p;
            }
            let code = Code { kind: Kind::Row(e.def), from: e.dtypes.0, to: e.dtypes.1, single: e.single, at: [0; 4] };
            draft.code.push((code, places));
            pool.free.extend(temporary);
            // Registers of operands that end here are free for the next instruction; never for this one.
            let mut done: SmallVec<[u32; 3]> = SmallVec::new();
            for o in &e.operands {
                if let Read::Value(v) = o
                    && last.get(v) == Some(&t)
                    && !crossing.contains_key(v)
                    && !done.contains(v)
                {
                    done.push(*v);
                    if let Some((Home::Register(r), _)) = values.get(v) {
                        pool.free.push(*r);
                    }
                }
            }
            if let (Home::Register(r), false, false) = (to, crosses, last.contains_key(&e.node)) {
                pool.free.push(r);
            }
        }
        // Only now: the next tile of this stage reads them again.
        pool.free.extend(spread.into_values());
        let ends = crossing.iter().filter(|(_, end)| **end == s).filter_map(|(v, _)| values.get(v));
        pool.free.extend(ends.filter_map(|(p, _)| if let Home::Register(r) = p { Some(*r) } else { None }));
        loads += stage.loads.len() as u16;
        drafts.push(draft);
    }
    Ok(finish(stages, drafts, carried, values, pool))
}

/// Numbers everything, now that the registers are counted.
fn finish(
    stages: &mut [Emission],
    drafts: Vec<StageCode>,
    mut carried: Vec<Carried>,
    values: FxHashMap<u32, (Home, usize)>,
    mut pool: Pool,
) -> Registers {
    for load in stages.iter_mut().flat_map(|s| &mut s.loads).filter(|l| !matches!(l.kind, LoadKind::One | LoadKind::RowOne)) {
        load.register = pool.count;
        pool.count += 1;
    }
    let first_load = pool.count + carried.len() as u16;
    let first_store = first_load + stages.iter().map(|s| s.loads.len() as u16).sum::<u16>();
    let places = Places { values, first_carried: pool.count, first_load, first_store };
    for (k, c) in carried.iter_mut().enumerate() {
        c.slot = places.of(Home::Carried(k as u16));
    }
    for (k, load) in stages.iter_mut().flat_map(|s| &mut s.loads).enumerate() {
        load.slot = places.of(Home::Load(k as u16));
    }
    let stage = |(emission, draft): (&mut Emission, StageCode)| Stage {
        per_row: emission.per_row,
        loads: std::mem::take(&mut emission.loads),
        spreads: draft.spreads.into_iter().map(|(from, to, size)| Spread { from: places.of(from), to, size }).collect(),
        stores: draft.stores.into_iter().map(|(s, place)| Store { slot: places.of(place), ..s }).collect(),
        folds: vec![],
        code: draft.code.into_iter().map(|(c, at)| Code { at: at.map(|p| places.of(p)), ..c }).collect(),
    };
    let stages = stages.iter_mut().zip(drafts).map(stage).collect();
    Registers { stages, carried, count: pool.count, places }
}

/// Notes that instruction `at` reads an operand; `first` is the number of the stage's first load.
fn touch(loads: &mut [Load], first: u16, p: Home, at: usize) -> Result<()> {
    if let Home::Load(k) = p {
        let count = loads.len();
        let load = k.checked_sub(first).and_then(|k| loads.get_mut(k as usize));
        let missing =
            || Error::engine("plan", "an operand is of another stage", format_args!("load {k}"), format_args!("{count} from {first}"));
        load.ok_or_else(missing)?.end = at + 1;
    }
    Ok(())
}
