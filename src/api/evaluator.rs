//! The request as users write it: tensors to compute, assignments, feeds.

use crate::api::binding::{evaluate, prepare};
use crate::api::context::Context;
use crate::api::feed::{FeedKey, Feeder, IntoFeed};
use crate::api::profile::Profile;
use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
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
}

impl<'c, 'v> Evaluator<'c, 'v> {
    pub(crate) fn new(ctx: &'c Context) -> Self {
        Evaluator { ctx, outputs: vec![], writes: vec![], feeder: Feeder::new() }
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

    /// Runs once and returns a result for each tensor, in order. A tensor that could not be built has its own error; if
    /// the run fails, all others have the run's error, and no variable has changed. An assignment that could not be built
    /// fails the run.
    pub fn run(self) -> Vec<Result<Array>> {
        let good: Vec<Tensor<'c>> = self.outputs.iter().copied().filter(|t| t.error().is_none()).collect();
        let ran = evaluate(self.ctx, &good, &self.writes, &self.feeder, None);
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
        prepare(self.ctx, &self.outputs, &self.writes, &self.feeder)?.profile(runs, None)
    }

    /// The plan of this request, compiled if it is not there yet.
    pub fn plan(&self) -> Result<TracedPlan> {
        prepare(self.ctx, &self.outputs, &self.writes, &self.feeder)?.plan()
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
