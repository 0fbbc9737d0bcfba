//! Gradients: the reverse sweep, and what is derived from it.

mod derive;
mod grad;

pub use derive::{hessian_vector_product, jacobians};
pub use grad::{Sweep, grad, grad_with_default, try_grad};
