"""Ties: where very many workloads have several ways that cost the same to a hair.

Pools that are not full have no price, and equal pools the same, so that costs tie for whole crowds
and the program of such a period would be nearly as large as the period. Which way each takes hardly
matters, as long as all of them together fit. The smoothed weights fit: they fill no pool beyond
its limit. So all but the largest workloads are settled on one of their ways, drawn with these
weights; the largest stay open and make up for what chance misses (P. Raghavan, C. D. Thompson,
"Randomized rounding", Combinatorica 7, 1987). If a draw was wrong, column generation frees it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]

SEED = 20260505
WIDTHS = 10.0
"""Widths of the soft-min by which a way may miss the best and still be left open: the slack."""


def spread(
    market: Market,
    price: Float,
    period: int,
    slack: float,
    ways: tuple[Index, Index],
    most_ways: int,
) -> tuple[Index, Index]:
    """Workloads that are settled by a draw, and the route of each.

    Parameters
    ----------
    price : (P,) USD per chip-hour beyond what is paid for use, in the period.
    slack : part of its scale by which a way may miss the best and be open: ten widths.
    ways : workloads and routes that are open, sorted by workload, then route.
    most_ways : how many of them may stay open.
    """
    workload, route = ways
    owner, first, count = np.unique(workload, return_index=True, return_counts=True)
    need = np.maximum.reduceat(market.hours[route], first) * market.demand[owner, period]
    order = np.argsort(-need, kind="stable")
    open_ways = np.cumsum(count[order])
    pool = market.pool[route]
    usd = market.usd[route] + market.hours[route] * (market.used_usd[pool, period] + price[pool])
    above = usd - np.repeat(np.minimum.reduceat(usd, first), count)
    least = np.minimum.reduceat(usd, first)
    # Whoever is as well off giving up stays open.
    torn = market.ceiling[owner] <= least + slack * market.scale[owner]
    drawn = np.sort(order[(open_ways > most_ways) & ~torn[order]])
    weight = np.exp(-WIDTHS * above / (slack * market.scale[workload]))
    # The first way whose part of the running sum passes the workload's random number.
    running = np.cumsum(weight)
    before = running[first] - weight[first]
    chance = np.random.default_rng([SEED, period]).random(len(owner))
    goal = before + chance * np.add.reduceat(weight, first)
    picked = np.clip(np.searchsorted(running, goal, side="right"), first, first + count - 1)
    return owner[drawn], route[picked[drawn]]
