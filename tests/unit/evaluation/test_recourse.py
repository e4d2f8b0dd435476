"""What a fixed plan does in a draw: the rule of docs/risk.md, by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from optimizer.evaluation.draws import Factors
from optimizer.evaluation.evaluate import evaluate
from optimizer.evaluation.recourse import Recourse
from optimizer.evaluation.risk import risk
from optimizer.instance.instance import Instance
from optimizer.methods.greedy import greedy_plan
from optimizer.plan import Cells, Plan
from tests.pipeline.fleet_draws import SIZES, drawn
from tests.pipeline.fleet_rows import ContractRow, FleetRows, ReplicaRow
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow
from tests.unit.evaluation.one_pool import (
    all_of_it,
    one_pool,
    plan_of,
)


def test_less_demand_frees_chips_that_are_paid_as_used_only() -> None:
    for purchase, expected in (("on_demand", 15.0), ("spot", 15.0), ("reserved", 24.0)):
        instance = one_pool(purchase=purchase)
        assert outcome(instance, all_of_it(instance), demand=0.75) == (expected, 0.0)


def outcome(
    instance: Instance, plan: Plan, demand: float = 1.0, slowness: float = 1.0, price: float = 1.0
) -> tuple[float, float]:
    """Cost and unserved Mtok when all factors of a kind are the same."""
    made = Recourse.of(instance, plan, np.zeros(instance.num_routes, np.int64))
    pools = instance.num_pools
    factors = Factors(
        np.full((instance.num_workloads, 1), demand),
        np.full((1, 1), slowness),
        np.full((pools, 1), price),
    )
    found = made.outcomes(factors)
    return float(found.cost_usd[0]), float(found.unserved_mtok[0])


def test_who_shares_a_pool_is_cut_by_the_same_part() -> None:
    """12 and 8 chip-hours of 30 wanted after slowness 1.5: 16 chips serve 16 / 30 of each."""
    instance = Sketch(
        (WorkloadRow("a", 9.0, (12.0,)), WorkloadRow("b", 5.0, (4.0,))),
        (PoolRow("p", (2.0,), (16.0,)),),
        (RouteRow("a", "p", 0.5, 0.25), RouteRow("b", "p", 2.0)),
    ).build()
    plan = plan_of(instance, (0, 0, 0, 12.0), (1, 0, 0, 4.0))
    assert outcome(instance, plan) == (28.0 + 3.0, 0.0)
    cost, unserved = outcome(instance, plan, slowness=1.5)
    fit = 16 / 21
    assert unserved == pytest.approx(16 * (1 - fit))
    assert cost == pytest.approx(32 + 3 * fit + (1 - fit) * (12 * 9 + 4 * 5))


def test_replicas_bound_what_can_grow_and_are_paid_as_planned() -> None:
    """Two replicas of 3 chips planned for half their time: work of 3 chip-hours can become 6."""
    fleet = FleetRows(replicas=(ReplicaRow("model", "alpha", 3.0, target_utilisation=0.5),))
    instance = Sketch(
        (WorkloadRow("a", 9.0, (3.0,)),), (PoolRow("p", (2.0,), (30.0,)),), (RouteRow("a", "p"),),
        fleet=fleet,
    ).build()  # fmt: skip
    replicas = Cells.of((np.zeros(1, np.int32),) * 3, np.array([2.0]))
    plan = plan_of(instance, (0, 0, 0, 3.0), replicas=replicas)
    assert evaluate(instance, plan).verified
    assert outcome(instance, plan) == (12.0, 0.0)
    assert outcome(instance, plan, demand=0.5) == (12.0, 0.0)
    assert outcome(instance, plan, demand=2.0) == (12.0, 0.0)
    assert outcome(instance, plan, demand=2.0, price=3.0) == (36.0, 0.0)
    assert outcome(instance, plan, demand=3.0) == (12.0 + 9 * 3.0, pytest.approx(3.0))


def test_blocks_make_room_and_reserve_takes_it() -> None:
    """5 chips and a block of 4 at 1 USD: room for 9, of which reserve of 1 leaves 8."""
    fleet = FleetRows(contracts=(ContractRow("block", "p", 4.0, 1.0),))
    instance = Sketch(
        (WorkloadRow("a", 9.0, (6.0,)),), (PoolRow("p", (2.0,), (5.0,)),), (RouteRow("a", "p"),),
        fleet=fleet,
    ).build()  # fmt: skip
    plan = plan_of(instance, (0, 0, 0, 6.0), blocks=np.array([1.0]))
    assert evaluate(instance, plan).verified
    assert outcome(instance, plan) == (4.0 + 2 * 2.0, 0.0)
    assert outcome(instance, plan, price=3.0) == (4.0 + 2 * 6.0, 0.0)
    assert outcome(instance, plan, demand=0.5) == (4.0, 0.0)
    assert outcome(instance, plan, demand=1.25) == (4.0 + 3.5 * 2.0, 0.0)
    assert outcome(instance, plan, demand=2.0) == (4.0 + 5 * 2.0 + 3 * 9.0, pytest.approx(3.0))
    reserve = Cells.of((np.zeros(1, np.int32),) * 2, np.array([1.0]))
    plan = plan_of(instance, (0, 0, 0, 6.0), blocks=np.array([1.0]), reserve=reserve)
    assert outcome(instance, plan) == (4.0 + 3 * 2.0, 0.0)
    assert outcome(instance, plan, demand=2.0) == (4.0 + 5 * 2.0 + 4 * 9.0, pytest.approx(4.0))


@pytest.mark.parametrize("kind", SIZES)
def test_with_nothing_drawn_the_cost_is_the_judge_s(kind: str) -> None:
    """Fleets with replicas, starts, contracts, fees, reserve; and plans that break rules."""
    for seed in range(25):
        instance = drawn(kind, seed).build()
        for plan in (greedy_plan(instance), Plan.nothing_served(instance)):
            judged = evaluate(instance, plan)
            found = risk(instance, plan, draws=3)
            assert found.planned.total == judged.objective_usd
            for cost in (*found.sample.cost_usd, outcome(instance, plan)[0]):
                assert cost == pytest.approx(judged.objective_usd, rel=1e-9, abs=1e-9)
            unserved = judged.unserved_mtok.sum()
            assert found.unserved_mtok.mean == pytest.approx(unserved, rel=1e-9, abs=1e-9)
            assert found.overloaded_part.most == 0.0


@pytest.mark.parametrize("kind", SIZES)
def test_more_demand_never_costs_less(kind: str) -> None:
    """Where no route costs more than its workload's penalty, as in these."""
    grown = 0
    for seed in range(25):
        instance = drawn(kind, seed).build()
        penalty = instance.workloads.unserved_usd_per_mtok[instance.routes.workload]
        assert (instance.routes.usd_per_mtok <= penalty).all()
        plan = greedy_plan(instance)
        steps = [outcome(instance, plan, demand=factor) for factor in (0.0, 0.5, 1.0, 1.5, 4.0)]
        for (cost, unserved), (more, left) in itertools.pairwise(steps):
            assert more >= cost - 1e-9
            assert left >= unserved - 1e-9
        grown += steps[-1][1] > steps[2][1]
    assert grown > 5
