"""Price: let prices of chip-hours settle nearly everyone, and solve what is left exactly.

Where nothing couples periods and only the pools' limits couple workloads, prices on these limits
say everything: at the right ones each workload finds its way alone. They are found by climbing
the smoothed bound (:mod:`~optimizer.methods.ascent`), first on samples
(:mod:`~optimizer.methods.price_ladder`), and made exact by column generation
(:mod:`~optimizer.methods.column_generation`). The bound is the judge's sweep at the final prices.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UnsupportedError
from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits, Memory, Size
from optimizer.methods.column_generation import ColumnGeneration
from optimizer.methods.coupled_market import CoupledMarket
from optimizer.methods.coupled_search import CoupledSearch
from optimizer.methods.coupled_sweeps import CoupledSweeps
from optimizer.methods.halting import halt_after
from optimizer.methods.market import Market
from optimizer.methods.overflow import Placements, placed_at_prices
from optimizer.methods.price_ladder import climbed, floor_of, sharpened
from optimizer.methods.priced_plan import Settled, plan_of
from optimizer.methods.spread import WIDTHS
from optimizer.methods.sweeps import HaltedError, Sweeps
from optimizer.methods.uncoupled import PRICED, couplings
from optimizer.methods.vertex import LastVertex, Vertex
from optimizer.methods.vertex_search import VertexSearch
from optimizer.model.costs import reserved_usd
from optimizer.plan import Plan
from optimizer.prices import Prices
from optimizer.progress import Progress
from optimizer.solvers.base import Reason
from optimizer.solvers.glop import Glop
from optimizer.solvers.workers import Job, Workers, shared_workers, stop_requested

Float = NDArray[np.float64]
Int = NDArray[np.int64]

CLIMB = 0.6
"""Part of the time limit that the ascent may take."""
PART_OF_GAP = 0.8
"""Part of the gap asked for at which everything counts as done."""
MOST_ROUNDS = 200
TOO_MANY = 0.5
"""Part of the periods that the last solution may leave open, if it is to be of use."""


@dataclass(frozen=True)
class Price:
    """The price method; it always uses Glop for what is left.

    Attributes
    ----------
    start : prices to start from, as those of a problem that differs little; None for none.
    memory : told where the climb ended, for the next start; None when nobody asks.
    """

    name: str = "price"
    start: Prices | None = None
    memory: Memory | None = None

    def __call__(self, instance: Instance, limits: Limits, progress: Progress) -> Found:
        """Climb, settle, solve the rest.

        Raises
        ------
        UnsupportedError
            When the instance has a rule that prices alone cannot keep.
        """
        present = couplings(instance)
        unknown = [name for name in present if name not in PRICED]
        if unknown:
            raise UnsupportedError(
                f"the price method cannot take these rules: {', '.join(unknown)}; "
                "methods direct and auto can"
            )
        begun = time.monotonic()
        progress.stage("build")
        if present:
            return _coupled(instance, limits, progress, begun, self.start, self.memory)
        sweeps = Sweeps(self._market(instance), limits.threads)
        workers = shared_workers(limits.threads, limits.memory_mib)
        workers.peak_rss_mib = 0.0
        built = time.monotonic()
        start = None if self.start is None else self.start.capacity_usd_per_chip_hour
        last = None if self.memory is None else self.memory.vertex
        vertex = None if last is None else last.on(sweeps.market)
        search = _Search(instance, sweeps, workers, limits, progress, begun, start, vertex)
        reason = search.run()
        market, solved = sweeps.market, time.monotonic()
        plan, claimed_usd = search.plan()
        planned = time.monotonic()
        if self.memory is not None:
            search.remember(self.memory)
        return Found(
            reason=reason,
            plan=plan,
            claimed_usd=claimed_usd,
            prices=Prices.of(instance, capacity_usd_per_chip_hour=search.price),
            solver="glop" if search.columns else "",
            why=f"only pools' limits couple workloads, prices settle most of them: {search.why()}",
            size=Size(
                len(market.pool) * market.num_periods + int((market.demand > 0).sum()),
                int((market.demand > 0).sum()) + int(market.able.sum()),
                2 * len(market.pool) * market.num_periods,
                market.num_periods,
            ),
            build_seconds=built - begun,
            solve_seconds=solved - built,
            plan_seconds=planned - solved,
            child_rss_mib=workers.peak_rss_mib,
        )

    def _market(self, instance: Instance) -> Market:
        """The market, looked up once in a session while only amounts change."""
        last = None if self.memory is None else self.memory.market
        market = None if last is None else last[1].again(last[0], instance)
        market = Market.of(instance) if market is None else market
        if self.memory is not None:
            self.memory.market = instance, market
        return market


def _coupled(
    instance: Instance,
    limits: Limits,
    progress: Progress,
    begun: float,
    start: Prices | None,
    memory: Memory | None,
) -> Found:
    """Search with prices on limits beyond those of pools."""
    sweeps = CoupledSweeps(CoupledMarket.of(instance), limits.threads)
    workers = shared_workers(limits.threads, limits.memory_mib)
    workers.peak_rss_mib = 0.0
    built = time.monotonic()
    search = CoupledSearch(instance, sweeps, workers, limits, progress, begun, built, start)
    found = search.run()
    if memory is not None and search.climbed is not None:
        memory.prices = search.climbed
    return found


class _Search:
    """One run: prices, then rounds of small programs until time is up or nothing is left."""

    def __init__(
        self,
        instance: Instance,
        sweeps: Sweeps,
        workers: Workers,
        limits: Limits,
        progress: Progress,
        begun: float,
        start: Float | None,
        vertex: Vertex | None,
    ) -> None:
        self.instance, self.sweeps, self.workers = instance, sweeps, workers
        self.start, self.vertex = start, vertex
        self.limits, self.progress, self.begun = limits, progress, begun
        self.price: Float = np.zeros(sweeps.market.capacity.shape)
        self.climbed: Float | None = None
        self.finish: ColumnGeneration | None = None
        self.bound_usd = np.full(sweeps.market.num_periods, -np.inf)
        self.paid_usd = float(reserved_usd(instance).sum())
        self.rounds, self.columns, self.again = 0, 0, ""

    def run(self) -> Reason:
        try:
            self.finish = self._from_vertex() or self._from_prices()
            self.progress.stage("workloads between prices")
            halt = self._halt(1.0)
            while bool(self.finish.open.any()) and self.rounds < MOST_ROUNDS and not halt():
                self._round(self.finish)
        except HaltedError:
            pass  # before anyone was settled: what is known are prices
        except KeyboardInterrupt:
            stop_requested.set()
        if self.finish is not None:
            self.price = self.finish.price
        if stop_requested.is_set():
            return Reason.INTERRUPTED
        done = self.finish is not None and not bool(self.finish.open.any())
        return Reason.OPTIMAL if done else Reason.TIME_LIMIT

    def _from_prices(self) -> ColumnGeneration:
        """Climb, and settle whom the prices settle."""
        self.workers.start(self.limits.threads)
        self.progress.stage("prices")
        halt = self._halt(CLIMB)
        self.price = climbed(self.sweeps, self.progress, halt, self._hear, self.start)
        self.climbed = self.price
        self.price, slack = sharpened(self.sweeps, self.price, self.progress, halt, self._hear)
        gap = PART_OF_GAP * self.limits.relative_gap
        return ColumnGeneration(self.sweeps, self.price, slack, gap, self._halt(1.0))

    def _from_vertex(self) -> ColumnGeneration | None:
        """Go on from the last solution; None where that leads nowhere."""
        if self.vertex is None:
            return None
        self.progress.stage("last solution")
        gap = PART_OF_GAP * self.limits.relative_gap
        search = VertexSearch(self.sweeps, self.vertex, gap)
        search.run(self._halt(CLIMB))
        if search.open.mean() > TOO_MANY:
            return None
        self.price = search.price
        self.again = f"from the last solution in {search.rounds} rounds"
        # Where that did not end, prices settle whom they can, as in a search from nothing.
        left, halt, price = np.flatnonzero(search.open), self._halt(CLIMB), search.price
        slack = np.full(len(search.open), WIDTHS * floor_of(self.sweeps.market))
        if len(left):
            self.workers.start(self.limits.threads)
            price = climbed(self.sweeps, self.progress, halt, None, price, left)
            price, slack = sharpened(self.sweeps, price, self.progress, halt, None, left)
        finish = ColumnGeneration(self.sweeps, price, slack, gap, self._halt(1.0), found=search)
        self._hear(np.arange(len(search.open)), finish.bound_usd)
        return finish

    def remember(self, memory: Memory) -> None:
        """Leave behind where the search ended."""
        reached = self.price if self.climbed is None else self.climbed
        memory.prices = Prices.of(self.instance, capacity_usd_per_chip_hour=reached)
        memory.vertex, finish = None, self.finish
        market = self.sweeps.market
        if finish is not None and bool(np.isfinite(finish.cost_usd).all()):
            ended = Vertex.of_plan(market, finish.price, finish.only, finish.by_period())
            memory.vertex = LastVertex.of(market, ended)

    def _round(self, finish: ColumnGeneration) -> None:
        """Solve the small programs of all open periods, and price at their duals."""
        programs = finish.programs(self._halt(1.0))
        solver = Glop()
        jobs = [Job(solver, program) for _, program in programs]
        outcomes = self.workers.run(jobs, self.limits.after(self.begun).seconds)
        self.rounds += 1
        self.columns = max([self.columns, *(program.num_columns for _, program in programs)])
        finish.learn(
            [(*one, outcome) for one, outcome in zip(programs, outcomes, strict=True)],
            self._halt(1.0),
        )
        self.progress.step(max(0, len(programs) - int(finish.open.sum())))
        self._hear(np.arange(len(self.bound_usd)), finish.bound_usd)

    def _hear(self, periods: Int, bound_usd: Float) -> None:
        """Take bounds of some periods, and tell what is known of the whole."""
        self.bound_usd[periods] = np.maximum(self.bound_usd[periods], bound_usd)
        cost = np.inf if self.finish is None else self.paid_usd + self.finish.cost_usd.sum()
        bound = self.paid_usd + self.bound_usd.sum()
        self.progress.incumbent(
            float(cost) if np.isfinite(cost) else None,
            float(bound) if np.isfinite(bound) else None,
            0,
        )

    def _halt(self, part: float) -> Callable[[], bool]:
        return halt_after(self.limits, self.begun, part)

    def why(self) -> str:
        """What was done for the others, in a few words."""
        if self.again and not self.rounds:
            return self.again
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return f"glop for the others, {rounds}, at most {self.columns} columns a period"

    def plan(self) -> tuple[Plan, float]:
        """Everything that is placed, in the instance's terms, and what it costs by our count."""
        self.progress.stage("plan")
        market, finish = self.sweeps.market, self.finish
        usd, done = self.paid_usd, np.zeros(market.num_periods, np.bool_)
        parts: list[Placements] = []
        if finish is not None:
            done = np.isfinite(finish.cost_usd)
            parts = finish.placements()
            usd += float(finish.cost_usd[done].sum())
        if not bool(done.all()):
            periods = np.flatnonzero(~done)
            made = placed_at_prices(market, self.price, periods, self.sweeps.threads)
            usd += made.cost_usd(market) + _penalty_usd(market, made, periods)
            parts.append(made)
        settled = Settled.nothing(market) if finish is None else Settled(finish.only, done)
        return plan_of(self.instance, market, settled, Placements.joined(parts)), usd


def _penalty_usd(market: Market, placed: Placements, periods: Int) -> float:
    """What all tokens of these periods that are not placed cost."""
    served = np.bincount(placed.workload, placed.mtok, minlength=market.num_workloads)
    return float(market.ceiling @ (market.demand[:, periods].sum(axis=1) - served))
