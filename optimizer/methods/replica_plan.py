"""From placements on the lanes of each model to a plan of the instance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.overflow import Placements
from optimizer.methods.replica_market import ReplicaMarket
from optimizer.plan import Cells, Plan, from_cells

Float = NDArray[np.float64]
Index = NDArray[np.int32]

SPECK = 1e-11
"""Part of its demand that counts as served: rounding."""
HAIR = 1 - 2.0**-51
"""A little less, so that the sum of scaled parts stays below a limit as well."""


def as_plan(
    instance: Instance,
    fleet: ReplicaMarket,
    count: Float,
    placed: Mapping[int, tuple[Placements, Index]],
) -> Plan:
    """The plan, with rounding taken out: no lane over its limit, nothing below zero.

    Parameters
    ----------
    count : (M, P, T) replicas.
    placed : of each model what it places, its workloads and routes counted by themselves, and
        the instance's route of each of these.
    """
    table = instance.routes
    rows, replicas = instance.replica_rows, instance.replicas
    workload, pool, period, mtok = [], [], [], []
    for model, (found, route) in placed.items():
        target = np.ones(instance.num_pools)
        whole = fleet.whole[model]
        target[whole] = replicas.target_utilisation[rows[model, whole]]
        limit = (fleet.unit[model] * target)[:, None] * count[model]
        where = route[found.route]
        lane = table.pool[where].astype(np.int64)
        cell = lane * instance.num_periods + found.period
        hours = table.chip_hours_per_mtok[where] * found.mtok
        load = np.bincount(cell, hours, minlength=limit.size).reshape(limit.shape)
        over = load > limit
        share = np.where(over, limit / np.where(over, load, 1.0) * HAIR, 1.0)
        workload.append(fleet.members[model][found.workload])
        pool.append(lane)
        period.append(found.period)
        mtok.append(found.mtok * share[lane, found.period])
    who, when, amount = (np.concatenate(parts) for parts in (workload, period, mtok))
    shape = instance.demand_mtok.shape
    served = np.bincount(who * np.int64(shape[1]) + when, amount, minlength=shape[0] * shape[1])
    rest = instance.demand_mtok - served.reshape(shape)
    rest[rest <= SPECK * instance.demand_mtok] = 0.0
    return from_cells(
        instance,
        who.astype(np.int32),
        np.concatenate(pool).astype(np.int32),
        when.astype(np.int32),
        amount,
        rest,
        replicas=Cells.of_dense(np.where(fleet.whole[:, :, None], count, 0.0)),
    )
