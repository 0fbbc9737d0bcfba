//! Triangular systems over a batch.

use std::ops::Range;

use super::super::level3::{Level3, System, Triangle};
use super::super::matmul::{PANEL, RATE};
use super::super::movement::copy;
use super::super::ranges::{GRAIN, Ranges};
use super::small::{self, Small, Source};
use super::{Batch, Fault, Matrices, Shared, each_matrix, reals};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// X of `a X = b`, or of `a^T X = b` if `transpose`, over a batch: `a` is (..., n, n), `b` and `dst` (C-contiguous) are
/// (..., n, m), or (..., n) for one column each, all `f32` or all `f64`. Only the triangle of `a` that `lower` names is looked at, its
/// diagonal included; that is taken for ones if `unit`.
///
/// A zero on the diagonal is an error of kind `LinAlg` that names its row, and the matrix's place in the batch. NaN and
/// infinities spread as arithmetic has it.
pub fn solve_triangular(
    ranges: &Ranges<'_>,
    op: &str,
    a: View<'_>,
    b: View<'_>,
    Triangle { lower, transpose, unit }: Triangle,
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    debug_assert!(a.dtype() == b.dtype() && b.dtype() == dst.dtype() && a.dtype().is_float() && b.dims() == dst.dims());
    let ([batch @ .., n, _], [steps @ .., si, sj]) = (a.dims(), a.strides()) else { return Ok(()) };
    let n = *n;
    let m = if b.dims().len() < a.dims().len() { 1 } else { b.dims().last().copied().unwrap_or(1) };
    copy(ranges, b, dst)?;
    let fault = |row: usize| Fault::new("matrix is singular", format_args!("0 on the diagonal in row {row}"), "a diagonal without zeros");
    if n <= small::SIDE && m <= small::SIDE {
        let Some(matrices) = Matrices::new(a) else { return Ok(()) };
        let own = Batch { dims: batch, work: n * n * m.max(4) / 8 + n * m, bytes: 0 };
        let how = Triangle { lower, transpose, unit };
        return reals!(a.dtype(), T => {
            let x = Shared(dst.ptr().cast::<T>());
            own.groups(ranges, op, &mut [], T::GROUP, &|range, _| {
                // SAFETY: each matrix has n x m elements of its own.
                let a = unsafe { Source::new(&matrices, &range) };
                let own = range.clone();
                let zeros = T::together(range.len(), small::triangular::Solve { a, x, range: own, m, how });
                small::first(range, zeros, fault)
            })
        });
    }
    // The transpose of a lower triangle is an upper one.
    let system = System { n, m, steps: if transpose { [*sj, *si] } else { [*si, *sj] }, lower: lower != transpose, unit };
    let mut block = 0;
    each_matrix(batch, [steps], |index, [o]| {
        // SAFETY: offsets of `a`; `dst` has n x m elements for each matrix.
        let zero = unsafe {
            if a.dtype() == DType::F32 {
                solve32(ranges, &system, a.ptr().cast::<f32>().offset(o), dst.ptr().cast::<f32>().add(block))?
            } else {
                solve64(ranges, &system, a.ptr().cast::<f64>().offset(o), dst.ptr().cast::<f64>().add(block))?
            }
        };
        block += n * m;
        let Some(row) = zero else { return Ok(()) };
        Err(fault(row).error(op, batch, index))
    })
}

/// Columns that are solved together: about 50 ms of work, and enough for the solver's speed.
fn panel(n: usize) -> usize {
    (PANEL / n.saturating_mul(n).max(1) / GRAIN * GRAIN).max(GRAIN)
}

macro_rules! solve {
    ($name:ident, $plain:ident, $t:ty) => {
        /// Solves in place; `x` holds the right side, row by row. The first row with a zero on the diagonal, if there is
        /// one, is returned before anything is done. The columns are solved in panels whose width follows from `n`.
        ///
        /// # Safety
        /// `a` has n x n elements at the steps of the system, `x` has n x m.
        unsafe fn $name(ranges: &Ranges<'_>, s: &System, a: *const $t, x: *mut $t) -> Result<Option<usize>> {
            let &System { n, m, steps: [si, sj], unit, .. } = s;
            // SAFETY: by the contract.
            unsafe {
                let mut divide = false;
                for i in if unit { 0..0 } else { 0..n } {
                    let d = *a.offset(i as isize * (si + sj));
                    if d == 0.0 {
                        return Ok(Some(i));
                    }
                    divide |= d.recip().is_infinite();
                }
                let width = if divide { GRAIN } else { panel(n) };
                for first in (0..m).step_by(width) {
                    let columns = first..m.min(first + width);
                    // Few columns wait for the matrix.
                    let work = n.saturating_mul(n).saturating_mul(columns.len().max(RATE / 2)) / RATE;
                    // The solver multiplies by reciprocals, and those of denormal numbers overflow.
                    if divide {
                        $plain(s, a, x, columns);
                    } else {
                        <$t as Level3>::solve_triangular(&System { m: columns.len(), ..*s }, a, x.add(first), m);
                    }
                    ranges.did(work)?;
                }
            }
            Ok(None)
        }

        /// Substitution row by row, with a division by the diagonal itself.
        ///
        /// # Safety
        /// As the solver that calls it.
        unsafe fn $plain(s: &System, a: *const $t, x: *mut $t, columns: Range<usize>) {
            let &System { n, m, steps: [si, sj], lower, .. } = s;
            for k in 0..n {
                let i = if lower { k } else { n - 1 - k };
                for j in if lower { 0..i } else { i + 1..n } {
                    for c in columns.clone() {
                        // SAFETY: `i` and `j` are below `n`, `c` below `m`.
                        unsafe { *x.add(i * m + c) -= *a.offset(i as isize * si + j as isize * sj) * *x.add(j * m + c) }
                    }
                }
                for c in columns.clone() {
                    // SAFETY: likewise.
                    unsafe { *x.add(i * m + c) /= *a.offset(i as isize * (si + sj)) }
                }
            }
        }
    };
}
solve! { solve32, plain32, f32 }
solve! { solve64, plain64, f64 }

