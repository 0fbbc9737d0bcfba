//! Clusters of singular values and eigenvalues: those that are nearly equal, or nearly zero.

use super::super::ranges::Ranges;
use super::factor::Real;
use super::{Matrices, matrix_name, reals};
use crate::array::{View, ViewMut};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::count;

/// Values of `f64` that differ by less, in units of the largest, belong to one cluster: beyond it the plain rule is good to this fraction.
pub const NEAR64: f64 = 1e-5;
/// The same of `f32`.
pub const NEAR32: f64 = 3e-3;
/// Values are equal if they differ by less than so many roundings for each row of a matrix that has at least [`SHORT`] rows.
pub const ROUNDING: f64 = 4.0;
/// See [`ROUNDING`].
pub const SHORT: usize = 16;

/// How much of a loss may depend on the basis of a cluster by rounding, in units of its dependence on the vectors.
fn free<T: Real>() -> f64 {
    if size_of::<T>() == 8 { 1e-9 } else { 1e-3 }
}

fn near<T: Real>() -> f64 {
    if size_of::<T>() == 8 { NEAR64 } else { NEAR32 }
}

/// For each of the values in rows (..., k) of `s`, which ascend or descend, a step: zero for a value by itself. Inside a cluster steps
/// are a centred progression that rises with the value; if `zeros`, in a cluster of values near zero they are 1, 2, 3, ..., the least
/// first, so that sums of two steps are no zeros either. `dst` is C-contiguous.
pub fn steps(ranges: &Ranges<'_>, s: View<'_>, zeros: bool, dst: &mut ViewMut<'_>) -> Result<()> {
    let k = s.dims().last().copied().unwrap_or(0);
    if k == 0 {
        return Ok(());
    }
    reals!(s.dtype(), T => {
        let to = dst.ptr().cast::<T>();
        for number in 0..s.count() / k {
            // SAFETY: each row has k numbers of its own.
            row_steps(&row_of::<T>(s, number, k), near::<T>(), zeros, |i, t| unsafe { *to.add(number * k + i) = T::of(t) });
            ranges.did(4 * k)?;
        }
    });
    Ok(())
}

/// The steps of one row.
fn row_steps(s: &[f64], near: f64, zeros: bool, mut set: impl FnMut(usize, f64)) {
    let link = relative(s, near);
    for run in runs(s, link) {
        let (own, n) = (&s[run.clone()], run.len());
        let zero = zeros && own.iter().any(|x| x.abs() <= link);
        // The order of the values, equals in the order in which they stand.
        let rises = own[n - 1] > own[0];
        for (i, at) in run.enumerate() {
            let rank = if rises { i } else { n - 1 - i };
            set(at, if zero { rank as f64 + 1.0 } else { rank as f64 - (n - 1) as f64 / 2.0 });
        }
    }
}

/// The values of a row.
pub(super) fn row_of<T: Real>(s: View<'_>, mut number: usize, k: usize) -> Vec<f64> {
    let (dims, strides) = (s.dims(), s.strides());
    let mut at = 0;
    for (&n, &step) in dims.iter().zip(strides).rev().skip(1) {
        at += (number % n.max(1)) as isize * step;
        number /= n.max(1);
    }
    let step = strides.last().copied().unwrap_or(0);
    // SAFETY: the view has k numbers in each row.
    (0..k as isize).map(|i| unsafe { *s.ptr().cast::<T>().offset(at + i * step) }.wide()).collect()
}

/// The vectors `u` (..., m, k), as columns, turned among those of equal values `s` (..., k) of a matrix whose longer side is `length`. If
/// `zeros`, those of values of zero are turned by other angles if `left`, and with a vector of the complement if there is one. `dst` is
/// C-contiguous.
pub fn turn(ranges: &Ranges<'_>, u: View<'_>, s: View<'_>, length: usize, zeros: bool, left: bool, dst: &mut ViewMut<'_>) -> Result<()> {
    let Some(matrices) = Matrices::new(u) else { return Ok(()) };
    let (m, k) = (matrices.m, matrices.n);
    reals!(u.dtype(), T => {
        let eps = ROUNDING * length.max(SHORT) as f64 * T::EPSILON.wide();
        let to = dst.ptr().cast::<T>();
        for number in 0..count(matrices.batch) {
            // SAFETY: matrix `number` has m x k elements of its own.
            let y = unsafe {
                matrices.load(number, to.add(number * m * k), true);
                std::slice::from_raw_parts_mut(to.add(number * m * k), m * k)
            };
            turn_one(y, m, k, &row_of::<T>(s, number, k), eps, zeros, left);
            ranges.did(m * k * 4)?;
        }
    });
    Ok(())
}

/// The first and the last but one place of each run of values that differ by at most `equal`.
fn runs(s: &[f64], equal: f64) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let mut first = 0;
    std::iter::from_fn(move || {
        let start = first;
        first += 1;
        while first < s.len() && (s[first] - s[first - 1]).abs() <= equal {
            first += 1;
        }
        (start < s.len()).then_some(start..first)
    })
}

/// A fraction of the largest magnitude, or of 1 if that is 0.
fn relative(s: &[f64], fraction: f64) -> f64 {
    let most = s.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    fraction * if most > 0.0 { most } else { 1.0 }
}

