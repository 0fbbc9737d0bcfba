//! Arrays with more at their ends.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, AttrType, Slice, Slices, Widths, choices, widths};
use crate::graph::op::{Cotangent, Domain, Infer, Kernel, Lowered, OpDef};
use crate::graph::{NodeOp, Tensor};
use crate::kernels::places::{self, Beyond};
use crate::ops::apply::{apply, apply_in};
use crate::ops::batch;
use crate::ops::broadcast::{broadcast_like, broadcast_to};
use crate::ops::creation::fitting;
use crate::ops::index::take;
use crate::ops::movement::squeeze;
use crate::ops::reduce::reduce_sum;
use crate::ops::samples::{bad, case};
use crate::ops::select::select;
use crate::ops::slice::strided_slice;
use crate::ops::unpack::{arity, attr};
use crate::shape::{self, Aval, Dim, Tuple, c_strides};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&PAD_FILLED, &PAD_PLACES, &PAD_PLACES_LIKE, &PAD_REPEATS, &PAD];

choices! {
    /// What stands beyond the ends of a padded axis.
    pub enum PadMode {
        /// A given number.
        Constant = "constant",
        /// The last element.
        Edge = "edge",
        /// The axis backwards, without the last element.
        Reflect = "reflect",
        /// The axis backwards.
        Symmetric = "symmetric",
        /// The axis again.
        Wrap = "wrap",
    }
}

impl PadMode {
    /// What is repeated, if it is elements of the array.
    fn beyond(self) -> Option<Beyond> {
        match self {
            PadMode::Constant => None,
            PadMode::Edge => Some(Beyond::Edge),
            PadMode::Reflect => Some(Beyond::Reflect),
            PadMode::Symmetric => Some(Beyond::Symmetric),
            PadMode::Wrap => Some(Beyond::Wrap),
        }
    }
}

/// A length with what is added to it; unknown where the sum is too large to be one, which is an error of another place.
fn longer(n: usize, [before, after]: [i64; 2]) -> Option<usize> {
    n.checked_add(usize::try_from(before).ok()?)?.checked_add(usize::try_from(after).ok()?)
}

/// The error for lengths that cannot be counted.
fn too_large<T>(c: &Infer<'_>, n: usize, [before, after]: [i64; 2]) -> Result<T> {
    c.shape_error(
        "the array is too large",
        format_args!("{before} and {after} beside {n} elements"),
        format_args!("at most {} elements", isize::MAX),
    )
}

row! {
    /// `x` with a number at its ends: a pair of widths for each axis.
    ///
    /// Gradient: to `x` the part of `g` that is its own, to `value` the sum of the rest.
    pub(crate) PAD_FILLED = fn pad_filled(x: any, value: any; pad_width: Widths) -> y
    shape(c) {
        if pad_width.0.len() != x.ndim() || pad_width.0.iter().flatten().any(|&w| w < 0) {
            let got = format_args!("{} for an array of shape {}", widths(&pad_width.0), Tuple(&x.shape));
            return c.shape_error("the widths do not fit", got, "a pair of numbers >= 0 for each axis");
        }
        if value.ndim() != 0 || value.dtype != x.dtype {
            return c.dtype_error("the value does not fit", value, format_args!("a number of {}", x.dtype));
        }
        let mut shape = x.shape.clone();
        for (d, w) in shape.iter_mut().zip(&pad_width.0).filter(|(_, w)| **w != [0, 0]) {
            *d = match *d {
                Dim::Known(n) => match longer(n, *w) {
                    Some(n) => Dim::Known(n),
                    None => return too_large(c, n, *w),
                },
                Dim::Sym(_) => (c.fresh)(),
            };
        }
        Ok(smallvec![Aval { dtype: x.dtype, shape }])
    };
    kernel call!(false, |[x, value] -> [y], c| {
        let width: Widths = attr(c.attrs.first())?;
        let strides = c_strides(y.dims());
        let offset: usize = width.0.iter().zip(&strides).map(|([before, _], &s)| *before as usize * s as usize).sum();
        places::place(c.ranges, *x, Some(*value), offset, &strides, y)
    });
    support Repeated(padded);
    vjp(g) { x: strided_slice(g, own_part(&pad_width)), value: reduce_sum(around(g, x, pad_width), (), false) }
    batch Rule(batch::padded);
    numpy "ref.pad_filled(x, pad_width, value)";
    case real[2, 3], real[] with pad_width = [(1, 2), (0, 4)];
    case real[3], real[] with pad_width = 2;
    case real[], real[] with pad_width = [];
    refuses f64[2], f64[] with pad_width = [(1, -1)] => "pad_filled: the widths do not fit. Got ((1, -1),) for an array of shape (2,); expected a pair of numbers >= 0 for each axis.";
    refuses f64[2, 3], f64[] with pad_width = 1 => "pad_filled: the widths do not fit. Got ((1, 1),) for an array of shape (2, 3); expected a pair of numbers >= 0 for each axis.";
    refuses f64[2], i64[] with pad_width = 1 => "pad_filled: the value does not fit. Got int64[]; expected a number of float64.";
    refuses f64[2], f64[1] with pad_width = 1 => "pad_filled: the value does not fit. Got float64[1]; expected a number of float64.";
}

