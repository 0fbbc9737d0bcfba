//! Reductions at their edges: constants, zero vectors, extreme scales, masks over anything, nothing at all. Gradients of both orders.

use ndarray::{Array2, ArrayD, arr1, arr2};
use scirs2_autograd::{Context, DType, Tensor, run, tensor_ops as T};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

type Function = for<'g> fn(&'g Context, Tensor<'g>) -> Tensor<'g>;

/// `f(x)`, the gradient of its sum, and the Hessian of its sum, row by row.
fn derivatives(f: Function, x: &ArrayD<f64>) -> [Vec<f64>; 3] {
    run(|ctx| {
        let shape: Vec<isize> = x.shape().iter().map(|&n| n as isize).collect();
        let t = ctx.placeholder("x", &shape);
        let y = f(ctx, t);
        let g = T::grad(&[y], &[t])[0];
        let h = T::jacobians(g, &[t], None)[0];
        let out = ctx.evaluator().push(y).push(g).push(h).feed(t, x.view()).run();
        [0, 1, 2].map(|i| out[i].clone().expect("a value").as_slice::<f64>().expect("floats").to_vec())
    })
}

fn vector(x: &[f64]) -> ArrayD<f64> {
    arr1(x).into_dyn()
}

/// Equal up to rounding; NaN equals NaN.
fn near(found: &[f64], expected: &[f64]) {
    let close = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-14 * b.abs();
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(close), "{found:?} is not {expected:?}");
}

/// The values of `f` on `x` in a dtype.
fn values(f: Function, x: &[f64], dtype: DType) -> Vec<f64> {
    run(|ctx| {
        let y = T::cast(f(ctx, T::cast(ctx.constant(arr1(x)), dtype)), DType::F64);
        y.eval(ctx).expect("a value").as_slice::<f64>().expect("floats").to_vec()
    })
}

#[test]
fn constants_vary_by_exactly_nothing() {
    // Numbers whose sums round, also when they overflow.
    for x in [0.1, 1e-300, 1.0 / 3.0, -7.7e15, 1.5e308] {
        for n in [2, 3, 7, 1000] {
            let row = vec![x; n];
            for dtype in [DType::F64, DType::F32].into_iter().filter(|d| *d == DType::F64 || x < 1e38) {
                assert_eq!(values(|_, x| T::var(x, (), 0, false), &row, dtype), [0.0], "{x} {n} {dtype}");
                assert_eq!(values(|_, x| T::std(x, (), 1, false), &row, dtype), [0.0], "{x} {n} {dtype}");
            }
        }
    }
    let row = vector(&[0.1; 3]);
    let hessian = |a: f64| (0..9).map(|i| a * (f64::from(i % 4 == 0) - 1.0 / 3.0)).collect::<Vec<_>>();
    let [y, g, h] = derivatives(|_, x| T::std(x, (), 0, false), &row);
    assert_eq!((&y[..], &g[..], &h[..]), (&[0.0][..], &[0.0; 3][..], &[0.0; 9][..]));
    let [_, g, h] = derivatives(|_, x| T::var(x, (), 1, false), &row);
    assert_eq!(g, [0.0; 3]);
    near(&h, &hessian(1.0));
    // The square of the deviation is the variance, in its derivatives too.
    let [y, g, h] = derivatives(|_, x| T::square(T::std(x, (), 0, false)), &row);
    assert_eq!((&y[..], &g[..]), (&[0.0][..], &[0.0; 3][..]));
    near(&h, &hessian(2.0 / 3.0));
    let [y, g, h] = derivatives(|_, x| T::std(x, 1, 0, false), &arr2(&[[0.1, 0.1, 0.1], [1.0, 2.0, 6.0]]).into_dyn());
    let s = (14f64 / 3.0).sqrt();
    near(&y, &[0.0, s]);
    near(&g, &[0.0, 0.0, 0.0, -2.0 / 3.0 / s, -1.0 / 3.0 / s, 1.0 / s]);
    assert!(h[..18].iter().all(|&h| h == 0.0) && h.iter().all(|h| h.is_finite()), "{h:?}");
}

