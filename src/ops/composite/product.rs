//! Products without matrices: of all pairs of elements, and of vectors along an axis.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Slice, Slices};
use crate::graph::op::OpDef;
use crate::ops::apply::cast;
use crate::ops::broadcast::broadcast_to;
use crate::ops::einsum::axes::matched;
use crate::ops::einsum::lower::product;
use crate::ops::movement::{expand_dims, merge_axes, reshape};
use crate::ops::rearranging::moveaxis;
use crate::ops::reduce::reduce_sum;
use crate::ops::slice::{concat, strided_slice};
use crate::shape::{self, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&OUTER, &KRON, &VECDOT, &CROSS];

row! {
    /// The products of all pairs of elements, `a[i] * b[j]` in row `i` and column `j`; arrays of other ranks are flattened in C order.
    ///
    /// Gradient: the products of `g` with `b` and with `a`, under their shapes.
    pub OUTER = fn outer(a: value, b: value) -> y
    body { product(expand_dims(reshape(a, [-1]), 1i64), reshape(b, [-1])) }
    numpy "np.outer(a, b)";
    example "T.outer([1, 10, 100], [[1, 2], [3, 4]])" => "[[  1   2   3   4]\n [ 10  20  30  40]\n [100 200 300 400]]";
    linalg outer;
    case real[2], real[3];
    case real[2, 3], real[4];
    case real[], real[3];
}

/// `x` as an array of `n` axes, with an axis of length 1 in front of each (`first` is 0) or behind it (1).
fn apart(x: Tensor<'_>, n: usize, first: usize) -> Tensor<'_> {
    let missing = n - x.ndim();
    let x = if missing == 0 { x } else { expand_dims(x, (0..missing).collect::<Vec<_>>()) };
    if n == 0 { x } else { expand_dims(x, (0..n).map(|i| 2 * i + first).collect::<Vec<_>>()) }
}

row! {
    /// Kronecker's product: each element of `a` in the place of it times all of `b`. The lengths are the products of those of `a` and
    /// `b`, axis by axis from the last; the array with fewer axes gets more of length 1 in front.
    ///
    /// Gradient: the sums of the products of `g` with `b` and with `a` over the blocks.
    pub KRON = fn kron(a: value, b: value) -> y
    body {
        let n = a.ndim().max(b.ndim());
        let y = product(apart(a, n, 1), apart(b, n, 0));
        (0..n).rev().fold(y, |y, i| merge_axes(y, 2 * i, 2))
    }
    numpy "np.kron(a, b)";
    example "T.kron([[1, 10]], [1, 2, 3])" => "[[ 1  2  3 10 20 30]]";
    linalg kron;
    case real[2], real[3];
    case real[2, 3], real[4, 5];
    case real[2], real[3, 4, 5];
    case real[2, 2], real[];
    case real[], real[];
}

/// An axis that both have, as that many from the end in each.
fn from_end(op: &str, a: Tensor<'_>, b: Tensor<'_>, axis: i64) -> Result<(usize, usize)> {
    Ok((a.ndim() - shape::axis(op, axis, a.ndim())?, b.ndim() - shape::axis(op, axis, b.ndim())?))
}

/// `x` with the axis that is `at` from the end as its last one.
fn last<'g>(x: Tensor<'g>, at: usize) -> Tensor<'g> {
    moved(x, x.ndim() - at, x.ndim() - 1)
}

/// `x` with axis `from` at the place `to`.
fn moved<'g>(x: Tensor<'g>, from: usize, to: usize) -> Tensor<'g> {
    if from == to { x } else { moveaxis(x, from, to) }
}

