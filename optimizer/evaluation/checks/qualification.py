"""Twin of the family "qualification": a model runs only on chips, and from when, it may."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.openings import qualified_from, training
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Placements on chips that their model is not qualified for in the period."""
    if len(instance.qualification.model) == 0:
        return
    trains = training(instance)
    model = instance.workloads.model.codes[plan.workload]
    since = qualified_from(instance)[model, plan.pool, trains[plan.workload]]
    for k in np.flatnonzero((plan.period < since) & (plan.placed_mtok > SPECK)).tolist():
        workload, pool = int(plan.workload[k]), int(plan.pool[k])
        use = "training" if trains[workload] else "inference"
        yield Violation(
            "qualification",
            f"{instance.workloads.workload[workload]} on {instance.pools.pool[pool]}, period "
            f"{plan.period[k]}: {instance.workloads.model[workload]} is not qualified for "
            f"{use} on {instance.pools.chip[pool]}",
            float(plan.placed_mtok[k]),
            0.0,
            "Mtok",
        )
