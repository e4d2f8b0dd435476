"""Qualification: a model runs only on chips that it is qualified for, from that time on.

    x[w,p,t] = 0   where the model of w has rows and none of them fits the chip of p, the use
                   of w and the beginning of t

(docs/problem.md, family "qualification"). Such cells get no columns, so that the family costs
nothing and is as tight as can be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Index = NDArray[np.int32]
Bool = NDArray[np.bool_]


def qualified_cells(instance: Instance, routes: Index) -> Bool | None:
    """(R', T) periods in which the model of a route may use its chip; None when always."""
    if len(instance.qualification.model) == 0:
        return None
    since = _since(instance)
    workload, pool = instance.routes.workload[routes], instance.routes.pool[routes]
    trains = instance.workloads.traffic_class.equal("training")[workload].astype(np.intp)
    model, chip = instance.workloads.model.codes[workload], instance.pools.chip.codes[pool]
    return np.asarray(since[trains, model, chip][:, None] <= instance.period_start_seconds)


def _since(instance: Instance) -> NDArray[np.float64]:
    """(2, M, chips) from when on inference, then training, is allowed: seconds since 1970."""
    table = instance.qualification
    models = {name: code for code, name in enumerate(instance.model_names)}
    chips = {name: code for code, name in enumerate(instance.pools.chip.names)}
    since = np.full((2, len(models), len(chips)), -np.inf)
    model = np.array([models[name] for name in table.model.values()], np.intp)
    chip = np.array([chips[name] for name in table.chip.values()], np.intp)
    since[:, model] = np.inf
    begins = np.where(np.isnan(table.qualified_from), -np.inf, table.qualified_from)
    for position, use in enumerate(("inference", "training")):
        fits = table.use.equal(use) | table.use.equal("both")
        np.minimum.at(since[position], (model[fits], chip[fits]), begins[fits])
    return since
