"""Gradients of Python functions of arrays, and numeric checks of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._functions import grad as _tensor_grad
from ._lib import Context, Tensor, VariableEnvironment
from .exceptions import DTypeError, ShapeError

__all__ = ["grad", "gradcheck", "run", "value_and_grad"]

_R = TypeVar("_R")


def run(f: Callable[[Context], _R], *, dtype: Any = "float64", seed: int | None = None) -> _R:
    """Call `f` with a context of an empty environment, and close it.

    `dtype` is that of placeholders and creations; `seed` seeds random draws.

    >>> ag.run(lambda ctx: (2.0 * ctx.constant([1.0, 2.0])).eval())
    array([2., 4.])
    """
    with Context(VariableEnvironment(), dtype=dtype, seed=seed) as ctx:
        return f(ctx)


def value_and_grad(f: Callable[..., Tensor], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the value of `f` and its gradient with respect to the arguments at `argnums`.

    `f` takes tensors where the result is called with arrays (float32 or float64; other arguments are handed on as they
    are) and returns a 0-d tensor. Each call builds the graph anew, so `f` may branch on arguments that are no arrays; the
    plan is found again.

    >>> ag.value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 3.0]))
    (10.0, array([2., 6.]))
    """
    wanted = [argnums] if isinstance(argnums, int) else list(argnums)

    def call(*args: Any, **kwargs: Any) -> Any:
        for i in wanted:
            if not -len(args) <= i < len(args):
                msg = f"value_and_grad: there is no such argument. Got argnums={i} for {len(args)} arguments; expected an index of one."
                raise ShapeError(msg)
        places = {i % len(args) for i in wanted}
        with Context._of_function() as ctx:
            feeds: dict[Any, Any] = {}
            given = list(args)
            for i, x in enumerate(args):
                if i in places or isinstance(x, np.ndarray):
                    given[i] = _placeholder(ctx, i, x, i in places, feeds)
            y = cast(object, f(*given, **kwargs))
            if not isinstance(y, Tensor) or y.ndim != 0:
                msg = f"value_and_grad: the function does not return a single number. Got {y!r}; expected a 0-d tensor."
                raise ShapeError(f"{msg}\nhelp: sum the result, for example")
            gs = _tensor_grad([y], [given[i] for i in wanted])
            value, *grads = ctx.eval([y, *gs], feeds)
        return float(value), grads[0] if isinstance(argnums, int) else tuple(grads)

    return call


def _placeholder(ctx: Context, i: int, x: Any, differentiated: bool, feeds: dict[Any, Any]) -> Tensor:
    a = np.asarray(x)
    if differentiated and not np.issubdtype(a.dtype, np.floating):
        msg = f"value_and_grad: argument {i} is not floating. Got {a.dtype}; expected float32 or float64."
        raise DTypeError(f"{msg}\nhelp: convert it, as in `np.asarray(x, dtype=float)`")
    t = ctx.placeholder(f"argument {i}", list(a.shape), dtype="float32" if a.dtype == np.float16 else a.dtype)
    feeds[t] = a
    return t


def grad(f: Callable[..., Tensor], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the gradient of `f`; as `value_and_grad` without the value.

    >>> ag.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    (array([3., 4.]), array([1., 2.]))
    """
    both = value_and_grad(f, argnums)

    def call(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return call


#: Five-point central difference: weights of f(x - 2h), f(x - h), f(x + h), f(x + 2h), over 12 h.
_WEIGHTS = ((-2, 1.0), (-1, -8.0), (1, 8.0), (2, -1.0))


def gradcheck(f: Callable[..., Tensor], *inputs: ArrayLike, order: int = 2, step: float = 1e-3, tolerance: float = 1e-8) -> None:
    """Compare the gradient of `f` at `inputs` with five-point differences in float64, entry by entry.

    The scalar that is differentiated is the sum of `f`'s result times fixed numbers. With `order` 2 the gradient is
    checked in the same way. Raises `AssertionError` that names the input, the entry and both numbers if they differ by
    more than `tolerance` times the larger of 1 and the largest entry.

    >>> ag.gradcheck(lambda x: T.tanh(x) * x, [0.3, -1.2])
    """
    arrays = [np.array(x, dtype=np.float64) for x in inputs]
    _check(f, arrays, step, tolerance, "order 1")
    if order >= 2:

        def gradient(*xs: Tensor) -> Tensor:
            gs = _tensor_grad([_project(f(*xs))], list(xs))
            total = _project(gs[0])
            for g in gs[1:]:
                total = total + _project(g)
            return total

        _check(gradient, arrays, step, tolerance, "order 2")


def _project(y: Tensor) -> Tensor:
    """The sum of `y` times fixed numbers that have no symmetry."""
    n = y.size or 1
    weights = 0.5 + ((np.arange(n) * 0.6180339887498949) % 1.0)
    return (y.reshape(-1) * weights.astype(np.float64)).sum()


def _check(f: Callable[..., Tensor], arrays: list[NDArray[np.float64]], step: float, tolerance: float, name: str) -> None:
    with Context._of_function() as ctx:
        xs = [ctx.placeholder(f"x{i}", list(a.shape)) for i, a in enumerate(arrays)]
        y = _project(f(*xs))
        gs = _tensor_grad([y], xs)
        feeds = dict(zip(xs, arrays, strict=True))
        exact = ctx.eval(gs, feeds)
        for i, a in enumerate(arrays):
            scale = max(1.0, float(np.max(np.abs(exact[i]), initial=0.0)))
            for k in np.ndindex(a.shape):
                numeric = 0.0
                for offset, weight in _WEIGHTS:
                    moved = a.copy()
                    moved[k] += offset * step
                    numeric += weight * float(y.eval({**feeds, xs[i]: moved}))
                numeric /= 12.0 * step
                got = float(exact[i][k])
                if not abs(got - numeric) <= tolerance * scale:
                    msg = f"gradcheck: {name}: the gradient differs. Got {got!r} at input {i}, entry {k}; expected {numeric!r}."
                    raise AssertionError(msg)
