//! Adam with decoupled weight decay.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range::Size;
use crate::optimizers::{Core, Home, Optimizer, adam, methods};
use crate::state::{Part, VariableEnvironment, VariableID};

/// The moments, and the count of steps.
const PARTS: [Part; 3] =
    [Part { name: "adamw.m", scalar: false }, Part { name: "adamw.v", scalar: false }, Part { name: "adamw.t", scalar: true }];

/// Adam with decoupled weight decay (Loshchilov, Hutter 2019, algorithm 2, with the schedule in `alpha`): the step of
/// [`Adam`](super::adam::Adam), and `w -= alpha * weight_decay * w`, with the `w` before it.
///
/// State of the variable `w`: `"w.adamw.m"`, `"w.adamw.v"`, `"w.adamw.t"` in the optimizer's namespace.
///
/// ```
/// use scirs2_autograd::{optimizers::adamw::AdamW, tensor_ops as T, Feeder, VariableEnvironment};
/// let env = VariableEnvironment::new();
/// env.name("w").set(ndarray::arr0(1.0));
/// let optimizer = AdamW::default("adamw", env.default_namespace().current_var_ids(), &env);
/// env.run(|ctx| {
///     let w = ctx.variable("w");
///     let g = T::grad(&[w * w], &[w]);
///     optimizer.update(&[w], &g, ctx, Feeder::new()).unwrap();
/// });
/// let w = env.get("w").unwrap().item().unwrap();
/// assert!((w - 0.99899).abs() < 1e-9, "{w}");
/// ```
#[derive(Clone, Debug)]
pub struct AdamW(Core);

impl AdamW {
    /// Rate 1e-3, eps 1e-8, b1 0.9, b2 0.999, weight decay 0.01, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> AdamW {
        AdamW::new(1e-3, ids, env, ns)
    }
    /// With the rate `alpha` and the other numbers of [`default`](AdamW::default), which can be set.
    pub fn new(alpha: impl Into<f64>, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment, ns: &str) -> AdamW {
        AdamW::of([alpha.into(), 1e-8, 0.9, 0.999, 0.01], Home::named(env, ns, ids))
    }
    pub(crate) fn of(numbers: [f64; 5], home: Home<'_>) -> AdamW {
        AdamW(Core::new("AdamW", &adam::hyperparameters(numbers, Size)).with_state(home, &PARTS))
    }
}

impl Optimizer for AdamW {
    fn name(&self) -> &'static str {
        "AdamW"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let hyper = &self.0.hyper;
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let (state, step) = adam::moved(&self.0, ctx, PARTS, w, g)?;
            let lost = w * (hyper.tensor("alpha", w) * hyper.tensor("weight_decay", w));
            out.extend(state);
            out.push(assign(w, w - lost - step));
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
methods! { AdamW {
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
    /// The weight of the decay, which no moment sees: a step takes `alpha * weight_decay * w` off `w`.
    weight_decay,
    /// Sets the weight of the decay: a finite number, 0 or more.
    set_weight_decay;
} }
