"""How promises are weighed, and tables that do not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from optimizer.errors import InputError
from optimizer.evaluation.attainment import Attainment
from optimizer.evaluation.risk import risk
from optimizer.evaluation.uncertainty import Uncertainty
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow
from tests.unit.evaluation.one_pool import (
    HIGH,
    LOW,
    all_of_it,
    one_pool,
    plan_of,
)


def test_attainment_weighs_tokens_and_counts_the_cut_as_missed() -> None:
    """Two groups, one of them in no table; beyond 12 Mtok the first is cut."""
    instance = Sketch(
        (WorkloadRow("a", 9.0, (10.0,)), WorkloadRow("b", 9.0, (5.0,))),
        (PoolRow("p", (2.0,), (12.0,)), PoolRow("q", (2.0,), (99.0,))),
        (RouteRow("a", "p"), RouteRow("b", "q", 2.0)),
    ).build()
    plan = plan_of(instance, (0, 0, 0, 10.0), (1, 1, 0, 5.0))
    grid, part = np.array([0.8, 1.0, 1.5]), np.array([[1.0, 0.9, 0.0], [0.5, 0.5, 0.25]])
    table = Attainment(np.array([0, 1]), np.array([10.0, 8.0]), grid, part)
    settings = Uncertainty(demand=(LOW, HIGH), common_demand=1.0)
    found = risk(instance, plan, draws=300, uncertainty=settings, attainment=table)
    factor = found.sample.arriving_mtok / 15
    served = np.minimum(10 * factor, 12)
    one = np.interp(factor, grid, part[0]) * served
    two = np.interp(10 * factor / 8, grid, part[1]) * 5 * factor
    expected = (one + two) / (15 * factor)
    kept = found.sample.kept_mtok / found.sample.promised_mtok
    assert kept == pytest.approx(expected)
    assert found.attainment is not None
    assert found.attainment.mean == pytest.approx(expected.mean())
    assert found.attainment.tail_mean == pytest.approx(np.sort(expected)[:15].mean())
    few = replace(table, group=np.array([-1, 1]))
    only = risk(instance, plan, draws=300, uncertainty=settings, attainment=few)
    assert only.sample.promised_mtok == pytest.approx(5 * factor)
    assert risk(instance, plan, draws=3, uncertainty=settings).attainment is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": np.array([2])}, "attainment, group: expected positions from -1 to 0"),
        ({"group": np.array([-2])}, "attainment, group: expected positions from -1 to 0"),
        ({"group": np.array([0, 0])}, "a group for each of 1 placements, got 2"),
        ({"ratio": np.array([1.0, 1.0])}, "attainment, ratio: expected one or more numbers >= 0"),
        ({"attained": np.array([[0.5, 1.5]])}, "attainment, attained: expected parts from 0 to 1"),
        ({"attained": np.ones((2, 2))}, "attainment, attained: expected shape (1, 2)"),
        ({"held_chip_hours": np.array([-1.0])}, "held_chip_hours: expected finite numbers >= 0"),
    ],
)
def test_tables_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    instance = one_pool()
    good: dict[str, Any] = {
        "group": np.array([0]),
        "held_chip_hours": np.array([10.0]),
        "ratio": np.array([0.5, 1.5]),
        "attained": np.array([[1.0, 0.0]]),
    }
    with pytest.raises(InputError) as caught:
        risk(instance, all_of_it(instance), draws=1, attainment=Attainment(**(good | change)))
    assert message in str(caught.value)
