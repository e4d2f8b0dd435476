"""Sweeps over the ways of every workload that come near its best at prices.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = some periods,
k = routes of one workload, n = ways found. Periods are innermost, so that they are the SIMD
lanes. Hours per Mtok are above 0, so a route's cost rises with its pool's price: at the least
and the greatest price of the periods most routes of a workload are known to be near the best
in none of them, and are not looked at.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import inner, kernel
from optimizer.kernels.lanes import any_late, decay, hits, logarithms, write_ways

NOTHING = -3
"""There is no demand."""
SEVERAL = -2
"""More than one way is near the best."""
GIVE_UP = -1
"""Giving up is the only way near the best."""


@inner
def _candidates(  # type: ignore[no-untyped-def]
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
def _price(  # type: ignore[no-untyped-def]
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


@kernel
def soft_minimum(  # type: ignore[no-untyped-def]
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, width, reach,
    demand, period, begin, end, value, load, curvature,
):  # fmt: skip
    """Add up cost, its slopes and its bends over the workloads ``begin`` ... ``end - 1``.

    The cost of a Mtok is the soft-min of the costs ``c_k`` of its ways, with width s
    ``-s log sum_k exp(-c_k / s)``; its slopes are the weights ``exp(-c_k / s) / sum``
    (Y. Nesterov, "Smooth minimization of non-smooth functions", Mathematical Programming 103,
    2005).

    Parameters
    ----------
    first_route : (w + 1,) where each workload's routes begin.
    route_pool : (r,) pool.
    opens : (r,) first period in which the route may be used.
    route_usd : (r,) USD per Mtok whatever the period.
    chip_hours : (r,) chip-hours per Mtok, > 0.
    pool_usd : (p, t) USD per chip-hour; infinity where the pool cannot be used.
    ceiling : (w,) USD per Mtok of giving up.
    width : (w,) USD per Mtok, > 0: how far from the best a way still counts.
    reach : ways further than so many widths from the best are taken for nothing; at most
        ``FARTHEST`` of :mod:`~optimizer.kernels.lanes`.
    demand : (w, all periods) Mtok.
    period : (t,) which of them are meant, ascending.
    value : (t,) USD, added to.
    load : (p, t) chip-hours, added to: the slope of value by price.
    curvature : (p, p, t) minus the second derivatives of value by price, added to; only where
        the first pool is not above the second.
    """
    periods = pool_usd.shape[1]
    if periods == 0 or begin == end:
        return
    most = 0
    for w in range(begin, end):
        most = max(most, first_route[w + 1] - first_route[w])
    late = any_late(opens, first_route[begin], first_route[end])
    low, high = np.empty(len(pool_usd)), np.empty(len(pool_usd))
    for p in range(len(pool_usd)):
        low[p], high[p] = pool_usd[p].min(), pool_usd[p].max()
    floor, ways, hit = np.empty(most), np.empty(most, np.int64), np.empty(most, np.int64)
    cost, weight = np.empty((most, periods)), np.empty((most, periods))
    best, edge, want = np.empty(periods), np.empty(periods), np.empty(periods)
    total, inverse, log, used = (
        np.empty(periods), np.empty(periods), np.empty(periods), np.empty(periods),
    )  # fmt: skip
    bits = total.view(np.int64)
    for w in range(begin, end):
        top, s = ceiling[w], width[w]
        out = reach * s
        count = _candidates(
            first_route[w], first_route[w + 1], route_pool, opens, late, period, route_usd,
            chip_hours, low, high, top, out, 0.0, floor, ways,
        )  # fmt: skip
        for t in range(periods):
            best[t] = top
            want[t] = demand[w, period[t]]
        _price(
            ways, count, route_pool, opens, late, period, route_usd, chip_hours, pool_usd, cost,
            best,
        )  # fmt: skip
        torn = 0
        for t in range(periods):
            edge[t] = best[t] + out
            torn += 1 if top <= edge[t] else 0
        lines, cells = hits(cost, count, edge, hit)
        if torn + cells == periods:
            # One way each: slopes, and no bends.
            for t in range(periods):
                value[t] += want[t] * best[t]
            for i in range(lines):
                r, line = ways[hit[i]], cost[hit[i]]
                hours, to = chip_hours[r], load[route_pool[r]]
                for t in range(periods):
                    to[t] += hours * want[t] if line[t] <= edge[t] else 0.0
            continue
        part_of_width = 1.0 / (256.0 * s)
        for t in range(periods):
            total[t] = 0.0
        if torn > 0:
            for t in range(periods):
                inside = top <= edge[t]
                e = decay((best[t] - top) * part_of_width if inside else 0.0)
                total[t] = e if inside else 0.0
        for i in range(lines):
            line, mine = cost[hit[i]], weight[i]
            for t in range(periods):
                inside = line[t] <= edge[t]
                e = decay((best[t] - line[t]) * part_of_width if inside else 0.0)
                e = e if inside else 0.0
                mine[t] = e
                total[t] += e
        for t in range(periods):
            inverse[t] = 1.0 / total[t]
        logarithms(total, bits, used, log)
        for t in range(periods):
            value[t] += want[t] * (best[t] - s * log[t])
        for i in range(lines):
            r, mine = ways[hit[i]], weight[i]
            p, hours = route_pool[r], chip_hours[r]
            to, own = load[p], curvature[p, p]
            for t in range(periods):
                mine[t] *= inverse[t] * hours
                used[t] = want[t] * mine[t]
                to[t] += used[t]
                used[t] /= s
                own[t] += used[t] * hours
            for j in range(i + 1):
                bend, other = curvature[route_pool[ways[hit[j]]], p], weight[j]
                for t in range(periods):
                    bend[t] -= used[t] * other[t]


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
    most = 0
    for w in range(begin, end):
        most = max(most, first_route[w + 1] - first_route[w])
    late = any_late(opens, first_route[begin], first_route[end])
    low, high = np.empty(len(pool_usd)), np.empty(len(pool_usd))
    for p in range(len(pool_usd)):
        low[p], high[p] = pool_usd[p].min(), pool_usd[p].max()
    floor, ways, hit = np.empty(most), np.empty(most, np.int64), np.empty(most, np.int64)
    cost = np.empty((most, periods))
    best, edge, want = np.empty(periods), np.empty(periods), np.empty(periods)
    mine, near = np.empty(periods, np.int64), np.empty(periods, np.int64)
    torn = np.empty(periods, np.int64)
    found, widest = 0, slack.max()
    for w in range(begin, end):
        top, unit = ceiling[w], scale[w]
        count = _candidates(
            first_route[w], first_route[w + 1], route_pool, opens, late, period, route_usd,
            chip_hours, low, high, top, widest * unit, 0.0, floor, ways,
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
            edge[t] = best[t] + slack[t] * unit
            near[t] = 1 if top <= edge[t] else 0
            mine[t] = GIVE_UP
        lines, _ = hits(cost, count, edge, hit)
        for i in range(lines):
            r, line = ways[hit[i]], cost[hit[i]]
            for t in range(periods):
                inside = line[t] <= edge[t]
                near[t] += 1 if inside else 0
                mine[t] = r if inside else mine[t]
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
