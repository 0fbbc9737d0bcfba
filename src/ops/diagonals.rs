//! Diagonals and triangles of matrices.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Attr, Axis, Ints};
use crate::graph::op::{Cotangent, Infer, Kernel, Lowered, OpDef};
use crate::kernels;
use crate::ops::apply::apply;
use crate::ops::batch;
use crate::ops::compare::{equal, greater_equal, less_equal};
use crate::ops::movement::{dims_attr, expand_dims, known_attr};
use crate::ops::positions::{iota, positions};
use crate::ops::reduce::reduce_sum;
use crate::ops::select::select;
use crate::ops::unpack::attr;
use crate::shape::{self, Aval, Dim, Shape, Strides, Tuple, c_strides};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&DIAGONAL, &UNDIAGONAL, &UNDIAGONAL_LIKE, &DIAG_EMBED, &DIAG, &TRACE, &TRIL, &TRIU, &EYE];

/// The two axes of the matrices in an array of `ndim` axes.
fn matrix_axes(op: &str, shape: &[Dim], axis1: i64, axis2: i64) -> Result<(usize, usize)> {
    if shape.len() < 2 {
        return Err(Error::new(ErrorKind::Shape, op, "there is no matrix", format_args!("shape {}", Tuple(shape)), "two axes or more"));
    }
    let (a, b) = (shape::axis(op, axis1, shape.len())?, shape::axis(op, axis2, shape.len())?);
    if a == b {
        let got = format_args!("axis1={axis1} and axis2={axis2} for {} dimensions", shape.len());
        return Err(Error::new(ErrorKind::Shape, op, "the two axes are one", got, "two axes"));
    }
    Ok((a, b))
}

/// How many rows or columns a diagonal lies beside the main one.
fn beside(offset: i64) -> usize {
    usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX)
}

/// The length of a diagonal of an `m x n` matrix.
fn length(m: usize, n: usize, offset: i64) -> usize {
    if offset < 0 { m.saturating_sub(beside(offset)).min(n) } else { m.min(n.saturating_sub(beside(offset))) }
}

/// The other entries of a list with one an axis, and a last one for the diagonal of the axes `a` and `b`.
fn with_diagonal<T: Copy>(list: &[T], (a, b): (usize, usize), last: T) -> impl Iterator<Item = T> {
    list.iter().enumerate().filter(move |(i, _)| *i != a && *i != b).map(|(_, &v)| v).chain([last])
}

/// The shape of the diagonals of matrices.
fn diagonal_shape(c: &mut Infer<'_>, whole: &[Dim], offset: i64, axis1: i64, axis2: i64) -> Result<Shape> {
    let (a, b) = matrix_axes(c.op, whole, axis1, axis2)?;
    let n = match (whole.get(a), whole.get(b)) {
        (Some(Dim::Known(m)), Some(Dim::Known(n))) => Dim::Known(length(*m, *n, offset)),
        _ => (c.fresh)(),
    };
    Ok(with_diagonal(whole, (a, b), n).collect())
}

/// Where a diagonal of an array starts, in elements, and its strides; the diagonal is the last axis.
fn diagonal_view(dims: &[usize], strides: &[isize], attrs: &[Attr]) -> Result<(isize, Strides)> {
    let (offset, axis1, axis2) = (attr(attrs.first())?, attr(attrs.get(1))?, attr(attrs.get(2))?);
    let (a, b) = matrix_axes("diagonal", &shape::known(dims), axis1, axis2)?;
    let of = |i: usize| (dims.get(i).copied().unwrap_or(0), strides.get(i).copied().unwrap_or(0));
    let ((m, row), (n, column)) = (of(a), of(b));
    let start = match length(m, n, offset) {
        0 => 0,
        _ if offset < 0 => beside(offset) as isize * row,
        _ => beside(offset) as isize * column,
    };
    Ok((start, with_diagonal(strides, (a, b), row + column).collect()))
}

