//! Gradient descent.

use crate::api::context::Context;
use crate::error::Result;
use crate::graph::Tensor;
use crate::ops::control::assign;
use crate::optimizers::hyper::Range::Size;
use crate::optimizers::{Core, Optimizer, methods};
#[cfg(feature = "python")]
use crate::state::{VariableEnvironment, VariableID};

/// `w -= alpha * g`.
#[derive(Clone, Debug)]
pub struct SGD(Core);

impl SGD {
    /// Gradient descent with a rate.
    pub fn new(alpha: impl Into<f64>) -> SGD {
        SGD(Core::new("SGD", &[("alpha", Size, alpha.into())]))
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
        Ok(vars.iter().zip(grads).map(|(&w, &g)| assign(w, w - g * self.0.hyper.tensor("alpha", w))).collect())
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
} }
