"""A workload in a period: what every pool would cost it, and what stands in the way.

Prices at the margin are those of the routes as the plan chose them
(:mod:`optimizer.evaluation.shadows.chosen`): what one more Mtok costs there, with all that is
scarce at its shadow price. Their excess over what one more Mtok of the workload costs at the best
place is the reduced cost: where it is above 0, nothing is placed at an optimum.

A workload that may wait is looked at from the period in which its tokens arrive: of each pool
the period of the window with the lowest price at the margin is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.evaluate import Evaluation
from optimizer.evaluation.priced_routes import PricedRoutes, handled_usd_per_mtok
from optimizer.evaluation.shadows.chosen import routes_as_chosen
from optimizer.evaluation.verdict import SPECK
from optimizer.explanation.derived_routes import Way, refused_pairs, ways_of
from optimizer.explanation.list_price import chip_hours_per_mtok, list_usd_per_mtok
from optimizer.explanation.obstacles import Obstacles
from optimizer.instance.instance import Instance, route_starts
from optimizer.plan import Plan
from optimizer.prices import Prices

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A pool as a place for the tokens.

    Attributes
    ----------
    pool : position of the pool.
    period : the period that is told.
    configuration : way to run the model there; empty without a route, or where it names none.
    chip_hours_per_mtok : chip-hours that a Mtok holds there; NaN without a route.
    list_usd_per_mtok : at list price, reserved chips too; NaN where it is not known.
    marginal_usd_per_mtok : with all that is scarce at its shadow price; NaN where no price says.
    reduced_usd_per_mtok : beyond the cost of one more Mtok at the best place; NaN as above.
    placed_mtok : Mtok of the workload on the pool, in the window.
    open : whether nothing but cost stands against placing a Mtok there.
    obstacle : what stands in the way, empty when nothing does.
    """

    pool: int
    period: int
    configuration: str
    chip_hours_per_mtok: float
    list_usd_per_mtok: float
    marginal_usd_per_mtok: float
    reduced_usd_per_mtok: float
    placed_mtok: float
    open: bool
    obstacle: str


@dataclass(frozen=True)
class Candidates:
    """Every pool for a workload and a period.

    Attributes
    ----------
    workload, period : for whose tokens, arriving when.
    last_period : last period in which they may be handled.
    arriving_mtok : Mtok that arrive in the period.
    unserved_mtok : Mtok of the workload given up in the window.
    penalty_usd_per_mtok : cost of giving up.
    marginal_usd_per_mtok : cost of one more Mtok arriving.
    rows : where something is placed first, then by price at the margin; closed pools last.
    ways : where routes are derived, every way to run the workload, by pool.
    """

    workload: int
    period: int
    last_period: int
    arriving_mtok: float
    unserved_mtok: float
    penalty_usd_per_mtok: float
    marginal_usd_per_mtok: float
    rows: tuple[Candidate, ...]
    ways: tuple[Way, ...]


def explain_candidates(
    instance: Instance,
    prices: Prices,
    evaluation: Evaluation,
    plan: Plan,
    workload: int,
    period: int,
) -> Candidates:
    """Price every pool for a workload and a period of a judged plan."""
    routes = routes_as_chosen(instance, prices, evaluation, plan)
    marginal = float(handled_usd_per_mtok(instance, routes)[workload, period])
    wait = int(instance.workloads.deadline_periods[workload])
    last = min(period + wait, instance.num_periods - 1)
    window = slice(period, last + 1)
    placed = _placed(instance, plan, workload, window)
    given_up = (plan.unserved_workload == workload) & (plan.unserved_period >= period)
    given_up &= plan.unserved_period <= last
    usd = _usd_at_the_margin(instance, routes, prices, evaluation, plan, workload)
    refused = refused_pairs(instance, np.array([workload]))
    obstacles = Obstacles(instance, prices, evaluation, plan, routes, workload, refused)
    rows = [
        _candidate(instance, pool, period, window, usd, marginal, placed, obstacles, workload)
        for pool in range(instance.num_pools)
    ]
    rows.sort(key=_order)
    return Candidates(
        workload=workload,
        period=period,
        last_period=last,
        arriving_mtok=float(instance.demand_mtok[workload, period]),
        unserved_mtok=float(plan.unserved_mtok[given_up].sum()),
        penalty_usd_per_mtok=float(instance.workloads.unserved_usd_per_mtok[workload]),
        marginal_usd_per_mtok=marginal,
        rows=tuple(rows),
        ways=ways_of(instance, workload),
    )


