//! What rows ask for ahead.

use super::{LoadKind, Loc, Program, Tiling};

/// What rows read or write as it lies.
#[derive(Clone, Copy, PartialEq)]
pub struct Ahead {
    pub loc: Loc,
    /// Offset of the view in bytes.
    pub offset: isize,
    /// Bytes of an element.
    pub size: usize,
}

/// Bytes of such a row, of all operands, that stay in the nearest cache beside the row that is worked on.
const AHEAD: usize = 16 << 10;

impl Program {
    /// What is asked for while the last stage works on the row before: what rows read and write as it lies. Each stage has a row to itself,
    /// so the first one meets its operands cold, row after row, and hardware fetches nothing over the end of a page; a third of the time of
    /// a row program was waiting for them. One stage alone goes on and on, and a long row would push itself out of the cache.
    pub fn ahead(&self) -> Vec<Ahead> {
        let whole = || self.stages.iter().filter(|s| !s.per_row);
        if self.tiling != Tiling::Rows || whole().count() < 2 {
            return vec![];
        }
        let read = whole().flat_map(|s| &s.loads).filter(|l| l.kind == LoadKind::Flat);
        let read = read.map(|l| Ahead { loc: l.loc, offset: l.offset, size: l.size });
        let written = whole().flat_map(|s| &s.stores).filter(|s| !s.kept);
        let written = written.map(|s| Ahead { loc: s.locs[0], offset: 0, size: s.size });
        let mut found: Vec<Ahead> = vec![];
        for a in read.chain(written) {
            if !found.contains(&a) {
                found.push(a);
            }
        }
        let row: usize = found.iter().map(|a| a.size * self.cols).sum();
        if row > AHEAD { vec![] } else { found }
    }
}
