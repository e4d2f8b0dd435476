"""Kernels on a sparse plan: which route each placement uses, and what it adds up to.

Letters: k = placements, w = workloads, r = routes (sorted by workload, then pool), p = pools,
t = periods.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel


@kernel
def find_routes(first_route, route_pool, workload, pool):  # type: ignore[no-untyped-def]
    """(k,) route of each placement, -1 where there is none: bisection in a workload's routes."""
    routes = np.full(len(workload), -1, np.int64)
    for k in range(len(workload)):
        low, high = first_route[workload[k]], first_route[workload[k] + 1]
        while low < high:
            middle = (low + high) // 2
            if route_pool[middle] < pool[k]:
                low = middle + 1
            else:
                high = middle
        if low < first_route[workload[k] + 1] and route_pool[low] == pool[k]:
            routes[k] = low
    return routes


@kernel
def totals(row, column, amount, rows, columns):  # type: ignore[no-untyped-def]
    """(rows, columns) sums of amounts at their places, with compensation (Neumaier 1974)."""
    total = np.zeros((rows, columns))
    lost = np.zeros((rows, columns))
    for k in range(len(amount)):
        i, j = row[k], column[k]
        before, term = total[i, j], amount[k]
        moved = before + term
        if abs(before) >= abs(term):
            lost[i, j] += (before - moved) + term
        else:
            lost[i, j] += (term - moved) + before
        total[i, j] = moved
    for i in range(rows):
        for j in range(columns):
            total[i, j] += lost[i, j]
    return total
