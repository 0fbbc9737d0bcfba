//! Movement: the same elements under another shape, order or dtype. Most of these are views and cost nothing.

use smallvec::{SmallVec, smallvec};

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Attr, AttrType, Axes, Ints};
use crate::graph::op::{Cotangent, Domain, Kernel, Lowered, OpDef};
use crate::ops::apply::{apply, cast};
use crate::ops::batch;
use crate::ops::contract::reordered;
use crate::ops::reduce::reduce_sum;
use crate::ops::rules::shaped_like;
use crate::ops::samples::case;
use crate::ops::unpack::attr;
use crate::shape::{self, Aval, Dim, Shape, Strides, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[
    &CAST,
    &IDENTITY,
    &STOP_GRADIENT,
    &AT_LEAST,
    &REPEATED,
    &RESHAPE,
    &RESHAPE_LIKE,
    &SAME_SHAPE,
    &TRANSPOSE,
    &EXPAND_DIMS,
    &SQUEEZE,
    &MERGE_AXES,
    &SPLIT_AXIS,
];

row! {
    /// `x` converted to `dtype`. Floats become integers by truncation; NaN becomes 0 and values beyond the ends the
    /// nearest end. Anything but 0 becomes true.
    ///
    /// Gradient: `g` converted back, between floating dtypes; none otherwise.
    pub CAST = fn cast(x: any; dtype: DType = DType::F64) -> y
    shape(c) Ok(smallvec![Aval { dtype, shape: x.shape.clone() }]);
    kernel Kernel::Cast;
    support Elementwise(constant);
    vjp(g) { x: if x.dtype().is_float() && y.dtype().is_float() { Cotangent::from(cast(g, x.dtype())) } else { Cotangent::Zero } }
    batch Elementwise;
    numpy "x.astype(dtype)";
    example "T.cast([1.7, -1.7, 0.0], \"int32\")" => "[ 1 -1  0]";
    alias astype;
    method astype;
    by hand;
    case real[2, 3] with dtype = DType::F64;
}
row! {
    /// `x` itself, as a tensor of its own: equal expressions are one tensor, and each call of this is another one. NumPy's `identity`,
    /// the matrix, is `eye`.
    ///
    /// Gradient: `g`.
    pub IDENTITY = fn identity(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::View(|_, strides, _, _| Some((0, strides.into())));
    each own;
    support Moved;
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    example "x = T.constant(3.0)"; "a, b = T.identity(x), T.identity(x)"; "T.grad([a * b], [a])[0]" => "3.0";
    case real[2, 3];
}
row! {
    /// `x` itself, with a gradient of 0.
    pub STOP_GRADIENT = fn stop_gradient(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::View(|_, strides, _, _| Some((0, strides.into())));
    support Moved;
    vjp(g) { x: Cotangent::Zero }
    batch Elementwise;
    numpy "x";
    example "x = T.constant(3.0)"; "T.grad([x * T.stop_gradient(x)], [x])[0]" => "3.0";
    alias detach;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient is 0 on purpose, which differences are not: whole programs test it";
    exempt Messages: "it has no cases, and every shape and dtype is accepted";
}

row! {
    /// `x`, if `like`, of which only the shape is used, has at least `count` elements; an error otherwise.
    ///
    /// Gradient: `g`.
    pub(crate) AT_LEAST = fn at_least(x: any, like: any; count: i64 = 0) -> y
    shape(c) {
        if let Some(n) = like.dims().map(|dims| shape::count(&dims)).filter(|&n| count > n as i64) {
            return c.shape_error("there are not so many elements", format_args!("{count} for an array of shape {}", Tuple(&like.shape)), format_args!("at most {n}"));
        }
        Ok(smallvec![x.clone()])
    };
    kernel Kernel::Lower(|_| Lowered::Chain(vec![(&STOP_GRADIENT, vec![])]));
    support Moved;
    vjp(g) { x: g, like: Cotangent::Zero }
    batch Rule(batch::like);
    numpy "x";
    case real[2, 3], real[4] with count = 4;
    refuses f64[2], f64[4] with count = 5 => "at_least: there are not so many elements. Got 5 for an array of shape (4,); expected at most 4.";
}

row! {
    /// `x` repeated along a new axis of length `n`, which stands at `axis` of the result.
    ///
    /// Gradient: the sum of `g` over that axis.
    pub(crate) REPEATED = fn repeated(x: any; n: i64, axis: i64 = 0) -> y
    shape(c) {
        let axis = shape::axis(c.op, axis, x.ndim() + 1)?;
        let Ok(n) = usize::try_from(n) else { return c.shape_error("a length is negative", n, "a length >= 0") };
        let (head, tail) = (x.shape.iter().take(axis), x.shape.iter().skip(axis));
        Ok(smallvec![Aval { dtype: x.dtype, shape: head.chain([&Dim::Known(n)]).chain(tail).copied().collect() }])
    };
    kernel Kernel::View(|_, strides, attrs, out| {
        let axis = shape::axis("repeated", attr(attrs.get(1)).ok()?, out.len()).ok()?;
        let (head, tail) = (strides.iter().take(axis), strides.iter().skip(axis));
        Some((0, head.chain([&0]).chain(tail).copied().collect()))
    });
    support Summed;
    vjp(g) { x: reduce_sum(g, axis, false) }
    batch Rule(batch::axes_of_result);
    numpy "np.repeat(np.expand_dims(x, axis), n, axis)";
    case real[2, 3] with n = 4;
    case real[2, 3] with n = 4, axis = -1;
    case real[] with n = 2;
    refuses f64[2] with n = -1 => "repeated: a length is negative. Got -1; expected a length >= 0.";
    refuses f64[2] with n = 1, axis = 2 => "repeated: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
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
    let known: usize = wanted.iter().filter(|&&n| n != -1).fold(1, |n, &d| n.saturating_mul(d as usize));
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
    let others = x.shape.iter().filter_map(|d| d.known()).fold(1, usize::saturating_mul);
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

row! {
    /// The elements of `x` in C order under another shape; one length may be -1 and is worked out.
    ///
    /// Gradient: `g` under the shape of `x`.
    pub RESHAPE = fn reshape(x: any; shape: Ints) -> y
    shape(c) {
        let shape = reshape_shape(c.op, x, &shape.0, c.fresh)?;
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|dims, strides, _, out| Some((0, reshape_strides(dims, strides, out)?)));
    support Moved;
    vjp(g) { x: shaped_like(g, x) }
    batch Rule(batch::in_front_of_all);
    numpy "np.reshape(x, shape)";
    example "T.reshape([[1, 2, 3], [4, 5, 6]], (3, -1))" => "[[1 2]\n [3 4]\n [5 6]]";
    cases vec![
        case(Domain::Real, &[&[2, 6]], vec![Ints([3, 4].into()).pack()]),
        case(Domain::Real, &[&[2, 3, 2]], vec![Ints([-1].into()).pack()]),
        case(Domain::Real, &[&[1]], vec![Ints([].into()).pack()]),
    ];
    refuses f64[2, 3] with shape = [4] => "reshape: the number of elements differs. Got (4,) for an array of shape (2, 3); expected 6 elements.";
    refuses f64[2, 3] with shape = [4, -1] => "reshape: the number of elements does not divide. Got (4, -1) for an array of shape (2, 3); expected a divisor of 6 elements.";
    refuses f64[2, 3] with shape = [-1, -1] => "reshape: the shape cannot be read. Got (-1, -1) for an array of shape (2, 3); expected lengths >= 0 and at most one -1.";
}

row! {
    /// `x` under the shape of `like`, of which only the shape is used.
    ///
    /// Gradient: `g` under the shape of `x`.
    pub(crate) RESHAPE_LIKE = fn reshape_like(x: any, like: any) -> y
    shape(c) {
        if let (Some(from), Some(to)) = (x.dims(), like.dims())
            && shape::count(&from) != shape::count(&to)
        {
            let rule = format!("{} elements", shape::count(&to));
            return c.shape_error("the number of elements differs", format_args!("{} for {}", Tuple(&x.shape), Tuple(&like.shape)), rule);
        }
        Ok(smallvec![Aval { dtype: x.dtype, shape: like.shape.clone() }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&RESHAPE, vec![dims_attr(c.output)])]));
    support Moved;
    vjp(g) { x: reshape_like(g, x), like: Cotangent::Zero }
    batch Rule(batch::like);
    numpy "np.reshape(x, like.shape)";
    by hand;
    case real[2, 3], real[3, 2];
    refuses f64[2, 3], f64[4] => "reshape_like: the number of elements differs. Got (2, 3) for (4,); expected 4 elements.";
}

row! {
    /// `x` itself, which has the shape of `like`, of which only the shape is used; an error where it has not.
    ///
    /// Gradient: `g`.
    pub(crate) SAME_SHAPE = fn same_shape(x: any, like: any) -> y
    shape(c) {
        if x.ndim() != like.ndim() || x.shape.iter().zip(&like.shape).any(|(a, b)| a.unify(*b).is_none()) {
            return c.shape_error("the shapes differ", format_args!("{} for {}", Tuple(&x.shape), Tuple(&like.shape)), "equal shapes");
        }
        Ok(smallvec![Aval { dtype: x.dtype, shape: like.shape.clone() }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&RESHAPE, vec![dims_attr(c.output)])]));
    support Moved;
    vjp(g) { x: same_shape(g, x), like: Cotangent::Zero }
    batch Rule(batch::like);
    numpy "np.reshape(x, like.shape)";
    by hand;
    case real[2, 3], real[2, 3];
    refuses f64[2, 3], f64[1, 3] => "same_shape: the shapes differ. Got (2, 3) for (1, 3); expected equal shapes.";
}

/// `x`, which must have the shape of `like`; where lengths are not known, the run checks them.
pub(crate) fn same_shape<'g>(x: Tensor<'g>, like: Tensor<'g>) -> Tensor<'g> {
    if x.dims() == like.dims() { x } else { apply(&SAME_SHAPE, &[x.into(), like.into()], &[]) }
}

row! {
    /// `x` with `n` axes from `axis` on joined into one, in C order.
    ///
    /// Gradient: `g` under the shape of `x`.
    pub(crate) MERGE_AXES = fn merge_axes(x: any; axis: i64 = 0, n: i64) -> y
    shape(c) {
        let first = shape::axis(c.op, axis, x.ndim())?;
        let end = first.saturating_add(usize::try_from(n).unwrap_or(0));
        if n < 1 || end > x.ndim() {
            let got = format_args!("{n} axes from axis={first} on of shape {}", Tuple(&x.shape));
            return c.shape_error("the axes are not there", got, "axes of the array");
        }
        let joined = x.shape.get(first..end).unwrap_or(&[]);
        let one = match (joined, joined.iter().map(|d| d.known()).product::<Option<usize>>()) {
            ([one], _) => *one,
            (_, Some(n)) => Dim::Known(n),
            (_, None) => (c.fresh)(),
        };
        let shape = x.shape.iter().take(first).copied().chain([one]).chain(x.shape.iter().skip(end).copied()).collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&RESHAPE, vec![dims_attr(c.output)])]));
    support Moved;
    vjp(g) { x: shaped_like(g, x) }
    batch Axes;
    numpy "np.reshape(x, (*x.shape[:axis], -1, *x.shape[axis + n:]))";
    by hand;
    case real[2, 3, 4] with axis = 1, n = 2;
    case real[2, 3, 2] with axis = 0, n = 2;
    refuses f64[2, 3] with axis = 1, n = 2 => "merge_axes: the axes are not there. Got 2 axes from axis=1 on of shape (2, 3); expected axes of the array.";
    refuses f64[2, 3] with axis = 2, n = 1 => "merge_axes: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}

