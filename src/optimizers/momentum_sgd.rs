//! Gradient descent with momentum.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::control::assign;
use crate::optimizers::hyper::Range::Size;
use crate::optimizers::{Core, Optimizer, methods};
use crate::state::{VariableEnvironment, VariableID};

/// `v = momentum * v - alpha * g; w += v`. State: `"{index}"` in the optimizer's namespace, by the place of the variable in its
/// environment.
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
        let core = Core::new("MomentumSGD", &[("alpha", Size, alpha.into()), ("momentum", Size, momentum.into())]);
        MomentumSGD(core.with_state(env, ns, ids, &[("", false)]))
    }
}

impl Optimizer for MomentumSGD {
    fn name(&self) -> &'static str {
        "MomentumSGD"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let v = self.0.state(ctx, w, "")?;
            let next = v * self.0.hyper.tensor("momentum", w) - g * self.0.hyper.tensor("alpha", w);
            out.extend([assign(v, next), assign(w, w + next)]);
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
} }
