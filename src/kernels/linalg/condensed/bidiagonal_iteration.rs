//! Implicit QR for bidiagonal matrices (LAPACK's `dbdsqr`; Demmel and Kahan: Accurate singular values of bidiagonal matrices, 1990).

use super::super::factor::NoConvergence;
use super::chunks::{Chunk, fma};
use super::plane::{LARGE, Rotation, rotation, values};
use super::rotations::{Rotations, Sweep};

/// Sweeps per singular value before the iteration is given up.
const SWEEPS: usize = 30;

/// The relative size of an off-diagonal element that is taken as zero.
const NEGLIGIBLE: f64 = 2.0 * f64::EPSILON;

/// The size of an off-diagonal element that is taken as zero in a matrix of size 1.
const ABSOLUTE: f64 = 1e-290;

/// Sweeps without a result after which rounding errors are taken to keep off-diagonal elements from becoming small beside small neighbours.
const PATIENCE: usize = 10;

/// The size of an off-diagonal element that is then taken as zero: a rounding error of the largest elements.
const ROUNDING: f64 = f64::EPSILON;

/// Rows by which a second sweep follows the first: what it reads is final, and not just being computed.
const LAG: usize = 3;

/// Rotations of a sweep that a second one follows.
const LONG: usize = 4;

/// The square of what stands beside the last two rows, as part of a gap, with which their second singular value is worth a sweep. Measured for
/// random matrices: many fewer steps one after the other than without second sweeps, few more rotations.
const APART: f64 = 0.3;

/// A basis, and rotations to be applied to it.
pub struct Basis<'a> {
    /// Its panels.
    pub columns: &'a mut [Chunk],
    /// Its rows.
    pub rows: usize,
    /// The rotations.
    pub waiting: Rotations<'a>,
}

impl Basis<'_> {
    /// Applies the rotations.
    #[inline(always)]
    pub fn rotate<const R: usize>(&mut self, n: usize) {
        self.waiting.apply::<R>(self.columns, self.rows, n);
        self.waiting.clear();
    }
}

/// Whether an off-diagonal element is nothing beside its neighbours, after `idle` sweeps without a result.
#[inline(always)]
fn negligible(e: f64, d0: f64, d1: f64, idle: usize) -> bool {
    let (e, d0, d1) = (e.abs(), d0.abs(), d1.abs());
    let absolute = if idle > PATIENCE { ROUNDING } else { ABSOLUTE };
    e <= absolute + NEGLIGIBLE * if d0 > d1 { d0 } else { d1 }
}

