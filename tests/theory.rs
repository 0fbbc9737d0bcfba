//! Values that theory fixes: edges, ties, masks, control, randomness. First and second order where both mean something.

use ndarray::{arr1, arr2};
use scirs2_autograd::Aval;
use scirs2_autograd::check::gradcheck;
use scirs2_autograd::op::{Avals, ComputeContext, GradientContext, Op};
use scirs2_autograd::{Context, Error, ErrorKind, Result, Tensor, VariableEnvironment, run, tensor_ops as T};

#[path = "common/values.rs"]
mod values;
use values::{Function, derivatives, near, same};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

#[test]
fn a_branch_that_is_not_taken_leaves_nothing() {
    // The derivative of sqrt at 0 and below is infinite or NaN; the double-where trick is not needed.
    let [y, g, gg] = derivatives(|x| T::select(T::greater(x, 0.0), T::sqrt(x), 0.0), &[-1.0, 0.0, 1.0]);
    same(&y, &[0.0, 0.0, 1.0]);
    same(&g, &[0.0, 0.0, 0.5]);
    same(&gg, &[0.0, 0.0, -0.25]);
    let [_, g, gg] = derivatives(|x| T::select(T::less_equal(x, 0.0), 0.0 * x + 3.0, T::log(x)), &[-1.0, 0.0, 2.0]);
    same(&g, &[0.0, 0.0, 0.5]);
    same(&gg, &[0.0, 0.0, -0.25]);
}

#[test]
fn masks_pass_through_movement() {
    // Between the singular function and the mask, elements move: the cotangent stays exactly 0.
    let through: [Function; 13] = [
        |y| T::flip(y, ()),
        |y| T::roll(y, 1, ()),
        |y| T::diag(y, 1),
        |y| T::diag(T::diag(y, -1), -1),
        |y| T::pad(y, 0.0, 2, T::PadMode::Constant),
        |y| T::tril(y, 1),
        |y| T::reshape(y, [2i64, 2]),
        |y| T::transpose(T::reshape(y, [2i64, 2]), ()),
        |y| T::expand_dims(y, 0),
        |y| T::squeeze(T::expand_dims(y, 1), 1),
        |y| T::slice(T::concat(&[y, y], 0), [0], [4]),
        |y| T::concat(&[T::slice(y, [0], [2]), T::slice(y, [2], [4])], 0),
        |y| T::neg(T::neg(T::reshape(y, [4i64]))),
    ];
    for (k, f) in through.into_iter().enumerate() {
        let g = run(|ctx| {
            let x = ctx.placeholder("x", &[4]);
            let moved = f(T::sqrt(x));
            let keep = f(T::cast(T::greater(x, 0.0), scirs2_autograd::DType::F64));
            let y = T::select(T::greater(keep, 0.5), moved, 0.0);
            let g = T::grad(&[y], &[x])[0];
            let gg = T::grad(&[g], &[x])[0];
            let out = ctx.evaluator().push(g).push(gg).feed(x, arr1(&[-1.0, 0.0, 1.0, 4.0])).run();
            out.into_iter().map(|a| a.unwrap().as_slice::<f64>().unwrap().to_vec()).collect::<Vec<_>>()
        });
        // A triangle repeats a vector.
        let times = if k == 5 { [4.0, 4.0, 3.0, 2.0] } else { [1.0; 4] };
        let expected = |list: [f64; 4]| [0, 1, 2, 3].map(|i| list[i] * times[i]);
        assert_eq!(g[0], expected([0.0, 0.0, 0.5, 0.25]), "movement {k}");
        assert_eq!(g[1], expected([0.0, 0.0, -0.25, -1.0 / 32.0]), "movement {k}, second");
    }
}

#[test]
fn a_computed_zero_is_an_ordinary_number() {
    let [y, g, gg] = derivatives(|x| T::square(T::sqrt(x)), &[0.0, 4.0]);
    same(&y, &[0.0, 4.0]);
    same(&g, &[1.0, 1.0]);
    near(&gg, &[0.0, 0.0], 0.0);
    let [_, g, gg] = derivatives(|x| T::sqrt(x) * T::sqrt(x), &[0.0, 4.0]);
    same(&g, &[1.0, 1.0]);
    near(&gg, &[0.0, 0.0], 0.0);
    let [_, g, gg] = derivatives(|x| T::pow(T::sqrt(x), 2.0), &[0.0, 4.0]);
    same(&g, &[1.0, 1.0]);
    near(&gg, &[0.0, 0.0], 0.0);
    // 0 * inf stays NaN: nothing is absorbed by value.
    let [_, g, _] = derivatives(|x| T::sqrt(x) * 0.0, &[0.0]);
    assert!(g[0].is_nan());
    // A quotient that the user wrote is computed as written.
    let out = run(|ctx| {
        let (a, b, y) = (ctx.placeholder("a", &[]), ctx.placeholder("b", &[]), ctx.placeholder("y", &[]));
        ctx.evaluator().push((a * y) / (b * y)).feed(a, 1.0).feed(b, 2.0).feed(y, 0.0).run()[0].clone().unwrap().item().unwrap()
    });
    assert!(out.is_nan());
}

