//! Eigenvalues and singular values of matrices of a moderate size, one at a time: a condensed form by reflections, then implicit QL or QR.
//!
//! For matrices that stay in the caches this is two to three times as fast as the blocked methods of a library, which pay for larger ones.

// Iterators with closures are not used in these: those that LLVM does not inline would be compiled without the instructions of their callers.
#![allow(clippy::needless_range_loop, reason = "rows and lanes are counted, whatever array holds them")]

mod accumulate;
mod bidiagonal;
mod bidiagonal_iteration;
mod chunks;
mod plane;
mod products;
mod rotations;
mod singular;
mod symmetric;
#[cfg(test)]
mod tests;
mod tridiagonal;
mod tridiagonal_iteration;

pub use singular::{svd, svd_scratch};
pub use symmetric::{eigh, eigh_scratch};

use crate::kernels::isa::Isa;

/// Whether a matrix has vectors, and values alone, sooner in this way than by the methods for large ones: measured, on machines with either
/// instruction set.
pub fn pays(isa: Isa, [m, n]: [usize; 2], vectors: bool) -> bool {
    let longest = match (vectors, isa) {
        (false, _) => 256,
        (true, Isa::Avx512) => 192,
        (true, _) => 128,
    };
    // Of a long matrix a QR factorisation comes first, elsewhere.
    m.max(n) <= longest && 5 * m.max(n) <= 8 * m.min(n)
}
