//! Matrices with a structure, and products of several.

#![allow(non_snake_case, reason = "NumPy's name of a parameter")]

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::Axis;
use crate::graph::op::OpDef;
use crate::ops::apply::cast;
use crate::ops::arithmetic::{maximum, neg};
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{equal, less_equal};
use crate::ops::contract::{batch_matmul, matmul, swapped};
use crate::ops::diagonals::{diagonal, rows_and_columns, tril, triu};
use crate::ops::index::take;
use crate::ops::movement::{expand_dims, reshape};
use crate::ops::padding::{PadMode, pad};
use crate::ops::positions::{iota, known_length, positions};
use crate::ops::rearranging::flip;
use crate::ops::scan::cumprod;
use crate::ops::select::select;
use crate::ops::slice::{concat, slice_along};
use crate::shape::{Dim, Tuple};

use super::triangular::solve_triangular;
use super::{column, plus_transpose};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&EXTRACT_DIAG, &BAND_MATRIX, &SYMMETRIZE, &SCALAR_MUL, &VANDER, &TOEPLITZ, &BLOCK_DIAG, &MULTI_DOT, &HOUSEHOLDER_PRODUCT];

/// An error unless `x` has matrices in its last two axes.
pub(super) fn check_matrix(op: &str, x: Tensor<'_>) -> Result<()> {
    if x.ndim() >= 2 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Shape, op, "there is no matrix", format_args!("shape {}", Tuple(x.dims())), "shape (..., m, n)"))
}

/// An error unless `x` has square matrices in its last two axes.
pub(super) fn check_square(op: &str, x: Tensor<'_>) -> Result<()> {
    match x.dims() {
        [.., m, n] if m.unify(*n).is_some() => Ok(()),
        dims => Err(Error::new(ErrorKind::Shape, op, "not a square matrix", format_args!("shape {}", Tuple(dims)), "shape (..., n, n)")),
    }
}

row! {
    /// The main diagonals of the matrices in the last two axes.
    ///
    /// Gradient: `g` on the diagonal, zeros elsewhere.
    pub EXTRACT_DIAG = fn extract_diag(a: any) -> y
    body {
        check_matrix("extract_diag", a)?;
        diagonal(a, 0, -2, -1)
    }
    numpy "np.diagonal(a, 0, -2, -1)";
    example "T.extract_diag([[1, 2, 3], [4, 5, 6]])" => "[1 5]";
    linalg extract_diag;
    case real[3, 4];
    case real[2, 3, 3];
    refuses f64[3] => "extract_diag: there is no matrix. Got shape (3,); expected shape (..., m, n).";
}

row! {
    /// The matrices in the last two axes with `lower` diagonals below the main one and `upper` above it, zeros elsewhere; a negative number
    /// keeps all of that side.
    ///
    /// Gradient: that part of `g`.
    pub BAND_MATRIX = fn band_matrix(a: any; lower: i64, upper: i64) -> y
    body {
        check_matrix("band_matrix", a)?;
        let y = if lower < 0 { a } else { triu(a, -lower) };
        if upper < 0 { y } else { tril(y, upper) }
    }
    numpy "ref.band_matrix(a, lower, upper)";
    example "T.band_matrix([[1, 2, 3], [4, 5, 6], [7, 8, 9]], 0, 1)" => "[[1 2 0]\n [0 5 6]\n [0 0 9]]";
    linalg band_matrix;
    case real[3, 4] with lower = 0, upper = 1;
    case real[2, 4, 3] with lower = 1, upper = -1;
    case real[3, 3] with lower = -1, upper = 0;
    case real[2, 2] with lower = -1, upper = -1;
    refuses f64[3] with lower = 1, upper = 1 => "band_matrix: there is no matrix. Got shape (3,); expected shape (..., m, n).";
}

