//! From a draft to a program: operands, kernels, and how tiles walk the space.

use smallvec::SmallVec;

use super::order;
use super::registers::{Registers, assign};
use super::{FoldStore, Load, LoadKind, Loc, Program, Tiling};
use crate::graph::op::Kernel;
use crate::kernels::fold::{BLOCK, Fold, accumulate, block, pairwise};
use crate::kernels::isa::{Isa, isa};
use crate::kernels::tile::{self, Instr};
use crate::plan::access::Accesses;
use crate::plan::fuse::{Draft, Reduction, classify, in_program};
use crate::plan::ir::{Ir, Ref};
use crate::plan::simplify::fold_axes;
use crate::shape::{Dims, Strides, count};

/// Where operands and results are while a program is built.
struct Builder<'a> {
    ir: &'a Ir,
    accesses: &'a Accesses,
    draft: &'a Draft,
    owners: &'a [u32],
    /// The draft's own index.
    own: u32,
    isa: Isa,
    loads: Vec<Load>,
    /// Strides in elements over the space's lengths, for each load.
    patterns: Vec<Strides>,
    nodes: Vec<Emitted>,
}

/// An instruction before registers are given.
pub(super) struct Emitted {
    pub node: u32,
    pub f: Instr,
    pub name: &'static str,
    pub operands: SmallVec<[Operand; 3]>,
    /// Operands that are copied to a register before, to become full.
    pub splat: SmallVec<[(usize, Instr); 1]>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operand {
    Value(u32),
    Load(usize),
}

/// Builds the program of a draft. `stored` tells which nodes' values are needed outside of it; `padded` which roots may be
/// read past their end.
pub fn build(
    ir: &Ir,
    accesses: &Accesses,
    draft: &Draft,
    owners: &[u32],
    stored: &dyn Fn(u32) -> bool,
    padded: &dyn Fn(Ref) -> bool,
) -> Program {
    let own = owners[draft.nodes[0] as usize];
    let mut b = Builder { ir, accesses, draft, owners, own, isa: isa(), loads: vec![], patterns: vec![], nodes: vec![] };
    let mut folds: Vec<(u32, Operand, Fold, Reduction)> = vec![];
    for &i in &draft.nodes {
        let node = &ir.nodes[i as usize];
        if let Some(Kernel::Fold(fold)) = node.kernel() {
            let x = node.inputs[0];
            let dims = ir.ty(x).dims.clone();
            let operand = b.operand(x, &dims);
            if let Operand::Load(k) = operand {
                b.loads[k].full = true;
            }
            let reduction = classify(&dims, &fold_axes(node, dims.len())).unwrap_or(Reduction::All);
            folds.push((i, operand, *fold, reduction));
        } else {
            b.emit(i);
        }
    }
    b.finish(folds, stored, padded)
}

impl Builder<'_> {
    /// An operand over `dims`, which are the space's lengths with ones between.
    fn operand(&mut self, r: Ref, dims: &[usize]) -> Operand {
        if let Some(root) = in_program(self.ir, self.accesses, self.owners, self.own, r) {
            return Operand::Value(root);
        }
        let access = self.accesses.of(r);
        let full = crate::ops::broadcast::broadcast_strides(&self.ir.ty(r).dims, &access.strides, dims);
        let strides: Strides = full.iter().zip(dims).filter(|(_, n)| **n != 1).map(|(&s, _)| s).collect();
        let size = self.ir.ty(r).dtype.size();
        let same = |(l, p): (&Load, &Strides)| l.root == access.root && l.offset == access.offset * size as isize && *p == strides;
        if let Some(k) = self.loads.iter().zip(&self.patterns).position(same) {
            return Operand::Load(k);
        }
        let nowhere = Loc { base: 0, offset: 0 };
        self.loads.push(Load {
            root: access.root,
            loc: nowhere,
            offset: access.offset * size as isize,
            strides: Strides::new(),
            kind: LoadKind::Gather,
            size,
            register: 0,
            padded: false,
            periodic: false,
            full: false,
            end: 0,
        });
        self.patterns.push(strides);
        Operand::Load(self.loads.len() - 1)
    }

