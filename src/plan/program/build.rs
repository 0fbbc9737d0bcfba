//! From a group to a program: operands, kernels, and how tiles walk the space.

use smallvec::SmallVec;

use super::registers::{Registers, assign, crossing};
use super::{FoldStore, Kind, Load, LoadKind, Loc, Program, Stage, Tiling, order, panels, stages};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::graph::op::{Kernel, OpDef};
use crate::kernels::fold::{BLOCK, Fold, narrow};
use crate::kernels::isa::Isa;
use crate::plan::access::Accesses;
use crate::plan::fuse::{Group, Inside, Reduction, describe, inside, per_row, reduction};
use crate::plan::ir::{Ir, IrOp, Ref};
use crate::shape::{Dims, Strides, count};

/// Where operands and results are while a program is built.
struct Emitter<'a> {
    ir: &'a Ir,
    accesses: &'a Accesses,
    group: &'a Group,
    owners: &'a [u32],
    /// The group's own index.
    own: u32,
    stages: Vec<Emission>,
}

/// A stage before registers are given.
pub(super) struct Emission {
    pub per_row: bool,
    pub loads: Vec<Load>,
    /// Strides in elements over the space's lengths, for each load.
    patterns: Vec<Strides>,
    pub nodes: Vec<Emitted>,
    pub folds: Vec<Folded>,
}

/// An instruction before registers are given.
pub(super) struct Emitted {
    pub node: u32,
    /// The row that it computes.
    pub def: &'static OpDef,
    /// The dtypes of its last operand and of its result.
    pub dtypes: (DType, DType),
    pub operands: SmallVec<[Read; 3]>,
    /// Bit mask of the operands that the kernel reads as a single value.
    pub single: u8,
    /// Reads of one value a row that are copied to a register before, to become full, with their dtypes.
    pub splat: SmallVec<[(usize, DType); 1]>,
}

/// A reduction before registers are given.
pub(super) struct Folded {
    pub node: u32,
    pub operand: Read,
    fold: Fold,
    reduction: Reduction,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Read {
    /// The value of a node of the program.
    Value(u32),
    /// The value of a node that has one value a row, for all columns.
    Row(u32),
    /// From memory: place in the stage's list.
    Load(usize),
}

/// Builds the program of a group. `stored` tells which nodes' values are needed outside of it; `room` how many bytes may be
/// read from the first one of a root on.
pub fn build(
    ir: &Ir,
    accesses: &Accesses,
    group: &Group,
    owners: &[u32],
    stored: &dyn Fn(u32) -> bool,
    room: &dyn Fn(Ref) -> usize,
) -> Result<Program> {
    let own = owners[group.nodes[0] as usize];
    let mut b = Emitter { ir, accesses, group, owners, own, stages: vec![] };
    let (numbers, per_row) = b.numbers(stored)?;
    b.stages =
        per_row.into_iter().map(|per_row| Emission { per_row, loads: vec![], patterns: vec![], nodes: vec![], folds: vec![] }).collect();
    for (&i, &s) in group.nodes.iter().zip(&numbers) {
        b.emit(s, i)?;
    }
    b.finish(stored, room)
}

impl Emitter<'_> {
    /// How operand `r` of node `i` is found in the program.
    fn inside(&self, i: u32, r: Ref) -> Option<Inside> {
        inside(self.ir, self.accesses, self.owners, (self.group, self.own), i, r)
    }

    /// The stage of each node, and which stages have one value a row.
    fn numbers(&self, stored: &dyn Fn(u32) -> bool) -> Result<(Vec<usize>, Vec<bool>)> {
        let nodes = &self.group.nodes;
        if self.group.rows.is_none() {
            return Ok((vec![0; nodes.len()], vec![false]));
        }
        let place = |&i: &u32| {
            let node = &self.ir.nodes[i as usize];
            let operand = |&r: &Ref| {
                let (Inside::Value(n) | Inside::Row(n)) = self.inside(i, r)?;
                Some(nodes.binary_search(&n).map_err(|_| not_computed(self.ir, i, n)))
            };
            Ok(stages::Staged {
                operands: node.inputs.iter().filter_map(operand).collect::<Result<_>>()?,
                per_row: per_row(self.ir, self.group, i),
                fold: matches!(node.kernel(), Some(Kernel::Fold(_))),
                stored: stored(i),
            })
        };
        Ok(stages::number(&nodes.iter().map(place).collect::<Result<Vec<_>>>()?))
    }

