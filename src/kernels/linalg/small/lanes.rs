//! Numbers of several matrices side by side: what is done to one is done to all.

use std::hint::black_box;
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, BitAnd, BitOr, Div, Mul, Neg, Not, Sub, SubAssign};
use std::sync::atomic::{Ordering, compiler_fence};

use super::super::factor::Real;
use crate::kernels::real::Float;

/// A number that matrices are made of, for these kernels.
pub trait Number: Real + Float {}
impl<T: Real + Float> Number for T {}

// Iterators with closures are not used here: those that LLVM does not inline would be compiled without the instructions of their callers.

/// `L` numbers, one of each matrix. With `F` a product and a sum are one instruction. LLVM makes vectors of the loops. None lies across two
/// lines of the cache.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct V<T, const L: usize, const F: bool>(pub [T; L]);

/// A choice for each matrix.
#[derive(Clone, Copy)]
pub struct Mask<T, const L: usize, const F: bool>([bool; L], PhantomData<T>);

macro_rules! lanes {
    ($trait:ident, $name:ident, $assign:tt) => {
        impl<T: Number, const L: usize, const F: bool> $trait for V<T, L, F> {
            type Output = Self;
            #[inline(always)]
            fn $name(mut self, b: Self) -> Self {
                for l in 0..L {
                    self.0[l] $assign b.0[l];
                }
                self
            }
        }
    };
}
lanes! { Add, add, += }
lanes! { Sub, sub, -= }
lanes! { Mul, mul, *= }
lanes! { Div, div, /= }

impl<T: Number, const L: usize, const F: bool> Neg for V<T, L, F> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|x| -x)
    }
}
impl<T: Number, const L: usize, const F: bool> AddAssign for V<T, L, F> {
    #[inline(always)]
    fn add_assign(&mut self, b: Self) {
        *self = *self + b;
    }
}
impl<T: Number, const L: usize, const F: bool> SubAssign for V<T, L, F> {
    #[inline(always)]
    fn sub_assign(&mut self, b: Self) {
        *self = *self - b;
    }
}

impl<T: Number, const L: usize, const F: bool> V<T, L, F> {
    /// The same number for each matrix.
    #[inline(always)]
    pub fn all(x: T) -> Self {
        V([x; L])
    }
    /// 0.
    #[inline(always)]
    pub fn zero() -> Self {
        V::all(<T as Real>::ZERO)
    }
    /// 1.
    #[inline(always)]
    pub fn one() -> Self {
        V::all(<T as Real>::ONE)
    }
    /// A small integer.
    #[inline(always)]
    pub fn index(i: usize) -> Self {
        V::all(T::of(f64::from(i as i32)))
    }
    #[inline(always)]
    fn map(mut self, f: impl Fn(T) -> T) -> Self {
        for l in 0..L {
            self.0[l] = f(self.0[l]);
        }
        self
    }
    /// The magnitude.
    #[inline(always)]
    pub fn abs(self) -> Self {
        self.map(Real::abs)
    }
    /// The square root.
    #[inline(always)]
    pub fn sqrt(self) -> Self {
        self.map(Real::sqrt)
    }
    /// The larger one; `b` if one is NaN.
    #[inline(always)]
    pub fn larger(self, b: Self) -> Self {
        self.above(b).choose(self, b)
    }
    /// `self + a b`.
    #[inline(always)]
    pub fn plus(mut self, a: Self, b: Self) -> Self {
        for l in 0..L {
            self.0[l] = if F { a.0[l].fused(b.0[l], self.0[l]) } else { self.0[l] + a.0[l] * b.0[l] };
        }
        self
    }
    /// `self - a b`.
    #[inline(always)]
    pub fn minus(mut self, a: Self, b: Self) -> Self {
        for l in 0..L {
            self.0[l] = if F { (-a.0[l]).fused(b.0[l], self.0[l]) } else { self.0[l] - a.0[l] * b.0[l] };
        }
        self
    }
    #[inline(always)]
    fn compare(self, b: Self, f: impl Fn(T, T) -> bool) -> Mask<T, L, F> {
        let mut out = Mask::all(false);
        for l in 0..L {
            out.0[l] = f(self.0[l], b.0[l]);
        }
        out
    }
    /// `self > b`.
    #[inline(always)]
    pub fn above(self, b: Self) -> Mask<T, L, F> {
        self.compare(b, |a, b| a > b)
    }
    /// `self == b`.
    #[inline(always)]
    pub fn equals(self, b: Self) -> Mask<T, L, F> {
        self.compare(b, |a, b| a == b)
    }
    /// Neither infinite nor NaN.
    #[inline(always)]
    pub fn finite(self) -> Mask<T, L, F> {
        // The difference of a number and itself: a comparison of each lane with infinity takes longer.
        let same = self;
        (self - same).equals(V::zero())
    }
}