row! {
    /// The elements `x[i, i + offset]` of the matrices in two axes of `x`, as the last axis of the result; without a diagonal that
    /// far away, none.
    ///
    /// Gradient: `g` on the diagonal, zeros elsewhere.
    pub DIAGONAL = fn diagonal(x: any; offset: i64 = 0, axis1: i64 = 0, axis2: i64 = 1) -> y
    shape(c) {
        let shape = diagonal_shape(c, &x.shape, offset, axis1, axis2)?;
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|dims, strides, attrs, _| diagonal_view(dims, strides, attrs).ok());
    support Placed;
    vjp(g) { x: undiagonal(g, x, offset, axis1, axis2) }
    batch Axes;
    numpy "np.diagonal(x, offset, axis1, axis2)";
    example "T.diagonal([[1, 2, 3], [4, 5, 6]], offset=1)" => "[2 6]";
    method diagonal;
    linalg diagonal;
    case real[3, 4];
    case real[4, 2] with offset = -1;
    case real[2, 3, 4] with offset = 1, axis1 = -1, axis2 = 0;
    case real[2, 3] with offset = 5;
    refuses f64[3] => "diagonal: there is no matrix. Got shape (3,); expected two axes or more.";
    refuses f64[2, 3] with axis1 = -1 => "diagonal: the two axes are one. Got axis1=-1 and axis2=1 for 2 dimensions; expected two axes.";
    refuses f64[2, 3] with axis2 = 2 => "diagonal: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}

/// An error unless `g` can be a diagonal of an array of shape `whole`.
fn check_diagonal(c: &mut Infer<'_>, g: &Aval, whole: &[Dim], offset: i64, axis1: i64, axis2: i64) -> Result<()> {
    let wanted = diagonal_shape(c, whole, offset, axis1, axis2)?;
    if g.ndim() == wanted.len() && g.shape.iter().zip(&wanted).all(|(a, b)| a.unify(*b).is_some()) {
        return Ok(());
    }
    let got = format!("{} for an array of shape {}", Tuple(&g.shape), Tuple(whole));
    c.shape_error("the diagonal does not fit", got, format_args!("shape {}", Tuple(&wanted)))
}

row! {
    /// An array of zeros of `shape` with `g` on a diagonal: the adjoint of [`DIAGONAL`].
    ///
    /// Gradient: the diagonal of the cotangent.
    pub(crate) UNDIAGONAL = fn undiagonal_to(g: any; offset: i64 = 0, axis1: i64 = 0, axis2: i64 = 1, shape: Ints) -> y
    shape(c) {
        let whole = Aval::new(g.dtype, shape.0.iter().map(|&n| Dim::Known(n.max(0) as usize)));
        check_diagonal(c, g, &whole.shape, offset, axis1, axis2)?;
        Ok(smallvec![whole])
    };
    kernel call!(false, |[g] -> [y], c| {
        let (offset, strides) = diagonal_view(y.dims(), &c_strides(y.dims()), c.attrs)?;
        kernels::places::place(c.ranges, *g, None, offset.unsigned_abs(), &strides, y)
    });
    support Moved;
    vjp(cotangent) { g: diagonal(cotangent, offset, axis1, axis2) }
    batch Rule(batch::axes_of_result);
    numpy "ref.undiagonal(g, offset, axis1, axis2, shape)";
    case real[2] with offset = -1, shape = [3, 4];
    case real[3, 2] with offset = 1, axis1 = 2, axis2 = 0, shape = [4, 3, 2];
    refuses f64[3] with shape = [2, 2] => "undiagonal_to: the diagonal does not fit. Got (3,) for an array of shape (2, 2); expected shape (2,).";
}
row! {
    /// [`UNDIAGONAL`] to the shape of `like`, of which only the shape is used.
    pub(crate) UNDIAGONAL_LIKE = fn undiagonal_like(g: any, like: any; offset: i64 = 0, axis1: i64 = 0, axis2: i64 = 1) -> y
    shape(c) {
        check_diagonal(c, g, &like.shape, offset, axis1, axis2)?;
        Ok(smallvec![Aval { dtype: g.dtype, shape: like.shape.clone() }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&UNDIAGONAL, c.attrs.iter().cloned().chain([dims_attr(c.output)]).collect())]));
    support Moved;
    vjp(cotangent) { g: diagonal(cotangent, offset, axis1, axis2), like: Cotangent::Zero }
    batch Rule(batch::like_along);
    numpy "ref.undiagonal(g, offset, axis1, axis2, like.shape)";
    case real[2], real[3, 4] with offset = -1;
    refuses f64[3], f64[2, 2] => "undiagonal_like: the diagonal does not fit. Got (3,) for an array of shape (2, 2); expected shape (2,).";
}

