//! Products of matrices, and of arrays over some of their axes.

use smallvec::{SmallVec, smallvec};

use crate::array::with_lead;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{AttrType, Axes, IntoAttr};
use crate::graph::op::{CallKernel, Kernel, OpDef};
use crate::graph::{AsTensor, Tensor};
use crate::kernels;
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::einsum::axes::matched;
use crate::ops::einsum::lower::{Indexed, contract, product};
use crate::ops::einsum::parse::{LABELS, Label};
use crate::ops::movement::{TRANSPOSE, expand_dims, reshape, squeeze, transpose};
use crate::ops::slice::concat;
use crate::ops::unpack::{arity, attr};
use crate::shape::{self, Aval, Dim, Tuple, broadcast};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&BATCH_MATMUL, &MATMUL, &MATVEC, &VECMAT, &DOT, &INNER, &VDOT, &TENSORDOT];

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

/// `x` with its axes in another order. A product whose matrices are transposed is made of its transposed operands instead: then it
/// stands in memory in the order in which it is read.
pub(crate) fn reordered<'g>(x: Tensor<'g>, order: Vec<i64>) -> Tensor<'g> {
    let n = order.len();
    let swaps = n >= 2 && order[n - 2..] == [n as i64 - 1, n as i64 - 2] && (0..).zip(&order[..n - 2]).all(|(i, &o)| i == o);
    match (x.node().def(), &x.node().inputs[..]) {
        (Some(def), &[a, b]) if swaps && std::ptr::eq(def, &BATCH_MATMUL) => {
            batch_matmul(swapped(x.graph().tensor(b)), swapped(x.graph().tensor(a)))
        }
        _ => transpose(x, order),
    }
}

/// A product of two matrices over an axis so short that both operands together are no larger than the result; all lengths are known.
struct Short<'g> {
    /// The left operand, transposed: that of a cotangent is a transpose itself, of what stands in memory.
    left: Tensor<'g>,
    right: Tensor<'g>,
}

