//! Whose state is whose: it belongs to a variable, and to one kind of optimizer.

use ndarray::arr1;
use scirs2_autograd::internals::updates;
use scirs2_autograd::optimizers::Optimizer;
use scirs2_autograd::optimizers::adagrad::AdaGrad;
use scirs2_autograd::optimizers::adam::Adam;
use scirs2_autograd::optimizers::momentum_sgd::MomentumSGD;
use scirs2_autograd::{Array, Error, ErrorKind, VariableEnvironment, VariableID, tensor_ops as T};

type Make = fn(Vec<VariableID>, &VariableEnvironment) -> Box<dyn Optimizer>;

fn kinds() -> [(&'static str, Make); 3] {
    [
        ("momentum", |ids, env| Box::new(MomentumSGD::default("state", ids, env))),
        ("adagrad", |ids, env| Box::new(AdaGrad::default("state", ids, env))),
        ("adam", |ids, env| Box::new(Adam::default("state", ids, env))),
    ]
}

fn start(name: &str) -> [f64; 2] {
    if name == "a" { [1.0, 2.0] } else { [-3.0, 0.5] }
}

fn environment(names: &[&str]) -> VariableEnvironment {
    let env = VariableEnvironment::new();
    names.iter().for_each(|n| _ = env.name(n).set(arr1(&start(n))));
    env
}

fn all(env: &VariableEnvironment) -> Vec<VariableID> {
    env.default_namespace().current_var_ids()
}

/// Two steps on the sum of fourth powers.
fn steps(opt: &dyn Optimizer, env: &VariableEnvironment, names: &[&str]) -> Result<(), Error> {
    env.run(|ctx| {
        let vars: Vec<_> = names.iter().map(|n| ctx.variable(n)).collect();
        let losses: Vec<_> = vars.iter().map(|v| T::reduce_sum(T::square(T::square(v)), (), false)).collect();
        let grads: Vec<_> = losses.iter().zip(&vars).flat_map(|(y, v)| T::grad(&[y], &[v])).collect();
        let writes = updates(opt, &vars, &grads, ctx)?;
        for _ in 0..2 {
            let ask = ctx.evaluator().push(losses[0]);
            writes.iter().fold(ask, |ask, t| ask.write(t)).run().remove(0)?;
        }
        Ok(())
    })
}

fn value(env: &VariableEnvironment, name: &str) -> Array {
    env.get(name).unwrap()
}

#[test]
fn state_follows_its_variable_into_another_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half");
    for (name, make) in kinds() {
        let env = environment(&["a", "b"]);
        let opt = make(all(&env), &env);
        steps(&*opt, &env, &["a", "b"]).unwrap();
        env.save(&path).unwrap();
        steps(&*opt, &env, &["a", "b"]).unwrap();

        let other = environment(&["b", "a"]);
        other.initialize(&path).unwrap();
        steps(&*make(all(&other), &other), &other, &["a", "b"]).unwrap();
        for v in ["a", "b"] {
            assert_eq!(value(&other, v), value(&env, v), "{name}");
        }
    }
}

#[test]
fn kinds_in_one_namespace_share_nothing() {
    let together = environment(&["a"]);
    for (name, make) in kinds() {
        let alone = environment(&["a"]);
        together.name("a").set(arr1(&start("a")));
        for env in [&alone, &together] {
            steps(&*make(all(env), env), env, &["a"]).unwrap();
        }
        assert_eq!(value(&together, "a"), value(&alone, "a"), "{name}");
    }
    assert_eq!(together.namespace("state").current_var_names(), ["a.u", "a.h", "a.m", "a.v", "a.t"]);
}

#[test]
fn each_variable_has_state_of_its_own_dtype() {
    for (name, make) in kinds() {
        let both = VariableEnvironment::new();
        both.name("a").set(arr1(&[1.0f32, 2.0]));
        both.name("b").set(arr1(&start("b")));
        let n = both.name("n").set(arr1(&[1, 2]));
        let opt = make(all(&both), &both);
        for v in ["a", "b"] {
            steps(&*opt, &both, &[v]).unwrap();
            let alone = VariableEnvironment::new();
            alone
                .name(v)
                .set(if v == "a" { Array::from_slice(&[1.0f32, 2.0], &[2]) } else { Array::from_slice(&start("b"), &[2]) }.unwrap());
            steps(&*make(all(&alone), &alone), &alone, &[v]).unwrap();
            assert_eq!(value(&both, v), value(&alone, v), "{name}");
        }
        // A count is no parameter.
        both.run(|ctx| {
            let n = ctx.variable(n);
            let e = updates(&*opt, &[n], &[n], ctx).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::DType);
            assert!(e.to_string().starts_with("update: the variable has no gradient. Got Tensor(variable \"n\""), "{e}");
        });
    }
}

#[test]
fn a_variable_that_was_not_given_or_has_changed_is_an_error() {
    for (name, make) in kinds() {
        let env = environment(&["a", "b"]);
        let opt = make(vec![env.lookup("", "a").unwrap()], &env);
        let e = steps(&*opt, &env, &["b"]).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Variable, "{name}");
        assert!(e.to_string().starts_with("update: the variable was not given to the optimizer. Got Tensor(variable \"b\""), "{e}");
        env.name("a").set(arr1(&[1.0, 2.0, 3.0]));
        let e = steps(&*opt, &env, &["a"]).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Shape, "{name}");
        assert!(e.to_string().contains("the state does not fit the variable. Got float64 (2,) for \"a\"; expected float64 (3,)."), "{e}");
        assert!(make(all(&env), &env).error().is_some());
    }
}

#[test]
fn adagrad_has_an_eps() {
    let step = |eps: f64| {
        let env = environment(&["a"]);
        let mut opt = AdaGrad::new(0.5, all(&env), &env, "state");
        assert_eq!(opt.eps(), 1e-7);
        opt.set_eps(eps).unwrap();
        assert!(opt.set_eps(-1.0).is_err());
        assert_eq!(opt.eps(), eps);
        env.run(|ctx| {
            let a = ctx.variable("a");
            opt.update(&[a], &T::grad(&[a * a], &[a]), ctx, scirs2_autograd::Feeder::new()).unwrap();
        });
        value(&env, "a").into_ndarray::<f64>().unwrap()
    };
    for eps in [0.0, 1e-7, 1.0] {
        for (got, a) in step(eps).iter().zip(start("a")) {
            let wanted = a - 0.5 * (2.0 * a) / (2.0 * a + eps);
            assert!((got - wanted).abs() < 1e-15, "{got} for {wanted}");
        }
    }
}
