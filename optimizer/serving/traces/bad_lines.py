"""Lines of a trace that cannot be used: counted, the first of them listed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem

LISTED = 20
"""How many bad lines are named; the rest is only counted."""


class BadLines:
    """Count of the lines of all files, good and bad.

    Attributes
    ----------
    lines, bad : lines seen (headers not among them) and those that were left out.
    problems : what is wrong with the first of the bad ones.
    """

    def __init__(self) -> None:
        self.lines = 0
        self.bad = 0
        self.problems: list[Problem] = []

    def saw(self, lines: int) -> None:
        """Count lines, whatever they hold."""
        self.lines += lines

    def add(self, problem: Problem) -> None:
        """Count one bad line."""
        self.bad += 1
        if len(self.problems) < LISTED:
            self.problems.append(problem)

    def add_rows(self, faulty: NDArray[np.bool_], describe: Callable[[int], Problem]) -> None:
        """Count every faulty row of a block, and describe as many as are listed.

        Parameters
        ----------
        faulty : (n,) rows to count.
        describe : what is wrong with the row of a position.
        """
        rows = np.flatnonzero(faulty)
        room = max(0, LISTED - len(self.problems))
        self.bad += len(rows)
        self.problems += [describe(row) for row in rows[:room].tolist()]

    def refuse(self, name: str, most: float) -> None:
        """Stop when there are too many.

        Raises
        ------
        InputError
            When more than the part ``most`` of the lines is bad, with the first of them.
        """
        if self.bad <= most * self.lines:
            return
        share = f"{self.bad:,} of {self.lines:,} lines ({self.bad / self.lines:.2%})"
        whole = Problem(
            name,
            f"at most {most:.6g} of all lines bad",
            share,
            fix="--max-bad-share says how many may be left out",
        )
        raise InputError([whole, *self.problems])
