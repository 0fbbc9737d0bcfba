//! Factors with exchanged rows, and what they give.

use super::lanes::{Mask, Number, V, reduce, step};
use super::scale::largest;
use super::triangular::substitute;
use super::{Job, Lanes, Room, Rows, SIDE, Small, Source, Target, WIDEST, zeros};
use crate::kernels::level3::Triangle;

/// Replaces matrices, row by row, by their factors; `pivots` are the rows that were exchanged, as numbers. `spare` has a row.
#[inline(always)]
pub fn factor<T: Number, const L: usize, const F: bool>(
    a: &mut [V<T, L, F>],
    n: usize,
    pivots: &mut [V<T, L, F>],
    spare: &mut [V<T, L, F>],
) {
    for k in 0..n {
        let (mut most, mut at) = (a[k * n + k].abs(), V::index(k));
        for i in k + 1..n {
            let x = a[i * n + k].abs();
            let more = x.above(most);
            (most, at) = (more.choose(x, most), more.choose(V::index(i), at));
            step();
        }
        pivots[k] = at;
        let (head, tail) = a.split_at_mut((k + 1) * n);
        let (top, spare) = (&mut head[k * n..(k + 1) * n], &mut spare[..n]);
        spare.copy_from_slice(top);
        for j in 0..n {
            let mut x = top[j];
            for i in k + 1..n {
                x = at.equals(V::index(i)).choose(tail[(i - k - 1) * n + j], x);
                step();
            }
            top[j] = x;
        }
        // A column of zeros has nothing to be divided.
        let pivot = top[k];
        let zero = pivot.equals(V::zero());
        let inverse = zero.choose(V::zero(), V::one() / pivot);
        let divide = !inverse.finite();
        let some = divide.any();
        for i in k + 1..n {
            let row = &mut tail[(i - k - 1) * n..(i - k) * n];
            let here = at.equals(V::index(i));
            for (x, &old) in row[..k].iter_mut().zip(&spare[..k]) {
                // The sum keeps LLVM from a masked store, which is slow.
                *x = here.choose(old, *x + V::zero());
                step();
            }
            let x = here.choose(spare[k], row[k]);
            let f = if some { divide.choose(x / pivot, x * inverse) } else { x * inverse };
            row[k] = f;
            for ((x, &old), &top) in row[k + 1..].iter_mut().zip(&spare[k + 1..]).zip(&top[k + 1..]) {
                *x = here.choose(old, *x).minus(f, top);
                step();
            }
        }
    }
}

/// The order of rows that exchanges give, for each lane.
#[inline(always)]
fn orders(n: usize, lanes: usize, pivot: impl Fn(usize, usize) -> usize) -> [[u8; SIDE]; WIDEST] {
    const ROWS: [u8; SIDE] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut orders = [ROWS; WIDEST];
    for i in 0..n {
        for lane in 0..lanes {
            // What is no row is kept inside.
            orders[lane].swap(i % SIDE, pivot(lane, i).min(n - 1) % SIDE);
        }
    }
    orders
}

/// Factors of a group, and the rows that were exchanged.
pub struct Lu<T> {
    pub a: Source<T>,
    pub factors: Target<T>,
    pub pivots: Target<i32>,
}

impl<T: Small> Job<T> for Lu<T> {
    type Output = ();
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) {
        let n = self.a.n;
        let mut room = Room::<T, L, F, { SIDE * SIDE + 2 * SIDE }>::new();
        let [a, pivots, spare] = room.lists([n * n, n, n]);
        self.a.rows(a);
        factor(a, n, pivots, spare);
        self.factors.all(a);
        write_pivots(&self.pivots, pivots);
    }
}

#[inline(always)]
fn write_pivots<T: Number, const L: usize, const F: bool>(to: &Target<i32>, pivots: &[V<T, L, F>]) {
    for (i, &x) in pivots.iter().enumerate() {
        let mut rows = [0; L];
        for l in 0..L {
            rows[l] = x.0[l].wide() as i32;
        }
        to.plain(i, rows);
    }
}

/// The factors of a group: what lies below the diagonal has a diagonal of ones.
pub struct Factored<T> {
    pub a: Source<T>,
    pub pivots: Source<i32>,
}

