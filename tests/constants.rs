//! A tensor that the user makes from numbers is a tensor of its own, whatever else has the same numbers: gradients with
//! respect to it count its own uses and no others. Literals in expressions and rules are shared.

use scirs2_autograd::DType;
use scirs2_autograd::{Context, Tensor, run, tensor_ops as T};

type Make = for<'g> fn(&'g Context, f64) -> Tensor<'g>;

/// Every way to make a tensor from numbers.
const WAYS: [(&str, Make); 8] = [
    ("scalar", |ctx, v| ctx.scalar(v.into(), DType::F64)),
    ("T::scalar", |ctx, v| T::scalar(v, ctx)),
    ("constant of a 0-d array", |ctx, v| ctx.constant(ndarray::arr0(v))),
    ("constant of an array", |ctx, v| ctx.constant(ndarray::arr1(&[v, v]))),
    ("full", |ctx, v| ctx.full([2], v)),
    ("zeros", |ctx, v| if v == 0.0 { ctx.zeros([2]) } else { ctx.ones([2]) }),
    ("T::ones", |ctx, v| if v == 0.0 { ctx.zeros([2]) } else { T::ones([2], ctx) }),
    ("filled", |ctx, v| if v == 0.0 { ctx.constant(T::zeros([2])) } else { ctx.full([1, 2], v) }),
];

fn values(ctx: &Context, ts: &[Tensor<'_>]) -> Vec<Vec<f64>> {
    ctx.evaluator().extend(ts).run().into_iter().map(|a| a.unwrap().as_slice::<f64>().unwrap().to_vec()).collect()
}

#[test]
fn equal_constants_are_two_tensors() {
    for (name, make) in WAYS {
        for v in [0.0, 1.0, 2.0, 3.0] {
            run(|ctx| {
                let (a, b) = (make(ctx, v), make(ctx, v));
                assert!(!a.is(&b), "{name}");
                let g = values(ctx, &T::grad(&[2.0 * a + b * 5.0], &[a, b]));
                assert!(g[0].iter().all(|&x| x == 2.0) && g[1].iter().all(|&x| x == 5.0), "{name} of {v}: {g:?}");
            });
        }
    }
}

#[test]
fn a_constant_is_not_a_literal_of_the_same_value() {
    for (name, make) in WAYS {
        for v in [0.0, 1.0, 2.0, 3.0] {
            run(|ctx| {
                let x = make(ctx, v);
                let own = ctx.evaluator().push(x).run()[0].clone().unwrap().as_slice::<f64>().unwrap()[0];
                // Numbers of the expression, of rules, and of rules of rules: 1, 2, 3, 0.5.
                let y = 2.0 * x + 3.0 + T::pow(x, 3.0) + T::pow(x, 2.0) + x * 0.0 + x * 1.0 + T::maximum(x, 2.5) * 0.5;
                let g = T::grad(&[y], &[x])[0];
                let gg = T::grad(&[g], &[x])[0];
                let found = values(ctx, &[g, gg]);
                let kink = if own > 2.5 { 0.5 } else { 0.0 };
                let first = 2.0 + 3.0 * own * own + 2.0 * own + 1.0 + kink;
                assert!(found[0].iter().all(|&g| g == first), "{name} of {v}: {found:?}, expected {first}");
                assert!(found[1].iter().all(|&g| g == 6.0 * own + 2.0), "{name} of {v}: {found:?}");
            });
        }
    }
}

#[test]
fn an_exponent_has_a_gradient_in_every_order() {
    run(|ctx| {
        let (x, n) = (T::scalar(3.0, ctx), T::scalar(2.0, ctx));
        let y = T::pow(x, n);
        let gx = T::grad(&[y], &[x])[0];
        // d/dn of n x^(n-1) = x^(n-1) (1 + n log x).
        let found = values(ctx, &[gx, T::grad(&[y], &[n])[0], T::grad(&[gx], &[n])[0]]);
        let log = 3f64.ln();
        for (a, b) in found.iter().zip([6.0, 9.0 * log, 3.0 * (1.0 + 2.0 * log)]) {
            assert!((a[0] - b).abs() < 1e-14 * b, "{a:?} is not {b}");
        }
    });
}

#[test]
fn equal_expressions_are_one_tensor_and_identity_makes_two() {
    run(|ctx| {
        let x = T::scalar(3.0, ctx);
        assert!((x * x).is(&(x * x)));
        let (a, b) = (T::identity(x * x), T::identity(x * x));
        assert!(!a.is(&b));
        assert_eq!(values(ctx, &T::grad(&[a * 2.0 + b], &[a, b, x])), [[2.0], [1.0], [18.0]]);
    });
}

#[test]
fn plans_do_not_depend_on_constants() {
    // Another value of a constant is the same plan: nothing is compiled.
    let plan = |v: f64| {
        run(|ctx| {
            let x = ctx.placeholder("x", &[3]);
            let y = x * T::scalar(v, ctx) + ctx.full([3], v);
            let plan = ctx.evaluator().push(y).feed(x, ndarray::arr1(&[1.0, 2.0, 3.0])).plan().unwrap();
            std::ptr::from_ref(&*plan) as usize
        })
    };
    let first = plan(0.25);
    assert!([0.0, 1.0, 2.0, 7.5].into_iter().all(|v| plan(v) == first));
}
