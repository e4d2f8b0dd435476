"""Prices on pools and on what whole replicas leave over there, and the bound that they prove.

Models whose replicas have the same sizes see the same prices and are one market. The ascent of the
relaxed market (:mod:`~optimizer.methods.ascent`) climbs over all rows, as if each were a pool:
loads and bends of the markets are added up row by row. It begins at the prices of the pools
alone, so that what it ends at can only be better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.ascent import Level, dearest
from optimizer.methods.few_steps import climb_few
from optimizer.methods.market import Market, price_units
from optimizer.methods.price_ladder import ROUGH, floor_of
from optimizer.methods.replica_cuts import ReplicaCuts
from optimizer.methods.replica_market import ReplicaMarket, only
from optimizer.methods.sweeps import Halt, Smooth, Sweeps

Float = NDArray[np.float64]
Int = NDArray[np.int64]

UNIT = 2.0**-53
"""Half the distance from 1 to the next float64."""
OPERATIONS = 64
"""Rounded operations that the cost of a Mtok is made of, at most, and some to spare."""


LEVELS = (25.0, 5.0, 1.0)
"""Widths of the soft-min, as multiples of the last one of the pools alone."""
MOST_STEPS = 30
"""Steps of a level after which prices are taken as they are."""


@dataclass(frozen=True, eq=False)
class CutBound:
    """What prices on pools and cuts prove. Axes R, P, T.

    Attributes
    ----------
    cuts : the rows.
    price : (R, T) USD per chip-hour beyond what is paid for use.
    usd : (T,) lower bound on the cost of each period, rounded down; what is paid in any case is
        not in it.
    """

    cuts: ReplicaCuts
    price: Float
    usd: Float


class RowSweeps(Sweeps):
    """Sweeps whose pools are rows: limits of pools, and cuts.

    The price of a cut is in units of what a chip-hour of its pool is worth, so that the ascent,
    which knows no pool for it, takes steps of a fitting length.

    Attributes
    ----------
    cuts : the rows.
    size : (R,) USD per chip-hour of the unit in which their prices are stated.
    """

    def __init__(self, market: Market, model: Int, cuts: ReplicaCuts, threads: int) -> None:
        """Sort the workloads by how their chip-hours count.

        Parameters
        ----------
        model : (W,) model of each workload of ``market``.
        """
        size = np.ones(len(cuts.pool))
        size[cuts.num_pools :] = price_units(market, market.ceiling)[cuts.pool[cuts.num_pools :]]
        rows = replace(
            market,
            capacity=cuts.limit * size[:, None],
            used_usd=np.where(cuts.binds, 0.0, np.inf),
        )
        super().__init__(rows, threads)
        self.cuts, self.size = cuts, size
        kinds, kind = np.unique(cuts.counts, axis=0, return_inverse=True)
        self._counts: Float = kinds
        self._members = [np.flatnonzero(kind[model] == each) for each in range(len(kinds))]
        self._parts = [Sweeps(only(market, each), threads) for each in self._members]

    def smooth(self, price: Float, width: Float, periods: Int, halt: Halt | None = None) -> Smooth:
        """The same of all workloads, with loads and bends of rows."""
        from optimizer.kernels.row_bends import row_bends

        pool, rows = self.cuts.pool, len(self.cuts.pool)
        value, load = np.zeros(len(periods)), np.zeros((rows, len(periods)))
        curvature = np.zeros((len(periods), rows, rows))
        for part, members, counted in zip(self._parts, self._members, self._counts, strict=True):
            made = part.smooth(self._price_of(counted, price), width[members], periods, halt)
            counts = counted * self.size
            value += made.value
            load += counts[:, None] * made.load[pool]
            row_bends(pool, counts, made.curvature, curvature)
        return Smooth(value, load, curvature)

    def bound(self, price: Float) -> Float:
        """(T,) USD that prices of rows, (R, T), prove; rounded down."""
        market = self.market
        periods = np.arange(market.num_periods)
        served = np.zeros(len(periods))
        for part, counted in zip(self._parts, self._counts, strict=True):
            slack = np.zeros(len(periods))
            served += part.near(self._price_of(counted, price), slack, periods).value
        used = (np.where(market.able, price, 0.0) * market.capacity).sum(axis=0)
        return rounded_down(market, served, used)

    def _price_of(self, counts: Float, price: Float) -> Float:
        return self.cuts.paid(counts, self.size[:, None] * price)


def rounded_down(market: Market, served: Float, used: Float) -> Float:
    """(T,) USD of a bound less all that rounding may have added to it.

    Both numbers are sums of products of numbers >= 0, so that the error of each is a part of it:
    so many times the rounding unit as operations lead to it one after the other (N. J. Higham,
    "Accuracy and Stability of Numerical Algorithms", 2nd ed., 2002, ch. 4).

    Parameters
    ----------
    served, used : (T,) USD of the best ways of all workloads, and of all limits at their prices.
    """
    terms = OPERATIONS + market.num_workloads + len(market.capacity)
    return np.asarray(served - used - terms * UNIT * (served + used))


def cut_bound(
    instance: Instance, fleet: ReplicaMarket, price: Float, threads: int, halt: Halt
) -> CutBound | None:
    """Climb over pools and cuts; None when there are no cuts.

    All workloads climb, and no sample before: the prices of pools are at their place already.

    Parameters
    ----------
    price : (P, T) USD per chip-hour of the pools alone.
    """
    cuts, market = ReplicaCuts.of(instance, fleet), fleet.market
    if cuts.num_cuts == 0:
        return None
    sweeps = RowSweeps(market, instance.workloads.model.codes.astype(np.int64), cuts, threads)
    now = np.zeros((len(cuts.pool), price.shape[1]))
    now[: cuts.num_pools] = price
    floor, least = floor_of(market), dearest(market)
    for times in LEVELS:
        width = times * floor
        level = Level(temperature=width * least, floor=width, tolerance=ROUGH * width)
        now = climb_few(sweeps, now, level, MOST_STEPS, halt)
        if halt():
            break
    return CutBound(cuts, sweeps.size[:, None] * now, sweeps.bound(now))
