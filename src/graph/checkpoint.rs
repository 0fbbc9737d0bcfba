//! What a graph knows for computing values again instead of keeping them: which sweep a node was built in, which function
//! is to be recomputed as a whole, and what the user has marked.

use std::cell::Cell;
use std::sync::Arc;

use crate::graph::Graph;
use crate::graph::policy::Policy;

/// Where a node was built.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Part {
    /// The gradient that it is part of, counted from 1; 0 outside of gradients. What a gradient reads of earlier ones, or of
    /// no gradient, may be computed again for it.
    pub sweep: u32,
    /// The call of a checkpointed function that it was built in, counted from 1; 0 outside. Nodes of two calls are never one.
    pub group: u32,
}

/// What a mark says of its operand.
#[derive(Clone, PartialEq, Debug)]
pub enum Mark {
    /// Gradients compute it again.
    Recompute,
    /// Gradients compute it again if it is larger than so many bytes.
    Above(i64),
    /// It has a name, which policies see.
    Named(Arc<str>),
    /// It is what a checkpointed function returns: kept.
    Returned,
    /// Nothing: the other operands of the mark are computed too.
    After,
}

/// How gradients find what they read of earlier values: by a policy, within a number of bytes, or both.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Checkpointing {
    /// Which values are kept; without one all but those that are marked.
    pub policy: Option<Policy>,
    /// Bytes that the peak of the plan may have.
    pub budget: Option<usize>,
}

impl Checkpointing {
    /// What is said here, and where nothing is said, what `other` says.
    pub fn or(&self, other: &Checkpointing) -> Checkpointing {
        Checkpointing { policy: self.policy.clone().or_else(|| other.policy.clone()), budget: self.budget.or(other.budget) }
    }
    /// True if nothing is said.
    pub fn is_empty(&self) -> bool {
        self.policy.is_none() && self.budget.is_none()
    }
}

thread_local! {
    /// The graph for which this thread builds a gradient or a checkpointed function, and which.
    static HERE: Cell<(u64, Part)> = const { Cell::new((0, Part { sweep: 0, group: 0 })) };
}

fn during<R>(graph: &Graph, part: Part, f: impl FnOnce() -> R) -> R {
    struct Restore((u64, Part));
    impl Drop for Restore {
        fn drop(&mut self) {
            HERE.set(self.0);
        }
    }
    let _restore = Restore(HERE.replace((graph.id(), part)));
    f()
}

/// Numbers that a graph has given out.
#[derive(Default)]
pub(super) struct Calls {
    sweeps: u32,
    /// The policies of checkpointed functions.
    groups: Vec<Option<Policy>>,
}

impl Graph {
    /// Where this thread builds in this graph now.
    pub fn part_here(&self) -> Part {
        let (graph, part) = HERE.get();
        if graph == self.id() { part } else { Part::default() }
    }

    /// Runs `f`, which builds a gradient. One that a gradient's rule asks for is part of that.
    pub fn in_sweep<R>(&self, f: impl FnOnce() -> R) -> R {
        let part = self.part_here();
        if part.sweep > 0 {
            return f();
        }
        let sweep = {
            let mut state = self.state.lock();
            state.calls.sweeps += 1;
            state.calls.sweeps
        };
        during(self, Part { sweep, ..part }, f)
    }

    /// Runs `f`, the call of a checkpointed function. Inside of another one it is part of that.
    pub fn in_group<R>(&self, policy: Option<Policy>, f: impl FnOnce() -> R) -> R {
        let part = self.part_here();
        if part.group > 0 {
            return f();
        }
        let group = {
            let mut state = self.state.lock();
            state.calls.groups.push(policy);
            state.calls.groups.len() as u32
        };
        during(self, Part { group, ..part }, f)
    }

    /// Runs `f`, which builds what takes the place of nodes that were built there.
    pub fn within_part<R>(&self, part: Part, f: impl FnOnce() -> R) -> R {
        during(self, part, f)
    }

    /// The policy of a checkpointed function's call.
    pub fn group_policy(&self, group: u32) -> Option<Policy> {
        self.state.lock().calls.groups.get((group as usize).checked_sub(1)?).cloned().flatten()
    }
}
