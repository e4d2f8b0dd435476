"""Twin of the family "deadline": cumulative tokens handled, between due and arrived.

Written from docs/problem.md: D[w,t-h] <= G[w,t] <= D[w,t] and G[w,T-1] = D[w,T-1].
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import RELATIVE, SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Deferrable workloads that are handled before they arrive or after they are due."""
    last = instance.num_periods - 1
    for workload in range(instance.num_workloads):
        span = int(instance.workloads.deadline_periods[workload])
        if span == 0:
            continue
        arrived = np.cumsum(instance.demand_mtok[workload])
        handled = np.cumsum(sums.placed_mtok[workload] + sums.unserved_mtok[workload])
        due = np.zeros(last + 1)
        if span <= last:
            due[span:] = arrived[: last + 1 - span]
        due[last] = arrived[last]
        slack = RELATIVE * arrived + SPECK
        name = instance.workloads.workload[workload]
        for period in np.flatnonzero(handled > arrived + slack).tolist():
            yield Violation(
                "deadline",
                f"{name}, handled by the end of period {period} before it arrives",
                float(handled[period]),
                float(arrived[period]),
                "Mtok",
            )
        for period in np.flatnonzero(handled < due - slack).tolist():
            yield Violation(
                "deadline",
                f"{name}, due by the end of period {period}",
                float(handled[period]),
                float(due[period]),
                "Mtok",
            )
