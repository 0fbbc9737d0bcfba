"""What stands in for a tensor where a function asks for an array of any class, as with `np.asanyarray(t)`.

Such a function is ready for subclasses of NumPy's arrays that do everything in their own way. The one here hands on to its tensor
whatever is done to it, so that results are tensors again. NumPy's C code, which knows no tensors, finds an object array whose memory is
one guard: where somebody strips the class off, as `np.asarray` does, the first look at an element is the tensor's own error.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from . import pytree
from ._lib import Tensor


def no_array(t: Tensor) -> NoReturn:
    """The error for an array of numbers: functions that do not say `asanyarray`, such as this one, get it."""
    t.__array__()
    msg = "a tensor has an array"
    raise AssertionError(msg)


# The guard

#: Operators of two operands, as they are written.
_SIGNS = {
    "add": "+", "and": "&", "floordiv": "//", "lshift": "<<", "matmul": "@", "mod": "%", "mul": "*", "or": "|", "pow": "**",
    "rshift": ">>", "sub": "-", "truediv": "/", "xor": "^",
}  # fmt: skip
_BINARY = " ".join(["divmod", *_SIGNS])
#: What a guard refuses, beside operators, comparisons and attributes. It has no items: of a sequence NumPy says something else.
_LOOKS = """array array_function array_ufunc bool bytes call ceil complex contains copy deepcopy float floor format hash index int iter len
reduce reduce_ex reversed round setattr str trunc"""
_COMPARISONS = "eq ge gt le lt ne"
_UNARY = "abs invert neg pos"


class _Guard:
    """The one element of a stand-in's memory: whatever is done to it is the error of its tensor."""

    __slots__ = ("tensor",)
    tensor: Tensor

    def __init__(self, t: Tensor) -> None:
        object.__setattr__(self, "tensor", t)

    def __repr__(self) -> str:
        return f"<no value of {self.tensor!r}>"

    def __getattr__(self, name: str) -> _Guard:
        """NumPy's functions on objects call methods of their names: what is found here refuses the call."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self


def _refusing(self: _Guard, *_: object, **__: object) -> NoReturn:
    no_array(self.tensor)


def _dunder(names: str, prefix: str = "") -> list[str]:
    return [f"__{prefix}{name}__" for name in names.split()]


_GUARDED = [
    *_dunder(_BINARY), *_dunder(_BINARY, "r"), *_dunder(_BINARY, "i"), *_dunder(_LOOKS), *_dunder(_COMPARISONS), *_dunder(_UNARY),
]  # fmt: skip
#: The class of guards.
Guard: Any = type("Guard", (_Guard,), {"__slots__": (), **dict.fromkeys(_GUARDED, _refusing)})


def none_in(a: NDArray[Any]) -> None:
    """Raises the error of a tensor whose guard is in `a`."""
    for x in a.flat if a.dtype == object else ():
        if type(x) is Guard:
            no_array(x.tensor)


# The stand-in


def stand_in(t: Tensor) -> Any:
    """What stands in for `t` in the function that runs, if `t` is one of its variables: `np.asanyarray([t, u])` asks each of them, and
    an array of tensors is refused at once."""
    frame = inspect.currentframe()
    caller = None if frame is None else frame.f_back
    if caller is None or not any(x is t for x in caller.f_locals.values()):
        no_array(t)
    return _made(t)


def _made(t: Tensor) -> Any:
    cell: NDArray[Any] = np.empty((), object)
    cell[()] = Guard(t)
    made: Any = np.broadcast_to(cell, cast("tuple[int, ...]", t.shape)).view(StandIn)
    object.__setattr__(made, "_tensor", t)
    return made


#: The tensor of a stand-in.
tensor_of: Callable[[Any], Tensor] = operator.attrgetter("_tensor")


class _StandIn(np.ndarray[Any, np.dtype[Any]]):
    """An array in name: what is done to it is done to its tensor."""

    __slots__ = ("_tensor",)
    _tensor: Tensor

    def __array_finalize__(self, obj: NDArray[Any] | None, /) -> None:
        # C code that moves the elements, as in a transposition, makes no other tensor of them.
        if type(obj) is not np.ndarray:
            for guard in np.asarray(obj).flat:
                no_array(guard.tensor)

    def __getattribute__(self, name: str) -> Any:
        if name in ("_tensor", "astype") or name.startswith("__"):
            return super().__getattribute__(name)
        return getattr(self._tensor, name)

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Any:
        """The tensor in another dtype."""
        return self if dtype is PROMOTED else self._tensor.astype(dtype, *args, **options)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(*_own(inputs), **_own(options))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        y: Any = function(*_own(args), **_own(options))
        if function is np.result_type and _is_promotion(y, args):
            return PROMOTED
        return _made(y) if function is np.broadcast_to and options.get("subok") else y


def _is_promotion(dtype: np.dtype[Any], operands: tuple[Any, ...]) -> bool:
    """Whether SciPy's `xp_promote` asks for the common `dtype` of arrays that all have it. It casts them to the answer in C, which would
    read them although there is nothing to cast."""
    if not all(tensor_of(x).dtype == dtype if type(x) is StandIn else type(x) in (bool, int, float) for x in operands):
        return False
    frame, names = inspect.currentframe(), list[str]()
    while frame is not None and len(names) < 4:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names[2:] == ["xp_result_type", "xp_promote"]


def _own(x: Any) -> Any:
    """Arguments with tensors for what stands in for them."""
    if isinstance(x, (list, tuple)):
        items = [_own(y) for y in cast("Any", x)]
        return items if isinstance(x, list) else tuple(items)
    if isinstance(x, dict):
        return {name: _own(y) for name, y in cast("Any", x).items()}
    return pytree.leaf(x)


def _operator(f: Callable[[Any, Any], Any], reflected: bool = False) -> Callable[[_StandIn, Any], Any]:
    def applied(self: _StandIn, other: Any, *_: object) -> Any:
        pair = tensor_of(self), pytree.leaf(other)
        return f(*reversed(pair)) if reflected else f(*pair)

    return applied


def _handed_on(name: str) -> Callable[..., Any]:
    def method(self: _StandIn, *args: Any, **options: Any) -> Any:
        return getattr(tensor_of(self), name)(*args, **options)

    return method


def _changing(name: str, sign: str) -> Callable[[_StandIn, Any], NoReturn]:
    def refused(self: _StandIn, other: object) -> NoReturn:
        # The caller's array would change with it: a new tensor would be seen here alone.
        msg = f"{name}: a tensor never changes. Got {tensor_of(self)!r}; expected an expression that makes another tensor."
        raise TypeError(f"{msg}\nhelp: write `x = x {sign} y` for `x {sign}= y`")

    return refused


def _unseen(self: _StandIn, *_: object, **__: object) -> NoReturn:
    no_array(tensor_of(self))


def _absent(self: _StandIn) -> NoReturn:
    raise AttributeError("the memory of a tensor")


def _methods() -> dict[str, Any]:
    """All that arrays do."""
    made: dict[str, Any] = {}
    for name in _BINARY.split():
        f: Any = divmod if name == "divmod" else getattr(operator, f"__{name}__")
        made[f"__{name}__"], made[f"__r{name}__"] = _operator(f), _operator(f, reflected=True)
    made |= {f"__i{name}__": _changing(f"i{name}", sign) for name, sign in _SIGNS.items()}
    made |= {name: _operator(getattr(operator, name)) for name in _dunder(_COMPARISONS)}
    handed_on = "array bool ceil complex contains copy deepcopy delattr delitem dir float floor format getitem index int iter len"
    handed_on += " reduce reduce_ex repr round setattr setitem str trunc"
    made |= {name: _handed_on(name) for name in (*_dunder(_UNARY), *_dunder(handed_on))}
    made |= dict.fromkeys(_dunder("array_wrap buffer bytes dlpack dlpack_device setstate"), _unseen)
    made |= dict.fromkeys(_dunder("array_interface array_struct"), property(_absent))
    # As arrays.
    return made | {"__hash__": None}


#: The class of what stands in for tensors.
StandIn: Any = type("StandIn", (_StandIn,), {"__slots__": (), **_methods()})
#: The dtype of the memory, by which an array of this dtype is what `np.asanyarray` gives back as it is.
PROMOTED = np.dtype(object)

pytree.stands_in(StandIn)
