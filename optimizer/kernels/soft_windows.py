"""The smooth sweep where prices have several parts and tokens may wait.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = periods,
c = limits that count more than chip-hours, d = all that has a price: pools, then these limits,
n = ways kept, l = workloads that may wait.

A workload that may wait chooses a period of its window as it chooses a pool. With the soft-min
f[s] of its ways in period s, what arrives in t goes to s in the part

    q[t,s] = exp(-f[s] / width) / sum over t' in t ... min(t + h, T - 1) of exp(-f[t'] / width)

The windows of all t are looked at in O(T): cut the horizon into blocks of h + 1 periods; a window
is the end of one block and the beginning of the next (M. van Herk, "A fast algorithm for local
minimum and maximum filters on rectangular and octagonal kernels", Pattern Recognition Letters 13,
1992). Both are means that grow by one period at a time, so that nothing overflows:

    end from t   = mine[t] (period t) + (1 - mine[t]) (end from t + 1)
    begin to s   = last[s] (period s) + (1 - last[s]) (begin to s - 1)
    window of t  = split[t] (end from t) + (1 - split[t]) (begin to min(t + h, T - 1))
"""

from __future__ import annotations

import math

import numpy as np

from optimizer.kernels.jit import inner, kernel
from optimizer.kernels.lanes import any_late, decay, hits, logarithms


@inner
def _log_sum(one, other):  # type: ignore[no-untyped-def]
    """log(exp(one) + exp(other))."""
    if one > other:
        return one + math.log1p(math.exp(other - one))
    return other + math.log1p(math.exp(one - other))


@inner
def _means(level, span, mine, last, split, window):  # type: ignore[no-untyped-def]
    """Fill in the three parts of each period, and ``window``: the log-sums of the windows.

    Parameters
    ----------
    level : (t,) -f / width.
    span : h + 1, periods of a window.
    """
    periods = len(level)
    begin = np.empty(periods)
    for t in range(periods):
        begin[t] = level[t] if t % span == 0 else _log_sum(level[t], begin[t - 1])
        last[t] = math.exp(level[t] - begin[t])
    later = 0.0
    for t in range(periods - 1, -1, -1):
        whole = t == periods - 1 or t % span == span - 1
        later = level[t] if whole else _log_sum(level[t], later)
        mine[t] = math.exp(level[t] - later)
        end = min(t + span - 1, periods - 1)
        if end // span == t // span:
            split[t], window[t] = 1.0, later
        else:
            window[t] = _log_sum(later, begin[end])
            split[t] = math.exp(later - window[t])


@inner
def _average(value, span, mine, last, split, begin, answer):  # type: ignore[no-untyped-def]
    """``answer[t]`` = sum over s of q[t,s] value[s]."""
    periods = len(value)
    for s in range(periods):
        before = 0.0 if s % span == 0 else begin[s - 1]
        begin[s] = last[s] * value[s] + (1.0 - last[s]) * before
    end = 0.0
    for t in range(periods - 1, -1, -1):
        end = mine[t] * value[t] + (1.0 - mine[t]) * end
        final = min(t + span - 1, periods - 1)
        answer[t] = split[t] * end + (1.0 - split[t]) * begin[final]


@inner
def _spread(amount, span, mine, last, split, power, begin, answer):  # type: ignore[no-untyped-def]
    """``answer[s]`` = sum over t of q[t,s] ** power amount[t]; power is 1 or 2."""
    periods = len(amount)
    for t in range(periods):
        begin[t] = 0.0
    for t in range(periods):
        other = 1.0 - split[t]
        begin[min(t + span - 1, periods - 1)] += (
            other * amount[t] if power == 1 else other * other * amount[t]
        )
    running = 0.0
    for t in range(periods):
        if t % span == 0:
            running = 0.0
        part, stays, own = split[t], 1.0 - mine[t], mine[t]
        if power == 2:
            part, stays, own = part * part, stays * stays, own * own
        running += part * amount[t]
        answer[t] = own * running
        running *= stays
    running = 0.0
    for s in range(periods - 1, -1, -1):
        if s % span == span - 1:
            running = 0.0
        stays, own = 1.0 - last[s], last[s]
        if power == 2:
            stays, own = stays * stays, own * own
        running += begin[s]
        answer[s] += own * running
        running *= stays


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
    way_first : (l, t + 1) where the ways of each period begin.
    way_route, way_part : (n,) ways near the best and the part of what is handled that takes
        them; filled as far as they go.

    Returns
    -------
    How many ways there were to keep; more than n when the arrays were too short.
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
    bits = total.view(np.int64)
    kept, room = 0, len(way_route)
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
            _means(level, wait + 1, own_part, last_part, split_part, window)
            _spread(want, wait + 1, own_part, last_part, split_part, 2, level, bent)
            _spread(want, wait + 1, own_part, last_part, split_part, 1, level, now)
            for t in range(periods):
                value[t] -= want[t] * s * window[t]
                bent[t] = now[t] - bent[t]
                mine[row, t], last[row, t] = own_part[t], last_part[t]
                split[row, t] = split_part[t]
                handled[row, t], bend[row, t] = now[t], bent[t]
                way_first[row, t] = kept
                for i in range(lines):
                    if weight[i, t] > 0.0:
                        if kept < room:
                            way_route[kept] = ways[hit[i]]
                            way_part[kept] = weight[i, t]
                        kept += 1
            way_first[row, periods] = kept
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


@kernel
def window_product(  # type: ignore[no-untyped-def]
    route_pool, chip_hours, extra, vector, width, demand, deadline, workload,
    mine, last, split, handled, bend, way_first, way_route, way_part, answer,
):  # fmt: skip
    """Add what bends between periods, times a vector: what :func:`soft_windows` left out.

    Parameters
    ----------
    vector : (d, t) change of prices.
    workload : (l,) workloads that may wait; the other letters as in :func:`soft_windows`.
    answer : (d, t) minus the change of the slope, added to.
    """
    limits, periods = len(extra), vector.shape[1]
    pools = len(vector) - limits
    y, mean, z = np.empty(periods), np.empty(periods), np.empty(periods)
    own_part, last_part = np.empty(periods), np.empty(periods)
    split_part, scratch = np.empty(periods), np.empty(periods)
    for row in range(len(workload)):
        w = workload[row]
        span = deadline[w] + 1
        for t in range(periods):
            own_part[t], last_part[t] = mine[row, t], last[row, t]
            split_part[t] = split[row, t]
            total = 0.0
            for i in range(way_first[row, t], way_first[row, t + 1]):
                r = way_route[i]
                change = chip_hours[r] * vector[route_pool[r], t]
                for c in range(limits):
                    change += extra[c, r] * vector[pools + c, t]
                total += way_part[i] * change
            y[t] = total
        _average(y, span, own_part, last_part, split_part, scratch, mean)
        for t in range(periods):
            mean[t] *= demand[w, t]
        _spread(mean, span, own_part, last_part, split_part, 1, scratch, z)
        # Of handled y - q' d q y the part within the period, bend y, is in the blocks already.
        for t in range(periods):
            z[t] = ((handled[row, t] - bend[row, t]) * y[t] - z[t]) / width[w]
            if z[t] == 0.0:
                continue
            for i in range(way_first[row, t], way_first[row, t + 1]):
                r, moved = way_route[i], z[t] * way_part[i]
                answer[route_pool[r], t] += moved * chip_hours[r]
                for c in range(limits):
                    answer[pools + c, t] += moved * extra[c, r]
