"""The smooth sweep: what workloads pay at prices, with min replaced by soft-min.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = periods,
k = routes of one workload. Periods are innermost where all routes are looked at, so that they
are the SIMD lanes; only ways near the best are looked at one by one.

The soft-min of costs ``c_k`` with width s is ``-s log sum_k exp(-c_k / s)``; its slopes are the
weights ``exp(-c_k / s) / sum`` (Y. Nesterov, "Smooth minimization of non-smooth functions",
Mathematical Programming 103, 2005).
"""

from __future__ import annotations

import math

import numpy as np

from optimizer.kernels.jit import kernel


@kernel
def soft_minimum(  # type: ignore[no-untyped-def]
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, width, reach,
    demand, period, begin, end, value, load, curvature,
):  # fmt: skip
    """Add up cost, its slopes and its bends over the workloads ``begin`` ... ``end - 1``.

    Parameters
    ----------
    first_route : (w + 1,) where each workload's routes begin.
    route_pool : (r,) pool.
    opens : (r,) first position on t in which the route may be used.
    route_usd : (r,) USD per Mtok whatever the period.
    chip_hours : (r,) chip-hours per Mtok.
    pool_usd : (p, t) USD per chip-hour; infinity where the pool cannot be used.
    ceiling : (w,) USD per Mtok of giving up.
    width : (w,) USD per Mtok, > 0: how far from the best a way still counts.
    reach : ways further than so many widths from the best are taken for nothing.
    demand : (w, all periods) Mtok.
    period : (t,) which of them are meant.
    value : (t,) USD, added to.
    load : (p, t) chip-hours, added to: the slope of value by price.
    curvature : (t, p, p) minus the second derivatives of value by price, added to; the upper
        triangle only.
    """
    periods = pool_usd.shape[1]
    most = 0
    for w in range(begin, end):
        most = max(most, first_route[w + 1] - first_route[w])
    cost = np.empty((most, periods))
    best = np.empty(periods)
    edge = np.empty(periods)
    near = np.empty((periods, most), np.int32)
    count = np.empty(periods, np.int32)
    weight = np.empty(most)
    for w in range(begin, end):
        first, routes = first_route[w], first_route[w + 1] - first_route[w]
        top, s = ceiling[w], width[w]
        for t in range(periods):
            best[t] = top
            count[t] = 0
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
            edge[t] = best[t] + reach * s
        for k in range(routes):
            line = cost[k]
            hits = 0
            for t in range(periods):
                hits += 1 if line[t] <= edge[t] else 0
            if hits == 0:
                continue
            for t in range(periods):
                if line[t] <= edge[t]:
                    near[t, count[t]] = k
                    count[t] += 1
        for t in range(periods):
            d = demand[w, period[t]]
            if d == 0.0:
                continue
            n, least = count[t], best[t]
            give_up = top <= edge[t]
            if n == 0:
                value[t] += d * top
                continue
            if n == 1 and not give_up:
                r = first + near[t, 0]
                value[t] += d * least
                load[route_pool[r], t] += d * chip_hours[r]
                continue
            total = math.exp((least - top) / s) if give_up else 0.0
            for i in range(n):
                weight[i] = math.exp((least - cost[near[t, i], t]) / s)
                total += weight[i]
            value[t] += d * (least - s * math.log(total))
            bend = curvature[t]
            for i in range(n):
                r = first + near[t, i]
                p, hours = route_pool[r], chip_hours[r]
                used = hours * weight[i] / total
                weight[i] = used
                load[p, t] += d * used
                bend[p, p] += d / s * used * hours
                for j in range(i + 1):
                    bend[route_pool[first + near[t, j]], p] -= d / s * weight[j] * used
