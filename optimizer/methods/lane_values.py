"""What a model's tokens cost on given replicas, exactly, period by period.

With replicas fixed a model in a period is a small transport problem, whose prices the dual simplex
of :mod:`optimizer.kernels.price_vertex` finds from those of replicas that differ little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

MOST_STEPS = 2_000
"""Steps of the dual simplex in a period."""


@dataclass(frozen=True, eq=False)
class Priced:
    """The least cost of a model in a period.

    Attributes
    ----------
    usd : the cost, replicas included.
    lane_usd : (P,) USD per chip-hour that prove it; those it began with where no replica runs.
    exact : whether it is reached; where not, it is a lower bound.
    """

    usd: float
    lane_usd: Float
    exact: bool


class LaneValues:
    """The workloads of one model on its lanes. Axes W, P, T as in the instance, r: routes.

    Attributes
    ----------
    market : the workloads; what its chips cost is looked at where they are paid as used.
    """

    def __init__(self, market: Market, unit: Float, whole: Bool, more: Float) -> None:
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

    def at(self, period: int, count: Float, lane_usd: Float, paid_usd: float) -> Priced:
        """The least cost in a period.

        Parameters
        ----------
        count : (P,) replicas.
        lane_usd : (P,) USD per chip-hour to begin with.
        paid_usd : what these cost whatever they do.
        """
        from optimizer.kernels.near_ways import NOTHING
        from optimizer.kernels.price_vertex import BEST, price_vertex

        market, demand = self.market, self.market.demand[:, period]
        held = np.maximum(self._unit * count + self._more[:, period], 0.0)
        lanes = np.flatnonzero((count > 0) & (held > 0))
        if len(lanes) == 0 or len(market.pool) == 0:
            return Priced(paid_usd + float(market.ceiling @ demand), lane_usd, True)
        place = np.full(len(count), -1, np.int32)
        place[lanes] = np.arange(len(lanes), dtype=np.int32)
        pool = place[market.pool]
        ways = np.flatnonzero((pool >= 0) & (market.opens <= period) & (demand[self._owner] > 0))
        held = held[lanes]
        used = np.ascontiguousarray(self._used[lanes, period])
        price = np.maximum(lane_usd[lanes] - used, 0.0)
        # Ties of before would not help: where replicas changed, others hold the prices.
        tied, split = np.empty(0, np.int32), np.empty(2 * len(lanes), np.int32)
        only = np.full((market.num_workloads, 1), NOTHING, np.int32)
        ended, _, _ = price_vertex(
            self._owner[ways], ways.astype(np.int32), 0, pool, market.usd, market.hours, used,
            market.ceiling, market.scale, np.ascontiguousarray(demand[:, None]), held,
            np.zeros(len(lanes)), self._size[lanes], np.zeros(len(lanes)),
            np.full(len(lanes), np.inf), tied, tied, MOST_STEPS, price, only,
            split, split.copy(), np.empty(len(split)),
        )  # fmt: skip
        best = market.ceiling.copy()
        cost = market.usd[ways] + market.hours[ways] * (used + price)[pool[ways]]
        np.minimum.at(best, self._owner[ways], cost)
        lane_usd = lane_usd.copy()
        lane_usd[lanes] = used + price
        usd = paid_usd + float(best @ demand - price @ held)
        return Priced(usd, lane_usd, bool(ended == BEST))
