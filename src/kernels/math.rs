//! The functions of formulas. All are branch-free and inlined, so that a loop over one of them becomes vector code.
//!
//! Coefficients are minimax polynomials of the quantity named beside them, weighted for the relative error of the result.

pub use super::activation::{gelu_tanh, gelu_tanh_curve, gelu_tanh_slope, log_cosh, mish, mish_curve, mish_slope, softsign, tanhshrink};
pub use super::divergence::divergence;
pub use super::division::{floor_divide, fmod, remainder};
pub use super::erfinv::{erfinv, erfinv_slope};
pub use super::exponent::exp2;
pub use super::gamma::{digamma, lgamma, trigamma};
pub use super::gauss::{erfc, gaussian, gelu_slope, gelu_with, ndtr, normal_density};
pub use super::hyperbolic::{arccosh, arccosh_slope, arcsinh, arcsinh_slope, arctanh, arctanh_slope, cosh, sinh};
pub use super::inverse_trig::{angle_slope, arccos, arcsin, arcsin_slope, arctan, arctan_slope, arctan2};
pub use super::log_sum::{logaddexp, logaddexp_slope, logaddexp2, logaddexp2_slope};
pub use super::logarithm::{log2, log10};
pub use super::power::{pow, pow_slope};
use super::real::{Arithmetic, Float, Pair, S};
pub use super::root::{cbrt, hypot, hypot_slope};
pub use super::rounding::{ceil, floor, rint, trunc};
pub use super::sinc::{sinc, sinc_curve, sinc_slope};

/// c0 + x (c1 + x (c2 + ...)), innermost first.
macro_rules! horner {
    ($x:expr; $c:expr) => { S::lit($c) };
    ($x:expr; $c:expr, $($rest:expr),+) => { horner!($x; $($rest),+).fma($x, S::lit($c)) };
}
pub(super) use horner;

/// `a` where `condition` holds, else `b`. Both are computed.
#[inline(always)]
pub fn select<A: Pair<B>, B>(condition: bool, a: A, b: B) -> A::Out {
    let (a, b) = a.pair(b);
    if condition { a } else { b }
}

macro_rules! comparison {
    ($($(#[$doc:meta])* $name:ident $op:tt;)+) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name<A: Pair<B>, B>(a: A, b: B) -> bool {
            let (a, b) = a.pair(b);
            a $op b
        }
    )+};
}
comparison! {
    /// `a < b`; false if one is NaN.
    lt <;
    /// `a <= b`; false if one is NaN.
    le <=;
    /// `a > b`; false if one is NaN.
    gt >;
    /// `a >= b`; false if one is NaN.
    ge >=;
    /// `a == b`; false if one is NaN.
    eq ==;
    /// `a != b`; true if one is NaN.
    ne !=;
}

/// The larger one; NaN if one is NaN.
#[inline(always)]
#[allow(clippy::eq_op)] // true for NaN only
pub fn max<A: Pair<B>, B>(a: A, b: B) -> A::Out {
    let (a, b) = a.pair(b);
    // The inner choice is one instruction, which gives b if one is NaN.
    let most = if a > b { a } else { b };
    if a != a { a } else { most }
}

/// The smaller one; NaN if one is NaN.
#[inline(always)]
#[allow(clippy::eq_op)] // true for NaN only
pub fn min<A: Pair<B>, B>(a: A, b: B) -> A::Out {
    let (a, b) = a.pair(b);
    // The inner choice is one instruction, which gives b if one is NaN.
    let most = if a < b { a } else { b };
    if a != a { a } else { most }
}

/// |x|; the smallest integer stays as it is.
#[inline(always)]
pub fn abs<T: Arithmetic, const M: u8>(x: S<T, M>) -> S<T, M> {
    S(x.0.absolute())
}

/// -1, 0 or 1; NaN of NaN.
#[inline(always)]
pub fn sign<T: Arithmetic, const M: u8>(x: S<T, M>) -> S<T, M> {
    let zero_or_nan = select(eq(x, 0.0), 0.0, x);
    select(gt(x, 0.0), 1.0, select(lt(x, 0.0), -1.0, zero_or_nan))
}

