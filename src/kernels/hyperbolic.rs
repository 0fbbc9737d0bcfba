//! Hyperbolic functions of formulas and their inverses. The hyperbolic tangent stands with the exponentials (`super::math`).

use super::math::{abs, copysign, eq, exp_in_parts, ge, gt, horner, log_of_normal, log1p, lt, select, sqrt};
use super::real::{Float, S};

/// e^a / 2 for a >= 0: infinite only where that is.
#[inline(always)]
fn half_exp<T: Float, const M: u8>(a: S<T, M>) -> S<T, M> {
    let most = if T::F64 { 1000.0 } else { 150.0 };
    let (q, half, rest) = exp_in_parts(select(gt(a, most), most, a), S(T::NOTHING));
    q.fma(S::lit(0.5), S::lit(0.5)) * half * rest
}

/// The hyperbolic sine.
#[inline(always)]
pub fn sinh<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    let e = half_exp(a);
    // (sinh x - x) / x^3 for |x| <= 1
    let z = x * x;
    let p = if T::F64 {
        horner!(z; 0.16666666666666669, 0.008333333333332912, 0.0001984126984159341, 2.7557319106756084e-06, 2.5052130999020367e-08,
            1.605665911615089e-10, 7.776603122961889e-13)
    } else {
        horner!(z; 0.1666671633720398, 0.008330270648002625, 0.00020373385632410645)
    };
    select(lt(a, 1.0), p.fma(z * x, x), copysign(e - 0.25 / e, x))
}

/// The hyperbolic cosine.
#[inline(always)]
pub fn cosh<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let e = half_exp(abs(x));
    e + 0.25 / e
}

/// ln(1 + high + low), where low is far smaller than high.
#[inline(always)]
fn log1p_of_sum<T: Float, const M: u8>(high: S<T, M>, low: S<T, M>) -> S<T, M> {
    let w = 1.0 + high;
    // What the sum lost, exactly.
    let lost = select(ge(high, 1.0), 1.0 - (w - high), high - (w - 1.0));
    select(eq(w, 1.0), high, log_of_normal(w, S::lit(0.0), (lost + low) / w))
}

/// From here on x + sqrt(x^2 + 1) and x + sqrt(x^2 - 1) are 2x, as far as their logarithms tell.
#[inline(always)]
fn large<T: Float>() -> f64 {
    if T::F64 { 268435456.0 } else { 8192.0 }
}

/// ln(2a) of a large a.
#[inline(always)]
fn log_of_double<T: Float, const M: u8>(a: S<T, M>) -> S<T, M> {
    select(lt(a, f64::INFINITY), log_of_normal(a, S::lit(1.0), S::lit(0.0)), a)
}

/// The inverse hyperbolic sine.
#[inline(always)]
pub fn arcsinh<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    // a + sqrt(a^2 + 1) is 1 + a + (sqrt(a^2 + 1) - 1).
    let square = a * a;
    let rest = square / (1.0 + sqrt(1.0 + square));
    let sum = a + rest;
    copysign(select(gt(a, large::<T>()), log_of_double(a), log1p_of_sum(sum, rest - (sum - a))), x)
}

/// 1 / sqrt(x^2 + 1), also where the square overflows.
#[inline(always)]
pub fn arcsinh_slope<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    1.0 / select(gt(a, large::<T>()), a, sqrt(1.0 + a * a))
}

/// The inverse hyperbolic cosine, which is not negative; NaN below 1.
#[inline(always)]
pub fn arccosh<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    // x + sqrt(x^2 - 1) is 1 + above + root.
    let above = x - 1.0;
    let root = sqrt(above * (x + 1.0));
    let sum = above + root;
    let y = select(gt(x, large::<T>()), log_of_double(x), log1p_of_sum(sum, above - (sum - root)));
    select(lt(x, 1.0), f64::NAN, y)
}

/// 1 / sqrt(x^2 - 1); NaN below 1.
#[inline(always)]
pub fn arccosh_slope<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0))
}

/// The inverse hyperbolic tangent; NaN beyond -1 and 1.
#[inline(always)]
pub fn arctanh<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    copysign(0.5 * log1p(2.0 * a / (1.0 - a)), x)
}

/// 1 / (1 - x^2), without loss near -1 and 1; NaN beyond.
#[inline(always)]
pub fn arctanh_slope<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    select(gt(a, 1.0), f64::NAN, 1.0 / ((1.0 - a) * (1.0 + a)))
}
