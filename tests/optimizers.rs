//! Optimizers against loops written out, and what a step leaves behind when it fails.

use ndarray::{Array1, ArrayD, arr0, arr1};
use scirs2_autograd::checkpoint::Policy;
use scirs2_autograd::internals::updates;
use scirs2_autograd::ndarray_ext::Float;
use scirs2_autograd::optimizers::Optimizer;
use scirs2_autograd::optimizers::adagrad::AdaGrad;
use scirs2_autograd::optimizers::adam::Adam;
use scirs2_autograd::optimizers::momentum_sgd::MomentumSGD;
use scirs2_autograd::optimizers::sgd::SGD;
use scirs2_autograd::{Array, Context, Error, ErrorKind, Feeder, Tensor, VariableEnvironment, VariableID, tensor_ops as T};

const STEPS: usize = 25;

/// The loss `sum(c (a - b)^2) + sum(a^4)`, whose gradients are written out below.
fn loss<'g>(a: Tensor<'g>, b: Tensor<'g>, c: Tensor<'g>) -> Tensor<'g> {
    let d = a - b;
    T::reduce_sum(c * d * d, (), false) + T::reduce_sum(T::square(T::square(a)), (), false)
}

fn gradients(a: &[f64], b: &[f64], c: &[f64]) -> [Vec<f64>; 2] {
    let both = |i: usize| 2.0 * c[i] * (a[i] - b[i]);
    [(0..a.len()).map(|i| both(i) + 4.0 * a[i].powi(3)).collect(), (0..a.len()).map(|i| -both(i)).collect()]
}

fn start() -> [Vec<f64>; 3] {
    [vec![0.5, -1.0, 0.25, 2.0, 0.0], vec![1.0, 0.5, -0.5, 1.5, 0.75], vec![1.0, 0.1, 3.0, 0.5, 2.0]]
}

/// What a rule keeps for each element: two numbers, and the count of steps.
type Rule = fn(w: &mut f64, g: f64, s: &mut [f64; 2], t: i32);

fn sgd(w: &mut f64, g: f64, _: &mut [f64; 2], _: i32) {
    *w -= 0.05 * g;
}
fn momentum(w: &mut f64, g: f64, s: &mut [f64; 2], _: i32) {
    s[0] = 0.8 * s[0] - 0.02 * g;
    *w += s[0];
}
fn adagrad(w: &mut f64, g: f64, s: &mut [f64; 2], _: i32) {
    s[0] += g * g;
    *w -= 0.1 * g / (s[0].sqrt() + 1e-7);
}
fn adam(w: &mut f64, g: f64, s: &mut [f64; 2], t: i32) {
    s[0] = 0.9 * s[0] + 0.1 * g;
    s[1] = 0.99 * s[1] + 0.01 * g * g;
    let (m, v) = (s[0] / (1.0 - 0.9f64.powi(t)), s[1] / (1.0 - 0.99f64.powi(t)));
    *w -= 0.03 * m / (v.sqrt() + 1e-6);
}

type Make = fn(&[VariableID], &VariableEnvironment) -> Box<dyn Optimizer>;

