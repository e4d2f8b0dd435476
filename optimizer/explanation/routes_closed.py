"""What closes routes: the pools that a workload cannot use in a period, and the rule behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np

from optimizer.evaluation.openings import route_qualified_from, route_resident
from optimizer.instance.instance import Instance, route_starts


def closings(
    instance: Instance, workload: int, period: int, refused: Mapping[tuple[int, int], str]
) -> dict[int, str]:
    """Why each pool is closed to a workload in a period, by pool; open ones are not named.

    The rule that stands first in the way is told: a price, residency, qualification, a row of
    ``routes``.

    Parameters
    ----------
    refused : why pairs of workload and pool are no routes, where routes are derived.
    """
    table, pools = instance.routes, instance.pools
    starts = route_starts(instance)
    mine = np.arange(starts[workload], starts[workload + 1])
    resident, since = route_resident(instance), route_qualified_from(instance)
    routed = {int(table.pool[route]): int(route) for route in mine.tolist()}
    found = {}
    for pool in range(instance.num_pools):
        if pool not in routed:
            found[pool] = refused.get((workload, pool), "no row in routes")
        elif bool(instance.left_out[pool]):
            found[pool] = "price unknown"
        elif not bool(resident[routed[pool]]):
            found[pool] = f"residency: {pools.region[pool]} is not allowed"
        elif int(since[routed[pool]]) > period:
            found[pool] = _unqualified(instance, workload, pool, int(since[routed[pool]]))
    return found


def _unqualified(instance: Instance, workload: int, pool: int, since: int) -> str:
    model, chip = instance.workloads.model[workload], instance.pools.chip[pool]
    words = f"qualification: {model} is not qualified for {chip}"
    if since >= instance.num_periods:
        return f"{words} within the horizon"
    when = instance.start + timedelta(hours=since * instance.period_hours)
    return f"{words} before period {since} ({when:%Y-%m-%d %H:%M})"
