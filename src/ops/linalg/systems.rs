//! Systems of arrays, of factored matrices, and by iteration.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Attr, Axes, Axis};
use crate::graph::op::{CallKernel, Cotangent, Infer, Kernel, OpDef};
use crate::kernels::linalg::iterative::{self, Stop};
use crate::ops::batch::looped;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::movement::{expand_dims, merge_axes, split_axis, squeeze};
use crate::ops::rearranging::moveaxis;
use crate::ops::reduce::number;
use crate::ops::unpack::{self, attr};
use crate::shape::{self, Aval, Shape, Tuple, broadcast};

use super::solve::{inv, solve};
use super::structure::check_square;
use super::triangular::solve_triangular;
use super::{aligned, extents, matrices, plus_transpose, square};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&TENSORINV, &TENSORSOLVE, &CHO_SOLVE, &CG_SOLVED, &CG];

/// `x` with its first `n` axes as one, and its others as another.
fn as_matrix<'g>(x: Tensor<'g>, n: usize) -> Tensor<'g> {
    let rest = x.ndim() - n;
    merge_axes(merge_axes(x, n, rest), 0, n)
}

row! {
    /// The inverse of `a` as a map of arrays: `tensordot(y, b, ind)` is `tensorsolve(a, b)`. The lengths of the first `ind` axes have the
    /// product of those of the others; in the result they stand behind these.
    ///
    /// Gradient: that of the inverse.
    pub TENSORINV = fn tensorinv(a: float; ind: i64 = 2) -> y
    body {
        let n = a.ndim();
        let Some(first) = usize::try_from(ind).ok().filter(|&i| i > 0 && i < n) else {
            let got = format_args!("ind={ind} for shape {}", Tuple(a.dims()));
            return Err(Error::new(ErrorKind::Value, "tensorinv", "the axes cannot be parted there", got, "0 < ind < a.ndim"));
        };
        let matrix = as_matrix(a, first);
        check_parts("tensorinv", a, matrix)?;
        split_axis(split_axis(inv(matrix), 1, a, 0, first), 0, a, first, n - first)
    }
    numpy "np.linalg.tensorinv(a, ind)";
    example "T.tensorinv([[2.0, 0.0], [0.0, 4.0]], ind=1)" => "[[0.5  0.  ]\n [0.   0.25]]";
    linalg tensorinv;
    rounds by_layout;
    case spd[1, 3, 3];
    case spd[3, 3] with ind = 1;
    refuses f64[2, 2] => "tensorinv: the axes cannot be parted there. Got ind=2 for shape (2, 2); expected 0 < ind < a.ndim.";
    refuses f64[2, 2, 3] => "tensorinv: the parts do not have one size. Got (4, 3) from shape (2, 2, 3); expected a square matrix of them.";
}

/// An error if the parts of `a` make no square matrix.
fn check_parts(op: &str, a: Tensor<'_>, matrix: Tensor<'_>) -> Result<()> {
    match matrix.dims() {
        [m, n] if m.unify(*n).is_none() => {
            let got = format_args!("{} from shape {}", Tuple(matrix.dims()), Tuple(a.dims()));
            Err(Error::new(ErrorKind::Shape, op, "the parts do not have one size", got, "a square matrix of them"))
        }
        _ => Ok(()),
    }
}

row! {
    /// The array `x` with `tensordot(a, x, x.ndim) == b`: a system whose unknowns and equations are arrays. `axes` of `a` are moved to its end
    /// first; its first axes are those of `b`, the others those of `x`.
    ///
    /// Gradient: that of the system.
    pub TENSORSOLVE = fn tensorsolve(a: float, b: float; axes: Axes = Axes(None)) -> x
    body {
        let n = a.ndim();
        let list: Vec<usize> = match &axes.0 {
            Some(list) => list.iter().map(|&i| shape::axis("tensorsolve", i, n)).collect::<Result<_>>()?,
            None => vec![],
        };
        let ends: Vec<usize> = (n - list.len().min(n)..n).collect();
        let a = if list.is_empty() { a } else { moveaxis(a, list, ends) };
        let own = b.ndim();
        let fits = n >= own && a.dims().iter().zip(b.dims()).all(|(x, y)| x.unify(*y).is_some());
        if !fits {
            let got = format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims()));
            return Err(Error::new(ErrorKind::Shape, "tensorsolve", "the equations do not fit", got, "the axes of b first in a"));
        }
        let matrix = as_matrix(a, own);
        check_parts("tensorsolve", a, matrix)?;
        split_axis(solve(matrix, merge_axes(b, 0, own)), 0, a, own, n - own)
    }
    numpy "np.linalg.tensorsolve(a, b, axes)";
    example "T.tensorsolve([[[2.0], [0.0]], [[0.0], [4.0]]], [2.0, 2.0])" => "[[1. ]\n [0.5]]";
    linalg tensorsolve;
    rounds by_layout;
    case spd[1, 3, 3], real[1, 3];
    case spd[3, 3], real[3];
    case spd[1, 3, 3], real[3] with axes = [0];
    refuses f64[2, 2, 3], f64[2, 2] => "tensorsolve: the parts do not have one size. Got (4, 3) from shape (2, 2, 3); expected a square matrix of them.";
    refuses f64[2, 2], f64[3] => "tensorsolve: the equations do not fit. Got (2, 2) and (3,); expected the axes of b first in a.";
    refuses f64[2, 2], f64[2] with axes = [2] => "tensorsolve: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}

