//! Calls of users' code that are nested in one another: a custom op whose `compute` runs a graph that has a custom op.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::Avals;
use crate::graph::user::Op;
use crate::shape::Aval;

/// How many calls of users' code a thread may be inside of. Each takes the stack of a whole run, about 10 KiB, and threads may
/// have as little as 2 MiB.
pub const NESTED_CALLS: u32 = 100;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Leaves a call, also when it panics.
struct Leave(u32);

impl Drop for Leave {
    fn drop(&mut self) {
        DEPTH.set(self.0);
    }
}

/// Calls code of a user's op or hook. Endless recursion through the engine is an error before the stack overflows.
pub fn nested<R>(op: &str, f: impl FnOnce() -> Result<R>) -> Result<R> {
    let depth = DEPTH.get();
    if depth >= NESTED_CALLS {
        let what = "users' code calls itself through the engine without an end";
        let rule = format_args!("at most {NESTED_CALLS}");
        let e = Error::new(ErrorKind::Recursion, op, what, format_args!("{} nested calls", depth + 1), rule);
        return Err(e.help("let the recursion of the custom operation or hook end sooner, or write it as a loop"));
    }
    let _leave = Leave(depth);
    DEPTH.set(depth + 1);
    f()
}

/// The avals that a user's op infers. A panic of it is an error.
pub fn inferred(op: &dyn Op, inputs: &[&Aval]) -> Result<Avals> {
    nested(op.name(), || catch_unwind(AssertUnwindSafe(|| op.infer(inputs))).unwrap_or_else(|_| Err(super::panicked(op.name(), "infer"))))
}
