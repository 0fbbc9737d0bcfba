//! The LU factorisation with exchanged rows, and what its factors give.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::{CallKernel, Cotangent, Infer, Kernel, OpDef};
use crate::kernels::linalg::lu;
use crate::ops::apply::cast;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::equal;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::{rows_and_columns, tril, triu};
use crate::ops::movement::stop_gradient;
use crate::ops::select::select;
use crate::ops::slice::{concat, slice_along};
use crate::ops::unpack::{self, attr};
use crate::shape::{Aval, Dim, Shape, Tuple, broadcast};

use super::qr::qr_factors;
use super::triangular::solve_triangular;
use super::{aligned, extents, matrices, square};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&LU_FACTOR, &LU, &EXCHANGE_ROWS, &LU_SOLVED, &LU_INVERSE];

row! {
    /// The factors of square matrices with exchanged rows, in one array: `u` on and above the diagonal, and below it `l`, whose diagonal of
    /// ones is left out; and the row with which each row was exchanged, one exchange after the other, as `int32`: what `lu_solve` takes.
    /// A singular matrix has a zero on the diagonal of `u`.
    ///
    /// Gradient: with `p a = l u` and the two parts `gl` (strictly lower) and `gu` of `g`,
    /// `p^T l^-T (stril(l^T gl) + triu(gu u^T)) u^-T`, where `u` must be invertible. Between two exchanges the factors are smooth.
    pub LU_FACTOR = fn lu_factor(a: float) -> lu, pivots
    shape(c) {
        square(c, a)?;
        let lead = &a.shape[..a.ndim().saturating_sub(1)];
        Ok(smallvec![a.clone(), Aval { dtype: DType::I32, shape: lead.into() }])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a], [factors, pivots]) => lu::lu(c.ranges, c.op, *a, c.scratch, factors, pivots),
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| {
            let (count, n, _) = extents(avals.first());
            avals.first().map_or(0, |a| lu::lu_bytes(count, n, a.dtype))
        },
        fallible: false,
        spares: &[],
    });
    support Unknown;
    vjp(g, none) { a: {
        let inner = tril(batch_matmul(swapped(unit_lower(lu)), tril(g, -1)), -1) + triu(batch_matmul(triu(g, 0), swapped(triu(lu, 0))), 0);
        let left = solve_triangular(lu, inner, 1, true, true);
        exchange_rows(swapped(solve_triangular(lu, swapped(left), 0, false, false)), pivots, true)
    } }
    batch Leading(2);
    cost |c| c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64) * 2.0 / 3.0;
    numpy "ref.lu_factor(a)";
    example "T.lu_factor([[1.0, 2.0], [4.0, 4.0]])" => "[[4.   4.  ]\n [0.25 1.  ]] [1 1]";
    linalg lu_factor;
    rounds by_layout;
    case regular[3, 3];
    case regular[2, 2, 2];
    refuses f64[2, 3] => "lu_factor: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
    refuses f64[3] => "lu_factor: not a square matrix. Got shape (3,); expected shape (..., n, n).";
}

/// The lower factor, with its diagonal of ones.
fn unit_lower(lu: Tensor<'_>) -> Tensor<'_> {
    match rows_and_columns("lu", lu, 0) {
        Ok((rows, columns)) => select(equal(columns, rows), 1.0, tril(lu, -1)),
        Err(e) => lu.graph().poison(e),
    }
}

/// The permutation that undoes exchanges of rows, as matrices like `square`.
fn permutation<'g>(square: Tensor<'g>, pivots: Tensor<'g>) -> Result<Tensor<'g>> {
    let (rows, columns) = rows_and_columns("lu", square, 0)?;
    let one = broadcast_like(cast(equal(columns, rows), square.dtype()), square);
    Ok(exchange_rows(one, pivots, true))
}

/// The factors of a matrix that is not square, by those of a square one: of its first columns, if it is wide; if it is high, of the matrix
/// with columns that complete it, of which neither factor depends.
fn rectangular<'g>(a: Tensor<'g>, m: usize, n: usize) -> Result<[Tensor<'g>; 3]> {
    let axis = a.ndim() - 1;
    if m < n {
        let (own, more) = (slice_along(a, axis, None, Some(m as i64)), slice_along(a, axis, Some(m as i64), None));
        let (factors, pivots) = lu_factor(own);
        let rest = solve_triangular(factors, exchange_rows(more, pivots, false), 0, true, true);
        return Ok([permutation(factors, pivots)?, unit_lower(factors), concat(&[triu(factors, 0), rest], -1)]);
    }
    let (basis, _) = qr_factors(stop_gradient(a), true);
    let more = slice_along(basis, axis, Some(n as i64), None);
    let (factors, pivots) = lu_factor(concat(&[a, more], -1));
    let first = |t: Tensor<'g>, axis: usize| slice_along(t, axis, None, Some(n as i64));
    Ok([permutation(factors, pivots)?, first(unit_lower(factors), axis), first(first(triu(factors, 0), axis), axis - 1)])
}

