//! Convolutions by the names and arguments of networks.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Padding, PerAxis};
use crate::graph::op::OpDef;
use crate::ops::broadcast::broadcast_to;
use crate::ops::movement::{expand_dims, reshape, squeeze};
use crate::ops::positions::check_length;
use crate::shape::{Dim, Tuple};

use super::convolution::{convolve, convolve_input, divided};
use super::sliding::{Sliding, each};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&CONV1D, &CONV2D, &CONV3D, &CONV_TRANSPOSE1D, &CONV_TRANSPOSE2D, &CONV_TRANSPOSE3D];

/// What a user says of a convolution.
struct Said {
    stride: PerAxis,
    padding: Padding,
    dilation: PerAxis,
    groups: i64,
}

/// `x` with an axis of samples, and whether it had none.
fn samples<'g>(op: &str, n: usize, x: Tensor<'g>, w: Tensor<'g>) -> Result<(Tensor<'g>, bool)> {
    let fits = (x.ndim() == n + 1 || x.ndim() == n + 2) && w.ndim() == n + 2;
    if !fits {
        let got = format!("{} and {}", Tuple(x.dims()), Tuple(w.dims()));
        let rule = format!("x with {} axes, or {} without samples, and w with {}", n + 2, n + 1, n + 2);
        return Err(Error::new(ErrorKind::Shape, op, "the operands have the wrong number of axes", got, rule));
    }
    let alone = x.ndim() == n + 1;
    Ok((if alone { expand_dims(x, 0) } else { x }, alone))
}

/// `y` with a number added to each channel.
fn with_bias<'g>(op: &str, n: usize, y: Tensor<'g>, bias: Option<Tensor<'g>>) -> Result<Tensor<'g>> {
    let Some(bias) = bias else { return Ok(y) };
    let channels = y.dims().get(1).copied().unwrap_or(Dim::Known(0));
    match bias.dims() {
        [own] if own.unify(channels).is_some() => {
            let mut dims = vec![-1i64];
            dims.resize(n + 1, 1);
            let bias = channels.known().map_or(bias, |n| check_length(bias, 0, n as i64));
            Ok(y + reshape(bias, dims))
        }
        own => {
            let (got, rule) = (Tuple(own).to_string(), format!("shape {}", Tuple(&[channels])));
            Err(Error::new(ErrorKind::Shape, op, "the bias does not fit", got, rule))
        }
    }
}

/// An error unless the channels of an operand fit the filters.
fn fitting(op: &str, x: Tensor<'_>, w: Tensor<'_>, groups: i64) -> Result<()> {
    let (&[_, channels, ..], &[filters, depth, ..]) = (x.dims(), w.dims()) else { return Ok(()) };
    let count = divided(op, groups, channels, "channels")?;
    divided(op, groups, filters, "filters")?;
    if channels.known().is_none_or(|n| depth.unify(Dim::Known(n / count)).is_some()) {
        return Ok(());
    }
    let got = format!("{} and {} in groups={groups}", Tuple(x.dims()), Tuple(w.dims()));
    Err(Error::new(ErrorKind::Shape, op, "the channels do not fit", got, "w.shape[1] == channels / groups"))
}

fn convolution<'g>(op: &str, n: usize, x: Tensor<'g>, w: Tensor<'g>, bias: Option<Tensor<'g>>, said: &Said) -> Result<Tensor<'g>> {
    let (x, alone) = samples(op, n, x, w)?;
    fitting(op, x, w, said.groups)?;
    let (lengths, kernel) = (x.dims().get(2..).unwrap_or(&[]), w.dims().get(2..).unwrap_or(&[]));
    let s = Sliding::said(op, kernel, &said.stride, &said.padding, &said.dilation)?;
    s.all_places(op, lengths, kernel, &mut || Dim::Known(0))?;
    let (stride, padding, dilation) = s.attrs();
    let y = with_bias(op, n, convolve(x, w, stride, padding, dilation, said.groups), bias)?;
    Ok(if alone { squeeze(y, 0) } else { y })
}