/// True if the sign bit is set, also of -0 and NaN.
#[inline(always)]
pub fn signbit<T: Float, const M: u8>(x: S<T, M>) -> bool {
    x.0.sign_bit()
}

/// |x| with the sign of `sign`.
#[inline(always)]
pub fn copysign<T: Float, const M: u8>(x: S<T, M>, sign: S<T, M>) -> S<T, M> {
    S(x.0.signed_as(sign.0))
}

/// The square root; NaN below zero.
#[inline(always)]
pub fn sqrt<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    S(x.0.root())
}

/// x + low as n ln 2 + r, |r| <= ln 2 / 2, where low is less than the last place of n; gives (n + MAGIC + 2 BIAS, e^r - 1).
#[inline(always)]
fn reduced_exp<T: Float, const M: u8>(x: S<T, M>, low: S<T, M>) -> (S<T, M>, S<T, M>) {
    reduced_exp_scaled(x, low, 0.0)
}

/// As [`reduced_exp`], with n + `scale` in place of n in the sum.
#[inline(always)]
fn reduced_exp_scaled<T: Float, const M: u8>(x: S<T, M>, low: S<T, M>, scale: f64) -> (S<T, M>, S<T, M>) {
    let (biased, n) = x.multiple(std::f64::consts::LOG2_E, 2.0 * T::BIAS + scale);
    // ln 2 in two pieces; the first is so short that n times it is exact.
    let r = if T::F64 {
        let r = (-n).fma(S::lit(0.6931471805598903), x);
        (-n).fma(S::lit(5.497923018708371e-14), r)
    } else {
        let r = (-n).fma(S::lit(0.693145751953125), x);
        (-n).fma(S::lit(1.428606765330187e-06), r)
    } + low;
    (biased, small_exp(r))
}

/// e^r - 1 for |r| <= ln 2 / 2.
#[inline(always)]
pub(super) fn small_exp<T: Float, const M: u8>(r: S<T, M>) -> S<T, M> {
    // (e^r - 1 - r) / r^2
    let p = if T::F64 {
        horner!(r; 0.5, 0.16666666666666677, 0.0416666666666667, 0.008333333333321617, 0.0013888888888866724, 0.00019841269886156836,
            2.4801587360725434e-05, 2.755724418361983e-06, 2.7557242654365966e-07, 2.510904430981813e-08, 2.0924466004349087e-09)
    } else {
        horner!(r; 0.5000000062000048, 0.1666654298993684, 0.04166628187217039, 0.00836658418311074, 0.0013946458492233322)
    };
    p.fma(r * r, r)
}

/// What added to a number leaves it as it is: no instruction.
#[inline(always)]
fn nothing<T: Float, const M: u8>() -> S<T, M> {
    S(T::NOTHING)
}

/// e^x, with gradual underflow.
#[inline(always)]
pub fn exp<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    exp_of_sum(x, nothing())
}

/// e^(x + low), where low is far smaller than x.
#[inline(always)]
pub(super) fn exp_of_sum<T: Float, const M: u8>(x: S<T, M>, low: S<T, M>) -> S<T, M> {
    let (q, half, rest) = exp_in_parts(exponent(x), low);
    (1.0 + q) * half * rest
}

/// factor e^(x + low), with one rounding for both, where the factor is about 1.
#[inline(always)]
pub(super) fn exp_times<T: Float, const M: u8>(x: S<T, M>, low: S<T, M>, factor: S<T, M>) -> S<T, M> {
    let (q, half, rest) = exp_in_parts(exponent(x), low);
    q.fma(factor, factor) * half * rest
}

/// x, between where its exponential is zero and where it is infinite.
#[inline(always)]
fn exponent<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (least, most) = if T::F64 { (-746.0, 710.0) } else { (-104.0, 89.0) };
    let x = select(gt(x, most), most, x);
    select(lt(x, least), least, x)
}

/// q and two powers of two, of which (1 + q) times the powers is e^(x + low), for |x| below 1400, or 170 in `f32`.
#[inline(always)]
pub(super) fn exp_in_parts<T: Float, const M: u8>(x: S<T, M>, low: S<T, M>) -> (S<T, M>, S<T, M>, S<T, M>) {
    let (biased, q) = reduced_exp(x, low);
    // Two factors, so that a denormal result is rounded once.
    let (half, rest) = T::half_powers(biased.0);
    (q, S(half), S(rest))
}

