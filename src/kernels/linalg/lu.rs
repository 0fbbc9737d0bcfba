//! Factors of a square matrix with exchanged rows, and what is computed from them.

use std::ops::Range;

use super::super::level3::System;
use super::super::ranges::Ranges;
use super::factor::{Factor, Real};
use super::small::{self, Small, Source, Target};
use super::{Batch, Fault, Matrices, Shared, by_rows, carved, carved_bytes, reals};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Bytes of scratch of [`lu`] for a batch of `count` matrices.
pub fn lu_bytes(count: usize, n: usize, dtype: DType) -> usize {
    if n <= small::SIDE {
        return 0;
    }
    Batch::scratch_bytes(count, reals!(dtype, T => bytes::<T>(n)))
}

/// Bytes for one matrix.
fn bytes<T: Factor>(n: usize) -> usize {
    carved_bytes::<T>(n * n) + carved_bytes::<usize>(2 * n) + T::lu_bytes(n)
}

/// The factors of `a[order] = l u` over a batch (..., n, n): `factors` has `u` and, below the diagonal, `l` without its unit diagonal;
/// `pivots` has the row with which row `i` was exchanged, one exchange after the other. Both are C-contiguous.
///
/// A singular matrix has factors too: with a zero on the diagonal of `u`.
pub fn lu(
    ranges: &Ranges<'_>,
    op: &str,
    a: View<'_>,
    scratch: &mut [u8],
    factors: &mut ViewMut<'_>,
    pivots: &mut ViewMut<'_>,
) -> Result<()> {
    let Some(matrices) = Matrices::new(a) else { return Ok(()) };
    let n = matrices.n;
    let few = n <= small::SIDE;
    let bytes = if few { 0 } else { reals!(a.dtype(), T => bytes::<T>(n)) };
    let batch = Batch { dims: matrices.batch, work: n * n * n / 12 + n, bytes };
    let pivots = Shared(pivots.ptr().cast::<i32>());
    reals!(a.dtype(), T => {
        let factors = Shared(factors.ptr().cast::<T>());
        if few {
            return batch.groups(ranges, op, &mut [], T::GROUP, &|range, _| {
                // SAFETY: each matrix has n x n factors and n pivots of its own.
                let (a, factors, pivots) = unsafe {
                    (Source::new(&matrices, &range), Target::new(factors, n * n, &range), Target::new(pivots, n, &range))
                };
                T::together(range.len(), small::lu::Lu { a, factors, pivots });
                Ok(())
            });
        }
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: matrix `i` has n x n factors and n pivots of its own.
            unsafe {
                let (columns, rest) = carved::<T>(scratch, n * n);
                let (lists, rest) = carved::<usize>(rest, 2 * n);
                let (order, place) = lists.split_at_mut(n);
                matrices.load(i, columns.as_mut_ptr(), false);
                T::lu(columns, n, order, rest);
                by_rows([n, n], columns, factors.part(i * n * n, n * n));
                exchanges(order, place, pivots.part(i * n, n));
            }
            Ok(())
        })
    })
}

/// The exchanges, one after the other, that give an order of rows. `order` becomes anything.
fn exchanges(order: &mut [usize], place: &mut [usize], pivots: &mut [i32]) {
    // What stands at each place now, and where each row stands: `pivots` holds the former meanwhile.
    (0..order.len()).for_each(|i| (pivots[i], place[i]) = (i as i32, i));
    for i in 0..order.len() {
        let (here, wanted) = (pivots[i] as usize, order[i]);
        let at = place[wanted];
        (pivots[at], place[here]) = (here as i32, at);
        pivots[i] = at as i32;
    }
}

/// The error of a matrix with a pivot of zero.
fn singular(column: usize) -> Fault {
    Fault::new("matrix is singular", format_args!("a pivot of 0 in column {column}"), "an invertible matrix")
}

/// The factors of a batch of matrices, as [`lu`] gives them.
pub struct Factors<'a> {
    /// Of which the triangles are read.
    pub factors: View<'a>,
    /// Rows that were exchanged.
    pub pivots: View<'a>,
}

