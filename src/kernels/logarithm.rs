//! Logarithms to the bases 2 and 10. The powers of the base have exact ones.

use super::math::{log_edges, log_near_one, lt, select};
use super::real::{Float, S};

/// The logarithm to a base, given 1 / ln base and what that lacks, and log 2 as a short number, whose multiples by exponents are
/// exact, and what that lacks.
#[inline(always)]
fn log_to<T: Float, const M: u8>(x: S<T, M>, [factor, factor_low, high, low]: [f64; 4]) -> S<T, M> {
    // Denormal numbers are scaled into the normal ones.
    let least = if T::F64 { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
    let denormal = lt(x, least);
    let (m, e) = select(denormal, x * 18014398509481984.0, x).0.split();
    let e = S::<T, M>(e) + select(denormal, S::lit(-54.0), 0.0);
    let (f, less) = log_near_one(S::<T, M>(m));
    let l = f - less;
    let lost = (f - l) - less;
    let small = l.fma(S::lit(factor_low), e * low);
    let y = e.fma(S::lit(high), l.fma(S::lit(factor), lost.fma(S::lit(factor), small)));
    log_edges(x, y)
}

/// The logarithm to the base 2: -inf at zero, NaN below.
#[inline(always)]
pub fn log2<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let constants = if T::F64 {
        [std::f64::consts::LOG2_E, 2.0355273740931033e-17, 1.0, 0.0]
    } else {
        [1.4426950216293335, 1.925963033500011e-08, 1.0, 0.0]
    };
    log_to(x, constants)
}

/// The logarithm to the base 10: -inf at zero, NaN below.
#[inline(always)]
pub fn log10<T: Float, const M: u8>(x: S<T, M>) -> S<T, M> {
    let constants = if T::F64 {
        [std::f64::consts::LOG10_E, 1.098319650216765e-17, 0.3010299956640665, -8.532344317057107e-14]
    } else {
        [0.4342944920063019, -1.0103049952192578e-08, 0.301025390625, 4.605039066518657e-06]
    };
    log_to(x, constants)
}
