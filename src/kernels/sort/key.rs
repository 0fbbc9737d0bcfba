//! Integers in the order of elements.

use crate::dtype::Element;

/// A key: 32 or 64 bits.
pub trait Key: Copy + Ord {
    /// The greatest key.
    const LAST: Self;
    /// The bits of the key from the top of a word on.
    fn word(self) -> u64;
    /// The key of such a word.
    fn of(word: u64) -> Self;
    /// All bits the other way round.
    fn flipped(self) -> Self;
}
macro_rules! key {
    ($($t:ty)+) => {$(impl Key for $t {
        const LAST: $t = <$t>::MAX;
        #[inline(always)]
        fn word(self) -> u64 {
            (self as u64) << (64 - <$t>::BITS)
        }
        #[inline(always)]
        fn of(word: u64) -> $t {
            (word >> (64 - <$t>::BITS)) as $t
        }
        #[inline(always)]
        fn flipped(self) -> $t {
            !self
        }
    })+};
}
key! { u32 u64 }

/// An element that is sorted by its key: NaN stands behind all numbers, and the zeros are equal.
pub trait Sorted: Element {
    /// The type of the key.
    type Key: Key;
    /// The key.
    fn key(self) -> Self::Key;
    /// An element of this key.
    fn of(key: Self::Key) -> Self;
    /// True if the key gives another element back: of -0.0 and of NaN.
    fn lost(self) -> bool;
}
macro_rules! float {
    ($($t:ident $bits:ident $signed:ident;)+) => {$(impl Sorted for $t {
        type Key = $bits;
        #[inline(always)]
        fn key(self) -> $bits {
            // -0.0 + 0.0 is 0.0. The bits of negative numbers run backwards.
            let bits = (self + 0.0).to_bits();
            let key = bits ^ ((bits as $signed >> ($bits::BITS - 1)) as $bits | 1 << ($bits::BITS - 1));
            if self.is_nan() { $bits::MAX } else { key }
        }
        #[inline(always)]
        fn of(key: $bits) -> $t {
            let sign = !key as $signed >> ($bits::BITS - 1);
            $t::from_bits(key ^ (sign as $bits | 1 << ($bits::BITS - 1)))
        }
        #[inline(always)]
        fn lost(self) -> bool {
            $t::of(self.key()).to_bits() != self.to_bits()
        }
    })+};
}
float! { f32 u32 i32; f64 u64 i64; }
macro_rules! integer {
    ($($t:ident $bits:ident;)+) => {$(impl Sorted for $t {
        type Key = $bits;
        #[inline(always)]
        fn key(self) -> $bits {
            self as $bits ^ 1 << ($bits::BITS - 1)
        }
        #[inline(always)]
        fn of(key: $bits) -> $t {
            (key ^ 1 << ($bits::BITS - 1)) as $t
        }
        #[inline(always)]
        fn lost(self) -> bool {
            false
        }
    })+};
}
integer! { i32 u32; i64 u64; }
impl Sorted for bool {
    type Key = u32;
    #[inline(always)]
    fn key(self) -> u32 {
        u32::from(self)
    }
    #[inline(always)]
    fn of(key: u32) -> bool {
        key != 0
    }
    #[inline(always)]
    fn lost(self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_order_of_their_elements() {
        let floats = [f64::NEG_INFINITY, -1e300, -1.0, -5e-324, 0.0, 5e-324, 1e-310, 1.0, 1e300, f64::INFINITY, f64::NAN];
        assert!(floats.windows(2).all(|w| w[0].key() < w[1].key() && (w[0] as f32).key() <= (w[1] as f32).key()));
        assert!(floats.iter().all(|&x| f64::of(x.key()).to_bits() == x.to_bits() || x.is_nan() && f64::of(x.key()).is_nan()));
        assert!((-0f64).lost() && f64::NAN.lost() && !0f64.lost() && !1f32.lost());
        assert_eq!((0f32.key(), f32::NAN.key()), ((-0f32).key(), (-f32::NAN).key()));
        let whole = [i64::MIN, -3, -1, 0, 1, i64::MAX];
        assert!(whole.windows(2).all(|w| w[0].key() < w[1].key()) && whole.iter().all(|&x| i64::of(x.key()) == x));
        assert!((-1i32).key() < 0i32.key() && false.key() < true.key() && i32::of((-7i32).key()) == -7);
    }
}