impl<'g> Short<'g> {
    fn of(x: Tensor<'g>) -> Option<Short<'g>> {
        let (Some(def), &[a, b]) = (x.node().def(), &x.node().inputs[..]) else { return None };
        let (a, b) = (x.graph().tensor(a), x.graph().tensor(b));
        let shapes = (a.known_shape()?, b.known_shape()?);
        let (&[m, k], &[_, n]) = (&shapes.0[..], &shapes.1[..]) else { return None };
        let short = k.saturating_mul(m.saturating_add(n)) <= m.saturating_mul(n);
        if !(std::ptr::eq(def, &BATCH_MATMUL) && short) {
            return None;
        }
        let node = a.node();
        let swaps = node.def().is_some_and(|d| std::ptr::eq(d, &TRANSPOSE))
            && attr::<Axes>(node.attrs.first()).is_ok_and(|axes| axes.0.as_deref() == Some(&[1, 0]));
        let left = match node.inputs.first() {
            Some(&v) if swaps => x.graph().tensor(v),
            _ => swapped(a),
        };
        Some(Short { left, right: b })
    }
}

/// Joined operands are together at most so many times as large as the result: they all wait for the last of them.
const JOINED: usize = 8;

/// What adds up to the same: products of two matrices over short axes, of one shape, are one over their axes joined, in place of the
/// first of them, or a few if they are many. It writes and reads one result, where they do one each, and copies operands that are
/// smaller.
pub(crate) fn joined_products<'g>(terms: &[Tensor<'g>]) -> SmallVec<[Tensor<'g>; 2]> {
    type Group<'g> = (usize, SmallVec<[Short<'g>; 2]>, usize);
    let elements = |t: Tensor<'g>| t.known_shape().map_or(0, |dims| shape::count(&dims));
    let mut out: SmallVec<[Tensor<'g>; 2]> = SmallVec::new();
    let mut groups: SmallVec<[Group<'g>; 2]> = SmallVec::new();
    for &x in terms {
        let Some(product) = Short::of(x) else {
            out.push(x);
            continue;
        };
        let alike = |at: usize| out.get(at).is_some_and(|y| y.dims() == x.dims() && y.dtype() == x.dtype());
        let (size, most) = (elements(product.left) + elements(product.right), JOINED * elements(x));
        match groups.iter_mut().find(|(at, _, joined)| alike(*at) && joined + size <= most) {
            Some((_, products, joined)) => {
                products.push(product);
                *joined += size;
            }
            None => {
                groups.push((out.len(), SmallVec::from_iter([product]), size));
                out.push(x);
            }
        }
    }
    for (at, products, _) in groups.iter().filter(|(_, products, _)| products.len() > 1) {
        let left: Vec<_> = products.iter().map(|p| p.left).collect();
        let right: Vec<_> = products.iter().map(|p| p.right).collect();
        if let Some(x) = out.get_mut(*at) {
            *x = batch_matmul(swapped(concat(&left, 0)), concat(&right, 0));
        }
    }
    out
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
    kernel Kernel::Call(CallKernel {
        run: |c| {
            let ([a, b], [y]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
            let (lead, scratch) = (&y.dims()[..y.dims().len().saturating_sub(2)], &mut *c.scratch);
            with_lead(*a, lead, 2, |a| with_lead(*b, lead, 2, |b| kernels::matmul::matmul(c.ranges, a, b, scratch, y)))
        },
        scratch: |avals, _| {
            let lengths = |i: usize| avals.get(i).and_then(|a| Some((a.dtype, a.dims()?)));
            lengths(0).zip(lengths(1)).map_or(0, |((dtype, a), (_, b))| kernels::matmul::scratch_bytes(dtype, &a, &b))
        },
        fallible: false,
        spares: &[],
    });
    support Contracted(contracted);
    vjp(g) { a: batch_matmul(g, swapped(b)), b: batch_matmul(swapped(a), g) }
    batch Leading(2);
    cost |c| 2.0 * c.size() * c.lengths(0).last().map_or(0.0, |&k| k as f64);
    numpy "np.matmul(a, b)";
    example "T.batch_matmul([[[1, 0]], [[0, 1]]], [[5], [7]])[..., 0]" => "[[5]\n [7]]";
    rounds by_layout;
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
    linalg matmul;
    rounds by_layout;
    case real[2, 3], real[3, 4];
    case real[3], real[3, 4];
    case real[2, 3], real[3];
    case real[3], real[3];
    case real[3], real[2, 3, 2];
    refuses f64[2, 3], f64[4, 5] => "matmul: inner dimensions differ. Got (2, 3) and (4, 5); expected a.shape[-1] == b.shape[-2].";
    refuses f64[], f64[2, 2] => "matmul: a 0-d array is not a matrix. Got () and (2, 2); expected at least one axis each.";
    refuses f64[2, 2, 3], f64[3, 3, 2] => "matmul: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}

row! {
    /// Product of matrices and vectors: `(..., m, n)` and `(..., n)` give `(..., m)`, with broadcasting over the other axes.
    ///
    /// Gradient: as for `batch_matmul`.
    pub MATVEC = fn matvec(a: value, b: value) -> y
    body {
        let (2.., [.., n], Some(m)) = (a.ndim(), b.dims(), a.dims().last()) else {
            return Err(Error::new(ErrorKind::Shape, "matvec", "an operand has too few axes", format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims())), "shapes (..., m, n) and (..., n)"));
        };
        if m.unify(*n).is_none() {
            return Err(Error::new(ErrorKind::Shape, "matvec", "inner dimensions differ", format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims())), "a.shape[-1] == b.shape[-1]"));
        }
        squeeze(batch_matmul(a, expand_dims(b, -1i64)), -1i64)
    }
    numpy "np.matvec(a, b)";
    example "T.matvec([[1, 2], [3, 4]], [[10, 1], [0, 1]])" => "[[12 34]\n [ 2  4]]";
    rounds by_layout;
    case real[2, 3], real[3];
    case real[4, 2, 3], real[4, 3];
    case real[2, 3], real[4, 3];
    refuses f64[2], f64[2] => "matvec: an operand has too few axes. Got (2,) and (2,); expected shapes (..., m, n) and (..., n).";
    refuses f64[2, 3], f64[2] => "matvec: inner dimensions differ. Got (2, 3) and (2,); expected a.shape[-1] == b.shape[-1].";
    refuses f64[2, 2, 3], f64[3, 3] => "matvec: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}

row! {
    /// Product of vectors and matrices: `(..., n)` and `(..., n, m)` give `(..., m)`, with broadcasting over the other axes.
    ///
    /// Gradient: as for `batch_matmul`.
    pub VECMAT = fn vecmat(a: value, b: value) -> y
    body {
        let ([.., n], [.., m, _]) = (a.dims(), b.dims()) else {
            return Err(Error::new(ErrorKind::Shape, "vecmat", "an operand has too few axes", format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims())), "shapes (..., n) and (..., n, m)"));
        };
        if m.unify(*n).is_none() {
            return Err(Error::new(ErrorKind::Shape, "vecmat", "inner dimensions differ", format_args!("{} and {}", Tuple(a.dims()), Tuple(b.dims())), "a.shape[-1] == b.shape[-2]"));
        }
        squeeze(batch_matmul(expand_dims(a, -2i64), b), -2i64)
    }
    numpy "np.vecmat(a, b)";
    example "T.vecmat([[10, 1], [0, 1]], [[1, 2], [3, 4]])" => "[[13 24]\n [ 3  4]]";
    rounds by_layout;
    case real[3], real[3, 2];
    case real[4, 3], real[4, 3, 2];
    case real[4, 3], real[3, 2];
    refuses f64[2], f64[2] => "vecmat: an operand has too few axes. Got (2,) and (2,); expected shapes (..., n) and (..., n, m).";
    refuses f64[2], f64[3, 2] => "vecmat: inner dimensions differ. Got (2,) and (3, 2); expected a.shape[-1] == b.shape[-2].";
    refuses f64[2, 3], f64[3, 3, 2] => "vecmat: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}

