"""Bends between periods, which only workloads that may wait have, as a product with a vector.

Letters as in :mod:`optimizer.kernels.soft_windows`.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel
from optimizer.kernels.windows import average, spread


@kernel
def window_product(  # type: ignore[no-untyped-def]
    route_pool, chip_hours, extra, vector, width, demand, deadline, workload,
    mine, last, split, handled, bend, way_first, way_route, way_part, answer,
):  # fmt: skip
    """Add what bends between periods, times a vector: what the smooth sweep left out.

    Parameters
    ----------
    vector : (d, t) change of prices.
    workload : (l,) workloads that may wait; the rest as in
        :func:`~optimizer.kernels.soft_windows.soft_windows`.
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
            y[t] = 0.0
        for i in range(way_first[row], way_first[row + 1]):
            r, part = way_route[i], way_part[i]
            hours, change = chip_hours[r], vector[route_pool[r]]
            for t in range(periods):
                scratch[t] = hours * change[t]
            for c in range(limits):
                amount, change = extra[c, r], vector[pools + c]
                for t in range(periods):
                    scratch[t] += amount * change[t]
            for t in range(periods):
                y[t] += part[t] * scratch[t]
        average(y, span, own_part, last_part, split_part, scratch, mean)
        for t in range(periods):
            mean[t] *= demand[w, t]
        spread(mean, span, own_part, last_part, split_part, 1, scratch, z)
        # Of handled y - q' d q y the part within the period, bend y, is in the blocks already.
        for t in range(periods):
            z[t] = ((handled[row, t] - bend[row, t]) * y[t] - z[t]) / width[w]
        for i in range(way_first[row], way_first[row + 1]):
            r, part = way_route[i], way_part[i]
            hours, to = chip_hours[r], answer[route_pool[r]]
            for t in range(periods):
                scratch[t] = z[t] * part[t]
                to[t] += scratch[t] * hours
            for c in range(limits):
                amount, to = extra[c, r], answer[pools + c]
                for t in range(periods):
                    to[t] += scratch[t] * amount