row! {
    /// The factors `p l u = a` of the matrices in the last two axes: a permutation of rows, a lower triangle with a diagonal of ones, and an
    /// upper triangle. Of an `m x n` matrix `l` has, and `u` is, min(m, n) columns and rows.
    ///
    /// Gradient: as that of `lu_factor`; none through `p`. Where the pivots of two rows tie, the order of the rows jumps.
    pub LU = fn lu(a: float) -> p, l, u
    body {
        let fault = |what: &str, rule: &str| Error::new(ErrorKind::Shape, "lu", what, format_args!("shape {}", Tuple(a.dims())), rule);
        let sides = match a.dims() {
            [.., m, n] if m == n => None,
            [.., Dim::Known(m), Dim::Known(n)] => Some((*m, *n)),
            [.., _, _] => return Err(fault("which side is longer is not known yet", "lengths that are known, or a square matrix")),
            _ => return Err(fault("there is no matrix", "shape (..., m, n)")),
        };
        let [p, l, u] = match sides {
            Some((m, n)) => rectangular(a, m, n)?,
            None => {
                let (factors, pivots) = lu_factor(a);
                [permutation(factors, pivots)?, unit_lower(factors), triu(factors, 0)]
            }
        };
        (p, l, u)
    }
    numpy "scipy.linalg.lu(a)";
    example "T.lu([[1.0, 2.0], [4.0, 4.0]])" => "[[0. 1.]\n [1. 0.]] [[1.   0.  ]\n [0.25 1.  ]] [[4. 4.]\n [0. 1.]]";
    linalg lu;
    rounds by_layout;
    exempt Unknown: "which side is longer must be known";
    case regular[3, 3];
    case regular[2, 2, 2];
    case regular[4, 2];
    case regular[2, 3];
    refuses f64[3] => "lu: there is no matrix. Got shape (3,); expected shape (..., m, n).";
}

