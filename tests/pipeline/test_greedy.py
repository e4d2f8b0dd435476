"""The greedy plan: every rule that a rule of thumb can keep is kept, and regret is worth having.

:data:`SEEDS` tiny problems of each kind of ``fleet_draws.py``, judged by the judge. Shares and
budgets are not looked at by the method. The optimum, and whether there is a plan at all, comes from
the dense program of ``fleet_oracle.py``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.evaluation.evaluate import Evaluation, evaluate
from optimizer.instance.instance import Instance
from optimizer.instance.read import read
from optimizer.methods.base import Limits
from optimizer.methods.greedy import Greedy, greedy_plan
from optimizer.progress import Silent
from tests.pipeline.fleet_draws import SIZES, drawn
from tests.pipeline.fleet_oracle import best_cost
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow

SEEDS = 40
TINY = Path(__file__).parents[2] / "instances" / "tiny"
NOT_LOOKED_AT = {"shares", "budget"}


@cache
def problem(kind: str, seed: int) -> Instance:
    """Draw a problem once."""
    return drawn(kind, seed).build()


@cache
def judged(kind: str, seed: int, by_regret: bool = True) -> Evaluation:
    """Judge the greedy plan of a problem."""
    instance = problem(kind, seed)
    return evaluate(instance, greedy_plan(instance, by_regret=by_regret))


@pytest.mark.parametrize("kind", SIZES)
def test_plan_keeps_every_rule_that_is_looked_at(kind: str) -> None:
    """Wherever any plan can: what is in force may not stop in time, chips may be too few."""
    broken = {}
    for seed in range(SEEDS):
        families = set(judged(kind, seed).violation_counts) - NOT_LOOKED_AT
        if families and best_cost(problem(kind, seed)) is not None:
            broken[seed] = families
    assert broken == {}


@pytest.mark.parametrize("kind", SIZES)
def test_verified_plan_costs_no_less_than_the_optimum(kind: str) -> None:
    for seed in range(SEEDS):
        found = judged(kind, seed)
        if found.verified:
            least = best_cost(problem(kind, seed))
            assert least is not None, seed
            assert found.objective_usd >= least * (1 - 1e-6) - 1e-6, seed


def test_most_plans_are_verified() -> None:
    """Else the test above would look at few."""
    verified = sum(judged(kind, seed).verified for kind in SIZES for seed in range(SEEDS))
    assert verified >= 0.6 * SEEDS * len(SIZES)


@pytest.mark.parametrize("folder", sorted(path.name for path in TINY.iterdir() if path.is_dir()))
def test_tiny_instances(folder: str) -> None:
    instance = read(TINY / folder)
    found = evaluate(instance, greedy_plan(instance))
    assert set(found.violation_counts) <= NOT_LOOKED_AT
    if found.verified:
        least = optimizer.solve(instance).objective_usd
        assert least is not None
        assert found.objective_usd >= least * (1 - 1e-9)


def test_regret_is_worth_having_where_room_is_scarce() -> None:
    """Not in each problem, but over all, by more than three in a hundred."""
    usd = {True: 0.0, False: 0.0}
    for by_regret in usd:
        for kind in ("power", "qualification", "replicas"):
            usd[by_regret] += sum(
                judged(kind, seed, by_regret).objective_usd for seed in range(SEEDS)
            )
    assert usd[True] < 0.97 * usd[False]


def test_regret_sends_the_one_with_a_way_out_away() -> None:
    """One chip. The second would cost 9 elsewhere, the first 2: so the first goes there."""
    sketch = Sketch(
        workloads=(
            WorkloadRow("flexible", 100.0, (1.0,)),
            WorkloadRow("bound", 100.0, (1.0,)),
        ),
        pools=(PoolRow("near", (1.0,), (1.0,)), PoolRow("far", (2.0,), (9.0,))),
        routes=(
            RouteRow("flexible", "near"),
            RouteRow("flexible", "far"),
            RouteRow("bound", "near", usd_per_mtok=0.5),
            RouteRow("bound", "far", usd_per_mtok=7.0),
        ),
    )
    instance = sketch.build()
    found = {
        by_regret: evaluate(instance, greedy_plan(instance, by_regret=by_regret)).objective_usd
        for by_regret in (True, False)
    }
    assert found == {True: pytest.approx(2 + 1.5), False: pytest.approx(1 + 9)}


def test_tokens_wait_for_room_as_long_as_they_may() -> None:
    """3 Mtok may wait one period; a chip an hour serves one each, and the last is given up."""
    sketch = Sketch(
        workloads=(WorkloadRow("batch", 50.0, (3.0, 0.0, 0.0), deadline_periods=1),),
        pools=(PoolRow("pool", (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),),
        routes=(RouteRow("batch", "pool"),),
    )
    plan = greedy_plan(sketch.build())
    assert plan.placed_mtok == pytest.approx([1, 1])
    assert plan.period.tolist() == [0, 1]
    assert plan.unserved_mtok == pytest.approx([1])
    assert plan.unserved_period.tolist() == [1]


def test_a_route_dearer_than_the_penalty_is_not_used() -> None:
    sketch = Sketch(
        workloads=(WorkloadRow("cheap", 2.0, (1.0,)),),
        pools=(PoolRow("dear", (3.0,), (9.0,)),),
        routes=(RouteRow("cheap", "dear"),),
    )
    assert len(greedy_plan(sketch.build()).placed_mtok) == 0


def test_why_says_what_was_not_looked_at() -> None:
    instance = drawn("shares_period", 0).build()
    found = Greedy()(instance, Limits(), Silent())
    assert "limits on shares not looked at" in found.why
    limited = replace(instance, budget_usd=1.0)
    assert "limits on shares and the budget" in Greedy()(limited, Limits(), Silent()).why
    assert found.claimed_usd is None


def test_an_instance_without_routes_gives_everything_up() -> None:
    sketch = Sketch(
        workloads=(WorkloadRow("lonely", 5.0, (1.0, 2.0)),),
        pools=(PoolRow("pool", (1.0, 1.0), (1.0, 1.0)),),
        routes=(),
    )
    assert np.sum(greedy_plan(sketch.build()).unserved_mtok) == pytest.approx(3)
