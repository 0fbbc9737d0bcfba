//! Runs a plan: steps over buffers, on the calling thread and others that share the large ones.

mod cpu;
pub mod profile;
mod run;
pub mod threads;

pub use run::{Beside, Bound, Outcome, User, Watch, run};
