//! Systems whose matrix has few diagonals.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Attr, Ints};
use crate::graph::op::{CallKernel, Infer, Kernel, OpDef};
use crate::kernels::linalg::banded::{self, Band};
use crate::ops::joining::stack;
use crate::ops::movement::{expand_dims, squeeze};
use crate::ops::padding::{PadMode, pad};
use crate::ops::reduce::reduce_sum;
use crate::ops::slice::{concat, slice_along};
use crate::ops::unpack::{self, attr};
use crate::shape::{Aval, Dim, Shape, Tuple, broadcast};

use super::{extents, matrices};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&BANDED_SOLVED, &SOLVE_BANDED, &SOLVE_TRIDIAGONAL];

/// The band that the attributes name.
fn band(attrs: &[Attr]) -> Result<Band> {
    let (lower, upper): (i64, i64) = (attr(attrs.first())?, attr(attrs.get(1))?);
    let length = |n: i64| usize::try_from(n).unwrap_or(0);
    Ok(Band { lower: length(lower), upper: length(upper), transpose: attr(attrs.get(2))? })
}

/// The avals of a solution.
fn system(c: &mut Infer<'_>, ab: &Aval, b: &Aval, diagonals: i64) -> Result<Aval> {
    let (own, rows, n) = matrices(c, ab)?;
    let (lead, m, columns) = matrices(c, b)?;
    if rows.unify(Dim::Known(usize::try_from(diagonals).unwrap_or(0))).is_none() {
        let got = format!("shape {}", Tuple(&ab.shape));
        return c.shape_error("the diagonals do not fit", got, format_args!("{diagonals} rows, the diagonals"));
    }
    if n.unify(m).is_none() {
        let got = format!("{} and {}", Tuple(&ab.shape), Tuple(&b.shape));
        return c.shape_error("the sides differ in length", got, "ab.shape[-1] == b.shape[-2]");
    }
    let mut shape: Shape = broadcast(c.op, own, lead, c.fresh)?;
    shape.extend([n, columns]);
    Ok(Aval { dtype: ab.dtype, shape })
}

