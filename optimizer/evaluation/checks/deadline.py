"""Twin of the family "deadline": cumulative tokens handled, between due and arrived.

Written from docs/problem.md: D[w,t-h] <= G[w,t] <= D[w,t] and G[w,T-1] = D[w,T-1].
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import RELATIVE, SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.kernels.blocks import over_blocks, row_blocks
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Deferrable workloads that are handled before they arrive or after they are due."""
    spans = instance.workloads.deadline_periods
    later = np.flatnonzero(spans > 0)
    periods = np.arange(instance.num_periods)

    def off(begin: int, end: int) -> list[tuple[int, str, int, float, float]]:
        rows = later[(later >= begin) & (later < end)]
        if len(rows) == 0:
            return []
        arrived = np.cumsum(instance.demand_mtok[rows], axis=1)
        handled = np.cumsum(sums.handled_mtok(begin, end)[rows - begin], axis=1)
        then = periods[None, :] - np.minimum(spans[rows], instance.num_periods)[:, None]
        due = np.where(then >= 0, np.take_along_axis(arrived, np.maximum(then, 0), axis=1), 0.0)
        due[:, -1] = arrived[:, -1]
        slack = RELATIVE * arrived + SPECK
        early, late = handled > arrived + slack, handled < due - slack
        found = []
        for row in np.flatnonzero((early | late).any(axis=1)).tolist():
            for words, broken, limit in (
                ("handled by the end of period {} before it arrives", early, arrived),
                ("due by the end of period {}", late, due),
            ):
                for period in np.flatnonzero(broken[row]).tolist():
                    amounts = float(handled[row, period]), float(limit[row, period])
                    found.append((int(rows[row]), words, period, *amounts))
        return found

    blocks = row_blocks(instance.num_workloads, instance.num_periods) if len(later) else []
    for workload, words, period, amount, limit in chain.from_iterable(over_blocks(off, blocks)):
        place = f"{instance.workloads.workload[workload]}, {words.format(period)}"
        yield Violation("deadline", place, amount, limit, "Mtok")
