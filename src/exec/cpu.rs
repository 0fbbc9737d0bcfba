//! The interpreter of tile programs.

mod bare;
mod gather;

use self::gather::Runs;
use crate::kernels::fold::BLOCK;
use crate::kernels::fold::narrow::NARROW;
use crate::plan::fuse::Reduction;
use crate::plan::program::{FoldStore, Load, LoadKind, Loc, Program, Stage, Tiling, padded_cols};

/// A run of the space.
struct Tile {
    start: usize,
    len: usize,
    row: usize,
    col: usize,
}

/// A program with the memory of one run.
struct Machine<'a> {
    p: &'a Program,
    bases: &'a [*mut u8],
    /// The table of pointers: registers, loads, stores.
    table: *mut *mut u8,
    /// Block values.
    blocks: *mut u8,
    /// Carried rows.
    carried: *mut u8,
    /// True until periodic operands have been read.
    fresh: bool,
}

/// Runs a program. `poll` is asked between tiles whether to go on; false ends the run early.
///
/// # Safety
/// Each base holds what the plan placed there; `scratch` has the program's working bytes and is 64-byte aligned; nothing
/// else writes to this memory.
pub unsafe fn run_tile(p: &Program, bases: &[*mut u8], scratch: *mut u8, poll: &mut dyn FnMut() -> bool) -> bool {
    // SAFETY: the layout of the scratch memory is that of `Program::working_bytes`.
    let mut m = unsafe {
        let registers = scratch.add(p.table_bytes());
        let table = scratch.cast::<*mut u8>();
        for r in 0..p.registers as usize {
            table.add(r).write(registers.add(r * p.register_bytes));
        }
        let blocks = registers.add(p.registers as usize * p.register_bytes);
        Machine { p, bases, table, blocks, carried: blocks.add(p.scratch_bytes), fresh: true }
    };
    if p.count() == 0 {
        return true;
    }
    // SAFETY: as above.
    unsafe {
        let done = match bare::Bare::of(p) {
            Some(bare) => m.fold_memory(&bare, poll),
            None => m.walk(poll),
        };
        if done {
            p.folds().for_each(|f| m.end(f));
        }
        done
    }
}

