"""What a solver says while it works: plans from its callback or file, bounds from its log.

Measured with OR-Tools 9.15: HiGHS calls back with log lines alone, but writes each better plan
to a file when asked to; SCIP calls back with plans and log lines. What is passed on is checked
and scaled back first. Nothing that goes wrong here may end a solve.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from optimizer.program import Program
from optimizer.solvers.base import Float, News, Tell
from optimizer.solvers.scaling import Scaled

TOLERANCE = 1e-5
"""How far from its limits a row may be, relative to its terms or 1, in a plan passed on.

Wider than any solver's own tolerance: SCIP shows candidates that it then turns down, and those
are to be kept out, not plans with a little noise. The judge has the last word.
"""
PAUSE_SECONDS = 0.1
"""Time between two looks at a file of plans, and between two equal bounds."""

Line = Callable[[str], tuple[float, int] | None]
"""Reads a line of a log: a bound and a number of nodes, None when it has none."""


class Watch:
    """Passes on what a solver finds: better plans only, in terms of the program as it was."""

    def __init__(self, scaled: Scaled, tell: Tell) -> None:
        self._scaled = scaled
        self._tell = tell
        self._least = math.inf
        self._bound = -math.inf
        self._told = -math.inf
        self._lock = threading.Lock()

    def found(self, values: Float) -> None:
        """Look at a plan, in terms of the scaled program."""
        program = self._scaled.program
        if values.shape != (program.num_columns,) or not bool(np.isfinite(values).all()):
            return
        cost = float(program.cost @ values)
        with self._lock:
            if cost < self._least and keeps(program, values):
                self._least = cost
                self._tell(News(values=self._scaled.values(values)))

    def proved(self, bound: float, nodes: int) -> None:
        """Look at a bound on the cost of the scaled program."""
        with self._lock:
            now, better = time.monotonic(), math.isfinite(bound) and bound > self._bound
            if not better and now < self._told + PAUSE_SECONDS:
                return
            self._bound, self._told = bound if better else self._bound, now
            self._tell(News(bound=self._scaled.bound(self._bound), nodes=nodes))


def keeps(program: Program, values: Float) -> bool:
    """Whether values keep every rule of a program, up to ``TOLERANCE``."""
    owner = np.repeat(np.arange(program.num_rows), np.diff(program.starts))
    terms = program.values * values[program.columns]
    activity = np.bincount(owner, terms, program.num_rows)
    slack = TOLERANCE * np.maximum(1.0, np.bincount(owner, np.abs(terms), program.num_rows))
    rows = (activity >= program.row_lower - slack) & (activity <= program.row_upper + slack)
    slack = TOLERANCE * np.maximum(1.0, np.abs(values))
    columns = (values >= program.lower - slack) & (values <= program.upper + slack)
    if program.integer is not None:
        columns &= ~program.integer | (np.abs(values - np.round(values)) <= TOLERANCE)
    return bool(rows.all() and columns.all())


def lowered(printed: float, digits: int) -> float:
    """A number below the one that was printed with so many significant digits.

    By one unit of the last of them, at least, so that a rounded bound stays a bound.
    """
    return printed - 10.0 ** (1 - digits) * abs(printed)


_HIGHS = re.compile(r"\s*(?:[A-Za-z]\s+)?(\d+[km]?)\s+\d+[km]?\s+\d+[km]?\s+[\d.]+%\s+(\S+)\s")


def highs_line(line: str) -> tuple[float, int] | None:
    """Read a line of HiGHS' table: nodes in the first column, the bound in the fifth.

    Bounds are printed with 9 significant digits or more, zeros at their end left out.
    """
    found = _HIGHS.match(line)
    if found is None:
        return None
    return _number(found[2], 9), _count(found[1])


def scip_line(line: str) -> tuple[float, int] | None:
    """Read a line of SCIP's table: nodes in its second column, the bound in its fifteenth."""
    cells = [cell.strip() for cell in line.split("|")]
    if len(cells) != 18 or not cells[1][:1].isdigit():
        return None
    return _number(cells[14], 7), _count(cells[1])


def _number(printed: str, digits: int) -> float:
    try:
        value = float(printed)
    except ValueError:
        return -math.inf
    return lowered(value, digits) if math.isfinite(value) else -math.inf


def _count(printed: str) -> int:
    thousands = {"k": 1000, "m": 1_000_000, "M": 1_000_000}.get(printed[-1], 1)
    digits = printed.rstrip("kmM")
    return int(digits) * thousands if digits.isdigit() else 0


def on_lines(read: Line, watch: Watch) -> Callable[[Sequence[str]], None]:
    """A callback for lines of a log."""

    def lines(texts: Sequence[str]) -> None:
        with contextlib.suppress(Exception):
            for text in texts:
                known = read(text)
                if known is not None:
                    watch.proved(*known)

    return lines


@contextlib.contextmanager
def plans_file(found: Callable[[Float], None]) -> Iterator[str | None]:
    """Name of a file for HiGHS to write plans to; each is passed on soon after it was written.

    The file has no entry in any folder, so that it is gone with the process however that
    ends; the name leads to it by its descriptor. None on a system where that cannot be done.
    """
    with tempfile.TemporaryFile() as file:
        name = f"/proc/self/fd/{file.fileno()}"
        if not Path(name).exists():
            yield None
            return
        reader, over = _PlansReader(file.fileno()), threading.Event()

        def follow() -> None:
            while not over.wait(PAUSE_SECONDS):
                with contextlib.suppress(Exception):
                    values = reader.latest()
                    if values is not None:
                        found(values)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield name
        finally:
            over.set()
            thread.join()


class _PlansReader:
    """Reads what was added to a file of plans.

    A plan is a line ``Objective <cost>``, a line ``# Columns <n>`` and n lines with a value.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._offset = 0
        self._rest = b""

    def latest(self) -> Float | None:
        """The last plan that was completed since the last look, None without a new one."""
        size = os.fstat(self._descriptor).st_size
        while self._offset < size:
            more = os.pread(self._descriptor, size - self._offset, self._offset)
            if not more:
                break
            self._rest += more
            self._offset += len(more)
        begin = self._rest.rfind(b"Objective ")
        while begin >= 0:
            values = _plan(self._rest[begin:])
            if values is not None:
                self._rest = self._rest[begin + 1 :]  # without its first letter it is no plan
                return values
            begin = self._rest.rfind(b"Objective ", 0, begin)
        return None


def _plan(text: bytes) -> Float | None:
    """Values of a plan, None while it is not complete."""
    head, _, rest = text.partition(b"\n")
    columns, _, rest = rest.partition(b"\n")
    if not head.startswith(b"Objective ") or not columns.startswith(b"# Columns "):
        return None
    if not columns[10:].strip().isdigit():
        return None
    count = int(columns[10:])
    if rest.count(b"\n") < count:
        return None
    return np.array(rest.split(b"\n", count)[:count], np.float64)
