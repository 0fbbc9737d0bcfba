//! Scans, products and sorted lines: values that theory fixes. Zeros, ties, NaN, infinities, and branches that are not taken.

use ndarray::{ArrayD, IxDyn, arr1, arr2};
use scirs2_autograd::{Context, Tensor, run, tensor_ops as T};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

type Function = for<'g> fn(&'g Context, Tensor<'g>) -> Tensor<'g>;

/// `f` of an array of this shape, the gradient of `sum(f * [1, 2, ..])`, and the gradient of that one's `sum(.. * [1, 2, ..])`.
fn derivatives(f: Function, shape: &[usize], x: &[f64]) -> [Vec<f64>; 3] {
    run(|ctx| {
        let unknown = vec![-1; shape.len()];
        let t = ctx.placeholder("x", &unknown);
        let x = ArrayD::from_shape_vec(IxDyn(shape), x.to_vec()).unwrap();
        let counted = |t: Tensor<'_>| {
            let value = ctx.evaluator().push(t).feed("x", x.view()).run()[0].clone().unwrap();
            let n = value.size();
            ArrayD::from_shape_vec(value.shape(), (1..=n).map(|i| i as f64).collect()).unwrap()
        };
        let y = f(ctx, t);
        let g = T::grad_with_default(&[y], &[t], &[ctx.constant(counted(y))])[0];
        let gg = T::grad_with_default(&[g], &[t], &[ctx.constant(counted(g))])[0];
        let out = ctx.evaluator().push(y).push(g).push(gg).feed(t, x.view()).run();
        [0, 1, 2].map(|k| out[k].clone().unwrap().as_slice::<f64>().unwrap().to_vec())
    })
}

/// Equal, with signs of zeros; NaN equals NaN.
fn same(found: &[f64], expected: &[f64]) {
    let equal = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(equal), "{found:?} is not {expected:?}");
}

fn near(what: &str, found: &[f64], expected: &[f64]) {
    let close = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-13 * b.abs().max(1.0);
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(close), "{what}: {found:?} is not {expected:?}");
}

/// The product of all but some.
fn without(x: &[f64], left_out: &[usize]) -> f64 {
    x.iter().enumerate().filter(|(i, _)| !left_out.contains(i)).map(|(_, v)| v).product()
}

/// What [`derivatives`] gives of products of the first elements, in numbers `ends`: polynomials.
fn of_products(x: &[f64], ends: &[usize]) -> [Vec<f64>; 3] {
    let n = x.len();
    let sum = |terms: &dyn Fn(&[f64]) -> f64| ends.iter().enumerate().map(|(k, &end)| (k + 1) as f64 * terms(&x[..end])).sum::<f64>();
    let first = |i: usize| sum(&|x| if i < x.len() { without(x, &[i]) } else { 0.0 });
    let second = |i: usize, j: usize| sum(&|x| if i != j && i.max(j) < x.len() { without(x, &[i, j]) } else { 0.0 });
    [
        ends.iter().map(|&end| x[..end].iter().product()).collect(),
        (0..n).map(first).collect(),
        (0..n).map(|j| (0..n).map(|i| (i + 1) as f64 * second(i, j)).sum()).collect(),
    ]
}

const FACTORS: [&[f64]; 6] = [
    &[2.0, -3.0, 0.5, 4.0],
    &[2.0, 0.0, 0.5, 4.0],
    &[0.0, -3.0, 0.0, 4.0, 5.0],
    &[2.0, 0.0, 0.0, 0.0, 3.0],
    &[0.0, 0.0, 0.0],
    &[-0.0, 3.0],
];

#[test]
fn products_are_exact_with_any_number_of_zeros() {
    for x in FACTORS {
        let n = x.len();
        let found = derivatives(|_, x| T::reduce_prod(x, (), false), &[n], x);
        let expected = of_products(x, &[n]);
        (0..3).for_each(|k| near(&format!("prod of {x:?}, order {k}"), &found[k], &expected[k]));
        let found = derivatives(|_, x| T::cumprod(x, 0), &[n], x);
        let expected = of_products(x, &(1..=n).collect::<Vec<_>>());
        (0..3).for_each(|k| near(&format!("cumprod of {x:?}, order {k}"), &found[k], &expected[k]));
    }
    // Over several axes.
    let x = [2.0, 0.0, 0.5, 4.0, 0.0, -3.0];
    let found = derivatives(|_, x| T::reduce_prod(x, (), true), &[2, 3], &x);
    let expected = of_products(&x, &[6]);
    (0..3).for_each(|k| near(&format!("prod over two axes, order {k}"), &found[k], &expected[k]));
    let found = derivatives(|_, x| T::reduce_prod(T::reshape(x, [3i64, 1, 2]), vec![0i64, 2], false), &[2, 3], &x);
    (0..3).for_each(|k| near(&format!("prod over axes apart, order {k}"), &found[k], &expected[k]));
}

