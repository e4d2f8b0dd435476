"""``optimizer risk`` as a user meets it."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import optimizer
from optimizer import promises
from optimizer.reports.plan_folder import write_plan_folder
from tests.cli.test_commands import TINY, run
from tests.unit.evaluation.shared_replicas import underived
from tests.unit.evaluation.tightened import at_percentile, folder_of


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan folder for the tiny instance ``capacity``."""
    out = tmp_path_factory.mktemp("plans") / "plan"
    assert run("solve", TINY / "capacity", "--out", out).returncode == 0
    return out


def test_text(plan: Path) -> None:
    done = run("risk", TINY / "capacity", plan, "--demand", "0.5,1.5", "--draws", 500, "--seed", 3)
    assert done.returncode == 0, done.stderr
    assert "500 draws, seed 3, triangular" in done.stdout
    assert "factors 0.5 ... 1.5" in done.stdout
    assert "throughput: as stated" in done.stdout
    assert "cost as stated  284.00 USD" in done.stdout
    assert "worst 5 %" in done.stdout
    assert "chance of unserved demand" in done.stdout
    assert "draws (500 parts)" in done.stderr


def test_one_object(plan: Path) -> None:
    arguments = ["--demand", "0.5,1.5", "--throughput", "0.8,1.1", "--level", 0.9, "--json"]
    arguments += ["--draws", 300, "--distribution", "uniform", "--common-demand", 1]
    done = run("risk", TINY / "capacity", plan, *arguments, "--against", plan)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["status"], found["draws"], found["level"]) == ("sampled", 300, 0.9)
    assert found["planned_usd"] == pytest.approx(284)
    assert found["cost"]["quantiles"]["5"] <= found["cost"]["mean"] <= found["cost"]["tail_mean"]
    assert {row["name"] for row in found["sources"]} == {"demand", "throughput"}
    assert sum(found["mean_cost_usd"].values()) == pytest.approx(found["cost"]["mean"])
    assert found["against"]["difference"]["most"] == 0.0
    assert found["drawn"]["demand"]["high"] == 1.5
    assert found["attainment"] is None
    again = run("risk", TINY / "capacity", plan, *arguments, "--against", plan)
    other = json.loads(again.stdout)
    assert {**other, "seconds": 0} == {**found, "seconds": 0}


def test_nothing_uncertain(plan: Path) -> None:
    done = run("risk", TINY / "capacity", plan, "--draws", 1)
    assert done.returncode == 0, done.stderr
    assert "note: nothing is uncertain" in done.stdout


