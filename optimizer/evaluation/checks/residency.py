"""Twin of the family "residency": a workload stays in the regions it is bound to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from optimizer.evaluation.openings import resident
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.kernels.blocks import over_blocks, row_blocks
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Placements in regions that their workload may not use."""
    if len(instance.residency.workload) == 0:
        return
    allowed = resident(instance)

    def outside(begin: int, end: int) -> list[int]:
        inside = allowed[plan.workload[begin:end], plan.pool[begin:end]]
        found = np.flatnonzero(~inside & (plan.placed_mtok[begin:end] > SPECK))
        return (begin + found).tolist()

    blocks = row_blocks(len(plan.placed_mtok), 1)
    for k in chain.from_iterable(over_blocks(outside, blocks)):
        pool = int(plan.pool[k])
        yield Violation(
            "residency",
            f"{instance.workloads.workload[plan.workload[k]]} in {instance.pools.region[pool]} "
            f"({instance.pools.pool[pool]}), period {plan.period[k]}",
            float(plan.placed_mtok[k]),
            0.0,
            "Mtok",
        )
