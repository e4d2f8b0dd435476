"""``optimizer routes`` and ``optimizer convert`` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.test_commands import TINY, run
from tests.unit.serving.folder import made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "instance").path


def test_derived_routes_are_shown(folder: Path) -> None:
    done = run("routes", folder)
    assert done.returncode == 0, done.stderr
    assert "routes, derived from profiles" in done.stdout
    line = next(x for x in done.stdout.splitlines() if x.startswith("mail") and " there " in x)
    assert "table" in line
    assert "105" in line  # 75 ms measured and 30 ms of round trip
    assert "pairs are no routes" in done.stdout
    assert "lengths of requests unknown" in done.stdout


def test_json_of_one_pair(folder: Path) -> None:
    done = run("routes", folder, "--workload", "chat", "--pool", "rack", "--ranges", "--json")
    found = json.loads(done.stdout)
    assert (found["derived"], found["routes"], found["impossible"]) == (True, 1, 0)
    (row,) = found["rows"]
    assert row["configuration"] == "bench"
    assert row["binding"] in ("ttft", "tpot")
    assert row["ttft_percentile_ms"] <= 1500 * 1.001
    assert (row["throughput_low"], row["throughput_high"]) == (1, 1)
    assert row["chip_hours_per_mtok"] == pytest.approx(
        1e6 / 2560 / 3600 / row["requests_per_second"]
    )


def test_impossible_pairs_and_a_file(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "none.csv"
    done = run("routes", folder, "--impossible", "--pool", "far", "--out", out)
    assert "round trip of 220 ms, at most 100 allowed" in done.stdout
    rows = pl.read_csv(out)
    assert rows.columns == ["workload", "pool", "reason", "why"]
    assert set(rows["pool"]) == {"far"}
    again = run("routes", folder, "--out", out)
    assert again.returncode == 10
    assert "is there already" in again.stderr


def test_given_routes_are_shown_as_they_are() -> None:
    done = run("routes", TINY / "capacity")
    assert "routes, given" in done.stdout
    assert "no routes" not in done.stdout
    refused = run("routes", TINY / "capacity", "--impossible")
    assert refused.returncode == 2
    assert "the routes are given" in refused.stderr


def test_names_that_are_not_there(folder: Path) -> None:
    done = run("routes", folder, "--workload", "chad")
    assert done.returncode == 3
    assert 'did you mean "chat"?' in done.stderr
    done = run("routes", folder, "--out", "routes.txt")
    assert done.returncode == 2


def test_a_folder_without_routes_is_checked_and_solved(folder: Path, tmp_path: Path) -> None:
    done = run("check", folder)
    assert "sound" in done.stdout
    assert "no route, so all of their demand will be given up: hasty, vague" in done.stdout
    out = tmp_path / "plan"
    done = run("solve", folder, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verified"] is True
    assert run("check", folder, out).returncode == 0


def test_convert(tmp_path: Path) -> None:
    table = {
        "gpu": "big",
        "cost": 2.0,
        "tputs": [[40, 20], [8, 4]],
        "indexes": [[16, 128], [128, 256]],
    }
    file = tmp_path / "big.json"
    file.write_text(json.dumps(table), encoding="utf-8")
    out = tmp_path / "instance"
    done = run("convert", "aibrix", file, "--out", out, "--load", "200:60:5", "--whole-replicas")
    assert done.returncode == 0, done.stderr
    assert "1 workloads, 1 pools, 1 profiles, 4 measured rates" in done.stdout
    assert run("solve", out, "-q").returncode == 0
    done = run("convert", "aibrix", file, "--out", out, "--load", "200:60")
    assert done.returncode == 2
    assert "expected INPUT:OUTPUT:RATE" in done.stderr
    assert run("convert", "inferno", tmp_path, "--out", tmp_path / "other").returncode == 10