row! {
    /// The symmetric parts `(a + a^T) / 2` of the square matrices in the last two axes.
    ///
    /// Gradient: the symmetric part of `g`.
    pub SYMMETRIZE = fn symmetrize(a: float) -> y
    body {
        check_square("symmetrize", a)?;
        plus_transpose(a) * 0.5
    }
    numpy "(a + np.swapaxes(a, -1, -2)) / 2";
    example "T.symmetrize([[1.0, 2.0], [4.0, 3.0]])" => "[[1. 3.]\n [3. 3.]]";
    linalg symmetrize;
    case real[3, 3];
    case real[2, 2, 2];
    refuses f64[2, 3] => "symmetrize: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// `a` times a number `s`, which is one or a 0-d tensor.
    ///
    /// Gradient: `g s`, and the sum of `g a`.
    pub SCALAR_MUL = fn scalar_mul(a: number, s: number) -> y
    body {
        if s.ndim() != 0 {
            let got = format_args!("shape {}", Tuple(s.dims()));
            return Err(Error::new(ErrorKind::Shape, "scalar_mul", "`s` is not a single number", got, "a number or a 0-d tensor"));
        }
        a * s
    }
    numpy "a * s";
    example "T.scalar_mul([[1.0, 2.0]], 3.0)" => "[[3. 6.]]";
    method scalar_mul;
    linalg scalar_mul;
    case real[2, 3], real[];
    case real[], real[];
    refuses f64[2], f64[2] => "scalar_mul: `s` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
    refuses bool[2], bool[] => "scalar_mul: bools are not numbers. Got bool; expected an integer or floating dtype.\nhelp: use `logical_and`, `logical_or`, `logical_xor` or `logical_not`, or cast to a number";
}

row! {
    /// Vandermonde's matrix: in each row the powers of an element of `x`, `N` of them (as many as `x` is long without it), the highest first or
    /// with `increasing` last. Axes in front of the last one are a batch.
    ///
    /// Gradient: of the powers; that of the power 0 is 0.
    pub VANDER = fn vander(x: any; N: Axis = None, increasing: bool = false) -> y
    body {
        let Some(axis) = x.ndim().checked_sub(1) else {
            return Err(Error::new(ErrorKind::Shape, "vander", "there is no vector", "shape ()", "one axis or more"));
        };
        let columns = match N {
            Some(n) => iota(x.graph(), n),
            None => positions(x, axis),
        };
        let one = x.graph().literal(true.into(), x.dtype());
        let y = cumprod(select(equal(columns, 0i64), one, expand_dims(x, -1)), -1);
        if increasing { y } else { flip(y, -1) }
    }
    numpy "ref.vander(x, N, increasing)";
    example "T.vander([1, 2, 3], N=2)" => "[[1 1]\n [2 1]\n [3 1]]";
    linalg vander;
    case real[3];
    case real[4] with N = 3, increasing = true;
    case real[2, 3] with N = 4;
    case real[3] with N = 0;
    refuses f64[] => "vander: there is no vector. Got shape (); expected one axis or more.";
    refuses f64[2] with N = -1 => "vander: a length is negative. Got -1; expected a length >= 0.";
}

row! {
    /// The Toeplitz matrix with the first column `c` and the first row `r`, by default `c` too, of which the first element is not used: on each
    /// diagonal one number.
    ///
    /// Gradient: the sums of `g` over the diagonals.
    pub TOEPLITZ = fn toeplitz(c: value, r: value = None) -> y
    body {
        let r = r.unwrap_or(c);
        for x in [c, r] {
            if x.ndim() != 1 {
                let got = format_args!("shape {}", Tuple(x.dims()));
                return Err(Error::new(ErrorKind::Shape, "toeplitz", "not a vector", got, "shape (n,)"));
            }
        }
        let offset = positions(r, 0) - expand_dims(positions(c, 0), 1);
        let of = |x, place| take(x, maximum(place, 0i64), ());
        select(less_equal(offset, 0i64), of(c, neg(offset)), of(r, offset))
    }
    numpy "ref.toeplitz(c, r)";
    example "T.toeplitz([1, 2, 3], [9, 4])" => "[[1 4]\n [2 1]\n [3 2]]";
    linalg toeplitz;
    case real[3], none;
    case real[3], real[4];
    case real[4], real[2];
    refuses f64[2, 2] => "toeplitz: not a vector. Got shape (2, 2); expected shape (n,).";
}

