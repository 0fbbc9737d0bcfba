"""Functions of arrays whose graphs are kept between calls."""

from __future__ import annotations

import functools
import inspect
import threading
import types
from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

import numpy as np

from . import pytree
from ._lib import Context, Tensor, _difference, _Kept
from .exceptions import DTypeError, GraphError, ShapeError
from .tracing import Key, building, function_of, graph_of, known

__all__ = ["Jit", "jit"]

P = ParamSpec("P")
R = TypeVar("R")

#: What a graph returns where the function returns None, which would say that the graph does not fit.
NOTHING = object()
#: Graphs that a function keeps: beyond, the one that was traced first is forgotten.
MOST = 256


class Jit(Generic[P, R]):
    """A function of arrays that keeps its graphs: see `jit`.

    >>> f = ag.jit(lambda x, n: x * n)
    >>> print(f(2.0, 3), f(4.0, 3), f(4.0, 5), f.traces)
    6.0 12.0 20.0 2
    """

    #: How often the function has been traced.
    traces: int

    def __init__(self, f: Callable[P, R], static_argnums: Iterable[int], static_argnames: Iterable[str], check: bool) -> None:
        self._f = f
        self._numbers, self._names, self._check = set(static_argnums), set(static_argnames), check
        #: Places of the arguments that are static by name.
        self._optional: set[int] = set()
        self._resolve()
        self._graphs: dict[Any, _Kept] = {}
        #: The graph of the last call whose arguments were arrays, one behind the other.
        self._last: _Kept | None = None
        #: The last of the other calls.
        self._other: Form | None = None
        self._lock = threading.RLock()
        self.traces = 0
        functools.update_wrapper(self, f, updated=())

    def _resolve(self) -> None:
        """Completes the static arguments: one that was named may be given by its place, and one of a place by its name."""
        try:
            parameters = inspect.signature(self._f).parameters
        except (TypeError, ValueError):
            return
        places = [n for n, p in parameters.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        unknown = self._names - {*parameters}
        if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            msg = f"jit: there is no such argument. Got static_argnames={min(unknown)!r}; expected one of {', '.join(parameters)}."
            raise ShapeError(msg)
        self._optional = {i for i, n in enumerate(places) if n in self._names} - self._numbers
        self._names |= {places[i] for i in self._numbers if -len(places) <= i < len(places)}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        last = self._last
        if last is not None and not kwargs:
            made = last.call(args)
            if made is not None:
                return cast("R", None if made is NOTHING else made)
        made = None if self._other is None else self._other.call(args, kwargs)
        if made is None:
            made = self._found(args, kwargs)
        return cast("R", None if made is NOTHING else made)

    def __get__(self, owner: Any, _: type | None = None) -> Any:
        return self if owner is None else types.MethodType(self, owner)

    def __repr__(self) -> str:
        return f"<jit of {self._f!r}, {self.traces} traces>"

    def _found(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result by the graph for these arguments, which is traced if there is none."""
        call = Call(self._static(args, kwargs), self._names, args, kwargs)
        if call.is_traced:
            return self._f(*args, **kwargs)
        graph = self._graphs.get(call.key)
        if graph is None:
            with self._lock:
                graph = self._graphs.get(call.key)
                if graph is None:
                    graph = self._traced(call)
                    while len(self._graphs) >= MOST:
                        del self._graphs[next(iter(self._graphs))]
                    self._graphs[call.key] = graph
        elif self._check:
            self._compared(graph, call)
        if not self._check:
            if call.is_flat:
                self._last = graph
            else:
                self._other = Form(call, graph)
        made = graph.call(call.arrays)
        assert made is not None, "a graph that was found by its key takes these arguments"
        return made

    def _static(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> set[int]:
        n = len(args)
        for i in self._numbers:
            if not -n <= i < n and not self._names & {*kwargs}:
                msg = f"jit: there is no such argument. Got static_argnums={i} for {n} arguments; expected an index of one."
                raise ShapeError(msg)
        return {i % n for i in self._numbers if -n <= i < n} | {i for i in self._optional if i < n}

    def _traced(self, call: Call) -> _Kept:
        ctx = Context._of_function()
        function: Callable[..., Any] = self._f
        with building(ctx):
            args, kwargs, placeholders = call.opened(ctx)
            result = function(*args, **kwargs)
            self.traces += 1
            leaves, structure = pytree.flatten(result)
            tensors = [x for x in leaves if isinstance(x, Tensor)]
            return _Kept(ctx, placeholders, tensors, assembly(leaves, structure))

    def _compared(self, graph: _Kept, call: Call) -> None:
        """Raises if the function builds another graph than it did."""
        with self._lock:
            found = _difference(graph, self._traced(call))
        if found is not None:
            old, new = found
            msg = f"jit: the function builds another graph than when it was traced. Got {new}; expected {old}."
            hint = "what a function reads from outside is frozen when it is traced: make it an argument"
            raise GraphError(f"{msg}\nhelp: {hint}")


class Form:
    """The form of a call and its graph, which the next call is compared with before anything is looked up."""

    def __init__(self, call: Call, graph: _Kept) -> None:
        leaves, self._structure = pytree.flatten(call.given)
        is_array = call.are_arrays()
        self._graph = graph
        #: The places of arrays; None where there is nothing else.
        self._places = None if all(is_array) else [i for i, array in enumerate(is_array) if array]
        self._values = [(i, x.__class__, x) for i, x in enumerate(leaves) if not is_array[i]]

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any | None:
        """The result, if the call has this form."""
        leaves = self._structure.leaves((args, kwargs))
        if leaves is None:
            return None
        for i, cls, value in self._values:
            x = leaves[i]
            if x is not value and (x.__class__ is not cls or x != value):
                return None
        return self._graph.call(leaves if self._places is None else [leaves[i] for i in self._places])


def assembly(leaves: list[Any], structure: pytree.Structure) -> Callable[[list[Any]], Any] | None:
    """What makes the result of the values of its tensors, in the words of `_Kept`."""
    whole = all(isinstance(x, Tensor) for x in leaves)
    if whole and structure == pytree.LEAF:
        return None
    if whole and structure.cls is tuple and all(p == pytree.LEAF for p in structure.parts):
        return tuple
    fixed: list[Any] = [None if isinstance(x, Tensor) else x for x in leaves]
    places = [i for i, x in enumerate(leaves) if isinstance(x, Tensor)]

    def made(values: list[Any]) -> Any:
        # Each caller has arrays of its own.
        own = [np.array(cast("Any", x)) if isinstance(x, np.ndarray) else x for x in fixed]
        for i, v in zip(places, values, strict=True):
            own[i] = v
        result = pytree.unflatten(structure, own)
        return NOTHING if result is None else result

    return made


class Call:
    """The arguments of a call: which graph is theirs, and what that is called with."""

    #: Whether it belongs into the graph of another function that is being traced.
    is_traced: bool
    #: What tells its graph from others.
    key: Any
    #: Arrays, and numbers of Python's that stand for arrays.
    arrays: list[Any]
    #: Whether these are the arguments, each one.
    is_flat: bool

    def __init__(self, static: set[int], names: set[str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._args, self._kwargs = args, kwargs
        given: dict[Key, Any] = dict(enumerate(args))
        given.update(sorted(kwargs.items()))
        fixed = {k: x for k, x in given.items() if k in static or k in names}
        self._parts = {k: pytree.flatten(x) for k, x in given.items() if k not in fixed}
        leaves = [x for part, _ in self._parts.values() for x in part]
        self.is_traced = graph_of(*leaves) is not None
        self.arrays = [plain(x) for x in leaves if is_array(x)]
        self.is_flat = not kwargs and not static and all(is_array(x) for x in args)
        self.key = None if self.is_traced else self._key(fixed)

    @property
    def given(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments."""
        return self._args, self._kwargs

    def are_arrays(self) -> list[bool]:
        """Which leaves of `given` are in `arrays`."""
        kinds: list[bool] = []
        for k, x in [*enumerate(self._args), *sorted(self._kwargs.items())]:
            kinds += [k in self._parts and is_array(leaf) for leaf in pytree.flatten(x)[0]]
        return kinds

    def _key(self, fixed: dict[Key, Any]) -> Any:
        words: list[Any] = []
        for k, (leaves, structure) in self._parts.items():
            words.append((k, structure))
            for i, x in enumerate(leaves):
                if type(x) is float:
                    words.append(float)
                else:
                    words.append((x.dtype, x.shape) if is_array(x) else value(x, k, structure, i))
        words += [(k, value(x, k, pytree.LEAF, 0)) for k, x in fixed.items()]
        return tuple(words)

    def opened(self, ctx: Context) -> tuple[list[Any], dict[str, Any], list[tuple[Tensor, bool]]]:
        """The arguments with placeholders in place of `arrays`, and these, each with whether it stands for a number."""
        dtypes = [x.dtype for x in self.arrays if type(x) is not float and x.dtype.kind == "f"]
        # A number takes the dtype of the arrays beside it, as it does in NumPy's operators.
        number = "float32" if dtypes and all(d.itemsize <= 4 for d in dtypes) else "float64"
        made: list[tuple[Tensor, bool]] = []
        args, kwargs = list(self._args), dict(self._kwargs)
        for k, (leaves, structure) in self._parts.items():
            own: list[Any] = []
            for path, x in zip(structure.paths(str(k)), leaves, strict=True):
                if is_array(x):
                    weak = type(x) is float
                    own.append(ctx.placeholder(f"argument {path}", [] if weak else list(x.shape), number if weak else known(x.dtype)))
                    made.append((own[-1], weak))
                else:
                    own.append(x)
            whole = pytree.unflatten(structure, own)
            if isinstance(k, str):
                kwargs[k] = whole
            else:
                args[k] = whole
        return args, kwargs, made


def is_array(x: Any) -> bool:
    """Whether each call may bring another value: arrays, NumPy's scalars, and Python's floats."""
    return type(x) is float or isinstance(x, (np.ndarray, np.generic))


def plain(x: Any) -> Any:
    """An array without what a subclass adds; what hides elements is refused, as everywhere."""
    cls: type = x.__class__
    if cls is np.ndarray or not issubclass(cls, np.ndarray):
        return x
    return Context().constant(x).eval() if hasattr(x, "mask") else np.asarray(x)


def value(x: Any, key: Key, structure: pytree.Structure, i: int) -> tuple[Any, Any]:
    """What a key has of an argument that belongs to the graph: numbers of two types are two values, though they are equal."""
    try:
        hash(x)
    except TypeError:
        path = structure.paths(str(key))[i]
        msg = f"jit: argument {path} is neither an array nor hashable. Got {type(x).__name__}; expected arrays, or a value to keep."
        raise DTypeError(f"{msg}\nhelp: `ag.register_pytree` makes containers of classes") from None
    return x.__class__, x


@overload
def jit(
    f: Callable[P, R], *, static_argnums: int | Iterable[int] = ..., static_argnames: Iterable[str] | str = ..., check: bool = ...
) -> Jit[P, R]: ...
@overload
def jit(
    f: None = None, *, static_argnums: int | Iterable[int] = ..., static_argnames: Iterable[str] | str = ..., check: bool = ...
) -> Callable[[Callable[P, R]], Jit[P, R]]: ...
def jit(
    f: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Iterable[int] = (),
    static_argnames: str | Iterable[str] = (),
    check: bool = False,
) -> Any:
    """`f` with a graph that is kept: its next call with arrays of the same dtypes and shapes runs it, and calls no Python.

    `f` is called with tensors, as by `value_and_grad`, once for each form of its arguments: their containers, the dtypes and shapes of
    arrays, and the values of everything else, which must be hashable. Python's floats stand for arrays without axes, of the floating
    dtype of the arrays beside them; its ints, bools and strings are values: another one traces `f` again. `static_argnums` and
    `static_argnames` make values of other arguments. `traces` counts. The latest 256 graphs are kept.

    What `f` reads from outside, and what it does beside its result, belongs to the trace: a global array is frozen, a `print` prints
    once. With `check`, each call traces `f` again and raises `GraphError` where the graph differs. Random draws are drawn in each call.

    Called with tensors, or while another function is traced, it is `f` itself. Threads may share it.

    >>> f = ag.jit(ag.value_and_grad(lambda x: (x * x).sum()))
    >>> f(np.array([1.0, 3.0])), f(np.array([2.0, 0.0])), f.traces
    ((np.float64(10.0), array([2., 6.])), (np.float64(4.0), array([4., 0.])), 1)
    """
    numbers = [static_argnums] if isinstance(static_argnums, int) else static_argnums
    names = [static_argnames] if isinstance(static_argnames, str) else static_argnames

    def made(f: Any) -> Jit[..., Any]:
        return Jit(function_of("jit", f), numbers, names, check)

    return made if f is None else made(f)
