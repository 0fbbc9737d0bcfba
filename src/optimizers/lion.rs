//! Lion.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::arithmetic::sign;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range::{Part as Kept, Size};
use crate::optimizers::{Core, Home, Optimizer, flushed, methods};
use crate::state::{Part, VariableEnvironment, VariableID};

/// The moment.
const M: Part = Part { name: "lion.m", scalar: false };

/// Lion (Chen and others 2023, algorithm 2): `w -= alpha * (sign(b1 m + (1 - b1) g) + weight_decay * w); m = b2 m + (1 - b2) g`, with the `m`
/// and the `w` before the step. The sign of 0 is 0.
///
/// State of the variable `w`: `"w.lion.m"` in the optimizer's namespace.
/// Moments below the smallest normal number are set to 0.
///
/// ```
/// use scirs2_autograd::{optimizers::lion::Lion, tensor_ops as T, Feeder, VariableEnvironment};
/// let env = VariableEnvironment::new();
/// env.name("w").set(ndarray::arr0(1.0));
/// let optimizer = Lion::default("lion", env.default_namespace().current_var_ids(), &env);
/// env.run(|ctx| {
///     let w = ctx.variable("w");
///     let g = T::grad(&[w * w], &[w]);
///     optimizer.update(&[w], &g, ctx, Feeder::new()).unwrap();
/// });
/// let w = env.get("w").unwrap().item().unwrap();
/// assert!((w - 0.9998999).abs() < 1e-9, "{w}");
/// ```
#[derive(Clone, Debug)]
pub struct Lion(Core);

impl Lion {
    /// Rate 1e-4, b1 0.9, b2 0.99, weight decay 1e-3, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> Lion {
        Lion::new(1e-4, ids, env, ns)
    }
    /// With the rate `alpha` and the other numbers of [`default`](Lion::default), which can be set.
    pub fn new(alpha: impl Into<f64>, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment, ns: &str) -> Lion {
        Lion::of([alpha.into(), 0.9, 0.99, 1e-3], Home::named(env, ns, ids))
    }
    pub(crate) fn of([alpha, b1, b2, weight_decay]: [f64; 4], home: Home<'_>) -> Lion {
        let list = [("alpha", Size, alpha), ("b1", Kept, b1), ("b2", Kept, b2), ("weight_decay", Size, weight_decay)];
        Lion(Core::new("Lion", &list).with_state(home, &[M]))
    }
}

impl Optimizer for Lion {
    fn name(&self) -> &'static str {
        "Lion"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let hyper = &self.0.hyper;
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let m = self.0.state(ctx, w, M)?;
            let mixed = |name| m * hyper.tensor(name, w) + g * hyper.rest(name, w);
            let step = sign(mixed("b1")) + w * hyper.tensor("weight_decay", w);
            out.extend([assign(m, flushed(mixed("b2"))), assign(w, w - step * hyper.tensor("alpha", w))]);
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
methods! { Lion {
    /// The rate.
    alpha,
    /// Sets the rate: a finite number, 0 or more.
    set_alpha;
    /// The weight of the old moment in the direction of a step.
    b1,
    /// Sets the weight of the old moment in the direction of a step: a number from 0 up to, but without, 1.
    set_b1;
    /// The decay of the moment.
    b2,
    /// Sets the decay of the moment: a number from 0 up to, but without, 1.
    set_b2;
    /// The weight of the decay, which no moment sees: a step takes `alpha * weight_decay * w` off `w`.
    weight_decay,
    /// Sets the weight of the decay: a finite number, 0 or more.
    set_weight_decay;
} }
