"""A sweep from a solution: who has a way as near the best as the one it has.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = some periods,
k = routes of one workload, n = ways found. Names and layout are those of
:mod:`~optimizer.kernels.near_ways`. A solution that is nearly right is not written down again:
only cells that may change are found.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel
from optimizer.kernels.lanes import any_late, hits
from optimizer.kernels.near_ways import GIVE_UP, NOTHING, _candidates, _price

TIED = 1e-12
"""Part of its scale by which a way may miss the best and be as good: rounding."""


@kernel
def held_ways(  # type: ignore[no-untyped-def]
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, scale, slack,
    floor, demand, period, place, begin, end, rank, among, only, value, load, settled_usd,
    found_workload, found_position, found_route,
):  # fmt: skip
    """Ways of the workloads ``begin`` ... ``end - 1`` that may do better than they do.

    Parameters
    ----------
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, scale, demand,
        period, place : as for :func:`~optimizer.kernels.near_ways.near_ways`.
    slack : (t,) part of what the best way costs, or of ``scale`` where that is less, by which
        another may miss it and be near.
    floor : (t,) part of ``scale`` that is added.
    rank : (w,) place of each workload by its size, from 0.
    among : (t,) how many of the largest are found where several ways cost the same; others stay.
    only : (w, all periods) what each does: one route, or a name; ``NOTHING`` is written where there
        is no demand, nothing else is changed.
    value : (t,) USD of the best ways, added to.
    load : (p, t) chip-hours of cells that are not found, added to.
    settled_usd : (t,) what these pay at ``pool_usd``, added to.
    found_workload, found_position, found_route : (n,) ways near the best of the cells that may
        change: workload, place, route; ``GIVE_UP`` where there is no route among them. Filled as
        far as they go, sorted by workload, then route, then place.

    Returns
    -------
    How many were found; more than n when the arrays were too short.
    """
    periods = pool_usd.shape[1]
    if periods == 0 or begin == end:
        return 0
    most = 0
    for w in range(begin, end):
        most = max(most, first_route[w + 1] - first_route[w])
    late = any_late(opens, first_route[begin], first_route[end])
    low, high = np.empty(len(pool_usd)), np.empty(len(pool_usd))
    for p in range(len(pool_usd)):
        low[p], high[p] = pool_usd[p].min(), pool_usd[p].max()
    low_usd, ways, hit = np.empty(most), np.empty(most, np.int64), np.empty(most, np.int64)
    cost = np.empty((most, periods))
    best, edge, want = np.empty(periods), np.empty(periods), np.empty(periods)
    mine, near = np.empty(periods, np.int64), np.empty(periods, np.int64)
    loose = np.empty(periods, np.bool_)
    found, room, widest = 0, len(found_route), slack.max() + floor.max()
    for w in range(begin, end):
        top, unit = ceiling[w], scale[w]
        count = _candidates(
            first_route[w], first_route[w + 1], route_pool, opens, late, period, route_usd,
            chip_hours, low, high, top, widest * unit, low_usd, ways,
        )  # fmt: skip
        for t in range(periods):
            best[t] = top
            want[t] = demand[w, period[t]]
        _price(
            ways, count, route_pool, opens, late, period, route_usd, chip_hours, pool_usd, cost,
            best,
        )  # fmt: skip
        for t in range(periods):
            value[t] += want[t] * best[t]
            edge[t] = best[t] + slack[t] * min(abs(best[t]), unit) + floor[t] * unit
            near[t] = 1 if top <= edge[t] else 0
            mine[t] = GIVE_UP
        lines, _ = hits(cost, count, edge, hit)
        for i in range(lines):
            r, line = ways[hit[i]], cost[hit[i]]
            for t in range(periods):
                inside = line[t] <= edge[t]
                near[t] += 1 if inside else 0
                mine[t] = r if inside else mine[t]
        some = False
        for t in range(periods):
            loose[t] = False
            if want[t] == 0.0:
                only[w, period[t]] = NOTHING
                continue
            r = only[w, period[t]]
            if near[t] > 1 or mine[t] != r:
                settled = False
                if rank[w] >= among[t] and r >= GIVE_UP:
                    usd = top
                    if r >= 0:
                        usd = np.inf
                        if period[t] >= opens[r]:
                            usd = route_usd[r] + chip_hours[r] * pool_usd[route_pool[r], t]
                    settled = usd <= best[t] + TIED * unit
                if not settled:
                    loose[t], some = True, True
                    continue
            settled_usd[t] += want[t] * best[t]
            if r >= 0:
                load[route_pool[r], t] += chip_hours[r] * want[t]
        if not some:
            continue
        for i in range(lines):
            r, line = ways[hit[i]], cost[hit[i]]
            for t in range(periods):
                if loose[t] and line[t] <= edge[t]:
                    if found < room:
                        found_workload[found] = w
                        found_position[found] = place[t]
                        found_route[found] = r
                    found += 1
        for t in range(periods):
            if loose[t] and mine[t] == GIVE_UP:
                if found < room:
                    found_workload[found] = w
                    found_position[found] = place[t]
                    found_route[found] = GIVE_UP
                found += 1
    return found


@kernel
def by_place(position, one, other, begin, to_one, to_other):  # type: ignore[no-untyped-def]
    """Bring two columns together by place; within a place they stay in order.

    Parameters
    ----------
    position : (n,) place of each entry.
    one, other : (n,) the columns.
    begin : (places,) where each place begins; moved to where it ends.
    to_one, to_other : (n,) the answer.
    """
    for j in range(len(position)):
        at = begin[position[j]]
        to_one[at], to_other[at] = one[j], other[j]
        begin[position[j]] = at + 1
