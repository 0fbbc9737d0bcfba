//! Infinite arguments of the functions that are made of exponentials: values are SciPy's, gradients of both orders the limits.

use ndarray::{Array, Array2, ArrayD, Dimension, arr1, arr2};
use scirs2_autograd::DType;
use scirs2_autograd::{Context, Tensor, run, tensor_ops as T};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

type Function = for<'g> fn(&'g Context, Tensor<'g>) -> Tensor<'g>;

/// `f` of the rows `x`, its gradient for the cotangents 1, 2, ... and the gradient of that one's sum with the weights 1, 2, ...
fn derivatives<D: Dimension>(f: Function, x: &Array<f64, D>, dtype: DType) -> [ArrayD<f64>; 3] {
    run(|ctx| {
        let shape: Vec<isize> = x.shape().iter().map(|&n| n as isize).collect();
        let t = ctx.placeholder_of("x", &shape, dtype);
        let counted = |t: Tensor<'_>| {
            let dims = t.known_shape().expect("known lengths").to_vec();
            let n = dims.iter().product::<usize>();
            ArrayD::from_shape_vec(dims, (1..=n).map(|i| i as f64).collect()).expect("the shape")
        };
        let y = f(ctx, t);
        let g = T::grad_with_default(&[y], &[t], &[ctx.constant(counted(y))])[0];
        let gg = T::grad_with_default(&[g], &[t], &[ctx.constant(counted(g))])[0];
        let out = ctx.evaluator().push(T::cast(y, DType::F64)).push(T::cast(g, DType::F64)).push(T::cast(gg, DType::F64));
        let out = if dtype == DType::F32 { out.feed(t, x.mapv(|x| x as f32)).run() } else { out.feed(t, x.view()).run() };
        [0, 1, 2].map(|k| out[k].as_ref().expect("a value").view::<f64>().expect("floats").to_owned())
    })
}

/// Equal up to rounding; NaN equals NaN.
fn near(what: &str, found: &ArrayD<f64>, expected: &[f64], tolerance: f64) {
    let close = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * b.abs();
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(close), "{what}: {found:?} is not {expected:?}");
}

/// A function at some rows: its value and its two gradients, in both precisions.
fn check<D: Dimension>(what: &str, f: Function, x: &Array<f64, D>, expected: [&[f64]; 3]) {
    for (dtype, tolerance) in [(DType::F64, 4e-14), (DType::F32, 1e-5)] {
        let found = derivatives(f, x, dtype);
        for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
            near(&format!("{what} {dtype} order {k}"), found, expected, tolerance);
        }
    }
}

/// softmax of [0, 1].
fn pair() -> (f64, f64) {
    (1.0 / (1.0 + 1f64.exp()), 1.0 / (1.0 + (-1f64).exp()))
}

#[test]
fn logsumexp_of_infinite_elements() {
    let f: Function = |_, x| T::reduce_logsumexp(x, -1i64, false);
    check("all -inf", f, &arr1(&[-INF, -INF]), [&[-INF], &[0.0; 2], &[0.0; 2]]);
    check("one of one", f, &arr1(&[-INF]), [&[-INF], &[0.0], &[0.0]]);
    let (p, q) = pair();
    // The weights are 2 and 3 where the elements are finite.
    let mean = 2.0 * p + 3.0 * q;
    let value = 1.0 - q.ln();
    check("partly -inf", f, &arr1(&[-INF, 0.0, 1.0]), [&[value], &[0.0, p, q], &[0.0, p * (2.0 - mean), q * (3.0 - mean)]]);
    // A row of -inf beside one that is not, and a huge cotangent.
    let rows = arr2(&[[-INF, -INF], [0.0, -INF], [-INF, -INF]]);
    check("rows", f, &rows, [&[-INF, 0.0, -INF], &[0.0, 0.0, 2.0, 0.0, 0.0, 0.0], &[0.0; 6]]);
    check("all axes", |_, x| T::reduce_logsumexp(x, (), true), &rows, [&[0.0], &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[0.0; 6]]);
    check("times inf", |_, x| T::reduce_logsumexp(x, -1i64, false) * 1e38, &arr1(&[-INF, -INF]), [&[-INF], &[0.0; 2], &[0.0; 2]]);
    check("inf", f, &arr1(&[INF, 0.0]), [&[INF], &[NAN, 0.0], &[NAN; 2]]);
    check("inf and -inf", f, &arr1(&[-INF, INF]), [&[INF], &[0.0, NAN], &[NAN; 2]]);
    check("two inf", f, &arr1(&[INF, INF]), [&[INF], &[NAN; 2], &[NAN; 2]]);
    check("NaN", f, &arr1(&[NAN, -INF]), [&[NAN], &[NAN; 2], &[NAN; 2]]);
}

