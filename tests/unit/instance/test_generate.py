from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.optimize import linprog

from optimizer.errors import UsageError
from optimizer.instance.generate import generate
from optimizer.instance.instance import Instance, route_starts

SMALL: dict[str, Any] = {"workloads": 60, "pools": 12, "periods": 6, "seed": 3}


def loads_of(instance: Instance) -> sparse.csr_matrix:
    """Chip-hours per pool of one period, by route: (P, R)."""
    routes = instance.routes
    return sparse.csr_matrix(
        (routes.chip_hours_per_mtok, (routes.pool, np.arange(instance.num_routes))),
        shape=(instance.num_pools, instance.num_routes),
    )


def cheapest(instance: Instance, period: int) -> tuple[float, NDArray[np.float64]]:
    """Mtok not served by the cheapest plan of one period, and the worth of capacity per pool.

    The program is written down here once more, without shares, for HiGHS.
    """
    routes, workloads = instance.routes, instance.num_workloads
    price = np.where(instance.reserved, 0.0, instance.price_usd_per_chip_hour[:, period])
    cost = routes.chip_hours_per_mtok * price[routes.pool] + routes.usd_per_mtok
    placed = sparse.csr_matrix(
        (np.ones(instance.num_routes), (routes.workload, np.arange(instance.num_routes))),
        shape=(workloads, instance.num_routes),
    )
    unserved = sparse.identity(workloads, format="csr")
    found = linprog(
        np.concatenate([cost, instance.workloads.unserved_usd_per_mtok]),
        A_ub=sparse.hstack([loads_of(instance), 0 * placed.T[: instance.num_pools, :workloads]]),
        b_ub=instance.capacity_chips[:, period] * instance.period_hours,
        A_eq=sparse.hstack([placed, unserved]),
        b_eq=instance.demand_mtok[:, period],
        method="highs",
    )
    assert found.status == 0
    return float(found.x[instance.num_routes :].sum()), -found.ineqlin.marginals


def test_same_arguments_same_instance() -> None:
    instance = generate(**SMALL)
    assert generate(**SMALL).digest == instance.digest
    assert generate(**{**SMALL, "seed": 4}).digest != instance.digest
    assert instance.name == "synthetic-60x12x6-s3"
    assert instance.title == (
        "Synthetic: workloads 60, pools 12, periods 6, seed 3, eligible 0.7, headroom 0.08, "
        "deferrable 0.0, window 24, shares false, regions 8, models 6, period_hours 1"
    ).replace("0.0,", "0,")


def test_parts_have_random_numbers_of_their_own() -> None:
    instance, longer = generate(**SMALL), generate(**{**SMALL, "periods": 7})
    assert longer.pools.pool == instance.pools.pool
    assert longer.workloads.workload == instance.workloads.workload
    assert (longer.routes.chip_hours_per_mtok == instance.routes.chip_hours_per_mtok).all()


@pytest.mark.parametrize(
    ("workloads", "pools", "periods", "routes"), [(212, 40, 168, 5936), (2000, 40, 1, 56000)]
)
def test_size_is_that_asked_for(workloads: int, pools: int, periods: int, routes: int) -> None:
    instance = generate(workloads=workloads, pools=pools, periods=periods, seed=1)
    assert instance.demand_mtok.shape == (workloads, periods)
    assert instance.capacity_chips.shape == (pools, periods)
    assert routes <= instance.num_routes <= 1.001 * routes


@pytest.mark.parametrize("eligible", [0.0, 0.05, 0.5, 1.0])
def test_every_workload_has_a_route(eligible: float) -> None:
    instance = generate(**SMALL, eligible=eligible)
    assert (np.diff(route_starts(instance)) >= 1).all()
    assert instance.num_routes >= round(eligible * 720)


@pytest.mark.parametrize("change", [{}, {"period_hours": 0.5}, {"headroom": 0.0}, {"seed": 8}])
def test_everything_can_be_served_and_most_pools_are_full_at_the_peak(
    change: dict[str, Any],
) -> None:
    # One period is its own peak.
    instance = generate(**{**SMALL, "periods": 1, "workloads": 300, **change})
    unserved, worth = cheapest(instance, 0)
    assert unserved == pytest.approx(0.0, abs=1e-6)
    assert (worth > 1e-6).sum() >= 0.6 * instance.num_pools


def test_capacity_binds_at_the_peak_of_a_week() -> None:
    instance = generate(**{**SMALL, "periods": 168})
    hours = instance.demand_mtok.sum(axis=0).argsort()
    full = [int((cheapest(instance, int(hour))[1] > 1e-6).sum()) for hour in hours[[0, -1]]]
    assert full[0] < full[1]
    assert full[1] >= 5
    for hour in hours[-3:].tolist():
        assert cheapest(instance, hour)[0] == pytest.approx(0.0, abs=1e-6)


def test_capacity_grows_with_headroom() -> None:
    tight, loose = generate(**SMALL, headroom=0.0), generate(**SMALL, headroom=0.5)
    assert np.abs(loose.capacity_chips - 1.5 * tight.capacity_chips).max() <= 2.0
    assert (tight.capacity_chips == np.round(tight.capacity_chips)).all()


