//! Distances between vectors, and the cosine of the angle between them.

use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::Axes;
use crate::graph::op::OpDef;
use crate::ops::arithmetic::clip_below;
use crate::ops::broadcast::broadcast_like;
use crate::ops::einsum::axes::matched;
use crate::ops::index::take_at;
use crate::ops::movement::expand_dims;
use crate::ops::norms::vectors;
use crate::ops::positions::known_length;
use crate::ops::reduce::{number, reduce_sum};
use crate::shape::{self, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&COSINE_SIMILARITY, &PAIRWISE_DISTANCE, &DIST, &PDIST, &CDIST];

/// The norm of order `p` of the differences along the last axis, to which `eps` is added.
pub(crate) fn distance<'g>(op: &str, a: Tensor<'g>, b: Tensor<'g>, p: Tensor<'g>, eps: Tensor<'g>, keepdims: bool) -> Result<Tensor<'g>> {
    if a.ndim() == 0 || b.ndim() == 0 {
        let got = format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims()));
        return Err(Error::new(ErrorKind::Shape, op, "there is no axis of vectors", got, "one axis or more"));
    }
    let eps = number(op, "eps", eps, a.dtype())?;
    let p = number(op, "p", p, a.dtype())?;
    vectors(op, a - b + eps, Some(p), Axes(Some([-1].into())), keepdims)
}