/// One matrix of [`Factors`].
pub(super) struct Factored<T> {
    pub n: usize,
    pub a: *const T,
    pub steps: [isize; 2],
    pub pivots: *const i32,
    pub step: isize,
}

impl<T: Factor> Factored<T> {
    /// The diagonal of the upper factor.
    fn diagonal(&self) -> impl Iterator<Item = T> + '_ {
        // SAFETY: the matrix has n rows and columns.
        (0..self.n as isize).map(|i| unsafe { *self.a.offset(i * (self.steps[0] + self.steps[1])) })
    }

    /// The row that row `i` was exchanged with.
    fn pivot(&self, i: usize) -> usize {
        // SAFETY: there are n pivots; what was not one is kept inside.
        (unsafe { *self.pivots.offset(i as isize * self.step) } as usize).min(self.n.saturating_sub(1))
    }

    /// Whether an odd number of rows was exchanged.
    fn odd(&self) -> bool {
        (0..self.n).filter(|&i| self.pivot(i) != i).count() % 2 == 1
    }

    /// A zero on the diagonal of `u`, as an error.
    fn regular(&self) -> Result<(), Fault> {
        self.diagonal().position(|x| x == T::ZERO).map_or(Ok(()), |i| Err(singular(i)))
    }

    /// Solves in place for `m` right sides, row by row.
    fn solve(&self, transpose: bool, x: &mut [T], m: usize) {
        let (n, [si, sj]) = (self.n, self.steps);
        let exchange = |i: usize, x: &mut [T]| {
            let j = self.pivot(i);
            if j != i {
                let (low, high) = (i.min(j), i.max(j));
                let (head, tail) = x.split_at_mut(high * m);
                head[low * m..(low + 1) * m].swap_with_slice(&mut tail[..m]);
            }
        };
        // The transposes of the factors are theirs in the other order.
        let [first, second] = if transpose { [(true, false), (false, true)] } else { [(true, true), (false, false)] };
        let steps = if transpose { [sj, si] } else { [si, sj] };
        if !transpose {
            (0..n).for_each(|i| exchange(i, x));
        }
        for (lower, unit) in [first, second] {
            // SAFETY: the matrix is n x n at these steps, and `x` n x m.
            unsafe { T::solve_triangular(&System { n, m, steps, lower, unit }, self.a, x.as_mut_ptr(), m) };
        }
        if transpose {
            (0..n).rev().for_each(|i| exchange(i, x));
        }
    }
}

impl<T: Small> Factored<T> {
    /// The determinant, and the ratio of the least pivot to the largest.
    pub fn measure(&self) -> (T, f64) {
        let (mut least, mut most) = (f64::INFINITY, 0.0f64);
        self.diagonal().for_each(|x| (least, most) = (least.min(x.abs().wide()), most.max(x.abs().wide())));
        (self.determinant(), if self.n == 0 { 1.0 } else { least / most })
    }

    fn determinant(&self) -> T {
        product(if self.odd() { -<T as Real>::ONE } else { <T as Real>::ONE }, self.diagonal())
    }

    /// The inverse, row by row; there is no pivot of zero.
    pub fn invert(&self, y: &mut [T]) {
        if self.n <= small::SIDE {
            // SAFETY: this matrix has n x n elements and n pivots.
            let job = unsafe {
                let to = Target::new(Shared(y.as_mut_ptr()), self.n * self.n, &(0..1));
                small::lu::Inverse { factors: self.alone(), to }
            };
            T::together(1, job);
            return;
        }
        y.fill(<T as Real>::ZERO);
        (0..self.n).for_each(|k| y[k * self.n + k] = <T as Real>::ONE);
        self.solve(false, y, self.n);
    }

    fn alone(&self) -> small::lu::Factored<T> {
        // SAFETY: this matrix has n x n elements and n pivots.
        unsafe {
            small::lu::Factored {
                a: Source::at(&(0..1), [self.n; 2], self.steps, |_| self.a),
                pivots: Source::at(&(0..1), [self.n, 1], [self.step, 0], |_| self.pivots),
            }
        }
    }
}