/// e^x - 1, accurate near zero.
#[inline(always)]
pub fn expm1<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (low, high) = if T::F64 { (-40.0, 710.0) } else { (-40.0, 89.0) };
    let y = select(gt(x, high), high, x);
    let y = select(lt(y, low), low, y);
    let (biased, q) = reduced_exp(y, nothing());
    // 2^n (q + 1) - 1 with 2^n halved, which would overflow for the largest x.
    let h = S::<T, M>(T::power((biased - 1.0).0));
    // For n = 0, q is the value; halving it would lose bits of a denormal one.
    copysign(select(eq(h, 0.5), q, 2.0 * q.fma(h, h - 0.5)), x)
}

/// e^-|x| without loss on either side: up to sqrt(1/2) its negative, whose sign bit is set; above that 1 - e^-|x|.
#[inline(always)]
pub fn decay<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let least = if T::F64 { -746.0 } else { -104.0 };
    let y = -abs(x);
    let (biased, q) = reduced_exp_scaled(select(lt(y, least), least, y), nothing(), 64.0);
    // 2^64 times too large, so that a denormal result is rounded once.
    let large = S::<T, M>(T::power(biased.0));
    let e = q.fma(large, large) * 5.421010862427522e-20;
    // For the power 1, q is what is missing. The difference makes a zero of either sign positive.
    select(eq(large, 18446744073709551616.0), 0.0 - q, -e)
}

/// e^-|x| of its decay.
#[inline(always)]
fn decayed<T: Float, const M: u8>(decay: S<T, M>) -> S<T, M> {
    select(signbit(decay), -decay, 1.0 - decay)
}

/// The hyperbolic tangent of x, where the decay is that of 2x.
#[inline(always)]
pub fn tanh_with<T: Float, const M: u8>(x: S<T, M>, decay: S<T, M>) -> S<T, M> {
    // 1 - e^(-2|x|)
    let missing = select(signbit(decay), 1.0 + decay, decay);
    copysign(missing / (2.0 - missing), x)
}

/// 1 / cosh(x)^2, where y is the hyperbolic tangent of x and the decay that of 2x.
#[inline(always)]
pub fn tanh_slope<T: Float, const M: u8>(y: S<T, M>, decay: S<T, M>) -> S<T, M> {
    // 1 - |y| is e^(-2|x|) (1 + |y|).
    let sum = 1.0 + abs(y);
    decayed(decay) * sum * sum
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    tanh_with(x, decay(2.0 * x))
}

/// 1 / (1 + e^-x), where the decay is that of x; right also where the result is denormal.
#[inline(always)]
pub fn sigmoid_with<T: Float, const M: u8>(x: S<T, M>, decay: S<T, M>) -> S<T, M> {
    let e = decayed(decay);
    select(lt(x, 0.0), e, 1.0) / (1.0 + e)
}

/// Beyond this magnitude the logistic function is 0 or 1, times any number but infinity too.
#[inline(always)]
fn settled<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let x = select(gt(x, 1024.0), 1024.0, x);
    select(lt(x, -1024.0), -1024.0, x)
}

/// x / (1 + e^-x), where the decay is that of x; 0 at -infinity.
#[inline(always)]
pub fn silu_with<T: Float, const M: u8>(x: S<T, M>, decay: S<T, M>) -> S<T, M> {
    select(lt(x, -1024.0), -1024.0, x) * sigmoid_with(x, decay)
}

/// The derivative of [`silu_with`].
#[inline(always)]
pub fn silu_slope<T: Float, const M: u8>(x: S<T, M>, decay: S<T, M>) -> S<T, M> {
    let e = decayed(decay);
    let q = 1.0 / (1.0 + e);
    let (y, rest) = (select(lt(x, 0.0), e * q, q), select(lt(x, 0.0), q, e * q));
    y * (1.0 + settled(x) * rest)
}

