"""A fill at prices: everyone takes the cheapest way at them that has room.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = some periods,
n = placements.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import inner, kernel
from optimizer.kernels.lanes import any_late

FULL = 1e-9
"""Part of a limit, or of a demand, that counts as nothing."""


@inner
def _best(  # type: ignore[no-untyped-def]
    begin, end, route_pool, opens, late, period, route_usd, chip_hours, usd, top,
    first, second, way,
):  # fmt: skip
    """Cost of the best and of the second way in each period, (t,), and which is the best or -1."""
    for t in range(len(period)):
        first[t], second[t], way[t] = top, top, -1
    for r in range(begin, end):
        own, hours, price = route_usd[r], chip_hours[r], usd[route_pool[r]]
        for t in range(len(period)):
            cost = own + hours * price[t]
            if late:
                cost = cost if opens[r] <= period[t] else np.inf
            better = cost < first[t]
            other = first[t] if better else cost
            second[t] = other if other < second[t] else second[t]
            way[t] = r if better else way[t]
            first[t] = cost if better else first[t]


@inner
def _next(  # type: ignore[no-untyped-def]
    begin, end, route_pool, opens, now, route_usd, chip_hours, usd, t, top
):
    """The best way in one period, -1 for giving up."""
    best, way = top, -1
    for r in range(begin, end):
        cost = route_usd[r] + chip_hours[r] * usd[route_pool[r], t]
        if cost < best and opens[r] <= now:
            best, way = cost, r
    return way


@kernel
def fill_at_prices(  # type: ignore[no-untyped-def]
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, scale, regret,
    demand, period, capacity, workload, position, route, mtok,
):  # fmt: skip
    """Place tokens in turns: first those who would lose most by their second way.

    Who is nearly as well off elsewhere goes last and fits in where there is room left; within
    a turn workloads go in their order. What finds no way with room below the cost of giving up
    is given up.

    Parameters
    ----------
    first_route, route_pool, opens, route_usd, chip_hours, pool_usd, ceiling, demand, period :
        as for :func:`~optimizer.kernels.soft_minimum.soft_minimum`.
    scale : (w,) USD per Mtok that ``regret`` is a part of.
    regret : (turns,) least loss with which a turn takes a workload, falling; the last is 0.
    capacity : (p, t) chip-hours.
    workload, position, route, mtok : (n,) the answer, as far as it goes; position on t.

    Returns
    -------
    How many placements there are; more than n when the arrays were too short.
    """
    periods = len(period)
    room, usd = capacity.copy(), pool_usd.copy()
    for p in range(len(usd)):
        for t in range(periods):
            if room[p, t] <= FULL * capacity[p, t]:
                usd[p, t] = np.inf
    late = any_late(opens, 0, len(opens))
    settled = np.zeros((len(ceiling), periods), np.bool_)
    first, second = np.empty(periods), np.empty(periods)
    way = np.empty(periods, np.int64)
    made, space = 0, len(route)
    for least in regret:
        for w in range(len(ceiling)):
            if settled[w].all():
                continue
            begin, end = first_route[w], first_route[w + 1]
            _best(begin, end, route_pool, opens, late, period, route_usd, chip_hours, usd,
                  ceiling[w], first, second, way)  # fmt: skip
            for t in range(periods):
                rest = demand[w, period[t]]
                if rest <= 0.0 or settled[w, t]:
                    continue
                if second[t] - first[t] < least * scale[w]:
                    continue
                speck = FULL * rest
                settled[w, t] = True
                # Of what is placed in part the rest is placed at once.
                best = way[t]
                while rest > speck and best >= 0:
                    p = route_pool[best]
                    part = min(rest, room[p, t] / chip_hours[best])
                    rest -= part
                    room[p, t] = max(room[p, t] - part * chip_hours[best], 0.0)
                    if room[p, t] <= FULL * capacity[p, t]:
                        usd[p, t] = np.inf
                    if made < space:
                        workload[made], position[made] = w, t
                        route[made], mtok[made] = best, part
                    made += 1
                    if rest > speck:
                        best = _next(begin, end, route_pool, opens, period[t], route_usd,
                                     chip_hours, usd, t, ceiling[w])  # fmt: skip
    return made
