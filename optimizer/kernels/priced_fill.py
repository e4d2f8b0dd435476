"""A fill at prices: everyone takes the cheapest way at them that has room.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = some periods,
n = placements.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel

FULL = 1e-9
"""Part of a limit, or of a demand, that counts as nothing."""


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
        as for :func:`~optimizer.kernels.near_ways.soft_minimum`.
    scale : (w,) USD per Mtok that ``regret`` is a part of.
    regret : (turns,) least loss with which a turn takes a workload, falling; the last is 0.
    capacity : (p, t) chip-hours.
    workload, position, route, mtok : (n,) the answer, as far as it goes; position on t.

    Returns
    -------
    How many placements there are; more than n when the arrays were too short.
    """
    room = capacity.copy()
    settled = np.zeros((len(ceiling), len(period)), np.bool_)
    made, space = 0, len(route)
    for least in regret:
        for w in range(len(ceiling)):
            for t in range(len(period)):
                rest = demand[w, period[t]]
                if rest <= 0.0 or settled[w, t]:
                    continue
                speck = FULL * rest
                settled[w, t] = True
                while rest > speck:
                    best, second, way = ceiling[w], ceiling[w], -1
                    for r in range(first_route[w], first_route[w + 1]):
                        p = route_pool[r]
                        if room[p, t] <= FULL * capacity[p, t] or opens[r] > period[t]:
                            continue
                        usd = route_usd[r] + chip_hours[r] * pool_usd[p, t]
                        if usd < best:
                            second = best
                            best, way = usd, r
                        elif usd < second:
                            second = usd
                    # Of what is placed in part the rest is placed at once.
                    if second - best < least * scale[w] and rest == demand[w, period[t]]:
                        settled[w, t] = False
                        break
                    if way < 0:
                        break
                    p = route_pool[way]
                    part = min(rest, room[p, t] / chip_hours[way])
                    rest -= part
                    room[p, t] = max(room[p, t] - part * chip_hours[way], 0.0)
                    if made < space:
                        workload[made], position[made] = w, t
                        route[made], mtok[made] = way, part
                    made += 1
    return made
