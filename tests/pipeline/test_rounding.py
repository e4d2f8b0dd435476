"""Rounding: a bound that no plan undercuts, and whole numbers close to it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import optimizer
from optimizer.instance.fleet_tables import InForce, Models, Replicas
from optimizer.instance.in_memory import table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.methods.direct import Direct
from optimizer.methods.registry import method_named
from optimizer.methods.rounding import Rounding
from tests.pipeline.fleet_draws import SIZES, drawn


def fleet(seed: int, *, workloads: int = 12, pools: int = 5, periods: int = 24) -> Instance:
    """A generated instance that runs in whole replicas, with starts that cost and take time."""
    plain = optimizer.generate(
        workloads=workloads,
        pools=pools,
        periods=periods,
        seed=seed,
        headroom=0.3,
        deferrable=0.3,
        window=6,
        shares=True,
        models=2,
    )
    pairs = [(m, c) for m in plain.model_names for c in plain.pools.chip.names]
    chips = np.ceil(np.median(plain.capacity_chips) / 40)
    return dataclasses.replace(
        plain,
        replicas=table_of(
            Replicas,
            len(pairs),
            model=Labels.of(m for m, _ in pairs),
            chip=Labels.of(c for _, c in pairs),
            chips_per_replica=np.full(len(pairs), chips),
            target_utilisation=np.full(len(pairs), 0.95),
            startup_usd=np.full(len(pairs), 5.0),
            startup_hours=np.full(len(pairs), 0.1),
        ),
        models=table_of(
            Models,
            len(plain.model_names),
            model=plain.model_names,
            min_replicas=np.ones(len(plain.model_names), np.int64),
        ),
        in_force=table_of(
            InForce,
            len(plain.model_names),
            model=Labels.of(plain.model_names),
            pool=np.zeros(len(plain.model_names), np.int32),
            replicas=np.ones(len(plain.model_names), np.int64),
        ),
    )


@pytest.mark.parametrize("seed", range(3))
def test_it_comes_close_to_its_bound(seed: int) -> None:
    result = optimizer.solve(fleet(seed), method=Rounding())
    assert result.verified, result.reason
    assert result.evaluation is not None
    assert result.evaluation.bound.source == "linear relaxation"
    assert result.relative_gap is not None
    assert 0 <= result.relative_gap <= 0.02
    assert (np.round(result.evaluation.replicas.value) == result.evaluation.replicas.value).all()


def test_the_same_plan_every_time() -> None:
    first, second = (optimizer.solve(fleet(7), method=Rounding()) for _ in range(2))
    assert first.plan is not None
    assert second.plan is not None
    assert np.array_equal(first.plan.placed_mtok, second.plan.placed_mtok)
    assert np.array_equal(first.plan.replicas.value, second.plan.replicas.value)


@pytest.mark.parametrize("kind", SIZES)
def test_its_bound_is_one_on_small_fleets_of_every_kind(kind: str) -> None:
    verified, feasible = 0, 0
    for seed in range(12):
        instance = drawn(kind, seed).build()
        full = optimizer.solve(instance, method=Direct())
        rounded = optimizer.solve(instance, method=Rounding())
        if full.objective_usd is None:
            assert not rounded.verified
            continue
        feasible += 1
        verified += rounded.verified
        if rounded.bound_usd is not None:
            assert rounded.bound_usd <= full.objective_usd * (1 + 1e-6) + 1e-6
        if rounded.objective_usd is not None:
            assert rounded.objective_usd >= full.objective_usd * (1 - 1e-6) - 1e-6
    # On a handful of periods the last one may find no way out; then there is no plan, and no lie.
    assert verified >= feasible // 2


def test_auto_rounds_large_fleets_only() -> None:
    assert method_named("auto", instance=fleet(0)).name == "direct"
    large = fleet(0, workloads=40, pools=12, periods=96)
    assert method_named("auto", instance=large).name == "rounding"
    assert method_named("auto", "highs", large).name == "direct"
