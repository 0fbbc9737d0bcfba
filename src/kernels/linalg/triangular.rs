//! Triangular systems over a batch, by blocks: products by `gemm`, what is left by rows.

use gemm::Parallelism;

use super::super::movement::copy;
use super::{each_matrix, matrix_name};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};

/// Rows that are solved one by one before a product brings in the next ones.
const ROWS: usize = 32;

/// X of `a X = b`, or of `a^T X = b` if `transpose`, over a batch: `a` is (..., n, n), `b` and `dst` (C-contiguous) are
/// (..., n, m), all `f32` or all `f64`. Only the triangle of `a` that `lower` names is looked at, its diagonal included.
///
/// A zero on the diagonal is an error of kind `LinAlg` that names its row, and the matrix's place in the batch. NaN and
/// infinities spread as arithmetic has it.
pub fn solve_triangular(a: View<'_>, b: View<'_>, lower: bool, transpose: bool, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert!(a.dtype() == b.dtype() && b.dtype() == dst.dtype() && a.dtype().is_float() && b.dims() == dst.dims());
    let ([batch @ .., n, _], [steps @ .., si, sj]) = (a.dims(), a.strides()) else { return Ok(()) };
    let (n, m) = (*n, b.dims().last().copied().unwrap_or(1));
    copy(b, dst);
    // The transpose of a lower triangle is an upper one.
    let system = System { n, m, steps: if transpose { [*sj, *si] } else { [*si, *sj] }, lower: lower != transpose };
    let mut block = 0;
    each_matrix(batch, [steps], |index, [o]| {
        // SAFETY: offsets of `a`; `dst` has n x m elements for each matrix.
        let zero = unsafe {
            if a.dtype() == DType::F32 {
                system.solve::<f32>(a.ptr().cast::<f32>().offset(o), dst.ptr().cast::<f32>().add(block))
            } else {
                system.solve::<f64>(a.ptr().cast::<f64>().offset(o), dst.ptr().cast::<f64>().add(block))
            }
        };
        block += n * m;
        let Some(row) = zero else { return Ok(()) };
        let got = format_args!("0 on the diagonal in row {row}{}", matrix_name(batch, index));
        Err(Error::new(ErrorKind::LinAlg, "solve_triangular", "matrix is singular", got, "a diagonal without zeros"))
    })
}

/// One system: `steps` are those of the matrix as it is solved, transposed or not.
struct System {
    n: usize,
    m: usize,
    steps: [isize; 2],
    lower: bool,
}

/// `f32` and `f64`.
trait Float: Copy + PartialEq + std::ops::SubAssign + std::ops::Mul<Output = Self> + std::ops::DivAssign + 'static {
    const ZERO: Self;
    const ONE: Self;
    const MINUS_ONE: Self;
}
macro_rules! float {
    ($($t:ty)+) => {$(impl Float for $t {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const MINUS_ONE: Self = -1.0;
    })+};
}
float! { f32 f64 }

