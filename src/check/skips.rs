//! Which checks do not apply to which rows, and why. A reason that is not needed is an error of the matrix.

use super::matrix::Check;

const NUMERIC: &[Check] = &[Check::Types, Check::Unknown, Check::First, Check::Second, Check::Narrow, Check::Layouts, Check::Fused];
const GRADIENTS: &[Check] = &[Check::First, Check::Second];

/// `(rows, checks, reason)`.
pub static SKIPS: &[(&[&str], &[Check], &str)] = &[
    (&["stop_gradient"], NUMERIC, "its gradient is 0 on purpose, which differences are not: whole programs test it"),
    (
        &["standard_uniform", "standard_uniform_like", "standard_normal", "standard_normal_like"],
        NUMERIC,
        "a draw has no fixed value: whole programs test it",
    ),
    (&["cond"], NUMERIC, "its bodies are functions, not arrays: whole programs test it"),
    (&["assign"], NUMERIC, "its target is a variable: whole programs test it"),
    (&["squeeze"], &[Check::Unknown], "which axes have length 1 is read when the graph is built"),
    (&["concat"], &[Check::Unknown], "its gradient needs the parts' lengths along the axis, and says so"),
    (&["sparse_softmax_cross_entropy"], &[Check::Unknown], "it needs the number of classes, and says so"),
    (
        &["size", "logical_and", "logical_or", "logical_xor", "logical_not", "argmax", "one_hot", "check_labels"],
        GRADIENTS,
        "it has no floating input or no floating result",
    ),
];

/// Why a check does not apply to a row.
pub fn why(row: &str, check: Check) -> Option<&'static str> {
    SKIPS.iter().find(|(rows, checks, _)| rows.contains(&row) && checks.contains(&check)).map(|(.., why)| *why)
}
