//! Systems of equations and inverses.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::{CallKernel, Cotangent, Infer, Kernel, OpDef, Vjp};
use crate::kernels::linalg::{FEW, lu};
use crate::ops::broadcast::broadcast_like;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::movement::{expand_dims, identity, squeeze};
use crate::ops::unpack;
use crate::shape::{Aval, Dim, Dims, Tuple};

use super::lu::{lu_factor, lu_inverse, lu_solved, system};
use super::{aligned, matrices, square, widely};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SMALL_SOLVE, &SMALL_INV, &SOLVE, &INV, &LU_SOLVE];

/// Whether matrices are so small that many are factored at once, and their factors are not worth keeping for other functions of them.
pub(super) fn few(x: Tensor<'_>) -> bool {
    small(x.dims())
}

fn small(dims: &[Dim]) -> bool {
    matches!(dims, [.., Dim::Known(m), Dim::Known(n)] if (*m).max(*n) <= FEW)
}

/// Refuses what is no small square matrix.
pub(super) fn small_square(c: &Infer<'_>, a: &Aval) -> Result<()> {
    square(c, a)?;
    match small(&a.shape) {
        true => Ok(()),
        false => c.shape_error("the matrices are not small", format_args!("shape {}", Tuple(&a.shape)), "sides of at most 16"),
    }
}

row! {
    /// The solution of `a x = b` for small matrices; and the factors of `a`, if a gradient reads them. A singular `a` is an error of the run.
    ///
    /// Gradient: `gb = a^-T g` and `-gb x^T`, from the factors; that of the factors is `lu_factor`'s.
    pub(crate) SMALL_SOLVE = fn small_solve(a: float, b: float) -> x, lu, pivots
    shape(c) {
        let x = system(c, a, b)?;
        if !(small(&a.shape) && small(&b.shape)) {
            return c.shape_error("the matrices are not small", format_args!("{} and {}", Tuple(&a.shape), Tuple(&b.shape)), "sides of at most 16");
        }
        let (lead, n, _) = matrices(c, &x)?;
        let of_factors = |own: &[Dim]| lead.iter().chain(own).copied().collect();
        let lu = Aval { dtype: a.dtype, shape: of_factors(&[n, n]) };
        let pivots = Aval { dtype: DType::I32, shape: of_factors(&[n]) };
        Ok(smallvec![x, lu, pivots])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a, b], [x, lu, pivots]) => {
                let lead = Dims::from_slice(&x.dims()[..x.dims().len().saturating_sub(2)]);
                with_lead(*a, &lead, 2, |a| with_lead(*b, &lead, 2, |b| lu::factor_and_solve(c.ranges, c.op, [a, b], [x, lu, pivots])))
            }
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |_, _| 0,
        fallible: true,
        spares: &[1, 2],
    });
    support Unknown;
    vjp(v) { ..small_solve_vjp(v) }
    batch Rule(|b| aligned(b, &[2, 2]));
    cost |c| 3.0 * c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "ref.small_solve(a, b)";
    rounds by_layout;
    exempt Unknown: "solve takes other ways where lengths are not known";
    case regular[3, 3], real[3, 2];
    case spd[2, 3, 3], real[2, 3, 1];
    case spd[2, 3, 3], real[3, 2];
    refuses f64[2, 3], f64[2, 1] => "small_solve: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
    refuses f64[2, 2], f64[3, 1] => "small_solve: the sides differ in length. Got (2, 2) and (3, 1); expected a.shape[-1] == b.shape[-2].";
    refuses f64[2, 2], f64[2, 17] => "small_solve: the matrices are not small. Got (2, 2) and (2, 17); expected sides of at most 16.";
}

fn small_solve_vjp<'g>(v: &Vjp<'_, 'g>) -> Vec<Cotangent<'g>> {
    let (a, given) = (v.x(0), |k: usize| v.cotangents.get(k).copied().flatten());
    let b = given(0).map(|g| lu_solved(v.y(1), v.y(2), a, g, true));
    let by_factors = given(1).and_then(|g| {
        // One matrix for each of the factors, as the axes in front say.
        let x = identity(broadcast_like(a, v.y(1)));
        v.differentiate.grad(&[lu_factor(x).0], &[Some(g)], &[x]).into_iter().next().flatten()
    });
    let of_a = match (b.map(|gb| -batch_matmul(gb, swapped(v.y(0)))), by_factors) {
        (Some(x), Some(y)) => Some(x + y),
        (x, y) => x.or(y),
    };
    [of_a, b].map(|x| x.map_or(Cotangent::Zero, Cotangent::Value)).into()
}

