//! Movement: the same elements under another shape, order or dtype. Most of these are views and cost nothing.

use smallvec::{SmallVec, smallvec};

use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, AttrType, Axes, Ints, IntoAttr, Slice, Slices};
use crate::graph::op::{Body, CallKernel, Cotangent, Domain, Family, Kernel, Lowered, OpDef, Operands, Param, ParamKind, Primitive};
use crate::graph::{AsTensor, Tensor};
use crate::kernels;
use crate::ops::apply::{Arg, apply, cast};
use crate::ops::families::{self, attr, bad, case};
use crate::ops::reduce::{REDUCE_SUM, reduce_sum};
use crate::ops::rules::{shaped_like, unbroadcast};
use crate::shape::{self, Aval, Dim, Shape, Strides, Tuple, broadcast};

op! {
    /// `x` converted to `dtype`. Floats become integers by truncation; NaN becomes 0 and values beyond the ends the
    /// nearest end. Anything but 0 becomes true.
    ///
    /// Gradient: `g` converted back, between floating dtypes; none otherwise.
    CAST = fn cast(x; dtype: DType = DType::F64) -> (y);
    operands Any;
    infer(c) Ok(smallvec![Aval { dtype, shape: x.shape.clone() }]);
    kernel Kernel::Cast;
    family Elementwise;
    vjp(g) { x: if x.dtype().is_float() && y.dtype().is_float() { Cotangent::from(cast(g, x.dtype())) } else { Cotangent::Zero } }
    numpy "x.astype(dtype)";
    cases vec![case(Domain::Real, &[&[2, 3]], vec![Attr::DType(DType::F64)])];
    bad vec![];
}
op! {
    /// `x` itself, with a gradient of 0.
    STOP_GRADIENT = fn stop_gradient(x) -> (y);
    operands Any;
    infer(c) Ok(smallvec![x.clone()]);
    kernel Kernel::View(|_, strides, _, _| Some((0, strides.into())));
    family Movement;
    vjp(g) { x: Cotangent::Zero }
    numpy "x";
    cases vec![];
    bad vec![];
}
function! {
    /// `x` itself, with a gradient of 0; see [`STOP_GRADIENT`].
    STOP_GRADIENT = fn stop_gradient(x)
}

/// The strides of a view of `dims`, `strides` under the lengths `out`, in the same C order; `None` if there are none.
fn reshape_strides(dims: &[usize], strides: &[isize], out: &[usize]) -> Option<Strides> {
    if dims.contains(&0) || out.contains(&0) {
        return Some(shape::c_strides(out));
    }
    // Runs of axes that are contiguous among themselves, as (length, stride of the last).
    let mut runs: SmallVec<[(usize, isize); 4]> = SmallVec::new();
    for (&n, &s) in dims.iter().zip(strides).filter(|(n, _)| **n != 1) {
        match runs.last_mut() {
            Some((len, step)) if *step == s * n as isize => {
                *len *= n;
                *step = s;
            }
            _ => runs.push((n, s)),
        }
    }
    let mut result: Strides = SmallVec::from_elem(0, out.len());
    let mut runs = runs.into_iter().rev();
    let (mut left, mut step) = runs.next().unwrap_or((1, 1));
    for (s, &n) in result.iter_mut().zip(out).rev() {
        if n == 1 {
            *s = step;
            continue;
        }
        if left == 1 {
            (left, step) = runs.next()?;
        }
        if left % n != 0 {
            return None;
        }
        *s = step;
        left /= n;
        step *= n as isize;
    }
    Some(result)
}

