//! Norms of matrices, condition numbers and ranks.

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{AttrType, Axes, Ints, choices};
use crate::graph::op::OpDef;
use crate::ops::apply::{apply, cast};
use crate::ops::arithmetic::{abs, maximum};
use crate::ops::compare::{equal, greater, greater_equal, less_equal, logical_and};
use crate::ops::composite::logical::any;
use crate::ops::diagonals::{diagonal, rows_and_columns};
use crate::ops::movement::{expand_dims, squeeze, stop_gradient};
use crate::ops::norms::vector_norm;
use crate::ops::rearranging::moveaxis;
use crate::ops::reduce::{number, reduce_max, reduce_min, reduce_sum, size};
use crate::ops::select::select;
use crate::ops::slice::slice_along;
use crate::shape::{self, Tuple};

use super::each;
use super::eigh::{Triangle, eigvalsh};
use super::lu::{lu_factor, lu_inverse};
use super::structure::{check_matrix, check_square};
use super::svd::svdvals;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&MATRIX_NORM, &FROBENIUS_NORM, &SPECTRAL_NORM, &NUCLEAR_NORM, &CONDITION_NUMBER, &RCOND, &MATRIX_RANK, &RELATIVE_GAP];

choices! {
    /// Which norm of matrices.
    pub enum MatrixOrder {
        /// Frobenius': the root of the sum of squares.
        Fro = "fro",
        /// The nuclear one: the sum of the singular values.
        Nuc = "nuc",
        /// The largest singular value.
        Two = "2",
        /// The smallest singular value.
        MinusTwo = "-2",
        /// The largest sum of a column.
        One = "1",
        /// The smallest sum of a column.
        MinusOne = "-1",
        /// The largest sum of a row.
        Inf = "inf",
        /// The smallest sum of a row.
        MinusInf = "-inf",
    }
}

impl MatrixOrder {
    /// The norm that NumPy has a number for.
    pub(crate) fn of_number(p: f64) -> Option<MatrixOrder> {
        let all = [
            (2.0, MatrixOrder::Two),
            (-2.0, MatrixOrder::MinusTwo),
            (1.0, MatrixOrder::One),
            (-1.0, MatrixOrder::MinusOne),
            (f64::INFINITY, MatrixOrder::Inf),
            (f64::NEG_INFINITY, MatrixOrder::MinusInf),
        ];
        all.into_iter().find(|(n, _)| *n == p).map(|(_, order)| order)
    }
}

/// The longer side of the matrices times the distance of 1 to the next number: what rounding makes of a singular value of zero, relative
/// to the largest one.
pub(super) fn rounding<'g>(a: Tensor<'g>) -> Tensor<'g> {
    let eps = if a.dtype() == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let (m, n) = (size(a, -2), size(a, -1));
    let known = |i: usize| a.dims().get(a.ndim().wrapping_sub(i)).and_then(|d| d.known());
    match (known(1), known(2)) {
        (Some(m), Some(n)) => a.graph().literal((m.max(n) as f64 * eps).into(), a.dtype()),
        _ => cast(maximum(m, n), a.dtype()) * eps,
    }
}

/// Value `i` of each row of values, as a row of one.
pub(super) fn value(s: Tensor<'_>, i: i64) -> Tensor<'_> {
    slice_along(s, s.ndim().saturating_sub(1), Some(i), if i == -1 { None } else { Some(i + 1) })
}

/// Up to this difference, in units of the largest value, values count as equal, and as zero.
fn tie<'g>(a: Tensor<'g>, s: Tensor<'g>) -> Tensor<'g> {
    rounding(a) * 4.0 * value(s, 0)
}

/// An extreme of each row of values; its gradient is shared by those that `ties` says are equal to it.
fn shared<'g>(extreme: Tensor<'g>, s: Tensor<'g>, ties: Tensor<'g>) -> Tensor<'g> {
    let ties = stop_gradient(cast(ties, s.dtype()));
    let weights = ties / maximum(reduce_sum(ties, -1, true), 1.0);
    squeeze(stop_gradient(extreme), -1) + reduce_sum(weights * (s - stop_gradient(s)), -1, false)
}

