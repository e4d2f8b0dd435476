"""A plan at prices alone, when there was no time for a better one.

Everyone takes the cheapest way. Where a pool overflows all get the same part of what they
asked for, the pool is closed, and what is left looks again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market
from optimizer.methods.sweeps import Sweeps

Float = NDArray[np.float64]
Int = NDArray[np.int64]

SPECK = 1e-9
"""Part of a limit, or of a demand, that counts as nothing."""


@dataclass(frozen=True, eq=False)
class Placements:
    """Mtok placed. Axis N: placements; routes on the market's axis."""

    route: Int
    workload: Int
    period: Int
    mtok: Float

    @classmethod
    def joined(cls, parts: list[Placements]) -> Placements:
        """All of them."""
        none = np.empty(0, np.int64)
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


def placed_at_prices(sweeps: Sweeps, price: Float, periods: Int) -> Placements:
    """Placements in some periods that keep every limit.

    Parameters
    ----------
    price : (P, T) USD per chip-hour beyond what is paid for use.
    """
    market = sweeps.market
    room = market.capacity.copy()
    rest = np.zeros(market.demand.shape)
    rest[:, periods] = market.demand[:, periods]
    made: list[Placements] = []
    for _ in range(len(room)):
        closed = np.where(room > SPECK * market.capacity, price, np.inf)[:, periods]
        asking = np.flatnonzero(rest.any(axis=1))
        if len(asking) == 0:
            break
        some = market.sample(asking)
        now = Sweeps(replace(some, demand=rest[asking]), sweeps.threads)
        # No slack: ties alone leave several ways, and the first of them is taken.
        near = now.near(closed, np.zeros(len(periods)), periods)
        cells = near.workload.astype(np.int64) * len(periods) + near.position
        _, first = np.unique(cells, return_index=True)
        only = near.only.copy()
        only[near.workload[first], near.position[first]] = near.route[first]
        workload, place = np.nonzero(only >= 0)
        if len(workload) == 0:
            break
        period = periods[place]
        # From the routes and workloads of those who ask to the market's own.
        route = np.searchsorted(market.route, some.route[only[workload, place]])
        workload = asking[workload]
        asked = Placements(route, workload, period, rest[workload, period])
        load = asked.load(market)
        given = asked.scaled(market, np.minimum(1.0, room / np.where(load > 0, load, 1.0)))
        room = np.maximum(room - given.load(market), 0.0)
        rest[workload, period] -= given.mtok
        rest[rest <= SPECK * market.demand] = 0.0
        made.append(given)
    return Placements.joined(made)