#[test]
fn moments_of_badly_scaled_numbers() {
    // The deviations are exact: of 1e9 + k, and of neighbours in the last place.
    let var: Function = |_, x| T::var(x, (), 0, false);
    let std: Function = |_, x| T::std(x, (), 0, false);
    near(&values(var, &[1e9, 1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0], DType::F64), &[1.25]);
    near(&values(var, &[16777216.0, 16777218.0, 16777220.0, 16777222.0], DType::F32), &[5.0]);
    let e = f64::EPSILON;
    near(&values(var, &[1.0, 1.0 + e, 1.0, 1.0 + e], DType::F64), &[e * e / 4.0]);
    near(&values(std, &[1.0, 1.0 + e, 1.0, 1.0 + e, 1.0, 1.0 + e], DType::F64), &[e / 2.0]);
    // Squares overflow and vanish, their roots do not.
    for scale in [1e-305, 1e-200, 1e200, 2.5e307] {
        let x = [1.0, 2.0, 3.0, 6.0].map(|x| x * scale);
        near(&values(std, &x, DType::F64), &[3.5f64.sqrt() * scale]);
        let [_, g, _] = derivatives(std, &vector(&x));
        let expected = [-2.0, -1.0, 0.0, 3.0].map(|d| d / (4.0 * 3.5f64.sqrt()));
        assert!(g.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-14), "{scale}: {g:?}");
    }
    assert_eq!(values(std, &[5e-324, 15e-324], DType::F64), [5e-324]);
    for scale in [1e-30, 1e30] {
        let found = values(std, &[1.0, 2.0, 3.0, 6.0].map(|x| x * scale), DType::F32);
        assert!((found[0] / (3.5f64.sqrt() * scale) - 1.0).abs() < 3e-7, "{found:?}");
    }
    assert!(values(var, &[INF, 1.0], DType::F64)[0].is_nan() && values(std, &[NAN, 1.0], DType::F64)[0].is_nan());
}

#[test]
fn degrees_of_freedom() {
    let of = |ddof: f64| {
        run(|ctx| {
            let d = ctx.placeholder("ddof", &[]);
            let x = ctx.constant(arr1(&[1.0, 2.0, 3.0, 6.0]));
            let y = T::var(x, (), d, false);
            let out = ctx.evaluator().push(y).push(T::grad(&[y], &[d])[0]).feed(d, ddof).run();
            [0, 1].map(|i| out[i].clone().expect("a value").item().expect("one"))
        })
    };
    assert_eq!(of(0.0), [3.5, 14.0 / 16.0]);
    assert_eq!(of(2.5), [14.0 / 1.5, 14.0 / 2.25]);
    assert_eq!(of(5.0)[0], INF);
    for (ddof, expected) in [(1, 14.0 / 3.0), (4, INF), (7, INF)] {
        let y = run(|ctx| T::var(ctx.constant(arr1(&[1.0, 2.0, 3.0, 6.0])), (), ddof, false).eval(ctx).expect("a value").item());
        assert_eq!(y.expect("one"), expected);
    }
    run(|ctx| {
        let (v, m) = T::var_mean(ctx.constant(arr1(&[1i64, 2, 3, 6])), 0, 0.5, true);
        assert_eq!(v.eval(ctx).expect("a value"), arr1(&[4.0]));
        assert_eq!(m.eval(ctx).expect("a value"), arr1(&[3.0]));
    });
}

#[test]
fn norms_of_every_order() {
    let x = [3.0, -4.0, 0.0, 12.0];
    let of = |p: f64| {
        let y = |x: &[f64]| run(|ctx| T::vector_norm(ctx.constant(arr1(x)), p, (), false).eval(ctx).expect("a value").item().expect("one"));
        [y(&x), y(&[0.0, 0.0]), y(&[INF, 1.0])]
    };
    assert_eq!(of(2.0), [13.0, 0.0, INF]);
    assert_eq!(of(1.0), [19.0, 0.0, INF]);
    assert_eq!(of(INF), [12.0, 0.0, INF]);
    assert_eq!(of(-INF), [0.0, 0.0, 1.0]);
    assert_eq!(of(0.0), [3.0, 0.0, 2.0]);
    near(&of(3.0), &[1819f64.cbrt(), 0.0, INF]);
    near(&of(0.5), &[(3f64.sqrt() + 2.0 + 12f64.sqrt()).powi(2), 0.0, INF]);
    near(&of(-2.0), &[0.0, 0.0, 1.0]);
    let y = |p: f64| {
        run(|ctx| {
            let order = ctx.placeholder("p", &[]);
            let y = T::vector_norm(ctx.constant(arr1(&x)), order, (), false);
            ctx.evaluator().push(y).feed(order, p).run()[0].clone().map(|a| a.item().expect("one"))
        })
    };
    near(&[y(2.0).expect("a value"), y(3.0).expect("a value"), y(-2.0).expect("a value")], &[13.0, 1819f64.cbrt(), 0.0]);
    near(&[y(INF).expect("a value"), y(-INF).expect("a value")], &[12.0, 0.0]);
    assert!(y(0.0).expect_err("an error").to_string().contains("expected an order other than 0"));
}

