//! Derivatives of the logarithmic derivative of the gamma function, of any order from 1 on, number by number.

use super::ranges::Ranges;
use crate::array::{View, ViewMut};
use crate::dtype::{DType, Element};
use crate::error::Result;

/// Derivative `n` of digamma; `dst` is C-contiguous and has the lengths and the floating dtype of `x`.
pub fn polygamma(ranges: &Ranges<'_>, n: u32, x: View<'_>, dst: &mut ViewMut<'_>) -> Result<()> {
    match x.dtype() {
        DType::F32 => each::<f32>(ranges, n, x, dst, |v| value(n, f64::from(v)) as f32),
        DType::F64 => each::<f64>(ranges, n, x, dst, |v| value(n, v)),
        _ => Ok(()),
    }
}

fn each<T: Element>(ranges: &Ranges<'_>, n: u32, x: View<'_>, dst: &mut ViewMut<'_>, f: impl Fn(T) -> T) -> Result<()> {
    let (s, d) = (x.ptr().cast::<T>(), dst.ptr().cast::<T>());
    let terms = far(n) as usize;
    let mut flat = 0;
    ranges.walk(x.dims(), [x.strides()], terms * n.max(8) as usize, |[at]| {
        // SAFETY: an offset of the view; `dst` has as many elements.
        unsafe { *d.add(flat) = f(*s.offset(at)) };
        flat += 1;
        Ok(())
    })
}

/// From here on the series of [`zeta`] has all digits.
fn far(n: u32) -> f64 {
    f64::from(n) + 16.0
}

/// Derivative `n` of digamma at x. With s(x) = n! times the sum of 1 / (x + k)^(n + 1) over k >= 0 it is s(x) or, for even n, -s(x).
/// At x = -a = -(m + r) the terms up to m make s(r) - s(1 + a), and those beyond s(1 - r).
fn value(n: u32, x: f64) -> f64 {
    let sign = if n.is_multiple_of(2) { -1.0 } else { 1.0 };
    if x > 0.0 || x.is_nan() {
        return sign * zeta(n, x);
    }
    let a = -x;
    // From 2^52 on every number is an integer.
    let r = if a < 4503599627370496.0 { a - a.floor() } else { 0.0 };
    if r == 0.0 {
        return sign * f64::INFINITY;
    }
    (zeta(n, r) - zeta(n, 1.0 + a)) + sign * zeta(n, 1.0 - r)
}

/// n! times the sum of 1 / (x + k)^(n + 1) over k >= 0, for x > 0: some terms, and from w = x + count on the series of Euler and
/// Maclaurin.
fn zeta(n: u32, x: f64) -> f64 {
    /// Bernoulli's number 2j over the factorial of 2j, from j = 1 on.
    const COEFFICIENTS: [f64; 12] = [
        0.08333333333333333,
        -0.001388888888888889,
        3.3068783068783064e-05,
        -8.267195767195768e-07,
        2.08767569878681e-08,
        -5.284190138687493e-10,
        1.338253653068468e-11,
        -3.3896802963225827e-13,
        8.586062056277845e-15,
        -2.174868698558062e-16,
        5.5090028283602295e-18,
        -1.3954464685812525e-19,
    ];
    let count = (far(n) - x).ceil().max(0.0);
    let (w, order) = (x + count, f64::from(n));
    let (mut rest, mut p, mut k) = (order / (2.0 * w), 1.0, order);
    for b in COEFFICIENTS {
        p *= k * (k + 1.0) / (w * w);
        rest += b * p;
        k += 2.0;
    }
    let integral = quotient(n - 1, w);
    let terms = (0..count as u32).rev().map(|k| quotient(n, x + f64::from(k)));
    terms.fold(integral + integral * rest, |sum, term| sum + term)
}

/// n! / x^(n + 1), which overflows or underflows only as a whole.
fn quotient(n: u32, x: f64) -> f64 {
    if n <= 8 && (1e-30..1e30).contains(&x) {
        let factorial: u32 = (1..=n).product();
        return f64::from(factorial) / (0..n).fold(x, |p, _| p * x);
    }
    // Large factors while it is small, small ones while it is large.
    let (mut low, mut high, mut y) = (1, n, 1.0 / x);
    while low <= high {
        if y > 1.0 {
            y *= f64::from(low) / x;
            low += 1;
        } else {
            y *= f64::from(high) / x;
            high -= 1;
        }
    }
    y
}
