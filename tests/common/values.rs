//! Values and derivatives of a function of one tensor, and how they are compared.

use ndarray::arr1;
use scirs2_autograd::{Tensor, run, tensor_ops as T};

/// A function of one tensor.
pub type Function = for<'g> fn(Tensor<'g>) -> Tensor<'g>;

/// `f`, its gradient and its second gradient (of sums) at the points `x`.
pub fn derivatives(f: Function, x: &[f64]) -> [Vec<f64>; 3] {
    run(|ctx| {
        let t = ctx.placeholder("x", &[-1]);
        let y = f(t);
        let g = T::grad(&[y], &[t])[0];
        let gg = T::grad(&[g], &[t])[0];
        let out = ctx.evaluator().push(y).push(g).push(gg).feed(t, arr1(x)).run();
        let list = |i: usize| out[i].clone().unwrap().as_slice::<f64>().unwrap().to_vec();
        [list(0), list(1), list(2)]
    })
}

/// Bits equal, so that -0 is not 0; NaN equals NaN.
pub fn same(found: &[f64], expected: &[f64]) {
    let equal = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(equal), "{found:?} is not {expected:?}");
}

pub fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    let close = |(a, b): (&f64, &f64)| a == b || (a - b).abs() <= tolerance * b.abs().max(1.0);
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(close), "{found:?} is not {expected:?}");
}
