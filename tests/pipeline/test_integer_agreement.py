"""Fees and pinned workloads: the optimizer agrees with looking at every choice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import optimizer
from optimizer.instance.instance import Instance
from tests.pipeline.dense_plan import dense
from tests.pipeline.oracle import Oracle, cost_of, least_of_all_choices, violations_of
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow
from tests.pipeline.strategies import assignment_sketches, whole_number_sketches

STEADY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def check(instance: Instance, result: Any, oracle: Oracle) -> None:
    """The plan is legal and worth what it says; the bound is one, and tight."""
    assert result.status == "optimal", result.reason
    assert result.verified
    assert result.objective_usd == pytest.approx(oracle.objective_usd, rel=1e-7, abs=1e-7)
    assert result.bound_usd <= oracle.objective_usd * (1 + 1e-9) + 1e-9
    # As a difference, because a gap relative to a cost of 0 is not defined.
    assert result.objective_usd - result.bound_usd <= 1e-6 * result.objective_usd + 1e-7
    x, u = dense(instance, result.plan)
    assert violations_of(instance, x, u) == []
    assert cost_of(instance, x, u) == pytest.approx(result.objective_usd, rel=1e-9, abs=1e-9)


@settings(STEADY, max_examples=120)
@given(whole_number_sketches())
def test_optimizer_agrees_with_every_choice(sketch: Sketch) -> None:
    instance = sketch.build()
    oracle = least_of_all_choices(instance)
    result = optimizer.solve(instance)
    if oracle.status == "infeasible":
        # That shares and pins together allow no plan is more than a linear proof can show.
        assert result.status in ("infeasible", "no_plan")
        assert result.plan is None
    else:
        check(instance, result, oracle)


def test_plans_that_serve_whole_lose_nothing() -> None:
    """Problems in which everyone is pinned, of which most take the detour."""
    ways = []

    @settings(STEADY, max_examples=120)
    @given(assignment_sketches())
    def one(sketch: Sketch) -> None:
        instance = sketch.build()
        result = optimizer.solve(instance)
        check(instance, result, least_of_all_choices(instance))
        ways.append(result.why)

    one()
    assert sum("every other plan is dearer" in why for why in ways) >= 30
    assert sum("then all other plans" in why for why in ways) >= 10


def pinned_on_two(penalty: float, chips: float) -> Instance:
    """Make a workload of 8 Mtok that fits on neither of two pools."""
    pools = (PoolRow("left", (1.0,), (chips,)), PoolRow("right", (2.0,), (6.0,)))
    routes = (RouteRow("chat", "left"), RouteRow("chat", "right"))
    workload = WorkloadRow("chat", penalty, (8.0,), single_pool=True)
    return Sketch((workload,), pools, routes).build()


def test_pinned_workload_is_served_in_part_where_that_is_cheapest() -> None:
    """7 of 8 Mtok on the left: 7 + 3 = 10 USD; 6 on the right would be 12 + 6 = 18."""
    result = optimizer.solve(pinned_on_two(3.0, 7.0))
    assert result.status == "optimal"
    assert result.objective_usd == pytest.approx(10.0, rel=1e-9)
    assert result.plan is not None
    assert result.plan.placed_mtok.tolist() == pytest.approx([7.0])


def test_dearer_but_roomier_pool_serves_more() -> None:
    """5 on the left: 5 + 3 x 40 = 125; 6 on the right: 12 + 2 x 40 = 92 USD."""
    result = optimizer.solve(pinned_on_two(40.0, 5.0))
    assert result.objective_usd == pytest.approx(92.0, rel=1e-9)


@pytest.mark.parametrize("solver", ["glop", "pdlp"])
def test_solver_without_whole_numbers_is_refused_by_name(solver: str) -> None:
    with pytest.raises(optimizer.UnsupportedError, match=f"{solver} takes no whole numbers.*highs"):
        optimizer.solve(pinned_on_two(3.0, 7.0), solver=solver)
