"""Progress on standard error: a bar on a terminal, lines otherwise."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from optimizer.progress import Progress, Silent

PAUSE_SECONDS = 2.0
"""Least time between two lines about the same stage."""


def incumbent_words(value_usd: float | None, bound_usd: float | None, nodes: int) -> str:
    """What is known of a search, in a line; empty when nothing is."""
    words = []
    if value_usd is not None:
        words.append(f"best {value_usd:,.2f} USD")
    if bound_usd is not None:
        words.append(f"bound {bound_usd:,.2f} USD")
    if value_usd is not None and bound_usd is not None and value_usd != 0:
        gap = max(0.0, value_usd - bound_usd) / abs(value_usd)
        words.append(f"gap {gap * 100:.2g} %")
    if nodes:
        words.append(f"{nodes:,} node{'s' if nodes > 1 else ''}")
    return ", ".join(words)


class Lines:
    """A line when a stage begins, and from time to time while it lasts."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = time.monotonic()
        self._last = 0.0
        self._stage, self._total, self._done = "", 0, 0

    def stage(self, name: str, total: int = 0) -> None:
        """Begin a stage."""
        self._stage, self._total, self._done = name, total, 0
        many = f" ({total} parts)" if total > 1 else ""
        self._say(f"{name}{many}")

    def step(self, count: int = 1) -> None:
        """Some steps are done."""
        self._done += count
        if time.monotonic() - self._last >= PAUSE_SECONDS:
            self._say(f"{self._stage}: {self._done} of {self._total or '?'}")

    def incumbent(self, value_usd: float | None, bound_usd: float | None, nodes: int) -> None:
        """The best plan and bound so far."""
        words = incumbent_words(value_usd, bound_usd, nodes)
        if words and time.monotonic() - self._last >= PAUSE_SECONDS:
            self._say(words)

    def note(self, text: str) -> None:
        """Something the user should know."""
        self._say(text)

    def close(self) -> None:
        """Nothing is pending."""

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        try:
            self._stream.write(f"[{self._last - self._begun:7.2f} s] {text}\n")
            self._stream.flush()
        except OSError:
            return  # progress never ends a run


class Bar:
    """A bar that is drawn over itself."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bar: Any = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._task: Any = None
        self._stage = ""
        self._bar.start()

    def stage(self, name: str, total: int = 0) -> None:
        """Begin a stage."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._stage = name
        self._task = self._bar.add_task(name, total=total or None)

    def step(self, count: int = 1) -> None:
        """Some steps are done."""
        if self._task is not None:
            self._bar.advance(self._task, count)

    def incumbent(self, value_usd: float | None, bound_usd: float | None, nodes: int) -> None:
        """The best plan and bound so far, behind the name of the stage."""
        words = incumbent_words(value_usd, bound_usd, nodes)
        if words and self._task is not None:
            self._bar.update(self._task, description=f"{self._stage}: {words}")

    def note(self, text: str) -> None:
        """Something the user should know."""
        from rich.markup import escape

        self._bar.console.print(escape(text))

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()


def progress_for(stream: TextIO | None = None, *, quiet: bool = False) -> Progress:
    """The progress that fits a stream."""
    stream = stream or sys.stderr
    if quiet:
        return Silent()
    return Bar(stream) if stream.isatty() else Lines(stream)
