"""Methods of Tensor. Generated from the op table by tools/gen.py: edit the rows, not this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._functions import attach
from ._lib import Tensor, _apply

if TYPE_CHECKING:
    from ._typing import Axes, DTypeLike, TensorLike


def sum(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.reduce_sum`, with this tensor as `x`."""
    y: Tensor = _apply(47, (self,), (axis, keepdims))
    return y


def mean(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.reduce_mean`, with this tensor as `x`."""
    y: Tensor = _apply(51, (self,), (axis, keepdims))
    return y


def max(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.reduce_max`, with this tensor as `x`."""
    y: Tensor = _apply(48, (self,), (axis, keepdims))
    return y


def min(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.reduce_min`, with this tensor as `x`."""
    y: Tensor = _apply(49, (self,), (axis, keepdims))
    return y


def logsumexp(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.reduce_logsumexp`, with this tensor as `x`."""
    y: Tensor = _apply(52, (self,), (axis, keepdims))
    return y


def argmax(self: Tensor, axis: int = -1, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.argmax`, with this tensor as `x`."""
    y: Tensor = _apply(53, (self,), (axis, keepdims))
    return y


def squeeze(self: Tensor, axis: Axes = None) -> Tensor:
    """As `tensor_ops.squeeze`, with this tensor as `x`."""
    y: Tensor = _apply(39, (self,), (axis,))
    return y


def expand_dims(self: Tensor, axis: Axes = (0,)) -> Tensor:
    """As `tensor_ops.expand_dims`, with this tensor as `x`."""
    y: Tensor = _apply(38, (self,), (axis,))
    return y


def clip(self: Tensor, low: TensorLike, high: TensorLike) -> Tensor:
    """As `tensor_ops.clip`, with this tensor as `x`."""
    y: Tensor = _apply(21, (self, low, high), ())
    return y


def take(self: Tensor, index: TensorLike, axis: int = 0) -> Tensor:
    """As `tensor_ops.take`, with this tensor as `x`."""
    y: Tensor = _apply(55, (self, index), (axis,))
    return y


def astype(self: Tensor, dtype: DTypeLike = "float64") -> Tensor:
    """As `tensor_ops.cast`, with this tensor as `x`."""
    y: Tensor = _apply(33, (self,), (dtype,))
    return y


def square(self: Tensor) -> Tensor:
    """As `tensor_ops.square`, with this tensor as `x`."""
    y: Tensor = _apply(8, (self,), ())
    return y


def sqrt(self: Tensor) -> Tensor:
    """As `tensor_ops.sqrt`, with this tensor as `x`."""
    y: Tensor = _apply(9, (self,), ())
    return y


def exp(self: Tensor) -> Tensor:
    """As `tensor_ops.exp`, with this tensor as `x`."""
    y: Tensor = _apply(12, (self,), ())
    return y


def log(self: Tensor) -> Tensor:
    """As `tensor_ops.log`, with this tensor as `x`."""
    y: Tensor = _apply(13, (self,), ())
    return y


def abs(self: Tensor) -> Tensor:
    """As `tensor_ops.abs`, with this tensor as `x`."""
    y: Tensor = _apply(10, (self,), ())
    return y


def equal(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.equal`, with this tensor as `a`."""
    y: Tensor = _apply(22, (self, b), ())
    return y


def not_equal(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.not_equal`, with this tensor as `a`."""
    y: Tensor = _apply(23, (self, b), ())
    return y


def less(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.less`, with this tensor as `a`."""
    y: Tensor = _apply(24, (self, b), ())
    return y


def less_equal(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.less_equal`, with this tensor as `a`."""
    y: Tensor = _apply(25, (self, b), ())
    return y


def greater(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.greater`, with this tensor as `a`."""
    y: Tensor = _apply(26, (self, b), ())
    return y


def greater_equal(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.greater_equal`, with this tensor as `a`."""
    y: Tensor = _apply(27, (self, b), ())
    return y


def dot(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.matmul`, with this tensor as `a`."""
    y: Tensor = _apply(64, (self, b), ())
    return y


attach(
    {
        "sum": sum,
        "mean": mean,
        "max": max,
        "min": min,
        "logsumexp": logsumexp,
        "argmax": argmax,
        "squeeze": squeeze,
        "expand_dims": expand_dims,
        "clip": clip,
        "take": take,
        "astype": astype,
        "square": square,
        "sqrt": sqrt,
        "exp": exp,
        "log": log,
        "abs": abs,
        "equal": equal,
        "not_equal": not_equal,
        "less": less,
        "less_equal": less_equal,
        "greater": greater,
        "greater_equal": greater_equal,
        "dot": dot,
    }
)