/// The sum of products over pairs of axes, of equal lengths: the other axes of `a`, then those of `b`.
fn over<'g>(op: &str, mut a: Tensor<'g>, mut b: Tensor<'g>, pairs: &[(usize, usize)]) -> Result<Tensor<'g>> {
    if a.ndim() + b.ndim() > LABELS {
        let got = format_args!("{} and {}", a.ndim(), b.ndim());
        return Err(Error::new(ErrorKind::Shape, op, "there are too many axes", got, format_args!("at most {LABELS} together")));
    }
    for &(i, j) in pairs {
        let length = |t: Tensor<'g>, i: usize| t.dims().get(i).copied().unwrap_or(Dim::Known(1));
        if length(a, i).unify(length(b, j)).is_none() {
            let got = format_args!("axis {i} of {} and axis {j} of {}", Tuple(a.dims()), Tuple(b.dims()));
            return Err(Error::new(ErrorKind::Shape, op, "lengths differ", got, "equal lengths"));
        }
        a = matched(a, i, b, j, false);
        b = matched(b, j, a, i, false);
    }
    let own = |j: usize| pairs.iter().find(|p| p.1 == j).map_or(a.ndim() + j, |p| p.0) as Label;
    let left = Indexed::new(a, 0..a.ndim() as Label);
    let right = Indexed::new(b, (0..b.ndim()).map(own));
    let free = |t: &Indexed<'g>, other: &Indexed<'g>| t.labels.iter().copied().filter(|l| !other.labels.contains(l)).collect::<Vec<_>>();
    let out: Vec<Label> = free(&left, &right).into_iter().chain(free(&right, &left)).collect();
    contract(vec![left, right], &out)
}

row! {
    /// NumPy's `dot`: the sum of products over the last axis of `a` and the last but one of `b`, or its only one; the result has the
    /// other axes of `a`, then those of `b`. For matrices it is `a @ b`; arrays of more axes do not go in pairs, as those of `matmul` do.
    /// A 0-d array multiplies.
    ///
    /// Gradient: as for `tensordot`.
    pub DOT = fn dot(a: value, b: value) -> y
    body {
        match (a.ndim(), b.ndim()) {
            (0, _) | (_, 0) => product(a, b),
            (n, m) => over("dot", a, b, &[(n - 1, m.saturating_sub(2))])?,
        }
    }
    numpy "np.dot(a, b)";
    example "T.dot([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0])" => "[12. 34.]";
    method dot;
    rounds by_layout;
    case real[3], real[3];
    case real[2, 3], real[3, 4];
    case real[2, 3], real[3];
    case real[3], real[3, 2];
    case real[2, 2, 3], real[2, 3, 4];
    case real[], real[2, 3];
    refuses f64[2, 3], f64[2, 3] => "dot: lengths differ. Got axis 1 of (2, 3) and axis 0 of (2, 3); expected equal lengths.";
    refuses f64[3], f64[1] => "dot: lengths differ. Got axis 0 of (3,) and axis 0 of (1,); expected equal lengths.";
}

row! {
    /// NumPy's `inner`: the sum of products over the last axes of both; the result has the other axes of `a`, then those of `b`. A 0-d
    /// array multiplies.
    ///
    /// Gradient: as for `tensordot`.
    pub INNER = fn inner(a: value, b: value) -> y
    body {
        match (a.ndim(), b.ndim()) {
            (0, _) | (_, 0) => product(a, b),
            (n, m) => over("inner", a, b, &[(n - 1, m - 1)])?,
        }
    }
    numpy "np.inner(a, b)";
    example "T.inner([[1, 2], [3, 4]], [[1, 0], [0, 1], [1, 1]])" => "[[1 2 3]\n [3 4 7]]";
    rounds by_layout;
    case real[3], real[3];
    case real[2, 3], real[4, 3];
    case real[2, 2, 3], real[3];
    case real[2], real[];
    refuses f64[2, 3], f64[3, 2] => "inner: lengths differ. Got axis 1 of (2, 3) and axis 1 of (3, 2); expected equal lengths.";
}

