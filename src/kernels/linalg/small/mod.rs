//! Small matrices: several side by side, so that what is done to one element is done to vectors of them.
//!
//! Every lane does what a matrix alone would do, in the same order: no bit depends on the place in a group.

#![allow(clippy::needless_range_loop, reason = "lanes and rows are counted, whatever array holds them")]

use std::mem::MaybeUninit;
use std::ops::Range;

use super::{Fault, Matrices, Shared};
use crate::kernels::isa::{Isa, isa};
use crate::kernels::linalg::factor::Factor;

pub mod cholesky;
pub mod eigh;
mod lanes;
pub mod lu;
pub mod qr;
mod rotation;
mod scale;
pub mod svd;
#[cfg(test)]
mod tests;
pub mod triangular;
mod turn;

use lanes::{Number, V, step};

/// The longest side of a small matrix.
pub const SIDE: usize = 16;

/// Matrices of the widest group.
pub const WIDEST: usize = 16;

/// What is done with a group of matrices, compiled for each width and instruction set.
pub trait Job<T> {
    /// What it gives.
    type Output;
    /// Does it for `L` matrices; `F` where the machine has fused multiply-adds.
    fn run<const L: usize, const F: bool>(self) -> Self::Output;
}

/// # Safety
/// The machine has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn lanes_avx2<T, J: Job<T>, const L: usize>(job: J) -> J::Output {
    job.run::<L, true>()
}
/// # Safety
/// The machine has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn lanes_avx512<T, J: Job<T>, const L: usize>(job: J) -> J::Output {
    job.run::<L, true>()
}

fn group<T, J: Job<T>, const L: usize>(job: J) -> J::Output {
    match isa() {
        // SAFETY: the instruction set is what the machine has, or less.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { lanes_avx512::<T, J, L>(job) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { lanes_avx2::<T, J, L>(job) },
        _ => job.run::<L, false>(),
    }
}

fn single<T, J: Job<T>>(job: J) -> J::Output {
    match isa() {
        // SAFETY: the instruction set is what the machine has, or less. The bits are those of the wider one.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Avx2 => unsafe { lanes_avx2::<T, J, 1>(job) },
        _ => job.run::<1, false>(),
    }
}

/// A number that small matrices are made of.
pub trait Small: Factor + Number {
    /// Matrices of a group: 64 bytes of numbers.
    const GROUP: usize;
    /// Does a job for `count` matrices.
    fn together<J: Job<Self>>(count: usize, job: J) -> J::Output;
}
impl Small for f32 {
    const GROUP: usize = 16;
    fn together<J: Job<f32>>(count: usize, job: J) -> J::Output {
        if count == 1 { single(job) } else { group::<f32, J, 16>(job) }
    }
}
impl Small for f64 {
    const GROUP: usize = 8;
    fn together<J: Job<f64>>(count: usize, job: J) -> J::Output {
        if count == 1 { single(job) } else { group::<f64, J, 8>(job) }
    }
}

/// Where the matrices of a group are read. Beyond the last one the first is read again.
pub struct Source<T> {
    lanes: [*const T; WIDEST],
    steps: [isize; 2],
    m: usize,
    n: usize,
}

impl<T: Copy> Source<T> {
    /// # Safety
    /// `T` is the type of the matrices, which have those of the range, and which live as long as this.
    pub unsafe fn new(matrices: &Matrices<'_>, range: &Range<usize>) -> Source<T> {
        // SAFETY: by the contract.
        unsafe { Source::at(range, [matrices.m, matrices.n], matrices.steps(), |i| matrices.start::<T>(i)) }
    }

    /// # Safety
    /// `start` gives, for each number of the range, where an `m x n` matrix is, whose elements are so many steps apart.
    pub unsafe fn at(range: &Range<usize>, [m, n]: [usize; 2], steps: [isize; 2], start: impl Fn(usize) -> *const T) -> Source<T> {
        let mut lanes = [start(range.start); WIDEST];
        for (lane, i) in lanes.iter_mut().zip(range.clone()).skip(1) {
            *lane = start(i);
        }
        Source { lanes, steps, m, n }
    }

