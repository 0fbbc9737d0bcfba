//! Slices, their adjoint, and joining.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{AttrType, IntoAttr, Ints, Slice, Slices};
use crate::graph::op::{Avals, CallKernel, Cotangent, Domain, Infer, Kernel, Lowered, OpDef};
use crate::graph::{AsTensor, Tensor};
use crate::kernels;
use crate::ops::batch;
use crate::ops::broadcast::{broadcast_like, broadcast_to};
use crate::ops::samples::{bad, case};
use crate::ops::unpack::{arity, attr};
use crate::shape::{self, Aval, Dim, Shape, Strides, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SLICE, &ADD_SLICES, &PUT_SLICE, &CONCAT, &SPLIT_LIKE];

row! {
    /// A part of `x`: one slice an axis, from the first; axes that are not named stay whole. Bounds and steps mean what
    /// NumPy's mean: negative bounds count from the end, bounds beyond the ends are cut, steps may be negative.
    ///
    /// Gradient: `g` in its places of an array of zeros.
    pub SLICE = fn strided_slice(x: any; slices: Slices) -> y
    shape(c) {
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
            // A step that leads beyond the axis is never taken.
            s.wrapping_mul(slice.step as isize)
        });
        let steps = steps.collect();
        Some((offset, steps))
    });
    support Placed;
    vjp(g) { x: unslice_like(g, x, slices) }
    batch Rule(batch::in_front_of_all);
    numpy "x[slices]";
    example "T.strided_slice([0, 1, 2, 3, 4], [slice(None, None, -2)])" => "[4 2 0]";
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

/// The part of `x` from `start` up to, but without, `stop` along one axis.
#[track_caller]
pub(crate) fn slice_along<'g>(x: Tensor<'g>, axis: usize, start: Option<i64>, stop: Option<i64>) -> Tensor<'g> {
    strided_slice(x, Slices(std::iter::repeat_n(Slice::ALL, axis).chain([Slice { start, stop, step: 1 }]).collect()))
}

/// The slices of each of the parts of an array of `ndim` axes; of no axes, without an end.
fn of_each(slices: &Slices, ndim: usize) -> impl Iterator<Item = &[Slice]> {
    (0..).map_while(move |k| slices.0.get(k * ndim..(k + 1) * ndim))
}

/// An error unless `g` has the shape of these slices of an array of shape `whole`.
fn check_part(c: &Infer<'_>, g: &Aval, slices: &[Slice], whole: &[Dim]) -> Result<()> {
    let fits = slices.len() == whole.len()
        && slices.iter().all(|s| s.step != 0)
        && g.ndim() == whole.len()
        && whole.iter().zip(&g.shape).zip(slices).all(|((d, part), s)| match d.known() {
            Some(n) => part.unify(Dim::Known(s.resolve(n).1)).is_some(),
            None => true,
        });
    if fits {
        return Ok(());
    }
    let got = format!("{} for an array of shape {}", Tuple(&g.shape), Tuple(whole));
    c.shape_error("the part does not fit its slices", got, "the shape of the slices")
}