/// The shape that a reshape asks for, with -1 worked out where all lengths are known.
fn reshape_shape(op: &str, x: &Aval, wanted: &[i64], fresh: &mut dyn FnMut() -> Dim) -> Result<Shape> {
    let fail = |what: &str, rule: String| {
        let got = format!("{} for an array of shape {}", Tuple(wanted), Tuple(&x.shape));
        Err(Error::new(ErrorKind::Shape, op, what, got, rule))
    };
    if wanted.iter().any(|&n| n < -1) || wanted.iter().filter(|&&n| n == -1).count() > 1 {
        return fail("the shape cannot be read", "lengths >= 0 and at most one -1".into());
    }
    let known: usize = wanted.iter().filter(|&&n| n != -1).map(|&n| n as usize).product();
    let rest = match x.dims().map(|d| shape::count(&d)) {
        None => None,
        Some(total) if !wanted.contains(&-1) => {
            if known != total {
                return fail("the number of elements differs", format!("{total} elements"));
            }
            Some(0)
        }
        Some(total) => {
            if known == 0 || total % known != 0 {
                return fail("the number of elements does not divide", format!("a divisor of {total} elements"));
            }
            Some(total / known)
        }
    };
    // A single unknown length of x that stays may be the -1: the symbol is kept.
    let unknown: SmallVec<[Dim; 2]> = x.shape.iter().copied().filter(|d| d.known().is_none()).collect();
    let others: usize = x.shape.iter().filter_map(|d| d.known()).product();
    let symbol = match unknown.as_slice() {
        [s] if others == known => Some(*s),
        _ => None,
    };
    Ok(wanted
        .iter()
        .map(|&n| match (n, rest, symbol) {
            (-1, Some(r), _) => Dim::Known(r),
            (-1, None, Some(s)) => s,
            (-1, None, None) => fresh(),
            (n, ..) => Dim::Known(n as usize),
        })
        .collect())
}

op! {
    /// The elements of `x` in C order under another shape; one length may be -1 and is worked out.
    ///
    /// Gradient: `g` under the shape of `x`.
    RESHAPE = fn reshape(x; shape: Ints = Ints([-1].into())) -> (y);
    operands Any;
    infer(c) {
        let shape = reshape_shape(c.op, x, &shape.0, c.fresh)?;
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|dims, strides, _, out| Some((0, reshape_strides(dims, strides, out)?)));
    family Movement;
    vjp(g) { x: shaped_like(g, x) }
    numpy "np.reshape(x, shape)";
    cases vec![
        case(Domain::Real, &[&[2, 6]], vec![Ints([3, 4].into()).pack()]),
        case(Domain::Real, &[&[2, 3, 2]], vec![Ints([-1].into()).pack()]),
        case(Domain::Real, &[&[1]], vec![Ints([].into()).pack()]),
    ];
    bad vec![
        bad(&[&[2, 3]], vec![Ints([4].into()).pack()], "reshape: the number of elements differs. Got (4,) for an array of shape (2, 3); expected 6 elements."),
        bad(&[&[2, 3]], vec![Ints([4, -1].into()).pack()], "reshape: the number of elements does not divide. Got (4, -1) for an array of shape (2, 3); expected a divisor of 6 elements."),
        bad(&[&[2, 3]], vec![Ints([-1, -1].into()).pack()], "reshape: the shape cannot be read. Got (-1, -1) for an array of shape (2, 3); expected lengths >= 0 and at most one -1."),
    ];
}
function! {
    /// The elements of `x` in C order under another shape; one length may be -1 and is worked out; see [`RESHAPE`].
    RESHAPE = fn reshape(x; shape: Ints)
}

op! {
    /// `x` under the shape of `like`, of which only the shape is used.
    ///
    /// Gradient: `g` under the shape of `x`.
    RESHAPE_LIKE = fn reshape_like(x, like) -> (y);
    operands Any;
    infer(c) Ok(smallvec![Aval { dtype: x.dtype, shape: like.shape.clone() }]);
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&RESHAPE, vec![dims_attr(c.output)])]));
    family Movement;
    vjp(g) { x: reshape_like(g, x), like: Cotangent::Zero }
    numpy "np.reshape(x, like.shape)";
    cases vec![case(Domain::Real, &[&[2, 3], &[3, 2]], vec![])];
    bad vec![];
}

/// The lengths of a concrete aval as an attribute.
fn dims_attr(a: &Aval) -> Attr {
    Ints(a.shape.iter().map(|d| d.known().unwrap_or(0) as i64).collect()).pack()
}

