"""Workloads are kept apart, and routes tightened, until promises are kept; folders say so."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import optimizer
from optimizer import promises
from optimizer.cli.main import call
from optimizer.errors import InputError
from optimizer.instance.instance import Instance
from optimizer.promises import slowed, solve
from optimizer.reports.latency_rows import latency_summary
from optimizer.reports.plan_folder import write_plan_folder
from optimizer.reports.read_plan_folder import read_plan
from optimizer.reports.tightened import as_planned
from optimizer.serving.routes import derive
from tests.unit.evaluation.shared_replicas import (
    derived,
    in_whole_replicas,
    three_of_a_class,
)


def whole_crowd(seed: int, count: int, scale: float) -> Instance:
    """Workloads of one model with lengths, promises and demand of their own, in whole replicas."""
    rng = np.random.default_rng(seed)
    demand = scale * rng.uniform(1, 100, (count, 3))
    return derive(
        in_whole_replicas(
            input_tokens=tuple(rng.uniform(100, 6000, count)),
            ttft_ms=tuple(rng.choice([1500.0, 3000.0], count)),
            tpot_ms=tuple(rng.choice([18.0, 25.0, 60.0], count)),
            traffic_class=("chat",) * count,
            demand_mtok=tuple(map(tuple, demand)),
        )
    )[0]


def too_fast(shared_by: str = "model") -> Instance:
    """The second workload's route is typed in, 20 % faster than keeps its promise."""
    instance = derived(shared_by=shared_by)
    return slowed(instance, np.array([1.0, 0.8]))


def test_who_breaks_a_promise_together_is_kept_apart_at_no_cost() -> None:
    instance = derived()
    plain = solve(instance, keep_promises=False)
    assert plain.latency is not None
    assert plain.plan is not None
    assert plain.latency.broken > 0
    assert len(plain.plan.replica_groups) == 0
    kept = solve(instance)
    assert kept.latency is not None
    assert kept.plan is not None
    assert kept.latency.broken == 0
    assert kept.tightening_rounds == 0
    assert kept.verified
    assert kept.status == "optimal"
    assert kept.objective_usd == plain.objective_usd
    assert kept.slower is not None
    assert (kept.slower == 1).all()
    # Each has replicas of its own, as if policy had it so.
    assert kept.plan.replica_groups.value.tolist() == [1, 2]
    alone = solve(derived(shared_by="workload"))
    assert alone.objective_usd == kept.objective_usd


def test_the_summary_counts_groups_and_what_whole_replicas_would_add() -> None:
    """Three of a class; the one with long prompts is apart, the others share on."""
    instance = three_of_a_class()
    plain = latency_summary(solve(instance, keep_promises=False))
    found = latency_summary(solve(instance))
    assert plain is not None
    assert found is not None
    assert (plain.may_share, plain.split, plain.replica_groups) == (1, 0, 1)
    assert (found.may_share, found.split, found.replica_groups) == (1, 1, 2)
    assert {row.workload: (row.own_replicas, row.pools) for row in found.workloads} == {
        "w0": (0, 1),
        "w1": (1, 1),
        "w2": (0, 1),
    }
    filled = instance.routes.chip_hours_per_mtok[:, None] * instance.demand_mtok / 4.0
    both, long = filled[0] + filled[2], filled[1]
    whole_ones = np.ceil(both).sum() + np.ceil(long).sum()
    assert found.rounding_up == pytest.approx(whole_ones / filled.sum() - 1)
    assert plain.rounding_up == pytest.approx(np.ceil(both + long).sum() / filled.sum() - 1)


def test_only_who_breaks_its_promise_alone_is_tightened() -> None:
    instance = too_fast()
    kept = solve(instance)
    assert kept.latency is not None
    assert kept.latency.broken == 0
    assert kept.tightening_rounds == 1
    assert kept.slower is not None
    # 1 / 0.8 would do, but for the tolerance of a promise and the margin of the search.
    assert kept.slower[0] == 1.0
    assert kept.slower[1] == pytest.approx(1.25, rel=5e-3)
    np.testing.assert_allclose(
        kept.instance.routes.chip_hours_per_mtok,
        instance.routes.chip_hours_per_mtok * kept.slower,
    )
    alone = solve(derived(shared_by="workload"))
    assert kept.objective_usd == pytest.approx(alone.objective_usd, rel=5e-3)