#[test]
fn logsumexp_over_nothing() {
    for dtype in [DType::F32, DType::F64, DType::I64] {
        run(|ctx| {
            let of = |dims: [i64; 2], axis: i64| {
                let x = T::cast(ctx.zeros(dims), dtype);
                let y = T::cast(T::reduce_logsumexp(x, axis, false), DType::F64);
                y.eval(ctx).expect("a value").view::<f64>().expect("floats").to_owned()
            };
            assert_eq!(of([0, 3], 0), arr1(&[-INF; 3]).into_dyn());
            assert_eq!(of([3, 0], 1), arr1(&[-INF; 3]).into_dyn());
            assert_eq!(of([3, 0], 0).len(), 0);
        });
    }
    run(|ctx| {
        // The length is known only at run time.
        let x = ctx.placeholder("x", &[-1]);
        let y = T::reduce_logsumexp(x, (), false);
        let g = T::grad(&[y], &[x])[0];
        let out = ctx.evaluator().push(y).push(g).feed(x, arr1(&[0f64; 0])).run();
        assert_eq!(out[0].as_ref().expect("a value").item().expect("one"), -INF);
        assert_eq!(out[1].as_ref().expect("a gradient").shape(), [0]);
        // Nothing of nothing is no error.
        for f in
            [(|_, x| T::softmax(x, -1i64)) as Function, |_, x| T::log_softmax(x, -1i64), |_, x| T::reduce_logsumexp(x, -1i64, true) + x]
        {
            let x = ctx.placeholder("rows", &[3, -1]);
            let y = f(ctx, x);
            let g = T::grad(&[y], &[x])[0];
            let out = ctx.evaluator().push(y).push(g).feed(x, Array2::<f64>::zeros((3, 0))).run();
            assert!(out.iter().all(|a| a.as_ref().expect("a value").shape() == [3, 0]));
        }
    });
}

#[test]
fn softmax_of_infinite_elements() {
    let f: Function = |_, x| T::softmax(x, -1i64);
    let (p, q) = pair();
    // The cotangents are 2 and 3 where the elements are finite, and so are the weights: the second gradient is that of
    // sum(w p (g - g.p)).
    let mean = 2.0 * p + 3.0 * q;
    let (a, b) = (p * (2.0 - mean), q * (3.0 - mean));
    let spread = 2.0 * a + 3.0 * b;
    let second = |p: f64, c: f64| p * ((c - mean) * (c - mean) - spread);
    check("partly -inf", f, &arr1(&[-INF, 0.0, 1.0]), [&[0.0, p, q], &[0.0, a, b], &[0.0, second(p, 2.0), second(q, 3.0)]]);
    check("one finite", f, &arr1(&[-INF, 7.0]), [&[0.0, 1.0], &[0.0; 2], &[0.0; 2]]);
    // As SciPy: there is no distribution.
    check("all -inf", f, &arr1(&[-INF, -INF]), [&[NAN; 2], &[NAN; 2], &[NAN; 2]]);
    check("inf", f, &arr1(&[INF, 0.0]), [&[NAN; 2], &[NAN; 2], &[NAN; 2]]);
    let f: Function = |_, x| T::log_softmax(x, -1i64);
    // g - p sum(g), with the cotangents 1, 2, 3; the derivative of -6 sum(w p) for the weights 1, 2, 3.
    let first = [1.0, 2.0 - 6.0 * p, 3.0 - 6.0 * q];
    let expected: [&[f64]; 3] = [&[-INF, p.ln(), q.ln()], &first, &[0.0, -6.0 * a, -6.0 * b]];
    check("log, partly -inf", f, &arr1(&[-INF, 0.0, 1.0]), expected);
    let [y, ..] = derivatives(f, &arr1(&[INF, 0.0]), DType::F64);
    near("log, inf", &y, &[NAN, -INF], 0.0);
    let [y, ..] = derivatives(f, &arr1(&[-INF, -INF]), DType::F64);
    near("log, all -inf", &y, &[NAN; 2], 0.0);
}