/// `g` on a diagonal of zeros in the shape of `x`.
fn undiagonal<'g>(g: Tensor<'g>, x: Tensor<'g>, offset: i64, axis1: i64, axis2: i64) -> Tensor<'g> {
    match known_attr(x) {
        Some(dims) => undiagonal_to(g, offset, axis1, axis2, dims),
        None => undiagonal_like(g, x, offset, axis1, axis2),
    }
}

row! {
    /// Square matrices with the last axis of `x` on a diagonal, `y[i, i + offset]`, and zeros elsewhere; their two axes stand at
    /// `axis1` and `axis2` of the result.
    ///
    /// Gradient: the diagonal of `g`.
    pub DIAG_EMBED = fn diag_embed(x: any; offset: i64 = 0, axis1: i64 = -2, axis2: i64 = -1) -> y
    shape(c) {
        let Some((last, others)) = x.shape.split_last() else {
            return c.shape_error("there is no vector", "shape ()", "one axis or more");
        };
        let n = last.known().map(|n| Dim::Known(n.saturating_add(beside(offset))));
        let n = n.unwrap_or_else(|| (c.fresh)());
        let mut shape: Shape = smallvec![n; x.ndim() + 1];
        let (a, b) = matrix_axes(c.op, &shape, axis1, axis2)?;
        for (d, &other) in shape.iter_mut().enumerate().filter(|(i, _)| *i != a && *i != b).map(|(_, d)| d).zip(others) {
            *d = other;
        }
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&UNDIAGONAL, c.attrs.iter().cloned().chain([dims_attr(c.output)]).collect())]));
    support Moved;
    vjp(g) { x: diagonal(g, offset, axis1, axis2) }
    batch Rule(batch::axes_of_result);
    numpy "ref.diag_embed(x, offset, axis1, axis2)";
    example "T.diag_embed([[1, 2], [3, 4]])[1]" => "[[3 0]\n [0 4]]";
    case real[3];
    case real[2, 3] with offset = -1;
    case real[2, 3] with offset = 2, axis1 = 0, axis2 = -1;
    refuses f64[] => "diag_embed: there is no vector. Got shape (); expected one axis or more.";
    refuses f64[2] with axis1 = -1 => "diag_embed: the two axes are one. Got axis1=-1 and axis2=-1 for 2 dimensions; expected two axes.";
}

row! {
    /// The matrix with the vector `x` on its diagonal `k`, zeros elsewhere; of a matrix `x`, its diagonal `k` as a vector.
    ///
    /// Gradient: the diagonal of `g`; of a matrix, `g` on the diagonal.
    pub DIAG = fn diag(x: any; k: i64 = 0) -> y
    body {
        match x.ndim() {
            1 => diag_embed(x, k, 0, 1),
            2 => diagonal(x, k, 0, 1),
            _ => {
                let got = format_args!("shape {}", Tuple(x.dims()));
                return Err(Error::new(ErrorKind::Shape, "diag", "neither a vector nor a matrix", got, "one or two axes"));
            }
        }
    }
    numpy "np.diag(x, k)";
    example "T.diag(T.diag([1, 2], k=1), k=1)" => "[1 2]";
    linalg diag;
    case real[3] with k = -1;
    case real[3, 4] with k = 1;
    refuses f64[2, 2, 2] => "diag: neither a vector nor a matrix. Got shape (2, 2, 2); expected one or two axes.";
}
row! {
    /// The sum of a diagonal, `sum of x[i, i + offset]`, of the matrices in two axes of `x`; they need not be square. Bools and
    /// `int32` are summed in `int64`.
    ///
    /// Gradient: `g` on the diagonal, zeros elsewhere.
    pub TRACE = fn trace(x: any; offset: i64 = 0, axis1: i64 = 0, axis2: i64 = 1) -> y
    body { reduce_sum(diagonal(x, offset, axis1, axis2), -1, false) }
    numpy "np.trace(x, offset, axis1, axis2)";
    example "T.trace([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])" => "6.0";
    method trace;
    linalg trace;
    case real[3, 4];
    case real[2, 3, 4] with offset = -1, axis1 = -1, axis2 = 1;
    refuses f64[3] => "trace: there is no matrix. Got shape (3,); expected two axes or more.";
    refuses f64[2, 3] with axis1 = 1 => "trace: the two axes are one. Got axis1=1 and axis2=1 for 2 dimensions; expected two axes.";
}