def test_what_cannot_be_kept_is_named_and_the_others_are_kept() -> None:
    """20 ms to the first token cannot be: the prefill alone takes longer."""
    instance = derived()
    hard = dataclasses.replace(
        instance,
        workloads=dataclasses.replace(instance.workloads, ttft_ms=np.array([20.0, 3000.0])),
    )
    found = solve(hard)
    assert found.latency is not None
    assert found.tightening_rounds == 0
    assert found.status == "optimal"
    workload = hard.routes.workload[found.latency.groups.route]
    assert workload[~found.latency.kept].tolist() == [0, 0]
    summary = latency_summary(found)
    assert summary is not None
    assert {row.workload: row.broken for row in summary.workloads} == {"w0": 2, "w1": 0}


@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0, 10.0])
def test_groups_in_whole_replicas_have_whole_ones(scale: float) -> None:
    """The bill is that of whole replicas for each workload alone, or below where they can share."""
    instance = derive(
        in_whole_replicas(demand_mtok=((40 * scale, 80 * scale), (120 * scale, 10 * scale)))
    )[0]
    found = solve(instance)
    assert found.latency is not None
    assert found.plan is not None
    assert found.latency.broken == 0
    groups, running = found.latency.groups, found.plan.replicas.value
    split = groups.number > 0
    assert (groups.replicas[split] == np.floor(groups.replicas[split])).all()
    np.testing.assert_allclose(np.bincount(groups.period, groups.replicas), running)
    needed = np.ceil(
        instance.routes.chip_hours_per_mtok[:, None] * instance.demand_mtok / 4.0 - 1e-9
    )
    assert found.objective_usd is not None
    assert found.objective_usd <= needed.sum() * 4 * 2.0 + 1e-6


@pytest.mark.parametrize("seed", [0, 6, 10, 29, 32])
def test_two_rounds_do_for_whole_replicas(seed: int) -> None:
    """Small fleets, in which one replica more or less is much."""
    rng = np.random.default_rng(seed)
    given = whole_crowd(seed, int(rng.integers(2, 9)), float(rng.choice([0.1, 0.3, 5.0])))
    plain, found = solve(given, keep_promises=False), solve(given)
    assert plain.latency is not None
    assert found.latency is not None
    assert plain.latency.broken > 0
    assert found.latency.broken == 0
    assert found.verified
    assert found.tightening_rounds <= 2
    again = solve(given)
    assert again.objective_usd == found.objective_usd
    assert found.plan is not None
    assert again.plan is not None
    assert again.plan.replica_groups.value.tolist() == found.plan.replica_groups.value.tolist()


def test_the_best_of_all_rounds_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that makes everything worse is not the plan that leaves."""
    instance = too_fast()
    first = solve(instance, keep_promises=False)
    monkeypatch.setattr(
        promises, "relief", lambda _instance, _latency, slower, _back: slower * 1.01
    )
    monkeypatch.setattr(promises, "MOST_ROUNDS", 2)
    found = solve(instance)
    assert found.tightening_rounds == 2
    assert found.latency is not None
    assert found.latency.broken > 0
    assert found.objective_usd == first.objective_usd
    assert found.slower is not None
    assert (found.slower == 1).all()


def test_nothing_is_tightened_where_nothing_is_broken() -> None:
    found = solve(derived(shared_by="traffic_class"))
    assert found.tightening_rounds == 0
    assert found.latency is not None
    assert found.latency.broken == 0
    assert found.slower is not None
    assert (found.slower == 1).all()


def test_instances_without_profiles_are_solved_as_ever() -> None:
    found = optimizer.solve(optimizer.generate(workloads=5, pools=3, periods=2, seed=1))
    assert found.latency is None
    assert found.tightening_rounds == 0
    assert latency_summary(found) is None


def test_whole_replicas_have_less_to_do_than_fractions() -> None:
    parts = solve(derived(shared_by="traffic_class"))
    found = solve(derive(in_whole_replicas(shared_by="traffic_class"))[0])
    assert parts.latency is not None
    assert found.latency is not None
    assert found.plan is not None
    running = found.plan.replicas.value
    assert running.sum() >= parts.latency.groups.replicas.sum()
    np.testing.assert_allclose(found.latency.groups.replicas.sum(), running.sum())
    assert (found.latency.ttft_ms <= parts.latency.ttft_ms + 1e-9).all()
    assert found.latency.broken == 0


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An instance in whole replicas, whose plan has groups apart and tightened routes."""
    place = tmp_path_factory.mktemp("promises")
    optimizer.write(in_whole_replicas(), place / "instance")
    (place / "instance" / "routes.csv").unlink(missing_ok=True)
    (place / "instance" / "routes.parquet").unlink(missing_ok=True)
    result = solve(optimizer.read(place / "instance"))
    assert result.tightening_rounds >= 1
    write_plan_folder(result, place / "plan")
    return place / "instance", place / "plan"


