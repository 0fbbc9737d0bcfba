//! Singular values and vectors.

use smallvec::smallvec;

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::op::{CallKernel, Kernel, OpDef, Vjp};
use crate::kernels::linalg::svd;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::diag_embed;
use crate::ops::unpack::{self, attr};
use crate::shape::{Aval, Dim};

use super::cluster::{Basis, Spectrum, check_order};
use super::qr::{of, shorter};
use super::{extents, matrices};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SVD, &SVDVALS];

row! {
    /// The factors `u diag(s) vh = a` of the matrices in the last two axes: singular values `s`, the largest first, orthonormal vectors as
    /// columns of `u` and rows of `vh`; as many as there are values, or with `full_matrices` whole bases. The entry of the largest magnitude of
    /// each row of `vh` is positive. NaN and infinities are an error of the run.
    ///
    /// Gradient: exact at every multiplicity, repeated and zero values too, for a loss that does not depend on the choice of vectors where
    /// there is one; else an error of the run that names the values. With `q = n / d`, `k_u = u^T gu - gu^T u` and `k_v` likewise, it is
    /// `u ((k_u + k_v) / 2 (s_j - s_i) + (k_u - k_v) / 2 (s_j + s_i) + diag(gs)) vh`, and beside it the parts of `gu` and `gv` outside of the
    /// bases, divided by `s`. Where a divisor vanishes, the limit comes from one more sweep over the cotangent of the values, one for each
    /// derivative up to `order`; a higher one that meets equal values is an error of the run.
    pub SVD = fn svd(a: float; full_matrices: bool = false, order: i64 = 2) -> u, s, vh
    shape(c) {
        let (lead, m, n) = matrices(c, a)?;
        check_order(c.op, order)?;
        let k = shorter(m, n, c.fresh);
        let (cu, cv) = if full_matrices { (m, n) } else { (k, k) };
        let whole = |shape| Aval { dtype: a.dtype, shape };
        Ok(smallvec![whole(of(lead, m, cu)), whole(lead.iter().copied().chain([k]).collect()), whole(of(lead, cv, n))])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a], [u, s, vh]) => svd::svd(c.ranges, c.op, *a, attr(c.attrs.first())?, c.scratch, [u, s, vh]),
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, attrs| {
            let (count, m, n) = extents(avals.first());
            avals.first().map_or(0, |a| svd::svd_bytes(count, m, n, attr(attrs.first()).unwrap_or(false), a.dtype))
        },
        fallible: true,
        spares: &[0, 2],
    });
    support Unknown;
    vjp(v) { ..vec![gradient(v).unwrap_or_else(|e| v.graph.poison(e)).into()] }
    batch Leading(2);
    cost |c| 12.0 * super::cubes(c);
    numpy "ref.svd(a, full_matrices)";
    example "T.svd([[2.0, 0.0], [0.0, 1.0]])" => "[[1. 0.]\n [0. 1.]] [2. 1.] [[1. 0.]\n [0. 1.]]";
    linalg svd;
    rounds by_layout;
    case regular[3, 3];
    case regular[4, 2];
    case regular[2, 3];
    case regular[2, 3, 2];
    refuses f64[3] => "svd: there is no matrix. Got shape (3,); expected shape (..., m, n).";
    refuses f64[3, 3] with order = 0 => "svd: no such order. Got order=0; expected 1 to 8.";
}

fn gradient<'g>(v: &Vjp<'_, 'g>) -> Result<Tensor<'g>> {
    let a = v.x(0);
    let axis = a.ndim() - 2;
    let (m, n) = (a.dims()[axis], a.dims()[axis + 1]);
    let full: bool = attr(v.node.attrs.first())?;
    let gs = v.cotangents.get(1).copied().flatten();
    let (gu, gvh) = (v.cotangents.first().copied().flatten(), v.cotangents.get(2).copied().flatten());
    let s = v.y(1);
    let shorter = match (m, n) {
        (Dim::Known(m), Dim::Known(n)) => Some(m.min(n)),
        _ => None,
    };
    let longest = match (m, n) {
        (Dim::Known(m), Dim::Known(n)) => Some(m.max(n)),
        _ => None,
    };
    let side = |output: Tensor<'g>, rows: bool, g: Option<Tensor<'g>>, length: Dim| {
        let more = m != n && shorter.is_none_or(|k| length != Dim::Known(k));
        Basis { output, rows, own: shorter.filter(|_| full && more), g, complement: more }
    };
    let (left, right) = (side(v.y(0), false, gu, m), side(v.y(2), true, gvh, n));
    let (u, vh) = (left.columns(), swapped(right.columns()));
    let spectrum = Spectrum { v, op: "svd", s, gs, bases: [Some(left), Some(right)], length: longest, order: attr(v.node.attrs.get(1))? };
    let [inner, of_left, of_right] = spectrum.quotients()?;
    // As few products as possible.
    let diagonal = gs.map(|g| diag_embed(g, 0, -2, -1));
    let inner = match (inner, diagonal) {
        (Some(q), Some(d)) => Some(batch_matmul(u, q + d)),
        (Some(q), None) => Some(batch_matmul(u, q)),
        (None, Some(_)) => gs.map(|g| u * super::row(g)),
        (None, None) => None,
    };
    let left = match (inner, of_left) {
        (Some(x), Some(q)) => Some(x + q),
        (x, q) => x.or(q),
    };
    let left = left.map(|x| batch_matmul(x, vh));
    let right = of_right.map(|q| batch_matmul(u, swapped(q)));
    Ok(match (left, right) {
        (Some(x), Some(y)) => x + y,
        (x, y) => x.or(y).unwrap_or_else(|| v.differentiate.zeros_like(a)),
    })
}

row! {
    /// The singular values of the matrices in the last two axes, the largest first. Alone they are computed without vectors, by another
    /// way that may round differently.
    ///
    /// Gradient: `u diag(g) vh`, of every order: where values meet, limits are taken.
    pub SVDVALS = fn svdvals(a: float) -> s
    body { svd(a, false, 2).1 }
    numpy "np.linalg.svd(a, compute_uv=False)";
    example "T.svdvals([[3.0, 0.0], [4.0, 5.0]])" => "[6.70820393 2.23606798]";
    linalg svdvals;
    rounds by_layout;
    case regular[3, 3];
    case regular[4, 2];
    case regular[2, 2, 3];
    refuses f64[3] => "svdvals: there is no matrix. Got shape (3,); expected shape (..., m, n).";
}