/// Where in a padded array the array itself stands.
pub(crate) fn own_part(pad_width: &Widths) -> Slices {
    let part = |&[before, after]: &[i64; 2]| Slice { start: Some(before), stop: (after > 0).then_some(-after), step: 1 };
    Slices(pad_width.0.iter().map(part).collect())
}

/// `g`, in the shape of a padded `x`, with zeros where `x` itself stands.
pub(crate) fn around<'g>(g: Tensor<'g>, x: Tensor<'g>, pad_width: Widths) -> Tensor<'g> {
    let [no, yes] = [false, true].map(|b| g.graph().literal(b.into(), DType::Bool));
    let own = pad_filled(broadcast_like(yes, x), no, pad_width);
    select(own, g.graph().literal(false.into(), g.dtype()), g)
}

/// The length of an axis with elements of it at its ends.
fn padded_length(c: &Infer<'_>, n: i64, before: i64, after: i64, mode: PadMode) -> Result<usize> {
    let wrong = mode.beyond().is_none() || n < 0 || before < 0 || after < 0;
    if wrong || n == 0 && (before > 0 || after > 0) {
        let got = format_args!("{before} and {after} beside {n} elements in mode {}", mode.pack());
        return c.shape_error("there is nothing to repeat", got, "an element at least, or mode \"constant\"");
    }
    match longer(n as usize, [before, after]) {
        Some(n) => Ok(n),
        None => too_large(c, n as usize, [before, after]),
    }
}

