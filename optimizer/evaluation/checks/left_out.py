"""Nothing runs, waits or is bought on a pool whose price is not known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Pools without a price that serve or hold something, or whose contracts are bought."""
    unknown = np.asarray(np.isnan(instance.price_usd_per_chip_hour).any(axis=1))
    lanes = sums.lanes
    replicas = np.zeros(instance.num_pools)
    np.add.at(replicas, lanes.pool, sums.replicas.sum(axis=1))
    for what, amount, unit in (
        ("", sums.pool_mtok.sum(axis=1), "Mtok"),
        (", replicas", replicas, "replica periods"),
        (", reserve", sums.reserve_chip_hours.sum(axis=1), "chip-hours"),
    ):
        for pool in np.flatnonzero(unknown & (amount > SPECK)).tolist():
            place = f"{instance.pools.pool[pool]} has no price{what}"
            yield Violation("left_out", place, float(amount[pool]), 0.0, unit)
    table = instance.contracts
    for contract in np.flatnonzero(unknown[table.pool] & (sums.blocks > SPECK)).tolist():
        name = instance.pools.pool[table.pool[contract]]
        yield Violation(
            "left_out",
            f"{name} has no price, contract {table.contract[contract]}",
            float(sums.blocks[contract]),
            0.0,
            "blocks",
        )
