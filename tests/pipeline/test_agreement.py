"""The optimizer agrees with the dense program, and with itself on changed problems."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import optimizer
from optimizer.instance.instance import Instance
from tests.pipeline.dense_plan import dense
from tests.pipeline.oracle import Oracle, cost_of, optimum, violations_of
from tests.pipeline.sketch import PoolRow, RouteRow, ShareRow, Sketch, WorkloadRow
from tests.pipeline.strategies import instances, sketches
from tests.pipeline.transformations import halved, reordered, scaled, with_more_chips

MOST_GAP = 1e-6
STEADY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
MANY = settings(STEADY, max_examples=220)
SOME = settings(STEADY, max_examples=60)


@MANY
@given(instances())
def test_optimizer_agrees_with_the_dense_program(instance: Instance) -> None:
    oracle = optimum(instance)
    result = optimizer.solve(instance)
    assert result.status == oracle.status
    if oracle.status == "optimal":
        _check_plan(instance, result)
        _check_proof(result, oracle)


def _check_plan(instance: Instance, result: Any) -> None:
    x, u = dense(instance, result.plan)
    assert violations_of(instance, x, u) == []
    assert cost_of(instance, x, u) == pytest.approx(result.objective_usd, rel=1e-9, abs=1e-9)


def _check_proof(result: Any, oracle: Oracle) -> None:
    assert result.verified
    assert result.objective_usd == pytest.approx(oracle.objective_usd, rel=1e-7, abs=1e-7)
    assert result.bound_usd <= oracle.objective_usd * (1 + 1e-9) + 1e-9
    # As a difference, because a gap relative to a cost of 0 is not defined.
    assert result.objective_usd - result.bound_usd <= MOST_GAP * result.objective_usd + 1e-7


def test_spend_that_no_plan_reaches_is_infeasible() -> None:
    """The rented pool gets 12 of 24 USD at most, and the limit asks for 15."""
    pools = (
        PoolRow("own", (1.0,), (12.0,), purchase="reserved"),
        PoolRow("rented", (3.0,), (8.0,)),
    )
    routes = (RouteRow("chat", "own"), RouteRow("chat", "rented"))
    share = ShareRow("floor", "pool", "rented", "spend", min=0.625)
    sketch = Sketch((WorkloadRow("chat", 100.0, (4.0,)),), pools, routes, (share,))
    assert optimum(sketch.build()).status == "infeasible"
    assert optimizer.solve(sketch.build()).status == "infeasible"


@SOME
@given(sketches(), st.data())
def test_order_of_workloads_and_pools_does_not_matter(sketch: Sketch, data: st.DataObject) -> None:
    workloads = data.draw(st.permutations(range(len(sketch.workloads))))
    pools = data.draw(st.permutations(range(len(sketch.pools))))
    _check_same(sketch, reordered(sketch, workloads, pools))


@SOME
@given(sketches(), st.integers(-3, 12), st.integers(-3, 8))
def test_amounts_and_prices_scale_the_cost(sketch: Sketch, amount: int, price: int) -> None:
    _check_same(sketch, scaled(sketch, 2.0**amount, 2.0**price), factor=2.0 ** (amount + price))


@SOME
@given(sketches(), st.data())
def test_more_chips_paid_as_used_never_raise_the_cost(sketch: Sketch, data: st.DataObject) -> None:
    chips = data.draw(st.tuples(*(st.sampled_from((0.0, 1.0, 7.5)) for _ in sketch.pools)))
    before, after = _outcome(sketch), _outcome(with_more_chips(sketch, chips))
    if before is not None:
        assert after is not None
        assert after <= before * (1 + 1e-7) + 1e-7


@SOME
@given(sketches(max_workloads=4), st.data())
def test_two_halves_of_a_workload_cost_the_same(sketch: Sketch, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(sketch.workloads) - 1))
    _check_same(sketch, halved(sketch, index))


def _check_same(before: Sketch, after: Sketch, factor: float = 1.0) -> None:
    expected, found = _outcome(before), _outcome(after)
    if expected is None:
        assert found is None
    else:
        tiny = 1e-9 * max(1.0, factor)
        assert found == pytest.approx(expected * factor, rel=1e-9, abs=tiny)


def _outcome(sketch: Sketch) -> float | None:
    """Cost of the optimum, None where there is none."""
    result = optimizer.solve(sketch.build())
    if result.status == "infeasible":
        return None
    assert result.status == "optimal"
    return float(result.objective_usd)
