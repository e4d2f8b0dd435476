"""Pools that no rule tells apart: any plan can swap them, and only one order is looked at.

Pools are equal when prices, chips, fee, power, groups, routes and their costs agree and no
limit, contract or replica in force names one of them alone. Exchanging all that runs on two of
them changes neither cost nor rules. So among plans of one cost there is one in which the fee of
an earlier pool is paid whenever that of a later one is (F. Margot, "Symmetry in integer linear
programming", in "50 Years of Integer Programming 1958-2008", Springer 2010, ch. 17).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Index = NDArray[np.int64]


def equal_pools(instance: Instance, among: Index) -> Iterator[Index]:
    """Groups of two or more equal pools, each in ascending order.

    Parameters
    ----------
    among : pools to look at.
    """
    groups: dict[tuple[bytes | str | float, ...], list[int]] = {}
    alone = _named_alone(instance)
    order = np.lexsort((instance.routes.workload, instance.routes.pool))
    starts = np.searchsorted(instance.routes.pool[order], np.arange(instance.num_pools + 1))
    for pool in among.tolist():
        if not alone[pool]:
            routes = order[starts[pool] : starts[pool + 1]]
            groups.setdefault(_traits(instance, pool, routes), []).append(pool)
    for group in groups.values():
        if len(group) > 1:
            yield np.array(group, np.int64)


def _traits(instance: Instance, pool: int, routes: Index) -> tuple[bytes | str | float, ...]:
    """Everything that rules and costs know of a pool."""
    pools, table = instance.pools, instance.routes
    return (
        pools.provider[pool],
        pools.chip[pool],
        pools.region[pool],
        pools.purchase[pool],
        float(pools.activation_usd[pool]),
        np.float64(pools.watts_per_chip[pool]).tobytes(),
        instance.price_usd_per_chip_hour[pool].tobytes(),
        instance.capacity_chips[pool].tobytes(),
        table.workload[routes].tobytes(),
        table.chip_hours_per_mtok[routes].tobytes(),
        table.usd_per_mtok[routes].tobytes(),
    )


def _named_alone(instance: Instance) -> NDArray[np.bool_]:
    """(P,) pools that a limit, a contract or replicas in force name by themselves."""
    named = np.zeros(instance.num_pools, np.bool_)
    named[instance.contracts.pool] = True
    named[instance.in_force.pool] = True
    for table in (instance.shares, instance.outages, instance.power):
        single = table.attribute.equal("pool")
        names = {table.value[row] for row in np.flatnonzero(single).tolist()}
        named |= np.array([name in names for name in instance.pools.pool], np.bool_)
    return named
