"""Which routes residency and qualification leave open, and from when on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
Index = NDArray[np.int32]


def resident(instance: Instance) -> Bool:
    """(W, P) pools in a region that the workload may use; any region without rows."""
    allowed = np.ones((instance.num_workloads, instance.num_pools), np.bool_)
    table = instance.residency
    if len(table.workload) == 0:
        return allowed
    regions = instance.pools.region
    match = np.array([regions.equal(name) for name in table.region.names])
    allowed[table.workload] = False
    np.logical_or.at(allowed, table.workload, match[table.region.codes])
    return allowed


def training(instance: Instance) -> Int:
    """(W,) 1 for workloads that train, else 0: the last axis of :func:`qualified_from`."""
    return instance.workloads.traffic_class.equal("training").astype(np.int64)


def qualified_from(instance: Instance) -> Int:
    """(M, P, 2) first period in which a model may infer, and train, on a pool; T if in none.

    A row counts from the first period that begins at its time or later.
    """
    models, last = instance.model_names, instance.num_periods
    table = instance.qualification
    since = np.zeros((len(models), instance.num_pools, 2), np.int64)
    for model in range(len(models)):
        if models[model] in table.model.names:
            since[model] = last
    begins = instance.period_start_seconds
    for row in range(len(table.model)):
        when = float(table.qualified_from[row])
        first = 0 if np.isnan(when) else int(np.searchsorted(begins, when))
        model = models.index(table.model[row])
        pools = np.flatnonzero(instance.pools.chip.equal(table.chip[row]))
        for use, kind in ((0, "inference"), (1, "training")):
            if table.use[row] in (kind, "both"):
                since[model, pools, use] = np.minimum(since[model, pools, use], first)
    return since


def route_qualified_from(instance: Instance) -> Index:
    """(R,) first period in which qualification allows each route; T if in none."""
    if len(instance.qualification.model) == 0:
        return np.zeros(instance.num_routes, np.int32)
    table = instance.routes
    model = instance.workloads.model.codes[table.workload]
    use = training(instance)[table.workload]
    return np.asarray(qualified_from(instance).astype(np.int32)[model, table.pool, use])


def route_resident(instance: Instance) -> Bool:
    """(R,) routes that residency allows."""
    table = instance.routes
    if len(instance.residency.workload) == 0:
        return np.ones(instance.num_routes, np.bool_)
    return np.asarray(resident(instance)[table.workload, table.pool])


def route_opens(instance: Instance) -> Index:
    """(R,) first period in which each route may be used; T for those closed for good.

    Closed are those that residency or qualification forbids, and those to pools left out.
    """
    allowed = route_resident(instance) & ~instance.left_out[instance.routes.pool]
    return np.where(allowed, route_qualified_from(instance), np.int32(instance.num_periods))
