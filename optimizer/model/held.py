"""What pools hold, as entries of a row: chip-hours in use, busy or not, and in reserve.

    O[p,t] = sum over m without replicas on p  A[m,p,t]
           + sum over m with replicas on p     q[m,p] n[m,p,t] H
           + r[p,t]                                                     [chip-hours]

(docs/problem.md, "Sets, data, decisions").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.fleet_data import replica_chips, runs_in_replicas

Float = NDArray[np.float64]
Index = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Held:
    """Entries of O[p,t]; each column stands in one pool and period at most.

    Attributes
    ----------
    pool, period, column : (N,) where each entry belongs.
    chip_hours : (N,) chip-hours held by one unit of the column.
    used : (P, T) whether anything can be held at all.
    """

    pool: Index
    period: Index
    column: Index
    chip_hours: Float
    used: NDArray[np.bool_]

    def sums(self, values: Float) -> Float:
        """(P, T) chip-hours held at some column values."""
        held = np.zeros(self.used.shape)
        np.add.at(held, (self.pool, self.period), self.chip_hours * values[self.column])
        return held


def held(instance: Instance, columns: Columns) -> Held:
    """The entries, from the columns that were claimed."""
    hours = instance.routes.chip_hours_per_mtok[columns.route]
    parts = [(columns.pool, columns.period, columns.place, hours)]
    bare = ~runs_in_replicas(instance, columns.workload, columns.pool)
    if not bool(bare.all()):
        parts = [(columns.pool[bare], columns.period[bare], columns.place[bare], hours[bare])]
    model, pool, period = np.nonzero(columns.replicas >= 0)
    if len(model):
        size = replica_chips(instance)[model, pool] * instance.period_hours
        parts.append((_index(pool), _index(period), columns.replicas[model, pool, period], size))
    pool, period = np.nonzero(columns.reserve >= 0)
    if len(pool):
        kept = columns.reserve[pool, period]
        parts.append((_index(pool), _index(period), kept, np.ones(len(pool))))
    pools, periods, column, chip_hours = (
        part[0] if len(part) == 1 else np.concatenate(part) for part in zip(*parts, strict=True)
    )
    used = np.zeros(columns.reserve.shape, np.bool_)
    used[pools, periods] = True
    return Held(pools, periods, column, chip_hours, used)


def _index(positions: NDArray[np.intp]) -> Index:
    return positions.astype(np.int32)
