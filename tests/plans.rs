//! Plans: what they are made of, as snapshots, and when they are made again.
//!
//! `UPDATE=1 cargo test --test plans` writes the snapshots anew; the change is then read in review.

mod common;

use std::path::Path;

use common::{Network, data, environment, network, network_with};
use parking_lot::{Mutex, MutexGuard};
use scirs2_autograd::DType;
use scirs2_autograd::internals::Work;
use scirs2_autograd::internals::{PLANS, cached, clear, compilations};
use scirs2_autograd::optimizers::sgd::SGD;
use scirs2_autograd::{Feeder, VariableEnvironment, run, tensor_ops as T};
use scirs2_autograd::{Plan, TracedPlan};

/// The cache and its counter belong to the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock()
}

/// The text with the numbers of lines left out: with them, an edit up here would change every snapshot. (That the right
/// lines are shown is the business of `provenance.rs`.)
fn without_lines(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |out, rest| out + ".rs" + rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn snapshot(name: &str, plan: &TracedPlan) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"));
    let text = without_lines(&plan.explain());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs =
        kept.lines().zip(text.lines()).position(|(a, b)| a != b).unwrap_or_else(|| kept.lines().count().min(text.lines().count()));
    let line = |s: &str| s.lines().nth(differs).unwrap_or("(the end)").to_owned();
    assert!(
        kept == text,
        "{name}: the plan has changed, first in line {}:\n  kept: {}\n  now:  {}\nrun with UPDATE=1 if it should have",
        differs + 1,
        line(&kept),
        line(&text)
    );
}

fn steps(plan: &Plan) -> [usize; 3] {
    let count = |f: fn(&Work) -> bool| plan.steps.iter().filter(|s| f(&s.work)).count();
    [count(|w| matches!(w, Work::Tile(_))), count(|w| matches!(w, Work::Call(..))), count(|w| matches!(w, Work::Copy))]
}

#[test]
fn the_scalar_program_and_its_gradients() {
    let _alone = alone();
    run(|ctx| {
        let x = ctx.placeholder("x", &[]);
        let y = ctx.placeholder("y", &[]);
        let z = 2.0 * x * x + 3.0 * y + 1.0;
        let gy = T::grad(&[z], &[y])[0];
        let gx = T::grad(&[z], &[x])[0];
        let ggx = T::grad(&[gx], &[x])[0];
        for (name, t, peak) in [("scalar_dy", gy, 64 + 8), ("scalar_dx", gx, 1024), ("scalar_dxx", ggx, 64 + 8)] {
            let plan = ctx.evaluator().push(t).feed(x, 2.0).plan().unwrap();
            snapshot(name, &plan);
            assert!(plan.steps.len() <= 1, "{name}: {} steps", plan.steps.len());
            assert!(plan.peak_bytes() <= peak, "{name}: {} bytes", plan.peak_bytes());
        }
        let all = ctx.evaluator().push(z).push(gy).push(gx).push(ggx).feed(x, 2.0).feed(y, 1.0).plan().unwrap();
        snapshot("scalar_all", &all);
    });
}

#[test]
fn a_training_step_is_one_plan_without_copies() {
    let _alone = alone();
    let (env, adam) = environment();
    let (images, labels) = data::<f32>(128);
    env.run(|ctx| {
        let Network { x, y, vars, loss, grads } = network(ctx, DType::F32);
        let feeder = Feeder::new().push(x, images.view()).push(y, labels.view());
        let plan = adam.plan(&[loss], &vars, &grads, ctx, feeder).unwrap();
        snapshot("adam_step", &plan);
        let [tiles, calls, copies] = steps(&plan);
        // Five products, the check of the labels, and the numbers of the classes that they are compared with.
        assert_eq!((calls, copies), (7, 0));
        assert!(tiles <= 12, "{tiles} tile programs");
        // The gradient of the first weights alone takes 784 x 128 x 4 bytes; a product packs its operands beside that, in parts for threads.
        let scratch = plan.steps.iter().filter(|s| matches!(s.work, Work::Call(..))).map(|s| s.scratch.1).max().unwrap_or(0);
        let peak = plan.peak_bytes();
        assert!(peak <= 470_000 + scratch && scratch <= 900_000, "{peak} bytes, {scratch} of them scratch");
        // One pass a variable: moments and weights are written where they are.
        let large = plan.steps.iter().filter(|s| matches!(&s.work, Work::Tile(p) if p.count() == 784 * 128)).count();
        assert_eq!(large, 1);
    });
}

