//! Systems of equations and inverses.

use crate::error::{Error, ErrorKind};
use crate::graph::op::OpDef;
use crate::ops::movement::{expand_dims, squeeze};

use super::lu::{lu_factor, lu_inverse, lu_solved};
use super::widely;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SOLVE, &INV, &LU_SOLVE];

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