impl Machine<'_> {
    unsafe fn at(&self, loc: Loc) -> *mut u8 {
        // SAFETY: the plan placed it inside the base.
        unsafe { self.bases[loc.base as usize].add(loc.offset) }
    }

    unsafe fn walk(&mut self, poll: &mut dyn FnMut() -> bool) -> bool {
        let (rows, cols, total) = (self.p.rows, self.p.cols, self.p.count());
        let mut count = 0usize;
        let mut go = || {
            count += 1;
            count & 63 != 0 || poll()
        };
        // SAFETY: all tiles lie in the space.
        unsafe {
            match self.p.tiling {
                Tiling::Flat => {
                    for start in (0..total).step_by(BLOCK) {
                        if !self.panel(&Tile { start, len: BLOCK.min(total - start), row: 0, col: start }, 1, &mut go) {
                            return false;
                        }
                    }
                }
                Tiling::Rows => {
                    for row in 0..rows {
                        if !self.panel(&Tile { start: row * cols, len: cols, row, col: 0 }, 1, &mut go) {
                            return false;
                        }
                    }
                }
                Tiling::Whole => {
                    let many = (BLOCK / cols).max(1);
                    let mut row = 0;
                    while row < rows {
                        let here = many.min(rows - row).min(BLOCK - row % BLOCK);
                        if !self.panel(&Tile { start: row * cols, len: here * cols, row, col: 0 }, here, &mut go) {
                            return false;
                        }
                        row += here;
                    }
                }
                // Such a program has one stage.
                Tiling::Blocks => {
                    let stages = &self.p.stages[..];
                    for first in (0..rows).step_by(BLOCK) {
                        let here = BLOCK.min(rows - first);
                        for col in (0..cols).step_by(BLOCK) {
                            for row in first..first + here {
                                for stage in stages {
                                    self.tile(stage, &Tile { start: row * cols + col, len: BLOCK.min(cols - col), row, col }, total);
                                }
                                self.fresh = false;
                            }
                            if !poll() {
                                return false;
                            }
                        }
                        for row in first..first + here {
                            stages.iter().flat_map(|s| &s.folds).for_each(|f| self.end_row(f, row, row - first));
                        }
                    }
                }
            }
        }
        true
    }

    /// Runs all stages over a tile, or over a row of any length. `rows` is the number of rows in it. `go` is asked after each
    /// tile whether to go on.
    unsafe fn panel(&mut self, t: &Tile, rows: usize, go: &mut impl FnMut() -> bool) -> bool {
        let p = self.p;
        // SAFETY: the parts lie in the panel.
        unsafe {
            for stage in &p.stages {
                if stage.per_row {
                    self.tile(stage, &Tile { start: t.row, len: rows, row: t.row, col: 0 }, p.rows);
                    continue;
                }
                if p.tiling != Tiling::Rows {
                    self.tile(stage, t, p.count());
                    continue;
                }
                for col in (0..p.cols).step_by(BLOCK) {
                    let len = BLOCK.min(p.cols - col);
                    self.tile(stage, &Tile { start: t.start + col, len, row: t.row, col }, p.count());
                    if !go() {
                        return false;
                    }
                }
                stage.folds.iter().for_each(|f| self.end_row(f, t.row, 0));
            }
        }
        self.fresh = false;
        p.tiling == Tiling::Rows || go()
    }

    /// Runs a stage over a tile of a space of `total` values.
    unsafe fn tile(&mut self, stage: &Stage, t: &Tile, total: usize) {
        let p = self.p;
        let ragged = !t.len.is_multiple_of(8);
        // SAFETY: pointers are computed for this tile; kernels get room for whole vectors: in place where the memory has it,
        // in registers elsewhere.
        unsafe {
            for c in &p.carried {
                self.table.add(c.slot as usize).write(self.carried.add(c.offset + t.col * c.size));
            }
            for l in &stage.loads {
                let slot = self.table.add(l.slot as usize);
                let base = self.at(l.loc).offset(l.offset);
                let register = *self.table.add(l.register as usize);
                match l.kind {
                    LoadKind::One => slot.write(base),
                    LoadKind::RowOne => slot.write(base.offset(self.row_offset(l, t.row))),
                    LoadKind::Flat => {
                        let from = base.add(t.start * l.size);
                        if ragged && t.start + t.len.next_multiple_of(8) > l.readable {
                            std::ptr::copy_nonoverlapping(from, register, t.len * l.size);
                            slot.write(register);
                        } else {
                            slot.write(from);
                        }
                    }
                    LoadKind::Row => {
                        let from = base.offset(self.row_offset(l, t.row)).add(t.col * l.size);
                        if ragged {
                            std::ptr::copy_nonoverlapping(from, register, t.len * l.size);
                            slot.write(register);
                        } else {
                            slot.write(from);
                        }
                    }
                    LoadKind::Gather => {
                        if self.fresh || !l.periodic {
                            let dims = if stage.per_row { &p.dims[..p.split] } else { &p.dims[..] };
                            let space = Runs::of(dims, &l.strides);
                            // A reduction of rows reads whole vectors from any of them.
                            let end = t.len.next_multiple_of(8) + if l.full { 8 } else { 0 };
                            match space.place(l.size, t.start, t.len) {
                                Some(offset) if offset as usize / l.size + end <= l.readable => slot.write(base.offset(offset)),
                                _ => {
                                    space.gather(l.size, base, register, t.start, t.len);
                                    slot.write(register);
                                }
                            }
                        }
                    }
                }
            }
            for s in &stage.spreads {
                let (from, to) = (*self.table.add(s.from as usize), *self.table.add(s.to as usize));
                Runs::of(&[t.len / p.cols, p.cols], &[s.size as isize, 0]).gather(s.size, from, to, 0, t.len);
            }
            for s in stage.stores.iter().filter(|s| !s.kept) {
                let to = self.at(s.locs[0]).add(t.start * s.size);
                // What stands behind a tile belongs to the next one, but behind the last tile is room for a whole vector.
                let direct = !s.aliased && (!ragged || (t.start.is_multiple_of(8) && t.start + t.len == total));
                let slot = self.table.add(s.slot as usize);
                slot.write(if direct { to } else { *self.table.add(s.register as usize) });
            }
            let mut done = 0;
            for f in &stage.folds {
                self.code(stage, done, f.after, t.len);
                done = f.after;
                self.fold(f, t);
            }
            self.code(stage, done, stage.code.len(), t.len);
            for s in &stage.stores {
                let from = *self.table.add(s.slot as usize);
                let to = self.at(s.locs[0]).add(t.start * s.size);
                if from != to {
                    std::ptr::copy_nonoverlapping(from, to, t.len * s.size);
                }
            }
        }
    }

    /// Runs instructions.
    #[inline(always)]
    unsafe fn code(&self, stage: &Stage, from: usize, to: usize, n: usize) {
        for c in &stage.code[from..to] {
            // SAFETY: the table's pointers are this tile's.
            unsafe {
                let [d, x, y, z] = c.at.map(|i| *self.table.add(i as usize));
                (c.f)(d, x, y, z, n);
            }
        }
    }

    /// Bytes from the base of an operand to a row.
    fn row_offset(&self, l: &Load, row: usize) -> isize {
        let mut row = row;
        let mut offset = 0isize;
        for (&n, &s) in self.p.dims[..self.p.split].iter().zip(&l.strides).rev() {
            offset += (row % n) as isize * s;
            row /= n;
        }
        offset
    }

    /// Where a reduction over trailing axes puts the values of the rows from `row` on: the register that later stages read,
    /// or its place in memory.
    unsafe fn result(&self, f: &FoldStore, row: usize) -> *mut u8 {
        // SAFETY: the table's registers; the plan's place.
        unsafe {
            match (f.kept, f.loc) {
                (Some(register), _) => *self.table.add(register as usize),
                (None, Some(loc)) => self.at(loc).add(row * f.dtype.size()),
                // The plan gives each reduction one of the two.
                (None, None) => std::ptr::null_mut(),
            }
        }
    }

    /// Stores the values of `n` rows that a register holds.
    unsafe fn keep(&self, f: &FoldStore, row: usize, n: usize) {
        let size = f.dtype.size();
        if let (Some(register), Some(loc)) = (f.kept, f.loc) {
            // SAFETY: as `result`.
            unsafe { std::ptr::copy_nonoverlapping(*self.table.add(register as usize), self.at(loc).add(row * size), n * size) };
        }
    }

    unsafe fn fold(&self, f: &FoldStore, t: &Tile) {
        let size = f.dtype.size();
        let (rows, cols) = (self.p.rows, self.p.cols);
        // SAFETY: block values have the room that `fold_scratch` gave them; the table's pointers are this tile's.
        unsafe {
            let from = *self.table.add(f.from as usize);
            let blocks = self.blocks.add(f.scratch);
            match f.reduction {
                Reduction::All => (f.lines)(blocks.add(t.start / BLOCK * size), from, 1, t.len, 0),
                Reduction::Trailing(_) if self.p.tiling == Tiling::Whole => {
                    let (to, n) = (self.result(f, t.row), t.len / cols);
                    if cols <= NARROW {
                        (f.across)(to, from, n, cols);
                    } else {
                        (f.lines)(to, from, n, cols, cols);
                    }
                    self.keep(f, t.row, n);
                }
                Reduction::Trailing(_) => {
                    let per_row = cols.div_ceil(BLOCK);
                    let row = if self.p.tiling == Tiling::Blocks { t.row % BLOCK } else { 0 };
                    if per_row == 1 {
                        (f.lines)(self.result(f, t.row), from, 1, t.len, 0);
                        self.keep(f, t.row, 1);
                    } else {
                        (f.lines)(blocks.add((row * per_row + t.col / BLOCK) * size), from, 1, t.len, 0);
                    }
                }
                Reduction::Leading(_) => {
                    let width = padded_cols(cols);
                    let (n, len) = if self.p.tiling == Tiling::Whole { (t.len / cols, cols) } else { (1, t.len) };
                    // No tile reaches over the end of a block of rows.
                    let to = blocks.add((t.row / BLOCK * width + t.col) * size);
                    let first = usize::from(t.row.is_multiple_of(BLOCK));
                    std::ptr::copy_nonoverlapping(from, to, first * len * size);
                    let rest = from.add(first * cols * size);
                    if cols <= NARROW {
                        (f.down)(to, rest, n - first, cols);
                    } else {
                        (f.onto)(to, rest, n - first, len, cols);
                    }
                }
            }
            debug_assert!(t.row < rows.max(1));
        }
    }

    /// Ends a row of a reduction over trailing axes.
    unsafe fn end_row(&self, f: &FoldStore, row: usize, kept: usize) {
        let per_row = self.p.cols.div_ceil(BLOCK);
        if !matches!(f.reduction, Reduction::Trailing(_)) || per_row == 1 {
            return;
        }
        let size = f.dtype.size();
        // SAFETY: as in `fold`.
        unsafe {
            let values = self.blocks.add(f.scratch + kept * per_row * size);
            (f.pairwise)(values, per_row, 1);
            std::ptr::copy_nonoverlapping(values, self.result(f, row), size);
            self.keep(f, row, 1);
        }
    }

    /// Ends a reduction over leading or all axes.
    unsafe fn end(&self, f: &FoldStore) {
        let Some(loc) = f.loc else { return };
        let size = f.dtype.size();
        // SAFETY: as in `fold`.
        unsafe {
            let blocks = self.blocks.add(f.scratch);
            match f.reduction {
                Reduction::All => {
                    (f.pairwise)(blocks, self.p.count().div_ceil(BLOCK), 1);
                    std::ptr::copy_nonoverlapping(blocks, self.at(loc), size);
                }
                Reduction::Leading(_) => {
                    (f.pairwise)(blocks, self.p.rows.div_ceil(BLOCK), padded_cols(self.p.cols));
                    std::ptr::copy_nonoverlapping(blocks, self.at(loc), self.p.cols * size);
                }
                Reduction::Trailing(_) => {}
            }
        }
    }
}