/// Zero in the dtype of `x`.
fn zero(x: Tensor<'_>) -> Tensor<'_> {
    x.graph().literal(false.into(), x.dtype())
}

/// The places of the rows, moved by `k`, as a column, and of the columns of the matrices in the last two axes of `x`. As NumPy has
/// it, a vector is each row of a square matrix.
pub(crate) fn rows_and_columns<'g>(op: &str, x: Tensor<'g>, k: i64) -> Result<(Tensor<'g>, Tensor<'g>)> {
    let Some(column) = x.ndim().checked_sub(1) else {
        return Err(Error::new(ErrorKind::Shape, op, "there is no matrix", "shape ()", "one axis or more"));
    };
    let rows = positions(x, column.saturating_sub(1));
    Ok((moved(expand_dims(rows, 1), k), positions(x, column)))
}

/// Places plus `k`; those of a matrix that has memory are far below the limit, beyond which all are alike.
fn moved(places: Tensor<'_>, k: i64) -> Tensor<'_> {
    const FAR: i64 = 1 << 62;
    if k == 0 { places } else { places + k.clamp(-FAR, FAR) }
}

row! {
    /// The elements of matrices on the diagonal `k` and below it, zeros above; the matrices are in the last two axes. Of a vector,
    /// the square matrix with it in each row.
    ///
    /// Gradient: that part of `g`; what stands above leaves nothing in it, be it infinite or NaN.
    pub TRIL = fn tril(x: any; k: i64 = 0) -> y
    body {
        let (rows, columns) = rows_and_columns("tril", x, k)?;
        select(less_equal(columns, rows), x, zero(x))
    }
    numpy "np.tril(x, k)";
    example "T.tril([[1, 2, 3], [4, 5, 6]])" => "[[1 0 0]\n [4 5 0]]";
    linalg tril;
    case real[3, 4];
    case real[2, 3, 3] with k = -1;
    case real[2, 4] with k = 2;
    case real[3];
    refuses f64[] => "tril: there is no matrix. Got shape (); expected one axis or more.";
}
row! {
    /// The elements of matrices on the diagonal `k` and above it, zeros below; the matrices are in the last two axes. Of a vector,
    /// the square matrix with it in each row.
    ///
    /// Gradient: that part of `g`; what stands below leaves nothing in it, be it infinite or NaN.
    pub TRIU = fn triu(x: any; k: i64 = 0) -> y
    body {
        let (rows, columns) = rows_and_columns("triu", x, k)?;
        select(greater_equal(columns, rows), x, zero(x))
    }
    numpy "np.triu(x, k)";
    example "T.triu([[1, 2, 3], [4, 5, 6]], k=1)" => "[[0 2 3]\n [0 0 6]]";
    linalg triu;
    case real[3, 4];
    case real[2, 3, 3] with k = -1;
    case real[4, 2] with k = 2;
    case real[3];
    refuses f64[] => "triu: there is no matrix. Got shape (); expected one axis or more.";
}
row! {
    /// The number `one` on the diagonal `k` of an `n x m` matrix, zeros elsewhere; without `m` it is square.
    ///
    /// Gradient: the trace of that diagonal of `g`.
    pub EYE = fn eye(one: any; n: i64, m: Axis = None, k: i64 = 0) -> y
    body {
        if one.ndim() != 0 {
            return Err(Error::new(ErrorKind::Shape, "eye", "not a single number", format_args!("shape {}", Tuple(one.dims())), "shape ()"));
        }
        let rows = expand_dims(iota(one.graph(), n), 1);
        let columns = iota(one.graph(), m.unwrap_or(n));
        select(equal(columns, moved(rows, k)), one, zero(one))
    }
    numpy "one * np.eye(n, m, k, one.dtype)";
    by hand;
    case real[] with n = 3;
    case real[] with n = 2, m = 4, k = 1;
    case real[] with n = 4, m = 3, k = -1;
    case real[] with n = 0;
    refuses f64[] with n = -1 => "eye: a length is negative. Got -1; expected a length >= 0.";
    refuses f64[1] with n = 1 => "eye: not a single number. Got shape (1,); expected shape ().";
}

/// `one` on the diagonal `k` of an `n x m` matrix, zeros elsewhere.
#[track_caller]
pub(crate) fn eye_of<'g>(one: Tensor<'g>, n: i64, m: Axis, k: i64) -> Tensor<'g> {
    apply(&EYE, &[one.into()], &[Attr::Int(n), Attr::Axis(m), Attr::Int(k)])
}
