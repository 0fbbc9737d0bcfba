"""Calls of NumPy's functions that build no graph: each message says what to write instead."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ._elsewhere import advice, code
from ._lib import Tensor
from ._refusals import IN_PLACE, shown


def name_of(function: Any) -> str:
    """A function as it is written in a program: `np.linalg.norm`; SciPy's by its name alone."""
    name: str = function.__name__
    if isinstance(function, np.ufunc):
        return f"np.{name}" if getattr(np, name, None) is function else name
    return f"{function.__module__.replace('numpy', 'np', 1)}.{name}"


def listed(inputs: tuple[Any, ...]) -> str:
    return ", ".join(shown(x) for x in inputs)


def no_function(function: Any, method: str, inputs: tuple[Any, ...]) -> NoReturn:
    """A function, or a method of a universal function, that no row serves."""
    name = function.__name__
    label = f"{name_of(function)}.{method}" if method else name_of(function)
    msg = f"{label}: there is no such function of tensors. Got {listed(inputs)}; expected one that `dir(T)` lists."
    hint = advice("" if method else name, label)
    raise TypeError(f"{msg}\nhelp: {hint}")


def no_out(label: str, name: str, out: tuple[Any, ...]) -> NoReturn:
    """A result that is to be written into what there is."""
    sign, ours = IN_PLACE.get(name), code(name)
    hint = f"write {ours}" if ours else f"write `a = {label}(...)`: then `a` is a tensor"
    why = "a tensor never changes"
    if not any(isinstance(x, Tensor) for x in out):
        why = "an array holds numbers, and a tensor has none while the graph is built"
        hint = f"write `a = a {sign} t` for `a {sign}= t`: then `a` is a tensor" if sign else hint
    raise TypeError(f"{label}: {why}. Got out={listed(out)}; expected no `out`.\nhelp: {hint}")


def no_argument(label: str, name: str, value: Any, expected: Any) -> NoReturn:
    """An argument of NumPy's that tensors serve with one value alone."""
    rule = "no such argument" if expected in (None, vars(np)["_NoValue"]) else f"{name}={expected!r}"
    msg = f"{label}: tensors have no such argument. Got {name}={shown(value)}; expected {rule}."
    raise TypeError(f"{msg}\nhelp: leave it out: `help(T)` has the arguments that functions of tensors have")


def no_places(label: str, where: Any) -> NoReturn:
    """An elementwise function at some places alone."""
    msg = f"{label}: without `out` nothing stands at the other places. Got where={shown(where)}; expected no `where`."
    raise TypeError(f"{msg}\nhelp: write `T.where(condition, {label}(x), other)`")


def no_dtype(label: str, got: Any, dtype: Any) -> NoReturn:
    """A dtype that the operands do not become, or that the function does not compute in."""
    msg = f"{label}: it does not compute in this dtype. Got dtype={np.dtype(dtype).name} for {got}; expected a dtype of the same kind."
    raise TypeError(f'{msg}\nhelp: convert the operands or the result with `.astype("float64")`')


def no_change(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> NoReturn:
    """`ufunc.at`, which changes its first argument."""
    label, name = name_of(ufunc), ufunc.__name__
    method = {
        "add": "add(values)",
        "subtract": "add(-values)",
        "multiply": "mul(values)",
        "maximum": "max(values)",
        "minimum": "min(values)",
    }
    written = method.get(name, f"set({label}(t[index], values))" if ufunc.nin > 1 else f"set({label}(t[index]))")
    what = (
        "a tensor never changes"
        if isinstance(inputs[0], Tensor)
        else "an array holds numbers, and a tensor has none while the graph is built"
    )
    first = "" if isinstance(inputs[0], Tensor) else "t = T.constant(a)` and `"
    msg = f"{label}.at: {what}. Got {listed(inputs)}; expected an expression that makes another tensor."
    raise TypeError(f"{msg}\nhelp: write `{first}t = t.at[index].{written}`")


def missing(label: str, given: list[str], names: list[str]) -> NoReturn:
    msg = f"{label}: an argument is missing. Got {', '.join(given)}; expected {', '.join(names)} too."
    raise TypeError(f"{msg}\nhelp: what an array's values decide, as the number of places, needs an array: `{label}(t.eval(feeds))`")


def no_vector(label: str, inputs: tuple[Any, ...]) -> NoReturn:
    msg = f"{label}: an operand is no vector. Got {listed(inputs)}; expected 1 dimension."
    raise ValueError(f"{msg}\nhelp: write `np.multiply.outer(a, b)` for operands of any dimensions")
