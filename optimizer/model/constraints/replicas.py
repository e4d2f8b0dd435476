"""Replicas: whole ones do the work, and a model runs as many as it must.

For each model m with replicas of q[m,p] chips on pool p, and each period t

    A[m,p,t] <= target_utilisation q[m,p] (H n[m,p,t] - startup_hours s[m,p,t])   [chip-hours]
    sum_p n[m,p,t] >= min_replicas[m]                                             [replicas]

(docs/problem.md, family "replicas"). n is a whole number, limited by the replicas that all
chips on offer hold: rounding the limit down is the Chvatal-Gomory cut of the pool's limit
(V. Chvatal, "Edmonds polytopes and a hierarchy of combinatorial problems", Discrete Mathematics
4, 1973).

A workload that keeps less than one replica busy would pay for a part of one in the relaxation.
Its placements get a row of their own, with s[w,t] the Mtok that may be handled,

    x[w,p,t] <= s[w,t] n[m,p,t]                                                   [Mtok]

as for a fee (:mod:`optimizer.model.constraints.activation`); where it would keep one busy or
more, the row above says more and this one is left out. So it is where all workloads of the model
together would keep ``FEW`` busy: then a part of a replica is little of what is paid, and thousands
of such rows only slow the search down.

A workload w with h[w] = 0 that is alone in its model, where every pool that it may use runs in
replicas, gets the sum of its rows as one,

    sum_p (target_utilisation q[m,p] H / a[w,p]) n[m,p,t] + u[w,t] >= d[w,t]       [Mtok]

which says nothing new of the relaxation, but is a knapsack in whole numbers from which solvers
make cuts (E. Balas, "Facets of the knapsack polytope", Mathematical Programming 8, 1975).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.costs import held_usd_per_chip_hour
from optimizer.model.fleet_data import (
    least_replicas,
    most_replicas,
    of_pairs,
    planned_chips,
    replica_chips,
    runs_in_replicas,
)
from optimizer.model.groups import holding_is_limited
from optimizer.program import ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int32]

FEW = 8
"""Replicas that all workloads of a model could keep busy, from which on links do not pay."""


def claim_replicas(builder: ProgramBuilder, instance: Instance, columns: Columns) -> Columns:
    """Claim n[m,p,t] wherever a route, a minimum or replicas in force may ask for it.

    Idle replicas elsewhere only cost money, unless a limit on shares is kept by holding more.
    """
    if columns.replicas.size == 0:
        return columns
    asked = np.zeros(columns.replicas.shape[:2], np.bool_)
    asked[instance.workloads.model.codes[columns.workload], columns.pool] = True
    asked |= (least_replicas(instance) > 0)[:, None]
    if instance.in_force_replicas is not None:
        asked |= instance.in_force_replicas > 0
    asked |= holding_is_limited(instance)
    pairs = asked & (instance.replica_rows >= 0) & ~instance.left_out
    if not bool(pairs.any()):
        return columns
    chips = replica_chips(instance)[:, :, None] * instance.period_hours
    usd = chips * held_usd_per_chip_hour(instance)[None]
    most = most_replicas(instance)
    claimed = builder.columns(
        "replicas",
        most[pairs].size,
        cost=usd[pairs].ravel(),
        upper=most[pairs].ravel(),
        integer=True,
    )
    running = columns.replicas.copy()
    running[pairs] = claimed.reshape(-1, instance.num_periods)
    return replace(columns, replicas=running)


@dataclass(frozen=True)
class Replicas:
    """The family of replicas."""

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, Index]:
        """Add the rows: ``replicas`` (M, P, T) and ``min_replicas`` (M, T)."""
        models, _, periods = columns.replicas.shape
        work = np.full(columns.replicas.shape, -1, np.int32)
        least = np.full((models, periods), -1, np.int32)
        if columns.replicas.size:
            self._add_work(builder, instance, columns, work)
            self._add_links(builder, instance, columns)
            self._add_covers(builder, instance, columns)
            self._add_least(builder, instance, columns, least)
        return {"replicas": work, "min_replicas": least}

    def _add_work(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns, rows: Index
    ) -> None:
        mine = np.flatnonzero(runs_in_replicas(instance, columns.workload, columns.pool))
        if len(mine) == 0:
            return
        model = instance.workloads.model.codes[columns.workload[mine]]
        cells = (model, columns.pool[mine], columns.period[mine])
        used = np.zeros(rows.shape, np.bool_)
        used[cells] = True
        rows[used] = builder.rows("replicas", int(used.sum()), upper=0.0)
        hours = instance.routes.chip_hours_per_mtok[columns.route[mine]]
        builder.add(rows[cells], columns.place[mine], hours)
        add_running(builder, instance, columns, rows, planned_chips(instance))

    def _add_links(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> None:
        mine = np.flatnonzero(runs_in_replicas(instance, columns.workload, columns.pool))
        model = instance.workloads.model.codes[columns.workload[mine]]
        most = columns.window_mtok[columns.workload[mine], columns.period[mine]]
        hours = instance.routes.chip_hours_per_mtok[columns.route[mine]] * most
        one = planned_chips(instance)[model, columns.pool[mine]] * instance.period_hours
        cells = (model, columns.pool[mine], columns.period[mine])
        together = np.zeros(columns.replicas.shape)
        np.add.at(together, cells, hours)
        small = (hours < one) & (together[cells] < FEW * one)
        if not bool(small.any()):
            return
        mine, model, most = mine[small], model[small], most[small]
        rows = builder.rows("replica_link", len(mine), upper=0.0)
        builder.add(rows, columns.place[mine], 1.0)
        running = columns.replicas[model, columns.pool[mine], columns.period[mine]]
        builder.add(rows, running, -most)

    def _add_covers(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> None:
        workloads = instance.workloads
        alone = np.bincount(workloads.model.codes, minlength=len(instance.model_names)) == 1
        mine = alone[workloads.model.codes] & (workloads.deadline_periods == 0)
        fluid = ~runs_in_replicas(instance, columns.workload, columns.pool)
        mine[columns.workload[fluid]] = False
        covered = mine[:, None] & (columns.unserved >= 0)
        if not bool(covered.any()):
            return
        rows = np.full(covered.shape, -1, np.int32)
        demand = instance.demand_mtok[covered]
        rows[covered] = builder.rows("replica_cover", len(demand), lower=demand)
        builder.add(rows[covered], columns.unserved[covered], 1.0)
        row = rows[columns.workload, columns.period]
        known = np.flatnonzero(row >= 0)
        model, pool = workloads.model.codes[columns.workload[known]], columns.pool[known]
        most = planned_chips(instance)[model, pool] * instance.period_hours
        most = most / instance.routes.chip_hours_per_mtok[columns.route[known]]
        builder.add(row[known], columns.replicas[model, pool, columns.period[known]], most)

    def _add_least(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns, rows: Index
    ) -> None:
        least = least_replicas(instance)
        bound = np.flatnonzero(least > 0)
        if len(bound) == 0:
            return
        periods = instance.num_periods
        lower = np.repeat(least[bound].astype(np.float64), periods)
        claimed = builder.rows("min_replicas", len(lower), lower=lower)
        rows[bound] = claimed.reshape(-1, periods)
        model, pool, period = np.nonzero((columns.replicas >= 0) & (least > 0)[:, None, None])
        builder.add(rows[model, period], columns.replicas[model, pool, period], 1.0)


def add_running(
    builder: ProgramBuilder, instance: Instance, columns: Columns, rows: Index, chips: Float
) -> None:
    """Add ``- chips (H n - startup_hours s)`` to rows: the work that replicas can do.

    Parameters
    ----------
    rows : (M, P, T) rows, -1 where there is none.
    chips : (M, P) chips of one replica that count.
    """
    model, pool, period = np.nonzero((rows >= 0) & (columns.replicas >= 0))
    row = rows[model, pool, period]
    builder.add(
        row, columns.replicas[model, pool, period], -chips[model, pool] * instance.period_hours
    )
    hours = of_pairs(instance, instance.replicas.startup_hours)
    slow = (columns.starts[model, pool, period] >= 0) & (hours[model, pool] > 0)
    model, pool, period = model[slow], pool[slow], period[slow]
    lost = chips[model, pool] * hours[model, pool]
    builder.add(row[slow], columns.starts[model, pool, period], lost)
