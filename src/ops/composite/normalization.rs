//! Normalizations: elements less their mean, over their deviation or their norm.

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Axes, IntoAttr, Ints, PerAxis, Widths};
use crate::graph::op::OpDef;
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::cast;
use crate::ops::arithmetic::{maximum, square};
use crate::ops::composite::power::pow;
use crate::ops::movement::{expand_dims, merge_axes, reshape, reshape_like};
use crate::ops::norms::vectors;
use crate::ops::positions::check_length;
use crate::ops::reduce::{number, reduce_mean};
use crate::ops::root::sqrt;
use crate::ops::standardised::standardise;
use crate::ops::window::pooling::window_sum;
use crate::shape::{self, Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&LAYER_NORM, &RMS_NORM, &GROUP_NORM, &INSTANCE_NORM, &LOCAL_RESPONSE_NORM, &NORMALIZE];

/// `(x - mean(x)) / sqrt(var(x) + eps)` over `axis`.
fn standardised<'g>(x: Tensor<'g>, axis: &Axes, eps: Tensor<'g>) -> Result<Tensor<'g>> {
    standardise(x, axis, eps, |r, _| Ok(r))
}

/// The last axes of `x`, which have the lengths `normalized_shape`, and `x`: where lengths are not known yet, the run checks them.
fn last_axes<'g>(op: &str, x: Tensor<'g>, normalized_shape: &Ints) -> Result<(Tensor<'g>, Axes)> {
    let n = normalized_shape.0.len();
    let own = x.ndim().checked_sub(n).and_then(|from| x.dims().get(from..));
    let equal = |(d, &n): (&Dim, &i64)| d.known().is_none_or(|d| i64::try_from(d) == Ok(n));
    if n == 0 || !own.is_some_and(|own| own.iter().zip(&normalized_shape.0).all(equal)) {
        let got = format!("{} for normalized_shape={}", Tuple(x.dims()), Tuple(&normalized_shape.0));
        return Err(Error::new(ErrorKind::Shape, op, "the shape does not fit", got, "the lengths of the last axes"));
    }
    let from = x.ndim() - n;
    let x = normalized_shape.0.iter().enumerate().fold(x, |x, (i, &n)| check_length(x, from + i, n));
    Ok((x, Axes(Some((1..=n as i64).map(|i| -i).collect()))))
}

/// `y` times weights, and with what is added to it, each of the shape `dims`, which repeats to that of `y`.
pub(super) fn scaled<'g>(
    op: &str,
    y: Tensor<'g>,
    dims: &[Dim],
    behind: usize,
    [weight, bias]: [Option<Tensor<'g>>; 2],
) -> Result<Tensor<'g>> {
    let fitted = |name: &str, t: Tensor<'g>| {
        if t.ndim() != dims.len() || t.dims().iter().zip(dims).any(|(a, b)| a.unify(*b).is_none()) {
            let (what, got) = (format!("`{name}` does not fit"), Tuple(t.dims()));
            return Err(Error::new(ErrorKind::Shape, op, what, got, format_args!("shape {}", Tuple(dims))));
        }
        let known = dims.iter().enumerate().filter_map(|(i, d)| Some((i, d.known()? as i64)));
        let t = known.fold(cast(t, y.dtype()), |t, (i, n)| check_length(t, i, n));
        Ok(if behind > 0 { expand_dims(t, (1..=behind as i64).collect::<Vec<_>>()) } else { t })
    };
    let y = match weight {
        Some(weight) => y * fitted("weight", weight)?,
        None => y,
    };
    Ok(match bias {
        Some(bias) => y + fitted("bias", bias)?,
        None => y,
    })
}

/// The lengths of the last axes as dimensions.
fn dims_of(lengths: &Ints) -> Vec<Dim> {
    lengths.0.iter().map(|&n| Dim::Known(usize::try_from(n).unwrap_or(0))).collect()
}

/// The channels of `x` (n, channels, ...).
pub(super) fn channels(op: &str, x: Tensor<'_>) -> Result<Dim> {
    x.dims()
        .get(1)
        .copied()
        .ok_or_else(|| Error::new(ErrorKind::Shape, op, "there is no axis of channels", Tuple(x.dims()), "shape (n, channels, ...)"))
}