/// `x` with `n` axes from `first` on joined into one.
#[track_caller]
pub(crate) fn merge_axes<'g>(x: Tensor<'g>, first: usize, n: usize) -> Tensor<'g> {
    match x.known_shape() {
        Some(dims) if first + n <= dims.len() => {
            let joined = dims.iter().skip(first).take(n).product::<usize>();
            let (head, tail) = (dims.iter().take(first), dims.iter().skip(first + n));
            reshape(x, head.chain([&joined]).chain(tail).copied().collect::<Vec<usize>>())
        }
        _ => apply(&MERGE_AXES, &[x.into()], &[Attr::Int(first as i64), Attr::Int(n as i64)]),
    }
}

row! {
    /// `x` with an axis taken apart into `n`, which have the lengths of the axes of `like` from `first` on: of `like` only the
    /// shape is used.
    ///
    /// Gradient: `g` with these axes joined.
    pub(crate) SPLIT_AXIS = fn split_axis(x: any, like: any; axis: i64 = 0, first: i64 = 0, n: i64 = 2) -> y
    shape(c) {
        let (i, first) = (shape::axis(c.op, axis, x.ndim())?, shape::axis(c.op, first, like.ndim())?);
        let end = first.saturating_add(usize::try_from(n).unwrap_or(0));
        let Some(parts) = like.shape.get(first..end).filter(|p| !p.is_empty()) else {
            let got = format_args!("{n} axes from axis={first} on of shape {}", Tuple(&like.shape));
            return c.shape_error("the axes are not there", got, "axes of the array");
        };
        let whole = x.shape.get(i).and_then(|d| d.known());
        let known = shape::concrete(parts).map(|p| shape::count(&p));
        if let (Some(whole), Some(n)) = (whole, known)
            && whole != n
        {
            let got = format_args!("axis {i} of {} for {}", Tuple(&x.shape), Tuple(parts));
            return c.shape_error("the number of elements differs", got, format_args!("a length of {n}"));
        }
        let shape = x.shape.iter().take(i).chain(parts).chain(x.shape.iter().skip(i + 1)).copied().collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&RESHAPE, vec![dims_attr(c.output)])]));
    support Moved;
    vjp(g) { x: shaped_like(g, x), like: Cotangent::Zero }
    batch Rule(batch::first_along);
    numpy "ref.split_axis(x, like, axis, first, n)";
    by hand;
    case real[6, 2], real[2, 3];
    case real[2, 12], real[5, 2, 3, 2] with axis = -1, first = 1, n = 3;
    refuses f64[6], f64[2, 2] => "split_axis: the number of elements differs. Got axis 0 of (6,) for (2, 2); expected a length of 4.";
    refuses f64[6], f64[2, 3] with first = 1 => "split_axis: the axes are not there. Got 2 axes from axis=1 on of shape (2, 3); expected axes of the array.";
    refuses f64[6], f64[2, 3] with axis = 1 => "split_axis: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// `x` with an axis taken apart into `n`, which have the lengths of the axes of `like` from `first` on.
