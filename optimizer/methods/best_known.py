"""The best plan and bound of a whole, summed over the parts while they are solved."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from optimizer.progress import Progress
from optimizer.solvers.base import News, Outcome
from optimizer.solvers.blocks import sum_of_parts

Float = NDArray[np.float64]


class BestKnown:
    """Takes what solvers tell of parts, and tells the progress of the whole.

    A part may be searched more than once; its cheapest plan and its highest bound count.

    Parameters
    ----------
    costs : (n,) cost of the columns of each part.
    offset : constant part of the cost of the whole.
    """

    def __init__(self, costs: Sequence[Float], offset: float, progress: Progress) -> None:
        self._costs = costs
        self._offset = offset
        self._progress = progress
        self._usd = [math.inf] * len(costs)
        self._bounds = [-math.inf] * len(costs)
        self._nodes = [0] * len(costs)
        self._nodes_before = 0

    def begin_again(self) -> None:
        """Parts are searched once more: their nodes come on top."""
        self._nodes_before += sum(self._nodes)
        self._nodes = [0] * len(self._nodes)

    def hear(self, part: int, known: News | Outcome, most: float) -> None:
        """Take news of a part, or its outcome.

        Parameters
        ----------
        most : what the bound is worth at most, because the search leaves some plans out.
        """
        if known.values is not None:
            usd = float(self._costs[part] @ known.values)
            self._usd[part] = min(self._usd[part], usd)
        self._bounds[part] = max(self._bounds[part], min(most, known.bound))
        self._nodes[part] = max(self._nodes[part], known.nodes)
        # A part without a plan has a bound of infinity, and then so has the whole.
        value, bound = sum_of_parts(self._usd), sum_of_parts(self._bounds)
        self._progress.incumbent(
            self._offset + value if math.isfinite(value) else None,
            self._offset + bound if math.isfinite(bound) else None,
            self._nodes_before + sum(self._nodes),
        )
