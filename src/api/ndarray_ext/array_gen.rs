//! Regular arrays.
//!
//! # Panics
//!
//! These functions return plain arrays, so that they can only panic where there is no room for one, as ndarray does.

use ndarray::{ArrayD, LinalgScalar};

use super::{Float, filled, room};
use crate::dtype::Element;

/// Zeros of shape `shape`.
pub fn zeros<A: Element + LinalgScalar>(shape: &[usize]) -> ArrayD<A> {
    constant(A::zero(), shape)
}

/// Ones of shape `shape`.
pub fn ones<A: Element + LinalgScalar>(shape: &[usize]) -> ArrayD<A> {
    constant(A::one(), shape)
}

/// The `n` x `n` identity matrix.
pub fn eye<A: Element + LinalgScalar>(n: usize) -> ArrayD<A> {
    let mut at = 0;
    let next = || {
        at += 1;
        if (at - 1) % (n + 1) == 0 { A::one() } else { A::zero() }
    };
    room(filled("eye", &[n, n], next))
}

/// An array of shape `shape` whose elements are all `value`.
pub fn constant<A: Element>(value: A, shape: &[usize]) -> ArrayD<A> {
    room(filled("constant", shape, || value))
}

/// `n` evenly spaced numbers from `start` to `end`, both included; `[start]` for `n` = 1.
///
/// ```
/// use scirs2_autograd::ndarray_ext::array_gen::linspace;
/// assert_eq!(linspace::<f64>(0.0, 1.0, 5), ndarray::arr1(&[0.0, 0.25, 0.5, 0.75, 1.0]).into_dyn());
/// ```
pub fn linspace<A: Float>(start: f64, end: f64, n: usize) -> ArrayD<A> {
    let last = n.saturating_sub(1);
    let step = (end - start) / last.max(1) as f64;
    // The end is met exactly, whatever the steps round to.
    sequence("linspace", n, |i| if i > 0 && i == last { end } else { start + i as f64 * step })
}

/// The numbers `start`, `start + step`, ... before `end`. Empty if `step` leads away from `end`, is 0 or is not a
/// number.
///
/// ```
/// use scirs2_autograd::ndarray_ext::array_gen::arange;
/// assert_eq!(arange::<f32>(0.0, 1.0, 0.25), ndarray::arr1(&[0.0f32, 0.25, 0.5, 0.75]).into_dyn());
/// ```
pub fn arange<A: Float>(start: f64, end: f64, step: f64) -> ArrayD<A> {
    let n = ((end - start) / step).ceil();
    let n = if step != 0.0 && n > 0.0 { n as usize } else { 0 };
    sequence("arange", n, |i| start + i as f64 * step)
}

fn sequence<A: Float>(op: &str, n: usize, at: impl Fn(usize) -> f64) -> ArrayD<A> {
    let mut places = 0..n;
    room(filled(op, &[n], || A::from_f64(places.next().map_or(f64::NAN, &at))))
}
