//! Repeating along axes, and its adjoint.

use smallvec::smallvec;

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::{Attr, AttrType, Axes, Ints};
use crate::graph::op::{Cotangent, Infer, Kernel, Lowered, OpDef};
use crate::ops::apply::apply;
use crate::ops::batch;
use crate::ops::movement::{RESHAPE, dims_attr, known_attr};
use crate::ops::reduce::{REDUCE_SUM, in_turn, reduce_sum};
use crate::ops::rules::{shaped_like, unbroadcast};
use crate::shape::{Aval, Dim, Strides, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&BROADCAST_TO, &BROADCAST_LIKE, &SUM_TO];

/// Strides of a view that repeats an operand to the lengths `out`.
pub(crate) fn broadcast_strides(dims: &[usize], strides: &[isize], out: &[usize]) -> Strides {
    let lead = out.len().saturating_sub(dims.len());
    let own = dims.iter().zip(strides).zip(out.iter().skip(lead));
    std::iter::repeat_n(0, lead).chain(own.map(|((&n, &s), &m)| if n == 1 && m != 1 { 0 } else { s })).collect()
}

row! {
    /// `x` repeated to `shape`.
    ///
    /// Gradient: the sum of `g` over the axes that were repeated.
    pub BROADCAST_TO = fn broadcast_to(x: any; shape: Ints) -> y
    shape(c) {
        if shape.0.iter().any(|&n| n < 0) {
            return c.shape_error("a length is negative", Tuple(&shape.0), "lengths >= 0");
        }
        let wanted = Aval::new(x.dtype, shape.0.iter().map(|&n| Dim::Known(n as usize)));
        check_repeats(c, x, &wanted)?;
        Ok(smallvec![wanted])
    };
    kernel Kernel::View(|dims, strides, _, out| Some((0, broadcast_strides(dims, strides, out))));
    support Summed;
    vjp(g) { x: unbroadcast(g, x) }
    batch Rule(batch::broadcast_to);
    numpy "np.broadcast_to(x, shape)";
    example "T.broadcast_to([[1], [2]], (2, 3))" => "[[1 1 1]\n [2 2 2]]";
    case real[3] with shape = [2, 3];
    case real[2, 1, 3] with shape = [2, 4, 3];
    case real[] with shape = [2, 2];
    refuses f64[2, 3] with shape = [4] => "broadcast_to: the array does not fit the shape. Got (2, 3) for (4,); expected lengths equal to the shape's, or 1.";
    refuses f64[3] with shape = [1] => "broadcast_to: the array does not fit the shape. Got (3,) for (1,); expected lengths equal to the shape's, or 1.";
}

/// True unless an array of shape `from` is known not to repeat to the shape `to`.
pub(crate) fn repeats_to(from: &[Dim], to: &[Dim]) -> bool {
    let own = to.iter().skip(to.len().saturating_sub(from.len()));
    from.len() <= to.len() && from.iter().zip(own).all(|(a, b)| *a == Dim::Known(1) || a.unify(*b).is_some())
}

/// An error unless `x` can be repeated to the shape of `like`; lengths that are not known yet are checked when they are.
fn check_repeats(c: &Infer<'_>, x: &Aval, like: &Aval) -> Result<()> {
    if repeats_to(&x.shape, &like.shape) {
        return Ok(());
    }
    let got = format!("{} for {}", Tuple(&x.shape), Tuple(&like.shape));
    c.shape_error("the array does not fit the shape", got, "lengths equal to the shape's, or 1")
}

row! {
    /// `x` repeated to the shape of `like`, of which only the shape is used.
    ///
    /// Gradient: the sum of `g` over the axes that were repeated.
    pub(crate) BROADCAST_LIKE = fn broadcast_like(x: any, like: any) -> y
    shape(c) {
        check_repeats(c, x, like)?;
        Ok(smallvec![Aval { dtype: x.dtype, shape: like.shape.clone() }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&BROADCAST_TO, vec![dims_attr(c.output)])]));
    support Summed;
    vjp(g) { x: unbroadcast(g, x), like: Cotangent::Zero }
    batch Rule(batch::broadcast_like);
    numpy "np.broadcast_to(x, like.shape)";
    by hand;
    case real[3], real[2, 3];
    refuses f64[2, 3], f64[3] => "broadcast_like: the array does not fit the shape. Got (2, 3) for (3,); expected lengths equal to the shape's, or 1.";
}

/// `x` repeated to the shape of `like`; only the shape of `like` is used, and where it is known not even that.
#[track_caller]
pub fn broadcast_like<'g>(x: Tensor<'g>, like: Tensor<'g>) -> Tensor<'g> {
    if x.dims() == like.dims() {
        return x;
    }
    match known_attr(like) {
        Some(dims) => broadcast_to(x, dims),
        None => apply(&BROADCAST_LIKE, &[x.into(), like.into()], &[]),
    }
}

/// The axes over which `from` was repeated to be of shape `to`.
fn repeated_axes(from: &[Dim], to: &[Dim]) -> Vec<usize> {
    let lead = to.len().saturating_sub(from.len());
    let own = to.iter().skip(lead).zip(from).enumerate();
    (0..lead).chain(own.filter(|(_, (t, f))| **f == Dim::Known(1) && **t != Dim::Known(1)).map(|(i, _)| i + lead)).collect()
}

row! {
    /// The sum of `x` over the axes along which `like`, of which only the shape is used, is repeated to the shape of `x`.
    ///
    /// Gradient: `g` repeated to the shape of `x`.
    pub(crate) SUM_TO = fn sum_to(x: any, like: any) -> y
    shape(c) {
        check_repeats(c, like, x)?;
        Ok(smallvec![Aval { dtype: x.dtype, shape: like.shape.clone() }])
    };
    kernel Kernel::Lower(|c| {
        let from = c.inputs.first().map_or(&[][..], |a| &a.shape);
        let axes = repeated_axes(&c.output.shape, from);
        let sums = in_turn(&axes, from.len());
        let keepdims = sums.len() > 1;
        let sum = |axes: Vec<i64>| (&REDUCE_SUM, vec![Axes(Some(axes.into())).pack(), Attr::Bool(keepdims)]);
        let mut chain: Vec<_> = sums.into_iter().map(sum).collect();
        chain.push((&RESHAPE, vec![dims_attr(c.output)]));
        Lowered::Chain(chain)
    });
    support Repeated(repeated);
    vjp(g) { x: broadcast_like(g, x), like: Cotangent::Zero }
    batch Rule(batch::sum_to);
    numpy "ref.sum_to(x, like)";
    by hand;
    case real[2, 3], real[3];
    case real[4, 2, 3], real[2, 1];
    refuses f64[2, 3], f64[2] => "sum_to: the array does not fit the shape. Got (2,) for (2, 3); expected lengths equal to the shape's, or 1.";
}

/// The sum of `x` over the axes along which `like` is repeated to the shape of `x`: the adjoint of a broadcast.
#[track_caller]
pub fn sum_to<'g>(x: Tensor<'g>, like: Tensor<'g>) -> Tensor<'g> {
    let known = x.dims().iter().chain(like.dims()).all(|d| d.known().is_some());
    if !known {
        return apply(&SUM_TO, &[x.into(), like.into()], &[]);
    }
    let axes = repeated_axes(like.dims(), x.dims());
    let sums = in_turn(&axes, x.ndim());
    let keepdims = sums.len() > 1;
    let sum = sums.into_iter().fold(x, |x, axes| reduce_sum(x, axes, keepdims));
    shaped_like(sum, like)
}
