//! Runs a plan: steps over buffers, on this thread.

mod cpu;
mod run;
pub mod threads;

pub use run::{Bound, Outcome, User, Watch, run};