row! {
    /// The sum of the products of all elements, in C order whatever the shapes: both have equally many.
    ///
    /// Gradient: `g * b` and `g * a`, under their shapes.
    pub VDOT = fn vdot(a: value, b: value) -> y
    body {
        if let (Some(m), Some(n)) = (a.known_shape(), b.known_shape())
            && shape::count(&m) != shape::count(&n)
        {
            return Err(Error::new(ErrorKind::Shape, "vdot", "the numbers of elements differ", format_args!("{} and {}", Tuple(&m), Tuple(&n)), "equally many elements"));
        }
        over("vdot", reshape(a, [-1]), reshape(b, [-1]), &[(0, 0)])?
    }
    numpy "np.vdot(a, b)";
    example "T.vdot([[1, 2], [3, 4]], [1, 10, 100, 1000])" => "4321";
    case real[3], real[3];
    case real[2, 3], real[3, 2];
    case real[], real[1, 1];
    refuses f64[2, 3], f64[5] => "vdot: the numbers of elements differ. Got (2, 3) and (5,); expected equally many elements.";
}

row! {
    /// The sum of products over pairs of axes, of equal lengths: the first of `a_axes` goes with the first of `b_axes`, and so on. The
    /// result has the other axes of `a`, then those of `b`.
    ///
    /// Gradient: the products of `g` with the other operand over the axes that this one has not.
    pub TENSORDOT = fn tensordot(a: value, b: value; a_axes: Axes, b_axes: Axes) -> y
    body {
        let list = |axes: &Axes, ndim: usize| -> Result<Vec<usize>> {
            // For the error of an axis that is named twice.
            shape::axes("tensordot", axes.0.as_deref(), ndim)?;
            match &axes.0 {
                Some(list) => list.iter().map(|&i| shape::axis("tensordot", i, ndim)).collect(),
                None => Ok((0..ndim).collect()),
            }
        };
        let (i, j) = (list(&a_axes, a.ndim())?, list(&b_axes, b.ndim())?);
        if i.len() != j.len() {
            return Err(Error::new(ErrorKind::Shape, "tensordot", "the axes do not pair", format_args!("{} of a and {} of b", Tuple(&i), Tuple(&j)), "equally many axes"));
        }
        over("tensordot", a, b, &i.into_iter().zip(j).collect::<Vec<_>>())?
    }
    numpy "ref.tensordot(a, b, a_axes, b_axes)";
    linalg tensordot;
    by hand;
    rounds by_layout;
    case real[2, 3], real[3, 4] with a_axes = [1], b_axes = [0];
    case real[2, 3, 4], real[4, 5, 3] with a_axes = [1, -1], b_axes = [2, 0];
    case real[2, 3, 4], real[3, 2] with a_axes = [0, 1], b_axes = [1, 0];
    case real[2], real[3] with a_axes = Axes(Some([].into())), b_axes = Axes(Some([].into()));
    case real[2, 3], real[2, 3] with a_axes = (), b_axes = ();
    refuses f64[2, 3], f64[3, 4] with a_axes = [1, 0], b_axes = [0] => "tensordot: the axes do not pair. Got (1, 0) of a and (0,) of b; expected equally many axes.";
    refuses f64[2, 3], f64[3, 4] with a_axes = [0], b_axes = [0] => "tensordot: lengths differ. Got axis 0 of (2, 3) and axis 0 of (3, 4); expected equal lengths.";
    refuses f64[2, 1], f64[3, 4] with a_axes = [1], b_axes = [0] => "tensordot: lengths differ. Got axis 1 of (2, 1) and axis 0 of (3, 4); expected equal lengths.";
    refuses f64[2, 2], f64[2, 2] with a_axes = [1, -1], b_axes = [0, 1] => "tensordot: an axis is named twice. Got (1, -1); expected distinct axes.";
    refuses f64[2, 3], f64[3, 4] with a_axes = [2], b_axes = [0] => "tensordot: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}

/// The sum of products over pairs of axes, of equal lengths: the first of `a_axes` goes with the first of `b_axes`, and so on. The
/// result has the other axes of `a`, then those of `b`. `()` stands for all axes, and `&[-2, -1], &[0, 1]` for what NumPy means by
/// `axes=2`.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
///
/// run(|ctx| {
///     let a = ctx.placeholder("a", &[2, 3, 4]);
///     let b = ctx.placeholder("b", &[4, 5, 3]);
///     assert_eq!(T::tensordot(a, b, &[1, 2], &[2, 0]).known_shape().unwrap()[..], [2, 5]);
/// });
/// ```
#[track_caller]
pub fn tensordot<'g>(a: impl AsTensor<'g>, b: impl Operand<'g>, a_axes: impl IntoAttr<Axes>, b_axes: impl IntoAttr<Axes>) -> Tensor<'g> {
    apply(&TENSORDOT, &[Arg::from(a.tensor()), b.arg()], &[a_axes.into_attr().pack(), b_axes.into_attr().pack()])
}
