//! Windows that slide over the last axes of an array.

mod batches;
pub mod convolution;
pub mod convolutions;
pub mod functions;
pub mod patches;
mod pool;
pub mod pooling;
pub mod pools;
pub mod resize;
mod sliding;
