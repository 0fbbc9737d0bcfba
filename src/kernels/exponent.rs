//! Powers of two.

use super::math::{gt, lt, select, small_exp};
use super::real::{Float, S};

/// 2^x, exact for integers, with gradual underflow.
#[inline(always)]
pub fn exp2<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    exp2_of_sum(x, S(T::NOTHING))
}

/// 2^(x + low), where low is far smaller than x.
#[inline(always)]
pub(super) fn exp2_of_sum<T: Float, const M: u8>(x: S<T, M>, low: S<T, M>) -> S<T, M> {
    let (least, most) = if T::F64 { (-1080.0, 1025.0) } else { (-160.0, 129.0) };
    let x = select(gt(x, most), most, x);
    let x = select(lt(x, least), least, x);
    let (biased, n) = x.multiple(1.0, 2.0 * T::BIAS);
    let q = small_exp((x - n) * std::f64::consts::LN_2 + low * std::f64::consts::LN_2);
    // Two factors, so that a denormal result is rounded once.
    let (half, rest) = T::half_powers(biased.0);
    (1.0 + q) * S(half) * S(rest)
}
