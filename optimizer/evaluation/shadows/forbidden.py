"""What tokens would save on routes that a rule forbids: residency, qualification."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.openings import (
    route_qualified_from,
    route_resident,
)
from optimizer.evaluation.priced_routes import PricedRoutes
from optimizer.evaluation.shadows.family import PART, Family, named
from optimizer.instance.instance import Instance, route_starts
from optimizer.kernels.blocks import over_blocks, row_blocks

Float = NDArray[np.float64]
Index = NDArray[np.int32]


def residency(instance: Instance, routes: PricedRoutes, marginal: Float) -> Family:
    """What a bound workload would save on its best route that only residency forbids."""
    rows = np.unique(instance.residency.workload)
    last = np.int32(instance.num_periods)
    until = np.where(route_resident(instance), np.int32(0), last)
    return _family(
        instance, "residency", rows, routes, marginal, route_qualified_from(instance), until
    )


def qualification(instance: Instance, routes: PricedRoutes, marginal: Float) -> Family:
    """What a workload would save on its best route that only qualification forbids."""
    named_models = np.isin(instance.model_names, instance.qualification.model.names)
    rows = np.flatnonzero(named_models[instance.workloads.model.codes])
    until = np.where(route_resident(instance), route_qualified_from(instance), np.int32(0))
    return _family(instance, "qualification", rows, routes, marginal, np.zeros_like(until), until)


def _family(
    instance: Instance,
    family: str,
    rows: NDArray[np.integer[Any]],
    routes: PricedRoutes,
    marginal: Float,
    since: Index,
    until: Index,
) -> Family:
    """Saved per Mtok, at the margin.

    Parameters
    ----------
    routes : routes at prices with the rule left out.
    since, until : (R,) first period in which the rule alone stands against a route, and the one
        after the last.
    """
    from optimizer.kernels.shadow_sweeps import saved_elsewhere

    table, demand, first = instance.routes, instance.demand_mtok, route_starts(instance)
    by_period, paid = routes.by_period, routes.paid_usd
    added = np.empty((0, 0)) if routes.added is None else routes.added
    value = np.empty((len(rows), instance.num_periods))

    def look(begin: int, end: int) -> Float:
        saved_elsewhere(
            first, routes.row, since, until, table.usd_per_mtok, routes.chip_hours,
            *by_period, paid, added, marginal, demand, rows, begin, end, value,
        )  # fmt: skip
        usd = value[begin:end] * demand[rows[begin:end]]
        return np.asarray(usd.sum(axis=1))

    sums = over_blocks(look, row_blocks(*value.shape))
    worth = PART * np.concatenate([np.empty(0), *sums])
    return Family(family, named(instance.workloads.workload, rows), value, worth)
