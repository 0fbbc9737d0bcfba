"""The rows of the op table for modules that are generated from it: each binds those that it uses by name when it is imported."""

from __future__ import annotations

from collections.abc import Callable

from . import _lib

__all__ = ["rows"]


def rows(version: str) -> Callable[[str], _lib._Row]:
    """A look-up of rows for files that were generated with this version of the extension.

    Files and an extension that do not belong together raise `ImportError`: the meaning of a row may have changed.
    """

    def fail(what: str) -> ImportError:
        msg = (
            f"scirs2_autograd: {what}. Got Python files of version {version} and an extension of version {_lib.__version__}; "
            "expected both from one build.\n"
            "help: install the package again with `pip install --force-reinstall`; in a checkout run `make build gen`"
        )
        return ImportError(msg, name=_lib.__name__, path=_lib.__file__)

    def row(name: str) -> _lib._Row:
        try:
            return _lib._row(name)
        except KeyError:
            raise fail(f'the extension has no operation "{name}"') from None

    if version != _lib.__version__:
        raise fail("the extension has another version")
    return row
