"""The finish: from prices to an exact plan, by column generation that starts at the answer.

At good prices nearly every workload has one way within a hair of its best: it is settled. The
others go with their few ways into a small program per period, over the room that is left
(:mod:`optimizer.methods.remainder`). The duals of that program are prices again; all routes are
priced at them, ways that come in are added, settled workloads that would rather go elsewhere
become unsettled, until the cost of the period meets its bound (G. B. Dantzig and P. Wolfe,
"Decomposition principle for linear programs", Operations Research 8, 1960). Settled workloads
that fill a pool beyond its limit say that the prices were not good enough: the hair is made
thicker, in the end so thick that the program is the whole period.
"""

from __future__ import annotations

import contextlib
from dataclasses import InitVar, dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.overflow import Placements
from optimizer.methods.remainder import Remainder
from optimizer.methods.spread import spread
from optimizer.methods.sweeps import Halt, HaltedError, Near, Sweeps
from optimizer.methods.vertex_search import VertexSearch
from optimizer.program import Program
from optimizer.solvers.base import Outcome, Reason

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

WIDER = 8.0
"""Times as much after settled workloads did not fit."""
EVERYTHING = 1e9
"""Slack from which on every way counts."""
MOST_WAYS = 5_000
"""Ways left open in a period above which only the largest workloads stay open."""
ENOUGH = 0.25
"""Part of the gap asked for that settled workloads may leave when others are freed."""
COLUMN_SLACK = 1e-9
"""Slack of ways that are added at the duals of a program."""
OVERFULL = 1e-10
"""Part of its limit by which settled workloads may pass it: rounding, repaired in the plan."""


@dataclass(frozen=True, eq=False)
class Settled:
    """What settled workloads do in some periods. Axis t: those periods.

    Attributes
    ----------
    load : (P, t) chip-hours.
    cost_usd : (t,) what they cost, tokens given up included.
    """

    load: Float
    cost_usd: Float


