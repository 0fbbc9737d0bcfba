"""Functions of arrays as graphs: what all transformations of functions share.

A function is called with tensors where its caller has arrays. Called with arrays, a transformed function opens a graph of its own,
evaluates and returns arrays. Called with tensors, or while another function is traced, it builds into that graph and returns tensors: so
transformations nest, and what is captured from a function outside is a tensor like any other.
"""

from __future__ import annotations

import contextlib
import reprlib
from collections.abc import Callable, Container, Generator, Iterable, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from . import pytree
from . import tensor_ops as T
from ._lib import Context, Tensor, _tracing
from .exceptions import DTypeError, ShapeError

#: An argument: its place, or its name.
Key: TypeAlias = int | str
#: A function of tensors: of arguments, keywords, and the placeholders that nothing else uses.
Traced: TypeAlias = Callable[[Sequence[Any], dict[str, Any], Container[Tensor]], Any]


def graph_of(*objects: Any) -> Context | None:
    """The graph that a call with these arguments builds into: that of a tensor among them, or of the function that is being traced."""
    for x in objects:
        # Most arguments are arrays.
        if x.__class__ is not np.ndarray:
            for leaf in pytree.leaves_of(x):
                if isinstance(leaf, Tensor):
                    return leaf.context
    return _tracing()


def function_of(op: str, f: Any) -> Callable[..., Any]:
    """`f`, which must be a function."""
    if not callable(f):
        msg = f"{op}: not a function. Got {reprlib.repr(f)}; expected a function of arrays."
        raise TypeError(msg)
    function: Callable[..., Any] = f
    return function


def chosen(op: str, argnums: int | Sequence[int] | None, argnames: str | Sequence[str] | None) -> tuple[list[Key], Callable[[Any], Any]]:
    """The keys of the chosen arguments, and what puts one thing for each in the form of the choice: a number or a name is one thing, a
    sequence of numbers a tuple, a sequence of names a dict, and numbers beside names are both in a tuple."""
    if argnums is None and argnames is None:
        argnums = 0
    keys: list[Key] = []
    for given, kind in (argnums, int), (argnames, str):
        if given is not None:
            several: Iterable[Any] = [given] if isinstance(given, (int, str)) else given
            keys += several
            if not all(isinstance(k, kind) for k in several):
                msg = f"{op}: an argument is chosen wrongly. Got {given!r}; expected {kind.__name__} or a sequence of {kind.__name__}."
                raise DTypeError(f"{msg}\nhelp: `argnums` are places, `argnames` are names")

    def first(things: Sequence[Any]) -> Any:
        return things[0]

    def formed(things: Sequence[Any]) -> Any:
        rest = iter(things)
        forms: list[Any] = []
        if argnums is not None:
            forms.append(next(rest) if isinstance(argnums, int) else tuple(next(rest) for _ in argnums))
        if argnames is not None:
            forms.append(next(rest) if isinstance(argnames, str) else {k: next(rest) for k in argnames})
        return forms[0] if len(forms) == 1 else tuple(forms)

    return keys, first if isinstance(argnums, int) and argnames is None else formed


