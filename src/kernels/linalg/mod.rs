//! Factorisations and triangular systems, over the last two axes of a batch.

use super::movement::{each, index_text};
use crate::error::Result;

pub mod cholesky;
pub mod triangular;

/// Calls `f(number of the matrix, offsets)` for each matrix of a batch.
fn each_matrix<const K: usize>(batch: &[usize], strides: [&[isize]; K], mut f: impl FnMut(usize, [isize; K]) -> Result<()>) -> Result<()> {
    let mut number = 0;
    each(batch, strides, |at| {
        f(number, at)?;
        number += 1;
        Ok(())
    })
}

/// ` in matrix 4` or ` in matrix (1, 1)`, and nothing if there is no batch.
fn matrix_name(batch: &[usize], number: usize) -> String {
    if batch.is_empty() { String::new() } else { format!(" in matrix {}", index_text(batch, number)) }
}
