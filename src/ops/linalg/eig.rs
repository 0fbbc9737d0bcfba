//! Eigenvalues and eigenvectors of general real matrices.
//!
//! There are no complex dtypes: a spectrum has real and imaginary parts. With unit vectors `v` whose entry of the largest magnitude is real,
//! `A V = V diag(w)`, and `F_ij = 1 / (w_j - w_i)`, 0 on the diagonal, a change of `A` changes `w_j` by `(V^-1 dA V)_jj` and `v_j` by `u_j + c_j v_j`
//! with `U = V (F * V^-1 dA V)`, where `c_j` keeps length and phase: `c = -Re(v^H u) - i Im(u_p) / v_p`, `p` the place of the largest entry. The
//! adjoint is the same chain backwards (Boeddeker et al. 2017, arXiv:1701.00392, section 4.4, with the phase of the largest entry fixed).

use smallvec::smallvec;

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::Text;
use crate::graph::op::{CallKernel, Cotangent, Kernel, OpDef, Vjp};
use crate::kernels::linalg::eig;
use crate::ops::arithmetic::abs;
use crate::ops::compare::{equal, less_equal, logical_and, not_equal};
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::{diag_embed, rows_and_columns};
use crate::ops::movement::stop_gradient;
use crate::ops::reduce::{argmax, peak, reduce_sum};
use crate::ops::select::select;
use crate::ops::slice::{concat, slice_along};
use crate::ops::unpack::{self, attr};
use crate::shape::Aval;

use super::cluster::{Between, basis_free};
use super::solve::solve;
use super::{column, extents, row, square};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&EIG_PARTS, &REAL_SPECTRUM, &EIG, &EIGVALS, &EIGVALS_PARTS];

