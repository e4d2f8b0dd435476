"""A plan at prices alone, when there was no time for a better one.

Everyone takes the cheapest way that has room; who is nearly as well off elsewhere goes last.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Positions = Index | Int

REGRET = (0.01, 0.0)
"""Part of its scale that a workload has to lose by its second way to go in each turn."""
CHUNK = 12
"""Periods that a thread fills at a time."""


@dataclass(frozen=True, eq=False)
class Placements:
    """Mtok placed. Axis N: placements; routes on the market's axis."""

    route: Positions
    workload: Positions
    period: Positions
    mtok: Float

    @classmethod
    def joined(cls, parts: list[Placements]) -> Placements:
        """All of them."""
        if len(parts) == 1:
            return parts[0]
        none = np.empty(0, np.int32)
        return cls(
            np.concatenate([none, *(part.route for part in parts)]),
            np.concatenate([none, *(part.workload for part in parts)]),
            np.concatenate([none, *(part.period for part in parts)]),
            np.concatenate([np.empty(0), *(part.mtok for part in parts)]),
        )

    def load(self, market: Market) -> Float:
        """(P, T) chip-hours."""
        shape = market.capacity.shape
        cell = market.pool[self.route] * np.int64(shape[1]) + self.period
        hours = market.hours[self.route] * self.mtok
        load = np.bincount(cell, hours, minlength=shape[0] * shape[1])
        return np.asarray(load, np.float64).reshape(shape)

    def scaled(self, market: Market, part: Float) -> Placements:
        """With only a part, (P, T), of what is placed on each pool in each period."""
        return replace(self, mtok=self.mtok * part[market.pool[self.route], self.period])

    def cost_usd(self, market: Market) -> float:
        """What they cost, beyond what is paid whether used or not."""
        used = market.used_usd[market.pool[self.route], self.period]
        usd = market.usd[self.route] + market.hours[self.route] * used
        return float(usd @ self.mtok)


def placed_at_prices(market: Market, price: Float, periods: Int, threads: int) -> Placements:
    """Placements in some periods that keep the limits of all pools.

    Parameters
    ----------
    price : (P, T) USD per chip-hour beyond what is paid for use.
    """
    from optimizer.kernels.priced_fill import fill_at_prices

    usd, regret = market.used_usd + price, np.array(REGRET)

    def fill(some: Int) -> Placements:
        room = int(1.1 * market.num_workloads * len(some)) + 1024
        while True:
            workload, position, route = (np.empty(room, np.int32) for _ in range(3))
            mtok = np.empty(room)
            count = fill_at_prices(
                market.first, market.pool, market.opens, market.usd, market.hours,
                np.ascontiguousarray(usd[:, some]), market.ceiling, market.scale, regret,
                market.demand, some, np.ascontiguousarray(market.capacity[:, some]),
                workload, position, route, mtok,
            )  # fmt: skip
            if count <= room:
                when = some[position[:count]].astype(np.int32)
                return Placements(route[:count], workload[:count], when, mtok[:count])
            room = count

    chunks = np.array_split(periods, max(1, -(-len(periods) // CHUNK)))
    with ThreadPoolExecutor(threads) as pool:
        return Placements.joined(list(pool.map(fill, chunks)))