    /// Element `i` of the first column of a matrix.
    #[inline(always)]
    fn one(&self, lane: usize, i: usize) -> T {
        assert!(i < self.m && self.n > 0);
        // SAFETY: such an element exists by the contract of the constructor.
        unsafe { *self.lanes[lane].offset(i as isize * self.steps[0]) }
    }

    /// The transpose of the source.
    fn transposed(self) -> Source<T> {
        Source { steps: [self.steps[1], self.steps[0]], m: self.n, n: self.m, ..self }
    }
}

impl<T: Number> Source<T> {
    /// One element of each matrix; `row` gives the row of a lane.
    #[inline(always)]
    fn element<const L: usize, const F: bool>(&self, row: impl Fn(usize) -> usize, j: usize) -> V<T, L, F> {
        let mut out = V::zero();
        for l in 0..L {
            let i = row(l);
            assert!(i < self.m && j < self.n);
            // SAFETY: such an element exists by the contract of the constructor, and `L` is at most [`WIDEST`].
            out.0[l] = unsafe { *self.lanes[l].offset(i as isize * self.steps[0] + j as isize * self.steps[1]) };
        }
        out
    }

    /// All elements, row by row.
    #[inline(always)]
    fn rows<const L: usize, const F: bool>(&self, to: &mut [V<T, L, F>]) {
        if L == turn::WIDTH && T::F64 && self.steps == [self.n as isize, 1] {
            assert!(to.len() >= self.m * self.n);
            let matrices = std::array::from_fn(|l| self.lanes[l].cast_mut().cast());
            // SAFETY: `T` is `f64`; in each matrix so many elements lie one after the other.
            if unsafe { turn::turn(matrices, to.as_mut_ptr().cast(), self.m * self.n, false) } {
                return;
            }
        }
        for i in 0..self.m {
            for j in 0..self.n {
                to[i * self.n + j] = self.element(|_| i, j);
                step();
            }
        }
    }

    /// All elements, row by row, for each lane in an order of its own.
    #[inline(always)]
    fn ordered_rows<const L: usize, const F: bool>(&self, orders: &[[u8; SIDE]; WIDEST], to: &mut [V<T, L, F>]) {
        for i in 0..self.m {
            for j in 0..self.n {
                to[i * self.n + j] = self.element(|l| usize::from(orders[l][i]), j);
                step();
            }
        }
    }
}

/// Where results of a group are written: `size` elements for each of `count` matrices.
pub struct Target<T> {
    at: *mut T,
    size: usize,
    count: usize,
}

impl<T: Copy> Target<T> {
    /// # Safety
    /// There are `size` elements for each matrix of the range, which nobody else uses while this lives.
    pub unsafe fn new(at: Shared<T>, size: usize, range: &Range<usize>) -> Target<T> {
        // SAFETY: by the contract.
        Target { at: unsafe { at.at(range.start * size) }, size, count: range.len() }
    }

    /// Writes element `i` of each matrix, as it is.
    #[inline(always)]
    fn plain<const L: usize>(&self, i: usize, x: [T; L]) {
        assert!(i < self.size);
        for (l, x) in x.into_iter().enumerate().take(self.count) {
            // SAFETY: by the contract of the constructor.
            unsafe { *self.at.add(l * self.size + i) = x };
        }
    }
}

impl<T: Number> Target<T> {
    /// Writes element `i` of each matrix.
    #[inline(always)]
    fn store<const L: usize, const F: bool>(&self, i: usize, x: V<T, L, F>) {
        assert!(i < self.size);
        // Zeros lose their sign, which may depend on what the other lanes do.
        let x = x + V::zero();
        // SAFETY: by the contract of the constructor.
        unsafe {
            if self.count == L {
                for l in 0..L {
                    *self.at.add(l * self.size + i) = x.0[l];
                }
            } else {
                for l in 0..self.count.min(L) {
                    *self.at.add(l * self.size + i) = x.0[l];
                }
            }
        }
    }