row! {
    /// The first of `xs` with each of the others added to the part of it that its slices name, in their order. `slices` are one an
    /// axis for each of these others.
    ///
    /// Gradient: `g` to the first, its parts to the others.
    pub(crate) ADD_SLICES = fn add_slices(xs: [any]; slices: Slices = Slices([].into())) -> y
    shape(c) {
        let Some((whole, parts)) = xs.split_first() else {
            return c.shape_error("there is nothing to add to", "no array", "an array and its parts");
        };
        if slices.0.len() != parts.len() * whole.ndim() {
            let rule = format!("{} for {} parts of shape {}", parts.len() * whole.ndim(), parts.len(), Tuple(&whole.shape));
            return c.shape_error("the slices are not one an axis", slices.0.len(), rule);
        }
        for (part, slices) in parts.iter().zip(of_each(&slices, whole.ndim())) {
            if part.dtype != whole.dtype {
                return c.dtype_error("the dtypes differ", format_args!("{} for {}", part.dtype, whole.dtype), "one dtype");
            }
            check_part(c, part, slices, &whole.shape)?;
        }
        Ok(smallvec![(*whole).clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| {
            let slices: Slices = attr(c.attrs.first())?;
            let ([base, parts @ ..], [y]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
            kernels::movement::copy(c.ranges, *base, y)?;
            for (part, slices) in parts.iter().zip(of_each(&slices, base.dims().len())) {
                let (starts, steps) = resolved(slices, base.dims());
                kernels::add::add_slice(c.ranges, *part, &starts, &steps, y)?;
            }
            Ok(())
        },
        scratch: |_, _| 0,
        fallible: false,
        spares: &[],
    });
    support Moved;
    vjp(v) { ..{
        let g = v.g(0);
        let parts = (1..xs.len()).zip(of_each(&slices, g.ndim())).map(|(i, s)| match v.wanted.get(i) {
            Some(true) => Cotangent::from(strided_slice(g, Slices(s.into()))),
            _ => Cotangent::Zero,
        });
        std::iter::once(Cotangent::from(g)).chain(parts).collect()
    } }
    batch Rule(batch::in_front_of_each);
    numpy "ref.add_slices(xs, slices)";
    cases {
        let part = |start, stop, step| Slice { start, stop, step };
        vec![
            case(Domain::Real, &[&[4], &[2]], vec![Slices([part(None, None, -2)].into()).pack()]),
            case(Domain::Real, &[&[5, 2], &[1, 2], &[3, 2], &[5, 1]], vec![Slices([
                part(Some(4), Some(5), 1), Slice::ALL, part(Some(1), Some(4), 1), Slice::ALL, Slice::ALL, part(None, Some(1), 1),
            ].into()).pack()]),
            case(Domain::Real, &[&[], &[], &[]], vec![Slices([].into()).pack()]),
        ]
    };
    bad vec![
        bad(
            &[&[4], &[3]], vec![Slices([Slice { start: None, stop: None, step: -2 }].into()).pack()],
            "add_slices: the part does not fit its slices. Got (3,) for an array of shape (4,); expected the shape of the slices.",
        ),
        bad(
            &[&[4], &[4]], vec![Slices([].into()).pack()],
            "add_slices: the slices are not one an axis. Got 0; expected 1 for 1 parts of shape (4,).",
        ),
    ];
    refuses f64[], i64[] => "add_slices: the dtypes differ. Got int64 for float64; expected one dtype.";
}

row! {
    /// `x` with the part that `slices`, one an axis, name replaced by `src`.
    ///
    /// Gradient: `g` elsewhere, and its part to `src`.
    pub(crate) PUT_SLICE = fn put_slice(x: any, src: any; slices: Slices) -> y
    shape(c) {
        if src.dtype != x.dtype {
            return c.dtype_error("the dtypes differ", format_args!("{} for {}", src.dtype, x.dtype), "one dtype");
        }
        check_part(c, src, &slices.0, &x.shape)?;
        Ok(smallvec![x.clone()])
    };
    kernel call!(false, |[x, src] -> [y], c| {
        let slices: Slices = attr(c.attrs.first())?;
        kernels::movement::copy(c.ranges, *x, y)?;
        let (starts, steps) = resolved(&slices.0, x.dims());
        kernels::movement::put_slice(c.ranges, *src, &starts, &steps, y)
    });
    support Placed;
    vjp(g) { x: put_slice(g, zeros_of(src, g.dtype()), slices.clone()), src: strided_slice(g, slices) }
    batch Rule(batch::in_front_of_each);
    numpy "ref.put_slice(x, src, slices)";
    cases {
        let part = |start, stop, step| Slice { start, stop, step };
        vec![
            case(Domain::Real, &[&[4], &[2]], vec![Slices([part(None, None, -2)].into()).pack()]),
            case(Domain::Real, &[&[5, 3], &[2, 3]], vec![Slices([part(Some(1), Some(3), 1), Slice::ALL].into()).pack()]),
            case(Domain::Real, &[&[], &[]], vec![Slices([].into()).pack()]),
        ]
    };
    bad vec![bad(
        &[&[4], &[3]], vec![Slices([Slice { start: None, stop: None, step: -2 }].into()).pack()],
        "put_slice: the part does not fit its slices. Got (3,) for an array of shape (4,); expected the shape of the slices.",
    )];
    refuses f64[], i64[] with slices = Slices([].into()) => "put_slice: the dtypes differ. Got int64 for float64; expected one dtype.";
}

/// Where slices of an array of lengths `dims` start, and their steps.
fn resolved(slices: &[Slice], dims: &[usize]) -> (shape::Dims, Strides) {
    (dims.iter().zip(slices).map(|(&n, s)| s.resolve(n).0).collect(), slices.iter().map(|s| s.step as isize).collect())
}

/// Slices of all axes.
pub(crate) fn whole_slices(slices: &Slices, ndim: usize) -> Slices {
    Slices(slices.0.iter().copied().chain(std::iter::repeat(Slice::ALL)).take(ndim.max(slices.0.len())).collect())
}

/// Zeros in the shape of `x`, of which nothing else is used, in another dtype.
pub(crate) fn zeros_of(x: Tensor<'_>, dtype: DType) -> Tensor<'_> {
    broadcast_like(x.graph().literal(false.into(), dtype), x)
}

/// `g` in the places that `slices` name of an array of zeros of the shape of `like`: the adjoint of a slice.
pub(crate) fn unslice_like<'g>(g: Tensor<'g>, like: Tensor<'g>, slices: Slices) -> Tensor<'g> {
    unsliced(g, zeros_of(like, g.dtype()), slices)
}

/// As [`unslice_like`], for a known shape.
pub(crate) fn unslice_to<'g>(g: Tensor<'g>, slices: Slices, shape: impl IntoAttr<Ints>) -> Tensor<'g> {
    unsliced(g, broadcast_to(g.graph().literal(false.into(), g.dtype()), shape), slices)
}

fn unsliced<'g>(g: Tensor<'g>, zeros: Tensor<'g>, slices: Slices) -> Tensor<'g> {
    add_slices(&[zeros, g], whole_slices(&slices, zeros.ndim()))
}

row! {
    /// Arrays joined along an axis that they have; their other lengths are equal.
    ///
    /// Gradient: the parts of `g`.
    pub CONCAT = fn concat(xs: [value]; axis: i64 = 0) -> y
    shape(c) joined(c, axis);
    kernel Kernel::Call(CallKernel {
        run: |c| {
            let axis: i64 = attr(c.attrs.first())?;
            let [y] = &mut *c.outputs else { return Err(arity(c.op)) };
            let axis = shape::axis(c.op, axis, y.dims().len())?;
            kernels::movement::concat(c.ranges, c.inputs, axis, y)
        },
        scratch: |_, _| 0,
        fallible: false,
        spares: &[],
    });
    support Moved;
    vjp(v) { ..taken_apart(v.g(0), &xs, axis) }
    batch Axes;
    numpy "np.concatenate(xs, axis=axis)";
    example "T.concat([np.zeros([2, 1]), np.ones([2, 2])], axis=-1)" => "[[0. 1. 1.]\n [0. 1. 1.]]";
    alias concatenate;
    case real[2, 3], real[1, 3];
    case real[2, 1], real[2, 3], real[2, 2] with axis = -1;
    refuses f64[2, 3], f64[2, 4] => "concat: shapes differ off the axis. Got (2, 3) and (2, 4) for axis=0; expected equal lengths on the other axes.";
    refuses f64[2, 3], f64[2] => "concat: the arrays differ in rank. Got (2, 3) and (2,); expected equal numbers of axes.";
}

/// The shape of arrays that are joined.
fn joined(c: &mut Infer<'_>, axis: i64) -> Result<Avals> {
    let Some((first, rest)) = c.inputs.split_first() else {
        return c.shape_error("there is nothing to join", "no array", "at least one array");
    };
    let axis = shape::axis(c.op, axis, first.ndim())?;
    let mut shape = first.shape.clone();
    for x in rest {
        let fits = x.ndim() == first.ndim();
        for (i, (d, &e)) in shape.iter_mut().zip(&x.shape).enumerate().filter(|_| fits) {
            match (i == axis, *d, e) {
                (true, Dim::Known(a), Dim::Known(b)) => match a.checked_add(b) {
                    Some(n) => *d = Dim::Known(n),
                    None => {
                        let shapes: Vec<String> = c.inputs.iter().map(|x| Tuple(&x.shape).to_string()).collect();
                        let rule = format_args!("at most {} elements", isize::MAX);
                        return c.shape_error("the array is too large", format_args!("parts of {}", shapes.join(", ")), rule);
                    }
                },
                (true, ..) => *d = (c.fresh)(),
                (false, a, b) => match a.unify(b) {
                    Some(u) => *d = u,
                    None => {
                        return c.shape_error(
                            "shapes differ off the axis",
                            format_args!("{} and {} for axis={axis}", Tuple(&first.shape), Tuple(&x.shape)),
                            "equal lengths on the other axes",
                        );
                    }
                },
            }
        }
        if !fits {
            return c.shape_error(
                "the arrays differ in rank",
                format_args!("{} and {}", Tuple(&first.shape), Tuple(&x.shape)),
                "equal numbers of axes",
            );
        }
    }
    Ok(smallvec![Aval { dtype: first.dtype, shape }])
}

/// The parts of `g` that are as long as `parts`.
fn taken_apart<'g>(g: Tensor<'g>, parts: &[Tensor<'g>], axis: i64) -> Vec<Cotangent<'g>> {
    let axis = axis.rem_euclid(g.ndim().max(1) as i64) as usize;
    let known: Option<Vec<usize>> = parts.iter().map(|p| p.dims().get(axis).and_then(|d| d.known())).collect();
    let Some(lengths) = known else {
        // One after the other, each from what the ones before it left.
        let mut rest = g;
        return parts
            .iter()
            .map(|&p| {
                let here = split_like(rest, p, axis as i64, false);
                rest = split_like(rest, p, axis as i64, true);
                Cotangent::from(here)
            })
            .collect();
    };
    let mut start = 0i64;
    lengths
        .iter()
        .map(|&n| {
            let here = Slice { start: Some(start), stop: Some(start + n as i64), step: 1 };
            start += n as i64;
            Cotangent::from(strided_slice(g, Slices(std::iter::repeat_n(Slice::ALL, axis).chain([here]).collect())))
        })
        .collect()
}

row! {
    /// `x` cut along `axis` where `like`, of which only the shape is used, ends: the part as long as `like`, or, with `tail`,
    /// what is left behind it.
    ///
    /// Gradient: `g`, joined with zeros in the place of the other part.
    pub(crate) SPLIT_LIKE = fn split_like(x: any, like: any; axis: i64 = 0, tail: bool = false) -> y
    shape(c) {
        let axis = shape::axis(c.op, axis, x.ndim())?;
        let fits = |(i, (a, b)): (usize, (&Dim, &Dim))| match (i == axis, a, b) {
            (true, Dim::Known(whole), Dim::Known(part)) => part <= whole,
            (true, ..) => true,
            (false, a, b) => a.unify(*b).is_some(),
        };
        if x.ndim() != like.ndim() || !x.shape.iter().zip(&like.shape).enumerate().all(fits) {
            let got = format!("{} of {} along axis={axis}", Tuple(&like.shape), Tuple(&x.shape));
            return c.shape_error("the part does not fit", got, "at most the length along the axis, and equal lengths off it");
        }
        let mut shape = like.shape.clone();
        if let (true, Some(d), Some(whole)) = (tail, shape.get_mut(axis), x.shape.get(axis)) {
            *d = match (*whole, *d) {
                (Dim::Known(n), Dim::Known(part)) => Dim::Known(n - part),
                _ => (c.fresh)(),
            };
        }
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel Kernel::Lower(|c| {
        let (axis, tail) = (attr::<i64>(c.attrs.first()).unwrap_or(0), attr::<bool>(c.attrs.get(1)).unwrap_or(false));
        let axis = axis.rem_euclid(c.output.ndim().max(1) as i64) as usize;
        let part = c.inputs.get(1).and_then(|like| like.shape.get(axis)?.known()).unwrap_or(0) as i64;
        let here = if tail { Slice { start: Some(part), stop: None, step: 1 } } else { Slice { start: None, stop: Some(part), step: 1 } };
        Lowered::Chain(vec![(&SLICE, vec![Slices(std::iter::repeat_n(Slice::ALL, axis).chain([here]).collect()).pack()])])
    });
    support Moved;
    vjp(g) {
        x: {
            let none = g.graph().literal(false.into(), g.dtype());
            let other = broadcast_like(none, split_like(x, like, axis, !tail));
            concat(&if tail { [other, g] } else { [g, other] }, axis)
        },
        like: Cotangent::Zero,
    }
    batch Rule(batch::like_along);
    numpy "ref.split_like(x, like, axis, tail)";
    case real[3, 4], real[1, 4] with axis = 0, tail = false;
    case real[2, 3, 4], real[2, 3, 3] with axis = -1, tail = true;
    refuses f64[3], f64[4] with axis = 0, tail = false => "split_like: the part does not fit. Got (4,) of (3,) along axis=0; expected at most the length along the axis, and equal lengths off it.";
}
