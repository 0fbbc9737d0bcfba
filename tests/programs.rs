//! Tile programs: rewrites keep every bit, and sizes, layouts and memory that is used again do not change a result.

use ndarray::{Array1, Array2, Axis};
use scirs2_autograd::DType;
use scirs2_autograd::tensor_ops::neg;
use scirs2_autograd::{Array, Context, Tensor, VariableEnvironment, run, tensor_ops as T};

const EDGES: [f64; 12] = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 5e-324, f64::MAX, -1.5e-45];

/// All NaNs count as one: which of them an operation gives is not specified.
fn bits(a: &Array) -> Vec<u64> {
    a.as_slice::<f64>().unwrap().iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
}

type Build = for<'g> fn(&'g Context, Tensor<'g>, Tensor<'g>) -> Tensor<'g>;

fn choice<'g>(mask: Tensor<'g>, a: Tensor<'g>, b: Tensor<'g>) -> Tensor<'g> {
    T::select(mask, a, b)
}

fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Whether one of three repetitions is true.
fn any_of_repeated(mask: Tensor<'_>) -> Tensor<'_> {
    let like = T::stack(&[mask, mask, mask], 1);
    let rows = T::cast(T::broadcast_like(T::expand_dims(mask, 1), like), DType::F32);
    T::not_equal(T::reduce_sum(rows, 1, false), 0.0)
}

#[test]
fn rewrites_keep_every_bit() {
    type Case = (&'static str, Build, fn(f64, f64) -> f64);
    let cases: [Case; 18] = [
        ("mul-one", |_, a, _| a * 1.0, |a, _| a * 1.0),
        ("mul-minus-one", |_, a, _| a * -1.0, |a, _| -a),
        ("sub-zero", |_, a, _| a - 0.0, |a, _| a - 0.0),
        ("div-one", |_, a, _| a / 1.0, |a, _| a / 1.0),
        ("neg-neg", |_, a, _| neg(neg(a)), |a, _| a),
        ("add-neg", |_, a, b| a + neg(b), |a, b| a - b),
        ("add-neg", |_, a, b| neg(a) + b, |a, b| b - a),
        ("add-neg", |_, a, b| neg(a) + neg(b), |a, b| -a - b),
        ("sub-neg", |_, a, b| a - neg(b), |a, b| a + b),
        ("fold-scalars", |c, a, _| a * (c.literal(1.0.into(), DType::F64) / c.literal(2.0.into(), DType::F64)), |a, _| a * 0.5),
        ("select-same", |_, a, b| T::select(T::less(a, b), a, a), |a, _| a),
        ("reduce-one", |_, a, _| T::squeeze(T::reduce_sum(T::expand_dims(a, 0i64), 0i64, true), 0i64), |a, _| a),
        ("outer", |_, a, b| T::squeeze(T::batch_matmul(T::expand_dims(a, [1, 2]), T::expand_dims(b, [1, 2])), [1, 2]), |a, b| a * b),
        (
            "ones-reshaped",
            |_, a, b| T::reshape(T::squeeze(T::expand_dims(a, 1), 1) * T::squeeze(T::expand_dims(b, [0, 2]), [0, 2]), [-1]),
            |a, b| a * b,
        ),
        ("or-absorbs", |_, a, b| choice(T::logical_or(T::logical_and(T::less(a, b), T::less(a, 0.0)), T::less(a, b)), a, b), lesser),
        ("or-absorbs", |_, a, b| choice(T::logical_or(T::less(a, b), T::logical_and(T::greater(b, 1.0), T::less(a, b))), a, b), lesser),
        ("any-repeated", |_, a, b| choice(any_of_repeated(T::less(a, b)), a, b), lesser),
        ("merge", |_, a, b| (a * 1.0 + b) * 3.0 - (a + b) * 2.5, |a, b| (a + b) * 3.0 - (a + b) * 2.5),
    ];
    let pairs: Vec<(f64, f64)> = EDGES.iter().flat_map(|&a| EDGES.iter().map(move |&b| (a, b))).collect();
    let a = Array1::from_iter(pairs.iter().map(|p| p.0));
    let b = Array1::from_iter(pairs.iter().map(|p| p.1));
    for (rule, build, expected) in cases {
        run(|ctx| {
            let (x, y) = (ctx.placeholder("x", &[-1]), ctx.placeholder("y", &[-1]));
            let z = build(ctx, x, y);
            let ask = || ctx.evaluator().push(z).feed(x, a.view()).feed(y, b.view());
            let text = ask().plan().unwrap().explain();
            assert!(text.contains(&format!("  {rule} x ")), "{rule} was not applied:\n{text}");
            let got = bits(ask().run()[0].as_ref().unwrap());
            for (i, &(a, b)) in pairs.iter().enumerate() {
                let e = expected(a, b);
                let wanted = if e.is_nan() { u64::MAX } else { e.to_bits() };
                assert_eq!(got[i], wanted, "{rule} of {a:?} and {b:?}: {:?} for {e:?}", f64::from_bits(got[i]));
            }
        });
    }
}

#[test]
fn a_mask_that_repeats_along_other_axes_is_counted() {
    run(|ctx| {
        let mask = T::less(ctx.placeholder("x", &[3]), 0.0);
        // The one axis is repeated, the other one is counted.
        let square = T::broadcast_like(T::expand_dims(mask, 0), ctx.constant(ndarray::Array2::<f64>::zeros((3, 3))));
        let count = |axis| T::cast(T::not_equal(T::reduce_sum(T::cast(square, DType::F64), axis, false), 0.0), DType::F64);
        let x = ndarray::arr1(&[-1.0, 2.0, -3.0]);
        let out =
            ctx.evaluator().push(count(0)).push(count(1)).push(count(-1) + 0.0 * count(0)).feed(ctx.placeholder("x", &[3]), x.view()).run();
        assert_eq!(bits(out[0].as_ref().unwrap()), [1.0f64, 0.0, 1.0].map(f64::to_bits));
        assert_eq!(bits(out[1].as_ref().unwrap()), [1.0f64; 3].map(f64::to_bits));
    });
}

#[test]
fn zero_is_not_left_out_where_it_counts() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[]);
        let out = ctx.evaluator().push(x + 0.0).push(x * 0.0).push(0.0 - x).feed(x, -0.0).run();
        let sign = |i: usize| out[i].as_ref().unwrap().item().unwrap().is_sign_negative();
        assert_eq!([sign(0), sign(1), sign(2)], [false, true, false]);
    });
}

