//! Reductions: in each tile, at the end of a row, at the end of a panel, and at the end of the space.

use super::lower::{FoldKernels, StageKernels};
use super::{Machine, Tile};
use crate::kernels::fold::BLOCK;
use crate::kernels::fold::narrow::NARROW;
use crate::plan::fuse::Reduction;
use crate::plan::program::{FoldStore, Panel, Stage, Tiling, padded_cols};

/// Folds the blocks of `len` values, each into one value at `to`.
unsafe fn fold_blocks(f: &FoldStore, k: &FoldKernels, to: *mut u8, from: *const u8, len: usize) {
    let (size, whole) = (f.dtype.size(), len / BLOCK);
    // SAFETY: by the contract of `Machine::fold`.
    unsafe {
        (k.lines)(to, from, whole, BLOCK, BLOCK);
        if whole * BLOCK < len {
            (k.lines)(to.add(whole * size), from.add(whole * BLOCK * size), 1, len % BLOCK, 0);
        }
    }
}

impl Machine<'_> {
    /// Where a reduction has its block values.
    pub(super) unsafe fn block_values(&self, f: &FoldStore) -> *mut u8 {
        // SAFETY: the program counted them.
        unsafe { if f.shared { self.shared } else { self.blocks }.add(f.blocks) }
    }

    /// Where a reduction over trailing axes puts the values of the rows from `row` on: the register that later stages read,
    /// or its place in memory.
    pub(super) unsafe fn result(&self, f: &FoldStore, row: usize) -> *mut u8 {
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

    /// Folds a tile.
    pub(super) unsafe fn fold(&self, f: &FoldStore, k: &FoldKernels, t: &Tile) {
        let (size, cols) = (f.dtype.size(), self.p.cols);
        // SAFETY: block values have the room that the program gave them; the table's pointers are this tile's.
        unsafe {
            let from = *self.table.add(f.from as usize);
            let blocks = self.block_values(f);
            match f.reduction {
                Reduction::All => match f.gathered {
                    Some(at) => self.gather_blocks(f, k, (from, t.start, t.len), self.blocks.add(at)),
                    None => fold_blocks(f, k, blocks.add(t.start / BLOCK * size), from, t.len),
                },
                Reduction::Trailing(_) if self.p.tiling == Tiling::Whole => {
                    let (to, n) = (self.result(f, t.row), t.len / cols);
                    if cols <= NARROW {
                        (k.across)(to, from, n, cols);
                    } else {
                        (k.lines)(to, from, n, cols, cols);
                    }
                    self.keep(f, t.row, n);
                }
                Reduction::Trailing(_) => {
                    let per_row = cols.div_ceil(BLOCK);
                    let row = if f.shared { t.row } else { 0 };
                    if per_row == 1 {
                        (k.lines)(self.result(f, t.row), from, 1, t.len, 0);
                        self.keep(f, t.row, 1);
                    } else {
                        fold_blocks(f, k, blocks.add((row * per_row + t.col / BLOCK) * size), from, t.len);
                    }
                }
                Reduction::Leading(_) => {
                    let width = padded_cols(cols);
                    let (n, len) = if self.p.tiling == Tiling::Whole { (t.len / cols, cols) } else { (1, t.len) };
                    let to = blocks.add((t.row / BLOCK * width + t.col) * size);
                    let first = usize::from(t.row.is_multiple_of(BLOCK));
                    std::ptr::copy_nonoverlapping(from, to, first * len * size);
                    let rest = from.add(first * cols * size);
                    if cols <= NARROW {
                        (k.down)(to, rest, n - first, cols);
                    } else {
                        (k.onto)(to, rest, n - first, len, cols);
                    }
                }
            }
        }
    }

    /// Brings `len` values together in a block at `block`, of which those before `start` are there, and folds it when it is full.
    unsafe fn gather_blocks(&self, f: &FoldStore, k: &FoldKernels, (from, start, len): (*const u8, usize, usize), block: *mut u8) {
        let size = f.dtype.size();
        let mut done = 0;
        // SAFETY: a block has room for its values and a vector more; block values as in `fold`.
        unsafe {
            while done < len {
                let at = (start + done) % BLOCK;
                let n = (BLOCK - at).min(len - done);
                std::ptr::copy_nonoverlapping(from.add(done * size), block.add(at * size), n * size);
                done += n;
                if at + n == BLOCK {
                    (k.lines)(self.block_values(f).add((start + done - 1) / BLOCK * size), block, 1, BLOCK, 0);
                }
            }
        }
    }

    /// Ends a row of a thread's own block values.
    pub(super) unsafe fn end_row(&self, stage: &Stage, kernels: &StageKernels, row: usize) {
        let per_row = self.p.cols.div_ceil(BLOCK);
        for (f, k) in stage.folds.iter().zip(&kernels.folds) {
            if f.shared || per_row == 1 {
                continue;
            }
            // SAFETY: as in `fold`.
            unsafe {
                self.fold_row(f, k, self.block_values(f), per_row, row);
                self.keep(f, row, 1);
            }
        }
    }

    /// Folds the block values of a row.
    pub(super) unsafe fn fold_row(&self, f: &FoldStore, k: &FoldKernels, values: *mut u8, per_row: usize, row: usize) {
        // SAFETY: as in `fold`.
        unsafe {
            (k.pairwise)(values, per_row, 1);
            std::ptr::copy_nonoverlapping(values, self.result(f, row), f.dtype.size());
        }
    }

    /// Ends a panel: what was brought together and did not fill a block is the last block of the space.
    pub(super) unsafe fn end_panel(&self, stage: &Stage, kernels: &StageKernels, panel: &Panel) {
        let end = panel.rows.end * self.p.cols;
        for (f, k) in stage.folds.iter().zip(&kernels.folds) {
            if let (Some(at), false) = (f.gathered, end.is_multiple_of(BLOCK)) {
                // SAFETY: as in `fold`.
                unsafe { (k.lines)(self.block_values(f).add(end / BLOCK * f.dtype.size()), self.blocks.add(at), 1, end % BLOCK, 0) }
            }
        }
    }

    /// Ends the reductions whose block values all panels have left.
    pub(super) unsafe fn finish(&self) {
        let (rows, cols) = (self.p.rows, self.p.cols);
        for (stage, kernels) in self.p.stages.iter().zip(&self.kernels.stages) {
            for (f, k) in stage.folds.iter().zip(&kernels.folds) {
                let (Some(loc), size) = (f.loc, f.dtype.size()) else { continue };
                // SAFETY: as in `fold`.
                unsafe {
                    let blocks = self.block_values(f);
                    match f.reduction {
                        Reduction::All => {
                            (k.pairwise)(blocks, self.p.count().div_ceil(BLOCK), 1);
                            std::ptr::copy_nonoverlapping(blocks, self.at(loc), size);
                        }
                        Reduction::Leading(_) => {
                            (k.pairwise)(blocks, rows.div_ceil(BLOCK), padded_cols(cols));
                            std::ptr::copy_nonoverlapping(blocks, self.at(loc), cols * size);
                        }
                        Reduction::Trailing(_) => {
                            let per_row = cols.div_ceil(BLOCK);
                            let open = if f.shared && per_row > 1 { rows } else { 0 };
                            (0..open).for_each(|row| self.fold_row(f, k, blocks.add(row * per_row * size), per_row, row));
                        }
                    }
                }
            }
        }
    }
}
