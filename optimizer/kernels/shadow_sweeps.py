"""Kernels behind shadow prices: what a chip or a route that is not there would save.

Letters: w = workloads, r = routes (sorted by workload), p = pools, t = periods, l = price rows,
m = models, i = rows of the answer.
"""

from __future__ import annotations

from optimizer.kernels.jit import kernel


@kernel
def first_chip(  # type: ignore[no-untyped-def]
    first_route, route_pool, route_row, opens, route_usd, chip_hours, model, lane_of,
    factor, per_mtok, hour_usd, added, reach, empty, begin, worth,
):  # fmt: skip
    """Worth of the first chip-hour where there is none, to as many workloads as ``reach`` has rows.

    Parameters
    ----------
    first_route : (w + 1,) where each workload's routes begin.
    route_pool, route_row, opens, route_usd, chip_hours : (r,) pool, price row (-1: closed), first
        period, USD per Mtok and chip-hours per Mtok.
    model : (w,) model of each workload.
    lane_of : (m, p) 0 or more where the model runs in replicas, to which a chip alone is no use.
    factor, per_mtok, hour_usd : (l, t) how often the route's own cost counts, USD per Mtok beside
        it, USD per chip-hour.
    added : (i, t) USD per Mtok of the workload on whatever route.
    reach : (i, t) USD per Mtok of the dearest that could be handled in the period.
    empty : (p, t) where there are no chips.
    begin : the first of the workloads.
    worth : (p, t) USD per chip-hour, raised where there is more to save.
    """
    periods = reach.shape[1]
    for i in range(reach.shape[0]):
        w = begin + i
        for r in range(first_route[w], first_route[w + 1]):
            line, p = route_row[r], route_pool[r]
            if line < 0 or lane_of[model[w], p] >= 0:
                continue
            for t in range(opens[r], periods):
                if empty[p, t]:
                    usd = factor[line, t] * route_usd[r] + per_mtok[line, t] + added[i, t]
                    saved = (reach[i, t] - usd) / chip_hours[r] - hour_usd[line, t]
                    worth[p, t] = saved if saved > worth[p, t] else worth[p, t]


@kernel
def saved_elsewhere(  # type: ignore[no-untyped-def]
    first_route, route_row, since, until, route_usd, chip_hours,
    factor, per_mtok, paid_usd, added, marginal, demand, rows, begin, end, value,
):  # fmt: skip
    """What a Mtok would save on the best of the routes that a rule closes, of some workloads.

    Parameters
    ----------
    first_route, route_row, route_usd, chip_hours, factor, per_mtok : as for :func:`first_chip`.
    since, until : (r,) first period in which the rule closes the route, and the one after the last.
    paid_usd : (l, t) USD per chip-hour; infinity where nothing can be used.
    added : (w, t) USD per Mtok of the workload on whatever route; or without rows, for nothing.
    marginal : (w, t) USD per Mtok now.
    demand : (w, t) Mtok.
    rows : (i,) the workloads, of which ``begin`` ... ``end - 1`` are meant.
    value : (i, t) the answer, USD per Mtok; 0 where there is no demand.
    """
    periods = marginal.shape[1]
    for i in range(begin, end):
        w = rows[i]
        for t in range(periods):
            value[i, t] = 0.0
        for r in range(first_route[w], first_route[w + 1]):
            line = route_row[r]
            if line < 0:
                continue
            for t in range(since[r], until[r]):
                if demand[w, t] <= 0.0:
                    continue
                usd = factor[line, t] * route_usd[r] + per_mtok[line, t]
                usd += chip_hours[r] * paid_usd[line, t]
                if len(added):
                    usd += added[w, t]
                saved = marginal[w, t] - usd
                value[i, t] = saved if saved > value[i, t] else value[i, t]