impl Factors<'_> {
    pub(super) fn matrix<T: Factor>(&self, i: usize) -> Factored<T> {
        let (dims, steps) = (self.factors.dims(), self.factors.strides());
        let n = dims.last().copied().unwrap_or(0);
        let at = |strides: &[isize], own: usize| {
            let mut number = i;
            let lead = dims.len().saturating_sub(2);
            let axes = dims[..lead].iter().zip(&strides[..strides.len().saturating_sub(own)]).rev();
            axes.fold(0, |at, (&d, &s)| {
                let index = number % d.max(1);
                number /= d.max(1);
                at + index as isize * s
            })
        };
        let (si, sj) = match steps {
            [.., si, sj] => (*si, *sj),
            _ => (0, 0),
        };
        // SAFETY: the views have a matrix and pivots for each number below the batch's count.
        let (a, pivots) = unsafe {
            (self.factors.ptr().cast::<T>().offset(at(steps, 2)), self.pivots.ptr().cast::<i32>().offset(at(self.pivots.strides(), 1)))
        };
        Factored { n, a, steps: [si, sj], pivots, step: self.pivots.strides().last().copied().unwrap_or(0) }
    }

    /// The factors of a group of small matrices.
    pub(super) fn group<T: Small>(&self, range: &Range<usize>) -> small::lu::Factored<T> {
        let one = self.matrix::<T>(range.start);
        // SAFETY: the views have a matrix and pivots for each number below the batch's count.
        unsafe {
            small::lu::Factored {
                a: Source::at(range, [one.n, one.n], one.steps, |i| self.matrix::<T>(i).a),
                pivots: Source::at(range, [one.n, 1], [one.step, 0], |i| self.matrix::<T>(i).pivots),
            }
        }
    }

    /// The axes in front of the matrices.
    fn batch(&self) -> &[usize] {
        let dims = self.factors.dims();
        &dims[..dims.len().saturating_sub(2)]
    }
}

/// X of `a X = b`, or of `a^T X = b` if `transpose`, over a batch; `b` and `dst` (C-contiguous) are (..., n, m), and all operands have
/// the lengths of the batch. A pivot of zero is an error of kind `LinAlg`.
pub fn solve(ranges: &Ranges<'_>, op: &str, a: &Factors<'_>, b: View<'_>, transpose: bool, dst: &mut ViewMut<'_>) -> Result<()> {
    let Some(right) = Matrices::new(b) else { return Ok(()) };
    let (n, m) = (right.m, right.n);
    let batch = Batch { dims: right.batch, work: n * n * m.max(4) / 8 + n * m, bytes: 0 };
    reals!(b.dtype(), T => {
        let dst = Shared(dst.ptr().cast::<T>());
        if n <= small::SIDE && m <= small::SIDE {
            return batch.groups(ranges, op, &mut [], T::GROUP, &|range, _| {
                // SAFETY: each matrix has n x m elements of its own.
                let (right, to) = unsafe { (Source::new(&right, &range), Target::new(dst, n * m, &range)) };
                let zeros = T::together(range.len(), small::lu::Solve { factors: a.group(&range), transpose, right, to });
                small::first(range, zeros, singular)
            });
        }
        batch.each(ranges, op, &mut [], &|i, _| {
            let own = a.matrix::<T>(i);
            own.regular()?;
            // SAFETY: matrix `i` has n x m elements of its own.
            let x = unsafe {
                right.load(i, dst.at(i * n * m), true);
                dst.part(i * n * m, n * m)
            };
            own.solve(transpose, x, m);
            Ok(())
        })
    })
}