#[test]
fn the_gradient_of_a_product_has_the_range_of_its_factors() {
    // The products on the way leave the range of float32.
    let g = run(|ctx| {
        let x = ctx.placeholder_of("x", &[4], scirs2_autograd::DType::F32);
        let y = T::reduce_sum(T::cumprod(x, 0), (), false) + T::reduce_prod(x, (), false);
        let out = ctx.evaluator().push(T::grad(&[y], &[x])[0]).feed(x, arr1(&[1e-30f32, 1e-30, 1e30, 1e30])).run();
        out[0].clone().unwrap().as_slice::<f32>().unwrap().to_vec()
    });
    let expected = [2e30, 2e30, 2e-30, 2e-30f32];
    assert!(g.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-6 * b), "{g:?}");
}

#[test]
fn ties_go_to_the_first() {
    let [y, g, gg] = derivatives(|_, x| T::cummax(x, 0).0, &[5], &[1.0, 3.0, 3.0, 2.0, 3.0]);
    same(&y, &[1.0, 3.0, 3.0, 3.0, 3.0]);
    same(&g, &[1.0, 14.0, 0.0, 0.0, 0.0]);
    same(&gg, &[0.0; 5]);
    let [y, g, _] = derivatives(|_, x| T::cummin(x, 0).0, &[5], &[2.0, NAN, 1.0, NAN, 0.0]);
    same(&y, &[2.0, NAN, NAN, NAN, NAN]);
    same(&g, &[1.0, 14.0, 0.0, 0.0, 0.0]);
    let [y, g, gg] = derivatives(|_, x| T::sort(x, 0), &[6], &[1.0, 0.0, 1.0, -0.0, NAN, 0.0]);
    same(&y, &[0.0, -0.0, 0.0, 1.0, 1.0, NAN]);
    same(&g, &[4.0, 1.0, 5.0, 2.0, 6.0, 3.0]);
    same(&gg, &[0.0; 6]);
    let [y, g, _] = derivatives(|_, x| T::topk(x, 3, 0, true, true).0, &[5], &[7.0, NAN, 9.0, 7.0, 9.0]);
    same(&y, &[NAN, 9.0, 9.0]);
    same(&g, &[0.0, 1.0, 2.0, 0.0, 3.0]);
    let [y, g, _] = derivatives(|_, x| T::topk(x, 3, 0, false, false).0, &[5], &[7.0, NAN, 9.0, 7.0, 9.0]);
    same(&y, &[7.0, 9.0, 7.0]);
    same(&g, &[1.0, 0.0, 2.0, 3.0, 0.0]);
    let [y, g, _] = derivatives(|_, x| T::median(x, (), false), &[5], &[3.0, 1.0, 3.0, 3.0, 9.0]);
    same(&y, &[3.0]);
    same(&g, &[0.0, 0.0, 1.0, 0.0, 0.0]);
    let [y, g, _] = derivatives(|_, x| T::median(x, (), false), &[4], &[3.0, 3.0, 3.0, 9.0]);
    same(&y, &[3.0]);
    same(&g, &[0.0, 0.5, 0.5, 0.0]);
}

#[test]
fn order_statistics_of_nan_and_of_nothing() {
    let [y, g, _] = derivatives(|_, x| T::median(x, 1, false), &[2, 3], &[1.0, NAN, 3.0, 4.0, 6.0, 5.0]);
    same(&y, &[NAN, 5.0]);
    same(&g, &[0.0, 0.0, 0.0, 0.0, 0.0, 2.0]);
    let [y, ..] = derivatives(|_, x| T::median(x, 1, false), &[2, 0], &[]);
    same(&y, &[NAN, NAN]);
    let known = run(|ctx| T::median(ctx.zeros([2i64, 0]), 1, false).eval(ctx).unwrap().as_slice::<f64>().unwrap().to_vec());
    same(&known, &[NAN, NAN]);
    let [y, g, _] = derivatives(|_, x| T::quantile(x, 0.25, 0, T::Method::Linear, false), &[5], &[5.0, 1.0, 2.0, 4.0, 3.0]);
    same(&y, &[2.0]);
    same(&g, &[0.0, 0.0, 1.0, 0.0, 0.0]);
    // The slope in q, at an element that to the next one.
    let slopes = run(|ctx| {
        let q = ctx.placeholder("q", &[4]);
        let y = T::quantile(ctx.constant(arr1(&[1.0, 2.0, 4.0])), q, 0, T::Method::Linear, false);
        let g = T::grad(&[y], &[q])[0];
        ctx.evaluator().push(g).feed(q, arr1(&[0.0, 0.5, 0.75, 1.0])).run()[0].clone().unwrap().as_slice::<f64>().unwrap().to_vec()
    });
    same(&slopes, &[2.0, 4.0, 4.0, 0.0]);
}

