//! The numbers that formulas are written over: [`S`] wraps an element so that one text, literals included, serves every dtype.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// Mode of [`S`]: no fused multiply-add.
pub const PLAIN: u8 = 0;
/// Mode of [`S`]: [`S::fma`] is one instruction. For kernels that are compiled with FMA, and their scalar passes.
pub const FUSED: u8 = 1;
/// Mode of [`S`], added to one of the others: sine, cosine and tangent come from the standard library, which is slow and has no limits.
pub const EXACT: u8 = 2;

/// An element of type `T` in mode `M`. Its operators round once each; none is ever contracted with another.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct S<T, const M: u8>(pub T);

/// What every element type offers. Integers wrap; bytes stand for bools.
pub trait Arithmetic: Copy + PartialOrd + 'static {
    /// Not above any value.
    const LEAST: Self;
    /// Not below any value.
    const GREATEST: Self;
    /// What added to `x` gives `x`, the negative zero included.
    const NOTHING: Self;
    /// 1.
    const ONE: Self;
    /// A literal of a formula.
    fn literal(x: f64) -> Self;
    /// `self + b`.
    fn plus(self, b: Self) -> Self;
    /// `self - b`.
    fn minus(self, b: Self) -> Self;
    /// `self * b`.
    fn times(self, b: Self) -> Self;
    /// `-self`.
    fn negated(self) -> Self;
    /// `|self|`.
    fn absolute(self) -> Self;
    /// The larger one; NaN if one is NaN.
    fn larger(self, b: Self) -> Self;
    /// The smaller one; NaN if one is NaN.
    fn smaller(self, b: Self) -> Self;
    /// `a.larger(b).larger(c.larger(d))`, but for which NaN it is.
    #[inline(always)]
    fn largest(a: Self, b: Self, c: Self, d: Self) -> Self {
        a.larger(b).larger(c.larger(d))
    }
    /// `a.smaller(b).smaller(c.smaller(d))`, but for which NaN it is.
    #[inline(always)]
    fn smallest(a: Self, b: Self, c: Self, d: Self) -> Self {
        a.smaller(b).smaller(c.smaller(d))
    }
}

/// `f32` and `f64`: arithmetic and the layout of the bits.
pub trait Float: Arithmetic {
    /// True for `f64`: picks the coefficients.
    const F64: bool;
    /// 1.5 * 2^(bits of the fraction): added to a small number it leaves the nearest integer in the lowest bits.
    const MAGIC: f64;
    /// Largest exponent, and bias of the exponent field.
    const BIAS: f64;
    /// `self / b`.
    fn over(self, b: Self) -> Self;
    /// `self * b + c`, rounded once. Only a fused mode may call this.
    fn fused(self, b: Self, c: Self) -> Self;
    /// The square root.
    fn root(self) -> Self;
    /// The magnitude of `self` with the sign of `sign`.
    fn signed_as(self, sign: Self) -> Self;
    /// True if the sign bit is set.
    fn sign_bit(self) -> bool;
    /// 2^n, where `biased` is n + MAGIC + 2 BIAS and 2^n is normal.
    fn power(biased: Self) -> Self;
    /// Two powers of two whose product is 2^n, where `biased` is n + MAGIC + 2 BIAS; n may be beyond the exponents of normal numbers.
    fn half_powers(biased: Self) -> (Self, Self);
    /// Is n odd, where `magic` is n + MAGIC?
    fn odd(magic: Self) -> bool;
    /// `self`, negated if the second lowest bit of n + `add` is set, where `magic` is n + MAGIC.
    fn flipped_if_second_bit(self, magic: Self, add: u8) -> Self;
    /// A positive normal number as m 2^e, sqrt(1/2) <= m < sqrt(2).
    fn split(self) -> (Self, Self);
    /// The standard library's sine.
    fn std_sin(self) -> Self;
    /// The standard library's cosine.
    fn std_cos(self) -> Self;
    /// The standard library's tangent.
    fn std_tan(self) -> Self;
    /// The standard library's power.
    fn std_pow(self, b: Self) -> Self;
    /// The standard library's remainder, which has the sign of `self`.
    fn std_remainder(self, b: Self) -> Self;
}

