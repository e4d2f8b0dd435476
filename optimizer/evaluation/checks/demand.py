"""Twin of the family "demand": placed + given up = arriving, in each period."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import RELATIVE, SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Workloads without a window whose tokens do not add up."""
    handled = sums.placed_mtok + sums.unserved_mtok
    arriving = instance.demand_mtok
    now = instance.workloads.deadline_periods == 0
    off = np.abs(handled - arriving) > RELATIVE * arriving + SPECK
    off &= now[:, None]
    for workload, period in np.argwhere(off).tolist():
        yield Violation(
            "demand",
            f"{instance.workloads.workload[workload]}, period {period}",
            float(handled[workload, period]),
            float(arriving[workload, period]),
            "Mtok",
        )
