"""The dense program with every rule agrees with looking at every choice, and with the older one.

Nothing here is solved by the package: this is where the ruler is measured. All 60 problems of
each kind are enumerated, but for those with more choices than :data:`MOST`, at most a quarter.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from optimizer.instance.instance import Instance
from optimizer.plan import Cells, Plan, from_cells
from tests.pipeline.fleet_draws import SIZES, drawn
from tests.pipeline.fleet_enumeration import TooManyError, enumerated_cost
from tests.pipeline.fleet_facts import Facts
from tests.pipeline.fleet_oracle import FleetOracle, best_cost
from tests.pipeline.fleet_plan import judged_plan
from tests.pipeline.fleet_rows import ContractRow, FleetRows
from tests.pipeline.named_program import Key
from tests.pipeline.oracle import least_of_all_choices
from tests.pipeline.sketch import PoolRow, RouteRow, ShareRow, Sketch, WorkloadRow
from tests.pipeline.strategies import instances, whole_number_sketches

SEEDS = 60
MOST = 150
STEADY = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("kind", SIZES)
def test_oracle_agrees_with_every_choice(kind: str) -> None:
    wrong, seen = [], 0
    for seed in range(SEEDS):
        instance = drawn(kind, seed).build()
        try:
            expected = enumerated_cost(instance, MOST)
        except TooManyError:
            continue
        seen += 1
        found = best_cost(instance)
        if found != (None if expected is None else pytest.approx(expected, rel=1e-7, abs=1e-7)):
            wrong.append((seed, found, expected))
    assert wrong == []
    assert seen >= 0.75 * SEEDS


@STEADY
@given(instances())
def test_oracles_agree_without_a_fleet(instance: Instance) -> None:
    _check_older(instance)


@STEADY
@given(whole_number_sketches())
def test_oracles_agree_on_fees_and_pins(sketch: Sketch) -> None:
    _check_older(sketch.build())


def _check_older(instance: Instance) -> None:
    older = least_of_all_choices(instance)
    found = best_cost(instance)
    if older.status == "infeasible":
        assert found is None
    else:
        assert found == pytest.approx(older.objective_usd, rel=1e-7, abs=1e-7)


def test_no_plan_pays_for_more_than_it_holds() -> None:
    """`far` costs 2 USD on the south, so the north must be paid as much: no free block there.

    4 Mtok of `chat` at 1 USD on the north and 2 of `far`: 6 USD. With the block `chat` is free
    and `far` would be given up: 10 USD. To pay the north 2 USD for nothing would be 4 USD.
    """
    sketch = Sketch(
        (WorkloadRow("chat", 50.0, (4.0,)), WorkloadRow("far", 5.0, (2.0,))),
        (PoolRow("north", (1.0,), (10.0,)), PoolRow("south", (1.0,), (10.0,))),
        (RouteRow("chat", "north"), RouteRow("chat", "south"), RouteRow("far", "south")),
        (ShareRow("half", "pool", "north", "spend", min=0.5),),
        fleet=FleetRows(contracts=(ContractRow("free", "north", 4.0, 0.0),)),
    )
    assert best_cost(sketch.build()) == pytest.approx(6.0)
    assert enumerated_cost(sketch.build()) == pytest.approx(6.0)


@pytest.mark.parametrize("kind", SIZES)
def test_plan_of_the_oracle_keeps_all_rules_at_its_cost(kind: str) -> None:
    """The rules that a plan is held against let the best plan pass, and no half of it."""
    for seed in range(20):
        instance = drawn(kind, seed).build()
        found = FleetOracle(Facts(instance)).program.solve()
        if found is None:
            continue
        cost, values = found
        broken, worth = judged_plan(instance, plan_of(instance, values))
        assert broken == []
        assert worth == pytest.approx(cost, rel=1e-6, abs=1e-6)
        halved = {key: value / 2 if key[0] in "xu" else value for key, value in values.items()}
        broken = judged_plan(instance, plan_of(instance, halved))[0]
        assert set(broken) & {"demand", "deadline"} or instance.demand_mtok.sum() == 0


def plan_of(instance: Instance, values: dict[Key, float]) -> Plan:
    """Make the plan that values of the columns describe."""
    W, P = list(instance.workloads.workload), list(instance.pools.pool)
    M, C = list(instance.model_names), list(instance.contracts.contract)
    G = list(instance.outages.outage)
    axes = {"x": (W, P), "u": (W,), "n": (M, P), "r": (P,), "f": (G, W, P)}
    dense = {
        kind: np.zeros((*(len(axis) for axis in names), instance.num_periods))
        for kind, names in axes.items()
    }
    blocks = np.zeros(len(C))
    for key, value in values.items():
        if key[0] == "b":
            blocks[C.index(str(key[1]))] = value
        elif key[0] in axes:
            at = [axis.index(name) for axis, name in zip(axes[str(key[0])], key[1:-1], strict=True)]
            dense[str(key[0])][(*at, key[-1])] = value
    placed = Cells.of_dense(dense["x"])
    workload, pool, period = placed.axes
    return from_cells(
        instance,
        workload,
        pool,
        period,
        placed.value,
        dense["u"],
        replicas=Cells.of_dense(dense["n"]),
        blocks=blocks,
        reserve=Cells.of_dense(dense["r"]),
        failover=Cells.of_dense(dense["f"]),
    )
