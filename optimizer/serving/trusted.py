"""Where the formulas of the queue were found to hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


def trusted(table: Float, requests_per_second: Float, utilisation: Float) -> NDArray[np.bool_]:
    """Whether stations are in the region where predictions agree with simulations, (K,)."""
    together = table[:, 11] > 0.0
    return together | (utilisation <= 0.9)
