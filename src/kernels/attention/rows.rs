//! Rows of scores on their way to probabilities: what is done to a tile between its products.

use crate::kernels::isa::Isa;
use crate::kernels::math::{exp, log, max, select};
use crate::kernels::real::{FUSED, Float, PLAIN, S};

/// Rows have room for whole groups of this many numbers.
pub(super) const GROUP: usize = 16;

/// Work on rows, which is compiled for every instruction set.
pub(super) trait Rows {
    /// # Safety
    /// The rows lie in memory, and nobody else uses them.
    unsafe fn run<const M: u8>(&self);
}

/// # Safety
/// As [`Rows::run`]; the machine has the instructions.
pub(super) unsafe fn compiled(isa: Isa, rows: &impl Rows) {
    // SAFETY: passed on.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512(rows),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2(rows),
            _ => rows.run::<PLAIN>(),
        }
    }
}

/// # Safety
/// As [`compiled`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512(rows: &impl Rows) {
    // SAFETY: passed on.
    unsafe { rows.run::<FUSED>() }
}
/// # Safety
/// As [`compiled`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(rows: &impl Rows) {
    // SAFETY: passed on.
    unsafe { rows.run::<FUSED>() }
}

/// Which scores count, and what is added to them.
#[derive(Clone, Copy)]
pub(super) enum Mask<T> {
    /// All count as they are.
    Whole,
    /// Those where a bool is true.
    Chosen { at: *const u8, row: isize, column: isize },
    /// All, each with a number added.
    Added { at: *const T, row: isize, column: isize },
}

/// Scores of some queries and keys.
#[derive(Clone, Copy)]
pub(super) struct Tile<T> {
    pub scores: *mut T,
    /// From one row to the next: a multiple of [`GROUP`] at least.
    pub width: usize,
    pub rows: usize,
    pub keys: usize,
    /// The first query and the first key.
    pub query: usize,
    pub key: usize,
    /// Queries see no keys behind their own place.
    pub causal: bool,
    pub mask: Mask<T>,
}

impl<T: Float> Tile<T> {
    /// How many keys the query of row `r` sees.
    #[inline(always)]
    fn seen(&self, r: usize) -> usize {
        if self.causal { self.keys.min((self.query + r + 1).saturating_sub(self.key)) } else { self.keys }
    }

    /// The scores of row `r` that count, in whole groups: -inf stands where none is, and where the mask is false.
    ///
    /// # Safety
    /// The tile and the mask lie in memory.
    #[inline(always)]
    unsafe fn row<'a>(&self, r: usize) -> &'a mut [T] {
        let (seen, least) = (self.seen(r), T::literal(f64::NEG_INFINITY));
        // SAFETY: by the contract.
        let row = unsafe { std::slice::from_raw_parts_mut(self.scores.add(r * self.width), seen.next_multiple_of(GROUP)) };
        let (scores, rest) = row.split_at_mut(seen);
        rest.fill(least);
        let place = |row: isize, column: isize| (self.query + r) as isize * row + self.key as isize * column;
        // SAFETY: the mask has an element for each score.
        unsafe {
            match self.mask {
                Mask::Whole => {}
                Mask::Chosen { at, row, column } => {
                    let at = at.offset(place(row, column));
                    if column == 1 {
                        let mask = std::slice::from_raw_parts(at, seen);
                        scores.iter_mut().zip(mask).for_each(|(s, &m)| *s = if m != 0 { *s } else { least });
                    } else {
                        scores.iter_mut().enumerate().for_each(|(i, s)| *s = if *at.offset(i as isize * column) != 0 { *s } else { least });
                    }
                }
                Mask::Added { at, row, column } => {
                    let at = at.offset(place(row, column));
                    if column == 1 {
                        scores.iter_mut().zip(std::slice::from_raw_parts(at, seen)).for_each(|(s, &m)| *s = s.plus(m));
                    } else {
                        scores.iter_mut().enumerate().for_each(|(i, s)| *s = s.plus(*at.offset(i as isize * column)));
                    }
                }
            }
        }
        row
    }
}

/// Folds a row of whole groups in lanes, and the lanes in pairs.
#[inline(always)]
fn folded<T: Float, const M: u8>(row: &[T], start: S<T, M>, f: impl Fn(S<T, M>, S<T, M>) -> S<T, M>) -> S<T, M> {
    let mut lanes = [start; 4 * GROUP];
    let mut fours = row.chunks_exact(4 * GROUP);
    for four in &mut fours {
        lanes.iter_mut().zip(four).for_each(|(lane, &x)| *lane = f(*lane, S(x)));
    }
    for group in fours.remainder().chunks_exact(GROUP) {
        lanes.iter_mut().zip(group).for_each(|(lane, &x)| *lane = f(*lane, S(x)));
    }
    let mut n = lanes.len();
    while n > 1 {
        n /= 2;
        for i in 0..n {
            lanes[i] = f(lanes[i], lanes[i + n]);
        }
    }
    lanes[0]
}

