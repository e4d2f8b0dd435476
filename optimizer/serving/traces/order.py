"""Times of single requests rise, give or take what several writers of one log mix up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Order:
    """Latest time so far, within one file.

    Attributes
    ----------
    mixed : requests that were kept although an earlier line has a later time.
    """

    def __init__(self, late_seconds: float) -> None:
        self._most_ns = late_seconds * 1e9
        self._latest: int | None = None
        self.mixed = 0

    def late(
        self, time_ns: NDArray[np.int64], good: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Find the rows whose time lies too far before the latest one before them.

        Parameters
        ----------
        time_ns : (n,) times of a block.
        good : (n,) rows whose time could be read; the others are skipped.

        Returns
        -------
        late : (n,) good rows that are out of order.
        latest : (n,) latest time up to each row.
        """
        late = np.zeros(len(time_ns), np.bool_)
        latest = np.zeros(len(time_ns), np.int64)
        rows = np.flatnonzero(good)
        if len(rows) == 0:
            return late, latest
        times = time_ns[rows]
        if self._latest is None:
            self._latest = int(times[0])
        highest = np.maximum(np.maximum.accumulate(times), self._latest)
        back = highest - times
        late[rows] = back > self._most_ns
        latest[rows] = highest
        self.mixed += int(((back > 0) & (back <= self._most_ns)).sum())
        self._latest = int(highest[-1])
        return late, latest
