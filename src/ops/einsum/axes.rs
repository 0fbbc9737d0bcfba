//! Rows that products of several axes are made of: diagonals, and lengths that must meet.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::Attr;
use crate::graph::op::{Batched, Cotangent, Kernel, Lowered, OpDef};
use crate::kernels;
use crate::ops::batch;
use crate::ops::broadcast::BROADCAST_TO;
use crate::ops::movement::dims_attr;
use crate::ops::rules::unbroadcast;
use crate::ops::unpack::attr;
use crate::shape::{self, Aval, Dim, Shape, Tuple, broadcast};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&MAIN_DIAGONAL, &ON_DIAGONAL, &MATCH_AXIS];

/// Two axes as indices, which differ.
fn two_axes(op: &str, a: i64, b: i64, ndim: usize) -> Result<(usize, usize)> {
    let (i, j) = (shape::axis(op, a, ndim)?, shape::axis(op, b, ndim)?);
    if i == j {
        return Err(Error::new(ErrorKind::Shape, op, "an axis is named twice", Tuple(&[a, b]), "distinct axes"));
    }
    Ok((i, j))
}

row! {
    /// The elements of `x` whose places along two axes of one length are equal: the first axis walks the diagonal, the second
    /// one is dropped.
    ///
    /// Gradient: `g` on the diagonal of zeros.
    pub(crate) MAIN_DIAGONAL = fn main_diagonal(x: any; axis1: i64 = 0, axis2: i64 = 1) -> y
    shape(c) {
        let (i, j) = two_axes(c.op, axis1, axis2, x.ndim())?;
        let length = |i: usize| x.shape.get(i).copied().unwrap_or(Dim::Known(1));
        let Some(n) = length(i).unify(length(j)) else {
            return c.shape_error("the axes differ in length", format_args!("axes {i} and {j} of {}", Tuple(&x.shape)), "equal lengths");
        };
        let all = x.shape.iter().enumerate().map(|(k, &d)| if k == i { n } else { d });
        let shape: Shape = all.enumerate().filter(|(k, _)| *k != j).map(|(_, d)| d).collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|_, strides, attrs, _| {
        let (i, j) = two_axes("main_diagonal", attr(attrs.first()).ok()?, attr(attrs.get(1)).ok()?, strides.len()).ok()?;
        let step = strides.get(j).copied()?;
        let all = strides.iter().enumerate().map(|(k, &s)| if k == i { s.wrapping_add(step) } else { s });
        Some((0, all.enumerate().filter(|(k, _)| *k != j).map(|(_, s)| s).collect()))
    });
    support Placed;
    vjp(g) { x: match two_axes("main_diagonal", axis1, axis2, x.ndim()) {
        Ok((i, j)) => Cotangent::from(on_diagonal(g, (i - usize::from(i > j)) as i64, j as i64)),
        Err(_) => Cotangent::Zero,
    } }
    batch Axes;
    numpy "ref.main_diagonal(x, axis1, axis2)";
    case real[3, 3];
    case real[2, 3, 4, 3] with axis1 = 1, axis2 = -1;
    case real[3, 2, 3] with axis1 = 2, axis2 = 0;
    refuses f64[2, 3] => "main_diagonal: the axes differ in length. Got axes 0 and 1 of (2, 3); expected equal lengths.";
    refuses f64[2, 2] with axis2 = -2 => "main_diagonal: an axis is named twice. Got (0, -2); expected distinct axes.";
    refuses f64[2] => "main_diagonal: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

row! {
    /// Zeros with `g` on a diagonal: a new axis at `at`, as long as `axis` is in `g`, and elements where the places along both are
    /// equal. The adjoint of [`MAIN_DIAGONAL`].
    ///
    /// Gradient: the diagonal of the cotangent.
    pub(crate) ON_DIAGONAL = fn on_diagonal(g: any; axis: i64 = 0, at: i64 = 1) -> y
    shape(c) {
        let (i, at) = (shape::axis(c.op, axis, g.ndim())?, shape::axis(c.op, at, g.ndim() + 1)?);
        let mut shape = g.shape.clone();
        shape.insert(at, g.shape.get(i).copied().unwrap_or(Dim::Known(1)));
        Ok(smallvec![Aval { dtype: g.dtype, shape }])
    };
    kernel call!(false, |[g] -> [y], c| {
        let at = shape::axis(c.op, attr(c.attrs.get(1))?, y.dims().len())?;
        kernels::movement::diagonal_into(c.ranges, *g, shape::axis(c.op, attr(c.attrs.first())?, g.dims().len())?, at, y)
    });
    support Moved;
    vjp(cotangent) { g: match (shape::axis("on_diagonal", axis, g.ndim()), shape::axis("on_diagonal", at, g.ndim() + 1)) {
        (Ok(i), Ok(at)) => Cotangent::from(main_diagonal(cotangent, i + usize::from(i >= at), at)),
        _ => Cotangent::Zero,
    } }
    batch Rule(diagonal_behind);
    numpy "ref.on_diagonal(g, axis, at)";
    case real[3];
    case real[2, 3, 4] with axis = 1, at = -1;
    case real[2, 3] with axis = 1, at = 0;
    refuses f64[2] with axis = 1 => "on_diagonal: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2] with at = 2 => "on_diagonal: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}

/// [`ON_DIAGONAL`] with an axis in front.
fn diagonal_behind<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let (op, ndim) = (ON_DIAGONAL.name, b.single(0).ndim());
    let axis = shape::axis(op, attr(b.node.attrs.first())?, ndim)?;
    let at = shape::axis(op, attr(b.node.attrs.get(1))?, ndim + 1)?;
    batch::applied(b, b.inputs, &[axis + 1, at + 1].map(|i| Attr::Int(i as i64)))
}

