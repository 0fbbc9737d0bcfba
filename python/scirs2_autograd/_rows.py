"""The rows of the op table for modules that are generated from it: each binds those that it uses by name when it is imported."""

from __future__ import annotations

from collections.abc import Callable

from ._lib import __version__, _Row, _row

__all__ = ["rows"]


def rows(version: str) -> Callable[[str], _Row]:
    """A look-up of rows for files that were generated with this version of the extension.

    Files and an extension that do not belong together raise `ImportError`: the meaning of a row may have changed.
    """

    def fail(what: str) -> ImportError:
        msg = (
            f"scirs2_autograd: {what}. Got Python files of version {version} and an extension of version {__version__}; "
            "expected both from one build.\n"
            "help: install the package again with `pip install --force-reinstall`; in a checkout run `make build gen`"
        )
        return ImportError(msg, name="scirs2_autograd._lib")

    def row(name: str) -> _Row:
        try:
            return _row(name)
        except KeyError:
            raise fail(f'the extension has no operation "{name}"') from None

    if version != __version__:
        raise fail("the extension has another version")
    return row