fn rules() -> [(&'static str, Rule, Make); 4] {
    [
        ("sgd", sgd, |_, _| Box::new(SGD::new(0.05))),
        ("momentum", momentum, |ids, env| Box::new(MomentumSGD::new(0.02, 0.8, ids.to_vec(), env, "o"))),
        ("adagrad", adagrad, |ids, env| Box::new(AdaGrad::new(0.1, ids.to_vec(), env, "o"))),
        ("adam", adam, |ids, env| Box::new(Adam::new(0.03, 1e-6, 0.9, 0.99, ids.to_vec(), env, "o"))),
    ]
}

fn environment<A: Float>() -> (VariableEnvironment, Vec<VariableID>) {
    let env = VariableEnvironment::new();
    let [a, b, _] = start();
    let set = |n: &str, v: &[f64]| env.name(n).set(Array1::from_iter(v.iter().map(|&x| A::from_f64(x))));
    let ids = vec![set("a", &a), set("b", &b)];
    (env, ids)
}

fn values(env: &VariableEnvironment, id: VariableID) -> Vec<f64> {
    let a = env.get(id).unwrap();
    match a.as_slice::<f32>() {
        Ok(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Err(_) => a.as_slice::<f64>().unwrap().to_vec(),
    }
}

/// One step in one run: all gradients see the old values.
fn step(opt: &dyn Optimizer, ctx: &Context) -> Result<f64, Error> {
    let [_, _, c] = start();
    let (a, b) = (ctx.variable("a"), ctx.variable("b"));
    let x = ctx.placeholder("c", &[-1]);
    let y = loss(a, b, x);
    let grads = T::grad(&[y], &[a, b]);
    let writes = updates(opt, &[a, b], &grads, ctx)?;
    let c = arr1(&c);
    let ask = ctx.evaluator().push(y).feed(x, c.view());
    writes.into_iter().fold(ask, |ask, t| ask.write(t)).run().remove(0)?.item()
}

fn follows<A: Float>(tolerance: f64) {
    for (name, rule, make) in rules() {
        let (env, ids) = environment::<A>();
        let opt = make(&ids, &env);
        let [mut a, mut b, c] = start();
        let mut state = vec![[[0.0; 2]; 2]; a.len()];
        for t in 1..=STEPS as i32 {
            let expected: f64 = (0..a.len()).map(|i| c[i] * (a[i] - b[i]).powi(2) + a[i].powi(4)).sum();
            let got = env.run(|ctx| step(&*opt, ctx)).unwrap();
            assert!((got - expected).abs() <= 20.0 * tolerance * expected.max(1.0), "{name}: loss {got} for {expected} in step {t}");
            let [ga, gb] = gradients(&a, &b, &c);
            for i in 0..a.len() {
                rule(&mut a[i], ga[i], &mut state[i][0], t);
                rule(&mut b[i], gb[i], &mut state[i][1], t);
            }
            for (id, wanted) in ids.iter().zip([&a, &b]) {
                for (x, y) in values(&env, *id).iter().zip(wanted) {
                    assert!((x - y).abs() <= tolerance * y.abs().max(1.0), "{name}: {x} for {y} in step {t}");
                }
            }
        }
    }
}

#[test]
fn steps_follow_the_rules() {
    follows::<f64>(1e-13);
    follows::<f32>(2e-5);
}

#[test]
fn saved_and_loaded_state_goes_on_identically() {
    let dir = tempfile::tempdir().unwrap();
    for (name, _, make) in rules() {
        let (env, ids) = environment::<f32>();
        let opt = make(&ids, &env);
        (0..5).for_each(|_| _ = env.run(|ctx| step(&*opt, ctx)).unwrap());
        let path = dir.path().join(name);
        env.save(&path).unwrap();
        let again = VariableEnvironment::load(&path).unwrap();
        // Ids do not outlive their environment: names do.
        let other = make(&again.default_namespace().current_var_ids(), &again);
        for _ in 0..5 {
            let pair = (env.run(|ctx| step(&*opt, ctx)).unwrap(), again.run(|ctx| step(&*other, ctx)).unwrap());
            assert_eq!(pair.0.to_bits(), pair.1.to_bits(), "{name}");
        }
        assert_eq!(contents(&env), contents(&again), "{name}");
    }
}

/// All variables' bits and versions, the optimizers' state among them.
fn contents(env: &VariableEnvironment) -> Vec<(String, Vec<u8>)> {
    let bytes = |a: &Array| unsafe { std::slice::from_raw_parts(a.ptr(), a.bytes()) }.to_vec();
    env.names().into_iter().map(|(ns, n)| (format!("{ns}/{n}"), bytes(&env.get(env.lookup(&ns, &n).unwrap()).unwrap()))).collect()
}

/// Runs a step that must fail, and checks that nothing has changed.
fn fails(kind: ErrorKind, text: &str, make: impl Fn(&Context, &Adam) -> Result<(), Error>) {
    let env = VariableEnvironment::new();
    env.name("w").set(Array1::from_iter((0..600).map(|i| i as f32 * 0.01)));
    env.name("v").set(ndarray::Array2::<f32>::from_shape_fn((4, 3), |(i, j)| (i + j) as f32));
    let adam = Adam::default("adam", env.default_namespace().current_var_ids(), &env);
    // A step that succeeds, so that the state is not all zeros.
    env.run(|ctx| {
        let (w, v) = (ctx.variable("w"), ctx.variable("v"));
        let y = T::reduce_sum(w * w, (), false) + T::reduce_sum(v, (), false);
        adam.update(&[w, v], &T::grad(&[y], &[w, v]), ctx, Feeder::new()).unwrap();
    });
    let before = contents(&env);
    let e = env.run(|ctx| make(ctx, &adam)).unwrap_err();
    assert!(e.kind() == kind && e.to_string().contains(text), "{e:?}");
    assert!(before == contents(&env), "a step that failed has changed something: {text}");
}

#[test]
fn a_step_that_fails_changes_nothing() {
    fails(ErrorKind::Feed, "is not fed", |ctx, adam| {
        let (w, v) = (ctx.variable("w"), ctx.variable("v"));
        let y = T::reduce_sum(w * ctx.placeholder("x", &[600]), (), false) + T::reduce_sum(v * v, (), false);
        adam.update(&[w, v], &T::grad(&[y], &[w, v]), ctx, Feeder::new())
    });
    fails(ErrorKind::Feed, "shape contradicts", |ctx, adam| {
        let (w, x) = (ctx.variable("w"), ctx.placeholder("x", &[600]));
        let y = T::reduce_sum(w * x, (), false);
        adam.update(&[w], &T::grad(&[y], &[w]), ctx, Feeder::new().push(x, arr1(&[1.0f32, 2.0])))
    });
    fails(ErrorKind::Value, "", |ctx, adam| {
        let (w, v, labels) = (ctx.variable("w"), ctx.variable("v"), ctx.placeholder("y", &[-1]));
        let y = T::reduce_sum(T::sparse_softmax_cross_entropy(v, labels), (), false) + T::reduce_sum(w * w, (), false);
        adam.update(&[w, v], &T::grad(&[y], &[w, v]), ctx, Feeder::new().push(labels, arr1(&[0.0f32, 1.0, 2.0, 3.0])))
    });
    fails(ErrorKind::Value, "Adam: a value is not finite", |ctx, adam| {
        let (w, v) = (ctx.variable("w"), ctx.variable("v"));
        let y = T::reduce_sum(w * w, (), false) + T::reduce_sum(T::sqrt(v - 1e9), (), false);
        adam.clone().check_finite(true).update(&[w, v], &T::grad(&[y], &[w, v]), ctx, Feeder::new())
    });
    fails(ErrorKind::User, "hook", |ctx, adam| {
        let (w, v) = (ctx.variable("w"), ctx.variable("v"));
        let y = T::reduce_sum(w * w, (), false) + T::reduce_sum(v * v, (), false).raw_hook(|_| panic!("on purpose"));
        let grads = T::grad(&[y], &[w, v]);
        adam.update_and_eval(&[y], &[w, v], &grads, ctx, Feeder::new()).map(|_| ())
    });
}

fn scalar(env: &VariableEnvironment, id: VariableID) -> f64 {
    env.get(id).unwrap().item().unwrap()
}

#[test]
fn two_variables_change_places_in_one_run() {
    let env = VariableEnvironment::new();
    let (p, q) = (env.name("p").set(arr1(&[1.0, 2.0, 3.0])), env.name("q").set(arr1(&[4.0, 5.0, 6.0])));
    env.run(|ctx| {
        let (a, b) = (ctx.variable("p"), ctx.variable("q"));
        for round in 0..3 {
            let out = ctx.evaluator().push(a).push(b).write(T::assign(a, b)).write(T::assign(b, a)).run();
            let first = if round % 2 == 0 { 1.0 } else { 4.0 };
            assert_eq!(out[0].as_ref().unwrap().as_slice::<f64>().unwrap()[0], first);
        }
    });
    assert_eq!(env.get(p).unwrap(), arr1(&[4.0, 5.0, 6.0]));
    assert_eq!(env.get(q).unwrap(), arr1(&[1.0, 2.0, 3.0]));
    // Values that are computed from both.
    env.run(|ctx| {
        let (a, b) = (ctx.variable("p"), ctx.variable("q"));
        ctx.evaluator().write(T::assign(a, a - b)).write(T::assign(b, T::transpose(a + b, [0]))).run();
    });
    assert_eq!(env.get(p).unwrap(), arr1(&[3.0, 3.0, 3.0]));
    assert_eq!(env.get(q).unwrap(), arr1(&[5.0, 7.0, 9.0]));
}

#[test]
fn a_reversed_or_shifted_variable_is_written_whole() {
    let env = VariableEnvironment::new();
    let w = env.name("w").set(Array1::from_iter((0..1500).map(f64::from)));
    env.run(|ctx| {
        let v = ctx.variable("w");
        let turned = T::concat(&[T::slice(v, [700], [1500]), T::slice(v, [0], [700])], 0);
        ctx.evaluator().write(T::assign(v, turned * 2.0 + v)).run();
    });
    let wanted: Vec<f64> = (0..1500).map(|i| f64::from((i + 700) % 1500) * 2.0 + f64::from(i)).collect();
    assert_eq!(env.get(w).unwrap().as_slice::<f64>().unwrap(), wanted);
}

#[test]
fn writing_twice_is_an_error() {
    let env = VariableEnvironment::new();
    let id = env.name("w").set(arr0(1.0));
    let text = env.run(|ctx| {
        let w = ctx.variable("w");
        let e = T::assign(w, w + 1.0) + T::assign(w, w + 2.0);
        e.eval(ctx).unwrap_err().to_string()
    });
    assert!(text.contains("a variable is written twice"), "{text}");
    let text = env.run(|ctx| {
        let w = ctx.variable("w");
        ctx.evaluator().push(w).write(w + 1.0).run()[0].clone().unwrap_err().to_string()
    });
    assert!(text.contains("not an assignment"), "{text}");
    assert_eq!(scalar(&env, id), 1.0);
}

#[test]
fn an_array_that_the_user_holds_is_not_written_to() {
    let env = VariableEnvironment::new();
    let id = env.name("w").set(arr1(&[1.0, 2.0]));
    let held = env.get(id).unwrap();
    env.run(|ctx| {
        let w = ctx.variable("w");
        let sgd = SGD::new(0.5);
        let y = T::reduce_sum(w * w, (), false);
        sgd.update(&[w], &T::grad(&[y], &[w]), ctx, Feeder::new()).unwrap();
    });
    assert_eq!(held, arr1(&[1.0, 2.0]));
    assert_eq!(env.get(id).unwrap(), arr1(&[0.0, 0.0]));
    drop(held);
    let place = env.get(id).unwrap().ptr() as usize;
    env.run(|ctx| {
        let w = ctx.variable("w");
        ctx.evaluator().write(T::assign(w, w + 1.0)).run();
    });
    assert_eq!(env.get(id).unwrap().ptr() as usize, place, "memory that nobody shares is written in place");
}

#[test]
fn values_of_a_step_are_those_before_it() {
    let env = VariableEnvironment::new();
    let id = env.name("w").set(arr0(2.0));
    env.run(|ctx| {
        let w = ctx.variable("w");
        let y = w * w;
        let g = T::grad(&[y], &[w]);
        let out = SGD::new(0.25).update_and_eval(&[w, y, g[0]], &[w], &g, ctx, Feeder::new()).unwrap();
        assert_eq!(out.iter().map(|a| a.item().unwrap()).collect::<Vec<_>>(), [2.0, 4.0, 4.0]);
    });
    assert_eq!(scalar(&env, id), 1.0);
    let shape: ArrayD<f64> = env.get(id).unwrap().into_ndarray().unwrap();
    assert_eq!(shape.ndim(), 0);
}

/// Rate, first decay (or momentum), second decay and eps of a step.
fn schedule(t: i32) -> (f64, f64, f64, f64) {
    let x = f64::from(t);
    (0.1 / x, 0.5 + 0.4 / x, 0.9 + 0.05 / x, 1e-3 * x)
}

/// A schedule that changes every hyperparameter before each step, and the rule written out with the same numbers.
#[test]
fn hyperparameters_take_effect_at_the_next_step() {
    let c = arr1(&[1.0, 0.1, 3.0, 0.5, 2.0]);
    type Taken = Vec<f64>;
    type Scheduled<'a> = dyn Fn(i32, &mut f64, f64, &mut [f64; 2]) + 'a;
    type Step = Box<dyn for<'g> FnMut(i32, &'g Context, &[Tensor<'g>], &[Tensor<'g>])>;
    // Each way to step returns `a` after `STEPS` steps on the loss `sum(c a^2)`.
    let run = |make: &dyn Fn(&[VariableID], &VariableEnvironment) -> Step| -> Taken {
        let env = VariableEnvironment::new();
        let id = env.name("a").set(arr1(&start()[0]));
        let mut step = make(&[id], &env);
        env.run(|ctx| {
            let a = ctx.variable("a");
            let grads = T::grad(&[T::reduce_sum(ctx.constant(&c) * a * a, (), false)], &[a]);
            let mut nodes = vec![];
            for t in 1..=STEPS as i32 {
                step(t, ctx, &[a], &grads);
                nodes.push(ctx.len());
            }
            assert!(nodes.iter().all(|n| *n == nodes[0]), "a rate that is set builds no graph: {nodes:?}");
        });
        values(&env, id)
    };
    let expected = |rule: &Scheduled<'_>| -> Taken {
        let mut a = start()[0].clone();
        let mut s = vec![[0.0; 2]; a.len()];
        for t in 1..=STEPS as i32 {
            for i in 0..a.len() {
                let g = 2.0 * c[i] * a[i];
                rule(t, &mut a[i], g, &mut s[i]);
            }
        }
        a
    };
    let same = |name: &str, got: Taken, wanted: Taken| {
        for (x, y) in got.iter().zip(&wanted) {
            assert!((x - y).abs() <= 1e-13 * y.abs().max(1.0), "{name}: {x} for {y}");
        }
    };
    let got = run(&|_, _| {
        let mut opt = SGD::new(7.0);
        Box::new(move |t, ctx, v, g| {
            opt.set_alpha(schedule(t).0).unwrap();
            assert_eq!(opt.alpha(), schedule(t).0);
            opt.update(v, g, ctx, Feeder::new()).unwrap();
        })
    });
    same("sgd", got, expected(&|t, w, g, _| *w -= schedule(t).0 * g));
    let got = run(&|ids, env| {
        let mut opt = MomentumSGD::new(7.0, 0.0, ids.to_vec(), env, "o");
        Box::new(move |t, ctx, v, g| {
            opt.set_alpha(schedule(t).0).unwrap();
            opt.set_momentum(schedule(t).1).unwrap();
            assert_eq!(opt.momentum(), schedule(t).1);
            opt.update(v, g, ctx, Feeder::new()).unwrap();
        })
    });
    same(
        "momentum",
        got,
        expected(&|t, w, g, s| {
            s[0] = schedule(t).1 * s[0] - schedule(t).0 * g;
            *w += s[0];
        }),
    );
    let got = run(&|ids, env| {
        let mut opt = AdaGrad::new(7.0, ids.to_vec(), env, "o");
        Box::new(move |t, ctx, v, g| {
            opt.set_alpha(schedule(t).0).unwrap();
            opt.update(v, g, ctx, Feeder::new()).unwrap();
        })
    });
    same(
        "adagrad",
        got,
        expected(&|t, w, g, s| {
            s[0] += g * g;
            *w -= schedule(t).0 * g / (s[0].sqrt() + 1e-7);
        }),
    );
    let got = run(&|ids, env| {
        let mut opt = Adam::default("o", ids.to_vec(), env);
        Box::new(move |t, ctx, v, g| {
            let (alpha, b1, b2, eps) = schedule(t);
            opt.set_alpha(alpha).unwrap();
            opt.set_b1(b1).unwrap();
            opt.set_b2(b2).unwrap();
            opt.set_eps(eps).unwrap();
            assert_eq!((opt.alpha(), opt.b1(), opt.b2(), opt.eps()), (alpha, b1, b2, eps));
            opt.update(v, g, ctx, Feeder::new()).unwrap();
        })
    });
    same(
        "adam",
        got,
        expected(&|t, w, g, s| {
            let (alpha, b1, b2, eps) = schedule(t);
            s[0] = b1 * s[0] + (1.0 - b1) * g;
            s[1] = b2 * s[1] + (1.0 - b2) * g * g;
            let (m, v) = (s[0] / (1.0 - b1.powi(t)), s[1] / (1.0 - b2.powi(t)));
            *w -= alpha * m / (v.sqrt() + eps);
        }),
    );
}

