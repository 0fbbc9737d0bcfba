//! Sine, cosine and tangent: the functions of formulas that need a scalar pass (`super::exact`).

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use super::math::{horner, select};
use super::real::{EXACT, FUSED, Float, S};

/// (sine, cosine) of the remainder of x by pi/2, and the multiple plus MAGIC.
#[inline(always)]
fn quadrant<T: Float, const M: u8>(x: S<T, M>) -> (S<T, M>, S<T, M>, S<T, M>) {
    let (magic, n) = x.multiple(FRAC_2_PI, 0.0);
    let k = -n;
    // pi/2 in pieces. Fused, the first difference is exact; else the pieces are so short that their products with n are.
    // All are positive: that keeps a zero's sign.
    let take = |r: S<T, M>, piece: f64| k.fma(S::lit(piece), r);
    // The smallest pieces together with what the first of them rounds off.
    let take_last = |r: S<T, M>, pieces: [f64; 3]| {
        let b = k * pieces[0];
        let sum = r + b;
        let back = sum - r;
        let lost = (r - (sum - back)) + (b - back);
        sum - ((n * pieces[1] + n * pieces[2]) - lost)
    };
    let r = match (T::F64, M & FUSED != 0) {
        (true, true) => take(take(take(x, FRAC_PI_2), 6.123233995736765e-17), 1.082856673921914e-32),
        (false, true) => take(take(take(x, 1.570796251296997), 7.549789415861596e-08), 5.390302953474238e-15),
        (true, false) => {
            let r = take(take(x, 1.570796325802803), 9.920935739593517e-10);
            take_last(r, [5.721188709663575e-18, 1.6446256892965207e-26, 4.3359050650618903e-35])
        }
        (false, false) => {
            let r = take(take(x, 1.5703125), 0.00048351287841796875);
            take_last(r, [3.1385570764541626e-07, 6.070877134334296e-11, 6.223371969669989e-14])
        }
    };
    let z = r * r;
    // (sin r - r) / r^3 and (cos r - 1 + r^2/2) / r^4
    let (s, c) = if T::F64 {
        (
            horner!(z; -0.1666666666666663, 0.008333333333322063, -0.000198412698295424, 2.755731360443524e-06,
                -2.5050745022444135e-08, 1.589606660022589e-10),
            horner!(z; 0.041666666666666595, -0.0013888888888872975, 2.480158728879999e-05, -2.755731416395997e-07,
                2.0875698705622447e-09, -1.1358423343348506e-11),
        )
    } else {
        (
            horner!(z; -0.16666654573309664, 0.008332158410720237, -0.00019514957298105189),
            horner!(z; 0.04166664562392873, -0.0013887313334011344, 2.4432814795600997e-05),
        )
    };
    let sine = r * s.fma(z, S::lit(1.0));
    let cosine = c.fma(z, S::lit(-0.5)).fma(z, S::lit(1.0));
    (sine, cosine, magic)
}

/// The sine, for |x| up to [`sine_limit`]; kernels repair larger ones in the exact mode.
#[inline(always)]
pub fn sin<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    if M & EXACT != 0 {
        return S(x.0.std_sin());
    }
    let (sine, cosine, magic) = quadrant(x);
    S(select(T::odd(magic.0), cosine, sine).0.flipped_if_second_bit(magic.0, 0))
}

/// The cosine, for |x| up to [`sine_limit`]; kernels repair larger ones in the exact mode.
#[inline(always)]
pub fn cos<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    if M & EXACT != 0 {
        return S(x.0.std_cos());
    }
    let (sine, cosine, magic) = quadrant(x);
    S(select(T::odd(magic.0), sine, cosine).0.flipped_if_second_bit(magic.0, 1))
}

/// The tangent, for |x| up to [`sine_limit`]; kernels repair larger ones in the exact mode.
#[inline(always)]
pub fn tan<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    if M & EXACT != 0 {
        return S(x.0.std_tan());
    }
    let (sine, cosine, magic) = quadrant(x);
    let odd = T::odd(magic.0);
    select(odd, -cosine, sine) / select(odd, sine, cosine)
}

/// Up to this magnitude the vector code is accurate.
#[inline(always)]
pub fn sine_limit<T: Float>() -> T {
    T::literal(if T::F64 { 1e8 } else { 2e4 })
}
