//! Inverse trigonometric functions of formulas, and the derivatives that they are not made of without loss.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::math::{abs, copysign, eq, gt, horner, lt, max, min, select, signbit, sqrt};
use super::real::{Float, S};

/// What pi / 4 lacks as a literal of the dtype; twice and four times it are those of pi / 2 and pi.
#[inline(always)]
fn quarter_low<T: Float, const M: u8>() -> S<T, M> {
    S::lit(if T::F64 { 3.061616997868383e-17 } else { -2.1855695000931204e-8 })
}

/// The arc sine of s, up to 1/2, where z is s^2.
#[inline(always)]
fn arcsin_of_small<T: Float, const M: u8>(s: S<T, M>, z: S<T, M>) -> S<T, M> {
    // (asin s - s) / s^3
    let p = if T::F64 {
        horner!(z; 0.16666666666665408, 0.07500000000337158, 0.0446428568282051, 0.03038195914223804, 0.02237175791909362,
            0.017359706818656506, 0.013885214466134851, 0.012169353787368848, 0.0065273432780539, 0.019530039064240678,
            -0.016227102113853673, 0.031914265734986826)
    } else {
        horner!(z; 0.16666752099990845, 0.074953094124794, 0.04546916484832764, 0.024184605106711388, 0.0421588234603405)
    };
    p.fma(z * s, s)
}

/// Whether |x| is above 1/2, and |x| up to there; above, half of the arc cosine: asin(sqrt((1 - |x|) / 2)).
#[inline(always)]
fn arcsin_in_parts<T: Float, const M: u8>(x: S<T, M>) -> (bool, S<T, M>) {
    let a = abs(x);
    let far = gt(a, 0.5);
    let z = select(far, (1.0 - a) * 0.5, a * a);
    (far, arcsin_of_small(select(far, sqrt(z), a), z))
}

/// The arc sine; NaN beyond -1 and 1.
#[inline(always)]
pub fn arcsin<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (far, p) = arcsin_in_parts(x);
    copysign(select(far, FRAC_PI_2 - (2.0 * p - 2.0 * quarter_low()), p), x)
}

/// The arc cosine; NaN beyond -1 and 1.
#[inline(always)]
pub fn arccos<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (far, p) = arcsin_in_parts(x);
    let beyond = select(lt(x, 0.0), PI - (2.0 * p - 4.0 * quarter_low()), 2.0 * p);
    select(far, beyond, FRAC_PI_2 - (copysign(p, x) - 2.0 * quarter_low()))
}

/// 1 / sqrt(1 - x^2), without loss near -1 and 1.
#[inline(always)]
pub fn arcsin_slope<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    1.0 / sqrt((1.0 - x) * (1.0 + x))
}

/// The arc tangent of t, up to tan(pi / 8).
#[inline(always)]
fn arctan_of_small<T: Float, const M: u8>(t: S<T, M>) -> S<T, M> {
    let z = t * t;
    // (atan t - t) / t^3
    let p = if T::F64 {
        horner!(z; -0.333333333333332, 0.19999999999953685, -0.14285714280201725, 0.11111110783628861, -0.09090897761836073,
            0.07692060289245942, -0.06663104978444144, 0.05847896858996585, -0.05039342532000494, 0.038065618254140204,
            -0.017908470468198896)
    } else {
        horner!(z; -0.33333316445350647, 0.1999852955341339, -0.14244428277015686, 0.10599467158317566, -0.060908243060112)
    };
    p.fma(z * t, t)
}

/// tan(pi / 8).
const EIGHTH: f64 = 0.41421356237309503;

/// The arc tangent.
#[inline(always)]
pub fn arctan<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    // As pi / 4 + atan((a - 1) / (a + 1)), and further out as pi / 2 - atan(1 / a).
    let (some, far) = (gt(a, EIGHTH), gt(a, 1.0 / EIGHTH));
    let t = select(far, -1.0, select(some, a - 1.0, a)) / select(far, a, select(some, a + 1.0, 1.0));
    let quarters = select(far, S::lit(2.0), select(some, S::lit(1.0), 0.0));
    copysign(quarters * FRAC_PI_4 + (arctan_of_small(t) + quarters * quarter_low()), x)
}

/// 1 / (1 + x^2), also where the square overflows.
#[inline(always)]
pub fn arctan_slope<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    let far = gt(a, if T::F64 { 1073741824.0 } else { 32768.0 });
    let y = 1.0 / select(far, a, 1.0 + a * a);
    select(far, y * y, y)
}

/// The angle of the point (x, y) from the axis of x: between -pi and pi.
#[inline(always)]
pub fn arctan2<T: Float, const M: u8>(y: S<T, M>, x: S<T, M>) -> S<T, M> {
    let (a, b) = (abs(y), abs(x));
    let (least, most) = (min(a, b), max(a, b));
    // The sum may not overflow, nor may the fraction of a denormal number decide.
    let (low, high) =
        if T::F64 { (1.1830521861667747e-271, 1.0715086071862673e301) } else { (8.271806125530277e-25, 1.329227995784916e36) };
    let scale = select(gt(most, high), S::lit(0.0625), select(lt(most, low), S::lit(18446744073709551616.0), 1.0));
    // Two infinities are equal, and beside a zero the other is as good as 1.
    let even = eq(least, f64::INFINITY);
    let least = select(even, 1.0, least * scale);
    let most = select(even | eq(most, 0.0), 1.0, most * scale);
    let some = gt(least, EIGHTH * most);
    let t = select(some, least - most, least) / select(some, least + most, most);
    let p = arctan_of_small(t);
    let quarters = select(some, S::lit(1.0), 0.0);
    let steep = gt(a, b);
    let (quarters, p) = (select(steep, 2.0 - quarters, quarters), select(steep, -p, p));
    let back = signbit(x);
    let (quarters, p) = (select(back, 4.0 - quarters, quarters), select(back, -p, p));
    copysign(quarters * FRAC_PI_4 + (p + quarters * quarter_low()), y)
}

/// a / (a^2 + b^2), also where the squares overflow or underflow; 0 at (0, 0).
#[inline(always)]
pub fn angle_slope<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    let (p, q) = (abs(a), abs(b));
    let (least, most) = (min(p, q), max(p, q));
    let high = if T::F64 { 1.0715086071862673e301 } else { 1.329227995784916e36 };
    // Neither a quotient nor what it is divided by leaves the normal numbers unless the result does.
    let scale = select(lt(most, 1.0), S::lit(1152921504606846976.0), select(gt(most, high), S::lit(0.0625), 1.0));
    let r = least / most;
    let y = a * scale / most / ((most * scale) * (1.0 + r * r));
    select(eq(most, 0.0) | eq(most, f64::INFINITY), 0.0, y)
}