fn known_attr(t: Tensor<'_>) -> Option<Vec<i64>> {
    t.known_shape().map(|d| d.iter().map(|&n| n as i64).collect())
}

/// `x` under the shape of `like`; only the shape of `like` is used, and where it is known not even that.
#[track_caller]
pub fn reshape_like<'g>(x: Tensor<'g>, like: Tensor<'g>) -> Tensor<'g> {
    match known_attr(like) {
        Some(dims) => reshape(x, dims),
        None => apply(&RESHAPE_LIKE, &[x.into(), like.into()], &[]),
    }
}

fn permutation(op: &str, axes: Option<&[i64]>, ndim: usize) -> Result<SmallVec<[usize; 4]>> {
    let Some(list) = axes else { return Ok((0..ndim).rev().collect()) };
    let order: SmallVec<[usize; 4]> = list.iter().map(|&a| shape::axis(op, a, ndim)).collect::<Result<_>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().ne(0..ndim) {
        return Err(Error::new(ErrorKind::Shape, op, "axes is not a permutation", Tuple(list), format_args!("each of the {ndim} axes once")));
    }
    Ok(order)
}

op! {
    /// `x` with its axes in another order; reversed by default.
    ///
    /// Gradient: `g` with the axes put back.
    TRANSPOSE = fn transpose(x; axes: Axes = Axes(None)) -> (y);
    operands Any;
    infer(c) {
        let order = permutation(c.op, axes.0.as_deref(), x.ndim())?;
        let shape = order.iter().filter_map(|&i| x.shape.get(i).copied()).collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|_, strides, attrs, _| {
        let axes: Axes = attr(attrs.first()).ok()?;
        let order = permutation("transpose", axes.0.as_deref(), strides.len()).ok()?;
        Some((0, order.iter().filter_map(|&i| strides.get(i).copied()).collect()))
    });
    family Movement;
    vjp(g) { x: {
        let order = permutation("transpose", axes.0.as_deref(), x.ndim()).unwrap_or_default();
        let mut inverse = vec![0i64; order.len()];
        for (i, &o) in order.iter().enumerate() {
            if let Some(slot) = inverse.get_mut(o) {
                *slot = i as i64;
            }
        }
        transpose(g, inverse)
    } }
    numpy "np.transpose(x, axes)";
    cases vec![
        case(Domain::Real, &[&[2, 3]], vec![Axes(None).pack()]),
        case(Domain::Real, &[&[2, 3, 4]], vec![Axes(Some([2, 0, 1].into())).pack()]),
        case(Domain::Real, &[&[2, 3, 4]], vec![Axes(Some([0, -1, 1].into())).pack()]),
    ];
    bad vec![
        bad(&[&[2, 3]], vec![Axes(Some([0, 0].into())).pack()], "transpose: axes is not a permutation. Got (0, 0); expected each of the 2 axes once."),
        bad(&[&[2, 3]], vec![Axes(Some([0, 2].into())).pack()], "transpose: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2."),
    ];
}
function! {
    /// `x` with its axes in another order; `()` reverses them; see [`TRANSPOSE`].
    TRANSPOSE = fn transpose(x; axes: Axes)
}

/// Strides of a view that repeats an operand to the lengths `out`.
pub fn broadcast_strides(dims: &[usize], strides: &[isize], out: &[usize]) -> Strides {
    let lead = out.len().saturating_sub(dims.len());
    let own = dims.iter().zip(strides).zip(out.iter().skip(lead));
    std::iter::repeat_n(0, lead).chain(own.map(|((&n, &s), &m)| if n == 1 && m != 1 { 0 } else { s })).collect()
}

