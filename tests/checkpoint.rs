//! Checkpointing of whole networks: whatever is kept or computed again, the numbers are the same bit for bit, and no plan that was
//! asked to compute again needs more memory than the one that keeps all.

#[path = "common/nets.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod nets;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use nets::{Activation, Around, Built, Kind, Net};
use parking_lot::{Mutex, MutexGuard};
use scirs2_autograd::checkpoint::Policy;
use scirs2_autograd::internals::{same_bits, set_weight, updates};
use scirs2_autograd::optimizers::{Optimizer, adam::Adam, sgd::SGD};
use scirs2_autograd::{Array, DType, Evaluator, Feeder, Tensor, TracedPlan, VariableEnvironment, run, set_num_threads, tensor_ops as T};

/// Threads are the process's: one test at a time. Small steps are shared among them.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock();
    set_weight(64);
    guard
}

/// What is asked of a network beside its loss.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Order {
    Gradient,
    /// The gradient of the loss and a hundredth of the squares of its gradients.
    Penalty,
    /// The Hessian times the parameters.
    Hessian,
}

impl Order {
    fn of<'g>(self, net: &Built<'g>) -> Vec<Tensor<'g>> {
        let first = || T::grad(&[net.loss], &net.params);
        let made = match self {
            Order::Gradient => first(),
            Order::Penalty => {
                let squares = first().into_iter().map(|g| T::sum_all(T::square(g))).reduce(|a, b| a + b).unwrap();
                T::grad(&[net.loss + squares * 0.01], &net.params)
            }
            Order::Hessian => T::_hessian_vector_product(&[net.loss], &net.params, &net.params),
        };
        [vec![net.loss], made].concat()
    }
}

/// How a network is run.
#[derive(Clone, Copy, Debug)]
struct Case {
    net: Net,
    dtype: DType,
    order: Order,
    threads: usize,
    variables: bool,
}

/// What is said of its memory.
#[derive(Clone, Debug)]
struct Strategy {
    around: Around,
    policy: Option<Policy>,
}

struct Ran {
    values: Vec<Array>,
    plan: TracedPlan,
}

impl Case {
    fn new(net: Net, dtype: DType, order: Order) -> Case {
        Case { net, dtype, order, threads: 1, variables: true }
    }

    fn ran(&self, strategy: &Strategy) -> Ran {
        set_num_threads(self.threads).unwrap();
        let (net, dtype) = (&self.net, self.dtype);
        let env = if self.variables { net.environment(dtype) } else { VariableEnvironment::new() };
        env.run(|ctx| {
            let over = if self.variables { Net::over_variables } else { Net::over_feeds };
            let built = over(net, ctx, dtype, &strategy.around);
            let wanted = self.order.of(&built);
            let feeder = built.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(t, a));
            let ask = said(ctx.evaluator().extend(&wanted).set_feeder(feeder), &strategy.policy);
            let plan = ask.plan().unwrap();
            env.seed(5);
            let values = ask.run().into_iter().map(|r| r.unwrap()).collect();
            Ran { values, plan }
        })
    }
}

fn said<'c, 'v>(ask: Evaluator<'c, 'v>, policy: &Option<Policy>) -> Evaluator<'c, 'v> {
    match policy {
        Some(p) => ask.checkpoint(p.clone()),
        None => ask,
    }
}

const PLAIN: Strategy = Strategy { around: Around::Nothing, policy: None };

fn policies() -> Vec<Policy> {
    let wide = Policy::new(|v| Ok(v.read && v.shape.len() > 1 && v.bytes > 2000));
    vec![
        Policy::everything(),
        Policy::nothing(),
        Policy::every_layers(1),
        Policy::every_layers(2),
        Policy::segments(None),
        Policy::segments(Some(1)),
        Policy::segments(Some(3)),
        Policy::up_to(1000),
        Policy::all_but_largest(3),
        Policy::products(),
        Policy::ops(["tanh", "exp", "softmax"]),
        wide.clone(),
        Policy::products() & Policy::up_to(400),
        Policy::segments(Some(2)) | wide,
        !Policy::products() & Policy::everything(),
    ]
}

