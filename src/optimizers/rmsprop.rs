//! RMSprop.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::arithmetic::{maximum, square};
use crate::ops::root::sqrt;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range::{Off, Part as Kept, Size, Term};
use crate::optimizers::{Core, Home, Optimizer, flushed, methods};
use crate::state::{Part, VariableEnvironment, VariableID};

/// The mean squares and the means of gradients, and the sum of steps, which decays.
const V: Part = Part { name: "rmsprop.v", scalar: false };
const C: Part = Part { name: "rmsprop.c", scalar: false };
const U: Part = Part { name: "rmsprop.u", scalar: false };

/// What a step is made of, besides the mean squares.
#[derive(Clone, Copy, Debug)]
struct Form {
    centered: bool,
    momentum: bool,
}

/// RMSprop (Tieleman, Hinton 2012, in the form of PyTorch's): `v = rho v + (1 - rho) g^2; w -= alpha * g / (sqrt(v) + eps)`.
///
/// Of [`variant`](RMSprop::variant)s, centred ones (Graves 2013) have `v - c^2` in place of `v` under the root, 0 where that is negative, with
/// `c = rho c + (1 - rho) g`; those with momentum take the step `u = momentum * u + g / (sqrt(v) + eps); w -= alpha * u`.
///
/// State of the variable `w`: `"w.rmsprop.v"`, and `"w.rmsprop.c"`, `"w.rmsprop.u"` where the variant has them, in the optimizer's namespace.
/// Means below the smallest normal number are set to 0.
///
/// ```
/// use scirs2_autograd::{optimizers::rmsprop::RMSprop, tensor_ops as T, Feeder, VariableEnvironment};
/// let env = VariableEnvironment::new();
/// env.name("w").set(ndarray::arr0(1.0));
/// let optimizer = RMSprop::default("rmsprop", env.default_namespace().current_var_ids(), &env);
/// env.run(|ctx| {
///     let w = ctx.variable("w");
///     let g = T::grad(&[w * w], &[w]);
///     optimizer.update(&[w], &g, ctx, Feeder::new()).unwrap();
/// });
/// let w = env.get("w").unwrap().item().unwrap();
/// assert!((w - 0.900000005).abs() < 1e-9, "{w}");
/// ```
#[derive(Clone, Debug)]
pub struct RMSprop(Core, Form);

impl RMSprop {
    /// Rate 0.01, rho 0.99, eps 1e-8, neither centred nor with momentum, no weight decay, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> RMSprop {
        RMSprop::new(0.01, ids, env, ns)
    }
    /// With the rate `alpha` and the other numbers of [`default`](RMSprop::default), which can be set.
    pub fn new(alpha: impl Into<f64>, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment, ns: &str) -> RMSprop {
        RMSprop::of([alpha.into(), 0.99, 1e-8, 0.0, 0.0], false, Home::named(env, ns, ids))
    }
    /// With momentum, if `momentum` is not 0, and with the variance of gradients in place of their mean square, if `centered`.
    pub fn variant(
        alpha: impl Into<f64>,
        momentum: impl Into<f64>,
        centered: bool,
        ids: impl IntoIterator<Item = VariableID>,
        env: &VariableEnvironment,
        ns: &str,
    ) -> RMSprop {
        RMSprop::of([alpha.into(), 0.99, 1e-8, momentum.into(), 0.0], centered, Home::named(env, ns, ids))
    }
    pub(crate) fn of(numbers: [f64; 5], centered: bool, home: Home<'_>) -> RMSprop {
        let [alpha, rho, eps, momentum, weight_decay] = numbers;
        let form = Form { centered, momentum: momentum != 0.0 };
        let list = [
            ("alpha", Size, alpha),
            ("rho", Kept, rho),
            ("eps", Size, eps),
            ("momentum", if form.momentum { Size } else { Off }, momentum),
            ("weight_decay", Term, weight_decay),
        ];
        let parts = [(V, true), (C, form.centered), (U, form.momentum)];
        let kept: Vec<Part> = parts.into_iter().filter(|(_, has)| *has).map(|(part, _)| part).collect();
        RMSprop(Core::new("RMSprop", &list).with_state(home, &kept), form)
    }
}

impl Optimizer for RMSprop {
    fn name(&self) -> &'static str {
        "RMSprop"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let hyper = &self.0.hyper;
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let v = self.0.state(ctx, w, V)?;
            let g = self.0.decayed(w, g);
            let (rho, rest) = (hyper.tensor("rho", w), hyper.rest("rho", w));
            let v1 = flushed(v * rho + square(g) * rest);
            out.push(assign(v, v1));
            let mut under = v1;
            if self.1.centered {
                let c = self.0.state(ctx, w, C)?;
                let c1 = flushed(c * rho + g * rest);
                out.push(assign(c, c1));
                under = maximum(v1 - square(c1), 0.0);
            }
            let mut step = g / (sqrt(under) + hyper.tensor("eps", w));
            if self.1.momentum {
                let u = self.0.state(ctx, w, U)?;
                step = flushed(u * hyper.tensor("momentum", w) + step);
                out.push(assign(u, step));
            }
            out.push(assign(w, w - step * hyper.tensor("alpha", w)));
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
methods! { RMSprop {
    /// The rate.
    alpha,
    /// Sets the rate: a finite number, 0 or more.
    set_alpha;
    /// The decay of the mean squares.
    rho,
    /// Sets the decay of the mean squares: a number from 0 up to, but without, 1.
    set_rho;
    /// What is added to the root.
    eps,
    /// Sets what is added to the root: a finite number, 0 or more.
    set_eps;
    /// The part of the last step that is kept.
    momentum,
    /// Sets the part of the last step that is kept: a finite number, 0 or more; only 0 where it was made without momentum, and so without state
    /// for it.
    set_momentum;
    /// The weight of the decay: `weight_decay * w` is added to the gradient, as that of `weight_decay * w^2 / 2`. 0 by default.
    weight_decay,
    /// Sets the weight of the decay: a finite number, 0 or more. Steps at 0 lack the term and have a plan of their own; else:
    set_weight_decay;
} }
