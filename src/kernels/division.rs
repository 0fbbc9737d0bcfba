//! Division with a remainder: quotients rounded to integers, and what they leave, which is exact.
//!
//! The vector code takes quotients that a float can count, and integers that a float holds. Kernels compute the others one by one:
//! floating numbers with the standard library's remainder, as the plain mode computes all of them.

use super::exact::{Argument, Both, Limit, repaired};
use super::isa::Isa;
use super::math::{abs, copysign, eq, gt, lt, ne, select, signbit};
use super::real::{Arithmetic, EXACT, FUSED, Float, S};
use super::rounding::{Rounded, floor, trunc};
use super::tile::Forms;

/// A number that is divided with a remainder.
pub trait Divided: Arithmetic {
    /// The quotient rounded down.
    fn quotient<const M: u8>(self, b: Self) -> Self;
    /// What the quotient that is rounded down leaves: it has the sign of the divisor.
    fn rest<const M: u8>(self, b: Self) -> Self;
    /// What the quotient without its fraction leaves: it has the sign of the dividend.
    fn truncated_rest<const M: u8>(self, b: Self) -> Self;
}

/// The quotient without its fraction, and what it leaves, of numbers that are not beyond [`Countable`].
#[inline(always)]
fn truncated<T: Float + Rounded, const M: u8>(a: S<T, M>, b: S<T, M>) -> (S<T, M>, S<T, M>) {
    let n = trunc(a / b);
    // Exact, also where the division has rounded up to an integer: then it is negative for a positive dividend.
    let r = (-n).fma(b, a);
    let past = lt(select(signbit(a), -r, r), 0.0);
    let n = select(past, n - copysign(S::lit(1.0), n), n);
    let r = select(past, r + copysign(b, a), r);
    let r = select(eq(abs(b), f64::INFINITY) & lt(abs(a), f64::INFINITY), a, r);
    (n, copysign(r, a))
}

/// The remainder with the sign of the dividend.
#[inline(always)]
fn dividend_signed<T: Float + Rounded, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    if M & FUSED == 0 || M & EXACT != 0 { S(a.0.std_remainder(b.0)) } else { truncated(a, b).1 }
}

/// True if a remainder that is not zero must change its sign.
#[inline(always)]
fn crosses<T: Float, const M: u8>(r: S<T, M>, b: S<T, M>) -> bool {
    ne(r, 0.0) & (signbit(r) != signbit(b))
}

macro_rules! float {
    ($($t:ident)+) => {$(
        impl Divided for $t {
            #[inline(always)]
            fn quotient<const M: u8>(self, b: $t) -> $t {
                let (a, b) = (S::<$t, M>(self), S::<$t, M>(b));
                let n = if M & FUSED == 0 || M & EXACT != 0 {
                    let r = S(a.0.std_remainder(b.0));
                    let n = (a - r) / b;
                    let n = select(crosses(r, b), n - 1.0, n);
                    // Nearly an integer already.
                    let below = floor(n);
                    let n = select(gt(n - below, 0.5), below + 1.0, below);
                    select(eq(n, 0.0), copysign(S::lit(0.0), a / b), n)
                } else {
                    let (n, r) = truncated(a, b);
                    select(crosses(r, b), n - 1.0, n)
                };
                let n = select(lt(abs(a), f64::INFINITY), n, f64::NAN);
                select(eq(b, 0.0), a / b, n).0
            }
            #[inline(always)]
            fn rest<const M: u8>(self, b: $t) -> $t {
                let (a, b) = (S::<$t, M>(self), S::<$t, M>(b));
                let r = dividend_signed(a, b);
                select(crosses(r, b), r + b, select(eq(r, 0.0), copysign(r, b), r)).0
            }
            #[inline(always)]
            fn truncated_rest<const M: u8>(self, b: $t) -> $t {
                dividend_signed(S::<$t, M>(self), S::<$t, M>(b)).0
            }
        }
    )+};
}
float! { f32 f64 }

/// The quotient of integers without its fraction, which wraps around; 0 over 0. As `f64` it is vector code, and exact: a quotient
/// that is no integer is off every integer by far more than its rounding.
trait Truncated: Sized {
    fn over<const M: u8>(self, b: Self) -> Self;
}

