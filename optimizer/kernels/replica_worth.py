"""What one more replica would save, on every pool, at what a model's tokens cost now.

Letters: w = workloads of one model, r = routes (sorted by workload), p = pools, t = periods.
Periods are innermost, so that they are the SIMD lanes.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel

HALVINGS = 14
"""Times that the interval of a price is halved: to a part of 6e-5."""


@kernel
def replica_worth(  # type: ignore[no-untyped-def]
    first, route_pool, opens, route_usd, chip_hours, ceiling, demand, lane_usd, unit
):  # fmt: skip
    """USD that a further replica saves at most, by pool and period.

    With C[w,t] the cheapest way of a Mtok over the lanes that run, a replica on pool p is filled
    with the tokens that gain most per chip-hour, a knapsack that may be cut:

        min over m >= 0 of  unit[p] m + sum_w d[w,t] max(0, C[w,t] - e[w,p] - a[w,p] m).

    Any m gives an upper bound on what is saved; m is found by bisection.

    Parameters
    ----------
    first : (w + 1,) where each workload's routes begin.
    route_pool, opens : (r,) where a route leads, and the first period it may be used in.
    route_usd, chip_hours : (r,) USD and chip-hours held, per Mtok.
    ceiling : (w,) USD per Mtok of giving up.
    demand : (w, t) Mtok.
    lane_usd : (p, t) USD per chip-hour held; infinity where no replica runs.
    unit : (p,) chip-hours of a replica.

    Returns
    -------
    (p, t) USD, what the replica itself costs not taken off.
    """
    pools, periods = lane_usd.shape
    workloads = len(ceiling)
    best = np.empty((workloads, periods))
    high = np.zeros((pools, periods))
    for w in range(workloads):
        for t in range(periods):
            best[w, t] = ceiling[w]
        for r in range(first[w], first[w + 1]):
            p = route_pool[r]
            for t in range(opens[r], periods):
                cost = route_usd[r] + chip_hours[r] * lane_usd[p, t]
                best[w, t] = cost if cost < best[w, t] else best[w, t]
        for r in range(first[w], first[w + 1]):
            p = route_pool[r]
            for t in range(opens[r], periods):
                most = (best[w, t] - route_usd[r]) / chip_hours[r]
                most = most if demand[w, t] > 0.0 else 0.0
                high[p, t] = most if most > high[p, t] else high[p, t]
    low, middle = np.zeros((pools, periods)), np.empty((pools, periods))
    used = np.empty((pools, periods))
    for _ in range(HALVINGS):
        for p in range(pools):
            for t in range(periods):
                middle[p, t] = 0.5 * (low[p, t] + high[p, t])
                used[p, t] = 0.0
        for w in range(workloads):
            for r in range(first[w], first[w + 1]):
                p = route_pool[r]
                for t in range(opens[r], periods):
                    gain = best[w, t] - route_usd[r] - chip_hours[r] * middle[p, t]
                    used[p, t] += demand[w, t] * chip_hours[r] if gain > 0.0 else 0.0
        for p in range(pools):
            for t in range(periods):
                if used[p, t] > unit[p]:
                    low[p, t] = middle[p, t]
                else:
                    high[p, t] = middle[p, t]
    saved = np.empty((pools, periods))
    for p in range(pools):
        for t in range(periods):
            saved[p, t] = unit[p] * high[p, t]
    for w in range(workloads):
        for r in range(first[w], first[w + 1]):
            p = route_pool[r]
            for t in range(opens[r], periods):
                gain = best[w, t] - route_usd[r] - chip_hours[r] * high[p, t]
                saved[p, t] += demand[w, t] * gain if gain > 0.0 else 0.0
    return saved
