//! The exponential function by scaling and squaring, and what follows from the same approximants.
//!
//! A. H. Al-Mohy, N. J. Higham: A new scaling and squaring algorithm for the matrix exponential (2009), algorithm 5.1; for derivatives the
//! bounds are smaller, as in their paper on Fréchet derivatives of the same year.

use super::super::Fault;
use super::super::dense::{Room, add, add_diagonal, norm};
use super::ring::Ring;

/// Degree, coefficients of the numerator, the bound on the norm, and the binary logarithm of the reciprocal of the error's first
/// coefficient.
struct Approximant {
    degree: usize,
    coefficients: &'static [f64],
    bound: f64,
    error: f64,
}

const APPROXIMANTS: [Approximant; 5] = [
    Approximant { degree: 3, coefficients: &[120.0, 60.0, 12.0, 1.0], bound: 1.495585217958292e-2, error: 16.62113611327464 },
    Approximant {
        degree: 5,
        coefficients: &[30240.0, 15120.0, 3360.0, 420.0, 30.0, 1.0],
        bound: 2.53939833006323e-1,
        error: 33.227772656854164,
    },
    Approximant {
        degree: 7,
        coefficients: &[17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0],
        bound: 9.504178996162932e-1,
        error: 51.994974307382165,
    },
    Approximant {
        degree: 9,
        coefficients: &[17643225600.0, 8821612800.0, 2075673600.0, 302702400.0, 30270240.0, 2162160.0, 110880.0, 3960.0, 90.0, 1.0],
        bound: 2.097847961257068,
        error: 72.32471809893495,
    },
    Approximant {
        degree: 13,
        coefficients: &[
            64764752532480000.0,
            32382376266240000.0,
            7771770303897600.0,
            1187353796428800.0,
            129060195264000.0,
            10559470521600.0,
            670442572800.0,
            33522128640.0,
            1323241920.0,
            40840800.0,
            960960.0,
            16380.0,
            182.0,
            1.0,
        ],
        bound: 4.25,
        error: 116.447004251763,
    },
];

/// What multiplies the bounds for each direction.
const SMALLER: f64 = 0.7;

/// The largest exponent of a norm whose eighth power is a number.
const LARGE: f64 = 100.0;

/// The numbers that [`exponential`] and [`tangent`] need.
pub fn room(ring: Ring) -> usize {
    7 * ring.len() + 2 * ring.n * ring.n + 2 * ring.n
}

/// An element and its even powers.
struct Powers<'a> {
    ring: Ring,
    x: &'a mut [f64],
    /// The second, fourth, sixth and eighth power.
    even: [&'a mut [f64]; 4],
}

impl Powers<'_> {
    /// Multiplies the element by `2^e`.
    fn scale(&mut self, e: f64) {
        scale(self.x, e.exp2());
        for (even, power) in self.even.iter_mut().zip([2.0, 4.0, 6.0, 8.0]) {
            scale(even, (e * power).exp2());
        }
    }

    /// Odd and even part of the numerator: `x (c1 + c3 x^2 + ..)` in `u`, `c0 + c2 x^2 + ..` in `v`.
    fn parts(&self, c: &[f64], u: &mut [f64], v: &mut [f64], spare: &mut [f64]) {
        let (ring, n) = (self.ring, self.ring.n);
        let sum = |into: &mut [f64], odd: usize| {
            into.fill(0.0);
            for (power, &c) in c.iter().skip(odd).step_by(2).take(5).enumerate() {
                match power {
                    0 => add_diagonal(n, into, c),
                    _ => add(into, c, self.even[power - 1]),
                }
            }
        };
        if c.len() == 14 {
            let high = |into: &mut [f64], odd: usize, spare: &mut [f64]| {
                into.fill(0.0);
                (0..3).for_each(|i| add(into, c[8 + 2 * i + odd], self.even[i]));
                ring.multiply(self.even[2], into, spare);
                into.fill(0.0);
                add_diagonal(n, into, c[odd]);
                (0..3).for_each(|i| add(into, c[2 + 2 * i + odd], self.even[i]));
                add(into, 1.0, spare);
            };
            high(v, 1, spare);
            ring.multiply(self.x, v, u);
            high(v, 0, spare);
            return;
        }
        sum(v, 1);
        ring.multiply(self.x, v, u);
        sum(v, 0);
    }
}

