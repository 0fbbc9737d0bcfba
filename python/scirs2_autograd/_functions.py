"""Functions on tensors that are written by hand: gradients, creation, draws, control, products with an equation or axes."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from ._lib import (
    CheckpointProfiler,
    Context,
    Filled,
    Tensor,
    __version__,
    _apply,
    _assign,
    _compute,
    _cond,
    _grad,
    _hook,
    _hvp,
    _innermost,
    _jacobians,
    _random,
)
from ._rows import rows as _rows
from .checkpoints import CheckpointGroup, checkpoint_segment, checkpoint_segment_flex
from .exceptions import DTypeError, ShapeError
from .pytree import leaf

if TYPE_CHECKING:
    from ._typing import DTypeLike, Shape, TensorLike

__all__ = [
    "CheckpointGroup",
    "CheckpointProfiler",
    "_hessian_vector_product",
    "arange",
    "assign",
    "bernoulli",
    "checkpoint_segment",
    "checkpoint_segment_flex",
    "cond",
    "constant",
    "einsum",
    "eye",
    "full",
    "grad",
    "grad_with_default",
    "jacobians",
    "linspace",
    "normal_like",
    "ones",
    "polygamma",
    "random_normal",
    "random_uniform",
    "show",
    "slice",
    "standard_normal",
    "standard_uniform",
    "tensordot",
    "uniform_like",
    "zeros",
]

_row = _rows(__version__)
_BERNOULLI, _BETWEEN, _SPREAD = _row("bernoulli"), _row("between"), _row("spread")
_POLYGAMMA = _row("polygamma")
_EINSUM, _TENSORDOT = _row("einsum"), _row("tensordot")
_UNIFORM_LIKE, _NORMAL_LIKE = _row("standard_uniform_like"), _row("standard_normal_like")
_RESHAPE, _TRANSPOSE = _row("reshape"), _row("transpose")
_CAST, _EYE, _IDENTITY, _LINSPACE = _row("cast"), _row("eye"), _row("identity"), _row("linspace")


def grad(ys: Sequence[TensorLike] | Tensor, xs: Sequence[Tensor] | Tensor) -> list[Tensor]:
    """Gradients of the sum of all elements of `ys` with respect to each of `xs`, as tensors of the shapes of `xs`.

    An `x` that no `y` depends on has a gradient of zeros. Where a branch was not taken (`where`, `clip`, `relu`, `maximum`)
    or a part was not used (slices, gathers), nothing reaches the gradient, whatever infinities or NaN stand there.

    A constant is a tensor of its own, whatever other tensor or literal has the same numbers. Equal expressions are one
    tensor: `x * x` written twice is one `x * x`, and its gradient counts both uses; `T.identity(x * x)` is another tensor at
    each call. Raises `NotDifferentiableError` for an operation on the way that
    has no gradient, and for an `x` that is not floating.

    >>> with ag.Context() as ctx:
    ...     x = ctx.placeholder("x", [])
    ...     (g,) = T.grad([x * x * x], [x])
    ...     print(g.eval({x: 2.0}))
    12.0
    """
    return _grad(_listed(ys), _listed(xs))


def grad_with_default(ys: Sequence[TensorLike], xs: Sequence[Tensor], ys_grads: Sequence[TensorLike]) -> list[Tensor]:
    """As `grad`, with given cotangents of `ys` in place of ones: one for each, of its shape or repeated to it.

    >>> with ag.Context():
    ...     x = T.constant([1.0, 2.0])
    ...     (g,) = T.grad_with_default([x * x], [x], [[10.0, 100.0]])
    ...     print(g.eval())
    [ 20. 400.]
    """
    return _grad(_repeatable(ys), _repeatable(xs), _repeatable(ys_grads))


def jacobians(y: Tensor, xs: Sequence[Tensor], y_len: int | None = None) -> list[Tensor]:
    """For each `x` the Jacobian of the first `y_len` elements of `y`, in C order: shape `(y_len, *x.shape)`.

    Without `y_len`, of all elements. It is needed where the shape of `y` is known only when the graph runs; a run in which
    `y` has fewer elements then raises `ShapeError`.

    >>> with ag.Context():
    ...     x = T.constant([1.0, 2.0])
    ...     (j,) = T.jacobians(x * x, [x])
    ...     print(j.eval())
    [[2. 0.]
     [0. 4.]]
    """
    return _jacobians(y, xs, y_len)


def _hessian_vector_product(ys: Sequence[TensorLike], xs: Sequence[Tensor], vectors: Sequence[TensorLike]) -> list[Tensor]:
    """For each `x` the product of the Hessian of the sum of `ys` with `vectors`, one of the shape of each `x`.

    >>> with ag.Context():
    ...     x = T.constant([1.0, 2.0])
    ...     (hv,) = T._hessian_vector_product([x * x * x], [x], [[1.0, 10.0]])
    ...     print(hv.eval())
    [  6. 120.]
    """
    return _hvp(_repeatable(ys), _repeatable(xs), _repeatable(vectors))


def polygamma(n: int, x: TensorLike) -> Tensor:
    """The derivative of order `n` of `digamma`, for 0 <= n <= 1000, as `scipy.special.polygamma`.

    Gradient: `g * polygamma(n + 1, x)`.

    >>> with ag.Context():
    ...     print(T.polygamma(1, [1.0, 2.0]).eval())
    [1.64493407 0.64493407]
    """
    y: Tensor = _apply(_POLYGAMMA, (x,), (n,))
    return y


def _listed(ts: Any) -> Any:
    ts = leaf(ts)
    return [ts] if isinstance(ts, Tensor) else _repeatable(ts)


def _repeatable(ts: Any) -> Any:
    """`ts`, or a list of what an iterator gives: it ends after the first time, and the engine looks twice."""
    return list(ts) if hasattr(ts, "__next__") else ts


def zeros(shape: Shape, dtype: DTypeLike | None = None, *, ctx: Context | None = None) -> Any:
    """Zeros of `shape`.

    Inside a context, or with `ctx`, a tensor. Outside of one a value: with `dtype` an `ag.Array`, without it an `ag.Filled`, which takes
    its dtype from what stands beside it, or from the environment of the variable that is set to it.

    >>> with ag.Context():
    ...     print(T.zeros([2, 3]).eval())
    [[0. 0. 0.]
     [0. 0. 0.]]
    >>> env = ag.VariableEnvironment()
    >>> b = env.name("b").set(T.zeros([2]))
    >>> env.get(b)
    array([0., 0.])
    """
    return _filled(shape, 0.0, dtype, ctx)


def ones(shape: Shape, dtype: DTypeLike | None = None, *, ctx: Context | None = None) -> Any:
    """Ones of `shape`; a tensor or a value, as for `zeros`.

    >>> with ag.Context():
    ...     print(T.ones([2], "int32").eval())
    [1 1]
    """
    return _filled(shape, 1.0, dtype, ctx)


def full(shape: Shape, value: float, dtype: DTypeLike | None = None, *, ctx: Context | None = None) -> Any:
    """`shape` full of `value`; a tensor or a value, as for `zeros`. A number that `dtype` does not have is an error.

    >>> with ag.Context():
    ...     print(T.full([2, 2], 0.5).eval())
    [[0.5 0.5]
     [0.5 0.5]]
    """
    return _filled(shape, value, dtype, ctx)


def _filled(shape: Shape, value: float, dtype: DTypeLike | None, ctx: Context | None) -> Any:
    ctx = ctx or _innermost()
    if ctx is None and dtype is None:
        return Filled(shape, value)
    return _made(lambda ctx: ctx.full(shape, value, dtype), ctx)


def _made(make: Callable[[Context], Tensor], ctx: Context | None) -> Any:
    """What `make` makes in the context; without one, its value."""
    if ctx is not None:
        return make(ctx)
    with Context() as own:
        return _compute(_IDENTITY, (make(own).eval(),), ())


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike | None = None, *, ctx: Context | None = None
) -> Tensor:
    """The numbers `start, start + step, ...` that come before `stop`; with one number, those from 0 up to it.

    Integers are `int64` by default, other numbers of the context's dtype. How many there are must be known when the graph is built:
    the ends are numbers, not tensors.

    >>> with ag.Context():
    ...     print(T.arange(3).eval(), T.arange(5, 0, -2).eval(), T.arange(0.0, 1.0, 0.25).eval())
    [0 1 2] [5 3 1] [0.   0.25 0.5  0.75]
    """
    first, last = (0, start) if stop is None else (start, stop)
    y: Tensor = _made(lambda ctx: ctx._arange(first, last, step, dtype), ctx or _innermost())
    return y


def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    *,
    dtype: DTypeLike | None = None,
    axis: int = 0,
    ctx: Context | None = None,
) -> Tensor:
    """`num` numbers at equal distances from `start` to `stop`, along a new axis; differentiable in both ends, which may be arrays.

    `stop` is the last number, or, without `endpoint`, the one behind the last. Numbers of an integer `dtype` are rounded down.

    >>> with ag.Context():
    ...     print(T.linspace(0.0, 1.0, 5).eval())
    ...     stop = T.constant(2.0)
    ...     print(T.grad([T.linspace(0.0, stop, 3)], [stop])[0].eval())
    [0.   0.25 0.5  0.75 1.  ]
    1.5
    """
    here = ctx or _innermost()
    if not isinstance(start, Tensor) and not isinstance(stop, Tensor) and here is not None:
        start = here.full((), start) if isinstance(start, (int, float)) else here.constant(start)
    y: Tensor = _apply(_LINSPACE, (start, stop), (num, endpoint, axis))
    if dtype is None:
        return y
    whole: Tensor = _apply(_CAST, (y,), (dtype,))
    if whole.dtype.kind in "fb":
        return whole
    # A conversion to integers rounds towards 0.
    back: Tensor = _apply(_CAST, (whole,), (y.dtype,))
    above: Tensor = _apply(_CAST, (back > y,), (dtype,))
    return whole - above


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None, *, ctx: Context | None = None) -> Tensor:
    """Ones on the diagonal `k` of an `N x M` matrix, zeros elsewhere; without `M` it is square.

    >>> with ag.Context():
    ...     print(T.eye(2, 3, k=1).eval())
    [[0. 1. 0.]
     [0. 0. 1.]]
    """
    here = ctx or _innermost()
    one = _compute(_CAST, (1.0,), (dtype or "float64",)) if here is None else here.ones((), dtype)
    y: Tensor = _apply(_EYE, (one,), (N, M, k))
    return y


def constant(value: Any, dtype: DTypeLike | None = None, *, ctx: Context | None = None) -> Tensor:
    """A constant tensor; an array is copied. Outside of a context, `ag.array(value, dtype)`.

    >>> a = np.array([1.0, 2.0])
    >>> with ag.Context():
    ...     t = T.constant(a)
    ...     a[0] = 9.0
    ...     print(t.eval())
    [1. 2.]
    """
    here = ctx or _innermost()
    return _array(value, dtype) if here is None else here.constant(value, dtype)


def _array(value: Any, dtype: Any) -> Any:
    # It is made with the functions of this module.
    from .arrays import array

    return array(value, dtype)


def standard_uniform(shape: Shape, dtype: DTypeLike | None = None, *, ctx: Context | None = None) -> Tensor:
    """Uniform numbers in `0 <= y < 1`. A draw of its own: one value within a run, another in the next run. Outside of a context the
    system chooses the seed; `ag.ArrayRng(seed)` draws what can be repeated.

    >>> with ag.Context():
    ...     u = T.standard_uniform([1000])
    ...     print((u - u).max().eval(), (u.eval() == u.eval()).all())
    0.0 False
    """
    return _random("uniform", shape, dtype, ctx)


def standard_normal(shape: Shape, dtype: DTypeLike | None = None, *, ctx: Context | None = None) -> Tensor:
    """Normal numbers of mean 0 and standard deviation 1. A draw of its own, as `standard_uniform`.

    >>> with ag.Context(seed=0):
    ...     x = T.standard_normal([10000]).eval()
    ...     print(abs(x.mean()) < 0.1, abs(x.std() - 1.0) < 0.1)
    True True
    """
    return _random("normal", shape, dtype, ctx)


def random_uniform(
    shape: Shape, low: TensorLike = 0.0, high: TensorLike = 1.0, dtype: DTypeLike | None = None, *, ctx: Context | None = None
) -> Tensor:
    """Uniform numbers in `low <= y < high`; differentiable in both bounds.

    >>> with ag.Context():
    ...     y = T.random_uniform([1000], [[5.0], [-1.0]], [[6.0], [1.0]]).eval()
    ...     print(y.shape, y.min() >= -1.0, y.max() < 6.0)
    (2, 1000) True True
    """
    y: Tensor = _apply(_BETWEEN, (standard_uniform(shape, dtype, ctx=ctx), low, high), ())
    return y


def random_normal(
    shape: Shape, mean: TensorLike = 0.0, stddev: TensorLike = 1.0, dtype: DTypeLike | None = None, *, ctx: Context | None = None
) -> Tensor:
    """Normal numbers of a mean and a standard deviation; differentiable in both.

    >>> with ag.Context():
    ...     print(T.random_normal([2], mean=[5.0, -5.0], stddev=0.0).eval())
    [ 5. -5.]
    """
    y: Tensor = _apply(_SPREAD, (standard_normal(shape, dtype, ctx=ctx), mean, stddev), ())
    return y


def bernoulli(shape: Shape, p: TensorLike, dtype: DTypeLike | None = None, *, ctx: Context | None = None) -> Tensor:
    """1 with probability `p`, else 0. A `p` that is NaN, negative or above 1 is an error, of the run if it is a tensor.

    >>> with ag.Context():
    ...     print(T.bernoulli([3], p=[0.0, 1.0, 1.0]).eval())
    [0. 1. 1.]
    """
    y: Tensor = _apply(_BERNOULLI, (standard_uniform(shape, dtype, ctx=ctx), p), ())
    return y


def uniform_like(x: TensorLike) -> Tensor:
    """Uniform numbers in `0 <= y < 1` in the shape and dtype of `x`.

    >>> with ag.Context() as ctx:
    ...     x = ctx.placeholder("x", [None, 3], "float32")
    ...     u = T.uniform_like(x)
    ...     print(u.dtype, u.eval({x: np.zeros([2, 3], "float32")}).shape)
    float32 (2, 3)
    """
    y: Tensor = _apply(_UNIFORM_LIKE, (x,), ())
    return y


def normal_like(x: TensorLike) -> Tensor:
    """Normal numbers of mean 0 and standard deviation 1 in the shape and dtype of `x`.

    >>> with ag.Context() as ctx:
    ...     x = ctx.placeholder("x", [None, 3])
    ...     noisy = x + 0.0 * T.normal_like(x)
    ...     print(noisy.eval({x: np.ones([2, 3])}))
    [[1. 1. 1.]
     [1. 1. 1.]]
    """
    y: Tensor = _apply(_NORMAL_LIKE, (x,), ())
    return y


def assign(variable: Tensor, x: TensorLike) -> Tensor:
    """Writes `x` into a variable at the end of the run that evaluates the result, and is `x`.

    All reads of that run see the old value.

    >>> env = ag.VariableEnvironment()
    >>> n = env.name("n").set(1.0)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(n)
    ...     print(*ctx.eval([T.assign(v, v + 1.0), v]))
    2.0 1.0
    >>> print(env.get(n))
    2.0
    """
    return _assign(variable, x)


@overload
def cond(condition: Tensor | bool, then: Callable[[], Tensor], otherwise: Callable[[], Tensor]) -> Tensor: ...
@overload
def cond(
    condition: Tensor | bool, then: Callable[[], Sequence[Tensor]], otherwise: Callable[[], Sequence[Tensor]]
) -> tuple[Tensor, ...]: ...
def cond(condition: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """The result of `then()` if the 0-d condition is true, else of `otherwise()`; the other body does not run.

    The bodies take no arguments and may use any tensor around them. Both return a tensor, or sequences of equally many
    tensors, of equal dtypes and shapes. A condition that is a value, as True, decides when it is called.

    >>> with ag.Context() as ctx:
    ...     x = ctx.placeholder("x", [])
    ...     y = T.cond(x > 0, lambda: x * x, lambda: -x)
    ...     print(y.eval({x: -3.0}))
    3.0
    """
    if isinstance(condition, Tensor):
        return _cond(condition, then, otherwise)
    # A value decides at once.
    value = np.asarray(condition)
    if value.dtype.kind not in "biuf":
        msg = f"cond: the condition has the wrong type. Got {condition!r}; expected a tensor, or True or False."
        raise DTypeError(msg)
    if value.ndim:
        msg = f"cond: the condition has axes. Got shape {value.shape}; expected one value, true or false."
        raise ShapeError(msg)
    made: Any = then() if value else otherwise()
    return tuple(made) if made.__class__ is list else made


def einsum(subscripts: str, *operands: TensorLike) -> Tensor:
    """Sums of products by an equation of indices, as `np.einsum`.

    Each letter names an axis of an operand, and axes of one name go together; the sum is over the names that the result has not:
    `"ij,jk->ik"` is a product of matrices, `"ii"` a trace, `"ij->ji"` a transpose, `"bij,bjk->bik"` `T.batch_matmul`.

    `...` stands for axes without names, which broadcast. Without `->` the result has the axes of `...` and then, by their codes, the
    letters that occur once. Blanks do not count. A letter twice in one term takes a diagonal. Lengths of 1 meet any length. The
    operands become one dtype; sums of integers stay in it and wrap around, sums of bools are "any".

    Several operands are multiplied two at a time: up to eight in the order of least work, more in an order in which each product adds
    least to the memory. A length that only a feed decides counts as 100 there. What one operand alone names is summed before it is
    multiplied. Products over a name are products of matrices, in which views of the operands are read where they stand; the others are
    multiplications and sums.

    Gradient: that of these products and sums.

    >>> with ag.Context():
    ...     a, b = T.constant([[1.0, 2.0], [3.0, 4.0]]), T.constant([[1.0, 0.0], [1.0, 1.0]])
    ...     print(T.einsum("ij,jk->ik", a, b).eval())
    ...     print(T.einsum("ii", a).eval(), T.einsum("ij,ij->i", a, b).eval(), T.einsum("...j,j", a, [1.0, 10.0]).eval())
    [[3. 2.]
     [7. 4.]]
    5.0 [1. 7.] [21. 43.]
    """
    y: Tensor = _apply(_EINSUM, (operands,), (subscripts,))
    return y


def tensordot(a: TensorLike, b: TensorLike, axes: int | Sequence[int | Sequence[int]] = 2) -> Tensor:
    """The sum of products over pairs of axes, of equal lengths, as `np.tensordot`.

    `axes` is a pair: axes of `a`, and those of `b` that go with them, each an integer or several; or a number `n`, for the last `n` axes
    of `a` and the first `n` of `b`, in order. The result has the other axes of `a`, then those of `b`.

    Gradient: the products of `g` with the other operand over the axes that this one has not.

    >>> with ag.Context() as ctx:
    ...     a, b = ctx.ones([2, 3, 4]), ctx.ones([4, 3, 5])
    ...     print(T.tensordot(a, b, axes=([1, 2], [1, 0])).shape, T.tensordot(a, b, axes=1).shape)
    ...     print(T.tensordot([1.0, 2.0], [3.0, 4.0], axes=0).eval())
    (2, 5) (2, 3, 3, 5)
    [[3. 4.]
     [6. 8.]]
    """
    pair: Any = axes
    if not isinstance(axes, bool) and hasattr(axes, "__index__") and not getattr(axes, "ndim", 0):
        n = operator.index(pair)
        if n < 0:
            msg = f"tensordot: the number of axes is negative. Got {n}; expected axes >= 0."
            raise ShapeError(msg)
        # More axes than a tensor can have are refused all the same.
        n = min(n, 1000)
        pair = range(-n, 0), range(n)
    try:
        first, second = pair
    except (TypeError, ValueError):
        msg = f"tensordot: axes has the wrong type. Got {axes!r}; expected an integer or a pair of axes."
        raise DTypeError(msg) from None
    y: Tensor = _apply(_TENSORDOT, (a, b), (first, second))
    return y


def show(x: Tensor, prefix: str = "") -> Tensor:
    """`x`; its value is printed whenever a run computes it. Use the returned tensor in place of `x`. A value is printed at once.

    >>> with ag.Context():
    ...     x = T.show(T.constant([1.0, 2.0]), "x = ")
    ...     print((x * 2.0).eval())
    x = [1. 2.]
    [2. 4.]
    """
    y: Tensor = _hooked(x, lambda a: print(f"{prefix}{a}"))
    return y


def _hooked(x: Any, hook: Callable[[Any], object]) -> Any:
    if isinstance(x, Tensor):
        return _hook(x, hook)
    # Hooks may keep or write what they are given.
    hook(_array(x, None).copy())
    return x


def slice(x: TensorLike, starts: Sequence[int], stops: Sequence[int]) -> Tensor:
    """The part of `x` from `starts` up to, but without, `stops`, one pair an axis; negative bounds count from the end.

    >>> with ag.Context():
    ...     print(T.slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, -1]).eval())
    [[2]
     [5]]
    """
    if len(starts) != len(stops):
        msg = f"slice: the bounds do not pair. Got {len(starts)} starts and {len(stops)} stops; expected as many stops as starts."
        raise ShapeError(msg)
    items = tuple(builtins.slice(a, b) for a, b in zip(starts, stops, strict=True))
    return (x if isinstance(x, Tensor) else constant(x))[items]


def _reshape(self: Tensor, *shape: Any) -> Tensor:
    """The elements in C order under another shape; one length may be -1.

    >>> with ag.Context():
    ...     print(T.constant([1, 2, 3, 4, 5, 6]).reshape(2, -1).eval())
    [[1 2 3]
     [4 5 6]]
    """
    y: Tensor = _apply(_RESHAPE, (self,), (shape[0] if len(shape) == 1 else shape,))
    return y


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    """The tensor with its axes in another order; reversed by default.

    >>> with ag.Context() as ctx:
    ...     x = ctx.placeholder("x", [2, 3, 4])
    ...     print(x.transpose().shape, x.transpose(0, -1, 1).shape)
    (4, 3, 2) (2, 4, 3)
    """
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
    y: Tensor = _apply(_TRANSPOSE, (self,), (order,))
    return y


def _register_hook(self: Tensor, hook: Callable[[Any], object]) -> Tensor:
    """This tensor with a hook: `hook(array)` is called whenever a run computes the value. Use the returned tensor. With a value it is
    called at once.

    >>> seen = []
    >>> with ag.Context():
    ...     x = T.constant([1.0, 2.0]).register_hook(seen.append)
    ...     print(x.sum().eval(), seen)
    3.0 [array([1., 2.])]
    """
    wrong = [f for f in (hook,) if not callable(f)]
    if wrong:
        msg = f"register_hook: not a function. Got {wrong[0]!r}; expected a function of an array."
        raise TypeError(msg)
    y: Tensor = _hooked(self, hook)
    return y


def _show(self: Tensor, prefix: str = "") -> Tensor:
    """This tensor; its value is printed whenever a run computes it. Use the returned tensor.

    >>> with ag.Context():
    ...     print(T.constant([1.0, 2.0]).show("x = ").sum().eval())
    x = [1. 2.]
    3.0
    """
    return show(self, prefix)


def attach(methods: dict[str, Callable[..., Any]]) -> None:
    """Makes functions methods of Tensor; the stub of the class declares them."""
    for name, method in methods.items():
        method.__name__, method.__qualname__ = name, f"Tensor.{name}"
        setattr(Tensor, name, method)


attach({"reshape": _reshape, "transpose": _transpose, "register_hook": _register_hook, "show": _show})
