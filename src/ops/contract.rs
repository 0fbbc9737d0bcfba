//! Products of matrices, and the Cholesky factorisation.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::error::{Error, ErrorKind};
use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::kernels;
use crate::ops::movement::{expand_dims, squeeze, transpose};
use crate::shape::{Aval, Dim, Tuple, broadcast};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&BATCH_MATMUL, &MATMUL];

/// `x` with its last two axes exchanged.
pub(crate) fn swapped<'g>(x: Tensor<'g>) -> Tensor<'g> {
    let n = x.ndim() as i64;
    let mut order: Vec<i64> = (0..n).collect();
    let last = order.len();
    if last >= 2 {
        order.swap(last - 1, last - 2);
    }
    transpose(x, order)
}

row! {
    /// Product of matrices in the last two axes, with broadcasting over the others: `(..., m, k)` and `(..., k, n)` give
    /// `(..., m, n)`.
    ///
    /// Gradient: `g @ b^T` and `a^T @ g`, summed over broadcast axes.
    pub BATCH_MATMUL = fn batch_matmul(a: value, b: value) -> y
    shape(c) {
        let ([ra @ .., m, k], [rb @ .., l, n]) = (&a.shape[..], &b.shape[..]) else {
            return c.shape_error("matrices have two axes or more", format_args!("{} and {}", Tuple(&a.shape), Tuple(&b.shape)), "shapes (..., m, k) and (..., k, n)");
        };
        if k.unify(*l).is_none() {
            return Err(Error::new(ErrorKind::Shape, "matmul", "inner dimensions differ", format_args!("{} and {}", Tuple(&a.shape), Tuple(&b.shape)), "a.shape[-1] == b.shape[-2]"));
        }
        let mut shape = broadcast("matmul", ra, rb, c.fresh)?;
        shape.extend([*m, *n]);
        Ok(smallvec![Aval { dtype: a.dtype, shape }])
    };
    kernel call!(false, |[a, b] -> [y], c| {
        let lead = &y.dims()[..y.dims().len().saturating_sub(2)];
        with_lead(*a, lead, 2, |a| with_lead(*b, lead, 2, |b| kernels::matmul::matmul(c.ranges, a, b, y)))
    });
    support Contracted(contracted);
    vjp(g) { a: batch_matmul(g, swapped(b)), b: batch_matmul(swapped(a), g) }
    batch Leading(2);
    cost |c| 2.0 * c.size() * c.lengths(0).last().map_or(0.0, |&k| k as f64);
    numpy "np.matmul(a, b)";
    example "T.batch_matmul([[[1, 0]], [[0, 1]]], [[5], [7]])[..., 0]" => "[[5]\n [7]]";
    case real[2, 3], real[3, 4];
    case real[5, 2, 3], real[3, 2];
    case real[2, 1, 2, 3], real[3, 3, 2];
    refuses f64[2], f64[2, 3] => "batch_matmul: matrices have two axes or more. Got (2,) and (2, 3); expected shapes (..., m, k) and (..., k, n).";
}

row! {
    /// Product of matrices as NumPy's `a @ b`: the last two axes are matrices and the others broadcast; a 1-d array is a
    /// row on the left and a column on the right, and that axis is dropped from the result.
    pub MATMUL = fn matmul(a: any, b: any) -> y
    body {
        if a.ndim() == 0 || b.ndim() == 0 {
            return Err(Error::new(ErrorKind::Shape, "matmul", "a 0-d array is not a matrix", format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims())), "at least one axis each"));
        }
        let last = |t: Tensor<'_>, i: usize| t.dims().iter().rev().nth(i.min(t.ndim() - 1)).copied().unwrap_or(Dim::Known(1));
        if last(a, 0).unify(last(b, 1)).is_none() {
            return Err(Error::new(ErrorKind::Shape, "matmul", "inner dimensions differ", format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims())), "a.shape[-1] == b.shape[-2]"));
        }
        let (row, column) = (a.ndim() == 1, b.ndim() == 1);
        let a = if row { expand_dims(a, 0i64) } else { a };
        let b = if column { expand_dims(b, 1i64) } else { b };
        let y = batch_matmul(a, b);
        let y = if column { squeeze(y, -1i64) } else { y };
        if row { squeeze(y, if column { -1i64 } else { -2 }) } else { y }
    }
    numpy "np.matmul(a, b)";
    example "T.matmul([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0])" => "[12. 34.]";
    alias dot;
    method dot;
    case real[2, 3], real[3, 4];
    case real[3], real[3, 4];
    case real[2, 3], real[3];
    case real[3], real[3];
    case real[3], real[2, 3, 2];
    refuses f64[2, 3], f64[4, 5] => "matmul: inner dimensions differ. Got (2, 3) and (4, 5); expected a.shape[-1] == b.shape[-2].";
    refuses f64[], f64[2, 2] => "matmul: a 0-d array is not a matrix. Got () and (2, 2); expected at least one axis each.";
    refuses f64[2, 2, 3], f64[3, 3, 2] => "matmul: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}