fn transposed<'g>(
    op: &str,
    n: usize,
    x: Tensor<'g>,
    w: Tensor<'g>,
    bias: Option<Tensor<'g>>,
    said: &Said,
    output_padding: &PerAxis,
) -> Result<Tensor<'g>> {
    let (x, alone) = samples(op, n, x, w)?;
    let (&[_, channels, ..], &[filters, ..]) = (x.dims(), w.dims()) else { return Ok(x) };
    divided(op, said.groups, filters, "channels")?;
    if channels.unify(filters).is_none() {
        let got = format!("{} and {}", Tuple(x.dims()), Tuple(w.dims()));
        return Err(Error::new(ErrorKind::Shape, op, "the channels do not fit", got, "w.shape[0] == channels"));
    }
    let (places, kernel) = (x.dims().get(2..).unwrap_or(&[]), w.dims().get(2..).unwrap_or(&[]));
    let s = Sliding::said(op, kernel, &said.stride, &said.padding, &said.dilation)?;
    let more = each(op, "output_padding", output_padding, n, 0)?;
    let mut lengths = vec![];
    for (i, (p, k)) in places.iter().zip(kernel).enumerate() {
        let (Some(p), Some(k)) = (p.known(), k.known()) else {
            let got = format!("{} and {}", Tuple(x.dims()), Tuple(w.dims()));
            return Err(Error::new(
                ErrorKind::Shape,
                op,
                "a length is not known",
                got,
                "known lengths of the axes over which the window slides",
            ));
        };
        let (Some(&stride), Some(&[before, after]), Some(&dilation), Some(&more)) =
            (s.stride.get(i), s.ends.get(i), s.dilation.get(i), more.get(i))
        else {
            continue;
        };
        if more >= stride.max(dilation) {
            let got = format!("output_padding={more} with a stride of {stride} and a dilation of {dilation}");
            return Err(Error::new(ErrorKind::Value, op, "`output_padding` is out of range", got, "less than the stride or the dilation"));
        }
        let length = i128::from(stride) * (p as i128 - 1) + i128::from(dilation) * (k as i128 - 1) + 1 + i128::from(more)
            - i128::from(before)
            - i128::from(after);
        if k == 0 || p == 0 || length < 0 || length > i128::from(i64::MAX) {
            let got = format!("{p} elements, a window of {k}, a stride of {stride}, {before} and {after} cut off");
            return Err(Error::new(ErrorKind::Shape, op, "the result has no length", got, "a length >= 0 that can be counted"));
        }
        lengths.push(length as i64);
    }
    let like = broadcast_to(x.graph().literal(false.into(), crate::dtype::DType::Bool), lengths);
    let (stride, padding, dilation) = s.attrs();
    let y = with_bias(op, n, convolve_input(x, w, like, stride, padding, dilation, said.groups), bias)?;
    Ok(if alone { squeeze(y, 0) } else { y })
}

