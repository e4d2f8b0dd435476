"""The smooth sweep where prices have several parts and tokens may wait.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = periods,
g = what a Mtok takes of its pool (chip-hours, and where limits count them, tokens and USD),
i = ways near the best, n = ways kept, l = workloads that may wait.

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


@kernel
def soft_windows(  # type: ignore[no-untyped-def]
    first_route, route_pool, opens, route_usd, takes, price, ceiling, width, reach, demand,
    deadline, begin, end, value, load, curvature,
    place, mine, last, split, handled, bend, way_first, way_route, way_part,
):  # fmt: skip
    """Add up cost, its slopes and its bends over the workloads ``begin`` ... ``end - 1``.

    Parameters
    ----------
    first_route : (w + 1,) where each workload's routes begin.
    route_pool : (r,) pool.
    opens : (r,) first period in which the route may be used.
    route_usd : (r,) USD per Mtok whatever the prices.
    takes : (g, r) what a Mtok takes of its pool.
    price : (g, p, t) USD per unit of it; infinity where the pool cannot be used.
    ceiling : (w,) USD per Mtok of giving up.
    width : (w,) USD per Mtok, > 0: how far from the best a way still counts.
    reach : ways further than so many widths from the best are taken for nothing.
    demand : (w, t) Mtok arriving.
    deadline : (w,) periods it may wait.
    value : (t,) USD of what arrives, added to.
    load : (g, p, t) what is taken, added to: the slope of value by price.
    curvature : (t, g p, g p) minus the second derivatives of value by prices of the same period,
        added to; both triangles.
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
    goods, pools, periods = price.shape
    most = 1
    for w in range(begin, end):
        most = max(most, first_route[w + 1] - first_route[w])
    cost = np.empty((most, periods))
    best, edge, soft = np.empty(periods), np.empty(periods), np.empty(periods)
    near = np.empty((periods, most), np.int32)
    part = np.empty((periods, most))
    count = np.empty(periods, np.int32)
    now, bent = np.empty(periods), np.empty(periods)
    level, window, line = np.empty(periods), np.empty(periods), np.empty(periods)
    a, b, c = np.empty(periods), np.empty(periods), np.empty(periods)
    taken = np.empty(most * goods)
    spot = np.empty(most * goods, np.int64)
    kept, room = 0, len(way_route)
    for w in range(begin, end):
        first, routes = first_route[w], first_route[w + 1] - first_route[w]
        top, s, wait = ceiling[w], width[w], deadline[w]
        row = place[w]
        for t in range(periods):
            best[t] = top
            count[t] = 0
        for k in range(routes):
            r = first + k
            own, p, mark = cost[k], route_pool[r], opens[r]
            for t in range(periods):
                own[t] = route_usd[r]
            for g in range(goods):
                amount, unit = takes[g, r], price[g, p]
                for t in range(periods):
                    own[t] += amount * unit[t]
            for t in range(mark):
                own[t] = np.inf
            for t in range(periods):
                best[t] = own[t] if own[t] < best[t] else best[t]
        for t in range(periods):
            edge[t] = best[t] + reach * s
        for k in range(routes):
            own, hits = cost[k], 0
            for t in range(periods):
                hits += 1 if own[t] <= edge[t] else 0
            if hits == 0:
                continue
            for t in range(periods):
                if own[t] <= edge[t]:
                    near[t, count[t]] = k
                    count[t] += 1
        for t in range(periods):
            n, least, give_up = count[t], best[t], top <= edge[t]
            if wait == 0 and demand[w, t] == 0.0:
                continue
            if n == 0 or (n == 1 and not give_up):
                soft[t] = least
                part[t, 0] = 1.0
                continue
            total = math.exp((least - top) / s) if give_up else 0.0
            for i in range(n):
                part[t, i] = math.exp((least - cost[near[t, i], t]) / s)
                total += part[t, i]
            for i in range(n):
                part[t, i] /= total
            soft[t] = least - s * math.log(total)
        if wait == 0:
            for t in range(periods):
                d = demand[w, t]
                now[t], bent[t] = d, 0.0
                if d != 0.0:
                    value[t] += d * soft[t]
        else:
            for t in range(periods):
                level[t] = -soft[t] / s
                line[t] = demand[w, t]
            _means(level, wait + 1, a, b, c, window)
            _spread(line, wait + 1, a, b, c, 2, level, bent)
            _spread(line, wait + 1, a, b, c, 1, level, now)
            for t in range(periods):
                value[t] -= demand[w, t] * s * window[t]
                bent[t] = now[t] - bent[t]
                mine[row, t], last[row, t], split[row, t] = a[t], b[t], c[t]
                handled[row, t], bend[row, t] = now[t], bent[t]
                way_first[row, t] = kept
                for i in range(count[t]):
                    if kept < room:
                        way_route[kept] = first + near[t, i]
                        way_part[kept] = part[t, i]
                    kept += 1
            way_first[row, periods] = kept
        for t in range(periods):
            n = count[t]
            if now[t] == 0.0 or n == 0:
                continue
            own = curvature[t]
            for i in range(n):
                r = first + near[t, i]
                for g in range(goods):
                    used = part[t, i] * takes[g, r]
                    taken[i * goods + g] = used
                    spot[i * goods + g] = g * pools + route_pool[r]
                    load[g, route_pool[r], t] += now[t] * used
                if n == 1 and part[t, 0] == 1.0:
                    continue
                for g in range(goods):
                    for other in range(goods):
                        own[spot[i * goods + g], spot[i * goods + other]] += (
                            now[t] / s * taken[i * goods + g] * takes[other, r]
                        )
            less = bent[t] / s
            if n > 1 or part[t, 0] != 1.0:
                less -= now[t] / s
            if less == 0.0:
                continue
            for i in range(n * goods):
                for j in range(n * goods):
                    own[spot[i], spot[j]] += less * taken[i] * taken[j]
    return kept