def _candidate(
    instance: Instance,
    pool: int,
    period: int,
    window: slice,
    usd: tuple[Float, Float],
    marginal: float,
    placed: Float,
    obstacles: Obstacles,
    workload: int,
) -> Candidate:
    costs, open_costs = usd[0][pool, window], usd[1][pool, window]
    when = period
    for known in (open_costs, costs):
        if not bool(np.isnan(known).all()):
            when = period + int(np.nanargmin(known))
            break
    cost = float(costs[when - period])
    route = obstacles.route_of(pool)
    amount = float(placed[pool])
    obstacle = obstacles.closed(pool, when)
    is_open = not obstacle
    if is_open and amount <= SPECK:
        obstacle = obstacles.dear(pool, when, cost - marginal)
    routed = route >= 0
    return Candidate(
        pool=pool,
        period=when,
        configuration=instance.routes.configuration[route] if routed else "",
        chip_hours_per_mtok=float(chip_hours_per_mtok(instance)[route]) if routed else float("nan"),
        list_usd_per_mtok=float(list_usd_per_mtok(instance)[route, when])
        if routed
        else float("nan"),
        marginal_usd_per_mtok=cost,
        reduced_usd_per_mtok=cost - marginal,
        placed_mtok=amount,
        open=is_open,
        obstacle=obstacle,
    )


def _order(row: Candidate) -> tuple[bool, bool, float, int]:
    cost = row.marginal_usd_per_mtok
    known = float("inf") if cost != cost else cost
    return row.placed_mtok <= SPECK, not row.open, known, row.pool


def _placed(instance: Instance, plan: Plan, workload: int, window: slice) -> Float:
    """(P,) Mtok of the workload on each pool in the window."""
    inside = (plan.period >= window.start) & (plan.period < window.stop)
    mine = (plan.workload == workload) & inside
    placed = np.bincount(plan.pool[mine], plan.placed_mtok[mine], instance.num_pools)
    return placed.astype(np.float64)


def _usd_at_the_margin(
    instance: Instance,
    routes: PricedRoutes,
    prices: Prices,
    evaluation: Evaluation,
    plan: Plan,
    workload: int,
) -> tuple[Float, Float]:
    """(P, T) USD per Mtok of the workload, with its own rules forgotten, and as they are."""
    anywhere = np.where(instance.left_out, instance.num_periods, 0)[instance.routes.pool]
    free = routes_as_chosen(instance, prices, evaluation, plan, anywhere)
    shape = instance.capacity_chips.shape
    both = np.full(shape, np.nan), np.full(shape, np.nan)
    starts = route_starts(instance)
    for route in range(int(starts[workload]), int(starts[workload + 1])):
        pool = int(instance.routes.pool[route])
        for priced, usd in zip((free, routes), both, strict=True):
            line = int(priced.row[route])
            if line < 0:
                continue
            cost = priced.factor[line] * priced.route_usd[route] + priced.per_mtok[line]
            cost = cost + priced.chip_hours[route] * priced.hour_usd[line]
            if priced.added is not None:
                cost = cost + priced.added[workload]
            # What is scarce has no price where there is none of it: no chip, no replica.
            early = np.arange(instance.num_periods) < priced.opens[route]
            cost = np.where(priced.closed[line] | early, np.nan, cost)
            usd[pool] = cost
    return both