    /// Read `r` of node `i` over `dims`, which are the lengths of the space, or of its rows, with ones between.
    fn operand(&mut self, s: usize, i: u32, r: Ref, dims: &[usize]) -> Read {
        match self.inside(i, r) {
            Some(Inside::Value(n)) => return Read::Value(n),
            Some(Inside::Row(n)) => return Read::Row(n),
            None => {}
        }
        let access = self.accesses.of(r);
        let full = crate::ops::broadcast::broadcast_strides(&self.ir.ty(r).dims, &access.strides, dims);
        let mut strides: Strides = full.iter().zip(dims).filter(|(_, n)| **n != 1).map(|(&s, _)| s).collect();
        // What runs over rows is the same in all columns.
        strides.resize(self.group.space.len(), 0);
        let size = self.ir.ty(r).dtype.size();
        let stage = &mut self.stages[s];
        let same = |(l, p): (&Load, &Strides)| l.root == access.root && l.offset == access.offset * size as isize && *p == strides;
        if let Some(k) = stage.loads.iter().zip(&stage.patterns).position(same) {
            return Read::Load(k);
        }
        stage.loads.push(Load {
            root: access.root,
            loc: Loc { base: 0, offset: 0 },
            slot: 0,
            offset: access.offset * size as isize,
            strides: Strides::new(),
            kind: LoadKind::Gather,
            size,
            register: 0,
            readable: 0,
            periodic: false,
            full: false,
            end: 0,
        });
        stage.patterns.push(strides);
        Read::Load(stage.loads.len() - 1)
    }

    fn emit(&mut self, s: usize, i: u32) -> Result<()> {
        let node = &self.ir.nodes[i as usize];
        if let Some(Kernel::Fold(fold)) = node.kernel() {
            let x = node.inputs[0];
            let operand = self.operand(s, i, x, &self.ir.ty(x).dims);
            if let Read::Load(k) = operand {
                self.stages[s].loads[k].full = true;
            }
            let reduction = reduction(self.ir, i).ok_or_else(|| {
                let rule = "a reduction over leading, trailing or all axes";
                Error::engine(node.name(), "it cannot run in a tile program", describe(self.ir, i), rule)
            })?;
            self.stages[s].folds.push(Folded { node: i, operand, fold: *fold, reduction });
            return Ok(());
        }
        let dims = &node.tys[0].dims;
        let IrOp::Row(def, _) = node.op else { return Err(missing(self.ir, i)) };
        let operands = node.inputs.iter().map(|&r| self.operand(s, i, r, dims)).collect();
        let to = node.tys[0].dtype;
        let from = node.inputs.last().map_or(to, |&r| self.ir.ty(r).dtype);
        // `choose` says which operands are single, once it is known how they are read.
        self.stages[s].nodes.push(Emitted { node: i, def, dtypes: (from, to), operands, single: 0, splat: SmallVec::new() });
        Ok(())
    }