/// y (1 - y), where y is the logistic function of x and the decay that of x.
#[inline(always)]
pub fn sigmoid_slope<T: Float, const M: u8>(y: S<T, M>, decay: S<T, M>) -> S<T, M> {
    // The smaller one of y and 1 - y.
    let rest = select(lt(y, 0.5), y, y * decayed(decay));
    rest * (1.0 - rest)
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    sigmoid_with(x, decay(x))
}

/// ln 2 in two pieces; the first is so short that an exponent times it is exact.
#[inline(always)]
fn ln_2_in_two<T: Float>() -> (f64, f64) {
    if T::F64 { (0.6931471805598903, 5.497923018708371e-14) } else { (0.693145751953125, 1.428606765330187e-06) }
}

/// The logarithm of m, sqrt(1/2) <= m < sqrt(2), as a difference of two, of which the first is m - 1.
#[inline(always)]
pub(super) fn log_near_one<T: Float, const M: u8>(m: S<T, M>) -> (S<T, M>, S<T, M>) {
    let f = m - 1.0;
    // ln(1 + f) = 2 artanh s = f - s (f - r), where r = (2 artanh s - 2 s) / s is a series in s^2.
    let s = f / (2.0 + f);
    let z = s * s;
    let r = if T::F64 {
        horner!(z; 0.6666666666666735, 0.3999999999941107, 0.2857142874326687, 0.22222198475625285, 0.18183569756597504,
            0.15313902842924823, 0.1479751164259039)
    } else {
        horner!(z; 0.6666677671865411, 0.39977495382889483, 0.2987307835785809)
    } * z;
    (f, s * (f - r))
}

/// ln w + correction, for a positive normal w, as a number of the first piece of ln 2 and a rest that is small.
#[inline(always)]
fn reduced_log<T: Float, const M: u8>(w: S<T, M>, shift: S<T, M>, correction: S<T, M>) -> (S<T, M>, S<T, M>) {
    let (m, e) = w.0.split();
    let e = S::<T, M>(e) + shift;
    let (f, less) = log_near_one(S::<T, M>(m));
    (e, f - (less - e.fma(S::lit(ln_2_in_two::<T>().1), correction)))
}

/// ln w + correction, for a positive normal w.
#[inline(always)]
pub(super) fn log_of_normal<T: Float, const M: u8>(w: S<T, M>, shift: S<T, M>, correction: S<T, M>) -> S<T, M> {
    let (e, rest) = reduced_log(w, shift, correction);
    e.fma(S::lit(ln_2_in_two::<T>().0), rest)
}

/// ln w of a normal w > 3/2, rounded, and what it lacks.
#[inline(always)]
pub(super) fn log_in_two<T: Float, const M: u8>(w: S<T, M>) -> (S<T, M>, S<T, M>) {
    let (e, rest) = reduced_log(w, S::lit(0.0), S::lit(0.0));
    let whole = e * ln_2_in_two::<T>().0;
    let y = whole + rest;
    (y, rest - (y - whole))
}

/// The natural logarithm: -inf at zero, NaN below.
#[inline(always)]
pub fn log<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    // Denormal numbers are scaled into the normal ones.
    let least = if T::F64 { f64::MIN_POSITIVE } else { f32::MIN_POSITIVE as f64 };
    let denormal = lt(x, least);
    let w = select(denormal, x * 18014398509481984.0, x);
    let y = log_of_normal(w, select(denormal, S::lit(-54.0), 0.0), S::lit(0.0));
    log_edges(x, y)
}

/// y, the logarithm of x > 0, with the values at zero, below, at infinity and NaN put right.
#[inline(always)]
pub(super) fn log_edges<T: Float, const M: u8>(x: S<T, M>, y: S<T, M>) -> S<T, M> {
    let y = select(lt(x, f64::INFINITY), y, x);
    let y = select(lt(x, 0.0), f64::NAN, y);
    select(eq(x, 0.0), f64::NEG_INFINITY, y)
}

/// ln(1 + x), accurate near zero.
#[inline(always)]
pub fn log1p<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let w = 1.0 + x;
    // What the sum lost, exactly.
    let lost = select(ge(abs(x), 1.0), 1.0 - (w - x), x - (w - 1.0));
    let y = log_of_normal(w, S::lit(0.0), lost / w);
    select(eq(w, 1.0), x, log_edges(w, y))
}

