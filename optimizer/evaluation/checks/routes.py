"""Placements need a route, and numbers that mean something."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import MOST, Violation, no_amount
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Placements on pairs that are not in the table of routes, or of no amount."""
    names, pools = instance.workloads.workload, instance.pools.pool
    for k in sums.strays.tolist():
        yield Violation(
            "routes",
            f"{names[plan.workload[k]]} on {pools[plan.pool[k]]}, period "
            f"{plan.period[k]}: no such route",
            float(plan.placed_mtok[k]),
            0.0,
            "Mtok",
        )
    for k in np.flatnonzero(no_amount(plan.placed_mtok)).tolist():
        yield Violation(
            "routes",
            f"{names[plan.workload[k]]} on {pools[plan.pool[k]]}, period "
            f"{plan.period[k]}: not an amount from 0 to {MOST:g}",
            float(plan.placed_mtok[k]),
            0.0,
            "Mtok",
        )
    for k in np.flatnonzero(no_amount(plan.unserved_mtok)).tolist():
        yield Violation(
            "demand",
            f"{names[plan.unserved_workload[k]]}, period {plan.unserved_period[k]}: "
            f"not an amount from 0 to {MOST:g}",
            float(plan.unserved_mtok[k]),
            0.0,
            "Mtok",
        )
