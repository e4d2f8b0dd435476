"""The shipped instance says what it claims to say, and its plan is proved."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.instance.instance import Instance
from optimizer.result import Result

FOLDER = Path(__file__).parents[2] / "instances" / "frontier-2026-05"

# USD per Mtok by chip, the facts the instance must agree with.
COST_RANGES = {
    "Trainium2": (0.30, 0.50),
    "TPU v7": (0.40, 0.60),
    "H200": (0.60, 0.90),
    "B200": (0.60, 0.90),
}
MAIA = ("azure-maia200-centralus", "azure-maia200-westus3")


@pytest.fixture(scope="module")
def instance() -> Instance:
    return optimizer.read(FOLDER)


@pytest.fixture(scope="module")
def result(instance: Instance) -> Result:
    return optimizer.solve(instance)


def test_committed_files_are_what_the_script_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FOLDER / "make.py", tmp_path], check=True)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert "routes.csv" in written
    same, different, missing = filecmp.cmpfiles(FOLDER, tmp_path, written, shallow=False)
    assert (different, missing) == ([], [])
    assert len(same) == len(written)


def test_it_is_a_week_of_hours_with_three_models_four_classes_four_regions(
    instance: Instance,
) -> None:
    assert instance.num_periods == 168
    assert instance.period_hours == 1
    workloads = instance.workloads
    assert len(workloads.model.names) == 3
    assert set(workloads.traffic_class.names) == {"interactive", "long_context", "agentic", "batch"}
    assert len(workloads.region.names) >= 4
    assert instance.num_workloads == 3 * 4 * len(workloads.region.names)
    batch = workloads.traffic_class.equal("batch")
    assert set(workloads.deadline_periods[batch].tolist()) == {24}
    assert set(workloads.deadline_periods[~batch].tolist()) == {0}
    assert len(instance.residency.workload) > 0


def test_every_route_costs_what_the_facts_say(instance: Instance) -> None:
    routes, pools = instance.routes, instance.pools
    cost = routes.chip_hours_per_mtok * pools.usd_per_chip_hour[routes.pool]
    for chip, (low, high) in COST_RANGES.items():
        mine = cost[pools.chip.equal(chip)[routes.pool]]
        assert len(mine) > 0
        assert low <= mine.min()
        assert mine.max() <= high


def test_maia_is_in_talks_without_a_price_and_ramps_up(instance: Instance) -> None:
    maia = instance.pools.chip.equal("Maia 200")
    assert instance.left_out.tolist() == maia.tolist()
    assert {instance.pools.status[p] for p in np.flatnonzero(maia)} == {"in_talks"}
    assert set(instance.pools.region.values()) >= {"centralus", "westus3"}
    ramp = instance.capacity_chips[maia]
    assert (np.diff(ramp, axis=1) >= 0).all()
    assert (ramp[:, -1] > ramp[:, 0]).all()


def test_every_number_has_a_source_and_a_basis(instance: Instance) -> None:
    for table in (instance.workloads, instance.pools, instance.routes):
        assert "" not in table.source.names
        assert set(table.source.names) <= set(instance.sources.source)
    assert all(address.startswith("http") for address in instance.sources.address.names if address)


def test_plan_is_verified_and_proved(result: Result) -> None:
    assert result.status == "optimal"
    assert result.verified
    assert result.relative_gap is not None
    assert result.relative_gap <= 1e-6
    # Found with scipy's HiGHS on a separately written program, simplex and interior point.
    assert result.objective_usd == pytest.approx(210_635_160.664274, rel=1e-9)


def shares_of_compute(result: Result) -> dict[str, float]:
    """Part of the chip-hours in use by family of chips."""
    assert result.evaluation is not None
    hours = result.evaluation.load_chip_hours.sum(axis=1)
    found: dict[str, float] = defaultdict(float)
    for chip, used in zip(result.instance.pools.chip.values(), hours.tolist(), strict=True):
        family = {"Trainium2": "Trainium", "Trainium3": "Trainium"}.get(chip, chip)
        found[family] += used / hours.sum()
    return found


def test_shares_of_compute_are_those_of_today(result: Result) -> None:
    shares = shares_of_compute(result)
    assert 0.55 <= shares["Trainium"] <= 0.65
    assert 0.30 <= shares["TPU v7"] <= 0.40
    assert shares["Maia 200"] == 0
    assert 0 < shares["H200"] + shares["B200"] < 0.1


def test_maia_takes_its_part_when_a_deal_closes(instance: Instance, result: Result) -> None:
    priced = optimizer.solve(instance.with_prices(dict.fromkeys(MAIA, 2.5)))
    assert priced.status == "optimal"
    assert 0.05 <= shares_of_compute(priced)["Maia 200"] <= 0.15
    assert priced.objective_usd is not None
    assert result.objective_usd is not None
    assert priced.objective_usd < result.objective_usd


def test_limits_bind_and_are_worth_something(result: Result) -> None:
    prices = result.shadow_prices().to_polars()
    share = prices.filter(family="shares", name="aws-compute")["value"].item()
    assert share > 0
    # One point more, solved again, saves about that much: the cost is convex in the limit.
    assert prices.filter(family="capacity")["value"].max() > 0


def test_left_out_pools_are_named_with_the_way_out(result: Result) -> None:
    assert set(result.left_out) == set(MAIA)
    assert all("--price" in why for why in result.left_out.values())
