"""Derivatives of Python functions of arrays.

Arguments and results are arrays, numbers, or containers of them (see `register_pytree`). A function is called with tensors where arrays
are differentiated or given, and other arguments as they are: it may branch on these. Transformations nest, as `ag.grad(ag.grad(f))`,
and a function may call them: called with tensors, they return tensors.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Container, Sequence
from typing import Any, ParamSpec

import numpy as np

from . import pytree
from . import tensor_ops as T
from ._lib import Context, Tensor, _grad
from .exceptions import ShapeError
from .tracing import (
    Key,
    Traced,
    Variables,
    alike,
    building,
    called,
    check_keys,
    chosen,
    cotangents,
    evaluated,
    fed,
    function_of,
    graph_of,
    results,
    scalar,
    split,
)

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

P = ParamSpec("P")
_Nums = int | Sequence[int] | None
_Names = str | Sequence[str] | None


def value_and_grad(f: Callable[P, Any], argnums: _Nums = None, argnames: _Names = None, *, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns the value of `f` and its gradient with respect to some arguments, the first by default.

    `f` returns a 0-d tensor. `argnums` are places of arguments, `argnames` names of such as are given by keyword. The gradient has
    the form of the choice: for one number or name an object like the argument, for a sequence of numbers a tuple, for one of names a
    dict, for numbers and names a tuple of both. With `has_aux`, `f` returns a pair of the value and of anything else, and so does the
    result: `((value, auxiliary), gradient)`.

    The arguments that are chosen hold floats: arrays of float32 or float64, or numbers. Each call builds the graph anew; the plan is
    found again. Raises `DTypeError` for other dtypes, and `ShapeError` if `f` returns anything but a single number.

    >>> ag.value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 3.0]))
    (np.float64(10.0), array([2., 6.]))
    >>> ag.value_and_grad(lambda p: p["w"] * p["b"])({"w": 2.0, "b": 3.0})[1]
    {'b': np.float64(2.0), 'w': np.float64(3.0)}
    """
    return _differentiated("value_and_grad", f, argnums, argnames, has_aux)


def _differentiated(op: str, f: Callable[P, Any], argnums: _Nums, argnames: _Names, has_aux: bool) -> Callable[P, Any]:
    function = function_of(op, f)
    keys, formed = chosen(op, argnums, argnames)

    def traced(args: Sequence[Any], kwargs: dict[str, Any], fresh: Container[Tensor]) -> Any:
        own = Variables(op, keys, args, kwargs, fresh)
        value, aux = split(op, function(*own.args, **own.kwargs), has_aux)
        y = scalar(op, value)
        gradient = formed(own.formed(swept([y], own.leaves)))
        if op == "grad":
            return (gradient, aux) if has_aux else gradient
        return ((y, aux) if has_aux else y), gradient

    return _lifted(op, f, traced, keys)


def _lifted(op: str, f: Callable[P, Any], traced: Traced, keys: Sequence[Key]) -> Callable[P, Any]:
    """`traced`, a function of tensors, as one of arrays too, with the name of `f`."""

    @functools.wraps(f, updated=())
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        return called(op, traced, keys, args, kwargs)

    return call


