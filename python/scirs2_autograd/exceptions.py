"""What can go wrong, each with the built-in exception that programs already catch.

A value outside of an operation's domain is a plain `ValueError`, no memory a `MemoryError`, endless recursion through custom operations
or hooks a `RecursionError`, and what the operating system refuses an `OSError` or its subclass.

Messages have one form: ``op: what is wrong. Got <values>; expected <rule>.``, and a line ``help: ...`` when a person can act.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "AutogradError",
    "DTypeError",
    "FeedError",
    "FormatError",
    "GraphError",
    "LinAlgError",
    "NotDifferentiableError",
    "ShapeError",
    "VariableError",
]


class AutogradError(Exception):
    """Base of the exceptions of this package."""


class ShapeError(AutogradError, ValueError):
    """Shapes or axes do not fit."""


class DTypeError(AutogradError, TypeError):
    """A dtype is not accepted, or a cast would lose information."""


class FeedError(AutogradError, KeyError):
    """A feed is missing, or contradicts its placeholder."""

    def __str__(self) -> str:
        return Exception.__str__(self)


class VariableError(AutogradError, KeyError):
    """A variable is unknown, or cannot be written."""

    def __str__(self) -> str:
        return Exception.__str__(self)


class GraphError(AutogradError, RuntimeError):
    """A graph is used wrongly: two graphs mixed, a closed context."""


class FormatError(AutogradError, ValueError):
    """A file is not what it claims to be."""


class NotDifferentiableError(AutogradError, TypeError):
    """A gradient was asked for that does not exist."""


class LinAlgError(AutogradError, np.linalg.LinAlgError):
    """A factorisation failed."""
