//! Pseudo-inverses and least squares.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Cotangent, Kernel, Lowered, OpDef};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply_all, cast, output};
use crate::ops::arithmetic::{abs, maximum};
use crate::ops::compare::greater;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::movement::{STOP_GRADIENT, expand_dims, squeeze};
use crate::ops::reduce::{reduce_max, reduce_sum};
use crate::ops::select::select;
use crate::shape::{Dim, Tuple};

use super::eigh::{Triangle, eigh};
use super::norms::{cut, value};
use super::structure::{check_matrix, check_square};
use super::svd::svd;
use super::{aligned, plus_transpose, row};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&PSEUDO_INVERSE, &PINV, &LEAST_SQUARES, &LSTSQ];

/// Whether the matrices are known to be wider than high.
fn wide(a: Tensor<'_>) -> bool {
    matches!(a.dims(), [.., Dim::Known(m), Dim::Known(n)] if m < n)
}

row! {
    /// `p`, which is the pseudo-inverse of `a`, by whatever way it was computed.
    ///
    /// Gradient: where the rank stays, `-p^T g p^T + (1 - a p) g^T p p^T + p^T p g^T (1 - p a)` (Golub and Pereyra 1973,
    /// doi:10.1137/0710036, equation 4.12), a polynomial: so it is exact whichever singular values are equal or zero, in every order.
    pub(crate) PSEUDO_INVERSE = fn pseudo_inverse(p: float, a: float) -> y
    shape(c) Ok(smallvec![p.clone()]);
    kernel Kernel::Lower(|_| Lowered::Chain(vec![(&STOP_GRADIENT, vec![])]));
    support Unknown;
    vjp(g) { p: Cotangent::Zero, a: constant_rank(a, y, g) }
    batch Rule(|b| aligned(b, &[2, 2]));
    numpy "p";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if p is the pseudo-inverse of a: pinv tests it";
    exempt Messages: "it has no cases, and takes what pinv gives it";
}

/// The cotangent of matrices with the pseudo-inverses `p`, by products with the shorter side.
fn constant_rank<'g>(a: Tensor<'g>, p: Tensor<'g>, g: Tensor<'g>) -> Tensor<'g> {
    let (pt, gt, product) = (swapped(p), swapped(g), batch_matmul);
    if wide(a) {
        // A p of m x m.
        let outer = product(product(gt, p), pt);
        let inner = product(product(pt, p), gt);
        let own = product(product(pt, g), pt);
        (outer - product(product(a, p), outer)) + (inner - product(product(inner, p), a)) - own
    } else {
        // p a of n x n.
        let outer = product(gt, product(p, pt));
        let inner = product(pt, product(p, gt));
        let own = product(pt, product(g, pt));
        (outer - product(a, product(p, outer))) + (inner - product(inner, product(p, a))) - own
    }
}

/// The inverses of the values that are kept, and zeros. What is not kept is not divided by: it may be zero, of which derivatives are NaN.
fn inverse_of<'g>(values: Tensor<'g>, kept: Tensor<'g>) -> Tensor<'g> {
    select(kept, 1.0 / select(kept, values, 1.0), 0.0)
}

/// The pseudo-inverse from singular values, of which those up to the cut count as zero.
fn by_values<'g>(a: Tensor<'g>, rtol: Option<Tensor<'g>>) -> Result<Tensor<'g>> {
    let (u, s, vh) = svd(a, false, 2);
    if let Some(e) = s.error() {
        return Err(e);
    }
    let inverse = inverse_of(s, greater(s, least(a, value(s, 0), rtol)?));
    Ok(batch_matmul(swapped(vh) * row(inverse), swapped(u)))
}

/// As [`by_values`] of symmetric matrices, from eigenvalues.
fn by_eigenvalues<'g>(a: Tensor<'g>, rtol: Option<Tensor<'g>>) -> Result<Tensor<'g>> {
    let (w, v) = eigh(a, Triangle::Both, 2);
    if let Some(e) = w.error() {
        return Err(e);
    }
    let kept = greater(abs(w), least(a, reduce_max(abs(w), -1, true), rtol)?);
    Ok(batch_matmul(v * row(inverse_of(w, kept)), swapped(v)))
}