#[test]
fn kinks_have_the_published_subgradients() {
    let [_, g, gg] = derivatives(|x| T::relu(x), &[-1.0, 0.0, -0.0, 2.0, INF, -INF]);
    same(&g, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    same(&gg, &[0.0; 6]);
    let [_, g, _] = derivatives(|x| T::abs(x), &[-3.0, 0.0, 3.0]);
    assert_eq!(g, [-1.0, 0.0, 1.0]);
    let [_, g, _] = derivatives(|x| T::clip(x, -1.0, 1.0), &[-2.0, -1.0, 0.0, 1.0, 2.0]);
    same(&g, &[0.0, 0.0, 1.0, 0.0, 0.0]);
    let [_, g, _] = derivatives(|x| T::sign(x), &[-3.0, 0.0, 3.0]);
    same(&g, &[0.0; 3]);
}

#[test]
fn powers_at_zero() {
    let powers: [(Function, [f64; 3]); 5] = [
        (|x| T::pow(x, 0.0), [1.0, 0.0, 0.0]),
        (|x| T::pow(x, 1.0), [0.0, 1.0, 0.0]),
        (|x| T::pow(x, 2.0), [0.0, 0.0, 2.0]),
        (|x| T::pow(x, 3.0), [0.0, 0.0, 0.0]),
        // An exponent that is computed.
        (|x| T::pow(x, T::stop_gradient(x) * 0.0), [1.0, 0.0, 0.0]),
    ];
    for (k, (f, expected)) in powers.into_iter().enumerate() {
        let [y, g, gg] = derivatives(f, &[0.0]);
        assert_eq!([y[0], g[0], gg[0]], expected, "power {k}");
    }
}

#[test]
fn a_function_used_twice_under_masks_leaves_nothing() {
    let [_, g, gg] = derivatives(
        |x| {
            let (y, positive) = (T::sqrt(x), T::greater(x, 0.0));
            T::select(positive, y * 2.0, 0.0) + T::select(T::greater(x, 1.0), 1.0 / y, 0.0)
        },
        &[-1.0, 0.0, 1.0, 4.0],
    );
    same(&g, &[0.0, 0.0, 1.0, 0.5 - 1.0 / 16.0]);
    near(&gg, &[0.0, 0.0, -0.5, -1.0 / 16.0 + 3.0 / 128.0], 1e-16);
}

#[test]
fn ties_share_equally() {
    let pair = |f: for<'g> fn(Tensor<'g>, Tensor<'g>) -> Tensor<'g>| {
        run(|ctx| {
            let (a, b) = (ctx.placeholder("a", &[3]), ctx.placeholder("b", &[3]));
            let g = T::grad(&[f(a, b)], &[a, b]);
            let out = ctx.evaluator().extend(&g).feed(a, arr1(&[1.0, 2.0, 3.0])).feed(b, arr1(&[2.0, 2.0, 2.0])).run();
            out.into_iter().map(|a| a.unwrap().as_slice::<f64>().unwrap().to_vec()).collect::<Vec<_>>()
        })
    };
    assert_eq!(pair(|a, b| T::maximum(a, b)), [[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]]);
    assert_eq!(pair(|a, b| T::minimum(a, b)), [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]]);
    let [_, g, gg] = derivatives(|x| T::reduce_max(x, (), false), &[1.0, 3.0, 3.0, 2.0]);
    same(&g, &[0.0, 0.5, 0.5, 0.0]);
    same(&gg, &[0.0; 4]);
    let [_, g, _] = derivatives(|x| T::reduce_min(x, (), false), &[3.0, 1.0, 1.0, 1.0]);
    near(&g, &[0.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], 1e-15);
    // The index names one of them.
    let [_, g, _] = derivatives(|x| T::max_with_index(x, 0).0, &[1.0, 3.0, 3.0]);
    assert_eq!(g, [0.0, 1.0, 0.0]);
}

