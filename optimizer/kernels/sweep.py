"""The exact sweep: what every workload would pay at given pool-hour prices.

Letters: w = workloads, r = routes (sorted by workload), p = pools, t = periods, g = outages,
l = price rows: one for each pool, and one for each model and pool that has prices of its own.
Periods are innermost, so that they are the SIMD lanes and a workload's best prices stay in cache.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import kernel


@kernel
def cheapest(  # type: ignore[no-untyped-def]
    first_route, route_pool, route_usd, chip_hours, pool_usd, ceiling, best
):
    """Cheapest way to handle a Mtok in each period.

    Parameters
    ----------
    first_route : (w + 1,) where each workload's routes begin.
    route_pool : (r,) pool; -1 for routes that may not be used.
    route_usd : (r,) USD per Mtok whatever the period.
    chip_hours : (r,) chip-hours per Mtok.
    pool_usd : (p, t) USD per chip-hour; infinity where the pool cannot be used.
    ceiling : (w,) USD per Mtok of giving up.
    best : (w, t) the answer: least of ceiling and route_usd + chip_hours * pool_usd.
    """
    periods = pool_usd.shape[1]
    most = 0
    for w in range(len(ceiling)):
        most = max(most, first_route[w + 1] - first_route[w])
    usable = np.empty(most, np.int64)
    for w in range(len(ceiling)):
        row = best[w]
        for t in range(periods):
            row[t] = ceiling[w]
        count = 0
        for r in range(first_route[w], first_route[w + 1]):
            usable[count] = r
            count += 1 if route_pool[r] >= 0 else 0
        # Four routes at a time, so that the best is loaded and stored a fourth as often.
        four = count // 4 * 4
        for k in range(0, four, 4):
            i, j, m, n = usable[k], usable[k + 1], usable[k + 2], usable[k + 3]
            usd_i, hours_i, price_i = route_usd[i], chip_hours[i], pool_usd[route_pool[i]]
            usd_j, hours_j, price_j = route_usd[j], chip_hours[j], pool_usd[route_pool[j]]
            usd_m, hours_m, price_m = route_usd[m], chip_hours[m], pool_usd[route_pool[m]]
            usd_n, hours_n, price_n = route_usd[n], chip_hours[n], pool_usd[route_pool[n]]
            for t in range(periods):
                one = usd_i + hours_i * price_i[t]
                other = usd_j + hours_j * price_j[t]
                one = one if one < other else other
                third = usd_m + hours_m * price_m[t]
                fourth = usd_n + hours_n * price_n[t]
                third = third if third < fourth else fourth
                one = one if one < third else third
                row[t] = one if one < row[t] else row[t]
        for k in range(four, count):
            r = usable[k]
            usd, hours, price = route_usd[r], chip_hours[r], pool_usd[route_pool[r]]
            for t in range(periods):
                cost = usd + hours * price[t]
                row[t] = cost if cost < row[t] else row[t]


@kernel
def cheapest_in_time(  # type: ignore[no-untyped-def]
    first_route, route_row, opens, route_usd, chip_hours, factor, added_usd, row_usd, best
):
    """Cheapest way to handle a Mtok where a route costs, and opens, by period.

    Parameters
    ----------
    first_route : (w + 1,) where each workload's routes begin.
    route_row : (r,) price row; -1 for routes that may not be used.
    opens : (r,) first period in which the route may be used.
    route_usd : (r,) USD per Mtok of the route itself.
    chip_hours : (r,) chip-hours per Mtok.
    factor : (l, t) how often the route's own cost counts.
    added_usd : (l, t) USD per Mtok beside it.
    row_usd : (l, t) USD per chip-hour; infinity where nothing can be used.
    best : (w, t) USD per Mtok of giving up, and then the answer: least of that and
        factor * route_usd + added_usd + chip_hours * row_usd.
    """
    periods = row_usd.shape[1]
    for w in range(best.shape[0]):
        row = best[w]
        for r in range(first_route[w], first_route[w + 1]):
            line = route_row[r]
            if line < 0:
                continue
            usd, hours = route_usd[r], chip_hours[r]
            times, added, price = factor[line], added_usd[line], row_usd[line]
            for t in range(opens[r], periods):
                cost = times[t] * usd + added[t] + hours * price[t]
                row[t] = cost if cost < row[t] else row[t]


@kernel
def failover_worth(  # type: ignore[no-untyped-def]
    outage_usd, lost, route_workload, route_pool, route_row, opens, chip_hours, rows
):
    """(l, t) what a held chip-hour is worth because it could take over in outages.

    In each outage the best use counts, and outages add up, since one chip-hour stands by
    for all of them.

    Parameters
    ----------
    outage_usd : (g, w, t) USD per Mtok that must find a place after the loss; >= 0.
    lost : (g, p) pools that are lost.
    route_workload, route_pool, route_row : (r,) ends and price row of each route; row -1 for
        routes that may not be used.
    opens : (r,) first period in which the route may be used.
    chip_hours : (r,) chip-hours per Mtok.
    rows : number of price rows.
    """
    periods = outage_usd.shape[2]
    worth = np.zeros((rows, periods))
    for g in range(outage_usd.shape[0]):
        most = np.zeros((rows, periods))
        for r in range(len(route_row)):
            line = route_row[r]
            if line < 0 or lost[g, route_pool[r]]:
                continue
            usd, hours = outage_usd[g, route_workload[r]], chip_hours[r]
            row = most[line]
            for t in range(opens[r], periods):
                use = usd[t] / hours
                row[t] = use if use > row[t] else row[t]
        for line in range(rows):
            for t in range(periods):
                worth[line, t] += most[line, t]
    return worth


@kernel
def window_minimum(best, deadline, least):  # type: ignore[no-untyped-def]
    """(w, t) least of ``best`` over t ... t + deadline, never past the end.

    The monotone queue of the sliding-window minimum: O(t) per workload whatever the
    deadline. ``least`` is the answer; ``deadline`` is (w,) periods.
    """
    periods = best.shape[1]
    queue = np.empty(periods, np.int64)
    for w in range(best.shape[0]):
        span = deadline[w]
        row = best[w]
        if span <= 0:
            for t in range(periods):
                least[w, t] = row[t]
            continue
        head, tail, pushed = 0, 0, 0
        for t in range(periods):
            last = min(t + span, periods - 1)
            while pushed <= last:
                while tail > head and row[queue[tail - 1]] >= row[pushed]:
                    tail -= 1
                queue[tail] = pushed
                tail += 1
                pushed += 1
            while queue[head] < t:
                head += 1
            least[w, t] = row[queue[head]]


@kernel
def weighted_sums(weights, values):  # type: ignore[no-untyped-def]
    """(w,) sum over t of weights * values and of its size, with compensation.

    A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen",
    ZAMM 54 (1974). Terms with weight 0 are skipped, so an infinite value may stand there.
    """
    rows, columns = weights.shape
    sums = np.empty(rows)
    sizes = np.empty(rows)
    for w in range(rows):
        total, lost, size = 0.0, 0.0, 0.0
        for t in range(columns):
            if weights[w, t] == 0.0:
                continue
            term = weights[w, t] * values[w, t]
            size += abs(term)
            moved = total + term
            if abs(total) >= abs(term):
                lost += (total - moved) + term
            else:
                lost += (term - moved) + total
            total = moved
        sums[w] = total + lost
        sizes[w] = size
    return sums, sizes
