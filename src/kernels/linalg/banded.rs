//! Systems whose matrix has few diagonals, by elimination with exchanged rows, over a batch.

use super::super::ranges::Ranges;
use super::factor::Real;
use super::{Batch, Fault, Matrices, Shared, carved, carved_bytes, reals};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Which diagonals a matrix has, and which system it stands for.
#[derive(Clone, Copy, Debug)]
pub struct Band {
    /// Diagonals below the main one.
    pub lower: usize,
    /// Diagonals above it.
    pub upper: usize,
    /// The system of the transpose.
    pub transpose: bool,
}

impl Band {
    /// Elements of a row of the factors: exchanges bring `lower` more diagonals.
    fn width(self) -> usize {
        2 * self.lower + self.upper + 1
    }
    /// Rows of the stored matrix.
    fn rows(self) -> usize {
        self.lower + self.upper + 1
    }
}

/// Bytes of scratch of [`solve`] for a batch of `count` systems of `n` equations.
pub fn bytes(count: usize, n: usize, band: Band, dtype: DType) -> usize {
    Batch::scratch_bytes(count, own_bytes(n, band, dtype))
}

fn own_bytes(n: usize, band: Band, dtype: DType) -> usize {
    carved_bytes::<usize>(n) + reals!(dtype, T => carved_bytes::<T>(n * band.width()) + carved_bytes::<T>(n * band.rows()))
}

/// X of `a X = b`, or of `a^T X = b`, over a batch. `ab` (..., lower + upper + 1, n) has the diagonals as rows, the highest first, each
/// element in its column; `b` and `dst` (C-contiguous) are (..., n, m), and all operands have the lengths of the batch. A pivot of zero is
/// an error of kind `LinAlg`.
pub fn solve(
    ranges: &Ranges<'_>,
    op: &str,
    ab: View<'_>,
    b: View<'_>,
    band: Band,
    scratch: &mut [u8],
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    let (Some(left), Some(right)) = (Matrices::new(ab), Matrices::new(b)) else { return Ok(()) };
    let (n, m) = (right.m, right.n);
    let work = n * band.width() * (band.lower + 1 + m) / 4 + n;
    let batch = Batch { dims: right.batch, work, bytes: own_bytes(n, band, ab.dtype()) };
    reals!(b.dtype(), T => {
        let dst = Shared(dst.ptr().cast::<T>());
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: system `i` has n x m elements of its own; the scratch has room for what is carved.
            let (x, pivots, w) = unsafe {
                let (pivots, rest) = carved::<usize>(scratch, n);
                let (w, rest) = carved::<T>(rest, n * band.width());
                let (stored, _) = carved::<T>(rest, n * band.rows());
                left.load(i, stored.as_mut_ptr(), true);
                by_rows(stored, n, band, w);
                right.load(i, dst.at(i * n * m), true);
                (dst.part(i * n * m, n * m), pivots, w)
            };
            factor(w, n, band, pivots);
            if let Some(k) = (0..n).find(|&k| w[k * band.width() + band.lower] == T::ZERO) {
                return Err(Fault::new("matrix is singular", format_args!("a pivot of 0 in column {k}"), "an invertible matrix"));
            }
            if band.transpose { solve_transposed(w, n, band, pivots, x, m) } else { solve_plain(w, n, band, pivots, x, m) }
            Ok(())
        })
    })
}

/// The matrix row by row: element `(i, j)` at `j - i + lower` of row `i`, zeros where there is none.
fn by_rows<T: Real>(stored: &[T], n: usize, band: Band, w: &mut [T]) {
    w.fill(T::ZERO);
    for r in 0..band.rows() {
        for j in 0..n {
            // The row of element `(i, j)` is `upper + i - j`.
            if let Some(i) = (j + r).checked_sub(band.upper).filter(|&i| i < n) {
                w[i * band.width() + j + band.lower - i] = stored[r * n + j];
            }
        }
    }
}

