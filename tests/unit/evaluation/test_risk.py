"""The risk of a plan where it can be known without drawing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import optimizer
from optimizer.errors import InputError, UsageError
from optimizer.evaluation.attainment import Attainment
from optimizer.evaluation.risk import risk
from optimizer.evaluation.uncertainty import Uncertainty
from optimizer.plan import Plan
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow
from tests.unit.evaluation.one_pool import (
    HIGH,
    LOW,
    ROOM,
    all_of_it,
    near,
    one_pool,
    plan_of,
    ranged,
)


def test_demand_cut_by_capacity_in_closed_form() -> None:
    """E max(0, f - k) = (b - k)^3 / (3 (b - a) (b - 1)) for f triangular on a, 1, b and k > 1."""
    instance = one_pool()
    ranged = Uncertainty(demand=(LOW, HIGH))
    found = risk(instance, all_of_it(instance), draws=200_000, uncertainty=ranged, seed=3)
    width = (HIGH - LOW) * (HIGH - 1)
    excess = 10 * (HIGH - ROOM) ** 3 / (3 * width)
    mean = 10 * (LOW + 1 + HIGH) / 3
    near(found, "cost", 2 * (mean - excess) + 9 * excess)
    near(found, "spent", 2 * (mean - excess))
    near(found, "unserved_mtok", excess)
    chance = (HIGH - ROOM) ** 2 / width
    assert abs(found.chance_unserved - chance) < 4 * found.chance_error(chance)
    assert [(row.pool, row.chance) for row in found.pools] == [("p", found.chance_unserved)]
    assert found.pools[0].mean_cut_mtok == pytest.approx(found.unserved_mtok.mean)
    # All tokens of a pool that is short of room count, not only those that are cut.
    assert found.overloaded_part.mean == pytest.approx(found.chance_unserved)
    assert found.mean_cost.usage == pytest.approx(found.spent.mean)
    assert found.mean_cost.total == pytest.approx(found.cost.mean)
    assert found.planned.total == 20.0
    # The tail: the dearest 5 % are those of the greatest demand.
    sample = np.sort(found.sample.arriving_mtok)[-10_000:]
    assert found.cost.tail_mean == pytest.approx((24 + 9 * (sample - 12)).mean())
    (source,) = found.sources
    assert (source.name, source.part_of_variance) == ("demand", pytest.approx(1.0))


def test_slower_chips_take_more_chip_hours_in_closed_form() -> None:
    """E 1/g = ln(b / a) / (b - a) for g uniform on a ... b."""
    instance = one_pool(capacity_chips=(99.0,))
    ranged = Uncertainty("uniform", throughput=(0.6, 1.4))
    found = risk(instance, all_of_it(instance), draws=100_000, uncertainty=ranged)
    near(found, "cost", 2 * 10 * math.log(1.4 / 0.6) / 0.8)
    assert found.unserved_mtok.most == 0.0
    assert found.pools == ()


@pytest.mark.parametrize("purchase", ["on_demand", "reserved"])
def test_prices_in_closed_form(purchase: str) -> None:
    """Reserved chips at the price drawn whether used or not."""
    base = one_pool(purchase=purchase)
    pools = replace(
        base.pools,
        usd_per_chip_hour_low=np.array([1.0]),
        usd_per_chip_hour_high=np.array([4.0]),
    )
    instance = replace(base, pools=pools)
    found = risk(instance, all_of_it(instance), draws=100_000)
    near(found, "cost", (1.0 + 2.0 + 4.0) / 3 * (10 if purchase == "on_demand" else 12))
    (source,) = found.sources
    assert source.name == "price"
    assert source.standard_deviation_usd == pytest.approx(found.cost.standard_deviation)


def test_chance_of_spending_above_the_budget() -> None:
    """2 USD for each of 10 f Mtok, f uniform on 0.5 ... 1.6, against 22 USD; penalties apart."""
    instance = replace(one_pool(), budget_usd=22.0)
    settings = Uncertainty("uniform", demand=(LOW, HIGH))
    found = risk(instance, all_of_it(instance), draws=20_000, uncertainty=settings)
    assert found.chance_over_budget == pytest.approx(0.5 / 1.1, abs=4 * found.chance_error(0.45))
    assert risk(one_pool(), all_of_it(one_pool()), draws=1).chance_over_budget is None


def test_plans_that_are_refused() -> None:
    instance, other = one_pool(), one_pool(capacity_chips=(11.0,))
    for arguments in ((all_of_it(other), None), (all_of_it(instance), all_of_it(other))):
        with pytest.raises(InputError, match="the plan was made for other data"):
            risk(instance, arguments[0], against=arguments[1])
    lost = replace(Plan.nothing_served(instance), unserved_mtok=np.array([math.nan]))
    with pytest.raises(InputError, match="plan, amounts: expected numbers from 0"):
        risk(instance, lost)
    rows = (PoolRow("p", (2.0,), (12.0,)), PoolRow("q", (2.0,), (12.0,)))
    two = Sketch((WorkloadRow("a", 9.0, (10.0,)),), rows, (RouteRow("a", "p"),)).build()
    with pytest.raises(InputError, match="a route for each of them, got 1 without"):
        risk(two, plan_of(two, (0, 1, 0, 10.0)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"draws": 0}, "draws: expected a number from 1 to 10,000,000, got 0"),
        ({"level": 1.0}, "level: expected a number >= 0 and < 1, got 1"),
        ({"level": math.nan}, "level: expected"),
    ],
)
def test_numbers_out_of_bounds(given: dict[str, Any], message: str) -> None:
    instance = one_pool()
    with pytest.raises(UsageError) as caught:
        risk(instance, all_of_it(instance), **given)
    assert message in str(caught.value)


def test_pools_that_are_left_out_and_periods_with_prices_of_their_own() -> None:
    """Prices of periods scale with the same factor; a pool without a price takes no part."""
    rows = (
        PoolRow("p", (2.0, 6.0), (12.0, 12.0), purchase="reserved"),
        PoolRow("q", (None, None), (12.0, 12.0), purchase="reserved"),
    )
    base = Sketch((WorkloadRow("a", 9.0, (10.0, 4.0)),), rows, (RouteRow("a", "p"),)).build()
    instance = ranged(base)
    plan = plan_of(instance, (0, 0, 0, 10.0), (0, 0, 1, 4.0))
    found = risk(instance, plan, draws=50_000)
    near(found, "cost", (0.75 + 1.0 + 1.5) / 3 * (24 + 72))


def test_public_names() -> None:
    assert optimizer.risk is risk
    assert optimizer.Uncertainty is Uncertainty
    assert optimizer.Attainment is Attainment
