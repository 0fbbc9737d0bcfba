//! The same elements in another order, and with axes in another order or number.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Axes, Ints};
use crate::graph::op::{Kernel, OpDef};
use crate::kernels;
use crate::ops::contract::swapped;
use crate::ops::movement::{expand_dims, merge_axes, reshape, reshape_like, transpose};
use crate::ops::unpack::attr;
use crate::shape::{self, Strides, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[
    &FLIP,
    &FLIPLR,
    &FLIPUD,
    &ROLL_AXIS,
    &ROLL,
    &MOVEAXIS,
    &SWAPAXES,
    &MATRIX_TRANSPOSE,
    &RAVEL,
    &FLATTEN,
    &ATLEAST_1D,
    &ATLEAST_2D,
    &ATLEAST_3D,
];

/// An error of `op` unless `x` has so many axes.
fn check_ndim(op: &str, x: Tensor<'_>, least: usize, rule: &str) -> Result<()> {
    if x.ndim() >= least {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Shape, op, "there are too few axes", format_args!("shape {}", Tuple(x.dims())), rule))
}

row! {
    /// `x` backwards along `axis`, which is one axis, several, or all of them by default; along no axis (`()`), `x` itself.
    ///
    /// Gradient: `g` backwards.
    pub FLIP = fn flip(x: any; axis: Axes = Axes(None)) -> y
    shape(c) {
        shape::axes(c.op, axis.0.as_deref(), x.ndim())?;
        Ok(smallvec![x.clone()])
    };
    kernel Kernel::View(|dims, strides, attrs, _| {
        let axis: Axes = attr(attrs.first()).ok()?;
        let axes = shape::axes("flip", axis.0.as_deref(), dims.len()).ok()?;
        let (mut start, mut steps) = (0, Strides::from_slice(strides));
        // Nothing stands at the end of what is empty.
        for (i, s) in steps.iter_mut().enumerate().filter(|(i, _)| axes.contains(i) && !dims.contains(&0)) {
            start += *s * (dims.get(i).copied()? as isize - 1);
            *s = -*s;
        }
        Some((start, steps))
    });
    support Moved;
    vjp(g) { x: flip(g, axis) }
    batch Axes;
    numpy "np.flip(x, axis)";
    example "T.flip([[1, 2, 3], [4, 5, 6]], axis=1)" => "[[3 2 1]\n [6 5 4]]";
    case real[2, 3] with axis = ();
    case real[2, 3, 4] with axis = [0, -1];
    case real[4, 3] with axis = 0;
    refuses f64[2] with axis = 1 => "flip: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2, 3] with axis = [0, -2] => "flip: an axis is named twice. Got (0, -2); expected distinct axes.";
}
row! {
    /// `x` backwards along the second axis: left and right exchanged.
    ///
    /// Gradient: `g` backwards.
    pub FLIPLR = fn fliplr(x: any) -> y
    body {
        check_ndim("fliplr", x, 2, "two axes or more")?;
        flip(x, 1)
    }
    numpy "np.fliplr(x)";
    example "T.fliplr([[1, 2], [3, 4]])" => "[[2 1]\n [4 3]]";
    case real[2, 3];
    refuses f64[2] => "fliplr: there are too few axes. Got shape (2,); expected two axes or more.";
}
row! {
    /// `x` backwards along the first axis: up and down exchanged.
    ///
    /// Gradient: `g` backwards.
    pub FLIPUD = fn flipud(x: any) -> y
    body {
        check_ndim("flipud", x, 1, "one axis or more")?;
        flip(x, 0)
    }
    numpy "np.flipud(x)";
    example "T.flipud([[1, 2], [3, 4]])" => "[[3 4]\n [1 2]]";
    case real[2, 3];
    refuses f64[] => "flipud: there are too few axes. Got shape (); expected one axis or more.";
}
row! {
    /// `x` moved by `shift` along `axis`; what leaves at one end comes in at the other.
    ///
    /// Gradient: `g` moved back.
    pub(crate) ROLL_AXIS = fn roll_axis(x: any; shift: i64, axis: i64) -> y
    shape(c) {
        shape::axis(c.op, axis, x.ndim())?;
        if shift == i64::MIN {
            return c.shape_error("the shift is too large", shift, "a shift that can be taken back");
        }
        Ok(smallvec![x.clone()])
    };
    kernel call!(false, |[x] -> [y], c| {
        let axis = shape::axis(c.op, attr(c.attrs.get(1))?, y.dims().len())?;
        kernels::places::roll(c.ranges, *x, axis, attr(c.attrs.first())?, y)
    });
    support Moved;
    vjp(g) { x: roll_axis(g, shift.wrapping_neg(), axis) }
    batch Axes;
    numpy "np.roll(x, shift, axis)";
    case real[5] with shift = 2, axis = 0;
    case real[2, 3] with shift = -7, axis = -1;
    refuses f64[2] with shift = 1, axis = 1 => "roll_axis: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2] with shift = i64::MIN, axis = 0 => "roll_axis: the shift is too large. Got -9223372036854775808; expected a shift that can be taken back.";
}
row! {
    /// `x` moved by `shift` along `axis`; what leaves at one end comes in at the other. Several shifts go with several axes, or with one;
    /// without an axis, the elements move in C order.
    ///
    /// Gradient: `g` moved back.
    pub ROLL = fn roll(x: any; shift: Ints, axis: Axes = Axes(None)) -> y
    body {
        let flat = axis.0.is_none();
        let axes: Vec<usize> = match &axis.0 {
            Some(list) => list.iter().map(|&a| shape::axis("roll", a, x.ndim())).collect::<Result<_>>()?,
            None => vec![0],
        };
        let pairs = match (&shift.0[..], &axes[..]) {
            ([one], axes) => axes.iter().map(|&a| (*one, a)).collect(),
            (shifts, [one]) => shifts.iter().map(|&s| (s, *one)).collect(),
            (shifts, axes) if shifts.len() == axes.len() => shifts.iter().copied().zip(axes.iter().copied()).collect::<Vec<_>>(),
            (shifts, axes) => {
                let got = format_args!("{} shifts and {} axes", shifts.len(), axes.len());
                return Err(Error::new(ErrorKind::Shape, "roll", "shifts and axes do not pair", got, "as many shifts as axes, or one"));
            }
        };
        let whole = x;
        let x = if flat { ravel(x) } else { x };
        let y = pairs.iter().filter(|(shift, _)| *shift != 0).fold(x, |y, &(shift, axis)| roll_axis(y, shift, axis as i64));
        if flat { reshape_like(y, whole) } else { y }
    }
    numpy "np.roll(x, shift, axis)";
    example "T.roll([[1, 2, 3], [4, 5, 6]], 1, axis=1)" => "[[3 1 2]\n [6 4 5]]";
    case real[2, 3] with shift = 2;
    case real[2, 3] with shift = -1, axis = 1;
    case real[2, 3, 4] with shift = [1, -5], axis = [0, -1];
    case real[5] with shift = [1, 2], axis = 0;
    case real[] with shift = 3;
    refuses f64[2] with shift = 1, axis = 1 => "roll: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2, 3] with shift = [1, 2, 3], axis = [0, 1] => "roll: shifts and axes do not pair. Got 3 shifts and 2 axes; expected as many shifts as axes, or one.";
}

