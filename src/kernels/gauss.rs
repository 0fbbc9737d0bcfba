//! Functions of the normal distribution in formulas. Their exponentials take the square of the argument in two pieces: what the
//! rounded square lacks counts as often as the exponent is large.

use super::math::{abs, exp_of_sum, exp_times, gt, horner, lt, select};
use super::real::{FUSED, Float, S};

/// x^2 as a rounded square and what it lost, which is exact; for |x| up to 2^100.
#[inline(always)]
fn square_in_two<T: Float, const M: u8>(x: S<T, M>) -> (S<T, M>, S<T, M>) {
    let p = x * x;
    if M & FUSED != 0 {
        return (p, x.fma(x, -p));
    }
    // Two halves, whose products are exact.
    let shifted = x * if T::F64 { 134217729.0 } else { 4097.0 };
    let high = shifted - (shifted - x);
    let low = x - high;
    (p, ((high * high - p) + 2.0 * high * low) + low * low)
}

/// e^(-scale x^2) for a power of two. Beyond the limit it is zero also for the smallest scale, 1/2.
#[inline(always)]
fn bell<T: Float, const M: u8>(x: S<T, M>, scale: f64) -> S<T, M> {
    let limit = if T::F64 { 40.0 } else { 16.0 };
    let a = abs(x);
    let (square, lost) = square_in_two(select(gt(a, limit), limit, a));
    exp_of_sum(-scale * square, -scale * lost)
}

/// e^(-x^2).
#[inline(always)]
pub fn gaussian<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    bell(x, 1.0)
}

/// The density of the standard normal distribution.
#[inline(always)]
pub fn normal_density<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    bell(x, 0.5) * 0.3989422804014327
}

/// A tail of the normal distribution from a >= 0 on, which is zero beyond the limit: e^(-scale a^2) / (a + k) times a polynomial of
/// (a - k) / (a + k).
///
/// What the quotient by a + k lost, the exponential makes up for: as a part of its argument.
#[inline(always)]
fn tail<T: Float, const M: u8>(a: S<T, M>, scale: f64, limit: f64, k: f64, polynomial: impl Fn(S<T, M>) -> S<T, M>) -> S<T, M> {
    let (a, k) = (select(gt(a, limit), limit, a), S::lit(k));
    let sum = a + k;
    let q = 1.0 / sum;
    // The sum less k is exact, since a small integer is a multiple of the last place of any a.
    let lost = a - (sum - k);
    let off = (-q).fma(lost, (-q).fma(sum, S::lit(1.0)));
    // t with the residual (a - k) - t (a + k).
    let t = (a - k) * q;
    let t = q.fma((-t).fma(a, (-k).fma(t + 1.0, a)), t);
    let (square, square_low) = square_in_two(a);
    exp_times(-scale * square, off - scale * square_low, polynomial(t) * q)
}

/// The standard normal distribution function.
#[inline(always)]
pub fn ndtr<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    // (a + k) e^(a^2 / 2) ndtr(-a), between k / 2 and about 0.4
    let polynomial = |t| {
        if T::F64 {
            horner!(t; 0.769193049750063, -0.6653825028900567, 0.4953056159699773, -0.31353315667129616, 0.1650203661703375,
                -0.06911863870657066, 0.02079506680083679, -0.0029933767667003333, -0.0007978694080069078, 0.0005448990333724464,
                -5.937567478392838e-05, -4.9762654908641134e-05, 1.668104112349453e-05, 3.980384883940387e-06,
                -2.76895210672063e-06, -3.3553778978212394e-07, 4.328833209179833e-07, 4.088137874925846e-08,
                -6.601056169304785e-08, -8.295465423578671e-09, 7.941530165408041e-09, 1.4321665249683603e-09,
                -3.027160111729565e-10)
        } else {
            horner!(t; 0.7552851352999871, -0.6078965837533751, 0.38713690313639276, -0.18652352877699427, 0.060403796979404914,
                -0.007524842834749634, -0.003512265595400977, 0.0015693264235498018, 0.00017873104122491308,
                -0.00013208651386667234)
        }
    };
    let (limit, k) = if T::F64 { (39.0, 5.0) } else { (14.5, 4.0) };
    let tail = tail(abs(x), 0.5, limit, k, polynomial);
    select(lt(x, 0.0), tail, 1.0 - tail)
}

/// 1 - erf(x).
#[inline(always)]
pub fn erfc<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    // (a + k) e^(a^2) erfc(a), between k and about 0.56
    let polynomial = |t| {
        if T::F64 {
            horner!(t; 1.095995661000491, -0.9765487290808821, 0.7732087022652436, -0.5408538313132243, 0.33085158787779,
                -0.17401093724034158, 0.07638151491282409, -0.026370053333255736, 0.006112055624847211, -0.0002809589328020569,
                -0.00045505252199680283, 0.000176813202606554, -3.635692989211656e-06, -1.886225680434549e-05,
                4.695425582832028e-06, 1.4272671149652146e-06, -8.472793235428562e-07, -7.972969792657143e-08,
                1.245948432348329e-07, 4.0505647600088345e-09, -1.530150872718294e-08, -8.853155088265138e-10,
                8.42158971383426e-10)
        } else {
            horner!(t; 1.0740069150924683, -0.8833944797515869, 0.5902280807495117, -0.31046605110168457, 0.11953066289424896,
                -0.02683948166668415, -0.0012308181030675769, 0.00307852984406054, -0.0004789490776602179, -0.0003226247208658606)
        }
    };
    let (limit, k) = if T::F64 { (27.6, 4.0) } else { (10.3, 3.0) };
    let tail = tail(abs(x), 1.0, limit, k, polynomial);
    select(lt(x, 0.0), 2.0 - tail, tail)
}

/// x, and what is as good as infinite for the normal distribution in place of what is larger.
#[inline(always)]
fn finite<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let x = select(gt(x, 64.0), 64.0, x);
    select(lt(x, -64.0), -64.0, x)
}

/// x times the normal distribution function, p.
#[inline(always)]
pub fn gelu_with<T: Float, const M: u8>(x: S<T, M>, p: S<T, M>) -> S<T, M> {
    select(lt(x, -64.0), -64.0, x) * p
}

/// The derivative of x times the normal distribution function, p.
#[inline(always)]
pub fn gelu_slope<T: Float, const M: u8>(x: S<T, M>, p: S<T, M>) -> S<T, M> {
    p + finite(x) * normal_density(x)
}
