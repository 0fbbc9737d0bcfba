//! Composites: functions over primitives, without kernels or gradients of their own. Fusion gives the speed back.

pub mod activation;
pub mod chance;
pub mod curve;
pub mod logical;
pub mod loss;
pub mod missing;
pub mod moments;
pub mod order;
pub mod power;
pub mod product;