/// Axes of `x` that are moved, each named once.
fn distinct(x: Tensor<'_>, list: &[i64]) -> Result<Vec<usize>> {
    shape::axes("moveaxis", Some(list), x.ndim())?;
    list.iter().map(|&a| shape::axis("moveaxis", a, x.ndim())).collect()
}

row! {
    /// `x` with its axes `source` at `destination` of the result; the others stay in their order.
    ///
    /// Gradient: `g` with the axes put back.
    pub MOVEAXIS = fn moveaxis(x: any; source: Ints, destination: Ints) -> y
    body {
        let (from, to) = (distinct(x, &source.0)?, distinct(x, &destination.0)?);
        if from.len() != to.len() {
            let got = format_args!("{} and {}", Tuple(&source.0), Tuple(&destination.0));
            return Err(Error::new(ErrorKind::Shape, "moveaxis", "source and destination do not pair", got, "as many axes in both"));
        }
        let mut order: Vec<i64> = (0..x.ndim()).filter(|i| !from.contains(i)).map(|i| i as i64).collect();
        let mut moves: Vec<(usize, usize)> = to.into_iter().zip(from).collect();
        moves.sort_unstable();
        moves.into_iter().for_each(|(to, from)| order.insert(to.min(order.len()), from as i64));
        transpose(x, order)
    }
    numpy "np.moveaxis(x, source, destination)";
    example "T.moveaxis(np.zeros((2, 3, 4)), 0, -1)[0]" => "[[0. 0.]\n [0. 0.]\n [0. 0.]\n [0. 0.]]";
    case real[2, 3, 4] with source = 0, destination = -1;
    case real[2, 3, 4] with source = [2, 0], destination = [0, 1];
    refuses f64[2, 3] with source = [0, 1], destination = 1 => "moveaxis: source and destination do not pair. Got (0, 1) and (1,); expected as many axes in both.";
    refuses f64[2, 3] with source = [0, 0], destination = [0, 1] => "moveaxis: an axis is named twice. Got (0, 0); expected distinct axes.";
    refuses f64[2, 3] with source = 2, destination = 0 => "moveaxis: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}
row! {
    /// `x` with two axes exchanged.
    ///
    /// Gradient: `g` with them exchanged.
    pub SWAPAXES = fn swapaxes(x: any; axis1: i64, axis2: i64) -> y
    body {
        let (a, b) = (shape::axis("swapaxes", axis1, x.ndim())?, shape::axis("swapaxes", axis2, x.ndim())?);
        let mut order: Vec<i64> = (0..x.ndim() as i64).collect();
        order.swap(a, b);
        transpose(x, order)
    }
    numpy "np.swapaxes(x, axis1, axis2)";
    example "T.swapaxes([[1, 2, 3], [4, 5, 6]], 0, 1)" => "[[1 4]\n [2 5]\n [3 6]]";
    method swapaxes;
    case real[2, 3, 4] with axis1 = 0, axis2 = -1;
    case real[3] with axis1 = 0, axis2 = 0;
    refuses f64[2, 3] with axis1 = 0, axis2 = 2 => "swapaxes: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}
row! {
    /// The matrices in the last two axes of `x` transposed: these axes exchanged.
    ///
    /// Gradient: the same of `g`.
    pub MATRIX_TRANSPOSE = fn matrix_transpose(x: any) -> y
    body {
        check_ndim("matrix_transpose", x, 2, "two axes or more")?;
        swapped(x)
    }
    numpy "np.swapaxes(x, -1, -2)";
    example "T.matrix_transpose([[1, 2, 3], [4, 5, 6]])" => "[[1 4]\n [2 5]\n [3 6]]";
    linalg matrix_transpose;
    case real[2, 3];
    case real[2, 3, 4];
    refuses f64[2] => "matrix_transpose: there are too few axes. Got shape (2,); expected two axes or more.";
}
row! {
    /// The elements of `x` in C order along one axis.
    ///
    /// Gradient: `g` under the shape of `x`.
    pub RAVEL = fn ravel(x: any) -> y
    body { if x.ndim() == 1 { x } else { reshape(x, -1) } }
    numpy "np.ravel(x)";
    example "T.ravel([[1, 2], [3, 4]])" => "[1 2 3 4]";
    method ravel;
    case real[2, 3];
    case real[4];
    case real[];
}
row! {
    /// `x` with its axes from `start_dim` up to and with `end_dim` joined into one, in C order: all of them by default. A 0-d array
    /// becomes one of one element.
    ///
    /// Gradient: `g` under the shape of `x`.
    pub FLATTEN = fn flatten(x: any; start_dim: i64 = 0, end_dim: i64 = -1) -> y
    body {
        let ndim = x.ndim().max(1);
        let (first, last) = (shape::axis("flatten", start_dim, ndim)?, shape::axis("flatten", end_dim, ndim)?);
        if first > last {
            let got = format_args!("start_dim={start_dim} and end_dim={end_dim} for {} dimensions", x.ndim());
            return Err(Error::new(ErrorKind::Shape, "flatten", "the axes end before they start", got, "start_dim <= end_dim"));
        }
        match x.ndim() {
            0 => reshape(x, 1),
            _ if first == last => x,
            _ => merge_axes(x, first, last - first + 1),
        }
    }
    numpy "np.reshape(x, (*x.shape[:start_dim], -1, *x.shape[x.ndim + 1 + end_dim if end_dim < 0 else end_dim + 1:]))";
    example "T.flatten([[[1, 2], [3, 4]]], start_dim=1)" => "[[1 2 3 4]]";
    method flatten;
    case real[2, 3];
    case real[2, 3, 4] with start_dim = 1;
    case real[2, 3, 4] with end_dim = 1;
    case real[];
    refuses f64[2, 3] with start_dim = 1, end_dim = 0 => "flatten: the axes end before they start. Got start_dim=1 and end_dim=0 for 2 dimensions; expected start_dim <= end_dim.";
    refuses f64[2, 3] with start_dim = 2 => "flatten: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}
row! {
    /// `x` with one axis at least: a number becomes one element.
    ///
    /// Gradient: `g` under the shape of `x`.
    pub ATLEAST_1D = fn atleast_1d(x: any) -> y
    body { if x.ndim() == 0 { expand_dims(x, 0) } else { x } }
    numpy "np.atleast_1d(x)";
    example "T.atleast_1d(3)" => "[3]";
    case real[];
    case real[2, 3];
}
row! {
    /// `x` with two axes at least: numbers and vectors become a row.
    ///
    /// Gradient: `g` under the shape of `x`.
    pub ATLEAST_2D = fn atleast_2d(x: any) -> y
    body {
        match x.ndim() {
            0 => expand_dims(x, [0, 1]),
            1 => expand_dims(x, 0),
            _ => x,
        }
    }
    numpy "np.atleast_2d(x)";
    example "T.atleast_2d([1, 2])" => "[[1 2]]";
    case real[];
    case real[3];
    case real[2, 3];
}
row! {
    /// `x` with three axes at least: new ones in front and behind of a vector, and behind a matrix.
    ///
    /// Gradient: `g` under the shape of `x`.
    pub ATLEAST_3D = fn atleast_3d(x: any) -> y
    body {
        match x.ndim() {
            0 => expand_dims(x, [0, 1, 2]),
            1 => expand_dims(x, [0, 2]),
            2 => expand_dims(x, 2),
            _ => x,
        }
    }
    numpy "np.atleast_3d(x)";
    example "T.atleast_3d([[1, 2]])" => "[[[1]\n  [2]]]";
    case real[];
    case real[3];
    case real[2, 3];
    case real[2, 1, 3, 2];
}
