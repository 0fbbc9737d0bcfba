//! The logarithm of the gamma function and its derivatives.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::Attr;
use crate::graph::op::OpDef;
use crate::graph::{AsTensor, Tensor};
use crate::kernels;
use crate::ops::apply::apply;
use crate::ops::unpack;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&LGAMMA, &DIGAMMA, &TRIGAMMA, &POLYGAMMA, &HIGHER_POLYGAMMA];

row! {
    /// Logarithm of the absolute value of the gamma function, within 4 ulp for `x > 0`, at its zeros 1 and 2 too; infinite at 0 and the negative
    /// integers. Below 0 it has zeros between these: there the error is up to 4 ulp of the largest of it, `lgamma(-x)` and 1.
    ///
    /// Gradient: `g * digamma(x)`.
    pub LGAMMA = fn lgamma(x: float) -> y
    formula { lgamma(x) }
    vjp(g) { x: g * digamma(x) }
    derivative singular;
    numpy "scipy.special.gammaln(x)";
    example "T.lgamma([0.5, 3.0, 10.0, -1.0])" => "[ 0.57236494  0.69314718 12.80182748         inf]";
    alias gammaln;
    samples positive;
}
row! {
    /// Derivative of the logarithm of the gamma function, within 4 ulp for `x > 0`, at its zero 1.46163 too; below 0 up to 6 ulp of the largest
    /// of it, `digamma(-x)` and 1. -inf at 0, inf at -0, NaN at the negative integers, as in SciPy.
    ///
    /// Gradient: `g * polygamma(1, x)`.
    pub DIGAMMA = fn digamma(x: float) -> y
    formula { digamma(x) }
    vjp(g) { x: g * trigamma(x) }
    derivative singular;
    numpy "scipy.special.digamma(x)";
    example "T.digamma([1.0, 10.0, -0.5, 0.0])" => "[-0.57721566  2.25175259  0.03648997        -inf]";
    alias psi;
    samples positive;
}
row! {
    /// Derivative of `digamma(x)`, within 4 ulp for `x > 0` and 5 below; infinite at 0 and the negative integers.
    ///
    /// Gradient: `g * polygamma(2, x)`.
    pub(crate) TRIGAMMA = fn trigamma(x: float) -> y
    formula { trigamma(x) }
    vjp(g) { x: g * apply(&HIGHER_POLYGAMMA, &[x.into()], &[Attr::Int(2)]) }
    derivative singular;
    numpy "scipy.special.polygamma(1, x)";
    samples positive;
}
row! {
    /// Derivative `n` of `digamma(x)`, an integer from 0 to 1000: `(-1)**(n + 1) * n! * sum(1 / (x + k)**(n + 1))` over `k >= 0`. Infinite
    /// at 0 and the negative integers for `n > 0`, of the sign of `(-1)**(n + 1)`.
    ///
    /// Gradient: `g * polygamma(n + 1, x)`, to `x`.
    pub POLYGAMMA = fn polygamma(x: float; n: i64) -> y
    body {
        match order(n)? {
            0 => digamma(x),
            1 => trigamma(x),
            _ => apply(&HIGHER_POLYGAMMA, &[x.into()], &[Attr::Int(n)]),
        }
    }
    numpy "scipy.special.polygamma(n, x)";
    by hand;
    case beyond[5] with n = 0;
    case beyond[2, 3] with n = 1;
    case beyond[3] with n = 2;
    case beyond[2] with n = 9;
    refuses f64[2] with n = -1 => "polygamma: the order is out of range. Got -1; expected 0 <= n <= 1000.";
    refuses f64[2] with n = 1001 => "polygamma: the order is out of range. Got 1001; expected 0 <= n <= 1000.";
}
row! {
    /// [`POLYGAMMA`] for `n` from 1 on.
    pub(crate) HIGHER_POLYGAMMA = fn higher_polygamma(x: float; n: i64) -> y
    shape(c) {
        order(n)?;
        Ok(smallvec![x.clone()])
    };
    kernel call!(false, |[x] -> [y], c| kernels::polygamma::polygamma(c.ranges, order(unpack::attr(c.attrs.first())?)?.max(1), *x, y));
    support Elementwise(singular);
    vjp(g) { x: g * apply(&HIGHER_POLYGAMMA, &[x.into()], &[Attr::Int(n + 1)]) }
    batch Elementwise;
    cost |c| {
        let n = unpack::attr::<i64>(c.attrs.first()).unwrap_or(0) as f64;
        c.size() * n * (n + 16.0)
    };
    numpy "scipy.special.polygamma(n, x)";
    by hand;
    case beyond[5] with n = 1;
    case beyond[2, 3] with n = 3;
    refuses f64[2] with n = -1 => "polygamma: the order is out of range. Got -1; expected 0 <= n <= 1000.";
}

/// The order of a derivative of digamma.
fn order(n: i64) -> Result<u32> {
    match u32::try_from(n) {
        Ok(n) if n <= 1000 => Ok(n),
        _ => Err(Error::new(ErrorKind::Value, "polygamma", "the order is out of range", n, "0 <= n <= 1000")),
    }
}

/// Derivative `n` of `digamma(x)`, with `0 <= n <= 1000`.
///
/// Gradient: `g * polygamma(n + 1, x)`, to `x`.
#[track_caller]
pub fn polygamma<'g>(n: i64, x: impl AsTensor<'g>) -> Tensor<'g> {
    apply(&POLYGAMMA, &[x.tensor().into()], &[Attr::Int(n)])
}
