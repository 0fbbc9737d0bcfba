//! Activations in formulas whose values, or whose derivatives, are small differences of larger numbers if they are computed as they are
//! written.

use super::math::{abs, copysign, exp, exp_in_parts, exp_of_sum, expm1, gt, horner, log1p, lt, select};
use super::real::{FUSED, Float, S};

/// x, and beyond this magnitude a number for which all exponentials are 0 or infinite: so that 0 times it is 0.
#[inline(always)]
fn settled<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let x = select(gt(x, 1024.0), 1024.0, x);
    select(lt(x, -1024.0), -1024.0, x)
}

/// x, and at -infinity a number in its place.
#[inline(always)]
fn above<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    select(lt(x, -1024.0), -1024.0, x)
}

/// x / (1 + |x|), which is 1 or -1 at infinity.
#[inline(always)]
pub fn softsign<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let most = if T::F64 { f64::MAX } else { f64::from(f32::MAX) };
    let x = select(gt(x, most), most, x);
    let x = select(lt(x, -most), -most, x);
    x / (1.0 + abs(x))
}

/// x - tanh x. Below 1 as (x cosh x - sinh x) / cosh x, whose series have positive terms; from there on as
/// (|x| - 1) + (1 - tanh |x|).
#[inline(always)]
pub fn tanhshrink<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let z = x * x;
    let (p, cosh) = if T::F64 {
        (
            horner!(z; 0.3333333333333333, 0.03333333333333333, 0.0011904761904761906, 2.2045855379188714e-05, 2.505210838544172e-07,
                1.9270852604185937e-09, 1.0706029224547743e-11, 4.498331606952833e-14, 1.4797143443923793e-16),
            horner!(z; 1.0, 0.5, 0.041666666666666664, 0.001388888888888889, 2.48015873015873e-05, 2.755731922398589e-07,
                2.08767569878681e-09, 1.1470745597729725e-11, 4.779477332387385e-14, 1.5619206968586225e-16),
        )
    } else {
        (
            horner!(z; 0.3333333333333333, 0.03333333333333333, 0.0011904761904761906, 2.2045855379188714e-05, 2.505210838544172e-07),
            horner!(z; 1.0, 0.5, 0.041666666666666664, 0.001388888888888889, 2.48015873015873e-05, 2.755731922398589e-07),
        )
    };
    let a = abs(x);
    let e = exp(-2.0 * a);
    let far = (a - 1.0) + 2.0 * e / (1.0 + e);
    select(lt(a, 1.0), x * (z * p / cosh), copysign(far, x))
}

/// ln cosh x: ln(1 + (cosh x - 1)) below 1, and |x| - ln 2 + ln(1 + e^(-2|x|)) from there on.
#[inline(always)]
pub fn log_cosh<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let z = x * x;
    // (cosh x - 1) / x^2
    let p = if T::F64 {
        horner!(z; 0.5, 0.041666666666666664, 0.001388888888888889, 2.48015873015873e-05, 2.755731922398589e-07, 2.08767569878681e-09,
            1.1470745597729725e-11, 4.779477332387385e-14, 1.5619206968586225e-16)
    } else {
        horner!(z; 0.5, 0.041666666666666664, 0.001388888888888889, 2.48015873015873e-05, 2.755731922398589e-07)
    };
    let a = abs(x);
    let far = (a - std::f64::consts::LN_2) + log1p(exp(-2.0 * a));
    select(lt(a, 1.0), log1p(z * p), far)
}

/// What x times tanh(ln(1 + e^x)) is made of: quotients of polynomials of e^x, and on the right side of e^-x, which neither overflow nor
/// cancel.
struct Mish<T, const M: u8> {
    /// True for x < 0.
    left: bool,
    /// e^-|x|.
    d: S<T, M>,
    /// Twice cosh(ln(1 + e^x)) (1 + e^x), and on the right side that times e^(-2x).
    bottom: S<T, M>,
}

impl<T: Float, const M: u8> Mish<T, M> {
    #[inline(always)]
    fn new(x: S<T, M>) -> Mish<T, M> {
        let (left, d) = (lt(x, 0.0), exp(-abs(x)));
        let bottom = select(left, d.fma(d + 2.0, S::lit(2.0)), 1.0 + 2.0 * d * (1.0 + d));
        Mish { left, d, bottom }
    }

    /// tanh(ln(1 + e^x)) times the bottom, but for a factor d on the left side.
    #[inline(always)]
    fn top(&self) -> S<T, M> {
        select(self.left, self.d + 2.0, 1.0 + 2.0 * self.d)
    }
}

/// x tanh(ln(1 + e^x)).
#[inline(always)]
pub fn mish<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let m = Mish::new(x);
    above(x) * (select(m.left, m.d, 1.0) * m.top() / m.bottom)
}

/// The derivative of [`mish`].
#[inline(always)]
pub fn mish_slope<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (m, x) = (Mish::new(x), settled(x));
    let q = 1.0 / m.bottom;
    let sum = m.top().fma(m.bottom, 4.0 * x * (1.0 + m.d) * select(m.left, S::lit(1.0), m.d * m.d));
    select(m.left, m.d, 1.0) * sum * q * q
}