impl Truncated for i32 {
    #[inline(always)]
    fn over<const M: u8>(self, b: i32) -> i32 {
        let q = (f64::from(self) / f64::from(if b == 0 { 1 } else { b })).whole::<M>();
        // The sum has the integer in its lowest bits.
        let n = (q + <f64 as Float>::MAGIC).to_bits() as i32;
        if b == 0 { 0 } else { n }
    }
}

/// An integer below 2^51 as `f64`, by bits: there is no instruction for it before AVX-512.
#[inline(always)]
fn widened(x: i64) -> f64 {
    let magic = <f64 as Float>::MAGIC;
    f64::from_bits(magic.to_bits().wrapping_add(x as u64)) - magic
}

impl Truncated for i64 {
    #[inline(always)]
    fn over<const M: u8>(self, b: i64) -> i64 {
        let divisor = if b == 0 { 1 } else { b };
        let q = if M & EXACT != 0 {
            self.wrapping_div(divisor)
        } else {
            let (q, magic) = ((widened(self) / widened(divisor)).whole::<M>(), <f64 as Float>::MAGIC);
            (q + magic).to_bits().wrapping_sub(magic.to_bits()) as i64
        };
        if b == 0 { 0 } else { q }
    }
}

macro_rules! integer {
    ($($t:ident)+) => {$(
        impl Divided for $t {
            #[inline(always)]
            fn quotient<const M: u8>(self, b: $t) -> $t {
                let n = self.over::<M>(b);
                let r = self.wrapping_sub(n.wrapping_mul(b));
                if (b != 0) & (r != 0) & ((r ^ b) < 0) { n.wrapping_sub(1) } else { n }
            }
            #[inline(always)]
            fn rest<const M: u8>(self, b: $t) -> $t {
                let r = self.truncated_rest::<M>(b);
                if (r != 0) & ((r ^ b) < 0) { r.wrapping_add(b) } else { r }
            }
            #[inline(always)]
            fn truncated_rest<const M: u8>(self, b: $t) -> $t {
                let r = self.wrapping_sub(self.over::<M>(b).wrapping_mul(b));
                if b == 0 { 0 } else { r }
            }
        }
    )+};
}
integer! { i32 i64 }

/// a / b rounded down; of integers 0 where b is 0.
#[inline(always)]
pub fn floor_divide<T: Divided, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    S(a.0.quotient::<M>(b.0))
}

/// What a less b times that quotient is: the remainder with the sign of b.
#[inline(always)]
pub fn remainder<T: Divided, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    S(a.0.rest::<M>(b.0))
}

/// The remainder with the sign of a.
#[inline(always)]
pub fn fmod<T: Divided, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    S(a.0.truncated_rest::<M>(b.0))
}

/// The limit of the vector code: up to it a quotient without its fraction is exact.
pub struct Countable;

macro_rules! countable {
    ($t:ident, |$a:ident, $b:ident| $beyond:expr) => {
        impl Limit<$t, $t> for Countable {
            #[inline(always)]
            fn exceeded($a: $t, $b: $t) -> bool {
                $beyond
            }
        }
    };
}
countable!(f32, |a, b| (a.abs() >= b.abs() * 16777216.0) & (a.abs() < f32::INFINITY) & (b != 0.0));
countable!(f64, |a, b| (a.abs() >= b.abs() * 9007199254740992.0) & (a.abs() < f64::INFINITY) & (b != 0.0));
countable!(i32, |_a, _b| false);
// Beyond 2^51 the lowest bits of a sum do not hold an integer.
countable!(i64, |a, b| ((a.wrapping_add(1 << 51) as u64) >> 52 != 0) | ((b.wrapping_add(1 << 51) as u64) >> 52 != 0));

/// The form of a division: full operands, and a repair of the elements beyond the limit.
pub fn binary<F: Both<A, B, D>, A: Argument, B: Argument, D>(isa: Isa) -> Forms
where
    Countable: Limit<A, B>,
{
    repaired::<F, Countable, A, B, D>(isa)
}
