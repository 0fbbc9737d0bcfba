//! Matrices with directions: sums of a matrix for each set of directions.

use super::super::dense::{Operand, Room, add, norm, product};

/// Matrices of length `n` with `k` directions. An element is a list of `2^k` matrices, row by row: number `s` belongs to the directions that
/// are the bits of `s`, and number 0 is the matrix itself.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    pub n: usize,
    pub k: usize,
}

impl Ring {
    /// The numbers of an element.
    pub fn len(self) -> usize {
        (self.n * self.n) << self.k
    }

    /// The matrices of an element.
    fn parts(self) -> usize {
        1 << self.k
    }

    /// Products of matrices that one product takes.
    pub fn products(self) -> usize {
        3usize.saturating_pow(self.k as u32)
    }

    /// Matrix `s` of an element.
    pub fn part(self, x: &[f64], s: usize) -> &[f64] {
        &x[s * self.n * self.n..(s + 1) * self.n * self.n]
    }

    /// Matrix `s` of an element.
    pub fn part_mut(self, x: &mut [f64], s: usize) -> &mut [f64] {
        &mut x[s * self.n * self.n..(s + 1) * self.n * self.n]
    }

    /// `c = a b`.
    pub fn multiply(self, a: &[f64], b: &[f64], c: &mut [f64]) {
        for s in 0..self.parts() {
            for r in subsets(s) {
                let (x, y) = (Operand(self.part(a, r), false), Operand(self.part(b, s ^ r), false));
                product([self.n; 3], x, y, self.part_mut(c, s), r != s);
            }
        }
    }

    /// `a^-1 b` in place of `b`. `spare` has room for two matrices. Fails with a column whose pivot is zero.
    pub fn solve(self, a: &[f64], b: &mut [f64], spare: &mut [f64], room: &mut Room<'_>) -> Result<(), usize> {
        let n = self.n;
        let (factors, spare) = spare.split_at_mut(n * n);
        factors.copy_from_slice(self.part(a, 0));
        room.factor(factors, n)?;
        for s in 0..self.parts() {
            let (solved, own) = b.split_at_mut(s * n * n);
            let own = &mut own[..n * n];
            for r in subsets(s).filter(|&r| r != 0) {
                product([n; 3], Operand(self.part(a, r), false), Operand(self.part(solved, s ^ r), false), spare, false);
                add(own, -1.0, spare);
            }
            room.solve(factors, n, own, n, spare);
        }
        Ok(())
    }

    /// The norm of the matrix itself.
    pub fn norm(self, x: &[f64]) -> f64 {
        norm(self.n, x)
    }
}

/// All subsets of the bits of `s`, that set itself first.
pub fn subsets(s: usize) -> impl Iterator<Item = usize> {
    let mut next = Some(s);
    std::iter::from_fn(move || {
        let r = next?;
        next = if r == 0 { None } else { Some((r - 1) & s) };
        Some(r)
    })
}