/// The largest singular value.
fn largest<'g>(a: Tensor<'g>) -> Tensor<'g> {
    let s = svdvals(a);
    let top = value(s, 0);
    shared(top, s, logical_and(greater_equal(s, top - tie(a, s)), greater(s, 0.0)))
}

/// The smallest singular value.
fn smallest<'g>(a: Tensor<'g>) -> Tensor<'g> {
    let s = svdvals(a);
    let (low, tie) = (value(s, -1), tie(a, s));
    shared(low, s, logical_and(less_equal(s, low + tie), greater(s, tie)))
}

/// A norm over the last two axes.
pub(crate) fn of_matrices<'g>(a: Tensor<'g>, ord: MatrixOrder) -> Tensor<'g> {
    match ord {
        MatrixOrder::Fro => vector_norm(a, (), [-2, -1], false),
        MatrixOrder::Nuc => {
            let s = svdvals(a);
            reduce_sum(select(greater(s, tie(a, s)), s, stop_gradient(s)), -1, false)
        }
        MatrixOrder::Two => largest(a),
        MatrixOrder::MinusTwo => smallest(a),
        MatrixOrder::One => reduce_max(reduce_sum(abs(a), -2, false), -1, false),
        MatrixOrder::MinusOne => reduce_min(reduce_sum(abs(a), -2, false), -1, false),
        MatrixOrder::Inf => reduce_max(reduce_sum(abs(a), -1, false), -1, false),
        MatrixOrder::MinusInf => reduce_min(reduce_sum(abs(a), -1, false), -1, false),
    }
}

/// A norm over two axes, of floating numbers.
pub(crate) fn over<'g>(op: &str, x: Tensor<'g>, ord: MatrixOrder, axis: &[i64], keepdims: bool) -> Result<Tensor<'g>> {
    let two = |axis: &[i64]| -> Result<Option<[usize; 2]>> {
        match axis {
            &[i, j] => {
                let (i, j) = (shape::axis(op, i, x.ndim())?, shape::axis(op, j, x.ndim())?);
                Ok((i != j).then_some([i, j]))
            }
            _ => Ok(None),
        }
    };
    let Some([i, j]) = two(axis)? else {
        let got = format_args!("axis={} for shape {}", Tuple(axis), Tuple(x.dims()));
        return Err(Error::new(ErrorKind::Shape, op, "the matrices do not have two axes", got, "a pair of axes"));
    };
    let x = cast(x, x.dtype().to_float());
    let n = x.ndim();
    let y = of_matrices(if [i, j] == [n - 2, n - 1] { x } else { moveaxis(x, [i, j], [n - 2, n - 1]) }, ord);
    Ok(if keepdims { expand_dims(y, [i, j]) } else { y })
}

row! {
    /// A norm of the matrices in two axes, in floating numbers: `"fro"` is the root of the sum of squares, `"nuc"` the sum of the singular
    /// values, 2 and -2 the largest and the smallest of them, 1 and -1 the largest and the smallest sum of magnitudes in a column, inf and
    /// -inf in a row.
    ///
    /// Gradient: with `a = u diag(s) vh`, `a / y` (0 at the zero matrix), `u vh` without the values that are zero, `u vh` of the largest or
    /// the smallest value, and signs in the column or row. Equal extremes share it: singular values that rounding cannot tell apart, and sums
    /// that are the same number. Where that singular value is zero it is 0. So it is an element of the subdifferential of a norm, for `"nuc"` the
    /// shortest one; second derivatives are exact at repeated values.
    pub MATRIX_NORM = fn matrix_norm(x: any; ord: MatrixOrder = MatrixOrder::Fro, axis: Ints = Ints([-2, -1].into()), keepdims: bool = false) -> y
    body { over("matrix_norm", x, ord, &axis.0, keepdims)? }
    numpy "ref.matrix_norm(x, ord, axis, keepdims)";
    linalg matrix_norm;
    by hand;
    rounds by_layout;
    case real[3, 4];
    case real[4, 3] with ord = MatrixOrder::Nuc;
    case regular[2, 3, 3] with ord = MatrixOrder::Two;
    case regular[2, 3, 3] with ord = MatrixOrder::MinusTwo, axis = [-1, -2], keepdims = true;
    case real[3, 4] with ord = MatrixOrder::One;
    case real[3, 4] with ord = MatrixOrder::MinusOne, axis = [1, 0];
    case real[2, 3, 4] with ord = MatrixOrder::Inf, axis = [-1, 0], keepdims = true;
    case real[3, 4] with ord = MatrixOrder::MinusInf;
    refuses f64[3] => "matrix_norm: axis is out of range. Got axis=-2 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2, 3] with axis = [0] => "matrix_norm: the matrices do not have two axes. Got axis=(0,) for shape (2, 3); expected a pair of axes.";
    refuses f64[2, 3] with axis = [1, -1] => "matrix_norm: the matrices do not have two axes. Got axis=(1, -1) for shape (2, 3); expected a pair of axes.";
}