row! {
    /// The solution `x` of `a x = b`, or of `a^T x = b` with `transpose`, for matrices `a` with `lower` diagonals below the main one and `upper`
    /// above it, by elimination with exchanged rows in `n (lower + upper)` numbers. `ab` (..., lower + upper + 1, n) has the diagonals as rows, the
    /// highest first, each element in its column: `a[i, j]` is `ab[upper + i - j, j]`; the corners in which no element belongs are not read.
    /// A singular matrix is an error of the run.
    ///
    /// Gradient: `gb = a^-T g`, and the diagonals of `-gb x^T`; with `transpose`, `gb = a^-1 g` and those of `-x gb^T`.
    pub(crate) BANDED_SOLVED = fn banded_solved(ab: float, b: float; lower: i64, upper: i64, transpose: bool = false) -> x
    shape(c) {
        Ok(smallvec![system(c, ab, b, lower.saturating_add(upper).saturating_add(1))?])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([ab, b], [x]) => {
                let band = band(c.attrs)?;
                let lead = &x.dims()[..x.dims().len().saturating_sub(2)];
                let (ranges, op, scratch) = (c.ranges, c.op, &mut *c.scratch);
                with_lead(*ab, lead, 2, |ab| with_lead(*b, lead, 2, |b| banded::solve(ranges, op, ab, b, band, scratch, x)))
            }
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, attrs| {
            let count = avals.iter().map(|a| extents(Some(a)).0.max(1)).product();
            let (_, _, n) = extents(avals.first());
            match (avals.first(), band(attrs)) {
                (Some(a), Ok(band)) => banded::bytes(count, n, band, a.dtype),
                _ => 0,
            }
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(g) {
        ab: {
            let gb = banded_solved(ab, g, lower, upper, !transpose);
            if transpose { diagonals(x, gb, lower, upper) } else { diagonals(gb, x, lower, upper) }
        },
        b: banded_solved(ab, g, lower, upper, !transpose),
    }
    batch Rule(|b| super::aligned(b, &[2, 2]));
    cost |c| 2.0 * c.size() * c.lengths(0).iter().rev().nth(1).map_or(0.0, |&d| 2.0 * d as f64);
    numpy "ref.banded_solved(ab, b, lower, upper, transpose)";
    rounds by_layout;
    case beyond[3, 4], real[4, 2] with lower = 1, upper = 1;
    case beyond[3, 4], real[4, 2] with lower = 1, upper = 1, transpose = true;
    refuses f64[2, 4], f64[4, 1] with lower = 1, upper = 1 => "banded_solved: the diagonals do not fit. Got shape (2, 4); expected 3 rows, the diagonals.";
}

/// The diagonals of `-p q^T`, as `ab` has them: row `r` of column `j` is `-sum of p[j + r - upper] * q[j]` over the right sides.
fn diagonals<'g>(p: Tensor<'g>, q: Tensor<'g>, lower: i64, upper: i64) -> Tensor<'g> {
    let axis = p.ndim() - 2;
    let mut widths = vec![(0i64, 0i64); p.ndim()];
    widths[axis] = (upper, lower);
    let room = pad(p, 0.0, &widths[..], PadMode::Constant);
    let all = lower + upper;
    let rows: Vec<Tensor<'g>> = (0..=all)
        .map(|r| {
            let moved = slice_along(room, axis, Some(r), if r == all { None } else { Some(r - all) });
            -reduce_sum(moved * q, -1, false)
        })
        .collect();
    stack(&rows, -2)
}

row! {
    /// The solution `x` of `a x = b` for matrices with few diagonals, as many below and above the main one as `l_and_u` says. `ab` has
    /// the diagonals as rows, the highest first, each element in its column: `a[i, j]` is `ab[u + i - j, j]`. Axes in front are a batch. A 1-d `b`
    /// is one right side, else the columns of its last two axes are. The cost is that of `n` times the diagonals. A singular
    /// matrix is an error of the run.
    ///
    /// Gradient: `gb = a^-T g`, and the diagonals of `-gb x^T`; corners in which no element belongs get 0.
    pub SOLVE_BANDED = fn solve_banded(ab: float, b: float; l_and_u: Ints) -> x
    body {
        let &[lower, upper] = &l_and_u.0[..] else {
            let got = Tuple(&l_and_u.0);
            return Err(Error::new(ErrorKind::Value, "solve_banded", "the diagonals are not counted", got, "a pair (lower, upper)"));
        };
        if lower < 0 || upper < 0 {
            let got = Tuple(&l_and_u.0);
            return Err(Error::new(ErrorKind::Value, "solve_banded", "a number of diagonals is negative", got, "numbers >= 0"));
        }
        solved(ab, b, lower, upper)
    }
    numpy "ref.solve_banded(l_and_u, ab, b)";
    example "T.solve_banded((1, 0), [[2.0, 4.0], [1.0, 0.0]], [2.0, 5.0])" => "[1. 1.]";
    linalg solve_banded;
    signature "l_and_u, ab, b";
    rounds by_layout;
    case beyond[2, 4], real[4] with l_and_u = [1, 0];
    case beyond[2, 4], real[4, 2] with l_and_u = [0, 1];
    case real[4, 5], real[5, 2] with l_and_u = [2, 1];
    case beyond[2, 1, 3], real[3, 1] with l_and_u = [0, 0];
    case real[2, 3, 4], real[2, 4, 1] with l_and_u = [1, 1];
    refuses f64[2, 4], f64[4] with l_and_u = [1] => "solve_banded: the diagonals are not counted. Got (1,); expected a pair (lower, upper).";
    refuses f64[2, 4], f64[4] with l_and_u = [-1, 2] => "solve_banded: a number of diagonals is negative. Got (-1, 2); expected numbers >= 0.";
    refuses f64[3, 4], f64[3] with l_and_u = [1, 1] => "solve_banded: the sides differ in length. Got (3, 4) and (3, 1); expected ab.shape[-1] == b.shape[-2].";
}

/// For one right side or many.
fn solved<'g>(ab: Tensor<'g>, b: Tensor<'g>, lower: i64, upper: i64) -> Tensor<'g> {
    match b.ndim() {
        1 => squeeze(banded_solved(ab, expand_dims(b, -1), lower, upper, false), -1),
        _ => banded_solved(ab, b, lower, upper, false),
    }
}

row! {
    /// The solution `x` of `a x = b` for matrices with the diagonals `dl` below the main one `d` and `du` above it, in a time that grows with their
    /// length, with exchanged rows where they are needed. `dl` and `du` are shorter by one, as LAPACK and `diagonal` have them; or as long
    /// as `d`, then `dl[0]` and `du[-1]` are not read. Axes in front are a batch. A 1-d `b` is one right side, else the columns of its last two
    /// axes are. A singular matrix is an error of the run.
    ///
    /// Gradient: `gb = a^-T g`, and the three diagonals of `-gb x^T`.
    pub SOLVE_TRIDIAGONAL = fn solve_tridiagonal(dl: float, d: float, du: float, b: float) -> x
    body {
        let (Some(&n), Some(&low), Some(&high)) = (d.dims().last(), dl.dims().last(), du.dims().last()) else {
            let got = format_args!("{}, {} and {}", Tuple(dl.dims()), Tuple(d.dims()), Tuple(du.dims()));
            let rule = "shapes (..., n - 1), (..., n) and (..., n - 1)";
            return Err(Error::new(ErrorKind::Shape, "solve_tridiagonal", "a diagonal has no axis", got, rule));
        };
        let axis = d.ndim() - 1;
        let zero = slice_along(d, axis, None, Some(1)) * 0.0;
        let lower = if low == n { slice_along(dl, axis, Some(1), None) } else { dl };
        let upper = if high == n { slice_along(du, axis, None, Some(-1)) } else { du };
        let ab = stack(&[concat(&[zero, upper], -1), d, concat(&[lower, zero], -1)], -2);
        if let Some(e) = ab.error() {
            return Err(e.named("solve_tridiagonal"));
        }
        solved(ab, b, 1, 1)
    }
    numpy "ref.solve_tridiagonal(dl, d, du, b)";
    example "T.solve_tridiagonal([1.0, 1.0], [4.0, 4.0, 4.0], [1.0, 1.0], [5.0, 6.0, 5.0])" => "[1. 1. 1.]";
    alias tridiagonal_solve;
    linalg solve_tridiagonal, tridiagonal_solve;
    rounds by_layout;
    case unit[3], beyond[4], unit[3], real[4];
    case unit[3], beyond[4], unit[3], real[4, 2];
    case unit[2, 2], beyond[2, 3], unit[2, 2], real[3, 1];
    refuses f64[], f64[3], f64[2], f64[3] => "solve_tridiagonal: a diagonal has no axis. Got (), (3,) and (2,); expected shapes (..., n - 1), (..., n) and (..., n - 1).";
}