row! {
    /// `x` (..., n, m) with rows exchanged one after the other: row `i` with row `pivots[..., i]`; with `back` in the reverse order, which
    /// undoes it.
    ///
    /// Gradient: `g` with its rows exchanged the other way.
    pub(crate) EXCHANGE_ROWS = fn exchange_rows(x: any, pivots: any; back: bool = false) -> y
    shape(c) {
        let (lx, n, m) = matrices(c, x)?;
        let (lp, p) = match &pivots.shape[..] {
            [lead @ .., p] => (lead, *p),
            [] => return c.shape_error("there are no pivots", "shape ()", "shape (..., n)"),
        };
        if pivots.dtype != DType::I32 {
            return c.dtype_error("pivots are not integers", pivots.dtype, "int32");
        }
        if n.unify(p).is_none() {
            return c.shape_error("the lengths differ", format_args!("{} and {}", Tuple(&x.shape), Tuple(&pivots.shape)), "x.shape[-2] == pivots.shape[-1]");
        }
        let mut shape = broadcast(c.op, lx, lp, c.fresh)?;
        shape.extend([n, m]);
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel call!(false, |[x, pivots] -> [y], c| {
        let back: bool = attr(c.attrs.first())?;
        let lead = &y.dims()[..y.dims().len().saturating_sub(2)];
        with_lead(*x, lead, 2, |x| with_lead(*pivots, lead, 1, |p| lu::exchange(c.ranges, x, p, back, y)))
    });
    support Unknown;
    vjp(g) { x: exchange_rows(g, pivots, !back), pivots: Cotangent::Zero }
    batch Rule(|b| aligned(b, &[2, 1]));
    numpy "ref.exchange_rows(x, pivots, back)";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "lu and solve test it with the pivots that lu_factor gives";
    refuses f64[2, 3], f64[2] => "exchange_rows: pivots are not integers. Got float64; expected int32.";
}

/// The avals of what a system with known factors gives: those of `b`, with the axes in front broadcast.
pub(super) fn system(c: &mut Infer<'_>, a: &Aval, b: &Aval) -> Result<Aval> {
    let n = square(c, a)?;
    let (lead, m, columns) = matrices(c, b)?;
    if n.unify(m).is_none() {
        let got = format!("{} and {}", Tuple(&a.shape), Tuple(&b.shape));
        return c.shape_error("the sides differ in length", got, "a.shape[-1] == b.shape[-2]");
    }
    let mut shape: Shape = broadcast(c.op, &a.shape[..a.ndim().saturating_sub(2)], lead, c.fresh)?;
    shape.extend([n, columns]);
    Ok(Aval { dtype: a.dtype, shape })
}

row! {
    /// The solution `x` of `a x = b`, or of `a^T x = b` with `transpose`, from the factors `lu` and `pivots` of `a`, by whatever way they were
    /// computed: no gradient passes through them. A singular `a` is an error of the run.
    ///
    /// Gradient: `gb = a^-T g` and `-gb x^T`; with `transpose`, `gb = a^-1 g` and `-x gb^T`: from the same factors.
    pub(crate) LU_SOLVED = fn lu_solved(lu: float, pivots: any, a: float, b: float; transpose: bool = false) -> x
    shape(c) {
        let mut x = system(c, a, b)?;
        // Of a batch of which each has factors of its own, and all have the same numbers, the factors alone may have the axis.
        let (lead, own) = x.shape.split_at(x.ndim() - 2);
        let own: Shape = own.into();
        let mut shape = broadcast(c.op, &lu.shape[..lu.ndim().saturating_sub(2)], lead, c.fresh)?;
        shape.extend(own);
        x.shape = shape;
        Ok(smallvec![x])
    };
    kernel call!(true, |[lu, pivots, _a, b] -> [x], c| {
        let transpose: bool = attr(c.attrs.first())?;
        let lead = &x.dims()[..x.dims().len().saturating_sub(2)];
        with_lead(*lu, lead, 2, |f| with_lead(*pivots, lead, 1, |p| with_lead(*b, lead, 2, |b| {
            lu::solve(c.ranges, c.op, &lu::Factors { factors: f, pivots: p }, b, transpose, x)
        })))
    });
    support Unknown;
    vjp(g) {
        lu: Cotangent::Zero,
        pivots: Cotangent::Zero,
        a: {
            let gb = lu_solved(lu, pivots, a, g, !transpose);
            -if transpose { batch_matmul(x, swapped(gb)) } else { batch_matmul(gb, swapped(x)) }
        },
        b: lu_solved(lu, pivots, a, g, !transpose),
    }
    batch Rule(|b| aligned(b, &[2, 1, 2, 2]));
    cost |c| 2.0 * c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "np.linalg.solve(a, b)";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if lu and pivots are the factors of a: solve tests it";
    exempt Messages: "it takes what solve gives it";
}

row! {
    /// The inverse of `a`, from its factors, by whatever way they were computed: no gradient passes through them. A singular `a` is an error
    /// of the run.
    ///
    /// Gradient: `-y^T g y^T`.
    pub(crate) LU_INVERSE = fn lu_inverse(lu: float, pivots: any, a: float) -> y
    shape(c) {
        square(c, a)?;
        Ok(smallvec![a.clone()])
    };
    kernel call!(true, |[lu, pivots, _a] -> [y], c| {
        lu::inverse(c.ranges, c.op, &lu::Factors { factors: *lu, pivots: *pivots }, y)
    });
    support Unknown;
    vjp(g) {
        lu: Cotangent::Zero,
        pivots: Cotangent::Zero,
        a: {
            let yt = swapped(y);
            -batch_matmul(batch_matmul(yt, g), yt)
        },
    }
    batch Rule(|b| aligned(b, &[2, 1, 2]));
    cost |c| 2.0 * c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "np.linalg.inv(a)";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if lu and pivots are the factors of a: inv tests it";
    exempt Messages: "it takes what inv gives it";
}