fn strategies() -> Vec<Strategy> {
    let around = |around| Strategy { around, policy: None };
    let mut all: Vec<Strategy> = policies().into_iter().map(|p| Strategy { policy: Some(p), ..PLAIN }).collect();
    all.extend([
        around(Around::Marks(1)),
        around(Around::Marks(2)),
        around(Around::Adaptive(0)),
        around(Around::Adaptive(3000)),
        around(Around::Groups(None)),
        around(Around::Groups(Some(Policy::products()))),
        around(Around::Groups(Some(Policy::segments(None)))),
        around(Around::Nested),
        Strategy { around: Around::Names, policy: Some(Policy::names(["layer"])) },
        Strategy { around: Around::Groups(None), policy: Some(Policy::products()) },
        Strategy { around: Around::Marks(2), policy: Some(Policy::every_layers(2)) },
    ]);
    all
}

/// Why a strategy fails in a case, if it does.
fn fault(case: &Case, plain: &Ran, strategy: &Strategy) -> Option<String> {
    let ran = case.ran(strategy);
    let (without, with) = (plain.plan.peak_bytes(), ran.plan.peak_bytes());
    let own = ran.plan.recomputation.peak_without;
    let bits = plain.values.iter().zip(&ran.values).enumerate();
    let differs = bits.filter_map(|(k, (a, b))| same_bits(&format!("output {k}"), b, a).err()).next();
    let marked = !matches!(strategy.around, Around::Nothing);
    let most = if own > 0 { own } else { with };
    // Functions make another graph, of which less is merged.
    let most = if marked { most } else { most.min(without) };
    let what = match differs {
        Some(e) => e.to_string(),
        _ if with > most => format!("the peak is {with} bytes instead of {most}, {:?}", ran.plan.recomputation.why),
        _ => return None,
    };
    Some(format!("{case:?}, {strategy:?}: {what}"))
}

/// Runs all strategies in these cases; the share of those that computed something again.
fn compared(cases: &[Case]) {
    let _alone = alone();
    let (mut faults, mut again, mut all) = (vec![], 0, 0);
    for case in cases {
        let plain = case.ran(&PLAIN);
        assert_eq!(plain.plan.recomputation.values, 0);
        for strategy in strategies() {
            faults.extend(fault(case, &plain, &strategy));
            all += 1;
            again += usize::from(case.ran(&strategy).plan.recomputation.values > 0);
        }
    }
    println!("{again} of {all} runs computed values again");
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    assert!(10 * again > all, "only {again} of {all} runs computed values again");
}

#[test]
fn gradients_have_the_same_bits() {
    let case =
        |net| [Case::new(net, DType::F32, Order::Gradient), Case { variables: false, ..Case::new(net, DType::F64, Order::Gradient) }];
    compared(&Net::small().into_iter().flat_map(case).collect::<Vec<_>>());
}

#[test]
fn gradients_on_three_threads_have_the_same_bits() {
    let case = |net| Case { threads: 3, ..Case::new(net, DType::F32, Order::Gradient) };
    compared(&Net::small().into_iter().map(case).collect::<Vec<_>>());
}

#[test]
fn penalties_of_gradients_have_the_same_bits() {
    let case = |net| Case::new(net, DType::F64, Order::Penalty);
    compared(&Net::small().into_iter().map(case).collect::<Vec<_>>());
}

#[test]
fn hessians_times_vectors_have_the_same_bits() {
    let case = |net| Case { threads: 3, variables: false, ..Case::new(net, DType::F32, Order::Hessian) };
    compared(&Net::small().into_iter().map(case).collect::<Vec<_>>());
}