    fn finish(self, stored: &dyn Fn(u32) -> bool, room: &dyn Fn(Ref) -> usize) -> Result<Program> {
        let (dims, rows, cols, tiling) = self.tiling();
        let split = split(&dims, cols);
        let Emitter { ir, group, mut stages, .. } = self;
        // Rows that do not fill vectors are reduced from a register, which has room behind its end.
        let ragged = tiling == Tiling::Whole && cols % 8 != 0;
        // Those of a few values are reduced many at once, and nothing is read behind their end.
        let few = |stage: &Emission| cols <= narrow::NARROW && stage.folds.iter().all(|f| f.reduction != Reduction::All);
        for stage in &mut stages {
            let over = if stage.per_row { &dims[..split] } else { &dims[..] };
            let narrow = !stage.per_row && few(stage);
            for (load, pattern) in stage.loads.iter_mut().zip(&stage.patterns) {
                load.strides = collapse(&group.space, &dims, pattern).iter().map(|s| s * load.size as isize).take(over.len()).collect();
                load.kind = match stage.per_row {
                    true => load_kind(load, over, Tiling::Flat, 1, 0),
                    false => load_kind(load, over, tiling, rows, split),
                };
                if load.full && (ragged && !narrow || matches!(load.kind, LoadKind::One | LoadKind::RowOne)) {
                    load.kind = LoadKind::Gather;
                }
                // A view that starts before its root, or behind it, reads nothing in place.
                let behind = usize::try_from(load.offset).ok().and_then(|at| room(load.root).checked_sub(at));
                load.readable = behind.map_or(0, |bytes| bytes / load.size);
                load.periodic = !stage.per_row && tiling == Tiling::Whole && load.strides[..split].iter().all(|&s| s == 0);
            }
            for e in &mut stage.nodes {
                choose(ir, e, &stage.loads, tiling)?;
            }
            fill(stage);
        }
        let widest = ir_widest(ir, group);
        let crossing = crossing(&stages);
        if rows * cols >= BLOCK {
            let placed = |n: u32| stored(n) || crossing.contains_key(&n);
            stages.iter_mut().for_each(|s| order::order(&mut s.nodes, &placed));
        }
        let Registers { stages: mut placed, carried, count: registers, places } =
            assign(ir, &mut stages, (tiling, cols), &crossing, stored)?;
        let carried_bytes = carried.last().map_or(0, |c| c.offset + carried_room(cols, c.size));
        let tile = if tiling == Tiling::Rows { tile_columns(cols, widest, filled(&placed, registers), carried_bytes) } else { BLOCK };
        // Kernels write whole vectors, and reductions of rows read whole vectors from any row: 8 values more.
        let register_bytes = (((rows * cols).min(tile).next_multiple_of(8) + 8) * widest).next_multiple_of(64);
        let (mut shared_bytes, mut blocks_bytes) = (0, 0);
        for (stage, built) in stages.iter().zip(&mut placed) {
            for store in built.stores.iter_mut() {
                store.aliased |= ragged && stage.folds.iter().any(|f| f.operand == Read::Value(store.value.node));
            }
            for f in &stage.folds {
                let dtype = ir.nodes[f.node as usize].tys[0].dtype;
                let (from, after) = match f.operand {
                    Read::Load(k) => (built.loads[k].slot, 0),
                    Read::Value(n) | Read::Row(n) => places.value(n).ok_or_else(|| not_computed(ir, f.node, n))?,
                };
                let kept = places.value(f.node).map(|(slot, _)| slot);
                if kept.is_some() && !matches!(f.reduction, Reduction::Trailing(_)) {
                    let got = format_args!("{} over {:?}", describe(ir, f.node), f.reduction);
                    return Err(Error::engine(ir.nodes[f.node as usize].name(), "rows read it", got, "a reduction of each row"));
                }
                let shared = tiling == Tiling::Blocks || !matches!(f.reduction, Reduction::Trailing(_));
                let bytes = if shared { &mut shared_bytes } else { &mut blocks_bytes };
                let blocks = *bytes;
                *bytes += block_values(f.reduction, rows, cols, tiling, dtype.size());
                let gathered = (f.reduction == Reduction::All && tiling != Tiling::Flat && cols % BLOCK != 0).then(|| {
                    let at = blocks_bytes;
                    blocks_bytes += ((BLOCK + 8) * dtype.size()).next_multiple_of(64);
                    at
                });
                built.folds.push(FoldStore {
                    value: Ref { node: f.node, out: 0 },
                    after,
                    from,
                    fold: f.fold,
                    dtype,
                    reduction: f.reduction,
                    loc: (kept.is_none() || stored(f.node)).then_some(Loc { base: 0, offset: 0 }),
                    kept,
                    blocks,
                    shared,
                    gathered,
                });
            }
            built.folds.sort_by_key(|f| f.after);
        }
        let stages = placed;
        Ok(Program {
            dims,
            split,
            rows,
            cols,
            tiling,
            tile,
            panel_sizes: panels::sizes(),
            stages,
            carried,
            registers,
            register_bytes,
            shared_bytes,
            blocks_bytes,
            carried_bytes,
        })
    }

    /// The collapsed lengths, rows, columns, and the way that tiles walk.
    fn tiling(&self) -> (Dims, usize, usize, Tiling) {
        let space = &self.group.space;
        let reductions = || self.stages.iter().flat_map(|s| s.folds.iter().map(|f| f.reduction));
        let boundary = self.group.rows.or_else(|| {
            reductions().find_map(|r| match r {
                Reduction::Trailing(at) | Reduction::Leading(at) => Some(at),
                Reduction::All => None,
            })
        });
        let leading = reductions().any(|r| matches!(r, Reduction::Leading(_)));
        let all = reductions().any(|r| r == Reduction::All);
        // Merge neighbouring axes that every operand walks as one.
        let mut dims = Dims::new();
        for (k, &n) in space.iter().enumerate() {
            let as_one = |p: &Strides| p[k - 1] == p[k] * n as isize;
            let merge = k > 0 && boundary != Some(k) && self.stages.iter().all(|s| s.patterns.iter().all(as_one));
            match dims.last_mut() {
                Some(d) if merge => *d *= n,
                _ => dims.push(n),
            }
        }
        let total = count(space);
        if dims.len() <= 1 && boundary.is_none() {
            return (Dims::from_slice(&[total]), 1, total, Tiling::Flat);
        }
        let cols = match boundary {
            Some(at) => count(&space[at..]),
            None => dims.last().copied().unwrap_or(1),
        };
        let rows = total / cols.max(1);
        if all && boundary.is_none() && cols % BLOCK != 0 {
            return (dims, rows, cols, Tiling::Flat);
        }
        // Column by column: not what reads a whole row before it goes on, or needs the elements in C order.
        let columns = leading && self.stages.len() == 1 && !(all && cols % BLOCK != 0);
        let tiling = match cols > BLOCK || (all && cols == BLOCK) {
            true if columns => Tiling::Blocks,
            true => Tiling::Rows,
            false => Tiling::Whole,
        };
        (dims, rows, cols, tiling)
    }
}

