//! Numbers only: strided views in, views out. No graph, no op names.

pub mod cast;
pub mod exact;
pub mod fold;
pub mod formula;
pub mod isa;
pub mod math;
mod power;
pub mod real;
pub mod tile;
pub mod trig;
