"""Twin of the family "capacity": chip-hours held never pass what the chips can give."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import HARD, SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Pool-hours that are over their limit, bought blocks included."""
    limit = instance.period_hours * (instance.capacity_chips + sums.block_chips)
    over = sums.held_chip_hours > limit * (1 + HARD) + SPECK
    for pool, period in np.argwhere(over).tolist():
        yield Violation(
            "capacity",
            f"{instance.pools.pool[pool]}, period {period}",
            float(sums.held_chip_hours[pool, period]),
            float(limit[pool, period]),
            "chip-hours",
        )