op! {
    /// `x` repeated to `shape`.
    ///
    /// Gradient: the sum of `g` over the axes that were repeated.
    BROADCAST_TO = fn broadcast_to(x; shape: Ints = Ints([].into())) -> (y);
    operands Any;
    infer(c) {
        if shape.0.iter().any(|&n| n < 0) {
            return c.shape_error("a length is negative", Tuple(&shape.0), "lengths >= 0");
        }
        let wanted: Shape = shape.0.iter().map(|&n| Dim::Known(n as usize)).collect();
        let full = broadcast(c.op, &x.shape, &wanted, c.fresh)?;
        if full != wanted {
            return c.shape_error("the array does not fit the shape", format_args!("{} for {}", Tuple(&x.shape), Tuple(&shape.0)), "lengths equal to the shape's, or 1");
        }
        Ok(smallvec![Aval { dtype: x.dtype, shape: wanted }])
    };
    kernel Kernel::View(|dims, strides, _, out| Some((0, broadcast_strides(dims, strides, out))));
    family Mixing;
    vjp(g) { x: unbroadcast(g, x) }
    numpy "np.broadcast_to(x, shape)";
    cases vec![
        case(Domain::Real, &[&[3]], vec![Ints([2, 3].into()).pack()]),
        case(Domain::Real, &[&[2, 1, 3]], vec![Ints([2, 4, 3].into()).pack()]),
        case(Domain::Real, &[&[]], vec![Ints([2, 2].into()).pack()]),
    ];
    bad vec![
        bad(&[&[2, 3]], vec![Ints([4].into()).pack()], "broadcast_to: shapes do not broadcast. Got (2, 3) and (4,); expected equal lengths, or 1, on each axis counted from the last."),
        bad(&[&[3]], vec![Ints([1].into()).pack()], "broadcast_to: the array does not fit the shape. Got (3,) for (1,); expected lengths equal to the shape's, or 1."),
    ];
}
function! {
    /// `x` repeated to `shape`; see [`BROADCAST_TO`].
    BROADCAST_TO = fn broadcast_to(x; shape: Ints)
}

op! {
    /// `x` repeated to the shape of `like`, of which only the shape is used.
    ///
    /// Gradient: the sum of `g` over the axes that were repeated.
    BROADCAST_LIKE = fn broadcast_like(x, like) -> (y);
    operands Any;
    infer(c) {
        broadcast(c.op, &x.shape, &like.shape, c.fresh)?;
        Ok(smallvec![Aval { dtype: x.dtype, shape: like.shape.clone() }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&BROADCAST_TO, vec![dims_attr(c.output)])]));
    family Mixing;
    vjp(g) { x: unbroadcast(g, x), like: Cotangent::Zero }
    numpy "np.broadcast_to(x, like.shape)";
    cases vec![case(Domain::Real, &[&[3], &[2, 3]], vec![])];
    bad vec![];
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
fn repeated_axes(from: &[Dim], to: &[Dim]) -> Vec<i64> {
    let lead = to.len().saturating_sub(from.len());
    let own = to.iter().skip(lead).zip(from).enumerate();
    (0..lead).chain(own.filter(|(_, (t, f))| **f == Dim::Known(1) && **t != Dim::Known(1)).map(|(i, _)| i + lead)).map(|i| i as i64).collect()
}

op! {
    /// The sum of `x` over the axes along which `like`, of which only the shape is used, is repeated to the shape of `x`.
    ///
    /// Gradient: `g` repeated to the shape of `x`.
    SUM_TO = fn sum_to(x, like) -> (y);
    operands Any;
    infer(c) Ok(smallvec![Aval { dtype: x.dtype, shape: like.shape.clone() }]);
    kernel Kernel::Lower(|c| {
        let from = c.inputs.first().map_or(&[][..], |a| &a.shape);
        let axes = repeated_axes(&c.output.shape, from);
        let mut chain = vec![];
        if !axes.is_empty() {
            chain.push((&REDUCE_SUM, vec![Axes(Some(axes.into())).pack(), Attr::Bool(false)]));
        }
        chain.push((&RESHAPE, vec![dims_attr(c.output)]));
        Lowered::Chain(chain)
    });
    family Mixing;
    vjp(g) { x: broadcast_like(g, x), like: Cotangent::Zero }
    numpy "ref.sum_to(x, like)";
    cases vec![case(Domain::Real, &[&[2, 3], &[3]], vec![]), case(Domain::Real, &[&[4, 2, 3], &[2, 1]], vec![])];
    bad vec![];
}

