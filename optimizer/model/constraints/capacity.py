"""Capacity: chips held never exceed the chips that can be used and those that were bought.

For each pool p and period t in which anything can be held

    O[p,t] <= K[p,t] H z[p] + H sum over contracts in force  block_chips[k] b[k]    [chip-hours]

where z[p] is 1 for pools without a fee (docs/problem.md, family "capacity"). The rule is hard.
Multiplying K with z is the strong form: at z = 1 it is the limit itself. What bought chips would
hold of a pool that is not activated is held off by
:mod:`optimizer.model.constraints.activation`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.constraints.contracts import add_bought
from optimizer.model.held import held
from optimizer.program import ProgramBuilder


@dataclass(frozen=True)
class Capacity:
    """The family of pool limits."""

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, NDArray[np.int32]]:
        """Add the rows: ``capacity`` (P, T)."""
        entries = held(instance, columns)
        used = entries.used
        available = instance.capacity_chips * instance.period_hours
        rows = np.full(used.shape, -1, np.int32)
        free = columns.activated < 0
        right = np.where(free[:, None], available, 0.0)
        rows[used] = builder.rows("capacity", int(used.sum()), upper=right[used])
        builder.add(rows[entries.pool, entries.period], entries.column, entries.chip_hours)
        pool, period = np.nonzero(used & ~free[:, None])
        builder.add(rows[pool, period], columns.activated[pool], -available[pool, period])
        add_bought(builder, instance, columns, rows, -1.0)
        return {"capacity": rows}
