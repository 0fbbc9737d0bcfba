//! Rotations of pairs of vectors, and an order of all pairs.

use super::lanes::{Mask, Number, V, step};

/// Of a rotation that makes `[[x, off], [off, y]]` diagonal, by 45 degrees at most: tangent, cosine and sine; of none where not `turn`.
#[inline(always)]
pub fn rotation<T: Number, const L: usize, const F: bool>(
    turn: Mask<L>,
    x: V<T, L, F>,
    y: V<T, L, F>,
    off: V<T, L, F>,
) -> (V<T, L, F>, V<T, L, F>, V<T, L, F>) {
    let one = V::one();
    let zeta = (y - x) / (off + off);
    let size = zeta.abs();
    let t = one / (size + one.plus(size, size).sqrt());
    let t = V::zero().above(zeta).choose(-t, t);
    let t = turn.choose(t, V::zero());
    let c = one / one.plus(t, t).sqrt();
    (t, c, t * c)
}

/// `x, y = c x - s y, s x + c y`
#[inline(always)]
pub fn turn<T: Number, const L: usize, const F: bool>(x: &mut V<T, L, F>, y: &mut V<T, L, F>, c: V<T, L, F>, s: V<T, L, F>) {
    (*x, *y) = ((c * *x).minus(s, *y), (c * *y).plus(s, *x));
    step();
}

/// The same for lists.
#[inline(always)]
pub fn rotate<T: Number, const L: usize, const F: bool>(x: &mut [V<T, L, F>], y: &mut [V<T, L, F>], c: V<T, L, F>, s: V<T, L, F>) {
    for (x, y) in x.iter_mut().zip(y) {
        turn(x, y, c, s);
    }
}

/// All pairs of `n` things, in rounds of pairs that have nothing in common.
pub struct Rounds {
    n: usize,
    /// `n`, or one more to be even, less one.
    odd: usize,
    round: usize,
}

impl Rounds {
    #[inline(always)]
    pub fn new(n: usize) -> Rounds {
        Rounds { n, odd: (n + 1) / 2 * 2 - usize::from(n > 0), round: 0 }
    }
}

impl Iterator for Rounds {
    type Item = Round;
    #[inline(always)]
    fn next(&mut self) -> Option<Round> {
        let round = self.round;
        self.round += 1;
        (round < self.odd).then_some(Round { n: self.n, odd: self.odd, round, at: 0 })
    }
}

/// The pairs of a round, the lower index first.
pub struct Round {
    n: usize,
    odd: usize,
    round: usize,
    at: usize,
}

impl Iterator for Round {
    type Item = (usize, usize);
    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        while self.at <= self.odd / 2 {
            let at = self.at;
            self.at += 1;
            // A polygon with one corner in the middle, turned by a corner each round.
            let (mut x, mut y) = (self.round + at, self.round + self.odd - at);
            if x >= self.odd {
                x -= self.odd;
            }
            if y >= self.odd {
                y -= self.odd;
            }
            let (x, y) = if at == 0 { (x, self.odd) } else { (x, y) };
            let pair = (x.min(y), x.max(y));
            if pair.1 < self.n {
                return Some(pair);
            }
        }
        None
    }
}
