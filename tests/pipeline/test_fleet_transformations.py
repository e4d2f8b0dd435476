"""The optimizer agrees with itself on fleets that are changed in a way that is understood."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import optimizer
from tests.pipeline.fleet_draws import SIZES, drawn
from tests.pipeline.fleet_transformations import (
    fleet_scaled,
    in_small_replicas,
    relaxed,
    without_replicas,
)
from tests.pipeline.sketch import Sketch
from tests.pipeline.transformations import reordered

SEEDS = range(12)

every_kind = pytest.mark.parametrize("kind", SIZES)


def outcome(sketch: Sketch) -> float | None:
    """Cost of the optimum, None where no plan keeps the rules."""
    result = optimizer.solve(sketch.build())
    assert result.status in ("optimal", "infeasible", "no_plan"), result.reason
    return result.objective_usd if result.status == "optimal" else None


@cache
def before(kind: str, seed: int) -> float | None:
    """Cost of the optimum of a drawn problem."""
    return outcome(drawn(kind, seed))


def same(found: float | None, expected: float | None, factor: float = 1.0) -> bool:
    """Whether two costs are the same, the second multiplied."""
    if found is None or expected is None:
        return found is expected
    return abs(found - factor * expected) <= 1e-6 * max(factor, abs(found))


@every_kind
def test_prices_twice_as_high_cost_twice_as_much(kind: str) -> None:
    for seed in SEEDS:
        after = outcome(fleet_scaled(drawn(kind, seed), 1.0, 2.0))
        assert same(after, before(kind, seed), 2.0), seed


@every_kind
def test_amounts_twice_as_large_cost_twice_as_much(kind: str) -> None:
    for seed in SEEDS:
        after = outcome(fleet_scaled(drawn(kind, seed), 2.0, 1.0))
        assert same(after, before(kind, seed), 2.0), seed


@every_kind
def test_order_of_workloads_and_pools_does_not_matter(kind: str) -> None:
    for seed in SEEDS:
        rng, sketch = np.random.default_rng(seed), drawn(kind, seed)
        workloads = rng.permutation(len(sketch.workloads)).tolist()
        pools = rng.permutation(len(sketch.pools)).tolist()
        assert same(outcome(reordered(sketch, workloads, pools)), before(kind, seed)), seed


@every_kind
def test_wider_limits_never_cost_more(kind: str) -> None:
    for seed in SEEDS:
        first = before(kind, seed)
        for name, sketch in relaxed(drawn(kind, seed)).items():
            after = outcome(sketch)
            if first is not None:
                assert after is not None, (seed, name)
                assert after <= first * (1 + 1e-6) + 1e-6, (seed, name)


def test_small_replicas_come_near_any_part_of_a_chip_from_above() -> None:
    """A replica more in each cell, or a replica's work less, is the most that rounding can cost."""
    chips = 1e-3
    for seed in SEEDS:
        sketch = drawn("replicas", seed)
        least = outcome(without_replicas(sketch))
        found = outcome(in_small_replicas(sketch, chips))
        assert least is not None
        assert found is not None
        usd = [usd or 0.0 for pool in sketch.pools for usd in pool.usd_per_chip_hour]
        penalty = max(row.unserved_usd_per_mtok for row in sketch.workloads)
        hours = min([row.chip_hours_per_mtok for row in sketch.routes], default=1.0)
        cells = 2 * len(usd)
        rounding = chips * sketch.period_hours * cells * (max(usd) + penalty / hours)
        assert least - 1e-6 * (1 + least) <= found <= least + rounding, seed
