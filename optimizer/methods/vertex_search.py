"""The finish from a solution: period by period the exact prices, by a dual simplex of our own.

Where a problem has changed a little, its last prices are nearly right, nearly every workload may
stay where it was, and the ties that held the last prices in place still hold. One sweep finds
the workloads with a way as near the best as the one they have; over these the prices of each
period climb from tie to tie (:mod:`optimizer.kernels.price_vertex`). Another sweep at the prices
reached proves how good they are, and finds who else would move, until the cost of each period
meets its bound.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Level, climb, dearest
from optimizer.methods.held_sweep import Held, Reach, held_sweep
from optimizer.methods.market import price_units
from optimizer.methods.sweeps import Halt, HaltedError, Sweeps
from optimizer.methods.vertex import Split, Vertex
from optimizer.methods.vertex_start import CROWD, near_enough, ranks, starting_prices

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

AIM, LATE_AIM, LATE = 1e-10, 1e-9, 6
"""Gap at which a period is left alone, if less is asked for than that; and after so many rounds,
when only a few are open."""
LARGE, MORE = 2_000, 8
"""Where a crowd has ways that cost the same only so many workloads move among these, the largest;
times as many after prices that proved less."""
FLOOR = 1e-9
"""Slack to begin with, as a part of workloads' scales, of ways that cost nothing."""
STRIDE = 1.5
"""Parts of their slack by which prices may move at most. At less than a half nobody comes in who
was not near; but few do at more."""
WIDER, NARROWER = 3.0, 5.0
"""Times as much slack where prices would have gone further, and part of it that is left after
prices that proved less."""
STEEP = 1e-2
"""Gain of a round, as a part of the stride and of what a period costs, from which on its prices are
far away: they climb a smoothed bound first."""
ROUGH = 1e-3
"""Part of the temperature to which a level is climbed, as a part of the bound."""
WARM, COOLER = 1e-4, 1 / 5
"""Temperature of the climb in periods that cost as much per worth as any, less in others; and of
each level, as a part of that before."""
FAR_OFF = 0.25
"""Ways to a cell found by the first sweep above which it is no start, unless they are few."""
MOST_ROUNDS = 16
MOST_STEPS = 3_000
"""Steps of the dual simplex in a period."""
BEST_THERE_IS, FAR_AWAY = 0, 1
"""How a search in a period ends: names of :mod:`optimizer.kernels.price_vertex`."""


