//! The power of formulas: a logarithm in two pieces, since an exponential multiplies its error by up to its exponent.

use super::math::{abs, eq, exp_of_sum, ge, gt, horner, lt, ne, select, signbit};
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

/// a^b, with the special values of the C standard: a^0 = 1^b = 1 also for NaN; negative a for integral b only.
///
/// Without fused multiply-add it is the standard library's, value by value.
#[inline(always)]
pub fn pow<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    if M & FUSED == 0 {
        return S(a.0.std_pow(b.0));
    }
    let (x, c) = (abs(a), abs(b));
    let (l, l_low) = log_in_two(x);
    let l = select(eq(x, 0.0), f64::NEG_INFINITY, l);
    // Also NaN: what the logarithm made of it is a number.
    let l = select(lt(x, f64::INFINITY), l, x);
    let (y, lost) = product(b, l);
    let y_low = select(lt(abs(y), 2000.0), b.fma(l_low, lost), 0.0);
    let magnitude = exp_of_sum(y, y_low);
    // From 2^(bits of the fraction) on every number is an integer, and from twice that on an even one.
    let unit = if T::F64 { 4503599627370496.0 } else { 8388608.0 };
    let shifted = select(lt(c, unit), c + unit, c);
    let integral = ge(c, unit) | eq(shifted - unit, c);
    let odd = integral & T::odd(shifted.0) & lt(c, 2.0 * unit);
    let signed = select(signbit(a) & odd, -magnitude, magnitude);
    // A finite negative number has no such power.
    let y = select(lt(a, 0.0) & gt(x, 0.0) & lt(x, f64::INFINITY) & !integral, f64::NAN, signed);
    let y = select(ne(b, b), b, y);
    select(eq(b, 0.0) | eq(a, 1.0) | (eq(a, -1.0) & eq(c, f64::INFINITY)), 1.0, y)
}
