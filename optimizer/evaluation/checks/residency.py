"""Twin of the family "residency": a workload stays in the regions it is bound to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.openings import resident
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Placements in regions that their workload may not use."""
    if len(instance.residency.workload) == 0:
        return
    inside = resident(instance)[plan.workload, plan.pool]
    for k in np.flatnonzero(~inside & (plan.placed_mtok > SPECK)).tolist():
        pool = int(plan.pool[k])
        yield Violation(
            "residency",
            f"{instance.workloads.workload[plan.workload[k]]} in {instance.pools.region[pool]} "
            f"({instance.pools.pool[pool]}), period {plan.period[k]}",
            float(plan.placed_mtok[k]),
            0.0,
            "Mtok",
        )