/// A norm of the matrices in two axes; see [`MatrixOrder`].
#[track_caller]
pub fn matrix_norm<'g>(
    x: impl crate::graph::AsTensor<'g>,
    ord: MatrixOrder,
    axis: impl crate::graph::attr::IntoAttr<Ints>,
    keepdims: bool,
) -> Tensor<'g> {
    apply(&MATRIX_NORM, &[x.tensor().into()], &[ord.pack(), axis.into_attr().pack(), keepdims.pack()])
}

row! {
    /// The Frobenius norm of the matrices in the last two axes: the root of the sum of squares, which neither overflows nor vanishes with them.
    ///
    /// Gradient: `g a / y`; 0 at the zero matrix.
    pub FROBENIUS_NORM = fn frobenius_norm(a: any) -> y
    body { over("frobenius_norm", a, MatrixOrder::Fro, &[-2, -1], false)? }
    numpy "np.linalg.norm(a, 'fro', axis=(-2, -1))";
    example "T.frobenius_norm([[3.0, 0.0], [0.0, 4.0]])" => "5.0";
    method frobenius_norm;
    linalg frobenius_norm;
    rounds by_layout;
    case real[3, 3];
    case real[2, 4, 2];
    refuses f64[3] => "frobenius_norm: axis is out of range. Got axis=-2 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// The spectral norm of the matrices in the last two axes: the largest singular value.
    ///
    /// Gradient: `g u vh` of this value; several that rounding cannot tell apart share it. At the zero matrix it is 0.
    pub SPECTRAL_NORM = fn spectral_norm(a: any) -> y
    body { over("spectral_norm", a, MatrixOrder::Two, &[-2, -1], false)? }
    numpy "np.linalg.norm(a, 2, axis=(-2, -1))";
    example "T.spectral_norm([[3.0, 0.0], [0.0, 4.0]])" => "4.0";
    linalg spectral_norm;
    rounds by_layout;
    case real[3, 3];
    case real[2, 4, 2];
    refuses f64[3] => "spectral_norm: axis is out of range. Got axis=-2 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// The nuclear norm of the matrices in the last two axes: the sum of the singular values.
    ///
    /// Gradient: `g u vh` over the values that are not zero, the shortest subgradient; at full rank the derivative, and its derivatives are
    /// exact at repeated values.
    pub NUCLEAR_NORM = fn nuclear_norm(a: any) -> y
    body { over("nuclear_norm", a, MatrixOrder::Nuc, &[-2, -1], false)? }
    numpy "np.linalg.norm(a, 'nuc', axis=(-2, -1))";
    example "T.nuclear_norm([[3.0, 0.0], [0.0, 4.0]])" => "7.0";
    linalg nuclear_norm;
    rounds by_layout;
    case real[3, 3];
    case real[2, 4, 2];
    refuses f64[3] => "nuclear_norm: axis is out of range. Got axis=-2 for 1 dimension; expected -1 <= axis < 1.";
}

