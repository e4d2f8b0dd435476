"""The split finish: fix what is handled when, and solve each period for itself.

At the end of the ascent the smoothed workloads say how many tokens are handled in each period, and
how much of each limit over the horizon a period uses. With these fixed no period knows of another.
Most workloads then have one way within a hair of the best and are settled; the others go with
their few ways into a small program per period. The plan misses the optimum by what the smoothing
blurs, about the temperature; the bound is that of the ascent, whatever is done here.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Halt
from optimizer.methods.column_generation import EVERYTHING, MOST_WAYS, OVERFULL, WIDER
from optimizer.methods.coupled_market import CoupledMarket
from optimizer.methods.overflow import Placements
from optimizer.methods.remainder import Remainder
from optimizer.methods.spread import spread
from optimizer.program import Program
from optimizer.solvers.base import Outcome, Reason

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]


WIDTHS = 10.0
"""Widths within which a way is left open at first."""
WIDEST = 1e4
"""Widths from which on every way is left open."""


@dataclass(eq=False)
class SplitByPeriod:
    """What is known of each period; moves on as :meth:`learn` is told of solutions.

    Attributes
    ----------
    coupled : the market, in which nothing couples periods.
    price : (D, T) prices of what is taken.
    width : (W,) USD per Mtok: width of the soft-min at these prices.
    threads : threads of the sweeps.
    halt : asked while workloads are settled; what is not settled by then has no plan.
    slack : (T,) widths by which a way may miss the best and be left open.
    only : (W, T) settled workloads: their route, or a name of :mod:`optimizer.kernels.near_ways`.
    remainders : the others, by period.
    placed_mtok : what is placed on the ways of each remainder, by period; None before.
    open : (T,) periods that have no plan yet.
    """

    coupled: CoupledMarket
    price: Float
    width: Float
    threads: int
    halt: Halt
    slack: Float = field(init=False)
    only: Index = field(init=False)
    remainders: list[Remainder] = field(init=False)
    placed_mtok: list[Float | None] = field(init=False)
    open: Bool = field(init=False)
    _settled: Float = field(init=False)
    _may_draw: Bool = field(init=False)
    _others_usd: Float = field(init=False)

    def __post_init__(self) -> None:
        shape = self.coupled.market.demand.shape
        periods = shape[1]
        none = np.empty(0, np.int32)
        self.only = np.empty(shape, np.int32)
        self.remainders = [Remainder(period, none, none) for period in range(periods)]
        self.placed_mtok = [None] * periods
        self.open = np.ones(periods, np.bool_)
        self.slack = np.full(periods, WIDTHS)
        self._settled = np.zeros(self.coupled.limit.shape)
        self._may_draw = np.ones(periods, np.bool_)
        self._others_usd = np.full(periods, np.nan)
        self._start(np.arange(periods))

    def programs(self) -> list[tuple[int, Program]]:
        """Period and program of every open period, once its settled workloads fit."""
        todo = np.flatnonzero(self.open)
        pools = len(self.coupled.market.capacity)
        while len(todo) and not self.halt():
            room, taken = self.coupled.market.capacity[:, todo], self._settled[:pools, todo]
            fits = ~(taken > room * (1 + OVERFULL)).any(axis=0)
            self._widen(todo[~fits])
            todo = todo[~fits]
            todo = todo[self.open[todo]]
        made = []
        for period in np.flatnonzero(self.open).tolist():
            rest = self.remainders[period]
            left = self.coupled.limit[:, period] - self._settled[:, period]
            room = np.maximum(left[:pools], 0.0)
            limits = None
            if len(left) > pools:
                limits = (self.coupled.counted(period, rest.route), left[pools:])
            made.append((period, rest.program(self.coupled.market, room, limits)))
        return made

    def learn(self, solved: list[tuple[int, Program, Outcome]]) -> None:
        """Take solutions over; periods without one are tried with more ways."""
        again = []
        for period, program, outcome in solved:
            if outcome.reason is Reason.OPTIMAL and outcome.values is not None:
                self.placed_mtok[period] = self.remainders[period].placed(outcome)
                self._others_usd[period] = float(program.cost @ outcome.values)
                self.open[period] = False
            elif outcome.reason is Reason.INFEASIBLE:
                again.append(period)
        self._widen(np.array(again, np.int64))

    def placements(self) -> Placements:
        """What is placed of those that are not settled, in the periods that have a plan."""
        return Placements.joined(
            [
                Placements(
                    rest.route, rest.workload, np.full(len(mtok), rest.period, np.int32), mtok
                )
                for rest, mtok in zip(self.remainders, self.placed_mtok, strict=True)
                if mtok is not None
            ]
        )

    def cost_usd(self) -> float:
        """What the periods that have a plan cost, without what is paid in any case."""
        from optimizer.kernels.settled_sums import settled_sums

        market, done = self.coupled.market, ~np.isnan(self._others_usd)
        load, cost = np.zeros(market.capacity.shape), np.zeros(len(done))
        settled_sums(
            self.only, done, market.demand, market.pool, market.usd, market.hours,
            market.used_usd, market.ceiling, load, cost,
        )  # fmt: skip
        return float(cost.sum() + self._others_usd[done].sum())

    def _widen(self, periods: Int) -> None:
        """Begin these periods anew with more ways; give up on those that had all of them."""
        if len(periods) == 0:
            return
        lost = self.slack[periods] >= EVERYTHING
        self.open[periods[lost]] = False
        periods = periods[~lost]
        drawn = self._may_draw[periods]
        slack = self.slack[periods]
        wider = np.where(slack < WIDEST, slack * WIDER, EVERYTHING)
        self.slack[periods] = np.where(drawn, slack, wider)
        self._may_draw[periods] = False
        if len(periods):
            self._start(periods)

    def _start(self, periods: Int) -> None:
        """Settle whom the prices settle, in these periods from scratch."""
        load, workload, position, route = self._sweep(periods)
        order = np.argsort(position, kind="stable")
        ends = np.cumsum(np.bincount(position, minlength=len(periods)))[:-1]
        ways = zip(np.split(workload[order], ends), np.split(route[order], ends), strict=True)
        for place, (who, where) in enumerate(ways):
            period = int(periods[place])
            if self.halt():
                self.open[period] = False
                continue
            if self._may_draw[period] and len(where) > MOST_WAYS:
                who, where = self._drawn(period, who, where, load[:, place])
            else:
                self._may_draw[period] = False
            self.remainders[period] = Remainder(period, who, where)
            self._settled[:, period] = self.coupled.rows[period] @ load[:, place]

    def _drawn(
        self, period: int, workload: Index, route: Index, load: Float
    ) -> tuple[Index, Index]:
        """Settle all but the largest of very many that are torn; gives what stays open."""
        coupled, market = self.coupled, self.coupled.market
        pools, extra = len(market.capacity), coupled.coupling.extra
        usd = market.usd + self.price[pools:, period] @ extra
        alike = replace(market, usd=usd, scale=self.width)
        able = market.able[:, period]
        beyond = np.where(able, self.price[:pools, period], 0.0)
        beyond -= np.where(able, market.used_usd[:, period], 0.0)
        settled, taken = spread(
            alike, beyond, period, float(self.slack[period]), (workload, route), MOST_WAYS
        )
        self.only[settled, period] = taken
        mtok = market.demand[settled, period]
        load[:pools] += np.bincount(market.pool[taken], market.hours[taken] * mtok, pools)
        load[pools:] += extra[:, taken] @ mtok
        kept = self.only[workload, period] < 0
        return workload[kept], route[kept]

    def _sweep(self, periods: Int) -> tuple[Float, Index, Index, Index]:
        """What the settled take, (D, t), and the ways of the others."""
        from optimizer.kernels.settle_ways import settle_ways

        coupled, market = self.coupled, self.coupled.market
        price = np.ascontiguousarray(self.price[:, periods])
        opens = np.searchsorted(periods, market.opens).astype(np.int32)
        slack = np.ascontiguousarray(self.slack[periods])
        edges = np.linspace(0, market.num_workloads, 33).astype(np.int64)
        blocks = [pair for pair in itertools.pairwise(edges.tolist()) if pair[1] > pair[0]]

        def sweep(block: tuple[int, int]) -> tuple[Float, list[Index]]:
            begin, end = block
            room = max(1024, (end - begin) * len(periods) // 8)
            while True:
                load = np.zeros(price.shape)
                found = [np.empty(room, np.int32) for _ in range(3)]
                count = settle_ways(
                    market.first, market.pool, opens, market.usd, market.hours,
                    coupled.coupling.extra, price, market.ceiling, self.width, slack,
                    market.demand, periods, begin, end,
                    self.only, load, *found,
                )  # fmt: skip
                if count <= room:
                    return load, [array[:count].copy() for array in found]
                room = count

        with ThreadPoolExecutor(self.threads) as pool:
            parts = list(pool.map(sweep, blocks))
        load = np.zeros(price.shape)
        for one, _ in parts:
            load += one
        workload, position, route = (
            np.concatenate([found[axis] for _, found in parts]) for axis in range(3)
        )
        return load, workload, position, route


def rooms(coupled: CoupledMarket, load: Float) -> Float:
    """(P + K + J, T) limits in each period, those over the horizon split by what is taken.

    Parameters
    ----------
    load : (D, T) what the smoothed workloads take.
    """
    limit, whole = coupled.limit, coupled.coupling.whole_limit
    periods = limit.shape[1]
    if len(whole) == 0:
        return limit
    used = np.einsum("tjd,dt->jt", coupled.rows[:, len(limit) :], load)
    # What is left over, or missing, is shared by all periods alike.
    used += ((whole - used.sum(axis=1)) / periods)[:, None]
    return np.concatenate([limit, used])
