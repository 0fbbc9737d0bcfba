"""NumPy's functions on tensors: each call becomes one of a function of `tensor_ops`, by NumPy's own signature and defaults.

What the functions are is in `_numpy_table`, which is made from the op table. Imported for the first such call.
"""

from __future__ import annotations

import inspect
import string
import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from . import _numpy_refusals as no
from . import tensor_ops as T
from ._numpy_table import SIGNATURES, TABLE, Entry
from ._refusals import LOOKS, SYMBOLS, no_operator, shown
from .pytree import leaf

#: What NumPy has for an argument that is not given.
ABSENT: Any = vars(np)["_NoValue"]
#: Parameters that say how NumPy works, not what comes out.
HARMLESS = {"copy", "kind", "optimize", "overwrite_input", "stable", "subok"}
#: Second names of parameters, by the name of our function.
SECOND = {"clip": {"min": "low", "max": "high"}, "std": {"correction": "ddof"}, "var": {"correction": "ddof"}}
#: Functions that flatten with `axis=None`, which is not their default.
FLATTENING = {"concatenate"}
#: What joins `initial` to the result of a function that has no such parameter.
JOINED = {"nansum": np.add, "prod": np.multiply, "sum": np.add}
#: `ufunc.reduce` and `ufunc.accumulate`, by the name of the universal function.
REDUCED: dict[str, Callable[..., Any]] = {
    "add": T.sum, "multiply": T.prod, "maximum": T.max, "minimum": T.min, "fmax": T.nanmax, "fmin": T.nanmin, "logical_and": T.all,
    "logical_or": T.any, "logaddexp": T.logsumexp,
}  # fmt: skip
ACCUMULATED: dict[str, Callable[..., Any]] = {
    "add": T.cumsum, "multiply": T.cumprod, "maximum": T.cummax, "minimum": T.cummin, "logaddexp": T.logcumsumexp,
}  # fmt: skip


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any] | None) -> Any:
    """A call of a universal function, or of one of its methods, with a tensor among its inputs or outputs."""
    if not options and method == "__call__":
        f = elementwise.get(ufunc)
        if f is not None:
            return f(*inputs)
    return _ufunc(ufunc, method, inputs, options or {})


