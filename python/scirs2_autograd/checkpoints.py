"""Checkpointed functions: gradients keep what they are given and what they return, and compute again what is inside."""

from __future__ import annotations

import functools
import reprlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, overload

from . import pytree
from ._lib import Context, Policy, Tensor, _checkpointed, _innermost
from .exceptions import DTypeError, ShapeError

if TYPE_CHECKING:
    from ._typing import PolicyLike, TensorLike

__all__ = ["CheckpointGroup", "checkpoint", "checkpoint_segment", "checkpoint_segment_flex"]

P = ParamSpec("P")
R = TypeVar("R")


def _function(op: str, f: Any) -> Callable[..., Any]:
    if not callable(f):
        msg = f"{op}: not a function. Got {reprlib.repr(f)}; expected a function of tensors."
        raise TypeError(msg)
    function: Callable[..., Any] = f
    return function


def _context_of(*objects: Any) -> Context | None:
    """The context of the first tensor in these, else the innermost one."""
    for leaf in pytree.leaves_of(objects):
        if isinstance(leaf, Tensor):
            return leaf.context
    return _innermost()


def _policy(policy: Any) -> Policy | None:
    return policy if policy is None or isinstance(policy, Policy) else Policy(policy)


class CheckpointGroup:
    """Calls functions of which gradients keep only what they are given and what they return; all that is inside is computed again, as
    late as that allows, with the same random draws. The numbers are the same, bit for bit. What one call returns is kept, or computed
    again, together.

    `ctx` is the context of the tensors. With a `policy` some of the inside is kept: an `ag.Policy`, or a function of a value. A call inside
    of another one is part of that. Hooks and custom operations inside run once, as ever: their values are kept.

    What is no context or no policy is a `DTypeError`.

    >>> with ag.Context() as ctx:
    ...     x, w = ctx.ones([2, 3]), ctx.ones([3, 2])
    ...     group = T.CheckpointGroup(ctx)
    ...     a, b = group.checkpoint_fn_flex2([x, w], lambda inputs: (T.tanh(inputs[0] @ inputs[1]), inputs[0] * 2.0))
    ...     print(T.grad([a.sum() + b.sum()], [x])[0].eval().round(4))
    [[2.0197 2.0197 2.0197]
     [2.0197 2.0197 2.0197]]
    """

    __slots__ = ("_ctx", "_policy")

    def __init__(self, ctx: Context, policy: PolicyLike | None = None) -> None:
        if not isinstance(cast("object", ctx), Context):
            msg = f"CheckpointGroup: not a context. Got {reprlib.repr(ctx)}; expected the context of the tensors."
            raise DTypeError(f"{msg}\nhelp: write `T.CheckpointGroup(ctx)`, where `ag.run` or `with ag.Context() as ctx` gives `ctx`")
        self._ctx = ctx
        self._policy = _policy(policy)

    def __repr__(self) -> str:
        return f"CheckpointGroup({self._ctx!r}, policy={self._policy!r})"

    def _call(self, op: str, inputs: Sequence[TensorLike], f: Callable[..., Any], n: int | None, spread: bool = False) -> Any:
        """What `f` returns for the inputs: `n` tensors, or without a number a tensor or a tuple or list of them."""
        function = _function(op, f)
        form: list[Any] = []

        def listed(tensors: list[Tensor]) -> list[Tensor]:
            made = function(*tensors) if spread else function(tensors)
            several = isinstance(made, (tuple, list))
            parts: list[Any] = list(cast("Sequence[Any]", made)) if several else [made]
            form[:] = [type(cast("object", made)) if several else None]
            if n is not None and len(parts) != n:
                rule = "a tensor" if n == 1 else f"{n} tensors, as a tuple"
                msg = f"{op}: the function returned another number of tensors. Got {len(parts)}; expected {rule}."
                raise ShapeError(msg)
            return parts

        out = _checkpointed(op, self._ctx, self._policy, inputs, listed)
        if n == 1 or form[0] is None:
            return out[0]
        return out if form[0] is list and n is None else tuple(out)

    def checkpoint_fn(self, inputs: Sequence[TensorLike], f: Callable[[list[Tensor]], Any]) -> Any:
        """Calls `f` with a list of the inputs. It returns a tensor, or a tuple or list of tensors, and so does this.

        What `f` raises is raised as it is, and the graph can be used as before. Raises `DTypeError` if `f` returns anything but tensors,
        and `GraphError` for a tensor of another context.

        >>> with ag.Context() as ctx:
        ...     x = ctx.constant([0.0, 1.0])
        ...     y = T.CheckpointGroup(ctx).checkpoint_fn([x], lambda inputs: T.exp(T.sin(inputs[0])))
        ...     print(T.grad([y], [x])[0].eval().round(6))
        [1.       1.253381]
        """
        return self._call("checkpoint_fn", inputs, f, None)

    def checkpoint_fn_flex(self, inputs: Sequence[TensorLike], f: Callable[[list[Tensor]], Tensor]) -> Tensor:
        """As `checkpoint_fn`, for a function that returns one tensor. Another number is a `ShapeError`.

        >>> with ag.Context() as ctx:
        ...     x = ctx.constant([0.0, 1.0])
        ...     print(T.CheckpointGroup(ctx).checkpoint_fn_flex([x], lambda inputs: T.square(inputs[0]) + 1.0).eval())
        [1. 2.]
        """
        y: Tensor = self._call("checkpoint_fn_flex", inputs, f, 1)
        return y

    def checkpoint_fn_flex2(
        self, inputs: Sequence[TensorLike], f: Callable[[list[Tensor]], tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor]:
        """As `checkpoint_fn`, for a function that returns two tensors. Another number is a `ShapeError`.

        >>> with ag.Context() as ctx:
        ...     x = ctx.constant([0.0, 1.0])
        ...     a, b = T.CheckpointGroup(ctx).checkpoint_fn_flex2([x], lambda inputs: (inputs[0] + 1.0, inputs[0] * 2.0))
        ...     print(a.eval(), b.eval())
        [1. 2.] [0. 2.]
        """
        ys: tuple[Tensor, Tensor] = self._call("checkpoint_fn_flex2", inputs, f, 2)
        return ys

    def checkpoint_fn_flex3(
        self, inputs: Sequence[TensorLike], f: Callable[[list[Tensor]], tuple[Tensor, Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `checkpoint_fn`, for a function that returns three tensors. Another number is a `ShapeError`.

        >>> with ag.Context() as ctx:
        ...     x = ctx.constant([0.0, 1.0])
        ...     ys = T.CheckpointGroup(ctx).checkpoint_fn_flex3([x], lambda inputs: (inputs[0], -inputs[0], inputs[0] * 2.0))
        ...     print(*ctx.eval(ys))
        [0. 1.] [-0. -1.] [0. 2.]
        """
        ys: tuple[Tensor, Tensor, Tensor] = self._call("checkpoint_fn_flex3", inputs, f, 3)
        return ys

    def checkpoint_segment(self, inputs: Sequence[TensorLike], f: Callable[..., Any]) -> Any:
        """As `checkpoint_fn`, for a function whose arguments are the inputs: `f(*inputs)`.

        >>> with ag.Context() as ctx:
        ...     x = ctx.constant([0.0, 1.0])
        ...     print(T.CheckpointGroup(ctx).checkpoint_segment([x, 2.0], lambda x, n: x * n).eval())
        [0. 2.]
        """
        return self._call("checkpoint_segment", inputs, f, None, spread=True)

    def checkpoint_segment_flex(self, inputs: Sequence[TensorLike], f: Callable[[list[Tensor]], Any]) -> Any:
        """As `checkpoint_fn`, under the name that the function of a context has.

        >>> with ag.Context() as ctx:
        ...     x = ctx.constant([0.0, 1.0])
        ...     print(T.CheckpointGroup(ctx).checkpoint_segment_flex([x], lambda inputs: inputs[0] * 2.0).eval())
        [0. 2.]
        """
        return self._call("checkpoint_segment_flex", inputs, f, None)


def checkpoint_segment(ctx: Context, inputs: Sequence[TensorLike], f: Callable[..., Any]) -> Any:
    """Calls `f(*inputs)`, of which gradients keep only the inputs and what it returns: a tensor, or a tuple or list of tensors. See
    `CheckpointGroup`, also for what is an error.

    >>> with ag.Context() as ctx:
    ...     x = ctx.placeholder("x", [])
    ...     y = T.checkpoint_segment(ctx, [x], lambda x: T.exp(T.sin(x)))
    ...     print(T.grad([y], [x])[0].eval({x: 0.0}))
    1.0
    """
    return CheckpointGroup(ctx).checkpoint_segment(inputs, f)


def checkpoint_segment_flex(ctx: Context, inputs: Sequence[TensorLike], f: Callable[[list[Tensor]], Any]) -> Any:
    """As `checkpoint_segment`, for a function of a list of any number of tensors: `f(inputs)`.

    >>> with ag.Context() as ctx:
    ...     xs = [ctx.constant(1.0), ctx.constant(2.0)]
    ...     y = T.checkpoint_segment_flex(ctx, xs, lambda inputs: T.exp(sum(inputs)))
    ...     print(T.grad([y], xs)[0].eval().round(4))
    20.0855
    """
    return CheckpointGroup(ctx).checkpoint_segment_flex(inputs, f)


@overload
def checkpoint(f: Callable[P, R], *, policy: PolicyLike | None = None) -> Callable[P, R]: ...
@overload
def checkpoint(f: None = None, *, policy: PolicyLike | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def checkpoint(f: Callable[..., Any] | None = None, *, policy: PolicyLike | None = None) -> Callable[..., Any]:
    """A function of which gradients keep only what it is given and what it returns; all that is inside is computed again, as late as that
    allows, with the same random draws. The numbers are the same, bit for bit.

    It is used as a decorator, `@ag.checkpoint` or `@ag.checkpoint(policy=...)`, or called. With a policy some of the inside is kept: an
    `ag.Policy`, or a function of a value. Arguments and results are tensors and anything else, in containers (see `register_pytree`):
    what is no tensor passes through. It is for functions that are called with tensors, within `ag.grad`, `ag.jit` and the like, or in a
    context; elsewhere it calls `f`. In transformations it stands inside: `ag.grad(ag.checkpoint(f))`.

    What `f` raises is raised as it is, and the graph can be used as before. A tensor of another context that `f` returns is a
    `GraphError`; what is no policy is a `DTypeError`.

    >>> @ag.checkpoint
    ... def layer(w, x, *, scale):
    ...     return T.tanh(x @ w) * scale
    >>> g = ag.grad(lambda w, x: layer(w, layer(w, x, scale=0.5), scale=2.0).sum())(np.eye(2), np.ones((1, 2)))
    >>> g.round(4)
    array([[2.2126, 2.2126],
           [2.2126, 2.2126]])
    """
    if f is None:
        return functools.partial(checkpoint, policy=policy)
    function, kept = _function("checkpoint", f), _policy(policy)

    @functools.wraps(f, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        ctx = _context_of(args, kwargs)
        if ctx is None:
            return function(*args, **kwargs)
        result: list[Any] = []

        def inside(_: list[Tensor]) -> list[Tensor]:
            result[:] = pytree.flatten(function(*args, **kwargs))
            return [x for x in result[0] if isinstance(x, Tensor)]

        out = iter(_checkpointed("checkpoint", ctx, kept, (), inside))
        made, form = result
        return pytree.unflatten(form, [next(out) if isinstance(x, Tensor) else x for x in made])

    return call
