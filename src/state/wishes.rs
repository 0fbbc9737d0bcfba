//! What an environment says of the memory of its runs.

use crate::graph::checkpoint::Checkpointing;
use crate::graph::policy::Policy;
use crate::state::VariableEnvironment;

impl VariableEnvironment {
    /// Which values gradients keep, in runs that do not say it themselves; see [`Evaluator::checkpoint`](crate::Evaluator::checkpoint).
    pub fn set_checkpoint_policy(&self, policy: impl Into<Option<Policy>>) {
        self.shared.checkpointing.lock().policy = policy.into();
    }

    /// The peak of memory that a run may have, in bytes, unless it says it itself; see
    /// [`Evaluator::memory_budget`](crate::Evaluator::memory_budget). The variables are not counted.
    ///
    /// ```
    /// use scirs2_autograd::{ErrorKind, VariableEnvironment};
    /// let env = VariableEnvironment::new();
    /// env.name("w").set(ndarray::arr1(&[1.0, 2.0]));
    /// env.set_memory_budget(8);
    /// let failed = env.run(|ctx| (ctx.variable("w") * 2.0).eval(ctx)).unwrap_err();
    /// assert_eq!(failed.kind(), ErrorKind::Memory);
    /// ```
    pub fn set_memory_budget(&self, bytes: impl Into<Option<usize>>) {
        self.shared.checkpointing.lock().budget = bytes.into();
    }

    /// What was set.
    pub fn checkpointing(&self) -> Checkpointing {
        self.shared.checkpointing.lock().clone()
    }
}
