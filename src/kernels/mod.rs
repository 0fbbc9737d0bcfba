//! Numbers only: strided views in, views out. No graph, no op names.

pub mod index;
pub mod linalg;
pub mod matmul;
pub mod movement;
pub mod random;
pub mod reduce;
