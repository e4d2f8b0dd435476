"""Routes are tightened until the queue says that promises are kept; folders say so too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import optimizer
from optimizer.cli.main import call
from optimizer.errors import InputError
from optimizer.instance.in_memory import table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.tables import Replicas
from optimizer.promises import solve
from optimizer.reports.latency_rows import latency_summary
from optimizer.reports.plan_folder import write_plan_folder
from optimizer.reports.tightened import as_planned
from tests.unit.evaluation.shared_replicas import derived, underived


def test_a_plan_is_tightened_until_promises_are_kept() -> None:
    instance = derived()
    plain = solve(instance, keep_promises=False)
    assert plain.latency is not None
    assert plain.latency.broken > 0
    assert plain.tightening_rounds == 0
    kept = solve(instance)
    assert kept.latency is not None
    assert kept.latency.broken == 0
    assert kept.tightening_rounds >= 1
    assert kept.status == "optimal"
    assert kept.objective_usd is not None
    assert plain.objective_usd is not None
    assert kept.objective_usd > plain.objective_usd
    assert kept.slower is not None
    np.testing.assert_allclose(
        kept.instance.routes.chip_hours_per_mtok,
        instance.routes.chip_hours_per_mtok * kept.slower,
    )


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
    whole = solve(
        derived(
            shared_by="traffic_class",
            replicas=table_of(
                Replicas,
                1,
                model=Labels.of(["m"]),
                chip=Labels.of(["c"]),
                chips_per_replica=np.array([4.0]),
            ),
        )
    )
    assert parts.latency is not None
    assert whole.latency is not None
    assert whole.plan is not None
    running = whole.plan.replicas.value
    assert running.sum() >= parts.latency.groups.replicas.sum()
    np.testing.assert_allclose(whole.latency.groups.replicas.sum(), running.sum())
    assert (whole.latency.ttft_ms <= parts.latency.ttft_ms + 1e-9).all()
    assert whole.latency.broken == 0


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("promises")
    optimizer.write(underived(), place / "instance")
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
    assert "BROKEN" not in told
    assert call(["solve", str(folders[0]), "-q", "--no-keep-promises"]) == 0
    assert "BROKEN" in capsys.readouterr().out