/// A row of only -inf has no distribution, and leaves nothing where it is not taken: not in a gradient of any order.
#[test]
fn rows_of_minus_infinity_that_are_not_taken() {
    let functions: [(&str, Function); 6] = [
        ("softmax", |_, x| T::softmax(x, -1i64)),
        ("log_softmax", |_, x| T::log_softmax(x, -1i64)),
        ("logsumexp", |_, x| T::reduce_logsumexp(x, -1i64, true)),
        ("softmax of a product", |_, x| T::square(T::softmax(x * 2.0, -1i64))),
        ("norm", |_, x| T::norm(x, (), 1, true)),
        ("deviation", |_, x| T::std(x, 1, 0, true)),
    ];
    let taken: for<'g> fn(&'g Context) -> Tensor<'g> = |ctx| ctx.constant(arr2(&[[false], [true]]));
    for (name, f) in functions {
        let of = |first: f64| {
            run(|ctx| {
                let t = ctx.placeholder("x", &[2, 3]);
                let weights = ctx.constant(arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]]));
                // A mask makes the row, and another leaves it out.
                let rows = T::select(taken(ctx), t, first);
                let y = T::select(taken(ctx), f(ctx, rows), 0.0) * weights;
                let g = T::grad(&[y], &[t])[0];
                let gg = T::grad(&[g * weights], &[t])[0];
                let direct = T::select(taken(ctx), f(ctx, t), 0.0) * weights;
                let dg = T::grad(&[direct], &[t])[0];
                let dgg = T::grad(&[dg * weights], &[t])[0];
                let x = arr2(&[[first; 3], [0.5, -1.0, 2.0]]);
                let out = ctx.evaluator().push(g).push(gg).push(dg).push(dgg).feed(t, x).run();
                [0, 1, 2, 3].map(|k| out[k].as_ref().expect("a value").view::<f64>().expect("floats").to_owned())
            })
        };
        let (found, expected) = (of(-INF), of(1.0));
        assert_eq!(found, expected, "{name}");
        assert!(found.iter().all(|g| g.iter().take(3).all(|g| *g == 0.0) && g.iter().all(|g| g.is_finite())), "{name}: {found:?}");
    }
}

