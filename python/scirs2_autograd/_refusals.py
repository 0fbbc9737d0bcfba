"""What a tensor does not do: each message says what to write instead. Imported for the first of them."""

from __future__ import annotations

import reprlib
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from ._elsewhere import ATTRIBUTES, PACKAGE, advice, code
from ._lib import Tensor, _closest

#: Functions of NumPy that read shape and dtype, or index, and do nothing else: they are right for tensors as they are.
LOOKS = {
    "can_cast", "common_type", "diag_indices_from", "iscomplexobj", "isrealobj", "ndim", "result_type", "rollaxis", "shape", "size",
    "tril_indices_from", "triu_indices_from",
}  # fmt: skip

#: Operators of Python that tensors do not have, by the name of NumPy's function.
SYMBOLS = {"left_shift": "<<", "right_shift": ">>"}
#: Those of Python's in-place operators that NumPy's arrays have.
IN_PLACE = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@", "bitwise_and": "&",
    "bitwise_or": "|", "bitwise_xor": "^", "floor_divide": "//", "remainder": "%",
} | SYMBOLS  # fmt: skip
#: Attributes and methods of tensors.
NAMES = [name for name in dir(Tensor) if not name.startswith("_")]


def shown(x: Any) -> str:
    """An operand in a message: no numbers of arrays."""
    if isinstance(x, np.ndarray):
        a = cast("NDArray[Any]", x)
        return f"<ndarray shape={a.shape} dtype={a.dtype}>"
    return repr(x) if isinstance(x, Tensor) else reprlib.repr(x)


def no_operator(name: str, operands: tuple[Any, ...]) -> NoReturn:
    """An operator that tensors do not have, by the name of NumPy's function."""
    call = f" {SYMBOLS[name]} ".join(shown(x) for x in operands)
    msg = f"{name}: tensors have no such operation. Got {call}; expected one that `dir(T)` lists."
    raise TypeError(f"{msg}\nhelp: {advice(name)}")


def no_attribute(t: Tensor, name: str, of_function: bool) -> NoReturn:
    """An attribute that tensors do not have. With `of_function`, nothing can be evaluated yet."""
    msg = f'tensor: there is no such attribute. Got "{name}" of {t!r}; expected one that `dir(t)` lists.'
    if name in ATTRIBUTES:
        hint = f"write `{ATTRIBUTES[name]}`"
        if ".eval(" in hint and of_function:
            hint = "write `T.where` or `T.cond` where values decide: there are no values before the function has returned"
    elif name.endswith("_"):
        hint = "a tensor never changes: write `x = x + y`"
    elif (written := code(name)) is not None:
        hint = f"write {written.replace('`T.' + name + '`', f'`T.{name}(x)`')}"
    else:
        near = _closest(name, NAMES)
        hint = f'did you mean "{near}"?' if near else "`help(ag.Tensor)` has what tensors do, `help(T)` the functions of tensors"
    raise AttributeError(f"{msg}\nhelp: {hint}")


def no_function(name: str) -> AttributeError:
    """The error for a name that `tensor_ops` does not have."""
    msg = f'tensor_ops: there is no such function. Got "{name}"; expected one that `dir(T)` lists.'
    return AttributeError(f"{msg}\nhelp: {advice(name)}")


def no_name(name: str, names: list[str]) -> AttributeError:
    """The error for a name that the package does not have beside its `names`."""
    msg = f'scirs2_autograd: there is no such name. Got "{name}"; expected one that `dir(ag)` lists.'
    near = _closest(name, names)
    if name in PACKAGE:
        hint = f"write `{PACKAGE[name]}`"
    elif near and code(name) is None:
        hint = f'did you mean "{near}"?'
    else:
        hint = f"{advice(name)}; the functions are in `from scirs2_autograd import tensor_ops as T`"
    return AttributeError(f"{msg}\nhelp: {hint}")
