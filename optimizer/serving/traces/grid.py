"""A table of sums that grows at both ends of its time axis and at the end of its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem

MAX_CELLS = 100_000_000
"""Most cells of one table: beyond it a time or a label is wrong, or periods are too short."""


class Grid:
    """Sums by row and column; columns are numbered by any integers, close together.

    Parameters
    ----------
    dtype : type of the sums.
    """

    def __init__(self, dtype: type[np.generic]) -> None:
        self._values: NDArray[Any] = np.zeros((0, 0), dtype)
        self._first = 0

    def add(
        self, row: NDArray[np.int64], column: NDArray[np.int64], value: NDArray[Any] | int
    ) -> None:
        """Add values to cells; a cell may come several times.

        Raises
        ------
        InputError
            When the table would have more than :data:`MAX_CELLS`.
        """
        if len(row) == 0:
            return
        self._cover(int(row.max()) + 1, int(column.min()), int(column.max()) + 1)
        np.add.at(self._values, (row, column - self._first), value)

    def columns(self, first: int, stop: int, rows: int) -> NDArray[Any]:
        """(rows, stop - first) the sums of a range of columns; 0 where nothing was added."""
        found = np.zeros((rows, stop - first), self._values.dtype)
        have_rows, have = self._values.shape
        low, high = max(first, self._first), min(stop, self._first + have)
        if low < high:
            part = self._values[:rows, low - self._first : high - self._first]
            found[: min(rows, have_rows), low - first : high - first] = part
        return found

    def _cover(self, rows: int, first: int, stop: int) -> None:
        """Make room, some more than is asked for, so that growing is rare."""
        have_rows, have = self._values.shape
        old = self._first
        if have == 0:
            old = first
        if rows <= have_rows and old <= first and stop <= old + have:
            return
        new_first = min(old, first)
        new_stop = max(old + have, stop)
        new_rows = max(rows, have_rows)
        if new_rows * (new_stop - new_first) > MAX_CELLS:
            raise InputError(
                Problem(
                    "trace",
                    f"at most {MAX_CELLS:,} cells of workload and time",
                    f"{new_rows:,} workloads and {new_stop - new_first:,} steps of time",
                    fix="a wrong date or time unit? else longer periods, spans or fewer buckets",
                )
            )
        if new_stop > old + have:
            new_stop += (new_stop - new_first) // 4
        if new_rows > have_rows:
            new_rows += new_rows // 4
        grown = np.zeros((new_rows, new_stop - new_first), self._values.dtype)
        grown[:have_rows, old - new_first : old - new_first + have] = self._values
        self._values, self._first = grown, new_first
