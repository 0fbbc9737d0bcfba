//! Checkpointed functions: what is inside is computed again for gradients, what they return is kept.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::policy::Policy;
use crate::graph::{AsTensor, Graph, Tensor};
use crate::ops::apply::{Arg, apply};
use crate::ops::checkpoint::CHECKPOINT_RETURN;
use crate::ops::control::Tensors;

/// Builds functions of which gradients keep only what they are given and what they return; all that is inside is computed
/// again, as late as that allows, with the same random draws. The numbers are the same, bit for bit. What one call returns is
/// kept, or computed again, together.
///
/// A call inside of another one is part of that. Hooks, and what calls users' code, run once: their values are kept.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// run(|ctx| {
///     let input = T::ones(&[128, 128], ctx);
///     let w = T::ones(&[128, 128], ctx);
///     let group = T::CheckpointGroup::new(ctx);
///     let (a, b) = group.checkpoint_fn_flex2(&[&input, &w], |inputs| {
///         let a = T::tanh(T::matmul(&inputs[0], &inputs[1]));
///         (a, T::transpose(&a, &[1, 0]))
///     });
///     assert_eq!(a.known_shape(), b.known_shape());
/// });
/// ```
pub struct CheckpointGroup<'g> {
    graph: &'g Graph,
    policy: Option<Policy>,
}

impl<'g> CheckpointGroup<'g> {
    /// Functions that keep nothing of what is inside.
    pub fn new(graph: &'g Graph) -> CheckpointGroup<'g> {
        CheckpointGroup { graph, policy: None }
    }

    /// Functions of whose inside a policy keeps some.
    pub fn with_policy(graph: &'g Graph, policy: Policy) -> CheckpointGroup<'g> {
        CheckpointGroup { graph, policy: Some(policy) }
    }

    /// Calls a function, which returns a tensor, or an array, a tuple or a list of them.
    #[track_caller]
    pub fn checkpoint_fn<A: AsTensor<'g>, O: Tensors<'g>>(&self, inputs: &[A], f: impl FnOnce(&[Tensor<'g>]) -> O) -> O {
        let inputs: Vec<Tensor<'g>> = inputs.iter().map(|t| t.tensor()).collect();
        let mut n = 1;
        let out = self.call(&inputs, |inputs| {
            let list = f(inputs).list();
            n = list.len();
            Ok(list)
        });
        let poisoned = |e: Error| O::repeated(self.graph.poison(e), n);
        match out {
            Ok(list) => O::from_list(&list).unwrap_or_else(|| {
                poisoned(Error::engine("checkpoint", "the tensors do not fit the form", list.len(), "as many as were returned"))
            }),
            Err(e) => poisoned(e),
        }
    }

    /// Calls a function that returns a tensor.
    #[track_caller]
    pub fn checkpoint_fn_flex<A: AsTensor<'g>>(&self, inputs: &[A], f: impl FnOnce(&[Tensor<'g>]) -> Tensor<'g>) -> Tensor<'g> {
        self.checkpoint_fn(inputs, f)
    }

    /// Calls a function that returns two tensors.
    #[track_caller]
    pub fn checkpoint_fn_flex2<A: AsTensor<'g>>(
        &self,
        inputs: &[A],
        f: impl FnOnce(&[Tensor<'g>]) -> (Tensor<'g>, Tensor<'g>),
    ) -> (Tensor<'g>, Tensor<'g>) {
        self.checkpoint_fn(inputs, f)
    }

    /// Calls a function that returns three tensors.
    #[track_caller]
    pub fn checkpoint_fn_flex3<A: AsTensor<'g>>(
        &self,
        inputs: &[A],
        f: impl FnOnce(&[Tensor<'g>]) -> (Tensor<'g>, Tensor<'g>, Tensor<'g>),
    ) -> (Tensor<'g>, Tensor<'g>, Tensor<'g>) {
        self.checkpoint_fn(inputs, f)
    }

    /// Calls a function of a list of tensors.
    #[track_caller]
    pub fn call(&self, inputs: &[Tensor<'g>], f: impl FnOnce(&[Tensor<'g>]) -> Result<Vec<Tensor<'g>>>) -> Result<Vec<Tensor<'g>>> {
        let here = |t: &Tensor<'g>| t.graph().id() == self.graph.id();
        let foreign = |what: &str| {
            let got = "a tensor of another context";
            Err(Error::new(
                ErrorKind::Graph,
                "checkpoint",
                format_args!("{what} belongs to another context"),
                got,
                "a tensor of this context",
            ))
        };
        if let Some(t) = inputs.iter().find(|t| !here(t)) {
            return t.error().map_or_else(|| foreign("an input"), Err);
        }
        if let Some(e) = inputs.iter().find_map(|t| t.error()) {
            return Err(e);
        }
        let out = self.graph.in_group(self.policy.clone(), || f(inputs))?;
        if let Some(e) = out.iter().find_map(|t| t.error()) {
            return Err(e);
        }
        if !out.iter().all(here) {
            return foreign("what the function returns");
        }
        Ok(out.into_iter().map(|t| apply(&CHECKPOINT_RETURN, &[Arg::from(t)], &[])).collect())
    }
}

/// A function of an array of tensors, of which gradients keep only what it is given and returns; see [`CheckpointGroup`].
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// let g = run(|ctx| {
///     let x = ctx.placeholder("x", &[]);
///     let y = T::checkpoint_segment(ctx, [&x], |[x]| T::exp(T::sin(x)));
///     let g = T::grad(&[y], &[x])[0];
///     ctx.evaluator().push(g).feed(x, 0.0).run()[0].clone()
/// });
/// assert_eq!(g.unwrap().item().unwrap(), 1.0);
/// ```
#[track_caller]
pub fn checkpoint_segment<'g, A: AsTensor<'g>, O: Tensors<'g>, const N: usize>(
    ctx: &'g Graph,
    inputs: [A; N],
    f: impl FnOnce([Tensor<'g>; N]) -> O,
) -> O {
    let inputs = inputs.map(|t| t.tensor());
    CheckpointGroup::new(ctx).checkpoint_fn(&inputs, |_| f(inputs))
}

/// A function of a list of tensors, of which gradients keep only what it is given and returns; see [`CheckpointGroup`].
#[track_caller]
pub fn checkpoint_segment_flex<'g, A: AsTensor<'g>, O: Tensors<'g>>(ctx: &'g Graph, inputs: &[A], f: impl FnOnce(&[Tensor<'g>]) -> O) -> O {
    CheckpointGroup::new(ctx).checkpoint_fn(inputs, f)
}
