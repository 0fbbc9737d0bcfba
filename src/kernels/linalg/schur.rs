//! The real Schur form of a matrix.
//!
//! Householder's reduction to Hessenberg form, then Francis's implicit double shifts (G. H. Golub, C. F. Van Loan: Matrix Computations,
//! algorithms 7.4.2 and 7.5.1) with the criterion of M. Ahues and F. Tisseur (1997) for what is negligible, and blocks of two rows in
//! the standard form of Z. Bai and J. W. Demmel (1993): equal diagonals, and off the diagonal opposite signs.

use super::super::ranges::Ranges;
use super::dense::Room;
use super::factor::{NoConvergence, Real};
use super::{Batch, Fault, Matrices, Shared, reals};
use crate::array::{View, ViewMut};
use crate::error::Result;

const EPS: f64 = f64::EPSILON;
/// The least normal number in units of rounding: what is smaller is no more than noise.
const SMALL: f64 = f64::MIN_POSITIVE / EPS;

/// Bytes of scratch of [`schur`] for a batch of `count` matrices.
pub fn schur_bytes(count: usize, n: usize) -> usize {
    Batch::scratch_bytes(count, Room::bytes(0, 2 * n * n + 2 * n))
}

/// `a = z t z^T` over a batch (..., n, n) with orthogonal `z`. Both results are C-contiguous.
///
/// Infinities and NaN are an error of kind `LinAlg`, and so is an iteration that does not converge.
pub fn schur(ranges: &Ranges<'_>, op: &str, a: View<'_>, scratch: &mut [u8], t: &mut ViewMut<'_>, z: &mut ViewMut<'_>) -> Result<()> {
    let Some(matrices) = Matrices::new(a) else { return Ok(()) };
    let n = matrices.n;
    let batch = Batch { dims: matrices.batch, work: 2 * n * n * n + n, bytes: Room::bytes(0, 2 * n * n + 2 * n) };
    reals!(a.dtype(), T => {
        let (t, z) = (Shared(t.ptr().cast::<T>()), Shared(z.ptr().cast::<T>()));
        batch.each(ranges, op, scratch, &|i, scratch| {
            // SAFETY: the scratch has the bytes of the room, and matrix `i` has n x n elements of each result.
            unsafe {
                let mut room = Room::new(scratch, 0, 2 * n * n + 2 * n);
                let (h, v) = (room.take(n * n), room.take(n * n));
                load(&matrices, i, t.part(i * n * n, n * n), h);
                finite(n, h)?;
                decompose(n, h, v, room.take(2 * n)).map_err(|_| Fault::no_convergence())?;
                store(h, t.part(i * n * n, n * n));
                store(v, z.part(i * n * n, n * n));
            }
            Ok(())
        })
    })
}

/// Loads matrix `i`, row by row; `own` has room for it.
///
/// # Safety
/// As [`Matrices::load`].
pub(super) unsafe fn load<T: Real>(matrices: &Matrices<'_>, i: usize, own: &mut [T], to: &mut [f64]) {
    // SAFETY: by the contract.
    unsafe { matrices.load(i, own.as_mut_ptr(), true) };
    to.iter_mut().zip(own).for_each(|(to, x)| *to = x.wide());
}

/// Rounds results.
pub(super) fn store<T: Real>(from: &[f64], to: &mut [T]) {
    to.iter_mut().zip(from).for_each(|(to, &x)| *to = T::of(x));
}

/// An infinity or NaN, as an error.
pub(super) fn finite(n: usize, a: &[f64]) -> Result<(), Fault> {
    match a.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Fault::new("the matrix is not finite", format_args!("{} at ({}, {})", a[at], at / n, at % n), "finite numbers")),
        None => Ok(()),
    }
}