def check_keys(op: str, keys: Sequence[Key], args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Raises unless there is an argument for each of the keys."""
    n = len(args)
    for k in keys:
        if k in kwargs if isinstance(k, str) else -n <= k < n:
            continue
        if isinstance(k, str):
            got, rule = f"argnames={k!r} for the keywords {sorted(kwargs)}", "the name of an argument that is given by keyword"
        else:
            got, rule = f"argnums={k} for {n} arguments", "an index of one"
        msg = f"{op}: there is no such argument. Got {got}; expected {rule}."
        raise ShapeError(msg)


def called(op: str, traced: Traced, keys: Sequence[Key], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The result of `traced`, a function of tensors, for these arguments: tensors in a graph, else arrays. In the arguments with the
    `keys` numbers become tensors too; in others, arrays alone."""
    check_keys(op, keys, args, kwargs)
    if graph_of(*args, *kwargs.values()) is not None:
        return traced(args, kwargs, {})
    n = len(args)
    with Context._of_function() as ctx:
        feeds: dict[Tensor, Any] = {}
        # A loop: in a small call the time of a comprehension, which is a function before Python 3.12, counts.
        given: list[Any] = []
        for i, x in enumerate(args):
            given.append(fed(op, ctx, str(i), x, feeds, i in keys or i - n in keys))
        named = {k: fed(op, ctx, k, x, feeds, k in keys) for k, x in kwargs.items()} if kwargs else kwargs
        return evaluated(ctx, traced(given, named, feeds), feeds)


def fed(op: str, ctx: Context, name: str, x: Any, feeds: dict[Tensor, Any], numbers: bool) -> Any:
    """`x` with placeholders for its arrays, and with `numbers` for every leaf, which must be floating. `feeds` gets their values."""
    if x.__class__ is np.ndarray:
        return opened(op, ctx, name, x, feeds, numbers)
    leaves, structure = pytree.flatten(x)
    if not numbers and not any(isinstance(leaf, np.ndarray) for leaf in leaves):
        return x
    made = [
        opened(op, ctx, path, leaf, feeds, numbers) if numbers or isinstance(leaf, np.ndarray) else leaf
        for path, leaf in zip(structure.paths(name), leaves, strict=True)
    ]
    return pytree.unflatten(structure, made)


def opened(op: str, ctx: Context, path: str, x: Any, feeds: dict[Tensor, Any], is_differentiated: bool) -> Tensor:
    """A placeholder for an array; `feeds` gets its value."""
    a = array(x)
    dtype = known(a.dtype)
    if is_differentiated and dtype != "float64":
        floating(op, path, a)
    t = ctx._argument(f"argument {path}", a, dtype)
    feeds[t] = a
    return t


def known(dtype: np.dtype[Any]) -> Any:
    """The dtype that arrays of this one come in with; others are refused where they come in."""
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64"
    if dtype.kind in "iu":
        return "int32" if dtype.itemsize < 4 or dtype == np.int32 else "int64"
    return dtype.newbyteorder("=")


def array(x: Any) -> Any:
    """`x` as an array of NumPy's; one with a mask keeps it, and is refused where it comes in."""
    return np.asanyarray(x)


def floating(op: str, path: str, x: Any) -> Any:
    """A leaf of an argument that is differentiated: an array of floats."""
    a = array(x)
    if a.dtype.kind != "f":
        msg = f"{op}: argument {path} is not floating. Got {a.dtype}; expected float32 or float64."
        raise DTypeError(f"{msg}\nhelp: convert it, as in `np.asarray(x, dtype=float)`")
    return a


class Variables:
    """Arguments of a traced function, with tensors of their own in place of the leaves of those that are differentiated: gradients
    with respect to these count the uses in this call, and no others of the same tensor or array."""

    #: The arguments.
    args: list[Any]
    kwargs: dict[str, Any]
    #: The leaves of the differentiated ones.
    leaves: list[Tensor]

    def __init__(self, op: str, keys: Sequence[Key], args: Sequence[Any], kwargs: dict[str, Any], fresh: Container[Tensor]) -> None:
        """There is an argument for each of the keys: `check_keys`."""
        self.args, self.kwargs, self.leaves = list(args), dict(kwargs), []
        self._structures: list[pytree.Structure] = []
        for k in keys:
            # One that is chosen twice is one argument, and was replaced already.
            x = self.kwargs[k] if isinstance(k, str) else self.args[k]
            if isinstance(x, Tensor) and x in fresh:
                # As it is most of the time.
                self.leaves.append(x)
                self._structures.append(pytree.LEAF)
                continue
            leaves, structure = pytree.flatten(x)
            own = [variable(op, path, leaf, fresh) for path, leaf in zip(structure.paths(str(k)), leaves, strict=True)]
            self.leaves += own
            self._structures.append(structure)
            made = pytree.unflatten(structure, own)
            if isinstance(k, str):
                self.kwargs[k] = made
            else:
                self.args[k] = made

    def formed(self, leaves: Sequence[Any]) -> list[Any]:
        """For each differentiated argument an object of its structure, with one of the `leaves` for each of its own."""
        made: list[Any] = []
        rest = iter(leaves)
        for s in self._structures:
            if s is pytree.LEAF:
                made.append(next(rest))
            else:
                made.append(pytree.unflatten(s, [next(rest) for _ in range(s.count())]))
        return made


def variable(op: str, path: str, x: Any, fresh: Container[Tensor]) -> Tensor:
    """A tensor that nothing else uses, of the value of `x`: itself if it is a `fresh` one."""
    if not isinstance(x, Tensor):
        return T.constant(floating(op, path, x))
    if x in fresh:
        return x
    if x.dtype.kind != "f":
        floating(op, path, np.empty(0, x.dtype))
    return T.identity(x)


def scalar(op: str, y: Any) -> Tensor:
    """The value of a function whose gradient is taken."""
    y = pytree.leaf(y)
    if type(y) in (int, float):
        return T.constant(float(y))
    if not isinstance(y, Tensor) or y.ndim != 0:
        msg = f"{op}: the function does not return a single number. Got {shown(y)}; expected a 0-d tensor."
        raise ShapeError(f"{msg}\nhelp: {'sum the result, for example' if isinstance(y, Tensor) else NO_TENSOR}")
    if y.dtype.kind != "f":
        msg = f"{op}: the function returns no floating tensor. Got {y!r}; expected float32 or float64."
        raise DTypeError(f"{msg}\nhelp: {NO_FLOAT}")
    return y


NO_FLOAT = "`has_aux=True` is for results that are not differentiated"
NO_TENSOR = "what is computed from an argument is a tensor; `T.constant(x)` makes one of an array that depends on none"


def shown(x: Any) -> str:
    """A result in a message: no numbers of arrays."""
    if not isinstance(x, np.ndarray):
        return reprlib.repr(x)
    a = cast("NDArray[Any]", x)
    return f"<ndarray shape={a.shape} dtype={a.dtype}>"


def results(op: str, y: Any) -> tuple[list[Tensor], pytree.Structure]:
    """The leaves of a result that is differentiated, and its structure."""
    leaves, structure = pytree.flatten(y)
    made: list[Tensor] = []
    for path, leaf in zip(structure.paths(), leaves, strict=True):
        where = f" at {path}" if path else ""
        if type(leaf) in (int, float):
            leaf = T.constant(float(leaf))
        if not isinstance(leaf, Tensor):
            msg = f"{op}: the function returns what is no tensor{where}. Got {shown(leaf)}; expected a tensor."
            raise DTypeError(f"{msg}\nhelp: {NO_TENSOR}")
        if leaf.dtype.kind != "f":
            msg = f"{op}: the function returns no floating tensor{where}. Got {leaf!r}; expected float32 or float64."
            raise DTypeError(f"{msg}\nhelp: {NO_FLOAT}")
        made.append(leaf)
    return made, structure


def split(op: str, y: Any, has_aux: bool) -> tuple[Any, Any]:
    """What a function returns, and what it returns beside it."""
    if not has_aux:
        return y, None
    structure = pytree.flatten(y)[1]
    if structure.cls is not tuple or len(structure.parts) != 2:
        msg = f"{op}: the function does not return a pair. Got {shown(y)}; expected (value, auxiliary result), as has_aux=True says."
        raise ShapeError(msg)
    value, aux = y
    return value, aux


def evaluated(ctx: Context, result: Any, feeds: dict[Tensor, Any]) -> Any:
    """`result` with the values of its tensors: arrays, and NumPy's scalars where they have one element and no axis."""
    leaves, structure = pytree.flatten(result)
    places: list[int] = []
    tensors: list[Tensor] = []
    for i, x in enumerate(leaves):
        if isinstance(x, Tensor):
            places.append(i)
            tensors.append(x)
    for i, v in zip(places, ctx.eval(tensors, feeds), strict=True):
        leaves[i] = v if v.ndim else v[()]
    return pytree.unflatten(structure, leaves)


def alike(op: str, name: str, x: Any, like: Any) -> list[Any]:
    """The leaves of `x`, which has the structure of `like`: tensors and arrays of floats, in the shapes of its leaves."""
    (leaves, structure), (models, expected) = pytree.flatten(x), pytree.flatten(like)
    if structure != expected:
        msg = f"{op}: {name} has another structure. Got {structure!r}; expected {expected!r}, where * is an array."
        raise ShapeError(msg)
    made: list[Any] = []
    for path, leaf, model in zip(structure.paths(), leaves, models, strict=True):
        own = leaf if isinstance(leaf, Tensor) else floating(op, f"{name}{path}", leaf)
        if own.shape != model.shape:
            msg = f"{op}: {name}{path} has another shape. Got {own.shape}; expected {model.shape}."
            raise ShapeError(msg)
        made.append(own)
    return made


def cotangents(op: str, name: str, x: Any, like: Any) -> list[Tensor]:
    """`alike` as tensors of the dtypes of `like`."""
    models = pytree.flatten(like)[0]
    return [T.cast(leaf, model.dtype) for leaf, model in zip(alike(op, name, x, like), models, strict=True)]


@contextlib.contextmanager
def building(ctx: Context) -> Generator[None]:
    """What is built in this block goes into `ctx`, which stays open."""
    ctx.__enter__()
    try:
        yield
    finally:
        ctx._leave()