row! {
    /// The matrix with `arrays` as blocks along its diagonal, zeros elsewhere; a vector is a row, a number a block of one.
    ///
    /// Gradient: the blocks of `g`.
    pub BLOCK_DIAG = fn block_diag(arrays: [value]) -> y
    body {
        let blocks: Vec<Tensor<'_>> = arrays.iter().map(|&x| block(x)).collect::<Result<_>>()?;
        let widths: Vec<usize> = blocks.iter().map(|&x| known_length("block_diag", x, 1)).collect::<Result<_>>()?;
        let all: usize = widths.iter().sum();
        let mut before = 0;
        let rows = blocks.iter().zip(&widths).map(|(&x, width)| {
            let behind = all - before - width;
            let y = pad(x, 0i64, [(0i64, 0i64), (before as i64, behind as i64)], PadMode::Constant);
            before += width;
            y
        });
        concat(&rows.collect::<Vec<_>>(), 0)
    }
    numpy "scipy.linalg.block_diag(*arrays)";
    example "T.block_diag([[1, 2], [3, 4]], [5, 6], 7)" => "[[1 2 0 0 0]\n [3 4 0 0 0]\n [0 0 5 6 0]\n [0 0 0 0 7]]";
    linalg block_diag;
    signature "*arrays";
    exempt Unknown: "it needs to know how wide the blocks are";
    case real[2, 3], real[3, 1];
    case real[2], real[], real[1, 2];
    refuses f64[2, 2], f64[1, 2, 2] => "block_diag: a block is no matrix. Got shape (1, 2, 2); expected two axes at most.";
}

/// A block as a matrix.
fn block(x: Tensor<'_>) -> Result<Tensor<'_>> {
    match x.ndim() {
        0 => Ok(reshape(x, [1, 1])),
        1 => Ok(expand_dims(x, 0)),
        2 => Ok(x),
        _ => {
            let got = format_args!("shape {}", Tuple(x.dims()));
            Err(Error::new(ErrorKind::Shape, "block_diag", "a block is no matrix", got, "two axes at most"))
        }
    }
}

row! {
    /// The product of two or more matrices, multiplied in the order that costs least. The first one may be a vector, which is a row, and
    /// the last one, which is a column. Where lengths are not known it is from left to right.
    ///
    /// Gradient: that of the products.
    pub MULTI_DOT = fn multi_dot(arrays: [value]) -> y
    body {
        let n = arrays.len();
        if n < 2 {
            return Err(Error::new(ErrorKind::Value, "multi_dot", "there is no product", format_args!("{n} arrays"), "two arrays or more"));
        }
        for (i, x) in arrays.iter().enumerate() {
            let vector = x.ndim() == 1 && (i == 0 || i + 1 == n);
            if x.ndim() != 2 && !vector {
                let got = format_args!("shape {} for array {i}", Tuple(x.dims()));
                return Err(Error::new(ErrorKind::Shape, "multi_dot", "not a matrix", got, "two axes, or one of the first and the last array"));
            }
        }
        let cuts = lengths(&arrays).map(|lengths| cheapest(&lengths));
        multiplied(&arrays, cuts.as_deref(), 0, n - 1)
    }
    numpy "np.linalg.multi_dot(arrays)";
    example "T.multi_dot([[[1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0]])" => "[11.]";
    linalg multi_dot;
    rounds by_layout;
    case real[2, 3], real[3, 4];
    case real[2, 3], real[3, 4], real[4, 1], real[1, 5];
    case real[3], real[3, 2], real[2, 4], real[4];
    refuses f64[2, 2] => "multi_dot: there is no product. Got 1 arrays; expected two arrays or more.";
    refuses f64[2, 2], f64[2], f64[2, 2] => "multi_dot: not a matrix. Got shape (2,) for array 1; expected two axes, or one of the first and the last array.";
}

/// The rows of the first matrix, and the columns of each, if all are known.
fn lengths(arrays: &[Tensor<'_>]) -> Option<Vec<f64>> {
    let known = |d: Option<&Dim>| d.map_or(Some(1.0), |d| d.known().map(|n| n as f64));
    let first = arrays.first().map(|x| if x.ndim() == 1 { Some(1.0) } else { known(x.dims().first()) })?;
    let last = |x: &Tensor<'_>, end: bool| if end && x.ndim() == 1 { Some(1.0) } else { known(x.dims().last()) };
    let columns = arrays.iter().enumerate().map(|(i, x)| last(x, i + 1 == arrays.len()));
    std::iter::once(first).chain(columns).collect()
}

/// For each range of matrices behind which of them it is best cut: row by row, of as many as there are matrices.
fn cheapest(lengths: &[f64]) -> Vec<usize> {
    let n = lengths.len() - 1;
    let (mut cost, mut cuts) = (vec![0.0; n * n], vec![0; n * n]);
    for width in 1..n {
        for i in 0..n - width {
            let j = i + width;
            let of = |k: usize| cost[i * n + k] + cost[(k + 1) * n + j] + lengths[i] * lengths[k + 1] * lengths[j + 1];
            let best = (i..j).fold(i, |best, k| if of(k) < of(best) { k } else { best });
            (cost[i * n + j], cuts[i * n + j]) = (of(best), best);
        }
    }
    cuts
}

/// The product of the matrices `first ..= last`.
fn multiplied<'g>(arrays: &[Tensor<'g>], cuts: Option<&[usize]>, first: usize, last: usize) -> Tensor<'g> {
    if first == last {
        return arrays[first];
    }
    let cut = cuts.map_or(last - 1, |cuts| cuts[first * arrays.len() + last]);
    matmul(multiplied(arrays, cuts, first, cut), multiplied(arrays, cuts, cut + 1, last))
}

