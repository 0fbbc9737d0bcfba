//! Elements less their mean, over their deviation, with a gradient that takes two sums.

use smallvec::smallvec;

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::Axes;
use crate::graph::op::{Cotangent, Kernel, Lowered, OpDef};
use crate::ops::arithmetic::{maximum, square};
use crate::ops::broadcast::broadcast_like;
use crate::ops::movement::STOP_GRADIENT;
use crate::ops::reduce::{count, sum_in_turn};
use crate::ops::root::sqrt;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&STANDARDISED, &RECIPROCAL_DEVIATION];

row! {
    /// `v`, which is `(x - mean(x)) / sqrt(var(x) + eps)` over `axis` by whatever way it was computed, as is `r`, which is `1 / sqrt(var(x) + eps)`. `r`
    /// and `eps` have the axes of `x`, of length 1 along `axis`.
    ///
    /// Gradient: to `x` it is `r * (g - mean(g) - y * mean(g * y))`, to `eps` `-sum(g * y) * r**2 / 2` (Ba, Kiros, Hinton 2016, with the chain rule).
    pub(crate) STANDARDISED = fn standardised(v: float, r: float, x: float, eps: float; axis: Axes) -> y
    shape(_c) Ok(smallvec![v.clone()]);
    kernel Kernel::Lower(|_| Lowered::Chain(vec![(&STOP_GRADIENT, vec![])]));
    support Weighted(along_axes_or_summed);
    vjp(g) {
        v: Cotangent::Zero,
        r: Cotangent::Zero,
        x: {
            let r = reciprocal_deviation(r, y, x, eps, axis.clone());
            r * (g - mean(g, &axis) - y * mean(g * y, &axis))
        },
        eps: square(reciprocal_deviation(r, y, x, eps, axis.clone())) * sum_in_turn(g * y, &axis) * -0.5,
    }
    batch Axes;
    numpy "v";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if v and r are what they stand for: layer_norm tests it";
    exempt Messages: "it has no cases, and takes what layer_norm gives it";
}
row! {
    /// `r`, which is `1 / sqrt(var(x) + eps)` over `axis` by whatever way it was computed; `y` is `(x - mean(x)) * r`.
    ///
    /// Gradient: to `x` it is `-g * r**2 * y / n`, to `eps` `-g * r**3 / 2`.
    pub(crate) RECIPROCAL_DEVIATION = fn reciprocal_deviation(r: float, y: float, x: float, eps: float; axis: Axes) -> s
    shape(_c) Ok(smallvec![r.clone()]);
    kernel Kernel::Lower(|_| Lowered::Chain(vec![(&STOP_GRADIENT, vec![])]));
    support Weighted(repeated_to_x);
    vjp(g) {
        r: Cotangent::Zero,
        y: Cotangent::Zero,
        x: y * (g * square(s) * -1.0 / count(x, None, &axis, true)),
        eps: g * square(s) * s * -0.5,
    }
    batch Axes;
    numpy "r";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if r is what it stands for: layer_norm tests it";
    exempt Messages: "it has no cases, and takes what layer_norm gives it";
}

/// The mean over `axis`, which keeps its axes.
fn mean<'g>(x: Tensor<'g>, axis: &Axes) -> Tensor<'g> {
    sum_in_turn(x, axis) / count(x, None, axis, true)
}

/// `(x - mean(x)) / sqrt(var(x) + eps)` over `axis`, with a 0-d `eps` and the divisor `n`. `held` is given `1 / sqrt(var + eps)`, the mean and the
/// variance, with the axes of `x`, and returns the first, which may so wait for what else a run has to compute.
///
/// What the elements leave when a first mean is taken off has a mean too, of the size of its rounding: with that, sum and sum of squares of what
/// is left give the variance without loss (Chan, Golub, LeVeque 1983, eq. 1.7).
pub(crate) fn standardise<'g>(
    x: Tensor<'g>,
    axis: &Axes,
    eps: Tensor<'g>,
    held: impl FnOnce(Tensor<'g>, [Tensor<'g>; 2]) -> Result<Tensor<'g>>,
) -> Result<Tensor<'g>> {
    let first = mean(x, axis);
    let left = x - first;
    let rest = mean(left, axis);
    let var = maximum(mean(square(left), axis) - square(rest), 0.0);
    let eps = broadcast_like(eps, var);
    let r = held(1.0 / sqrt(var + eps), [first + rest, var])?;
    Ok(standardised((left - rest) * r, r, x, eps, axis.clone()))
}