@kernel
def window_product(  # type: ignore[no-untyped-def]
    takes, route_pool, vector, width, demand, deadline, workload,
    mine, last, split, handled, bend, way_first, way_route, way_part, answer,
):  # fmt: skip
    """Add what bends between periods, times a vector: what :func:`soft_windows` left out.

    Parameters
    ----------
    vector : (g, p, t) change of prices.
    workload : (l,) workloads that may wait; the other letters as in :func:`soft_windows`.
    answer : (g, p, t) minus the change of the slope, added to.
    """
    goods, _, periods = vector.shape
    y, mean, z = np.empty(periods), np.empty(periods), np.empty(periods)
    a, b, c, scratch = np.empty(periods), np.empty(periods), np.empty(periods), np.empty(periods)
    for row in range(len(workload)):
        w = workload[row]
        span = deadline[w] + 1
        for t in range(periods):
            a[t], b[t], c[t] = mine[row, t], last[row, t], split[row, t]
            total = 0.0
            for i in range(way_first[row, t], way_first[row, t + 1]):
                r = way_route[i]
                for g in range(goods):
                    total += way_part[i] * takes[g, r] * vector[g, route_pool[r], t]
            y[t] = total
        _average(y, span, a, b, c, scratch, mean)
        for t in range(periods):
            mean[t] *= demand[w, t]
        _spread(mean, span, a, b, c, 1, scratch, z)
        # Of handled y - q' d q y the part within the period, bend y, is in the blocks already.
        for t in range(periods):
            z[t] = ((handled[row, t] - bend[row, t]) * y[t] - z[t]) / width[w]
            if z[t] == 0.0:
                continue
            for i in range(way_first[row, t], way_first[row, t + 1]):
                r = way_route[i]
                for g in range(goods):
                    answer[g, route_pool[r], t] += z[t] * way_part[i] * takes[g, r]
