"""Twin of the family "single_pool": a pinned workload is served by one pool at most."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Pinned workloads with tokens on more than one pool."""
    pinned = instance.workloads.single_pool
    if not bool(pinned.any()):
        return
    kept = pinned[plan.workload] & (plan.placed_mtok > SPECK)
    pairs = plan.workload[kept].astype(np.int64) * instance.num_pools + plan.pool[kept]
    workload, pool = np.divmod(np.unique(pairs), instance.num_pools)
    count = np.bincount(workload, minlength=instance.num_workloads)
    for several in np.flatnonzero(count > 1).tolist():
        names = ", ".join(instance.pools.pool[p] for p in pool[workload == several].tolist())
        yield Violation(
            "single_pool",
            f"{instance.workloads.workload[several]} on {names}",
            float(count[several]),
            1.0,
            "pools",
        )
