"""Progress: long work tells an object what it does; silence is the default."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """What long work calls. Nothing here may raise or print on standard output."""

    def stage(self, name: str, total: int = 0) -> None:
        """Begin a stage of ``total`` steps, 0 when their number is not known."""
        ...

    def step(self, count: int = 1) -> None:
        """Some steps of the stage are done."""
        ...

    def incumbent(self, value_usd: float | None, bound_usd: float | None, nodes: int) -> None:
        """The best plan and bound so far, None when not known, and nodes searched."""
        ...

    def note(self, text: str) -> None:
        """Something the user should know, in one line."""
        ...

    def close(self) -> None:
        """No more will come."""
        ...


class Silent:
    """Says nothing."""

    def stage(self, name: str, total: int = 0) -> None:
        """Begin a stage."""

    def step(self, count: int = 1) -> None:
        """Some steps are done."""

    def incumbent(self, value_usd: float | None, bound_usd: float | None, nodes: int) -> None:
        """The best plan and bound so far."""

    def note(self, text: str) -> None:
        """Something the user should know."""

    def close(self) -> None:
        """No more will come."""
