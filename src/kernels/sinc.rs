//! sin(pi x) / (pi x) and its first two derivatives. Half turns are taken off exactly, so all arguments are right, and far from 0
//! as near to it.

use std::f64::consts::PI;

use super::math::{abs, horner, lt, select};
use super::real::{Float, S};
use super::rounding::{Rounded, rint};

/// The sine and the cosine of pi x, and, for |x| < 1/4, sin(pi x) / x.
#[inline(always)]
fn half_turns<T: Float + Rounded, const M: u8>(x: S<T, M>) -> (S<T, M>, S<T, M>, S<T, M>) {
    let y = x - 2.0 * rint(x * 0.5);
    let (magic, n) = y.multiple(2.0, 0.0);
    let r = y - n * 0.5;
    let z = r * r;
    // sin(pi r) / r - pi and (cos(pi r) - 1) / r^2
    let (s, c) = if T::F64 {
        (
            horner!(z; 1.2246467991473532e-16, -5.16771278004997, 2.5501640398773424, -0.599264529320348, 0.08214588658203843,
                -0.007370429926566738, 0.00046628317862119873, -2.1719326407232186e-05),
            horner!(z; -4.934802200544679, 4.058712126416751, -1.3352627688521883, 0.2353306302016099, -0.02580688587935997,
                0.0019294681736565604, -0.00010357788687647199),
        )
    } else {
        (
            horner!(z; -8.742277657347586e-08, -5.167712688446045, 2.5501627922058105, -0.5992060899734497, 0.08103042095899582),
            horner!(z; -4.934802055358887, 4.0587077140808105, -1.3350584506988525, 0.2314295470714569),
        )
    };
    let sine = r.fma(S::lit(PI), r * s);
    let cosine = c.fma(z, S::lit(1.0));
    let odd = T::odd(magic.0);
    let sine_of_x = S(select(odd, cosine, sine).0.flipped_if_second_bit(magic.0, 0));
    let cosine_of_x = S(select(odd, sine, cosine).0.flipped_if_second_bit(magic.0, 1));
    (sine_of_x, cosine_of_x, PI + s)
}

/// sinc of x, given what [`half_turns`] says of the sine.
#[inline(always)]
fn quotient<T: Float, const M: u8>(x: S<T, M>, sine: S<T, M>, near: S<T, M>) -> S<T, M> {
    let is_near = lt(abs(x), 0.25);
    select(is_near, near, sine) / select(is_near, S::lit(PI), PI * x)
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
    let far = (cosine - quotient(x, sine, near)) / x;
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
    let far = -(PI * PI) * sinc - 2.0 * ((cosine - sinc) / x / x);
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