fn deep() -> Net {
    Net::new(Kind::Mlp(Activation::Tanh), 64, 16, 128)
}

#[test]
fn segments_save_most_of_a_deep_network() {
    let _alone = alone();
    let case = Case::new(deep(), DType::F32, Order::Gradient);
    let plain = case.ran(&PLAIN).plan;
    let saved = case.ran(&Strategy { policy: Some(Policy::segments(None)), ..PLAIN }).plan;
    let (without, with) = (plain.peak_bytes() - plain.output_bytes(), saved.peak_bytes() - saved.output_bytes());
    println!("{without} bytes, with segments {with}");
    assert!(with * 10 <= without * 4, "{with} of {without} bytes");
    assert_eq!(saved.recomputation.peak_without, plain.peak_bytes());
    // Each layer is computed at most twice.
    assert!(saved.recomputation.values <= plain.ir().nodes.len());
}

/// Three steps: the variables and the optimizer's state after them, the losses, and the peak of a step.
fn trained(net: Net, adam: bool, around: &Around, policy: Option<Policy>) -> (Vec<Array>, usize) {
    let env = net.environment(DType::F32);
    env.seed(9);
    let ids = env.default_namespace().current_var_ids();
    let (sgd, adam) = (SGD::new(0.05), adam.then(|| Adam::default("adam", ids, &env)));
    let mut left = vec![];
    let mut peak = 0;
    env.run(|ctx| {
        ctx.set_checkpoint_policy(policy);
        let built = net.over_variables(ctx, DType::F32, around);
        let grads = T::grad(&[built.loss], &built.params);
        for _ in 0..3 {
            let feeder = built.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(t, a.clone()));
            let out = match &adam {
                Some(adam) => adam.update_and_eval(&[built.loss], &built.params, &grads, ctx, feeder),
                None => sgd.update_and_eval(&[built.loss], &built.params, &grads, ctx, feeder),
            };
            left.extend(out.unwrap());
        }
        let opt: &dyn Optimizer = match &adam {
            Some(adam) => adam,
            None => &sgd,
        };
        let writes = updates(opt, &built.params, &grads, ctx).unwrap();
        let feeder = built.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(t, a));
        let ask = ctx.evaluator().push(built.loss).set_feeder(feeder);
        peak = writes.iter().fold(ask, |ask, t| ask.write(t)).plan().unwrap().peak_bytes();
    });
    for space in [env.default_namespace(), env.namespace("adam")] {
        left.extend(space.current_var_ids().into_iter().map(|id| env.get(id).unwrap()));
    }
    (left, peak)
}

#[test]
fn training_leaves_the_same_variables_and_state() {
    let _alone = alone();
    set_num_threads(1).unwrap();
    let transformer = Kind::Transformer { heads: 2, length: 16 };
    let nets = [
        Net::new(Kind::Mlp(Activation::Tanh), 24, 16, 128),
        Net::new(Kind::Dropout, 16, 16, 128),
        Net::new(transformer, 6, 16, 8),
        Net::new(Kind::Lstm, 24, 16, 32),
        Net::new(Kind::Tower, 12, 16, 128),
    ];
    for (net, adam) in nets.into_iter().flat_map(|net| [(net, false), (net, true)]) {
        let (expected, without) = trained(net, adam, &Around::Nothing, None);
        assert!(expected.len() > net.shapes().len() * if adam { 3 } else { 1 });
        let ways = [
            (Around::Nothing, Some(Policy::segments(None))),
            (Around::Nothing, Some(Policy::every_layers(2))),
            (Around::Groups(None), None),
        ];
        for (around, policy) in ways {
            let (found, with) = trained(net, adam, &around, policy.clone());
            let what = format!("{net:?}, Adam: {adam}, {around:?}, {policy:?}");
            assert_eq!(found.len(), expected.len());
            found.iter().zip(&expected).for_each(|(a, b)| same_bits(&what, a, b).unwrap());
            println!("{what}: {without} bytes, with checkpointing {with}");
            // In a cell, products of inputs come first in the program, so that layers by policies have no ends.
            let layered = net.kind != Kind::Lstm || matches!(around, Around::Groups(_));
            assert!(with < without || (!layered && with == without), "{what}: {with} of {without} bytes");
        }
    }
}

