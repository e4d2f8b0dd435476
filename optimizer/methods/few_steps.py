"""A climb that ends after a number of steps whether it converged or not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Level, climb
from optimizer.methods.sweeps import Halt, Sweeps

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def climb_few(
    sweeps: Sweeps,
    price: Float,
    level: Level,
    steps: int,
    halt: Halt,
    periods: Int | None = None,
) -> Float:
    """Prices as of :func:`~optimizer.methods.ascent.climb`, (P, T), after so many steps at most.

    Most periods converge in a few; the others would cost as many sweeps as all together.
    """
    done = 0

    def count(periods: Int, value: Float) -> None:
        nonlocal done
        done += 1

    return climb(sweeps, price, level, lambda: done > steps or halt(), periods, count)