#[test]
fn norms_over_nothing() {
    let of =
        |p: f64| run(|ctx| T::vector_norm(ctx.zeros([2, 0]), p, 1, false).eval(ctx).map(|a| a.as_slice::<f64>().expect("floats").to_vec()));
    for (p, expected) in [(2.0, 0.0), (1.0, 0.0), (0.0, 0.0), (3.0, 0.0), (-2.0, INF)] {
        assert_eq!(of(p).expect("a value"), [expected; 2], "{p}");
    }
    for p in [INF, -INF] {
        assert!(of(p).expect_err("an error").to_string().starts_with("vector_norm: there is no value over no elements."));
    }
}

#[test]
fn a_zero_vector_has_a_slope_of_zero() {
    let zero = vector(&[0.0, 0.0]);
    let functions: [(&str, Function); 7] = [
        ("2", |_, x| T::norm(x, (), (), false)),
        ("1", |_, x| T::norm(x, 1, (), false)),
        ("3", |_, x| T::norm(x, 3, 0, false)),
        ("1.5", |_, x| T::norm(x, 1.5, (), false)),
        ("0.5", |_, x| T::norm(x, 0.5, (), false)),
        ("-2", |_, x| T::norm(x, -2, (), false)),
        ("inf", |_, x| T::norm(x, INF, (), false)),
    ];
    for (name, f) in functions {
        let [y, g, h] = derivatives(f, &zero);
        assert_eq!((&y[..], &g[..], &h[..]), (&[0.0][..], &[0.0; 2][..], &[0.0; 4][..]), "{name}");
    }
    // The square is smooth.
    let squares: [Function; 5] = [
        |_, x| T::square(T::norm(x, (), (), false)),
        |_, x| T::pow(T::norm(x, 2, 0, true), 2.0),
        |_, x| {
            let y = T::norm(x, (), (), false);
            y * y
        },
        |_, x| T::reduce_sum(T::square(T::norm(T::expand_dims(x, 0), (), 1, false)), (), false),
        |_, x| T::square(T::vector_norm(x, 2.0, 0, false)),
    ];
    for f in squares {
        let [y, g, h] = derivatives(f, &zero);
        assert_eq!((&y[..], &g[..], &h[..]), (&[0.0][..], &[0.0; 2][..], &[2.0, 0.0, 0.0, 2.0][..]));
    }
    // Elsewhere the norm has the derivative that is known.
    let [y, g, h] = derivatives(|_, x| T::norm(x, (), (), false), &vector(&[3.0, 4.0]));
    near(&y, &[5.0]);
    near(&g, &[0.6, 0.8]);
    near(&h, &[16.0 / 125.0, -12.0 / 125.0, -12.0 / 125.0, 9.0 / 125.0]);
    // An element that is 0 beside others that are not.
    let [_, g, h] = derivatives(|_, x| T::norm(x, 1.5, (), false), &vector(&[0.0, 2.0]));
    near(&g, &[0.0, 1.0]);
    assert!(h.iter().all(|&h| h.abs() < 1e-15), "{h:?}");
}