impl<T: Small> Factored<T> {
    #[inline(always)]
    fn load<const L: usize, const F: bool>(&self, a: &mut [V<T, L, F>]) -> [[u8; SIDE]; WIDEST] {
        self.a.rows(a);
        orders(self.a.n, L, |lane, i| self.pivots.one(lane, i) as usize)
    }
}

/// Which solutions.
const UNIT: Triangle = Triangle { lower: true, transpose: false, unit: true };
const UPPER: Triangle = Triangle { lower: false, transpose: false, unit: false };

/// Solutions of systems, or of those with the transposed matrices. A pivot of zero gives none.
pub struct Solve<T> {
    pub factors: Factored<T>,
    pub transpose: bool,
    pub right: Source<T>,
    pub to: Target<T>,
}

impl<T: Small> Job<T> for Solve<T> {
    /// The first pivots of zero.
    type Output = Rows;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Rows {
        let (n, m) = (self.factors.a.n, self.right.n);
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE }>::new();
        let [a, x] = room.lists([n * n, n * m]);
        let orders = self.factors.load(a);
        if self.transpose {
            self.right.rows(x);
            substitute(a, n, Triangle { transpose: true, ..UPPER }, x, m);
            substitute(a, n, Triangle { transpose: true, ..UNIT }, x, m);
            for i in 0..n {
                for j in 0..m {
                    self.to.scatter(|l| usize::from(orders[l][i]) * m + j, x[i * m + j]);
                    step();
                }
            }
        } else {
            self.right.ordered_rows(&orders, x);
            substitute(a, n, UNIT, x, m);
            substitute(a, n, UPPER, x, m);
            self.to.all(x);
        }
        zeros(a, n)
    }
}

/// Inverses up to the order of their columns: column `j` belongs at place `orders[j]`.
#[inline(always)]
fn invert<T: Number, const L: usize, const F: bool>(a: &[V<T, L, F>], n: usize, x: &mut [V<T, L, F>]) {
    // The inverse of the lower factor is one too.
    for i in 0..n {
        let (above, rest) = x.split_at_mut(i * n);
        for j in 0..i {
            reduce(rest, a[i * n + j], &above[j * n..j * n + j + 1]);
        }
        rest[i] = V::one();
    }
    substitute(a, n, UPPER, x, n);
}

/// Solutions of systems, and the factors of their matrices if they are asked for. A pivot of zero gives none.
pub struct FactorAndSolve<T> {
    pub a: Source<T>,
    pub right: Source<T>,
    pub to: Target<T>,
    pub factors: Option<(Target<T>, Target<i32>)>,
}

impl<T: Small> Job<T> for FactorAndSolve<T> {
    /// The first pivots of zero.
    type Output = Rows;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Rows {
        let (n, m) = (self.a.n, self.right.n);
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE + 2 * SIDE }>::new();
        let [a, x, pivots, spare] = room.lists([n * n, n * m, n, n]);
        self.a.rows(a);
        factor(a, n, pivots, spare);
        self.right.ordered_rows(&orders(n, L, |lane, i| pivots[i].0[lane].wide() as usize), x);
        substitute(a, n, UNIT, x, m);
        substitute(a, n, UPPER, x, m);
        self.to.all(x);
        let zeros = zeros(a, n);
        if let Some((to, rows)) = &self.factors {
            to.all(a);
            write_pivots(rows, pivots);
        }
        zeros
    }
}

impl<T: Number> Target<T> {
    /// Writes square matrices, the columns of each in an order of its own.
    #[inline(always)]
    fn columns<const L: usize, const F: bool>(&self, orders: &[[u8; SIDE]; WIDEST], x: &[V<T, L, F>], n: usize) {
        for i in 0..n {
            for j in 0..n {
                self.scatter(|l| i * n + usize::from(orders[l][j]), x[i * n + j]);
                step();
            }
        }
    }

