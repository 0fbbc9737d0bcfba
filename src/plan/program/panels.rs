//! Panels: the parts of a program's space that threads take, one after the other.
//!
//! They follow from the shape alone. No panel cuts a block of a reduction's tree, so what a panel leaves behind does not
//! depend on who runs it, or when.

use std::ops::Range;

use super::{Program, Tiling};
use crate::kernels::fold::BLOCK;
use crate::kernels::ranges::weight;
use crate::plan::fuse::Reduction;

/// Elements of a panel, about: some 10 us of work.
const PANEL: usize = 64 * BLOCK;
/// Columns of a panel at least, where a panel has some of the columns: rows are read in long runs.
const STRIP: usize = 8 * BLOCK;

/// The size of panels: elements, and columns at least, where a panel has some of the columns.
pub fn sizes() -> [usize; 2] {
    [PANEL, STRIP].map(|n| (n / weight()).max(BLOCK))
}

/// A part of the space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Its rows.
    pub rows: Range<usize>,
    /// Its columns; of a flat space, its elements.
    pub cols: Range<usize>,
}

impl Program {
    /// Rows and columns of a panel that is cut short by no end.
    fn panel(&self) -> (usize, usize) {
        let [elements, strip] = self.panel_sizes;
        let leading = self.leading();
        match self.tiling {
            Tiling::Flat => (usize::MAX, elements.next_multiple_of(BLOCK)),
            Tiling::Rows | Tiling::Whole => {
                // What is gathered starts anew with each panel.
                let gathered = self.folds().any(|f| f.gathered.is_some());
                let grain = match () {
                    () if leading => BLOCK,
                    () if gathered => BLOCK >> self.cols.trailing_zeros().min(BLOCK.trailing_zeros()),
                    () => 1,
                };
                ((elements / self.cols.max(1)).max(1).next_multiple_of(grain), usize::MAX)
            }
            Tiling::Blocks => (BLOCK, (elements / self.rows.clamp(1, BLOCK)).max(strip).next_multiple_of(BLOCK)),
        }
    }

    /// True if it reduces over rows, block by block: each panel begins with a block then.
    pub fn leading(&self) -> bool {
        self.folds().any(|f| matches!(f.reduction, Reduction::Leading(_)))
    }

    /// The number of panels.
    pub fn panels(&self) -> usize {
        let (rows, cols) = self.panel();
        match self.tiling {
            Tiling::Flat => self.count().div_ceil(cols),
            Tiling::Rows | Tiling::Whole => self.rows.div_ceil(rows),
            Tiling::Blocks => self.rows.div_ceil(rows) * self.cols.div_ceil(cols),
        }
    }

    /// Panel `k`.
    pub fn nth_panel(&self, k: usize) -> Panel {
        let (rows, cols) = self.panel();
        let part = |k: usize, of: usize, n: usize| (k * of).min(n)..((k + 1) * of).min(n);
        match self.tiling {
            Tiling::Flat => Panel { rows: 0..self.rows, cols: part(k, cols, self.count()) },
            Tiling::Rows | Tiling::Whole => Panel { rows: part(k, rows, self.rows), cols: 0..self.cols },
            Tiling::Blocks => {
                let across = self.cols.div_ceil(cols);
                Panel { rows: part(k / across, rows, self.rows), cols: part(k % across, cols, self.cols) }
            }
        }
    }
}