#[test]
fn rows_that_are_not_taken_leave_nothing() {
    let scans: [(&str, Function); 5] = [
        ("cumsum", |_, x| T::cumsum(x, 1)),
        ("cumprod", |_, x| T::cumprod(x, 1)),
        ("prod", |_, x| T::reduce_prod(x, 1, true)),
        ("logcumsumexp", |_, x| T::logcumsumexp(x, 1)),
        ("cummax", |_, x| T::cummax(x, 1).0),
    ];
    let before: [Function; 2] = [|_, x| x, |_, x| T::square(x) * T::sign(x)];
    for ((name, scan), before) in scans.into_iter().flat_map(|s| before.map(|b| (s, b))) {
        // The second row is infinite, and its functions too; the reference has a harmless one.
        let with = |row: [f64; 3], second: bool| {
            run(|ctx| {
                let x = ctx.placeholder("x", &[2, 3]);
                let taken = ctx.constant(arr2(&[[true], [false]]));
                let y = scan(ctx, before(ctx, x));
                let z = T::reduce_sum(T::select(taken, T::sin(y) * y, 0.0), (), false);
                let g = T::grad(&[z], &[x])[0];
                let weights = ctx.constant(arr2(&[[1.0, -2.0, 3.0], [1.5, 0.5, 2.5]]));
                let gg = T::grad(&[T::reduce_sum(g * weights, (), false)], &[x])[0];
                let fed = arr2(&[[0.3, 0.7, 1.2], row]);
                let out = ctx.evaluator().push(if second { gg } else { g }).feed(x, fed).run();
                out[0].clone().unwrap().as_slice::<f64>().unwrap().to_vec()
            })
        };
        for second in [false, true] {
            let expected = with([1.0, 2.0, 3.0], second);
            assert!(expected[3..].iter().all(|&v| v == 0.0) && expected[0] != 0.0, "{name}: {expected:?}");
            for row in [[-INF; 3], [INF, -INF, 0.0], [NAN, 0.0, INF]] {
                assert_eq!(with(row, second), expected, "{name} of {row:?}, second: {second}");
            }
        }
    }
}

#[test]
fn logarithms_of_sums_are_those_of_the_elements_so_far() {
    let rows: [&[f64]; 6] =
        [&[0.3, -1.0, 2.0], &[-INF, -INF, 0.5], &[1000.0, 1000.0, -1000.0], &[-INF, -INF], &[800.0, -800.0, 800.0], &[1e300, -1e300]];
    for x in rows {
        let found = derivatives(|_, x| T::logcumsumexp(x, 0), &[x.len()], x);
        let mut expected = [vec![], vec![0.0; x.len()], vec![0.0; x.len()]];
        for end in 1..=x.len() {
            // One sum after the other: the weights of the cotangents are their numbers.
            let [y, ..] = derivatives(|_, x| T::reduce_logsumexp(x, 0, false), &[end], &x[..end]);
            expected[0].extend(y.iter());
            let p: Vec<f64> = x[..end].iter().map(|v| if y[0] == -INF { 0.0 } else { (v - y[0]).exp() }).collect();
            let mean: f64 = p.iter().enumerate().map(|(i, p)| (i + 1) as f64 * p).sum();
            for (i, p) in p.iter().enumerate() {
                expected[1][i] += end as f64 * p;
                expected[2][i] += end as f64 * p * ((i + 1) as f64 - mean);
            }
        }
        for k in 0..3 {
            let close = |(a, b): (&f64, &f64)| a == b || (a - b).abs() <= 1e-12 * b.abs().max(1.0);
            assert!(found[k].iter().zip(&expected[k]).all(close), "{x:?}, order {k}: {:?} is not {:?}", found[k], expected[k]);
        }
    }
    let [y, ..] = derivatives(|_, x| T::logcumsumexp(x, 0), &[4], &[0.0, INF, 5.0, NAN]);
    same(&y, &[0.0, INF, INF, NAN]);
}

#[test]
fn curves_at_their_points() {
    let f: Function = |ctx, x| T::interp(x, ctx.constant(arr1(&[0.0, 1.0, 3.0])), ctx.constant(arr1(&[0.0, 10.0, 50.0])), (), ());
    let [y, g, gg] = derivatives(f, &[7], &[-1.0, 0.0, 0.5, 1.0, 3.0, 4.0, NAN]);
    same(&y, &[0.0, 0.0, 5.0, 10.0, 50.0, 50.0, NAN]);
    // In front of the first point and from the last one on it is flat; at a point the line behind it counts.
    near("slopes", &g[..6], &[0.0, 20.0, 30.0, 80.0, 0.0, 0.0]);
    near("second", &gg[..6], &[0.0; 6]);
    let [y, g, _] = derivatives(
        |ctx, x| T::interp(x, ctx.constant(arr1(&[0.0, 1.0])), ctx.constant(arr1(&[2.0, 3.0])), -7.0, NAN),
        &[3],
        &[-1.0, 1.0, 2.0],
    );
    same(&y, &[-7.0, 3.0, NAN]);
    same(&g, &[0.0; 3]);
    // A single point.
    let [y, g, _] =
        derivatives(|ctx, x| T::interp(x, ctx.constant(arr1(&[1.0])), ctx.constant(arr1(&[5.0])), (), ()), &[3], &[0.0, 1.0, 2.0]);
    same(&y, &[5.0; 3]);
    same(&g, &[0.0; 3]);
}
