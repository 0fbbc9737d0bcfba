//! Gradients: the reverse sweep, and what is derived from it.

pub(crate) mod batch;
mod derive;
mod grad;
mod reach;
mod support;
mod sweep;

pub use derive::{hessian_vector_product, jacobians};
pub use grad::{grad, grad_with_default, try_grad};
