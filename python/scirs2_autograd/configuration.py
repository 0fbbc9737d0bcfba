"""What this build and this machine compute with."""

from __future__ import annotations

from typing import Literal, overload

from ._lib import _config

__all__ = ["show_config"]


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...


@overload
def show_config(mode: Literal["dicts"]) -> dict[str, str | int]: ...


def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, str | int] | None:
    """Prints the version, what factors matrices, the instruction set of the kernels and how many threads a run may use.

    With `mode="dicts"` it returns them instead. A report of a fault should have them.

    >>> sorted(ag.show_config(mode="dicts"))
    ['instructions', 'linear algebra', 'threads', 'version']
    """
    found = _config()
    if mode == "dicts":
        return found
    if mode != "stdout":
        raise ValueError(f"show_config: no such mode. Got {mode!r}; expected 'stdout' or 'dicts'.")
    for name, value in found.items():
        print(f"{name:<16}{value}")
    return None
