//! The Cholesky factorisation, and what its gradient needs.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::op::{Batched, CallKernel, Infer, Kernel, OpDef};
use crate::kernels;
use crate::ops::batch;
use crate::ops::compare::equal;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::{rows_and_columns, tril};
use crate::ops::movement::{expand_dims, squeeze};
use crate::ops::rules::unbroadcast;
use crate::ops::select::select;
use crate::ops::unpack::{self, attr};
use crate::shape::{Aval, Tuple, broadcast};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SOLVE_LOWER, &CHOLESKY_LOWER, &CHOLESKY];

fn check_square(c: &Infer<'_>, a: &Aval) -> Result<()> {
    match &a.shape[..] {
        [.., m, n] if m.unify(*n).is_some() => Ok(()),
        _ => c.shape_error("not a square matrix", format_args!("shape {}", Tuple(&a.shape)), "shape (..., n, n)"),
    }
}

/// The lower triangle of square matrices with the diagonal halved, zeros above.
fn halved_triangle(x: Tensor<'_>) -> Tensor<'_> {
    let (rows, columns) = match rows_and_columns("cholesky", x, 0) {
        Ok(places) => places,
        Err(e) => return x.graph().poison(e),
    };
    select(equal(columns, rows), x * 0.5, tril(x, 0))
}

row! {
    /// The solution `x` of `l x = b`, or of `l^T x = b` with `transpose`, for lower triangular `l`; of `l` only the lower
    /// triangle is read. A 1-d `b` is one right side, which a batch of matrices shares; else the last two axes of `b` are a
    /// matrix whose columns are right sides, and the axes before broadcast. A zero on the diagonal is an error of the run.
    ///
    /// Gradient: `gb = l^-T g` and `-tril(gb x^T)`; with `transpose`, `gb = l^-1 g` and `-tril(x gb^T)`.
    pub SOLVE_LOWER = fn solve_lower(l: float, b: float; transpose: bool = false) -> x
    shape(c) {
        check_square(c, l)?;
        let [rl @ .., n, _] = &l.shape[..] else { return Err(unpack::arity(c.op)) };
        let (rb, m, columns) = match &b.shape[..] {
            [] => return c.shape_error("the right side has no axis", "shape ()", "shape (n,) or (..., n, k)"),
            [m] => (&[][..], m, None),
            [rb @ .., m, k] => (rb, m, Some(*k)),
        };
        if n.unify(*m).is_none() {
            let rule = if columns.is_some() { "l.shape[-1] == b.shape[-2]" } else { "l.shape[-1] == b.shape[0] for a 1-d b" };
            return c.shape_error("the sides differ in length", format_args!("{} and {}", Tuple(&l.shape), Tuple(&b.shape)), rule);
        }
        let mut shape = broadcast(c.op, rl, rb, c.fresh)?;
        shape.push(*n);
        shape.extend(columns);
        Ok(smallvec![Aval { dtype: l.dtype, shape }])
    };
    kernel call!(true, |[l, b] -> [x], c| {
        let transpose: bool = attr(c.attrs.first())?;
        let keep = b.dims().len().min(2);
        let lead = &x.dims()[..x.dims().len().saturating_sub(keep)];
        with_lead(*l, lead, 2, |l| with_lead(*b, lead, keep, |b| kernels::linalg::triangular::solve_triangular(c.ranges, c.op, l, b, true, transpose, x)))
    });
    support Unknown;
    vjp(g) {
        l: {
            let gb = solve_lower(l, columns(g, b), !transpose);
            let x = columns(x, b);
            let outer = if transpose { batch_matmul(x, swapped(gb)) } else { batch_matmul(gb, swapped(x)) };
            tril(-unbroadcast(outer, l), 0)
        },
        b: {
            let gb = solve_lower(l, columns(g, b), !transpose);
            if b.ndim() == 1 { squeeze(gb, -1) } else { gb }
        },
    }
    batch Rule(solved);
    cost |c| c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "scipy.linalg.solve_triangular(l, b, lower=True, trans=int(transpose))";
    example "T.solve_lower([[2.0, 0.0], [1.0, 4.0]], [2.0, 9.0])" => "[1. 2.]";
    rounds by_layout;
    case spd[3, 3], real[3, 3];
    case spd[3, 3], real[3, 3] with transpose = true;
    case spd[3, 3], real[3];
    case spd[3, 3], real[3] with transpose = true;
    case spd[2, 3, 3], real[3];
    case spd[2, 3, 3], real[3] with transpose = true;
    case spd[2, 3, 3], real[3, 2];
    case spd[2, 3, 3], real[3, 2] with transpose = true;
    refuses f64[2, 2], f64[3, 1] => "solve_lower: the sides differ in length. Got (2, 2) and (3, 1); expected l.shape[-1] == b.shape[-2].";
    refuses f64[2, 2], f64[3] => "solve_lower: the sides differ in length. Got (2, 2) and (3,); expected l.shape[-1] == b.shape[0] for a 1-d b.";
    refuses f64[4, 2, 2], f64[4, 2] with transpose = true => "solve_lower: the sides differ in length. Got (4, 2, 2) and (4, 2); expected l.shape[-1] == b.shape[-2].";
    refuses f64[2, 2], f64[] => "solve_lower: the right side has no axis. Got shape (); expected shape (n,) or (..., n, k).";
}

/// With one more axis: a 1-d right side becomes a column, which matrices in front share.
fn solved<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let (&[l, right], &[l_has, right_has]) = (b.inputs, b.has) else { return Err(unpack::arity(b.node.name())) };
    let single = b.single(1);
    let (own, right) = if single.ndim() == 1 { (2, expand_dims(right, -1)) } else { (single.ndim(), right) };
    let missing = |has: bool, ndim: usize| if has { b.single(0).ndim().max(own).saturating_sub(ndim) as i64 } else { 0 };
    let aligned = [batch::behind_first(l, missing(l_has, b.single(0).ndim())), batch::behind_first(right, missing(right_has, own))];
    let xs = batch::applied(b, &aligned, &b.node.attrs)?;
    Ok(xs.into_iter().map(|x| if single.ndim() == 1 { squeeze(x, -1) } else { x }).collect())
}

