//! Attention by tiles: results of queries that are means of values, without the matrix of their weights.
//!
//! A unit is a matrix of queries, with its keys and values; a tile has the scores of some of its queries with some of its keys. Tiles follow
//! from lengths alone, and so do the bits: weights of a query are added up key by key in the order of tiles.

mod backward;
mod forward;
mod rows;
mod shares;

pub use backward::{backward, backward_scratch};
pub use forward::{forward, forward_scratch};

use crate::array::{View, with_lead};
use crate::dtype::DType;
use crate::kernels::isa::isa;
use crate::kernels::linalg::Shared;
use crate::kernels::matmul::RATE;
use crate::kernels::matmul::packed::{Lengths, Out, Scalar, Strided, multiply, scratch};
use crate::kernels::real::Float;
use crate::shape::{Dims, Strides, count};
use rows::{GROUP, Mask, Tile};

/// A float that products and formulas compute with.
trait Number: Scalar + Float {}
impl Number for f32 {}
impl Number for f64 {}

/// Queries and keys of a tile, at most.
const QUERIES: usize = 64;
const KEYS: usize = 256;
/// Fewer queries are multiplied with the keys as they lie in memory.
const FEW: usize = 16;
/// Bytes of a line of the cache.
const LINE: usize = 64;

/// The lengths of attention.
#[derive(Clone, Debug)]
pub struct Extents {
    /// The lengths of the axes in front of the matrices.
    pub lead: Dims,
    pub queries: usize,
    pub keys: usize,
    /// Numbers of a query and of a key, and of a value.
    pub depth: usize,
    pub values: usize,
    /// Queries see no keys behind their own place.
    pub causal: bool,
}

impl Extents {
    fn units(&self) -> usize {
        count(&self.lead)
    }
    /// Groups of queries; one without queries has no rows.
    fn query_tiles(&self) -> usize {
        self.queries.div_ceil(QUERIES).max(1)
    }
    fn key_tiles(&self) -> usize {
        self.keys.div_ceil(KEYS)
    }
    /// Rows of the tiles of group `i` of queries.
    fn rows(&self, i: usize) -> usize {
        QUERIES.min(self.queries - i * QUERIES)
    }
    /// Keys that one of the queries of group `i` sees.
    fn seen(&self, i: usize) -> usize {
        if self.causal { self.keys.min(i * QUERIES + self.rows(i)) } else { self.keys }
    }
    /// Keys of tile `j` that one of the queries of group `i` sees.
    fn columns(&self, i: usize, j: usize) -> usize {
        KEYS.min(self.seen(i).saturating_sub(j * KEYS))
    }
    /// True if it pays to transpose keys.
    fn turned(&self) -> bool {
        self.queries >= FEW && self.keys > 0
    }
    /// From one row of a tile to the next, an odd number of lines: rows do not drive each other out of the cache.
    fn width<T>(&self) -> usize {
        let (n, line) = (KEYS.min(self.keys).next_multiple_of(GROUP), LINE / size_of::<T>());
        if n / line % 2 == 0 { n + line } else { n }
    }
    /// Work on a group of queries, in elements that are moved.
    fn work(&self) -> usize {
        QUERIES.min(self.queries).saturating_mul(self.keys).saturating_mul((self.depth + self.values) / RATE + 1)
    }
    /// Numbers of scratch for products of the lengths that `of` gives for rows and columns of a tile.
    fn room<T: Number>(&self, of: &dyn Fn(usize, usize) -> [Lengths; 3]) -> usize {
        let mut most = 0;
        let mut seen = vec![];
        for i in 0..self.query_tiles() {
            // Tiles in front of the last are whole.
            let last = self.seen(i).div_ceil(KEYS).saturating_sub(1);
            for j in [0, last] {
                let lengths = (self.rows(i), self.columns(i, j));
                if !seen.contains(&lengths) {
                    seen.push(lengths);
                    most = of(lengths.0, lengths.1).into_iter().map(|l| scratch::<T>(isa(), l)).max().unwrap_or(0).max(most);
                }
            }
        }
        most.next_multiple_of(GROUP)
    }
}

/// Matrices in memory, one for each unit.
struct Matrices<T> {
    at: Shared<T>,
    lead: Strides,
    row: isize,
    column: isize,
}