/// Scores become exponentials of what they are above the largest so far; results of earlier keys are scaled to it.
pub(super) struct Exponentials<T> {
    pub tile: Tile<T>,
    /// For each row the largest score and the sum of the exponentials so far.
    pub largest: *mut T,
    pub sum: *mut T,
    /// Rows of `values` results, one behind the other.
    pub results: *mut T,
    pub values: usize,
}

impl<T: Float> Rows for Exponentials<T> {
    #[inline(always)]
    unsafe fn run<const M: u8>(&self) {
        let zero = S::<T, M>::lit(0.0);
        let least = S::<T, M>::lit(f64::NEG_INFINITY);
        for r in 0..self.tile.rows {
            // SAFETY: by the contract.
            let (row, largest, sum) = unsafe { (self.tile.row(r), &mut *self.largest.add(r), &mut *self.sum.add(r)) };
            let before = S::<T, M>(*largest);
            let most = folded(row, before, max);
            // No score counts yet.
            let shift = if most == least { zero } else { most };
            for x in row.iter_mut() {
                *x = exp(S::<T, M>(*x) - shift).0;
            }
            let scale = exp(before - shift);
            *sum = (S::<T, M>(*sum) * scale + folded(row, zero, |a, b| a + b)).0;
            *largest = most.0;
            // SAFETY: as above. Keys that the row does not see count nothing.
            unsafe {
                let all = std::slice::from_raw_parts_mut(self.tile.scores.add(r * self.tile.width), self.tile.keys);
                all.iter_mut().skip(row.len()).for_each(|x| *x = zero.0);
                if self.tile.key > 0 && scale != S::lit(1.0) {
                    let results = std::slice::from_raw_parts_mut(self.results.add(r * self.values), self.values);
                    results.iter_mut().for_each(|x| *x = (S::<T, M>(*x) * scale).0);
                }
            }
        }
    }
}

/// Results are divided by the sums of their weights, and the logarithms of the sums of exponentials are written, if there is room for
/// them. A row in which nothing counts is 0; its logarithm is written as infinity: weights computed from it are 0.
pub(super) struct Quotients<T> {
    pub rows: usize,
    pub largest: *const T,
    pub sum: *const T,
    pub results: *mut T,
    pub values: usize,
    pub logarithms: Option<*mut T>,
}

impl<T: Float> Rows for Quotients<T> {
    #[inline(always)]
    unsafe fn run<const M: u8>(&self) {
        for r in 0..self.rows {
            // SAFETY: by the contract.
            let (largest, sum, results) = unsafe {
                let results = std::slice::from_raw_parts_mut(self.results.add(r * self.values), self.values);
                (S::<T, M>(*self.largest.add(r)), S::<T, M>(*self.sum.add(r)), results)
            };
            let nothing = largest == S::lit(f64::NEG_INFINITY);
            let divisor = select(nothing, S::lit(1.0), sum);
            results.iter_mut().for_each(|x| *x = (S::<T, M>(*x) / divisor).0);
            if let Some(to) = self.logarithms {
                let y = select(nothing, S::lit(f64::INFINITY), largest + log(divisor));
                // SAFETY: by the contract.
                unsafe { *to.add(r) = y.0 };
            }
        }
    }
}

/// Scores become weights `p`, and cotangents `c` of weights become those of scores, `p (c - d)`, with a number `d` for each row.
pub(super) struct Slopes<T> {
    pub tile: Tile<T>,
    /// Of the weights; rows as in the tile.
    pub cotangents: *mut T,
    /// For each row the logarithm of the sum of exponentials, and the number; with their steps.
    pub logarithm: (*const T, isize),
    pub number: (*const T, isize),
}

impl<T: Float> Rows for Slopes<T> {
    #[inline(always)]
    unsafe fn run<const M: u8>(&self) {
        for r in 0..self.tile.rows {
            let (at, from) = (r as isize, r * self.tile.width);
            // SAFETY: by the contract.
            let (row, cotangents, shift, less) = unsafe {
                let row = self.tile.row(r);
                let cotangents = std::slice::from_raw_parts_mut(self.cotangents.add(from), row.len());
                let shift = S::<T, M>(*self.logarithm.0.offset(at * self.logarithm.1));
                (row, cotangents, shift, S::<T, M>(*self.number.0.offset(at * self.number.1)))
            };
            for (x, c) in row.iter_mut().zip(cotangents.iter_mut()) {
                let weight = exp(S::<T, M>(*x) - shift);
                *x = weight.0;
                *c = (weight * (S::<T, M>(*c) - less)).0;
            }
            let seen = self.tile.seen(r);
            // SAFETY: by the contract. Keys that the row does not see get nothing, whatever their cotangents are.
            unsafe {
                for at in [self.tile.scores, self.cotangents] {
                    let all = std::slice::from_raw_parts_mut(at.add(from), self.tile.keys);
                    all.iter_mut().skip(seen).for_each(|x| *x = T::literal(0.0));
                }
            }
        }
    }
}
