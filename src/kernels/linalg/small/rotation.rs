//! Rotations of pairs of vectors, and an order of all pairs.

use super::super::factor::Real;
use super::SIDE;
use super::lanes::{Number, V, step};

/// Rotations of the pairs of a round. What LLVM makes of lanes one after the other it makes worse of such long formulas: here is one long loop.
pub struct Turns<T, const L: usize> {
    /// The diagonal of each pair's `[[x, off], [off, y]]`.
    pub x: [[T; L]; SIDE / 2],
    pub y: [[T; L]; SIDE / 2],
    pub off: [[T; L]; SIDE / 2],
    /// What is negligible beside it.
    pub floor: [[T; L]; SIDE / 2],
    /// Cosines and sines.
    pub c: [[T; L]; SIDE / 2],
    pub s: [[T; L]; SIDE / 2],
    /// 1 where there is a rotation.
    pub moves: [[T; L]; SIDE / 2],
}

impl<T: Number, const L: usize> Turns<T, L> {
    #[inline(always)]
    pub fn new() -> Self {
        let zero = [[<T as Real>::ZERO; L]; SIDE / 2];
        Turns { x: zero, y: zero, off: zero, floor: zero, c: zero, s: zero, moves: zero }
    }

    /// The rotations of `count` pairs that make them diagonal, with the smaller entry first, or with `DOWN` the larger one; and what becomes of
    /// the pairs. There is none where `off` is negligible: below `floor`, or beside the root of `x y`, with `tolerance`.
    #[inline(always)]
    pub fn find<const F: bool, const DOWN: bool>(&mut self, count: usize, tolerance: T) {
        let (zero, one) = (<T as Real>::ZERO, <T as Real>::ONE);
        let n = count.min(SIDE / 2) * L;
        let Turns { x, y, off, floor, c, s, moves } = self;
        let (x, y, off) = (&mut x.as_flattened_mut()[..n], &mut y.as_flattened_mut()[..n], &mut off.as_flattened_mut()[..n]);
        let (c, s, moves) = (&mut c.as_flattened_mut()[..n], &mut s.as_flattened_mut()[..n], &mut moves.as_flattened_mut()[..n]);
        let floor = &floor.as_flattened()[..n];
        for i in 0..n {
            let (a, b, o) = (x[i], y[i], off[i]);
            let size = Real::abs(o);
            // Roots of squared lengths, which may be far from 1; else squares do.
            let beside = if DOWN {
                size > tolerance * Real::sqrt(a) * Real::sqrt(b)
            } else {
                size * size > tolerance * tolerance * Real::abs(a) * Real::abs(b)
            };
            let turn = beside & (size > floor[i]);
            let swap = if DOWN { b > a } else { a > b };
            let zeta = (b - a) / (o + o);
            let far = Real::abs(zeta);
            let hypot = if F { far.fused(far, one) } else { one + far * far };
            let t = one / (far + Real::sqrt(hypot));
            let t = if zeta < zero { -t } else { t };
            // By 45 degrees at most, so that the order stays; then both are exchanged if it is the other one.
            let t = if turn { t } else { zero };
            let square = if F { t.fused(t, one) } else { one + t * t };
            let cos = one / Real::sqrt(square);
            let sin = t * cos;
            let (low, high) = if F { ((-t).fused(o, a), t.fused(o, b)) } else { (a - t * o, b + t * o) };
            let rest = if turn { zero } else { o };
            x[i] = if swap { high } else { low };
            y[i] = if swap { low } else { high };
            off[i] = if swap { -rest } else { rest };
            c[i] = if swap { sin } else { cos };
            s[i] = if swap { -cos } else { sin };
            moves[i] = if turn | swap { one } else { zero };
        }
    }
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
        Rounds { n, odd: n.next_multiple_of(2).saturating_sub(1), round: 0 }
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
