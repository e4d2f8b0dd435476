"""The smoothed sweep: each workload divides itself over ways near its best, and slopes are known.

Letters and layout are those of :mod:`~optimizer.kernels.near_ways`.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel
from optimizer.kernels.lanes import any_late, decay, hits, logarithms
from optimizer.kernels.near_ways import candidates, price_ways, span


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
    most, low, high = span(first_route, pool_usd, begin, end)
    late = any_late(opens, first_route[begin], first_route[end])
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
        count = candidates(
            first_route[w], first_route[w + 1], route_pool, opens, late, period, route_usd,
            chip_hours, low, high, top, out, 0.0, floor, ways,
        )  # fmt: skip
        for t in range(periods):
            best[t] = top
            want[t] = demand[w, period[t]]
        price_ways(
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
