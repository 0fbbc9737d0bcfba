//! Slices, their adjoint, and joining.

use smallvec::smallvec;

use crate::array::{View, ViewMut};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{AttrType, IntoAttr, Ints, Slice, Slices};
use crate::graph::op::{Avals, CallKernel, Cotangent, Domain, Infer, Kernel, Lowered, OpDef};
use crate::graph::{AsTensor, Tensor};
use crate::kernels;
use crate::ops::batch;
use crate::ops::broadcast::broadcast_like;
use crate::ops::movement::{dims_attr, known_attr};
use crate::ops::samples::{bad, case};
use crate::ops::unpack::{arity, attr};
use crate::shape::{self, Aval, Dim, Shape, Strides, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SLICE, &UNSLICE, &UNSLICE_LIKE, &CONCAT, &SPLIT_LIKE];

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
    vjp(g) { x: unslice(g, x, slices) }
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

fn place(c: &mut crate::graph::op::Call<'_>, x: View<'_>, y: &mut ViewMut<'_>) -> Result<()> {
    let slices: Slices = attr(c.attrs.first())?;
    let all = slices.0.iter().copied().chain(std::iter::repeat(Slice::ALL));
    let (mut starts, mut steps) = (shape::Dims::new(), Strides::new());
    for (&n, s) in y.dims().iter().zip(all) {
        starts.push(s.resolve(n).0);
        steps.push(s.step as isize);
    }
    kernels::movement::pad_into(c.ranges, x, &starts, &steps, y)
}

/// An error unless `g` has the shape of these slices of an array of shape `whole`: its adjoint writes to these places.
fn check_part(c: &Infer<'_>, g: &Aval, slices: &Slices, whole: &[Dim]) -> Result<()> {
    let fits = slices.0.len() <= whole.len()
        && slices.0.iter().all(|s| s.step != 0)
        && g.ndim() == whole.len()
        && whole.iter().zip(&g.shape).zip(slices.0.iter().copied().chain(std::iter::repeat(Slice::ALL))).all(|((d, part), s)| {
            match d.known() {
                Some(n) => part.unify(Dim::Known(s.resolve(n).1)).is_some(),
                None => true,
            }
        });
    if fits {
        return Ok(());
    }
    let got = format!("{} for an array of shape {}", Tuple(&g.shape), Tuple(whole));
    c.shape_error("the part does not fit its slices", got, "the shape of the slices")
}

row! {
    /// An array of zeros of `shape` with `g` in the places that `slices` name: the adjoint of a slice.
    ///
    /// Gradient: the slices of the cotangent.
    pub(crate) UNSLICE = fn unslice_to(g: any; slices: Slices, shape: Ints) -> y
    shape(c) {
        let whole = Aval::new(g.dtype, shape.0.iter().map(|&n| Dim::Known(n.max(0) as usize)));
        check_part(c, g, &slices, &whole.shape)?;
        Ok(smallvec![whole])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, std::mem::take(&mut c.outputs)) {
            ([x], [y]) => place(c, *x, y),
            _ => Err(arity(c.op)),
        },
        scratch: |_, _| 0,
        fallible: false,
    });
    support Moved;
    vjp(cotangent) { g: strided_slice(cotangent, slices) }
    batch Rule(batch::in_front_of_all);
    numpy "ref.unslice(g, slices, shape)";
    cases vec![case(Domain::Real, &[&[2]], vec![Slices([Slice { start: None, stop: None, step: -2 }].into()).pack(), Ints([4].into()).pack()])];
    bad vec![bad(
        &[&[3]], vec![Slices([Slice { start: None, stop: None, step: -2 }].into()).pack(), Ints([4].into()).pack()],
        "unslice_to: the part does not fit its slices. Got (3,) for an array of shape (4,); expected the shape of the slices.",
    )];
}
row! {
    /// [`UNSLICE`] to the shape of `like`, of which only the shape is used.
    pub(crate) UNSLICE_LIKE = fn unslice_like(g: any, like: any; slices: Slices) -> y
    shape(c) {
        check_part(c, g, &slices, &like.shape)?;
        Ok(smallvec![Aval { dtype: g.dtype, shape: like.shape.clone() }])
    };
    kernel Kernel::Lower(|c| Lowered::Chain(vec![(&UNSLICE, c.attrs.iter().cloned().chain([dims_attr(c.output)]).collect())]));
    support Moved;
    vjp(cotangent) { g: strided_slice(cotangent, slices), like: Cotangent::Zero }
    batch Rule(batch::like_of_slices);
    numpy "ref.unslice(g, slices, like.shape)";
    cases vec![case(Domain::Real, &[&[2], &[4]], vec![Slices([Slice { start: None, stop: None, step: -2 }].into()).pack()])];
    bad vec![bad(
        &[&[3], &[4]], vec![Slices([Slice { start: None, stop: None, step: -2 }].into()).pack()],
        "unslice_like: the part does not fit its slices. Got (3,) for an array of shape (4,); expected the shape of the slices.",
    )];
}

fn unslice<'g>(g: Tensor<'g>, x: Tensor<'g>, slices: Slices) -> Tensor<'g> {
    match known_attr(x) {
        Some(dims) => unslice_to(g, slices, dims),
        None => unslice_like(g, x, slices),
    }
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
