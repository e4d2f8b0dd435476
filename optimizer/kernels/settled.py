"""Walks over who is settled where: one route for each workload and period, or a name.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = periods,
k = cells found, e = placements beside the settled ones. Names are those of
:mod:`~optimizer.kernels.near_ways`.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel
from optimizer.kernels.near_ways import GIVE_UP


@kernel
def settled_sums(  # type: ignore[no-untyped-def]
    only, wanted, demand, route_pool, route_usd, chip_hours, used_usd, ceiling, load, cost
):
    """What settled workloads load, and what they and those that give up pay.

    Parameters
    ----------
    only : (w, t) route, or a name.
    wanted : (t,) periods to be added up.
    demand : (w, t) Mtok.
    route_pool, route_usd, chip_hours : (r,) pool, USD per Mtok, chip-hours per Mtok.
    used_usd : (p, t) USD per chip-hour used.
    ceiling : (w,) USD per Mtok of giving up.
    load : (p, t) chip-hours, added to.
    cost : (t,) USD, added to.
    """
    for w in range(len(only)):
        for t in range(len(wanted)):
            r = only[w, t]
            if not wanted[t] or r < GIVE_UP:
                continue
            mtok = demand[w, t]
            if r == GIVE_UP:
                cost[t] += ceiling[w] * mtok
                continue
            p = route_pool[r]
            hours = chip_hours[r] * mtok
            load[p, t] += hours
            cost[t] += route_usd[r] * mtok + hours * used_usd[p, t]


@kernel
def moved(only, now, period, found_workload, found_place):  # type: ignore[no-untyped-def]
    """Cells in which what is near the best is no longer what was settled.

    Those whose settled way is not the only one near the best now, and those that were open and
    have one way now.

    Parameters
    ----------
    only : (w, all periods) route, or a name.
    now : (w, t) the same after a sweep.
    period : (t,) periods of the sweep.
    found_workload, found_place : (k,) the answer, as far as it goes; place on t.

    Returns
    -------
    How many there are; more than k when the arrays were too short.
    """
    found, room = 0, len(found_place)
    for w in range(len(only)):
        for t in range(len(period)):
            before, after = only[w, period[t]], now[w, t]
            if before == after or (before < GIVE_UP and after < 0):
                continue
            if found < room:
                found_workload[found] = w
                found_place[found] = t
            found += 1
    return found


@kernel
def settled_cells(  # type: ignore[no-untyped-def]
    first_route, only, wanted, demand, other_first, other_route, other_period, other_mtok,
    route, workload, period, mtok,
):  # fmt: skip
    """Placements of settled workloads and others, sorted by workload, route, period.

    Parameters
    ----------
    first_route : (w + 1,) where each workload's routes begin.
    only : (w, t) route, or a name.
    wanted : (t,) periods in which the settled are meant.
    demand : (w, t) Mtok.
    other_first : (w + 1,) where the others of each workload begin.
    other_route, other_period, other_mtok : (e,) in any order within a workload.
    route, workload, period, mtok : (k,) the answer, as far as it goes.

    Returns
    -------
    How many there are; more than k when the arrays were too short.
    """
    most = 0
    for w in range(len(only)):
        most = max(most, first_route[w + 1] - first_route[w])
    slot, start = np.empty(most + 1, np.int64), np.empty(most + 1, np.int64)
    found, room = 0, len(route)
    for w in range(len(only)):
        first, last = first_route[w], first_route[w + 1]
        # A counting sort by route; periods ascend by themselves, but for the others'.
        slot[: last - first + 1] = 0
        for t in range(len(wanted)):
            if wanted[t] and only[w, t] >= 0:
                slot[only[w, t] - first + 1] += 1
        for e in range(other_first[w], other_first[w + 1]):
            slot[other_route[e] - first + 1] += 1
        for k in range(last - first):
            slot[k + 1] += slot[k]
        start[: last - first + 1] = slot[: last - first + 1]
        total = slot[last - first]
        if found + total <= room:
            for t in range(len(wanted)):
                r = only[w, t]
                if wanted[t] and r >= 0:
                    place = found + slot[r - first]
                    slot[r - first] += 1
                    route[place], workload[place] = r, w
                    period[place], mtok[place] = t, demand[w, t]
            for e in range(other_first[w], other_first[w + 1]):
                r, t = other_route[e], other_period[e]
                place = found + slot[r - first]
                slot[r - first] += 1
                # Later periods of the same route make way.
                while place > found + start[r - first] and period[place - 1] > t:
                    route[place], workload[place] = route[place - 1], w
                    period[place], mtok[place] = period[place - 1], mtok[place - 1]
                    place -= 1
                route[place], workload[place] = r, w
                period[place], mtok[place] = t, other_mtok[e]
        found += total
    return found
