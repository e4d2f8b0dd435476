"""Outages: when a group of pools is lost, the others can still serve what is protected.

For each outage g, and each period t in which it may strike,

    sum over p not in g of f[g,w,p,t]  >=  served[g] sum_p x[w,p,t]           [Mtok]
    sum over w of m of a[w,p] f[g,w,p,t]
                          <=  q[m,p] (H n[m,p,t] - startup_hours s[m,p,t])    [chip-hours]
    sum over w, m(w) without replicas on p, of a[w,p] f[g,w,p,t]
                          <=  sum over m without replicas on p  A[m,p,t]  +  r[p,t]

for protected w, and p not in g (docs/problem.md, family "outages"). Failover has a column where
its workload may be placed in the same period. All factors are the data themselves.

Chips in reserve are of use only where protected tokens could fall without replicas, or where a
limit on shares can be kept by holding more; elsewhere there is no column for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns, Failover
from optimizer.model.constraints.replicas import add_running
from optimizer.model.costs import held_usd_per_chip_hour
from optimizer.model.fleet_data import replica_chips, runs_in_replicas
from optimizer.model.groups import holding_is_limited, pools_of
from optimizer.model.offer import chips_on_offer
from optimizer.program import ProgramBuilder

Index = NDArray[np.int32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Outages:
    """The family of losses to survive."""

    def claim(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> Columns:
        """Claim chips in reserve and failover."""
        lost = lost_pools(instance)
        protected = instance.workloads.protected[columns.workload]
        outage, cell = np.nonzero(protected[None, :] & ~lost[:, columns.pool])
        if len(cell):
            column = builder.columns("failover", len(cell))
            failover = Failover(outage.astype(np.int32), cell.astype(np.int32), column)
            columns = replace(columns, failover=failover)
        bare = cell[~runs_in_replicas(instance, columns.workload[cell], columns.pool[cell])]
        useful = np.zeros(columns.reserve.shape, np.bool_)
        useful[columns.pool[bare], columns.period[bare]] = True
        if len(lost) and holding_is_limited(instance):
            useful |= (chips_on_offer(instance) > 0) & ~instance.left_out[:, None]
        if bool(useful.any()):
            reserve = columns.reserve.copy()
            usd = held_usd_per_chip_hour(instance)[useful]
            reserve[useful] = builder.columns("reserve", len(usd), cost=usd)
            columns = replace(columns, reserve=reserve)
        return columns

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, Index]:
        """Add the rows.

        ``outages`` (G, W, T), ``failover_replicas`` (G, M, P, T) and ``failover_chips`` (G, P, T).
        """
        outages = len(instance.outages.outage)
        models, pools, periods = columns.replicas.shape
        rows = {
            "outages": np.full((outages, instance.num_workloads, periods), -1, np.int32),
            "failover_replicas": np.full((outages, models, pools, periods), -1, np.int32),
            "failover_chips": np.full((outages, pools, periods), -1, np.int32),
        }
        protected = np.flatnonzero(instance.workloads.protected[columns.workload])
        if outages and len(protected):
            self._add_served(builder, instance, columns, protected, rows["outages"])
            self._add_replicas(builder, instance, columns, rows["failover_replicas"])
            self._add_chips(builder, instance, columns, rows["failover_chips"])
        return rows

    def _add_served(
        self,
        builder: ProgramBuilder,
        instance: Instance,
        columns: Columns,
        protected: NDArray[np.intp],
        rows: Index,
    ) -> None:
        workload, period = columns.workload[protected], columns.period[protected]
        cells = np.zeros(rows.shape, np.bool_)
        cells[:, workload, period] = True
        rows[cells] = builder.rows("outages", int(cells.sum()), lower=0.0)
        served = instance.outages.served[:, None]
        builder.add(rows[:, workload, period], columns.place[protected][None, :], -served)
        found = columns.failover
        row = rows[found.outage, columns.workload[found.cell], columns.period[found.cell]]
        builder.add(row, found.column, 1.0)

    def _add_replicas(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns, rows: Index
    ) -> None:
        found = columns.failover
        workload, pool = columns.workload[found.cell], columns.pool[found.cell]
        mine = np.flatnonzero(runs_in_replicas(instance, workload, pool))
        if len(mine) == 0:
            return
        model = instance.workloads.model.codes[workload[mine]]
        cell = found.cell[mine]
        where = (found.outage[mine], model, columns.pool[cell], columns.period[cell])
        used = np.zeros(rows.shape, np.bool_)
        used[where] = True
        rows[used] = builder.rows("failover_replicas", int(used.sum()), upper=0.0)
        hours = instance.routes.chip_hours_per_mtok[columns.route[cell]]
        builder.add(rows[where], found.column[mine], hours)
        chips = replica_chips(instance)
        for lost in rows:
            add_running(builder, instance, columns, lost, chips)

    def _add_chips(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns, rows: Index
    ) -> None:
        found = columns.failover
        workload, pool = columns.workload[found.cell], columns.pool[found.cell]
        mine = np.flatnonzero(~runs_in_replicas(instance, workload, pool))
        if len(mine) == 0:
            return
        cell = found.cell[mine]
        where = (found.outage[mine], columns.pool[cell], columns.period[cell])
        used = np.zeros(rows.shape, np.bool_)
        used[where] = True
        rows[used] = builder.rows("failover_chips", int(used.sum()), upper=0.0)
        hours = instance.routes.chip_hours_per_mtok
        builder.add(rows[where], found.column[mine], hours[columns.route[cell]])
        bare = ~runs_in_replicas(instance, columns.workload, columns.pool)
        outage, place = np.nonzero((rows[:, columns.pool, columns.period] >= 0) & bare)
        row = rows[outage, columns.pool[place], columns.period[place]]
        builder.add(row, columns.place[place], -hours[columns.route[place]])
        kept = np.nonzero((rows >= 0) & (columns.reserve >= 0))
        builder.add(rows[kept], columns.reserve[kept[1:]], -1.0)


def lost_pools(instance: Instance) -> Bool:
    """(G, P) pools that each outage takes away."""
    table = instance.outages
    lost = np.zeros((len(table.outage), instance.num_pools), np.bool_)
    for position in range(len(table.outage)):
        lost[position] = pools_of(instance, table.attribute[position], table.value[position])
    return lost
