"""The greedy fill: cheapest route first, while there is room.

Letters: r = open routes, w = workloads, p = pools, t = periods.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel


@kernel
def fill_cheapest_first(  # type: ignore[no-untyped-def]
    workload, pool, chip_hours, usd, remaining, room
):
    """(r, t) Mtok placed, period by period, routes in order of their cost per Mtok.

    Parameters
    ----------
    workload, pool : (r,) of each route.
    chip_hours : (r,) chip-hours per Mtok.
    usd : (r, t) USD per Mtok; a route above its workload's ceiling must not be given.
    remaining : (w, t) Mtok to place; what is left stays in it.
    room : (p, t) chip-hours; what is left stays in it.
    """
    placed = np.zeros(usd.shape)
    for t in range(usd.shape[1]):
        for r in np.argsort(usd[:, t], kind="mergesort"):
            w, p = workload[r], pool[r]
            amount = min(remaining[w, t], room[p, t] / chip_hours[r])
            if amount > 0.0:
                placed[r, t] = amount
                remaining[w, t] -= amount
                room[p, t] = max(room[p, t] - amount * chip_hours[r], 0.0)
    return placed
