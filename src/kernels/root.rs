//! Cube roots, and the length of a vector of two.

use super::math::{abs, copysign, eq, gt, horner, lt, select, sqrt};
use super::real::{Float, S};

/// The cube root, also of negative numbers.
#[inline(always)]
pub fn cbrt<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let magnitude = abs(x);
    // Denormal numbers are scaled into the normal ones.
    let least = if T::F64 { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
    let denormal = lt(magnitude, least);
    let (m, e) = select(denormal, magnitude * 18014398509481984.0, magnitude).0.split();
    let (m, e) = (S::<T, M>(m), S::<T, M>(e) + select(denormal, S::lit(-54.0), 0.0));
    // x = m 2^rest 8^n, and the cube root of m to 19 bits, or 13.
    let (biased, n) = e.multiple(1.0 / 3.0, 2.0 * T::BIAS);
    let rest = e - 3.0 * n;
    let y = if T::F64 {
        horner!(m; 0.421689729498658, 1.0560152871800885, -0.8360701474455366, 0.5109662041690931, -0.17955701023483503,
            0.026954949989796726)
    } else {
        horner!(m; 0.49251015596416914, 0.7397161256977773, -0.29037739940212665, 0.05822036175430476)
    };
    let a = m * select(lt(rest, 0.0), S::lit(0.5), select(gt(rest, 0.0), S::lit(2.0), 1.0));
    let y = y * select(lt(rest, 0.0), S::lit(0.7937005259840998), select(gt(rest, 0.0), S::lit(1.2599210498948732), 1.0));
    // A step of Halley's, which triples the digits.
    let square = y * y;
    let off = y.fma(square, -a);
    let y = y - y * off / (2.0 * y).fma(square, a);
    let root = copysign(y * S(T::power(biased.0)), x);
    // Zeros, infinities and NaN.
    select(gt(magnitude, 0.0) & lt(magnitude, f64::INFINITY), root, x)
}

/// Of the larger magnitude of two: above the first number squares overflow, below the second they lose bits.
const fn bounds<T: Float>() -> (f64, f64) {
    // 2^500 and 2^-450; 2^60 and 2^-50
    if T::F64 { (3.273390607896142e150, 3.4395525670743494e-136) } else { (1.152921504606847e18, 8.881784197001252e-16) }
}

/// The larger magnitude, and the square root of the sum of both squares times a power of two, with that power and its inverse.
#[inline(always)]
fn scaled_length<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> (S<T, M>, S<T, M>, S<T, M>, S<T, M>) {
    let (x, y) = (abs(a), abs(b));
    let top = select(gt(x, y), x, y);
    let (large, small) = bounds::<T>();
    // 2^600, or 2^100 and for large numbers 2^70.
    let (up, down) = if T::F64 {
        ([4.149515568880993e180, 2.409919865102884e-181], [2.409919865102884e-181, 4.149515568880993e180])
    } else {
        ([1.2676506002282294e30, 7.888609052210118e-31], [8.470329472543003e-22, 1.1805916207174113e21])
    };
    let pick = |k: usize| select(gt(top, large), S::lit(down[k]), select(lt(top, small), S::lit(up[k]), 1.0));
    let (scale, back) = (pick(0), pick(1));
    let (p, q) = (x * scale, y * scale);
    (top, sqrt(p * p + q * q), scale, back)
}

/// The square root of a^2 + b^2, which overflows only if it must; infinite if one of them is, also beside NaN.
#[inline(always)]
pub fn hypot<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    let (_, length, _, back) = scaled_length(a, b);
    select(eq(abs(a), f64::INFINITY) | eq(abs(b), f64::INFINITY), f64::INFINITY, length * back)
}

/// a over that, also where that is no float: the derivative of [`hypot`] by a, and 0 where both are 0.
#[inline(always)]
pub fn hypot_slope<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    let (top, length, scale, back) = scaled_length(a, b);
    let (large, small) = bounds::<T>();
    // Large numbers are halved, small ones scaled as they are for the length.
    let (huge, tiny) = (gt(top, large), lt(top, small));
    let over = a * select(huge, S::lit(0.5), select(tiny, scale, 1.0));
    let under = length * select(huge, back * 0.5, S::lit(1.0));
    let slope = select(eq(top, 0.0), S::lit(0.0), over / under);
    select(eq(abs(a), f64::INFINITY) & lt(abs(b), f64::INFINITY), copysign(S::lit(1.0), a), slope)
}