/// Singular values of an upper bidiagonal matrix, with any sign, in `d`. The left basis comes first.
#[inline(always)]
pub fn iterate<const R: usize, const F: bool>(
    d: &mut [f64],
    e: &mut [f64],
    mut bases: Option<&mut [Basis<'_>; 2]>,
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
        if d[end].abs() <= d[start].abs() {
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
                left = left.checked_sub(1).ok_or(NoConvergence)?;
                step::<true, R, F>(d, e, [first, last], &mut bases);
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
                left = left.checked_sub(1).ok_or(NoConvergence)?;
                step::<false, R, F>(d, e, [first, last], &mut bases);
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
    [first, last]: [usize; 2],
    bases: &mut Option<&mut [Basis<'_>; 2]>,
) {
    let n = d.len();
    let steps = last - first;
    let (d, e) = (&mut d[first..=last], &mut e[first..last]);
    let Some([left, right]) = bases else {
        let mut none = [[Sweep::none(), Sweep::none()], [Sweep::none(), Sweep::none()]];
        match shifts::<UP, F>(d, e) {
            None => zero_shift::<UP, false, F>(d, e, &mut none[0]),
            Some([shift, _]) if !pays::<UP>(d, e) => single::<UP, false, F>(d, e, shift, &mut none[0]),
            Some(shifts) => double::<UP, false, F>(d, e, shifts, none),
        }
        return;
    };
    if left.waiting.full(steps) {
        left.rotate::<R>(n);
        right.rotate::<R>(n);
    }
    // From the last row to the first the matrix is swept as its transpose.
    let (left, right) = if UP { (left, right) } else { (right, left) };
    let (left, right) = (&mut left.waiting, &mut right.waiting);
    let start = if UP { first } else { last };
    let shifts = shifts::<UP, F>(d, e);
    if let Some(shifts) = shifts
        && pays::<UP>(d, e)
    {
        let ([l0, l1], [r0, r1]) = (left.two_sweeps::<UP>(start, steps), right.two_sweeps::<UP>(start, steps));
        double::<UP, true, F>(d, e, shifts, [[l0, r0], [l1, r1]]);
        return;
    }
    let mut lists = [left.sweep::<UP>(start, steps), right.sweep::<UP>(start, steps)];
    match shifts {
        None => zero_shift::<UP, true, F>(d, e, &mut lists),
        Some([shift, _]) => single::<UP, true, F>(d, e, shift, &mut lists),
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

/// The singular values of the last two rows of a sweep, the smaller one first; none if there should be no shift.
#[inline(always)]
fn shifts<const UP: bool, const F: bool>(d: &[f64], e: &[f64]) -> Option<[f64; 2]> {
    let steps = e.len();
    let shifts = values::<F>(d[row::<UP>(steps - 1, steps)], e[beside::<UP>(steps - 1, steps)], d[row::<UP>(steps, steps)]);
    let (least, largest) = extremes(d);
    let ratio = shifts[0] / d[row::<UP>(0, steps)].abs();
    // A small shift would cost small values their digits. Beside a zero on the diagonal, shifts do not reach the end.
    (ratio * ratio > f64::EPSILON && least > largest * f64::EPSILON).then_some(shifts)
}

/// Whether a second sweep, with the second shift, is likely to be of use.
#[inline(always)]
fn pays<const UP: bool>(d: &[f64], e: &[f64]) -> bool {
    let steps = e.len();
    if steps < LONG {
        return false;
    }
    let (d0, d1) = (d[row::<UP>(steps - 2, steps)], d[row::<UP>(steps - 1, steps)]);
    let gap = (d0 - d1) * (d0 + d1);
    let beside = e[beside::<UP>(steps - 2, steps)] * d0;
    beside * beside < APART * gap * gap
}

/// An implicit step from the first to the last row, or back, without a shift. With `V`, `lists` get the cosines and sines of its rotations, from
/// the left and from the right.
#[inline(always)]
fn zero_shift<const UP: bool, const V: bool, const F: bool>(d: &mut [f64], e: &mut [f64], lists: &mut [Sweep<'_>; 2]) {
    let steps = e.len();
    let [left, right] = lists;
    let mut first = Rotation { c: 1.0, s: 0.0, r: 0.0 };
    let mut second = Rotation { c: 1.0, s: 0.0, r: 0.0 };
    for k in 0..steps {
        first = rotation::<F>(d[row::<UP>(k, steps)] * first.c, e[beside::<UP>(k, steps)]);
        if k > 0 {
            e[beside::<UP>(k - 1, steps)] = second.s * first.r;
        }
        second = rotation::<F>(second.c * first.r, d[row::<UP>(k + 1, steps)] * first.s);
        d[row::<UP>(k, steps)] = second.r;
        if V {
            (right.c[k], right.s[k]) = (first.c, first.s);
            (left.c[k], left.s[k]) = (second.c, second.s);
        }
    }
    let last = d[row::<UP>(steps, steps)] * first.c;
    d[row::<UP>(steps, steps)] = last * second.c;
    e[beside::<UP>(steps - 1, steps)] = last * second.s;
}

/// [`zero_shift`] with a shift.
#[inline(always)]
fn single<const UP: bool, const V: bool, const F: bool>(d: &mut [f64], e: &mut [f64], shift: f64, lists: &mut [Sweep<'_>; 2]) {
    let mut chase = Chase::start::<UP>(d, e, shift);
    for k in 0..e.len() {
        chase.advance::<UP, V, F>(d, e, k, lists);
    }
    chase.finish::<UP>(d, e);
}

/// Two implicit steps, one close behind the other: each waits for its own roots and divisions, so that both together take little longer than one.
#[inline(always)]
fn double<const UP: bool, const V: bool, const F: bool>(d: &mut [f64], e: &mut [f64], shifts: [f64; 2], lists: [[Sweep<'_>; 2]; 2]) {
    let steps = e.len();
    let [mut first_lists, mut second_lists] = lists;
    let mut first = Chase::start::<UP>(d, e, shifts[0]);
    for k in 0..LAG {
        first.advance::<UP, V, F>(d, e, k, &mut first_lists);
    }
    let mut second = Chase::start::<UP>(d, e, shifts[1]);
    for k in LAG..steps {
        first.advance::<UP, V, F>(d, e, k, &mut first_lists);
        second.advance::<UP, V, F>(d, e, k - LAG, &mut second_lists);
    }
    first.finish::<UP>(d, e);
    for k in steps - LAG..steps {
        second.advance::<UP, V, F>(d, e, k, &mut second_lists);
    }
    second.finish::<UP>(d, e);
}

/// An implicit step under way.
struct Chase {
    /// What the next rotation from the right combines.
    f: f64,
    g: f64,
    /// The diagonal element of the row that the last rotation changed, and the element beside it.
    diagonal: f64,
    above: f64,
}

impl Chase {
    /// Before the first rotation.
    #[inline(always)]
    fn start<const UP: bool>(d: &[f64], e: &[f64], shift: f64) -> Self {
        let diagonal = d[row::<UP>(0, e.len())];
        let g = e[beside::<UP>(0, e.len())];
        let ratio = shift / diagonal;
        if ratio.is_nan() || ratio.abs() >= LARGE {
            // The sweep before has made the diagonal element zero: the first rotation does nothing.
            return Chase { f: 1.0, g: 0.0, diagonal, above: g };
        }
        Chase { f: (diagonal.abs() - shift) * (1.0_f64.copysign(diagonal) + ratio), g, diagonal, above: g }
    }

    /// Rotates rows and columns `k` and `k + 1`.
    #[inline(always)]
    fn advance<const UP: bool, const V: bool, const F: bool>(
        &mut self,
        d: &mut [f64],
        e: &mut [f64],
        k: usize,
        lists: &mut [Sweep<'_>; 2],
    ) {
        let steps = e.len();
        let [left, right] = lists;
        let Rotation { c, s, r } = rotation::<F>(self.f, self.g);
        if k > 0 {
            e[beside::<UP>(k - 1, steps)] = r;
        }
        let next = d[row::<UP>(k + 1, steps)];
        let f = fma::<F>(c, self.diagonal, s * self.above);
        let above = fma::<F>(c, self.above, -(s * self.diagonal));
        let g = s * next;
        let next = c * next;
        if V {
            (right.c[k], right.s[k]) = (c, s);
        }
        let Rotation { c, s, r } = rotation::<F>(f, g);
        d[row::<UP>(k, steps)] = r;
        self.f = fma::<F>(c, above, s * next);
        self.diagonal = fma::<F>(c, next, -(s * above));
        if k + 1 < steps {
            let beyond = e[beside::<UP>(k + 1, steps)];
            self.g = s * beyond;
            self.above = c * beyond;
        }
        if V {
            (left.c[k], left.s[k]) = (c, s);
        }
    }

    /// After the last rotation.
    #[inline(always)]
    fn finish<const UP: bool>(self, d: &mut [f64], e: &mut [f64]) {
        let steps = e.len();
        e[beside::<UP>(steps - 1, steps)] = self.f;
        d[row::<UP>(steps, steps)] = self.diagonal;
    }
}

/// The least and the largest magnitude.
#[inline(always)]
fn extremes(d: &[f64]) -> (f64, f64) {
    let (mut least, mut largest) = ([f64::INFINITY; 8], [0.0_f64; 8]);
    let (lists, rest) = d.as_chunks::<8>();
    let mut last = [rest.first().copied().unwrap_or(d[0]); 8];
    last[..rest.len()].copy_from_slice(rest);
    for list in lists.iter().chain([&last]) {
        for l in 0..8 {
            let x = list[l].abs();
            least[l] = if x < least[l] { x } else { least[l] };
            largest[l] = if x > largest[l] { x } else { largest[l] };
        }
    }
    let mut out = (least[0], largest[0]);
    for l in 1..8 {
        out.0 = if least[l] < out.0 { least[l] } else { out.0 };
        out.1 = if largest[l] > out.1 { largest[l] } else { out.1 };
    }
    out
}
