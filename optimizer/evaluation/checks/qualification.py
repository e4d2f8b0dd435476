"""Twin of the family "qualification": a model runs only on chips, and from when, it may."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from optimizer.evaluation.openings import qualified_from, training
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.kernels.blocks import over_blocks, row_blocks
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Placements on chips that their model is not qualified for in the period."""
    if len(instance.qualification.model) == 0:
        return
    trains = training(instance)
    model, since = instance.workloads.model.codes, qualified_from(instance)

    def early(begin: int, end: int) -> list[int]:
        workload, pool = plan.workload[begin:end], plan.pool[begin:end]
        first = since[model[workload], pool, trains[workload]]
        placed = plan.placed_mtok[begin:end] > SPECK
        return (begin + np.flatnonzero((plan.period[begin:end] < first) & placed)).tolist()

    blocks = row_blocks(len(plan.placed_mtok), 1)
    for k in chain.from_iterable(over_blocks(early, blocks)):
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
