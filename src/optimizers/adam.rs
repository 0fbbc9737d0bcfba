//! Adam.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::arithmetic::square;
use crate::ops::power::real_power;
use crate::ops::root::sqrt;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range;
use crate::optimizers::{Core, Home, Optimizer, flushed, methods};
use crate::state::{Part, VariableEnvironment, VariableID};

/// The moments, and the count of steps.
const PARTS: [Part; 3] = [Part { name: "m", scalar: false }, Part { name: "v", scalar: false }, Part { name: "t", scalar: true }];

/// The hyperparameters, of which the weight decay has the range `decay`.
pub(super) fn hyperparameters([alpha, eps, b1, b2, weight_decay]: [f64; 5], decay: Range) -> [(&'static str, Range, f64); 5] {
    use Range::{Part, Size};
    [("alpha", Size, alpha), ("eps", Size, eps), ("b1", Part, b1), ("b2", Part, b2), ("weight_decay", decay, weight_decay)]
}

/// The assignments of the state of `w` after a gradient `g`, and what the step takes off `w`.
pub(super) fn moved<'g>(
    core: &Core,
    ctx: &'g Context,
    parts: [Part; 3],
    w: Tensor<'g>,
    g: Tensor<'g>,
) -> Result<([Tensor<'g>; 3], Tensor<'g>)> {
    let hyper = &core.hyper;
    let [m, v, t] = parts.map(|part| core.state(ctx, w, part));
    let (m, v, t) = (m?, v?, t?);
    let (b1, b2) = (hyper.tensor("b1", w), hyper.tensor("b2", w));
    let t1 = t + 1.0;
    let m1 = flushed(m * b1 + g * hyper.rest("b1", w));
    let v1 = flushed(v * b2 + square(g) * hyper.rest("b2", w));
    // The corrections are scalars: alpha / (1 - b1^t) and 1 / sqrt(1 - b2^t).
    let rate = hyper.tensor("alpha", w) / (1.0 - real_power(b1, t1));
    let root = 1.0 / sqrt(1.0 - real_power(b2, t1));
    let state = [assign(m, m1), assign(v, v1), assign(t, t1)];
    Ok((state, m1 * rate / (sqrt(v1) * root + hyper.tensor("eps", w))))
}

/// Adam (Kingma, Ba 2015, algorithm 1): `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; t += 1;
/// w -= alpha * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)`.
///
/// State of the variable `w`: `"w.m"`, `"w.v"`, `"w.t"` in the optimizer's namespace.
/// Moments below the smallest normal number are set to 0, since denormal numbers slow a step down tenfold.
///
/// ```
/// use scirs2_autograd::{optimizers::adam::Adam, tensor_ops as T, Feeder, VariableEnvironment};
/// let mut env = VariableEnvironment::new();
/// env.name("w").set(ndarray::arr0(1.0));
/// let mut adam = Adam::default("adam", env.default_namespace().current_var_ids(), &mut env);
/// env.run(|ctx| {
///     let w = ctx.variable("w");
///     let g = T::grad(&[w * w], &[w]);
///     for _ in 0..100 {
///         adam.update(&[w], &g, ctx, Feeder::new()).unwrap();
///     }
/// });
/// let w = env.default_namespace().get_array_by_name("w").unwrap().item().unwrap();
/// assert!((w - 0.90174).abs() < 1e-5);
///
/// // A schedule: each step reads the rate that is set.
/// env.run(|ctx| {
///     let w = ctx.variable("w");
///     let g = T::grad(&[w * w], &[w]);
///     for step in 0..100 {
///         adam.set_alpha(1e-3 * 0.5f64.powi(step / 25)).unwrap();
///         adam.update(&[w], &g, ctx, Feeder::new()).unwrap();
///     }
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Adam(Core);

impl Adam {
    /// Rate 1e-3, eps 1e-8, b1 0.9, b2 0.999, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> Adam {
        Adam::new(1e-3, 1e-8, 0.9, 0.999, ids, env, ns)
    }
    /// For the variables `ids`; state in the namespace `ns`.
    pub fn new(
        alpha: impl Into<f64>,
        eps: impl Into<f64>,
        b1: impl Into<f64>,
        b2: impl Into<f64>,
        ids: impl IntoIterator<Item = VariableID>,
        env: &VariableEnvironment,
        ns: &str,
    ) -> Adam {
        Adam::of([alpha.into(), eps.into(), b1.into(), b2.into(), 0.0], Home::named(env, ns, ids))
    }
    pub(crate) fn of(numbers: [f64; 5], home: Home<'_>) -> Adam {
        Adam(Core::new("Adam", &hyperparameters(numbers, Range::Term)).with_state(home, &PARTS))
    }
}

impl Optimizer for Adam {
    fn name(&self) -> &'static str {
        "Adam"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let (state, step) = moved(&self.0, ctx, PARTS, w, self.0.decayed(w, g))?;
            out.extend(state);
            out.push(assign(w, w - step));
        }
        Ok(out)
    }
    fn checks_finite(&self) -> bool {
        self.0.check
    }
    fn error(&self) -> Option<Error> {
        self.0.error.clone()
    }
}
methods! { Adam {
    /// The rate.
    alpha,
    /// Sets the rate: a finite number, 0 or more.
    set_alpha;
    /// What is added to the root of the second moment.
    eps,
    /// Sets what is added to the root of the second moment: a finite number, 0 or more.
    set_eps;
    /// The decay of the first moment.
    b1,
    /// Sets the decay of the first moment: a number from 0 up to, but without, 1.
    set_b1;
    /// The decay of the second moment.
    b2,
    /// Sets the decay of the second moment: a number from 0 up to, but without, 1.
    set_b2;
    /// The weight of the decay: `weight_decay * w` is added to the gradient, as that of `weight_decay * w^2 / 2`. 0 by default.
    weight_decay,
    /// Sets the weight of the decay: a finite number, 0 or more. Steps at 0 lack the term and have a plan of their own; else:
    set_weight_decay;
} }
