//! Adam.

use crate::api::context::Context;
use crate::error::Result;
use crate::graph::Tensor;
use crate::ops::compare::less;
use crate::ops::control::assign;
use crate::ops::elementwise::{abs, sqrt, square};
use crate::ops::power::real_power;
use crate::ops::select::select;
use crate::optimizers::{Optimizer, init_state, methods, state};
use crate::state::{VariableEnvironment, VariableID};

/// Adam (Kingma, Ba 2015, algorithm 1): `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; t += 1;
/// w -= alpha * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)`.
///
/// State: `"{id}m"`, `"{id}v"`, `"{id}t"` in the optimizer's namespace. Moments below the smallest normal number are set
/// to 0, since denormal numbers slow a step down tenfold.
///
/// ```
/// use scirs2_autograd::{optimizers::adam::Adam, tensor_ops as T, Feeder, VariableEnvironment};
/// let mut env = VariableEnvironment::new();
/// env.name("w").set(ndarray::arr0(1.0));
/// let adam = Adam::default("adam", env.default_namespace().current_var_ids(), &mut env);
/// env.run(|ctx| {
///     let w = ctx.variable("w");
///     let g = T::grad(&[w * w], &[w]);
///     for _ in 0..100 {
///         adam.update(&[w], &g, ctx, Feeder::new()).unwrap();
///     }
/// });
/// let w = env.default_namespace().get_array_by_name("w").unwrap().item().unwrap();
/// assert!((w - 0.90174).abs() < 1e-5);
/// ```
#[derive(Clone, Debug)]
pub struct Adam {
    /// The rate.
    pub alpha: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decay of the first moment.
    pub b1: f64,
    /// Decay of the second moment.
    pub b2: f64,
    namespace: String,
    check: bool,
}

impl Adam {
    /// Rate 1e-3, eps 1e-8, b1 0.9, b2 0.999, for the variables `ids`; state in the namespace `ns`.
    #[allow(clippy::should_implement_trait, reason = "the published name")]
    pub fn default(ns: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> Adam {
        Adam::new(1e-3, 1e-8, 0.9, 0.999, ids, env, ns)
    }
    /// For the variables `ids`; state in the namespace `ns`.
    pub fn new(
        alpha: impl Into<f64>,
        eps: impl Into<f64>,
        b1: impl Into<f64>,
        b2: impl Into<f64>,
        ids: impl IntoIterator<Item = VariableID>,
        env: &VariableEnvironment,
        ns: &str,
    ) -> Adam {
        init_state(env, ns, &ids.into_iter().collect::<Vec<_>>(), &[("m", false), ("v", false), ("t", true)]);
        Adam { alpha: alpha.into(), eps: eps.into(), b1: b1.into(), b2: b2.into(), namespace: ns.to_owned(), check: false }
    }
}

impl Optimizer for Adam {
    fn name(&self) -> &'static str {
        "Adam"
    }
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
        let mut out = vec![];
        for (&w, &g) in vars.iter().zip(grads) {
            let [m, v, t] = ["m", "v", "t"].map(|s| state(ctx, &self.namespace, w, s));
            let (m, v, t) = (m?, v?, t?);
            let bound = |x: f64, role| w.graph().bound(x.into(), w.dtype(), role);
            let tiny = if w.dtype() == crate::dtype::DType::F32 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
            let flushed = |x: Tensor<'g>| select(less(abs(x), bound(tiny, "tiny")), 0.0, x);
            let (b1, b2) = (bound(self.b1, "b1"), bound(self.b2, "b2"));
            let t1 = t + 1.0;
            let m1 = flushed(m * b1 + g * bound(1.0 - self.b1, "1 - b1"));
            let v1 = flushed(v * b2 + square(g) * bound(1.0 - self.b2, "1 - b2"));
            // The corrections are scalars: alpha / (1 - b1^t) and 1 / sqrt(1 - b2^t).
            let rate = bound(self.alpha, "alpha") / (1.0 - real_power(b1, t1));
            let root = 1.0 / sqrt(1.0 - real_power(b2, t1));
            out.extend([
                assign(m, m1),
                assign(v, v1),
                assign(t, t1),
                assign(w, w - m1 * rate / (sqrt(v1) * root + bound(self.eps, "eps"))),
            ]);
        }
        Ok(out)
    }
    fn checks_finite(&self) -> bool {
        self.check
    }
}
methods!(Adam);
