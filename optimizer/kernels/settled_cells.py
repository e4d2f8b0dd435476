"""Kernels that write down what prices settled and small programs placed, in the order of a plan.

Letters: w = workloads, t = periods, p = pools, r = routes, x = placements beside the settled ones
(sorted by workload, then period), k = cells of the plan, sorted by workload, pool and period.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel


@kernel
def count_cells(only, done, demand, other_first, begin, end, count):  # type: ignore[no-untyped-def]
    """Cells of each of the workloads ``begin`` ... ``end - 1``.

    Parameters
    ----------
    only : (w, t) route of settled demand; below 0 where none is settled.
    done : (t,) periods in which ``only`` counts.
    demand : (w, t) Mtok.
    other_first : (w + 1,) where each workload's other placements begin.
    count : (w,) the answer.
    """
    periods = only.shape[1]
    for w in range(begin, end):
        cells = other_first[w + 1] - other_first[w]
        for t in range(periods):
            if only[w, t] >= 0 and done[t] and demand[w, t] > 0.0:
                cells += 1
        count[w] = cells


@kernel
def fill_cells(  # type: ignore[no-untyped-def]
    only, done, demand, route_pool, chip_hours, other_first, other_period, other_route, other_mtok,
    first_cell, begin, end, workload, pool, period, mtok, load,
):  # fmt: skip
    """Write the cells of the workloads ``begin`` ... ``end - 1``, and add up what they load.

    Parameters
    ----------
    only, done, demand, other_first : as for :func:`count_cells`.
    route_pool, chip_hours : (r,) where a route leads, and chip-hours per Mtok on it.
    other_period, other_route, other_mtok : (x,) the other placements.
    first_cell : (w + 1,) where each workload's cells begin.
    workload, pool, period, mtok : (k,) the answer.
    load : (p, t) chip-hours, added to.
    """
    periods, pools = only.shape[1], load.shape[0]
    most = 0
    for w in range(begin, end):
        most = max(most, first_cell[w + 1] - first_cell[w])
    route, when, amount = np.empty(most, np.int64), np.empty(most, np.int32), np.empty(most)
    slot = np.empty(pools + 1, np.int64)
    for w in range(begin, end):
        # By period first; a counting pass by pool then keeps the periods in order.
        n, x, last = 0, other_first[w], other_first[w + 1]
        slot[:] = 0
        for t in range(periods):
            if only[w, t] >= 0 and done[t] and demand[w, t] > 0.0:
                route[n], when[n], amount[n] = only[w, t], t, demand[w, t]
                n += 1
            while x < last and other_period[x] == t:
                route[n], when[n], amount[n] = other_route[x], t, other_mtok[x]
                n += 1
                x += 1
        for i in range(n):
            r = route[i]
            p = route_pool[r]
            slot[p + 1] += 1
            load[p, when[i]] += chip_hours[r] * amount[i]
        for p in range(pools):
            slot[p + 1] += slot[p]
        for i in range(n):
            p = route_pool[route[i]]
            k = first_cell[w] + slot[p]
            slot[p] += 1
            workload[k], pool[k], period[k], mtok[k] = w, p, when[i], amount[i]


@kernel
def scale_cells(first_cell, pool, period, part, begin, end, mtok):  # type: ignore[no-untyped-def]
    """Leave only a part, (p, t), of what is placed by the workloads ``begin`` ... ``end - 1``."""
    for k in range(first_cell[begin], first_cell[end]):
        mtok[k] *= part[pool[k], period[k]]


@kernel
def left_over(  # type: ignore[no-untyped-def]
    demand, first_cell, period, mtok, speck, begin, end, workload, when, rest
):
    """What the workloads ``begin`` ... ``end - 1`` do not get placed; gives how many cells.

    Parameters
    ----------
    demand : (w, t) Mtok.
    first_cell, period, mtok : the cells of the plan.
    speck : part of the demand that counts as nothing.
    workload, when, rest : the answer, filled as far as it goes; one entry for each cell of the
        workloads is enough.
    """
    periods = demand.shape[1]
    served = np.empty(periods)
    found = 0
    for w in range(begin, end):
        served[:] = 0.0
        for k in range(first_cell[w], first_cell[w + 1]):
            served[period[k]] += mtok[k]
        for t in range(periods):
            missing = demand[w, t] - served[t]
            if missing > speck * demand[w, t]:
                workload[found], when[found], rest[found] = w, t, missing
                found += 1
    return found
