//! The power of formulas: a logarithm in two pieces, since an exponential multiplies its error by up to its exponent.

use super::math::{abs, eq, exp_in_parts, exp_of_sum, ge, gt, horner, lt, ne, select, signbit};
use super::real::{FUSED, Float, S};

/// ab as a rounded product and what it lost, which is exact. Fused modes only.
#[inline(always)]
fn product<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> (S<T, M>, S<T, M>) {
    let p = a * b;
    (p, a.fma(b, -p))
}

/// ln x of a positive number as a sum of two, good to about 1.2 times the digits.
#[inline(always)]
fn log_in_two<T: Float, const M: u8>(x: S<T, M>) -> (S<T, M>, S<T, M>) {
    // Denormal numbers are scaled into the normal ones.
    let least = if T::F64 { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
    let denormal = lt(x, least);
    let (m, e) = select(denormal, x * 18014398509481984.0, x).0.split();
    let (m, e) = (S::<T, M>(m), S::<T, M>(e) + select(denormal, S::lit(-54.0), 0.0));
    // s = (m - 1) / (m + 1) in two pieces
    let f = m - 1.0;
    let t = m + 1.0;
    let one = t - m;
    let t_low = (1.0 - one) + (m - (t - one));
    let q = 1.0 / t;
    let s = f * q;
    let s_low = ((-s).fma(t, f) - s * t_low) * q;
    // ln m = 2 artanh s = 2s + s z r, with z = s^2 and r = 2/3 + (2/5) z + ...
    let (z, lost) = product(s, s);
    let z_low = (2.0 * s).fma(s_low, lost);
    let p = if T::F64 {
        horner!(z; 0.4000000000000227, 0.2857142857009203, 0.22222222521330975, 0.18181784238940318, 0.15386763449830662,
            0.13256670609084875, 0.13197734924415952)
    } else {
        horner!(z; 0.4000015261417959, 0.2854708693280257, 0.23419746094675442)
    } * z;
    let (third, third_low) =
        if T::F64 { (0.6666666666666666, 3.700743415417188e-17) } else { (0.6666666865348816, -1.9868214925130207e-08) };
    let r = third + p;
    let r_low = (p - (r - third)) + third_low;
    let (w, lost) = product(z, r);
    let w_low = z.fma(r_low, z_low.fma(r, lost));
    let (v, lost) = product(s, w);
    let v_low = s.fma(w_low, s_low.fma(w, lost));
    let h = 2.0 * s + v;
    let h_low = (v - (h - 2.0 * s)) + (2.0 * s_low + v_low);
    let (high, low) = if T::F64 { (0.6931471805598903, 5.497923018708371e-14) } else { (0.693145751953125, 1.428606765330187e-06) };
    let whole = e * high;
    let l = whole + h;
    (l, (h - (l - whole)) + e.fma(S::lit(low), h_low))
}

/// As [`log_in_two`], with the values at zero, infinity and NaN put right.
#[inline(always)]
fn log_of_any<T: Float, const M: u8>(x: S<T, M>) -> (S<T, M>, S<T, M>) {
    let (l, l_low) = log_in_two(x);
    let l = select(eq(x, 0.0), f64::NEG_INFINITY, l);
    // Also NaN: what the logarithm made of it is a number.
    (select(lt(x, f64::INFINITY), l, x), l_low)
}

/// Whether a number is an integer, as infinities are, and whether it is an odd one.
#[inline(always)]
fn parity<T: Float, const M: u8>(b: S<T, M>) -> (bool, bool) {
    let c = abs(b);
    // From 2^(bits of the fraction) on every number is an integer, and from twice that on an even one.
    let unit = if T::F64 { 4503599627370496.0 } else { 8388608.0 };
    let shifted = select(lt(c, unit), c + unit, c);
    let integral = ge(c, unit) | eq(shifted - unit, c);
    (integral, integral & T::odd(shifted.0) & lt(c, 2.0 * unit))
}

/// a^b, with the special values of the C standard: a^0 = 1^b = 1 also for NaN; negative a for integral b only.
///
/// Without fused multiply-add it is the standard library's, value by value.
#[inline(always)]
pub fn pow<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    if M & FUSED == 0 {
        return S(a.0.std_pow(b.0));
    }
    let (x, c) = (abs(a), abs(b));
    let (l, l_low) = log_of_any(x);
    let (y, lost) = product(b, l);
    let y_low = select(lt(abs(y), 2000.0), b.fma(l_low, lost), 0.0);
    let magnitude = exp_of_sum(y, y_low);
    let (integral, odd) = parity(b);
    let signed = select(signbit(a) & odd, -magnitude, magnitude);
    // A finite negative number has no such power.
    let y = select(lt(a, 0.0) & gt(x, 0.0) & lt(x, f64::INFINITY) & !integral, f64::NAN, signed);
    let y = select(ne(b, b), b, y);
    select(eq(b, 0.0) | eq(a, 1.0) | (eq(a, -1.0) & eq(c, f64::INFINITY)), 1.0, y)
}

/// b a^(b - 1), the derivative of a power by its base, and 0 for b = 0: with an exponent that is not rounded, and finite also where the
/// power alone is not.
#[inline(always)]
pub fn pow_slope<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    let (x, c) = (abs(a), abs(b));
    let s = b - 1.0;
    let none = eq(b, 0.0) | eq(s, 0.0) | eq(a, 1.0) | (eq(a, -1.0) & eq(c, f64::INFINITY));
    if M & FUSED == 0 {
        let (y, least) = (S::<T, M>(a.0.std_pow(b.0)), if T::F64 { 1e-290 } else { 1e-30 });
        // Where the power itself has all its digits it needs no other exponent; elsewhere it tells the sign.
        let whole = gt(abs(y), least) & lt(abs(y), 1.0 / least);
        let other = b * S(x.0.std_pow(s.0));
        let other = select(signbit(a) & parity(b).0 & !signbit(y), -other, other);
        let other = select(eq(a, 0.0), b * S(a.0.std_pow(s.0)), select(ne(y, y), y, other));
        return select(none, b, select(whole, b * y / a, other));
    }
    let (l, l_low) = log_of_any(x);
    // What the difference b - 1 lost.
    let back = s - b;
    let s_low = (b - (s - back)) - (1.0 + back);
    let (y, lost) = product(s, l);
    let y_low = select(lt(abs(y), 2000.0), s.fma(l_low, s_low.fma(l, lost)), 0.0);
    let most = if T::F64 { 1400.0 } else { 170.0 };
    let near = select(gt(y, most), most, y);
    let (q, half, rest) = exp_in_parts(select(lt(near, -most), -most, near), y_low);
    let magnitude = (1.0 + q) * (b * half) * rest;
    let magnitude = select(gt(y, most), b * f64::INFINITY, magnitude);
    let magnitude = select(lt(y, -most), b * 0.0, magnitude);
    let (integral, odd) = parity(b);
    // The exponent b - 1 is odd where b is even.
    let signed = select(signbit(a) & integral & !odd & lt(c, f64::INFINITY), -magnitude, magnitude);
    let y = select(lt(a, 0.0) & lt(x, f64::INFINITY) & !integral, f64::NAN, signed);
    select(none, b, select(ne(b, b), b, y))
}