/// The cut of a pseudo-inverse. NumPy's is 1e-15 of the largest value, which for longer matrices is less than what rounding leaves.
fn least<'g>(a: Tensor<'g>, top: Tensor<'g>, rtol: Option<Tensor<'g>>) -> Result<Tensor<'g>> {
    Ok(match rtol {
        Some(_) => cut("pinv", a, top, None, rtol)?,
        None => maximum(cut("pinv", a, top, None, None)?, top * 1e-15),
    })
}

row! {
    /// The pseudo-inverses (Moore and Penrose) of the matrices in the last two axes. Singular values up to `rtol` (or `rcond`, NumPy's older
    /// name of it) times the largest count as zero; without one, up to 1e-15, or the rounding of 1 times the longer side if that is more. With
    /// `hermitian` the symmetric part is taken apart into eigenvalues.
    ///
    /// Gradient: that of a matrix whose rank stays, a polynomial in `a`, `y` and `g`: exact at every rank and at equal singular values, in every
    /// order. With a cut of its own, which may be above values that are not zero, that of the singular vectors, which is right there too.
    pub PINV = fn pinv(a: float, rcond: any = None, rtol: any = None; hermitian: bool = false) -> y
    body {
        if hermitian { check_square("pinv", a)? } else { check_matrix("pinv", a)? }
        let tolerance = match (rcond, rtol) {
            (Some(_), Some(_)) => {
                return Err(Error::new(ErrorKind::Value, "pinv", "two tolerances are given", "`rcond` and `rtol`", "one of them, or none"));
            }
            (x, y) => x.or(y),
        };
        let a = if hermitian { plus_transpose(a) * 0.5 } else { a };
        let p = if hermitian { by_eigenvalues(a, tolerance)? } else { by_values(a, tolerance)? };
        if tolerance.is_none() { pseudo_inverse(p, a) } else { p }
    }
    numpy "ref.pinv(a, rcond, rtol, hermitian)";
    example "T.pinv([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])" => "[[0.33333333 0.         0.        ]\n [0.         0.25       0.        ]]";
    alias matrix_pseudo_inverse;
    linalg pinv, matrix_pseudo_inverse;
    signature "a, rcond, hermitian, rtol";
    rounds by_layout;
    case real[3, 3];
    case real[4, 2];
    case real[2, 3];
    case real[2, 3, 2];
    case spd[3, 3] with hermitian = true;
    case real[3, 2], none, unit[];
    refuses f64[3] => "pinv: there is no matrix. Got shape (3,); expected shape (..., m, n).";
    refuses f64[2, 2], f64[], f64[] => "pinv: two tolerances are given. Got `rcond` and `rtol`; expected one of them, or none.";
}

row! {
    /// `x`, which is the least squares solution of `a x = b` with the least norm, `p b` with the pseudo-inverse `p` of `a`, by whatever way it was
    /// computed.
    ///
    /// Gradient: `gb = p^T g`; with `r = b - a x`, that of the pseudo-inverse along `g b^T`, by thin products:
    /// `r (p gb)^T + (p^T x) (g - p a g)^T - gb x^T`.
    pub(crate) LEAST_SQUARES = fn least_squares(x: float, p: float, a: float, b: float) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Lower(|_| Lowered::Chain(vec![(&STOP_GRADIENT, vec![])]));
    support Unknown;
    vjp(g) {
        x: Cotangent::Zero,
        p: Cotangent::Zero,
        a: {
            let (product, pt) = (batch_matmul, swapped(p));
            let gb = product(pt, g);
            let residual = b - product(a, y);
            let rest = g - product(p, product(a, g));
            product(residual, swapped(product(p, gb))) + product(product(pt, y), swapped(rest)) - product(gb, swapped(y))
        },
        b: batch_matmul(swapped(p), g),
    }
    batch Rule(|b| aligned(b, &[2, 2, 2, 2]));
    numpy "x";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if x is the solution: lstsq tests it";
    exempt Messages: "it has no cases, and takes what lstsq gives it";
}