row! {
    /// The eigenvalues of the square matrices in the last two axes, as real and imaginary parts `wr` and `wi`, in ascending order of the real
    /// part, then of the imaginary one; and the eigenvectors as columns of `vr + i vi`, of length 1, the entry of the largest magnitude real
    /// and positive. NaN and infinities are an error of the run.
    ///
    /// Gradient: where the eigenvalues differ. Where some are equal, the gradient of a loss that depends on the vectors, or on each of them by
    /// itself, is an error of the run that names them.
    pub EIG_PARTS = fn eig_parts(a: float) -> wr, wi, vr, vi
    shape(c) {
        let n = square(c, a)?;
        let w = Aval { dtype: a.dtype, shape: a.shape[..a.ndim().saturating_sub(2)].iter().copied().chain([n]).collect() };
        Ok(smallvec![w.clone(), w, a.clone(), a.clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a], [wr, wi, vr, vi]) => eig::eig(c.ranges, c.op, *a, c.scratch, [wr, wi], [vr, vi]),
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| {
            let (count, n, _) = extents(avals.first());
            avals.first().map_or(0, |a| eig::eig_bytes(count, n, a.dtype))
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(v) { ..vec![gradient(v).unwrap_or_else(|e| v.graph.poison(e)).into()] }
    batch Leading(2);
    cost |c| 25.0 * super::cubes(c);
    numpy "ref.eig_parts(a)";
    example "T.eig_parts([[0.0, 1.0], [-4.0, 0.0]])[:2]" => "[0. 0.] [-2.  2.]";
    linalg eig_parts;
    rounds by_layout;
    case regular[3, 3];
    case regular[2, 2, 2];
    case regular[4, 4];
    refuses f64[2, 3] => "eig_parts: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

/// Complex matrices, or numbers, as two tensors.
#[derive(Clone, Copy)]
struct Z<'g> {
    re: Tensor<'g>,
    im: Tensor<'g>,
}

impl<'g> Z<'g> {
    /// The conjugate transpose.
    fn h(self) -> Z<'g> {
        Z { re: swapped(self.re), im: -swapped(self.im) }
    }
    /// The product of matrices.
    fn dot(self, b: Z<'g>) -> Z<'g> {
        let m = |x, y| batch_matmul(x, y);
        Z { re: m(self.re, b.re) - m(self.im, b.im), im: m(self.re, b.im) + m(self.im, b.re) }
    }
    /// The product of elements.
    fn times(self, b: Z<'g>) -> Z<'g> {
        Z { re: self.re * b.re - self.im * b.im, im: self.re * b.im + self.im * b.re }
    }
    fn conjugate(self) -> Z<'g> {
        Z { re: self.re, im: -self.im }
    }
    fn plus(self, b: Z<'g>) -> Z<'g> {
        Z { re: self.re + b.re, im: self.im + b.im }
    }
    fn each(self, f: impl Fn(Tensor<'g>) -> Tensor<'g>) -> Z<'g> {
        Z { re: f(self.re), im: f(self.im) }
    }
    /// The real part of `a^-1 b`, by the real matrix of twice the size.
    fn solved_real(self, b: Z<'g>) -> Tensor<'g> {
        let axis = (self.re.ndim() - 2) as i64;
        let wide = concat(&[concat(&[self.re, -self.im], axis + 1), concat(&[self.im, self.re], axis + 1)], axis);
        let x = solve(wide, concat(&[b.re, b.im], axis));
        match self.re.dims().last().and_then(|n| n.known()) {
            Some(n) => slice_along(x, axis as usize, None, Some(n as i64)),
            // Half of what is not known yet: by a product that leaves the first half.
            None => half(x, self.re),
        }
    }
}

/// The first half of the rows of `x`, which has twice as many as `like`.
fn half<'g>(x: Tensor<'g>, like: Tensor<'g>) -> Tensor<'g> {
    let zero = like * 0.0;
    match rows_and_columns("eig", zero, 0) {
        Ok((rows, columns)) => {
            let one = crate::ops::apply::cast(equal(rows, columns), like.dtype()) + zero;
            batch_matmul(concat(&[one, zero], -1), x)
        }
        Err(e) => x.graph().poison(e),
    }
}

fn gradient<'g>(v: &Vjp<'_, 'g>) -> Result<Tensor<'g>> {
    let (w, vectors) = (Z { re: v.y(0), im: v.y(1) }, Z { re: v.y(2), im: v.y(3) });
    let given = |k: usize| v.cotangents.get(k).copied().flatten();
    let pair = |a: usize, b: usize| {
        let zero = |t: Option<Tensor<'g>>, k: usize| t.unwrap_or_else(|| v.differentiate.zeros_like(v.y(k)));
        (given(a).is_some() || given(b).is_some()).then(|| Z { re: zero(given(a), a), im: zero(given(b), b) })
    };
    let (gw, gv) = (pair(0, 1), pair(2, 3));
    let difference = w.each(|x| row(x) - column(x));
    let size = abs(stop_gradient(w.re)) + abs(stop_gradient(w.im));
    let most = super::each(peak(size, [-1], false));
    let single = w.re.dtype() == crate::dtype::DType::F32;
    let eps = if single { 1e-5 } else { 1e-13 };
    let (rows, columns) = rows_and_columns("eig", vectors.re, 0)?;
    let apart = abs(stop_gradient(difference.re)) + abs(stop_gradient(difference.im));
    let meet = logical_and(less_equal(apart, most * eps), not_equal(rows, columns));
    // Where values meet, a change of one of them, or of a vector, is none of its own.
    let free = |q: Tensor<'g>, part: Tensor<'g>| {
        let part = stop_gradient(part);
        let largest = peak(part, [-2, -1], true);
        let excess = select(meet, part / select(equal(largest, 0.0), 1.0, largest), 0.0);
        basis_free(q, excess, stop_gradient(w.re), "eig", Between::Values)
    };
    let mut inner = gw.map(|g| {
        let unlike = |x: Tensor<'g>| abs(row(x) - column(x));
        let part = unlike(g.re) + unlike(g.im);
        let d = g.each(|x| diag_embed(x, 0, -2, -1));
        Z { re: free(d.re, part), im: d.im }
    });
    if let Some(g) = gv {
        // Length and phase are kept.
        let s = vectors.conjugate().times(g).each(|x| reduce_sum(x, [-2], true));
        let modulus = stop_gradient(vectors.re * vectors.re + vectors.im * vectors.im);
        let places = argmax(modulus, -2, true);
        let at = equal(rows, places);
        let largest = reduce_sum(select(at, vectors.re, 0.0), [-2], true);
        let turned = Z { re: g.re - s.re * vectors.re, im: g.im - s.re * vectors.im - select(at, s.im / largest, 0.0) };
        let n = vectors.h().dot(turned);
        // n / conj(difference).
        let norm = difference.re * difference.re + difference.im * difference.im;
        let norm = select(equal(norm, 0.0), 1.0, norm);
        let quotient = n.times(difference).each(|x| select(equal(rows, columns), 0.0, x / norm));
        let quotient = Z { re: free(quotient.re, abs(n.re) + abs(n.im)), im: quotient.im };
        inner = Some(inner.map_or(quotient, |d| d.plus(quotient)));
    }
    let Some(inner) = inner else { return Ok(v.differentiate.zeros_like(v.x(0))) };
    // V^-H inner V^H, whose imaginary part vanishes if the loss is real.
    Ok(vectors.h().solved_real(inner.dot(vectors.h())))
}

row! {
    /// `w`, and an error of the run unless all imaginary parts `wi` vanish; `op` is what asked for real eigenvalues.
    ///
    /// Gradient: `g`, and the same error.
    pub(crate) REAL_SPECTRUM = fn real_spectrum(w: float, wi: float; op: Text) -> y
    shape(c) Ok(smallvec![w.clone()]);
    kernel call!(true, |[w, wi] -> [y], c| {
        let op: Text = attr(c.attrs.first())?;
        eig::real_spectrum(c.ranges, &op.0, *wi)?;
        crate::kernels::movement::copy(c.ranges, *w, y)
    });
    support Elementwise(constant);
    vjp(g) { w: real_spectrum(g, wi, op), wi: Cotangent::Zero }
    batch Rule(|b| crate::ops::batch::applied(b, &crate::ops::batch::with_axis(b), &b.node.attrs));
    numpy "w";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "it passes on what eig gives it: eig tests it";
    exempt Messages: "whole programs test what it refuses";
}

row! {
    /// The eigenvalues `w`, in ascending order, and the eigenvectors, as columns of `v`, of square matrices with a real spectrum in the last two
    /// axes; the vectors have length 1, and their entry of the largest magnitude is positive. Where the spectrum is not real, an error of
    /// the run: `eig_parts` has imaginary parts.
    ///
    /// Gradient: where the eigenvalues differ; else as `eig_parts`.
    pub EIG = fn eig(a: float) -> w, v
    body {
        let (w, wi, v, _) = eig_parts(a);
        (real_spectrum(w, wi, "eig"), real_spectrum(v, wi, "eig"))
    }
    numpy "ref.eig(a)";
    example "T.eig([[2.0, 1.0], [0.0, 3.0]])" => "[2. 3.] [[1.         0.70710678]\n [0.         0.70710678]]";
    alias eigen;
    linalg eig, eigen;
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "eig: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The eigenvalues, in ascending order, of square matrices with a real spectrum in the last two axes. Where the spectrum is not real, an
    /// error of the run: `eigvals_parts` has imaginary parts.
    ///
    /// Gradient: `v^-T diag(g) v^T`; where eigenvalues are equal, of a loss that treats them alike, else an error of the run.
    pub EIGVALS = fn eigvals(a: float) -> w
    body {
        let (w, wi, ..) = eig_parts(a);
        real_spectrum(w, wi, "eigvals")
    }
    numpy "ref.eig(a)[0]";
    example "T.eigvals([[2.0, 1.0], [0.0, 3.0]])" => "[2. 3.]";
    alias eigenvalues;
    linalg eigvals, eigenvalues;
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "eigvals: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The real and the imaginary parts of the eigenvalues of the square matrices in the last two axes, in ascending order of the real part,
    /// then of the imaginary one.
    ///
    /// Gradient: as that of `eigvals`.
    pub EIGVALS_PARTS = fn eigvals_parts(a: float) -> wr, wi
    body {
        let (wr, wi, ..) = eig_parts(a);
        (wr, wi)
    }
    numpy "ref.eig_parts(a)[:2]";
    example "T.eigvals_parts([[0.0, 1.0], [-4.0, 0.0]])" => "[0. 0.] [-2.  2.]";
    linalg eigvals_parts;
    rounds by_layout;
    case regular[3, 3];
    case regular[2, 2, 2];
    refuses f64[2, 3] => "eigvals_parts: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}
