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


Program = tuple[NDArray[np.float64], NDArray[np.float64]]


def cheapest(instance: Instance, period: int, *, shares: bool = False) -> Program:
    """Load per pool and worth of capacity per pool in the cheapest plan of one period.

    The program is written down here once more, for HiGHS, with everything served: it
    cannot be solved when chips or shares do not allow that.
    """
    routes, count = instance.routes, instance.num_routes
    price = instance.price_usd_per_chip_hour[:, period]
    used = np.where(instance.reserved, 0.0, price)[routes.pool]
    cost = routes.chip_hours_per_mtok * used + routes.usd_per_mtok
    every = np.arange(count)
    loads = sparse.csr_matrix(
        (routes.chip_hours_per_mtok, (routes.pool, every)), shape=(instance.num_pools, count)
    )
    chip_hours = instance.capacity_chips[:, period] * instance.period_hours
    paid = price * chip_hours * instance.reserved
    rows, limits = [loads], [chip_hours]
    for row in range(len(instance.shares.share) if shares else 0):
        group = instance.pools.provider.equal(instance.shares.value[row])
        measure = instance.shares.measure[row]
        amount = {"compute": routes.chip_hours_per_mtok, "tokens": np.ones(count), "spend": cost}
        fixed = paid if measure == "spend" else np.zeros_like(paid)
        for sign, limit in ((1, instance.shares.max[row]), (-1, instance.shares.min[row])):
            if not np.isnan(limit):
                inside = sign * (group[routes.pool] - limit) * amount[measure]
                rows.append(sparse.csr_matrix(inside))
                limits.append(np.array([-sign * (fixed[group].sum() - limit * fixed.sum())]))
    found = linprog(
        cost,
        A_ub=sparse.vstack(rows),
        b_ub=np.concatenate(limits),
        A_eq=sparse.csr_matrix(
            (np.ones(count), (routes.workload, every)), shape=(instance.num_workloads, count)
        ),
        b_eq=instance.demand_mtok[:, period],
        method="highs",
    )
    assert found.status == 0, found.message
    return loads @ found.x, -found.ineqlin.marginals[: instance.num_pools]


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
    _, worth = cheapest(instance, 0)
    assert (worth > 1e-6).sum() >= 0.6 * instance.num_pools


def test_capacity_binds_at_the_peak_of_a_week() -> None:
    instance = generate(**{**SMALL, "periods": 168})
    hours = instance.demand_mtok.sum(axis=0).argsort()
    full = [int((cheapest(instance, int(hour))[1] > 1e-6).sum()) for hour in hours[[0, -1]]]
    assert full[0] < full[1]
    assert full[1] >= 5


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


def test_large_models_take_more_and_like_other_chips() -> None:
    instance = generate(workloads=600, pools=32, periods=1, seed=1, eligible=1.0)
    hours = instance.routes.chip_hours_per_mtok.reshape(600, 32)
    chip, model = instance.pools.chip.codes, instance.workloads.model.codes
    mean = np.array([[hours[model == m][:, chip == c].mean() for c in range(8)] for m in range(6)])
    # Models are named in the order of their size.
    assert (np.diff(mean.mean(axis=1)) > 0).all()
    order_of_small, order_of_large = mean[0].argsort(), mean[-1].argsort()
    assert (order_of_small != order_of_large).any()


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


@pytest.mark.parametrize("seed", range(4))
def test_shares_can_be_kept(seed: int) -> None:
    arguments = {**SMALL, "periods": 1, "seed": seed}
    instance = generate(**arguments, shares=True)
    assert instance.shares.measure.values() == ["compute", "tokens", "spend"]
    cheapest(instance, 0, shares=True)
    plain = generate(**arguments)
    assert len(plain.shares.share) == 0
    assert (plain.routes.pool == instance.routes.pool).all()


def test_shares_break_the_cheapest_plan() -> None:
    instance = generate(**SMALL, shares=True)
    hour = int(instance.demand_mtok.sum(axis=0).argmin())
    load, _ = cheapest(instance, hour)
    provider = instance.pools.provider.equal(instance.shares.value[0])
    assert load[provider].sum() / load.sum() > instance.shares.max[0]


def test_asks_for_no_rule_that_was_not_asked_for() -> None:
    instance = generate(**SMALL, deferrable=0.5)
    assert set(instance.workloads.priority.tolist()) == {1}
    assert not instance.workloads.single_pool.any()
    assert not instance.pools.activation_usd.any()
    assert instance.budget_usd is None


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
    load, _ = cheapest(instance, 0, shares=True)
    assert (load <= instance.capacity_chips[:, 0] * (1 + 1e-9)).all()


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


def test_replicas_and_power_leave_the_rest_as_it_was() -> None:
    plain, fleet = generate(**SMALL), generate(**SMALL, replicas=True, power=True)
    assert fleet.title == plain.title + ", replicas true, power true"
    assert fleet.workloads.workload == plain.workloads.workload
    assert (fleet.routes.chip_hours_per_mtok == plain.routes.chip_hours_per_mtok).all()
    assert (fleet.demand_mtok == plain.demand_mtok).all()
    assert len(plain.replicas.model) == len(plain.power.limit) == 0


def test_every_model_runs_in_replicas_that_fit_every_pool() -> None:
    instance = generate(workloads=600, pools=24, periods=4, seed=1, models=24, replicas=True)
    assert len(instance.model_names) == 24
    assert (instance.replica_rows >= 0).all()
    chips = instance.replicas.chips_per_replica
    assert set(chips.tolist()) == {4.0, 8.0, 16.0, 32.0, 64.0}
    sizes = chips[instance.replica_rows]
    # Models are named in the order of their size.
    assert (np.diff(sizes, axis=0) >= 0).all()
    assert len(np.unique(sizes[12])) > 1
    assert set(instance.replicas.target_utilisation.tolist()) == {0.8, 0.85, 0.9, 0.95, 1.0}
    assert not instance.replicas.startup_usd.any()
    assert not instance.replicas.startup_hours.any()
    assert (instance.capacity_chips >= sizes.max(axis=0)[:, None]).all()
    assert (instance.capacity_chips % 8 == 0).all()


def test_replicas_are_counted_in_the_chips_that_there_are() -> None:
    plain, fleet = (generate(**SMALL, replicas=which) for which in (False, True))
    more = fleet.capacity_chips.sum() / plain.capacity_chips.sum()
    mean = 1.0 / fleet.replicas.target_utilisation.mean()
    assert mean - 0.06 < more < mean + 0.06


@pytest.mark.parametrize("replicas", [False, True])
def test_power_of_each_region_is_below_what_its_chips_draw(replicas: bool) -> None:
    instance = generate(**SMALL, replicas=replicas, power=True)
    region = instance.pools.region
    assert sorted(instance.power.value.values()) == sorted(region.names)
    for row in range(len(instance.power.limit)):
        assert instance.power.attribute[row] == "region"
        inside = region.equal(instance.power.value[row])
        watts = instance.pools.watts_per_chip[inside] @ instance.capacity_chips[inside]
        assert 0.849 < 1e6 * instance.power.max_mw[row] / watts.max() < 0.951