impl System {
    /// Solves in place; `x` holds the right side, row by row. The first row with a zero on the diagonal, if there is one,
    /// is returned before anything is done.
    ///
    /// # Safety
    /// `a` has n x n elements at the steps of the system, `x` has n x m.
    unsafe fn solve<T: Float>(&self, a: *const T, x: *mut T) -> Option<usize> {
        let &System { n, m, steps: [si, sj], lower } = self;
        // SAFETY: `i` and `j` are below `n`, rows of `x` have `m` elements; the rows that a product reads and those that
        // it writes are distinct.
        unsafe {
            let at = |i: usize, j: usize| a.offset(i as isize * si + j as isize * sj);
            if let Some(row) = (0..n).find(|&i| *at(i, i) == T::ZERO) {
                return Some(row);
            }
            if m == 0 {
                return None;
            }
            let row = |i: usize| std::slice::from_raw_parts_mut(x.add(i * m), m);
            for b in 0..n.div_ceil(ROWS) {
                // Rows of this block, and of those that are solved already.
                let rows = if lower { b * ROWS..n.min((b + 1) * ROWS) } else { n.saturating_sub((b + 1) * ROWS)..n - b * ROWS };
                let done = if lower { 0..rows.start } else { rows.end..n };
                if !done.is_empty() {
                    let (d, ms) = (x.add(rows.start * m), m as isize);
                    let (l, r) = (at(rows.start, done.start), x.add(done.start * m));
                    let (one, minus) = (T::ONE, T::MINUS_ONE);
                    gemm::gemm(rows.len(), m, done.len(), d, 1, ms, true, l, sj, si, r, 1, ms, one, minus, false, false, false, Parallelism::None);
                }
                let (first, last) = (rows.start, rows.end - 1);
                for i in rows.clone() {
                    let i = if lower { i } else { first + last - i };
                    let now = row(i);
                    for j in if lower { first..i } else { i + 1..last + 1 } {
                        let f = *at(i, j);
                        now.iter_mut().zip(row(j).iter()).for_each(|(x, y)| *x -= f * *y);
                    }
                    let f = *at(i, i);
                    now.iter_mut().for_each(|x| *x /= f);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::movement::model::*;
    use super::*;
    use crate::shape::count;

    /// Entries in [-1, 1) / n beside a diagonal of at least 1; NaN in the triangle that must not be read.
    fn triangles(rng: &mut Rng, batch: usize, n: usize, lower: bool) -> Vec<f64> {
        let x = rng.real(batch * n * n);
        x.iter()
            .enumerate()
            .map(|(at, v)| match (at / n.max(1) % n.max(1)).cmp(&(at % n.max(1))) {
                std::cmp::Ordering::Equal => v + 2.0,
                o if (o == std::cmp::Ordering::Greater) == lower => v / n as f64,
                _ => f64::NAN,
            })
            .collect()
    }

    #[test]
    fn the_solution_solves_the_system() {
        let mut rng = Rng(31);
        for (batch, n, m) in [(&[][..], 1, 1), (&[], 3, 1), (&[2], 4, 3), (&[2, 2], 5, 2), (&[], 33, 1), (&[2], 100, 7), (&[], 70, 40), (&[], 0, 3), (&[2], 3, 0), (&[0], 3, 2)] {
            let dims = |r, c| batch.iter().copied().chain([r, c]).collect::<Vec<usize>>();
            for (lower, transpose) in [(true, false), (true, true), (false, false), (false, true)] {
                let (values, right) = (triangles(&mut rng, count(batch), n, lower), rng.real(count(batch) * n * m));
                for dtype in [DType::F32, DType::F64] {
                    let eps = if dtype == DType::F32 { 1e-6 } else { 1e-15 };
                    for (a, b) in Strided::layouts(dtype, &dims(n, n), &values).iter().zip(Strided::layouts(dtype, &dims(n, m), &right)) {
                        let mut dst = Strided::out(dtype, &dims(n, m));
                        solve_triangular(a.view(), b.view(), lower, transpose, &mut dst.view_mut()).unwrap();
                        dst.check_guard();
                        let (a, x, b) = (a.values(), dst.values(), b.values());
                        for (at, want) in b.iter().enumerate() {
                            let (c, i, j) = (at / (n * m), at / m % n, at % m);
                            let entry = |k: usize| if transpose { a[(c * n + k) * n + i] } else { a[(c * n + i) * n + k] };
                            let sum: f64 = (0..n).filter(|&k| !entry(k).is_nan()).map(|k| entry(k) * x[(c * n + k) * m + j]).sum();
                            assert!((sum - want).abs() < 8.0 * eps, "{dtype} {batch:?} {n} {m} {lower} {transpose}: {sum} {want}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn operands_are_broadcast_by_strides() {
        let a = Strided::new(DType::F64, &[1, 2, 2], &[2.0, 0.0, 1.0, 4.0]).repeat(0, 3);
        let b = Strided::new(DType::F64, &[3, 2, 1], &[2.0, 9.0, 4.0, 2.0, 0.0, 4.0]);
        let mut dst = Strided::out(DType::F64, &[3, 2, 1]);
        solve_triangular(a.view(), b.view(), true, false, &mut dst.view_mut()).unwrap();
        assert_eq!(dst.values(), [1.0, 2.0, 2.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn division_is_by_the_diagonal_itself() {
        // The reciprocal of a denormal number overflows.
        let a = Strided::new(DType::F64, &[1, 1], &[1e-310]);
        let b = Strided::new(DType::F64, &[1, 1], &[2e-310]);
        let mut dst = Strided::out(DType::F64, &[1, 1]);
        solve_triangular(a.view(), b.view(), true, false, &mut dst.view_mut()).unwrap();
        assert_eq!(dst.values(), [2.0]);
    }

    #[test]
    fn a_zero_on_the_diagonal_is_named() {
        let fails = |dims: &[usize], values: &[f64], got: &str| {
            let a = Strided::new(DType::F64, dims, values);
            let mut right = dims.to_vec();
            right[dims.len() - 1] = 1;
            let b = Strided::new(DType::F64, &right, &vec![1.0; count(&right)]);
            let mut dst = Strided::out(DType::F64, &right);
            let e = solve_triangular(a.view(), b.view(), true, false, &mut dst.view_mut()).map_err(|e| (e.kind(), e.to_string()));
            let text = format!("solve_triangular: matrix is singular. Got 0 on the diagonal in row {got}; expected a diagonal without zeros.");
            assert_eq!(e, Err((ErrorKind::LinAlg, text)));
        };
        fails(&[2, 2], &[1.0, 0.0, 0.0, -0.0], "1");
        fails(&[3, 1, 1], &[1.0, 2.0, 0.0], "0 in matrix 2");
        fails(&[1, 2, 1, 1], &[1.0, 0.0], "0 in matrix (0, 1)");
    }
}