/// The sum of `x` over the axes along which `like` is repeated to the shape of `x`: the adjoint of a broadcast.
#[track_caller]
pub fn sum_to<'g>(x: Tensor<'g>, like: Tensor<'g>) -> Tensor<'g> {
    let known = x.dims().iter().chain(like.dims()).all(|d| d.known().is_some());
    if !known {
        return apply(&SUM_TO, &[x.into(), like.into()], &[]);
    }
    let axes = repeated_axes(like.dims(), x.dims());
    let sum = if axes.is_empty() { x } else { reduce_sum(x, axes, false) };
    shaped_like(sum, like)
}

op! {
    /// `x` with new axes of length 1: `axis` names their places in the result.
    ///
    /// Gradient: `g` without these axes.
    EXPAND_DIMS = fn expand_dims(x; axis: Axes = Axes(Some([0].into()))) -> (y);
    operands Any;
    infer(c) {
        let new = shape::axes(c.op, axis.0.as_deref(), x.ndim() + axis.0.as_ref().map_or(0, |a| a.len()))?;
        let mut old = x.shape.iter();
        let n = x.ndim() + new.len();
        let shape = (0..n).filter_map(|i| if new.contains(&i) { Some(Dim::Known(1)) } else { old.next().copied() }).collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|dims, strides, attrs, out| {
        let axis: Axes = attr(attrs.first()).ok()?;
        let new = shape::axes("expand_dims", axis.0.as_deref(), out.len()).ok()?;
        debug_assert_eq!(dims.len() + new.len(), out.len());
        let mut old = strides.iter();
        Some((0, (0..out.len()).filter_map(|i| if new.contains(&i) { Some(0) } else { old.next().copied() }).collect()))
    });
    family Movement;
    vjp(g) { x: squeeze(g, axis) }
    numpy "np.expand_dims(x, axis)";
    cases vec![
        case(Domain::Real, &[&[2, 3]], vec![Axes(Some([1].into())).pack()]),
        case(Domain::Real, &[&[3]], vec![Axes(Some([0, -1].into())).pack()]),
    ];
    bad vec![bad(&[&[2]], vec![Axes(Some([3].into())).pack()], "expand_dims: axis is out of range. Got axis=3 for 2 dimensions; expected -2 <= axis < 2.")];
}
function! {
    /// `x` with new axes of length 1; see [`EXPAND_DIMS`].
    EXPAND_DIMS = fn expand_dims(x; axis: Axes)
}

fn squeezed(op: &str, x: &Aval, axis: &Axes) -> Result<SmallVec<[usize; 4]>> {
    let Some(list) = &axis.0 else {
        return Ok(x.shape.iter().enumerate().filter(|(_, d)| **d == Dim::Known(1)).map(|(i, _)| i).collect());
    };
    let gone = shape::axes(op, Some(list), x.ndim())?;
    let long = gone.iter().copied().find(|&i| x.shape.get(i).and_then(|d| d.known()).is_some_and(|n| n != 1));
    match long {
        Some(i) => Err(Error::new(ErrorKind::Shape, op, "an axis is not of length 1", format_args!("axis {i} of shape {}", Tuple(&x.shape)), "axes of length 1")),
        None => Ok(gone),
    }
}

