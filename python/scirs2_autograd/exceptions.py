"""What can go wrong, each with the built-in exception that programs already catch.

A value outside of an operation's domain is a plain `ValueError`, no memory a `MemoryError`, and endless recursion through custom
operations or hooks a `RecursionError`.

Messages have one form: ``op: what is wrong. Got <values>; expected <rule>.``, and a line ``help: ...`` when a person can act.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "AutogradError",
    "DTypeError",
    "FeedError",
    "FileError",
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


class FileError(AutogradError, OSError):
    """The operating system refuses a file.

    Each is also an instance of the built-in exception for its code, such as `FileNotFoundError` or `PermissionError`, with the
    `errno`, `strerror` and `filename` that `open` would give.
    """

    _text: str | None = None

    def __str__(self) -> str:
        return super().__str__() if self._text is None else self._text

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self._text is None:
            return super().__reduce__()
        return FileError._of, (self.errno, self.strerror, self.filename, self._text), self.__dict__

    @staticmethod
    def _of(code: int, said: str, filename: str | bytes, text: str) -> FileError:
        """The error with what the system said of a file, and our text."""
        # Python knows which subclass stands for which code.
        known = type(OSError(code, said))
        kind = _variants.get(known)
        if kind is None:
            kind = _variants[known] = type(known.__name__, (FileError, known), {"__doc__": known.__doc__, "__module__": __name__})
        error = kind(code, said, filename)
        error._text = text
        return error


#: The class of the errors that are caught as a built-in one.
_variants: dict[type[OSError], type[FileError]] = {OSError: FileError}


class NotDifferentiableError(AutogradError, TypeError):
    """A gradient was asked for that does not exist."""


class LinAlgError(AutogradError, np.linalg.LinAlgError):
    """A factorisation failed."""
