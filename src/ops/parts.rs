//! Arrays of zeros to which parts are added, as the adjoints of slices and of choosing by index make them: many of one shape are
//! one.

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::graph::attr::{Slice, Slices};
use crate::graph::op::OpDef;
use crate::graph::{Node, NodeOp, Tensor};
use crate::ops::broadcast::{BROADCAST_LIKE, BROADCAST_TO, broadcast_like};
use crate::ops::index::{ADD_AT, GATHER_AT, add_at};
use crate::ops::movement::REPEATED;
use crate::ops::slice::{ADD_SLICES, SLICE, add_slices, zeros_of};
use crate::ops::unpack::attr;

/// Zeros and the parts that are added to them, in order.
pub(crate) struct Parts<'g> {
    zeros: Tensor<'g>,
    places: Places<'g>,
    parts: SmallVec<[Tensor<'g>; 2]>,
}

/// Where the parts are.
enum Places<'g> {
    /// In slices, one an axis for each part.
    Slices(Vec<Slice>),
    /// At places along an axis, which is counted from the start.
    At(usize, SmallVec<[Tensor<'g>; 2]>),
}

fn is(node: &Node, def: &'static OpDef) -> bool {
    node.def().is_some_and(|d| std::ptr::eq(d, def))
}

/// True for a repeated literal 0.
fn is_zero(mut t: Tensor<'_>) -> bool {
    loop {
        let node = t.node();
        match (&node.op, node.inputs.first()) {
            (NodeOp::Scalar(s), _) => return s.as_f64() == 0.0 && s.as_f64().is_sign_positive(),
            (_, Some(&x)) if [&BROADCAST_TO, &BROADCAST_LIKE, &REPEATED].iter().any(|def| is(node, def)) => t = t.graph().tensor(x),
            _ => return false,
        }
    }
}

fn axis_of(node: &Node, ndim: usize) -> usize {
    attr::<i64>(node.attrs.first()).map_or(0, |a| a.rem_euclid(ndim.max(1) as i64) as usize)
}

impl<'g> Parts<'g> {
    /// The parts of a tensor that is such an array.
    pub(crate) fn of(t: Tensor<'g>) -> Option<Parts<'g>> {
        let (node, graph) = (t.node(), t.graph());
        let mut inputs = node.inputs.iter().map(|&v| graph.tensor(v));
        let zeros = inputs.next()?;
        let slices = is(node, &ADD_SLICES);
        if !(slices || is(node, &ADD_AT)) || !is_zero(zeros) {
            return None;
        }
        if slices {
            let slices = attr::<Slices>(node.attrs.first()).ok()?;
            return Some(Parts { zeros, places: Places::Slices(slices.0.into_vec()), parts: inputs.collect() });
        }
        let (mut at, mut parts) = (SmallVec::new(), SmallVec::new());
        while let (Some(places), Some(part)) = (inputs.next(), inputs.next()) {
            at.push(places);
            parts.push(part);
        }
        Some(Parts { zeros, places: Places::At(axis_of(node, zeros.ndim()), at), parts })
    }

    /// True if the parts of both can be added to one array.
    pub(crate) fn goes_with(&self, other: &Parts<'g>) -> bool {
        let alike = match (&self.places, &other.places) {
            (Places::Slices(_), Places::Slices(_)) => true,
            (Places::At(a, _), Places::At(b, _)) => a == b,
            _ => false,
        };
        alike && self.zeros.is(&other.zeros)
    }

    /// Adds the parts of another one, behind the own ones.
    pub(crate) fn extend(&mut self, other: Parts<'g>) {
        self.parts.extend(other.parts);
        match (&mut self.places, other.places) {
            (Places::Slices(own), Places::Slices(more)) => own.extend(more),
            (Places::At(_, own), Places::At(_, more)) => own.extend(more),
            _ => {}
        }
    }

    /// The array.
    #[track_caller]
    pub(crate) fn sum(&self) -> Tensor<'g> {
        let mut xs = vec![self.zeros];
        match &self.places {
            Places::Slices(slices) => {
                xs.extend(&self.parts);
                add_slices(&xs, Slices(slices.as_slice().into()))
            }
            Places::At(axis, places) => {
                xs.extend(places.iter().zip(&self.parts).flat_map(|(p, x)| [*p, *x]));
                add_at(&xs, *axis)
            }
        }
    }

    /// True if this is what the rule of `node` makes of a cotangent.
    pub(crate) fn is_adjoint_of(&self, node: &Node) -> bool {
        match (&self.places, &self.parts[..]) {
            (Places::Slices(own), [_]) if is(node, &SLICE) => attr::<Slices>(node.attrs.first()).is_ok_and(|s| {
                let all = s.0.iter().copied().chain(std::iter::repeat(Slice::ALL));
                s.0.len() <= own.len() && own.iter().copied().eq(all.take(own.len()))
            }),
            (Places::At(axis, own), [_]) if is(node, &GATHER_AT) => {
                *axis == axis_of(node, self.zeros.ndim()) && own.iter().map(|p| p.value()).eq(node.inputs.iter().copied().skip(1))
            }
            _ => false,
        }
    }

    /// Bools in the places of one part: true where `mask` is, which broadcasts to the part.
    pub(crate) fn masked(mut self, mask: Tensor<'g>) -> Parts<'g> {
        self.zeros = zeros_of(self.zeros, DType::Bool);
        self.parts = self.parts.iter().map(|&p| broadcast_like(mask, p)).collect();
        self
    }
}
