"""The shipped instance with every family on says what it claims to say."""

from __future__ import annotations

import csv
import filecmp
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.instance import fleet_tables, serving_tables
from optimizer.instance.doubts import doubts
from optimizer.instance.instance import Instance
from optimizer.instance.tables import MATRICES, TABLES
from optimizer.reports.overview import instance_facts, instance_text

FOLDER = Path(__file__).parents[2] / "instances" / "frontier-2026-05-fleet"
BASE = FOLDER.parent / "frontier-2026-05"

# Tables from which the other instance derives its routes; here they are typed.
DERIVING = {"chips.csv", "models.csv", "profiles.csv", "network.csv", "exclusions.csv"}


@pytest.fixture(scope="module")
def instance() -> Instance:
    return optimizer.read(FOLDER)


@pytest.fixture(scope="module")
def base() -> Instance:
    return optimizer.read(BASE)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_committed_files_are_what_the_script_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", FOLDER / "make.py", tmp_path], check=True)
    written = sorted(path.name for path in tmp_path.iterdir())
    committed = {path.name for path in FOLDER.iterdir() if path.suffix in (".csv", ".toml")}
    assert committed == set(written)
    same, different, missing = filecmp.cmpfiles(FOLDER, tmp_path, written, shallow=False)
    assert (different, missing) == ([], [])
    assert len(same) == len(written)


def test_it_is_the_frontier_instance_and_more() -> None:
    common = {path.name for path in BASE.glob("*.csv")} - DERIVING - {"sources.csv"}
    assert {"workloads.csv", "pools.csv", "shares.csv", "residency.csv"} < common
    for name in sorted(common):
        before, after = rows_of(BASE / name), rows_of(FOLDER / name)
        assert len(after) >= len(before) > 0
        for old, new in zip(before, after, strict=False):
            assert old.items() <= new.items(), name
    for matrix in MATRICES:
        name = f"{matrix.name}.csv"
        assert not (BASE / name).exists() or filecmp.cmp(BASE / name, FOLDER / name, shallow=False)


def test_routes_are_typed_and_not_derived(instance: Instance) -> None:
    assert not (BASE / "routes.csv").exists()
    assert {path.name for path in FOLDER.glob("*.csv")} & DERIVING == {"models.csv"}
    assert instance.num_routes == 485
    assert instance.routes.source.names == ("planning-rates",)
    assert set(instance.routes.configuration.names) <= {""}


def test_every_family_of_the_fleet_has_data(instance: Instance) -> None:
    for spec in TABLES:
        rows = len(getattr(getattr(instance, spec.name), spec.key[0]))
        assert (rows > 0) != (spec.record.__module__ == serving_tables.__name__), spec.name
    workloads, pools, replicas = instance.workloads, instance.pools, instance.replicas
    assert set(workloads.priority.tolist()) == {1, 2, 3}
    assert workloads.protected.any()
    assert (workloads.traffic_class.equal("interactive") == workloads.protected).all()
    assert (pools.activation_usd > 0).sum() == 2
    assert set(instance.shares.per.names) == {"horizon", "period"}
    assert (replicas.startup_usd > 0).all()
    assert (replicas.startup_hours > 0).all()
    assert (~np.isnan(replicas.max_changes_per_period)).any()
    assert set(instance.qualification.use.names) == {"inference", "training"}
    assert instance.budget_usd is not None
    assert (instance.models.min_replicas > 0).all()


def test_every_model_runs_in_replicas_everywhere(instance: Instance) -> None:
    assert (instance.replica_rows >= 0).all()


def test_what_runs_before_fits_the_chips_of_the_first_hour(instance: Instance) -> None:
    running = instance.in_force_replicas
    assert running is not None
    held = running * instance.replicas.chips_per_replica[instance.replica_rows]
    assert (held.sum(axis=0) <= instance.capacity_chips[:, 0]).all()
    assert not running[:, instance.left_out].any()
    total = dict(zip(instance.model_names, running.sum(axis=1).tolist(), strict=True))
    least = zip(instance.models.model, instance.models.min_replicas.tolist(), strict=True)
    assert all(total[model] >= number for model, number in least)


def test_a_chip_is_qualified_from_the_third_day_on(instance: Instance) -> None:
    later = np.flatnonzero(~np.isnan(instance.qualification.qualified_from))
    assert len(later) == 1
    begin = instance.qualification.qualified_from[later]
    assert instance.period_start_seconds[48] == begin


def test_contracts_are_for_a_part_of_the_week(instance: Instance) -> None:
    hours = instance.contract_in_force.sum(axis=1)
    assert ((hours >= 24) & (hours <= 168)).all()
    assert (hours < 168).any()
    assert not instance.left_out[instance.contracts.pool].any()


def test_every_number_has_a_source_and_a_basis(instance: Instance) -> None:
    known = set(instance.sources.source)
    for table in (instance.replicas, instance.contracts):
        assert "" not in table.source.names
        assert set(table.source.names) <= known
    # What a chip draws is told by chip, as its sources are.
    assert {name for name in known if name.startswith("power-")} == {
        "power-trainium",
        "power-trainium3",
        "power-tpu7",
        "power-h200",
        "power-b200",
        "power-maia",
    }
    assert all(address.startswith("http") for address in instance.sources.address.names)


def test_only_the_pools_in_talks_are_doubtful(instance: Instance, base: Instance) -> None:
    assert doubts(instance) == doubts(base)
    assert len(doubts(instance)) == 1


def test_the_overview_counts_the_rules(instance: Instance, base: Instance) -> None:
    rows = instance_facts(instance)["fleet_rows"]
    assert rows == {
        "models": 3,
        "replicas": 18,
        "in_force": 37,
        "contracts": 3,
        "outages": 1,
        "power": 2,
        "qualification": 18,
    }
    assert set(rows) == {
        spec.name for spec in TABLES if spec.record.__module__ == fleet_tables.__name__
    }
    assert (
        "\nrules: models 3, replicas 18, in force 37, contracts 3, outages 1, power 2, "
        "qualification 18, protected workloads 12, budget 235 M USD\n"
    ) in instance_text(instance)
    assert instance_facts(base)["fleet_rows"] == {}
    assert "rules:" not in instance_text(base)


@pytest.mark.slow
def test_whole_replicas_for_a_week_come_within_a_percent(instance: Instance) -> None:
    """Takes a minute and a half; the limit is a minute more than that."""
    result = optimizer.solve(instance, limits=optimizer.Limits(seconds=150.0, threads=2))
    assert result.verified, result.reason
    assert result.method == "rounding"
    assert result.relative_gap is not None
    assert result.relative_gap <= 0.01