/// The values of a function of two numbers and of its first and second derivatives, the mixed one last, at points.
fn of_two(f: for<'g> fn(Tensor<'g>, Tensor<'g>) -> Tensor<'g>, a: &[f64], b: &[f64]) -> [Vec<f64>; 6] {
    run(|ctx| {
        let (x, y) = (ctx.placeholder("x", &[-1]), ctx.placeholder("y", &[-1]));
        let z = f(x, y);
        let g = T::grad(&[z], &[x, y]);
        let (xx, yy) = (T::grad(&[g[0]], &[x, y]), T::grad(&[g[1]], &[y]));
        let all = [z, g[0], g[1], xx[0], yy[0], xx[1]];
        let out = ctx.evaluator().extend(&all).feed(x, ndarray::Array1::from(a.to_vec())).feed(y, ndarray::Array1::from(b.to_vec())).run();
        let out: Vec<Vec<f64>> = out.into_iter().map(|a| a.unwrap().as_slice::<f64>().unwrap().to_vec()).collect();
        out.try_into().unwrap()
    })
}

#[test]
fn the_cardinal_sine_is_smooth_at_zero() {
    let pi = std::f64::consts::PI;
    let at = |x: f64| {
        run(|ctx| {
            let p = ctx.placeholder("x", &[]);
            let mut list = vec![T::sinc(p)];
            for k in 0..5 {
                list.push(T::grad(&[list[k]], &[p])[0]);
            }
            let out = ctx.evaluator().extend(&list).feed(p, x).run();
            out.into_iter().map(|a| a.unwrap().item().unwrap()).collect::<Vec<f64>>()
        })
    };
    near(&at(0.0), &[1.0, 0.0, -pi.powi(2) / 3.0, 0.0, pi.powi(4) / 5.0, 0.0], 1e-14);
    let x = 1e-9;
    near(&at(x), &[1.0, -pi.powi(2) / 3.0 * x, -pi.powi(2) / 3.0, pi.powi(4) / 5.0 * x, pi.powi(4) / 5.0, -pi.powi(6) / 7.0 * x], 1e-14);
    // At whole numbers by the equation x y'' + 2 y' + pi^2 x y = 0 and its derivatives.
    let [y, d, dd, ddd] = at(3.0)[..4] else { panic!() };
    near(&[y, d, dd, ddd], &[0.0, -1.0 / 3.0, 2.0 / 9.0, pi.powi(2) / 3.0 - 2.0 / 9.0], 1e-13);
    // Where the series ends and the equation begins.
    let (before, after) = (at(0.5 - 1e-9), at(0.5));
    near(&before, &after, 1e-6);
}

#[test]
fn lengths_and_logarithms_at_their_edges() {
    let [y, a, b, aa, bb, ab] = of_two(|a, b| T::hypot(a, b), &[0.0, 3.0, 0.0, 1e300], &[0.0, 4.0, -2.0, 1e300]);
    near(&y, &[0.0, 5.0, 2.0, 2f64.sqrt() * 1e300], 1e-15);
    near(&a, &[0.0, 0.6, 0.0, 0.5f64.sqrt()], 1e-15);
    near(&b, &[0.0, 0.8, -1.0, 0.5f64.sqrt()], 1e-15);
    near(&aa, &[0.0, 16.0 / 125.0, 0.5, 0.0], 1e-15);
    near(&bb, &[0.0, 9.0 / 125.0, 0.0, 0.0], 1e-15);
    near(&ab, &[0.0, -12.0 / 125.0, 0.0, 0.0], 1e-15);
    // Nothing added to nothing, and an infinity to itself.
    let (p, q) = ([-INF, INF, -INF, 0.0, 50.0], [-INF, INF, 1.0, 0.0, -750.0]);
    let [y, a, b, aa, bb, ab] = of_two(|a, b| T::logaddexp(a, b), &p, &q);
    near(&y, &[-INF, INF, 1.0, 2f64.ln(), 50.0], 1e-15);
    near(&a, &[0.0, 0.5, 0.0, 0.5, 1.0], 1e-15);
    near(&b, &[0.0, 0.5, 1.0, 0.5, 0.0], 1e-15);
    for second in [aa, bb, ab.iter().map(|x| -x).collect()] {
        near(&second, &[0.0, 0.25, 0.0, 0.25, 0.0], 1e-15);
    }
    let [y, a, ..] = of_two(|a, b| T::logaddexp2(a, b), &p, &q);
    near(&y, &[-INF, INF, 1.0, 1.0, 50.0], 1e-15);
    near(&a, &[0.0, 0.5, 0.0, 0.5, 1.0], 1e-15);
    // 0 times the logarithm of 0.
    let (x, y) = ([0.0, 0.0, 0.0, 2.0], [0.0, 3.0, INF, 1.0]);
    let [z, a, b, aa, _, ab] = of_two(|x, y| T::xlogy(x, y), &x, &y);
    near(&z, &[0.0; 4], 0.0);
    near(&a, &[-INF, 3f64.ln(), INF, 0.0], 1e-15);
    near(&b, &[0.0, 0.0, 0.0, 2.0], 0.0);
    near(&aa, &[0.0; 4], 0.0);
    near(&ab[1..], &[1.0 / 3.0, 0.0, 1.0], 1e-15);
    let [z, a, b, ..] = of_two(|x, y| T::xlog1py(x, y), &x, &[-1.0, 2.0, INF, 0.0]);
    near(&z, &[0.0; 4], 0.0);
    near(&a, &[-INF, 3f64.ln(), INF, 0.0], 1e-15);
    near(&b, &[0.0, 0.0, 0.0, 2.0], 0.0);
}

