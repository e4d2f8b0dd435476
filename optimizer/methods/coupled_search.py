"""One run of the price method where limits or windows couple workloads beyond single pools.

The ascent finds prices on all limits (:mod:`~optimizer.methods.coupled_ladder`). With what is
handled when fixed as it says, each period is solved for itself
(:mod:`~optimizer.methods.split_by_period`): a plan that misses the optimum by about the
temperature. Programs that can be stated whole are then solved exactly, by column generation
started there (:mod:`~optimizer.methods.joint_generation`), unless the plan is good enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.bound import lower_bound
from optimizer.evaluation.evaluate import evaluate
from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits, Size
from optimizer.methods.coupled_ascent import widths
from optimizer.methods.coupled_ladder import Climbed, climbed, cooled
from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.methods.coupled_stand_in import stand_in
from optimizer.methods.coupled_sweeps import CoupledSweeps
from optimizer.methods.halting import halt_after
from optimizer.methods.joint_generation import JointGeneration
from optimizer.methods.priced_plan import Settled, plan_of
from optimizer.methods.split_by_period import SplitByPeriod, rooms
from optimizer.model.costs import reserved_usd
from optimizer.model.formulation import Formulation
from optimizer.plan import Plan
from optimizer.prices import Prices
from optimizer.progress import Progress
from optimizer.solvers.base import Reason
from optimizer.solvers.glop import Glop
from optimizer.solvers.workers import Job, Workers, stop_requested

Float = NDArray[np.float64]

CLIMB = 0.6
"""Part of the time limit that the ascent may take."""
SPLIT = 0.8
"""Part of the time limit after which no period is tried again."""
LARGEST_JOINT = 1_500_000
"""Placements of the whole program up to which it is stated."""
MOST_CELLS = 150_000
"""Cells of workloads and periods up to which it is stated."""
SMALL = 20_000
"""Placements below which the whole program is solved at once, without a plan before."""
MOST_ROUNDS = 20
SPECK = 1e-9
"""Part of its mean demand below which a workload handles nothing in a period."""


@dataclass(eq=False)
class CoupledSearch:
    """A search; :meth:`run` gives what it found."""

    instance: Instance
    sweeps: CoupledSweeps
    workers: Workers
    limits: Limits
    progress: Progress
    begun: float
    built: float
    start: Prices | None = None
    at: Multipliers = field(init=False)
    prices: Prices = field(init=False)
    climbed: Prices | None = None
    plan: Plan | None = None
    claimed_usd: float | None = None
    bound_usd: float = -np.inf
    _how: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.at = self.sweeps.coupled.none()
        self.prices = Prices.none(self.instance)

    def run(self) -> Found:
        """Climb, solve the periods, solve the whole."""
        reason = Reason.INTERRUPTED
        try:
            self.workers.start(self.limits.threads)
            reason = self._search()
        except KeyboardInterrupt:
            stop_requested.set()
        if self.plan is None and reason in (Reason.TIME_LIMIT, Reason.INTERRUPTED):
            self._stand_in()
        market = self.sweeps.coupled.market
        rows = len(market.capacity) + len(self.sweeps.coupled.coupling)
        cells = int((market.demand > 0).sum())
        return Found(
            reason=Reason.INTERRUPTED if stop_requested.is_set() else reason,
            plan=self.plan,
            prices=self.prices,
            claimed_usd=self.claimed_usd,
            solver="glop",
            why="limits and windows couple workloads, prices on all of them: "
            + ("; ".join(self._how) or "not finished"),
            size=Size(
                int(market.able[market.pool].sum()) + cells,
                rows * market.num_periods + cells,
                0,
                market.num_periods,
            ),
            build_seconds=self.built - self.begun,
            solve_seconds=time.monotonic() - self.built,
            child_rss_mib=self.workers.peak_rss_mib,
        )

    def _search(self) -> Reason:
        coupled, halt = self.sweeps.coupled, self._halt
        self.progress.stage("prices")
        begin = None if self.start is None else coupled.of_prices(self.start)
        wanted = self.limits.relative_gap
        top = climbed(self.sweeps, self.progress, halt(CLIMB), self._tell, wanted, begin)
        self.at = top.at
        self.climbed = self._named(top.at)
        market = coupled.market
        placements = int(market.able[market.pool].sum())
        stated = placements <= LARGEST_JOINT and market.demand.size <= MOST_CELLS
        if top.near and (not stated or placements > SMALL):
            self._split(top)
            if self._good_enough():
                return Reason.OPTIMAL
        if not stated:
            done = self.plan is not None and not halt(1.0)()
            return Reason.OPTIMAL if done else Reason.TIME_LIMIT
        return self._joint()

    def _split(self, top: Climbed) -> None:
        """A plan with what is handled when as the ascent says."""
        coupled = self.sweeps.coupled
        here = self.sweeps.smooth(coupled.prices(top.planned), widths(coupled, top.level))
        handled = _cleaned(self.sweeps.handled(here), coupled)
        alone = coupled.by_period(handled, rooms(coupled, here.load))
        del here
        self.progress.stage("prices of the periods")
        at, level = cooled(
            CoupledSweeps(alone, self.limits.threads),
            coupled.each_period(top.planned),
            top.level,
            self.progress,
            self._halt(SPLIT),
        )
        rounds, halt = 0, self._halt(SPLIT)
        finish = SplitByPeriod(
            alone, alone.prices(at), widths(alone, level), self.limits.threads, halt
        )
        self.progress.stage("periods", coupled.market.num_periods)
        while bool(finish.open.any()) and rounds < MOST_ROUNDS and not halt():
            programs = finish.programs()
            solver = Glop()
            jobs = [Job(solver, program) for _, program in programs]
            outcomes = self.workers.run(jobs, self.limits.after(self.begun).seconds)
            finish.learn([(*one, end) for one, end in zip(programs, outcomes, strict=True)])
            self.progress.step(len(programs) - int(finish.open.sum()))
            rounds += 1
        if bool(finish.open.any()) or any(mtok is None for mtok in finish.placed_mtok):
            self._how.append("not every period has a plan")
            return
        self._how.append("periods by glop with what is handled when fixed")
        self.progress.stage("plan")
        settled = Settled(finish.only, np.ones(handled.shape[1], np.bool_))
        self.plan = plan_of(self.instance, alone.market, settled, finish.placements(), handled)
        self.claimed_usd = float(reserved_usd(self.instance).sum()) + finish.cost_usd()

    def _stand_in(self) -> None:
        """A plan at the prices at hand."""
        self.progress.stage("plan")
        market = self.sweeps.coupled.market
        made = stand_in(self.sweeps.coupled, self.at, self.limits.threads)
        self.plan = plan_of(self.instance, market, Settled.nothing(market), made)
        self._how = ["no time to solve the periods, a plan at the prices so far"]

    def _good_enough(self) -> bool:
        if self.plan is None:
            return False
        found = evaluate(self.instance, self.plan, self.prices)
        self.progress.incumbent(found.objective_usd, found.bound.usd, 0)
        return found.verified and found.relative_gap <= self.limits.relative_gap

    def _joint(self) -> Reason:
        """The optimum of the whole program, or why there is none."""
        self.progress.stage("whole program")
        model = Formulation().build(self.instance)
        joint = JointGeneration.at(model, self.sweeps.coupled, self.at)
        reason = joint.solve(
            self.workers, lambda: self.limits.after(self.begun).seconds, self._halt(1.0)
        )
        if reason is not Reason.OPTIMAL or joint.outcome is None:
            return reason
        values, duals = joint.outcome.values, joint.outcome.duals
        assert values is not None
        assert duals is not None
        self._how = [f"whole program by glop, {int(joint.inside.sum()):,} of its columns"]
        program = model.program
        self.plan = model.decode(self.instance, values)
        self.claimed_usd = program.offset + float(program.cost @ values)
        self.prices = model.prices(np.nan_to_num(duals, posinf=0.0, neginf=0.0))
        return reason

    def _tell(self, at: Multipliers) -> float:
        """Keep the prices with the best bound, and show it; gives the bound."""
        prices = self._named(at)
        bound = lower_bound(self.instance, prices)
        if bound.usd > self.bound_usd:
            self.bound_usd, self.prices, self.at = bound.usd, prices, at
            self.progress.incumbent(None, bound.usd, 0)
        return bound.usd

    def _named(self, at: Multipliers) -> Prices:
        """Multipliers by the names that the judge knows."""
        pools = len(self.sweeps.coupled.market.capacity)
        known = self.sweeps.coupled.coupling.named(at.each[pools:], at.whole, self.instance)
        return Prices.of(self.instance, capacity_usd_per_chip_hour=at.each[:pools], **known)

    def _halt(self, part: float) -> Callable[[], bool]:
        return halt_after(self.limits, self.begun, part)


def _cleaned(handled: Float, coupled: CoupledMarket) -> Float:
    """Without specks, of workloads that may wait."""
    later = np.flatnonzero(coupled.deadline > 0)
    if len(later) == 0:
        return handled
    rows, demand = handled[later], coupled.market.demand[later]
    rows[rows < SPECK * demand.mean(axis=1, keepdims=True)] = 0.0
    total = rows.sum(axis=1, keepdims=True)
    rows *= demand.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
    handled[later] = rows
    return handled