/// Replaces a matrix by its Schur form and writes the vectors, as columns, to `z`. `w` has `2 n` numbers.
pub(super) fn decompose(n: usize, h: &mut [f64], z: &mut [f64], w: &mut [f64]) -> Result<(), NoConvergence> {
    z.fill(0.0);
    z.iter_mut().step_by(n + 1).take(n).for_each(|z| *z = 1.0);
    hessenberg(n, h, z, w);
    let mut iteration = Iteration { n, h, z };
    let mut end = n;
    while end > 0 {
        end = iteration.deflate(end)?;
    }
    Ok(())
}

/// `v`, of which the first is 1, and `tau` of the reflection that takes `x` to `(beta, 0, ..)`; `x` becomes `v`.
fn reflection(x: &mut [f64]) -> (f64, f64) {
    let most = x.iter().skip(1).fold(0.0f64, |m, x| m.max(x.abs()));
    if most == 0.0 {
        let beta = x[0];
        x[0] = 1.0;
        return (0.0, beta);
    }
    let most = most.max(x[0].abs());
    let size = most * x.iter().map(|x| (x / most) * (x / most)).sum::<f64>().sqrt();
    let alpha = x[0];
    let beta = if alpha >= 0.0 { -size } else { size };
    x.iter_mut().skip(1).for_each(|x| *x /= alpha - beta);
    x[0] = 1.0;
    ((beta - alpha) / beta, beta)
}

/// Reduces `a` to Hessenberg form and applies the reflections to `z` from the right.
fn hessenberg(n: usize, a: &mut [f64], z: &mut [f64], w: &mut [f64]) {
    let (v, w) = w.split_at_mut(n);
    for k in 0..n.saturating_sub(2) {
        let (first, m) = (k + 1, n - k - 1);
        (0..m).for_each(|i| v[i] = a[(first + i) * n + k]);
        let (tau, beta) = reflection(&mut v[..m]);
        if tau == 0.0 {
            continue;
        }
        let v = &v[..m];
        for matrix in [&mut *a, &mut *z] {
            for row in matrix.chunks_exact_mut(n) {
                let dot: f64 = row[first..].iter().zip(v).map(|(x, v)| x * v).sum();
                row[first..].iter_mut().zip(v).for_each(|(x, v)| *x -= tau * dot * v);
            }
        }
        w.fill(0.0);
        for (row, &v) in a[first * n..].chunks_exact(n).zip(v) {
            w.iter_mut().zip(row).for_each(|(w, x)| *w += v * x);
        }
        for (row, &v) in a[first * n..].chunks_exact_mut(n).zip(v) {
            row.iter_mut().zip(&*w).for_each(|(x, w)| *x -= tau * v * w);
        }
        a[first * n + k] = beta;
        (first + 1..n).for_each(|i| a[i * n + k] = 0.0);
    }
}

/// A Hessenberg matrix on its way to Schur form.
struct Iteration<'a> {
    n: usize,
    h: &'a mut [f64],
    z: &'a mut [f64],
}

