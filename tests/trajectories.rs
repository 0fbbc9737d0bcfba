//! Optimizers and schedules against those of PyTorch and optax: `tests/data` says which versions, and what they were asked.

use ndarray::{arr0, arr1, arr2};
use scirs2_autograd::internals::updates;
use scirs2_autograd::optimizers::Optimizer;
use scirs2_autograd::optimizers::adadelta::Adadelta;
use scirs2_autograd::optimizers::adagrad::AdaGrad;
use scirs2_autograd::optimizers::adam::Adam;
use scirs2_autograd::optimizers::adamw::AdamW;
use scirs2_autograd::optimizers::lion::Lion;
use scirs2_autograd::optimizers::momentum_sgd::MomentumSGD;
use scirs2_autograd::optimizers::nadam::NAdam;
use scirs2_autograd::optimizers::nesterov::Nesterov;
use scirs2_autograd::optimizers::rmsprop::RMSprop;
use scirs2_autograd::optimizers::schedules::{
    Constant, Cosine, Exponential, Linear, OneCycle, Plateau, PlateauOptions, Schedule, Step, WarmUp,
};
use scirs2_autograd::optimizers::sgd::SGD;
use scirs2_autograd::{Context, ErrorKind, Feeder, Tensor, VariableEnvironment, VariableID, tensor_ops as T};
use serde_json::Value;

