//! AdaGrad.

use crate::api::context::Context;
use crate::error::Result;
use crate::graph::Tensor;
use crate::ops::control::assign;
use crate::ops::elementwise::{sqrt, square};
use crate::optimizers::{Optimizer, init_state, methods, state};
use crate::state::{VariableEnvironment, VariableID};

/// `h += g^2; w -= alpha * g / (sqrt(h) + 1e-7)` (Duchi, Hazan, Singer 2011). State: `"{id}"` in the optimizer's namespace.
#[derive(Clone, Debug)]
pub struct AdaGrad {
    /// The rate.
    pub alpha: f64,
    namespace: String,
    check: bool,
}

impl AdaGrad {
    /// Rate 0.01, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> AdaGrad {
        AdaGrad::new(0.01, ids, env, ns)
    }
    /// For the variables `ids`; state in the namespace `ns`.
    pub fn new(alpha: impl Into<f64>, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment, ns: &str) -> AdaGrad {
        init_state(env, ns, &ids.into_iter().collect::<Vec<_>>(), &[("", false)]);
        AdaGrad { alpha: alpha.into(), namespace: ns.to_owned(), check: false }
    }
}

impl Optimizer for AdaGrad {
    fn name(&self) -> &'static str {
        "AdaGrad"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let h = state(ctx, &self.namespace, w, "")?;
            let bound = |x: f64, role| w.graph().bound(x.into(), w.dtype(), role);
            let next = h + square(g);
            out.extend([assign(h, next), assign(w, w - g * bound(self.alpha, "alpha") / (sqrt(next) + bound(1e-7, "eps")))]);
        }
        Ok(out)
    }
    fn checks_finite(&self) -> bool {
        self.check
    }
}
methods!(AdaGrad);
