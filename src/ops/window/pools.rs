//! Pooling by the names and arguments of networks.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Axis, Padding, PerAxis, Widths};
use crate::graph::op::OpDef;
use crate::ops::apply::cast;
use crate::ops::arithmetic::{abs, minimum};
use crate::ops::compare::{equal, greater_equal, less, logical_and};
use crate::ops::composite::power::pow;
use crate::ops::contract::matmul;
use crate::ops::division::floor_divide;
use crate::ops::index::take;
use crate::ops::movement::{expand_dims, reshape, squeeze, transpose};
use crate::ops::positions::iota;
use crate::ops::reduce::reduce_sum;
use crate::ops::select::select;
use crate::shape::{Dim, Tuple};

use super::pooling::{window_counts, window_max, window_sum};
use super::sliding::{Sliding, each, lengths_of};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[
    &MAX_POOL1D,
    &MAX_POOL2D,
    &MAX_POOL3D,
    &MAX_POOL1D_WITH_INDICES,
    &MAX_POOL2D_WITH_INDICES,
    &MAX_POOL3D_WITH_INDICES,
    &AVG_POOL1D,
    &AVG_POOL2D,
    &AVG_POOL3D,
    &LP_POOL1D,
    &LP_POOL2D,
    &LP_POOL3D,
    &ADAPTIVE_AVG_POOL1D,
    &ADAPTIVE_AVG_POOL2D,
    &ADAPTIVE_AVG_POOL3D,
    &ADAPTIVE_MAX_POOL1D,
    &ADAPTIVE_MAX_POOL2D,
    &ADAPTIVE_MAX_POOL3D,
    &ADAPTIVE_MAX_POOL1D_WITH_INDICES,
    &ADAPTIVE_MAX_POOL2D_WITH_INDICES,
    &ADAPTIVE_MAX_POOL3D_WITH_INDICES,
];

/// `x` with an axis of samples, and whether it had none.
fn samples<'g>(op: &str, n: usize, x: Tensor<'g>) -> Result<(Tensor<'g>, bool)> {
    if x.ndim() != n + 1 && x.ndim() != n + 2 {
        let rule = format_args!("{} axes, or {} without samples", n + 2, n + 1);
        return Err(Error::new(ErrorKind::Shape, op, "the array has the wrong number of axes", Tuple(x.dims()), rule));
    }
    let alone = x.ndim() == n + 1;
    Ok((if alone { expand_dims(x, 0) } else { x }, alone))
}

/// What a user says of a window.
struct Said {
    kernel: PerAxis,
    stride: PerAxis,
    padding: Padding,
    dilation: PerAxis,
    ceil: bool,
}

/// A window whose elements lie side by side.
fn undilated(kernel: PerAxis, stride: PerAxis, padding: Padding, ceil: bool) -> Said {
    Said { kernel, stride, padding, dilation: PerAxis::all(1), ceil }
}

/// A window with what is said of it: where no stride is, its own lengths.
fn window(op: &str, n: usize, x: Tensor<'_>, said: &Said) -> Result<(PerAxis, Sliding)> {
    let lengths = each(op, "kernel_size", &said.kernel, n, 1)?;
    let stride = if said.stride.0.is_empty() { PerAxis(lengths.clone()) } else { said.stride.clone() };
    let dims: Vec<Dim> = lengths.iter().map(|&k| Dim::Known(k as usize)).collect();
    let s = Sliding { ceil: said.ceil, ..Sliding::said(op, &dims, &stride, &said.padding, &said.dilation)? };
    s.all_places(op, x.dims().get(2..).unwrap_or(&[]), &dims, &mut || Dim::Known(0))?;
    Ok((PerAxis(lengths), s))
}

fn largest<'g>(op: &str, n: usize, x: Tensor<'g>, said: &Said) -> Result<(Tensor<'g>, Tensor<'g>)> {
    let (x, alone) = samples(op, n, x)?;
    let (kernel, s) = window(op, n, x, said)?;
    for ((&k, &d), ends) in kernel.0.iter().zip(&s.dilation).zip(&s.ends) {
        let extent = d.saturating_mul(k - 1).saturating_add(1);
        if ends.iter().any(|&e| e > extent / 2) {
            let got = format!("{} and {} for a window of {k}, {d} apart", ends[0], ends[1]);
            return Err(Error::new(ErrorKind::Value, op, "a window may see nothing", got, "a padding of at most half the window"));
        }
    }
    let (stride, padding, dilation) = s.attrs();
    let (y, index) = window_max(x, kernel, stride, padding, dilation, s.ceil);
    Ok(if alone { (squeeze(y, 0), squeeze(index, 0)) } else { (y, index) })
}

