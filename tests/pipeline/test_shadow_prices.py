"""Shadow prices of random problems never promise more than a change brings.

The least cost is convex in demand and in capacity, so a shadow price, whichever of several
right ones is shown, bounds the cost of every changed problem from below:

    cost(demand + step)   >= cost + price * step
    cost(capacity + step) >= cost - price * step        step in chip-hours, up or down
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import optimizer
from optimizer.instance.instance import Instance
from tests.pipeline.oracle import Facts, optimum
from tests.pipeline.strategies import instances

STEADY = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@STEADY
@given(instances(), st.lists(st.integers(0, 119), min_size=4, max_size=4), st.booleans())
def test_shadow_price_bounds_the_cost_of_a_changed_problem(
    instance: Instance, picks: list[int], up: bool
) -> None:
    result = optimizer.solve(instance)
    if result.status == "infeasible":
        return
    rows = _testable_rows(instance, result.shadow_prices().to_polars().to_dicts())
    base = _cost_of_service(instance)
    for row in [rows[pick % len(rows)] for pick in picks if rows]:
        changed, step = _changed(instance, row, 1.0 if up else -1.0)
        sign = -1.0 if row["family"] == "capacity" else 1.0
        promised = base + sign * row["value"] * step
        slack = 1e-6 * max(1.0, abs(base), abs(row["value"]))
        assert _cost_of_service(changed) >= promised - slack, row


def _testable_rows(instance: Instance, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Prices of demand and capacity, less those of chips that enter a limit on spend.

    A chip added to a reserved pool raises the spend of the pool, so under a limit on spend
    it changes more than the capacity.
    """
    facts = Facts(instance)
    on_spend = any(share.measure == "spend" for share in facts.shares)
    locked = {
        instance.pools.pool[p]
        for p in range(facts.P)
        if facts.left_out[p] or (facts.reserved[p] and on_spend)
    }
    return [
        row
        for row in rows
        if row["family"] in ("demand", "deadline")
        or (row["family"] == "capacity" and row["name"] not in locked)
    ]


def _changed(instance: Instance, row: dict[str, Any], step: float) -> tuple[Instance, float]:
    """Change one cell by a step in Mtok or chip-hours, but not below 0, and tell the step."""
    period = int(row["period"])
    if row["family"] == "capacity":
        p, hours = instance.pools.pool.index(row["name"]), instance.period_hours
        chips, step = _stepped(instance.capacity_chips, (p, period), step / hours)
        return dataclasses.replace(instance, capacity_chips=chips), step * hours
    w = instance.workloads.workload.index(row["name"])
    demand, step = _stepped(instance.demand_mtok, (w, period), step)
    return dataclasses.replace(instance, demand_mtok=demand), step


def _stepped(matrix: np.ndarray, cell: tuple[int, int], step: float) -> tuple[np.ndarray, float]:
    changed = matrix.copy()
    changed[cell] = max(0.0, matrix[cell] + step)
    return changed, float(changed[cell] - matrix[cell])


def _cost_of_service(instance: Instance) -> float:
    """Cost of the optimum beyond the reserved chips, infinite where there is none."""
    oracle, facts = optimum(instance), Facts(instance)
    if oracle.status == "infeasible":
        return math.inf
    return oracle.objective_usd - sum(facts.reserved_usd(p) for p in facts.kept)
