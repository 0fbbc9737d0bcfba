//! The adjoint of softmax in both precisions: it is far from 0 where a probability has long been rounded to 1.
//!
//! Derivatives of functions of numbers are compared in Python, with those of their NumPy expressions.

use scirs2_autograd::{DType, run, tensor_ops as T};

/// The promised error, in units in the last place.
const LIMIT: f64 = 8.0;

#[test]
fn the_adjoint_of_softmax_keeps_its_relative_accuracy() {
    // (logits, cotangent): where one probability rounds to 1, where all are alike, with ties. No difference of cotangents has
    // another sign than the others of its row, so that nothing cancels in the reference.
    let cases: [(&[f64], &[f64]); 6] = [
        (&[37.43, 0.0], &[1.0, 0.0]),
        (&[0.0, 100.0, -20.0], &[2.0, 7.0, -3.0]),
        (&[700.0, 0.0, 650.0, -30.0], &[0.0, 1.0, 2.0, 3.0]),
        (&[1.0, 1.0, 1.0], &[1.0, 0.0, 0.0]),
        (&[60.0, 60.0, 0.0], &[3.0, 3.0, 1.0]),
        (&[-5.0, 20.0], &[1e10, 1e-10]),
    ];
    for (x, g) in cases {
        let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let e: Vec<f64> = x.iter().map(|x| (x - top).exp()).collect();
        let sum: f64 = e.iter().sum();
        let want = |i: usize| e[i] / sum * (0..x.len()).map(|j| e[j] / sum * (g[i] - g[j])).sum::<f64>();
        for dtype in [DType::F64, DType::F32] {
            let found = run(|ctx| {
                let [x, g] = [x, g].map(|v| T::cast(ctx.constant(ndarray::arr1(v)), dtype));
                let y = T::softmax(x, -1i64);
                let a = T::cast(T::grad_with_default(&[y], &[x], &[g])[0], DType::F64).eval(ctx).expect("a value");
                a.as_slice::<f64>().expect("floats").to_vec()
            });
            let unit = if dtype == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
            for (i, y) in found.iter().enumerate() {
                // Smaller than what f32 holds is 0 there.
                let w = if dtype == DType::F32 && want(i).abs() < 1e-37 { *y } else { want(i) };
                assert!((y - w).abs() <= LIMIT * unit * w.abs(), "{dtype} {x:?} {g:?}: {y:e} is not {w:e}");
                assert!(dtype == DType::F64 || w.abs() >= 1e-37 || y.abs() < 1e-36);
            }
        }
    }
}