#[test]
fn hooks_run_once() {
    let _alone = alone();
    let data = nets::numbers(DType::F64, &[64, 16], 1.0, 3);
    let asked = |around: &Around, policy: Option<Policy>| {
        let calls = Arc::new(AtomicUsize::new(0));
        let out = run(|ctx| {
            let x = nets::fed(ctx, "x", &data);
            let mut y = x;
            for i in 0..8 {
                let count = calls.clone();
                y = around.layer(ctx, i, &[y], |t| {
                    let seen = T::tanh(t[0] * 1.5).raw_hook(move |_| _ = count.fetch_add(1, Relaxed));
                    vec![T::sin(seen) * seen]
                })[0];
            }
            let g = T::grad(&[T::sum_all(T::square(y))], &[x])[0];
            let gg = T::grad(&[T::sum_all(T::square(g))], &[x])[0];
            let ask = said(ctx.evaluator().push(g).push(gg).feed(x, &data), &policy);
            ask.run().into_iter().map(|r| r.unwrap()).collect::<Vec<_>>()
        });
        (out, calls.load(Relaxed))
    };
    let (expected, calls) = asked(&Around::Nothing, None);
    assert_eq!(calls, 8);
    let ways = [
        (Around::Nothing, Some(Policy::nothing())),
        (Around::Marks(1), None),
        (Around::Groups(None), None),
        (Around::Nested, None),
        (Around::Groups(None), Some(Policy::segments(None))),
    ];
    for (around, policy) in ways {
        let (found, calls) = asked(&around, policy.clone());
        let what = format!("{around:?}, {policy:?}");
        found.iter().zip(&expected).for_each(|(a, b)| same_bits(&what, a, b).unwrap());
        assert_eq!(calls, 8, "{what}");
    }
}

#[test]
fn a_draw_that_is_made_again_is_the_same_draw() {
    let _alone = alone();
    let (data, weight) = (nets::numbers(DType::F64, &[64, 16], 1.0, 3), nets::numbers(DType::F64, &[16, 16], 0.4, 4));
    let env = VariableEnvironment::new();
    env.run(|ctx| {
        let (x, w) = (nets::fed(ctx, "x", &data), nets::fed(ctx, "w", &weight));
        let layer = |y, draw| T::tanh(T::matmul(y, w) * draw) * draw;
        let mut draws = vec![];
        let mut y = x;
        for _ in 0..16 {
            y = T::checkpoint_segment(ctx, [y], |[y]| {
                draws.push(T::standard_normal([64, 16], ctx));
                layer(y, draws[draws.len() - 1])
            });
        }
        let g = T::grad(&[T::sum_all(y)], &[x])[0];
        let asked = |with_draws: bool| {
            env.seed(3);
            let ask = ctx.evaluator().push(g).feed(x, &data).feed(w, &weight);
            let ask = if with_draws { ask.extend(&draws) } else { ask };
            (ask.plan().unwrap().recomputation.values, ask.run().into_iter().map(|r| r.unwrap()).collect::<Vec<_>>())
        };
        let (again, alone) = asked(false);
        assert!(again >= 16, "{again} values are computed again");
        // Draws that are outputs are those that the gradient read.
        let (_, shown) = asked(true);
        same_bits("gradient", &shown[0], &alone[0]).unwrap();
        let known: Vec<Tensor<'_>> = (1..shown.len()).map(|k| nets::fed(ctx, &format!("draw{k}"), &shown[k])).collect();
        let y = known.iter().fold(x, |y, &draw| layer(y, draw));
        let feeder = known.iter().zip(&shown[1..]).fold(Feeder::new(), |f, (t, a)| f.push(t, a));
        let ask = ctx.evaluator().push(T::grad(&[T::sum_all(y)], &[x])[0]).set_feeder(feeder).feed(x, &data).feed(w, &weight);
        same_bits("with the draws as feeds", ask.run()[0].as_ref().unwrap(), &alone[0]).unwrap();
        // Another run draws anew.
        let next = ctx.evaluator().push(g).feed(x, &data).feed(w, &weight).run().remove(0).unwrap();
        assert!(same_bits("another run", &next, &alone[0]).is_err());
    });
}