row! {
    /// The solution `x` of `a x = b` from the Cholesky factor `c` of `a`: its upper triangle, or with `lower` its lower one; the other is not read.
    /// A 1-d `b` is one right side, else the columns of its last two axes are.
    ///
    /// Gradient: of both triangular systems; `c` gets it in that triangle.
    pub CHO_SOLVE = fn cho_solve(c: float, b: float; lower: bool = false) -> x
    body {
        let half = solve_triangular(c, b, i64::from(!lower), lower, false);
        solve_triangular(c, half, i64::from(lower), lower, false)
    }
    numpy "ref.cho_solve(c, b, lower)";
    linalg cho_solve;
    by hand;
    rounds by_layout;
    case spd[3, 3], real[3];
    case spd[3, 3], real[3, 2] with lower = true;
    case spd[2, 2, 2], real[2, 1];
    refuses f64[2, 3], f64[2] => "cho_solve: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

/// The solution of `a x = b` from the Cholesky factor `c` of `a`: its upper triangle, or with `lower` its lower one.
#[track_caller]
pub fn cho_solve<'g>(c: impl crate::graph::AsTensor<'g>, b: impl crate::ops::apply::Operand<'g>, lower: bool) -> Tensor<'g> {
    crate::ops::apply::apply(&CHO_SOLVE, &[c.tensor().into(), b.arg()], &[Attr::Bool(lower)])
}

/// The avals of the solution of a system that is iterated.
fn iterated(c: &mut Infer<'_>, a: &Aval, b: &Aval, start: &Aval) -> Result<Aval> {
    let n = square(c, a)?;
    let (lead, m, columns) = matrices(c, b)?;
    let (other, rows, k) = matrices(c, start)?;
    if n.unify(m).is_none() || n.unify(rows).is_none() || columns.unify(k).is_none() {
        let got = format!("{}, {} and {}", Tuple(&a.shape), Tuple(&b.shape), Tuple(&start.shape));
        return c.shape_error("the lengths differ", got, "(..., n, n), (..., n, k) and (..., n, k)");
    }
    let lead: Shape = broadcast(c.op, lead, other, c.fresh)?;
    let mut shape: Shape = broadcast(c.op, &a.shape[..a.ndim().saturating_sub(2)], &lead, c.fresh)?;
    shape.extend([n, columns]);
    Ok(Aval { dtype: a.dtype, shape })
}

/// A tolerance, as the kernel gets it.
fn read(x: &crate::array::View<'_>) -> f64 {
    // SAFETY: a 0-d view has an element.
    unsafe {
        match x.dtype() {
            crate::dtype::DType::F32 => f64::from(*x.ptr().cast::<f32>()),
            _ => *x.ptr().cast::<f64>(),
        }
    }
}

row! {
    /// The solution of `a x = b` by conjugate gradients from `start`, for symmetric positive definite `a`: until the residual is at most
    /// `rtol |b|` or `atol`. If it does not become so in `maxiter` steps, that is an error of the run.
    ///
    /// Gradient: that of the solution itself, by the same iteration: `gb` with `a gb = g`, and `-gb x^T`.
    pub(crate) CG_SOLVED = fn cg_solved(a: float, b: float, start: float, rtol: float, atol: float; maxiter: Axis = None) -> x
    shape(c) {
        if rtol.ndim() != 0 || atol.ndim() != 0 {
            let got = format!("{} and {}", Tuple(&rtol.shape), Tuple(&atol.shape));
            return c.shape_error("a tolerance is no single number", got, "numbers or 0-d tensors");
        }
        Ok(smallvec![iterated(c, a, b, start)?])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a, b, start, rtol, atol], [x]) => {
                let most: Axis = attr(c.attrs.first())?;
                let stop = Stop { relative: read(rtol), absolute: read(atol), most: most.map(|n| usize::try_from(n).unwrap_or(0)) };
                let lead = &x.dims()[..x.dims().len().saturating_sub(2)];
                let (ranges, op, scratch) = (c.ranges, c.op, &mut *c.scratch);
                with_lead(*a, lead, 2, |a| with_lead(*b, lead, 2, |b| with_lead(*start, lead, 2, |start| {
                    iterative::conjugate_gradient(ranges, op, [a, b, start], stop, scratch, x)
                })))
            }
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| {
            let count = avals.iter().take(3).map(|a| extents(Some(a)).0.max(1)).product();
            let (_, n, _) = extents(avals.first());
            avals.first().map_or(0, |a| iterative::bytes(count, n, a.dtype))
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(g) {
        a: {
            let gb = cg_solved(a, g, zeros(g), rtol, atol, maxiter);
            -batch_matmul(gb, swapped(x))
        },
        b: cg_solved(a, g, zeros(g), rtol, atol, maxiter),
        start: Cotangent::Zero,
        rtol: Cotangent::Zero,
        atol: Cotangent::Zero,
    }
    batch Rule(|b| if b.has.iter().skip(3).any(|&has| has) { looped(b) } else { aligned(b, &[2, 2, 2, 0, 0]) });
    cost |c| 4.0 * c.size() * c.lengths(0).last().map_or(0.0, |&n| (n * n) as f64);
    numpy "np.linalg.solve(a, b)";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds for symmetric matrices: cg tests it";
    exempt Messages: "it takes what cg gives it";
}

/// Zeros in the shape of `x`.
fn zeros(x: Tensor<'_>) -> Tensor<'_> {
    crate::ops::slice::zeros_of(x, x.dtype())
}

row! {
    /// The solution `x` of `a x = b` by conjugate gradients from `x0` (0 by default), for symmetric positive definite matrices, of which the
    /// symmetric part counts: until the residual is at most `max(rtol |b|, atol)`, in `maxiter` steps at most, ten for each unknown by default.
    /// What does not converge is an error of the run that says the residual. A 1-d `b` is one right side, else the columns of its last two
    /// axes are.
    ///
    /// Gradient: that of the solution, by the same iteration to the same tolerance, in every order: `gb` with `a gb = g`, and `-gb x^T`;
    /// none to `x0`.
    pub CG = fn cg(a: float, b: float, x0: float = None, rtol: any = None, atol: any = None; maxiter: Axis = None) -> x
    body {
        check_square("cg", a)?;
        let single = b.ndim() == 1;
        let right = if single { expand_dims(b, -1) } else { b };
        let start = match x0 {
            Some(x) if single => expand_dims(x, -1),
            Some(x) => x,
            None => zeros(right),
        };
        let default = |x: f64| a.graph().literal(x.into(), a.dtype());
        let rtol = number("cg", "rtol", rtol.unwrap_or_else(|| default(1e-5)), a.dtype())?;
        let atol = number("cg", "atol", atol.unwrap_or_else(|| default(0.0)), a.dtype())?;
        let x = cg_solved(plus_transpose(a) * 0.5, right, start, rtol, atol, maxiter);
        if single { squeeze(x, -1) } else { x }
    }
    numpy "np.linalg.solve((a + np.swapaxes(a, -1, -2)) / 2, b)";
    linalg cg;
    by hand;
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its tolerance is no rounding: tests of whole systems use a smaller one";
    refuses f64[2, 3], f64[2] => "cg: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
    refuses f64[2, 2], f64[3] => "cg: the lengths differ. Got (2, 2), (3, 1) and (3, 1); expected (..., n, n), (..., n, k) and (..., n, k).";
}

/// The solution of `a x = b` by conjugate gradients, for symmetric positive definite matrices.
#[track_caller]
pub fn cg<'g>(a: impl crate::graph::AsTensor<'g>, b: impl crate::ops::apply::Operand<'g>, rtol: f64, atol: f64) -> Tensor<'g> {
    let (a, absent) = (a.tensor(), crate::ops::apply::Arg::Absent);
    let number = |x: f64| crate::ops::apply::Arg::from(a.graph().literal(x.into(), crate::dtype::DType::F64));
    crate::ops::apply::apply(&CG, &[a.into(), b.arg(), absent, number(rtol), number(atol)], &[Attr::Axis(None)])
}
