"""Capacity: chips in use never exceed the chips that can be used.

For each pool p and period t that some route may use

    sum_w a[w,p] x[w,p,t] <= K[p,t] H z[p]                              [chip-hours]

where z[p] is 1 for pools without a fee.

(docs/problem.md, family "capacity"). The rule is hard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.program import ProgramBuilder


@dataclass(frozen=True)
class Capacity:
    """The family of pool limits."""

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> NDArray[np.int32]:
        """Add the rows; gives (P, T) row of each pool and period, -1 where none."""
        used = np.zeros(instance.capacity_chips.shape, np.bool_)
        used[columns.pool, columns.period] = True
        available = instance.capacity_chips * instance.period_hours
        rows = np.full(used.shape, -1, np.int32)
        free = columns.activated < 0
        right = np.where(free[:, None], available, 0.0)
        rows[used] = builder.rows("capacity", int(used.sum()), upper=right[used])
        builder.add(
            rows[columns.pool, columns.period],
            columns.place,
            instance.routes.chip_hours_per_mtok[columns.route],
        )
        pool, period = np.nonzero(used & ~free[:, None])
        builder.add(rows[pool, period], columns.activated[pool], -available[pool, period])
        return rows
