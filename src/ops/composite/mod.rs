//! Composites: functions over primitives, without kernels or gradients of their own. Fusion gives the speed back.

pub mod activation;
pub mod affine;
pub mod chance;
pub mod classification;
pub mod ctc;
pub mod curve;
pub mod distance;
pub mod divergence;
pub mod labels;
pub mod logical;
pub mod loss;
pub mod margin;
pub mod missing;
pub mod moments;
pub mod normalization;
pub mod order;
pub mod power;
pub mod product;
pub mod rectifiers;
pub mod reduction;
pub mod regression;
