"""Kernels on a sparse plan: which route each placement uses, and what it adds up to.

Letters: k = placements, w = workloads, r = routes (sorted by workload, then pool), p = pools,
t = periods, m = models, l = lanes (pairs of model and pool that run in replicas).

Sums are compensated: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher
Summen", ZAMM 54 (1974). They are taken in the order of the placements.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import inner, kernel


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


@inner
def _add(total, lost, i, j, term):  # type: ignore[no-untyped-def]
    """Add a term at a place of a compensated sum."""
    before = total[i, j]
    moved = before + term
    if abs(before) >= abs(term):
        lost[i, j] += (before - moved) + term
    else:
        lost[i, j] += (term - moved) + before
    total[i, j] = moved


@inner
def _settle(total, lost):  # type: ignore[no-untyped-def]
    """Put what was lost back into a compensated sum."""
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += lost[i, j]


@inner
def _route_of(first_route, route_pool, w, p):  # type: ignore[no-untyped-def]
    """Route from a workload to a pool, -1 where there is none: bisection."""
    low, high = first_route[w], first_route[w + 1]
    end = high
    while low < high:
        middle = (low + high) // 2
        if route_pool[middle] < p:
            low = middle + 1
        else:
            high = middle
    return low if low < end and route_pool[low] == p else -1


@kernel
def pool_totals(  # type: ignore[no-untyped-def]
    first_route, route_pool, chip_hours, route_usd, model, lane_of, workload, pool, period, placed,
    free_load, lane_load, load, mtok, usd,
):  # fmt: skip
    """Add placements up by pool and period; gives how many have no route.

    Parameters
    ----------
    first_route : (w + 1,) where each workload's routes begin.
    route_pool, chip_hours, route_usd : (r,) pool, chip-hours per Mtok, USD per Mtok.
    model : (w,) model of each workload.
    lane_of : (m, p) lane of a model on a pool, -1 where it needs none.
    workload, pool, period, placed : (k,) the placements and their Mtok.
    free_load : (p, t) the answer: chip-hours without a lane.
    lane_load : (l, t) the answer: those of lanes.
    load : (p, t) the answer: both together.
    mtok : (p, t) the answer: Mtok.
    usd : (p, t) the answer: own cost of the routes.
    """
    pools, periods = load.shape
    lanes = lane_load.shape[0]
    lost_load, lost_mtok = np.zeros((pools, periods)), np.zeros((pools, periods))
    lost_usd, lost_lane = np.zeros((pools, periods)), np.zeros((lanes, periods))
    lost_free = np.zeros((pools if lanes else 0, periods))
    strays, w, p, r, line = 0, -1, -1, -1, -1
    for k in range(len(placed)):
        if workload[k] != w or pool[k] != p:
            w, p = workload[k], pool[k]
            r = _route_of(first_route, route_pool, w, p)
            line = lane_of[model[w], p]
        t, amount = period[k], placed[k]
        _add(mtok, lost_mtok, p, t, amount)
        hours, own = 0.0, 0.0
        if r >= 0:
            hours, own = chip_hours[r] * amount, route_usd[r] * amount
        else:
            strays += 1
        _add(load, lost_load, p, t, hours)
        _add(usd, lost_usd, p, t, own)
        if line >= 0:
            _add(lane_load, lost_lane, line, t, hours)
        elif lanes:
            _add(free_load, lost_free, p, t, hours)
    _settle(load, lost_load)
    _settle(mtok, lost_mtok)
    _settle(usd, lost_usd)
    if lanes:
        _settle(lane_load, lost_lane)
        _settle(free_load, lost_free)
    else:
        free_load[:] = load
    return strays


@kernel
def workload_totals(  # type: ignore[no-untyped-def]
    first_route, route_pool, chip_hours, route_usd, model, lane_of, hour_usd, lane_share,
    pool, period, placed, first, begin, end, usd,
):  # fmt: skip
    """What the Mtok of the workloads ``begin`` ... ``end - 1`` cost: chip-hours and routes.

    Parameters
    ----------
    first_route ... lane_of, pool ... placed : as for :func:`pool_totals`, sorted by workload.
    hour_usd : (p, t) USD per chip-hour.
    lane_share : (l, t) chip-hours paid per chip-hour of work.
    first : (w + 1,) where each workload's placements begin.
    usd : (w,) the answer.
    """
    for w in range(begin, end):
        sum_usd, p, r, line = 0.0, -1, -1, -1
        for k in range(first[w], first[w + 1]):
            if pool[k] != p:
                p = pool[k]
                r = _route_of(first_route, route_pool, w, p)
                line = lane_of[model[w], p]
            t = period[k]
            hours, own = 0.0, 0.0
            if r >= 0:
                hours, own = chip_hours[r] * placed[k], route_usd[r]
            if line >= 0:
                hours = hours * lane_share[line, t]
            sum_usd += hours * hour_usd[p, t] + own * placed[k]
        usd[w] = sum_usd


@kernel
def row_totals(first, period, amount, begin, total):  # type: ignore[no-untyped-def]
    """Sums by workload and period, of as many workloads from ``begin`` on as there are rows.

    Parameters
    ----------
    first : (w + 1,) where each workload's cells begin.
    period, amount : (k,) the cells, sorted by workload.
    total : (rows, t) the answer.
    """
    rows, periods = total.shape
    lost = np.empty((1, periods))
    for i in range(rows):
        line = total[i : i + 1]
        line[:] = 0.0
        lost[:] = 0.0
        for k in range(first[begin + i], first[begin + i + 1]):
            _add(line, lost, 0, period[k], amount[k])
        for t in range(periods):
            line[0, t] += lost[0, t]
