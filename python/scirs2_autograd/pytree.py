"""Nested containers of arrays: what functions of arrays take and return.

Containers are tuples, lists, dicts, named tuples, dataclasses, None (which holds nothing) and classes that were registered; everything
else is a leaf.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, cast

from .exceptions import ShapeError

__all__ = ["LEAF", "Structure", "flatten", "leaves_of", "register_pytree", "unflatten"]


class _Kind:
    """How a class of containers is taken apart and put together."""

    def flatten(self, x: Any) -> tuple[Iterable[Any], Hashable]:
        """The parts of a container, and what else belongs to its structure."""
        return x, None

    def unflatten(self, rest: Any, parts: Sequence[Any]) -> Any:
        """A container of what else belongs to its structure, and of parts."""
        del rest
        return tuple(parts)

    def names(self, rest: Any, n: int) -> list[str]:
        """The names of `n` parts in messages."""
        del rest
        return [f"[{i}]" for i in range(n)]


class _Nothing(_Kind):
    def flatten(self, x: Any) -> tuple[Iterable[Any], Hashable]:
        del x
        return (), None

    def unflatten(self, rest: Any, parts: Sequence[Any]) -> Any:
        del rest, parts


class _List(_Kind):
    def unflatten(self, rest: Any, parts: Sequence[Any]) -> Any:
        del rest
        return list(parts)


class _Dict(_Kind):
    def flatten(self, x: Any) -> tuple[Iterable[Any], Hashable]:
        # Dicts are equal whatever the order of their keys: so are their structures, where keys can be sorted.
        try:
            keys = sorted(x)
        except TypeError:
            keys = list(x)
        return [x[k] for k in keys], tuple(keys)

    def unflatten(self, rest: Any, parts: Sequence[Any]) -> Any:
        return dict(zip(rest, parts, strict=True))

    def names(self, rest: Any, n: int) -> list[str]:
        del n
        return [f"[{k!r}]" for k in rest]


class _OrderedDict(_Dict):
    def flatten(self, x: Any) -> tuple[Iterable[Any], Hashable]:
        return list(x.values()), tuple(x)

    def unflatten(self, rest: Any, parts: Sequence[Any]) -> Any:
        return OrderedDict(zip(rest, parts, strict=True))


class _DefaultDict(_Dict):
    def flatten(self, x: Any) -> tuple[Iterable[Any], Hashable]:
        parts, keys = super().flatten(x)
        return parts, (x.default_factory, keys)

    def unflatten(self, rest: Any, parts: Sequence[Any]) -> Any:
        return defaultdict(rest[0], zip(rest[1], parts, strict=True))

    def names(self, rest: Any, n: int) -> list[str]:
        return super().names(rest[1], n)


class _Fields(_Kind):
    """A named tuple or a dataclass."""

    def __init__(self, cls: Any, fields: Sequence[str], is_tuple: bool) -> None:
        self._cls, self._fields, self._is_tuple = cls, fields, is_tuple

    def flatten(self, x: Any) -> tuple[Iterable[Any], Hashable]:
        return [getattr(x, f) for f in self._fields], None

    def unflatten(self, rest: Any, parts: Sequence[Any]) -> Any:
        if self._is_tuple:
            return self._cls(*parts)
        # As a copy is made: `__init__` may check or compute what tensors do not have yet.
        made = object.__new__(self._cls)
        for name, part in zip(self._fields, parts, strict=True):
            object.__setattr__(made, name, part)
        return made

    def names(self, rest: Any, n: int) -> list[str]:
        return [f".{f}" for f in self._fields]


class _Registered(_Kind):
    def __init__(self, flatten: Callable[[Any], Any], unflatten: Callable[[Any, Sequence[Any]], Any]) -> None:
        self._flatten, self._unflatten = flatten, unflatten

    def flatten(self, x: Any) -> tuple[Iterable[Any], Hashable]:
        parts, rest = self._flatten(x)
        try:
            hash(rest)
        except TypeError:
            msg = f"pytree: what belongs to the structure is not hashable. Got {rest!r}; expected a hashable object."
            raise TypeError(f"{msg}\nhelp: `flatten` returns the parts and what else tells the object apart, as a tuple") from None
        return parts, rest

    def unflatten(self, rest: Any, parts: Sequence[Any]) -> Any:
        return self._unflatten(rest, parts)


#: What stands in for a tensor: the tensor is the leaf.
_STANDS_IN = _Kind()
#: How to treat objects of a class: None is a leaf. Classes that are met are added.
_KINDS: dict[type, _Kind | None] = {
    type(None): _Nothing(), tuple: _Kind(), list: _List(), dict: _Dict(), OrderedDict: _OrderedDict(), defaultdict: _DefaultDict(),
}  # fmt: skip


def register_pytree(
    cls: type, flatten: Callable[[Any], tuple[Iterable[Any], Hashable]], unflatten: Callable[[Any, Sequence[Any]], Any]
) -> None:
    """Make `cls` a container: functions of arrays take and return its objects.

    `flatten(x)` gives the parts of `x`, which may be containers again, and what else tells it apart, which must be hashable;
    `unflatten(rest, parts)` makes an object of both. Dataclasses and named tuples are containers as they are. A class that is
    registered again gets the new functions. Subclasses are no containers by themselves.

    >>> class Pair:
    ...     def __init__(self, left, right):
    ...         self.left, self.right = left, right
    >>> ag.register_pytree(Pair, lambda p: ((p.left, p.right), None), lambda _, parts: Pair(*parts))
    >>> g = ag.grad(lambda p: p.left * p.right)(Pair(2.0, 3.0))
    >>> print(g.left, g.right)
    3.0 2.0
    """
    if not isinstance(cast("object", cls), type):
        msg = f"register_pytree: not a class. Got {cls!r}; expected a class."
        raise TypeError(msg)
    _KINDS[cls] = _Registered(flatten, unflatten)


def stands_in(cls: type) -> None:
    """Objects of `cls` stand in for a tensor, their attribute `_tensor`."""
    _KINDS[cls] = _STANDS_IN


def leaf(x: Any) -> Any:
    """`x`, or the tensor that it stands in for."""
    return x._tensor if _KINDS.get(x.__class__) is _STANDS_IN else x


def _met(cls: Any) -> _Kind | None:
    """How to treat a class that was not met before."""
    made: _Kind | None = None
    fields: Any = getattr(cls, "_fields", None)
    if fields is not None and tuple in cls.__mro__:
        made = _Fields(cls, fields, True)
    elif dataclasses.is_dataclass(cls):
        made = _Fields(cls, [f.name for f in dataclasses.fields(cls)], False)
    _KINDS[cast("type", cls)] = made
    return made


def _known(cls: type) -> _Kind:
    kind = _KINDS[cls]
    assert kind is not None, "a class that a structure was made of stays a container"
    return kind


class Structure:
    """The containers of an object without its leaves: equal for objects that differ in leaves alone."""

    __slots__ = ("_hash", "cls", "parts", "rest")

    #: The class of the container; None is a leaf.
    cls: type[Any] | None
    #: What else belongs to the structure of the container.
    rest: Hashable
    #: The structures of its parts.
    parts: tuple[Structure, ...]

    def __init__(self, cls: type | None, rest: Hashable, parts: tuple[Structure, ...]) -> None:
        self.cls = cls
        self.rest = rest
        self.parts = parts
        self._hash: int | None = None

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Structure)
            and self.__hash__() == other.__hash__()
            and self.cls is other.cls
            and self.rest == other.rest
            and self.parts == other.parts
        )

    def __hash__(self) -> int:
        # Few structures are compared, or are keys.
        if self._hash is None:
            self._hash = hash((self.cls, self.rest, self.parts))
        return self._hash

    def __repr__(self) -> str:
        return repr(unflatten(self, ["*"] * self.count()))

    def count(self) -> int:
        """Number of leaves."""
        return 1 if self.cls is None else sum(p.count() for p in self.parts)

    def leaves(self, x: Any) -> list[Any] | None:
        """The leaves of `x`, if it has this structure: in a fraction of the time that `flatten` takes."""
        found: list[Any] = []
        return found if self._matches(x, found) else None

    def _matches(self, x: Any, found: list[Any]) -> bool:
        if self.cls is None:
            found.append(x)
            return _KINDS.get(x.__class__, self) is None
        if x.__class__ is not self.cls:
            return False
        if self.cls is dict:
            keys: Any = self.rest
            try:
                items: Any = [x[k] for k in keys]
            except KeyError:
                return False
            same = len(x) == len(items)
        elif self.cls is tuple or self.cls is list:
            items, same = x, True
        else:
            items, rest = _known(self.cls).flatten(x)
            items, same = list(items), rest == self.rest
        return same and len(items) == len(self.parts) and all(map(Structure._matches, self.parts, items, itertools.repeat(found)))

    def paths(self, start: str = "") -> list[str]:
        """Where the leaves are, as they are written behind the object: `[0]['w']`."""
        if self.cls is None:
            return [start]
        names = _known(self.cls).names(self.rest, len(self.parts))
        return [path for name, part in zip(names, self.parts, strict=True) for path in part.paths(start + name)]


#: The structure of a leaf.
LEAF = Structure(None, None, ())


def flatten(x: Any) -> tuple[list[Any], Structure]:
    """The leaves of `x` in order, and its structure."""
    cls: type = x.__class__
    if cls in _KINDS and _KINDS[cls] is None:
        return [x], LEAF
    leaves: list[Any] = []
    structure = _flatten(x, leaves)
    return leaves, structure


def _flatten(x: Any, leaves: list[Any]) -> Structure:
    cls: type = x.__class__
    kind = _KINDS[cls] if cls in _KINDS else _met(cls)
    if kind is None or kind is _STANDS_IN:
        leaves.append(leaf(x))
        return LEAF
    parts, rest = kind.flatten(x)
    structures: list[Structure] = []
    for p in parts:
        if _KINDS.get(p.__class__, kind) is None:
            leaves.append(p)
            structures.append(LEAF)
        else:
            structures.append(_flatten(p, leaves))
    return Structure(cls, rest, tuple(structures))


def leaves_of(x: Any) -> Iterator[Any]:
    """The leaves of `x` in order, one after the other."""
    cls: type = x.__class__
    kind = _KINDS[cls] if cls in _KINDS else _met(cls)
    if kind is None or kind is _STANDS_IN:
        yield leaf(x)
    else:
        for part in kind.flatten(x)[0]:
            yield from leaves_of(part)


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """An object of this structure with these leaves."""
    if structure is LEAF and len(leaves) == 1:
        return leaves[0]
    rest = iter(leaves)
    made = _unflatten(structure, rest)
    for extra in rest:
        msg = f"pytree: there are too many leaves. Got {extra!r} behind the last; expected {structure.count()} leaves."
        raise ShapeError(msg)
    return made


def _unflatten(structure: Structure, leaves: Any) -> Any:
    if structure.cls is None:
        return next(leaves)
    parts: list[Any] = []
    for p in structure.parts:
        if p.cls is None:
            parts.append(next(leaves))
        else:
            parts.append(_unflatten(p, leaves))
    return _known(structure.cls).unflatten(structure.rest, parts)
