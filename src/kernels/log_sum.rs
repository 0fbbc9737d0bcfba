//! Logarithms of sums of two powers, to the bases e and 2. A derivative is a power of the difference of the operands, which is
//! taken in two pieces: a power multiplies what rounding loses by up to its exponent.

use std::f64::consts::LOG2_E;

use super::exponent::exp2_of_sum;
use super::math::{abs, eq, exp_of_sum, log1p, lt, max, ne, select};
use super::real::{Float, S};

/// -|a - b| and what rounding lost of it; 0 for equal infinities.
#[inline(always)]
fn apart<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> (S<T, M>, S<T, M>) {
    let d = a - b;
    let back = d - a;
    let lost = (a - (d - back)) - (b + back);
    // Beyond that the powers are zero; a difference of infinities is no number, and loses none.
    let lost = select(lt(abs(d), 2000.0), lost, 0.0);
    let d = select(eq(a, b), 0.0, d);
    (-abs(d), select(lt(d, 0.0), lost, -lost))
}

/// ln(e^a + e^b).
#[inline(always)]
pub fn logaddexp<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    let (d, lost) = apart(a, b);
    max(a, b) + log1p(exp_of_sum(d, lost))
}

/// log2(2^a + 2^b).
#[inline(always)]
pub fn logaddexp2<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    let (d, lost) = apart(a, b);
    max(a, b) + log1p(exp2_of_sum(d, lost)) * LOG2_E
}

/// The share of a power in a sum of two, given the smaller power over the larger one. Of two zeros each has the share 0.
#[inline(always)]
fn share<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>, ratio: S<T, M>) -> S<T, M> {
    let share = select(lt(a, b), ratio, 1.0) / (1.0 + ratio);
    select(eq(a, f64::NEG_INFINITY), select(ne(b, b), b, 0.0), share)
}

/// e^a / (e^a + e^b), the derivative of [`logaddexp`] by a.
#[inline(always)]
pub fn logaddexp_slope<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    let (d, lost) = apart(a, b);
    share(a, b, exp_of_sum(d, lost))
}

/// 2^a / (2^a + 2^b), the derivative of [`logaddexp2`] by a.
#[inline(always)]
pub fn logaddexp2_slope<T: Float, const M: u8>(a: S<T, M>, b: S<T, M>) -> S<T, M> {
    let (d, lost) = apart(a, b);
    share(a, b, exp2_of_sum(d, lost))
}