class VertexSearch:
    """Prices, and who is where, on the way to the vertex of each period.

    Attributes
    ----------
    price : (P, T) prices that prove most so far, USD per chip-hour beyond use.
    bound_usd : (T,) what they prove.
    cost_usd : (T,) cost of the plan of each period, infinity while it has none.
    only : (W, T) what each workload does: one route, or a name.
    split : those on several ways, by period.
    open : (T,) periods that are not done.
    rounds : how often ways were looked for.
    ways : most of them in a period.
    """

    def __init__(
        self,
        sweeps: Sweeps,
        start: Vertex,
        relative_gap: float,
    ) -> None:
        market = sweeps.market
        periods = market.num_periods
        self.sweeps, self.relative_gap = sweeps, relative_gap
        self._unit, self._rank = price_units(market, market.scale), ranks(market)
        self.price = starting_prices(sweeps, start, self._unit, self._rank)
        self.only, self.split = start.only, list(start.split)
        self.bound_usd = np.full(periods, -np.inf)
        self.cost_usd = np.full(periods, np.inf)
        self.open = np.ones(periods, np.bool_)
        self.rounds, self.ways = 0, 0
        slack, crowded = near_enough(sweeps, self.price, self.only)
        self._reach, self._begun = Reach(slack, np.full(periods, FLOOR)), slack.copy()
        self._among = np.where(crowded, LARGE, market.num_workloads)
        self._before: dict[int, tuple[Index, Split]] = {}
        self._proved_usd = np.full(periods, np.nan)
        self._climbed = np.zeros(periods, np.bool_)

    def run(self, halt: Halt) -> None:
        """Go on until every period is done, or nothing helps."""
        todo, trial = np.arange(len(self.open)), self.price.copy()
        while len(todo) and self.rounds < MOST_ROUNDS and not halt():
            try:
                held = held_sweep(
                    self.sweeps, trial[:, todo], self._reach.of(todo), todo, self._rank,
                    self._among[todo], self.only, halt,
                )  # fmt: skip
            except HaltedError:
                return
            if self.rounds == 0 and held.size > max(CROWD * len(todo), FAR_OFF * self.only.size):
                return
            good = self._judge(todo, trial[:, todo], held.value)
            for period in todo[~good].tolist():
                self.only[:, period], self.split[period] = self._before[period]
                self.cost_usd[period] = np.inf
            self._change_course(todo[~good])
            self.open[todo[self._done(todo)]] = False
            steep = self._steep(todo)
            places = np.flatnonzero(good & self.open[todo] & ~steep)
            self.rounds += 1
            self.ways = max([self.ways, *(len(held.ways[place][0]) for place in places)])

            def vertex(place: int, todo: Int = todo, held: Held = held) -> tuple[int, Float]:
                return self._vertex(int(todo[place]), held, place)

            with ThreadPoolExecutor(self.sweeps.threads) as pool:
                ends = list(pool.map(vertex, places.tolist()))
            for place, (ended, price) in zip(places.tolist(), ends, strict=True):
                trial[:, todo[place]] = price
                if ended == FAR_AWAY:
                    self._reach.slack[todo[place]] *= WIDER
                    self._reach.floor[todo[place]] *= WIDER
            again = todo[~good & self.open[todo]]
            trial[:, again] = self.price[:, again]
            if bool(steep.any()):
                self._climb(todo[steep], trial, halt)
            # A plan may meet the bound of prices that were there before.
            self.open[todo[self._done(todo)]] = False
            todo = todo[self.open[todo]]

    @property
    def _aim(self) -> float:
        return AIM if self.rounds < LATE else LATE_AIM

    def _judge(self, periods: Int, price: Float, value: Float) -> Bool:
        """Whether prices prove no less than those before; these become the best then."""
        bound = value - (price * self.sweeps.market.capacity[:, periods]).sum(axis=0)
        size = np.where(np.isfinite(self.bound_usd), np.abs(self.bound_usd), 0.0)
        size = (size[periods] + size.mean()) / 2
        good = bound >= self.bound_usd[periods] - self._aim * size
        better = bound >= self.bound_usd[periods]
        self.price[:, periods[better]] = price[:, better]
        self.bound_usd[periods[better]] = bound[better]
        return np.asarray(good)

    def _done(self, periods: Int) -> Bool:
        cost, bound = self.cost_usd[periods], self.bound_usd[periods]
        known = np.isfinite(cost)
        # Half by what the period costs, half alike: together no more than the whole may miss.
        size = (np.abs(np.where(known, cost, 0.0)) + np.abs(self.bound_usd).mean()) / 2
        done: Bool = known & (cost - bound <= min(self._aim, self.relative_gap) * size)
        return done

    def _change_course(self, periods: Int) -> None:
        """After prices that proved less: look at more equals, or go less far."""
        few = self._among[periods] < self.sweeps.market.num_workloads
        self._among[periods[few]] *= MORE
        self._reach.slack[periods[~few]] /= NARROWER
        self._reach.floor[periods[~few]] /= NARROWER

    def _steep(self, periods: Int) -> Bool:
        """Whether bounds rise so much that going from tie to tie would take long; once each."""
        gain = self.bound_usd[periods] - self._proved_usd[periods]
        size = (np.abs(self.bound_usd[periods]) + np.abs(self.bound_usd).mean()) / 2
        stride = STRIDE * self._reach.slack[periods] / WIDER
        steep = self.open[periods] & ~self._climbed[periods] & (gain > STEEP * stride * size)
        self._proved_usd[periods] = self.bound_usd[periods]
        self._climbed[periods] |= steep
        return np.asarray(steep)

    def _climb(self, periods: Int, price: Float, halt: Halt) -> None:
        """Climb the smoothed bound; the less a period costs, the colder it has to be."""
        market = self.sweeps.market
        worth = market.scale @ market.demand
        cost = np.abs(self.bound_usd) / np.where(worth > 0, worth, 1.0)
        coldest = WARM * (cost / max(float(cost.max()), np.finfo(float).tiny))[periods]
        least, width, todo = dearest(market), WARM, periods
        price[:, periods] = self.price[:, periods]
        while len(todo) and not halt():
            level = Level(temperature=width * least, floor=width, tolerance=ROUGH * width)
            price[:, todo] = climb(self.sweeps, price, level, halt, todo)[:, todo]
            width *= COOLER
            todo = periods[coldest < width]
        self._reach.slack[periods] = self._begun[periods]
        self._reach.floor[periods] = FLOOR

    def _vertex(self, period: int, held: Held, place: int) -> tuple[int, Float]:
        from optimizer.kernels.price_vertex import STUCK, price_vertex

        market, pools = self.sweeps.market, len(self.price)
        workload, route = held.ways[place]
        before, load = held.price[:, place], held.load[:, place].copy()
        price, split = before.copy(), self.split[period]
        used = np.where(market.able[:, period], market.used_usd[:, period], 0.0)
        stride = self._reach.slack[period] * np.minimum(before + used, self._unit)
        stride = STRIDE * (stride + self._reach.floor[period] * self._unit)
        self._before[period] = self.only[:, period].copy(), split
        out = (np.empty(2 * pools, np.int32), np.empty(2 * pools, np.int32), np.empty(2 * pools))
        ended, count, _ = price_vertex(
            workload, route, period, market.pool, market.usd, market.hours,
            np.ascontiguousarray(market.used_usd[:, period]), market.ceiling, market.scale,
            market.demand, np.ascontiguousarray(market.capacity[:, period]), load, self._unit,
            np.maximum(before - stride, 0.0), before + stride, split.workload, split.route,
            MOST_STEPS, price, self.only, *out,
        )  # fmt: skip
        order = np.argsort(out[0][:count], kind="stable")
        who, where, mtok = out
        mine = Split(who[order], where[order], mtok[order])
        self.split[period] = mine
        self.cost_usd[period] = np.inf
        if ended == BEST_THERE_IS:
            settled = held.settled_usd[place] - before @ held.load[:, place]
            self.cost_usd[period] = settled + self._moved_usd(period, workload, mine)
        return (FAR_AWAY if ended == STUCK else ended), price

    def _moved_usd(self, period: int, workload: Index, split: Split) -> float:
        """What those pay that were found by the sweep."""
        market = self.sweeps.market
        first = np.ones(len(workload), np.bool_)
        first[1:] = workload[1:] != workload[:-1]
        who = workload[first]
        route = self.only[who, period]
        alone = route >= -1
        return self._usd(
            period, who[alone], route[alone], market.demand[who[alone], period]
        ) + self._usd(period, split.workload, split.route, split.mtok)

    def _usd(self, period: int, workload: Index, route: Index, mtok: Float) -> float:
        market = self.sweeps.market
        if len(market.pool) == 0:
            return float(market.ceiling[workload] @ mtok)
        line = np.maximum(route, 0)
        usd = market.usd[line] + market.hours[line] * market.used_usd[market.pool[line], period]
        return float(np.where(route >= 0, usd, market.ceiling[workload]) @ mtok)