#[test]
fn signs_and_steps_have_the_published_subgradients() {
    let [y, a, b, ..] = of_two(|a, b| T::copysign(a, b), &[1.0, -2.0, 0.0, 3.0, -INF], &[-1.0, -1.0, -1.0, -0.0, 1.0]);
    near(&y, &[-1.0, -2.0, -0.0, -3.0, INF], 0.0);
    near(&a, &[-1.0, 1.0, 0.0, -1.0, -1.0], 0.0);
    near(&b, &[0.0; 5], 0.0);
    let [y, x, value, ..] = of_two(|x, value| T::heaviside(x, value), &[-2.0, 0.0, -0.0, 1.0, NAN], &[0.5; 5]);
    same(&y, &[0.0, 0.5, 0.5, 1.0, NAN]);
    near(&x, &[0.0; 5], 0.0);
    near(&value, &[0.0, 1.0, 1.0, 0.0, 0.0], 0.0);
    for f in [(|x| T::floor(x)) as Function, |x| T::ceil(x), |x| T::trunc(x), |x| T::rint(x), |x| T::round(x, 2)] {
        let [_, g, _] = derivatives(f, &[-1.5, 0.0, 2.0, INF]);
        near(&g, &[0.0; 4], 0.0);
    }
    let [_, g, gg] = derivatives(|x| T::frac(x), &[-1.5, 0.0, 2.25]);
    near(&g, &[1.0; 3], 0.0);
    near(&gg, &[0.0; 3], 0.0);
    let [y, g, _] = derivatives(|x| T::cbrt(x), &[-8.0, 0.0, 27.0]);
    near(&y, &[-2.0, 0.0, 3.0], 0.0);
    near(&g, &[1.0 / 12.0, INF, 1.0 / 27.0], 1e-15);
}

#[test]
fn a_remainder_is_that_of_the_language() {
    run(|ctx| {
        let x = ctx.constant(arr1(&[7.5, -7.5]));
        assert_eq!((x % 2.0).eval(ctx).unwrap(), arr1(&[7.5f64 % 2.0, -7.5 % 2.0]));
        assert_eq!(T::remainder(x, 2.0).eval(ctx).unwrap(), arr1(&[7.5f64.rem_euclid(2.0), (-7.5f64).rem_euclid(2.0)]));
        assert_eq!((5.0 % x).eval(ctx).unwrap(), arr1(&[5.0, 5.0]));
    });
}

#[test]
fn large_arguments_do_not_overflow() {
    let [y, g, gg] = derivatives(|x| T::tanh(x), &[-400.0, 400.0, 0.0]);
    same(&y, &[-1.0, 1.0, 0.0]);
    near(&g, &[0.0, 0.0, 1.0], 0.0);
    near(&gg, &[0.0, 0.0, 0.0], 0.0);
    let [y, g, gg] = derivatives(|x| T::reduce_logsumexp(x, (), false), &[1e4, 1e4, -1e4]);
    near(&y, &[1e4 + 2f64.ln()], 1e-15);
    near(&g, &[0.5, 0.5, 0.0], 1e-15);
    near(&gg, &[0.0; 3], 1e-15);
    let [y, g, _] = derivatives(|x| T::reduce_logsumexp(x, (), false), &[-INF, 0.0]);
    same(&y, &[0.0]);
    same(&g, &[0.0, 1.0]);
    let [y, _, _] = derivatives(|x| T::reduce_logsumexp(x, (), false), &[-INF, -INF]);
    same(&y, &[-INF]);
    let [y, _, _] = derivatives(|x| T::reduce_logsumexp(x, (), false), &[INF, 0.0]);
    same(&y, &[INF]);
    let [y, g, _] = derivatives(|x| T::softmax(x, 0), &[1e4, -1e4, 1e4]);
    same(&y, &[0.5, 0.0, 0.5]);
    near(&g, &[0.0; 3], 1e-16);
    let [y, g, gg] = derivatives(|x| T::sigmoid_cross_entropy(x, 1.0 - T::stop_gradient(x) * 0.0), &[-800.0, 800.0, 0.0]);
    near(&y, &[800.0, 0.0, 2f64.ln()], 1e-15);
    near(&g, &[-1.0, 0.0, -0.5], 1e-15);
    near(&gg, &[0.0, 0.0, 0.25], 1e-15);
    let loss = run(|ctx| {
        let (x, t) = (ctx.placeholder("x", &[2, 2]), ctx.placeholder("t", &[2]));
        let y = T::sparse_softmax_cross_entropy(x, t);
        let g = T::grad(&[y], &[x]);
        let out = ctx.evaluator().push(y).push(g[0]).feed(x, arr2(&[[1e4, -1e4], [1e4, -1e4]])).feed(t, arr1(&[0.0, 1.0])).run();
        out.into_iter().map(|a| a.unwrap().as_slice::<f64>().unwrap().to_vec()).collect::<Vec<_>>()
    });
    near(&loss[0], &[0.0, 2e4], 1e-15);
    near(&loss[1], &[0.0, 0.0, 1.0, -1.0], 1e-15);
}

