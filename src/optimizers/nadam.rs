//! Adam with Nesterov's momentum.

use crate::api::context::Context;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::arithmetic::square;
use crate::ops::exponent::exp;
use crate::ops::power::real_power;
use crate::ops::root::sqrt;
use crate::ops::writes::assign;
use crate::optimizers::hyper::Range::{Part as Kept, Size, Term};
use crate::optimizers::{Core, Home, Optimizer, flushed, methods};
use crate::state::{Part, VariableEnvironment, VariableID};

/// The moments, the count of steps, and one minus the product of all steps' `b`.
const M: Part = Part { name: "nadam.m", scalar: false };
const V: Part = Part { name: "nadam.v", scalar: false };
const T: Part = Part { name: "nadam.t", scalar: true };
const Q: Part = Part { name: "nadam.q", scalar: true };

/// NAdam (Dozat 2016, in the form of PyTorch's): with `b(t) = b1 * (1 - 0.96^(t * momentum_decay) / 2)` and `q = 1 - b(1) b(2) ... b(t)`, the step is
/// `t += 1; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
/// w -= alpha * ((1 - b(t)) / q * g + b(t + 1) / (1 - (1 - q) b(t + 1)) * m) / (sqrt(v / (1 - b2^t)) + eps)`.
///
/// State of the variable `w`: `"w.nadam.m"`, `"w.nadam.v"`, `"w.nadam.t"`, `"w.nadam.q"` in the optimizer's namespace.
/// Moments below the smallest normal number are set to 0.
///
/// ```
/// use scirs2_autograd::{optimizers::nadam::NAdam, tensor_ops as T, Feeder, VariableEnvironment};
/// let env = VariableEnvironment::new();
/// env.name("w").set(ndarray::arr0(1.0));
/// let optimizer = NAdam::default("nadam", env.default_namespace().current_var_ids(), &env);
/// env.run(|ctx| {
///     let w = ctx.variable("w");
///     let g = T::grad(&[w * w], &[w]);
///     optimizer.update(&[w], &g, ctx, Feeder::new()).unwrap();
/// });
/// let w = env.get("w").unwrap().item().unwrap();
/// assert!((w - 0.9978870964538538).abs() < 1e-9, "{w}");
/// ```
#[derive(Clone, Debug)]
pub struct NAdam(Core);

impl NAdam {
    /// Rate 2e-3, eps 1e-8, b1 0.9, b2 0.999, momentum decay 4e-3, no weight decay, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> NAdam {
        NAdam::new(2e-3, ids, env, ns)
    }
    /// With the rate `alpha` and the other numbers of [`default`](NAdam::default), which can be set.
    pub fn new(alpha: impl Into<f64>, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment, ns: &str) -> NAdam {
        NAdam::of([alpha.into(), 1e-8, 0.9, 0.999, 4e-3, 0.0], Home::named(env, ns, ids))
    }
    pub(crate) fn of(numbers: [f64; 6], home: Home<'_>) -> NAdam {
        let [alpha, eps, b1, b2, momentum_decay, weight_decay] = numbers;
        let list = [
            ("alpha", Size, alpha),
            ("eps", Size, eps),
            ("b1", Kept, b1),
            ("b2", Kept, b2),
            ("momentum_decay", Size, momentum_decay),
            ("weight_decay", Term, weight_decay),
        ];
        NAdam(Core::new("NAdam", &list).with_state(home, &[M, V, T, Q]))
    }
}

impl Optimizer for NAdam {
    fn name(&self) -> &'static str {
        "NAdam"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let hyper = &self.0.hyper;
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let [m, v, t, q] = [M, V, T, Q].map(|part| self.0.state(ctx, w, part));
            let (m, v, t, q) = (m?, v?, t?, q?);
            let g = self.0.decayed(w, g);
            let (b1, b2) = (hyper.tensor("b1", w), hyper.tensor("b2", w));
            let t1 = t + 1.0;
            let m1 = flushed(m * b1 + g * hyper.rest("b1", w));
            let v1 = flushed(v * b2 + square(g) * hyper.rest("b2", w));
            // Scalars.
            let b = |t: Tensor<'g>| b1 * (1.0 - exp(t * hyper.tensor("momentum_decay", w) * 0.96f64.ln()) * 0.5);
            let (now, next) = (b(t1), b(t1 + 1.0));
            let q1 = q * now + (1.0 - now);
            let alpha = hyper.tensor("alpha", w);
            let of_gradient = alpha * (1.0 - now) / q1;
            let of_moment = alpha * next / (q1 * next + (1.0 - next));
            let root = 1.0 / sqrt(1.0 - real_power(b2, t1));
            let step = (g * of_gradient + m1 * of_moment) / (sqrt(v1) * root + hyper.tensor("eps", w));
            out.extend([assign(m, m1), assign(v, v1), assign(t, t1), assign(q, q1), assign(w, w - step)]);
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
methods! { NAdam {
    /// The rate.
    alpha,
    /// Sets the rate: a finite number, 0 or more.
    set_alpha;
    /// What is added to the root of the second moment.
    eps,
    /// Sets what is added to the root of the second moment: a finite number, 0 or more.
    set_eps;
    /// The decay of the first moment.
    b1,
    /// Sets the decay of the first moment: a number from 0 up to, but without, 1.
    set_b1;
    /// The decay of the second moment.
    b2,
    /// Sets the decay of the second moment: a number from 0 up to, but without, 1.
    set_b2;
    /// How fast the first moment's decay goes from `b1 / 2` to `b1`.
    momentum_decay,
    /// Sets how fast the first moment's decay goes from `b1 / 2` to `b1`: a finite number, 0 or more.
    set_momentum_decay;
    /// The weight of the decay: `weight_decay * w` is added to the gradient, as that of `weight_decay * w^2 / 2`. 0 by default.
    weight_decay,
    /// Sets the weight of the decay: a finite number, 0 or more. Steps at 0 lack the term and have a plan of their own; else:
    set_weight_decay;
} }
