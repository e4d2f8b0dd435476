"""Twin of the family "priority": nobody is served at the cost of those before him.

Written from docs/problem.md: in a period in which tokens of a workload are given up, no
workload with a larger number has tokens on a pool that it could use in that period.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.precedence import countable_mtok, first_refused, has_priorities
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Placements on pools that refused a workload which goes before."""
    if not has_priorities(instance):
        return
    names, priority = instance.workloads.workload, instance.workloads.priority
    refused = first_refused(instance, sums.unserved_mtok)[plan.pool, plan.period]
    counted = plan.placed_mtok > countable_mtok(instance)[plan.workload]
    behind = priority[plan.workload] > priority[np.maximum(refused, 0)]
    for k in np.flatnonzero((refused >= 0) & counted & behind).tolist():
        workload, other = int(plan.workload[k]), int(refused[k])
        yield Violation(
            "priority",
            f"{names[workload]} (priority {priority[workload]}) on "
            f"{instance.pools.pool[plan.pool[k]]}, period {plan.period[k]}, while "
            f"{names[other]} (priority {priority[other]}) is given up",
            float(plan.placed_mtok[k]),
            0.0,
            "Mtok",
        )