row! {
    /// Filters `w` (filters, channels / groups, k) slid over `x` (n, channels, m), or (channels, m):
    /// `y[n, f, p] = bias[f] + sum of w[f, c, q] * x[n, c, p * stride - padding + q * dilation]`, with zeros around `x`; a cross-correlation, as
    /// networks have it. The result has `(m + padding - dilation * (k - 1) - 1) // stride + 1` places.
    ///
    /// `padding` is a number, one for each axis, or a pair for each: how many zeros stand at the two ends; "valid" is none, "same" as many as
    /// give the result the length of `x`, with a stride of 1. Each of the `groups` of channels has filters of its own.
    ///
    /// Gradient: to `x` the transposed convolution of `g`, to `w` the products of `x` and `g` summed over places and samples, to `bias` the sum of `g`.
    pub CONV1D = fn conv1d(x: float, w: float, bias: float = None; stride: PerAxis = PerAxis::all(1), padding: Padding = Padding::valid(), dilation: PerAxis = PerAxis::all(1), groups: i64 = 1) -> y
    body { convolution("conv1d", 1, x, w, bias, &Said { stride, padding, dilation, groups })? }
    numpy "ref.conv(1, x, w, bias, stride, padding, dilation, groups)";
    example "T.conv1d([[1.0, 2.0, 4.0, 8.0]], [[[1.0, -1.0]]])" => "[[-1. -2. -4.]]";
    by hand;
    exempt Unknown: "with `padding=\"same\"` it needs the lengths of the window, and says so";
    case real[2, 3, 8], real[4, 3, 3], real[4];
    case real[2, 4, 7], real[2, 2, 4], none with padding = Padding::Same, groups = 2;
    case real[3, 8], real[4, 3, 3], real[4] with stride = 3, padding = [(2, 1)], dilation = 2;
    refuses f64[2, 3], f64[4, 3], f64[4] => "conv1d: the operands have the wrong number of axes. Got (2, 3) and (4, 3); expected x with 3 axes, or 2 without samples, and w with 3.";
    refuses f64[2, 3, 8], f64[4, 3, 3], f64[3] => "conv1d: the bias does not fit. Got (3,); expected shape (4,).";
    refuses f64[2, 3, 8], f64[4, 3, 3], f64[4] with stride = 2, padding = Padding::Same => "conv1d: `padding` \"same\" has no meaning. Got stride=2; expected stride=1.";
    refuses f64[2, 3, 8], f64[4, 3, 3], f64[4] with stride = (-1) => "conv1d: `stride` is out of range. Got stride=-1; expected numbers from 1 to 2147483647.";
}
row! {
    /// Filters `w` (filters, channels / groups, rows, columns) slid over images `x` (n, channels, rows, columns), or one image without the axis of
    /// samples; see `conv1d`. Arguments that are one number hold for both axes.
    ///
    /// Gradient: to `x` the transposed convolution of `g`, to `w` the products of `x` and `g` summed over places and samples, to `bias` the sum of `g`.
    pub CONV2D = fn conv2d(x: float, w: float, bias: float = None; stride: PerAxis = PerAxis::all(1), padding: Padding = Padding::valid(), dilation: PerAxis = PerAxis::all(1), groups: i64 = 1) -> y
    body { convolution("conv2d", 2, x, w, bias, &Said { stride, padding, dilation, groups })? }
    numpy "ref.conv(2, x, w, bias, stride, padding, dilation, groups)";
    example "T.conv2d(np.ones((1, 3, 3)), np.ones((1, 1, 2, 2)), padding=\"same\")" => "[[[4. 4. 2.]\n  [4. 4. 2.]\n  [2. 2. 1.]]]";
    by hand;
    exempt Unknown: "with `padding=\"same\"` it needs the lengths of the window, and says so";
    case real[2, 3, 5, 6], real[4, 3, 3, 2], real[4] with padding = 1;
    case real[1, 4, 6, 5], real[4, 1, 3, 3], none with stride = [2, 1], padding = [0, 2], groups = 4;
    case real[2, 4, 5], real[3, 2, 2, 2], real[3] with padding = Padding::Same;
    case real[2, 2, 3, 4], real[3, 2, 1, 1], real[3];
    refuses f64[2, 3, 5, 6], f64[4, 2, 3, 2], f64[4] => "conv2d: the channels do not fit. Got (2, 3, 5, 6) and (4, 2, 3, 2) in groups=1; expected w.shape[1] == channels / groups.";
    refuses f64[2, 3, 5, 6], f64[4, 3, 3, 2], f64[4] with groups = 2 => "conv2d: the groups do not divide the channels. Got groups=2 for 3 channels; expected a divisor of 3.";
    refuses f64[2, 3, 5, 6], f64[4, 3, 6, 2], f64[4] => "conv2d: the window does not fit into the array. Got a window of 6 elements, 1 apart, over 5 elements with 0 and 0 beside them; expected an extent from 1 to 5.";
    refuses f64[2, 3, 5, 6], f64[4, 3, 3, 2], f64[4] with stride = [1, 0] => "conv2d: `stride` is out of range. Got stride=(1, 0); expected numbers from 1 to 2147483647.";
    refuses f64[2, 3, 5, 6], f64[4, 3, 3, 2], f64[4] with stride = [1, 1, 1] => "conv2d: `stride` does not fit the axes. Got (1, 1, 1); expected a number, or 2 of them.";
    refuses f64[2, 3, 5, 6], f64[4, 3, 3, 2], f64[4] with padding = (-1) => "conv2d: `padding` is out of range. Got padding=-1; expected numbers from 0 to 2147483647.";
}
row! {
    /// Filters `w` (filters, channels / groups, planes, rows, columns) slid over `x` (n, channels, planes, rows, columns), or without the axis of
    /// samples; see `conv1d`.
    ///
    /// Gradient: to `x` the transposed convolution of `g`, to `w` the products of `x` and `g` summed over places and samples, to `bias` the sum of `g`.
    pub CONV3D = fn conv3d(x: float, w: float, bias: float = None; stride: PerAxis = PerAxis::all(1), padding: Padding = Padding::valid(), dilation: PerAxis = PerAxis::all(1), groups: i64 = 1) -> y
    body { convolution("conv3d", 3, x, w, bias, &Said { stride, padding, dilation, groups })? }
    numpy "ref.conv(3, x, w, bias, stride, padding, dilation, groups)";
    example "T.conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)))" => "[[[[8.]]]]";
    by hand;
    case real[1, 2, 3, 4, 3], real[2, 2, 2, 3, 2], real[2] with stride = [1, 2, 1], padding = [1, 0, 1];
    case real[2, 4, 3, 3, 3], real[2, 2, 2, 2, 2], none with dilation = 2, groups = 2;
    refuses f64[3, 5, 6], f64[4, 3, 3, 2, 1], f64[4] => "conv3d: the operands have the wrong number of axes. Got (3, 5, 6) and (4, 3, 3, 2, 1); expected x with 5 axes, or 4 without samples, and w with 5.";
}
row! {
    /// The adjoint of `conv1d` with the same arguments: `x` (n, channels, places) spread by filters `w` (channels, filters / groups, k) over
    /// `(places - 1) * stride - padding + dilation * (k - 1) + output_padding + 1` elements, of which the last `output_padding` are added at the end.
    ///
    /// Gradient: to `x` the convolution of `g`, to `w` the products of `g` and `x` summed over places and samples, to `bias` the sum of `g`.
    pub CONV_TRANSPOSE1D = fn conv_transpose1d(x: float, w: float, bias: float = None; stride: PerAxis = PerAxis::all(1), padding: Padding = Padding::valid(), output_padding: PerAxis = PerAxis::all(0), groups: i64 = 1, dilation: PerAxis = PerAxis::all(1)) -> y
    body { transposed("conv_transpose1d", 1, x, w, bias, &Said { stride, padding, dilation, groups }, &output_padding)? }
    numpy "ref.conv_transpose(1, x, w, bias, stride, padding, output_padding, groups, dilation)";
    example "T.conv_transpose1d([[1.0, 2.0]], [[[1.0, 10.0]]], stride=2)" => "[[ 1. 10.  2. 20.]]";
    alias conv1d_transpose;
    by hand;
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case real[2, 3, 4], real[3, 2, 3], real[2] with stride = 2, padding = 1, output_padding = 1;
    case real[4, 5], real[4, 1, 2], none with groups = 2, dilation = 3;
    refuses f64[2, 3, 4], f64[2, 2, 3], f64[2] => "conv_transpose1d: the channels do not fit. Got (2, 3, 4) and (2, 2, 3); expected w.shape[0] == channels.";
    refuses f64[2, 3, 4], f64[3, 2, 3], f64[2] with output_padding = 1 => "conv_transpose1d: `output_padding` is out of range. Got output_padding=1 with a stride of 1 and a dilation of 1; expected less than the stride or the dilation.";
    refuses f64[2, 3, 1], f64[3, 2, 3], f64[2] with padding = 2 => "conv_transpose1d: the result has no length. Got 1 elements, a window of 3, a stride of 1, 2 and 2 cut off; expected a length >= 0 that can be counted.";
}
row! {
    /// The adjoint of `conv2d` with the same arguments, for `x` (n, channels, rows, columns) and filters `w` (channels, filters / groups, rows, columns);
    /// see `conv_transpose1d`.
    ///
    /// Gradient: to `x` the convolution of `g`, to `w` the products of `g` and `x` summed over places and samples, to `bias` the sum of `g`.
    pub CONV_TRANSPOSE2D = fn conv_transpose2d(x: float, w: float, bias: float = None; stride: PerAxis = PerAxis::all(1), padding: Padding = Padding::valid(), output_padding: PerAxis = PerAxis::all(0), groups: i64 = 1, dilation: PerAxis = PerAxis::all(1)) -> y
    body { transposed("conv_transpose2d", 2, x, w, bias, &Said { stride, padding, dilation, groups }, &output_padding)? }
    numpy "ref.conv_transpose(2, x, w, bias, stride, padding, output_padding, groups, dilation)";
    example "T.conv_transpose2d([[[1.0, 2.0]]], np.ones((1, 1, 2, 1)))" => "[[[1. 2.]\n  [1. 2.]]]";
    alias conv2d_transpose;
    by hand;
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case real[2, 3, 3, 2], real[3, 2, 3, 2], real[2] with stride = [2, 1], padding = 1, output_padding = [1, 0];
    case real[4, 3, 3], real[4, 1, 2, 2], none with stride = 3, dilation = 2, groups = 2, output_padding = [0, 2];
    refuses f64[2, 3, 4, 4], f64[3, 2, 3, 3], f64[2] with groups = 2 => "conv_transpose2d: the groups do not divide the channels. Got groups=2 for 3 channels; expected a divisor of 3.";
}
row! {
    /// The adjoint of `conv3d` with the same arguments; see `conv_transpose1d`.
    ///
    /// Gradient: to `x` the convolution of `g`, to `w` the products of `g` and `x` summed over places and samples, to `bias` the sum of `g`.
    pub CONV_TRANSPOSE3D = fn conv_transpose3d(x: float, w: float, bias: float = None; stride: PerAxis = PerAxis::all(1), padding: Padding = Padding::valid(), output_padding: PerAxis = PerAxis::all(0), groups: i64 = 1, dilation: PerAxis = PerAxis::all(1)) -> y
    body { transposed("conv_transpose3d", 3, x, w, bias, &Said { stride, padding, dilation, groups }, &output_padding)? }
    numpy "ref.conv_transpose(3, x, w, bias, stride, padding, output_padding, groups, dilation)";
    example "T.conv_transpose3d(np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1, 2)))" => "[[[[1. 1.]]]]";
    alias conv3d_transpose;
    by hand;
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case real[1, 2, 2, 3, 2], real[2, 2, 2, 2, 1], real[2] with stride = [2, 1, 1], padding = [(0, 1), (1, 0), (0, 0)];
    refuses f64[3, 5, 6], f64[3, 4, 3, 2, 1], f64[4] => "conv_transpose3d: the operands have the wrong number of axes. Got (3, 5, 6) and (3, 4, 3, 2, 1); expected x with 5 axes, or 4 without samples, and w with 5.";
}