row! {
    /// The cosine of the angle between the vectors along `axis`: `sum(a * b) / (max(|a|, eps) * max(|b|, eps))`, in which nothing overflows.
    /// `a` and `b` broadcast first, and `axis` is one of what they become; `eps` is a number or a 0-d tensor. The cosine of a zero vector is 0.
    ///
    /// Gradient: that of the formula, in which the length of a zero vector has derivative 0.
    pub COSINE_SIMILARITY = fn cosine_similarity(a: float, b: float, eps: any = 1e-8; axis: i64 = 1) -> cosine
    body {
        let op = "cosine_similarity";
        let whole = a + b;
        if let Some(e) = whole.error() {
            return Err(e.named(op));
        }
        let (a, b) = (broadcast_like(a, whole), broadcast_like(b, whole));
        let axis = shape::axis(op, axis, whole.ndim())? as i64;
        let eps = number(op, "eps", eps, a.dtype())?;
        let along = || Axes(Some([axis].into()));
        let length = |x| Ok::<_, Error>(clip_below(vectors(op, x, None, along(), true)?, eps));
        reduce_sum((a / length(a)?) * (b / length(b)?), along(), false)
    }
    numpy "ref.cosine_similarity(a, b, axis, eps)";
    example "T.cosine_similarity([[1.0, 0.0], [3.0, 4.0]], [[1.0, 1.0], [0.0, 0.0]])" => "[0.70710678 0.        ]";
    signature "a, b, axis, eps";
    case real[2, 3], real[2, 3];
    case real[2, 3, 2], real[3, 1] with axis = -2;
    case real[4], real[4], unit[] with axis = 0;
    refuses f64[2, 3], f64[4] => "cosine_similarity: shapes do not broadcast. Got (2, 3) and (4,); expected equal lengths, or 1, on each axis counted from the last.";
    refuses f64[3], f64[3] => "cosine_similarity: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2, 3], f64[2, 3], f64[2] => "cosine_similarity: `eps` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// The norm of order `p` of `a - b + eps` along the last axis, as `vector_norm` gives it; `a` and `b` broadcast. `p` and `eps` are numbers or
    /// 0-d tensors, `p` may be negative.
    ///
    /// Gradient: that of the norm, which is 0 to elements that are 0.
    pub PAIRWISE_DISTANCE = fn pairwise_distance(a: float, b: float, p: any = 2.0, eps: any = 1e-6; keepdims: bool = false) -> d
    body { distance("pairwise_distance", a, b, p, eps, keepdims)? }
    numpy "np.linalg.vector_norm(a - b + eps, ord=p, axis=-1, keepdims=keepdims)";
    example "T.pairwise_distance([[3.0, 4.0], [1.0, 2.0]], [0.0, 0.0], p=1, eps=0.0)" => "[7. 3.]";
    signature "a, b, p, eps, keepdims";
    case real[2, 3], real[2, 3];
    case real[2, 3], real[3] with keepdims = true;
    case real[2, 3], real[2, 3], beyond[], unit[];
    case real[3], real[3];
    refuses f64[2, 3], f64[4] => "pairwise_distance: shapes do not broadcast. Got (2, 3) and (4,); expected equal lengths, or 1, on each axis counted from the last.";
    refuses f64[], f64[3] => "pairwise_distance: there is no axis of vectors. Got () and (3,); expected one axis or more.";
    refuses f64[2], f64[2], f64[] => "pairwise_distance: a value is out of range. Got 0.0; expected an order other than 0.";
}
row! {
    /// The norm of order `p` of all elements of `a - b`, as `vector_norm` gives it; `a` and `b` broadcast. `p` is a number or a 0-d tensor.
    ///
    /// Gradient: that of the norm, which is 0 to elements that are 0.
    pub DIST = fn dist(a: float, b: float, p: any = 2.0) -> d
    body {
        let p = number("dist", "p", p, a.dtype())?;
        vectors("dist", a - b, Some(p), Axes(None), false)?
    }
    numpy "np.linalg.vector_norm(a - b, ord=p)";
    example "T.dist([3.0, 4.0], 0.0)" => "5.0";
    case real[2, 3], real[2, 3];
    case beyond[2, 3], unit[3], beyond[];
    case unit[], beyond[4], positive[];
    refuses f64[2, 3], f64[4] => "dist: shapes do not broadcast. Got (2, 3) and (4,); expected equal lengths, or 1, on each axis counted from the last.";
    refuses f64[2], f64[2], f64[2] => "dist: `p` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// The distances of order `p` between all pairs of rows `i < j` of a matrix, as `vector_norm` gives them: those of the first row, then
    /// those of the second, and so on. `p` is a number or a 0-d tensor. The number of rows is known when the graph is built.
    ///
    /// Gradient: that of the norm, which is 0 to elements that are 0, so where two rows are equal.
    pub PDIST = fn pdist(x: any, p: any = 2.0) -> d
    body {
        if x.ndim() != 2 {
            return Err(Error::new(ErrorKind::Shape, "pdist", "there are no rows", Tuple(x.dims()), "a matrix"));
        }
        let n = known_length("pdist", x, 0)? as i64;
        let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
        let (first, second): (Vec<i64>, Vec<i64>) = pairs.unzip();
        let rows = |list: &[i64]| Ok::<_, Error>(take_at(x, x.graph().constant_array(Array::from_slice(list, &[list.len()])?), 0));
        let p = number("pdist", "p", p, x.dtype().to_float())?;
        vectors("pdist", rows(&first)? - rows(&second)?, Some(p), Axes(Some([-1].into())), false)?
    }
    numpy "ref.pdist(x, p)";
    example "T.pdist([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])" => "[5.         1.         4.24264069]";
    exempt Unknown: "it needs the number of rows, and says so";
    case real[4, 3];
    case real[3, 2], beyond[];
    case real[1, 2];
    refuses f64[3] => "pdist: there are no rows. Got (3,); expected a matrix.";
    refuses f64[2, 2], f64[2] => "pdist: `p` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// The distances of order `p` between each row of `a`, of shape `(..., m, d)`, and each row of `b`, of shape `(..., n, d)`: an array of shape
    /// `(..., m, n)`, as `vector_norm` gives them. The axes in front broadcast. `p` is a number or a 0-d tensor.
    ///
    /// Gradient: that of the norm, which is 0 to elements that are 0, so where two rows are equal.
    pub CDIST = fn cdist(a: float, b: float, p: any = 2.0) -> d
    body {
        let width = |x: Tensor<'_>| if x.ndim() < 2 { None } else { x.dims().last().copied() };
        if width(a).zip(width(b)).is_none_or(|(a, b)| a.unify(b).is_none()) {
            let got = format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims()));
            return Err(Error::new(ErrorKind::Shape, "cdist", "the rows do not fit", got, "shapes (..., m, d) and (..., n, d)"));
        }
        let p = number("cdist", "p", p, a.dtype())?;
        // Rows of one element would meet those of any number.
        let (last, of) = (b.ndim().saturating_sub(1), a.ndim().saturating_sub(1));
        let b = matched(b, last, a, of, false);
        let a = matched(a, of, b, last, false);
        vectors("cdist", expand_dims(a, -2i64) - expand_dims(b, -3i64), Some(p), Axes(Some([-1].into())), false)?
    }
    numpy "np.linalg.vector_norm(a[..., :, None, :] - b[..., None, :, :], ord=p, axis=-1)";
    example "T.cdist([[0.0, 0.0], [3.0, 4.0]], [[3.0, 0.0]])" => "[[3.]\n [4.]]";
    case real[3, 2], real[4, 2];
    case beyond[2, 1, 3, 2], unit[4, 2, 2];
    case beyond[3, 2], unit[4, 2], beyond[];
    case beyond[3, 2], unit[1, 2], unit[];
    refuses f64[3, 2], f64[4, 3] => "cdist: the rows do not fit. Got (3, 2) and (4, 3); expected shapes (..., m, d) and (..., n, d).";
    refuses f64[2], f64[4, 2] => "cdist: the rows do not fit. Got (2,) and (4, 2); expected shapes (..., m, d) and (..., n, d).";
    refuses f64[2, 2], f64[2, 2], f64[2] => "cdist: `p` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
