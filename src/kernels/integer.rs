//! Functions of integers and bools that formulas of the kinds `bits` and `integer` name.

/// An element that is a row of bits; a bool is the byte 0 or 1, and one bit.
pub trait Bits: Copy {
    /// All bits turned over.
    fn turned(self) -> Self;
}
impl Bits for u8 {
    #[inline(always)]
    fn turned(self) -> u8 {
        self ^ 1
    }
}

/// An integer with powers.
pub trait Integer: Copy {
    /// This number to the power `exponent`, wrapping around; 1 where the exponent is not positive.
    fn raised(self, exponent: Self) -> Self;
}

macro_rules! integer {
    ($($t:ty)+) => {$(
        impl Bits for $t {
            #[inline(always)]
            fn turned(self) -> $t {
                !self
            }
        }
        impl Integer for $t {
            #[inline(always)]
            fn raised(self, exponent: $t) -> $t {
                let (mut y, mut square, mut left) = (1, self, exponent);
                while left > 0 {
                    if left & 1 == 1 {
                        y = square.wrapping_mul(y);
                    }
                    square = square.wrapping_mul(square);
                    left >>= 1;
                }
                y
            }
        }
    )+};
}
integer! { i32 i64 }

/// All bits of `x` turned over.
#[inline(always)]
pub fn complement<T: Bits>(x: T) -> T {
    x.turned()
}

/// `a` to the power `b >= 0`, wrapping around.
#[inline(always)]
pub fn power<T: Integer>(a: T, b: T) -> T {
    a.raised(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_wrap_as_repeated_products_do() {
        for a in [-3i32, -1, 0, 1, 2, 7, i32::MAX, i32::MIN] {
            let mut product = 1i32;
            for b in 0..70 {
                assert_eq!(power(a, b), product, "{a} ** {b}");
                assert_eq!(power(i64::from(a), i64::from(b)) as i32, product, "{a} ** {b}");
                product = product.wrapping_mul(a);
            }
        }
        assert_eq!((power(2i64, 62), power(2i64, 64), power(5i64, i64::MAX) & 1), (1 << 62, 0, 1));
    }

    #[test]
    fn a_bool_has_one_bit() {
        assert_eq!((complement(0u8), complement(1u8), complement(5i32), complement(-1i64)), (1, 0, -6, 0));
    }
}
