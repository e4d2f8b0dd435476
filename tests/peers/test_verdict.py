"""The judge sees raw answers as they are; what is repaired keeps every limit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.answer import Answer
from benchmarks.peers.conversion import transport_of
from benchmarks.peers.repair import repaired
from benchmarks.peers.verdict import bound_at, judged
from optimizer.instance.generate import generate
from optimizer.instance.read import read
from tests.peers import linear

TINY = Path(__file__).parents[2] / "instances" / "tiny"
CAPACITY = TINY / "capacity"


def test_an_exact_answer_keeps_all_and_has_no_gap() -> None:
    instance = read(CAPACITY)
    found = judged(instance, linear.answer_of(transport_of(instance)), 284.0)
    assert found["verified"]
    assert found["cost_usd"] == pytest.approx(284.0)
    assert found["relative_gap"] == pytest.approx(0.0, abs=1e-12)
    assert found["own_bound_usd"] == pytest.approx(284.0)
    assert found["worst_excess"] <= 1e-9
    assert found["missed_part"] <= 1e-12


def test_a_pool_too_full_and_demand_missed_are_told_by_how_much() -> None:
    instance = read(CAPACITY)
    exact = linear.answer_of(transport_of(instance))
    # All of period 2 (230 Mtok) on `cheap`, which holds 100; 15 of 150 missing in period 1.
    cheap = instance.pools.pool[instance.routes.pool[0]] == "cheap"
    placed = exact.placed.copy()
    placed[:, 2] = [230.0, 0.0] if cheap else [0.0, 230.0]
    placed[:, 1] *= 0.9
    given_up = exact.given_up.copy()
    given_up[:, 2] = 0.0
    found = judged(instance, replace(exact, placed=placed, given_up=given_up), 284.0)
    assert not found["verified"]
    assert found["worst_excess"] == pytest.approx(1.3)
    assert found["worst_missed"] == pytest.approx(0.1)
    assert found["missed_part"] == pytest.approx(15 / 440)
    assert set(found["violations"]) == {"capacity", "demand"}
    assert found["relative_gap"] < 0


def test_amounts_below_zero_and_prices_below_zero_are_seen() -> None:
    instance = read(CAPACITY)
    exact = linear.answer_of(transport_of(instance))
    assert exact.prices is not None
    placed = exact.placed.copy()
    placed[0, 0] -= 61.0
    found = judged(instance, replace(exact, placed=placed, prices=exact.prices - 1e-3), 284.0)
    assert found["least_amount_mtok"] <= -1.0
    assert not found["verified"]
    assert found["own_bound_usd"] <= 284.0
    none = judged(instance, replace(exact, prices=np.full_like(exact.prices, np.nan)), 284.0)
    assert none["own_bound_usd"] is None


def test_an_answer_without_prices_proves_nothing() -> None:
    instance = read(CAPACITY)
    exact = replace(linear.answer_of(transport_of(instance)), prices=None)
    assert judged(instance, exact, 284.0)["own_bound_usd"] is None
    with pytest.raises(ValueError, match="no prices"):
        bound_at(instance, exact)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_the_repaired_answer_keeps_every_limit(seed: int) -> None:
    instance = generate(workloads=30, pools=5, periods=3, seed=seed)
    given = transport_of(instance)
    best = judged(instance, linear.answer_of(given), 1.0)["cost_usd"]
    rng = np.random.default_rng(seed)
    wild = rng.uniform(-1.0, 2.0, (given.num_routes, 3)) * given.demand[given.workload]
    found = judged(
        instance, repaired(given, Answer("none", wild, rng.normal(size=given.demand.shape))), best
    )
    assert found["verified"], found["first_violations"]
    assert found["relative_gap"] >= -1e-12


def test_a_near_miss_costs_little_to_repair() -> None:
    instance = generate(workloads=200, pools=6, periods=2, seed=1)
    given = transport_of(instance)
    exact = linear.answer_of(given)
    best = judged(instance, exact, 1.0)["cost_usd"]
    near = replace(exact, placed=exact.placed * (1 + 1e-6))
    assert not judged(instance, near, best)["verified"]
    found = judged(instance, repaired(given, near), best)
    assert found["verified"], found["first_violations"]
    assert 0 <= found["relative_gap"] + 1e-12 <= 1e-4
