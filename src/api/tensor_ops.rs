//! Functions on tensors: the ops of the table, gradients, creation.
//!
//! `use scirs2_autograd::tensor_ops as T;` or a glob import. Names are those of the published crate, and NumPy's.

pub use crate::api::checkpoint::{CheckpointGroup, checkpoint_segment, checkpoint_segment_flex};
pub use crate::api::checkpoint_profiler::{CheckpointProfiler, CheckpointTracker};
use crate::array::Filled;
pub use crate::autodiff::{grad, grad_with_default, hessian_vector_product as _hessian_vector_product, jacobians};
use crate::graph::attr::{IntoAttr, Ints};
use crate::graph::{AsTensor, Graph, Tensor};
pub use crate::ops::apply::cast;
pub use crate::ops::composite::{
    activation::*, affine::*, chance::*, classification::*, ctc::*, curve::*, distance::*, divergence::*, labels::*, logical::*, loss::*,
    margin::*, missing::*, moments::*, normalization::*, order::*, power::*, product::*, rectifiers::*, reduction::*, regression::*,
};
pub use crate::ops::recurrence::{cells::*, sequences::*};
pub use crate::ops::window::{functions::*, patches::*, pools::*, resize::*};
pub use crate::ops::{
    activation::*, arithmetic::*, broadcast::*, checkpoint::*, classify::*, compare::*, contract::*, control::*, creation::*, diagonals::*,
    division::*, einsum::einsum, erfinv::*, exponent::*, gamma::*, gates::*, grids::*, hyperbolic::*, index::*, joining::*, linear::*,
    log_sum::*, logarithm::*, masked::*, movement::*, normal::*, norms::*, padding::*, random::*, rearranging::*, reduce::*, repeating::*,
    root::*, rounding::*, scan::*, scatter::*, select::*, sinc::*, slice::*, sort::*, splitting::*, trigonometric::*,
};
pub use matrices::*;

mod matrices {
    pub use crate::ops::linalg::{
        banded::*, cholesky::*, determinant::*, eig::*, eigh::*, exponentials::*, lu::*, norms::*, pinv::*, powers::*, qr::*, schur::*,
        solve::*, structure::*, svd::*, sylvester::*, systems::*, triangular::*,
    };
}

/// Linear algebra, under the names of `numpy.linalg` and `scipy.linalg`; most are in [`tensor_ops`](self) too.
///
/// ```
/// use scirs2_autograd::ndarray::array;
/// use scirs2_autograd::{run, tensor_ops::linalg as LA};
///
/// let (det, cond) = run(|ctx| {
///     let a = ctx.constant(array![[4.0, 1.0], [1.0, 3.0]]);
///     (LA::det(a).eval(ctx), LA::cond(a, LA::MatrixOrder::One).eval(ctx))
/// });
/// assert!((det?.item()? - 11.0).abs() < 1e-14);
/// assert!((cond?.item()? - 25.0 / 11.0).abs() < 1e-14);
/// # Ok::<(), scirs2_autograd::Error>(())
/// ```
pub mod linalg {
    pub use super::matrices::condition_number as cond;
    pub use super::matrices::*;
    pub use super::{
        cross, diag, diagonal, kron, matmul, matrix_transpose, norm, outer, tensordot, trace, tril, triu, vecdot, vector_norm,
    };
}

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

/// The `n x n` identity matrix, in the context's floating dtype.
#[track_caller]
pub fn eye(n: usize, ctx: &crate::api::context::Context) -> Tensor<'_> {
    ctx.eye(n, (), 0)
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