impl Iteration<'_> {
    fn at(&self, i: usize, j: usize) -> f64 {
        self.h[i * self.n + j]
    }

    /// Finishes the last one or two rows of those before `end`; how many are left.
    fn deflate(&mut self, end: usize) -> Result<usize, NoConvergence> {
        let last = end - 1;
        for step in 1..=30 * self.n.max(10) {
            let low = self.split(last);
            if low > 0 {
                self.h[low * self.n + low - 1] = 0.0;
            }
            if low == last {
                return Ok(last);
            }
            if low + 1 == last {
                self.standardise(low);
                return Ok(low);
            }
            let shifts = self.shifts(low, last, step);
            self.sweep(low, last, shifts);
        }
        Err(NoConvergence)
    }

    /// The first row of the last part that does not fall apart.
    fn split(&self, last: usize) -> usize {
        for k in (1..=last).rev() {
            let below = self.at(k, k - 1).abs();
            let mut size = self.at(k - 1, k - 1).abs() + self.at(k, k).abs();
            if below <= SMALL {
                return k;
            }
            if size == 0.0 {
                size += if k >= 2 { self.at(k - 1, k - 2).abs() } else { 0.0 };
                size += if k < last { self.at(k + 1, k).abs() } else { 0.0 };
            }
            if below <= EPS * size {
                let above = self.at(k - 1, k).abs();
                let (most, least) = (below.max(above), below.min(above));
                let (d, gap) = (self.at(k, k).abs(), (self.at(k - 1, k - 1) - self.at(k, k)).abs());
                let (a, b) = (d.max(gap), d.min(gap));
                let s = a + most;
                if least * (most / s) <= SMALL.max(EPS * (b * (a / s))) {
                    return k;
                }
            }
        }
        0
    }

    /// Real and imaginary parts of the two shifts: the eigenvalues of the last block, and of something else now and then.
    fn shifts(&self, low: usize, last: usize, step: usize) -> [[f64; 2]; 2] {
        let unusual = |s: f64, d: f64| [0.75 * s + d, -0.4375 * s, s, 0.75 * s + d];
        let [a, b, c, d] = if step.is_multiple_of(20) {
            unusual(self.at(last, last - 1).abs() + self.at(last - 1, last - 2).abs(), self.at(last, last))
        } else if step.is_multiple_of(10) {
            unusual(self.at(low + 1, low).abs() + self.at(low + 2, low + 1).abs(), self.at(low, low))
        } else {
            [self.at(last - 1, last - 1), self.at(last - 1, last), self.at(last, last - 1), self.at(last, last)]
        };
        let s = a.abs() + b.abs() + c.abs() + d.abs();
        if s == 0.0 {
            return [[0.0; 2]; 2];
        }
        let (a, b, c, d) = (a / s, b / s, c / s, d / s);
        let mean = (a + d) / 2.0;
        let det = (a - mean) * (d - mean) - b * c;
        let root = det.abs().sqrt();
        if det >= 0.0 {
            return [[mean * s, root * s], [mean * s, -root * s]];
        }
        let (x, y) = (mean + root, mean - root);
        let near = if (x - d).abs() <= (y - d).abs() { x } else { y };
        [[near * s, 0.0]; 2]
    }

    /// One double step on rows `low ..= last`, at least three.
    fn sweep(&mut self, low: usize, last: usize, [[r1, i1], [r2, i2]]: [[f64; 2]; 2]) {
        let n = self.n;
        let mut v;
        let mut first = last - 2;
        // Where two small elements follow each other the step may start.
        loop {
            let (m, d) = (first, self.at(first, first));
            let below = self.at(m + 1, m);
            let s = (d - r2).abs() + i2.abs() + below.abs();
            let h = below / s;
            v = [
                h * self.at(m, m + 1) + (d - r1) * ((d - r2) / s) - i1 * (i2 / s),
                h * (d + self.at(m + 1, m + 1) - r1 - r2),
                h * self.at(m + 2, m + 1),
            ];
            let s = v[0].abs() + v[1].abs() + v[2].abs();
            v = v.map(|x| x / s);
            if m == low {
                break;
            }
            let around = self.at(m - 1, m - 1).abs() + d.abs() + self.at(m + 1, m + 1).abs();
            if self.at(m, m - 1).abs() * (v[1].abs() + v[2].abs()) <= EPS * v[0].abs() * around {
                break;
            }
            first -= 1;
        }
        for k in first..last {
            let width = (last - k + 1).min(3);
            if k > first {
                (0..width).for_each(|i| v[i] = self.at(k + i, k - 1));
            }
            let (tau, beta) = reflection(&mut v[..width]);
            if k > first {
                self.h[k * n + k - 1] = beta;
                (1..width).for_each(|i| self.h[(k + i) * n + k - 1] = 0.0);
            } else if first > low {
                // The element is the first of a column whose others are negligible.
                self.h[k * n + k - 1] *= 1.0 - tau;
            }
            let v = &v[..width];
            for j in k..n {
                let dot: f64 = v.iter().enumerate().map(|(i, v)| v * self.h[(k + i) * n + j]).sum();
                v.iter().enumerate().for_each(|(i, v)| self.h[(k + i) * n + j] -= tau * dot * v);
            }
            let rows = (k + 4).min(last + 1);
            for row in self.h[..rows * n].chunks_exact_mut(n).chain(self.z.chunks_exact_mut(n)) {
                let dot: f64 = row[k..].iter().zip(v).map(|(x, v)| x * v).sum();
                row[k..].iter_mut().zip(v).for_each(|(x, v)| *x -= tau * dot * v);
            }
        }
    }

    /// Brings rows `k` and `k + 1` to standard form.
    fn standardise(&mut self, k: usize) {
        let n = self.n;
        let ([a, b, c, d], [cosine, sine]) = standard([self.at(k, k), self.at(k, k + 1), self.at(k + 1, k), self.at(k + 1, k + 1)]);
        for j in k + 2..n {
            let (x, y) = (self.at(k, j), self.at(k + 1, j));
            self.h[k * n + j] = cosine * x + sine * y;
            self.h[(k + 1) * n + j] = cosine * y - sine * x;
        }
        for row in self.h[..k * n].chunks_exact_mut(n).chain(self.z.chunks_exact_mut(n)) {
            let (x, y) = (row[k], row[k + 1]);
            (row[k], row[k + 1]) = (cosine * x + sine * y, cosine * y - sine * x);
        }
        (self.h[k * n + k], self.h[k * n + k + 1]) = (a, b);
        (self.h[(k + 1) * n + k], self.h[(k + 1) * n + k + 1]) = (c, d);
    }
}