macro_rules! masks {
    ($trait:ident, $name:ident, $assign:tt) => {
        impl<T: Number, const L: usize, const F: bool> $trait for Mask<T, L, F> {
            type Output = Self;
            #[inline(always)]
            fn $name(mut self, b: Self) -> Self {
                for l in 0..L {
                    self.0[l] $assign b.0[l];
                }
                self
            }
        }
    };
}
masks! { BitAnd, bitand, &= }
masks! { BitOr, bitor, |= }

impl<T: Number, const L: usize, const F: bool> Not for Mask<T, L, F> {
    type Output = Self;
    #[inline(always)]
    fn not(mut self) -> Self {
        for l in 0..L {
            self.0[l] = !self.0[l];
        }
        self
    }
}

impl<T: Number, const L: usize, const F: bool> Mask<T, L, F> {
    /// The same choice for each matrix.
    #[inline(always)]
    pub fn all(x: bool) -> Self {
        Mask([x; L], PhantomData)
    }
    /// `a` where it holds, else `b`.
    #[inline(always)]
    pub fn choose(self, mut a: V<T, L, F>, b: V<T, L, F>) -> V<T, L, F> {
        for l in 0..L {
            a.0[l] = if self.0[l] { a.0[l] } else { b.0[l] };
        }
        a
    }
    /// 1 where it holds, else 0.
    #[inline(always)]
    pub fn flags(self) -> V<T, L, F> {
        self.choose(V::one(), V::zero())
    }
    /// Whether it holds for any matrix.
    #[inline(always)]
    pub fn any(self) -> bool {
        self.flags().any()
    }
}

impl<T: Number, const L: usize, const F: bool> V<T, L, F> {
    /// Whether any number is not zero. None is negative.
    #[inline(always)]
    pub fn any(self) -> bool {
        // Through memory: else all that leads to it is done for each lane alone.
        let mut x = black_box(self);
        let mut half = L;
        while half > 1 {
            half /= 2;
            for l in 0..half {
                let other = x.0[l + half];
                x.0[l] += other;
            }
        }
        x.0[0] > <T as Real>::ZERO
    }
    /// The lanes that are not zero, as bits.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        let x = black_box(self);
        let mut bits = 0;
        for l in 0..L {
            bits |= u32::from(x.0[l] != <T as Real>::ZERO) << l;
        }
        bits
    }
}

/// Ends a step of a loop over vectors: no code, but LLVM takes the steps one by one. Else it makes vectors of several steps, which have to be
/// put together from parts and are ten times slower.
#[inline(always)]
pub fn step() {
    compiler_fence(Ordering::SeqCst);
}

/// `x - f y`, for lists.
#[inline(always)]
pub fn reduce<T: Number, const L: usize, const F: bool>(x: &mut [V<T, L, F>], f: V<T, L, F>, y: &[V<T, L, F>]) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x = x.minus(f, y);
        step();
    }
}

/// `sum - x y` over lists.
#[inline(always)]
pub fn less<T: Number, const L: usize, const F: bool>(mut sum: V<T, L, F>, x: &[V<T, L, F>], y: &[V<T, L, F>]) -> V<T, L, F> {
    for (&x, &y) in x.iter().zip(y) {
        sum = sum.minus(x, y);
        step();
    }
    sum
}

/// `sum + x y` over lists.
#[inline(always)]
pub fn more<T: Number, const L: usize, const F: bool>(mut sum: V<T, L, F>, x: &[V<T, L, F>], y: &[V<T, L, F>]) -> V<T, L, F> {
    for (&x, &y) in x.iter().zip(y) {
        sum = sum.plus(x, y);
        step();
    }
    sum
}

/// `f(x)`, for a list.
#[inline(always)]
pub fn change<T: Number, const L: usize, const F: bool>(x: &mut [V<T, L, F>], f: impl Fn(V<T, L, F>) -> V<T, L, F>) {
    for x in x {
        *x = f(*x);
        step();
    }
}

/// Matrices, row by row, become their transposes.
#[inline(always)]
pub fn transpose<T: Number, const L: usize, const F: bool>(x: &mut [V<T, L, F>], n: usize) {
    for i in 0..n {
        for j in 0..i {
            x.swap(i * n + j, j * n + i);
            step();
        }
    }
}