fn scale(x: &mut [f64], factor: f64) {
    if factor != 1.0 {
        x.iter_mut().for_each(|x| *x *= factor);
    }
}

/// How many more halvings rounding asks for, of a matrix that is halved `s` times: powers of its magnitudes may be much larger than its
/// powers.
fn rounding(n: usize, x: &[f64], approximant: &Approximant, s: f64, line: &mut [f64]) -> f64 {
    let size = norm(n, x);
    if size == 0.0 {
        return 0.0;
    }
    let (now, next) = line.split_at_mut(n);
    now.fill(1.0);
    let m = approximant.degree as f64;
    for _ in 0..2 * approximant.degree + 1 {
        next.fill(0.0);
        for (row, y) in x.chunks_exact(n).zip(&*now) {
            next.iter_mut().zip(row).for_each(|(next, x)| *next += y * (x / size).abs());
        }
        now.copy_from_slice(next);
    }
    let most = now.iter().fold(0.0f64, |m, &x| m.max(x));
    let alpha = most.log2() + 2.0 * m * (size.log2() - s) - approximant.error;
    ((alpha + 53.0) / (2.0 * m)).ceil().max(0.0)
}

/// The exponential function of `x` in place.
pub fn exponential(ring: Ring, x: &mut [f64], room: &mut Room<'_>) -> Result<(), Fault> {
    let (n, len) = (ring.n, ring.len());
    let size = ring.norm(x);
    if n == 0 {
        return Ok(());
    }
    let mut room = room.rest();
    let even = [room.take(len), room.take(len), room.take(len), room.take(len)];
    let (u, v, spare, two, line) = (room.take(len), room.take(len), room.take(len), room.take(2 * n * n), room.take(2 * n));
    if !size.is_finite() {
        return Err(not_finite());
    }
    // Halved first, so that powers are numbers.
    let before = if size > 0.0 { (size.log2().ceil() - LARGE).max(0.0) } else { 0.0 };
    scale(x, (-before).exp2());
    let [x2, x4, x6, x8] = even;
    ring.multiply(x, x, x2);
    ring.multiply(x2, x2, x4);
    ring.multiply(x2, x4, x6);
    let d = |power: &[f64], p: f64| ring.norm(power).powf(1.0 / p);
    let (d4, d6) = (d(x4, 4.0), d(x6, 6.0));
    let smaller = SMALLER.powi(ring.k as i32);
    let mut eight = false;
    let mut chosen = None;
    for (i, approximant) in APPROXIMANTS.iter().enumerate().take(4) {
        if i == 2 {
            ring.multiply(x4, x4, x8);
            eight = true;
        }
        let eta = if i < 2 { d4.max(d6) } else { d6.max(d(x8, 8.0)) };
        if before == 0.0 && eta <= approximant.bound * smaller && rounding(n, ring.part(x, 0), approximant, 0.0, line) == 0.0 {
            chosen = Some((approximant, 0.0));
            break;
        }
    }
    let eta = if eight { d4.max(d6).min(d6.max(d(x8, 8.0))) } else { d4.max(d6) };
    let last = &APPROXIMANTS[4];
    let (approximant, s) = chosen.unwrap_or_else(|| {
        let least = -before.min(LARGE);
        let s = if eta > 0.0 { (eta / (last.bound * smaller)).log2().ceil().max(least) } else { least };
        (last, s + rounding(n, ring.part(x, 0), last, s, line))
    });
    if !s.is_finite() {
        return Err(not_finite());
    }
    let mut powers = Powers { ring, x, even: [x2, x4, x6, x8] };
    powers.scale(-s);
    powers.parts(approximant.coefficients, u, v, spare);
    // (v - u)^-1 (v + u) = 1 + 2 (v - u)^-1 u
    add(v, -1.0, u);
    ring.solve(v, u, two, &mut room).map_err(|_| not_finite())?;
    scale(u, 2.0);
    add_diagonal(n, u, 1.0);
    let squarings = (s + before) as usize;
    for _ in 0..squarings {
        ring.multiply(u, u, v);
        u.copy_from_slice(v);
        if u.iter().any(|x| !x.is_finite()) {
            break;
        }
    }
    powers.x.copy_from_slice(u);
    Ok(())
}