row! {
    /// The first columns of the product of the reflections `1 - tau[i] v_i v_i^T`, as many as `h` (..., m, n) has: what LAPACK's `orgqr` makes of
    /// what `geqrf` leaves. `v_i` is the column `i` of `h` below the diagonal, with a 1 on it and zeros above, and `tau` (..., k) says how many
    /// there are. It is computed from one triangular system: `e - v t v[:n]^T` with `(1 + d striu(v^T v)) t = d = diag(tau)`.
    ///
    /// Gradient: of this formula; `h` gets it below the diagonal.
    pub HOUSEHOLDER_PRODUCT = fn householder_product(h: float, tau: float) -> q
    body {
        let (m, n, k) = match (h.dims(), tau.dims()) {
            ([.., m, n], [.., k]) => (*m, *n, *k),
            _ => {
                let got = format_args!("{} and {}", Tuple(h.dims()), Tuple(tau.dims()));
                let rule = "shapes (..., m, n) and (..., k)";
                return Err(Error::new(ErrorKind::Shape, "householder_product", "there are no reflections", got, rule));
            }
        };
        let more = |a: Dim, b: Dim| matches!((a, b), (Dim::Known(a), Dim::Known(b)) if a > b);
        if more(k, n) || more(n, m) {
            let got = format_args!("{} and {}", Tuple(h.dims()), Tuple(tau.dims()));
            return Err(Error::new(ErrorKind::Shape, "householder_product", "the lengths do not fit", got, "k <= n <= m"));
        }
        let k = known_length("householder_product", tau, tau.ndim() - 1)? as i64;
        let axis = h.ndim() - 1;
        let own = slice_along(h, axis, None, Some(k));
        let unit = |x| -> Result<Tensor<'_>> {
            let (rows, columns) = rows_and_columns("householder_product", x, 0)?;
            Ok(cast(equal(columns, rows), x.dtype()))
        };
        let v = tril(own, -1) + unit(own)?;
        let gram = batch_matmul(swapped(v), v);
        let system = unit(gram)? + column(tau) * triu(gram, 1);
        let t = solve_triangular(system, column(tau) * unit(gram)?, 0, false, true);
        let top = match n {
            Dim::Known(n) => slice_along(v, axis - 1, None, Some(n as i64)),
            _ => batch_matmul(swapped(unit(h)?), v),
        };
        let part = batch_matmul(batch_matmul(v, t), swapped(top));
        broadcast_like(unit(h)?, part) - part
    }
    numpy "ref.householder_product(h, tau)";
    example "T.householder_product([[1.0, 0.0], [0.5, 1.0], [0.0, 0.0]], [1.6])" => "[[-0.6 -0.8]\n [-0.8  0.6]\n [ 0.   0. ]]";
    linalg householder_product;
    rounds by_layout;
    exempt Unknown: "it needs to know how many reflections there are";
    case real[4, 3], real[2];
    case real[3, 3], real[3];
    case real[2, 3, 2], real[2, 2];
    refuses f64[3], f64[2] => "householder_product: there are no reflections. Got (3,) and (2,); expected shapes (..., m, n) and (..., k).";
    refuses f64[3, 2], f64[3] => "householder_product: the lengths do not fit. Got (3, 2) and (3,); expected k <= n <= m.";
}
