//! Values and gradients computed as one program against op by op.

use super::program::{Derived, build, derive, evaluate, placeholders};
use super::replay::{replay, same_bits};
use super::sample::Sample;
use super::{layout, values};
use crate::api::context::{Context, run};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::graph::op::{Case, OpDef};

/// Values and gradients in one run against op by op: the case itself, in `f32`, and with special values; its sizes are
/// those that [`layout::sizes`] gives.
pub fn fused(def: &'static OpDef, case: &Case, s: &Sample) -> Result<usize> {
    let mut n = same_as_replay(def, s, 2)?;
    n += same_as_replay(def, &s.converted(DType::F32)?, 2)?;
    n += match same_as_replay(def, &values::special(s)?, 1) {
        // A factorisation whose gradient refuses what its value takes.
        Err(e) if e.kind() == ErrorKind::LinAlg => 0,
        compared => compared?,
    };
    for resized in layout::sizes(case) {
        // A size that the rule refuses (a fixed shape among the attributes) is no size of this row.
        n += match Sample::new(&resized, 7).and_then(|s| layout::accepted(def, &s).map(|ok| (ok, s)))? {
            (true, s) => same_as_replay(def, &s, 1)?,
            (false, _) => 0,
        };
    }
    Ok(n)
}

/// Compares one run of a sample's outputs and gradients with op by op.
fn same_as_replay(def: &'static OpDef, s: &Sample, order: usize) -> Result<usize> {
    run(|ctx| {
        let xs = placeholders(ctx, &s.inputs);
        let ys = build(ctx, def, &xs, s)?;
        let feeds: Vec<_> = xs.into_iter().zip(s.inputs.iter().cloned()).collect();
        // What is differentiated is evaluated for its cotangents; the rest is evaluated here.
        let values = if ys.iter().any(|t| t.dtype().is_float()) { Ok(vec![]) } else { evaluate(ctx, &ys, &feeds) };
        let d = match values.and_then(|_| derive(ctx, ys, feeds, order)) {
            Ok(d) => d,
            // A value outside of what the row accepts (a special value, an index): there is nothing to compare.
            Err(e) if e.kind() == ErrorKind::LinAlg || e.kind() == ErrorKind::Value => return Ok(0),
            Err(e) => return Err(e),
        };
        agree(ctx, &d)
    })
}

/// Compares one run with op by op.
pub fn agree(ctx: &Context, d: &Derived<'_>) -> Result<usize> {
    let whole = evaluate(ctx, &d.tensors, &d.feeds)?;
    let parts = replay(&d.tensors, &d.feeds)?;
    for (k, (a, b)) in whole.iter().zip(&parts).enumerate() {
        same_bits(&format!("fused, output {k}"), a, b)?;
    }
    Ok(whole.len())
}