/// What [`average`] is told besides its operand.
struct Average {
    window: Said,
    around: bool,
    divisor: Axis,
}

fn average<'g>(op: &str, n: usize, x: Tensor<'g>, said: &Average) -> Result<Tensor<'g>> {
    let (x, alone) = samples(op, n, x)?;
    let (kernel, s) = window(op, n, x, &said.window)?;
    let (stride, padding, _) = s.attrs();
    let sums = window_sum(x, kernel.clone(), stride.clone(), padding.clone(), s.ceil);
    let whole = !s.ceil && (said.around || padding.0.iter().flatten().all(|&e| e == 0));
    let y = match said.divisor {
        Some(0) => return Err(Error::new(ErrorKind::Value, op, "`divisor_override` is out of range", 0, "another number than 0")),
        Some(d) => sums / d as f64,
        None if whole => sums / kernel.0.iter().map(|&k| k as f64).product::<f64>(),
        None => {
            let mut y = sums;
            for (i, ((&k, &step), &ends)) in kernel.0.iter().zip(&stride.0).zip(&padding.0).enumerate() {
                let pair = Widths([ends].into());
                let counts = window_counts(lengths_of(x, n), i as i64 - n as i64, k, step, pair, s.ceil, said.around);
                let mut dims = vec![-1i64];
                dims.resize(n - i, 1);
                y = y / cast(reshape(counts, dims), x.dtype());
            }
            y
        }
    };
    Ok(if alone { squeeze(y, 0) } else { y })
}

fn power_mean<'g>(op: &str, n: usize, [x, p]: [Tensor<'g>; 2], said: &Said) -> Result<Tensor<'g>> {
    if p.ndim() != 0 {
        return Err(Error::new(ErrorKind::Shape, op, "`norm_type` is not a single number", Tuple(p.dims()), "a number"));
    }
    let (x, alone) = samples(op, n, x)?;
    let (kernel, s) = window(op, n, x, said)?;
    let (stride, padding, _) = s.attrs();
    let sums = window_sum(pow(abs(x), p), kernel, stride, padding, s.ceil);
    // The root has no derivative at 0: there it is 0.
    let none = equal(sums, 0.0);
    let y = select(none, 0.0, pow(select(none, 1.0, sums), 1.0 / p));
    Ok(if alone { squeeze(y, 0) } else { y })
}

/// The sizes of an adaptive pooling, and the lengths that it goes over.
fn sizes(op: &str, n: usize, x: Tensor<'_>, output_size: &PerAxis) -> Result<Vec<(usize, usize)>> {
    let all = each(op, "output_size", output_size, n, 1)?;
    let lengths = x.dims().iter().skip(2).zip(all);
    lengths
        .map(|(d, o)| match d.known() {
            Some(length) if length > 0 => Ok((length, o as usize)),
            _ => Err(Error::new(
                ErrorKind::Shape,
                op,
                "a length is not known, or 0",
                Tuple(x.dims()),
                "known lengths of the axes over which the window slides",
            )),
        })
        .collect()
}

/// Where window `i` of `size` over `length` elements begins, and where it ends, as columns.
fn bounds<'g>(x: Tensor<'g>, length: usize, size: usize) -> [Tensor<'g>; 2] {
    let i = iota(x.graph(), size as i64);
    let (length, size) = (length as i64, size as i64);
    [floor_divide(i * length, size), -floor_divide((i + 1i64) * -length, size)].map(|t| expand_dims(t, 1))
}

/// Windows that divide the axes evenly, if they do.
fn even(sizes: &[(usize, usize)]) -> Option<PerAxis> {
    sizes.iter().map(|&(n, o)| (n % o == 0).then_some((n / o) as i64)).collect::<Option<Vec<_>>>().map(|k| PerAxis(k.into()))
}

pub(super) fn adaptive_average<'g>(op: &str, n: usize, x: Tensor<'g>, output_size: &PerAxis) -> Result<Tensor<'g>> {
    let (x, alone) = samples(op, n, x)?;
    let sizes = sizes(op, n, x, output_size)?;
    let y = match even(&sizes) {
        Some(kernel) => {
            let whole = kernel.0.iter().map(|&k| k as f64).product::<f64>();
            window_sum(x, kernel.clone(), kernel, Widths([[0, 0]].into()), false) / whole
        }
        None => {
            let mut y = x;
            for (i, &(length, size)) in sizes.iter().enumerate() {
                let [first, end] = bounds(x, length, size);
                let at = iota(x.graph(), length as i64);
                let seen = cast(logical_and(greater_equal(at, first), less(at, end)), x.dtype());
                let weights = seen / reduce_sum(seen, 1i64, true);
                let mut order: Vec<i64> = (0..y.ndim() as i64).collect();
                let last = order.len() - 1;
                order.swap(i + 2, last);
                y = transpose(matmul(transpose(y, order.clone()), transpose(weights, ())), order);
            }
            y
        }
    };
    Ok(if alone { squeeze(y, 0) } else { y })
}

