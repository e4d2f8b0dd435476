"""Mean and variance of many groups at once, added up block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


class Moments:
    """Number, mean and squared deviations of each group.

    Blocks are merged by the formula of T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae
    and a pairwise algorithm for computing sample variances", COMPSTAT 1982, which loses no digits
    where sums of squares would:

        M2 = M2_a + M2_b + (mean_b - mean_a)^2 n_a n_b / (n_a + n_b)
    """

    def __init__(self) -> None:
        self.count: Float = np.zeros(0)
        self.mean: Float = np.zeros(0)
        self._squares: Float = np.zeros(0)

    def add(self, group: NDArray[np.int64], value: Float) -> None:
        """Add one value to the group of each entry."""
        if len(group) == 0:
            return
        size = max(len(self.count), int(group.max()) + 1)
        if size > len(self.count):
            for name in ("count", "mean", "_squares"):
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros(size - len(old))]))
        count = np.bincount(group, minlength=size).astype(np.float64)
        mean = np.bincount(group, value, size) / np.maximum(count, 1)
        squares = np.bincount(group, (value - mean[group]) ** 2, size)
        total = np.maximum(self.count + count, 1)
        apart = mean - self.mean
        self._squares += squares + apart**2 * self.count * count / total
        self.mean += apart * count / total
        self.count += count

    def variation(self, size: int) -> Float:
        """(size,) standard deviation over mean of each group, NaN where it is not known."""
        found = np.full(size, np.nan)
        known = np.flatnonzero((self.count > 0) & (self.mean > 0))
        deviation = np.sqrt(self._squares[known] / self.count[known])
        found[known] = deviation / self.mean[known]
        return found
