//! The matrix: every row of the op table times every check. Nobody writes a test for a single op; a row brings its cases.

use super::program::build;
use super::sample::Sample;
use super::{batched, fused, gradcheck_all, layout, magnitudes, values};
use crate::array::Array;
use crate::error::Result;
pub use crate::graph::op::Check;
use crate::graph::op::OpDef;

/// Elements of a sample of which the third order is checked: each is moved four times for each entry of three levels.
const FEW: usize = 9;

/// Runs a check on a row. Returns how many comparisons it made: where that is 0, the row says why.
pub fn examine(def: &'static OpDef, check: Check) -> Result<usize> {
    if check == Check::Messages {
        return values::messages(def);
    }
    let (mut total, mut refused) = (0, false);
    for (i, case) in (def.cases)().iter().enumerate() {
        let s = Sample::new(case, i as u64 + 1)?;
        let n = match check {
            Check::Types => values::types(def, &s)?,
            Check::Unknown => values::unknown(def, &s)?,
            Check::First => gradcheck_all(|ctx, xs| build(ctx, def, xs, &s), &s.inputs, 1)?,
            // Of both orders only the second is new, but its first is what it differentiates.
            Check::Second => gradcheck_all(|ctx, xs| build(ctx, def, xs, &s), &s.inputs, 2)?,
            Check::Third if s.inputs.iter().map(Array::size).sum::<usize>() > FEW => 0,
            Check::Third => gradcheck_all(|ctx, xs| build(ctx, def, xs, &s), &s.inputs, 3)?,
            Check::Narrow if i == 0 => values::narrow(def, &s)? + magnitudes::magnitudes(def, &s)?,
            Check::Narrow => values::narrow(def, &s)?,
            Check::Layouts => layout::layouts(def, case, &s)?,
            Check::Fused => fused::fused(def, case, &s)?,
            Check::Batched => batched::batched(def, &s)?,
            Check::Messages => 0,
        };
        refused |= n == 0 && check == Check::Unknown;
        total += n;
    }
    // A row of which some case needs known lengths needs a reason.
    Ok(if refused { 0 } else { total })
}
