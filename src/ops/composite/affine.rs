//! Affine functions of vectors, by the names that networks have for them.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::ops::contract::{batch_matmul, matvec, swapped};
use crate::ops::movement::{expand_dims, merge_axes, same_shape, split_axis, squeeze, transpose};
use crate::ops::reduce::reduce_sum;
use crate::shape::{Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&LINEAR, &BILINEAR];

/// `x` as a matrix: all axes but the last as one, for one product.
fn as_matrix(x: Tensor<'_>) -> Tensor<'_> {
    match x.ndim() {
        1 => expand_dims(x, 0),
        2 => x,
        n => merge_axes(x, 0, n.saturating_sub(1)),
    }
}

/// The rows of `y` in place of the last axis of `x`.
fn in_place_of<'g>(y: Tensor<'g>, x: Tensor<'g>) -> Tensor<'g> {
    match x.ndim() {
        1 => squeeze(y, 0),
        2 => y,
        n => split_axis(y, 0, x, 0, n.saturating_sub(1)),
    }
}

/// The last axis of an operand; an error of `op` if it has none.
fn last(op: &str, name: &str, x: Tensor<'_>) -> Result<Dim> {
    x.dims()
        .last()
        .copied()
        .ok_or_else(|| Error::new(ErrorKind::Shape, op, format_args!("`{name}` has no axis"), "a 0-d tensor", "shape (..., n)"))
}

/// An error of `op` unless the weights have as many axes and lengths that fit.
fn check_weights(op: &str, w: Tensor<'_>, lengths: &[Dim]) -> Result<()> {
    match w.dims() {
        [_, own @ ..] if own.len() == lengths.len() && own.iter().zip(lengths).all(|(a, b)| a.unify(*b).is_some()) => Ok(()),
        dims => {
            let wanted: Vec<String> = lengths.iter().map(|d| d.known().map_or("any".into(), |n| n.to_string())).collect();
            let rule = format_args!("shape (out, {})", wanted.join(", "));
            Err(Error::new(ErrorKind::Shape, op, "the weights do not fit", format_args!("shape {}", Tuple(dims)), rule))
        }
    }
}

/// `y` with the bias added, if there is one; `w` are the weights, one row of them for each number of the bias.
fn shifted<'g>(op: &str, name: &str, y: Tensor<'g>, bias: Option<Tensor<'g>>, w: Tensor<'g>) -> Result<Tensor<'g>> {
    let out = w.dims().first().copied().unwrap_or(Dim::Known(0));
    match bias {
        None => Ok(y),
        Some(b) if matches!(*b.dims(), [n] if n.unify(out).is_some()) => {
            // Where lengths are not known, the run compares them.
            let rows = reduce_sum(w, (1..w.ndim() as i64).collect::<Vec<_>>(), false);
            Ok(y + same_shape(b, rows))
        }
        Some(b) => {
            let rule = format_args!("shape ({},)", out.known().map_or("out".into(), |n| n.to_string()));
            Err(Error::new(ErrorKind::Shape, op, format_args!("`{name}` does not fit"), format_args!("shape {}", Tuple(b.dims())), rule))
        }
    }
}

row! {
    /// `x w^T + b` over the last axis of `x`: `(..., in)` and weights `(out, in)` give `(..., out)`, with a bias `(out,)` or none. All other axes
    /// of `x` are rows of one product.
    ///
    /// Gradient: `g w`, `g^T x` by one product, and the sum of `g`.
    pub LINEAR = fn linear(x: float, w: float, b: float = None) -> y
    body {
        let n = last("linear", "x", x)?;
        check_weights("linear", w, &[n])?;
        let y = in_place_of(batch_matmul(as_matrix(x), swapped(w)), x);
        shifted("linear", "b", y, b, w)?
    }
    numpy "x @ w.T + (0 if b is None else b)";
    example "T.linear([[1.0, 2.0]], [[3.0, 4.0], [0.0, 1.0], [1.0, 0.0]], [0.0, 10.0, 20.0])" => "[[11. 12. 21.]]";
    rounds by_layout;
    case real[4], real[2, 4], real[2];
    case real[4, 3], real[2, 3];
    case real[2, 4, 3], real[5, 3], real[5];
    case real[2, 1, 4, 3], real[1, 3];
    refuses f64[], f64[2, 3] => "linear: `x` has no axis. Got a 0-d tensor; expected shape (..., n).";
    refuses f64[4, 3], f64[2, 4] => "linear: the weights do not fit. Got shape (2, 4); expected shape (out, 3).";
    refuses f64[4, 3], f64[3] => "linear: the weights do not fit. Got shape (3,); expected shape (out, 3).";
    refuses f64[4, 3], f64[2, 3], f64[3] => "linear: `b` does not fit. Got shape (3,); expected shape (2,).";
}
row! {
    /// `y[..., k] = sum of a[..., i] * w[k, i, j] * b[..., j]`, plus `c[k]`: `a` is `(..., m)`, `b` `(..., n)` with the same other axes, the weights
    /// are `(out, m, n)`, and the bias, if there is one, is `(out,)`.
    ///
    /// Gradient: in all tensors.
    pub BILINEAR = fn bilinear(a: float, b: float, w: float, c: float = None) -> y
    body {
        let op = "bilinear";
        let (m, n) = (last(op, "a", a)?, last(op, "b", b)?);
        let (lead, other) = (a.dims().split_last().map_or(a.dims(), |l| l.1), b.dims().split_last().map_or(b.dims(), |l| l.1));
        if lead.len() != other.len() || lead.iter().zip(other).any(|(a, b)| a.unify(*b).is_none()) {
            let got = format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims()));
            return Err(Error::new(ErrorKind::Shape, op, "the operands differ in axes", got, "equal lengths of all axes but the last"));
        }
        check_weights(op, w, &[m, n])?;
        // (m, out, n) as (m, out * n): one product for all rows of `a`.
        let turned = transpose(w, [1, 0, 2]);
        let half = split_axis(batch_matmul(as_matrix(a), merge_axes(turned, 1, 2)), 1, turned, 1, 2);
        let rows = matvec(half, as_matrix(b));
        shifted(op, "c", same_shape(in_place_of(rows, a), in_place_of(rows, b)), c, w)?
    }
    numpy "np.einsum('...i,kij,...j->...k', a, w, b) + (0 if c is None else c)";
    example "T.bilinear([1.0, 2.0], [3.0], [[[1.0], [1.0]], [[0.0], [5.0]]], [0.0, 1.0])" => "[ 9. 31.]";
    rounds by_layout;
    case real[3], real[2], real[4, 3, 2], real[4];
    case real[5, 3], real[5, 2], real[4, 3, 2];
    case real[2, 4, 3], real[2, 4, 2], real[5, 3, 2], real[5];
    refuses f64[4, 3], f64[4, 2], f64[2, 2, 3] => "bilinear: the weights do not fit. Got shape (2, 2, 3); expected shape (out, 3, 2).";
    refuses f64[4, 3], f64[1, 2], f64[2, 3, 2] => "bilinear: the operands differ in axes. Got (4, 3) and (1, 2); expected equal lengths of all axes but the last.";
    refuses f64[4, 3], f64[4, 2], f64[2, 3, 2], f64[1] => "bilinear: `c` does not fit. Got shape (1,); expected shape (2,).";
}
