//! Gradient descent with momentum.

use crate::api::context::Context;
use crate::error::Result;
use crate::graph::Tensor;
use crate::ops::control::assign;
use crate::optimizers::{Optimizer, init_state, methods, state};
use crate::state::{VariableEnvironment, VariableID};

/// `v = momentum * v - alpha * g; w += v`. State: `"{id}"` in the optimizer's namespace.
#[derive(Clone, Debug)]
pub struct MomentumSGD {
    /// The rate.
    pub alpha: f64,
    /// The part of the last step that is kept.
    pub momentum: f64,
    namespace: String,
    check: bool,
}

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
        init_state(env, ns, &ids.into_iter().collect::<Vec<_>>(), &[("", false)]);
        MomentumSGD { alpha: alpha.into(), momentum: momentum.into(), namespace: ns.to_owned(), check: false }
    }
}

impl Optimizer for MomentumSGD {
    fn name(&self) -> &'static str {
        "MomentumSGD"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let v = state(ctx, &self.namespace, w, "")?;
            let bound = |x: f64, role| w.graph().bound(x.into(), w.dtype(), role);
            let next = v * bound(self.momentum, "momentum") - g * bound(self.alpha, "alpha");
            out.extend([assign(v, next), assign(w, w + next)]);
        }
        Ok(out)
    }
    fn checks_finite(&self) -> bool {
        self.check
    }
}
methods!(MomentumSGD);
