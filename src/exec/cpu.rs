//! The interpreter of tile programs.

mod bare;
mod folds;
mod gather;
mod lower;

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use self::bare::Bare;
use self::gather::Runs;
use self::lower::StageKernels;
use crate::kernels::fold::BLOCK;
use crate::kernels::ranges::Workers;
use crate::kernels::tile::{LINE, fetch};
use crate::plan::program::{Load, LoadKind, Loc, Panel, Program, Stage, Tiling};

pub use self::lower::{ProgramKernels, lowered};

/// A run of the space.
struct Tile {
    start: usize,
    len: usize,
    row: usize,
    col: usize,
}

/// A program with the memory that one thread has for it.
struct Machine<'a> {
    p: &'a Program,
    kernels: &'a ProgramKernels,
    bases: &'a [*mut u8],
    /// Block values of all threads.
    shared: *mut u8,
    /// The table of pointers: registers, loads, stores.
    table: *mut *mut u8,
    /// Block values of this thread.
    blocks: *mut u8,
    /// Carried rows.
    carried: *mut u8,
    /// True until periodic operands have been read.
    fresh: bool,
}

/// What asks whether to go on; only the thread of the run may.
struct Poll<'a>(UnsafeCell<&'a mut dyn FnMut() -> bool>);

// SAFETY: only thread 0 of a team, the thread of the run, looks into it.
unsafe impl Sync for Poll<'_> {}

/// The memory that each thread of a run has of its own.
#[derive(Clone, Copy)]
pub struct Locals {
    /// Of the calling thread.
    pub first: *mut u8,
    /// Of the others, one behind the other.
    pub others: *mut u8,
    /// Bytes from one of the others to the next.
    pub each: usize,
}

impl Locals {
    fn of(&self, thread: usize) -> *mut u8 {
        thread.checked_sub(1).map_or(self.first, |k| self.others.wrapping_add(k * self.each))
    }
}

/// The memory of a run, for all its threads.
struct Shared<'a> {
    bases: &'a [*mut u8],
    shared: *mut u8,
    locals: Locals,
}

// SAFETY: panels write to memory of their own, and each thread has its own registers.
unsafe impl Sync for Shared<'_> {}

/// Runs a program on several threads, which take its panels; else as [`run_tile`].
/// `None` if a panel panicked.
///
/// # Safety
/// As [`run_tile`]; each thread's memory has the program's local bytes.
pub unsafe fn run_panels(
    p: &Program,
    kernels: &ProgramKernels,
    bases: &[*mut u8],
    shared: *mut u8,
    workers: &dyn Workers,
    locals: Locals,
    poll: &mut dyn FnMut() -> bool,
) -> Option<bool> {
    let stop = AtomicBool::new(false);
    let poll = Poll(UnsafeCell::new(poll));
    let memory = Shared { bases, shared, locals };
    let (poll, memory) = (&poll, &memory);
    let work = |thread: usize, part: usize| {
        let mut count = 0usize;
        let mut go = || {
            count += 1;
            // SAFETY: thread 0 is the one that the question came from, and asks it here alone.
            if thread == 0 && count & 63 == 0 && !unsafe { (*poll.0.get())() } {
                stop.store(true, Ordering::Relaxed);
            }
            !stop.load(Ordering::Relaxed)
        };
        // SAFETY: by the contract; a panel writes to its own part of what the threads share.
        unsafe {
            let mut m = Machine::new(p, kernels, memory.bases, memory.shared, memory.locals.of(thread));
            m.panel(&p.nth_panel(part), &mut go);
        }
    };
    if !workers.each(p.panels(), &work) {
        return None;
    }
    if stop.load(Ordering::Relaxed) {
        return Some(false);
    }
    // SAFETY: all panels are done.
    unsafe { Machine::new(p, kernels, bases, shared, locals.first).finish() };
    Some(true)
}

/// Runs a program. `poll` is asked between tiles whether to go on; false ends the run early.
///
/// # Safety
/// Each base holds what the plan placed there; `scratch` has the program's working bytes and is 64-byte aligned; nothing
/// else writes to this memory.
pub unsafe fn run_tile(p: &Program, kernels: &ProgramKernels, bases: &[*mut u8], scratch: *mut u8, poll: &mut dyn FnMut() -> bool) -> bool {
    if p.count() == 0 {
        return true;
    }
    // SAFETY: the working bytes are the shared ones, then those of a thread.
    unsafe {
        let mut m = Machine::new(p, kernels, bases, scratch, scratch.add(p.shared_bytes));
        let mut count = 0usize;
        let mut go = || {
            count += 1;
            count & 63 != 0 || poll()
        };
        if !(0..p.panels()).all(|k| m.panel(&p.nth_panel(k), &mut go)) {
            return false;
        }
        m.finish();
    }
    true
}

