//! Implicit QL or QR for symmetric tridiagonal matrices.
//!
//! The steps are those without square roots of Pal, Walker and Kahan (Parlett: The Symmetric Eigenvalue Problem, section 8.15; LAPACK's `dsterf`),
//! for their short chain of operations. The squares of the cosines and sines that they give are enough to rotate eigenvectors: their roots are taken
//! together, and their signs follow from those of the other numbers.

use super::super::factor::NoConvergence;
use super::chunks::{Chunk, fma};
use super::rotations::{Rotations, Sweep};

/// Sweeps per eigenvalue before the iteration is given up.
const SWEEPS: usize = 30;

/// The square of the relative size of an off-diagonal element that is taken as zero.
const NEGLIGIBLE: f64 = f64::EPSILON * f64::EPSILON / 4.0;

/// The square of an off-diagonal element that is taken as zero in a matrix of size 1: far from underflow in products of several squares.
const ABSOLUTE: f64 = 1e-80;

/// Sweeps without a result after which rounding errors are taken to keep off-diagonal elements from becoming small beside small neighbours.
const PATIENCE: usize = 10;

/// The square of an off-diagonal element that is then taken as zero: a rounding error of the largest elements.
const ROUNDING: f64 = f64::EPSILON * f64::EPSILON;

/// Sums of squares below this are as good as zero in a matrix of size 1.
const SMALL_SQUARE: f64 = 1e-100;

/// Squares of cosines below this are as good as zero.
const SMALL_COSINE: f64 = 1e-60;

/// Rows by which a second sweep follows the first: what it reads is final, and not just being computed.
const LAG: usize = 2;

/// Rotations of a sweep that a second one follows.
const LONG: usize = 3;

/// The square of what stands beside the last two rows, as part of a gap, with which their second eigenvalue is worth a sweep. Measured for random
/// matrices: many fewer steps one after the other than without second sweeps, few more rotations.
const APART: f64 = 0.05;

/// Whether an off-diagonal element, given by its square, is nothing beside its neighbours, after `idle` sweeps without a result.
#[inline(always)]
fn negligible(e: f64, d0: f64, d1: f64, idle: usize) -> bool {
    e <= (d0 * d1).abs() * NEGLIGIBLE + if idle > PATIENCE { ROUNDING } else { ABSOLUTE }
}

