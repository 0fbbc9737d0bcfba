//! Which checks do not apply to which rows, and why. A reason that is not needed is an error of the matrix.

use super::matrix::Check;

const NUMERIC: &[Check] = &[Check::Types, Check::Unknown, Check::First, Check::Second, Check::Narrow, Check::Layouts, Check::Fused];
const GRADIENTS: &[Check] = &[Check::First, Check::Second];
const MESSAGES: &[Check] = &[Check::Messages];

/// A reason, with the rows and the checks that it is for.
pub struct Skip {
    /// Names of rows.
    pub rows: &'static [&'static str],
    /// The checks.
    pub checks: &'static [Check],
    /// The reason.
    pub why: &'static str,
}

/// All reasons.
pub static SKIPS: &[Skip] = &[
    Skip {
        rows: &["stop_gradient"],
        checks: NUMERIC,
        why: "its gradient is 0 on purpose, which differences are not: whole programs test it",
    },
    Skip {
        rows: &["standard_uniform", "standard_uniform_like", "standard_normal", "standard_normal_like", "dropout"],
        checks: NUMERIC,
        why: "a draw has no fixed value: whole programs test it",
    },
    Skip { rows: &["normalised"], checks: NUMERIC, why: "its gradient holds for what sums up to 1 only: softmax tests it" },
    Skip {
        rows: &[
            "tanh_with",
            "tanh_slope",
            "tanh_adjoint",
            "sigmoid_with",
            "sigmoid_slope",
            "softplus_with",
            "logistic_loss",
            "logistic_residual",
            "gelu_with",
            "gelu_slope",
        ],
        checks: NUMERIC,
        why: "its operands belong together: the functions that they serve test it",
    },
    Skip { rows: &["cond"], checks: NUMERIC, why: "its bodies are functions, not arrays: whole programs test it" },
    Skip { rows: &["assign"], checks: NUMERIC, why: "its target is a variable: whole programs test it" },
    Skip { rows: &["squeeze"], checks: &[Check::Unknown], why: "which axes have length 1 is read when the graph is built" },
    Skip { rows: &["sparse_softmax_cross_entropy"], checks: &[Check::Unknown], why: "it needs the number of classes, and says so" },
    Skip {
        rows: &[
            "equal",
            "not_equal",
            "less",
            "less_equal",
            "greater",
            "greater_equal",
            "size",
            "argmax",
            "one_hot",
            "check_labels",
            "wrap_index",
            "wrap_index_like",
        ],
        checks: GRADIENTS,
        why: "it has no floating input, or no floating result",
    },
    Skip {
        rows: &["logical_and", "logical_or", "logical_xor", "logical_not"],
        checks: &[Check::First, Check::Second, Check::Narrow],
        why: "its samples are bools",
    },
    Skip {
        rows: &["bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "integer_power", "check_exponent"],
        checks: &[Check::First, Check::Second, Check::Narrow],
        why: "its samples are integers",
    },
    Skip { rows: &["one_hot", "check_labels", "wrap_index"], checks: &[Check::Narrow], why: "its samples are integers" },
    Skip {
        rows: &["stop_gradient", "standard_uniform_like", "standard_normal_like"],
        checks: MESSAGES,
        why: "it has no cases, and every shape and dtype is accepted",
    },
    Skip { rows: &["standard_uniform", "standard_normal", "cond", "assign"], checks: MESSAGES, why: "whole programs test what it refuses" },
];

/// Why a check does not apply to a row.
pub fn why(row: &str, check: Check) -> Option<&'static str> {
    SKIPS.iter().find(|s| s.rows.contains(&row) && s.checks.contains(&check)).map(|s| s.why)
}