#[test]
fn losses_of_infinite_logits() {
    let (p, q) = pair();
    let f: Function = |ctx, x| T::softmax_cross_entropy(x, T::cast(ctx.constant(arr2(&[[0.0, 0.25, 0.75]])), x.dtype()));
    let value = 0.25 * -p.ln() + 0.75 * -q.ln();
    let mean = 2.0 * p + 3.0 * q;
    let second = [0.0, p * (2.0 - mean), q * (3.0 - mean)];
    check("cross entropy", f, &arr2(&[[-INF, 0.0, 1.0]]), [&[value], &[0.0, p - 0.25, q - 0.75], &second]);
    // A class that occurs and cannot.
    check(
        "impossible",
        f,
        &arr2(&[[0.0, -INF, 1.0]]),
        [&[INF], &[p, -0.25, q - 0.75], &[p * (1.0 - (p + 3.0 * q)), 0.0, q * (3.0 - (p + 3.0 * q))]],
    );
    let f: Function = |ctx, x| T::sparse_softmax_cross_entropy(x, ctx.constant(arr1(&[1.0])));
    check("sparse", f, &arr2(&[[-INF, 0.0, 1.0]]), [&[-p.ln()], &[0.0, p - 1.0, q], &second]);
    check("sparse, impossible", f, &arr2(&[[0.0, -INF]]), [&[INF], &[1.0, -1.0], &[0.0; 2]]);
    // The targets' gradient is how much they cost.
    let costs = run(|ctx| {
        let (x, t) = (ctx.constant(arr2(&[[-INF, 0.0]])), ctx.constant(arr2(&[[0.0, 1.0]])));
        T::grad(&[T::softmax_cross_entropy(x, t)], &[t])[0].eval(ctx).expect("a value").view::<f64>().expect("floats").to_owned()
    });
    near("costs", &costs, &[INF, 0.0], 0.0);
    for (target, x, expected) in [
        (0.0, [-INF, INF], [[0.0, INF], [0.0, 2.0], [0.0, 0.0]]),
        (1.0, [-INF, INF], [[INF, 0.0], [-1.0, 0.0], [0.0, 0.0]]),
        (0.5, [-INF, INF], [[INF, INF], [-0.5, 1.0], [0.0, 0.0]]),
        // exp(-40): the value and the slope at the right end are as small, not 0.
        (
            1.0,
            [40.0, -40.0],
            [[4.248354255291589e-18, 40.0], [-4.248354255291589e-18, -2.0], [4.248354255291589e-18, 4.0 * 4.248354255291589e-18]],
        ),
        (
            0.0,
            [40.0, -40.0],
            [[40.0, 4.248354255291589e-18], [1.0, 2.0 * 4.248354255291589e-18], [4.248354255291589e-18, 4.0 * 4.248354255291589e-18]],
        ),
        (0.25, [0.0, -0.0], [[2f64.ln(); 2], [0.25, 0.5], [0.25, 1.0]]),
    ] {
        let f: Function = match target {
            0.0 => |_, x| T::sigmoid_cross_entropy(x, 0.0),
            1.0 => |_, x| T::sigmoid_cross_entropy(x, 1.0),
            0.5 => |_, x| T::sigmoid_cross_entropy(x, 0.5),
            _ => |_, x| T::sigmoid_cross_entropy(x, 0.25),
        };
        check(&format!("sigmoid against {target} at {x:?}"), f, &arr1(&x), [&expected[0], &expected[1], &expected[2]]);
    }
}

#[test]
fn functions_of_one_number_at_infinity() {
    let x = arr1(&[-INF, INF]);
    let expected: [(&str, Function, [[f64; 2]; 3]); 8] = [
        ("softplus", |_, x| T::softplus(x), [[0.0, INF], [0.0, 2.0], [0.0; 2]]),
        ("sigmoid", |_, x| T::sigmoid(x), [[0.0, 1.0], [0.0; 2], [0.0; 2]]),
        ("tanh", |_, x| T::tanh(x), [[-1.0, 1.0], [0.0; 2], [0.0; 2]]),
        ("erf", |_, x| T::erf(x), [[-1.0, 1.0], [0.0; 2], [0.0; 2]]),
        ("erfc", |_, x| T::erfc(x), [[2.0, 0.0], [0.0; 2], [0.0; 2]]),
        ("ndtr", |_, x| T::ndtr(x), [[0.0, 1.0], [0.0; 2], [0.0; 2]]),
        ("gelu", |_, x| T::gelu(x), [[0.0, INF], [0.0, 2.0], [0.0; 2]]),
        ("exp", |_, x| T::exp(x), [[0.0, INF], [0.0, INF], [0.0, INF]]),
    ];
    for (name, f, [y, g, gg]) in expected {
        check(name, f, &x, [&y, &g, &gg]);
    }
}
