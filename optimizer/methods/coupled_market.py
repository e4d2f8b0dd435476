"""The coupled market: a market whose workloads meet in limits on several pools, or may wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.coupling import Coupling
from optimizer.methods.market import Market

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
    """Axes as in the market; g: what a Mtok takes, N: rows of a period, pools first.

    Attributes
    ----------
    market : workloads, routes, pools.
    coupling : the other rows, their limits in proportion where the market is a sample.
    takes : (g, r) what a Mtok takes of its pool.
    deadline : (W,) periods that a workload may wait.
    """

    market: Market
    coupling: Coupling
    takes: Float
    deadline: Int

    @classmethod
    def of(cls, instance: Instance) -> CoupledMarket:
        """Look everything up once."""
        market, coupling = Market.of(instance, coupled=True), Coupling.of(instance)
        amounts = {
            "compute": market.hours,
            "tokens": np.ones(len(market.hours)),
            "usd": market.usd,
        }
        return cls(
            market,
            coupling,
            np.array([amounts[good] for good in coupling.goods]),
            np.minimum(instance.workloads.deadline_periods, market.num_periods).astype(np.int64),
        )

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
        """(T, N + J, g P) coefficients of all rows: those of the period, those over the horizon."""
        each, whole = self.coupling.each, self.coupling.whole
        goods, (pools, periods) = len(self.takes), self.market.capacity.shape
        first = np.zeros((pools, goods, pools, periods))
        first[np.arange(pools), 0, np.arange(pools)] = 1.0
        stacked = np.concatenate([first, each, whole])
        flat = stacked.reshape(len(stacked), goods * pools, periods)
        return np.ascontiguousarray(flat.transpose(2, 0, 1))

    def none(self) -> Multipliers:
        """Prices of zero."""
        return Multipliers(np.zeros(self.limit.shape), np.zeros(len(self.coupling.whole_limit)))

    def change(self, at: Multipliers) -> Float:
        """(g, P, T) what multipliers, or a change of them, add to the prices of what is taken."""
        pools = len(self.market.capacity)
        prices = self.coupling.prices(at.each[pools:], at.whole)
        prices[0] += at.each[:pools]
        return prices

    def prices(self, at: Multipliers) -> Float:
        """(g, P, T) prices of what is taken; infinity where there are no chips."""
        prices = self.change(at)
        prices[0] += self.market.used_usd
        return prices

    def taken(self, load: Float) -> Multipliers:
        """Left-hand sides of all rows, of what is taken, (g, P, T)."""
        each, whole = self.coupling.taken(load)
        return Multipliers(np.concatenate([load[0], each]), whole)

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
        )
        counts = np.diff(self.market.first)[workloads]
        ends = np.cumsum(counts)
        routes = np.arange(counts.sum()) + np.repeat(
            self.market.first[workloads] - (ends - counts), counts
        )
        return CoupledMarket(some, coupling, self.takes[:, routes], self.deadline[workloads])


def _ratio(part: Float, whole: Float) -> Float:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 1.0)
