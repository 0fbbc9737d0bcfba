//! A reduction of what lies in memory, and nothing else: kernels see many lines at once, and memory is read as it lies. The bits are those of
//! tiles.

use super::Machine;
use crate::kernels::fold::BLOCK;
use crate::kernels::fold::narrow::NARROW;
use crate::plan::fuse::Reduction;
use crate::plan::program::{FoldStore, Load, LoadKind, Program, padded_cols, rows_at_once};

/// Values that are folded between two questions whether to go on.
const PIECE: usize = 64 * BLOCK;
/// Bytes of an accumulator that stay in the nearest cache while rows are added.
const STRIP: usize = 16 << 10;

/// All that a program does, if it is such a reduction.
pub(super) struct Bare<'a> {
    load: &'a Load,
    fold: &'a FoldStore,
}

impl<'a> Bare<'a> {
    pub(super) fn of(p: &'a Program) -> Option<Bare<'a>> {
        let [stage] = &p.stages[..] else { return None };
        let ([load], [fold]) = (&stage.loads[..], &stage.folds[..]) else { return None };
        let alone = !stage.per_row && stage.code.is_empty() && stage.stores.is_empty() && fold.kept.is_none();
        (alone && load.kind == LoadKind::Flat && fold.from == load.slot).then_some(Bare { load, fold })
    }
}

impl Machine<'_> {
    /// Runs the program. `poll` is asked after each piece whether to go on.
    pub(super) unsafe fn fold_memory(&mut self, b: &Bare<'_>, poll: &mut dyn FnMut() -> bool) -> bool {
        let (rows, cols, f) = (self.p.rows, self.p.cols, b.fold);
        let size = f.dtype.size();
        // SAFETY: the lines lie in the operand, and their results in the room that `fold_scratch` and the plan gave them.
        unsafe {
            let blocks = self.blocks.add(f.scratch);
            match f.reduction {
                Reduction::All => self.lines(b, blocks, 0, self.p.count().div_ceil(BLOCK), BLOCK, poll),
                Reduction::Trailing(_) if cols <= BLOCK => self.lines(b, self.result(f, 0), 0, rows, cols, poll),
                Reduction::Trailing(_) => {
                    let (whole, rest, per_row) = (cols / BLOCK, cols % BLOCK, cols.div_ceil(BLOCK));
                    // Rows of whole blocks are folded several at a time.
                    let many = if rest == 0 { rows_at_once(cols) } else { 1 };
                    (0..rows).step_by(many).all(|first| {
                        let here = many.min(rows - first);
                        if !self.lines(b, blocks, first * cols, here * whole, BLOCK, poll) {
                            return false;
                        }
                        if rest > 0 {
                            self.line(b, blocks.add(whole * size), first * cols + whole * BLOCK, rest);
                        }
                        if per_row <= NARROW {
                            // The same tree as pairwise, of many rows at once.
                            (f.across)(self.result(f, first), blocks, here, per_row);
                            return true;
                        }
                        for i in 0..here {
                            let values = blocks.add(i * per_row * size);
                            (f.pairwise)(values, per_row, 1);
                            std::ptr::copy_nonoverlapping(values, self.result(f, first + i), size);
                        }
                        true
                    })
                }
                Reduction::Leading(_) if cols <= NARROW => (0..rows).step_by(PIECE).all(|first| {
                    let (to, from) = (blocks.add(first / BLOCK * NARROW * size), self.element(b, first * cols));
                    (f.blocks)(to, from, PIECE.min(rows - first), cols);
                    poll()
                }),
                Reduction::Leading(_) => {
                    let width = padded_cols(cols);
                    (0..rows).step_by(BLOCK).all(|first| {
                        let to = blocks.add(first / BLOCK * width * size);
                        self.rows(b, to, first, BLOCK.min(rows - first), poll)
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
        unsafe { (b.fold.lines)(to, self.readable(b, start, n), 1, n, 0) }
    }

    /// Folds `count` lines of `n` values from `start` on, the last of which may be cut short by the end of the operand.
    unsafe fn lines(&self, b: &Bare<'_>, to: *mut u8, start: usize, count: usize, n: usize, poll: &mut dyn FnMut() -> bool) -> bool {
        let (f, size, end) = (b.fold, b.fold.dtype.size(), self.p.count());
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
                if n <= NARROW {
                    (f.across)(to, from, here, n)
                } else {
                    (f.lines)(to, from, here, n, n)
                }
                if !poll() {
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

    /// Adds `count` rows from `first` on up in a row at `to`, strip by strip.
    unsafe fn rows(&self, b: &Bare<'_>, to: *mut u8, first: usize, count: usize, poll: &mut dyn FnMut() -> bool) -> bool {
        let (f, cols, size) = (b.fold, self.p.cols, b.fold.dtype.size());
        // SAFETY: the rows lie in the operand, and the accumulator has room for whole vectors.
        unsafe {
            for col in (0..cols).step_by(STRIP / size) {
                let n = (STRIP / size).min(cols - col);
                let to = to.add(col * size);
                let at = |row: usize| (first + row) * cols + col;
                std::ptr::copy_nonoverlapping(self.element(b, at(0)), to, n * size);
                // Of the last row whole vectors need not be readable.
                let last = at(count - 1) + n.next_multiple_of(8) > b.load.readable;
                let end = if last { count.max(2) - 1 } else { count };
                let piece = (PIECE / n).max(1);
                for row in (1..end).step_by(piece) {
                    let here = piece.min(end - row);
                    (f.onto)(to, self.element(b, at(row)), here, n, cols);
                    if !poll() {
                        return false;
                    }
                }
                if last && count > 1 {
                    for part in (0..n).step_by(BLOCK) {
                        let n = BLOCK.min(n - part);
                        (f.onto)(to.add(part * size), self.readable(b, at(count - 1) + part, n), 1, n, 0);
                    }
                }
            }
        }
        true
    }
}
