"""The tally: a plan added up, which every check and every cost is then read from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance, route_starts
from optimizer.plan import Plan

Float = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums over a plan.

    Attributes
    ----------
    route : (K,) route of each placement, -1 where the instance has none.
    chip_hours : (K,) chip-hours of each placement; 0 where it has no route.
    load_chip_hours : (P, T) chip-hours in use.
    placed_mtok : (W, T) Mtok placed.
    unserved_mtok : (W, T) Mtok given up.
    pool_mtok : (P,) Mtok placed.
    pool_route_usd : (P,) own cost of the routes in use.
    """

    route: Index
    chip_hours: Float
    load_chip_hours: Float
    placed_mtok: Float
    unserved_mtok: Float
    pool_mtok: Float
    pool_route_usd: Float


def tally(instance: Instance, plan: Plan) -> Tally:
    """Add a plan up."""
    from optimizer.kernels.placements import find_routes, totals

    routes = instance.routes
    route = find_routes(route_starts(instance), routes.pool, plan.workload, plan.pool)
    known = np.maximum(route, 0)
    placed = plan.placed_mtok
    if instance.num_routes == 0:
        hours, usd = np.zeros(len(placed)), np.zeros(len(placed))
    else:
        hours = np.where(route >= 0, routes.chip_hours_per_mtok[known] * placed, 0.0)
        usd = np.where(route >= 0, routes.usd_per_mtok[known] * placed, 0.0)
    workloads, pools, periods = instance.num_workloads, instance.num_pools, instance.num_periods
    zero = np.zeros(len(placed), np.int64)
    return Tally(
        route=route,
        chip_hours=hours,
        load_chip_hours=totals(plan.pool, plan.period, hours, pools, periods),
        placed_mtok=totals(plan.workload, plan.period, placed, workloads, periods),
        unserved_mtok=totals(
            plan.unserved_workload, plan.unserved_period, plan.unserved_mtok, workloads, periods
        ),
        pool_mtok=totals(plan.pool, zero, placed, pools, 1)[:, 0],
        pool_route_usd=totals(plan.pool, zero, usd, pools, 1)[:, 0],
    )
