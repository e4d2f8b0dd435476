"""The settling sweep: who has one way alone near the best at prices of several parts, and who not.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = periods,
g = what a Mtok takes of its pool, k = routes of one workload, n = ways found.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel
from optimizer.kernels.near_ways import GIVE_UP, NOTHING, SEVERAL


@kernel
def settle_ways(  # type: ignore[no-untyped-def]
    first_route, route_pool, opens, route_usd, takes, price, ceiling, scale, slack, demand,
    period, begin, end, only, load, found_workload, found_position, found_route,
):  # fmt: skip
    """Ways within a slack of the best, of the workloads ``begin`` ... ``end - 1``.

    Parameters
    ----------
    first_route, route_pool, route_usd, ceiling : as in :mod:`optimizer.kernels.soft_windows`.
    opens : (r,) first position on t in which the route may be used.
    takes : (g, r) what a Mtok takes of its pool.
    price : (g, p, t) USD per unit of it; infinity where the pool cannot be used.
    scale : (w,) USD per Mtok that slack is a part of.
    slack : (t,) part of ``scale`` by which a way may miss the best.
    demand : (w, all periods) Mtok handled.
    period : (t,) which of them are meant.
    only : (w, all periods) the answer: the one route that is near, or a name of
        :mod:`optimizer.kernels.near_ways`.
    load : (g, p, t) what those with one way take, added to.
    found_workload, found_position, found_route : (n,) where there are several, the routes
        among them: workload, position on t, route. Filled as far as they go.

    Returns
    -------
    How many were found; more than n when the arrays were too short.
    """
    goods, _, periods = price.shape
    most = 1
    for w in range(begin, end):
        most = max(most, first_route[w + 1] - first_route[w])
    cost = np.empty((most, periods))
    best, edge = np.empty(periods), np.empty(periods)
    count = np.empty(periods, np.int32)
    mine = np.empty(periods, np.int32)
    found, room = 0, len(found_route)
    for w in range(begin, end):
        first, routes = first_route[w], first_route[w + 1] - first_route[w]
        top, unit = ceiling[w], scale[w]
        for t in range(periods):
            best[t] = top
        for k in range(routes):
            r = first + k
            line, p, mark = cost[k], route_pool[r], opens[r]
            for t in range(periods):
                line[t] = route_usd[r]
            for g in range(goods):
                amount, usd = takes[g, r], price[g, p]
                for t in range(periods):
                    line[t] += amount * usd[t]
            for t in range(mark):
                line[t] = np.inf
            for t in range(periods):
                best[t] = line[t] if line[t] < best[t] else best[t]
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
            elif count[t] > 1:
                mine[t] = SEVERAL
                several = True
            elif mine[t] >= 0:
                for g in range(goods):
                    load[g, route_pool[mine[t]], t] += d * takes[g, mine[t]]
            only[w, period[t]] = mine[t]
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
