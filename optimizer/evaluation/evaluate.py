"""The judge: a plan's cost, loads and broken rules, from Instance and Plan alone."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.admission import admit
from optimizer.evaluation.bound import Bound, lower_bound
from optimizer.evaluation.checks import CHECKS
from optimizer.evaluation.checks.power import power_mw
from optimizer.evaluation.checks.shares import share_amounts
from optimizer.evaluation.costs import Costs, activation_usd, chip_usd, contract_usd, costs_of
from optimizer.evaluation.tally import Tally, tally
from optimizer.evaluation.verdict import MOST_LISTED, RELATIVE, Violation
from optimizer.evaluation.workload_costs import workload_usd
from optimizer.instance.instance import Instance
from optimizer.plan import Cells, Plan
from optimizer.prices import Prices

Float = NDArray[np.float64]

__all__ = ["Evaluation", "evaluate"]

CONTRADICTION = 1e-4
"""Part of its cost by which a plan within all tolerances may lie below a bound."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The verdict on a plan.

    Attributes
    ----------
    cost_usd : cost by part.
    violations : broken rules, at most fifty per family.
    violation_counts : how many there are per family.
    load_chip_hours : (P, T) chip-hours that placements take: the busy ones.
    held_chip_hours : (P, T) chip-hours in use, busy or not, the reserve included.
    reserve_chip_hours : (P, T) of them, those held in reserve.
    available_chip_hours : (P, T) chip-hours that could be in use, bought blocks included.
    pool_chip_usd : (P,) USD paid for chips, contracts included.
    pool_activation_usd : (P,) fees of pools that are paid.
    contract_usd : (C,) USD paid for the chips of each contract.
    blocks : (C,) blocks bought.
    pool_route_usd : (P,) own cost of the routes in use.
    pool_mtok : (P,) Mtok placed.
    placed_mtok, unserved_mtok : (W,) Mtok over the horizon.
    workload_usd : (W,) what each workload's Mtok cost: chip-hours at their pool's price,
        reserved ones too, and routes. Replicas are shared by the workloads they serve, idle time
        included; the price of other chips that stand idle is in no workload's figure.
    share_parts : (S,) part that each share's group holds; NaN when the total is zero. Of a
        share that counts by period the part nearest to its limits, or beyond them.
    replicas : replicas that run, by model, pool and period.
    starts, stops : (M, P) replicas started and stopped over the horizon.
    power_mw : (E, T) MW drawn under each limit on power.
    bound : lower bound at the prices given; at prices of zero when none were.
    """

    cost_usd: Costs
    violations: tuple[Violation, ...]
    violation_counts: dict[str, int]
    load_chip_hours: Float
    held_chip_hours: Float
    reserve_chip_hours: Float
    available_chip_hours: Float
    pool_chip_usd: Float
    pool_activation_usd: Float
    contract_usd: Float
    blocks: Float
    pool_route_usd: Float
    pool_mtok: Float
    placed_mtok: Float
    unserved_mtok: Float
    workload_usd: Float
    share_parts: Float
    replicas: Cells
    starts: Float
    stops: Float
    power_mw: Float
    bound: Bound

    @property
    def spent_usd(self) -> float:
        """Cost without the penalty for unserved tokens: what a budget limits."""
        return self.cost_usd.spent

    @property
    def objective_usd(self) -> float:
        """Cost of the plan."""
        return self.cost_usd.total

    @property
    def verified(self) -> bool:
        """Whether the plan keeps every rule and costs what it claims."""
        return not self.violation_counts

    @property
    def relative_gap(self) -> float:
        """(cost - bound) / cost; 0 when both are 0, never below 0."""
        cost = self.objective_usd
        gap = cost - self.bound.usd
        if gap <= max(self.bound.rounding_usd, 0.0):
            return 0.0 if cost == 0 else max(gap / cost, 0.0)
        return gap / cost if cost > 0 else float("inf")


def evaluate(
    instance: Instance,
    plan: Plan,
    prices: Prices | None = None,
    claimed_usd: float | None = None,
    proved: Bound | None = None,
) -> Evaluation:
    """Judge a plan.

    Parameters
    ----------
    instance, plan : what is judged; wherever the plan comes from.
    prices : prices to recompute the bound from; whatever they are, the bound is valid.
    claimed_usd : cost that the plan's maker claims; a difference is a violation.
    proved : bound that a solver of integer programs proved, which no sweep can recompute;
        it counts where it is higher than the sweep's, and is named for whose it is.

    Raises
    ------
    InputError
        When the plan is for another instance, or names places that are on no axis.
    """
    admit(instance, plan)
    # A plan may hold numbers that are none; they are named, not warned about.
    with np.errstate(invalid="ignore", over="ignore"):
        return _judge(instance, plan, prices or Prices.none(instance), claimed_usd, proved)


def _judge(
    instance: Instance,
    plan: Plan,
    prices: Prices,
    claimed_usd: float | None,
    proved: Bound | None,
) -> Evaluation:
    sums = tally(instance, plan)
    costs = costs_of(instance, sums)
    found, counts = _violations(instance, plan, sums)
    if claimed_usd is not None and not _agree(costs.total, claimed_usd):
        found.append(
            Violation("cost", "claimed by the plan's maker", claimed_usd, costs.total, "USD")
        )
        counts["cost"] += 1
    bound = lower_bound(instance, prices)
    if proved is not None and proved.usd > bound.usd:
        bound = proved
    if not found and bound.usd > costs.total * (1 + CONTRADICTION) + bound.rounding_usd:
        # One of the two is wrong, and nothing says which: no verdict may rest on either.
        found.append(Violation("bound", "proved for every plan", costs.total, bound.usd, "USD"))
        counts["bound"] += 1
    chips = instance.capacity_chips + sums.block_chips
    pairs = (len(instance.model_names), instance.num_pools)
    return Evaluation(
        cost_usd=costs,
        violations=tuple(found),
        violation_counts=dict(counts),
        load_chip_hours=sums.load_chip_hours,
        held_chip_hours=sums.held_chip_hours,
        reserve_chip_hours=sums.reserve_chip_hours,
        available_chip_hours=chips * instance.period_hours,
        pool_chip_usd=chip_usd(instance, sums).sum(axis=1),
        pool_activation_usd=activation_usd(instance, sums),
        contract_usd=contract_usd(instance, sums).sum(axis=1),
        blocks=sums.blocks,
        pool_route_usd=sums.pool_route_usd.sum(axis=1),
        pool_mtok=sums.pool_mtok.sum(axis=1),
        placed_mtok=sums.placed_by_workload,
        unserved_mtok=sums.unserved_by_workload,
        workload_usd=workload_usd(instance, plan, sums),
        share_parts=_share_parts(instance, sums),
        replicas=_replicas(sums),
        starts=_by_pair(sums, sums.starts, pairs),
        stops=_by_pair(sums, sums.stops, pairs),
        power_mw=power_mw(instance, sums),
        bound=bound,
    )


def _violations(
    instance: Instance, plan: Plan, sums: Tally
) -> tuple[list[Violation], Counter[str]]:
    """Broken rules, some of each family, and how many there are."""
    found: list[Violation] = []
    counts: Counter[str] = Counter()
    for check in CHECKS.values():
        broken = check(instance, plan, sums)
        for violation in itertools.islice(broken, MOST_LISTED):
            found.append(violation)
            counts[violation.family] += 1
        for violation in broken:
            counts[violation.family] += 1
    return found, counts


def _agree(cost: float, claimed: float) -> bool:
    return abs(cost - claimed) <= RELATIVE * max(abs(cost), abs(claimed)) + 1e-9


def _share_parts(instance: Instance, sums: Tally) -> Float:
    """(S,) part of each share; by period, that which comes nearest to a limit."""
    shares = instance.shares
    parts = np.full(len(shares.share), np.nan)
    for position, share in enumerate(share_amounts(instance, sums)):
        known = share.part[~np.isnan(share.part)]
        if len(known):
            room = np.fmin(shares.max[position] - known, known - shares.min[position])
            parts[position] = known[np.argmin(room)]
    return parts


def _replicas(sums: Tally) -> Cells:
    """Replicas by model, pool and period."""
    lane, period = np.nonzero(sums.replicas > 0)
    axes = (sums.lanes.model[lane], sums.lanes.pool[lane], period)
    return Cells(tuple(axis.astype(np.int32) for axis in axes), sums.replicas[lane, period])


def _by_pair(sums: Tally, amount: Float, pairs: tuple[int, int]) -> Float:
    """(M, P) sums over the horizon of an amount by lane and period."""
    found = np.zeros(pairs)
    found[sums.lanes.model, sums.lanes.pool] = amount.sum(axis=1)
    return found
