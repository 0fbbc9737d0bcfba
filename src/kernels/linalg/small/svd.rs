//! Singular values and vectors, by rotations that make pairs of columns orthogonal.

use super::lanes::{Mask, Number, V, change, more, reduce, step};
use super::rotation::{Rounds, Turns, rotate};
use super::scale::{Scale, largest};
use super::{Job, Lanes, Room, SIDE, Small, Source, Target};

/// Sweeps over all pairs, at most: about seven are needed.
const SWEEPS: usize = 40;

/// Beside the square of the longest column: squared lengths of those that are no part of the matrix, and products that need no rotation, as
/// columns that are long enough are orthogonal then.
fn negligible<T: Number>() -> (T, T) {
    if T::F64 { (T::of(1e-48), T::of(1e-40)) } else { (T::of(1e-22), T::of(1e-19)) }
}

/// Turns `c` columns of length `r`, one after the other in `g`, until they are orthogonal, the longest first, and rows of `w`, which start
/// as the identity, likewise. Gives where they are not.
#[inline(always)]
fn orthogonalise<T: Number, const L: usize, const F: bool>(
    g: &mut [V<T, L, F>],
    r: usize,
    c: usize,
    mut w: Option<&mut [V<T, L, F>]>,
) -> V<T, L, F> {
    let tolerance = T::EPSILON * T::of(0.5 * (r.max(4) as f64).sqrt());
    let mut turns = Turns::<T, L>::new();
    let (null, tiny) = negligible::<T>();
    let (most, _) = largest(g);
    let (floor, tiny) = (most * most * V::all(null * T::EPSILON), V::all(tiny));
    let mut moved = V::zero();
    for _ in 0..SWEEPS {
        moved = V::zero();
        for round in Rounds::new(c) {
            let mut count = 0;
            let mut pairs = [(0, 0); SIDE / 2];
            for (p, q) in round {
                let (mut xx, mut yy, mut off) = (V::<T, L, F>::zero(), V::<T, L, F>::zero(), V::<T, L, F>::zero());
                for (&x, &y) in g[p * r..(p + 1) * r].iter().zip(&g[q * r..(q + 1) * r]) {
                    (xx, yy, off) = (xx.plus(x, x), yy.plus(y, y), off.plus(x, y));
                    step();
                }
                pairs[count] = (p, q);
                (turns.x[count], turns.y[count], turns.off[count]) = (xx.0, yy.0, off.0);
                turns.floor[count] = (xx.larger(yy) * tiny).larger(floor).0;
                count += 1;
            }
            turns.find::<F, true>(count, tolerance);
            for (at, &(p, q)) in pairs[..count].iter().enumerate() {
                let moves = V(turns.moves[at]);
                if !moves.any() {
                    continue;
                }
                moved += moves;
                let (cos, sin) = (V(turns.c[at]), V(turns.s[at]));
                let (head, tail) = g.split_at_mut(q * r);
                rotate(&mut head[p * r..(p + 1) * r], &mut tail[..r], cos, sin);
                if let Some(w) = w.as_deref_mut() {
                    let (head, tail) = w.split_at_mut(q * c);
                    rotate(&mut head[p * c..(p + 1) * c], &mut tail[..c], cos, sin);
                }
            }
        }
        if !moved.any() {
            break;
        }
    }
    moved
}

/// Makes column `at` a unit vector that is orthogonal to those before it, where `wanted`.
#[inline(always)]
fn complete<T: Number, const L: usize, const F: bool>(g: &mut [V<T, L, F>], r: usize, at: usize, wanted: Mask<T, L, F>) {
    let (before, rest) = g.split_at_mut(at * r);
    let own = &mut rest[..r];
    // The unit vector of which the others have least.
    let (mut least, mut place) = (V::all(T::of(4.0)), V::<T, L, F>::zero());
    for k in 0..r {
        let mut share = V::zero();
        for x in before.chunks_exact(r) {
            share = share.plus(x[k], x[k]);
            step();
        }
        let less = least.above(share);
        (least, place) = (less.choose(share, least), less.choose(V::index(k), place));
    }
    for (k, x) in own.iter_mut().enumerate() {
        let unit = place.equals(V::index(k)).choose(V::one(), V::zero());
        *x = wanted.choose(unit, *x);
        step();
    }
    // Twice is enough.
    for _ in 0..2 {
        for other in before.chunks_exact(r) {
            let f = wanted.choose(more(V::zero(), other, own), V::zero());
            reduce(own, f, other);
        }
        let length = wanted.choose(more(V::zero(), own, own).sqrt(), V::one());
        change(own, |x| x / length);
    }
}

/// Factors of a group. Without `vectors` only values are written; `full`: whole bases.
pub struct Svd<T> {
    pub a: Source<T>,
    pub u: Target<T>,
    pub s: Target<T>,
    pub vh: Target<T>,
    pub vectors: bool,
    pub full: bool,
}

impl<T: Small> Job<T> for Svd<T> {
    /// Of the matrices that have no factors, as they are not finite or the sweeps have no end.
    type Output = Lanes;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Lanes {
        let tall = self.a.m >= self.a.n;
        // Rows of what is read are columns.
        let columns = if tall { self.a.transposed() } else { self.a };
        let (c, r) = (columns.m, columns.n);
        let long = if self.full { r } else { c };
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE }>::new();
        let [g, w] = room.lists([r * long, if self.vectors { c * c } else { 0 }]);
        columns.rows(&mut g[..c * r]);
        let (most, finite) = largest(&g[..c * r]);
        if (!finite).any() {
            change(g, |x| finite.choose(x, V::zero()));
        }
        let (scale, scaled) = Scale::new(finite.choose(most, V::zero()));
        if scaled {
            change(g, |x| scale.scaled(x));
        }
        for i in 0..if self.vectors { c } else { 0 } {
            w[i * c + i] = V::one();
        }
        let moved = orthogonalise(&mut g[..c * r], r, c, if self.vectors { Some(&mut *w) } else { None });
        let mut least = V::zero();
        for j in 0..c {
            let square = more(V::zero(), &g[j * r..(j + 1) * r], &g[j * r..(j + 1) * r]);
            if j == 0 {
                least = square * V::all(negligible::<T>().0);
            }
            let length = square.sqrt();
            self.s.store(j, if scaled { scale.restored(length) } else { length });
            if self.vectors {
                let zero = !square.above(least);
                let by = zero.choose(V::one(), length);
                change(&mut g[j * r..(j + 1) * r], |x| x / by);
                if zero.any() {
                    complete(g, r, j, zero);
                }
            }
        }
        if self.vectors {
            for j in c..long {
                complete(g, r, j, Mask::all(true));
            }
            let (of_u, of_v) = if tall { (long, c) } else { (c, long) };
            let (u, v, m, n) = if tall { (&*g, &*w, r, c) } else { (&*w, &*g, c, r) };
            for j in 0..of_u.max(of_v) {
                let flip = if j < c { super::eigh::sign(&v[j * n..(j + 1) * n]) } else { V::one() };
                for i in 0..if j < of_u { m } else { 0 } {
                    self.u.store(i * of_u + j, flip * u[j * m + i]);
                    step();
                }
                for i in 0..if j < of_v { n } else { 0 } {
                    self.vh.store(j * n + i, flip * v[j * n + i]);
                    step();
                }
            }
        }
        (moved + (!finite).flags()).bits()
    }
}