macro_rules! float {
    ($t:ident, $bits:ident, $fraction:literal, $magic:literal, $bias:literal, $f64:literal) => {
        impl Arithmetic for $t {
            const LEAST: Self = $t::NEG_INFINITY;
            const GREATEST: Self = $t::INFINITY;
            const NOTHING: Self = -0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn literal(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn plus(self, b: Self) -> Self {
                self + b
            }
            #[inline(always)]
            fn minus(self, b: Self) -> Self {
                self - b
            }
            #[inline(always)]
            fn times(self, b: Self) -> Self {
                self * b
            }
            #[inline(always)]
            fn negated(self) -> Self {
                -self
            }
            #[inline(always)]
            fn absolute(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn smaller(self, b: Self) -> Self {
                // The choice is one instruction, which gives b if one is NaN. A choice between `self` and b would become
                // a masked store where `self` is read from the destination, which is slow; the sum is NaN where `self` is.
                let (most, nan) = (if self < b { self } else { b }, self + self);
                if nan.is_nan() { nan } else { most }
            }
            #[inline(always)]
            fn larger(self, b: Self) -> Self {
                // As above.
                let (most, nan) = (if self > b { self } else { b }, self + self);
                if nan.is_nan() { nan } else { most }
            }
            #[inline(always)]
            fn largest(a: Self, b: Self, c: Self, d: Self) -> Self {
                // One comparison sees a NaN in either of two.
                let (front, back) = (if a > b { a } else { b }, if c > d { c } else { d });
                let (most, nan) = (if front > back { front } else { back }, (a.is_nan() | b.is_nan()) | (c.is_nan() | d.is_nan()));
                if nan { Self::NAN } else { most }
            }
            #[inline(always)]
            fn smallest(a: Self, b: Self, c: Self, d: Self) -> Self {
                // As above.
                let (front, back) = (if a < b { a } else { b }, if c < d { c } else { d });
                let (least, nan) = (if front < back { front } else { back }, (a.is_nan() | b.is_nan()) | (c.is_nan() | d.is_nan()));
                if nan { Self::NAN } else { least }
            }
        }
        impl Float for $t {
            const F64: bool = $f64;
            const MAGIC: f64 = $magic;
            const BIAS: f64 = $bias;
            #[inline(always)]
            fn over(self, b: Self) -> Self {
                self / b
            }
            #[inline(always)]
            fn fused(self, b: Self, c: Self) -> Self {
                self.mul_add(b, c)
            }
            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn signed_as(self, sign: Self) -> Self {
                self.copysign(sign)
            }
            #[inline(always)]
            fn sign_bit(self) -> bool {
                self.is_sign_negative()
            }
            #[inline(always)]
            fn power(biased: Self) -> Self {
                // The shift drops the magic number; the lowest bits held n and twice the bias.
                $t::from_bits((biased.to_bits() << $fraction).wrapping_sub(($bias as $bits) << $fraction))
            }
            #[inline(always)]
            fn half_powers(biased: Self) -> (Self, Self) {
                let low = biased.to_bits() >> 1;
                let high = biased.to_bits().wrapping_sub(low);
                ($t::from_bits(low << $fraction), $t::from_bits(high << $fraction))
            }
            #[inline(always)]
            fn odd(magic: Self) -> bool {
                magic.to_bits() & 1 != 0
            }
            #[inline(always)]
            fn flipped_if_second_bit(self, magic: Self, add: u8) -> Self {
                let second = magic.to_bits().wrapping_add($bits::from(add)) & 2;
                $t::from_bits(self.to_bits() ^ (second << ($bits::BITS - 2)))
            }
            #[inline(always)]
            fn split(self) -> (Self, Self) {
                const ONE: $bits = ($bias as $bits) << $fraction;
                let low = std::f64::consts::FRAC_1_SQRT_2 as $t;
                // Exponent relative to sqrt(1/2), kept positive so that an unsigned shift extracts it (AVX2 has no signed one).
                let e = self.to_bits().wrapping_sub(low.to_bits()).wrapping_add(ONE) >> $fraction;
                let m = self.to_bits().wrapping_sub(e << $fraction).wrapping_add(ONE);
                // As a float: the integer in the fraction of 2^fraction, minus that power and the bias.
                const WHOLE: $t = (1u64 << $fraction) as $t;
                let e = $t::from_bits(e | WHOLE.to_bits()) - (WHOLE + $bias as $t);
                ($t::from_bits(m), e)
            }
            #[inline(always)]
            fn std_sin(self) -> Self {
                self.sin()
            }
            #[inline(always)]
            fn std_cos(self) -> Self {
                self.cos()
            }
            #[inline(always)]
            fn std_tan(self) -> Self {
                self.tan()
            }
            #[inline(always)]
            fn std_pow(self, b: Self) -> Self {
                self.powf(b)
            }
            #[inline(always)]
            fn std_remainder(self, b: Self) -> Self {
                self % b
            }
        }
    };
}
float!(f32, u32, 23, 12582912.0, 127.0, false);
float!(f64, u64, 52, 6755399441055744.0, 1023.0, true);

macro_rules! integer {
    ($t:ident, $least:expr, $greatest:expr, |$x:ident| $absolute:expr) => {
        impl Arithmetic for $t {
            const LEAST: Self = $least;
            const GREATEST: Self = $greatest;
            const NOTHING: Self = 0;
            const ONE: Self = 1;
            #[inline(always)]
            fn literal(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn plus(self, b: Self) -> Self {
                self.wrapping_add(b)
            }
            #[inline(always)]
            fn minus(self, b: Self) -> Self {
                self.wrapping_sub(b)
            }
            #[inline(always)]
            fn times(self, b: Self) -> Self {
                self.wrapping_mul(b)
            }
            #[inline(always)]
            fn negated(self) -> Self {
                self.wrapping_neg()
            }
            #[inline(always)]
            fn absolute(self) -> Self {
                let $x = self;
                $absolute
            }
            #[inline(always)]
            fn smaller(self, b: Self) -> Self {
                if self < b { self } else { b }
            }
            #[inline(always)]
            fn larger(self, b: Self) -> Self {
                if self > b { self } else { b }
            }
        }
    };
}
integer!(i32, i32::MIN, i32::MAX, |x| x.wrapping_abs());
integer!(i64, i64::MIN, i64::MAX, |x| x.wrapping_abs());
integer!(u8, 0, 1, |x| x);

impl<T: PartialEq, const M: u8> PartialEq for S<T, M> {
    #[inline(always)]
    fn eq(&self, b: &Self) -> bool {
        self.0 == b.0
    }
}

impl<T: PartialOrd, const M: u8> PartialOrd for S<T, M> {
    #[inline(always)]
    fn partial_cmp(&self, b: &Self) -> Option<std::cmp::Ordering> {
        self.0.partial_cmp(&b.0)
    }
    // One comparison each: the defaults go through `partial_cmp`, which takes two.
    #[inline(always)]
    fn lt(&self, b: &Self) -> bool {
        self.0 < b.0
    }
    #[inline(always)]
    fn le(&self, b: &Self) -> bool {
        self.0 <= b.0
    }
    #[inline(always)]
    fn gt(&self, b: &Self) -> bool {
        self.0 > b.0
    }
    #[inline(always)]
    fn ge(&self, b: &Self) -> bool {
        self.0 >= b.0
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $bound:ident, $primitive:ident) => {
        impl<T: $bound, const M: u8> $trait for S<T, M> {
            type Output = S<T, M>;
            #[inline(always)]
            fn $method(self, b: S<T, M>) -> S<T, M> {
                S(self.0.$primitive(b.0))
            }
        }
        impl<T: $bound, const M: u8> $trait<f64> for S<T, M> {
            type Output = S<T, M>;
            #[inline(always)]
            fn $method(self, b: f64) -> S<T, M> {
                S(self.0.$primitive(T::literal(b)))
            }
        }
        impl<T: $bound, const M: u8> $trait<S<T, M>> for f64 {
            type Output = S<T, M>;
            #[inline(always)]
            fn $method(self, b: S<T, M>) -> S<T, M> {
                S(T::literal(self).$primitive(b.0))
            }
        }
    };
}
operator!(Add, add, Arithmetic, plus);
operator!(Sub, sub, Arithmetic, minus);
operator!(Mul, mul, Arithmetic, times);
operator!(Div, div, Float, over);

impl<T: Arithmetic, const M: u8> Neg for S<T, M> {
    type Output = S<T, M>;
    #[inline(always)]
    fn neg(self) -> S<T, M> {
        S(self.0.negated())
    }
}

impl<T: Arithmetic, const M: u8> S<T, M> {
    /// A literal.
    #[inline(always)]
    pub fn lit(x: f64) -> Self {
        S(T::literal(x))
    }
}

impl<T: Float, const M: u8> S<T, M> {
    /// `self * b + c`: rounded once in a fused mode, twice in a plain one. For the polynomials of the library only:
    /// a user's `a * b + c` rounds twice everywhere.
    #[inline(always)]
    pub fn fma(self, b: Self, c: Self) -> Self {
        if M & FUSED != 0 { S(self.0.fused(b.0, c.0)) } else { self * b + c }
    }

    /// n, the integer nearest to `self * factor` (below 2^21 for `f32`, 2^50 for `f64`), as (n + MAGIC + offset, n): the sum has n + offset
    /// in its lowest bits.
    #[inline(always)]
    pub fn multiple(self, factor: f64, offset: f64) -> (Self, Self) {
        let sum = self.fma(S::lit(factor), S::lit(T::MAGIC + offset));
        (sum, sum - (T::MAGIC + offset))
    }
}

/// Two operands of a function of a formula, one of which may be a literal.
pub trait Pair<B> {
    /// What both become.
    type Out: Copy + PartialOrd;
    /// Both as the same type.
    fn pair(self, b: B) -> (Self::Out, Self::Out);
}

impl<T: Arithmetic, const M: u8> Pair<S<T, M>> for S<T, M> {
    type Out = S<T, M>;
    #[inline(always)]
    fn pair(self, b: S<T, M>) -> (S<T, M>, S<T, M>) {
        (self, b)
    }
}
impl<T: Arithmetic, const M: u8> Pair<f64> for S<T, M> {
    type Out = S<T, M>;
    #[inline(always)]
    fn pair(self, b: f64) -> (S<T, M>, S<T, M>) {
        (self, S::lit(b))
    }
}
impl<T: Arithmetic, const M: u8> Pair<S<T, M>> for f64 {
    type Out = S<T, M>;
    #[inline(always)]
    fn pair(self, b: S<T, M>) -> (S<T, M>, S<T, M>) {
        (S::lit(self), b)
    }
}
impl Pair<f64> for f64 {
    type Out = f64;
    #[inline(always)]
    fn pair(self, b: f64) -> (f64, f64) {
        (self, b)
    }
}
impl Pair<bool> for bool {
    type Out = bool;
    #[inline(always)]
    fn pair(self, b: bool) -> (bool, bool) {
        (self, b)
    }
}

/// What a formula's value becomes when it is stored.
pub trait Store<D> {
    /// The stored element.
    fn store(self) -> D;
}

impl<T, const M: u8> Store<S<T, M>> for S<T, M> {
    #[inline(always)]
    fn store(self) -> S<T, M> {
        self
    }
}
impl<T: Arithmetic, const M: u8> Store<S<T, M>> for f64 {
    #[inline(always)]
    fn store(self) -> S<T, M> {
        S::lit(self)
    }
}
impl Store<u8> for bool {
    #[inline(always)]
    fn store(self) -> u8 {
        u8::from(self)
    }
}
