//! Composites: functions over primitives, without kernels or gradients of their own. Fusion gives the speed back.

pub mod activation;
pub mod chance;
pub mod curve;
pub mod loss;
pub mod order;
pub mod power;
pub mod product;