#[test]
fn a_clone_has_hyperparameters_of_its_own() {
    let env = VariableEnvironment::new();
    let id = env.name("w").set(arr0(8.0));
    env.run(|ctx| {
        let w = ctx.variable("w");
        let g = T::grad(&[w * 1.0], &[w]);
        let mut one = SGD::new(1.0);
        let other = one.clone();
        one.update(&[w], &g, ctx, Feeder::new()).unwrap();
        let nodes = ctx.len();
        other.update(&[w], &g, ctx, Feeder::new()).unwrap();
        assert_eq!(ctx.len(), nodes, "equal optimizers have equal steps");
        one.set_alpha(4.0).unwrap();
        assert_eq!((one.alpha(), other.alpha()), (4.0, 1.0));
        other.update(&[w], &g, ctx, Feeder::new()).unwrap();
        assert_eq!(scalar(&env, id), 5.0);
        one.update(&[w], &g, ctx, Feeder::new()).unwrap();
        assert_eq!(scalar(&env, id), 1.0);
    });
}

#[test]
fn hyperparameters_out_of_range_are_errors() {
    let size = |name: &str, x: f64| format!("a hyperparameter is out of range. Got {name}={x:?}; expected a finite number >= 0.");
    let part = |name: &str, x: f64| format!("a hyperparameter is out of range. Got {name}={x:?}; expected a number >= 0 and < 1.");
    let env = VariableEnvironment::new();
    let ids = [env.name("w").set(arr0(1.0f32))];
    // What a constructor was given is the error of the optimizer and of its steps, and no state is made.
    let step_error = |opt: &dyn Optimizer| {
        env.run(|ctx| {
            let w = ctx.variable("w");
            let e = updates(opt, &[w], &[w * 1.0], ctx).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Value);
            assert_eq!(e.to_string(), opt.error().unwrap().to_string());
            e.to_string()
        })
    };
    for bad in [-1e-3, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(step_error(&SGD::new(bad)), format!("SGD: {}", size("alpha", bad)));
        assert_eq!(step_error(&MomentumSGD::new(0.1, bad, ids, &env, "o")), format!("MomentumSGD: {}", size("momentum", bad)));
        assert_eq!(step_error(&AdaGrad::new(bad, ids, &env, "o")), format!("AdaGrad: {}", size("alpha", bad)));
        assert_eq!(step_error(&Adam::new(0.1, bad, 0.9, 0.999, ids, &env, "o")), format!("Adam: {}", size("eps", bad)));
        for bad in [bad, 1.0] {
            assert_eq!(step_error(&Adam::new(0.1, 1e-8, bad, 0.999, ids, &env, "o")), format!("Adam: {}", part("b1", bad)));
            assert_eq!(step_error(&Adam::new(0.1, 1e-8, 0.9, bad, ids, &env, "o")), format!("Adam: {}", part("b2", bad)));
        }
        let mut adam = Adam::default("good", ids, &env);
        let e = adam.set_alpha(bad).unwrap_err();
        assert_eq!((e.kind(), e.to_string()), (ErrorKind::Value, format!("Adam: {}", size("alpha", bad))));
        assert_eq!(adam.set_b2(bad).unwrap_err().to_string(), format!("Adam: {}", part("b2", bad)));
        assert_eq!((adam.alpha(), adam.b2(), adam.error().is_none()), (1e-3, 0.999, true), "nothing has changed");
    }
    assert!(env.namespace("o").current_var_ids().is_empty());
    // The ends that are allowed.
    let mut adam = Adam::new(0.0, 0.0, 0.0, 0.0, ids, &env, "ends");
    assert!(adam.error().is_none());
    adam.set_alpha(-0.0).unwrap();
    // A rate that the variable's dtype cannot hold is an error of the step.
    let mut sgd = SGD::new(0.5);
    env.run(|ctx| {
        let w = ctx.variable("w");
        let g = T::grad(&[w * 1.0], &[w]);
        sgd.update(&[w], &g, ctx, Feeder::new()).unwrap();
        sgd.set_alpha(1e39).unwrap();
        let e = sgd.update(&[w], &g, ctx, Feeder::new()).unwrap_err();
        assert!(e.to_string().contains("the number does not fit. Got 1e39; expected a value of float32."), "{e}");
        assert_eq!(scalar(&env, ids[0]), 0.5);
        sgd.set_alpha(0.25).unwrap();
        sgd.update(&[w], &g, ctx, Feeder::new()).unwrap();
        assert_eq!(scalar(&env, ids[0]), 0.25);
    });
}

