//! Cholesky's factorisation.

use super::lanes::{Number, V, less, reduce, step, transpose};
use super::triangular::substitute;
use super::{Job, Room, Rows, SIDE, Small, Source, Target, rows};
use crate::kernels::level3::Triangle;

/// Replaces lower triangles by their factors. Gives the order of the first leading minor that is not positive, as a number, or 0.
#[inline(always)]
fn factor<T: Number, const L: usize, const F: bool>(a: &mut [V<T, L, F>], n: usize) -> V<T, L, F> {
    let mut fault = V::zero();
    for j in 0..n {
        let (head, tail) = a.split_at_mut((j + 1) * n);
        let top = &mut head[j * n..];
        let d = less(top[j], &top[..j], &top[..j]);
        let positive = d.above(V::zero());
        let first = !positive & fault.equals(V::zero());
        fault = first.choose(V::index(j + 1), fault);
        let root = positive.choose(d, V::one()).sqrt();
        let inverse = V::one() / root;
        top[j] = root;
        for i in 0..n - j - 1 {
            let row = &mut tail[i * n..i * n + n];
            row[j] = less(row[j], &row[..j], &top[..j]) * inverse;
        }
    }
    fault
}

/// Factors of symmetric parts, written to `to` with zeros above the diagonal. Gives for each matrix the order of the first leading minor that is
/// not positive, or 0.
pub struct Cholesky<T> {
    pub a: Source<T>,
    pub to: Target<T>,
}

impl<T: Small> Job<T> for Cholesky<T> {
    type Output = Rows;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Rows {
        let n = self.a.n;
        let mut room = Room::<T, L, F, { SIDE * SIDE }>::new();
        let [a] = room.lists([n * n]);
        self.a.rows(a);
        for i in 0..n {
            for j in 0..i {
                a[i * n + j] = (a[i * n + j] + a[j * n + i]) * V::all(T::of(0.5));
                a[j * n + i] = V::zero();
                step();
            }
        }
        let fault = factor(a, n);
        self.to.all(a);
        rows(fault)
    }
}

/// The cotangents of matrices from those of their factors.
pub struct Cotangent<T> {
    pub l: Source<T>,
    pub g: Source<T>,
    pub to: Target<T>,
}

impl<T: Small> Job<T> for Cotangent<T> {
    type Output = ();
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) {
        let n = self.l.n;
        let mut room = Room::<T, L, F, { 3 * SIDE * SIDE }>::new();
        let [l, g, y] = room.lists([n * n; 3]);
        self.l.rows(l);
        self.g.rows(g);
        let half = V::all(T::of(0.5));
        // Row by row of `g`: of the product the lower triangle.
        for k in 0..n {
            for i in 0..k + 1 {
                let (f, row) = (-l[k * n + i], &mut y[i * n..i * n + i + 1]);
                reduce(row, f, &g[k * n..k * n + i + 1]);
            }
        }
        for i in 0..n {
            y[i * n + i] = y[i * n + i] * half;
        }
        let transposed = Triangle { lower: true, transpose: true, unit: false };
        substitute(l, n, transposed, y, n);
        transpose(y, n);
        substitute(l, n, transposed, y, n);
        for i in 0..n {
            for j in 0..i {
                let x = (y[i * n + j] + y[j * n + i]) * half;
                (y[i * n + j], y[j * n + i]) = (x, x);
                step();
            }
        }
        self.to.all(y);
    }
}
