//! A budget's choice against all choices, on chains and small graphs; sweeps of budgets.

use ndarray::Array2;
use scirs2_autograd::checkpoint::Policy;
use scirs2_autograd::{Context, ErrorKind, Feeder, Result, Tensor, TracedPlan, run, tensor_ops as T};

/// Peak and work.
type Cost = (usize, f64);

fn cost(plan: &TracedPlan) -> Cost {
    (plan.peak_bytes(), plan.recomputation.flops)
}

/// The gradients of a loss, and how many of the values before it have names: `h0`, `h1`, ...
struct Program<'c> {
    ctx: &'c Context,
    outputs: Vec<Tensor<'c>>,
    feeder: Feeder<'c>,
    names: usize,
}

impl Program<'_> {
    fn plan(&self, policy: Option<Policy>, budget: Option<usize>) -> Result<TracedPlan> {
        let mut ask = self.ctx.evaluator().extend(&self.outputs).set_feeder(self.feeder.clone());
        if let Some(policy) = policy {
            ask = ask.checkpoint(policy);
        }
        if let Some(bytes) = budget {
            ask = ask.memory_budget(bytes);
        }
        ask.plan()
    }

    /// What the choices among the named values cost, of which none is better than another: of falling peak.
    fn all(&self) -> Vec<Cost> {
        let keep = |bits: usize| Policy::names((0..self.names).filter(|k| bits >> k & 1 == 1).map(|k| format!("h{k}")));
        let mut all: Vec<Cost> = (0..1 << self.names).map(|bits| cost(&self.plan(Some(keep(bits)), None).unwrap())).collect();
        all.push(cost(&self.plan(None, None).unwrap()));
        all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let mut least = usize::MAX;
        all.retain(|c| {
            let better = c.0 < least;
            least = least.min(c.0);
            better
        });
        all
    }

    /// No choice among the named values is better than that of the budget, by more than `slack` of its bytes and its work.
    fn compared(&self, what: &str, slack: f64) {
        for (peak, flops) in self.all() {
            let within = (peak as f64 * (1.0 + slack)) as usize;
            let (own, work) =
                cost(&self.plan(None, Some(within)).unwrap_or_else(|e| panic!("{what}: {e}, which {flops} operations would do")));
            assert!(
                own <= within && work <= flops * (1.0 + slack),
                "{what}: within {peak} bytes {work} operations ({own} bytes), {flops} would do"
            );
        }
    }
}

/// Layers of the kind `layer`, each named, then a loss; gradients by the weights.
fn program<'c>(
    ctx: &'c Context,
    rows: usize,
    widths: &[usize],
    layer: fn(Tensor<'c>, Tensor<'c>, &[Tensor<'c>]) -> Tensor<'c>,
) -> Program<'c> {
    let x = ctx.placeholder("x", &[rows as isize, widths[0] as isize]);
    let mut feeder = Feeder::new().push(x, Array2::from_elem((rows, widths[0]), 0.5));
    let (mut weights, mut all) = (vec![], vec![x]);
    for (k, w) in widths.windows(2).enumerate() {
        let weight = ctx.placeholder(&format!("w{k}"), &[w[0] as isize, w[1] as isize]);
        feeder = feeder.push(weight, Array2::from_elem((w[0], w[1]), 0.01));
        let h = layer(all[k], weight, &all);
        all.push(T::checkpoint_name(h, format!("h{k}")));
        weights.push(weight);
    }
    let loss = T::reduce_sum(all[all.len() - 1] * all[all.len() - 1], (), false);
    let outputs = T::grad(&[loss], &weights);
    Program { ctx, outputs, feeder, names: weights.len() }
}

fn relu<'c>(h: Tensor<'c>, w: Tensor<'c>, _: &[Tensor<'c>]) -> Tensor<'c> {
    T::relu(T::matmul(h, w))
}

/// Every layer reads the one before the last too.
fn skipping<'c>(h: Tensor<'c>, w: Tensor<'c>, all: &[Tensor<'c>]) -> Tensor<'c> {
    let before = all[all.len().saturating_sub(2)];
    T::relu(T::matmul(h + before, w))
}

#[test]
fn chains_of_equal_layers() {
    run(|ctx| program(ctx, 512, &[16; 11], relu).compared("equal", 0.0));
}

#[test]
fn chains_of_layers_of_all_widths() {
    for widths in [[64, 8, 8, 64, 16, 16, 64, 8, 32, 8], [8, 16, 24, 32, 40, 48, 56, 64, 72, 80], [80, 64, 48, 32, 24, 16, 8, 8, 8, 8]] {
        run(|ctx| program(ctx, 512, &widths, relu).compared(&format!("{widths:?}"), 0.0));
    }
}

/// More values than those of which all choices are looked at.
#[test]
#[ignore = "slow: 32,768 plans"]
fn longer_chains() {
    run(|ctx| program(ctx, 256, &[16; 14], relu).compared("equal", 0.03));
    run(|ctx| program(ctx, 256, &[64, 8, 8, 64, 16, 16, 64, 8, 32, 8, 64, 16, 8, 40], relu).compared("all widths", 0.03));
}

#[test]
fn small_graphs_with_skips() {
    run(|ctx| program(ctx, 512, &[16; 9], skipping).compared("skips", 0.0));
}

/// The less memory, the more work, and never more memory.
#[test]
fn sweeps_are_monotone() {
    for layers in [9, 40] {
        run(|ctx| {
            let p = program(ctx, 1024, &vec![16; layers], relu);
            let plain = cost(&p.plan(None, None).unwrap());
            let mut before = (plain.0, 0.0);
            let mut refused = false;
            for share in (5..=100).rev() {
                let budget = plain.0 * share / 100;
                match p.plan(None, Some(budget)) {
                    Ok(plan) => {
                        let now = cost(&plan);
                        assert!(!refused, "{budget} bytes do, more did not");
                        assert!(now.0 <= budget && now.0 <= before.0 && now.1 >= before.1, "{before:?} then {now:?} at {budget}");
                        assert!(plan.recomputation.flops_bound <= now.1, "{:?}", plan.recomputation);
                        before = now;
                    }
                    Err(e) => {
                        assert_eq!(e.kind(), ErrorKind::Memory);
                        let least = format!("at least {} bytes", before.0);
                        assert!(refused || e.to_string().contains(&least) || budget < before.0, "{e}: {least}");
                        refused = true;
                    }
                }
            }
            assert!(refused && before.0 * 10 < plain.0 * 8, "{before:?} of {plain:?}");
        });
    }
}