/// Two steps on a deep chain: the peak of their plan, and the variable after them.
fn deep_steps(say: impl Fn(&Context)) -> (usize, Array) {
    let env = VariableEnvironment::new();
    let w = env.name("w").set(Array1::from_elem(1000, 0.5));
    env.seed(1);
    let opt = Adam::default("adam", [w], &env);
    let peak = env.run(|ctx| {
        say(ctx);
        let v = ctx.variable("w");
        let deep = (0..16).fold(v, |h, _| T::dropout(T::sin(T::tanh(h)), 0.1, true));
        let loss = T::reduce_sum(deep, (), false);
        let g = T::grad(&[loss], &[v]);
        let peak = opt.plan(&[loss], &[v], &g, ctx, Feeder::new()).unwrap().peak_bytes();
        opt.update(&[v], &g, ctx, Feeder::new()).unwrap();
        opt.update_and_eval(&[loss], &[v], &g, ctx, Feeder::new()).unwrap();
        peak
    });
    (peak, env.get(w).unwrap())
}

#[test]
fn steps_compute_again_what_their_context_says() {
    let (most, expected) = deep_steps(|_| {});
    let by_context = deep_steps(|ctx| ctx.set_checkpoint_policy(Policy::nothing()));
    let by_environment = deep_steps(|ctx| ctx.env().set_checkpoint_policy(Policy::nothing()));
    let cleared = deep_steps(|ctx| {
        ctx.set_checkpoint_policy(Policy::nothing());
        ctx.set_checkpoint_policy(None);
    });
    for (peak, after) in [&by_context, &by_environment] {
        assert!(*peak < most, "{peak} of {most}");
        assert_eq!(*after, expected);
    }
    assert_eq!(cleared, (most, expected));
    // An error of the policy is one of the step, which then changes nothing.
    let env = VariableEnvironment::new();
    let w = env.name("w").set(Array1::from_elem(3, 0.5));
    env.run(|ctx| {
        ctx.set_checkpoint_policy(Policy::new(|_| Err(Error::text(ErrorKind::User, "no"))));
        let v = ctx.variable("w");
        let g = T::grad(&[T::sin(T::tanh(v))], &[v]);
        let e = SGD::new(0.1).update(&[v], &g, ctx, Feeder::new()).unwrap_err();
        assert!(e.to_string().contains("no"), "{e}");
    });
    assert_eq!(env.get(w).unwrap(), arr1(&[0.5, 0.5, 0.5]));
}
