"""What tokens cost at the margin: demand, deadlines, and one period more to wait."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.priced_routes import PricedRoutes, best_now_usd_per_mtok
from optimizer.evaluation.shadows.family import PART, Family, named, usd_over_horizon
from optimizer.instance.instance import Instance

Float = NDArray[np.float64]


def demand(instance: Instance, marginal: Float) -> list[Family]:
    """Cost of one more Mtok, of workloads that cannot wait and of those that can."""
    later = instance.workloads.deadline_periods > 0
    names = instance.workloads.workload
    worth = PART * usd_over_horizon(instance, marginal)
    if not bool(later.any()):
        return [Family("demand", names, marginal, worth)]
    return [
        Family(family, named(names, rows), marginal[rows], worth[rows])
        for family, rows in (
            ("demand", np.flatnonzero(~later)),
            ("deadline", np.flatnonzero(later)),
        )
        if len(rows)
    ]


def extension(instance: Instance, routes: PricedRoutes, marginal: Float) -> Family:
    """What arrivals of a period would save if they could wait one period longer."""
    later = np.flatnonzero(instance.workloads.deadline_periods > 0)
    now = best_now_usd_per_mtok(instance, routes)[later]
    last = instance.num_periods - 1
    span = instance.workloads.deadline_periods[later]
    new = np.arange(last + 1)[None, :] + np.minimum(span, last)[:, None] + 1
    reached = np.take_along_axis(now, np.minimum(new, last), axis=1)
    saved = np.where(new <= last, np.maximum(marginal[later] - reached, 0.0), 0.0)
    saved[instance.demand_mtok[later] <= 0] = 0.0
    worth = PART * (saved * instance.demand_mtok[later]).sum(axis=1)
    return Family("deadline_extension", named(instance.workloads.workload, later), saved, worth)


def priority(instance: Instance, usd_per_mtok: Float) -> Family:
    """What a Mtok would save that might be given up before those of lower priority."""
    worth = PART * usd_over_horizon(instance, usd_per_mtok)
    return Family("priority", instance.workloads.workload, usd_per_mtok, worth)
