//! Numbers only: strided views in, views out. No graph, no op names.

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
pub mod lines;
pub mod math;
pub mod matmul;
pub mod movement;
pub mod power;
pub mod random;
pub mod ranges;
pub mod real;
pub mod reduce;
pub mod scan;
pub mod search;
pub mod sort;
pub mod tile;
pub mod trig;