#[test]
fn norms_of_huge_and_tiny_numbers() {
    for scale in [5e-324, 1e-310, 1e-200, 1.0, 1e200, 3e307] {
        let x = vector(&[3.0 * scale, -4.0 * scale]);
        let functions: [Function; 3] =
            [|_, x| T::norm(x, (), (), false), |_, x| T::norm(x, 3, (), false), |_, x| T::norm(x, -2.5, (), false)];
        for (f, p) in functions.into_iter().zip([2.0f64, 3.0, -2.5]) {
            let y = (3f64.powf(p) + 4f64.powf(p)).powf(1.0 / p);
            let [found, g, _] = derivatives(f, &x);
            let least = 5e-324;
            assert!((found[0] - y * scale).abs() <= (1e-14 * y * scale).max(least), "{scale} {p}: {found:?}");
            let expected = [(3.0 / y).powf(p - 1.0), -(4.0 / y).powf(p - 1.0)];
            // The smallest numbers have few digits.
            let slack = if scale < 1e-320 { 0.5 } else { 1e-13 };
            assert!(g.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= slack), "{scale} {p}: {g:?} is not {expected:?}");
        }
    }
    // Powers of two are taken off: what has an exact root has it.
    assert_eq!(values(|_, x| T::norm(x, (), (), false), &[2.0, 3.0, 6.0], DType::F64), [7.0]);
    assert!((values(|_, x| T::norm(x, (), (), false), &[3e30, 4e30], DType::F32)[0] / 5e30 - 1.0).abs() < 2e-7);
    assert!(values(|_, x| T::norm(x, (), (), false), &[NAN, INF], DType::F64)[0].is_nan());
}

/// What a mask leaves out is anything.
#[test]
fn a_mask_leaves_nothing_behind() {
    let functions: [(&str, Function); 9] = [
        ("prod", |ctx, x| T::prod_where(T::square(x), no_second(ctx), 1, false)),
        ("sum", |ctx, x| T::sum_where(T::square(x), no_second(ctx), 1, false)),
        ("mean", |ctx, x| T::mean_where(T::square(x), no_second(ctx), 1, false)),
        ("max", |ctx, x| T::max_where(T::square(x), no_second(ctx), 0.0, 1, false)),
        ("min", |ctx, x| T::min_where(T::square(x), no_second(ctx), INF, 1, false)),
        ("var", |ctx, x| T::var_where(x, no_second(ctx), 1, 0, false)),
        ("std", |ctx, x| T::std_where(x, no_second(ctx), 1, 1, true)),
        ("sum of logarithms", |ctx, x| T::sum_where(T::log(x), no_second(ctx), (), false)),
        ("norm", |ctx, x| T::norm(T::select(no_second(ctx), x, 0.0), (), 1, false)),
    ];
    for (name, f) in functions {
        let expected = derivatives(f, &arr2(&[[1.0, 0.5, 3.0], [2.0, 0.5, 5.0]]).into_dyn());
        for bad in [NAN, INF, -INF, 0.0, -1.0, 1e308] {
            let found = derivatives(f, &arr2(&[[1.0, bad, 3.0], [2.0, bad, 5.0]]).into_dyn());
            assert_eq!(found, expected, "{name}: {bad}");
            assert!(found[1][1] == 0.0 && found[1][4] == 0.0 && found[1].iter().all(|g| g.is_finite()), "{name}: {bad}");
        }
    }
}

fn no_second(ctx: &Context) -> Tensor<'_> {
    ctx.constant(arr1(&[true, false, true]))
}

