"""The barrier of the coupled ascent.

Rows that overlap, as the limits of pools and a limit on their power, have directions in which
prices change and no workload notices, so that a step would run until a price is zero. What keeps
prices off zero is ``tau sum of log lam``, that fades with the temperature (A. V. Fiacco, G. P.
McCormick, "Nonlinear Programming: Sequential Unconstrained Minimization Techniques", Wiley 1968);
its bend is taken as the slack of the row over its price where that is more, as primal-dual methods
do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Level
from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.methods.coupled_sweeps import Landscape

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

BARRIER = 0.1
"""What the barrier may cost, as a part of the temperature times the bound."""
SHRINK = 0.05
"""Part of itself that a price keeps at least in one step."""
_TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Barrier:
    """What keeps prices off zero at one temperature, and the smoothed bound with it.

    Attributes
    ----------
    coupled : the market.
    usd : times the logarithm of each price.
    able : (N, T) rows that have a price.
    least : prices of rows that are wholly idle; 0 where there are no chips.
    """

    coupled: CoupledMarket
    usd: float
    able: Bool
    least: Multipliers

    @classmethod
    def of(cls, coupled: CoupledMarket, here: Landscape, level: Level) -> Barrier:
        """The barrier at a temperature."""
        able = np.ones(coupled.limit.shape, np.bool_)
        able[: len(coupled.market.able)] = coupled.market.able
        rows = int(able.sum()) + len(coupled.coupling.whole_limit)
        cost = BARRIER * level.temperature * float(np.abs(here.value).sum())
        usd, count = max(cost / max(rows, 1), _TINY), len(able)
        size = np.matmul(np.abs(coupled.rows), np.abs(here.load).T[:, :, None])[:, :, 0].T
        each = size[:count] + np.abs(coupled.limit)
        whole = size[count:].sum(axis=1) + np.abs(coupled.coupling.whole_limit)
        least = Multipliers(
            np.where(able, usd / np.maximum(each, 1.0), 0.0), usd / np.maximum(whole, 1.0)
        )
        return cls(coupled, usd, able, least)

    def in_periods(self, coupled: CoupledMarket, periods: Int) -> Barrier:
        """The same in some periods, of which the market is told."""
        least = Multipliers(self.least.each[:, periods], self.least.whole)
        return Barrier(coupled, self.usd, self.able[:, periods], least)

    def inside(self, at: Multipliers) -> Multipliers:
        """Prices no smaller than what a wholly idle row would have."""
        return Multipliers(
            np.maximum(at.each, self.least.each) * self.able,
            np.maximum(at.whole, self.least.whole),
        )

    @staticmethod
    def kept(price: Float, step: Float, least: Float) -> Float:
        """Prices after a step, none of them much nearer to zero than before."""
        return np.maximum(price + step, np.maximum(SHRINK * price, SHRINK * least))

    def value(self, here: Landscape, at: Multipliers) -> Float:
        """The smoothed bound with the barrier: by period, or all together, (1,)."""
        value = here.value - (at.each * self.coupled.limit).sum(axis=0)
        value += self.usd * np.log(np.where(self.able, at.each, 1.0)).sum(axis=0)
        more = self.usd * np.log(at.whole).sum() - at.whole @ self.coupled.coupling.whole_limit
        return self.summed(value, more)

    def slope(self, here: Landscape, at: Multipliers) -> Multipliers:
        """Of :meth:`value` by prices."""
        taken = self.coupled.taken(here.load)
        each = taken.each - self.coupled.limit + self.usd / np.where(self.able, at.each, 1.0)
        whole = taken.whole - self.coupled.coupling.whole_limit + self.usd / at.whole
        return Multipliers(np.where(self.able, each, 0.0), whole)

    def bend(self, at: Multipliers, slope: Multipliers) -> Multipliers:
        """Of the barrier: slack over price where that is more than the barrier's own."""
        price = np.where(self.able, at.each, 1.0)
        own, over = self.usd / price, self.usd / at.whole
        return Multipliers(
            np.where(self.able, np.maximum(own - slope.each, own) / price, 1.0),
            np.maximum(over - slope.whole, over) / at.whole,
        )

    def summed(self, by_period: Float, more: Float | float = 0.0) -> Float:
        """By period where each goes its own way, else all together, (1,)."""
        return np.array([by_period.sum() + more]) if self.coupled.joint else by_period
