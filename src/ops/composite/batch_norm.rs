//! Batch normalization, with running statistics that are variables.

use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::Axes;
use crate::graph::op::OpDef;
use crate::graph::{AsTensor, NodeOp, Tensor};
use crate::ops::apply::{Arg, MaybeOperand, apply, cast};
use crate::ops::bounds;
use crate::ops::composite::normalization::{channels, scaled};
use crate::ops::movement::{expand_dims, reshape, reshape_like};
use crate::ops::positions::check_length;
use crate::ops::reduce::{count, number};
use crate::ops::root::sqrt;
use crate::ops::select::select;
use crate::ops::standardised::standardise;
use crate::ops::writes::{after, running_update};
use crate::shape::{Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&BATCH_NORM, &STANDARDISED_CHANNELS];

const OP: &str = "batch_norm";

/// Which statistics batch normalization takes.
#[derive(Clone, Copy, Debug)]
pub enum Training<'g> {
    /// Those of the batch.
    Always,
    /// The running ones.
    Never,
    /// A run decides, by a 0-d bool tensor.
    If(Tensor<'g>),
}

impl<'g> Training<'g> {
    fn of(t: Tensor<'g>) -> Result<Self> {
        if t.dtype() != DType::Bool || t.ndim() != 0 {
            let rule = "True, False, or a 0-d bool tensor";
            return Err(Error::new(ErrorKind::DType, OP, "`training` is not a single bool", t.aval(), rule));
        }
        Ok(match t.node().op {
            NodeOp::Scalar(Scalar::Bool(true)) => Training::Always,
            NodeOp::Scalar(Scalar::Bool(false)) => Training::Never,
            _ => Training::If(t),
        })
    }

    /// `x` in training, else a number.
    fn or(self, x: Tensor<'g>, otherwise: f64) -> Tensor<'g> {
        let number = x.graph().literal(otherwise.into(), x.dtype());
        match self {
            Training::Always => x,
            Training::Never => number,
            Training::If(training) => select(training, x, number),
        }
    }
}

/// The running mean and variance of `n` channels.
#[derive(Clone, Copy)]
struct Running<'g> {
    mean: Tensor<'g>,
    var: Tensor<'g>,
}

impl<'g> Running<'g> {
    fn of(mean: Option<Tensor<'g>>, var: Option<Tensor<'g>>, n: Dim) -> Result<Option<Self>> {
        let (mean, var) = match (mean, var) {
            (None, None) => return Ok(None),
            (Some(mean), Some(var)) => (mean, var),
            (mean, _) => {
                let got = if mean.is_some() { "no `running_var`" } else { "no `running_mean`" };
                return Err(Error::new(ErrorKind::Value, OP, "one of the running statistics is missing", got, "both, or neither"));
            }
        };
        let fitted = |name: &str, t: Tensor<'g>| match t.dims() {
            [own] if own.unify(n).is_some() => Ok(n.known().map_or(t, |n| check_length(t, 0, n as i64))),
            _ => {
                let (what, rule) = (format!("`{name}` does not fit"), format!("shape {}", Tuple(&[n])));
                Err(Error::new(ErrorKind::Shape, OP, what, Tuple(t.dims()), rule))
            }
        };
        Ok(Some(Running { mean: fitted("running_mean", mean)?, var: fitted("running_var", var)? }))
    }

    /// Moves both at the end of a run that computes `r`, which is returned: towards the mean and the variance (divisor `n - 1`) of the batch.
    fn moved(
        self,
        x: Tensor<'g>,
        r: Tensor<'g>,
        [mean, var]: [Tensor<'g>; 2],
        momentum: Tensor<'g>,
        training: Training<'g>,
    ) -> Result<Tensor<'g>> {
        for (name, t) in [("running_mean", self.mean), ("running_var", self.var)] {
            if !matches!(t.node().op, NodeOp::Variable(..)) || !t.dtype().is_float() {
                let what = format!("`{name}` cannot be updated");
                let e = Error::new(ErrorKind::Value, OP, what, t.aval(), "a floating tensor from `ctx.variable`");
                return Err(e.help("without running statistics, training=True takes those of the batch; training=False updates none"));
            }
        }
        let n = bounds::plenty(OP, training.or(count(x, None, &over(x), true), 2.0))?;
        let unbiased = var * (n / (n - 1.0));
        let rate = training.or(momentum, 0.0);
        let flat = |t: Tensor<'g>, to: Tensor<'g>| {
            let t = reshape_like(t, to);
            running_update(to, cast(t, to.dtype()), cast(rate, to.dtype()))
        };
        Ok(after(r, cast(flat(mean, self.mean), r.dtype()), cast(flat(unbiased, self.var), r.dtype())))
    }
}

