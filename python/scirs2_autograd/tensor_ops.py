"""Functions on tensors. Generated from the op table by tools/gen.py: edit the rows, not this file."""

# ruff: noqa: A001, E501

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _functions
from ._functions import (
    _hessian_vector_product,
    assign,
    bernoulli,
    cond,
    constant,
    full,
    grad,
    grad_with_default,
    jacobians,
    normal_like,
    ones,
    random_normal,
    random_uniform,
    show,
    slice,
    standard_normal,
    standard_uniform,
    uniform_like,
    zeros,
)
from ._lib import Tensor, _apply

if TYPE_CHECKING:
    from ._typing import Axes, DTypeLike, Shape, TensorLike

__all__ = [
    "_hessian_vector_product",
    "abs",
    "add",
    "argmax",
    "assign",
    "astype",
    "batch_matmul",
    "bernoulli",
    "broadcast_like",
    "broadcast_to",
    "cast",
    "check_finite",
    "check_labels",
    "cholesky",
    "cholesky_lower",
    "clip",
    "concat",
    "concatenate",
    "cond",
    "constant",
    "cos",
    "div",
    "divide",
    "dot",
    "dropout",
    "equal",
    "erf",
    "exp",
    "expand_dims",
    "full",
    "gather",
    "gather_add",
    "gather_add_like",
    "gelu",
    "grad",
    "grad_with_default",
    "greater",
    "greater_equal",
    "jacobians",
    "less",
    "less_equal",
    "lesser",
    "lesser_equal",
    "ln",
    "log",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "lower_triangle",
    "matmul",
    "max",
    "max_with_index",
    "maximum",
    "mean",
    "mean_squared_error",
    "min",
    "minimum",
    "mul",
    "multiply",
    "neg",
    "negative",
    "normal_like",
    "not_equal",
    "one_hot",
    "ones",
    "pow",
    "power",
    "random_normal",
    "random_uniform",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_sum",
    "relu",
    "reshape",
    "reshape_like",
    "show",
    "sigmoid",
    "sigmoid_cross_entropy",
    "sign",
    "sin",
    "size",
    "slice",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "solve_lower",
    "sparse_softmax_cross_entropy",
    "sqrt",
    "square",
    "squeeze",
    "standard_normal",
    "standard_uniform",
    "stop_gradient",
    "strided_slice",
    "sub",
    "subtract",
    "sum",
    "sum_to",
    "take",
    "take_add",
    "take_add_like",
    "take_along_axis",
    "tanh",
    "transpose",
    "uniform_like",
    "unslice_like",
    "unslice_to",
    "where",
    "zeros",
]


def add(a: TensorLike, b: TensorLike) -> Tensor:
    """Sum with broadcasting: `y = a + b`. Integers wrap around.

    Gradient: `g` and `g`.

    NumPy: `a + b`
    """
    return _apply(0, (a, b), ())


def sub(a: TensorLike, b: TensorLike) -> Tensor:
    """Difference with broadcasting: `y = a - b`. Integers wrap around.

    Gradient: `g` and `-g`.

    NumPy: `a - b`
    """
    return _apply(1, (a, b), ())


def mul(a: TensorLike, b: TensorLike) -> Tensor:
    """Product with broadcasting: `y = a * b`. Integers wrap around.

    Gradient: `g * b` and `g * a`.

    NumPy: `a * b`
    """
    return _apply(2, (a, b), ())


def div(a: TensorLike, b: TensorLike) -> Tensor:
    """Quotient with broadcasting: `y = a / b`, in floating numbers; division by zero gives infinity or NaN.

    Gradient: `g / b` and `-g * y / b`.

    NumPy: `a / b`
    """
    return _apply(3, (a, b), ())


def pow(a: TensorLike, b: TensorLike) -> Tensor:
    """Power with broadcasting: `y = a ** b`, in floating numbers. A negative base with a non-integral exponent gives NaN.

    Gradient: `g * b * a ** (b - 1)`, and `g * y * log(a)`, which counts as 0 where `a` is 0.

    NumPy: `a ** b`
    """
    return _apply(4, (a, b), ())