impl<'a> Machine<'a> {
    /// A machine with its memory laid out as [`Program::local_bytes`] counts it.
    ///
    /// # Safety
    /// As [`run_tile`]; `shared` has the program's shared bytes, `local` the local ones.
    unsafe fn new(p: &'a Program, kernels: &'a ProgramKernels, bases: &'a [*mut u8], shared: *mut u8, local: *mut u8) -> Machine<'a> {
        // SAFETY: by the contract.
        unsafe {
            let registers = local.add(p.table_bytes());
            let table = local.cast::<*mut u8>();
            for r in 0..p.registers as usize {
                table.add(r).write(registers.add(r * p.register_bytes));
            }
            let blocks = registers.add(p.registers as usize * p.register_bytes);
            Machine { p, kernels, bases, shared, table, blocks, carried: blocks.add(p.blocks_bytes), fresh: true }
        }
    }

    unsafe fn at(&self, loc: Loc) -> *mut u8 {
        // SAFETY: the plan placed it inside the base.
        unsafe { self.bases[loc.base as usize].add(loc.offset) }
    }

    /// Runs a panel. `go` is asked between tiles whether to go on.
    unsafe fn panel(&mut self, panel: &Panel, go: &mut impl FnMut() -> bool) -> bool {
        let (p, cols) = (self.p, self.p.cols);
        self.fresh = true;
        // SAFETY: all tiles lie in the panel.
        unsafe {
            if let Some(bare) = Bare::of(p, self.kernels) {
                return self.fold_memory(&bare, panel, go);
            }
            let whole = match p.tiling {
                Tiling::Flat => panel.cols.clone().step_by(p.tile).all(|start| {
                    let len = p.tile.min(panel.cols.end - start);
                    self.stages(&Tile { start, len, row: 0, col: start }, 1, go)
                }),
                Tiling::Rows => panel.rows.clone().all(|row| self.stages(&Tile { start: row * cols, len: cols, row, col: 0 }, 1, go)),
                Tiling::Whole => {
                    let many = (BLOCK / cols).max(1);
                    let block = if p.leading() { BLOCK } else { usize::MAX };
                    let mut row = panel.rows.start;
                    while row < panel.rows.end {
                        // The first tile is the longest: what is periodic is read in it. No tile reaches over the end of a block
                        // of rows that are reduced.
                        let here = many.min(panel.rows.end - row).min(block - row % block);
                        if !self.stages(&Tile { start: row * cols, len: here * cols, row, col: 0 }, here, go) {
                            return false;
                        }
                        row += here;
                    }
                    true
                }
                // Such a program has one stage.
                Tiling::Blocks => panel.cols.clone().step_by(p.tile).all(|col| {
                    let len = p.tile.min(panel.cols.end - col);
                    panel.rows.clone().all(|row| {
                        self.each_stage(|m, stage, kernels| {
                            m.tile(stage, kernels, &Tile { start: row * cols + col, len, row, col }, p.count())
                        });
                        self.fresh = false;
                        go()
                    })
                }),
            };
            if whole {
                self.each_stage(|m, stage, kernels| m.end_panel(stage, kernels, panel));
            }
            whole
        }
    }

    /// Calls `f` with each stage and its kernels.
    fn each_stage(&mut self, mut f: impl FnMut(&mut Self, &'a Stage, &'a StageKernels)) {
        let (p, kernels) = (self.p, self.kernels);
        p.stages.iter().zip(&kernels.stages).for_each(|(stage, kernels)| f(self, stage, kernels));
    }

    /// Runs all stages over a tile, or over a row of any length. `rows` is the number of rows in it. `go` is asked after each
    /// tile whether to go on.
    unsafe fn stages(&mut self, t: &Tile, rows: usize, go: &mut impl FnMut() -> bool) -> bool {
        let (p, kernels) = (self.p, self.kernels);
        // SAFETY: the parts lie in the panel.
        unsafe {
            for (stage, kernels) in p.stages.iter().zip(&kernels.stages) {
                if stage.per_row {
                    self.tile(stage, kernels, &Tile { start: t.row, len: rows, row: t.row, col: 0 }, p.rows);
                    continue;
                }
                if p.tiling != Tiling::Rows {
                    self.tile(stage, kernels, t, p.count());
                    continue;
                }
                for col in (0..p.cols).step_by(p.tile) {
                    let len = p.tile.min(p.cols - col);
                    self.ask(kernels, t.start + p.cols + col, len);
                    self.tile(stage, kernels, &Tile { start: t.start + col, len, row: t.row, col }, p.count());
                    if !go() {
                        return false;
                    }
                }
                self.end_row(stage, kernels, t.row);
            }
        }
        self.fresh = false;
        p.tiling == Tiling::Rows || go()
    }

    /// Asks for `len` elements, from `start` on, of what a stage asks for ahead.
    fn ask(&self, kernels: &StageKernels, start: usize, len: usize) {
        for a in &kernels.ahead {
            // SAFETY: the plan placed it; behind its end the address is only named.
            let from = unsafe { self.at(a.loc) }.wrapping_offset(a.offset).wrapping_add(start * a.size);
            (0..len * a.size).step_by(LINE).for_each(|byte| fetch(from.wrapping_add(byte)));
        }
    }

    /// Runs a stage over a tile of a space of `total` values.
    unsafe fn tile(&mut self, stage: &Stage, kernels: &StageKernels, t: &Tile, total: usize) {
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
            for (f, fold) in stage.folds.iter().zip(&kernels.folds) {
                self.code(kernels, done, f.after, t.len);
                done = f.after;
                self.fold(f, fold, t);
            }
            self.code(kernels, done, kernels.code.len(), t.len);
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
    unsafe fn code(&self, kernels: &StageKernels, from: usize, to: usize, n: usize) {
        for c in &kernels.code[from..to] {
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
}