/// A number for each channel, in the dtype of `x` and with the axes behind.
fn beside<'g>(t: Tensor<'g>, x: Tensor<'g>) -> Tensor<'g> {
    expand_dims(cast(t, x.dtype()), &(1..x.ndim() as i64 - 1).collect::<Vec<_>>()[..])
}

/// The axes of `x` but that of the channels.
fn over(x: Tensor<'_>) -> Axes {
    Axes(Some((0..x.ndim() as i64).filter(|&i| i != 1).collect()))
}

row! {
    /// `(x - mean) / sqrt(var + eps) * weight + bias` for `x` (n, channels, ...), channel by channel, with a weight and a bias for each (Ioffe, Szegedy 2015).
    ///
    /// In training, mean and variance (divisor `n`) are those of the batch, and each run that computes the result moves the running
    /// statistics, at its end and once: `running_mean` to `(1 - momentum) * running_mean + momentum * mean`, and `running_var` likewise with the
    /// divisor `n - 1`, for which a channel needs two elements. These are variables; None for both keeps none. Several calls over the same variables
    /// in one run move them one after the other. Otherwise the running statistics are taken, whatever tensors they are, and nothing is written.
    ///
    /// `training` is True, False, or a 0-d bool tensor, such as a placeholder: then each run decides. Inside of a body of `cond` nothing can be
    /// written, so there running statistics are for `training=False` alone.
    ///
    /// Gradient: in training, with `y` for the normalized elements and `h` for `g * weight`, `(h - mean(h) - y * mean(h * y)) / sqrt(var + eps)`, where the means are
    /// those of the channel; otherwise `h / sqrt(running_var + eps)`, and that of the formula to the running statistics.
    pub BATCH_NORM = fn batch_norm(x: float, running_mean: any = None, running_var: any = None, weight: float = None, bias: float = None, training: any = false, momentum: any = 0.1, eps: any = 1e-5) -> y
    body {
        let x = [running_mean, weight].into_iter().flatten().fold(x, known_channels);
        let n = channels(OP, x)?;
        let training = Training::of(training)?;
        let (momentum, eps) = (number(OP, "momentum", momentum, x.dtype())?, number(OP, "eps", eps, x.dtype())?);
        let momentum = bounds::probability(OP, momentum)?;
        let running = Running::of(running_mean, running_var, n)?;
        let own = || {
            standardise(x, &over(x), eps, |r, statistics| match running {
                Some(running) => running.moved(x, r, statistics, momentum, training),
                None => Ok(r),
            })
        };
        let given = || {
            let Some(Running { mean, var }) = running else {
                let e = Error::new(ErrorKind::Value, OP, "there are no statistics", "no `running_mean`", "running statistics, or training=True");
                return Err(e);
            };
            Ok((x - beside(mean, x)) * (1.0 / sqrt(beside(var, x) + eps)))
        };
        let y = match training {
            Training::Always => own()?,
            Training::Never => given()?,
            Training::If(training) => select(training, own()?, given()?),
        };
        scaled(OP, y, &[n], x.ndim() - 2, [weight, bias])?
    }
    numpy "ref.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)";
    example "T.batch_norm([[1.0, 5.0], [3.0, 5.0]], None, None, training=True, eps=0.0001)" => "[[-0.99995  0.     ]\n [ 0.99995  0.     ]]";
    signature "x, running_mean, running_var, weight, bias, training, momentum, eps";
    by hand;
    case real[3, 4], real[4], positive[4];
    case real[2, 3, 4], real[3], positive[3], real[3], real[3];
    case real[2, 3, 2, 2], real[3], positive[3], none, real[3];
    refuses f64[2] => "batch_norm: there is no axis of channels. Got (2,); expected shape (n, channels, ...).";
    refuses f64[2, 3] => "batch_norm: there are no statistics. Got no `running_mean`; expected running statistics, or training=True.";
    refuses f64[2, 3], f64[3] => "batch_norm: one of the running statistics is missing. Got no `running_var`; expected both, or neither.";
    refuses f64[2, 3], f64[3], f64[2] => "batch_norm: `running_var` does not fit. Got (2,); expected shape (3,).";
    refuses f64[2, 3], f64[3], f64[3], f64[2] => "batch_norm: `weight` does not fit. Got (2,); expected shape (3,).";
    refuses f64[2, 3], f64[3], f64[3], f64[3], f64[3], f64[] => "batch_norm: `training` is not a single bool. Got float64[]; expected True, False, or a 0-d bool tensor.";
    refuses f64[2, 3], f64[3], f64[3], f64[3], f64[3], bool[] => "batch_norm: `running_mean` cannot be updated. Got float64[3]; expected a floating tensor from `ctx.variable`.\nhelp: without running statistics, training=True takes those of the batch; training=False updates none";
}
row! {
    /// `(x - mean) / sqrt(var + eps)` for `x` (n, channels, ...), with mean and variance (divisor `n`) over each channel of the batch.
    ///
    /// Gradient: as that of `batch_norm` in training.
    pub(crate) STANDARDISED_CHANNELS = fn standardised_channels(x: float, eps: float) -> y
    body {
        channels("standardised_channels", x)?;
        standardise(x, &over(x), number("standardised_channels", "eps", eps, x.dtype())?, |r, _| Ok(r))?
    }
    numpy "ref.batch_norm(x, None, None, None, None, True, 0.1, eps)";
    by hand;
    case real[3, 4], positive[];
    case real[2, 3, 4], unit[];
    case real[3, 2, 2, 2], unit[];
    refuses f64[2], f64[] => "standardised_channels: there is no axis of channels. Got (2,); expected shape (n, channels, ...).";
    refuses f64[2, 3], f64[2] => "standardised_channels: `eps` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
}

