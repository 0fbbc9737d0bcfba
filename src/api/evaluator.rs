//! The request as users write it: tensors to compute, assignments, feeds.

use crate::api::binding::{Prepared, evaluate, prepare_within};
use crate::api::context::Context;
use crate::api::feed::{FeedKey, Feeder, IntoFeed};
use crate::api::profile::Profile;
use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::checkpoint::Checkpointing;
use crate::graph::policy::Policy;
use crate::graph::{AsTensor, Tensor};
use crate::plan::TracedPlan;

/// What to compute, with which feeds.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// run(|ctx| {
///     let x = ctx.placeholder("x", &[-1, 2]);
///     let data = ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]);
///     let out = ctx.evaluator().push(T::reduce_sum(x, 0, false)).push(x * x).feed(x, data.view()).run();
///     assert_eq!(*out[0].as_ref().unwrap(), ndarray::arr1(&[4.0, 6.0]));
/// });
/// ```
pub struct Evaluator<'c, 'v> {
    ctx: &'c Context,
    outputs: Vec<Tensor<'c>>,
    writes: Vec<Tensor<'c>>,
    feeder: Feeder<'v>,
    checkpointing: Checkpointing,
}

impl<'c, 'v> Evaluator<'c, 'v> {
    pub(crate) fn new(ctx: &'c Context) -> Self {
        Evaluator { ctx, outputs: vec![], writes: vec![], feeder: Feeder::new(), checkpointing: Checkpointing::default() }
    }

    /// Asks for a tensor.
    pub fn push(mut self, t: impl AsTensor<'c>) -> Self {
        self.outputs.push(t.tensor());
        self
    }

    /// Asks for several tensors.
    pub fn extend<A: AsTensor<'c>>(mut self, ts: &[A]) -> Self {
        self.outputs.extend(ts.iter().map(|t| t.tensor()));
        self
    }

    /// Adds an assignment: the run writes to its variable, and does not return its value.
    ///
    /// ```
    /// use scirs2_autograd::{tensor_ops as T, VariableEnvironment};
    /// let env = VariableEnvironment::new();
    /// let w = env.name("w").set(ndarray::arr0(1.0));
    /// env.run(|ctx| {
    ///     let v = ctx.variable("w");
    ///     let old = ctx.evaluator().push(v).write(T::assign(v, v + 1.0)).run();
    ///     assert_eq!(old[0].as_ref().unwrap().item().unwrap(), 1.0);
    /// });
    /// assert_eq!(env.get(w).unwrap().item().unwrap(), 2.0);
    /// ```
    pub fn write(mut self, assignment: impl AsTensor<'c>) -> Self {
        self.writes.push(assignment.tensor());
        self
    }

    /// Feeds a placeholder: a view of the caller's memory is read in place during the run.
    pub fn feed(mut self, placeholder: impl FeedKey, value: impl IntoFeed<'v>) -> Self {
        self.feeder = self.feeder.push(placeholder, value);
        self
    }

    /// Adds the feeds of a feeder.
    pub fn set_feeder(mut self, feeder: Feeder<'v>) -> Self {
        self.feeder.feeds.extend(feeder.feeds);
        self
    }

    /// Which values gradients keep in this request; all others are computed again when gradients read them. The numbers are the
    /// same, bit for bit. If the peak of memory would be higher for it, all is kept.
    ///
    /// ```
    /// use scirs2_autograd::{checkpoint::Policy, run, tensor_ops as T};
    /// run(|ctx| {
    ///     let x = ctx.placeholder("x", &[1000]);
    ///     let deep = (0..16).fold(x, |h, _| T::sin(T::tanh(h)));
    ///     let g = T::grad(&[deep], &[x])[0];
    ///     let data = ndarray::Array1::from_elem(1000, 0.5);
    ///     let ask = || ctx.evaluator().push(g).feed(x, data.view());
    ///     let (all, few) = (ask().plan()?, ask().checkpoint(Policy::nothing()).plan()?);
    ///     assert!(few.peak_bytes() <= all.peak_bytes());
    ///     Ok::<_, scirs2_autograd::Error>(())
    /// })?;
    /// # Ok::<_, scirs2_autograd::Error>(())
    /// ```
    pub fn checkpoint(mut self, policy: Policy) -> Self {
        self.checkpointing.policy = Some(policy);
        self
    }

    /// The peak of memory that this request may have, in bytes: that of the arena and the outputs, as the plan lays them out.
    /// What feeds, variables and constants hold is not counted. Values are computed again so that it is kept, as few as can be;
    /// if nothing fits, the run is a `Memory` error with the least that would do.
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.checkpointing.budget = Some(bytes);
        self
    }

    fn prepared(&self, outputs: &[Tensor<'c>]) -> Result<Prepared<'c, 'v>> {
        prepare_within(self.ctx, outputs, &self.writes, &self.feeder, &self.checkpointing)
    }

    /// Runs once and returns a result for each tensor, in order. A tensor that could not be built has its own error; if
    /// the run fails, all others have the run's error, and no variable has changed. An assignment that could not be built
    /// fails the run.
    pub fn run(self) -> Vec<Result<Array>> {
        let good: Vec<Tensor<'c>> = self.outputs.iter().copied().filter(|t| t.error().is_none()).collect();
        let ran = match good.is_empty() && self.writes.is_empty() {
            true => evaluate(self.ctx, &[], &[], &self.feeder, None),
            false => self.prepared(&good).and_then(|p| p.run(None)),
        };
        let (mut arrays, failure) = match ran {
            Ok(out) => (out.outputs.into_iter(), None),
            Err(e) => (vec![].into_iter(), Some(e)),
        };
        self.outputs
            .iter()
            .map(|t| match (t.error(), &failure) {
                (Some(e), _) => Err(e),
                (None, Some(e)) => Err(e.clone()),
                (None, None) => arrays.next().ok_or_else(|| Error::text(ErrorKind::Graph, "run: an output is missing")),
            })
            .collect()
    }

    /// Runs the request so many times, and says how long each step of its plan takes. Assignments are made each time.
    pub fn profile(&self, runs: usize) -> Result<Profile> {
        self.prepared(&self.outputs)?.profile(runs, None)
    }

    /// The plan of this request, compiled if it is not there yet.
    pub fn plan(&self) -> Result<TracedPlan> {
        self.prepared(&self.outputs)?.plan()
    }
}

impl<'g> Tensor<'g> {
    /// The value of this tensor, without feeds.
    pub fn eval(&self, ctx: &'g Context) -> Result<Array> {
        if let Some(e) = self.error() {
            return Err(e);
        }
        let out = evaluate(ctx, &[*self], &[], &Feeder::new(), None)?;
        out.outputs.into_iter().next().ok_or_else(|| Error::text(ErrorKind::Graph, "eval: the output is missing"))
    }
}
