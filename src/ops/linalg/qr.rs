//! The QR factorisation.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{AttrType, choices};
use crate::graph::op::{CallKernel, Cotangent, Kernel, OpDef, Vjp};
use crate::graph::{AsTensor, Tensor};
use crate::kernels::linalg::qr;
use crate::ops::apply::{apply_all, output};
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::tril;
use crate::ops::slice::{concat, slice_along};
use crate::ops::unpack::{self, attr};
use crate::shape::{Aval, Dim, Shape, Tuple};

use super::cluster::check_gauge;
use super::triangular::solve_upper;
use super::{extents, matrices, minus_transpose};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&QR_FACTORS, &QR];

choices! {
    /// How many columns the orthogonal factor has.
    pub enum QrMode {
        /// As many as the shorter side of the matrix.
        Reduced = "reduced",
        /// As many as rows: a basis.
        Complete = "complete",
    }
}

/// The shorter one of two lengths; a fresh symbol if they are not known.
pub(super) fn shorter(m: Dim, n: Dim, fresh: &mut dyn FnMut() -> Dim) -> Dim {
    match (m, n) {
        (Dim::Known(m), Dim::Known(n)) => Dim::Known(m.min(n)),
        _ if m == n => m,
        _ => fresh(),
    }
}

/// The shape of matrices.
pub(super) fn of(lead: &[Dim], m: Dim, n: Dim) -> Shape {
    lead.iter().copied().chain([m, n]).collect()
}

row! {
    /// The factors `q r = a`: `q` has orthonormal columns, with `complete` as many as rows; `r` is upper triangular, and its diagonal is
    /// not negative.
    ///
    /// Gradient: of a matrix that is not wider than high, `(gq + q sym(m)) r^-T` with `m = r gr^T - gq^T q`, where `sym` mirrors the lower
    /// triangle; of a wide one `a = [x y]`, `r = [u v]`, that rule of `x` and `u` for `gq + y gv^T`, and `q gv` for `y` (Roberts and Roberts
    /// 2020, arXiv:2009.10071). Columns that complete the basis are free to turn: they enter by the space that they span, and a loss that
    /// depends on more of them has no gradient, which is an error of the run.
    pub(crate) QR_FACTORS = fn qr_factors(a: float; complete: bool = false) -> q, r
    shape(c) {
        let (lead, m, n) = matrices(c, a)?;
        let k = if complete { m } else { shorter(m, n, c.fresh) };
        let of = |m, n| Aval { dtype: a.dtype, shape: of(lead, m, n) };
        Ok(smallvec![of(m, k), of(k, n)])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a], [q, r]) => qr::qr(c.ranges, c.op, *a, c.scratch, q, r),
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, attrs| {
            let (count, m, n) = extents(avals.first());
            let columns = if attr(attrs.first()).unwrap_or(false) { m } else { m.min(n) };
            avals.first().map_or(0, |a| qr::qr_bytes(count, m, n, columns, a.dtype))
        },
        fallible: false,
        spares: &[],
    });
    support Unknown;
    vjp(v) { ..qr_vjp(v) }
    batch Leading(2);
    cost |c| 4.0 * super::cubes(c);
    numpy "ref.qr(a, complete)";
    rounds by_layout;
    exempt Unknown: "its gradient needs to know which side is longer";
    case regular[3, 3];
    case regular[4, 2];
    case regular[2, 3];
    case regular[2, 3, 2];
    refuses f64[3] => "qr_factors: there is no matrix. Got shape (3,); expected shape (..., m, n).";
}

fn qr_vjp<'g>(v: &Vjp<'_, 'g>) -> Vec<Cotangent<'g>> {
    let g = factors_vjp(v).unwrap_or_else(|e| v.graph.poison(e));
    vec![g.into()]
}

