//! Large products and triangular systems of floats: what BLAS calls its third level.
//!
//! By the crates `gemm` and `faer`; with feature `blas` by CBLAS, wherever it takes the strides. Factorisations use it, and `matmul` does
//! with that feature.

#[cfg(feature = "blas")]
pub mod cblas;
mod pure;

/// One matrix product: lengths, and the strides of `a[i, p]`, `b[p, j]` and `d[i, j]`.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub a: [isize; 2],
    pub b: [isize; 2],
    pub d: [isize; 2],
    /// The products are added to what is there.
    pub add: bool,
}

/// One triangular system with a matrix at the steps `[row, column]`, and `m` right sides.
#[derive(Clone, Copy, Debug)]
pub struct System {
    pub n: usize,
    pub m: usize,
    pub steps: [isize; 2],
    /// The lower triangle, else the upper one.
    pub lower: bool,
    /// With a diagonal of ones.
    pub unit: bool,
}

/// Which system a matrix stands for.
#[derive(Clone, Copy, Debug)]
pub struct Triangle {
    /// The lower triangle, else the upper one.
    pub lower: bool,
    /// Its transpose.
    pub transpose: bool,
    /// With a diagonal of ones.
    pub unit: bool,
}

/// A float's large products and systems.
pub trait Level3: Copy + 'static {
    /// The side of the squares of a result that are computed one by one, whatever the number of threads, where the order in which an
    /// element is summed depends on how many there are.
    const SQUARE: Option<usize>;

    /// `d = a b`, or `d + a b`.
    ///
    /// # Safety
    /// The strides stay inside the three arrays; `d` overlaps neither operand, and no element of it another.
    unsafe fn product(p: &Product, a: *const Self, b: *const Self, d: *mut Self);

    /// Solves `a x = b` in place.
    ///
    /// # Safety
    /// `a` has n x n elements at the steps of the system, `x` has `n * m` elements with rows `row` apart.
    unsafe fn solve_triangular(s: &System, a: *const Self, x: *mut Self, row: usize);
}

macro_rules! level3 {
    ($($t:ident)*) => {$(
        impl Level3 for $t {
            const SQUARE: Option<usize> = if cfg!(feature = "blas") { Some(256) } else { None };

            unsafe fn product(p: &Product, a: *const $t, b: *const $t, d: *mut $t) {
                let p = &p.settled();
                // SAFETY: by the contract.
                unsafe {
                    #[cfg(feature = "blas")]
                    if cblas::product(p, a, b, d) {
                        return;
                    }
                    pure::product(p, a, b, d, [0.0, 1.0]);
                }
            }

            unsafe fn solve_triangular(s: &System, a: *const $t, x: *mut $t, row: usize) {
                // SAFETY: by the contract.
                unsafe {
                    #[cfg(feature = "blas")]
                    if cblas::solve_triangular(s, a, x, row) {
                        return;
                    }
                    pure::solve_triangular(s, a, x, row);
                }
            }
        }
    )*};
}
level3! { f32 f64 }

impl Product {
    /// The step along an axis of length 1 means nothing: a fixed one keeps it from choosing a slower path, or other bits.
    pub(super) fn settled(self) -> Product {
        let step = |s: [isize; 2], rows: usize, columns: usize| match (rows, columns) {
            (1, 1) => [1, 1],
            (1, _) => [s[1] * columns as isize, s[1]],
            (_, 1) => [s[0], 1],
            _ => s,
        };
        let Product { m, k, n, a, b, d, .. } = self;
        Product { a: step(a, m, k), b: step(b, k, n), d: step(d, m, n), ..self }
    }
}
