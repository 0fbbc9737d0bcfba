//! Bodies of branches: a gradient reads what the body that ran has handed on, so that nothing in it is computed twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ndarray::{ArrayD, arr1};
use parking_lot::{Mutex, MutexGuard};
use scirs2_autograd::check::gradcheck;
use scirs2_autograd::internals::{compilations, over};
use scirs2_autograd::op::{Avals, ComputeContext, GradientContext, Op};
use scirs2_autograd::{Aval, Context, DType, ErrorKind, Result, Tensor, run, tensor_ops as T};

/// The cache of plans belongs to the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock()
}

type Counter = Arc<AtomicUsize>;

fn counted<'g>(t: Tensor<'g>, counter: &Counter) -> Tensor<'g> {
    let counter = counter.clone();
    t.raw_hook(move |_| _ = counter.fetch_add(1, Relaxed))
}

/// `exp`, counted.
struct Exp(Counter);

impl Op for Exp {
    fn name(&self) -> &str {
        "counted_exp"
    }
    fn infer(&self, inputs: &[&Aval]) -> Result<Avals> {
        Ok(inputs.iter().map(|&a| a.clone()).collect())
    }
    fn compute(&self, c: &mut ComputeContext<'_>) -> Result<()> {
        self.0.fetch_add(1, Relaxed);
        let x = c.input::<f64>(0)?.to_owned();
        c.append_output(x.mapv(f64::exp))
    }
    fn grad<'g>(&self, c: &mut GradientContext<'_, 'g>) {
        let (y, g) = (c.output(), c.output_grad());
        c.append_input_grad(0, Some(g * y));
    }
}

fn sum(t: Tensor<'_>) -> Tensor<'_> {
    T::reduce_sum(t, (), false)
}

/// The values of some tensors in one run.
fn values(ctx: &Context, ts: &[Tensor<'_>], x: Tensor<'_>, at: &[f64]) -> Vec<Vec<f64>> {
    let at = arr1(at);
    let out = ctx.evaluator().extend(ts).feed(x, at.view()).run();
    out.into_iter().map(|a| a.unwrap().as_slice::<f64>().unwrap().to_vec()).collect()
}

fn near(a: &[f64], b: &[f64]) {
    assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs().max(1.0)), "{a:?} for {b:?}");
}

#[test]
fn what_a_user_sees_in_a_body_runs_once() {
    let _alone = alone();
    let (hooks, ops) = (Counter::default(), Counter::default());
    run(|ctx| {
        let x = ctx.placeholder("x", &[2]);
        let y = T::cond(
            T::greater(sum(x), 0.0),
            || counted(Tensor::builder(ctx).append_input(counted(x * x, &hooks), false).build(Exp(ops.clone())), &hooks),
            || T::sin(counted(T::sin(x), &hooks)),
        );
        let y = T::sin(sum(y));
        let g = T::grad(&[y], &[x])[0];
        let gg = T::grad(&[sum(g * g)], &[x])[0];
        let ran = |ts: &[Tensor<'_>], at: &[f64]| {
            values(ctx, ts, x, at);
            (hooks.swap(0, Relaxed), ops.swap(0, Relaxed))
        };
        for (at, hooks, ops) in [([0.3, 0.5], 2, 1), ([-0.3, -0.5], 1, 0)] {
            assert_eq!(ran(&[y], &at), (hooks, ops));
            assert_eq!(ran(&[y, g], &at), (hooks, ops));
            assert_eq!(ran(&[g], &at).1, ops);
            assert_eq!(ran(&[y, g, gg], &at), (hooks, ops));
        }
    });
}

/// `depth` branches in one another; each handed-on value passes through all of those around it.
fn nested<'g>(x: Tensor<'g>, depth: usize, counter: &Counter) -> Tensor<'g> {
    match depth {
        0 => counted(T::sin(x), counter),
        _ => T::cond(T::greater(sum(x), 0.0), || T::sin(nested(x, depth - 1, counter) * x), || x),
    }
}

