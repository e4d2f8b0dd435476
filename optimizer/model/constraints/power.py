"""Power: the chips held by a group of pools draw no more than a limit.

For each limit e and period t, in energy so that its price is per MWh,

    sum over p in the group  watts_per_chip[p] / 1e6  O[p,t]  <=  max_mw[e] H        [MWh]

(docs/problem.md, family "power", multiplied with H).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.groups import pools_of
from optimizer.model.held import held
from optimizer.program import ProgramBuilder

Index = NDArray[np.int32]

WATTS_PER_MW = 1e6


@dataclass(frozen=True)
class Power:
    """The family of limits on power."""

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, Index]:
        """Add the rows: ``power`` (E, T)."""
        table = instance.power
        rows = np.full((len(table.limit), instance.num_periods), -1, np.int32)
        if len(table.limit) == 0:
            return {"power": rows}
        entries = held(instance, columns)
        megawatts = instance.pools.watts_per_chip / WATTS_PER_MW
        for position in range(len(table.limit)):
            group = pools_of(instance, table.attribute[position], table.value[position])
            drawn = (entries.used & group[:, None]).any(axis=0)
            if not bool(drawn.any()):
                continue
            most = float(table.max_mw[position]) * instance.period_hours
            rows[position, drawn] = builder.rows("power", int(drawn.sum()), upper=most)
            mine = group[entries.pool]
            builder.add(
                rows[position, entries.period[mine]],
                entries.column[mine],
                entries.chip_hours[mine] * megawatts[entries.pool[mine]],
            )
        return {"power": rows}
