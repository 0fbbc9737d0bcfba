//! Adadelta.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::arithmetic::square;
use crate::ops::root::sqrt;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range::{Part as Kept, Size, Term};
use crate::optimizers::{Core, Home, Optimizer, flushed, methods};
use crate::state::{Part, VariableEnvironment, VariableID};

/// The mean squares of gradients, and of steps.
const V: Part = Part { name: "adadelta.v", scalar: false };
const U: Part = Part { name: "adadelta.u", scalar: false };

/// Adadelta (Zeiler 2012, algorithm 1): `v = rho v + (1 - rho) g^2; d = g * sqrt(u + eps) / sqrt(v + eps);
/// u = rho u + (1 - rho) d^2; w -= alpha * d`.
///
/// State of the variable `w`: `"w.adadelta.v"`, `"w.adadelta.u"` in the optimizer's namespace.
/// Means below the smallest normal number are set to 0.
///
/// ```
/// use scirs2_autograd::{optimizers::adadelta::Adadelta, tensor_ops as T, Feeder, VariableEnvironment};
/// let env = VariableEnvironment::new();
/// env.name("w").set(ndarray::arr0(1.0));
/// let optimizer = Adadelta::default("adadelta", env.default_namespace().current_var_ids(), &env);
/// env.run(|ctx| {
///     let w = ctx.variable("w");
///     let g = T::grad(&[w * w], &[w]);
///     optimizer.update(&[w], &g, ctx, Feeder::new()).unwrap();
/// });
/// let w = env.get("w").unwrap().item().unwrap();
/// assert!((w - 0.996837726).abs() < 1e-9, "{w}");
/// ```
#[derive(Clone, Debug)]
pub struct Adadelta(Core);

impl Adadelta {
    /// Rate 1, rho 0.9, eps 1e-6, no weight decay, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> Adadelta {
        Adadelta::new(1.0, ids, env, ns)
    }
    /// With the rate `alpha` and the other numbers of [`default`](Adadelta::default), which can be set.
    pub fn new(alpha: impl Into<f64>, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment, ns: &str) -> Adadelta {
        Adadelta::of([alpha.into(), 0.9, 1e-6, 0.0], Home::named(env, ns, ids))
    }
    pub(crate) fn of([alpha, rho, eps, weight_decay]: [f64; 4], home: Home<'_>) -> Adadelta {
        let list = [("alpha", Size, alpha), ("rho", Kept, rho), ("eps", Size, eps), ("weight_decay", Term, weight_decay)];
        Adadelta(Core::new("Adadelta", &list).with_state(home, &[V, U]))
    }
}

impl Optimizer for Adadelta {
    fn name(&self) -> &'static str {
        "Adadelta"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let hyper = &self.0.hyper;
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let (v, u) = (self.0.state(ctx, w, V)?, self.0.state(ctx, w, U)?);
            let g = self.0.decayed(w, g);
            let (rho, rest, eps) = (hyper.tensor("rho", w), hyper.rest("rho", w), hyper.tensor("eps", w));
            let v1 = flushed(v * rho + square(g) * rest);
            let d = g * sqrt(u + eps) / sqrt(v1 + eps);
            let u1 = flushed(u * rho + square(d) * rest);
            out.extend([assign(v, v1), assign(u, u1), assign(w, w - d * hyper.tensor("alpha", w))]);
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
methods! { Adadelta {
    /// The rate.
    alpha,
    /// Sets the rate: a finite number, 0 or more.
    set_alpha;
    /// The decay of the mean squares.
    rho,
    /// Sets the decay of the mean squares: a number from 0 up to, but without, 1.
    set_rho;
    /// What is added to the mean square.
    eps,
    /// Sets what is added to the mean squares: a finite number, 0 or more.
    set_eps;
    /// The weight of the decay: `weight_decay * w` is added to the gradient, as that of `weight_decay * w^2 / 2`. 0 by default.
    weight_decay,
    /// Sets the weight of the decay: a finite number, 0 or more. Steps at 0 lack the term and have a plan of their own; else:
    set_weight_decay;
} }
