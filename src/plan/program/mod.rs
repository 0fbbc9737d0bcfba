//! Tile programs: elementwise work and reductions over one iteration space, as lists of instructions over tiles of 512
//! values.
//!
//! The space is rows by columns. A tile is a run of the space in C order: a part of one row, several whole rows, or, where
//! all operands run flat, any run. Operands are read in place where they can be; the last instruction of a value that is
//! stored writes to its place in memory.
//!
//! A program that reads back the reductions of its rows has several stages: each runs over all tiles of a row, or of a few
//! short rows, before the next begins. Between them run stages that compute on the reductions, one value a row.

mod ahead;
mod build;
mod code;
mod order;
mod panels;
mod registers;
mod stages;

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::kernels::fold::Fold;
use crate::plan::fuse::Reduction;
use crate::plan::ir::Ref;
use crate::shape::{Dims, Strides};

pub use ahead::Ahead;
pub use build::{build, padded_cols, rows_at_once};
pub use code::{Code, Kind};
pub use panels::Panel;

/// Where a value is: index of a base pointer of the run, and bytes from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Loc {
    /// Index of the base.
    pub base: u32,
    /// Bytes.
    pub offset: usize,
}

/// How tiles walk the space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tiling {
    /// Runs of 512 in C order, across rows.
    Flat,
    /// Parts of rows, row by row.
    Rows,
    /// Several whole rows.
    Whole,
    /// Blocks of 512 rows; in each, column tiles, and for each of these the rows: for reductions over rows.
    Blocks,
}

/// How an operand is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadKind {
    /// One value for the whole space.
    One,
    /// At the tile's place, C order.
    Flat,
    /// In a row that starts where the strides say; within the row without gaps.
    Row,
    /// One value a row.
    RowOne,
    /// Copied into a register, element by element.
    Gather,
}

/// An operand from memory.
#[derive(Clone, Debug)]
pub struct Load {
    /// The value, and its place once it has one.
    pub root: Ref,
    /// Its place.
    pub loc: Loc,
    /// Where it is in the table of pointers.
    pub slot: u16,
    /// Offset of the view in bytes.
    pub offset: isize,
    /// Strides in bytes over the axes of [`Program::dims`] that the stage runs over.
    pub strides: Strides,
    /// How it is read.
    pub kind: LoadKind,
    /// Bytes of an element.
    pub size: usize,
    /// The register for elements that cannot be read in place.
    pub register: u16,
    /// Elements from the first one on that may be read, those of the view and what lies behind them: to the end of the
    /// root's memory, and no further. Kernels read whole vectors, so a tail is read in place only where there is room.
    pub readable: usize,
    /// True if every tile that starts a row reads the same elements.
    pub periodic: bool,
    /// True if a reduction reads it, which needs a value for each element.
    pub full: bool,
    /// One more than the index of the last instruction that reads it.
    pub end: usize,
}

/// A value that is written to memory.
#[derive(Debug)]
pub struct Store {
    /// The value.
    pub value: Ref,
    /// Where it is in the table of pointers.
    pub slot: u16,
    /// The register for parts of tiles that cannot be written in place.
    pub register: u16,
    /// Bytes of an element.
    pub size: usize,
    /// Its places: memory of the plan, an output, a variable.
    pub locs: SmallVec<[Loc; 1]>,
    /// Index of the instruction that computes it.
    pub at: usize,
    /// True if each tile is written to a register first: an operand that is still read stands in the same place, or rows are
    /// ragged.
    pub aliased: bool,
    /// True if a later stage reads it, so that it is in a register, or carried, anyway.
    pub kept: bool,
}

/// One value a row, repeated over the columns of a tile.
#[derive(Debug)]
pub struct Spread {
    /// The rows' values, in the table of pointers.
    pub from: u16,
    /// The register that gets them.
    pub to: u16,
    /// Bytes of an element.
    pub size: usize,
}

/// The value of a whole row, wider than a tile, that a later stage reads.
#[derive(Debug)]
pub struct Carried {
    /// Where it is in the table of pointers.
    pub slot: u16,
    /// Its place, in bytes from the carried values.
    pub offset: usize,
    /// Bytes of an element.
    pub size: usize,
}