#[test]
fn a_mask_that_leaves_out_everything() {
    let mask: fn(&Context) -> Tensor<'_> = |ctx| ctx.constant(arr2(&[[false, false], [true, true]]));
    let x = arr2(&[[NAN, 1.0], [2.0, 4.0]]);
    let of = |f: for<'g> fn(Tensor<'g>, Tensor<'g>) -> Tensor<'g>| {
        run(|ctx| {
            let t = ctx.placeholder("x", &[2, 2]);
            let m = mask(ctx);
            let y = f(t, m);
            // What has no value is not taken.
            let taken = T::select(ctx.constant(arr1(&[false, true])), y, 7.0);
            let g = T::grad(&[taken], &[t])[0];
            let gg = T::grad(&[g * ctx.constant(arr2(&[[1.0, 2.0], [3.0, 5.0]]))], &[t])[0];
            let out = ctx.evaluator().push(y).push(g).push(gg).feed(t, x.view()).run();
            [0, 1, 2].map(|i| out[i].clone().expect("a value").as_slice::<f64>().expect("floats").to_vec())
        })
    };
    let [y, g, gg] = of(|x, m| T::sum_where(x, m, 1, false));
    assert_eq!((&y[..], &g[..], &gg[..]), (&[0.0, 6.0][..], &[0.0, 0.0, 1.0, 1.0][..], &[0.0; 4][..]));
    let [y, g, gg] = of(|x, m| T::mean_where(x, m, 1, false));
    assert!(y[0].is_nan() && y[1] == 3.0);
    assert_eq!((&g[..], &gg[..]), (&[0.0, 0.0, 0.5, 0.5][..], &[0.0; 4][..]));
    let [y, g, gg] = of(|x, m| T::var_where(x, m, 1, 0, false));
    assert!(y[0].is_nan() && y[1] == 1.0);
    assert_eq!((&g[..], &gg[..]), (&[0.0, 0.0, -1.0, 1.0][..], &[0.0, 0.0, -1.0, 1.0][..]));
    let [y, g, gg] = of(|x, m| T::std_where(x, m, 1, 0, false));
    assert!(y[0].is_nan() && y[1] == 1.0);
    near(&g, &[0.0, 0.0, -0.5, 0.5]);
    assert!(gg[..2] == [0.0; 2] && gg.iter().all(|g| g.abs() < 1e-15), "{gg:?}");
    let [y, g, gg] = of(|x, m| T::max_where(x, m, -INF, 1, false));
    assert_eq!((&y[..], &g[..], &gg[..]), (&[-INF, 4.0][..], &[0.0, 0.0, 0.0, 1.0][..], &[0.0; 4][..]));
    let [y, g, _] = of(|x, m| T::min_where(x, m, INF, 1, false));
    assert_eq!((&y[..], &g[..]), (&[INF, 2.0][..], &[0.0, 0.0, 1.0, 0.0][..]));
    let [y, g, _] = of(|x, m| T::norm(T::select(m, x, 0.0), (), 1, false));
    near(&y, &[0.0, 20f64.sqrt()]);
    near(&g, &[0.0, 0.0, 2.0 / 20f64.sqrt(), 4.0 / 20f64.sqrt()]);
}

#[test]
fn a_norm_that_is_not_taken() {
    // Rows of infinities and NaN, whose norm has no slope.
    let functions: [Function; 4] = [
        |_, x| T::norm(x, (), 1, false),
        |_, x| T::norm(x, 3, 1, false),
        |_, x| T::std(x, 1, 0, false),
        |_, x| T::square(T::norm(x, (), 1, false)),
    ];
    for f in functions {
        let of = |bad: f64| {
            run(|ctx| {
                let t = ctx.placeholder("x", &[2, 2]);
                let y = T::select(ctx.constant(arr1(&[false, true])), f(ctx, t), 1.0);
                let g = T::grad(&[y], &[t])[0];
                let gg = T::grad(&[g * ctx.constant(arr2(&[[1.0, 2.0], [3.0, 5.0]]))], &[t])[0];
                let out = ctx.evaluator().push(g).push(gg).feed(t, arr2(&[[bad, bad], [2.0, 4.0]])).run();
                [0, 1].map(|i| out[i].clone().expect("a value").as_slice::<f64>().expect("floats").to_vec())
            })
        };
        for bad in [-INF, INF, NAN, 0.0] {
            let (found, expected) = (of(bad), of(1.0));
            assert_eq!(found, expected, "{bad}");
            assert!(found[0][..2] == [0.0; 2] && found[1][..2] == [0.0; 2], "{bad}: {found:?}");
        }
    }
}

#[test]
fn reductions_of_nothing() {
    run(|ctx| {
        let x = ctx.zeros([0, 2]);
        let of = |t: Tensor<'_>| {
            ctx.evaluator().push(T::cast(t, DType::F64)).run()[0].clone().expect("a value").as_slice::<f64>().expect("floats").to_vec()
        };
        assert!(of(T::reduce_mean(x, 0, false)).iter().all(|y| y.is_nan()));
        assert!(of(T::var(x, 0, 0, false)).iter().all(|y| y.is_nan()));
        assert!(of(T::std(x, 0, 0, false)).iter().all(|y| y.is_nan()));
        assert!(of(T::nanmean(x, 0, false)).iter().all(|y| y.is_nan()));
        assert_eq!(of(T::any(x, 0, false)), [0.0; 2]);
        assert_eq!(of(T::all(x, 0, false)), [1.0; 2]);
        assert_eq!(of(T::count_nonzero(x, 0, false)), [0.0; 2]);
        assert_eq!(of(T::nansum(x, 0, false)), [0.0; 2]);
        assert_eq!(of(T::reduce_sum(x, 1, false)), [0.0; 0]);
        assert_eq!(of(T::var(x, 1, 0, false)), [0.0; 0]);
        assert_eq!(of(T::max_where(x, true, -3.0, 0, false)), [-3.0; 2]);
        type OfTensor = for<'g> fn(Tensor<'g>) -> Tensor<'g>;
        let none: [(&str, OfTensor); 4] = [
            ("nanmax", |x| T::nanmax(x, 0, false)),
            ("ptp", |x| T::ptp(x, 0, false)),
            ("aminmax", |x| T::aminmax(x, 0, false).1),
            ("reduce_max", |x| T::reduce_max(x, 0, false)),
        ];
        for (name, f) in none {
            let e = f(x).error().expect("an error").to_string();
            assert!(e.starts_with(&format!("{name}: there is no value over no elements.")), "{e}");
        }
    });
}

