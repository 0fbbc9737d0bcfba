//! What two positive numbers differ by as Kullback and Leibler measure it.

use super::math::{abs, horner, log, lt, select};
use super::real::{Float, S};

/// x ln(x / y) - x + y for positive numbers. Near each other, with u = (y - x) / x and s = u / (2 + u), it is x (u - ln(1 + u)), and
/// ln(1 + u) is twice the series of artanh s: x (u s - 2 s^3 (1/3 + s^2/5 + ..)), whose terms do not cancel.
#[inline(always)]
pub fn divergence<T: Float, const M: u8>(x: S<T, M>, y: S<T, M>) -> S<T, M> {
    let u = (y - x) / x;
    let s = u / (2.0 + u);
    let z = s * s;
    let series = if T::F64 {
        horner!(z; 0.3333333333333333, 0.2, 0.14285714285714285, 0.1111111111111111, 0.09090909090909091, 0.07692307692307693,
            0.06666666666666667, 0.058823529411764705, 0.05263157894736842, 0.047619047619047616)
    } else {
        horner!(z; 0.3333333333333333, 0.2, 0.14285714285714285, 0.1111111111111111, 0.09090909090909091)
    };
    let near = x * (s * (u - 2.0 * z * series));
    select(lt(abs(u), 0.25), near, x * log(x / y) - x + y)
}
