//! sin(pi x) / (pi x) and its first two derivatives. Half turns are taken off exactly, so all arguments are right, and far from 0
//! as near to it.

use std::f64::consts::{FRAC_1_PI, FRAC_PI_2, PI};

use super::math::{abs, horner, lt, select};
use super::real::{Float, S};
use super::rounding::{Rounded, rint};

/// The sine and the cosine of pi x, both over pi, and, for |x| < 1/4, that sine over x.
#[inline(always)]
pub(super) fn half_turns<T: Float + Rounded, const M: u8>(x: S<T, M>) -> (S<T, M>, S<T, M>, S<T, M>) {
    let y = x - 2.0 * rint(x * 0.5);
    let (magic, n) = y.multiple(2.0, 0.0);
    let r = y - n * 0.5;
    let z = r * r;
    // sin(pi r) / (pi r) - 1 over r^2, and (cos(pi r) - 1) / pi with what the rounded 1 / pi lacks.
    let (s, c) = if T::F64 {
        (
            horner!(z; -1.6449340668482264, 0.8117424252833526, -0.19075182412194286, 0.02614784780839523, -0.002346080711051063,
                0.0001484225455163299, -6.913476316674676e-06),
            horner!(z; -1.9678676675182486e-17, -FRAC_PI_2, 1.291928195012487, -0.4250273399787933, 0.07490806611503419,
                -0.008214586907017147, 0.0006141687947518662, -3.296986538280735e-05),
        )
    } else {
        (
            horner!(z; -1.644934058189392, 0.8117420673370361, -0.19073322415351868, 0.025792784988880157),
            horner!(z; 1.2841276486597053e-08, -1.5707963705062866, 1.2919268608093262, -0.4249623119831085, 0.07366631180047989),
        )
    };
    let s = s * z;
    let sine = r.fma(s, r);
    let cosine = c + FRAC_1_PI;
    let odd = T::odd(magic.0);
    let sine_of_x = S(select(odd, cosine, sine).0.flipped_if_second_bit(magic.0, 0));
    let cosine_of_x = S(select(odd, sine, cosine).0.flipped_if_second_bit(magic.0, 1));
    (sine_of_x, cosine_of_x, 1.0 + s)
}

/// sinc of x, given what [`half_turns`] says of the sine.
#[inline(always)]
fn quotient<T: Float, const M: u8>(x: S<T, M>, sine: S<T, M>, near: S<T, M>) -> S<T, M> {
    select(lt(abs(x), 0.25), near, sine / x)
}

/// sin(pi x) / (pi x), and 1 at 0.
#[inline(always)]
pub fn sinc<T: Float + Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (sine, _, near) = half_turns(x);
    quotient(x, sine, near)
}

/// The derivative of [`sinc`].
#[inline(always)]
pub fn sinc_slope<T: Float + Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (sine, cosine, near) = half_turns(x);
    let far = (PI * cosine - quotient(x, sine, near)) / x;
    let z = x * x;
    // The slope over x for |x| <= 1/2.
    let p = if T::F64 {
        horner!(z; -3.289868133696453, 3.2469697011334144, -1.144510944732498, 0.20918278254094422, -0.023460810348588833,
            0.0017811454481624239, -9.766177241379938e-05, 4.048144703452406e-06, -1.2765031277671002e-07)
    } else {
        horner!(z; -3.289868116378784, 3.246968984603882, -1.1444889307022095, 0.208939790725708, -0.022359108552336693)
    };
    select(lt(abs(x), 0.5), x * p, far)
}

/// The second derivative of [`sinc`].
#[inline(always)]
pub fn sinc_curve<T: Float + Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (sine, cosine, near) = half_turns(x);
    let sinc = quotient(x, sine, near);
    // By the equation x y'' + 2 y' + pi^2 x y = 0.
    let far = -(PI * PI) * sinc - 2.0 * ((PI * cosine - sinc) / x / x);
    let z = x * x;
    // For |x| <= 3/4.
    let p = if T::F64 {
        horner!(z; -3.289868133696453, 9.740909103400243, -5.722554723662526, 1.464279477788648, -0.21114729319072795,
            0.01959260067764118, -0.001269608993677839, 6.074917528605388e-05, -2.235151056015927e-06, 6.510763056700421e-08,
            -1.4554898523025382e-09)
    } else {
        horner!(z; -3.289868116378784, 9.7409086227417, -5.7225542068481445, 1.4642729759216309, -0.21111413836479187,
            0.019505469128489494, -0.0011552090290933847)
    };
    select(lt(abs(x), 0.75), p, far)
}
