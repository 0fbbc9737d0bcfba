//! Rotations and singular values of two rows (LAPACK's `dlartg` and `dlas2`).

use super::chunks::fma;

/// Squares below this may have lost digits to underflow.
const SMALL_SQUARE: f64 = 1e-280;

/// The singular values of a triangular matrix with the diagonal `a`, `b`, the smaller one first.
#[inline(always)]
pub fn values<const F: bool>(a: f64, beside: f64, b: f64) -> [f64; 2] {
    let (a, b) = (a.abs(), b.abs());
    let largest = largest::<F>(a, beside, b);
    if largest * largest < SMALL_SQUARE {
        return small_values(a, beside, b);
    }
    [if a < b { a * (b / largest) } else { b * (a / largest) }, largest]
}

/// The larger singular value of a triangular matrix with the diagonal `a`, `b`, none negative.
#[inline(always)]
fn largest<const F: bool>(a: f64, beside: f64, b: f64) -> f64 {
    let square = beside * beside;
    0.5 * (fma::<F>(a + b, a + b, square).sqrt() + fma::<F>(a - b, a - b, square).sqrt())
}

/// [`values`] for numbers with small squares; zeros for the smallest ones.
#[cold]
#[inline(never)]
fn small_values(a: f64, beside: f64, b: f64) -> [f64; 2] {
    let (a, beside, b) = (a * LARGE, beside * LARGE, b * LARGE);
    let largest = largest::<false>(a, beside, b);
    if largest * largest < SMALL_SQUARE {
        return [0.0; 2];
    }
    [if a < b { a * (b / largest) } else { b * (a / largest) } / LARGE, largest / LARGE]
}

/// A power of two that takes small numbers far from underflow.
pub const LARGE: f64 = f64::from_bits((1023 + 450) << 52);

/// `c f + s g = r` and `c g - s f = 0`.
pub struct Rotation {
    /// The cosine.
    pub c: f64,
    /// The sine.
    pub s: f64,
    /// What is left.
    pub r: f64,
}

/// The rotation that makes `g` zero.
#[inline(always)]
pub fn rotation<const F: bool>(f: f64, g: f64) -> Rotation {
    let square = fma::<F>(f, f, g * g);
    if square > SMALL_SQUARE {
        let r = square.sqrt();
        // The root and the quotient are taken at the same time.
        let inverse = r * (1.0 / square);
        return Rotation { c: f * inverse, s: g * inverse, r };
    }
    small_rotation(f, g)
}

/// [`rotation`] for numbers with small squares.
#[cold]
#[inline(never)]
fn small_rotation(f: f64, g: f64) -> Rotation {
    let largest = if f.abs() > g.abs() { f.abs() } else { g.abs() };
    if largest == 0.0 {
        return Rotation { c: 1.0, s: 0.0, r: 0.0 };
    }
    // In two steps: the least numbers have no inverse.
    let (f, g) = if largest < 1e-270 { (f * LARGE, g * LARGE) } else { (f, g) };
    let (f, g) = (f * LARGE, g * LARGE);
    let r = (f * f + g * g).sqrt();
    let back = if largest < 1e-270 { r / LARGE / LARGE } else { r / LARGE };
    Rotation { c: f / r, s: g / r, r: back }
}
