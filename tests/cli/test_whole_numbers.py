"""Fees and pinned workloads on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.test_commands import TINY, run


def test_a_plan_with_a_fee_names_whose_bound_it_is(tmp_path: Path) -> None:
    out = tmp_path / "plan"
    done = run("solve", TINY / "activation", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == "optimal"
    assert found["objective_usd"] == pytest.approx(21)
    assert found["bound_source"] == "highs"
    assert found["cost_usd"]["activation"] == pytest.approx(10)
    assert "shadow prices are those of the plan with its whole numbers fixed" in found["notes"]
    checked = run("check", TINY / "activation", out)
    assert checked.returncode == 0
    assert "claimed: bound 21.00 USD, by highs" in checked.stdout


def test_prices_of_what_was_not_chosen_are_zero(tmp_path: Path) -> None:
    """One more chip is worth 3 - 0.5 on the paid pool, and nothing on the one whose fee is not."""
    out = tmp_path / "plan"
    assert run("solve", TINY / "activation", "--out", out).returncode == 0
    prices = pl.read_parquet(out / "shadow_prices.parquet").filter(family="capacity")
    worth = {name: rows["value"].max() for (name,), rows in prices.group_by("name")}
    assert worth["bulk"] == pytest.approx(2.5)
    assert worth["near"] == 0


def test_a_solver_without_whole_numbers_is_refused_with_those_that_have_them() -> None:
    done = run("solve", TINY / "single_pool", "--solver", "glop")
    assert done.returncode == 2
    assert "glop takes no whole numbers, which this instance needs; these do: highs, scip" in (
        done.stderr
    )


def test_scip_reaches_the_same_optimum() -> None:
    found = json.loads(run("solve", TINY / "single_pool", "--solver", "scip", "--json").stdout)
    assert found["status"] == "optimal"
    assert found["objective_usd"] == pytest.approx(28)
    assert found["bound_source"] == "scip"