#[cfg(test)]
mod tests {
    use super::super::super::movement::model::*;
    use super::*;
    use crate::error::ErrorKind;
    use crate::shape::count;

    const LOWER: Triangle = Triangle { lower: true, transpose: false, unit: false };

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
        for (batch, n, m) in [
            (&[][..], 1, 1),
            (&[], 3, 1),
            (&[2], 4, 3),
            (&[2, 2], 5, 2),
            (&[], 33, 1),
            (&[2], 100, 7),
            (&[], 70, 40),
            (&[], 0, 3),
            (&[2], 3, 0),
            (&[0], 3, 2),
        ] {
            let dims = |r, c| batch.iter().copied().chain([r, c]).collect::<Vec<usize>>();
            for (lower, transpose) in [(true, false), (true, true), (false, false), (false, true)] {
                let (values, right) = (triangles(&mut rng, count(batch), n, lower), rng.real(count(batch) * n * m));
                for dtype in [DType::F32, DType::F64] {
                    let eps = if dtype == DType::F32 { 1e-6 } else { 1e-15 };
                    for (a, b) in Strided::layouts(dtype, &dims(n, n), &values).iter().zip(Strided::layouts(dtype, &dims(n, m), &right)) {
                        let mut dst = Strided::out(dtype, &dims(n, m));
                        solve_triangular(
                            &Ranges::new(None),
                            "solve_triangular",
                            a.view(),
                            b.view(),
                            Triangle { lower, transpose, unit: false },
                            &mut dst.view_mut(),
                        )
                        .unwrap();
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
        solve_triangular(&Ranges::new(None), "solve_triangular", a.view(), b.view(), LOWER, &mut dst.view_mut()).unwrap();
        assert_eq!(dst.values(), [1.0, 2.0, 2.0, 0.0, 0.0, 1.0]);
        // One right side for each matrix, without an axis of columns.
        let b = Strided::new(DType::F64, &[2], &[2.0, 9.0]);
        let repeated = Strided::new(DType::F64, &[1, 2], &[2.0, 9.0]).repeat(0, 3);
        let mut dst = Strided::out(DType::F64, &[3, 2]);
        solve_triangular(&Ranges::new(None), "solve_triangular", a.view(), repeated.view(), LOWER, &mut dst.view_mut()).unwrap();
        assert_eq!(dst.values(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
        let a = Strided::new(DType::F64, &[2, 2], &[2.0, 0.0, 1.0, 4.0]);
        let mut dst = Strided::out(DType::F64, &[2]);
        solve_triangular(
            &Ranges::new(None),
            "solve_triangular",
            a.view(),
            b.view(),
            Triangle { transpose: true, ..LOWER },
            &mut dst.view_mut(),
        )
        .unwrap();
        assert_eq!(dst.values(), [-0.125, 2.25]);
    }

    #[test]
    fn denormal_diagonals_are_divided_by() {
        // A diagonal of 1e-310 cannot be told from the solution by its reciprocal, which is infinite.
        for (lower, transpose) in [(true, false), (true, true), (false, false), (false, true)] {
            let corner = if lower { [0.0, 4.0] } else { [4.0, 0.0] };
            let a = Strided::new(DType::F64, &[2, 2], &[1e-310, corner[0] * 1e-310, corner[1] * 1e-310, 2e-310]);
            let b = Strided::new(DType::F64, &[2, 1], &[2e-310, 2e-310]);
            let mut dst = Strided::out(DType::F64, &[2, 1]);
            solve_triangular(
                &Ranges::new(None),
                "solve_triangular",
                a.view(),
                b.view(),
                Triangle { lower, transpose, unit: false },
                &mut dst.view_mut(),
            )
            .unwrap();
            let expected = if lower != transpose { [2.0, -3.0] } else { [-2.0, 1.0] };
            for (x, y) in dst.values().iter().zip(expected) {
                assert!((x - y).abs() < 1e-10, "{x} {y}");
            }
        }
    }

    #[test]
    fn a_zero_on_the_diagonal_is_named() {
        let fails = |dims: &[usize], values: &[f64], got: &str| {
            let a = Strided::new(DType::F64, dims, values);
            let mut right = dims.to_vec();
            right[dims.len() - 1] = 1;
            let b = Strided::new(DType::F64, &right, &vec![1.0; count(&right)]);
            let mut dst = Strided::out(DType::F64, &right);
            let e = solve_triangular(&Ranges::new(None), "solve_triangular", a.view(), b.view(), LOWER, &mut dst.view_mut())
                .map_err(|e| (e.kind(), e.to_string()));
            let text =
                format!("solve_triangular: matrix is singular. Got 0 on the diagonal in row {got}; expected a diagonal without zeros.");
            assert_eq!(e, Err((ErrorKind::LinAlg, text)));
        };
        fails(&[2, 2], &[1.0, 0.0, 0.0, -0.0], "1");
        fails(&[3, 1, 1], &[1.0, 2.0, 0.0], "0 in matrix 2");
        fails(&[1, 2, 1, 1], &[1.0, 0.0], "0 in matrix (0, 1)");
    }
}
