//! AdaGrad.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::arithmetic::square;
use crate::ops::root::sqrt;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range::{Size, Term};
use crate::optimizers::{Core, Home, Optimizer, methods};
use crate::state::{Part, VariableEnvironment, VariableID};

/// The sum of squared gradients.
const H: Part = Part { name: "h", scalar: false };

/// `h += g^2; w -= alpha * g / (sqrt(h) + eps)` (Duchi, Hazan, Singer 2011). State of the variable `w`: `"w.h"` in the optimizer's
/// namespace.
#[derive(Clone, Debug)]
pub struct AdaGrad(Core);

impl AdaGrad {
    /// Rate 0.01, eps 1e-7, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> AdaGrad {
        AdaGrad::new(0.01, ids, env, ns)
    }
    /// Eps 1e-7, for the variables `ids`; state in the namespace `ns`.
    pub fn new(alpha: impl Into<f64>, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment, ns: &str) -> AdaGrad {
        AdaGrad::of([alpha.into(), 1e-7, 0.0], Home::named(env, ns, ids))
    }
    pub(crate) fn of([alpha, eps, weight_decay]: [f64; 3], home: Home<'_>) -> AdaGrad {
        let list = [("alpha", Size, alpha), ("eps", Size, eps), ("weight_decay", Term, weight_decay)];
        AdaGrad(Core::new("AdaGrad", &list).with_state(home, &[H]))
    }
}

impl Optimizer for AdaGrad {
    fn name(&self) -> &'static str {
        "AdaGrad"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let hyper = &self.0.hyper;
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let h = self.0.state(ctx, w, H)?;
            let g = self.0.decayed(w, g);
            let next = h + square(g);
            out.extend([assign(h, next), assign(w, w - g * hyper.tensor("alpha", w) / (sqrt(next) + hyper.tensor("eps", w)))]);
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
    /// What is added to the root of the sum of squares.
    eps,
    /// Sets what is added to the root of the sum of squares: a finite number, 0 or more.
    set_eps;
    /// The weight of the decay: `weight_decay * w` is added to the gradient, as that of `weight_decay * w^2 / 2`. 0 by default.
    weight_decay,
    /// Sets the weight of the decay: a finite number, 0 or more. Steps at 0 lack the term and have a plan of their own; else:
    set_weight_decay;
} }
