"""Walks over who is settled where: one route for each workload and period, or a name.

Letters: w = workloads, r = routes (sorted by workload, then pool), p = pools, t = periods,
k = cells found. Names are those of :mod:`~optimizer.kernels.near_ways`.
"""

from __future__ import annotations

from optimizer.kernels.jit import kernel
from optimizer.kernels.near_ways import GIVE_UP, SEVERAL


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
            settles = before == SEVERAL and after >= 0
            leaves = before >= GIVE_UP and after != before
            if not settles and not leaves:
                continue
            if found < room:
                found_workload[found] = w
                found_place[found] = t
            found += 1
    return found
