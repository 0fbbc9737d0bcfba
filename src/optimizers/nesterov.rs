//! Gradient descent with Nesterov's momentum.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range::{Size, Term};
use crate::optimizers::{Core, Home, Optimizer, flushed, methods};
use crate::state::{Part, VariableEnvironment, VariableID};

/// The sum of gradients, which decays.
const U: Part = Part { name: "nesterov.u", scalar: false };

/// Gradient descent with Nesterov's momentum (Sutskever, Martens, Dahl, Hinton 2013, in the form of PyTorch's `SGD`): `u = momentum * u + g;
/// w -= alpha * (g + momentum * u)`.
///
/// State of the variable `w`: `"w.nesterov.u"` in the optimizer's namespace.
///
/// ```
/// use scirs2_autograd::{optimizers::nesterov::Nesterov, tensor_ops as T, Feeder, VariableEnvironment};
/// let env = VariableEnvironment::new();
/// env.name("w").set(ndarray::arr0(1.0));
/// let optimizer = Nesterov::default("nesterov", env.default_namespace().current_var_ids(), &env);
/// env.run(|ctx| {
///     let w = ctx.variable("w");
///     let g = T::grad(&[w * w], &[w]);
///     optimizer.update(&[w], &g, ctx, Feeder::new()).unwrap();
/// });
/// let w = env.get("w").unwrap().item().unwrap();
/// assert!((w - 0.9962).abs() < 1e-9, "{w}");
/// ```
#[derive(Clone, Debug)]
pub struct Nesterov(Core);

impl Nesterov {
    /// Rate 1e-3, momentum 0.9, no weight decay, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> Nesterov {
        Nesterov::new(1e-3, ids, env, ns)
    }
    /// With the rate `alpha` and the other numbers of [`default`](Nesterov::default), which can be set.
    pub fn new(alpha: impl Into<f64>, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment, ns: &str) -> Nesterov {
        Nesterov::of([alpha.into(), 0.9, 0.0], Home::named(env, ns, ids))
    }
    pub(crate) fn of([alpha, momentum, weight_decay]: [f64; 3], home: Home<'_>) -> Nesterov {
        let list = [("alpha", Size, alpha), ("momentum", Size, momentum), ("weight_decay", Term, weight_decay)];
        Nesterov(Core::new("Nesterov", &list).with_state(home, &[U]))
    }
}

impl Optimizer for Nesterov {
    fn name(&self) -> &'static str {
        "Nesterov"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let hyper = &self.0.hyper;
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let u = self.0.state(ctx, w, U)?;
            let g = self.0.decayed(w, g);
            let momentum = hyper.tensor("momentum", w);
            let next = flushed(u * momentum + g);
            out.extend([assign(u, next), assign(w, w - (g + next * momentum) * hyper.tensor("alpha", w))]);
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
methods! { Nesterov {
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