/// How many plans `f` compiled.
fn compiled(f: impl FnOnce()) -> u64 {
    let before = compilations();
    f();
    compilations() - before
}

#[test]
fn a_loop_that_rebuilds_its_graph_compiles_once() {
    let _alone = alone();
    let (env, mut adam) = environment();
    let (images, labels) = data::<f32>(16);
    let n = compiled(|| {
        for (k, rate) in [1.0, 0.5, 0.0, 1e-8, 2.0, 0.125, 0.001].into_iter().enumerate() {
            adam.set_alpha(rate).unwrap();
            env.seed(k as u64);
            env.run(|ctx| {
                let between = |h| T::dropout(h, 0.5, true).raw_hook(move |_| assert!(k < 7));
                let Network { x, y, vars, loss, grads } = network_with(ctx, DType::F32, between);
                let feeder = Feeder::new().push(x, images.view()).push(y, labels.view());
                adam.update_and_eval(&[loss], &vars, &grads, ctx, feeder).unwrap();
            });
        }
    });
    assert_eq!(n, 1);
}

#[test]
fn a_loop_that_keeps_its_graph_compiles_once() {
    let _alone = alone();
    let (env, mut adam) = environment();
    let (images, labels) = data::<f32>(8);
    let n = compiled(|| {
        env.run(|ctx| {
            let Network { x, y, vars, loss, grads } = network(ctx, DType::F32);
            // Each step reads the rate anew, whether its graph is there already or not.
            for rate in [1.0, 0.5, 0.0, 1e-8, 2.0, 0.125, 0.001] {
                adam.set_alpha(rate).unwrap();
                let feeder = Feeder::new().push(x, images.view()).push(y, labels.view());
                adam.update_and_eval(&[loss], &vars, &grads, ctx, feeder).unwrap();
            }
        });
    });
    assert_eq!(n, 1);
    let n = compiled(|| {
        env.run(|ctx| {
            let b = ctx.variable("b1");
            let grads = T::grad(&[b * b], &[b]);
            for rate in [0.25, 1.0, 0.5, 0.0, 2.0] {
                SGD::new(rate).update(&[b], &grads, ctx, Feeder::new()).unwrap();
            }
        });
    });
    assert_eq!(n, 1);
}

#[test]
fn a_plan_does_not_hang_on_the_order_in_which_its_graph_was_built() {
    let _alone = alone();
    let once = |swap: bool| {
        run(|ctx| {
            let c = ctx.placeholder("c", &[]);
            let make = |name: &str| ctx.placeholder(name, &[]);
            if swap {
                T::sin(make("b"));
            }
            // All of these are captured by the bodies.
            let (a, b) = (make("a"), make("b"));
            let (p, q) = (T::cos(a), T::sin(b));
            let y = T::cond(T::greater(c, 0.0), || p * a - q * b, || b / a) + p / q;
            let g = T::grad(&[y], &[a, b]);
            let out = ctx.evaluator().push(y).extend(&g).feed(a, 2.0).feed(b, 3.0).feed(c, 1.0).run();
            let [y, ga, gb] = [0, 1, 2].map(|i| out[i].as_ref().unwrap().item().unwrap());
            let (cos, sin) = (2f64.cos(), 3f64.sin());
            let near = |x: f64, y: f64| assert!((x - y).abs() < 1e-14, "{x} {y}");
            near(y, cos * 2.0 - sin * 3.0 + cos / sin);
            near(ga, cos - 2f64.sin() * 2.0 - 2f64.sin() / sin);
            near(gb, -sin - 3f64.cos() * 3.0 - cos * 3f64.cos() / (sin * sin));
        });
    };
    assert_eq!(compiled(|| once(false)), 1);
    assert_eq!(compiled(|| once(true)), 0);
}

#[test]
fn constants_are_bound_unless_a_rewrite_reads_them() {
    let _alone = alone();
    let once = |c: f64| {
        run(|ctx| {
            let x = ctx.placeholder("x", &[3]);
            let a = ndarray::arr1(&[1.0, 2.0, -0.0]);
            let y = ctx.evaluator().push(x * c).feed(x, a.view()).run()[0].clone().unwrap();
            assert_eq!(y, a * c);
        });
    };
    assert_eq!(compiled(|| [3.0, 4.0, 1e-8, -7.5].into_iter().for_each(once)), 1);
    // x * 1 is x.
    assert_eq!(compiled(|| [1.0, 1.0].into_iter().for_each(once)), 1);
}