/// Eigenvalues of a tridiagonal matrix with the diagonal `d` and squares of off-diagonal elements `e`, whose signs are in `signs`.
#[inline(always)]
pub fn iterate<const R: usize, const F: bool>(
    d: &mut [f64],
    e: &mut [f64],
    signs: &mut [f64],
    mut vectors: Option<(&mut Rotations<'_>, &mut [Chunk])>,
) -> Result<(), NoConvergence> {
    let n = d.len();
    let mut left = SWEEPS * n;
    let mut start = 0;
    let mut idle = 0;
    while start < n {
        let mut end = start;
        while end + 1 < n && !negligible(e[end], d[end], d[end + 1], 0) {
            end += 1;
        }
        // Sweeps end where the numbers are smaller: graded matrices converge there first, with small errors.
        if d[end].abs() < d[start].abs() {
            let mut last = end;
            while last > start {
                let mut first = last;
                while first > start && !negligible(e[first - 1], d[first - 1], d[first], idle) {
                    first -= 1;
                }
                if first == last {
                    last -= 1;
                    idle = 0;
                    continue;
                }
                idle += 1;
                step::<true, R, F>(d, e, signs, first, last, &mut vectors, &mut left)?;
            }
        } else {
            let mut first = start;
            while first < end {
                let mut last = first;
                while last < end && !negligible(e[last], d[last], d[last + 1], idle) {
                    last += 1;
                }
                if first == last {
                    first += 1;
                    idle = 0;
                    continue;
                }
                idle += 1;
                step::<false, R, F>(d, e, signs, first, last, &mut vectors, &mut left)?;
            }
        }
        start = end + 1;
    }
    Ok(())
}

/// A sweep over rows `first..=last`, with its rotations if vectors are wanted.
#[inline(always)]
fn step<const UP: bool, const R: usize, const F: bool>(
    d: &mut [f64],
    e: &mut [f64],
    signs: &mut [f64],
    first: usize,
    last: usize,
    vectors: &mut Option<(&mut Rotations<'_>, &mut [Chunk])>,
    left: &mut usize,
) -> Result<(), NoConvergence> {
    *left = left.checked_sub(1).ok_or(NoConvergence)?;
    let n = d.len();
    let steps = last - first;
    let (d, e, signs) = (&mut d[first..=last], &mut e[first..last], &mut signs[first..last]);
    let start = if UP { first } else { last };
    let Some((rotations, basis)) = vectors else {
        if !pays::<UP>(d, e) {
            single::<UP, false, F>(d, e, signs, Sweep::none());
        } else {
            double::<UP, false, F>(d, e, signs, [Sweep::none(), Sweep::none()]);
        }
        return Ok(());
    };
    if rotations.full(steps) {
        rotations.apply::<R>(basis, n, n);
        rotations.clear();
    }
    if !pays::<UP>(d, e) {
        let Sweep { c, s } = rotations.sweep::<UP>(start, steps);
        single::<UP, true, F>(d, e, signs, Sweep { c, s });
        roots(c);
        roots(s);
    } else {
        let [Sweep { c: c0, s: s0 }, Sweep { c: c1, s: s1 }] = rotations.two_sweeps::<UP>(start, steps);
        double::<UP, true, F>(d, e, signs, [Sweep { c: c0, s: s0 }, Sweep { c: c1, s: s1 }]);
        for list in [c0, s0, c1, s1] {
            roots(list);
        }
    }
    Ok(())
}

/// Roots of magnitudes, with their signs.
#[inline(always)]
fn roots(list: &mut [f64]) {
    for x in list {
        *x = x.abs().sqrt().copysign(*x);
    }
}

/// Row `k`, counted from where a sweep begins.
#[inline(always)]
fn row<const UP: bool>(k: usize, steps: usize) -> usize {
    if UP { k } else { steps - k }
}

/// The off-diagonal element between rows `k` and `k + 1`, counted from where a sweep begins.
#[inline(always)]
fn beside<const UP: bool>(k: usize, steps: usize) -> usize {
    if UP { k } else { steps - 1 - k }
}

/// The eigenvalues of the last two rows of a sweep: the one nearer to the last element, which is Wilkinson's shift, and the other one.
#[inline(always)]
fn shifts<const UP: bool, const F: bool>(d: &[f64], e: &[f64]) -> [f64; 2] {
    let steps = e.len();
    let (near, end) = (d[row::<UP>(steps - 1, steps)], d[row::<UP>(steps, steps)]);
    let root = e[beside::<UP>(steps - 1, steps)].sqrt();
    let half = (near - end) / (2.0 * root);
    let change = root / (half + fma::<F>(half, half, 1.0).sqrt().copysign(half));
    [end - change, near + change]
}

/// Whether a second sweep, with the second shift, is likely to be of use.
#[inline(always)]
fn pays<const UP: bool>(d: &[f64], e: &[f64]) -> bool {
    let steps = e.len();
    if steps < LONG {
        return false;
    }
    let gap = d[row::<UP>(steps - 2, steps)] - d[row::<UP>(steps - 1, steps)];
    e[beside::<UP>(steps - 2, steps)] < APART * gap * gap
}

/// An implicit step from the first to the last row, or back. `list` gets the squares of the cosines and sines of its rotations, with the signs of
/// the cosines and sines, if `V`.
#[inline(always)]
fn single<const UP: bool, const V: bool, const F: bool>(d: &mut [f64], e: &mut [f64], signs: &mut [f64], mut list: Sweep<'_>) {
    let [shift, _] = shifts::<UP, F>(d, e);
    let mut chase = Chase::start::<UP>(d, shift);
    for k in 0..e.len() {
        chase.advance::<UP, V, F>(d, e, signs, k, &mut list);
    }
    chase.finish::<UP>(d, e, signs);
}

/// Two implicit steps, one close behind the other: each waits for its own divisions, so that both together take little longer than one.
#[inline(always)]
fn double<const UP: bool, const V: bool, const F: bool>(d: &mut [f64], e: &mut [f64], signs: &mut [f64], lists: [Sweep<'_>; 2]) {
    let steps = e.len();
    let [mut list, mut second_list] = lists;
    let [shift, second_shift] = shifts::<UP, F>(d, e);
    let mut chase = Chase::start::<UP>(d, shift);
    for k in 0..LAG {
        chase.advance::<UP, V, F>(d, e, signs, k, &mut list);
    }
    let mut second = Chase::start::<UP>(d, second_shift);
    for k in LAG..steps {
        chase.advance::<UP, V, F>(d, e, signs, k, &mut list);
        second.advance::<UP, V, F>(d, e, signs, k - LAG, &mut second_list);
    }
    chase.finish::<UP>(d, e, signs);
    for k in steps - LAG..steps {
        second.advance::<UP, V, F>(d, e, signs, k, &mut second_list);
    }
    second.finish::<UP>(d, e, signs);
}

/// An implicit step under way.
struct Chase {
    shift: f64,
    /// The squares of the last cosine and sine.
    c: f64,
    s: f64,
    gamma: f64,
    p: f64,
    /// The sign of the number whose square is `p`, and of the last cosine.
    sign: f64,
    cosine: f64,
}

impl Chase {
    /// Before the first rotation.
    #[inline(always)]
    fn start<const UP: bool>(d: &[f64], shift: f64) -> Self {
        let gamma = d[row::<UP>(0, d.len() - 1)] - shift;
        Chase { shift, c: 1.0, s: 0.0, gamma, p: gamma * gamma, sign: 1.0_f64.copysign(gamma), cosine: 1.0 }
    }

    /// Rotates rows `k` and `k + 1`.
    #[inline(always)]
    fn advance<const UP: bool, const V: bool, const F: bool>(
        &mut self,
        d: &mut [f64],
        e: &mut [f64],
        signs: &[f64],
        k: usize,
        list: &mut Sweep<'_>,
    ) {
        let steps = e.len();
        let square = e[beside::<UP>(k, steps)];
        let r = self.p + square;
        if k > 0 {
            e[beside::<UP>(k - 1, steps)] = self.s * r;
        }
        let alpha = d[row::<UP>(k + 1, steps)];
        let (last_c, last_gamma, last_cosine) = (self.c, self.gamma, self.cosine);
        self.cosine = self.sign;
        if r < SMALL_SQUARE {
            // The sweep before has cut the matrix here, and this one is at an eigenvalue of what it has passed: it begins anew.
            self.c = 1.0;
            self.s = 0.0;
            self.gamma = alpha - self.shift;
            self.p = self.gamma * self.gamma;
            self.sign = self.cosine.copysign(self.cosine * self.gamma);
        } else {
            let product = fma::<F>(self.p, alpha - self.shift, -(square * self.gamma));
            let inverse = 1.0 / r;
            self.c = self.p * inverse;
            self.s = square * inverse;
            self.gamma = product * inverse;
            if self.p > r * SMALL_COSINE {
                self.p = product * product / (r * self.p);
                self.sign = self.cosine.copysign(self.cosine * self.gamma);
            } else {
                self.p = last_c * square;
                self.sign = -last_cosine;
            }
        }
        if V {
            list.c[k] = self.c.copysign(self.cosine);
            list.s[k] = self.s.copysign(signs[beside::<UP>(k, steps)]);
        }
        d[row::<UP>(k, steps)] = last_gamma + (alpha - self.gamma);
    }

    /// After the last rotation.
    #[inline(always)]
    fn finish<const UP: bool>(self, d: &mut [f64], e: &mut [f64], signs: &mut [f64]) {
        let steps = e.len();
        let last = beside::<UP>(steps - 1, steps);
        e[last] = self.s * self.p;
        d[row::<UP>(steps, steps)] = self.shift + self.gamma;
        if self.sign < 0.0 {
            signs[last] *= -1.0;
        }
    }
}