op! {
    /// `x` without axes of length 1: those that `axis` names, or all that are known to be of length 1.
    ///
    /// Gradient: `g` with these axes put back.
    SQUEEZE = fn squeeze(x; axis: Axes = Axes(None)) -> (y);
    operands Any;
    infer(c) {
        let gone = squeezed(c.op, x, &axis)?;
        let shape = x.shape.iter().enumerate().filter(|(i, _)| !gone.contains(i)).map(|(_, &d)| d).collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|dims, strides, attrs, _| {
        let axis: Axes = attr(attrs.first()).ok()?;
        let gone = squeezed("squeeze", &Aval { dtype: DType::F64, shape: shape::known(dims) }, &axis).ok()?;
        Some((0, strides.iter().enumerate().filter(|(i, _)| !gone.contains(i)).map(|(_, &s)| s).collect()))
    });
    family Movement;
    vjp(g) { x: shaped_like(g, x) }
    numpy "np.squeeze(x, axis)";
    cases vec![
        case(Domain::Real, &[&[1, 3, 1]], vec![Axes(None).pack()]),
        case(Domain::Real, &[&[2, 1, 3, 1]], vec![Axes(Some([-1].into())).pack()]),
    ];
    bad vec![bad(&[&[2, 1]], vec![Axes(Some([0].into())).pack()], "squeeze: an axis is not of length 1. Got axis 0 of shape (2, 1); expected axes of length 1.")];
}
function! {
    /// `x` without axes of length 1; see [`SQUEEZE`].
    SQUEEZE = fn squeeze(x; axis: Axes)
}

op! {
    /// A part of `x`: one slice an axis, from the first; axes that are not named stay whole. Bounds and steps mean what
    /// NumPy's mean: negative bounds count from the end, bounds beyond the ends are cut, steps may be negative.
    ///
    /// Gradient: `g` in its places of an array of zeros.
    SLICE = fn strided_slice(x; slices: Slices = Slices([].into())) -> (y);
    operands Any;
    infer(c) {
        if slices.0.len() > x.ndim() {
            return c.shape_error("too many slices", format_args!("{} for an array of shape {}", slices.0.len(), Tuple(&x.shape)), "at most one an axis");
        }
        if slices.0.iter().any(|s| s.step == 0) {
            return c.shape_error("a step is 0", "step 0", "a step other than 0");
        }
        let slices = slices.0.iter().copied().chain(std::iter::repeat(Slice::ALL));
        let mut shape = Shape::new();
        for (&d, s) in x.shape.iter().zip(slices) {
            shape.push(match d {
                Dim::Known(n) => Dim::Known(s.resolve(n).1),
                Dim::Sym(_) if s == Slice::ALL => d,
                Dim::Sym(_) => (c.fresh)(),
            });
        }
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|dims, strides, attrs, _| {
        let slices: Slices = attr(attrs.first()).ok()?;
        let slices = slices.0.iter().copied().chain(std::iter::repeat(Slice::ALL));
        let mut offset = 0;
        let steps = dims.iter().zip(strides).zip(slices).map(|((&n, &s), slice)| {
            offset += slice.resolve(n).0 as isize * s;
            s * slice.step as isize
        });
        let steps = steps.collect();
        Some((offset, steps))
    });
    family Movement;
    vjp(g) { x: unslice(g, x, slices) }
    numpy "x[slices]";
    cases vec![
        case(Domain::Real, &[&[5]], vec![Slices([Slice { start: Some(1), stop: Some(-1), step: 1 }].into()).pack()]),
        case(Domain::Real, &[&[5, 4]], vec![Slices([Slice { start: None, stop: None, step: -2 }, Slice { start: Some(1), stop: None, step: 2 }].into()).pack()]),
        case(Domain::Real, &[&[3, 4]], vec![Slices([Slice { start: Some(2), stop: Some(3), step: 1 }].into()).pack()]),
    ];
    bad vec![
        bad(&[&[2]], vec![Slices([Slice::ALL, Slice::ALL].into()).pack()], "strided_slice: too many slices. Got 2 for an array of shape (2,); expected at most one an axis."),
        bad(&[&[2]], vec![Slices([Slice { start: None, stop: None, step: 0 }].into()).pack()], "strided_slice: a step is 0. Got step 0; expected a step other than 0."),
    ];
}
function! {
    /// A part of `x`, with steps; see [`SLICE`].
    SLICE = fn strided_slice(x; slices: Slices)
}

