"""The coupled market: a market whose workloads meet in limits on several pools, or may wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.coupling import Coupling
from optimizer.methods.market import Market
from optimizer.prices import Prices

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Multipliers:
    """Prices >= 0 on all rows.

    Attributes
    ----------
    each : (N, T) on the limits of pools, and then on the other rows of each period.
    whole : (J,) on the rows over the horizon.
    """

    each: Float
    whole: Float


@dataclass(frozen=True, eq=False)
class CoupledMarket:
    """Axes as in the market; N: rows of a period, pools first; J: rows over the horizon.

    D: all that has a price: pools, by the chip-hour, then C limits that count more than that.

    Attributes
    ----------
    market : workloads, routes, pools.
    coupling : the other rows, their limits in proportion where the market is a sample.
    deadline : (W,) periods that a workload may wait.
    """

    market: Market
    coupling: Coupling
    deadline: Int

    @classmethod
    def of(cls, instance: Instance) -> CoupledMarket:
        """Look everything up once."""
        market = Market.of(instance, coupled=True)
        return cls(
            market,
            Coupling.of(instance, market),
            np.minimum(instance.workloads.deadline_periods, market.num_periods).astype(np.int64),
        )

    @property
    def size(self) -> int:
        """Length of axis D."""
        return len(self.market.capacity) + len(self.coupling.extra)

    @property
    def waits(self) -> bool:
        """Whether any workload may wait."""
        return bool((self.deadline > 0).any())

    @property
    def joint(self) -> bool:
        """Whether anything couples periods."""
        return self.waits or len(self.coupling.whole_limit) > 0

    @property
    def limit(self) -> Float:
        """(N, T) limits of the rows of each period."""
        return np.concatenate([self.market.capacity, self.coupling.each_limit])

    @cached_property
    def rows(self) -> Float:
        """(T, N + J, D) weights in all rows: those of the period, those over the horizon."""
        pools, periods = self.market.capacity.shape
        hours = np.concatenate([self.coupling.each, self.coupling.whole])
        rows = np.zeros((periods, pools + len(hours), self.size))
        rows[:, np.arange(pools), np.arange(pools)] = 1.0
        rows[:, pools:, :pools] = hours.transpose(2, 0, 1)
        rows[:, pools + self.coupling.extra_row, pools + np.arange(self.size - pools)] = 1.0
        return rows

    def none(self) -> Multipliers:
        """Multipliers of zero."""
        return Multipliers(np.zeros(self.limit.shape), np.zeros(len(self.coupling.whole_limit)))

    def of_prices(self, prices: Prices) -> Multipliers:
        """Multipliers that have been given the names of the judge."""
        each, whole = self.coupling.unnamed(prices)
        return Multipliers(np.concatenate([prices.capacity_usd_per_chip_hour, each]), whole)

    def by_period(self, handled_mtok: Float, limit: Float) -> CoupledMarket:
        """The same with nothing that couples periods.

        Parameters
        ----------
        handled_mtok : (W, T) Mtok handled in each period: nobody waits any more.
        limit : (N + J, T) limits of all rows in each period, those over the horizon included.
        """
        pools, coupling = len(self.market.capacity), self.coupling
        return CoupledMarket(
            replace(self.market, demand=handled_mtok),
            replace(
                coupling,
                each=np.concatenate([coupling.each, coupling.whole]),
                each_limit=limit[pools:],
                whole=coupling.whole[:0],
                whole_limit=coupling.whole_limit[:0],
            ),
            np.zeros_like(self.deadline),
        )

    def in_periods(self, periods: Int) -> CoupledMarket:
        """The same in some periods, ascending, where nothing couples them."""
        market, coupling = self.market, self.coupling
        return CoupledMarket(
            replace(
                market,
                opens=np.searchsorted(periods, market.opens).astype(np.int32),
                demand=np.ascontiguousarray(market.demand[:, periods]),
                capacity=market.capacity[:, periods],
                used_usd=market.used_usd[:, periods],
            ),
            replace(
                coupling,
                each=coupling.each[:, :, periods],
                each_limit=coupling.each_limit[:, periods],
                whole=coupling.whole[:, :, periods],
            ),
            self.deadline,
        )

    def each_period(self, at: Multipliers) -> Multipliers:
        """Multipliers with those over the horizon in every period, for :meth:`by_period`."""
        periods = at.each.shape[1]
        whole = np.broadcast_to(at.whole[:, None], (len(at.whole), periods))
        return Multipliers(np.concatenate([at.each, whole]), at.whole[:0])

    def change(self, at: Multipliers) -> Float:
        """(D, T) what multipliers, or a change of them, add to the prices of what is taken."""
        count = len(at.each)
        prices = np.matmul(at.each.T[:, None, :], self.rows[:, :count])[:, 0].T
        return np.asarray(prices + (at.whole @ self.rows[:, count:]).T)

    def prices(self, at: Multipliers) -> Float:
        """(D, T) prices of what is taken; infinity where there are no chips."""
        prices = self.change(at)
        prices[: len(self.market.capacity)] += self.market.used_usd
        return np.ascontiguousarray(prices)

    def taken(self, load: Float) -> Multipliers:
        """Left-hand sides of all rows, of what is taken, (D, T)."""
        sides = np.matmul(self.rows, load.T[:, :, None])[:, :, 0].T
        count = len(self.limit)
        return Multipliers(sides[:count], sides[count:].sum(axis=1))

    def counted(self, period: int, route: NDArray[np.int32]) -> Float:
        """(K + J, N) what a Mtok on routes counts in a period in each limit but those of pools."""
        market, pools = self.market, len(self.market.capacity)
        rows = self.rows[period, pools:]
        hours = rows[:, market.pool[route]] * market.hours[route]
        return np.asarray(hours + rows[:, pools:] @ self.coupling.extra[:, route])

    def sample(self, workloads: Int) -> CoupledMarket:
        """Some of the workloads, in order, and limits in proportion."""
        some = self.market.sample(workloads)
        whole, part = self.market.capacity, some.capacity
        ratio = _ratio(part.sum(axis=0), whole.sum(axis=0))
        overall = _ratio(part.sum(), whole.sum())
        coupling = replace(
            self.coupling,
            each_limit=self.coupling.each_limit * ratio,
            whole_limit=self.coupling.whole_limit * overall,
            extra=self.coupling.extra[:, self.market.routes_of(workloads)[1]],
        )
        return CoupledMarket(some, coupling, self.deadline[workloads])


def _ratio(part: Float, whole: Float) -> Float:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 1.0)