/// The second derivative of [`mish`].
#[inline(always)]
pub fn mish_curve<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (m, x) = (Mish::new(x), settled(x));
    let (d, q) = (m.d, 1.0 / m.bottom);
    let polynomial = select(m.left, horner!(d; 2.0, 2.0, -3.0, -2.0), horner!(d; -2.0, -3.0, 2.0, 2.0));
    let sum = (2.0 * (1.0 + d)).fma(m.bottom, x * polynomial);
    select(m.left, d, d * d) * 4.0 * sum * q * q * q
}

/// a b as a rounded product and what it lost, which is exact; for magnitudes up to 2^100.
#[inline(always)]
fn product_in_two<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> (S<T, M>, S<T, M>) {
    let p = a * b;
    if M & FUSED != 0 {
        return (p, a.fma(b, -p));
    }
    let halves = |x: S<T, M>| {
        let shifted = x * if T::F64 { 134217729.0 } else { 4097.0 };
        let high = shifted - (shifted - x);
        (high, x - high)
    };
    let ((a, a_low), (b, b_low)) = (halves(a), halves(b));
    (p, ((a * b - p) + a * b_low + a_low * b) + a_low * b_low)
}

/// The factors of x and x^3 in twice the argument of the hyperbolic tangent, sqrt(8 / pi) and 0.044715 times that, in two pieces each.
#[inline(always)]
fn gelu_factors<T: Float>() -> ((f64, f64), (f64, f64)) {
    if T::F64 {
        ((1.5957691216057308, -9.96930880911092e-17), (0.07135481627260025, -4.1218577217431825e-18))
    } else {
        ((1.5957691669464111, -4.534068042105272e-08), (0.07135481387376785, 2.398832392488793e-09))
    }
}

/// What x / (1 + e^-v) is made of, where v is a polynomial of x. Its exponential takes v in two pieces: what the rounded one lacks counts
/// as often as v is large.
struct GeluTanh<T, const M: u8> {
    /// x within the numbers where the exponential is not 0.
    x: S<T, M>,
    /// |v|, rounded.
    v: S<T, M>,
    /// What it lacks.
    v_low: S<T, M>,
    /// The derivative of v.
    v1: S<T, M>,
    /// e^-|v|.
    e: S<T, M>,
    /// 1 / (1 + e^-|v|).
    q: S<T, M>,
}

impl<T: Float, const M: u8> GeluTanh<T, M> {
    #[inline(always)]
    fn new(x: S<T, M>) -> GeluTanh<T, M> {
        let limit = if T::F64 { 22.5 } else { 12.0 };
        let x = select(gt(x, limit), limit, x);
        let x = select(lt(x, -limit), -limit, x);
        let ((a, a_low), (b, b_low)) = gelu_factors::<T>();
        let (square, square_low) = product_in_two(x, x);
        let (cubic, cubic_low) = product_in_two(square, S::lit(b));
        let cubic_low = cubic_low + (b_low * square + b * square_low);
        // a + cubic in two pieces, whichever is larger.
        let sum = a + cubic;
        let part = sum - a;
        let sum_low = (a - (sum - part)) + (cubic - part) + (cubic_low + a_low);
        let magnitude = abs(x);
        let (v, v_low) = product_in_two(magnitude, sum);
        let v_low = v_low + magnitude * sum_low;
        let e = exp_of_sum(-v, -v_low);
        GeluTanh { x, v, v_low, v1: a + 3.0 * cubic, e, q: 1.0 / (1.0 + e) }
    }

    /// e^-|v| times a factor below e^20, rounded once where it is denormal.
    #[inline(always)]
    fn times(&self, factor: S<T, M>) -> S<T, M> {
        let most = if T::F64 { 780.0 } else { 130.0 };
        let (r, half, rest) = exp_in_parts(-select(gt(self.v, most), most, self.v), -self.v_low);
        r.fma(factor, factor) * half * rest
    }
}

/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
#[inline(always)]
pub fn gelu_tanh<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let g = GeluTanh::new(x);
    select(lt(x, 0.0), g.times(g.x * g.q), x * g.q)
}

/// The derivative of [`gelu_tanh`].
#[inline(always)]
pub fn gelu_tanh_slope<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let g = GeluTanh::new(x);
    let rest = g.x * g.v1 * g.q;
    select(lt(x, 0.0), g.times((1.0 + rest) * g.q), (1.0 + rest * g.e) * g.q)
}

/// The second derivative of [`gelu_tanh`].
#[inline(always)]
pub fn gelu_tanh_curve<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let g = GeluTanh::new(x);
    let ((a, _), (b, _)) = gelu_factors::<T>();
    let sum = 2.0 * a + 12.0 * b * g.x * g.x + abs(g.x) * g.v1 * g.v1 * expm1(-g.v) * g.q;
    g.times(sum * g.q * g.q)
}