/// The part of `x` from `starts` up to, but without, `stops`, one pair an axis; negative bounds count from the end, as
/// NumPy's do.
#[track_caller]
pub fn slice<'g>(x: impl AsTensor<'g>, starts: impl IntoAttr<Ints>, stops: impl IntoAttr<Ints>) -> Tensor<'g> {
    let (starts, stops) = (starts.into_attr().0, stops.into_attr().0);
    let x = x.tensor();
    if starts.len() != stops.len() {
        let got = format!("{} starts and {} stops", starts.len(), stops.len());
        return x.graph().poison(Error::new(ErrorKind::Shape, "slice", "the bounds do not pair", got, "as many stops as starts"));
    }
    let slices = starts.iter().zip(&stops).map(|(&a, &b)| Slice { start: Some(a), stop: Some(b), step: 1 });
    strided_slice(x, Slices(slices.collect()))
}

fn place(c: &mut crate::graph::op::Call<'_>, x: View<'_>, y: &mut ViewMut<'_>) -> Result<()> {
    let slices: Slices = attr(c.attrs.first())?;
    let all = slices.0.iter().copied().chain(std::iter::repeat(Slice::ALL));
    let (mut starts, mut steps) = (shape::Dims::new(), Strides::new());
    for (&n, s) in y.dims().iter().zip(all) {
        starts.push(s.resolve(n).0);
        steps.push(s.step as isize);
    }
    kernels::movement::pad_into(x, &starts, &steps, y);
    Ok(())
}

op! {
    /// An array of zeros of `shape` with `g` in the places that `slices` name: the adjoint of a slice.
    ///
    /// Gradient: the slices of the cotangent.
    UNSLICE = fn unslice_to(g; slices: Slices = Slices([].into()), shape: Ints = Ints([].into())) -> (y);
    operands Any;
    infer(c) Ok(smallvec![Aval::new(g.dtype, shape.0.iter().map(|&n| Dim::Known(n.max(0) as usize)))]);
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, std::mem::take(&mut c.outputs)) {
            ([x], [y]) => place(c, *x, y),
            _ => Err(families::arity(c.op)),
        },
        scratch: |_, _| 0,
        fallible: false,
    });
    family Movement;
    vjp(cotangent) { g: strided_slice(cotangent, slices) }
    numpy "ref.unslice(g, slices, shape)";
    cases vec![case(Domain::Real, &[&[2]], vec![Slices([Slice { start: None, stop: None, step: -2 }].into()).pack(), Ints([4].into()).pack()])];
    bad vec![];
}
op! {
    /// [`UNSLICE`] to the shape of `like`, of which only the shape is used.
    UNSLICE_LIKE = fn unslice_like(g, like; slices: Slices = Slices([].into())) -> (y);
    operands Any;
    infer(c) Ok(smallvec![Aval { dtype: g.dtype, shape: like.shape.clone() }]);
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&UNSLICE, c.attrs.iter().cloned().chain([dims_attr(c.output)]).collect())]));
    family Movement;
    vjp(cotangent) { g: strided_slice(cotangent, slices), like: Cotangent::Zero }
    numpy "ref.unslice(g, slices, like.shape)";
    cases vec![case(Domain::Real, &[&[2], &[4]], vec![Slices([Slice { start: None, stop: None, step: -2 }].into()).pack()])];
    bad vec![];
}

fn unslice<'g>(g: Tensor<'g>, x: Tensor<'g>, slices: Slices) -> Tensor<'g> {
    match known_attr(x) {
        Some(dims) => apply(&UNSLICE, &[g.into()], &[slices.pack(), Ints(dims.into()).pack()]),
        None => apply(&UNSLICE_LIKE, &[g.into(), x.into()], &[slices.pack()]),
    }
}

