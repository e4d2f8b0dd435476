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
from optimizer.instance.instance import Instance

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


def residency(instance: Instance, routes: PricedRoutes, marginal: Float) -> Family:
    """What a bound workload would save on its best route that only residency forbids."""
    rows = np.unique(instance.residency.workload)
    closed = ~route_resident(instance)[:, None]
    allowed = np.arange(instance.num_periods) >= route_qualified_from(instance)[:, None]
    return _family(instance, "residency", rows, routes, marginal, closed & allowed)


def qualification(instance: Instance, routes: PricedRoutes, marginal: Float) -> Family:
    """What a workload would save on its best route that only qualification forbids."""
    named_models = np.isin(instance.model_names, instance.qualification.model.names)
    rows = np.flatnonzero(named_models[instance.workloads.model.codes])
    closed = np.arange(instance.num_periods) < route_qualified_from(instance)[:, None]
    allowed = route_resident(instance)[:, None]
    return _family(instance, "qualification", rows, routes, marginal, closed & allowed)


def _family(
    instance: Instance,
    family: str,
    rows: NDArray[np.integer[Any]],
    routes: PricedRoutes,
    marginal: Float,
    forbidden: Bool,
) -> Family:
    """Saved per Mtok, at the margin.

    Parameters
    ----------
    routes : routes at prices with the rule left out.
    forbidden : (R, T) where the rule alone stands against a route.
    """
    value = np.zeros(marginal.shape)
    table, paid = instance.routes, routes.paid_usd
    for route in np.flatnonzero((routes.row >= 0) & forbidden.any(axis=1)).tolist():
        line, workload = int(routes.row[route]), int(table.workload[route])
        cost = routes.factor[line] * table.usd_per_mtok[route] + routes.per_mtok[line]
        cost = cost + routes.chip_hours[route] * paid[line]
        if routes.added is not None:
            cost = cost + routes.added[workload]
        saved = np.where(forbidden[route], marginal[workload] - cost, 0.0)
        np.maximum(value[workload], saved, out=value[workload])
    value[instance.demand_mtok <= 0] = 0.0
    worth = PART * (value * instance.demand_mtok).sum(axis=1)
    return Family(family, named(instance.workloads.workload, rows), value[rows], worth[rows])