/// ln(1 + e^x), where the decay is that of x; without overflow or loss for large |x|.
#[inline(always)]
pub fn softplus_with<T: Float, const M: u8>(x: S<T, M>, decay: S<T, M>) -> S<T, M> {
    max(x, 0.0) + log1p(decayed(decay))
}

/// ln(1 + e^x), without overflow or loss for large |x|.
#[inline(always)]
pub fn softplus<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    softplus_with(x, decay(x))
}

/// ln(1 + e^x) - t x, where the decay is that of x: 0 times infinity is 0. For t = 0 and 1 exact where it is small.
#[inline(always)]
pub fn logistic_loss<T: Float, const M: u8>(x: S<T, M>, t: S<T, M>, decay: S<T, M>) -> S<T, M> {
    let weight = select(lt(x, 0.0), S::lit(0.0), 1.0) - t;
    select(eq(weight, 0.0), 0.0, weight * x) + log1p(decayed(decay))
}

/// 1 / (1 + e^-x) - t, where the decay is that of x. For t = 0 and 1 exact where it is small.
#[inline(always)]
pub fn logistic_residual<T: Float, const M: u8>(x: S<T, M>, t: S<T, M>, decay: S<T, M>) -> S<T, M> {
    let e = decayed(decay);
    let rest = e / (1.0 + e);
    select(lt(x, 0.0), rest - t, (1.0 - t) - rest)
}

/// The error function.
#[inline(always)]
pub fn erf<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let z = x * x;
    // erf(x) / x - 1 for |x| <= 1
    let p = if T::F64 {
        horner!(z; 0.12837916709551256, -0.3761263890318352, 0.11283791670944186, -0.02686617064311159, 0.0052239776061191925,
            -0.0008548325929337175, 0.00012055293577292792, -1.4924712304983726e-05, 1.644713156008381e-06, -1.6206313353603884e-07,
            1.3710977426754569e-08, -7.779460911463882e-10)
    } else {
        horner!(z; 0.12837916572682329, -0.3761262582492003, 0.11283585154976807, -0.02685381219099736, 0.005188328186418862,
            -0.0008010198262436548, 7.853877531619132e-05)
    };
    let inner = p.fma(x, x);
    // ln(1 - erf(1 + u)), up to where the result rounds to 1
    let end = if T::F64 { 6.0 } else { 4.0 };
    let a = abs(x);
    let u = select(gt(a, end), end, a) - 1.0;
    let l = if T::F64 {
        horner!(u; -1.8496055099332482, -2.6389675142347757, -0.8431072563594119, -0.04156109802509649, 0.010033825179299887,
            -0.001977901216970054, 0.00023731643966795824, 2.629631325788843e-05, -2.719894653890912e-05, 9.67134189717993e-06,
            -2.1319062356173737e-06, 2.047887746087642e-07, 5.8023071743919864e-08, -3.339529860234712e-08, 8.519754613417242e-09,
            -1.3192593945355974e-09, 1.1934052462791967e-10, -4.865629190159691e-12)
    } else {
        horner!(u; -1.8496055164773577, -2.6389668160158655, -0.8431183374748884, -0.04150067706773327, 0.009890866477280269,
            -0.0018261422156320938, 0.00018556827297567925)
    };
    let (biased, q) = reduced_exp(l, nothing());
    let tail = S::<T, M>(T::power(biased.0));
    let outer = copysign(1.0 - q.fma(tail, tail), x);
    select(lt(a, 1.0), inner, outer)
}

/// The power of two that is nearest to `x >= 0` by ratio, and a normal number: divided by it, large numbers do not overflow when they are
/// squared, and small ones do not vanish. NaN of NaN.
#[inline(always)]
pub fn binade<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let (least, most) =
        if T::F64 { (2.2250738585072014e-308, 8.98846567431158e307) } else { (1.1754943508222875e-38, 1.7014118346046923e38) };
    let x = min(max(x, least), most);
    // x = m 2^e exactly, and so is the quotient.
    x / S::<T, M>(x.0.split().0)
}
