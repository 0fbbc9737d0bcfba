//! Gradient descent.

use crate::api::context::Context;
use crate::error::Result;
use crate::graph::Tensor;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range::{Size, Term};
use crate::optimizers::{Core, Optimizer, methods};
#[cfg(feature = "python")]
use crate::state::{VariableEnvironment, VariableID};

/// `w -= alpha * g`.
#[derive(Clone, Debug)]
pub struct SGD(Core);

impl SGD {
    /// Gradient descent with a rate.
    pub fn new(alpha: impl Into<f64>) -> SGD {
        SGD::of([alpha.into(), 0.0])
    }
    pub(crate) fn of([alpha, weight_decay]: [f64; 2]) -> SGD {
        SGD(Core::new("SGD", &[("alpha", Size, alpha), ("weight_decay", Term, weight_decay)]))
    }
    /// The same, which takes no other variables than these.
    #[cfg(feature = "python")]
    pub(crate) fn only_for(self, env: &VariableEnvironment, ids: Vec<VariableID>) -> SGD {
        SGD(self.0.with_ids(env, ids))
    }
}

impl Optimizer for SGD {
    fn name(&self) -> &'static str {
        "SGD"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], _: &'g Context) -> Result<Vec<Tensor<'g>>> {
        vars.iter().try_for_each(|&w| self.0.admits(w))?;
        let moved = |w: Tensor<'g>, g| w - self.0.decayed(w, g) * self.0.hyper.tensor("alpha", w);
        Ok(vars.iter().zip(grads).map(|(&w, &g)| assign(w, moved(w, g))).collect())
    }
    fn checks_finite(&self) -> bool {
        self.0.check
    }
    fn error(&self) -> Option<crate::error::Error> {
        self.0.error.clone()
    }
}
methods! { SGD {
    /// The rate.
    alpha,
    /// Sets the rate: a finite number, 0 or more.
    set_alpha;
    /// The weight of the decay: `weight_decay * w` is added to the gradient, as that of `weight_decay * w^2 / 2`. 0 by default.
    weight_decay,
    /// Sets the weight of the decay: a finite number, 0 or more. Steps at 0 lack the term and have a plan of their own; else:
    set_weight_decay;
} }