def test_a_plan_that_the_judge_refuses(plan: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in plan.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    table = pl.read_parquet(plan / "placements.parquet")
    more = table.with_columns(pl.col("placed_mtok") * 2)
    more.write_parquet(broken / "placements.parquet")
    done = run("risk", TINY / "capacity", broken)
    assert done.returncode == 8
    assert "REFUSED by the judge" in done.stdout
    assert "demand" in done.stdout
    done = run("risk", TINY / "capacity", plan, "--against", broken, "--json")
    assert done.returncode == 8
    found = json.loads(done.stdout)
    assert found["status"] == "refused"
    assert found["plan"] == str(broken)
    assert found["violations"]


def test_a_plan_for_other_data(plan: Path) -> None:
    """The words of check; a price of the caller's makes other data too."""
    done = run("risk", TINY / "capacity", plan, "--price", "cheap=3")
    assert done.returncode == 3
    assert "the plan was made for other data" in done.stderr
    done = run("risk", TINY / "purchase", plan)
    assert done.returncode == 3
    assert "error: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--demand", "1.1,1.2"], "demand: expected 0 <= LOW <= 1 <= HIGH"),
        (["--demand", "0.5"], "expected LOW,HIGH, got '0.5'"),
        (["--throughput", "0,1"], "throughput: expected LOW > 0"),
        (["--throughput", "a,1"], "expected a number, got 'a'"),
        (["--level", "1"], "expected a number >= 0 and < 1, got 1"),
        (["--draws", "0"], "0 is not in the range"),
        (["--distribution", "normal"], "'normal' is not one of"),
    ],
)
def test_usage(plan: Path, arguments: list[str], message: str) -> None:
    done = run("risk", TINY / "capacity", plan, *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_time_limit(plan: Path) -> None:
    done = run(
        "risk", TINY / "capacity", plan, "--demand", "0.5,2", "--draws", 10_000_000,
        "--time-limit", 0,
    )  # fmt: skip
    assert done.returncode == 6, done.stderr
    assert "draws of 10,000,000 (the time limit was reached)" in done.stdout


def test_ctrl_c_reports_what_was_drawn(plan: Path) -> None:
    command = [sys.executable, "-m", "optimizer", "risk", str(TINY / "capacity"), str(plan)]
    command += ["--demand", "0.5,2", "--draws", "10000000", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "draws: " in line:  # some blocks are done
                process.send_signal(signal.SIGINT)
                break
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    found = json.loads(output)
    assert found["limit"] == "interrupt"
    assert 0 < found["draws"] < 10_000_000


@pytest.fixture(scope="module")
def tightened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """An instance with derived routes, a plan that was tightened and one that was not."""
    place = tmp_path_factory.mktemp("tightened")
    instance = optimizer.read(folder_of(at_percentile(underived(chips=30.0)), place / "instance"))
    slower = np.array([1.5, 2.0])
    for name, factors in (("tight", slower), ("loose", np.ones(2))):
        found = optimizer.solve(promises.slowed(instance, factors), keep_promises=False)
        rounds = int((factors > 1).any())
        found = dataclasses.replace(found, slower=factors, tightening_rounds=rounds)
        write_plan_folder(found, place / name)
    assert (place / "tight" / "tightened.parquet").exists()
    assert not (place / "loose" / "tightened.parquet").exists()
    return place / "instance", place / "tight", place / "loose"


def test_a_tightened_plan_against_one_that_was_not(tightened: tuple[Path, Path, Path]) -> None:
    instance, tight, loose = tightened
    drawn = ["--demand", "0.7,1.4", "--throughput", "0.8,1.2", "--draws", 300]
    one, other = (
        json.loads(run("risk", instance, plan, "--against", against, *drawn, "--json").stdout)
        for plan, against in ((tight, loose), (loose, tight))
    )
    assert one["cost"] == other["against"]["cost"]
    assert one["against"]["unserved_mtok"] == other["unserved_mtok"]
    assert one["against"]["difference"]["mean"] == -other["against"]["difference"]["mean"]
    assert one["attainment"]["mean"] > one["against"]["attainment"]["mean"] + 0.02
    assert one["against"]["attainment_difference"]["mean"] > 0.02
    alone = json.loads(run("risk", instance, tight, *drawn, "--json").stdout)
    assert alone["cost"] == one["cost"]
    head = json.loads((tight / "plan.json").read_text())
    assert alone["planned_usd"] == pytest.approx(head["objective_usd"])
    text = run("risk", instance, tight, "--against", loose, *drawn).stdout
    assert "other plan: within promise" in text
    assert "within promise less the other's" in text
    assert "note: the plan was made with 2 of 2 routes tightened, up to 2 x the chip-hours" in text


def test_of_two_plans_the_one_for_other_data_is_named(
    tightened: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    instance, tight, loose = tightened
    done = run("risk", instance, loose, "--against", tight, "--price", "p=3")
    assert done.returncode == 3
    assert f"{loose}, plan, instance_digest: expected" in done.stderr
    wrong = tmp_path / "wrong"
    shutil.copytree(tight, wrong)
    pl.read_parquet(tight / "tightened.parquet").with_columns(
        pl.col("chip_hours_per_mtok") * 1.5
    ).write_parquet(wrong / "tightened.parquet")
    done = run("risk", instance, loose, "--against", wrong)
    assert done.returncode == 3
    assert f"{wrong}, plan, instance_digest: expected" in done.stderr
    pl.DataFrame({"workload": ["w0"]}).write_parquet(wrong / "tightened.parquet")
    done = run("risk", instance, loose, "--against", wrong)
    assert done.returncode == 3
    assert f"{wrong}, tightened.parquet: expected columns workload, pool" in done.stderr
