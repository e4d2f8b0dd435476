"""Deadline: deferrable tokens are handled inside their window.

The cumulative form of docs/problem.md, ``D[w,t-h] <= G[w,t] <= D[w,t]``, stated with the
backlog ``q[w,t] = D[w,t] - G[w,t]``, so that each row has two backlog entries instead of a
growing sum:

    q[w,t-1] + d[w,t] = sum_p x[w,p,t] + u[w,t] + q[w,t]                [Mtok]
    0 <= q[w,t] <= d[w,t-h+1] + ... + d[w,t],        q[w,T-1] = 0

The upper bound says that what arrived h or more periods ago is no longer waiting: this is
the inventory form of a production plan with due dates (Pochet and Wolsey, "Production
Planning by Mixed Integer Programming", Springer 2006, ch. 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.program import ProgramBuilder


@dataclass(frozen=True)
class Deadline:
    """The family of deferrable demand."""

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, NDArray[np.int32]]:
        """Add backlog columns and the rows: ``deadline`` (W, T)."""
        demand = instance.demand_mtok
        rows = np.full(demand.shape, -1, np.int32)
        later = np.flatnonzero(instance.workloads.deadline_periods > 0)
        if len(later) == 0:
            return {"deadline": rows}
        rows[later] = _claim_rows(builder, demand[later], columns.window_mtok[later])
        row = rows[columns.workload, columns.period]
        mine = row >= 0
        builder.add(row[mine], columns.place[mine], 1.0)
        unserved = (rows >= 0) & (columns.unserved >= 0)
        builder.add(rows[unserved], columns.unserved[unserved], 1.0)
        self._add_backlog(builder, instance, columns, rows)
        return {"deadline": rows}

    def _add_backlog(
        self,
        builder: ProgramBuilder,
        instance: Instance,
        columns: Columns,
        rows: NDArray[np.int32],
    ) -> None:
        waiting = waiting_mtok(instance)
        waiting[:, -1] = 0.0  # nothing waits past the horizon
        needed = waiting > 0
        columns.backlog[needed] = builder.columns(
            "backlog", int(needed.sum()), upper=waiting[needed]
        )
        workload, period = np.nonzero(needed)
        backlog = columns.backlog[workload, period]
        builder.add(rows[workload, period], backlog, 1.0)
        builder.add(rows[workload, period + 1], backlog, -1.0)


def _claim_rows(
    builder: ProgramBuilder, demand: NDArray[np.float64], window: NDArray[np.float64]
) -> NDArray[np.int32]:
    """A row for each period in which something can be handled."""
    rows = np.full(demand.shape, -1, np.int32)
    used = window > 0
    rows[used] = builder.rows("deadline", int(used.sum()), lower=demand[used], upper=demand[used])
    return rows


def waiting_mtok(instance: Instance) -> NDArray[np.float64]:
    """(W, T) most Mtok that may wait at the end of a period; 0 for workloads that may not."""
    demand = instance.demand_mtok
    deadline = instance.workloads.deadline_periods
    waiting = np.zeros(demand.shape)
    for workload in np.flatnonzero(deadline > 0).tolist():
        span = min(int(deadline[workload]), demand.shape[1])
        # A sum of the terms themselves: differences of running sums would leave specks.
        padded = np.concatenate((np.zeros(span - 1), demand[workload]))
        waiting[workload] = np.lib.stride_tricks.sliding_window_view(padded, span).sum(axis=1)
    return waiting
