"""Twin of the family "demand": placed + given up = arriving, in each period."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import RELATIVE, SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.kernels.blocks import over_blocks, row_blocks
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Workloads without a window whose tokens do not add up."""
    arriving, names = instance.demand_mtok, instance.workloads.workload
    now = instance.workloads.deadline_periods == 0

    def off(begin: int, end: int) -> list[tuple[int, int, float]]:
        due, handled = arriving[begin:end], sums.handled_mtok(begin, end)
        wrong = np.abs(handled - due) > RELATIVE * due + SPECK
        wrong &= now[begin:end, None]
        return [
            (begin + row, period, float(handled[row, period]))
            for row, period in np.argwhere(wrong).tolist()
        ]

    blocks = row_blocks(instance.num_workloads, instance.num_periods)
    for workload, period, amount in itertools.chain.from_iterable(over_blocks(off, blocks)):
        yield Violation(
            "demand",
            f"{names[workload]}, period {period}",
            amount,
            float(arriving[workload, period]),
            "Mtok",
        )
