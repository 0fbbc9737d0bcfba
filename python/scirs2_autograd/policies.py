"""Policies: which values a run keeps for gradients; all others are computed again when gradients read them.

A policy is given to an evaluator (`ctx.evaluator(checkpoint=...)`), a context, an environment, a step of an optimizer or a checkpointed
function. Policies are joined by `&`, `|` and `~`, and a function of a value may stand for one: see `ag.Policy`.

>>> policy = ag.policies.products() | ag.policies.names("attention")
>>> policy
(products() | names("attention"))
>>> with ag.Context() as ctx:
...     x = ctx.placeholder("x", [4])
...     (g,) = T.grad([T.exp(T.sin(x))], [x])
...     print((ctx.evaluator(checkpoint=policy).push(g).feed(x, np.ones(4)).run()[0] == g.eval({x: np.ones(4)})).all())
True
"""

from __future__ import annotations

from ._lib import Policy

__all__ = ["all_but_largest", "every_layers", "everything", "names", "nothing", "ops", "products", "segments", "up_to"]


def everything() -> Policy:
    """Keeps all that gradients read: nothing is computed twice.

    >>> ag.policies.everything()
    everything()
    """
    return Policy._plain("everything")


def nothing() -> Policy:
    """Keeps nothing: gradients compute all from feeds, variables and constants.

    >>> ag.policies.nothing()
    nothing()
    """
    return Policy._plain("nothing")


def every_layers(n: int) -> Policy:
    """Keeps what goes from one layer to the next, after every `n` layers.

    A layer ends where the fewest bytes go on, with a product at least in each. `n` is an integer >= 1: another type is a `DTypeError`,
    another number a `ValueError`.

    >>> ag.policies.every_layers(2)
    every_layers(2)
    """
    return Policy._counted("every_layers", n)


def segments(n: int | None = None) -> Policy:
    """Cuts the program into `n` segments of about equal bytes where the fewest bytes go on, and keeps these; each segment is computed again
    as a whole, but the last, which gradients read first.

    Without a number there are about as many segments as each has layers, so that `n` layers need the memory of about `2 sqrt(n)`
    (Chen, Xu, Zhang, Guestrin 2016). `n` is an integer >= 1: another type is a `DTypeError`, another number a `ValueError`.

    >>> ag.policies.segments(), ag.policies.segments(4)
    (segments(), segments(4))
    """
    return Policy._counted("segments", n)


def up_to(bytes: int) -> Policy:
    """Keeps values of at most so many bytes.

    `bytes` is an integer >= 0: another type is a `DTypeError`, another number a `ValueError`.

    >>> ag.policies.up_to(1 << 20)
    up_to(1048576)
    """
    return Policy._counted("up_to", bytes)


def all_but_largest(n: int) -> Policy:
    """Keeps what gradients read, but the `n` largest of it.

    `n` is an integer >= 0: another type is a `DTypeError`, another number a `ValueError`.

    >>> ag.policies.all_but_largest(3)
    all_but_largest(3)
    """
    return Policy._counted("all_but_largest", n)


def products() -> Policy:
    """Keeps results of operations that do far more arithmetic than they move elements, such as products of matrices.

    >>> ~ag.policies.products()
    ~products()
    """
    return Policy._plain("products")


def ops(*names: str) -> Policy:
    """Keeps results of these operations, by the names that `plan.explain()` shows. What is no string is a `DTypeError`.

    >>> ag.policies.ops("exp", "batch_matmul")
    ops("exp", "batch_matmul")
    """
    return Policy._listed("ops", names)


def names(*names: str) -> Policy:
    """Keeps what `T.checkpoint_name` gave one of these names. What is no string is a `DTypeError`.

    >>> ag.policies.names("hidden")
    names("hidden")
    """
    return Policy._listed("names", names)