row! {
    /// The sum of products along an axis that both have, of one length; the other axes broadcast.
    ///
    /// Gradient: `g * b` and `g * a`.
    pub VECDOT = fn vecdot(a: value, b: value; axis: i64 = -1) -> y
    body {
        let (i, j) = from_end("vecdot", a, b, axis)?;
        let (a, b, at) = if i == j { (a, b, i) } else { (last(a, i), last(b, j), 1) };
        let (n, m) = (a.ndim() - at, b.ndim() - at);
        if let (Some(x), Some(y)) = (a.dims().get(n), b.dims().get(m))
            && x.unify(*y).is_none()
        {
            return Err(Error::new(ErrorKind::Shape, "vecdot", "lengths differ", format_args!("{} and {} for axis={axis}", Tuple(a.dims()), Tuple(b.dims())), "equal lengths along the axis"));
        }
        let a = matched(a, n, b, m, false);
        let b = matched(b, m, a, n, false);
        let y = product(a, b);
        cast(reduce_sum(y, -(at as i64), false), y.dtype())
    }
    numpy "np.vecdot(a, b, axis=axis)";
    example "T.vecdot([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0])" => "[12. 34.]";
    linalg vecdot;
    case real[3], real[3];
    case real[2, 3], real[4, 1, 3];
    case real[3, 2], real[3, 2] with axis = 0;
    case real[3, 4, 2], real[3, 2] with axis = 0;
    refuses f64[2, 3], f64[2] => "vecdot: lengths differ. Got (2, 3) and (2,) for axis=-1; expected equal lengths along the axis.";
    refuses f64[2, 3], f64[1] => "vecdot: lengths differ. Got (2, 3) and (1,) for axis=-1; expected equal lengths along the axis.";
    refuses f64[2, 3], f64[3, 3] => "vecdot: shapes do not broadcast. Got (2, 3) and (3, 3); expected equal lengths, or 1, on each axis counted from the last.";
    refuses f64[3], f64[] => "vecdot: axis is out of range. Got axis=-1 for 0 dimensions; expected no axis for a 0-d array.";
}

/// `x`, if its last axis has length 3; a length that is not known is checked by the run.
fn vectors<'g>(x: Tensor<'g>, axis: i64) -> Result<Tensor<'g>> {
    let n = x.ndim().saturating_sub(1);
    match x.dims().last().and_then(|d| d.known()) {
        Some(3) => Ok(x),
        Some(n) => {
            let rule = format_args!("a length of 3 along axis={axis}");
            let e = Error::new(ErrorKind::Shape, "cross", "the vectors have another length", n, rule);
            Err(if n == 2 { e.help("write `a[0] * b[1] - a[1] * b[0]` for vectors of length 2") } else { e })
        }
        None => {
            let three = broadcast_to(x.graph().literal(false.into(), x.dtype()), [3]);
            Ok(matched(x, n, three, 0, false))
        }
    }
}

/// Component `i` along the last axis, which stays.
fn component(x: Tensor<'_>, i: i64) -> Tensor<'_> {
    let here = Slice { start: Some(i), stop: Some(i + 1), step: 1 };
    strided_slice(x, Slices(std::iter::repeat_n(Slice::ALL, x.ndim().saturating_sub(1)).chain([here]).collect()))
}

row! {
    /// The vector product along an axis of length 3: `(a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0)`. The other axes
    /// broadcast. Vectors of length 2, which NumPy has given up, are refused.
    ///
    /// Gradient: `cross(b, g)` and `cross(g, a)`.
    pub CROSS = fn cross(a: number, b: number; axis: i64 = -1) -> y
    body {
        let (i, j) = from_end("cross", a, b, axis)?;
        let (a, b) = (last(a, i), last(b, j));
        let (a, b) = (vectors(a, axis)?, vectors(b, axis)?);
        let one = |i: i64, j: i64| component(a, i) * component(b, j) - component(a, j) * component(b, i);
        let y = concat(&[one(1, 2), one(2, 0), one(0, 1)], -1i64);
        if let Some(e) = y.error() {
            return Err(e.named("cross"));
        }
        moved(y, y.ndim().saturating_sub(1), shape::axis("cross", axis, y.ndim())?)
    }
    numpy "np.cross(a, b, axis=axis)";
    example "T.cross([1.0, 0.0, 0.0], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])" => "[[ 0.  0.  1.]\n [ 0. -1.  0.]]";
    linalg cross;
    case real[3], real[3];
    case real[2, 3], real[4, 1, 3];
    case real[3, 2], real[3, 2] with axis = 0;
    case real[2, 3, 4], real[2, 3, 1] with axis = 1;
    refuses f64[2, 3], f64[2, 4] => "cross: the vectors have another length. Got 4; expected a length of 3 along axis=-1.";
    refuses f64[2], f64[2] => "cross: the vectors have another length. Got 2; expected a length of 3 along axis=-1.\nhelp: write `a[0] * b[1] - a[1] * b[0]` for vectors of length 2";
    refuses f64[2, 3], f64[4, 3] => "cross: shapes do not broadcast. Got (2, 1) and (4, 1); expected equal lengths, or 1, on each axis counted from the last.";
    refuses f64[3], f64[3] with axis = 1 => "cross: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses bool[3], bool[3] => "cross: bools are not numbers. Got bool; expected an integer or floating dtype.\nhelp: use `logical_and`, `logical_or`, `logical_xor` or `logical_not`, or cast to a number";
}
