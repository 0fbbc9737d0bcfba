//! Reductions of those elements where a mask is true: in Python the parameter `where` of the functions without the ending.
//!
//! A mask is a bool of the shape of `x`, or is repeated to it. What it leaves out has a gradient of exactly 0, whatever stands there.

use crate::graph::attr::{Attr, AttrType, Axes, IntoAttr};
use crate::graph::op::OpDef;
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::composite::moments::{STD, VAR};
use crate::ops::reduce::{REDUCE_MAX, REDUCE_MEAN, REDUCE_MIN, REDUCE_SUM};
use crate::ops::scan::REDUCE_PROD;

#[track_caller]
fn reduced<'g>(row: &'static OpDef, args: &[Arg<'g>], axis: impl IntoAttr<Axes>, keepdims: bool) -> Tensor<'g> {
    apply(row, args, &[axis.into_attr().pack(), Attr::Bool(keepdims)])
}

/// The sum of the elements over `axis` where `mask` is true.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// run(|ctx| {
///     let x = ctx.constant(ndarray::arr1(&[1.0, f64::NAN, 4.0]));
///     let y = T::sum_where(x, T::equal(x, x), (), false);
///     assert_eq!(y.eval(ctx).unwrap().item().unwrap(), 5.0);
///     let g = T::grad(&[y], &[x])[0].eval(ctx).unwrap();
///     assert_eq!(g, ndarray::arr1(&[1.0, 0.0, 1.0]));
/// });
/// ```
#[track_caller]
pub fn sum_where<'g>(x: impl AsTensor<'g>, mask: impl Operand<'g>, axis: impl IntoAttr<Axes>, keepdims: bool) -> Tensor<'g> {
    reduced(&REDUCE_SUM, &[x.tensor().into(), mask.arg()], axis, keepdims)
}

/// The mean of the elements over `axis` where `mask` is true; NaN where there are none.
#[track_caller]
pub fn mean_where<'g>(x: impl AsTensor<'g>, mask: impl Operand<'g>, axis: impl IntoAttr<Axes>, keepdims: bool) -> Tensor<'g> {
    reduced(&REDUCE_MEAN, &[x.tensor().into(), mask.arg()], axis, keepdims)
}

/// The product of the elements over `axis` where `mask` is true.
#[track_caller]
pub fn prod_where<'g>(x: impl AsTensor<'g>, mask: impl Operand<'g>, axis: impl IntoAttr<Axes>, keepdims: bool) -> Tensor<'g> {
    reduced(&REDUCE_PROD, &[x.tensor().into(), mask.arg()], axis, keepdims)
}

/// The largest of the number `initial` and of the elements over `axis` where `mask` is true.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// run(|ctx| {
///     let x = ctx.constant(ndarray::arr2(&[[1.0, 7.0], [2.0, 9.0]]));
///     let y = T::max_where(x, T::less(x, 5.0), f64::NEG_INFINITY, 1, false);
///     assert_eq!(y.eval(ctx).unwrap(), ndarray::arr1(&[1.0, 2.0]));
/// });
/// ```
#[track_caller]
pub fn max_where<'g>(
    x: impl AsTensor<'g>,
    mask: impl Operand<'g>,
    initial: impl Operand<'g>,
    axis: impl IntoAttr<Axes>,
    keepdims: bool,
) -> Tensor<'g> {
    reduced(&REDUCE_MAX, &[x.tensor().into(), initial.arg(), mask.arg()], axis, keepdims)
}

/// The smallest of the number `initial` and of the elements over `axis` where `mask` is true.
#[track_caller]
pub fn min_where<'g>(
    x: impl AsTensor<'g>,
    mask: impl Operand<'g>,
    initial: impl Operand<'g>,
    axis: impl IntoAttr<Axes>,
    keepdims: bool,
) -> Tensor<'g> {
    reduced(&REDUCE_MIN, &[x.tensor().into(), initial.arg(), mask.arg()], axis, keepdims)
}

/// The variance over `axis` of the `n` elements where `mask` is true, with the divisor `n - ddof`.
#[track_caller]
pub fn var_where<'g>(
    x: impl AsTensor<'g>,
    mask: impl Operand<'g>,
    axis: impl IntoAttr<Axes>,
    ddof: impl Operand<'g>,
    keepdims: bool,
) -> Tensor<'g> {
    reduced(&VAR, &[x.tensor().into(), ddof.arg(), mask.arg()], axis, keepdims)
}

/// The standard deviation over `axis` of the `n` elements where `mask` is true, with the divisor `n - ddof`.
#[track_caller]
pub fn std_where<'g>(
    x: impl AsTensor<'g>,
    mask: impl Operand<'g>,
    axis: impl IntoAttr<Axes>,
    ddof: impl Operand<'g>,
    keepdims: bool,
) -> Tensor<'g> {
    reduced(&STD, &[x.tensor().into(), ddof.arg(), mask.arg()], axis, keepdims)
}
