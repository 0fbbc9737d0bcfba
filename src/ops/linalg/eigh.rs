//! Eigenvalues and eigenvectors of symmetric matrices.

#![allow(non_snake_case, reason = "NumPy's name of a parameter")]

use smallvec::smallvec;

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::choices;
use crate::graph::op::{CallKernel, Kernel, OpDef, Vjp};
use crate::kernels::linalg::eigh;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::{diag_embed, tril, triu};
use crate::ops::unpack::{self, attr};
use crate::shape::{Aval, Dim};

use super::cluster::{Basis, Spectrum, check_order};
use super::{extents, mirrored, row, square, symmetric_part};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&EIGH_SYMMETRIC, &EIGH, &EIGVALSH];

choices! {
    /// Which part of a matrix stands for the symmetric one.
    pub enum Triangle {
        /// Its symmetric part.
        Both = "both",
        /// The lower triangle.
        Lower = "L",
        /// The upper triangle.
        Upper = "U",
    }
}

row! {
    /// Eigenvalues, the least first, and eigenvectors, as columns, of symmetric matrices, of which the lower triangle is read. The entry of the
    /// largest magnitude of each vector is positive.
    ///
    /// Gradient: `v ((k / 2) / (w_j - w_i) + diag(gw)) v^T` with `k = v^T gv - gv^T v`, of which the lower triangle gets both halves; where
    /// eigenvalues meet, limits as of `svd`.
    pub(crate) EIGH_SYMMETRIC = fn eigh_symmetric(a: float; order: i64 = 2) -> w, v
    shape(c) {
        let n = square(c, a)?;
        check_order("eigh", order)?;
        let values = a.shape[..a.ndim().saturating_sub(2)].iter().copied().chain([n]).collect();
        Ok(smallvec![Aval { dtype: a.dtype, shape: values }, a.clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a], [w, v]) => eigh::eigh(c.ranges, c.op, *a, c.scratch, w, v),
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| {
            let (count, n, _) = extents(avals.first());
            avals.first().map_or(0, |a| eigh::eigh_bytes(count, n, a.dtype))
        },
        fallible: true,
        spares: &[1],
    });
    support Unknown;
    vjp(v) { ..vec![gradient(v).unwrap_or_else(|e| v.graph.poison(e)).into()] }
    batch Leading(2);
    cost |c| 9.0 * super::cubes(c);
    numpy "ref.eigh(a)";
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "eigh_symmetric: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

fn gradient<'g>(v: &Vjp<'_, 'g>) -> Result<Tensor<'g>> {
    let (w, vectors) = (v.y(0), v.y(1));
    let (gw, gv) = (v.cotangents.first().copied().flatten(), v.cotangents.get(1).copied().flatten());
    let basis = Basis { output: vectors, rows: false, own: None, g: gv, complement: false };
    let length = w.dims().last().and_then(|n: &Dim| n.known());
    let spectrum = Spectrum { v, op: "eigh", s: w, gs: gw, bases: [Some(basis), None], length, order: attr(v.node.attrs.first())? };
    let [inner, ..] = spectrum.quotients()?;
    let left = match (inner, gw) {
        (Some(q), Some(g)) => batch_matmul(vectors, q + diag_embed(g, 0, -2, -1)),
        (Some(q), None) => batch_matmul(vectors, q),
        (None, Some(g)) => vectors * row(g),
        (None, None) => return Ok(v.differentiate.zeros_like(v.x(0))),
    };
    // Of the lower triangle, each entry of which stands for two.
    let whole = batch_matmul(left, swapped(vectors));
    Ok(tril(whole, 0) + tril(whole, -1))
}

/// The symmetric matrix that a part of `a` stands for; what is no square matrix stays as it is.
fn symmetric(a: Tensor<'_>, part: Triangle) -> Tensor<'_> {
    match a.dims() {
        [.., m, n] if m.unify(*n).is_some() => {}
        _ => return a,
    }
    match part {
        Triangle::Both => symmetric_part(a),
        Triangle::Lower => tril(a, 0) + mirrored(tril(a, -1)),
        Triangle::Upper => triu(a, 0) + mirrored(triu(a, 1)),
    }
}

row! {
    /// The eigenvalues of the symmetric matrices in the last two axes, the least first, and orthonormal eigenvectors as columns of `v`. The
    /// symmetric part `(a + a^T) / 2` is factored, or with `UPLO` the symmetric matrix with that triangle. The entry of the largest magnitude of
    /// each vector is positive. NaN and infinities are an error of the run.
    ///
    /// Gradient: symmetric (with `UPLO`, that triangle's); exact at every multiplicity for a loss that does not depend on the choice of vectors
    /// of equal eigenvalues, else an error of the run that names them; and up to the derivative of this `order`: a higher one that meets equal
    /// eigenvalues is an error too.
    pub EIGH = fn eigh(a: float; UPLO: Triangle = Triangle::Both, order: i64 = 2) -> w, v
    body { eigh_symmetric(symmetric(a, UPLO), order) }
    numpy "ref.eigh(ref.symmetric(a, UPLO))";
    example "T.eigh([[3.0, 0.0], [0.0, 1.0]])" => "[1. 3.] [[0. 1.]\n [1. 0.]]";
    linalg eigh;
    rounds by_layout;
    case spd[3, 3];
    case regular[3, 3] with UPLO = Triangle::Lower;
    case regular[2, 2, 2] with UPLO = Triangle::Upper;
    refuses f64[3, 3] with order = 9 => "eigh: no such order. Got order=9; expected 1 to 8.";
    refuses f64[2, 3] => "eigh: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The eigenvalues of the symmetric matrices in the last two axes, the least first: of the symmetric part, or with `UPLO` of the symmetric
    /// matrix with that triangle. Alone they are computed without vectors, by another way that may round differently.
    ///
    /// Gradient: `v diag(g) v^T`, of every order: where eigenvalues meet, limits are taken.
    pub EIGVALSH = fn eigvalsh(a: float; UPLO: Triangle = Triangle::Both) -> w
    body { eigh_symmetric(symmetric(a, UPLO), 2).0 }
    numpy "np.linalg.eigvalsh(ref.symmetric(a, UPLO))";
    example "T.eigvalsh([[2.0, 1.0], [1.0, 2.0]])" => "[1. 3.]";
    linalg eigvalsh;
    rounds by_layout;
    case spd[3, 3];
    case regular[2, 3, 3] with UPLO = Triangle::Upper;
    refuses f64[2, 3] => "eigvalsh: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}
