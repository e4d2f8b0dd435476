"""Nothing runs on a pool whose price is not known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Pools without a price that serve something."""
    unknown = np.isnan(instance.price_usd_per_chip_hour).any(axis=1)
    for pool in np.flatnonzero(unknown & (sums.pool_mtok > SPECK)).tolist():
        yield Violation(
            "left_out",
            f"{instance.pools.pool[pool]} has no price",
            float(sums.pool_mtok[pool]),
            0.0,
            "Mtok",
        )