#[test]
fn a_hook_in_a_deep_nest_runs_once() {
    let _alone = alone();
    let hooks = Counter::default();
    run(|ctx| {
        let x = ctx.placeholder("x", &[1]);
        let y = nested(x, 40, &hooks);
        let g = T::grad(&[y], &[x])[0];
        let out = values(ctx, &[y, g], x, &[0.7]);
        let (v, s) = (0..40).fold((0.7f64.sin(), 0.7f64.cos()), |(v, s), _| ((v * 0.7).sin(), (v * 0.7).cos() * (s * 0.7 + v)));
        near(&out[0], &[v]);
        near(&out[1], &[s]);
        assert_eq!(hooks.load(Relaxed), 1);
    });
}

type Function = for<'g> fn(&'g Context, &[Tensor<'g>]) -> Tensor<'g>;

/// Functions of two vectors, with a branch that the sign of the first one's sum chooses.
const FUNCTIONS: [(&str, Function); 9] = [
    ("both compute", |_, x| T::cond(T::greater(sum(x[0]), 0.0), || T::exp(x[0]) * x[1], || T::sin(x[0] * x[1]) + T::tanh(x[1]))),
    ("one hands on more", |_, x| {
        T::cond(T::greater(sum(x[0]), 0.0), || T::exp(T::sin(x[0]) * T::tanh(x[1])) / (x[1] * x[1] + 2.0), || x[0] + x[1])
    }),
    ("a capture and a constant", |ctx, x| {
        let (a, b) = T::cond(T::greater(sum(x[0]), 0.0), || (x[0], x[1] * x[1]), || (ctx.constant(arr1(&[2.0, 3.0, 4.0])), T::exp(x[1])));
        a * T::sin(b)
    }),
    ("a residual that is an output", |_, x| {
        let (a, b) = T::cond(
            T::greater(sum(x[0]), 0.0),
            || {
                let e = T::exp(x[0] * x[1]);
                (e, T::exp(e))
            },
            || {
                let t = T::tanh(x[0]);
                (T::tanh(t), t)
            },
        );
        a * T::sin(b)
    }),
    ("one value twice", |_, x| {
        let (a, b) = T::cond(
            T::greater(sum(x[0]), 0.0),
            || {
                let e = T::exp(x[0] * x[1]);
                (e, e)
            },
            || (x[1], x[1]),
        );
        a * b * x[0]
    }),
    ("views", |_, x| {
        let m = T::cond(
            T::greater(sum(x[0]), 0.0),
            || T::transpose(T::expand_dims(T::exp(x[0]), 0), ()) * T::expand_dims(T::sin(x[1]), 0),
            || T::matmul(T::expand_dims(T::sin(x[1]), 1), T::expand_dims(T::exp(x[0]), 0)),
        );
        T::tanh(T::matmul(m, T::transpose(m, ())))
    }),
    ("nested", |_, x| {
        T::cond(
            T::greater(sum(x[0]), 0.0),
            || {
                let e = T::exp(x[0]);
                e * T::cond(T::less(sum(x[1]), 1e3), || T::sin(e * x[1]), || x[1])
                    * T::cond(T::less(sum(e), 0.0), || e, || T::tanh(e * x[1]))
            },
            || T::cond(T::greater(sum(x[0]), 5.0), || x[0], || T::sin(T::exp(x[0]) * x[1])),
        )
    }),
    ("a gradient inside", |_, x| {
        T::cond(
            T::greater(sum(x[0]), 0.0),
            || {
                let y = T::cond(T::less(sum(x[1]), 1e3), || T::exp(x[0] * x[1]), || x[0]);
                T::grad(&[y], &[x[0]])[0] * y
            },
            || x[0] * T::grad(&[T::sin(x[0] * x[1])], &[x[1]])[0],
        )
    }),
    ("one after the other", |_, x| {
        let c = T::greater(sum(x[0]), 0.0);
        let y = T::cond(c, || T::exp(x[0]), || T::sin(x[1]));
        y * T::cond(c, || T::sin(y * x[1]), || T::exp(y))
    }),
];

fn inputs(sign: f64) -> [ArrayD<f64>; 2] {
    [arr1(&[0.3, 0.9, -0.2]).mapv(|v| v * sign).into_dyn(), arr1(&[0.7, -0.4, 1.1]).into_dyn()]
}

#[test]
fn gradients_are_differences() {
    let _alone = alone();
    for (name, f) in FUNCTIONS {
        for sign in [1.0, -1.0] {
            gradcheck(f, &inputs(sign), 2).unwrap_or_else(|e| panic!("{name}, {sign}: {e}"));
        }
    }
}

#[test]
fn jacobians_are_rows_of_gradients_and_have_gradients() {
    let _alone = alone();
    for (name, f) in FUNCTIONS.into_iter().filter(|(name, _)| *name != "views") {
        for sign in [1.0, -1.0] {
            run(|ctx| {
                let [a, b] = inputs(sign);
                let (p, x) = (ctx.placeholder("p", &[3]), ctx.constant(b));
                let y = f(ctx, &[p, x]);
                let weights = ctx.constant(arr1(&[0.3, -1.2, 0.8]));
                let g = T::grad_with_default(&[y], &[p], &[weights])[0];
                // The Hessian is a Jacobian of a gradient.
                for y in [y, g] {
                    let j = T::jacobians(y, &[p], 3)[0];
                    let rows: Vec<_> = (0..3).map(|i| T::grad(&[T::slice(y, [i], [i + 1])], &[p])[0]).collect();
                    let all: Vec<_> = [j].into_iter().chain(rows).collect();
                    let out = values(ctx, &all, p, a.as_slice().unwrap());
                    println!("{name} {sign}");
                    near(&out[0], &out[1..].concat());
                }
            });
        }
    }
    // Where each computation has its own condition, both bodies are computed.
    gradcheck(
        |_, x| {
            let step = |v: Tensor<'_>| -> f64 { v.ndim() as f64 };
            let y = T::cond(T::greater(sum(x[0]), 0.0), || T::exp(x[0]) * T::sin(x[1]), || T::sin(x[0]));
            T::jacobians(T::grad(&[y * y], &[x[0]])[0] * step(y), &[x[0]], 3)[0]
        },
        &inputs(1.0),
        1,
    )
    .unwrap();
}

/// What an inner body hands on does not depend on what is computed over and over, and its other residuals are not written.
#[test]
fn residuals_that_have_no_axis_are_repeated_where_they_are_computed() {
    let _alone = alone();
    for at in [[0.3, 0.4, 0.1], [5.0, 6.0, 0.5], [-0.2, 0.1, -0.7]] {
        run(|ctx| {
            let (w, x, many) = (ctx.placeholder("w", &[3]), ctx.placeholder("x", &[3]), ctx.placeholder("many", &[2, 3]));
            let inner = || T::cond(T::less(sum(w), 9.0), || T::exp(w * w), || T::sin(w) * w);
            let y = T::cond(T::greater(sum(w), 0.0), || sum(T::sin(inner() * x)), || sum(T::exp(w) * x));
            let g = T::grad(&[y], &[w])[0];
            let all = over(ctx, &[g.value()], &[(x.value(), many)], 2).unwrap()[0];
            let (at, rows) = (arr1(&at), [[0.5, -1.5, 2.0], [1.1, 0.2, -0.4]]);
            let both = ndarray::arr2(&rows);
            let out = ctx.evaluator().push(all).feed(w, at.view()).feed(many, both.view()).run();
            let single = rows.map(|row| {
                let row = arr1(&row);
                let out = ctx.evaluator().push(g).feed(w, at.view()).feed(x, row.view()).run();
                out[0].as_ref().unwrap().as_slice::<f64>().unwrap().to_vec()
            });
            near(out[0].as_ref().unwrap().as_slice::<f64>().unwrap(), &single.concat());
        });
    }
}

#[test]
fn single_precision_follows() {
    let _alone = alone();
    for (name, f) in FUNCTIONS.into_iter().filter(|(name, _)| !name.contains("constant")) {
        for sign in [1.0, -1.0] {
            run(|ctx| {
                let [a, b] = inputs(sign);
                let of = |dtype: DType| {
                    let xs = [T::cast(ctx.constant(a.clone()), dtype), T::cast(ctx.constant(b.clone()), dtype)];
                    let g = T::grad(&[sum(f(ctx, &xs))], &xs);
                    assert_eq!(g[0].dtype(), dtype);
                    let out = ctx.evaluator().push(T::cast(g[0], DType::F64)).push(T::cast(g[1], DType::F64)).run();
                    out.into_iter().flat_map(|a| a.unwrap().as_slice::<f64>().unwrap().to_vec()).collect::<Vec<_>>()
                };
                let (single, double) = (of(DType::F32), of(DType::F64));
                assert!(
                    single.iter().zip(&double).all(|(a, b)| (a - b).abs() < 1e-4 * b.abs().max(1.0)),
                    "{name}: {single:?} for {double:?}"
                );
            });
        }
    }
}

/// Which residuals the steps of a plan have, by its text.
fn residuals(text: &str) -> Vec<&str> {
    text.lines().filter(|l| l.contains("nodes with bodies")).map(str::trim).collect()
}

#[test]
fn a_plan_hands_on_what_is_read_and_no_more() {
    let _alone = alone();
    const N: usize = 10_000;
    run(|ctx| {
        let x = ctx.placeholder("x", &[N as isize]);
        // The one body hands on its exponentials; the other one, which is linear, nothing.
        let y = T::cond(T::greater(sum(x), 0.0), || sum(T::exp(x)), || sum(x * 3.0));
        let g = T::grad(&[y], &[x])[0];
        let at = arr1(&[0.5; N]);
        let plan = |ts: &[Tensor<'_>]| ctx.evaluator().extend(ts).feed(x, at.view()).plan().unwrap();
        let (forward, both) = (plan(&[y]), plan(&[y, g]));
        assert_eq!(residuals(&forward.explain())[0], "bodies: 1 nodes with bodies, 0 residuals");
        assert!(forward.peak_bytes() < 8 * N, "{} bytes", forward.peak_bytes());
        assert_eq!(residuals(&both.explain())[0], "bodies: 2 nodes with bodies, 1 residuals", "{}", both.explain());
        let names: Vec<&str> = both.steps.iter().map(|s| s.work.name()).filter(|n| *n == "cond").collect();
        assert_eq!(names.len(), 2, "{}", both.explain());
        assert!((16 * N..18 * N).contains(&both.peak_bytes()), "{} bytes", both.peak_bytes());
    });
}

#[test]
fn a_draw_in_a_body_is_one_draw() {
    let _alone = alone();
    run(|ctx| {
        let x = ctx.placeholder("x", &[50]);
        let y = T::cond(T::greater(sum(x), 0.0), || sum(T::exp(T::standard_normal([50], ctx) * x)), || sum(x));
        let g = T::grad(&[y], &[x])[0];
        let plan = ctx.evaluator().push(y).push(g).feed(x, arr1(&[0.1; 50]).view()).plan().unwrap().explain();
        assert_eq!(plan.matches("standard_normal(").count(), plan.matches(": standard_normal(").count(), "{plan}");
        assert_eq!(plan.matches(": standard_normal(").count(), 1, "{plan}");
    });
}

#[test]
fn a_gradient_that_is_built_again_has_its_plan() {
    let _alone = alone();
    let once = |first: bool| {
        run(|ctx| {
            let x = ctx.placeholder("x", &[3]);
            if first {
                T::sin(x);
            }
            let y = T::cond(T::greater(sum(x), 0.0), || T::exp(x) * x, || T::sin(x));
            let g = T::grad(&[y], &[x])[0];
            let gg = T::grad(&[g], &[x])[0];
            let count = compilations();
            values(ctx, &[y, g, gg], x, &[0.1, 0.2, 0.3]);
            compilations() - count
        })
    };
    assert_eq!([once(false), once(false), once(true)], [1, 0, 0]);
}

#[test]
fn what_may_be_unwritten_is_refused() {
    let _alone = alone();
    run(|ctx| {
        let x = ctx.placeholder("x", &[3]);
        let y = T::cond(T::greater(sum(x), 0.0), || T::exp(x) * x, || T::sin(x));
        T::grad(&[y], &[x]);
        let residual = (0..ctx.len() as u32).find(|&id| ctx.node(id).name() == "cond" && ctx.node(id).is_residual(0)).expect("a residual");
        let mut value = y.value();
        value.node = residual;
        let e = ctx.evaluator().push(ctx.tensor(value)).feed(x, arr1(&[0.1, 0.2, 0.3])).run()[0].clone().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Graph);
        assert!(e.to_string().starts_with("run: what may be left unwritten is asked for. Got output 0 of cond"), "{e}");
    });
}
