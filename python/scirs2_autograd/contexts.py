"""Functions of contexts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ._lib import Context, VariableEnvironment

if TYPE_CHECKING:
    from ._typing import PolicyLike

__all__ = ["run"]

_R = TypeVar("_R")


def run(
    f: Callable[[Context], _R],
    *,
    dtype: Any = "float64",
    seed: int | None = None,
    checkpoint: PolicyLike | None = None,
    memory_budget: int | None = None,
) -> _R:
    """Call `f` with a context of an empty environment, and close it.

    `dtype` is that of placeholders and creations; `seed` seeds random draws; `checkpoint` and `memory_budget` are those of `ag.Context`.

    >>> ag.run(lambda ctx: (2.0 * ctx.constant([1.0, 2.0])).eval())
    array([2., 4.])
    """
    with Context(VariableEnvironment(), dtype=dtype, seed=seed, checkpoint=checkpoint, memory_budget=memory_budget) as ctx:
        return f(ctx)
