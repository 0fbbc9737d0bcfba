//! Roots, logarithms, powers and signs of matrices, and their polar factors.

use crate::error::{Error, ErrorKind, Result};

use crate::graph::op::OpDef;
use crate::graph::{NodeOp, Tensor};
use crate::ops::compare::equal;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::rows_and_columns;
use crate::ops::movement::stop_gradient;
use crate::ops::select::select;
use crate::shape::Tuple;

use super::functions::{Function, function};
use super::row;
use super::solve::inv;
use super::svd::svd;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&LOGM, &SQRTM, &SIGNM, &FRACTIONAL_MATRIX_POWER, &MATRIX_POWER, &POLAR];

row! {
    /// The principal logarithm of the square matrices in the last two axes: the real matrix whose eigenvalues have imaginary parts between
    /// `-pi` and `pi`, and whose exponential function is `a`. It is computed from the Schur form by inverse scaling and squaring (S. H.
    /// Cheng and others 2001). A real eigenvalue that is 0 or negative is an error of the run. With `hermitian` the symmetric part is
    /// taken.
    ///
    /// Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.
    pub LOGM = fn logm(a: float; hermitian: bool = false) -> y
    body { function(a, Function::Log, hermitian) }
    numpy "ref.each(scipy.linalg.logm, ref.symmetric_if(a, hermitian))";
    example "T.logm([[1.0, 1.0], [0.0, 1.0]])" => "[[0. 1.]\n [0. 0.]]";
    alias matrix_log;
    linalg logm, matrix_log;
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    case spd[3, 3] with hermitian = true;
    case spd[2, 2, 2] with hermitian = true;
    refuses f64[2, 3] => "logm: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The principal square root of the square matrices in the last two axes, whose eigenvalues have real parts that are not negative, from
    /// the Schur form (N. J. Higham 1987). A negative real eigenvalue is an error of the run, and so is one of 0 that has no root: in a
    /// Jordan block. With `hermitian` the symmetric part is taken, and eigenvalues that rounding makes negative are 0.
    ///
    /// Gradient: the solution `x` of `y^T x + x y^T = g`; an eigenvalue of 0 is an error of the run there, as it has no derivative. With
    /// `hermitian` by divided differences, as of `expm`.
    pub SQRTM = fn sqrtm(a: float; hermitian: bool = false) -> y
    body { function(a, Function::Sqrt, hermitian) }
    numpy "ref.each(scipy.linalg.sqrtm, ref.symmetric_if(a, hermitian))";
    example "T.sqrtm([[4.0, 4.0], [0.0, 4.0]])" => "[[2. 1.]\n [0. 2.]]";
    alias matrix_sqrt;
    linalg sqrtm, matrix_sqrt;
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    case spd[3, 3] with hermitian = true;
    case spd[2, 2, 2] with hermitian = true;
    refuses f64[2, 3] => "sqrtm: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The sign of the square matrices in the last two axes: eigenvalues of a positive real part become 1, of a negative one -1. It is
    /// computed by Newton's iteration. An eigenvalue whose real part is 0 is an error of the run. With `hermitian` the symmetric part is
    /// taken.
    ///
    /// Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.
    pub SIGNM = fn signm(a: float; hermitian: bool = false) -> y
    body { function(a, Function::Sign, hermitian) }
    numpy "ref.each(scipy.linalg.signm, ref.symmetric_if(a, hermitian))";
    example "T.signm([[3.0, 0.0], [0.0, -2.0]])" => "[[ 1.  0.]\n [ 0. -1.]]";
    linalg signm;
    rounds by_layout;
    case real[2, 3, 3];
    case real[2, 2, 2];
    case real[1, 3, 3] with hermitian = true;
    case real[2, 2, 2] with hermitian = true;
    refuses f64[2, 3] => "signm: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The power `a ** p` of the square matrices in the last two axes for a number `p`, or one for each matrix: `expm(p logm(a))`. A real
    /// eigenvalue that is 0 or negative is an error of the run, unless `p` is a number in the program and whole: then it is `matrix_power`.
    /// With `hermitian` the symmetric part is taken.
    ///
    /// Gradient: by the exponential function and the logarithm, to `p` too; of a whole number by the products.
    pub FRACTIONAL_MATRIX_POWER = fn fractional_matrix_power(a: float, p: float; hermitian: bool = false) -> y
    body {
        match whole(p) {
            Some(n) => {
                let a = if hermitian { super::symmetric_part(a) } else { a };
                integer_power("fractional_matrix_power", a, n)?
            }
            None => {
                let p = if p.ndim() == 0 { p } else { super::each(p) };
                function(function(a, Function::Log, hermitian) * p, Function::Exp, hermitian)
            }
        }
    }
    numpy "ref.fractional_matrix_power(ref.symmetric_if(a, hermitian), p)";
    example "T.fractional_matrix_power([[4.0, 4.0], [0.0, 4.0]], 0.5)" => "[[2. 1.]\n [0. 2.]]";
    alias matrix_pow;
    linalg fractional_matrix_power, matrix_pow;
    rounds by_layout;
    case spd[3, 3], real[];
    case spd[2, 2, 2], real[2];
    case spd[3, 3], real[] with hermitian = true;
    refuses f64[2, 3], f64[] => "fractional_matrix_power: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The integer power `a ** n` of the square matrices in the last two axes, by repeated squaring: the identity matrix for `n = 0`,
    /// powers of the inverse for a negative one.
    ///
    /// Gradient: by the products.
    pub MATRIX_POWER = fn matrix_power(a: float; n: i64) -> y
    body {
        integer_power("matrix_power", a, n)?
    }
    numpy "np.linalg.matrix_power(a, n)";
    example "T.matrix_power([[1.0, 1.0], [0.0, 1.0]], 3)" => "[[1. 3.]\n [0. 1.]]";
    linalg matrix_power;
    rounds by_layout;
    case real[3, 3] with n = 3;
    case real[2, 2, 2] with n = 6;
    case real[3, 3] with n = 1;
    case real[3, 3] with n = 0;
    case spd[3, 3] with n = -2;
    refuses f64[2, 3] with n = 2 => "matrix_power: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
    refuses f64[3] with n = 2 => "matrix_power: not a square matrix. Got shape (3,); expected shape (..., n, n).";
}

