//! The row that products are made of where lengths are not known: an axis that must be as long as another one.

use smallvec::smallvec;

use crate::graph::Tensor;
use crate::graph::op::{Cotangent, Kernel, Lowered, OpDef};
use crate::ops::batch;
use crate::ops::broadcast::BROADCAST_TO;
use crate::ops::movement::dims_attr;
use crate::ops::rules::unbroadcast;
use crate::shape::{self, Aval, Dim, Tuple, broadcast};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&MATCH_AXIS];

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