/// Factors in place: multipliers below the diagonal, the upper factor on and above it.
fn factor<T: Real>(w: &mut [T], n: usize, band: Band, pivots: &mut [usize]) {
    let (l, width) = (band.lower, band.width());
    let at = |i: usize, j: usize| i * width + j + l - i;
    for k in 0..n {
        let last = (k + l).min(n - 1);
        let mut p = k;
        for i in k + 1..=last {
            if w[at(i, k)].abs() > w[at(p, k)].abs() {
                p = i;
            }
        }
        pivots[k] = p;
        let columns = (k + l + band.upper).min(n - 1);
        if p != k {
            (k..=columns).for_each(|j| w.swap(at(k, j), at(p, j)));
        }
        let pivot = w[at(k, k)];
        if pivot == T::ZERO {
            continue;
        }
        for i in k + 1..=last {
            let factor = w[at(i, k)] / pivot;
            w[at(i, k)] = factor;
            if factor != T::ZERO {
                for j in k + 1..=columns {
                    let change = factor * w[at(k, j)];
                    w[at(i, j)] -= change;
                }
            }
        }
    }
}

/// `x[to] -= factor * x[from]`, for rows of `m` elements.
fn subtract<T: Real>(x: &mut [T], to: usize, from: usize, factor: T, m: usize) {
    let (low, high) = (to.min(from), to.max(from));
    let (head, tail) = x.split_at_mut(high * m);
    let (low, high) = (&mut head[low * m..(low + 1) * m], &mut tail[..m]);
    let (target, source) = if to < from { (low, &*high) } else { (high, &*low) };
    target.iter_mut().zip(source).for_each(|(t, &s)| *t -= factor * s);
}

fn exchange<T: Real>(x: &mut [T], i: usize, j: usize, m: usize) {
    if i != j {
        let (head, tail) = x.split_at_mut(i.max(j) * m);
        head[i.min(j) * m..(i.min(j) + 1) * m].swap_with_slice(&mut tail[..m]);
    }
}

fn solve_plain<T: Real>(w: &[T], n: usize, band: Band, pivots: &[usize], x: &mut [T], m: usize) {
    let (l, width) = (band.lower, band.width());
    let at = |i: usize, j: usize| i * width + j + l - i;
    for k in 0..n {
        exchange(x, k, pivots[k], m);
        (k + 1..=(k + l).min(n - 1)).for_each(|i| subtract(x, i, k, w[at(i, k)], m));
    }
    for k in (0..n).rev() {
        (k + 1..=(k + l + band.upper).min(n - 1)).for_each(|j| subtract(x, k, j, w[at(k, j)], m));
        x[k * m..(k + 1) * m].iter_mut().for_each(|x| *x /= w[at(k, k)]);
    }
}

fn solve_transposed<T: Real>(w: &[T], n: usize, band: Band, pivots: &[usize], x: &mut [T], m: usize) {
    let (l, width) = (band.lower, band.width());
    let at = |i: usize, j: usize| i * width + j + l - i;
    for k in 0..n {
        x[k * m..(k + 1) * m].iter_mut().for_each(|x| *x /= w[at(k, k)]);
        (k + 1..=(k + l + band.upper).min(n - 1)).for_each(|j| subtract(x, j, k, w[at(k, j)], m));
    }
    for k in (0..n).rev() {
        (k + 1..=(k + l).min(n - 1)).for_each(|i| subtract(x, k, i, w[at(i, k)], m));
        exchange(x, k, pivots[k], m);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_needs_exchanges_is_solved_and_so_is_its_transpose() {
        // [[0, 2, 0], [1, 0, 3], [0, 4, 5]], one diagonal below and one above.
        let stored = [0.0, 2.0, 3.0, 0.0, 0.0, 5.0, 1.0, 4.0, 0.0];
        let dense = [[0.0, 2.0, 0.0], [1.0, 0.0, 3.0], [0.0, 4.0, 5.0]];
        for transpose in [false, true] {
            let band = Band { lower: 1, upper: 1, transpose };
            let (mut w, mut pivots) = ([0.0f64; 12], [0usize; 3]);
            by_rows(&stored, 3, band, &mut w);
            factor(&mut w, 3, band, &mut pivots);
            let want = [1.0, -2.0, 3.0];
            let product = |i: usize| (0..3).map(|j| if transpose { dense[j][i] } else { dense[i][j] } * want[j]).sum::<f64>();
            let mut x = [product(0), product(1), product(2)];
            if transpose {
                solve_transposed(&w, 3, band, &pivots, &mut x, 1)
            } else {
                solve_plain(&w, 3, band, &pivots, &mut x, 1)
            }
            assert!(x.iter().zip(want).all(|(x, w)| (x - w).abs() < 1e-14), "{x:?}");
        }
    }
}
