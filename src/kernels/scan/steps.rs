//! What scans accumulate.

use std::marker::PhantomData;

use super::Step;
use crate::dtype::Element;
use crate::kernels::index::Order;

/// An element type and what its sums and products are accumulated in.
pub trait Number: Element {
    /// The accumulated type.
    type Wide: Copy;
    /// What added to `x` gives `x`, the negative zero included.
    const NOTHING: Self::Wide;
    /// 0.
    const ZERO: Self::Wide;
    /// 1.
    const ONE: Self::Wide;
    /// This number.
    fn wide(self) -> Self::Wide;
    /// The nearest number.
    fn narrow(x: Self::Wide) -> Self;
    /// `a + b`.
    fn plus(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    /// `a * b`.
    fn times(a: Self::Wide, b: Self::Wide) -> Self::Wide;
}
macro_rules! number {
    ($t:ty, $wide:ty, $nothing:expr, |$a:ident, $b:ident| $plus:expr, $times:expr) => {
        impl Number for $t {
            type Wide = $wide;
            const NOTHING: $wide = $nothing;
            const ZERO: $wide = 0 as $wide;
            const ONE: $wide = 1 as $wide;
            #[inline(always)]
            fn wide(self) -> $wide {
                self as $wide
            }
            #[inline(always)]
            fn narrow(x: $wide) -> $t {
                x as $t
            }
            #[inline(always)]
            fn plus($a: $wide, $b: $wide) -> $wide {
                $plus
            }
            #[inline(always)]
            fn times($a: $wide, $b: $wide) -> $wide {
                $times
            }
        }
    };
}
number! { f32, f64, -0.0, |a, b| a + b, a * b }
number! { f64, f64, -0.0, |a, b| a + b, a * b }
number! { i32, i32, 0, |a, b| a.wrapping_add(b), a.wrapping_mul(b) }
number! { i64, i64, 0, |a, b| a.wrapping_add(b), a.wrapping_mul(b) }

/// Sums.
pub struct Sum<T>(PhantomData<T>);
impl<T: Number> Step<1> for Sum<T> {
    type In = T;
    type Acc = T::Wide;
    type Out = T;
    #[inline(always)]
    fn start(exclusive: bool) -> T::Wide {
        if exclusive { T::ZERO } else { T::NOTHING }
    }
    #[inline(always)]
    fn next(acc: T::Wide, [x]: [T; 1], _: usize) -> T::Wide {
        T::plus(acc, x.wide())
    }
    #[inline(always)]
    fn out(acc: T::Wide) -> T {
        T::narrow(acc)
    }
}

/// Products.
pub struct Product<T>(PhantomData<T>);
impl<T: Number> Step<1> for Product<T> {
    type In = T;
    type Acc = T::Wide;
    type Out = T;
    #[inline(always)]
    fn start(_: bool) -> T::Wide {
        T::ONE
    }
    #[inline(always)]
    fn next(acc: T::Wide, [x]: [T; 1], _: usize) -> T::Wide {
        T::times(acc, x.wide())
    }
    #[inline(always)]
    fn out(acc: T::Wide) -> T {
        T::narrow(acc)
    }
}

/// `a * state + b`.
pub struct Recurrence<T>(PhantomData<T>);
impl<T: Number> Step<2> for Recurrence<T> {
    type In = T;
    type Acc = T::Wide;
    type Out = T;
    #[inline(always)]
    fn start(_: bool) -> T::Wide {
        T::ZERO
    }
    #[inline(always)]
    fn next(acc: T::Wide, [a, b]: [T; 2], _: usize) -> T::Wide {
        T::plus(T::times(a.wide(), acc), b.wide())
    }
    #[inline(always)]
    fn out(acc: T::Wide) -> T {
        T::narrow(acc)
    }
}

/// The largest element, or the smallest, and its place.
pub struct Extreme<T, const LEAST: bool>(PhantomData<T>);
impl<T: Order, const LEAST: bool> Step<1> for Extreme<T, LEAST> {
    type In = T;
    type Acc = (T, i64);
    type Out = (T, i64);
    #[inline(always)]
    fn start(_: bool) -> (T, i64) {
        (T::default(), -1)
    }
    #[inline(always)]
    fn next(acc: (T, i64), [x]: [T; 1], k: usize) -> (T, i64) {
        if acc.1 < 0 || x.beats::<LEAST>(acc.0) { (x, k as i64) } else { acc }
    }
    #[inline(always)]
    fn out(acc: (T, i64)) -> (T, i64) {
        acc
    }
}
