//! Gradient descent with momentum.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::control::assign;
use crate::optimizers::hyper::Range::Size;
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
        MomentumSGD::of(alpha.into(), momentum.into(), Home::named(env, ns, ids))
    }
    pub(crate) fn of(alpha: f64, momentum: f64, home: Home<'_>) -> MomentumSGD {
        let core = Core::new("MomentumSGD", &[("alpha", Size, alpha), ("momentum", Size, momentum)]);
        MomentumSGD(core.with_state(home, &[U]))
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
            let next = u * self.0.hyper.tensor("momentum", w) - g * self.0.hyper.tensor("alpha", w);
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
} }