def maximum(a: TensorLike, b: TensorLike) -> Tensor:
    """The larger of two, with broadcasting; NaN if one of them is NaN.

    Gradient: to the larger; ties share it equally.

    NumPy: `np.maximum(a, b)`
    """
    return _apply(5, (a, b), ())


def minimum(a: TensorLike, b: TensorLike) -> Tensor:
    """The smaller of two, with broadcasting; NaN if one of them is NaN.

    Gradient: to the smaller; ties share it equally.

    NumPy: `np.minimum(a, b)`
    """
    return _apply(6, (a, b), ())


def neg(x: TensorLike) -> Tensor:
    """Negative: `y = -x`.

    Gradient: `-g`.

    NumPy: `-x`
    """
    return _apply(7, (x,), ())


def square(x: TensorLike) -> Tensor:
    """Square: `y = x * x`.

    Gradient: `2 * g * x`.

    NumPy: `np.square(x)`
    """
    return _apply(8, (x,), ())


def sqrt(x: TensorLike) -> Tensor:
    """Square root; NaN below 0.

    Gradient: `g / (2 * y)`, infinite at 0; where the factor `y` stands in `g` it cancels, so `sqrt(x) ** 2` has
    the derivative 1 everywhere.

    NumPy: `np.sqrt(x)`
    """
    return _apply(9, (x,), ())


def abs(x: TensorLike) -> Tensor:
    """Absolute value. The smallest integer of a dtype stays as it is.

    Gradient: `g * sign(x)`; 0 at 0.

    NumPy: `np.abs(x)`
    """
    return _apply(10, (x,), ())


def sign(x: TensorLike) -> Tensor:
    """Sign: -1, 0 or 1; NaN of NaN.

    Gradient: 0.

    NumPy: `np.sign(x)`
    """
    return _apply(11, (x,), ())


def exp(x: TensorLike) -> Tensor:
    """Exponential function, within 2 ulp.

    Gradient: `g * y`.

    NumPy: `np.exp(x)`
    """
    return _apply(12, (x,), ())


def log(x: TensorLike) -> Tensor:
    """Natural logarithm, within 2 ulp; -inf at 0, NaN below.

    Gradient: `g / x`.

    NumPy: `np.log(x)`
    """
    return _apply(13, (x,), ())


def sin(x: TensorLike) -> Tensor:
    """Sine, within 3 ulp.

    Gradient: `g * cos(x)`.

    NumPy: `np.sin(x)`
    """
    return _apply(14, (x,), ())


def cos(x: TensorLike) -> Tensor:
    """Cosine, within 3 ulp.

    Gradient: `-g * sin(x)`.

    NumPy: `np.cos(x)`
    """
    return _apply(15, (x,), ())