row! {
    /// The least squares solution `x` of `a x = b` for the matrices in the last two axes, of any shape and rank; where many are as good, the
    /// shortest one. A 1-d `b` is one right side, else the columns of its last two axes are right sides, and the axes before broadcast.
    /// Singular values up to `rcond` times the largest count as zero, by default up to the rounding of 1 times the longer side.
    ///
    /// Beside it `rank`, how many singular values are not zero, and the singular values `s`. These serve every shape and rank; a QR
    /// factorisation, which would be faster for tall matrices, does not say how near they are to a lower rank. In Python the sums of
    /// `(a x - b) ** 2` stand between them, as in NumPy.
    ///
    /// Gradient: that of a matrix whose rank stays: `gb = p^T g` with the pseudo-inverse `p`, and with `r = b - a x`
    /// `r (p gb)^T + (p^T x) (g - p a g)^T - gb x^T`, exact at every rank and at equal singular values. To `s` too, not to `rank`.
    pub LSTSQ = fn lstsq(a: float, b: float, rcond: any = None) -> x, rank, s
    body {
        let (single, right) = (b.ndim() == 1, if b.ndim() == 1 { expand_dims(b, -1) } else { b });
        let m = side(a, "the left side is no matrix")?;
        let rows = side(right, "the right side has no axis")?;
        if m.unify(rows).is_none() {
            let got = format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims()));
            let rule = if single { "a.shape[-2] == b.shape[0] for a 1-d b" } else { "a.shape[-2] == b.shape[-2]" };
            return Err(Error::new(ErrorKind::Shape, "lstsq", "the sides differ in length", got, rule));
        }
        let (u, s, vh) = svd(a, false, 2);
        let kept = greater(s, cut("lstsq", a, value(s, 0), None, rcond)?);
        let inverse = select(kept, 1.0 / s, 0.0);
        let v = swapped(vh);
        let found = batch_matmul(v, super::column(inverse) * batch_matmul(swapped(u), right));
        let x = if rcond.is_none() {
            let p = pseudo_inverse(batch_matmul(v * row(inverse), swapped(u)), a);
            least_squares(found, p, a, right)
        } else {
            found
        };
        let rank = reduce_sum(cast(kept, DType::I64), -1, false);
        if single { (squeeze(x, -1), rank, s) } else { (x, rank, s) }
    }
    numpy "ref.lstsq(a, b, rcond)";
    linalg lstsq;
    by hand;
    rounds by_layout;
    case real[4, 2], real[4];
    case real[4, 2], real[4, 3];
    case real[2, 3], real[2, 2];
    case real[2, 4, 3], real[4, 2];
    case real[3, 2], real[2, 3, 1], unit[];
    refuses f64[2, 3], f64[3] => "lstsq: the sides differ in length. Got (2, 3) and (3,); expected a.shape[-2] == b.shape[0] for a 1-d b.";
    refuses f64[2, 3], f64[3, 1] => "lstsq: the sides differ in length. Got (2, 3) and (3, 1); expected a.shape[-2] == b.shape[-2].";
    refuses f64[2, 3], f64[] => "lstsq: the right side has no axis. Got shape (); expected shape (m,) or (..., m, k).";
    refuses f64[2], f64[2] => "lstsq: the left side is no matrix. Got shape (2,); expected shape (..., m, n).";
}

/// The least squares solution of `a x = b` with the least norm.
#[track_caller]
pub fn lstsq<'g>(a: impl AsTensor<'g>, b: impl Operand<'g>) -> Tensor<'g> {
    output(&mut apply_all(&LSTSQ, &[a.tensor().into(), b.arg(), Arg::Absent], &[]).into_iter(), "x")
}

/// The number of rows of an operand of `lstsq`.
fn side(x: Tensor<'_>, what: &str) -> Result<Dim> {
    match x.dims() {
        [.., m, _] => Ok(*m),
        dims => {
            let rule = if dims.is_empty() { "shape (m,) or (..., m, k)" } else { "shape (..., m, n)" };
            Err(Error::new(ErrorKind::Shape, "lstsq", what, format_args!("shape {}", Tuple(dims)), rule))
        }
    }
}
