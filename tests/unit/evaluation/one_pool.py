"""The smallest problem whose risk is known in closed form, and plans for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from optimizer.evaluation.risk import Risk
from optimizer.instance.instance import Instance
from optimizer.plan import Plan, from_cells
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow

LOW, HIGH, ROOM = 0.5, 1.6, 1.2
"""Factors on a demand of 10 Mtok, and chips of its pool as a part of it."""


def one_pool(**pool: Any) -> Instance:
    """One workload on one pool: 10 Mtok, 12 chips, 2 USD per chip-hour, 9 USD per Mtok unserved."""
    row = PoolRow(**({"name": "p", "usd_per_chip_hour": (2.0,), "capacity_chips": (12.0,)} | pool))
    return Sketch((WorkloadRow("a", 9.0, (10.0,)),), (row,), (RouteRow("a", "p"),)).build()


def plan_of(instance: Instance, *rows: tuple[int, int, int, float], **fleet: Any) -> Plan:
    """Placements as rows of workload, pool, period, Mtok; the rest of the demand is given up."""
    workload, pool, period = (np.array([row[i] for row in rows], np.int32) for i in range(3))
    placed = np.array([row[3] for row in rows], np.float64)
    rest = instance.demand_mtok.copy()
    np.subtract.at(rest, (workload, period), placed)
    return from_cells(instance, workload, pool, period, placed, rest, **fleet)


def all_of_it(instance: Instance) -> Plan:
    return plan_of(instance, (0, 0, 0, 10.0))


def ranged(instance: Instance) -> Instance:
    """The same with ranges of prices."""
    usd = instance.pools.usd_per_chip_hour
    low, high = 0.75 * usd, 1.5 * usd
    pools = replace(instance.pools, usd_per_chip_hour_low=low, usd_per_chip_hour_high=high)
    return replace(instance, pools=pools)


def near(found: Risk, name: str, expected: float) -> None:
    """The mean is within four standard errors, and these are small."""
    sample = getattr(found, name)
    assert abs(sample.mean - expected) < 4 * sample.standard_error
    assert sample.standard_error < 0.01 * abs(expected)