/// `x`, whose channels are as many as there are numbers in `t` if that is not known otherwise.
fn known_channels<'g>(x: Tensor<'g>, t: Tensor<'g>) -> Tensor<'g> {
    match (x.dims().get(1), t.dims()) {
        (Some(Dim::Sym(_)), [Dim::Known(n)]) => check_length(x, 1, *n as i64),
        _ => x,
    }
}

/// What batch normalization can be told besides its operand.
///
/// ```
/// use scirs2_autograd::ndarray::{Array1, array};
/// use scirs2_autograd::{VariableEnvironment, tensor_ops as T};
/// let env = VariableEnvironment::new();
/// let mean = env.name("mean").set(Array1::<f64>::zeros(1));
/// let var = env.name("var").set(Array1::<f64>::ones(1));
/// let y = env.run(|ctx| {
///     let x = ctx.constant(array![[1.0], [3.0]]);
///     let running = Some((ctx.variable(mean), ctx.variable(var)));
///     let how = T::BatchNorm { running, training: T::Training::Always, ..Default::default() };
///     T::batch_norm_with(x, how).eval(ctx)
/// });
/// assert!((y?.as_slice::<f64>()?[1] - 1.0).abs() < 1e-5);
/// assert!((env.get(mean)?.as_slice::<f64>()?[0] - 0.2).abs() < 1e-15);
/// # Ok::<(), scirs2_autograd::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchNorm<'g> {
    /// The running mean and variance.
    pub running: Option<(Tensor<'g>, Tensor<'g>)>,
    /// A factor for each channel.
    pub weight: Option<Tensor<'g>>,
    /// A number for each channel, added at the end.
    pub bias: Option<Tensor<'g>>,
    /// Whether the statistics are those of the batch, and move the running ones.
    pub training: Training<'g>,
    /// How much of the running statistics a run replaces.
    pub momentum: f64,
    /// Added to the variance.
    pub eps: f64,
}

impl Default for BatchNorm<'_> {
    fn default() -> Self {
        BatchNorm { running: None, weight: None, bias: None, training: Training::Never, momentum: 0.1, eps: 1e-5 }
    }
}

/// Batch normalization with every argument; see [`BatchNorm`] and Python's `batch_norm`. Operands that do not fit give a tensor that holds
/// the error.
#[track_caller]
pub fn batch_norm_with<'g>(x: impl AsTensor<'g>, how: BatchNorm<'g>) -> Tensor<'g> {
    let (mean, var) = how.running.unzip();
    let number = |x: f64| Arg::Weak(Scalar::Float(x));
    let training = match how.training {
        Training::Always => Arg::Weak(Scalar::Bool(true)),
        Training::Never => Arg::Weak(Scalar::Bool(false)),
        Training::If(t) => t.into(),
    };
    let args = [mean.maybe(), var.maybe(), how.weight.maybe(), how.bias.maybe(), training, number(how.momentum), number(how.eps)];
    apply(&BATCH_NORM, &[&[Arg::from(x.tensor())], &args[..]].concat(), &[])
}

/// `(x - mean) / sqrt(var + 1e-5) * scale + shift` for `x` (n, channels, ...), with mean and variance (divisor `n`) over each channel of the
/// batch. `scale` and `shift` have a number for each channel, as (channels,) or (1, channels, 1, ...).
#[track_caller]
pub fn batch_norm<'g>(x: impl AsTensor<'g>, scale: impl AsTensor<'g>, shift: impl AsTensor<'g>) -> Tensor<'g> {
    let flat = |t: Tensor<'g>| match t.dims() {
        [Dim::Known(1), _, rest @ ..] if rest.iter().all(|d| *d == Dim::Known(1)) => reshape(t, -1),
        _ => t,
    };
    let (weight, bias) = (Some(flat(scale.tensor())), Some(flat(shift.tensor())));
    batch_norm_with(x, BatchNorm { weight, bias, training: Training::Always, ..BatchNorm::default() })
}