def call_function(function: Any, t: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A call of one of NumPy's other functions with the tensor `t` among its arguments."""
    call = _calls.get(function)
    if call is None:
        if function.__module__ == "numpy" and function.__name__ in LOOKS:
            # C code would look at the memory of what stands in for a tensor.
            return function._implementation(*map(leaf, args), **options)
        call = _found(function)
        if call is None:
            no.no_function(function, "", (t,))
    shape = (len(args), *options)
    words = call.ways[shape] if shape in call.ways else call.way(shape)
    if words is None:
        return call(args, options)
    if not words:
        return call.f(*args)
    return call.f(*args, **{own: x for own, x in zip(words, options.values(), strict=True) if x is not ABSENT})


def serves(function: Any) -> bool:
    """Whether a function of tensors does what this function of NumPy's does."""
    found = _serves.get(function)
    if found is None:
        found = _serves[function] = _found(function) is not None
    return found


class Call:
    """What a function of NumPy's does with tensors."""

    def __init__(self, function: Any, key: str, entry: Entry) -> None:
        self.label = no.name_of(function)
        self.name = function.__name__
        self.f: Callable[..., Any] = getattr(T, entry.name)
        self.entry = entry
        theirs = signature(function, key)
        ours = inspect.signature(self.f).parameters
        self.names = entry.names | {n: o for n, o in SECOND.get(entry.name, {}).items() if n in theirs}
        self.star = next((n for n, p in theirs.items() if p.kind is p.VAR_POSITIONAL), None)
        self.positional = [n for n, p in theirs.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        #: The defaults of NumPy's parameters.
        self.theirs = {n: p.default for n, p in theirs.items()}
        self.required = [n for n, p in ours.items() if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
        #: The tensor or the tensors that become the dtype, and that are flattened.
        self.first = next(iter(ours))
        self.spread = any(p.kind is p.VAR_POSITIONAL for p in ours.values())
        self.joined = JOINED.get(entry.name) if "initial" not in self.names else None
        #: Values of our parameters that are not given: NumPy's defaults, where they are not ours.
        self.defaults = dict(entry.fixed or {})
        for n, p in theirs.items():
            own = self.names.get(n, "")
            # What NumPy may do without, as `np.where` without choices, is another function.
            other = own in self.required and p.default is None
            if own in ours and p.default not in (p.empty, ABSENT) and not other and not same(p.default, ours[own].default):
                self.defaults[own] = p.default
        self.only = {n: x for n, x in (entry.only or {}).items() if n not in HARMLESS}
        self.flattened = entry.flattened or key in FLATTENING
        #: NumPy's class for the results of a factorisation, as `EighResult`.
        known: dict[str, Any] = getattr(function._implementation, "__globals__", {}) if hasattr(function, "_implementation") else {}
        self.parts: Any = next((c for n, c in known.items() if n.lower() == f"{self.name}result"), None)
        self.ours = list(ours)
        #: What `way` has said.
        self.ways: dict[tuple[Any, ...], tuple[str, ...] | None] = {}

    def way(self, shape: tuple[Any, ...]) -> tuple[str, ...] | None:
        """For a number of arguments by place and the names of others: our names of those, if our function takes them all as they are.

        It is asked once for each form of a call; most calls are of such a form, and cost no more than this look-up.
        """
        n, *named = shape
        places = self.positional[:n]
        words = tuple(self.names.get(name, "") for name in named)
        given = {*self.ours[:n], *words}
        # An axis that is given may be None.
        flattened = self.entry.flattened or (self.flattened and "axis" in {*places, *named})
        special = self.star or self.entry.fixed or self.entry.tupled or self.parts or self.only or flattened
        as_ours = len(places) == n and [self.names.get(p) for p in places] == self.ours[:n] and "" not in words
        taken = None if special or not as_ours or not {*self.required, *self.defaults} <= given else words
        self.ways[shape] = taken
        return taken

    def __call__(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        given = dict(zip(self.positional, args, strict=False)) | options
        rest = args[len(self.positional) :]
        if self.star is None and rest:
            no.no_argument(self.label, f"argument {len(args)}", rest[-1], None)
        words = self.defaults.copy()
        dtype, initial = None, ABSENT
        for name, value in given.items():
            own = self.names.get(name)
            if value is ABSENT:
                continue
            if own is not None:
                words[own] = value
            elif name == "out":
                if value is not None:
                    no.no_out(self.label, self.name, (value,))
            elif name == "dtype":
                dtype = value
            elif name == "initial" and self.joined is not None:
                initial = value
            elif name != "casting" and name not in self.only and not self.takes(name, value):
                no.no_argument(self.label, name, value, self.theirs.get(name))
        for name, value in self.only.items():
            got = given.get(name, self.theirs[name])
            if not same(got, value):
                no.no_argument(self.label, name, got, value)
        if any(n not in words for n in self.required) and self.star is None:
            served = {own: name for name, own in self.names.items()}
            no.missing(self.label, list(given), [served[n] for n in self.required if n not in words])
        return self.made(rest, words, dtype, given.get("casting", self.theirs.get("casting", "unsafe")), initial)

    def takes(self, name: str, value: Any) -> bool:
        """Whether an argument that our function does not have changes nothing."""
        if name == "copy" and self.name == "nan_to_num":
            return same(value, True)
        return name in HARMLESS or (name in self.theirs and same(value, self.theirs[name]))

    def made(self, rest: tuple[Any, ...], words: dict[str, Any], dtype: Any, casting: str, initial: Any) -> Any:
        if self.star is not None:
            if self.spread:
                return tuple(self.f(*rest, **words))
            ys = tuple(self.f(x, **words) for x in rest)
            return ys[0] if len(ys) == 1 else ys
        x = words[self.first]
        if dtype is not None:
            parts = [become(self.label, y, dtype, casting) for y in (x if several(x) else [x])]
            x = words[self.first] = parts if several(x) else parts[0]
        if self.flattened and words.get("axis", 0) is None:
            words |= {self.first: [np.ravel(y) for y in x] if several(x) else np.ravel(x), "axis": 0}
        else:
            x = None
        y = self.f(**words)
        if x is not None and words.get("keepdims"):
            y = y.reshape([1] * np.ndim(x))
        y = ended(y, dtype)
        if initial is not ABSENT and self.joined is not None:
            y = self.joined(y, np.asarray(initial, y.dtype))
        if self.parts is not None and several(y):
            y = self.parts(*y)
        return tuple(y) if self.entry.tupled else y


def several(x: Any) -> bool:
    return isinstance(x, (list, tuple))


def same(a: Any, b: Any) -> bool:
    """Whether two arguments are one plain value: a tensor or an array is compared with nothing."""
    plain = (bool, int, float, str)
    return a is b or (isinstance(a, plain) and isinstance(b, plain) and a == b)


def signature(function: Any, key: str) -> dict[str, inspect.Parameter]:
    """The parameters of a function of NumPy's."""
    if key in SIGNATURES:
        function = eval(f"lambda {SIGNATURES[key][1:-1]}: None")
    return dict(inspect.signature(function).parameters)


def become(label: str, x: Any, dtype: Any, casting: str) -> Any:
    """An operand in the dtype that is asked for."""
    own = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    if not np.can_cast(own, dtype, cast("Any", casting)):
        no.no_dtype(label, own, dtype)
    return x.astype(dtype) if hasattr(x, "astype") else np.asarray(x, dtype)


def ended(y: Any, dtype: Any) -> Any:
    """A result in the dtype that is asked for: that of a mean of integers, or a sum of short ones, is another."""
    return y if dtype is None or y.dtype == dtype else y.astype(dtype)


# Universal functions


def says(ufunc: np.ufunc) -> bool:
    """Whether the result is bool, whatever the operands are, as that of a comparison."""
    if ufunc not in _says:
        _says[ufunc] = "d" * ufunc.nin + "->?" in ufunc.types
    return _says[ufunc]


def _ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    name = ufunc.__name__
    label = no.name_of(ufunc) if method == "__call__" else f"{no.name_of(ufunc)}.{method}"
    out = tuple(x for x in options.get("out", ()) if x is not None)
    if out:
        no.no_out(label, name if method == "__call__" else "", out)
    words = {n: x for n, x in options.items() if n != "out" and x is not ABSENT}
    if method == "at":
        no.no_change(ufunc, inputs)
    if method == "outer" and ufunc.nin == 2 and ufunc.signature is None:
        a, b = inputs
        behind = range(np.ndim(a), np.ndim(a) + np.ndim(b))
        return ufunc(np.expand_dims(a, tuple(behind)) if behind else a, b, **words)
    own = getattr(np, name, None) is ufunc
    if method == "reduce" and own and name in REDUCED:
        return _reduced(label, ufunc, REDUCED[name], *inputs, **words)
    if method == "accumulate" and own and name in ACCUMULATED:
        return _accumulated(label, ACCUMULATED[name], *inputs, **words)
    if method != "__call__":
        no.no_function(ufunc, method, inputs)
    f = elementwise.get(ufunc) or _of_scipy().get(ufunc)
    if f is not None:
        return _called(label, ufunc, f, inputs, words)
    if name in SYMBOLS and not words:
        no_operator(name, inputs)
    no.no_function(ufunc, "", inputs)


def _called(label: str, ufunc: np.ufunc, f: Callable[..., Any], inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A universal function with options."""
    words: dict[str, Any] = {}
    dtype, casting = options.pop("dtype", None), options.pop("casting", "same_kind")
    entry = TABLE.get(ufunc.__name__)
    for name, value in options.items():
        if name == "where":
            if not same(value, True):
                no.no_places(label, value)
        elif entry is not None and name in entry.names:
            words[name] = value
        elif name not in ("order", "subok") and not (name == "keepdims" and same(value, False)):
            no.no_argument(label, name, value, None)
    if dtype is None or (np.dtype(dtype) == bool and says(ufunc)):
        return f(*inputs, **words)
    y: Any = f(*(become(label, x, dtype, casting) for x in inputs), **words)
    parts: tuple[Any, ...] = y if ufunc.nout > 1 else (y,)
    if any(part.dtype != dtype for part in parts):
        no.no_dtype(label, ", ".join(shown(x) for x in inputs), dtype)
    return y


def _reduced(
    label: str, ufunc: np.ufunc, f: Callable[..., Any], x: Any, axis: Any = 0, dtype: Any = None, keepdims: Any = False, **others: Any
) -> Any:
    initial, where = others.get("initial", ABSENT), others.get("where", True)
    known = _parameters(f)
    words: dict[str, Any] = {}
    if not same(where, True):
        if "where" not in known:
            no.no_argument(label, "where", where, True)
        words["where"] = where
    if initial is not ABSENT and "initial" in known:
        words["initial"] = initial
    if says(ufunc):
        dtype = None
    if dtype is not None:
        x = become(label, x, dtype, "unsafe")
    # NumPy lets a number have a first axis.
    ndim = x.ndim if hasattr(x, "ndim") else np.ndim(x)
    y = ended(f(x, axis=None if ndim == 0 and axis in (0, -1) else axis, keepdims=keepdims, **words), dtype)
    return y if initial is ABSENT or initial is None or "initial" in known else ufunc(y, np.asarray(initial, y.dtype))


def _parameters(f: Callable[..., Any]) -> frozenset[str]:
    """The names of a function's parameters."""
    if f not in _names:
        _names[f] = frozenset(inspect.signature(f).parameters)
    return _names[f]


def _accumulated(label: str, f: Callable[..., Any], x: Any, axis: Any = 0, dtype: Any = None) -> Any:
    y: Any = f(x if dtype is None else become(label, x, dtype, "unsafe"), axis=axis)
    # The largest so far come with their places.
    return ended(cast("tuple[Any, Any]", y)[0] if isinstance(y, tuple) else y, dtype)


# Functions whose arguments mean more in NumPy than in ours


def _cond(x: Any, p: Any = None) -> Any:
    return T.linalg.cond(x, p)


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None or axisa == axisb == axisc:
        return T.cross(a, b, axis=axisa if axis is None else axis)
    move: Any = np.moveaxis
    return move(T.cross(move(a, axisa, -1), move(b, axisb, -1)), -1, axisc)


def _einsum(*operands: Any, out: Any = None, optimize: Any = False, **rest: Any) -> Any:
    if out is not None:
        no.no_out("np.einsum", "einsum", (out,))
    for name, value in rest.items():
        no.no_argument("np.einsum", name, value, None)
    if isinstance(operands[0], str):
        return T.einsum(*operands)
    # Pairs of an operand and the numbers of its axes, and those of the result behind them.
    letters = string.ascii_uppercase + string.ascii_lowercase
    xs, axes = operands[: len(operands) // 2 * 2 : 2], [*operands[1::2], *operands[len(operands) // 2 * 2 :]]
    terms = ["".join("..." if i is Ellipsis else letters[i] for i in term) for term in axes]
    return T.einsum(",".join(terms[: len(xs)]) + "".join(f"->{term}" for term in terms[len(xs) :]), *xs)


def _outer(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        no.no_vector("np.linalg.outer", (x1, x2))
    return T.outer(x1, x2)


class Written:
    """As `Call`, of a function here that has NumPy's signature."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self.ways: dict[tuple[Any, ...], tuple[str, ...] | None] = {}

    def way(self, shape: tuple[Any, ...]) -> tuple[str, ...] | None:
        self.ways[shape] = None
        return None

    def __call__(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return self.f(*args, **options)


WRITTEN: dict[str, Callable[..., Any]] = {"cross": _cross, "einsum": _einsum, "linalg.cond": _cond, "linalg.outer": _outer}

# The table with the functions themselves


def _numpy(key: str) -> Any:
    module, _, name = key.rpartition(".")
    return getattr(np.linalg if module == "linalg" else np, name, None)


def _elementwise_of_numpy() -> dict[Any, Callable[..., Any]]:
    pairs = [(_numpy(key), getattr(T, entry.name)) for key, entry in TABLE.items() if not key.startswith("special.")]
    return {f: own for f, own in pairs if isinstance(f, np.ufunc)}


def _of_scipy() -> dict[Any, Callable[..., Any]]:
    """The universal functions of SciPy's, once a program has imported them."""
    special = sys.modules.get("scipy.special")
    for key, entry in TABLE.items():
        name = key.removeprefix("special.")
        f = getattr(special, name, None)
        # Some of NumPy's it has a second time, as `log1p`.
        if isinstance(f, np.ufunc) and (name != key or isinstance(_numpy(key), np.ufunc)):
            elementwise[f] = getattr(T, entry.name)
    return elementwise


def _found(function: Any) -> Call | Written | None:
    """What a function of NumPy's does, found once."""
    for key, entry in TABLE.items():
        if _numpy(key) is function:
            call = Written(WRITTEN[key]) if key in WRITTEN else Call(function, key, entry)
            _calls[function] = call
            return call
    return None


#: Functions of tensors by the universal functions that they stand for.
elementwise = _elementwise_of_numpy()
_calls: dict[Any, Call | Written] = {}
#: What has been asked before.
_serves: dict[Any, bool] = {}
_says: dict[np.ufunc, bool] = {}
_names: dict[Callable[..., Any], frozenset[str]] = {}