def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent, within 3 ulp.

    Gradient: `g * (1 - y * y)`, exactly 0 where `|y|` rounds to 1.

    NumPy: `np.tanh(x)`
    """
    return _apply(16, (x,), ())


def sigmoid(x: TensorLike) -> Tensor:
    """Logistic function `1 / (1 + exp(-x))`, within 3 ulp.

    Gradient: `g * y * (1 - y)`.

    NumPy: `scipy.special.expit(x)`
    """
    return _apply(17, (x,), ())


def softplus(x: TensorLike) -> Tensor:
    """`log(1 + exp(x))`, computed as `max(x, 0) + log1p(exp(-|x|))`: it never overflows.

    Gradient: `g * sigmoid(x)`.

    NumPy: `np.logaddexp(x, 0)`
    """
    return _apply(18, (x,), ())


def erf(x: TensorLike) -> Tensor:
    """Error function `2 / sqrt(pi) * integral of exp(-t * t) from 0 to x`, within 2 ulp.

    Gradient: `g * 2 / sqrt(pi) * exp(-x * x)`.

    NumPy: `scipy.special.erf(x)`
    """
    return _apply(19, (x,), ())


def relu(x: TensorLike) -> Tensor:
    """Rectifier: `max(x, 0)`; NaN of NaN.

    Gradient: `g` where `x > 0`, exactly 0 elsewhere, at 0 too.

    NumPy: `np.maximum(x, 0)`
    """
    return _apply(20, (x,), ())


def clip(x: TensorLike, low: TensorLike, high: TensorLike) -> Tensor:
    """`x` limited to `low .. high`: `minimum(maximum(x, low), high)`.

    Gradient: to `x` where `low < x < high` and exactly 0 elsewhere, at the bounds too; else to the bound that holds.

    NumPy: `np.clip(x, low, high)`
    """
    return _apply(21, (x, low, high), ())


def equal(a: TensorLike, b: TensorLike) -> Tensor:
    """`a == b`, elementwise. NaN equals nothing.

    NumPy: `a == b`
    """
    return _apply(22, (a, b), ())


def not_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """`a != b`, elementwise.

    NumPy: `a != b`
    """
    return _apply(23, (a, b), ())


def less(a: TensorLike, b: TensorLike) -> Tensor:
    """`a < b`, elementwise.

    NumPy: `a < b`
    """
    return _apply(24, (a, b), ())


def less_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """`a <= b`, elementwise.

    NumPy: `a <= b`
    """
    return _apply(25, (a, b), ())


def greater(a: TensorLike, b: TensorLike) -> Tensor:
    """`a > b`, elementwise.

    NumPy: `a > b`
    """
    return _apply(26, (a, b), ())


def greater_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """`a >= b`, elementwise.

    NumPy: `a >= b`
    """
    return _apply(27, (a, b), ())


def logical_and(a: TensorLike, b: TensorLike) -> Tensor:
    """Logical and of two arrays; numbers count as true where they are not 0.

    NumPy: `np.logical_and(a, b)`
    """
    return _apply(28, (a, b), ())


def logical_or(a: TensorLike, b: TensorLike) -> Tensor:
    """Logical or of two arrays; numbers count as true where they are not 0.

    NumPy: `np.logical_or(a, b)`
    """
    return _apply(29, (a, b), ())


def logical_xor(a: TensorLike, b: TensorLike) -> Tensor:
    """Exclusive or of two arrays; numbers count as true where they are not 0.

    NumPy: `np.logical_xor(a, b)`
    """
    return _apply(30, (a, b), ())


def logical_not(x: TensorLike) -> Tensor:
    """Logical not; numbers count as true where they are not 0.

    NumPy: `np.logical_not(x)`
    """
    return _apply(31, (x,), ())


def where(condition: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
    """`a` where the condition is true, else `b`, with broadcasting. Both are computed; neither's infinities or NaN reach
    the gradient of the other.

    Gradient: `g` to the value that was taken, exactly 0 to the other.

    NumPy: `np.where(condition, a, b)`
    """
    return _apply(32, (condition, a, b), ())


def cast(x: TensorLike, dtype: DTypeLike = "float64") -> Tensor:
    """`x` converted to `dtype`. Floats become integers by truncation; NaN becomes 0 and values beyond the ends the
    nearest end. Anything but 0 becomes true.

    Gradient: `g` converted back, between floating dtypes; none otherwise.

    NumPy: `x.astype(dtype)`
    """
    return _apply(33, (x,), (dtype,))


def stop_gradient(x: TensorLike) -> Tensor:
    """`x` itself, with a gradient of 0.

    NumPy: `x`
    """
    return _apply(34, (x,), ())


def reshape(x: TensorLike, shape: Shape) -> Tensor:
    """The elements of `x` in C order under another shape; one length may be -1 and is worked out.

    Gradient: `g` under the shape of `x`.

    NumPy: `np.reshape(x, shape)`
    """
    return _apply(35, (x,), (shape,))


def reshape_like(x: TensorLike, like: TensorLike) -> Tensor:
    """`x` under the shape of `like`, of which only the shape is used.

    Gradient: `g` under the shape of `x`.

    NumPy: `np.reshape(x, like.shape)`
    """
    return _apply(36, (x, like), ())


def transpose(x: TensorLike, axes: Axes = None) -> Tensor:
    """`x` with its axes in another order; reversed by default.

    Gradient: `g` with the axes put back.

    NumPy: `np.transpose(x, axes)`
    """
    return _apply(37, (x,), (axes,))


def broadcast_to(x: TensorLike, shape: Shape) -> Tensor:
    """`x` repeated to `shape`.

    Gradient: the sum of `g` over the axes that were repeated.

    NumPy: `np.broadcast_to(x, shape)`
    """
    return _apply(38, (x,), (shape,))


def broadcast_like(x: TensorLike, like: TensorLike) -> Tensor:
    """`x` repeated to the shape of `like`, of which only the shape is used.

    Gradient: the sum of `g` over the axes that were repeated.

    NumPy: `np.broadcast_to(x, like.shape)`
    """
    return _apply(39, (x, like), ())


def sum_to(x: TensorLike, like: TensorLike) -> Tensor:
    """The sum of `x` over the axes along which `like`, of which only the shape is used, is repeated to the shape of `x`.

    Gradient: `g` repeated to the shape of `x`.

    NumPy: `ref.sum_to(x, like)`
    """
    return _apply(40, (x, like), ())


def expand_dims(x: TensorLike, axis: Axes = (0,)) -> Tensor:
    """`x` with new axes of length 1: `axis` names their places in the result.

    Gradient: `g` without these axes.

    NumPy: `np.expand_dims(x, axis)`
    """
    return _apply(41, (x,), (axis,))


def squeeze(x: TensorLike, axis: Axes = None) -> Tensor:
    """`x` without axes of length 1: those that `axis` names, or all that are known to be of length 1.

    Gradient: `g` with these axes put back.

    NumPy: `np.squeeze(x, axis)`
    """
    return _apply(42, (x,), (axis,))


def strided_slice(x: TensorLike, slices: Sequence[builtins.slice]) -> Tensor:
    """A part of `x`: one slice an axis, from the first; axes that are not named stay whole. Bounds and steps mean what
    NumPy's mean: negative bounds count from the end, bounds beyond the ends are cut, steps may be negative.

    Gradient: `g` in its places of an array of zeros.

    NumPy: `x[slices]`
    """
    return _apply(43, (x,), (slices,))


def unslice_to(g: TensorLike, slices: Sequence[builtins.slice], shape: Shape) -> Tensor:
    """An array of zeros of `shape` with `g` in the places that `slices` name: the adjoint of a slice.

    Gradient: the slices of the cotangent.

    NumPy: `ref.unslice(g, slices, shape)`
    """
    return _apply(44, (g,), (slices, shape))


def unslice_like(g: TensorLike, like: TensorLike, slices: Sequence[builtins.slice]) -> Tensor:
    """`UNSLICE` to the shape of `like`, of which only the shape is used.

    NumPy: `ref.unslice(g, slices, like.shape)`
    """
    return _apply(45, (g, like), (slices,))


def concat(xs: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Arrays joined along an axis that they have; their other lengths are equal.

    Gradient: the parts of `g`.

    NumPy: `np.concatenate(xs, axis=axis)`
    """
    return _apply(46, (xs,), (axis,))


