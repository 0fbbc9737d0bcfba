"""Users' operations."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from ._lib import Context, Tensor, _compute, _custom, _innermost, _row

__all__ = ["custom_op"]

_RULES = itertools.count(1)
_IDENTITY = _row("identity")


def custom_op(
    forward: Callable[..., Any],
    vjp: Callable[..., Any] | None = None,
    *,
    infer: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Callable[..., Any]:
    """An operation from a function of arrays and a rule for its gradient.

    `forward(*arrays)` returns an array, or a tuple of them. `vjp(g, y, *xs)` takes tensors (the cotangent, the output, the
    inputs; tuples of cotangents and outputs if there are several) and returns a cotangent for each input, exactly of its
    shape, or None; it is written with tensors, so the operation can be differentiated again. `infer(*avals)` takes a
    `(shape, dtype)` pair for each input, with None for an unknown length, and returns such a pair, or a list of pairs;
    without it the output has the inputs' broadcast shape and promoted dtype.

    An exception that `forward` raises stops the run, which then changes no variable. `forward` may evaluate tensors, and these may
    call custom operations again, up to 100 calls deep; beyond that `RecursionError` is raised.

    >>> cube = ag.custom_op(lambda x: x**3, lambda g, y, x: g * 3.0 * x * x)
    >>> ag.grad(lambda x: cube(x).sum())(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    wrong = [f for f in (forward, vjp, infer) if not (f is None or callable(f))]
    if wrong:
        msg = f"custom_op: not a function. Got {wrong[0]!r}; expected a function of arrays."
        raise TypeError(msg)
    # Nodes of one `custom_op` share their shape rule, and so their plans.
    rule = next(_RULES)
    label = str(name or getattr(forward, "__name__", "custom"))

    def call(*xs: Any) -> Any:
        if any(isinstance(x, Tensor) for x in xs) or _innermost() is not None:
            return _custom(label, forward, vjp, infer, rule, xs)
        # Outside of contexts its value, which has the dtype and the shape that the graph would have.
        with Context() as ctx:
            made = _custom(label, forward, vjp, infer, rule, xs)
            several: Any = made if made.__class__ is tuple else (made,)
            values = tuple(_compute(_IDENTITY, (y,), ()) for y in ctx.eval(several))
        return values if isinstance(made, tuple) else values[0]

    call.__name__ = label
    call.__doc__ = forward.__doc__
    return call
