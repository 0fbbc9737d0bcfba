//! Exact reverse-mode differentiation of NumPy-style programs, to any order, in a lazy graph.
#[macro_use]
pub mod dtype;
pub mod array;
pub mod autodiff;
pub mod error;
pub mod exec;
pub mod graph;
pub mod kernels;
pub mod ops;
pub mod plan;
pub mod shape;
pub mod state;
