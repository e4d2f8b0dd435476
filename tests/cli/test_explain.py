"""``optimizer explain`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.instance.write import write
from tests.cli.test_commands import TINY, run
from tests.pipeline.clashes import CLASHES


@pytest.fixture
def clash(tmp_path: Path) -> Path:
    """A folder with an instance that no plan can keep."""
    write(CLASHES["budget against a min of spend"].build(), tmp_path / "clash")
    return tmp_path / "clash"


def test_a_conflict_is_told_with_its_ways_out(clash: Path) -> None:
    done = run("explain", clash)
    assert done.returncode == 4, done.stderr
    assert "NO PLAN keeps every rule" in done.stdout
    assert (
        "share google (min 0.5 of spend in provider Google) and budget 60 USD cannot both hold"
        in done.stdout
    )
    assert "share google min 0.333333 (-0.166667)  best plan then costs 60 USD" in done.stdout
    assert "budget 80 USD (+20)" in done.stdout
    assert "rules in conflict" in done.stderr


def test_a_conflict_as_one_object(clash: Path) -> None:
    done = run("explain", clash, "--json")
    assert done.returncode == 4
    found = json.loads(done.stdout)
    assert found["status"] == "infeasible"
    assert found["objective_usd"] is None
    told = found["infeasible"]
    assert [rule["family"] for rule in told["conflict"]] == ["share_min", "budget"]
    assert told["irreducible"] is True
    first, second = told["alternatives"]
    assert first["changes"][0]["after"] == pytest.approx(1 / 3)
    assert second["changes"][0]["amount"] == pytest.approx(20.0)
    assert first["verified"] is second["verified"] is True
    assert (first["cost_usd"], second["cost_usd"]) == pytest.approx((60.0, 80.0), rel=1e-5)


def test_a_plan_folder_is_explained_without_solving(tmp_path: Path) -> None:
    out = tmp_path / "plan"
    assert run("solve", TINY / "capacity", "--out", out).returncode == 0
    arguments = ["--workload", "chat", "--period", 0, "--json"]
    done = run("explain", TINY / "capacity", "--plan", out, *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == "explained"
    assert found["objective_usd"] == pytest.approx(284)
    assert "solve" not in done.stderr
    solved = json.loads(run("explain", TINY / "capacity", *arguments).stdout)
    assert found["candidates"] == solved["candidates"]
    assert found["candidates"]["workload"] == "chat"
    assert {row["pool"] for row in found["candidates"]["rows"]} == {"cheap", "dear"}


def test_a_refused_plan_is_not_explained(tmp_path: Path) -> None:
    import polars as pl

    out = tmp_path / "plan"
    assert run("solve", TINY / "capacity", "--out", out).returncode == 0
    placed = pl.read_parquet(out / "placements.parquet")
    placed.with_columns(pl.col("placed_mtok") * 1.01).write_parquet(out / "placements.parquet")
    done = run("explain", TINY / "capacity", "--plan", out)
    assert done.returncode == 8
    assert "the judge refuses the plan" in done.stdout
    assert "capacity: cheap, period" in done.stdout


def test_a_table_of_candidates_with_a_sentence() -> None:
    done = run("explain", TINY / "left_out", "-q", "--workload", "chat", "--period", 0)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in ("at the margin", "reduced cost", "price unknown", "serves"):
        assert words in done.stdout


def test_a_price_opens_the_pool_whose_price_was_unknown() -> None:
    arguments = ["--workload", "chat", "--period", 0, "--json"]
    closed = json.loads(run("explain", TINY / "left_out", *arguments).stdout)
    (pool,) = (r["pool"] for r in closed["candidates"]["rows"] if r["obstacle"] == "price unknown")
    opened = json.loads(
        run("explain", TINY / "left_out", *arguments, "--price", f"{pool}=2.5").stdout
    )
    assert "price unknown" not in {row["obstacle"] for row in opened["candidates"]["rows"]}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["--workload", "chta", "--period", "0"],
            3,
            'expected the name of a known workload, got "chta" (did you mean "chat"?)',
        ),
        (["--workload", "chat", "--period", "99"], 3, "expected a period from 0 to"),
        (["--workload", "chat"], 2, "workload and period go together"),
        (["--period", "0"], 2, "workload and period go together"),
        (["--time-limit", "-1"], 2, "expected a number >= 0, got -1"),
        (["--plan", "/nowhere"], 3, "expected a plan folder"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_solved(
    arguments: list[str], code: int, words: str
) -> None:
    done = run("explain", TINY / "capacity", *arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert done.stdout == ""
    assert "build" not in done.stderr


def test_no_time_means_no_plan_and_no_conflict() -> None:
    done = run("explain", TINY / "capacity", "--time-limit", 0, "--json")
    assert done.returncode == 7
    found = json.loads(done.stdout)
    assert found["status"] == "no_plan"
    assert found["infeasible"] is None
