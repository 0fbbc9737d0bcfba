//! A reduction of what lies in memory, and nothing else: kernels see many lines at once, and memory is read as it lies. The bits are those of
//! tiles.

use std::ops::Range;

use super::Machine;
use super::lower::{FoldKernels, ProgramKernels};
use crate::kernels::fold::BLOCK;
use crate::kernels::fold::narrow::NARROW;
use crate::plan::fuse::Reduction;
use crate::plan::program::{FoldStore, Load, LoadKind, Panel, Program, Tiling, padded_cols, rows_at_once};

/// Values that are folded between two questions whether to go on.
const PIECE: usize = 64 * BLOCK;
/// Bytes of an accumulator that stay in the nearest cache while rows are added.
const STRIP: usize = 16 << 10;

/// All that a program does, if it is such a reduction.
pub(super) struct Bare<'a> {
    load: &'a Load,
    fold: &'a FoldStore,
    kernels: &'a FoldKernels,
}

impl<'a> Bare<'a> {
    pub(super) fn of(p: &'a Program, kernels: &'a ProgramKernels) -> Option<Bare<'a>> {
        let ([stage], [stage_kernels]) = (&p.stages[..], &kernels.stages[..]) else { return None };
        let ([load], [fold]) = (&stage.loads[..], &stage.folds[..]) else { return None };
        let alone = !stage.per_row && stage.code.is_empty() && stage.stores.is_empty() && fold.kept.is_none();
        let kernels = stage_kernels.folds.first()?;
        (alone && load.kind == LoadKind::Flat && fold.from == load.slot).then_some(Bare { load, fold, kernels })
    }
}