def reduce_sum(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Sum over `axis` (all axes by default); bools and `int32` are summed in `int64`. The sum over nothing is 0.

    The order of the additions depends on shape and axes only: blocks of 512, folded 8 by 8 by 8, then pairwise.

    Gradient: `g` repeated over the axes.

    NumPy: `np.sum(x, axis=axis, keepdims=keepdims)`
    """
    return _apply(47, (x,), (axis, keepdims))


def reduce_max(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest element over `axis` (all axes by default); NaN if one is NaN.

    Gradient: to the largest elements; ties share it equally.

    NumPy: `np.max(x, axis=axis, keepdims=keepdims)`
    """
    return _apply(48, (x,), (axis, keepdims))


def reduce_min(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The smallest element over `axis` (all axes by default); NaN if one is NaN.

    Gradient: to the smallest elements; ties share it equally.

    NumPy: `np.min(x, axis=axis, keepdims=keepdims)`
    """
    return _apply(49, (x,), (axis, keepdims))


def size(x: TensorLike, axis: Axes = None) -> Tensor:
    """The number of elements of `x` along `axis` (all axes by default), as an `int64` value: of `x` only the shape is used.

    Gradient: none.

    NumPy: `ref.size(x, axis)`
    """
    return _apply(50, (x,), (axis,))


def reduce_mean(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Mean over `axis` (all axes by default), in floating numbers: `sum(x) / n`. The mean over nothing is NaN.

    NumPy: `np.mean(x, axis=axis, keepdims=keepdims)`
    """
    return _apply(51, (x,), (axis, keepdims))


def reduce_logsumexp(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """`log(sum(exp(x)))` over `axis` (all axes by default), shifted by the maximum: it never overflows. Where all
    elements are -inf it is -inf.

    NumPy: `scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)`
    """
    return _apply(52, (x,), (axis, keepdims))


def argmax(x: TensorLike, axis: int = -1, keepdims: bool = False) -> Tensor:
    """The index of the largest element along `axis`, as `int64`; the first of ties; NaN counts as largest.

    Gradient: none.

    NumPy: `np.argmax(x, axis=axis, keepdims=keepdims)`
    """
    return _apply(53, (x,), (axis, keepdims))


def max_with_index(x: TensorLike, axis: int = -1) -> tuple[Tensor, Tensor]:
    """The largest element along `axis`, and its index as `int64`: the first of ties; NaN counts as largest.

    Gradient: to the element that the index names.

    NumPy: `ref.max_with_index(x, axis)`
    """
    return _apply(54, (x,), (axis,))  # type: ignore[no-any-return]


def take(x: TensorLike, index: TensorLike, axis: int = 0) -> Tensor:
    """The elements of `x` at `index` along `axis`; the axis becomes the axes of `index`. Negative indices count from the
    end; an index out of range is an error of the run.

    Gradient: `g` added up at the indices.

    NumPy: `np.take(x, index, axis=axis)`
    """
    return _apply(55, (x, index), (axis,))


def take_add(g: TensorLike, index: TensorLike, axis: int, n: int) -> Tensor:
    """Zeros with `g` added up at the indices along `axis`, which has length `n`: the adjoint of `TAKE`.

    Gradient: the cotangent's elements at the indices.

    NumPy: `ref.take_add(g, index, axis, n)`
    """
    return _apply(56, (g, index), (axis, n))


def take_add_like(g: TensorLike, index: TensorLike, like: TensorLike, axis: int = 0) -> Tensor:
    """`TAKE_ADD` to the shape of `like`, of which only the shape is used.

    NumPy: `ref.take_add(g, index, axis, like.shape[axis])`
    """
    return _apply(57, (g, index, like), (axis,))


def gather(x: TensorLike, index: TensorLike, axis: int = -1) -> Tensor:
    """For each place of `index` the element of `x` at that index along `axis` and at the same place on the other axes.
    Lengths off the axis are equal. Negative indices count from the end; an index out of range is an error of the run.

    Gradient: `g` added up at the indices.

    NumPy: `np.take_along_axis(x, index, axis=axis)`
    """
    return _apply(58, (x, index), (axis,))


def gather_add(g: TensorLike, index: TensorLike, axis: int, n: int) -> Tensor:
    """Zeros with `g` added up at the indices along `axis`, which has length `n`: the adjoint of `GATHER`.

    Gradient: the cotangent's elements at the indices.

    NumPy: `ref.gather_add(g, index, axis, n)`
    """
    return _apply(59, (g, index), (axis, n))


def gather_add_like(g: TensorLike, index: TensorLike, like: TensorLike, axis: int = -1) -> Tensor:
    """`GATHER_ADD` to the shape of `like`, of which only the shape is used.

    NumPy: `ref.gather_add(g, index, axis, like.shape[axis])`
    """
    return _apply(60, (g, index, like), (axis,))


def one_hot(labels: TensorLike, classes: int, dtype: DTypeLike = "float64") -> Tensor:
    """An array with one more, last, axis of length `classes`: 1 at the label's place, 0 elsewhere. Labels are integers or
    integral floats; one out of range, or NaN, is an error of the run.

    Gradient: none.

    NumPy: `np.eye(classes, dtype=dtype)[labels]`
    """
    return _apply(61, (labels,), (classes, dtype))


def check_labels(labels: TensorLike, classes: int) -> Tensor:
    """Labels as `int64` indices `0 .. classes`: integers or integral floats; one out of range, or NaN, is an error of the
    run that names its place.

    Gradient: none.

    NumPy: `labels.astype(np.int64)`
    """
    return _apply(62, (labels,), (classes,))


def batch_matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """Product of matrices in the last two axes, with broadcasting over the others: `(..., m, k)` and `(..., k, n)` give
    `(..., m, n)`.

    Gradient: `g @ b^T` and `a^T @ g`, summed over broadcast axes.

    NumPy: `np.matmul(a, b)`
    """
    return _apply(63, (a, b), ())


def matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """Product of matrices as NumPy's `a @ b`: the last two axes are matrices and the others broadcast; a 1-d array is a
    row on the left and a column on the right, and that axis is dropped from the result.

    NumPy: `np.matmul(a, b)`
    """
    return _apply(64, (a, b), ())


def lower_triangle(x: TensorLike, halve: bool = False) -> Tensor:
    """The lower triangle of matrices in the last two axes, zeros above; with `halve` the diagonal is halved.

    Gradient: the same of `g`.

    NumPy: `np.tril(x) - (np.tril(x) - np.tril(x, -1)) * (0.5 if halve else 0.0)`
    """
    return _apply(65, (x,), (halve,))


def solve_lower(l: TensorLike, b: TensorLike, transpose: bool = False) -> Tensor:
    """The solution `x` of `l x = b`, or of `l^T x = b` with `transpose`, for lower triangular `l`; of `l` only the lower
    triangle is read. A zero on the diagonal is an error of the run.

    Gradient: `gb = l^-T g` and `-tril(gb x^T)`; with `transpose`, `gb = l^-1 g` and `-tril(x gb^T)`.

    NumPy: `scipy.linalg.solve_triangular(l, b, lower=True, trans=int(transpose))`
    """
    return _apply(66, (l, b), (transpose,))


def cholesky_lower(a: TensorLike) -> Tensor:
    """The lower factor `l` of `a = l l^T`; of `a` only the lower triangle is read. A matrix that is not positive definite
    is an error of the run.

    Gradient: with `s = l^-T phi(l^T g) l^-1`, where `phi` is the lower triangle with its diagonal halved, the lower
    triangle of `a` gets `phi(s + s^T)` (Murray 2016, arXiv:1602.07527, equation 10).

    NumPy: `np.linalg.cholesky(a)`
    """
    return _apply(67, (a,), ())


def cholesky(a: TensorLike) -> Tensor:
    """The lower factor `l` of the symmetric positive definite matrices `a = l l^T` in the last two axes, zeros above the
    diagonal. The symmetric part `(a + a^T) / 2` is factored, so the gradient is symmetric. A matrix that is not
    positive definite is an error of the run.

    NumPy: `np.linalg.cholesky((a + np.swapaxes(a, -1, -2)) / 2)`
    """
    return _apply(68, (a,), ())


def check_finite(x: TensorLike) -> Tensor:
    """`x` itself; an element that is NaN or infinite is an error of the run, which then changes nothing.

    Gradient: `g`.

    NumPy: `x`
    """
    return _apply(75, (x,), ())


def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`exp(x) / sum(exp(x))` along `axis`, shifted by the maximum: it never overflows.

    NumPy: `scipy.special.softmax(x, axis=axis)`
    """
    return _apply(76, (x,), (axis,))


def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`x - logsumexp(x)` along `axis`: the logarithm of softmax without its underflow.

    NumPy: `scipy.special.log_softmax(x, axis=axis)`
    """
    return _apply(77, (x,), (axis,))


def gelu(x: TensorLike) -> Tensor:
    """Gaussian error linear unit: `x * (1 + erf(x / sqrt(2))) / 2`.

    NumPy: `x * 0.5 * (1 + scipy.special.erf(x / np.sqrt(2)))`
    """
    return _apply(78, (x,), ())


def dropout(x: TensorLike, ratio: TensorLike, train: bool = True) -> Tensor:
    """With `train`, each element is 0 with probability `ratio`, else divided by `1 - ratio`; without it, `x` itself. Each
    call is a draw of its own, and each run draws anew.

    NumPy: `ref.dropout(x, ratio, train)`
    """
    return _apply(79, (x, ratio), (train,))


def sparse_softmax_cross_entropy(logits: TensorLike, labels: TensorLike) -> Tensor:
    """Cross-entropy of softmax against labels: `logsumexp(logits) - logits[label]`, one value a row. `logits` are
    `(n, classes)`; labels are integers or integral floats of shape `(n,)` or `(n, 1)`, and one that is NaN, not integral
    or outside `0 <= label < classes` is an error of the run.

    NumPy: `-np.take_along_axis(scipy.special.log_softmax(logits, axis=1), labels.reshape(-1, 1).astype(int), axis=1)[:, 0]`
    """
    return _apply(80, (logits, labels), ())


def softmax_cross_entropy(logits: TensorLike, targets: TensorLike) -> Tensor:
    """Cross-entropy of softmax against distributions: `sum(targets * (logsumexp(logits) - logits))` over the last axis, one
    value a row.

    NumPy: `-np.sum(targets * scipy.special.log_softmax(logits, axis=-1), axis=-1)`
    """
    return _apply(81, (logits, targets), ())


def sigmoid_cross_entropy(x: TensorLike, targets: TensorLike) -> Tensor:
    """Cross-entropy of the logistic function against targets in `0 ..= 1`, elementwise:
    `max(x, 0) - x * targets + log(1 + exp(-|x|))`, which never overflows.

    NumPy: `np.logaddexp(x, 0) - x * targets`
    """
    return _apply(82, (x, targets), ())


def mean_squared_error(x: TensorLike, targets: TensorLike) -> Tensor:
    """Mean over the last axis of the squared difference, one value a row.

    NumPy: `np.mean((x - targets) ** 2, axis=-1)`
    """
    return _apply(83, (x, targets), ())


astype = cast
concatenate = concat
divide = div
lesser = less
lesser_equal = less_equal
ln = log
logsumexp = reduce_logsumexp
max = reduce_max
mean = reduce_mean
min = reduce_min
multiply = mul
negative = neg
power = pow
subtract = sub
sum = reduce_sum
take_along_axis = gather
dot = matmul

Tensor.sum = sum  # type: ignore[method-assign,assignment]
Tensor.mean = mean  # type: ignore[method-assign,assignment]
Tensor.max = max  # type: ignore[method-assign,assignment]
Tensor.min = min  # type: ignore[method-assign,assignment]
Tensor.logsumexp = logsumexp  # type: ignore[method-assign,assignment]
Tensor.argmax = argmax  # type: ignore[method-assign,assignment]
Tensor.squeeze = squeeze  # type: ignore[method-assign,assignment]
Tensor.expand_dims = expand_dims  # type: ignore[method-assign,assignment]
Tensor.clip = clip  # type: ignore[method-assign,assignment]
Tensor.take = take  # type: ignore[method-assign,assignment]
Tensor.astype = astype  # type: ignore[method-assign,assignment]
Tensor.square = square  # type: ignore[method-assign,assignment]
Tensor.sqrt = sqrt  # type: ignore[method-assign,assignment]
Tensor.exp = exp  # type: ignore[method-assign,assignment]
Tensor.log = log  # type: ignore[method-assign,assignment]
Tensor.abs = abs  # type: ignore[method-assign,assignment]
Tensor.equal = equal  # type: ignore[method-assign,assignment]
Tensor.not_equal = not_equal  # type: ignore[method-assign,assignment]
Tensor.less = less  # type: ignore[method-assign,assignment]
Tensor.less_equal = less_equal  # type: ignore[method-assign,assignment]
Tensor.greater = greater  # type: ignore[method-assign,assignment]
Tensor.greater_equal = greater_equal  # type: ignore[method-assign,assignment]
Tensor.dot = dot  # type: ignore[method-assign,assignment]
Tensor.reshape = _functions._reshape  # type: ignore[method-assign,assignment]
Tensor.transpose = _functions._transpose  # type: ignore[method-assign,assignment]
Tensor.register_hook = _functions._register_hook  # type: ignore[method-assign,assignment]
Tensor.show = _functions._show  # type: ignore[method-assign,assignment]
