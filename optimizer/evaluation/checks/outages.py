"""Twin of the family "outages": the plan's own certificate, inequality by inequality.

Written from docs/problem.md: in each loss, what falls to the pools that are left is the part
``served`` of what is placed, fits into replicas that run, chips in use and the reserve, and
takes no route that the plan itself may not take.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.groups import members
from optimizer.evaluation.lanes import lane_names
from optimizer.evaluation.openings import route_opens
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import MOST, RELATIVE, SPECK, Violation, no_amount
from optimizer.instance.instance import Instance, route_starts
from optimizer.plan import Plan

Float = NDArray[np.float64]


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Losses that the plan does not survive as it says, and reserves that are none."""
    yield from _bad_reserve(instance, plan)
    yield from _bad_cells(instance, plan)
    if len(instance.outages.outage) == 0:
        return
    from optimizer.kernels.placements import find_routes

    routes = instance.routes
    _, workload, pool, _ = plan.failover.axes
    route = find_routes(route_starts(instance), routes.pool, workload, pool)
    hours = np.zeros(len(route))
    if instance.num_routes:
        hours = np.where(route >= 0, routes.chip_hours_per_mtok[np.maximum(route, 0)], 0.0)
    hours = hours * plan.failover.value
    yield from _closed(instance, plan, route)
    for outage in range(len(instance.outages.outage)):
        cells = np.flatnonzero(plan.failover.axes[0] == outage)
        yield from _not_taken_over(instance, plan, sums, outage, cells)
        yield from _overfull(instance, plan, sums, outage, cells, hours[cells])


def _bad_reserve(instance: Instance, plan: Plan) -> Iterator[Violation]:
    """Reserve of no amount, and any where there is nothing to hold it for."""
    pool, period = plan.reserve.axes
    hours = plan.reserve.value
    bad, why = no_amount(hours), "not an amount to hold"
    if len(instance.outages.outage) == 0:
        bad, why = hours != 0, "a reserve without any outage"
    for k in np.flatnonzero(bad).tolist():
        place = f"{instance.pools.pool[pool[k]]}, period {period[k]}: {why}"
        yield Violation("outages", place, float(hours[k]), 0.0, "chip-hours")


def _bad_cells(instance: Instance, plan: Plan) -> Iterator[Violation]:
    mtok = plan.failover.value
    for k in np.flatnonzero(no_amount(mtok)).tolist():
        place = f"{_place(instance, plan, k)}: not an amount from 0 to {MOST:g}"
        yield Violation("outages", place, float(mtok[k]), 0.0, "Mtok")


def _closed(instance: Instance, plan: Plan, route: NDArray[np.int64]) -> Iterator[Violation]:
    """Tokens that fall to a pool that is lost itself, or that may not serve them."""
    outage, _, pool, period = plan.failover.axes
    some = plan.failover.value > SPECK
    lost = members(instance, instance.outages)[outage, pool]
    opens = np.append(route_opens(instance), instance.num_periods)[route]  # -1: the last, never
    for why, broken in (
        ("the pool is lost", some & lost),
        ("the route may not be used", some & ~lost & (period < opens)),
    ):
        for k in np.flatnonzero(broken).tolist():
            place = f"{_place(instance, plan, k)}: {why}"
            yield Violation("outages", place, float(plan.failover.value[k]), 0.0, "Mtok")


def _not_taken_over(
    instance: Instance, plan: Plan, sums: Tally, outage: int, cells: NDArray[np.int64]
) -> Iterator[Violation]:
    """Protected tokens for which no place is named."""
    from optimizer.kernels.placements import totals

    _, workload, _, period = plan.failover.axes
    shape = sums.placed_mtok.shape
    found = totals(workload[cells], period[cells], plan.failover.value[cells], *shape)
    wanted = float(instance.outages.served[outage]) * sums.placed_mtok
    short = found < wanted - RELATIVE * sums.placed_mtok - SPECK
    short &= instance.workloads.protected[:, None]
    for row, when in np.argwhere(short).tolist():
        yield Violation(
            "outages",
            f"{instance.outages.outage[outage]}: {instance.workloads.workload[row]}, "
            f"period {when}: not served elsewhere",
            float(found[row, when]),
            float(wanted[row, when]),
            "Mtok",
        )


def _overfull(
    instance: Instance,
    plan: Plan,
    sums: Tally,
    outage: int,
    cells: NDArray[np.int64],
    hours: Float,
) -> Iterator[Violation]:
    """Replicas and chips to which more falls than they can do.

    Nothing may fall to lost pools at all, which is looked at elsewhere.
    """
    from optimizer.kernels.placements import totals

    lanes, periods = sums.lanes, instance.num_periods
    axes = [axis[cells] for axis in plan.failover.axes]
    lane = lanes.of[instance.workloads.model.codes[axes[1]], axes[2]]
    free = lane < 0
    name = instance.outages.outage[outage]
    work = totals(lane[~free], axes[3][~free], hours[~free], len(lanes), periods)
    limit = sums.ready_hours(instance.period_hours)
    over = work > limit + RELATIVE * np.abs(limit) + SPECK
    names = lane_names(instance, lanes)
    for row, when in np.argwhere(over).tolist():
        place = f"{name}: {names[row]}, period {when}: more falls to it than its replicas can do"
        amounts = float(work[row, when]), float(limit[row, when])
        yield Violation("outages", place, *amounts, "chip-hours")
    work = totals(axes[2][free], axes[3][free], hours[free], instance.num_pools, periods)
    limit = sums.free_load_chip_hours + sums.reserve_chip_hours
    for row, when in np.argwhere(work > limit * (1 + RELATIVE) + SPECK).tolist():
        place = (
            f"{name}: {instance.pools.pool[row]}, period {when}: more falls to it than it "
            "has in use and in reserve"
        )
        amounts = float(work[row, when]), float(limit[row, when])
        yield Violation("outages", place, *amounts, "chip-hours")


def _place(instance: Instance, plan: Plan, k: int) -> str:
    outage, workload, pool, period = (int(axis[k]) for axis in plan.failover.axes)
    return (
        f"{instance.outages.outage[outage]}: {instance.workloads.workload[workload]} on "
        f"{instance.pools.pool[pool]}, period {period}"
    )