row! {
    /// `x` with the length that an axis of `like`, of which only the shape is used, has: an error where it has another one. With
    /// `repeat` either length may be 1, and `x` is repeated where its own is.
    ///
    /// Gradient: the sum of `g` over the axis, if it was repeated.
    pub(crate) MATCH_AXIS = fn match_axis(x: any, like: any; axis: i64 = 0, of: i64 = 0, repeat: bool = false) -> y
    shape(c) {
        let (i, j) = (shape::axis(c.op, axis, x.ndim())?, shape::axis(c.op, of, like.ndim())?);
        let length = |a: &Aval, i: usize| a.shape.get(i).copied().unwrap_or(Dim::Known(1));
        let (own, other) = (length(x, i), length(like, j));
        let joined = if repeat { broadcast(c.op, &[own], &[other], c.fresh).ok().and_then(|s| s.first().copied()) } else { other.unify(own) };
        let Some(n) = joined else {
            let got = format_args!("axis {i} of {} and axis {j} of {}", Tuple(&x.shape), Tuple(&like.shape));
            return c.shape_error("lengths differ", got, if repeat { "equal lengths, or 1" } else { "equal lengths" });
        };
        let shape = x.shape.iter().enumerate().map(|(k, &d)| if k == i { n } else { d }).collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&BROADCAST_TO, vec![dims_attr(c.output)])]));
    support Summed;
    vjp(g) { x: unbroadcast(g, x), like: Cotangent::Zero }
    batch Rule(batch::first_along);
    numpy "ref.match_axis(x, like, axis, of, repeat)";
    case real[2, 3], real[3, 4] with axis = -1;
    case real[2, 1], real[3] with axis = 1, repeat = true;
    refuses f64[2, 3], f64[4] with axis = 1 => "match_axis: lengths differ. Got axis 1 of (2, 3) and axis 0 of (4,); expected equal lengths.";
    refuses f64[2, 1], f64[4] with axis = 1 => "match_axis: lengths differ. Got axis 1 of (2, 1) and axis 0 of (4,); expected equal lengths.";
    refuses f64[2], f64[4] with repeat = true => "match_axis: lengths differ. Got axis 0 of (2,) and axis 0 of (4,); expected equal lengths, or 1.";
    refuses f64[2], f64[] => "match_axis: axis is out of range. Got axis=0 for 0 dimensions; expected no axis for a 0-d array.";
}

/// `x`, whose axis must have the length of an axis of `like`; where lengths are not known, the run checks them. A known length is
/// checked where `like` is brought to it.
pub(in crate::ops) fn matched<'g>(x: Tensor<'g>, axis: usize, like: Tensor<'g>, of: usize, repeat: bool) -> Tensor<'g> {
    let (own, other) = (x.dims().get(axis), like.dims().get(of));
    let settled = own.and_then(|d| d.known()).is_some_and(|n| !repeat || n != 1);
    if settled || own == other { x } else { match_axis(x, like, axis, of, repeat) }
}