/// For matrices whose factors have a pivot of zero, true; and the inverses of the others.
fn inverse_or_none<'g>(op: &str, a: Tensor<'g>) -> Result<(Tensor<'g>, Tensor<'g>)> {
    check_square(op, a)?;
    let (factors, pivots) = lu_factor(a);
    let singular = any(equal(diagonal(factors, 0, -2, -1), 0.0), -1, false);
    let (rows, columns) = rows_and_columns(op, factors, 0)?;
    let one = cast(equal(columns, rows), factors.dtype());
    Ok((singular, lu_inverse(select(each(singular), one, factors), pivots, a)))
}

/// The product of the norms of a matrix and its inverse; infinite if there is none.
fn by_inverse<'g>(a: Tensor<'g>, p: MatrixOrder) -> Result<Tensor<'g>> {
    let (singular, inverse) = inverse_or_none("cond", a)?;
    Ok(select(singular, f64::INFINITY, of_matrices(a, p) * of_matrices(inverse, p)))
}

row! {
    /// The condition number of the matrices in the last two axes: the norm of a matrix times that of its inverse, in a norm of
    /// [`MATRIX_NORM`]; for 2, the default, the largest singular value divided by the smallest, which rectangular matrices have too, and for -2
    /// the inverse of that. A singular matrix has an infinite one.
    ///
    /// Gradient: through the norms; 0 where the result is infinite.
    pub CONDITION_NUMBER = fn condition_number(a: float; p: MatrixOrder = MatrixOrder::Two) -> y
    body {
        check_matrix("cond", a)?;
        match p {
            MatrixOrder::Two => {
                let low = smallest(a);
                select(equal(low, 0.0), f64::INFINITY, largest(a) / low)
            }
            MatrixOrder::MinusTwo => {
                let top = largest(a);
                select(equal(top, 0.0), f64::INFINITY, smallest(a) / top)
            }
            _ => by_inverse(a, p)?,
        }
    }
    numpy "ref.cond(a, p)";
    linalg cond, condition_number;
    by hand;
    rounds by_layout;
    case regular[3, 3];
    case regular[2, 2, 2] with p = MatrixOrder::Fro;
    case regular[3, 3] with p = MatrixOrder::One;
    case regular[3, 3] with p = MatrixOrder::MinusOne;
    case regular[3, 3] with p = MatrixOrder::Inf;
    case regular[3, 3] with p = MatrixOrder::MinusInf;
    case regular[3, 3] with p = MatrixOrder::MinusTwo;
    case regular[3, 3] with p = MatrixOrder::Nuc;
    refuses f64[3] => "cond: there is no matrix. Got shape (3,); expected shape (..., m, n).";
    refuses f64[2, 3] with p = MatrixOrder::One => "cond: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

/// The condition number of the matrices in the last two axes; see [`MatrixOrder`].
#[track_caller]
pub fn condition_number<'g>(a: impl crate::graph::AsTensor<'g>, p: MatrixOrder) -> Tensor<'g> {
    apply(&CONDITION_NUMBER, &[a.tensor().into()], &[p.pack()])
}

row! {
    /// The reciprocal of the condition number of square matrices in the norm 1, from an LU factorisation: 0 for a singular matrix, near the
    /// rounding of 1 for one that is singular for all purposes. A number to look at beside a solution.
    ///
    /// Gradient: through the norms; 0 for a singular matrix.
    pub RCOND = fn rcond(a: float) -> y
    body {
        let (singular, inverse) = inverse_or_none("rcond", a)?;
        let one = MatrixOrder::One;
        select(singular, 0.0, 1.0 / (of_matrices(a, one) * of_matrices(inverse, one)))
    }
    numpy "1 / np.linalg.cond(a, 1)";
    example "T.rcond([[[2.0, 0.0], [0.0, 8.0]], [[1.0, 2.0], [2.0, 4.0]]])" => "[0.25 0.  ]";
    linalg rcond;
    rounds by_layout;
    case regular[3, 3];
    case regular[2, 2, 2];
    refuses f64[2, 3] => "rcond: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

/// Up to which magnitude a singular value or eigenvalue is zero: `tol`, or `rtol` times the largest, or what rounding leaves.
pub(super) fn cut<'g>(op: &str, a: Tensor<'g>, top: Tensor<'g>, tol: Option<Tensor<'g>>, rtol: Option<Tensor<'g>>) -> Result<Tensor<'g>> {
    let each = |name: &str, x: Tensor<'g>| match x.ndim() {
        0 => number(op, name, x, top.dtype()),
        _ => Ok(expand_dims(cast(x, top.dtype()), -1)),
    };
    match (tol, rtol) {
        (Some(_), Some(_)) => Err(Error::new(ErrorKind::Value, op, "two tolerances are given", "both", "one of them, or none")),
        (Some(tol), None) => each("tol", tol),
        (None, Some(rtol)) => Ok(each("rtol", rtol)? * top),
        (None, None) => Ok(rounding(a) * top),
    }
}

