//! How a window slides: its steps, what stands around the axes, and the lengths that follow.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Attr, Padding, PerAxis, Widths, widths};
use crate::graph::op::Infer;
pub(super) use crate::kernels::window::AXES;
use crate::kernels::window::Steps;
use crate::ops::broadcast::broadcast_to;
use crate::shape::{Aval, Dim, Tuple};

/// Steps, widths and distances of elements are at most this: what follows from them can be counted.
const MOST: i64 = i32::MAX as i64;

/// How a window slides: a number for each axis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sliding {
    /// From one place of the window to the next.
    pub stride: Box<[i64]>,
    /// What is added at both ends.
    pub ends: Box<[[i64; 2]]>,
    /// From one element of the window to the next.
    pub dilation: Box<[i64]>,
    /// True if a last window may reach beyond the end.
    pub ceil: bool,
}

/// One number for all of `n` axes, or one for each: of at least `least`.
pub(super) fn each(op: &str, name: &str, given: &PerAxis, n: usize, least: i64) -> Result<Box<[i64]>> {
    let all: Box<[i64]> = match &given.0[..] {
        [one] => vec![*one; n].into(),
        list if list.len() == n => list.into(),
        list => {
            let rule = format_args!("a number, or {n} of them");
            return Err(Error::new(ErrorKind::Shape, op, format_args!("`{name}` does not fit the axes"), Tuple(list), rule));
        }
    };
    if all.iter().any(|i| !(least..=MOST).contains(i)) {
        let (got, rule) = (format!("{name}={}", Attr::PerAxis(given.0.clone())), format_args!("numbers from {least} to {MOST}"));
        return Err(Error::new(ErrorKind::Value, op, format_args!("`{name}` is out of range"), got, rule));
    }
    Ok(all)
}

impl Sliding {
    /// From what a primitive's attributes say, for `n` axes.
    pub fn of(op: &str, n: usize, stride: &PerAxis, padding: &Widths, dilation: &PerAxis) -> Result<Sliding> {
        let ends: Box<[[i64; 2]]> = match &padding.0[..] {
            [one] => vec![*one; n].into(),
            list if list.len() == n => list.into(),
            list => {
                let rule = format_args!("a number, or {n} numbers or pairs");
                return Err(Error::new(ErrorKind::Shape, op, "`padding` does not fit the axes", widths(list), rule));
            }
        };
        if ends.iter().flatten().any(|i| !(0..=MOST).contains(i)) {
            let (got, rule) =
                (format!("padding={}", Attr::Padding(Padding::Ends(padding.0.clone()))), format_args!("numbers from 0 to {MOST}"));
            return Err(Error::new(ErrorKind::Value, op, "`padding` is out of range", got, rule));
        }
        Ok(Sliding { stride: each(op, "stride", stride, n, 1)?, ends, dilation: each(op, "dilation", dilation, n, 1)?, ceil: false })
    }

    /// From what a user says, for a window of the lengths `kernel`.
    pub fn said(op: &str, kernel: &[Dim], stride: &PerAxis, padding: &Padding, dilation: &PerAxis) -> Result<Sliding> {
        let n = kernel.len();
        match padding {
            Padding::Ends(pairs) => Sliding::of(op, n, stride, &Widths(pairs.clone()), dilation),
            Padding::Same => {
                let all = Sliding::of(op, n, stride, &Widths([[0, 0]].into()), dilation)?;
                if all.stride.iter().any(|&s| s != 1) {
                    let got = format!("stride={}", Attr::PerAxis(stride.0.clone()));
                    return Err(Error::new(ErrorKind::Value, op, "`padding` \"same\" has no meaning", got, "stride=1"));
                }
                let lengths: Option<Vec<usize>> = kernel.iter().map(|d| d.known()).collect();
                let Some(lengths) = lengths else {
                    let rule = "a kernel of known lengths, or numbers";
                    return Err(Error::new(ErrorKind::Shape, op, "`padding` \"same\" has no meaning", Tuple(kernel), rule));
                };
                let ends = lengths.iter().zip(&all.dilation).map(|(&k, &d)| {
                    let more = d.saturating_mul(k.saturating_sub(1) as i64).min(MOST);
                    [more / 2, more - more / 2]
                });
                Ok(Sliding { ends: ends.collect(), ..all })
            }
        }
    }

