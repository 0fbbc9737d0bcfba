//! Users' ops.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::graph::user::Op;
use crate::graph::{AsTensor, Graph, Tensor, Values};

/// Builds the node of a user's op.
///
/// ```
/// use scirs2_autograd::{op::*, run, tensor_ops as T, Aval, Result, Tensor};
/// struct Cube;
/// impl Op for Cube {
///     fn name(&self) -> &str {
///         "cube"
///     }
///     fn infer(&self, inputs: &[&Aval]) -> Result<Avals> {
///         Ok(inputs.iter().map(|a| (*a).clone()).collect())
///     }
///     fn compute(&self, c: &mut ComputeContext<'_>) -> Result<()> {
///         let y = c.input::<f64>(0)?.mapv(|x| x * x * x);
///         c.append_output(y)
///     }
///     fn grad<'g>(&self, c: &mut GradientContext<'_, 'g>) {
///         let (x, g) = (c.input(0), c.output_grad());
///         c.append_input_grad(0, Some(g * 3.0 * x * x));
///     }
/// }
/// let second = run(|ctx| {
///     let x = ctx.placeholder("x", &[]);
///     let y = Tensor::builder(ctx).append_input(x, false).build(Cube);
///     let g = T::grad(&[y], &[x]);
///     let gg = T::grad(&g, &[x]);
///     ctx.evaluator().push(gg[0]).feed(x, 2.0).run()[0].clone()
/// });
/// assert_eq!(second.unwrap().item().unwrap(), 12.0);
/// ```
pub struct TensorBuilder<'g> {
    graph: &'g Graph,
    inputs: Values,
    foreign: bool,
}

impl<'g> Tensor<'g> {
    /// A builder of a user's op.
    pub fn builder(graph: &'g Graph) -> TensorBuilder<'g> {
        TensorBuilder { graph, inputs: Values::new(), foreign: false }
    }
}

impl<'g> TensorBuilder<'g> {
    /// Adds an input. The second argument is kept for the published crate's callers: inputs are never written to, so
    /// `true` is refused when the op is built.
    pub fn append_input(mut self, t: impl AsTensor<'g>, writable: bool) -> Self {
        let t = t.tensor();
        self.foreign |= t.graph().id() != self.graph.id() || writable;
        self.inputs.push(t.value());
        self
    }

    /// The first output of the op on these inputs; [`Tensor::output`] gives the others.
    #[track_caller]
    pub fn build(self, op: impl Op) -> Tensor<'g> {
        if self.foreign {
            let e = Error::new(
                ErrorKind::Graph,
                op.name(),
                "an input cannot be used",
                "a writable input, or one of another context",
                "read-only inputs of one context",
            );
            return self.graph.poison(e);
        }
        self.graph.insert_user(Arc::new(op), &self.inputs)
    }
}