#[test]
fn nan_is_left_out() {
    let x = arr2(&[[NAN, 2.0, 5.0], [NAN, NAN, NAN]]);
    let of = |f: for<'g> fn(Tensor<'g>) -> Tensor<'g>| {
        run(|ctx| {
            let t = ctx.placeholder("x", &[2, 3]);
            let y = f(t);
            let g = T::grad(&[T::select(ctx.constant(arr1(&[true, false])), y, 0.0)], &[t])[0];
            let out = ctx.evaluator().push(y).push(g).feed(t, x.view()).run();
            [0, 1].map(|i| out[i].clone().expect("a value").as_slice::<f64>().expect("floats").to_vec())
        })
    };
    let [y, g] = of(|x| T::nansum(x, 1, false));
    assert_eq!((&y[..], &g[..]), (&[7.0, 0.0][..], &[0.0, 1.0, 1.0, 0.0, 0.0, 0.0][..]));
    let [y, g] = of(|x| T::nanmean(x, 1, false));
    near(&y, &[3.5, NAN]);
    assert_eq!(g, [0.0, 0.5, 0.5, 0.0, 0.0, 0.0]);
    let [y, g] = of(|x| T::nanmax(x, 1, false));
    near(&y, &[5.0, NAN]);
    assert_eq!(g, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let [y, g] = of(|x| T::nanmin(x, 1, false));
    near(&y, &[2.0, NAN]);
    assert_eq!(g, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    // NaN counts as true.
    run(|ctx| {
        let x = ctx.constant(x.clone());
        assert_eq!(T::count_nonzero(x, 1, false).eval(ctx).expect("a value"), arr1(&[3i64, 3]));
        assert_eq!(T::all(x, 1, false).eval(ctx).expect("a value"), arr1(&[true, true]));
    });
}

#[test]
fn extremes_of_a_number_and_an_array() {
    run(|ctx| {
        let x = ctx.constant(arr1(&[3i32, 7, 5]));
        let y = T::max_where(x, ctx.constant(arr1(&[true, false, true])), 4, (), false);
        assert_eq!(y.eval(ctx).expect("a value").as_slice::<i32>().expect("integers"), [5]);
        let b = ctx.constant(arr1(&[false, true]));
        assert_eq!(
            T::max_where(b, ctx.constant(arr1(&[true, false])), false, (), false).eval(ctx).expect("a value").item().expect("one"),
            0.0
        );
        assert_eq!(
            T::min_where(b, ctx.constant(arr1(&[false, true])), true, (), false).eval(ctx).expect("a value").item().expect("one"),
            1.0
        );
    });
}

#[test]
fn weighted_means() {
    let f: Function = |ctx, w| T::average(ctx.constant(arr2(&[[1.0, 2.0], [4.0, 8.0]])), w, 1, false);
    let [y, g, _] = derivatives(f, &vector(&[3.0, 1.0]));
    near(&y, &[1.25, 5.0]);
    near(&g, &[(1.0 - 1.25 + 4.0 - 5.0) / 4.0, (2.0 - 1.25 + 8.0 - 5.0) / 4.0]);
    let e = run(|ctx| {
        let x = ctx.placeholder("x", &[-1, 2]);
        let w = ctx.placeholder("w", &[-1, 2]);
        let y = T::average(x, w, 0, false);
        ctx.evaluator().push(y).feed(x, Array2::<f64>::ones((3, 2))).feed(w, Array2::<f64>::ones((1, 2))).run()[0].clone().map(|_| ())
    });
    assert!(e.expect_err("an error").to_string().contains("the shapes differ"), "weights of one row for three");
}