fn adaptive_largest<'g>(op: &str, n: usize, x: Tensor<'g>, output_size: &PerAxis) -> Result<(Tensor<'g>, Tensor<'g>)> {
    let (x, alone) = samples(op, n, x)?;
    let sizes = sizes(op, n, x, output_size)?;
    let none = || Widths([[0, 0]].into());
    let (y, index) = match even(&sizes) {
        Some(kernel) => window_max(x, kernel.clone(), kernel, none(), PerAxis::all(1), false),
        None => {
            // Each window's elements side by side; a shorter one repeats its last.
            let (mut all, mut kernel, mut seen) = (x, vec![], vec![]);
            for (i, &(length, size)) in sizes.iter().enumerate() {
                let [first, end] = bounds(x, length, size);
                let most = length.div_ceil(size) + 1;
                let places = reshape(minimum(first + iota(x.graph(), most as i64), end - 1i64), [(size * most) as i64]);
                all = take(all, places, (i + 2) as i64);
                kernel.push(most as i64);
                seen.push((places, (size * most) as i64, length as i64));
            }
            let kernel = PerAxis(kernel.into());
            let (y, mut rest) = window_max(all, kernel.clone(), kernel, none(), PerAxis::all(1), false);
            // Where the element that is named stands in `x`.
            let (mut index, mut step) = (None, 1i64);
            for &(places, count, length) in seen.iter().rev() {
                let others = floor_divide(rest, count);
                let own = take(places, rest - others * count, 0i64) * step;
                index = Some(index.map_or(own, |sum| own + sum));
                (rest, step) = (others, step * length);
            }
            (y, index.unwrap_or(rest))
        }
    };
    Ok(if alone { (squeeze(y, 0), squeeze(index, 0)) } else { (y, index) })
}