#[test]
fn reductions_over_nothing() {
    let value = |f: Function| run(|ctx| f(ctx.zeros([0, 3])).eval(ctx).unwrap().as_slice::<f64>().unwrap().to_vec());
    same(&value(|x| T::reduce_sum(x, (), false)), &[0.0]);
    same(&value(|x| T::reduce_sum(x, 0, false)), &[0.0; 3]);
    same(&value(|x| T::reduce_mean(x, 0, false)), &[NAN; 3]);
    same(&value(|x| T::reduce_sum(x, 1, false)), &[]);
    same(&value(|x| T::matmul(T::transpose(x, ()), x)), &[0.0; 9]);
    same(&value(|x| T::grad(&[T::reduce_sum(T::square(x), (), false)], &[x])[0]), &[]);
}

#[test]
fn gradients_stop_where_they_are_told() {
    let [_, g, gg] = derivatives(|x| T::stop_gradient(x * x) * x, &[3.0]);
    assert_eq!((g[0], gg[0]), (9.0, 0.0));
    run(|ctx| {
        let (x, y) = (ctx.placeholder("x", &[2]), ctx.placeholder("y", &[2]));
        // What y does not depend on has a gradient of zeros, and needs no feed.
        let g = T::grad(&[x * x], &[y])[0];
        assert_eq!(g.eval(ctx).unwrap(), arr1(&[0.0, 0.0]));
        // Given cotangents, broadcast to the outputs.
        let g = T::grad_with_default(&[x * y], &[x, y], &[ctx.constant(arr1(&[1.0, 10.0]))]);
        let out = ctx.evaluator().extend(&g).feed(x, arr1(&[2.0, 3.0])).feed(y, arr1(&[5.0, 7.0])).run();
        assert_eq!(*out[0].as_ref().unwrap(), arr1(&[5.0, 70.0]));
        assert_eq!(*out[1].as_ref().unwrap(), arr1(&[2.0, 30.0]));
        // Of a tensor by itself.
        let g = T::grad(&[x], &[x])[0];
        assert_eq!(g.eval(ctx).unwrap(), arr1(&[1.0, 1.0]));
        // By an inner value: what is below it does not count.
        let z = x * 2.0;
        let g = T::grad(&[z * z], &[z])[0];
        assert_eq!(*ctx.evaluator().push(g).feed(x, arr1(&[1.0, 2.0])).run()[0].as_ref().unwrap(), arr1(&[4.0, 8.0]));
    });
}

#[test]
fn integers_are_not_differentiable() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[2]);
        let i = T::cast(x, scirs2_autograd::DType::I64);
        let e = T::grad(&[x * i], &[i])[0].eval(ctx).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NotDifferentiable);
        let text = e.to_string();
        assert!(text.starts_with("grad: not a floating tensor. Got Tensor("), "{text}");
        assert!(text.ends_with("expected float32 or float64.\nhelp: cast it to a floating dtype before it is used"), "{text}");
        assert!(e.site().unwrap().to_string().contains("theory.rs"), "{:?}", e.site());
    });
}

/// Evaluates with one feed.
fn at<'g>(ctx: &'g Context, t: Tensor<'g>, x: Tensor<'g>, value: f64) -> Result<f64> {
    ctx.evaluator().push(t).feed(x, value).run()[0].clone()?.item()
}

