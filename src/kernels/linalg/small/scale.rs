//! Powers of two that bring matrices to an ordinary size, so that no square overflows.

use super::lanes::{Mask, Number, V, step};

/// Two factors of each matrix.
#[derive(Clone, Copy)]
pub struct Scale<T, const L: usize, const F: bool>([V<T, L, F>; 2]);

/// `2^n`, for a number that is normal.
#[inline(always)]
fn power<T: Number>(n: f64) -> T {
    T::of(2f64.powi(n as i32))
}

impl<T: Number, const L: usize, const F: bool> Scale<T, L, F> {
    /// For matrices of which `most` is the largest magnitude: one that is far from 1 comes near it. Zeros, infinities and NaN stay.
    #[inline(always)]
    pub fn new(most: V<T, L, F>) -> (Scale<T, L, F>, bool) {
        let (far, move_by, near) = if T::F64 { (500.0, 600.0, 64.0) } else { (60.0, 80.0, 8.0) };
        let ordinary = most.above(V::all(power(-near))) & V::all(power(near)).above(most);
        let strange = !most.finite() | most.equals(V::zero());
        let keep = ordinary | strange;
        if !(!keep).any() {
            return (Scale([V::one(); 2]), false);
        }
        let (low, high) = (V::all(power::<T>(-far)).above(most), most.above(V::all(power(far))));
        let first = low.choose(V::all(power(move_by)), high.choose(V::all(power(-move_by)), V::one()));
        let mut second = most * first;
        for x in &mut second.0 {
            let (_, e) = if x.is_finite() && *x > <T as super::super::factor::Real>::ZERO { x.split() } else { (*x, T::literal(0.0)) };
            *x = power(-e.wide());
        }
        (Scale([keep.choose(V::one(), first), keep.choose(V::one(), second)]), true)
    }

    /// A number times the factors.
    #[inline(always)]
    pub fn scaled(self, x: V<T, L, F>) -> V<T, L, F> {
        x * self.0[0] * self.0[1]
    }

    /// A number divided by the factors.
    #[inline(always)]
    pub fn restored(self, x: V<T, L, F>) -> V<T, L, F> {
        x / self.0[1] / self.0[0]
    }
}

/// The largest magnitude of those that are numbers; and where all are finite.
#[inline(always)]
pub fn largest<T: Number, const L: usize, const F: bool>(list: &[V<T, L, F>]) -> (V<T, L, F>, Mask<T, L, F>) {
    let (mut most, mut sum) = (V::zero(), V::zero());
    for &x in list {
        most = x.abs().larger(most);
        let same = x;
        sum += x - same;
        step();
    }
    (most, sum.equals(V::zero()))
}