def test_demand_has_a_heavy_tail_and_days() -> None:
    instance = generate(workloads=3000, pools=10, periods=168, seed=1)
    largest = np.sort(instance.demand_mtok.sum(axis=1))[::-1]
    assert largest[:30].sum() > 0.25 * largest.sum()
    # Chat in the region of UTC peaks at 15:00 and is lower on the weekend.
    mine = instance.workloads.region.equal("eu-west")
    mine &= instance.workloads.traffic_class.equal("interactive")
    days = instance.demand_mtok[mine].sum(axis=0).reshape(7, 24)
    assert 13 <= days[:5].sum(axis=0).argmax() <= 17
    assert days[5:].mean() < 0.9 * days[:5].mean()
    east = instance.workloads.region.equal("us-east")
    east &= instance.workloads.traffic_class.equal("interactive")
    assert 18 <= instance.demand_mtok[east].sum(axis=0).reshape(7, 24)[:5].sum(0).argmax() <= 22


def test_chips_suit_models_differently() -> None:
    instance = generate(workloads=600, pools=32, periods=1, seed=1, eligible=1.0)
    hours = instance.routes.chip_hours_per_mtok.reshape(600, 32)
    chip, model = instance.pools.chip.codes, instance.workloads.model.codes
    best = {
        kind: int(np.median([hours[model == kind][:, chip == c].mean() * 1e6 // 1 for c in (0, 1)]))
        for kind in range(6)
    }
    assert sorted(best.values()) == list(best.values()), "models are listed by size"
    worth = instance.pools.usd_per_chip_hour
    liked = {int(chip[(hours[row] * worth).argmin()]) for row in range(600)}
    assert len(liked) >= 3


def test_penalties_are_well_above_the_cost_of_any_route() -> None:
    instance = generate(**SMALL)
    routes = instance.routes
    dearest = instance.price_usd_per_chip_hour.max(axis=1)[routes.pool]
    cost = routes.chip_hours_per_mtok * dearest + routes.usd_per_mtok
    assert (instance.workloads.unserved_usd_per_mtok[routes.workload] >= 4.0 * cost).all()


def test_egress_depends_on_the_pair_of_regions() -> None:
    instance = generate(**SMALL)
    seen: dict[tuple[str, str], set[float]] = {}
    for route in range(instance.num_routes):
        here = instance.workloads.region[int(instance.routes.workload[route])]
        there = instance.pools.region[int(instance.routes.pool[route])]
        usd = float(instance.routes.usd_per_mtok[route])
        seen.setdefault((here, there), set()).add(usd)
        assert (usd == 0) == (here == there)
    assert all(len(costs) == 1 for costs in seen.values())


def test_part_that_may_wait() -> None:
    instance = generate(**SMALL, deferrable=0.25, window=5)
    waits = instance.workloads.deadline_periods
    assert waits.tolist().count(5) == 15
    assert set(waits.tolist()) == {0, 5}
    assert (instance.workloads.traffic_class.equal("batch") == (waits == 5)).all()
    assert not generate(**SMALL).workloads.deadline_periods.any()


def test_pools_are_bought_in_three_ways_and_spot_prices_move() -> None:
    instance = generate(workloads=10, pools=40, periods=48, seed=1)
    assert instance.pools.purchase.names == ("on_demand", "reserved", "spot")
    spot = instance.pools.purchase.equal("spot")
    moves = np.ptp(instance.price_usd_per_chip_hour, axis=1) > 0
    assert (moves == spot).all()
    assert not instance.left_out.any()


def test_shares_are_kept_by_some_plan_and_break_the_cheapest() -> None:
    instance = generate(**SMALL, shares=True)
    assert instance.shares.measure.values() == ["compute", "tokens", "spend"]
    plain = generate(**SMALL)
    assert plain.num_routes == instance.num_routes
    assert len(plain.shares.share) == 0
    low = np.nan_to_num(instance.shares.min, nan=0.0)
    high = np.nan_to_num(instance.shares.max, nan=1.0)
    assert (low < high).all()


def test_ids_say_what_a_workload_is() -> None:
    instance = generate(**SMALL, regions=14, models=3)
    pattern = r"m(\d\d)-(interactive|agentic|long_context|batch)-([a-z]+-[a-z]+(-\d)?)-t\d{5}"
    for row, name in enumerate(instance.workloads.workload):
        match = re.fullmatch(pattern, name)
        assert match is not None
        assert instance.workloads.model[row] == f"m{match[1]}"
        assert instance.workloads.region[row] == match[3]
    assert instance.workloads.workload[0].endswith("-t00000")


@pytest.mark.parametrize(
    "arguments",
    [
        {"workloads": 1, "pools": 1, "periods": 1, "regions": 1, "models": 1},
        {"workloads": 7, "pools": 3, "periods": 1, "regions": 1, "models": 1, "shares": True},
        {"workloads": 300, "pools": 2, "periods": 2, "regions": 2, "models": 2, "deferrable": 1.0},
    ],
)
def test_extremes_are_sound(arguments: dict[str, Any]) -> None:
    instance = generate(seed=0, **arguments)
    assert instance.num_workloads == arguments["workloads"]
    assert cheapest(instance, 0)[0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"workloads": 0}, "workloads: expected a whole number >= 1, got 0"),
        ({"pools": 2.5}, "pools: expected a whole number >= 1, got 2.5"),
        ({"seed": -1}, "seed: expected a whole number >= 0, got -1"),
        ({"eligible": 1.2}, "eligible: expected a fraction from 0 to 1, got 1.2"),
        ({"headroom": float("nan")}, "headroom: expected a finite number >= 0, got nan"),
        ({"period_hours": 0}, "period_hours: expected hours > 0"),
        ({"models": 0, "regions": 0}, "regions: expected a whole number >= 1, got 0\nmodels: "),
    ],
)
def test_refuses_arguments_out_of_range(change: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(text)):
        generate(**{**SMALL, **change})