/// `t`, which belongs to the right side `b`, as a matrix of columns.
fn columns<'g>(t: Tensor<'g>, b: Tensor<'g>) -> Tensor<'g> {
    if b.ndim() == 1 { expand_dims(t, -1) } else { t }
}

row! {
    /// The lower factor `l` of `a = l l^T`; of `a` only the lower triangle is read. A matrix that is not positive definite
    /// is an error of the run.
    ///
    /// Gradient: with `s = l^-T phi(l^T g) l^-1`, where `phi` is the lower triangle with its diagonal halved, the lower
    /// triangle of `a` gets `phi(s + s^T)` (Murray 2016, arXiv:1602.07527, equation 10).
    pub(crate) CHOLESKY_LOWER = fn cholesky_lower(a: float) -> l
    shape(c) {
        check_square(c, a)?;
        Ok(smallvec![a.clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a], [l]) => kernels::linalg::cholesky::cholesky(c.ranges, c.op, *a, c.scratch, l),
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| avals.first().map_or(0, |a| {
            let n = a.shape.last().and_then(|d| d.known()).unwrap_or(0);
            kernels::linalg::cholesky::scratch_bytes(n, a.dtype)
        }),
        fallible: true,
    });
    support Unknown;
    vjp(g) { a: {
        let p = halved_triangle(batch_matmul(swapped(l), g));
        let left = solve_lower(l, p, true);
        let s = swapped(solve_lower(l, swapped(left), true));
        halved_triangle(s + swapped(s))
    } }
    batch Leading(2);
    cost |c| c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64) / 3.0;
    numpy "np.linalg.cholesky(a)";
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "cholesky_lower: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The lower factor `l` of the symmetric positive definite matrices `a = l l^T` in the last two axes, zeros above the
    /// diagonal. The symmetric part `(a + a^T) / 2` is factored, so the gradient is symmetric. A matrix that is not
    /// positive definite is an error of the run.
    pub CHOLESKY = fn cholesky(a: any) -> l
    body {
        let at = if a.ndim() >= 2 { swapped(a) } else { a };
        cholesky_lower((a + at) * 0.5)
    }
    numpy "np.linalg.cholesky((a + np.swapaxes(a, -1, -2)) / 2)";
    example "T.cholesky([[4.0, 2.0], [2.0, 5.0]])" => "[[2. 0.]\n [1. 2.]]";
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    refuses f64[3] => "cholesky: not a square matrix. Got shape (3,); expected shape (..., n, n).";
}
