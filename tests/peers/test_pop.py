"""POP's split: nothing is lost, nothing is shared, and one part is the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.answer import Answer, Clock
from benchmarks.peers.conversion import transport_of
from benchmarks.peers.entrants import pop
from benchmarks.peers.transport import Transport
from benchmarks.peers.verdict import judged
from optimizer.instance.generate import generate
from optimizer.instance.read import read
from tests.peers import linear

TINY = Path(__file__).parents[2] / "instances" / "tiny"


def split(given: Transport, **options: float) -> Answer:
    return pop.run(given, {"threads": 2, **options}, Clock(), linear.values_of)


@pytest.mark.parametrize(("name", "usd"), [("capacity", 284.0), ("demand", 141.0)])
def test_one_part_is_the_whole(name: str, usd: float) -> None:
    instance = read(TINY / name)
    found = judged(instance, split(transport_of(instance), k=1), usd)
    assert found["verified"]
    assert found["cost_usd"] == pytest.approx(usd)


@pytest.mark.parametrize("extra", [0.0, 1.5])
def test_parts_keep_every_limit_and_cost_no_less(extra: float) -> None:
    instance = generate(workloads=60, pools=5, periods=2, seed=4)
    given = transport_of(instance)
    best = judged(instance, linear.answer_of(given), 1.0)["cost_usd"]
    found = judged(instance, split(given, k=4, extra=extra), best)
    assert found["verified"], found["first_violations"]
    assert found["relative_gap"] > 0
    assert found["missed_part"] <= 1e-12


def test_splitting_the_largest_helps_where_few_are_most() -> None:
    instance = generate(workloads=60, pools=5, periods=2, seed=4)
    given = transport_of(instance)
    plain, halved = (judged(instance, split(given, k=4, extra=x), 1.0) for x in (0.0, 1.5))
    assert halved["cost_usd"] < plain["cost_usd"]


def test_halving_takes_the_largest_and_keeps_their_sum() -> None:
    given = transport_of(generate(workloads=40, pools=5, periods=3, seed=2))
    owner, demand = pop.clients(given, extra=0.5)
    assert len(owner) == 60
    back = np.zeros_like(given.demand)
    np.add.at(back, owner, demand)
    np.testing.assert_allclose(back, given.demand, rtol=1e-14)
    hours = np.bincount(given.workload, given.hours) / np.diff(given.first)
    need = demand.sum(axis=1) * hours[owner]
    whole = np.bincount(owner)[owner] == 1
    # What is halved was the largest then, so no workload left whole is larger than two halves.
    assert need[whole].max() <= 2 * need[~whole].min() * (1 + 1e-12)


def test_the_same_seed_gives_the_same_split() -> None:
    given = transport_of(generate(workloads=30, pools=4, periods=1, seed=7))
    one, same, other = (split(given, k=3, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(one.placed, same.placed)
    assert not np.array_equal(one.placed, other.placed)


def test_more_parts_than_workloads_are_as_many_as_there_are() -> None:
    instance = read(TINY / "capacity")
    answer = split(transport_of(instance), k=50)
    assert judged(instance, answer, 284.0)["verified"]
