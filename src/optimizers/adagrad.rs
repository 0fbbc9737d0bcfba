//! AdaGrad.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::control::assign;
use crate::ops::elementwise::{sqrt, square};
use crate::optimizers::hyper::Range::Size;
use crate::optimizers::{Core, Optimizer, methods};
use crate::state::{VariableEnvironment, VariableID};

/// `h += g^2; w -= alpha * g / (sqrt(h) + 1e-7)` (Duchi, Hazan, Singer 2011). State: `"{index}"` in the optimizer's namespace, by
/// the place of the variable in its environment.
#[derive(Clone, Debug)]
pub struct AdaGrad(Core);

impl AdaGrad {
    /// Rate 0.01, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> AdaGrad {
        AdaGrad::new(0.01, ids, env, ns)
    }
    /// For the variables `ids`; state in the namespace `ns`.
    pub fn new(alpha: impl Into<f64>, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment, ns: &str) -> AdaGrad {
        AdaGrad(Core::new("AdaGrad", &[("alpha", Size, alpha.into())]).with_state(env, ns, ids, &[("", false)]))
    }
}

impl Optimizer for AdaGrad {
    fn name(&self) -> &'static str {
        "AdaGrad"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let h = self.0.state(ctx, w, "")?;
            let next = h + square(g);
            out.extend([assign(h, next), assign(w, w - g * self.0.hyper.tensor("alpha", w) / (sqrt(next) + 1e-7))]);
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
methods! { AdaGrad {
    /// The rate.
    alpha,
    /// Sets the rate: a finite number, 0 or more.
    set_alpha;
} }
