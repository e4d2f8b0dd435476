"""What the cells of a row must hold, and which row does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.serving.traces.bad_lines import BadLines
from optimizer.serving.traces.text_columns import TextColumns


@dataclass(frozen=True, eq=False)
class Check:
    """One condition on the rows of a block.

    Attributes
    ----------
    good : (n,) rows that meet it.
    column : the column that is to blame where it is not met.
    expected : what should have stood there; a function of the row where that differs.
    unit : of the expected value.
    """

    good: NDArray[np.bool_]
    column: str
    expected: str | Callable[[int], str]
    unit: str = ""


def sound_rows(text: TextColumns, checks: Sequence[Check], bad: BadLines) -> NDArray[np.bool_]:
    """Rows that meet all conditions; the others are counted, each for the first it breaks."""
    good = np.ones(len(text.line), np.bool_)
    first = np.zeros(len(text.line), np.intp)
    for place, check in enumerate(checks):
        first[good & ~check.good] = place
        good &= check.good
    if not good.all():

        def problem(row: int) -> Problem:
            check = checks[first[row]]
            words = check.expected if isinstance(check.expected, str) else check.expected(row)
            return text.problem(row, check.column, words, check.unit)

        bad.add_rows(~good, problem)
    return good
