//! Triangular systems.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::{Batched, OpDef};
use crate::kernels::level3::Triangle;
use crate::kernels::linalg::triangular;
use crate::ops::batch;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::{tril, triu};
use crate::ops::movement::{expand_dims, squeeze};
use crate::ops::rules::unbroadcast;
use crate::ops::unpack::{self, attr};
use crate::shape::{Aval, broadcast};

use super::square;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SOLVE_TRIANGULAR];

/// The system of a call.
fn triangle(op: &str, trans: i64, lower: bool, unit: bool) -> Result<Triangle> {
    match trans {
        0..=2 => Ok(Triangle { lower, transpose: trans != 0, unit }),
        _ => Err(Error::new(ErrorKind::Value, op, "no such system", format_args!("trans={trans}"), "0, or 1 or 2 for the transpose")),
    }
}

row! {
    /// The solution `x` of `a x = b`, or of `a^T x = b` if `trans` is 1 (or 2), for triangular matrices `a`: of `a` only the upper
    /// triangle is read, or with `lower` the lower one; with `unit_diagonal` its diagonal is taken for ones. A 1-d `b` is one right side,
    /// which a batch of matrices shares; else the last two axes of `b` are a matrix whose columns are right sides, and the axes before
    /// broadcast. A zero on the diagonal is an error of the run.
    ///
    /// Gradient: `gb = a^-T g` and `-gb x^T`, of which `a` gets the triangle that is read; with `trans`, `gb = a^-1 g` and `-x gb^T`.
    pub SOLVE_TRIANGULAR = fn solve_triangular(a: float, b: float; trans: i64 = 0, lower: bool = false, unit_diagonal: bool = false) -> x
    shape(c) {
        let n = square(c, a)?;
        triangle(c.op, trans, lower, unit_diagonal)?;
        let rl = &a.shape[..a.ndim().saturating_sub(2)];
        let (rb, m, columns) = match &b.shape[..] {
            [] => return c.shape_error("the right side has no axis", "shape ()", "shape (n,) or (..., n, k)"),
            [m] => (&[][..], m, None),
            [rb @ .., m, k] => (rb, m, Some(*k)),
        };
        if n.unify(*m).is_none() {
            let rule = if columns.is_some() { "a.shape[-1] == b.shape[-2]" } else { "a.shape[-1] == b.shape[0] for a 1-d b" };
            return c.shape_error("the sides differ in length", format_args!("{} and {}", crate::shape::Tuple(&a.shape), crate::shape::Tuple(&b.shape)), rule);
        }
        let mut shape = broadcast(c.op, rl, rb, c.fresh)?;
        shape.push(n);
        shape.extend(columns);
        Ok(smallvec![Aval { dtype: a.dtype, shape }])
    };
    kernel call!(true, |[a, b] -> [x], c| {
        let [trans, lower, unit] = c.attrs else { return Err(unpack::arity(c.op)) };
        let which = triangle(c.op, attr(Some(trans))?, attr(Some(lower))?, attr(Some(unit))?)?;
        let keep = b.dims().len().min(2);
        let lead = &x.dims()[..x.dims().len().saturating_sub(keep)];
        with_lead(*a, lead, 2, |a| with_lead(*b, lead, keep, |b| triangular::solve_triangular(c.ranges, c.op, a, b, which, x)))
    });
    support Unknown;
    vjp(g) {
        a: {
            let gb = solve_triangular(a, columns(g, b), i64::from(trans == 0), lower, unit_diagonal);
            let x = columns(x, b);
            let outer = if trans != 0 { batch_matmul(x, swapped(gb)) } else { batch_matmul(gb, swapped(x)) };
            let (k, outer) = (i64::from(unit_diagonal), -unbroadcast(outer, a));
            if lower { tril(outer, -k) } else { triu(outer, k) }
        },
        b: {
            let gb = solve_triangular(a, columns(g, b), i64::from(trans == 0), lower, unit_diagonal);
            if b.ndim() == 1 { squeeze(gb, -1) } else { gb }
        },
    }
    batch Rule(solved);
    cost |c| c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "scipy.linalg.solve_triangular(a, b, trans=trans, lower=lower, unit_diagonal=unit_diagonal)";
    example "T.solve_triangular([[2.0, 0.0], [1.0, 4.0]], [2.0, 9.0], lower=True)" => "[1. 2.]";
    linalg solve_triangular;
    rounds by_layout;
    case spd[3, 3], real[3, 3];
    case spd[3, 3], real[3, 3] with trans = 1, lower = true;
    case spd[3, 3], real[3] with lower = true;
    case spd[3, 3], real[3] with trans = 1;
    case spd[2, 3, 3], real[3] with unit_diagonal = true;
    case spd[2, 3, 3], real[3] with trans = 2, lower = true, unit_diagonal = true;
    case spd[2, 3, 3], real[3, 2];
    case spd[2, 3, 3], real[3, 2] with trans = 1;
    refuses f64[2, 2], f64[3, 1] => "solve_triangular: the sides differ in length. Got (2, 2) and (3, 1); expected a.shape[-1] == b.shape[-2].";
    refuses f64[2, 2], f64[3] => "solve_triangular: the sides differ in length. Got (2, 2) and (3,); expected a.shape[-1] == b.shape[0] for a 1-d b.";
    refuses f64[4, 2, 2], f64[4, 2] with trans = 1 => "solve_triangular: the sides differ in length. Got (4, 2, 2) and (4, 2); expected a.shape[-1] == b.shape[-2].";
    refuses f64[2, 2], f64[] => "solve_triangular: the right side has no axis. Got shape (); expected shape (n,) or (..., n, k).";
    refuses f64[2, 2], f64[2] with trans = 3 => "solve_triangular: no such system. Got trans=3; expected 0, or 1 or 2 for the transpose.";
    refuses f64[2, 3], f64[2] => "solve_triangular: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

/// The solution of a lower triangular system, or of its transpose.
pub(crate) fn solve_lower<'g>(l: Tensor<'g>, b: Tensor<'g>, transpose: bool) -> Tensor<'g> {
    solve_triangular(l, b, i64::from(transpose), true, false)
}

/// The solution of an upper triangular system, or of its transpose.
pub(crate) fn solve_upper<'g>(u: Tensor<'g>, b: Tensor<'g>, transpose: bool) -> Tensor<'g> {
    solve_triangular(u, b, i64::from(transpose), false, false)
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
pub(super) fn columns<'g>(t: Tensor<'g>, b: Tensor<'g>) -> Tensor<'g> {
    if b.ndim() == 1 { expand_dims(t, -1) } else { t }
}