/// The steps of a plan that compute values again, and whether they do nothing else.
fn again(plan: &TracedPlan) -> Vec<bool> {
    let again = |i: &u32| plan.ir().nodes[*i as usize].again;
    plan.steps.iter().map(|s| s.nodes.iter().any(again)).collect()
}

#[test]
fn clones_stay_apart_and_run_late() {
    let _alone = alone();
    let nets = [deep(), Net::new(Kind::Chain, 40, 30, 40), Net::new(Kind::Tower, 20, 16, 128), Net::new(Kind::Lstm, 32, 16, 32)];
    let ways = [Policy::segments(None), Policy::every_layers(4), Policy::nothing()];
    for (net, policy) in nets.into_iter().flat_map(|n| ways.clone().map(|p| (n, p))) {
        let plan = Case::new(net, DType::F32, Order::Gradient).ran(&Strategy { policy: Some(policy.clone()), ..PLAIN }).plan;
        let what = format!("{net:?}, {policy}");
        let nodes = &plan.ir().nodes;
        if plan.recomputation.values == 0 {
            continue;
        }
        assert!(nodes.iter().filter(|n| n.again).count() >= plan.recomputation.values, "{what}");
        for step in &plan.steps {
            // No step computes a value and its clone.
            let made = |again: bool| step.nodes.iter().map(|&i| &nodes[i as usize]).filter(move |n| n.again == again).map(|n| n.walked);
            assert!(made(true).all(|w| !made(false).any(|v| v == w)), "{what}: {:?}", step.nodes);
        }
        let segments: Vec<u32> = plan.steps.iter().filter_map(|s| s.nodes.first()).map(|&i| nodes[i as usize].segment).collect();
        assert!(segments.is_sorted(), "{what}: {segments:?}");
    }
    // With segments that are computed again one by one, gradients lie between them.
    let plan = Case::new(deep(), DType::F32, Order::Gradient).ran(&Strategy { policy: Some(Policy::segments(Some(8))), ..PLAIN }).plan;
    let turns = again(&plan).windows(2).filter(|w| w[0] != w[1]).count();
    assert!(turns >= 13, "{turns} changes between what is computed again and what is not\n{}", plan.explain());
}

#[test]
fn what_is_said_of_a_context_or_an_environment_holds_for_its_requests() {
    let _alone = alone();
    let net = Net::new(Kind::Mlp(Activation::Tanh), 24, 16, 128);
    let env = net.environment(DType::F32);
    env.run(|ctx| {
        let built = net.over_variables(ctx, DType::F32, &Around::Nothing);
        let grads = T::grad(&[built.loss], &built.params);
        let plan = || {
            let feeder = built.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(t, a));
            ctx.evaluator().extend(&grads).set_feeder(feeder)
        };
        let plain = plan().plan().unwrap().peak_bytes();
        ctx.set_checkpoint_policy(Policy::segments(None));
        let segments = plan().plan().unwrap();
        assert!(segments.peak_bytes() < plain && segments.explain().contains("by segments()"));
        // The request's own comes first.
        assert_eq!(plan().checkpoint(Policy::everything()).plan().unwrap().peak_bytes(), plain);
        ctx.set_checkpoint_policy(None);
        assert_eq!(plan().plan().unwrap().peak_bytes(), plain);
    });
}