#[track_caller]
pub(crate) fn split_axis<'g>(x: Tensor<'g>, axis: usize, like: Tensor<'g>, first: usize, n: usize) -> Tensor<'g> {
    let parts: Option<Vec<i64>> = like.dims().iter().skip(first).take(n).map(|d| d.known().map(|n| n as i64)).collect();
    if let (Some(dims), Some(parts)) = (x.known_shape(), parts) {
        let (head, tail) = (dims.iter().take(axis), dims.iter().skip(axis + 1));
        return reshape(x, head.map(|&n| n as i64).chain(parts).chain(tail.map(|&n| n as i64)).collect::<Vec<_>>());
    }
    apply(&SPLIT_AXIS, &[x.into(), like.into()], &[axis, first, n].map(|i| Attr::Int(i as i64)))
}

/// The lengths of a concrete aval as an attribute.
pub(super) fn dims_attr(a: &Aval) -> Attr {
    Ints(a.shape.iter().map(|d| d.known().unwrap_or(0) as i64).collect()).pack()
}

pub(super) fn known_attr(t: Tensor<'_>) -> Option<Vec<i64>> {
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
        return Err(Error::new(
            ErrorKind::Shape,
            op,
            "axes is not a permutation",
            Tuple(list),
            format_args!("each of the {ndim} axes once"),
        ));
    }
    Ok(order)
}

