//! Composites: functions over primitives, without kernels or gradients of their own. Fusion gives the speed back.

pub mod activation;
pub mod chance;
pub mod loss;
pub mod power;
pub mod product;
