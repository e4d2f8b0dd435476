"""What a benchmark case is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Case:
    """An instance and how it is solved.

    Attributes
    ----------
    name : as on the command line.
    title : what it is, in a few words.
    prepare : write the instance into the folder it is given, which is empty, and return
        None; or return a folder that is there already.
    method, solver : as on the command line of the optimizer.
    repeat : runs when the caller does not say how many.
    time_limit_s : limit on build and solve, so that a regression ends some time.
    only_when_named : leave it out where all cases are run.
    """

    name: str
    title: str
    prepare: Callable[[Path], Path | None]
    method: str = "auto"
    solver: str = "auto"
    repeat: int = 5
    time_limit_s: float = 600.0
    only_when_named: bool = False