#[test]
fn branches_differentiate() {
    run(|ctx| {
        let (x, w) = (ctx.placeholder("x", &[]), ctx.placeholder("w", &[]));
        // w is used in both bodies, and outside of them.
        let y = T::cond(T::greater(x, 0.0), || x * x * w, || T::sin(x) * w) + w;
        let g = T::grad(&[y], &[x, w]);
        let gg = T::grad(&[g[0]], &[x, w]);
        let ev = |t: Tensor<'_>, v: f64| {
            let t = ctx.tensor(t.value());
            ctx.evaluator().push(t).feed(x, v).feed(w, 3.0).run()[0].clone().unwrap().item().unwrap()
        };
        assert_eq!(ev(y, 2.0), 15.0);
        assert_eq!([ev(g[0], 2.0), ev(g[1], 2.0), ev(gg[0], 2.0), ev(gg[1], 2.0)], [12.0, 5.0, 6.0, 4.0]);
        let s = (-2f64).sin();
        near(&[ev(g[0], -2.0), ev(g[1], -2.0)], &[3.0 * (-2f64).cos(), s + 1.0], 1e-15);
        near(&[ev(gg[0], -2.0), ev(gg[1], -2.0)], &[-3.0 * s, (-2f64).cos()], 1e-15);
        // A body that is not taken does not run: its failure does not matter.
        let safe = T::cond(T::greater(x, 0.0), || x, || T::check_finite(x / 0.0));
        assert_eq!(at(ctx, safe, x, 1.0).unwrap(), 1.0);
        assert_eq!(at(ctx, safe, x, -1.0).unwrap_err().kind(), ErrorKind::Value);
    });
}

#[test]
fn branches_nest() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[]);
        let y = T::cond(
            T::greater(x, 0.0),
            || T::cond(T::greater(x, 1.0), || x * x * x, || x * x),
            || T::cond(T::less(x, -1.0), || -x, || x * 0.0),
        );
        let g = T::grad(&[y], &[x])[0];
        let gg = T::grad(&[g], &[x])[0];
        for (v, d, dd) in [(2.0, 12.0, 12.0), (0.5, 1.0, 2.0), (-3.0, -1.0, 0.0), (-0.5, 0.0, 0.0)] {
            assert_eq!(at(ctx, g, x, v).unwrap(), d, "at {v}");
            assert_eq!(at(ctx, gg, x, v).unwrap(), dd, "second at {v}");
        }
    });
    // A branch by differences, in the middle of a program.
    for v in [0.7, -0.7] {
        gradcheck(
            |_, xs| {
                let s = T::reduce_sum(xs[0], (), false);
                let z = T::cond(T::greater(s, 0.0), || T::exp(xs[0]) * xs[1], || T::square(xs[0]) + xs[1] * xs[1]);
                T::tanh(z)
            },
            &[arr1(&[v, 0.3 * v]).into_dyn(), arr1(&[0.4, -1.1]).into_dyn()],
            2,
        )
        .unwrap();
    }
}

#[test]
fn errors_name_the_users_line() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[2]);
        let y = ctx.placeholder("y", &[3]);
        let line = line!() + 1;
        let bad = x + y;
        let e: Error = bad.eval(ctx).unwrap_err();
        assert!(e.site().unwrap().to_string().ends_with(&format!("theory.rs:{line}:19")), "{:?}", e.site());
        // The first error is handed on.
        let e = (bad * 2.0).eval(ctx).unwrap_err();
        assert!(e.site().unwrap().to_string().contains(&format!("theory.rs:{line}:")), "{:?}", e.site());
        // In a body.
        let s = T::reduce_sum(x, (), false);
        let line = line!() + 1;
        let body = T::cond(T::greater(s, 0.0), || T::reduce_sum(x + y, (), false), || s);
        let e = body.eval(ctx).unwrap_err();
        assert!(e.site().unwrap().to_string().contains(&format!("theory.rs:{line}:")), "{:?}", e.site());
        // Of a run.
        let line = line!() + 1;
        let picked = T::check_finite(x);
        let e = ctx.evaluator().push(picked).feed(x, arr1(&[1.0, NAN])).run()[0].clone().unwrap_err();
        assert_eq!(e.to_string(), "check_finite: a value is not finite. Got NaN at position 1; expected finite numbers.");
        assert!(e.site().unwrap().to_string().contains(&format!("theory.rs:{line}:")), "{:?}", e.site());
        // Of a feed that does not fit what became of unknown lengths.
        let (a, b) = (ctx.placeholder("a", &[-1]), ctx.placeholder("b", &[3]));
        let line = line!() + 1;
        let sum = a + b;
        let e = ctx.evaluator().push(sum).feed(a, arr1(&[1.0, 2.0])).feed(b, arr1(&[0.0; 3])).run()[0].clone().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Shape);
        assert!(e.site().unwrap().to_string().contains(&format!("theory.rs:{line}:")), "{:?}", e.site());
    });
}

