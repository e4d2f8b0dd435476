"""The pricing sweep: which ways of each workload and period come near the best at prices.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = periods,
k = routes of one workload, n = ways found. Periods are innermost, as in the other sweeps.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel

NOTHING = -3
"""There is no demand."""
SEVERAL = -2
"""More than one way is near the best."""
GIVE_UP = -1
"""Giving up is the only way near the best."""


@kernel
def near_ways(  # type: ignore[no-untyped-def]
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, scale, slack,
    demand, period, begin, end, value, only, found_workload, found_position, found_route,
):  # fmt: skip
    """Ways within a slack of the best, of the workloads ``begin`` ... ``end - 1``.

    Parameters
    ----------
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, demand, period :
        as for :func:`~optimizer.kernels.soft_minimum.soft_minimum`.
    scale : (w,) USD per Mtok that slack is a part of.
    slack : (t,) part of ``scale`` by which a way may miss the best.
    value : (t,) USD of the best ways, added to.
    only : (w, t) the answer: the one route that is near, or one of the three names above.
    found_workload, found_position, found_route : (n,) where there are several, the routes
        among them: workload, position on t, route. Filled as far as they go.

    Returns
    -------
    How many were found; more than n when the arrays were too short.
    """
    periods = pool_usd.shape[1]
    most = 0
    for w in range(begin, end):
        most = max(most, first_route[w + 1] - first_route[w])
    cost = np.empty((most, periods))
    best = np.empty(periods)
    edge = np.empty(periods)
    count = np.empty(periods, np.int32)
    found, room = 0, len(found_route)
    for w in range(begin, end):
        first, routes = first_route[w], first_route[w + 1] - first_route[w]
        top, unit, mine = ceiling[w], scale[w], only[w]
        for t in range(periods):
            best[t] = top
        for k in range(routes):
            usd, hours = route_usd[first + k], chip_hours[first + k]
            price, line = pool_usd[route_pool[first + k]], cost[k]
            for t in range(opens[first + k]):
                line[t] = np.inf
            for t in range(opens[first + k], periods):
                c = usd + hours * price[t]
                line[t] = c
                best[t] = c if c < best[t] else best[t]
        for t in range(periods):
            edge[t] = best[t] + slack[t] * unit
            count[t] = 1 if top <= edge[t] else 0
            mine[t] = GIVE_UP
        for k in range(routes):
            line = cost[k]
            for t in range(periods):
                inside = line[t] <= edge[t]
                count[t] += 1 if inside else 0
                mine[t] = first + k if inside else mine[t]
        several = False
        for t in range(periods):
            d = demand[w, period[t]]
            if d == 0.0:
                mine[t] = NOTHING
                continue
            value[t] += d * best[t]
            if count[t] > 1:
                mine[t] = SEVERAL
                several = True
        if not several:
            continue
        for k in range(routes):
            line = cost[k]
            for t in range(periods):
                if mine[t] == SEVERAL and line[t] <= edge[t]:
                    if found < room:
                        found_workload[found] = w
                        found_position[found] = t
                        found_route[found] = first + k
                    found += 1
    return found