    fn emit(&mut self, i: u32) {
        let node = &self.ir.nodes[i as usize];
        let dims = node.tys[0].dims.clone();
        let operands = node.inputs.iter().map(|&r| self.operand(r, &dims)).collect();
        self.nodes.push(Emitted { node: i, f: tile::copy(node.tys[0].dtype), name: node.name(), operands, splat: SmallVec::new() });
    }

    fn finish(self, folds: Vec<(u32, Operand, Fold, Reduction)>, stored: &dyn Fn(u32) -> bool, padded: &dyn Fn(Ref) -> bool) -> Program {
        let (dims, rows, cols, tiling) = self.tiling(&folds);
        let Builder { ir, draft, isa, mut loads, patterns, mut nodes, .. } = self;
        for (load, pattern) in loads.iter_mut().zip(&patterns) {
            load.strides = collapse(&draft.space, &dims, pattern).iter().map(|s| s * load.size as isize).collect();
            load.kind = match load_kind(load, &dims, tiling, rows) {
                LoadKind::One | LoadKind::RowOne if load.full => LoadKind::Gather,
                kind => kind,
            };
            load.padded = padded(load.root);
            load.periodic = tiling == Tiling::Whole && row_part(&dims, cols, &load.strides).iter().all(|&s| s == 0);
        }
        // Rows that do not fill vectors are reduced from a register, which has room behind its end.
        let ragged = tiling == Tiling::Whole && cols % 8 != 0;
        for load in loads.iter_mut().filter(|l| ragged && l.full) {
            load.kind = LoadKind::Gather;
        }
        for e in &mut nodes {
            choose(ir, isa, e, &loads);
        }
        let widest = ir_widest(ir, draft);
        // Kernels write whole vectors, and reductions of rows read whole vectors from any row: 8 values more.
        let tile = (rows * cols).min(BLOCK).next_multiple_of(8) + 8;
        let register_bytes = (tile * widest).next_multiple_of(64);
        if rows * cols >= BLOCK {
            order::order(&mut nodes, stored);
        }
        let Registers { code, names, mut stores, count: registers, places } = assign(ir, &nodes, &mut loads, &folds, stored);
        for store in stores.iter_mut().filter(|s| ragged && folds.iter().any(|(_, o, ..)| *o == Operand::Value(s.value.node))) {
            store.aliased = true;
        }
        let mut scratch_bytes = 0;
        let mut fold_stores = Vec::with_capacity(folds.len());
        for (i, from, fold, reduction) in folds {
            let dtype = ir.nodes[i as usize].tys[0].dtype;
            let scratch = scratch_bytes;
            scratch_bytes += fold_scratch(reduction, rows, cols, tiling, dtype.size());
            fold_stores.push(FoldStore {
                value: Ref { node: i, out: 0 },
                after: places.end(from),
                from: places.number(from),
                fold,
                dtype,
                reduction,
                loc: Loc { base: 0, offset: 0 },
                scratch,
                block: block(isa, fold, dtype),
                accumulate: accumulate(isa, fold, dtype),
                pairwise: pairwise(isa, fold, dtype),
            });
        }
        fold_stores.sort_by_key(|f| f.after);
        Program { dims, rows, cols, tiling, loads, stores, folds: fold_stores, code, registers, register_bytes, names, scratch_bytes }
    }