row! {
    /// The inverses of small matrices. A singular matrix is an error of the run.
    ///
    /// Gradient: `-y^T g y^T`.
    pub(crate) SMALL_INV = fn small_inv(a: float) -> y
    shape(c) {
        small_square(c, a)?;
        Ok(smallvec![a.clone()])
    };
    kernel call!(true, |[a] -> [y], c| lu::factor_and_invert(c.ranges, c.op, *a, y));
    support Unknown;
    vjp(g) { a: {
        let yt = swapped(y);
        -batch_matmul(batch_matmul(yt, g), yt)
    } }
    batch Leading(2);
    cost |c| 3.0 * c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "np.linalg.inv(a)";
    rounds by_layout;
    exempt Unknown: "inv takes another way where lengths are not known";
    case regular[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "small_inv: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
    refuses f64[17, 17] => "small_inv: the matrices are not small. Got shape (17, 17); expected sides of at most 16.";
}

row! {
    /// The solution `x` of `a x = b` for square matrices `a` in the last two axes. A 1-d `b` is one right side, which a batch of matrices
    /// shares; else the last two axes of `b` are a matrix whose columns are right sides, and the axes before broadcast. A singular matrix
    /// is an error of the run.
    ///
    /// Gradient: `gb = a^-T g` and `-gb x^T`; one factorisation serves both.
    pub SOLVE = fn solve(a: float, b: float) -> x
    body {
        let right = match b.ndim() {
            0 => return Err(Error::new(ErrorKind::Shape, "solve", "the right side has no axis", "shape ()", "shape (n,) or (..., n, k)")),
            1 => expand_dims(b, -1),
            _ => b,
        };
        let [x] = widely([a, right], |[a, right]| {
            if few(a) && few(right) && a.ndim() == right.ndim() && a.dims()[..a.ndim() - 2] == right.dims()[..a.ndim() - 2] {
                return Ok([small_solve(a, right).0]);
            }
            let (factors, pivots) = lu_factor(a);
            Ok([lu_solved(factors, pivots, a, right, false)])
        })?;
        if b.ndim() == 1 { squeeze(x, -1) } else { x }
    }
    numpy "np.linalg.solve(a, b)";
    example "T.solve([[3.0, 1.0], [1.0, 2.0]], [9.0, 8.0])" => "[2. 3.]";
    linalg solve;
    rounds by_layout;
    case spd[3, 3], real[3];
    case regular[3, 3], real[3, 2];
    case spd[2, 2, 2], real[2];
    case spd[2, 3, 3], real[3, 2];
    case spd[3, 3], real[2, 3, 1];
    refuses f64[2, 3], f64[2] => "solve: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
    refuses f64[2, 2], f64[3] => "solve: the sides differ in length. Got (2, 2) and (3, 1); expected a.shape[-1] == b.shape[-2].";
    refuses f64[2, 2], f64[] => "solve: the right side has no axis. Got shape (); expected shape (n,) or (..., n, k).";
}

row! {
    /// The inverses of the square matrices in the last two axes. A singular matrix is an error of the run.
    ///
    /// Gradient: `-y^T g y^T`.
    pub INV = fn inv(a: float) -> y
    body {
        let [y] = widely([a], |[a]| {
            if few(a) {
                return Ok([small_inv(a)]);
            }
            let (factors, pivots) = lu_factor(a);
            Ok([lu_inverse(factors, pivots, a)])
        })?;
        y
    }
    numpy "np.linalg.inv(a)";
    example "T.inv([[1.0, 2.0], [0.0, 4.0]])" => "[[ 1.   -0.5 ]\n [ 0.    0.25]]";
    alias matrix_inverse;
    linalg inv, matrix_inverse;
    rounds by_layout;
    case regular[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "inv: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The solution of `a x = b` from the factors of `a` that `lu_factor` gives.
    ///
    /// Gradient: with respect to the factors, two triangular systems.
    pub LU_SOLVE = fn lu_solve(lu: float, pivots: any, b: float; trans: i64 = 0) -> x
    body {
        let right = super::triangular::columns(b, b);
        let x = if trans == 0 {
            let y = super::triangular::solve_triangular(lu, super::lu::exchange_rows(right, pivots, false), 0, true, true);
            super::triangular::solve_upper(lu, y, false)
        } else {
            let y = super::triangular::solve_triangular(lu, super::triangular::solve_upper(lu, right, true), 1, true, true);
            super::lu::exchange_rows(y, pivots, true)
        };
        if b.ndim() == 1 { squeeze(x, -1) } else { x }
    }
    numpy "scipy.linalg.lu_solve((lu, pivots), b, trans=trans)";
    example "T.lu_solve(*T.lu_factor([[3.0, 1.0], [1.0, 2.0]]), [9.0, 8.0])" => "[2. 3.]";
    linalg lu_solve;
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its operands are what lu_factor gives: whole programs test it";
    exempt Messages: "whole programs test what it refuses";
}
