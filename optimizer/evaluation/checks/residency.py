"""Twin of the family "residency": a workload stays in the regions it is bound to."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Placements in regions that their workload may not use."""
    allowed: dict[int, set[str]] = {}
    for row, workload in enumerate(instance.residency.workload.tolist()):
        allowed.setdefault(workload, set()).add(instance.residency.region[row])
    if not allowed:
        return
    regions = instance.pools.region.values()
    for workload, pool, period, mtok in zip(
        plan.workload.tolist(),
        plan.pool.tolist(),
        plan.period.tolist(),
        plan.placed_mtok.tolist(),
        strict=True,
    ):
        if workload in allowed and regions[pool] not in allowed[workload] and mtok > SPECK:
            yield Violation(
                "residency",
                f"{instance.workloads.workload[workload]} in {regions[pool]} "
                f"({instance.pools.pool[pool]}), period {period}",
                mtok,
                0.0,
                "Mtok",
            )