def grad(f: Callable[P, Any], argnums: _Nums = None, argnames: _Names = None, *, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns the gradient of `f`; as `value_and_grad` without the value. With `has_aux` it returns
    `(gradient, auxiliary)`.

    >>> ag.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    (array([3., 4.]), array([1., 2.]))
    >>> print(ag.grad(ag.grad(lambda x: x**3))(2.0))
    12.0
    """
    return _differentiated("grad", f, argnums, argnames, has_aux)


def jacobian(f: Callable[P, Any], argnums: _Nums = None, argnames: _Names = None, *, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns the Jacobian of `f` with respect to some arguments, the first by default.

    For each array of shape `s` that `f` returns, and each array of shape `t` in an argument, an array of shape `(*s, *t)`: in the
    containers of the result the containers of the arguments, in the form of the choice that `value_and_grad` has. One sweep serves
    all rows. With `has_aux` it returns `(jacobian, auxiliary)`.

    >>> ag.jacobian(lambda x: T.stack([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.]])
    """
    op = "jacobian"
    function = function_of(op, f)
    keys, formed = chosen(op, argnums, argnames)

    def traced(args: Sequence[Any], kwargs: dict[str, Any], fresh: Container[Tensor]) -> Any:
        own = Variables(op, keys, args, kwargs, fresh)
        y, aux = split(op, function(*own.args, **own.kwargs), has_aux)
        ys, structure = results(op, y)
        made = [formed(own.formed(_blocks(y, own.leaves))) for y in ys]
        jacobians = pytree.unflatten(structure, made)
        return (jacobians, aux) if has_aux else jacobians

    return _lifted(op, f, traced, keys)


def swept(ys: list[Tensor], xs: list[Tensor], seeds: list[Tensor] | None = None) -> list[Tensor]:
    """The cotangents of `xs` for those of `ys`, which are ones without `seeds`; also where one of the lists is empty."""
    if not xs or not ys:
        return [T.zeros_like(x) for x in xs]
    return _grad(ys, xs) if seeds is None else _grad(ys, xs, seeds)


def _blocks(y: Tensor, xs: list[Tensor]) -> list[Tensor]:
    def shape(t: Tensor) -> list[Any]:
        return list(t.shape)

    return [T.reshape(j, shape(y) + shape(x)) for j, x in zip(T.jacobians(y, xs), xs, strict=True)]


def hessian(f: Callable[P, Any], argnums: _Nums = None, argnames: _Names = None, *, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns the Hessian of `f`, the Jacobian of its gradient.

    For an argument of shape `s` an array of shape `(*s, *s)`. For several arrays, in the form of the gradient objects in the form of
    the gradient: `h[i][j]` has the second derivatives by the arguments `i` and `j`. With `has_aux` it returns
    `(hessian, auxiliary)`.

    >>> ag.hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(f, argnums, argnames, has_aux=has_aux), argnums, argnames, has_aux=has_aux)


def hvp(f: Callable[..., Any], argnums: _Nums = None, argnames: _Names = None, *, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the product of the Hessian of `f` with a vector, without the Hessian.

    The vector has the form of the gradient. It is the positional argument behind the last of those that are chosen, as
    `scipy.optimize.minimize(hessp=...)` gives it; where arguments are chosen by name alone, the keyword `vector`. With `has_aux` the
    function returns `(product, auxiliary)`.

    >>> ag.hvp(lambda x: (x**3).sum())(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    op = "hvp"
    function = function_of(op, f)
    keys, formed = chosen(op, argnums, argnames)
    places = [k for k in keys if isinstance(k, int)]

    def apart(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any], Any]:
        rest, named = list(args), dict(kwargs)
        if places:
            at = max(k % max(len(args) - 1, 1) for k in places) + 1
            if at < len(args):
                return rest[:at] + rest[at + 1 :], named, rest[at]
        elif "vector" in named:
            return rest, named, named.pop("vector")
        got = f"{len(args)} arguments and the keywords {sorted(kwargs)}"
        rule = "the vector behind the arguments that are chosen" if places else "the keyword `vector`"
        raise ShapeError(f"{op}: there is no vector. Got {got}; expected {rule}.")

    def traced(args: Sequence[Any], kwargs: dict[str, Any], fresh: Container[Tensor]) -> Any:
        rest, named, vector = apart(args, kwargs)
        own = Variables(op, keys, rest, named, fresh)
        value, aux = split(op, function(*own.args, **own.kwargs), has_aux)
        vectors = cotangents(op, "the vector", vector, formed(own.formed(own.leaves)))
        y = scalar(op, value)
        product = formed(own.formed(swept(swept([y], own.leaves), own.leaves, vectors)))
        return (product, aux) if has_aux else product

    @functools.wraps(f, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        rest, named, _ = apart(args, kwargs)
        check_keys(op, keys, rest, named)
        own = [k % len(rest) if isinstance(k, int) else k for k in keys]
        behind: Key = max(k for k in own if isinstance(k, int)) + 1 if places else "vector"
        return called(op, traced, [*own, behind], args, kwargs)

    # It takes one argument more than `f`.
    del call.__wrapped__
    return call


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `f` at `primals` and its derivative along `tangents`: `(y, dy)`, with `has_aux` `(y, dy, auxiliary)`.

    `primals` is a tuple or list of the arguments of `f`, `tangents` one of the same form. The derivative is the transpose of the
    transpose: two sweeps, whatever the lengths.

    >>> ag.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (np.float64(6.0), np.float64(23.0))
    """
    op = "jvp"
    function = function_of(op, f)

    def traced(args: Sequence[Any], _: dict[str, Any], fresh: Container[Tensor]) -> Any:
        primals, tangents = args
        own = Variables(op, range(len(primals)), primals, {}, fresh)
        y, aux = split(op, function(*own.args), has_aux)
        ys, structure = results(op, y)
        vectors = cotangents(op, "tangents", tuple(tangents), tuple(own.args))
        # Linear in these, whose values do not matter.
        seeds = [T.identity(T.ones_like(y)) for y in ys]
        derivative = pytree.unflatten(structure, swept(swept(ys, own.leaves, seeds), seeds, vectors))
        return (y, derivative, aux) if has_aux else (y, derivative)

    both: tuple[Any, ...] = called(op, traced, (0, 1), (tuple(primals), tuple(tangents)), {})
    return both


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `f` at `primals`, and the function that takes cotangents back: `(y, pullback)`, with `has_aux`
    `(y, pullback, auxiliary)`.

    `pullback(ct)` takes cotangents in the form of `y` and returns a tuple of those of the `primals`. `f` is called once; what
    `pullback` needs is computed when it is called.

    >>> y, pullback = ag.vjp(lambda x: x * x, np.array([1.0, 3.0]))
    >>> print(y, pullback(np.array([1.0, 10.0])))
    [1. 9.] (array([ 2., 60.]),)
    """
    op = "vjp"
    function = function_of(op, f)

    def traced(args: Sequence[Any], fresh: Container[Tensor]) -> tuple[Any, Any, Callable[[Any], tuple[Any, ...]]]:
        own = Variables(op, range(len(args)), args, {}, fresh)
        y, aux = split(op, function(*own.args), has_aux)
        ys, structure = results(op, y)
        made = pytree.unflatten(structure, ys)

        def back(ct: Any) -> tuple[Any, ...]:
            return tuple(own.formed(swept(ys, own.leaves, cotangents(op, "the cotangent", ct, made))))

        return made, aux, back

    if graph_of(primals) is not None:
        y, aux, pullback = traced(primals, {})
        return (y, pullback, aux) if has_aux else (y, pullback)
    ctx = Context._of_function()
    feeds: dict[Tensor, Any] = {}
    with building(ctx):
        # The arrays are read again by each pullback: what becomes of them meanwhile must not matter.
        own = [fed(op, ctx, str(i), x, feeds, numbers=True) for i, x in enumerate(primals)]
        feeds = {t: np.array(a, subok=True) for t, a in feeds.items()}
        y, aux, back = traced(own, feeds)
    kept: list[tuple[Any, list[Tensor]]] = []
    lock = threading.Lock()

    def evaluated_pullback(ct: Any) -> tuple[Any, ...]:
        given = alike(op, "the cotangent", ct, y)
        with lock:
            if not kept:
                with building(ctx):
                    leaves, structure = pytree.flatten(y)
                    seeds = [ctx.placeholder(f"cotangent {i}", list(t.shape), t.dtype) for i, t in enumerate(leaves)]
                    kept.append((back(pytree.unflatten(structure, seeds)), seeds))
        result, seeds = kept[0]
        cts: tuple[Any, ...] = evaluated(ctx, result, {**feeds, **dict(zip(seeds, given, strict=True))})
        return cts

    value, beside = evaluated(ctx, (y, aux), feeds)
    return (value, evaluated_pullback, beside) if has_aux else (value, evaluated_pullback)
