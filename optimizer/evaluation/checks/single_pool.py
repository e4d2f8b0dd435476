"""Twin of the family "single_pool": a pinned workload is served by one pool at most."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Pinned workloads with tokens on more than one pool."""
    pinned = instance.workloads.single_pool[plan.workload] & (plan.placed_mtok > SPECK)
    seen: dict[int, set[int]] = {}
    for workload, pool in zip(
        plan.workload[pinned].tolist(), plan.pool[pinned].tolist(), strict=True
    ):
        seen.setdefault(workload, set()).add(pool)
    for workload, pools in seen.items():
        if len(pools) > 1:
            names = ", ".join(instance.pools.pool[pool] for pool in sorted(pools))
            yield Violation(
                "single_pool",
                f"{instance.workloads.workload[workload]} on {names}",
                float(len(pools)),
                1.0,
                "pools",
            )