impl<T: Copy> Matrices<T> {
    fn of(x: View<'_>, lead: &[usize]) -> Self {
        with_lead(x, lead, 2, |x| {
            let (own, last) = x.strides().split_at(lead.len());
            // An axis of length 1 is repeated.
            let step = |i: usize| if x.dims().get(lead.len() + i) == Some(&1) { 0 } else { last.get(i).copied().unwrap_or(0) };
            Matrices { at: Shared(x.ptr().cast::<T>().cast_mut()), lead: own.into(), row: step(0), column: step(1) }
        })
    }

    /// The matrix of a unit from row `i` on, as an operand whose rows are summed over, if `deep`, or stand beside each other.
    fn operand(&self, extents: &Extents, unit: usize, i: usize, deep: bool) -> Strided<T> {
        let at = self.unit(extents, unit).wrapping_offset(i as isize * self.row);
        let (across, depth) = if deep { (self.column, self.row) } else { (self.row, self.column) };
        Strided { at, across, depth }
    }

    fn unit(&self, extents: &Extents, unit: usize) -> *const T {
        let mut rest = unit;
        let mut offset = 0;
        for (&n, &step) in extents.lead.iter().zip(&self.lead).rev() {
            offset += (rest % n) as isize * step;
            rest /= n;
        }
        self.at.0.cast_const().wrapping_offset(offset)
    }
}

/// The mask of every unit.
struct Masks<T> {
    bools: Option<Matrices<u8>>,
    numbers: Option<Matrices<T>>,
}

impl<T: Number> Masks<T> {
    fn of(mask: View<'_>, lead: &[usize]) -> Self {
        let chosen = mask.dtype() == DType::Bool;
        let bools = chosen.then(|| Matrices::of(mask, lead));
        Masks { bools, numbers: (!chosen).then(|| Matrices::of(mask, lead)) }
    }

    /// # Safety
    /// The mask has elements.
    unsafe fn unit(&self, extents: &Extents, unit: usize) -> Mask<T> {
        if let Some(m) = &self.numbers {
            return Mask::Added { at: m.unit(extents, unit), row: m.row, column: m.column };
        }
        let Some(m) = &self.bools else { return Mask::Whole };
        let at = m.unit(extents, unit);
        // SAFETY: by the contract.
        if [m.row, m.column] == [0, 0] && unsafe { *at } != 0 {
            return Mask::Whole;
        }
        Mask::Chosen { at, row: m.row, column: m.column }
    }
}

/// The rows of matrices, transposed tile by tile.
struct Turned<T> {
    at: Shared<T>,
    /// Numbers of a row, which follow each other with the width of a tile in between.
    depth: usize,
    width: usize,
    tiles: usize,
}

impl<T: Number> Turned<T> {
    fn numbers(extents: &Extents, depth: usize) -> usize {
        if extents.turned() { extents.units() * extents.key_tiles() * depth * extents.width::<T>() } else { 0 }
    }

    fn new(extents: &Extents, depth: usize, at: *mut T) -> Self {
        Turned { at: Shared(at), depth, width: extents.width::<T>(), tiles: extents.key_tiles() }
    }

    fn tile(&self, unit: usize, j: usize) -> *mut T {
        self.at.0.wrapping_add((unit * self.tiles + j) * self.depth * self.width)
    }

    /// # Safety
    /// The matrices lie in memory, and nobody uses the tile meanwhile.
    unsafe fn write(&self, extents: &Extents, x: &Matrices<T>, unit: usize, j: usize) {
        if self.depth > 0 {
            let from = x.operand(extents, unit, j * KEYS, false);
            let n = KEYS.min(extents.keys - j * KEYS);
            // SAFETY: by the contract: one panel.
            unsafe { from.pack(isa(), 0..self.depth, 0..n, self.width, self.tile(unit, j)) };
        }
    }

    /// A tile as the right operand of a product.
    fn operand(&self, extents: &Extents, x: &Matrices<T>, unit: usize, j: usize) -> Strided<T> {
        match extents.turned() {
            true => Strided { at: self.tile(unit, j), across: 1, depth: self.width as isize },
            false => x.operand(extents, unit, j * KEYS, false),
        }
    }
}

/// A product of what lies in memory; see [`multiply`].
///
/// # Safety
/// As [`multiply`].
unsafe fn product<T: Number>([m, n, k]: [usize; 3], a: Strided<T>, b: Strided<T>, to: (*mut T, usize), add: bool, scratch: *mut T) {
    let out = Out { at: to.0, row: to.1 as isize, column: 1 };
    // SAFETY: passed on.
    unsafe { multiply(isa(), Lengths { m, n, k }, [a, b], out, add, scratch) }
}
