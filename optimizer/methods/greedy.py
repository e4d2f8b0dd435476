"""Greedy: the plan every planner would write by hand, and the fall-back when time is up.

Period by period and priority by priority, the workload goes first that would lose most by going
second (:func:`optimizer.kernels.greedy.fill_by_regret`). What finds no room waits as long as it
may and is given up then. Replicas are whole, and change as fast as they may; the least number of
them runs before anything else. A pinned workload gets the pool that is cheapest for it over the
horizon. Power, qualification, residency and priority are kept as well. After each priority,
failover for outages is looked for, and chips are held for it. Of contracts first those blocks are
bought that replace dearer chips; then some orders are tried, the cheapest contract first, and kept
where the whole plan costs less.

A rule of thumb keeps no limit on shares and no budget: the judge says whether they happen to hold.
Fees are paid where they fall due.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.checks import CHECKS
from optimizer.evaluation.costs import costs_of
from optimizer.evaluation.tally import tally
from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits
from optimizer.methods.base_load_blocks import blocks_below, orders
from optimizer.methods.forward_fill import Filled, forward_fill
from optimizer.methods.greedy_facts import Facts, facts_of
from optimizer.methods.pinned_pools import routes_kept
from optimizer.model.formulation import refuse_unknown_rules
from optimizer.plan import Cells, Plan, from_cells
from optimizer.progress import Progress
from optimizer.solvers.base import Reason

Float = NDArray[np.float64]

TRIALS = 16
"""Most orders of blocks that are tried, each by a whole fill."""
TOO_FEW = ("capacity", "replicas")
"""Rules that are broken where there are too few chips for what must run."""
CELLS = 300_000
"""Routes times periods that all of them together may look at, two trials always."""


@dataclass(frozen=True)
class Greedy:
    """Cheapest route first, with regret.

    Attributes
    ----------
    by_regret : whether who has most to lose goes first; else who has the cheapest route.
    """

    by_regret: bool = True
    name: str = "greedy"

    def __call__(self, instance: Instance, limits: Limits, progress: Progress) -> Found:
        """Fill every period; needs no solver and knows no prices."""
        begun = time.monotonic()
        refuse_unknown_rules(instance)
        progress.stage("greedy fill")
        plan = greedy_plan(instance, by_regret=self.by_regret)
        return Found(
            reason=Reason.OPTIMAL,
            plan=plan,
            why=_why(instance, self.by_regret),
            solve_seconds=time.monotonic() - begun,
        )


def greedy_plan(instance: Instance, *, by_regret: bool = True) -> Plan:
    """Serve each period by its cheapest routes, and give up what finds no room."""
    blocks = np.zeros(len(instance.contracts.contract))
    plan, held = _with_blocks(instance, blocks, by_regret)
    if not bool((instance.contracts.max_blocks > 0).any()):
        return plan
    blocks = blocks_below(instance, held)
    plan = replace(plan, blocks=blocks)
    usd = _rank(instance, plan)
    trials = max(2, min(TRIALS, CELLS // max(1, instance.num_routes * instance.num_periods)))
    for more in itertools.islice(orders(instance, blocks), trials):
        trial, _ = _with_blocks(instance, np.maximum(blocks, more), by_regret)
        found = _rank(instance, trial)
        if found < usd:
            plan, usd, blocks = trial, found, trial.blocks
    return plan


def _with_blocks(instance: Instance, blocks: Float, by_regret: bool) -> tuple[Plan, Float]:
    """The plan with so many blocks of each contract, and the (P, T) chip-hours it holds."""
    facts = facts_of(instance, blocks)
    filled = forward_fill(facts, routes_kept(facts), by_regret=by_regret)
    return _plan(facts, filled, blocks), _held(facts, filled)


def _rank(instance: Instance, plan: Plan) -> tuple[int, float]:
    """How often chips are too few for what must run, then the cost: the less the better."""
    sums = tally(instance, plan)
    short = sum(1 for family in TOO_FEW for _ in CHECKS[family](instance, plan, sums))
    return short, costs_of(instance, sums).total


def _plan(facts: Facts, filled: Filled, blocks: Float) -> Plan:
    instance, lanes = facts.instance, facts.lanes
    lane, period = np.nonzero(filled.replicas > 0)
    replicas = Cells.of(
        _axes(lanes.model[lane], lanes.pool[lane], period), filled.replicas[lane, period]
    )
    workload, pool, when = _axes(
        facts.workload[filled.route], facts.pool[filled.route], filled.period
    )
    route = filled.fallen_route
    fallen = _axes(filled.outage, facts.workload[route], facts.pool[route], filled.fallen_period)
    return from_cells(
        instance,
        workload,
        pool,
        when,
        filled.mtok,
        filled.unserved,
        replicas=replicas,
        blocks=blocks,
        reserve=Cells.of_dense(filled.reserve),
        failover=Cells.of(fallen, filled.fallen_mtok),
    )


def _held(facts: Facts, filled: Filled) -> Float:
    """(P, T) chip-hours held."""
    held = filled.reserve.copy()
    bare = facts.lane[filled.route] < 0
    hours = facts.hours[filled.route] * filled.mtok
    np.add.at(held, (facts.pool[filled.route[bare]], filled.period[bare]), hours[bare])
    np.add.at(held, facts.lanes.pool, facts.lanes.hold[:, None] * filled.replicas)
    return held


def _axes(*axes: NDArray[np.int64]) -> tuple[NDArray[np.int32], ...]:
    return tuple(axis.astype(np.int32) for axis in axes)


def _why(instance: Instance, by_regret: bool) -> str:
    """Say what was done, and what was not looked at."""
    ignored = ["limits on shares"] if len(instance.shares.share) else []
    ignored += ["the budget"] if instance.budget_usd is not None else []
    rule = "cheapest route first, who would lose most by waiting before others"
    if not by_regret:
        rule = "cheapest route first"
    ending = f"; {' and '.join(ignored)} not looked at" if ignored else ""
    return f"{rule}, no proof beyond the bound{ending}"
