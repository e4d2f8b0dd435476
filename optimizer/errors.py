"""The error tree: wrong input, impossible requests, solver faults, file faults.

Wrong input raises; a search that fails returns (see :mod:`optimizer.result`). Each
class also derives from the builtin that a Python author would have raised, and
carries the exit code that the command line gives it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "InputError",
    "InternalError",
    "OptimizerError",
    "OutputError",
    "Problem",
    "SolverError",
    "UnsupportedError",
    "UsageError",
]

MOST_SHOWN = 20
"""How many problems a message lists before it only counts the rest."""


class OptimizerError(Exception):
    """Base of everything this package raises on purpose."""

    exit_code: int = 1


class InternalError(OptimizerError, RuntimeError):
    """A fault of this program, not of its user."""

    exit_code = 1


class UsageError(OptimizerError, ValueError):
    """An argument of a call or of the command line is wrong."""

    exit_code = 2


class SolverError(OptimizerError, RuntimeError):
    """A solver crashed, is missing, or refused the program."""

    exit_code = 9


class OutputError(OptimizerError, OSError):
    """A file could not be read or written for a reason of the file system."""

    exit_code = 10


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input, with its place and the way out.

    Attributes
    ----------
    place : where it is: file, row and column as far as they are known.
    expected : what should have stood there.
    got : what stands there, as text; empty when nothing does.
    unit : unit of the expected value, empty when it has none.
    fix : what to do about it, empty when ``expected`` says it all.
    """

    place: str
    expected: str
    got: str = ""
    unit: str = ""
    fix: str = ""

    def __str__(self) -> str:
        unit = f" [{self.unit}]" if self.unit else ""
        got = f", got {self.got}" if self.got else ""
        fix = f" ({self.fix})" if self.fix else ""
        return f"{self.place}: expected {self.expected}{unit}{got}{fix}"


class InputError(OptimizerError, ValueError):
    """An instance or a plan is wrong; carries every problem that was found.

    Attributes
    ----------
    problems : all of them, in the order of the files.
    """

    exit_code = 3

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        found = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.problems: Sequence[Problem] = found
        super().__init__(listing(found))


class UnsupportedError(OptimizerError, ValueError):
    """The input is legal, but this method, solver or version cannot do it."""

    exit_code = 2


def listing(problems: Sequence[Problem]) -> str:
    """One line per problem, the first twenty, then a count of the rest."""
    lines = [str(problem) for problem in problems[:MOST_SHOWN]]
    rest = len(problems) - len(lines)
    if rest > 0:
        lines.append(f"... and {rest} more problems")
    return "\n".join(lines)
