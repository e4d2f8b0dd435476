"""What a further replica saves, against a knapsack filled token by token."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimizer.kernels.replica_worth import replica_worth


def drawn(seed: int) -> dict[str, Any]:
    """A few workloads, each with routes to some of three pools, one of which runs nothing."""
    dice = np.random.default_rng(seed)
    workloads, pools, periods = int(dice.integers(1, 7)), 3, 4
    there = dice.random((workloads, pools)) < 0.8
    owner, pool = np.nonzero(there)
    lane_usd = dice.uniform(0.1, 3.0, (pools, periods))
    lane_usd[dice.integers(pools)] = np.inf
    return {
        "first": np.searchsorted(owner, np.arange(workloads + 1)),
        "route_pool": pool.astype(np.int32),
        "opens": dice.integers(0, 3, len(pool)).astype(np.int32),
        "route_usd": dice.uniform(0.0, 2.0, len(pool)),
        "chip_hours": dice.uniform(0.5, 3.0, len(pool)),
        "ceiling": dice.uniform(1.0, 20.0, workloads),
        "demand": dice.uniform(0.0, 5.0, (workloads, periods)) * (dice.random(periods) < 0.8),
        "lane_usd": lane_usd,
        "unit": 2.0 ** dice.integers(0, 5, pools),
    }


def knapsack_usd(case: dict[str, Any], pool: int, period: int) -> float:
    """Tokens with the largest saving per chip-hour first, until the replica is full."""
    offers = []
    for w, ceiling in enumerate(case["ceiling"]):
        routes = [
            r for r in range(case["first"][w], case["first"][w + 1]) if case["opens"][r] <= period
        ]
        cost = [
            case["route_usd"][r]
            + case["chip_hours"][r] * case["lane_usd"][case["route_pool"][r]][period]
            for r in routes
        ]
        best = min([float(ceiling), *cost])
        for r in routes:
            if case["route_pool"][r] == pool:
                hours = case["chip_hours"][r]
                saved = (best - case["route_usd"][r]) / hours
                offers.append((saved, case["demand"][w][period] * hours))
    room, usd = float(case["unit"][pool]), 0.0
    for saved, hours in sorted(offers, reverse=True):
        taken = min(room, hours)
        usd += max(saved, 0.0) * taken
        room -= taken
    return usd


@pytest.mark.parametrize("seed", range(40))
def test_replica_worth(seed: int) -> None:
    case = drawn(seed)
    found = replica_worth(*case.values())
    for pool, period in np.ndindex(*found.shape):
        exact = knapsack_usd(case, pool, period)
        # Bisection ends a hair above the best price: an upper bound, and a close one.
        assert found[pool, period] >= exact - 1e-9
        assert found[pool, period] <= exact + 2e-4 * case["unit"][pool] * 40.0