row! {
    /// The places on an axis of length `n` of what stands along it, with `before` and `after` more elements at its ends.
    ///
    /// Gradient: none.
    pub(crate) PAD_PLACES = fn pad_places(; n: i64, before: i64, after: i64, mode: PadMode) -> y
    shape(c) {
        let n = padded_length(c, n, before, after, mode)?;
        Ok(smallvec![Aval::new(DType::I64, [Dim::Known(n)])])
    };
    kernel call!(false, |[] -> [y], c| {
        let (n, before, mode): (i64, i64, PadMode) = (attr(c.attrs.first())?, attr(c.attrs.get(1))?, attr(c.attrs.get(3))?);
        places::places(c.ranges, n as usize, -before, mode.beyond().unwrap_or(Beyond::Edge), y)
    });
    support Unknown;
    vjp(v) { ..vec![] }
    batch Same;
    numpy "np.pad(np.arange(n), (before, after), mode)";
    by hand;
    exempt Batched: "it has no inputs";
    exempt First, Second: "it has no floating input, or no floating result";
    exempt Narrow: "it has no inputs";
    cases [PadMode::Edge, PadMode::Reflect, PadMode::Symmetric, PadMode::Wrap].map(|mode| {
        case(Domain::Real, &[], vec![Attr::Int(3), Attr::Int(4), Attr::Int(7), mode.pack()])
    });
    bad vec![bad(
        &[], vec![Attr::Int(0), Attr::Int(1), Attr::Int(0), PadMode::Wrap.pack()],
        "pad_places: there is nothing to repeat. Got 1 and 0 beside 0 elements in mode \"wrap\"; expected an element at least, or mode \"constant\".",
    )];
}
row! {
    /// [`PAD_PLACES`] for `axis` of `x`, of which only the shape is used.
    ///
    /// Gradient: none.
    pub(crate) PAD_PLACES_LIKE = fn pad_places_like(x: any; axis: i64, before: i64, after: i64, mode: PadMode) -> y
    shape(c) {
        let axis = shape::axis(c.op, axis, x.ndim())?;
        let n = match x.shape.get(axis).and_then(|d| d.known()) {
            Some(n) => Dim::Known(padded_length(c, n as i64, before, after, mode)?),
            None => (c.fresh)(),
        };
        Ok(smallvec![Aval::new(DType::I64, [n])])
    };
    kernel Kernel::Lower(|c| {
        let axis = attr(c.attrs.first()).and_then(|a| shape::axis("pad_places_like", a, c.inputs.first().map_or(0, |x| x.ndim()))).unwrap_or(0);
        let n = c.inputs.first().and_then(|x| x.shape.get(axis)?.known()).unwrap_or(0);
        Lowered::Chain(vec![(&PAD_PLACES, [Attr::Int(n as i64)].into_iter().chain(c.attrs.iter().skip(1).cloned()).collect())])
    });
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    batch Same;
    numpy "np.pad(np.arange(x.shape[axis]), (before, after), mode)";
    by hand;
    exempt First, Second: "it has no floating input, or no floating result";
    case real[2, 3] with axis = 1, before = 2, after = 1, mode = PadMode::Reflect;
    refuses f64[2, 3] with axis = 2, before = 0, after = 0, mode = PadMode::Edge => "pad_places_like: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}

/// The places along `axis` of `x` of what stands along it with more elements at its ends.
fn places_of(x: Tensor<'_>, axis: usize, [before, after]: [i64; 2], mode: PadMode) -> Tensor<'_> {
    let rest = [Attr::Int(before), Attr::Int(after), mode.pack()];
    let Some(n) = x.dims().get(axis).and_then(|d| d.known()) else {
        let attrs: Vec<Attr> = [Attr::Int(axis as i64)].into_iter().chain(rest).collect();
        return apply(&PAD_PLACES_LIKE, &[x.into()], &attrs);
    };
    let attrs: Vec<Attr> = [Attr::Int(n as i64)].into_iter().chain(rest).collect();
    match apply_in(x.graph(), &PAD_PLACES, &[], &attrs) {
        Ok(out) => out.first().copied().unwrap_or_else(|| x.graph().poison(arity("pad_places"))),
        Err(e) => x.graph().poison(e),
    }
}

row! {
    /// `x` with elements of its own at its ends, as `mode` says: a pair of numbers for each axis.
    ///
    /// Gradient: `g` summed to the elements that were repeated.
    pub(crate) PAD_REPEATS = fn pad_repeats(x: any; pad_width: Widths, mode: PadMode) -> y
    body {
        let padded = pad_width.0.iter().enumerate().filter(|(_, w)| **w != [0, 0]);
        padded.fold(x, |y, (axis, &w)| take(y, places_of(y, axis, w, mode), axis as i64))
    }
    numpy "np.pad(x, pad_width, mode)";
    case real[2, 3] with pad_width = [(1, 0), (4, 5)], mode = PadMode::Edge;
    case real[2, 3] with pad_width = [(1, 4), (7, 1)], mode = PadMode::Reflect;
    case real[2, 3] with pad_width = [(0, 0), (2, 7)], mode = PadMode::Symmetric;
    case real[4] with pad_width = [(5, 9)], mode = PadMode::Wrap;
    refuses f64[2, 3] with pad_width = [(1, -1), (0, 0)], mode = PadMode::Edge => "pad_repeats: there is nothing to repeat. Got 1 and -1 beside 2 elements in mode \"edge\"; expected an element at least, or mode \"constant\".";
    refuses f64[2, 0] with pad_width = [(0, 0), (0, 1)], mode = PadMode::Wrap => "pad_repeats: there is nothing to repeat. Got 0 and 1 beside 0 elements in mode \"wrap\"; expected an element at least, or mode \"constant\".";
}

row! {
    /// `x` with more elements at its ends. `pad_width` is their number at both ends of each axis, a pair of numbers, or a pair for each
    /// axis. A negative number cuts off as many elements, after the others were added.
    ///
    /// `mode` says what they are: `constant_values` ("constant"), the last element ("edge"), the elements that follow from there
    /// backwards, without the last one ("reflect") or with it ("symmetric"), or those at the other end ("wrap"), over and over where
    /// there are not enough. `constant_values` is a number, a pair of them, or a pair for each axis; in a corner stand those of the last
    /// axis.
    ///
    /// Gradient: `g` without what was added; what repeats an element is summed to it, and what is `constant_values` to these.
    pub PAD = fn pad(x: any, constant_values: any = 0; pad_width: Widths, mode: PadMode = PadMode::Constant) -> y
    body {
        let ndim = x.ndim();
        let all: Vec<[i64; 2]> = match &pad_width.0[..] {
            [one] => vec![*one; ndim],
            list if list.len() == ndim => list.to_vec(),
            list => {
                let got = format_args!("{} for {ndim} dimensions", widths(list));
                return Err(Error::new(ErrorKind::Shape, "pad", "the widths do not fit", got, "a number, a pair, or a pair for each axis"));
            }
        };
        let more: Vec<[i64; 2]> = all.iter().map(|w| w.map(|n| n.max(0))).collect();
        let y = match mode {
            PadMode::Constant => surrounded(x, &more, constant_values)?,
            _ if !is_zero(constant_values) => {
                let got = format_args!("mode={}", mode.pack());
                return Err(Error::new(ErrorKind::Value, "pad", "`constant_values` is not used", got, "mode=\"constant\""));
            }
            _ => pad_repeats(x, Widths(more.into()), mode),
        };
        if all.iter().flatten().all(|&n| n >= 0) {
            y
        } else {
            let rest = |&[a, b]: &[i64; 2]| Slice { start: (a < 0).then(|| a.saturating_neg()), stop: (b < 0).then_some(b), step: 1 };
            strided_slice(y, Slices(all.iter().map(rest).collect()))
        }
    }
    numpy "ref.pad(x, pad_width, mode, constant_values)";
    example "T.pad([1, 2, 3], (1, 2), mode=\"edge\")" => "[1 1 2 3 3 3]";
    signature "x, pad_width, mode, constant_values";
    case real[2, 3], real[] with pad_width = 1;
    case real[2, 3], real[2] with pad_width = [(1, 0), (0, 2)];
    case real[2, 3], real[2, 2] with pad_width = (2, 1);
    case real[4], real[] with pad_width = [(-2, 3)];
    refuses f64[2], f64[] with pad_width = [(1, 1), (1, 1)] => "pad: the widths do not fit. Got ((1, 1), (1, 1)) for 1 dimensions; expected a number, a pair, or a pair for each axis.";
    refuses f64[2], f64[] with pad_width = 1, mode = PadMode::Edge => "pad: `constant_values` is not used. Got mode=\"edge\"; expected mode=\"constant\".";
    refuses f64[2], f64[3] with pad_width = 1 => "pad: the array does not fit the shape. Got (3,) for (1, 2); expected lengths equal to the shape's, or 1.";
}

/// True for the literal 0 that stands where nothing is said.
fn is_zero(value: Tensor<'_>) -> bool {
    matches!(value.node().op, NodeOp::Scalar(s) if s.as_f64() == 0.0 && s.as_f64().is_sign_positive())
}

/// `x` with constants at its ends: one number, or what broadcasts to a pair of them for each axis.
fn surrounded<'g>(x: Tensor<'g>, more: &[[i64; 2]], values: Tensor<'g>) -> Result<Tensor<'g>> {
    if more.iter().flatten().all(|&n| n == 0) {
        return Ok(x);
    }
    let values = fitting("pad", values, x.dtype())?;
    if values.ndim() == 0 {
        return Ok(pad_filled(x, values, Widths(more.into())));
    }
    let values = broadcast_to(values, [more.len() as i64, 2]);
    let sides = (0..more.len()).flat_map(|axis| [(axis, 0), (axis, 1)]);
    Ok(sides.fold(x, |y, (axis, end)| {
        let mut here = vec![[0, 0]; more.len()];
        if let (Some(to), Some(from)) = (here.get_mut(axis).and_then(|w| w.get_mut(end)), more.get(axis).and_then(|w| w.get(end))) {
            *to = *from;
        }
        let at = |i: usize| Slice { start: Some(i as i64), stop: Some(i as i64 + 1), step: 1 };
        let value = squeeze(strided_slice(values, Slices([at(axis), at(end)].into())), [0, 1]);
        if here.iter().flatten().all(|&n| n == 0) { y } else { pad_filled(y, value, Widths(here.into())) }
    }))
}