def test_a_plan_folder_is_judged_with_the_routes_it_was_made_with(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    instance, plan = folders
    assert call(["check", str(instance), str(plan), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verified"]
    assert found["latency"]["broken"] == 0
    assert 0 < found["latency"]["attainment"] < 1
    head = json.loads((plan / "plan.json").read_text())
    assert head["latency"]["tightening_rounds"] >= 1
    assert head["latency"]["attainment"] == pytest.approx(found["latency"]["attainment"])


def test_the_table_of_latency_has_every_placement(folders: tuple[Path, Path]) -> None:
    _, plan = folders
    seen = pl.read_parquet(plan / "latency.parquet")
    placed = pl.read_parquet(plan / "placements.parquet")
    assert seen.height == placed.height
    assert seen["kept"].all()
    assert set(seen["workload"]) == set(placed["workload"])
    assert (seen["ttft_percentile_ms"] >= seen["ttft_ms"]).all()
    apart = pl.read_parquet(plan / "replica_groups.parquet")
    assert apart.to_dict(as_series=False) == {
        "workload": ["w0", "w1"],
        "pool": ["p", "p"],
        "replica_group": [1, 2],
    }
    found = seen.select("workload", "replica_group").unique().sort("workload")
    assert found.rows() == [("w0", 1), ("w1", 2)]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("replica_group", [1.0, 2.5], "plan, replica_groups: expected whole numbers from 1"),
        ("pool", ["p", "q"], "replica_groups.parquet, row 1, column pool"),
        ("replica_group", [1.0, -1.0], "replica_groups.parquet, row 1, column replica_group"),
    ],
)
def test_a_spoilt_table_of_groups_is_refused(
    folders: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    column: str,
    values: list[Any],
    message: str,
) -> None:
    instance, plan = folders
    spoilt = tmp_path / "plan"
    shutil.copytree(plan, spoilt)
    frame = pl.read_parquet(spoilt / "replica_groups.parquet")
    frame.with_columns(pl.Series(column, values)).write_parquet(spoilt / "replica_groups.parquet")
    assert call(["check", str(instance), str(spoilt)]) == 3
    assert message in capsys.readouterr().err


def test_a_plan_with_groups_is_read_as_it_was_written(folders: tuple[Path, Path]) -> None:
    folder, place = folders
    instance = as_planned(optimizer.read(folder), place)
    plan, _ = read_plan(instance, place)
    assert plan.replica_groups.value.tolist() == [1, 2]
    assert [axis.tolist() for axis in plan.replica_groups.axes] == [[0, 1], [0, 0]]


def test_a_spoilt_table_of_tightened_routes_is_refused(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    instance: Instance = optimizer.read(folders[0])
    frame = pl.DataFrame(
        {"workload": ["w0", "w1"], "pool": ["nowhere", "p"], "chip_hours_per_mtok": [1.0, -1.0]}
    )
    frame.write_parquet(tmp_path / "tightened.parquet")
    with pytest.raises(InputError) as caught:
        as_planned(instance, tmp_path)
    text = str(caught.value)
    assert "tightened.parquet, row 1" in text
    assert "tightened.parquet, row 2" in text
    pl.DataFrame({"workload": ["w0"]}).write_parquet(tmp_path / "tightened.parquet")
    with pytest.raises(InputError, match="chip_hours_per_mtok"):
        as_planned(instance, tmp_path)


def test_the_summary_names_what_was_tightened(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["solve", str(folders[0]), "-q"]) == 0
    told = capsys.readouterr().out
    assert "latency by the queue:" in told
    assert "routes slower than derived" in told
    assert "of 1 sets of workloads that may share replicas 1 are split" in told
    assert "2 groups\n" in told
    assert "own replicas" in told
    assert "1 of 1 pools" in told
    assert "BROKEN" not in told
    assert call(["solve", str(folders[0]), "-q", "--no-keep-promises"]) == 0
    assert "BROKEN" in capsys.readouterr().out