    /// Writes all elements.
    #[inline(always)]
    fn all<const L: usize, const F: bool>(&self, list: &mut [V<T, L, F>]) {
        if L == turn::WIDTH && T::F64 && self.count == L {
            assert!(list.len() == self.size);
            // As `store` has it.
            lanes::change(list, |x| x + V::zero());
            let matrices = std::array::from_fn(|l| self.at.cast::<f64>().wrapping_add(l * self.size));
            // SAFETY: `T` is `f64`; each matrix has so many elements.
            if unsafe { turn::turn(matrices, list.as_mut_ptr().cast(), self.size, true) } {
                return;
            }
        }
        for (i, &x) in list.iter().enumerate() {
            self.store(i, x);
            step();
        }
    }

    /// Writes an element of each matrix, at a place of its own.
    #[inline(always)]
    fn scatter<const L: usize, const F: bool>(&self, place: impl Fn(usize) -> usize, x: V<T, L, F>) {
        let x = x + V::zero();
        for l in 0..self.count.min(L) {
            let i = place(l);
            assert!(i < self.size);
            // SAFETY: by the contract of the constructor.
            unsafe { *self.at.add(l * self.size + i) = x.0[l] };
        }
    }
}

/// Memory for `N` numbers of each matrix.
struct Room<T, const L: usize, const F: bool, const N: usize>(MaybeUninit<[V<T, L, F>; N]>);

impl<T: Number, const L: usize, const F: bool, const N: usize> Room<T, L, F, N> {
    #[inline(always)]
    fn new() -> Self {
        Room(MaybeUninit::uninit())
    }

    /// Lists of zeros.
    #[inline(always)]
    fn lists<const K: usize>(&mut self, lengths: [usize; K]) -> [&mut [V<T, L, F>]; K] {
        let total: usize = lengths.iter().sum();
        assert!(total <= N);
        let first: *mut V<T, L, F> = self.0.as_mut_ptr().cast();
        // SAFETY: so many numbers fit, and they are written first.
        let mut rest = unsafe {
            for i in 0..total {
                first.add(i).write(V::zero());
                step();
            }
            std::slice::from_raw_parts_mut(first, total)
        };
        lengths.map(|n| {
            let (own, other) = std::mem::take(&mut rest).split_at_mut(n);
            rest = other;
            own
        })
    }
}

/// The lanes of a group for which something does not hold, as bits.
pub type Lanes = u32;

/// For each matrix of a group a row, counted from one, or 0.
pub type Rows = [u8; WIDEST];

/// Numbers as rows.
#[inline(always)]
fn rows<T: Number, const L: usize, const F: bool>(x: V<T, L, F>) -> Rows {
    let mut rows = [0; WIDEST];
    for (row, x) in rows.iter_mut().zip(x.0) {
        *row = x.wide() as u8;
    }
    rows
}

/// The first zeros of diagonals.
#[inline(always)]
fn zeros<T: Number, const L: usize, const F: bool>(a: &[V<T, L, F>], n: usize) -> Rows {
    let mut found = V::<T, L, F>::zero();
    for i in (0..n).rev() {
        found = a[i * n + i].equals(V::zero()).choose(V::index(i + 1), found);
    }
    rows(found)
}

/// An error for the first matrix of a group that has a row.
pub(super) fn first(range: Range<usize>, rows: Rows, fault: impl Fn(usize) -> Fault) -> Result<(), (usize, Fault)> {
    match range.zip(rows).find(|(_, row)| *row > 0) {
        Some((i, row)) => Err((i, fault(usize::from(row) - 1))),
        None => Ok(()),
    }
}

/// Calls `f` with each matrix of a group that `lanes` names.
pub(super) fn alone(range: Range<usize>, lanes: Lanes, mut f: impl FnMut(usize) -> Result<(), Fault>) -> Result<(), (usize, Fault)> {
    if lanes == 0 {
        return Ok(());
    }
    range.enumerate().filter(|(lane, _)| lanes >> lane & 1 == 1).try_for_each(|(_, i)| f(i).map_err(|fault| (i, fault)))
}
