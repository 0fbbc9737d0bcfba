//! Rounding to integers. Without SSE4.1 the rounding instructions are calls, so the plain mode rounds by sums; all of it is exact.

use super::real::{Arithmetic, FUSED, Float, S};

/// A number that is rounded to an integer; an integer is one.
pub trait Rounded: Arithmetic {
    /// The nearest integer, of two the even one.
    fn nearest<const M: u8>(self) -> Self;
    /// The largest integer that is not above.
    fn below<const M: u8>(self) -> Self;
    /// The smallest integer that is not below.
    fn above<const M: u8>(self) -> Self;
    /// The integer without the fraction.
    fn whole<const M: u8>(self) -> Self;
}

macro_rules! float {
    ($t:ident, $unit:literal) => {
        impl Rounded for $t {
            #[inline(always)]
            fn nearest<const M: u8>(self) -> $t {
                if M & FUSED != 0 {
                    return self.round_ties_even();
                }
                // From the unit on, which has no bits left for a fraction, every number is an integer.
                let magnitude = self.abs();
                if magnitude < $unit { ((magnitude + $unit) - $unit).copysign(self) } else { self }
            }
            #[inline(always)]
            fn below<const M: u8>(self) -> $t {
                if M & FUSED != 0 {
                    return self.floor();
                }
                let n = self.nearest::<M>();
                (if n > self { n - 1.0 } else { n }).copysign(self)
            }
            #[inline(always)]
            fn above<const M: u8>(self) -> $t {
                if M & FUSED != 0 {
                    return self.ceil();
                }
                let n = self.nearest::<M>();
                (if n < self { n + 1.0 } else { n }).copysign(self)
            }
            #[inline(always)]
            fn whole<const M: u8>(self) -> $t {
                if M & FUSED != 0 {
                    return self.trunc();
                }
                self.abs().below::<M>().copysign(self)
            }
        }
    };
}
float!(f32, 8388608.0);
float!(f64, 4503599627370496.0);

macro_rules! integer {
    ($($t:ident)+) => {$(
        impl Rounded for $t {
            #[inline(always)]
            fn nearest<const M: u8>(self) -> $t {
                self
            }
            #[inline(always)]
            fn below<const M: u8>(self) -> $t {
                self
            }
            #[inline(always)]
            fn above<const M: u8>(self) -> $t {
                self
            }
            #[inline(always)]
            fn whole<const M: u8>(self) -> $t {
                self
            }
        }
    )+};
}
integer! { i32 i64 }

/// The nearest integer, of two the even one. A zero has the sign of x, here and below.
#[inline(always)]
pub fn rint<T: Float + Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    S(x.0.nearest::<M>())
}

/// The largest integer that is not above x.
#[inline(always)]
pub fn floor<T: Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    S(x.0.below::<M>())
}

/// The smallest integer that is not below x.
#[inline(always)]
pub fn ceil<T: Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    S(x.0.above::<M>())
}

/// The integer between 0 and x that is nearest to x.
#[inline(always)]
pub fn trunc<T: Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    S(x.0.whole::<M>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::real::PLAIN;

    #[test]
    fn sums_round_as_the_instructions_do() {
        let mut all = vec![f64::NAN, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.0];
        for unit in [1.0, 8388608.0, 4503599627370496.0] {
            all.extend((-40..40).map(|i| unit + f64::from(i) * 0.25));
            all.extend((-8..8).map(|i| unit * 2.0 + f64::from(i) * 0.5));
        }
        for x in all.iter().flat_map(|&x| [x, -x]) {
            let bits = |a: f64, b: f64| assert_eq!(a.to_bits() | u64::from(x.is_nan()), b.to_bits() | u64::from(x.is_nan()), "{x}");
            bits(x.nearest::<PLAIN>(), x.round_ties_even());
            bits(x.below::<PLAIN>(), x.floor());
            bits(x.above::<PLAIN>(), x.ceil());
            bits(x.whole::<PLAIN>(), x.trunc());
            let (x, exact) = (x as f32, |a: f32, b: f32| assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()), "{x}"));
            exact(x.nearest::<PLAIN>(), x.round_ties_even());
            exact(x.below::<PLAIN>(), x.floor());
            exact(x.above::<PLAIN>(), x.ceil());
            exact(x.whole::<PLAIN>(), x.trunc());
        }
    }
}
