"""Twin of the family "power": chips in use draw no more than a group of pools may."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.groups import members
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import RELATIVE, SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

WATTS_PER_MW = 1e6


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Periods in which a group draws more than its limit."""
    table = instance.power
    drawn = power_mw(instance, sums)
    over = drawn > table.max_mw[:, None] * (1 + RELATIVE) + SPECK
    for limit, period in np.argwhere(over).tolist():
        yield Violation(
            "power",
            f"{table.limit[limit]}: {table.attribute[limit]} {table.value[limit]}, period {period}",
            float(drawn[limit, period]),
            float(table.max_mw[limit]),
            "MW",
        )


def power_mw(instance: Instance, sums: Tally) -> NDArray[np.float64]:
    """(E, T) MW that the chips in use under each limit draw."""
    watts = np.nan_to_num(instance.pools.watts_per_chip)
    counted = members(instance, instance.power) * watts
    return np.asarray(counted @ sums.held_chip_hours / instance.period_hours / WATTS_PER_MW)
