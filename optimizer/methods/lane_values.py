"""What a model's tokens cost on given replicas, exactly, period by period.

With replicas fixed a model in a period is a small transport problem, whose prices the dual simplex
of :mod:`optimizer.kernels.price_vertex` finds from those of replicas that differ little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market

Float = NDArray[np.float64]
Int = NDArray[np.int64]

MOST_STEPS = 2_000
"""Steps of the dual simplex in a period."""


class LaneValues:
    """The workloads of one model on its lanes. Axes W, P, T as in the instance, r: routes.

    Attributes
    ----------
    market : the workloads; what its chips cost is looked at where they are paid as used.
    """

    def __init__(self, market: Market, unit: Float, whole: NDArray[np.bool_], more: Float) -> None:
        """Look everything up once.

        Parameters
        ----------
        unit : (P,) chip-hours of a replica.
        whole : (P,) where replicas are paid for whatever they do.
        more : (P, T) chip-hours beyond its replicas that a lane that runs is given.
        """
        self.market, self._unit, self._more = market, unit, more
        self._used = np.where(whole[:, None] | ~market.able, 0.0, market.used_usd)
        number = np.diff(market.first)
        self._owner = np.repeat(np.arange(market.num_workloads, dtype=np.int32), number)
        inverse = np.bincount(market.pool, market.hours / market.scale[self._owner], len(unit))
        number = np.bincount(market.pool, minlength=len(unit))
        self._size = np.where(inverse > 0, number / np.where(inverse > 0, inverse, 1.0), 1.0)

    def at(self, period: int, count: Float, lane_usd: Float) -> tuple[float, Float, bool]:
        """The least cost in a period.

        Parameters
        ----------
        count : (P,) replicas.
        lane_usd : (P,) USD per chip-hour to begin with.

        Returns
        -------
        USD; (P,) prices of lanes that prove it, beginning ones where no replica runs; and whether
        it is reached: where it is not, it is a lower bound.
        """
        from optimizer.kernels.price_vertex import BEST, price_vertex

        market, demand = self.market, self.market.demand[:, period]
        lanes = np.flatnonzero(count > 0)
        if len(lanes) == 0 or len(market.pool) == 0:
            return float(market.ceiling @ demand), lane_usd.copy(), True
        place = np.full(len(count), -1, np.int32)
        place[lanes] = np.arange(len(lanes), dtype=np.int32)
        pool = place[market.pool]
        ways = np.flatnonzero((pool >= 0) & (market.opens <= period) & (demand[self._owner] > 0))
        held = np.maximum(self._unit[lanes] * count[lanes] + self._more[lanes, period], 0.0)
        used = np.ascontiguousarray(self._used[lanes, period])
        price = np.maximum(lane_usd[lanes] - used, 0.0)
        many = 2 * len(lanes)
        only = np.full((market.num_workloads, 1), -3, np.int32)
        ended, _, _ = price_vertex(
            self._owner[ways], ways.astype(np.int32), 0, pool, market.usd, market.hours, used,
            market.ceiling, market.scale, np.ascontiguousarray(demand[:, None]), held,
            np.zeros(len(lanes)), self._size[lanes], np.zeros(len(lanes)),
            np.full(len(lanes), np.inf), np.empty(0, np.int32), np.empty(0, np.int32),
            MOST_STEPS, price, only,
            np.empty(many, np.int32), np.empty(many, np.int32), np.empty(many),
        )  # fmt: skip
        best = market.ceiling.copy()
        cost = market.usd[ways] + market.hours[ways] * (used + price)[pool[ways]]
        np.minimum.at(best, self._owner[ways], cost)
        lane_usd = lane_usd.copy()
        lane_usd[lanes] = used + price
        return float(best @ demand - price @ held), lane_usd, bool(ended == BEST)
