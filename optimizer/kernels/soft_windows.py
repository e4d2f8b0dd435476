"""The smooth sweep where prices have several parts and tokens may wait.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = periods,
c = limits that count more than chip-hours, d = all that has a price: pools, then these limits,
n = ways kept, l = workloads that may wait.

Workloads that may wait choose a period as they choose a pool (`windows.py`).
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import inner, kernel
from optimizer.kernels.lanes import any_late, decay, hits, logarithms
from optimizer.kernels.windows import ROWS, means, spread


@inner
def _candidates(  # type: ignore[no-untyped-def]
    begin, end, route_pool, route_usd, chip_hours, extra, low, high, top, out, floor, ways
):
    """Write the routes that may be within ``out`` of the best to ``ways``; how many there are.

    Parameters
    ----------
    low, high : (d,) least and greatest price over the periods.
    top : USD per Mtok of giving up.
    floor : (k,) space for the least cost of each route.
    """
    limits = len(extra)
    pools = len(low) - limits
    best = top
    for k in range(end - begin):
        r = begin + k
        usd, hours, p = route_usd[r], chip_hours[r], route_pool[r]
        least, most = usd + hours * low[p], usd + hours * high[p]
        for c in range(limits):
            amount = extra[c, r]
            one, other = amount * low[pools + c], amount * high[pools + c]
            least += one if one < other else other
            most += other if one < other else one
        floor[k] = least
        best = most if most < best else best
    # The sum is taken in another order later: rounding of all that is added is let through.
    edge = best + out + 1e-12 * abs(best)
    count = 0
    for k in range(end - begin):
        ways[count] = begin + k
        count += 1 if floor[k] <= edge else 0
    return count


@kernel
def soft_windows(  # type: ignore[no-untyped-def]
    first_route, route_pool, opens, route_usd, chip_hours, extra, price, ceiling, width, reach,
    demand, deadline, begin, end, value, load, curvature,
    place, mine, last, split, handled, bend, way_first, way_route, way_part,
):  # fmt: skip
    """Add up cost, its slopes and its bends over the workloads ``begin`` ... ``end - 1``.

    Parameters
    ----------
    first_route : (w + 1,) where each workload's routes begin.
    route_pool : (r,) pool.
    opens : (r,) first period in which the route may be used.
    route_usd : (r,) USD per Mtok whatever the prices.
    chip_hours : (r,) chip-hours per Mtok.
    extra : (c, r) what a Mtok counts in each limit beside its chip-hours.
    price : (d, t) USD per chip-hour, infinity where the pool cannot be used, and then per unit
        of each limit.
    ceiling : (w,) USD per Mtok of giving up.
    width : (w,) USD per Mtok, > 0: how far from the best a way still counts.
    reach : ways further than so many widths from the best are taken for nothing.
    demand : (w, t) Mtok arriving.
    deadline : (w,) periods it may wait.
    value : (t,) USD of what arrives, added to.
    load : (d, t) what is taken, added to: the slope of value by price.
    curvature : (d, d, t) minus the second derivatives of value by prices of the same period,
        added to; only where the first is not above the second.
    place : (w,) row of each workload that may wait in what is kept, -1 for all others.
    mine, last, split : (l, t) parts of the means.
    handled : (l, t) Mtok handled in the period.
    bend : (l, t) handled less the sum of q squared over what arrives.
    way_first : (l + 1,) where the ways of each begin.
    way_route, way_part : (n,) ways near the best in any period, and (n, t) the part of what is
        handled that takes them; filled as far as they go.

    Returns
    -------
    How many ways were kept; n must be as long as the routes of those that may wait.
    """
    limits, periods = len(extra), price.shape[1]
    pools = len(price) - limits
    most = 1
    for w in range(begin, end):
        most = max(most, first_route[w + 1] - first_route[w])
    low, high = np.empty(len(price)), np.empty(len(price))
    for p in range(len(price)):
        low[p], high[p] = price[p].min(), price[p].max()
    cost, weight = np.empty((most, periods)), np.empty((most, periods))
    counted = np.empty((limits, periods))
    floor, ways, hit = np.empty(most), np.empty(most, np.int64), np.empty(most, np.int64)
    best, edge, soft = np.empty(periods), np.empty(periods), np.empty(periods)
    total, rate, less = np.empty(periods), np.empty(periods), np.empty(periods)
    now, bent, want = np.empty(periods), np.empty(periods), np.empty(periods)
    level, window, scratch = np.empty(periods), np.empty(periods), np.empty(periods)
    own_part, last_part = np.empty(periods), np.empty(periods)
    split_part = np.empty(periods)
    space = np.empty((ROWS, periods))
    bits, own_bits = total.view(np.int64), space[0].view(np.int64)
    kept = 0
    for w in range(begin, end):
        top, s, wait = ceiling[w], width[w], deadline[w]
        row, out = place[w], reach * s
        begin_route, end_route = first_route[w], first_route[w + 1]
        if any_late(opens, begin_route, end_route):
            count = end_route - begin_route
            for k in range(count):
                ways[k] = begin_route + k
        else:
            count = _candidates(
                begin_route, end_route, route_pool, route_usd, chip_hours, extra, low, high,
                top, out, floor, ways,
            )  # fmt: skip
        for t in range(periods):
            best[t] = top
            want[t] = demand[w, t]
        for k in range(count):
            r = ways[k]
            own, usd, hours, mark = cost[k], route_usd[r], chip_hours[r], opens[r]
            unit = price[route_pool[r]]
            for t in range(periods):
                own[t] = usd + hours * unit[t]
            for c in range(limits):
                amount, unit = extra[c, r], price[pools + c]
                for t in range(periods):
                    own[t] += amount * unit[t]
            for t in range(mark):
                own[t] = np.inf
            for t in range(periods):
                best[t] = own[t] if own[t] < best[t] else best[t]
        torn = 0
        for t in range(periods):
            edge[t] = best[t] + out
            torn += 1 if top <= edge[t] else 0
        lines, cells = hits(cost, count, edge, hit)
        alone = torn + cells == periods
        for t in range(periods):
            total[t] = 0.0
        if torn > 0:
            for t in range(periods):
                inside = top <= edge[t]
                e = decay((best[t] - top) / s / 256.0 if inside else 0.0)
                total[t] = e if inside else 0.0
        for i in range(lines):
            line, part = cost[hit[i]], weight[i]
            for t in range(periods):
                inside = line[t] <= edge[t]
                e = decay((best[t] - line[t]) / s / 256.0 if inside else 0.0)
                e = e if inside else 0.0
                part[t] = e
                total[t] += e
        if not alone:
            for i in range(lines):
                part = weight[i]
                for t in range(periods):
                    part[t] /= total[t]
            logarithms(total, bits, scratch, level)
            for t in range(periods):
                soft[t] = best[t] - s * level[t]
        else:
            for t in range(periods):
                soft[t] = best[t]
        if wait == 0:
            for t in range(periods):
                value[t] += want[t] * soft[t]
                now[t], bent[t] = want[t], 0.0
        else:
            for t in range(periods):
                level[t] = -soft[t] / s
            span = wait + 1
            means(level, span, own_part, last_part, split_part, window, space, own_bits)
            spread(want, span, own_part, last_part, split_part, 2, level, bent)
            spread(want, span, own_part, last_part, split_part, 1, level, now)
            for t in range(periods):
                value[t] -= want[t] * s * window[t]
                bent[t] = now[t] - bent[t]
                mine[row, t], last[row, t] = own_part[t], last_part[t]
                split[row, t] = split_part[t]
                handled[row, t], bend[row, t] = now[t], bent[t]
            way_first[row] = kept
            for i in range(lines):
                way_route[kept] = ways[hit[i]]
                part, copy = weight[i], way_part[kept]
                for t in range(periods):
                    copy[t] = part[t]
                kept += 1
            way_first[row + 1] = kept
        for c in range(limits):
            for t in range(periods):
                counted[c, t] = 0.0
        for t in range(periods):
            rate[t] = now[t] / s
            less[t] = bent[t] / s - rate[t]
        straight = alone and wait == 0
        for i in range(lines):
            r, part = ways[hit[i]], weight[i]
            p, hours = route_pool[r], chip_hours[r]
            to = load[p]
            for t in range(periods):
                to[t] += now[t] * part[t] * hours
            for c in range(limits):
                amount, sum_of = extra[c, r], counted[c]
                for t in range(periods):
                    sum_of[t] += part[t] * amount
            if straight:
                continue
            own = curvature[p, p]
            for t in range(periods):
                scratch[t] = rate[t] * part[t]
                own[t] += scratch[t] * hours * hours
            for c in range(limits):
                own = curvature[p, pools + c]
                for t in range(periods):
                    own[t] += scratch[t] * hours * extra[c, r]
                for e in range(c + 1):
                    own = curvature[pools + e, pools + c]
                    for t in range(periods):
                        own[t] += scratch[t] * extra[e, r] * extra[c, r]
            for t in range(periods):
                scratch[t] = less[t] * part[t] * hours
            for j in range(i + 1):
                other, its_hours = weight[j], chip_hours[ways[hit[j]]]
                own = curvature[route_pool[ways[hit[j]]], p]
                for t in range(periods):
                    own[t] += scratch[t] * other[t] * its_hours
        for c in range(limits):
            to, sum_of = load[pools + c], counted[c]
            for t in range(periods):
                to[t] += now[t] * sum_of[t]
            if straight:
                continue
            for t in range(periods):
                scratch[t] = less[t] * sum_of[t]
            for i in range(lines):
                other, its_hours = weight[i], chip_hours[ways[hit[i]]]
                own = curvature[route_pool[ways[hit[i]]], pools + c]
                for t in range(periods):
                    own[t] += scratch[t] * other[t] * its_hours
            for e in range(c + 1):
                own, other = curvature[pools + e, pools + c], counted[e]
                for t in range(periods):
                    own[t] += scratch[t] * other[t]
    return kept