    /// The collapsed lengths, rows, columns, and the way that tiles walk.
    fn tiling(&self, folds: &[(u32, Operand, Fold, Reduction)]) -> (Dims, usize, usize, Tiling) {
        let space = &self.draft.space;
        let boundary = folds.iter().find_map(|(.., r)| match r {
            Reduction::Trailing(at) | Reduction::Leading(at) => Some(*at),
            Reduction::All => None,
        });
        let leading = folds.iter().any(|(.., r)| matches!(r, Reduction::Leading(_)));
        let all = folds.iter().any(|(.., r)| *r == Reduction::All);
        // Merge neighbouring axes that every operand walks as one.
        let mut dims = Dims::new();
        for (k, &n) in space.iter().enumerate() {
            let merge = k > 0 && boundary != Some(k) && self.patterns.iter().all(|p| p[k - 1] == p[k] * n as isize);
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
        let tiling = match (cols > BLOCK, leading) {
            (true, true) => Tiling::Blocks,
            (true, false) => Tiling::Rows,
            // Block values of a reduction to one value need tiles of 512.
            (false, _) if all && cols == BLOCK => Tiling::Rows,
            (false, _) => Tiling::Whole,
        };
        let tiling = if leading && tiling == Tiling::Rows { Tiling::Blocks } else { tiling };
        (dims, rows, cols, tiling)
    }
}

/// Picks the kernel of an instruction: the form whose single operands are the loads that are one value for a tile.
fn choose(ir: &Ir, isa: Isa, e: &mut Emitted, loads: &[Load]) {
    let node = &ir.nodes[e.node as usize];
    let to = node.tys[0].dtype;
    let dtype = |k: usize| node.inputs.get(k).map_or(to, |&r| ir.ty(r).dtype);
    let from = dtype(node.inputs.len().saturating_sub(1));
    let forms = match node.kernel() {
        Some(Kernel::Tile(t)) => (t.forms)(isa, from),
        Some(Kernel::Select) => Some(tile::select(isa, to)),
        Some(Kernel::Cast) => {
            let mut forms = [None; 8];
            forms[0] = Some(tile::cast(isa, from, to));
            Some(tile::Forms(forms))
        }
        _ => None,
    };
    // The dtype rules of the rows let only dtypes through that the kernels have.
    let forms = forms.map_or([None; 8], |f| f.0);
    let single = |o: &Operand| matches!(o, Operand::Load(k) if matches!(loads[*k].kind, LoadKind::One | LoadKind::RowOne));
    let mut mask = e.operands.iter().enumerate().fold(0usize, |m, (k, o)| m | usize::from(single(o)) << k);
    // A form that does not exist is reached by making operands full, from the first.
    let mut k = 0;
    while forms[mask].is_none() && k < e.operands.len() {
        if mask >> k & 1 == 1 {
            mask &= !(1 << k);
            e.splat.push((k, tile::fill(dtype(k))));
        }
        k += 1;
    }
    if let Some(f) = forms[mask] {
        e.f = f;
    }
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

/// The strides of the axes that make up the rows' number.
fn row_part<'a>(dims: &[usize], cols: usize, strides: &'a [isize]) -> &'a [isize] {
    let mut width = 1;
    let mut k = dims.len();
    while k > 0 && width < cols {
        k -= 1;
        width *= dims[k];
    }
    &strides[..k]
}

fn load_kind(load: &Load, dims: &[usize], tiling: Tiling, rows: usize) -> LoadKind {
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
    let cols = total / rows;
    let split = row_part(dims, cols, &load.strides).len();
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

fn ir_widest(ir: &Ir, draft: &Draft) -> usize {
    let own = |i: &u32| {
        let node = &ir.nodes[*i as usize];
        let inputs = node.inputs.iter().map(|&r| ir.ty(r).dtype.size());
        inputs.chain(node.tys.iter().map(|t| t.dtype.size())).max().unwrap_or(1)
    };
    draft.nodes.iter().map(own).max().unwrap_or(8)
}

/// Rows of an accumulator, rounded up so that kernels may write whole vectors.
pub fn padded_cols(cols: usize) -> usize {
    cols.next_multiple_of(8)
}

fn fold_scratch(reduction: Reduction, rows: usize, cols: usize, tiling: Tiling, size: usize) -> usize {
    let values = match reduction {
        Reduction::All => (rows * cols).div_ceil(BLOCK),
        Reduction::Trailing(_) if tiling == Tiling::Blocks => cols.div_ceil(BLOCK) * BLOCK.min(rows),
        Reduction::Trailing(_) => cols.div_ceil(BLOCK),
        Reduction::Leading(_) => rows.div_ceil(BLOCK) * padded_cols(cols),
    };
    (values * size).next_multiple_of(64)
}
