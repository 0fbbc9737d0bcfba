"""Types of arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ._lib import Candidate, Feeder, Filled, Policy, Tensor, VariableID

#: A tensor, a number that takes the dtype beside it, or an array that becomes a constant.
TensorLike: TypeAlias = Tensor | Filled | ArrayLike
#: A length or a sequence of lengths.
Shape: TypeAlias = int | Sequence[int]
#: None for all axes, an axis, or several.
Axes: TypeAlias = int | Sequence[int] | None
#: A dtype, its name, or its scalar type.
DTypeLike: TypeAlias = str | type[Any] | np.dtype[Any]
#: An index of one axis.
Index: TypeAlias = SupportsIndex | slice | Any | None
#: Arrays for placeholders, which are given by themselves or by name.
Feeds: TypeAlias = Mapping[Tensor, ArrayLike] | Mapping[str, ArrayLike] | Mapping[Tensor | str, ArrayLike] | Feeder
#: Which values gradients keep: a policy, or a function that says it of a value.
PolicyLike: TypeAlias = Policy | Callable[[Candidate], bool]
#: A variable: by id, by name in the default namespace, or by namespace and name.
VariableKey: TypeAlias = VariableID | str | tuple[str, str]
#: The name of a file.
Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
