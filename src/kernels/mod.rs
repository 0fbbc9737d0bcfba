//! Numbers only: strided views in, views out. No graph, no op names.

pub mod add;
pub mod cast;
pub mod check;
pub mod exact;
pub mod fold;
pub mod formula;
pub mod gauss;
pub mod index;
pub mod integer;
pub mod isa;
pub mod linalg;
pub mod math;
pub mod matmul;
pub mod movement;
pub mod power;
pub mod random;
pub mod ranges;
pub mod real;
pub mod reduce;
pub mod tile;
pub mod trig;