row! {
    /// `(x - mean) / sqrt(var + eps) * weight + bias`, with mean and variance (divisor `n`) over the last axes, whose lengths are `normalized_shape`.
    /// Weight and bias have that shape (Ba, Kiros, Hinton 2016).
    ///
    /// Gradient: with `y` for the normalized elements and `h` for `g * weight`, `(h - mean(h) - y * mean(h * y)) / sqrt(var + eps)`.
    pub LAYER_NORM = fn layer_norm(x: float, weight: float = None, bias: float = None, eps: any = 1e-5; normalized_shape: Ints) -> y
    body {
        let (x, axes) = last_axes("layer_norm", x, &normalized_shape)?;
        let eps = number("layer_norm", "eps", eps, x.dtype())?;
        scaled("layer_norm", standardised(x, &axes, eps)?, &dims_of(&normalized_shape), 0, [weight, bias])?
    }
    numpy "ref.layer_norm(x, weight, bias, eps, normalized_shape)";
    example "T.layer_norm([[1.0, 3.0], [5.0, 5.0]], 2, eps=0.0001)" => "[[-0.99995  0.99995]\n [ 0.       0.     ]]";
    signature "x, normalized_shape, weight, bias, eps";
    case real[3, 4] with normalized_shape = 4;
    case real[2, 3, 4], real[3, 4], real[3, 4], unit[] with normalized_shape = [3, 4];
    case real[2, 4], none, real[4] with normalized_shape = [4];
    refuses f64[2, 3] with normalized_shape = 4 => "layer_norm: the shape does not fit. Got (2, 3) for normalized_shape=(4,); expected the lengths of the last axes.";
    refuses f64[2, 3], f64[2] with normalized_shape = 3 => "layer_norm: `weight` does not fit. Got (2,); expected shape (3,).";
    refuses f64[2, 3], f64[3], f64[3], f64[2] with normalized_shape = 3 => "layer_norm: `eps` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}
row! {
    /// `x / sqrt(mean(x**2) + eps) * weight`, with the mean over the last axes, whose lengths are `normalized_shape`, and a weight of that shape
    /// (Zhang, Sennrich 2019). Without `eps` it is the distance of 1 to the next number of the dtype.
    ///
    /// Gradient: with `y` for the normalized elements and `h` for `g * weight`, `(h - y * mean(h * y)) / sqrt(mean(x**2) + eps)`.
    pub RMS_NORM = fn rms_norm(x: float, weight: float = None, eps: any = None; normalized_shape: Ints) -> y
    body {
        let (x, axes) = last_axes("rms_norm", x, &normalized_shape)?;
        let eps = match eps {
            Some(eps) => number("rms_norm", "eps", eps, x.dtype())?,
            None if x.dtype() == DType::F32 => x.graph().literal(f64::from(f32::EPSILON).into(), x.dtype()),
            None => x.graph().literal(f64::EPSILON.into(), x.dtype()),
        };
        let y = x / sqrt(reduce_mean(square(x), axes, true) + eps);
        scaled("rms_norm", y, &dims_of(&normalized_shape), 0, [weight, None])?
    }
    numpy "ref.rms_norm(x, weight, eps, normalized_shape)";
    example "T.rms_norm([3.0, 4.0, 0.0, 0.0], 4)" => "[1.2 1.6 0.  0. ]";
    signature "x, normalized_shape, weight, eps";
    case real[3, 4] with normalized_shape = 4;
    case real[2, 3, 4], real[3, 4], unit[] with normalized_shape = [3, 4];
    refuses f64[2, 3] with normalized_shape = 4 => "rms_norm: the shape does not fit. Got (2, 3) for normalized_shape=(4,); expected the lengths of the last axes.";
    refuses f64[2, 3], f64[2] with normalized_shape = 3 => "rms_norm: `weight` does not fit. Got (2,); expected shape (3,).";
}
row! {
    /// `(x - mean) / sqrt(var + eps) * weight + bias` for `x` (n, channels, ...), with mean and variance (divisor `n`) over each of `num_groups` groups of
    /// channels of each sample, and a weight and a bias for each channel (Wu, He 2018).
    ///
    /// Gradient: as that of `layer_norm`, over the group.
    pub GROUP_NORM = fn group_norm(x: float, weight: float = None, bias: float = None, eps: any = 1e-5; num_groups: i64) -> y
    body {
        let all = channels("group_norm", x)?;
        let Some(n) = all.known().filter(|&n| num_groups >= 1 && n as i64 % num_groups == 0) else {
            let got = format!("num_groups={num_groups} for {}", Tuple(x.dims()));
            return Err(Error::new(ErrorKind::Shape, "group_norm", "the groups do not divide the channels", got, "a known number of channels, and a divisor of it"));
        };
        let eps = number("group_norm", "eps", eps, x.dtype())?;
        let rows = merge_axes(x, 1, x.ndim() - 1);
        let y = match (rows.dims(), n) {
            // Nothing to normalize.
            (_, 0) => x,
            (&[samples, length], _) => {
                let dims = match (samples.known(), length.known()) {
                    (samples, Some(length)) => [samples.map_or(-1, |n| n as i64), num_groups, length as i64 / num_groups],
                    (Some(samples), None) => [samples as i64, num_groups, -1],
                    (None, None) => {
                        let rule = "known lengths but for the samples, or a known number of samples";
                        return Err(Error::new(ErrorKind::Shape, "group_norm", "too many lengths are not known", Tuple(x.dims()), rule));
                    }
                };
                reshape_like(standardised(reshape(rows, dims), &Axes(Some([-1].into())), eps)?, x)
            }
            _ => x,
        };
        scaled("group_norm", y, &[all], x.ndim() - 2, [weight, bias])?
    }
    numpy "ref.group_norm(x, weight, bias, eps, num_groups)";
    example "T.group_norm([[1.0, 3.0, 5.0, 5.0]], 2, eps=0.0)[:, :2]" => "[[-1.  1.]]";
    signature "x, num_groups, weight, bias, eps";
    exempt Unknown: "it needs the number of channels, and says so";
    case real[2, 4, 3] with num_groups = 2;
    case real[2, 6, 2, 2], real[6], real[6], unit[] with num_groups = 3;
    case real[3, 4], real[4], none with num_groups = 1;
    refuses f64[2, 4] with num_groups = 3 => "group_norm: the groups do not divide the channels. Got num_groups=3 for (2, 4); expected a known number of channels, and a divisor of it.";
    refuses f64[2] with num_groups = 1 => "group_norm: there is no axis of channels. Got (2,); expected shape (n, channels, ...).";
    refuses f64[2, 4], f64[2] with num_groups = 2 => "group_norm: `weight` does not fit. Got (2,); expected shape (4,).";
}
row! {
    /// `(x - mean) / sqrt(var + eps) * weight + bias` for `x` (n, channels, ...), with mean and variance (divisor `n`) over each channel of each sample, and a
    /// weight and a bias for each channel (Ulyanov, Vedaldi, Lempitsky 2016).
    ///
    /// Gradient: as that of `layer_norm`, over the channel.
    pub INSTANCE_NORM = fn instance_norm(x: float, weight: float = None, bias: float = None, eps: any = 1e-5) -> y
    body {
        if x.ndim() < 3 {
            return Err(Error::new(ErrorKind::Shape, "instance_norm", "channels have no elements", Tuple(x.dims()), "shape (n, channels, length, ...)"));
        }
        let eps = number("instance_norm", "eps", eps, x.dtype())?;
        let y = standardised(x, &Axes(Some((2..x.ndim() as i64).collect())), eps)?;
        scaled("instance_norm", y, &[channels("instance_norm", x)?], x.ndim() - 2, [weight, bias])?
    }
    numpy "ref.group_norm(x, weight, bias, eps, x.shape[1])";
    example "T.instance_norm([[[1.0, 3.0], [5.0, 5.0]]], eps=0.0001)" => "[[[-0.99995  0.99995]\n  [ 0.       0.     ]]]";
    case real[2, 3, 4];
    case real[2, 3, 2, 2], real[3], real[3], unit[];
    refuses f64[2, 3] => "instance_norm: channels have no elements. Got (2, 3); expected shape (n, channels, length, ...).";
    refuses f64[2, 3, 4], f64[3], f64[2] => "instance_norm: `bias` does not fit. Got (2,); expected shape (3,).";
}
row! {
    /// `x / (k + alpha / size * s) ** beta` for `x` (n, channels, ...), where `s` is the sum of the squares of `size` neighbouring channels, `size // 2` before and
    /// `(size - 1) // 2` after each, where there are any (Krizhevsky, Sutskever, Hinton 2012).
    ///
    /// Gradient: that of the formula.
    pub LOCAL_RESPONSE_NORM = fn local_response_norm(x: float, alpha: any = 1e-4, beta: any = 0.75, k: any = 1.0; size: i64) -> y
    body {
        const OP: &str = "local_response_norm";
        if x.ndim() < 3 {
            return Err(Error::new(ErrorKind::Shape, OP, "channels have no elements", Tuple(x.dims()), "shape (n, channels, length, ...)"));
        }
        if !(1..=i64::from(i32::MAX)).contains(&size) {
            return Err(Error::new(ErrorKind::Value, OP, "the size is out of range", size, "a number from 1 to 2147483647"));
        }
        let of = |name: &str, t| number(OP, name, t, x.dtype());
        let (alpha, beta, k) = (of("alpha", alpha)?, of("beta", beta)?, of("k", k)?);
        // One channel of rows, which are the channels, and columns.
        let image = expand_dims(merge_axes(square(x), 2, x.ndim() - 2), 1);
        let ends = Widths([[size / 2, (size - 1) / 2], [0, 0]].into());
        let sums = window_sum(image, PerAxis([size, 1].into()), PerAxis::all(1), ends, false);
        x / pow(reshape_like(sums, x) * (alpha / size as f64) + k, beta)
    }
    numpy "ref.local_response_norm(x, alpha, beta, k, size)";
    example "T.local_response_norm([[[3.0], [4.0]]], 2, alpha=2.0, beta=1.0, k=0.0)" => "[[[0.33333333]\n  [0.16      ]]]";
    signature "x, size, alpha, beta, k";
    case real[2, 5, 3], positive[], unit[], positive[] with size = 3;
    case real[1, 4, 2, 2], positive[], unit[], positive[] with size = 4;
    refuses f64[2, 3], f64[], f64[], f64[] with size = 2 => "local_response_norm: channels have no elements. Got (2, 3); expected shape (n, channels, length, ...).";
    refuses f64[2, 3, 1], f64[], f64[], f64[] with size = 0 => "local_response_norm: the size is out of range. Got 0; expected a number from 1 to 2147483647.";
}
row! {
    /// `x / max(norm, eps)`, with the norm of order `p` of the vectors along `axis`, as `vector_norm` gives it. `p` and `eps` are numbers or 0-d tensors.
    ///
    /// Gradient: that of the formula; that of the norm is 0 to elements that are 0.
    pub NORMALIZE = fn normalize(x: float, p: any = 2.0, eps: any = 1e-12; axis: i64 = 1) -> y
    body {
        let axis = shape::axis("normalize", axis, x.ndim())? as i64;
        let (p, eps) = (number("normalize", "p", p, x.dtype())?, number("normalize", "eps", eps, x.dtype())?);
        x / maximum(vectors("normalize", x, Some(p), Axes(Some([axis].into())), true)?, eps)
    }
    numpy "x / np.maximum(np.linalg.vector_norm(x, ord=p, axis=axis, keepdims=True), eps)";
    example "T.normalize([[3.0, 4.0], [0.0, 0.0]])" => "[[0.6 0.8]\n [0.  0. ]]";
    signature "x, p, axis, eps";
    by hand;
    case real[2, 3];
    case real[2, 3, 4], beyond[] with axis = -2;
    case positive[3, 2], unit[], unit[] with axis = 0;
    refuses f64[3] => "normalize: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[2, 3], f64[2] => "normalize: `p` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}

/// `(x - mean) / sqrt(var + 1e-5)`, with mean and variance (divisor `n`) over `axes`.
#[track_caller]
pub fn normalize<'g>(x: impl AsTensor<'g>, axes: impl IntoAttr<Axes>) -> Tensor<'g> {
    let (x, axes) = (x.tensor(), axes.into_attr());
    if let Err(e) = shape::axes("normalize", axes.0.as_deref(), x.ndim()) {
        return x.graph().poison(e);
    }
    let x = cast(x, x.dtype().to_float());
    standardised(x, &axes, x.graph().literal(1e-5.into(), x.dtype())).unwrap_or_else(|e| x.graph().poison(e))
}
