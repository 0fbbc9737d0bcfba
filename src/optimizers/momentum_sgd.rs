//! Gradient descent with momentum.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range::{Size, Term};
use crate::optimizers::{Core, Home, Optimizer, methods};
use crate::state::{Part, VariableEnvironment, VariableID};

/// The last step.
const U: Part = Part { name: "u", scalar: false };

/// `u = momentum * u - alpha * g; w += u`. State of the variable `w`: `"w.u"` in the optimizer's namespace.
#[derive(Clone, Debug)]
pub struct MomentumSGD(Core);

impl MomentumSGD {
    /// Rate 0.01, momentum 0.9, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> MomentumSGD {
        MomentumSGD::new(0.01, 0.9, ids, env, ns)
    }
    /// For the variables `ids`; state in the namespace `ns`.
    pub fn new(
        alpha: impl Into<f64>,
        momentum: impl Into<f64>,
        ids: impl IntoIterator<Item = VariableID>,
        env: &VariableEnvironment,
        ns: &str,
    ) -> MomentumSGD {
        MomentumSGD::of([alpha.into(), momentum.into(), 0.0], Home::named(env, ns, ids))
    }
    pub(crate) fn of([alpha, momentum, weight_decay]: [f64; 3], home: Home<'_>) -> MomentumSGD {
        let list = [("alpha", Size, alpha), ("momentum", Size, momentum), ("weight_decay", Term, weight_decay)];
        MomentumSGD(Core::new("MomentumSGD", &list).with_state(home, &[U]))
    }
}

impl Optimizer for MomentumSGD {
    fn name(&self) -> &'static str {
        "MomentumSGD"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let u = self.0.state(ctx, w, U)?;
            let next = u * self.0.hyper.tensor("momentum", w) - self.0.decayed(w, g) * self.0.hyper.tensor("alpha", w);
            out.extend([assign(u, next), assign(w, w + next)]);
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
methods! { MomentumSGD {
    /// The rate.
    alpha,
    /// Sets the rate: a finite number, 0 or more.
    set_alpha;
    /// The part of the last step that is kept.
    momentum,
    /// Sets the part of the last step that is kept: a finite number, 0 or more.
    set_momentum;
    /// The weight of the decay: `weight_decay * w` is added to the gradient, as that of `weight_decay * w^2 / 2`. 0 by default.
    weight_decay,
    /// Sets the weight of the decay: a finite number, 0 or more. Steps at 0 lack the term and have a plan of their own; else:
    set_weight_decay;
} }