    /// The same of the transposes times a number, rows in place of columns.
    #[inline(always)]
    fn rows<const L: usize, const F: bool>(&self, orders: &[[u8; SIDE]; WIDEST], x: &[V<T, L, F>], by: V<T, L, F>, n: usize) {
        for i in 0..n {
            for j in 0..n {
                self.scatter(|l| usize::from(orders[l][j]) * n + i, x[i * n + j] * by);
                step();
            }
        }
    }
}

/// Inverses of matrices. A pivot of zero gives none.
pub struct FactorAndInvert<T> {
    pub a: Source<T>,
    pub to: Target<T>,
}

impl<T: Small> Job<T> for FactorAndInvert<T> {
    /// The first pivots of zero.
    type Output = Rows;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Rows {
        let n = self.a.n;
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE + 2 * SIDE }>::new();
        let [a, x, pivots, spare] = room.lists([n * n, n * n, n, n]);
        self.a.rows(a);
        factor(a, n, pivots, spare);
        invert(a, n, x);
        let orders = orders(n, L, |lane, i| pivots[i].0[lane].wide() as usize);
        self.to.columns(&orders, x, n);
        zeros(a, n)
    }
}

/// Determinants, and matrices of cofactors if they are asked for, where they are the inverse times the determinant.
pub struct Determinants<T> {
    pub a: Source<T>,
    pub to: Target<T>,
    pub cofactors: Option<Target<T>>,
    /// Pivots whose ratio is less give no cofactors.
    pub least: f64,
}

impl<T: Small> Job<T> for Determinants<T> {
    /// Of matrices that are not done: a product of pivots leaves the ordinary sizes, or there are no cofactors.
    type Output = Lanes;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Lanes {
        let n = self.a.n;
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE + 2 * SIDE }>::new();
        let [a, x, pivots, spare] = room.lists([n * n, n * n, n, n]);
        self.a.rows(a);
        factor(a, n, pivots, spare);
        let far = if T::F64 { 1e290 } else { 1e30 };
        let (low, high) = (V::all(T::of(1.0 / far)), V::all(T::of(far)));
        let (mut det, mut done) = (V::<T, L, F>::one(), Mask::all(true));
        let (mut small, mut large) = (high, V::zero());
        for i in 0..n {
            // Each exchange is a change of sign.
            det = pivots[i].equals(V::index(i)).choose(det, -det);
        }
        for i in 0..n {
            let pivot = a[i * n + i];
            det = det * pivot;
            done = done & det.abs().above(low) & high.above(det.abs());
            small = small.above(pivot.abs()).choose(pivot.abs(), small);
            large = pivot.abs().above(large).choose(pivot.abs(), large);
            step();
        }
        self.to.store(0, det);
        if let Some(to) = &self.cofactors {
            done = done & small.above(large * V::all(T::of(self.least)));
            invert(a, n, x);
            let orders = orders(n, L, |lane, i| pivots[i].0[lane].wide() as usize);
            to.rows(&orders, x, det, n);
        }
        (!done).flags().bits()
    }
}

/// Inverses. A pivot of zero gives none.
pub struct Inverse<T> {
    pub factors: Factored<T>,
    pub to: Target<T>,
}

impl<T: Small> Job<T> for Inverse<T> {
    /// The first pivots of zero.
    type Output = Rows;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Rows {
        let n = self.factors.a.n;
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE }>::new();
        let [a, x] = room.lists([n * n, n * n]);
        let orders = self.factors.load(a);
        invert(a, n, x);
        self.to.columns(&orders, x, n);
        zeros(a, n)
    }
}

/// Inverses times determinants, transposed.
pub struct Cofactors<T> {
    pub factors: Factored<T>,
    pub determinants: [T; WIDEST],
    pub to: Target<T>,
}

impl<T: Small> Job<T> for Cofactors<T> {
    /// Of matrices that are not finite.
    type Output = Lanes;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Lanes {
        let n = self.factors.a.n;
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE }>::new();
        let [a, x] = room.lists([n * n, n * n]);
        let orders = self.factors.load(a);
        invert(a, n, x);
        let mut det = V::<T, L, F>::zero();
        for l in 0..L {
            det.0[l] = self.determinants[l];
        }
        self.to.rows(&orders, x, det, n);
        (!largest(a).1).flags().bits()
    }
}