row! {
    /// The largest element in each window of `x` (n, channels, length), or of one sample without its axis. Windows of `kernel_size` elements, `dilation`
    /// apart, are `stride` apart, by default as far as they are long. Beside `x` stand `padding` places that no window takes its element from, at most half a
    /// window of them. With `ceil_mode` a last window may reach beyond the end, if it begins before. NaN where a window sees NaN.
    ///
    /// Gradient: `g` to the largest element of each window, of equal ones to the first.
    pub MAX_POOL1D = fn max_pool1d(x: number; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), padding: Padding = Padding::valid(), dilation: PerAxis = PerAxis::all(1), ceil_mode: bool = false) -> y
    body { largest("max_pool1d", 1, x, &Said { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode })?.0 }
    numpy "ref.max_pool(1, x, kernel_size, stride, padding, dilation, ceil_mode)";
    example "T.max_pool1d([[1.0, 3.0, 2.0, 5.0]], 2)" => "[[3. 5.]]";
    by hand;
    case distinct[2, 3, 8] with kernel_size = 2;
    case distinct[3, 7] with kernel_size = 3, stride = 2, padding = 1, ceil_mode = true;
    case distinct[2, 3, 8] with kernel_size = 2, stride = 1, dilation = 2;
    refuses f64[2] with kernel_size = 2 => "max_pool1d: the array has the wrong number of axes. Got (2,); expected 3 axes, or 2 without samples.";
    refuses f64[2, 3, 8] with kernel_size = 2, padding = 2 => "max_pool1d: a window may see nothing. Got 2 and 2 for a window of 2, 1 apart; expected a padding of at most half the window.";
    refuses f64[2, 3, 8] with kernel_size = 2, stride = (-1) => "max_pool1d: `stride` is out of range. Got stride=-1; expected numbers from 1 to 2147483647.";
}
row! {
    /// The largest element in each window of `x` (n, channels, rows, columns), or of one sample without its axis; see `max_pool1d`.
    ///
    /// Gradient: `g` to the largest element of each window, of equal ones to the first in C order.
    pub MAX_POOL2D = fn max_pool2d(x: number; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), padding: Padding = Padding::valid(), dilation: PerAxis = PerAxis::all(1), ceil_mode: bool = false) -> y
    body { largest("max_pool2d", 2, x, &Said { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode })?.0 }
    numpy "ref.max_pool(2, x, kernel_size, stride, padding, dilation, ceil_mode)";
    example "T.max_pool2d([[[1.0, 2.0], [4.0, 3.0]]], 2)" => "[[[4.]]]";
    by hand;
    case distinct[2, 2, 5, 6] with kernel_size = 2;
    case distinct[2, 6, 5] with kernel_size = 3, stride = 2, padding = 1, ceil_mode = true;
    case distinct[2, 2, 5, 6] with kernel_size = 2, stride = 1, dilation = 2;
    refuses f64[2] with kernel_size = 2 => "max_pool2d: the array has the wrong number of axes. Got (2,); expected 4 axes, or 3 without samples.";
    refuses f64[2, 2, 5, 6] with kernel_size = 2, padding = 2 => "max_pool2d: a window may see nothing. Got 2 and 2 for a window of 2, 1 apart; expected a padding of at most half the window.";
    refuses f64[2, 2, 5, 6] with kernel_size = 2, stride = (-1) => "max_pool2d: `stride` is out of range. Got stride=-1; expected numbers from 1 to 2147483647.";
}
row! {
    /// The largest element in each window of `x` (n, channels, planes, rows, columns), or of one sample without its axis; see `max_pool1d`.
    ///
    /// Gradient: `g` to the largest element of each window, of equal ones to the first in C order.
    pub MAX_POOL3D = fn max_pool3d(x: number; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), padding: Padding = Padding::valid(), dilation: PerAxis = PerAxis::all(1), ceil_mode: bool = false) -> y
    body { largest("max_pool3d", 3, x, &Said { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode })?.0 }
    numpy "ref.max_pool(3, x, kernel_size, stride, padding, dilation, ceil_mode)";
    example "T.max_pool3d(np.ones((1, 2, 2, 2)), 2)" => "[[[[1.]]]]";
    by hand;
    case distinct[1, 2, 4, 3, 5] with kernel_size = 2;
    case distinct[2, 3, 4, 4] with kernel_size = 3, stride = 2, padding = 1, ceil_mode = true;
    case distinct[1, 2, 4, 3, 5] with kernel_size = 2, stride = 1, dilation = 2;
    refuses f64[2] with kernel_size = 2 => "max_pool3d: the array has the wrong number of axes. Got (2,); expected 5 axes, or 4 without samples.";
    refuses f64[1, 2, 4, 3, 5] with kernel_size = 2, padding = 2 => "max_pool3d: a window may see nothing. Got 2 and 2 for a window of 2, 1 apart; expected a padding of at most half the window.";
    refuses f64[1, 2, 4, 3, 5] with kernel_size = 2, stride = (-1) => "max_pool3d: `stride` is out of range. Got stride=-1; expected numbers from 1 to 2147483647.";
}
row! {
    /// `max_pool1d`, and where each largest element stands among those of its channel, counted in C order.
    ///
    /// Gradient: that of `max_pool1d`.
    pub MAX_POOL1D_WITH_INDICES = fn max_pool1d_with_indices(x: number; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), padding: Padding = Padding::valid(), dilation: PerAxis = PerAxis::all(1), ceil_mode: bool = false) -> y, index
    body { largest("max_pool1d_with_indices", 1, x, &Said { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode })? }
    numpy "ref.max_pool(1, x, kernel_size, stride, padding, dilation, ceil_mode, indices=True)";
    example "T.max_pool1d_with_indices([[1.0, 3.0, 2.0, 5.0]], 2)" => "[[3. 5.]] [[1 3]]";
    case distinct[3, 7] with kernel_size = 3, stride = 2, padding = 1;
    refuses f64[2] with kernel_size = 2 => "max_pool1d_with_indices: the array has the wrong number of axes. Got (2,); expected 3 axes, or 2 without samples.";
}
row! {
    /// `max_pool2d`, and where each largest element stands among those of its channel, counted in C order.
    ///
    /// Gradient: that of `max_pool2d`.
    pub MAX_POOL2D_WITH_INDICES = fn max_pool2d_with_indices(x: number; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), padding: Padding = Padding::valid(), dilation: PerAxis = PerAxis::all(1), ceil_mode: bool = false) -> y, index
    body { largest("max_pool2d_with_indices", 2, x, &Said { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode })? }
    numpy "ref.max_pool(2, x, kernel_size, stride, padding, dilation, ceil_mode, indices=True)";
    example "T.max_pool2d_with_indices([[[1.0, 2.0], [4.0, 3.0]]], 2)" => "[[[4.]]] [[[2]]]";
    case distinct[2, 6, 5] with kernel_size = 3, stride = 2, padding = 1;
    refuses f64[2] with kernel_size = 2 => "max_pool2d_with_indices: the array has the wrong number of axes. Got (2,); expected 4 axes, or 3 without samples.";
}
row! {
    /// `max_pool3d`, and where each largest element stands among those of its channel, counted in C order.
    ///
    /// Gradient: that of `max_pool3d`.
    pub MAX_POOL3D_WITH_INDICES = fn max_pool3d_with_indices(x: number; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), padding: Padding = Padding::valid(), dilation: PerAxis = PerAxis::all(1), ceil_mode: bool = false) -> y, index
    body { largest("max_pool3d_with_indices", 3, x, &Said { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode })? }
    numpy "ref.max_pool(3, x, kernel_size, stride, padding, dilation, ceil_mode, indices=True)";
    example "T.max_pool3d_with_indices(np.ones((1, 2, 2, 2)), 2)" => "[[[[1.]]]] [[[[0]]]]";
    case distinct[2, 3, 4, 4] with kernel_size = 3, stride = 2, padding = 1;
    refuses f64[2] with kernel_size = 2 => "max_pool3d_with_indices: the array has the wrong number of axes. Got (2,); expected 5 axes, or 4 without samples.";
}
row! {
    /// The mean of each window of `x` (n, channels, length), or of one sample without its axis. Windows of `kernel_size` elements are `stride` apart, by default as
    /// far as they are long; beside `x` stand `padding` zeros. With `ceil_mode` a last window may reach beyond the end, if it begins before. The sum is divided
    /// by the elements of the window that lie in `x` or its padding, with `count_include_pad=False` by those in `x`, or by `divisor_override`.
    ///
    /// Gradient: `g` over the same number, to all elements of the window.
    pub AVG_POOL1D = fn avg_pool1d(x: float; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), padding: Padding = Padding::valid(), ceil_mode: bool = false, count_include_pad: bool = true, divisor_override: Axis = None) -> y
    body {
        let said = Average { window: undilated(kernel_size, stride, padding, ceil_mode), around: count_include_pad, divisor: divisor_override };
        average("avg_pool1d", 1, x, &said)?
    }
    numpy "ref.avg_pool(1, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)";
    example "T.avg_pool1d([[1.0, 3.0, 2.0, 6.0]], 2)" => "[[2. 4.]]";
    case real[2, 3, 8] with kernel_size = 2, padding = 1;
    case real[3, 7] with kernel_size = 3, stride = 2, padding = 1, ceil_mode = true;
    case real[2, 3, 8] with kernel_size = 3, stride = 2, padding = 1, ceil_mode = true, count_include_pad = false;
    case real[2, 3, 8] with kernel_size = 2, stride = 1, padding = 1, divisor_override = Some(-3);
    refuses f64[2, 3, 8] with kernel_size = 2, divisor_override = Some(0) => "avg_pool1d: `divisor_override` is out of range. Got 0; expected another number than 0.";
    refuses f64[2, 3, 8] with kernel_size = 2, stride = 0 => "avg_pool1d: `stride` is out of range. Got stride=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// The mean of each window of `x` (n, channels, rows, columns), or of one sample without its axis; see `avg_pool1d`.
    ///
    /// Gradient: `g` over the number of elements, to all elements of the window.
    pub AVG_POOL2D = fn avg_pool2d(x: float; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), padding: Padding = Padding::valid(), ceil_mode: bool = false, count_include_pad: bool = true, divisor_override: Axis = None) -> y
    body {
        let said = Average { window: undilated(kernel_size, stride, padding, ceil_mode), around: count_include_pad, divisor: divisor_override };
        average("avg_pool2d", 2, x, &said)?
    }
    numpy "ref.avg_pool(2, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)";
    example "T.avg_pool2d(np.ones((1, 2, 2)), 2, padding=1)" => "[[[0.25 0.25]\n  [0.25 0.25]]]";
    case real[2, 2, 5, 6] with kernel_size = 2, padding = 1;
    case real[2, 6, 5] with kernel_size = 3, stride = 2, padding = 1, ceil_mode = true;
    case real[2, 2, 5, 6] with kernel_size = 3, stride = 2, padding = 1, ceil_mode = true, count_include_pad = false;
    case real[2, 2, 5, 6] with kernel_size = 2, stride = 1, padding = 1, divisor_override = Some(-3);
    refuses f64[2, 2, 5, 6] with kernel_size = 2, divisor_override = Some(0) => "avg_pool2d: `divisor_override` is out of range. Got 0; expected another number than 0.";
    refuses f64[2, 2, 5, 6] with kernel_size = 2, stride = 0 => "avg_pool2d: `stride` is out of range. Got stride=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// The mean of each window of `x` (n, channels, planes, rows, columns), or of one sample without its axis; see `avg_pool1d`.
    ///
    /// Gradient: `g` over the number of elements, to all elements of the window.
    pub AVG_POOL3D = fn avg_pool3d(x: float; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), padding: Padding = Padding::valid(), ceil_mode: bool = false, count_include_pad: bool = true, divisor_override: Axis = None) -> y
    body {
        let said = Average { window: undilated(kernel_size, stride, padding, ceil_mode), around: count_include_pad, divisor: divisor_override };
        average("avg_pool3d", 3, x, &said)?
    }
    numpy "ref.avg_pool(3, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)";
    example "T.avg_pool3d(np.ones((1, 2, 2, 2)), 2, divisor_override=4)" => "[[[[2.]]]]";
    case real[1, 2, 4, 3, 5] with kernel_size = 2, padding = 1;
    case real[2, 3, 4, 4] with kernel_size = 3, stride = 2, padding = 1, ceil_mode = true;
    case real[1, 2, 4, 3, 5] with kernel_size = 3, stride = 2, padding = 1, ceil_mode = true, count_include_pad = false;
    case real[1, 2, 4, 3, 5] with kernel_size = 2, stride = 1, padding = 1, divisor_override = Some(-3);
    refuses f64[1, 2, 4, 3, 5] with kernel_size = 2, divisor_override = Some(0) => "avg_pool3d: `divisor_override` is out of range. Got 0; expected another number than 0.";
    refuses f64[1, 2, 4, 3, 5] with kernel_size = 2, stride = 0 => "avg_pool3d: `stride` is out of range. Got stride=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// The `p`-norm of each window of `x` (n, channels, length), or of one sample without its axis: `sum(|x| ** norm_type) ** (1 / norm_type)`. Windows are
    /// `stride` apart, by default as far as they are long.
    ///
    /// Gradient: that of the formula; 0 where the norm is 0.
    pub LP_POOL1D = fn lp_pool1d(x: float, norm_type: float; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), ceil_mode: bool = false) -> y
    body { power_mean("lp_pool1d", 1, [x, norm_type], &undilated(kernel_size, stride, Padding::valid(), ceil_mode))? }
    numpy "ref.lp_pool(1, x, norm_type, kernel_size, stride, ceil_mode)";
    example "T.lp_pool1d([[3.0, 4.0]], 2.0, 2)" => "[[5.]]";
    case positive[2, 3, 8], positive[] with kernel_size = 2;
    case positive[3, 7], positive[] with kernel_size = 3, stride = 2, ceil_mode = true;
    refuses f64[2, 3, 8], f64[2] with kernel_size = 2 => "lp_pool1d: `norm_type` is not a single number. Got (2,); expected a number.";
}
row! {
    /// The `p`-norm of each window of `x` (n, channels, rows, columns), or of one sample without its axis: `sum(|x| ** norm_type) ** (1 / norm_type)`. Windows are
    /// `stride` apart, by default as far as they are long.
    ///
    /// Gradient: that of the formula; 0 where the norm is 0.
    pub LP_POOL2D = fn lp_pool2d(x: float, norm_type: float; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), ceil_mode: bool = false) -> y
    body { power_mean("lp_pool2d", 2, [x, norm_type], &undilated(kernel_size, stride, Padding::valid(), ceil_mode))? }
    numpy "ref.lp_pool(2, x, norm_type, kernel_size, stride, ceil_mode)";
    example "T.lp_pool2d([[[3.0, -4.0]]], 1.0, (1, 2))" => "[[[7.]]]";
    case positive[2, 2, 5, 6], positive[] with kernel_size = 2;
    case positive[2, 6, 5], positive[] with kernel_size = 3, stride = 2, ceil_mode = true;
    refuses f64[2, 2, 5, 6], f64[2] with kernel_size = 2 => "lp_pool2d: `norm_type` is not a single number. Got (2,); expected a number.";
}
row! {
    /// The `p`-norm of each window of `x` (n, channels, planes, rows, columns), or of one sample without its axis: `sum(|x| ** norm_type) ** (1 / norm_type)`. Windows are
    /// `stride` apart, by default as far as they are long.
    ///
    /// Gradient: that of the formula; 0 where the norm is 0.
    pub LP_POOL3D = fn lp_pool3d(x: float, norm_type: float; kernel_size: PerAxis, stride: PerAxis = PerAxis::unsaid(), ceil_mode: bool = false) -> y
    body { power_mean("lp_pool3d", 3, [x, norm_type], &undilated(kernel_size, stride, Padding::valid(), ceil_mode))? }
    numpy "ref.lp_pool(3, x, norm_type, kernel_size, stride, ceil_mode)";
    example "T.lp_pool3d(np.ones((1, 2, 2, 1)), 2.0, (2, 2, 1))" => "[[[[2.]]]]";
    case positive[1, 2, 4, 3, 5], positive[] with kernel_size = 2;
    case positive[2, 3, 4, 4], positive[] with kernel_size = 3, stride = 2, ceil_mode = true;
    refuses f64[1, 2, 4, 3, 5], f64[2] with kernel_size = 2 => "lp_pool3d: `norm_type` is not a single number. Got (2,); expected a number.";
}
row! {
    /// Means of `x` (n, channels, length), or of one sample without its axis, over `output_size` windows that cover it evenly: window `i` of `m` over `n` elements
    /// begins at `i * n // m` and ends before `-(-(i + 1) * n // m)`. The lengths must be known.
    ///
    /// Gradient: `g` over the number of elements, to all elements of the window.
    pub ADAPTIVE_AVG_POOL1D = fn adaptive_avg_pool1d(x: float; output_size: PerAxis) -> y
    body { adaptive_average("adaptive_avg_pool1d", 1, x, &output_size)? }
    numpy "ref.adaptive_avg_pool(1, x, output_size)";
    example "T.adaptive_avg_pool1d([[1.0, 2.0, 3.0]], 2)" => "[[1.5 2.5]]";
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case real[2, 3, 8] with output_size = 3;
    case real[2, 3, 8] with output_size = 4;
    refuses f64[2, 3, 8] with output_size = 0 => "adaptive_avg_pool1d: `output_size` is out of range. Got output_size=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// Means of `x` (n, channels, rows, columns), or of one sample without its axis, over `output_size` windows that cover it evenly: window `i` of `m` over `n` elements
    /// begins at `i * n // m` and ends before `-(-(i + 1) * n // m)`. The lengths must be known.
    ///
    /// Gradient: `g` over the number of elements, to all elements of the window.
    pub ADAPTIVE_AVG_POOL2D = fn adaptive_avg_pool2d(x: float; output_size: PerAxis) -> y
    body { adaptive_average("adaptive_avg_pool2d", 2, x, &output_size)? }
    numpy "ref.adaptive_avg_pool(2, x, output_size)";
    example "T.adaptive_avg_pool2d([[[1.0, 2.0], [3.0, 6.0]]], 1)" => "[[[3.]]]";
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case real[2, 2, 5, 6] with output_size = [2, 4];
    case real[2, 2, 5, 6] with output_size = [5, 3];
    refuses f64[2, 2, 5, 6] with output_size = 0 => "adaptive_avg_pool2d: `output_size` is out of range. Got output_size=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// Means of `x` (n, channels, planes, rows, columns), or of one sample without its axis, over `output_size` windows that cover it evenly: window `i` of `m` over `n` elements
    /// begins at `i * n // m` and ends before `-(-(i + 1) * n // m)`. The lengths must be known.
    ///
    /// Gradient: `g` over the number of elements, to all elements of the window.
    pub ADAPTIVE_AVG_POOL3D = fn adaptive_avg_pool3d(x: float; output_size: PerAxis) -> y
    body { adaptive_average("adaptive_avg_pool3d", 3, x, &output_size)? }
    numpy "ref.adaptive_avg_pool(3, x, output_size)";
    example "T.adaptive_avg_pool3d(np.ones((1, 2, 2, 2)), 1)" => "[[[[1.]]]]";
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case real[1, 2, 4, 3, 5] with output_size = [3, 2, 2];
    case real[1, 2, 4, 3, 5] with output_size = [2, 3, 5];
    refuses f64[1, 2, 4, 3, 5] with output_size = 0 => "adaptive_avg_pool3d: `output_size` is out of range. Got output_size=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// The largest elements of `x` (n, channels, length), or of one sample without its axis, in `output_size` windows that cover it evenly; see `adaptive_avg_pool1d`.
    ///
    /// Gradient: `g` to the largest element of each window, of equal ones to the first.
    pub ADAPTIVE_MAX_POOL1D = fn adaptive_max_pool1d(x: number; output_size: PerAxis) -> y
    body { adaptive_largest("adaptive_max_pool1d", 1, x, &output_size)?.0 }
    numpy "ref.adaptive_max_pool(1, x, output_size)";
    example "T.adaptive_max_pool1d([[1.0, 2.0, 3.0]], 2)" => "[[2. 3.]]";
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case distinct[2, 3, 8] with output_size = 3;
    case distinct[2, 3, 8] with output_size = 4;
    refuses f64[2, 3, 8] with output_size = 0 => "adaptive_max_pool1d: `output_size` is out of range. Got output_size=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// The largest elements of `x` (n, channels, rows, columns), or of one sample without its axis, in `output_size` windows that cover it evenly; see `adaptive_avg_pool2d`.
    ///
    /// Gradient: `g` to the largest element of each window, of equal ones to the first.
    pub ADAPTIVE_MAX_POOL2D = fn adaptive_max_pool2d(x: number; output_size: PerAxis) -> y
    body { adaptive_largest("adaptive_max_pool2d", 2, x, &output_size)?.0 }
    numpy "ref.adaptive_max_pool(2, x, output_size)";
    example "T.adaptive_max_pool2d([[[1.0, 2.0], [3.0, 6.0]]], 1)" => "[[[6.]]]";
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case distinct[2, 2, 5, 6] with output_size = [2, 4];
    case distinct[2, 2, 5, 6] with output_size = [5, 3];
    refuses f64[2, 2, 5, 6] with output_size = 0 => "adaptive_max_pool2d: `output_size` is out of range. Got output_size=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// The largest elements of `x` (n, channels, planes, rows, columns), or of one sample without its axis, in `output_size` windows that cover it evenly; see `adaptive_avg_pool3d`.
    ///
    /// Gradient: `g` to the largest element of each window, of equal ones to the first.
    pub ADAPTIVE_MAX_POOL3D = fn adaptive_max_pool3d(x: number; output_size: PerAxis) -> y
    body { adaptive_largest("adaptive_max_pool3d", 3, x, &output_size)?.0 }
    numpy "ref.adaptive_max_pool(3, x, output_size)";
    example "T.adaptive_max_pool3d(np.ones((1, 2, 2, 2)), 1)" => "[[[[1.]]]]";
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case distinct[1, 2, 4, 3, 5] with output_size = [3, 2, 2];
    case distinct[1, 2, 4, 3, 5] with output_size = [2, 3, 5];
    refuses f64[1, 2, 4, 3, 5] with output_size = 0 => "adaptive_max_pool3d: `output_size` is out of range. Got output_size=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// `adaptive_max_pool1d`, and where each largest element stands among those of its channel, counted in C order.
    ///
    /// Gradient: that of `adaptive_max_pool1d`.
    pub ADAPTIVE_MAX_POOL1D_WITH_INDICES = fn adaptive_max_pool1d_with_indices(x: number; output_size: PerAxis) -> y, index
    body { adaptive_largest("adaptive_max_pool1d_with_indices", 1, x, &output_size)? }
    numpy "ref.adaptive_max_pool(1, x, output_size, indices=True)";
    example "T.adaptive_max_pool1d_with_indices([[1.0, 2.0, 3.0]], 2)" => "[[2. 3.]] [[1 2]]";
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case distinct[2, 3, 8] with output_size = 3;
    case distinct[3, 8] with output_size = 4;
    refuses f64[2, 3, 8] with output_size = 0 => "adaptive_max_pool1d_with_indices: `output_size` is out of range. Got output_size=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// `adaptive_max_pool2d`, and where each largest element stands among those of its channel, counted in C order.
    ///
    /// Gradient: that of `adaptive_max_pool2d`.
    pub ADAPTIVE_MAX_POOL2D_WITH_INDICES = fn adaptive_max_pool2d_with_indices(x: number; output_size: PerAxis) -> y, index
    body { adaptive_largest("adaptive_max_pool2d_with_indices", 2, x, &output_size)? }
    numpy "ref.adaptive_max_pool(2, x, output_size, indices=True)";
    example "T.adaptive_max_pool2d_with_indices([[[1.0, 2.0], [3.0, 6.0]]], 1)" => "[[[6.]]] [[[3]]]";
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case distinct[2, 2, 5, 6] with output_size = [2, 4];
    case distinct[2, 4, 6] with output_size = [2, 3];
    refuses f64[2, 2, 5, 6] with output_size = 0 => "adaptive_max_pool2d_with_indices: `output_size` is out of range. Got output_size=0; expected numbers from 1 to 2147483647.";
}
row! {
    /// `adaptive_max_pool3d`, and where each largest element stands among those of its channel, counted in C order.
    ///
    /// Gradient: that of `adaptive_max_pool3d`.
    pub ADAPTIVE_MAX_POOL3D_WITH_INDICES = fn adaptive_max_pool3d_with_indices(x: number; output_size: PerAxis) -> y, index
    body { adaptive_largest("adaptive_max_pool3d_with_indices", 3, x, &output_size)? }
    numpy "ref.adaptive_max_pool(3, x, output_size, indices=True)";
    example "T.adaptive_max_pool3d_with_indices(np.ones((1, 2, 2, 2)), 1)" => "[[[[1.]]]] [[[[0]]]]";
    exempt Unknown: "it needs the lengths of the axes over which the window slides, and says so";
    case distinct[1, 2, 4, 3, 5] with output_size = [3, 2, 2];
    case distinct[2, 4, 3, 4] with output_size = [2, 3, 1];
    refuses f64[1, 2, 4, 3, 5] with output_size = 0 => "adaptive_max_pool3d_with_indices: `output_size` is out of range. Got output_size=0; expected numbers from 1 to 2147483647.";
}