    /// How many places a window of length `k` has along axis `i` of length `n`.
    pub fn places(&self, op: &str, i: usize, n: usize, k: usize) -> Result<usize> {
        let (Some(&stride), Some(&[before, after]), Some(&dilation)) = (self.stride.get(i), self.ends.get(i), self.dilation.get(i)) else {
            return Ok(0);
        };
        let room = n as i128 + i128::from(before) + i128::from(after);
        let extent = i128::from(dilation) * (k as i128 - 1) + 1;
        if k == 0 || extent > room {
            let got = format_args!("a window of {k} elements, {dilation} apart, over {n} elements with {before} and {after} beside them");
            return Err(Error::new(
                ErrorKind::Shape,
                op,
                "the window does not fit into the array",
                got,
                format_args!("an extent from 1 to {room}"),
            ));
        }
        let (rest, stride) = (room - extent, i128::from(stride));
        let mut places = rest / stride + 1;
        // One more, unless it begins behind the last element.
        if self.ceil && rest % stride != 0 && places * stride < n as i128 + i128::from(before) {
            places += 1;
        }
        Ok(places as usize)
    }

    /// The places along each of the axes `lengths`; unknown where a length is.
    pub fn all_places(&self, op: &str, lengths: &[Dim], kernel: &[Dim], fresh: &mut dyn FnMut() -> Dim) -> Result<Vec<Dim>> {
        let pairs = lengths.iter().zip(kernel).enumerate();
        pairs
            .map(|(i, (n, k))| match (n.known(), k.known()) {
                (Some(n), Some(k)) => self.places(op, i, n, k).map(Dim::Known),
                _ => Ok(fresh()),
            })
            .collect()
    }

    /// As a kernel takes it, which has as many axes as there can be.
    pub fn steps(&self) -> Steps {
        Steps {
            stride: trailing(&self.stride, 1, |&n| n as usize),
            before: trailing(&self.ends, 0, |e| e[0] as usize),
            dilation: trailing(&self.dilation, 1, |&n| n as usize),
        }
    }

    /// As attributes of a primitive.
    pub fn attrs(&self) -> (PerAxis, Widths, PerAxis) {
        (PerAxis(self.stride.clone()), Widths(self.ends.clone()), PerAxis(self.dilation.clone()))
    }
}

/// A number for each axis that there can be: `other` for those in front that there are not.
pub(super) fn trailing<T>(list: &[T], other: usize, f: impl Fn(&T) -> usize) -> [usize; AXES] {
    let missing = AXES.saturating_sub(list.len());
    std::array::from_fn(|i| i.checked_sub(missing).and_then(|k| list.get(k)).map_or(other, &f))
}

/// A tensor that lends the lengths of the last `n` axes of `x`: nothing of `x` is kept for it where they are known.
pub(super) fn lengths_of(x: Tensor<'_>, n: usize) -> Tensor<'_> {
    let last: Option<Vec<i64>> = x.dims().iter().skip(x.ndim().saturating_sub(n)).map(|d| d.known().map(|n| n as i64)).collect();
    match last {
        Some(dims) => broadcast_to(x.graph().literal(false.into(), crate::dtype::DType::Bool), dims),
        None => x,
    }
}

/// The lengths that a tensor lends for `n` axes.
pub(super) fn lent<'a>(c: &Infer<'_>, like: &'a Aval, n: usize) -> Result<&'a [Dim]> {
    match like.shape.len().checked_sub(n) {
        Some(from) => Ok(like.shape.get(from..).unwrap_or(&[])),
        None => c.shape_error("too few lengths are given", Tuple(&like.shape), format_args!("{n} axes at least")),
    }
}
