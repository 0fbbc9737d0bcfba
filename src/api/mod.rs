//! The Rust face, and nothing else.

pub mod binding;
pub mod bundle;
pub mod checkpoint;
pub mod checkpoint_profiler;
mod checkpoint_report;
pub mod config;
pub mod context;
pub mod custom;
pub mod evaluator;
pub mod feed;
pub mod hooks;
pub mod memory;
pub mod ndarray_ext;
pub mod profile;
pub mod tensor_ops;
pub mod threads;
