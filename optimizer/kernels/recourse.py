"""Kernels on a fixed plan under draws of demand and throughput: what fits, what is cut.

Letters: k = placements, sorted by resource; i = resources (a pool in a period, or the replicas of
a model on a pool in a period); r = routes, w = workloads, c = classes of throughput, p = pools,
g = groups of cells, n = points of the grid, d = draws.

Each draw is summed by itself, placements in their order, so that neither the number of draws in a
call nor the number of threads changes a digit. Draws stand next to each other in memory, and some
are gone through at a time: what is looked up for a placement serves all of them.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel

AT_A_TIME = 64
"""Draws that share one look at the placements."""


@kernel
def fit_to_room(  # type: ignore[no-untyped-def]
    first, cell_route, cell_mtok, route_workload, route_class, route_hours, planned_hours, margin,
    route_usd, penalty_usd, pool, room, fixed, price, tolerance, demand, slowness,
    usage, overloads, cut, crowded, lost_route_usd, lost_penalty_usd, fit,
):  # fmt: skip
    """Scale placements, share the room where they do not fit, add up what it costs.

    Parameters
    ----------
    first : (i + 1,) where each resource's placements begin.
    cell_route, cell_mtok : (k,) route and stated Mtok of each placement.
    route_workload, route_class, route_hours, route_usd : (r,) workload, class of throughput,
        chip-hours and USD per Mtok.
    planned_hours, margin : (r,) chip-hours per Mtok that are held as long as there is room, none
        below what is needed, and whether any is above.
    penalty_usd : (w,) USD per Mtok not served.
    pool : (i,) pool of each resource.
    room : (i,) chip-hours that its placements can have.
    fixed : (i,) chip-hours held there beside them, less those of blocks.
    price : (i,) USD per chip-hour held; 0 where holding costs nothing more.
    tolerance : part of the room by which it may be passed before anything is cut.
    demand : (w, d) factor on the Mtok of each workload.
    slowness : (c, d) factor on the chip-hours of each class.
    usage : (p, d) the answer: USD for chip-hours held, added to what is there.
    overloads : (p, d) the answer: how many of its resources have not room enough.
    cut : (p, d) the answer: Mtok that do not fit.
    crowded : (d,) the answer: Mtok sent to resources that have not room enough.
    lost_route_usd, lost_penalty_usd : (d,) the answer: own cost of routes saved on what is cut,
        and penalty on it.
    fit : (i, d) the answer: part of what is sent there that is served; of no rows: not wanted.
    """
    draws, resources, keep = demand.shape[1], len(room), fit.shape[0] > 0
    need, part, wanted = np.empty(AT_A_TIME), np.empty(AT_A_TIME), np.empty(AT_A_TIME)
    all_lost, beyond, sums = np.empty(AT_A_TIME), np.empty(AT_A_TIME), np.empty((3, AT_A_TIME))
    for begin in range(0, draws, AT_A_TIME):
        width = min(AT_A_TIME, draws - begin)
        sums[:] = 0.0
        for i in range(resources):
            if keep:
                for j in range(width):
                    fit[i, begin + j] = 1.0
            p = pool[i]
            if first[i] == first[i + 1]:
                if price[i] > 0.0 and fixed[i] > 0.0:
                    for j in range(width):
                        usage[p, begin + j] += price[i] * fixed[i]
                continue
            for j in range(width):
                need[j], wanted[j] = 0.0, 0.0
            for k in range(first[i], first[i + 1]):
                r = cell_route[k]
                hours = cell_mtok[k] * route_hours[r]
                more = demand[route_workload[r], begin : begin + width]
                slow = slowness[route_class[r], begin : begin + width]
                for j in range(width):
                    need[j] += hours * more[j] * slow[j]
                if margin:
                    hours = cell_mtok[k] * planned_hours[r]
                    for j in range(width):
                        wanted[j] += hours * more[j] * slow[j]
            limit, paid = room[i] * (1.0 + tolerance), usage[p, begin : begin + width]
            crowds = False
            for j in range(width):
                crowds |= need[j] > limit
            if crowds:
                for j in range(width):
                    over = need[j] > limit
                    beyond[j] = 1.0 if over else 0.0
                    part[j] = room[i] / need[j] if over else 1.0
                    need[j] = room[i] if over else need[j]
                    overloads[p, begin + j] += beyond[j]
                    all_lost[j] = 0.0
            if price[i] > 0.0:
                if margin:
                    for j in range(width):
                        need[j] = max(need[j], min(wanted[j], room[i]))
                for j in range(width):
                    paid[j] += price[i] * max(fixed[i] + need[j], 0.0)
            if not crowds:
                continue
            if keep:
                for j in range(width):
                    fit[i, begin + j] = part[j]
            for k in range(first[i], first[i + 1]):
                r = cell_route[k]
                w, mtok = route_workload[r], cell_mtok[k]
                own, penalty, more = route_usd[r], penalty_usd[w], demand[w, begin : begin + width]
                for j in range(width):
                    sent = mtok * more[j]
                    lost = (1.0 - part[j]) * sent
                    all_lost[j] += lost
                    sums[0, j] += beyond[j] * sent
                    sums[1, j] += lost * own
                    sums[2, j] += lost * penalty
            for j in range(width):
                cut[p, begin + j] += all_lost[j]
        for j in range(width):
            crowded[begin + j] = sums[0, j]
            lost_route_usd[begin + j] = sums[1, j]
            lost_penalty_usd[begin + j] = sums[2, j]


@kernel
def weighted(weight, factor):  # type: ignore[no-untyped-def]
    """(n, d) sums of factors (w, d) with weights (n, w), in the order of w."""
    total = np.zeros((weight.shape[0], factor.shape[1]))
    for w in range(factor.shape[0]):
        for n in range(weight.shape[0]):
            for d in range(factor.shape[1]):
                total[n, d] += weight[n, w] * factor[w, d]
    return total


@kernel
def attained(  # type: ignore[no-untyped-def]
    first, cell_route, cell_mtok, cell_resource, route_workload, route_class, route_hours,
    held, grid, part, demand, slowness, fit, sent, kept,
):  # fmt: skip
    """Mtok sent to groups, and of them those served within their promise.

    Parameters
    ----------
    first : (g + 1,) where each group's placements begin.
    cell_route, cell_mtok, cell_resource : (k,) route, stated Mtok and resource of each placement,
        sorted by group.
    route_workload, route_class, route_hours : as for :func:`fit_to_room`.
    held : (g,) chip-hours that the plan holds for the group.
    grid : (n,) ratios of chip-hours needed to chip-hours held, rising.
    part : (g, n) part of the group's tokens within the promise at each ratio; between ratios it
        is interpolated, beyond the ends it stays.
    demand, slowness : as for :func:`fit_to_room`.
    fit : (i, d) its answer.
    sent, kept : (d,) the answers.
    """
    last, draws = len(grid) - 1, demand.shape[1]
    need, mtok, served = np.empty(AT_A_TIME), np.empty(AT_A_TIME), np.empty(AT_A_TIME)
    for begin in range(0, draws, AT_A_TIME):
        width = min(AT_A_TIME, draws - begin)
        for g in range(len(held)):
            for j in range(width):
                need[j], mtok[j], served[j] = 0.0, 0.0, 0.0
            for k in range(first[g], first[g + 1]):
                r, i = cell_route[k], cell_resource[k]
                w, c = route_workload[r], route_class[r]
                for j in range(width):
                    wanted = cell_mtok[k] * demand[w, begin + j]
                    need[j] += wanted * route_hours[r] * slowness[c, begin + j]
                    mtok[j] += wanted
                    served[j] += wanted * fit[i, begin + j]
            for j in range(width):
                if need[j] >= grid[last] * held[g]:
                    share = part[g, last]
                elif need[j] <= grid[0] * held[g]:
                    share = part[g, 0]
                else:
                    ratio, n = need[j] / held[g], 0
                    while n < last - 1 and grid[n + 1] < ratio:
                        n += 1
                    step = (ratio - grid[n]) / (grid[n + 1] - grid[n])
                    share = part[g, n] + step * (part[g, n + 1] - part[g, n])
                sent[begin + j] += mtok[j]
                kept[begin + j] += share * served[j]
