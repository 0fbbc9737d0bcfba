//! Products and systems of single matrices, row by row, for kernels that need many of them. Numbers of `f32` are computed in `f64` there.

use super::super::level3::{Level3, Product, System};
use super::factor::Factor;
use super::{carved, carved_bytes, transpose_in_place};

/// Scratch memory of one matrix, cut up by those who need some of it.
pub struct Room<'a> {
    numbers: &'a mut [f64],
    order: &'a mut [usize],
    bytes: &'a mut [u8],
}

impl<'a> Room<'a> {
    /// Bytes for `numbers` numbers, and for systems of length `n`.
    pub fn bytes(n: usize, numbers: usize) -> usize {
        carved_bytes::<f64>(numbers) + carved_bytes::<usize>(n) + f64::lu_bytes(n)
    }

    /// # Safety
    /// `scratch` is aligned, with the bytes that [`Room::bytes`] gives for the same lengths.
    pub unsafe fn new(scratch: &'a mut [u8], n: usize, numbers: usize) -> Room<'a> {
        // SAFETY: by the contract.
        unsafe {
            let (numbers, rest) = carved::<f64>(scratch, numbers);
            let (order, bytes) = carved::<usize>(rest, n);
            Room { numbers, order, bytes }
        }
    }

    /// The next `n` numbers, which hold anything.
    pub fn take(&mut self, n: usize) -> &'a mut [f64] {
        let (own, rest) = std::mem::take(&mut self.numbers).split_at_mut(n);
        self.numbers = rest;
        own
    }

    /// The room that is left, to be given back.
    pub fn rest(&mut self) -> Room<'_> {
        Room { numbers: self.numbers, order: self.order, bytes: self.bytes }
    }

    /// Replaces an `n x n` matrix by its factors; they are good until the next call. Fails with a column whose pivot is zero.
    pub fn factor(&mut self, a: &mut [f64], n: usize) -> Result<(), usize> {
        // Column by column, as the back end and the solver like it.
        transpose_in_place(n, a);
        f64::lu(a, n, self.order, self.bytes);
        match (0..n).find(|&i| a[i * n + i] == 0.0) {
            Some(i) => Err(i),
            None => Ok(()),
        }
    }

    /// Solves `a x = b` in place, with `m` right sides, from the factors that were computed last. `spare` has the length of `b`.
    pub fn solve(&self, factors: &[f64], n: usize, b: &mut [f64], m: usize, spare: &mut [f64]) {
        spare[..n * m].copy_from_slice(&b[..n * m]);
        for (i, &from) in self.order.iter().enumerate().take(n) {
            b[i * m..(i + 1) * m].copy_from_slice(&spare[from * m..(from + 1) * m]);
        }
        let upper = System { n, m, steps: [1, n as isize], lower: false, unit: false };
        // SAFETY: the factors are n x n, column by column, and `b` is n x m.
        unsafe {
            f64::solve_triangular(&System { lower: true, unit: true, ..upper }, factors.as_ptr(), b.as_mut_ptr(), m);
            f64::solve_triangular(&upper, factors.as_ptr(), b.as_mut_ptr(), m);
        }
    }
}

/// A matrix as an operand: its numbers, and whether its transpose is meant.
#[derive(Clone, Copy)]
pub struct Operand<'a>(pub &'a [f64], pub bool);

/// `c = a b`, or `c + a b` if `add`, of lengths `m x k` and `k x n`, all row by row.
pub fn product([m, k, n]: [usize; 3], a: Operand<'_>, b: Operand<'_>, c: &mut [f64], add: bool) {
    let steps = |x: Operand<'_>, rows: usize, columns: usize| if x.1 { [1, rows as isize] } else { [columns as isize, 1] };
    let (sa, sb) = (steps(a, m, k), steps(b, k, n));
    let (a, b, c) = (&a.0[..m * k], &b.0[..k * n], &mut c[..m * n]);
    // Less than the preparations of the large product cost.
    if m * k * n <= 512 {
        for i in 0..m {
            let row = &mut c[i * n..(i + 1) * n];
            if !add {
                row.fill(0.0);
            }
            for p in 0..k {
                let x = a[i * sa[0] as usize + p * sa[1] as usize];
                row.iter_mut().enumerate().for_each(|(j, y)| *y += x * b[p * sb[0] as usize + j * sb[1] as usize]);
            }
        }
        return;
    }
    let p = Product { m, k, n, a: sa, b: sb, d: [n as isize, 1], add };
    // SAFETY: the slices have the lengths that the steps reach.
    unsafe { f64::product(&p, a.as_ptr(), b.as_ptr(), c.as_mut_ptr()) };
}

/// `z^T a z` in place of `a`, or `z a z^T` if `back`. `spare` has room for a matrix.
pub fn turn(n: usize, z: &[f64], a: &mut [f64], spare: &mut [f64], back: bool) {
    product([n; 3], Operand(z, !back), Operand(a, false), spare, false);
    product([n; 3], Operand(spare, false), Operand(z, back), a, false);
}

/// The largest sum of magnitudes in a column; NaN if there is one.
pub fn norm(n: usize, a: &[f64]) -> f64 {
    largest(n, |i, j| a[i * n + j])
}

/// The same of `a - 1`.
pub fn distance(n: usize, a: &[f64]) -> f64 {
    largest(n, |i, j| if i == j { a[i * n + j] - 1.0 } else { a[i * n + j] })
}

fn largest(n: usize, at: impl Fn(usize, usize) -> f64) -> f64 {
    let column = |j: usize| (0..n).map(|i| at(i, j).abs()).sum::<f64>();
    (0..n).map(column).fold(0.0, |most, x| if x > most || x.is_nan() { x } else { most })
}

/// `y + factor x`.
pub fn add(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

/// Adds a number to the diagonal.
pub fn add_diagonal(n: usize, a: &mut [f64], x: f64) {
    a.iter_mut().step_by(n + 1).take(n).for_each(|a| *a += x);
}
