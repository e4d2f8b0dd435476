"""Dual ascent: its kernel against a slow twin, its bound below and its plan near the optimum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.peers.answer import Answer, Clock
from benchmarks.peers.conversion import transport_of
from benchmarks.peers.entrants import ascent
from benchmarks.peers.entrants.blockwise import answer_to_prices
from benchmarks.peers.verdict import judged
from optimizer.instance.instance import Instance
from optimizer.instance.read import read

CAPACITY = Path(__file__).parents[2] / "instances" / "tiny" / "capacity"
OPTIONS = {"iterations": 4000, "gamma_first": 1.0, "gamma_last": 1e-4, "levels": 8}


def projected(point: NDArray[np.float64], most: float) -> NDArray[np.float64]:
    """Nearest point with z >= 0 and sum z <= most, by bisection on what is taken off."""
    if point.clip(min=0).sum() <= most:
        return point.clip(min=0)
    low, high = 0.0, float(point.max())
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if (point - middle).clip(min=0).sum() > most else (low, middle)
    return (point - high).clip(min=0)


@pytest.mark.parametrize("gamma", [1e-3, 0.1, 10.0])
def test_the_kernel_projects_as_its_slow_twin_does(gamma: float) -> None:
    rng = np.random.default_rng(8)
    counts = np.array([3, 0, 1, 7, 40])
    first = np.concatenate([[0], np.cumsum(counts)])
    routes = int(first[-1])
    pool = rng.integers(0, 6, routes)
    cost, use = rng.normal(-0.5, 1.0, routes), rng.uniform(0.1, 2.0, routes)
    most, price = rng.uniform(0.1, 5.0, len(counts)), rng.uniform(0.0, 1.0, 6)
    load, amount = np.zeros(6), np.full(routes, np.nan)
    linear, square = answer_to_prices(
        first, pool, cost, use, most, price, gamma, 0, len(counts), load, amount
    )
    point = -(cost + price[pool] * use) / gamma
    slow = np.concatenate(
        [projected(point[first[b] : first[b + 1]], most[b]) for b in range(len(counts))]
    )
    np.testing.assert_allclose(amount, slow, atol=1e-9 * np.abs(point).max())
    np.testing.assert_allclose(load, np.bincount(pool, use * amount, 6), rtol=1e-12)
    assert linear == pytest.approx(cost @ amount)
    assert square == pytest.approx(amount @ amount)


@pytest.mark.parametrize("gamma", [0.05, 1.0])
def test_the_gradient_is_the_slope_of_the_dual(gamma: float) -> None:
    scaled = ascent.Scaled.of(transport_of(read(CAPACITY)).flat())
    dual = ascent.Dual(scaled, threads=2)
    price = np.random.default_rng(1).uniform(0.0, 0.5, len(scaled.limit))
    _, gradient = dual.at(price, gamma)
    for p in range(len(price)):
        step = np.zeros(len(price))
        step[p] = 1e-6
        slope = (dual.at(price + step, gamma)[0] - dual.at(price - step, gamma)[0]) / 2e-6
        assert slope == pytest.approx(gradient[p], abs=1e-5)


@pytest.fixture(scope="module")
def climbed() -> tuple[Instance, Answer]:
    instance = read(CAPACITY)
    return instance, ascent.run(transport_of(instance), OPTIONS, Clock())


def test_it_comes_near_the_known_optimum(climbed: tuple[Instance, Answer]) -> None:
    instance, answer = climbed
    found = judged(instance, answer, 284.0)
    assert found["cost_usd"] == pytest.approx(284.0, rel=2e-3)
    assert found["worst_excess"] <= 2e-3
    assert found["missed_part"] <= 1e-9


def test_its_prices_prove_nearly_the_optimum_and_never_more(
    climbed: tuple[Instance, Answer],
) -> None:
    instance, answer = climbed
    bound = judged(instance, answer, 284.0)["own_bound_usd"]
    assert 284.0 * (1 - 2e-3) <= bound <= 284.0


def test_threads_do_not_change_what_comes_out() -> None:
    given = transport_of(read(CAPACITY))
    few = {**OPTIONS, "iterations": 80}
    one = ascent.run(given, {**few, "threads": 1}, Clock())
    two = ascent.run(given, {**few, "threads": 2}, Clock())
    np.testing.assert_allclose(one.placed, two.placed, rtol=1e-6, atol=1e-9)
