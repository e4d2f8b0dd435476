"""Price rounding: whole replicas around the prices of the relaxed market.

Without costs of starting, a fleet of replicas relaxes to a plain market, which the price method's
ascent solves at any size; its prices prove the bound. Replicas are made whole period by period
near the relaxed loads (:mod:`~optimizer.methods.replica_choice`) and corrected by what they really
cost (:mod:`~optimizer.methods.replica_rounds`), then moved one by one where that pays
(:mod:`~optimizer.methods.replica_moves`). With them fixed, each model by itself is placed exactly
(:mod:`~optimizer.methods.lane_finish`). In the time left, prices on what whole replicas leave over
on the pools prove more (:mod:`~optimizer.methods.cut_prices`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UnsupportedError
from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits, Size
from optimizer.methods.cut_prices import OPERATIONS, UNIT, cut_bound, rounded_down
from optimizer.methods.halting import halt_after
from optimizer.methods.lane_finish import Finished, finished
from optimizer.methods.overflow import Placements
from optimizer.methods.price_ladder import climbed
from optimizer.methods.replica_choice import ReplicaChoice
from optimizer.methods.replica_market import ReplicaMarket
from optimizer.methods.replica_moves import ReplicaMoves
from optimizer.methods.replica_plan import ReplicaPlan
from optimizer.methods.replica_rounds import ReplicaRounds
from optimizer.methods.sweeps import Sweeps
from optimizer.methods.uncoupled import beyond_replicas
from optimizer.model.costs import reserved_usd
from optimizer.plan import Plan
from optimizer.prices import Prices
from optimizer.progress import Progress
from optimizer.solvers.base import Reason
from optimizer.solvers.workers import Workers, shared_workers, stop_requested

Float = NDArray[np.float64]
Int = NDArray[np.int64]

CLIMB, CHOOSE, MOVE, CUT = 0.4, 0.5, 0.33, 0.95
"""Parts of the time limit after which prices, replicas, where they were moved to, and the bound
with cuts are taken as they are. Placing a hundred thousand workloads exactly is worth more than
moves, so that these get only time that is to spare early."""
CUTS = "cuts on whole replicas"
"""What proves the bound, in reports, where it is more than the prices of pools prove."""


@dataclass(frozen=True)
class PriceRounding:
    """The price rounding method; it takes no parameters and uses Glop for exact amounts."""

    name: str = "price_rounding"

    def __call__(self, instance: Instance, limits: Limits, progress: Progress) -> Found:
        """Climb, choose replicas, place exactly.

        Raises
        ------
        UnsupportedError
            When the instance has a rule beyond pools' limits and whole replicas.
        """
        unknown = beyond_replicas(instance)
        if unknown:
            raise UnsupportedError(
                f"the price_rounding method cannot take these rules: {', '.join(unknown)}; "
                "methods rounding, direct and auto can"
            )
        begun = time.monotonic()
        progress.stage("build")
        fleet = ReplicaMarket.of(instance)
        workers = shared_workers(limits.threads, limits.memory_mib)
        workers.peak_rss_mib = 0.0
        built = time.monotonic()
        search = _Search(instance, fleet, workers, limits, progress, begun)
        reason = search.run()
        market = fleet.market
        cells = int((fleet.whole[:, :, None] & market.able).sum())
        return Found(
            reason=reason,
            plan=search.plan(),
            prices=Prices.of(instance, capacity_usd_per_chip_hour=search.price),
            solver="glop",
            whole_numbers=True,
            proved_usd=search.cut_usd,
            proved_by=CUTS,
            notes=("shadow prices are those of the linear relaxation", *search.told()),
            why="only replicas and pools' limits couple workloads, prices settle most of them: "
            f"{search.why()}",
            size=Size(
                len(market.pool) * market.num_periods + int((market.demand > 0).sum()) + cells,
                int((market.demand > 0).sum()) + int(market.able.sum()) + cells,
                2 * len(market.pool) * market.num_periods + 2 * cells,
                market.num_periods,
            ),
            build_seconds=built - begun,
            solve_seconds=time.monotonic() - built,
            child_rss_mib=workers.peak_rss_mib,
        )


class _Search:
    """One run: prices, replicas, amounts."""

    def __init__(
        self,
        instance: Instance,
        fleet: ReplicaMarket,
        workers: Workers,
        limits: Limits,
        progress: Progress,
        begun: float,
    ) -> None:
        self.instance, self.fleet, self.workers = instance, fleet, workers
        self.limits, self.progress, self.begun = limits, progress, begun
        self.price: Float = np.zeros(fleet.market.capacity.shape)
        self.bound_usd = np.full(fleet.market.num_periods, -np.inf)
        self.rounds: ReplicaRounds | None = None
        self.made = ReplicaPlan(fleet)
        self.cut_usd: float | None = None

    def run(self) -> Reason:
        try:
            self.workers.start(self.limits.threads)
            self._climb()
            self._choose()
            self._finish()
            self._cut()
        except KeyboardInterrupt:
            stop_requested.set()
        if stop_requested.is_set():
            return Reason.INTERRUPTED
        done = len(self.made.models) == len(self.fleet.parts)
        return Reason.OPTIMAL if done and not self._halt(1.0)() else Reason.TIME_LIMIT

    def _climb(self) -> None:
        self.progress.stage("prices")
        sweeps = Sweeps(self.fleet.market, self.limits.threads)
        self.price = climbed(sweeps, self.progress, self._halt(CLIMB), self._hear)

    def _hear(self, periods: Int, bound_usd: Float) -> None:
        """Take bounds of some periods, and tell what is known of the whole."""
        self.bound_usd[periods] = np.maximum(self.bound_usd[periods], bound_usd)
        if bool(np.isfinite(self.bound_usd).all()):
            bound = float(reserved_usd(self.instance).sum() + self.bound_usd.sum())
            self.progress.incumbent(None, bound, 0)

    def _choose(self) -> None:
        self.progress.stage("whole replicas")
        instance, threads = self.instance, self.limits.threads
        list_usd = np.nan_to_num(instance.price_usd_per_chip_hour, nan=0.0)
        choice = ReplicaChoice.at(self.fleet, self.price, list_usd, threads)
        self.rounds = ReplicaRounds(choice, np.where(self.fleet.market.able, self.price, 0.0))
        bound = self._bound_usd()
        self.progress.incumbent(None, bound, 0)
        self.rounds.run(bound, self.progress, self._halt(CHOOSE))
        ReplicaMoves(self.rounds).run(bound, self.progress, self._halt(MOVE))

    def _finish(self) -> None:
        assert self.rounds is not None
        rounds, fleet = self.rounds, self.fleet
        self.progress.stage("amounts", len(fleet.parts))
        cost = float(fleet.paid_usd(rounds.count).sum() + reserved_usd(self.instance).sum())
        # The largest models first: what time is left for matters most to them.
        for model in np.argsort(-rounds.choice.relaxed_usd.sum(axis=1), kind="stable").tolist():
            cost += self._finish_model(model)
            self.progress.step()
        if np.isfinite(cost):
            self.progress.incumbent(cost, self._bound_usd(), 0)

    def _finish_model(self, model: int) -> float:
        """Place one model's tokens; gives what they cost."""
        assert self.rounds is not None
        rounds, fleet = self.rounds, self.fleet
        pools = rounds.lanes_of(model)
        held = fleet.unit[model][:, None] * rounds.count[model]
        market = fleet.lanes(model, held, pools)
        part = fleet.parts[model]
        if len(pools) == 0:
            nothing = np.full(part.demand.shape, -1, np.int32)
            usd = float((part.ceiling @ part.demand).sum())
            self.made.take(model, market, Finished(nothing, Placements.joined([]), usd))
            return usd
        used = np.where(fleet.whole[model, pools, None], 0.0, fleet.held_usd[pools])
        price = rounds.lane_usd[model, pools] - used
        made = finished(
            market,
            price,
            self.workers,
            self.limits.threads,
            lambda: self.limits.after(self.begun).seconds,
            self._halt(1.0),
        )
        self.made.take(model, market, made)
        return made.cost_usd

    def _cut(self) -> None:
        """Prove more: pools do not hold parts of replicas."""
        if self._halt(CUT)():
            return
        self.progress.stage("bound")
        made = cut_bound(
            self.instance, self.fleet, self.price, self.limits.threads, self._halt(CUT)
        )
        if made is not None:
            # Periods know nothing of each other: of each the higher bound counts.
            pools = rounded_down(self.fleet.market, *self._priced())
            parts = np.append(np.maximum(made.usd, pools), reserved_usd(self.instance))
            # Sums that are exact, of products that were rounded.
            self.cut_usd = math.fsum(parts) - OPERATIONS * UNIT * math.fsum(np.abs(parts))

    def told(self) -> tuple[str, ...]:
        """Both bounds, where there are two."""
        if self.cut_usd is None or self.cut_usd <= self._bound_usd():
            return ()
        return (
            f"the relaxation, with parts of replicas, proves {self._bound_usd():,.2f} USD; "
            f"that pools hold whole ones only proves {self.cut_usd:,.2f} USD",
        )

    def _bound_usd(self) -> float:
        """What the relaxed prices prove, as the judge will find."""
        served, used = self._priced()
        return float((served - used).sum() + reserved_usd(self.instance).sum())

    def _priced(self) -> tuple[Float, Float]:
        """(T,) USD of all tokens' best ways, and (T,) of the limits, at the relaxed prices."""
        market = self.fleet.market
        periods = np.arange(market.num_periods)
        near = Sweeps(market, self.limits.threads).near(self.price, np.zeros(len(periods)), periods)
        used = (np.where(market.able, self.price, 0.0) * market.capacity).sum(axis=0)
        return near.value, used

    def _halt(self, part: float) -> Callable[[], bool]:
        return halt_after(self.limits, self.begun, part)

    def why(self) -> str:
        """What was done for the replicas, in a few words."""
        count = 0 if self.rounds is None else self.rounds.rounds
        rounds = "1 round" if count == 1 else f"{count} rounds"
        return f"{rounds} for whole replicas, glop for the others"

    def plan(self) -> Plan | None:
        """Everything that is placed, in the instance's terms; None before there are replicas."""
        if self.rounds is None:
            return None
        for model in range(len(self.fleet.parts)):
            if model not in self.made.models:
                self._finish_model(model)
        return self.made.plan(self.instance, self.rounds.count)