/// A reduction, done in each tile as soon as its operand is there.
#[derive(Debug)]
pub struct FoldStore {
    /// The reduced value.
    pub value: Ref,
    /// How many instructions run before it.
    pub after: usize,
    /// What is reduced, in the table of pointers.
    pub from: u16,
    /// Which reduction.
    pub fold: Fold,
    /// Its dtype.
    pub dtype: DType,
    /// Over which axes.
    pub reduction: Reduction,
    /// Its place, if it leaves the program.
    pub loc: Option<Loc>,
    /// The register that holds it for later stages.
    pub kept: Option<u16>,
    /// Place of its block values, in bytes from the memory that holds them.
    pub blocks: usize,
    /// True if the block values of all panels stand together, to be folded when the last panel is done; else each thread
    /// has its own, of the rows that it is at.
    pub shared: bool,
    /// Place of a block of values, in bytes from a thread's block values, if tiles are not whole blocks of the reduction's
    /// tree: they are brought together there.
    pub gathered: Option<usize>,
}

/// A pass over the tiles of a row, or of a few short rows.
#[derive(Debug)]
pub struct Stage {
    /// True if it computes one value a row.
    pub per_row: bool,
    /// Operands from memory.
    pub loads: Vec<Load>,
    /// Operands that are repeated over columns.
    pub spreads: Vec<Spread>,
    /// Results.
    pub stores: Vec<Store>,
    /// Reductions, in the order in which they run.
    pub folds: Vec<FoldStore>,
    /// Instructions.
    pub code: Vec<Code>,
}

/// A tile program: data, of which each machine makes its own form.
#[derive(Debug)]
pub struct Program {
    /// The collapsed lengths of the space.
    pub dims: Dims,
    /// How many of them count the rows.
    pub split: usize,
    /// Number of rows.
    pub rows: usize,
    /// Length of a row.
    pub cols: usize,
    /// How tiles walk.
    pub tiling: Tiling,
    /// Columns of a tile, where it is a part of a row: whole blocks.
    pub tile: usize,
    /// The size of panels: elements, and columns at least.
    pub panel_sizes: [usize; 2],
    /// What runs, in order.
    pub stages: Vec<Stage>,
    /// Rows that later stages read.
    pub carried: Vec<Carried>,
    /// Number of registers.
    pub registers: u16,
    /// Bytes of a register.
    pub register_bytes: usize,
    /// Bytes of the block values that all threads share.
    pub shared_bytes: usize,
    /// Bytes of a thread's own block values.
    pub blocks_bytes: usize,
    /// Bytes of carried rows.
    pub carried_bytes: usize,
}

impl Program {
    /// Number of elements of the space.
    pub fn count(&self) -> usize {
        self.rows * self.cols
    }
    /// Operands of all stages, each with the number of its stage.
    pub fn loads(&self) -> impl Iterator<Item = (usize, &Load)> {
        self.stages.iter().enumerate().flat_map(|(s, stage)| stage.loads.iter().map(move |l| (s, l)))
    }
    /// Results of all stages.
    pub fn stores(&self) -> impl Iterator<Item = (usize, &Store)> {
        self.stages.iter().enumerate().flat_map(|(s, stage)| stage.stores.iter().map(move |w| (s, w)))
    }
    /// Reductions of all stages.
    pub fn folds(&self) -> impl Iterator<Item = &FoldStore> {
        self.stages.iter().flat_map(|s| &s.folds)
    }
    /// Bytes of the table of pointers.
    pub fn table_bytes(&self) -> usize {
        let entries = self.registers as usize + self.carried.len() + self.loads().count() + self.stores().count();
        (entries * size_of::<usize>()).next_multiple_of(64)
    }
    /// Bytes of what each thread has of its own: the table of pointers, the registers, block values and the carried rows.
    pub fn local_bytes(&self) -> usize {
        self.table_bytes() + self.registers as usize * self.register_bytes + self.blocks_bytes + self.carried_bytes
    }
    /// Bytes that one thread needs to run it.
    pub fn working_bytes(&self) -> usize {
        self.shared_bytes + self.local_bytes()
    }
    /// True if value `w` of a stage may be written where operand `r` of a stage stands, which is read in the order of the
    /// space: no tile of it is read after it was written. If both are of one stage, the value must be written from a register
    /// where the operand is still read.
    pub fn may_take((read, r): (usize, &Load), (written, w): (usize, &Store)) -> bool {
        r.kind == LoadKind::Flat && r.offset == 0 && (read < written || (read == written && (w.aliased || w.kept || r.end <= w.at)))
    }
}
