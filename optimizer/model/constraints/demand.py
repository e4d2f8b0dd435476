"""Demand: what arrives is placed or given up, in its own period.

For each workload w with h[w] = 0 and each period t with d[w,t] > 0

    sum_p x[w,p,t] + u[w,t] = d[w,t]                                    [Mtok]

(docs/problem.md, family "demand").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.program import ProgramBuilder


@dataclass(frozen=True)
class Demand:
    """The family of interactive demand."""

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, NDArray[np.int32]]:
        """Add the rows: ``demand`` (W, T)."""
        demand = instance.demand_mtok
        at_once = (instance.workloads.deadline_periods == 0)[:, None] & (demand > 0)
        rows = np.full(demand.shape, -1, np.int32)
        right = demand[at_once]
        rows[at_once] = builder.rows("demand", len(right), lower=right, upper=right)
        row = rows[columns.workload, columns.period]
        mine = row >= 0
        builder.add(row[mine], columns.place[mine], 1.0)
        builder.add(rows[at_once], columns.unserved[at_once], 1.0)
        return {"demand": rows}