row! {
    /// The ranks of the matrices in the last two axes, as `int64`: how many singular values are larger than `tol`, or than `rtol` times the
    /// largest, by default `max(m, n)` times the rounding of 1. With `hermitian`, magnitudes of the eigenvalues of the symmetric part.
    /// An array with less than two axes has rank 1 unless it is zero.
    ///
    /// Gradient: none.
    pub MATRIX_RANK = fn matrix_rank(a: float, tol: any = None, rtol: any = None; hermitian: bool = false) -> rank
    body {
        let a = stop_gradient(a);
        if a.ndim() < 2 {
            return Ok(smallvec::smallvec![cast(any(crate::ops::compare::not_equal(a, 0.0), (), false), DType::I64)]);
        }
        if hermitian {
            check_square("matrix_rank", a)?;
        }
        let s = if hermitian { abs(eigvalsh(a, Triangle::Both)) } else { svdvals(a) };
        let top = if hermitian { reduce_max(s, -1, true) } else { value(s, 0) };
        reduce_sum(cast(greater(s, cut("matrix_rank", a, top, tol, rtol)?), DType::I64), -1, false)
    }
    numpy "ref.matrix_rank(a, tol, rtol, hermitian)";
    example "T.matrix_rank([[1.0, 2.0], [2.0, 4.0]])" => "1";
    linalg matrix_rank;
    signature "a, tol, hermitian, rtol";
    rounds by_layout;
    exempt First, Second: "its result is no floating number";
    case real[3, 4];
    case real[2, 3, 2];
    case spd[3, 3] with hermitian = true;
    case real[4, 3], positive[];
    case real[2, 4, 3], none, unit[2];
    case real[3];
    refuses f64[2, 2], f64[], f64[] => "matrix_rank: two tolerances are given. Got both; expected one of them, or none.";
    refuses f64[2, 3] with hermitian = true => "matrix_rank: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The smallest difference of neighbours in each row of values along the last axis, divided by the largest magnitude: how well the vectors
    /// of a spectrum are determined. 0 for equal values, of which only the space of their vectors is; infinite for a single value. The values
    /// need not be sorted.
    ///
    /// Gradient: of the two neighbours and the largest value; equal candidates share it.
    pub RELATIVE_GAP = fn relative_gap(s: float) -> gap
    body {
        if s.ndim() == 0 {
            return Err(Error::new(ErrorKind::Shape, "relative_gap", "there are no values", "shape ()", "shape (..., n)"));
        }
        let s = crate::ops::sort::sort(s, -1);
        let axis = s.ndim() - 1;
        let gaps = slice_along(s, axis, Some(1), None) - slice_along(s, axis, None, Some(-1));
        let least = crate::ops::reduce::valley(gaps, Axes(Some([-1].into())), false);
        let top = reduce_max(abs(s), -1, false);
        select(equal(least, 0.0), 0.0, least / top)
    }
    numpy "ref.relative_gap(s)";
    example "T.relative_gap([[1.0, 4.0, 3.0], [5.0, 2.0, 5.0]])" => "[0.25 0.  ]";
    linalg relative_gap;
    case ascending[4];
    case ascending[2, 3];
    refuses f64[] => "relative_gap: there are no values. Got shape (); expected shape (..., n).";
}
