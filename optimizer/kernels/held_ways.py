"""A sweep from a solution: who has a way as near the best as the one it has.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = some periods,
k = routes of one workload, n = ways found. Names and layout are those of
:mod:`~optimizer.kernels.near_ways`. A solution that is nearly right is not written down again:
only cells that may change are found.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel
from optimizer.kernels.lanes import any_late, write_ways
from optimizer.kernels.near_ways import GIVE_UP, NOTHING, near_best, span

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
        far as they go, by workload, in each place by route.

    Returns
    -------
    How many were found; more than n when the arrays were too short.
    """
    periods = pool_usd.shape[1]
    if periods == 0 or begin == end:
        return 0
    most, low, high = span(first_route, pool_usd, begin, end)
    late = any_late(opens, first_route[begin], first_route[end])
    low_usd, ways, hit = np.empty(most), np.empty(most, np.int64), np.empty(most, np.int64)
    cost = np.empty((most, periods))
    best, edge, want = np.empty(periods), np.empty(periods), np.empty(periods)
    mine, near = np.empty(periods, np.int64), np.empty(periods, np.int64)
    loose = np.empty(periods, np.int64)
    found, room, widest, highest = 0, len(found_route), slack.max(), floor.max()
    for w in range(begin, end):
        top, unit = ceiling[w], scale[w]
        for t in range(periods):
            want[t] = demand[w, period[t]]
        lines = near_best(
            w, first_route, route_pool, opens, late, period, route_usd, chip_hours, pool_usd, low,
            high, top, unit, slack, floor, widest, highest, value, want, best, edge, near, mine,
            cost, low_usd, ways, hit,
        )  # fmt: skip
        count = 0
        for t in range(periods):
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
                    loose[count] = t
                    count += 1
                    continue
            settled_usd[t] += want[t] * best[t]
            if r >= 0:
                load[route_pool[r], t] += chip_hours[r] * want[t]
        found = write_ways(
            w, loose, count, edge, cost, ways, hit, lines, place, found, found_workload,
            found_position, found_route,
        )  # fmt: skip
        for n in range(count):
            t = loose[n]
            if mine[t] == GIVE_UP:
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
