//! Eigenvalues and eigenvectors of symmetric matrices, by rotations of pairs of rows and columns.

use super::lanes::{Number, V, change, step, transpose};
use super::rotation::{Rounds, Turns, rotate, turn};
use super::scale::{Scale, largest};
use super::{Job, Lanes, Room, SIDE, Small, Source, Target};

/// Sweeps over all pairs, at most: about eight are needed.
const SWEEPS: usize = 40;

/// Turns symmetric matrices, of which the lower triangle is read and the rest is zero, into diagonal ones, the least entry first; row `i` of `v`, which starts
/// as the identity, becomes vector `i`. Gives where they are not diagonal then.
///
/// The magnitudes are at most about 1.
#[inline(always)]
pub fn diagonalise<T: Number, const L: usize, const F: bool>(
    a: &mut [V<T, L, F>],
    n: usize,
    mut v: Option<&mut [V<T, L, F>]>,
) -> V<T, L, F> {
    let most = largest(a).0;
    // What is so small is no part of any eigenvalue.
    let floor = most * V::all(T::EPSILON * T::EPSILON);
    let mut turns = Turns::<T, L>::new();
    let mut moved = V::zero();
    for _ in 0..SWEEPS {
        moved = V::zero();
        for round in Rounds::new(n) {
            let mut count = 0;
            let mut pairs = [(0, 0); SIDE / 2];
            // The pairs have no index in common: their angles come first, all at once.
            for (p, q) in round {
                pairs[count] = (p, q);
                turns.x[count] = a[p * n + p].0;
                turns.y[count] = a[q * n + q].0;
                turns.off[count] = a[q * n + p].0;
                turns.floor[count] = floor.0;
                count += 1;
            }
            turns.find::<F, false>(count, T::EPSILON);
            for (at, &(p, q)) in pairs[..count].iter().enumerate() {
                let moves = V(turns.moves[at]);
                if !moves.any() {
                    continue;
                }
                moved += moves;
                let (c, s) = (V(turns.c[at]), V(turns.s[at]));
                a[p * n + p] = V(turns.x[at]);
                a[q * n + q] = V(turns.y[at]);
                a[q * n + p] = V(turns.off[at]);
                let (head, rest) = a.split_at_mut(q * n);
                let (row, below) = rest.split_at_mut(n);
                rotate(&mut head[p * n..p * n + p], &mut row[..p], c, s);
                for k in p + 1..q {
                    turn(&mut head[k * n + p], &mut row[k], c, s);
                }
                for k in q + 1..n {
                    let row = &mut below[(k - q - 1) * n..(k - q) * n];
                    let (left, right) = row.split_at_mut(q);
                    turn(&mut left[p], &mut right[0], c, s);
                }
                if let Some(v) = v.as_deref_mut() {
                    let (head, tail) = v.split_at_mut(q * n);
                    rotate(&mut head[p * n..(p + 1) * n], &mut tail[..n], c, s);
                }
            }
        }
        if !moved.any() {
            break;
        }
    }
    moved
}

/// The sign that makes the entry of the largest magnitude positive; of equals the first.
#[inline(always)]
pub fn sign<T: Number, const L: usize, const F: bool>(list: &[V<T, L, F>]) -> V<T, L, F> {
    let (mut most, mut own) = (V::zero(), V::zero());
    for &x in list {
        let more = x.abs().above(most);
        (most, own) = (more.choose(x.abs(), most), more.choose(x, own));
        step();
    }
    V::zero().above(own).choose(-V::<T, L, F>::one(), V::one())
}

/// Eigenvalues and vectors of a group; without `vectors` only values are written.
pub struct Eigh<T> {
    pub a: Source<T>,
    pub w: Target<T>,
    pub v: Target<T>,
    pub vectors: bool,
}

impl<T: Small> Job<T> for Eigh<T> {
    /// Of the matrices that are not finite, or for which the sweeps have no end.
    type Output = Lanes;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Lanes {
        let n = self.a.n;
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE }>::new();
        let [a, v] = room.lists([n * n, if self.vectors { n * n } else { 0 }]);
        self.a.rows(a);
        for i in 0..n {
            for j in i + 1..n {
                a[i * n + j] = V::zero();
            }
        }
        let (most, finite) = largest(a);
        if (!finite).any() {
            change(a, |x| finite.choose(x, V::zero()));
        }
        let (scale, scaled) = Scale::new(finite.choose(most, V::zero()));
        if scaled {
            change(a, |x| scale.scaled(x));
        }
        let moved = if self.vectors {
            for i in 0..n {
                v[i * n + i] = V::one();
            }
            diagonalise(a, n, Some(&mut *v))
        } else {
            diagonalise(a, n, None)
        };
        for i in 0..n {
            let w = a[i * n + i];
            self.w.store(i, if scaled { scale.restored(w) } else { w });
        }
        if self.vectors {
            for column in v.chunks_exact_mut(n) {
                let flip = sign(column);
                change(column, |x| flip * x);
            }
            transpose(v, n);
            self.v.all(v);
        }
        (moved + (!finite).flags()).bits()
    }
}
