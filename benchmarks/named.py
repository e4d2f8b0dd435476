"""Something of a list, by its name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Thing = TypeVar("Thing", bound=_Named)


def named(kind: str, name: str, things: Iterable[Thing]) -> Thing:
    """Find one.

    Raises
    ------
    LookupError
        When there is none of that name, with the list of those there are.
    """
    found = {thing.name: thing for thing in things}
    if name not in found:
        raise LookupError(f"{kind}: expected one of {', '.join(found)}, got {name!r}")
    return found[name]