#[test]
fn bodies_and_targets_that_do_not_fit_are_errors() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[2]);
        let s = T::reduce_sum(x, (), false);
        let text = |t: Tensor<'_>| ctx.tensor(t.value()).error().unwrap().to_string();
        assert_eq!(
            text(T::cond(T::greater(s, 0.0), || x, || s)),
            "cond: the bodies' results differ. Got float64 (2,) and float64 (); expected equal dtypes and shapes."
        );
        assert_eq!(
            text(T::cond(T::greater(x, 0.0), || x, || x)),
            "cond: the condition is not a single value. Got shape (2,); expected a 0-d tensor."
        );
        assert_eq!(text(T::assign(x, s)), "assign: the target is not a variable. Got placeholder; expected a tensor from `ctx.variable`.");
        assert_eq!(text(T::standard_normal([-1], ctx)), "standard_normal: a length is negative. Got (-1,); expected lengths >= 0.");
    });
    let env = VariableEnvironment::new();
    env.name("w").set(arr1(&[1.0, 2.0]));
    env.run(|ctx| {
        let w = ctx.variable("w");
        let text = |t: Tensor<'_>| ctx.tensor(t.value()).error().unwrap().to_string();
        assert_eq!(
            text(T::assign(w, ctx.zeros([3]))),
            "assign: the value does not fit the variable. Got (3,) for (2,); expected equal shapes."
        );
        let c = T::reduce_sum(w, (), false);
        assert_eq!(
            text(T::cond(T::greater(c, 0.0), || T::assign(w, w * 2.0), || w)),
            "cond: a body writes to a variable. Got `assign`; expected bodies that only compute."
        );
        // All reads see the old value; the gradient of an assignment is that of its value.
        let y = T::assign(w, w * w);
        let g = T::grad(&[y], &[w])[0];
        let out = ctx.evaluator().push(w + 0.0).push(y).push(g).run();
        assert_eq!(*out[0].as_ref().unwrap(), arr1(&[1.0, 2.0]));
        assert_eq!(*out[1].as_ref().unwrap(), arr1(&[1.0, 4.0]));
        assert_eq!(*out[2].as_ref().unwrap(), arr1(&[2.0, 4.0]));
    });
    assert_eq!(env.get(env.lookup("", "w").unwrap()).unwrap(), arr1(&[1.0, 4.0]));
}

#[test]
fn derived_products() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[2]);
        let y = T::concat(&[x * x, T::expand_dims(T::reduce_sum(x, (), false), 0)], 0);
        let j = T::jacobians(y, &[x], 3);
        let v = ctx.constant(arr1(&[1.0, -1.0]));
        // f = x0^2 x1 + x1^3: H = [[2 x1, 2 x0], [2 x0, 6 x1]].
        let f = T::reduce_sum(T::slice(x, [0], [1]) * T::slice(x, [0], [1]) * T::slice(x, [1], [2]), (), false)
            + T::reduce_sum(T::pow(T::slice(x, [1], [2]), 3.0), (), false);
        let h = T::_hessian_vector_product(&[f], &[x], &[v]);
        let out = ctx.evaluator().push(j[0]).push(h[0]).feed(x, arr1(&[2.0, 3.0])).run();
        assert_eq!(*out[0].as_ref().unwrap(), arr2(&[[4.0, 0.0], [0.0, 6.0], [1.0, 1.0]]));
        near(out[1].as_ref().unwrap().as_slice().unwrap(), &[2.0, -14.0], 1e-14);
    });
}

#[test]
fn factorisations_by_differences() {
    let a = arr2(&[[4.0, 1.0, 0.5], [1.0, 3.0, -0.2], [0.5, -0.2, 2.0]]).into_dyn();
    let b = arr2(&[[1.0, 0.3], [-0.7, 1.1], [0.2, 0.9]]).into_dyn();
    gradcheck(|_, xs| T::cholesky(xs[0]), std::slice::from_ref(&a), 2).unwrap();
    gradcheck(|_, xs| T::solve_triangular(T::cholesky(xs[0]), xs[1], 1, true, false), &[a.clone(), b], 2).unwrap();
    // log det a = 2 sum log diag l; its gradient is the inverse.
    let g = run(|ctx| {
        let x = ctx.placeholder("x", &[3, 3]);
        let l = T::cholesky(x);
        let eye = ctx.constant(ndarray::Array2::<f64>::eye(3));
        let det = T::reduce_sum(T::log(T::reduce_sum(l * eye, 1, false)), (), false) * 2.0;
        let g = T::grad(&[det], &[x])[0];
        let one = T::matmul(g, x);
        ctx.evaluator().push(one).feed(x, a.view()).run()[0].clone().unwrap().as_slice::<f64>().unwrap().to_vec()
    });
    near(&g, &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 1e-14);
}

