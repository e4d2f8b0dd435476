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

from optimizer.methods.held_sweep import Held, held_sweep
from optimizer.methods.market import Market
from optimizer.methods.sweeps import Halt, HaltedError, Sweeps
from optimizer.methods.vertex import Split, Vertex

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

AIM, LATE_AIM, LATE = 1e-10, 1e-9, 6
"""Gap at which a period is left alone, if less is asked for than that; and after so many rounds,
when only a few are open."""
CROWD = 5_000
"""Ways near the best in a period from which on only large workloads move among equals."""
LARGE = 2_000
"""How many these are."""
SAMPLE = 2_000
"""Workloads from which it is guessed how many ways are near the best."""
SLACK_OF_ONE, WIDEST = 6.0, 1e-2
"""Slack times the workloads, as a part of their scales, and the most: in a crowd ways are close to
each other, and prices move less."""
NARROWER, NARROWINGS = 5.0, 4
"""Part of the slack that is left where more ways than that are near, and how often."""
WIDER, MOST_WAYS = 3.0, 10_000
"""Times as far prices may go where they would have gone further; times as much slack then, unless
so many ways are near already."""
TIED = 1e-12
"""Slack of ways that cost the same."""
FAR_OFF = 0.25
"""Ways to a cell found by the first sweep above which it is no start, unless they are few."""
SEED = 20260611
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
        self.price = np.where(market.able, start.price, 0.0)
        self.only, self.split = start.only, list(start.split)
        self.bound_usd = np.full(periods, -np.inf)
        self.cost_usd = np.full(periods, np.inf)
        self.open = np.ones(periods, np.bool_)
        self.rounds, self.ways = 0, 0
        self._unit = _price_units(market)
        self._rank = _ranks(market)
        self._slack, crowded = self._near_enough()
        self._reach = self._slack.copy()
        self._among = np.where(crowded, LARGE, market.num_workloads)
        self._before: dict[int, tuple[Index, Split]] = {}

    def run(self, halt: Halt) -> None:
        """Go on until every period is done, or nothing helps."""
        todo, trial = np.arange(len(self.open)), self.price.copy()
        for _ in range(MOST_ROUNDS):
            if len(todo) == 0 or halt():
                return
            try:
                held = held_sweep(
                    self.sweeps, trial[:, todo], self._slack[todo], todo, self._rank,
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
            places = np.flatnonzero(good & self.open[todo])
            self.rounds += 1
            self.ways = max([self.ways, *(len(held.ways[place][0]) for place in places)])

            def vertex(place: int, todo: Int = todo, held: Held = held) -> tuple[int, Float]:
                return self._vertex(int(todo[place]), held, place)

            with ThreadPoolExecutor(self.sweeps.threads) as pool:
                ends = list(pool.map(vertex, places.tolist()))
            for place, (ended, price) in zip(places.tolist(), ends, strict=True):
                trial[:, todo[place]] = price
                if ended == FAR_AWAY:
                    self._reach[todo[place]] *= WIDER
                    if len(held.ways[place][0]) < MOST_WAYS:
                        self._slack[todo[place]] *= WIDER
            # A plan may meet the bound of prices that were there before.
            self.open[todo[self._done(todo)]] = False
            again = todo[~good & self.open[todo]]
            trial[:, again] = self.price[:, again]
            todo = todo[self.open[todo]]

    @property
    def _aim(self) -> float:
        return AIM if self.rounds < LATE else LATE_AIM

    def _near_enough(self) -> tuple[Float, Bool]:
        """(T,) slack that leaves not too many ways near the best, and where none does."""
        market = self.sweeps.market
        count = min(SAMPLE, market.num_workloads)
        drawn = np.random.default_rng(SEED).permutation(market.num_workloads)[:count]
        sample = Sweeps(market.sample(np.sort(drawn)), self.sweeps.threads)
        enough = CROWD * count / max(market.num_workloads, 1)
        slack = np.full(market.num_periods, SLACK_OF_ONE / max(market.num_workloads, 1))
        slack = np.minimum(slack, WIDEST)
        every = np.arange(market.num_periods)

        def count_near(periods: Int, slack: Float) -> Int:
            near = sample.near(self.price[:, periods], slack, periods)
            return np.bincount(near.position, minlength=len(periods))

        equal = count_near(every, np.full(market.num_periods, TIED))
        todo = every
        for _ in range(NARROWINGS):
            todo = todo[count_near(todo, slack[todo]) - equal[todo] > enough]
            slack[todo] /= NARROWER
        return slack, equal > enough

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
        self._among[periods[few]] *= 8
        self._reach[periods[~few]] /= NARROWER

    def _vertex(self, period: int, held: Held, place: int) -> tuple[int, Float]:
        from optimizer.kernels.price_vertex import STUCK, price_vertex

        market, pools = self.sweeps.market, len(self.price)
        workload, route = held.ways[place]
        before, load = held.price[:, place], held.load[:, place].copy()
        price, split = before.copy(), self.split[period]
        reach = self._reach[period] * self._unit
        self._before[period] = self.only[:, period].copy(), split
        out = (np.empty(2 * pools, np.int32), np.empty(2 * pools, np.int32), np.empty(2 * pools))
        ended, count, _ = price_vertex(
            workload, route, period, market.pool, market.usd, market.hours,
            np.ascontiguousarray(market.used_usd[:, period]), market.ceiling, market.scale,
            market.demand, np.ascontiguousarray(market.capacity[:, period]), load, self._unit,
            np.maximum(before - reach, 0.0), before + reach, split.workload, split.route,
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


def _price_units(market: Market) -> Float:
    """(P,) USD per chip-hour that is as much as the scale of a pool's typical workload."""
    worth = np.repeat(market.scale, np.diff(market.first))
    pools = len(market.capacity)
    number = np.bincount(market.pool, minlength=pools)
    inverse = np.bincount(market.pool, market.hours / worth, minlength=pools)
    return np.where(number > 0, number / np.where(number > 0, inverse, 1.0), 1.0)


def _ranks(market: Market) -> Int:
    """(W,) place of each workload by the chip-hours it needs, the largest first."""
    number = np.diff(market.first)
    owner = np.repeat(np.arange(market.num_workloads), number)
    need = np.bincount(owner, market.hours, minlength=market.num_workloads)
    need = need / np.maximum(number, 1) * market.demand.sum(axis=1)
    rank = np.empty(market.num_workloads, np.int64)
    rank[np.argsort(-need, kind="stable")] = np.arange(market.num_workloads)
    return rank