const SIZES: [usize; 20] = [0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 511, 512, 513, 520, 1023, 1025, 5000, 20_001];

#[test]
fn variables_are_updated_in_place_at_every_size() {
    for n in SIZES {
        let env = VariableEnvironment::new();
        let at = |k: usize| Array1::from_shape_fn(n, |i| ((i * 7 + k * 13) % 101) as f32 * 0.125 - 6.0);
        let ids = [env.name("m").set(at(0)), env.name("v").set(at(1)), env.name("w").set(at(2))];
        let (mut m, mut v, mut w) = (at(0), at(1), at(2));
        env.run(|ctx| {
            let [a, b, c] = ["m", "v", "w"].map(|s| ctx.variable(s));
            for _ in 0..3 {
                let next = a * 0.5 + c;
                let other = b * 0.25 + next * next;
                let last = c - next / (T::abs(other) + 1.0);
                ctx.evaluator().write(T::assign(a, next)).write(T::assign(b, other)).write(T::assign(c, last)).push(T::sum_all(a)).run()[0]
                    .as_ref()
                    .unwrap();
                let n1 = &m * 0.5 + &w;
                let o1 = &v * 0.25 + &n1 * &n1;
                w = &w - &(&n1 / &(o1.mapv(f32::abs) + 1.0));
                (m, v) = (n1, o1);
            }
        });
        for (id, wanted) in ids.iter().zip([&m, &v, &w]) {
            assert_eq!(env.get(*id).unwrap(), *wanted, "size {n}");
        }
    }
}

#[test]
fn programs_with_reductions_give_what_separate_runs_give() {
    for (rows, cols) in [(1, 1), (3, 5), (128, 10), (7, 512), (600, 3), (513, 17), (2, 1500), (700, 700)] {
        run(|ctx| {
            let x = ctx.placeholder("x", &[-1, -1]);
            let a = Array2::from_shape_fn((rows, cols), |(i, j)| ((i * 31 + j * 17) % 97) as f64 * 0.03 - 1.4);
            let y = T::tanh(x) * x + 0.5;
            let parts = [T::reduce_sum(y, 1i64, false), T::reduce_sum(y, 0i64, false), T::reduce_max(y, 0i64, false), T::sum_all(y), y];
            let together = ctx.evaluator().extend(&parts).feed(x, a.view()).run();
            for (t, r) in parts.iter().zip(&together) {
                let alone = ctx.evaluator().push(t).feed(x, a.view()).run().remove(0).unwrap();
                assert_eq!(bits(&alone), bits(r.as_ref().unwrap()), "{rows} x {cols}");
            }
            // A transposed feed is copied, a transposed tensor is read by strides.
            let turned = a.t().as_standard_layout().into_owned();
            let back =
                ctx.evaluator().push(T::reduce_sum(T::tanh(T::transpose(x, [1, 0])) + 0.0, 1i64, false)).feed(x, turned.view()).run();
            let wanted = a.mapv(f64::tanh).sum_axis(Axis(1));
            let got = back[0].as_ref().unwrap().view::<f64>().unwrap().to_owned();
            assert!((&got - &wanted).iter().all(|d| d.abs() <= 1e-12 * cols as f64));
        });
    }
}