/// The standard form of a block `[a, b; c, d]`, and the cosine and sine of the rotation that gives it: either `c` is 0, or the diagonal
/// is one number and `b c < 0`.
fn standard([a, b, c, d]: [f64; 4]) -> ([f64; 4], [f64; 2]) {
    if c == 0.0 {
        return ([a, b, c, d], [1.0, 0.0]);
    }
    if b == 0.0 {
        return ([d, -c, 0.0, a], [0.0, 1.0]);
    }
    if a == d && (b < 0.0) != (c < 0.0) {
        return ([a, b, c, d], [1.0, 0.0]);
    }
    let gap = a - d;
    let p = 0.5 * gap;
    let most = b.abs().max(c.abs());
    let least = b.abs().min(c.abs()) * b.signum() * c.signum();
    let scale = p.abs().max(most);
    let z = (p / scale) * p + (most / scale) * least;
    if z >= 4.0 * EPS {
        // Real eigenvalues, apart.
        let z = p + (scale.sqrt() * z.sqrt()).copysign(p);
        let tau = c.hypot(z);
        return ([d + z, b - c, 0.0, d - (most / z) * least], [z / tau, c / tau]);
    }
    // A pair, or two that are nearly equal: equal diagonals first.
    let sigma = b + c;
    let tau = sigma.hypot(gap);
    let cosine = (0.5 * (1.0 + sigma.abs() / tau)).sqrt();
    let sine = -(p / (tau * cosine)) * 1f64.copysign(sigma);
    let (aa, bb, cc, dd) = (a * cosine + b * sine, b * cosine - a * sine, c * cosine + d * sine, d * cosine - c * sine);
    let (a, b, c, d) = (aa * cosine + cc * sine, bb * cosine + dd * sine, cc * cosine - aa * sine, dd * cosine - bb * sine);
    let mean = 0.5 * (a + d);
    if c == 0.0 {
        return ([mean, b, c, mean], [cosine, sine]);
    }
    if b == 0.0 {
        return ([mean, -c, 0.0, mean], [-sine, cosine]);
    }
    if (b < 0.0) != (c < 0.0) {
        return ([mean, b, c, mean], [cosine, sine]);
    }
    let (sb, sc) = (b.abs().sqrt(), c.abs().sqrt());
    let p = (sb * sc).copysign(c);
    let tau = 1.0 / (b + c).abs().sqrt();
    let (c1, s1) = (sb * tau, sc * tau);
    ([mean + p, b - c, 0.0, mean - p], [cosine * c1 - sine * s1, cosine * s1 + sine * c1])
}