/// The values `s` (..., k) of a matrix whose longer side is `length`, those that are equal up to rounding made equal, and those near zero
/// made zero if `zeros`. `dst` is C-contiguous.
pub fn equalise(ranges: &Ranges<'_>, s: View<'_>, length: usize, zeros: bool, dst: &mut ViewMut<'_>) -> Result<()> {
    let k = s.dims().last().copied().unwrap_or(0);
    if k == 0 {
        return Ok(());
    }
    reals!(s.dtype(), T => {
        let eps = ROUNDING * length.max(SHORT) as f64 * T::EPSILON.wide();
        let to = dst.ptr().cast::<T>();
        for number in 0..s.count() / k {
            let values = row_of::<T>(s, number, k);
            let equal = relative(&values, eps);
            for run in runs(&values, equal) {
                let own = &values[run.clone()];
                let zero = zeros && own.iter().any(|x| x.abs() <= equal);
                let mean = if zero { 0.0 } else { own.iter().sum::<f64>() / own.len() as f64 };
                // SAFETY: each row has k numbers of its own.
                run.for_each(|i| unsafe { *to.add(number * k + i) = T::of(mean) });
            }
            ranges.did(4 * k)?;
        }
    });
    Ok(())
}

fn turn_one<T: Real>(y: &mut [T], m: usize, k: usize, s: &[f64], eps: f64, zeros: bool, left: bool) {
    let equal = relative(s, eps);
    for std::ops::Range { start: first, end } in runs(s, equal) {
        let zero = zeros && s[first..end].iter().any(|x| x.abs() <= equal);
        let side = if zero && left { 1.3 } else { 0.0 };
        for i in first..end {
            for j in i + 1..end {
                // Angles that are no simple parts of a circle.
                let angle = 0.7 + 0.31 * (i - first) as f64 + 0.17 * (j - first) as f64 + side;
                let (sine, cosine) = (T::of(angle.sin()), T::of(angle.cos()));
                for r in 0..m {
                    let (a, b) = (y[r * k + i], y[r * k + j]);
                    (y[r * k + i], y[r * k + j]) = (cosine * a - sine * b, sine * a + cosine * b);
                }
            }
        }
        if zero && m > k {
            let mut w: Vec<T> = (0..m).map(|r| T::of((1.0 + 2.4 * r as f64).sin())).collect();
            for _ in 0..2 {
                for c in 0..k {
                    let dot = (0..m).fold(T::ZERO, |sum, r| sum + y[r * k + c] * w[r]);
                    (0..m).for_each(|r| w[r] -= dot * y[r * k + c]);
                }
            }
            let size = w.iter().fold(T::ZERO, |sum, &x| sum + x * x).sqrt();
            if size > T::ZERO {
                let (sine, cosine) = (T::of(0.9f64.sin()), T::of(0.9f64.cos()));
                (0..m).for_each(|r| y[r * k + first] = cosine * y[r * k + first] + sine * w[r] / size);
            }
        }
    }
}

/// An error of kind `LinAlg` if an entry of `excess` (..., r, k) is larger than rounding explains. `between` says what the entry at row `i`
/// and column `j` stands between: values `i` and `j`, the same with opposite signs, or value `j` and the left or right complement.
pub fn basis_free(ranges: &Ranges<'_>, op: &str, excess: View<'_>, s: View<'_>, between: usize) -> Result<()> {
    let Some(matrices) = Matrices::new(excess) else { return Ok(()) };
    let (rows, k) = (matrices.m, matrices.n);
    reals!(excess.dtype(), T => {
        let mut own = vec![T::ZERO; rows * k];
        for number in 0..count(matrices.batch) {
            // SAFETY: there is room for the matrix.
            unsafe { matrices.load(number, own.as_mut_ptr(), true) };
            let worst = own.iter().enumerate().fold((free::<T>(), None), |(most, at), (i, x)| {
                if x.wide() > most { (x.wide(), Some(i)) } else { (most, at) }
            });
            if let (amount, Some(at)) = worst {
                let values = row_of::<T>(s, number, s.dims().last().copied().unwrap_or(0));
                return Err(gauge_error(op, (at / k, at % k), &values, between, amount, &matrix_name(matrices.batch, number)));
            }
            ranges.did(rows * k)?;
        }
    });
    Ok(())
}

fn gauge_error(op: &str, (i, j): (usize, usize), s: &[f64], between: usize, amount: f64, name: &str) -> Error {
    let value = |i: usize| s.get(i).copied().unwrap_or(0.0);
    let (i, j) = (i.min(j), if between < 2 { i.max(j) } else { j });
    let pair = match between {
        0 | 1 => {
            let gap = if between == 0 { (value(i) - value(j)).abs() } else { value(i) + value(j) };
            let what = if between == 0 { "a gap" } else { "a sum" };
            format!("values {i} and {j}, {:e} and {:e}, with {what} of {gap:e}", value(i), value(j))
        }
        2 => format!("value {j}, {:e}, beside the complement of the left vectors", value(j)),
        _ => format!("value {j}, {:e}, beside the complement of the right vectors", value(j)),
    };
    let got = format_args!("{pair}{name}, between whose vectors the loss changes by {amount:.1e} of its change with the vectors");
    let rule = "a loss that is the same for every basis of the vectors of equal values";
    Error::new(ErrorKind::LinAlg, op, "the loss depends on an arbitrary basis and has no derivative", got, rule)
        .help("use functions of the whole space of equal values, as `u @ f(s) @ vh`, or of the values alone")
}