impl Machine<'_> {
    /// Runs a panel of the program. `go` is asked after each piece whether to go on.
    pub(super) unsafe fn fold_memory(&mut self, b: &Bare<'_>, panel: &Panel, go: &mut impl FnMut() -> bool) -> bool {
        let (cols, f) = (self.p.cols, b.fold);
        let size = f.dtype.size();
        let Range { start, end } = panel.rows;
        // SAFETY: the lines lie in the operand, and their results in the room that the program and the plan gave them.
        unsafe {
            let blocks = self.block_values(f);
            match f.reduction {
                Reduction::All => {
                    let flat = self.p.tiling == Tiling::Flat;
                    let (start, end) = if flat { (panel.cols.start, panel.cols.end) } else { (start * cols, end * cols) };
                    self.lines(b, blocks.add(start / BLOCK * size), start, (end - start).div_ceil(BLOCK), BLOCK, go)
                }
                Reduction::Trailing(_) if cols <= BLOCK => self.lines(b, self.result(f, start), start * cols, end - start, cols, go),
                Reduction::Trailing(_) => {
                    let (whole, rest, per_row) = (cols / BLOCK, cols % BLOCK, cols.div_ceil(BLOCK));
                    // Rows of whole blocks are folded several at a time.
                    let many = if rest == 0 { rows_at_once(cols) } else { 1 };
                    (start..end).step_by(many).all(|first| {
                        let here = many.min(end - first);
                        if !self.lines(b, blocks, first * cols, here * whole, BLOCK, go) {
                            return false;
                        }
                        if rest > 0 {
                            self.line(b, blocks.add(whole * size), first * cols + whole * BLOCK, rest);
                        }
                        if per_row <= NARROW {
                            // The same tree as pairwise, of many rows at once.
                            (b.kernels.across)(self.result(f, first), blocks, here, per_row);
                            return true;
                        }
                        (0..here).for_each(|i| self.fold_row(f, b.kernels, blocks.add(i * per_row * size), per_row, first + i));
                        true
                    })
                }
                Reduction::Leading(_) if cols <= NARROW => {
                    let (to, from) = (blocks.add(start / BLOCK * NARROW * size), self.element(b, start * cols));
                    (b.kernels.blocks)(to, from, end - start, cols);
                    go()
                }
                Reduction::Leading(_) => {
                    let width = padded_cols(cols);
                    (start..end).step_by(BLOCK).all(|first| {
                        let to = blocks.add(first / BLOCK * width * size);
                        self.rows(b, to, first..end.min(first + BLOCK), panel.cols.clone(), go)
                    })
                }
            }
        }
    }

    /// Element `start` of the operand.
    unsafe fn element(&self, b: &Bare<'_>, start: usize) -> *const u8 {
        // SAFETY: it is one of the operand's.
        unsafe { self.at(b.load.loc).offset(b.load.offset).add(start * b.load.size) }
    }

    /// Element `start`, from which `n` are read in whole vectors: behind the operand they are read from a register.
    unsafe fn readable(&self, b: &Bare<'_>, start: usize, n: usize) -> *const u8 {
        // SAFETY: a register has room for a block.
        unsafe {
            let from = self.element(b, start);
            if start + n.next_multiple_of(8) <= b.load.readable {
                return from;
            }
            let register = *self.table.add(b.load.register as usize);
            std::ptr::copy_nonoverlapping(from, register, n * b.load.size);
            register
        }
    }

    /// Folds a line of at most a block.
    unsafe fn line(&self, b: &Bare<'_>, to: *mut u8, start: usize, n: usize) {
        // SAFETY: by `readable`.
        unsafe { (b.kernels.lines)(to, self.readable(b, start, n), 1, n, 0) }
    }

    /// Folds `count` lines of `n` values from `start` on, the last of which may be cut short by the end of the operand.
    unsafe fn lines(&self, b: &Bare<'_>, to: *mut u8, start: usize, count: usize, n: usize, go: &mut impl FnMut() -> bool) -> bool {
        let (k, size, end) = (b.kernels, b.fold.dtype.size(), self.p.count());
        // Those of which whole vectors are readable.
        let whole = if start + count * n <= end && start + count.saturating_sub(1) * n + n.next_multiple_of(8) <= b.load.readable {
            count
        } else {
            count - 1
        };
        // SAFETY: the lines lie in the operand.
        unsafe {
            for first in (0..whole).step_by((PIECE / n).max(1)) {
                let here = (PIECE / n).max(1).min(whole - first);
                let (to, from) = (to.add(first * size), self.element(b, start + first * n));
                match n {
                    ..=NARROW => (k.across)(to, from, here, n),
                    BLOCK => (k.memory)(to, from, here, n, n),
                    _ => (k.lines)(to, from, here, n, n),
                }
                if !go() {
                    return false;
                }
            }
            if whole < count {
                let start = start + whole * n;
                self.line(b, to.add(whole * size), start, n.min(end - start));
            }
        }
        true
    }

    /// Adds rows up in a row at `to`, strip by strip of the columns.
    unsafe fn rows(&self, b: &Bare<'_>, to: *mut u8, rows: Range<usize>, columns: Range<usize>, go: &mut impl FnMut() -> bool) -> bool {
        let (k, cols, size) = (b.kernels, self.p.cols, b.fold.dtype.size());
        let (first, count) = (rows.start, rows.len());
        // SAFETY: the rows lie in the operand, and the accumulator has room for whole vectors.
        unsafe {
            for col in columns.clone().step_by(STRIP / size) {
                let n = (STRIP / size).min(columns.end - col);
                let to = to.add(col * size);
                let at = |row: usize| (first + row) * cols + col;
                std::ptr::copy_nonoverlapping(self.element(b, at(0)), to, n * size);
                // Of the last row whole vectors need not be readable.
                let last = at(count - 1) + n.next_multiple_of(8) > b.load.readable;
                let end = if last { count.max(2) - 1 } else { count };
                let piece = (PIECE / n).max(1);
                for row in (1..end).step_by(piece) {
                    let here = piece.min(end - row);
                    (k.onto)(to, self.element(b, at(row)), here, n, cols);
                    if !go() {
                        return false;
                    }
                }
                if last && count > 1 {
                    for part in (0..n).step_by(BLOCK) {
                        let n = BLOCK.min(n - part);
                        (k.onto)(to.add(part * size), self.readable(b, at(count - 1) + part, n), 1, n, 0);
                    }
                }
            }
        }
        true
    }
}
