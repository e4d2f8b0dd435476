"""Kernels that bring the cells of a plan into order: by workload, then pool, then period.

Letters: k = cells, w = workloads.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel


@kernel
def in_order(workload, pool, period, amount):  # type: ignore[no-untyped-def]
    """Whether the cells are in order already and none of their amounts is to be dropped."""
    for k in range(len(amount)):
        if not amount[k] > 0.0:
            return False
        if k == 0:
            continue
        w, p = workload[k - 1], pool[k - 1]
        if w < workload[k]:
            continue
        if w > workload[k] or p > pool[k] or (p == pool[k] and period[k - 1] > period[k]):
            return False
    return True


@kernel
def row_order(workload, amount, workloads):  # type: ignore[no-untyped-def]
    """(w + 1,) where each workload's cells begin, and their positions, those of amount 0 dropped.

    One counting pass: within a workload the cells keep their order.
    """
    first = np.zeros(workloads + 1, np.int64)
    for k in range(len(amount)):
        if amount[k] > 0.0:
            first[workload[k] + 1] += 1
    for w in range(workloads):
        first[w + 1] += first[w]
    fill = first[:workloads].copy()
    order = np.empty(first[workloads], np.int64)
    for k in range(len(amount)):
        if amount[k] > 0.0:
            w = workload[k]
            order[fill[w]] = k
            fill[w] += 1
    return first, order


@kernel
def sort_rows(first, order, pool, period, begin, end):  # type: ignore[no-untyped-def]
    """Sort the cells of the workloads ``begin`` ... ``end - 1`` by pool, then period, in place."""
    for w in range(begin, end):
        low, high = first[w], first[w + 1]
        rising = True
        for i in range(low + 1, high):
            a, b = order[i - 1], order[i]
            if pool[a] > pool[b] or (pool[a] == pool[b] and period[a] > period[b]):
                rising = False
                break
        if rising:
            continue
        mine = order[low:high].copy()
        key = np.empty(high - low, np.int64)
        for i in range(high - low):
            key[i] = np.int64(pool[mine[i]]) * (np.int64(1) << 32) + period[mine[i]]
        where = np.argsort(key, kind="mergesort")
        for i in range(high - low):
            order[low + i] = mine[where[i]]