fn factors_vjp<'g>(v: &Vjp<'_, 'g>) -> Result<Tensor<'g>> {
    let (a, q, r, mut gq, gr) = (v.x(0), v.y(0), v.y(1), v.g(0), v.g(1));
    let axis = a.ndim() - 2;
    let (m, n) = match (a.dims()[axis], a.dims()[axis + 1]) {
        (Dim::Known(m), Dim::Known(n)) => (m, n),
        // Of a square both are one rule.
        (m, n) if m == n => (0, 0),
        _ => {
            let got = format_args!("shape {}", Tuple(a.dims()));
            return Err(Error::new(
                ErrorKind::Shape,
                "qr",
                "the gradient needs to know which side is longer",
                got,
                "lengths that are known",
            ));
        }
    };
    let first = |t: Tensor<'g>, axis: usize, k: usize| slice_along(t, axis, None, Some(k as i64));
    let rest = |t: Tensor<'g>, axis: usize, k: usize| slice_along(t, axis, Some(k as i64), None);
    let complete = attr(v.node.attrs.first())?;
    let (mut q, mut r, mut gr) = (q, r, gr);
    if m > n && complete {
        let (own, more) = (first(q, axis + 1, n), rest(q, axis + 1, n));
        let (g, gmore) = (first(gq, axis + 1, n), rest(gq, axis + 1, n));
        let turned = minus_transpose(batch_matmul(swapped(more), gmore));
        let size = batch_matmul(swapped(more), gmore);
        let more = check_gauge(more, turned, size, "qr");
        gq = g - batch_matmul(more, batch_matmul(swapped(gmore), own));
        (q, r, gr) = (own, first(r, axis, n), first(gr, axis, n));
    }
    if m >= n {
        return Ok(of_tall(q, r, gq, gr));
    }
    let (u, gu, gw, y) = (first(r, axis + 1, m), first(gr, axis + 1, m), rest(gr, axis + 1, m), rest(a, axis + 1, m));
    let x = of_tall(q, u, gq + batch_matmul(y, swapped(gw)), gu);
    Ok(concat(&[x, batch_matmul(q, gw)], -1))
}

/// Of a matrix that is not wider than high.
fn of_tall<'g>(q: Tensor<'g>, r: Tensor<'g>, gq: Tensor<'g>, gr: Tensor<'g>) -> Tensor<'g> {
    let m = batch_matmul(r, swapped(gr)) - batch_matmul(swapped(gq), q);
    let mirrored = tril(m, 0) + swapped(tril(m, -1));
    swapped(solve_upper(r, swapped(gq + batch_matmul(q, mirrored)), false))
}

row! {
    /// The factors `q r = a` of the matrices in the last two axes: `q` has orthonormal columns, as many as the shorter side (`"reduced"`) or
    /// as rows (`"complete"`); `r` is upper triangular, and its diagonal is not negative.
    ///
    /// Gradient: for columns of full rank. Columns that complete a basis are free to turn: a loss may depend on the space that they span,
    /// and is an error of the run if it depends on more.
    pub QR = fn qr(a: float; mode: QrMode = QrMode::Reduced) -> q, r
    body { qr_factors(a, mode == QrMode::Complete) }
    numpy "ref.qr(a, mode == 'complete')";
    linalg qr;
    by hand;
    rounds by_layout;
    exempt Unknown: "its gradient needs to know which side is longer";
    case regular[3, 3];
    case regular[4, 2];
    case regular[2, 3];
    refuses f64[3] => "qr: there is no matrix. Got shape (3,); expected shape (..., m, n).";
}

/// The factors `q r = a` of the matrices in the last two axes; see [`QrMode`].
#[track_caller]
pub fn qr<'g>(a: impl AsTensor<'g>, mode: QrMode) -> (Tensor<'g>, Tensor<'g>) {
    let mut made = apply_all(&QR, &[a.tensor().into()], &[mode.pack()]).into_iter();
    (output(&mut made, "q"), output(&mut made, "r"))
}
