//! Exact reverse-mode differentiation of NumPy-style programs, to any order, in a lazy graph.
#[macro_use]
pub mod dtype;
pub mod array;
pub mod error;
pub mod kernels;
pub mod shape;
pub mod state;