/// The inverses, from the factors. A pivot of zero is an error of kind `LinAlg`.
pub fn inverse(ranges: &Ranges<'_>, op: &str, a: &Factors<'_>, dst: &mut ViewMut<'_>) -> Result<()> {
    let n = dst.dims().last().copied().unwrap_or(0);
    let batch = Batch { dims: a.batch(), work: n * n * n / 8 + n * n, bytes: 0 };
    reals!(dst.dtype(), T => {
        let dst = Shared(dst.ptr().cast::<T>());
        if n <= small::SIDE {
            return batch.groups(ranges, op, &mut [], T::GROUP, &|range, _| {
                // SAFETY: each matrix has n x n elements of its own.
                let to = unsafe { Target::new(dst, n * n, &range) };
                let zeros = T::together(range.len(), small::lu::Inverse { factors: a.group(&range), to });
                small::first(range, zeros, singular)
            });
        }
        batch.each(ranges, op, &mut [], &|i, _| {
            let own = a.matrix::<T>(i);
            own.regular()?;
            // SAFETY: matrix `i` has n x n elements of its own, which are written first.
            let x = unsafe {
                std::ptr::write_bytes(dst.at(i * n * n), 0, n * n);
                dst.part(i * n * n, n * n)
            };
            (0..n).for_each(|k| x[k * n + k] = T::ONE);
            own.solve(false, x, n);
            Ok(())
        })
    })
}

/// X of `a X = b` over a batch of small matrices; `factors` and `pivots`, as [`lu`] gives them, are left out if they have no elements though
/// the matrices have. All lengths of the batch are the same, and the results C-contiguous. A pivot of zero is an error of kind `LinAlg`.
pub fn factor_and_solve(ranges: &Ranges<'_>, op: &str, [a, b]: [View<'_>; 2], [x, factors, pivots]: [&mut ViewMut<'_>; 3]) -> Result<()> {
    let (Some(matrices), Some(right)) = (Matrices::new(a), Matrices::new(b)) else { return Ok(()) };
    let (n, m) = (right.m, right.n);
    let batch = Batch { dims: matrices.batch, work: n * n * (n + m.max(4)) / 8 + n * m, bytes: 0 };
    let wanted = factors.count() > 0;
    let pivots = Shared(pivots.ptr().cast::<i32>());
    reals!(a.dtype(), T => {
        let (x, factors) = (Shared(x.ptr().cast::<T>()), Shared(factors.ptr().cast::<T>()));
        batch.groups(ranges, op, &mut [], T::GROUP, &|range, _| {
            // SAFETY: each matrix has results of its own.
            let job = unsafe {
                small::lu::FactorAndSolve {
                    a: Source::new(&matrices, &range),
                    right: Source::new(&right, &range),
                    to: Target::new(x, n * m, &range),
                    factors: wanted.then(|| (Target::new(factors, n * n, &range), Target::new(pivots, n, &range))),
                }
            };
            small::first(range.clone(), T::together(range.len(), job), singular)
        })
    })
}

/// The inverses of a batch of small matrices; `dst` is C-contiguous. A pivot of zero is an error of kind `LinAlg`.
pub fn factor_and_invert(ranges: &Ranges<'_>, op: &str, a: View<'_>, dst: &mut ViewMut<'_>) -> Result<()> {
    let Some(matrices) = Matrices::new(a) else { return Ok(()) };
    let n = matrices.n;
    let batch = Batch { dims: matrices.batch, work: n * n * n / 4 + n * n, bytes: 0 };
    reals!(a.dtype(), T => {
        let dst = Shared(dst.ptr().cast::<T>());
        batch.groups(ranges, op, &mut [], T::GROUP, &|range, _| {
            // SAFETY: each matrix has n x n elements of its own.
            let job = unsafe { small::lu::FactorAndInvert { a: Source::new(&matrices, &range), to: Target::new(dst, n * n, &range) } };
            small::first(range.clone(), T::together(range.len(), job), singular)
        })
    })
}

/// The determinants, from the factors.
pub fn determinant(ranges: &Ranges<'_>, op: &str, a: &Factors<'_>, dst: &mut ViewMut<'_>) -> Result<()> {
    let batch = Batch { dims: a.batch(), work: a.factors.dims().last().copied().unwrap_or(0), bytes: 0 };
    reals!(dst.dtype(), T => {
        let dst = Shared(dst.ptr().cast::<T>());
        batch.each(ranges, op, &mut [], &|i, _| {
            // SAFETY: each matrix has an element of its own.
            unsafe { *dst.at(i) = a.matrix::<T>(i).determinant() };
            Ok(())
        })
    })
}