/// How many of the collapsed lengths count the rows.
fn split(dims: &[usize], cols: usize) -> usize {
    let mut width = 1;
    let mut k = dims.len();
    while k > 0 && width < cols {
        k -= 1;
        width *= dims[k];
    }
    k
}

/// Bytes of a register at most, where rows are cut into tiles.
const REGISTER: usize = 4 << 10;
/// Bytes of the nearest cache, which the registers and the carried rows should not leave.
const NEAREST: usize = 32 << 10;

/// How many registers hold elements of tiles: what an instruction computes and what is gathered, not the values of rows.
fn filled(stages: &[Stage], registers: u16) -> usize {
    let mut used = vec![false; registers as usize];
    for stage in stages.iter().filter(|s| !s.per_row) {
        let gathered = stage.loads.iter().filter(|l| l.kind == LoadKind::Gather).map(|l| l.register);
        // What has no number of a register is stored where it is computed.
        stage.code.iter().map(|c| c.at[0]).chain(gathered).for_each(|r| {
            if let Some(u) = used.get_mut(r as usize) {
                *u = true
            }
        });
    }
    used.iter().filter(|u| **u).count()
}

/// Columns of a tile of rows: as many blocks as fill registers, since each tile costs the call of each of its instructions.
fn tile_columns(cols: usize, size: usize, registers: usize, carried: usize) -> usize {
    let bytes = REGISTER.min(NEAREST.saturating_sub(carried) / registers.max(1));
    cols.next_multiple_of(BLOCK).min(bytes / size / BLOCK * BLOCK).max(BLOCK)
}

/// Bytes of a carried row: kernels write whole vectors.
pub(super) fn carried_room(cols: usize, size: usize) -> usize {
    ((cols.next_multiple_of(8) + 8) * size).next_multiple_of(64)
}

/// Picks the form of an instruction: that whose single operands are the loads that are one value for a tile.
fn choose(ir: &Ir, e: &mut Emitted, loads: &[Load], tiling: Tiling) -> Result<()> {
    let node = &ir.nodes[e.node as usize];
    let (from, to) = e.dtypes;
    // The dtype rules of the rows let only dtypes through that the kernels have; all instruction sets have the same.
    let forms = Kind::Row(e.def).forms(Isa::Base, from, to).ok_or_else(|| missing(ir, e.node))?.0;
    let single = |o: &Read| match o {
        Read::Load(k) => is_single(&loads[*k]),
        // A tile of several rows gets them repeated.
        Read::Row(_) => tiling == Tiling::Rows,
        Read::Value(_) => false,
    };
    let mut mask = e.operands.iter().enumerate().fold(0usize, |m, (k, o)| m | usize::from(single(o)) << k);
    // A form that does not exist is reached by making operands full, from the first: those from memory by `fill`.
    for (k, o) in e.operands.iter().enumerate() {
        if forms[mask].is_some() {
            break;
        }
        if mask >> k & 1 == 1 {
            mask &= !(1 << k);
            if matches!(o, Read::Row(_)) {
                e.splat.push((k, node.inputs.get(k).map_or(to, |&r| ir.ty(r).dtype)));
            }
        }
    }
    e.single = mask as u8;
    forms[mask].map(|_| ()).ok_or_else(|| missing(ir, e.node))
}

/// True if one value stands for a whole tile.
fn is_single(load: &Load) -> bool {
    matches!(load.kind, LoadKind::One | LoadKind::RowOne)
}

