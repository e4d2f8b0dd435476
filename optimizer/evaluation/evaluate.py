"""The judge: a plan's cost, loads and broken rules, from Instance and Plan alone."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem
from optimizer.evaluation.bound import Bound, lower_bound
from optimizer.evaluation.checks import CHECKS
from optimizer.evaluation.checks.shares import share_amounts
from optimizer.evaluation.costs import Costs, costs_of, pool_chip_usd
from optimizer.evaluation.tally import tally
from optimizer.evaluation.verdict import MOST_LISTED, RELATIVE, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan
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
    load_chip_hours : (P, T) chip-hours in use.
    available_chip_hours : (P, T) chip-hours that could be in use.
    pool_chip_usd : (P,) USD paid for chips.
    pool_route_usd : (P,) own cost of the routes in use.
    pool_mtok : (P,) Mtok placed.
    placed_mtok, unserved_mtok : (W,) Mtok over the horizon.
    workload_usd : (W,) what each workload's Mtok cost: chip-hours at their pool's price,
        reserved ones too, and routes. The price of reserved chips that stand idle is in no
        workload's figure.
    share_parts : (S,) part that each share's group holds; NaN when the total is zero.
    bound : lower bound at the prices given; at prices of zero when none were.
    """

    cost_usd: Costs
    violations: tuple[Violation, ...]
    violation_counts: dict[str, int]
    load_chip_hours: Float
    available_chip_hours: Float
    pool_chip_usd: Float
    pool_route_usd: Float
    pool_mtok: Float
    placed_mtok: Float
    unserved_mtok: Float
    workload_usd: Float
    share_parts: Float
    bound: Bound

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
        When the plan is for another instance.
    """
    if plan.instance_digest != instance.digest:
        raise InputError(
            Problem(
                "plan, instance_digest",
                f"{instance.digest[:12]}..., that of instance {instance.name}",
                f"{plan.instance_digest[:12]}...",
                fix="the plan was made for other data",
            )
        )
    sums = tally(instance, plan)
    costs = costs_of(instance, sums)
    found: list[Violation] = []
    counts: Counter[str] = Counter()
    for check in CHECKS.values():
        broken = check(instance, plan, sums)
        for violation in itertools.islice(broken, MOST_LISTED):
            found.append(violation)
            counts[violation.family] += 1
        for violation in broken:
            counts[violation.family] += 1
    if claimed_usd is not None and not _agree(costs.total, claimed_usd):
        found.append(
            Violation("cost", "claimed by the plan's maker", claimed_usd, costs.total, "USD")
        )
        counts["cost"] += 1
    amounts = share_amounts(instance, sums)
    none = Prices.none(instance.num_pools, instance.num_periods, len(instance.shares.share))
    bound = lower_bound(instance, prices or none)
    if proved is not None and proved.usd > bound.usd:
        bound = proved
    if not found and bound.usd > costs.total * (1 + CONTRADICTION) + bound.rounding_usd:
        # One of the two is wrong, and nothing says which: no verdict may rest on either.
        found.append(Violation("bound", "proved for every plan", costs.total, bound.usd, "USD"))
        counts["bound"] += 1
    return Evaluation(
        cost_usd=costs,
        violations=tuple(found),
        violation_counts=dict(counts),
        load_chip_hours=sums.load_chip_hours,
        available_chip_hours=instance.capacity_chips * instance.period_hours,
        pool_chip_usd=pool_chip_usd(instance, sums.load_chip_hours),
        pool_route_usd=sums.pool_route_usd,
        pool_mtok=sums.pool_mtok,
        placed_mtok=sums.placed_mtok.sum(axis=1),
        unserved_mtok=sums.unserved_mtok.sum(axis=1),
        workload_usd=_workload_usd(instance, plan, sums.route, sums.chip_hours),
        share_parts=np.array([h / t if t > 0 else np.nan for h, t in amounts]),
        bound=bound,
    )


def _agree(cost: float, claimed: float) -> bool:
    return abs(cost - claimed) <= RELATIVE * max(abs(cost), abs(claimed)) + 1e-9


def _workload_usd(
    instance: Instance, plan: Plan, route: NDArray[np.int64], chip_hours: Float
) -> Float:
    price = np.nan_to_num(instance.price_usd_per_chip_hour[plan.pool, plan.period])
    own = np.where(route >= 0, 1.0, 0.0)
    if instance.num_routes:
        own *= instance.routes.usd_per_mtok[np.maximum(route, 0)]
    usd = chip_hours * price + own * plan.placed_mtok
    return np.bincount(plan.workload, usd, instance.num_workloads).astype(np.float64)
