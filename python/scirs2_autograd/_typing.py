"""Types of arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ._lib import Filled, Tensor

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
