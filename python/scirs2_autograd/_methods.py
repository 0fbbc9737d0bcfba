"""Methods of Tensor."""

# Generated from the op table by tools/gen.py: edit the rows, not this file.

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ._functions import attach
from ._lib import Tensor, _apply
from ._rows import rows as _rows

if TYPE_CHECKING:
    from ._typing import Axes, DTypeLike, Shape, TensorLike

_row = _rows("0.1.0")
_abs = _row("abs")
_all = _row("all")
_any = _row("any")
_argmax = _row("argmax")
_argmin = _row("argmin")
_argsort = _row("argsort")
_cast = _row("cast")
_clip = _row("clip")
_cumprod = _row("cumprod")
_cumsum = _row("cumsum")
_diagonal = _row("diagonal")
_dot = _row("dot")
_equal = _row("equal")
_exp = _row("exp")
_expand_dims = _row("expand_dims")
_flatten = _row("flatten")
_frobenius_norm = _row("frobenius_norm")
_greater = _row("greater")
_greater_equal = _row("greater_equal")
_less = _row("less")
_less_equal = _row("less_equal")
_log = _row("log")
_median = _row("median")
_not_equal = _row("not_equal")
_quantile = _row("quantile")
_ravel = _row("ravel")
_reduce_logsumexp = _row("reduce_logsumexp")
_reduce_max = _row("reduce_max")
_reduce_mean = _row("reduce_mean")
_reduce_min = _row("reduce_min")
_reduce_prod = _row("reduce_prod")
_reduce_sum = _row("reduce_sum")
_repeat = _row("repeat")
_round = _row("round")
_scalar_mul = _row("scalar_mul")
_sort = _row("sort")
_sqrt = _row("sqrt")
_square = _row("square")
_squeeze = _row("squeeze")
_std = _row("std")
_swapaxes = _row("swapaxes")
_take = _row("take")
_topk = _row("topk")
_trace = _row("trace")
_var = _row("var")


def square(self: Tensor) -> Tensor:
    """As `tensor_ops.square`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([-3, 0, 4]).square().eval())
    [ 9  0 16]
    """
    made: Tensor = _apply(_square, (self,), ())
    return made


def abs(self: Tensor) -> Tensor:
    """As `tensor_ops.abs`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([-1.5, 0.0, 2.0]).abs().eval())
    [1.5 0.  2. ]
    """
    made: Tensor = _apply(_abs, (self,), ())
    return made


def clip(self: Tensor, low: TensorLike | None = None, high: TensorLike | None = None) -> Tensor:
    """As `tensor_ops.clip`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([-1.0, 0.5, 3.0]).clip(0.0, 1.0).eval())
    [0.  0.5 1. ]
    """
    made: Tensor = _apply(_clip, (self, low, high), ())
    return made


def round(self: Tensor, decimals: int = 0) -> Tensor:
    """As `tensor_ops.round`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([0.125, 12.5, -2.675]).round(2).eval())
    [ 0.12 12.5  -2.68]
    """
    made: Tensor = _apply(_round, (self,), (decimals,))
    return made


def sqrt(self: Tensor) -> Tensor:
    """As `tensor_ops.sqrt`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([4.0, 0.0, -1.0]).sqrt().eval())
    [ 2.  0. nan]
    """
    made: Tensor = _apply(_sqrt, (self,), ())
    return made


def exp(self: Tensor) -> Tensor:
    """As `tensor_ops.exp`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([0.0, 1.0]).exp().eval())
    [1.         2.71828183]
    """
    made: Tensor = _apply(_exp, (self,), ())
    return made


def log(self: Tensor) -> Tensor:
    """As `tensor_ops.log`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([np.e, 1.0, 0.0, -1.0]).log().eval())
    [  1.   0. -inf  nan]
    """
    made: Tensor = _apply(_log, (self,), ())
    return made


