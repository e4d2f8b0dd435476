"""Shadow prices of fleets without whole numbers never promise more than a change brings.

As ``test_shadow_prices.py``: the least cost is convex in demand, in capacity and in the sides of
limits, so a right price bounds the cost of every changed problem from below, up and down. Prices
of limits that multiply what is placed (shares, outages) hold at the margin only: the change is
small there, and the cost must not fall by more than the price says beyond its square.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

import optimizer
from tests.pipeline.fleet_draws import drawn
from tests.pipeline.fleet_oracle import best_cost
from tests.pipeline.sketch import Sketch

SEEDS = range(30)
STEP = 0.25
POINT = 1e-4
"""Change of a fraction that multiplies what is placed; one point is 0.01."""
CURVED = 1000.0
"""Most that the cost may bend over such a change, as a multiple of cost times change squared: a
hundredth of what a price of 1 USD/point promises when the cost is 10 USD."""


@dataclass(frozen=True)
class Change:
    """A changed problem, what the price promises it saves, and how far it may bend."""

    row: dict[str, Any]
    sketch: Sketch
    saved_usd: float
    bend: float = 0.0


def changes(sketch: Sketch, rows: list[dict[str, Any]]) -> Iterator[Change]:
    """Every price that can be tried, with the limit wider and narrower."""
    for row in rows:
        for sign in (1.0, -1.0):
            change = _changed(sketch, row, sign)
            if change is not None:
                yield change


def _changed(sketch: Sketch, row: dict[str, Any], sign: float) -> Change | None:
    family, name, value = row["family"], row["name"], row["value"]
    if family in ("demand", "deadline"):
        step = sign * STEP
        workloads = tuple(
            replace(one, demand_mtok=_moved(one.demand_mtok, row["period"], step))
            if one.name == name
            else one
            for one in sketch.workloads
        )
        if any(mtok < 0 for one in workloads for mtok in one.demand_mtok):
            return None
        return Change(row, replace(sketch, workloads=workloads), -value * step)
    if family == "capacity":
        pool = next(one for one in sketch.pools if one.name == name)
        chips = _moved(pool.capacity_chips, row["period"], sign * STEP)
        # The chips of a reserved pool are paid for, so more of them change more than a limit.
        if pool.purchase == "reserved" or min(chips) < 0 or pool.left_out:
            return None
        pools = tuple(
            replace(one, capacity_chips=chips) if one.name == name else one for one in sketch.pools
        )
        saved = value * sign * STEP * sketch.period_hours
        return Change(row, replace(sketch, pools=pools), saved)
    if family == "budget" and sketch.budget_usd is not None:
        budget = sketch.budget_usd + sign * STEP
        if budget < 0:
            return None
        return Change(row, replace(sketch, budget_usd=budget), value * sign * STEP)
    return None


def _moved(several: tuple[float, ...], at: int, step: float) -> tuple[float, ...]:
    return tuple(one + step if t == at else one for t, one in enumerate(several))


def power_changes(sketch: Sketch, rows: list[dict[str, Any]]) -> Iterator[Change]:
    """A limit on power is one number for all periods: its prices of all periods together."""
    for limit in sketch.fleet.power:
        mine = [row for row in rows if row["family"] == "power" and row["name"] == limit.name]
        assert len(mine) == len(sketch.pools[0].capacity_chips)
        for step in (0.25 * limit.max_mw, -0.25 * limit.max_mw):
            wider = replace(limit, max_mw=limit.max_mw + step)
            power = tuple(wider if one is limit else one for one in sketch.fleet.power)
            changed = replace(sketch, fleet=replace(sketch.fleet, power=power))
            saved = sum(row["value"] for row in mine) * step * sketch.period_hours
            yield Change(mine[0], changed, saved)


def outage_changes(sketch: Sketch, rows: list[dict[str, Any]]) -> Iterator[Change]:
    """A little less, or more, to be served after a loss."""
    for outage in sketch.fleet.outages:
        mine = [row for row in rows if row["family"] == "outages" and row["name"] == outage.name]
        assert len(mine) == 1
        for step in (POINT, -POINT):
            if outage.served - step <= 1.0:
                other = replace(outage, served=outage.served - step)
                outages = tuple(other if one is outage else one for one in sketch.fleet.outages)
                changed = replace(sketch, fleet=replace(sketch.fleet, outages=outages))
                yield Change(mine[0], changed, mine[0]["value"] * step / 0.01, CURVED)


def share_changes(sketch: Sketch, rows: list[dict[str, Any]]) -> Iterator[Change]:
    """A limit on a share, in all periods together; one side only, so that it is known which."""
    for share in sketch.shares:
        if (share.min is None) == (share.max is None):
            continue
        mine = [row for row in rows if row["family"] == "shares" and row["name"] == share.name]
        assert mine
        for step in (POINT, -POINT):
            wider = (
                replace(share, max=share.max + step)
                if share.max is not None
                else replace(share, min=(share.min or 0.0) - step)
            )
            shares = tuple(wider if one is share else one for one in sketch.shares)
            saved = sum(row["value"] for row in mine) * step / 0.01
            yield Change(mine[0], replace(sketch, shares=shares), saved, CURVED)


@pytest.mark.parametrize("kind", ["power", "budget", "qualification", "outages", "shares_period"])
def test_shadow_price_bounds_the_cost_of_a_changed_problem(kind: str) -> None:
    wrong, tried = [], 0
    for seed in SEEDS:
        sketch = drawn(kind, seed)
        if sketch.fleet.replicas:
            continue
        result = optimizer.solve(sketch.build())
        if result.status == "infeasible":
            continue
        assert result.objective_usd is not None
        rows = result.shadow_prices().to_polars().to_dicts()
        makers = (changes, power_changes, outage_changes, share_changes)
        for change in [one for make in makers for one in make(sketch, rows)]:
            cost = best_cost(change.sketch.build())
            least = result.objective_usd - change.saved_usd
            slack = 1e-6 * (1 + abs(result.objective_usd) + abs(change.saved_usd))
            bend = change.bend * POINT**2 * (1 + abs(result.objective_usd))
            tried += change.row["value"] != 0
            if (math.inf if cost is None else cost) < least - slack - bend:
                wrong.append((seed, change.row, cost, least))
    assert wrong == []
    assert tried >= 50