/// Arrays joined along an axis that they have.
///
/// Gradient: the parts of `g`.
pub static CONCAT: OpDef = OpDef {
    name: "concat",
    doc: "Arrays joined along an axis that they have; their other lengths are equal.\n\nGradient: the parts of `g`.\n",
    params: &[
        Param { name: "xs", kind: ParamKind::Tensors, default: None },
        Param { name: "axis", kind: ParamKind::Attr(<i64 as AttrType>::KIND), default: Some(|| Attr::Int(0)) },
    ],
    outputs: &["y"],
    body: Body::Primitive(Primitive {
        operands: Operands::Promote,
        infer: |c| {
            let axis: i64 = attr(c.attrs.first())?;
            let Some((first, rest)) = c.inputs.split_first() else {
                return c.shape_error("there is nothing to join", "no array", "at least one array");
            };
            let axis = shape::axis(c.op, axis, first.ndim())?;
            let mut shape = first.shape.clone();
            for x in rest {
                let fits = x.ndim() == first.ndim();
                for (i, (d, &e)) in shape.iter_mut().zip(&x.shape).enumerate().filter(|_| fits) {
                    match (i == axis, *d, e) {
                        (true, Dim::Known(a), Dim::Known(b)) => *d = Dim::Known(a + b),
                        (true, ..) => *d = (c.fresh)(),
                        (false, a, b) => match a.unify(b) {
                            Some(u) => *d = u,
                            None => return c.shape_error("shapes differ off the axis", format_args!("{} and {} for axis={axis}", Tuple(&first.shape), Tuple(&x.shape)), "equal lengths on the other axes"),
                        },
                    }
                }
                if !fits {
                    return c.shape_error("the arrays differ in rank", format_args!("{} and {}", Tuple(&first.shape), Tuple(&x.shape)), "equal numbers of axes");
                }
            }
            Ok(smallvec![Aval { dtype: first.dtype, shape }])
        },
        kernel: Kernel::Call(CallKernel {
            run: |c| {
                let axis: i64 = attr(c.attrs.first())?;
                let [y] = &mut *c.outputs else { return Err(families::arity(c.op)) };
                let axis = shape::axis(c.op, axis, y.dims().len())?;
                kernels::movement::concat(c.inputs, axis, y);
                Ok(())
            },
            scratch: |_, _| 0,
            fallible: false,
        }),
        vjp: |v| {
            let (g, axis) = (v.g(0), attr::<i64>(v.node.attrs.first()).unwrap_or(0));
            let parts: Vec<Tensor<'_>> = (0..v.node.inputs.len()).map(|i| v.x(i)).collect();
            let axis = axis.rem_euclid(g.ndim().max(1) as i64) as usize;
            let known: Option<Vec<usize>> = parts.iter().map(|p| p.dims().get(axis).and_then(|d| d.known())).collect();
            let Some(lengths) = known else {
                return parts.iter().map(|_| Cotangent::Nondiff("the length of a part along the axis is known only at run time")).collect();
            };
            let mut start = 0i64;
            lengths.iter().map(|&n| {
                let here = Slice { start: Some(start), stop: Some(start + n as i64), step: 1 };
                start += n as i64;
                Cotangent::from(strided_slice(g, Slices(std::iter::repeat_n(Slice::ALL, axis).chain([here]).collect())))
            }).collect()
        },
        family: Family::Movement,
        draw: false,
    }),
    numpy: "np.concatenate(xs, axis=axis)",
    cases: || vec![case(Domain::Real, &[&[2, 3], &[1, 3]], vec![Attr::Int(0)]), case(Domain::Real, &[&[2, 1], &[2, 3], &[2, 2]], vec![Attr::Int(-1)])],
    bad: || vec![
        bad(&[&[2, 3], &[2, 4]], vec![Attr::Int(0)], "concat: shapes differ off the axis. Got (2, 3) and (2, 4) for axis=0; expected equal lengths on the other axes."),
        bad(&[&[2, 3], &[2]], vec![Attr::Int(0)], "concat: the arrays differ in rank. Got (2, 3) and (2,); expected equal numbers of axes."),
    ],
};

/// Arrays joined along an axis that they have; see [`CONCAT`]. At least one array is needed to know the graph.
#[track_caller]
pub fn concat<'g, A: AsTensor<'g>>(xs: &[A], axis: impl IntoAttr<i64>) -> Tensor<'g> {
    let args: Vec<Arg<'g>> = xs.iter().map(|x| Arg::from(x.tensor())).collect();
    apply(&CONCAT, &args, &[Attr::Int(axis.into_attr())])
}
