//! Gradient descent.

use crate::api::context::Context;
use crate::error::Result;
use crate::graph::Tensor;
use crate::ops::control::assign;
use crate::optimizers::{Optimizer, methods};

/// `w -= alpha * g`.
#[derive(Clone, Debug)]
pub struct SGD {
    /// The rate.
    pub alpha: f64,
    check: bool,
}

impl SGD {
    /// Gradient descent with a rate.
    pub fn new(alpha: impl Into<f64>) -> SGD {
        SGD { alpha: alpha.into(), check: false }
    }
}

impl Optimizer for SGD {
    fn name(&self) -> &'static str {
        "SGD"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], _: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let step = |(&w, &g): (&Tensor<'g>, &Tensor<'g>)| {
            let alpha = w.graph().bound(self.alpha.into(), w.dtype(), "alpha");
            assign(w, w - g * alpha)
        };
        Ok(vars.iter().zip(grads).map(step).collect())
    }
    fn checks_finite(&self) -> bool {
        self.check
    }
}
methods!(SGD);
