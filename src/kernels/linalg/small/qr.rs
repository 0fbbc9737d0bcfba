//! Orthogonal and triangular factors, by reflections.

use super::lanes::{Mask, Number, V, change, more, reduce, step};
use super::scale::{Scale, largest};
use super::{Job, Room, SIDE, Small, Source, Target};

/// Replaces columns of length `m` by their triangular factor, and below the diagonal by vectors of reflections: `I - b x x^T` with the
/// factors `b`, the first entry of `x` in `lead`.
#[inline(always)]
fn factor<T: Number, const L: usize, const F: bool>(a: &mut [V<T, L, F>], m: usize, lead: &mut [V<T, L, F>], b: &mut [V<T, L, F>]) {
    // Squares that are less are not precise.
    let tiny = V::all(T::of(if T::F64 { 1e-280 } else { 1e-30 }));
    for k in 0..b.len() {
        let (head, tail) = a.split_at_mut((k + 1) * m);
        let own = &mut head[k * m + k..];
        let rest = more(V::zero(), &own[1..], &own[1..]);
        let nothing = tiny.above(rest);
        let x = own[0];
        let length = rest.plus(x, x).sqrt();
        let size = x.abs();
        let signed = V::zero().above(x).choose(-length, length);
        lead[k] = x + signed;
        b[k] = nothing.choose(V::zero(), V::one() / (length * (length + size)));
        own[0] = nothing.choose(x, -signed);
        change(&mut own[1..], |x| nothing.choose(V::zero(), x));
        for column in tail.chunks_exact_mut(m) {
            reflect(&own[1..], lead[k], b[k], &mut column[k..]);
        }
    }
}

/// Applies a reflection.
#[inline(always)]
fn reflect<T: Number, const L: usize, const F: bool>(x: &[V<T, L, F>], lead: V<T, L, F>, b: V<T, L, F>, y: &mut [V<T, L, F>]) {
    let [first, y @ ..] = y else { return };
    let sum = more(lead * *first, x, y);
    let f = b * sum;
    *first = first.minus(f, lead);
    reduce(y, f, x);
}

/// Factors of a group: `columns` of the orthogonal one, and as many rows of the triangular one, whose diagonal is not negative.
pub struct Qr<T> {
    pub a: Source<T>,
    pub q: Target<T>,
    pub r: Target<T>,
    pub columns: usize,
}

impl<T: Small> Job<T> for Qr<T> {
    type Output = ();
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) {
        let (m, n, c) = (self.a.m, self.a.n, self.columns);
        // The last row has nothing below it.
        let steps = n.min(m.saturating_sub(1));
        let mut room = Room::<T, L, F, { 2 * SIDE * SIDE + 2 * SIDE }>::new();
        let [a, q, lead, b] = room.lists([m * n, m * c, steps, steps]);
        self.a.transposed().rows(a);
        let (most, finite) = largest(a);
        let (scale, scaled) = Scale::new(finite.choose(most, V::zero()));
        if scaled {
            change(a, |x| scale.scaled(x));
        }
        factor(a, m, lead, b);
        for j in 0..c {
            q[j * m + j] = V::one();
        }
        for k in (0..steps).rev() {
            let own = &a[k * m + k + 1..(k + 1) * m];
            for j in k..c {
                reflect(own, lead[k], b[k], &mut q[j * m + k..(j + 1) * m]);
            }
        }
        for k in 0..c {
            let negative = if k < n { V::zero().above(a[k * m + k]) } else { Mask::all(false) };
            let flip = negative.choose(-V::<T, L, F>::one(), V::one());
            for i in 0..m {
                self.q.store(i * c + k, flip * q[k * m + i]);
                step();
            }
            for j in 0..n {
                let x = if j < k { V::zero() } else { flip * a[j * m + k] };
                self.r.store(k * n + j, if scaled { scale.restored(x) } else { x });
                step();
            }
        }
    }
}
