//! Which checks do not apply to which rows, and why. A reason that is not needed is an error of the matrix.

use super::matrix::Check;

/// `(rows, checks, reason)`.
pub static SKIPS: &[(&[&str], &[Check], &str)] = &[];

/// Why a check does not apply to a row.
pub fn why(row: &str, check: Check) -> Option<&'static str> {
    SKIPS.iter().find(|(rows, checks, _)| rows.contains(&row) && checks.contains(&check)).map(|(.., why)| *why)
}