fn not_finite() -> Fault {
    Fault::new("the iteration did not come to its end", "numbers that overflow", "finite numbers of an ordinary size")
}

/// The hyperbolic tangent of `x` in place: of a part of it, the quotient of the approximant's odd and even parts, and then
/// `tanh 2x = 2 (1 + tanh^2 x)^-1 tanh x`.
pub fn tangent(ring: Ring, x: &mut [f64], room: &mut Room<'_>) -> Result<(), Fault> {
    let (n, len) = (ring.n, ring.len());
    if n == 0 {
        return Ok(());
    }
    let mut room = room.rest();
    let even = [room.take(len), room.take(len), room.take(len), room.take(len)];
    let (u, v, spare, two) = (room.take(len), room.take(len), room.take(len), room.take(2 * n * n));
    let approximant = &APPROXIMANTS[2];
    let size = 2.0 * ring.norm(x);
    if !size.is_finite() {
        return Err(not_finite());
    }
    let s = if size > 0.0 { (size / (approximant.bound * SMALLER.powi(ring.k as i32))).log2().ceil().max(0.0) } else { 0.0 };
    scale(x, (1.0 - s).exp2());
    let [x2, x4, x6, x8] = even;
    ring.multiply(x, x, x2);
    ring.multiply(x2, x2, x4);
    ring.multiply(x2, x4, x6);
    x8.fill(0.0);
    let powers = Powers { ring, x, even: [x2, x4, x6, x8] };
    powers.parts(approximant.coefficients, u, v, spare);
    let singular = |i: usize| {
        Fault::new(
            "the matrix has no hyperbolic tangent",
            format_args!("an eigenvalue of i pi (k + 1/2) (a pivot of 0 in column {i})"),
            "no eigenvalue where the hyperbolic cosine vanishes",
        )
    };
    ring.solve(v, u, two, &mut room).map_err(singular)?;
    for _ in 0..s as usize {
        ring.multiply(u, u, v);
        add_diagonal(n, v, 1.0);
        scale(u, 2.0);
        ring.solve(v, u, two, &mut room).map_err(singular)?;
    }
    powers.x.copy_from_slice(u);
    Ok(())
}

/// `[0, x; x, 0]`, whose exponential function is `[cosh x, sinh x; sinh x, cosh x]`; or `[0, -x; x, 0]`, with `[cos x, -sin x; sin x, cos x]`.
pub fn paired(ring: Ring, x: &[f64], to: &mut [f64], trigonometric: bool) {
    let n = ring.n;
    let double = Ring { n: 2 * n, k: ring.k };
    to.fill(0.0);
    let sign = if trigonometric { -1.0 } else { 1.0 };
    for s in 0..1 << ring.k {
        let to = double.part_mut(to, s);
        for (i, row) in ring.part(x, s).chunks_exact(n.max(1)).enumerate() {
            for (j, &x) in row.iter().enumerate() {
                to[i * 2 * n + n + j] = sign * x;
                to[(n + i) * 2 * n + j] = x;
            }
        }
    }
}

/// The lower left block (`odd`) or the upper left one.
pub fn part(ring: Ring, from: &[f64], y: &mut [f64], odd: bool) {
    let n = ring.n;
    let double = Ring { n: 2 * n, k: ring.k };
    for s in 0..1 << ring.k {
        let from = double.part(from, s);
        for (i, row) in ring.part_mut(y, s).chunks_exact_mut(n.max(1)).enumerate() {
            let at = (if odd { n + i } else { i }) * 2 * n;
            row.copy_from_slice(&from[at..at + n]);
        }
    }
}
