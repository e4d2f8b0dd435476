"""The sample of workloads that replicas are chosen on."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from optimizer.instance.generate import generate
from optimizer.methods.market import Market
from optimizer.methods.replica_sample import sampled

MARKET = Market.of(generate(workloads=3000, pools=6, periods=4, seed=2, models=1))


def need(market: Market) -> np.ndarray:
    """(W,) chip-hours over the horizon at the mean of a workload's routes."""
    hours = [float(market.hours[a:b].mean()) for a, b in itertools.pairwise(market.first)]
    return np.asarray(np.array(hours) * market.demand.sum(axis=1))


def test_few_workloads_stay_as_they_are() -> None:
    assert sampled(MARKET, 1500) is MARKET


@pytest.mark.parametrize("most", [100, 400])
def test_it_asks_for_about_as_much(most: int) -> None:
    few = sampled(MARKET, most)
    assert abs(few.num_workloads - most) <= 1
    whole = need(MARKET).sum()
    assert need(few).sum() == pytest.approx(whole, rel=0.02)
    assert few.demand.sum(axis=0) == pytest.approx(MARKET.demand.sum(axis=0), rel=0.35)
    assert (few.capacity == MARKET.capacity).all()


def test_the_largest_are_there_as_they_are() -> None:
    few = sampled(MARKET, 400)
    size = need(MARKET)
    for workload in np.argsort(-size)[:20].tolist():
        route = MARKET.route[MARKET.first[workload]]
        place = int(np.searchsorted(few.first, np.flatnonzero(few.route == route)[0], "right")) - 1
        assert (few.demand[place] == MARKET.demand[workload]).all()


def test_the_same_sample_every_time() -> None:
    first, second = sampled(MARKET, 200), sampled(MARKET, 200)
    assert (first.route == second.route).all()
    assert (first.demand == second.demand).all()


def test_nothing_asked_for() -> None:
    idle = dataclasses.replace(MARKET, demand=np.zeros(MARKET.demand.shape))
    assert not sampled(idle, 100).demand.any()