row! {
    /// `x` with its axes in another order; reversed by default.
    ///
    /// Gradient: `g` with the axes put back.
    pub TRANSPOSE = fn transpose(x: any; axes: Axes = Axes(None)) -> y
    shape(c) {
        let order = permutation(c.op, axes.0.as_deref(), x.ndim())?;
        let shape = order.iter().filter_map(|&i| x.shape.get(i).copied()).collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|_, strides, attrs, _| {
        let axes: Axes = attr(attrs.first()).ok()?;
        let order = permutation("transpose", axes.0.as_deref(), strides.len()).ok()?;
        Some((0, order.iter().filter_map(|&i| strides.get(i).copied()).collect()))
    });
    support Moved;
    vjp(g) { x: {
        let order = permutation("transpose", axes.0.as_deref(), x.ndim()).unwrap_or_default();
        let mut inverse = vec![0i64; order.len()];
        for (i, &o) in order.iter().enumerate() {
            if let Some(slot) = inverse.get_mut(o) {
                *slot = i as i64;
            }
        }
        reordered(g, inverse)
    } }
    batch Rule(batch::order);
    numpy "np.transpose(x, axes)";
    example "T.transpose([[1, 2, 3], [4, 5, 6]])" => "[[1 4]\n [2 5]\n [3 6]]";
    alias permute;
    case real[2, 3] with axes = ();
    case real[2, 3, 4] with axes = [2, 0, 1];
    case real[2, 3, 4] with axes = [0, -1, 1];
    refuses f64[2, 3] with axes = [0, 0] => "transpose: axes is not a permutation. Got (0, 0); expected each of the 2 axes once.";
    refuses f64[2, 3] with axes = [0, 2] => "transpose: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}

row! {
    /// `x` with new axes of length 1: `axis` names their places in the result.
    ///
    /// Gradient: `g` without these axes.
    pub EXPAND_DIMS = fn expand_dims(x: any; axis: Axes = Axes(Some([0].into()))) -> y
    shape(c) {
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
    support Moved;
    vjp(g) { x: squeeze(g, axis) }
    batch Rule(batch::new_axes);
    numpy "np.expand_dims(x, axis)";
    example "T.expand_dims([1, 2], -1)" => "[[1]\n [2]]";
    method expand_dims;
    case real[2, 3] with axis = [1];
    case real[3] with axis = [0, -1];
    refuses f64[2] with axis = [3] => "expand_dims: axis is out of range. Got axis=3 for 2 dimensions; expected -2 <= axis < 2.";
}

fn squeezed(op: &str, x: &Aval, axis: &Axes) -> Result<SmallVec<[usize; 4]>> {
    let Some(list) = &axis.0 else {
        if x.dims().is_none() {
            let e = Error::new(
                ErrorKind::Shape,
                op,
                "which axes have length 1 is known only at run time",
                Tuple(&x.shape),
                "a known shape, or axes by name",
            );
            return Err(e.help("name the axes: `axis=1`"));
        }
        return Ok(x.shape.iter().enumerate().filter(|(_, d)| **d == Dim::Known(1)).map(|(i, _)| i).collect());
    };
    let gone = shape::axes(op, Some(list), x.ndim())?;
    let long = gone.iter().copied().find(|&i| x.shape.get(i).and_then(|d| d.known()).is_some_and(|n| n != 1));
    match long {
        Some(i) => Err(Error::new(
            ErrorKind::Shape,
            op,
            "an axis is not of length 1",
            format_args!("axis {i} of shape {}", Tuple(&x.shape)),
            "axes of length 1",
        )),
        None => Ok(gone),
    }
}

row! {
    /// `x` without axes of length 1: those that `axis` names, or all of them where the shape is known.
    ///
    /// Gradient: `g` with these axes put back.
    pub SQUEEZE = fn squeeze(x: any; axis: Axes = Axes(None)) -> y
    shape(c) {
        let gone = squeezed(c.op, x, &axis)?;
        let shape = x.shape.iter().enumerate().filter(|(i, _)| !gone.contains(i)).map(|(_, &d)| d).collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::View(|dims, strides, attrs, _| {
        let axis: Axes = attr(attrs.first()).ok()?;
        let gone = squeezed("squeeze", &Aval { dtype: DType::F64, shape: shape::known(dims) }, &axis).ok()?;
        Some((0, strides.iter().enumerate().filter(|(i, _)| !gone.contains(i)).map(|(_, &s)| s).collect()))
    });
    support Moved;
    vjp(g) { x: shaped_like(g, x) }
    batch Rule(batch::gone_axes);
    numpy "np.squeeze(x, axis)";
    example "T.squeeze([[[1], [2]]], -1)" => "[[1 2]]";
    method squeeze;
    exempt Unknown: "which axes have length 1 is read when the graph is built";
    case real[1, 3, 1] with axis = ();
    case real[2, 1, 3, 1] with axis = [-1];
    refuses f64[2, 1] with axis = [0] => "squeeze: an axis is not of length 1. Got axis 0 of shape (2, 1); expected axes of length 1.";
}