def equal(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.equal`, with this tensor as `a`.

    >>> with ag.Context():
    ...     print(T.constant([1.0, 2.0, np.nan]).equal([1.0, 3.0, np.nan]).eval())
    [ True False False]
    """
    made: Tensor = _apply(_equal, (self, b), ())
    return made


def not_equal(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.not_equal`, with this tensor as `a`.

    >>> with ag.Context():
    ...     print(T.constant([1.0, 2.0, np.nan]).not_equal([1.0, 3.0, np.nan]).eval())
    [False  True  True]
    """
    made: Tensor = _apply(_not_equal, (self, b), ())
    return made


def less(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.less`, with this tensor as `a`.

    >>> with ag.Context():
    ...     print(T.constant([1, 2, 3]).less(2).eval())
    [ True False False]
    """
    made: Tensor = _apply(_less, (self, b), ())
    return made


def less_equal(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.less_equal`, with this tensor as `a`.

    >>> with ag.Context():
    ...     print(T.constant([1, 2, 3]).less_equal(2).eval())
    [ True  True False]
    """
    made: Tensor = _apply(_less_equal, (self, b), ())
    return made


def greater(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.greater`, with this tensor as `a`.

    >>> with ag.Context():
    ...     print(T.constant([1, 2, 3]).greater(2).eval())
    [False False  True]
    """
    made: Tensor = _apply(_greater, (self, b), ())
    return made


def greater_equal(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.greater_equal`, with this tensor as `a`.

    >>> with ag.Context():
    ...     print(T.constant([1, 2, 3]).greater_equal(2).eval())
    [False  True  True]
    """
    made: Tensor = _apply(_greater_equal, (self, b), ())
    return made


def astype(self: Tensor, dtype: DTypeLike = "float64") -> Tensor:
    """As `tensor_ops.cast`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([1.7, -1.7, 0.0]).astype("int32").eval())
    [ 1 -1  0]
    """
    made: Tensor = _apply(_cast, (self,), (dtype,))
    return made


def expand_dims(self: Tensor, axis: Axes = (0,)) -> Tensor:
    """As `tensor_ops.expand_dims`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([1, 2]).expand_dims(-1).eval())
    [[1]
     [2]]
    """
    made: Tensor = _apply(_expand_dims, (self,), (axis,))
    return made


def squeeze(self: Tensor, axis: Axes = None) -> Tensor:
    """As `tensor_ops.squeeze`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[[1], [2]]]).squeeze(-1).eval())
    [[1 2]]
    """
    made: Tensor = _apply(_squeeze, (self,), (axis,))
    return made


def repeat(self: Tensor, repeats: Shape, axis: int | None = None) -> Tensor:
    """As `tensor_ops.repeat`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1, 2], [3, 4]]).repeat([2, 1], axis=0).eval())
    [[1 2]
     [1 2]
     [3 4]]
    """
    made: Tensor = _apply(_repeat, (self,), (repeats, axis))
    return made


def swapaxes(self: Tensor, axis1: int, axis2: int) -> Tensor:
    """As `tensor_ops.swapaxes`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1, 2, 3], [4, 5, 6]]).swapaxes(0, 1).eval())
    [[1 4]
     [2 5]
     [3 6]]
    """
    made: Tensor = _apply(_swapaxes, (self,), (axis1, axis2))
    return made


def ravel(self: Tensor) -> Tensor:
    """As `tensor_ops.ravel`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1, 2], [3, 4]]).ravel().eval())
    [1 2 3 4]
    """
    made: Tensor = _apply(_ravel, (self,), ())
    return made


def flatten(self: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """As `tensor_ops.flatten`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[[1, 2], [3, 4]]]).flatten(start_dim=1).eval())
    [[1 2 3 4]]
    """
    made: Tensor = _apply(_flatten, (self,), (start_dim, end_dim))
    return made


def diagonal(self: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """As `tensor_ops.diagonal`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1, 2, 3], [4, 5, 6]]).diagonal(offset=1).eval())
    [2 6]
    """
    made: Tensor = _apply(_diagonal, (self,), (offset, axis1, axis2))
    return made


def trace(self: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """As `tensor_ops.trace`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).trace().eval())
    6.0
    """
    made: Tensor = _apply(_trace, (self,), (offset, axis1, axis2))
    return made


def sum(self: Tensor, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """As `tensor_ops.reduce_sum`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1, 2], [3, 4]]).sum(axis=-1, keepdims=True).eval())
    [[3]
     [7]]
    """
    made: Tensor = _apply(_reduce_sum, (self, where), (axis, keepdims))
    return made


def max(
    self: Tensor, axis: Axes = None, keepdims: bool = False, initial: TensorLike | None = None, where: TensorLike | None = None
) -> Tensor:
    """As `tensor_ops.reduce_max`, with this tensor as `x`.

    >>> with ag.Context():
    ...     x = T.constant([1.0, 3.0, 3.0])
    ...     print(T.grad([x.max()], [x])[0].eval())
    [0.  0.5 0.5]
    """
    made: Tensor = _apply(_reduce_max, (self, initial, where), (axis, keepdims))
    return made


def min(
    self: Tensor, axis: Axes = None, keepdims: bool = False, initial: TensorLike | None = None, where: TensorLike | None = None
) -> Tensor:
    """As `tensor_ops.reduce_min`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1.0, 5.0], [7.0, 2.0]]).min(axis=-1).eval())
    [1. 2.]
    """
    made: Tensor = _apply(_reduce_min, (self, initial, where), (axis, keepdims))
    return made


def mean(self: Tensor, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """As `tensor_ops.reduce_mean`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1, 2], [3, 4]]).mean(axis=0).eval())
    [2. 3.]
    """
    made: Tensor = _apply(_reduce_mean, (self, where), (axis, keepdims))
    return made


def logsumexp(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.reduce_logsumexp`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1000.0, 1000.0], [0.0, -np.inf]]).logsumexp(axis=-1).eval())
    [1000.69314718    0.        ]
    """
    made: Tensor = _apply(_reduce_logsumexp, (self,), (axis, keepdims))
    return made


def argmax(self: Tensor, axis: int = -1, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.argmax`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]]).argmax().eval())
    [1 0]
    """
    made: Tensor = _apply(_argmax, (self,), (axis, keepdims))
    return made


def argmin(self: Tensor, axis: int = -1, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.argmin`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[3.0, 1.0, 1.0], [2.0, np.nan, 1.0]]).argmin().eval())
    [1 1]
    """
    made: Tensor = _apply(_argmin, (self,), (axis, keepdims))
    return made


def var(self: Tensor, axis: Axes = None, ddof: TensorLike = 0, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """As `tensor_ops.var`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1.0, 3.0], [2.0, 8.0]]).var(axis=1).eval())
    [1. 9.]
    """
    made: Tensor = _apply(_var, (self, ddof, where), (axis, keepdims))
    return made


def std(self: Tensor, axis: Axes = None, ddof: TensorLike = 0, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """As `tensor_ops.std`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1.0, 3.0], [2.0, 8.0]]).std(axis=1).eval())
    [1. 3.]
    """
    made: Tensor = _apply(_std, (self, ddof, where), (axis, keepdims))
    return made


def any(self: Tensor, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """As `tensor_ops.any`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[0.0, 2.0], [0.0, 0.0]]).any(axis=1).eval())
    [ True False]
    """
    made: Tensor = _apply(_any, (self, where), (axis, keepdims))
    return made


def all(self: Tensor, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """As `tensor_ops.all`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1.0, 2.0], [0.0, 3.0]]).all(axis=1).eval())
    [ True False]
    """
    made: Tensor = _apply(_all, (self, where), (axis, keepdims))
    return made


def cumsum(self: Tensor, axis: int | None = None) -> Tensor:
    """As `tensor_ops.cumsum`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1, 2], [3, 4]]).cumsum(axis=1).eval())
    [[1 3]
     [3 7]]
    """
    made: Tensor = _apply(_cumsum, (self,), (axis,))
    return made


def cumprod(self: Tensor, axis: int | None = None) -> Tensor:
    """As `tensor_ops.cumprod`, with this tensor as `x`.

    >>> with ag.Context():
    ...     x = T.constant([2.0, 0.0, 5.0])
    ...     print(T.grad([T.reduce_sum(x.cumprod())], [x])[0].eval())
    [ 1. 12.  0.]
    """
    made: Tensor = _apply(_cumprod, (self,), (axis,))
    return made


def prod(self: Tensor, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """As `tensor_ops.reduce_prod`, with this tensor as `x`.

    >>> with ag.Context():
    ...     x = T.constant([2.0, 0.0, 5.0])
    ...     print(T.grad([x.prod()], [x])[0].eval())
    [ 0. 10.  0.]
    """
    made: Tensor = _apply(_reduce_prod, (self, where), (axis, keepdims))
    return made


def sort(self: Tensor, axis: int | None = -1) -> Tensor:
    """As `tensor_ops.sort`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([3.0, np.nan, 1.0, 2.0]).sort().eval())
    [ 1.  2.  3. nan]
    """
    made: Tensor = _apply(_sort, (self,), (axis,))
    return made


def argsort(self: Tensor, axis: int | None = -1) -> Tensor:
    """As `tensor_ops.argsort`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([3.0, 1.0, 2.0, 1.0]).argsort().eval())
    [1 3 2 0]
    """
    made: Tensor = _apply(_argsort, (self,), (axis,))
    return made


def topk(self: Tensor, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """As `tensor_ops.topk`, with this tensor as `x`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.constant([5.0, 9.0, 7.0, 9.0]).topk(3)))
    [9. 9. 7.] [1 3 2]
    """
    made: tuple[Tensor, Tensor] = _apply(_topk, (self,), (k, axis, largest, sorted))
    return made


def median(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """As `tensor_ops.median`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[1.0, 9.0, 4.0], [7.0, 2.0, 3.0]]).median(axis=-1).eval())
    [4. 3.]
    """
    made: Tensor = _apply(_median, (self,), (axis, keepdims))
    return made


def quantile(
    self: Tensor,
    q: TensorLike,
    axis: Axes = None,
    method: Literal["linear", "lower", "higher", "midpoint"] = "linear",
    keepdims: bool = False,
) -> Tensor:
    """As `tensor_ops.quantile`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([1.0, 2.0, 4.0, 8.0]).quantile([0.5, 0.9]).eval())
    [3.  6.8]
    """
    made: Tensor = _apply(_quantile, (self, q), (axis, method, keepdims))
    return made


def take(self: Tensor, index: TensorLike, axis: int | None = None) -> Tensor:
    """As `tensor_ops.take`, with this tensor as `x`.

    >>> with ag.Context():
    ...     print(T.constant([[10.0, 20.0], [30.0, 40.0]]).take([2, -1, 0]).eval())
    [30. 40. 10.]
    """
    made: Tensor = _apply(_take, (self, index), (axis,))
    return made


def dot(self: Tensor, b: TensorLike) -> Tensor:
    """As `tensor_ops.dot`, with this tensor as `a`.

    >>> with ag.Context():
    ...     print(T.constant([[1.0, 2.0], [3.0, 4.0]]).dot([10.0, 1.0]).eval())
    [12. 34.]
    """
    made: Tensor = _apply(_dot, (self, b), ())
    return made


def frobenius_norm(self: Tensor) -> Tensor:
    """As `tensor_ops.frobenius_norm`, with this tensor as `a`.

    >>> with ag.Context():
    ...     print(T.constant([[3.0, 0.0], [0.0, 4.0]]).frobenius_norm().eval())
    5.0
    """
    made: Tensor = _apply(_frobenius_norm, (self,), ())
    return made


def scalar_mul(self: Tensor, s: TensorLike) -> Tensor:
    """As `tensor_ops.scalar_mul`, with this tensor as `a`.

    >>> with ag.Context():
    ...     print(T.constant([[1.0, 2.0]]).scalar_mul(3.0).eval())
    [[3. 6.]]
    """
    made: Tensor = _apply(_scalar_mul, (self, s), ())
    return made


attach(
    {
        "square": square,
        "abs": abs,
        "clip": clip,
        "round": round,
        "sqrt": sqrt,
        "exp": exp,
        "log": log,
        "equal": equal,
        "not_equal": not_equal,
        "less": less,
        "less_equal": less_equal,
        "greater": greater,
        "greater_equal": greater_equal,
        "astype": astype,
        "expand_dims": expand_dims,
        "squeeze": squeeze,
        "repeat": repeat,
        "swapaxes": swapaxes,
        "ravel": ravel,
        "flatten": flatten,
        "diagonal": diagonal,
        "trace": trace,
        "sum": sum,
        "max": max,
        "min": min,
        "mean": mean,
        "logsumexp": logsumexp,
        "argmax": argmax,
        "argmin": argmin,
        "var": var,
        "std": std,
        "any": any,
        "all": all,
        "cumsum": cumsum,
        "cumprod": cumprod,
        "prod": prod,
        "sort": sort,
        "argsort": argsort,
        "topk": topk,
        "median": median,
        "quantile": quantile,
        "take": take,
        "dot": dot,
        "frobenius_norm": frobenius_norm,
        "scalar_mul": scalar_mul,
    }
)
