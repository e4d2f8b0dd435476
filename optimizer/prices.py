"""Prices: multipliers on the limits that pools and shares set.

They are what a method hands to the judge beside its plan. The judge believes nothing
about them except their signs: any prices >= 0 give a valid bound, good ones a tight one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prices:
    """Multipliers >= 0.

    Attributes
    ----------
    capacity_usd_per_chip_hour : (P, T) worth of one more chip-hour, beyond its price.
    share_max_usd : (S,) worth of one more unit of the measure above the max.
    share_min_usd : (S,) worth of one unit of the measure less below the min.
    """

    capacity_usd_per_chip_hour: Float
    share_max_usd: Float
    share_min_usd: Float

    def __post_init__(self) -> None:
        for array in (self.capacity_usd_per_chip_hour, self.share_max_usd, self.share_min_usd):
            if not bool((np.isfinite(array) & (array >= 0)).all()):
                raise ValueError("prices: expected finite numbers >= 0")
            array.flags.writeable = False

    @classmethod
    def none(cls, pools: int, periods: int, shares: int) -> Prices:
        """Prices of zero: what a method gives that knows none."""
        return cls(np.zeros((pools, periods)), np.zeros(shares), np.zeros(shares))
