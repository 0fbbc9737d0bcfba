"""Values that are computed at once: arrays with NumPy's look.

What has a tensor among its operands builds graph, and what has none is computed: by functions of `T` outside of contexts, by NumPy's
functions, operators and methods on an `Array` everywhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np

from . import tensor_ops
from ._lib import Filled, Tensor, _at_once, _compute, _operate, _row
from ._numpy_calls import call_function, call_ufunc, elementwise, serves
from ._refusals import shown
from .pytree import leaf

if TYPE_CHECKING:
    from ._typing import DTypeLike, TensorLike

__all__ = ["Array", "array"]

#: The dtypes that values have.
DTYPES = {np.dtype(name) for name in ("bool", "int32", "int64", "float32", "float64")}
#: Functions of NumPy's that copy nothing: what they return is a view, which no kernel is faster than.
VIEWS: set[Any] = {
    getattr(module, name)
    for module, names in (
        (np, "array_split atleast_1d atleast_2d atleast_3d broadcast_arrays broadcast_to diagonal expand_dims flip fliplr flipud hsplit"),
        (np, "matrix_transpose moveaxis permute_dims ravel reshape rot90 split squeeze swapaxes transpose unstack vsplit"),
        (np.linalg, "diagonal matrix_transpose"),
    )
    for name in names.split()
    # `unstack` is not as old as the others.
    if hasattr(module, name)
}
#: What `reduce` of a universal function is.
REDUCED: dict[Any, Any] = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
#: What our functions raise where they do less than NumPy's: then NumPy computes, or says what is wrong.
REFUSED = (TypeError, ValueError)
#: Methods that are called as NumPy's functions of the same names.
METHODS = (
    "all", "any", "argmax", "argmin", "argsort", "clip", "cumprod", "cumsum", "dot", "max", "mean", "min", "prod", "repeat", "round",
    "std", "sum", "take", "trace", "var",
)  # fmt: skip
#: By the names of Python's operators the row and NumPy's function.
BINARY: dict[str, tuple[str, Any]] = {
    "add": ("add", np.add), "sub": ("sub", np.subtract), "mul": ("mul", np.multiply), "truediv": ("div", np.true_divide),
    "floordiv": ("floor_divide", np.floor_divide), "mod": ("remainder", np.remainder), "divmod": ("divmod", np.divmod),
    "pow": ("pow", np.power), "matmul": ("matmul", np.matmul), "and": ("bitwise_and", np.bitwise_and),
    "or": ("bitwise_or", np.bitwise_or), "xor": ("bitwise_xor", np.bitwise_xor),
}  # fmt: skip
COMPARISONS: dict[str, tuple[str, Any]] = {
    "lt": ("less", np.less), "le": ("less_equal", np.less_equal), "eq": ("equal", np.equal), "ne": ("not_equal", np.not_equal),
    "gt": ("greater", np.greater), "ge": ("greater_equal", np.greater_equal),
}  # fmt: skip
UNARY: dict[str, tuple[str, Any]] = {"neg": ("neg", np.negative), "abs": ("abs", np.abs), "invert": ("bitwise_not", np.invert)}


class Array(np.ndarray[Any, np.dtype[Any]]):
    """A value: an array of NumPy's that is computed with by the kernels of this package, and that never changes.

    It is what `ag.array(x)` and functions of `T` outside of contexts return. NumPy's functions on it, its operators and its methods
    compute at once and remember nothing; what has no row is computed by NumPy. With a tensor beside it they build graph. One that has no
    axes is a scalar of NumPy's. `x += y` makes another array, and `x[i] = y` is refused: `x.at[i].set(y)` is a copy with the change,
    and `np.array(x)` an array that may be written.

    >>> x = ag.array([1.0, 4.0])
    >>> np.sqrt(x) + 1.0
    Array([2., 3.])
    >>> x.at[0].set(9.0), x.sum()
    (Array([9., 4.]), np.float64(5.0))
    """

    __slots__ = ()
    __hash__ = None
    if TYPE_CHECKING:
        # Methods of tensors that NumPy's arrays have not.
        abs: Callable[..., Any]
        equal: Callable[..., Any]
        exp: Callable[..., Any]
        expand_dims: Callable[..., Any]
        frobenius_norm: Callable[..., Any]
        greater: Callable[..., Any]
        greater_equal: Callable[..., Any]
        less: Callable[..., Any]
        less_equal: Callable[..., Any]
        log: Callable[..., Any]
        logsumexp: Callable[..., Any]
        median: Callable[..., Any]
        not_equal: Callable[..., Any]
        quantile: Callable[..., Any]
        register_hook: Callable[..., Any]
        scalar_mul: Callable[..., Any]
        show: Callable[..., Any]
        sqrt: Callable[..., Any]
        square: Callable[..., Any]
        topk: Callable[..., Any]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "at" and isinstance(inputs[0], Array):
            # NumPy would write what may not be written.
            no_change(f"np.{ufunc.__name__}.at", f"{shown(inputs[0])}")
        try:
            if method == "__call__" and not options and ufunc in ROWS:
                return _compute(ROWS[ufunc], inputs, ())
            if method == "reduce" and ufunc in REDUCED and options.keys() <= {"axis", "keepdims"} and self.ndim > 0:
                return by_table(REDUCED[ufunc], self, inputs, {"axis": 0} | options)
            if options.get("out") is None:
                return _at_once(call_ufunc, (ufunc, method, inputs, options))
        except REFUSED:
            pass
        return by_numpy(getattr(ufunc, method), inputs, options)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func not in VIEWS and serves(func):
            return by_table(func, self, args, kwargs)
        return by_numpy(func, args, kwargs)

    def __new__(cls, *args: Any, **_: Any) -> NoReturn:
        # NumPy's own would be a shape full of whatever was in memory.
        msg = f"Array: it is not called. Got {', '.join(shown(x) for x in args)}; expected what `ag.array` returns."
        raise TypeError(f"{msg}\nhelp: write `ag.array(x)`")

    def __round__(self, ndigits: int | None = None) -> Any:
        return _at_once(tensor_ops.round, (self, ndigits or 0))

    def __floor__(self) -> Any:
        return _at_once(tensor_ops.floor, (self,))

    def __ceil__(self) -> Any:
        return _at_once(tensor_ops.ceil, (self,))

    def __trunc__(self) -> Any:
        return _at_once(tensor_ops.trunc, (self,))

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        no_change("setitem", f"x[{shown(index)}] = {shown(value)}")

    @property
    def at(self) -> At:
        """What makes changed copies: `x.at[index].set(values)`, and `add`, `mul`, `min`, `max`.

        >>> ag.array([1.0, 2.0, 3.0]).at[[0, 2, 0]].add([10.0, 20.0, 30.0])
        Array([41.,  2., 23.])
        """
        return At(self)

    def __getattr__(self, name: str) -> Any:
        msg = f"'Array' object has no attribute '{name}'"
        if name in ("eval", "grad"):
            msg = f'array: a value remembers nothing. Got "{name}" of {shown(self)}; expected an attribute that `dir(x)` lists.'
            hint = "it is evaluated already" if name == "eval" else "`ag.grad(f)(x)` is the gradient of a function"
            msg = f"{msg}\nhelp: {hint}"
        raise AttributeError(msg)


def no_change(op: str, got: str) -> NoReturn:
    msg = f"{op}: an array of this package never changes. Got {got}; expected an expression that makes another."
    raise TypeError(f"{msg}\nhelp: write `x = x.at[index].set(values)`; `np.array(x)` is an array that may be written")


class At:
    """Makes copies of a value with a part changed: `x.at[index]` names the part, as `x[index]` does."""

    __slots__ = ("_array",)

    def __init__(self, array: Array) -> None:
        self._array = array

    def __getitem__(self, index: Any) -> Place:
        return Place(self._array, index)

    def __repr__(self) -> str:
        return f"{shown(self._array)}.at"


class Place:
    """A part of a value, for copies in which it is changed. With a tensor for the values or in the index, the copy is a tensor."""

    __slots__ = ("_array", "_index")

    _array: Array
    _index: Any

    def __init__(self, array: Array, index: Any) -> None:
        self._array, self._index = array, index

    def _changed(self, name: str, values: Any, write: Callable[[Any, Any, Any], object]) -> Any:
        index: Any = self._index
        items: Any = index if index.__class__ is tuple else (index,)
        for t in (values, *items):
            if isinstance(t, Tensor):
                return getattr(t.context.constant(self._array).at[index], name)(values)
        dtype = self._array.dtype
        given: Any
        if values.__class__ is float and dtype.kind == "f":
            given = values
        else:
            given = values if values.__class__ in (bool, int, float) else np.asarray(values)
            dtype = np.result_type(dtype, given)
        y = np.array(self._array, dtype)
        write(y, index, given)
        return own(y)

    def set(self, values: TensorLike) -> Any:
        """A copy with the values in the part; of several for one element the last one stays.

        >>> ag.array([1.0, 2.0, 3.0]).at[1:].set(0.0)
        Array([1., 0., 0.])
        """
        return self._changed("set", values, np.ndarray.__setitem__)

    def add(self, values: TensorLike) -> Any:
        """A copy with the values added to the part; several for one element are all added."""
        return self._changed("add", values, np.add.at)

    def mul(self, values: TensorLike) -> Any:
        """A copy with the part multiplied by the values, by all of several for one element."""
        return self._changed("mul", values, np.multiply.at)

    multiply = mul

    def min(self, values: TensorLike) -> Any:
        """A copy with the smaller of the part and the values, or NaN."""
        return self._changed("min", values, np.minimum.at)

    def max(self, values: TensorLike) -> Any:
        """A copy with the larger of the part and the values, or NaN."""
        return self._changed("max", values, np.maximum.at)


def array(x: TensorLike, dtype: DTypeLike | None = None) -> Any:
    """`x` as a value that NumPy's functions, operators and methods compute with at once: an `Array`, which is a copy. A tensor stays one.

    `x` is an array, a number, or nested lists; small integers become `int32`, half precision `float32`. The dtype is bool, int32, int64,
    float32 or float64; others raise `DTypeError`.

    >>> ag.array([[1, 2], [3, 4]]) @ ag.array([1, 1])
    Array([3, 7])
    >>> ag.grad(lambda x: np.sum(ag.array(x) ** 2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    x = leaf(x)
    if not isinstance(x, Tensor):
        y = _compute(_IDENTITY, (x,), ())
        # Without axes it would be a scalar, which is computed with by NumPy alone.
        x = y if isinstance(y, Array) else own(np.asarray(y))
    if dtype is None:
        return x
    y = x.astype(dtype) if isinstance(x, Tensor) else _compute(_CAST, (x,), (dtype,))
    return y if isinstance(y, (Array, Tensor)) else own(np.asarray(y))


def own(y: Any) -> Array:
    """A new array of NumPy's as a value."""
    x: Array = y.view(Array)
    x.setflags(write=False)
    return x


def plain(x: Any) -> Any:
    """`x` with arrays of NumPy's in place of values."""
    if isinstance(x, Array):
        return x.view(np.ndarray)
    if isinstance(x, Filled):
        return plain(array(x))
    if isinstance(x, dict):
        named = cast("dict[str, Any]", x)
        return {k: plain(y) for k, y in named.items()}
    if x.__class__ in (tuple, list):
        several: Any = x
        made: Any = [plain(y) for y in several]
        return made if x.__class__ is list else tuple(made)
    return x


def by_table(f: Callable[..., Any], x: Array, args: Any, options: dict[str, Any]) -> Any:
    """What the function of tensors that stands for one of NumPy's computes; what it does not do, NumPy does."""
    if options.get("out") is None:
        try:
            return _at_once(call_function, (f, x, args, options))
        except REFUSED:
            pass
    return by_numpy(f, args, options)


def by_numpy(f: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    """What a function of NumPy's returns: values, unless it has written into arrays that it was given."""
    y = f(*plain(args), **plain(options))
    return of_numpy(y) if options.get("out") is None else y


def of_numpy(y: Any) -> Any:
    """What a function of NumPy's returns, with values in place of the arrays that can be."""
    if y.__class__ is np.ndarray:
        return own(y) if y.dtype in DTYPES and y.ndim else y
    cls: Any = y.__class__
    if cls is list or issubclass(cls, tuple):
        parts = [of_numpy(x) for x in y]
        # A class such as that of a factorisation takes its parts one by one.
        return cast("Any", cls(parts) if cls in (tuple, list) else cls(*parts))
    return y


def _rows_of_ufuncs() -> dict[Any, Any]:
    """The rows that are all that a function of tensors does for a universal function."""
    made: dict[Any, Any] = {}
    for f, own in elementwise.items():
        # A function that is written by hand, or has another name than its row, is called.
        with contextlib.suppress(KeyError):
            if own.__module__ == tensor_ops.__name__ and own.__code__.co_argcount == f.nin:
                made[f] = _row(own.__name__)
    return made


ROWS = _rows_of_ufuncs()
_IDENTITY, _CAST = _row("identity"), _row("cast")


def _binary(row: str, theirs: Callable[[Any, Any], Any], reflected: bool = False) -> Callable[..., Any]:
    """An operator of two operands, `self` the right one if it is reflected."""
    own_row = _row(row)

    def operator(self: Any, other: Any) -> Any:
        try:
            return _operate(own_row, self, other, reflected)
        except TypeError:
            # Operands that tensors cannot be, as complex numbers: NumPy says what it is.
            pass
        a, b = (other, self) if reflected else (self, other)
        return of_numpy(theirs(plain(a), plain(b)))

    return operator


def _without_modulus(power: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def operator(self: Any, other: Any, mod: None = None) -> Any:
        return power(self, other) if mod is None else NotImplemented

    return operator


def _unary(row: str, theirs: Callable[[Any], Any]) -> Callable[..., Any]:
    own_row = _row(row)

    def operator(self: Any) -> Any:
        try:
            return _compute(own_row, (self,), ())
        except TypeError:
            pass
        return of_numpy(theirs(plain(self)))

    return operator


def _operators() -> dict[str, Callable[..., Any]]:
    """Python's operators."""
    made: dict[str, Callable[..., Any]] = {}
    for name, (row, theirs) in BINARY.items():
        made |= {f"__{name}__": _binary(row, theirs), f"__r{name}__": _binary(row, theirs, reflected=True)}
        if name != "divmod":
            # `x += y` binds the name to another array, as it does for tensors.
            made[f"__i{name}__"] = _binary(row, theirs)
    for name in ("__pow__", "__rpow__"):
        made[name] = _without_modulus(made[name])
    made |= {f"__{name}__": _binary(row, theirs) for name, (row, theirs) in COMPARISONS.items()}
    return made | {f"__{name}__": _unary(row, theirs) for name, (row, theirs) in UNARY.items()}


def _method(f: Any) -> Callable[..., Any]:
    """A method that is called as a function of NumPy's."""

    def method(self: Array, *args: Any, **options: Any) -> Any:
        return by_table(f, self, (self, *args), options)

    return method


def _of_tensors(f: Callable[..., Any]) -> Callable[..., Any]:
    """A method that tensors have and NumPy's arrays have not."""

    def method(self: Array, *args: Any, **options: Any) -> Any:
        return _at_once(f, (self, *args), options)

    return method


def _astype(self: Array, dtype: Any, *args: Any, **options: Any) -> Any:
    """A copy in another dtype; one that tensors cannot have makes it an array of NumPy's.

    >>> ag.array([1.5, 2.5]).astype("float32").dtype
    dtype('float32')
    """
    return of_numpy(plain(self).astype(dtype, *args, **options))


def _copy(self: Array, order: Any = "C") -> Any:
    """An array of NumPy's, which may be written.

    >>> y = ag.array([1.0, 2.0]).copy()
    >>> y[0] = 5.0
    >>> y
    array([5., 2.])
    """
    return plain(self).copy(order)


def _attach() -> None:
    """Gives the classes of values their operators and methods."""
    named = {name: _method(getattr(np, name)) for name in METHODS}
    ours = {name: f for name, f in vars(Tensor).items() if not name.startswith("_") and callable(f) and hasattr(f, "__code__")}
    named |= {name: _of_tensors(f) for name, f in ours.items() if not hasattr(np.ndarray, name)}
    for name, f in named.items():
        f.__doc__ = getattr(Tensor, name).__doc__
    named |= {"astype": _astype, "copy": _copy}
    for cls, members in (Array, named | _operators()), (Filled, _operators()):
        for name, f in members.items():
            f.__name__, f.__qualname__ = name, f"{cls.__name__}.{name}"
            setattr(cls, name, f)
    # A shape full of a number is an array for all that is not asked of its dtype.
    filled: Any = Filled
    for name in ("__array_ufunc__", "__array_function__"):
        setattr(Filled, name, _of_array(name))
    filled.__getitem__ = _item
    for name, f in (("__len__", len), ("__iter__", iter), ("__float__", float), ("__int__", int), ("__bool__", bool)):
        setattr(Filled, name, _by(f))
    filled.__array__ = _as_array
    filled.__getattr__ = _attribute


def _of_array(name: str) -> Callable[..., Any]:
    def method(self: Filled, *args: Any, **options: Any) -> Any:
        return getattr(array(self), name)(*args, **options)

    return method


def _by(f: Callable[[Any], Any]) -> Callable[[Filled], Any]:
    def method(self: Filled) -> Any:
        return f(array(self))

    return method


def _item(self: Filled, index: Any) -> Any:
    return array(self)[index]


def _as_array(self: Filled, dtype: Any = None, copy: bool | None = None) -> Any:
    if copy is False:
        msg = f"array: a shape full of a number has no memory of its own. Got copy=False for {self!r}; expected copy=None or copy=True."
        raise ValueError(msg)
    return np.array(plain(array(self)), dtype)


def _attribute(self: Filled, name: str) -> Any:
    # What protocols ask for is not there, and costs no array.
    if name.startswith("_"):
        raise AttributeError(f"'Filled' object has no attribute '{name}'")
    return getattr(array(self), name)


_attach()