/// Operands that are one value for a tile and that a kernel reads as full ones: copied into a register, once if the value is
/// that of the whole space. If other kernels read them as they are, the copy is an operand of its own.
fn fill(stage: &mut Emission) {
    for k in 0..stage.loads.len() {
        if !is_single(&stage.loads[k]) {
            continue;
        }
        let reads =
            |e: &Emitted, alone: bool| e.operands.iter().enumerate().any(|(i, o)| *o == Read::Load(k) && (e.single >> i & 1 == 1) == alone);
        if !stage.nodes.iter().any(|e| reads(e, false)) {
            continue;
        }
        let periodic = stage.loads[k].kind == LoadKind::One;
        let full = Load { kind: LoadKind::Gather, periodic, ..stage.loads[k].clone() };
        if !stage.nodes.iter().any(|e| reads(e, true)) {
            stage.loads[k] = full;
            continue;
        }
        let copy = stage.loads.len();
        stage.loads.push(full);
        for e in &mut stage.nodes {
            for (i, o) in e.operands.iter_mut().enumerate() {
                if *o == Read::Load(k) && e.single >> i & 1 == 0 {
                    *o = Read::Load(copy);
                }
            }
        }
    }
}

fn missing(ir: &Ir, i: u32) -> Error {
    let rule = "dtypes that its rule lets through";
    Error::engine(ir.nodes[i as usize].name(), "it has no kernel for its operands", describe(ir, i), rule)
}

/// The error of a node that reads what its program does not compute before.
pub(super) fn not_computed(ir: &Ir, i: u32, operand: u32) -> Error {
    let got = format_args!("{} and {}", describe(ir, i), describe(ir, operand));
    Error::engine(ir.nodes[i as usize].name(), "its program does not compute an operand before it", got, "operands first")
}

/// Strides over the collapsed lengths: of each group of merged axes, the last one's.
fn collapse(space: &[usize], dims: &[usize], pattern: &[isize]) -> Strides {
    let mut out = Strides::new();
    let mut k = 0;
    for &n in dims {
        let mut product = 1;
        let mut stride = 0;
        while product < n && k < space.len() {
            product *= space[k];
            stride = pattern[k];
            k += 1;
        }
        out.push(stride);
    }
    if space.is_empty() {
        out.iter_mut().for_each(|s| *s = 0);
    }
    out
}

fn load_kind(load: &Load, dims: &[usize], tiling: Tiling, rows: usize, split: usize) -> LoadKind {
    let size = load.size as isize;
    let total = count(dims);
    if total > 1 && load.strides.iter().all(|&s| s == 0) {
        return LoadKind::One;
    }
    let mut step = size;
    let mut flat = true;
    for (&n, &s) in dims.iter().zip(&load.strides).rev() {
        flat &= n == 1 || s == step;
        step *= n as isize;
    }
    if flat || total <= 1 {
        return LoadKind::Flat;
    }
    let in_rows = matches!(tiling, Tiling::Rows | Tiling::Blocks) && rows > 1;
    let columns = &load.strides[split..];
    let mut step = size;
    let mut dense = true;
    for (&n, &s) in dims[split..].iter().zip(columns).rev() {
        dense &= n == 1 || s == step;
        step *= n as isize;
    }
    match in_rows {
        true if dense => LoadKind::Row,
        true if columns.iter().all(|&s| s == 0) => LoadKind::RowOne,
        _ => LoadKind::Gather,
    }
}

fn ir_widest(ir: &Ir, group: &Group) -> usize {
    let own = |i: &u32| {
        let node = &ir.nodes[*i as usize];
        let inputs = node.inputs.iter().map(|&r| ir.ty(r).dtype.size());
        inputs.chain(node.tys.iter().map(|t| t.dtype.size())).max().unwrap_or(1)
    };
    group.nodes.iter().map(own).max().unwrap_or(8)
}

/// Rows of an accumulator, rounded up so that kernels may write whole vectors.
pub fn padded_cols(cols: usize) -> usize {
    cols.next_multiple_of(8)
}

/// Rows whose block values are kept at once, where whole blocks of several rows are folded in one call.
pub fn rows_at_once(cols: usize) -> usize {
    (8 * BLOCK * BLOCK / cols.max(1)).clamp(1, 8)
}

/// Bytes of the values that a reduction has for each block of its tree.
fn block_values(reduction: Reduction, rows: usize, cols: usize, tiling: Tiling, size: usize) -> usize {
    let values = match reduction {
        Reduction::All => (rows * cols).div_ceil(BLOCK),
        Reduction::Trailing(_) if tiling == Tiling::Blocks => cols.div_ceil(BLOCK) * rows,
        Reduction::Trailing(_) => cols.div_ceil(BLOCK) * rows_at_once(cols).min(rows),
        Reduction::Leading(_) => rows.div_ceil(BLOCK) * padded_cols(cols),
    };
    (values * size).next_multiple_of(64)
}
