//! Functions on tensors: the ops of the table, gradients, creation.
//!
//! `use scirs2_autograd::tensor_ops as T;` or a glob import. Names are those of the published crate, and NumPy's.

pub use crate::autodiff::{grad, grad_with_default, hessian_vector_product as _hessian_vector_product, jacobians};
use crate::graph::attr::{IntoAttr, Ints};
use crate::graph::{AsTensor, Graph, Tensor};
pub use crate::ops::apply::cast;
pub use crate::ops::broadcast::{broadcast_like, broadcast_to, sum_to};
pub use crate::ops::compare::{
    bitwise_and, bitwise_not, bitwise_or, bitwise_xor, equal, greater, greater_equal, less, less_equal, logical_and, logical_not,
    logical_or, logical_xor, not_equal,
};
pub use crate::ops::compare::{less as lesser, less_equal as lesser_equal};
pub use crate::ops::composite::activation::{log_softmax, softmax};
pub use crate::ops::composite::chance::dropout;
pub use crate::ops::composite::loss::{mean_squared_error, sigmoid_cross_entropy, softmax_cross_entropy, sparse_softmax_cross_entropy};
pub use crate::ops::composite::power::pow;
pub use crate::ops::contract::{batch_matmul, matmul};
pub use crate::ops::control::{assign, check_finite, cond};
pub use crate::ops::elementwise::log as ln;
pub use crate::ops::elementwise::*;
pub use crate::ops::factor::{cholesky, lower_triangle, solve_lower};
pub use crate::ops::index::{gather, one_hot, take};
pub use crate::ops::movement::{expand_dims, identity, reshape, reshape_like, squeeze, stop_gradient, transpose};
pub use crate::ops::normal::{erf, erfc, gelu, ndtr};
pub use crate::ops::random::{bernoulli, normal_like, random_normal, random_uniform, standard_normal, standard_uniform, uniform_like};
pub use crate::ops::reduce::{argmax, max_with_index, reduce_logsumexp, reduce_max, reduce_mean, reduce_min, reduce_sum};
pub use crate::ops::select::select;
pub use crate::ops::sigmoid::{sigmoid, softplus, tanh};
pub use crate::ops::slice::{concat, slice, strided_slice};
use crate::state::Filled;

/// A shape full of zeros that has no dtype and no graph yet: a variable gives it the dtype of its environment, an operator
/// those of its other operand. A tensor of zeros is [`Context::zeros`](crate::Context::zeros).
///
/// ```
/// use scirs2_autograd::{tensor_ops::zeros, VariableEnvironment};
/// let env = VariableEnvironment::new();
/// env.name("b").set(zeros(&[1, 3]));
/// ```
pub fn zeros(shape: impl IntoAttr<Ints>) -> Filled {
    let dims: Vec<usize> = shape.into_attr().0.iter().map(|&n| n.max(0) as usize).collect();
    Filled::new(&dims, 0.0)
}

/// Ones, in the context's floating dtype.
#[track_caller]
pub fn ones<'g>(shape: impl IntoAttr<Ints>, ctx: &'g crate::api::context::Context) -> Tensor<'g> {
    ctx.ones(shape)
}

/// The sum of all elements.
#[track_caller]
pub fn sum_all<'g>(x: impl AsTensor<'g>) -> Tensor<'g> {
    reduce_sum(x, (), false)
}

/// The mean of all elements.
#[track_caller]
pub fn mean_all<'g>(x: impl AsTensor<'g>) -> Tensor<'g> {
    reduce_mean(x, (), false)
}

/// A number as a tensor, in `f64`.
#[track_caller]
pub fn scalar(value: f64, ctx: &Graph) -> Tensor<'_> {
    ctx.scalar(value.into(), crate::dtype::DType::F64)
}