/// `a ** n`.
/// The whole number that a literal is.
fn whole(p: Tensor<'_>) -> Option<i64> {
    let NodeOp::Scalar(x) = p.node().op else { return None };
    let x = x.as_f64();
    (x.fract() == 0.0 && x.abs() <= f64::from(i32::MAX)).then_some(x as i64)
}

fn integer_power<'g>(op: &str, a: Tensor<'g>, n: i64) -> Result<Tensor<'g>> {
    match a.dims() {
        [.., rows, columns] if rows.unify(*columns).is_some() => power(super::mirrored(swapped(a)), n),
        _ => Err(Error::new(ErrorKind::Shape, op, "not a square matrix", format_args!("shape {}", Tuple(a.dims())), "shape (..., n, n)")),
    }
}

fn power(a: Tensor<'_>, n: i64) -> Result<Tensor<'_>> {
    let (mut square, mut left) = (if n < 0 { inv(a) } else { a }, n.unsigned_abs());
    let mut y = None;
    while left > 0 {
        if left % 2 == 1 {
            y = Some(y.map_or(square, |y| batch_matmul(y, square)));
        }
        left /= 2;
        if left > 0 {
            square = batch_matmul(square, square);
        }
    }
    match y {
        Some(y) => Ok(y),
        None => {
            let (rows, columns) = rows_and_columns("matrix_power", a, 0)?;
            // The shape of `a`, whatever its numbers are.
            let zeros = select(equal(a, a), stop_gradient(a) * 0.0, 0.0);
            Ok(select(equal(columns, rows), 1.0, zeros))
        }
    }
}

row! {
    /// The polar decomposition `a = u p` of matrices, square or not, in the last two axes: `u` has orthonormal columns, or rows where `a`
    /// has fewer of them, and `p` is symmetric with eigenvalues that are not negative. With singular vectors `a = w diag(s) v^T` they are
    /// `w v^T` and `v diag(s) v^T`.
    ///
    /// Gradient: as that of `svd`: exact where singular values are equal; of `u` where `a` has full rank.
    pub POLAR = fn polar(a: float) -> u, p
    body {
        let (w, s, vt) = svd(a, false, 2);
        (batch_matmul(w, vt), batch_matmul(swapped(vt) * row(s), vt))
    }
    numpy "ref.each(scipy.linalg.polar, a)";
    example "T.polar([[0.0, -2.0], [2.0, 0.0]])" => "[[ 0. -1.]\n [ 1.  0.]] [[2. 0.]\n [0. 2.]]";
    linalg polar;
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    case real[2, 4, 2];
    case real[1, 2, 3];
    refuses f64[3] => "polar: there is no matrix. Got shape (3,); expected shape (..., m, n).";
}