@dataclass(eq=False)
class ColumnGeneration:
    """What is known of each period; moves on as :meth:`learn` is told of solutions.

    Attributes
    ----------
    sweeps : the market to be priced.
    price : (P, T) the prices that give the best bound so far, USD per chip-hour beyond use.
    slack : (T,) part of its scale by which a way may miss the best and be left open.
    relative_gap : gap at which a period is done.
    halt : asked while all routes are priced for the start.
    found : periods that are done already, and what is known of the others; None for nothing.
    bound_usd : (T,) that bound.
    cost_usd : (T,) cost of the period's plan, infinity while it has none.
    only : (W, T) settled workloads: their route, or a name of :mod:`optimizer.kernels.near_ways`.
    remainders : the unsettled ones, by period.
    placed_mtok : what the last solution places on the ways of each remainder, by period;
        none on ways that came in since.
    open : (T,) periods whose cost does not meet their bound yet.
    """

    sweeps: Sweeps
    price: Float
    slack: Float
    relative_gap: float
    halt: InitVar[Halt]
    found: InitVar[VertexSearch | None] = None
    bound_usd: Float = field(init=False)
    cost_usd: Float = field(init=False)
    only: Index = field(init=False)
    remainders: list[Remainder] = field(init=False)
    placed_mtok: list[Float] = field(init=False)
    open: Bool = field(init=False)
    _settled_usd: Float = field(init=False)
    _may_draw: Bool = field(init=False)
    _torn: dict[int, tuple[Index, Index]] = field(init=False)

    def __post_init__(self, halt: Halt, found: VertexSearch | None) -> None:
        market = self.sweeps.market
        periods = np.arange(market.num_periods)
        self.price = np.array(self.price)
        self.bound_usd = np.full(len(periods), -np.inf)
        self.cost_usd = np.full(len(periods), np.inf)
        self.only = np.empty(market.demand.shape, np.int32)
        self.remainders = [Remainder(period, _NONE, _NONE) for period in periods.tolist()]
        self.placed_mtok = [np.empty(0) for _ in self.remainders]
        self.open = np.ones(len(periods), np.bool_)
        self.slack = np.array(self.slack)
        self._settled_usd = np.zeros(len(periods))
        self._may_draw = np.ones(len(periods), np.bool_)
        self._torn = {}
        if found is not None:
            self._take_over(found)
        if bool(self.open.any()):
            self._start(np.flatnonzero(self.open), halt)

    def _take_over(self, found: VertexSearch) -> None:
        # Periods that are open begin at prices of their own, whose bound is not known yet.
        self.bound_usd = np.where(found.open, -np.inf, found.bound_usd)
        self.cost_usd = found.cost_usd.copy()
        self.only, self.open = found.only, found.open.copy()
        for period, split in enumerate(found.split):
            placed = split.route >= 0
            workload, route = split.workload[placed], split.route[placed]
            self.remainders[period] = Remainder(period, workload, route)
            self.placed_mtok[period] = split.mtok[placed]

    def programs(self, halt: Halt) -> list[tuple[int, Program]]:
        """Period and program of every open period, once its settled workloads fit.

        When ``halt`` says so, of those alone that fit by then.
        """
        market = self.sweeps.market
        made: list[tuple[int, Program]] = []
        todo = np.flatnonzero(self.open)
        while len(todo) and not halt():
            settled = self._settled(todo)
            self._settled_usd[todo] = settled.cost_usd
            over = settled.load > market.capacity[:, todo] * (1 + OVERFULL)
            if self._undraw(todo, over):
                continue
            misfit = over.any(axis=0)
            empty = np.array([len(self.remainders[t].route) == 0 for t in todo.tolist()])
            alone = todo[empty & ~misfit]
            self.cost_usd[alone] = self._settled_usd[alone]
            self._close(alone)
            # Without a program there are no duals to go on with.
            misfit |= empty & self.open[todo]
            room = np.maximum(market.capacity[:, todo] - settled.load, 0.0)
            for place in np.flatnonzero(~misfit & ~empty).tolist():
                remainder = self.remainders[todo[place]]
                made.append((int(todo[place]), remainder.program(market, room[:, place])))
            todo = todo[misfit]
            self._widen(todo, halt)
            todo = todo[self.open[todo]]
        return sorted(made, key=lambda one: one[0])

    def placements(self) -> list[Placements]:
        """What the small programs place, in the periods that have a plan."""
        return [
            placed
            for placed, usd in zip(self.by_period(), self.cost_usd.tolist(), strict=True)
            if np.isfinite(usd)
        ]

    def by_period(self) -> list[Placements]:
        """What the small programs place on their ways, nothing as well, in each period."""
        return [
            Placements(rest.route, rest.workload, np.full(len(mtok), rest.period, np.int32), mtok)
            for rest, mtok in zip(self.remainders, self.placed_mtok, strict=True)
        ]

    def learn(self, solved: list[tuple[int, Program, Outcome]], halt: Halt) -> None:
        """Take solutions over, price all routes at their duals, add what comes in.

        When ``halt`` says so, the plans are kept and nothing is priced.
        """
        market = self.sweeps.market
        usable = [one for one in solved if one[2].reason is Reason.OPTIMAL]
        self._widen(np.array([t for t, _, o in solved if o.reason in _BAD], np.int64), halt)
        if not usable:
            return
        periods = np.array([period for period, _, _ in usable])
        price = np.zeros((len(market.capacity), len(periods)))
        for place, (period, program, outcome) in enumerate(usable):
            remainder = self.remainders[period]
            assert outcome.values is not None
            self.placed_mtok[period] = remainder.placed(outcome)
            self.cost_usd[period] = self._settled_usd[period] + program.cost @ outcome.values
            price[:, place] = remainder.price(market, outcome)
        try:
            near = self.sweeps.near(price, np.full(len(periods), COLUMN_SLACK), periods, halt)
        except HaltedError:
            return
        self._note_bounds(near, price, periods)
        self._close(periods)
        ways = _by_position(near.position, len(periods), near.workload, near.route)
        movers = self._movers(near, periods)
        for place, period in enumerate(periods.tolist()):
            if self.open[period] and not self._add(
                ways[place], movers[place], period, price[:, place]
            ):
                self.open[period] = False  # nothing comes in: what is left of the gap is rounding

    def _close(self, periods: Int) -> None:
        """Leave periods alone whose cost meets their bound."""
        gap = self.cost_usd[periods] - self.bound_usd[periods]
        # Half by what the period costs, half alike: together no more than the whole may miss.
        size = np.abs(self.cost_usd[periods]) + np.abs(self.bound_usd).mean()
        self.open[periods[gap <= self.relative_gap * size / 2]] = False

    def _widen(self, periods: Int, halt: Halt) -> None:
        """Begin these periods anew with more ways; give up on those that had all of them."""
        self.open[periods[self.slack[periods] >= EVERYTHING]] = False
        periods = periods[self.open[periods]]
        if len(periods):
            slack = self.slack[periods]
            self.slack[periods] = np.where(slack < 1.0, slack * WIDER, EVERYTHING)
            self._may_draw[periods] = False
            for period in periods.tolist():
                self._torn.pop(period, None)
            self.cost_usd[periods] = np.inf
            with contextlib.suppress(HaltedError):
                self._start(periods, halt)

    def _start(self, periods: Int, halt: Halt) -> None:
        """Settle whom the prices settle, in these periods from scratch."""
        price, slack = self.price[:, periods], self.slack[periods]
        if len(periods) == self.only.shape[1]:
            near = self.sweeps.near(price, slack, periods, halt, self.only)
        else:
            near = self.sweeps.near(price, slack, periods, halt)
            self.only[:, periods] = near.only
        found = _by_position(near.position, len(periods), near.workload, near.route)
        for place, (workload, route) in enumerate(found):
            period = int(periods[place])
            if self._may_draw[period] and len(route) > MOST_WAYS:
                workload, route = self._spread(period, workload, route)
            self.remainders[period] = Remainder(period, workload, route)
            self.placed_mtok[period] = np.zeros(len(route))
        self._note_bounds(near, self.price[:, periods], periods)

    def _spread(self, period: int, workload: Index, route: Index) -> tuple[Index, Index]:
        """Settle all but the largest of very many that are torn; gives what stays open."""
        settled, taken = spread(
            self.sweeps.market,
            self.price[:, period],
            period,
            float(self.slack[period]),
            (workload, route),
            MOST_WAYS,
        )
        self.only[settled, period] = taken
        self._torn[period] = workload, route
        kept = self.only[workload, period] < 0
        return workload[kept], route[kept]

    def _undraw(self, periods: Int, over: Bool) -> bool:
        """Open again whom a draw settled on pools that are too full; whether there was anyone."""
        from optimizer.kernels.near_ways import SEVERAL

        found = False
        for place in np.flatnonzero(over.any(axis=0)).tolist():
            period = int(periods[place])
            workload, route = self._torn.get(period, (_NONE, _NONE))
            settled = self.only[workload, period]
            full = (settled >= 0) & over[self.sweeps.market.pool[settled], place]
            if not bool(full.any()):
                continue
            found = True
            new = self.remainders[period].joined(workload[full], route[full])
            self.only[workload[full], period] = SEVERAL
            self.remainders[period], self.placed_mtok[period] = new, np.zeros(len(new.route))
        return found

    def _note_bounds(self, near: Near, price: Float, periods: Int) -> None:
        """Keep the prices of a period that prove more than those before."""
        bound = near.value - (price * self.sweeps.market.capacity[:, periods]).sum(axis=0)
        better = bound > self.bound_usd[periods]
        self.bound_usd[periods[better]] = bound[better]
        self.price[:, periods[better]] = price[:, better]

    def _movers(self, near: Near, periods: Int) -> list[tuple[Index, Index]]:
        """Workloads by position that have another way, or one way, near the best now; and it."""
        from optimizer.kernels.settled_sums import moved

        room = 1 << 16
        while True:
            workload, place = np.empty(room, np.int32), np.empty(room, np.int32)
            count = moved(self.only, near.only, periods, workload, place)
            if count <= room:
                break
            room = count
        workload, place = workload[:count], place[:count]
        return _by_position(place, len(periods), workload, near.only[workload, place])

    def _add(
        self,
        near: tuple[Index, Index],
        movers: tuple[Index, Index],
        period: int,
        price: Float,
    ) -> bool:
        """Add ways that came in at the duals; whether there were any.

        Parameters
        ----------
        near : workloads and routes where several are among the best.
        movers : from :meth:`_movers`.
        price : (P,) the duals.
        """
        from optimizer.kernels.near_ways import GIVE_UP, SEVERAL

        market, only = self.sweeps.market, self.only[:, period]
        (workload, way), (mover, now) = near, movers
        held, was = only[workload], only[mover]
        old = self.remainders[period]
        # Whose own way, or one of whose ways, is still among the best has no reason to move.
        content = workload[(held == way) | np.isin(way, old.route)]
        moves = (was >= GIVE_UP) & ~np.isin(mover, content)
        freed, left, came = mover[moves], was[moves], now[moves]
        first = np.searchsorted(workload, freed)
        taken = np.where(came >= 0, came, way[np.minimum(first, len(way) - 1)] if len(way) else -1)
        taken[came == GIVE_UP] = GIVE_UP
        paid, best = (self._usd(freed, one, period, price) for one in (left, taken))
        count = 2 + np.searchsorted(workload, freed, side="right") - first
        saved_usd = (paid - best) * market.demand[freed, period]
        chosen = self._worth_freeing(saved_usd, count, period)
        freed, left, came = freed[chosen], left[chosen], came[chosen]
        loose = (was == SEVERAL) & (now >= 0)
        kept = left >= 0
        wanted = (held == SEVERAL) & ~np.isin(workload, content) | np.isin(workload, freed)
        new = old.joined(
            np.concatenate([freed[kept], freed[came >= 0], mover[loose], workload[wanted]]),
            np.concatenate([left[kept], came[came >= 0], now[loose], way[wanted]]),
        )
        # A workload that was given up and is freed may have no route at all: it stays.
        self.only[freed[np.diff(market.first)[freed] > 0], period] = SEVERAL
        mtok = np.zeros(len(new.route))
        mtok[np.searchsorted(new.route, old.route)] = self.placed_mtok[period]
        mtok[np.searchsorted(new.route, left[kept])] = market.demand[freed[kept], period]
        self.remainders[period], self.placed_mtok[period] = new, mtok
        return len(new.route) > len(old.route)

    def _usd(self, workload: Index, route: Index, period: int, price: Float) -> Float:
        """(N,) USD per Mtok at prices on routes, or of giving up where they are negative."""
        market, line = self.sweeps.market, np.maximum(route, 0)
        if len(market.pool) == 0:
            return market.ceiling[workload]
        pool = market.pool[line]
        usd = market.usd[line] + market.hours[line] * (market.used_usd[pool, period] + price[pool])
        return np.where(route >= 0, usd, market.ceiling[workload])

    def _worth_freeing(self, saved_usd: Float, ways: Int, period: int) -> Int:
        """Those that save most, until what the others could save would be no gap any more.

        What settled workloads pay above their best is the gap of the period, up to ways that the
        open ones lack: so most may stay as they are. Those freed at a time have no more than
        ``MOST_WAYS``, unless it is a single one.

        Parameters
        ----------
        saved_usd : (N,) what each would save.
        ways : (N,) how many ways come with it.
        """
        order = np.argsort(-saved_usd, kind="stable")
        rest = np.cumsum(saved_usd[order][::-1])[::-1]
        enough = ENOUGH * self.relative_gap * np.abs(self.cost_usd[period]) / 2
        few = np.cumsum(ways[order]) <= MOST_WAYS
        few[:1] = True
        return np.sort(order[(rest > enough) & few])

    def _settled(self, periods: Int) -> Settled:
        from optimizer.kernels.settled_sums import settled_sums

        market = self.sweeps.market
        wanted = np.zeros(market.num_periods, np.bool_)
        wanted[periods] = True
        load, cost = np.zeros(market.capacity.shape), np.zeros(market.num_periods)
        settled_sums(
            self.only, wanted, market.demand, market.pool, market.usd, market.hours,
            market.used_usd, market.ceiling, load, cost,
        )  # fmt: skip
        return Settled(load[:, periods], cost[periods])


_NONE = np.empty(0, np.int32)
_BAD = (Reason.INFEASIBLE, Reason.UNBOUNDED, Reason.FAILED, Reason.CRASHED, Reason.OUT_OF_MEMORY)
"""Ends of a small program after which a larger one is tried."""


def _by_position(
    position: Index, positions: int, one: Index, other: Index
) -> list[tuple[Index, Index]]:
    """Two columns, by position."""
    order = np.argsort(position, kind="stable")
    ends = np.cumsum(np.bincount(position, minlength=positions))[:-1]
    return list(zip(np.split(one[order], ends), np.split(other[order], ends), strict=True))