/// A product that overflows, or vanishes, only if the whole does.
fn product<T: Real>(first: T, list: impl Iterator<Item = T>) -> T {
    let (mut mantissa, mut exponent) = (first, 0i32);
    for x in list {
        mantissa *= x;
        let size = mantissa.abs().wide();
        if size == 0.0 || !size.is_finite() {
            // What a factor is itself, or what follows zero.
            if x == T::ZERO || !x.is_finite() || mantissa.wide().is_nan() {
                exponent = 0;
                continue;
            }
        }
        let wide = mantissa.wide();
        if wide != 0.0 && wide.is_finite() && !(1e-30..=1e30).contains(&wide.abs()) {
            let e = wide.abs().log2().floor() as i32;
            mantissa = T::of(wide * 2f64.powi(-e / 2) * 2f64.powi(-(e - e / 2)));
            exponent += e;
        }
    }
    let wide = mantissa.wide();
    let e = exponent.clamp(-4000, 4000);
    let (a, b) = (e / 4, e - e / 4 * 3);
    T::of(wide * 2f64.powi(a) * 2f64.powi(a) * 2f64.powi(a) * 2f64.powi(b))
}

/// The signs of determinants, and the logarithms of their magnitudes.
pub fn sign_and_log(ranges: &Ranges<'_>, op: &str, a: &Factors<'_>, sign: &mut ViewMut<'_>, log: &mut ViewMut<'_>) -> Result<()> {
    let batch = Batch { dims: a.batch(), work: 8 * a.factors.dims().last().copied().unwrap_or(0), bytes: 0 };
    reals!(sign.dtype(), T => {
        let (sign, log) = (Shared(sign.ptr().cast::<T>()), Shared(log.ptr().cast::<T>()));
        batch.each(ranges, op, &mut [], &|i, _| {
            let own = a.matrix::<T>(i);
            let (mut s, mut sum, mut product) = (if own.odd() { -1.0 } else { 1.0 }, 0.0, 1.0);
            // A logarithm of many factors at once.
            for x in own.diagonal() {
                let (x, ordinary) = (x.wide(), 1e-100..=1e100);
                s *= if x == 0.0 { 0.0 } else if x.is_nan() { f64::NAN } else { x.signum() };
                if ordinary.contains(&x.abs()) {
                    product *= x.abs();
                } else {
                    sum += x.abs().ln();
                }
                if !ordinary.contains(&product) {
                    sum += product.ln();
                    product = 1.0;
                }
            }
            sum += product.ln();
            // SAFETY: each matrix has elements of its own.
            unsafe { (*sign.at(i), *log.at(i)) = (T::of(s), T::of(sum)) };
            Ok(())
        })
    })
}

/// Rows of `x` (..., n, m) exchanged one after the other as `pivots` (..., n) says, or the other way. `dst` is C-contiguous.
pub fn exchange(ranges: &Ranges<'_>, x: View<'_>, pivots: View<'_>, back: bool, dst: &mut ViewMut<'_>) -> Result<()> {
    super::super::movement::copy(ranges, x, dst)?;
    let [batch @ .., n, m] = dst.dims() else { return Ok(()) };
    let (n, bytes) = (*n, m * dst.dtype().size());
    let step = pivots.strides().last().copied().unwrap_or(0);
    let mut to = dst.ptr();
    super::each_matrix(batch, [&pivots.strides()[..batch.len()]], |_, [o]| {
        // SAFETY: each matrix has n rows of so many bytes, and n pivots, which are kept inside.
        unsafe {
            let pivot = |i: usize| (*pivots.ptr().cast::<i32>().offset(o + i as isize * step) as usize).min(n - 1);
            let swap = |i: usize| {
                let j = pivot(i);
                if i != j {
                    std::ptr::swap_nonoverlapping(to.add(i * bytes), to.add(j * bytes), bytes);
                }
            };
            if back {
                (0..n).rev().for_each(swap)
            } else {
                (0..n).for_each(swap)
            }
            to = to.add(n * bytes);
        }
        ranges.did(n * m / 4)
    })
}