#[test]
fn another_shape_or_dtype_is_another_plan() {
    let _alone = alone();
    let once = |n: usize, dtype: DType| {
        run(|ctx| {
            let x = ctx.placeholder_of("x", &[-1], dtype);
            let a = ndarray::Array1::<f32>::zeros(n);
            ctx.evaluator().push(T::sin(T::tanh(x))).feed(x, a.view()).run()[0].clone().unwrap();
        });
    };
    assert_eq!(compiled(|| (0..3).for_each(|_| once(5, DType::F32))), 1);
    assert_eq!(compiled(|| once(6, DType::F32)), 1);
    assert_eq!(compiled(|| once(5, DType::F64)), 1);
    assert_eq!(compiled(|| once(6, DType::F32)), 0);
}

#[test]
fn the_least_recently_used_plan_goes_first() {
    let _alone = alone();
    clear();
    let once = |n: usize| {
        run(|ctx| {
            let x = ctx.placeholder("x", &[-1]);
            let a = ndarray::Array1::<f64>::zeros(n);
            ctx.evaluator().push(T::cos(x)).feed(x, a.view()).run()[0].clone().unwrap();
        });
    };
    let kept = PLANS;
    assert_eq!(compiled(|| (1..=kept).for_each(once)), kept as u64);
    // 1 is used, so 2 is the oldest when one more comes.
    assert_eq!(compiled(|| once(1)), 0);
    assert_eq!(compiled(|| once(kept + 1)), 1);
    assert_eq!(cached(), kept);
    assert_eq!(compiled(|| once(1)), 0);
    assert_eq!(compiled(|| once(2)), 1);
    assert_eq!(cached(), kept);
    clear();
    assert_eq!(cached(), 0);
}

/// The names of a plan's calls of the table, in order.
fn calls(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().filter(|s| matches!(s.work, Work::Call(..))).map(|s| s.work.name()).collect()
}

#[test]
fn an_index_is_checked_once_and_nothing_waits_for_what_it_chooses() {
    let _alone = alone();
    let (env, index) = (VariableEnvironment::new(), ndarray::arr1(&[0i64, 2, -1]));
    env.name("w").set(ndarray::Array2::<f64>::zeros((4, 3)));
    env.run(|ctx| {
        let w = ctx.variable("w");
        let i = ctx.placeholder_of("i", &[3], DType::I64);
        // What is chosen from is computed, and so is what is chosen: both sides could be urgent.
        let y = T::take(T::tanh(w), i, 0) * T::take(T::exp(w), i, 0);
        let g = T::grad(&[T::reduce_sum(T::square(y), (), false)], &[w])[0];
        let second = T::grad(&[T::reduce_sum(T::square(g), (), false)], &[w])[0];
        for (t, gathers) in [(y, 2), (g, 2), (second, 4)] {
            let plan = ctx.evaluator().push(t).feed(i, index.view()).plan().unwrap();
            let names = calls(&plan);
            assert_eq!((names[0], names.iter().filter(|n| n.starts_with("check")).count()), ("check_index", 1), "{}", plan.explain());
            assert!(names.iter().filter(|n| **n == "gather_at").count() >= gathers, "{}", plan.explain());
            // Only the index is before the check.
            assert!(matches!(plan.steps[0].work, Work::Call(..)), "{}", plan.explain());
        }
        // So a step may write as soon as the check was made: the old value is not kept beside the new one.
        let write = T::assign(w, w - g * 0.1);
        let plan = ctx.evaluator().push(write).feed(i, index.view()).plan().unwrap();
        assert_eq!(plan.first_write, plan.steps.len() - 1, "{}", plan.explain());
    });
}

#[test]
fn the_adjoint_of_many_slices_is_one_step() {
    let _alone = alone();
    let peak = |t: usize| {
        run(|ctx| {
            let x = ctx.placeholder("x", &[t as isize, 64]);
            let parts: Vec<_> = (0..t as i64).map(|k| T::reshape(T::slice(x, [k, 0], [k + 1, 64]), [64i64])).collect();
            let mut h = parts[0];
            for &p in &parts[1..] {
                h = T::tanh(h * 0.5 + p);
            }
            let g = T::grad(&[h], &[x])[0];
            let a = ndarray::Array2::<f64>::zeros((t, 64));
            let plan = ctx.evaluator().push(g).feed(x, a.view()).plan().unwrap();
            assert_eq!(calls(&plan), ["add_slices"], "{}", plan.explain());
            plan.peak_bytes()
        })
    };
    // Linear in the number of slices.
    let (short, long) = (peak(16), peak(128));
    assert!(long < 9 * short, "{short} and {long} bytes");
}