fn data(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

fn environment(start: &[f64]) -> VariableEnvironment {
    let env = VariableEnvironment::new();
    env.name("s").set(arr0(start[0]));
    env.name("v").set(arr1(&start[1..5]));
    env.name("m").set(arr2(&[[start[5], start[6], start[7]], [start[8], start[9], start[10]]]));
    env
}

fn build(ctx: &Context) -> ([Tensor<'_>; 3], Vec<Tensor<'_>>) {
    let vars = ["s", "v", "m"].map(|n| ctx.variable(n));
    let [s, v, m] = vars;
    let r = T::reduce_sum(m * T::slice(v, [0], [3]), [1], false) - ctx.constant(arr1(&[1.0, -1.0]));
    let d = s * v - ctx.constant(arr1(&[0.1, 0.2, 0.3, 0.4]));
    let loss = total(r * r) + total(d * d) + total(T::square(T::square(m))) * 0.1 + s * s * 0.5;
    (vars, T::grad(&[loss], &vars))
}

fn total(x: Tensor<'_>) -> Tensor<'_> {
    T::reduce_sum(x, (), false)
}

fn values(env: &VariableEnvironment) -> Vec<f64> {
    ["s", "v", "m"].iter().flat_map(|n| env.get(*n).unwrap().as_slice::<f64>().unwrap().to_vec()).collect()
}

fn ids(env: &VariableEnvironment) -> Vec<VariableID> {
    env.default_namespace().current_var_ids()
}

/// The optimizer of a case of the data, by the constructors that users have.
fn make(case: &Value, env: &VariableEnvironment) -> Box<dyn Optimizer> {
    let n = |name: &str| case["numbers"][name].as_f64().unwrap();
    let (alpha, decay, vars, ns) = (n("alpha"), n("weight_decay"), ids(env), "o");
    macro_rules! decayed {
        ($opt:expr) => {{
            let mut opt = $opt;
            opt.set_weight_decay(decay).unwrap();
            assert_eq!(opt.weight_decay(), decay);
            Box::new(opt)
        }};
    }
    match case["optimizer"].as_str().unwrap() {
        "SGD" => decayed!(SGD::new(alpha)),
        "MomentumSGD" => decayed!(MomentumSGD::new(alpha, n("momentum"), vars, env, ns)),
        "Nesterov" => {
            let mut opt = Nesterov::new(alpha, vars, env, ns);
            opt.set_momentum(n("momentum")).unwrap();
            decayed!(opt)
        }
        "AdaGrad" => decayed!(AdaGrad::new(alpha, vars, env, ns)),
        "Adadelta" => decayed!(Adadelta::new(alpha, vars, env, ns)),
        "RMSprop" if case["centered"] == true => decayed!(RMSprop::variant(alpha, n("momentum"), true, vars, env, ns)),
        "RMSprop" => decayed!(RMSprop::new(alpha, vars, env, ns)),
        "Adam" => decayed!(Adam::new(alpha, 1e-8, 0.9, 0.999, vars, env, ns)),
        "AdamW" => decayed!(AdamW::new(alpha, vars, env, ns)),
        "NAdam" => decayed!(NAdam::new(alpha, vars, env, ns)),
        "Lion" => decayed!(Lion::new(alpha, vars, env, ns)),
        other => panic!("no optimizer {other}"),
    }
}

fn steps(opt: &dyn Optimizer, env: &VariableEnvironment, n: usize) {
    env.run(|ctx| {
        let (vars, grads) = build(ctx);
        let writes = updates(opt, &vars, &grads, ctx).unwrap();
        for _ in 0..n {
            writes.iter().fold(ctx.evaluator(), |ask, t| ask.write(*t)).run();
        }
    });
}

#[test]
fn optimizers_step_as_others_do() {
    let data = data("optimizers.json");
    let start = numbers(&data["start"]);
    let marks = numbers(&data["steps"]);
    let cases = data["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 22);
    for case in cases {
        let env = environment(&start);
        let opt = make(case, &env);
        let mut taken = 0;
        for (mark, expected) in marks.iter().zip(case["values"].as_array().unwrap()) {
            steps(&*opt, &env, *mark as usize - taken);
            taken = *mark as usize;
            for (x, y) in values(&env).iter().zip(numbers(expected)) {
                assert!((x - y).abs() <= 1e-9 * y.abs().max(1.0), "{} {}: {x} for {y} after {mark}", case["optimizer"], case["numbers"]);
            }
        }
    }
}

#[test]
fn saved_and_loaded_state_goes_on_exactly() {
    let data = data("optimizers.json");
    let start = numbers(&data["start"]);
    let folder = tempfile::tempdir().unwrap();
    for (i, case) in data["cases"].as_array().unwrap().iter().enumerate() {
        let env = environment(&start);
        let opt = make(case, &env);
        steps(&*opt, &env, 4);
        let path = folder.path().join(i.to_string());
        env.save(&path).unwrap();
        steps(&*opt, &env, 5);
        let again = VariableEnvironment::load(&path).unwrap();
        let vars = ["s", "v", "m"].map(|n| again.lookup("", n).unwrap());
        assert_eq!(ids(&again).len(), vars.len());
        steps(&*make(case, &again), &again, 5);
        let bits = |env: &VariableEnvironment| values(env).into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(&again), bits(&env), "{}", case["optimizer"]);
    }
}

#[test]
fn a_rate_of_a_schedule_makes_no_plan() {
    let start = numbers(&data("optimizers.json")["start"]);
    let env = environment(&start);
    let mut opt = AdamW::default("o", ids(&env), &env);
    let rate = WarmUp::new(Cosine::new(0.1, 20, 0.0).unwrap(), 5, 0.0).unwrap();
    env.run(|ctx| {
        let (vars, grads) = build(ctx);
        let mut counts = vec![];
        for step in 0..25 {
            opt.set_alpha(rate.value(step)).unwrap();
            opt.set_weight_decay(0.01 * step as f64).unwrap();
            opt.update(&vars, &grads, ctx, Feeder::new()).unwrap();
            counts.push(ctx.len());
        }
        assert!(counts.iter().all(|c| *c == counts[0]), "{counts:?}");
    });
}

#[test]
fn defaults_are_those_of_pytorch_and_optax() {
    let env = environment(&numbers(&data("optimizers.json")["start"]));
    let v = ids(&env);
    let o = AdamW::default("a", v.clone(), &env);
    assert_eq!((o.alpha(), o.eps(), o.b1(), o.b2(), o.weight_decay()), (1e-3, 1e-8, 0.9, 0.999, 0.01));
    let o = NAdam::default("n", v.clone(), &env);
    assert_eq!((o.alpha(), o.eps(), o.b1(), o.b2(), o.momentum_decay(), o.weight_decay()), (2e-3, 1e-8, 0.9, 0.999, 4e-3, 0.0));
    let o = RMSprop::default("r", v.clone(), &env);
    assert_eq!((o.alpha(), o.rho(), o.eps(), o.momentum(), o.weight_decay()), (0.01, 0.99, 1e-8, 0.0, 0.0));
    let o = Adadelta::default("d", v.clone(), &env);
    assert_eq!((o.alpha(), o.rho(), o.eps(), o.weight_decay()), (1.0, 0.9, 1e-6, 0.0));
    let o = Nesterov::default("g", v.clone(), &env);
    assert_eq!((o.alpha(), o.momentum(), o.weight_decay()), (1e-3, 0.9, 0.0));
    let o = Lion::default("l", v, &env);
    assert_eq!((o.alpha(), o.b1(), o.b2(), o.weight_decay()), (1e-4, 0.9, 0.99, 1e-3));
}

#[test]
fn numbers_out_of_range_are_errors() {
    let env = environment(&numbers(&data("optimizers.json")["start"]));
    let v = || ids(&env);
    let text = |e: scirs2_autograd::Error| {
        assert_eq!(e.kind(), ErrorKind::Value);
        e.to_string()
    };
    let mut o = RMSprop::new(0.1, v(), &env, "r");
    let wrong = "a hyperparameter is out of range. Got";
    assert_eq!(
        text(o.set_momentum(0.5).unwrap_err()),
        format!("RMSprop: {wrong} momentum=0.5; expected 0, as the optimizer was made without it.")
    );
    assert_eq!(text(o.set_rho(1.0).unwrap_err()), format!("RMSprop: {wrong} rho=1.0; expected a number >= 0 and < 1."));
    assert_eq!(text(o.set_weight_decay(-1.0).unwrap_err()), format!("RMSprop: {wrong} weight_decay=-1.0; expected a finite number >= 0."));
    let e = RMSprop::variant(0.1, f64::NAN, false, v(), &env, "none").error().unwrap();
    assert_eq!(text(e), format!("RMSprop: {wrong} momentum=NaN; expected a finite number >= 0."));
    let e = NAdam::new(-1.0, v(), &env, "none").error().unwrap();
    assert_eq!(text(e), format!("NAdam: {wrong} alpha=-1.0; expected a finite number >= 0."));
    assert!(env.namespace("none").current_var_ids().is_empty());
    assert_eq!((o.momentum(), o.rho(), o.weight_decay()), (0.0, 0.99, 0.0));
    assert!(text(Cosine::new(0.1, 0, 0.0).unwrap_err()).starts_with("Cosine: a parameter is out of range. Got steps=0;"));
    assert!(text(Constant::new(f64::NAN).unwrap_err()).starts_with("Constant: a parameter is out of range. Got alpha=NaN;"));
    assert!(text(OneCycle::new(0.1, 9, 0.3, 25.0, 0.0).unwrap_err()).contains("Got final_div_factor=0.0; expected a finite number > 0."));
}

/// A step of plain descent has the term of a decay, where there is one.
#[test]
fn a_decay_of_0_is_no_term() {
    let env = VariableEnvironment::new();
    let id = env.name("w").set(arr0(1.0));
    let mut sgd = SGD::new(0.5);
    env.run(|ctx| {
        let w = ctx.variable("w");
        let g = ctx.constant(arr0(1.0));
        sgd.update(&[w], &[g], ctx, Feeder::new()).unwrap();
        let (plain, mut decayed) = (ctx.len(), 0);
        for (decay, expected) in [(0.0, 0.0), (2.0, -0.5), (1.0, -0.75), (0.0, -1.25), (4.0, 0.75)] {
            sgd.set_weight_decay(decay).unwrap();
            sgd.update(&[w], &[g], ctx, Feeder::new()).unwrap();
            assert_eq!(env.get(id).unwrap().item().unwrap(), expected);
            if decay != 0.0 && decayed == 0 {
                decayed = ctx.len();
            }
            assert_eq!(ctx.len(), if decayed == 0 { plain } else { decayed });
        }
        assert!(decayed > plain);
    });
}

fn rates(case: &Value) -> Box<dyn Schedule> {
    let n = |name: &str| case["numbers"][name].as_f64().unwrap();
    let steps = case["numbers"]["steps"].as_u64().unwrap_or(0);
    match case["schedule"].as_str().unwrap() {
        "Step" => Box::new(Step::new(n("alpha"), n("every") as u64, n("factor")).unwrap()),
        "Exponential" => Box::new(Exponential::new(n("alpha"), n("factor")).unwrap()),
        "Cosine" => Box::new(Cosine::new(n("alpha"), steps, n("least")).unwrap()),
        "Linear" => Box::new(Linear::new(n("alpha"), steps, n("start"), n("end")).unwrap()),
        "WarmUp" => Box::new(WarmUp::new(Exponential::new(n("alpha"), n("factor")).unwrap(), steps, n("start")).unwrap()),
        "OneCycle" => Box::new(OneCycle::new(n("alpha"), steps, n("rise"), n("div_factor"), n("final_div_factor")).unwrap()),
        other => panic!("no schedule {other}"),
    }
}

#[test]
fn schedules_are_those_of_pytorch() {
    for case in data("schedules.json")["schedules"].as_array().unwrap() {
        let schedule = rates(case);
        for (step, expected) in numbers(&case["values"]).into_iter().enumerate() {
            let got = schedule.value(step as u64);
            assert!((got - expected).abs() <= 1e-12 * expected, "{} at {step}: {got} for {expected}", case["schedule"]);
        }
    }
}

#[test]
fn plateaus_are_those_of_pytorch() {
    let data = data("schedules.json");
    for case in data["plateaus"].as_array().unwrap() {
        let o = &case["options"];
        let d = PlateauOptions::default();
        let mut plateau = Plateau::new(
            0.1,
            PlateauOptions {
                factor: o["factor"].as_f64().unwrap(),
                patience: o["patience"].as_u64().unwrap(),
                threshold: o["threshold"].as_f64().unwrap_or(d.threshold),
                relative: o["relative"].as_bool().unwrap_or(d.relative),
                larger: o["larger"].as_bool().unwrap_or(d.larger),
                cooldown: o["cooldown"].as_u64().unwrap_or(d.cooldown),
                least: o["least"].as_f64().unwrap_or(d.least),
                ..d
            },
        )
        .unwrap();
        let sign = case["sign"].as_f64().unwrap();
        for (metric, expected) in numbers(&data["metrics"]).into_iter().zip(numbers(&case["values"])) {
            let got = plateau.observe(sign * metric);
            assert!((got - expected).abs() <= 1e-12 * expected, "{o}: {got} for {expected}");
            let state = plateau.state();
            plateau.restore(&state).unwrap();
        }
        assert!(plateau.restore(&[1.0]).is_err());
    }
}
