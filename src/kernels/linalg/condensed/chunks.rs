//! Columns as chunks of 8 numbers.
//!
//! Matrices are stored by columns that are padded to whole chunks, and the reductions work from the last column to the first: so the part that
//! is left always begins at row 0, and no loop has a remainder. Loops over the 8 numbers of a chunk become vector instructions.

/// 8 numbers of a column.
pub type Chunk = [f64; 8];

/// A chunk of zeros.
pub const ZERO: Chunk = [0.0; 8];

/// Chunks that hold `n` numbers.
#[inline(always)]
pub const fn chunks(n: usize) -> usize {
    n.div_ceil(8)
}

/// `a b + c`, one instruction with `F`.
#[inline(always)]
pub fn fma<const F: bool>(a: f64, b: f64, c: f64) -> f64 {
    if F { a.mul_add(b, c) } else { a * b + c }
}

/// `c + f x`.
#[inline(always)]
pub fn plus<const F: bool>(mut c: Chunk, x: &Chunk, f: f64) -> Chunk {
    for l in 0..8 {
        c[l] = fma::<F>(x[l], f, c[l]);
    }
    c
}

/// `c + x y`.
#[inline(always)]
pub fn plus_product<const F: bool>(mut c: Chunk, x: &Chunk, y: &Chunk) -> Chunk {
    for l in 0..8 {
        c[l] = fma::<F>(x[l], y[l], c[l]);
    }
    c
}

/// The sum of two chunks.
#[inline(always)]
pub fn add(mut a: Chunk, b: &Chunk) -> Chunk {
    for l in 0..8 {
        a[l] += b[l];
    }
    a
}

/// The sum of the numbers of a chunk.
#[inline(always)]
pub fn sum(a: Chunk) -> f64 {
    let mut b = [0.0; 4];
    for l in 0..4 {
        b[l] = a[l] + a[l + 4];
    }
    (b[0] + b[2]) + (b[1] + b[3])
}

/// The sum of products of two columns.
#[inline(always)]
pub fn dot<const F: bool>(x: &[Chunk], y: &[Chunk]) -> f64 {
    let mut even = ZERO;
    let mut odd = ZERO;
    let n = x.len().min(y.len());
    let (x, y) = (&x[..n], &y[..n]);
    let (pairs_x, rest_x) = x.as_chunks::<2>();
    let (pairs_y, rest_y) = y.as_chunks::<2>();
    for (x, y) in pairs_x.iter().zip(pairs_y) {
        even = plus_product::<F>(even, &x[0], &y[0]);
        odd = plus_product::<F>(odd, &x[1], &y[1]);
    }
    for (x, y) in rest_x.iter().zip(rest_y) {
        even = plus_product::<F>(even, x, y);
    }
    sum(add(even, &odd))
}

/// Sets what follows the first `n` numbers to zero.
#[inline(always)]
pub fn clear_after(x: &mut [Chunk], n: usize) {
    for x in x.as_flattened_mut().iter_mut().skip(n) {
        *x = 0.0;
    }
}

/// A reflector `I - scale v v^T` that maps a column to a multiple of one unit vector.
pub struct Reflector {
    /// What the column becomes.
    pub value: f64,
    /// The factor of the reflection; 0 for none.
    pub scale: f64,
}

/// Sums of squares below this are taken as zero: they would have lost digits to underflow. Matrices are scaled to about 1 before.
const SMALL_SQUARE: f64 = 1e-280;

/// Makes of the first `pivot + 1` numbers of a column the vector of a reflector that leaves only number `pivot`; of the rest zeros.
#[inline(always)]
pub fn reflect<const F: bool>(x: &mut [Chunk], pivot: usize) -> Reflector {
    clear_after(x, pivot + 1);
    let Some(&alpha) = x.as_flattened().get(pivot) else { return Reflector { value: 0.0, scale: 0.0 } };
    if let Some(x) = x.as_flattened_mut().get_mut(pivot) {
        *x = 0.0;
    }
    let square = dot::<F>(x, x);
    let (value, scale, factor) = if square < SMALL_SQUARE {
        (alpha, 0.0, 0.0)
    } else {
        let value = -fma::<F>(alpha, alpha, square).sqrt().copysign(alpha);
        (value, (value - alpha) / value, 1.0 / (alpha - value))
    };
    for x in x.iter_mut() {
        for l in 0..8 {
            x[l] *= factor;
        }
    }
    if let Some(x) = x.as_flattened_mut().get_mut(pivot) {
        *x = 1.0;
    }
    Reflector { value, scale }
}

/// Multiplies a matrix by a power of two that makes its largest element at least 1 and less than 2, and gives two factors that undo it together.
#[inline(always)]
pub fn scale_to_one(a: &mut [Chunk]) -> [f64; 2] {
    let most = largest(a);
    if most == 0.0 {
        return [1.0; 2];
    }
    // The powers that take the smallest numbers to 1 are beyond the range: they are taken in two steps.
    const STEP: i32 = 100;
    let small = most < power(STEP - 1000);
    let most = if small { most * power(STEP) } else { most };
    let exponent = ((most.to_bits() >> 52) as i32 - 1023).min(1000);
    if small {
        multiply(a, power(STEP));
    }
    if exponent != 0 {
        multiply(a, power(-exponent));
    }
    [power(exponent), if small { power(-STEP) } else { 1.0 }]
}

/// The largest magnitude.
#[inline(always)]
fn largest(a: &[Chunk]) -> f64 {
    let mut largest = ZERO;
    for x in a.iter() {
        for l in 0..8 {
            let x = x[l].abs();
            largest[l] = if x > largest[l] { x } else { largest[l] };
        }
    }
    let mut most = 0.0;
    for l in 0..8 {
        most = if largest[l] > most { largest[l] } else { most };
    }
    most
}

/// Multiplies all numbers.
#[inline(always)]
fn multiply(a: &mut [Chunk], factor: f64) {
    for x in a.iter_mut() {
        for l in 0..8 {
            x[l] *= factor;
        }
    }
}

/// A power of two, of a normal number.
#[inline(always)]
fn power(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}
