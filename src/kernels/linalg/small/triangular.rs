//! Triangular systems.

use std::ops::Range;

use super::super::Shared;
use super::lanes::{Number, V, change, reduce};
use super::{Job, Room, Rows, SIDE, Small, Source, Target, WIDEST, zeros};
use crate::kernels::level3::Triangle;

/// Replaces `x`, row by row, by the solution of a triangular system. The diagonal, if it is not of ones, has no zeros.
#[inline(always)]
pub fn substitute<T: Number, const L: usize, const F: bool>(a: &[V<T, L, F>], n: usize, how: Triangle, x: &mut [V<T, L, F>], m: usize) {
    let Triangle { lower, transpose, unit } = how;
    let element = |i: usize, j: usize| a[if transpose { j * n + i } else { i * n + j }];
    for k in 0..n {
        let i = if lower != transpose { k } else { n - 1 - k };
        let (above, rest) = x.split_at_mut(i * m);
        let (row, below) = rest.split_at_mut(m);
        let (others, first) = if lower != transpose { (above, 0) } else { (below, i + 1) };
        for at in 0..if lower != transpose { k } else { n - 1 - i } {
            reduce(row, element(i, first + at), &others[at * m..(at + 1) * m]);
        }
        if !unit {
            divide(row, element(i, i));
        }
    }
}

/// Divides by a number, by way of its reciprocal where that is finite.
#[inline(always)]
pub fn divide<T: Number, const L: usize, const F: bool>(row: &mut [V<T, L, F>], by: V<T, L, F>) {
    let inverse = V::one() / by;
    // Those of denormal numbers overflow; of zeros and NaN it does not matter.
    let exact = !inverse.finite() & by.finite();
    if exact.any() {
        change(row, |x| exact.choose(x / by, x * inverse));
    } else {
        change(row, |x| x * inverse);
    }
}

/// Systems of a group; `x` has the right sides and becomes the solutions, `m` columns of each matrix.
pub struct Solve<T> {
    pub a: Source<T>,
    pub x: Shared<T>,
    pub range: Range<usize>,
    pub m: usize,
    pub how: Triangle,
}

impl<T: Small> Job<T> for Solve<T> {
    /// The first zeros on diagonals that are divided by: those systems have no solution.
    type Output = Rows;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Rows {
        let (n, m) = (self.a.n, self.m);
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE }>::new();
        let [a, x] = room.lists([n * n, n * m]);
        // Only the triangle may be read.
        for i in 0..n {
            for j in if self.how.lower { 0..i + 1 } else { i..n } {
                a[i * n + j] = self.a.element(|_| i, j);
            }
        }
        // SAFETY: by the contract of the function that makes this.
        let (right, target) = unsafe {
            let right = Source::at(&self.range, [n, m], [m as isize, 1], |i| self.x.at(i * n * m).cast_const());
            (right, Target::new(self.x, n * m, &self.range))
        };
        right.rows(x);
        substitute(a, n, self.how, x, m);
        target.all(x);
        if self.how.unit { [0; WIDEST] } else { zeros(a, n) }
    }
}
