//! The places along an axis as numbers, and an axis that must have a given length.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::Attr;
use crate::graph::op::{Cotangent, Domain, Kernel, Lowered, OpDef};
use crate::graph::{Graph, Tensor};
use crate::kernels;
use crate::ops::apply::{apply, apply_in};
use crate::ops::samples::{bad, case};
use crate::ops::unpack::arity;
use crate::shape::{self, Aval, Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&IOTA, &POSITIONS, &CHECK_LENGTH];

row! {
    /// The integers `0, 1, .. n - 1`, as `int64`.
    ///
    /// Gradient: none.
    pub(crate) IOTA = fn iota(; n: i64) -> y
    shape(c) {
        if n < 0 {
            return c.shape_error("a length is negative", n, "a length >= 0");
        }
        Ok(smallvec![Aval::new(DType::I64, [Dim::Known(n as usize)])])
    };
    kernel call!(false, |[] -> [y], c| kernels::places::iota(c.ranges, y));
    support Unknown;
    vjp(v) { ..vec![] }
    batch Same;
    numpy "np.arange(n)";
    by hand;
    exempt Batched: "it has no inputs";
    exempt First, Second: "it has no floating input, or no floating result";
    exempt Narrow: "it has no inputs";
    cases vec![case(Domain::Real, &[], vec![Attr::Int(5)]), case(Domain::Real, &[], vec![Attr::Int(0)])];
    bad vec![bad(&[], vec![Attr::Int(-1)], "iota: a length is negative. Got -1; expected a length >= 0.")];
}

/// The integers `0, 1, .. n - 1`.
#[track_caller]
pub(crate) fn iota(graph: &Graph, n: i64) -> Tensor<'_> {
    match apply_in(graph, &IOTA, &[], &[Attr::Int(n)]) {
        Ok(out) => out.first().copied().unwrap_or_else(|| graph.poison(arity("iota"))),
        Err(e) => graph.poison(e),
    }
}

row! {
    /// The places `0, 1, ..` along `axis` of `x`, of which only the shape is used, as `int64`.
    ///
    /// Gradient: none.
    pub(crate) POSITIONS = fn positions(x: any; axis: i64) -> y
    shape(c) {
        let axis = shape::axis(c.op, axis, x.ndim())?;
        Ok(smallvec![Aval::new(DType::I64, x.shape.get(axis).copied())])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&IOTA, vec![Attr::Int(c.output.shape.first().and_then(|d| d.known()).unwrap_or(0) as i64)])]));
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    batch Same;
    numpy "np.arange(x.shape[axis])";
    by hand;
    exempt First, Second: "it has no floating input, or no floating result";
    case real[2, 3] with axis = -1;
    refuses f64[2] with axis = 1 => "positions: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// The places along `axis` of `x`; where its length is known, not even the shape of `x` is used.
#[track_caller]
pub(crate) fn positions<'g>(x: Tensor<'g>, axis: usize) -> Tensor<'g> {
    match x.dims().get(axis).and_then(|d| d.known()) {
        Some(n) => iota(x.graph(), n as i64),
        None => apply(&POSITIONS, &[x.into()], &[Attr::Int(axis as i64)]),
    }
}

row! {
    /// `x` itself, of which `axis` has length `n`; an error where it has not.
    ///
    /// Gradient: `g`.
    pub(crate) CHECK_LENGTH = fn check_length(x: any; axis: i64, n: i64) -> y
    shape(c) {
        let axis = shape::axis(c.op, axis, x.ndim())?;
        let mut shape = x.shape.clone();
        match shape.get_mut(axis) {
            Some(d) if usize::try_from(n).ok().and_then(|n| d.unify(Dim::Known(n))).is_some() => *d = Dim::Known(n as usize),
            _ => return c.shape_error("an axis has another length", format_args!("axis {axis} of shape {}", Tuple(&x.shape)), format_args!("length {n}")),
        }
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|_, strides, _, _| Some((0, strides.into())));
    support Moved;
    vjp(g) { x: g }
    batch Axes;
    numpy "x";
    by hand;
    case real[2, 3] with axis = -1, n = 3;
    refuses f64[2, 3] with axis = 1, n = 4 => "check_length: an axis has another length. Got axis 1 of shape (2, 3); expected length 4.";
    refuses f64[2, 3] with axis = 2, n = 4 => "check_length: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}

/// `x`, of which `axis` has length `n`; where the length is not known, the run checks it.
#[track_caller]
pub(crate) fn check_length(x: Tensor<'_>, axis: usize, n: i64) -> Tensor<'_> {
    if x.dims().get(axis).and_then(|d| d.known()).is_some_and(|d| i64::try_from(d) == Ok(n)) {
        return x;
    }
    apply(&CHECK_LENGTH, &[x.into()], &[Attr::Int(axis as i64), Attr::Int(n)])
}

/// The length of `axis`; an error of `op` where it is known only at run time.
pub(crate) fn known_length(op: &str, x: Tensor<'_>, axis: usize) -> Result<usize> {
    x.dims().get(axis).and_then(|d| d.known()).ok_or_else(|| {
        let got = format_args!("axis {axis} of shape {}", Tuple(x.dims()));
        Error::new(ErrorKind::Shape, op, "a length is known only at run time", got, "a known length")
    })
}
