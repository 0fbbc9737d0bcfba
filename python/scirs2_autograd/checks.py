"""Numeric checks of gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._functions import grad
from ._lib import Context, Tensor

__all__ = ["gradcheck"]

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
            gs = grad([_project(f(*xs))], list(xs))
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
        gs = grad([y], xs)
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