/// `x^3`, with its gradient built from the op itself.
struct Cube;
impl Op for Cube {
    fn name(&self) -> &str {
        "cube"
    }
    fn infer(&self, inputs: &[&Aval]) -> Result<Avals> {
        Ok(inputs.iter().map(|&a| a.clone()).collect())
    }
    fn compute(&self, c: &mut ComputeContext<'_>) -> Result<()> {
        let y = c.input::<f64>(0)?.mapv(|x| x * x * x);
        c.append_output(y)
    }
    fn grad<'g>(&self, c: &mut GradientContext<'_, 'g>) {
        let (x, g) = (c.input(0), c.output_grad());
        c.append_input_grad(0, Some(g * 3.0 * x * x));
    }
}

#[test]
fn users_ops_are_differentiable_to_any_order() {
    gradcheck(|ctx, xs| Tensor::builder(ctx).append_input(xs[0], false).build(Cube) * xs[0], &[arr1(&[0.5, -1.5]).into_dyn()], 3).unwrap();
}

#[test]
fn draws_are_values_of_a_run() {
    let env = VariableEnvironment::new();
    env.seed(7);
    let draw = |env: &VariableEnvironment| {
        env.run(|ctx| {
            let (x, y) = (T::standard_normal([1000], ctx), T::standard_normal([1000], ctx));
            let out = ctx.evaluator().push(x).push(y).push(x - x).push(T::grad(&[x * x], &[x])[0] - x * 2.0).run();
            out.into_iter().map(|a| a.unwrap().as_slice::<f64>().unwrap().to_vec()).collect::<Vec<_>>()
        })
    };
    let (first, second) = (draw(&env), draw(&env));
    // Two draws differ; one draw is one value within a run, and another in the next run.
    assert!(first[0] != first[1] && first[0] != second[0] && first[1] != second[1]);
    assert!(first[2].iter().chain(&first[3]).all(|&d| d == 0.0));
    let correlation: f64 = first[0].iter().zip(&first[1]).map(|(a, b)| a * b).sum::<f64>() / 1000.0;
    assert!(correlation.abs() < 0.15, "{correlation}");
    let again = VariableEnvironment::new();
    again.seed(7);
    assert_eq!(draw(&again), first);
    // Draws in the shape of a tensor, and dropout: kept elements are scaled, the gradient has the same mask.
    let kept = again.run(|ctx| {
        let x = ctx.ones([2000]);
        let y = T::dropout(x, 0.25, true);
        let g = T::grad(&[y], &[x])[0];
        let out = ctx.evaluator().push(y).push(g).push(T::uniform_like(x)).run();
        let list = |i: usize| out[i].clone().unwrap().as_slice::<f64>().unwrap().to_vec();
        assert_eq!(list(0), list(1));
        assert!(list(2).iter().all(|u| (0.0..1.0).contains(u)));
        list(0)
    });
    assert!(kept.iter().all(|&v| v == 0.0 || v == 1.0 / 0.75));
    let share = kept.iter().filter(|v| **v != 0.0).count() as f64 / 2000.0;
    assert!((share - 0.75).abs() < 0.05, "{share}");
}

#[test]
fn no_tensors_are_an_error_and_no_panic() {
    run(|ctx| {
        let none: [scirs2_autograd::Tensor<'_>; 0] = [];
        let y = T::concat(&none, 0);
        let wanted = "concat: there are no tensors. Got an empty list; expected at least one tensor.";
        for t in [y, y + 1.0, T::exp(y)] {
            assert_eq!(t.eval(ctx).unwrap_err().to_string(), wanted);
        }
        // Beside a tensor of a context it is the mistake that is told, not that the graphs are two.
        let x = ctx.placeholder("x", &[]);
        assert_eq!((x + y).eval(ctx).unwrap_err().to_string(), wanted);
    });
}

#[test]
fn a_condition_that_does_not_fit_gives_results_of_every_form() {
    run(|ctx| {
        let (c, x) = (ctx.placeholder("c", &[2]), ctx.placeholder("x", &[]));
        let (a, b) = T::cond(c, || (x, x + 1.0), || (x, x));
        let [d, e] = T::cond(c, || [x, x + 1.0], || [x, x]);
        for t in [a, b, d, e] {
            let text = t.eval(ctx).unwrap_err().to_string();
            assert_eq!(text, "cond: the condition is not a single value. Got shape (2,); expected a 0-d tensor.");
        }
    });
}
