"""Greedy: the plan every planner would write by hand, and the fall-back when time is up.

In each period the cheapest route is filled first. Deferrable tokens are served as they
arrive. Limits on shares are not looked at; the judge says whether they happen to hold.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits
from optimizer.model.columns import open_routes
from optimizer.model.costs import placement_usd_per_mtok
from optimizer.model.formulation import refuse_unknown_rules
from optimizer.plan import Plan, from_cells
from optimizer.progress import Progress
from optimizer.solvers.base import Reason


@dataclass(frozen=True)
class Greedy:
    """Cheapest route first."""

    name: str = "greedy"

    def __call__(self, instance: Instance, limits: Limits, progress: Progress) -> Found:
        """Fill every period; needs no solver and knows no prices."""
        begun = time.monotonic()
        refuse_unknown_rules(instance)
        progress.stage("greedy fill")
        plan = greedy_plan(instance)
        return Found(
            reason=Reason.OPTIMAL,
            plan=plan,
            why="cheapest route first, no proof beyond the bound",
            solve_seconds=time.monotonic() - begun,
        )


def greedy_plan(instance: Instance) -> Plan:
    """Serve each period by its cheapest routes, and give up what finds no room."""
    from optimizer.kernels.greedy import fill_cheapest_first

    routes = open_routes(instance)
    usd = placement_usd_per_mtok(instance, routes)
    workload, pool = instance.routes.workload[routes], instance.routes.pool[routes]
    remaining = np.array(instance.demand_mtok)
    room = instance.capacity_chips * instance.period_hours
    # A hair less room than there is, so that rounded sums never pass the limit.
    placed = fill_cheapest_first(
        workload,
        pool,
        instance.routes.chip_hours_per_mtok[routes],
        usd,
        remaining,
        room * (1 - 1e-12),
    )
    remaining[remaining <= 1e-12 * instance.demand_mtok] = 0.0
    route, period = np.nonzero(placed)
    return from_cells(
        instance,
        workload[route],
        pool[route],
        period.astype(np.int32),
        placed[route, period],
        remaining,
    )
