"""Sweeps over the ways of every workload that come near its best at prices.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = some periods,
k = routes of one workload, n = ways found. Periods are innermost, so that they are the SIMD
lanes. Hours per Mtok are above 0, so a route's cost rises with its pool's price: at the least
and the greatest price of the periods most routes of a workload are known to be near the best
in none of them, and are not looked at.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import inlined, inner, kernel
from optimizer.kernels.lanes import any_late, hits, write_ways

NOTHING = -3
"""There is no demand."""
SEVERAL = -2
"""More than one way is near the best."""
GIVE_UP = -1
"""Giving up is the only way near the best."""


@inner
def candidates(  # type: ignore[no-untyped-def]
    begin, end, route_pool, opens, late, period, route_usd, chip_hours, low, high, top, out,
    part, floor, ways,
):  # fmt: skip
    """Write the routes that may be as near the best as asked to ``ways``; how many there are.

    No rounding is lost: sums and products are monotone in float64 as well.

    Parameters
    ----------
    late : whether any route opens after the first period.
    low, high : (p,) least and greatest price over the periods.
    top : USD per Mtok of giving up.
    out, part : how far from the best is asked for: USD per Mtok, and a part of the best.
    floor : (k,) space for the least cost of each route.
    """
    one, two = top, top
    if late:
        for k in range(end - begin):
            r = begin + k
            usd, hours, p = route_usd[r], chip_hours[r], route_pool[r]
            floor[k] = usd + hours * low[p]
            if opens[r] <= period[0]:
                c = usd + hours * high[p]
                one = c if c < one else one
            elif opens[r] > period[len(period) - 1]:
                floor[k] = np.inf
    else:
        # Two running minima, because each waits for the one before.
        even = (end - begin) // 2 * 2
        for k in range(0, even, 2):
            r = begin + k
            usd, hours, p = route_usd[r], chip_hours[r], route_pool[r]
            floor[k] = usd + hours * low[p]
            c = usd + hours * high[p]
            one = c if c < one else one
            usd, hours, p = route_usd[r + 1], chip_hours[r + 1], route_pool[r + 1]
            floor[k + 1] = usd + hours * low[p]
            c = usd + hours * high[p]
            two = c if c < two else two
        for k in range(even, end - begin):
            r = begin + k
            usd, hours, p = route_usd[r], chip_hours[r], route_pool[r]
            floor[k] = usd + hours * low[p]
            c = usd + hours * high[p]
            one = c if c < one else one
    best = min(one, two)
    edge = best + out + part * abs(best)
    count = 0
    for k in range(end - begin):
        ways[count] = begin + k
        count += 1 if floor[k] <= edge else 0
    return count


@inner
def price_ways(  # type: ignore[no-untyped-def]
    ways, count, route_pool, opens, late, period, route_usd, chip_hours, pool_usd, cost, best
):
    """Cost (k, t) of some routes, infinity while they are closed; lowers ``best`` (t,) to it."""
    periods = len(best)
    for k in range(count):
        r = ways[k]
        usd, hours, price, line = route_usd[r], chip_hours[r], pool_usd[route_pool[r]], cost[k]
        if late and opens[r] > period[0]:
            for t in range(periods):
                c = usd + hours * price[t]
                c = c if period[t] >= opens[r] else np.inf
                line[t] = c
                best[t] = c if c < best[t] else best[t]
        else:
            for t in range(periods):
                c = usd + hours * price[t]
                line[t] = c
                best[t] = c if c < best[t] else best[t]


@inner
def span(first_route, pool_usd, begin, end):  # type: ignore[no-untyped-def]
    """Most routes of one of these workloads, and least and greatest price (p,) over the periods."""
    most = 0
    for w in range(begin, end):
        most = max(most, first_route[w + 1] - first_route[w])
    low, high = np.empty(len(pool_usd)), np.empty(len(pool_usd))
    for p in range(len(pool_usd)):
        low[p], high[p] = pool_usd[p].min(), pool_usd[p].max()
    return most, low, high


@inlined
def near_best(  # type: ignore[no-untyped-def]
    w, first_route, route_pool, opens, late, period, route_usd, chip_hours, pool_usd, low, high,
    top, unit, slack, floor, widest, highest, value, want, best, edge, near, mine, cost, low_usd,
    ways, hit,
):  # fmt: skip
    """Price the ways of one workload, and find in each period those that are near the best.

    Parameters
    ----------
    top, unit : USD per Mtok of giving up, and what slack is a part of at most.
    slack, floor : (t,) part of the best way's cost by which others may miss it, and of ``unit``
        on top.
    widest, highest : the greatest of these.
    value : (t,) USD of the best ways, added to.
    want : (t,) Mtok.
    best, edge : (t,) the answer: USD per Mtok of the best way, and up to which others are near.
    near, mine : (t,) the answer: how many are near, and the last route that is, or ``GIVE_UP``.
    cost, low_usd, ways, hit : space; afterwards routes ``ways[hit[i]]`` are somewhere near and cost
        ``cost[hit[i]]`` (t,).

    Returns
    -------
    How many routes are somewhere near.
    """
    periods = len(best)
    count = candidates(
        first_route[w], first_route[w + 1], route_pool, opens, late, period, route_usd,
        chip_hours, low, high, top, highest * unit, widest, low_usd, ways,
    )  # fmt: skip
    for t in range(periods):
        best[t] = top
    price_ways(
        ways, count, route_pool, opens, late, period, route_usd, chip_hours, pool_usd, cost, best
    )
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
    return lines


@kernel
def near_ways(  # type: ignore[no-untyped-def]
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, scale, slack,
    demand, period, place, begin, end, value, only, found_workload, found_position, found_route,
):  # fmt: skip
    """Ways within a slack of the best, of the workloads ``begin`` ... ``end - 1``.

    Parameters
    ----------
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, demand, period :
        as for :func:`soft_minimum`.
    scale : (w,) USD per Mtok that slack is a part of.
    slack : (t,) part of ``scale`` by which a way may miss the best.
    place : (t,) positions of the periods in the answers.
    value : (t,) USD of the best ways, added to.
    only : (w, places) the answer: the one route that is near, or one of the three names above.
    found_workload, found_position, found_route : (n,) where there are several, the routes
        among them: workload, place, route. Filled as far as they go, sorted by workload, then
        route, then place.

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
    torn, none = np.empty(periods, np.int64), np.zeros(periods)
    found, widest = 0, slack.max()
    for w in range(begin, end):
        for t in range(periods):
            want[t] = demand[w, period[t]]
        lines = near_best(
            w, first_route, route_pool, opens, late, period, route_usd, chip_hours, pool_usd, low,
            high, ceiling[w], scale[w], none, slack, 0.0, widest, value, want, best, edge, near,
            mine, cost, low_usd, ways, hit,
        )  # fmt: skip
        several = 0
        for t in range(periods):
            if want[t] == 0.0:
                mine[t] = NOTHING
            elif near[t] > 1:
                mine[t] = SEVERAL
                torn[several] = t
                several += 1
            only[w, place[t]] = mine[t]
        found = write_ways(
            w, torn, several, edge, cost, ways, hit, lines, place, found, found_workload,
            found_position, found_route,
        )  # fmt: skip
    return found
